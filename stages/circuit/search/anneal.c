/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/anneal.h"

#include "artifacts/base/fmath.h"

/* Visits of an island between two meetings. */
enum { EPOCH = 2000 };

struct ax_anneal {
	const struct ax_search *s;
	struct ax_anneal_params par;
	struct ax_island **island;
	uint64_t epoch, epochs; /* done, of each cycle */
	struct ax_circuit best;
	struct ax_anneal_note *history;
	size_t notes, room;
};

double
ax_anneal_heat(double rwce)
{
	if (rwce <= 0)
		return 0.4;
	return AX_MIN(AX_MAX(4.0 * ax_exp(0.45 * ax_log(rwce / 0.2)), 0.4),
		      5.0);
}

/* Notes an improvement, if there is one. */
static void
look(struct ax_anneal *a)
{
	struct ax_errors e;
	int64_t cost;

	for (unsigned k = 0; k < a->par.islands; k++) {
		struct ax_anneal_note *last =
			a->notes ? &a->history[a->notes - 1] : NULL;
		const struct ax_circuit *c = ax_island_best(a->island[k]);

		cost = ax_island_best_cost(a->island[k]);
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

struct ax_anneal *
ax_anneal_new(const struct ax_search *s, const struct ax_anneal_params *params,
	      const struct ax_start *start, size_t n)
{
	struct ax_anneal *a = ax_calloc(1, sizeof(*a));

	a->s = s;
	a->par = *params;
	a->epochs = params->steps /
		    ((uint64_t)EPOCH * params->islands * params->cycles);
	a->epochs = AX_MAX(a->epochs, 1);
	a->island = ax_calloc(params->islands, sizeof(struct ax_island *));
	for (unsigned k = 0; k < params->islands; k++)
		a->island[k] =
			ax_island_new(s, &start[k % n].c, params->seed, k);
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
	free(a->island);
	ax_circuit_free(&a->best);
	free(a->history);
	free(a);
}

static double
temperature(const struct ax_anneal *a, uint64_t epoch)
{
	uint64_t cycle = epoch / a->epochs, at = epoch % a->epochs;
	double hot = a->par.hot / (double)(1 + cycle);

	hot = AX_MAX(hot, a->par.cold);
	return hot + (a->par.cold - hot) * ((double)at / (double)a->epochs);
}

static void
run_island(void *arg, size_t k, unsigned thread)
{
	struct ax_anneal *a = arg;
	double from = temperature(a, a->epoch), to;

	(void)thread;
	to = (a->epoch + 1) % a->epochs ? temperature(a, a->epoch + 1)
					: a->par.cold;
	ax_island_run(a->island[k], EPOCH, from, to);
}

/*
 * Between two cycles: the better half goes on from its own best circuits, the
 * other half from copies of these.
 */
static void
meet(struct ax_anneal *a)
{
	unsigned n = a->par.islands, half = (n + 1) / 2;
	unsigned *rank = ax_calloc(n, sizeof(*rank));

	for (unsigned k = 0; k < n; k++) {
		unsigned b = k;

		for (; b > 0 && ax_island_best_cost(a->island[rank[b - 1]]) >
					ax_island_best_cost(a->island[k]);
		     b--)
			rank[b] = rank[b - 1];
		rank[b] = k;
	}
	for (unsigned k = 0; k < n; k++)
		ax_island_set(
			a->island[rank[k]],
			ax_island_best(
				a->island[rank[k < half ? k : k - half]]));
	free(rank);
}

bool
ax_anneal_epoch(struct ax_anneal *a, struct ax_pool *pool)
{
	if (a->epoch >= a->epochs * a->par.cycles)
		return false;
	if (a->epoch && a->epoch % a->epochs == 0)
		meet(a);
	ax_pool_for(pool, a->par.islands, run_island, a);
	a->epoch++;
	look(a);
	return true;
}

uint64_t
ax_anneal_steps(const struct ax_anneal *a)
{
	return a->epoch * EPOCH * a->par.islands;
}

uint64_t
ax_anneal_total(const struct ax_anneal *a)
{
	return a->epochs * a->par.cycles * EPOCH * a->par.islands;
}

double
ax_anneal_temperature(const struct ax_anneal *a)
{
	return temperature(a, a->epoch);
}

uint64_t
ax_anneal_candidates(const struct ax_anneal *a)
{
	uint64_t sum = 0;

	for (unsigned k = 0; k < a->par.islands; k++)
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

void
ax_anneal_save(const struct ax_anneal *a, struct ax_str *out)
{
	ax_ck_put(out, a->epoch, 8);
	for (unsigned k = 0; k < a->par.islands; k++)
		ax_island_save(a->island[k], out);
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

int
ax_anneal_restore(struct ax_anneal *a, const char *bytes, size_t n)
{
	struct ax_ck_reader r = {(const uint8_t *)bytes,
				 (const uint8_t *)bytes + n, false};
	uint64_t notes;

	a->epoch = ax_ck_get_max(&r, 8, a->epochs * a->par.cycles);
	for (unsigned k = 0; k < a->par.islands; k++)
		if (ax_island_restore(a->island[k], &r) < 0)
			return -1;
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
