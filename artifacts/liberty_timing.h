/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a cell of a Liberty library delays and spends: the tables (NLDM) of its
 * timing and internal_power groups. They are read for a few cells when asked,
 * because they are most of a library's bytes.
 */
#ifndef AX_LIBERTY_TIMING_H
#define AX_LIBERTY_TIMING_H

#include "artifacts/liberty.h"

/* Values by input slew (x, ns) and load (y, pF), both ascending; a quantity
 * that does not depend on one of them has one column or row. */
struct ax_lib_table {
	unsigned nx, ny; /* 0: there is no table */
	double *x, *y;
	double *v; /* [nx][ny] */
};

/* Bilinear; beyond the ends the last two columns or rows go on. */
double ax_lib_table_at(const struct ax_lib_table *t, double slew, double load);

/* Edges. */
enum { AX_FALL, AX_RISE };

struct ax_lib_arc {
	unsigned in, out;             /* pins of the cell */
	bool via[2][2];               /* [edge of in][edge of out] */
	struct ax_lib_table delay[2]; /* ns, by the edge of out */
	struct ax_lib_table slew[2];  /* ns, between the library's
					 thresholds, as its x are */
};

/* Energy that an edge of `out` takes inside the cell when `in` caused it, pJ.
 * in = out: whatever caused it, or (for an input) of the pin alone. */
struct ax_lib_power {
	unsigned in, out;
	struct ax_lib_table energy[2];
};

struct ax_lib_tables {
	struct ax_lib_arc *arc;
	size_t arcs;
	struct ax_lib_power *power;
	size_t powers;
};

/*
 * Reads the tables of n cells of the library; out[i] belongs to cell[i]. Only
 * combinational arcs count; groups that hold under a condition (`when`) are
 * arcs of their own. Errors read "name:line: ...".
 */
int ax_liberty_tables(struct ax_lib_tables *out, const struct ax_liberty *lib,
		      const struct ax_lib_cell *const *cell, size_t n,
		      struct ax_err *err);
void ax_lib_tables_free(struct ax_lib_tables *t);
/* The library's unit of capacitance in pF; error when it is not understood. */
int ax_liberty_picofarads(double *out, const struct ax_liberty *lib,
			  struct ax_err *err);

#endif
