/* SPDX-License-Identifier: Apache-2.0 */
/* One multiplier for each layer, for the least sum of damage under a budget. */
#ifndef AX_NN_CHOOSE_H
#define AX_NN_CHOOSE_H

#include <stdbool.h>
#include <stddef.h>

/* Mean cost of a product: share x cost, summed in the order of the layers, by
 * the sum of the shares (products of the layers, or parts of them). */
double ax_choose_cost(const size_t *choice, const double *share,
		      const double *cost, size_t layers);

/*
 * damage[layers][items] (infinite: never), share[layers], cost[items]:
 * choice[layers] of mean cost <= budget and of the least sum of damage; false
 * when nothing fits.
 *
 * A first answer is found by dynamic programming over the budget in 1/8192 of
 * it, every cost rounded up, and by single changes that still fit. Then all
 * partial choices that may still do better are followed, layer by layer, those
 * left out that cost more and harm more than another (Nemhauser and Ullmann,
 * 1969) or whose rest cannot be good enough were items divisible (the linear
 * relaxation of the multiple-choice knapsack). That ends with the least damage;
 * where more than a million of them would have to be looked at in a layer, the
 * first answer stays. Equal damage: the cheaper, then the lower item.
 */
bool ax_choose(size_t *choice, const double *damage, const double *share,
	       const double *cost, size_t layers, size_t items, double budget);

/* The same with one item for all layers but those that are `kept` (NULL: none),
 * whose choice stands already. *item is that one. */
bool ax_choose_one(size_t *item, size_t *choice, const bool *kept,
		   const double *damage, const double *share,
		   const double *cost, size_t layers, size_t items,
		   double budget);

#endif
