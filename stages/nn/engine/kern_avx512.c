/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 F, BW, DQ and VL. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "artifacts/base/base.h"
#include "stages/nn/engine/kern.h"

#define FN                                                                     \
	__attribute__((                                                        \
		target("avx512f,avx512bw,avx512dq,avx512vl,fma"))) static void
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
#define D __m512d
#define DN ((size_t)8)
#define dload(p) _mm512_cvtps_pd(_mm256_loadu_ps(p))
#define dstore(p, x) _mm512_storeu_pd((p), (x))
#define dzero() _mm512_setzero_pd()
#define dadd(a, b) _mm512_add_pd((a), (b))
#define dmul(a, b) _mm512_mul_pd((a), (b))
#define MR 8
#define ROWS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)

/*
 * Look-ups of 32 positions at once: vpermi2w picks from 64 table words, so a
 * row of 128 (operands that are never negative) takes two and a blend on bit
 * 6, which the index carries at its top for vpmovw2m; a full row takes four
 * and two more blends. Sums: `s` adds the 32-bit words as they are, that is
 * even + 65536 * odd; `o` adds the odd halves; the even sum is what is left of
 * s. Everything is modulo 2^32 and right as long as the sum itself fits.
 */
#define LUT_ZERO(i) __m512i s##i = zero, o##i = zero;
#define LUT_ADD(i)                                                             \
	s##i = _mm512_add_epi32(s##i, y);                                      \
	o##i = _mm512_add_epi32(o##i, _mm512_srli_epi32(y, 16));
#define LUT_HALF(i)                                                            \
	x = _mm512_loadu_si512(ip + 32 * (i));                                 \
	y = _mm512_permutex2var_epi16(t0, x, t1);                              \
	z = _mm512_permutex2var_epi16(t2, x, t3);                              \
	y = _mm512_mask_mov_epi16(y, _mm512_movepi16_mask(x), z);              \
	LUT_ADD(i)
#define LUT_FULL(i)                                                            \
	x = _mm512_loadu_si512(ip + 32 * (i));                                 \
	y = _mm512_permutex2var_epi16(t0, x, t1);                              \
	z = _mm512_permutex2var_epi16(t2, x, t3);                              \
	y = _mm512_mask_mov_epi16(y, _mm512_movepi16_mask(x), z);              \
	z = _mm512_permutex2var_epi16(t4, x, t5);                              \
	u = _mm512_permutex2var_epi16(t6, x, t7);                              \
	z = _mm512_mask_mov_epi16(z, _mm512_movepi16_mask(x), u);              \
	y = _mm512_mask_mov_epi16(y, _mm512_test_epi16_mask(x, top), z);       \
	LUT_ADD(i)
/* even sums are s - 65536 * o; back into the order of the positions */
#define LUT_STORE(i)                                                           \
	x = _mm512_sub_epi32(s##i, _mm512_slli_epi32(o##i, 16));               \
	y = _mm512_permutex2var_epi32(x, low, o##i);                           \
	z = _mm512_permutex2var_epi32(x, high, o##i);                          \
	_mm512_storeu_si512(out + 32 * (i), y);                                \
	_mm512_storeu_si512(out + 32 * (i) + 16, z);
#define LUT_ROW(n) _mm512_loadu_si512(row + 32 * (n))

#define X1(X) X(0)
#define X4(X) X(0) X(1) X(2) X(3)
#define X8(X) X4(X) X(4) X(5) X(6) X(7)

#define LUT_ORDER                                                              \
	const __m512i low = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19,   \
					     3, 18, 2, 17, 1, 16, 0);          \
	const __m512i high = _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12,  \
					      27, 11, 26, 10, 25, 9, 24, 8);   \
	const __m512i zero = _mm512_setzero_si512();

#define LUT_HALF_FN(name, XN)                                                  \
	FN name(uint32_t *out, const uint16_t *table, const uint8_t *w,        \
		const uint16_t *ip, size_t k)                                  \
	{                                                                      \
		LUT_ORDER                                                      \
		__m512i x, y, z, t0, t1, t2, t3;                               \
		size_t i;                                                      \
		XN(LUT_ZERO)                                                   \
                                                                               \
		for (i = 0; i < k; i++, ip += AX_LUTP) {                       \
			const uint16_t *row = table + (size_t)w[i] * 256;      \
                                                                               \
			t0 = LUT_ROW(0);                                       \
			t1 = LUT_ROW(1);                                       \
			t2 = LUT_ROW(2);                                       \
			t3 = LUT_ROW(3);                                       \
			XN(LUT_HALF)                                           \
		}                                                              \
		XN(LUT_STORE)                                                  \
	}

#define LUT_FULL_FN(name, XN)                                                  \
	FN name(uint32_t *out, const uint16_t *table, const uint8_t *w,        \
		const uint16_t *ip, size_t k)                                  \
	{                                                                      \
		LUT_ORDER                                                      \
		const __m512i top = _mm512_set1_epi16(128);                    \
		__m512i x, y, z, u, t0, t1, t2, t3, t4, t5, t6, t7;            \
		size_t i;                                                      \
		XN(LUT_ZERO)                                                   \
                                                                               \
		for (i = 0; i < k; i++, ip += AX_LUTP) {                       \
			const uint16_t *row = table + (size_t)w[i] * 256;      \
                                                                               \
			t0 = LUT_ROW(0);                                       \
			t1 = LUT_ROW(1);                                       \
			t2 = LUT_ROW(2);                                       \
			t3 = LUT_ROW(3);                                       \
			t4 = LUT_ROW(4);                                       \
			t5 = LUT_ROW(5);                                       \
			t6 = LUT_ROW(6);                                       \
			t7 = LUT_ROW(7);                                       \
			XN(LUT_FULL)                                           \
		}                                                              \
		XN(LUT_STORE)                                                  \
	}

LUT_HALF_FN(lut_half8, X8)
LUT_HALF_FN(lut_half4, X4)
LUT_HALF_FN(lut_half1, X1)
LUT_FULL_FN(lut_full4, X4)
LUT_FULL_FN(lut_full1, X1)

FN
lut(uint32_t *out, const uint16_t *table, const uint8_t *w, const uint16_t *idx,
    size_t k, size_t n, int full)
{
	size_t p = 0;

	for (; !full && p + 256 <= n; p += 256)
		lut_half8(out + p, table, w, idx + p, k);
	for (; p + 128 <= n; p += 128)
		(full ? lut_full4 : lut_half4)(out + p, table, w, idx + p, k);
	for (; p < n; p += 32)
		(full ? lut_full1 : lut_half1)(out + p, table, w, idx + p, k);
}

#include "stages/nn/engine/kern_body.h"

const struct ax_kern ax_kern_avx512 = AX_KERN_TABLE("avx512");
#endif
