/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ONNX files, written: a graph of operators with its tensors, as the protocol
 * buffer messages of onnx.proto (version 7, operator set 13). Nothing is read,
 * and of the encoding only three kinds of field are needed, so no generated
 * code and no library stands behind it.
 */
#ifndef AX_ONNX_H
#define AX_ONNX_H

#include "artifacts/base/base.h"

/* Element types, as onnx.proto numbers them. */
enum ax_onnx_type {
	AX_ONNX_FLOAT = 1,
	AX_ONNX_UINT8 = 2,
	AX_ONNX_INT8 = 3,
	AX_ONNX_INT64 = 7
};

struct ax_onnx {
	struct ax_str nodes, tensors, metadata; /* encoded fields */
	unsigned n_nodes;
};

#define AX_ONNX_INIT                                                           \
	{                                                                      \
		AX_STR_INIT, AX_STR_INIT, AX_STR_INIT, 0                       \
	}

void ax_onnx_free(struct ax_onnx *o);
/* A constant, little-endian, last dimension fastest; ndim 0: a scalar. */
void ax_onnx_tensor(struct ax_onnx *o, const char *name, enum ax_onnx_type type,
		    unsigned ndim, const size_t *dim, const void *data,
		    size_t bytes);
void ax_onnx_scalar(struct ax_onnx *o, const char *name, float value);

/* An attribute: whole numbers, or with n = 0 the float f, or with n = 1 and
 * `single` one whole number. */
struct ax_onnx_attr {
	const char *name;
	size_t n;
	int64_t ints[8];
	bool single;
	float f;
};
/* A node of n_in inputs (NULL: an optional one left out) and one output. */
void ax_onnx_node(struct ax_onnx *o, const char *op, const char *const *in,
		  size_t n_in, const char *out, const struct ax_onnx_attr *attr,
		  size_t n_attr);
void ax_onnx_meta(struct ax_onnx *o, const char *key, const char *value);
/* The whole model; input and output are float tensors of any number of rows
 * ("N") by the dimensions given. */
void ax_onnx_write(struct ax_str *out, const struct ax_onnx *o,
		   const char *name, const char *input, unsigned in_dims,
		   const size_t *in_dim, const char *output, unsigned out_dims,
		   const size_t *out_dim);

#endif
