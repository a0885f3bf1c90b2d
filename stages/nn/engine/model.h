/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network that can run: parameters, quantisers and products of its layers,
 * and memory for a batch. Made from an ax_network and a checkpoint (or from a
 * seed), saved as a checkpoint.
 */
#ifndef AX_NN_MODEL_H
#define AX_NN_MODEL_H

#include "artifacts/checkpoint.h"
#include "artifacts/network.h"
#include "stages/nn/engine/format.h"
#include "stages/nn/engine/layers.h"
#include "stages/nn/engine/product.h"
#include "stages/nn/engine/quant.h"

/* What a convolution or linear layer is given beside its parameters. */
struct ax_layer {
	bool quantised; /* the network says that it may be */
	bool approx;    /* its products may come from a table */
	struct ax_quant in, weight, bias;
	const struct ax_product *product; /* borrowed, or `own` */
	struct ax_product own;            /* one made for this layer */
	struct ax_fit fit;                /* of `in`, while calibrating */
};

struct ax_model {
	struct ax_network net;
	struct ax_format format; /* of all quantised layers */
	struct ax_engine eng;
	float **param, **grad,
		**moment;        /* by parameter; NULL where untrained */
	int64_t *count;          /* of the AX_ROLE_COUNT ones */
	struct ax_layer *layer;  /* by operation */
	struct ax_norm *norm;    /* by operation */
	float **value, **dvalue; /* by value index */
	unsigned *root;          /* value whose memory a value uses */
	unsigned *root_last;     /* last operation that reads that memory */
	size_t n;                /* images in the batch at hand */
	bool trained;            /* backward may follow */
	bool observing;          /* layers look at their inputs */
	bool renorming;          /* batch norms take the batch's statistics */
	/* told of each convolution or linear layer before it multiplies: its
	 * operation and its input, before quantisation; NULL: nobody */
	void (*spy)(void *arg, struct ax_model *m, unsigned op, const float *x);
	void *spy_arg;
	struct ax_buffers {
		float *ptr;
		size_t bytes;
		bool used;
	} * buffers;
	size_t n_buffers, cap_buffers;
};

/* Steals `net`. Parameters are zero until one of the next two. */
void ax_model_init(struct ax_model *m, struct ax_network *net,
		   struct ax_pool *pool, const struct ax_kern *kern);
void ax_model_free(struct ax_model *m);
/* A lower bound of the bytes that a network needs to run batches of n images,
 * with `train` forward and backward: parameters and what flows between layers.
 */
double ax_model_memory(const struct ax_network *net, size_t n, bool train);
/* Whether the checkpoint has every parameter of the network, in its shape:
 * before memory is taken for what may be no more than a claim. */
int ax_model_fits(const struct ax_network *net, const struct ax_checkpoint *c,
		  struct ax_err *err);
/* Name of a parameter or statistic that holds a NaN or an infinity, or NULL. */
const char *ax_model_not_finite(const struct ax_model *m);
/* He's normal initialisation of weights (fan in; gain sqrt(2) for
 * convolutions, 1 for linear layers), zero biases, from the seed alone. */
void ax_model_random(struct ax_model *m, uint64_t seed);
/*
 * Parameters and, where there are any, scales: `<layer>.w_quant.scale` (one, or
 * one for each output channel), `<layer>.act_in_quant.scale`,
 * `<layer>.b_quant.scale`, and zero points of the first two, i32, likewise:
 * `.zero_point`, which may be missing where they are as at first. A tensor that
 * is missing, of another shape, or not known to the network is an error; those
 * named "state." (of a training in progress) are passed over.
 */
int ax_model_load(struct ax_model *m, const struct ax_checkpoint *c,
		  struct ax_err *err);
/* The same tensors, and metadata `network` and `format`. */
int ax_model_store(const struct ax_model *m, struct ax_checkpoint *c,
		   struct ax_err *err);
/* Chooses the quantisers (before load); scales are not set then. */
void ax_model_set_format(struct ax_model *m, const struct ax_format *f);
/* True when every quantised layer has its scales; the first without is named
 * through `missing` (may be NULL). */
bool ax_model_has_scales(const struct ax_model *m, const char **missing);
void ax_model_drop_scales(struct ax_model *m);
/* How one quantised layer multiplies; `p` is borrowed. Checks width, sign and
 * scales. */
int ax_model_product_at(struct ax_model *m, unsigned op,
			const struct ax_product *p, struct ax_err *err);
/*
 * How the quantised layers multiply: `approx` those with arith "approx",
 * `exact` the others. Both borrowed. Checks scales, widths and signs, and gives
 * a layer a product of its own where zero points or long sums ask for one.
 */
int ax_model_products(struct ax_model *m, const struct ax_product *approx,
		      const struct ax_product *exact, struct ax_err *err);
/* Scales of weights and biases from their values. */
void ax_model_fit_weights(struct ax_model *m);
/* Scales of inputs: begin, then for each pass all batches through
 * ax_model_forward; next returns false after the last pass. */
void ax_model_fit_begin(struct ax_model *m);
bool ax_model_fit_next(struct ax_model *m);

/*
 * Sets mean and variance of every batch norm to those of one batch of n images
 * (variance unbiased). One pass: each batch norm normalises by its new
 * statistics, so the ones behind it see what they will see. Memory is that of
 * a forward pass, and given back. Nothing is trained; no label is needed.
 */
void ax_model_renorm(struct ax_model *m, const float *x, size_t n);
/* Runs n images [c,h,w]; returns the logits [n][classes], valid until the next
 * call. With `train`, batch norm uses and moves batch statistics and
 * ax_model_backward may follow. */
const float *ax_model_forward(struct ax_model *m, const float *x, size_t n,
			      bool train);
/* Frees what flows between layers, which the next pass needs again: after one
 * over more images than those to come. */
void ax_model_give_memory(struct ax_model *m);
/* Fills the gradients from d loss / d logits. */
void ax_model_backward(struct ax_model *m, const float *dlogits);
/* One step of SGD with momentum on all trained parameters. */
void ax_model_step(struct ax_model *m, float lr, float momentum, float decay,
		   bool nesterov);

#endif
