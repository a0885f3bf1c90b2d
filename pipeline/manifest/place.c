/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/manifest/place.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>

struct ax_place
ax_place_root(const struct ax_json *file)
{
	struct ax_place at = {NULL, file, NULL, 0};

	return at;
}

struct ax_place
ax_place_key(const struct ax_place *up, const char *key)
{
	struct ax_place at = {up, up->file, key, 0};

	return at;
}

struct ax_place
ax_place_index(const struct ax_place *up, size_t index)
{
	struct ax_place at = {up, up->file, NULL, index};

	return at;
}

char *
ax_place_pointer(const struct ax_place *at)
{
	char *base, *full;

	if (!at->up)
		return ax_strdup("");
	base = ax_place_pointer(at->up);
	full = at->key ? ax_pointer(base, at->key)
		       : ax_pointer_i(base, at->index);
	free(base);
	return full;
}

int
ax_place_error(struct ax_err *err, const struct ax_place *at, int key,
	       const char *fmt, ...)
{
	char *pointer, text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!at->file)
		return ax_err_set(err, AX_EXIT_USAGE, "%s", text);
	pointer = ax_place_pointer(at);
	ax_json_error(err, at->file, pointer, key, "%s", text);
	free(pointer);
	return -1;
}

char *
ax_suggest(const char *word, const char *const *names, size_t n,
	   const char *has)
{
	const char *near = ax_nearest(word, names, n);
	struct ax_str s = AX_STR_INIT;

	if (near)
		return ax_asprintf("; did you mean '%s'?", near);
	if (!n)
		return ax_strdup("");
	ax_str_addf(&s, "; %s ", has);
	for (size_t i = 0; i < n && i < AX_LIST_MAX; i++)
		ax_str_addf(&s, "%s%s", i ? ", " : "", names[i]);
	if (n > AX_LIST_MAX)
		ax_str_addf(&s, " and %zu more", n - AX_LIST_MAX);
	return ax_str_take(&s);
}

const char **
ax_object_keys(const json_t *object, size_t *n)
{
	const char **keys = ax_calloc(json_object_size(object), sizeof(*keys));
	json_t *o = (json_t *)object; /* jansson iterates over non-const only */

	*n = 0;
	for (void *it = json_object_iter(o); it;
	     it = json_object_iter_next(o, it))
		keys[(*n)++] = json_object_iter_key(it);
	return keys;
}

int
ax_check_keys(const struct ax_place *at, const json_t *object,
	      const char *const *keys, const char *what, struct ax_err *err)
{
	struct ax_place member;
	json_t *o = (json_t *)object;
	char *hint;
	size_t n;

	for (void *it = json_object_iter(o); it;
	     it = json_object_iter_next(o, it)) {
		const char *key = json_object_iter_key(it);

		for (n = 0; keys[n]; n++)
			if (strcmp(keys[n], key) == 0)
				break;
		if (keys[n])
			continue;
		hint = ax_suggest(key, keys, n, "it may have");
		member = ax_place_key(at, key);
		ax_place_error(err, &member, 1, "unknown key '%s' in %s%s", key,
			       what, hint);
		free(hint);
		return -1;
	}
	return 0;
}

bool
ax_name_ok(const char *name)
{
	size_t n = 0;

	if (!isalpha((unsigned char)name[0]))
		return false;
	for (; name[n]; n++)
		if (!isalnum((unsigned char)name[n]) && name[n] != '_' &&
		    name[n] != '-')
			return false;
	return n <= 100;
}

const char *
ax_type_name(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	case JSON_NULL:
	default:
		return "null";
	}
}

void
ax_strip_comments(json_t *value)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_object(value)) {
		json_object_del(value, "//");
		json_object_foreach(value, key, member)
			ax_strip_comments(member);
	} else if (json_is_array(value)) {
		json_array_foreach(value, i, member) ax_strip_comments(member);
	}
}

int
ax_memory_parse(uint64_t *out, const char *text)
{
	static const struct {
		const char *name;
		double factor;
	} units[] = {
		{"", 1},
		{"B", 1},
		{"kB", 1e3},
		{"KB", 1e3},
		{"MB", 1e6},
		{"GB", 1e9},
		{"TB", 1e12},
		{"KiB", 1024.},
		{"MiB", 1048576.},
		{"GiB", 1073741824.},
		{"TiB", 1099511627776.},
		{"K", 1024.},
		{"M", 1048576.},
		{"G", 1073741824.},
	};
	char *end;
	double value;

	if (!isdigit((unsigned char)text[0]))
		return -1;
	value = strtod(text, &end);
	while (*end == ' ')
		end++;
	for (size_t i = 0; i < AX_LEN(units); i++) {
		if (strcmp(end, units[i].name) != 0)
			continue;
		value *= units[i].factor;
		if (!isfinite(value) || value >= 1e18)
			return -1;
		*out = (uint64_t)value;
		return 0;
	}
	return -1;
}
