/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing a multiplier for each layer, against trying all; and weight codes
 * for a table, by hand and against trying all. */
#include <math.h>

#include "artifacts/base/base.h"
#include "artifacts/base/rng.h"
#include "stages/nn/engine/choose.h"
#include "stages/nn/engine/rank.h"
#include "stages/nn/engine/remap.h"
#include "tests/lib/tap.h"

#define LAYERS 4
#define ITEMS 5

/* The least damage by trying all; infinite when nothing fits. */
static double
try_all(const double *damage, const double *share, const double *cost,
	double budget)
{
	double best = INFINITY;
	size_t all = 1, c, l, i, x;

	for (l = 0; l < LAYERS; l++)
		all *= ITEMS;
	for (c = 0; c < all; c++) {
		double d = 0, sum = 0;

		for (l = 0, x = c; l < LAYERS; l++, x /= ITEMS) {
			i = x % ITEMS;
			d += damage[l * ITEMS + i];
			sum += share[l] * cost[i];
		}
		if (sum <= budget && d < best)
			best = d;
	}
	return best;
}

static void
test_choose(void)
{
	double damage[LAYERS * ITEMS], share[LAYERS], cost[ITEMS], budget;
	size_t choice[LAYERS], below = 0, above = 0, held = 0, none = 0, item;
	const bool kept[LAYERS] = {true};
	struct ax_rng r = ax_rng(1, "choose", 0);

	for (int n = 0; n < 400; n++) {
		double d, all = 0, best;

		for (size_t l = 0; l < LAYERS; l++)
			all += share[l] = 1 + ax_rng_below(&r, 100000);
		for (size_t i = 0; i < ITEMS; i++)
			cost[i] = ax_rng_below(&r, 2000);
		for (size_t i = 0; i < LAYERS * ITEMS; i++)
			damage[i] = ax_rng_below(&r, 8) ? ax_rng_double(&r)
							: INFINITY;
		budget = 100 + ax_rng_below(&r, 1500);
		/* the very cost of a choice, as the metric gives it */
		for (size_t l = 0; l < LAYERS; l++)
			choice[l] = ax_rng_below(&r, ITEMS);
		if (n & 1)
			budget = ax_choose_cost(choice, share, cost, LAYERS);
		best = try_all(damage, share, cost, budget * all);
		if (!ax_choose(choice, damage, share, cost, LAYERS, ITEMS,
			       budget)) {
			none += isfinite(try_all(damage, share, cost,
						 budget * all * (1 - 1e-12)));
			continue;
		}
		d = 0;
		for (size_t l = 0; l < LAYERS; l++)
			d += damage[l * ITEMS + choice[l]];
		held += ax_choose_cost(choice, share, cost, LAYERS) > budget;
		below += d < try_all(damage, share, cost,
				     budget * all * (1 + 1e-12)) -
				     1e-12;
		above += d > best + 1e-12;
	}
	is_int(none, 0, "a choice is found where there is one");
	is_int(held, 0, "the budget holds");
	is_int(below, 0, "no better than the best");
	is_int(above, 0, "as good as the best");

	/* one that may not be, and equal damage */
	for (size_t i = 0; i < LAYERS * ITEMS; i++)
		damage[i] = i % ITEMS == 1 ? INFINITY : 0;
	for (size_t i = 0; i < ITEMS; i++)
		cost[i] = i < 2 ? 10 : 20 - (double)i;
	for (size_t l = 0; l < LAYERS; l++)
		share[l] = 0.25;
	ok(ax_choose(choice, damage, share, cost, LAYERS, ITEMS, 100) &&
		   choice[0] == 0 && choice[3] == 0,
	   "of equal ones the cheapest");
	ok(ax_choose(choice, damage, share, cost, LAYERS, ITEMS, 10),
	   "what takes all of the budget fits");
	ok(!ax_choose(choice, damage, share, cost, LAYERS, ITEMS, 5),
	   "nothing fits");
	ok(ax_choose_one(&item, choice, NULL, damage, share, cost, LAYERS,
			 ITEMS, 100) &&
		   item == 0,
	   "one for all: the cheapest of equal ones");
	damage[0] = 1;
	ok(ax_choose_one(&item, choice, NULL, damage, share, cost, LAYERS,
			 ITEMS, 100) &&
		   item == 4 && choice[2] == 4,
	   "one for all: the least damage");
	ok(!ax_choose_one(&item, choice, NULL, damage, share, cost, LAYERS,
			  ITEMS, 5),
	   "one for all: nothing fits");
	/* shares that binary fractions do not hold, and a layer that stays */
	share[0] = 2304;
	share[1] = 5184;
	share[2] = 16;
	for (size_t i = 0; i < ITEMS; i++)
		cost[i] = 1896 + (i < 4);
	choice[0] = 4;
	ok(ax_choose_one(&item, choice, kept, damage, share, cost, 3, ITEMS,
			 1896) &&
		   item == 4,
	   "one for all but what is kept, for the whole budget");
}

static struct ax_histogram h;

static struct ax_histogram_layer *
layer(const char *name, const uint64_t *a, const uint64_t *b)
{
	struct ax_histogram_layer *l =
		ax_histogram_add(&h, name, 1, 1, 2, false, 2, false);

	memcpy(l->a.counts, a, 4 * sizeof(*a));
	memcpy(l->b.counts, b, 4 * sizeof(*b));
	ax_histogram_total(&h);
	return l;
}

static void
test_remap(void)
{
	static const uint64_t a[4] = {1, 1, 1, 1}, b[4] = {1, 1, 1, 1};
	static const uint64_t only1[4] = {0, 1, 0, 0}, b2[4] = {0, 0, 5, 0};
	struct ax_err err = AX_ERR_INIT;
	struct ax_remap_layer of[2];
	struct ax_lut t, u;
	uint16_t map[4], again[4];

	layer("x", a, b);
	layer("y", only1, b2);
	of[0] = (struct ax_remap_layer){&h.layers[0], 1, true};
	of[1] = (struct ax_remap_layer){&h.layers[1], 1000, false};
	ax_lut_exact(&t, AX_LUT_MUL, 2, 2, false, &err);
	is_int(ax_remap(map, &t, of, 2, &err), 0, "an exact table");
	ok(map[0] == 0 && map[1] == 1 && map[2] == 2 && map[3] == 3,
	   "keeps every code");
	for (int i = 0; i < 4; i++)
		t.v[i * 4 + 1] += 100;
	ax_remap(map, &t, of, 1, &err);
	ok(map[1] == 1, "a constant is no error where batch norm follows");
	of[0].centred = false;
	ax_remap(map, &t, of, 1, &err);
	ok(map[1] == 0 || map[1] == 2, "but is where it does not");
	ax_lut_free(&t);

	/* columns 2 and 3 swapped: swapped back */
	of[0].centred = true;
	ax_lut_exact(&t, AX_LUT_MUL, 2, 2, false, &err);
	for (int i = 0; i < 4; i++) {
		t.v[i * 4 + 2] = 3 * i;
		t.v[i * 4 + 3] = 2 * i;
	}
	ax_remap(map, &t, of, 1, &err);
	ok(map[0] == 0 && map[1] == 1 && map[2] == 3 && map[3] == 2,
	   "swapped columns");
	ax_remap_table(&u, &t, map, &err);
	is_int(ax_lut_at(&u, 3, 2), 6, "the table with its columns chosen");
	ax_lut_free(&u);
	/* a heavy layer that has code 2 alone, with a = 1 always: right in
	 * column 2, wrong in column 3; codes it lacks are not its business */
	t.v[4 + 2] = 2;
	t.v[4 + 3] = 1;
	ax_remap(map, &t, of, 1, &err);
	ax_remap(again, &t, of, 2, &err);
	ok(map[2] == 3 && again[2] == 2 && again[3] == map[3],
	   "layers count by weight, and by the codes that they have");
	ax_lut_free(&t);
	ax_lut_exact(&t, AX_LUT_MUL, 3, 2, false, &err);
	is_int(ax_remap(map, &t, of, 1, &err), -1, "a table of another width");
	ok(strstr(err.text, "layer 'x'") != NULL, "names the layer");
	ax_lut_free(&t);
	ax_histogram_free(&h);
}

static void
test_rank(void)
{
	static const double x[] = {10, 20, 20, 5, 7}, y[] = {1, 2, 3, 4, 5};
	static const double flat[] = {3, 3, 3, 3, 3}, down[] = {9, 8, 7, 6, -1};
	double r[5];

	ax_ranks(r, x, 5);
	ok(r[0] == 3 && r[1] == 4.5 && r[2] == 4.5 && r[3] == 1 && r[4] == 2,
	   "equal values share their ranks");
	ok(ax_spearman(y, y, 5) == 1 && ax_spearman(y, down, 5) == -1,
	   "in step and against");
	/* ranks 3 4.5 4.5 1 2 against 1..5: sum of products of deviations
	 * -5.5, squares 9.5 and 10 */
	ok(fabs(ax_spearman(x, y, 5) + 5.5 / sqrt(95)) < 1e-15, "by hand");
	ok(isnan(ax_spearman(x, flat, 5)) && isnan(ax_spearman(x, y, 1)),
	   "nothing to correlate");
}

int
main(void)
{
	test_rank();
	test_choose();
	test_remap();
	return tap_done();
}
