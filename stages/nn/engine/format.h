/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The number format of a quantised network: widths, sign, zero points, scales
 * for each channel or for each tensor. A checkpoint keeps it as JSON in the
 * metadata `format`; one without is of the published format.
 */
#ifndef AX_NN_FORMAT_H
#define AX_NN_FORMAT_H

#include "artifacts/base/base.h"
#include "artifacts/base/json.h"

struct ax_format {
	unsigned act_bits, weight_bits; /* 2..8 */
	bool is_signed; /* codes of both; unsigned ones have their zero point
			   in the middle where they are symmetric */
	bool act_asymmetric, weight_asymmetric; /* zero points are fitted */
	bool per_channel; /* weights: a scale for each output channel */
};

/* The published one: 8 x 8 bits, signed, symmetric, one scale a tensor. */
struct ax_format ax_format_published(void);
bool ax_format_equal(const struct ax_format *a, const struct ax_format *b);
/* {"act_bits":8,"act_asymmetric":false,...}, canonical. */
void ax_format_write(struct ax_str *out, const struct ax_format *f);
/* Of that text; every member is needed, no other allowed. */
int ax_format_parse(struct ax_format *out, const char *text,
		    struct ax_err *err);

#endif
