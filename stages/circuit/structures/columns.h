/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adding up many bits of different weights: columns of bits, the trees that
 * compress them, and the adders that finish. Everything is modulo 2^width.
 */
#ifndef AX_STRUCTURES_COLUMNS_H
#define AX_STRUCTURES_COLUMNS_H

#include "stages/circuit/structures/sheet.h"
#include "stages/circuit/structures/structures.h"

#define AX_COL_MAX 40   /* columns */
#define AX_COL_BITS 128 /* bits of one column at a time */

struct ax_columns {
	unsigned width;  /* 1..AX_COL_MAX */
	uint64_t add;    /* a constant, any sign, modulo 2^width */
	unsigned low;    /* columns below are compressed approximately */
	unsigned clumsy; /* approximate compressors used */
	uint64_t heavy;  /* sum of their weights */
	struct {
		uint32_t bit[AX_COL_BITS];
		uint8_t row[AX_COL_BITS]; /* which addend it belongs to */
		unsigned n;
	} col[AX_COL_MAX];
};

/* A bit of weight 2^k in addend `row`; nothing for the constant 0, and for
 * columns beyond the width. */
void ax_columns_put(struct ax_columns *c, unsigned k, uint32_t bit,
		    unsigned row);
/* The same with weight -2^k: its complement, and -2^k as constant. */
void ax_columns_put_negative(struct ax_columns *c, unsigned k, uint32_t bit,
			     unsigned row);
/* Adds everything; out[0..width-1]. */
void ax_columns_sum(struct ax_columns *c, struct ax_sheet *s,
		    enum ax_shape_tree tree, enum ax_shape_adder adder,
		    uint32_t *out);

/* a + b + carry_in of `width` bits each; out has width + 1 bits. */
void ax_adder(struct ax_sheet *s, enum ax_shape_adder adder, const uint32_t *a,
	      const uint32_t *b, uint32_t carry_in, unsigned width,
	      uint32_t *out);

#endif
