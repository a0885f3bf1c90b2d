/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/results/claims.h"

#include <ctype.h>
#include <math.h>

#include "artifacts/base/base.h"
#include "artifacts/base/json.h"
#include "pipeline/manifest/subst.h"

const char *
ax_verdict_name(enum ax_verdict v)
{
	static const char *const names[] = {"holds", "fails", "missing"};

	return names[v];
}

json_t *
ax_run_metrics(void *arg, const struct ax_node *node)
{
	const struct ax_run *r = arg;
	const struct ax_outcome *o = &r->outcomes[node->index];

	if (o->state != AX_HIT && o->state != AX_DONE)
		return NULL;
	return o->metrics;
}

static char *
number_text(const json_t *v)
{
	struct ax_str s = AX_STR_INIT;

	if (json_is_string(v))
		return ax_strdup(json_string_value(v));
	if (v)
		ax_json_canonical(&s, v);
	return ax_str_take(&s);
}

/* Half-width of the band around `want`: a number, or "1 %" of it. */
static int
band(double *out, const json_t *tolerance, double want, bool integer,
     struct ax_err *err)
{
	const char *text = json_string_value(tolerance);
	char *end;

	if (!tolerance) {
		*out = integer ? 0 : 1e-9 * fabs(want);
	} else if (json_is_number(tolerance)) {
		*out = json_number_value(tolerance);
	} else {
		*out = text ? strtod(text, &end) : -1;
		while (text && *end == ' ')
			end++;
		if (!text || end == text || !ax_streq(end, "%"))
			return ax_err_set(err, AX_EXIT_USAGE,
					  "tolerance must be a number, or a "
					  "percentage such as \"1 %%\"");
		*out *= fabs(want) / 100;
	}
	if (!(*out >= 0))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "tolerance must not be negative");
	return 0;
}

static char *
signed_delta(double d)
{
	return d == 0 ? ax_strdup("0") : ax_asprintf("%+.6g", d);
}

/* True when a measured value is what is claimed; *delta: their difference.
 * Integers are compared as such: beyond 2^53 a double cannot tell them apart.
 */
static bool
equal(double *delta, const json_t *got, const json_t *want, double width)
{
	json_int_t d;

	*delta = json_number_value(got) - json_number_value(want);
	if (json_is_integer(got) && json_is_integer(want) &&
	    !__builtin_sub_overflow(json_integer_value(got),
				    json_integer_value(want), &d)) {
		*delta = (double)d;
		if (width <= 0)
			return d == 0;
	}
	return fabs(*delta) <= width;
}

/* A claimed string: in quotes where a number was measured. */
static void
judge_string(struct ax_claim *c, const json_t *want, const json_t *got)
{
	const char *text = json_string_value(want);
	bool quotes = got && !json_is_string(got);

	c->expected = ax_asprintf(quotes ? "\"%s\"" : "%s", text);
	if (!got)
		c->verdict = AX_MISSING;
	else
		c->verdict = ax_streq(json_string_value(got), text) ? AX_HOLDS
								    : AX_FAILS;
}

/* Compares one measured value with what is claimed of it; of the claim,
 * everything is said for this point. */
static int
judge(struct ax_claim *c, const json_t *claim, const struct ax_point *p,
      struct ax_err *err)
{
	const json_t *equals = json_object_get(claim, "equals");
	const json_t *most = json_object_get(claim, "at_most");
	const json_t *least = json_object_get(claim, "at_least");
	const json_t *between = json_object_get(claim, "between");
	const json_t *tolerance = json_object_get(claim, "tolerance");
	double got = json_number_value(p->value), want, width, lo, hi, delta;
	char *a, *b;
	bool good;

	c->measured = p->value
			      ? number_text(p->value)
			      : ax_strdup(p->missing ? p->missing : "no value");
	c->got = json_is_number(p->value) ? got : NAN;
	c->lo = c->hi = NAN;
	if (json_is_string(equals)) {
		judge_string(c, equals, p->value);
		return 0;
	}
	if (equals) {
		want = json_number_value(equals);
		if (band(&width, tolerance, want, json_is_integer(equals),
			 err) < 0)
			return -1;
		a = number_text(equals);
		if (width > 0 && tolerance) {
			b = number_text(tolerance);
			c->expected = ax_asprintf("%s +- %s", a, b);
			free(b);
			free(a);
		} else {
			c->expected = a;
		}
		good = equal(&delta, p->value, equals, width);
		c->lo = want - width;
		c->hi = want + width;
		if (json_is_number(p->value))
			c->delta = signed_delta(delta);
	} else if (most || least) {
		want = json_number_value(most ? most : least);
		a = number_text(most ? most : least);
		c->expected = ax_asprintf("%s %s", most ? "<=" : ">=", a);
		free(a);
		good = most ? got <= want : got >= want;
		c->lo = most ? -INFINITY : want;
		c->hi = most ? want : INFINITY;
		if (json_is_number(p->value))
			c->delta = signed_delta(got - want);
	} else {
		lo = json_number_value(json_array_get(between, 0));
		hi = json_number_value(json_array_get(between, 1));
		a = number_text(json_array_get(between, 0));
		b = number_text(json_array_get(between, 1));
		c->expected = ax_asprintf("%s .. %s", a, b);
		free(a);
		free(b);
		good = got >= lo && got <= hi;
		c->lo = lo;
		c->hi = hi;
	}
	if (!p->value)
		c->verdict = AX_MISSING;
	else if (!json_is_number(p->value))
		c->verdict = AX_FAILS;
	else
		c->verdict = good ? AX_HOLDS : AX_FAILS;
	return 0;
}

static char *
optional(const json_t *claim, const char *key)
{
	const char *s = json_string_value(json_object_get(claim, key));

	return s ? ax_strdup(s) : NULL;
}

static int
check_one(struct ax_claims *out, size_t *cap, const struct ax_run *r,
	  json_t *claim, struct ax_err *err)
{
	const char *text = json_string_value(json_object_get(claim, "value"));
	struct ax_values values = {NULL, 0};
	struct ax_expr *e = NULL;
	json_t *here = NULL;
	int rc = -1;
	size_t i;

	if (!text)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "a claim has no \"value\"");
	if (ax_expr_parse(&e, text, r->graph, err) < 0 ||
	    ax_expr_eval(&values, e, ax_run_metrics, (void *)r, err) < 0)
		goto out;
	for (i = 0; i < values.n; i++) {
		struct ax_claim *c;
		const char *unit = ax_expr_unit(e);

		if (ax_subst_point(&here, claim, values.points[i].coords, err) <
		    0)
			goto out;
		AX_GROW(out->list, out->n, *cap);
		c = &out->list[out->n++];
		memset(c, 0, sizeof(*c));
		c->expr = ax_strdup(text);
		c->name = json_object_size(values.points[i].coords)
				  ? ax_coord_name(text, values.points[i].coords)
				  : ax_strdup(text);
		c->figure = optional(here, "figure");
		c->text = optional(here, "text");
		c->note = optional(here, "note");
		c->unit = optional(here, "unit");
		if (!c->unit && unit)
			c->unit = ax_strdup(unit);
		if (judge(c, here, &values.points[i], err) < 0)
			goto out;
		json_decref(here);
		here = NULL;
		if (c->verdict == AX_HOLDS)
			out->holds++;
		else if (c->verdict == AX_FAILS)
			out->fails++;
		else
			out->missing++;
	}
	rc = 0;
out:
	if (rc < 0)
		ax_err_wrap(err, "claim \"%s\"", text);
	json_decref(here);
	ax_values_free(&values);
	ax_expr_free(e);
	return rc;
}

int
ax_claims_check(struct ax_claims *out, const struct ax_run *r,
		struct ax_err *err)
{
	size_t i, cap = 0;
	json_t *claim;

	memset(out, 0, sizeof(*out));
	json_array_foreach(r->graph->claims, i, claim)
	{
		if (check_one(out, &cap, r, claim, err) < 0) {
			ax_claims_free(out);
			return -1;
		}
	}
	return 0;
}

void
ax_claims_free(struct ax_claims *c)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		free(c->list[i].figure);
		free(c->list[i].text);
		free(c->list[i].note);
		free(c->list[i].expr);
		free(c->list[i].name);
		free(c->list[i].unit);
		free(c->list[i].expected);
		free(c->list[i].measured);
		free(c->list[i].delta);
	}
	free(c->list);
	memset(c, 0, sizeof(*c));
}

/* Writers ------------------------------------------------------------------ */

static void
set_text(json_t *o, const char *key, const char *value)
{
	if (value)
		json_object_set_new(o, key, json_string(value));
}

json_t *
ax_claims_json(const struct ax_claims *c)
{
	json_t *list = json_array(), *all = json_object(), *o;
	size_t i;

	for (i = 0; i < c->n; i++) {
		o = json_object();
		set_text(o, "name", c->list[i].name);
		set_text(o, "figure", c->list[i].figure);
		set_text(o, "text", c->list[i].text);
		set_text(o, "value", c->list[i].expr);
		set_text(o, "expected", c->list[i].expected);
		set_text(o, "measured", c->list[i].measured);
		set_text(o, "delta", c->list[i].delta);
		set_text(o, "unit", c->list[i].unit);
		set_text(o, "note", c->list[i].note);
		set_text(o, "verdict", ax_verdict_name(c->list[i].verdict));
		json_array_append_new(list, o);
	}
	json_object_set_new(all, "claims", list);
	json_object_set_new(all, "holds", json_integer((json_int_t)c->holds));
	json_object_set_new(all, "fails", json_integer((json_int_t)c->fails));
	json_object_set_new(all, "missing",
			    json_integer((json_int_t)c->missing));
	return all;
}

/* A number in at most ten significant digits, for tables; integers in full. */
static char *
brief(const char *text)
{
	double v;
	char *end;

	if (!text)
		return ax_strdup("");
	v = strtod(text, &end);
	if (end == text || *end || strlen(text) <= 12 ||
	    !text[strspn(text, "-0123456789")])
		return ax_strdup(text);
	return ax_asprintf("%.10g", v);
}

struct row {
	char *cell[5];
};

/* One line of plain text: what a terminal or a reader of lines would act upon
 * becomes a blank. With `bar`, for a cell of Markdown. */
static void
add_plain(struct ax_str *s, const char *text, bool bar)
{
	for (; text && *text; text++) {
		unsigned char c = (unsigned char)*text;

		/* a tag would be taken for HTML; "<= 1" is none */
		if (bar &&
		    (c == '|' || c == '\\' ||
		     (c == '<' && (isalpha((unsigned char)text[1]) ||
				   (text[1] && strchr("/!?", text[1]))))))
			ax_str_addc(s, '\\');
		ax_str_addc(s, c < 0x20 || c == 0x7f ? ' ' : *text);
	}
}

/* Columns that a text takes: bytes that go on with a UTF-8 character do not
 * count. */
static size_t
columns(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void
fill_row(struct row *row, const struct ax_claim *c)
{
	char *measured = brief(c->measured);

	row->cell[0] = ax_strdup(c->figure ? c->figure : "");
	row->cell[1] = ax_strdup(c->name);
	row->cell[2] = ax_strdup(c->expected ? c->expected : "");
	row->cell[3] = c->unit && c->verdict != AX_MISSING
			       ? ax_asprintf("%s %s", measured, c->unit)
			       : ax_strdup(measured);
	row->cell[4] = ax_strdup(ax_verdict_name(c->verdict));
	free(measured);
}

/* What the claim says in words, and what is to be said of it. */
static void
add_remarks(struct ax_str *s, const struct ax_claim *c)
{
	if (!c->text && !c->note)
		return;
	ax_str_add(s, "  (");
	add_plain(s, c->text, false);
	ax_str_add(s, c->text && c->note ? "; " : "");
	add_plain(s, c->note, false);
	ax_str_addc(s, ')');
}

void
ax_claims_table(struct ax_str *s, const struct ax_claims *c, bool color)
{
	static const char *const heads[5] = {"figure", "value", "claimed",
					     "here", "verdict"};
	static const char *const paint[3] = {"\033[32m", "\033[31m",
					     "\033[33m"};
	size_t width[5], i, k;
	struct row *rows = ax_calloc(c->n, sizeof(*rows));

	for (k = 0; k < 5; k++)
		width[k] = strlen(heads[k]);
	for (i = 0; i < c->n; i++) {
		fill_row(&rows[i], &c->list[i]);
		for (k = 0; k < 5; k++)
			width[k] = AX_MAX(width[k], columns(rows[i].cell[k]));
	}
	for (k = 0; k < 5 && c->n; k++)
		ax_str_addf(s, k < 4 ? "%-*s  " : "%.0d%s\n",
			    k < 4 ? (int)width[k] : 0, heads[k]);
	for (i = 0; i < c->n; i++) {
		for (k = 0; k < 4; k++) {
			add_plain(s, rows[i].cell[k], false);
			ax_str_addf(s, "%*s",
				    (int)(width[k] - columns(rows[i].cell[k])) +
					    2,
				    "");
		}
		ax_str_addf(s, "%s%s%s", color ? paint[c->list[i].verdict] : "",
			    rows[i].cell[4], color ? "\033[0m" : "");
		add_remarks(s, &c->list[i]);
		ax_str_addc(s, '\n');
		for (k = 0; k < 5; k++)
			free(rows[i].cell[k]);
	}
	free(rows);
	ax_str_addf(s, "%zu claims: %zu hold, %zu fail, %zu missing\n", c->n,
		    c->holds, c->fails, c->missing);
}

/* A description: '#' would start a directive such as SKIP. */
static void
add_tap(struct ax_str *s, const char *text)
{
	size_t start = s->len;

	add_plain(s, text, false);
	for (; start < s->len; start++)
		if (s->buf[start] == '#')
			s->buf[start] = ' ';
}

void
ax_claims_tap(struct ax_str *s, const struct ax_claims *c)
{
	size_t i;

	ax_str_addf(s, "TAP version 13\n1..%zu\n", c->n);
	for (i = 0; i < c->n; i++) {
		const struct ax_claim *m = &c->list[i];

		ax_str_addf(s, "%sok %zu - ",
			    m->verdict == AX_HOLDS ? "" : "not ", i + 1);
		if (m->figure) {
			add_tap(s, m->figure);
			ax_str_add(s, ": ");
		}
		add_tap(s, m->name);
		ax_str_add(s, "\n# claimed ");
		add_plain(s, m->expected, false);
		ax_str_add(s, ", here ");
		add_plain(s, m->measured, false);
		if (m->unit) {
			ax_str_addc(s, ' ');
			add_plain(s, m->unit, false);
		}
		ax_str_addf(s, ": %s\n", ax_verdict_name(m->verdict));
	}
}

void
ax_claims_junit(struct ax_str *s, const struct ax_claims *c, const char *suite)
{
	size_t i;

	ax_str_add(s, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite "
		      "name=\"");
	ax_str_add_html(s, suite);
	ax_str_addf(s, "\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\">\n",
		    c->n, c->fails, c->missing);
	for (i = 0; i < c->n; i++) {
		const struct ax_claim *m = &c->list[i];

		ax_str_add(s, "  <testcase classname=\"");
		ax_str_add_html(s, m->figure ? m->figure : "claim");
		ax_str_add(s, "\" name=\"");
		ax_str_add_html(s, m->name);
		if (m->verdict == AX_HOLDS) {
			ax_str_add(s, "\"/>\n");
			continue;
		}
		ax_str_addf(s, "\">\n    <%s message=\"claimed ",
			    m->verdict == AX_FAILS ? "failure" : "error");
		ax_str_add_html(s, m->expected);
		ax_str_add(s, ", here ");
		ax_str_add_html(s, m->measured);
		ax_str_add(s, "\"/>\n  </testcase>\n");
	}
	ax_str_add(s, "</testsuite>\n");
}

void
ax_claims_markdown(struct ax_str *s, const struct ax_claims *c)
{
	size_t i;

	ax_str_add(s, "| figure | value | claimed | here | verdict |\n"
		      "|---|---|---|---|---|\n");
	for (i = 0; i < c->n; i++) {
		struct row row;
		size_t k;

		fill_row(&row, &c->list[i]);
		for (k = 0; k < 5; k++) {
			ax_str_add(s, "| ");
			add_plain(s, row.cell[k], true);
			ax_str_addc(s, ' ');
			free(row.cell[k]);
		}
		ax_str_add(s, "|\n");
	}
	ax_str_addf(s, "\n%zu claims: %zu hold, %zu fail, %zu missing\n", c->n,
		    c->holds, c->fails, c->missing);
}
