/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/eda/tools/measure.h"

#include "stages/eda/tools/tool.h"

void
ax_measure_cells(const struct ax_netlist *net, size_t *count)
{
	uint8_t *seen = ax_calloc((size_t)net->insts + 1, 1);

	memset(count, 0, net->cells * sizeof(*count));
	for (size_t i = 0; i < net->nodes; i++) {
		const struct ax_node *n = &net->node[i];

		if (!n->cell ||
		    (n->inst && n->inst <= net->insts && seen[n->inst]++))
			continue;
		count[n->cell - 1]++;
	}
	free(seen);
}

double
ax_measure_area(const struct ax_netlist *net)
{
	size_t *count = ax_calloc(net->cells + 1, sizeof(*count));
	double area = 0;

	ax_measure_cells(net, count);
	for (size_t i = 0; i < net->cells && area >= 0; i++)
		if (count[i])
			area = net->cell[i].area < 0
				       ? -1
				       : area + net->cell[i].area *
							 (double)count[i];
	free(count);
	return area < 0 ? -1 : ax_tool_round(area, 6);
}

int
ax_measure_metrics(struct ax_task *t, const struct ax_netlist *net,
		   struct ax_err *err)
{
	struct ax_netlist *live = ax_netlist_copy(net);
	size_t kinds[AX_GATE_KINDS], total = 0, *count;
	double area;
	char *name;

	if (ax_netlist_check(live, err) < 0) {
		ax_netlist_free(live);
		return ax_err_wrap(err, "the mapped netlist is damaged");
	}
	ax_netlist_prune(live);
	count = ax_calloc(live->cells + 1, sizeof(*count));
	ax_measure_cells(live, count);
	ax_task_metric_json(t, "cells", json_object());
	for (size_t i = 0; i < live->cells; i++) {
		if (!count[i])
			continue;
		name = ax_asprintf("cells.%s", live->cell[i].name);
		/* a dot would open another level */
		for (char *p = name + 6; *p; p++)
			if (*p == '.')
				*p = '_';
		ax_task_metric_int(t, name, (int64_t)count[i]);
		free(name);
		total += count[i];
	}
	ax_task_metric_int(t, "cell_count", (int64_t)total);
	ax_netlist_count(live, kinds);
	for (int k = 0; k < AX_GATE_KINDS; k++) {
		name = ax_asprintf("gates.%s", ax_gate_name((enum ax_gate)k));
		ax_task_metric_int(t, name, (int64_t)kinds[k]);
		free(name);
	}
	area = ax_measure_area(live);
	if (area < 0)
		ax_task_metric_json(t, "area", json_null());
	else
		ax_task_metric_num(t, "area", area);
	ax_task_metric_int(t, "transistors", ax_netlist_transistors(live));
	ax_task_metric_int(t, "depth", ax_netlist_depth(live));
	free(count);
	ax_netlist_free(live);
	return 0;
}
