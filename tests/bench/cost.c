/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delay and energy of netlists by the tables of a library, as the searches have
 * them, and what a figure takes, as JSON lines:
 *   tests/bench/cost LIBRARY NETLIST...
 * `charge` is the energy of all nets that cells drive, each toggling once;
 * `timing_us` a timing from nothing; `cover` the area by all cells of one to
 * three inputs and adders, `cover_us` that from nothing, `change_us` after a
 * change of one gate; `cells_delay` and `cells_energy` those of the cover's
 * cells, `figures_us` a change with these two. Where the netlist is one of
 * cells, as the stage map writes it, `written_delay` and `written_energy` are
 * its own, computed another way. tests/cli/costs.t and cells.t compare with
 * OpenSTA.
 */

#include "artifacts/base/base.h"
#include "stages/circuit/search/cost.h"
#include "tests/bench/clock.h"
#include "tests/lib/cellnet.h"

#define ARRIVAL 0.05
#define LOAD 0.01

/* Charge alone, each cell's output toggling once. */
static double
charge(const struct ax_cells *cells, const struct ax_circuit *c)
{
	double *toggles = ax_calloc(c->ins + c->n + 1, sizeof(*toggles)), sum;
	struct ax_cells bare = *cells;

	for (unsigned j = 0; j < c->n; j++)
		toggles[c->ins + j] = 1;
	for (int g = 0; g < AX_G_KINDS; g++)
		bare.gate[g].inner[0] = bare.gate[g].pin[0] =
			bare.gate[g].pin[1] = 0;
	sum = ax_cost_energy(&bare, c, toggles);
	free(toggles);
	return sum;
}

/* us of a cover from nothing and after a change; with delay and energy where k
 * bounds them. */
static struct ax_figures
cover(const struct ax_cost *k, const struct ax_circuit *c,
      const double *toggles, double *us)
{
	uint16_t *place = ax_calloc(c->ins + c->n + 1, sizeof(*place));
	struct ax_gauge *g = ax_gauge_new(k);
	struct ax_figures f = {0};
	double began;

	for (unsigned s = 0; s < c->ins + c->n; s++)
		place[s] = (uint16_t)s;
	began = cpu_s();
	for (int i = 0; i < 500; i++)
		f = *ax_gauge_set(g, c, toggles);
	us[0] = (cpu_s() - began) / 500 * 1e6;
	began = cpu_s();
	for (unsigned i = 0; i < 500; i++) {
		unsigned s = c->ins + i % c->n;

		/* as if it were another */
		place[s] = UINT16_MAX;
		ax_gauge_try(g, c, c, place);
		if (toggles)
			ax_gauge_try_energy(g, c, toggles);
		place[s] = (uint16_t)s;
	}
	us[1] = (cpu_s() - began) / 500 * 1e6;
	ax_gauge_free(g);
	free(place);
	return f;
}

/* Of a netlist of cells. */
static void
tell_written(const struct ax_netlist *net, const struct ax_liberty *lib)
{
	double delay, energy;

	for (size_t j = 0; j < net->nodes; j++)
		if (!net->node[j].cell && net->node[j].n == 2)
			return;
	cellnet_measure(net, lib, ARRIVAL, LOAD, &delay, &energy);
	printf(", \"written_delay\": %.6f, \"written_energy\": %.6f", delay,
	       energy);
}

static int
tell(const struct ax_cells *cells, const struct ax_cover_cells *by,
     const struct ax_liberty *lib, const char *path, struct ax_err *err)
{
	struct ax_cost k = ax_cost_transistors;
	struct ax_activity a;
	struct ax_netlist *net = NULL;
	struct ax_circuit c = AX_CIRCUIT_INIT;
	struct ax_problem p;
	struct ax_figures f;
	struct ax_timer *t;
	unsigned wa, wb;
	double began, full, us[2], *toggles;

	if (ax_netlist_load(&net, path, AX_NET_AUTO, lib, NULL, err) < 0)
		return -1;
	if (ax_circuit_from_netlist(&c, &wa, &wb, net, err) < 0) {
		ax_netlist_free(net);
		return -1;
	}
	ax_problem_init(&p, wa, wb, c.outs, true, true, NULL);
	ax_activity_init(&a, &p, NULL);
	k.cells = cells;
	k.activity = &a;
	ax_cost_measure(&k, &p, &c, &f);
	t = ax_timer_new(cells);
	began = cpu_s();
	for (int i = 0; i < 500; i++)
		ax_timer_set(t, &c);
	full = (cpu_s() - began) / 500;
	printf("{\"bench\": \"cost\", \"netlist\": \"%s\", \"gates\": %u, "
	       "\"transistors\": %" PRId64 ", \"area\": %.6g, \"delay\": %.6f, "
	       "\"energy\": %.6f, \"charge\": %.6f",
	       path, c.n, f.transistors, f.area, f.delay, f.energy,
	       charge(cells, &c));
	k.cover = by;
	f = cover(&k, &c, NULL, us);
	printf(", \"timing_us\": %.2f, \"cover\": %.6g, \"cover_us\": %.1f, "
	       "\"change_us\": %.1f",
	       full * 1e6, f.area, us[0], us[1]);
	k.most.delay = k.most.energy = 0;
	toggles = ax_calloc(c.ins + c.n + 1, sizeof(*toggles));
	ax_activity_of(&a, &p, &c, toggles);
	f = cover(&k, &c, toggles, us);
	printf(", \"cells_delay\": %.6f, \"cells_energy\": %.6f, "
	       "\"figures_us\": %.1f",
	       f.delay, f.energy, us[1]);
	tell_written(net, lib);
	printf("}\n");
	free(toggles);
	ax_netlist_free(net);
	ax_timer_free(t);
	ax_activity_free(&a);
	ax_problem_free(&p);
	ax_circuit_free(&c);
	return 0;
}

int
main(int argc, char **argv)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_liberty lib;
	struct ax_cells cells;
	struct ax_cover_cells *by;
	int rc;

	if (argc < 3) {
		fprintf(stderr, "usage: cost LIBRARY NETLIST...\n");
		return 2;
	}
	if (ax_liberty_load(&lib, argv[1], &err) < 0 ||
	    ax_cells_init(&cells, &lib, true, ARRIVAL, LOAD, &err) < 0 ||
	    ax_cover_cells_new(&by, &lib, NULL, false, &err) < 0 ||
	    ax_cells_widen(&cells, &lib, by, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	rc = 0;
	for (int i = 2; i < argc && rc == 0; i++)
		rc = tell(&cells, by, &lib, argv[i], &err);
	if (rc < 0)
		fprintf(stderr, "%s\n", err.text);
	ax_cover_cells_free(by);
	ax_cells_free(&cells);
	ax_liberty_free(&lib);
	return rc < 0;
}
