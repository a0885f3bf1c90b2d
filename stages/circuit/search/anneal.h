/* SPDX-License-Identifier: Apache-2.0 */
/*
 * axpipe's own search: a race of simulated annealings. The first round anneals
 * many times, from all starts in turn; each later round goes on with the best
 * circuits of the one before, fewer of them and for longer, so that all rounds
 * cost the same ("successive halving"). What an annealing does depends on the
 * seed and its number alone, and the budget is counted in visits, so the result
 * does not depend on how many threads run them or how fast.
 */
#ifndef AX_SEARCH_ANNEAL_H
#define AX_SEARCH_ANNEAL_H

#include "stages/circuit/search/families.h"

struct ax_anneal_params {
	uint64_t seed;
	uint64_t steps;    /* visits of all annealings together */
	unsigned restarts; /* 1..4096: annealings of the first round */
	unsigned islands;  /* 1..256: side by side, and in the last round */
	unsigned cycles;   /* 1..64: rounds */
	double hot, cold;  /* temperature at both ends of an annealing */
};

/* Temperature (in transistors) that suits a relative bound: measured best
 * values grow with about its 0.6th power. */
double ax_anneal_heat(double rwce);

/* Restarts that suit the other parameters, and a temperature `hot` in
 * transistors. */
unsigned ax_anneal_restarts(const struct ax_anneal_params *q, double hot);

struct ax_anneal_note {
	uint64_t steps;
	int64_t cost, transistors;
	unsigned nodes;
	struct ax_errors errors;
};

struct ax_anneal;

/* Annealing k of the first round begins at start k mod n. Borrows `s` and
 * `start`. */
struct ax_anneal *ax_anneal_new(const struct ax_search *s,
				const struct ax_anneal_params *params,
				const struct ax_start *start, size_t n);
void ax_anneal_free(struct ax_anneal *a);
/* Runs the islands for one epoch; false when the budget was already used up. */
bool ax_anneal_epoch(struct ax_anneal *a, struct ax_pool *pool);
uint64_t ax_anneal_steps(const struct ax_anneal *a);
uint64_t ax_anneal_total(const struct ax_anneal *a);
double ax_anneal_temperature(const struct ax_anneal *a);
/* Candidate functions looked at. */
uint64_t ax_anneal_candidates(const struct ax_anneal *a);
/* The best so far; borrowed. Among equals the one with least error sum. */
const struct ax_circuit *ax_anneal_best(const struct ax_anneal *a);
const struct ax_anneal_note *ax_anneal_history(const struct ax_anneal *a,
					       size_t *n);
void ax_anneal_save(const struct ax_anneal *a, struct ax_str *out);
int ax_anneal_restore(struct ax_anneal *a, const char *bytes, size_t n);

#endif
