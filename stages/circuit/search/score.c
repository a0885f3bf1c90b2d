/* SPDX-License-Identifier: Apache-2.0 */
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "stages/circuit/search/score.h"

#include "artifacts/base/base.h"

/* Sixteen numbers, eight numbers: what one register or several hold. */
typedef int32_t ints __attribute__((vector_size(64), may_alias));
typedef float floats __attribute__((vector_size(64), may_alias));
typedef int32_t halves __attribute__((vector_size(32), may_alias));
typedef float half_floats __attribute__((vector_size(32), may_alias));
typedef double reals __attribute__((vector_size(64), may_alias));

static inline uint64_t
ones64(uint64_t x)
{
	x -= x >> 1 & 0x5555555555555555u;
	x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
	return x * 0x0101010101010101u >> 56;
}

static inline unsigned
signs16(const ints *v)
{
	unsigned m = 0;

	for (int i = 0; i < 16; i++)
		m |= ((uint32_t)(*v)[i] >> 31) << i;
	return m;
}

#define VEC uint64_t
#define VW 1
#define FN(name) name##_scalar
#define ATTR
#define SET1(w) (w)
#define ANY(v) ((v) != 0)
#define POP(v) ones64(v)
#define MASK16(p) signs16(p)
#include "stages/circuit/search/score_impl.h"
#undef VEC
#undef VW
#undef FN
#undef ATTR
#undef SET1
#undef ANY
#undef POP
#undef MASK16

#if defined(__x86_64__)

typedef uint64_t vec4 __attribute__((vector_size(32), may_alias));

/* Ones of each 64-bit word by a table of nibbles (Mula). */
__attribute__((target("avx2"), always_inline)) static inline __m256i
ones256(__m256i v)
{
	const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2,
					       3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2,
					       2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
	const __m256i low = _mm256_set1_epi8(15);
	__m256i a = _mm256_shuffle_epi8(table, _mm256_and_si256(v, low));
	__m256i b = _mm256_shuffle_epi8(
		table, _mm256_and_si256(_mm256_srli_epi16(v, 4), low));

	return _mm256_sad_epu8(_mm256_add_epi8(a, b), _mm256_setzero_si256());
}

#define VEC vec4
#define VW 4
#define FN(name) name##_avx2
#define ATTR __attribute__((target("avx2")))
#define SET1(w) ((vec4)_mm256_set1_epi64x((long long)(w)))
#define ANY(v) (!_mm256_testz_si256((__m256i)(v), (__m256i)(v)))
#define POP(v) ((vec4)ones256((__m256i)(v)))
#define MASK16(p)                                                              \
	((unsigned)_mm256_movemask_ps(                                         \
		 _mm256_load_ps((const float *)(const void *)(p))) |           \
	 (unsigned)_mm256_movemask_ps(                                         \
		 _mm256_load_ps((const float *)(const void *)(p) + 8))         \
		 << 8)
#include "stages/circuit/search/score_impl.h"
#undef VEC
#undef VW
#undef FN
#undef ATTR
#undef SET1
#undef ANY
#undef POP
#undef MASK16

typedef uint64_t vec8 __attribute__((vector_size(64), may_alias));

/* Numbers of sixteen bytes that hold their bits 0..7, 8..15 and so on. */
#define WIDEN(part, at)                                                        \
	_mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(part, at))
#define STORE(at)                                                              \
	do {                                                                   \
		__m512i n_ = _mm512_or_si512(                                  \
			WIDEN(byte[0], at),                                    \
			_mm512_slli_epi32(WIDEN(byte[1], at), 8));             \
		if (bits > 16)                                                 \
			n_ = _mm512_or_si512(                                  \
				n_,                                            \
				_mm512_slli_epi32(WIDEN(byte[2], at), 16));    \
		if (extend)                                                    \
			n_ = _mm512_sra_epi32(_mm512_sll_epi32(n_, up), up);   \
		_mm512_store_si512(y + i * 64 + (at)*16, n_);                  \
	} while (0)
#define UNPACK64(out, bits, extend, y)                                         \
	__m128i up = _mm_cvtsi32_si128(32 - (int)bits);                        \
                                                                               \
	for (int i = 0; i < AX_BLOCK_WORDS; i++) {                             \
		__m512i byte[3] = {_mm512_setzero_si512(),                     \
				   _mm512_setzero_si512(),                     \
				   _mm512_setzero_si512()};                    \
                                                                               \
		for (unsigned k = 0; k < bits; k++)                            \
			byte[k / 8] = _mm512_mask_add_epi8(                    \
				byte[k / 8], out[k][i], byte[k / 8],           \
				_mm512_set1_epi8((char)(1 << k % 8)));         \
		STORE(0);                                                      \
		STORE(1);                                                      \
		STORE(2);                                                      \
		STORE(3);                                                      \
	}

#define VEC vec8
#define VW 8
#define FN(name) name##_avx512
#define ATTR                                                                   \
	__attribute__((                                                        \
		target("avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq")))
#define SET1(w) ((vec8)_mm512_set1_epi64((long long)(w)))
#define ANY(v) (_mm512_test_epi64_mask((__m512i)(v), (__m512i)(v)) != 0)
#define POP(v) ((vec8)_mm512_popcnt_epi64((__m512i)(v)))
#define MASK16(p)                                                              \
	((unsigned)_mm512_movepi32_mask(_mm512_load_si512((const void *)(p))))
#include "stages/circuit/search/score_impl.h"

#endif

const struct ax_score_kern *
ax_score_kern(void)
{
#if defined(__x86_64__)
	switch (ax_simd()) {
	case AX_SIMD_VBMI:
	case AX_SIMD_AVX512:
		if (__builtin_cpu_supports("avx512vpopcntdq"))
			return &table_avx512;
		return &table_avx2;
	case AX_SIMD_AVX2:
		return &table_avx2;
	case AX_SIMD_SCALAR:
		break;
	}
#endif
	return &table_scalar;
}
