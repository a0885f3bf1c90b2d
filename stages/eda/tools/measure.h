/* SPDX-License-Identifier: Apache-2.0 */
/* The figures that stages making a netlist of library cells leave. */
#ifndef AX_EDA_MEASURE_H
#define AX_EDA_MEASURE_H

#include "artifacts/netlist/netlist.h"
#include "stages/kit/kit.h"

/*
 * Metrics cells.<name> and cell_count (instances), gates.<KIND> (by function;
 * CELL: none of the named ones), area in the library's unit (null when a cell
 * states none), transistors, depth. Only what an output can see counts.
 */
int ax_measure_metrics(struct ax_task *t, const struct ax_netlist *net,
		       struct ax_err *err);
/* Sum of the areas of the cell instances without float noise: each kind's area
 * times its number, to 6 decimals. Negative when one is unknown. */
double ax_measure_area(const struct ax_netlist *net);
/* How many instances there are of each library cell: net->cells numbers. */
void ax_measure_cells(const struct ax_netlist *net, size_t *count);

#endif
