/* SPDX-License-Identifier: Apache-2.0 */
/* What a model makes of a set of images: right answers, loss, predictions. */
#ifndef AX_NN_EVALUATION_H
#define AX_NN_EVALUATION_H

#include "artifacts/dataset.h"
#include "stages/nn/engine/model.h"

/* Told now and then how far it is. */
struct ax_watch {
	void (*tell)(void *arg, double done, double total, const char *text);
	void *arg;
};

struct ax_evaluation {
	size_t n, top1, top5;
	double loss;         /* sum over the images, in their order */
	uint64_t *of_class;  /* images of each class */
	uint64_t *right;     /* right ones of them */
	uint16_t *predicted; /* [n] */
};

/* n images of the set, the first ones; batches of `batch`. Checks that labels
 * are below the network's classes. Free with ax_evaluation_free. */
int ax_evaluate(struct ax_evaluation *out, struct ax_model *m,
		const struct ax_dataset *d, const struct ax_images *images,
		size_t n, size_t batch, const struct ax_watch *watch,
		struct ax_err *err);
void ax_evaluation_free(struct ax_evaluation *e);

/* Percent; NaN for no images. */
double ax_percent(size_t part, size_t n);

/* How a training image is varied. */
struct ax_augment {
	size_t crop; /* black border from which a crop is drawn; 0: none */
	bool flip;   /* left to right, every other time */
	uint64_t seed;
};

/* Images index[0..n-1] as normalised floats [n][c][h][w]. With `a`, image i is
 * varied by the stream (seed, "augment", first + i). */
void ax_batch(float *out, const struct ax_dataset *d,
	      const struct ax_images *images, const uint32_t *index, size_t n,
	      const struct ax_augment *a, uint64_t first);

#endif
