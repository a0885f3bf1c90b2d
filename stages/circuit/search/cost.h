/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a circuit costs, and what it may cost: transistors, area, delay and
 * switching energy, one of them the objective, each of them bounded if asked.
 */
#ifndef AX_SEARCH_COST_H
#define AX_SEARCH_COST_H

#include "artifacts/netlist/cover.h"
#include "stages/circuit/search/activity.h"
#include "stages/circuit/search/timer.h"

enum ax_cost_of {
	AX_COST_GATES,  /* a sum over gates: transistors, area */
	AX_COST_COVER,  /* what a cover by larger cells has of either */
	AX_COST_DELAY,  /* and a little for each transistor */
	AX_COST_ENERGY, /* of an operation */
};

/* Unit of cost, fs, and what a transistor counts in it, when the delay is the
 * objective: else nothing would keep circuits from growing beside their
 * slowest path. */
#define AX_COST_NS 1e6
#define AX_COST_NS_TRANSISTOR 200
/* Unit of cost, aJ, when the energy is. */
#define AX_COST_PJ 1e6

struct ax_cost {
	/* of a gate; of delay and energy what stands for it in the choice of a
	 * replacement, before its figures are known */
	struct ax_costs gate;
	double doubt; /* how far that may be from the truth, about */
	double grain; /* a cost of `grain` is 1 in the unit of the report */
	enum ax_cost_of of;
	const struct ax_cells *cells; /* NULL: only transistors */
	/* areas, or transistors, are those of a cover by these, and so are
	 * delays and energies (`cells` widened); NULL: those of the gates */
	const struct ax_cover_cells *cover;
	bool covers_transistors;
	const struct ax_activity *activity; /* for energies */
	struct {
		double transistors, area, delay, energy; /* INFINITY: none */
	} most;
};

/* Transistors, no bounds. */
extern const struct ax_cost ax_cost_transistors;

struct ax_figures {
	int64_t transistors;
	double area, delay, energy; /* of the library; ns; pJ an operation */
	double over;                /* how far bounds are broken; 0: kept */
	int64_t cost;               /* very large when a bound is broken */
	int64_t soft; /* the same with a price on what breaks a bound, for the
			 way to where none is */
};

/* Costs above this are those of circuits that break a bound. */
#define AX_COST_BROKEN ((int64_t)1 << 50)

/* pJ of an operation in which signal s toggles toggles[s] times; in the cells
 * of a cover. */
double ax_cost_energy(const struct ax_cells *l, const struct ax_circuit *c,
		      const double *toggles);
double ax_cost_energy_cells(const struct ax_cells *l,
			    const struct ax_circuit *c,
			    const struct ax_cover_node *node,
			    const double *toggles);
/* What a gate with a transistor's worth of cells spends, about, by typical
 * signals: pJ. */
double ax_cost_typical(const struct ax_cells *k, enum ax_g g);
/* True when a circuit costs the sum over its gates and nothing is bounded. */
bool ax_cost_is_plain(const struct ax_cost *k);
bool ax_cost_needs_delay(const struct ax_cost *k);
bool ax_cost_needs_energy(const struct ax_cost *k);
/* All figures that the cost's data allows; what it does not is 0. */
void ax_cost_measure(const struct ax_cost *k, const struct ax_problem *p,
		     const struct ax_circuit *c, struct ax_figures *out);

/* What a transistor is worth in the unit of cost, on average. */
double ax_cost_scale(const struct ax_costs *k);
/* The cost in the unit of the report: transistors, area, ns or pJ. */
double ax_cost_value(const struct ax_cost *k, const struct ax_circuit *c,
		     const struct ax_figures *f);

/* The figures of one circuit, kept from change to change. */
struct ax_gauge;

struct ax_gauge *ax_gauge_new(const struct ax_cost *k);
void ax_gauge_free(struct ax_gauge *g);
/* `toggles` by signal; NULL where energies are not needed. */
const struct ax_figures *ax_gauge_set(struct ax_gauge *g,
				      const struct ax_circuit *c,
				      const double *toggles);
/* Of what may come after c (timer.h). Without `toggles` the energy is taken to
 * be as it was, and the cost is the least there can be for want of it. */
const struct ax_figures *ax_gauge_try(struct ax_gauge *g,
				      const struct ax_circuit *c,
				      const struct ax_circuit *next,
				      const uint16_t *place);
const struct ax_figures *ax_gauge_try_energy(struct ax_gauge *g,
					     const struct ax_circuit *next,
					     const double *toggles);
void ax_gauge_take(struct ax_gauge *g, const struct ax_circuit *next);
const struct ax_figures *ax_gauge_now(const struct ax_gauge *g);
/* Whether the circuit tried may follow: the cost rises by at most `rise`, and
 * kept bounds stay kept. */
bool ax_gauge_good(const struct ax_gauge *g, double rise);
/* What counts of a circuit that comes next, or is there, in such comparisons.
 */
int64_t ax_gauge_cost(const struct ax_gauge *g, const struct ax_figures *f);
/*
 * What a replacement for `sig` would do to the cost by its delay alone, if it
 * comes at `late` less `margin`: 0 in most cases, below that where it is on the
 * slowest path and delay counts, INFINITY where it would break a bound.
 */
double ax_gauge_late(const struct ax_gauge *g, unsigned sig, double late,
		     double margin);
/* NULL when delays do not matter. */
const struct ax_timer *ax_gauge_timer(const struct ax_gauge *g);
/* The most that a replacement of `sig` can gain that way. */
double ax_gauge_gain(const struct ax_gauge *g, unsigned sig);

#endif
