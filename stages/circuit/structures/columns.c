/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/structures/columns.h"

#include "artifacts/base/base.h"

void
ax_columns_put(struct ax_columns *c, unsigned k, uint32_t bit, unsigned row)
{
	if (k >= c->width || bit == AX_S0)
		return;
	if (bit == AX_S1) {
		c->add += (uint64_t)1 << k;
		return;
	}
	if (c->col[k].n == AX_COL_BITS)
		abort(); /* widths are checked: at most 2 x 12 bits a column */
	c->col[k].bit[c->col[k].n] = bit;
	c->col[k].row[c->col[k].n++] = (uint8_t)row;
}

void
ax_columns_put_negative(struct ax_columns *c, unsigned k, uint32_t bit,
			unsigned row)
{
	ax_columns_put(c, k, bit ^ 1, row);
	c->add -= (uint64_t)1 << k;
}

/* --- two addends --------------------------------------------------------- */

static void
ripple(struct ax_sheet *s, const uint32_t *a, const uint32_t *b, uint32_t carry,
       unsigned width, uint32_t *out)
{
	for (unsigned i = 0; i < width; i++)
		ax_sheet_add3(s, a[i], b[i], carry, &out[i], &carry);
	out[width] = carry;
}

struct prefix {
	uint32_t g, p; /* generates and passes on a carry */
};

static void
join(struct ax_sheet *s, struct prefix *high, const struct prefix *low)
{
	high->g = ax_sheet_or(s, high->g, ax_sheet_and(s, high->p, low->g));
	high->p = ax_sheet_and(s, high->p, low->p);
}

/*
 * Parallel prefix adders: Sklansky 1960, Kogge and Stone 1973, Brent and Kung
 * 1982. Position 0 is the carry that comes in.
 */
static void
prefix_adder(struct ax_sheet *s, enum ax_shape_adder adder, const uint32_t *a,
	     const uint32_t *b, uint32_t carry, unsigned width, uint32_t *out)
{
	struct prefix g[AX_COL_MAX + 2], old[AX_COL_MAX + 2];
	uint32_t half[AX_COL_MAX + 1];
	unsigned n = width + 1, d;

	g[0] = (struct prefix){carry, AX_S0};
	for (unsigned i = 0; i < width; i++) {
		half[i] = ax_sheet_xor(s, a[i], b[i]);
		g[i + 1].g = ax_sheet_and(s, a[i], b[i]);
		g[i + 1].p = half[i];
	}
	if (adder == AX_ADDER_KOGGE_STONE) {
		for (d = 1; d < n; d *= 2) {
			memcpy(old, g, sizeof(old));
			for (unsigned i = d; i < n; i++)
				join(s, &g[i], &old[i - d]);
		}
	} else if (adder == AX_ADDER_SKLANSKY) {
		for (d = 1; d < n; d *= 2)
			for (unsigned i = 0; i < n; i++)
				if (i & d)
					join(s, &g[i], &g[(i | (d - 1)) - d]);
	} else {
		for (d = 1; d < n; d *= 2)
			for (unsigned i = 2 * d - 1; i < n; i += 2 * d)
				join(s, &g[i], &g[i - d]);
		for (d /= 2; d >= 1; d /= 2)
			for (unsigned i = 3 * d - 1; i < n; i += 2 * d)
				join(s, &g[i], &g[i - d]);
	}
	for (unsigned i = 0; i < width; i++)
		out[i] = ax_sheet_xor(s, half[i], g[i].g);
	out[width] = g[width].g;
}

void
ax_adder(struct ax_sheet *s, enum ax_shape_adder adder, const uint32_t *a,
	 const uint32_t *b, uint32_t carry_in, unsigned width, uint32_t *out)
{
	if (adder == AX_ADDER_RIPPLE)
		ripple(s, a, b, carry_in, width, out);
	else
		prefix_adder(s, adder, a, b, carry_in, width, out);
}

/* --- many ---------------------------------------------------------------- */

static uint32_t
take(struct ax_columns *c, unsigned k, unsigned at)
{
	uint32_t bit = c->col[k].bit[at];

	c->col[k].n--;
	memmove(&c->col[k].bit[at], &c->col[k].bit[at + 1],
		(c->col[k].n - at) * sizeof(bit));
	memmove(&c->col[k].row[at], &c->col[k].row[at + 1], c->col[k].n - at);
	return bit;
}

/* The constant, as bits at the end of each column. */
static void
put_constant(struct ax_columns *c, unsigned row)
{
	for (unsigned k = 0; k < c->width; k++) {
		if (!(c->add >> k & 1))
			continue;
		c->col[k].bit[c->col[k].n] = AX_S1;
		c->col[k].row[c->col[k].n++] = (uint8_t)row;
	}
	c->add = 0;
}

/* What becomes of two or three bits of column k. */
static void
compress(struct ax_columns *c, struct ax_sheet *s, unsigned k, unsigned n,
	 bool newest, struct ax_columns *to)
{
	uint32_t bit[3] = {AX_S0, AX_S0, AX_S0}, sum, carry;

	for (unsigned i = 0; i < n; i++)
		bit[i] = take(c, k, newest ? c->col[k].n - 1 : 0);
	ax_sheet_add3(s, bit[0], bit[1], bit[2], &sum, &carry);
	ax_columns_put(to, k, sum, 0);
	ax_columns_put(to, k + 1, carry, 0);
}

/* Column after column; sums queue up behind (or go in front of) their column,
 * so that the last bit of each is its result. */
static void
column_by_column(struct ax_columns *c, struct ax_sheet *s, bool newest,
		 uint32_t *out)
{
	put_constant(c, 0);
	for (unsigned k = 0; k < c->width; k++) {
		while (c->col[k].n > 1) {
			compress(c, s, k, AX_MIN(c->col[k].n, 3u), newest, c);
			put_constant(c, 0); /* what folded to 1 */
		}
		out[k] = c->col[k].n ? take(c, k, 0) : AX_S0;
	}
}

static unsigned
highest(const struct ax_columns *c)
{
	unsigned n = 0;

	for (unsigned k = 0; k < c->width; k++)
		n = AX_MAX(n, c->col[k].n);
	return n;
}

/* Rows of carry-save adders, one addend after another; where an addend has two
 * bits in a column, the second waits for the next row. */
static void
row_by_row(struct ax_columns *c, struct ax_sheet *s, uint32_t *x, uint32_t *y)
{
	unsigned rows = 0;
	uint32_t sum, carry;

	for (unsigned k = 0; k < c->width; k++)
		for (unsigned i = 0; i < c->col[k].n; i++)
			rows = AX_MAX(rows, c->col[k].row[i] + 1u);
	put_constant(c, rows);
	for (unsigned r = 0; highest(c) > 0; r++) {
		uint32_t next[AX_COL_MAX + 1] = {AX_S0};

		for (unsigned k = 0; k < c->width; k++) {
			uint32_t bit = AX_S0;
			unsigned i = 0;

			while (i < c->col[k].n && c->col[k].row[i] > r)
				i++;
			if (i < c->col[k].n)
				bit = take(c, k, i);
			ax_sheet_add3(s, x[k], y[k], bit, &sum, &carry);
			x[k] = sum;
			next[k + 1] = carry;
		}
		memcpy(y, next, c->width * sizeof(*y));
	}
}

/*
 * A 4-2 compressor that ignores its neighbour's carry: sum = !(a ^ b) | !(c ^
 * d), carry = (a | b) & (c | d). Of 16 patterns 0000 counts one too many, 0011,
 * 1100 and 1111 one too few (Momeni, Han, Montuschi, Lombardi, "Design and
 * analysis of approximate compressors for multiplication", IEEE Trans. Comp.
 * 2015, design 2).
 */
static void
clumsy(struct ax_columns *c, struct ax_sheet *s, unsigned k,
       struct ax_columns *to)
{
	uint32_t b[4], one, two;

	for (unsigned i = 0; i < 4; i++)
		b[i] = take(c, k, 0);
	two = ax_sheet_xor(s, b[2], b[3]) ^ 1;
	one = ax_sheet_xor(s, b[0], b[1]) ^ 1;
	ax_columns_put(to, k, ax_sheet_or(s, one, two), 0);
	two = ax_sheet_or(s, b[2], b[3]);
	one = ax_sheet_or(s, b[0], b[1]);
	ax_columns_put(to, k + 1, ax_sheet_and(s, one, two), 0);
	to->clumsy++;
	to->heavy += (uint64_t)1 << k;
}

/* Every column in threes (and a rest of two) at once, level by level (Wallace,
 * "A suggestion for a fast multiplier", 1964); low columns in fours. */
static void
wallace(struct ax_columns *c, struct ax_sheet *s)
{
	struct ax_columns *to = ax_calloc(1, sizeof(*to));

	put_constant(c, 0);
	while (highest(c) > 2) {
		memset(to, 0, sizeof(*to));
		to->width = c->width;
		to->clumsy = c->clumsy;
		to->heavy = c->heavy;
		to->low = c->low;
		for (unsigned k = 0; k < c->width; k++) {
			while (k < c->low && c->col[k].n > 3)
				clumsy(c, s, k, to);
			while (c->col[k].n > 2)
				compress(c, s, k, 3, false, to);
			/* a pair as high as two needs no help below three */
			if (c->col[k].n == 2 && to->col[k].n > 0)
				compress(c, s, k, 2, false, to);
			while (c->col[k].n)
				ax_columns_put(to, k, take(c, k, 0), 0);
		}
		*c = *to;
		put_constant(c, 0);
	}
	free(to);
}

/* As late and as little as it goes: heights 2, 3, 4, 6, 9, 13, 19, 28 (Dadda,
 * "Some schemes for parallel multipliers", 1965). */
static void
dadda(struct ax_columns *c, struct ax_sheet *s)
{
	unsigned goal[12] = {2}, level = 0;

	put_constant(c, 0);
	while (goal[level] < highest(c)) {
		goal[level + 1] = goal[level] * 3 / 2;
		level++;
	}
	while (level-- > 0)
		for (unsigned k = 0; k < c->width; k++) {
			while (c->col[k].n > goal[level]) {
				compress(c, s, k,
					 c->col[k].n == goal[level] + 1 ? 2 : 3,
					 false, c);
				put_constant(c, 0);
			}
		}
}

void
ax_columns_sum(struct ax_columns *c, struct ax_sheet *s,
	       enum ax_shape_tree tree, enum ax_shape_adder adder,
	       uint32_t *out)
{
	uint32_t x[AX_COL_MAX + 1] = {AX_S0}, y[AX_COL_MAX + 1] = {AX_S0};
	uint32_t sum[AX_COL_MAX + 1];

	switch (tree) {
	case AX_TREE_COLUMN:
	case AX_TREE_CHAIN:
		column_by_column(c, s, tree == AX_TREE_CHAIN, out);
		return;
	case AX_TREE_ARRAY:
		row_by_row(c, s, x, y);
		break;
	case AX_TREE_WALLACE:
		wallace(c, s);
		break;
	default:
		dadda(c, s);
		break;
	}
	for (unsigned k = 0; tree != AX_TREE_ARRAY && k < c->width; k++) {
		if (c->col[k].n > 0)
			x[k] = take(c, k, 0);
		if (c->col[k].n > 0)
			y[k] = take(c, k, 0);
	}
	ax_adder(s, adder, x, y, AX_S0, c->width, sum);
	memcpy(out, sum, c->width * sizeof(*out));
}
