/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/engine/product.h"

/* Weights through their quantiser; caller frees. */
static float *
weights(struct ax_engine *e, const struct ax_operands *o, bool codes)
{
	size_t n = o->c->cout * ax_conv_k(o->c);
	float *w = ax_aligned(n, sizeof(*w));

	if (!o->weight)
		memcpy(w, o->w, n * sizeof(*w));
	else if (codes)
		o->weight->ops->codes(o->weight, e->kern, w, o->w, n);
	else
		o->weight->ops->values(o->weight, e->kern, w, o->w, n);
	return w;
}

/* s_w * s_a, both float32, rounded once. */
static float
scale_of(const struct ax_operands *o)
{
	return o->weight->scale * o->in->scale;
}

static void
float_forward(const struct ax_product *p, struct ax_engine *e,
	      const struct ax_operands *o, float *y)
{
	float *w = weights(e, o, false);

	(void)p;
	ax_conv_forward(e, o->c, y, o->x, w, o->in, false, 1, o->n);
	free(w);
}

static void
straight_through(const struct ax_product *p, struct ax_engine *e,
		 const struct ax_operands *o, const float *dy, float *dx,
		 float *dw)
{
	float *w = weights(e, o, false);
	size_t nx = o->n * o->c->cin * o->c->h * o->c->w;

	(void)p;
	ax_conv_wgrad(e, o->c, dw, dy, o->x, o->in, o->n);
	if (o->weight && o->weight->ops->grad)
		o->weight->ops->grad(o->weight, dw, o->w,
				     o->c->cout * ax_conv_k(o->c));
	if (dx) {
		ax_conv_dgrad(e, o->c, dx, dy, w, o->n);
		if (o->in && o->in->ops->grad)
			o->in->ops->grad(o->in, dx, o->x, nx);
	}
	free(w);
}

static void
table_forward(const struct ax_product *p, struct ax_engine *e,
	      const struct ax_operands *o, float *y)
{
	size_t n = o->c->cout * ax_conv_k(o->c), m;
	float *w = weights(e, o, true), *mul = ax_aligned(o->c->cout, 4);
	uint8_t *codes = ax_malloc(n + 1);
	struct ax_lookup l = {&p->rows, codes, NULL, mul, 0};

	e->kern->codes(codes, w, n);
	for (m = 0; m < o->c->cout; m++)
		mul[m] = scale_of(o);
	ax_conv_lut(e, o->c, y, o->x, &l, o->in, o->n);
	free(codes);
	free(mul);
	free(w);
}

/* Sums of products of 8-bit codes stay below 2^24 up to this many, and float32
 * then adds them without error in any order. */
#define EXACT_IN_FLOAT 1024

static void
integer_forward(const struct ax_product *p, struct ax_engine *e,
		const struct ax_operands *o, float *y)
{
	float *w;

	if (ax_conv_k(o->c) * (size_t)p->rows.most > (size_t)1 << 24) {
		table_forward(p, e, o, y);
		return;
	}
	w = weights(e, o, true);
	ax_conv_forward(e, o->c, y, o->x, w, o->in, true, scale_of(o), o->n);
	free(w);
}

static const struct ax_product_ops float_ops = {"float", float_forward,
						straight_through, false};
static const struct ax_product_ops table_ops = {"table", table_forward,
						straight_through, true};
static const struct ax_product_ops integer_ops = {"integer", integer_forward,
						  straight_through, true};

const struct ax_product ax_product_float = {.ops = &float_ops};

int
ax_product_table(struct ax_product *out, const struct ax_lut *t,
		 struct ax_err *err)
{
	int32_t a0 = ax_lut_a_min(t), b0 = ax_lut_b_min(t), a, b;
	int32_t(*value)[256];

	memset(out, 0, sizeof(*out));
	if (t->n > 8 || t->m > 8 || t->n < 2 || t->m < 2)
		return ax_err_set(
			err, AX_EXIT_STAGE,
			"table of %u x %u bits: a layer multiplies operands of "
			"2 to 8 bits; give a table of that size",
			t->n, t->m);
	out->ops = &table_ops;
	out->a_bits = t->n;
	out->w_bits = t->m;
	out->is_signed = t->sign;
	value = ax_calloc(256, sizeof(*value));
	for (a = a0; a < a0 + (1 << t->n); a++)
		for (b = b0; b < b0 + (1 << t->m); b++)
			value[b & 255][a & 255] = ax_lut_at(t, a, b);
	ax_lut_rows_init(&out->rows, (const int32_t(*)[256])value);
	free(value);
	return 0;
}

int
ax_product_integer(struct ax_product *out, unsigned a_bits, unsigned w_bits,
		   bool is_signed, struct ax_err *err)
{
	struct ax_lut t;
	int rc;

	if (ax_lut_exact(&t, AX_LUT_MUL, a_bits, w_bits, is_signed, err) < 0)
		return -1;
	rc = ax_product_table(out, &t, err);
	ax_lut_free(&t);
	out->ops = &integer_ops;
	return rc;
}

void
ax_product_free(struct ax_product *p)
{
	ax_lut_rows_free(&p->rows);
	memset(p, 0, sizeof(*p));
}

int
ax_product_check(const struct ax_product *p, size_t k, const char *layer,
		 struct ax_err *err)
{
	if (k > (size_t)INT32_MAX / (size_t)AX_MAX(p->rows.most, 1))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "layer '%s' adds %zu products of up to %lld: "
				  "the sum can leave 32 bits; split the layer "
				  "or set its arith to \"float\"",
				  layer, k, (long long)p->rows.most);
	return 0;
}
