/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/manifest/expand.h"

#include "pipeline/manifest/params.h"
#include "pipeline/manifest/subst.h"
#include "pipeline/manifest/wiring.h"

#define MAX_LINKS 10000000
#define MAX_CYCLE 12

/* What the expansion of one entry works with. */
struct making {
	struct ax_graph *g;
	struct ax_entry *e;
	const struct ax_manifest *m;
	struct ax_arena *arena;   /* of the graph */
	struct ax_arena *scratch; /* until all is expanded */
	struct ax_rows rows;
	json_t *shared; /* parameters, when all nodes have the same */
	struct ax_err *err;
};

int
ax_expand_matrix(struct ax_entry *e, const struct ax_manifest *m,
		 struct ax_arena *arena, struct ax_err *err)
{
	struct ax_scope scope = {NULL, m->vars, false, NULL};
	struct ax_place at = ax_place_key(&e->place, "matrix");
	json_t *raw = json_object_get(e->json, "matrix");

	if (!raw) { /* one point without coordinates */
		e->points = ax_arena_new(arena, 1, sizeof(*e->points));
		e->n = 1;
		e->own = e->points[0];
		return 0;
	}
	if (ax_subst(&e->matrix, raw, &scope, &at, err) < 0)
		return -1;
	if (ax_matrix_expand(&e->points, &e->n, e->matrix, &at, arena, err) < 0)
		return -1;
	e->own = e->points[0];
	return 0;
}

static int
by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

void
ax_entry_coords(struct ax_entry *e, struct ax_arena *arena)
{
	const struct ax_coord *last = NULL;
	const char **names = NULL;
	size_t n = 0, cap = 0, k;

	for (size_t i = 0; i < e->n; i++) {
		const struct ax_coords *p = &e->points[i];

		/* mostly every point has the names of the one before */
		if (last && p->n == e->points[i - 1].n) {
			for (k = 0; k < p->n; k++)
				if (last[k].name != p->c[k].name)
					break;
			if (k == p->n)
				continue;
		}
		last = p->c;
		for (size_t c = 0; c < p->n; c++) {
			for (k = 0; k < n; k++)
				if (names[k] == p->c[c].name)
					break;
			if (k < n)
				continue;
			AX_GROW(names, n, cap);
			names[n++] = p->c[c].name;
		}
	}
	if (n) {
		qsort(names, n, sizeof(*names), by_text);
		e->coords = ax_arena_new(arena, n, sizeof(*names));
		memcpy(e->coords, names, n * sizeof(*names));
	}
	e->ncoords = n;
	free(names);
}

/* --- checks that need no points
 * ----------------------------------------------- */

static int
unknown_stage(const struct ax_stages *stages, const struct ax_place *at,
	      const char *name, struct ax_err *err)
{
	const char **names = ax_calloc(stages->n, sizeof(*names));
	char *hint;

	for (size_t i = 0; i < stages->n; i++)
		names[i] = stages->list[i]->name;
	hint = ax_suggest(name, names, stages->n, "there are");
	ax_place_error(
		err, at, 0, "unknown stage '%s'%s%s", name, hint,
		stages->n ? "" : ": no stages are found at all; see --stages");
	free(hint);
	free(names);
	return -1;
}

static int
unknown_param(const struct ax_stage *s, const struct ax_place *at,
	      const char *name, struct ax_err *err)
{
	size_t n;
	const char **names = ax_object_keys(s->params, &n);
	char *hint = ax_suggest(name, names, n, "it has");

	ax_place_error(err, at, 1, "stage '%s' has no parameter '%s'%s",
		       s->name, name, hint);
	free(hint);
	free(names);
	return -1;
}

static int
read_entry(struct ax_entry *e, const struct ax_manifest *m,
	   const struct ax_stages *stages, struct ax_arena *arena,
	   struct ax_err *err)
{
	static const char *const keys[] = {
		"stage", "in", "matrix", "params", "pin", "resources", NULL};
	const json_t *v = json_object_get(e->json, "stage"), *params, *pin;
	struct ax_place at = ax_place_key(&e->place, "stage");
	const char *name;
	json_t *value;

	if (ax_check_keys(&e->place, e->json, keys, "a stage's entry", err) < 0)
		return -1;
	if (!v)
		return ax_place_error(
			err, &e->place, 0,
			"\"stage\" is missing: which stage to run");
	if (!json_is_string(v))
		return ax_place_error(err, &at, 0,
				      "\"stage\" must be the name of a stage");
	e->stage = ax_stages_find(stages, json_string_value(v));
	if (!e->stage)
		return unknown_stage(stages, &at, json_string_value(v), err);
	params = json_object_get(e->json, "params");
	at = ax_place_key(&e->place, "params");
	if (params && !json_is_object(params))
		return ax_place_error(err, &at, 0,
				      "\"params\" must be an object, not %s",
				      ax_type_name(params));
	json_object_foreach((json_t *)params, name, value)
	{
		struct ax_place here = ax_place_key(&at, name);

		if (!json_object_get(e->stage->params, name))
			return unknown_param(e->stage, &here, name, err);
	}
	pin = json_object_get(e->json, "pin");
	at = ax_place_key(&e->place, "pin");
	if (pin && !json_is_object(pin))
		return ax_place_error(err, &at, 0,
				      "\"pin\" must be an object, not %s",
				      ax_type_name(pin));
	if (ax_expand_matrix(e, m, arena, err) < 0)
		return -1;
	for (size_t i = 0; i < e->own.n; i++)
		if (json_object_get(params, e->own.c[i].name)) {
			struct ax_place p = ax_place_key(&e->place, "params");
			struct ax_place here =
				ax_place_key(&p, e->own.c[i].name);

			return ax_place_error(err, &here, 1,
					      "parameter '%s' is set twice: "
					      "here, and by the matrix",
					      e->own.c[i].name);
		}
	return 0;
}

/* --- parameters, pins, resources of one node
 * ---------------------------------- */

static int
complete_params(struct making *k, json_t **out, const json_t *given,
		const struct ax_coords *own)
{
	const struct ax_stage *s = k->e->stage;
	struct ax_place section = ax_place_key(&k->e->place, "params");
	struct ax_place matrix = ax_place_key(&k->e->place, "matrix");
	json_t *fragment, *value, *checked;
	const char *name;

	*out = json_object();
	json_object_foreach(s->params, name, fragment)
	{
		struct ax_place at = ax_place_key(&section, name);
		int rc;

		value = json_object_get(given, name);
		for (size_t i = 0; i < own->n && !value; i++)
			if (strcmp(own->c[i].name, name) == 0) {
				value = own->c[i].json;
				at = ax_place_key(&matrix, name);
			}
		if (value) {
			rc = ax_param_check(&checked, fragment, value, &at,
					    name, k->err);
			/* what was read is given up as a whole later on: no
			 * value of it may be left to keep its pages */
			if (rc == 0) {
				value = json_deep_copy(checked);
				json_decref(checked);
				checked = value;
			}
		} else if ((value = json_object_get(fragment, "default"))) {
			checked = json_incref(value);
			rc = 0;
		} else {
			rc = ax_place_error(k->err,
					    given ? &section : &k->e->place, 0,
					    "parameter '%s' of stage '%s' has "
					    "no default and must be given",
					    name, s->name);
		}
		if (rc < 0) {
			json_decref(*out);
			*out = NULL;
			return -1;
		}
		json_object_set_new_nocheck(*out, name, checked);
	}
	return 0;
}

static int
node_params(struct making *k, struct ax_node *node, const struct ax_coords *own)
{
	struct ax_place at = ax_place_key(&k->e->place, "params");
	struct ax_scope scope = {node->coords, k->m->vars, false, NULL};
	json_t *given = json_object_get(k->e->json, "params"), *done;
	bool same = true;
	int rc;

	if (k->shared) {
		node->params = json_incref(k->shared);
		return 0;
	}
	if (given && ax_subst_needed(given)) {
		same = false;
		if (ax_subst(&done, given, &scope, &at, k->err) < 0)
			return -1;
		if (!json_is_object(done) ||
		    ax_json_weigh(done, AX_MAX_POINTS, 400) < 0) {
			json_decref(done);
			return ax_place_error(
				k->err, &at, 0,
				"\"params\" becomes too large by substitution");
		}
	} else {
		done = json_incref(given);
	}
	rc = complete_params(k, &node->params, done, own);
	json_decref(done);
	for (size_t i = 0; i < own->n; i++)
		same = same &&
		       !json_object_get(k->e->stage->params, own->c[i].name);
	if (rc < 0 || !same)
		return rc;
	k->shared = json_incref(node->params);
	if (!ax_subst_needed(node->params))
		k->e->params = json_incref(node->params);
	return 0;
}

static int
unknown_output(struct making *k, const struct ax_place *at, const char *name)
{
	const struct ax_stage *s = k->e->stage;
	const char **names = ax_calloc(s->noutputs, sizeof(*names));
	char *hint;

	for (size_t i = 0; i < s->noutputs; i++)
		names[i] = s->outputs[i].name;
	hint = ax_suggest(name, names, s->noutputs, "it has");
	ax_place_error(k->err, at, 1, "stage '%s' has no output '%s' to pin%s",
		       s->name, name, hint);
	free(hint);
	free(names);
	return -1;
}

static int
node_pins(struct making *k, struct ax_node *node)
{
	const struct ax_stage *s = k->e->stage;
	struct ax_place at = ax_place_key(&k->e->place, "pin");
	struct ax_scope scope = {node->coords, k->m->vars, false, NULL};
	json_t *pin = json_object_get(k->e->json, "pin"), *done, *value;
	const char *name;
	int rc = 0;

	node->pins = ax_arena_new(k->arena, s->noutputs, sizeof(*node->pins));
	node->pinned =
		ax_arena_new(k->arena, s->noutputs, sizeof(*node->pinned));
	if (!pin)
		return 0;
	if (ax_subst(&done, pin, &scope, &at, k->err) < 0)
		return -1;
	json_object_foreach(done, name, value)
	{
		struct ax_place here = ax_place_key(&at, name);
		const struct ax_port *port = ax_stage_output(s, name);
		const char *hex = json_string_value(value);
		size_t i = port ? (size_t)(port - s->outputs) : 0;

		if (!port)
			rc = unknown_output(k, &here, name);
		else if (json_is_null(value))
			continue; /* {"$by": ...} may leave a point unpinned */
		else if (!hex || ax_unhex(&node->pins[i], hex) < 0)
			rc = ax_place_error(k->err, &here, 0,
					    "a pin must be a SHA-256: 64 "
					    "lower-case hex digits");
		if (rc < 0)
			break;
		node->pinned[i] = node->any_pin = true;
	}
	json_decref(done);
	return rc;
}

static int
node_resources(struct making *k, struct ax_node *node)
{
	struct ax_place at = ax_place_key(&k->e->place, "resources");
	struct ax_scope scope = {node->coords, k->m->vars, false, NULL};
	json_t *given = json_object_get(k->e->json, "resources"), *done;
	const struct ax_stage *s = k->e->stage;
	struct ax_resources want = {s->cpus, s->memory, s->timeout, s->grow,
				    s->retries};
	int rc = 0;

	if (given) {
		if (ax_subst(&done, given, &scope, &at, k->err) < 0)
			return -1;
		rc = ax_resources_read(done, &want, &at, k->err);
		json_decref(done);
	}
	node->cpus = want.cpus;
	node->memory = want.memory;
	node->timeout = want.timeout;
	node->grow = want.grow;
	node->retries = want.retries;
	return rc;
}

/* --- joins
 * ---------------------------------------------------------------------- */

/* No point of the entry's own matrix may get lost in a join unseen. */
static int
check_lost(struct making *k, const struct ax_wiring *w,
	   const struct ax_entry *with)
{
	struct ax_entry *e = k->e;
	struct ax_str name = AX_STR_INIT;
	bool *seen = ax_calloc(e->n, sizeof(*seen));
	size_t lost;

	for (size_t i = 0; i < k->rows.n; i++)
		seen[k->rows.list[i].picks[0]] = true;
	for (lost = 0; lost < e->n && seen[lost]; lost++)
		;
	free(seen);
	if (lost == e->n)
		return 0;
	ax_point_name(&name, e->name, &e->points[lost]);
	ax_place_error(k->err, &w->at, 0,
		       "'%s' finds no point of '%s' with the same coordinates",
		       name.buf, with->name);
	ax_str_free(&name);
	return -1;
}

static size_t
room_left(const struct making *k)
{
	return AX_MAX_POINTS - AX_MIN(k->g->index->points, AX_MAX_POINTS);
}

static int
feed_points(struct making *k, struct ax_feed *f, const struct ax_place *at)
{
	struct ax_err inner = AX_ERR_INIT;

	if (ax_ref_points(&f->ref, &f->which, &f->n, k->g, k->scratch, &inner) <
	    0)
		return ax_place_error(k->err, at, 0, "%s", inner.text);
	return 0;
}

static int
join_feed(struct making *k, struct ax_rows *rows, struct ax_feed *f,
	  const struct ax_place *at)
{
	struct ax_err inner = AX_ERR_INIT;

	if (feed_points(k, f, at) < 0)
		return -1;
	if (ax_rows_join(rows, &f->ref, f->which, f->n, room_left(k), k->arena,
			 &inner) < 0)
		return ax_place_error(k->err, at, 0, "%s", inner.text);
	return 0;
}

/* The feeds of a dynamic wire at one point. */
static int
dynamic_feeds(struct making *k, const struct ax_wiring *w,
	      const struct ax_coords *p, struct ax_feed **feeds, size_t *n)
{
	json_t *coords = ax_point_json(p), *value = NULL;
	struct ax_scope scope = {coords, k->m->vars, false, NULL};
	int rc;

	rc = ax_subst(&value, w->value, &scope, &w->at, k->err);
	if (rc == 0)
		rc = ax_wiring_feeds(w, value, &w->at, feeds, n, k->g->index,
				     k->scratch, k->err);
	json_decref(value);
	json_decref(coords);
	return rc;
}

/* Each row may go to another entry: row by row, then put together. Which entry
 * a pick belongs to is kept beside it. */
static int
join_dynamic(struct making *k, struct ax_wiring *w)
{
	struct ax_rows all = {.width = k->rows.width + 2};
	int rc = 0;

	for (size_t i = 0; i < k->rows.n && rc == 0; i++) {
		struct ax_rows one = {.width = k->rows.width};
		struct ax_feed *feeds;
		size_t n;

		rc = dynamic_feeds(k, w, &k->rows.list[i].point, &feeds, &n);
		if (rc < 0)
			break;
		AX_GROW(one.list, one.n, one.cap);
		one.list[one.n++] = k->rows.list[i];
		if (n)
			rc = join_feed(k, &one, &feeds[0], &w->at);
		else
			ax_rows_skip(&one, k->arena);
		if (rc == 0 && !one.n)
			rc = ax_place_error(k->err, &w->at, 0,
					    "a point of '%s' finds no point of "
					    "'%s' with the same coordinates",
					    k->e->name,
					    feeds[0].ref.entry->name);
		ax_rows_skip(&one, k->arena);
		for (size_t r = 0; r < one.n; r++) {
			one.list[r].picks[k->rows.width + 1] =
				(size_t)(n ? (uintptr_t)&feeds[0]
					   : (uintptr_t)0);
			AX_GROW(all.list, all.n, all.cap);
			all.list[all.n++] = one.list[r];
		}
		ax_rows_free(&one);
		if (rc == 0 && all.n > room_left(k))
			rc = ax_place_error(k->err, &w->at, 0,
					    "more than %d nodes",
					    AX_MAX_POINTS);
	}
	w->pick = k->rows.width;
	ax_rows_free(&k->rows);
	k->rows = all;
	return rc;
}

static int
join_all(struct making *k)
{
	struct ax_entry *e = k->e;

	ax_rows_start(&k->rows, e->points, e->n, k->arena);
	for (size_t i = 0; i < e->nwiring; i++) {
		struct ax_wiring *w = &e->wiring[i];

		if (w->dynamic || w->port->many)
			continue;
		w->pick = k->rows.width;
		if (!w->n) {
			ax_rows_skip(&k->rows, k->arena);
			continue;
		}
		if (join_feed(k, &k->rows, &w->feeds[0], &w->at) < 0 ||
		    check_lost(k, w, w->feeds[0].ref.entry) < 0)
			return -1;
	}
	/* what depends on coordinates comes when all others are there */
	for (size_t i = 0; i < e->nwiring; i++)
		if (e->wiring[i].dynamic && !e->wiring[i].port->many &&
		    join_dynamic(k, &e->wiring[i]) < 0)
			return -1;
	return 0;
}

/* --- nodes
 * ------------------------------------------------------------------------- */

static int
add_link(struct making *k, struct ax_node *node, struct ax_link *l,
	 const struct ax_feed *f, size_t at)
{
	const struct ax_entry *from = f->ref.entry;
	struct ax_node *n;

	if (++k->g->index->links > MAX_LINKS)
		return ax_place_error(k->err, &k->e->place, 0,
				      "more than %d wires in all", MAX_LINKS);
	if (from->input) {
		l->source = from->sources[at];
		l->source->used = true;
		return 0;
	}
	n = from->nodes[at];
	l->node = n;
	l->output = f->output;
	/* nodes are made one after the other, so a second wire is the last */
	if (!n->nusers || n->users[n->nusers - 1] != node) {
		AX_GROW(n->users, n->nusers, n->cusers);
		n->users[n->nusers++] = node;
	}
	return 0;
}

static int
unwired(struct making *k, const struct ax_wiring *w, const struct ax_node *node)
{
	return ax_place_error(k->err, &w->at, 0,
			      "required input '%s' of '%s' is not wired",
			      w->port->name, node->name);
}

static int
wire_single(struct making *k, struct ax_node *node, struct ax_wiring *w,
	    const struct ax_row *row)
{
	const struct ax_feed *f = w->feeds;
	size_t pick = row->picks[w->pick];
	struct ax_wire *wire;

	if (pick == AX_NO_PICK)
		return w->port->required ? unwired(k, w, node) : 0;
	if (w->dynamic)
		f = (const struct ax_feed *)(uintptr_t)row->picks[w->pick + 1];
	wire = &node->wires[node->nwires++];
	wire->port = w->port;
	wire->links = ax_arena_new(k->arena, 1, sizeof(*wire->links));
	wire->n = 1;
	return add_link(k, node, wire->links, f, pick);
}

struct gathering {
	struct making *k;
	struct ax_node *node;
	struct ax_wire *wire;
	const struct ax_feed *feed;
};

static int
gather_one(void *arg, size_t left, const size_t *list, size_t n)
{
	struct gathering *t = arg;
	struct ax_wire *w = t->wire;
	struct ax_link *links;

	(void)left;
	if (!n)
		return 0;
	links = ax_arena_new(t->k->arena, w->n + n, sizeof(*links));
	if (w->n)
		memcpy(links, w->links, w->n * sizeof(*links));
	w->links = links;
	for (size_t i = 0; i < n; i++)
		if (add_link(t->k, t->node, &links[w->n++], t->feed, list[i]) <
		    0)
			return -1;
	return 0;
}

/* A `many` input of one node: all points that agree with its coordinates. */
static int
wire_many(struct making *k, struct ax_node *node, struct ax_wiring *w,
	  const struct ax_coords *p)
{
	struct ax_feed *feeds = w->feeds;
	struct gathering t = {k, node, NULL, NULL};
	size_t n = w->n;

	if (w->dynamic && dynamic_feeds(k, w, p, &feeds, &n) < 0)
		return -1;
	t.wire = &node->wires[node->nwires];
	t.wire->port = w->port;
	for (size_t i = 0; i < n; i++) {
		t.feed = &feeds[i];
		if (!feeds[i].which && feed_points(k, &feeds[i], &w->at) < 0)
			return -1;
		if (ax_match(&p, 1, &feeds[i].ref, feeds[i].which, feeds[i].n,
			     gather_one, &t) < 0)
			return -1;
	}
	if (t.wire->n)
		node->nwires++;
	else if (w->port->required)
		return unwired(k, w, node);
	return 0;
}

/* Coordinates as JSON; those of a node upstream serve again when equal. */
static json_t *
row_coords(struct making *k, const struct ax_row *row)
{
	for (size_t i = 0; i < k->e->nwiring; i++) {
		const struct ax_wiring *w = &k->e->wiring[i];
		const struct ax_entry *from;
		size_t pick;

		if (w->dynamic || w->port->many || !w->n)
			continue;
		from = w->feeds[0].ref.entry;
		pick = row->picks[w->pick];
		if (from->points[pick].c == row->point.c &&
		    from->points[pick].n == row->point.n)
			return json_incref(from->input
						   ? from->sources[pick]->coords
						   : from->nodes[pick]->coords);
	}
	if (!row->point.n)
		return json_incref(k->g->index->empty);
	return ax_point_json(&row->point);
}

static int
add_node(struct making *k, size_t at, const struct ax_coords *own)
{
	struct ax_entry *e = k->e;
	const struct ax_row *row = &k->rows.list[at];
	struct ax_node *node = ax_arena_new(k->arena, 1, sizeof(*node));
	struct ax_str name = AX_STR_INIT;
	int rc = 0;

	node->entry = (char *)e->name;
	node->stage = e->stage;
	node->file = e->place.file;
	node->pointer = e->pointer;
	node->index = k->g->n;
	node->point = at;
	node->coords = row_coords(k, row);
	ax_point_name(&name, e->name, &row->point);
	node->name = row->point.n ? ax_arena_str(k->arena, name.buf)
				  : (char *)e->name;
	ax_str_free(&name);
	k->g->nodes[k->g->n++] = node;
	e->nodes[at] = node;
	if (ax_map_set(&k->g->by_name, node->name, node))
		return ax_place_error(k->err, &e->place, 0,
				      "two nodes would be named '%s'",
				      node->name);
	if (node_params(k, node, own) < 0 || node_pins(k, node) < 0 ||
	    node_resources(k, node) < 0)
		return -1;
	node->wires = ax_arena_new(k->arena, e->nwiring, sizeof(*node->wires));
	for (size_t i = 0; i < e->nwiring && rc == 0; i++) {
		if (e->wiring[i].port->many)
			rc = wire_many(k, node, &e->wiring[i], &row->point);
		else
			rc = wire_single(k, node, &e->wiring[i], row);
	}
	return rc;
}

static int
expand_stage(struct making *k)
{
	struct ax_entry *e = k->e;
	struct ax_coords *own = e->points, *points;
	struct ax_graph *g = k->g;
	size_t n, i;

	if (join_all(k) < 0)
		return -1;
	n = k->rows.n;
	if (n > room_left(k))
		return ax_place_error(
			k->err, &e->place, 0,
			"with this sweep the manifest has more than %d nodes",
			AX_MAX_POINTS);
	g->index->points += n;
	if (g->n + n > g->index->cnodes) {
		g->index->cnodes = AX_MAX(g->n + n, 2 * g->index->cnodes);
		g->nodes = ax_realloc(g->nodes, g->index->cnodes,
				      sizeof(*g->nodes));
	}
	e->nodes = ax_arena_new(k->arena, n, sizeof(*e->nodes));
	points = ax_arena_new(k->arena, n, sizeof(*points));
	for (i = 0; i < n; i++) {
		points[i] = k->rows.list[i].point;
		if (add_node(k, i, &own[k->rows.list[i].picks[0]]) < 0)
			return -1;
	}
	e->points = points;
	e->n = n;
	ax_entry_coords(e, k->arena);
	return 0;
}

/* --- the order of the entries
 * ----------------------------------------------------- */

static int
report_cycle(struct ax_entry *start, struct ax_err *err)
{
	struct ax_entry *e = start, *slow = start;
	struct ax_place at;
	struct ax_str s = AX_STR_INIT;
	size_t steps = 0;

#define NEXT(x)                                                                \
	for (size_t i_ = 0; i_ < (x)->nneeds; i_++)                            \
		if ((x)->needs[i_]->waiting) {                                 \
			(x) = (x)->needs[i_];                                  \
			break;                                                 \
		}
	/* two walkers of different speed meet within the cycle */
	do {
		NEXT(e);
		NEXT(e);
		NEXT(slow);
	} while (e != slow);
	start = e;
	ax_str_add(&s, e->name);
	do {
		NEXT(e);
		if (++steps <= MAX_CYCLE)
			ax_str_addf(&s, " -> %s", e->name);
	} while (e != start);
#undef NEXT
	if (steps > MAX_CYCLE)
		ax_str_addf(&s, " -> ... (%zu in all)", steps);
	at = ax_place_key(&start->place, "in");
	ax_place_error(err, &at, 1, "stages need each other in a cycle: %s",
		       s.buf);
	ax_str_free(&s);
	return -1;
}

/* A heap of entries, the first of the manifest on top. */
struct heap {
	struct ax_entry **list;
	size_t n;
};

static void
push(struct heap *h, struct ax_entry *e)
{
	size_t i = h->n++;

	for (; i && h->list[(i - 1) / 2]->order > e->order; i = (i - 1) / 2)
		h->list[i] = h->list[(i - 1) / 2];
	h->list[i] = e;
}

static struct ax_entry *
pop(struct heap *h)
{
	struct ax_entry *top = h->list[0], *last = h->list[--h->n];
	size_t i = 0, k;

	while ((k = 2 * i + 1) < h->n) {
		if (k + 1 < h->n && h->list[k + 1]->order < h->list[k]->order)
			k++;
		if (h->list[k]->order >= last->order)
			break;
		h->list[i] = h->list[k];
		i = k;
	}
	h->list[i] = last;
	return top;
}

struct order {
	struct heap ready;
	struct ax_entry **users; /* of all entries, one after the other */
	size_t *first;           /* by entry->order, where its users start */
};

static void
order_start(struct order *o, struct ax_index *x)
{
	size_t total = 0, *fill;

	o->first = ax_calloc(x->n + 1, sizeof(*o->first));
	for (size_t i = 0; i < x->n; i++) {
		struct ax_entry *e = x->list[i];

		e->waiting = e->nneeds;
		total += e->nneeds;
		for (size_t k = 0; k < e->nneeds; k++)
			o->first[e->needs[k]->order + 1]++;
	}
	for (size_t i = 0; i < x->n; i++)
		o->first[i + 1] += o->first[i];
	o->users = ax_calloc(total, sizeof(*o->users));
	fill = ax_calloc(x->n, sizeof(*fill));
	for (size_t i = 0; i < x->n; i++) {
		struct ax_entry *e = x->list[i];

		for (size_t k = 0; k < e->nneeds; k++) {
			size_t at = e->needs[k]->order;

			o->users[o->first[at] + fill[at]++] = e;
		}
	}
	free(fill);
	o->ready.list = ax_calloc(x->n, sizeof(*o->ready.list));
	for (size_t i = 0; i < x->n; i++)
		if (!x->list[i]->waiting)
			push(&o->ready, x->list[i]);
}

static void
order_free(struct order *o)
{
	free(o->ready.list);
	free(o->users);
	free(o->first);
}

static int
expand_in_order(struct ax_graph *g, const struct ax_manifest *m,
		struct ax_arena *scratch, struct ax_err *err)
{
	struct ax_index *x = g->index;
	struct order o = {{NULL, 0}, NULL, NULL};
	size_t done = 0;
	int rc = 0;

	order_start(&o, x);
	while (o.ready.n && rc == 0) {
		struct ax_entry *e = pop(&o.ready);

		if (!e->input) {
			struct making k = {
				.g = g,
				.e = e,
				.m = m,
				.arena = &x->arena,
				.scratch = scratch,
				.err = err,
			};

			rc = expand_stage(&k);
			ax_rows_free(&k.rows);
			json_decref(k.shared);
		}
		done++;
		for (size_t i = o.first[e->order]; i < o.first[e->order + 1];
		     i++)
			if (!--o.users[i]->waiting)
				push(&o.ready, o.users[i]);
	}
	for (size_t i = 0; rc == 0 && done < x->n && i < x->n; i++)
		if (x->list[i]->waiting)
			rc = report_cycle(x->list[i], err);
	order_free(&o);
	return rc;
}

int
ax_expand(struct ax_graph *g, const struct ax_manifest *m,
	  const struct ax_stages *stages, struct ax_err *err)
{
	struct ax_arena scratch = AX_ARENA_INIT;
	struct ax_str pointer = AX_STR_INIT;
	struct ax_index *x = g->index;
	int rc = 0;

	for (size_t i = 0; i < x->n && rc == 0; i++) {
		struct ax_entry *e = x->list[i];

		/* a name needs no escapes in a JSON pointer */
		ax_str_clear(&pointer);
		ax_str_add(&pointer, e->input ? "/inputs/" : "/stages/");
		ax_str_add(&pointer, e->name);
		e->pointer = ax_arena_str(&x->arena, pointer.buf);
		if (e->input)
			rc = ax_expand_input(g, e, m, err);
		else
			rc = read_entry(e, m, stages, &x->arena, err);
	}
	ax_str_free(&pointer);
	for (size_t i = 0; i < x->n && rc == 0; i++)
		if (!x->list[i]->input)
			rc = ax_wiring_read(x->list[i], m, x, &scratch, err);
	if (rc == 0)
		rc = expand_in_order(g, m, &scratch, err);
	for (size_t i = 0; i < x->n; i++)
		ax_wiring_free(x->list[i]);
	ax_arena_free(&scratch);
	return rc;
}
