/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/base/base.h"
#include "artifacts/netlist/logic.h"

/*
 * A function is a 64-bit truth table over six inputs throughout this file; one
 * of fewer inputs is spread over all 64 bits first. A factored form is found
 * by, in this order: a literal; two parts of disjoint support joined by and, or
 * or exclusive-or (every split is tried, and such a split is kept); else the
 * best expansion by one input. Each function met is solved once.
 */

enum choice {
	CH_CONST,
	CH_LITERAL,
	CH_AND,
	CH_OR,
	CH_XOR,
	CH_POS,
	CH_NEG,
	CH_MUX
};

struct fact {
	uint64_t tt;
	uint64_t a, b;  /* the parts */
	uint16_t net;   /* transistors of one pull network and its dual */
	uint8_t neg;    /* inputs wanted complemented */
	uint8_t choice; /* enum choice */
	uint8_t var;
	bool used;
	int16_t index; /* of the emitted operation, or -1 */
	bool complement;
};

#define FACTS 4096u

struct solver {
	struct fact slot[FACTS];
	unsigned n;
};

static const uint64_t tt_var[6] = {
	0xAAAAAAAAAAAAAAAAull, 0xCCCCCCCCCCCCCCCCull, 0xF0F0F0F0F0F0F0F0ull,
	0xFF00FF00FF00FF00ull, 0xFFFF0000FFFF0000ull, 0xFFFFFFFF00000000ull};

uint64_t
ax_tt_var(unsigned i)
{
	return tt_var[i];
}

uint64_t
ax_tt_mask(unsigned n)
{
	return n >= 6 ? UINT64_MAX : (UINT64_C(1) << (1u << n)) - 1;
}

uint64_t
ax_tt_cofactor(uint64_t tt, unsigned i, bool value)
{
	unsigned shift = 1u << i;
	uint64_t half;

	if (value) {
		half = tt & tt_var[i];
		return half | half >> shift;
	}
	half = tt & ~tt_var[i];
	return half | half << shift;
}

static uint64_t
spread(uint64_t tt, unsigned n)
{
	tt &= ax_tt_mask(n);
	for (; n < 6; n++)
		tt |= tt << (1u << n);
	return tt;
}

static unsigned
support(uint64_t tt)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < 6; i++) {
		if (((tt & tt_var[i]) >> (1u << i)) != (tt & ~tt_var[i]))
			mask |= 1u << i;
	}
	return mask;
}

unsigned
ax_tt_support(uint64_t tt, unsigned n)
{
	return support(spread(tt, n));
}

/* f with every input of `vars` forgotten: by or (some value makes it true), by
 * and (every value does), or set to 0. */
static uint64_t
exists(uint64_t tt, unsigned vars)
{
	for (unsigned i = 0; i < 6; i++) {
		if (vars >> i & 1)
			tt = ax_tt_cofactor(tt, i, false) |
			     ax_tt_cofactor(tt, i, true);
	}
	return tt;
}

static uint64_t
at_zero(uint64_t tt, unsigned vars)
{
	for (unsigned i = 0; i < 6; i++) {
		if (vars >> i & 1)
			tt = ax_tt_cofactor(tt, i, false);
	}
	return tt;
}

static struct fact *
slot_of(struct solver *s, uint64_t tt)
{
	size_t i = (size_t)((tt * 0x9E3779B97F4A7C15ull) >> 52) % FACTS;

	while (s->slot[i].used && s->slot[i].tt != tt)
		i = (i + 1) % FACTS;
	return &s->slot[i];
}

static struct fact *solve(struct solver *s, uint64_t tt);
static unsigned cell_cost(struct solver *s, uint64_t tt, bool *inverting);

/* A gate whose output may be had in either polarity. */
static unsigned
part_cost(struct solver *s, uint64_t tt)
{
	unsigned a = cell_cost(s, tt, NULL), b = cell_cost(s, ~tt, NULL);

	return AX_MIN(a, b);
}

static bool
split(uint64_t tt, unsigned sup, struct fact *f)
{
	unsigned low = sup & (~sup + 1), rest = sup & ~low;

	/* every split of the support in two, the lowest input on the left */
	for (unsigned sub = rest; sub; sub = (sub - 1) & rest) {
		unsigned left = sup & ~sub;

		f->a = exists(tt, sub);
		f->b = exists(tt, left);
		if ((f->a & f->b) == tt) {
			f->choice = CH_AND;
			return true;
		}
		f->a = ~exists(~tt, sub);
		f->b = ~exists(~tt, left);
		if ((f->a | f->b) == tt) {
			f->choice = CH_OR;
			return true;
		}
		f->a = at_zero(tt, sub);
		f->b = at_zero(tt, left);
		if (tt & 1)
			f->b = ~f->b;
		if ((f->a ^ f->b) == tt) {
			f->choice = CH_XOR;
			return true;
		}
	}
	return false;
}

static void
expand(struct solver *s, uint64_t tt, unsigned sup, struct fact *best)
{
	best->net = UINT16_MAX;
	for (unsigned i = 0; i < 6; i++) {
		struct fact f = *best;
		struct fact *a, *b;
		unsigned net;

		if (!(sup >> i & 1))
			continue;
		f.a = ax_tt_cofactor(tt, i, false);
		f.b = ax_tt_cofactor(tt, i, true);
		f.var = (uint8_t)i;
		f.choice = (f.a & ~f.b) == 0   ? CH_POS
			   : (f.b & ~f.a) == 0 ? CH_NEG
					       : CH_MUX;
		a = solve(s, f.a);
		net = a->net;
		f.neg = a->neg;
		b = solve(s, f.b);
		net += b->net + (f.choice == CH_MUX ? 4u : 2u);
		f.neg |= b->neg;
		if (f.choice != CH_POS)
			f.neg |= (uint8_t)(1u << i);
		f.net = (uint16_t)net;
		if (f.net + 2 * __builtin_popcount(f.neg) <
		    best->net + 2 * __builtin_popcount(best->neg))
			*best = f;
	}
}

static struct fact *
solve(struct solver *s, uint64_t tt)
{
	struct fact *found = slot_of(s, tt), f = {0};
	unsigned sup;

	if (found->used)
		return found;
	sup = support(tt);
	f.tt = tt;
	f.used = true;
	f.index = -1;
	if (sup == 0) {
		f.choice = CH_CONST;
	} else if ((sup & (sup - 1)) == 0) {
		f.choice = CH_LITERAL;
		f.var = (uint8_t)__builtin_ctz(sup);
		f.net = 2;
		f.neg = tt & 1 ? (uint8_t)sup : 0;
	} else if (split(tt, sup, &f)) {
		if (f.choice == CH_XOR) {
			f.net = (uint16_t)(12 + part_cost(s, f.a) +
					   part_cost(s, f.b));
		} else {
			struct fact *a = solve(s, f.a);

			f.net = a->net;
			f.neg = a->neg;
			a = solve(s, f.b);
			f.net += a->net;
			f.neg |= a->neg;
		}
	} else {
		expand(s, tt, sup, &f);
	}
	/* 729 cofactors of six inputs and what comes of them fit well */
	if (s->n < FACTS - 1) {
		found = slot_of(s, tt);
		s->n++;
	}
	*found = f;
	return found;
}

static unsigned
cell_cost(struct solver *s, uint64_t tt, bool *inverting)
{
	struct fact f = *solve(s, tt);
	unsigned plain, inv;

	if (inverting)
		*inverting = false;
	if (f.choice == CH_CONST)
		return 0;
	if (f.choice == CH_LITERAL)
		return f.neg ? 2 : 0;
	if (f.choice == CH_XOR)
		return f.net - 2u;
	plain = f.net + 2u * (unsigned)__builtin_popcount(f.neg) + 2;
	f = *solve(s, ~tt);
	inv = f.net + 2u * (unsigned)__builtin_popcount(f.neg);
	if (inverting)
		*inverting = inv < plain;
	return AX_MIN(plain, inv);
}

int
ax_tt_transistors(uint64_t tt, unsigned n)
{
	struct solver *s;
	unsigned cost, sup;

	tt = spread(tt, n);
	sup = support(tt);
	if ((sup & (sup - 1)) == 0)
		return sup != 0 && (tt & 1) ? 2 : 0;
	s = ax_calloc(1, sizeof(*s));
	cost = cell_cost(s, tt, NULL);
	free(s);
	return (int)cost;
}

static unsigned
put(struct ax_factored *out, enum ax_fop op, unsigned a, bool na, unsigned b,
    bool nb)
{
	unsigned k = out->ops;

	if (k == AX_LEN(out->op))
		abort(); /* the bound in logic.h is wrong */
	out->op[k].op = (uint8_t)op;
	out->op[k].a = (uint8_t)a;
	out->op[k].b = (uint8_t)b;
	out->op[k].na = na;
	out->op[k].nb = nb;
	out->ops++;
	return out->n + k;
}

/* Depth at most six expansions and five splits. */
static unsigned
emit(struct solver *s, struct ax_factored *out, uint64_t tt, bool *neg)
{
	struct fact *f = solve(s, tt), copy;
	unsigned a, b, k;
	bool na, nb;

	if (f->index >= 0) {
		*neg = f->complement;
		return (unsigned)f->index;
	}
	f = solve(s, ~tt);
	if (f->index >= 0) {
		*neg = !f->complement;
		return (unsigned)f->index;
	}
	copy = *solve(s, tt);
	*neg = false;
	if (copy.choice == CH_LITERAL) {
		*neg = tt & 1;
		return copy.var;
	}
	/* constant parts only come from expansions, which treat them there */
	switch ((enum choice)copy.choice) {
	case CH_AND:
	case CH_OR:
	case CH_XOR:
		a = emit(s, out, copy.a, &na);
		b = emit(s, out, copy.b, &nb);
		k = put(out,
			copy.choice == CH_AND  ? AX_FOP_AND
			: copy.choice == CH_OR ? AX_FOP_OR
					       : AX_FOP_XOR,
			a, na, b, nb);
		break;
	case CH_POS: /* f0 + x f1 */
		a = emit(s, out, copy.b, &na);
		a = put(out, AX_FOP_AND, copy.var, false, a, na);
		b = emit(s, out, copy.a, &nb);
		k = put(out, AX_FOP_OR, a, false, b, nb);
		break;
	case CH_NEG: /* f1 + x' f0 */
		a = emit(s, out, copy.a, &na);
		a = put(out, AX_FOP_AND, copy.var, true, a, na);
		b = emit(s, out, copy.b, &nb);
		k = put(out, AX_FOP_OR, a, false, b, nb);
		break;
	default: /* x f1 + x' f0 */
		a = emit(s, out, copy.b, &na);
		a = put(out, AX_FOP_AND, copy.var, false, a, na);
		b = emit(s, out, copy.a, &nb);
		b = put(out, AX_FOP_AND, copy.var, true, b, nb);
		k = put(out, AX_FOP_OR, a, false, b, false);
		break;
	}
	f = solve(s, tt);
	f->index = (int16_t)k;
	f->complement = false;
	return k;
}

void
ax_tt_factor(struct ax_factored *out, uint64_t tt, unsigned n)
{
	struct solver *s;
	bool inverting, neg;

	memset(out, 0, sizeof(*out));
	out->n = n;
	tt = spread(tt, n);
	if (support(tt) == 0) {
		out->result = 255;
		out->complement = tt & 1;
		return;
	}
	s = ax_calloc(1, sizeof(*s));
	cell_cost(s, tt, &inverting);
	out->result = (uint8_t)emit(s, out, inverting ? ~tt : tt, &neg);
	out->complement = neg != inverting;
	free(s);
}
