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
#define vload_halves(p, q)                                                     \
	_mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(p)),         \
			   _mm256_loadu_ps(q), 1)
#define vturn(to, ldt, from, ldf) turn_16x16((to), (ldt), (from), (ldf))
#define D __m512d
#define DN ((size_t)8)
#define dload(p) _mm512_cvtps_pd(_mm256_loadu_ps(p))
#define dstore(p, x) _mm512_storeu_pd((p), (x))
#define dzero() _mm512_setzero_pd()
#define dadd(a, b) _mm512_add_pd((a), (b))
#define dfma(a, b, c) _mm512_fmadd_pd((a), (b), (c))
#define MR 8
#define ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)

/* Transposes 16 x 16 floats: within pairs and fours of rows, then by quarters
 * of vectors. */
FN
turn_16x16(float *to, size_t ldt, const float *from, size_t ldf)
{
	__m512 v[16], u[16];
	size_t i;

#define PD(x) _mm512_castps_pd(x)
#define PS(x) _mm512_castpd_ps(x)
	UNROLL
	for (i = 0; i < 16; i++)
		v[i] = vload(from + i * ldf);
	UNROLL
	for (i = 0; i < 16; i += 2) {
		u[i] = _mm512_unpacklo_ps(v[i], v[i + 1]);
		u[i + 1] = _mm512_unpackhi_ps(v[i], v[i + 1]);
	}
	/* u[2i], u[2i+1]: columns 0 1 and 2 3 of each quarter, rows 2i 2i+1 */
	UNROLL
	for (i = 0; i < 16; i += 4) {
		v[i] = PS(_mm512_unpacklo_pd(PD(u[i]), PD(u[i + 2])));
		v[i + 1] = PS(_mm512_unpackhi_pd(PD(u[i]), PD(u[i + 2])));
		v[i + 2] = PS(_mm512_unpacklo_pd(PD(u[i + 1]), PD(u[i + 3])));
		v[i + 3] = PS(_mm512_unpackhi_pd(PD(u[i + 1]), PD(u[i + 3])));
	}
	/* v[4g + c]: column 4q + c of rows 4g..4g+3 in quarter q */
	UNROLL
	for (i = 0; i < 4; i++) {
		u[i] = _mm512_shuffle_f32x4(v[i], v[i + 4], 0x88);
		u[i + 4] = _mm512_shuffle_f32x4(v[i], v[i + 4], 0xdd);
		u[i + 8] = _mm512_shuffle_f32x4(v[i + 8], v[i + 12], 0x88);
		u[i + 12] = _mm512_shuffle_f32x4(v[i + 8], v[i + 12], 0xdd);
	}
	/* u[c]: quarters 0 2 of rows 0..3, 0 2 of rows 4..7; +4: 1 3; +8: the
	 * lower rows */
	UNROLL
	for (i = 0; i < 4; i++) {
		vstore(to + i * ldt,
		       _mm512_shuffle_f32x4(u[i], u[i + 8], 0x88));
		vstore(to + (i + 8) * ldt,
		       _mm512_shuffle_f32x4(u[i], u[i + 8], 0xdd));
		vstore(to + (i + 4) * ldt,
		       _mm512_shuffle_f32x4(u[i + 4], u[i + 12], 0x88));
		vstore(to + (i + 12) * ldt,
		       _mm512_shuffle_f32x4(u[i + 4], u[i + 12], 0xdd));
	}
}

#endif
