/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slopes of a truth table along each operand, smoothed: what a gradient can
 * be made of in place of the exact product's. A table jumps from code to code,
 * so its bare differences say little; over a window they say how the circuit's
 * product grows.
 */
#ifndef AX_NN_SLOPES_H
#define AX_NN_SLOPES_H

#include "artifacts/lut.h"

/* By [256 * weight code + input code], codes by their low 8 bits. */
struct ax_slopes {
	float a[65536]; /* along the input's code, in products a code */
	float b[65536]; /* along the weight's */
};

/*
 * The slope at a code is that of the least-squares line through the values
 * from `window` codes below to `window` above it, as far as there are codes;
 * for a line itself (the exact product) it is the line's everywhere. After the
 * smoothed differences of Meng, Burleson and De Micheli, "Gradient Estimation
 * Methods of Approximate Multipliers", 2025 (LUT-2D), whose window means are
 * differenced and which stop short of the ends. window at least 1. Owned by
 * the caller: free().
 */
struct ax_slopes *ax_slopes_make(const struct ax_lut *t, unsigned window);

#endif
