/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/families.h"

#include <math.h>

/* --- members ------------------------------------------------------------- */

struct list {
	struct ax_member *m;
	size_t n, cap;
};

static int64_t
operand(size_t bits, unsigned first, unsigned width, bool sign)
{
	int64_t v = (int64_t)(bits >> first & (((size_t)1 << width) - 1));

	return sign && v >> (width - 1) ? v - ((int64_t)1 << width) : v;
}

struct ax_wanted
ax_wanted_by(const struct ax_problem *p, bool sign, const unsigned *width,
	     size_t n)
{
	struct ax_wanted w = {.sign = sign};
	bool product = true, sum = true;
	int64_t a, b, c;
	size_t bits;

	if (n < 2 || n > 3)
		return w;
	w.wa = width[0];
	w.wb = width[1];
	w.wc = n == 3 ? width[2] : 0;
	if (w.wa + w.wb + w.wc != p->ins)
		return w;
	for (size_t q = 0; q < p->patterns && (product || sum); q++) {
		/* input bits in their order; a problem has b's lowest */
		bits = q >> p->wb | (q & (((size_t)1 << p->wb) - 1)) << p->wa;
		a = operand(bits, 0, w.wa, sign);
		b = operand(bits, w.wa, w.wb, sign);
		c = n == 3 ? operand(bits, w.wa + w.wb, w.wc, sign) : 0;
		product = product && p->ref[q] == a * b + c;
		sum = sum && p->ref[q] == a + b && n == 2;
	}
	w.known = product || sum;
	w.op = sum ? AX_SHAPE_ADD : n == 3 ? AX_SHAPE_MAC : AX_SHAPE_MUL;
	return w;
}

struct ax_wanted
ax_wanted_of(const struct ax_problem *p)
{
	unsigned width[2] = {p->wa, p->wb};
	struct ax_wanted w = ax_wanted_by(p, p->sign, width, 2);

	w.known = true;
	return w;
}

static void
add(struct list *l, const struct ax_wanted *w, struct ax_shape s, bool swap)
{
	s.op = w->op;
	s.wa = swap ? w->wb : w->wa;
	s.wb = swap ? w->wa : w->wb;
	s.wc = w->wc;
	s.sign = w->sign;
	if (ax_shape_check(&s, NULL) < 0)
		return;
	AX_GROW(l->m, l->n, l->cap);
	l->m[l->n++] = (struct ax_member){s, swap};
}

/* What else of a member can be chosen. */
static void
add_ways(struct list *l, const struct ax_wanted *w, struct ax_shape s, bool all)
{
	bool tree = s.family == AX_SHAPE_TRUNCATED ||
		    s.family == AX_SHAPE_BAUGH_WOOLEY ||
		    s.family == AX_SHAPE_BROKEN_ARRAY;
	bool booth = s.family == AX_SHAPE_BOOTH ||
		     s.family == AX_SHAPE_BOOTH_APPROX ||
		     s.family == AX_SHAPE_BOOTH_BROKEN ||
		     s.family == AX_SHAPE_BOOTH_TRUNCATED;
	bool order = booth || s.family == AX_SHAPE_BROKEN_ARRAY ||
		     s.family == AX_SHAPE_ADDER_COPIED;

	add(l, w, s, false);
	if (!all)
		return;
	if (order)
		add(l, w, s, true);
	if (!tree && !booth)
		return;
	s.tree = AX_TREE_CHAIN;
	add(l, w, s, false);
	if (order)
		add(l, w, s, true);
}

struct ax_member *
ax_members(const struct ax_wanted *w, bool all, size_t *n)
{
	bool few = !all && w->wa + w->wb > 16;
	struct list l = {0};

	for (unsigned f = 0; w->known && f < AX_SHAPE_FAMILIES; f++) {
		struct ax_shape s = {.family = (enum ax_shape_family)f};
		bool two = f == AX_SHAPE_BROKEN_ARRAY || f == AX_SHAPE_GEAR;
		bool columns = f != AX_SHAPE_DRUM && f != AX_SHAPE_SSM &&
			       !ax_shape_is_sum(s.family);

		/* whatever k and h the family does not have is refused */
		for (s.k = 0; s.k <= w->wa + w->wb; s.k++)
			for (s.h = 0; s.h <= (two ? w->wb : 0); s.h++) {
				if (few && ((s.h && s.h != 2 && s.h != 4) ||
					    (columns && s.k % 2)))
					continue;
				/* broken in its columns alone is truncated */
				if (f == AX_SHAPE_BROKEN_ARRAY &&
				    (s.h == 0 || s.k < s.h || (s.k - s.h) % 2))
					continue;
				/* nothing approximate about it */
				if (s.k == 0 && !ax_shape_is_exact(s.family) &&
				    f != AX_SHAPE_MITCHELL)
					continue;
				add_ways(&l, w, s, all);
			}
	}
	*n = l.n;
	return l.m;
}

bool
ax_member_adds(const struct ax_member *m)
{
	return m->shape.family == AX_SHAPE_TRUNCATED ||
	       m->shape.family == AX_SHAPE_BROKEN_ARRAY ||
	       m->shape.family == AX_SHAPE_BOOTH_TRUNCATED ||
	       m->shape.family == AX_SHAPE_ADDER_TRUNCATED;
}

/* The reference, its first two operands exchanged. */
static uint16_t
exchanged(const struct ax_member *m, uint16_t ref)
{
	if (ref < m->shape.wa)
		return (uint16_t)(ref + m->shape.wb);
	return ref < m->shape.wa + m->shape.wb ? (uint16_t)(ref - m->shape.wa)
					       : ref;
}

bool
ax_member_build(const struct ax_problem *p, const struct ax_member *m,
		struct ax_circuit *c)
{
	unsigned width = ax_shape_width(&m->shape);
	struct ax_netlist *net;
	uint16_t top, zero = 0;
	int rc;

	ax_circuit_free(c);
	if (ax_shape_build(&net, &m->shape, NULL) < 0)
		return false;
	rc = ax_circuit_from_bits(c, net, NULL);
	ax_netlist_free(net);
	if (rc < 0)
		return false;
	for (unsigned j = 0; m->swap && j < c->n; j++)
		for (int k = 0; k < 2; k++)
			c->in[j][k] = exchanged(m, c->in[j][k]);
	for (unsigned k = 0; m->swap && k < width; k++)
		c->out[k] = exchanged(m, c->out[k]);
	top = c->out[width - 1];
	if (!p->extend && p->outs > width)
		zero = ax_circuit_add(c, AX_G_CONST0, 0, 0);
	for (unsigned k = width; k < p->outs; k++)
		c->out[k] = p->extend ? top : zero;
	c->outs = p->outs;
	ax_circuit_tidy(c);
	return true;
}

void
ax_member_name(char *to, size_t room, const struct ax_member *m)
{
	struct ax_str s = AX_STR_INIT;

	ax_str_add(&s, ax_shape_name(m->shape.family));
	if (m->shape.k)
		ax_str_addf(&s, ", k %u", m->shape.k);
	if (m->shape.h)
		ax_str_addf(&s, ", h %u", m->shape.h);
	if (ax_member_adds(m))
		ax_str_addf(&s, ", %" PRIu64 " added", m->shape.add);
	if (m->shape.tree == AX_TREE_CHAIN)
		ax_str_add(&s, ", chained");
	if (m->swap)
		ax_str_add(&s, ", of B and A");
	snprintf(to, room, "%s", s.buf);
	ax_str_free(&s);
}

/* --- those that keep a bound --------------------------------------------- */

/*
 * Smallest and largest of wanted - got, modulo the width of the result; false
 * as soon as they are further apart than `most_apart`.
 */
static bool
error_range(const struct ax_problem *p, const struct ax_circuit *c,
	    int64_t most_apart, int64_t *least, int64_t *most)
{
	const size_t chunk = 32;
	int32_t *got = ax_calloc(chunk * AX_BLOCK_BITS, sizeof(*got));
	int64_t span = (int64_t)1 << p->outs, e;
	bool near = true;

	*least = INT64_MAX;
	*most = INT64_MIN;
	for (size_t b = 0; b < p->blocks && near; b += chunk) {
		size_t at = b * AX_BLOCK_BITS, n = AX_MIN(chunk, p->blocks - b);

		ax_problem_part(p, c, b, n, got);
		n = AX_MIN(n * AX_BLOCK_BITS, p->patterns);
		for (size_t i = 0; i < n; i++) {
			e = ((int64_t)p->ref[at + i] - got[i]) & (span - 1);
			if (e >= span / 2)
				e -= span;
			*least = AX_MIN(*least, e);
			*most = AX_MAX(*most, e);
		}
		near = *most - *least <= most_apart;
	}
	free(got);
	return near;
}

/* A member as a start; false when it breaks the bound. */
static bool
make_start(const struct ax_search *s, const struct ax_member *m,
	   struct ax_start *to)
{
	if (!ax_member_build(s->p, m, &to->c) ||
	    ax_search_legalise(s, &to->c, NULL) < 0 ||
	    !ax_search_feasible(s, &to->c)) {
		ax_circuit_free(&to->c);
		return false;
	}
	to->cost = ax_search_cost(s, &to->c);
	ax_member_name(to->what, sizeof(to->what), m);
	return true;
}

/* A member at first sight. */
struct sight {
	struct ax_member m;
	size_t at; /* among the members */
	int64_t cost;
	int64_t lo, hi; /* constants that keep the bound */
};

enum { CONSTANTS = 6, SIGHTS = 24 };

/* Of the constants of a range the roundest, and a walk through it. */
static void
choose_constants(int64_t lo, int64_t hi, int64_t *add)
{
	int64_t step = 1;

	while ((lo + 2 * step - 1) / (2 * step) * (2 * step) <= hi && step < hi)
		step *= 2;
	add[0] = (lo + step - 1) / step * step;
	for (int k = 1; k < CONSTANTS; k++)
		add[k] = lo + (hi - lo) * (k - 1) / (CONSTANTS - 2);
}

static void
add_starts(const struct ax_search *s, const struct sight *t,
	   struct ax_start *list, size_t *n)
{
	struct ax_member m = t->m;
	int64_t add[CONSTANTS] = {0};
	int some = 1;

	m.shape.rough = false;
	if (ax_member_adds(&m)) {
		choose_constants(t->lo, t->hi, add);
		some = CONSTANTS;
	}
	for (int k = 0; k < some; k++) {
		bool known = false;

		for (int j = 0; j < k; j++)
			known = known || add[j] == add[k];
		m.shape.add = (uint64_t)add[k];
		if (!known)
			*n += make_start(s, &m, &list[*n]);
	}
}

static int
by_cost(const void *a, const void *b)
{
	const struct sight *x = a, *y = b;

	if (x->cost != y->cost)
		return x->cost < y->cost ? -1 : 1;
	return x->at < y->at ? -1 : 1;
}

/* Do the errors leave a constant (or none) with which the bound holds? */
static bool
keeps(const struct ax_problem *p, struct sight *t, int64_t bound)
{
	struct ax_circuit c = AX_CIRCUIT_INIT;
	int64_t least, most;
	bool good = ax_member_build(p, &t->m, &c) &&
		    error_range(p, &c, 2 * bound, &least, &most);

	ax_circuit_free(&c);
	if (!good)
		return false;
	if (!ax_member_adds(&t->m))
		return most <= bound && least >= -bound;
	t->lo = AX_MAX(most - bound, 0);
	t->hi = least + bound;
	return t->lo <= t->hi;
}

/*
 * All members are built roughly to see what they cost; from the cheapest on
 * they are measured, until some that keep the bound are found and what remains
 * costs more than they.
 */
static size_t
survey(const struct ax_search *s, const struct ax_wanted *w, int64_t bound,
       struct sight *list)
{
	size_t n, found = 0;
	struct ax_member *m = ax_members(w, true, &n);
	struct sight *all = ax_calloc(n + 1, sizeof(*all));

	for (size_t i = 0; i < n; i++) {
		struct ax_circuit c = AX_CIRCUIT_INIT;

		m[i].shape.rough = true;
		all[i].m = m[i];
		all[i].at = i;
		all[i].cost = INT64_MAX;
		if (ax_member_build(s->p, &m[i], &c) &&
		    ax_search_legalise(s, &c, NULL) == 0)
			all[i].cost = ax_circuit_cost(&c, &s->costs);
		ax_circuit_free(&c);
	}
	qsort(all, n, sizeof(*all), by_cost);
	for (size_t i = 0; i < n && found < SIGHTS; i++) {
		if (all[i].cost == INT64_MAX ||
		    (found && all[i].cost > list[0].cost * 23 / 20))
			break;
		if (keeps(s->p, &all[i], bound))
			list[found++] = all[i];
	}
	free(all);
	free(m);
	return found;
}

struct ax_start *
ax_families(const struct ax_search *s, const struct ax_wanted *w,
	    uint64_t bound, size_t more, size_t *n)
{
	struct ax_start *list =
		ax_calloc(SIGHTS * CONSTANTS + more + 1, sizeof(*list));
	struct sight sight[SIGHTS];
	size_t found = survey(s, w, (int64_t)AX_MIN(bound, 1u << 30), sight);

	*n = 0;
	for (size_t i = 0; i < found; i++)
		add_starts(s, &sight[i], list, n);
	if (s->full && ax_cost_needs_delay(s->full))
		ax_families_fast(s, more, &list, n);
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

size_t
ax_starts_worth(const struct ax_start *list, size_t n)
{
	size_t k = AX_MIN(n, (size_t)1);

	while (k < n && k < 32 && list[k].cost <= list[0].cost * 11 / 10)
		k++;
	return k;
}

/* --- every one ----------------------------------------------------------- */

/* Smallest, largest and mean of wanted - got. */
static void
weighted_range(const struct ax_problem *p, const float *often,
	       const struct ax_circuit *c, int64_t *least, int64_t *most,
	       double *mean)
{
	int32_t *got = ax_calloc(p->patterns, sizeof(*got));
	int64_t span = (int64_t)1 << p->outs, e;
	double sum = 0, all = 0, w;

	ax_problem_table(p, c, got);
	*least = INT64_MAX;
	*most = INT64_MIN;
	for (size_t i = 0; i < p->patterns; i++) {
		e = ((int64_t)p->ref[i] - got[i]) & (span - 1);
		if (e >= span / 2)
			e -= span;
		*least = AX_MIN(*least, e);
		*most = AX_MAX(*most, e);
		w = often ? (double)often[i] : 1;
		sum += w * (double)e;
		all += w;
	}
	*mean = sum / all;
	free(got);
}

void
ax_members_each(const struct ax_problem *p, const struct ax_wanted *w,
		const float *often,
		void (*take)(void *arg, const struct ax_circuit *c,
			     const char *what),
		void *arg)
{
	struct ax_circuit c = AX_CIRCUIT_INIT;
	int64_t least, most;
	double mean;
	size_t n;
	struct ax_member *list = ax_members(w, false, &n);
	char what[96];

	for (size_t i = 0; i < n; i++) {
		struct ax_member *m = &list[i];
		uint64_t constant[3] = {0};
		unsigned some = 1;

		if (!ax_member_build(p, m, &c))
			continue;
		if (ax_member_adds(m)) {
			weighted_range(p, often, &c, &least, &most, &mean);
			constant[1] = (uint64_t)AX_MAX((least + most) / 2, 0);
			mean = floor(mean + 0.5);
			constant[2] = mean > 0 ? (uint64_t)mean : 0;
			/* measuring takes seconds with many bits */
			some = p->ins > 16 ? 2 : 3;
		}
		for (unsigned k = 0; k < some; k++) {
			if (k && (constant[k] == constant[k - 1] ||
				  constant[k] == 0))
				continue;
			m->shape.add = constant[k];
			if (k && !ax_member_build(p, m, &c))
				continue;
			ax_member_name(what, sizeof(what), m);
			take(arg, &c, what);
		}
	}
	ax_circuit_free(&c);
	free(list);
}
