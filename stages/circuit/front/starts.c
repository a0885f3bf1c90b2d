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
	s->cost = ax_circuit_cost(&legal, &f->cost.gate);
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

static void
add_multipliers(struct front *f)
{
	struct ax_circuit c = AX_CIRCUIT_INIT;
	int64_t least, most;
	double mean;
	char what[128];

	for (unsigned shape = 0; shape < 3; shape++)
		for (unsigned drop = 0; drop < f->outs; drop++) {
			struct ax_family m = {.drop = drop,
					      .chain = shape == 1,
					      .booth = shape == 2};
			uint64_t add[3], n = 1;
			const char *name = shape == 2   ? "Booth"
					   : shape == 1 ? "chained array"
							: "array";

			ax_family_build(&f->p, &m, &c);
			error_range(f, &c, &least, &most, &mean);
			add[0] = 0;
			if (drop) {
				add[n++] =
					(uint64_t)AX_MAX((least + most) / 2, 0);
				add[n++] = (uint64_t)AX_MAX(
					(int64_t)floor(mean + 0.5), 0);
			}
			for (uint64_t k = 0; k < n; k++) {
				if (k && (add[k] == add[k - 1] || add[k] == 0))
					continue;
				m.add = add[k];
				ax_family_build(&f->p, &m, &c);
				snprintf(what, sizeof(what),
					 "%s, %u columns dropped, %" PRIu64
					 " added",
					 name, drop, add[k]);
				add_start(f, &c, what);
			}
		}
	ax_circuit_free(&c);
}

/* Ripple adders whose lowest bits are OR-ed (lower-part OR adder) or passed
 * from one operand. */
static void
add_adders(struct front *f)
{
	unsigned n = AX_MIN(f->wa, f->wb);
	char what[128];

	for (unsigned low = 0; low <= n; low++)
		for (unsigned copy = 0; copy < (low ? 2u : 1u); copy++) {
			struct ax_circuit c = AX_CIRCUIT_INIT;
			uint16_t carry, zero, a, b, half, x, y;

			c.ins = f->p.ins;
			c.outs = f->outs;
			carry = zero = ax_circuit_add(&c, AX_G_CONST0, 0, 0);
			for (unsigned k = 0; k < f->outs; k++) {
				unsigned ka = AX_MIN(k, f->wa - 1);
				unsigned kb = AX_MIN(k, f->wb - 1);

				a = (uint16_t)ka;
				b = (uint16_t)(f->wa + kb);
				if (!f->sign && k >= f->wa)
					a = zero;
				if (!f->sign && k >= f->wb)
					b = zero;
				if (k < low) {
					c.out[k] = copy ? a
							: ax_circuit_add(
								  &c, AX_G_OR,
								  a, b);
					continue;
				}
				half = ax_circuit_add(&c, AX_G_XOR, a, b);
				c.out[k] = ax_circuit_add(&c, AX_G_XOR, half,
							  carry);
				x = ax_circuit_add(&c, AX_G_NAND, a, b);
				y = ax_circuit_add(&c, AX_G_NAND, half, carry);
				carry = ax_circuit_add(&c, AX_G_NAND, x, y);
			}
			snprintf(what, sizeof(what), "ripple, %u bits %s", low,
				 copy ? "of A alone" : "OR-ed");
			add_start(f, &c, what);
			ax_circuit_free(&c);
		}
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
	if (f->other)
		return 0;
	if (f->op == AX_LUT_MUL)
		add_multipliers(f);
	else
		add_adders(f);
	return 0;
}
