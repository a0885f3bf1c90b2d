/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/walk.h"

#include <math.h>

#include "artifacts/base/fmath.h"
#include "stages/circuit/search/walk_impl.h"

/* Scratch arrays for circuits of up to n nodes. */
void
ax_walk_room(struct ax_walk *w, unsigned n)
{
	size_t m;

	if (n < w->room)
		return;
	w->room = n + n / 2 + 16;
	w->stale = true;
	m = AX_CIRCUIT_INS + w->room + 16;
	free(w->pool);
	free(w->block);
	w->pool = ax_aligned(2 * m * POOL_WORDS, sizeof(*w->pool));
	w->block = ax_aligned(m * AX_BLOCK_WORDS, sizeof(*w->block));
	w->uses = ax_realloc(w->uses, m, sizeof(*w->uses));
	w->flip_row = ax_realloc(w->flip_row, m, sizeof(*w->flip_row));
	w->list_row = ax_realloc(w->list_row, m, sizeof(*w->list_row));
	w->list = ax_realloc(w->list, m, sizeof(*w->list));
	w->dead = ax_realloc(w->dead, m, sizeof(*w->dead));
	w->place = ax_realloc(w->place, m, sizeof(*w->place));
	w->stack = ax_realloc(w->stack, 2 * m, sizeof(*w->stack));
	w->is_dead = ax_realloc(w->is_dead, m, sizeof(*w->is_dead));
	memset(w->is_dead, 0, m * sizeof(*w->is_dead));
	w->in_cone = ax_realloc(w->in_cone, m, sizeof(*w->in_cone));
	w->flags = ax_realloc(w->flags, m, sizeof(*w->flags));
	w->and_lit = ax_realloc(w->and_lit, 2 * m, sizeof(*w->and_lit));
	w->or_lit = ax_realloc(w->or_lit, 2 * m, sizeof(*w->or_lit));
	w->op = ax_realloc(w->op, m, sizeof(*w->op));
	if (w->gauge && ax_cost_needs_energy(w->k)) {
		w->toggles = ax_realloc(w->toggles, m, sizeof(*w->toggles));
		w->ones = ax_realloc(w->ones, m, sizeof(*w->ones));
	}
}

/* --- the pool ------------------------------------------------------------ */

static uint64_t
gate_word(unsigned gate, uint64_t a, uint64_t b)
{
	switch ((enum ax_g)gate) {
	case AX_G_CONST0:
		return 0;
	case AX_G_CONST1:
		return UINT64_MAX;
	case AX_G_INV:
		return ~a;
	case AX_G_AND:
		return a & b;
	case AX_G_NAND:
		return ~(a & b);
	case AX_G_OR:
		return a | b;
	case AX_G_NOR:
		return ~(a | b);
	case AX_G_XOR:
		return a ^ b;
	case AX_G_XNOR:
		return ~(a ^ b);
	default:
		return a;
	}
}

/* The 64 patterns of a word of the pool: operands, what belongs to their
 * places, and all signals. */
static void
fill_word(struct ax_walk *w, unsigned word)
{
	const struct ax_problem *p = w->p;
	const struct ax_error *g = w->g;
	double drawn = (double)p->patterns / AX_BLOCK_BITS, often;
	uint64_t *at = w->pool + word;
	const struct ax_circuit *c = &w->c;

	for (unsigned i = 0; i < p->ins; i++)
		at[(size_t)i * POOL_WORDS] = 0;
	for (unsigned k = 0; k < 64; k++) {
		unsigned slot = word * 64 + k;
		size_t q = w->seen[slot];

		w->ref[slot] = p->ref[q];
		w->lo[slot] = g->lo[q];
		w->hi[slot] = g->hi[q];
		for (unsigned i = 0; i < p->wa; i++)
			at[(size_t)i * POOL_WORDS] |=
				(uint64_t)(q >> (p->wb + i) & 1) << k;
		for (unsigned i = 0; i < p->wb; i++)
			at[(size_t)(p->wa + i) * POOL_WORDS] |=
				(uint64_t)(q >> i & 1) << k;
		if (slot >= AX_BLOCK_BITS)
			continue;
		/* a pattern stands for more of its kind */
		if (w->whole) {
			w->factor[slot] = slot < p->patterns ? 1 : 0;
		} else if (g->often) {
			often = (double)g->often[q];
			w->factor[slot] =
				(float)(g->rows[((size_t)1 << p->wa) - 1] /
					AX_BLOCK_BITS / often);
		} else {
			w->factor[slot] = (float)drawn;
		}
		w->w[slot] = w->factor[slot] * (g->w ? g->w[q] : 1.0f);
		if (g->metric == AX_METRIC_COHERENT)
			w->w[slot] = 0;
	}
	for (unsigned j = 0; j < c->n; j++)
		at[(size_t)(c->ins + j) * POOL_WORDS] = gate_word(
			c->gate[j], at[(size_t)c->in[j][0] * POOL_WORDS],
			at[(size_t)c->in[j][1] * POOL_WORDS]);
}

static void
fill_slopes(struct ax_walk *w, unsigned word)
{
	if (!w->g->layers || word >= AX_BLOCK_WORDS)
		return;
	for (unsigned slot = word * 64; slot < word * 64 + 64; slot++)
		w->slope[slot] = w->factor[slot] *
				 ax_error_slope(&w->now, w->g, w->seen[slot]);
}

static void
draw_word(struct ax_walk *w, unsigned word)
{
	for (unsigned k = 0; k < 64; k++) {
		double u = ax_rng_double(&w->rng);

		w->seen[word * 64 + k] = (uint32_t)ax_error_draw(w->g, u);
	}
	fill_word(w, word);
	fill_slopes(w, word);
}

static void
results(struct ax_walk *w)
{
	const uint64_t *out[AX_CIRCUIT_OUTS];

	for (unsigned o = 0; o < w->c.outs; o++)
		out[o] = w->pool + (size_t)w->c.out[o] * POOL_WORDS;
	w->score->unpack(out, w->c.outs, w->p->extend, w->was);
}

void
ax_walk_redraw(struct ax_walk *w)
{
	if (w->whole)
		return;
	draw_word(w, w->next_word);
	w->next_word = (w->next_word + 1) % AX_BLOCK_WORDS;
	results(w);
}

/* All of the weighed block. */
static void
redraw_all(struct ax_walk *w)
{
	w->next_word = w->next_slope = 0;
	for (unsigned word = 0; word < AX_BLOCK_WORDS; word++) {
		if (!w->whole) {
			draw_word(w, word);
			continue;
		}
		for (unsigned k = 0; k < 64; k++)
			w->seen[word * 64 + k] =
				(uint32_t)((word * 64 + k) % w->p->patterns);
		fill_word(w, word);
		fill_slopes(w, word);
	}
	for (unsigned word = AX_BLOCK_WORDS; word < POOL_WORDS; word++)
		fill_word(w, word);
	results(w);
}

static void
remember(struct ax_walk *w, size_t pattern)
{
	w->seen[AX_BLOCK_BITS + w->next_bad] = (uint32_t)pattern;
	fill_word(w, AX_BLOCK_WORDS + w->next_bad / 64);
	w->next_bad = (w->next_bad + 1) % AX_BLOCK_BITS;
}

/* --- all patterns -------------------------------------------------------- */

bool
ax_walk_measure(struct ax_walk *w, const struct ax_circuit *c, double most)
{
	const struct ax_problem *p = w->p;
	const uint64_t *out[AX_CIRCUIT_OUTS];
	bool plain = ax_error_plain(w->g);
	unsigned learnt = 0, start;
	double sum;

	for (unsigned j = 0; j < c->n; j++)
		w->op[j] = (struct ax_kop){c->in[j][0], c->in[j][1], c->ins + j,
					   c->gate[j]};
	for (unsigned o = 0; o < c->outs; o++)
		out[o] = w->block + (size_t)c->out[o] * AX_BLOCK_WORDS;
	ax_error_begin(&w->trial);
	if (w->toggles)
		memset(w->ones, 0, (c->ins + c->n) * sizeof(*w->ones));
	for (size_t b = 0; b < p->blocks; b++) {
		memcpy(w->block, ax_problem_inputs(p, b),
		       p->ins * AX_BLOCK_WORDS * sizeof(*w->block));
		p->kern->run(w->block, AX_BLOCK_WORDS, w->op, c->n);
		for (unsigned r = 0; w->toggles && r < c->ins + c->n; r++)
			w->ones[r] += ax_activity_ones(
				w->k->activity,
				w->block + (size_t)r * AX_BLOCK_WORDS, b, 1);
		w->score->unpack(out, c->outs, p->extend, w->y);
		if (!ax_error_add(&w->trial, w->g, w->score, b, w->y, w->bad)) {
			start = ax_rng_below(&w->rng, AX_BLOCK_WORDS);
			for (unsigned k = 0; k < AX_BLOCK_WORDS && learnt < 4;
			     k++) {
				unsigned i = (start + k) % AX_BLOCK_WORDS;

				if (!w->bad[i])
					continue;
				remember(w,
					 (b * AX_BLOCK_BITS + i * 64 +
					  (size_t)__builtin_ctzll(w->bad[i])) %
						 p->patterns);
				learnt++;
			}
			return false;
		}
		/* errors only add up */
		if (plain && b % 4 == 3) {
			sum = 0;
			for (int i = 0; i < 16; i++)
				sum += w->trial.sum[i];
			if (w->g->scale * sum > most)
				return false;
		}
	}
	for (unsigned r = 0; w->toggles && r < c->ins + c->n; r++)
		w->toggles[r] = ax_activity_toggles(w->k->activity, w->ones[r]);
	ax_error_finish(&w->trial, w->g, w->score);
	return true;
}

static bool
commutes(const struct ax_walk *w, const struct ax_circuit *c)
{
	const struct ax_problem *p = w->p;
	int32_t *y;
	double value;
	bool good;

	if (!w->g->rules.commutative)
		return true;
	y = ax_calloc(p->patterns, sizeof(*y));
	ax_problem_table(p, c, y);
	good = ax_error_of_table(&value, w->g, y);
	free(y);
	return good;
}

/* --- life ---------------------------------------------------------------- */

struct ax_walk *
ax_walk_new(const struct ax_search *s, const struct ax_error *g,
	    const struct ax_cost *cost, uint64_t seed, uint64_t index)
{
	struct ax_walk *w = ax_calloc(1, sizeof(*w));
	size_t b = AX_BLOCK_BITS;

	w->s = s;
	w->g = g;
	w->k = cost;
	w->p = s->p;
	w->score = ax_score_kern();
	if (!ax_cost_is_plain(cost))
		w->gauge = ax_gauge_new(cost);
	w->rng = ax_rng(seed, "walk", index);
	w->whole = s->p->patterns <= AX_BLOCK_BITS;
	w->ref = ax_aligned(8 * b, sizeof(*w->ref));
	w->lo = w->ref + 2 * b;
	w->hi = w->lo + 2 * b;
	w->was = w->hi + 2 * b;
	w->y = w->was + b;
	w->w = ax_aligned(4 * b, sizeof(*w->w));
	w->slope = w->w + b;
	w->factor = w->slope + b;
	w->d = w->factor + b;
	w->planes = ax_aligned((size_t)AX_SCORE_PLANES * AX_BLOCK_WORDS, 8);
	w->care1 = ax_aligned(3 * POOL_WORDS + 2 * AX_BLOCK_WORDS, 8);
	w->care0 = w->care1 + POOL_WORDS;
	w->bad = w->care0 + POOL_WORDS;
	w->same = w->bad + POOL_WORDS;
	memset(w->same + AX_BLOCK_WORDS, 0xff, AX_BLOCK_WORDS * 8);
	ax_error_state_init(&w->now, g);
	ax_error_state_init(&w->trial, g);
	for (unsigned k = 0; k < AX_BLOCK_BITS; k++)
		w->seen[AX_BLOCK_BITS + k] =
			ax_rng_below(&w->rng, (uint32_t)s->p->patterns);
	/* the patterns with an operand of 0 are few and always asked for */
	if (g->rules.zero_exact) {
		size_t na = (size_t)1 << s->p->wa, nb = (size_t)1 << s->p->wb;

		for (size_t k = 0; k < na + nb && k < AX_BLOCK_BITS; k++)
			w->seen[AX_BLOCK_BITS + k] =
				(uint32_t)(k < na ? k * nb : k - na);
		w->next_bad = (unsigned)((na + nb) % AX_BLOCK_BITS);
	}
	return w;
}

void
ax_walk_free(struct ax_walk *w)
{
	if (!w)
		return;
	ax_circuit_free(&w->c);
	ax_circuit_free(&w->next);
	ax_circuit_free(&w->best);
	ax_error_state_free(&w->now);
	ax_error_state_free(&w->trial);
	ax_archive_free(&w->archive);
	free(w->pool);
	free(w->block);
	free(w->ref);
	free(w->w);
	free(w->planes);
	free(w->care1);
	free(w->uses);
	free(w->flip_row);
	free(w->list_row);
	free(w->list);
	free(w->dead);
	free(w->place);
	free(w->stack);
	free(w->is_dead);
	free(w->in_cone);
	free(w->flags);
	free(w->and_lit);
	free(w->or_lit);
	free(w->op);
	ax_gauge_free(w->gauge);
	free(w->toggles);
	free(w->ones);
	free(w);
}

static void
count_uses(struct ax_walk *w)
{
	const struct ax_circuit *c = &w->c;

	memset(w->uses, 0, (c->ins + c->n) * sizeof(*w->uses));
	for (unsigned j = 0; j < c->n; j++) {
		unsigned k = ax_g_inputs((enum ax_g)c->gate[j]);

		for (unsigned i = 0; i < k; i++)
			w->uses[c->in[j][i]]++;
	}
	for (unsigned o = 0; o < c->outs; o++)
		w->uses[c->out[o]]++;
}

void
ax_walk_refresh(struct ax_walk *w)
{
	const struct ax_circuit *c = &w->c;

	/* a pool that moved to more room has lost its operands */
	for (unsigned word = 0; w->stale && word < POOL_WORDS; word++)
		fill_word(w, word);
	w->stale = false;
	for (unsigned j = 0; j < c->n; j++)
		w->op[j] = (struct ax_kop){c->in[j][0], c->in[j][1], c->ins + j,
					   c->gate[j]};
	w->p->kern->run(w->pool, POOL_WORDS, w->op, c->n);
	w->p->kern->run(w->pool + AX_BLOCK_WORDS, POOL_WORDS, w->op, c->n);
	count_uses(w);
	results(w);
	/* slopes drift slowly: an eighth of them at a time */
	for (int k = 0; k < AX_BLOCK_WORDS / 8; k++) {
		fill_slopes(w, w->next_slope);
		w->next_slope = (w->next_slope + 1) % AX_BLOCK_WORDS;
	}
}

double
ax_walk_merit(const struct ax_walk_aim *aim, double error, int64_t cost)
{
	double goal = (double)aim->cost_goal, c = (double)cost;
	double m = AX_MAX(c, goal) + AX_MIN(c, goal) / 50;

	if (aim->slack > 0)
		m += aim->slack * error / aim->error_most;
	if (aim->kappa > 0)
		m += aim->kappa * ax_log(error + aim->floor);
	return m;
}

bool
ax_walk_set(struct ax_walk *w, const struct ax_walk_aim *aim,
	    const struct ax_circuit *c)
{
	struct ax_error_state swap;

	w->aim = *aim;
	ax_walk_room(w, c->n);
	/* what breaks a limit is remembered with the signals of w->c */
	ax_circuit_copy(&w->c, c);
	if (!ax_walk_measure(w, c, INFINITY) ||
	    w->trial.value > aim->error_most || !commutes(w, c))
		return false;
	swap = w->now;
	w->now = w->trial;
	w->trial = swap;
	w->cost = w->gauge ? ax_gauge_set(w->gauge, c, w->toggles)->cost
			   : ax_circuit_cost(c, &w->k->gate);
	redraw_all(w);
	ax_walk_refresh(w);
	ax_circuit_copy(&w->best, c);
	w->best_merit = ax_walk_merit(aim, w->now.value, w->cost);
	if (w->cost < AX_COST_BROKEN)
		ax_archive_offer(&w->archive, w->now.value, w->cost,
				 w->stats.steps, c);
	return true;
}

void
ax_walk_run(struct ax_walk *w, uint64_t steps, double from, double to)
{
	uint64_t taken;
	double merit;

	redraw_all(w);
	for (uint64_t k = 0; k < steps; k++) {
		taken = w->stats.taken;
		ax_walk_visit(w,
			      from + (to - from) * ((double)k / (double)steps));
		if (k % 4 == 3)
			ax_walk_redraw(w);
		w->stats.steps++;
		if (w->stats.taken == taken)
			continue;
		if (w->cost < AX_COST_BROKEN)
			ax_archive_offer(&w->archive, w->now.value, w->cost,
					 w->stats.steps, &w->c);
		merit = ax_walk_merit(&w->aim, w->now.value, w->cost);
		if (merit < w->best_merit) {
			w->best_merit = merit;
			ax_circuit_copy(&w->best, &w->c);
		}
	}
}

const struct ax_circuit *
ax_walk_circuit(const struct ax_walk *w)
{
	return &w->c;
}

double
ax_walk_error(const struct ax_walk *w)
{
	return w->now.value;
}

int64_t
ax_walk_cost(const struct ax_walk *w)
{
	return w->cost;
}

const struct ax_circuit *
ax_walk_best(const struct ax_walk *w)
{
	return &w->best;
}

double
ax_walk_best_merit(const struct ax_walk *w)
{
	return w->best_merit;
}

struct ax_archive *
ax_walk_archive(struct ax_walk *w)
{
	return &w->archive;
}

const struct ax_island_stats *
ax_walk_stats(const struct ax_walk *w)
{
	return &w->stats;
}

/* --- checkpoints --------------------------------------------------------- */

void
ax_walk_save(const struct ax_walk *w, struct ax_str *out)
{
	ax_circuit_put(out, &w->c);
	ax_circuit_put(out, &w->best);
	ax_ck_put_double(out, w->best_merit);
	for (unsigned k = 0; k < AX_BLOCK_BITS; k++)
		ax_ck_put(out, w->seen[AX_BLOCK_BITS + k], 4);
	ax_ck_put(out, w->next_bad, 4);
	for (int k = 0; k < 4; k++) {
		ax_ck_put(out, w->rng.ctr[k], 4);
		ax_ck_put(out, w->rng.out[k], 4);
	}
	ax_ck_put(out, w->rng.key[0], 4);
	ax_ck_put(out, w->rng.key[1], 4);
	ax_ck_put(out, w->rng.left, 4);
	ax_ck_put(out, w->stats.steps, 8);
	ax_ck_put(out, w->stats.candidates, 8);
	ax_ck_put(out, w->stats.checks, 8);
	ax_ck_put(out, w->stats.failed, 8);
	ax_ck_put(out, w->stats.taken, 8);
	ax_archive_put(out, &w->archive);
}

int
ax_walk_restore(struct ax_walk *w, const struct ax_walk_aim *aim,
		struct ax_ck_reader *r)
{
	struct ax_circuit c = AX_CIRCUIT_INIT, best = AX_CIRCUIT_INIT;
	struct ax_island_stats stats;
	struct ax_rng rng;
	uint32_t seen[AX_BLOCK_BITS];
	unsigned next_bad;
	double merit;
	bool good;

	ax_circuit_get(r, w->p, &c);
	ax_circuit_get(r, w->p, &best);
	merit = ax_ck_get_double(r);
	for (unsigned k = 0; k < AX_BLOCK_BITS; k++)
		seen[k] = (uint32_t)ax_ck_get_max(r, 4, w->p->patterns - 1);
	next_bad = (unsigned)ax_ck_get_max(r, 4, AX_BLOCK_BITS - 1);
	for (int k = 0; k < 4; k++) {
		rng.ctr[k] = (uint32_t)ax_ck_get(r, 4);
		rng.out[k] = (uint32_t)ax_ck_get(r, 4);
	}
	rng.key[0] = (uint32_t)ax_ck_get(r, 4);
	rng.key[1] = (uint32_t)ax_ck_get(r, 4);
	rng.left = (unsigned)ax_ck_get_max(r, 4, 4);
	stats.steps = ax_ck_get(r, 8);
	stats.candidates = ax_ck_get(r, 8);
	stats.checks = ax_ck_get(r, 8);
	stats.failed = ax_ck_get(r, 8);
	stats.taken = ax_ck_get(r, 8);
	ax_archive_get(r, w->p, &w->archive);
	good = !r->bad && c.n && ax_walk_set(w, aim, &c);
	ax_circuit_copy(&w->best, &best);
	w->best_merit = merit;
	memcpy(w->seen + AX_BLOCK_BITS, seen, sizeof(seen));
	w->next_bad = next_bad;
	w->rng = rng;
	w->stats = stats;
	ax_circuit_free(&c);
	ax_circuit_free(&best);
	return good ? 0 : -1;
}
