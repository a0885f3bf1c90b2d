/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a walk, shared by walk.c (its life, its pool, the check on all
 * patterns) and walk_move.c (a visit). */
#ifndef AX_SEARCH_WALK_IMPL_H
#define AX_SEARCH_WALK_IMPL_H

#include "stages/circuit/search/walk.h"

/* Words of a signal in the pool: a block that is weighed, then a block of
 * patterns that broke a limit. */
enum { POOL_WORDS = 2 * AX_BLOCK_WORDS };

struct ax_walk {
	const struct ax_search *s;
	const struct ax_error *g;
	const struct ax_cost *k;
	const struct ax_problem *p;
	const struct ax_score_kern *score;
	struct ax_walk_aim aim;
	struct ax_circuit c, next, best;
	struct ax_error_state now, trial;
	int64_t cost;
	double best_merit;
	struct ax_rng rng;
	struct ax_island_stats stats;
	struct ax_archive archive;

	/* the pool: rows of the signals, then rows for a visit */
	uint64_t *pool;
	bool stale; /* it must be filled anew */
	bool whole; /* the weighed block is all patterns there are */
	uint32_t seen[2 * AX_BLOCK_BITS];
	unsigned next_bad, next_word, next_slope;
	int32_t *ref, *lo, *hi; /* [2][AX_BLOCK_BITS], by place in the pool */
	int32_t *was, *y;       /* results now, results with v inverted */
	float *w, *slope, *factor, *d;
	uint64_t *planes, *care1, *care0, *bad; /* the latter for both blocks */
	uint64_t *same;                         /* a row of 0, a row of 1 */

	/* scratch by signal or node, room for `room` nodes */
	unsigned room;
	uint32_t *uses, *flip_row, *list_row;
	uint16_t *list, *dead, *place, *stack;
	uint8_t *is_dead, *in_cone, *flags;
	uint32_t *and_lit, *or_lit; /* 2 * signal + inverted */
	struct ax_kop *op;
	struct ax_gauge *gauge; /* NULL: the cost is a sum over gates */
	double *toggles;        /* of what was measured last, with energies */
	uint64_t *ones;
	uint64_t *block; /* rows of one block of all patterns */
};

void ax_walk_room(struct ax_walk *w, unsigned n);
/* Brings pool and uses up to date with a new circuit. */
void ax_walk_refresh(struct ax_walk *w);
/* Simulates a circuit on all patterns into `trial`; false when it breaks a
 * limit (which is then remembered) or, surely, the most it may have. */
bool ax_walk_measure(struct ax_walk *w, const struct ax_circuit *c,
		     double most);
/* Draws some patterns of the pool anew. */
void ax_walk_redraw(struct ax_walk *w);
/* One visit of a signal or output pin drawn at random. */
void ax_walk_visit(struct ax_walk *w, double temperature);

#endif
