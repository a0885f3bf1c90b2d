/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/structures/parts.h"

#include "artifacts/base/base.h"

bool
ax_shape_drops(const struct ax_shape *s, unsigned i, unsigned j)
{
	if (s->family == AX_SHAPE_TRUNCATED)
		return i + j < s->k;
	return s->family == AX_SHAPE_BROKEN_ARRAY && (i + j < s->k || j < s->h);
}

bool
ax_shape_negative(const struct ax_shape *s, unsigned i, unsigned j)
{
	return s->sign && (i + 1 == s->wa) != (j + 1 == s->wb);
}

/*
 * Baugh and Wooley, "A two's complement parallel array multiplication
 * algorithm", IEEE Trans. Comp. 1973: the products of one sign bit count
 * negative. What is left out is the bit as it stands in its column, so for a
 * negative one the complement; its constant stays.
 */
unsigned
ax_and_products(struct ax_columns *c, struct ax_sheet *s,
		const struct ax_shape *shape, const struct ax_operands *o)
{
	for (unsigned j = 0; j < shape->wb; j++)
		for (unsigned i = 0; i < shape->wa; i++) {
			uint32_t p = ax_sheet_and(s, o->a[i], o->b[j]);

			if (ax_shape_drops(shape, i, j))
				p = AX_S0;
			if (!ax_shape_negative(shape, i, j))
				ax_columns_put(c, i + j, p, j);
			else if (p != AX_S0)
				ax_columns_put_negative(c, i + j, p, j);
			else
				c->add -= (uint64_t)1 << (i + j);
		}
	return shape->wb;
}

/*
 * Booth's recoding in radix 4 (MacSorley, "High-speed arithmetic in binary
 * computers", 1961): digit d of -2..2 from three bits of B; its row is d * A in
 * one's complement, and the missing 1 where it is negative. Three ways to be
 * approximate in the columns below k, the first two with 0 * b = a * 0 = 0:
 * - BOOTH_APPROX has a shorter encoder there, to which 2 A is A (in the manner
 *   of Liu, Qian, Wang, Jiang, Han, Lombardi, "Design of approximate radix-4
 *   Booth multipliers", IEEE Trans. Comp. 2017);
 * - BOOTH_BROKEN makes no bits there, and the missing 1 goes to column k: each
 *   row is cut towards zero, or, where A is negative, down (in the manner of
 *   Farshchi, Abrishami, Fakhraie, "New approximate multiplier for low power
 *   digital signal processing", 2013);
 * - BOOTH_TRUNCATED leaves that 1 out too, and a constant makes up for it.
 */
unsigned
ax_booth_products(struct ax_columns *c, struct ax_sheet *s,
		  const struct ax_shape *shape, const struct ax_operands *o)
{
	unsigned wa = shape->wa, wb = shape->wb;
	unsigned rows = shape->sign ? (wb + 1) / 2 : wb / 2 + 1;
	uint32_t fill_b = shape->sign ? o->b[wb - 1] : AX_S0;
	bool approx = shape->family == AX_SHAPE_BOOTH_APPROX;
	bool cut = shape->family == AX_SHAPE_BOOTH_TRUNCATED;
	unsigned broken =
		cut || shape->family == AX_SHAPE_BOOTH_BROKEN ? shape->k : 0;

	for (unsigned r = 0; r < rows; r++) {
		unsigned base = 2 * r;
		uint32_t low = r ? o->b[base - 1] : AX_S0;
		uint32_t mid = base < wb ? o->b[base] : fill_b;
		uint32_t neg = base + 1 < wb ? o->b[base + 1] : fill_b;
		uint32_t one = ax_sheet_xor(s, mid, low);
		uint32_t two =
			ax_sheet_and(s, ax_sheet_xor(s, neg, mid), one ^ 1);

		uint32_t some = ax_sheet_or(s, one, two), p;
		unsigned first = base < broken ? broken - base : 0;
		unsigned end = wa + !shape->sign;

		for (unsigned i = first; i < end; i++) {
			uint32_t here = i < wa ? o->a[i] : AX_S0;
			uint32_t below = i ? o->a[i - 1] : AX_S0;

			if (approx && base + i < shape->k) {
				p = ax_sheet_and(s, some, here);
			} else {
				p = ax_sheet_and(s, two, below);
				p = ax_sheet_or(s, ax_sheet_and(s, one, here),
						p);
			}
			if (i > first || (cut && i > 0)) {
				ax_columns_put(c, base + i,
					       ax_sheet_xor(s, p, neg), r);
				continue;
			}
			/* (p ^ neg) + neg = p + 2 (neg & !p) */
			ax_columns_put(c, base + i, p, r);
			ax_columns_put(c, base + i + 1,
				       ax_sheet_and(s, neg, p ^ 1), r + 1);
		}
		/* of a row cut at its second bit the carry of the first is
		 * still there */
		if (cut && first == 1)
			ax_columns_put(
				c, base + 1,
				ax_sheet_and(s, neg,
					     ax_sheet_and(s, one, o->a[0]) ^ 1),
				r + 1);
		if (cut && base + end < broken)
			continue;
		/* the row's sign; nothing else is left of a row cut whole */
		p = neg;
		if (shape->sign)
			p = ax_sheet_xor(s, ax_sheet_and(s, some, o->a[wa - 1]),
					 neg);
		ax_columns_put_negative(c, AX_MAX(base + end, broken), p, r);
		if (first >= end && !cut)
			ax_columns_put(c, broken, neg, r + 1);
	}
	return rows + 1;
}
