/* SPDX-License-Identifier: Apache-2.0 */
/* One multiplier for each layer, for the least sum of damage under a budget. */
#ifndef AX_NN_CHOOSE_H
#define AX_NN_CHOOSE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * damage[layers][items] (infinite: never), share[layers] of all products (sum
 * 1), cost[items]: choice[layers] with sum share x cost <= budget and the least
 * sum of damage. Dynamic programming over the budget in 1/8192 of it, every
 * cost rounded up, then single changes that still fit: the budget always holds,
 * and the damage is the least but for that rounding, never more than that of
 * the best single item. Equal damage: the cheaper, then the lower item. false
 * when nothing fits.
 */
bool ax_choose(size_t *choice, const double *damage, const double *share,
	       const double *cost, size_t layers, size_t items, double budget);
/* The same with one item for all layers. */
bool ax_choose_one(size_t *item, const double *damage, const double *cost,
		   size_t layers, size_t items, double budget);

#endif
