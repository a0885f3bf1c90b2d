/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/anneal.h"

#include "artifacts/base/fmath.h"

/* Visits of an island between two looks at it. */
enum { EPOCH = 2000 };

/* What an annealing ended with. */
struct result {
	struct ax_circuit c;
	int64_t cost;
};

/* Annealings of a round, and how long each is. */
struct round {
	unsigned runs;
	uint64_t epochs;
};

struct ax_anneal {
	const struct ax_search *s;
	struct ax_anneal_params par;
	const struct ax_start *start;
	size_t starts;
	struct round *round;

	/* where it is: round, first annealing of those at work, their epoch */
	unsigned at, first;
	uint64_t epoch;
	uint64_t steps, candidates; /* of the annealings that ended */
	struct ax_island **island;  /* NULL beyond the last of the round */
	int64_t *seen;              /* the cost each was last looked at with */
	struct result *from, *to;   /* of the last round, of this one */

	struct ax_circuit best;
	struct ax_anneal_note *history;
	size_t notes, room;
};

double
ax_anneal_heat(double rwce)
{
	if (rwce <= 0)
		return 0.4;
	return AX_MIN(AX_MAX(7.0 * ax_exp(0.6 * ax_log(rwce / 0.2)), 0.4), 8.0);
}

unsigned
ax_anneal_restarts(const struct ax_anneal_params *q, double hot)
{
	/* enough visits for an annealing to get most of the way down */
	double n = (double)q->steps / q->cycles / 100000;

	/* a hotter start takes longer to cool */
	n /= AX_MAX(hot, 1.0);
	return (unsigned)AX_MIN(AX_MAX(n, (double)q->islands), 1024.0);
}

/* Annealings at work. */
static unsigned
live(const struct ax_anneal *a)
{
	if (a->at >= a->par.cycles)
		return 0;
	return AX_MIN(a->par.islands, a->round[a->at].runs - a->first);
}

/* Notes improvements, if there are any. */
static void
look(struct ax_anneal *a)
{
	struct ax_errors e;
	int64_t cost;

	for (unsigned k = 0; k < live(a); k++) {
		struct ax_anneal_note *last =
			a->notes ? &a->history[a->notes - 1] : NULL;
		const struct ax_circuit *c = ax_island_best(a->island[k]);

		cost = ax_island_best_cost(a->island[k]);
		if (cost == a->seen[k])
			continue;
		a->seen[k] = cost;
		if (last && cost > last->cost)
			continue;
		ax_problem_measure(a->s->p, c, &e);
		if (last && cost == last->cost &&
		    e.sum_abs >= last->errors.sum_abs)
			continue;
		AX_GROW(a->history, a->notes, a->room);
		a->history[a->notes++] = (struct ax_anneal_note){
			ax_anneal_steps(a), cost,
			ax_circuit_cost(c, &ax_transistors), c->n, e};
		ax_circuit_copy(&a->best, c);
	}
}

/* Sets the next annealings to work. */
static void
begin(struct ax_anneal *a)
{
	const struct ax_circuit *c;
	unsigned run;

	a->epoch = 0;
	for (unsigned k = 0; k < live(a); k++) {
		run = a->first + k;
		c = a->at ? &a->from[run].c : &a->start[run % a->starts].c;
		a->island[k] = ax_island_new(a->s, c, a->par.seed,
					     (uint64_t)a->at << 32 | run);
		a->seen[k] = INT64_MAX;
	}
}

/* Keeps what the annealings at work found, and lets them go. */
static void
end(struct ax_anneal *a)
{
	for (unsigned k = 0; k < live(a); k++) {
		struct ax_island *i = a->island[k];
		struct result *r = &a->to[a->first + k];

		ax_circuit_copy(&r->c, ax_island_best(i));
		r->cost = ax_island_best_cost(i);
		a->steps += ax_island_stats(i)->steps;
		a->candidates += ax_island_stats(i)->candidates;
		ax_island_free(i);
		a->island[k] = NULL;
	}
}

/* Best first; equal ones keep their order. */
static void
rank(struct result *list, unsigned n)
{
	for (unsigned a = 1; a < n; a++) {
		struct result r = list[a];
		unsigned b = a;

		for (; b > 0 && list[b - 1].cost > r.cost; b--)
			list[b] = list[b - 1];
		list[b] = r;
	}
}

/* After the annealings at work: the next ones, or the next round. */
static void
advance(struct ax_anneal *a)
{
	struct result *swap = a->from;

	end(a);
	a->first += a->par.islands;
	if (a->first >= a->round[a->at].runs) {
		rank(a->to, a->round[a->at].runs);
		a->from = a->to;
		a->to = swap;
		a->first = 0;
		a->at++;
	}
	begin(a);
}

/* The number of annealings goes down to the number of islands by one factor. */
static void
plan(struct ax_anneal *a)
{
	const struct ax_anneal_params *q = &a->par;
	double n = q->restarts, last = AX_MIN(q->islands, q->restarts);

	for (unsigned k = 0; k < q->cycles; k++) {
		struct round *r = &a->round[k];
		double share = q->cycles > 1 ? (double)k / (q->cycles - 1) : 0;

		r->runs =
			(unsigned)(n * ax_exp(share * ax_log(last / n)) + 0.5);
		r->epochs = q->steps / ((uint64_t)EPOCH * q->cycles * r->runs);
		r->epochs = AX_MAX(r->epochs, 1);
	}
}

struct ax_anneal *
ax_anneal_new(const struct ax_search *s, const struct ax_anneal_params *params,
	      const struct ax_start *start, size_t n)
{
	struct ax_anneal *a = ax_calloc(1, sizeof(*a));

	a->s = s;
	a->par = *params;
	a->start = start;
	a->starts = n;
	a->round = ax_calloc(params->cycles, sizeof(*a->round));
	a->island = ax_calloc(params->islands, sizeof(struct ax_island *));
	a->seen = ax_calloc(params->islands, sizeof(*a->seen));
	a->from = ax_calloc(params->restarts, sizeof(*a->from));
	a->to = ax_calloc(params->restarts, sizeof(*a->to));
	plan(a);
	begin(a);
	look(a);
	return a;
}

void
ax_anneal_free(struct ax_anneal *a)
{
	if (!a)
		return;
	for (unsigned k = 0; k < a->par.islands; k++)
		ax_island_free(a->island[k]);
	for (unsigned k = 0; k < a->par.restarts; k++) {
		ax_circuit_free(&a->from[k].c);
		ax_circuit_free(&a->to[k].c);
	}
	free(a->round);
	free(a->island);
	free(a->seen);
	free(a->from);
	free(a->to);
	ax_circuit_free(&a->best);
	free(a->history);
	free(a);
}

/* At an epoch of an annealing of this round. */
static double
temperature(const struct ax_anneal *a, uint64_t epoch)
{
	double hot = a->par.hot, share;

	if (a->at >= a->par.cycles)
		return a->par.cold;
	share = (double)epoch / (double)a->round[a->at].epochs;
	return hot + (a->par.cold - hot) * share;
}

static void
run_island(void *arg, size_t k, unsigned thread)
{
	struct ax_anneal *a = arg;

	(void)thread;
	ax_island_run(a->island[k], EPOCH, temperature(a, a->epoch),
		      temperature(a, a->epoch + 1));
}

bool
ax_anneal_epoch(struct ax_anneal *a, struct ax_pool *pool)
{
	if (!live(a))
		return false;
	ax_pool_for(pool, live(a), run_island, a);
	a->epoch++;
	look(a);
	if (a->epoch == a->round[a->at].epochs)
		advance(a);
	return true;
}

uint64_t
ax_anneal_steps(const struct ax_anneal *a)
{
	return a->steps + a->epoch * EPOCH * live(a);
}

uint64_t
ax_anneal_total(const struct ax_anneal *a)
{
	uint64_t sum = 0;

	for (unsigned k = 0; k < a->par.cycles; k++)
		sum += a->round[k].epochs * a->round[k].runs * EPOCH;
	return sum;
}

double
ax_anneal_temperature(const struct ax_anneal *a)
{
	return temperature(a, a->epoch);
}

uint64_t
ax_anneal_candidates(const struct ax_anneal *a)
{
	uint64_t sum = a->candidates;

	for (unsigned k = 0; k < live(a); k++)
		sum += ax_island_stats(a->island[k])->candidates;
	return sum;
}

const struct ax_circuit *
ax_anneal_best(const struct ax_anneal *a)
{
	return &a->best;
}

const struct ax_anneal_note *
ax_anneal_history(const struct ax_anneal *a, size_t *n)
{
	*n = a->notes;
	return a->history;
}

/* --- checkpoints --------------------------------------------------------- */

void
ax_anneal_save(const struct ax_anneal *a, struct ax_str *out)
{
	unsigned ended = a->at < a->par.cycles ? a->first : 0;

	ax_ck_put(out, a->at, 4);
	ax_ck_put(out, a->first, 4);
	ax_ck_put(out, a->epoch, 8);
	ax_ck_put(out, a->steps, 8);
	ax_ck_put(out, a->candidates, 8);
	for (unsigned k = 0; k < live(a); k++) {
		ax_ck_put(out, (uint64_t)a->seen[k], 8);
		ax_island_save(a->island[k], out);
	}
	if (a->at && a->at < a->par.cycles)
		for (unsigned k = 0; k < a->round[a->at].runs; k++)
			ax_circuit_put(out, &a->from[k].c);
	for (unsigned k = 0; k < ended; k++)
		ax_circuit_put(out, &a->to[k].c);
	ax_circuit_put(out, &a->best);
	ax_ck_put(out, a->notes, 8);
	for (size_t k = 0; k < a->notes; k++) {
		ax_ck_put(out, a->history[k].steps, 8);
		ax_ck_put(out, (uint64_t)a->history[k].cost, 8);
		ax_ck_put(out, (uint64_t)a->history[k].transistors, 8);
		ax_ck_put(out, a->history[k].nodes, 4);
		ax_ck_put_errors(out, &a->history[k].errors);
	}
}

static void
get_result(struct ax_ck_reader *r, const struct ax_anneal *a, struct result *to)
{
	ax_circuit_get(r, a->s->p, &to->c);
	if (!r->bad)
		to->cost = ax_search_cost(a->s, &to->c);
}

static void
get_place(struct ax_ck_reader *r, struct ax_anneal *a)
{
	const struct round *now;

	a->at = (unsigned)ax_ck_get_max(r, 4, a->par.cycles);
	now = a->at < a->par.cycles ? &a->round[a->at] : NULL;
	a->first = (unsigned)ax_ck_get_max(r, 4, now ? now->runs - 1 : 0);
	a->epoch = ax_ck_get_max(r, 8, now ? now->epochs - 1 : 0);
	if (a->first % a->par.islands)
		r->bad = true;
}

/* Islands that fit the place, to be filled from the checkpoint. */
static void
make_islands(struct ax_anneal *a)
{
	for (unsigned k = 0; k < a->par.islands; k++) {
		ax_island_free(a->island[k]);
		a->island[k] = NULL;
	}
	for (unsigned k = 0; k < live(a); k++)
		a->island[k] =
			ax_island_new(a->s, &a->start[0].c, a->par.seed, 0);
}

int
ax_anneal_restore(struct ax_anneal *a, const char *bytes, size_t n)
{
	struct ax_ck_reader r = {(const uint8_t *)bytes,
				 (const uint8_t *)bytes + n, false};
	unsigned ended;
	uint64_t notes;

	get_place(&r, a);
	if (r.bad)
		return -1;
	ended = a->at < a->par.cycles ? a->first : 0;
	a->steps = ax_ck_get(&r, 8);
	a->candidates = ax_ck_get(&r, 8);
	make_islands(a);
	for (unsigned k = 0; k < live(a); k++) {
		a->seen[k] = (int64_t)ax_ck_get(&r, 8);
		if (ax_island_restore(a->island[k], &r) < 0)
			return -1;
	}
	if (a->at && a->at < a->par.cycles)
		for (unsigned k = 0; k < a->round[a->at].runs; k++)
			get_result(&r, a, &a->from[k]);
	for (unsigned k = 0; k < ended; k++)
		get_result(&r, a, &a->to[k]);
	ax_circuit_get(&r, a->s->p, &a->best);
	notes = ax_ck_get_max(&r, 8, 1000000);
	for (a->notes = 0; a->notes < notes && !r.bad;) {
		struct ax_anneal_note note;

		note.steps = ax_ck_get(&r, 8);
		note.cost = (int64_t)ax_ck_get(&r, 8);
		note.transistors = (int64_t)ax_ck_get(&r, 8);
		note.nodes = (unsigned)ax_ck_get(&r, 4);
		ax_ck_get_errors(&r, &note.errors);
		AX_GROW(a->history, a->notes, a->room);
		a->history[a->notes++] = note;
	}
	return r.bad || r.at != r.end ? -1 : 0;
}
