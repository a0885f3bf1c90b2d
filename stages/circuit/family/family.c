/* SPDX-License-Identifier: Apache-2.0 */
/* Stage family: a circuit by construction, its errors by formula and as they
 * are. */
#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/netlist/sim.h"
#include "stages/circuit/structures/structures.h"
#include "stages/kit/kit.h"

static int
read_shape(struct ax_shape *s, struct ax_task *t, struct ax_err *err)
{
	const char *constant = ax_task_str(t, "constant");

	s->family = ax_shape_parse(ax_task_str(t, "family"));
	s->wa = (unsigned)ax_task_int(t, "width_a");
	s->wb = (unsigned)ax_task_int(t, "width_b");
	s->wc = (unsigned)ax_task_int(t, "addend");
	s->sign = ax_task_bool(t, "signed");
	s->k = (unsigned)ax_task_int(t, "k");
	s->h = (unsigned)ax_task_int(t, "h");
	s->tree = ax_shape_tree_parse(ax_task_str(t, "tree"));
	s->adder = ax_shape_adder_parse(ax_task_str(t, "adder"));
	if (ax_shape_is_sum(s->family) && s->wc)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "addend: family %s makes sums; an addend is "
				  "for products",
				  ax_shape_name(s->family));
	s->op = ax_shape_is_sum(s->family) ? AX_SHAPE_ADD
		: s->wc                    ? AX_SHAPE_MAC
					   : AX_SHAPE_MUL;
	if (ax_shape_check(s, err) < 0)
		return -1;
	if (ax_streq(constant, "mean"))
		s->add = ax_shape_mean_constant(s);
	else if (ax_streq(constant, "half"))
		s->add = ax_shape_half_constant(s);
	else if (ax_streq(constant, "value"))
		s->add = (uint64_t)ax_task_int(t, "value");
	if (ax_task_int(t, "value") && !ax_streq(constant, "value"))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "value: is used with constant \"value\", "
				  "which is \"%s\"",
				  constant);
	return ax_shape_check(s, err);
}

static int
write_one(struct ax_task *t, const char *output,
	  int (*write)(struct ax_str *, const struct ax_netlist *,
		       struct ax_err *),
	  const struct ax_netlist *net, struct ax_err *err)
{
	struct ax_str text = AX_STR_INIT;
	int rc = write(&text, net, err);

	if (rc == 0)
		rc = ax_write_plain(ax_task_out(t, output), text.buf, text.len,
				    err);
	ax_str_free(&text);
	return rc;
}

static int
write_blif(struct ax_str *out, const struct ax_netlist *net, struct ax_err *err)
{
	return ax_netlist_write_blif(out, net, false, err);
}

static int
write_all(struct ax_task *t, const struct ax_netlist *net, struct ax_err *err)
{
	if (write_one(t, "netlist", ax_netlist_write_json, net, err) < 0 ||
	    write_one(t, "blif", write_blif, net, err) < 0 ||
	    write_one(t, "verilog", ax_netlist_write_verilog, net, err) < 0)
		return -1;
	return write_one(t, "txt", ax_netlist_write_txt, net, err);
}

static int64_t
value(uint64_t bits, unsigned width, bool sign)
{
	bits &= ((uint64_t)1 << width) - 1;
	return sign && bits >> (width - 1) & 1
		       ? (int64_t)bits - ((int64_t)1 << width)
		       : (int64_t)bits;
}

static int
measure(struct ax_task *t, const struct ax_shape *s,
	const struct ax_netlist *net, struct ax_err *err)
{
	unsigned width = ax_shape_width(s);
	uint64_t wrong = 0, wce = 0, abs = 0, largest = 0;
	size_t n = (size_t)1 << net->inputs;
	int64_t sum = 0, exact, e;
	double wcre = 0, pairs = (double)n;
	__int128 square = 0;
	uint32_t *table;
	struct ax_sim *sim;
	int rc;

	if (net->inputs > AX_SIM_MAX_INPUTS) {
		ax_task_metric_int(t, "pairs", 0);
		return 0;
	}
	if (ax_sim_new(&sim, net, err) < 0)
		return -1;
	table = ax_calloc(n, sizeof(*table));
	rc = ax_sim_table(sim, ax_task_pool(t), 0, width, table, err);
	for (size_t p = 0; p < n && rc == 0; p++) {
		int64_t a = value(p, s->wa, s->sign);
		int64_t b = value(p >> s->wa, s->wb, s->sign);

		exact = s->op == AX_SHAPE_ADD ? a + b : a * b;
		if (s->op == AX_SHAPE_MAC)
			exact += value(p >> (s->wa + s->wb), s->wc, s->sign);
		e = value(table[p], width, s->sign) - exact;
		sum += e;
		square += (__int128)e * e;
		wrong += e != 0;
		e = e < 0 ? -e : e;
		exact = exact < 0 ? -exact : exact;
		abs += (uint64_t)e;
		wce = AX_MAX(wce, (uint64_t)e);
		largest = AX_MAX(largest, (uint64_t)exact);
		if (exact)
			wcre = AX_MAX(wcre, (double)e / (double)exact);
	}
	free(table);
	ax_sim_free(sim);
	if (rc < 0)
		return -1;
	ax_task_metric_int(t, "pairs", (int64_t)n);
	ax_task_metric_int(t, "wrong", (int64_t)wrong);
	ax_task_metric_num(t, "er", (double)wrong / pairs);
	ax_task_metric_int(t, "wce", (int64_t)wce);
	ax_task_metric_num(t, "rwce", (double)wce / (double)largest);
	ax_task_metric_num(t, "mae", (double)abs / pairs);
	ax_task_metric_num(t, "nmed", (double)abs / pairs / (double)largest);
	ax_task_metric_num(t, "mse", (double)square / pairs);
	ax_task_metric_num(t, "bias", (double)sum / pairs);
	ax_task_metric_num(t, "wcre", wcre);
	return 0;
}

static void
formulas(struct ax_task *t, const struct ax_shape *s)
{
	struct ax_shape_error e;

	ax_shape_error(&e, s);
	if (e.wce_known)
		ax_task_metric_int(t, "formula.wce", (int64_t)e.wce);
	if (e.bound_known)
		ax_task_metric_int(t, "formula.bound", (int64_t)e.wce_bound);
	if (e.mae_known)
		ax_task_metric_num(t, "formula.mae", e.mae);
	if (e.mse_known)
		ax_task_metric_num(t, "formula.mse", e.mse);
	if (e.bias_known)
		ax_task_metric_num(t, "formula.bias", e.bias);
	if (e.relative_known && s->op != AX_SHAPE_MAC)
		ax_task_metric_num(t, "formula.wcre", e.relative);
}

int
ax_stage_run(struct ax_task *t, struct ax_err *err)
{
	struct ax_shape s = {0};
	struct ax_netlist *net;
	size_t count[AX_GATE_KINDS], gates = 0;
	int rc;

	if (read_shape(&s, t, err) < 0 || ax_shape_build(&net, &s, err) < 0)
		return -1;
	rc = write_all(t, net, err);
	if (rc == 0)
		rc = measure(t, &s, net, err);
	if (rc == 0) {
		ax_netlist_count(net, count);
		for (int k = AX_BUF + 1; k < AX_GATE_KINDS; k++)
			gates += count[k];
		ax_task_metric_int(t, "transistors",
				   ax_netlist_transistors(net));
		ax_task_metric_int(t, "gates", (int64_t)gates);
		ax_task_metric_int(t, "depth", ax_netlist_depth(net));
		ax_task_metric_int(t, "constant", (int64_t)s.add);
		formulas(t, &s);
	}
	ax_netlist_free(net);
	return rc;
}
