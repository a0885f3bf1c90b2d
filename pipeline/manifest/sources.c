/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of "inputs": files, addresses, repositories. */
#include <ctype.h>

#include "artifacts/base/io.h"
#include "pipeline/manifest/expand.h"
#include "pipeline/manifest/subst.h"

#define MAX_PATH_TEXT 4000

struct reading {
	struct ax_source *s;
	const json_t *o;
	const struct ax_place *at;
	struct ax_arena *arena;
	struct ax_err *err;
};

static int
take_string(const struct reading *r, const char *key, bool required, char **out)
{
	const json_t *v = json_object_get(r->o, key);
	struct ax_place here = ax_place_key(r->at, key);
	const char *text = json_string_value(v);

	*out = NULL;
	if (!v && !required)
		return 0;
	if (!v)
		return ax_place_error(r->err, r->at, 0, "\"%s\" is missing",
				      key);
	if (!text || strlen(text) != json_string_length(v) ||
	    strlen(text) > MAX_PATH_TEXT)
		return ax_place_error(
			r->err, &here, 0, "\"%s\" must be a string, not %s",
			key, text ? "one of that length" : ax_type_name(v));
	*out = ax_arena_str(r->arena, text);
	return 0;
}

static int
take_digest(const struct reading *r)
{
	struct ax_place here = ax_place_key(r->at, "sha256");
	char *hex;

	if (take_string(r, "sha256", r->s->kind == AX_SOURCE_URL, &hex) < 0)
		return -1;
	if (!hex)
		return 0;
	for (char *p = hex; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (ax_unhex(&r->s->sha256, hex) < 0)
		return ax_place_error(r->err, &here, 0,
				      "\"sha256\" must be 64 hex digits");
	r->s->pinned = true;
	return 0;
}

/* A path as the manifest's reader sees it: beside the file that names it. */
static int
take_file(const struct reading *r, const char *file)
{
	struct ax_place here = ax_place_key(r->at, "file");
	char *path, *dir, *full;

	if (take_string(r, "file", true, &path) < 0)
		return -1;
	if (!*path)
		return ax_place_error(r->err, &here, 0, "\"file\" is empty");
	if (path[0] != '/' && strchr(file, '/')) {
		dir = ax_dirname(file);
		full = ax_join(dir, path);
		path = ax_arena_str(r->arena, full);
		free(full);
		free(dir);
	}
	r->s->path = path;
	return 0;
}

static int
check_address(const struct reading *r, const char *key, const char *url,
	      const char *const *schemes, const char *list)
{
	struct ax_place here = ax_place_key(r->at, key);

	for (const char *p = url; *p; p++)
		if ((unsigned char)*p <= ' ')
			return ax_place_error(r->err, &here, 0,
					      "an address holds no blanks");
	for (; *schemes; schemes++)
		if (ax_starts(url, *schemes) && url[strlen(*schemes)])
			return 0;
	return ax_place_error(r->err, &here, 0,
			      "\"%s\" must be an address that starts with %s",
			      key, list);
}

static int
take_url(const struct reading *r)
{
	static const char *const schemes[] = {"https://", "http://", "file://",
					      NULL};
	const json_t *v;
	struct ax_place here;

	if (take_string(r, "url", true, &r->s->url) < 0 ||
	    check_address(r, "url", r->s->url, schemes,
			  "https://, http:// or file://") < 0 ||
	    take_string(r, "member", false, &r->s->member) < 0)
		return -1;
	v = json_object_get(r->o, "decompress");
	here = ax_place_key(r->at, "decompress");
	if (v && !json_is_boolean(v))
		return ax_place_error(r->err, &here, 0,
				      "\"decompress\" must be true or false");
	r->s->decompress = json_is_true(v);
	here = ax_place_key(r->at, "member");
	if (r->s->member && *r->s->member && r->s->decompress)
		return ax_place_error(
			r->err, &here, 0,
			"\"decompress\" is for a single compressed file: "
			"\"member\" must be \"\"");
	if (r->s->member && !*r->s->member && !r->s->decompress)
		return ax_place_error(r->err, &here, 0,
				      "\"member\" is empty; for a compressed "
				      "single file add \"decompress\": true");
	if (r->s->member && *r->s->member && !ax_path_is_inside(r->s->member))
		return ax_place_error(r->err, &here, 0,
				      "\"member\" must be a path that stays "
				      "inside the archive");
	v = json_object_get(r->o, "size");
	here = ax_place_key(r->at, "size");
	if (v && (!json_is_integer(v) || json_integer_value(v) < 1))
		return ax_place_error(
			r->err, &here, 0,
			"\"size\" must be a positive number of bytes");
	r->s->size = v ? (uint64_t)json_integer_value(v) : 0;
	return 0;
}

static int
take_git(const struct reading *r)
{
	static const char *const schemes[] = {"https://", "http://", "ssh://",
					      "git://",   "file://", NULL};
	struct ax_place here = ax_place_key(r->at, "rev");
	size_t n;

	if (take_string(r, "git", true, &r->s->url) < 0 ||
	    check_address(r, "git", r->s->url, schemes,
			  "https://, ssh://, git:// or file://") < 0 ||
	    take_string(r, "rev", true, &r->s->rev) < 0 ||
	    take_string(r, "path", true, &r->s->path) < 0)
		return -1;
	n = strspn(r->s->rev, "0123456789abcdef");
	if (n != 40 || r->s->rev[n])
		return ax_place_error(
			r->err, &here, 0,
			"\"rev\" must be a whole commit, 40 lower-case hex "
			"digits: branches and tags move");
	here = ax_place_key(r->at, "path");
	if (!ax_path_is_inside(r->s->path))
		return ax_place_error(r->err, &here, 0,
				      "\"path\" must be a path that stays "
				      "inside the repository");
	return 0;
}

static int
read_source(const struct reading *r, const char *file)
{
	static const char *const file_keys[] = {"file", "sha256", "matrix",
						NULL};
	static const char *const url_keys[] = {"url",    "sha256",     "size",
					       "member", "decompress", "matrix",
					       NULL};
	static const char *const git_keys[] = {"git",    "rev",    "path",
					       "sha256", "matrix", NULL};
	bool is_file = json_object_get(r->o, "file") != NULL;
	bool is_url = json_object_get(r->o, "url") != NULL;
	bool is_git = json_object_get(r->o, "git") != NULL;

	if (is_file + is_url + is_git != 1)
		return ax_place_error(r->err, r->at, 0,
				      "an input must have exactly one of "
				      "\"file\", \"url\" and \"git\"");
	r->s->kind = is_file  ? AX_SOURCE_FILE
		     : is_url ? AX_SOURCE_URL
			      : AX_SOURCE_GIT;
	if (ax_check_keys(r->at, r->o,
			  is_file  ? file_keys
			  : is_url ? url_keys
				   : git_keys,
			  "this input", r->err) < 0)
		return -1;
	if ((is_file  ? take_file(r, file)
	     : is_url ? take_url(r)
		      : take_git(r)) < 0)
		return -1;
	return take_digest(r);
}

static int
add_source(struct ax_graph *g, struct ax_entry *e, size_t at,
	   const struct ax_manifest *m, struct ax_err *err)
{
	struct ax_arena *arena = &g->index->arena;
	struct ax_source *s = ax_arena_new(arena, 1, sizeof(*s));
	struct ax_scope scope = {NULL, m->vars, false, NULL};
	struct ax_str name = AX_STR_INIT;
	struct reading r = {s, NULL, &e->place, arena, err};
	json_t *plain, *done;
	int rc;

	s->coords = ax_point_json(&e->points[at]);
	e->sources[at] = s;
	ax_point_name(&name, e->name, &e->points[at]);
	s->name = ax_arena_str(arena, name.buf);
	ax_str_free(&name);
	s->entry = (char *)e->name;
	s->file = e->place.file;
	s->pointer = e->pointer;
	s->index = g->nsources;
	s->point = at;
	g->sources[g->nsources++] = s;
	ax_map_set(&g->source_by_name, s->name, s);
	/* the matrix has been read, and knows no coordinates */
	plain = json_copy(e->json);
	json_object_del(plain, "matrix");
	scope.coords = s->coords;
	rc = ax_subst(&done, plain, &scope, &e->place, err);
	json_decref(plain);
	if (rc < 0)
		return -1;
	r.o = done;
	rc = read_source(&r, e->place.file->name);
	json_decref(done);
	return rc;
}

int
ax_expand_input(struct ax_graph *g, struct ax_entry *e,
		const struct ax_manifest *m, struct ax_err *err)
{
	struct ax_arena *arena = &g->index->arena;

	if (ax_expand_matrix(e, m, arena, err) < 0)
		return -1;
	ax_entry_coords(e, arena);
	e->sources = ax_arena_new(arena, e->n, sizeof(*e->sources));
	g->sources =
		ax_realloc(g->sources, g->nsources + e->n, sizeof(*g->sources));
	for (size_t i = 0; i < e->n; i++)
		if (add_source(g, e, i, m, err) < 0)
			return -1;
	return 0;
}
