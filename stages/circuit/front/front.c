/* SPDX-License-Identifier: Apache-2.0 */
/* Stage front: reads what is asked for, lets the engines of
 * stages/circuit/search work, writes the circuits. */
#include "stages/circuit/front/front.h"

#include <math.h>

#include "artifacts/base/io.h"
#include "artifacts/base/json.h"

/* Everything that decides the result. */
static const char *const params[] = {
	"op",          "a_bits",      "b_bits",
	"signed",      "error",       "bounds",
	"budgets",     "wce_most",    "zero_exact",
	"not_above",   "commutative", "rho",
	"cost",        "gates",       "steps",
	"islands",     "cycles",      "temperature",
	"points",      "seed",        "max_transistors",
	"max_area",    "max_delay",   "max_energy",
	"input_delay", "load",        "cells"};
static const char *const inputs[] = {"histogram", "liberty", "reference"};

static int
add_file(struct ax_str *s, const char *name, const char *path,
	 struct ax_err *err)
{
	struct ax_digest d;
	char hex[AX_HEX_LEN + 1];

	if (!path)
		return 0;
	if (ax_hash_file(&d, NULL, path, err) < 0)
		return -1;
	ax_str_addf(s, "%s %s\n", name, ax_hex(hex, &d));
	return 0;
}

static int
make_key(struct front *f, struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	int rc = 0;

	ax_str_add(&s, "front\n");
	for (size_t k = 0; k < AX_LEN(params); k++) {
		json_t *v = ax_task_json(f->task, params[k]);

		ax_str_addf(&s, "%s ", params[k]);
		if (v)
			ax_json_canonical(&s, v);
		ax_str_addc(&s, '\n');
	}
	for (size_t k = 0; k < AX_LEN(inputs) && rc == 0; k++)
		rc = add_file(&s, inputs[k], ax_task_in(f->task, inputs[k]),
			      err);
	for (size_t k = 0; k < ax_task_in_count(f->task, "netlist") && rc == 0;
	     k++)
		rc = add_file(&s, "netlist",
			      ax_task_in_at(f->task, "netlist", k), err);
	f->key = ax_hash_bytes(s.buf, s.len);
	ax_str_free(&s);
	return rc;
}

static int
read_metric(struct front *f, struct ax_err *err)
{
	const char *name = ax_task_str(f->task, "error"), *near;
	const char *all[AX_METRIC_KINDS];

	f->metric = ax_metric_parse(name);
	if (f->metric != AX_METRIC_KINDS)
		return 0;
	for (int m = 0; m < AX_METRIC_KINDS; m++)
		all[m] = ax_metric_name((enum ax_metric)m);
	near = ax_nearest(name, all, AX_METRIC_KINDS);
	return ax_err_set(err, AX_EXIT_USAGE,
			  "error: there is no metric \"%.40s\"%s%s%s; there "
			  "are wce, mae, nmed, mre, er, mse, bias, noise, "
			  "coherent, network",
			  name, near ? ", did you mean \"" : "",
			  near ? near : "", near ? "\"" : "");
}

static int
read_shape(struct front *f, struct ax_err *err)
{
	const char *path = ax_task_in(f->task, "reference");
	bool add = ax_streq(ax_task_str(f->task, "op"), "add");
	int64_t top;

	f->wa = (unsigned)ax_task_int(f->task, "a_bits");
	f->wb = (unsigned)ax_task_int(f->task, "b_bits");
	f->sign = ax_task_bool(f->task, "signed");
	f->op = add ? AX_LUT_ADD : AX_LUT_MUL;
	f->outs = add ? AX_MAX(f->wa, f->wb) + 1 : f->wa + f->wb;
	if (!path)
		return ax_lut_exact(&f->reference, f->op, f->wa, f->wb, f->sign,
				    err);
	if (ax_lut_load(&f->reference, path, f->sign, err) < 0)
		return -1;
	if (f->reference.n != f->wa || f->reference.m != f->wb)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "reference: operands of %u and %u bits, but "
				  "a_bits and b_bits are %u and %u",
				  f->reference.n, f->reference.m, f->wa, f->wb);
	top = (int64_t)1 << f->outs;
	for (size_t i = 0; i < ax_lut_size(&f->reference); i++)
		if (f->reference.v[i] < (f->sign ? -top / 2 : 0) ||
		    f->reference.v[i] >= (f->sign ? top / 2 : top))
			return ax_err_set(err, AX_EXIT_STAGE,
					  "reference: the value %d does not "
					  "fit %u %s output bits",
					  f->reference.v[i], f->outs,
					  f->sign ? "signed" : "unsigned");
	f->other = true;
	return 0;
}

static int
read_histogram(struct front *f, struct ax_err *err)
{
	const char *path = ax_task_in(f->task, "histogram");

	if (!path)
		return 0;
	if (ax_histogram_load(&f->histogram, path, err) < 0)
		return ax_err_wrap(err, "input histogram");
	f->weighted = true;
	return 0;
}

static int
read_cost(struct front *f, struct ax_err *err)
{
	json_t *list = ax_task_json(f->task, "gates"), *v;
	size_t k;

	json_array_foreach(list, k, v) f->allowed |=
		1u << ax_g_parse(json_string_value(v));
	if (ax_ask_cost(&f->ask, f->task, &f->allowed, err) < 0)
		return -1;
	f->cost = f->ask.cost;
	return 0;
}

static int
by_value(const void *a, const void *b)
{
	double x = ((const struct front_target *)a)->value;
	double y = ((const struct front_target *)b)->value;

	return x < y ? -1 : x > y;
}

/* Without `bounds`, the errors of the truncated structures that cost less than
 * all with less error. */
static void
default_targets(struct front *f)
{
	double last = -1, next;
	int64_t cost = INT64_MAX, least;

	for (;;) {
		next = INFINITY;
		least = 0;
		for (size_t i = 0; i < f->starts; i++) {
			const struct front_start *s = &f->start[i];

			if (!s->keeps || s->error <= last || s->cost >= cost)
				continue;
			if (s->error < next ||
			    (s->error == next && s->cost < least)) {
				next = s->error;
				least = s->cost;
			}
		}
		if (!isfinite(next) || f->targets == 64)
			return;
		/* points that say the same twice are left out */
		if (next == 0 || next > 1.5 * last)
			f->target[f->targets++] =
				(struct front_target){false, next};
		last = next;
		cost = least;
	}
}

static int
read_targets(struct front *f, struct ax_err *err)
{
	json_t *bounds = ax_task_json(f->task, "bounds"), *v;
	json_t *budgets = ax_task_json(f->task, "budgets");
	double most = f->metric == AX_METRIC_WCE    ? 1073741823
		      : f->metric == AX_METRIC_NMED ? 2
		      : f->metric == AX_METRIC_ER   ? 1
						    : 1e300;
	size_t k;

	f->target = ax_calloc(64 + json_array_size(bounds) +
				      json_array_size(budgets),
			      sizeof(*f->target));
	json_array_foreach(bounds, k, v)
	{
		double b = json_number_value(v);

		if (b > most)
			return ax_err_set(err, AX_EXIT_USAGE,
					  "bounds: %g is out of range; %s is "
					  "at most %g",
					  b, ax_metric_name(f->metric), most);
		if (f->metric == AX_METRIC_WCE)
			b = floor(b);
		f->target[f->targets++] = (struct front_target){false, b};
	}
	if (!json_is_array(bounds))
		default_targets(f);
	/* tighter ones first: their circuits keep the looser ones too */
	f->bounds = f->targets;
	f->asked = ax_calloc(f->targets + json_array_size(budgets) + 1,
			     sizeof(*f->asked));
	json_array_foreach(budgets, k, v)
	{
		double b = json_number_value(v);

		if (b > 1e9)
			return ax_err_set(err, AX_EXIT_USAGE,
					  "budgets: %g is out of range", b);
		f->target[f->targets++] = (struct front_target){true, b};
	}
	memcpy(f->asked, f->target, f->targets * sizeof(*f->asked));
	qsort(f->target, f->bounds, sizeof(*f->target), by_value);
	if (f->targets == 0)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "nothing to search: give bounds or budgets");
	return 0;
}

static int
run(struct front *f, struct ax_err *err)
{
	struct ax_task *t = f->task;
	struct ax_lut *r = &f->reference;

	if (read_metric(f, err) < 0 || read_cost(f, err) < 0 ||
	    make_key(f, err) < 0 || read_shape(f, err) < 0 ||
	    read_histogram(f, err) < 0)
		return -1;
	f->rules = (struct ax_error_rules){
		.wce = UINT64_MAX,
		.zero_exact = ax_task_bool(t, "zero_exact"),
		.not_above = ax_task_bool(t, "not_above"),
		.commutative = ax_task_bool(t, "commutative")};
	if (ax_task_json(t, "wce_most"))
		f->rules.wce = (uint64_t)ax_task_int(t, "wce_most");
	ax_problem_init(&f->p, f->wa, f->wb, f->outs, f->sign, f->sign, r->v);
	ax_search_init(&f->s, &f->p, 0, &f->cost.gate, f->allowed);
	if (ax_error_init(&f->error, &f->p, f->metric, &f->rules,
			  f->weighted ? &f->histogram : NULL,
			  ax_task_num(t, "rho"), err) < 0)
		return -1;
	ax_ask_activity(&f->ask, &f->p, f->error.often);
	f->cost = f->ask.cost;
	if (!ax_cost_is_plain(&f->cost))
		f->s.full = &f->cost;
	if (front_find_starts(f, err) < 0)
		return -1;
	for (size_t i = 0; i < f->starts; i++)
		f->usable += f->start[i].keeps;
	if (!f->usable)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "no circuit to start from: %zu are known, "
				  "and none keeps wce_most, zero_exact, "
				  "not_above and commutative as asked; wire "
				  "the input netlist to one that does",
				  f->starts);
	if (read_targets(f, err) < 0)
		return -1;
	if (front_search(f, err) < 0)
		return -1;
	return front_write(f, err);
}

int
ax_stage_run(struct ax_task *t, struct ax_err *err)
{
	struct front f = {.task = t, .save_every = 0.5};
	int rc;

	f.save_at = ax_now(); /* the first one soon, then ever more rarely */
	rc = run(&f, err);
	for (size_t i = 0; i < f.starts; i++) {
		free(f.start[i].what);
		ax_circuit_free(&f.start[i].c);
	}
	free(f.start);
	free(f.target);
	free(f.asked);
	ax_error_free(&f.error);
	ax_ask_free(&f.ask);
	ax_search_free(&f.s);
	ax_problem_free(&f.p);
	ax_lut_free(&f.reference);
	ax_histogram_free(&f.histogram);
	ax_archive_free(&f.archive);
	ax_str_free(&f.history);
	return rc;
}
