/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a circuit costs: a number for each gate (transistors, or the area of the
 * smallest library cell of its function), and a static estimate of its delay.
 */
#ifndef AX_SEARCH_COST_H
#define AX_SEARCH_COST_H

#include "stages/circuit/search/circuit.h"

/* A gate's delay rises with what it drives: base + slope * load. */
struct ax_gate_delay {
	double base, slope; /* worst of pins and edges */
	double cap;         /* of an input */
};

struct ax_cost {
	struct ax_costs gate;
	double grain; /* a cost of `grain` is 1 in the unit of the report */
	bool timed;   /* delays are known */
	struct ax_gate_delay delay[AX_G_KINDS];
	double load; /* on each output of the circuit */
};

/* Arrival of each signal at `at` (ins + n numbers) and the latest output. */
double ax_cost_delay(const struct ax_cost *k, const struct ax_circuit *c,
		     double *at);

#endif
