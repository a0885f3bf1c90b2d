/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/results/tighten.h"

#include <math.h>

#include "artifacts/base/base.h"
#include "artifacts/base/json.h"
#include "artifacts/base/map.h"
#include "pipeline/results/provenance.h"

/* What the runs measured under one name: claims of one expression share it. */
struct range {
	double least, most;
	size_t runs, last; /* the run that was counted last */
};

static void
see(struct range *x, double v, size_t run)
{
	if (!isfinite(v))
		return;
	x->least = x->runs ? fmin(x->least, v) : v;
	x->most = x->runs ? fmax(x->most, v) : v;
	if (!x->runs || x->last != run)
		x->runs++;
	x->last = run;
}

/* A claim is known again by its expression with its coordinates; what it
 * allowed then does not matter. */
static void
see_run(const struct ax_map *by_name, const json_t *verdicts, size_t run)
{
	const json_t *list = json_is_array(verdicts)
				     ? verdicts
				     : json_object_get(verdicts, "claims");
	json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		const char *name =
			json_string_value(json_object_get(v, "name"));
		const char *got =
			json_string_value(json_object_get(v, "measured"));
		struct range *x = name ? ax_map_get(by_name, name) : NULL;
		char *end;
		double d;

		if (!x || !got)
			continue;
		d = strtod(got, &end);
		if (end != got && *end == '\0')
			see(x, d, run);
	}
}

/* To three digits, upwards or downwards. */
static double
rounded(double v, bool up)
{
	double digits, unit;

	if (!isfinite(v) || !(fabs(v) > 0))
		return v;
	digits = floor(log10(fabs(v))) - 2;
	if (digits < -300)
		return v;
	/* divided, so that it is 12.2, not 122 times the nearest to 0.1 */
	unit = pow(10, fabs(digits));
	if (digits < 0)
		return (up ? ceil(v * unit - 1e-9) : floor(v * unit + 1e-9)) /
		       unit;
	return (up ? ceil(v / unit - 1e-9) : floor(v / unit + 1e-9)) * unit;
}

static void
propose(struct ax_tighter *t, double margin)
{
	const struct ax_claim *c = t->claim;
	double size = fmax(fabs(t->least), fabs(t->most));
	double room = fmax(t->most - t->least, margin * size);

	t->lo = c->lo;
	t->hi = c->hi;
	if (t->runs == 0 || !(c->lo < c->hi))
		return;
	if (isfinite(c->lo))
		t->lo = fmax(c->lo, rounded(t->least - room, false));
	if (isfinite(c->hi))
		t->hi = fmin(c->hi, rounded(t->most + room, true));
	/* what fails today is no reason to move the other limit past it */
	if (!(t->lo <= t->hi)) {
		t->lo = c->lo;
		t->hi = c->hi;
	}
	t->moves = t->lo > c->lo || t->hi < c->hi;
}

int
ax_tighten(struct ax_tighter **out, size_t *n, struct ax_store *s,
	   const char *manifest, const struct ax_claims *now, size_t runs,
	   double margin, struct ax_err *err)
{
	struct ax_tighter *list = ax_calloc(now->n + 1, sizeof(*list));
	struct range *ranges = ax_calloc(now->n + 1, sizeof(*ranges)), *x;
	struct ax_map by_name = AX_MAP_INIT;
	struct ax_past_run *past = NULL;
	size_t npast = 0, i;
	json_t *verdicts;
	int rc;

	*out = NULL;
	*n = 0;
	for (i = 0; i < now->n; i++) {
		struct ax_tighter *t = &list[*n];

		if (isnan(now->list[i].lo))
			continue;
		t->claim = &now->list[i];
		if (!ax_map_get(&by_name, now->list[i].name))
			ax_map_set(&by_name, now->list[i].name, &ranges[*n]);
		++*n;
	}
	rc = ax_provenance_log(s, manifest, runs, &past, &npast, err);
	for (i = 0; rc == 0 && i < npast; i++) {
		/* a run without claims, or of before there were any */
		if (ax_provenance_read(s, past[i].hex, "claims.json", &verdicts,
				       NULL) < 0)
			continue;
		see_run(&by_name, verdicts, i);
		json_decref(verdicts);
	}
	for (i = 0; i < *n; i++) {
		x = ax_map_get(&by_name, list[i].claim->name);
		/* the newest run measured it already, where there is one */
		if (x->runs == 0)
			see(x, list[i].claim->got, SIZE_MAX);
		list[i].runs = x->runs;
		list[i].least = x->least;
		list[i].most = x->most;
		propose(&list[i], margin);
	}
	ax_past_free(past, npast);
	ax_map_free(&by_name);
	free(ranges);
	if (rc < 0)
		free(list);
	else
		*out = list;
	return rc;
}

/* "<= 12", ">= 3", "3 .. 12". */
static void
add_limits(struct ax_str *s, double lo, double hi)
{
	if (isfinite(lo) && isfinite(hi)) {
		ax_str_add_num(s, lo);
		ax_str_add(s, " .. ");
		ax_str_add_num(s, hi);
	} else if (isfinite(hi)) {
		ax_str_add(s, "<= ");
		ax_str_add_num(s, hi);
	} else {
		ax_str_add(s, ">= ");
		ax_str_add_num(s, lo);
	}
}

void
ax_tighten_table(struct ax_str *s, const struct ax_tighter *list, size_t n)
{
	size_t moves = 0;

	for (size_t i = 0; i < n; i++) {
		const struct ax_tighter *t = &list[i];

		if (!t->moves)
			continue;
		moves++;
		ax_str_addf(s, "%s\n  claimed ", t->claim->name);
		add_limits(s, t->claim->lo, t->claim->hi);
		ax_str_add(s, ", seen ");
		ax_str_add_num(s, t->least);
		if (t->least < t->most) {
			ax_str_add(s, " .. ");
			ax_str_add_num(s, t->most);
		}
		ax_str_addf(s, " in %zu run%s, proposed ", t->runs,
			    t->runs == 1 ? "" : "s");
		add_limits(s, t->lo, t->hi);
		ax_str_addc(s, '\n');
	}
	ax_str_addf(s, "%zu of %zu claims with a number could be tighter\n",
		    moves, n);
}

static void
set_finite(json_t *o, const char *key, double v)
{
	json_object_set_new(o, key, isfinite(v) ? json_real(v) : json_null());
}

json_t *
ax_tighten_json(const struct ax_tighter *list, size_t n)
{
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct ax_tighter *t = &list[i];
		json_t *o = json_object();

		json_object_set_new(o, "name", json_string(t->claim->name));
		json_object_set_new(o, "runs",
				    json_integer((json_int_t)t->runs));
		if (t->runs) {
			set_finite(o, "least", t->least);
			set_finite(o, "most", t->most);
		}
		set_finite(o, "claimed_lo", t->claim->lo);
		set_finite(o, "claimed_hi", t->claim->hi);
		set_finite(o, "proposed_lo", t->lo);
		set_finite(o, "proposed_hi", t->hi);
		json_object_set_new(o, "tighter", json_boolean(t->moves));
		json_array_append_new(all, o);
	}
	return all;
}
