/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library cell of each gate, as the stage `map` places it (the smallest of
 * its function), or the cells that a cover may place, and what the searches
 * need of their tables.
 */
#ifndef AX_SEARCH_CELLS_H
#define AX_SEARCH_CELLS_H

#include "artifacts/liberty_timing.h"
#include "artifacts/netlist/cover.h"
#include "stages/circuit/search/circuit.h"

/* Energies inside a cell are taken at this slew (ns) and load (pF). */
#define AX_CELLS_SLEW 0.3
#define AX_CELLS_LOAD 0.02

/* Units of capacitance, pF: of the gates' cells, of those of covers. */
#define AX_CELLS_AF 1e-6
#define AX_CELLS_ZF 1e-9

/* From an edge of a pin to an edge of an output. */
struct ax_cell_arc {
	uint8_t pin, from, to;
	bool one;                        /* delay and slew have the same axes */
	struct ax_lib_table delay, slew; /* borrowed */
};

struct ax_cell {
	char *name;  /* NULL: the library has none */
	double area; /* in the library's unit */
	/* of each pin in whole units, so that sums are exact in any order; and
	 * what it is for a fall, for a rise */
	int64_t cap[3], edge[3][2];
	struct ax_cell_arc *arc;
	/* those to output o are arc[o ? arcs[0] : 0 ..], arcs[o] of them */
	unsigned arcs[2];
	double inner[2]; /* pJ in the cell when an output toggles: mean over
			  * causes and edges */
	double pin[3];   /* ... when a pin toggles */
};

struct ax_cells {
	struct ax_cell gate[AX_G_KINDS];
	/* by their index in the library, those of a cover; NULL: none asked
	 * for */
	struct ax_cell *wide;
	size_t library; /* how many cells that has */
	double volts;
	/* around the circuit, as the stage sta has it */
	double arrival;          /* of all operands, ns; their slew is 0 */
	int64_t load, wide_load; /* on each result bit, in either unit */

	struct ax_lib_tables *tables, *wide_tables;
	size_t n, wides;
};

/* `timed`: delays and energies are wanted too, not only areas. */
int ax_cells_init(struct ax_cells *k, const struct ax_liberty *lib, bool timed,
		  double arrival, double load, struct ax_err *err);
/* Adds those that a cover may place, of the same library, where k is timed;
 * error when one of them has no delays. */
int ax_cells_widen(struct ax_cells *k, const struct ax_liberty *lib,
		   const struct ax_cover_cells *cover, struct ax_err *err);
void ax_cells_free(struct ax_cells *k);

#endif
