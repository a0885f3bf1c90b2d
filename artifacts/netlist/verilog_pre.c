/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiler directives of Verilog (IEEE 1364, clause 19): conditional text
 * goes or stays, what says nothing about the function goes, what would need a
 * macro's text is refused. Lines keep their numbers.
 */
#include <ctype.h>

#include "artifacts/base/base.h"
#include "artifacts/base/map.h"
#include "artifacts/netlist/verilog_lex.h"

#define MAX_DEPTH 64
#define MAX_NAME 256

struct pre {
	const char *file;
	char *text;
	size_t len, pos;
	unsigned line;
	struct ax_map defined; /* name -> itself; NULL: no longer */
	bool takes[MAX_DEPTH]; /* the branch at hand is read */
	bool taken[MAX_DEPTH]; /* it or one before it was */
	unsigned depth;
	struct ax_err *err;
};

static int
fail(const struct pre *p, const char *what, const char *name)
{
	return ax_err_set(p->err, AX_EXIT_STAGE, "%s:%u: `%.200s: %s", p->file,
			  p->line, name, what);
}

static bool
reads(const struct pre *p)
{
	return p->depth == 0 || p->takes[p->depth - 1];
}

/* The next n characters become blanks, but for the ends of lines. */
static void
blank(struct pre *p, size_t n)
{
	for (; n > 0 && p->pos < p->len; n--, p->pos++) {
		if (p->text[p->pos] == '\n')
			p->line++;
		else
			p->text[p->pos] = ' ';
	}
}

/* The next n stay, where this branch is read. */
static void
keep(struct pre *p, size_t n)
{
	if (!reads(p)) {
		blank(p, n);
		return;
	}
	for (; n > 0 && p->pos < p->len; n--, p->pos++)
		p->line += p->text[p->pos] == '\n';
}

/* Takes a name away; "" where there is none. */
static void
name(struct pre *p, char out[MAX_NAME])
{
	size_t n = 0;

	while (p->pos < p->len &&
	       (p->text[p->pos] == ' ' || p->text[p->pos] == '\t'))
		p->pos++;
	while (p->pos + n < p->len &&
	       (isalnum((unsigned char)p->text[p->pos + n]) ||
		p->text[p->pos + n] == '_' || p->text[p->pos + n] == '$'))
		n++;
	snprintf(out, MAX_NAME, "%.*s", (int)AX_MIN(n, (size_t)MAX_NAME - 1),
		 p->text + p->pos);
	blank(p, n);
}

/* The rest of the line; of a macro's text with the lines it goes on in. */
static void
rest(struct pre *p, bool macro)
{
	while (p->pos < p->len && p->text[p->pos] != '\n') {
		bool more = macro && p->text[p->pos] == '\\' &&
			    p->pos + 1 < p->len && p->text[p->pos + 1] == '\n';

		blank(p, more ? 2 : 1);
	}
}

static int
conditional(struct pre *p, const char *what)
{
	bool holds, outer;
	char of[MAX_NAME];

	if (ax_streq(what, "ifdef") || ax_streq(what, "ifndef")) {
		if (p->depth == MAX_DEPTH)
			return fail(p, "nested more than 64 deep", what);
		outer = reads(p);
		name(p, of);
		if (!*of)
			return fail(p, "without a name", what);
		holds = !ax_map_get(&p->defined, of) == (what[2] == 'n');
		p->takes[p->depth] = outer && holds;
		p->taken[p->depth] = !outer || holds;
		p->depth++;
		return 0;
	}
	if (p->depth == 0)
		return fail(p, "without an `ifdef", what);
	if (ax_streq(what, "endif")) {
		p->depth--;
		return 0;
	}
	holds = true;
	if (ax_streq(what, "elsif")) {
		name(p, of);
		holds = ax_map_get(&p->defined, of) != NULL;
	}
	p->takes[p->depth - 1] = !p->taken[p->depth - 1] && holds;
	p->taken[p->depth - 1] |= holds;
	return 0;
}

static bool
among(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (ax_streq(word, *list))
			return true;
	return false;
}

static int
directive(struct pre *p)
{
	static const char *const conditions[] = {"ifdef", "ifndef", "elsif",
						 "else",  "endif",  NULL};
	static const char *const lines[] = {"timescale",
					    "default_nettype",
					    "line",
					    "pragma",
					    "begin_keywords",
					    "unconnected_drive",
					    "default_decay_time",
					    "default_trireg_strength",
					    "uselib",
					    NULL};
	static const char *const words[] = {"celldefine",
					    "endcelldefine",
					    "resetall",
					    "nounconnected_drive",
					    "end_keywords",
					    "delay_mode_path",
					    "delay_mode_unit",
					    "delay_mode_zero",
					    "delay_mode_distributed",
					    "suppress_faults",
					    "nosuppress_faults",
					    "enable_portfaults",
					    "disable_portfaults",
					    NULL};
	char what[MAX_NAME], of[MAX_NAME];

	blank(p, 1);
	name(p, what);
	if (among(what, conditions))
		return conditional(p, what);
	if (!reads(p))
		return 0;
	if (ax_streq(what, "define") || ax_streq(what, "undef")) {
		name(p, of);
		ax_map_set(&p->defined, of, what[0] == 'd' ? p : NULL);
		if (what[0] == 'd')
			rest(p, true);
	} else if (among(what, lines)) {
		rest(p, false);
	} else if (!among(what, words)) {
		return fail(p,
			    ax_streq(what, "include")
				    ? "a netlist is one file: put the other's "
				      "text in its place"
				    : "macros are not expanded: write the "
				      "netlist out by Yosys, or use iverilog "
				      "-E",
			    what);
	}
	return 0;
}

/* Up to `end`, or the end of the text. */
static size_t
until(const struct pre *p, size_t skip, const char *end)
{
	const char *from = p->text + p->pos + skip, *at;

	if (p->pos + skip >= p->len)
		return p->len - p->pos;
	at = memmem(from, p->len - p->pos - skip, end, strlen(end));
	return at ? (size_t)(at - from) + skip + strlen(end) : p->len - p->pos;
}

static int
walk(struct pre *p)
{
	while (p->pos < p->len) {
		const char *s = p->text + p->pos;
		char next = p->pos + 1 < p->len ? s[1] : '\0';
		size_t n = 1;

		if (*s == '`') {
			if (directive(p) < 0)
				return -1;
			continue;
		}
		if (*s == '/' && next == '/') {
			n = until(p, 2, "\n");
		} else if (*s == '/' && next == '*') {
			n = until(p, 2, "*/");
		} else if (*s == '"') {
			while (p->pos + n < p->len && s[n] != '"' &&
			       s[n] != '\n')
				n += s[n] == '\\' ? 2 : 1;
			n++;
		} else if (*s == '\\') {
			while (p->pos + n < p->len &&
			       !isspace((unsigned char)s[n]))
				n++;
		}
		keep(p, n);
	}
	if (p->depth)
		return fail(p, "without an `endif at the end of the text",
			    "ifdef");
	return 0;
}

int
ax_verilog_directives(char **out, const char *file, const char *text,
		      size_t len, struct ax_err *err)
{
	struct pre p = {.file = file, .len = len, .line = 1, .err = err};
	int rc;

	*out = NULL;
	if (len == 0 || !memchr(text, '`', len))
		return 0;
	p.text = ax_malloc(len);
	memcpy(p.text, text, len);
	/* as Yosys has it */
	ax_map_set(&p.defined, "SYNTHESIS", &p);
	rc = walk(&p);
	ax_map_free(&p.defined);
	if (rc < 0)
		free(p.text);
	else
		*out = p.text;
	return rc;
}
