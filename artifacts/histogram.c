/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/histogram.h"

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/json.h"

#define NAME_MAX_LEN 1024

void
ax_histogram_free(struct ax_histogram *h)
{
	for (size_t i = 0; i < h->n; i++) {
		free(h->layers[i].name);
		free(h->layers[i].a.counts);
		free(h->layers[i].b.counts);
	}
	free(h->layers);
	memset(h, 0, sizeof(*h));
}

static void
operand_init(struct ax_operand *o, unsigned bits, bool sign)
{
	o->bits = bits;
	o->sign = sign;
	o->total = 0;
	o->counts = ax_calloc((size_t)1 << bits, sizeof(*o->counts));
}

struct ax_histogram_layer *
ax_histogram_add(struct ax_histogram *h, const char *name, uint64_t k,
		 uint64_t products, unsigned a_bits, bool a_signed,
		 unsigned b_bits, bool b_signed)
{
	struct ax_histogram_layer *l;

	AX_GROW(h->layers, h->n, h->cap);
	l = &h->layers[h->n++];
	l->name = ax_strdup(name);
	l->k = k;
	l->products = products;
	operand_init(&l->a, a_bits, a_signed);
	operand_init(&l->b, b_bits, b_signed);
	return l;
}

static void
operand_total(struct ax_operand *o)
{
	o->total = 0;
	for (size_t i = 0; i < (size_t)1 << o->bits; i++)
		o->total += o->counts[i];
}

void
ax_histogram_total(struct ax_histogram *h)
{
	for (size_t i = 0; i < h->n; i++) {
		operand_total(&h->layers[i].a);
		operand_total(&h->layers[i].b);
	}
}

const struct ax_histogram_layer *
ax_histogram_layer(const struct ax_histogram *h, const char *name)
{
	for (size_t i = 0; i < h->n; i++)
		if (ax_streq(h->layers[i].name, name))
			return &h->layers[i];
	return NULL;
}

int32_t
ax_operand_min(const struct ax_operand *o)
{
	return o->sign ? -(1 << (o->bits - 1)) : 0;
}

void
ax_operand_share(double *share, const struct ax_operand *o)
{
	for (size_t i = 0; i < (size_t)1 << o->bits; i++)
		share[i] = (double)o->counts[i] / (double)o->total;
}

/* Reading. `at` is a JSON pointer to the object at hand. */

static int
only(const struct ax_json *j, const char *at, const json_t *object,
     const char *const *known, size_t n, struct ax_err *err)
{
	const char *key;
	json_t *value;
	size_t i;

	if (!json_is_object(object))
		return ax_json_error(err, j, at, 0, "an object is wanted here");
	json_object_foreach((json_t *)object, key, value)
	{
		char *where;

		for (i = 0; i < n && !ax_streq(key, known[i]); i++)
			;
		if (i < n)
			continue;
		where = ax_pointer(at, key);
		ax_json_error(err, j, where, 1,
			      "a histogram has no member \"%.60s\" here", key);
		free(where);
		return -1;
	}
	for (i = 0; i < n; i++)
		if (!json_object_get(object, known[i]))
			return ax_json_error(err, j, at, 0, "\"%s\" is missing",
					     known[i]);
	return 0;
}

/* An integer least..most; `index` is shown for elements of counts. */
static int
number(uint64_t *out, const struct ax_json *j, const char *at,
       const json_t *value, const char *what, uint64_t least, uint64_t most,
       struct ax_err *err)
{
	json_int_t v = json_integer_value(value);

	if (!json_is_integer(value) || v < 0 || (uint64_t)v < least ||
	    (uint64_t)v > most)
		return ax_json_error(err, j, at, 0,
				     "%s must be an integer from %" PRIu64
				     " to %" PRIu64,
				     what, least, most);
	*out = (uint64_t)v;
	return 0;
}

static int
member(uint64_t *out, const struct ax_json *j, const char *at,
       const json_t *object, const char *name, uint64_t least, uint64_t most,
       struct ax_err *err)
{
	char *where = ax_pointer(at, name);
	int rc = number(out, j, where, json_object_get(object, name), name,
			least, most, err);

	free(where);
	return rc;
}

static int
read_counts(struct ax_operand *o, const struct ax_json *j, const char *at,
	    const json_t *list, struct ax_err *err)
{
	size_t n = (size_t)1 << o->bits;
	uint64_t sum = 0;

	if (!json_is_array(list) || json_array_size(list) != n)
		return ax_json_error(err, j, at, 0,
				     "%zu integers are wanted here, one for "
				     "each code of %u bits",
				     n, o->bits);
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(list, i);
		char *where;

		if (json_is_integer(v) && json_integer_value(v) >= 0 &&
		    (uint64_t)json_integer_value(v) <=
			    AX_HISTOGRAM_MOST - sum) {
			o->counts[i] = (uint64_t)json_integer_value(v);
			sum += o->counts[i];
			continue;
		}
		where = ax_pointer_i(at, i);
		ax_json_error(err, j, where, 0,
			      "a count must be an integer from 0, and all of "
			      "them together at most 2^53");
		free(where);
		return -1;
	}
	if (sum == o->total)
		return 0;
	return ax_json_error(err, j, at, 0,
			     "the counts add up to %" PRIu64
			     ", but \"total\" is %" PRIu64,
			     sum, o->total);
}

static int
read_operand(struct ax_operand *o, const struct ax_json *j, const char *at,
	     const json_t *object, struct ax_err *err)
{
	static const char *const known[] = {"bits", "signed", "total",
					    "counts"};
	const json_t *sign;
	uint64_t bits;
	char *where;
	int rc;

	if (only(j, at, object, known, AX_LEN(known), err) < 0 ||
	    member(&bits, j, at, object, "bits", 1, AX_HISTOGRAM_MAX_BITS,
		   err) < 0 ||
	    member(&o->total, j, at, object, "total", 1, AX_HISTOGRAM_MOST,
		   err) < 0)
		return -1;
	sign = json_object_get(object, "signed");
	if (!json_is_boolean(sign)) {
		where = ax_pointer(at, "signed");
		ax_json_error(err, j, where, 0, "signed must be true or false");
		free(where);
		return -1;
	}
	o->bits = (unsigned)bits;
	o->sign = json_is_true(sign);
	o->counts = ax_calloc((size_t)1 << bits, sizeof(*o->counts));
	where = ax_pointer(at, "counts");
	rc = read_counts(o, j, where, json_object_get(object, "counts"), err);
	free(where);
	return rc;
}

/* A name goes into messages, tables and metrics. */
static bool
good_name(const char *s)
{
	size_t n = s ? strlen(s) : 0;

	if (n == 0 || n > NAME_MAX_LEN)
		return false;
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f || *s == ',' ||
		    *s == '"')
			return false;
	return true;
}

static int
read_layer(struct ax_histogram *h, const struct ax_json *j, const char *at,
	   const json_t *object, struct ax_err *err)
{
	static const char *const known[] = {"name", "k", "products", "a", "b"};
	struct ax_histogram_layer *l;
	const char *name;
	char *where;
	int rc;

	if (only(j, at, object, known, AX_LEN(known), err) < 0)
		return -1;
	name = json_string_value(json_object_get(object, "name"));
	where = ax_pointer(at, "name");
	rc = 0;
	if (!good_name(name))
		rc = ax_json_error(err, j, where, 0,
				   "the name of a layer must be a string of 1 "
				   "to %d bytes, without comma, quote or "
				   "control character",
				   NAME_MAX_LEN);
	else if (ax_histogram_layer(h, name))
		rc = ax_json_error(err, j, where, 0,
				   "layer \"%.80s\" is there twice", name);
	free(where);
	if (rc < 0)
		return -1;
	AX_GROW(h->layers, h->n, h->cap);
	l = &h->layers[h->n++]; /* from here on freed with h */
	memset(l, 0, sizeof(*l));
	l->name = ax_strdup(name);
	if (member(&l->k, j, at, object, "k", 1, AX_HISTOGRAM_MOST, err) < 0 ||
	    member(&l->products, j, at, object, "products", 1,
		   AX_HISTOGRAM_MOST, err) < 0)
		return -1;
	where = ax_pointer(at, "a");
	rc = read_operand(&l->a, j, where, json_object_get(object, "a"), err);
	free(where);
	if (rc < 0)
		return -1;
	where = ax_pointer(at, "b");
	rc = read_operand(&l->b, j, where, json_object_get(object, "b"), err);
	free(where);
	return rc;
}

static int
read_all(struct ax_histogram *h, const struct ax_json *j, struct ax_err *err)
{
	static const char *const known[] = {"axpipe_histogram", "images",
					    "layers"};
	const json_t *list;
	uint64_t version;

	if (!json_is_object(j->root) ||
	    !json_object_get(j->root, "axpipe_histogram"))
		return ax_json_error(err, j, "", 0,
				     "this is no histogram: an object with "
				     "\"axpipe_histogram\": 1 is wanted");
	if (member(&version, j, "", j->root, "axpipe_histogram", 1, 1, err) <
		    0 ||
	    only(j, "", j->root, known, AX_LEN(known), err) < 0 ||
	    member(&h->images, j, "", j->root, "images", 1, AX_HISTOGRAM_MOST,
		   err) < 0)
		return -1;
	list = json_object_get(j->root, "layers");
	if (!json_is_array(list) || json_array_size(list) == 0 ||
	    json_array_size(list) > AX_HISTOGRAM_LAYERS)
		return ax_json_error(err, j, "/layers", 0,
				     "layers must be an array of 1 to %d "
				     "layers",
				     AX_HISTOGRAM_LAYERS);
	for (size_t i = 0; i < json_array_size(list); i++) {
		char *at = ax_pointer_i("/layers", i);
		int rc = read_layer(h, j, at, json_array_get(list, i), err);

		free(at);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int
from_json(struct ax_histogram *out, struct ax_json *j, struct ax_err *err)
{
	int rc = read_all(out, j, err);

	ax_json_free(j);
	if (rc < 0)
		ax_histogram_free(out);
	return rc;
}

int
ax_histogram_parse(struct ax_histogram *out, const char *name, const char *text,
		   size_t len, struct ax_err *err)
{
	struct ax_json j;

	memset(out, 0, sizeof(*out));
	return ax_json_parse(&j, name, text, len, err) < 0
		       ? -1
		       : from_json(out, &j, err);
}

int
ax_histogram_load(struct ax_histogram *out, const char *path,
		  struct ax_err *err)
{
	struct ax_json j;

	memset(out, 0, sizeof(*out));
	return ax_json_load(&j, path, err) < 0 ? -1 : from_json(out, &j, err);
}

static void
write_operand(struct ax_str *out, const char *name, const struct ax_operand *o)
{
	ax_str_addf(out,
		    "\"%s\": {\"bits\": %u, \"signed\": %s, "
		    "\"total\": %" PRIu64 ", \"counts\": [",
		    name, o->bits, o->sign ? "true" : "false", o->total);
	for (size_t i = 0; i < (size_t)1 << o->bits; i++)
		ax_str_addf(out, "%s%" PRIu64, i ? "," : "", o->counts[i]);
	ax_str_add(out, "]}");
}

void
ax_histogram_write(struct ax_str *out, const struct ax_histogram *h)
{
	ax_str_addf(out,
		    "{\"axpipe_histogram\": 1, \"images\": %" PRIu64
		    ", \"layers\": [",
		    h->images);
	for (size_t i = 0; i < h->n; i++) {
		const struct ax_histogram_layer *l = &h->layers[i];

		ax_str_addf(out, "%s\n{\"name\": ", i ? "," : "");
		ax_str_add_json(out, l->name);
		ax_str_addf(out,
			    ", \"k\": %" PRIu64 ", \"products\": %" PRIu64
			    ",\n ",
			    l->k, l->products);
		write_operand(out, "a", &l->a);
		ax_str_add(out, ",\n ");
		write_operand(out, "b", &l->b);
		ax_str_add(out, "}");
	}
	ax_str_add(out, "\n]}\n");
}

int
ax_histogram_save(const char *path, const struct ax_histogram *h,
		  struct ax_err *err)
{
	struct ax_str text = AX_STR_INIT;
	int rc;

	ax_histogram_write(&text, h);
	rc = ax_write_plain(path, text.buf, text.len, err);
	ax_str_free(&text);
	return rc;
}
