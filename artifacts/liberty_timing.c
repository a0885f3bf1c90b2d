/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <math.h>

#include "artifacts/base/base.h"
#include "artifacts/liberty_scan.h"
#include "artifacts/liberty_timing.h"

/* Of an axis, of the arcs of a cell, of the templates of a library. */
enum { AXIS_MAX = 64, ARCS_MAX = 4096, TEMPLATES_MAX = 4096 };

enum variable { NONE, SLEW, LOAD, OTHER };

struct template
{
	char *name;
	enum variable variable[2];
	double index[2][AXIS_MAX];
	unsigned n[2];
};

struct reader {
	struct ax_lib_scan s;
	const struct ax_liberty *lib;
	double time, cap, energy; /* the library's units in ns, pF, pJ */
	struct template *template;
	size_t templates, room;
};

double
ax_lib_table_at(const struct ax_lib_table *t, double slew, double load)
{
	unsigned i = 0, j = 0, di = t->nx > 1, dj = t->ny > 1;
	double u = 0, w = 0, low, high;
	const double *v;

	while (i + 2 < t->nx && slew >= t->x[i + 1])
		i++;
	while (j + 2 < t->ny && load >= t->y[j + 1])
		j++;
	if (di)
		u = (slew - t->x[i]) / (t->x[i + 1] - t->x[i]);
	if (dj)
		w = (load - t->y[j]) / (t->y[j + 1] - t->y[j]);
	v = t->v + (size_t)i * t->ny + j;
	low = v[0] + (v[dj] - v[0]) * w;
	v += (size_t)di * t->ny;
	high = v[0] + (v[dj] - v[0]) * w;
	return low + (high - low) * u;
}

/* --- units --------------------------------------------------------------- */

/* `1ns`, `10ps`; `1,pf`: a number and a unit of the given letter. */
static int
scale_of(double *out, const char *text, char letter, const char *what,
	 struct ax_err *err)
{
	static const char prefix[] = "munpfa";
	static const double by[] = {1e-3, 1e-6, 1e-9, 1e-12, 1e-15, 1e-18};
	const char *p;
	char *end;
	double n;

	n = text ? strtod(text, &end) : 0;
	if (text && end == text)
		n = 1;
	while (text &&
	       (isspace((unsigned char)*end) || *end == ',' || *end == '"'))
		end++;
	p = text && *end ? strchr(prefix, tolower((unsigned char)*end)) : NULL;
	if (!(n > 0) || !isfinite(n) || !p ||
	    tolower((unsigned char)end[1]) != letter)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "library: %s is %.40s; wanted something like "
				  "%s",
				  what, text ? text : "not stated",
				  letter == 's' ? "\"1ns\"" : "(1, pf)");
	*out = n * by[p - prefix];
	return 0;
}

int
ax_liberty_picofarads(double *out, const struct ax_liberty *lib,
		      struct ax_err *err)
{
	if (scale_of(out, lib->capacitance_unit, 'f', "capacitive_load_unit",
		     err) < 0)
		return -1;
	*out *= 1e12;
	/* a factor of 1 stays 1 */
	if (fabs(*out - 1) < 1e-9)
		*out = 1;
	return 0;
}

/* --- tables -------------------------------------------------------------- */

/* The numbers of an attribute, at most `most`. */
static int
numbers(struct reader *r, struct ax_lib_span p, double scale, double *to,
	unsigned most, unsigned *n)
{
	const char *text = r->s.text;
	char buf[64], *end;
	size_t len;

	for (*n = 0;;) {
		while (p.from < p.to && (isspace((unsigned char)text[p.from]) ||
					 strchr("\",\\", text[p.from])))
			p.from++;
		if (p.from >= p.to)
			return 0;
		for (len = 0; p.from + len < p.to && len + 1 < sizeof(buf) &&
			      !isspace((unsigned char)text[p.from + len]) &&
			      !strchr("\",\\", text[p.from + len]);
		     len++)
			buf[len] = text[p.from + len];
		buf[len] = '\0';
		if (*n >= most)
			return ax_lib_scan_fail(&r->s, p.from,
						"more numbers than the table "
						"has room for");
		to[*n] = strtod(buf, &end) * scale;
		if (end == buf || *end || !isfinite(to[*n]))
			return ax_lib_scan_fail(&r->s, p.from,
						"expected a number");
		++*n;
		p.from += len;
	}
}

static enum variable
variable(const struct reader *r, struct ax_lib_span p)
{
	if (ax_lib_scan_is(&r->s, p, "input_net_transition") ||
	    ax_lib_scan_is(&r->s, p, "input_transition_time"))
		return SLEW;
	if (ax_lib_scan_is(&r->s, p, "total_output_net_capacitance"))
		return LOAD;
	return OTHER;
}

static int
read_template(struct reader *r, struct ax_lib_span name)
{
	struct template *t;
	struct ax_lib_statement st;

	if (r->templates >= TEMPLATES_MAX)
		return ax_lib_scan_fail(&r->s, name.from,
					"over 4096 table templates");
	AX_GROW(r->template, r->templates, r->room);
	t = &r->template[r->templates++];
	memset(t, 0, sizeof(*t));
	t->name = ax_lib_scan_copy(&r->s, name);
	for (;;) {
		if (ax_lib_scan_next(&r->s, &st, false) < 0)
			return -1;
		if (st.kind == AX_LIB_END)
			return 0;
		if (st.kind == AX_LIB_GROUP) {
			if (ax_lib_scan_skip(&r->s) < 0)
				return -1;
			continue;
		}
		for (int k = 0; k < 2; k++) {
			if (ax_lib_scan_is(&r->s, st.name,
					   k ? "variable_2" : "variable_1"))
				t->variable[k] = variable(r, st.args);
			/* units wait for the variables */
			else if (ax_lib_scan_is(&r->s, st.name,
						k ? "index_2" : "index_1") &&
				 numbers(r, st.args, 1, t->index[k], AXIS_MAX,
					 &t->n[k]) < 0)
				return -1;
		}
		if (ax_lib_scan_is(&r->s, st.name, "variable_3"))
			t->variable[1] = OTHER;
	}
}

/* The templates: all that stands between the cells is looked at. */
static int
read_templates(struct reader *r)
{
	struct ax_lib_statement st;
	size_t cell = 0;

	r->s.at = r->lib->body;
	for (;;) {
		if (ax_lib_scan_next(&r->s, &st, false) < 0)
			return -1;
		if (st.kind == AX_LIB_END)
			return 0;
		if (st.kind != AX_LIB_GROUP)
			continue;
		if (cell < r->lib->cells &&
		    st.start == r->lib->cell[cell].start)
			r->s.at = r->lib->cell[cell++].end;
		else if (ax_lib_scan_is(&r->s, st.name, "lu_table_template") ||
			 ax_lib_scan_is(&r->s, st.name, "power_lut_template")) {
			if (read_template(r, st.args) < 0)
				return -1;
		} else if (ax_lib_scan_skip(&r->s) < 0)
			return -1;
	}
}

static const struct template *
find_template(const struct reader *r, struct ax_lib_span name)
{
	for (size_t i = 0; i < r->templates; i++)
		if (ax_lib_scan_is(&r->s, name, r->template[i].name))
			return &r->template[i];
	return NULL;
}

static void
table_free(struct ax_lib_table *t)
{
	free(t->x);
	free(t->y);
	free(t->v);
	memset(t, 0, sizeof(*t));
}

static bool
ascends(const double *v, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		if (!(v[i] > v[i - 1]))
			return false;
	return true;
}

/* From the raw indices and values to slew by load. */
static void
settle(struct ax_lib_table *t, const enum variable *var,
       const double index[2][AXIS_MAX], const unsigned *n, const double *v,
       const struct reader *r)
{
	int at_slew = var[0] == SLEW ? 0 : var[1] == SLEW ? 1 : -1;
	int at_load = var[0] == LOAD ? 0 : var[1] == LOAD ? 1 : -1;

	t->nx = at_slew < 0 ? 1 : n[at_slew];
	t->ny = at_load < 0 ? 1 : n[at_load];
	t->x = ax_calloc(t->nx, sizeof(*t->x));
	t->y = ax_calloc(t->ny, sizeof(*t->y));
	t->v = ax_calloc((size_t)t->nx * t->ny, sizeof(*t->v));
	for (unsigned i = 0; at_slew >= 0 && i < t->nx; i++)
		t->x[i] = index[at_slew][i] * r->time;
	for (unsigned j = 0; at_load >= 0 && j < t->ny; j++)
		t->y[j] = index[at_load][j] * r->cap;
	for (unsigned i = 0; i < t->nx; i++)
		for (unsigned j = 0; j < t->ny; j++)
			t->v[i * t->ny + j] = at_load == 0 && at_slew == 1
						      ? v[j * t->nx + i]
						      : v[i * t->ny + j];
}

/* A table group whose head was read; fails on what is not slew by load. */
static int
read_table(struct reader *r, struct ax_lib_span name, double scale,
	   struct ax_lib_table *t)
{
	const struct template *model = find_template(r, name);
	bool scalar = ax_lib_scan_is(&r->s, name, "scalar");
	double index[2][AXIS_MAX], *v;
	unsigned n[2] = {0, 0}, got = 0, dims;
	size_t start = r->s.at;
	struct ax_lib_statement st;
	int rc = 0;

	if (!model && !scalar)
		return ax_lib_scan_fail(&r->s, name.from,
					"a table of a template that the "
					"library does not hold");
	if (model &&
	    (model->variable[0] == OTHER || model->variable[1] == OTHER ||
	     (model->variable[0] != NONE &&
	      model->variable[0] == model->variable[1])))
		return ax_lib_scan_fail(&r->s, name.from,
					"a table that is not by input slew and "
					"load");
	dims = scalar ? 0u
		      : (unsigned)(model->variable[0] != NONE) +
				(unsigned)(model->variable[1] != NONE);
	for (unsigned k = 0; k < dims; k++) {
		n[k] = model->n[k];
		memcpy(index[k], model->index[k], sizeof(index[k]));
	}
	v = ax_calloc((size_t)AXIS_MAX * AXIS_MAX, sizeof(*v));
	for (;;) {
		rc = ax_lib_scan_next(&r->s, &st, false);
		if (rc < 0 || st.kind == AX_LIB_END)
			break;
		if (st.kind == AX_LIB_GROUP) {
			rc = ax_lib_scan_skip(&r->s);
		} else if (ax_lib_scan_is(&r->s, st.name, "values")) {
			rc = numbers(r, st.args, scale, v, AXIS_MAX * AXIS_MAX,
				     &got);
		} else {
			for (unsigned k = 0; k < dims && rc == 0; k++)
				if (ax_lib_scan_is(&r->s, st.name,
						   k ? "index_2" : "index_1"))
					rc = numbers(r, st.args, 1, index[k],
						     AXIS_MAX, &n[k]);
		}
		if (rc < 0)
			break;
	}
	if (rc == 0 &&
	    (got != (dims > 0 ? n[0] : 1) * (dims > 1 ? n[1] : 1) || got == 0))
		rc = ax_lib_scan_fail(&r->s, start,
				      "a table whose values do not fit its "
				      "indices");
	for (unsigned k = 0; rc == 0 && k < dims; k++)
		if (!ascends(index[k], n[k]))
			rc = ax_lib_scan_fail(&r->s, start,
					      "a table whose index does not "
					      "rise");
	if (rc == 0) {
		static const enum variable none[2] = {NONE, NONE};

		table_free(t);
		settle(t, scalar ? none : model->variable, index, n, v, r);
	}
	free(v);
	return rc;
}

/* --- a cell -------------------------------------------------------------- */

static unsigned
pin_index(const struct reader *r, const struct ax_lib_cell *c,
	  struct ax_lib_span name)
{
	for (unsigned p = 0; p < c->pins; p++)
		if (ax_lib_scan_is(&r->s, name, c->pin[p].name))
			return p;
	return UINT32_MAX;
}

/* Takes the next word off a list of names. */
static bool
next_name(const struct reader *r, struct ax_lib_span *list,
	  struct ax_lib_span *one)
{
	const char *text = r->s.text;

	while (list->from < list->to && strchr(" ,\t\n\"", text[list->from]))
		list->from++;
	one->from = list->from;
	while (list->from < list->to && !strchr(" ,\t\n\"", text[list->from]))
		list->from++;
	one->to = list->from;
	return one->from < one->to;
}

static void
table_copy(struct ax_lib_table *to, const struct ax_lib_table *from)
{
	memset(to, 0, sizeof(*to));
	if (!from->nx)
		return;
	to->nx = from->nx;
	to->ny = from->ny;
	to->x = ax_calloc(from->nx, sizeof(*to->x));
	to->y = ax_calloc(from->ny, sizeof(*to->y));
	to->v = ax_calloc((size_t)from->nx * from->ny, sizeof(*to->v));
	memcpy(to->x, from->x, from->nx * sizeof(*to->x));
	memcpy(to->y, from->y, from->ny * sizeof(*to->y));
	memcpy(to->v, from->v, (size_t)from->nx * from->ny * sizeof(*to->v));
}

static void
arc_free(struct ax_lib_arc *a)
{
	for (int e = 0; e < 2; e++) {
		table_free(&a->delay[e]);
		table_free(&a->slew[e]);
	}
}

static int
read_timing(struct reader *r, const struct ax_lib_cell *c, unsigned out,
	    struct ax_lib_tables *to)
{
	static const char *const table[4] = {
		"cell_fall", "cell_rise", "fall_transition", "rise_transition"};
	struct ax_lib_arc model = {.out = out};
	struct ax_lib_span related = {0, 0}, one;
	struct ax_lib_statement st;
	bool same = true, other = true, fall = true, rise = true;
	int rc;

	for (;;) {
		rc = ax_lib_scan_next(&r->s, &st, false);
		if (rc < 0 || st.kind == AX_LIB_END)
			break;
		if (st.kind == AX_LIB_GROUP) {
			struct ax_lib_table *t = NULL;

			for (int k = 0; k < 4; k++)
				if (ax_lib_scan_is(&r->s, st.name, table[k]))
					t = k < 2 ? &model.delay[k]
						  : &model.slew[k - 2];
			rc = t ? read_table(r, st.args, r->time, t)
			       : ax_lib_scan_skip(&r->s);
			if (rc < 0)
				break;
		} else if (ax_lib_scan_is(&r->s, st.name, "related_pin")) {
			related = st.args;
		} else if (ax_lib_scan_is(&r->s, st.name, "timing_sense")) {
			same = !ax_lib_scan_is(&r->s, st.args,
					       "negative_unate");
			other = !ax_lib_scan_is(&r->s, st.args,
						"positive_unate");
		} else if (ax_lib_scan_is(&r->s, st.name, "timing_type")) {
			bool all =
				ax_lib_scan_is(&r->s, st.args, "combinational");

			fall = all || ax_lib_scan_is(&r->s, st.args,
						     "combinational_fall");
			rise = all || ax_lib_scan_is(&r->s, st.args,
						     "combinational_rise");
		}
	}
	for (int e = 0; e < 2; e++) {
		bool has = (e ? rise : fall) && model.delay[e].nx &&
			   model.slew[e].nx;

		model.via[e][e] = has && same;
		model.via[!e][e] = has && other;
	}
	while (rc == 0 && (fall || rise) && next_name(r, &related, &one)) {
		struct ax_lib_arc *a;

		if (to->arcs >= ARCS_MAX) {
			rc = ax_lib_scan_fail(&r->s, one.from,
					      "a cell with over 4096 timing "
					      "groups");
			break;
		}
		to->arc = ax_realloc(to->arc, to->arcs + 1, sizeof(*to->arc));
		a = &to->arc[to->arcs];
		*a = model;
		a->in = pin_index(r, c, one);
		if (a->in == UINT32_MAX) {
			rc = ax_lib_scan_fail(&r->s, one.from,
					      "related_pin is no pin of the "
					      "cell");
			break;
		}
		for (int e = 0; e < 2; e++) {
			table_copy(&a->delay[e], &model.delay[e]);
			table_copy(&a->slew[e], &model.slew[e]);
		}
		to->arcs++;
	}
	arc_free(&model);
	return rc;
}

static int
read_power(struct reader *r, const struct ax_lib_cell *c, unsigned pin,
	   struct ax_lib_tables *to)
{
	struct ax_lib_power p = {.in = pin, .out = pin};
	struct ax_lib_span related = {0, 0}, one;
	struct ax_lib_statement st;
	int rc;

	for (;;) {
		rc = ax_lib_scan_next(&r->s, &st, false);
		if (rc < 0 || st.kind == AX_LIB_END)
			break;
		if (st.kind == AX_LIB_GROUP) {
			bool f = ax_lib_scan_is(&r->s, st.name, "fall_power");
			bool u = ax_lib_scan_is(&r->s, st.name, "rise_power");
			bool both = ax_lib_scan_is(&r->s, st.name, "power");

			if (f || u || both)
				rc = read_table(r, st.args, r->energy,
						&p.energy[u]);
			else
				rc = ax_lib_scan_skip(&r->s);
			if (rc < 0)
				break;
			if (both) {
				table_free(&p.energy[1]);
				table_copy(&p.energy[1], &p.energy[0]);
			}
		} else if (ax_lib_scan_is(&r->s, st.name, "related_pin")) {
			related = st.args;
		}
	}
	if (rc == 0 && next_name(r, &related, &one)) {
		p.in = pin_index(r, c, one);
		if (p.in == UINT32_MAX)
			rc = ax_lib_scan_fail(&r->s, one.from,
					      "related_pin is no pin of the "
					      "cell");
	}
	if (rc == 0 && to->powers >= ARCS_MAX)
		rc = ax_lib_scan_fail(&r->s, r->s.at,
				      "a cell with over 4096 internal_power "
				      "groups");
	if (rc < 0) {
		table_free(&p.energy[0]);
		table_free(&p.energy[1]);
		return rc;
	}
	to->power = ax_realloc(to->power, to->powers + 1, sizeof(*to->power));
	to->power[to->powers++] = p;
	return 0;
}

static int
read_pin(struct reader *r, const struct ax_lib_cell *c, unsigned pin,
	 struct ax_lib_tables *to)
{
	struct ax_lib_statement st;
	int rc;

	for (;;) {
		rc = ax_lib_scan_next(&r->s, &st, false);
		if (rc < 0 || st.kind == AX_LIB_END)
			return rc;
		if (st.kind != AX_LIB_GROUP)
			continue;
		if (pin != UINT32_MAX &&
		    ax_lib_scan_is(&r->s, st.name, "timing"))
			rc = read_timing(r, c, pin, to);
		else if (pin != UINT32_MAX &&
			 ax_lib_scan_is(&r->s, st.name, "internal_power"))
			rc = read_power(r, c, pin, to);
		else
			rc = ax_lib_scan_skip(&r->s);
		if (rc < 0)
			return rc;
	}
}

static int
read_cell(struct reader *r, const struct ax_lib_cell *c,
	  struct ax_lib_tables *to)
{
	struct ax_lib_statement st;
	struct ax_lib_span one;
	int rc;

	r->s.at = c->start;
	rc = ax_lib_scan_next(&r->s, &st, false); /* the cell's head */
	while (rc == 0) {
		rc = ax_lib_scan_next(&r->s, &st, false);
		if (rc < 0 || st.kind == AX_LIB_END)
			break;
		if (st.kind != AX_LIB_GROUP)
			continue;
		if (ax_lib_scan_is(&r->s, st.name, "pin")) {
			size_t body = r->s.at;

			/* the same body for each name */
			while (rc == 0 && next_name(r, &st.args, &one)) {
				r->s.at = body;
				rc = read_pin(r, c, pin_index(r, c, one), to);
			}
		} else {
			rc = ax_lib_scan_skip(&r->s);
		}
	}
	return rc < 0 ? ax_err_wrap(r->s.err, "%s: in cell %s (line %u)",
				    r->s.name, c->name, c->line)
		      : 0;
}

int
ax_liberty_tables(struct ax_lib_tables *out, const struct ax_liberty *lib,
		  const struct ax_lib_cell *const *cell, size_t n,
		  struct ax_err *err)
{
	struct reader r = {.s = {.name = lib->name,
				 .text = lib->text,
				 .len = lib->len,
				 .line = 1,
				 .err = err},
			   .lib = lib};
	int rc = -1;

	memset(out, 0, n * sizeof(*out));
	if (scale_of(&r.time, lib->time_unit, 's', "time_unit", err) < 0 ||
	    ax_liberty_picofarads(&r.cap, lib, err) < 0)
		return -1;
	r.time *= 1e9;
	if (fabs(r.time - 1) < 1e-9)
		r.time = 1;
	r.energy = r.cap; /* volts are volts in every library met */
	rc = read_templates(&r);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = read_cell(&r, cell[i], &out[i]);
	for (size_t i = 0; i < r.templates; i++)
		free(r.template[i].name);
	free(r.template);
	for (size_t i = 0; rc < 0 && i < n; i++)
		ax_lib_tables_free(&out[i]);
	return rc;
}

void
ax_lib_tables_free(struct ax_lib_tables *t)
{
	for (size_t i = 0; i < t->arcs; i++)
		arc_free(&t->arc[i]);
	for (size_t i = 0; i < t->powers; i++) {
		table_free(&t->power[i].energy[0]);
		table_free(&t->power[i].energy[1]);
	}
	free(t->arc);
	free(t->power);
	memset(t, 0, sizeof(*t));
}
