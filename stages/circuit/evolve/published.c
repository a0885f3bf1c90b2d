/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/evolve/evolve.h"
#include "stages/circuit/search/ga.h"

static int
check_problem(const struct evolve *e, struct ax_err *err)
{
	const struct ax_circuit *c = &e->start;

	if (e->wa != 8 || e->wb != 8 || c->outs != 16 || !e->sign)
		return ax_err_set(
			err, AX_EXIT_STAGE,
			"algorithm circuitsdna is for signed multipliers of 8 "
			"x 8 bits with 16 output bits, as published (its "
			"unsigned mode misreads products of 2^15 and more); "
			"this one is %s, %u x %u bits with %u. Use algorithm "
			"axpipe",
			e->sign ? "signed" : "unsigned", e->wa, e->wb, c->outs);
	if (e->reference.v || e->model)
		return ax_err_set(
			err, AX_EXIT_STAGE,
			"algorithm circuitsdna compares with the "
			"exact product only; drop the input "
			"reference and `function`, or use algorithm axpipe");
	for (unsigned j = 0; j < c->n; j++)
		if (c->gate[j] == AX_G_NOR)
			return ax_err_set(
				err, AX_EXIT_STAGE,
				"netlist: node %u is a NOR, which algorithm "
				"circuitsdna does not have; synthesise without "
				"NOR cells or use algorithm axpipe",
				j);
	return 0;
}

static int
read_params(const struct evolve *e, struct ax_ga_params *q, struct ax_err *err)
{
	json_t *w = ax_task_json(e->task, "weights");
	double sum = 0;

	q->seed = (uint32_t)ax_task_int(e->task, "seed");
	q->population = (unsigned)ax_task_int(e->task, "population");
	q->top_ratio = ax_task_num(e->task, "top_k_ratio");
	q->eps_start = ax_task_num(e->task, "eps_start");
	q->eps_end = ax_task_json(e->task, "wce_abs")
			     ? (double)e->bound / (double)e->p.max_abs
			     : ax_task_num(e->task, "wce");
	q->eps_tau = ax_task_num(e->task, "eps_tau");
	for (size_t k = 0; k < AX_MUTATIONS; k++) {
		q->weights[k] = json_number_value(json_array_get(w, k));
		sum += q->weights[k];
	}
	if (!(sum > 0))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "weights: all are 0; one must be positive");
	return 0;
}

static int
loop(struct evolve *e, struct ax_ga *ga, uint64_t generations,
     struct ax_err *err)
{
	uint64_t first = ax_ga_generation(ga);
	double began = ax_now();

	while (ax_ga_generation(ga) < generations) {
		const struct ax_ga_best *b;
		uint64_t g;

		ax_ga_step(ga, ax_task_pool(e->task));
		g = ax_ga_generation(ga);
		b = ax_ga_best(ga);
		if (g % 10 && g != generations)
			continue;
		ax_task_progress(e->task, (double)g, (double)generations,
				 "generation %" PRIu64 ": %" PRId64
				 " T, WCE %" PRIu64 ", %.0f candidates/s",
				 g, b->cost, b->errors.wce,
				 (double)((g - first) * 100) /
					 AX_MAX(ax_now() - began, 1e-3));
		if (evolve_due(e)) {
			struct ax_str s = AX_STR_INIT;
			int rc;

			ax_ga_save(ga, &s);
			rc = evolve_save(e, &s, err);
			ax_str_free(&s);
			if (rc < 0)
				return -1;
		}
	}
	return 0;
}

int
evolve_published(struct evolve *e, struct ax_err *err)
{
	uint64_t generations = (uint64_t)ax_task_int(e->task, "generations");
	struct ax_ga_params q = {0};
	const struct ax_ga_best *b;
	struct ax_ga *ga;
	char *bytes;
	size_t n;
	int rc;

	if (check_problem(e, err) < 0 || read_params(e, &q, err) < 0)
		return -1;
	ga = ax_ga_new(&e->p, &q, &e->start, ax_task_pool(e->task));
	if (evolve_resume(e, &bytes, &n)) {
		rc = ax_ga_restore(ga, bytes, n);
		free(bytes);
		if (rc < 0) {
			fprintf(stderr, "the checkpoint is not usable; "
					"starting from the beginning\n");
			ax_ga_free(ga);
			ga = ax_ga_new(&e->p, &q, &e->start,
				       ax_task_pool(e->task));
		}
	}
	rc = loop(e, ga, generations, err);
	b = ax_ga_best(ga);
	if (rc == 0 && b->errors.wce > e->bound)
		rc = ax_err_set(
			err, AX_EXIT_STAGE,
			"no feasible circuit: after %" PRIu64 " generations "
			"the fittest has %" PRId64 " T and a worst-case error "
			"of %" PRIu64 ", above the bound of %" PRIu64
			". Start from a circuit within the bound, or allow "
			"more generations",
			generations, b->cost, b->errors.wce, e->bound);
	if (rc == 0) {
		const struct ax_ga_best *h = ax_ga_history(ga, &n);

		for (size_t k = 0; k < n; k++)
			evolve_note(e, h[k].since, h[k].cost, h[k].nodes,
				    &h[k].errors);
		ax_ga_log(ga, generations, &e->log);
		ax_circuit_copy(&e->best, ax_ga_circuit(ga));
		ax_task_metric_int(e->task, "generations",
				   (int64_t)generations);
		ax_task_metric_int(e->task, "evaluations",
				   (int64_t)ax_ga_evaluations(ga));
	}
	ax_ga_free(ga);
	return rc;
}
