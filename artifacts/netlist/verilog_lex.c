/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>

#include "artifacts/netlist/verilog_lex.h"

#define MAX_WORD 65536

void
ax_vlex_init(struct ax_vlex *l, const char *file, const char *text, size_t len,
	     struct ax_err *err)
{
	memset(l, 0, sizeof(*l));
	l->file = file;
	l->code = text;
	l->len = len;
	l->line = 1;
	l->err = err;
	l->cap = 256;
	l->text = ax_calloc(1, l->cap);
}

void
ax_vlex_free(struct ax_vlex *l)
{
	free(l->text);
}

int
ax_vlex_fail(struct ax_vlex *l, const char *what, const char *name)
{
	return ax_err_set(l->err, AX_EXIT_STAGE, "%s:%u: %s%s%.200s", l->file,
			  l->line, what, name ? " " : "", name ? name : "");
}

int
ax_vlex_expected(struct ax_vlex *l, const char *what)
{
	return ax_err_set(
		l->err, AX_EXIT_STAGE, "%s:%u: expected %s, found %s%.100s",
		l->file, l->line, what,
		l->kind == AX_V_END ? "the end of the text" : "", l->text);
}

static char
here(const struct ax_vlex *l, size_t ahead)
{
	return l->pos + ahead < l->len ? l->code[l->pos + ahead] : '\0';
}

/* Is `top` one of the names in an attribute? Its values do not count. */
static bool
says_top(const char *text, size_t n)
{
	bool string = false;

	for (size_t i = 1; i + 3 < n; i++) {
		string = string != (text[i] == '"');
		if (!string && memcmp(text + i, "top", 3) == 0 &&
		    !isalnum((unsigned char)text[i - 1]) &&
		    text[i - 1] != '_' && text[i + 3] != '_' &&
		    !isalnum((unsigned char)text[i + 3]))
			return true;
	}
	return false;
}

/* Blanks, both kinds of comments and attributes. */
static int
blanks(struct ax_vlex *l)
{
	while (l->pos < l->len) {
		char c = l->code[l->pos];
		const char *end = NULL;

		if (c == '\n') {
			l->line++;
			l->pos++;
		} else if (isspace((unsigned char)c)) {
			l->pos++;
		} else if (c == '/' && here(l, 1) == '/') {
			while (l->pos < l->len && l->code[l->pos] != '\n')
				l->pos++;
		} else if ((c == '/' && here(l, 1) == '*') ||
			   (c == '(' && here(l, 1) == '*' &&
			    here(l, 2) != ')')) {
			end = l->len - l->pos > 3
				      ? memmem(l->code + l->pos + 2,
					       l->len - l->pos - 2,
					       c == '/' ? "*/" : "*)", 2)
				      : NULL;
			if (!end)
				return ax_vlex_fail(l,
						    "a comment or attribute "
						    "without an end",
						    NULL);
			if (c == '(' &&
			    says_top(l->code + l->pos,
				     (size_t)(end - l->code) - l->pos))
				l->top = true;
			for (; l->code + l->pos < end + 2; l->pos++)
				l->line += l->code[l->pos] == '\n';
		} else {
			break;
		}
	}
	return 0;
}

static int
take(struct ax_vlex *l, size_t from, size_t n)
{
	if (n >= MAX_WORD)
		return ax_vlex_fail(l, "a word of over 65535 bytes", NULL);
	if (n + 1 > l->cap) {
		l->cap = n + 1;
		l->text = ax_realloc(l->text, l->cap, 1);
	}
	memcpy(l->text, l->code + from, n);
	l->text[n] = '\0';
	return strlen(l->text) == n
		       ? 0
		       : ax_vlex_fail(l, "a NUL byte; this is no text", NULL);
}

static bool
name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$';
}

int
ax_vlex_next(struct ax_vlex *l)
{
	static const char *const marks[] = {
		"~^", "^~", "&&", "||", "==", "!=", "<<", ">>", "<=", ">="};
	size_t from;
	char c;

	l->text[0] = '\0';
	l->escaped = false;
	l->top = false;
	l->kind = AX_V_END;
	if (blanks(l) < 0)
		return -1;
	if (l->pos >= l->len)
		return 0;
	from = l->pos;
	c = l->code[from];
	if (c == '\\') {
		l->pos++;
		while (l->pos < l->len && !isspace((unsigned char)here(l, 0)))
			l->pos++;
		if (l->pos == from + 1)
			return ax_vlex_fail(l, "an empty escaped name", NULL);
		l->kind = AX_V_NAME;
		l->escaped = true;
		return take(l, from + 1, l->pos - from - 1);
	}
	if (isalpha((unsigned char)c) || c == '_') {
		while (name_char(here(l, 0)))
			l->pos++;
		l->kind = AX_V_NAME;
		return take(l, from, l->pos - from);
	}
	if (isdigit((unsigned char)c) || c == '\'') {
		while (isdigit((unsigned char)here(l, 0)) || here(l, 0) == '_')
			l->pos++;
		if (here(l, 0) == '\'') {
			l->pos++;
			while (name_char(here(l, 0)) || here(l, 0) == '?')
				l->pos++;
		}
		l->kind = AX_V_NUMBER;
		return take(l, from, l->pos - from);
	}
	l->kind = AX_V_MARK;
	for (size_t i = 0; i < AX_LEN(marks); i++) {
		if (c == marks[i][0] && here(l, 1) == marks[i][1]) {
			l->pos += 2;
			return take(l, from, 2);
		}
	}
	l->pos++;
	return take(l, from, 1);
}

bool
ax_vlex_at(const struct ax_vlex *l, const char *text)
{
	return l->kind != AX_V_END && l->kind != AX_V_NUMBER && !l->escaped &&
	       ax_streq(l->text, text);
}

char
ax_vlex_peek(const struct ax_vlex *l)
{
	size_t i = l->pos;

	while (i < l->len && isspace((unsigned char)l->code[i]))
		i++;
	return i < l->len ? l->code[i] : '\0';
}

static int
digit(char c, unsigned shift)
{
	int v = isdigit((unsigned char)c) ? c - '0'
		: c >= 'a' && c <= 'f'    ? c - 'a' + 10
		: c >= 'A' && c <= 'F'    ? c - 'A' + 10
					  : 99;

	if (c == 'x' || c == 'X' || c == 'z' || c == 'Z' || c == '?')
		return -1;
	return v < 1 << shift ? v : 99;
}

/* Binary, octal and hexadecimal digits from the lowest up; decimal through a
 * 64-bit number. */
int
ax_vlex_number(struct ax_vlex *l, uint8_t *bits, unsigned *n)
{
	const char *quote = strchr(l->text, '\'');
	uint64_t size = 0, value = 0;
	unsigned shift = 0, k = 0;
	const char *p;

	memset(bits, 0, AX_V_BITS);
	for (p = l->text; p != quote && *p; p++) {
		if (*p != '_')
			size = AX_MIN(size * 10 + (uint64_t)(*p - '0'),
				      (uint64_t)1 << 40);
	}
	if (!quote) {
		if (size >> 32)
			return ax_vlex_fail(
				l, "a number of over 32 bits:", l->text);
		for (k = 0; k < 32; k++)
			bits[k] = size >> k & 1;
		*n = 32;
		return 0;
	}
	if (quote == l->text)
		size = 32;
	if (size < 1 || size > AX_V_BITS)
		return ax_vlex_fail(
			l, "a constant of 0 or over 4096 bits:", l->text);
	*n = (unsigned)size;
	p = quote + 1;
	p += *p == 's' || *p == 'S';
	switch (*p) {
	case 'b':
	case 'B':
		shift = 1;
		break;
	case 'o':
	case 'O':
		shift = 3;
		break;
	case 'h':
	case 'H':
		shift = 4;
		break;
	case 'd':
	case 'D':
		break;
	default:
		return ax_vlex_fail(l, "no number:", l->text);
	}
	if (!*++p)
		return ax_vlex_fail(l, "no number:", l->text);
	if (shift == 0) {
		for (; *p; p++) {
			if (*p == '_')
				continue;
			if (!isdigit((unsigned char)*p) || value >> 59)
				return ax_vlex_fail(l,
						    "no number, or one of "
						    "over 59 bits:",
						    l->text);
			value = value * 10 + (uint64_t)(*p - '0');
		}
		for (k = 0; k < 64 && k < *n; k++)
			bits[k] = value >> k & 1;
		return 0;
	}
	for (const char *q = p + strlen(p); q-- > p;) {
		int v = *q == '_' ? 0 : digit(*q, shift);

		if (v == 99)
			return ax_vlex_fail(l, "no number:", l->text);
		for (unsigned i = 0; *q != '_' && i < shift; i++, k++) {
			if (k < *n)
				bits[k] = v < 0 ? 2 : v >> i & 1;
		}
	}
	return 0;
}
