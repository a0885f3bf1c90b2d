/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/results/report_svg.h"

#include <sys/wait.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/proc.h"

#define MAX_SVG ((size_t)32 << 20)

static bool
has_times(const struct ax_outcome *o)
{
	return (o->state == AX_HIT || o->state == AX_DONE) &&
	       o->ended > o->started && o->started > 0;
}

/* Graph
 * ------------------------------------------------------------------------- */

struct entry {
	const char *name, *stage;
	size_t nodes, bad, ready;
	size_t state[AX_CANCELLED + 1];
	double seconds;
};

/* "3 cached, 1 done" */
static void
states(struct ax_str *s, const struct entry *e)
{
	const char *comma = "";

	for (int i = 0; i <= AX_CANCELLED; i++) {
		if (!e->state[i])
			continue;
		ax_str_addf(s, "%s%zu %s", comma, e->state[i],
			    ax_state_name((enum ax_state)i));
		comma = ", ";
	}
}

static void
dot_string(struct ax_str *s, const char *text)
{
	ax_str_addc(s, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			ax_str_addc(s, '\\');
		ax_str_addc(s, *text);
	}
	ax_str_addc(s, '"');
}

static void
edge(struct ax_str *s, struct ax_map *seen, const char *from, const char *to,
     const char *label)
{
	char *key = ax_asprintf("%s\n%s\n%s", from, to, label);

	if (!ax_map_set(seen, key, s)) {
		dot_string(s, from);
		ax_str_add(s, " -> ");
		dot_string(s, to);
		ax_str_add(s, " [tooltip=");
		dot_string(s, label);
		ax_str_add(s, "];\n");
	}
	free(key);
}

static void
edges(struct ax_str *s, const struct ax_graph *g, struct ax_map *inputs)
{
	struct ax_map seen = AX_MAP_INIT;
	size_t i, w, k;

	for (i = 0; i < g->n; i++) {
		const struct ax_node *n = g->nodes[i];

		for (w = 0; w < n->nwires; w++) {
			for (k = 0; k < n->wires[w].n; k++) {
				const struct ax_link *l = &n->wires[w].links[k];

				if (l->source &&
				    !ax_map_set(inputs, l->source->entry, s)) {
					dot_string(s, l->source->entry);
					ax_str_add(s, " [shape=ellipse, "
						      "class=input];\n");
				}
				edge(s, &seen,
				     l->source ? l->source->entry
					       : l->node->entry,
				     n->entry,
				     l->source ? n->wires[w].port->name
					       : l->output->name);
			}
		}
	}
	ax_map_free(&seen);
}

static char *
dot_text(const struct ax_run *r)
{
	struct ax_map index = AX_MAP_INIT, inputs = AX_MAP_INIT;
	struct ax_str s = AX_STR_INIT, label = AX_STR_INIT;
	struct entry *list = NULL, *e;
	size_t n = 0, cap = 0, i;

	for (i = 0; i < r->graph->n; i++) {
		const struct ax_node *node = r->graph->nodes[i];
		const struct ax_outcome *o = &r->outcomes[i];
		uintptr_t at = (uintptr_t)ax_map_get(&index, node->entry);

		if (!at) {
			AX_GROW(list, n, cap);
			memset(&list[n], 0, sizeof(*list));
			list[n].name = node->entry;
			list[n].stage = node->stage->name;
			at = ++n;
			ax_map_set(&index, node->entry, (void *)at);
		}
		e = &list[at - 1];
		e->nodes++;
		e->state[o->state]++;
		e->bad += o->state == AX_FAILED || o->state == AX_TAINTED;
		e->ready += o->state == AX_HIT || o->state == AX_DONE ||
			    o->state == AX_SUBSTITUTED;
		if (has_times(o))
			e->seconds += o->ended - o->started;
	}
	ax_str_add(&s,
		   "digraph axpipe {\nrankdir=LR; bgcolor=transparent; "
		   "nodesep=0.22; ranksep=0.4;\n"
		   "node [shape=box, style=rounded, fontname=\"sans-serif\", "
		   "fontsize=11, margin=\"0.12,0.06\"];\n"
		   "edge [arrowsize=0.6];\n");
	for (i = 0; i < n; i++) {
		e = &list[i];
		ax_str_clear(&label);
		ax_str_add(&label, e->name);
		if (e->nodes > 1)
			ax_str_addf(&label, " \303\227%zu", e->nodes);
		dot_string(&s, e->name);
		ax_str_add(&s, " [label=");
		dot_string(&s, label.buf);
		/* the second line in dot's own escape, which is no text */
		s.len--;
		ax_str_add(&s, "\\n");
		states(&s, e);
		ax_str_add(&s, "\", URL=");
		ax_str_clear(&label);
		ax_str_addf(&label, "#at-%s", e->name);
		dot_string(&s, label.buf);
		ax_str_clear(&label);
		ax_str_addf(&label, "stage %s, %zu of %zu nodes there, %.1f s",
			    e->stage, e->ready, e->nodes, e->seconds);
		ax_str_add(&s, ", tooltip=");
		dot_string(&s, label.buf);
		ax_str_addf(&s, ", class=%s];\n",
			    e->bad                 ? "bad"
			    : e->ready == e->nodes ? "good"
						   : "open");
	}
	edges(&s, r->graph, &inputs);
	ax_str_add(&s, "}\n");
	free(list);
	ax_map_free(&index);
	ax_map_free(&inputs);
	ax_str_free(&label);
	return ax_str_take(&s);
}

int
ax_report_graph(struct ax_str *svg, const struct ax_run *r, struct ax_err *err)
{
	char *dir = ax_tmp_template("axpipe-graph"), status_text[64];
	char *path, *text;
	const char *argv[] = {"dot", "-Tsvg", NULL, NULL};
	struct ax_str out = AX_STR_INIT, errors = AX_STR_INIT;
	const char *start;
	int status = 0, rc = -1;

	if (!mkdtemp(dir)) {
		ax_err_set(err, AX_EXIT_ENV, "%s: cannot create:", dir);
		free(dir);
		return -1;
	}
	path = ax_join(dir, "graph.dot");
	argv[2] = path;
	text = dot_text(r);
	out.max = MAX_SVG;
	errors.max = 4096;
	if (ax_write_plain(path, text, strlen(text), err) == 0 &&
	    ax_run(&status, argv, NULL, NULL, &out, &errors, false, 120, err) ==
		    0) {
		start = out.buf ? strstr(out.buf, "<svg") : NULL;
		if (!start || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
			ax_err_set(err, AX_EXIT_ENV, "dot: %s: %.300s",
				   ax_status_text(status_text,
						  sizeof(status_text), status),
				   errors.buf ? errors.buf : "no output");
		} else {
			ax_report_embed(svg, start, "graph");
			rc = 0;
		}
	}
	ax_rmtree(dir, NULL);
	free(dir);
	free(path);
	free(text);
	ax_str_free(&out);
	ax_str_free(&errors);
	return rc;
}

/* Timeline
 * ------------------------------------------------------------------------ */

struct bar {
	const struct ax_node *node;
	double from, to;
};

static int
by_start(const void *a, const void *b)
{
	const struct bar *p = a, *q = b;

	if (p->from != q->from)
		return p->from < q->from ? -1 : 1;
	return p->node->index < q->node->index ? -1 : 1;
}

/* Nodes that come from earlier runs lie days apart: time in which nothing ran
 * is cut to a hair. */
static double
cut_gaps(struct bar *bars, size_t n)
{
	double busy_until = bars[0].from, shift = bars[0].from;
	size_t i;

	for (i = 0; i < n; i++) {
		if (bars[i].from > busy_until + 0.5)
			shift += bars[i].from - busy_until - 0.5;
		busy_until = AX_MAX(busy_until, bars[i].to);
		bars[i].from -= shift;
		bars[i].to -= shift;
	}
	return busy_until - shift;
}

void
ax_report_timeline(struct ax_str *svg, const struct ax_run *r)
{
	const double width = 900, left = 230, row = 16;
	struct bar *bars = ax_calloc(r->graph->n, sizeof(*bars));
	size_t n = 0, i, shown;
	double total, scale, tick = 0.1;

	for (i = 0; i < r->graph->n; i++) {
		if (!has_times(&r->outcomes[i]))
			continue;
		bars[n].node = r->graph->nodes[i];
		bars[n].from = r->outcomes[i].started;
		bars[n++].to = r->outcomes[i].ended;
	}
	if (!n) {
		free(bars);
		return;
	}
	qsort(bars, n, sizeof(*bars), by_start);
	total = cut_gaps(bars, n);
	scale = (width - left - 60) / AX_MAX(total, 1e-3);
	/* 0.1, 0.2, 0.5, 1, 2, 5, ...: at most eight of them */
	for (i = 0; tick * 8 < total; i++)
		tick *= i % 3 == 1 ? 2.5 : 2;
	/* a picture of thousands of rows helps nobody */
	shown = AX_MIN(n, (size_t)400);
	ax_str_addf(svg,
		    "<svg class=\"timeline\" viewBox=\"0 0 %.0f %.0f\" "
		    "role=\"img\" aria-label=\"Timeline\">\n",
		    width, (double)shown * row + 24);
	for (double t = 0; t <= total; t += tick)
		ax_str_addf(
			svg,
			"<path class=\"rule\" d=\"M%.1f 0V%.0f\"/><text "
			"class=\"tick\" x=\"%.1f\" y=\"%.0f\">%g s</text>\n",
			left + t * scale, (double)shown * row, left + t * scale,
			(double)shown * row + 14, t < 1e-9 ? 0 : t);
	for (i = 0; i < shown; i++) {
		double x = left + bars[i].from * scale;
		double w = AX_MAX((bars[i].to - bars[i].from) * scale, 1.5);
		const struct ax_outcome *o = &r->outcomes[bars[i].node->index];

		ax_str_addf(svg, "<text class=\"name\" x=\"%.0f\" y=\"%.1f\">",
			    left - 8, (double)i * row + 11.5);
		ax_str_add_html(svg, bars[i].node->name);
		ax_str_addf(svg,
			    "</text><rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" "
			    "width=\"%.1f\" height=\"10\" rx=\"2\"><title>",
			    o->state == AX_DONE ? "done" : "hit", x,
			    (double)i * row + 3, w);
		ax_str_add_html(svg, bars[i].node->name);
		ax_str_addf(svg, ": %.2f s</title></rect>",
			    o->ended - o->started);
		ax_str_addf(svg,
			    "<text class=\"tick\" x=\"%.1f\" "
			    "y=\"%.1f\">%.*f</text>\n",
			    x + w + 4, (double)i * row + 11.5,
			    o->ended - o->started < 10 ? 2 : 0,
			    o->ended - o->started);
	}
	ax_str_add(svg, "</svg>\n");
	if (shown < n)
		ax_str_addf(svg, "<p>The first %zu of %zu nodes.</p>\n", shown,
			    n);
	free(bars);
}

/* Embedding
 * ------------------------------------------------------------------------- */

struct swap {
	const char *from, *to;
};

void
ax_report_embed(struct ax_str *s, const char *svg, const char *prefix)
{
	/* the last four follow the page's colours, in light and dark */
	static const struct swap swaps[] = {
		{" id=\"", " id=\"%s-"},
		{" id='", " id='%s-"},
		{"xlink:href=\"#", "href=\"#%s-"},
		{"xlink:href='#", "href='#%s-"},
		{"url(#", "url(#%s-"},
		{"stroke=\"black\"", "stroke=\"currentColor\""},
		{"fill=\"black\"", "fill=\"currentColor\""},
		{"color=\"black\"", "color=\"currentColor\""},
		{"stroke='black'", "stroke='currentColor'"},
		{"'rgb(  0,   0,   0)'", "'currentColor'"},
	};
	size_t i;

	svg = strstr(svg, "<svg");
	while (svg && *svg) {
		for (i = 0; i < AX_LEN(swaps); i++)
			if (ax_starts(svg, swaps[i].from))
				break;
		if (i == AX_LEN(swaps)) {
			ax_str_addc(s, *svg++);
			continue;
		}
		if (i < 5) {
			const char *hole = strchr(swaps[i].to, '%');

			ax_str_addn(s, swaps[i].to,
				    (size_t)(hole - swaps[i].to));
			ax_str_add(s, prefix);
			ax_str_add(s, hole + 2);
		} else {
			ax_str_add(s, swaps[i].to);
		}
		svg += strlen(swaps[i].from);
	}
}
