/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/structures/parts.h"

#include "artifacts/base/base.h"

/*
 * Low k bits by rule, the rest added exactly:
 * - LOA (Mahdiani, Ahmadi, Fakhraie, Lucas, IEEE Trans. Circuits and Systems I,
 *   2010): a | b; the highest pair's a & b carries into the rest.
 * - ETA (Zhu, Goh, Zhang, Yeo, Kong, IEEE Trans. VLSI 2010): exclusive-ors from
 *   the top down to the first pair of ones, from there on only ones.
 */
static uint32_t
low_part(struct ax_sheet *s, const struct ax_shape *t, const uint32_t *a,
	 const uint32_t *b, uint32_t *out)
{
	uint32_t both = AX_S0;

	for (unsigned i = t->k; i-- > 0;) {
		if (t->family == AX_SHAPE_ADDER_TRUNCATED) {
			out[i] = t->add >> i & 1 ? AX_S1 : AX_S0;
		} else if (t->family == AX_SHAPE_ADDER_COPIED) {
			out[i] = a[i];
		} else if (t->family == AX_SHAPE_LOA) {
			out[i] = ax_sheet_or(s, a[i], b[i]);
		} else {
			both = ax_sheet_or(s, both,
					   ax_sheet_and(s, a[i], b[i]));
			out[i] = ax_sheet_or(s, both,
					     ax_sheet_xor(s, a[i], b[i]));
		}
	}
	return t->family == AX_SHAPE_LOA
		       ? ax_sheet_and(s, a[t->k - 1], b[t->k - 1])
		       : AX_S0;
}

/*
 * GeAr (Shafique, Ahmad, Hafiz, Henkel, DAC 2015): sub-adders of h + k bits
 * that each give k new bits of the sum, the first one h + k. The carry that
 * enters one is guessed from its h lower bits.
 */
static void
gear(struct ax_sheet *s, const struct ax_shape *t, const uint32_t *a,
     const uint32_t *b, unsigned n, uint32_t *out)
{
	uint32_t part[AX_COL_MAX + 2];
	unsigned len;

	for (unsigned at = 0; at + t->h < n; at += t->k) {
		unsigned skip = at ? t->h : 0;

		len = AX_MIN(t->h + t->k, n - at);
		ax_adder(s, t->adder, a + at, b + at, AX_S0, len, part);
		memcpy(out + at + skip, part + skip,
		       (len - skip) * sizeof(*out));
	}
}

void
ax_shape_sum(struct ax_sheet *s, const struct ax_shape *t,
	     const struct ax_operands *o, uint32_t *out)
{
	unsigned n = AX_MAX(t->wa, t->wb) + 1, k;
	uint32_t a[16], b[16], sum[AX_COL_MAX + 1], carry;

	/* one bit longer than the longer operand: nothing is lost */
	for (unsigned i = 0; i < n; i++) {
		a[i] = i < t->wa ? o->a[i] : t->sign ? o->a[t->wa - 1] : AX_S0;
		b[i] = i < t->wb ? o->b[i] : t->sign ? o->b[t->wb - 1] : AX_S0;
	}
	if (t->family == AX_SHAPE_GEAR) {
		gear(s, t, a, b, n, out);
		return;
	}
	k = t->family == AX_SHAPE_ADDER ? 0 : t->k;
	carry = k ? low_part(s, t, a, b, out) : AX_S0;
	ax_adder(s, t->adder, a + k, b + k, carry, n - k, sum);
	memcpy(out + k, sum, (n - k) * sizeof(*out));
}
