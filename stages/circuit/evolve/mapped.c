/* SPDX-License-Identifier: Apache-2.0 */
/* The output `mapped`: the result by the cells that its area was counted in. */
#include "artifacts/base/io.h"
#include "artifacts/liberty.h"
#include "stages/circuit/evolve/evolve.h"
#include "stages/circuit/search/incells.h"

/* Returns the sum of their areas. */
static double
count_cells(struct ax_task *t, const struct ax_netlist *net)
{
	size_t *n = ax_calloc(net->cells + 1, sizeof(*n)), all = 0;
	double area = 0;
	struct ax_str name = AX_STR_INIT;
	uint32_t *of = ax_calloc(net->insts + 1, sizeof(*of));

	for (size_t j = 0; j < net->nodes; j++)
		if (net->node[j].cell)
			of[net->node[j].inst] = net->node[j].cell;
	for (uint32_t i = 1; i <= net->insts; i++)
		if (of[i]) {
			n[of[i] - 1]++;
			all++;
		}
	for (size_t c = 0; c < net->cells; c++) {
		ax_str_clear(&name);
		ax_str_addf(&name, "cells.%s", net->cell[c].name);
		ax_task_metric_int(t, name.buf, (int64_t)n[c]);
		area += (double)n[c] * net->cell[c].area;
	}
	ax_task_metric_int(t, "cell_count", (int64_t)all);
	ax_str_free(&name);
	free(of);
	free(n);
	return area;
}

int
evolve_mapped(struct evolve *e, const struct ax_cover_cells *cells,
	      bool by_transistors, struct ax_err *err)
{
	struct ax_netlist *net =
		e->model ? ax_circuit_to_netlist_like(&e->best, e->model)
			 : ax_circuit_to_netlist(&e->best, e->wa, e->wb);
	struct ax_netlist *mapped = NULL;
	struct ax_str text = AX_STR_INIT;
	struct ax_liberty lib;
	double area;
	int rc;

	rc = ax_liberty_load(&lib, ax_task_in(e->task, "liberty"), err);
	if (rc == 0) {
		rc = ax_in_cells(&mapped, &text, net, cells, &lib,
				 ax_task_pool(e->task), err);
		ax_liberty_free(&lib);
	}
	if (rc == 0) {
		area = count_cells(e->task, mapped);
		/* a search by transistors had none but that of the gates */
		if (by_transistors)
			ax_task_metric_num(e->task, "area", area);
		rc = ax_write_plain(ax_task_out(e->task, "mapped"), text.buf,
				    text.len, err);
	}
	ax_netlist_free(mapped);
	ax_netlist_free(net);
	ax_str_free(&text);
	return rc < 0 ? ax_err_wrap(err, "output mapped") : 0;
}
