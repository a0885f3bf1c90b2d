/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/tour.h"

/* Visits of a walk between two meetings. */
enum { EPOCH = 500 };

struct ax_tour {
	struct ax_tour_params par;
	struct ax_walk_aim aim;
	struct ax_walk **walk;
	uint64_t epoch, epochs; /* done, of each cycle */
};

struct ax_tour *
ax_tour_new(const struct ax_search *s, const struct ax_error *g,
	    const struct ax_cost *cost, const struct ax_walk_aim *aim,
	    const struct ax_tour_params *params,
	    const struct ax_circuit *const *start, size_t n)
{
	struct ax_tour *t = ax_calloc(1, sizeof(*t));

	t->par = *params;
	t->aim = *aim;
	t->epochs = params->steps /
		    ((uint64_t)EPOCH * params->walks * params->cycles);
	t->epochs = AX_MAX(t->epochs, 1);
	t->walk = ax_calloc(params->walks, sizeof(struct ax_walk *));
	for (unsigned k = 0; k < params->walks; k++) {
		t->walk[k] = ax_walk_new(s, g, cost, params->seed,
					 params->index * 256 + k);
		if (n)
			ax_walk_set(t->walk[k], aim, start[k % n]);
	}
	return t;
}

void
ax_tour_free(struct ax_tour *t)
{
	if (!t)
		return;
	for (unsigned k = 0; k < t->par.walks; k++)
		ax_walk_free(t->walk[k]);
	free(t->walk);
	free(t);
}

double
ax_tour_heat(double part)
{
	return 0.7 + 3.3 * AX_MAX(0.0, 1 - part);
}

static double
temperature(const struct ax_tour *t, uint64_t epoch)
{
	uint64_t cycle = epoch / t->epochs, at = epoch % t->epochs;
	double hot = AX_MAX(t->par.hot / (double)(1 + cycle), t->par.cold);

	return hot + (t->par.cold - hot) * ((double)at / (double)t->epochs);
}

static void
run_walk(void *arg, size_t k, unsigned thread)
{
	struct ax_tour *t = arg;
	double from = temperature(t, t->epoch), to = t->par.cold;

	(void)thread;
	if ((t->epoch + 1) % t->epochs)
		to = temperature(t, t->epoch + 1);
	ax_walk_run(t->walk[k], EPOCH, from, to);
}

/* Between two cycles: the better half goes on from its best circuits, the other
 * half from copies of these. */
static void
meet(struct ax_tour *t)
{
	unsigned n = t->par.walks, half = (n + 1) / 2, b;
	unsigned *rank = ax_calloc(n, sizeof(*rank));
	struct ax_circuit *best = ax_calloc(n, sizeof(*best));

	for (unsigned k = 0; k < n; k++) {
		for (b = k; b > 0 && ax_walk_best_merit(t->walk[rank[b - 1]]) >
					     ax_walk_best_merit(t->walk[k]);
		     b--)
			rank[b] = rank[b - 1];
		rank[b] = k;
	}
	for (unsigned k = 0; k < n; k++)
		ax_circuit_copy(
			&best[k],
			ax_walk_best(t->walk[rank[k < half ? k : k - half]]));
	for (unsigned k = 0; k < n; k++) {
		ax_walk_set(t->walk[rank[k]], &t->aim, &best[k]);
		ax_circuit_free(&best[k]);
	}
	free(rank);
	free(best);
}

bool
ax_tour_epoch(struct ax_tour *t, struct ax_pool *pool,
	      struct ax_archive *archive)
{
	if (t->epoch >= t->epochs * t->par.cycles)
		return false;
	if (t->epoch && t->epoch % t->epochs == 0)
		meet(t);
	ax_pool_for(pool, t->par.walks, run_walk, t);
	for (unsigned k = 0; k < t->par.walks; k++) {
		ax_archive_merge(archive, ax_walk_archive(t->walk[k]));
		ax_archive_free(ax_walk_archive(t->walk[k]));
	}
	t->epoch++;
	return true;
}

uint64_t
ax_tour_steps(const struct ax_tour *t)
{
	return t->epoch * EPOCH * t->par.walks;
}

uint64_t
ax_tour_total(const struct ax_tour *t)
{
	return t->epochs * t->par.cycles * EPOCH * t->par.walks;
}

uint64_t
ax_tour_candidates(const struct ax_tour *t)
{
	uint64_t sum = 0;

	for (unsigned k = 0; k < t->par.walks; k++)
		sum += ax_walk_stats(t->walk[k])->candidates;
	return sum;
}

void
ax_tour_save(const struct ax_tour *t, struct ax_str *out)
{
	ax_ck_put(out, t->epoch, 8);
	for (unsigned k = 0; k < t->par.walks; k++)
		ax_walk_save(t->walk[k], out);
}

int
ax_tour_restore(struct ax_tour *t, struct ax_ck_reader *r)
{
	t->epoch = ax_ck_get_max(r, 8, t->epochs * t->par.cycles);
	for (unsigned k = 0; k < t->par.walks; k++)
		if (r->bad || ax_walk_restore(t->walk[k], &t->aim, r) < 0)
			return -1;
	return r->bad ? -1 : 0;
}
