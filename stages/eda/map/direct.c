/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/eda/map/direct.h"

#include "artifacts/netlist/cells.h"
#include "stages/eda/tools/cells.h"

static int
place(struct ax_netlist *net, const struct ax_liberty *lib, const bool *keep,
      bool gates, bool ties, struct ax_err *err)
{
	for (size_t i = 0; i < net->nodes; i++) {
		struct ax_node *n = &net->node[i];
		bool tie = n->kind == AX_CONST0 || n->kind == AX_CONST1;
		const struct ax_lib_cell *c;

		if (n->cell || n->kind == AX_BUF || (tie ? !ties : !gates))
			continue;
		c = ax_cells_of_kind(lib, (enum ax_gate)n->kind,
				     tie ? NULL : keep);
		if (!c && tie)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "library %s has no tie cell for "
					  "constant %d; without parameter ties "
					  "constants are assigns",
					  lib->name, n->kind == AX_CONST1);
		if (!c)
			return ax_err_set(
				err, AX_EXIT_STAGE,
				"the cells chosen from library %s have none "
				"for %s, which the netlist uses; name one in "
				"parameter cells, or use mode 'abc'",
				lib->name, ax_gate_name((enum ax_gate)n->kind));
		n->cell = ax_netlist_use_cell(net, c);
		n->pin = 0;
		n->inst = ++net->insts;
	}
	return 0;
}

int
ax_map_direct(struct ax_netlist **out, const struct ax_netlist *net,
	      const struct ax_liberty *lib, const bool *keep, bool ties,
	      struct ax_err *err)
{
	struct ax_netlist *copy = ax_netlist_copy(net);

	if (place(copy, lib, keep, true, ties, err) < 0) {
		ax_netlist_free(copy);
		return -1;
	}
	*out = copy;
	return 0;
}

int
ax_map_ties(struct ax_netlist *net, const struct ax_liberty *lib,
	    struct ax_err *err)
{
	return place(net, lib, NULL, false, true, err);
}
