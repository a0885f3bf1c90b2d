/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that lives as long as its owner (a graph, a run) and is freed at once,
 * and one copy of each string that is asked for often, so that equal names are
 * equal pointers.
 */
#ifndef AX_ARENA_H
#define AX_ARENA_H

#include "artifacts/base/base.h"
#include "artifacts/base/map.h"

struct ax_arena {
	struct ax_block *blocks;
	char *next;
	size_t left;
	struct ax_map strings;
};

#define AX_ARENA_INIT                                                          \
	{                                                                      \
		NULL, NULL, 0, AX_MAP_INIT                                     \
	}

/* Zeroed memory for n things, aligned for any type. Never NULL. */
void *ax_arena_new(struct ax_arena *a, size_t n, size_t size);
/* Plain bytes, zeroed as well. */
void *ax_arena_alloc(struct ax_arena *a, size_t bytes);
char *ax_arena_str(struct ax_arena *a, const char *s);
char *ax_arena_strn(struct ax_arena *a, const char *s, size_t n);
/* The one copy of that string. */
const char *ax_arena_intern(struct ax_arena *a, const char *s);
/* Gives back what was taken since `before` was copied from *a; strings interned
 * since then must not exist. */
void ax_arena_rewind(struct ax_arena *a, const struct ax_arena *before);
void ax_arena_free(struct ax_arena *a);

#endif
