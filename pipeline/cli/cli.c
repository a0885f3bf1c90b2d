/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/cli/cli.h"

#include "pipeline/manifest/place.h"
#include "pipeline/run/confine.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <unistd.h>

#define MAX_OPTIONS 64
#define HELP_COLUMN 26
#define HELP_WIDTH 80

/* One option that was given, with all of its values in order. */
struct ax_arg {
	const struct ax_option *option;
	const char **values; /* borrowed from argv */
	size_t n, cap;
	double number; /* AX_OPT_NUMBER: the last one */
};

size_t
ax_command_options(const struct ax_command *c, const struct ax_option **out,
		   size_t max)
{
	const struct ax_option *o;
	size_t n = 0;

	for (o = c->options; o && o->name && n < max; o++)
		out[n++] = o;
	for (o = ax_shared_options; c->shared && o->name && n < max; o++)
		out[n++] = o;
	return n;
}

const struct ax_command *
ax_command_find(const char *name, struct ax_err *err)
{
	const char *names[MAX_OPTIONS], *near;
	size_t n = 0;

	for (size_t i = 0; ax_commands[i]; i++) {
		if (ax_streq(ax_commands[i]->name, name))
			return ax_commands[i];
		if (n < MAX_OPTIONS)
			names[n++] = ax_commands[i]->name;
	}
	for (size_t i = 0; ax_hidden_commands[i]; i++)
		if (ax_streq(ax_hidden_commands[i]->name, name))
			return ax_hidden_commands[i];
	near = ax_nearest(name, names, n);
	if (near)
		ax_err_set(err, AX_EXIT_USAGE,
			   "unknown command '%s'; did you mean '%s'?", name,
			   near);
	else
		ax_err_set(err, AX_EXIT_USAGE,
			   "unknown command '%s'; 'axpipe help' lists them",
			   name);
	return NULL;
}

static struct ax_arg *
find_given(const struct ax_args *a, const char *name)
{
	for (size_t i = 0; i < a->ngiven; i++)
		if (ax_streq(a->given[i].option->name, name))
			return &a->given[i];
	return NULL;
}

/* One of the words of "ro|rw". */
static int
check_choice(const struct ax_option *o, const char *value, struct ax_err *err)
{
	char *words = ax_strdup(o->value), *hint;
	const char *names[MAX_OPTIONS];
	size_t n = 0;
	int rc = -1;

	for (char *p = words; p && n < MAX_OPTIONS;) {
		names[n++] = p;
		p = strchr(p, '|');
		if (p)
			*p++ = '\0';
	}
	for (size_t i = 0; i < n; i++)
		if (ax_streq(value, names[i]))
			rc = 0;
	if (rc < 0) {
		hint = ax_suggest(value, names, n, "it is one of");
		ax_err_set(err, AX_EXIT_USAGE, "option --%s: '%s' is none%s",
			   o->name, value, hint);
		free(hint);
	}
	free(words);
	return rc;
}

static int
give(struct ax_args *a, const struct ax_option *o, const char *value,
     struct ax_err *err)
{
	struct ax_arg *arg = find_given(a, o->name);
	char *end;

	if (!arg) {
		AX_GROW(a->given, a->ngiven, a->cgiven);
		arg = &a->given[a->ngiven++];
		memset(arg, 0, sizeof(*arg));
		arg->option = o;
	}
	if (!value)
		return 0;
	if (o->kind == AX_OPT_NUMBER) {
		errno = 0;
		arg->number = strtod(value, &end);
		if (end == value || *end || errno || !isfinite(arg->number))
			return ax_err_set(
				err, AX_EXIT_USAGE,
				"option --%s wants a number, not '%s'", o->name,
				value);
	}
	if (strchr(o->value, '|') && check_choice(o, value, err) < 0)
		return -1;
	AX_GROW(arg->values, arg->n, arg->cap);
	arg->values[arg->n++] = value;
	return 0;
}

static bool
value_optional(const struct ax_option *o)
{
	return o->value && o->value[0] == '=';
}

static int
unknown_option(const struct ax_args *a, const char *name, struct ax_err *err)
{
	const struct ax_option *all[MAX_OPTIONS];
	const char *names[MAX_OPTIONS + 1], *near;
	size_t n = ax_command_options(a->command, all, MAX_OPTIONS);

	for (size_t i = 0; i < n; i++)
		names[i] = all[i]->name;
	names[n++] = "help";
	near = ax_nearest(name, names, n);
	if (near)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "%s: unknown option --%s; did you mean --%s?",
				  a->command->name, name, near);
	return ax_err_set(
		err, AX_EXIT_USAGE,
		"%s: unknown option --%s; 'axpipe help %s' lists them",
		a->command->name, name, a->command->name);
}

/* "--name", "--name=value" or "--name value"; *used is 1 or 2. */
static int
parse_long(struct ax_args *a, const char *text, const char *next, int *used,
	   struct ax_err *err)
{
	const struct ax_option *all[MAX_OPTIONS], *o = NULL;
	size_t n = ax_command_options(a->command, all, MAX_OPTIONS);
	const char *eq = strchr(text, '=');
	char *name = ax_strndup(text, eq ? (size_t)(eq - text) : strlen(text));
	int rc;

	*used = 1;
	if (ax_streq(name, "help") && !eq) {
		a->help = true;
		free(name);
		return 0;
	}
	for (size_t i = 0; i < n && !o; i++)
		if (ax_streq(all[i]->name, name))
			o = all[i];
	if (!o) {
		rc = unknown_option(a, name, err);
	} else if (o->kind == AX_OPT_FLAG) {
		rc = eq ? ax_err_set(err, AX_EXIT_USAGE,
				     "%s: option --%s takes no value",
				     a->command->name, name)
			: give(a, o, NULL, err);
	} else if (eq || value_optional(o)) {
		rc = give(a, o, eq ? eq + 1 : NULL, err);
	} else if (next) {
		*used = 2;
		rc = give(a, o, next, err);
	} else {
		rc = ax_err_set(err, AX_EXIT_USAGE,
				"%s: option --%s needs a value: --%s %s",
				a->command->name, name, name, o->value);
	}
	free(name);
	return rc;
}

/* "-k", "-kj4", "-j 4"; *used is 1 or 2. */
static int
parse_short(struct ax_args *a, const char *text, const char *next, int *used,
	    struct ax_err *err)
{
	const struct ax_option *all[MAX_OPTIONS], *o;
	size_t n = ax_command_options(a->command, all, MAX_OPTIONS);

	*used = 1;
	for (; *text; text++) {
		o = NULL;
		for (size_t i = 0; i < n && !o; i++)
			if (all[i]->letter == *text)
				o = all[i];
		if (!o && *text == 'h') {
			a->help = true;
			continue;
		}
		if (!o)
			return ax_err_set(err, AX_EXIT_USAGE,
					  "%s: unknown option -%c; 'axpipe "
					  "help %s' lists them",
					  a->command->name, *text,
					  a->command->name);
		if (o->kind == AX_OPT_FLAG || value_optional(o)) {
			if (give(a, o, NULL, err) < 0)
				return -1;
			continue;
		}
		if (text[1])
			return give(a, o, text + 1 + (text[1] == '='), err);
		if (!next)
			return ax_err_set(
				err, AX_EXIT_USAGE,
				"%s: option -%c needs a value: -%c %s",
				a->command->name, *text, *text, o->value);
		*used = 2;
		return give(a, o, next, err);
	}
	return 0;
}

int
ax_args_parse(struct ax_args *out, const struct ax_command *c, int argc,
	      char **argv, struct ax_err *err)
{
	bool only_operands = false;
	int i, used;

	memset(out, 0, sizeof(*out));
	out->command = c;
	out->operands = ax_calloc((size_t)argc + 1, sizeof(char *));
	for (i = 0; i < argc; i += used) {
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;
		int rc = 0;

		used = 1;
		if (only_operands || argv[i][0] != '-' || !argv[i][1])
			out->operands[out->n++] = argv[i];
		else if (ax_streq(argv[i], "--"))
			only_operands = true;
		else if (argv[i][1] == '-')
			rc = parse_long(out, argv[i] + 2, next, &used, err);
		else
			rc = parse_short(out, argv[i] + 1, next, &used, err);
		if (rc < 0)
			return -1;
	}
	if (out->help)
		return 0;
	if (out->n < c->min)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "%s: too few arguments\nusage: axpipe %s "
				  "[OPTION...] %s",
				  c->name, c->name, c->operands);
	if (out->n > c->max)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "%s: unexpected argument '%s'\nusage: axpipe "
				  "%s [OPTION...] %s",
				  c->name, out->operands[c->max], c->name,
				  c->operands ? c->operands : "");
	return 0;
}

void
ax_args_free(struct ax_args *a)
{
	for (size_t i = 0; i < a->ngiven; i++)
		free(a->given[i].values);
	free(a->given);
	free(a->operands);
	memset(a, 0, sizeof(*a));
}

bool
ax_args_help(const struct ax_args *a)
{
	return a->help;
}

bool
ax_arg_flag(const struct ax_args *a, const char *name)
{
	return find_given(a, name) != NULL;
}

const char *
ax_arg_str(const struct ax_args *a, const char *name)
{
	const struct ax_arg *arg = find_given(a, name);

	return arg && arg->n ? arg->values[arg->n - 1] : NULL;
}

double
ax_arg_num(const struct ax_args *a, const char *name, double fallback)
{
	const struct ax_arg *arg = find_given(a, name);

	return arg && arg->n ? arg->number : fallback;
}

const char *const *
ax_arg_all(const struct ax_args *a, const char *name, size_t *n)
{
	const struct ax_arg *arg = find_given(a, name);

	*n = arg ? arg->n : 0;
	return arg ? arg->values : NULL;
}

/* Text from `column` on, wrapped at blanks, later lines indented to it. */
static void
add_wrapped(struct ax_str *s, const char *text, size_t column)
{
	size_t at = column;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (at > column && at + 1 + n > HELP_WIDTH) {
			ax_str_addf(s, "\n%*s", (int)column, "");
			at = column;
		} else if (at > column) {
			ax_str_addc(s, ' ');
			at++;
		}
		ax_str_addn(s, text, n);
		at += n;
		text += n;
		text += strspn(text, " ");
	}
	ax_str_addc(s, '\n');
}

static void
add_option(struct ax_str *s, char letter, const char *name, const char *value,
	   const char *help)
{
	size_t start = s->len, width;

	if (letter)
		ax_str_addf(s, "  -%c, --%s", letter, name);
	else
		ax_str_addf(s, "      --%s", name);
	if (value && value[0] == '=')
		ax_str_addf(s, "[%s]", value);
	else if (value)
		ax_str_addf(s, " %s", value);
	width = s->len - start;
	if (width + 2 > HELP_COLUMN) {
		ax_str_addc(s, '\n');
		width = 0;
	}
	ax_str_addf(s, "%*s", (int)(HELP_COLUMN - width), "");
	add_wrapped(s, help, HELP_COLUMN);
}

void
ax_cli_help(struct ax_str *s, const struct ax_command *c)
{
	const struct ax_option *all[MAX_OPTIONS];
	size_t n, i;

	if (!c) {
		ax_str_add(s,
			   "axpipe - reproducible pipelines from approximate "
			   "circuits to the networks on them\n\n"
			   "Usage: axpipe COMMAND [OPTION...] [ARGUMENT...]\n\n"
			   "Commands:\n");
		for (i = 0; ax_commands[i]; i++)
			ax_str_addf(s, "  %-9s  %s\n", ax_commands[i]->name,
				    ax_commands[i]->summary);
		ax_str_add(s, "\n'axpipe help COMMAND' tells more; 'axpipe "
			      "--version' names the version.\n"
			      "Exit codes: 0 done, 1 a stage failed, 2 usage "
			      "or manifest error,\n"
			      "3 environment (tool missing, disk full, "
			      "network), 4 a claim did not hold,\n"
			      "130 interrupted.\n");
		return;
	}
	ax_str_addf(s, "Usage: axpipe %s [OPTION...]%s%s\n\n%s\n", c->name,
		    c->operands && *c->operands ? " " : "",
		    c->operands ? c->operands : "", c->summary);
	if (c->text && *c->text)
		ax_str_addf(s, "\n%s%s", c->text,
			    ax_ends(c->text, "\n") ? "" : "\n");
	ax_str_add(s, "\nOptions:\n");
	n = ax_command_options(c, all, MAX_OPTIONS);
	for (i = 0; i < n; i++)
		add_option(s, all[i]->letter, all[i]->name, all[i]->value,
			   all[i]->help);
	add_option(s, 'h', "help", NULL, "print this text");
}

/* "file:12:3: ..." is printed as it is, so that editors can jump to it. */
static bool
names_place(const char *text)
{
	const char *p = text;

	while ((p = strchr(p, ':'))) {
		size_t line = strspn(++p, "0123456789"), column;

		if (!line || p[line] != ':')
			continue;
		column = strspn(p + line + 1, "0123456789");
		if (column && p[line + 1 + column] == ':')
			return p + line < strchrnul(text, '\n');
	}
	return false;
}

static int
fail(const struct ax_err *err)
{
	char text[AX_ERR_TEXT];

	fflush(stdout);
	/* it may cite what strangers wrote, who could write to the terminal */
	snprintf(text, sizeof(text), "%s", err->text);
	for (char *p = text; *p; p++)
		if (((unsigned char)*p < 0x20 && *p != '\n' && *p != '\t') ||
		    *p == 0x7f)
			*p = '?';
	if (text[0])
		fprintf(stderr, "%s%s\n",
			names_place(text) ? "" : "axpipe: ", text);
	return err->exit ? err->exit : AX_EXIT_STAGE;
}

static int
print_help(const struct ax_command *c, FILE *to)
{
	struct ax_str s = AX_STR_INIT;

	ax_cli_help(&s, c);
	fputs(s.buf, to);
	ax_str_free(&s);
	return AX_EXIT_OK;
}

static int
run_command(const struct ax_command *c, int argc, char **argv,
	    struct ax_err *err)
{
	struct ax_args args;
	int rc;

	rc = ax_args_parse(&args, c, argc, argv, err);
	if (rc == 0 && args.help)
		rc = print_help(c, stdout);
	else if (rc == 0)
		rc = c->run(&args, err);
	ax_args_free(&args);
	return rc < 0 ? fail(err) : rc;
}

/* Descriptors 0 to 2 that the caller closed must not become files of the
 * store, which messages would then be written into. To write to one of these
 * still fails. */
static void
hold_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY | O_NOCTTY);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int
ax_cli_main(int argc, char **argv)
{
	const struct ax_command *c = NULL;
	struct ax_err err = AX_ERR_INIT;
	const char *word;
	int rc;

	hold_standard();
	if (argc < 2) {
		print_help(NULL, stderr);
		return AX_EXIT_USAGE;
	}
	word = argv[1];
	/* its arguments are a stage's, and none of ours */
	if (ax_streq(word, "confine"))
		return ax_confine_main(argc - 2, argv + 2);
	if (ax_streq(word, "--version") || ax_streq(word, "-V")) {
		printf("axpipe %s\n", AXPIPE_VERSION);
		rc = AX_EXIT_OK;
	} else if (ax_streq(word, "--help") || ax_streq(word, "-h")) {
		rc = print_help(NULL, stdout);
	} else if (word[0] == '-') {
		ax_err_set(&err, AX_EXIT_USAGE,
			   "unknown option %s; a command comes first, see "
			   "'axpipe help'",
			   word);
		rc = fail(&err);
	} else if (!(c = ax_command_find(word, &err))) {
		rc = fail(&err);
	} else {
		rc = run_command(c, argc - 2, argv + 2, &err);
	}
	/* a result that could not be printed is not a success */
	errno = 0;
	if (fflush(stdout) == EOF || ferror(stdout)) {
		/* an earlier write may have failed: its errno is gone */
		fprintf(stderr, "axpipe: cannot write to standard output: %s\n",
			errno ? strerror(errno)
			      : "it is closed, or its disk is full");
		return rc ? rc : AX_EXIT_ENV;
	}
	return rc;
}
