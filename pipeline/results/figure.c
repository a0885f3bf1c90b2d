/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/results/figure.h"

#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "artifacts/base/proc.h"
#include "pipeline/results/claims.h"
#include "pipeline/manifest/value.h"

#define MAX_CSV ((size_t)64 << 20)
#define MAX_SVG ((size_t)16 << 20)
#define MAX_POINTS 200000

struct xy {
	double x, y;
	char *tick; /* bars: a name instead of a number, or NULL */
};

struct line {
	char *label;
	char *style;
	struct xy *points;
	size_t n, cap;
	size_t drawn;   /* points that the axes of the figure can show */
	size_t dropped; /* points that are no finite numbers, or too many */
};

struct drawing {
	struct line *lines;
	size_t n, cap;
	struct ax_map ticks; /* a word on the x axis -> its place, from 1 */
	size_t nticks;
	struct ax_str notes;
};

static struct line *
new_line(struct drawing *d, const char *label, const char *style)
{
	struct line *l;

	AX_GROW(d->lines, d->n, d->cap);
	l = &d->lines[d->n++];
	memset(l, 0, sizeof(*l));
	l->label = ax_strdup(label ? label : "");
	l->style = ax_strdup(style ? style : "linespoints");
	return l;
}

static void
add_point(struct line *l, double x, double y, const char *tick)
{
	if (l->n >= MAX_POINTS || !isfinite(x) || !isfinite(y)) {
		l->dropped++;
		return;
	}
	AX_GROW(l->points, l->n, l->cap);
	l->points[l->n].x = x;
	l->points[l->n].y = y;
	l->points[l->n++].tick = tick ? ax_strdup(tick) : NULL;
}

/* The place of a word on the x axis: the same in every series. */
static double
place_of(struct drawing *d, const char *tick)
{
	uintptr_t at = (uintptr_t)ax_map_get(&d->ticks, tick);

	if (!at) {
		at = ++d->nticks;
		ax_map_set(&d->ticks, tick, (void *)at);
	}
	return (double)(at - 1);
}

static void
note(struct drawing *d, const char *what, const char *why)
{
	ax_str_addf(&d->notes, "%s%s: %s", d->notes.len ? "; " : "", what, why);
}

/* True when two points agree on every coordinate that both have. */
static bool
agree(const json_t *a, const json_t *b)
{
	const char *key;
	json_t *v, *w;

	json_object_foreach((json_t *)a, key, v)
	{
		w = json_object_get(b, key);
		if (w && !json_equal(v, w))
			return false;
	}
	return true;
}

static void
join(struct drawing *d, struct line *l, const struct ax_values *xs,
     const struct ax_values *ys, const char *what)
{
	size_t i, k;

	for (i = 0; i < ys->n; i++) {
		const struct ax_point *y = &ys->points[i], *x = NULL;
		const char *tick = NULL;
		char *end;
		double xv;

		for (k = 0; k < xs->n && !x; k++)
			if (agree(xs->points[k].coords, y->coords))
				x = &xs->points[k];
		if (!x || !x->value || !json_is_number(y->value)) {
			const char *why = !x           ? "no such point"
					  : x->missing ? x->missing
					  : y->missing ? y->missing
						       : "not a number";
			note(d, what, why);
			continue;
		}
		xv = json_number_value(x->value);
		if (json_is_string(x->value)) {
			tick = json_string_value(x->value);
			xv = strtod(tick, &end);
			if (*end || end == tick)
				xv = place_of(d, tick);
			else
				tick = NULL;
		}
		add_point(l, xv, json_number_value(y->value), tick);
	}
}

/* `over`: the y of the series, when this is its x (docs: coord). */
static int
values_of(struct ax_values *out, const json_t *v, const json_t *over,
	  const struct ax_run *r, struct ax_err *err)
{
	struct ax_expr *e = NULL;
	int rc = -1;

	if (ax_expr_parse_over(&e, json_string_value(v),
			       json_string_value(over), r->graph, err) == 0)
		rc = ax_expr_eval(out, e, ax_run_metrics, (void *)r, err);
	ax_expr_free(e);
	return rc;
}

static int
expression_series(struct drawing *d, const json_t *s, const struct ax_run *r,
		  struct ax_err *err)
{
	const json_t *x = json_object_get(s, "x"), *y = json_object_get(s, "y");
	const char *label = json_string_value(json_object_get(s, "label"));
	const char *style = json_string_value(json_object_get(s, "style"));
	struct ax_values xs = {NULL, 0}, ys = {NULL, 0};
	struct line *l = new_line(d, label, style);
	size_t i;
	int rc = 0;

	if (json_is_array(x) && json_is_array(y)) {
		for (i = 0; i < json_array_size(x) && i < json_array_size(y);
		     i++) {
			const json_t *xv = json_array_get(x, i);
			const char *tick = json_string_value(xv);

			add_point(l,
				  tick ? place_of(d, tick)
				       : json_number_value(xv),
				  json_number_value(json_array_get(y, i)),
				  tick);
		}
		return 0;
	}
	if (values_of(&xs, x, y, r, err) < 0 ||
	    values_of(&ys, y, NULL, r, err) < 0)
		rc = -1;
	else
		join(d, l, &xs, &ys, label ? label : json_string_value(y));
	ax_values_free(&xs);
	ax_values_free(&ys);
	return rc;
}

/* CSV outputs ----------------------------------------------------------------
 */

static int
column_of(const char *header, const char *name)
{
	size_t want = strlen(name), n;
	int i;

	for (i = 0;; i++) {
		n = strcspn(header, ",\r\n");
		if (n == want && memcmp(header, name, n) == 0)
			return i;
		if (header[n] != ',')
			return -1;
		header += n + 1;
	}
}

static bool
field(const char *row, int column, double *out)
{
	char *end;
	size_t n;

	for (; column > 0; column--) {
		n = strcspn(row, ",\n");
		if (row[n] != ',')
			return false;
		row += n + 1;
	}
	*out = strtod(row, &end);
	return end != row;
}

static void
read_csv(struct drawing *d, struct line *l, const char *text, const char *xname,
	 const char *yname)
{
	int cx = column_of(text, xname), cy = column_of(text, yname);
	const char *row = strchr(text, '\n');
	double x, y;

	if (cx < 0 || cy < 0) {
		note(d, cx < 0 ? xname : yname, "no such column in the CSV");
		return;
	}
	while (row && row[1]) {
		row++;
		if (field(row, cx, &x) && field(row, cy, &y))
			add_point(l, x, y, NULL);
		row = strchr(row, '\n');
	}
}

static int
csv_series(struct drawing *d, const json_t *s, const struct ax_run *r,
	   struct ax_err *err)
{
	const char *ref = json_string_value(json_object_get(s, "csv"));
	const char *label = json_string_value(json_object_get(s, "label"));
	const char *style = json_string_value(json_object_get(s, "style"));
	const char *dot = strrchr(ref, '.'), *close_ = strrchr(ref, ']');
	struct ax_node **nodes = NULL;
	char *selector, *text, *name;
	size_t n = 0, i, len;

	if (!dot || (close_ && dot < close_))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "\"csv\": \"%s\" must read node.output", ref);
	selector = ax_strndup(ref, (size_t)(dot - ref));
	if (ax_graph_select(r->graph, selector, &nodes, &n, err) < 0) {
		free(selector);
		return -1;
	}
	for (i = 0; i < n; i++) {
		const struct ax_outcome *o = &r->outcomes[nodes[i]->index];
		const struct ax_port *port =
			ax_stage_output(nodes[i]->stage, dot + 1);
		size_t k = port ? (size_t)(port - nodes[i]->stage->outputs) : 0;

		if (!port || !o->have || !o->have[k]) {
			note(d, nodes[i]->name, "has no such output yet");
			continue;
		}
		if (ax_store_get_bytes(r->store, &o->outputs[k], &text, &len,
				       MAX_CSV, err) < 0) {
			free(nodes);
			free(selector);
			return -1;
		}
		name = n > 1 ? ax_coord_name(label ? label : "",
					     nodes[i]->coords)
			     : ax_strdup(label ? label : nodes[i]->name);
		read_csv(d, new_line(d, name, style ? style : "lines"), text,
			 json_string_value(json_object_get(s, "x")),
			 json_string_value(json_object_get(s, "y")));
		free(name);
		free(text);
	}
	free(nodes);
	free(selector);
	return 0;
}

/* Drawing
 * ------------------------------------------------------------------------ */

static int
by_x(const void *a, const void *b)
{
	const struct xy *p = a, *q = b;

	if (p->x != q->x)
		return p->x < q->x ? -1 : 1;
	return p->y < q->y ? -1 : p->y > q->y;
}

/* A gnuplot string. Whatever gnuplot could take for more than itself, quotes
 * and backquotes first, is written as an octal escape; a digit after one, too,
 * for gnuplot reads as many as there are. */
static void
quoted(struct ax_str *s, const char *text)
{
	bool escaped = false;

	ax_str_addc(s, '"');
	for (; text && *text; text++) {
		unsigned char c = (unsigned char)*text;

		escaped = c >= 0x20 && (strchr("\"'`\\$@%{}#", c) ||
					(escaped && c >= '0' && c <= '9'));
		if (escaped)
			ax_str_addf(s, "\\%03o", c);
		else
			ax_str_addc(s, c < 0x20 || c == 0x7f ? ' ' : *text);
	}
	ax_str_addc(s, '"');
}

/* True when an axis is logarithmic, and a value has no place on it. */
static bool
off(const json_t *fig, const char *log, double v)
{
	return v <= 0 && json_is_true(json_object_get(fig, log));
}

/* How many points of a line can be drawn; says how many cannot. */
static size_t
drawable(struct drawing *d, const struct line *l, const json_t *fig)
{
	const char *who = *l->label ? l->label : "series";
	size_t k, n = 0;
	char *why;

	for (k = 0; k < l->n; k++)
		n += !off(fig, "logx", l->points[k].x) &&
		     !off(fig, "logy", l->points[k].y);
	if (l->n > n) {
		why = ax_asprintf("%zu of %zu points are not above 0 and have "
				  "no place on a logarithmic axis",
				  l->n - n, l->n);
		note(d, who, why);
		free(why);
	}
	if (l->dropped) {
		why = ax_asprintf(
			"%zu points are not finite numbers, or more than %d",
			l->dropped, MAX_POINTS);
		note(d, who, why);
		free(why);
	}
	return n;
}

static void
set_string(struct ax_str *s, const json_t *fig, const char *key)
{
	const char *v = json_string_value(json_object_get(fig, key));

	if (v) {
		ax_str_addf(s, "set %s ", key);
		quoted(s, v);
		ax_str_addc(s, '\n');
	}
}

static void
set_range(struct ax_str *s, const json_t *fig, const char *key, const char *log)
{
	const json_t *v = json_object_get(fig, key);
	size_t i;

	if (!json_is_array(v))
		return;
	ax_str_addf(s, "set %s [", key);
	for (i = 0; i < 2; i++) {
		const json_t *end = json_array_get(v, i);

		if (json_is_number(end) &&
		    !off(fig, log, json_number_value(end)))
			ax_str_add_num(s, json_number_value(end));
		else
			ax_str_addc(s, '*');
		ax_str_add(s, i ? "]\n" : ":");
	}
}

static void
set_ticks(struct ax_str *s, const struct drawing *d)
{
	bool *done = ax_calloc(d->nticks + 1, sizeof(*done));
	size_t i, k, n = 0;

	for (i = 0; i < d->n; i++) {
		for (k = 0; k < d->lines[i].n; k++) {
			const struct xy *p = &d->lines[i].points[k];

			if (!p->tick || done[(size_t)p->x])
				continue;
			done[(size_t)p->x] = true;
			ax_str_add(s, n++ ? "set xtics add (" : "set xtics (");
			quoted(s, p->tick);
			ax_str_addf(s, " %.17g)\n", p->x);
		}
	}
	free(done);
}

static int
by_value(const void *a, const void *b)
{
	const double *p = a, *q = b;

	return *p < *q ? -1 : *p > *q;
}

/* The width that the bars of one x share: most of the least distance between
 * two of them. *nbars: how many series have bars. */
static double
bar_spread(const struct drawing *d, size_t *nbars)
{
	double *xs = NULL, least = INFINITY;
	size_t n = 0, cap = 0, i, k;

	*nbars = 0;
	for (i = 0; i < d->n; i++) {
		const struct line *l = &d->lines[i];

		if (!l->drawn || !ax_streq(l->style, "bars"))
			continue;
		++*nbars;
		for (k = 0; k < l->n; k++) {
			AX_GROW(xs, n, cap);
			xs[n++] = l->points[k].x;
		}
	}
	if (n)
		qsort(xs, n, sizeof(*xs), by_value);
	for (i = 1; i < n; i++)
		if (xs[i] > xs[i - 1])
			least = AX_MIN(least, xs[i] - xs[i - 1]);
	free(xs);
	return 0.8 * (isfinite(least) ? least : 1);
}

static void
script(struct ax_str *s, const json_t *fig, const struct drawing *d)
{
	/* Okabe and Ito's colours, the blue lighter: told apart by
	 * everybody, on light and dark */
	static const char *const colors[] = {"#2B8CD6", "#D55E00", "#009E73",
					     "#CC79A7", "#E69F00", "#56B4E9"};
	size_t i, k, drawn = 0, nbars = 0, bar = 0;
	double spread;

	ax_str_add(s, "set encoding utf8\n"
		      "set terminal svg size 600,390 dynamic noenhanced font "
		      "'sans-serif,13' linewidth 1.3\n"
		      "set border 3\nset tics nomirror out\nset grid lw 0.4\n"
		      "set key outside top left horizontal Left reverse\nset "
		      "style fill solid 0.7\n");
	set_string(s, fig, "xlabel");
	set_string(s, fig, "ylabel");
	if (json_is_true(json_object_get(fig, "logx")))
		ax_str_add(s, "set logscale x\n");
	if (json_is_true(json_object_get(fig, "logy")))
		ax_str_add(s, "set logscale y\n");
	set_range(s, fig, "xrange", "logx");
	set_range(s, fig, "yrange", "logy");
	set_ticks(s, d);
	spread = bar_spread(d, &nbars);
	if (nbars)
		ax_str_addf(s, "set boxwidth %.17g absolute\n",
			    spread / (double)nbars);
	for (i = 0; i < d->n; i++) {
		double shift = 0;

		if (!d->lines[i].drawn)
			continue;
		/* bars of several series stand side by side */
		if (ax_streq(d->lines[i].style, "bars"))
			shift = spread / (double)nbars *
				((double)bar++ - ((double)nbars - 1) / 2);
		ax_str_addf(s, "$d%zu << EOD\n", i);
		for (k = 0; k < d->lines[i].n; k++) {
			const struct xy *p = &d->lines[i].points[k];

			if (off(fig, "logx", p->x) || off(fig, "logy", p->y))
				continue;
			ax_str_addf(s, "%.17g %.17g", p->x + shift, p->y);
			ax_str_addc(s, '\n');
		}
		ax_str_add(s, "EOD\n");
	}
	ax_str_add(s, "plot ");
	for (i = 0; i < d->n; i++) {
		const struct line *l = &d->lines[i];
		bool bars = ax_streq(l->style, "bars");

		if (!l->drawn)
			continue;
		ax_str_addf(s, "%s$d%zu using 1:2 with %s lc rgb '%s'%s title ",
			    drawn ? ", " : "", i, bars ? "boxes" : l->style,
			    colors[drawn % AX_LEN(colors)],
			    bars                          ? ""
			    : ax_streq(l->style, "lines") ? " lw 1.5"
							  : " pt 7 ps 0.6");
		quoted(s, l->label);
		drawn++;
	}
	ax_str_addc(s, '\n');
}

static int
run_gnuplot(char **svg, const struct ax_str *text, struct ax_err *err)
{
	char *dir = ax_tmp_template("axpipe-figure"), status_text[64];
	struct ax_str out = AX_STR_INIT, errors = AX_STR_INIT;
	const char *argv[] = {"gnuplot", "--default-settings", NULL, NULL};
	char *path;
	int status = 0, rc = -1;

	*svg = NULL;
	out.max = MAX_SVG;
	errors.max = 4096;
	if (!mkdtemp(dir)) {
		ax_err_set(err, AX_EXIT_ENV, "%s: cannot create:", dir);
		free(dir);
		return -1;
	}
	path = ax_join(dir, "figure.gp");
	argv[2] = path;
	if (ax_write_plain(path, text->buf, text->len, err) == 0 &&
	    ax_run(&status, argv, NULL, NULL, &out, &errors, false, 60, err) ==
		    0) {
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 ||
		    out.over || !out.len) {
			ax_err_set(err, AX_EXIT_ENV, "gnuplot: %s: %.300s",
				   ax_status_text(status_text,
						  sizeof(status_text), status),
				   errors.buf ? errors.buf : "no output");
		} else {
			*svg = ax_str_take(&out);
			rc = 0;
		}
	}
	ax_rmtree(dir, NULL);
	free(dir);
	free(path);
	ax_str_free(&out);
	ax_str_free(&errors);
	return rc;
}

static void
csv_cell(struct ax_str *s, const char *text)
{
	bool quote = strpbrk(text, ",\"\n") != NULL;

	if (quote)
		ax_str_addc(s, '"');
	for (; *text; text++) {
		if (*text == '"')
			ax_str_addc(s, '"');
		ax_str_addc(s, *text);
	}
	if (quote)
		ax_str_addc(s, '"');
}

static void
points_csv(struct ax_str *s, const struct drawing *d)
{
	size_t i, k;

	ax_str_add(s, "series,x,y\n");
	for (i = 0; i < d->n; i++) {
		for (k = 0; k < d->lines[i].n; k++) {
			csv_cell(s, d->lines[i].label);
			ax_str_addc(s, ',');
			if (d->lines[i].points[k].tick)
				csv_cell(s, d->lines[i].points[k].tick);
			else
				ax_str_add_num(s, d->lines[i].points[k].x);
			ax_str_addc(s, ',');
			ax_str_add_num(s, d->lines[i].points[k].y);
			ax_str_addc(s, '\n');
		}
	}
}

int
ax_figure_draw(struct ax_figure *out, const struct ax_run *r, size_t i,
	       struct ax_err *err)
{
	const json_t *fig = json_array_get(r->graph->figures, i);
	const char *name = json_string_value(json_object_get(fig, "name"));
	const char *title = json_string_value(json_object_get(fig, "title"));
	struct drawing d = {NULL, 0, 0, AX_MAP_INIT, 0, AX_STR_INIT};
	struct ax_str text = AX_STR_INIT;
	json_t *s;
	size_t k, m;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	json_array_foreach(json_object_get(fig, "series"), k, s)
	{
		rc = json_object_get(s, "csv")
			     ? csv_series(&d, s, r, err)
			     : expression_series(&d, s, r, err);
		if (rc < 0)
			break;
	}
	for (k = 0; k < d.n; k++) {
		if (d.lines[k].n && !ax_streq(d.lines[k].style, "bars"))
			qsort(d.lines[k].points, d.lines[k].n,
			      sizeof(struct xy), by_x);
		d.lines[k].drawn = drawable(&d, &d.lines[k], fig);
		out->points += d.lines[k].drawn;
	}
	if (rc == 0) {
		out->name = ax_strdup(name ? name : "figure");
		out->title = ax_strdup(title ? title : out->name);
		points_csv(&text, &d);
		out->csv = ax_str_take(&text);
		if (d.notes.len)
			out->note = ax_str_take(&d.notes);
		if (out->points) {
			script(&text, fig, &d);
			rc = run_gnuplot(&out->svg, &text, err);
		}
	}
	if (rc < 0) {
		ax_err_wrap(err, "figure %s", name ? name : "");
		ax_figure_free(out);
	}
	for (k = 0; k < d.n; k++) {
		for (m = 0; m < d.lines[k].n; m++)
			free(d.lines[k].points[m].tick);
		free(d.lines[k].points);
		free(d.lines[k].label);
		free(d.lines[k].style);
	}
	free(d.lines);
	ax_map_free(&d.ticks);
	ax_str_free(&d.notes);
	ax_str_free(&text);
	return rc;
}

void
ax_figure_free(struct ax_figure *f)
{
	free(f->name);
	free(f->title);
	free(f->svg);
	free(f->csv);
	free(f->note);
	memset(f, 0, sizeof(*f));
}
