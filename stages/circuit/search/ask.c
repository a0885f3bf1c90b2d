/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/ask.h"

#include <math.h>

#include "artifacts/base/json.h"

/* In a cover, most inverters are part of a larger cell; and what a replacement
 * does to its area is known by gates to about so many transistors. */
#define INVERTER 0.3
#define DOUBT 1.0

static double
bound(struct ax_task *t, const char *name)
{
	return ax_task_json(t, name) ? ax_task_num(t, name) : INFINITY;
}

/* Whether gates stand for parts of the cells that cost. */
static bool
estimated(const struct ax_ask *a)
{
	return a->cover && a->cost.of != AX_COST_GATES;
}

/* What stands for the figures that no sum over gates gives. */
static void
set_gates(struct ax_ask *a, const char *of)
{
	for (int g = AX_G_INV; g < AX_G_KINDS; g++) {
		double x = (double)ax_transistors.of[g];

		if (ax_streq(of, "area"))
			x = a->cells.gate[g].area * AX_ASK_AREA;
		else if (a->cost.of == AX_COST_COVER)
			x *= AX_ASK_TRANSISTOR;
		else if (ax_streq(of, "delay"))
			x *= AX_COST_NS_TRANSISTOR;
		else if (ax_streq(of, "energy"))
			x = AX_COST_PJ *
			    ax_cost_typical(&a->cells, (enum ax_g)g);
		if (estimated(a) && g == AX_G_INV)
			x *= INVERTER;
		a->cost.gate.of[g] = (int64_t)(x + 0.5);
	}
}

static int
read_cells(struct ax_ask *a, struct ax_task *t, bool timed, unsigned *allowed,
	   struct ax_err *err)
{
	const char *path = ax_task_in(t, "liberty");
	struct ax_liberty lib;
	bool can = false;
	int rc;

	if (!path)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "cost and bounds other than transistors: "
				  "wire the input liberty, which has areas, "
				  "delays and energies");
	if (ax_liberty_load(&lib, path, err) < 0)
		return -1;
	rc = ax_cells_init(&a->cells, &lib, timed,
			   ax_task_num(t, "input_delay"),
			   ax_task_num(t, "load"), err);
	if (rc == 0 && ax_streq(ax_task_str(t, "cells"), "cover"))
		rc = ax_cover_cells_new(&a->cover, &lib, NULL,
					a->cost.covers_transistors, err);
	if (rc == 0 && a->cover && timed)
		rc = ax_cells_widen(&a->cells, &lib, a->cover, err);
	ax_liberty_free(&lib);
	if (rc < 0)
		return ax_err_wrap(err, "input liberty");
	a->cost.cover = a->cover;
	a->cost.cells = &a->cells;
	for (int g = AX_G_INV; g < AX_G_KINDS; g++) {
		if (!a->cells.gate[g].name)
			*allowed &= ~(1u << g);
		can = can || (g > AX_G_INV && a->cells.gate[g].name);
	}
	if (!can || !a->cells.gate[AX_G_INV].name)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "liberty: no inverter, or no cell for any "
				  "of AND NAND OR NOR XOR XNOR");
	return 0;
}

int
ax_ask_cost(struct ax_ask *a, struct ax_task *t, unsigned *allowed,
	    struct ax_err *err)
{
	const char *of = ax_task_str(t, "cost");
	struct ax_cost *k = &a->cost;
	bool timed, priced, covers;

	*a = (struct ax_ask){.cost = ax_cost_transistors};
	k->most.transistors = bound(t, "max_transistors");
	k->most.area = bound(t, "max_area");
	k->most.delay = bound(t, "max_delay");
	k->most.energy = bound(t, "max_energy");
	k->of = ax_streq(of, "delay")    ? AX_COST_DELAY
		: ax_streq(of, "energy") ? AX_COST_ENERGY
					 : AX_COST_GATES;
	timed = k->of != AX_COST_GATES || k->most.delay < INFINITY ||
		k->most.energy < INFINITY;
	priced = ax_streq(of, "area") || k->most.area < INFINITY;
	/* a cover is by one of the two; the area unless transistors, and no
	 * area, are asked for */
	covers = ax_streq(ax_task_str(t, "cells"), "cover");
	k->covers_transistors =
		covers && !priced &&
		(ax_streq(of, "transistors") || k->most.transistors < INFINITY);
	if (!timed && !priced && !covers)
		return 0;
	if (read_cells(a, t, timed, allowed, err) < 0)
		return -1;
	if (k->cover &&
	    ax_streq(of, k->covers_transistors ? "transistors" : "area"))
		k->of = AX_COST_COVER;
	k->grain = ax_streq(of, "area")     ? AX_ASK_AREA
		   : k->of == AX_COST_COVER ? AX_ASK_TRANSISTOR
		   : ax_streq(of, "delay")  ? AX_COST_NS
		   : ax_streq(of, "energy") ? AX_COST_PJ
					    : 1;
	set_gates(a, of);
	if (estimated(a))
		k->doubt = DOUBT * ax_cost_scale(&k->gate);
	/* what the library lacks is never built, but may stand in a netlist
	 * until it is made legal */
	for (int g = AX_G_INV; g < AX_G_KINDS; g++)
		if (!a->cells.gate[g].name)
			k->gate.of[g] = (int64_t)1 << 40;
	return 0;
}

void
ax_ask_activity(struct ax_ask *a, const struct ax_problem *p,
		const float *often)
{
	if (!ax_cost_needs_energy(&a->cost))
		return;
	ax_activity_init(&a->activity, p, often);
	a->cost.activity = &a->activity;
}

void
ax_ask_free(struct ax_ask *a)
{
	ax_cells_free(&a->cells);
	ax_cover_cells_free(a->cover);
	ax_activity_free(&a->activity);
}

int
ax_ask_check(const struct ax_ask *a, const struct ax_figures *f,
	     struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;

	if (f->over <= 0)
		return 0;
	ax_str_addf(&s, "%" PRId64 " transistors", f->transistors);
	if (a->cost.cells)
		ax_str_addf(&s, ", area %.6g", f->area);
	if (a->cost.cells && a->cells.tables)
		ax_str_addf(&s, ", delay %.6g ns", f->delay);
	if (a->cost.activity)
		ax_str_addf(&s, ", energy %.6g pJ", f->energy);
	ax_err_set(err, AX_EXIT_STAGE,
		   "no circuit was found that keeps the bounds on its cost; "
		   "the nearest has %s. Raise max_transistors, max_area, "
		   "max_delay or max_energy, or `steps`",
		   s.buf);
	ax_str_free(&s);
	return -1;
}

void
ax_ask_report(const struct ax_ask *a, struct ax_task *t,
	      const struct ax_figures *f)
{
	if (a->cost.cells)
		ax_task_metric_num(t, "area", f->area);
	if (a->cost.cells && a->cells.tables)
		ax_task_metric_num(t, "delay", f->delay);
	if (a->cost.activity)
		ax_task_metric_num(t, "energy", f->energy);
}
