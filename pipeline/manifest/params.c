/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/manifest/params.h"

#include <math.h>

/* The largest magnitude below which every double is a whole int64. */
#define INTEGER_MAX 9007199254740992.0

static const char *const type_names[] = {
	"string", "integer", "number", "boolean", "array", "object", "null"};

static bool
is_whole(const json_t *value)
{
	double d;

	if (json_is_integer(value))
		return true;
	if (!json_is_real(value))
		return false;
	d = json_real_value(value);
	return d == floor(d) && fabs(d) <= INTEGER_MAX;
}

static bool
fits_type(const json_t *value, const char *type)
{
	switch (type[0]) {
	case 's':
		return json_is_string(value);
	case 'i':
		return is_whole(value);
	case 'b':
		return json_is_boolean(value);
	case 'a':
		return json_is_array(value);
	case 'o':
		return json_is_object(value);
	default:
		return type[1] == 'u' && type[2] == 'm' ? json_is_number(value)
							: json_is_null(value);
	}
}

bool
ax_json_same(const json_t *a, const json_t *b)
{
	const char *key;
	json_t *member, *other;
	size_t i;

	if (json_is_number(a) && json_is_number(b)) {
		if (json_is_integer(a) && json_is_integer(b))
			return json_integer_value(a) == json_integer_value(b);
		return json_number_value(a) == json_number_value(b);
	}
	if (json_typeof(a) != json_typeof(b))
		return false;
	if (json_is_array(a)) {
		if (json_array_size(a) != json_array_size(b))
			return false;
		json_array_foreach(
			(json_t *)a, i,
			member) if (!ax_json_same(member,
						  json_array_get(
							  b, i))) return false;
		return true;
	}
	if (json_is_object(a)) {
		if (json_object_size(a) != json_object_size(b))
			return false;
		json_object_foreach((json_t *)a, key, member)
		{
			other = json_object_get(b, key);
			if (!other || !ax_json_same(member, other))
				return false;
		}
		return true;
	}
	return json_equal(a, b);
}

/* The value as JSON, cut to a length that a message can bear. */
static char *
shown(const json_t *value)
{
	struct ax_str s = AX_STR_INIT;

	ax_json_canonical(&s, value);
	if (s.len > 60)
		memcpy(s.buf + 57, "...", 4);
	return ax_str_take(&s);
}

static int
complain(const struct ax_place *at, const char *name, const json_t *value,
	 const char *rule, struct ax_err *err)
{
	char *text = shown(value);

	ax_place_error(err, at, 0, "parameter '%s' must be %s, not %s", name,
		       rule, text);
	free(text);
	return -1;
}

/* "a string", "an integer or null", from the fragment's "type". */
static char *
type_rule(const json_t *type)
{
	struct ax_str s = AX_STR_INIT;
	size_t n = json_is_array(type) ? json_array_size(type) : 1;

	for (size_t i = 0; i < n; i++) {
		const char *t = json_string_value(
			json_is_array(type) ? json_array_get(type, i) : type);

		if (i)
			ax_str_add(&s, i + 1 == n ? " or " : ", ");
		if (!ax_streq(t, "null"))
			ax_str_add(&s, strchr("aeio", t[0]) ? "an " : "a ");
		ax_str_add(&s, t);
	}
	return ax_str_take(&s);
}

static int
check_type(const json_t *fragment, const json_t *value,
	   const struct ax_place *at, const char *name, struct ax_err *err)
{
	const json_t *type = json_object_get(fragment, "type");
	bool fits = false;
	char *rule;

	if (!type)
		return 0;
	if (json_is_string(type))
		fits = fits_type(value, json_string_value(type));
	for (size_t i = 0; json_is_array(type) && i < json_array_size(type);
	     i++)
		fits = fits ||
		       fits_type(value,
				 json_string_value(json_array_get(type, i)));
	if (fits)
		return 0;
	rule = type_rule(type);
	complain(at, name, value, rule, err);
	free(rule);
	return -1;
}

static int
check_enum(const json_t *list, const json_t *value, const struct ax_place *at,
	   const char *name, struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	const char *near = NULL, **names;
	json_t *choice;
	size_t i, n = 0;

	json_array_foreach((json_t *)list, i,
			   choice) if (ax_json_same(choice, value)) return 0;
	names = ax_calloc(json_array_size(list), sizeof(*names));
	ax_str_add(&s, "one of ");
	json_array_foreach((json_t *)list, i, choice)
	{
		char *text = shown(choice);

		ax_str_addf(&s, "%s%s", i ? ", " : "", text);
		free(text);
		if (json_is_string(choice))
			names[n++] = json_string_value(choice);
	}
	if (json_is_string(value))
		near = ax_nearest(json_string_value(value), names, n);
	if (near)
		ax_place_error(err, at, 0,
			       "parameter '%s' must be %s, not \"%s\"; did you "
			       "mean \"%s\"?",
			       name, s.buf, json_string_value(value), near);
	else
		complain(at, name, value, s.buf, err);
	free(names);
	ax_str_free(&s);
	return -1;
}

static int
check_bound(const json_t *fragment, const char *key, double measure,
	    const char *words, const json_t *value, const struct ax_place *at,
	    const char *name, struct ax_err *err)
{
	const json_t *bound = json_object_get(fragment, key);
	struct ax_str s = AX_STR_INIT;
	double limit;
	bool good;

	if (!bound)
		return 0;
	limit = json_number_value(bound);
	if (ax_streq(key, "exclusiveMinimum"))
		good = measure > limit;
	else if (ax_streq(key, "exclusiveMaximum"))
		good = measure < limit;
	else if (key[0] == 'm' && key[1] == 'i')
		good = measure >= limit;
	else
		good = measure <= limit;
	if (good)
		return 0;
	ax_str_addf(&s, words[0] ? "%s " : "%s", words);
	ax_str_add_num(&s, limit);
	if (ax_ends(key, "Length"))
		ax_str_add(&s, " characters long");
	else if (ax_ends(key, "Items"))
		ax_str_add(&s, " elements long");
	complain(at, name, value, s.buf, err);
	ax_str_free(&s);
	return -1;
}

static size_t
utf8_length(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xC0) != 0x80;
	return n;
}

static int
check_bounds(const json_t *f, const json_t *value, const struct ax_place *at,
	     const char *name, struct ax_err *err)
{
	double d;

	if (json_is_number(value)) {
		d = json_number_value(value);
		if (check_bound(f, "minimum", d, "at least", value, at, name,
				err) < 0 ||
		    check_bound(f, "exclusiveMinimum", d, "more than", value,
				at, name, err) < 0 ||
		    check_bound(f, "maximum", d, "at most", value, at, name,
				err) < 0 ||
		    check_bound(f, "exclusiveMaximum", d, "less than", value,
				at, name, err) < 0)
			return -1;
	} else if (json_is_string(value)) {
		d = (double)utf8_length(json_string_value(value));
		if (check_bound(f, "minLength", d, "at least", value, at, name,
				err) < 0 ||
		    check_bound(f, "maxLength", d, "at most", value, at, name,
				err) < 0)
			return -1;
	} else if (json_is_array(value)) {
		d = (double)json_array_size(value);
		if (check_bound(f, "minItems", d, "at least", value, at, name,
				err) < 0 ||
		    check_bound(f, "maxItems", d, "at most", value, at, name,
				err) < 0)
			return -1;
	}
	return 0;
}

static int
check_items(json_t **out, const json_t *fragment, json_t *value,
	    const struct ax_place *at, const char *name, struct ax_err *err)
{
	const json_t *items = json_object_get(fragment, "items");
	json_t *copy = NULL, *element, *checked;
	size_t i;

	if (items) {
		json_array_foreach(value, i, element)
		{
			struct ax_place here = ax_place_index(at, i);
			char *inner = ax_asprintf("%s[%zu]", name, i);
			int rc = ax_param_check(&checked, items, element, &here,
						inner, err);

			free(inner);
			if (rc < 0) {
				json_decref(copy);
				return -1;
			}
			if (checked != element && !copy)
				copy = json_copy(value);
			if (copy)
				json_array_set_new(copy, i, checked);
			else
				json_decref(checked);
		}
	}
	*out = copy ? copy : json_incref(value);
	return 0;
}

static int
check_required(const json_t *fragment, const json_t *value,
	       const struct ax_place *at, const char *name, struct ax_err *err)
{
	json_t *key;
	size_t i;

	json_array_foreach(json_object_get(fragment, "required"), i, key) if (
		!json_object_get(
			value,
			json_string_value(
				key))) return ax_place_error(err, at, 0,
							     "parameter '%s' "
							     "lacks member "
							     "'%s'",
							     name,
							     json_string_value(
								     key));
	return 0;
}

static int
unknown_member(const json_t *properties, const struct ax_place *at,
	       const char *key, const char *name, struct ax_err *err)
{
	size_t n;
	const char **keys = ax_object_keys(properties, &n);
	char *hint = ax_suggest(key, keys, n, "it may have");

	ax_place_error(err, at, 1, "unknown member '%s' of parameter '%s'%s",
		       key, name, hint);
	free(hint);
	free(keys);
	return -1;
}

static int
check_members(json_t **out, const json_t *fragment, json_t *value,
	      const struct ax_place *at, const char *name, struct ax_err *err)
{
	const json_t *properties = json_object_get(fragment, "properties");
	const json_t *more = json_object_get(fragment, "additionalProperties");
	json_t *copy = NULL, *member, *checked;
	const char *key;

	if (check_required(fragment, value, at, name, err) < 0)
		return -1;
	json_object_foreach(value, key, member)
	{
		const json_t *sub = json_object_get(properties, key);
		struct ax_place here = ax_place_key(at, key);
		char *inner;
		int rc;

		if (!sub && json_is_false(more)) {
			json_decref(copy);
			return unknown_member(properties, &here, key, name,
					      err);
		}
		if (!sub && json_is_object(more))
			sub = more;
		if (!sub)
			continue;
		inner = ax_asprintf("%s.%s", name, key);
		rc = ax_param_check(&checked, sub, member, &here, inner, err);
		free(inner);
		if (rc < 0) {
			json_decref(copy);
			return -1;
		}
		if (checked != member && !copy)
			copy = json_copy(value);
		if (copy)
			json_object_set_new(copy, key, checked);
		else
			json_decref(checked);
	}
	*out = copy ? copy : json_incref(value);
	return 0;
}

static bool
allows_real(const json_t *fragment)
{
	const json_t *type = json_object_get(fragment, "type");
	json_t *t;
	size_t i;

	if (json_is_string(type))
		return !ax_streq(json_string_value(type), "integer");
	json_array_foreach(
		(json_t *)type, i,
		t) if (ax_streq(json_string_value(t), "number")) return true;
	return !type;
}

int
ax_param_check(json_t **out, const json_t *fragment, json_t *value,
	       const struct ax_place *at, const char *name, struct ax_err *err)
{
	const json_t *list, *fallback;

	*out = NULL;
	fallback = json_object_get(fragment, "default");
	if (json_is_null(value) && fallback && json_is_null(fallback)) {
		*out = json_incref(value);
		return 0;
	}
	if (check_type(fragment, value, at, name, err) < 0)
		return -1;
	list = json_object_get(fragment, "enum");
	if (list && check_enum(list, value, at, name, err) < 0)
		return -1;
	if (check_bounds(fragment, value, at, name, err) < 0)
		return -1;
	if (json_is_array(value))
		return check_items(out, fragment, value, at, name, err);
	if (json_is_object(value))
		return check_members(out, fragment, value, at, name, err);
	/* a whole number has one spelling in keys and requests */
	if (json_is_real(value) && !allows_real(fragment) && is_whole(value))
		*out = json_integer((json_int_t)json_real_value(value));
	else
		*out = json_incref(value);
	return 0;
}

/* --- fragments ------------------------------------------------------------ */

static int
check_type_word(const json_t *word, const struct ax_place *at,
		struct ax_err *err)
{
	const char *t = json_string_value(word);
	char *hint;

	if (!t)
		return ax_place_error(
			err, at, 0,
			"\"type\" must be a string or a list of strings");
	for (size_t i = 0; i < AX_LEN(type_names); i++)
		if (ax_streq(type_names[i], t))
			return 0;
	hint = ax_suggest(t, type_names, AX_LEN(type_names), "there are");
	ax_place_error(err, at, 0, "unknown type '%s'%s", t, hint);
	free(hint);
	return -1;
}

static int
check_type_key(const json_t *fragment, const struct ax_place *at,
	       struct ax_err *err)
{
	const json_t *type = json_object_get(fragment, "type");
	struct ax_place here = ax_place_key(at, "type");
	json_t *word;
	size_t i;

	if (!type)
		return ax_place_error(err, at, 0, "needs a \"type\"");
	if (!json_is_array(type))
		return check_type_word(type, &here, err);
	if (!json_array_size(type))
		return ax_place_error(err, &here, 0, "\"type\" is empty");
	json_array_foreach((json_t *)type, i, word)
	{
		struct ax_place element = ax_place_index(&here, i);

		if (check_type_word(word, &element, err) < 0)
			return -1;
	}
	return 0;
}

static int
check_key_types(const json_t *fragment, const struct ax_place *at,
		struct ax_err *err)
{
	static const char *const numbers[] = {
		"minimum",   "maximum",   "exclusiveMinimum",
		"minLength", "maxLength", "exclusiveMaximum",
		"minItems",  "maxItems"};
	static const char *const texts[] = {"description", "unit", "title"};
	const json_t *v;
	struct ax_place here;

	for (size_t i = 0; i < AX_LEN(numbers); i++) {
		v = json_object_get(fragment, numbers[i]);
		here = ax_place_key(at, numbers[i]);
		if (v && !json_is_number(v))
			return ax_place_error(err, &here, 0,
					      "\"%s\" must be a number",
					      numbers[i]);
	}
	for (size_t i = 0; i < AX_LEN(texts); i++) {
		v = json_object_get(fragment, texts[i]);
		here = ax_place_key(at, texts[i]);
		if (v && !json_is_string(v))
			return ax_place_error(err, &here, 0,
					      "\"%s\" must be a string",
					      texts[i]);
	}
	v = json_object_get(fragment, "enum");
	here = ax_place_key(at, "enum");
	if (v && !json_array_size(v))
		return ax_place_error(
			err, &here, 0,
			"\"enum\" must be a list that is not empty");
	v = json_object_get(fragment, "required");
	here = ax_place_key(at, "required");
	if (v && !json_is_array(v))
		return ax_place_error(err, &here, 0,
				      "\"required\" must be a list of names");
	for (size_t i = 0; i < json_array_size(v); i++)
		if (!json_is_string(json_array_get(v, i)))
			return ax_place_error(
				err, &here, 0,
				"\"required\" must be a list of names");
	return 0;
}

static int
check_nested(const json_t *fragment, const struct ax_place *at,
	     const char *name, struct ax_err *err)
{
	const json_t *v = json_object_get(fragment, "properties");
	struct ax_place here = ax_place_key(at, "properties");
	const char *key;
	json_t *sub;

	if (v && !json_is_object(v))
		return ax_place_error(err, &here, 0,
				      "\"properties\" must be an object");
	json_object_foreach((json_t *)v, key, sub)
	{
		struct ax_place member = ax_place_key(&here, key);

		if (ax_schema_check(sub, &member, name, err) < 0)
			return -1;
	}
	v = json_object_get(fragment, "items");
	here = ax_place_key(at, "items");
	if (v && ax_schema_check(v, &here, name, err) < 0)
		return -1;
	v = json_object_get(fragment, "additionalProperties");
	here = ax_place_key(at, "additionalProperties");
	if (v && !json_is_boolean(v))
		return ax_schema_check(v, &here, name, err);
	return 0;
}

int
ax_schema_check(const json_t *fragment, const struct ax_place *at,
		const char *name, struct ax_err *err)
{
	static const char *const keys[] = {"type",
					   "default",
					   "enum",
					   "minimum",
					   "maximum",
					   "exclusiveMinimum",
					   "minLength",
					   "maxLength",
					   "exclusiveMaximum",
					   "items",
					   "minItems",
					   "maxItems",
					   "properties",
					   "additionalProperties",
					   "required",
					   "unit",
					   "description",
					   "title",
					   "examples",
					   NULL};
	struct ax_place here;
	json_t *fallback, *checked;

	if (!json_is_object(fragment))
		return ax_place_error(
			err, at, 0,
			"a JSON Schema fragment must be an object, not %s",
			ax_type_name(fragment));
	if (ax_check_keys(at, fragment, keys, "a parameter's schema", err) <
		    0 ||
	    check_type_key(fragment, at, err) < 0 ||
	    check_key_types(fragment, at, err) < 0 ||
	    check_nested(fragment, at, name, err) < 0)
		return -1;
	fallback = json_object_get(fragment, "default");
	if (!fallback)
		return 0;
	here = ax_place_key(at, "default");
	if (ax_param_check(&checked, fragment, fallback, &here, name, err) < 0)
		return -1;
	json_decref(checked);
	return 0;
}
