/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/island.h"

#include "artifacts/base/fmath.h"

/* Truth table of a gate of x (0b1010) and y (0b1100). */
static unsigned
table_of(unsigned gate, unsigned x, unsigned y)
{
	switch (gate) {
	case AX_G_AND:
		return x & y;
	case AX_G_NAND:
		return ~(x & y) & 15;
	case AX_G_OR:
		return x | y;
	case AX_G_NOR:
		return ~(x | y) & 15;
	case AX_G_XOR:
		return x ^ y;
	default:
		return ~(x ^ y) & 15;
	}
}

/* The cheapest allowed way to make a function of two signals. */
static struct ax_form
cheapest(const struct ax_costs *k, unsigned allowed, unsigned want)
{
	struct ax_form best = {AX_G_KINDS, 0, 0, 0, INT64_MAX};
	int64_t cost;

	for (unsigned g = AX_G_AND; g <= AX_G_XNOR; g++)
		for (unsigned inv = 0; (allowed >> g & 1) && inv < 8; inv++) {
			unsigned x = inv & 1 ? 5 : 10, y = inv & 2 ? 3 : 12;
			unsigned t = table_of(g, x, y) ^ (inv & 4 ? 15 : 0);

			cost = k->of[g] +
			       k->of[AX_G_INV] * ((inv & 1) + (inv >> 1 & 1) +
						  (inv >> 2));
			if (t == want && cost < best.cost)
				best = (struct ax_form){
					(uint8_t)g, inv & 1, inv >> 1 & 1,
					(uint8_t)(inv >> 2), cost};
		}
	return best;
}

void
ax_search_init(struct ax_search *s, const struct ax_problem *p, uint64_t bound,
	       const struct ax_costs *costs, unsigned allowed)
{
	*s = (struct ax_search){0};
	s->p = p;
	s->costs = *costs;
	s->limits = ax_problem_limits(p, bound);
	for (unsigned i = 0; i < 8; i++) {
		unsigned x = i & 1 ? 5 : 10, y = i & 2 ? 3 : 12;

		s->two[i >> 2][i & 1][i >> 1 & 1] =
			cheapest(costs, allowed, i & 4 ? x | y : x & y);
	}
	s->deep = INT64_MAX;
	for (unsigned i = 0; i < 8; i++)
		s->deep =
			AX_MIN(s->deep, s->two[i >> 2][i & 1][i >> 1 & 1].cost);
	s->deep = s->deep < INT64_MAX ? 2 * s->deep : s->deep;
	s->exor[0] = cheapest(costs, allowed, 6);
	s->exor[1] = cheapest(costs, allowed, 9);
	s->allowed = allowed | 1u << AX_G_CONST0 | 1u << AX_G_CONST1 |
		     1u << AX_G_INV;
	for (unsigned i = 0; i < AX_LEN(s->noise); i++)
		s->noise[i] = -ax_log((i + 0.5) / (double)AX_LEN(s->noise));
}

int64_t
ax_search_cost(const struct ax_search *s, const struct ax_circuit *c)
{
	struct ax_figures f;

	if (!s->full)
		return ax_circuit_cost(c, &s->costs);
	ax_cost_measure(s->full, s->p, c, &f);
	return f.cost;
}

void
ax_search_free(struct ax_search *s)
{
	free(s->limits);
	s->limits = NULL;
}

static uint16_t
make(struct ax_circuit *c, const struct ax_form *f, uint16_t x, uint16_t y)
{
	uint16_t r;

	if (f->ix)
		x = ax_circuit_add(c, AX_G_INV, x, x);
	if (f->iy)
		y = ax_circuit_add(c, AX_G_INV, y, y);
	r = ax_circuit_add(c, (enum ax_g)f->gate, x, y);
	return f->io ? ax_circuit_add(c, AX_G_INV, r, r) : r;
}

static uint16_t
make_exor(const struct ax_search *s, struct ax_circuit *c, unsigned inv,
	  uint16_t x, uint16_t y)
{
	uint16_t a, b;

	if (s->exor[inv].gate != AX_G_KINDS)
		return make(c, &s->exor[inv], x, y);
	a = make(c, &s->two[0][0][inv ^ 1], x, y);
	b = make(c, &s->two[0][1][inv], x, y);
	return make(c, &s->two[1][0][0], a, b);
}

int
ax_search_legalise(const struct ax_search *s, struct ax_circuit *c,
		   struct ax_err *err)
{
	struct ax_circuit to = AX_CIRCUIT_INIT;
	uint16_t *map, x, y, r;

	if (s->two[0][0][0].gate == AX_G_KINDS)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "gates: one of AND, NAND, OR, NOR must be "
				  "allowed, or nothing can be built");
	if (c->n > AX_CIRCUIT_NODES / 8)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "netlist: %u gates; this search takes at "
				  "most %u",
				  c->n, AX_CIRCUIT_NODES / 8);
	map = ax_calloc(c->ins + c->n + 1, sizeof(*map));
	to.ins = c->ins;
	to.outs = c->outs;
	for (unsigned i = 0; i < c->ins; i++)
		map[i] = (uint16_t)i;
	for (unsigned j = 0; j < c->n; j++) {
		enum ax_g g = (enum ax_g)c->gate[j];

		x = map[c->in[j][0]];
		y = map[c->in[j][1]];
		if (s->allowed >> g & 1)
			r = ax_circuit_add(&to, g, x, y);
		else if (g == AX_G_AND || g == AX_G_OR)
			r = make(&to, &s->two[g == AX_G_OR][0][0], x, y);
		else if (g == AX_G_NAND || g == AX_G_NOR)
			r = make(&to, &s->two[g == AX_G_NAND][1][1], x, y);
		else
			r = make_exor(s, &to, g == AX_G_XNOR, x, y);
		map[c->ins + j] = r;
	}
	for (unsigned o = 0; o < c->outs; o++)
		to.out[o] = map[c->out[o]];
	ax_circuit_copy(c, &to);
	/* tidying may trade XOR for XNOR: only where both are at hand */
	if ((s->allowed >> AX_G_XOR & 1) == (s->allowed >> AX_G_XNOR & 1))
		ax_circuit_tidy(c);
	else
		ax_circuit_prune(c, NULL);
	ax_circuit_free(&to);
	free(map);
	return 0;
}

bool
ax_search_feasible(const struct ax_search *s, const struct ax_circuit *c)
{
	const struct ax_problem *p = s->p;
	uint64_t *v = ax_aligned((size_t)(c->ins + c->n + 1) * AX_BLOCK_WORDS,
				 sizeof(*v));
	uint64_t *bad = ax_aligned(AX_BLOCK_WORDS, sizeof(*bad));
	struct ax_kop *op = ax_calloc(c->n + 1, sizeof(*op));
	const uint64_t *out[AX_CIRCUIT_OUTS];
	bool good = true;

	for (unsigned j = 0; j < c->n; j++)
		op[j] = (struct ax_kop){c->in[j][0], c->in[j][1], c->ins + j,
					c->gate[j]};
	for (unsigned o = 0; o < c->outs; o++)
		out[o] = v + (size_t)c->out[o] * AX_BLOCK_WORDS;
	for (size_t b = 0; b < p->blocks && good; b++) {
		memcpy(v, ax_problem_inputs(p, b),
		       p->ins * AX_BLOCK_WORDS * sizeof(*v));
		p->kern->run(v, AX_BLOCK_WORDS, op, c->n);
		good = !p->kern->bound(
			out, s->limits + b * p->outs * 2 * AX_BLOCK_WORDS,
			p->outs, p->extend, bad);
	}
	free(v);
	free(bad);
	free(op);
	return good;
}
