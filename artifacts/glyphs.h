/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `glyphs`: a set of images in ten classes that axpipe draws itself from a
 * seed. Ten letters that share most of their strokes (O C D, P R K, F E, H N),
 * each turned, stretched, sheared and moved, of either polarity, on an uneven
 * ground, with stray strokes, a part covered, and noise: hard enough that the
 * accuracy of a small network tells multipliers apart. Integer arithmetic and
 * counter-based random numbers throughout: the same bytes everywhere, for any
 * number of threads.
 */
#ifndef AX_GLYPHS_H
#define AX_GLYPHS_H

#include "artifacts/base/par.h"
#include "artifacts/dataset.h"

#define AX_GLYPH_CLASSES 10

struct ax_glyph_params {
	uint64_t seed;
	size_t train, test; /* images; image i is of class i mod 10 */
	size_t size;        /* height and width, 8..128 */
	size_t channels;    /* 1 or 3 */
	size_t noise;     /* deviation about 1.6 grey levels a unit, at most */
	size_t jitter;    /* per cent of 25 degrees, 1/4 shear, 12 % shift */
	size_t strays;    /* stray strokes, at most */
	size_t occlusion; /* per cent of each side that is covered, at most */
};

/* What the stage's defaults are; the seed is free. */
#define AX_GLYPH_DEFAULTS                                                      \
	{                                                                      \
		0, 8000, 2000, 16, 1, 10, 75, 1, 30                            \
	}

int ax_glyphs_check(const struct ax_glyph_params *g, struct ax_err *err);
/* Draws the set. `pool` may be NULL. Exit code of a failure: 2. */
int ax_glyphs_make(struct ax_dataset *out, const struct ax_glyph_params *g,
		   struct ax_pool *pool, struct ax_err *err);
/* "O", "C", ... Static. */
const char *ax_glyph_name(unsigned label);

#endif
