/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The .safetensors format: 8 bytes little-endian length of the header, a JSON
 * header, the data. Format: github.com/huggingface/safetensors, "Format".
 */
#include "artifacts/checkpoint.h"

#include "artifacts/base/io.h"
#include "artifacts/base/json.h"

#define MAX_HEADER ((size_t)32 << 20)

static const char *const names[AX_DTYPES] = {
	[AX_F32] = "F32", [AX_F64] = "F64", [AX_I8] = "I8",   [AX_U8] = "U8",
	[AX_I16] = "I16", [AX_U16] = "U16", [AX_I32] = "I32", [AX_I64] = "I64",
};

/* Where a tensor lies in the data, to find holes and overlaps. */
struct span {
	size_t from, to;
	const char *name;
};

static int
by_from(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int
get_dtype(enum ax_dtype *d, const char *name, const char *tensor,
	  const char *text, struct ax_err *err)
{
	size_t i;

	for (i = 0; i < AX_DTYPES; i++)
		if (ax_streq(names[i], text)) {
			*d = (enum ax_dtype)i;
			return 0;
		}
	if (ax_streq(text, "BOOL")) {
		*d = AX_U8;
		return 0;
	}
	return ax_err_set(err, AX_EXIT_STAGE,
			  "%s: tensor '%s' has elements of type %s, which is "
			  "not supported (F32 F64 I8 U8 I16 U16 I32 I64 BOOL "
			  "are)",
			  name, tensor, text ? text : "(none)");
}

static int
get_size(size_t *out, const json_t *v)
{
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return -1;
	*out = (size_t)json_integer_value(v);
	return 0;
}

static int
get_tensor(struct ax_checkpoint *out, struct span *span, const char *name,
	   const char *tensor, json_t *v, const uint8_t *data, size_t len,
	   struct ax_err *err)
{
	json_t *shape = json_object_get(v, "shape");
	json_t *offsets = json_object_get(v, "data_offsets");
	size_t dim[AX_TENSOR_DIMS], n, bytes, i;
	struct ax_tensor *t;
	enum ax_dtype d = AX_U8;

	if (!json_is_object(v) || json_object_size(v) != 3 ||
	    !json_is_array(shape) || !json_is_array(offsets) ||
	    json_array_size(offsets) != 2)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: entry '%s' of the header is not "
				  "{dtype, shape, data_offsets: [from, to]}",
				  name, tensor);
	if (get_dtype(&d, name, tensor,
		      json_string_value(json_object_get(v, "dtype")), err) < 0)
		return -1;
	if (json_array_size(shape) > AX_TENSOR_DIMS)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: tensor '%s' has %zu dimensions; at most "
				  "%d are supported",
				  name, tensor, json_array_size(shape),
				  AX_TENSOR_DIMS);
	for (i = 0; i < json_array_size(shape); i++)
		if (get_size(&dim[i], json_array_get(shape, i)) < 0)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "%s: tensor '%s': dimension %zu is "
					  "not a size",
					  name, tensor, i);
	if (get_size(&span->from, json_array_get(offsets, 0)) < 0 ||
	    get_size(&span->to, json_array_get(offsets, 1)) < 0 ||
	    span->from > span->to || span->to > len)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: tensor '%s': data_offsets do not lie in "
				  "the %zu bytes of data",
				  name, tensor, len);
	span->name = tensor;
	if (ax_tensor_size(&n, &bytes, tensor, d,
			   (unsigned)json_array_size(shape), dim, err) < 0)
		return ax_err_wrap(err, "%s: bad header", name);
	if (bytes != span->to - span->from)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: tensor '%s' needs %zu bytes, its "
				  "data_offsets span %zu",
				  name, tensor, bytes, span->to - span->from);
	t = ax_checkpoint_add(out, tensor, d, (unsigned)json_array_size(shape),
			      dim, err);
	if (!t)
		return ax_err_wrap(err, "%s: bad header", name);
	/* overlaps are found later; each span lies inside the file, and all of
	 * them together are held to its size by the caller */
	memcpy(t->data, data + span->from, bytes);
	return 0;
}

static int
get_meta(struct ax_checkpoint *out, const char *name, json_t *v,
	 struct ax_err *err)
{
	const char *key;
	json_t *value;

	if (!json_is_object(v))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: __metadata__ is not an object", name);
	json_object_foreach(v, key, value)
	{
		if (!json_is_string(value))
			return ax_err_set(err, AX_EXIT_STAGE,
					  "%s: __metadata__ '%s' is not a "
					  "string",
					  name, key);
		/* a linear search a key: only as many as are ever written */
		if (out->n_meta >= 4096)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "%s: more than 4096 pairs of "
					  "metadata",
					  name);
		ax_checkpoint_set_meta(out, key, json_string_value(value));
	}
	return 0;
}

/* The data must be covered without holes or overlaps, as the format says. */
static int
check_cover(struct span *spans, size_t n, const char *name, size_t len,
	    struct ax_err *err)
{
	size_t at = 0, i;

	qsort(spans, n, sizeof(*spans), by_from);
	for (i = 0; i < n; i++) {
		if (spans[i].from != at)
			return ax_err_set(
				err, AX_EXIT_STAGE,
				"%s: tensor '%s' begins at byte %zu of the "
				"data, %s at %zu is expected",
				name, spans[i].name, spans[i].from,
				spans[i].from < at ? "overlap: a begin"
						   : "hole: a begin",
				at);
		at = spans[i].to;
	}
	if (at != len)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: the tensors end at byte %zu of the "
				  "data, the file has %zu",
				  name, at, len);
	return 0;
}

static int
get_all(struct ax_checkpoint *out, const char *name, json_t *root,
	const uint8_t *data, size_t len, struct ax_err *err)
{
	size_t n = 0, total = 0;
	struct span *spans;
	const char *key;
	json_t *v;
	int rc = -1;

	if (!json_is_object(root))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: the header is not an object", name);
	spans = ax_calloc(json_object_size(root) + 1, sizeof(*spans));
	json_object_foreach(root, key, v)
	{
		if (ax_streq(key, "__metadata__")) {
			if (get_meta(out, name, v, err) < 0)
				goto done;
			continue;
		}
		if (get_tensor(out, &spans[n], name, key, v, data, len, err) <
		    0)
			goto done;
		total += spans[n].to - spans[n].from;
		n++;
		if (total > len) {
			ax_err_set(err, AX_EXIT_STAGE,
				   "%s: tensors overlap: up to '%s' they need "
				   "more than the %zu bytes of data",
				   name, key, len);
			goto done;
		}
	}
	rc = check_cover(spans, n, name, len, err);
done:
	free(spans);
	return rc;
}

int
ax_safetensors_parse(struct ax_checkpoint *out, const char *name,
		     const void *bytes, size_t len, struct ax_err *err)
{
	const uint8_t *b = bytes;
	struct ax_json j;
	uint64_t head = 0;
	int i, rc;

	*out = (struct ax_checkpoint)AX_CHECKPOINT_INIT;
	if (len < 8)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: not .safetensors: %zu bytes are fewer "
				  "than its first field",
				  name, len);
	for (i = 0; i < 8; i++)
		head |= (uint64_t)b[i] << 8 * i;
	if (head > MAX_HEADER || head > len - 8 || head < 2 || b[8] != '{')
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: not .safetensors: header of %" PRIu64
				  " bytes in a file of %zu",
				  name, head, len);
	if (ax_json_parse(&j, name, (const char *)b + 8, (size_t)head, err) <
	    0) {
		if (err)
			err->exit = AX_EXIT_STAGE;
		return ax_err_wrap(err,
				   "%s: the .safetensors header is no "
				   "JSON",
				   name);
	}
	rc = get_all(out, name, j.root, b + 8 + head, len - 8 - (size_t)head,
		     err);
	ax_json_free(&j);
	if (rc < 0)
		ax_checkpoint_free(out);
	return rc;
}

static int
by_size_and_name(const void *a, const void *b)
{
	const struct ax_tensor *x = *(const struct ax_tensor *const *)a;
	const struct ax_tensor *y = *(const struct ax_tensor *const *)b;
	size_t p = ax_dtype_size(x->dtype), q = ax_dtype_size(y->dtype);

	if (p != q)
		return p > q ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int
by_key(const void *a, const void *b)
{
	return strcmp(((const struct ax_meta *)a)->key,
		      ((const struct ax_meta *)b)->key);
}

static void
put_header(struct ax_str *h, const struct ax_checkpoint *c,
	   struct ax_tensor *const *sorted)
{
	struct ax_meta *meta = ax_calloc(c->n_meta + 1, sizeof(*meta));
	size_t at = 0, i;
	unsigned d;

	ax_str_addc(h, '{');
	if (c->n_meta) {
		memcpy(meta, c->meta, c->n_meta * sizeof(*meta));
		qsort(meta, c->n_meta, sizeof(*meta), by_key);
		ax_str_add(h, "\"__metadata__\":{");
		for (i = 0; i < c->n_meta; i++) {
			if (i)
				ax_str_addc(h, ',');
			ax_str_add_json(h, meta[i].key);
			ax_str_addc(h, ':');
			ax_str_add_json(h, meta[i].value);
		}
		ax_str_addc(h, '}');
	}
	for (i = 0; i < c->n; i++) {
		const struct ax_tensor *t = sorted[i];

		if (i || c->n_meta)
			ax_str_addc(h, ',');
		ax_str_add_json(h, t->name);
		ax_str_addf(h, ":{\"dtype\":\"%s\",\"shape\":[",
			    names[t->dtype]);
		for (d = 0; d < t->ndim; d++)
			ax_str_addf(h, "%s%zu", d ? "," : "", t->dim[d]);
		ax_str_addf(h, "],\"data_offsets\":[%zu,%zu]}", at,
			    at + t->bytes);
		at += t->bytes;
	}
	ax_str_addc(h, '}');
	while (h->len % 8)
		ax_str_addc(h, ' ');
	free(meta);
}

int
ax_checkpoint_save(const char *path, const struct ax_checkpoint *c,
		   struct ax_err *err)
{
	struct ax_tensor **sorted = ax_calloc(c->n + 1, sizeof(*sorted));
	struct ax_str h = AX_STR_INIT;
	size_t total = 8, at = 8, i;
	uint8_t *file;
	int rc;

	if (c->n)
		memcpy(sorted, c->tensors, c->n * sizeof(*sorted));
	qsort(sorted, c->n, sizeof(*sorted), by_size_and_name);
	put_header(&h, c, sorted);
	if (h.len > MAX_HEADER) {
		rc = ax_err_set(err, AX_EXIT_STAGE,
				"%s: a header of %zu bytes is larger than the "
				"format's readers accept",
				path, h.len);
		goto done;
	}
	total += h.len;
	for (i = 0; i < c->n; i++)
		total += sorted[i]->bytes;
	file = ax_malloc(total);
	for (i = 0; i < 8; i++)
		file[i] = (uint8_t)(h.len >> 8 * i);
	memcpy(file + at, h.buf, h.len);
	at += h.len;
	for (i = 0; i < c->n; i++) {
		memcpy(file + at, sorted[i]->data, sorted[i]->bytes);
		at += sorted[i]->bytes;
	}
	rc = ax_write_file(path, file, total, err);
	free(file);
done:
	free(sorted);
	ax_str_free(&h);
	return rc;
}
