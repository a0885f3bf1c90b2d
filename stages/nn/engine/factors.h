/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables that factor: T(a,w) = f(a) g(w) + c(w) for whole numbers, as the exact
 * product does and every multiplier that rounds or cuts its operands before it
 * multiplies exactly. Their sums are those of a matrix product, which is faster
 * than looking each term up, and exact in float32 while they stay below 2^24.
 */
#ifndef AX_NN_FACTORS_H
#define AX_NN_FACTORS_H

#include "artifacts/lut.h"

/* By the low 8 bits of the codes; f(0) = 0. */
struct ax_factors {
	float f[256], g[256];
	int32_t c[256];
	bool plain;           /* f(a) = a */
	bool bytes;           /* f and g lie within -128..127 */
	int64_t most, most_c; /* greatest |f g|, |c| */
};

/* The factors of a table of at most 8 x 8 bits, or NULL where it has none (or
 * greater ones than float32 holds). Free with free(). */
struct ax_factors *ax_factors_find(const struct ax_lut *t);
/* True when the sums of k terms stay exact in float32. */
bool ax_factors_fit(const struct ax_factors *f, size_t k);

#endif
