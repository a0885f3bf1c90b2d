/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/engine/product.h"

#include "stages/nn/engine/factors.h"

enum form { VALUES, CODES, CENTRED };

/* Weights through their quantiser; caller frees. */
static float *
weights(struct ax_engine *e, const struct ax_operands *o, enum form form)
{
	size_t n = o->c->cout * ax_conv_k(o->c);
	float *w = ax_aligned(n, sizeof(*w));

	if (!o->weight)
		memcpy(w, o->w, n * sizeof(*w));
	else if (form == CODES)
		o->weight->ops->codes(o->weight, e->kern, w, o->w, n);
	else if (form == CENTRED)
		o->weight->ops->centred(o->weight, e->kern, w, o->w, n);
	else
		o->weight->ops->values(o->weight, e->kern, w, o->w, n);
	return w;
}

/* s_w * s_a, both float32, rounded once. */
static float
scale_of(const struct ax_operands *o, size_t channel)
{
	return ax_quant_scale(o->weight, channel) * o->in->scale;
}

/* Multiplies each channel of y by its scale, where there is one for each. */
static void
scale_channels(struct ax_engine *e, const struct ax_operands *o, float *y)
{
	size_t per = o->c->oh * o->c->ow, i, c;

	if (!o->weight->channels)
		return;
	for (i = 0; i < o->n; i++)
		for (c = 0; c < o->c->cout; c++, y += per)
			e->kern->scale(y, y, scale_of(o, c), 0, per);
}

/* What the sums are multiplied by at once: 1 if scale_channels follows. */
static float
common_scale(const struct ax_operands *o)
{
	return o->weight->channels ? 1 : scale_of(o, 0);
}

uint8_t *
ax_weight_codes(struct ax_engine *e, const struct ax_operands *o)
{
	size_t n = o->c->cout * ax_conv_k(o->c);
	float *w = weights(e, o, CODES);
	uint8_t *codes = ax_malloc(n + 1);

	e->kern->codes(codes, w, n);
	free(w);
	return codes;
}

static void
float_forward(const struct ax_product *p, struct ax_engine *e,
	      const struct ax_operands *o, float *y)
{
	float *w = weights(e, o, VALUES);

	(void)p;
	ax_conv_forward(e, o->c, y, o->x, w, o->in, false, 1, o->n);
	free(w);
}

static void
straight_through(const struct ax_product *p, struct ax_engine *e,
		 const struct ax_operands *o, const float *dy, float *dx,
		 float *dw)
{
	float *w = weights(e, o, VALUES);
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

/* The scale of each channel's sums; caller frees. */
static float *
channel_scales(const struct ax_operands *o)
{
	float *mul = ax_calloc(o->c->cout, sizeof(*mul));
	size_t c;

	for (c = 0; c < o->c->cout; c++)
		mul[c] = scale_of(o, c);
	return mul;
}

/* Where there are kernels for products of bytes: sums that stay within 32 bits
 * with the input's codes moved to 0..255, and enough outputs of a group to pay
 * for the order that those want. */
static bool
has_byte_products(const struct ax_engine *e, const struct ax_operands *o)
{
	return e->kern->dot8 && ax_conv_k(o->c) < (size_t)1 << 15 &&
	       o->c->cout / o->c->groups >= 4;
}

/* By look-ups in these rows, or with NULL as products of bytes; w has the
 * weights' codes and is freed. */
static void
sum_codes(const struct ax_lut_rows *rows, struct ax_engine *e,
	  const struct ax_operands *o, const struct ax_quant *in, uint8_t *w,
	  const int32_t *plus, float *y)
{
	float *mul = channel_scales(o);
	struct ax_lookup l = {rows, w, plus, mul, (uint8_t)o->in->zero};

	ax_conv_lut(e, o->c, y, o->x, &l, in, o->n);
	free(w);
	free(mul);
}

static void
table_forward(const struct ax_product *p, struct ax_engine *e,
	      const struct ax_operands *o, float *y)
{
	sum_codes(&p->rows, e, o, o->in, ax_weight_codes(e, o), NULL, y);
}

/* An input quantiser whose centred codes are f of the codes. */
struct mapped {
	struct ax_quant q; /* first: a quantiser to whom it is given */
	const struct ax_quant *in;
	const float *f;
};

static void
map_codes(const struct ax_quant *q, const struct ax_kern *k, float *out,
	  const float *x, size_t n)
{
	const struct mapped *m = (const struct mapped *)q;
	size_t i;

	m->in->ops->codes(m->in, k, out, x, n);
	for (i = 0; i < n; i++)
		out[i] = m->f[(int)out[i] & 255];
}

/* The sum of c for each channel; caller frees. */
static int32_t *
constants(const struct ax_factors *f, const struct ax_operands *o,
	  const uint8_t *codes)
{
	size_t k = ax_conv_k(o->c), c, j;
	uint32_t *plus = ax_calloc(o->c->cout, sizeof(*plus));

	for (c = 0; c < o->c->cout; c++)
		for (j = 0; j < k; j++)
			plus[c] += (uint32_t)f->c[codes[c * k + j]];
	return (int32_t *)plus;
}

/* y = mul * (sum + the channel's constant) */
static void
add_constants(const int32_t *plus, struct ax_engine *e,
	      const struct ax_operands *o, float *y)
{
	size_t per = o->c->oh * o->c->ow, i, c;

	for (i = 0; i < o->n; i++)
		for (c = 0; c < o->c->cout; c++, y += per) {
			e->kern->scale(y, y, 1, (float)plus[c], per);
			e->kern->scale(y, y, scale_of(o, c), 0, per);
		}
}

/* Sums of f(a) g(w): of bytes where they are some, else exact in float32, by
 * the kernels for floats. */
static void
factored_forward(const struct ax_product *p, struct ax_engine *e,
		 const struct ax_operands *o, float *y)
{
	static const struct ax_quant_ops ops = {
		.name = "mapped", .codes = map_codes, .centred = map_codes};
	const struct ax_factors *f = p->factors;
	size_t n = o->c->cout * ax_conv_k(o->c), i;
	bool bytes = f->bytes && has_byte_products(e, o);
	struct mapped m = {*o->in, o->in, f->f};
	const struct ax_quant *in = f->plain ? o->in : &m.q;
	uint8_t *codes;
	int32_t *plus;
	float *w;

	/* places outside of the image are f(0) = 0 */
	if (o->in->zero || (!bytes && !ax_factors_fit(f, ax_conv_k(o->c)))) {
		table_forward(p, e, o, y);
		return;
	}
	m.q.ops = &ops;
	codes = ax_weight_codes(e, o);
	plus = constants(f, o, codes);
	if (bytes) {
		for (i = 0; i < n; i++)
			codes[i] = (uint8_t)(int)f->g[codes[i]];
		sum_codes(NULL, e, o, in, codes, plus, y);
		free(plus);
		return;
	}
	w = ax_aligned(n, sizeof(*w));
	for (i = 0; i < n; i++)
		w[i] = f->g[codes[i]];
	ax_conv_forward(e, o->c, y, o->x, w, in, true,
			f->most_c ? 1 : common_scale(o), o->n);
	if (f->most_c)
		add_constants(plus, e, o, y);
	else
		scale_channels(e, o, y);
	free(codes);
	free(plus);
	free(w);
}

static void
wide_forward(const struct ax_product *p, struct ax_engine *e,
	     const struct ax_operands *o, float *y)
{
	uint8_t *codes = ax_weight_codes(e, o);
	float *mul = channel_scales(o);

	ax_conv_wide(e, o->c, y, o->x, codes, p->wide, o->in, o->weight, mul,
		     o->n);
	free(mul);
	free(codes);
}

/* Greatest |code - zero|. */
static int64_t
greatest(const struct ax_quant *q)
{
	size_t c = 0;
	int64_t most = 0, z;

	do {
		z = ax_quant_zero(q, c);
		most = AX_MAX(most, (int64_t)q->hi - z);
		most = AX_MAX(most, z - (int64_t)q->lo);
	} while (++c < q->channels);
	return most;
}

/* Sums of products of 8-bit codes stay below 2^24 up to some number, and
 * float32 then adds them without error in any order. */
static bool
exact_in_float(const struct ax_quant *in, const struct ax_quant *weight,
	       size_t k)
{
	return (int64_t)k * greatest(in) * greatest(weight) <= (int64_t)1 << 24;
}

static void
integer_forward(const struct ax_product *p, struct ax_engine *e,
		const struct ax_operands *o, float *y)
{
	float *w;

	/* weights within -128..127 */
	if (has_byte_products(e, o) && o->in->is_signed &&
	    o->weight->is_signed && ax_quant_at_zero(o->weight)) {
		sum_codes(NULL, e, o, o->in, ax_weight_codes(e, o), NULL, y);
		return;
	}
	if (!exact_in_float(o->in, o->weight, ax_conv_k(o->c))) {
		if (p->wide)
			wide_forward(p, e, o, y);
		else
			table_forward(p, e, o, y);
		return;
	}
	w = weights(e, o, CENTRED);
	ax_conv_forward(e, o->c, y, o->x, w, o->in, true, common_scale(o),
			o->n);
	scale_channels(e, o, y);
	free(w);
}

static const struct ax_product_ops float_ops = {"float", float_forward, false};
static const struct ax_product_ops table_ops = {"table", table_forward, true};
static const struct ax_product_ops factored_ops = {"factored table",
						   factored_forward, true};
static const struct ax_product_ops wide_ops = {"wide table", wide_forward,
					       true};
static const struct ax_product_ops integer_ops = {"integer", integer_forward,
						  true};
const struct ax_gradient ax_gradient_exact = {"exact", straight_through};

const struct ax_product ax_product_float = {.ops = &float_ops,
					    .gradient = &ax_gradient_exact};

/* --- tables --------------------------------------------------------------- */

/* Rows for the kernels, or with `wide` 32-bit values for 64-bit sums. Steals
 * t. */
static void
make_table(struct ax_product *out, struct ax_lut *t, bool wide)
{
	int32_t a0 = ax_lut_a_min(t), b0 = ax_lut_b_min(t), a, b;
	int32_t *value = ax_calloc(256 * 256, sizeof(*value));

	memset(out, 0, sizeof(*out));
	out->ops = wide ? &wide_ops : &table_ops;
	out->gradient = &ax_gradient_exact;
	out->a_bits = t->n;
	out->w_bits = t->m;
	out->is_signed = t->sign;
	/* codes that do not occur must not widen the range of a row */
	for (b = b0; b < b0 + (1 << t->m); b++)
		for (a = 0; a < 256; a++)
			value[(size_t)(b & 255) * 256 + (size_t)a] =
				ax_lut_at(t, 0, b);
	for (a = a0; a < a0 + (1 << t->n); a++)
		for (b = b0; b < b0 + (1 << t->m); b++)
			value[(size_t)(b & 255) * 256 + (size_t)(a & 255)] =
				ax_lut_at(t, a, b);
	if (wide) {
		out->wide = value;
	} else {
		ax_lut_rows_init(&out->rows, (const int32_t(*)[256])value, t);
		free(value);
		if (!ax_streq(getenv("AXPIPE_TABLES"), "rows"))
			out->factors = ax_factors_find(t);
		if (out->factors)
			out->ops = &factored_ops;
	}
	out->lut = *t;
	memset(t, 0, sizeof(*t));
}

static struct ax_lut
copy_of(const struct ax_lut *t)
{
	struct ax_lut c = *t;

	c.v = ax_malloc(ax_lut_size(t) * sizeof(*c.v));
	memcpy(c.v, t->v, ax_lut_size(t) * sizeof(*c.v));
	return c;
}

int
ax_product_table(struct ax_product *out, const struct ax_lut *t,
		 struct ax_err *err)
{
	struct ax_lut c;

	memset(out, 0, sizeof(*out));
	if (t->n > 8 || t->m > 8 || t->n < 2 || t->m < 2)
		return ax_err_set(
			err, AX_EXIT_STAGE,
			"table of %u x %u bits: a layer multiplies operands of "
			"2 to 8 bits; give a table of that size",
			t->n, t->m);
	c = copy_of(t);
	make_table(out, &c, false);
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
	ax_lut_free(&p->lut);
	ax_lut_rows_free(&p->rows);
	free(p->wide);
	free(p->factors);
	memset(p, 0, sizeof(*p));
}

static bool
sums_fit_32(const struct ax_product *p, size_t k)
{
	return k <= (size_t)INT32_MAX / (size_t)AX_MAX(p->rows.most, 1);
}

/* T(a,b) - zb a - za b + za zb; false when that leaves 32 bits. */
static bool
fold(struct ax_lut *t, int za, int zb)
{
	int32_t a0 = ax_lut_a_min(t), b0 = ax_lut_b_min(t), a, b;
	int64_t v;
	size_t at = 0;

	for (a = a0; a < a0 + (1 << t->n); a++)
		for (b = b0; b < b0 + (1 << t->m); b++, at++) {
			v = (int64_t)t->v[at] - zb * a - za * b + za * zb;
			if (v < INT32_MIN || v > INT32_MAX)
				return false;
			t->v[at] = (int32_t)v;
		}
	return true;
}

static bool
one_zero(const struct ax_quant *q)
{
	size_t c;

	for (c = 1; c < q->channels; c++)
		if (q->zeros[c] != q->zeros[0])
			return false;
	return true;
}

int
ax_product_fit(struct ax_product *out, const struct ax_product *p,
	       const struct ax_quant *in, const struct ax_quant *weight,
	       size_t k, const char *layer, struct ax_err *err)
{
	bool at_zero = ax_quant_at_zero(in) && ax_quant_at_zero(weight);
	struct ax_lut t;

	if (p->a_bits != in->bits || p->w_bits != weight->bits ||
	    p->is_signed != in->is_signed || p->is_signed != weight->is_signed)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "layer '%s' multiplies %s codes of %u x %u "
				  "bits, but the table is %s, %u x %u bits: "
				  "give a table of the former, or quantise for "
				  "this one (stage qat: width_act %u, "
				  "width_weight %u, signed %s)",
				  layer, in->is_signed ? "signed" : "unsigned",
				  in->bits, weight->bits,
				  p->is_signed ? "signed" : "unsigned",
				  p->a_bits, p->w_bits, p->a_bits, p->w_bits,
				  p->is_signed ? "true" : "false");
	if (at_zero && sums_fit_32(p, k))
		return 0;
	t = copy_of(&p->lut);
	if (one_zero(weight) && fold(&t, in->zero, ax_quant_zero(weight, 0))) {
		make_table(out, &t, false);
		if (sums_fit_32(out, k))
			goto made;
		ax_product_free(out);
	} else {
		ax_lut_free(&t);
	}
	t = copy_of(&p->lut);
	make_table(out, &t, true);
made:
	out->gradient = p->gradient;
	out->slopes = p->slopes;
	if (p->ops == &integer_ops)
		out->ops = &integer_ops;
	return 1;
}
