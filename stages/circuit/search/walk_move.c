/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "artifacts/base/fmath.h"
#include "stages/circuit/search/walk_impl.h"

/* At most this many pairs of signals are looked at in a visit. */
enum { PAIRS = 400, EXOR_TESTS = 200 };

/* What takes the place of a signal. */
struct cand {
	enum { NOTHING, CONSTANT, SIGNAL, GATE } kind;
	struct ax_form form; /* GATE */
	uint16_t x, y;
	unsigned inv;        /* CONSTANT: its value; SIGNAL: inverted */
	int64_t cost;        /* what it costs more than what it replaces */
	double score, noise; /* merit less noise; above 0 is not taken */
};

/* The visit at hand. */
struct visit {
	uint16_t v;      /* the signal */
	int pin;         /* output pin, or -1: every use of v */
	unsigned words;  /* of the pool that count: its limits, if any */
	unsigned listed; /* signals that may be used, in w->list */
	unsigned ands, ors, deads;
	int64_t freed;
	double temp;
	double loose; /* of the choice: higher where gates tell costs badly */
	double rate;  /* merit of a unit of the planes' sums */
	double room;  /* such units up to the bound on the error */
	double low;   /* the least sum there can be, in units */
	double reach; /* the most noise and gain */
	double gain;  /* the most there is in being earlier */
	int32_t ones, zeros; /* sums where v is 1, where it is 0 */
	struct cand best;
};

/* --- what is saved ------------------------------------------------------- */

static void
drop_use(struct ax_walk *w, struct visit *t, uint16_t sig)
{
	if (--w->uses[sig] == 0 && sig >= w->c.ins)
		w->dead[t->deads++] = sig;
}

/* Cost of what dies when v (or the pin's use of it) goes, while x and y are
 * needed. Leaves the dead in w->dead. */
static int64_t
freed_cost(struct ax_walk *w, struct visit *t, int x, int y)
{
	struct ax_circuit *c = &w->c;
	int64_t sum = 0;
	unsigned j, k;

	t->deads = 0;
	if (x >= 0)
		w->uses[x]++;
	if (y >= 0)
		w->uses[y]++;
	if (t->pin >= 0)
		drop_use(w, t, t->v);
	else
		w->dead[t->deads++] = t->v;
	for (unsigned d = 0; d < t->deads; d++) {
		j = w->dead[d] - c->ins;
		sum += w->k->gate.of[c->gate[j]];
		k = ax_g_inputs((enum ax_g)c->gate[j]);
		for (unsigned i = 0; i < k; i++)
			drop_use(w, t, c->in[j][i]);
	}
	for (unsigned d = 0; d < t->deads; d++) {
		j = w->dead[d] - c->ins;
		k = ax_g_inputs((enum ax_g)c->gate[j]);
		for (unsigned i = 0; i < k; i++)
			w->uses[c->in[j][i]]++;
	}
	if (t->pin >= 0)
		w->uses[t->v]++;
	if (x >= 0)
		w->uses[x]--;
	if (y >= 0)
		w->uses[y]--;
	return sum;
}

/* --- offering replacements ----------------------------------------------- */

/* Merit of a change of cost alone. */
static double
cost_merit(const struct ax_walk *w, int64_t change)
{
	double goal = (double)w->aim.cost_goal, a = (double)w->cost;
	double b = a + (double)change;

	return AX_MAX(b, goal) - AX_MAX(a, goal) +
	       (AX_MIN(b, goal) - AX_MIN(a, goal)) / 50;
}

/*
 * A score, from the least that the error can change by; false: not worth a
 * closer look. Draws the noise.
 */
static bool
promising(struct ax_walk *w, struct visit *t, struct cand *c, int64_t cost)
{
	c->cost = cost - t->freed;
	c->noise = t->loose * w->s->noise[ax_rng_u32(&w->rng) >> 22];
	c->score = cost_merit(w, c->cost) - c->noise;
	w->stats.candidates++;
	return c->score + t->rate * t->low - t->gain <=
	       AX_MIN(0.0, t->best.score);
}

/* What the candidate's delay is worth; INFINITY: it is too late. */
static double
lateness(const struct ax_walk *w, const struct visit *t, const struct cand *c)
{
	const struct ax_timer *m = ax_gauge_timer(w->gauge);
	double late, own = 0;

	if (!m)
		return 0;
	late = ax_timer_at(m, c->x);
	if (c->kind == GATE) {
		late = AX_MAX(late, ax_timer_at(m, c->y));
		own = ax_timer_guess(m, (enum ax_g)c->form.gate, t->v);
	} else if (c->inv) {
		own = ax_timer_guess(m, AX_G_INV, t->v);
	}
	/* a guess: what is a little late may still do */
	return ax_gauge_late(w->gauge, t->v, late + own, 0.3 * own);
}

/* Takes the offer, whose error changes by `sum` units, when it is the best and
 * what it keeps alive does not spoil it. */
static void
offer(struct ax_walk *w, struct visit *t, struct cand c, int32_t sum)
{
	int x = c.kind == CONSTANT ? -1 : c.x, y = c.kind == GATE ? c.y : -1;

	c.score += t->rate * sum;
	if (!(c.score <= t->gain && c.score - t->gain < t->best.score) ||
	    sum > t->room)
		return;
	if (w->gauge && c.kind != CONSTANT) {
		c.score += lateness(w, t, &c);
		if (!(c.score <= 0 && c.score < t->best.score))
			return;
	}
	if ((x >= 0 && w->is_dead[x]) || (y >= 0 && w->is_dead[y])) {
		unsigned deads = t->deads;
		int64_t less;

		for (unsigned d = 0; d < deads; d++)
			w->is_dead[w->dead[d]] = 0;
		less = t->freed - freed_cost(w, t, x, y);
		c.score += cost_merit(w, c.cost + less) - cost_merit(w, c.cost);
		c.cost += less;
		t->freed = freed_cost(w, t, -1, -1);
		for (unsigned d = 0; d < t->deads; d++)
			w->is_dead[w->dead[d]] = 1;
		if (!(c.score <= 0 && c.score < t->best.score))
			return;
	}
	t->best = c;
}

static const uint64_t *
pool_row(const struct ax_walk *w, uint16_t sig)
{
	return w->pool + (size_t)sig * POOL_WORDS;
}

/* The gate that v is already. */
static bool
is_same(const struct ax_walk *w, const struct visit *t, const struct ax_form *f,
	uint16_t x, uint16_t y)
{
	unsigned j = t->v - w->c.ins;
	const uint16_t *in;

	if (t->pin >= 0 || t->v < w->c.ins || f->ix || f->iy || f->io ||
	    w->c.gate[j] != f->gate)
		return false;
	in = w->c.in[j];
	return (in[0] == x && in[1] == y) || (in[0] == y && in[1] == x);
}

static void
offer_pair(struct ax_walk *w, struct visit *t, unsigned is_or, uint32_t a,
	   uint32_t b)
{
	const struct ax_form *f = &w->s->two[is_or][a & 1][b & 1];
	struct cand c = {.kind = GATE, .form = *f};
	struct ax_score_gate g;

	c.x = (uint16_t)(a / 2);
	c.y = (uint16_t)(b / 2);
	if (f->gate == AX_G_KINDS || c.x == c.y ||
	    !promising(w, t, &c, f->cost) || is_same(w, t, f, c.x, c.y))
		return;
	g = (struct ax_score_gate){pool_row(w, c.x),
				   pool_row(w, c.y),
				   (uint8_t)((a & 1) ^ is_or),
				   (uint8_t)((b & 1) ^ is_or),
				   (uint8_t)is_or,
				   0};
	/* AND must be 0 on care0; OR must be 1 on care1 */
	if (!w->score->fits(&g, NULL, is_or ? w->care1 : w->care0, t->words))
		return;
	offer(w, t, c, w->score->wrong(&g, pool_row(w, t->v), w->planes));
}

static void
offer_pairs(struct ax_walk *w, struct visit *t, unsigned is_or,
	    const uint32_t *lit, unsigned n)
{
	if (n < 2)
		return;
	if ((uint64_t)n * (n - 1) / 2 <= PAIRS) {
		for (unsigned a = 1; a < n; a++)
			for (unsigned b = 0; b < a; b++)
				offer_pair(w, t, is_or, lit[a], lit[b]);
		return;
	}
	for (int k = 0; k < PAIRS; k++) {
		unsigned a = ax_rng_below(&w->rng, n);
		unsigned b = ax_rng_below(&w->rng, n - 1);

		offer_pair(w, t, is_or, lit[a], lit[b + (b >= a)]);
	}
}

static void
offer_exor(struct ax_walk *w, struct visit *t, uint16_t x, uint16_t y,
	   unsigned inv)
{
	const struct ax_form *f = &w->s->exor[inv];
	const uint64_t *v = pool_row(w, t->v);
	struct cand c = {.kind = GATE, .form = *f, .x = x, .y = y};
	struct ax_score_gate g = {
		pool_row(w, x), pool_row(w, y), 0, 0, (uint8_t)inv, 1};

	if (!promising(w, t, &c, f->cost) || is_same(w, t, f, x, y) ||
	    !w->score->fits(&g, v, w->bad, t->words))
		return;
	offer(w, t, c, w->score->wrong(&g, v, w->planes));
}

/*
 * x ^ y = v (or its inverse) on the care set: a hash join of one word of each
 * signal, then a test of the rest.
 */
static void
offer_exors(struct ax_walk *w, struct visit *t)
{
	uint32_t head[1024], *next = w->flip_row;
	const uint64_t *v = pool_row(w, t->v);
	uint64_t care[POOL_WORDS], key, want;
	unsigned word = 0, most = 0, tests = 0, n;

	memcpy(care, w->bad, t->words * sizeof(*care));
	/* where an error costs more than a little */
	for (unsigned b = AX_SCORE_PLANES - 6; b + 1 < AX_SCORE_PLANES; b++)
		for (unsigned i = 0; i < AX_BLOCK_WORDS; i++)
			care[i] |= w->planes[b * AX_BLOCK_WORDS + i] &
				   ~w->planes[(AX_SCORE_PLANES - 1) *
						      AX_BLOCK_WORDS +
					      i];
	for (unsigned i = 0; i < t->words; i++) {
		n = (unsigned)__builtin_popcountll(care[i]);
		if (n > most) {
			most = n;
			word = i;
		}
	}
	memset(head, 0, sizeof(head));
	for (unsigned a = 0; a < t->listed && tests < EXOR_TESTS; a++) {
		uint16_t x = w->list[a];

		key = pool_row(w, x)[word] & care[word];
		for (unsigned inv = 0; inv < 2; inv++) {
			if (w->s->exor[inv].gate == AX_G_KINDS)
				continue;
			want = (key ^ v[word] ^ (0 - (uint64_t)inv)) &
			       care[word];
			for (uint32_t b =
				     head[(want * 0x9e3779b97f4a7c15u) >> 54];
			     b && tests < EXOR_TESTS; b = next[b - 1]) {
				uint16_t y = w->list[b - 1];

				if ((pool_row(w, y)[word] & care[word]) != want)
					continue;
				tests++;
				offer_exor(w, t, x, y, inv);
			}
		}
		n = (unsigned)((key * 0x9e3779b97f4a7c15u) >> 54);
		next[a] = head[n];
		head[n] = a + 1;
	}
}

/* The signal x, its inverse, and the lists of those that may be part of an AND
 * or an OR. */
static void
offer_signal(struct ax_walk *w, struct visit *t, uint16_t x, unsigned flags)
{
	struct cand c = {.kind = SIGNAL, .x = x};
	unsigned j = t->v - w->c.ins;
	int32_t side[2];
	double most;

	w->score->sides(pool_row(w, x), pool_row(w, t->v), w->planes, side);
	if (!(flags & (AX_HIT_1_0 | AX_HIT_0_1)) && promising(w, t, &c, 0))
		offer(w, t, c, side[0] + side[1]);
	c.inv = 1;
	if (!(flags & (AX_HIT_1_1 | AX_HIT_0_0)) &&
	    !(t->pin < 0 && t->v >= w->c.ins && w->c.gate[j] == AX_G_INV &&
	      w->c.in[j][0] == x) &&
	    promising(w, t, &c, w->k->gate.of[AX_G_INV]))
		offer(w, t, c, t->ones - side[0] + t->zeros - side[1]);
	/* one that costs more than the worst it can be worth is no part */
	most = AX_MIN(t->room,
		      (t->reach + cost_merit(w, 0) - cost_merit(w, -t->freed)) /
			      t->rate) -
	       t->low;
	if (!(flags & AX_HIT_1_0) && side[0] <= most)
		w->and_lit[t->ands++] = 2u * x;
	if (!(flags & AX_HIT_1_1) && t->ones - side[0] <= most)
		w->and_lit[t->ands++] = 2u * x + 1;
	if (!(flags & AX_HIT_0_1) && side[1] <= most)
		w->or_lit[t->ors++] = 2u * x;
	if (!(flags & AX_HIT_0_0) && t->zeros - side[1] <= most)
		w->or_lit[t->ors++] = 2u * x + 1;
}

static bool
any(const uint64_t *row, unsigned words)
{
	uint64_t x = 0;

	for (unsigned i = 0; i < words; i++)
		x |= row[i];
	return x != 0;
}

static void
offer_all(struct ax_walk *w, struct visit *t)
{
	const uint64_t *v = pool_row(w, t->v);
	int64_t least = INT64_MAX;
	int32_t side[2];
	struct cand c = {.kind = CONSTANT};

	w->score->sides(w->same, v, w->planes, side);
	t->ones = side[0];
	w->score->sides(w->same + AX_BLOCK_WORDS, v, w->planes, side);
	t->zeros = side[1];
	for (unsigned value = 0; value < 2; value++) {
		c.inv = value;
		if (!any(value ? w->care0 : w->care1, t->words) &&
		    promising(w, t, &c, 0) &&
		    !(t->v >= w->c.ins &&
		      w->c.gate[t->v - w->c.ins] <= AX_G_CONST1))
			offer(w, t, c, value ? t->zeros : t->ones);
	}
	t->ands = t->ors = 0;
	w->score->scan(w->pool, POOL_WORDS, t->words, w->list_row, t->listed,
		       w->care1, w->care0, w->flags);
	for (unsigned a = 0; a < t->listed; a++) {
		w->stats.candidates++;
		if (w->flags[a] != 15)
			offer_signal(w, t, w->list[a], w->flags[a]);
	}
	for (unsigned k = 0; k < 8; k++)
		least = AX_MIN(least,
			       w->s->two[k >> 2][k >> 1 & 1][k & 1].cost);
	if (cost_merit(w, least - t->freed) + t->rate * t->low <= t->reach) {
		offer_pairs(w, t, 0, w->and_lit, t->ands);
		offer_pairs(w, t, 1, w->or_lit, t->ors);
	}
	least = AX_MIN(w->s->exor[0].cost, w->s->exor[1].cost);
	if (least != INT64_MAX &&
	    cost_merit(w, least - t->freed) + t->rate * t->low <= t->reach)
		offer_exors(w, t);
}

/* --- what an error of v would do ----------------------------------------- */

/* Marks what depends on v and simulates it, on the pool, with v inverted. */
static void
invert(struct ax_walk *w, const struct visit *t, const uint64_t **out)
{
	const struct ax_circuit *c = &w->c;
	uint32_t flips = (uint32_t)(c->ins + c->n);
	unsigned n = 0;

	memset(w->in_cone, 0, c->ins + c->n);
	w->in_cone[t->v] = 1;
	w->flip_row[t->v] = flips;
	w->op[n++] = (struct ax_kop){t->v, t->v, flips++, AX_G_INV};
	for (unsigned j = t->pin < 0 ? t->v - c->ins + 1u : c->n; j < c->n;
	     j++) {
		uint16_t a = c->in[j][0], b = c->in[j][1];

		if (!(w->in_cone[a] | w->in_cone[b]))
			continue;
		w->in_cone[c->ins + j] = 1;
		w->flip_row[c->ins + j] = flips;
		w->op[n++] = (struct ax_kop){w->in_cone[a] ? w->flip_row[a] : a,
					     w->in_cone[b] ? w->flip_row[b] : b,
					     flips++, c->gate[j]};
	}
	w->p->kern->run(w->pool, POOL_WORDS, w->op, n);
	if (w->g->limited)
		w->p->kern->run(w->pool + AX_BLOCK_WORDS, POOL_WORDS, w->op, n);
	for (unsigned o = 0; o < c->outs; o++) {
		uint16_t s = c->out[o];
		bool flip = t->pin < 0 ? w->in_cone[s] : (int)o == t->pin;

		out[o] = w->pool +
			 (size_t)(flip ? w->flip_row[s] : s) * POOL_WORDS;
	}
}

/* Patterns of the second block whose limits an error of v breaks. */
static void
find_broken(struct ax_walk *w, const uint64_t **out)
{
	for (unsigned o = 0; o < w->c.outs; o++)
		out[o] += AX_BLOCK_WORDS;
	w->score->unpack(out, w->c.outs, w->p->extend, w->y);
	w->score->outside(w->y, w->ref + AX_BLOCK_BITS, w->lo + AX_BLOCK_BITS,
			  w->hi + AX_BLOCK_BITS, w->bad + AX_BLOCK_WORDS);
	for (unsigned o = 0; o < w->c.outs; o++)
		out[o] -= AX_BLOCK_WORDS;
}

/*
 * What each pattern of the pool adds to the error if v is wrong there, in
 * planes, and the care set: care1 where v is 1, care0 where it is 0.
 */
static void
find_care(struct ax_walk *w, struct visit *t)
{
	const struct ax_circuit *c = &w->c;
	const uint64_t *out[AX_CIRCUIT_OUTS], *v = pool_row(w, t->v);
	double error = w->now.value, gain = w->g->scale, per, gained, limit;
	double scale, top;
	uint64_t far[AX_BLOCK_WORDS];
	float low;

	invert(w, t, out);
	if (w->g->limited)
		find_broken(w, out);
	w->score->unpack(out, c->outs, w->p->extend, w->y);
	top = (double)w->score->change(w->g->score, w->y, w->was, w->ref, w->w,
				       w->slope, w->d, &low);
	/* merit of one d */
	if (w->g->metric == AX_METRIC_COHERENT)
		gain *= 0.5 / AX_MAX(error, w->aim.floor);
	per = (w->aim.slack > 0 ? w->aim.slack / w->aim.error_most : 0) +
	      (w->aim.kappa > 0 ? w->aim.kappa / (error + w->aim.floor) : 0);
	per = AX_MAX(per * gain, 1e-300);
	gained = t->reach - cost_merit(w, -t->freed);
	/* a single d above this cannot be made good by all the negative ones */
	limit = AX_MIN(gained / per, (w->aim.error_most - error) / gain) -
		(double)low;
	top = AX_MIN(top, limit);
	scale = top > 1e-30 ? AX_SCORE_TOP / top : 0;
	scale = AX_MIN(scale, 1e30);
	w->score->planes(w->d, (float)scale, (float)AX_MIN(limit, 1e38),
			 w->planes, far);
	t->rate = scale > 0 ? per / scale : 0;
	t->room = scale > 0 ? (w->aim.error_most - error) / gain * scale
			    : HUGE_VAL;
	t->low = (double)low * scale;
	if (w->g->limited)
		w->score->outside(w->y, w->ref, w->lo, w->hi, w->bad);
	else
		memset(w->bad, 0, AX_BLOCK_WORDS * sizeof(*w->bad));
	for (unsigned i = 0; i < AX_BLOCK_WORDS; i++)
		w->bad[i] |= far[i];
	for (unsigned i = 0; i < t->words; i++) {
		w->care1[i] = w->bad[i] & v[i];
		w->care0[i] = w->bad[i] & ~v[i];
	}
	t->listed = 0;
	for (unsigned s = 0; s < c->ins + c->n; s++) {
		w->list[t->listed] = (uint16_t)s;
		w->list_row[t->listed] = s;
		t->listed += !w->in_cone[s];
	}
}

/* --- taking -------------------------------------------------------------- */

struct build {
	struct {
		uint8_t gate;
		uint16_t a, b;
	} node[4]; /* new ones, numbered behind the old */
	unsigned n;
	uint16_t sig; /* the new function */
};

static uint16_t
build_node(const struct ax_walk *w, struct build *b, enum ax_g g, uint16_t x,
	   uint16_t y)
{
	b->node[b->n].gate = (uint8_t)g;
	b->node[b->n].a = x;
	b->node[b->n].b = y;
	return (uint16_t)(w->c.ins + w->c.n + b->n++);
}

static void
build(const struct ax_walk *w, struct build *b, const struct cand *c)
{
	uint16_t x = c->x, y = c->y;

	b->n = 0;
	switch (c->kind) {
	case CONSTANT:
		b->sig = build_node(w, b, c->inv ? AX_G_CONST1 : AX_G_CONST0, 0,
				    0);
		break;
	case SIGNAL:
		b->sig = c->inv ? build_node(w, b, AX_G_INV, x, x) : x;
		break;
	default:
		if (c->form.ix)
			x = build_node(w, b, AX_G_INV, x, x);
		if (c->form.iy)
			y = build_node(w, b, AX_G_INV, y, y);
		b->sig = build_node(w, b, (enum ax_g)c->form.gate, x, y);
		if (c->form.io)
			b->sig = build_node(w, b, AX_G_INV, b->sig, b->sig);
		break;
	}
}

/*
 * w->next becomes the circuit with the replacement, operands before their
 * users: a walk from the outputs, which also leaves out what died.
 */
static void
rewrite(struct ax_walk *w, const struct visit *t, const struct build *b)
{
	const struct ax_circuit *c = &w->c;
	struct ax_circuit *to = &w->next;
	unsigned ins = c->ins, total = c->n + b->n, depth = 0;

	to->ins = ins;
	to->outs = c->outs;
	to->n = 0;
	ax_circuit_reserve(to, total + 1);
	for (unsigned s = 0; s < ins; s++)
		w->place[s] = (uint16_t)s;
	memset(w->place + ins, 0xff, total * sizeof(*w->place));
	for (unsigned o = 0; o < c->outs; o++) {
		uint16_t root = c->out[o];

		if (t->pin < 0 ? root == t->v : (int)o == t->pin)
			root = b->sig;
		w->stack[depth++] = root;
		while (depth) {
			uint16_t s = w->stack[depth - 1], in[2];
			unsigned j = s - ins, k, waiting = depth;
			uint8_t gate;

			if (w->place[s] != UINT16_MAX) {
				depth--;
				continue;
			}
			if (j < c->n) {
				gate = c->gate[j];
				in[0] = c->in[j][0];
				in[1] = c->in[j][1];
				for (int i = 0; i < 2; i++)
					if (t->pin < 0 && in[i] == t->v)
						in[i] = b->sig;
			} else {
				gate = b->node[j - c->n].gate;
				in[0] = b->node[j - c->n].a;
				in[1] = b->node[j - c->n].b;
			}
			k = ax_g_inputs((enum ax_g)gate);
			for (unsigned i = k; i-- > 0;)
				if (w->place[in[i]] == UINT16_MAX)
					w->stack[depth++] = in[i];
			if (depth > waiting)
				continue;
			depth--;
			w->place[s] = ax_circuit_add(
				to, (enum ax_g)gate, k ? w->place[in[0]] : 0,
				k == 2 ? w->place[in[1]] : 0);
		}
		to->out[o] = w->place[root];
	}
}

/* The most that the error may become for the merit not to rise. */
static double
most_error(const struct ax_walk *w, const struct cand *c, int64_t change)
{
	double gain = c->noise - cost_merit(w, change), most = HUGE_VAL;

	if (w->aim.slack > 0)
		most = w->now.value + gain / w->aim.slack * w->aim.error_most;
	else if (w->aim.kappa > 0)
		most = (w->now.value + w->aim.floor) *
			       ax_exp(AX_MIN(gain / w->aim.kappa, 600.0)) -
		       w->aim.floor;
	return AX_MIN(most, w->aim.error_most);
}

/* Takes w->next if its exact figures are as good as the candidate's noise
 * allows. */
static bool
take(struct ax_walk *w, const struct cand *cand)
{
	struct ax_circuit swap;
	struct ax_error_state now;
	int64_t cost = ax_circuit_cost(&w->next, &w->k->gate), was = w->cost;
	double merit, most;
	int32_t *y;

	if (w->gauge) {
		was = ax_gauge_cost(w->gauge, ax_gauge_now(w->gauge));
		cost = ax_gauge_cost(
			w->gauge,
			ax_gauge_try(w->gauge, &w->c, &w->next, w->place));
		/* what its energy does is not known yet: as was thought */
		most = most_error(w, cand,
				  w->toggles ? cand->cost : cost - was);
	} else {
		most = most_error(w, cand, cand->cost);
	}
	if (!ax_walk_measure(w, &w->next, most))
		return false;
	if (w->toggles)
		cost = ax_gauge_cost(
			w->gauge,
			ax_gauge_try_energy(w->gauge, &w->next, w->toggles));
	if (w->trial.value > w->aim.error_most)
		return false;
	merit = ax_walk_merit(&w->aim, w->trial.value, cost) -
		ax_walk_merit(&w->aim, w->now.value, was);
	if (merit > cand->noise)
		return false;
	if (w->g->rules.commutative) {
		bool good;
		double value;

		y = ax_calloc(w->p->patterns, sizeof(*y));
		ax_problem_table(w->p, &w->next, y);
		good = ax_error_of_table(&value, w->g, y);
		free(y);
		if (!good)
			return false;
	}
	swap = w->c;
	w->c = w->next;
	w->next = swap;
	now = w->now;
	w->now = w->trial;
	w->trial = now;
	w->cost = cost;
	if (w->gauge) {
		ax_gauge_take(w->gauge, &w->c);
		w->cost = ax_gauge_now(w->gauge)->cost;
	}
	return true;
}

void
ax_walk_visit(struct ax_walk *w, double temperature)
{
	unsigned k = ax_rng_below(&w->rng, w->c.n + w->c.outs);
	struct visit t = {.pin = -1, .temp = temperature, .loose = temperature};
	struct build b;

	if (k < w->c.n) {
		t.v = (uint16_t)(w->c.ins + k);
	} else {
		t.v = w->c.out[k - w->c.n];
		/* a pin that is the only user is visited as its signal */
		if (t.v < w->c.ins || w->uses[t.v] > 1)
			t.pin = (int)(k - w->c.n);
	}
	t.words = w->g->limited ? POOL_WORDS : AX_BLOCK_WORDS;
	if (w->gauge) {
		t.gain = ax_gauge_gain(w->gauge, t.v);
		t.loose += w->k->doubt;
	}
	t.reach = w->s->noise[0] * t.loose + t.gain;
	t.best.score = HUGE_VAL;
	t.freed = freed_cost(w, &t, -1, -1);
	find_care(w, &t);
	for (unsigned d = 0; d < t.deads; d++)
		w->is_dead[w->dead[d]] = 1;
	offer_all(w, &t);
	for (unsigned d = 0; d < t.deads; d++)
		w->is_dead[w->dead[d]] = 0;
	if (t.best.kind == NOTHING)
		return;
	w->stats.checks++;
	build(w, &b, &t.best);
	ax_walk_room(w, w->c.n + 8);
	if (w->stale) {
		/* rare: more room means an empty pool; fill it first */
		ax_walk_refresh(w);
	}
	rewrite(w, &t, &b);
	if (t.loose > t.temp)
		t.best.noise *= t.temp / t.loose;
	if (!take(w, &t.best)) {
		w->stats.failed++;
		return;
	}
	w->stats.taken++;
	ax_walk_refresh(w);
}
