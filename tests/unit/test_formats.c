/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Number formats: widths, signs, zero points and scales for each channel.
 * Sums through a table and exact ones, in every format, against the definition
 * sum (T(a,b) - zb a - za b + za zb) in 64-bit integers; fits; what a
 * checkpoint keeps; and what is refused.
 */
#include <math.h>

#include "artifacts/base/rng.h"
#include "stages/nn/engine/model.h"
#include "tests/lib/tap.h"

#define IMAGES 3

static const struct ax_conv convs[] = {
	{3, 9, 7, 5, 9, 7, {3, 3}, {1, 1}, {1, 1}, 1},
	{8, 6, 8, 8, 3, 4, {3, 3}, {2, 2}, {1, 1}, 8},
	{300, 1, 1, 6, 1, 1, {1, 1}, {1, 1}, {0, 0}, 1},
};

static struct ax_lut
table_of(unsigned n, unsigned m, bool sign, double spread)
{
	struct ax_rng r = ax_rng(3, "table", n * 16 + m);
	struct ax_lut t;

	if (ax_lut_exact(&t, AX_LUT_MUL, n, m, sign, NULL) < 0)
		exit(1);
	for (size_t i = 0; i < ax_lut_size(&t); i++)
		t.v[i] += (int32_t)(spread * (2 * ax_rng_double(&r) - 1));
	return t;
}

/* Centred code from the definition, in double. */
static long
centred(const struct ax_quant *q, size_t c, float x)
{
	double z = ax_quant_zero(q, c);
	double v = (double)(x / ax_quant_scale(q, c));

	v = fmax((double)q->lo - z, fmin((double)q->hi - z, v));
	return lrint(v);
}

static float
want(const struct ax_conv *c, const struct ax_lut *t, const float *x,
     const float *w, const struct ax_quant *qx, const struct ax_quant *qw,
     size_t i)
{
	size_t cg = c->cin / c->groups, og = c->cout / c->groups;
	size_t per = c->oh * c->ow, n = i / (c->cout * per);
	size_t o = i / per % c->cout, k = cg * c->kernel[0] * c->kernel[1];
	long za = ax_quant_zero(qx, 0), zb = ax_quant_zero(qw, o);
	int64_t sum = 0;

	for (size_t j = 0; j < k; j++) {
		size_t ch = o / og * cg + j / (c->kernel[0] * c->kernel[1]);
		long y = (long)(i / c->ow % c->oh * c->stride[0] +
				j / c->kernel[1] % c->kernel[0]) -
			 (long)c->pad[0];
		long q = (long)(i % c->ow * c->stride[1] + j % c->kernel[1]) -
			 (long)c->pad[1];
		long a = za, b = centred(qw, o, w[o * k + j]) + zb;

		if (y >= 0 && y < (long)c->h && q >= 0 && q < (long)c->w)
			a += centred(qx, 0,
				     x[((n * c->cin + ch) * c->h + (size_t)y) *
					       c->w +
				       (size_t)q]);
		sum += ax_lut_at(t, (int32_t)a, (int32_t)b) - zb * a - za * b +
		       za * zb;
	}
	return (float)sum * (ax_quant_scale(qw, o) * qx->scale);
}

struct format {
	unsigned n, m;
	bool sign;
	int za;
	int zb;        /* of channel c: zb + step * c, wrapped */
	int step;      /* with `channels` */
	bool channels; /* scales and zero points for each */
};

static void
set_weights(struct ax_quant *q, const struct format *f, size_t channels)
{
	ax_quant_init(q, &ax_quant_asymmetric, f->m, f->sign);
	q->zero = f->zb;
	ax_quant_set(q, 1.7f / (float)(1 << f->m));
	if (!f->channels)
		return;
	ax_quant_split(q, channels);
	for (size_t c = 0; c < channels; c++) {
		q->scales[c] = (float)(c + 2) / (float)(2 << f->m);
		q->zeros[c] = f->zb + f->step * (int)(c % 4);
	}
}

static void
test_product(const struct ax_conv *c, const struct format *f,
	     const struct ax_lut *t, bool integer, const char *what)
{
	size_t nx = IMAGES * c->cin * c->h * c->w, nw = c->cout * ax_conv_k(c);
	size_t ny = IMAGES * c->cout * c->oh * c->ow;
	float *x = ax_aligned(nx, 4), *w = ax_aligned(nw, 4);
	float *y = ax_aligned(ny, 4);
	struct ax_product p = {0}, own = {0}, *use = &p;
	struct ax_rng r = ax_rng(9, "x", nx);
	struct ax_err err = AX_ERR_INIT;
	struct ax_quant qx, qw;
	int bad = 0, fit;

	ax_quant_init(&qx, &ax_quant_asymmetric, f->n, f->sign);
	qx.zero = f->za;
	ax_quant_set(&qx, 1.9f / (float)(1 << f->n));
	set_weights(&qw, f, c->cout);
	for (size_t j = 0; j < nx; j++)
		x[j] = 2 * ax_rng_float(&r) - 1;
	for (size_t j = 0; j < nw; j++)
		w[j] = 2 * ax_rng_float(&r) - 1;
	if ((integer ? ax_product_integer(&p, f->n, f->m, f->sign, &err)
		     : ax_product_table(&p, t, &err)) < 0 ||
	    (fit = ax_product_fit(&own, &p, &qx, &qw, ax_conv_k(c), "l",
				  &err)) < 0) {
		ok(0, "%s: %s", what, err.text);
		exit(1);
	}
	if (fit)
		use = &own;
	for (int level = AX_SIMD_SCALAR; level <= (int)ax_simd(); level++)
		for (unsigned threads = 1; threads <= 2; threads++) {
			struct ax_operands o = {c, x, w, &qx, &qw, IMAGES};
			struct ax_pool *pool = ax_pool_new(threads);
			struct ax_engine e;

			ax_engine_init(&e, pool,
				       ax_kern_at((enum ax_simd)level));
			memset(y, 0x55, ny * sizeof(*y));
			use->ops->forward(use, &e, &o, y);
			for (size_t j = 0; j < ny; j++)
				bad += y[j] != want(c, t, x, w, &qx, &qw, j);
			ax_engine_free(&e);
			ax_pool_free(pool);
		}
	is_int(bad, 0, "%s, %u x %u bits, %s, zero points %d %d%s, %zu to %zu",
	       what, f->n, f->m, f->sign ? "signed" : "unsigned", f->za, f->zb,
	       f->channels ? " by channel" : "", c->cin, c->cout);
	ax_product_free(&p);
	ax_product_free(&own);
	ax_quant_free(&qw);
	free(x);
	free(w);
	free(y);
}

static void
test_products(void)
{
	static const struct format formats[] = {
		{8, 8, true, 0, 0, 0, false},
		{8, 8, true, 0, 0, 0, true},
		{8, 8, true, -37, 0, 0, false},
		{8, 8, true, 5, -9, 0, false},
		{8, 8, true, -128, 11, 7, true},
		{8, 8, false, 128, 128, 0, false},
		{8, 8, false, 0, 131, 0, false},
		{8, 8, false, 3, 120, 5, true},
		{4, 4, false, 8, 7, 0, false},
		{4, 4, true, -2, 1, 0, true},
		{5, 7, false, 11, 60, 0, true},
		{6, 4, true, 0, 0, 0, false},
		{7, 8, true, -64, 0, 0, true},
	};
	struct ax_lut t, exact;
	size_t i, c;

	for (i = 0; i < AX_LEN(formats); i++) {
		const struct format *f = &formats[i];

		for (c = 0; c < AX_LEN(convs); c++) {
			t = table_of(f->n, f->m, f->sign, 90);
			test_product(&convs[c], f, &t, false, "table");
			ax_lut_free(&t);
			exact = table_of(f->n, f->m, f->sign, 0);
			test_product(&convs[c], f, &exact, true, "exact");
			ax_lut_free(&exact);
			/* beyond 16 bits, sums beyond 32 */
			t = table_of(f->n, f->m, f->sign, 2e9);
			test_product(&convs[c], f, &t, false, "32-bit table");
			ax_lut_free(&t);
		}
	}
}

static void
test_refused(void)
{
	struct ax_lut t = table_of(8, 8, true, 0);
	struct ax_product p, own;
	struct ax_err err = AX_ERR_INIT;
	struct ax_quant a, w;

	if (ax_product_table(&p, &t, &err) < 0)
		exit(1);
	ax_quant_init(&a, &ax_quant_symmetric, 8, false);
	ax_quant_init(&w, &ax_quant_symmetric, 8, false);
	ok(ax_product_fit(&own, &p, &a, &w, 9, "conv1", &err) < 0 &&
		   strstr(err.text, "'conv1' multiplies unsigned codes") &&
		   strstr(err.text, "the table is signed"),
	   "a table of the wrong sign: %s", err.text);
	ax_err_clear(&err);
	ax_quant_init(&a, &ax_quant_symmetric, 8, true);
	ax_quant_init(&w, &ax_quant_symmetric, 4, true);
	ok(ax_product_fit(&own, &p, &a, &w, 9, "conv1", &err) < 0 &&
		   strstr(err.text, "8 x 4 bits"),
	   "of the wrong width: %s", err.text);
	ax_product_free(&p);
	ax_lut_free(&t);
}

/* --- fits ----------------------------------------------------------------- */

static double
squared(struct ax_engine *e, const struct ax_quant *q, const float *x, size_t n)
{
	float *v = ax_aligned(n, 4);
	double sum = 0;

	q->ops->values(q, e->kern, v, x, n);
	for (size_t i = 0; i < n; i++)
		sum += pow((double)v[i] - (double)x[i], 2);
	free(v);
	return sum;
}

static void
test_fit(void)
{
	enum { N = 4000, CH = 8 };
	float x[N];
	struct ax_rng r = ax_rng(2, "fit", 0);
	struct ax_quant sym, asym, ch, one;
	struct ax_engine e;
	int same = 1;

	ax_engine_init(&e, NULL, ax_kern());
	for (int i = 0; i < N;
	     i++) /* lopsided, each channel of its own width */
		x[i] = (3 * ax_rng_float(&r) - 0.5f) *
		       (float)(1 + i / (N / CH));
	ax_quant_init(&sym, &ax_quant_symmetric, 6, false);
	sym.zero = 32;
	ax_quant_fit(&sym, &e, x, N);
	ax_quant_init(&asym, &ax_quant_asymmetric, 6, false);
	ax_quant_fit(&asym, &e, x, N);
	is_int(sym.zero, 32, "a symmetric fit keeps its zero point");
	ok(asym.zero > 0 && asym.zero < 20,
	   "an asymmetric one moves it towards the rarer sign: %d", asym.zero);
	ok(squared(&e, &asym, x, N) < 0.6 * squared(&e, &sym, x, N),
	   "and errs less");
	ok(fabs((double)asym.scale * 63 - 24) < 0.3,
	   "its codes cover the range: scale %g", (double)asym.scale);
	ax_quant_init(&ch, &ax_quant_asymmetric, 6, false);
	ax_quant_split(&ch, CH);
	ax_quant_fit(&ch, &e, x, N);
	for (int c = 0; c < CH; c++) {
		ax_quant_init(&one, &ax_quant_asymmetric, 6, false);
		ax_quant_fit(&one, &e, x + c * (N / CH), N / CH);
		same &= one.scale == ch.scales[c] && one.zero == ch.zeros[c];
	}
	ok(same && ch.set, "channels are fitted one by one");
	ok(squared(&e, &ch, x, N) < 0.5 * squared(&e, &asym, x, N),
	   "and err less together");
	for (int i = 0; i < N; i++)
		x[i] = 1 + ax_rng_float(&r);
	ax_quant_fit(&asym, &e, x, N);
	ok(asym.zero == 0, "0 keeps a code of its own: the least");
	for (int i = 0; i < N; i++)
		x[i] = 0;
	ax_quant_fit(&asym, &e, x, N);
	ok(asym.set && asym.scale > 0 && asym.zero == 0, "nothing but zeros");
	ax_quant_free(&ch);
	ax_engine_free(&e);
}

/* --- checkpoints ---------------------------------------------------------- */

static const char tiny[] =
	"{\"input\":[1,4,4],\"classes\":3,\"layers\":[{\"op\":\"conv2d\","
	"\"name\":\"c\",\"out\":4,\"kernel\":3,\"pad\":1},{\"op\":\"flatten\"},"
	"{\"op\":\"linear\",\"name\":\"f\",\"out\":3}]}";

static void
make(struct ax_model *m, const struct ax_format *f)
{
	struct ax_network net;
	struct ax_err err = AX_ERR_INIT;
	float x[32];

	if (ax_network_parse_text(&net, tiny, NULL, 0, &err) < 0)
		exit(1);
	ax_model_init(m, &net, NULL, ax_kern());
	ax_model_random(m, 3);
	ax_model_set_format(m, f);
	if (f->act_bits == 2)
		return;
	for (int i = 0; i < 32; i++)
		x[i] = (float)(i % 7) - 1;
	ax_model_fit_weights(m);
	ax_model_fit_begin(m);
	do
		ax_model_forward(m, x, 2, false);
	while (ax_model_fit_next(m));
}

static void
test_checkpoint(void)
{
	struct ax_format f = {6, 5, false, true, true, true}, back;
	struct ax_checkpoint c = AX_CHECKPOINT_INIT;
	struct ax_err err = AX_ERR_INIT;
	struct ax_tensor *t;
	struct ax_model a, b;
	float x[16] = {1, -1, 2, 0.5f}, ya[3];

	make(&a, &f);
	ok(ax_model_store(&a, &c, &err) == 0, "a model with every option");
	ok(ax_checkpoint_meta(&c, "format") &&
		   ax_format_parse(&back, ax_checkpoint_meta(&c, "format"),
				   &err) == 0 &&
		   ax_format_equal(&f, &back),
	   "its format: %s", ax_checkpoint_meta(&c, "format"));
	t = ax_checkpoint_get(&c, "c.w_quant.zero_point");
	ok(t && t->dtype == AX_I32 && t->n == 4, "a zero point a channel");
	f.act_bits = 2;
	make(&b, &f);
	f.act_bits = 6;
	ax_model_set_format(&b, &f);
	ok(ax_model_load(&b, &c, &err) == 0, "loads again %s", err.text);
	memcpy(ya, ax_model_forward(&a, x, 1, false), sizeof(ya));
	ok(memcmp(ya, ax_model_forward(&b, x, 1, false), sizeof(ya)) == 0,
	   "and computes the same");
	if (t)
		t->i32[2] = 32;
	ok(ax_model_load(&b, &c, &err) < 0 &&
		   strstr(err.text, "holds 32, which is no code"),
	   "a zero point that is no code: %s", err.text);
	ax_err_clear(&err);
	f = ax_format_published();
	ax_model_set_format(&b, &f);
	ok(ax_model_load(&b, &c, &err) < 0 &&
		   strstr(err.text, "give the number format"),
	   "scales by channel in a format without: %s", err.text);
	ax_checkpoint_free(&c);
	ax_model_free(&a);
	ax_model_free(&b);
	ax_err_clear(&err);
	ok(ax_format_parse(&back, "{\"act_bits\":9}", &err) < 0 &&
		   strstr(err.text, "from 2 to 8"),
	   "rubbish for a format");
	ok(ax_format_parse(&back, "[", &err) < 0, "no JSON at all");
}

int
main(void)
{
	test_products();
	test_refused();
	test_fit();
	test_checkpoint();
	return tap_done();
}
