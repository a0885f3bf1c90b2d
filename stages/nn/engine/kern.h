/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hot loops of the engine, as a table of functions chosen once at run
 * time: plain C, AVX2 with FMA, AVX-512, the same with VBMI. Each entry
 * computes the same bits at every level: every output element has one fixed
 * chain of operations, fused multiply-add exactly where the comment says fma,
 * and reductions run in 16 lanes that are joined by a fixed tree.
 */
#ifndef AX_NN_KERN_H
#define AX_NN_KERN_H

#include <stddef.h>
#include <stdint.h>

#include "artifacts/base/par.h"
#include "stages/nn/engine/rows.h"

/* Rows of a packed A block, columns of a packed B panel, positions of a block
 * of table look-ups. */
#define AX_MR 8
#define AX_NR 32
#define AX_LUTP 256

/* Look-ups of one call at most: how long 16-bit partial sums hold. */
#define AX_LUTK 256

/* For loops of a few steps over vectors. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

struct ax_kern {
	const char *name;

	/* c[i*ldc + j] = sum over k of a[k*8 + i] * b[k*32 + j], by fma from 0,
	 * k ascending; 8 x 32 outputs. */
	void (*gemm)(float *c, size_t ldc, const float *a, const float *b,
		     size_t k);
	/* The same with b[k*32 + j] = base[koff[k] + joff[j]]: columns in
	 * runs of `run` neighbours, 32, 16 or 8. */
	void (*gemm_at)(float *c, size_t ldc, const float *a, const float *base,
			const size_t *koff, size_t k, const size_t *joff,
			unsigned run);
	/* d[i*ldd + j] += sum over p of base[koff[i] + joff[p]] * b[p*ldb + j],
	 * by fma from 0, p ascending, then one addition; 8 rows, `cols` a
	 * multiple of 16. */
	void (*wgrad)(float *d, size_t ldd, const float *base,
		      const size_t *koff, const size_t *joff, const float *b,
		      size_t ldb, size_t cols, size_t p);
	/* For groups of few outputs.
	 * mix_at: a row of gemm_at, c[j] = sum over k of a[k] * base[koff[k] +
	 * joff[j]], n columns, a multiple of 16, in runs of at least 16. mix:
	 * the same of packed rows, c[j] = sum over k of a[k] * b[k*ld + j], n
	 * columns, a multiple of 32. dots: d[i] = sum over j of a[i*ld + j] *
	 * b[j], by fma from 0, element j in lane j mod 32, lanes joined
	 * pairwise (0+16, 1+17, ...; 0+8 ...); n a multiple of 32. */
	void (*mix_at)(float *c, const float *a, const float *base,
		       const size_t *koff, size_t k, const size_t *joff,
		       size_t n);
	void (*mix)(float *c, const float *a, const float *b, size_t ld,
		    size_t k, size_t n);
	void (*dots)(float *d, const float *a, size_t ld, const float *b,
		     size_t rows, size_t n);
	/* to[j*ldt + i] = from[i*ldf + j], i < rows, j < n */
	void (*turn)(float *to, size_t ldt, const float *from, size_t ldf,
		     size_t rows, size_t n);
	/* dst[k*ld + j] = base[koff[k] + joff[j]], 32 columns that come in
	 * runs of `run` neighbours (32, 16, 8 or 1). */
	void (*pack)(float *dst, size_t ld, const float *base,
		     const size_t *koff, size_t k, const size_t *joff,
		     unsigned run);
	/* The same for bytes, table indices. */
	void (*pack8)(uint8_t *dst, size_t ld, const uint8_t *base,
		      const size_t *koff, size_t k, const size_t *joff,
		      unsigned run);
	/* to[y*ldt + i] = from[y*ldf + i], i < n, y < rows, with zeros between
	 * the rows. */
	void (*spread)(float *to, size_t ldt, const float *from, size_t ldf,
		       size_t n, size_t rows);
	/* out[p] += (sum over k of row w[k] at idx[k*256 + p]) << shift, modulo
	 * 2^32. rows: one half (16 bits) of a view of rows.h in this layout,
	 * `span` entries a row, which is above every index. k at most AX_LUTK,
	 * n a multiple of 32, at most 256; out and idx are 64-byte aligned and
	 * have 256 places whatever n is. */
	void (*lut)(uint32_t *out, const uint8_t *rows, unsigned span,
		    const uint8_t *w, const uint8_t *idx, size_t k, size_t n,
		    unsigned shift);
	/* The same where all values are below 256, so that only the first half
	 * of each row in AX_ROWS_BYTES counts; NULL: lut does. */
	void (*lut8)(uint32_t *out, const uint8_t *rows, unsigned span,
		     const uint8_t *w, const uint8_t *idx, size_t k, size_t n,
		     unsigned shift);
	/* The same of rows in AX_ROWS_SEVENS, of span 128; NULL: lut does. */
	void (*lut7)(uint32_t *out, const uint8_t *rows, unsigned span,
		     const uint8_t *w, const uint8_t *idx, size_t k, size_t n,
		     unsigned shift);
	/* What lut and lut7 need of indices below 128 when the span is 128:
	 * bit 7 as bit 6; lut8 takes both, dot8 only what they were. NULL:
	 * nothing. */
	void (*mark)(uint8_t *idx, size_t n);
	enum ax_lut_rows_layout layout;
	/* Products of bytes; NULL: none. fours: indices idx[k][256] as dot8
	 * wants them, exclusive or `flip`, of n positions. dot8: for `rows`
	 * outputs, out[r*256 + p] += sum over k of index k at p (0..255) *
	 * w[r*k4 + k] (-128..127), modulo 2^32; k4: k up to a multiple of 4,
	 * the rest of w is 0. n, out and idx as for lut; `to` has k4 * 256
	 * places. */
	void (*fours)(uint8_t *to, const uint8_t *idx, size_t k, uint8_t flip,
		      size_t n);
	void (*dot8)(uint32_t *out, const uint8_t *fours, const int8_t *w,
		     size_t k4, size_t rows, size_t n);

	/* out[0] = sum a, out[1] = sum a*b, in double: element i goes to lane
	 * i mod 16, lanes are joined pairwise (0+8, 1+9, ...; 0+4 ...). */
	void (*sums)(double out[2], const float *a, const float *b, size_t n);
	/* y = fma(x, s, t) */
	void (*scale)(float *y, const float *x, float s, float t, size_t n);
	/* dx = fma(a, dy, fma(b, x, c)) */
	void (*norm_grad)(float *dx, const float *dy, const float *x, float a,
			  float b, float c, size_t n);
	void (*add)(float *y, const float *a, const float *b, size_t n);
	/* y = x > 0 ? x : 0; dx = y > 0 ? dy : 0 */
	void (*relu)(float *y, const float *x, size_t n);
	void (*relu_grad)(float *dx, const float *dy, const float *y, size_t n);
	/* q = round(min(max(x / s, lo), hi)), ties to even; the product q*mul
	 * is stored (mul = 1: the code itself). */
	void (*quant)(float *out, const float *x, float s, float lo, float hi,
		      float mul, size_t n);
	/* out = the low byte of a whole number below 2^24 */
	void (*codes)(uint8_t *out, const float *x, size_t n);
	/* y = float(int32(s + plus)) * mul, the sum modulo 2^32 */
	void (*from_sums)(float *y, const uint32_t *s, int32_t plus, float mul,
			  size_t n);
	/* g' = fma(decay, p, g); m = fma(momentum, m, g'); step = m, or with
	 * nesterov fma(momentum, m, g'); p = fma(-lr, step, p). */
	void (*sgd)(float *p, float *m, const float *g, float lr,
		    float momentum, float decay, int nesterov, size_t n);
};

extern const struct ax_kern ax_kern_scalar;
#if defined(__x86_64__)
extern const struct ax_kern ax_kern_avx2;
extern const struct ax_kern ax_kern_avx512;
extern const struct ax_kern ax_kern_vbmi;
#endif

/* The table of a level; one that this build lacks gives the next lower. */
const struct ax_kern *ax_kern_at(enum ax_simd level);
/* That of ax_simd(). */
const struct ax_kern *ax_kern(void);

#endif
