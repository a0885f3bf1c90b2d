/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/results/drawing.h"

#include "artifacts/base/base.h"
#include "artifacts/base/json.h"

/* A box of a drawing: a node or source, or all of an entry's. */
struct box {
	const char *name;             /* borrowed */
	const struct ax_stage *stage; /* NULL: an input */
	size_t count;
	size_t states[AX_CANCELLED + 1];
};

struct drawing {
	struct box *boxes;
	size_t n;
	struct ax_map by_name; /* -> struct box */
	struct ax_str edges;   /* "from\0to\0output\0" one after the other */
	struct ax_map drawn;
};

static struct box *
box_of(struct drawing *d, const char *name)
{
	struct box *b = ax_map_get(&d->by_name, name);

	if (!b) {
		b = &d->boxes[d->n++];
		b->name = name;
		ax_map_set(&d->by_name, name, b);
	}
	b->count++;
	return b;
}

static void
add_edge(struct drawing *d, const char *from, const char *to,
	 const char *output)
{
	char *key = ax_asprintf("%s\n%s\n%s", from, to, output);

	if (!ax_map_get(&d->drawn, key)) {
		ax_map_set(&d->drawn, key, d);
		ax_str_addn(&d->edges, from, strlen(from) + 1);
		ax_str_addn(&d->edges, to, strlen(to) + 1);
		ax_str_addn(&d->edges, output, strlen(output) + 1);
	}
	free(key);
}

static void
collect(struct drawing *d, const struct ax_run *r, bool entries)
{
	const struct ax_graph *g = r->graph;

	memset(d, 0, sizeof(*d));
	d->boxes = ax_calloc(g->n + g->nsources + 1, sizeof(*d->boxes));
	for (size_t i = 0; i < g->nsources; i++)
		box_of(d, entries ? g->sources[i]->entry : g->sources[i]->name);
	for (size_t i = 0; i < g->n; i++) {
		const struct ax_node *n = g->nodes[i];
		const char *to = entries ? n->entry : n->name;
		struct box *b = box_of(d, to);

		b->stage = n->stage;
		b->states[r->outcomes[i].state]++;
		for (size_t w = 0; w < n->nwires; w++)
			for (size_t k = 0; k < n->wires[w].n; k++) {
				const struct ax_link *l = &n->wires[w].links[k];

				if (l->source)
					add_edge(d,
						 entries ? l->source->entry
							 : l->source->name,
						 to, "");
				else
					add_edge(d,
						 entries ? l->node->entry
							 : l->node->name,
						 to, l->output->name);
			}
	}
}

static void
drop(struct drawing *d)
{
	free(d->boxes);
	ax_map_free(&d->by_name);
	ax_map_free(&d->drawn);
	ax_str_free(&d->edges);
}

/* "cached", or "2 cached, 1 dirty" of an entry. */
static void
add_states(struct ax_str *s, const struct box *b)
{
	bool first = true;

	for (int i = 0; i <= AX_CANCELLED; i++) {
		if (!b->states[i])
			continue;
		if (b->count > 1)
			ax_str_addf(s, "%s%zu ", first ? "" : ", ",
				    b->states[i]);
		ax_str_add(s, ax_state_name((enum ax_state)i));
		first = false;
	}
}

static const char *
colour(const struct box *b)
{
	if (!b->stage)
		return "#e8e8e8";
	if (b->states[AX_FAILED] || b->states[AX_TAINTED])
		return "#f4b6b6";
	if (b->states[AX_DIRTY])
		return "#ffd9a0";
	if (b->states[AX_MAYBE])
		return "#fff2c0";
	return "#c8e6c9";
}

/* --- Graphviz ----------------------------------------------------------- */

static void
add_dot(struct ax_str *s, const char *text)
{
	ax_str_addc(s, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			ax_str_addc(s, '\\');
		if (*text == '\n')
			ax_str_add(s, "\\n");
		else
			ax_str_addc(s, *text);
	}
	ax_str_addc(s, '"');
}

void
ax_draw_dot(struct ax_str *s, const struct ax_run *r, bool entries)
{
	struct drawing d;
	const char *p;

	collect(&d, r, entries);
	ax_str_add(s, "digraph ");
	add_dot(s, r->graph->name);
	ax_str_add(s, " {\n\trankdir=LR;\n\tnode [style=filled, "
		      "fontname=\"sans-serif\"];\n");
	for (size_t i = 0; i < d.n; i++) {
		const struct box *b = &d.boxes[i];
		struct ax_str label = AX_STR_INIT;

		ax_str_add(&label, b->name);
		if (b->stage) {
			ax_str_addf(&label, "\n%s", b->stage->name);
			if (b->count > 1)
				ax_str_addf(&label, " x %zu", b->count);
			ax_str_add(&label, ": ");
			add_states(&label, b);
		}
		ax_str_addc(s, '\t');
		add_dot(s, b->name);
		ax_str_addf(s, " [shape=%s, fillcolor=\"%s\", label=",
			    b->stage ? "box" : "note", colour(b));
		add_dot(s, label.buf);
		ax_str_add(s, "];\n");
		ax_str_free(&label);
	}
	for (p = d.edges.buf; p && p < d.edges.buf + d.edges.len;) {
		const char *from = p, *to = from + strlen(from) + 1,
			   *out = to + strlen(to) + 1;

		ax_str_addc(s, '\t');
		add_dot(s, from);
		ax_str_add(s, " -> ");
		add_dot(s, to);
		if (*out) {
			ax_str_add(s, " [label=");
			add_dot(s, out);
			ax_str_addc(s, ']');
		}
		ax_str_add(s, ";\n");
		p = out + strlen(out) + 1;
	}
	ax_str_add(s, "}\n");
	drop(&d);
}

/* --- Mermaid ------------------------------------------------------------ */

static void
add_mermaid(struct ax_str *s, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '"':
			ax_str_add(s, "#quot;");
			break;
		case '&':
			ax_str_add(s, "#amp;");
			break;
		case '<':
			ax_str_add(s, "#lt;");
			break;
		case '>':
			ax_str_add(s, "#gt;");
			break;
		case '#':
			ax_str_add(s, "#35;");
			break;
		default:
			ax_str_addc(s, *text);
		}
}

void
ax_draw_mermaid(struct ax_str *s, const struct ax_run *r, bool entries)
{
	struct drawing d;
	const char *p;

	collect(&d, r, entries);
	ax_str_add(s, "flowchart LR\n");
	for (size_t i = 0; i < d.n; i++) {
		const struct box *b = &d.boxes[i];

		ax_str_addf(s, "  n%zu%s\"", i, b->stage ? "[" : "[/");
		add_mermaid(s, b->name);
		if (b->stage) {
			ax_str_add(s, "<br/>");
			add_mermaid(s, b->stage->name);
			if (b->count > 1)
				ax_str_addf(s, " x %zu", b->count);
			ax_str_add(s, ": ");
			add_states(s, b);
		}
		ax_str_addf(s, "\"%s\n  style n%zu fill:%s\n",
			    b->stage ? "]" : "/]", i, colour(b));
	}
	for (p = d.edges.buf; p && p < d.edges.buf + d.edges.len;) {
		const char *from = p, *to = from + strlen(from) + 1,
			   *out = to + strlen(to) + 1;
		const struct box *a = ax_map_get(&d.by_name, from),
				 *b = ax_map_get(&d.by_name, to);

		ax_str_addf(s, "  n%zu -->", (size_t)(a - d.boxes));
		if (*out) {
			ax_str_addc(s, '|');
			add_mermaid(s, out);
			ax_str_addc(s, '|');
		}
		ax_str_addf(s, " n%zu\n", (size_t)(b - d.boxes));
		p = out + strlen(out) + 1;
	}
	drop(&d);
}

/* --- JSON --------------------------------------------------------------- */

static json_t *
link_json(const struct ax_wire *w, const struct ax_link *l)
{
	json_t *o = json_object();

	json_object_set_new(o, "port", json_string(w->port->name));
	json_object_set_new(
		o, "from",
		json_string(l->source ? l->source->name : l->node->name));
	if (l->output)
		json_object_set_new(o, "output", json_string(l->output->name));
	return o;
}

static json_t *
node_json(const struct ax_run *r, const struct ax_node *n)
{
	const struct ax_outcome *out = &r->outcomes[n->index];
	json_t *o = json_object(), *inputs = json_array();
	char hex[AX_HEX_LEN + 1];

	json_object_set_new(o, "name", json_string(n->name));
	json_object_set_new(o, "entry", json_string(n->entry));
	json_object_set_new(o, "stage", json_string(n->stage->name));
	json_object_set(o, "coords", n->coords);
	json_object_set_new(o, "state", json_string(ax_state_name(out->state)));
	json_object_set_new(o, "key",
			    out->has_key ? json_string(ax_hex(hex, &out->key))
					 : json_null());
	for (size_t w = 0; w < n->nwires; w++)
		for (size_t k = 0; k < n->wires[w].n; k++)
			json_array_append_new(
				inputs,
				link_json(&n->wires[w], &n->wires[w].links[k]));
	json_object_set_new(o, "inputs", inputs);
	return o;
}

void
ax_draw_json(struct ax_str *s, const struct ax_run *r)
{
	json_t *o = json_object(), *nodes = json_array(),
	       *inputs = json_array();
	char *text;

	json_object_set_new(o, "axpipe_graph", json_integer(1));
	json_object_set_new(o, "manifest", json_string(r->graph->name));
	for (size_t i = 0; i < r->graph->nsources; i++)
		json_array_append_new(inputs,
				      json_string(r->graph->sources[i]->name));
	for (size_t i = 0; i < r->graph->n; i++)
		json_array_append_new(nodes, node_json(r, r->graph->nodes[i]));
	json_object_set_new(o, "inputs", inputs);
	json_object_set_new(o, "nodes", nodes);
	text = json_dumps(o, JSON_INDENT(1));
	ax_str_add(s, text ? text : "{}");
	ax_str_addc(s, '\n');
	free(text);
	json_decref(o);
}
