/* SPDX-License-Identifier: Apache-2.0 */
/* The report's tables: why each node ran, its metrics, where all of it comes
 * from. */
#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/results/provenance.h"
#include "pipeline/results/report_html.h"

#define MAX_COLUMNS 40
#define MAX_ROWS 5000 /* of a table: a page must open */
#define RUNS 10       /* shown of the past */

static void
cut_note(struct ax_str *s, size_t shown, size_t all)
{
	if (shown < all)
		ax_str_addf(s,
			    "<p class=\"lead\">The first %zu of %zu rows.</p>"
			    "\n",
			    shown, all);
}

/* Nodes ----------------------------------------------------------------------
 */

static const char *
state_class(enum ax_state s)
{
	switch (s) {
	case AX_HIT:
	case AX_DONE:
	case AX_SUBSTITUTED:
		return "good";
	case AX_FAILED:
	case AX_TAINTED:
		return "bad";
	default:
		return "open";
	}
}

/* Why a node that is there ran when it did: its record knows. */
static void
why_it_ran(struct ax_str *s, const struct ax_run *r, const struct ax_node *n)
{
	static const char *const members[] = {"why", "run", "node", NULL};
	const struct ax_outcome *o = &r->outcomes[n->index];
	const char *why = NULL, *run, *name;
	json_t *record = NULL;

	if (o->has_key)
		(void)ax_store_record_part(r->store, &o->key, members, &record,
					   NULL);
	why = json_string_value(json_object_get(record, "why"));
	run = json_string_value(json_object_get(record, "run"));
	name = json_string_value(json_object_get(record, "node"));
	ax_str_add_html(s, o->state == AX_DONE && o->why ? o->why
			   : why                         ? why
							 : "not recorded");
	if (o->state != AX_DONE && run) {
		ax_str_add(s, "<br><small>in run ");
		ax_str_add_html(s, run);
		if (name && !ax_streq(name, n->name)) {
			ax_str_add(s, ", as ");
			ax_str_add_html(s, name);
		}
		ax_str_add(s, o->remote ? ", from the remote cache</small>"
					: "</small>");
	}
	json_decref(record);
}

static void
why(struct ax_str *s, const struct ax_run *r, const struct ax_node *n)
{
	const struct ax_outcome *o = &r->outcomes[n->index];

	ax_str_add(s, "<td class=\"why\">");
	switch (o->state) {
	case AX_HIT:
	case AX_DONE:
		why_it_ran(s, r, n);
		break;
	case AX_SUBSTITUTED:
		ax_str_add(s, "never: its pinned outputs are at hand");
		break;
	case AX_UNNEEDED:
		ax_str_add(s, "not needed: no target, or only a pinned node, "
			      "wants it");
		break;
	case AX_SKIPPED:
		ax_str_add_html(s, o->error ? "" : "skipped");
		break;
	default:
		ax_str_add_html(s, o->why ? o->why : "");
	}
	if (o->error)
		ax_html(s, "pre", "bad", o->error);
	ax_str_add(s, "</td>");
}

void
ax_report_nodes(struct ax_str *s, const struct ax_run *r)
{
	static const struct ax_head heads[] = {
		{"Node", false, NULL, NULL},
		{"Stage", false, NULL, NULL},
		{"State", false, NULL, NULL},
		{"Why it ran", false, NULL,
		 "The reason when it was executed last, or why it will be"},
		{"Made", false, "UTC", NULL},
		{"Time", true, "s", NULL},
		{"CPU", true, "s", "User and system, of all its processes"},
		{"Memory", true, "MiB", "The largest resident set"},
	};
	const char *entry = "";
	size_t i;

	ax_str_add(s, "<section id=\"nodes\"><h2>Nodes</h2>\n");
	ax_html_table(s, "Nodes", heads, AX_LEN(heads));
	for (i = 0; i < r->graph->n && i < MAX_ROWS; i++) {
		const struct ax_node *n = r->graph->nodes[i];
		const struct ax_outcome *o = &r->outcomes[i];
		bool timed = o->state == AX_HIT || o->state == AX_DONE ||
			     o->ended > o->started;

		ax_str_add(s, "<tr");
		if (strcmp(entry, n->entry) != 0) {
			/* the graph's boxes lead here */
			ax_str_add(s, " id=\"graph-at-");
			ax_str_add_html(s, n->entry);
			ax_str_addc(s, '"');
			entry = n->entry;
		}
		ax_str_add(s, ">");
		ax_html(s, "td", "name", n->name);
		ax_html(s, "td", NULL, n->stage->name);
		ax_str_addf(s, "<td><span class=\"state %s\">%s</span></td>",
			    state_class(o->state), ax_state_name(o->state));
		why(s, r, n);
		ax_html_time(s, o->started);
		if (timed) {
			ax_html_number(s, NULL, "%.2f",
				       AX_MAX(o->ended - o->started, 0));
			ax_html_number(s, NULL, "%.2f", o->cpu_seconds);
			ax_html_number(s, NULL, "%.0f",
				       (double)o->max_rss / 1048576);
		} else {
			ax_str_add(s, "<td></td><td></td><td></td>");
		}
		ax_str_add(s, "</tr>\n");
	}
	ax_html_table_end(s);
	cut_note(s, i, r->graph->n);
	ax_str_add(s, "</section>\n");
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
		ax_html(s, "td", NULL, json_string_value(v));
	} else {
		ax_json_canonical(&text, v);
		if (json_is_real(v) && text.len > 10)
			ax_html_number(s, text.buf, "%.6g", json_real_value(v));
		else
			ax_html(s, "td", "n", text.buf);
		ax_str_free(&text);
	}
}

static void
metrics_head(struct ax_str *s, const char *entry, const struct ax_stage *stage,
	     const struct columns *c, const json_t *last)
{
	struct ax_head heads[MAX_COLUMNS + 1] = {{"Node", false, NULL, NULL}};
	char *label = ax_asprintf("Metrics of %s", entry);

	for (size_t k = 0; k < c->n; k++) {
		const json_t *m = json_object_get(stage->metrics, c->name[k]);

		heads[k + 1].text = c->name[k];
		heads[k + 1].number = !json_is_string(dotted(last, c->name[k]));
		heads[k + 1].unit =
			json_string_value(json_object_get(m, "unit"));
		heads[k + 1].hint =
			json_string_value(json_object_get(m, "summary"));
	}
	ax_str_add(s, "<details open><summary><b>");
	ax_str_add_html(s, entry);
	ax_str_add(s, "</b> <small>");
	ax_str_add_html(s, stage->summary ? stage->summary : "");
	ax_str_add(s, "</small></summary>");
	ax_html_table(s, label, heads, c->n + 1);
	free(label);
}

static void
metrics_table(struct ax_str *s, const struct ax_run *r, const char *entry,
	      const struct ax_stage *stage, size_t first)
{
	struct columns c = {{NULL}, 0, false};
	size_t i, k, rows = 0, all = 0, row = first;

	for (i = first; i < r->graph->n; i++) {
		if (strcmp(r->graph->nodes[i]->entry, entry) != 0 ||
		    !r->outcomes[i].metrics)
			continue;
		find_columns(&c, r->outcomes[i].metrics, "", 0);
		row = i;
		all++;
	}
	if (!c.n)
		return;
	metrics_head(s, entry, stage, &c, r->outcomes[row].metrics);
	for (i = first; i < r->graph->n && rows < MAX_ROWS / 5; i++) {
		if (strcmp(r->graph->nodes[i]->entry, entry) != 0 ||
		    !r->outcomes[i].metrics)
			continue;
		rows++;
		ax_str_add(s, "<tr>");
		ax_html(s, "td", "name", r->graph->nodes[i]->name);
		for (k = 0; k < c.n; k++)
			metric_cell(s,
				    dotted(r->outcomes[i].metrics, c.name[k]));
		ax_str_add(s, "</tr>\n");
	}
	ax_html_table_end(s);
	cut_note(s, rows, all);
	if (c.more)
		ax_str_addf(s, "<p class=\"lead\">The first %d columns.</p>",
			    MAX_COLUMNS);
	ax_str_add(s, "</details>\n");
	for (k = 0; k < c.n; k++)
		free(c.name[k]);
}

void
ax_report_metrics(struct ax_str *s, const struct ax_run *r)
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

/* Provenance -----------------------------------------------------------------
 */

static void
runs(struct ax_str *s, const struct ax_run *r)
{
	static const struct ax_head heads[] = {
		{"Ended", false, "UTC", NULL},
		{"Run", false, NULL, NULL},
		{"What it came to", false, NULL, NULL},
		{"Commit", false, NULL, "In runs.git of the store: git show"},
	};
	struct ax_past_run *past = NULL;
	size_t n = 0, i;

	if (ax_provenance_log(r->store, r->graph->name, RUNS, &past, &n, NULL) <
		    0 ||
	    n == 0) {
		ax_str_add(s, "<p>No run of it is recorded here.</p>\n");
		return;
	}
	ax_html_table(s, "The last runs", heads, AX_LEN(heads));
	for (i = 0; i < n; i++) {
		ax_str_add(s, "<tr>");
		ax_html_time(s, (double)past[i].time);
		ax_html(s, "td", "hex", past[i].id);
		ax_html(s, "td", NULL, past[i].summary);
		ax_html(s, "td", "hex", past[i].hex);
		ax_str_add(s, "</tr>\n");
	}
	ax_html_table_end(s);
	ax_past_free(past, n);
}

static void
source_row(struct ax_str *s, const struct ax_run *r, const struct ax_source *c)
{
	static const char *const kinds[] = {"file", "address", "git"};
	char hex[AX_HEX_LEN + 1];

	ax_str_add(s, "<tr>");
	ax_html(s, "td", "name", c->name);
	ax_html(s, "td", NULL, kinds[c->kind]);
	ax_str_add(s, "<td class=\"hex\">");
	ax_str_add_html(s, c->kind == AX_SOURCE_FILE ? c->path : c->url);
	if (c->kind == AX_SOURCE_GIT) {
		ax_str_add(s, "<br>");
		ax_str_add_html(s, c->rev ? c->rev : "");
		ax_str_addc(s, ':');
		ax_str_add_html(s, c->path ? c->path : "");
	} else if (c->member) {
		ax_str_add(s, "<br>member ");
		ax_str_add_html(s, c->member);
	}
	ax_str_add(s, "</td>");
	ax_html(s, "td", "hex",
		r->source_known && r->source_known[c->index]
			? ax_hex(hex, &r->source_digests[c->index])
			: "");
	ax_html(s, "td", NULL,
		c->kind == AX_SOURCE_GIT ? "by its commit"
		: c->pinned              ? "by its hash"
					 : "no");
	ax_str_add(s, "</tr>\n");
}

static void
sources(struct ax_str *s, const struct ax_run *r)
{
	static const struct ax_head heads[] = {
		{"Input", false, NULL, NULL},
		{"Kind", false, NULL, NULL},
		{"From", false, NULL, NULL},
		{"SHA-256", false, NULL, "Of the bytes, or of a folder's list"},
		{"Fixed", false, NULL, "By the manifest"},
	};
	size_t i;

	ax_str_add(s, "<h3>Inputs</h3>\n");
	ax_html_table(s, "Inputs", heads, AX_LEN(heads));
	for (i = 0; i < r->graph->nsources && i < MAX_ROWS; i++)
		source_row(s, r, r->graph->sources[i]);
	ax_html_table_end(s);
	cut_note(s, i, r->graph->nsources);
}

static void
tools(struct ax_str *s, const struct ax_run *r)
{
	static const struct ax_head heads[] = {
		{"Tool", false, NULL, NULL},
		{"Version", false, NULL, NULL},
		{"SHA-256 of its files", false, NULL, NULL},
	};
	const char *name;
	json_t *t;

	ax_str_add(s, "<h3 id=\"tools\">Tools</h3>\n");
	ax_html_table(s, "Tools", heads, AX_LEN(heads));
	json_object_foreach(r->tools, name, t)
	{
		ax_str_add(s, "<tr>");
		ax_html(s, "td", NULL, name);
		ax_html(s, "td", NULL,
			json_string_value(json_object_get(t, "version")));
		ax_html(s, "td", "hex",
			json_string_value(json_object_get(t, "digest")));
		ax_str_add(s, "</tr>\n");
	}
	ax_str_add(s, "<tr><td>axpipe</td><td>" AXPIPE_VERSION
		      "</td><td></td></tr>\n");
	ax_html_table_end(s);
}

static void
keys(struct ax_str *s, const struct ax_run *r)
{
	static const struct ax_head heads[] = {
		{"Node", false, NULL, NULL},
		{"Key", false, NULL, "SHA-256 over all that it rests upon"},
		{"Outputs", false, NULL, "SHA-256 of the bytes"},
	};
	char hex[AX_HEX_LEN + 1];
	size_t i, k;

	ax_str_add(s, "<h3 id=\"keys\">Keys</h3><details><summary>Key and "
		      "outputs of each node</summary>\n");
	ax_html_table(s, "Keys", heads, AX_LEN(heads));
	for (i = 0; i < r->graph->n && i < MAX_ROWS; i++) {
		const struct ax_node *n = r->graph->nodes[i];
		const struct ax_outcome *o = &r->outcomes[i];

		ax_str_add(s, "<tr>");
		ax_html(s, "td", "name", n->name);
		ax_html(s, "td", "hex", o->has_key ? ax_hex(hex, &o->key) : "");
		ax_str_add(s, "<td class=\"hex\">");
		for (k = 0; o->have && k < n->stage->noutputs; k++) {
			if (!o->have[k])
				continue;
			ax_str_add_html(s, n->stage->outputs[k].name);
			ax_str_addf(s, " %s<br>", ax_hex(hex, &o->outputs[k]));
		}
		ax_str_add(s, "</td></tr>\n");
	}
	ax_html_table_end(s);
	cut_note(s, i, r->graph->n);
	ax_str_add(s, "</details>\n");
}

void
ax_report_provenance(struct ax_str *s, const struct ax_run *r)
{
	char hex[AX_HEX_LEN + 1];
	struct ax_digest d;
	uint64_t size;

	ax_str_add(s, "<section id=\"provenance\"><h2>Provenance</h2>\n<p>");
	ax_str_add_html(s, r->planned && r->started <= 0
				   ? "What the store holds for "
				   : "Made from ");
	ax_html(s, "code", NULL, r->graph->path);
	if (ax_hash_file(&d, &size, r->graph->path, NULL) == 0)
		ax_str_addf(s, " (SHA-256 <span class=\"hex\">%s</span>)",
			    ax_hex(hex, &d));
	ax_str_add(s, ", run ");
	ax_html(s, "code", NULL, r->id ? r->id : "");
	ax_str_add(s, ". <code>axpipe explain NODE</code> says more of each "
		      "node, <code>axpipe bundle</code> signs all of it.</p>\n"
		      "<h3>The last runs</h3>\n");
	runs(s, r);
	sources(s, r);
	tools(s, r);
	keys(s, r);
	ax_str_add(s, "</section>\n");
}
