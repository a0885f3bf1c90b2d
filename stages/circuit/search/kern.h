/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inner loops of the searches, for each SIMD level, with the same results.
 * A signal is a row of words in which one bit is one pattern; everything works
 * on blocks of 2048 patterns, so that a circuit's signals stay in the second
 * level cache.
 */
#ifndef AX_SEARCH_KERN_H
#define AX_SEARCH_KERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "artifacts/base/par.h"

#define AX_BLOCK_WORDS 32
#define AX_BLOCK_BITS 2048
/* A pool of patterns, on which replacements are tried first. */
#define AX_POOL_WORDS 8
#define AX_POOL_BITS 512

/* Gates as the searches know them; AX_G_BUF is a step, never a node. */
enum ax_g {
	AX_G_CONST0,
	AX_G_CONST1,
	AX_G_BUF,
	AX_G_INV,
	AX_G_AND,
	AX_G_NAND,
	AX_G_OR,
	AX_G_NOR,
	AX_G_XOR,
	AX_G_XNOR,
	AX_G_KINDS
};

/* row[d] = gate(row[a], row[b]); a and b must be rows even where unused. */
struct ax_kop {
	uint16_t a, b, d, gate;
};

/* What a row says about a function that must be 1 on f1 and 0 on f0. */
enum {
	AX_HIT_1_0 = 1, /* the row is 0 somewhere in f1 */
	AX_HIT_1_1 = 2, /* ... 1 somewhere in f1 */
	AX_HIT_0_1 = 4, /* ... 1 somewhere in f0 */
	AX_HIT_0_0 = 8  /* ... 0 somewhere in f0 */
};

struct ax_search_kern {
	/* Runs n steps on one block; row r starts at base + r * stride words.
	 * Rows are 64-byte aligned. */
	void (*run)(uint64_t *base, size_t stride, const struct ax_kop *op,
		    size_t n);
	/* One step that tells whether the row changed. */
	bool (*step)(uint64_t *base, size_t stride, const struct ax_kop *op);
	/*
	 * Largest |exact - approx| of a block, or `most` if none is larger.
	 * `exact` holds bits + 2 rows (two's complement) of AX_BLOCK_WORDS;
	 * out[i] is the row of output bit i, extended by its top bit when
	 * `extend`, else by 0.
	 */
	uint32_t (*worst)(const uint64_t *const *out, const uint64_t *exact,
			  unsigned bits, bool extend, uint32_t most);
	/*
	 * bad: patterns where approx is not within lo..hi; returns whether
	 * there is one. `limits` holds for each bit a row of lo and a row of
	 * hi, as unsigned numbers; the top bit of approx is inverted first when
	 * `flip` (then the numbers are signed ones plus half the range).
	 */
	bool (*bound)(const uint64_t *const *out, const uint64_t *limits,
		      unsigned bits, bool flip, uint64_t *bad);
	/* The same two on a pool: rows and limits of AX_POOL_WORDS. */
	void (*pool_run)(uint64_t *base, const struct ax_kop *op, size_t n);
	bool (*pool_bound)(const uint64_t *const *out, const uint64_t *limits,
			   unsigned bits, bool flip, uint64_t *bad);
	/* flags[i] = AX_HIT_* of row[i] on the pool. */
	void (*scan)(const uint64_t *base, const uint32_t *row, size_t n,
		     const uint64_t *f1, const uint64_t *f0, uint8_t *flags);
	/* True when (x ^ -px) & (y ^ -py) & f is zero on the pool. */
	bool (*disjoint)(const uint64_t *x, unsigned px, const uint64_t *y,
			 unsigned py, const uint64_t *f);
	/* True when (x ^ y ^ v) & care, with `inv` inverted, is zero. */
	bool (*xor_fits)(const uint64_t *x, const uint64_t *y,
			 const uint64_t *v, const uint64_t *care, unsigned inv);
};

/* The kernels of the level that ax_simd() allows. */
const struct ax_search_kern *ax_search_kern(void);

#endif
