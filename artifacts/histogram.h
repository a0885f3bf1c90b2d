/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operand histograms: how often the products of each layer of a network have
 * each activation code (a) and each weight code (b). What a truth table is
 * weighted by when the question is what the network sees of its errors
 * (lut_operands.h), and what a circuit can be evolved for.
 *
 * As a file it is JSON:
 *   {"axpipe_histogram": 1, "images": N, "layers": [
 *     {"name": "layer1.0.conv1", "k": 144, "products": P,
 *      "a": {"bits": 8, "signed": true, "total": SUM, "counts": [...]},
 *      "b": {...}}]}
 * counts has 2^bits integers, the lowest code first (-2^(bits-1) when signed,
 * else 0); a padded pixel is code 0. `products` is for one image, `k` the
 * products of one output. The probability of a pair (a, b) in a layer is the
 * share of a times the share of b; a figure over several layers is weighted by
 * their products.
 */
#ifndef AX_HISTOGRAM_H
#define AX_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "artifacts/base/err.h"
#include "artifacts/base/str.h"

#define AX_HISTOGRAM_MAX_BITS 12
#define AX_HISTOGRAM_LAYERS 4096
/* The largest count, sum of counts, k, products and images: doubles still hold
 * them exactly. */
#define AX_HISTOGRAM_MOST ((uint64_t)1 << 53)

struct ax_operand {
	unsigned bits; /* 1..12 */
	bool sign;
	uint64_t total;   /* sum of the counts, above 0 */
	uint64_t *counts; /* [2^bits], lowest code first */
};

struct ax_histogram_layer {
	char *name;
	uint64_t k, products;
	struct ax_operand a, b; /* activation, weight */
};

struct ax_histogram {
	uint64_t images; /* that the activations were counted on */
	struct ax_histogram_layer *layers;
	size_t n, cap;
};

#define AX_HISTOGRAM_INIT                                                      \
	{                                                                      \
		0, NULL, 0, 0                                                  \
	}

void ax_histogram_free(struct ax_histogram *h);
/*
 * Adds a layer with all counts zero; borrowed, valid until the next is added.
 * Once they are counted, ax_histogram_total sets the sums.
 */
struct ax_histogram_layer *ax_histogram_add(struct ax_histogram *h,
					    const char *name, uint64_t k,
					    uint64_t products, unsigned a_bits,
					    bool a_signed, unsigned b_bits,
					    bool b_signed);
void ax_histogram_total(struct ax_histogram *h);
/* The layer of that name, or NULL. Borrowed. */
const struct ax_histogram_layer *
ax_histogram_layer(const struct ax_histogram *h, const char *name);
/* The lowest code: that of counts[0]. */
int32_t ax_operand_min(const struct ax_operand *o);
/* share[2^bits] = counts / total. */
void ax_operand_share(double *share, const struct ax_operand *o);

/*
 * Reads and checks: every member there and of its type, no unknown ones, sizes
 * and sums right, at least one layer, no name twice. Errors read
 * `name:line:column: ...`, exit code 2.
 */
int ax_histogram_parse(struct ax_histogram *out, const char *name,
		       const char *text, size_t len, struct ax_err *err);
int ax_histogram_load(struct ax_histogram *out, const char *path,
		      struct ax_err *err);
/* The text above; the same bytes for the same histogram. */
void ax_histogram_write(struct ax_str *out, const struct ax_histogram *h);
int ax_histogram_save(const char *path, const struct ax_histogram *h,
		      struct ax_err *err);

#endif
