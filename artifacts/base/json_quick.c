/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A null run reads a manifest with an entry, and a record, for every node. This
 * reads common JSON in a fraction of the time that a general parser takes;
 * whatever else it meets, it leaves to that one.
 */
#include <errno.h>

#include "artifacts/base/base.h"
#include "artifacts/base/json.h"

#define MAX_DEPTH 64

struct reader {
	const char *p, *end;
	const char *const *members; /* of the outermost object; NULL: all */
};

static json_t *read_value(struct reader *r, unsigned depth);

/* What may stand in a string as it is: ASCII but " and \, and the bytes of
 * UTF-8, which jansson must look at */
enum { SPECIAL, PLAIN, WIDE };
static const unsigned char kind[256] = {
	[' '] = PLAIN,         ['!'] = PLAIN,          ['#' ... '['] = PLAIN,
	[']' ... '~'] = PLAIN, [0x80 ... 0xff] = WIDE,
};

/* The text between quotes; false when there is anything special in it. */
static bool
read_string(struct reader *r, const char **s, size_t *n, bool *wide)
{
	const char *p = r->p;
	unsigned char seen = 0;

	if (p >= r->end || *p != '"')
		return false;
	*s = ++p;
	for (; p < r->end && kind[(unsigned char)*p] != SPECIAL; p++)
		seen |= kind[(unsigned char)*p];
	if (p >= r->end || *p != '"')
		return false;
	*n = (size_t)(p - *s);
	*wide = (seen & WIDE) != 0;
	r->p = p + 1;
	return true;
}

/* A string with escapes, but for those of UTF-16. */
static json_t *
read_escaped(struct reader *r)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	struct ax_str s = AX_STR_INIT;
	json_t *v = NULL;
	const char *p, *e;

	for (p = r->p + 1; p < r->end && *p != '"'; p++) {
		if (*p != '\\') {
			if (kind[(unsigned char)*p] == SPECIAL)
				goto out;
			ax_str_addc(&s, *p);
		} else if (++p < r->end && *p &&
			   (e = strchr(from, *p)) != NULL) {
			ax_str_addc(&s, to[e - from]);
		} else {
			goto out;
		}
	}
	if (p < r->end) {
		r->p = p + 1;
		v = json_stringn(s.buf, s.len);
	}
out:
	ax_str_free(&s);
	return v;
}

static json_t *
read_text(struct reader *r)
{
	const char *s;
	bool wide;
	size_t n;

	if (!read_string(r, &s, &n, &wide))
		return read_escaped(r);
	return wide ? json_stringn(s, n) : json_stringn_nocheck(s, n);
}

static void
blanks(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' ||
				 *r->p == '\t' || *r->p == '\r'))
		r->p++;
}

static bool
digit(const struct reader *r)
{
	return r->p < r->end && *r->p >= '0' && *r->p <= '9';
}

static json_t *
read_number(struct reader *r)
{
	const char *start = r->p;
	static const double tens[] = {1,   1e1, 1e2, 1e3, 1e4, 1e5,
				      1e6, 1e7, 1e8, 1e9, 1e10};
	bool minus = false, real = false, plain_real = false;
	char text[64], *stop;
	json_int_t v = 0, w;
	size_t n, places = 0;
	double d;

	if (*r->p == '-') {
		minus = true;
		r->p++;
	}
	if (!digit(r) || (*r->p == '0' && r->p + 1 < r->end && r->p[1] >= '0' &&
			  r->p[1] <= '9'))
		return NULL;
	for (n = 0; digit(r); r->p++, n++) {
		if (n >= 18)
			return NULL;
		v = v * 10 + (*r->p - '0');
	}
	if (r->p < r->end && *r->p == '.') {
		real = true;
		r->p++;
		if (!digit(r))
			return NULL;
		for (w = v; digit(r); r->p++, places++)
			if (n + places < 15)
				w = w * 10 + (*r->p - '0');
		/* two exact numbers, so their quotient is the nearest double
		 * (Clinger, "How to read floating point numbers accurately",
		 * PLDI 1990) */
		plain_real = n + places <= 15 && places < AX_LEN(tens);
		if (plain_real)
			v = w;
	}
	if (r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
		real = true;
		plain_real = false;
		r->p++;
		if (r->p < r->end && (*r->p == '+' || *r->p == '-'))
			r->p++;
		if (!digit(r))
			return NULL;
		while (digit(r))
			r->p++;
	}
	if (!real)
		return json_integer(minus ? -v : v);
	if (plain_real) {
		d = (double)v / tens[places];
		return json_real(minus ? -d : d);
	}
	n = (size_t)(r->p - start);
	if (n >= sizeof(text))
		return NULL;
	memcpy(text, start, n);
	text[n] = '\0';
	errno = 0;
	d = strtod(text, &stop);
	/* another locale's decimal point stops it early */
	return *stop || errno ? NULL : json_real(d);
}

/* A sign between blanks. */
static bool
sign(struct reader *r, char c)
{
	blanks(r);
	if (r->p >= r->end || *r->p != c)
		return false;
	r->p++;
	blanks(r);
	return true;
}

static bool
word(struct reader *r, const char *w, size_t n)
{
	if ((size_t)(r->end - r->p) < n || memcmp(r->p, w, n) != 0)
		return false;
	r->p += n;
	return true;
}

static bool
wanted(const struct reader *r, const char *key, size_t n)
{
	size_t i;

	for (i = 0; r->members[i]; i++)
		if (strlen(r->members[i]) == n &&
		    memcmp(r->members[i], key, n) == 0)
			return true;
	return false;
}

/* Past a string of any content. */
static bool
skip_string(struct reader *r)
{
	for (r->p++; r->p < r->end && *r->p != '"'; r->p++)
		if (*r->p == '\\')
			r->p++;
	if (r->p >= r->end)
		return false;
	r->p++;
	return true;
}

/* Past a value that nobody asked for; brackets are counted, not matched. */
static bool
skip_value(struct reader *r)
{
	unsigned depth = 0;

	do {
		if (r->p >= r->end)
			return false;
		switch (*r->p) {
		case '"':
			if (!skip_string(r))
				return false;
			break;
		case '{':
		case '[':
			depth++;
			r->p++;
			break;
		case '}':
		case ']':
			if (depth-- == 0)
				return false;
			r->p++;
			break;
		default:
			r->p++;
		}
	} while (depth || (r->p < r->end && *r->p != ',' && *r->p != '}'));
	return true;
}

/* One more member; false when it cannot be, or when its key is there. */
static bool
add_member(json_t *o, const char *key, size_t n, bool wide, json_t *v)
{
	size_t before = json_object_size(o);

	return (wide ? json_object_setn_new(o, key, n, v)
		     : json_object_setn_new_nocheck(o, key, n, v)) == 0 &&
	       json_object_size(o) > before;
}

static json_t *
read_object(struct reader *r, unsigned depth)
{
	json_t *o = json_object(), *v;
	const char *key;
	bool wide;
	size_t n;

	if (sign(r, '{') && sign(r, '}'))
		return o;
	for (;;) {
		if (!read_string(r, &key, &n, &wide) || !sign(r, ':'))
			break;
		if (depth == 0 && r->members && !wanted(r, key, n)) {
			if (!skip_value(r))
				break;
		} else if (!(v = read_value(r, depth + 1)) ||
			   !add_member(o, key, n, wide, v)) {
			break;
		}
		if (sign(r, '}'))
			return o;
		if (!sign(r, ','))
			break;
	}
	json_decref(o);
	return NULL;
}

static json_t *
read_array(struct reader *r, unsigned depth)
{
	json_t *a = json_array(), *v;

	if (sign(r, '[') && sign(r, ']'))
		return a;
	for (;;) {
		v = read_value(r, depth + 1);
		if (!v || json_array_append_new(a, v) < 0)
			break;
		if (sign(r, ']'))
			return a;
		if (!sign(r, ','))
			break;
	}
	json_decref(a);
	return NULL;
}

static json_t *
read_value(struct reader *r, unsigned depth)
{
	if (r->p >= r->end || depth > MAX_DEPTH)
		return NULL;
	switch (*r->p) {
	case '{':
		return read_object(r, depth);
	case '[':
		return read_array(r, depth);
	case '"':
		return read_text(r);
	case 't':
		return word(r, "true", 4) ? json_true() : NULL;
	case 'f':
		return word(r, "false", 5) ? json_false() : NULL;
	case 'n':
		return word(r, "null", 4) ? json_null() : NULL;
	default:
		return read_number(r);
	}
}

json_t *
ax_json_quick(const char *text, size_t len, const char *const *members)
{
	struct reader r = {text, text + len, members};
	json_t *v;

	blanks(&r);
	v = read_value(&r, 0);
	blanks(&r);
	if (v && r.p != r.end) {
		json_decref(v);
		return NULL;
	}
	return v;
}
