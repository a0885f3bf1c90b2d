/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <math.h>

#include "artifacts/base/base.h"
#include "artifacts/liberty_scan.h"

#define MAX_DEPTH 64

unsigned
ax_lib_scan_line(struct ax_lib_scan *s, size_t at)
{
	if (at < s->counted) {
		s->counted = 0;
		s->line = 1;
	}
	while (s->counted < at) {
		const char *nl =
			memchr(s->text + s->counted, '\n', at - s->counted);

		if (!nl)
			break;
		s->counted = (size_t)(nl - s->text) + 1;
		s->line++;
	}
	return s->line;
}

int
ax_lib_scan_fail(struct ax_lib_scan *s, size_t at, const char *what)
{
	return ax_err_set(s->err, AX_EXIT_STAGE, "%s:%u: %s", s->name,
			  ax_lib_scan_line(s, AX_MIN(at, s->len)), what);
}

/* Past blanks, comments and line continuations. */
static int
blanks(struct ax_lib_scan *s)
{
	while (s->at < s->len) {
		char c = s->text[s->at];

		if (c == '/' && s->at + 1 < s->len &&
		    s->text[s->at + 1] == '*') {
			const char *end = memmem(s->text + s->at + 2,
						 s->len - s->at - 2, "*/", 2);

			if (!end)
				return ax_lib_scan_fail(
					s, s->at, "comment without an end");
			s->at = (size_t)(end - s->text) + 2;
		} else if (c == '/' && s->at + 1 < s->len &&
			   s->text[s->at + 1] == '/') {
			while (s->at < s->len && s->text[s->at] != '\n')
				s->at++;
		} else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' ||
			   c == '\f' || c == '\\') {
			s->at++;
		} else {
			break;
		}
	}
	return 0;
}

static int
string(struct ax_lib_scan *s)
{
	size_t start = s->at++;

	while (s->at < s->len && s->text[s->at] != '"') {
		if (s->text[s->at] == '\\' && s->at + 1 < s->len)
			s->at++;
		s->at++;
	}
	if (s->at >= s->len)
		return ax_lib_scan_fail(s, start, "string without an end");
	s->at++;
	return 0;
}

/* From just behind '{' to just behind its '}'. */
int
ax_lib_scan_skip(struct ax_lib_scan *s)
{
	size_t start = s->at;
	unsigned depth = 1;

	while (s->at < s->len) {
		switch (s->text[s->at]) {
		case '"':
			if (string(s) < 0)
				return -1;
			continue;
		case '/':
			if (s->at + 1 < s->len && (s->text[s->at + 1] == '*' ||
						   s->text[s->at + 1] == '/')) {
				if (blanks(s) < 0)
					return -1;
				continue;
			}
			break;
		case '{':
			if (++depth > MAX_DEPTH)
				return ax_lib_scan_fail(
					s, s->at,
					"groups nested more than 64 deep");
			break;
		case '}':
			if (--depth == 0) {
				s->at++;
				return 0;
			}
			break;
		default:
			break;
		}
		s->at++;
	}
	return ax_lib_scan_fail(s, start, "group without its closing brace");
}

static struct ax_lib_span
trim(const struct ax_lib_scan *s, struct ax_lib_span p)
{
	while (p.from < p.to && isspace((unsigned char)s->text[p.from]))
		p.from++;
	while (p.to > p.from && isspace((unsigned char)s->text[p.to - 1]))
		p.to--;
	if (p.to - p.from >= 2 && s->text[p.from] == '"' &&
	    s->text[p.to - 1] == '"') {
		p.from++;
		p.to--;
	}
	return p;
}

static bool
word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-' ||
	       c == '$' || c == '[' || c == ']' || c == '!' || c == '+' ||
	       c == '*';
}

static int
arguments(struct ax_lib_scan *s, struct ax_lib_statement *st)
{
	size_t start = s->at++;
	unsigned depth = 1;

	st->args.from = s->at;
	while (s->at < s->len && depth > 0) {
		char c = s->text[s->at];

		if (c == '"') {
			if (string(s) < 0)
				return -1;
			continue;
		}
		if (c == '{' || c == '}' || c == ';')
			break;
		depth += c == '(';
		depth -= c == ')';
		s->at++;
	}
	if (depth > 0)
		return ax_lib_scan_fail(s, start, "'(' without its ')'");
	st->args.to = s->at - 1;
	return 0;
}

/* Reads one statement; of a group only its head, up to behind '{'. AX_LIB_END
 * at the '}' that closes the group around, which is consumed, or at the end of
 * the text when `top`. */
int
ax_lib_scan_next(struct ax_lib_scan *s, struct ax_lib_statement *st, bool top)
{
	memset(st, 0, sizeof(*st));
	do {
		if (blanks(s) < 0)
			return -1;
	} while (s->at < s->len && s->text[s->at] == ';' && ++s->at);
	st->start = s->at;
	if (s->at >= s->len) {
		st->kind = AX_LIB_END;
		return top ? 0
			   : ax_lib_scan_fail(s, s->len,
					      "the text ends inside a group; "
					      "it seems cut");
	}
	if (s->text[s->at] == '}') {
		if (top)
			return ax_lib_scan_fail(s, s->at,
						"'}' without its '{'");
		s->at++;
		st->kind = AX_LIB_END;
		return 0;
	}
	st->name.from = s->at;
	while (s->at < s->len && word_char(s->text[s->at]))
		s->at++;
	st->name.to = s->at;
	if (st->name.from == st->name.to)
		return ax_lib_scan_fail(s, s->at,
					"expected the name of a group or "
					"attribute");
	if (blanks(s) < 0)
		return -1;
	if (s->at < s->len && s->text[s->at] == ':') {
		s->at++;
		st->kind = AX_LIB_SIMPLE;
		/* the value may begin in the next line */
		while (s->at < s->len &&
		       (s->text[s->at] == ' ' || s->text[s->at] == '\t' ||
			(s->text[s->at] == '\\' && s->at + 1 < s->len &&
			 s->text[s->at + 1] == '\n')))
			s->at += s->text[s->at] == '\\' ? 2 : 1;
		st->args.from = s->at;
		while (s->at < s->len && s->text[s->at] != ';' &&
		       s->text[s->at] != '\n' && s->text[s->at] != '}') {
			if (s->text[s->at] == '"') {
				if (string(s) < 0)
					return -1;
			} else if (s->text[s->at] == '\\' &&
				   s->at + 1 < s->len &&
				   s->text[s->at + 1] == '\n') {
				s->at += 2;
			} else {
				s->at++;
			}
		}
		st->args.to = s->at;
		st->args = trim(s, st->args);
		return 0;
	}
	if (s->at >= s->len || s->text[s->at] != '(')
		return ax_lib_scan_fail(s, s->at,
					"expected ':' or '(' after a name");
	if (arguments(s, st) < 0 || blanks(s) < 0)
		return -1;
	st->args = trim(s, st->args);
	st->kind = AX_LIB_COMPLEX;
	if (s->at < s->len && s->text[s->at] == '{') {
		s->at++;
		st->kind = AX_LIB_GROUP;
	}
	return 0;
}

bool
ax_lib_scan_is(const struct ax_lib_scan *s, struct ax_lib_span p,
	       const char *word)
{
	size_t n = strlen(word);

	return p.to - p.from == n && memcmp(s->text + p.from, word, n) == 0;
}

char *
ax_lib_scan_copy(const struct ax_lib_scan *s, struct ax_lib_span p)
{
	return ax_strndup(s->text + p.from, p.to - p.from);
}

double
ax_lib_scan_number(const struct ax_lib_scan *s, struct ax_lib_span p,
		   double other)
{
	char buf[64], *end;
	size_t n = AX_MIN(p.to - p.from, sizeof(buf) - 1);
	double v;

	memcpy(buf, s->text + p.from, n);
	buf[n] = '\0';
	v = strtod(buf, &end);
	return end == buf || !isfinite(v) ? other : v;
}
