/* SPDX-License-Identifier: Apache-2.0 */
/* Life of a model: making, loading, saving, scales. */
#include "stages/nn/engine/model.h"

#include <math.h>

#include "artifacts/base/fmath.h"
#include "artifacts/base/rng.h"

static bool
multiplies(const struct ax_op *op)
{
	return op->kind == AX_OP_CONV || op->kind == AX_OP_LINEAR;
}

/*
 * Operations that may write over their input: its only reader they are, and
 * what made it does not look at it again on the way back.
 */
static bool
may_overwrite(const struct ax_network *net, const struct ax_op *op,
	      const unsigned *readers, const int *maker)
{
	enum ax_op_kind by;

	if (op->in == 0 || readers[op->in] != 1)
		return false;
	if (op->kind == AX_OP_FLATTEN)
		return true;
	if (op->kind != AX_OP_RELU && op->kind != AX_OP_ADD)
		return false;
	by = net->ops[maker[op->in]].kind;
	return by == AX_OP_BATCHNORM || by == AX_OP_CONV ||
	       by == AX_OP_LINEAR ||
	       (by == AX_OP_ADD && op->kind == AX_OP_RELU);
}

static void
plan_memory(struct ax_model *m)
{
	const struct ax_network *net = &m->net;
	unsigned *readers = ax_calloc(net->n_values, sizeof(*readers)), i;
	int *maker = ax_calloc(net->n_values, sizeof(*maker));
	const struct ax_op *op;

	m->root = ax_calloc(net->n_values, sizeof(*m->root));
	m->root_last = ax_calloc(net->n_values, sizeof(*m->root_last));
	for (i = 0; i < net->n_ops; i++) {
		op = &net->ops[i];
		readers[op->in]++;
		if (op->kind == AX_OP_ADD)
			readers[op->with]++;
		maker[op->out] = (int)i;
	}
	for (i = 0; i < net->n_ops; i++) {
		op = &net->ops[i];
		m->root[op->out] = may_overwrite(net, op, readers, maker)
					   ? m->root[op->in]
					   : op->out;
	}
	for (i = 0; i < net->n_ops; i++) {
		op = &net->ops[i];
		m->root_last[m->root[op->in]] = i;
		if (op->kind == AX_OP_ADD)
			m->root_last[m->root[op->with]] = i;
	}
	free(readers);
	free(maker);
}

void
ax_model_init(struct ax_model *m, struct ax_network *net, struct ax_pool *pool,
	      const struct ax_kern *kern)
{
	unsigned i;

	memset(m, 0, sizeof(*m));
	m->net = *net;
	memset(net, 0, sizeof(*net));
	ax_engine_init(&m->eng, pool, kern);
	m->param = ax_calloc(m->net.n_params + 1, sizeof(*m->param));
	m->grad = ax_calloc(m->net.n_params + 1, sizeof(*m->grad));
	m->moment = ax_calloc(m->net.n_params + 1, sizeof(*m->moment));
	m->count = ax_calloc(m->net.n_params + 1, sizeof(*m->count));
	m->layer = ax_calloc(m->net.n_ops + 1, sizeof(*m->layer));
	m->norm = ax_calloc(m->net.n_ops + 1, sizeof(*m->norm));
	m->value = ax_calloc(m->net.n_values + 1, sizeof(*m->value));
	m->dvalue = ax_calloc(m->net.n_values + 1, sizeof(*m->dvalue));
	for (i = 0; i < m->net.n_params; i++) {
		const struct ax_net_param *p = &m->net.params[i];

		if (p->role == AX_ROLE_COUNT)
			continue;
		m->param[i] = ax_aligned(p->n, sizeof(float));
		if (p->trained) {
			m->grad[i] = ax_aligned(p->n, sizeof(float));
			m->moment[i] = ax_aligned(p->n, sizeof(float));
		}
	}
	for (i = 0; i < m->net.n_ops; i++) {
		const struct ax_op *op = &m->net.ops[i];
		size_t c = m->net.values[op->out].c;

		if (op->kind == AX_OP_BATCHNORM) {
			m->norm[i].mean = ax_calloc(c, sizeof(double));
			m->norm[i].inv = ax_calloc(c, sizeof(double));
		}
		if (!multiplies(op))
			continue;
		m->layer[i].quantised = op->arith != AX_ARITH_FLOAT;
		m->layer[i].approx = op->arith == AX_ARITH_APPROX;
		m->layer[i].product = &ax_product_float;
	}
	m->format = ax_format_published();
	ax_model_set_format(m, &m->format);
	plan_memory(m);
}

double
ax_model_memory(const struct ax_network *net, size_t n, bool train)
{
	double params = 0, all = 0, peak = 0, in, out;
	unsigned i;

	for (i = 0; i < net->n_params; i++)
		/* value, gradient and momentum */
		params += (double)net->params[i].n *
			  (net->params[i].trained ? 3 : 1);
	for (i = 0; i < net->n_ops; i++) {
		const struct ax_op *op = &net->ops[i];
		const struct ax_value_shape *a = &net->values[op->in];
		const struct ax_value_shape *b = &net->values[op->out];

		in = (double)a->c * (double)a->h * (double)a->w;
		out = (double)b->c * (double)b->h * (double)b->w;
		/* these may write over their input */
		if (op->kind == AX_OP_RELU || op->kind == AX_OP_ADD ||
		    op->kind == AX_OP_FLATTEN)
			out = 0;
		all += out;
		peak = AX_MAX(peak, in + out);
	}
	return sizeof(float) * (params + (double)n * (train ? all : peak));
}

const char *
ax_model_not_finite(const struct ax_model *m)
{
	unsigned i;
	size_t j;

	for (i = 0; i < m->net.n_params; i++)
		for (j = 0; m->param[i] && j < m->net.params[i].n; j++)
			if (!isfinite(m->param[i][j]))
				return m->net.params[i].name;
	return NULL;
}

void
ax_model_free(struct ax_model *m)
{
	unsigned i;

	for (i = 0; i < m->net.n_params; i++) {
		free(m->param[i]);
		free(m->grad[i]);
		free(m->moment[i]);
	}
	for (i = 0; i < m->net.n_ops; i++) {
		free(m->norm[i].mean);
		free(m->norm[i].inv);
		ax_quant_free(&m->layer[i].in);
		ax_quant_free(&m->layer[i].weight);
		ax_quant_free(&m->layer[i].bias);
		ax_product_free(&m->layer[i].own);
	}
	ax_model_give_memory(m);
	free(m->buffers);
	free(m->param);
	free(m->grad);
	free(m->moment);
	free(m->count);
	free(m->layer);
	free(m->norm);
	free(m->value);
	free(m->dvalue);
	free(m->root);
	free(m->root_last);
	ax_engine_free(&m->eng);
	ax_network_free(&m->net);
	memset(m, 0, sizeof(*m));
}

void
ax_model_random(struct ax_model *m, uint64_t seed)
{
	struct ax_rng r;
	double std, u;
	unsigned i;
	size_t j, fan;

	for (i = 0; i < m->net.n_params; i++) {
		const struct ax_net_param *p = &m->net.params[i];
		float *w = m->param[i];

		switch (p->role) {
		case AX_ROLE_WEIGHT:
			fan = p->n / p->dim[0];
			std = sqrt((m->net.ops[p->op].kind == AX_OP_CONV
					    ? 2.0
					    : 1.0) /
				   (double)fan);
			r = ax_rng(seed, "init", i);
			for (j = 0; j < p->n; j++) {
				u = ax_rng_double(&r);
				w[j] = (float)(std *
					       ax_normal(u, ax_rng_double(&r)));
			}
			break;
		case AX_ROLE_GAMMA:
		case AX_ROLE_VAR:
			for (j = 0; j < p->n; j++)
				w[j] = 1;
			break;
		case AX_ROLE_COUNT:
			m->count[i] = 0;
			break;
		default:
			memset(w, 0, p->n * sizeof(*w));
		}
	}
}

/* --- scales --------------------------------------------------------------- */

/* A quantiser of the format, no scale set. */
static void
make_quant(struct ax_quant *q, unsigned bits, bool is_signed, bool asymmetric,
	   size_t channels)
{
	ax_quant_free(q);
	ax_quant_init(q,
		      asymmetric ? &ax_quant_asymmetric : &ax_quant_symmetric,
		      bits, is_signed);
	if (!is_signed)
		q->zero = 1 << (bits - 1);
	if (channels)
		ax_quant_split(q, channels);
}

void
ax_model_set_format(struct ax_model *m, const struct ax_format *f)
{
	unsigned i;

	m->format = *f;
	for (i = 0; i < m->net.n_ops; i++) {
		struct ax_layer *l = &m->layer[i];
		const struct ax_op *op = &m->net.ops[i];

		if (!multiplies(op))
			continue;
		make_quant(&l->in, f->act_bits, f->is_signed, f->act_asymmetric,
			   0);
		make_quant(&l->weight, f->weight_bits, f->is_signed,
			   f->weight_asymmetric,
			   f->per_channel ? m->net.params[op->weight].dim[0]
					  : 0);
		make_quant(&l->bias, 8, true, false, 0);
	}
}

bool
ax_model_has_scales(const struct ax_model *m, const char **missing)
{
	unsigned i;

	for (i = 0; i < m->net.n_ops; i++) {
		const struct ax_layer *l = &m->layer[i];

		if (l->quantised && (!l->in.set || !l->weight.set)) {
			if (missing)
				*missing = m->net.ops[i].name;
			return false;
		}
	}
	return true;
}

void
ax_model_drop_scales(struct ax_model *m)
{
	unsigned i;

	for (i = 0; i < m->net.n_ops; i++)
		m->layer[i].in.set = m->layer[i].weight.set =
			m->layer[i].bias.set = false;
}

void
ax_model_fit_weights(struct ax_model *m)
{
	unsigned i;

	for (i = 0; i < m->net.n_ops; i++) {
		struct ax_layer *l = &m->layer[i];
		const struct ax_op *op = &m->net.ops[i];

		if (!l->quantised)
			continue;
		ax_quant_fit(&l->weight, &m->eng, m->param[op->weight],
			     m->net.params[op->weight].n);
		if (op->bias_at >= 0)
			ax_quant_fit(&l->bias, &m->eng, m->param[op->bias_at],
				     m->net.params[op->bias_at].n);
	}
}

void
ax_model_fit_begin(struct ax_model *m)
{
	unsigned i;

	for (i = 0; i < m->net.n_ops; i++)
		memset(&m->layer[i].fit, 0, sizeof(m->layer[i].fit));
	m->observing = true;
}

bool
ax_model_fit_next(struct ax_model *m)
{
	bool more = false;
	unsigned i;

	for (i = 0; i < m->net.n_ops; i++) {
		struct ax_layer *l = &m->layer[i];

		if (l->quantised)
			more |= l->in.ops->next(&l->in, &l->fit);
	}
	m->observing = more;
	return more;
}

int
ax_model_product_at(struct ax_model *m, unsigned at, const struct ax_product *p,
		    struct ax_err *err)
{
	struct ax_layer *l = &m->layer[at];
	const struct ax_op *op = &m->net.ops[at];
	const struct ax_net_param *w;
	int made;

	l->product = p;
	if (!p->ops->needs_codes)
		return 0;
	if (!l->in.set || !l->weight.set)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "layer '%s' has no scales (%s.w_quant.scale, "
				  "%s.act_in_quant.scale): give a checkpoint "
				  "from the stage qat",
				  op->name, op->name, op->name);
	w = &m->net.params[op->weight];
	ax_product_free(&l->own);
	made = ax_product_fit(&l->own, p, &l->in, &l->weight, w->n / w->dim[0],
			      op->name, err);
	if (made > 0)
		l->product = &l->own;
	return made < 0 ? -1 : 0;
}

int
ax_model_products(struct ax_model *m, const struct ax_product *approx,
		  const struct ax_product *exact, struct ax_err *err)
{
	unsigned i;

	for (i = 0; i < m->net.n_ops; i++)
		if (m->layer[i].quantised &&
		    ax_model_product_at(
			    m, i, m->layer[i].approx ? approx : exact, err) < 0)
			return -1;
	return 0;
}

/* --- checkpoints ---------------------------------------------------------- */

static const char *const scale_names[] = {"w_quant", "act_in_quant", "b_quant"};

static struct ax_quant *
scale_at(struct ax_layer *l, size_t i)
{
	return i == 0 ? &l->weight : i == 1 ? &l->in : &l->bias;
}

/* One number for each channel, or one: of any dimensions of size 1 or none. */
static bool
right_shape(const struct ax_tensor *t, const struct ax_quant *q)
{
	return q->channels ? t->ndim == 1 && t->n == q->channels : t->n == 1;
}

static int
load_scale(struct ax_quant *q, const struct ax_checkpoint *c, const char *name,
	   bool used, size_t *found, struct ax_err *err)
{
	struct ax_tensor *t = ax_checkpoint_get(c, name);
	char text[96];
	size_t i;

	if (!t)
		return 0;
	++*found;
	if (!used)
		return 0;
	if (t->dtype == AX_F32 && !right_shape(t, q))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "checkpoint: '%s' is %s, but %s: give the "
				  "number format that it was made with",
				  name, ax_tensor_text(text, sizeof(text), t),
				  q->channels ? "there is a scale for each "
						"output channel"
					      : "there is one scale a tensor");
	for (i = 0; t->dtype == AX_F32 && i < t->n; i++)
		if (!(t->f32[i] > 0 && t->f32[i] < 1e30f))
			return ax_err_set(err, AX_EXIT_STAGE,
					  "checkpoint: '%s' holds %g at "
					  "element %zu, which is no scale: "
					  "positive numbers below 1e30 are "
					  "wanted; quantise anew with the "
					  "stage qat",
					  name, (double)t->f32[i], i);
	if (t->dtype != AX_F32)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "checkpoint: '%s' is %s, which is no scale: "
				  "f32 is wanted",
				  name, ax_tensor_text(text, sizeof(text), t));
	if (q->channels)
		memcpy(q->scales, t->f32, t->bytes);
	ax_quant_set(q, t->f32[0]);
	return 0;
}

static int
load_zero(struct ax_quant *q, const struct ax_checkpoint *c, const char *name,
	  bool used, size_t *found, struct ax_err *err)
{
	struct ax_tensor *t = ax_checkpoint_get(c, name);
	size_t i;

	if (!t)
		return 0;
	++*found;
	if (!used)
		return 0;
	if (t->dtype != AX_I32 || !right_shape(t, q))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "checkpoint: '%s' must be i32, of the shape "
				  "of the scale",
				  name);
	for (i = 0; i < t->n; i++) {
		if ((float)t->i32[i] < q->lo || (float)t->i32[i] > q->hi)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "checkpoint: '%s' holds %d, which is "
					  "no code: they run from %.0f to %.0f",
					  name, t->i32[i], (double)q->lo,
					  (double)q->hi);
		/* it would be lost on the way out */
		if (q->ops == &ax_quant_symmetric &&
		    t->i32[i] != ax_quant_zero(q, i))
			return ax_err_set(
				err, AX_EXIT_STAGE,
				"checkpoint: '%s' holds %d, but the format is "
				"symmetric, its zero point %d: give the number "
				"format that it was made with",
				name, t->i32[i], ax_quant_zero(q, i));
		if (q->channels)
			q->zeros[i] = t->i32[i];
	}
	q->zero = t->i32[0];
	return 0;
}

static int
load_scales(struct ax_model *m, const struct ax_checkpoint *c, size_t *found,
	    struct ax_err *err)
{
	unsigned op;
	size_t i;
	char *scale, *zero;
	int rc = 0;

	for (op = 0; op < m->net.n_ops; op++)
		for (i = 0; multiplies(&m->net.ops[op]) && i < 3; i++) {
			struct ax_layer *l = &m->layer[op];

			scale = ax_asprintf("%s.%s.scale", m->net.ops[op].name,
					    scale_names[i]);
			zero = ax_asprintf("%s.%s.zero_point",
					   m->net.ops[op].name, scale_names[i]);
			rc = load_scale(scale_at(l, i), c, scale, l->quantised,
					found, err);
			if (rc == 0)
				rc = load_zero(scale_at(l, i), c, zero,
					       l->quantised, found, err);
			free(scale);
			free(zero);
			if (rc < 0)
				return -1;
		}
	return 0;
}

static const struct ax_tensor *
need_param(const struct ax_network *net, const struct ax_checkpoint *c,
	   unsigned i, struct ax_err *err)
{
	const struct ax_net_param *p = &net->params[i];
	const struct ax_tensor *t =
		ax_checkpoint_need(c, p->name, p->dtype, p->ndim, p->dim, err);

	if (!t)
		ax_err_wrap(err, "the checkpoint does not fit the network '%s'",
			    net->name);
	return t;
}

int
ax_model_fits(const struct ax_network *net, const struct ax_checkpoint *c,
	      struct ax_err *err)
{
	for (unsigned i = 0; i < net->n_params; i++)
		if (!need_param(net, c, i, err))
			return -1;
	return 0;
}

static int
load_param(struct ax_model *m, const struct ax_checkpoint *c, unsigned i,
	   struct ax_err *err)
{
	const struct ax_net_param *p = &m->net.params[i];
	const struct ax_tensor *t = need_param(&m->net, c, i, err);
	size_t j;

	if (!t)
		return -1;
	if (p->role == AX_ROLE_COUNT) {
		m->count[i] = t->i64[0];
		return 0;
	}
	for (j = 0; j < t->n; j++)
		if (!isfinite(t->f32[j]) ||
		    (p->role == AX_ROLE_VAR && t->f32[j] < 0))
			return ax_err_set(
				err, AX_EXIT_STAGE,
				"checkpoint: '%s' holds %g at element %zu, "
				"which no network can use",
				p->name, (double)t->f32[j], j);
	memcpy(m->param[i], t->f32, t->bytes);
	return 0;
}

int
ax_model_load(struct ax_model *m, const struct ax_checkpoint *c,
	      struct ax_err *err)
{
	size_t found = 0, j;
	unsigned i;

	for (i = 0; i < m->net.n_params; i++)
		if (load_param(m, c, i, err) < 0)
			return -1;
	found = m->net.n_params;
	if (load_scales(m, c, &found, err) < 0)
		return -1;
	if (found == c->n)
		return 0;
	for (j = 0; j < c->n; j++) {
		const char *name = c->tensors[j]->name;

		if (ax_network_param(&m->net, name) < 0 &&
		    !ax_ends(name, "_quant.scale") &&
		    !ax_ends(name, "_quant.zero_point") &&
		    !ax_starts(name, "state."))
			return ax_err_set(
				err, AX_EXIT_STAGE,
				"the checkpoint holds '%s', which the network "
				"'%s' does not have: give the network that it "
				"was trained as",
				name, m->net.name);
	}
	return 0;
}

/* Zero points are kept where the format does not fix them at 0. */
static int
store_quant(const struct ax_quant *q, struct ax_checkpoint *c,
	    const char *layer, const char *what, struct ax_err *err)
{
	size_t dim[1] = {q->channels}, n = q->channels ? q->channels : 1, i;
	unsigned ndim = q->channels ? 1 : 0;
	struct ax_tensor *t;
	char *name;

	name = ax_asprintf("%s.%s.scale", layer, what);
	t = ax_checkpoint_add(c, name, AX_F32, ndim, dim, err);
	free(name);
	if (!t)
		return -1;
	for (i = 0; i < n; i++)
		t->f32[i] = ax_quant_scale(q, i);
	if (q->ops == &ax_quant_symmetric && q->is_signed)
		return 0;
	name = ax_asprintf("%s.%s.zero_point", layer, what);
	t = ax_checkpoint_add(c, name, AX_I32, ndim, dim, err);
	free(name);
	if (!t)
		return -1;
	for (i = 0; i < n; i++)
		t->i32[i] = ax_quant_zero(q, i);
	return 0;
}

int
ax_model_store(const struct ax_model *m, struct ax_checkpoint *c,
	       struct ax_err *err)
{
	struct ax_str format = AX_STR_INIT;
	struct ax_tensor *t;
	bool scales = false;
	unsigned i;
	size_t s;

	for (i = 0; i < m->net.n_params; i++) {
		const struct ax_net_param *p = &m->net.params[i];

		t = ax_checkpoint_add(c, p->name, p->dtype, p->ndim, p->dim,
				      err);
		if (!t)
			return -1;
		if (p->role == AX_ROLE_COUNT)
			t->i64[0] = m->count[i];
		else
			memcpy(t->f32, m->param[i], t->bytes);
	}
	for (i = 0; i < m->net.n_ops; i++)
		for (s = 0; m->layer[i].quantised && s < 3; s++) {
			const struct ax_quant *q = scale_at(&m->layer[i], s);

			if (!q->set)
				continue;
			scales = true;
			if (store_quant(q, c, m->net.ops[i].name,
					scale_names[s], err) < 0)
				return -1;
		}
	ax_checkpoint_set_meta(c, "network", m->net.text);
	if (scales) {
		ax_format_write(&format, &m->format);
		ax_checkpoint_set_meta(c, "format", format.buf);
		ax_str_free(&format);
	}
	return 0;
}
