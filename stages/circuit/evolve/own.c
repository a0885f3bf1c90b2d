/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/evolve/evolve.h"
#include "stages/circuit/search/anneal.h"

/* Costs are integers inside; fractions of areas are kept to this grain. */
#define GRAIN 10000

static unsigned
read_gates(const struct evolve *e)
{
	json_t *list = ax_task_json(e->task, "gates"), *v;
	unsigned allowed = 0;
	size_t k;

	json_array_foreach(list, k, v) allowed |=
		1u << ax_g_parse(json_string_value(v));
	return allowed;
}

static int
read_costs(const struct evolve *e, struct ax_costs *k, struct ax_err *err)
{
	json_t *table = ax_task_json(e->task, "costs"), *v;
	const char *name;
	enum ax_g g;

	if (!table)
		return 0;
	if (!ax_streq(ax_task_str(e->task, "cost"), "transistors"))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "costs: they stand for transistors; with "
				  "cost %s they mean nothing",
				  ax_task_str(e->task, "cost"));
	if (ax_streq(ax_task_str(e->task, "cells"), "cover"))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "costs: they are of gates; with cells "
				  "\"cover\" the library's cells cost");
	*k = ax_transistors;
	for (int i = 0; i < AX_G_KINDS; i++)
		k->of[i] *= GRAIN;
	json_object_foreach(table, name, v)
	{
		g = ax_g_parse(name);
		if (g < AX_G_INV || g >= AX_G_KINDS)
			return ax_err_set(err, AX_EXIT_USAGE,
					  "costs: no gate is called \"%.40s\"; "
					  "there are INV AND NAND OR NOR XOR "
					  "XNOR",
					  name);
		k->of[g] = (int64_t)(json_number_value(v) * GRAIN + 0.5);
	}
	return 0;
}

/* All circuits to start from, the given one among them, cheapest first. */
static struct ax_start *
find_starts(struct evolve *e, const struct ax_search *s, size_t *n,
	    struct ax_err *err)
{
	struct ax_start *list = ax_families(s, &e->wanted, e->bound, 1, n),
			*given;
	struct ax_errors errors;

	given = &list[*n];
	ax_circuit_copy(&given->c, &e->start);
	if (ax_search_legalise(s, &given->c, err) < 0) {
		ax_starts_free(list, *n + 1);
		return NULL;
	}
	given->cost = ax_search_cost(s, &given->c);
	snprintf(given->what, sizeof(given->what), "the given netlist");
	if (ax_search_feasible(s, &given->c)) {
		++*n;
		ax_starts_sort(list, *n);
	} else {
		ax_circuit_free(&given->c);
		given = NULL;
	}
	if (given)
		return list;
	ax_problem_measure(&e->p, &e->start, &errors);
	if (*n) {
		fprintf(stderr,
			"the given netlist is not used: its worst-case error "
			"of %" PRIu64 " is above the bound of %" PRIu64
			"; if that is a surprise, check `signed`. The "
			"built-in structures serve as starts\n",
			errors.wce, e->bound);
		return list;
	}
	ax_err_set(
		err, AX_EXIT_STAGE,
		"no feasible circuit to start from: the given netlist has a "
		"worst-case error of %" PRIu64 ", above the bound of %" PRIu64
		", and no built-in structure keeps it either. Start from "
		"a netlist within the bound, or check `signed`%s",
		errors.wce, e->bound, e->reference.v ? " and reference" : "");
	ax_starts_free(list, *n);
	return NULL;
}

static int
loop(struct evolve *e, struct ax_anneal *a, struct ax_err *err)
{
	double began = ax_now(), gone;
	uint64_t first = ax_anneal_steps(a), done;
	uint64_t tests = ax_anneal_candidates(a);
	size_t n;

	while (ax_anneal_epoch(a, ax_task_pool(e->task))) {
		const struct ax_anneal_note *h = ax_anneal_history(a, &n);

		done = ax_anneal_steps(a);
		gone = AX_MAX(ax_now() - began, 1e-3);
		ax_task_progress(
			e->task, (double)done, (double)ax_anneal_total(a),
			"%" PRId64 " T, WCE %" PRIu64
			", %.0f visits/s, %.1f M evaluations/s",
			ax_circuit_cost(ax_anneal_best(a), &ax_transistors),
			h[n - 1].errors.wce, (double)(done - first) / gone,
			(double)(ax_anneal_candidates(a) - tests) / gone *
				1e-6);
		if (evolve_due(e)) {
			struct ax_str s = AX_STR_INIT;
			int rc;

			ax_anneal_save(a, &s);
			rc = evolve_save(e, &s, err);
			ax_str_free(&s);
			if (rc < 0)
				return -1;
		}
	}
	return 0;
}

static int
search(struct evolve *e, const struct ax_search *s,
       const struct ax_anneal_params *q, const struct ax_start *start, size_t n,
       struct ax_err *err)
{
	struct ax_anneal *a = ax_anneal_new(s, q, start, n);
	const struct ax_anneal_note *h;
	char *bytes;
	int rc;

	if (evolve_resume(e, &bytes, &n)) {
		rc = ax_anneal_restore(a, bytes, n);
		free(bytes);
		if (rc < 0) {
			fprintf(stderr, "the checkpoint is not usable; "
					"starting from the beginning\n");
			ax_anneal_free(a);
			a = ax_anneal_new(s, q, start, n);
		}
	}
	rc = loop(e, a, err);
	if (rc == 0) {
		h = ax_anneal_history(a, &n);
		for (size_t k = 0; k < n; k++)
			evolve_note(e, h[k].steps, h[k].transistors, h[k].nodes,
				    &h[k].errors);
		ax_circuit_copy(&e->best, ax_anneal_best(a));
		ax_task_metric_int(e->task, "steps",
				   (int64_t)ax_anneal_steps(a));
		ax_task_metric_int(e->task, "evaluations",
				   (int64_t)ax_anneal_candidates(a));
		if (ax_task_json(e->task, "costs"))
			ax_task_metric_num(e->task, "cost",
					   (double)h[n - 1].cost / GRAIN);
	}
	ax_anneal_free(a);
	return rc;
}

/* Toggles of the operands: all alike, or as a network's layers have them. */
static int
read_activity(const struct evolve *e, struct ax_ask *ask, struct ax_err *err)
{
	struct ax_error_rules rules = {.wce = UINT64_MAX};
	struct ax_error g;

	if (!e->histogram.n || !ax_cost_needs_energy(&ask->cost)) {
		if (e->histogram.n && e->metric == AX_METRIC_WCE)
			return ax_err_set(
				err, AX_EXIT_USAGE,
				"histogram: the largest error and transistors, "
				"areas and delays know no weights: give "
				"`error` "
				"(mae, noise, network, ...), or cost or a "
				"bound in energy");
		ax_ask_activity(ask, &e->p, NULL);
		return 0;
	}
	if (ax_error_init(&g, &e->p, AX_METRIC_MAE, &rules, &e->histogram, 0,
			  err) < 0)
		return ax_err_wrap(err, "input histogram");
	ax_ask_activity(ask, &e->p, g.often);
	ax_error_free(&g);
	return 0;
}

static int
by_islands(struct evolve *e, struct ax_ask *ask, unsigned allowed,
	   struct ax_err *err)
{
	struct ax_anneal_params q = {0};
	const struct ax_costs *costs = &ask->cost.gate;
	struct ax_search s;
	struct ax_start *start;
	size_t n;
	int rc;

	q.seed = (uint64_t)ax_task_int(e->task, "seed");
	q.steps = (uint64_t)ax_task_int(e->task, "steps");
	q.islands = (unsigned)ax_task_int(e->task, "islands");
	q.cycles = (unsigned)ax_task_int(e->task, "cycles");
	q.hot = ax_task_json(e->task, "temperature")
			? ax_task_num(e->task, "temperature")
			: ax_anneal_heat((double)e->bound /
					 (double)AX_MAX(e->p.max_abs, 1u));
	q.restarts = ax_task_json(e->task, "restarts")
			     ? (unsigned)ax_task_int(e->task, "restarts")
			     : ax_anneal_restarts(&q, q.hot);
	q.hot *= ax_cost_scale(costs);
	q.cold = AX_MIN(0.1 * ax_cost_scale(costs), q.hot);
	ax_search_init(&s, &e->p, e->bound, costs, allowed);
	if (!ax_cost_is_plain(&ask->cost))
		s.full = &ask->cost;
	start = find_starts(e, &s, &n, err);
	if (!start) {
		ax_search_free(&s);
		return -1;
	}
	for (size_t k = 0; k < ax_starts_worth(start, n); k++)
		if (start[k].cost < AX_COST_BROKEN)
			fprintf(stderr, "start %zu: cost %" PRId64 ", %s\n", k,
				start[k].cost, start[k].what);
		else
			fprintf(stderr, "start %zu: breaks a bound, %s\n", k,
				start[k].what);
	rc = search(e, &s, &q, start, ax_starts_worth(start, n), err);
	ax_starts_free(start, n);
	ax_search_free(&s);
	return rc;
}

static int
search_at_cost(struct evolve *e, struct ax_ask *ask, unsigned allowed,
	       struct ax_err *err)
{
	struct ax_figures f;
	int rc = e->metric == AX_METRIC_WCE
			 ? by_islands(e, ask, allowed, err)
			 : evolve_by_error(e, ask, allowed, err);

	if (rc == 0) {
		ax_cost_measure(&ask->cost, &e->p, &e->best, &f);
		rc = ax_ask_check(ask, &f, err);
		ax_ask_report(ask, e->task, &f);
		if (ask->cost.grain > 1)
			ax_task_metric_num(
				e->task, "cost",
				ax_cost_value(&ask->cost, &e->best, &f));
	}
	if (rc == 0 && ask->cover)
		rc = evolve_mapped(e, ask->cover, ask->cost.covers_transistors,
				   err);
	return rc;
}

int
evolve_own(struct evolve *e, struct ax_err *err)
{
	unsigned allowed = read_gates(e);
	struct ax_ask ask;
	int rc;

	rc = ax_ask_cost(&ask, e->task, &allowed, err);
	if (rc == 0)
		rc = read_costs(e, &ask.cost.gate, err);
	if (rc == 0)
		rc = read_activity(e, &ask, err);
	if (rc == 0)
		rc = search_at_cost(e, &ask, allowed, err);
	ax_ask_free(&ask);
	return rc;
}
