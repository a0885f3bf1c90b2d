/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every layer is given to work with: a pool of threads, the kernels, and
 * scratch memory per thread. Work is split by image or by fixed blocks of
 * images, never by the number of threads, so that threads cannot show in a
 * result.
 */
#ifndef AX_NN_ENGINE_H
#define AX_NN_ENGINE_H

#include "artifacts/base/base.h"
#include "stages/nn/engine/kern.h"

/* Scratch buffers of a thread, by use. */
enum ax_scratch {
	AX_SCRATCH_IMAGE,
	AX_SCRATCH_PANEL,
	AX_SCRATCH_TILE,
	AX_SCRATCH_FOURS,
	AX_SCRATCH_TURNED,
	AX_SCRATCH_SUMS,
	AX_SCRATCH_KINDS
};

/* Gradients of weights are summed in this many blocks of images at most; the
 * blocks are then added in order. Part of the numbers: changing it changes the
 * results of training. */
#define AX_BLOCKS 16

struct ax_engine {
	struct ax_pool *pool; /* borrowed; NULL: one thread */
	const struct ax_kern *kern;
	struct ax_scratch_buf {
		void *ptr;
		size_t cap;
	} (*scratch)[AX_SCRATCH_KINDS]; /* [threads] */
	unsigned threads;
	/* one buffer for packed weights, one for partial sums */
	struct ax_scratch_buf weights, partial;
};

/* Borrows the pool. Release with ax_engine_free. */
void ax_engine_init(struct ax_engine *e, struct ax_pool *pool,
		    const struct ax_kern *kern);
void ax_engine_free(struct ax_engine *e);
/* At least `bytes`, 64-byte aligned, contents undefined. Stays valid until the
 * next call for the same thread and use. */
void *ax_scratch_get(struct ax_engine *e, unsigned thread, enum ax_scratch use,
		     size_t bytes);
/* The same for a buffer kept elsewhere. */
void *ax_scratch_need(struct ax_scratch_buf *b, size_t bytes);

/* Images first..last-1 of block i when n images make at most AX_BLOCKS equal
 * blocks; ax_blocks is their number. */
size_t ax_blocks(size_t n);
void ax_block(size_t n, size_t i, size_t *first, size_t *last);

#endif
