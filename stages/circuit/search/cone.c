/* SPDX-License-Identifier: Apache-2.0 */
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "stages/circuit/search/cone.h"

#include "artifacts/base/base.h"

uint8_t
ax_cone_gate(enum ax_g gate)
{
	static const uint8_t masks[AX_G_KINDS] = {
		[AX_G_CONST0] = 0, [AX_G_CONST1] = 4, [AX_G_BUF] = 1,
		[AX_G_INV] = 5,    [AX_G_AND] = 1,    [AX_G_NAND] = 5,
		[AX_G_OR] = 3,     [AX_G_NOR] = 7,    [AX_G_XOR] = 2,
		[AX_G_XNOR] = 6};

	return masks[gate];
}

#define VEC uint64_t
#define VW 1
#define FN(name) name##_scalar
#define ATTR
#define SET1(w) (w)
#define ANY(v) ((v) != 0)
#include "stages/circuit/search/cone_impl.h"
#undef VEC
#undef VW
#undef FN
#undef ATTR
#undef SET1
#undef ANY

#if defined(__x86_64__)

typedef uint64_t vec4 __attribute__((vector_size(32), may_alias));
#define VEC vec4
#define VW 4
#define FN(name) name##_avx2
#define ATTR __attribute__((target("avx2")))
#define SET1(w) ((vec4)_mm256_set1_epi64x((long long)(w)))
#define ANY(v) (!_mm256_testz_si256((__m256i)(v), (__m256i)(v)))
#include "stages/circuit/search/cone_impl.h"
#undef VEC
#undef VW
#undef FN
#undef ATTR
#undef SET1
#undef ANY

typedef uint64_t vec8 __attribute__((vector_size(64), may_alias));
#define VEC vec8
#define VW 8
#define FN(name) name##_avx512
#define ATTR __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define SET1(w) ((vec8)_mm512_set1_epi64((long long)(w)))
#define ANY(v) (_mm512_test_epi64_mask((__m512i)(v), (__m512i)(v)) != 0)
#include "stages/circuit/search/cone_impl.h"

#endif

ax_cone_run *
ax_cone(void)
{
#if defined(__x86_64__)
	switch (ax_simd()) {
	case AX_SIMD_VBMI:
	case AX_SIMD_AVX512:
		return cone_avx512;
	case AX_SIMD_AVX2:
		return cone_avx2;
	case AX_SIMD_SCALAR:
		break;
	}
#endif
	return cone_scalar;
}
