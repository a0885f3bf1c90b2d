/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NumPy's .npy: reads versions 1.0 to 3.0, C order and Fortran order (which is
 * turned into C order), little-endian or single-byte elements; writes 1.0.
 * Format: numpy/lib/format.py, "NEP 1".
 */
#ifndef AX_NPY_H
#define AX_NPY_H

#include <stddef.h>

#include "artifacts/tensor.h"

/*
 * Loads one tensor (without a name). The header is at most 64 KiB and the file
 * must end with the last element. Types: <f4 <f8 |i1 |u1 <i2 <u2 <i4 <i8, and
 * |b1 as u8. Anything else, pickled objects included, is refused.
 */
int ax_npy_load(struct ax_tensor *out, const char *path, struct ax_err *err);
/* The same from memory; `name` stands in messages. Borrows the bytes. */
int ax_npy_parse(struct ax_tensor *out, const char *name, const void *bytes,
		 size_t len, struct ax_err *err);
/* Writes the file, version 1.0, header padded to 64 bytes as NumPy does: the
 * bytes that numpy.save writes for the same array. */
int ax_npy_save(const char *path, const struct ax_tensor *t,
		struct ax_err *err);
/* Appends the same bytes to a buffer. */
void ax_npy_format(struct ax_str *out, const struct ax_tensor *t);

#endif
