/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/manifest/describe.h"

#define WIDTH 79

/* A paragraph wrapped at blanks; `indent` before each line. */
static void
add_wrapped(struct ax_str *s, const char *text, size_t indent)
{
	size_t at = indent;

	ax_str_addf(s, "%*s", (int)indent, "");
	while (*text) {
		size_t n = strcspn(text, " \n");

		if (at > indent && at + 1 + n > WIDTH) {
			ax_str_addf(s, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			ax_str_addc(s, ' ');
			at++;
		}
		ax_str_addn(s, text, n);
		at += n;
		text += n;
		text += strspn(text, " \n");
	}
	ax_str_addc(s, '\n');
}

/* A string that is there and not empty, or NULL. */
static const char *
member(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text && *text ? text : NULL;
}

/* Calls add for each paragraph of "description". */
static size_t
paragraphs(const struct ax_stage *s, const char **first)
{
	const json_t *d = json_object_get(s->json.root, "description");

	*first = json_string_value(d);
	return *first ? 1 : json_array_size(d);
}

static const char *
paragraph(const struct ax_stage *s, size_t i)
{
	const json_t *d = json_object_get(s->json.root, "description");

	return json_is_string(d) ? json_string_value(d)
				 : json_string_value(json_array_get(d, i));
}

static void
add_value(struct ax_str *s, const json_t *v)
{
	ax_json_canonical(s, v);
}

static void
add_type(struct ax_str *s, const json_t *fragment)
{
	const json_t *type = json_object_get(fragment, "type");

	if (json_is_string(type))
		ax_str_add(s, json_string_value(type));
	for (size_t i = 0; json_is_array(type) && i < json_array_size(type);
	     i++)
		ax_str_addf(s, "%s%s", i ? " or " : "",
			    json_string_value(json_array_get(type, i)));
}

/* "one of "a", "b"; 1 to 12; unit bit; default 8". */
static void
add_rules(struct ax_str *s, const json_t *f)
{
	static const struct {
		const char *key, *text;
	} bounds[] = {{"minimum", "at least "},
		      {"exclusiveMinimum", "more than "},
		      {"maximum", "at most "},
		      {"exclusiveMaximum", "less than "},
		      {"minItems", "elements: at least "},
		      {"maxItems", "elements: at most "},
		      {"minLength", "characters: at least "},
		      {"maxLength", "characters: at most "}};
	const json_t *list = json_object_get(f, "enum"), *v;

	add_type(s, f);
	if (member(f, "unit"))
		ax_str_addf(s, ", in %s", member(f, "unit"));
	for (size_t i = 0; i < json_array_size(list); i++) {
		ax_str_add(s, i ? ", " : "; one of ");
		add_value(s, json_array_get(list, i));
	}
	for (size_t i = 0; i < AX_LEN(bounds); i++) {
		v = json_object_get(f, bounds[i].key);
		if (!v)
			continue;
		ax_str_addf(s, "; %s", bounds[i].text);
		add_value(s, v);
	}
	v = json_object_get(f, "default");
	ax_str_add(s, v ? "; default " : "; must be given");
	if (v)
		add_value(s, v);
}

static void
add_port_words(struct ax_str *s, const struct ax_port *p, bool output)
{
	ax_str_add(s, p->type);
	if (output) {
		ax_str_addf(s, ", %s%s", p->file, p->tree ? "/" : "");
		if (p->optional)
			ax_str_add(s, ", optional");
	} else {
		if (p->many)
			ax_str_add(s, ", many");
		if (!p->required)
			ax_str_add(s, ", optional");
	}
}

/* --- terminal
 * -------------------------------------------------------------------- */

static void
text_ports(struct ax_str *out, const char *title, const struct ax_port *list,
	   size_t n, bool output)
{
	if (n)
		ax_str_addf(out, "\n%s\n", title);
	for (size_t i = 0; i < n; i++) {
		ax_str_addf(out, "  %s (", list[i].name);
		add_port_words(out, &list[i], output);
		ax_str_add(out, ")\n");
		if (list[i].summary)
			add_wrapped(out, list[i].summary, 6);
	}
}

static void
text_resources(struct ax_str *out, const struct ax_stage *s)
{
	ax_str_add(out, "\nRESOURCES\n  ");
	if (s->cpus)
		ax_str_addf(out, "cpus %u", s->cpus);
	else
		ax_str_add(out, "cpus: all");
	if (s->memory)
		ax_str_addf(out, ", memory %" PRIu64 " MiB",
			    s->memory / 1048576);
	if (s->timeout > 0) {
		ax_str_add(out, ", timeout ");
		ax_str_add_num(out, s->timeout);
		ax_str_add(out, " s");
	}
	if (!s->deterministic)
		ax_str_add(out, "; the outcome may differ from run to run");
	if (s->resumable)
		ax_str_add(out, "; resumes from checkpoints when killed");
	ax_str_addc(out, '\n');
}

void
ax_describe_text(struct ax_str *out, const struct ax_stage *s)
{
	const char *name, *first;
	json_t *f;

	ax_str_addf(out, "%s - %s (version %d)\n", s->name, s->summary,
		    s->version);
	for (size_t i = 0; i < paragraphs(s, &first); i++) {
		ax_str_addc(out, '\n');
		add_wrapped(out, paragraph(s, i), 0);
	}
	text_ports(out, "INPUTS", s->inputs, s->ninputs, false);
	text_ports(out, "OUTPUTS", s->outputs, s->noutputs, true);
	if (json_object_size(s->params))
		ax_str_add(out, "\nPARAMETERS\n");
	json_object_foreach(s->params, name, f)
	{
		ax_str_addf(out, "  %s (", name);
		add_rules(out, f);
		ax_str_add(out, ")\n");
		if (member(f, "description"))
			add_wrapped(out, member(f, "description"), 6);
	}
	if (json_object_size(s->metrics))
		ax_str_add(out, "\nMETRICS\n");
	json_object_foreach(s->metrics, name, f)
	{
		ax_str_addf(out, "  %s", name);
		if (member(f, "unit"))
			ax_str_addf(out, " (%s)", member(f, "unit"));
		ax_str_addc(out, '\n');
		if (member(f, "summary"))
			add_wrapped(out, member(f, "summary"), 6);
	}
	if (s->ntools)
		ax_str_add(out, "\nTOOLS\n");
	for (size_t i = 0; i < s->ntools; i++)
		ax_str_addf(out, "  %s%s%s%s\n", s->tools[i].program,
			    s->tools[i].package ? " (Debian package " : "",
			    s->tools[i].package ? s->tools[i].package : "",
			    s->tools[i].package ? ")" : "");
	text_resources(out, s);
	ax_str_addf(out, "\nFOLDER\n  %s\n", s->dir);
}

/* --- Markdown
 * --------------------------------------------------------------------- */

/* A cell of a table: no bars, no line ends. */
static void
add_cell(struct ax_str *out, const char *text)
{
	for (; text && *text; text++) {
		if (*text == '|')
			ax_str_add(out, "\\|");
		else
			ax_str_addc(out, *text == '\n' ? ' ' : *text);
	}
}

static void
markdown_ports(struct ax_str *out, const char *title,
	       const struct ax_port *list, size_t n, bool output)
{
	struct ax_str words = AX_STR_INIT;

	if (n)
		ax_str_addf(out, "\n| %s | type | |\n|---|---|---|\n", title);
	for (size_t i = 0; i < n; i++) {
		ax_str_clear(&words);
		add_port_words(&words, &list[i], output);
		ax_str_addf(out, "| `%s` | ", list[i].name);
		add_cell(out, words.buf);
		ax_str_add(out, " | ");
		add_cell(out, list[i].summary);
		ax_str_add(out, " |\n");
	}
	ax_str_free(&words);
}

void
ax_describe_markdown(struct ax_str *out, const struct ax_stage *s)
{
	struct ax_str words = AX_STR_INIT;
	const char *name, *first;
	json_t *f;

	ax_str_addf(out, "## %s\n\n%s (version %d)\n", s->name, s->summary,
		    s->version);
	for (size_t i = 0; i < paragraphs(s, &first); i++)
		ax_str_addf(out, "\n%s\n", paragraph(s, i));
	markdown_ports(out, "input", s->inputs, s->ninputs, false);
	markdown_ports(out, "output", s->outputs, s->noutputs, true);
	if (json_object_size(s->params))
		ax_str_add(out, "\n| parameter | rules | |\n|---|---|---|\n");
	json_object_foreach(s->params, name, f)
	{
		ax_str_clear(&words);
		add_rules(&words, f);
		ax_str_addf(out, "| `%s` | ", name);
		add_cell(out, words.buf);
		ax_str_add(out, " | ");
		add_cell(out, member(f, "description"));
		ax_str_add(out, " |\n");
	}
	if (json_object_size(s->metrics))
		ax_str_add(out, "\n| metric | unit | |\n|---|---|---|\n");
	json_object_foreach(s->metrics, name, f)
	{
		ax_str_addf(out, "| `%s` | ", name);
		add_cell(out, member(f, "unit"));
		ax_str_add(out, " | ");
		add_cell(out, member(f, "summary"));
		ax_str_add(out, " |\n");
	}
	if (s->ntools) {
		ax_str_add(out, "\nTools: ");
		for (size_t i = 0; i < s->ntools; i++)
			ax_str_addf(out, "%s`%s`", i ? ", " : "",
				    s->tools[i].program);
		ax_str_add(out, ".\n");
	}
	if (!s->deterministic)
		ax_str_add(out, "\nThe outcome may differ from run to run.\n");
	if (s->resumable)
		ax_str_add(out,
			   "\nResumes from checkpoints when it was killed.\n");
	ax_str_addc(out, '\n');
	ax_str_free(&words);
}
