/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search under a bound on an error that is a sum over patterns, weighted by
 * how often a network's layers have the operands: the walks of stage front, for
 * one bound. Starts are the given netlist and the structures of stage family.
 */
#include <math.h>

#include "artifacts/lut_operands.h"
#include "stages/circuit/evolve/evolve.h"
#include "stages/circuit/search/tour.h"

struct race {
	struct evolve *e;
	const struct ax_ask *ask;
	struct ax_search s;
	struct ax_error g;
	struct ax_walk_aim aim;
	struct pick {
		struct ax_circuit c;
		double merit;
	} * start; /* the best `room` of them, best first */
	size_t n, room;
	int64_t exact; /* least cost of one without error */
	struct ax_archive archive;
};

/* --- figures ------------------------------------------------------------- */

/* Sums of one layer that the noun does not have: |e| / |exact| over its
 * operands with a product, how often that is, and how often e is not 0. */
static void
add_rates(const struct ax_histogram_layer *l, const struct ax_lut *got,
	  const struct ax_lut *want, double part, double sum[3])
{
	size_t na = (size_t)1 << got->n, nb = (size_t)1 << got->m, i;
	double *pa = ax_calloc(na + nb, sizeof(*pa)), *pb = pa + na, p, e, x;

	ax_operand_share(pa, &l->a);
	ax_operand_share(pb, &l->b);
	for (i = 0; i < na * nb; i++) {
		p = part * pa[i / nb] * pb[i % nb];
		e = fabs((double)got->v[i] - want->v[i]);
		x = fabs((double)want->v[i]);
		sum[0] += x > 0 ? p * e / x : 0;
		sum[1] += x > 0 ? p : 0;
		sum[2] += e > 0 ? p : 0;
	}
	free(pa);
}

/* All operands alike, in one layer of one product. */
static void
make_uniform(struct ax_histogram *h, const struct ax_lut *t)
{
	struct ax_histogram_layer *l =
		ax_histogram_add(h, "all", 1, 1, t->n, t->sign, t->m, t->sign);

	for (size_t i = 0; i < (size_t)1 << t->n; i++)
		l->a.counts[i] = 1;
	for (size_t i = 0; i < (size_t)1 << t->m; i++)
		l->b.counts[i] = 1;
	ax_histogram_total(h);
}

static int
measure(const struct evolve *e, const struct ax_histogram *h,
	const struct ax_lut *got, const struct ax_lut *want, double *error,
	struct ax_err *err)
{
	struct ax_lut_weighted w, *layer = ax_calloc(h->n, sizeof(*layer));
	double all = 0, part, rates[3] = {0}, network = 0, most = 0;
	int rc = ax_lut_measure_operands(&w, layer, got, want, h, err);

	for (size_t i = 0; i < h->n; i++)
		all += (double)h->layers[i].products;
	for (size_t i = 0; i < h->n && rc == 0; i++) {
		part = (double)h->layers[i].products / all;
		network += part * (layer[i].noise + e->rho * layer[i].coherent *
							    layer[i].coherent);
		add_rates(&h->layers[i], got, want, part, rates);
	}
	for (size_t i = 0; i < ax_lut_size(want); i++)
		most = AX_MAX(most, fabs((double)want->v[i]));
	free(layer);
	*error = e->metric == AX_METRIC_MAE    ? w.mae
		 : e->metric == AX_METRIC_NMED ? w.mae / AX_MAX(most, 1.0)
		 : e->metric == AX_METRIC_MRE
			 ? (rates[1] > 0 ? rates[0] / rates[1] : 0)
		 : e->metric == AX_METRIC_ER       ? rates[2]
		 : e->metric == AX_METRIC_MSE      ? w.mse
		 : e->metric == AX_METRIC_BIAS     ? fabs(w.bias)
		 : e->metric == AX_METRIC_NOISE    ? w.noise
		 : e->metric == AX_METRIC_COHERENT ? w.coherent
						   : network;
	return rc;
}

int
evolve_error_of(const struct evolve *e, const struct ax_lut *got, double *error,
		struct ax_err *err)
{
	struct ax_histogram uniform = AX_HISTOGRAM_INIT;
	struct ax_lut exact = {0};
	int rc = 0;

	if (!e->histogram.n)
		make_uniform(&uniform, got);
	if (!e->reference.v)
		rc = ax_lut_exact(&exact, AX_LUT_MUL, got->n, got->m, got->sign,
				  err);
	if (rc == 0)
		rc = measure(e, e->histogram.n ? &e->histogram : &uniform, got,
			     e->reference.v ? &e->reference : &exact, error,
			     err);
	ax_histogram_free(&uniform);
	ax_lut_free(&exact);
	return rc;
}

static int
error_of(const struct evolve *e, const struct ax_circuit *c, double *error,
	 struct ax_err *err)
{
	const struct ax_problem *p = &e->p;
	int32_t *y = ax_calloc(p->patterns, sizeof(*y));
	size_t flip = p->sign ? (size_t)1 << (p->wa - 1) << p->wb |
					(size_t)1 << (p->wb - 1)
			      : 0;
	struct ax_lut t;
	int rc = ax_lut_new(&t, p->wa, p->wb, p->sign, err);

	ax_problem_table(p, c, y);
	for (size_t i = 0; i < p->patterns && rc == 0; i++)
		t.v[i ^ flip] = y[i];
	if (rc == 0) {
		rc = evolve_error_of(e, &t, error, err);
		ax_lut_free(&t);
	}
	free(y);
	return rc;
}

/* --- starts -------------------------------------------------------------- */

static void
take(void *arg, const struct ax_circuit *c, const char *what)
{
	struct race *r = arg;
	struct ax_circuit own = AX_CIRCUIT_INIT;
	int32_t *y = ax_calloc(r->e->p.patterns, sizeof(*y));
	double error = 0, merit;
	bool keeps = false;
	size_t i;

	(void)what;
	ax_circuit_copy(&own, c);
	ax_circuit_tidy(&own);
	if (ax_search_legalise(&r->s, &own, NULL) == 0) {
		ax_problem_table(&r->e->p, &own, y);
		keeps = ax_error_of_table(&error, &r->g, y);
	}
	free(y);
	if (keeps && error == 0)
		r->exact = AX_MIN(r->exact,
				  ax_circuit_cost(&own, &r->ask->cost.gate));
	merit = ax_walk_merit(&r->aim, error, ax_search_cost(&r->s, &own));
	keeps = keeps && error <= r->aim.error_most;
	/* the same figures twice are most likely one circuit */
	for (i = 0; i < r->n && keeps; i++)
		keeps = r->start[i].merit != merit;
	if (!keeps || (r->n == r->room && r->start[r->n - 1].merit <= merit)) {
		ax_circuit_free(&own);
		return;
	}
	if (r->n == r->room)
		ax_circuit_free(&r->start[--r->n].c);
	for (i = r->n++; i > 0 && r->start[i - 1].merit > merit; i--)
		r->start[i] = r->start[i - 1];
	r->start[i] = (struct pick){own, merit};
}

static int
find_starts(struct race *r, struct ax_err *err)
{
	struct evolve *e = r->e;

	take(r, &e->start, "the given netlist");
	if (!r->n)
		fprintf(stderr,
			"the given netlist is not used: it does not keep the "
			"bounds; the built-in structures serve as starts\n");
	if (!e->reference.v || e->model)
		ax_members_each(&e->p, &e->wanted, r->g.often, take, r);
	return r->n ? 0
		    : ax_err_set(err, AX_EXIT_STAGE,
				 "no circuit to start from keeps %s %g%s: "
				 "neither the given netlist nor a built-in "
				 "structure. Start from a netlist within the "
				 "bound, or check `signed` and the histogram",
				 ax_metric_name(e->metric), e->error_most,
				 e->p.max_abs && r->g.limited
					 ? " and wce_abs or zero_exact"
					 : "");
}

/* --- the search ---------------------------------------------------------- */

static double
heat(const struct race *r)
{
	double unit = ax_cost_scale(&r->ask->cost.gate), part = 0.5;

	if (ax_task_json(r->e->task, "temperature"))
		return unit * ax_task_num(r->e->task, "temperature");
	if (r->exact != INT64_MAX && r->exact > 0)
		part = (double)ax_circuit_cost(&r->start[0].c,
					       &r->ask->cost.gate) /
		       (double)r->exact;
	return unit * ax_tour_heat(part);
}

static struct ax_tour *
new_tour(struct race *r)
{
	const struct ax_circuit **start = ax_calloc(r->n, sizeof(*start));
	struct ax_task *t = r->e->task;
	double hot = heat(r);
	struct ax_tour *tour;

	for (size_t i = 0; i < r->n; i++)
		start[i] = &r->start[i].c;
	tour = ax_tour_new(
		&r->s, &r->g, &r->ask->cost, &r->aim,
		&(struct ax_tour_params){
			.seed = (uint64_t)ax_task_int(t, "seed"),
			.steps = (uint64_t)ax_task_int(t, "steps"),
			.walks = (unsigned)ax_task_int(t, "islands"),
			.cycles = (unsigned)ax_task_int(t, "cycles"),
			.hot = hot,
			.cold = AX_MIN(0.1 * ax_cost_scale(&r->ask->cost.gate),
				       hot)},
		start, r->n);
	free(start);
	return tour;
}

static int
save(struct race *r, const struct ax_tour *t, struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	int rc;

	ax_ck_put(&s, r->e->history.len, 8);
	ax_str_addn(&s, r->e->history.buf, r->e->history.len);
	ax_archive_put(&s, &r->archive);
	ax_tour_save(t, &s);
	rc = evolve_save(r->e, &s, err);
	ax_str_free(&s);
	return rc;
}

static bool
restore(struct race *r, struct ax_tour *t, const char *bytes, size_t n)
{
	struct ax_ck_reader k = {(const uint8_t *)bytes,
				 (const uint8_t *)bytes + n, false};
	uint64_t len = ax_ck_get_max(&k, 8, 64u << 20);

	if (k.bad || len > (uint64_t)(k.end - k.at))
		return false;
	ax_str_addn(&r->e->history, k.at, len);
	k.at += len;
	ax_archive_get(&k, &r->e->p, &r->archive);
	return !k.bad && ax_tour_restore(t, &k) == 0 && !k.bad;
}

/* A row of the history when the best has changed. */
static void
note(struct race *r, uint64_t step, int64_t *last)
{
	const struct ax_archive_point *p =
		ax_archive_at_error(&r->archive, r->aim.error_most);
	struct ax_errors errors;

	if (!p || p->cost == *last)
		return;
	*last = p->cost;
	ax_problem_measure(&r->e->p, &p->c, &errors);
	evolve_note(r->e, step, ax_circuit_cost(&p->c, &ax_transistors), p->c.n,
		    &errors);
}

static int
loop(struct race *r, struct ax_tour *t, struct ax_err *err)
{
	const struct ax_archive_point *p =
		ax_archive_at_error(&r->archive, r->aim.error_most);
	int64_t last = p ? p->cost : INT64_MAX;
	uint64_t first = ax_tour_steps(t);
	double began = ax_now();

	while (ax_tour_epoch(t, ax_task_pool(r->e->task), &r->archive)) {
		note(r, ax_tour_steps(t), &last);
		p = ax_archive_at_error(&r->archive, r->aim.error_most);
		ax_task_progress(r->e->task, (double)ax_tour_steps(t),
				 (double)ax_tour_total(t),
				 "%" PRId64 " T, %s %.6g, %.0f visits/s",
				 p ? ax_circuit_cost(&p->c, &ax_transistors)
				   : 0,
				 ax_metric_name(r->e->metric), p ? p->error : 0,
				 (double)(ax_tour_steps(t) - first) /
					 AX_MAX(ax_now() - began, 1e-3));
		if (evolve_due(r->e) && save(r, t, err) < 0)
			return -1;
	}
	ax_task_metric_int(r->e->task, "steps", (int64_t)ax_tour_steps(t));
	ax_task_metric_int(r->e->task, "evaluations",
			   (int64_t)ax_tour_candidates(t));
	return 0;
}

/* The cheapest that keeps the bound when the noun measures it: the search adds
 * shares as floats. */
static int
choose(struct race *r, struct ax_err *err)
{
	double error;

	for (size_t i = 0; i < r->archive.n; i++) {
		if (error_of(r->e, &r->archive.point[i].c, &error, err) < 0)
			return -1;
		if (error > r->e->error_most)
			continue;
		ax_circuit_copy(&r->e->best, &r->archive.point[i].c);
		return 0;
	}
	return ax_err_set(err, AX_EXIT_STAGE,
			  "no circuit was found that keeps %s %g and the "
			  "bounds on the cost",
			  ax_metric_name(r->e->metric), r->e->error_most);
}

static int
search(struct race *r, struct ax_err *err)
{
	struct ax_tour *t = new_tour(r);
	char *bytes;
	size_t n;
	int rc;

	if (evolve_resume(r->e, &bytes, &n)) {
		if (!restore(r, t, bytes, n)) {
			fprintf(stderr, "the checkpoint is not usable; "
					"starting from the beginning\n");
			ax_tour_free(t);
			ax_str_clear(&r->e->history);
			ax_archive_free(&r->archive);
			t = new_tour(r);
		}
		free(bytes);
	}
	rc = loop(r, t, err);
	ax_tour_free(t);
	return rc < 0 ? -1 : choose(r, err);
}

int
evolve_by_error(struct evolve *e, const struct ax_ask *ask, unsigned allowed,
		struct ax_err *err)
{
	struct ax_error_rules rules = {.wce = UINT64_MAX};
	double unit = ax_cost_scale(&ask->cost.gate);
	struct race r = {.e = e, .ask = ask, .exact = INT64_MAX};
	int rc;

	if (ax_task_json(e->task, "wce_abs"))
		rules.wce = e->bound;
	rules.zero_exact = ax_task_bool(e->task, "zero_exact");
	if (ax_error_init(&r.g, &e->p, e->metric, &rules,
			  e->histogram.n ? &e->histogram : NULL, e->rho,
			  err) < 0)
		return e->histogram.n ? ax_err_wrap(err, "input histogram")
				      : -1;
	ax_search_init(&r.s, &e->p, 0, &ask->cost.gate, allowed);
	if (!ax_cost_is_plain(&ask->cost))
		r.s.full = &ask->cost;
	/* a start at the very bound must not be lost to rounding */
	r.aim = (struct ax_walk_aim){.error_most = e->error_most * (1 + 1e-6),
				     .slack = 15 * unit,
				     .floor = 1};
	r.room = (size_t)ax_task_int(e->task, "islands");
	r.start = ax_calloc(r.room, sizeof(*r.start));
	rc = find_starts(&r, err);
	if (rc == 0)
		rc = search(&r, err);
	for (size_t i = 0; i < r.n; i++)
		ax_circuit_free(&r.start[i].c);
	free(r.start);
	ax_archive_free(&r.archive);
	ax_search_free(&r.s);
	ax_error_free(&r.g);
	return rc;
}
