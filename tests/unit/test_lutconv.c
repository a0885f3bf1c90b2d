/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers that multiply by look-up: integer sums against a direct loop over the
 * definition, for every SIMD level, shape and kind of table; exact products;
 * the limits that are checked; and the gradients of the exact product.
 */
#include <math.h>

#include "artifacts/base/base.h"
#include "artifacts/base/rng.h"
#include "stages/nn/engine/product.h"
#include "tests/lib/tap.h"

#define IMAGES 5

static const struct ax_conv convs[] = {
	{3, 9, 7, 5, 9, 7, {3, 3}, {1, 1}, {1, 1}, 1},
	{4, 32, 32, 3, 32, 32, {3, 3}, {1, 1}, {1, 1}, 1},
	{8, 16, 16, 10, 8, 8, {3, 3}, {2, 2}, {1, 1}, 1},
	{12, 8, 8, 12, 8, 8, {3, 3}, {1, 1}, {1, 1}, 12},
	{64, 1, 1, 100, 1, 1, {1, 1}, {1, 1}, {0, 0}, 1},
	{40, 6, 6, 3, 6, 6, {3, 3}, {1, 1}, {1, 1}, 1},
};

/* Odd extents, kernels and numbers of products; padding beyond the kernel. */
static const struct ax_conv odd[] = {
	{2, 7, 13, 4, 5, 6, {5, 5}, {3, 2}, {6, 1}, 1},
	{6, 11, 17, 12, 10, 16, {2, 2}, {1, 1}, {0, 0}, 6},
	{9, 8, 9, 2, 4, 5, {7, 7}, {1, 1}, {1, 1}, 1},
	{1, 3, 33, 3, 3, 33, {1, 5}, {1, 1}, {0, 2}, 1},
	{2, 1, 1, 4, 3, 3, {3, 3}, {1, 1}, {2, 2}, 2},
	{5, 1, 1, 6, 1, 1, {1, 1}, {1, 1}, {0, 0}, 1},
};

/* A table with values of no pattern at all. */
static struct ax_lut
random_table(unsigned n, unsigned m, bool sign, int32_t lo, int32_t hi)
{
	struct ax_rng r = ax_rng(3, "table", n * 16 + m);
	struct ax_lut t;

	if (ax_lut_new(&t, n, m, sign, NULL) < 0)
		exit(1);
	for (size_t i = 0; i < ax_lut_size(&t); i++)
		t.v[i] =
			lo + (int32_t)ax_rng_below(&r, (uint32_t)(hi - lo + 1));
	t.v[0] = lo;
	t.v[1] = hi;
	return t;
}

/* Every row runs over the same range, its values mostly the greatest: as much
 * as digits and their sums can hold. Both ends are among positive operands.
 * With `product` that is added to them, and they are its errors. */
static struct ax_lut
edge_table(bool sign, bool product, int32_t range)
{
	struct ax_rng r = ax_rng(6, "edge", (uint64_t)range);
	struct ax_lut t;

	if (ax_lut_new(&t, 8, 8, sign, NULL) < 0)
		exit(1);
	for (int a = ax_lut_a_min(&t); a < ax_lut_a_min(&t) + 256; a++)
		for (int b = 0; b < 256; b++) {
			int32_t v = ax_rng_below(&r, 4) ? range : range - 1;

			if (a == 1 || ax_rng_below(&r, 16) == 0)
				v = 0;
			else if (a == 2)
				v = range;
			t.v[(a - ax_lut_a_min(&t)) * 256 + b] =
				v + 31 * b - 5000 +
				(product ? a * (b + ax_lut_b_min(&t)) : 0);
		}
	return t;
}

static int
code(const struct ax_quant *q, float x)
{
	float v = x / q->scale;

	v = v < q->lo ? q->lo : v > q->hi ? q->hi : v;
	return (int)nearbyintf(v);
}

/* The sum of one output, from the definition. */
static int64_t
sum_of(const struct ax_conv *c, const struct ax_lut *t, const float *x,
       const float *w, const struct ax_quant *qx, const struct ax_quant *qw,
       size_t n, size_t o, size_t oy, size_t ox)
{
	size_t cg = c->cin / c->groups, og = c->cout / c->groups;
	int64_t sum = 0;

	for (size_t i = 0; i < cg; i++)
		for (size_t ky = 0; ky < c->kernel[0]; ky++)
			for (size_t kx = 0; kx < c->kernel[1]; kx++) {
				size_t y = oy * c->stride[0] + ky - c->pad[0];
				size_t q = ox * c->stride[1] + kx - c->pad[1];
				size_t wi = ((o * cg + i) * c->kernel[0] + ky) *
						    c->kernel[1] +
					    kx;
				int a = 0;

				/* size_t: left of 0 is far right */
				if (y < c->h && q < c->w)
					a = code(qx,
						 x[((n * c->cin + o / og * cg +
						     i) * c->h +
						    y) * c->w +
						   q]);
				sum += ax_lut_at(t, a, code(qw, w[wi]));
			}
	return sum;
}

static void
test_table(const struct ax_conv *c, const struct ax_lut *t, bool positive,
	   bool integer, const char *what)
{
	size_t nx = IMAGES * c->cin * c->h * c->w, nw = c->cout * ax_conv_k(c);
	size_t ny = IMAGES * c->cout * c->oh * c->ow, i = 0;
	float *x = ax_aligned(nx, 4), *w = ax_aligned(nw, 4);
	float *y = ax_aligned(ny, 4), *want = ax_aligned(ny, 4);
	struct ax_rng r = ax_rng(4, what, nx);
	struct ax_err err = AX_ERR_INIT;
	struct ax_product p = {0};
	struct ax_quant qx, qw;
	int bad = 0;

	ax_quant_init(&qx, &ax_quant_symmetric, t->n, t->sign);
	ax_quant_init(&qw, &ax_quant_symmetric, t->m, t->sign);
	ax_quant_set(&qx, 0.9f / qx.hi);
	ax_quant_set(&qw, 0.9f / qw.hi);
	for (size_t j = 0; j < nx; j++)
		x[j] = positive ? ax_rng_float(&r) : 2 * ax_rng_float(&r) - 1;
	for (size_t j = 0; j < nw; j++)
		w[j] = 2 * ax_rng_float(&r) - 1;
	for (size_t n = 0; n < IMAGES; n++)
		for (size_t o = 0; o < c->cout; o++)
			for (size_t oy = 0; oy < c->oh; oy++)
				for (size_t ox = 0; ox < c->ow; ox++)
					want[i++] = (float)sum_of(c, t, x, w,
								  &qx, &qw, n,
								  o, oy, ox) *
						    (qw.scale * qx.scale);
	ok((integer ? ax_product_integer(&p, t->n, t->m, t->sign, &err)
		    : ax_product_table(&p, t, &err)) == 0,
	   "%s table %s", what, err.text);
	for (int level = AX_SIMD_SCALAR; level <= (int)ax_simd(); level++)
		for (unsigned threads = 1; threads <= 2; threads++) {
			struct ax_operands o = {c, x, w, &qx, &qw, IMAGES};
			struct ax_pool *pool = ax_pool_new(threads);
			struct ax_engine e;

			ax_engine_init(&e, pool,
				       ax_kern_at((enum ax_simd)level));
			memset(y, 0x55, ny * sizeof(*y));
			p.ops->forward(&p, &e, &o, y);
			for (size_t j = 0; j < ny; j++)
				bad += y[j] != want[j];
			ax_engine_free(&e);
			ax_pool_free(pool);
		}
	is_int(bad, 0, "%s, %zux%zux%zu to %zu: every sum right", what, c->cin,
	       c->h, c->w, c->cout);
	ax_product_free(&p);
	free(x);
	free(w);
	free(y);
	free(want);
}

/* Tables that have a short way: the sums are the same on it. */
static int32_t
cut(int a, int b)
{
	return (a & ~3) * (b & ~1);
}

static int32_t
cut_and_more(int a, int b)
{
	return cut(a, b) + 7 * b * b - 3;
}

static int32_t
square(int a, int b)
{
	return a * a * b;
}

static int32_t
huge(int a, int b)
{
	return 60 * a * b;
}

static int32_t
constant(int a, int b)
{
	(void)a;
	return 5 * b;
}

static int32_t
two_terms(int a, int b)
{
	return a * b + (a & 1) * (b & 1);
}

static int32_t
near(int a, int b)
{
	return 200 * b + ((a * 37 + b * 11) & 255);
}

static int32_t
near_product(int a, int b)
{
	return a * b + ((a * 37 + b * 11) & 255) - 100;
}

static const struct {
	const char *name;
	int32_t (*at)(int a, int b);
	const char *way;
	bool bytes;
	bool errors; /* of signed codes */
} ways[] = {
	{"operands cut short", cut, "factored table", false, false},
	{"the same, with constants", cut_and_more, "factored table", false,
	 false},
	{"a square of one operand", square, "factored table", false, false},
	{"products too great for float32", huge, "factored table", false,
	 false},
	{"one operand alone", constant, "factored table", true, false},
	{"two terms", two_terms, "table", false, true},
	{"the product and errors of a byte", near_product, "table", false,
	 true},
	{"rows that vary by less than 256", near, "table", true, false},
};

static void
test_ways(unsigned n, unsigned m, bool sign)
{
	struct ax_product p = {0};
	struct ax_lut t;

	for (size_t i = 0; i < AX_LEN(ways); i++) {
		if (ax_lut_new(&t, n, m, sign, NULL) < 0)
			exit(1);
		for (size_t j = 0; j < ax_lut_size(&t); j++)
			t.v[j] = ways[i].at((int)(j >> m) + ax_lut_a_min(&t),
					    (int)(j & ((1u << m) - 1)) +
						    ax_lut_b_min(&t));
		if (ax_product_table(&p, &t, NULL) < 0)
			exit(1);
		ok(ax_streq(p.ops->name, ways[i].way) &&
			   (p.rows.full.bytes || !ways[i].bytes) &&
			   (p.rows.errors.bytes || !ways[i].errors || !sign),
		   "%s, %u x %u bits: %s", ways[i].name, n, m, p.ops->name);
		ax_product_free(&p);
		for (size_t c = i % 2; c < AX_LEN(convs); c += 2)
			test_table(&convs[c], &t, c & 1, false, ways[i].name);
		setenv("AXPIPE_TABLES", "rows", 1);
		if (ax_product_table(&p, &t, NULL) < 0)
			exit(1);
		ok(ax_streq(p.ops->name, "table") && !p.rows.full.bytes,
		   "looked up when that is forced");
		ax_product_free(&p);
		test_table(&convs[i % 2], &t, i & 1, false, ways[i].name);
		unsetenv("AXPIPE_TABLES");
		ax_lut_free(&t);
	}
}

/* Exact integers of an input whose zero point is not 0, in a layer wide enough
 * for products of bytes: codes of both signs, and none above 127. */
static void
test_zero_point(int zero, float low)
{
	const struct ax_conv *c = &convs[2];
	size_t nx = IMAGES * c->cin * c->h * c->w, nw = c->cout * ax_conv_k(c);
	size_t ny = IMAGES * c->cout * c->oh * c->ow, i = 0;
	float *x = ax_aligned(nx, 4), *w = ax_aligned(nw, 4);
	float *y = ax_aligned(ny, 4), *want = ax_aligned(ny, 4);
	struct ax_rng r = ax_rng(6, "zero", 0);
	struct ax_product p = {0}, own = {0};
	struct ax_quant qx, qw, plain;
	struct ax_lut exact;
	int bad = 0;

	ax_quant_init(&qx, &ax_quant_asymmetric, 8, true);
	ax_quant_init(&qw, &ax_quant_symmetric, 8, true);
	ax_quant_set(&qx, 1.0f / 128);
	ax_quant_set(&qw, 0.9f / qw.hi);
	qx.zero = zero;
	/* centred codes are the codes of a quantiser without a zero point */
	plain = qx;
	plain.zero = 0;
	for (size_t j = 0; j < nx; j++)
		x[j] = low + 0.6f * ax_rng_float(&r);
	for (size_t j = 0; j < nw; j++)
		w[j] = 2 * ax_rng_float(&r) - 1;
	if (ax_lut_exact(&exact, AX_LUT_MUL, 9, 8, true, NULL) < 0 ||
	    ax_product_integer(&p, 8, 8, true, NULL) < 0 ||
	    ax_product_fit(&own, &p, &qx, &qw, ax_conv_k(c), "conv", NULL) != 1)
		exit(1);
	for (size_t n = 0; n < IMAGES; n++)
		for (size_t o = 0; o < c->cout; o++)
			for (size_t oy = 0; oy < c->oh; oy++)
				for (size_t ox = 0; ox < c->ow; ox++)
					want[i++] =
						(float)sum_of(c, &exact, x, w,
							      &plain, &qw, n, o,
							      oy, ox) *
						(qw.scale * qx.scale);
	for (int level = AX_SIMD_SCALAR; level <= (int)ax_simd(); level++) {
		struct ax_operands o = {c, x, w, &qx, &qw, IMAGES};
		struct ax_engine e;

		ax_engine_init(&e, NULL, ax_kern_at((enum ax_simd)level));
		own.ops->forward(&own, &e, &o, y);
		for (size_t j = 0; j < ny; j++)
			bad += y[j] != want[j];
		ax_engine_free(&e);
	}
	is_int(bad, 0, "exact integers, zero point %d: every sum right", zero);
	ax_product_free(&own);
	ax_product_free(&p);
	ax_lut_free(&exact);
	free(x);
	free(w);
	free(y);
	free(want);
}

/* Two images to a task, nine images: the block of positions of the last one
 * reaches into an image that is not there, where the one before left codes that
 * half a table does not have. (Read behind the table, seen by ASan.) */
static void
test_absent(void)
{
	static const struct ax_conv c = {4, 1,      1,      3,      1,
					 1, {1, 1}, {1, 1}, {0, 0}, 1};
	struct ax_lut t = random_table(8, 8, true, -32768, 32767);
	struct ax_pool *pool = ax_pool_new(1);
	float x[9 * 4], w[3 * 4], y[9 * 3];
	struct ax_err err = AX_ERR_INIT;
	struct ax_product p = {0};
	struct ax_quant qx, qw;
	struct ax_operands o = {&c, x, w, &qx, &qw, 9};
	int bad = 0;

	ax_quant_init(&qx, &ax_quant_symmetric, 8, true);
	ax_quant_init(&qw, &ax_quant_symmetric, 8, true);
	ax_quant_set(&qx, 0.9f / qx.hi);
	ax_quant_set(&qw, 0.9f / qw.hi);
	for (size_t i = 0; i < AX_LEN(x); i++)
		x[i] = i / 4 == 7 ? -qx.scale : 0.5f;
	for (size_t i = 0; i < AX_LEN(w); i++)
		w[i] = -qw.scale; /* code 255: the last row */
	if (ax_product_table(&p, &t, &err) < 0)
		printf("Bail out! %s\n", err.text);
	for (int level = AX_SIMD_SCALAR; level <= (int)ax_simd(); level++) {
		struct ax_engine e;

		ax_engine_init(&e, pool, ax_kern_at((enum ax_simd)level));
		p.ops->forward(&p, &e, &o, y);
		for (size_t i = 0; i < AX_LEN(y); i++)
			bad += y[i] != (float)sum_of(&c, &t, x, w, &qx, &qw,
						     i / 3, i % 3, 0, 0) *
					       (qw.scale * qx.scale);
		ax_engine_free(&e);
	}
	is_int(bad, 0, "images that are not there: every sum right");
	ax_product_free(&p);
	ax_pool_free(pool);
	ax_lut_free(&t);
}

static void
test_limits(void)
{
	struct ax_lut t = random_table(8, 8, true, -32768, 32767);
	struct ax_err err = AX_ERR_INIT;
	struct ax_product p = {0}, own = {0};
	struct ax_quant q;

	ok(ax_product_table(&p, &t, &err) == 0, "the widest table");
	ax_quant_init(&q, &ax_quant_symmetric, 8, true);
	ax_quant_set(&q, 1);
	is_int(ax_product_fit(&own, &p, &q, &q, 65535, "conv", &err), 0,
	       "65535 products of it fit into 32 bits");
	is_int(ax_product_fit(&own, &p, &q, &q, 65537, "conv", &err), 1,
	       "more do not, and get a product of their own");
	ok(own.wide != NULL, "with 64-bit sums");
	ax_product_free(&own);
	ax_product_free(&p);
	t.v[5] = 3000000;
	ok(ax_product_table(&p, &t, &err) == 0, "a table of 32-bit values");
	is_int(ax_product_fit(&own, &p, &q, &q, 715, "conv", &err), 0,
	       "715 products with a value of 3,000,000 fit");
	is_int(ax_product_fit(&own, &p, &q, &q, 716, "conv", &err), 1,
	       "716 do not");
	ax_product_free(&own);
	ax_product_free(&p);
	ax_lut_free(&t);
	if (ax_lut_new(&t, 9, 8, true, NULL) == 0) {
		ok(ax_product_table(&p, &t, &err) < 0 &&
			   strstr(err.text, "9 x 8"),
		   "too many bits: %s", err.text);
		ax_lut_free(&t);
	}
}

/* The gradients are those of the float product of the quantised values. */
static void
test_gradients(void)
{
	const struct ax_conv *c = &convs[0];
	size_t nx = IMAGES * c->cin * c->h * c->w, nw = c->cout * ax_conv_k(c);
	size_t ny = IMAGES * c->cout * c->oh * c->ow;
	float *v = ax_aligned(2 * (nx + nw) + ny, 4), *x = v, *w = x + nx;
	float *dy = w + nw, *dx = dy + ny, *dw = dx + nx;
	float *xq = ax_aligned(2 * (nx + nw), 4), *wq = xq + nx;
	float *dx2 = wq + nw, *dw2 = dx2 + nx;
	struct ax_lut t = random_table(8, 8, true, -20000, 20000);
	struct ax_rng r = ax_rng(5, "grad", 0);
	struct ax_product p = {0};
	struct ax_quant qx, qw;
	struct ax_engine e;
	struct ax_operands o = {c, x, w, &qx, &qw, IMAGES};

	ax_engine_init(&e, NULL, ax_kern());
	for (size_t i = 0; i < nx + nw + ny; i++)
		v[i] = 2 * ax_rng_float(&r) - 1;
	ax_quant_init(&qx, &ax_quant_symmetric, 8, true);
	ax_quant_init(&qw, &ax_quant_symmetric, 8, true);
	/* scales that saturate: no mask may appear */
	ax_quant_set(&qx, 0.5f / 127);
	ax_quant_set(&qw, 0.5f / 127);
	qx.ops->values(&qx, e.kern, xq, x, nx);
	qw.ops->values(&qw, e.kern, wq, w, nw);
	if (ax_product_table(&p, &t, NULL) < 0)
		exit(1);
	p.gradient->backward(&p, &e, &o, dy, dx, dw);
	ax_conv_dgrad(&e, c, dx2, dy, wq, IMAGES);
	ax_conv_wgrad(&e, c, dw2, dy, xq, NULL, IMAGES);
	ok(memcmp(dx, dx2, nx * 4) == 0,
	   "gradient by input: exact product, straight through");
	ok(memcmp(dw, dw2, nw * 4) == 0,
	   "gradient by weights: exact product, straight through");
	ax_product_free(&p);
	ax_lut_free(&t);
	ax_engine_free(&e);
	free(v);
	free(xq);
}

int
main(void)
{
	static const int32_t edges[] = {255,   255,   256,   256,
					16383, 16383, 16384, 16384,
					65535, 65535, 65536, 65536};
	struct ax_lut t = random_table(8, 8, true, -32768, 32767), exact;
	size_t i;

	for (i = 0; i < AX_LEN(convs); i++) {
		test_table(&convs[i], &t, false, false, "signed input");
		test_table(&convs[i], &t, true, false, "positive input");
	}
	ax_lut_free(&t);
	t = random_table(8, 8, true, -2000000, 3000000);
	for (i = 0; i < AX_LEN(convs); i++)
		test_table(&convs[i], &t, i & 1, false, "32-bit values");
	ax_lut_free(&t);
	t = random_table(4, 6, true, -300, 300);
	test_table(&convs[2], &t, false, false, "4 x 6 bits");
	ax_lut_free(&t);
	t = random_table(8, 8, false, 0, 65535);
	test_table(&convs[0], &t, true, false, "unsigned");
	ax_lut_free(&t);
	if (ax_lut_exact(&exact, AX_LUT_MUL, 8, 8, true, NULL) < 0)
		return 1;
	for (i = 0; i < AX_LEN(convs); i++)
		test_table(&convs[i], &exact, false, true, "exact integers");
	ax_lut_free(&exact);
	t = random_table(8, 8, true, -100, 155);
	for (i = 0; i < AX_LEN(convs); i++)
		test_table(&convs[i], &t, i & 1, false, "8-bit values");
	ax_lut_free(&t);
	/* the greatest ranges of a byte, of two digits of seven bits and of a
	 * word, and what is just beyond */
	for (size_t j = 0; j < AX_LEN(edges); j++) {
		t = edge_table(j & 1, false, edges[j]);
		for (i = 0; i < AX_LEN(odd); i++) {
			test_table(&odd[i], &t, true, false, "edge, positive");
			test_table(&odd[i], &t, false, false, "edge");
		}
		for (i = 0; i < AX_LEN(convs); i++)
			test_table(&convs[i], &t, true, false, "edge");
		ax_lut_free(&t);
	}
	for (int32_t range = 255; range <= 256; range++) {
		t = edge_table(true, true, range);
		for (i = 0; i < AX_LEN(odd); i++)
			test_table(&odd[i], &t, true, false, "edge of errors");
		for (i = 0; i < AX_LEN(convs); i++)
			test_table(&convs[i], &t, true, false,
				   "edge of errors");
		ax_lut_free(&t);
	}
	t = random_table(4, 4, true, -56, 64);
	test_table(&convs[1], &t, false, false, "4 x 4 bits");
	ax_lut_free(&t);
	test_ways(8, 8, true);
	test_ways(5, 7, true);
	test_ways(8, 8, false);
	test_zero_point(-77, -0.3f);
	test_zero_point(40, -0.3f);
	test_zero_point(31, 0);
	test_absent();
	test_limits();
	test_gradients();
	return tap_done();
}
