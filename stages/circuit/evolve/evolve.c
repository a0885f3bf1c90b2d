/* SPDX-License-Identifier: Apache-2.0 */
/* The stage: reads the circuit, lets an algorithm work, checks what it found by
 * another road, writes it. The algorithms are in stages/circuit/search. */
#include "stages/circuit/evolve/evolve.h"

#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "artifacts/liberty.h"
#include "artifacts/netlist/sim.h"
#include "stages/circuit/search/ckpt.h"

/* Everything that decides the result. */
static const char *const params[] = {
	"algorithm",   "seed",       "wce",         "wce_abs",
	"signed",      "gates",      "costs",       "steps",
	"islands",     "cycles",     "restarts",    "temperature",
	"generations", "population", "top_k_ratio", "eps_start",
	"eps_tau",     "weights",    "cost",        "max_transistors",
	"max_area",    "max_delay",  "max_energy",  "input_delay",
	"load",        "function",   "cells",       "error",
	"error_most",  "rho",        "zero_exact"};
static const char *const inputs[] = {"netlist", "liberty", "reference",
				     "histogram"};

/* --- checkpoints --------------------------------------------------------- */

static int
make_key(struct evolve *e, struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	struct ax_digest d;
	const char *path;
	char hex[AX_HEX_LEN + 1];

	for (size_t k = 0; k < AX_LEN(params); k++) {
		json_t *v = ax_task_json(e->task, params[k]);

		ax_str_addf(&s, "%s ", params[k]);
		if (v)
			ax_json_canonical(&s, v);
		ax_str_addc(&s, '\n');
	}
	for (size_t k = 0; k < AX_LEN(inputs); k++) {
		path = ax_task_in(e->task, inputs[k]);
		if (!path)
			continue;
		if (ax_hash_file(&d, NULL, path, err) < 0) {
			ax_str_free(&s);
			return -1;
		}
		ax_str_addf(&s, "%s %s\n", inputs[k], ax_hex(hex, &d));
	}
	e->key = ax_hash_bytes(s.buf, s.len);
	ax_str_free(&s);
	return 0;
}

int
evolve_resume(struct evolve *e, char **bytes, size_t *n)
{
	const char *dir = ax_task_checkpoint(e->task), *why;
	int rc;

	if (!dir)
		return 0;
	rc = ax_ck_load(bytes, n, dir, &e->key, &why);
	if (*why)
		fprintf(stderr,
			"the checkpoint %s; starting from the beginning\n",
			why);
	return rc;
}

bool
evolve_due(struct evolve *e)
{
	return ax_task_checkpoint(e->task) && ax_now() >= e->save_at;
}

int
evolve_save(struct evolve *e, const struct ax_str *payload, struct ax_err *err)
{
	if (ax_ck_save(ax_task_checkpoint(e->task), &e->key, payload, err) < 0)
		return ax_err_wrap(err, "cannot save the checkpoint");
	/* soon at first, so that little is lost early; later every 4 seconds */
	e->save_every = AX_MIN(2 * e->save_every, 4.0);
	e->save_at = ax_now() + e->save_every;
	return 0;
}

void
evolve_note(struct evolve *e, uint64_t step, int64_t transistors,
	    unsigned nodes, const struct ax_errors *errors)
{
	if (!e->history.len)
		ax_str_add(&e->history, "step,transistors,gates,wce,rwce,nmed,"
					"er,mre\n");
	ax_str_addf(&e->history, "%" PRIu64 ",%" PRId64 ",%u,%" PRIu64 ",",
		    step, transistors, nodes, errors->wce);
	ax_str_add_num(&e->history, errors->rwce);
	ax_str_addc(&e->history, ',');
	ax_str_add_num(&e->history, errors->nmed);
	ax_str_addc(&e->history, ',');
	ax_str_add_num(&e->history, errors->er);
	ax_str_addc(&e->history, ',');
	ax_str_add_num(&e->history, errors->mre);
	ax_str_addc(&e->history, '\n');
}

/* --- what comes in ------------------------------------------------------- */

static int
read_netlist(struct evolve *e, struct ax_err *err)
{
	const char *lib_path = ax_task_in(e->task, "liberty");
	struct ax_netlist *net = NULL;
	struct ax_str warn = AX_STR_INIT;
	struct ax_liberty lib;
	int rc;

	if (lib_path && ax_liberty_load(&lib, lib_path, err) < 0)
		return -1;
	rc = ax_netlist_load(&net, ax_task_in(e->task, "netlist"), AX_NET_AUTO,
			     lib_path ? &lib : NULL, &warn, err);
	if (warn.len)
		fputs(warn.buf, stderr);
	ax_str_free(&warn);
	if (rc == 0 && ax_streq(ax_task_str(e->task, "function"), "netlist")) {
		rc = ax_circuit_from_bits(&e->start, net, err);
		e->wb = e->start.ins / 2;
		e->wa = e->start.ins - e->wb;
		e->model = net;
	} else {
		if (rc == 0)
			rc = ax_circuit_from_netlist(&e->start, &e->wa, &e->wb,
						     net, err);
		ax_netlist_free(net);
	}
	if (lib_path)
		ax_liberty_free(&lib);
	/* an island keeps every signal on every pattern */
	if (rc == 0 && (e->wa > 12 || e->wb > 12 || e->wa + e->wb > 20))
		rc = ax_err_set(err, AX_EXIT_STAGE,
				"netlist: operands of %u and %u bits; this "
				"search takes 2 to 12 bits each, 20 together, "
				"the stage front 24",
				e->wa, e->wb);
	return rc;
}

/* What a netlist of any inputs computes, as a table of the problem's operands.
 */
static int
model_table(struct evolve *e, struct ax_lut *to, const struct ax_netlist *net,
	    struct ax_err *err)
{
	size_t n = (size_t)1 << net->inputs, a;
	unsigned width = net->outputs;
	uint32_t *y = NULL;
	struct ax_sim *sim;
	int rc;

	*to = (struct ax_lut){.n = e->wa, .m = e->wb};
	if (ax_sim_new(&sim, net, err) < 0)
		return -1;
	y = ax_calloc(n, sizeof(*y));
	to->v = ax_calloc(n, sizeof(*to->v));
	rc = ax_sim_table(sim, ax_task_pool(e->task), 0, width, y, err);
	for (size_t p = 0; p < n && rc == 0; p++) {
		if (e->sign && y[p] >> (width - 1))
			y[p] |= ~(uint32_t)0 << (width - 1);
		a = p & (((size_t)1 << e->wa) - 1);
		to->v[a << e->wb | p >> e->wa] = (int32_t)y[p];
	}
	ax_sim_free(sim);
	free(y);
	return rc;
}

static int
read_reference(struct evolve *e, struct ax_err *err)
{
	const char *path = ax_task_in(e->task, "reference");
	const struct ax_lut *r = &e->reference;
	int64_t top = (int64_t)1 << e->start.outs;

	if (e->model && ax_task_in(e->task, "histogram"))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "histogram: it is of two operands; function "
				  "\"netlist\" knows inputs only");
	if (path && e->model)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "reference: with function \"netlist\" the "
				  "netlist itself says what is wanted; drop "
				  "one of the two");
	if (e->model)
		return model_table(e, &e->reference, e->model, err);
	if (!path)
		return 0;
	if (ax_lut_load(&e->reference, path, e->sign, err) < 0)
		return -1;
	if (r->n != e->wa || r->m != e->wb)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "reference: operands of %u and %u bits, but "
				  "the netlist's have %u and %u",
				  r->n, r->m, e->wa, e->wb);
	for (size_t i = 0; i < ax_lut_size(r); i++)
		if (r->v[i] < (e->sign ? -top / 2 : 0) ||
		    r->v[i] >= (e->sign ? top / 2 : top))
			return ax_err_set(err, AX_EXIT_STAGE,
					  "reference: the value %d does not "
					  "fit the netlist's %u %s output bits",
					  r->v[i], e->start.outs,
					  e->sign ? "signed" : "unsigned");
	return 0;
}

/* What is bounded, and under which operands. */
static int
read_error(struct evolve *e, bool own, struct ax_err *err)
{
	const char *path = ax_task_in(e->task, "histogram");
	bool most = ax_task_json(e->task, "error_most") != NULL;

	e->metric = ax_metric_parse(ax_task_str(e->task, "error"));
	e->rho = ax_task_num(e->task, "rho");
	e->error_most = most ? ax_task_num(e->task, "error_most") : 0;
	if (e->metric == AX_METRIC_WCE) {
		if (most || ax_task_bool(e->task, "zero_exact"))
			return ax_err_set(
				err, AX_EXIT_USAGE,
				"error wce: its bound is wce or wce_abs, and "
				"it knows no zero_exact; error_most is for the "
				"other errors");
	} else if (!own) {
		return ax_err_set(err, AX_EXIT_USAGE,
				  "algorithm circuitsdna knows error wce "
				  "alone");
	} else if (!most) {
		return ax_err_set(err, AX_EXIT_USAGE,
				  "error %s needs its bound, error_most",
				  ax_metric_name(e->metric));
	}
	if (path && ax_histogram_load(&e->histogram, path, err) < 0)
		return ax_err_wrap(err, "input histogram");
	return 0;
}

/* The largest integer error that the bound allows. */
static int
find_bound(struct evolve *e, struct ax_err *err)
{
	double wce = ax_task_num(e->task, "wce");
	double m = (double)e->p.max_abs;

	if (ax_task_json(e->task, "wce_abs")) {
		e->bound = (uint64_t)ax_task_int(e->task, "wce_abs");
		return 0;
	}
	if (e->metric != AX_METRIC_WCE) {
		e->bound = (uint64_t)1 << e->p.outs; /* none */
		return 0;
	}
	if (e->p.max_abs == 0)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "the wanted result is 0 everywhere: a "
				  "fraction of it means nothing, give wce_abs");
	e->bound = (uint64_t)(wce * m);
	while ((double)(e->bound + 1) / m <= wce)
		e->bound++;
	while (e->bound > 0 && (double)e->bound / m > wce)
		e->bound--;
	return 0;
}

/* --- what goes out ------------------------------------------------------- */

/* Measures the written netlists, by the code of the nouns alone. */
static int
check_written(struct evolve *e, const struct ax_str *txt,
	      const struct ax_str *json, struct ax_lut_metrics *m,
	      struct ax_err *err)
{
	struct ax_netlist *a = NULL, *b = NULL;
	struct ax_lut got = {0}, want = {0};
	struct ax_pool *pool = ax_task_pool(e->task);
	int rc = -1, same;

	if (ax_netlist_parse(&a, "netlist.txt", txt->buf, txt->len, AX_NET_TXT,
			     NULL, NULL, err) < 0 ||
	    ax_netlist_parse(&b, "netlist.json", json->buf, json->len,
			     AX_NET_JSON, NULL, NULL, err) < 0)
		goto done;
	same = ax_netlist_equal(a, b, pool, NULL, NULL, err);
	if (same <= 0) {
		if (same == 0)
			ax_err_set(err, AX_EXIT_STAGE,
				   "the two netlists differ");
		goto done;
	}
	if (e->model ? model_table(e, &got, b, err) < 0
		     : ax_lut_from_netlist(&got, b, e->sign, "A", "B", "OUT",
					   pool, err) < 0)
		goto done;
	if (!e->reference.v &&
	    ax_lut_exact(&want, AX_LUT_MUL, e->wa, e->wb, e->sign, err) < 0)
		goto done;
	if (ax_lut_measure(m, &got, e->reference.v ? &e->reference : &want,
			   AX_LUT_MUL, err) < 0)
		goto done;
	if (m->wce > e->bound)
		ax_err_set(err, AX_EXIT_STAGE,
			   "its error is %" PRIu64 " at %s = %d, %s = %d; "
			   "the bound is %" PRIu64,
			   m->wce, e->model ? "lower bits" : "A", m->wce_a,
			   e->model ? "upper bits" : "B", m->wce_b, e->bound);
	else if (e->metric != AX_METRIC_WCE &&
		 evolve_error_of(e, &got, &e->error, err) < 0)
		;
	else if (e->metric != AX_METRIC_WCE && e->error > e->error_most)
		ax_err_set(err, AX_EXIT_STAGE,
			   "its error %s is %g; the bound is %g",
			   ax_metric_name(e->metric), e->error, e->error_most);
	else if (ax_netlist_transistors(a) !=
		 ax_circuit_cost(&e->best, &ax_transistors))
		ax_err_set(err, AX_EXIT_STAGE, "its transistor count differs");
	else
		rc = 0;
done:
	ax_netlist_free(a);
	ax_netlist_free(b);
	ax_lut_free(&got);
	ax_lut_free(&want);
	return rc < 0 ? ax_err_wrap(err, "the result failed its last check")
		      : 0;
}

static void
report(struct evolve *e, const struct ax_netlist *net,
       const struct ax_lut_metrics *m)
{
	size_t count[AX_G_KINDS] = {0};
	struct ax_str name = AX_STR_INIT;

	for (unsigned j = 0; j < e->best.n; j++)
		count[e->best.gate[j]]++;
	for (unsigned g = AX_G_INV; g < AX_G_KINDS; g++) {
		ax_str_clear(&name);
		ax_str_addf(&name, "gates.%s", ax_g_name((enum ax_g)g));
		ax_task_metric_int(e->task, name.buf, (int64_t)count[g]);
	}
	ax_str_free(&name);
	ax_task_metric_int(e->task, "transistors",
			   ax_circuit_cost(&e->best, &ax_transistors));
	ax_task_metric_int(e->task, "start_transistors",
			   ax_circuit_cost(&e->start, &ax_transistors));
	ax_task_metric_int(e->task, "nodes",
			   (int64_t)e->best.n - (int64_t)count[AX_G_CONST0] -
				   (int64_t)count[AX_G_CONST1]);
	ax_task_metric_int(e->task, "depth", ax_netlist_depth(net));
	ax_task_metric_num(e->task, "error",
			   e->metric == AX_METRIC_WCE ? (double)m->wce
						      : e->error);
	ax_task_metric_int(e->task, "bound", (int64_t)e->bound);
	ax_task_metric_int(e->task, "wce", (int64_t)m->wce);
	ax_task_metric_num(e->task, "rwce", m->rwce);
	ax_task_metric_num(e->task, "mae", m->mae);
	ax_task_metric_num(e->task, "nmed", m->nmed);
	ax_task_metric_num(e->task, "er", m->er);
	ax_task_metric_num(e->task, "mre", m->mre);
}

static int
write_out(struct evolve *e, struct ax_err *err)
{
	struct ax_netlist *net =
		e->model ? ax_circuit_to_netlist_like(&e->best, e->model)
			 : ax_circuit_to_netlist(&e->best, e->wa, e->wb);
	struct ax_str txt = AX_STR_INIT, json = AX_STR_INIT;
	struct ax_lut_metrics m = {0};
	struct ax_task *t = e->task;
	int rc = -1;

	if (ax_netlist_write_txt(&txt, net, err) == 0 &&
	    ax_netlist_write_json(&json, net, err) == 0 &&
	    check_written(e, &txt, &json, &m, err) == 0 &&
	    ax_write_plain(ax_task_out(t, "netlist"), txt.buf, txt.len, err) ==
		    0 &&
	    ax_write_plain(ax_task_out(t, "json"), json.buf, json.len, err) ==
		    0 &&
	    ax_write_plain(ax_task_out(t, "history"), e->history.buf,
			   e->history.len, err) == 0 &&
	    (!e->log.len || ax_write_plain(ax_task_out(t, "log"), e->log.buf,
					   e->log.len, err) == 0)) {
		struct ax_digest d = ax_hash_bytes(txt.buf, txt.len);
		char hex[AX_HEX_LEN + 1];

		report(e, net, &m);
		ax_task_metric_str(t, "sha256", ax_hex(hex, &d));
		rc = 0;
	}
	ax_netlist_free(net);
	ax_str_free(&txt);
	ax_str_free(&json);
	return rc;
}

static void
find_wanted(struct evolve *e)
{
	unsigned width[3];

	if (!e->model) {
		e->wanted = ax_wanted_of(&e->p);
		return;
	}
	for (size_t k = 0; k < e->model->ins && k < 3; k++)
		width[k] = e->model->in[k].width;
	e->wanted = ax_wanted_by(&e->p, e->sign, width, e->model->ins);
}

static int
evolve(struct evolve *e, struct ax_err *err)
{
	static const char *const bounds[] = {"max_transistors", "max_area",
					     "max_delay", "max_energy"};
	bool own = ax_streq(ax_task_str(e->task, "algorithm"), "axpipe");
	bool priced = !ax_streq(ax_task_str(e->task, "cost"), "transistors");

	priced = priced || ax_streq(ax_task_str(e->task, "cells"), "cover");
	for (size_t k = 0; k < AX_LEN(bounds); k++)
		priced = priced || ax_task_json(e->task, bounds[k]);
	if (!own && priced)
		return ax_err_set(
			err, AX_EXIT_USAGE,
			"algorithm circuitsdna knows transistors "
			"alone: cost, cells and max_transistors, max_area, "
			"max_delay, max_energy are for axpipe");
	if (make_key(e, err) < 0 || read_error(e, own, err) < 0 ||
	    read_netlist(e, err) < 0 || read_reference(e, err) < 0)
		return -1;
	ax_problem_init(&e->p, e->wa, e->wb, e->start.outs,
			e->sign && !e->model, e->sign, e->reference.v);
	find_wanted(e);
	if (find_bound(e, err) < 0)
		return -1;
	if ((own ? evolve_own : evolve_published)(e, err) < 0)
		return -1;
	return write_out(e, err);
}

int
ax_stage_run(struct ax_task *t, struct ax_err *err)
{
	struct evolve e = {.task = t, .save_every = 0.25};
	int rc;

	e.sign = ax_task_bool(t, "signed");
	e.save_at = ax_now() + e.save_every;
	rc = evolve(&e, err);
	ax_netlist_free(e.model);
	ax_circuit_free(&e.start);
	ax_circuit_free(&e.best);
	ax_problem_free(&e.p);
	ax_lut_free(&e.reference);
	ax_histogram_free(&e.histogram);
	ax_str_free(&e.history);
	ax_str_free(&e.log);
	return rc;
}
