/* SPDX-License-Identifier: Apache-2.0 */
/* Plain C: the reference of the other levels, and what other machines run. */
#include <math.h>

#include "artifacts/base/base.h"
#include "stages/nn/engine/kern.h"

#define FN static void
#define V float
#define VN ((size_t)1)
#define vload(p) (*(p))
#define vstore(p, x) (*(p) = (x))
#define vset(x) ((float)(x))
#define vfma(a, b, c) fma_once((a), (b), (c))
#define vadd(a, b) ((a) + (b))
#define vmul(a, b) ((a) * (b))
#define vdiv(a, b) ((a) / (b))
#define vmax(a, b) pick_max((a), (b))
#define vmin(a, b) pick_min((a), (b))
#define vround(a) __builtin_rintf(a)
#define vpos(a, b) ((a) > 0 ? (b) : 0)
#define vint(p) ((float)(int32_t)(*(p) + (uint32_t)plus))
#define VINT int32_t
#define vset_int(x) (x)
#define vcodes(to, x) (*(to) = (uint8_t)(int)(x))
#define D double
#define DN ((size_t)1)
#define dload(p) ((double)*(p))
#define dstore(p, x) (*(p) = (x))
#define dzero() 0.0
#define dadd(a, b) ((a) + (b))
#define dfma(a, b, c) ((a) * (b) + (c))
#define MR 4
#define ROWS(X) X(0) X(1) X(2) X(3)

/*
 * fmaf without a call. The product of two floats is exact in double, so only
 * the sum is rounded there, and rounding it again to float is wrong only when
 * the first rounding ends half-way between two floats, that is with one
 * certain pattern in the 29 bits that float lacks; and elsewhere for results
 * too small to be normal floats. Both are rare, and left to fmaf.
 */
static inline float
fma_once(float a, float b, float c)
{
	double s = (double)a * (double)b + (double)c;
	uint64_t bits;

	memcpy(&bits, &s, sizeof(bits));
	/* less 1: zero is right as it is */
	if (__builtin_expect((bits & 0x1fffffff) == 0x10000000, 0) ||
	    __builtin_expect((bits << 1) - 1 < (uint64_t)(1023 - 126) << 53, 0))
		return __builtin_fmaf(a, b, c);
	return (float)s;
}

static inline float
pick_max(float a, float b)
{
	return a > b ? a : b;
}

static inline float
pick_min(float a, float b)
{
	return a < b ? a : b;
}

FN
lut(uint32_t *out, const uint8_t *rows, unsigned span, const uint8_t *w,
    const uint8_t *idx, size_t k, size_t n, unsigned shift)
{
	uint32_t sum[AX_LUTP] = {0};
	size_t i, p;

	for (i = 0; i < k; i++) {
		const uint16_t *row =
			(const void *)(rows + w[i] * AX_ROWS_STRIDE(span));

		for (p = 0; p < n; p++)
			sum[p] += row[idx[p]];
		idx += AX_LUTP;
	}
	for (p = 0; p < n; p++)
		out[p] += sum[p] << shift;
}

#define LAYOUT AX_ROWS_WORDS
#include "stages/nn/engine/kern_body.h"

const struct ax_kern ax_kern_scalar = AX_KERN_TABLE("scalar");
