/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes PNG pictures, without compression (stored deflate blocks), so that
 * their bytes depend on nothing but the pixels. Format: RFC 2083, RFC 1951.
 */
#ifndef AX_PNG_H
#define AX_PNG_H

#include "artifacts/base/base.h"

/* pixels: [height][width][channels], channels 1 (grey) or 3 (RGB). Sides at
 * most 32768. */
int ax_png_save(const char *path, size_t width, size_t height,
		unsigned channels, const uint8_t *pixels, struct ax_err *err);

#endif
