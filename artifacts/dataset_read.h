/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers of published data sets. Each takes bytes that may be hostile: sizes
 * are checked before memory is asked for, and a message names the offset or
 * the size that was expected.
 */
#ifndef AX_DATASET_READ_H
#define AX_DATASET_READ_H

#include "artifacts/dataset.h"

/* Largest input, and largest result of unpacking .gz. */
#define AX_DATASET_MAX ((size_t)2 << 30)

enum ax_dataset_format {
	AX_DS_UNKNOWN,
	AX_DS_CIFAR100,     /* pickle of a dict with fine_labels */
	AX_DS_CIFAR10,      /* pickle of a dict with labels */
	AX_DS_CIFAR100_BIN, /* rows: coarse, fine, 3072 pixels */
	AX_DS_CIFAR10_BIN,  /* rows: label, 3072 pixels */
	AX_DS_IDX_IMAGES,   /* MNIST family: u8, 3 or 4 dimensions */
	AX_DS_IDX_LABELS    /* MNIST family: u8, 1 dimension */
};

/* A part with its own geometry, before it joins a data set. */
struct ax_raw_part {
	struct ax_images images; /* owned */
	size_t channels, height, width;
	bool has_pixels, has_labels; /* IDX keeps them in two files */
};

/* Reads a file whole; one that begins as gzip is unpacked (libarchive).
 * Caller frees *out. */
int ax_dataset_slurp(uint8_t **out, size_t *len, const char *path,
		     struct ax_err *err);
/* What the bytes look like. A CIFAR pickle is told by the name of its labels,
 * a binary file by its length; a length that fits both kinds of rows is
 * AX_DS_UNKNOWN. */
enum ax_dataset_format ax_dataset_detect(const uint8_t *bytes, size_t len);
/* "cifar100", "cifar100-bin", "cifar10", "cifar10-bin", "idx". Static. */
const char *ax_dataset_format_name(enum ax_dataset_format f);
/*
 * Reads one file of that format and appends it to *part: CIFAR-10 comes in
 * five training files, IDX in two (images, labels). `name` stands in messages.
 */
int ax_dataset_read(struct ax_raw_part *part, enum ax_dataset_format f,
		    const char *name, const uint8_t *bytes, size_t len,
		    struct ax_err *err);
void ax_raw_part_free(struct ax_raw_part *part);

#endif
