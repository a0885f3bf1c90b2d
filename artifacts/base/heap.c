/* SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "artifacts/base/base.h"

#define LARGE_PAGE ((size_t)2 << 20)
#define ROOM (256 << 20)  /* addresses: memory is only what is touched */
#define FIRST (200 << 10) /* more than the heap starts with */
#define PAD (1 << 20)     /* of what follows when the room is used up */
#define APART (8 << 20)   /* blocks of this size are given back when freed */

/* The whole large pages from `start` to `end`; no harm where it fails. */
static void
large_pages(uintptr_t start, uintptr_t end)
{
	start = (start + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
	if (end > start)
		(void)madvise((void *)start, end - start, MADV_HUGEPAGE);
}

void *
ax_calloc_large(size_t n, size_t size)
{
	void *p = ax_calloc(n, size);

	large_pages((uintptr_t)p, (uintptr_t)p + n * size);
	return p;
}

void
ax_heap_large_pages(void)
{
	uintptr_t start = (uintptr_t)sbrk(0);
	void *volatile first; /* or the compiler sees no use in it */

	mallopt(M_MMAP_THRESHOLD, APART);
	mallopt(M_TRIM_THRESHOLD, 2 * ROOM); /* or the room goes back */
	mallopt(M_TOP_PAD, ROOM);
	/* where less is allowed this fails, and all goes on in small pages */
	first = malloc(FIRST);
	free(first);
	mallopt(M_TOP_PAD, PAD);
	large_pages(start, (uintptr_t)sbrk(0));
}
