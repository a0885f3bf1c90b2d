/* SPDX-License-Identifier: Apache-2.0 */
/* What kern_body.h wants, in AVX-512 F, BW, DQ and VL; FN is the includer's. */
#ifndef AX_NN_KERN_AVX512_H
#define AX_NN_KERN_AVX512_H

#include <immintrin.h>

#define V __m512
#define VN ((size_t)16)
#define vload(p) _mm512_loadu_ps(p)
#define vstore(p, x) _mm512_storeu_ps((p), (x))
#define vset(x) _mm512_set1_ps(x)
#define vfma(a, b, c) _mm512_fmadd_ps((a), (b), (c))
#define vadd(a, b) _mm512_add_ps((a), (b))
#define vmul(a, b) _mm512_mul_ps((a), (b))
#define vdiv(a, b) _mm512_div_ps((a), (b))
#define vmax(a, b) _mm512_max_ps((a), (b))
#define vmin(a, b) _mm512_min_ps((a), (b))
#define vround(a)                                                              \
	_mm512_roundscale_ps((a), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define vpos(a, b)                                                             \
	_mm512_maskz_mov_ps(                                                   \
		_mm512_cmp_ps_mask((a), _mm512_setzero_ps(), _CMP_GT_OQ), (b))
#define vint(p)                                                                \
	_mm512_cvtepi32_ps(_mm512_add_epi32(_mm512_loadu_si512(p), plus))
#define VINT __m512i
#define vset_int(x) _mm512_set1_epi32(x)
#define vcodes(to, x)                                                          \
	_mm_storeu_si128((__m128i *)(to),                                      \
			 _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x)))
#define D __m512d
#define DN ((size_t)8)
#define dload(p) _mm512_cvtps_pd(_mm256_loadu_ps(p))
#define dstore(p, x) _mm512_storeu_pd((p), (x))
#define dzero() _mm512_setzero_pd()
#define dadd(a, b) _mm512_add_pd((a), (b))
#define dmul(a, b) _mm512_mul_pd((a), (b))
#define MR 8
#define ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)

#endif
