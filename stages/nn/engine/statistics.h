/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a quantised model can learn from training images without training:
 * the statistics of its batch norms under the products that it has now, and
 * how often its layers multiply each pair of codes.
 */
#ifndef AX_NN_STATISTICS_H
#define AX_NN_STATISTICS_H

#include "artifacts/histogram.h"
#include "stages/nn/engine/evaluation.h"

/* Which images, and how they are varied. */
struct ax_sample {
	size_t images; /* of the training part, drawn without repetition */
	struct ax_augment augment;
	struct ax_watch watch; /* tell may be NULL */
};

/*
 * BN re-estimation: ax_model_renorm on the sample as one batch. Which images
 * and their variation follow from augment.seed alone. Fails when there are no
 * training images, or the statistics are no finite numbers.
 */
int ax_reestimate(struct ax_model *m, const struct ax_dataset *d,
		  const struct ax_sample *s, struct ax_err *err);

/*
 * The operands of every layer with integer products (arith approx or exact;
 * `all` false: approx only), in the order of execution, counted over the
 * products: an input code once for each window and filter that multiplies it,
 * a padded place as code 0; a weight code once for each position, times
 * images. Every layer must have its scales.
 */
int ax_count_operands(struct ax_histogram *out, struct ax_model *m,
		      const struct ax_dataset *d, const struct ax_sample *s,
		      size_t batch, bool all, struct ax_err *err);

#endif
