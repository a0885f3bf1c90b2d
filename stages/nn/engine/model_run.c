/* SPDX-License-Identifier: Apache-2.0 */
/* A model at work: forward, backward, step, and the memory of a batch. */
#include "stages/nn/engine/model.h"

/* The smallest free buffer that will do. Forward alone, any does: few are in
 * use at a time. In training all stay in use, and none is wasted on less than
 * half of it. */
static float *
take(struct ax_model *m, size_t floats)
{
	size_t bytes = floats * sizeof(float), i, best = m->n_buffers;
	struct ax_buffers *b;

	for (i = 0; i < m->n_buffers; i++)
		if (!m->buffers[i].used && m->buffers[i].bytes >= bytes &&
		    (!m->trained || m->buffers[i].bytes <= 2 * bytes) &&
		    (best == m->n_buffers ||
		     m->buffers[i].bytes < m->buffers[best].bytes))
			best = i;
	if (best == m->n_buffers) {
		AX_GROW(m->buffers, m->n_buffers, m->cap_buffers);
		b = &m->buffers[m->n_buffers++];
		b->bytes = bytes;
		b->ptr = ax_aligned(floats, sizeof(float));
	}
	m->buffers[best].used = true;
	return m->buffers[best].ptr;
}

static void
give(struct ax_model *m, const float *ptr)
{
	size_t i;

	for (i = 0; ptr && i < m->n_buffers; i++)
		if (m->buffers[i].ptr == ptr)
			m->buffers[i].used = false;
}

static void
give_all(struct ax_model *m)
{
	size_t i;
	unsigned v;

	for (i = 0; i < m->n_buffers; i++)
		m->buffers[i].used = false;
	for (v = 0; v < m->net.n_values; v++)
		m->value[v] = m->dvalue[v] = NULL;
}

void
ax_model_give_memory(struct ax_model *m)
{
	give_all(m);
	for (size_t i = 0; i < m->n_buffers; i++)
		free(m->buffers[i].ptr);
	m->n_buffers = 0;
}

static size_t
image_size(const struct ax_model *m, unsigned value)
{
	const struct ax_value_shape *s = &m->net.values[value];

	return s->c * s->h * s->w;
}

static struct ax_conv
conv_of(const struct ax_model *m, const struct ax_op *op)
{
	const struct ax_value_shape *a = &m->net.values[op->in];
	const struct ax_value_shape *b = &m->net.values[op->out];
	struct ax_conv c = {.cin = a->c,
			    .h = a->h,
			    .w = a->w,
			    .cout = b->c,
			    .oh = b->h,
			    .ow = b->w,
			    .kernel = {1, 1},
			    .stride = {1, 1},
			    .groups = 1};

	if (op->kind == AX_OP_CONV) {
		memcpy(c.kernel, op->kernel, sizeof(c.kernel));
		memcpy(c.stride, op->stride, sizeof(c.stride));
		memcpy(c.pad, op->pad, sizeof(c.pad));
		c.groups = op->groups;
	}
	return c;
}

static struct ax_operands
operands(const struct ax_model *m, unsigned i, const struct ax_conv *c)
{
	const struct ax_op *op = &m->net.ops[i];
	const struct ax_layer *l = &m->layer[i];
	struct ax_operands o = {
		c, m->value[op->in], m->param[op->weight], NULL, NULL, m->n};

	if (l->quantised) {
		o.in = &l->in;
		o.weight = &l->weight;
	}
	return o;
}

static struct ax_pooling
pooling_of(const struct ax_model *m, const struct ax_op *op)
{
	const struct ax_value_shape *a = &m->net.values[op->in];
	const struct ax_value_shape *b = &m->net.values[op->out];
	struct ax_pooling p = {.max = op->kind == AX_OP_MAXPOOL,
			       .h = a->h,
			       .w = a->w,
			       .oh = b->h,
			       .ow = b->w,
			       .kernel = {a->h, a->w},
			       .stride = {1, 1}};

	if (op->kind != AX_OP_GLOBALPOOL) {
		memcpy(p.kernel, op->kernel, sizeof(p.kernel));
		memcpy(p.stride, op->stride, sizeof(p.stride));
		memcpy(p.pad, op->pad, sizeof(p.pad));
	}
	return p;
}

static void
multiply(struct ax_model *m, unsigned i, float *y)
{
	const struct ax_op *op = &m->net.ops[i];
	struct ax_layer *l = &m->layer[i];
	struct ax_conv c = conv_of(m, op);
	struct ax_operands o = operands(m, i, &c);
	float *bias;

	if (m->observing && l->quantised)
		l->in.ops->see(&l->in, &l->fit, &m->eng, o.x,
			       m->n * image_size(m, op->in));
	if (m->spy)
		m->spy(m->spy_arg, m, i, o.x);
	l->product->ops->forward(l->product, &m->eng, &o, y);
	if (op->bias_at < 0)
		return;
	bias = ax_aligned(c.cout, sizeof(*bias));
	if (l->quantised)
		l->bias.ops->values(&l->bias, m->eng.kern, bias,
				    m->param[op->bias_at], c.cout);
	else
		memcpy(bias, m->param[op->bias_at], c.cout * sizeof(*bias));
	ax_bias(&m->eng, y, bias, m->n, c.cout, c.oh * c.ow);
	free(bias);
}

static void
forward_op(struct ax_model *m, unsigned i, float *y, bool train)
{
	const struct ax_op *op = &m->net.ops[i];
	const struct ax_value_shape *s = &m->net.values[op->in];
	const float *x = m->value[op->in];
	size_t image = image_size(m, op->out);
	struct ax_pooling p;

	switch (op->kind) {
	case AX_OP_CONV:
	case AX_OP_LINEAR:
		multiply(m, i, y);
		break;
	case AX_OP_BATCHNORM:
		if (train) {
			ax_norm_train(&m->eng, y, x, m->param[op->weight],
				      m->param[op->bias_at], m->param[op->mean],
				      m->param[op->var], op->eps, op->momentum,
				      &m->norm[i], m->n, s->c, s->h * s->w);
			if (op->count >= 0)
				m->count[op->count]++;
		} else {
			if (m->renorming)
				ax_norm_measure(&m->eng, m->param[op->mean],
						m->param[op->var], x, m->n,
						s->c, s->h * s->w);
			ax_norm_eval(&m->eng, y, x, m->param[op->weight],
				     m->param[op->bias_at], m->param[op->mean],
				     m->param[op->var], op->eps, m->n, s->c,
				     s->h * s->w);
		}
		break;
	case AX_OP_RELU:
		ax_relu(&m->eng, (struct ax_rectifier){op->slope, op->cap}, y,
			x, m->n, image);
		break;
	case AX_OP_ADD:
		ax_sum(&m->eng, y, x, m->value[op->with], m->n, image);
		break;
	case AX_OP_MAXPOOL:
	case AX_OP_AVGPOOL:
	case AX_OP_GLOBALPOOL:
		p = pooling_of(m, op);
		ax_pool_forward(&m->eng, &p, y, x, m->n, s->c);
		break;
	case AX_OP_FLATTEN:
		if (y != x)
			memcpy(y, x, m->n * image * sizeof(*y));
		break;
	}
}

const float *
ax_model_forward(struct ax_model *m, const float *x, size_t n, bool train)
{
	const struct ax_op *op;
	unsigned i, root;

	give_all(m);
	m->n = n;
	m->trained = train;
	m->value[0] = take(m, n * image_size(m, 0));
	memcpy(m->value[0], x, n * image_size(m, 0) * sizeof(*x));
	for (i = 0; i < m->net.n_ops; i++) {
		op = &m->net.ops[i];
		root = m->root[op->out];
		m->value[op->out] =
			root == op->out ? take(m, n * image_size(m, op->out))
					: m->value[root];
		forward_op(m, i, m->value[op->out], train);
		if (train)
			continue;
		root = m->root[op->in];
		if (m->root_last[root] == i && root != m->root[op->out])
			give(m, m->value[root]);
		root = m->root[op->with];
		if (op->kind == AX_OP_ADD && m->root_last[root] == i &&
		    root != m->root[op->out])
			give(m, m->value[root]);
	}
	return m->value[m->net.n_values - 1];
}

void
ax_model_renorm(struct ax_model *m, const float *x, size_t n)
{
	m->renorming = true;
	ax_model_forward(m, x, n, false);
	m->renorming = false;
	ax_model_give_memory(m);
}

/* The gradient of a value: the first one becomes it, others are added. */
static void
pass_back(struct ax_model *m, unsigned value, float *g)
{
	if (!m->dvalue[value]) {
		m->dvalue[value] = g;
		return;
	}
	ax_sum(&m->eng, m->dvalue[value], m->dvalue[value], g, m->n,
	       image_size(m, value));
	give(m, g);
}

static void
backward_multiply(struct ax_model *m, unsigned i, float *dy)
{
	const struct ax_op *op = &m->net.ops[i];
	struct ax_layer *l = &m->layer[i];
	struct ax_conv c = conv_of(m, op);
	struct ax_operands o = operands(m, i, &c);
	float *dx = op->in ? take(m, m->n * image_size(m, op->in)) : NULL;

	l->product->gradient->backward(l->product, &m->eng, &o, dy, dx,
				       m->grad[op->weight]);
	if (op->bias_at >= 0)
		ax_bias_grad(&m->eng, m->grad[op->bias_at], dy, m->n, c.cout,
			     c.oh * c.ow);
	give(m, dy);
	if (dx)
		pass_back(m, op->in, dx);
}

static void
backward_op(struct ax_model *m, unsigned i)
{
	const struct ax_op *op = &m->net.ops[i];
	const struct ax_value_shape *s = &m->net.values[op->in];
	size_t image = image_size(m, op->out);
	float *dy = m->dvalue[op->out], *dx;
	struct ax_pooling p;

	if (!dy)
		return; /* nothing reads it */
	m->dvalue[op->out] = NULL;
	switch (op->kind) {
	case AX_OP_CONV:
	case AX_OP_LINEAR:
		backward_multiply(m, i, dy);
		return;
	case AX_OP_BATCHNORM:
		ax_norm_backward(&m->eng, dy, m->grad[op->weight],
				 m->grad[op->bias_at], dy, m->value[op->in],
				 m->param[op->weight], &m->norm[i], m->n, s->c,
				 s->h * s->w);
		break;
	case AX_OP_RELU:
		ax_relu_backward(&m->eng,
				 (struct ax_rectifier){op->slope, op->cap}, dy,
				 dy, m->value[op->out], m->n, image);
		break;
	case AX_OP_ADD:
		dx = take(m, m->n * image);
		memcpy(dx, dy, m->n * image * sizeof(*dx));
		pass_back(m, op->with, dx);
		break;
	case AX_OP_MAXPOOL:
	case AX_OP_AVGPOOL:
	case AX_OP_GLOBALPOOL:
		dx = take(m, m->n * image_size(m, op->in));
		p = pooling_of(m, op);
		ax_pool_backward(&m->eng, &p, dx, dy, m->value[op->in], m->n,
				 s->c);
		give(m, dy);
		dy = dx;
		break;
	case AX_OP_FLATTEN:
		break;
	}
	pass_back(m, op->in, dy);
}

void
ax_model_backward(struct ax_model *m, const float *dlogits)
{
	unsigned last = m->net.n_values - 1, i;
	size_t n = m->n * image_size(m, last);

	if (!m->trained)
		abort(); /* the values are gone */
	m->dvalue[last] = take(m, n);
	memcpy(m->dvalue[last], dlogits, n * sizeof(*dlogits));
	for (i = m->net.n_ops; i-- > 0;)
		backward_op(m, i);
}

void
ax_model_step(struct ax_model *m, float lr, float momentum, float decay,
	      bool nesterov)
{
	unsigned i;

	for (i = 0; i < m->net.n_params; i++)
		if (m->grad[i])
			m->eng.kern->sgd(m->param[i], m->moment[i], m->grad[i],
					 lr, momentum, decay, nesterov,
					 m->net.params[i].n);
}
