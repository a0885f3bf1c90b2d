/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The training loop that train, qat and finetune share: SGD over shuffled,
 * varied batches, one learning rate an epoch, the test set after each epoch,
 * and a state file from which a killed run goes on to the same bytes.
 */
#ifndef AX_NN_TRAINING_H
#define AX_NN_TRAINING_H

#include "stages/nn/engine/evaluation.h"

struct ax_training {
	size_t epochs, batch;
	double lr, lr_min;
	bool cosine;   /* else lr stays */
	size_t t_max;  /* epochs of the half cosine; 0: all */
	size_t warmup; /* epochs of linear rise before the cosine begins */
	double momentum, decay, smoothing;
	bool nesterov;
	struct ax_augment augment;
	uint64_t seed;
	/* quantisation: scales are chosen before this epoch (none when beyond
	 * the last), inputs from so many training batches */
	size_t calibrate_at, calibration_batches;
	const char *state_dir; /* NULL: not resumable */
	double save_every;     /* seconds between states within an epoch */
	const char *identity;  /* of everything that the state depends on */
	bool keep_best;        /* keep the epoch with most right test images */
	struct ax_watch watch;
};

struct ax_epoch {
	double epoch, lr, train_loss, train_accuracy, test_loss, test_accuracy;
};

struct ax_trained {
	struct ax_epoch *history; /* [epochs] */
	size_t n;
	size_t top1, top5, tested;    /* after the last epoch */
	double loss;                  /* mean, after the last epoch */
	size_t best_epoch, best_top1; /* with keep_best; epochs from 1 */
	char *best; /* its checkpoint's file in state_dir, or NULL */
};

/* The learning rate of an epoch (from 0). */
double ax_learning_rate(const struct ax_training *t, size_t epoch);
/* Chooses all scales: weights and biases, then inputs from the training images
 * in the order and with the variation of `epoch`. */
void ax_calibrate(struct ax_model *m, const struct ax_dataset *d,
		  const struct ax_training *t, size_t epoch);
/*
 * Trains the model in place. keep_best needs a state_dir. Fails when a label
 * does not fit the network or the loss is no longer a number. Free with
 * ax_trained_free.
 */
int ax_train(struct ax_trained *out, struct ax_model *m,
	     const struct ax_dataset *d, const struct ax_training *t,
	     struct ax_err *err);
void ax_trained_free(struct ax_trained *r);
/* CSV: epoch,lr,train_loss,train_accuracy,test_loss,test_accuracy (percent);
 * the last two are empty without test images. */
int ax_history_write(const char *path, const struct ax_trained *r,
		     struct ax_err *err);

#endif
