/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/families.h"

/* Bits of one weight that still have to be added. */
struct column {
	uint16_t bit[128];
	unsigned first, n;
};

static void
push(struct column *col, uint16_t bit)
{
	col->bit[col->first + col->n++] = bit;
}

static uint16_t
pull(struct column *col, bool newest)
{
	col->n--;
	return newest ? col->bit[col->first + col->n] : col->bit[col->first++];
}

/* Two exclusive-ors and three NANDs; the carry goes to `up` if any. */
static uint16_t
full_adder(struct ax_circuit *c, uint16_t a, uint16_t b, uint16_t d,
	   struct column *up)
{
	uint16_t half = ax_circuit_add(c, AX_G_XOR, a, b), x, y;

	if (up) {
		x = ax_circuit_add(c, AX_G_NAND, a, b);
		y = ax_circuit_add(c, AX_G_NAND, half, d);
		push(up, ax_circuit_add(c, AX_G_NAND, x, y));
	}
	return ax_circuit_add(c, AX_G_XOR, half, d);
}

static uint16_t
half_adder(struct ax_circuit *c, uint16_t a, uint16_t b, struct column *up)
{
	if (up)
		push(up, ax_circuit_add(c, AX_G_AND, a, b));
	return ax_circuit_add(c, AX_G_XOR, a, b);
}

void
ax_family_build(const struct ax_problem *p, const struct ax_family *f,
		struct ax_circuit *c)
{
	struct column *col;
	unsigned top_a = p->wa - 1, top_b = p->wb - 1;
	uint64_t add = f->add;
	uint16_t one, zero;

	if (f->booth) {
		ax_booth_build(p, f, c);
		return;
	}
	col = ax_calloc(AX_CIRCUIT_OUTS + 1, sizeof(*col));
	ax_circuit_free(c);
	c->ins = p->ins;
	c->outs = p->outs;
	one = ax_circuit_add(c, AX_G_CONST1, 0, 0);
	zero = ax_circuit_add(c, AX_G_CONST0, 0, 0);
	for (unsigned i = 0; i < p->wa; i++)
		for (unsigned j = 0; j < p->wb; j++) {
			/* the sign's partial products count negative: -x = ~x
			 * + 1 less the weight of all bits above */
			bool neg = p->sign && (i == top_a) != (j == top_b);

			if (i + j < f->drop || i + j >= p->outs)
				continue;
			push(&col[i + j],
			     ax_circuit_add(c, neg ? AX_G_NAND : AX_G_AND,
					    (uint16_t)i,
					    (uint16_t)(p->wa + j)));
		}
	if (p->sign)
		add += ((uint64_t)1 << top_a) + ((uint64_t)1 << top_b) +
		       ((uint64_t)1 << (p->ins - 1));
	for (unsigned k = 0; k < p->outs; k++) {
		struct column *here = &col[k];
		struct column *up = k + 1 < p->outs ? &col[k + 1] : NULL;
		uint16_t a, b, d;

		if (add >> k & 1)
			push(here, one);
		while (here->n > 1) {
			bool three = here->n > 2;

			a = pull(here, f->chain);
			b = pull(here, f->chain);
			if (three) {
				d = pull(here, f->chain);
				push(here, full_adder(c, a, b, d, up));
			} else {
				push(here, half_adder(c, a, b, up));
			}
		}
		c->out[k] = here->n ? pull(here, false) : zero;
	}
	free(col);
}

/* Smallest and largest of wanted - got, modulo the width of the result. */
static void
error_range(const struct ax_problem *p, const struct ax_circuit *c,
	    int64_t *least, int64_t *most)
{
	int32_t *got = ax_calloc(p->patterns, sizeof(*got));
	int64_t span = (int64_t)1 << p->outs, e;

	ax_problem_table(p, c, got);
	*least = INT64_MAX;
	*most = INT64_MIN;
	for (size_t i = 0; i < p->patterns; i++) {
		e = ((int64_t)p->ref[i] - got[i]) & (span - 1);
		if (e >= span / 2)
			e -= span;
		*least = AX_MIN(*least, e);
		*most = AX_MAX(*most, e);
	}
	free(got);
}

/* A member of a family as a start; false when it breaks the bound. */
static bool
make_start(const struct ax_search *s, const struct ax_family *f,
	   struct ax_start *to)
{
	ax_family_build(s->p, f, &to->c);
	ax_circuit_tidy(&to->c);
	if (ax_search_legalise(s, &to->c, NULL) < 0 ||
	    !ax_search_feasible(s, &to->c)) {
		ax_circuit_free(&to->c);
		return false;
	}
	to->cost = ax_circuit_cost(&to->c, &s->costs);
	snprintf(to->what, sizeof(to->what),
		 "%s, %u columns dropped, %" PRIu64 " added%s",
		 f->booth ? f->swap ? "Booth by A" : "Booth" : "array", f->drop,
		 f->add, f->chain ? ", chained" : "");
	return true;
}

enum { CONSTANTS = 6 };

/*
 * The members of one shape and number of dropped columns that keep the bound:
 * any constant of a range does, a few of them are taken.
 */
static void
add_constants(const struct ax_search *s, struct ax_family f, uint64_t bound,
	      struct ax_start *list, size_t *n)
{
	struct ax_circuit c = AX_CIRCUIT_INIT;
	int64_t least, most, lo, hi, step = 1, add[CONSTANTS];
	int64_t w = (int64_t)AX_MIN(bound, 1u << 30);

	ax_family_build(s->p, &f, &c);
	error_range(s->p, &c, &least, &most);
	ax_circuit_free(&c);
	lo = AX_MAX(most - w, 0);
	hi = least + w;
	if (lo > hi)
		return;
	/* the roundest number of the range, and a walk through it */
	while ((lo + 2 * step - 1) / (2 * step) * (2 * step) <= hi && step < hi)
		step *= 2;
	add[0] = (lo + step - 1) / step * step;
	for (int k = 1; k < CONSTANTS; k++)
		add[k] = lo + (hi - lo) * (k - 1) / (CONSTANTS - 2);
	for (int k = 0; k < CONSTANTS; k++) {
		bool known = false;

		for (int j = 0; j < k; j++)
			known = known || add[j] == add[k];
		f.add = (uint64_t)add[k];
		for (int chain = 0; chain < 2 && !known; chain++) {
			f.chain = chain != 0;
			*n += make_start(s, &f, &list[*n]);
		}
	}
}

struct ax_start *
ax_families(const struct ax_search *s, uint64_t bound, size_t *n)
{
	const unsigned shapes = 3;
	struct ax_start *list =
		ax_calloc((size_t)(s->p->outs + 1) * shapes * CONSTANTS * 2 + 1,
			  sizeof(*list));

	*n = 0;
	for (unsigned drop = 0; drop <= s->p->outs; drop++)
		for (unsigned shape = 0; shape < shapes; shape++)
			add_constants(s,
				      (struct ax_family){.drop = drop,
							 .booth = shape > 0,
							 .swap = shape == 2},
				      bound, list, n);
	ax_starts_sort(list, *n);
	return list;
}

void
ax_starts_free(struct ax_start *list, size_t n)
{
	for (size_t i = 0; list && i < n; i++)
		ax_circuit_free(&list[i].c);
	free(list);
}

void
ax_starts_sort(struct ax_start *list, size_t n)
{
	for (size_t a = 1; a < n; a++) {
		struct ax_start t = list[a];
		size_t b = a;

		for (; b > 0 && list[b - 1].cost > t.cost; b--)
			list[b] = list[b - 1];
		list[b] = t;
	}
}
