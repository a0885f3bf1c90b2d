/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quantisers: how a real number becomes one of a few. A layer is given one for
 * its input, its weights and its bias, and asks it for values or for codes; it
 * does not know which it has.
 */
#ifndef AX_NN_QUANT_H
#define AX_NN_QUANT_H

#include "stages/nn/engine/engine.h"

struct ax_quant;

/*
 * The search for a scale, over data that need not be in memory at once: it is
 * shown all of it once for each pass. Begin with {0}.
 */
#define AX_FIT_TRIES 7
struct ax_fit {
	unsigned pass;
	size_t tries;
	float most;                 /* greatest |x| */
	double scale;               /* best so far */
	double error[AX_FIT_TRIES]; /* sums of squares in this pass */
};

struct ax_quant_ops {
	const char *name;
	/* out[i] = the value that stands for x[i]. */
	void (*values)(const struct ax_quant *q, const struct ax_kern *k,
		       float *out, const float *x, size_t n);
	/* out[i] = its integer code, as a float (exact below 2^24). */
	void (*codes)(const struct ax_quant *q, const struct ax_kern *k,
		      float *out, const float *x, size_t n);
	/* Turns dy (gradient by the value) into the gradient by x, in place.
	 * NULL: passed straight through. */
	void (*grad)(const struct ax_quant *q, float *dy, const float *x,
		     size_t n);
	/* One piece of the data in the current pass. */
	void (*see)(const struct ax_quant *q, struct ax_fit *f,
		    struct ax_engine *e, const float *x, size_t n);
	/* Ends a pass; false when that was the last and the scale is set. */
	bool (*next)(struct ax_quant *q, struct ax_fit *f);
};

struct ax_quant {
	const struct ax_quant_ops *ops;
	unsigned bits;  /* 2..8 */
	bool is_signed; /* codes -2^(b-1) .. 2^(b-1)-1, else 0 .. 2^b-1 */
	bool set;       /* the scale is known; else values pass unchanged */
	float scale;
	float lo, hi; /* least and greatest code */
};

/* Symmetric, zero point 0, round half to even, clamp before round, gradient
 * straight through without a mask; resnet "fake quantisation". */
extern const struct ax_quant_ops ax_quant_symmetric;

void ax_quant_init(struct ax_quant *q, const struct ax_quant_ops *ops,
		   unsigned bits, bool is_signed);
void ax_quant_set(struct ax_quant *q, float scale);
/* The whole search for data in memory. */
void ax_quant_fit(struct ax_quant *q, struct ax_engine *e, const float *x,
		  size_t n);

#endif
