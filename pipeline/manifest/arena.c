/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/manifest/arena.h"

#define BLOCK ((size_t)256 << 10)

struct ax_block {
	struct ax_block *before;
	max_align_t bytes[];
};

static void *
take(struct ax_arena *a, size_t bytes)
{
	struct ax_block *b;
	size_t size;
	void *p;

	if (bytes > a->left) {
		size = AX_MAX(bytes, BLOCK);
		b = ax_malloc(sizeof(*b) + size);
		b->before = a->blocks;
		a->blocks = b;
		/* a large thing must not end the block in use */
		if (bytes > BLOCK / 4 && a->left)
			return b->bytes;
		a->next = (char *)b->bytes;
		a->left = size;
	}
	p = a->next;
	a->next += bytes;
	a->left -= bytes;
	return p;
}

void *
ax_arena_new(struct ax_arena *a, size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 2)
		bytes = SIZE_MAX / 2; /* ax_malloc ends the program */
	bytes = (bytes + 15) & ~(size_t)15;
	p = take(a, bytes ? bytes : 16);
	return memset(p, 0, bytes);
}

void *
ax_arena_alloc(struct ax_arena *a, size_t bytes)
{
	return ax_arena_new(a, bytes, 1);
}

char *
ax_arena_strn(struct ax_arena *a, const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = take(a, (len + 16) & ~(size_t)15);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

char *
ax_arena_str(struct ax_arena *a, const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(take(a, (n + 15) & ~(size_t)15), s, n);
}

const char *
ax_arena_intern(struct ax_arena *a, const char *s)
{
	char *copy = ax_map_get(&a->strings, s);

	if (!copy) {
		copy = ax_arena_str(a, s);
		ax_map_set(&a->strings, copy, copy);
	}
	return copy;
}

void
ax_arena_rewind(struct ax_arena *a, const struct ax_arena *before)
{
	struct ax_block *b;

	while (a->blocks != before->blocks) {
		b = a->blocks;
		a->blocks = b->before;
		free(b);
	}
	a->next = before->next;
	a->left = before->left;
}

void
ax_arena_free(struct ax_arena *a)
{
	struct ax_block *b;

	while ((b = a->blocks)) {
		a->blocks = b->before;
		free(b);
	}
	ax_map_free(&a->strings);
	memset(a, 0, sizeof(*a));
}
