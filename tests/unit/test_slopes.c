/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gradients from the slopes of a table: the slopes against a regression in
 * double, the way back against its definition, also with zero points and
 * scales by channel, and the exact table's against the exact product's.
 */
#include <math.h>

#include "artifacts/base/rng.h"
#include "stages/nn/engine/product.h"
#include "stages/nn/engine/slopes.h"
#include "tests/lib/tap.h"

#define IMAGES 5

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

/* Slope of the regression line of the table around (a, b) along a or b. */
static double
regression(const struct ax_lut *t, int a, int b, int window, bool along_b)
{
	double sx = 0, sy = 0, sxx = 0, sxy = 0, n = 0;

	for (int d = -window; d <= window; d++) {
		int x = along_b ? a : a + d, y = along_b ? b + d : b;
		double v;

		if (x < ax_lut_a_min(t) || x >= ax_lut_a_min(t) + (1 << t->n) ||
		    y < ax_lut_b_min(t) || y >= ax_lut_b_min(t) + (1 << t->m))
			continue;
		v = ax_lut_at(t, x, y);
		n++;
		sx += d;
		sy += v;
		sxx += d * d;
		sxy += d * v;
	}
	return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

static void
test_slopes(unsigned n, unsigned m, bool sign, unsigned window)
{
	struct ax_lut t = table_of(n, m, sign, 500);
	struct ax_slopes *s = ax_slopes_make(&t, window);
	double worst = 0, most = 0;

	for (int a = ax_lut_a_min(&t); a < ax_lut_a_min(&t) + (1 << n); a++)
		for (int b = ax_lut_b_min(&t); b < ax_lut_b_min(&t) + (1 << m);
		     b++) {
			size_t at = (size_t)(b & 255) * 256 + (size_t)(a & 255);
			double wa = regression(&t, a, b, (int)window, false);
			double wb = regression(&t, a, b, (int)window, true);

			most = fmax(most, fmax(fabs(wa), fabs(wb)));
			worst = fmax(worst, fabs((double)s->a[at] - wa));
			worst = fmax(worst, fabs((double)s->b[at] - wb));
		}
	ok(worst < 1e-6 * most, "%u x %u bits, %s, window %u: slopes (%.1e)", n,
	   m, sign ? "signed" : "unsigned", window, worst / most);
	free(s);
	ax_lut_free(&t);
}

static double
distance(const float *a, const double *b, size_t n)
{
	double most = 1e-30, d = 0;

	for (size_t i = 0; i < n; i++) {
		most = fmax(most, fabs(b[i]));
		d = fmax(d, fabs((double)a[i] - b[i]));
	}
	return d / most;
}

/* dx and dw from the definition. */
static void
define(const struct ax_operands *o, const struct ax_slopes *s, const float *dy,
       double *dx, double *dw)
{
	const struct ax_conv *c = o->c;
	size_t cg = c->cin / c->groups, og = c->cout / c->groups;
	size_t area = c->kernel[0] * c->kernel[1], k = cg * area;
	size_t nx = o->n * c->cin * c->h * c->w, nw = c->cout * k;
	size_t ny = o->n * c->cout * c->oh * c->ow, per = c->oh * c->ow;
	float *ac = ax_aligned(nx, 4), *wc = ax_aligned(nw, 4);

	o->in->ops->codes(o->in, ax_kern(), ac, o->x, nx);
	o->weight->ops->codes(o->weight, ax_kern(), wc, o->w, nw);
	for (size_t i = 0; i < ny; i++) {
		size_t n = i / (c->cout * per), m = i / per % c->cout;

		for (size_t j = 0; j < k; j++) {
			size_t ch = m / og * cg + j / area;
			long y = (long)(i / c->ow % c->oh * c->stride[0] +
					j / c->kernel[1] % c->kernel[0]) -
				 (long)c->pad[0];
			long q = (long)(i % c->ow * c->stride[1] +
					j % c->kernel[1]) -
				 (long)c->pad[1];
			bool in = y >= 0 && y < (long)c->h && q >= 0 &&
				  q < (long)c->w;
			size_t xi = in ? ((n * c->cin + ch) * c->h +
					  (size_t)y) * c->w +
						    (size_t)q
				       : 0;
			int a = in ? (int)ac[xi] : o->in->zero;
			size_t at = (size_t)((int)wc[m * k + j] & 255) * 256 +
				    (size_t)(a & 255);

			dw[m * k + j] += (double)dy[i] * (double)o->in->scale *
					 ((double)s->b[at] - o->in->zero);
			if (in)
				dx[xi] += (double)dy[i] *
					  (double)ax_quant_scale(o->weight, m) *
					  ((double)s->a[at] -
					   ax_quant_zero(o->weight, m));
		}
	}
	free(ac);
	free(wc);
}

static void
test_back(const struct ax_conv *c, bool sign, int za, int zb, bool channels,
	  double spread)
{
	struct ax_lut t = table_of(8, 8, sign, spread);
	struct ax_slopes *s = ax_slopes_make(&t, 5);
	size_t nx = IMAGES * c->cin * c->h * c->w, nw = c->cout * ax_conv_k(c);
	size_t ny = IMAGES * c->cout * c->oh * c->ow;
	float *v = ax_aligned(nx + nw + ny, 4), *x = v, *w = x + nx,
	      *dy = w + nw;
	float *out[2] = {ax_aligned(nx + nw, 4), ax_aligned(nx + nw, 4)};
	double *want = ax_calloc(nx + nw, sizeof(*want));
	struct ax_product p, own = {0}, *use = &p;
	struct ax_rng r = ax_rng(5, "back", 0);
	struct ax_quant qx, qw;
	struct ax_operands o = {c, x, w, &qx, &qw, IMAGES};
	struct ax_err err = AX_ERR_INIT;
	int made;

	for (size_t i = 0; i < nx + nw + ny; i++)
		v[i] = 2 * ax_rng_float(&r) - 1;
	ax_quant_init(&qx, &ax_quant_asymmetric, 8, sign);
	ax_quant_init(&qw, &ax_quant_asymmetric, 8, sign);
	ax_quant_set(&qx, 0.007f);
	ax_quant_set(&qw, 0.008f);
	qx.zero = za;
	qw.zero = zb;
	if (channels) {
		ax_quant_split(&qw, c->cout);
		for (size_t i = 0; i < c->cout; i++) {
			qw.scales[i] = 0.006f + 0.001f * (float)i;
			qw.zeros[i] += (int)i;
		}
	}
	if (ax_product_table(&p, &t, &err) < 0)
		exit(1);
	p.gradient = &ax_gradient_slopes;
	p.slopes = s;
	made = ax_product_fit(&own, &p, &qx, &qw, ax_conv_k(c), "l", &err);
	if (made > 0)
		use = &own;
	for (int i = 0; i < 2; i++) {
		struct ax_pool *pool = ax_pool_new(i ? 3 : 1);
		struct ax_engine e;

		ax_engine_init(&e, pool,
			       ax_kern_at(i ? AX_SIMD_SCALAR : ax_simd()));
		use->gradient->backward(use, &e, &o, dy, out[i], out[i] + nx);
		ax_engine_free(&e);
		ax_pool_free(pool);
	}
	define(&o, s, dy, want, want + nx);
	ok(distance(out[0], want, nx) < 3e-6 &&
		   distance(out[0] + nx, want + nx, nw) < 3e-6,
	   "%s, zero points %d %d%s, %zu groups: by input (%.1e), by weights "
	   "(%.1e)",
	   sign ? "signed" : "unsigned", za, zb, channels ? " by channel" : "",
	   c->groups, distance(out[0], want, nx),
	   distance(out[0] + nx, want + nx, nw));
	ok(memcmp(out[0], out[1], (nx + nw) * 4) == 0,
	   "the same bits with 1 and 3 threads, scalar and not");
	if (spread == 0) {
		struct ax_engine e;

		ax_engine_init(&e, NULL, ax_kern());
		ax_gradient_exact.backward(use, &e, &o, dy, out[1],
					   out[1] + nx);
		for (size_t i = 0; i < nx + nw; i++)
			want[i] = (double)out[1][i];
		ok(distance(out[0], want, nx) < 3e-6 &&
			   distance(out[0] + nx, want + nx, nw) < 3e-6,
		   "the exact table's are those of the exact product");
		ax_engine_free(&e);
	}
	ax_product_free(&p);
	ax_product_free(&own);
	ax_quant_free(&qw);
	ax_lut_free(&t);
	free(s);
	free(v);
	free(out[0]);
	free(out[1]);
	free(want);
}

int
main(void)
{
	static const struct ax_conv plain = {3, 9,      7,      5,      9,
					     7, {3, 3}, {1, 1}, {1, 1}, 1};
	static const struct ax_conv depthwise = {6, 8,      7,      6,      4,
						 4, {3, 3}, {2, 2}, {1, 1}, 6};

	test_slopes(8, 8, true, 16);
	test_slopes(8, 8, false, 1);
	test_slopes(4, 6, false, 3);
	test_slopes(5, 4, true, 256);
	test_back(&plain, true, 0, 0, false, 0);
	test_back(&plain, true, 0, 0, false, 400);
	test_back(&plain, false, 120, 131, false, 0);
	test_back(&plain, false, 120, 131, true, 400);
	test_back(&depthwise, true, -5, 0, false, 400);
	test_back(&depthwise, true, 7, 3, true, 0);
	return tap_done();
}
