/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error of a truth table as a network sees it: over the pairs of operands
 * that its layers multiply, as often as they do (histogram.h), not over all
 * pairs alike.
 */
#ifndef AX_LUT_OPERANDS_H
#define AX_LUT_OPERANDS_H

#include "artifacts/histogram.h"
#include "artifacts/lut.h"

/*
 * e = approx - exact; in a layer P(a, b) = share of a x share of b, and K is
 * the number of products in one output.
 */
struct ax_lut_weighted {
	double mae;  /* E |e| */
	double bias; /* E e */
	double mse;  /* E e^2 */
	/* E_b Var_a(e | b) / Var(exact): what is left when the mean error of
	 * each weight is known, as batch norm knows it for a whole channel.
	 * Independent from product to product, so it stays what it is in a
	 * sum of K. */
	double noise;
	/* sqrt(K) sd_a(E_b[e | a]) / sd(exact): the part that every weight
	 * shares, so that the K products of an output add it up in step. */
	double coherent;
	/* E_b of the value at a = 0 less the exact one: what padding and
	 * rectified zeros add */
	double at_zero;
};

/*
 * One layer. Where the exact result does not vary, the ratios are 0 without
 * error, else infinite. Fails where width or sign differ.
 */
int ax_lut_measure_layer(struct ax_lut_weighted *out, const struct ax_lut *t,
			 const struct ax_lut *exact,
			 const struct ax_histogram_layer *l,
			 struct ax_err *err);
/* All layers, the mean weighted by their products; layers[h->n] (may be NULL)
 * gets each one's. */
int ax_lut_measure_operands(struct ax_lut_weighted *out,
			    struct ax_lut_weighted *layers,
			    const struct ax_lut *t, const struct ax_lut *exact,
			    const struct ax_histogram *h, struct ax_err *err);

#endif
