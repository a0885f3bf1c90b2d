/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash map from strings to pointers. It has no iteration on purpose: what
 * must be walked is kept in an array beside it, so that order never depends on
 * hashing.
 */
#ifndef AX_MAP_H
#define AX_MAP_H

#include <stdbool.h>
#include <stddef.h>

struct ax_map {
	struct ax_map_slot *slots;
	size_t n, cap;
};

#define AX_MAP_INIT                                                            \
	{                                                                      \
		NULL, 0, 0                                                     \
	}

/* The map owns copies of its keys; values stay the caller's. */
void ax_map_free(struct ax_map *m);
/* Returns the former value, or NULL. */
void *ax_map_set(struct ax_map *m, const char *key, void *value);
void *ax_map_get(const struct ax_map *m, const char *key);

#endif
