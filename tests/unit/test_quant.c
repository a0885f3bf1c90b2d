/* SPDX-License-Identifier: Apache-2.0 */
/* The quantiser: codes, rounding, the scale search, the pieces it is shown,
 * and the scales of the published checkpoint. */
#include <float.h>
#include <math.h>

#include "artifacts/base/base.h"
#include "artifacts/base/rng.h"
#include "stages/nn/engine/model.h"
#include "tests/lib/tap.h"

static struct ax_engine e;

/* The definition, in double: codes of x under scale s. */
static double
code_of(double x, double s, double lo, double hi)
{
	double q = (double)((float)x / (float)s);

	q = q < lo ? lo : q > hi ? hi : q;
	return nearbyint(q);
}

static void
test_codes(unsigned bits, bool sign)
{
	enum { N = 1003 };
	double lo = sign ? -pow(2, bits - 1) : 0;
	double hi = sign ? pow(2, bits - 1) - 1 : pow(2, bits) - 1;
	float x[N], codes[N], values[N], again[N];
	struct ax_rng r = ax_rng(1, "codes", bits);
	struct ax_quant q;
	int bad = 0, badv = 0, same = 1;

	ax_quant_init(&q, &ax_quant_symmetric, bits, sign);
	for (int i = 0; i < N; i++)
		x[i] = (float)(4 * ax_rng_double(&r) - 2);
	/* exact ties, saturation, zeros */
	x[0] = 0.03125f * 0.5f;
	x[1] = 0.03125f * 1.5f;
	x[2] = -0.03125f * 0.5f;
	x[3] = -0.03125f * 2.5f;
	x[4] = 1e30f;
	x[5] = -1e30f;
	x[6] = -0.0f;
	ax_quant_set(&q, 0.03125f);
	for (int level = AX_SIMD_SCALAR; level <= (int)ax_simd(); level++) {
		const struct ax_kern *k = ax_kern_at((enum ax_simd)level);

		q.ops->codes(&q, k, codes, x, N);
		q.ops->values(&q, k, values, x, N);
		if (level == AX_SIMD_SCALAR)
			memcpy(again, values, sizeof(again));
		same &= memcmp(again, values, sizeof(again)) == 0;
		for (int i = 0; i < N; i++) {
			double c = code_of((double)x[i], 0.03125, lo, hi);

			bad += (double)codes[i] != c;
			badv += (double)values[i] != c * 0.03125;
		}
	}
	is_int(bad, 0, "%u bits, %s: codes", bits,
	       sign ? "signed" : "unsigned");
	is_int(badv, 0, "values are code times scale");
	ok(same, "the same bits at every level");
}

static double
mse(const float *x, size_t n, double s)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += pow((double)(float)(code_of((double)x[i], s, -128, 127) *
					   s) -
				   (double)x[i],
			   2);
	return sum;
}

/* The published search, from its description. */
static double
search(const float *x, size_t n)
{
	static const double p[] = {-2, -1, -0.5, 0, 0.5, 1, 2};
	double most = 0, s, best, least, m;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, fabs((double)x[i]));
	s = fmax(most / 127, (double)FLT_EPSILON);
	best = s;
	least = INFINITY;
	for (int i = 0; i < 7; i++) {
		m = mse(x, n, (double)(float)(s * pow(10, p[i])));
		if (m < least) {
			least = m;
			best = s * pow(10, p[i]);
		}
	}
	s = best;
	least = INFINITY;
	for (int i = -1; i <= 1; i++) {
		m = mse(x, n, (double)(float)(s * pow(10, 0.5 * i)));
		if (m < least) {
			least = m;
			best = s * pow(10, 0.5 * i);
		}
	}
	return best;
}

static void
test_search(void)
{
	enum { N = 9001 };
	static float x[N];
	struct ax_quant q;
	struct ax_fit f;
	struct ax_rng r;
	float whole;

	for (uint64_t kind = 0; kind < 3; kind++) {
		r = ax_rng(2, "search", kind);
		for (int i = 0; i < N; i++) {
			x[i] = (float)(ax_rng_double(&r) - 0.5);
			/* a few far outliers: a smaller scale wins */
			if (kind == 1 && i % 4500 == 0)
				x[i] *= 400;
			if (kind == 2)
				x[i] = 0;
		}
		ax_quant_init(&q, &ax_quant_symmetric, 8, true);
		ax_quant_fit(&q, &e, x, N);
		ok(fabs((double)q.scale / search(x, N) - 1) < 1e-6,
		   "search %d: %g, by definition %g", (int)kind,
		   (double)q.scale, search(x, N));
		whole = q.scale;
		memset(&f, 0, sizeof(f));
		do {
			q.ops->see(&q, &f, &e, x, 4096);
			q.ops->see(&q, &f, &e, x + 4096, N - 4096);
		} while (q.ops->next(&q, &f));
		ok(q.scale == whole, "the same when shown in pieces");
	}
}

/* conv1 of the published network: its weights' scale must come out of the
 * search as 10^p * max|w| / 127 with p = 0 for unclipped weights. */
static void
test_published(void)
{
	const char *data = getenv("AXPIPE_DATA");
	struct ax_checkpoint c = AX_CHECKPOINT_INIT;
	struct ax_err err = AX_ERR_INIT;
	struct ax_network net;
	struct ax_model m;
	const char *missing = NULL;
	char *path = ax_asprintf("%s/circuitsdna/resnet20_cifar100_qat_int8.pt",
				 data ? data : "");
	float s;

	if (!data || !*data || ax_checkpoint_load(&c, path, &err) < 0) {
		tap_skip(4, "no published checkpoint (AXPIPE_DATA)");
		free(path);
		return;
	}
	free(path);
	if (!ok(ax_network_parse_text(&net,
				      "{\"family\":\"resnet-cifar\",\"depth\":"
				      "20,\"classes\":100}",
				      NULL, 0, &err) == 0,
		"resnet-20: %s", err.text))
		return;
	ax_model_init(&m, &net, NULL, ax_kern());
	ok(ax_model_load(&m, &c, &err) == 0,
	   "the published checkpoint loads %s", err.text);
	ok(ax_model_has_scales(&m, &missing), "with all its scales");
	s = m.layer[0].weight.scale;
	ok(fabs((double)s - 0.0058339005) < 1e-9 &&
		   fabs((double)m.layer[0].in.scale - 0.015939038) < 1e-8,
	   "conv1: s_w %.10f, s_a %.9f", (double)s,
	   (double)m.layer[0].in.scale);
	ax_model_free(&m);
	ax_checkpoint_free(&c);
}

int
main(void)
{
	struct ax_pool *pool = ax_pool_new(2);

	ax_engine_init(&e, pool, ax_kern());
	test_codes(8, true);
	test_codes(4, true);
	test_codes(8, false);
	test_codes(5, false);
	test_search();
	test_published();
	ax_engine_free(&e);
	ax_pool_free(pool);
	return tap_done();
}
