/* SPDX-License-Identifier: Apache-2.0 */
/* The families by how they are made; behind structures.h. */
#ifndef AX_STRUCTURES_PARTS_H
#define AX_STRUCTURES_PARTS_H

#include "stages/circuit/structures/columns.h"

struct ax_operands {
	uint32_t a[12], b[12], c[32];
};

/* Is the partial product of bits i and j left out? */
bool ax_shape_drops(const struct ax_shape *s, unsigned i, unsigned j);
/* Does bit pair i, j count negative (the sign of exactly one operand)? */
bool ax_shape_negative(const struct ax_shape *s, unsigned i, unsigned j);
/* Partial products into columns: ANDs, signed ones after Baugh and Wooley, or
 * radix-4 Booth rows. Rows are numbered from 0; returns how many. */
unsigned ax_and_products(struct ax_columns *c, struct ax_sheet *s,
			 const struct ax_shape *shape,
			 const struct ax_operands *o);
unsigned ax_booth_products(struct ax_columns *c, struct ax_sheet *s,
			   const struct ax_shape *shape,
			   const struct ax_operands *o);
/* DRUM, SSM and Mitchell's: p[0..wa+wb-1]. */
void ax_leading_product(struct ax_sheet *s, const struct ax_shape *shape,
			const struct ax_operands *o, uint32_t *p);
/* Sums of the families for them: out[0..max(wa, wb)]. */
void ax_shape_sum(struct ax_sheet *s, const struct ax_shape *shape,
		  const struct ax_operands *o, uint32_t *out);
/* The weights of all approximate compressors together. */
uint64_t ax_shape_clumsy_weight(const struct ax_shape *t);

#endif
