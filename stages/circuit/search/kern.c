/* SPDX-License-Identifier: Apache-2.0 */
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "stages/circuit/search/kern.h"

#include "artifacts/base/base.h"

#define AX_MAX_BITS 26 /* 24 output bits and two more */

/* gate(a, b) = (a & b & m1) ^ ((a ^ b) & m2) ^ m3, one form without branches */
static const uint64_t form[AX_G_KINDS][3] = {
	[AX_G_CONST0] = {0, 0, 0},
	[AX_G_CONST1] = {0, 0, UINT64_MAX},
	[AX_G_BUF] = {UINT64_MAX, 0, 0}, /* with b = a */
	[AX_G_INV] = {UINT64_MAX, 0, UINT64_MAX},
	[AX_G_AND] = {UINT64_MAX, 0, 0},
	[AX_G_NAND] = {UINT64_MAX, 0, UINT64_MAX},
	[AX_G_OR] = {UINT64_MAX, UINT64_MAX, 0},
	[AX_G_NOR] = {UINT64_MAX, UINT64_MAX, UINT64_MAX},
	[AX_G_XOR] = {0, UINT64_MAX, 0},
	[AX_G_XNOR] = {0, UINT64_MAX, UINT64_MAX},
};

/* Field i of a struct ax_kop that was read as one number. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define STEP_FIELD(s, i) ((s) >> (16 * (i)) & 0xffff)
#else
#define STEP_FIELD(s, i) ((s) >> (48 - 16 * (i)) & 0xffff)
#endif

/* Written once for vectors and, with 0xF0, 0xCC, 0xAA, for the truth table
 * that AVX-512 wants. */
#define F_AND3(a, b, c) ((a) & (b) & (c))
#define F_XOR_AND(a, b, c) (((a) ^ (b)) & (c))
#define F_XOR3(a, b, c) ((a) ^ (b) ^ (c))
#define F_OR_XOR(a, b, c) ((a) | ((b) ^ (c)))
#define F_AND_XOR(a, b, c) ((a) & ((b) ^ (c)))
/* borrow of a - b */
#define F_LESS(a, b, c) ((~(a) & (b)) | (~((a) ^ (b)) & (c)))

#define VEC uint64_t
#define VW 1
#define FN(name) name##_scalar
#define ATTR
#define SET1(w) (w)
#define ANY(v) ((v) != 0)
#define TL(f, a, b, c) f(a, b, c)
#include "stages/circuit/search/kern_impl.h"
#undef VEC
#undef VW
#undef FN
#undef ATTR
#undef SET1
#undef ANY
#undef TL

#if defined(__x86_64__)

typedef uint64_t vec4 __attribute__((vector_size(32), may_alias));
#define VEC vec4
#define VW 4
#define FN(name) name##_avx2
#define ATTR __attribute__((target("avx2")))
#define SET1(w) ((vec4)_mm256_set1_epi64x((long long)(w)))
#define ANY(v) (!_mm256_testz_si256((__m256i)(v), (__m256i)(v)))
#define TL(f, a, b, c) f(a, b, c)
#include "stages/circuit/search/kern_impl.h"
#undef VEC
#undef VW
#undef FN
#undef ATTR
#undef SET1
#undef ANY
#undef TL

typedef uint64_t vec8 __attribute__((vector_size(64), may_alias));
#define VEC vec8
#define VW 8
#define FN(name) name##_avx512
#define ATTR __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define SET1(w) ((vec8)_mm512_set1_epi64((long long)(w)))
#define ANY(v) (_mm512_test_epi64_mask((__m512i)(v), (__m512i)(v)) != 0)
#define TL(f, a, b, c)                                                         \
	((vec8)_mm512_ternarylogic_epi64((__m512i)(a), (__m512i)(b),           \
					 (__m512i)(c),                         \
					 f(0xF0, 0xCC, 0xAA) & 0xFF))
#include "stages/circuit/search/kern_impl.h"

#endif

const struct ax_search_kern *
ax_search_kern(void)
{
#if defined(__x86_64__)
	switch (ax_simd()) {
	case AX_SIMD_VBMI:
	case AX_SIMD_AVX512:
		return &table_avx512;
	case AX_SIMD_AVX2:
		return &table_avx2;
	case AX_SIMD_SCALAR:
		break;
	}
#endif
	return &table_scalar;
}
