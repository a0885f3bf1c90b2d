/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BN re-estimation and operand counts: against training-mode batch norm,
 * against counts by hand, and the same for any number of threads.
 */
#include <math.h>

#include "artifacts/glyphs.h"
#include "stages/nn/engine/statistics.h"
#include "tests/lib/tap.h"

static struct ax_dataset set;

static void
make(struct ax_model *m, const char *text, struct ax_pool *pool)
{
	const size_t input[3] = {1, 16, 16};
	struct ax_network net;
	struct ax_err err = AX_ERR_INIT;

	if (ax_network_parse_text(&net, text, input, 10, &err) < 0) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	ax_model_init(m, &net, pool, ax_kern());
	ax_model_random(m, 3);
}

static const char *const residual =
	"{\"layers\":["
	"{\"op\":\"conv2d\",\"name\":\"c1\",\"out\":4,\"kernel\":3,\"pad\":1},"
	"{\"op\":\"batchnorm\",\"name\":\"b1\",\"momentum\":1},"
	"{\"op\":\"relu\",\"name\":\"r\"},"
	"{\"op\":\"conv2d\",\"name\":\"c2\",\"out\":4,\"kernel\":3,\"pad\":1},"
	"{\"op\":\"batchnorm\",\"name\":\"b2\",\"momentum\":1},"
	"{\"op\":\"add\",\"with\":\"r\"},"
	"{\"op\":\"globalpool\"},{\"op\":\"flatten\"},"
	"{\"op\":\"linear\",\"name\":\"fc\",\"out\":10}]}";

/* One batch through training-mode batch norm with momentum 1 leaves the same
 * running statistics. */
static void
test_renorm(void)
{
	struct ax_model m, t;
	size_t pixels = ax_dataset_pixels(&set), n = 50;
	uint32_t index[50];
	float *x = ax_aligned(n * pixels, sizeof(*x)), *gamma;
	double worst = 0;

	make(&m, residual, NULL);
	make(&t, residual, NULL);
	for (uint32_t i = 0; i < n; i++)
		index[i] = i;
	ax_batch(x, &set, &set.train, index, n, NULL, 0);
	gamma = m.param[ax_network_param(&m.net, "b1.weight")];
	ax_model_forward(&t, x, n, true);
	ax_model_renorm(&m, x, n);
	is_int((long)m.n_buffers, 0, "its memory is given back");
	for (unsigned i = 0; i < m.net.n_params; i++)
		for (size_t j = 0; m.param[i] && j < m.net.params[i].n; j++) {
			double want = t.param[i][j];
			double off = fabs(m.param[i][j] - want);

			worst = AX_MAX(worst, off / (1 + fabs(want)));
		}
	/* training normalises by the biased variance, 1/12800 less: the
	 * second batch norm sees values that are larger by half of that */
	ok(worst < 1e-4,
	   "the statistics of the batch, layer by layer: within "
	   "%.2g",
	   worst);
	ok(m.param[ax_network_param(&m.net, "b2.running_mean")][0] != 0,
	   "the second batch norm too");
	ok(gamma[0] == 1 && m.count[ax_network_param(
				    &m.net, "b1.num_batches_tracked")] == 0,
	   "nothing is trained or counted");
	free(x);
	ax_model_free(&m);
	ax_model_free(&t);
}

static void
test_reestimate(void)
{
	struct ax_sample s = {.images = 60, .augment = {2, true, 5}};
	struct ax_err err = AX_ERR_INIT;
	struct ax_pool *pool = ax_pool_new(3);
	struct ax_model a, b, c;
	struct ax_dataset none = set;
	int at;

	make(&a, residual, NULL);
	make(&b, residual, pool);
	make(&c, residual, NULL);
	at = ax_network_param(&a.net, "b2.running_var");
	is_int(ax_reestimate(&a, &set, &s, &err), 0, "re-estimation");
	ax_reestimate(&b, &set, &s, &err);
	ok(!memcmp(a.param[at], b.param[at], 4 * sizeof(float)),
	   "the same bytes with 3 threads");
	s.augment.seed = 6;
	ax_reestimate(&c, &set, &s, &err);
	ok(memcmp(a.param[at], c.param[at], 4 * sizeof(float)) != 0,
	   "another seed, another sample");
	s.images = 1000000;
	is_int(ax_reestimate(&c, &set, &s, &err), 0,
	       "more images than there are: all");
	none.train.n = 0;
	is_int(ax_reestimate(&c, &none, &s, &err), -1, "no training images");
	ok(strstr(err.text, "has no training images"), "is told");
	ax_model_free(&a);
	ax_model_free(&b);
	ax_model_free(&c);
	ax_pool_free(pool);
}

/* 1 x 16 x 16 images of one value, by hand. */
static void
test_counts(void)
{
	static const char *const text =
		"{\"layers\":["
		"{\"op\":\"conv2d\",\"name\":\"a\",\"out\":4,\"kernel\":3,"
		"\"pad\":1,\"stride\":2},"
		"{\"op\":\"conv2d\",\"name\":\"b\",\"out\":6,\"kernel\":2,"
		"\"groups\":2},"
		"{\"op\":\"conv2d\",\"name\":\"c\",\"out\":2,\"kernel\":1,"
		"\"arith\":\"exact\"},"
		"{\"op\":\"globalpool\"},{\"op\":\"flatten\"},"
		"{\"op\":\"linear\",\"name\":\"fc\",\"out\":10}]}";
	struct ax_sample s = {.images = 3, .augment = {0, false, 1}};
	struct ax_err err = AX_ERR_INIT;
	struct ax_product exact = {0};
	struct ax_dataset d = set;
	struct ax_histogram h, all;
	struct ax_model m;
	uint8_t *pixels = ax_malloc(3 * 256);
	uint64_t sum = 0;
	float *w;

	memset(pixels, 255, 3 * 256);
	d.train.n = 3;
	d.train.pixels = pixels;
	d.mean[0] = 0;
	d.std[0] = 1; /* every pixel is 1.0 */
	make(&m, text, NULL);
	is_int(ax_count_operands(&h, &m, &d, &s, 2, false, &err), -1,
	       "no scales, no codes");
	ok(strstr(err.text, "'a' has no scales"), "is told");
	for (unsigned i = 0; i < m.net.n_ops; i++) {
		ax_quant_set(&m.layer[i].in, 0.1f);
		ax_quant_set(&m.layer[i].weight, 0.5f);
	}
	w = m.param[ax_network_param(&m.net, "a.weight")];
	for (int i = 0; i < 36; i++)
		w[i] = 0;
	w[0] = 100; /* saturates */
	w[1] = -1;
	ax_product_integer(&exact, 8, 8, true, &err);
	ax_model_products(&m, &exact, &exact, &err);
	is_int(ax_count_operands(&h, &m, &d, &s, 2, false, &err), 0, "counts");
	is_int(h.n, 3, "of the layers that may be approximate");
	is_int(h.images, 3, "images");
	is_str(h.layers[1].name, "b", "in their order");
	is_int(h.layers[0].k, 9, "k of a");
	is_int(h.layers[1].k, 8, "k of b: two channels in each group");
	/* a: 8 x 8 windows of 3 x 3, the first row and the first column of
	 * windows are padded: 23^2 real places of 24^2 */
	is_int(h.layers[0].products, 8 * 8 * 9 * 4, "products of a");
	is_int(h.layers[0].a.counts[128 + 10], 3 * 23 * 23 * 4,
	       "code 10 where the image is");
	is_int(h.layers[0].a.counts[128], 3 * (24 * 24 - 23 * 23) * 4,
	       "code 0 where padding is");
	is_int(h.layers[0].b.counts[255], 3 * 64, "the saturated weight");
	is_int(h.layers[0].b.counts[126], 3 * 64, "the weight -2");
	is_int(h.layers[0].b.counts[128], 3 * 64 * 34, "the other weights");
	for (size_t i = 0; i < h.n; i++)
		sum += h.layers[i].a.total == 3 * h.layers[i].products &&
		       h.layers[i].b.total == h.layers[i].a.total;
	is_int(sum, 3, "all totals are images times products");
	is_int(ax_count_operands(&all, &m, &d, &s, 3, true, &err), 0,
	       "with the exact layer");
	is_int(all.n, 4, "there are four");
	ok(!memcmp(all.layers[1].a.counts, h.layers[1].a.counts,
		   256 * sizeof(uint64_t)),
	   "the batch does not show");
	ax_histogram_free(&h);
	ax_histogram_free(&all);
	ax_product_free(&exact);
	ax_model_free(&m);
	free(pixels);
}

int
main(void)
{
	struct ax_glyph_params g = AX_GLYPH_DEFAULTS;
	struct ax_err err = AX_ERR_INIT;

	g.seed = 1;
	g.train = 100;
	g.test = 10;
	if (ax_glyphs_make(&set, &g, NULL, &err) < 0) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	test_renorm();
	test_reestimate();
	test_counts();
	ax_dataset_free(&set);
	return tap_done();
}
