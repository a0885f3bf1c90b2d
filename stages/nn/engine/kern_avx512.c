/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 F, BW, DQ and VL. */
#if defined(__x86_64__)
#include "artifacts/base/base.h"
#include "stages/nn/engine/kern.h"

#define FN                                                                     \
	__attribute__((                                                        \
		target("avx512f,avx512bw,avx512dq,avx512vl,fma"))) static void

#include "stages/nn/engine/kern_avx512.h"

/*
 * Look-ups of 32 positions at once: vpermi2w picks from 64 table words, so a
 * row of 128 takes two and a blend on bit 6 of the index; a full row takes
 * four and two more blends. Sums: `s` adds the 32-bit words as they are, that
 * is even + 65536 * odd; `o` adds the odd halves; the even sum is what is left
 * of s. Everything is modulo 2^32 and right as long as the sum itself fits.
 */
#define LUT_ZERO(i) __m512i s##i = zero, o##i = zero;
#define LUT_ADD(i)                                                             \
	s##i = _mm512_add_epi32(s##i, y);                                      \
	o##i = _mm512_add_epi32(o##i, _mm512_srli_epi32(y, 16));
#define LUT_INDEX(i)                                                           \
	x = _mm512_cvtepu8_epi16(                                              \
		_mm256_loadu_si256((const __m256i *)(ip + 32 * (i))));         \
	bit6 = _mm512_test_epi16_mask(x, six);
#define LUT_HALF(i)                                                            \
	LUT_INDEX(i)                                                           \
	y = _mm512_permutex2var_epi16(t0, x, t1);                              \
	z = _mm512_permutex2var_epi16(t2, x, t3);                              \
	y = _mm512_mask_mov_epi16(y, bit6, z);                                 \
	LUT_ADD(i)
#define LUT_FULL(i)                                                            \
	LUT_INDEX(i)                                                           \
	y = _mm512_permutex2var_epi16(t0, x, t1);                              \
	z = _mm512_permutex2var_epi16(t2, x, t3);                              \
	y = _mm512_mask_mov_epi16(y, bit6, z);                                 \
	z = _mm512_permutex2var_epi16(t4, x, t5);                              \
	u = _mm512_permutex2var_epi16(t6, x, t7);                              \
	z = _mm512_mask_mov_epi16(z, bit6, u);                                 \
	y = _mm512_mask_mov_epi16(y, _mm512_test_epi16_mask(x, seven), z);     \
	LUT_ADD(i)
/* even sums are s - 65536 * o; back into the order of the positions */
#define LUT_STORE(i)                                                           \
	x = _mm512_sub_epi32(s##i, _mm512_slli_epi32(o##i, 16));               \
	LUT_OUT(32 * (i), _mm512_permutex2var_epi32(x, low, o##i))             \
	LUT_OUT(32 * (i) + 16, _mm512_permutex2var_epi32(x, high, o##i))
#define LUT_OUT(at, v)                                                         \
	_mm512_storeu_si512(out + (at),                                        \
			    _mm512_add_epi32(_mm512_loadu_si512(out + (at)),   \
					     _mm512_sll_epi32(v, left)));
#define LUT_ROW(n) _mm512_load_si512(row + 64 * (n))

#define X1(X) X(0)
#define X4(X) X(0) X(1) X(2) X(3)
#define X8(X) X4(X) X(4) X(5) X(6) X(7)
#define HALF(X) X(0) X(1) X(2) X(3)
#define FULL(X) HALF(X) X(4) X(5) X(6) X(7)
#define LUT_TABLE(n) t##n = LUT_ROW(n);

#define LUT_FN(name, XN, TABLES, STEP, span)                                   \
	FN name(uint32_t *out, const uint8_t *rows, const uint8_t *w,          \
		const uint8_t *ip, size_t k, unsigned shift)                   \
	{                                                                      \
		const __m512i low =                                            \
			_mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3,    \
					 18, 2, 17, 1, 16, 0);                 \
		const __m512i high =                                           \
			_mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27,   \
					 11, 26, 10, 25, 9, 24, 8);            \
		const __m512i zero = _mm512_setzero_si512();                   \
		const __m512i six = _mm512_set1_epi16(64);                     \
		const __m512i seven = _mm512_set1_epi16(128);                  \
		const __m128i left = _mm_cvtsi32_si128((int)shift);            \
		__m512i x, y, z, u, t0, t1, t2, t3, t4, t5, t6, t7;            \
		__mmask32 bit6;                                                \
		size_t i;                                                      \
		XN(LUT_ZERO)                                                   \
                                                                               \
		for (i = 0; i < k; i++, ip += AX_LUTP) {                       \
			const uint8_t *row =                                   \
				rows + w[i] * AX_ROWS_STRIDE(span);            \
                                                                               \
			TABLES(LUT_TABLE)                                      \
			XN(STEP)                                               \
		}                                                              \
		XN(LUT_STORE)                                                  \
		(void)u, (void)t4, (void)t5, (void)t6, (void)t7, (void)seven;  \
	}

LUT_FN(lut_half8, X8, HALF, LUT_HALF, 128)
LUT_FN(lut_half1, X1, HALF, LUT_HALF, 128)
LUT_FN(lut_full4, X4, FULL, LUT_FULL, 256)
LUT_FN(lut_full1, X1, FULL, LUT_FULL, 256)

FN
lut(uint32_t *out, const uint8_t *rows, unsigned span, const uint8_t *w,
    const uint8_t *idx, size_t k, size_t n, unsigned shift)
{
	size_t p = 0;

	for (; span == 128 && p + 256 <= n; p += 256)
		lut_half8(out + p, rows, w, idx + p, k, shift);
	for (; span == 256 && p + 128 <= n; p += 128)
		lut_full4(out + p, rows, w, idx + p, k, shift);
	for (; p < n; p += 32)
		(span == 128 ? lut_half1 : lut_full1)(out + p, rows, w, idx + p,
						      k, shift);
}

#define LAYOUT AX_ROWS_WORDS
#include "stages/nn/engine/kern_body.h"

const struct ax_kern ax_kern_avx512 = AX_KERN_TABLE("avx512");
#endif
