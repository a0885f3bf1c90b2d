/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tensor: a name, an element type, up to eight dimensions and a contiguous
 * block of little-endian elements, last dimension fastest. Room: artifacts;
 * knows files only through npy.h and checkpoint.h.
 */
#ifndef AX_TENSOR_H
#define AX_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "artifacts/base/base.h"

#define AX_TENSOR_DIMS 8
/* No tensor is larger than this; a file that claims more is refused. */
#define AX_TENSOR_MAX ((size_t)1 << 36)

enum ax_dtype { AX_F32, AX_F64, AX_I8, AX_U8, AX_I16, AX_U16, AX_I32, AX_I64 };
#define AX_DTYPES 8

struct ax_tensor {
	char *name; /* owned; NULL when it has none */
	enum ax_dtype dtype;
	unsigned ndim; /* 0: a scalar, one element */
	size_t dim[AX_TENSOR_DIMS];
	size_t n;     /* elements */
	size_t bytes; /* n * size of an element */
	union {       /* owned, 64-byte aligned; never NULL, even for n = 0 */
		void *data;
		float *f32;
		double *f64;
		int8_t *i8;
		uint8_t *u8;
		int16_t *i16;
		uint16_t *u16;
		int32_t *i32;
		int64_t *i64;
	};
};

/* Bytes of an element. */
size_t ax_dtype_size(enum ax_dtype d);
/* "f32", "i16", ... Static. */
const char *ax_dtype_name(enum ax_dtype d);

/*
 * The number of elements and bytes of a shape, checked: at most AX_TENSOR_DIMS
 * dimensions, no overflow, at most AX_TENSOR_MAX bytes. `what` names the
 * tensor in the message. Exit code of a failure: 1.
 */
int ax_tensor_size(size_t *n, size_t *bytes, const char *what, enum ax_dtype d,
		   unsigned ndim, const size_t *dim, struct ax_err *err);
/* A zeroed tensor; `name` (may be NULL) and `dim` are copied. Checked as
 * ax_tensor_size does. Owns its memory: ax_tensor_free. */
int ax_tensor_init(struct ax_tensor *t, const char *name, enum ax_dtype d,
		   unsigned ndim, const size_t *dim, struct ax_err *err);
/* Frees what the tensor owns and clears it; a cleared tensor is fine. */
void ax_tensor_free(struct ax_tensor *t);
/* A copy with its own memory. */
struct ax_tensor ax_tensor_copy(const struct ax_tensor *t);
bool ax_tensor_same_shape(const struct ax_tensor *t, unsigned ndim,
			  const size_t *dim);
/* "f32[16,3,3,3]" into `out`, for messages. Returns out. */
char *ax_tensor_text(char *out, size_t size, const struct ax_tensor *t);
/* "[16,3,3,3]" of any shape. Returns out. */
char *ax_shape_text(char *out, size_t size, unsigned ndim, const size_t *dim);
/* Element i as a double, whatever the type (i64 beyond 2^53 is rounded). */
double ax_tensor_get(const struct ax_tensor *t, size_t i);

#endif
