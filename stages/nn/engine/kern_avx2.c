/* SPDX-License-Identifier: Apache-2.0 */
/* AVX2 with FMA. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "artifacts/base/base.h"
#include "stages/nn/engine/kern.h"

#define FN __attribute__((target("avx2,fma"))) static void
#define V __m256
#define VN ((size_t)8)
#define vload(p) _mm256_loadu_ps(p)
#define vstore(p, x) _mm256_storeu_ps((p), (x))
#define vset(x) _mm256_set1_ps(x)
#define vfma(a, b, c) _mm256_fmadd_ps((a), (b), (c))
#define vadd(a, b) _mm256_add_ps((a), (b))
#define vmul(a, b) _mm256_mul_ps((a), (b))
#define vdiv(a, b) _mm256_div_ps((a), (b))
#define vmax(a, b) _mm256_max_ps((a), (b))
#define vmin(a, b) _mm256_min_ps((a), (b))
#define vround(a)                                                              \
	_mm256_round_ps((a), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define vpos(a, b)                                                             \
	_mm256_and_ps(_mm256_cmp_ps((a), _mm256_setzero_ps(), _CMP_GT_OQ), (b))
#define D __m256d
#define DN ((size_t)4)
#define dload(p) _mm256_cvtps_pd(_mm_loadu_ps(p))
#define dstore(p, x) _mm256_storeu_pd((p), (x))
#define dzero() _mm256_setzero_pd()
#define dadd(a, b) _mm256_add_pd((a), (b))
#define dfma(a, b, c) _mm256_fmadd_pd((a), (b), (c))
#define MR 4
#define ROWS(X) X(0) X(1) X(2) X(3)

#define vint(p)                                                                \
	_mm256_cvtepi32_ps(_mm256_add_epi32(                                   \
		_mm256_loadu_si256((const __m256i *)(p)), plus))
#define VINT __m256i
#define vset_int(x) _mm256_set1_epi32(x)
#define vcodes(to, x) store_codes((to), _mm256_cvtps_epi32(x))

/* The low bytes of 8 integers. */
__attribute__((target("avx2"))) static inline void
store_codes(uint8_t *to, __m256i x)
{
	const __m256i pick = _mm256_setr_epi8(
		0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0,
		4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);

	x = _mm256_shuffle_epi8(x, pick);
	_mm_storel_epi64((__m128i *)to,
			 _mm_unpacklo_epi32(_mm256_castsi256_si128(x),
					    _mm256_extracti128_si256(x, 1)));
}

/*
 * Look-ups of 32 positions at once by vpshufb, which picks from 16 bytes and
 * gives 0 where bit 7 of the index is set. Groups of 16 are stored as
 * differences from the group before (AX_ROWS_STEPS): the exclusive or of the
 * picks from all groups up to the index's own is the value. For group g the
 * index less 16 g has bit 7 set exactly where it belongs to a lower group, as
 * long as indices are below 128: the halves of a full row are looked up one by
 * one, and bit 7 decides.
 */
#define GROUPS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define PICK(at) _mm256_shuffle_epi8(TABLE(at), x)
#define TABLE(at)                                                              \
	_mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(at)))
#define LUT_GROUP(g)                                                           \
	x = _mm256_sub_epi8(x, _mm256_set1_epi8(16));                          \
	y = _mm256_xor_si256(y, PICK(row + 16 * (g)));                         \
	z = _mm256_xor_si256(z, PICK(row + high + 16 * (g)));
#define LUT_LOOK                                                               \
	x = _mm256_and_si256(index, seven);                                    \
	y = PICK(row);                                                         \
	z = PICK(row + high);                                                  \
	GROUPS(LUT_GROUP)
#define LUT_ADD(s, o, y)                                                       \
	s = _mm256_add_epi16(s, y);                                            \
	o = _mm256_add_epi16(o, _mm256_srli_epi16(y, 8));
/* even and odd positions of both planes as 32-bit sums, in order */
#define LUT_WORDS(s, o, r)                                                     \
	x = _mm256_sub_epi16(s, _mm256_slli_epi16(o, 8));                      \
	r##0 = _mm256_unpacklo_epi16(x, o);                                    \
	r##1 = _mm256_unpackhi_epi16(x, o);
#define LUT_OUT(at, l, h)                                                      \
	x = _mm256_add_epi32(_mm256_cvtepu16_epi32(l),                         \
			     _mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 8));  \
	to = (__m256i *)(out + p + (at));                                      \
	_mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to),       \
						 _mm256_sll_epi32(x, left)));
#define LUT_PAIR(at, r)                                                        \
	LUT_OUT(at, _mm256_castsi256_si128(l##r),                              \
		_mm256_castsi256_si128(h##r))                                  \
	LUT_OUT((at) + 16, _mm256_extracti128_si256(l##r, 1),                  \
		_mm256_extracti128_si256(h##r, 1))

FN
lut(uint32_t *out, const uint8_t *rows, unsigned span, const uint8_t *w,
    const uint8_t *idx, size_t k, size_t n, unsigned shift)
{
	const __m256i zero = _mm256_setzero_si256();
	const __m256i seven = _mm256_set1_epi8(127);
	const __m128i left = _mm_cvtsi32_si128((int)shift);
	const size_t high = span;
	__m256i x, y, z, index, y0, z0, l0, l1, h0, h1, *to;
	size_t i, p;

	for (p = 0; p < n; p += 32) {
		const uint8_t *ip = idx + p;
		__m256i sl = zero, ol = zero, sh = zero, oh = zero;

		for (i = 0; i < k; i++, ip += AX_LUTP) {
			const uint8_t *row = rows + w[i] * AX_ROWS_STRIDE(span);

			index = _mm256_loadu_si256((const __m256i *)ip);
			LUT_LOOK
			if (span == 256) {
				y0 = y;
				z0 = z;
				row += 128;
				LUT_LOOK
				y = _mm256_blendv_epi8(y0, y, index);
				z = _mm256_blendv_epi8(z0, z, index);
			}
			LUT_ADD(sl, ol, y)
			LUT_ADD(sh, oh, z)
		}
		LUT_WORDS(sl, ol, l)
		LUT_WORDS(sh, oh, h)
		LUT_PAIR(0, 0)
		LUT_PAIR(8, 1)
	}
}

#define LAYOUT AX_ROWS_STEPS
#include "stages/nn/engine/kern_body.h"

const struct ax_kern ax_kern_avx2 = AX_KERN_TABLE("avx2");
#endif
