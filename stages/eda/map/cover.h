/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gates merged into larger cells: a cover of the netlist, as it stands, by
 * library cells of one to three inputs (AOI, OAI, MUX, majority and what else
 * the library has), then by cells of several outputs (full and half adders)
 * where that is cheaper. The structure is that of the input: no logic is
 * invented.
 */
#ifndef AX_EDA_COVER_H
#define AX_EDA_COVER_H

#include "artifacts/liberty.h"
#include "artifacts/netlist/netlist.h"

/*
 * Cuts of three leaves, area flow, then exact area (Mishchenko, Chatterjee,
 * Brayton, "Improvements to technology mapping for LUT-based FPGAs", IEEE
 * Trans. CAD 2007; Cong, Wu, Ding, "Cut ranking and pruning", FPGA 1999).
 * `net`: named kinds only. `transistors`: they are to be few, else the area is
 * to be small. Constants and wires get no cell. Caller frees *out.
 */
int ax_map_cover(struct ax_netlist **out, const struct ax_netlist *net,
		 const struct ax_liberty *lib, const bool *keep,
		 bool transistors, struct ax_err *err);

#endif
