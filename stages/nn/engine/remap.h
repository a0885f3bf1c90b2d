/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weight codes chosen for the table that will multiply them: a weight w gets
 * the code whose column of the table comes nearest to the products of w, under
 * the activations of the layer. No hardware changes, only the codes that are
 * stored.
 */
#ifndef AX_NN_REMAP_H
#define AX_NN_REMAP_H

#include "artifacts/histogram.h"
#include "artifacts/lut.h"

struct ax_remap_layer {
	const struct ax_histogram_layer *of;
	double weight; /* of its error, above 0 */
	/* count Var_a(T(a, w') - a w), as batch norm takes the mean out; else
	 * the mean square */
	bool centred;
};

/*
 * map[index of w] = index of w' for each of the 2^m codes of the table's
 * second operand: the w' with the least sum over the layers of weight x share
 * of w x error. A code that no layer has counts as if all had it. w itself
 * unless another is better by more than rounding; then the nearest, then the
 * lower. Fails when the histogram's widths or signs are not the table's.
 */
int ax_remap(uint16_t *map, const struct ax_lut *t,
	     const struct ax_remap_layer *layers, size_t n, struct ax_err *err);
/* The table whose column w is column map[w] of t. */
int ax_remap_table(struct ax_lut *out, const struct ax_lut *t,
		   const uint16_t *map, struct ax_err *err);

#endif
