/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing string. `buf` is always NUL-terminated once something was added,
 * and may hold NUL bytes. A buffer that takes outside data sets `max`: an add
 * beyond it is dropped whole and `over` becomes true.
 */
#ifndef AX_STR_H
#define AX_STR_H

#include <stdbool.h>
#include <stddef.h>

struct ax_str {
	char *buf;
	size_t len, cap;
	size_t max; /* 0: no limit */
	bool over;
};

#define AX_STR_INIT                                                            \
	{                                                                      \
		NULL, 0, 0, 0, false                                           \
	}

void ax_str_free(struct ax_str *s);
void ax_str_clear(struct ax_str *s);
void ax_str_add(struct ax_str *s, const char *text);
void ax_str_addn(struct ax_str *s, const void *bytes, size_t n);
void ax_str_addc(struct ax_str *s, char c);
void ax_str_addi(struct ax_str *s, int64_t value); /* in decimal */
void ax_str_addf(struct ax_str *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Gives the text away ("" if empty) and empties the buffer. Caller frees. */
char *ax_str_take(struct ax_str *s);
/* Text for HTML and SVG: & < > " ' escaped. */
void ax_str_add_html(struct ax_str *s, const char *text);
/* A JSON string with its quotes. */
void ax_str_add_json(struct ax_str *s, const char *text);

#endif
