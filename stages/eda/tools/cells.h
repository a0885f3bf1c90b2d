/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which cells of a library a stage may use, chosen by name or by function, and
 * the forms that other programs want them in.
 */
#ifndef AX_EDA_CELLS_H
#define AX_EDA_CELLS_H

#include <jansson.h>

#include "artifacts/base/base.h"
#include "artifacts/liberty.h"
#include "artifacts/netlist/netlist.h"

/*
 * The library's cell for a named kind (INV, BUF, the two-input kinds,
 * constants): combinational, one output, not marked dont_use, smallest area;
 * among equals the shortest name, then the first in byte order (so that inv_1
 * is found before clkinv_1). `allow` (may be NULL) limits the choice. NULL
 * when there is none.
 */
const struct ax_lib_cell *ax_cells_of_kind(const struct ax_liberty *lib,
					   enum ax_gate kind,
					   const bool *allow);
/*
 * The choice of a manifest: `names` is a list of cell names and globs, each of
 * which must fit at least one cell; NULL or an empty list means the seven
 * functions INV NAND AND OR XOR XNOR NOR, each by ax_cells_of_kind. Fills
 * keep[0..lib->cells). Cells that are chosen by a glob but are not
 * combinational are left out; by name they are an error.
 */
int ax_cells_choose(bool *keep, const struct ax_liberty *lib,
		    const json_t *names, struct ax_err *err);
/*
 * Can ABC map to the chosen cells? It dies, without a word, when there is no
 * inverter or nothing but inverters and exclusive-ors.
 */
int ax_cells_complete(const struct ax_liberty *lib, const bool *keep,
		      struct ax_err *err);
/*
 * The chosen cells as a genlib file: name, cost, function of each output, and
 * unit delays. The cost is the area, or the transistor estimate. Cells of more
 * than one output are left out, because ABC's mappers place none of them.
 */
int ax_cells_genlib(struct ax_str *out, const struct ax_liberty *lib,
		    const bool *keep, bool transistors, struct ax_err *err);

#endif
