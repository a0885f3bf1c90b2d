/* SPDX-License-Identifier: Apache-2.0 */
/* From a stage's request to the engine's structures: what train, qat, finetune
 * and evaluate have in common. */
#ifndef AX_NN_SETUP_H
#define AX_NN_SETUP_H

#include "stages/kit/kit.h"
#include "stages/nn/engine/statistics.h"
#include "stages/nn/engine/training.h"

/* The data set of input `dataset`, cut to the parameters `train_limit` and
 * `test_limit` where the stage has them. */
int ax_setup_dataset(struct ax_dataset *out, struct ax_task *t,
		     struct ax_err *err);
/*
 * The model: description from the parameter `network` or, when that is null,
 * from the checkpoint; parameters from the input `checkpoint` when it is wired,
 * else (not `need`) from the seed. Without a data set (d NULL) the description
 * must hold the shape of the images and the classes, or a family's default.
 *
 * The number format is that of the checkpoint. With `need`, parameters of it
 * that are not null must agree with what the checkpoint says, and count where
 * it says nothing; without, scales are dropped and the parameters rule.
 */
int ax_setup_model(struct ax_model *out, struct ax_task *t,
		   const struct ax_dataset *d, bool need, struct ax_err *err);
/* The exact integer product in the model's number format. */
int ax_setup_exact(struct ax_product *out, const struct ax_model *m,
		   struct ax_err *err);
/* The parameters of the training loop; `name` is the stage's. identity is
 * owned: free(t->identity). */
void ax_setup_training(struct ax_training *out, struct ax_task *t);
/* How to guess the sign of a .npy table for this model. */
int ax_setup_guess(const struct ax_model *m);
/* The table of input `lut`. */
int ax_setup_table(struct ax_product *out, struct ax_task *t,
		   const struct ax_model *m, struct ax_err *err);
/*
 * How the model multiplies: mode "float" (no scales), "int8" (exact integer
 * products), "lut" (the input `lut` in the layers that may be approximate). The
 * two products are filled where needed; free both.
 */
int ax_setup_products(struct ax_model *m, struct ax_product *table,
		      struct ax_product *exact, struct ax_task *t,
		      const char *mode, struct ax_err *err);
/* Training images for statistics, from the parameters `images`, `crop`, `flip`
 * and `seed`; from `bn_images`, `bn_crop`, `bn_flip` and `bn_seed` where the
 * stage has those. */
void ax_setup_sample(struct ax_sample *out, struct ax_task *t);
/* BN re-estimation where the parameter bn_images is above 0; sets the metric
 * bn_images. */
int ax_setup_reestimate(struct ax_model *m, struct ax_task *t,
			const struct ax_dataset *d, struct ax_err *err);
/* What to classify: the test images, or with the parameter held_out the last
 * training images, which then leave the training part. Borrows from d; sets the
 * metric `part`. */
int ax_setup_images(struct ax_images *out, struct ax_dataset *d,
		    struct ax_task *t, struct ax_err *err);
/* top1, top5 (percent), loss, and the counts behind them. */
void ax_setup_metrics(struct ax_task *t, size_t top1, size_t top5, size_t n,
		      double loss);
/* Model, history and metrics of a training: outputs `checkpoint`, `history`. */
int ax_setup_results(struct ax_task *t, const struct ax_model *m,
		     const struct ax_trained *r, struct ax_err *err);
void ax_setup_tell(void *task, double done, double total, const char *text);

#endif
