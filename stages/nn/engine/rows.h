/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table made ready for the look-up kernels: a row for each weight code, in
 * it a value for each input code. A row is stored without its least value, so
 * that what remains is small and not negative; the least values are added for
 * a whole output at once.
 */
#ifndef AX_NN_ROWS_H
#define AX_NN_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "artifacts/lut.h"

/* How a kernel wants its rows. */
enum ax_lut_rows_layout {
	AX_ROWS_WORDS, /* 16-bit words, in order of the input codes */
	AX_ROWS_BYTES, /* all low bytes of a row, then all its high bytes */
	/* As bytes, but digits of seven bits, of values below 2^14: those of
	 * two rows can be added as bytes. */
	AX_ROWS_SEVENS,
	/* As bytes, but groups of 16 in each half row as differences
	 * (exclusive or) from the group before: for byte shuffles that know
	 * only 16 entries. */
	AX_ROWS_STEPS,
	AX_ROWS_LAYOUTS
};

/* Rows for input codes 0..span-1, of which there are 128 when no operand has
 * bit 7 set (that is: no signed one is negative), else all 256. */
struct ax_lut_rows_view {
	unsigned span;
	unsigned words;     /* 16-bit halves of a value: 1 or 2 */
	bool bytes;         /* values are below 256: all high bytes are 0 */
	bool sevens;        /* values are below 2^14 */
	int32_t least[256]; /* of each row */
	/* [words][256 rows][2 * span bytes] */
	uint8_t *rows[AX_ROWS_LAYOUTS];
};

struct ax_lut_rows {
	struct ax_lut_rows_view half, full;
	/* Of T(a,w) - a w in place of the values, for span 128; for signed
	 * tables alone, and only to be used where it says `bytes`. */
	struct ax_lut_rows_view errors;
	int64_t most; /* greatest |value| */
};

/* From value[weight code & 255][input code & 255], the entries of t; those
 * beyond the codes that occur are 0 or anything. Release with
 * ax_lut_rows_free. */
void ax_lut_rows_init(struct ax_lut_rows *r, const int32_t (*value)[256],
		      const struct ax_lut *t);
void ax_lut_rows_free(struct ax_lut_rows *r);
/* Bytes from one row to the next, and from one half of the values to the
 * next. */
#define AX_ROWS_STRIDE(span) (2 * (size_t)(span))
#define AX_ROWS_BLOCK(span) (256 * AX_ROWS_STRIDE(span))

#endif
