/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inner loops of the search for error sums, for each SIMD level, with the
 * same results: integers are exact, and sums of real numbers keep sixteen lanes
 * in one order however wide a register is. All work on one block of
 * AX_BLOCK_BITS patterns, whose numbers lie side by side; arrays are 64-byte
 * aligned.
 */
#ifndef AX_SEARCH_SCORE_H
#define AX_SEARCH_SCORE_H

#include "stages/circuit/search/kern.h"

/* What an error e counts. */
enum ax_score {
	AX_SCORE_ABS,    /* |e| */
	AX_SCORE_SQUARE, /* e^2 */
	AX_SCORE_WRONG,  /* e != 0 */
	AX_SCORE_SIGNED  /* e */
};

/* Bits in which changes of the error are added up, the sign among them. */
#define AX_SCORE_PLANES 12
#define AX_SCORE_TOP ((1 << (AX_SCORE_PLANES - 1)) - 1)

/* A function of a block, against the signal v: it is wrong where
 * ((x ^ px) & (y ^ py)) ^ inv differs from v, or, with `exor`, x ^ y ^ inv. */
struct ax_score_gate {
	const uint64_t *x, *y;
	uint8_t px, py, inv, exor;
};

struct ax_score_kern {
	/* Results of a block as numbers, from the rows of their bits, extended
	 * by the top bit when `extend`. */
	void (*unpack)(const uint64_t *const *out, unsigned bits, bool extend,
		       int32_t *y);
	/* bad: patterns where y - ref is not in lo..hi; whether there is one.
	 */
	bool (*outside)(const int32_t *y, const int32_t *ref, const int32_t *lo,
			const int32_t *hi, uint64_t *bad);
	/*
	 * d = w (f(y - ref) - f(was - ref)) + g (y - was), what each pattern
	 * adds to the objective when its result goes from was to y. Returns the
	 * largest |d|; *low the sum of the negative ones.
	 */
	float (*change)(enum ax_score f, const int32_t *y, const int32_t *was,
			const int32_t *ref, const float *w, const float *g,
			float *d, float *low);
	/* d * scale, cut off at +-AX_SCORE_TOP, as planes of bits, lowest
	 * first, the sign last; `far`: patterns whose d is above `limit`. */
	void (*planes)(const float *d, float scale, float limit,
		       uint64_t *planes, uint64_t *far);
	/* flags[i] = AX_HIT_* of row[i], the first `words` words (a multiple of
	 * a block's) from base + row[i] * stride. */
	void (*scan)(const uint64_t *base, size_t stride, size_t words,
		     const uint32_t *row, size_t n, const uint64_t *f1,
		     const uint64_t *f0, uint8_t *flags);
	/* True when the gate of g, its x ^ y ^ inv or (x ^ px) & (y ^ py), is
	 * zero where f is one; for exor: differs nowhere there from v. */
	bool (*fits)(const struct ax_score_gate *g, const uint64_t *v,
		     const uint64_t *f, size_t words);
	/* Sum of the planes' numbers where `f`, on the rows of x, is 0 and v is
	 * 1 in out[0], where it is 1 and v is 0 in out[1]. */
	void (*sides)(const uint64_t *x, const uint64_t *v,
		      const uint64_t *planes, int32_t *out);
	/* Sum where the gate differs from v. */
	int32_t (*wrong)(const struct ax_score_gate *g, const uint64_t *v,
			 const uint64_t *planes);
	/*
	 * Adds w f(e), e = y - ref, to sixteen sums; with `keep`, keeps e.
	 * `w` NULL: all 1.
	 */
	void (*add)(enum ax_score f, const int32_t *y, const int32_t *ref,
		    const float *w, float *keep, double *sum);
	/*
	 * Mean errors by operand. For each layer l: of_a[l] = sum over i < n of
	 * pb[l][i] row[i]; of_b[l][i] += pa[l] row[i] where pa[l] is not 0.
	 * pb and of_b hold `layers` rows of n >= 16.
	 */
	void (*means)(const float *row, size_t n, size_t layers,
		      const float *pa, const float *pb, float *of_a,
		      float *of_b);
};

const struct ax_score_kern *ax_score_kern(void);

#endif
