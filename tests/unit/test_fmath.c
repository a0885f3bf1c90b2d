/* SPDX-License-Identifier: Apache-2.0 */
/* fmath against the C library (an independent implementation) and against
 * digests that every compiler and machine must reproduce. */
#include <float.h>
#include <math.h>

#include "artifacts/base/base.h"
#include "artifacts/base/fmath.h"
#include "artifacts/base/hash.h"
#include "artifacts/base/rng.h"
#include "tests/lib/tap.h"

static double
ulps(double got, double want)
{
	double unit = nextafter(fabs(want), INFINITY) - fabs(want);

	return fabs(got - want) / unit;
}

static double
worst(double (*f)(double), double (*ref)(double), double lo, double hi,
      double *at)
{
	struct ax_rng r = ax_rng(1, "fmath", 0);
	double x, e, w = 0;

	for (int i = 0; i < 200000; i++) {
		x = lo + (hi - lo) * ax_rng_double(&r);
		e = ulps(f(x), ref(x));
		if (e > w) {
			w = e;
			*at = x;
		}
	}
	return w;
}

static void
digest_of(char *hex)
{
	struct ax_sha *s = ax_sha_new();
	struct ax_rng r = ax_rng(2, "digest", 0);
	struct ax_digest d;
	double v[5];

	for (int i = 0; i < 100000; i++) {
		v[0] = ax_exp(-40 + 80 * ax_rng_double(&r));
		v[1] = ax_log(1e-30 + 50 * ax_rng_double(&r));
		v[2] = ax_cospi(-8 + 16 * ax_rng_double(&r));
		v[3] = ax_sinpi(-8 + 16 * ax_rng_double(&r));
		v[4] = ax_rng_double(&r);
		v[4] = ax_normal(v[4], ax_rng_double(&r));
		ax_sha_add(s, v, sizeof(v));
	}
	d = ax_sha_end(s);
	ax_hex(hex, &d);
}

int
main(void)
{
	char hex[AX_HEX_LEN + 1];
	double at = 0, w, sum = 0, sum2 = 0, z;
	struct ax_rng r = ax_rng(3, "normal", 0);
	int badf = 0, n = 100000;

	w = worst(ax_exp, exp, -700, 700, &at);
	ok(w < 2, "exp: worst %.3f ulp at %a", w, at);
	w = worst(ax_log, log, 1e-300, 10, &at);
	ok(w < 2, "log below 10: worst %.3f ulp at %a", w, at);
	w = worst(ax_log, log, 0.9, 1.1, &at);
	ok(w < 2, "log near 1: worst %.3f ulp at %a", w, at);
	for (int i = -8000; i <= 8000; i++) {
		/* multiples of 1/64 are exact in both */
		double x = i / 64.0, c = cos(M_PI * fmod(x, 2));

		if (fabs(ax_cospi(x) - c) > 5e-15 ||
		    fabs(ax_sinpi(x) - sin(M_PI * fmod(x, 2))) > 5e-15)
			badf++;
	}
	is_int(badf, 0, "cospi and sinpi agree with the C library");
	ok(ax_cospi(0.5) == 0 && ax_cospi(1) == -1 && ax_sinpi(0.5) == 1,
	   "exact at the quarters");
	for (float x = -100; x < 88; x += 0.00371f)
		badf += fabs((double)ax_expf(x) - exp((double)x)) >
			0.5001 * ((double)nextafterf(ax_expf(x), INFINITY) -
				  (double)ax_expf(x));
	is_int(badf, 0, "expf is correctly rounded (50,000 arguments)");
	ok(ax_exp(-1000) == 0 && isinf(ax_exp(1000)) && isnan(ax_exp(NAN)),
	   "exp at its ends");
	ok(ulps(ax_exp(-744), exp(-744.0)) <= 1, "exp below the normal range");
	ok(isinf(ax_log(0)) && isnan(ax_log(-1)) && ax_log(1) == 0 &&
		   isinf(ax_log(INFINITY)),
	   "log at its ends");
	ok(ulps(ax_log(5e-324), log(5e-324)) < 2, "log of the smallest double");
	for (int i = 0; i < n; i++) {
		double u = ax_rng_double(&r);

		z = ax_normal(u, ax_rng_double(&r));
		sum += z;
		sum2 += z * z;
	}
	ok(fabs(sum / n) < 0.015 && fabs(sum2 / n - 1) < 0.02,
	   "normal: mean %.4f, variance %.4f", sum / n, sum2 / n);
	digest_of(hex);
	is_str(hex,
	       "e59e2330c030f0bb41f9219635249111db77344a85fa71f3d7d8aed48319386"
	       "0",
	       "the same bits everywhere");
	return tap_done();
}
