/* SPDX-License-Identifier: Apache-2.0 */
/* Stage lut: table and metrics of a circuit, or of a table. */
#include <math.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/liberty.h"
#include "artifacts/lut.h"
#include "artifacts/lut_operands.h"
#include "artifacts/netlist/netlist.h"
#include "stages/circuit/lut/crosscheck.h"
#include "stages/kit/kit.h"

static void
circuit_metrics(struct ax_task *t, struct ax_netlist *net)
{
	size_t count[AX_GATE_KINDS], gates = 0;
	double area;

	ax_netlist_prune(net);
	ax_netlist_count(net, count);
	for (int k = 0; k < AX_GATE_KINDS; k++) {
		char name[32];

		if (count[k] == 0)
			continue;
		snprintf(name, sizeof(name), "cells.%s",
			 ax_gate_name((enum ax_gate)k));
		ax_task_metric_int(t, name, (int64_t)count[k]);
		if (k > AX_BUF)
			gates += count[k];
	}
	ax_task_metric_int(t, "gates", (int64_t)gates);
	ax_task_metric_int(t, "transistors", ax_netlist_transistors(net));
	ax_task_metric_int(t, "depth", ax_netlist_depth(net));
	area = ax_netlist_area(net);
	if (area >= 0 && ax_task_in(t, "liberty"))
		ax_task_metric_num(t, "area", area);
}

static int
read_circuit(struct ax_task *t, struct ax_lut *lut, struct ax_err *err)
{
	struct ax_liberty lib = {0};
	struct ax_netlist *net = NULL;
	struct ax_str warn = AX_STR_INIT;
	const char *library = ax_task_in(t, "liberty");
	int rc = 0;

	if (library)
		rc = ax_liberty_load(&lib, library, err);
	if (rc == 0)
		rc = ax_netlist_load(&net, ax_task_in(t, "netlist"),
				     AX_NET_AUTO, library ? &lib : NULL, &warn,
				     err);
	if (warn.len)
		fputs(warn.buf, stderr);
	ax_str_free(&warn);
	if (rc == 0)
		rc = ax_lut_from_netlist(
			lut, net, ax_task_bool(t, "signed"),
			ax_task_str(t, "a"), ax_task_str(t, "b"),
			ax_task_str(t, "out"), ax_task_pool(t), err);
	if (rc == 0 && ax_task_bool(t, "crosscheck"))
		rc = ax_lut_crosscheck(t, net, lut, err);
	if (rc == 0)
		circuit_metrics(t, net);
	if (rc < 0 && lut->v)
		ax_lut_free(lut);
	ax_netlist_free(net);
	if (library)
		ax_liberty_free(&lib);
	return rc;
}

static void
error_metrics(struct ax_task *t, const struct ax_lut_metrics *m)
{
	ax_task_metric_int(t, "pairs", (int64_t)m->pairs);
	ax_task_metric_int(t, "wrong", (int64_t)m->wrong);
	ax_task_metric_num(t, "er", m->er);
	ax_task_metric_num(t, "er_percent", 100.0 * m->er);
	ax_task_metric_num(t, "mae", m->mae);
	ax_task_metric_num(t, "med", m->mae);
	ax_task_metric_num(t, "mae_percent", m->mae_percent);
	ax_task_metric_num(t, "nmed", m->nmed);
	ax_task_metric_num(t, "nmed_range", m->nmed_range);
	ax_task_metric_int(t, "wce", (int64_t)m->wce);
	ax_task_metric_int(t, "wce_a", m->wce_a);
	ax_task_metric_int(t, "wce_b", m->wce_b);
	ax_task_metric_num(t, "rwce", m->rwce);
	ax_task_metric_num(t, "wce_percent", m->wce_percent);
	ax_task_metric_num(t, "mre", m->mre);
	ax_task_metric_num(t, "mre_percent", 100.0 * m->mre);
	ax_task_metric_num(t, "wcre", m->wcre);
	ax_task_metric_num(t, "wcre_percent", 100.0 * m->wcre);
	ax_task_metric_num(t, "mse", m->mse);
	ax_task_metric_num(t, "smape", m->smape);
	ax_task_metric_num(t, "bias", m->bias);
	ax_task_metric_int(t, "sum_abs", (int64_t)m->sum_abs);
	if (m->sum_sq <= INT64_MAX)
		ax_task_metric_int(t, "sum_sq", (int64_t)m->sum_sq);
	else
		ax_task_metric_num(t, "sum_sq", (double)m->sum_sq);
	ax_task_metric_int(t, "sum", m->sum);
	ax_task_metric_int(t, "max_exact", (int64_t)m->max_abs);
	ax_task_metric_int(t, "at_zero", m->at_zero);
	ax_task_metric_num(t, "mean_zero_a", m->mean_zero_a);
	ax_task_metric_num(t, "mean_zero_b", m->mean_zero_b);
	ax_task_metric_json(t, "zero_exact", json_boolean(m->zero_exact));
	ax_task_metric_json(t, "commutative", json_boolean(m->commutative));
}

static json_t *
weighted(const struct ax_lut_weighted *w)
{
	json_t *o = json_object();
	const struct {
		const char *name;
		double value;
	} all[] = {{"mae", w->mae},           {"bias", w->bias},
		   {"mse", w->mse},           {"noise", w->noise},
		   {"coherent", w->coherent}, {"at_zero", w->at_zero}};

	/* JSON has no infinity: null */
	for (size_t i = 0; i < AX_LEN(all); i++)
		json_object_set_new(o, all[i].name,
				    isfinite(all[i].value)
					    ? json_real(all[i].value)
					    : json_null());
	return o;
}

/* What the operands of the input `histogram` see of the errors. */
static int
operand_metrics(struct ax_task *t, const struct ax_lut *lut,
		const struct ax_lut *exact, struct ax_err *err)
{
	struct ax_histogram h;
	struct ax_lut_weighted all, *layers;
	json_t *list, *o;
	int rc;

	if (ax_histogram_load(&h, ax_task_in(t, "histogram"), err) < 0)
		return ax_err_wrap(err, "input 'histogram'");
	layers = ax_calloc(h.n, sizeof(*layers));
	rc = ax_lut_measure_operands(&all, layers, lut, exact, &h, err);
	if (rc == 0) {
		list = json_array();
		for (size_t i = 0; i < h.n; i++) {
			o = weighted(&layers[i]);
			json_object_set_new(o, "name",
					    json_string(h.layers[i].name));
			json_array_append_new(list, o);
		}
		ax_task_metric_json(t, "operands", weighted(&all));
		ax_task_metric_json(t, "operand_layers", list);
	}
	free(layers);
	ax_histogram_free(&h);
	return rc;
}

static int
write_tables(struct ax_task *t, const struct ax_lut *lut,
	     const struct ax_lut *exact, struct ax_err *err)
{
	struct ax_str text = AX_STR_INIT;
	int rc;

	ax_lut_write_csv(&text, lut);
	rc = ax_write_plain(ax_task_out(t, "csv"), text.buf, text.len, err);
	ax_str_clear(&text);
	if (rc == 0)
		rc = ax_lut_write_npy(&text, lut, err);
	if (rc == 0)
		rc = ax_write_plain(ax_task_out(t, "npy"), text.buf, text.len,
				    err);
	ax_str_clear(&text);
	if (rc == 0)
		rc = ax_lut_write_histogram(&text, lut, exact, err);
	if (rc == 0)
		rc = ax_write_plain(ax_task_out(t, "histogram"), text.buf,
				    text.len, err);
	ax_str_free(&text);
	return rc;
}

int
ax_stage_run(struct ax_task *t, struct ax_err *err)
{
	const char *netlist = ax_task_in(t, "netlist");
	const char *table = ax_task_in(t, "table");
	const char *reference = ax_task_in(t, "reference");
	enum ax_lut_op op =
		ax_streq(ax_task_str(t, "op"), "mul") ? AX_LUT_MUL : AX_LUT_ADD;
	bool sign = ax_task_bool(t, "signed");
	struct ax_lut lut = {0}, exact = {0};
	struct ax_lut_metrics m;
	int rc;

	if (!netlist == !table)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "stage lut wants one of the inputs netlist "
				  "and table, and has %s; wire one of them",
				  netlist ? "both" : "neither");
	if (table && ax_task_bool(t, "crosscheck"))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "crosscheck needs a netlist; a table has "
				  "nothing to simulate");
	ax_task_metric_str(t, "crosscheck", "not run");
	rc = netlist ? read_circuit(t, &lut, err)
		     : ax_lut_load(&lut, table, sign, err);
	if (rc < 0)
		return -1;
	rc = reference ? ax_lut_load(&exact, reference, sign, err)
		       : ax_lut_exact(&exact, op, lut.n, lut.m, sign, err);
	if (rc == 0)
		rc = ax_lut_measure(&m, &lut, &exact, op, err);
	if (rc == 0) {
		error_metrics(t, &m);
		if (ax_task_in(t, "histogram"))
			rc = operand_metrics(t, &lut, &exact, err);
	}
	if (rc == 0)
		rc = write_tables(t, &lut, &exact, err);
	ax_lut_free(&lut);
	ax_lut_free(&exact);
	return rc;
}
