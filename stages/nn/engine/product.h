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
	/* Gradients by input (dx may be NULL) and by weights. */
	void (*backward)(const struct ax_product *p, struct ax_engine *e,
			 const struct ax_operands *o, const float *dy,
			 float *dx, float *dw);
	/* True when it works on codes: both scales must be known. */
	bool needs_codes;
};

struct ax_product {
	const struct ax_product_ops *ops;
	/* of a table */
	struct ax_lut_rows rows;
	unsigned a_bits, w_bits;
	bool is_signed;
};

/* float32 products of the quantised values (of the plain ones without
 * quantisers): fake quantisation. */
extern const struct ax_product ax_product_float;

/*
 * Products of codes from a truth table, row = input code, column = weight
 * code, summed exactly, then times float32(s_w * s_a). Gradients are those of
 * the exact product of the quantised values (straight-through). The table has
 * 2 to 8 bits an operand. Free with ax_product_free.
 */
int ax_product_table(struct ax_product *out, const struct ax_lut *t,
		     struct ax_err *err);
/* The exact integer product of that many bits: sums are exact integers. */
int ax_product_integer(struct ax_product *out, unsigned a_bits, unsigned w_bits,
		       bool is_signed, struct ax_err *err);
void ax_product_free(struct ax_product *p);
/* Fails when k products can leave 32 bits; `layer` names it. */
int ax_product_check(const struct ax_product *p, size_t k, const char *layer,
		     struct ax_err *err);

#endif
