/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/manifest/manifest.h"

#include "artifacts/base/io.h"
#include "pipeline/manifest/subst.h"

#define MAX_LEVELS 16
#define MAX_FILES 1000
#define MAX_CHAIN 100
#define MAX_VAR_NODES 100000
#define MAX_VAR_DEPTH 200

/* --- files and includes
 * -------------------------------------------------------- */

/* A path that a file names, as seen from where that file was found. */
static char *
beside(const char *file, const char *path)
{
	char *dir, *out;

	if (path[0] == '/' || !strchr(file, '/'))
		return ax_strdup(path);
	dir = ax_dirname(file);
	out = ax_join(dir, path);
	free(dir);
	return out;
}

/* The folder of an included file, seen from the first manifest's folder. */
static char *
folder_of(const char *parent_rel, const char *path)
{
	char *dir = ax_dirname(path), *out;

	if (ax_streq(dir, ".") && path[0] != '.')
		out = ax_strdup(parent_rel);
	else if (!*parent_rel || dir[0] == '/')
		out = ax_strdup(dir);
	else
		out = ax_join(parent_rel, dir);
	free(dir);
	return out;
}

static int
cycle(const struct ax_manifest *m, size_t from, size_t to,
      const struct ax_place *at, struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	size_t chain[MAX_LEVELS + 1], n = 0;

	for (size_t i = from; n < AX_LEN(chain); i = m->files[i].parent) {
		chain[n++] = i;
		if (i == to)
			break;
	}
	while (n-- > 0)
		ax_str_addf(&s, "%s -> ", m->files[chain[n]].json.name);
	ax_place_error(err, at, 0, "includes form a cycle: %s%s", s.buf,
		       m->files[to].json.name);
	ax_str_free(&s);
	return -1;
}

static bool
is_above(const struct ax_manifest *m, size_t file, size_t maybe_above)
{
	while (file != maybe_above && file)
		file = m->files[file].parent;
	return file == maybe_above;
}

static int load_file(struct ax_manifest *m, const char *path, size_t parent,
		     char *rel, int level, const struct ax_place *at,
		     struct ax_err *err);

static int
load_includes(struct ax_manifest *m, size_t file, int level, struct ax_err *err)
{
	/* m->files moves as it grows: the tree itself does not */
	json_t *list = json_object_get(m->files[file].json.root, "include");
	json_t *element;
	size_t i;

	json_array_foreach(list, i, element)
	{
		struct ax_json here = m->files[file].json;
		struct ax_place root = ax_place_root(&here);
		struct ax_place all = ax_place_key(&root, "include");
		struct ax_place at = ax_place_index(&all, i);
		const char *name = json_string_value(element);
		char *path, *rel;
		int rc;

		if (!name || !*name)
			return ax_place_error(
				err, &at, 0,
				"\"include\" must be a list of file names");
		if (level == MAX_LEVELS)
			return ax_place_error(
				err, &at, 0,
				"includes are nested deeper than %d levels",
				MAX_LEVELS);
		path = beside(here.name, name);
		rel = folder_of(m->files[file].rel, name);
		rc = load_file(m, path, file, rel, level + 1, &at, err);
		free(path);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int
check_head(const struct ax_file *f, bool first, struct ax_err *err)
{
	static const char *const keys[] = {
		"axpipe", "name",    "description", "include", "vars", "inputs",
		"stages", "figures", "claims",      "$schema", NULL};
	static const struct {
		const char *key;
		bool list;
	} kinds[] = {{"include", true}, {"vars", false},   {"inputs", false},
		     {"stages", false}, {"figures", true}, {"claims", true}};
	struct ax_place at = ax_place_root(&f->json), here;
	const json_t *root = f->json.root, *v;

	if (!json_is_object(root))
		return ax_place_error(err, &at, 0,
				      "a manifest must be an object, not %s",
				      ax_type_name(root));
	if (ax_check_keys(&at, root, keys, "the manifest", err) < 0)
		return -1;
	v = json_object_get(root, "axpipe");
	here = ax_place_key(&at, "axpipe");
	if (!v)
		return ax_place_error(err, &at, 0,
				      "\"axpipe\": 1 is missing (the version "
				      "of the language)");
	if (!json_is_integer(v) || json_integer_value(v) != 1)
		return ax_place_error(
			err, &here, 0,
			"this axpipe reads version 1 of the language only");
	v = json_object_get(root, "name");
	here = ax_place_key(&at, "name");
	if (first && !v)
		return ax_place_error(err, &at, 0, "\"name\" is missing");
	if (v && (!json_is_string(v) || !ax_name_ok(json_string_value(v))))
		return ax_place_error(err, &here, 0,
				      "\"name\" must be a letter, then "
				      "letters, digits, '_', '-', at most 100");
	v = json_object_get(root, "description");
	here = ax_place_key(&at, "description");
	if (v && !json_is_string(v) && !json_is_array(v))
		return ax_place_error(err, &here, 0,
				      "\"description\" must be a string or a "
				      "list of strings");
	for (size_t i = 0; i < json_array_size(v); i++)
		if (!json_is_string(json_array_get(v, i)))
			return ax_place_error(err, &here, 0,
					      "\"description\" must be a "
					      "string or a list of strings");
	for (size_t i = 0; i < AX_LEN(kinds); i++) {
		v = json_object_get(root, kinds[i].key);
		here = ax_place_key(&at, kinds[i].key);
		if (v &&
		    !(kinds[i].list ? json_is_array(v) : json_is_object(v)))
			return ax_place_error(
				err, &here, 0, "\"%s\" must be %s, not %s",
				kinds[i].key,
				kinds[i].list ? "a list" : "an object",
				ax_type_name(v));
	}
	return 0;
}

static int
load_file(struct ax_manifest *m, const char *path, size_t parent, char *rel,
	  int level, const struct ax_place *at, struct ax_err *err)
{
	char *real = realpath(path, NULL);
	struct ax_file *f;
	size_t file;

	for (size_t i = 0; real && i < m->nfiles; i++) {
		bool same = ax_streq(m->files[i].identity, real);
		bool loops = same && is_above(m, parent, i);

		if (!same)
			continue;
		free(real);
		free(rel);
		/* reached on two ways: it joins once */
		return loops ? cycle(m, parent, i, at, err) : 0;
	}
	if (m->nfiles == MAX_FILES) {
		free(real);
		free(rel);
		return ax_place_error(err, at, 0, "more than %d included files",
				      MAX_FILES);
	}
	AX_GROW(m->files, m->nfiles, m->cfiles);
	file = m->nfiles++;
	f = &m->files[file];
	memset(f, 0, sizeof(*f));
	f->rel = rel;
	f->parent = parent;
	f->identity = real;
	if (ax_json_load(&f->json, path, err) < 0) {
		struct ax_err inner = err ? *err : (struct ax_err)AX_ERR_INIT;

		/* only what could not be read lacks a place of its own */
		if (at && !real)
			return ax_place_error(err, at, 0, "cannot include: %s",
					      inner.text);
		return -1;
	}
	/* a cheap look saves the walk for those who write no comments */
	if (strstr(f->json.text, "\"//\""))
		ax_strip_comments(f->json.root);
	if (check_head(f, file == 0, err) < 0)
		return -1;
	return load_includes(m, file, level, err);
}

/* --- entries
 * ---------------------------------------------------------------------- */

static int
add_entry(struct ax_index *index, struct ax_json *file, const char *section,
	  const char *name, json_t *json, struct ax_err *err)
{
	struct ax_entry *e = ax_arena_new(&index->arena, 1, sizeof(*e));
	const struct ax_entry *twin;
	int line, column;

	e->root = ax_place_root(file);
	e->section = ax_place_key(&e->root, section);
	e->name = ax_arena_intern(&index->arena, name);
	e->place = ax_place_key(&e->section, e->name);
	e->json = json;
	e->input = strcmp(section, "inputs") == 0;
	e->order = index->n;
	if (!ax_name_ok(name))
		return ax_place_error(err, &e->place, 1,
				      "'%s' is no name: a letter, then "
				      "letters, digits, '_', '-', at most 100",
				      name);
	twin = ax_map_get(&index->by_name, name);
	if (twin) {
		char *pointer = ax_place_pointer(&twin->place);

		ax_json_locate(twin->place.file, pointer, 1, &line, &column);
		free(pointer);
		return ax_place_error(err, &e->place, 1,
				      "the name '%s' is given twice; the other "
				      "one is at %s:%d:%d",
				      name, twin->place.file->name, line,
				      column);
	}
	if (!json_is_object(json))
		return ax_place_error(err, &e->place, 0,
				      "'%s' must be an object, not %s", name,
				      ax_type_name(json));
	AX_GROW(index->list, index->n, index->cap);
	index->list[index->n++] = e;
	ax_map_set(&index->by_name, name, e);
	return 0;
}

static int
collect(struct ax_manifest *m, struct ax_index *index, struct ax_err *err)
{
	static const char *const sections[] = {"inputs", "stages"};
	const char *name;
	json_t *json;
	size_t k;

	for (size_t i = 0; i < m->nfiles; i++) {
		struct ax_json *file = &m->files[i].json;

		for (size_t s = 0; s < 2; s++) {
			json_t *all = json_object_get(file->root, sections[s]);

			json_object_foreach(
				all, name,
				json) if (add_entry(index, file, sections[s],
						    name, json,
						    err) < 0) return -1;
		}
		json_array_foreach(json_object_get(file->root, "figures"), k,
				   json)
		{
			AX_GROW(m->figures, m->nfigures, m->cfigures);
			m->figures[m->nfigures++] =
				(struct ax_item){json, i, k};
		}
		json_array_foreach(json_object_get(file->root, "claims"), k,
				   json)
		{
			AX_GROW(m->claims, m->nclaims, m->cclaims);
			m->claims[m->nclaims++] = (struct ax_item){json, i, k};
		}
	}
	return 0;
}

/* --- variables
 * ----------------------------------------------------------------------- */

struct variable {
	const char *name;
	json_t *raw; /* borrowed */
	size_t file;
	bool set;   /* by --set */
	char state; /* 0 new, 1 being resolved, 2 done */
};

struct variables {
	struct variable *list;
	size_t n, cap;
	struct ax_map by_name; /* index + 1 */
	struct ax_manifest *m;
	json_t *done;
	struct ax_err *err;
	int depth;
};

static struct variable *
find_var(const struct variables *v, const char *name)
{
	size_t at = (size_t)ax_map_get(&v->by_name, name);

	return at ? &v->list[at - 1] : NULL;
}

static int
var_error(const struct variables *v, const struct variable *var, int key,
	  const char *text)
{
	struct ax_place root, vars, at;

	if (var->set)
		return ax_err_set(v->err, AX_EXIT_USAGE, "--set %s: %s",
				  var->name, text);
	root = ax_place_root(&v->m->files[var->file].json);
	vars = ax_place_key(&root, "vars");
	at = ax_place_key(&vars, var->name);
	return ax_place_error(v->err, &at, key, "%s", text);
}

static int
gather_vars(struct variables *v)
{
	const char *name;
	json_t *raw;

	for (size_t i = 0; i < v->m->nfiles; i++) {
		json_t *all = json_object_get(v->m->files[i].json.root, "vars");

		json_object_foreach(all, name, raw)
		{
			struct variable var = {name, raw, i, false, 0};
			struct variable *old = find_var(v, name);

			if (!ax_name_ok(name))
				return var_error(
					v, &var, 1,
					"no name for a variable: a letter, "
					"then letters, digits, '_', '-'");
			/* files come after those that include them */
			if (old && is_above(v->m, i, old->file))
				continue;
			if (old)
				return var_error(
					v, &var, 1,
					"this variable is given by two "
					"included files; set it in the file "
					"that includes both");
			AX_GROW(v->list, v->n, v->cap);
			v->list[v->n++] = var;
			ax_map_set(&v->by_name, name, (void *)v->n);
		}
	}
	return 0;
}

static int
override(struct variables *v, const char *set, json_t *values)
{
	const char *eq = strchr(set, '='), **names;
	struct variable *var;
	char *name, *hint;
	json_t *value;

	if (!eq || eq == set)
		return ax_err_set(v->err, AX_EXIT_USAGE,
				  "--set wants NAME=VALUE, not '%s'", set);
	name = ax_strndup(set, (size_t)(eq - set));
	var = find_var(v, name);
	if (!var) {
		names = ax_calloc(v->n, sizeof(*names));
		for (size_t i = 0; i < v->n; i++)
			names[i] = v->list[i].name;
		hint = ax_suggest(name, names, v->n, "it has");
		ax_err_set(v->err, AX_EXIT_USAGE,
			   "--set: the manifest declares no variable '%s'%s",
			   name, hint);
		free(hint);
		free(names);
		free(name);
		return -1;
	}
	free(name);
	value = json_loads(eq + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES,
			   NULL);
	if (!value)
		value = json_string(eq + 1);
	if (!value)
		return ax_err_set(v->err, AX_EXIT_USAGE,
				  "--set %s: the value is not valid UTF-8",
				  var->name);
	json_array_append_new(values, value);
	if (ax_json_weigh(value, MAX_VAR_NODES, MAX_VAR_DEPTH) < 0)
		return ax_err_set(v->err, AX_EXIT_USAGE,
				  "--set %s: the value is too large",
				  var->name);
	var->raw = value;
	var->set = true;
	return 0;
}

static int resolve_var(struct variables *v, struct variable *var);

static int
resolve_used(void *arg, const char *name)
{
	struct variables *v = arg;
	struct variable *var = find_var(v, name);

	return var ? resolve_var(v, var) : 0;
}

static int
resolve_var(struct variables *v, struct variable *var)
{
	struct ax_scope scope = {NULL, v->done, false, NULL};
	struct ax_place root, vars, at;
	json_t *value;

	if (var->state == 2)
		return 0;
	if (var->state == 1)
		return var_error(
			v, var, 0,
			"this variable needs itself, through the ${...} in it");
	if (v->depth == MAX_CHAIN)
		return var_error(
			v, var, 0,
			"variables refer to each other more than 100 deep");
	var->state = 1;
	v->depth++;
	if (ax_subst_names(var->raw, resolve_used, v) != 0)
		return -1;
	v->depth--;
	root = ax_place_root(var->set ? NULL : &v->m->files[var->file].json);
	vars = ax_place_key(&root, "vars");
	at = ax_place_key(&vars, var->name);
	if (ax_subst(&value, var->raw, &scope, &at, v->err) < 0)
		return -1;
	json_object_set_new(v->done, var->name, value);
	if (ax_json_weigh(value, MAX_VAR_NODES, MAX_VAR_DEPTH) < 0)
		return var_error(
			v, var, 0,
			"this variable becomes too large by substitution");
	var->state = 2;
	return 0;
}

static int
resolve_vars(struct ax_manifest *m, const char *const *sets, size_t nsets,
	     struct ax_err *err)
{
	struct variables v = {.m = m, .err = err};
	json_t *values = json_array();
	int rc;

	v.done = json_object();
	rc = gather_vars(&v);
	for (size_t i = 0; i < nsets && rc == 0; i++)
		rc = override(&v, sets[i], values);
	for (size_t i = 0; i < v.n && rc == 0; i++)
		rc = resolve_var(&v, &v.list[i]);
	m->vars = v.done;
	json_decref(values);
	free(v.list);
	ax_map_free(&v.by_name);
	return rc;
}

int
ax_manifest_read(struct ax_manifest *m, struct ax_index *index,
		 const char *path, const char *const *sets, size_t nsets,
		 struct ax_err *err)
{
	const json_t *root;

	memset(m, 0, sizeof(*m));
	if (load_file(m, path, 0, ax_strdup(""), 1, NULL, err) < 0)
		return -1;
	root = m->files[0].json.root;
	m->name = json_string_value(json_object_get(root, "name"));
	m->description = json_object_get(root, "description");
	if (resolve_vars(m, sets, nsets, err) < 0)
		return -1;
	return collect(m, index, err);
}

void
ax_manifest_free(struct ax_manifest *m)
{
	for (size_t i = 0; i < m->nfiles; i++) {
		ax_json_free(&m->files[i].json);
		free(m->files[i].rel);
		free(m->files[i].identity);
	}
	free(m->files);
	json_decref(m->vars);
	free(m->figures);
	free(m->claims);
	memset(m, 0, sizeof(*m));
}
