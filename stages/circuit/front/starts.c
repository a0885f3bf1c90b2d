/* SPDX-License-Identifier: Apache-2.0 */
/* Circuits that need no search: where the search starts, and what it is
 * compared with. */
#include <math.h>

#include "artifacts/liberty.h"
#include "stages/circuit/front/front.h"
#include "stages/circuit/search/families.h"

bool
front_measure(const struct front *f, const struct ax_circuit *c, double *error)
{
	int32_t *y = ax_calloc(f->p.patterns, sizeof(*y));
	int64_t most = 0, e;
	bool keeps;

	ax_problem_table(&f->p, c, y);
	*error = 0;
	keeps = ax_error_of_table(error, &f->error, y);
	if (f->metric == AX_METRIC_WCE) {
		for (size_t i = 0; i < f->p.patterns; i++) {
			if (f->error.often && f->error.often[i] == 0)
				continue;
			e = (int64_t)y[i] - f->p.ref[i];
			most = AX_MAX(most, e < 0 ? -e : e);
		}
		*error = (double)most;
	}
	free(y);
	return keeps;
}

static void
add_start(struct front *f, const struct ax_circuit *c, const char *what)
{
	struct front_start *s;
	struct ax_circuit legal = AX_CIRCUIT_INIT;

	ax_circuit_copy(&legal, c);
	ax_circuit_tidy(&legal);
	if (ax_search_legalise(&f->s, &legal, NULL) < 0) {
		ax_circuit_free(&legal);
		return;
	}
	AX_GROW(f->start, f->starts, f->starts_cap);
	s = &f->start[f->starts++];
	*s = (struct front_start){.what = ax_strdup(what), .c = legal};
	s->cost = ax_search_cost(&f->s, &legal);
	s->keeps = front_measure(f, &legal, &s->error);
}

static void
take_member(void *front, const struct ax_circuit *c, const char *what)
{
	add_start(front, c, what);
}

static int
add_given(struct front *f, struct ax_err *err)
{
	const char *lib_path = ax_task_in(f->task, "liberty");
	size_t n = ax_task_in_count(f->task, "netlist");
	struct ax_liberty lib;
	int rc = 0;

	if (n == 0)
		return 0;
	if (lib_path && ax_liberty_load(&lib, lib_path, err) < 0)
		return -1;
	for (size_t i = 0; i < n && rc == 0; i++) {
		const char *path = ax_task_in_at(f->task, "netlist", i);
		struct ax_netlist *net = NULL;
		struct ax_circuit c = AX_CIRCUIT_INIT;
		struct ax_str warn = AX_STR_INIT;
		unsigned wa, wb;
		char what[64];

		rc = ax_netlist_load(&net, path, AX_NET_AUTO,
				     lib_path ? &lib : NULL, &warn, err);
		if (warn.len)
			fputs(warn.buf, stderr);
		ax_str_free(&warn);
		if (rc == 0)
			rc = ax_circuit_from_netlist(&c, &wa, &wb, net, err);
		ax_netlist_free(net);
		if (rc == 0 &&
		    (wa != f->wa || wb != f->wb || c.outs != f->outs))
			rc = ax_err_set(
				err, AX_EXIT_STAGE,
				"input netlist %zu: operands of %u and %u "
				"bits and a result of %u; wanted are %u, %u "
				"and %u: see a_bits and b_bits",
				i, wa, wb, c.outs, f->wa, f->wb, f->outs);
		if (rc == 0) {
			snprintf(what, sizeof(what), "given netlist %zu", i);
			add_start(f, &c, what);
			if (!f->start[f->starts - 1].keeps)
				fprintf(stderr,
					"input netlist %zu breaks a rule "
					"(wce_most, zero_exact, not_above, "
					"commutative): no start\n",
					i);
		}
		ax_circuit_free(&c);
	}
	if (lib_path)
		ax_liberty_free(&lib);
	return rc;
}

int
front_find_starts(struct front *f, struct ax_err *err)
{
	struct ax_wanted wanted;

	if (add_given(f, err) < 0)
		return -1;
	f->given = f->starts;
	if (f->other)
		return 0;
	wanted = ax_wanted_of(&f->p);
	ax_members_each(&f->p, &wanted, f->error.often, take_member, f);
	return 0;
}
