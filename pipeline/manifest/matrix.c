/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/manifest/matrix.h"

#include "pipeline/manifest/graph.h"

#define MAX_AXES 100
#define MAX_EXCLUDES 10000
#define MAX_VALUE 200

/* One name with its values, spelled once. */
struct axis {
	const char *name;
	struct ax_coord *values;
	size_t n;
};

struct axes {
	struct axis list[MAX_AXES];
	size_t n;
};

void
ax_coord_spell(struct ax_str *s, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		ax_str_add(s, json_string_value(value));
		break;
	case JSON_INTEGER:
		ax_str_addf(s, "%" JSON_INTEGER_FORMAT,
			    json_integer_value(value));
		break;
	case JSON_REAL:
		ax_str_add_num(s, json_real_value(value));
		break;
	case JSON_TRUE:
		ax_str_add(s, "true");
		break;
	case JSON_FALSE:
		ax_str_add(s, "false");
		break;
	default:
		ax_json_canonical(s, value);
	}
}

void
ax_point_name(struct ax_str *s, const char *entry, const struct ax_coords *p)
{
	ax_str_add(s, entry);
	for (size_t i = 0; i < p->n; i++) {
		ax_str_addc(s, i ? ',' : '[');
		ax_str_add(s, p->c[i].name);
		ax_str_addc(s, '=');
		ax_str_add(s, p->c[i].value);
	}
	if (p->n)
		ax_str_addc(s, ']');
}

json_t *
ax_point_json(const struct ax_coords *p)
{
	json_t *o = json_object();

	for (size_t i = 0; i < p->n; i++)
		json_object_set_nocheck(o, p->c[i].name, p->c[i].json);
	return o;
}

const char *
ax_point_get(const struct ax_coords *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->c[i].name == name || strcmp(p->c[i].name, name) == 0)
			return p->c[i].value;
	return NULL;
}

static int
by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

char *
ax_coord_name(const char *entry, const json_t *coords)
{
	struct ax_str s = AX_STR_INIT;
	size_t n;
	const char **names = ax_object_keys(coords, &n);

	if (n)
		qsort(names, n, sizeof(*names), by_name);
	ax_str_add(&s, entry);
	for (size_t i = 0; i < n; i++) {
		ax_str_addf(&s, "%c%s=", i ? ',' : '[', names[i]);
		ax_coord_spell(&s, json_object_get(coords, names[i]));
	}
	if (n)
		ax_str_addc(&s, ']');
	free(names);
	return ax_str_take(&s);
}

/* Blanks, controls (C0, DEL, C1), and what in UTF-8 has no width or turns the
 * direction of writing (U+200B.., U+2028.., U+2060.., U+FEFF): names of nodes
 * stand on terminals, and two that look alike must be alike. */
static bool
unseen(const unsigned char *p)
{
	return *p <= ' ' || *p == 0x7f ||
	       (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0xa0) ||
	       (p[0] == 0xe2 && p[1] == 0x80 &&
		((p[2] >= 0x8b && p[2] <= 0x8f) ||
		 (p[2] >= 0xa8 && p[2] <= 0xaf))) ||
	       (p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa0 && p[2] <= 0xaf) ||
	       (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf);
}

/* A coordinate must be one word in a node's name, which is read back. */
static int
check_value(const json_t *v, const struct ax_place *at, struct ax_err *err)
{
	const char *p;

	if (json_is_number(v) || json_is_boolean(v))
		return 0;
	if (!json_is_string(v))
		return ax_place_error(err, at, 0,
				      "a value of a sweep must be a string, "
				      "number or boolean, not %s",
				      ax_type_name(v));
	p = json_string_value(v);
	if (!*p || strlen(p) > MAX_VALUE || json_string_length(v) != strlen(p))
		return ax_place_error(
			err, at, 0,
			"a value of a sweep must have 1 to %d characters",
			MAX_VALUE);
	for (; *p; p++) {
		if (unseen((const unsigned char *)p))
			return ax_place_error(
				err, at, 0,
				"a blank, a control or an unseen character "
				"cannot stand in a value of a sweep, which "
				"becomes part of names");
		if (strchr("[],=*\"\\$", *p))
			return ax_place_error(
				err, at, 0,
				"the character '%c' cannot stand in a value of "
				"a sweep, which becomes part of names; "
				"sweep over short words and choose with "
				"{\"$by\": ...}",
				*p);
	}
	return 0;
}

static int
read_axis(struct axis *x, const char *name, const json_t *values, bool again,
	  const struct ax_place *at, struct ax_arena *arena, struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	struct ax_map seen = AX_MAP_INIT;
	json_t *v;
	size_t i;
	int rc = 0;

	if (!ax_name_ok(name))
		return ax_place_error(err, at, 1,
				      "'%s' is no name for a coordinate", name);
	if (!json_array_size(values))
		return ax_place_error(err, at, 0,
				      "coordinate '%s' needs a list of values "
				      "that is not empty",
				      name);
	x->name = ax_arena_intern(arena, name);
	x->n = json_array_size(values);
	x->values = ax_arena_new(arena, x->n, sizeof(*x->values));
	json_array_foreach((json_t *)values, i, v)
	{
		struct ax_place here = ax_place_index(at, i);
		struct ax_coord *c = &x->values[i];

		rc = check_value(v, &here, err);
		if (rc < 0)
			break;
		ax_str_clear(&s);
		ax_coord_spell(&s, v);
		c->name = x->name;
		c->value = ax_arena_intern(arena, s.buf);
		c->json = v;
		/* in a zip a value may come again, next to another one */
		if (!again && ax_map_set(&seen, c->value, c)) {
			rc = ax_place_error(
				err, &here, 0,
				"coordinate '%s' has the value %s twice", name,
				c->value);
			break;
		}
	}
	ax_str_free(&s);
	ax_map_free(&seen);
	return rc;
}

static int
read_axes(struct axes *out, const json_t *object, bool again,
	  const struct ax_place *at, struct ax_arena *arena, struct ax_err *err)
{
	const char *name;
	json_t *values;

	json_object_foreach((json_t *)object, name, values)
	{
		struct ax_place here = ax_place_key(at, name);

		if (out->n == MAX_AXES)
			return ax_place_error(err, &here, 1,
					      "more than %d coordinates",
					      MAX_AXES);
		if (read_axis(&out->list[out->n], name, values, again, &here,
			      arena, err) < 0)
			return -1;
		out->n++;
	}
	return 0;
}

static int
coord_order(const void *a, const void *b)
{
	const struct ax_coord *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static bool
excluded(const struct ax_coords *p, const json_t *excludes)
{
	struct ax_str s = AX_STR_INIT;
	json_t *rule, *want;
	const char *name;
	size_t i;

	json_array_foreach((json_t *)excludes, i, rule)
	{
		bool all = true;

		json_object_foreach(rule, name, want)
		{
			const char *have = ax_point_get(p, name);

			ax_str_clear(&s);
			ax_coord_spell(&s, want);
			if (!have || strcmp(have, s.buf ? s.buf : "") != 0) {
				all = false;
				break;
			}
		}
		if (all) {
			ax_str_free(&s);
			return true;
		}
	}
	ax_str_free(&s);
	return false;
}

static int
check_excludes(const json_t *excludes, const struct axes *product,
	       const struct axes *zip, const struct ax_place *at,
	       struct ax_err *err)
{
	const char *names[2 * MAX_AXES], *name;
	json_t *rule, *value;
	size_t n = 0, i, k;
	char *hint;

	if (!json_is_array(excludes))
		return ax_place_error(err, at, 0,
				      "\"exclude\" must be a list of objects");
	if (json_array_size(excludes) > MAX_EXCLUDES)
		return ax_place_error(err, at, 0, "more than %d exclusions",
				      MAX_EXCLUDES);
	for (i = 0; i < product->n; i++)
		names[n++] = product->list[i].name;
	for (i = 0; i < zip->n; i++)
		names[n++] = zip->list[i].name;
	json_array_foreach((json_t *)excludes, i, rule)
	{
		struct ax_place here = ax_place_index(at, i);

		if (!json_object_size(rule))
			return ax_place_error(err, &here, 0,
					      "\"exclude\" must hold objects "
					      "that are not empty");
		json_object_foreach(rule, name, value)
		{
			struct ax_place member = ax_place_key(&here, name);

			for (k = 0; k < n; k++)
				if (strcmp(names[k], name) == 0)
					break;
			if (k < n && check_value(value, &member, err) < 0)
				return -1;
			if (k < n)
				continue;
			hint = ax_suggest(name, names, n, "it has");
			ax_place_error(err, &member, 1,
				       "'%s' is no coordinate of this matrix%s",
				       name, hint);
			free(hint);
			return -1;
		}
	}
	return 0;
}

/* Product times zip, less the exclusions. */
static int
generate(struct ax_coords **out, size_t *n, const struct axes *product,
	 const struct axes *zip, const json_t *excludes,
	 const struct ax_place *at, struct ax_arena *arena, struct ax_err *err)
{
	size_t width = product->n + zip->n, total = 1, i, k, rest;
	struct ax_coord *c;
	struct ax_coords p;

	for (i = 0; i < product->n; i++)
		if (__builtin_mul_overflow(total, product->list[i].n, &total) ||
		    total > AX_MAX_POINTS)
			break;
	if (i == product->n && zip->n &&
	    __builtin_mul_overflow(total, zip->list[0].n, &total))
		total = SIZE_MAX;
	if (i < product->n || total > AX_MAX_POINTS)
		return ax_place_error(err, at, 0,
				      "this matrix has more than %d points",
				      AX_MAX_POINTS);
	*out = ax_arena_new(arena, total, sizeof(**out));
	*n = 0;
	for (i = 0; i < total; i++) {
		c = ax_arena_new(arena, width, sizeof(*c));
		rest = i;
		for (k = zip->n; k-- > 0;)
			c[product->n + k] =
				zip->list[k].values[rest % zip->list[0].n];
		if (zip->n)
			rest /= zip->list[0].n;
		for (k = product->n; k-- > 0; rest /= product->list[k].n)
			c[k] = product->list[k]
				       .values[rest % product->list[k].n];
		qsort(c, width, sizeof(*c), coord_order);
		p.c = c;
		p.n = width;
		if (!excludes || !excluded(&p, excludes))
			(*out)[(*n)++] = p;
	}
	if (!*n)
		return ax_place_error(
			err, at, 0,
			"\"exclude\" leaves no point of this matrix");
	return 0;
}

static bool
is_long_form(const json_t *matrix)
{
	return json_is_object(json_object_get(matrix, "product")) ||
	       json_is_object(json_object_get(matrix, "zip"));
}

static int
check_zip(const struct axes *product, const struct axes *zip,
	  const struct ax_place *at, struct ax_err *err)
{
	for (size_t i = 0; i < zip->n; i++) {
		struct ax_place here = ax_place_key(at, zip->list[i].name);

		if (zip->list[i].n != zip->list[0].n)
			return ax_place_error(
				err, &here, 0,
				"lists in \"zip\" must have equal length: '%s' "
				"has %zu values, '%s' has %zu",
				zip->list[0].name, zip->list[0].n,
				zip->list[i].name, zip->list[i].n);
		for (size_t k = 0; k < product->n; k++)
			if (product->list[k].name == zip->list[i].name)
				return ax_place_error(
					err, &here, 1,
					"coordinate '%s' is in \"product\" and "
					"in \"zip\"",
					zip->list[i].name);
	}
	return 0;
}

int
ax_matrix_expand(struct ax_coords **out, size_t *n, const json_t *matrix,
		 const struct ax_place *at, struct ax_arena *arena,
		 struct ax_err *err)
{
	static const char *const keys[] = {"product", "zip", "exclude", NULL};
	struct axes product = {.n = 0}, zip = {.n = 0};
	const json_t *excludes = NULL;
	struct ax_place here;

	if (!matrix) {
		*out = ax_arena_new(arena, 1, sizeof(**out));
		*n = 1;
		return 0;
	}
	if (!json_object_size(matrix))
		return ax_place_error(
			err, at, 0,
			"\"matrix\" must be an object that is not empty");
	if (!is_long_form(matrix)) {
		if (read_axes(&product, matrix, false, at, arena, err) < 0)
			return -1;
		return generate(out, n, &product, &zip, NULL, at, arena, err);
	}
	if (ax_check_keys(at, matrix, keys, "the long form of \"matrix\"",
			  err) < 0)
		return -1;
	for (size_t i = 0; i < 2; i++) {
		const json_t *part = json_object_get(matrix, keys[i]);

		here = ax_place_key(at, keys[i]);
		if (part && !json_is_object(part))
			return ax_place_error(err, &here, 0,
					      "\"%s\" must be an object",
					      keys[i]);
		if (read_axes(i ? &zip : &product, part, i > 0, &here, arena,
			      err) < 0)
			return -1;
	}
	here = ax_place_key(at, "zip");
	if (check_zip(&product, &zip, &here, err) < 0)
		return -1;
	excludes = json_object_get(matrix, "exclude");
	here = ax_place_key(at, "exclude");
	if (excludes &&
	    check_excludes(excludes, &product, &zip, &here, err) < 0)
		return -1;
	return generate(out, n, &product, &zip, excludes, at, arena, err);
}
