/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Speed of the engine at the shapes of ResNet-20 and of a depthwise layer,
 *batch 32: float convolution forward and both gradients, exact integers, and
 *table look-ups, each from float input to float output, in GMAC for each second
 *of CPU time. Beside them, without packing or quantising anything, what others
 *would do:
 *
 *	sgemm   OpenBLAS (loaded at run time; null where it is not installed),
 *	        the product of the same sizes, one image or 32 at a time,
 *	        whichever is faster, by the fastest kernels that run here
 *	gather  a look-up loop of 16-lane gathers (null without AVX-512)
 *
 * Prints one JSON object. The first argument is the number of threads (default
 * 1; the peers use one).
 */
#include <dlfcn.h>
#include <math.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "artifacts/base/base.h"
#include "artifacts/base/rng.h"
#include "stages/nn/engine/product.h"

#define BATCH 32
#define SECONDS 0.25

struct shape {
	const char *name;
	size_t c, hw, out, groups;
};

static const struct shape shapes[] = {
	{"16x32x32", 16, 32, 16, 1},
	{"32x16x16", 32, 16, 32, 1},
	{"64x8x8", 64, 8, 64, 1},
	{"128x16x16 depthwise", 128, 16, 128, 128}};

struct bench {
	struct ax_engine e;
	struct ax_conv c;
	struct ax_quant qx, qw;
	struct ax_product integer, table;
	float *x, *w, *y, *dx, *dw, *col;
	uint8_t *wcodes, *codes; /* of w, and of col */
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

/* --- peers ---------------------------------------------------------------- */

typedef void (*sgemm_fn)(int order, int ta, int tb, int m, int n, int k,
			 float alpha, const float *a, int lda, const float *b,
			 int ldb, float beta, float *c, int ldc);
static sgemm_fn sgemm;
static size_t sgemm_images;

static void
load_sgemm(void)
{
	void *lib;
	void (*threads)(int);

	lib = dlopen("libopenblas.so.0", RTLD_NOW);
	if (!lib)
		return;
	*(void **)&threads = dlsym(lib, "openblas_set_num_threads");
	*(void **)&sgemm = dlsym(lib, "cblas_sgemm");
	if (threads)
		threads(1);
}

static void
blas(struct bench *b)
{
	int m = (int)b->c.cout, k = (int)ax_conv_k(&b->c);
	int n = (int)(b->c.oh * b->c.ow * sgemm_images);

	for (size_t i = 0; i < BATCH; i += sgemm_images)
		sgemm(101, 111, 111, m, n, k, 1, b->w, k, b->col, n, 0, b->y,
		      n);
}

#if defined(__x86_64__)
/* out[p] = sum over k of row w[k] at idx[k*64 + p], 64 positions */
__attribute__((target("avx512f"))) static void
gather_64(uint32_t *out, const uint16_t *rows, const uint8_t *w,
	  const uint8_t *idx, size_t k)
{
	const __m512i word = _mm512_set1_epi32(65535);
	__m512i s[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(),
			_mm512_setzero_si512(), _mm512_setzero_si512()};
	size_t i, j;

	for (i = 0; i < k; i++, idx += 64)
#pragma GCC unroll 4
		for (j = 0; j < 4; j++)
			s[j] = _mm512_add_epi32(
				s[j],
				_mm512_and_si512(
					word,
					_mm512_i32gather_epi32(
						_mm512_cvtepu8_epi32(_mm_loadu_si128(
							(const void
								 *)(idx +
								    16 * j))),
						(const void *)(rows +
							       w[i] * 128),
						2)));
	for (j = 0; j < 4; j++)
		_mm512_storeu_si512(out + 16 * j, s[j]);
}

static void
gather(struct bench *b)
{
	size_t k = ax_conv_k(&b->c), all = BATCH * b->c.oh * b->c.ow, p, m;

	for (p = 0; p < all; p += 64)
		for (m = 0; m < b->c.cout; m++)
			gather_64((uint32_t *)b->y + m * all + p,
				  (const uint16_t *)b->table.rows.half
					  .rows[AX_ROWS_WORDS],
				  b->wcodes + m * k, b->codes + p * k, k);
}
#endif

/* --- measuring ------------------------------------------------------------ */

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

/* Comma-separated members, and how the look-ups compare. */
static void
peers(struct bench *b, double lut)
{
	double blas_speed = 0, gather_speed = 0;

	if (sgemm)
		for (sgemm_images = 1; sgemm_images <= BATCH;
		     sgemm_images *= BATCH)
			blas_speed = AX_MAX(blas_speed, speed(b, blas));
#if defined(__x86_64__)
	if (ax_simd() >= AX_SIMD_AVX512)
		gather_speed = speed(b, gather);
#endif
	if (blas_speed > 0)
		printf("\"sgemm\":%.2f,\"lut_vs_sgemm\":%.2f,", blas_speed,
		       lut / blas_speed);
	else
		printf("\"sgemm\":null,");
	if (gather_speed > 0)
		printf("\"gather\":%.2f,\"lut_vs_gather\":%.1f}", gather_speed,
		       lut / gather_speed);
	else
		printf("\"gather\":null}");
}

/* A release of OpenBLAS that is older than the CPU may take it for a much
 * older one; it looks only when the process begins. */
static void
fastest_sgemm(char **argv)
{
	if (ax_simd() < AX_SIMD_AVX512 ||
	    ax_streq(getenv("OPENBLAS_CORETYPE"), "SkylakeX"))
		return;
	setenv("OPENBLAS_CORETYPE", "SkylakeX", 1);
	execv("/proc/self/exe", argv);
}

int
main(int argc, char **argv)
{
	struct ax_pool *pool =
		ax_pool_new(argc > 1 ? (unsigned)atoi(argv[1]) : 1);
	struct ax_lut lut_table;
	struct bench b;
	double lut;
	size_t i, j;

	memset(&b, 0, sizeof(b));
	fastest_sgemm(argv);
	load_sgemm();
	ax_engine_init(&b.e, pool, ax_kern());
	ax_quant_init(&b.qx, &ax_quant_symmetric, 8, true);
	ax_quant_init(&b.qw, &ax_quant_symmetric, 8, true);
	ax_quant_set(&b.qx, 1.0f / 127);
	ax_quant_set(&b.qw, 0.5f / 127);
	if (ax_lut_exact(&lut_table, AX_LUT_MUL, 8, 8, true, NULL) < 0)
		return 1;
	/* no structure that would shorten it */
	/* rows within 2^14, as those of every published circuit */
	for (i = 0; i < ax_lut_size(&lut_table); i++)
		lut_table.v[i] += (int32_t)(i * 40503 >> 7 & 127);
	if (ax_product_table(&b.table, &lut_table, NULL) < 0 ||
	    ax_product_integer(&b.integer, 8, 8, true, NULL) < 0)
		return 1;
	ax_lut_free(&lut_table);
	printf("{\"simd\":\"%s\",\"threads\":%u,\"unit\":\"GMAC/"
	       "s\",\"shapes\":{",
	       b.e.kern->name, ax_pool_threads(pool));
	for (i = 0; i < AX_LEN(shapes); i++) {
		const struct shape *s = &shapes[i];
		size_t in = s->c * s->hw * s->hw, out = s->out * s->hw * s->hw;

		b.c = (struct ax_conv){s->c,   s->hw,    s->hw,  s->out,
				       s->hw,  s->hw,    {3, 3}, {1, 1},
				       {1, 1}, s->groups};
		b.x = numbers(in * BATCH, true);
		b.y = numbers(out * BATCH, false);
		b.dx = numbers(in * BATCH, false);
		b.w = numbers(s->out * ax_conv_k(&b.c), false);
		b.dw = numbers(s->out * ax_conv_k(&b.c), false);
		b.col = numbers(in * 9 * BATCH, true);
		b.codes = ax_malloc(in * 9 * BATCH);
		b.wcodes = ax_malloc(s->out * ax_conv_k(&b.c));
		for (j = 0; j < in * 9 * BATCH; j++)
			b.codes[j] = (uint8_t)(int)rintf(b.col[j] * 127);
		for (j = 0; j < s->out * ax_conv_k(&b.c); j++)
			b.wcodes[j] = (uint8_t)(int)rintf(b.w[j] * 254);
		printf("%s\"%s\":{", i ? "," : "", s->name);
		printf("\"forward\":%.2f,", speed(&b, forward));
		printf("\"dgrad\":%.2f,", speed(&b, dgrad));
		printf("\"wgrad\":%.2f,", speed(&b, wgrad));
		printf("\"integer\":%.2f,", speed(&b, integer));
		printf("\"lut\":%.2f,", lut = speed(&b, table));
		/* a product of matrices is no peer of many small ones */
		if (s->groups == 1)
			peers(&b, lut);
		else
			printf("\"sgemm\":null,\"gather\":null}");
		free(b.col);
		free(b.codes);
		free(b.wcodes);
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
