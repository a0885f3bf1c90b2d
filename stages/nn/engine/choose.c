/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/engine/choose.h"

#include <math.h>

#include "artifacts/base/base.h"

#define BINS 8192

/* Bins that an item takes in a layer, rounded up; BINS + 1: too many. */
static size_t
bins(double share, double cost, double budget)
{
	double x = share * cost == 0 ? 0 : ceil(share * cost / budget * BINS);

	return x <= BINS ? (size_t)x : BINS + 1;
}

/* The rounding leaves something of the budget: single changes that reduce the
 * damage and fit, the best first. */
static void
refine(size_t *choice, const double *damage, const double *share,
       const double *cost, size_t layers, size_t items, double budget)
{
	double sum = 0, gain, best;
	size_t l, i, at = 0, to = 0;

	for (;;) {
		sum = 0;
		for (l = 0; l < layers; l++)
			sum += share[l] * cost[choice[l]];
		best = 0;
		for (l = 0; l < layers; l++)
			for (i = 0; i < items; i++) {
				gain = damage[l * items + choice[l]] -
				       damage[l * items + i];
				if (!(gain > best) ||
				    sum + share[l] * (cost[i] -
						      cost[choice[l]]) >
					    budget)
					continue;
				best = gain;
				at = l;
				to = i;
			}
		if (!(best > 0))
			return;
		choice[at] = to;
	}
}

static double
total(const size_t *choice, const double *damage, size_t layers, size_t items)
{
	double d = 0;

	for (size_t l = 0; l < layers; l++)
		d += damage[l * items + choice[l]];
	return d;
}

bool
ax_choose(size_t *choice, const double *damage, const double *share,
	  const double *cost, size_t layers, size_t items, double budget)
{
	size_t width = BINS + 1, l, i, b, need;
	double *best = ax_calloc(2 * width, sizeof(*best));
	double *next = best + width, d;
	uint16_t *pick = ax_calloc(layers * width, sizeof(*pick));
	bool found;

	/* best[b]: least damage of the layers so far within b bins */
	for (l = 0; l < layers; l++) {
		for (b = 0; b < width; b++)
			next[b] = INFINITY;
		for (i = 0; i < items; i++) {
			need = bins(share[l], cost[i], budget);
			for (b = need; b < width; b++) {
				size_t p = pick[l * width + b];

				d = best[b - need] + damage[l * items + i];
				if (d < next[b] ||
				    (d == next[b] && isfinite(d) &&
				     cost[i] < cost[p])) {
					next[b] = d;
					pick[l * width + b] = (uint16_t)i;
				}
			}
		}
		memcpy(best, next, width * sizeof(*best));
	}
	found = isfinite(best[BINS]);
	for (l = layers, b = BINS; found && l-- > 0;) {
		choice[l] = pick[l * width + b];
		b -= bins(share[l], cost[choice[l]], budget);
	}
	free(best);
	free(pick);
	if (ax_choose_one(&i, damage, cost, layers, items, budget)) {
		size_t *same = ax_calloc(layers, sizeof(*same));

		for (l = 0; l < layers; l++)
			same[l] = i;
		if (!found || total(same, damage, layers, items) <
				      total(choice, damage, layers, items))
			memcpy(choice, same, layers * sizeof(*same));
		free(same);
		found = true;
	}
	if (found)
		refine(choice, damage, share, cost, layers, items, budget);
	return found;
}

bool
ax_choose_one(size_t *item, const double *damage, const double *cost,
	      size_t layers, size_t items, double budget)
{
	double least = INFINITY, d;
	bool found = false;

	for (size_t i = 0; i < items; i++) {
		d = 0;
		for (size_t l = 0; l < layers; l++)
			d += damage[l * items + i];
		if (cost[i] > budget || !isfinite(d) ||
		    (found &&
		     (d > least || (d == least && cost[i] >= cost[*item]))))
			continue;
		found = true;
		least = d;
		*item = i;
	}
	return found;
}
