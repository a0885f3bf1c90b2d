/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/manifest/wiring.h"

#include "pipeline/manifest/subst.h"

static int
bad_output(const struct ax_stage *stage, const char *text, const char *entry,
	   const char *word, struct ax_err *err)
{
	const char **names = ax_calloc(stage->noutputs, sizeof(*names));
	char *hint;

	for (size_t i = 0; i < stage->noutputs; i++)
		names[i] = stage->outputs[i].name;
	if (!*word && stage->noutputs == 1) {
		ax_err_set(err, AX_EXIT_USAGE,
			   "'%s' names a stage; name its output: '%s.%s'", text,
			   text, names[0]);
	} else {
		hint = ax_suggest(word, names, stage->noutputs, "it has");
		if (*word)
			ax_err_set(err, AX_EXIT_USAGE,
				   "'%s' (stage '%s') has no output '%s'%s",
				   entry, stage->name, word, hint);
		else
			ax_err_set(
				err, AX_EXIT_USAGE,
				"'%s' names a stage, not one of its outputs%s",
				text, hint);
		free(hint);
	}
	free(names);
	return -1;
}

static int
read_feed(struct ax_feed *f, const struct ax_wiring *w, const char *text,
	  const struct ax_index *index, struct ax_arena *arena,
	  struct ax_err *err)
{
	const struct ax_entry *e;
	const char *type = "any";

	if (ax_ref_parse(&f->ref, text, index, arena, err) < 0)
		return -1;
	e = f->ref.entry;
	if (e->input && *f->ref.rest)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "'%s' is an input of the manifest: nothing "
				  "may follow its name, but '%s' does",
				  e->name, f->ref.rest);
	if (!e->input) {
		const char *word = f->ref.rest + (*f->ref.rest == '.');

		f->output = ax_stage_output(e->stage, word);
		if (!f->output)
			return bad_output(e->stage, text, e->name, word, err);
		type = f->output->type;
	}
	if (ax_streq(type, "any") || ax_streq(w->port->type, "any") ||
	    ax_streq(type, w->port->type))
		return 0;
	return ax_err_set(err, AX_EXIT_USAGE,
			  "input '%s' takes type '%s', but output '%s' of '%s' "
			  "is of type '%s'",
			  w->port->name, w->port->type, f->output->name,
			  e->name, type);
}

int
ax_wiring_feeds(const struct ax_wiring *w, const json_t *value,
		const struct ax_place *at, struct ax_feed **feeds, size_t *n,
		const struct ax_index *index, struct ax_arena *arena,
		struct ax_err *err)
{
	struct ax_err inner = AX_ERR_INIT;
	bool list = json_is_array(value) && w->port->many;
	size_t count = list ? json_array_size(value) : 1;

	*n = 0;
	*feeds = NULL;
	if (json_is_null(value))
		return 0;
	*feeds = ax_arena_new(arena, count, sizeof(**feeds));
	for (size_t i = 0; i < count; i++) {
		const json_t *v = list ? json_array_get(value, i) : value;
		struct ax_place element = ax_place_index(at, i);
		const struct ax_place *here = list ? &element : at;
		const char *text = json_string_value(v);

		if (!text)
			return ax_place_error(
				err, here, 0,
				"input '%s' wants a reference such as \"name\" "
				"or \"name.output\"%s, not %s",
				w->port->name,
				w->port->many ? " or a list of them" : "",
				ax_type_name(v));
		/* the selection's text must live as long as the feed */
		text = ax_arena_str(arena, text);
		if (read_feed(&(*feeds)[i], w, text, index, arena, &inner) < 0)
			return ax_place_error(err, here, 0, "%s", inner.text);
	}
	*n = count;
	return 0;
}

static void
add_need(struct ax_entry *e, const struct ax_entry *needed)
{
	for (size_t i = e->nneeds; i-- > 0;)
		if (e->needs[i] == needed)
			return;
	AX_GROW(e->needs, e->nneeds, e->cneeds);
	e->needs[e->nneeds++] = (struct ax_entry *)needed;
}

/* Finds the entries in a value that may still have ${} of coordinates that
 * come from upstream: these may stand in a selection only, else the order of
 * the entries could not be known. */
static int
find_needs(struct ax_entry *e, const json_t *value, const struct ax_place *at,
	   const struct ax_index *index, struct ax_err *err)
{
	struct ax_err inner = AX_ERR_INIT;
	const struct ax_entry *needed;
	const char *text, *key;
	json_t *member;
	size_t i, n;
	char *name;

	if (json_is_array(value)) {
		json_array_foreach((json_t *)value, i, member)
		{
			struct ax_place here = ax_place_index(at, i);

			if (find_needs(e, member, &here, index, err) < 0)
				return -1;
		}
	} else if (json_is_object(value)) {
		json_object_foreach((json_t *)value, key, member)
		{
			struct ax_place here = ax_place_key(at, key);

			if (strcmp(key, "$by") &&
			    find_needs(e, member, &here, index, err) < 0)
				return -1;
		}
	} else if (json_is_string(value)) {
		text = json_string_value(value);
		n = strcspn(text, ".[$");
		if (text[n] == '$')
			return ax_place_error(
				err, at, 0,
				"in '%s' the name of the stage depends on a "
				"coordinate that is not its own; "
				"use a coordinate of its own matrix, or "
				"{\"$by\": ...}",
				text);
		name = ax_strndup(text, n);
		needed = ax_map_get(&index->by_name, name);
		if (!needed)
			ax_entry_unknown(index, name, &inner);
		free(name);
		if (!needed)
			return ax_place_error(err, at, 0, "%s", inner.text);
		add_need(e, needed);
	}
	return 0;
}

static int
find_dynamic_needs(struct ax_entry *e, const struct ax_wiring *w,
		   const struct ax_manifest *m, const struct ax_index *index,
		   struct ax_err *err)
{
	json_t *value;
	int rc = 0;

	(void)m;
	for (size_t i = 0; i < e->n && rc == 0; i++) {
		json_t *coords = ax_point_json(&e->points[i]);
		struct ax_scope scope = {coords, NULL, true, NULL};

		rc = ax_subst(&value, w->value, &scope, &w->at, err);
		if (rc == 0)
			rc = find_needs(e, value, &w->at, index, err);
		json_decref(value);
		json_decref(coords);
	}
	return rc;
}

static int
unknown_input(const struct ax_entry *e, const struct ax_place *at,
	      const char *name, struct ax_err *err)
{
	const struct ax_stage *s = e->stage;
	const char **names = ax_calloc(s->ninputs, sizeof(*names));
	char *hint;

	for (size_t i = 0; i < s->ninputs; i++)
		names[i] = s->inputs[i].name;
	hint = ax_suggest(name, names, s->ninputs, "it has");
	ax_place_error(err, at, 1, "stage '%s' has no input '%s'%s", s->name,
		       name, hint);
	free(hint);
	free(names);
	return -1;
}

static int
read_wire(struct ax_entry *e, struct ax_wiring *w, json_t *value,
	  const json_t *own, const struct ax_manifest *m,
	  const struct ax_index *index, struct ax_arena *arena,
	  struct ax_err *err)
{
	struct ax_scope scope = {NULL, m->vars, true, own};

	if (ax_subst(&w->value, value, &scope, &w->at, err) < 0)
		return -1;
	w->dynamic = ax_subst_needed(w->value);
	if (w->dynamic)
		return find_dynamic_needs(e, w, m, index, err);
	if (ax_wiring_feeds(w, w->value, &w->at, &w->feeds, &w->n, index, arena,
			    err) < 0)
		return -1;
	for (size_t i = 0; i < w->n; i++)
		add_need(e, w->feeds[i].ref.entry);
	return 0;
}

int
ax_wiring_read(struct ax_entry *e, const struct ax_manifest *m,
	       const struct ax_index *index, struct ax_arena *arena,
	       struct ax_err *err)
{
	const struct ax_stage *s = e->stage;
	json_t *in = json_object_get(e->json, "in"), *value, *own;
	struct ax_place *at = ax_arena_new(arena, 1, sizeof(*at));
	const char *name;
	int rc = 0;

	*at = ax_place_key(&e->place, "in");
	if (in && !json_is_object(in))
		return ax_place_error(err, at, 0,
				      "\"in\" must be an object, not %s",
				      ax_type_name(in));
	json_object_foreach(in, name, value)
	{
		struct ax_place here = ax_place_key(at, name);

		if (!ax_stage_input(s, name))
			return unknown_input(e, &here, name, err);
	}
	own = e->own.n ? ax_point_json(&e->own) : NULL;
	e->wiring = ax_arena_new(arena, s->ninputs, sizeof(*e->wiring));
	for (size_t i = 0; i < s->ninputs && rc == 0; i++) {
		const struct ax_port *port = &s->inputs[i];
		struct ax_wiring *w = &e->wiring[e->nwiring];

		value = json_object_get(in, port->name);
		if (!value && port->required)
			rc = ax_place_error(err, in ? at : &e->place, 0,
					    "input '%s' (%s) of stage '%s' is "
					    "required and not wired",
					    port->name, port->type, s->name);
		if (!value)
			continue;
		e->nwiring++;
		w->port = port;
		w->at = ax_place_key(at, port->name);
		rc = read_wire(e, w, value, own, m, index, arena, err);
	}
	json_decref(own);
	return rc;
}

void
ax_wiring_free(struct ax_entry *e)
{
	for (size_t i = 0; i < e->nwiring; i++)
		json_decref(e->wiring[i].value);
	e->wiring = NULL;
	e->nwiring = 0;
}
