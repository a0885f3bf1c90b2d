/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layers without products: batch norm, ReLU, sum, pools, bias, loss.
 * Images are [n][c][h*w]; all may be called with out == in where it says so.
 */
#ifndef AX_NN_LAYERS_H
#define AX_NN_LAYERS_H

#include "stages/nn/engine/engine.h"

/* What batch norm keeps from forward to backward, one a channel. */
struct ax_norm {
	double *mean, *inv; /* of the batch; 1 / sqrt(var + eps) */
};

/* Training: normalises by the batch's own mean and (biased) variance, and
 * moves the running ones towards them, the variance unbiased: as PyTorch. */
void ax_norm_train(struct ax_engine *e, float *y, const float *x,
		   const float *gamma, const float *beta, float *running_mean,
		   float *running_var, double eps, double momentum,
		   struct ax_norm *keep, size_t n, size_t c, size_t hw);
/* By the running mean and variance; y may be x. */
void ax_norm_eval(struct ax_engine *e, float *y, const float *x,
		  const float *gamma, const float *beta, const float *mean,
		  const float *var, double eps, size_t n, size_t c, size_t hw);
/* The batch's own mean and unbiased variance, as ax_norm_train has them, in
 * place of the running ones. */
void ax_norm_measure(struct ax_engine *e, float *mean, float *var,
		     const float *x, size_t n, size_t c, size_t hw);
/* dx may be dy. */
void ax_norm_backward(struct ax_engine *e, float *dx, float *dgamma,
		      float *dbeta, const float *dy, const float *x,
		      const float *gamma, const struct ax_norm *kept, size_t n,
		      size_t c, size_t hw);

/* The family of ReLU: y = min(x > 0 ? x : slope * x, cap), slope in [0,1];
 * cap 0: none. */
struct ax_rectifier {
	float slope, cap;
};
/* y may be x (dx may be dy). The gradient is dy for 0 < y < cap, slope * dy
 * below, 0 from cap on. */
void ax_relu(struct ax_engine *e, struct ax_rectifier r, float *y,
	     const float *x, size_t n, size_t image);
void ax_relu_backward(struct ax_engine *e, struct ax_rectifier r, float *dx,
		      const float *dy, const float *y, size_t n, size_t image);
/* y may be a or b. */
void ax_sum(struct ax_engine *e, float *y, const float *a, const float *b,
	    size_t n, size_t image);
/* y += bias of each channel; and its gradient. */
void ax_bias(struct ax_engine *e, float *y, const float *bias, size_t n,
	     size_t c, size_t hw);
void ax_bias_grad(struct ax_engine *e, float *db, const float *dy, size_t n,
		  size_t c, size_t hw);

struct ax_pooling {
	bool max; /* else the mean */
	size_t h, w, oh, ow, kernel[2], stride[2], pad[2];
};
/* Max: padded places never win, the first maximum of a window gets the
 * gradient. Mean: over the whole kernel, padded places being zeros. */
void ax_pool_forward(struct ax_engine *e, const struct ax_pooling *p, float *y,
		     const float *x, size_t n, size_t c);
void ax_pool_backward(struct ax_engine *e, const struct ax_pooling *p,
		      float *dx, const float *dy, const float *x, size_t n,
		      size_t c);

/* Softmax cross-entropy of one row of logits against a class, with label
 * smoothing; `rank` (may be NULL) gets the number of classes that come before
 * the label (equal logits: lower class first). With `dx` (may be NULL) the
 * gradient times `weight`. Returns the loss. */
double ax_cross_entropy(const float *logits, size_t classes, size_t label,
			double smoothing, size_t *rank, float *dx,
			double weight);

#endif
