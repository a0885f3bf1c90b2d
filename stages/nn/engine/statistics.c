/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/engine/statistics.h"

#include "artifacts/base/rng.h"

/* The sample: indices of training images, the first of a shuffle (Fisher and
 * Yates). Caller frees. */
static uint32_t *
draw(size_t *n, const struct ax_dataset *d, const struct ax_sample *s,
     struct ax_err *err)
{
	struct ax_rng r = ax_rng(s->augment.seed, "sample", 0);
	size_t all = d->train.n, i, j;
	uint32_t *index, t;

	if (all == 0) {
		ax_err_set(err, AX_EXIT_STAGE,
			   "data set '%s' has no training images; statistics "
			   "come from training images alone",
			   d->name);
		return NULL;
	}
	*n = AX_MIN(all, s->images);
	index = ax_calloc(all, sizeof(*index));
	for (i = 0; i < all; i++)
		index[i] = (uint32_t)i;
	for (i = 0; i < *n; i++) {
		j = i + ax_rng_below(&r, (uint32_t)(all - i));
		t = index[i];
		index[i] = index[j];
		index[j] = t;
	}
	return index;
}

static void
tell(const struct ax_sample *s, size_t done, size_t n, const char *text)
{
	if (s->watch.tell)
		s->watch.tell(s->watch.arg, (double)done, (double)n, text);
}

int
ax_reestimate(struct ax_model *m, const struct ax_dataset *d,
	      const struct ax_sample *s, struct ax_err *err)
{
	size_t n;
	uint32_t *index = draw(&n, d, s, err);
	const char *broken;
	float *x;

	if (!index)
		return -1;
	tell(s, 0, n, "statistics of the batch norms");
	x = ax_aligned(n * ax_dataset_pixels(d), sizeof(*x));
	ax_batch(x, d, &d->train, index, n, &s->augment, 0);
	ax_model_renorm(m, x, n);
	free(x);
	free(index);
	broken = ax_model_not_finite(m);
	return broken ? ax_err_set(err, AX_EXIT_STAGE,
				   "re-estimated from %zu images, '%s' holds "
				   "what is no number",
				   n, broken)
		      : 0;
}

/* --- operands ------------------------------------------------------------- */

/* How the pixels of a layer's input take part in its products. */
struct part {
	size_t *rows, *columns; /* windows that hold each */
	size_t filters;         /* that read an input channel */
	uint64_t padded;        /* products with padding, for one image */
	float *codes;           /* of one image */
};

struct counter {
	struct ax_histogram *h;
	int *layer; /* by operation; -1: not counted */
	struct part *part;
};

/* For each place of an axis the windows that hold it; `total` gets their sum.
 */
static size_t *
windows(size_t *total, size_t n, size_t out, size_t kernel, size_t stride,
	size_t pad)
{
	size_t *count = ax_calloc(n, sizeof(*count)), at, o;

	*total = 0;
	for (at = 0; at < n; at++)
		for (o = 0; o < out; o++)
			if (at + pad >= o * stride &&
			    at + pad < o * stride + kernel) {
				count[at]++;
				++*total;
			}
	return count;
}

static void
count_inputs(void *arg, struct ax_model *m, unsigned op, const float *x)
{
	struct counter *c = arg;
	const struct ax_value_shape *in = &m->net.values[m->net.ops[op].in];
	const struct ax_quant *q = &m->layer[op].in;
	size_t image = in->c * in->h * in->w, i, ch, y, z;
	ptrdiff_t zero = -(ptrdiff_t)q->lo;
	const struct part *p;
	const float *code;
	uint64_t *counts;

	if (c->layer[op] < 0)
		return;
	p = &c->part[c->layer[op]];
	counts = c->h->layers[c->layer[op]].a.counts;
	for (i = 0; i < m->n; i++, x += image) {
		q->ops->codes(q, m->eng.kern, p->codes, x, image);
		code = p->codes;
		for (ch = 0; ch < in->c; ch++)
			for (y = 0; y < in->h; y++)
				for (z = 0; z < in->w; z++)
					counts[(ptrdiff_t)*code++ + zero] +=
						p->rows[y] * p->columns[z] *
						p->filters;
		counts[zero + q->zero] += p->padded;
	}
}

static void
count_weights(struct ax_histogram_layer *l, struct ax_model *m, unsigned op,
	      uint64_t each)
{
	const struct ax_quant *q = &m->layer[op].weight;
	int at = m->net.ops[op].weight;
	size_t n = m->net.params[at].n, i;
	ptrdiff_t zero = -(ptrdiff_t)q->lo;
	float *codes = ax_aligned(n, sizeof(*codes));

	q->ops->codes(q, m->eng.kern, codes, m->param[at], n);
	for (i = 0; i < n; i++)
		l->b.counts[(ptrdiff_t)codes[i] + zero] += each;
	free(codes);
}

static void
add_layer(struct counter *c, struct ax_model *m, unsigned op, size_t images)
{
	const struct ax_op *o = &m->net.ops[op];
	const struct ax_value_shape *in = &m->net.values[o->in];
	const struct ax_value_shape *out = &m->net.values[o->out];
	const struct ax_layer *l = &m->layer[op];
	bool conv = o->kind == AX_OP_CONV;
	size_t groups = conv ? o->groups : 1, one[2] = {1, 1}, none[2] = {0, 0};
	const size_t *kernel = conv ? o->kernel : one;
	const size_t *stride = conv ? o->stride : one;
	const size_t *pad = conv ? o->pad : none;
	size_t k = in->c / groups * kernel[0] * kernel[1], rows, columns;
	struct ax_histogram_layer *h;
	struct part *p = &c->part[c->h->n];

	p->rows = windows(&rows, in->h, out->h, kernel[0], stride[0], pad[0]);
	p->columns =
		windows(&columns, in->w, out->w, kernel[1], stride[1], pad[1]);
	p->filters = out->c / groups;
	p->padded = o->products - (uint64_t)rows * columns * in->c * p->filters;
	p->codes = ax_aligned(in->c * in->h * in->w, sizeof(float));
	c->layer[op] = (int)c->h->n;
	h = ax_histogram_add(c->h, o->name, k, o->products, l->in.bits,
			     l->in.is_signed, l->weight.bits,
			     l->weight.is_signed);
	count_weights(h, m, op, (uint64_t)out->h * out->w * images);
}

static int
add_layers(struct counter *c, struct ax_model *m, bool all, size_t images,
	   struct ax_err *err)
{
	unsigned i;

	for (i = 0; i < m->net.n_ops; i++) {
		const struct ax_layer *l = &m->layer[i];

		c->layer[i] = -1;
		if (!l->quantised || (!all && !l->approx))
			continue;
		if (!l->in.set || !l->weight.set)
			return ax_err_set(
				err, AX_EXIT_STAGE,
				"layer '%s' has no scales, so it has no codes: "
				"give a checkpoint from the stage qat",
				m->net.ops[i].name);
		add_layer(c, m, i, images);
	}
	if (c->h->n == 0)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "the network '%s' has no layer with integer "
				  "products to count",
				  m->net.name);
	return 0;
}

int
ax_count_operands(struct ax_histogram *out, struct ax_model *m,
		  const struct ax_dataset *d, const struct ax_sample *s,
		  size_t batch, bool all, struct ax_err *err)
{
	struct counter c = {.h = out};
	size_t n, at, len;
	uint32_t *index = draw(&n, d, s, err);
	float *x;
	int rc;

	memset(out, 0, sizeof(*out));
	if (!index)
		return -1;
	c.layer = ax_calloc(m->net.n_ops, sizeof(*c.layer));
	c.part = ax_calloc(m->net.n_ops, sizeof(*c.part));
	out->images = n;
	rc = add_layers(&c, m, all, n, err);
	batch = AX_MIN(batch, n);
	x = ax_aligned(batch * ax_dataset_pixels(d), sizeof(*x));
	m->spy = count_inputs;
	m->spy_arg = &c;
	for (at = 0; rc == 0 && at < n; at += len) {
		len = AX_MIN(batch, n - at);
		ax_batch(x, d, &d->train, index + at, len, &s->augment, at);
		ax_model_forward(m, x, len, false);
		tell(s, at + len, n, "counting operands");
	}
	m->spy = NULL;
	ax_histogram_total(out);
	for (at = 0; at < out->n; at++) {
		free(c.part[at].rows);
		free(c.part[at].columns);
		free(c.part[at].codes);
	}
	if (rc < 0)
		ax_histogram_free(out);
	free(c.layer);
	free(c.part);
	free(x);
	free(index);
	return rc;
}
