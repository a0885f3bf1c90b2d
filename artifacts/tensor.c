/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/tensor.h"

static const struct {
	const char *name;
	size_t size;
} types[AX_DTYPES] = {
	[AX_F32] = {"f32", 4}, [AX_F64] = {"f64", 8}, [AX_I8] = {"i8", 1},
	[AX_U8] = {"u8", 1},   [AX_I16] = {"i16", 2}, [AX_U16] = {"u16", 2},
	[AX_I32] = {"i32", 4}, [AX_I64] = {"i64", 8},
};

size_t
ax_dtype_size(enum ax_dtype d)
{
	return types[d].size;
}

const char *
ax_dtype_name(enum ax_dtype d)
{
	return types[d].name;
}

char *
ax_shape_text(char *out, size_t size, unsigned ndim, const size_t *dim)
{
	size_t at = 0;
	unsigned i;

	if (size == 0)
		return out;
	out[0] = '\0';
	if (at + 1 < size)
		out[at++] = '[';
	for (i = 0; i < ndim && at + 1 < size; i++) {
		int k = snprintf(out + at, size - at, "%s%zu", i ? "," : "",
				 dim[i]);

		if (k < 0)
			break;
		at = AX_MIN(at + (size_t)k, size - 1);
	}
	if (at + 1 < size)
		out[at++] = ']';
	out[at] = '\0';
	return out;
}

char *
ax_tensor_text(char *out, size_t size, const struct ax_tensor *t)
{
	char shape[256];

	snprintf(out, size, "%s%s", ax_dtype_name(t->dtype),
		 ax_shape_text(shape, sizeof(shape), t->ndim, t->dim));
	return out;
}

int
ax_tensor_size(size_t *n, size_t *bytes, const char *what, enum ax_dtype d,
	       unsigned ndim, const size_t *dim, struct ax_err *err)
{
	size_t count = 1, limit = AX_TENSOR_MAX / ax_dtype_size(d);
	bool empty = false;
	char shape[256];
	unsigned i;

	if (ndim > AX_TENSOR_DIMS)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "tensor %s has %u dimensions; at most %d are "
				  "supported",
				  what, ndim, AX_TENSOR_DIMS);
	for (i = 0; i < ndim; i++) {
		if (dim[i] == 0) {
			empty = true;
			continue;
		}
		/* an empty tensor is held to the same bound, so that the
		 * product of any of its dimensions stays small */
		if (count > limit / dim[i])
			return ax_err_set(
				err, AX_EXIT_STAGE,
				"tensor %s: %s%s is larger than %zu bytes",
				what, ax_dtype_name(d),
				ax_shape_text(shape, sizeof(shape), ndim, dim),
				AX_TENSOR_MAX);
		count *= dim[i];
	}
	*n = empty ? 0 : count;
	*bytes = *n * ax_dtype_size(d);
	return 0;
}

int
ax_tensor_init(struct ax_tensor *t, const char *name, enum ax_dtype d,
	       unsigned ndim, const size_t *dim, struct ax_err *err)
{
	unsigned i;

	memset(t, 0, sizeof(*t));
	if (ax_tensor_size(&t->n, &t->bytes, name ? name : "(unnamed)", d, ndim,
			   dim, err) < 0) {
		memset(t, 0, sizeof(*t));
		return -1;
	}
	t->dtype = d;
	t->ndim = ndim;
	for (i = 0; i < ndim; i++)
		t->dim[i] = dim[i];
	t->name = name ? ax_strdup(name) : NULL;
	t->data = ax_aligned(AX_MAX(t->bytes, (size_t)1), 1);
	return 0;
}

void
ax_tensor_free(struct ax_tensor *t)
{
	if (!t)
		return;
	free(t->name);
	free(t->data);
	memset(t, 0, sizeof(*t));
}

struct ax_tensor
ax_tensor_copy(const struct ax_tensor *t)
{
	struct ax_tensor out = *t;

	out.name = t->name ? ax_strdup(t->name) : NULL;
	out.data = ax_aligned(AX_MAX(t->bytes, (size_t)1), 1);
	memcpy(out.data, t->data, t->bytes);
	return out;
}

bool
ax_tensor_same_shape(const struct ax_tensor *t, unsigned ndim,
		     const size_t *dim)
{
	unsigned i;

	if (t->ndim != ndim)
		return false;
	for (i = 0; i < ndim; i++)
		if (t->dim[i] != dim[i])
			return false;
	return true;
}

double
ax_tensor_get(const struct ax_tensor *t, size_t i)
{
	switch (t->dtype) {
	case AX_F32:
		return t->f32[i];
	case AX_F64:
		return t->f64[i];
	case AX_I8:
		return t->i8[i];
	case AX_U8:
		return t->u8[i];
	case AX_I16:
		return t->i16[i];
	case AX_U16:
		return t->u16[i];
	case AX_I32:
		return t->i32[i];
	case AX_I64:
		return (double)t->i64[i];
	}
	return 0;
}
