/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the stage: circuits are written, read back, measured by the code
 * of the nouns, and only then counted. */
#include <math.h>

#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "artifacts/netlist/sim.h"
#include "stages/circuit/front/front.h"
#include "stages/circuit/search/incells.h"

/* A circuit with its figures. */
struct point {
	const struct ax_circuit *c;
	const char *what; /* of a baseline */
	char id[16];
	bool keeps, chosen;
	double error; /* in the metric asked for */
	int64_t cost;
	struct ax_figures f;
	double value; /* the cost as it is told */
	int64_t transistors;
	unsigned depth;
	struct ax_lut_metrics m;
	struct ax_lut_weighted w;
	double network;
};

/* --- figures ------------------------------------------------------------- */

static int
measure_operands(const struct front *f, struct point *q,
		 const struct ax_lut *got, struct ax_err *err)
{
	const struct ax_histogram *h = &f->histogram;
	struct ax_lut_weighted *layer;
	double rho = ax_task_num(f->task, "rho"), all = 0, products;
	int rc;

	if (!f->weighted)
		return 0;
	layer = ax_calloc(h->n, sizeof(*layer));
	rc = ax_lut_measure_operands(&q->w, layer, got, &f->reference, h, err);
	q->network = 0;
	for (size_t i = 0; rc == 0 && i < h->n; i++) {
		products = (double)h->layers[i].products;
		all += products;
		q->network += products *
			      (layer[i].noise +
			       rho * (layer[i].coherent * layer[i].coherent));
	}
	q->network /= all;
	free(layer);
	return rc;
}

/* The noun's figure where it has one, else the search's own, which is as exact
 * but for shares kept as floats. */
static double
exact_error(const struct front *f, const struct point *q, double own)
{
	switch (f->metric) {
	case AX_METRIC_WCE:
		return f->weighted ? own : (double)q->m.wce;
	case AX_METRIC_MAE:
		return f->weighted ? q->w.mae : q->m.mae;
	case AX_METRIC_NMED:
		return f->weighted ? q->w.mae / (double)AX_MAX(q->m.max_abs, 1u)
				   : q->m.nmed;
	case AX_METRIC_MSE:
		return f->weighted ? q->w.mse : q->m.mse;
	case AX_METRIC_BIAS:
		return fabs(f->weighted ? q->w.bias : q->m.bias);
	case AX_METRIC_MRE:
		return f->weighted ? own : q->m.mre;
	case AX_METRIC_ER:
		return f->weighted ? own : q->m.er;
	case AX_METRIC_NOISE:
		return f->weighted ? q->w.noise : own;
	case AX_METRIC_COHERENT:
		return f->weighted ? q->w.coherent : own;
	default:
		return f->weighted ? q->network : own;
	}
}

static int
measure_table(const struct front *f, struct point *q, const struct ax_lut *got,
	      struct ax_err *err)
{
	double own;

	if (ax_lut_measure(&q->m, got, &f->reference, f->op, err) < 0 ||
	    measure_operands(f, q, got, err) < 0)
		return -1;
	q->keeps = front_measure(f, q->c, &own) && q->f.over <= 0;
	q->error = exact_error(f, q, own);
	return 0;
}

static int
measure_netlist(const struct front *f, struct point *q, struct ax_lut *got,
		const struct ax_netlist *net, struct ax_err *err)
{
	q->transistors = ax_netlist_transistors(net);
	q->depth = ax_netlist_depth(net);
	ax_cost_measure(&f->cost, &f->p, q->c, &q->f);
	q->cost = q->f.cost;
	q->value = ax_cost_value(&f->cost, q->c, &q->f);
	if (ax_lut_from_netlist(got, net, f->sign, "A", "B", "OUT",
				ax_task_pool(f->task), err) < 0)
		return -1;
	return measure_table(f, q, got, err);
}

static int
measure(const struct front *f, struct point *q, struct ax_err *err)
{
	struct ax_netlist *net = ax_circuit_to_netlist(q->c, f->wa, f->wb);
	struct ax_lut got = {0};
	int rc = measure_netlist(f, q, &got, net, err);

	ax_netlist_free(net);
	if (got.v)
		ax_lut_free(&got);
	return rc;
}

/* --- tables of figures --------------------------------------------------- */

struct figure {
	const char *name;
	double v;
};

static size_t
figures(const struct front *f, const struct point *q, struct figure *out)
{
	size_t n = 0;

	out[n++] = (struct figure){"error", q->error};
	out[n++] = (struct figure){"wce", (double)q->m.wce};
	out[n++] = (struct figure){"rwce", q->m.rwce};
	out[n++] = (struct figure){"mae", q->m.mae};
	out[n++] = (struct figure){"nmed", q->m.nmed};
	out[n++] = (struct figure){"mre", q->m.mre};
	out[n++] = (struct figure){"er", q->m.er};
	out[n++] = (struct figure){"mse", q->m.mse};
	out[n++] = (struct figure){"bias", q->m.bias};
	if (f->weighted) {
		out[n++] = (struct figure){"operand_mae", q->w.mae};
		out[n++] = (struct figure){"operand_mse", q->w.mse};
		out[n++] = (struct figure){"operand_bias", q->w.bias};
		out[n++] = (struct figure){"noise", q->w.noise};
		out[n++] = (struct figure){"coherent", q->w.coherent};
		out[n++] = (struct figure){"network", q->network};
	}
	/* by the transistors of a cover there are no areas of its cells here,
	 * and those of gates would be taken for them */
	if (f->cost.cells && !f->cost.covers_transistors)
		out[n++] = (struct figure){"area", q->f.area};
	if (f->cost.cells && f->cost.cells->tables)
		out[n++] = (struct figure){"delay", q->f.delay};
	if (f->cost.activity)
		out[n++] = (struct figure){"energy", q->f.energy};
	return n;
}

enum { FIGURES = 20 };

static void
csv_row(struct ax_str *s, const struct front *f, const struct point *q)
{
	struct figure fig[FIGURES];
	size_t n = figures(f, q, fig);

	if (q->what)
		ax_str_addf(s, "\"%s\"", q->what);
	else
		ax_str_add(s, q->id);
	ax_str_addf(s, ",%" PRId64 ",", q->transistors);
	ax_str_add_num(s, q->value);
	ax_str_addf(s, ",%u,%u,%d,%d,%d", q->c->n, q->depth, q->keeps,
		    q->m.zero_exact, q->m.commutative);
	for (size_t i = 0; i < n; i++) {
		ax_str_addc(s, ',');
		ax_str_add_num(s, fig[i].v);
	}
	ax_str_addc(s, '\n');
}

static void
csv_all(struct ax_str *s, const struct front *f, const struct point *q,
	size_t n)
{
	struct figure fig[FIGURES];
	struct point none = {0};
	size_t k = figures(f, &none, fig);

	ax_str_add(s, "id,transistors,cost,gates,depth,keeps,zero_exact,"
		      "commutative");
	for (size_t i = 0; i < k; i++)
		ax_str_addf(s, ",%s", fig[i].name);
	ax_str_addc(s, '\n');
	for (size_t i = 0; i < n; i++)
		if (q[i].chosen)
			csv_row(s, f, &q[i]);
}

static json_t *
real_or_null(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static json_t *
json_point(const struct front *f, const struct point *q)
{
	struct figure fig[FIGURES];
	size_t n = figures(f, q, fig);
	json_t *o = json_object();

	json_object_set_new(o, "id", json_string(q->id));
	json_object_set_new(o, "transistors", json_integer(q->transistors));
	json_object_set_new(o, "cost", json_real(q->value));
	json_object_set_new(o, "gates", json_integer(q->c->n));
	json_object_set_new(o, "depth", json_integer(q->depth));
	json_object_set_new(o, "zero_exact", json_boolean(q->m.zero_exact));
	json_object_set_new(o, "commutative", json_boolean(q->m.commutative));
	for (size_t i = 0; i < n; i++)
		json_object_set_new(o, fig[i].name,
				    ax_streq(fig[i].name, "wce")
					    ? json_integer((json_int_t)fig[i].v)
					    : real_or_null(fig[i].v));
	json_object_set_new(o, "netlist",
			    json_sprintf("circuits/%s.json", q->id));
	if (f->ask.cover)
		json_object_set_new(o, "cells",
				    json_sprintf("circuits/%s.cells.v", q->id));
	json_object_set_new(o, "lut", json_sprintf("tables/%s.npy", q->id));
	return o;
}

/* --- files --------------------------------------------------------------- */

static int
write_at(const char *folder, const char *id, const char *end,
	 const struct ax_str *s, struct ax_err *err)
{
	char *path = ax_asprintf("%s/%s.%s", folder, id, end);
	int rc = ax_write_plain(path, s->buf, s->len, err);

	free(path);
	return rc;
}

/* The written netlists are read back: one function, and the figures that were
 * promised. */
static int
check_back(const struct front *f, const struct point *q,
	   const struct ax_str *text, const enum ax_net_format *format,
	   size_t n, struct ax_err *err)
{
	struct ax_netlist *first = NULL, *next = NULL;
	struct ax_lut got = {0};
	struct point again = {.c = q->c};
	int rc = 0, same;

	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = ax_netlist_parse(i ? &next : &first, q->id, text[i].buf,
				      text[i].len, format[i], NULL, NULL, err);
		if (rc == 0 && i) {
			same = ax_netlist_equal(first, next,
						ax_task_pool(f->task), NULL,
						NULL, err);
			if (same == 0)
				ax_err_set(err, AX_EXIT_STAGE,
					   "two of its netlists differ");
			rc = same == 1 ? 0 : -1;
		}
		ax_netlist_free(next);
		next = NULL;
	}
	if (rc == 0)
		rc = measure_netlist(f, &again, &got, first, err);
	if (rc == 0 && (!again.keeps || again.error != q->error ||
			again.transistors != q->transistors))
		rc = ax_err_set(err, AX_EXIT_STAGE,
				"read back it has other figures: error %g, "
				"%" PRId64 " transistors",
				again.error, again.transistors);
	ax_netlist_free(first);
	if (got.v)
		ax_lut_free(&got);
	return rc < 0 ? ax_err_wrap(err, "circuit %s failed its last check",
				    q->id)
		      : 0;
}

/* By the cells of its cover. */
static int
write_cells(const struct front *f, const struct point *q,
	    const struct ax_liberty *lib, const struct ax_netlist *net,
	    const char *circuits, struct ax_err *err)
{
	struct ax_str text = AX_STR_INIT;
	struct ax_netlist *mapped;
	int rc = ax_in_cells(&mapped, &text, net, f->ask.cover, lib,
			     ax_task_pool(f->task), err);

	if (rc == 0)
		rc = write_at(circuits, q->id, "cells.v", &text, err);
	ax_netlist_free(mapped);
	ax_str_free(&text);
	return rc < 0 ? ax_err_wrap(err, "circuit %s", q->id) : 0;
}

/* `lib` is NULL where there are no covers. */
static int
write_circuit(const struct front *f, const struct point *q,
	      const struct ax_liberty *lib, const char *circuits,
	      const char *tables, struct ax_err *err)
{
	static const enum ax_net_format format[4] = {
		AX_NET_JSON, AX_NET_TXT, AX_NET_BLIF, AX_NET_VERILOG};
	static const char *const end[4] = {"json", "txt", "blif", "v"};
	struct ax_netlist *net = ax_circuit_to_netlist(q->c, f->wa, f->wb);
	struct ax_str s[5] = {AX_STR_INIT, AX_STR_INIT, AX_STR_INIT,
			      AX_STR_INIT, AX_STR_INIT};
	struct ax_lut got = {0};
	int rc = -1;

	if (ax_netlist_write_json(&s[0], net, err) == 0 &&
	    ax_netlist_write_txt(&s[1], net, err) == 0 &&
	    ax_netlist_write_blif(&s[2], net, false, err) == 0 &&
	    ax_netlist_write_verilog(&s[3], net, err) == 0 &&
	    check_back(f, q, s, format, 4, err) == 0 &&
	    ax_lut_from_netlist(&got, net, f->sign, "A", "B", "OUT",
				ax_task_pool(f->task), err) == 0 &&
	    ax_lut_write_npy(&s[4], &got, err) == 0)
		rc = write_at(tables, q->id, "npy", &s[4], err);
	for (int i = 0; i < 4 && rc == 0; i++)
		rc = write_at(circuits, q->id, end[i], &s[i], err);
	if (rc == 0 && lib)
		rc = write_cells(f, q, lib, net, circuits, err);
	for (int i = 0; i < 5; i++)
		ax_str_free(&s[i]);
	ax_netlist_free(net);
	if (got.v)
		ax_lut_free(&got);
	return rc;
}

static int
write_tree(const struct front *f, const struct point *q, size_t n,
	   const struct ax_str *csv, const struct ax_str *base,
	   struct ax_err *err)
{
	const char *dir = ax_task_out(f->task, "front");
	char *circuits = ax_join(dir, "circuits");
	char *tables = ax_join(dir, "tables");
	char *path = ax_join(dir, "front.json");
	json_t *o = json_object(), *list = json_array();
	struct ax_liberty lib;
	bool covers = false;
	int rc;

	rc = ax_mkdirs(circuits, err);
	if (rc == 0)
		rc = ax_mkdirs(tables, err);
	if (rc == 0 && f->ask.cover) {
		rc = ax_liberty_load(&lib, ax_task_in(f->task, "liberty"), err);
		covers = rc == 0;
	}
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (!q[i].chosen)
			continue;
		rc = write_circuit(f, &q[i], covers ? &lib : NULL, circuits,
				   tables, err);
		json_array_append_new(list, json_point(f, &q[i]));
	}
	if (covers)
		ax_liberty_free(&lib);
	json_object_set_new(o, "axpipe_front", json_integer(1));
	json_object_set_new(o, "op",
			    json_string(f->op == AX_LUT_ADD ? "add" : "mul"));
	json_object_set_new(o, "a_bits", json_integer(f->wa));
	json_object_set_new(o, "b_bits", json_integer(f->wb));
	json_object_set_new(o, "signed", json_boolean(f->sign));
	json_object_set_new(o, "error", json_string(ax_metric_name(f->metric)));
	json_object_set_new(o, "cost",
			    json_string(ax_task_str(f->task, "cost")));
	json_object_set_new(o, "points", list);
	if (rc == 0)
		rc = ax_json_write(path, o, err);
	json_decref(o);
	if (rc == 0)
		rc = write_at(dir, "front", "csv", csv, err);
	if (rc == 0)
		rc = write_at(dir, "baselines", "csv", base, err);
	free(circuits);
	free(tables);
	free(path);
	return rc;
}

/* --- choosing ------------------------------------------------------------ */

static const struct point *
best_at(const struct front *f, const struct point *q, size_t n,
	const struct front_target *t)
{
	const struct point *best = NULL;

	for (size_t i = 0; i < n; i++) {
		if (t->budget
			    ? (double)q[i].cost > t->value * f->cost.grain + 0.5
			    : q[i].error > t->value)
			continue;
		if (!best || (t->budget ? q[i].error < best->error
					: q[i].cost < best->cost))
			best = &q[i];
	}
	return best;
}

/* Those of targets, then others spread evenly. */
static size_t
choose(const struct front *f, struct point *q, size_t n, size_t most)
{
	size_t chosen = 0, left;
	char name[16];

	for (size_t t = 0; t < f->targets; t++) {
		const struct point *p = best_at(f, q, n, &f->asked[t]);

		if (p && !p->chosen) {
			q[p - q].chosen = true;
			chosen++;
		}
	}
	left = chosen < most ? most - chosen : 0;
	for (size_t i = 0; i < n && left; i++) {
		if (q[i].chosen)
			continue;
		/* every (n / most)-th */
		if (n <= most || i * most / n != (i + 1) * most / n) {
			q[i].chosen = true;
			chosen++;
			left--;
		}
	}
	left = 0;
	for (size_t i = 0; i < n; i++)
		if (q[i].chosen) {
			snprintf(name, sizeof(name), "c%03zu", ++left);
			memcpy(q[i].id, name, sizeof(name));
		}
	return chosen;
}

/* Figures of the circuits that were written, not of those there was no room
 * for: who counts again in the files finds the same. */
static void
report(struct front *f, const struct point *q, size_t n, size_t chosen,
       const struct point *base, size_t bases)
{
	size_t beaten = 0, bounds = 0, budgets = 0;
	struct ax_str s = AX_STR_INIT;
	double least = INFINITY;
	int64_t transistors = INT64_MAX;

	for (size_t b = 0; b < bases; b++) {
		bool worse = false;

		for (size_t i = 0; i < n && !worse; i++)
			worse = q[i].chosen && q[i].error <= base[b].error &&
				q[i].cost <= base[b].cost &&
				(q[i].error < base[b].error ||
				 q[i].cost < base[b].cost);
		beaten += worse;
	}
	for (size_t i = 0; i < n; i++) {
		if (!q[i].chosen)
			continue;
		least = AX_MIN(least, q[i].error);
		transistors = AX_MIN(transistors, q[i].transistors);
	}
	for (size_t t = 0; t < f->targets; t++) {
		const struct front_target *a = &f->asked[t];
		const struct point *p = best_at(f, q, n, a);
		json_t *o = json_object();

		json_object_set_new(o, a->budget ? "budget" : "bound",
				    json_real(a->value));
		if (p) {
			json_object_set_new(o, "error", json_real(p->error));
			json_object_set_new(o, "transistors",
					    json_integer(p->transistors));
			json_object_set_new(o, "cost", json_real(p->value));
			json_object_set_new(o, "id", json_string(p->id));
		}
		ax_str_clear(&s);
		ax_str_addf(&s, "%s_%zu", a->budget ? "budget" : "bound",
			    a->budget ? budgets++ : bounds++);
		ax_task_metric_json(f->task, s.buf, o);
		if (!p)
			continue;
		/* one by one, for claims */
		ax_str_clear(&s);
		if (a->budget) {
			ax_str_addf(&s, "error_for.%zu", budgets - 1);
			ax_task_metric_num(f->task, s.buf, p->error);
		} else {
			ax_str_addf(&s, "transistors_within.%zu", bounds - 1);
			ax_task_metric_int(f->task, s.buf, p->transistors);
			ax_str_clear(&s);
			ax_str_addf(&s, "cost_within.%zu", bounds - 1);
			ax_task_metric_num(f->task, s.buf, p->value);
		}
	}
	ax_str_free(&s);
	ax_task_metric_int(f->task, "points", (int64_t)chosen);
	ax_task_metric_num(f->task, "least_error", least);
	ax_task_metric_int(f->task, "least_transistors", transistors);
	ax_task_metric_int(f->task, "baselines", (int64_t)bases);
	ax_task_metric_int(f->task, "beaten", (int64_t)beaten);
	ax_task_metric_int(f->task, "steps", (int64_t)f->steps);
	ax_task_metric_int(f->task, "evaluations", (int64_t)f->evaluations);
}

/* The archive by exact figures; *n points, which borrow from `exact`. */
static int
measure_archive(struct front *f, struct ax_archive *exact, struct point **out,
		size_t *n, struct ax_err *err)
{
	struct point *q;

	for (size_t i = 0; i < f->archive.n; i++) {
		struct point one = {.c = &f->archive.point[i].c};

		if (measure(f, &one, err) < 0)
			return -1;
		if (!one.keeps)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "a circuit of the front breaks a "
					  "rule when measured again");
		ax_archive_offer(exact, one.error, one.cost, 0, one.c);
	}
	q = ax_calloc(exact->n + 1, sizeof(*q));
	for (size_t i = 0; i < exact->n; i++) {
		q[i].c = &exact->point[i].c;
		if (measure(f, &q[i], err) < 0) {
			free(q);
			return -1;
		}
	}
	*out = q;
	*n = exact->n;
	return 0;
}

int
front_write(struct front *f, struct ax_err *err)
{
	struct ax_archive exact = {0};
	struct point *q = NULL, *base = ax_calloc(f->starts + 1, sizeof(*base));
	struct ax_str csv = AX_STR_INIT, base_csv = AX_STR_INIT;
	size_t n = 0, chosen;
	int rc = 0;

	for (size_t i = 0; i < f->starts && rc == 0; i++) {
		base[i].c = &f->start[i].c;
		base[i].what = f->start[i].what;
		base[i].chosen = true;
		rc = measure(f, &base[i], err);
	}
	if (rc == 0)
		rc = measure_archive(f, &exact, &q, &n, err);
	if (rc == 0) {
		chosen =
			choose(f, q, n, (size_t)ax_task_int(f->task, "points"));
		csv_all(&csv, f, q, n);
		csv_all(&base_csv, f, base, f->starts);
		rc = write_tree(f, q, n, &csv, &base_csv, err);
		report(f, q, n, chosen, base, f->starts);
	}
	if (rc == 0)
		rc = ax_write_plain(ax_task_out(f->task, "csv"), csv.buf,
				    csv.len, err);
	if (rc == 0)
		rc = ax_write_plain(ax_task_out(f->task, "baselines"),
				    base_csv.buf, base_csv.len, err);
	if (rc == 0)
		rc = ax_write_plain(ax_task_out(f->task, "history"),
				    f->history.buf, f->history.len, err);
	ax_str_free(&csv);
	ax_str_free(&base_csv);
	ax_archive_free(&exact);
	free(q);
	free(base);
	return rc;
}
