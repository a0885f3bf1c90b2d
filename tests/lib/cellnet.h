/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delay and energy of a netlist of library cells as it was written, straight
 * from the netlist and the library, pin names and all: to compare with what a
 * search believed. Slow, and shares nothing with the searches but the reading
 * of tables.
 */
#ifndef AX_TEST_CELLNET_H
#define AX_TEST_CELLNET_H

#include <math.h>

#include "artifacts/base/base.h"
#include "artifacts/liberty_timing.h"
#include "artifacts/netlist/netlist.h"

struct cellnet {
	const struct ax_netlist *net;
	const struct ax_lib_cell **cell; /* of each of the netlist's */
	struct ax_lib_tables *table;
	double pf, volts;
	double (*at)[2], (*slew)[2], (*load)[2], *cap, *toggles; /* by ref */
};

static unsigned
cellnet_pin(const struct ax_lib_cell *c, const char *name)
{
	for (unsigned i = 0; i < c->pins; i++)
		if (ax_streq(c->pin[i].name, name))
			return i;
	abort();
}

/* Past the assigns. */
static uint32_t
cellnet_driver(const struct ax_netlist *net, uint32_t ref)
{
	while (ref >= net->inputs &&
	       net->node[ref - net->inputs].kind == AX_BUF &&
	       !net->node[ref - net->inputs].cell)
		ref = net->node[ref - net->inputs].in[0];
	return ref;
}

static double
cellnet_edge(const struct ax_lib_pin *p, int edge)
{
	return p->edge_capacitance[edge] < 0 ? p->capacitance
					     : p->edge_capacitance[edge];
}

/* Whether node j is the first of its instance, and of a cell at all. */
static bool
cellnet_first(const struct ax_netlist *net, size_t j)
{
	for (size_t k = 0; k < j; k++)
		if (net->node[k].cell && net->node[k].inst == net->node[j].inst)
			return false;
	return net->node[j].cell != 0;
}

static void
cellnet_loads(struct cellnet *w, double load)
{
	const struct ax_netlist *net = w->net;

	for (size_t j = 0; j < net->nodes; j++) {
		const struct ax_node *n = &net->node[j];

		if (!cellnet_first(net, j))
			continue;
		for (unsigned i = 0; i < n->n; i++) {
			const struct ax_lib_cell *c = w->cell[n->cell - 1];
			const char *name = net->cell[n->cell - 1].in_pin[i];
			const struct ax_lib_pin *p =
				&c->pin[cellnet_pin(c, name)];
			uint32_t r = cellnet_driver(net, n->in[i]);

			w->cap[r] += p->capacitance * w->pf;
			for (int e = 0; e < 2; e++)
				w->load[r][e] += cellnet_edge(p, e) * w->pf;
		}
	}
	for (uint32_t o = 0; o < net->outputs; o++) {
		uint32_t r = cellnet_driver(net, net->out_ref[o]);

		/* a set_load is on the port, of each port */
		w->cap[r] += load;
		for (int e = 0; e < 2; e++)
			w->load[r][e] += load;
	}
}

static void
cellnet_time(struct cellnet *w, size_t j)
{
	const struct ax_netlist *net = w->net;
	const struct ax_node *n = &net->node[j];
	const struct ax_net_cell *named = &net->cell[n->cell - 1];
	const struct ax_lib_cell *c = w->cell[n->cell - 1];
	const struct ax_lib_tables *t = &w->table[n->cell - 1];
	unsigned out = cellnet_pin(c, named->out_pin[n->pin]);
	uint32_t ref = net->inputs + (uint32_t)j;

	for (size_t k = 0; k < t->arcs; k++)
		for (unsigned i = 0; i < n->n; i++) {
			const struct ax_lib_arc *a = &t->arc[k];
			uint32_t r = cellnet_driver(net, n->in[i]);

			if (a->out != out ||
			    a->in != cellnet_pin(c, named->in_pin[i]))
				continue;
			for (int f = 0; f < 2; f++)
				for (int e = 0; e < 2; e++) {
					if (!a->via[f][e])
						continue;
					w->at[ref][e] = fmax(
						w->at[ref][e],
						w->at[r][f] +
							ax_lib_table_at(
								&a->delay[e],
								w->slew[r][f],
								w->load[ref]
								       [e]));
					w->slew[ref][e] =
						fmax(w->slew[ref][e],
						     ax_lib_table_at(
							     &a->slew[e],
							     w->slew[r][f],
							     w->load[ref][e]));
				}
		}
}

/* Of 2 p (1 - p) toggles, by evaluating each node on each pattern. */
static void
cellnet_toggle(struct cellnet *w)
{
	const struct ax_netlist *net = w->net;
	size_t refs = net->inputs + net->nodes;
	uint8_t *v = ax_calloc(refs, 1);
	double *ones = ax_calloc(refs, sizeof(*ones)), p;
	uint32_t all = (uint32_t)1 << net->inputs;

	for (uint32_t x = 0; x < all; x++) {
		for (uint32_t i = 0; i < net->inputs; i++)
			v[i] = x >> i & 1;
		for (size_t j = 0; j < net->nodes; j++) {
			const struct ax_node *n = &net->node[j];
			unsigned q = 0;

			for (unsigned i = 0; i < n->n; i++)
				q |= (unsigned)v[n->in[i]] << i;
			v[net->inputs + j] = n->tt >> q & 1;
		}
		for (size_t r = 0; r < refs; r++)
			ones[r] += v[r];
	}
	for (size_t r = 0; r < refs; r++) {
		p = ones[r] / all;
		w->toggles[r] = 2 * p * (1 - p);
	}
	free(v);
	free(ones);
}

/* The mean of a pin's internal energies, at the slew and load that the manual
 * names. */
static double
cellnet_inner(const struct ax_lib_tables *t, unsigned pin)
{
	double sum = 0;
	int n = 0;

	for (size_t k = 0; k < t->powers; k++) {
		const struct ax_lib_power *p = &t->power[k];
		double one = 0;
		int m = 0;

		if (p->out != pin)
			continue;
		for (int e = 0; e < 2; e++)
			if (p->energy[e].nx) {
				one += ax_lib_table_at(&p->energy[e], 0.3,
						       0.02);
				m++;
			}
		sum += m ? one / m : 0;
		n++;
	}
	return n ? sum / n : 0;
}

static double
cellnet_spend(const struct cellnet *w)
{
	const struct ax_netlist *net = w->net;
	double sum = 0;

	for (uint32_t r = 0; r < net->inputs + net->nodes; r++)
		sum += 0.5 * w->volts * w->volts * w->cap[r] * w->toggles[r];
	for (size_t j = 0; j < net->nodes; j++) {
		const struct ax_node *n = &net->node[j];
		const struct ax_net_cell *named;
		const struct ax_lib_cell *c;

		if (!n->cell)
			continue;
		named = &net->cell[n->cell - 1];
		c = w->cell[n->cell - 1];
		sum += w->toggles[net->inputs + j] *
		       cellnet_inner(&w->table[n->cell - 1],
				     cellnet_pin(c, named->out_pin[n->pin]));
		for (unsigned i = 0; i < n->n && cellnet_first(net, j); i++)
			sum += w->toggles[n->in[i]] *
			       cellnet_inner(&w->table[n->cell - 1],
					     cellnet_pin(c, named->in_pin[i]));
	}
	return sum;
}

/* ns and pJ; operands arrive at `arrival`, each result bit has `load` pF. At
 * most some 16 inputs; nodes that are no cells must be assigns, or constants.
 */
static void
cellnet_measure(const struct ax_netlist *net, const struct ax_liberty *lib,
		double arrival, double load, double *delay, double *energy)
{
	size_t refs = net->inputs + net->nodes + 1;
	struct cellnet w = {.net = net, .volts = lib->nom_voltage};

	w.cell = ax_calloc(net->cells + 1, sizeof(*w.cell));
	w.table = ax_calloc(net->cells + 1, sizeof(*w.table));
	for (size_t c = 0; c < net->cells; c++)
		w.cell[c] = ax_liberty_cell(lib, net->cell[c].name);
	if (ax_liberty_tables(w.table, lib, w.cell, net->cells, NULL) < 0 ||
	    ax_liberty_picofarads(&w.pf, lib, NULL) < 0)
		abort();
	w.at = ax_calloc(refs, sizeof(*w.at));
	w.slew = ax_calloc(refs, sizeof(*w.slew));
	w.load = ax_calloc(refs, sizeof(*w.load));
	w.cap = ax_calloc(refs, sizeof(*w.cap));
	w.toggles = ax_calloc(refs, sizeof(*w.toggles));
	cellnet_loads(&w, load);
	for (size_t r = 0; r < refs; r++)
		w.at[r][0] = w.at[r][1] = r < net->inputs ? arrival : -INFINITY;
	for (size_t j = 0; j < net->nodes; j++)
		if (net->node[j].cell)
			cellnet_time(&w, j);
	*delay = -INFINITY;
	for (uint32_t o = 0; o < net->outputs; o++)
		for (int e = 0; e < 2; e++)
			*delay = fmax(
				*delay,
				w.at[cellnet_driver(net, net->out_ref[o])][e]);
	cellnet_toggle(&w);
	*energy = cellnet_spend(&w);
	for (size_t c = 0; c < net->cells; c++)
		ax_lib_tables_free(&w.table[c]);
	free(w.cell);
	free(w.table);
	free(w.at);
	free(w.slew);
	free(w.load);
	free(w.cap);
	free(w.toggles);
}

#endif
