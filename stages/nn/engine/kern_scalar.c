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
#define vfma(a, b, c) __builtin_fmaf((a), (b), (c))
#define vadd(a, b) ((a) + (b))
#define vmul(a, b) ((a) * (b))
#define vdiv(a, b) ((a) / (b))
#define vmax(a, b) pick_max((a), (b))
#define vmin(a, b) pick_min((a), (b))
#define vround(a) __builtin_rintf(a)
#define vpos(a, b) ((a) > 0 ? (b) : 0)
#define D double
#define DN ((size_t)1)
#define dload(p) ((double)*(p))
#define dstore(p, x) (*(p) = (x))
#define dzero() 0.0
#define dadd(a, b) ((a) + (b))
#define dmul(a, b) ((a) * (b))
#define MR 4
#define ROWS(X) X(0) X(1) X(2) X(3)

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
lut(uint32_t *out, const uint16_t *table, const uint8_t *w, const uint16_t *idx,
    size_t k, size_t n, int full)
{
	size_t i, p;

	(void)full;
	memset(out, 0, n * sizeof(*out));
	for (i = 0; i < k; i++) {
		const uint16_t *row = table + (size_t)w[i] * 256;

		for (p = 0; p < n; p++)
			out[p] += row[idx[p] & 255u];
		idx += AX_LUTP;
	}
}

#include "stages/nn/engine/kern_body.h"

const struct ax_kern ax_kern_scalar = AX_KERN_TABLE("scalar");
