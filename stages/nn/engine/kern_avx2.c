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
#define dmul(a, b) _mm256_mul_pd((a), (b))
#define MR 4
#define ROWS(X) X(0) X(1) X(2) X(3)

/* One gather of 8 table words a step: 32 bits are read, the low 16 kept. */
#define LUT_STEP(i)                                                            \
	x = _mm256_cvtepu16_epi32(                                             \
		_mm_loadu_si128((const __m128i *)(ip + 8 * (i))));             \
	x = _mm256_i32gather_epi32(row, _mm256_and_si256(x, byte), 2);         \
	s##i = _mm256_add_epi32(s##i, _mm256_and_si256(x, word));
#define LUT_ZERO(i) __m256i s##i = _mm256_setzero_si256();
#define LUT_STORE(i) _mm256_storeu_si256((__m256i *)(out + p + 8 * (i)), s##i);

FN
lut(uint32_t *out, const uint16_t *table, const uint8_t *w, const uint16_t *idx,
    size_t k, size_t n, int full)
{
	const __m256i byte = _mm256_set1_epi32(255);
	const __m256i word = _mm256_set1_epi32(65535);
	size_t i, p;

	(void)full;
	for (p = 0; p < n; p += 32) {
		const uint16_t *ip = idx + p;
		__m256i x;
		ROWS(LUT_ZERO)

		for (i = 0; i < k; i++, ip += AX_LUTP) {
			const int *row =
				(const void *)(table + (size_t)w[i] * 256);

			ROWS(LUT_STEP)
		}
		ROWS(LUT_STORE)
	}
}

#include "stages/nn/engine/kern_body.h"

const struct ax_kern ax_kern_avx2 = AX_KERN_TABLE("avx2");
#endif
