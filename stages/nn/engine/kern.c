/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/engine/kern.h"

const struct ax_kern *
ax_kern_at(enum ax_simd level)
{
#if defined(__x86_64__)
	if (level == AX_SIMD_VBMI)
		return &ax_kern_vbmi;
	if (level == AX_SIMD_AVX512)
		return &ax_kern_avx512;
	if (level == AX_SIMD_AVX2)
		return &ax_kern_avx2;
#else
	(void)level;
#endif
	return &ax_kern_scalar;
}

const struct ax_kern *
ax_kern(void)
{
	return ax_kern_at(ax_simd());
}
