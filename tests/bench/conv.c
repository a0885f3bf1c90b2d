/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Speed of the engine at the shapes of ResNet-20, batch 32: float convolution
 * forward and both gradients, exact integers, and table look-ups, in GMAC for
 * each second of CPU time. Prints one JSON object; the first argument is the
 * number of threads (default 1).
 */
#include <time.h>

#include "artifacts/base/base.h"
#include "artifacts/base/rng.h"
#include "stages/nn/engine/product.h"

#define BATCH 32
#define SECONDS 0.25

struct shape {
	const char *name;
	size_t c, hw, out, stride;
};

static const struct shape shapes[] = {{"16x32x32", 16, 32, 16, 1},
				      {"32x16x16", 32, 16, 32, 1},
				      {"64x8x8", 64, 8, 64, 1}};

struct bench {
	struct ax_engine e;
	struct ax_conv c;
	struct ax_quant qx, qw;
	struct ax_product integer, table;
	float *x, *w, *y, *dx, *dw;
};

static void
forward(struct bench *b)
{
	ax_conv_forward(&b->e, &b->c, b->y, b->x, b->w, NULL, false, 1, BATCH);
}

static void
dgrad(struct bench *b)
{
	ax_conv_dgrad(&b->e, &b->c, b->dx, b->y, b->w, BATCH);
}

static void
wgrad(struct bench *b)
{
	ax_conv_wgrad(&b->e, &b->c, b->dw, b->y, b->x, NULL, BATCH);
}

static void
multiply(struct bench *b, const struct ax_product *p)
{
	struct ax_operands o = {&b->c, b->x, b->w, &b->qx, &b->qw, BATCH};

	p->ops->forward(p, &b->e, &o, b->y);
}

static void
integer(struct bench *b)
{
	multiply(b, &b->integer);
}

static void
table(struct bench *b)
{
	multiply(b, &b->table);
}

/* Seconds that all threads of this process have worked: the machine may be
 * shared, and time spent waiting for a core says nothing. */
static double
worked(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* GMAC a second and thread: the best of many calls. */
static double
speed(struct bench *b, void (*fn)(struct bench *))
{
	double macs = (double)BATCH * (double)b->c.cout *
		      (double)(b->c.oh * b->c.ow) * (double)ax_conv_k(&b->c);
	double start = worked(), last = start, best = 1e30, t;

	do {
		fn(b);
		t = worked();
		best = AX_MIN(best, t - last);
		last = t;
	} while (last - start < SECONDS);
	return macs / best / 1e9;
}

static float *
numbers(size_t n, bool positive)
{
	float *v = ax_aligned(n, sizeof(*v));
	struct ax_rng r = ax_rng(1, "bench", n);
	size_t i;

	for (i = 0; i < n; i++)
		v[i] = ax_rng_float(&r) - (positive ? 0 : 0.5f);
	return v;
}

int
main(int argc, char **argv)
{
	struct ax_pool *pool =
		ax_pool_new(argc > 1 ? (unsigned)atoi(argv[1]) : 1);
	struct ax_lut lut;
	struct bench b;
	size_t i;

	memset(&b, 0, sizeof(b));
	ax_engine_init(&b.e, pool, ax_kern());
	ax_quant_init(&b.qx, &ax_quant_symmetric, 8, true);
	ax_quant_init(&b.qw, &ax_quant_symmetric, 8, true);
	ax_quant_set(&b.qx, 1.0f / 127);
	ax_quant_set(&b.qw, 0.5f / 127);
	if (ax_lut_exact(&lut, AX_LUT_MUL, 8, 8, true, NULL) < 0 ||
	    ax_product_table(&b.table, &lut, NULL) < 0 ||
	    ax_product_integer(&b.integer, 8, 8, true, NULL) < 0)
		return 1;
	ax_lut_free(&lut);
	printf("{\"simd\":\"%s\",\"threads\":%u,\"unit\":\"GMAC/"
	       "s\",\"shapes\":{",
	       b.e.kern->name, ax_pool_threads(pool));
	for (i = 0; i < AX_LEN(shapes); i++) {
		const struct shape *s = &shapes[i];
		size_t in = s->c * s->hw * s->hw, out = s->out * s->hw * s->hw;

		b.c = (struct ax_conv){s->c,  s->hw,  s->hw,  s->out, s->hw,
				       s->hw, {3, 3}, {1, 1}, {1, 1}, 1};
		b.x = numbers(in * BATCH, true);
		b.y = numbers(out * BATCH, false);
		b.dx = numbers(in * BATCH, false);
		b.w = numbers(s->out * ax_conv_k(&b.c), false);
		b.dw = numbers(s->out * ax_conv_k(&b.c), false);
		printf("%s\"%s\":{", i ? "," : "", s->name);
		printf("\"forward\":%.2f,", speed(&b, forward));
		printf("\"dgrad\":%.2f,", speed(&b, dgrad));
		printf("\"wgrad\":%.2f,", speed(&b, wgrad));
		printf("\"integer\":%.2f,", speed(&b, integer));
		printf("\"lut\":%.2f}", speed(&b, table));
		free(b.x);
		free(b.y);
		free(b.dx);
		free(b.w);
		free(b.dw);
	}
	printf("}}\n");
	ax_product_free(&b.table);
	ax_product_free(&b.integer);
	ax_engine_free(&b.e);
	ax_pool_free(pool);
	return 0;
}
