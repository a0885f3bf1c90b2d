/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/onnx.h"

/* --- the encoding: number of the field, kind, value ------------------------
 */

static void
varint(struct ax_str *s, uint64_t v)
{
	while (v > 127) {
		ax_str_addc(s, (char)(v | 128));
		v >>= 7;
	}
	ax_str_addc(s, (char)v);
}

static void
add_int(struct ax_str *s, unsigned field, int64_t v)
{
	varint(s, field << 3);
	varint(s, (uint64_t)v);
}

static void
add_bytes(struct ax_str *s, unsigned field, const void *bytes, size_t n)
{
	varint(s, field << 3 | 2);
	varint(s, n);
	ax_str_addn(s, bytes, n);
}

static void
add_text(struct ax_str *s, unsigned field, const char *text)
{
	add_bytes(s, field, text, strlen(text));
}

static void
add_float(struct ax_str *s, unsigned field, float v)
{
	varint(s, field << 3 | 5);
	ax_str_addn(s, &v, sizeof(v));
}

/* A message as a field of another; empties it. */
static void
add_message(struct ax_str *s, unsigned field, struct ax_str *m)
{
	add_bytes(s, field, m->len ? m->buf : "", m->len);
	ax_str_free(m);
}

/* --- parts of a graph ------------------------------------------------------
 */

void
ax_onnx_free(struct ax_onnx *o)
{
	ax_str_free(&o->nodes);
	ax_str_free(&o->tensors);
	ax_str_free(&o->metadata);
	o->n_nodes = 0;
}

void
ax_onnx_tensor(struct ax_onnx *o, const char *name, enum ax_onnx_type type,
	       unsigned ndim, const size_t *dim, const void *data, size_t bytes)
{
	struct ax_str t = AX_STR_INIT; /* TensorProto */
	unsigned i;

	for (i = 0; i < ndim; i++)
		add_int(&t, 1, (int64_t)dim[i]);
	add_int(&t, 2, type);
	add_text(&t, 8, name);
	add_bytes(&t, 9, data, bytes);
	add_message(&o->tensors, 5, &t);
}

void
ax_onnx_scalar(struct ax_onnx *o, const char *name, float value)
{
	ax_onnx_tensor(o, name, AX_ONNX_FLOAT, 0, NULL, &value, sizeof(value));
}

static void
add_attribute(struct ax_str *node, const struct ax_onnx_attr *a)
{
	struct ax_str s = AX_STR_INIT; /* AttributeProto */
	size_t i;

	add_text(&s, 1, a->name);
	if (a->n == 0)
		add_float(&s, 2, a->f);
	else if (a->single)
		add_int(&s, 3, a->ints[0]);
	else
		for (i = 0; i < a->n; i++)
			add_int(&s, 8, a->ints[i]);
	/* its type: FLOAT, INT or INTS */
	add_int(&s, 20, a->n == 0 ? 1 : a->single ? 2 : 7);
	add_message(node, 5, &s);
}

void
ax_onnx_node(struct ax_onnx *o, const char *op, const char *const *in,
	     size_t n_in, const char *out, const struct ax_onnx_attr *attr,
	     size_t n_attr)
{
	struct ax_str s = AX_STR_INIT; /* NodeProto */
	char name[32];
	size_t i;

	for (i = 0; i < n_in; i++)
		add_text(&s, 1, in[i] ? in[i] : "");
	add_text(&s, 2, out);
	snprintf(name, sizeof(name), "n%u", o->n_nodes++);
	add_text(&s, 3, name);
	add_text(&s, 4, op);
	for (i = 0; i < n_attr; i++)
		add_attribute(&s, &attr[i]);
	add_message(&o->nodes, 1, &s);
}

void
ax_onnx_meta(struct ax_onnx *o, const char *key, const char *value)
{
	struct ax_str s = AX_STR_INIT; /* StringStringEntryProto */

	add_text(&s, 1, key);
	add_text(&s, 2, value);
	add_message(&o->metadata, 14, &s);
}

/* ValueInfoProto of float[N, dim...] */
static void
add_value(struct ax_str *graph, unsigned field, const char *name, unsigned dims,
	  const size_t *dim)
{
	struct ax_str d = AX_STR_INIT, shape = AX_STR_INIT, t = AX_STR_INIT;
	struct ax_str type = AX_STR_INIT, v = AX_STR_INIT;
	unsigned i;

	add_text(&d, 2, "N");
	add_message(&shape, 1, &d);
	for (i = 0; i < dims; i++) {
		add_int(&d, 1, (int64_t)dim[i]);
		add_message(&shape, 1, &d);
	}
	add_int(&t, 1, AX_ONNX_FLOAT);
	add_message(&t, 2, &shape);
	add_message(&type, 1, &t);
	add_text(&v, 1, name);
	add_message(&v, 2, &type);
	add_message(graph, field, &v);
}

void
ax_onnx_write(struct ax_str *out, const struct ax_onnx *o, const char *name,
	      const char *input, unsigned in_dims, const size_t *in_dim,
	      const char *output, unsigned out_dims, const size_t *out_dim)
{
	struct ax_str graph = AX_STR_INIT, set = AX_STR_INIT;

	ax_str_addn(&graph, o->nodes.buf, o->nodes.len);
	add_text(&graph, 2, name);
	if (o->tensors.len)
		ax_str_addn(&graph, o->tensors.buf, o->tensors.len);
	add_value(&graph, 11, input, in_dims, in_dim);
	add_value(&graph, 12, output, out_dims, out_dim);
	add_int(out, 1, 7); /* version of the format */
	add_text(out, 2, "axpipe");
	add_message(out, 7, &graph);
	add_text(&set, 1, "");
	add_int(&set, 2, 13); /* operator set */
	add_message(out, 8, &set);
	if (o->metadata.len)
		ax_str_addn(out, o->metadata.buf, o->metadata.len);
}
