/* SPDX-License-Identifier: Apache-2.0 */
/* Gate for gate: each node the smallest cell of its function. */
#ifndef AX_EDA_DIRECT_H
#define AX_EDA_DIRECT_H

#include "artifacts/liberty.h"
#include "artifacts/netlist/netlist.h"

/*
 * A copy of `net` (named kinds only) in which every gate has a cell of `lib`
 * among those in `keep`. With `ties` constants get tie cells, chosen from the
 * whole library; without, they and wires have no cell. Caller frees *out.
 */
int ax_map_direct(struct ax_netlist **out, const struct ax_netlist *net,
		  const struct ax_liberty *lib, const bool *keep, bool ties,
		  struct ax_err *err);
/* Tie cells for the constants of a netlist that has cells already. */
int ax_map_ties(struct ax_netlist *net, const struct ax_liberty *lib,
		struct ax_err *err);

#endif
