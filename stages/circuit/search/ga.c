/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "stages/circuit/search/ga.h"

struct member {
	struct ax_circuit c;
	int64_t cost;
	uint32_t wce;
	bool no_twins;
};

/* A member that must be measured, and how. */
struct job {
	unsigned member;
	int parent; /* whose signals it may use; -1: none */
	struct ax_kop *op;
	unsigned n, cap;
	uint32_t out[AX_CIRCUIT_OUTS]; /* rows of the outputs */
};

struct worker {
	uint64_t *rows;
	size_t room;
	uint32_t *wce; /* by job */
};

struct ax_ga {
	const struct ax_problem *p;
	struct ax_ga_params par;
	double cumulative[AX_MUTATIONS];
	struct ax_mt mt;
	uint64_t generation;
	unsigned mu;
	struct member *pop, *next;
	double *fitness;
	int *idx;
	uint16_t *from;
	struct ax_circuit best;
	struct ax_ga_best *history;
	size_t improvements, room;
	/* measuring */
	struct job *job;
	unsigned jobs;
	struct ax_kop **parent_op; /* by member of the old population */
	struct worker *worker;
	unsigned workers;
	unsigned scratch; /* first row behind the largest parent */
};

/* --- measuring ----------------------------------------------------------- */

static const struct member *
parent_of(const struct ax_ga *ga, const struct job *j)
{
	/* while children are measured, `next` is the population they form */
	return j->parent < 0 ? NULL : &ga->pop[j->parent];
}

static void
measure_block(void *arg, size_t block, unsigned thread)
{
	struct ax_ga *ga = arg;
	struct worker *w = &ga->worker[thread];
	const struct ax_problem *p = ga->p;
	const uint64_t *out[AX_CIRCUIT_OUTS], *exact;
	int parent = -1;

	memcpy(w->rows, ax_problem_inputs(p, block),
	       p->ins * AX_BLOCK_WORDS * sizeof(*w->rows));
	exact = p->exact + block * (p->outs + 2) * AX_BLOCK_WORDS;
	for (unsigned i = 0; i < ga->jobs; i++) {
		const struct job *j = &ga->job[i];
		const struct member *m = parent_of(ga, j);

		if (j->parent != parent) {
			parent = j->parent;
			p->kern->run(w->rows, AX_BLOCK_WORDS,
				     ga->parent_op[parent], m->c.n);
		}
		p->kern->run(w->rows, AX_BLOCK_WORDS, j->op, j->n);
		for (unsigned o = 0; o < p->outs; o++)
			out[o] = w->rows + (size_t)j->out[o] * AX_BLOCK_WORDS;
		w->wce[i] = p->kern->worst(out, exact, p->outs, p->extend,
					   w->wce[i]);
	}
}

/* Fills in wce of every member of `members` that has a job. */
static void
measure(struct ax_ga *ga, struct member *members, struct ax_pool *pool)
{
	unsigned threads = ax_pool_threads(pool);
	unsigned longest = 0;
	size_t rows;

	if (ga->workers < threads) {
		ga->worker =
			ax_realloc(ga->worker, threads, sizeof(*ga->worker));
		for (unsigned t = ga->workers; t < threads; t++)
			ga->worker[t] = (struct worker){0};
		ga->workers = threads;
	}
	for (unsigned i = 0; i < ga->jobs; i++)
		longest = AX_MAX(longest, ga->job[i].n);
	rows = ga->scratch + longest;
	for (unsigned t = 0; t < threads; t++) {
		struct worker *w = &ga->worker[t];

		if (w->room < rows) {
			free(w->rows);
			w->room = rows + rows / 4;
			w->rows = ax_aligned(w->room * AX_BLOCK_WORDS,
					     sizeof(*w->rows));
		}
		if (!w->wce)
			w->wce = ax_calloc(ga->par.population, sizeof(*w->wce));
		memset(w->wce, 0, ga->jobs * sizeof(*w->wce));
	}
	ax_pool_for(pool, ga->p->blocks, measure_block, ga);
	for (unsigned i = 0; i < ga->jobs; i++) {
		uint32_t wce = 0;

		for (unsigned t = 0; t < threads; t++)
			wce = AX_MAX(wce, ga->worker[t].wce[i]);
		members[ga->job[i].member].wce = wce;
	}
	ga->jobs = 0;
}

/* Adds the steps that compute what is not as in the parent; returns false when
 * every output is a signal that the parent's same output has too. */
static bool
plan(struct ax_ga *ga, struct job *j, const struct ax_circuit *c,
     const struct ax_circuit *parent, const uint16_t *from)
{
	static _Thread_local uint32_t row[AX_CIRCUIT_INS + AX_CIRCUIT_NODES];
	bool differs = false;

	if (j->cap < c->n) {
		j->cap = c->n + c->n / 4;
		j->op = ax_realloc(j->op, j->cap, sizeof(*j->op));
	}
	j->n = 0;
	for (unsigned i = 0; i < c->ins; i++)
		row[i] = i;
	for (unsigned k = 0; k < c->n; k++) {
		uint32_t a = row[c->in[k][0]], b = row[c->in[k][1]];

		if (parent && from[k] != AX_NOT_FROM && a < ga->scratch &&
		    b < ga->scratch) {
			row[c->ins + k] = c->ins + from[k];
			continue;
		}
		row[c->ins + k] = ga->scratch + j->n;
		j->op[j->n] =
			(struct ax_kop){a, b, ga->scratch + j->n, c->gate[k]};
		j->n++;
	}
	for (unsigned o = 0; o < c->outs; o++) {
		j->out[o] = row[c->out[o]];
		differs = differs || !parent || j->out[o] != parent->out[o];
	}
	return differs;
}

static void
parent_steps(struct ax_ga *ga, unsigned m)
{
	const struct ax_circuit *c = &ga->pop[m].c;
	struct ax_kop *op;

	if (ga->parent_op[m])
		return;
	op = ax_calloc(c->n + 1, sizeof(*op));
	for (unsigned k = 0; k < c->n; k++)
		op[k] = (struct ax_kop){c->in[k][0], c->in[k][1], c->ins + k,
					c->gate[k]};
	ga->parent_op[m] = op;
}

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
fitness(const struct ax_ga *ga, const struct member *m, double eps)
{
	double wce = wce_fraction(ga, m->wce);

	return wce <= eps ? (double)m->cost
			  : (double)m->cost + 1e6 * (wce - eps);
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
	ga->job = ax_calloc(n, sizeof(*ga->job));
	ga->parent_op = ax_calloc(n, sizeof(struct ax_kop *));
	/* a random walk: each member is a mutant of the one before it */
	ax_circuit_copy(&ga->pop[0].c, seed);
	ax_circuit_prune(&ga->pop[0].c, NULL);
	for (unsigned i = 0; i < n; i++) {
		struct member *m = &ga->pop[i];

		if (i)
			ax_mutate(&ga->mt, ga->cumulative, &m[-1].c, &m->c,
				  ga->from, &m[-1].no_twins);
		m->cost = ax_circuit_cost(&m->c, &ax_transistors);
	}
	ga->scratch = p->ins;
	for (unsigned i = 0; i < n; i++) {
		struct job *j = &ga->job[ga->jobs++];

		j->member = i;
		j->parent = -1;
		plan(ga, j, &ga->pop[i].c, NULL, NULL);
	}
	measure(ga, ga->pop, pool);
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
		free(ga->job[i].op);
		free(ga->parent_op[i]);
	}
	for (unsigned t = 0; t < ga->workers; t++) {
		free(ga->worker[t].rows);
		free(ga->worker[t].wce);
	}
	free(ga->pop);
	free(ga->next);
	free(ga->fitness);
	free(ga->idx);
	free(ga->from);
	free(ga->job);
	free(ga->parent_op);
	free(ga->worker);
	free(ga->history);
	ax_circuit_free(&ga->best);
	free(ga);
}

static void
judge(struct ax_ga *ga, double eps)
{
	unsigned n = ga->par.population, first = 0;
	struct ax_ga_best *b;

	for (unsigned i = 0; i < n; i++) {
		ga->fitness[i] = fitness(ga, &ga->pop[i], eps);
		ga->idx[i] = (int)i;
		if (ga->fitness[i] < ga->fitness[first])
			first = i;
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

void
ax_ga_step(struct ax_ga *ga, struct ax_pool *pool)
{
	unsigned n = ga->par.population, mu = ga->mu;
	struct member *swap;
	struct job *j;

	ga->generation++;
	judge(ga, ax_ga_eps(ga, ga->generation));
	ax_std_nth_element(ga->idx, mu, n, ga->fitness);
	ax_std_sort(ga->idx, mu, ga->fitness);
	ga->scratch = 0;
	for (unsigned i = 0; i < mu; i++) {
		struct member *m = &ga->pop[ga->idx[i]], *to = &ga->next[i];

		ax_circuit_copy(&to->c, &m->c);
		to->cost = m->cost;
		to->wce = m->wce;
		to->no_twins = m->no_twins;
		ga->scratch = AX_MAX(ga->scratch, m->c.ins + m->c.n);
	}
	for (unsigned i = mu; i < n; i++) {
		int p = ga->idx[ax_mt_int(&ga->mt, 0, (int)mu - 1)];
		struct member *m = &ga->pop[p], *to = &ga->next[i];
		int op = ax_mutate(&ga->mt, ga->cumulative, &m->c, &to->c,
				   ga->from, &m->no_twins);

		to->wce = m->wce;
		to->cost = m->cost;
		to->no_twins = m->no_twins;
		if (op < 0)
			continue;
		to->no_twins = false;
		to->cost = ax_circuit_cost(&to->c, &ax_transistors);
		/* merging equal nodes leaves every signal as it was */
		if (op == AX_MUT_MERGE)
			continue;
		j = &ga->job[ga->jobs];
		j->member = i;
		j->parent = p;
		if (plan(ga, j, &to->c, &m->c, ga->from)) {
			parent_steps(ga, (unsigned)p);
			ga->jobs++;
		}
	}
	/* neighbours share their parent, so that its signals are computed once
	 * a block; a stable insertion sort */
	for (unsigned a = 0; a < ga->jobs; a++) {
		unsigned b = a;
		struct job t = ga->job[a];

		for (; b > 0 && ga->job[b - 1].parent > t.parent; b--)
			ga->job[b] = ga->job[b - 1];
		ga->job[b] = t;
	}
	if (ga->jobs)
		measure(ga, ga->next, pool);
	for (unsigned i = 0; i < n; i++) {
		free(ga->parent_op[i]);
		ga->parent_op[i] = NULL;
	}
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
		const struct member *m = &ga->pop[i];

		ax_circuit_put(out, &m->c);
		ax_ck_put(out, (uint64_t)m->cost, 8);
		ax_ck_put(out, m->wce, 4);
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
	for (unsigned i = 0; i < ga->par.population && !r.bad; i++) {
		struct member *m = &ga->pop[i];

		ax_circuit_get(&r, ga->p, &m->c);
		m->cost = (int64_t)ax_ck_get(&r, 8);
		m->wce = (uint32_t)ax_ck_get(&r, 4);
		m->no_twins = ax_ck_get(&r, 1) != 0;
	}
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
