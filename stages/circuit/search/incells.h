/* SPDX-License-Identifier: Apache-2.0 */
/* A result by the cells of its cover, as it is written. */
#ifndef AX_SEARCH_INCELLS_H
#define AX_SEARCH_INCELLS_H

#include "artifacts/netlist/cover.h"

/*
 * The netlist, of named kinds, as a cover by cells of `lib`, and as structural
 * Verilog added to `text`, which is read back and proven equal on all patterns.
 * Caller frees *out.
 */
int ax_in_cells(struct ax_netlist **out, struct ax_str *text,
		const struct ax_netlist *net, const struct ax_cover_cells *k,
		const struct ax_liberty *lib, struct ax_pool *pool,
		struct ax_err *err);

#endif
