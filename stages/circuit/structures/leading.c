/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multipliers that look at where an operand's leading one stands. They work on
 * magnitudes; signed operands are made so first and the product is negated
 * where the signs differ.
 */
#include "stages/circuit/structures/parts.h"

#include "artifacts/base/base.h"

#define W 40 /* room of a number */

/* x + 1 when `carry`, of n bits. */
static void
increment(struct ax_sheet *s, uint32_t *x, unsigned n, uint32_t carry)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t sum = ax_sheet_xor(s, x[i], carry);

		carry = ax_sheet_and(s, x[i], carry);
		x[i] = sum;
	}
}

static void
negate_if(struct ax_sheet *s, uint32_t *x, unsigned n, uint32_t sign)
{
	for (unsigned i = 0; i < n; i++)
		x[i] = ax_sheet_xor(s, x[i], sign);
	increment(s, x, n, sign);
}

/* one[i]: bit i is the highest that is set; for i < from it is not looked at.
 */
static void
leading_one(struct ax_sheet *s, const uint32_t *x, unsigned n, unsigned from,
	    uint32_t *one)
{
	uint32_t above = AX_S0;

	for (unsigned i = n; i-- > from;) {
		one[i] = ax_sheet_and(s, x[i], above ^ 1);
		above = ax_sheet_or(s, above, x[i]);
	}
}

/* Number of the set one of n signals, bit by bit; returns its width. */
static unsigned
encode(struct ax_sheet *s, const uint32_t *one, unsigned n, uint32_t *code)
{
	uint32_t with[W];
	unsigned bits = 0;

	for (; n && (n - 1) >> bits; bits++) {
		unsigned k = 0;

		for (unsigned i = 0; i < n; i++)
			if (i >> bits & 1)
				with[k++] = one[i];
		code[bits] = ax_sheet_any(s, with, k);
	}
	return bits;
}

/* x << code, in place, n bits. */
static void
shift_left(struct ax_sheet *s, uint32_t *x, unsigned n, const uint32_t *code,
	   unsigned bits)
{
	for (unsigned b = 0; b < bits; b++) {
		unsigned by = 1u << b;

		for (unsigned i = n; i-- > 0;)
			x[i] = ax_sheet_mux(s, code[b],
					    i >= by ? x[i - by] : AX_S0, x[i]);
	}
}

static void
exact_product(struct ax_sheet *s, const uint32_t *a, unsigned n,
	      const uint32_t *b, unsigned m, enum ax_shape_tree tree,
	      enum ax_shape_adder adder, uint32_t *p)
{
	struct ax_columns *c = ax_calloc(1, sizeof(*c));

	c->width = n + m;
	for (unsigned j = 0; j < m; j++)
		for (unsigned i = 0; i < n; i++)
			ax_columns_put(c, i + j, ax_sheet_and(s, a[i], b[j]),
				       j);
	ax_columns_sum(c, s, tree, adder, p);
	free(c);
}

/*
 * DRUM (Hashemi, Bahar, Reda, ICCAD 2015): from an operand of 2^k and more the
 * k leading bits, the last of them set to 1. seg gets them, code the shift.
 */
static unsigned
drum_segment(struct ax_sheet *s, const uint32_t *x, unsigned n, unsigned k,
	     uint32_t *seg, uint32_t *code)
{
	uint32_t one[W], at[W], pick[W], big;
	unsigned shifts = n > k ? n - k + 1 : 1;

	if (n <= k) {
		memcpy(seg, x, n * sizeof(*x));
		return 0;
	}
	leading_one(s, x, n, k, one);
	big = ax_sheet_any(s, x + k, n - k);
	at[0] = big ^ 1;
	for (unsigned i = 1; i < shifts; i++)
		at[i] = one[k + i - 1];
	for (unsigned b = 0; b < k; b++) {
		for (unsigned i = 0; i < shifts; i++)
			pick[i] = ax_sheet_and(s, at[i], x[i + b]);
		seg[b] = b ? ax_sheet_any(s, pick, shifts)
			   : ax_sheet_or(s, big, x[0]);
	}
	return encode(s, at, shifts, code);
}

static void
drum(struct ax_sheet *s, const struct ax_shape *t, const uint32_t *a,
     unsigned n, const uint32_t *b, unsigned m, uint32_t *p)
{
	uint32_t sa[W], sb[W], ca[W], cb[W], shift[W + 1];
	unsigned ka = AX_MIN(n, t->k), kb = AX_MIN(m, t->k);
	unsigned na = drum_segment(s, a, n, t->k, sa, ca);
	unsigned nb = drum_segment(s, b, m, t->k, sb, cb);
	unsigned most = AX_MAX(na, nb), bits = 0;

	for (unsigned i = na; i < most; i++)
		ca[i] = AX_S0;
	for (unsigned i = nb; i < most; i++)
		cb[i] = AX_S0;
	exact_product(s, sa, ka, sb, kb, t->tree, t->adder, p);
	for (unsigned i = ka + kb; i < n + m; i++)
		p[i] = AX_S0;
	if (most)
		ax_adder(s, AX_ADDER_RIPPLE, ca, cb, AX_S0, most, shift);
	while (most && ((n - ka) + (m - kb)) >> bits)
		bits++;
	shift_left(s, p, n + m, shift, bits);
}

/*
 * Static segments (Narayanamoorthy, Moghaddam, Liu, Park, Kim, IEEE Trans.
 * VLSI 2015): the upper k bits of an operand of 2^k and more, else the lower.
 */
static void
ssm(struct ax_sheet *s, const struct ax_shape *t, const uint32_t *a, unsigned n,
    const uint32_t *b, unsigned m, uint32_t *p)
{
	uint32_t seg[2][W], high[2] = {AX_S0, AX_S0};
	unsigned by[2] = {0, 0}, k[2] = {n, m};

	for (int o = 0; o < 2; o++) {
		const uint32_t *x = o ? b : a;
		unsigned w = o ? m : n;

		memcpy(seg[o], x, w * sizeof(*x));
		if (w <= t->k)
			continue;
		k[o] = t->k;
		by[o] = w - t->k;
		high[o] = ax_sheet_any(s, x + t->k, w - t->k);
		for (unsigned i = 0; i < t->k; i++)
			seg[o][i] =
				ax_sheet_mux(s, high[o], x[by[o] + i], x[i]);
	}
	exact_product(s, seg[0], k[0], seg[1], k[1], t->tree, t->adder, p);
	for (unsigned i = k[0] + k[1]; i < n + m; i++)
		p[i] = AX_S0;
	for (int o = 0; o < 2; o++)
		for (unsigned i = n + m; i-- > 0;)
			p[i] = ax_sheet_mux(s, high[o],
					    i >= by[o] ? p[i - by[o]] : AX_S0,
					    p[i]);
}

/* log2, linear between powers: `whole` bits of the leading one's place above
 * `frac` bits of what follows it. Returns the number of whole bits. */
static unsigned
logarithm(struct ax_sheet *s, const uint32_t *x, unsigned n, unsigned frac,
	  uint32_t *log)
{
	uint32_t one[W], pick[W];

	leading_one(s, x, n, 0, one);
	for (unsigned f = 0; f < frac; f++) {
		unsigned k = 0;

		/* place f stands frac - f below the leading one */
		for (unsigned i = frac - f; i < n; i++)
			pick[k++] = ax_sheet_and(s, one[i], x[i - (frac - f)]);
		log[f] = ax_sheet_any(s, pick, k);
	}
	return encode(s, one, n, log + frac);
}

/*
 * Mitchell, "Computer multiplication and division using binary logarithms",
 * 1962. With as many fraction bits as the operands have, its result is an
 * integer: nothing is cut off.
 */
static void
mitchell(struct ax_sheet *s, const uint32_t *a, unsigned n, const uint32_t *b,
	 unsigned m, uint32_t *p)
{
	unsigned frac = AX_MAX(n, m) - 1, wide, na, nb;
	uint32_t la[W], lb[W], sum[W + 1], out[2 * W] = {AX_S0}, some;

	na = logarithm(s, a, n, frac, la);
	nb = logarithm(s, b, m, frac, lb);
	wide = frac + AX_MAX(na, nb);
	for (unsigned i = frac + na; i < wide; i++)
		la[i] = AX_S0;
	for (unsigned i = frac + nb; i < wide; i++)
		lb[i] = AX_S0;
	ax_adder(s, AX_ADDER_RIPPLE, la, lb, AX_S0, wide, sum);
	memcpy(out, sum, frac * sizeof(*out));
	out[frac] = AX_S1;
	shift_left(s, out, frac + n + m, sum + frac, wide + 1 - frac);
	some = ax_sheet_any(s, b, m);
	some = ax_sheet_and(s, ax_sheet_any(s, a, n), some);
	for (unsigned i = 0; i < n + m; i++)
		p[i] = ax_sheet_and(s, some, out[frac + i]);
}

void
ax_leading_product(struct ax_sheet *s, const struct ax_shape *t,
		   const struct ax_operands *o, uint32_t *p)
{
	uint32_t a[12], b[12], sign = AX_S0;
	unsigned n = t->wa, m = t->wb;

	memcpy(a, o->a, sizeof(a));
	memcpy(b, o->b, sizeof(b));
	if (t->sign) {
		sign = ax_sheet_xor(s, a[n - 1], b[m - 1]);
		negate_if(s, a, n, a[n - 1]);
		negate_if(s, b, m, b[m - 1]);
	}
	if (t->family == AX_SHAPE_DRUM)
		drum(s, t, a, n, b, m, p);
	else if (t->family == AX_SHAPE_SSM)
		ssm(s, t, a, n, b, m, p);
	else
		mitchell(s, a, n, b, m, p);
	if (t->sign)
		negate_if(s, p, n + m, sign);
}
