/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The published genetic algorithm (CircuitsDNA): elitist, mutation only,
 * one stream of random numbers. Its random draws are sequential and cheap;
 * evaluating children is not, and is spread over blocks of patterns: all
 * children of a generation are made first, then measured together.
 */
#ifndef AX_SEARCH_GA_H
#define AX_SEARCH_GA_H

#include "artifacts/base/base.h"
#include "stages/circuit/search/ckpt.h"
#include "stages/circuit/search/mutate.h"
#include "stages/circuit/search/problem.h"

struct ax_ga_params {
	uint32_t seed;
	unsigned population; /* 2..10000 */
	double top_ratio;
	double eps_start, eps_end, eps_tau;
	double weights[AX_MUTATIONS];
};

/* The best so far, since generation `since`. */
struct ax_ga_best {
	uint64_t since;
	double fitness;
	int64_t cost;
	unsigned nodes;
	struct ax_errors errors;
};

struct ax_ga;

/* Makes and measures the initial population. `seed` is pruned first; borrows
 * the problem. */
struct ax_ga *ax_ga_new(const struct ax_problem *p,
			const struct ax_ga_params *params,
			const struct ax_circuit *seed, struct ax_pool *pool);
void ax_ga_free(struct ax_ga *ga);
/* One generation: judges the population, then makes and measures the next. */
void ax_ga_step(struct ax_ga *ga, struct ax_pool *pool);
uint64_t ax_ga_generation(const struct ax_ga *ga);
uint64_t ax_ga_draws(const struct ax_ga *ga);
/* Candidates judged so far, copies of their parents included. */
uint64_t ax_ga_evaluations(const struct ax_ga *ga);
double ax_ga_eps(const struct ax_ga *ga, uint64_t generation);
/* After the first generation; borrowed. */
const struct ax_ga_best *ax_ga_best(const struct ax_ga *ga);
const struct ax_circuit *ax_ga_circuit(const struct ax_ga *ga);
/* Each improvement, in order. Borrowed. */
const struct ax_ga_best *ax_ga_history(const struct ax_ga *ga, size_t *n);
/* The published log: a header, then one line a generation from 1 to `last`. */
void ax_ga_log(const struct ax_ga *ga, uint64_t last, struct ax_str *out);
void ax_ga_save(const struct ax_ga *ga, struct ax_str *out);
/* Puts a new one (same arguments) where ax_ga_save left; -1 if not a state. */
int ax_ga_restore(struct ax_ga *ga, const char *bytes, size_t n);

#endif
