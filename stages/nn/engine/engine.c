/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/engine/engine.h"

void
ax_engine_init(struct ax_engine *e, struct ax_pool *pool,
	       const struct ax_kern *kern)
{
	memset(e, 0, sizeof(*e));
	e->pool = pool;
	e->kern = kern;
	e->threads = ax_pool_threads(pool);
	e->scratch = ax_calloc(e->threads, sizeof(*e->scratch));
}

void
ax_engine_free(struct ax_engine *e)
{
	unsigned i, u;

	for (i = 0; i < e->threads; i++)
		for (u = 0; u < AX_SCRATCH_KINDS; u++)
			free(e->scratch[i][u].ptr);
	free(e->scratch);
	free(e->weights.ptr);
	free(e->partial.ptr);
	memset(e, 0, sizeof(*e));
}

void *
ax_scratch_need(struct ax_scratch_buf *b, size_t bytes)
{
	if (b->cap < bytes) {
		free(b->ptr);
		b->ptr = ax_aligned(bytes, 1);
		b->cap = bytes;
	}
	return b->ptr;
}

void *
ax_scratch_get(struct ax_engine *e, unsigned thread, enum ax_scratch use,
	       size_t bytes)
{
	return ax_scratch_need(&e->scratch[thread][use], bytes);
}

static size_t
block_size(size_t n)
{
	return n ? (n + AX_BLOCKS - 1) / AX_BLOCKS : 1;
}

size_t
ax_blocks(size_t n)
{
	size_t size = block_size(n);

	return (n + size - 1) / size;
}

void
ax_block(size_t n, size_t i, size_t *first, size_t *last)
{
	size_t size = block_size(n);

	*first = AX_MIN(i * size, n);
	*last = AX_MIN(*first + size, n);
}
