/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A data set: images of 8-bit pixels with a class label each, split into a
 * training and a test part, with the mean and deviation that normalise them.
 *
 * As a file it is one .safetensors: tensors `train_images` u8 [N,C,H,W],
 * `train_labels` u16 [N], `test_images`, `test_labels`; metadata `format`
 * ("axpipe-dataset-1"), `name`, `classes`, `mean` and `std` (decimal numbers
 * separated by blanks, one a channel, pixels scaled to 0..1).
 */
#ifndef AX_DATASET_H
#define AX_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "artifacts/base/base.h"

#define AX_DATASET_CHANNELS 16
#define AX_DATASET_CLASSES 65535

struct ax_images {
	size_t n;
	uint8_t *pixels;  /* [n][channels][height][width] */
	uint16_t *labels; /* [n], each below classes */
};

struct ax_dataset {
	char *name;
	size_t channels, height, width;
	size_t classes;
	double mean[AX_DATASET_CHANNELS]; /* of pixel / 255 */
	double std[AX_DATASET_CHANNELS];
	struct ax_images train, test; /* either may be empty */
};

void ax_dataset_free(struct ax_dataset *d);
/* Bytes of one image: channels * height * width. */
size_t ax_dataset_pixels(const struct ax_dataset *d);

/* Checks everything: shapes, types, labels below `classes`, deviations above
 * zero. */
int ax_dataset_load(struct ax_dataset *out, const char *path,
		    struct ax_err *err);
int ax_dataset_save(const char *path, const struct ax_dataset *d,
		    struct ax_err *err);

/*
 * table[c][v] = (v / 255 - mean[c]) / std[c], each step rounded to float32 as
 * PyTorch's ToTensor and Normalize do. A padded (black) pixel is v = 0, as when
 * the padding comes before the normalisation.
 */
void ax_dataset_normal(float table[][256], const struct ax_dataset *d);
/* Mean and deviation of the training images (of the test images when there
 * are no others), from exact integer sums, rounded to four decimals as such
 * constants are published. A channel of one value gets deviation 1. */
void ax_dataset_measure(struct ax_dataset *d);
/* True when mean and deviation of a channel make every pixel a finite float. */
bool ax_dataset_is_normal(const struct ax_dataset *d, size_t channel);
/* Keeps `n` images of a part (0 or more than there are: all). Which ones is
 * drawn from (seed, purpose), their order stays. With seed 0: the first n. */
void ax_images_subset(struct ax_images *part, size_t pixels, size_t n,
		      uint64_t seed, const char *purpose);
/* counts[classes]: images of each class. */
void ax_images_histogram(uint64_t *counts, size_t classes,
			 const struct ax_images *part);

#endif
