/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference text of a two-operand circuit, and what a simulator answers in
 * the same form: one line for each pattern,
 * `A = <bits> B = <bits> RESULT = <bits>`, all of one length.
 */
#ifndef AX_EDA_GOLDEN_H
#define AX_EDA_GOLDEN_H

#include "artifacts/base/base.h"

#define AX_GOLDEN_MAX_FILE ((size_t)2 << 30)
#define AX_GOLDEN_MAX_BITS 32 /* of an operand */
#define AX_GOLDEN_MAX_RESULT 64

struct ax_golden {
	char *text;
	size_t lines, stride; /* stride: bytes of a line with its line feed */
	unsigned a_at, a_bits, b_at, b_bits, r_at, r_bits;
	bool exhaustive; /* each of the 2^(a+b) patterns exactly once */
	bool sign;       /* first A is the most negative number */
};

/* `unknown`: x and z may stand in RESULT. Errors name file and line. */
int ax_golden_load(struct ax_golden *out, const char *path, bool unknown,
		   struct ax_err *err);
void ax_golden_free(struct ax_golden *g);
/* All patterns of these widths in the order of the reference files, A outer,
 * from the most negative number when `sign`; the results are left as zeros of
 * `r_bits`. */
int ax_golden_patterns(struct ax_golden *out, unsigned a_bits, unsigned b_bits,
		       unsigned r_bits, bool sign, struct ax_err *err);
/* Operands of a line as numbers; the text of its RESULT, r_bits characters. */
uint32_t ax_golden_a(const struct ax_golden *g, size_t line);
uint32_t ax_golden_b(const struct ax_golden *g, size_t line);
static inline const char *
ax_golden_result(const struct ax_golden *g, size_t line)
{
	return g->text + line * g->stride + g->r_at;
}
/*
 * How many lines of `got` answer otherwise than `want`; -1 when they are not
 * answers to the same patterns. `report` gets the first ten, with the
 * operands and, where the bits are known, the results as numbers.
 */
int64_t ax_golden_compare(struct ax_str *report, const struct ax_golden *want,
			  const struct ax_golden *got, struct ax_err *err);

#endif
