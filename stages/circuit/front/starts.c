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

/* Smallest, largest and mean of wanted - got. */
static void
error_range(const struct front *f, const struct ax_circuit *c, int64_t *least,
	    int64_t *most, double *mean)
{
	const struct ax_problem *p = &f->p;
	int32_t *got = ax_calloc(p->patterns, sizeof(*got));
	int64_t span = (int64_t)1 << p->outs, e;
	double sum = 0, all = 0, w;

	ax_problem_table(p, c, got);
	*least = INT64_MAX;
	*most = INT64_MIN;
	for (size_t i = 0; i < p->patterns; i++) {
		e = ((int64_t)p->ref[i] - got[i]) & (span - 1);
		if (e >= span / 2)
			e -= span;
		*least = AX_MIN(*least, e);
		*most = AX_MAX(*most, e);
		w = f->error.often ? (double)f->error.often[i] : 1;
		sum += w * (double)e;
		all += w;
	}
	*mean = sum / all;
	free(got);
}

/* Every family of structures; where a constant belongs to one, without it, with
 * the middle and with the mean of the errors. */
static void
add_structures(struct front *f)
{
	struct ax_circuit c = AX_CIRCUIT_INIT;
	int64_t least, most;
	double mean;
	size_t n;
	struct ax_wanted w = ax_wanted_of(&f->p);
	struct ax_member *list = ax_members(&w, false, &n);
	char what[96];

	for (size_t i = 0; i < n; i++) {
		struct ax_member *m = &list[i];
		uint64_t constant[3] = {0};
		unsigned some = 1;

		if (!ax_member_build(&f->p, m, &c))
			continue;
		if (ax_member_adds(m)) {
			error_range(f, &c, &least, &most, &mean);
			constant[1] = (uint64_t)AX_MAX((least + most) / 2, 0);
			mean = floor(mean + 0.5);
			constant[2] = mean > 0 ? (uint64_t)mean : 0;
			/* measuring takes seconds with many bits */
			some = f->p.ins > 16 ? 2 : 3;
		}
		for (unsigned k = 0; k < some; k++) {
			if (k && (constant[k] == constant[k - 1] ||
				  constant[k] == 0))
				continue;
			m->shape.add = constant[k];
			if (k && !ax_member_build(&f->p, m, &c))
				continue;
			ax_member_name(what, sizeof(what), m);
			add_start(f, &c, what);
		}
	}
	ax_circuit_free(&c);
	free(list);
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
	if (add_given(f, err) < 0)
		return -1;
	f->given = f->starts;
	if (f->other)
		return 0;
	add_structures(f);
	return 0;
}
