/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/manifest/subst.h"

#include "pipeline/manifest/graph.h"

#define MAX_STRING ((size_t)64 << 10)
#define MAX_NAME 100

bool
ax_subst_needed(const json_t *value)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_string(value))
		return strstr(json_string_value(value), "${") != NULL;
	if (json_is_object(value)) {
		json_object_foreach((json_t *)value, key,
				    member) if (ax_subst_needed(member) ||
						strcmp(key, "$by") ==
							0) return true;
	} else if (json_is_array(value)) {
		json_array_foreach(
			(json_t *)value, i,
			member) if (ax_subst_needed(member)) return true;
	}
	return false;
}

/* Takes "${name}" at p apart: 0, or -1 when it is no such thing; *after is
 * set on success only. */
static int
take_name(const char *p, char *name, const char **after)
{
	const char *end = strchr(p + 2, '}');
	size_t n = end ? (size_t)(end - p - 2) : 0;

	if (!end || !n || n > MAX_NAME)
		return -1;
	memcpy(name, p + 2, n);
	name[n] = '\0';
	if (!ax_name_ok(name))
		return -1;
	*after = end + 1;
	return 0;
}

static bool
escaped(const char *text, const char *p)
{
	return p > text && p[-1] == '$';
}

int
ax_subst_names(const json_t *value, int (*fn)(void *arg, const char *name),
	       void *arg)
{
	const char *key, *p, *text;
	char name[MAX_NAME + 1];
	json_t *member;
	size_t i;
	int rc = 0;

	if (json_is_string(value)) {
		text = json_string_value(value);
		for (p = text; rc == 0 && (p = strstr(p, "${"));) {
			if (escaped(text, p) || take_name(p, name, &p) < 0)
				p += 2;
			else
				rc = fn(arg, name);
		}
	} else if (json_is_object(value)) {
		json_object_foreach((json_t *)value, key, member)
		{
			if (strcmp(key, "$by") == 0 && json_is_string(member))
				rc = fn(arg, json_string_value(member));
			if (rc == 0)
				rc = ax_subst_names(member, fn, arg);
			if (rc)
				return rc;
		}
	} else if (json_is_array(value)) {
		json_array_foreach(
			(json_t *)value, i,
			member) if ((rc = ax_subst_names(member, fn,
							 arg))) return rc;
	}
	return rc;
}

static json_t *
look_up(const struct ax_scope *s, const char *name)
{
	json_t *v = s->coords ? json_object_get(s->coords, name) : NULL;

	if (v || !s->vars || (s->hidden && json_object_get(s->hidden, name)))
		return v;
	return json_object_get(s->vars, name);
}

static int
unknown(const struct ax_scope *s, const char *name, const struct ax_place *at,
	struct ax_err *err)
{
	size_t ncoords, nvars;
	const char **coords = ax_object_keys(s->coords, &ncoords);
	const char **vars = ax_object_keys(s->vars, &nvars);
	const char **all = ax_calloc(ncoords + nvars, sizeof(*all));
	char *hint;

	if (ncoords)
		memcpy(all, coords, ncoords * sizeof(*all));
	if (nvars)
		memcpy(all + ncoords, vars, nvars * sizeof(*all));
	hint = ax_suggest(name, all, ncoords + nvars, "there are");
	ax_place_error(err, at, 0,
		       "'%s' is neither a coordinate here nor a variable%s",
		       name, hint);
	free(hint);
	free(all);
	free(coords);
	free(vars);
	return -1;
}

static void
add_escaped(struct ax_str *s, const char *text)
{
	const char *p;

	for (; (p = strstr(text, "${")); text = p + 2) {
		ax_str_addn(s, text, (size_t)(p - text));
		ax_str_add(s, "$${");
	}
	ax_str_add(s, text);
}

json_t *
ax_subst_escape(json_t *value)
{
	struct ax_str s = AX_STR_INIT;
	json_t *out, *member;
	const char *key;
	size_t i;

	if (!ax_subst_needed(value))
		return json_incref(value);
	if (json_is_string(value)) {
		add_escaped(&s, json_string_value(value));
		out = json_stringn_nocheck(s.buf ? s.buf : "", s.len);
		ax_str_free(&s);
	} else if (json_is_object(value)) {
		out = json_object();
		json_object_foreach(value, key, member)
			json_object_set_new_nocheck(out, key,
						    ax_subst_escape(member));
	} else {
		out = json_array();
		json_array_foreach(value, i, member)
			json_array_append_new(out, ax_subst_escape(member));
	}
	return out;
}

/* The text of ${name} inside a longer string. */
static int
add_spelled(struct ax_str *done, const json_t *v, const char *name,
	    const struct ax_scope *s, const struct ax_place *at,
	    struct ax_err *err)
{
	struct ax_str spelled = AX_STR_INIT;

	if (json_is_object(v) || json_is_array(v) || json_is_null(v))
		return ax_place_error(
			err, at, 0,
			"${%s} is %s and cannot stand inside a longer string",
			name, ax_type_name(v));
	ax_coord_spell(&spelled, v);
	if (s->partial)
		add_escaped(done, spelled.buf ? spelled.buf : "");
	else
		ax_str_add(done, spelled.buf ? spelled.buf : "");
	ax_str_free(&spelled);
	return 0;
}

static int
build_string(struct ax_str *done, const char *text, const struct ax_scope *s,
	     const struct ax_place *at, struct ax_err *err)
{
	const char *from = text, *p = text, *after;
	char name[MAX_NAME + 1];
	json_t *v;

	while ((p = strstr(p, "${"))) {
		if (escaped(text, p)) {
			ax_str_addn(done, from, (size_t)(p - 1 - from));
			ax_str_add(done, s->partial ? "$${" : "${");
			from = p = p + 2;
			continue;
		}
		if (take_name(p, name, &after) < 0)
			return ax_place_error(err, at, 0,
					      "'%.40s' is no ${name}; write "
					      "$${ for a literal ${",
					      p);
		v = look_up(s, name);
		if (!v && !s->partial)
			return unknown(s, name, at, err);
		if (v) {
			ax_str_addn(done, from, (size_t)(p - from));
			if (add_spelled(done, v, name, s, at, err) < 0)
				return -1;
			from = after;
		}
		p = after;
	}
	ax_str_add(done, from);
	if (!done->over)
		return 0;
	return ax_place_error(
		err, at, 0, "this string grows over %zu bytes by substitution",
		MAX_STRING);
}

static int
subst_string(json_t **out, json_t *value, const struct ax_scope *s,
	     const struct ax_place *at, struct ax_err *err)
{
	struct ax_str done = {NULL, 0, 0, MAX_STRING, false};
	const char *text = json_string_value(value), *after;
	char name[MAX_NAME + 1];
	json_t *v;
	int rc;

	/* "${x}" and nothing else has the type of x */
	if (ax_starts(text, "${") && take_name(text, name, &after) == 0 &&
	    !*after) {
		v = look_up(s, name);
		if (!v && !s->partial)
			return unknown(s, name, at, err);
		if (!v)
			*out = json_incref(value);
		else
			*out = s->partial ? ax_subst_escape(v) : json_incref(v);
		return 0;
	}
	rc = build_string(&done, text, s, at, err);
	if (rc == 0)
		*out = json_stringn_nocheck(done.buf ? done.buf : "", done.len);
	ax_str_free(&done);
	return rc;
}

/* "0.0010" and "1e-3" mean the coordinate that is spelled "0.001". */
static json_t *
find_number(const json_t *options, const char *spelled)
{
	struct ax_str s = AX_STR_INIT;
	json_t *member, *found = NULL;
	const char *key;
	char *end;
	double d;

	json_object_foreach((json_t *)options, key, member)
	{
		d = strtod(key, &end);
		if (end == key || *end)
			continue;
		ax_str_clear(&s);
		ax_str_add_num(&s, d);
		if (strcmp(s.buf, spelled) == 0)
			found = member;
	}
	ax_str_free(&s);
	return found;
}

static int
subst_by(json_t **out, json_t *value, const struct ax_scope *s,
	 const struct ax_place *at, struct ax_err *err)
{
	const char *name = json_string_value(json_object_get(value, "$by"));
	struct ax_place here = ax_place_key(at, "$by");
	struct ax_str spelled = AX_STR_INIT;
	json_t *v, *chosen, *member, *done;
	const char *key, **keys;
	char *hint;
	size_t n;
	int rc;

	if (!name || !ax_name_ok(name))
		return ax_place_error(
			err, &here, 0,
			"\"$by\" must be the name of a coordinate or variable");
	v = look_up(s, name);
	if (!v && s->partial) {
		*out = json_object();
		json_object_foreach(value, key, member)
		{
			here = ax_place_key(at, key);
			if (ax_subst(&done, member, s, &here, err) < 0) {
				json_decref(*out);
				*out = NULL;
				return -1;
			}
			json_object_set_new_nocheck(*out, key, done);
		}
		return 0;
	}
	if (!v)
		return unknown(s, name, &here, err);
	if (json_is_object(v) || json_is_array(v) || json_is_null(v))
		return ax_place_error(
			err, &here, 0,
			"\"$by\" cannot choose by '%s', which is %s", name,
			ax_type_name(v));
	ax_coord_spell(&spelled, v);
	key = spelled.buf ? spelled.buf : "";
	chosen = strcmp(key, "$by") ? json_object_get(value, key) : NULL;
	if (!chosen)
		chosen = find_number(value, key);
	if (!chosen)
		chosen = json_object_get(value, key = "*");
	if (chosen) {
		here = ax_place_key(at, key);
		rc = ax_subst(out, chosen, s, &here, err);
	} else {
		keys = ax_object_keys(value, &n);
		for (size_t i = 0; i < n; i++)
			if (strcmp(keys[i], "$by") == 0)
				keys[i] = keys[--n];
		hint = ax_suggest(spelled.buf ? spelled.buf : "", keys, n,
				  "it has");
		rc = ax_place_error(err, at, 0,
				    "no value for %s=%s here, and no \"*\"%s",
				    name, spelled.buf ? spelled.buf : "", hint);
		free(hint);
		free(keys);
	}
	ax_str_free(&spelled);
	return rc;
}

static int
subst_members(json_t **out, json_t *value, const struct ax_scope *s,
	      const struct ax_place *at, struct ax_err *err)
{
	json_t *copy, *member, *done;
	struct ax_place here;
	const char *key;
	size_t i;

	copy = json_copy(value);
	if (json_is_object(value)) {
		json_object_foreach(value, key, member)
		{
			here = ax_place_key(at, key);
			if (ax_subst(&done, member, s, &here, err) < 0)
				goto fail;
			json_object_set_new_nocheck(copy, key, done);
		}
	} else {
		json_array_foreach(value, i, member)
		{
			here = ax_place_index(at, i);
			if (ax_subst(&done, member, s, &here, err) < 0)
				goto fail;
			json_array_set_new(copy, i, done);
		}
	}
	*out = copy;
	return 0;
fail:
	json_decref(copy);
	return -1;
}

int
ax_subst(json_t **out, json_t *value, const struct ax_scope *scope,
	 const struct ax_place *at, struct ax_err *err)
{
	*out = NULL;
	if (!ax_subst_needed(value)) {
		*out = json_incref(value);
		return 0;
	}
	if (json_is_string(value))
		return subst_string(out, value, scope, at, err);
	if (json_object_get(value, "$by"))
		return subst_by(out, value, scope, at, err);
	return subst_members(out, value, scope, at, err);
}

static int
weigh(const json_t *value, size_t *left, int depth)
{
	const char *key;
	json_t *member;
	size_t i;

	if (!*left || depth < 0)
		return -1;
	--*left;
	if (json_is_object(value)) {
		json_object_foreach((json_t *)value, key,
				    member) if (weigh(member, left, depth - 1) <
						0) return -1;
	} else if (json_is_array(value)) {
		json_array_foreach((json_t *)value, i,
				   member) if (weigh(member, left, depth - 1) <
					       0) return -1;
	}
	return 0;
}

int
ax_json_weigh(const json_t *value, size_t nodes, int depth)
{
	return weigh(value, &nodes, depth);
}

int
ax_subst_point(json_t **out, json_t *value, const json_t *coords,
	       struct ax_err *err)
{
	struct ax_scope scope = {coords, NULL, false, NULL};
	struct ax_place nowhere = ax_place_root(NULL);

	return ax_subst(out, value, &scope, &nowhere, err);
}
