/* SPDX-License-Identifier: Apache-2.0 */
/* Words of Verilog for the netlist reader: one token at a time. */
#ifndef AX_VERILOG_LEX_H
#define AX_VERILOG_LEX_H

#include "artifacts/base/base.h"

enum ax_v_kind { AX_V_END, AX_V_NAME, AX_V_NUMBER, AX_V_MARK };

#define AX_V_BITS 4096 /* widest constant */

struct ax_vlex {
	const char *file, *code;
	size_t len, pos;
	unsigned line;
	enum ax_v_kind kind;
	bool escaped; /* a \name, which is never a keyword */
	bool top;     /* the attribute "top" stood in front of it */
	char *text;   /* of the token */
	size_t cap;
	struct ax_err *err;
};

/*
 * What compiler directives leave of the text: `ifdef and its like are obeyed
 * (SYNTHESIS is defined, and what the text itself defines), `timescale and its
 * like taken away, macros and `include refused. The caller frees *out, of the
 * same length and lines; NULL where there is nothing to do.
 */
int ax_verilog_directives(char **out, const char *file, const char *text,
			  size_t len, struct ax_err *err);

void ax_vlex_init(struct ax_vlex *l, const char *file, const char *text,
		  size_t len, struct ax_err *err);
void ax_vlex_free(struct ax_vlex *l);
int ax_vlex_next(struct ax_vlex *l);
/* The token is this word or mark. */
bool ax_vlex_at(const struct ax_vlex *l, const char *text);
/* The character that the next token will start with. */
char ax_vlex_peek(const struct ax_vlex *l);
int ax_vlex_fail(struct ax_vlex *l, const char *what, const char *name);
int ax_vlex_expected(struct ax_vlex *l, const char *what);
/* The bits of the number token, lowest first: 0, 1, or 2 for x and z. */
int ax_vlex_number(struct ax_vlex *l, uint8_t *bits, unsigned *n);

#endif
