/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A checkpoint: named tensors in order, and metadata as pairs of strings.
 * axpipe writes .safetensors and reads .safetensors, .npz, .npy and the zip
 * files of PyTorch (.pt), each taken for hostile: sizes are checked against
 * the file before memory is asked for, and a .pt can make nothing but tensors.
 */
#ifndef AX_CHECKPOINT_H
#define AX_CHECKPOINT_H

#include <stddef.h>

#include "artifacts/base/map.h"
#include "artifacts/tensor.h"

/* Limits of what is read: file size, tensors in it, length of a name. */
#define AX_CHECKPOINT_MAX ((size_t)8 << 30)
#define AX_CHECKPOINT_TENSORS 1000000
#define AX_CHECKPOINT_NAME 1024

struct ax_checkpoint {
	/* Pointers to tensors stay valid while more are added. */
	struct ax_tensor **tensors;
	size_t n, cap;
	struct ax_map index; /* name -> tensor */
	struct ax_meta {
		char *key, *value;
	} * meta;
	size_t n_meta, cap_meta;
};

#define AX_CHECKPOINT_INIT                                                     \
	{                                                                      \
		NULL, 0, 0, AX_MAP_INIT, NULL, 0, 0                            \
	}

void ax_checkpoint_free(struct ax_checkpoint *c);

/*
 * Adds a zeroed tensor under a new name; the checkpoint owns it, the result is
 * borrowed. NULL, with err set, when the name is taken, empty or too long, or
 * the shape is refused by ax_tensor_size.
 */
struct ax_tensor *ax_checkpoint_add(struct ax_checkpoint *c, const char *name,
				    enum ax_dtype d, unsigned ndim,
				    const size_t *dim, struct ax_err *err);
/* Steals the contents of `t` (which is cleared, also on failure). */
struct ax_tensor *ax_checkpoint_steal(struct ax_checkpoint *c, const char *name,
				      struct ax_tensor *t, struct ax_err *err);
/* Borrowed, or NULL. */
struct ax_tensor *ax_checkpoint_get(const struct ax_checkpoint *c,
				    const char *name);
/* The tensor of that name, type and shape; else NULL and an error that says
 * what was wanted, what is there and the nearest name. */
struct ax_tensor *ax_checkpoint_need(const struct ax_checkpoint *c,
				     const char *name, enum ax_dtype d,
				     unsigned ndim, const size_t *dim,
				     struct ax_err *err);

/* Metadata; a value set again replaces the former one. Borrowed, or NULL. */
void ax_checkpoint_set_meta(struct ax_checkpoint *c, const char *key,
			    const char *value);
const char *ax_checkpoint_meta(const struct ax_checkpoint *c, const char *key);

/* Loads a file of any of the formats above, told apart by its content. */
int ax_checkpoint_load(struct ax_checkpoint *out, const char *path,
		       struct ax_err *err);
/*
 * Writes .safetensors: metadata in byte order of its keys, tensors by
 * falling size of element, then by name, as the format's own library does, so
 * that every element is aligned and the same contents give the same bytes
 * whatever the order of adding. The data start at a multiple of 8.
 */
int ax_checkpoint_save(const char *path, const struct ax_checkpoint *c,
		       struct ax_err *err);

/* The formats, from memory; `name` stands in messages; bytes are borrowed. On
 * failure *out is empty. */
int ax_safetensors_parse(struct ax_checkpoint *out, const char *name,
			 const void *bytes, size_t len, struct ax_err *err);
/* PyTorch's zip form (torch.save since 1.6); see torch.c for what is allowed.
 * A dict of scalars below `x._extra_state` becomes tensors `x.<key>`:
 * `conv1.w_quant._extra_state` = {'scale': s} is read as
 * `conv1.w_quant.scale`. */
int ax_torch_parse(struct ax_checkpoint *out, const char *name,
		   const void *bytes, size_t len, struct ax_err *err);
/* numpy.savez without compression: member "a.npy" becomes tensor "a". */
int ax_npz_parse(struct ax_checkpoint *out, const char *name, const void *bytes,
		 size_t len, struct ax_err *err);

#endif
