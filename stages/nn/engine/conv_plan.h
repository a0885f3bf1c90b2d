/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a convolution finds its numbers: images are first copied with their
 * padding (and with gaps, for a transposed convolution), so that the window of
 * any position is a fixed set of offsets from its corner.
 */
#ifndef AX_NN_CONV_PLAN_H
#define AX_NN_CONV_PLAN_H

#include "stages/nn/engine/conv.h"

struct ax_plan {
	const struct ax_conv *c;
	size_t k;          /* products of an output */
	size_t positions;  /* outputs of an image and channel */
	size_t images;     /* images that one task takes together */
	size_t ph, pw;     /* padded image */
	size_t padded;     /* its elements, all channels */
	size_t group_step; /* from one group's first channel to the next */
	size_t *koff; /* [k + AX_MR], from the corner of a window; 0 beyond k */
	size_t *joff; /* corners of all positions of a task, padded to 32 */
	uint8_t *run; /* of each 32 of them */
	ptrdiff_t top, left; /* where the image starts in the padded one */
	size_t gap[2];       /* distance of neighbours in it; 1 without gaps */
};

/* Tasks take enough images for `least` positions, at most `n`. Free with
 * ax_plan_free. */
void ax_plan_init(struct ax_plan *p, const struct ax_conv *c, size_t least,
		  size_t n);
/* `t` is the turned-round convolution of ax_conv_dgrad, `c` the original. */
void ax_plan_init_transposed(struct ax_plan *p, const struct ax_conv *t,
			     const struct ax_conv *c, size_t least, size_t n);
void ax_plan_free(struct ax_plan *p);

/* Fills a padded copy of one image, through the quantiser if there is one. */
void ax_plan_image(const struct ax_plan *p, struct ax_engine *e,
		   unsigned thread, float *out, const float *x,
		   const struct ax_quant *q, bool codes);
/* The same as codes, one byte each, `pad` around them; returns the bitwise or
 * of all. */
uint8_t ax_plan_codes(const struct ax_plan *p, struct ax_engine *e,
		      unsigned thread, uint8_t *out, const float *x,
		      const struct ax_quant *q, uint8_t pad);
/* Corners of the 32 positions from `at` (a multiple of 32) on, counted through
 * the images of a task; *run gets how long the runs of neighbours are: 32, 16,
 * 8 or 1. Borrowed. Columns beyond the last image are valid addresses. */
const size_t *ax_plan_columns(const struct ax_plan *p, unsigned *run,
			      size_t at);

#endif
