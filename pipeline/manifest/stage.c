/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/manifest/stage.h"

#include <ctype.h>
#include <limits.h>
#include <unistd.h>

#include "artifacts/base/io.h"
#include "pipeline/manifest/params.h"
#include "pipeline/manifest/place.h"

#define MAX_DEPTH 3
#define MAX_ENTRIES 10000
#define MAX_CPUS 4096

/* --- small readers of members ----------------------------------------------
 */

/* A string member: NULL when absent; -1 when it is something else, or empty. */
static int
get_string(const json_t *o, const char *key, char **out,
	   const struct ax_place *at, struct ax_err *err)
{
	const json_t *v = json_object_get(o, key);
	struct ax_place here = ax_place_key(at, key);

	*out = NULL;
	if (!v)
		return 0;
	if (!json_is_string(v) || !*json_string_value(v))
		return ax_place_error(
			err, &here, 0,
			"\"%s\" must be a string that is not empty", key);
	*out = ax_strdup(json_string_value(v));
	return 0;
}

static int
need_string(const json_t *o, const char *key, char **out,
	    const struct ax_place *at, struct ax_err *err)
{
	if (get_string(o, key, out, at, err) < 0)
		return -1;
	if (!*out)
		return ax_place_error(err, at, 0, "\"%s\" is missing", key);
	return 0;
}

static int
get_bool(const json_t *o, const char *key, bool fallback, bool *out,
	 const struct ax_place *at, struct ax_err *err)
{
	const json_t *v = json_object_get(o, key);
	struct ax_place here = ax_place_key(at, key);

	*out = v ? json_is_true(v) : fallback;
	if (v && !json_is_boolean(v))
		return ax_place_error(err, &here, 0,
				      "\"%s\" must be true or false", key);
	return 0;
}

/* A list of strings, NULL-terminated; absent: {NULL}. */
static int
get_list(const json_t *o, const char *key, char ***out,
	 const struct ax_place *at, struct ax_err *err)
{
	const json_t *v = json_object_get(o, key);
	struct ax_place here = ax_place_key(at, key);
	size_t n = json_array_size(v);

	*out = ax_calloc(n + 1, sizeof(char *));
	if (v && !json_is_array(v))
		return ax_place_error(err, &here, 0,
				      "\"%s\" must be a list of strings", key);
	for (size_t i = 0; i < n; i++) {
		const char *s = json_string_value(json_array_get(v, i));
		struct ax_place element = ax_place_index(&here, i);

		if (!s)
			return ax_place_error(
				err, &element, 0,
				"\"%s\" must be a list of strings", key);
		(*out)[i] = ax_strdup(s);
	}
	return 0;
}

static int
check_object(const json_t *o, const char *key, const struct ax_place *at,
	     struct ax_err *err)
{
	const json_t *v = json_object_get(o, key);
	struct ax_place here = ax_place_key(at, key);

	if (v && !json_is_object(v))
		return ax_place_error(err, &here, 0,
				      "\"%s\" must be an object, not %s", key,
				      ax_type_name(v));
	return 0;
}

static int
check_name(const char *name, const char *what, const struct ax_place *at,
	   struct ax_err *err)
{
	if (ax_name_ok(name))
		return 0;
	return ax_place_error(err, at, 1,
			      "'%s' is no name for %s: a letter, then letters, "
			      "digits, '_', '-', at most 100",
			      name, what);
}

/* --- the sections of stage.json ----------------------------------------------
 */

static int
read_port(struct ax_port *p, const char *name, const json_t *o, bool output,
	  const struct ax_place *at, struct ax_err *err)
{
	static const char *const in_keys[] = {"type", "required", "many",
					      "summary", NULL};
	static const char *const out_keys[] = {"type",     "file",    "tree",
					       "optional", "summary", NULL};

	p->name = ax_strdup(name);
	if (check_name(name, output ? "an output" : "an input", at, err) < 0)
		return -1;
	if (!json_is_object(o))
		return ax_place_error(err, at, 0, "must be an object, not %s",
				      ax_type_name(o));
	if (ax_check_keys(at, o, output ? out_keys : in_keys,
			  output ? "an output" : "an input", err) < 0 ||
	    need_string(o, "type", &p->type, at, err) < 0 ||
	    get_string(o, "summary", &p->summary, at, err) < 0)
		return -1;
	if (!output)
		return get_bool(o, "required", true, &p->required, at, err) < 0
			       ? -1
			       : get_bool(o, "many", false, &p->many, at, err);
	if (get_bool(o, "tree", false, &p->tree, at, err) < 0 ||
	    get_bool(o, "optional", false, &p->optional, at, err) < 0 ||
	    get_string(o, "file", &p->file, at, err) < 0)
		return -1;
	if (!p->file)
		p->file = ax_strdup(name);
	if (!ax_path_is_inside(p->file)) {
		struct ax_place here = ax_place_key(at, "file");

		return ax_place_error(err, &here, 0,
				      "'%s' is no path below out/", p->file);
	}
	return 0;
}

/* True when one path is the other, or lies in it. */
static bool
overlap(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	if (strncmp(a, b, AX_MIN(n, m)) != 0)
		return false;
	return n == m || (n > m ? a[m] : b[n]) == '/';
}

static int
read_ports(struct ax_stage *s, bool output, const struct ax_place *at,
	   struct ax_err *err)
{
	const char *key = output ? "outputs" : "inputs", *name;
	json_t *all = json_object_get(s->json.root, key), *o;
	struct ax_place here = ax_place_key(at, key);
	struct ax_port *list;
	size_t n = json_object_size(all), i = 0;

	list = ax_calloc(n, sizeof(*list));
	if (output) {
		s->outputs = list;
		s->noutputs = n;
	} else {
		s->inputs = list;
		s->ninputs = n;
	}
	json_object_foreach(all, name, o)
	{
		struct ax_place port = ax_place_key(&here, name);

		if (read_port(&list[i], name, o, output, &port, err) < 0)
			return -1;
		for (size_t k = 0; output && k < i; k++)
			if (overlap(list[k].file, list[i].file))
				return ax_place_error(
					err, &port, 0,
					"outputs '%s' and '%s' would be "
					"written to the same place (%s, %s)",
					list[k].name, name, list[k].file,
					list[i].file);
		i++;
	}
	return 0;
}

static int
read_params(struct ax_stage *s, const struct ax_place *at, struct ax_err *err)
{
	struct ax_place here = ax_place_key(at, "params");
	const char *name;
	json_t *fragment;

	s->params = json_object_get(s->json.root, "params");
	if (!s->params) {
		s->params = json_object();
		json_object_set_new(s->json.root, "params", s->params);
	}
	json_object_foreach(s->params, name, fragment)
	{
		struct ax_place param = ax_place_key(&here, name);

		if (check_name(name, "a parameter", &param, err) < 0 ||
		    ax_schema_check(fragment, &param, name, err) < 0)
			return -1;
	}
	return 0;
}

static int
read_metrics(struct ax_stage *s, const struct ax_place *at, struct ax_err *err)
{
	static const char *const keys[] = {"unit", "summary", NULL};
	struct ax_place here = ax_place_key(at, "metrics");
	const char *name;
	json_t *o;

	s->metrics = json_object_get(s->json.root, "metrics");
	json_object_foreach(s->metrics, name, o)
	{
		struct ax_place m = ax_place_key(&here, name);

		if (!json_is_object(o))
			return ax_place_error(err, &m, 0,
					      "must be an object, not %s",
					      ax_type_name(o));
		if (ax_check_keys(&m, o, keys, "a metric", err) < 0)
			return -1;
		/* a number without a unit says so with "" */
		for (size_t i = 0; keys[i]; i++) {
			const json_t *v = json_object_get(o, keys[i]);
			struct ax_place text = ax_place_key(&m, keys[i]);

			if (v && !json_is_string(v))
				return ax_place_error(err, &text, 0,
						      "\"%s\" must be a string",
						      keys[i]);
		}
	}
	return 0;
}

static int
read_tools(struct ax_stage *s, const struct ax_place *at, struct ax_err *err)
{
	static const char *const keys[] = {"program", "version", "files",
					   "reads",   "package", NULL};
	json_t *all = json_object_get(s->json.root, "tools"), *o;
	struct ax_place here = ax_place_key(at, "tools");
	const char *name;

	s->tools = ax_calloc(json_object_size(all), sizeof(*s->tools));
	json_object_foreach(all, name, o)
	{
		struct ax_tool *t = &s->tools[s->ntools++];
		struct ax_place tool = ax_place_key(&here, name);

		t->name = ax_strdup(name);
		if (check_name(name, "a tool", &tool, err) < 0)
			return -1;
		if (!json_is_object(o))
			return ax_place_error(err, &tool, 0,
					      "must be an object, not %s",
					      ax_type_name(o));
		if (ax_check_keys(&tool, o, keys, "a tool", err) < 0 ||
		    need_string(o, "program", &t->program, &tool, err) < 0 ||
		    get_string(o, "package", &t->package, &tool, err) < 0 ||
		    get_list(o, "version", &t->version, &tool, err) < 0 ||
		    get_list(o, "files", &t->files, &tool, err) < 0 ||
		    get_list(o, "reads", &t->reads, &tool, err) < 0)
			return -1;
	}
	return 0;
}

int
ax_resources_read(const json_t *o, struct ax_resources *r,
		  const struct ax_place *at, struct ax_err *err)
{
	static const char *const keys[] = {"cpus", "memory",  "timeout",
					   "grow", "retries", NULL};
	const json_t *v;
	struct ax_place here;

	if (!o)
		return 0;
	if (!json_is_object(o))
		return ax_place_error(err, at, 0,
				      "\"resources\" must be an object, not %s",
				      ax_type_name(o));
	if (ax_check_keys(at, o, keys, "\"resources\"", err) < 0)
		return -1;
	v = json_object_get(o, "cpus");
	here = ax_place_key(at, "cpus");
	if (v && (!json_is_integer(v) || json_integer_value(v) < 0 ||
		  json_integer_value(v) > MAX_CPUS))
		return ax_place_error(
			err, &here, 0,
			"\"cpus\" must be an integer from 0 (all) to %d",
			MAX_CPUS);
	if (v)
		r->cpus = (unsigned)json_integer_value(v);
	v = json_object_get(o, "timeout");
	here = ax_place_key(at, "timeout");
	if (v && !(json_is_number(v) && json_number_value(v) >= 0 &&
		   json_number_value(v) <= 1e9))
		return ax_place_error(
			err, &here, 0,
			"\"timeout\" must be a number of seconds (0: none)");
	if (v)
		r->timeout = json_number_value(v);
	v = json_object_get(o, "memory");
	here = ax_place_key(at, "memory");
	if (json_is_integer(v) && json_integer_value(v) >= 0)
		r->memory = (uint64_t)json_integer_value(v);
	else if (v && (!json_is_string(v) ||
		       ax_memory_parse(&r->memory, json_string_value(v)) < 0))
		return ax_place_error(err, &here, 0,
				      "\"memory\" must be a size such as \"512 "
				      "MiB\" or \"2 GiB\"");
	v = json_object_get(o, "grow");
	here = ax_place_key(at, "grow");
	if (v && !(json_is_number(v) && json_number_value(v) >= 1 &&
		   json_number_value(v) <= 16))
		return ax_place_error(err, &here, 0,
				      "\"grow\" must be a factor from 1 (no "
				      "second try) to 16");
	if (v)
		r->grow = json_number_value(v);
	v = json_object_get(o, "retries");
	here = ax_place_key(at, "retries");
	if (v && (!json_is_integer(v) || json_integer_value(v) < 0 ||
		  json_integer_value(v) > 10))
		return ax_place_error(err, &here, 0,
				      "\"retries\" must be an integer from 0 "
				      "to 10");
	if (v)
		r->retries = (unsigned)json_integer_value(v);
	return 0;
}

static int
check_env(const struct ax_stage *s, const struct ax_place *at,
	  struct ax_err *err)
{
	struct ax_place here = ax_place_key(at, "env");

	for (size_t i = 0; s->env[i]; i++) {
		struct ax_place element = ax_place_index(&here, i);
		const char *p = s->env[i];

		if (isdigit((unsigned char)*p) || !*p)
			p = "=";
		while (isalnum((unsigned char)*p) || *p == '_')
			p++;
		if (*p)
			return ax_place_error(
				err, &element, 0,
				"'%s' is no name of an environment variable",
				s->env[i]);
	}
	return 0;
}

static int
check_text(const json_t *root, const struct ax_place *at, struct ax_err *err)
{
	const json_t *v = json_object_get(root, "description");
	struct ax_place here = ax_place_key(at, "description");
	bool good = !v || json_is_string(v) || json_is_array(v);

	for (size_t i = 0; i < json_array_size(v); i++)
		good = good && json_is_string(json_array_get(v, i));
	if (!good)
		return ax_place_error(err, &here, 0,
				      "\"description\" must be a string or a "
				      "list of strings");
	return 0;
}

static int
check_command(struct ax_stage *s, const struct ax_place *at, struct ax_err *err)
{
	struct ax_place here = ax_place_key(at, "command");

	if (!json_object_get(s->json.root, "command")) {
		free(s->command);
		s->command = ax_calloc(2, sizeof(char *));
		s->command[0] = ax_strdup("./run");
	}
	if (!s->command[0] || !*s->command[0])
		return ax_place_error(err, &here, 0,
				      "\"command\" must start with a program");
	return 0;
}

static int
read_stage(struct ax_stage *s, struct ax_err *err)
{
	struct ax_resources want = {1, 0, 0, 1, 2};
	static const char *const keys[] = {
		"name",          "version",   "summary", "description",
		"command",       "inputs",    "outputs", "params",
		"metrics",       "tools",     "env",     "resources",
		"deterministic", "resumable", NULL};
	static const char *const objects[] = {"inputs", "outputs", "params",
					      "metrics", "tools"};
	struct ax_place at = ax_place_root(&s->json), here;
	json_t *root = s->json.root, *v;

	if (!json_is_object(root))
		return ax_place_error(err, &at, 0,
				      "a stage must be an object, not %s",
				      ax_type_name(root));
	ax_strip_comments(root);
	if (ax_check_keys(&at, root, keys, "stage.json", err) < 0)
		return -1;
	for (size_t i = 0; i < AX_LEN(objects); i++)
		if (check_object(root, objects[i], &at, err) < 0)
			return -1;
	if (need_string(root, "name", &s->name, &at, err) < 0 ||
	    need_string(root, "summary", &s->summary, &at, err) < 0 ||
	    check_text(root, &at, err) < 0)
		return -1;
	here = ax_place_key(&at, "name");
	if (check_name(s->name, "a stage", &here, err) < 0)
		return -1;
	v = json_object_get(root, "version");
	here = ax_place_key(&at, "version");
	if (!json_is_integer(v) || json_integer_value(v) < 1 ||
	    json_integer_value(v) > INT_MAX)
		return ax_place_error(err, &here, 0,
				      "\"version\" must be an integer from 1");
	s->version = (int)json_integer_value(v);
	here = ax_place_key(&at, "resources");
	if (get_list(root, "command", &s->command, &at, err) < 0 ||
	    check_command(s, &at, err) < 0 ||
	    get_list(root, "env", &s->env, &at, err) < 0 ||
	    check_env(s, &at, err) < 0 ||
	    get_bool(root, "deterministic", true, &s->deterministic, &at, err) <
		    0 ||
	    get_bool(root, "resumable", false, &s->resumable, &at, err) < 0 ||
	    ax_resources_read(json_object_get(root, "resources"), &want, &here,
			      err) < 0)
		return -1;
	s->cpus = want.cpus;
	s->memory = want.memory;
	s->timeout = want.timeout;
	s->grow = want.grow;
	s->retries = want.retries;
	if (read_ports(s, false, &at, err) < 0 ||
	    read_ports(s, true, &at, err) < 0 || read_params(s, &at, err) < 0 ||
	    read_metrics(s, &at, err) < 0)
		return -1;
	return read_tools(s, &at, err);
}

/* --- lists of strings, freeing
 * ------------------------------------------------ */

static void
free_strings(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

static void
free_ports(struct ax_port *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].name);
		free(list[i].type);
		free(list[i].summary);
		free(list[i].file);
	}
	free(list);
}

static void
free_stage(struct ax_stage *s)
{
	free_ports(s->inputs, s->ninputs);
	free_ports(s->outputs, s->noutputs);
	for (size_t i = 0; i < s->ntools; i++) {
		free(s->tools[i].name);
		free(s->tools[i].program);
		free(s->tools[i].package);
		free_strings(s->tools[i].version);
		free_strings(s->tools[i].files);
		free_strings(s->tools[i].reads);
	}
	free(s->tools);
	free_strings(s->command);
	free_strings(s->env);
	free(s->name);
	free(s->summary);
	free(s->dir);
	ax_json_free(&s->json);
	free(s);
}

/* --- the search path
 * ------------------------------------------------------------ */

/* `first`: how many stages were known before this folder of the path; those
 * hide later ones of their name, while two within it are an error. */
static int
add_stage(struct ax_stages *all, size_t first, const char *dir, bool builtin,
	  struct ax_err *err)
{
	struct ax_stage *s = ax_calloc(1, sizeof(*s)), *twin;
	char *path = ax_join(dir, "stage.json"), *real;
	int rc;

	rc = ax_json_load(&s->json, path, err);
	free(path);
	if (rc == 0)
		rc = read_stage(s, err);
	if (rc < 0) {
		free_stage(s);
		return -1;
	}
	real = realpath(dir, NULL);
	s->dir = ax_strdup(real ? real : dir);
	free(real);
	s->builtin = builtin;
	twin = ax_map_get(&all->by_name, s->name);
	if (twin) {
		for (size_t i = first; i < all->n && rc == 0; i++) {
			if (all->list[i] != twin)
				continue;
			rc = ax_json_error(err, &s->json, "/name", 0,
					   "a stage named '%s' is also in %s",
					   s->name, twin->dir);
		}
		free_stage(s);
		return rc;
	}
	all->list = ax_realloc(all->list, all->n + 1, sizeof(*all->list));
	all->list[all->n++] = s;
	ax_map_set(&all->by_name, s->name, s);
	return 0;
}

static int
search(struct ax_stages *all, size_t first, const char *dir, int depth,
       bool builtin, struct ax_err *err)
{
	char *file = ax_join(dir, "stage.json"), **names;
	bool is_stage = ax_is_file(file);
	size_t n;
	int rc = 0;

	free(file);
	if (is_stage)
		return add_stage(all, first, dir, builtin, err);
	if (depth == MAX_DEPTH)
		return 0;
	if (ax_list_dir(&names, &n, dir, MAX_ENTRIES, err) < 0)
		return -1;
	for (size_t i = 0; i < n && rc == 0; i++) {
		char *sub = ax_join(dir, names[i]);

		if (names[i][0] != '.' && ax_is_dir(sub))
			rc = search(all, first, sub, depth + 1, builtin, err);
		free(sub);
	}
	ax_free_list(names, n);
	return rc;
}

static void
note_root(struct ax_stages *all, const char *dir)
{
	all->roots = ax_realloc(all->roots, all->nroots + 1, sizeof(char *));
	all->roots[all->nroots++] = ax_strdup(dir);
}

static int
search_given(struct ax_stages *all, const char *dir, const char *from,
	     struct ax_err *err)
{
	if (!ax_is_dir(dir))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "folder of stages %s (%s) does not exist",
				  dir, from);
	note_root(all, dir);
	if (search(all, all->n, dir, 0, false, err) < 0) {
		if (err && !err->exit)
			err->exit = AX_EXIT_USAGE;
		return -1;
	}
	return 0;
}

/* The folder of the stages that come with the program, or NULL. */
static char *
builtin_dir(void)
{
	static const char *const places[] = {"stages", "../lib/axpipe/stages"};
	char exe[PATH_MAX], *dir, *path;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n > 0) {
		exe[n] = '\0';
		dir = ax_dirname(exe);
		for (size_t i = 0; i < AX_LEN(places); i++) {
			path = ax_join(dir, places[i]);
			if (ax_is_dir(path)) {
				free(dir);
				return path;
			}
			free(path);
		}
		free(dir);
	}
	path = ax_strdup(AXPIPE_PREFIX "/lib/axpipe/stages");
	if (ax_is_dir(path))
		return path;
	free(path);
	return NULL;
}

static int
by_name(const void *a, const void *b)
{
	const struct ax_stage *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

int
ax_stages_load(struct ax_stages *out, const char *const *dirs, size_t ndirs,
	       struct ax_err *err)
{
	const char *env = getenv("AXPIPE_STAGES");
	char *dir;
	size_t len;
	int rc;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < ndirs; i++)
		if (search_given(out, dirs[i], "--stages", err) < 0)
			return -1;
	for (; env && *env; env += len + (env[len] == ':')) {
		len = strcspn(env, ":");
		if (!len)
			continue;
		dir = ax_strndup(env, len);
		rc = search_given(out, dir, "AXPIPE_STAGES", err);
		free(dir);
		if (rc < 0)
			return -1;
	}
	dir = builtin_dir();
	if (dir)
		note_root(out, dir);
	rc = dir ? search(out, out->n, dir, 0, true, err) : 0;
	free(dir);
	if (rc == 0 && out->n)
		qsort(out->list, out->n, sizeof(*out->list), by_name);
	return rc;
}

void
ax_stages_free(struct ax_stages *s)
{
	for (size_t i = 0; i < s->n; i++)
		free_stage(s->list[i]);
	for (size_t i = 0; i < s->nroots; i++)
		free(s->roots[i]);
	free(s->roots);
	free(s->list);
	ax_map_free(&s->by_name);
	memset(s, 0, sizeof(*s));
}

const struct ax_stage *
ax_stages_find(const struct ax_stages *s, const char *name)
{
	return ax_map_get(&s->by_name, name);
}

static const struct ax_port *
find_port(const struct ax_port *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

const struct ax_port *
ax_stage_input(const struct ax_stage *s, const char *name)
{
	return find_port(s->inputs, s->ninputs, name);
}

const struct ax_port *
ax_stage_output(const struct ax_stage *s, const char *name)
{
	return find_port(s->outputs, s->noutputs, name);
}
