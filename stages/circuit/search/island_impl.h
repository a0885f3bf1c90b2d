/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of an island, shared by island.c (its life) and move.c. */
#ifndef AX_SEARCH_ISLAND_IMPL_H
#define AX_SEARCH_ISLAND_IMPL_H

#include "stages/circuit/search/island.h"

struct ax_island {
	const struct ax_search *s;
	const struct ax_problem *p;
	struct ax_circuit c, next, best;
	int64_t cost, best_cost;
	struct ax_rng rng;
	struct ax_island_stats stats;

	/* values: row[signal] of `full` (all patterns) and `pool`; the second
	 * half of `pool` is for what an inverted signal changes */
	uint64_t *full, *pool, *pool_limits;
	size_t stride; /* words of a row of `full` */
	uint32_t rows, *row, *spare, spares;
	uint32_t seen[AX_POOL_BITS]; /* the pool's patterns */
	unsigned seen_next;
	uint32_t *order;  /* blocks, the ones that failed last first */
	uint8_t *touched; /* by block */

	/* scratch by signal or node, room for `room` nodes */
	unsigned room;
	uint32_t *uses, *new_row, *flip_row, *list_row;
	uint16_t *list, *cone, *dead, *place, *stack;
	uint8_t *is_dead, *changed, *flags;
	uint32_t *and_lit, *or_lit; /* 2 * signal + inverted */
	struct ax_kop *old_op, *new_op;
	uint64_t *care1, *care0, *part1, *part0, *bad;

	/* NULL unless the cost is more than a sum over gates */
	struct ax_gauge *gauge;
	double *toggles, *next_toggles; /* by signal, where energy counts */
};

void ax_island_room(struct ax_island *i, unsigned n);
uint32_t ax_island_take_row(struct ax_island *i);
void ax_island_count_uses(struct ax_island *i);
void ax_island_remember(struct ax_island *i, size_t pattern);
/* One visit of a signal or output pin drawn at random (move.c). */
void ax_island_visit(struct ax_island *i, double temperature);

#endif
