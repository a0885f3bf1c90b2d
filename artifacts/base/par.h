/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool of threads for loops whose pieces do not touch each other's results,
 * so that the number of threads cannot show in them; and the SIMD level that
 * kernels may use.
 */
#ifndef AX_PAR_H
#define AX_PAR_H

#include <stddef.h>

struct ax_pool;

/* 1 thread runs everything in the caller. NULL is a valid pool of 1 thread. */
struct ax_pool *ax_pool_new(unsigned threads);
void ax_pool_free(struct ax_pool *p);
unsigned ax_pool_threads(const struct ax_pool *p);
/* Calls fn(arg, i, thread) for i = 0..n-1, each once, in any order; `thread`
 * is 0..threads-1, for scratch memory. Returns when all are done. */
void ax_pool_for(struct ax_pool *p, size_t n,
		 void (*fn)(void *arg, size_t i, unsigned thread), void *arg);

enum ax_simd { AX_SIMD_SCALAR, AX_SIMD_AVX2, AX_SIMD_AVX512, AX_SIMD_VBMI };
/* What the CPU offers, lowered by AXPIPE_SIMD=scalar|avx2|avx512|avx512vbmi.
 * AVX2 implies FMA; AVX512 means F, BW, DQ and VL; VBMI those, VBMI and VNNI.
 */
enum ax_simd ax_simd(void);
const char *ax_simd_name(enum ax_simd level);

#endif
