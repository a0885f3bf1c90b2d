/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bottom of the house: what every other file may use. Memory that cannot
 * fail quietly, growing arrays, and the headers of the other base modules.
 */
#ifndef AX_BASE_H
#define AX_BASE_H

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define AX_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define AX_LEN(array) (sizeof(array) / sizeof((array)[0]))
#define AX_MIN(a, b) ((a) < (b) ? (a) : (b))
#define AX_MAX(a, b) ((a) > (b) ? (a) : (b))

/*
 * Allocation of sizes that the program itself chose or has already capped.
 * Out of memory ends the process with exit code 3 and one line on stderr:
 * every file the program writes is published by rename, so nothing is lost.
 * ax_calloc checks n * size for overflow. Results are freed with free().
 */
void *ax_malloc(size_t size);
void *ax_calloc(size_t n, size_t size);
void *ax_realloc(void *ptr, size_t n, size_t size);
char *ax_strdup(const char *s);
char *ax_strndup(const char *s, size_t n);
char *ax_asprintf(const char *fmt, ...) AX_PRINTF(1, 2);
/* 64-byte aligned, zeroed; for SIMD buffers. */
void *ax_aligned(size_t n, size_t size);
/* ax_calloc of many megabytes that are gone through as a whole: in pages of
 * 2 MiB where the kernel lends them. */
void *ax_calloc_large(size_t n, size_t size);
/* Called first in a program of much small memory: its heap has pages of 2 MiB
 * where the kernel lends them, as to fault in small ones took longer than to
 * fill them. */
void ax_heap_large_pages(void);

/* Makes room for one more element of a (ptr, n, cap) array. */
#define AX_GROW(ptr, n, cap)                                                   \
	do {                                                                   \
		if ((n) == (cap)) {                                            \
			(cap) = (cap) ? (cap)*2 : 8;                           \
			(ptr) = ax_realloc((ptr), (cap), sizeof(*(ptr)));      \
		}                                                              \
	} while (0)

bool ax_streq(const char *a, const char *b);
bool ax_starts(const char *s, const char *prefix);
bool ax_ends(const char *s, const char *suffix);
/* Edit distance (insert, delete, change, swap of neighbours), for "did you
 * mean"; capped strings of at most 64 bytes, else a large number. */
unsigned ax_edit_distance(const char *a, const char *b);
/* The nearest of n names within a third of the length, or NULL. Borrowed. */
const char *ax_nearest(const char *word, const char *const *names, size_t n);
/* Does the whole name match: `*` any characters, `?` one of them. */
bool ax_glob(const char *pattern, const char *name);
/* Seconds on the monotonic clock. */
double ax_now(void);
/* Unix time, seconds: for people, in no key. */
double ax_wall(void);

#include "artifacts/base/err.h"
#include "artifacts/base/str.h"
/* last, because system headers use the names it bans */
#include "artifacts/base/banned.h"

#endif
