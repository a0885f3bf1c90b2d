/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several walks side by side towards one aim, in cycles of annealing, as
 * anneal.h has it for islands: what each does depends on the seed and its
 * number alone, and they meet at fixed epochs.
 */
#ifndef AX_SEARCH_TOUR_H
#define AX_SEARCH_TOUR_H

#include "stages/circuit/search/walk.h"

struct ax_tour_params {
	uint64_t seed;
	uint64_t index;   /* of the tour; its walks have streams of their own */
	uint64_t steps;   /* visits of all walks together */
	unsigned walks;   /* 1..256 */
	unsigned cycles;  /* 1..64 */
	double hot, cold; /* temperature at both ends of a cycle */
};

struct ax_tour;

/* A temperature to begin with, in transistors, for a start that costs `part` of
 * the cheapest exact circuit: the more is gone, the hotter. Found by trying. */
double ax_tour_heat(double part);

/* The walks start from start[0], start[1], ... in turn; each must be feasible.
 * Borrows all but the starts. */
struct ax_tour *ax_tour_new(const struct ax_search *s, const struct ax_error *g,
			    const struct ax_cost *cost,
			    const struct ax_walk_aim *aim,
			    const struct ax_tour_params *params,
			    const struct ax_circuit *const *start, size_t n);
void ax_tour_free(struct ax_tour *t);
/* One epoch of all walks; their archives then move to `archive`. False when
 * the budget was used up before. */
bool ax_tour_epoch(struct ax_tour *t, struct ax_pool *pool,
		   struct ax_archive *archive);
uint64_t ax_tour_steps(const struct ax_tour *t);
uint64_t ax_tour_total(const struct ax_tour *t);
uint64_t ax_tour_candidates(const struct ax_tour *t);
void ax_tour_save(const struct ax_tour *t, struct ax_str *out);
int ax_tour_restore(struct ax_tour *t, struct ax_ck_reader *r);

#endif
