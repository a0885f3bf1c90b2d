/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/results/report.h"

#include <stdarg.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "artifacts/base/sign.h"
#include "pipeline/results/claims.h"
#include "pipeline/results/figure.h"
#include "pipeline/results/report_html.h"
#include "pipeline/results/report_page.h"
#include "pipeline/results/report_svg.h"

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
	ax_html(s, "b", NULL, text);
	ax_html(s, "span", NULL, what);
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
	const json_t *text = r->graph->description;
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
	ax_html(s, "h1", NULL, r->graph->name);
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
		"</p>\n<nav aria-label=\"Sections\"><a "
		"href=\"#claims\">Claims</a>"
		"<a href=\"#figures\">Figures</a><a href=\"#graph\">Graph</a>"
		"<a href=\"#nodes\">Nodes</a><a href=\"#timeline\">Timeline</a>"
		"<a href=\"#metrics\">Metrics</a>"
		"<a href=\"#provenance\">Provenance</a></nav>\n"
		"<div class=\"tiles\">\n");
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

/* What was measured, in ten digits where it has more. */
static void
measured(struct ax_str *s, const struct ax_claim *m)
{
	const char *unit = m->unit && m->verdict != AX_MISSING ? m->unit : "";
	const char *space = *unit ? " " : "";
	bool fraction = m->measured[strspn(m->measured, "-0123456789")] != '\0';
	char *end;
	double v = strtod(m->measured, &end);

	if (*end || end == m->measured)
		ax_html_number(s, NULL, "%s%s%s", m->measured, space, unit);
	else if (fraction && strlen(m->measured) > 12)
		ax_html_number(s, m->measured, "%.10g%s%s", v, space, unit);
	else
		ax_html_number(s, *unit ? m->measured : NULL, "%s%s%s",
			       m->measured, space, unit);
}

static void
claim_row(struct ax_str *s, const struct ax_claim *m, bool figures)
{
	const char *verdict = ax_verdict_name(m->verdict);

	ax_str_add(s, "<tr>");
	if (figures)
		ax_html(s, "td", NULL, m->figure);
	ax_str_add(s, "<td>");
	ax_html(s, "code", NULL, m->name);
	if (m->text) {
		ax_str_add(s, "<br>");
		ax_str_add_html(s, m->text);
	}
	if (m->note) {
		ax_str_add(s, "<br>");
		ax_html(s, "small", NULL, m->note);
	}
	ax_str_add(s, "</td>");
	ax_html(s, "td", "n", m->expected);
	measured(s, m);
	ax_html(s, "td", "n", m->delta);
	ax_str_addf(s, "<td class=\"verdict %s\">%s</td></tr>\n", verdict,
		    verdict);
}

static void
claims_section(struct ax_str *s, const struct ax_claims *c)
{
	static const struct ax_head heads[] = {
		{"Figure", false, NULL, NULL},
		{"Value", false, NULL, NULL},
		{"Claimed", true, NULL, NULL},
		{"Here", true, NULL, NULL},
		{"Difference", true, NULL, NULL},
		{"Verdict", false, NULL, NULL},
	};
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
	ax_html_table(s, "Claims", heads + !figures, AX_LEN(heads) - !figures);
	for (i = 0; i < c->n; i++)
		claim_row(s, &c->list[i], figures);
	ax_html_table_end(s);
	ax_str_add(s, "</section>\n");
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
			ax_html(s, "p", "bad", local.text);
			ax_str_add(s, "</figure>\n");
			continue;
		}
		ax_html(s, "figcaption", NULL, f.title);
		snprintf(prefix, sizeof(prefix), "f%zu", i);
		if (f.svg)
			ax_report_embed(s, f.svg, prefix);
		else
			ax_str_add(s,
				   "<p class=\"missing\">No points yet.</p>");
		if (f.note)
			ax_html(s, "small", "missing", f.note);
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
graph_section(struct ax_str *s, const struct ax_run *r)
{
	struct ax_err err = AX_ERR_INIT;

	ax_str_add(
		s,
		"<section id=\"graph\"><h2>Graph</h2>\n<p class=\"lead\">A box "
		"for each entry of the manifest, with the state of its nodes; "
		"it leads to their rows. <span class=\"key good\">all there"
		"</span> <span class=\"key open\">something has not run</span> "
		"<span class=\"key bad\">something failed</span></p>\n"
		"<div class=\"card wide\" role=\"region\" tabindex=\"0\" "
		"aria-label=\"Graph\">\n");
	if (ax_report_graph(s, r, &err) < 0)
		ax_html(s, "p", "missing", err.text);
	ax_str_add(s, "</div></section>\n");
}

static void
timeline_section(struct ax_str *s, const struct ax_run *r)
{
	ax_str_add(s, "<section id=\"timeline\"><h2>Timeline</h2>"
		      "<p class=\"lead\">Seconds each node took when it ran; "
		      "lighter: in an earlier run. Idle time is cut.</p>"
		      "<div class=\"card\">\n");
	ax_report_timeline(s, r);
	ax_str_add(s, "</div></section>\n");
}

/* Only this style and this script count on the page, whatever a manifest, a
 * log or a tool's picture has brought into it. */
static void
page_begin(struct ax_str *s, const char *title)
{
	struct ax_digest d = ax_hash_bytes(page_script, strlen(page_script));

	ax_str_add(s, "<!DOCTYPE html>\n<html lang=\"en\"><head>"
		      "<meta charset=\"utf-8\">"
		      "<meta http-equiv=\"Content-Security-Policy\" content=\""
		      "default-src 'none'; style-src 'unsafe-inline'; img-src "
		      "data:; script-src 'sha256-");
	ax_base64(s, d.b, sizeof(d.b));
	ax_str_add(s, "'\"><meta name=\"viewport\" "
		      "content=\"width=device-width,initial-scale=1\">"
		      "<link rel=\"icon\" href=\"data:,\"><title>");
	ax_str_add_html(s, title);
	ax_str_add(s, " - axpipe</title><style>");
	ax_str_add(s, page_style);
	ax_str_add(s, "</style></head><body>\n<a class=\"skip\" "
		      "href=\"#main\">Skip to the content</a>\n");
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
	page_begin(&s, r->graph->name);
	head(&s, r, &claims);
	ax_str_add(&s, "<main id=\"main\" tabindex=\"-1\">\n");
	claims_section(&s, &claims);
	if (figures_section(&s, r, dir, err) < 0)
		goto out;
	graph_section(&s, r);
	ax_report_nodes(&s, r);
	timeline_section(&s, r);
	ax_report_metrics(&s, r);
	ax_report_provenance(&s, r);
	ax_str_add(&s, "</main>\n<footer class=\"lead\"><p>Made by "
		       "axpipe " AXPIPE_VERSION
		       ". The points of each figure lie beside "
		       "this file as CSV, the figures as SVG.</p></footer>"
		       "<script>");
	ax_str_add(&s, page_script);
	ax_str_add(&s, "</script></body></html>\n");
	rc = ax_write_file(path, s.buf, s.len, err);
out:
	ax_str_free(&s);
	ax_claims_free(&claims);
	free(dir);
	return rc;
}
