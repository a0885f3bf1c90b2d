/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "stages/circuit/search/ga.h"
#include "stages/circuit/search/ga_measure.h"

struct ax_ga {
	const struct ax_problem *p;
	struct ax_ga_params par;
	double cumulative[AX_MUTATIONS];
	struct ax_mt mt;
	uint64_t generation;
	unsigned mu;
	struct ax_member *pop, *next;
	double eps;      /* at which the population is judged */
	double *fitness; /* of a member that is not exact, a lower limit */
	int *idx;
	uint16_t *from;
	struct ax_circuit best;
	struct ax_ga_best *history;
	size_t improvements, room;
	struct ax_measure *measure;
	struct ax_pool *pool; /* during a step */
};

/* --- the loop ------------------------------------------------------------ */

static double
wce_fraction(const struct ax_ga *ga, uint32_t wce)
{
	return (double)wce / (double)ga->p->max_abs;
}

double
ax_ga_eps(const struct ax_ga *ga, uint64_t generation)
{
	const struct ax_ga_params *q = &ga->par;

	/*
	 * The published program calls exp too. eps decides only through wce <=
	 * eps and, for infeasible members, through 1e6 (wce - eps) in fitness
	 * comparisons among themselves and with feasible ones; a difference in
	 * the last place of exp between C libraries is 1e-16 against steps of
	 * 6e-5 between two values of wce.
	 */
	return q->eps_end + (q->eps_start - q->eps_end) *
				    exp(-(double)generation / q->eps_tau);
}

static double
fitness_of(const struct ax_ga *ga, int64_t cost, uint32_t wce)
{
	double x = wce_fraction(ga, wce);

	return x <= ga->eps ? (double)cost : (double)cost + 1e6 * (x - ga->eps);
}

/* The smallest error of a circuit of that cost that is worse than `than`;
 * fitness grows with the error. */
static uint32_t
worse_than(const struct ax_ga *ga, int64_t cost, double than)
{
	uint32_t lo = 0, hi = UINT32_MAX;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (fitness_of(ga, cost, mid) > than)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static void
refit(struct ax_ga *ga)
{
	for (unsigned i = 0; i < ga->par.population; i++)
		ga->fitness[i] =
			fitness_of(ga, ga->pop[i].cost, ga->pop[i].wce);
}

/* Measures members that are not exact until they are, or worse than `than`. */
static void
sharpen(struct ax_ga *ga, double than)
{
	for (unsigned i = 0; i < ga->par.population; i++) {
		struct ax_member *m = &ga->pop[i];

		if (m->known != AX_WCE_EXACT)
			ax_measure_ask(ga->measure, m,
				       worse_than(ga, m->cost, than));
	}
	ax_measure_run(ga->measure, ga->pool);
	refit(ga);
}

/*
 * fitness[a] < fitness[b], measuring as much as it takes. One that is not exact
 * is known to be at least as large as its limit.
 */
static bool
fitter(void *arg, int a, int b)
{
	struct ax_ga *ga = arg;
	const struct ax_member *m = &ga->pop[a], *n = &ga->pop[b];

	if (a == b)
		return false;
	if (m->known != AX_WCE_EXACT && n->known != AX_WCE_EXACT) {
		ax_measure_ask(ga->measure, &ga->pop[b], UINT32_MAX);
		ax_measure_run(ga->measure, ga->pool);
		refit(ga);
	}
	if (m->known != AX_WCE_EXACT && ga->fitness[a] <= ga->fitness[b])
		sharpen(ga, ga->fitness[b]);
	else if (n->known != AX_WCE_EXACT && ga->fitness[b] <= ga->fitness[a])
		sharpen(ga, ga->fitness[a]);
	return ga->fitness[a] < ga->fitness[b];
}

/* The least error that breaks the bound of generation g. */
static void
measure(struct ax_ga *ga, uint64_t g)
{
	ga->eps = ax_ga_eps(ga, g);
	ax_measure_all(ga->measure, worse_than(ga, 0, 0), ga->pool);
}

struct ax_ga *
ax_ga_new(const struct ax_problem *p, const struct ax_ga_params *params,
	  const struct ax_circuit *seed, struct ax_pool *pool)
{
	struct ax_ga *ga = ax_calloc(1, sizeof(*ga));
	unsigned n = params->population;

	ga->p = p;
	ga->par = *params;
	ax_mutate_weights(ga->cumulative, params->weights);
	ax_mt_seed(&ga->mt, params->seed);
	ga->mu = (unsigned)ceil(params->top_ratio * (double)n);
	ga->mu = ga->mu < 1 ? 1 : ga->mu > n ? n : ga->mu;
	ga->pop = ax_calloc(n, sizeof(*ga->pop));
	ga->next = ax_calloc(n, sizeof(*ga->next));
	ga->fitness = ax_calloc(n, sizeof(*ga->fitness));
	ga->idx = ax_calloc(n, sizeof(*ga->idx));
	ga->from = ax_calloc(AX_CIRCUIT_NODES + 1, sizeof(*ga->from));
	ga->measure = ax_measure_new(p, n);
	ga->pool = pool;
	/* a random walk: each member is a mutant of the one before it */
	ax_circuit_copy(&ga->pop[0].c, seed);
	ax_circuit_prune(&ga->pop[0].c, NULL);
	ax_measure_begin(ga->measure, 0);
	for (unsigned i = 0; i < n; i++) {
		struct ax_member *m = &ga->pop[i];

		if (i)
			ax_mutate(&ga->mt, ga->cumulative, &m[-1].c, &m->c,
				  ga->from, &m[-1].no_twins);
		m->cost = ax_circuit_cost(&m->c, &ax_transistors);
		m->like = -1;
		ax_measure_add(ga->measure, m, NULL, NULL);
	}
	measure(ga, 1);
	return ga;
}

void
ax_ga_free(struct ax_ga *ga)
{
	if (!ga)
		return;
	for (unsigned i = 0; i < ga->par.population; i++) {
		ax_circuit_free(&ga->pop[i].c);
		ax_circuit_free(&ga->next[i].c);
		free(ga->pop[i].block);
		free(ga->next[i].block);
	}
	ax_measure_free(ga->measure);
	free(ga->pop);
	free(ga->next);
	free(ga->fitness);
	free(ga->idx);
	free(ga->from);
	free(ga->history);
	ax_circuit_free(&ga->best);
	free(ga);
}

static void
judge(struct ax_ga *ga)
{
	unsigned n = ga->par.population, first = 0;
	struct ax_ga_best *b;

	ga->eps = ax_ga_eps(ga, ga->generation);
	refit(ga);
	for (unsigned i = 0; i < n; i++) {
		ga->idx[i] = (int)i;
		if (fitter(ga, (int)i, (int)first))
			first = i;
	}
	if (ga->pop[first].known != AX_WCE_EXACT) {
		ax_measure_ask(ga->measure, &ga->pop[first], UINT32_MAX);
		ax_measure_run(ga->measure, ga->pool);
		refit(ga);
	}
	if (ga->improvements &&
	    !(ga->fitness[first] < ga->history[ga->improvements - 1].fitness))
		return;
	AX_GROW(ga->history, ga->improvements, ga->room);
	b = &ga->history[ga->improvements++];
	b->since = ga->generation;
	b->fitness = ga->fitness[first];
	b->cost = ga->pop[first].cost;
	b->nodes = ga->pop[first].c.n;
	ax_circuit_copy(&ga->best, &ga->pop[first].c);
	ax_problem_measure(ga->p, &ga->best, &b->errors);
}

/* The members that stay; returns the nodes of the largest. */
static unsigned
keep(struct ax_ga *ga)
{
	size_t bytes = ga->p->blocks * sizeof(uint32_t);
	unsigned nodes = 0;

	for (unsigned i = 0; i < ga->mu; i++) {
		struct ax_member *m = &ga->pop[ga->idx[i]], *to = &ga->next[i];

		ax_circuit_copy(&to->c, &m->c);
		to->cost = m->cost;
		to->no_twins = m->no_twins;
		nodes = AX_MAX(nodes, m->c.n);
		if (m->like >= 0) {
			if (!to->block)
				to->block = ax_malloc(bytes);
			memcpy(to->block, ga->pop[m->like].block, bytes);
			to->wce = m->wce;
			to->known = AX_WCE_EXACT;
		} else {
			ax_measure_blocks(ga->measure, to, ga->pool);
		}
		to->like = (int)i;
		to->job = -1;
	}
	return nodes;
}

void
ax_ga_step(struct ax_ga *ga, struct ax_pool *pool)
{
	unsigned n = ga->par.population, mu = ga->mu;
	struct ax_member *swap;

	ga->pool = pool;
	ga->generation++;
	judge(ga);
	ax_std_nth_element(ga->idx, mu, n, fitter, ga);
	ax_std_sort(ga->idx, mu, fitter, ga);
	ax_measure_begin(ga->measure, keep(ga));
	for (unsigned i = mu; i < n; i++) {
		int p = ax_mt_int(&ga->mt, 0, (int)mu - 1);
		struct ax_member *m = &ga->next[p], *to = &ga->next[i];
		int op = ax_mutate(&ga->mt, ga->cumulative, &m->c, &to->c,
				   ga->from, &m->no_twins);

		to->wce = m->wce;
		to->known = AX_WCE_EXACT;
		to->cost = m->cost;
		to->no_twins = m->no_twins;
		to->like = p;
		to->job = -1;
		if (op < 0)
			continue;
		to->no_twins = false;
		to->cost = ax_circuit_cost(&to->c, &ax_transistors);
		/* merging equal nodes leaves every signal as it was */
		if (op != AX_MUT_MERGE &&
		    ax_measure_add(ga->measure, to, m, ga->from))
			to->like = -1;
	}
	measure(ga, ga->generation + 1);
	swap = ga->pop;
	ga->pop = ga->next;
	ga->next = swap;
}

/* --- looking at it ------------------------------------------------------- */

uint64_t
ax_ga_generation(const struct ax_ga *ga)
{
	return ga->generation;
}

uint64_t
ax_ga_draws(const struct ax_ga *ga)
{
	return ga->mt.draws;
}

uint64_t
ax_ga_evaluations(const struct ax_ga *ga)
{
	return ga->generation * ga->par.population;
}

const struct ax_ga_best *
ax_ga_best(const struct ax_ga *ga)
{
	return ga->improvements ? &ga->history[ga->improvements - 1] : NULL;
}

const struct ax_circuit *
ax_ga_circuit(const struct ax_ga *ga)
{
	return &ga->best;
}

const struct ax_ga_best *
ax_ga_history(const struct ax_ga *ga, size_t *n)
{
	*n = ga->improvements;
	return ga->history;
}

void
ax_ga_log(const struct ax_ga *ga, uint64_t last, struct ax_str *out)
{
	size_t at = 0;

	ax_str_add(out, "# gen eps_th best_fit nodes NMED ER WCE MRE sMAPE\n");
	for (uint64_t g = 1; g <= last && ga->improvements; g++) {
		const struct ax_ga_best *b;

		while (at + 1 < ga->improvements &&
		       ga->history[at + 1].since <= g)
			at++;
		b = &ga->history[at];
		ax_str_addf(out, "%" PRIu64 " %g %g %u %g %g %g %g %g\n", g,
			    ax_ga_eps(ga, g), b->fitness, b->nodes,
			    b->errors.nmed, b->errors.er, b->errors.rwce,
			    b->errors.mre, b->errors.smape);
	}
}

/* --- checkpoints --------------------------------------------------------- */

void
ax_ga_save(const struct ax_ga *ga, struct ax_str *out)
{
	ax_ck_put(out, ga->generation, 8);
	for (int i = 0; i < 624; i++)
		ax_ck_put(out, ga->mt.state[i], 4);
	ax_ck_put(out, ga->mt.next, 4);
	ax_ck_put(out, ga->mt.draws, 8);
	for (unsigned i = 0; i < ga->par.population; i++) {
		const struct ax_member *m = &ga->pop[i];

		ax_circuit_put(out, &m->c);
		ax_ck_put(out, (uint64_t)m->cost, 8);
		ax_ck_put(out, m->no_twins, 1);
	}
	ax_circuit_put(out, &ga->best);
	ax_ck_put(out, ga->improvements, 8);
	for (size_t i = 0; i < ga->improvements; i++) {
		const struct ax_ga_best *b = &ga->history[i];

		ax_ck_put(out, b->since, 8);
		ax_ck_put_double(out, b->fitness);
		ax_ck_put(out, (uint64_t)b->cost, 8);
		ax_ck_put(out, b->nodes, 4);
		ax_ck_put_errors(out, &b->errors);
	}
}

int
ax_ga_restore(struct ax_ga *ga, const char *bytes, size_t n)
{
	struct ax_ck_reader r = {(const uint8_t *)bytes,
				 (const uint8_t *)bytes + n, false};
	uint64_t count;

	ga->generation = ax_ck_get(&r, 8);
	for (int i = 0; i < 624; i++)
		ga->mt.state[i] = (uint32_t)ax_ck_get(&r, 4);
	ga->mt.next = (uint32_t)ax_ck_get_max(&r, 4, 624);
	ga->mt.draws = ax_ck_get(&r, 8);
	/* errors are not kept: they are measured again */
	ax_measure_begin(ga->measure, 0);
	for (unsigned i = 0; i < ga->par.population && !r.bad; i++) {
		struct ax_member *m = &ga->pop[i];

		ax_circuit_get(&r, ga->p, &m->c);
		m->cost = (int64_t)ax_ck_get(&r, 8);
		m->no_twins = ax_ck_get(&r, 1) != 0;
		m->like = -1;
		if (!r.bad)
			ax_measure_add(ga->measure, m, NULL, NULL);
	}
	if (!r.bad)
		measure(ga, ga->generation + 1);
	ga->best.ins = ga->p->ins;
	ga->best.outs = ga->p->outs;
	ax_circuit_get(&r, ga->p, &ga->best);
	count = ax_ck_get_max(&r, 8, 10000000);
	ga->improvements = 0;
	while (ga->improvements < count && !r.bad) {
		struct ax_ga_best b;

		b.since = ax_ck_get(&r, 8);
		b.fitness = ax_ck_get_double(&r);
		b.cost = (int64_t)ax_ck_get(&r, 8);
		b.nodes = (unsigned)ax_ck_get(&r, 4);
		ax_ck_get_errors(&r, &b.errors);
		AX_GROW(ga->history, ga->improvements, ga->room);
		ga->history[ga->improvements++] = b;
	}
	return r.bad || r.at != r.end ? -1 : 0;
}
