/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest written down again as one file without includes: variables and
 * defaults filled in, paths seen from the first manifest's folder. Sweeps stay
 * sweeps, so that two runs compare line by line.
 */
#include "artifacts/base/io.h"
#include "pipeline/manifest/expand.h"
#include "pipeline/manifest/subst.h"

/* {name: true} for names that are coordinates, not variables, in an entry. */
static json_t *
name_set(const char *const *names, size_t n)
{
	json_t *set = n ? json_object() : NULL;

	for (size_t i = 0; i < n; i++)
		json_object_set_new_nocheck(set, names[i], json_true());
	return set;
}

static int
fill_in(json_t **out, json_t *value, const struct ax_entry *e, const char *key,
	const struct ax_manifest *m, const json_t *hidden, struct ax_err *err)
{
	/* hidden == NULL: nothing is */
	struct ax_scope scope = {NULL, m->vars, true, hidden};
	struct ax_place at = ax_place_key(&e->place, key);

	return ax_subst(out, value, &scope, &at, err);
}

/* Paths of "file", also those that "$by" chooses from. */
static json_t *
move_paths(json_t *value, const char *rel)
{
	json_t *out, *member;
	const char *key;
	char *joined;

	if (json_is_object(value)) {
		out = json_object();
		json_object_foreach(value, key, member)
			json_object_set_new_nocheck(
				out, key,
				strcmp(key, "$by") ? move_paths(member, rel)
						   : json_incref(member));
		return out;
	}
	if (!json_is_string(value) || json_string_value(value)[0] == '/')
		return json_incref(value);
	joined = ax_join(rel, json_string_value(value));
	out = json_string(joined);
	free(joined);
	return out ? out : json_incref(value);
}

static const char *
rel_of(const struct ax_entry *e, const struct ax_manifest *m)
{
	for (size_t i = 0; i < m->nfiles; i++)
		if (&m->files[i].json == e->place.file)
			return m->files[i].rel;
	return "";
}

static int
resolve_input(json_t **out, const struct ax_entry *e,
	      const struct ax_manifest *m, struct ax_err *err)
{
	json_t *hidden = name_set(e->coords, e->ncoords), *member, *done;
	const char *key, *rel = rel_of(e, m);
	int rc = 0;

	*out = json_object();
	json_object_foreach(e->json, key, member)
	{
		if (strcmp(key, "matrix") == 0)
			done = json_incref(e->matrix);
		else
			rc = fill_in(&done, member, e, key, m, hidden, err);
		if (rc < 0)
			break;
		if (*rel && strcmp(key, "file") == 0) {
			member = move_paths(done, rel);
			json_decref(done);
			done = member;
		}
		json_object_set_new_nocheck(*out, key, done);
	}
	json_decref(hidden);
	return rc;
}

/* Parameters with their defaults. Those that coordinates set are left out. */
static int
complete_params(json_t **out, const struct ax_entry *e,
		const struct ax_manifest *m, const json_t *hidden,
		struct ax_err *err)
{
	json_t *given = json_object_get(e->json, "params"), *done = NULL;
	json_t *fragment, *value;
	const char *name;

	if (e->params) {
		*out = json_incref(e->params);
		return 0;
	}
	if (given && fill_in(&done, given, e, "params", m, hidden, err) < 0)
		return -1;
	*out = json_object();
	json_object_foreach(e->stage->params, name, fragment)
	{
		value = json_object_get(done, name);
		if (value)
			json_object_set_nocheck(*out, name, value);
		else if (!ax_point_get(&e->own, name) &&
			 (value = json_object_get(fragment, "default")))
			json_object_set_new_nocheck(*out, name,
						    ax_subst_escape(value));
	}
	json_decref(done);
	return 0;
}

static int
resolve_stage(json_t **out, const struct ax_entry *e,
	      const struct ax_manifest *m, struct ax_err *err)
{
	static const char *const parts[] = {"pin", "resources"};
	json_t *hidden, *own, *in, *done;
	int rc = 0;

	*out = json_object();
	json_object_set_nocheck(*out, "stage",
				json_object_get(e->json, "stage"));
	in = json_object_get(e->json, "in");
	if (in) {
		own = e->own.n ? ax_point_json(&e->own) : NULL;
		rc = fill_in(&done, in, e, "in", m, own, err);
		json_decref(own);
		if (rc < 0)
			return -1;
		json_object_set_new_nocheck(*out, "in", done);
	}
	if (e->matrix)
		json_object_set_nocheck(*out, "matrix", e->matrix);
	hidden = name_set(e->coords, e->ncoords);
	rc = complete_params(&done, e, m, hidden, err);
	if (rc == 0)
		json_object_set_new_nocheck(*out, "params", done);
	for (size_t i = 0; i < AX_LEN(parts) && rc == 0; i++) {
		json_t *part = json_object_get(e->json, parts[i]);

		if (!part)
			continue;
		rc = fill_in(&done, part, e, parts[i], m, hidden, err);
		if (rc == 0)
			json_object_set_new_nocheck(*out, parts[i], done);
	}
	json_decref(hidden);
	return rc;
}

/* A member of the object that is open, its line indented so far. Takes the
 * value over. */
static void
add_member(struct ax_str *s, unsigned indent, const char *name, json_t *value)
{
	/* the object has members or none: its text ends with its brace */
	ax_str_addf(s, "%s\n%*s", s->buf[s->len - 1] == '{' ? "" : ",",
		    (int)indent, "");
	ax_str_add_json(s, name);
	ax_str_add(s, ": ");
	ax_json_indented(s, value, indent);
	json_decref(value);
}

/* An object of entries that were added to `section`, as a member. */
static void
add_section(struct ax_str *s, const char *name, struct ax_str *section)
{
	ax_str_addf(s, ",\n  \"%s\": ", name);
	ax_str_addn(s, section->buf, section->len);
	ax_str_add(s, section->len > 1 ? "\n  }" : "}");
	ax_str_free(section);
}

int
ax_resolve(struct ax_graph *g, const struct ax_manifest *m, struct ax_err *err)
{
	struct ax_str all = AX_STR_INIT;
	struct ax_str inputs = AX_STR_INIT, stages = AX_STR_INIT;
	json_t *done;
	int rc;

	ax_str_addc(&inputs, '{');
	ax_str_addc(&stages, '{');
	for (size_t i = 0; i < g->index->n; i++) {
		struct ax_entry *e = g->index->list[i];

		rc = e->input ? resolve_input(&done, e, m, err)
			      : resolve_stage(&done, e, m, err);
		if (rc < 0) {
			json_decref(done);
			ax_str_free(&inputs);
			ax_str_free(&stages);
			return -1;
		}
		add_member(e->input ? &inputs : &stages, 4, e->name, done);
		if (!e->input)
			json_object_clear(e->json);
	}
	for (size_t i = 0; i < g->index->n; i++)
		if (!g->index->list[i]->input)
			g->index->list[i]->json = g->index->empty;
	for (size_t i = 0; i < m->nfiles; i++)
		json_object_clear(
			json_object_get(m->files[i].json.root, "stages"));
	ax_str_addc(&all, '{');
	add_member(&all, 2, "axpipe", json_integer(1));
	add_member(&all, 2, "name", json_string(m->name));
	if (m->description)
		add_member(&all, 2, "description", json_incref(m->description));
	if (json_object_size(m->vars))
		add_member(&all, 2, "vars", ax_subst_escape(m->vars));
	add_section(&all, "inputs", &inputs);
	add_section(&all, "stages", &stages);
	add_member(&all, 2, "figures", ax_subst_escape(g->figures));
	add_member(&all, 2, "claims", json_incref(g->claims));
	ax_str_add(&all, "\n}\n");
	g->description = json_incref(m->description);
	g->resolved = ax_str_take(&all);
	return 0;
}
