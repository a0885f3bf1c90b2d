/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/base/json.h"

#include <errno.h>

#include <ctype.h>
#include <math.h>
#include <stdarg.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"

#define MAX_JSON ((size_t)64 << 20)
#define MAX_DEPTH 200

/* Depth is checked on the text, before the parser recurses into it. */
static int
check_depth(const struct ax_json *j, struct ax_err *err)
{
	int depth = 0, line = 1, column = 0;
	bool in_string = false;
	size_t i;

	for (i = 0; i < j->len; i++) {
		char c = j->text[i];

		column++;
		if (c == '\n') {
			line++;
			column = 0;
		}
		/* jansson lets one pass after a number */
		if (c == '\0')
			return ax_err_set(err, AX_EXIT_USAGE,
					  "%s:%d:%d: a byte 0, which no JSON "
					  "text has",
					  j->name, line, column);
		if (in_string) {
			if (c == '\\') {
				i++;
				column++;
			} else if (c == '"') {
				in_string = false;
			}
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > MAX_DEPTH)
				return ax_err_set(err, AX_EXIT_USAGE,
						  "%s:%d:%d: nested deeper "
						  "than %d levels",
						  j->name, line, column,
						  MAX_DEPTH);
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return 0;
}

static int
parse(struct ax_json *j, struct ax_err *err)
{
	json_error_t je;

	/* most are plain; what is not, and what is wrong, is for jansson */
	j->root = ax_json_quick(j->text, j->len, NULL);
	if (json_is_object(j->root) || json_is_array(j->root))
		return 0;
	json_decref(j->root);
	j->root = NULL;
	if (check_depth(j, err) < 0)
		return -1;
	/* two complaints that jansson makes in words for its caller */
	if (j->len >= 3 && memcmp(j->text, "\xef\xbb\xbf", 3) == 0)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "%s:1:1: begins with a byte order mark; save "
				  "it as UTF-8 without one",
				  j->name);
	j->root = json_loadb(j->text, j->len, JSON_REJECT_DUPLICATES, &je);
	if (!j->root && strstr(je.text, "JSON_ALLOW_NUL"))
		return ax_err_set(
			err, AX_EXIT_USAGE,
			"%s:%d:%d: \\u0000 in a string; no name, path "
			"or value can have that byte",
			j->name, je.line, je.column);
	if (!j->root)
		return ax_err_set(err, AX_EXIT_USAGE, "%s:%d:%d: %s", j->name,
				  je.line, je.column, je.text);
	return 0;
}

int
ax_json_load(struct ax_json *out, const char *path, struct ax_err *err)
{
	memset(out, 0, sizeof(*out));
	if (ax_read_file(&out->text, &out->len, path, MAX_JSON, err) < 0) {
		/* not what the file says, unless it cannot be read at all */
		if (err && errno != EIO)
			err->exit = AX_EXIT_USAGE;
		return -1;
	}
	out->name = ax_strdup(path);
	if (parse(out, err) < 0) {
		ax_json_free(out);
		return -1;
	}
	return 0;
}

int
ax_json_parse(struct ax_json *out, const char *name, const char *text,
	      size_t len, struct ax_err *err)
{
	memset(out, 0, sizeof(*out));
	if (len > MAX_JSON)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "%s: larger than %zu bytes", name, MAX_JSON);
	out->name = ax_strdup(name);
	out->text = ax_malloc(len + 1);
	memcpy(out->text, text, len);
	out->text[len] = '\0';
	out->len = len;
	if (parse(out, err) < 0) {
		ax_json_free(out);
		return -1;
	}
	return 0;
}

void
ax_json_free(struct ax_json *j)
{
	json_decref(j->root);
	free(j->name);
	free(j->text);
	memset(j, 0, sizeof(*j));
}

/* A walk over text that the parser has already accepted. */
struct cursor {
	const char *p, *end;
};

static void
blanks(struct cursor *c)
{
	while (c->p < c->end && strchr(" \t\r\n", *c->p) && *c->p)
		c->p++;
}

static void
skip_string(struct cursor *c)
{
	for (c->p++; c->p < c->end && *c->p != '"'; c->p++)
		if (*c->p == '\\')
			c->p++;
	c->p++;
}

static void
skip_value(struct cursor *c)
{
	int depth = 0;

	do {
		blanks(c);
		if (c->p >= c->end)
			return;
		if (*c->p == '"') {
			skip_string(c);
		} else if (*c->p == '{' || *c->p == '[') {
			depth++;
			c->p++;
		} else if (*c->p == '}' || *c->p == ']') {
			depth--;
			c->p++;
		} else if (*c->p == ',' || *c->p == ':') {
			c->p++;
		} else {
			do
				c->p++;
			while (c->p < c->end &&
			       !strchr(" \t\r\n,:{}[]\"", *c->p));
		}
	} while (depth > 0);
}

static bool
key_is(const char *start, const char *stop, const char *want)
{
	json_t *s = json_loadb(start, (size_t)(stop - start), JSON_DECODE_ANY,
			       NULL);
	bool same = s && ax_streq(json_string_value(s), want);

	json_decref(s);
	return same;
}

/* Enters the member or element `name` of the value under the cursor. */
static bool
enter(struct cursor *c, const char *name, const char **key)
{
	long index = -1, i = 0;
	const char *start;

	blanks(c);
	if (c->p >= c->end)
		return false;
	if (*c->p == '[')
		index = strtol(name, NULL, 10);
	else if (*c->p != '{')
		return false;
	c->p++;
	for (;; i++) {
		blanks(c);
		if (c->p >= c->end || *c->p == '}' || *c->p == ']')
			return false;
		if (index >= 0) {
			if (i == index) {
				*key = c->p;
				return true;
			}
		} else {
			start = c->p;
			skip_string(c);
			if (key_is(start, c->p, name)) {
				*key = start;
				blanks(c);
				c->p++; /* the colon */
				blanks(c);
				return true;
			}
			blanks(c);
			c->p++;
		}
		skip_value(c);
		blanks(c);
		if (c->p < c->end && *c->p == ',')
			c->p++;
	}
}

void
ax_json_locate(const struct ax_json *j, const char *pointer, int key, int *line,
	       int *column)
{
	struct cursor c = {j->text, j->text + j->len};
	const char *at, *where = NULL, *p;
	char *part, *w;

	blanks(&c);
	at = c.p;
	while (*pointer == '/') {
		const char *end = strchrnul(pointer + 1, '/');

		part = ax_strndup(pointer + 1, (size_t)(end - pointer - 1));
		for (p = w = part; *p; p++) {
			if (p[0] == '~' && (p[1] == '0' || p[1] == '1')) {
				*w++ = p[1] == '0' ? '~' : '/';
				p++;
			} else {
				*w++ = *p;
			}
		}
		*w = '\0';
		if (!enter(&c, part, &where)) {
			free(part);
			break;
		}
		free(part);
		at = key && !*end ? where : c.p;
		pointer = end;
	}
	*line = 1;
	*column = 1;
	for (p = j->text; p < at; p++) {
		if (*p == '\n') {
			++*line;
			*column = 1;
		} else {
			++*column;
		}
	}
}

int
ax_json_error(struct ax_err *err, const struct ax_json *j, const char *pointer,
	      int key, const char *fmt, ...)
{
	char text[2048];
	int line, column;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ax_json_locate(j, pointer, key, &line, &column);
	/* a trailing colon would ask ax_err_set for strerror */
	return ax_err_set(err, AX_EXIT_USAGE, "%s:%d:%d: %s%s", j->name, line,
			  column, text, ax_ends(text, ":") ? " " : "");
}

char *
ax_pointer(const char *base, const char *key)
{
	struct ax_str s = AX_STR_INIT;

	ax_str_add(&s, base);
	ax_str_addc(&s, '/');
	for (; *key; key++) {
		if (*key == '~')
			ax_str_add(&s, "~0");
		else if (*key == '/')
			ax_str_add(&s, "~1");
		else
			ax_str_addc(&s, *key);
	}
	return ax_str_take(&s);
}

char *
ax_pointer_i(const char *base, size_t index)
{
	return ax_asprintf("%s/%zu", base, index);
}

void
ax_str_add_num(struct ax_str *out, double value)
{
	char text[40];
	int digits;

	if (isnan(value) || isinf(value)) {
		ax_str_add(out, isnan(value) ? "nan"
				: value > 0  ? "inf"
					     : "-inf");
		return;
	}
	if (value == 0)
		value = 0; /* no "-0" */
	if (value == floor(value) && fabs(value) < 1e15) {
		ax_str_addf(out, "%.0f", value);
		return;
	}
	for (digits = 1; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	ax_str_add(out, text);
}

static int
by_key(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void
ax_json_canonical(struct ax_str *out, const json_t *value)
{
	const char **keys;
	size_t n, i;
	void *it;

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		n = json_object_size(value);
		keys = ax_calloc(n, sizeof(*keys));
		i = 0;
		for (it = json_object_iter((json_t *)value); it;
		     it = json_object_iter_next((json_t *)value, it))
			keys[i++] = json_object_iter_key(it);
		if (n)
			qsort(keys, n, sizeof(*keys), by_key);
		ax_str_addc(out, '{');
		for (i = 0; i < n; i++) {
			if (i)
				ax_str_addc(out, ',');
			ax_str_add_json(out, keys[i]);
			ax_str_addc(out, ':');
			ax_json_canonical(out, json_object_get(value, keys[i]));
		}
		ax_str_addc(out, '}');
		free(keys);
		break;
	case JSON_ARRAY:
		ax_str_addc(out, '[');
		for (i = 0; i < json_array_size(value); i++) {
			if (i)
				ax_str_addc(out, ',');
			ax_json_canonical(out, json_array_get(value, i));
		}
		ax_str_addc(out, ']');
		break;
	case JSON_STRING:
		ax_str_add_json(out, json_string_value(value));
		break;
	case JSON_INTEGER:
		ax_str_addi(out, json_integer_value(value));
		break;
	case JSON_REAL:
		ax_str_add_num(out, json_real_value(value));
		break;
	case JSON_TRUE:
		ax_str_add(out, "true");
		break;
	case JSON_FALSE:
		ax_str_add(out, "false");
		break;
	case JSON_NULL:
		ax_str_add(out, "null");
		break;
	}
}

static void
new_line(struct ax_str *out, unsigned indent)
{
	static const char blanks[] = "                                ";
	size_t n = indent, some;

	ax_str_addc(out, '\n');
	for (; n; n -= some) {
		some = AX_MIN(n, sizeof(blanks) - 1);
		ax_str_addn(out, blanks, some);
	}
}

static bool
is_flat(const json_t *array)
{
	const json_t *member;
	size_t i;

	json_array_foreach((json_t *)array, i, member)
	{
		if (json_is_object(member) || json_is_array(member))
			return false;
	}
	return true;
}

void
ax_json_indented(struct ax_str *out, const json_t *v, unsigned indent)
{
	const char *key;
	json_t *member;
	size_t i;
	bool first = true, flat;

	if (json_is_object(v) && json_object_size(v)) {
		json_object_foreach((json_t *)v, key, member)
		{
			ax_str_addc(out, first ? '{' : ',');
			new_line(out, indent + 2);
			ax_str_add_json(out, key);
			ax_str_add(out, ": ");
			ax_json_indented(out, member, indent + 2);
			first = false;
		}
		new_line(out, indent);
		ax_str_addc(out, '}');
	} else if (json_is_array(v) && json_array_size(v)) {
		flat = is_flat(v);
		json_array_foreach((json_t *)v, i, member)
		{
			ax_str_addc(out, i ? ',' : '[');
			if (!flat)
				new_line(out, indent + 2);
			else if (i)
				ax_str_addc(out, ' ');
			ax_json_indented(out, member, indent + 2);
		}
		if (!flat)
			new_line(out, indent);
		ax_str_addc(out, ']');
	} else {
		ax_json_canonical(out, v);
	}
}

void
ax_json_pretty(struct ax_str *out, const json_t *value)
{
	ax_json_indented(out, value, 0);
	ax_str_addc(out, '\n');
}

int
ax_json_write(const char *path, const json_t *value, struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	int rc;

	ax_json_pretty(&s, value);
	rc = ax_write_plain(path, s.buf, s.len, err);
	ax_str_free(&s);
	return rc;
}
