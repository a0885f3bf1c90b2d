/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/results/report.h"

#include <stdarg.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "pipeline/results/claims.h"
#include "pipeline/results/figure.h"
#include "pipeline/results/report_page.h"
#include "pipeline/results/report_svg.h"

#define MAX_COLUMNS 40

static void
cell(struct ax_str *s, const char *tag, const char *class_, const char *text)
{
	ax_str_addf(s, "<%s", tag);
	if (class_)
		ax_str_addf(s, " class=\"%s\"", class_);
	ax_str_addc(s, '>');
	ax_str_add_html(s, text ? text : "");
	ax_str_addf(s, "</%s>", tag);
}

static void tile(struct ax_str *s, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void
tile(struct ax_str *s, const char *what, const char *fmt, ...)
{
	char text[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ax_str_add(s, "<div class=\"tile\">");
	cell(s, "b", NULL, text);
	cell(s, "span", NULL, what);
	ax_str_add(s, "</div>\n");
}

static bool
is_there(const struct ax_outcome *o)
{
	return o->state == AX_HIT || o->state == AX_DONE ||
	       o->state == AX_SUBSTITUTED;
}

static void
head(struct ax_str *s, const struct ax_run *r, const struct ax_claims *c)
{
	const json_t *text = json_object_get(r->graph->resolved, "description");
	size_t i, there = 0;
	double seconds = 0;
	json_t *line;

	for (i = 0; i < r->graph->n; i++) {
		const struct ax_outcome *o = &r->outcomes[i];

		there += is_there(o);
		if (is_there(o) && o->ended > o->started)
			seconds += o->ended - o->started;
	}
	ax_str_add(s, "<header>");
	cell(s, "h1", NULL, r->graph->name);
	ax_str_add(s, "<p class=\"lead\">");
	if (json_is_string(text))
		ax_str_add_html(s, json_string_value(text));
	json_array_foreach((json_t *)text, i, line)
	{
		ax_str_add_html(
			s, json_is_string(line) ? json_string_value(line) : "");
		ax_str_addc(s, ' ');
	}
	ax_str_add(
		s,
		"</p>\n<nav><a href=\"#claims\">Claims</a><a "
		"href=\"#figures\">Figures</a>"
		"<a href=\"#graph\">Graph</a><a href=\"#timeline\">Timeline</a>"
		"<a href=\"#metrics\">Metrics</a><a href=\"#tools\">Tools</a>"
		"<a href=\"#keys\">Keys</a></nav>\n<div class=\"tiles\">\n");
	tile(s, "nodes there", "%zu of %zu", there, r->graph->n);
	if (r->executed)
		tile(s, "ran now", "%zu", r->executed);
	tile(s, "seconds of stages", "%.1f", seconds);
	if (c->n)
		tile(s, "claims hold", "%zu of %zu", c->holds, c->n);
	if (r->failed)
		tile(s, "nodes failed", "%zu", r->failed);
	ax_str_add(s, "</div></header>\n");
}

static void
claims_section(struct ax_str *s, const struct ax_claims *c)
{
	bool figures = false;
	size_t i;

	ax_str_add(s, "<section id=\"claims\"><h2>Claims</h2>\n");
	if (!c->n) {
		ax_str_add(s,
			   "<p>The manifest claims nothing.</p></section>\n");
		return;
	}
	for (i = 0; i < c->n; i++)
		figures |= c->list[i].figure != NULL;
	ax_str_addf(s,
		    "<div "
		    "class=\"card\"><table><thead><tr>%s<th>Value</"
		    "th><th>Claimed</th>",
		    figures ? "<th>Figure</th>" : "");
	ax_str_add(s, "<th>Here</th><th>Difference</th><th>Verdict</th></tr></"
		      "thead><tbody>\n");
	for (i = 0; i < c->n; i++) {
		const struct ax_claim *m = &c->list[i];
		const char *verdict = ax_verdict_name(m->verdict);
		char *end;
		double v;

		ax_str_add(s, "<tr>");
		if (figures)
			cell(s, "td", NULL, m->figure);
		ax_str_add(s, "<td><code>");
		ax_str_add_html(s, m->name);
		ax_str_add(s, "</code>");
		if (m->text) {
			ax_str_add(s, "<br>");
			ax_str_add_html(s, m->text);
		}
		if (m->note) {
			ax_str_add(s, "<br><small>");
			ax_str_add_html(s, m->note);
			ax_str_add(s, "</small>");
		}
		ax_str_add(s, "</td>");
		cell(s, "td", "n", m->expected);
		v = strtod(m->measured, &end);
		if (!*end && strlen(m->measured) > 12 &&
		    m->measured[strspn(m->measured, "-0123456789")])
			ax_str_addf(s, "<td class=\"n\" title=\"%s\">%.10g",
				    m->measured, v);
		else {
			ax_str_add(s, "<td class=\"n\">");
			ax_str_add_html(s, m->measured);
		}
		if (m->unit && m->verdict != AX_MISSING) {
			ax_str_addc(s, ' ');
			ax_str_add_html(s, m->unit);
		}
		ax_str_add(s, "</td>");
		cell(s, "td", "n", m->delta);
		ax_str_addf(s, "<td class=\"verdict %s\">%s</td></tr>\n",
			    verdict, verdict);
	}
	ax_str_add(s, "</tbody></table></div></section>\n");
}

static int
figures_section(struct ax_str *s, const struct ax_run *r, const char *dir,
		struct ax_err *err)
{
	size_t i, n = json_array_size(r->graph->figures);
	struct ax_err local = AX_ERR_INIT;

	ax_str_add(s, "<section id=\"figures\"><h2>Figures</h2>\n");
	if (!n)
		ax_str_add(s, "<p>The manifest draws none.</p>\n");
	ax_str_add(s, "<div class=\"figures\">\n");
	for (i = 0; i < n; i++) {
		struct ax_figure f;
		char prefix[24], *path;
		int rc;

		ax_err_clear(&local);
		ax_str_add(s, "<figure class=\"card\">");
		if (ax_figure_draw(&f, r, i, &local) < 0) {
			cell(s, "p", "bad", local.text);
			ax_str_add(s, "</figure>\n");
			continue;
		}
		cell(s, "figcaption", NULL, f.title);
		snprintf(prefix, sizeof(prefix), "f%zu", i);
		if (f.svg)
			ax_report_embed(s, f.svg, prefix);
		else
			ax_str_add(s,
				   "<p class=\"missing\">No points yet.</p>");
		if (f.note)
			cell(s, "small", "missing", f.note);
		ax_str_add(s, "<details><summary>Points</summary><pre>");
		ax_str_add_html(s, f.csv);
		ax_str_add(s, "</pre></details></figure>\n");
		path = ax_asprintf("%s/%s.csv", dir, f.name);
		rc = ax_write_file(path, f.csv, strlen(f.csv), err);
		free(path);
		if (rc == 0 && f.svg) {
			path = ax_asprintf("%s/%s.svg", dir, f.name);
			rc = ax_write_file(path, f.svg, strlen(f.svg), err);
			free(path);
		}
		ax_figure_free(&f);
		if (rc < 0)
			return -1;
	}
	ax_str_add(s, "</div></section>\n");
	return 0;
}

static void
pictures(struct ax_str *s, const struct ax_run *r)
{
	struct ax_err err = AX_ERR_INIT;

	ax_str_add(
		s,
		"<section id=\"graph\"><h2>Graph</h2><div class=\"card\">\n");
	if (ax_report_graph(s, r, &err) < 0)
		cell(s, "p", "missing", err.text);
	ax_str_add(
		s,
		"</div></section>\n<section id=\"timeline\"><h2>Timeline</h2>"
		"<p class=\"lead\">Seconds each node took when it ran; "
		"lighter: in an earlier run. Idle time is cut.</p>"
		"<div class=\"card\">\n");
	ax_report_timeline(s, r);
	ax_str_add(s, "</div></section>\n");
}

/* Metrics: a table for each entry, a row for each node
 * -------------------------- */

struct columns {
	char *name[MAX_COLUMNS];
	size_t n;
	bool more;
};

/* Dotted names of the scalars of a metrics object, in their order. */
static void
find_columns(struct columns *c, const json_t *o, const char *prefix, int depth)
{
	const char *key;
	json_t *v;
	size_t i;

	json_object_foreach((json_t *)o, key, v)
	{
		char *name = ax_asprintf("%s%s", prefix, key);

		if (json_is_object(v) && depth < 4) {
			char *inner = ax_asprintf("%s.", name);

			find_columns(c, v, inner, depth + 1);
			free(inner);
			free(name);
			continue;
		}
		for (i = 0; i < c->n; i++)
			if (strcmp(c->name[i], name) == 0)
				break;
		if (i < c->n || json_is_array(v)) {
			free(name);
		} else if (c->n == MAX_COLUMNS) {
			c->more = true;
			free(name);
		} else {
			c->name[c->n++] = name;
		}
	}
}

static const json_t *
dotted(const json_t *o, const char *name)
{
	const char *dot;
	const json_t *v;

	while (o && (dot = strchr(name, '.')) != NULL) {
		char *part = ax_strndup(name, (size_t)(dot - name));

		o = json_object_get(o, part);
		free(part);
		name = dot + 1;
	}
	v = o ? json_object_get(o, name) : NULL;
	return v;
}

static void
metric_cell(struct ax_str *s, const json_t *v)
{
	struct ax_str text = AX_STR_INIT;

	if (!v) {
		ax_str_add(s, "<td></td>");
	} else if (json_is_string(v)) {
		cell(s, "td", NULL, json_string_value(v));
	} else {
		ax_json_canonical(&text, v);
		if (json_is_real(v) && text.len > 10)
			ax_str_addf(s, "<td class=\"n\" title=\"%s\">%.6g</td>",
				    text.buf, json_real_value(v));
		else
			cell(s, "td", "n", text.buf);
		ax_str_free(&text);
	}
}

static void
column_head(struct ax_str *s, const struct ax_stage *stage, const char *name,
	    bool number)
{
	json_t *m = json_object_get(stage->metrics, name);
	const char *unit = json_string_value(json_object_get(m, "unit"));
	const char *summary = json_string_value(json_object_get(m, "summary"));

	ax_str_addf(s, "<th%s title=\"", number ? " class=\"n\"" : "");
	ax_str_add_html(s, summary ? summary : name);
	ax_str_add(s, "\">");
	ax_str_add_html(s, name);
	if (unit && *unit) {
		ax_str_add(s, "<br><small>");
		ax_str_add_html(s, unit);
		ax_str_add(s, "</small>");
	}
	ax_str_add(s, "</th>");
}

static void
metrics_table(struct ax_str *s, const struct ax_run *r, const char *entry,
	      const struct ax_stage *stage, size_t first)
{
	struct columns c = {{NULL}, 0, false};
	size_t i, k, rows = 0, row = first;

	for (i = first; i < r->graph->n; i++) {
		if (strcmp(r->graph->nodes[i]->entry, entry) != 0 ||
		    !r->outcomes[i].metrics)
			continue;
		find_columns(&c, r->outcomes[i].metrics, "", 0);
		row = i;
	}
	if (c.n) {
		ax_str_add(s, "<details open><summary><b>");
		ax_str_add_html(s, entry);
		ax_str_add(s, "</b> <small>");
		ax_str_add_html(s, stage->summary ? stage->summary : "");
		ax_str_add(s, "</small></summary><div "
			      "class=\"card\"><table><thead><tr><th>node</th>");
		for (k = 0; k < c.n; k++)
			column_head(
				s, stage, c.name[k],
				!json_is_string(dotted(r->outcomes[row].metrics,
						       c.name[k])));
		ax_str_add(s, "</tr></thead><tbody>\n");
	}
	for (i = first; c.n && i < r->graph->n; i++) {
		if (strcmp(r->graph->nodes[i]->entry, entry) != 0 ||
		    !r->outcomes[i].metrics || rows++ >= 1000)
			continue;
		ax_str_add(s, "<tr>");
		cell(s, "td", NULL, r->graph->nodes[i]->name);
		for (k = 0; k < c.n; k++)
			metric_cell(s,
				    dotted(r->outcomes[i].metrics, c.name[k]));
		ax_str_add(s, "</tr>\n");
	}
	if (c.n) {
		ax_str_add(s, "</tbody></table></div>");
		if (c.more)
			ax_str_addf(s, "<p>The first %d columns.</p>",
				    MAX_COLUMNS);
		ax_str_add(s, "</details>\n");
	}
	for (k = 0; k < c.n; k++)
		free(c.name[k]);
}

static void
metrics_section(struct ax_str *s, const struct ax_run *r)
{
	struct ax_map seen = AX_MAP_INIT;
	size_t i;

	ax_str_add(s, "<section id=\"metrics\"><h2>Metrics</h2>\n");
	for (i = 0; i < r->graph->n; i++) {
		const struct ax_node *n = r->graph->nodes[i];

		if (!ax_map_set(&seen, n->entry, s))
			metrics_table(s, r, n->entry, n->stage, i);
	}
	ax_map_free(&seen);
	ax_str_add(s, "</section>\n");
}

/* Tools and keys
 * -------------------------------------------------------------------- */

static void
tools_section(struct ax_str *s, const struct ax_run *r)
{
	const char *name, *text;
	json_t *t;

	ax_str_add(s, "<section id=\"tools\"><h2>Tools</h2><div "
		      "class=\"card\"><table><thead><tr><th>tool</th>"
		      "<th>version</th><th>digest of its "
		      "files</th></tr></thead><tbody>\n");
	json_object_foreach(r->tools, name, t)
	{
		ax_str_add(s, "<tr>");
		cell(s, "td", NULL, name);
		text = json_string_value(json_object_get(t, "version"));
		cell(s, "td", NULL, text);
		text = json_string_value(json_object_get(t, "digest"));
		cell(s, "td", "hex", text);
		ax_str_add(s, "</tr>\n");
	}
	ax_str_addf(s,
		    "<tr><td>axpipe</td><td>%s</td><td></td></tr>\n</tbody></"
		    "table></div></section>\n",
		    AXPIPE_VERSION);
}

static void
keys_section(struct ax_str *s, const struct ax_run *r)
{
	char hex[AX_HEX_LEN + 1];
	size_t i, k;

	ax_str_add(s,
		   "<section id=\"keys\"><h2>Keys</h2><details><summary>Key, "
		   "time and outputs of each node</summary>"
		   "<div "
		   "class=\"card\"><table><thead><tr><th>node</th><th>state</"
		   "th><th>s</th><th>cpu s</th><th>MiB</th>"
		   "<th>key</th><th>outputs</th></tr></thead><tbody>\n");
	for (i = 0; i < r->graph->n && i < 5000; i++) {
		const struct ax_node *n = r->graph->nodes[i];
		const struct ax_outcome *o = &r->outcomes[i];

		ax_str_add(s, "<tr>");
		cell(s, "td", NULL, n->name);
		cell(s, "td", o->state == AX_FAILED ? "failed" : NULL,
		     ax_state_name(o->state));
		ax_str_addf(s,
			    "<td class=\"n\">%.2f</td><td "
			    "class=\"n\">%.2f</td><td class=\"n\">%.0f</td>",
			    AX_MAX(o->ended - o->started, 0), o->cpu_seconds,
			    (double)o->max_rss / 1048576);
		cell(s, "td", "hex", o->has_key ? ax_hex(hex, &o->key) : "");
		ax_str_add(s, "<td class=\"hex\">");
		for (k = 0; o->have && k < n->stage->noutputs; k++) {
			if (!o->have[k])
				continue;
			ax_str_add_html(s, n->stage->outputs[k].name);
			ax_str_addf(s, " %.16s<br>",
				    ax_hex(hex, &o->outputs[k]));
		}
		ax_str_add(s, "</td></tr>\n");
		if (o->error) {
			ax_str_add(s,
				   "<tr><td colspan=\"7\"><pre class=\"bad\">");
			ax_str_add_html(s, o->error);
			ax_str_add(s, "</pre></td></tr>\n");
		}
	}
	ax_str_add(s, "</tbody></table></div></details></section>\n");
}

int
ax_report_write(const struct ax_run *r, const char *path, struct ax_err *err)
{
	char *dir = ax_dirname(path);
	struct ax_claims claims = {0};
	struct ax_str s = AX_STR_INIT;
	int rc = -1;

	if (ax_mkdirs(dir, err) < 0 || ax_claims_check(&claims, r, err) < 0)
		goto out;
	ax_str_add(&s, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta "
		       "charset=\"utf-8\">"
		       "<meta name=\"viewport\" "
		       "content=\"width=device-width,initial-scale=1\">"
		       "<link rel=\"icon\" href=\"data:,\"><title>");
	ax_str_add_html(&s, r->graph->name);
	ax_str_add(&s, " - axpipe</title><style>");
	ax_str_add(&s, page_style);
	ax_str_add(&s, "</style></head><body>\n");
	head(&s, r, &claims);
	claims_section(&s, &claims);
	if (figures_section(&s, r, dir, err) < 0)
		goto out;
	pictures(&s, r);
	metrics_section(&s, r);
	tools_section(&s, r);
	keys_section(&s, r);
	ax_str_add(&s, "<footer class=\"lead\"><p>Made by axpipe from ");
	ax_str_add_html(&s, r->graph->path);
	ax_str_add(&s, ", run ");
	ax_str_add_html(&s, r->id ? r->id : "");
	ax_str_add(&s, ". The points of each figure lie beside this file as "
		       "CSV, the figures as SVG.</p></footer></body></html>\n");
	rc = ax_write_file(path, s.buf, s.len, err);
out:
	ax_str_free(&s);
	ax_claims_free(&claims);
	free(dir);
	return rc;
}
