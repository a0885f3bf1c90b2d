/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/base/fmath.h"

#include <float.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LN2_HI 0x1.62e42fefa3800p-1 /* 42 bits: n * LN2_HI is exact */
#define LN2_LO 0x1.ef35793c76730p-45
#define INV_LN2 0x1.71547652b82fep+0
/* Adding and taking away 1.5 * 2^52 rounds to the nearest integer, ties to
 * even, for |x| < 2^51. */
#define ROUNDER 0x1.8p52

static double
from_bits(uint64_t u)
{
	double d;

	memcpy(&d, &u, sizeof(d));
	return d;
}

static uint64_t
to_bits(double d)
{
	uint64_t u;

	memcpy(&u, &d, sizeof(u));
	return u;
}

static double
nearest(double x)
{
	volatile double t = x + ROUNDER; /* keeps compilers from folding it */

	return t - ROUNDER;
}

/* c[0] + c[1] x + ... by Horner's rule, from the highest term. */
static double
poly(const double *c, size_t n, double x)
{
	double r = c[n - 1];
	size_t i;

	for (i = n - 1; i-- > 0;)
		r = r * x + c[i];
	return r;
}

double
ax_exp(double x)
{
	/* 1/k!: Taylor to degree 13 leaves 4e-18 at |r| = ln(2)/2 */
	static const double c[] = {1.0,
				   1.0,
				   1.0 / 2,
				   1.0 / 6,
				   1.0 / 24,
				   1.0 / 120,
				   1.0 / 720,
				   1.0 / 5040,
				   1.0 / 40320,
				   1.0 / 362880,
				   1.0 / 3628800,
				   1.0 / 39916800,
				   1.0 / 479001600,
				   1.0 / 6227020800};
	double n, r;
	int64_t k, half;

	if (x != x)
		return x;
	if (x > 709.79)
		return DBL_MAX * 2.0;
	if (x < -745.2)
		return 0.0;
	n = nearest(x * INV_LN2);
	r = (x - n * LN2_HI) - n * LN2_LO;
	k = (int64_t)n;
	half = k / 2;
	/* 2^k in two factors: results below the normal range stay right */
	return poly(c, sizeof(c) / sizeof(c[0]), r) *
	       from_bits((uint64_t)(half + 1023) << 52) *
	       from_bits((uint64_t)(k - half + 1023) << 52);
}

float
ax_expf(float x)
{
	return (float)ax_exp((double)x);
}

double
ax_log(double x)
{
	/* log(1+f) = 2 atanh(s), s = f/(2+f), |s| <= 0.1716, arranged as in
	 * fdlibm so that the leading term f enters exactly */
	static const double c[] = {2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,
				   2.0 / 11, 2.0 / 13, 2.0 / 15, 2.0 / 17,
				   2.0 / 19, 2.0 / 21, 2.0 / 23};
	double m, f, half, s, r, n, e = 0;
	uint64_t u;

	if (x != x || x > DBL_MAX)
		return x;
	if (x <= 0)
		return x < 0 ? from_bits(0x7ff8000000000000u)
			     : -(DBL_MAX * 2.0);
	if (x < DBL_MIN) {
		x *= 0x1p54;
		e = -54;
	}
	u = to_bits(x);
	n = (double)((int64_t)(u >> 52) - 1023);
	m = from_bits((u & 0x000fffffffffffffu) | 0x3ff0000000000000u);
	if (m > 0x1.6a09e667f3bcdp+0) {
		m *= 0.5;
		n += 1;
	}
	n += e;
	f = m - 1;
	half = 0.5 * f * f;
	s = f / (2 + f);
	r = s * s * poly(c, sizeof(c) / sizeof(c[0]), s * s);
	return n * LN2_HI - ((half - (s * (half + r) + n * LN2_LO)) - f);
}

float
ax_logf(float x)
{
	return (float)ax_log((double)x);
}

/* sin and cos on |y| <= pi/4, Taylor to y^17 and y^16. */
static double
sin_poly(double y)
{
	static const double c[] = {1.0,
				   -1.0 / 6,
				   1.0 / 120,
				   -1.0 / 5040,
				   1.0 / 362880,
				   -1.0 / 39916800,
				   1.0 / 6227020800,
				   -1.0 / 1307674368000,
				   1.0 / 355687428096000};

	return y * poly(c, sizeof(c) / sizeof(c[0]), y * y);
}

static double
cos_poly(double y)
{
	static const double c[] = {1.0,
				   -1.0 / 2,
				   1.0 / 24,
				   -1.0 / 720,
				   1.0 / 40320,
				   -1.0 / 3628800,
				   1.0 / 479001600,
				   -1.0 / 87178291200,
				   1.0 / 20922789888000};

	return poly(c, sizeof(c) / sizeof(c[0]), y * y);
}

/* cos(pi (x - quarter / 2)) */
static double
cos_turned(double x, int quarter)
{
	const double pi = 0x1.921fb54442d18p+1;
	double q, y;
	int k;

	if (!(x > -0x1p51 && x < 0x1p51))
		return from_bits(0x7ff8000000000000u);
	q = nearest(x * 2);
	y = pi * (x - q * 0.5); /* the difference is exact */
	k = (int)((int64_t)q & 3) + 4 - quarter;
	switch (k & 3) {
	case 0:
		return cos_poly(y);
	case 1:
		return -sin_poly(y);
	case 2:
		return -cos_poly(y);
	default:
		return sin_poly(y);
	}
}

double
ax_cospi(double x)
{
	return cos_turned(x, 0);
}

double
ax_sinpi(double x)
{
	return cos_turned(x, 1);
}

double
ax_normal(double u1, double u2)
{
	double r2 = -2 * ax_log(1 - u1);

	/* sqrt is exact by IEEE 754, whoever computes it */
	return __builtin_sqrt(r2) * ax_cospi(2 * u2);
}
