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
	float most, low, high;      /* greatest |x|; range, with 0 in it */
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
	/* The same less the zero point: value = scale * centred. */
	void (*centred)(const struct ax_quant *q, const struct ax_kern *k,
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
	int zero;     /* zero point: the code that stands for 0 */
	/* weights may have a scale and a zero point for each output channel,
	 * that is for each of so many equal runs of the data; 0: one for all,
	 * else owned arrays in place of scale and zero */
	size_t channels;
	float *scales;
	int *zeros;
};

/*
 * value = scale * (code - zero), round half to even, clamp before round,
 * gradient straight through without a mask. The two differ in how a fit
 * chooses: symmetric keeps the zero point (0, or 2^(b-1) of unsigned codes) and
 * fits the scale to max|x|; asymmetric fits both to the range, in which 0 is
 * always contained, so that it has a code of its own.
 */
extern const struct ax_quant_ops ax_quant_symmetric;
extern const struct ax_quant_ops ax_quant_asymmetric;

/* zero = 0 and channels = 0 at first. */
void ax_quant_init(struct ax_quant *q, const struct ax_quant_ops *ops,
		   unsigned bits, bool is_signed);
/* So many channels, each with the zero point that there was. */
void ax_quant_split(struct ax_quant *q, size_t channels);
void ax_quant_free(struct ax_quant *q);
void ax_quant_set(struct ax_quant *q, float scale);
/* Scale and zero point of channel c, or of all data without channels. */
float ax_quant_scale(const struct ax_quant *q, size_t c);
int ax_quant_zero(const struct ax_quant *q, size_t c);
/* True when every zero point is 0. */
bool ax_quant_at_zero(const struct ax_quant *q);
/* The whole search for data in memory, channel by channel. */
void ax_quant_fit(struct ax_quant *q, struct ax_engine *e, const float *x,
		  size_t n);

#endif
