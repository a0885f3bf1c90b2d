/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library cell of each gate, as the stage `map` places it (the smallest of
 * its function), and what the searches need of its tables.
 */
#ifndef AX_SEARCH_CELLS_H
#define AX_SEARCH_CELLS_H

#include "artifacts/liberty_timing.h"
#include "stages/circuit/search/circuit.h"

/* Energies inside a cell are taken at this slew (ns) and load (pF). */
#define AX_CELLS_SLEW 0.3
#define AX_CELLS_LOAD 0.02

/* From an edge of a pin to an edge of the output. */
struct ax_cell_arc {
	uint8_t pin, from, to;
	bool one;                        /* delay and slew have the same axes */
	struct ax_lib_table delay, slew; /* borrowed */
};

struct ax_cells {
	struct {
		char *name;  /* NULL: the library has none */
		double area; /* in the library's unit */
		/* of each pin, aF (1e-6 pF), so that sums are exact in any
		 * order; and what it is for a fall, for a rise */
		int64_t cap[2], edge[2][2];
		struct ax_cell_arc *arc;
		unsigned arcs;
		double inner;  /* pJ in the cell when its output toggles: mean
				  over causes and edges */
		double pin[2]; /* ... when a pin toggles */
	} gate[AX_G_KINDS];
	double volts;
	/* around the circuit, as the stage sta has it */
	double arrival; /* of all operands, ns; their slew is 0 */
	int64_t load;   /* on each result bit, aF */

	struct ax_lib_tables *tables;
	size_t n;
};

/* `timed`: delays and energies are wanted too, not only areas. */
int ax_cells_init(struct ax_cells *k, const struct ax_liberty *lib, bool timed,
		  double arrival, double load, struct ax_err *err);
void ax_cells_free(struct ax_cells *k);

#endif
