/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>

#include "artifacts/base/base.h"

void
ax_str_free(struct ax_str *s)
{
	free(s->buf);
	memset(s, 0, sizeof(*s));
}

void
ax_str_clear(struct ax_str *s)
{
	s->len = 0;
	s->over = false;
	if (s->buf)
		s->buf[0] = '\0';
}

void
ax_str_addn(struct ax_str *s, const void *bytes, size_t n)
{
	size_t need;

	if (s->max && (n > s->max || s->len > s->max - n)) {
		s->over = true;
		return;
	}
	need = s->len + n + 1;
	if (need > s->cap) {
		s->cap = AX_MAX(need, s->cap * 2);
		s->buf = ax_realloc(s->buf, s->cap, 1);
	}
	if (n)
		memcpy(s->buf + s->len, bytes, n);
	s->len += n;
	s->buf[s->len] = '\0';
}

void
ax_str_add(struct ax_str *s, const char *text)
{
	ax_str_addn(s, text, strlen(text));
}

void
ax_str_addc(struct ax_str *s, char c)
{
	if (s->max || s->len + 2 > s->cap) {
		ax_str_addn(s, &c, 1);
		return;
	}
	s->buf[s->len++] = c;
	s->buf[s->len] = '\0';
}

void
ax_str_addi(struct ax_str *s, int64_t value)
{
	uint64_t v = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char digits[24], *p = digits + sizeof(digits);

	do
		*--p = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	if (value < 0)
		*--p = '-';
	ax_str_addn(s, p, (size_t)(digits + sizeof(digits) - p));
}

void
ax_str_addf(struct ax_str *s, const char *fmt, ...)
{
	char small[256];
	va_list ap, again;
	char *big;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(small)) {
		ax_str_addn(s, small, (size_t)n);
	} else if (n >= 0) {
		big = ax_malloc((size_t)n + 1);
		vsnprintf(big, (size_t)n + 1, fmt, again);
		ax_str_addn(s, big, (size_t)n);
		free(big);
	}
	va_end(again);
}

char *
ax_str_take(struct ax_str *s)
{
	char *p = s->buf ? s->buf : ax_strdup("");

	s->buf = NULL;
	s->len = s->cap = 0;
	s->over = false;
	return p;
}

void
ax_str_add_html(struct ax_str *s, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			ax_str_add(s, "&amp;");
			break;
		case '<':
			ax_str_add(s, "&lt;");
			break;
		case '>':
			ax_str_add(s, "&gt;");
			break;
		case '"':
			ax_str_add(s, "&quot;");
			break;
		case '\'':
			ax_str_add(s, "&#39;");
			break;
		default:
			/* no XML may hold control characters, escaped or not */
			if ((unsigned char)*text < 0x20 && *text != '\t' &&
			    *text != '\n' && *text != '\r')
				ax_str_add(s, "\357\277\275");
			else
				ax_str_addc(s, *text);
		}
	}
}

void
ax_str_add_json(struct ax_str *s, const char *text)
{
	const char *p = text;

	ax_str_addc(s, '"');
	for (;; text = ++p) {
		while ((unsigned char)*p >= 0x20 && *p != '"' && *p != '\\')
			p++;
		ax_str_addn(s, text, (size_t)(p - text));
		if (*p == '\0')
			break;
		if (*p == '"' || *p == '\\')
			ax_str_addf(s, "\\%c", *p);
		else if (*p == '\n')
			ax_str_add(s, "\\n");
		else
			ax_str_addf(s, "\\u%04x", (unsigned char)*p);
	}
	ax_str_addc(s, '"');
}
