/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products: how a convolution or linear layer multiplies its quantised input
 * by its quantised weights, and what it passes back. Like quantisers, they are
 * values that a layer is given.
 */
#ifndef AX_NN_PRODUCT_H
#define AX_NN_PRODUCT_H

#include "artifacts/lut.h"
#include "stages/nn/engine/conv.h"

struct ax_product;

/* One layer's operands for a batch of n images. */
struct ax_operands {
	const struct ax_conv *c;
	const float *x;                     /* before quantisation */
	const float *w;                     /* float masters */
	const struct ax_quant *in, *weight; /* NULL or not set: unchanged */
	size_t n;
};

struct ax_product_ops {
	const char *name;
	/* y from the operands, without bias. */
	void (*forward)(const struct ax_product *p, struct ax_engine *e,
			const struct ax_operands *o, float *y);
	/* True when it works on codes: both scales must be known. */
	bool needs_codes;
};

/* What is passed back through a product. */
struct ax_gradient {
	const char *name;
	/* Gradients by input (dx may be NULL) and by weights. */
	void (*backward)(const struct ax_product *p, struct ax_engine *e,
			 const struct ax_operands *o, const float *dy,
			 float *dx, float *dw);
};

/* That of the exact product of the quantised values, straight through the
 * quantisers; what every product has at first. */
extern const struct ax_gradient ax_gradient_exact;
/* The slopes of the table itself (slopes.h), likewise straight through. */
extern const struct ax_gradient ax_gradient_slopes;
struct ax_slopes;
struct ax_factors;

struct ax_product {
	const struct ax_product_ops *ops;
	/* of a table */
	struct ax_lut lut; /* as it was given */
	struct ax_lut_rows rows;
	int32_t *wide; /* [256 * weight code + input code] in place of rows */
	struct ax_factors *factors; /* NULL: none, or not to be used */
	unsigned a_bits, w_bits;
	bool is_signed;
	const struct ax_gradient *gradient;
	const struct ax_slopes *slopes; /* borrowed; of ax_gradient_slopes */
};

/* float32 products of the quantised values (of the plain ones without
 * quantisers): fake quantisation. */
extern const struct ax_product ax_product_float;

/*
 * Products of codes from a truth table, row = input code, column = weight
 * code, summed exactly, then times float32(s_w * s_a). With zero points za, zb
 * the sum is that of T(a,b) - zb a - za b + za zb, as T stands for the product
 * of codes and the layer multiplies (a - za)(b - zb); a padded place is code
 * za. 2 to 8 bits an operand. Free with ax_product_free.
 *
 * The table is looked at once: one that factors (factors.h) is multiplied, the
 * others are looked up, by the kernels for bytes or small digits where the
 * values of each row are that close, or multiplied and an error looked up
 * (rows.h). The sums are the same integers on every way; AXPIPE_TABLES=rows
 * forces the general look-up, for tests.
 */
int ax_product_table(struct ax_product *out, const struct ax_lut *t,
		     struct ax_err *err);
/* The exact integer product of that many bits: sums are exact integers. */
int ax_product_integer(struct ax_product *out, unsigned a_bits, unsigned w_bits,
		       bool is_signed, struct ax_err *err);
void ax_product_free(struct ax_product *p);
/*
 * Makes p fit for layers of k products under these quantisers (scales known):
 * returns 0 when p does as it is, 1 when *out (to be freed) does instead, -1
 * when its width or sign are not theirs; `layer` names the layer.
 *
 * Zero points that all channels share are folded into a table of its own, which
 * the fast kernels then look up. Where sums could leave 32 bits (k times the
 * greatest |value|), or channels have different zero points, out adds 64-bit
 * sums.
 */
int ax_product_fit(struct ax_product *out, const struct ax_product *p,
		   const struct ax_quant *in, const struct ax_quant *weight,
		   size_t k, const char *layer, struct ax_err *err);

/* Codes of the weights by their low 8 bits; caller frees. */
uint8_t *ax_weight_codes(struct ax_engine *e, const struct ax_operands *o);

#endif
