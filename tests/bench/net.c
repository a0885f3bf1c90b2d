/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Speed of ResNet-20 as a whole, batch 128: a training step in float32, a
 * fine-tuning step and inference through a table, and inference in float32.
 * Prints one JSON object: images a second by the clock (best of the rounds,
 * for the machine may be shared) and images for each second of CPU time.
 *
 *	net THREADS [TABLE [ROUNDS [NAME]]]
 *
 * TABLE is a truth table, CSV or .npy, signed 8 x 8; without one it is the
 * product with errors within 63, its rows within 2^14 as those of every
 * published circuit. Weights are random and the scales fitted to random
 * images: the work is that of the real network. NAME is the one measurement to
 * make, for a profiler.
 */
#include <sys/resource.h>

#include "artifacts/base/base.h"
#include "artifacts/base/rng.h"
#include "stages/nn/engine/model.h"

#define BATCH 128
#define PIXELS (3 * 32 * 32)

static const char network[] =
	"{\"family\":\"resnet-cifar\",\"depth\":20,\"classes\":100}";

struct bench {
	struct ax_model m;
	struct ax_product table, exact;
	float *x, *dlogits;
	const char *only;
	int rounds;
};

static double
cpu_time(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
infer(struct bench *b)
{
	ax_model_forward(&b->m, b->x, BATCH, false);
}

static void
step(struct bench *b)
{
	const float *z = ax_model_forward(&b->m, b->x, BATCH, true);
	size_t classes = b->m.net.classes, i;

	for (i = 0; i < BATCH; i++)
		ax_cross_entropy(z + i * classes, classes, i % classes, 0, NULL,
				 b->dlogits + i * classes, 1.0 / BATCH);
	ax_model_backward(&b->m, b->dlogits);
	ax_model_step(&b->m, 1e-4f, 0.9f, 1e-4f, true);
}

static void
speed(struct bench *b, const char *name, void (*fn)(struct bench *))
{
	double best = 1e30, cpu = 1e30, t, c;

	if (b->only && !ax_streq(b->only, name))
		return;
	fn(b);
	for (int i = 0; i < b->rounds; i++) {
		t = ax_now();
		c = cpu_time();
		fn(b);
		cpu = AX_MIN(cpu, cpu_time() - c);
		best = AX_MIN(best, ax_now() - t);
	}
	printf(",\"%s\":{\"images_s\":%.0f,\"images_cpu_s\":%.0f}", name,
	       BATCH / best, BATCH / cpu);
}

static int
noisy(struct ax_lut *t)
{
	struct ax_rng r = ax_rng(1, "noise", 0);
	size_t i;

	if (ax_lut_exact(t, AX_LUT_MUL, 8, 8, true, NULL) < 0)
		return -1;
	for (i = 0; i < ax_lut_size(t); i++)
		t->v[i] += (int32_t)ax_rng_below(&r, 127) - 63;
	return 0;
}

int
main(int argc, char **argv)
{
	struct ax_pool *pool =
		ax_pool_new(argc > 1 ? (unsigned)atoi(argv[1]) : 1);
	struct ax_err err = AX_ERR_INIT;
	struct ax_network net;
	struct rusage u;
	struct ax_lut lut;
	struct bench b;
	struct ax_rng r = ax_rng(1, "bench", 0);

	memset(&b, 0, sizeof(b));
	b.rounds = argc > 3 ? atoi(argv[3]) : 5;
	b.only = argc > 4 ? argv[4] : NULL;
	if ((argc > 2 && *argv[2] ? ax_lut_load(&lut, argv[2], 1, &err)
				  : noisy(&lut)) < 0 ||
	    ax_product_table(&b.table, &lut, &err) < 0 ||
	    ax_product_integer(&b.exact, 8, 8, true, &err) < 0 ||
	    ax_network_parse_text(&net, network, NULL, 0, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	ax_lut_free(&lut);
	ax_model_init(&b.m, &net, pool, ax_kern());
	ax_model_random(&b.m, 1);
	b.x = ax_aligned(BATCH * PIXELS, sizeof(*b.x));
	b.dlogits = ax_aligned(BATCH * b.m.net.classes, sizeof(*b.dlogits));
	for (size_t i = 0; i < BATCH * PIXELS; i++)
		b.x[i] = 4 * ax_rng_float(&r) - 2;
	printf("{\"bench\":\"resnet20\",\"simd\":\"%s\",\"threads\":%u,"
	       "\"batch\":%d",
	       b.m.eng.kern->name, ax_pool_threads(pool), BATCH);
	speed(&b, "float_train", step);
	speed(&b, "float_infer", infer);
	ax_model_fit_weights(&b.m);
	ax_model_fit_begin(&b.m);
	do
		infer(&b);
	while (ax_model_fit_next(&b.m));
	if (ax_model_products(&b.m, &b.exact, &b.exact, &err) < 0)
		return 1;
	speed(&b, "int8_infer", infer);
	if (ax_model_products(&b.m, &b.table, &b.exact, &err) < 0)
		return 1;
	speed(&b, "table_infer", infer);
	speed(&b, "table_train", step);
	getrusage(RUSAGE_SELF, &u);
	printf(",\"peak_MiB\":%.0f}\n", (double)u.ru_maxrss / 1024);
	ax_model_free(&b.m);
	ax_product_free(&b.table);
	ax_product_free(&b.exact);
	free(b.x);
	free(b.dlogits);
	ax_pool_free(pool);
	return 0;
}
