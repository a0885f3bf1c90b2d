/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often signals toggle: with operands drawn anew for each operation, one
 * after the other and independently, a signal that is 1 with probability p
 * changes in 2 p (1 - p) of them. Glitches are not counted. The probability is
 * exact, over all patterns, uniform or weighted by how often they occur.
 */
#ifndef AX_SEARCH_ACTIVITY_H
#define AX_SEARCH_ACTIVITY_H

#include "stages/circuit/search/problem.h"

/* Weights are integers of this many bits, the largest one full. */
#define AX_ACTIVITY_BITS 20

struct ax_activity {
	size_t blocks;
	unsigned planes; /* of the weights' bits; 0: all patterns alike */
	uint64_t *plane; /* [planes][blocks * AX_BLOCK_WORDS] */
	uint64_t total;  /* weight of all patterns */
	uint64_t (*ones)(const uint64_t *row, const uint64_t *mask,
			 size_t words);
};

/* `often`: how often each pattern occurs (any scale, at least one positive), or
 * NULL. */
void ax_activity_init(struct ax_activity *a, const struct ax_problem *p,
		      const float *often);
void ax_activity_free(struct ax_activity *a);
/* Weight of the patterns of `blocks` blocks from `first` on where the row, that
 * of the first of these blocks, is 1. */
uint64_t ax_activity_ones(const struct ax_activity *a, const uint64_t *row,
			  size_t first, size_t blocks);
/* Toggles an operation of a signal with these ones in all. */
double ax_activity_toggles(const struct ax_activity *a, uint64_t ones);
/* The same of all signals of a circuit, ins + n numbers. */
void ax_activity_of(const struct ax_activity *a, const struct ax_problem *p,
		    const struct ax_circuit *c, double *toggles);

#endif
