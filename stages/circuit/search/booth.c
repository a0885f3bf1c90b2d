/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/families.h"

/*
 * Bits are kept inverted here: a full adder of inverted bits gives the inverted
 * sum and carry, and inverted partial products are NANDs, which are cheaper.
 */
struct column {
	uint16_t bit[64];
	unsigned first, n;
};

struct booth {
	struct ax_circuit *c;
	const struct ax_family *f;
	uint16_t zero, one;
	unsigned outs;
	struct column col[AX_CIRCUIT_OUTS + 1];
};

static uint16_t
gate(struct booth *t, enum ax_g g, uint16_t a, uint16_t b)
{
	return ax_circuit_add(t->c, g, a, b);
}

static void
push(struct booth *t, unsigned k, uint16_t bit)
{
	if (k < t->outs)
		t->col[k].bit[t->col[k].first + t->col[k].n++] = bit;
}

static uint16_t
pull(struct booth *t, unsigned k)
{
	struct column *col = &t->col[k];

	col->n--;
	return t->f->chain ? col->bit[col->first + col->n]
			   : col->bit[col->first++];
}

/* The sum of two (and `extra`) inverted bits, itself inverted unless `last`. */
static uint16_t
half_adder(struct booth *t, unsigned k, unsigned extra, bool last)
{
	uint16_t a = pull(t, k), b = pull(t, k);

	if (k + 1 < t->outs)
		push(t, k + 1, gate(t, extra ? AX_G_AND : AX_G_OR, a, b));
	return gate(t, (extra != 0) != last ? AX_G_XOR : AX_G_XNOR, a, b);
}

static uint16_t
full_adder(struct booth *t, unsigned k, bool last)
{
	uint16_t a = pull(t, k), b = pull(t, k), d = pull(t, k), x, y;
	uint16_t half = gate(t, AX_G_XOR, a, b);

	if (k + 1 < t->outs) {
		x = gate(t, AX_G_NAND, a, b);
		y = gate(t, AX_G_NAND, half, d);
		push(t, k + 1, gate(t, AX_G_NAND, x, y));
	}
	return gate(t, last ? AX_G_XNOR : AX_G_XOR, half, d);
}

static uint16_t
compress(struct booth *t, unsigned k, unsigned extra)
{
	struct column *col = &t->col[k];

	while (col->n > 1 || extra) {
		if (extra && col->n == 0)
			return t->one;
		if (extra && col->n == 1) {
			uint16_t a = pull(t, k);

			push(t, k + 1, a);
			return a;
		}
		if (extra) {
			bool last = col->n == 2;
			uint16_t s = half_adder(t, k, 1, last);

			extra = 0;
			if (last)
				return s;
			push(t, k, s);
		} else if (col->n == 2) {
			return half_adder(t, k, 0, true);
		} else {
			bool last = col->n == 3;
			uint16_t s = full_adder(t, k, last);

			if (last)
				return s;
			push(t, k, s);
		}
	}
	return col->n ? gate(t, AX_G_INV, pull(t, k), 0) : t->zero;
}

/* Bit i of an operand, sign or zero beyond its width. */
static uint16_t
operand(const struct booth *t, unsigned first, unsigned width, bool sign, int i)
{
	if (i < 0 || (i >= (int)width && !sign))
		return t->zero;
	return (uint16_t)(first + AX_MIN((unsigned)i, width - 1));
}

static void
row(struct booth *t, const struct ax_problem *p, unsigned k, unsigned width)
{
	unsigned wa = t->f->swap ? p->wb : p->wa;
	unsigned wb = t->f->swap ? p->wa : p->wb;
	unsigned a0 = t->f->swap ? p->wa : 0, b0 = t->f->swap ? 0 : p->wa;
	unsigned low = t->f->drop > 2 * k ? t->f->drop - 2 * k : 0;
	uint16_t lsb = operand(t, b0, wb, p->sign, 2 * (int)k - 1);
	uint16_t mid = operand(t, b0, wb, p->sign, 2 * (int)k);
	uint16_t neg = operand(t, b0, wb, p->sign, 2 * (int)k + 1);
	uint16_t one, two, x, y, a, below;

	if (low > width)
		return;
	one = gate(t, AX_G_XOR, mid, lsb);
	two = gate(t, AX_G_NOR, one, gate(t, AX_G_XNOR, neg, mid));
	for (unsigned i = low; i <= width; i++) {
		a = operand(t, a0, wa, p->sign, (int)i);
		below = operand(t, a0, wa, p->sign, (int)i - 1);
		x = gate(t, AX_G_NAND, one, a);
		if (i == 0) {
			/* digit negative: ~x + 1 is x with a carry of ~x */
			push(t, 2 * k, x);
			continue;
		}
		y = gate(t, AX_G_NAND, two, below);
		x = gate(t, AX_G_NAND, x, y);
		/* the sign goes in as its complement, see ax_booth_build */
		push(t, 2 * k + i,
		     gate(t, i == width ? AX_G_XOR : AX_G_XNOR, neg, x));
		if (i == 1)
			push(t, 2 * k + 1,
			     gate(t, AX_G_NAND, neg,
				  gate(t, AX_G_NAND, one,
				       operand(t, a0, wa, p->sign, 0))));
	}
}

void
ax_booth_build(const struct ax_problem *p, const struct ax_family *f,
	       struct ax_circuit *c)
{
	struct booth *t = ax_calloc(1, sizeof(*t));
	unsigned wa = f->swap ? p->wb : p->wa, wb = f->swap ? p->wa : p->wb;
	unsigned width = wa + !p->sign, rows = (wb + !p->sign + 1) / 2;
	uint64_t add = f->add;

	ax_circuit_free(c);
	c->ins = p->ins;
	c->outs = p->outs;
	t->c = c;
	t->f = f;
	t->outs = p->outs;
	t->one = gate(t, AX_G_CONST1, 0, 0);
	t->zero = gate(t, AX_G_CONST0, 0, 0);
	for (unsigned k = 0; k < rows; k++) {
		row(t, p, k, width);
		/* -s = ~s - 1 at the row's sign */
		if (f->drop <= 2 * k + width)
			add -= (uint64_t)1 << (2 * k + width);
	}
	for (unsigned k = 0; k < p->outs; k++)
		c->out[k] = compress(t, k, add >> k & 1);
	free(t);
}
