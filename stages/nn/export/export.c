/* SPDX-License-Identifier: Apache-2.0 */
/* A network as files that other programs read: ONNX in the QDQ form, and its
 * tensors as .safetensors and .npy. */
#include "artifacts/base/io.h"
#include "artifacts/npy.h"
#include "artifacts/onnx.h"
#include "stages/nn/common/setup.h"

struct writer {
	const struct ax_model *m;
	struct ax_onnx o;
	bool *flat; /* by value: [N, c], else [N, c, h, w] */
	size_t quantised;
};

/* The name of a value; `out` has room for 32. */
static const char *
value(char *out, unsigned v)
{
	snprintf(out, 32, v ? "v%u" : "input", v);
	return out;
}

static void
node(struct writer *w, const char *op, const char *a, const char *b,
     const char *c, const char *out, const struct ax_onnx_attr *attr,
     size_t n_attr)
{
	const char *in[3] = {a, b, c};

	ax_onnx_node(&w->o, op, in, c ? 3 : b ? 2 : 1, out, attr, n_attr);
}

static void
add_floats(struct writer *w, const char *name, int param)
{
	const struct ax_net_param *p = &w->m->net.params[param];

	ax_onnx_tensor(&w->o, name, AX_ONNX_FLOAT, p->ndim, p->dim,
		       w->m->param[param], p->n * sizeof(float));
}

/* Scale and zero point of a quantiser as <name>_s and <name>_z. */
static void
add_scale(struct writer *w, const struct ax_quant *q, const char *name)
{
	size_t n = q->channels ? q->channels : 1, i;
	float *scale = ax_calloc(n, sizeof(*scale));
	uint8_t *zero = ax_calloc(n, 1);
	char *full = ax_asprintf("%s_s", name);

	for (i = 0; i < n; i++) {
		scale[i] = ax_quant_scale(q, i);
		zero[i] = (uint8_t)ax_quant_zero(q, i);
	}
	ax_onnx_tensor(&w->o, full, AX_ONNX_FLOAT, q->channels ? 1 : 0, &n,
		       scale, n * sizeof(*scale));
	full[strlen(full) - 1] = 'z';
	ax_onnx_tensor(&w->o, full, q->is_signed ? AX_ONNX_INT8 : AX_ONNX_UINT8,
		       q->channels ? 1 : 0, &n, zero, n);
	free(full);
	free(scale);
	free(zero);
}

static void
dequantise(struct writer *w, const struct ax_quant *q, const char *codes,
	   const char *name, const char *out)
{
	struct ax_onnx_attr axis = {"axis", 1, {0}, true, 0};
	char *s = ax_asprintf("%s_s", name), *z = ax_asprintf("%s_z", name);

	node(w, "DequantizeLinear", codes, s, z, out, &axis,
	     q->channels ? 1 : 0);
	free(s);
	free(z);
}

/* A parameter as its codes; `out` names what it stands for. */
static void
add_codes(struct writer *w, const struct ax_quant *q, int param,
	  const char *name, const char *out)
{
	const struct ax_net_param *p = &w->m->net.params[param];
	float *codes = ax_aligned(p->n, sizeof(*codes));
	uint8_t *bytes = ax_malloc(p->n + 1);
	size_t i;

	q->ops->codes(q, w->m->eng.kern, codes, w->m->param[param], p->n);
	for (i = 0; i < p->n; i++)
		bytes[i] = (uint8_t)(int)codes[i];
	ax_onnx_tensor(&w->o, name, q->is_signed ? AX_ONNX_INT8 : AX_ONNX_UINT8,
		       p->ndim, p->dim, bytes, p->n);
	add_scale(w, q, name);
	dequantise(w, q, name, name, out);
	free(codes);
	free(bytes);
}

/* x through the input's quantiser; the result is `out`. */
static void
add_input(struct writer *w, const struct ax_quant *q, const char *x,
	  const char *name, const char *out)
{
	char *s = ax_asprintf("%s_s", name), *z = ax_asprintf("%s_z", name);
	char *codes = ax_asprintf("%s_q", name);
	char *lo = ax_asprintf("%s_lo", name), *hi = ax_asprintf("%s_hi", name);
	char *cut = ax_asprintf("%s_c", name);

	add_scale(w, q, name);
	if (q->bits < 8) {
		ax_onnx_scalar(&w->o, lo, (q->lo - (float)q->zero) * q->scale);
		ax_onnx_scalar(&w->o, hi, (q->hi - (float)q->zero) * q->scale);
		node(w, "Clip", x, lo, hi, cut, NULL, 0);
		x = cut;
	}
	node(w, "QuantizeLinear", x, s, z, codes, NULL, 0);
	dequantise(w, q, codes, name, out);
	free(s);
	free(z);
	free(codes);
	free(lo);
	free(hi);
	free(cut);
}

/* Gives a value the rank that an operation wants: [N,c] or [N,c,h,w]. */
static const char *
as_rank(struct writer *w, char *out, unsigned v, bool flat, unsigned op)
{
	struct ax_onnx_attr axis = {"axis", 1, {1}, true, 0};
	int64_t shape[4] = {0, (int64_t)w->m->net.values[v].c, 1, 1};
	size_t four = 4;
	char from[32], dims[48];

	if (w->flat[v] == flat)
		return value(out, v);
	value(from, v);
	snprintf(out, 32, "r%u_%u", op, v);
	if (flat) {
		node(w, "Flatten", from, NULL, NULL, out, &axis, 1);
		return out;
	}
	snprintf(dims, sizeof(dims), "%s_shape", out);
	ax_onnx_tensor(&w->o, dims, AX_ONNX_INT64, 1, &four, shape,
		       sizeof(shape));
	node(w, "Reshape", from, dims, NULL, out, NULL, 0);
	return out;
}

static void
add_multiply(struct writer *w, unsigned i)
{
	const struct ax_op *op = &w->m->net.ops[i];
	const struct ax_layer *l = &w->m->layer[i];
	bool conv = op->kind == AX_OP_CONV;
	char rank[32], out[32];
	const char *x = as_rank(w, rank, op->in, !conv, i);
	char *in = ax_asprintf("%s.input", op->name), *bias = NULL;
	char *weight = ax_asprintf("%s.weight", op->name);
	char *in_dq = ax_asprintf("%s.input_dq", op->name);
	char *w_dq = ax_asprintf("%s.weight_dq", op->name);
	char *b_dq = ax_asprintf("%s.bias_dq", op->name);
	struct ax_onnx_attr attr[4] = {
		{"kernel_shape",
		 2,
		 {(int64_t)op->kernel[0], (int64_t)op->kernel[1]},
		 false,
		 0},
		{"strides",
		 2,
		 {(int64_t)op->stride[0], (int64_t)op->stride[1]},
		 false,
		 0},
		{"pads",
		 4,
		 {(int64_t)op->pad[0], (int64_t)op->pad[1], (int64_t)op->pad[0],
		  (int64_t)op->pad[1]},
		 false,
		 0},
		{"group", 1, {(int64_t)op->groups}, true, 0}};
	struct ax_onnx_attr turned = {"transB", 1, {1}, true, 0};

	if (op->bias_at >= 0)
		bias = ax_asprintf("%s.bias", op->name);
	if (l->quantised && l->in.set) {
		w->quantised++;
		add_input(w, &l->in, x, in, in_dq);
		add_codes(w, &l->weight, op->weight, weight, w_dq);
		if (bias)
			add_codes(w, &l->bias, op->bias_at, bias, b_dq);
	} else {
		add_floats(w, weight, op->weight);
		if (bias)
			add_floats(w, bias, op->bias_at);
	}
	node(w, conv ? "Conv" : "Gemm", l->quantised && l->in.set ? in_dq : x,
	     l->quantised && l->in.set ? w_dq : weight,
	     !bias                       ? NULL
	     : l->quantised && l->in.set ? b_dq
					 : bias,
	     value(out, op->out), conv ? attr : &turned, conv ? 4 : 1);
	w->flat[op->out] = !conv;
	free(in);
	free(weight);
	free(in_dq);
	free(w_dq);
	free(b_dq);
	free(bias);
}

static void
add_norm(struct writer *w, unsigned i)
{
	const struct ax_op *op = &w->m->net.ops[i];
	struct ax_onnx_attr eps = {"epsilon", 0, {0}, false, (float)op->eps};
	int params[4] = {op->weight, op->bias_at, op->mean, op->var}, p;
	const char *in[5];
	char from[32], out[32];

	in[0] = value(from, op->in);
	for (p = 0; p < 4; p++) {
		in[p + 1] = w->m->net.params[params[p]].name;
		add_floats(w, in[p + 1], params[p]);
	}
	ax_onnx_node(&w->o, "BatchNormalization", in, 5, value(out, op->out),
		     &eps, 1);
	w->flat[op->out] = w->flat[op->in];
}

static void
add_relu(struct writer *w, unsigned i)
{
	const struct ax_op *op = &w->m->net.ops[i];
	struct ax_onnx_attr alpha = {"alpha", 0, {0}, false, op->slope};
	char from[32], out[32], part[32], lo[32], hi[32];
	const char *x = value(from, op->in);

	value(out, op->out);
	snprintf(part, sizeof(part), "p%u", i);
	snprintf(lo, sizeof(lo), "p%u_lo", i);
	snprintf(hi, sizeof(hi), "p%u_hi", i);
	if (op->cap > 0)
		ax_onnx_scalar(&w->o, hi, op->cap);
	if (op->slope > 0) {
		node(w, "LeakyRelu", x, NULL, NULL, op->cap > 0 ? part : out,
		     &alpha, 1);
		if (op->cap > 0)
			node(w, "Clip", part, NULL, hi, out, NULL, 0);
	} else if (op->cap > 0) {
		ax_onnx_scalar(&w->o, lo, 0);
		node(w, "Clip", x, lo, hi, out, NULL, 0);
	} else {
		node(w, "Relu", x, NULL, NULL, out, NULL, 0);
	}
	w->flat[op->out] = w->flat[op->in];
}

static void
add_pool(struct writer *w, unsigned i)
{
	const struct ax_op *op = &w->m->net.ops[i];
	bool max = op->kind == AX_OP_MAXPOOL;
	char from[32], out[32];
	const char *x = as_rank(w, from, op->in, false, i);
	struct ax_onnx_attr attr[4] = {
		{"kernel_shape",
		 2,
		 {(int64_t)op->kernel[0], (int64_t)op->kernel[1]},
		 false,
		 0},
		{"strides",
		 2,
		 {(int64_t)op->stride[0], (int64_t)op->stride[1]},
		 false,
		 0},
		{"pads",
		 4,
		 {(int64_t)op->pad[0], (int64_t)op->pad[1], (int64_t)op->pad[0],
		  (int64_t)op->pad[1]},
		 false,
		 0},
		{"count_include_pad", 1, {1}, true, 0}};

	value(out, op->out);
	if (op->kind == AX_OP_GLOBALPOOL)
		node(w, "GlobalAveragePool", x, NULL, NULL, out, NULL, 0);
	else
		node(w, max ? "MaxPool" : "AveragePool", x, NULL, NULL, out,
		     attr, max ? 3 : 4);
	w->flat[op->out] = false;
}

static void
add_op(struct writer *w, unsigned i)
{
	struct ax_onnx_attr axis = {"axis", 1, {1}, true, 0};
	const struct ax_op *op = &w->m->net.ops[i];
	char a[32], b[32], out[32];

	switch (op->kind) {
	case AX_OP_CONV:
	case AX_OP_LINEAR:
		add_multiply(w, i);
		break;
	case AX_OP_BATCHNORM:
		add_norm(w, i);
		break;
	case AX_OP_RELU:
		add_relu(w, i);
		break;
	case AX_OP_ADD:
		node(w, "Add", value(a, op->in),
		     as_rank(w, b, op->with, w->flat[op->in], i), NULL,
		     value(out, op->out), NULL, 0);
		w->flat[op->out] = w->flat[op->in];
		break;
	case AX_OP_FLATTEN:
		node(w, "Flatten", value(a, op->in), NULL, NULL,
		     value(out, op->out), &axis, 1);
		w->flat[op->out] = true;
		break;
	default:
		add_pool(w, i);
	}
}

static void
add_metadata(struct writer *w, const struct ax_dataset *d)
{
	struct ax_str s = AX_STR_INIT;
	size_t i;

	ax_onnx_meta(&w->o, "network", w->m->net.text);
	ax_format_write(&s, &w->m->format);
	ax_onnx_meta(&w->o, "format", s.buf);
	for (i = 0; d && i < 2; i++) {
		const double *v = i ? d->std : d->mean;

		ax_str_free(&s);
		for (size_t c = 0; c < d->channels; c++) {
			ax_str_add(&s, c ? "," : "");
			ax_str_add_num(&s, v[c]);
		}
		ax_onnx_meta(&w->o, i ? "std" : "mean", s.buf);
	}
	ax_str_free(&s);
}

static int
write_onnx(struct ax_task *t, const struct ax_model *m,
	   const struct ax_dataset *d, struct ax_err *err)
{
	struct writer w = {m, AX_ONNX_INIT, NULL, 0};
	const struct ax_value_shape *in = &m->net.values[0];
	size_t shape[3] = {in->c, in->h, in->w};
	unsigned last = m->net.n_values - 1, i;
	struct ax_onnx_attr axis = {"axis", 1, {1}, true, 0};
	struct ax_str s = AX_STR_INIT;
	char from[32];
	int rc;

	w.flat = ax_calloc(m->net.n_values, sizeof(*w.flat));
	for (i = 0; i < m->net.n_ops; i++)
		add_op(&w, i);
	/* the logits are rows, whatever came last */
	node(&w, "Flatten", value(from, last), NULL, NULL, "logits", &axis, 1);
	add_metadata(&w, d);
	ax_onnx_write(&s, &w.o, m->net.name, "input", 3, shape, "logits", 1,
		      &m->net.classes);
	rc = ax_write_plain(ax_task_out(t, "onnx"), s.buf, s.len, err);
	ax_task_metric_int(t, "nodes", w.o.n_nodes);
	ax_task_metric_int(t, "quantised", (int64_t)w.quantised);
	ax_str_free(&s);
	ax_onnx_free(&w.o);
	free(w.flat);
	return rc;
}

static int
write_tensors(struct ax_task *t, const struct ax_model *m, struct ax_err *err)
{
	struct ax_checkpoint c = AX_CHECKPOINT_INIT;
	const char *folder = ax_task_out(t, "arrays");
	size_t i;
	int rc = ax_model_store(m, &c, err);

	if (rc == 0)
		rc = ax_checkpoint_save(ax_task_out(t, "checkpoint"), &c, err);
	for (i = 0; rc == 0 && i < c.n; i++) {
		char *path =
			ax_asprintf("%s/%s.npy", folder, c.tensors[i]->name);

		rc = ax_npy_save(path, c.tensors[i], err);
		free(path);
	}
	ax_checkpoint_free(&c);
	return rc;
}

int
ax_stage_run(struct ax_task *t, struct ax_err *err)
{
	bool has = ax_task_in(t, "dataset") != NULL;
	struct ax_dataset d;
	struct ax_model m;
	int rc;

	if (has && ax_setup_dataset(&d, t, err) < 0)
		return -1;
	rc = ax_setup_model(&m, t, has ? &d : NULL, true, err);
	if (rc == 0) {
		rc = write_onnx(t, &m, has ? &d : NULL, err);
		if (rc == 0)
			rc = write_tensors(t, &m, err);
		ax_task_metric_int(t, "parameters",
				   (int64_t)ax_network_trained(&m.net));
		ax_model_free(&m);
	}
	if (has)
		ax_dataset_free(&d);
	return rc;
}
