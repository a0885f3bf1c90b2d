/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys. A key is the SHA-256 of named components, and of nothing else:
 *
 *   stage, version      from stage.json
 *   code                every file in the stage's folder but stage.json, and
 *                       the command vector
 *   param.<name>        canonical JSON
 *   input.<name>        digest; of a `many` input input.<name>[i] and
 *                       input.<name>[i].coords
 *   tool.<name>         version line and digest
 *   env.<NAME>          JSON string, or null when it is not set
 *
 * No path, time, user, host, locale or thread count is among them, and the
 * order of a file cannot show, for they are sorted by name.
 */
#include "pipeline/run/engine.h"

#include <sys/stat.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/run/tools.h"

#define MAX_CODE_FILES 20000
#define MAX_CODE_DEPTH 16

static int
by_name(const void *a, const void *b)
{
	const struct ax_component *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* The stage's code --------------------------------------------------------- */

struct code_walk {
	struct ax_store *store;
	const char *root;
	struct ax_str text;
	size_t files;
};

/* Adds "<length>:<path below root> <sha256>\n" for each file, in byte order of
 * names. Byte code that Python leaves beside its sources is no source. */
static int
walk_code(struct code_walk *w, const char *rel, int depth, struct ax_err *err)
{
	char *dir = *rel ? ax_join(w->root, rel) : ax_strdup(w->root);
	char **names = NULL, hex[AX_HEX_LEN + 1];
	struct ax_digest d;
	size_t n = 0;
	bool tree;
	int rc;

	rc = ax_list_dir(&names, &n, dir, MAX_CODE_FILES, err);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		char *sub = *rel ? ax_join(rel, names[i]) : ax_strdup(names[i]);
		char *path = ax_join(w->root, sub);

		if ((depth == 0 && ax_streq(names[i], "stage.json")) ||
		    ax_streq(names[i], "__pycache__")) {
			;
		} else if (ax_is_dir(path)) {
			rc = depth >= MAX_CODE_DEPTH
				     ? ax_err_set(err, AX_EXIT_USAGE,
						  "%s: deeper than %d levels",
						  path, MAX_CODE_DEPTH)
				     : walk_code(w, sub, depth + 1, err);
		} else if (++w->files > MAX_CODE_FILES) {
			rc = ax_err_set(err, AX_EXIT_USAGE,
					"%s: a stage's folder with more than "
					"%d files; keep data elsewhere",
					w->root, MAX_CODE_FILES);
		} else {
			rc = ax_memo_hash(w->store, &d, NULL, &tree, path, err);
			if (rc == 0)
				ax_str_addf(&w->text, "%zu:%s %s\n",
					    strlen(sub), sub, ax_hex(hex, &d));
		}
		free(path);
		free(sub);
	}
	ax_free_list(names, n);
	free(dir);
	return rc;
}

static int
code_digest(struct ax_digest *out, struct ax_store *store,
	    const struct ax_stage *s, struct ax_err *err)
{
	struct code_walk w = {store, s->dir, AX_STR_INIT, 0};

	for (size_t i = 0; s->command[i]; i++)
		ax_str_addf(&w.text, "command %zu:%s\n", strlen(s->command[i]),
			    s->command[i]);
	if (walk_code(&w, "", 0, err) < 0) {
		ax_str_free(&w.text);
		return ax_err_wrap(err, "cannot read the code of stage %s",
				   s->name);
	}
	*out = ax_hash_bytes(w.text.buf, w.text.len);
	ax_str_free(&w.text);
	return 0;
}

/* What the nodes of a stage share --------------------------------------------
 */

static void
put(struct ax_engine *e, struct ax_stage_id *id, const char *prefix,
    const char *name, const char *value)
{
	char *full = ax_asprintf("%s%s", prefix, name);

	id->list[id->n].name = ax_arena_str(&e->arena, full);
	id->list[id->n++].value = ax_arena_str(&e->arena, value);
	free(full);
}

/* Tools of one name with different identities are both kept. */
static void
note_tool(struct ax_run *r, const struct ax_stage *s, const struct ax_tool *t,
	  const struct ax_tool_id *id)
{
	char hex[AX_HEX_LEN + 1], *name;
	json_t *entry, *old;

	entry = json_pack("{s:s, s:s, s:s}", "path", id->path, "version",
			  id->version, "digest", ax_hex(hex, &id->digest));
	if (!entry) /* not UTF-8: say what can be said */
		entry = json_pack("{s:s}", "digest", hex);
	old = json_object_get(r->tools, t->name);
	if (!old || json_equal(old, entry)) {
		json_object_set_new(r->tools, t->name, entry);
		return;
	}
	name = ax_asprintf("%s (%s)", t->name, s->name);
	json_object_set_new(r->tools, name, entry);
	free(name);
}

static int
add_tool(struct ax_run *r, struct ax_stage_id *id, const struct ax_tool *t,
	 struct ax_err *err)
{
	struct ax_tool_id tool;
	char hex[AX_HEX_LEN + 1], *value, *more;
	int rc;

	rc = ax_tool_identify(&tool, r->store, t, err);
	if (rc < 0)
		return ax_err_wrap(err, "stage %s", id->stage->name);
	if (rc == 1) {
		more = ax_asprintf("%s%s%s (Debian package %s)",
				   id->missing ? id->missing : "",
				   id->missing ? ", " : "", t->program,
				   t->package ? t->package : t->program);
		free(id->missing);
		id->missing = more;
		return 0;
	}
	value = ax_asprintf("%s %s", tool.version, ax_hex(hex, &tool.digest));
	put(r->engine, id, "tool.", t->name, value);
	free(value);
	json_object_set_new(id->tool_paths, t->name, json_string(tool.path));
	note_tool(r, id->stage, t, &tool);
	ax_tool_id_free(&tool);
	return 0;
}

static int
fill_stage(struct ax_run *r, struct ax_stage_id *id, struct ax_err *err)
{
	const struct ax_stage *s = id->stage;
	struct ax_str text = AX_STR_INIT;
	char hex[AX_HEX_LEN + 1];
	struct ax_digest code;
	size_t nenv = 0;

	while (s->env && s->env[nenv])
		nenv++;
	id->list = ax_arena_alloc(&r->engine->arena,
				  (3 + s->ntools + nenv) * sizeof(*id->list));
	id->tool_paths = json_object();
	put(r->engine, id, "", "stage", s->name);
	ax_str_addf(&text, "%d", s->version);
	put(r->engine, id, "", "version", text.buf);
	if (code_digest(&code, r->store, s, err) < 0) {
		ax_str_free(&text);
		return -1;
	}
	put(r->engine, id, "", "code", ax_hex(hex, &code));
	for (size_t i = 0; i < nenv; i++) {
		const char *v = getenv(s->env[i]);

		ax_str_clear(&text);
		if (v)
			ax_str_add_json(&text, v);
		else
			ax_str_add(&text, "null");
		put(r->engine, id, "env.", s->env[i], text.buf);
	}
	ax_str_free(&text);
	for (size_t i = 0; i < s->ntools; i++)
		if (add_tool(r, id, &s->tools[i], err) < 0)
			return -1;
	return 0;
}

struct ax_stage_id *
ax_key_stage(struct ax_run *r, const struct ax_stage *s, struct ax_err *err)
{
	struct ax_engine *e = r->engine;
	struct ax_stage_id *id = ax_map_get(&e->stage_ids, s->name);

	if (id)
		return id;
	id = ax_calloc(1, sizeof(*id));
	id->stage = s;
	if (fill_stage(r, id, err) < 0) {
		json_decref(id->tool_paths);
		free(id->missing);
		free(id);
		return NULL;
	}
	AX_GROW(e->ids, e->nids, e->cids);
	e->ids[e->nids++] = id;
	ax_map_set(&e->stage_ids, s->name, id);
	return id;
}

/* Nodes ---------------------------------------------------------------------
 */

bool
ax_link_digest(const struct ax_run *r, const struct ax_link *l,
	       struct ax_digest *out)
{
	const struct ax_outcome *o;
	size_t port;

	if (l->source) {
		*out = r->source_digests[l->source->index];
		return r->source_known[l->source->index];
	}
	o = &r->outcomes[l->node->index];
	port = (size_t)(l->output - l->node->stage->outputs);
	if (!ax_state_known(o->state) || !o->have[port])
		return false;
	*out = o->outputs[port];
	return true;
}

static char *
join_name(struct ax_engine *e, const char *prefix, const char *name)
{
	size_t a = strlen(prefix), b = strlen(name);
	char *p = ax_arena_alloc(&e->parts, a + b + 1);

	memcpy(p, prefix, a);
	memcpy(p + a, name, b + 1);
	return p;
}

static void
add_params(struct ax_engine *e, struct ax_outcome *o, const struct ax_node *n)
{
	struct ax_component *c;
	const char *name;
	json_t *value;

	json_object_foreach(n->params, name, value)
	{
		c = &o->components[o->ncomponents++];
		c->name = join_name(e, "param.", name);
		ax_str_clear(&e->scratch);
		ax_json_canonical(&e->scratch, value);
		c->value = ax_arena_strn(&e->parts, e->scratch.buf,
					 e->scratch.len);
	}
}

/* `partly`: what is not known yet is left out. */
static int
add_wire(struct ax_run *r, struct ax_outcome *o, const struct ax_node *n,
	 const struct ax_wire *w, bool partly, struct ax_err *err)
{
	struct ax_engine *e = r->engine;
	struct ax_component *c;
	struct ax_digest d;
	const json_t *coords;
	char text[AX_HEX_LEN + 1];

	for (size_t i = 0; i < w->n; i++) {
		if (!ax_link_digest(r, &w->links[i], &d)) {
			/* an optional output that its node did not make: as
			 * if nothing were wired, where that is allowed */
			if (partly || (w->links[i].node && !w->port->required))
				continue;
			if (w->links[i].node)
				return ax_err_set(err, AX_EXIT_STAGE,
						  "%s: input %s wants output "
						  "%s of %s, which left it out "
						  "(it is optional there)",
						  n->name, w->port->name,
						  w->links[i].output->name,
						  w->links[i].node->name);
			return ax_err_set(err, AX_EXIT_ENV,
					  "%s: input %s is not at hand",
					  n->name, w->port->name);
		}
		c = &o->components[o->ncomponents++];
		c->value =
			ax_arena_strn(&e->parts, ax_hex(text, &d), AX_HEX_LEN);
		if (!w->port->many) {
			c->name = join_name(e, "input.", w->port->name);
			continue;
		}
		ax_str_clear(&e->scratch);
		ax_str_addf(&e->scratch, "input.%s[%zu]", w->port->name, i);
		c->name = ax_arena_strn(&e->parts, e->scratch.buf,
					e->scratch.len);
		c = &o->components[o->ncomponents++];
		c->name = join_name(e, e->scratch.buf, ".coords");
		coords = w->links[i].source ? w->links[i].source->coords
					    : w->links[i].node->coords;
		ax_str_clear(&e->scratch);
		if (coords)
			ax_json_canonical(&e->scratch, coords);
		else
			ax_str_add(&e->scratch, "{}");
		c->value = ax_arena_strn(&e->parts, e->scratch.buf,
					 e->scratch.len);
	}
	return 0;
}

int
ax_key_components(struct ax_run *r, const struct ax_node *n, bool partly,
		  struct ax_err *err)
{
	struct ax_outcome *o = &r->outcomes[n->index];
	struct ax_engine *e = r->engine;
	struct ax_stage_id *id = ax_key_stage(r, n->stage, err);
	size_t most;

	if (!id)
		return -1;
	if (id->missing)
		return ax_err_set(
			err, AX_EXIT_ENV,
			"%s: stage %s needs %s; install it or put it on PATH",
			n->name, n->stage->name, id->missing);
	most = id->n + json_object_size(n->params);
	for (size_t i = 0; i < n->nwires; i++)
		most += 2 * n->wires[i].n;
	o->components =
		ax_arena_alloc(&e->parts, most * sizeof(*o->components));
	memcpy(o->components, id->list, id->n * sizeof(*id->list));
	o->ncomponents = id->n;
	add_params(e, o, n);
	for (size_t i = 0; i < n->nwires; i++)
		if (add_wire(r, o, n, &n->wires[i], partly, err) < 0)
			return -1;
	qsort(o->components, o->ncomponents, sizeof(*o->components), by_name);
	return 0;
}

int
ax_key_make(struct ax_run *r, const struct ax_node *n, struct ax_err *err)
{
	struct ax_outcome *o = &r->outcomes[n->index];
	struct ax_engine *e = r->engine;

	if (ax_key_components(r, n, false, err) < 0)
		return -1;
	/* lengths in front: no value can pose as the next component */
	ax_str_clear(&e->scratch);
	ax_str_add(&e->scratch, "axpipe key 1\n");
	for (size_t i = 0; i < o->ncomponents; i++) {
		const struct ax_component *c = &o->components[i];
		char count[48];
		size_t len = strlen(c->value);

		ax_str_add(&e->scratch, c->name);
		snprintf(count, sizeof(count), " %zu:", len);
		ax_str_add(&e->scratch, count);
		ax_str_addn(&e->scratch, c->value, len);
		ax_str_addc(&e->scratch, '\n');
	}
	o->key = ax_hash_bytes(e->scratch.buf, e->scratch.len);
	o->has_key = true;
	return 0;
}
