/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mutation operators of the published search (CircuitsDNA), with its
 * random draws in its order.
 */
#ifndef AX_SEARCH_MUTATE_H
#define AX_SEARCH_MUTATE_H

#include "stages/circuit/search/circuit.h"
#include "stages/circuit/search/stdrand.h"

/* Marks in `from`; nodes are fewer than 2^15. */
#define AX_NOT_FROM UINT16_MAX
#define AX_CHANGED 0x8000u

enum ax_mutation {
	AX_MUT_ADD,
	AX_MUT_DELETE,
	AX_MUT_GATE,
	AX_MUT_MERGE,
	AX_MUT_REWIRE_IN,
	AX_MUT_REWIRE_OUT,
	AX_MUTATIONS
};

/* Accumulates normalised weights, left to right. */
void ax_mutate_weights(double cumulative[AX_MUTATIONS],
		       const double weights[AX_MUTATIONS]);
/*
 * child = prune(mutate(parent)), one operator. from[j] is the parent's node
 * that child node j is, gate and operands alike; with AX_CHANGED the one whose
 * place it has; or AX_NOT_FROM, which has AX_CHANGED set. It needs room for
 * parent->n + 1. `no_twins`: the parent has no two nodes alike, which saves
 * a merge its search; set when one found none. Returns the operator, or -1 when
 * the child is an exact copy by construction.
 */
int ax_mutate(struct ax_mt *mt, const double cumulative[AX_MUTATIONS],
	      const struct ax_circuit *parent, struct ax_circuit *child,
	      uint16_t *from, bool *no_twins);

#endif
