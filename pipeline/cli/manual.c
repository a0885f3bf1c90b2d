/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/cli/manual.h"

#include "artifacts/base/map.h"

#define MAX_OPTIONS 64

/* --- mdoc
 * ---------------------------------------------------------------------- */

/* Text for mdoc: backslashes doubled, a '-' of an option kept a minus, each
 * sentence on a line of its own. */
static void
add_roff(struct ax_str *s, const char *text, size_t n)
{
	if (n && (text[0] == '.' || text[0] == '\''))
		ax_str_add(s, "\\&");
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\\')
			ax_str_add(s, "\\e");
		else if (text[i] == '-')
			ax_str_add(s, "\\-");
		else if (text[i] == ' ' && i && strchr(".?!", text[i - 1]))
			ax_str_addc(s, '\n');
		else
			ax_str_addc(s, text[i]);
	}
}

/* A line that is shown as it is. */
static void
add_literal(struct ax_str *s, const char *text, size_t n)
{
	if (n && (text[0] == '.' || text[0] == '\''))
		ax_str_add(s, "\\&");
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\\' || text[i] == '-')
			ax_str_add(s, text[i] == '-' ? "\\-" : "\\e");
		else
			ax_str_addc(s, text[i]);
	}
}

/* Paragraphs; lines that start with blanks are shown as they are. */
static void
add_text(struct ax_str *s, const char *text)
{
	bool literal = false, gap = false;

	while (*text) {
		size_t n = strcspn(text, "\n");
		bool indented = n && text[0] == ' ';

		if (!n) {
			gap = true;
		} else {
			if (literal && !indented) {
				ax_str_add(s, ".Ed\n");
				literal = false;
			}
			if (indented && !literal)
				ax_str_add(s, ".Bd -literal -offset indent\n");
			else if (gap)
				ax_str_add(s, literal ? "\n" : ".Pp\n");
			literal = indented;
			if (indented)
				add_literal(s, text + strspn(text, " "),
					    n - strspn(text, " "));
			else
				add_roff(s, text, n);
			ax_str_addc(s, '\n');
			gap = false;
		}
		text += n + (text[n] == '\n');
	}
	if (literal)
		ax_str_add(s, ".Ed\n");
}

static void
add_item(struct ax_str *s, const struct ax_option *o)
{
	ax_str_add(s, ".It");
	if (o->letter)
		ax_str_addf(s, " Fl %c ,", o->letter);
	ax_str_add(s, " Fl Fl ");
	add_roff(s, o->name, strlen(o->name));
	if (o->value && o->value[0] == '=') {
		ax_str_add(s, " Ns Oo = Ns Ar ");
		add_roff(s, o->value + 1, strlen(o->value + 1));
		ax_str_add(s, " Oc");
	} else if (o->value) {
		ax_str_add(s, " Ar ");
		add_roff(s, o->value, strlen(o->value));
	}
	ax_str_addc(s, '\n');
	add_roff(s, o->help, strlen(o->help));
	ax_str_add(s, ".\n");
}

static void
add_options(struct ax_str *s, const struct ax_option *o)
{
	if (!o || !o->name)
		return;
	ax_str_add(s, ".Bl -tag -width Ds\n");
	for (; o->name; o++)
		add_item(s, o);
	ax_str_add(s, ".El\n");
}

static void
add_command(struct ax_str *s, const struct ax_command *c)
{
	ax_str_addf(s, ".Ss axpipe %s", c->name);
	if (c->operands && *c->operands) {
		ax_str_add(s, " ");
		add_roff(s, c->operands, strlen(c->operands));
	}
	ax_str_addc(s, '\n');
	add_roff(s, c->summary, strlen(c->summary));
	ax_str_add(s, ".\n");
	if (c->text && *c->text) {
		ax_str_add(s, ".Pp\n");
		add_text(s, c->text);
	}
	add_options(s, c->options);
	if (c->shared)
		ax_str_add(s, ".Pp\nThe shared options are taken as well.\n");
}

static const char head[] = ".Dd $Mdocdate$\n"
			   ".Dt AXPIPE 1\n"
			   ".Os\n"
			   ".Sh NAME\n"
			   ".Nm axpipe\n"
			   ".Nd reproducible pipelines from approximate "
			   "circuits to the networks on them\n"
			   ".Sh SYNOPSIS\n"
			   ".Nm\n"
			   ".Ar command\n"
			   ".Op Ar option ...\n"
			   ".Op Ar argument ...\n"
			   ".Nm\n"
			   ".Fl Fl version\n"
			   ".Sh DESCRIPTION\n"
			   ".Nm\n"
			   "reads a manifest (JSON), works out which stages "
			   "have to run, runs them, and keeps\n"
			   "every outcome under a key made of everything that "
			   "it depends on: what has not\n"
			   "changed is never run twice.\n"
			   ".Sh COMMANDS\n";

static const char tail[] =
	".Sh ENVIRONMENT\n"
	".Bl -tag -width AXPIPE_MIRROR\n"
	".It Ev AXPIPE_STORE\n"
	"The store, unless\n.Fl Fl store\nis given.\n"
	".It Ev AXPIPE_STAGES\n"
	"Folders of stages, separated by colons, searched "
	"after those of\n.Fl Fl stages .\n"
	".It Ev AXPIPE_MIRROR\n"
	"Folders that hold pinned inputs, separated by "
	"colons, searched after those of\n.Fl Fl mirror .\n"
	".It Ev AXPIPE_REMOTE , AXPIPE_REMOTE_MODE , "
	"AXPIPE_REMOTE_CA , AXPIPE_REMOTE_SOCKET , AXPIPE_REMOTE_KEY , "
	"AXPIPE_REMOTE_TRUST\n"
	"What the options\n.Fl Fl remote ,\n"
	".Fl Fl remote\\-mode ,\n.Fl Fl remote\\-ca ,\n"
	".Fl Fl remote\\-socket ,\n.Fl Fl remote\\-key\nand\n"
	".Fl Fl remote\\-trust\n(files, separated by colons) say when they "
	"are given.\n"
	".It Ev AXPIPE_REMOTE_USER , AXPIPE_REMOTE_PASSWORD\n"
	"Credentials for the remote cache, unless its "
	"address or\n.Pa ~/.netrc\nhas them.\n"
	".It Ev AXPIPE_REMOTE_TIMEOUT\n"
	"Seconds to wait for an answer of the remote cache "
	"(default 30).\n"
	".It Ev AXPIPE_SLURM_POLL , AXPIPE_SLURM_LAG\n"
	"Seconds between two questions to Slurm (default 5, rising to 30), "
	"and that a file of\nthe shared file system may come late (20).\n"
	".It Ev AXPIPE_SIMD\n"
	"The vector instructions that stages may use:\n.Cm "
	"scalar , avx2 , avx512\nor\n.Cm avx512vbmi .\n"
	"No result depends on it.\n"
	".El\n"
	".Sh EXIT STATUS\n"
	".Bl -tag -width Ds -compact\n"
	".It 0\ndone\n"
	".It 1\na stage failed\n"
	".It 2\nusage or manifest error\n"
	".It 3\nenvironment: a tool is missing, the disk is "
	"full, the network fails\n"
	".It 4\na claim, a rebuild check, an audit or a bundle did not "
	"hold; runs differ\n"
	".It 130\ninterrupted\n"
	".El\n"
	".Sh EXAMPLES\n"
	"Run a manifest, see what a second run would do, "
	"and check its claims:\n"
	".Bd -literal -offset indent\n"
	"axpipe run demo.json\n"
	"axpipe plan demo.json\n"
	"axpipe check demo.json\n"
	".Ed\n";

void
ax_manual_page(struct ax_str *s)
{
	/* the date is fixed: the same program prints the same page */
	ax_str_add(s, ".\\\" Generated by axpipe help --man.\n");
	ax_str_add(s, head);
	for (size_t i = 0; ax_commands[i]; i++)
		add_command(s, ax_commands[i]);
	ax_str_add(s, ".Ss Shared options\n"
		      "Taken by every command that reads a manifest.\n");
	add_options(s, ax_shared_options);
	ax_str_add(s, tail);
}

/* --- completion
 * ------------------------------------------------------------------ */

static bool
is_folder(const char *value)
{
	return value && strcmp(value, "DIR") == 0;
}

static bool
is_file(const char *value)
{
	return value && strcmp(value + (value[0] == '='), "FILE") == 0;
}

static bool
is_choice(const char *value)
{
	return value && strchr(value, '|');
}

/* The words of "ro|rw", or of an operand "new|show FILE", with blanks between
 * them. */
static void
add_choices(struct ax_str *s, const char *value)
{
	for (; *value && *value != ' '; value++)
		ax_str_addc(s, *value == '|' ? ' ' : *value);
}

static bool
first_chosen(const struct ax_command *c)
{
	const char *bar = c->operands ? strchr(c->operands, '|') : NULL;

	return bar && bar < strchrnul(c->operands, ' ');
}

static void
bash_command(struct ax_str *s, const struct ax_command *c)
{
	const struct ax_option *all[MAX_OPTIONS];
	size_t n = ax_command_options(c, all, MAX_OPTIONS);

	ax_str_addf(s, "\t%s) options='--help", c->name);
	for (size_t i = 0; i < n; i++)
		ax_str_addf(s, " --%s%s", all[i]->name,
			    all[i]->value && all[i]->value[0] == '=' ? "="
								     : "");
	ax_str_add(s, "' ;;\n");
}

/* A case for each option that takes one of some words. */
static void
bash_choices(struct ax_str *s)
{
	const struct ax_option *all[MAX_OPTIONS];
	struct ax_map seen = AX_MAP_INIT;

	for (size_t c = 0; ax_commands[c]; c++) {
		size_t n = ax_command_options(ax_commands[c], all, MAX_OPTIONS);

		for (size_t i = 0; i < n; i++) {
			if (!is_choice(all[i]->value) ||
			    ax_map_set(&seen, all[i]->name, (void *)all[i]))
				continue;
			ax_str_addf(s, "\t--%s) COMPREPLY=($(compgen -W '",
				    all[i]->name);
			add_choices(s, all[i]->value);
			ax_str_add(s, "' -- \"$cur\")); return ;;\n");
		}
	}
	ax_map_free(&seen);
}

/* The options of all commands whose value is of a kind, as a case pattern. */
static void
bash_pattern(struct ax_str *s, bool (*kind)(const char *value))
{
	const struct ax_option *all[MAX_OPTIONS];
	struct ax_map seen = AX_MAP_INIT;
	size_t n, count = 0;

	for (size_t c = 0; ax_commands[c]; c++) {
		n = ax_command_options(ax_commands[c], all, MAX_OPTIONS);
		for (size_t i = 0; i < n; i++)
			if (kind(all[i]->value) && all[i]->value[0] != '=' &&
			    !ax_map_set(&seen, all[i]->name, (void *)all[i]))
				ax_str_addf(s, "%s--%s", count++ ? "|" : "",
					    all[i]->name);
	}
	ax_map_free(&seen);
	if (!count)
		ax_str_add(s, "--");
}

static bool
is_other(const char *value)
{
	return value && value[0] != '=' && !is_folder(value) &&
	       !is_file(value) && !is_choice(value);
}

static void
bash(struct ax_str *s)
{
	ax_str_add(s,
		   "# bash completion for axpipe; generated by axpipe help "
		   "--completion bash\n"
		   "# paths as bash itself completes them, blanks and all\n"
		   "_axpipe_paths()\n"
		   "{\n"
		   "\tcompopt -o \"$1\" 2>/dev/null || mapfile -t COMPREPLY "
		   "< <(compgen \"$2\" -- \"$cur\")\n"
		   "}\n"
		   "_axpipe()\n"
		   "{\n"
		   "\tlocal cur=${COMP_WORDS[COMP_CWORD]} "
		   "prev=${COMP_WORDS[COMP_CWORD-1]} options=\n"
		   "\tCOMPREPLY=()\n"
		   "\t# --option=value comes as three words\n"
		   "\tif [ \"$cur\" = = ]; then cur=; elif [ \"$prev\" = = ]; "
		   "then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
		   "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
		   "\t\tCOMPREPLY=($(compgen -W '");
	for (size_t i = 0; ax_commands[i]; i++)
		ax_str_addf(s, "%s ", ax_commands[i]->name);
	ax_str_add(s, "--help --version' -- \"$cur\"))\n"
		      "\t\treturn\n"
		      "\tfi\n"
		      "\tcase $prev in\n");
	bash_choices(s);
	ax_str_addc(s, '\t');
	bash_pattern(s, is_folder);
	ax_str_add(s, ") _axpipe_paths dirnames -d; return ;;\n\t");
	bash_pattern(s, is_file);
	ax_str_add(s, ") _axpipe_paths default -f; return ;;\n\t");
	bash_pattern(s, is_other);
	ax_str_add(s, ") return ;;\n"
		      "\tesac\n"
		      "\tcase ${COMP_WORDS[1]} in\n");
	for (size_t i = 0; ax_commands[i]; i++)
		bash_command(s, ax_commands[i]);
	ax_str_add(s, "\tesac\n"
		      "\tcase ${COMP_WORDS[1]}:$cur in\n"
		      "\t*:-*) COMPREPLY=($(compgen -W \"$options\" -- "
		      "\"$cur\")) ;;\n"
		      "\thelp:*) COMPREPLY=($(compgen -W '");
	for (size_t i = 0; ax_commands[i]; i++)
		ax_str_addf(s, "%s%s", i ? " " : "", ax_commands[i]->name);
	ax_str_add(s, "' -- \"$cur\")) ;;\n");
	for (size_t i = 0; ax_commands[i]; i++) {
		if (!first_chosen(ax_commands[i]))
			continue;
		ax_str_addf(s,
			    "\t%s:*) if [ \"$COMP_CWORD\" -eq 2 ]; then "
			    "COMPREPLY=($(compgen -W '",
			    ax_commands[i]->name);
		add_choices(s, ax_commands[i]->operands);
		ax_str_add(s, "' -- \"$cur\")); else _axpipe_paths default "
			      "-f; fi ;;\n");
	}
	ax_str_add(s, "\tstages:*) COMPREPLY=($(compgen -W \"$(axpipe stages "
		      "--names 2>/dev/null)\" -- \"$cur\")) ;;\n"
		      "\t*) _axpipe_paths default -f ;;\n"
		      "\tesac\n"
		      "}\n"
		      "complete -o filenames -F _axpipe axpipe\n");
}

/* Text within a zsh _arguments description. */
static void
add_zsh(struct ax_str *s, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			ax_str_add(s, "'\\''");
		else if (strchr("[]:\\", *text))
			ax_str_addf(s, "\\%c", *text);
		else
			ax_str_addc(s, *text);
	}
}

/* '(-j --jobs)'{-j+,--jobs=}'[ of an option with a letter, '--name=[ of
 * another. */
static void
zsh_names(struct ax_str *s, const struct ax_option *o)
{
	const char *many = o->kind == AX_OPT_MANY ? "*" : "";
	const char *join = !o->value ? "" : o->value[0] == '=' ? "=-" : "=";

	if (!o->letter)
		ax_str_addf(s, "\t\t\t'%s--%s%s[", many, o->name, join);
	else if (*many)
		ax_str_addf(s, "\t\t\t'*'{-%c+,--%s=}'[", o->letter, o->name);
	else
		ax_str_addf(s, "\t\t\t'(-%c --%s)'{-%c%s,--%s%s}'[", o->letter,
			    o->name, o->letter, o->value ? "+" : "", o->name,
			    join);
}

static void
zsh_command(struct ax_str *s, const struct ax_command *c)
{
	const struct ax_option *all[MAX_OPTIONS];
	size_t n = ax_command_options(c, all, MAX_OPTIONS);

	ax_str_addf(s,
		    "\t%s)\n\t\t_arguments -s \\\n"
		    "\t\t\t'(-h --help)'{-h,--help}'[print the help]' \\\n",
		    c->name);
	for (size_t i = 0; i < n; i++) {
		const struct ax_option *o = all[i];

		zsh_names(s, o);
		add_zsh(s, o->help);
		ax_str_addc(s, ']');
		if (o->value) {
			ax_str_add(s, o->value[0] == '=' ? "::" : ":");
			add_zsh(s, o->value + (o->value[0] == '='));
			ax_str_add(s, is_folder(o->value)   ? ":_files -/"
				      : is_file(o->value)   ? ":_files"
				      : is_choice(o->value) ? ":("
							    : ":");
			if (is_choice(o->value)) {
				add_choices(s, o->value);
				ax_str_addc(s, ')');
			}
		}
		ax_str_add(s, "' \\\n");
	}
	if (strcmp(c->name, "help") == 0)
		ax_str_add(s, "\t\t\t'*:command:($commands)'\n");
	else if (strcmp(c->name, "stages") == 0)
		ax_str_add(s, "\t\t\t'*:stage:($(axpipe stages --names "
			      "2>/dev/null))'\n");
	else if (first_chosen(c)) {
		ax_str_add(s, "\t\t\t'1:what:(");
		add_choices(s, c->operands);
		ax_str_add(s, ")' '*:file:_files'\n");
	} else
		ax_str_add(s, "\t\t\t'*:file:_files'\n");
	ax_str_add(s, "\t\t;;\n");
}

static void
zsh(struct ax_str *s)
{
	ax_str_add(s, "#compdef axpipe\n"
		      "# zsh completion for axpipe; generated by axpipe help "
		      "--completion zsh\n"
		      "local -a commands described\n"
		      "commands=(");
	for (size_t i = 0; ax_commands[i]; i++)
		ax_str_addf(s, "%s%s", i ? " " : "", ax_commands[i]->name);
	ax_str_add(s, ")\ndescribed=(\n");
	for (size_t i = 0; ax_commands[i]; i++) {
		ax_str_addf(s, "\t'%s:", ax_commands[i]->name);
		add_zsh(s, ax_commands[i]->summary);
		ax_str_add(s, "'\n");
	}
	ax_str_add(s, ")\n"
		      "if (( CURRENT == 2 )); then\n"
		      "\t_describe command described\n"
		      "\treturn\n"
		      "fi\n"
		      "local command=$words[2]\n"
		      "shift words\n"
		      "(( CURRENT-- ))\n"
		      "case $command in\n");
	for (size_t i = 0; ax_commands[i]; i++)
		zsh_command(s, ax_commands[i]);
	ax_str_add(s, "esac\n");
}

void
ax_manual_completion(struct ax_str *s, const char *shell)
{
	if (strcmp(shell, "bash") == 0)
		bash(s);
	else
		zsh(s);
}
