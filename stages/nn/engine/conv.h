/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolution and its two gradients for a batch of [c,h,w] images, by packed
 * panels of input windows and a register-blocked product. A linear layer is
 * the convolution of 1x1 images with a 1x1 kernel: positions of several images
 * share a panel.
 */
#ifndef AX_NN_CONV_H
#define AX_NN_CONV_H

#include "stages/nn/engine/engine.h"
#include "stages/nn/engine/quant.h"
#include "stages/nn/engine/rows.h"

struct ax_conv {
	size_t cin, h, w;    /* input image */
	size_t cout, oh, ow; /* output image */
	size_t kernel[2], stride[2], pad[2];
	size_t groups;
};

/* Products summed for one output: cin / groups * kernel area. */
size_t ax_conv_k(const struct ax_conv *c);

/*
 * y[n][cout][oh][ow] = sum of w * x over each window, padded with zeros: one
 * chain of fma in the order (channel, row, column). w is [cout][k]. With `q`
 * the input goes through that quantiser first: to values, or with `codes` to
 * centred codes (code less zero point).
 * `mul` (when not 1) multiplies each finished sum.
 */
void ax_conv_forward(struct ax_engine *e, const struct ax_conv *c, float *y,
		     const float *x, const float *w, const struct ax_quant *q,
		     bool codes, float mul, size_t n);
/* dx = gradient by the (quantised) input: transposed convolution of dy. */
void ax_conv_dgrad(struct ax_engine *e, const struct ax_conv *c, float *dx,
		   const float *dy, const float *w, size_t n);
/* dw = gradient by the weights: correlation of the (quantised) input with dy;
 * summed over at most AX_BLOCKS blocks of images, then over the blocks. */
void ax_conv_wgrad(struct ax_engine *e, const struct ax_conv *c, float *dw,
		   const float *dy, const float *x, const struct ax_quant *q,
		   size_t n);

/*
 * Table look-ups in place of products: y = mul * float(sum of look-ups +
 * plus), the sum an exact integer of 32 bits. Without rows the sum is that of
 * w (a - pad), of signed codes; only where the kernels have dot8.
 */
struct ax_lookup {
	const struct ax_lut_rows *rows;
	const uint8_t *w;    /* [cout][k] weight codes */
	const int32_t *plus; /* [cout], or NULL for 0 */
	const float *mul;    /* [cout] */
	uint8_t pad;         /* the input code of padded places */
};
void ax_conv_lut(struct ax_engine *e, const struct ax_conv *c, float *y,
		 const float *x, const struct ax_lookup *l,
		 const struct ax_quant *q, size_t n);

/*
 * The same for any zero points, by 64-bit sums that no layer can leave:
 * y = mul[o] * float(sum of (table[256 * weight code + input code] - zw[o] a -
 * za b + za zw[o])), codes by their low 8 bits, a and b their values, za and
 * zw[o] the zero points. Slow: for what ax_conv_lut cannot do.
 */
void ax_conv_wide(struct ax_engine *e, const struct ax_conv *c, float *y,
		  const float *x, const uint8_t *wcodes, const int32_t *table,
		  const struct ax_quant *q, const struct ax_quant *qw,
		  const float *mul, size_t n);

#endif
