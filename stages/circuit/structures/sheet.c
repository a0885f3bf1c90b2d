/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/structures/sheet.h"

#include "artifacts/base/base.h"
#include "artifacts/base/fmath.h"
#include "artifacts/base/rng.h"

enum { INPUT, AND, XOR };

struct part {
	uint32_t op, a, b; /* operands are signals */
};

struct ax_sheet {
	struct ax_netlist *net; /* input buses gather here */
	struct part *part;      /* [0] is the constant, then inputs, gates */
	size_t n, cap;
	uint32_t inputs;
	uint32_t *hash; /* part number, 0: free */
	size_t slots;   /* a power of two */
};

struct ax_sheet *
ax_sheet_new(void)
{
	struct ax_sheet *s = ax_calloc(1, sizeof(*s));

	s->net = ax_netlist_new("top");
	AX_GROW(s->part, s->n, s->cap);
	s->part[s->n++] = (struct part){INPUT, 0, 0};
	s->slots = 1024;
	s->hash = ax_calloc(s->slots, sizeof(*s->hash));
	return s;
}

void
ax_sheet_free(struct ax_sheet *s)
{
	if (!s)
		return;
	ax_netlist_free(s->net);
	free(s->part);
	free(s->hash);
	free(s);
}

void
ax_sheet_input(struct ax_sheet *s, const char *name, unsigned width,
	       uint32_t *bit)
{
	ax_netlist_add_input(s->net, name, width);
	for (unsigned i = 0; i < width; i++) {
		if (bit)
			bit[i] = 2 * (uint32_t)s->n;
		AX_GROW(s->part, s->n, s->cap);
		s->part[s->n++] = (struct part){INPUT, 0, 0};
	}
	s->inputs += width;
}

static size_t
slot_of(const struct ax_sheet *s, uint32_t op, uint32_t a, uint32_t b)
{
	uint64_t h = (((uint64_t)a << 32) | b) * 0x9e3779b97f4a7c15u + op;

	h ^= h >> 29;
	return (size_t)(h * 0xbf58476d1ce4e5b9u >> 32) & (s->slots - 1);
}

static uint32_t
shared(struct ax_sheet *s, uint32_t op, uint32_t a, uint32_t b)
{
	uint32_t t = a;
	size_t h;

	if (a > b) {
		a = b;
		b = t;
	}
	if (2 * s->n > s->slots) {
		free(s->hash);
		s->slots *= 2;
		s->hash = ax_calloc(s->slots, sizeof(*s->hash));
		for (size_t i = 1 + s->inputs; i < s->n; i++) {
			const struct part *p = &s->part[i];

			h = slot_of(s, p->op, p->a, p->b);
			while (s->hash[h])
				h = (h + 1) & (s->slots - 1);
			s->hash[h] = (uint32_t)i;
		}
	}
	for (h = slot_of(s, op, a, b); s->hash[h];
	     h = (h + 1) & (s->slots - 1)) {
		const struct part *p = &s->part[s->hash[h]];

		if (p->op == op && p->a == a && p->b == b)
			return 2 * s->hash[h];
	}
	AX_GROW(s->part, s->n, s->cap);
	s->hash[h] = (uint32_t)s->n;
	s->part[s->n++] = (struct part){op, a, b};
	return 2 * s->hash[h];
}

uint32_t
ax_sheet_and(struct ax_sheet *s, uint32_t a, uint32_t b)
{
	if (a == AX_S0 || b == AX_S0 || (a ^ b) == 1)
		return AX_S0;
	if (a == AX_S1 || a == b)
		return b;
	return b == AX_S1 ? a : shared(s, AND, a, b);
}

uint32_t
ax_sheet_or(struct ax_sheet *s, uint32_t a, uint32_t b)
{
	return ax_sheet_and(s, a ^ 1, b ^ 1) ^ 1;
}

uint32_t
ax_sheet_xor(struct ax_sheet *s, uint32_t a, uint32_t b)
{
	uint32_t inv = (a ^ b) & 1;

	a &= ~1u;
	b &= ~1u;
	if (a == b)
		return AX_S0 ^ inv;
	if (a == AX_S0)
		return b ^ inv;
	return b == AX_S0 ? a ^ inv : shared(s, XOR, a, b) ^ inv;
}

uint32_t
ax_sheet_mux(struct ax_sheet *s, uint32_t sel, uint32_t one, uint32_t zero)
{
	uint32_t other;

	if (one == zero)
		return one;
	if ((one ^ zero) == 1)
		return ax_sheet_xor(s, sel, zero);
	other = ax_sheet_and(s, sel ^ 1, zero);
	return ax_sheet_or(s, ax_sheet_and(s, sel, one), other);
}

uint32_t
ax_sheet_any(struct ax_sheet *s, const uint32_t *bit, unsigned n)
{
	uint32_t rest;

	if (n < 2)
		return n ? bit[0] : AX_S0;
	rest = ax_sheet_any(s, bit + n / 2, n - n / 2);
	return ax_sheet_or(s, ax_sheet_any(s, bit, n / 2), rest);
}

void
ax_sheet_add3(struct ax_sheet *s, uint32_t a, uint32_t b, uint32_t c,
	      uint32_t *sum, uint32_t *carry)
{
	uint32_t half, t;

	if (a <= AX_S1) {
		t = c;
		c = a;
		a = t;
	} else if (b <= AX_S1) {
		t = c;
		c = b;
		b = t;
	}
	half = ax_sheet_xor(s, a, b);
	*sum = ax_sheet_xor(s, half, c);
	if (c == AX_S1) {
		*carry = ax_sheet_or(s, a, b);
		return;
	}
	t = ax_sheet_and(s, half, c);
	*carry = ax_sheet_or(s, ax_sheet_and(s, a, b), t);
}

/* --- polarities ---------------------------------------------------------- */

/*
 * Each gate is made either as its function or as the complement. What that
 * costs: an AND of operands that are at hand in the polarity it wants is NAND
 * or AND, of two that are at hand complemented NOR or OR; of one and one, an
 * inverter is needed, which all who want it share. Exclusive-ors take either.
 */
#define COST(transistors, gates) ((transistors)*64 + (gates))

struct choice {
	const struct ax_sheet *s;
	uint8_t *live, *comp;  /* by part: made as its complement */
	uint32_t *want;        /* inverters asked for, by part */
	uint32_t *first, *use; /* gates that read a part */
	uint32_t *out;         /* output signals */
	uint32_t *tap, *first_tap;
	unsigned outs;
	int64_t cost;
};

static void
demand(struct choice *c, uint32_t part, int by)
{
	bool had = c->want[part] != 0;

	c->want[part] += (uint32_t)by;
	if (had != (c->want[part] != 0))
		c->cost += by * COST(2, 1);
}

/* Which operand of an AND must be inverted: 0, 1, or -1. */
static int
inverted(const struct choice *c, uint32_t i)
{
	const struct part *p = &c->s->part[i];
	unsigned u = (p->a & 1) ^ c->comp[p->a / 2];
	unsigned v = (p->b & 1) ^ c->comp[p->b / 2];

	if (u == v)
		return -1;
	/* NOR of complements, or NAND: both 4 */
	return c->comp[i] ? (u ? 0 : 1) : (u ? 1 : 0);
}

/* Adds (by = 1) or takes away (-1) what gate i costs. */
static void
count(struct choice *c, uint32_t i, int by)
{
	const struct part *p = &c->s->part[i];
	int k;

	if (p->op == XOR) {
		c->cost += by * COST(10, 1);
		return;
	}
	k = inverted(c, i);
	if (k >= 0) {
		demand(c, (k ? p->b : p->a) / 2, by);
		c->cost += by * COST(4, 1);
	} else {
		bool neg = (p->a & 1) != c->comp[p->a / 2];

		c->cost += by * COST(neg == (c->comp[i] != 0) ? 6 : 4, 1);
	}
}

static void
around(struct choice *c, uint32_t i, int by)
{
	count(c, i, by);
	for (uint32_t k = c->first[i]; k < c->first[i + 1]; k++)
		count(c, c->use[k], by);
	for (uint32_t k = c->first_tap[i]; k < c->first_tap[i + 1]; k++)
		if ((c->tap[k] & 1) != c->comp[i])
			demand(c, i, by);
}

static void
flip(struct choice *c, uint32_t i)
{
	around(c, i, -1);
	c->comp[i] ^= 1;
	around(c, i, 1);
}

static void
link_up(struct choice *c)
{
	const struct ax_sheet *s = c->s;
	uint32_t *at;

	c->first = ax_calloc(s->n + 1, sizeof(*c->first));
	c->use = ax_calloc(2 * s->n + 1, sizeof(*c->use));
	c->first_tap = ax_calloc(s->n + 1, sizeof(*c->first_tap));
	c->tap = ax_calloc(c->outs + 1u, sizeof(*c->tap));
	at = ax_calloc(s->n + 1, sizeof(*at));
	for (size_t i = 1 + s->inputs; i < s->n; i++)
		if (c->live[i]) {
			c->first[s->part[i].a / 2 + 1]++;
			c->first[s->part[i].b / 2 + 1]++;
		}
	for (unsigned o = 0; o < c->outs; o++)
		c->first_tap[c->out[o] / 2 + 1]++;
	for (size_t i = 0; i < s->n; i++) {
		c->first[i + 1] += c->first[i];
		c->first_tap[i + 1] += c->first_tap[i];
	}
	memcpy(at, c->first, s->n * sizeof(*at));
	for (size_t i = 1 + s->inputs; i < s->n; i++)
		if (c->live[i]) {
			c->use[at[s->part[i].a / 2]++] = (uint32_t)i;
			c->use[at[s->part[i].b / 2]++] = (uint32_t)i;
		}
	memcpy(at, c->first_tap, s->n * sizeof(*at));
	for (unsigned o = 0; o < c->outs; o++)
		c->tap[at[c->out[o] / 2]++] = c->out[o];
	free(at);
}

static void
choose(struct choice *c, unsigned sweeps)
{
	const struct ax_sheet *s = c->s;
	struct ax_rng rng = ax_rng(1, "polarity", 0);
	uint8_t *best = ax_calloc(s->n, 1);
	uint32_t *list = ax_calloc(s->n, sizeof(*list)), n = 0;
	int64_t least, before;

	for (uint32_t i = 1 + s->inputs; i < s->n; i++)
		if (c->live[i])
			list[n++] = i;
	for (uint32_t k = 0; k < n; k++)
		count(c, list[k], 1);
	for (unsigned o = 0; o < c->outs; o++)
		if ((c->out[o] & 1) && c->out[o] > AX_S1)
			demand(c, c->out[o] / 2, 1);
	least = c->cost;
	for (unsigned r = 0; r < sweeps; r++) {
		/* from 1 transistor down to none */
		double heat = COST(1, 0) * (1 - (r + 1.0) / sweeps);

		for (uint32_t k = 0; k < n; k++) {
			uint32_t i = list[ax_rng_below(&rng, n)];

			before = c->cost;
			flip(c, i);
			if (c->cost > before &&
			    (double)(c->cost - before) >
				    -heat * ax_log(1 - ax_rng_double(&rng)))
				flip(c, i);
		}
		if (c->cost < least || r == 0) {
			least = c->cost;
			memcpy(best, c->comp, s->n);
		}
	}
	memcpy(c->comp, best, s->n);
	free(best);
	free(list);
}

/* --- the netlist --------------------------------------------------------- */

struct emit {
	const struct choice *c;
	struct ax_netlist *net;
	uint32_t *ref, *inv; /* by part */
};

/* A node for signal `a`, or for its complement. */
static uint32_t
place(struct emit *e, uint32_t a)
{
	uint32_t i = a / 2;

	if ((a & 1) == e->c->comp[i])
		return e->ref[i];
	if (e->inv[i] == AX_REF_NONE)
		e->inv[i] = ax_netlist_add(e->net, AX_INV, e->ref[i], 0);
	return e->inv[i];
}

static void
emit_gate(struct emit *e, uint32_t i)
{
	const struct choice *c = e->c;
	const struct part *p = &c->s->part[i];
	unsigned u = (p->a & 1) ^ c->comp[p->a / 2];
	unsigned v = (p->b & 1) ^ c->comp[p->b / 2];
	enum ax_gate kind;
	uint32_t a, b;

	if (p->op == XOR) {
		kind = (u ^ v ^ c->comp[i]) ? AX_XNOR : AX_XOR;
		a = e->ref[p->a / 2];
		b = e->ref[p->b / 2];
	} else {
		/* both operands complemented, or neither */
		if (inverted(c, i) >= 0)
			u = !c->comp[i];
		kind = u ? (c->comp[i] ? AX_OR : AX_NOR)
			 : (c->comp[i] ? AX_NAND : AX_AND);
		a = place(e, p->a ^ u);
		b = place(e, p->b ^ u);
	}
	e->ref[i] = ax_netlist_add(e->net, kind, a, b);
}

struct ax_netlist *
ax_sheet_finish(struct ax_sheet *s, const char *name, const char *out,
		const uint32_t *bit, unsigned width, unsigned sweeps)
{
	struct choice c = {.s = s, .outs = width};
	struct ax_netlist *net = s->net;
	struct emit e = {&c, net, NULL, NULL};
	uint32_t constant[2] = {AX_REF_NONE, AX_REF_NONE};

	c.live = ax_calloc(s->n, 1);
	c.comp = ax_calloc(s->n, 1);
	c.want = ax_calloc(s->n, sizeof(*c.want));
	c.out = ax_calloc(width + 1u, sizeof(*c.out));
	memcpy(c.out, bit, width * sizeof(*c.out));
	for (unsigned o = 0; o < width; o++)
		c.live[bit[o] / 2] = 1;
	for (size_t i = s->n; i-- > 1 + s->inputs;)
		if (c.live[i]) {
			c.live[s->part[i].a / 2] = 1;
			c.live[s->part[i].b / 2] = 1;
		}
	link_up(&c);
	choose(&c, sweeps);

	free(net->name);
	net->name = ax_strdup(name);
	e.ref = ax_calloc(s->n, sizeof(*e.ref));
	e.inv = ax_calloc(s->n, sizeof(*e.inv));
	for (size_t i = 0; i < s->n; i++)
		e.inv[i] = AX_REF_NONE;
	for (uint32_t i = 0; i < s->inputs; i++)
		e.ref[1 + i] = i;
	for (uint32_t i = 1 + s->inputs; i < s->n; i++)
		if (c.live[i])
			emit_gate(&e, i);
	ax_netlist_add_output(net, out, width);
	for (unsigned o = 0; o < width; o++) {
		uint32_t one = bit[o] & 1;

		if (bit[o] > AX_S1) {
			net->out_ref[o] = place(&e, bit[o]);
			continue;
		}
		if (constant[one] == AX_REF_NONE)
			constant[one] = ax_netlist_add(
				net, one ? AX_CONST1 : AX_CONST0, 0, 0);
		net->out_ref[o] = constant[one];
	}
	free(c.live);
	free(c.comp);
	free(c.want);
	free(c.out);
	free(c.first);
	free(c.use);
	free(c.tap);
	free(c.first_tap);
	free(e.ref);
	free(e.inv);
	s->net = NULL;
	return net;
}
