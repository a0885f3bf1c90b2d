/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "artifacts/base/base.h"

static void
out_of_memory(size_t size)
{
	fprintf(stderr, "axpipe: out of memory (%zu bytes asked for)\n", size);
	_exit(AX_EXIT_ENV);
}

void *
ax_malloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		out_of_memory(size);
	return p;
}

void *
ax_calloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		out_of_memory(n * size);
	return p;
}

void *
ax_realloc(void *ptr, size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes))
		out_of_memory(SIZE_MAX);
	p = realloc(ptr, bytes ? bytes : 1);
	if (!p)
		out_of_memory(bytes);
	return p;
}

char *
ax_strdup(const char *s)
{
	return ax_strndup(s, strlen(s));
}

char *
ax_strndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = ax_malloc(len + 1);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

char *
ax_asprintf(const char *fmt, ...)
{
	va_list ap;
	char *p = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&p, fmt, ap);
	va_end(ap);
	if (n < 0)
		out_of_memory(0);
	return p;
}

void *
ax_aligned(size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX - 64)
		out_of_memory(SIZE_MAX);
	bytes = (bytes + 63) / 64 * 64;
	p = aligned_alloc(64, bytes ? bytes : 64);
	if (!p)
		out_of_memory(bytes);
	memset(p, 0, bytes ? bytes : 64);
	return p;
}

bool
ax_streq(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

bool
ax_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
ax_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

unsigned
ax_edit_distance(const char *a, const char *b)
{
	unsigned d[66][66];
	size_t n = strlen(a), m = strlen(b), i, j;

	if (n > 64 || m > 64)
		return UINT_MAX;
	for (i = 0; i <= n; i++)
		d[i][0] = (unsigned)i;
	for (j = 0; j <= m; j++)
		d[0][j] = (unsigned)j;
	for (i = 1; i <= n; i++) {
		for (j = 1; j <= m; j++) {
			unsigned best =
				d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			best = AX_MIN(best, d[i - 1][j] + 1);
			best = AX_MIN(best, d[i][j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				best = AX_MIN(best, d[i - 2][j - 2] + 1);
			d[i][j] = best;
		}
	}
	return d[n][m];
}

const char *
ax_nearest(const char *word, const char *const *names, size_t n)
{
	const char *best = NULL;
	unsigned limit = (unsigned)AX_MAX(strlen(word) / 3, 1) + 1, d;
	size_t i;

	for (i = 0; i < n; i++) {
		d = ax_edit_distance(word, names[i]);
		if (d < limit) {
			limit = d;
			best = names[i];
		}
	}
	return best;
}

double
ax_wall(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

double
ax_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

bool
ax_glob(const char *pattern, const char *name)
{
	const char *star = NULL, *back = NULL;

	while (*name) {
		if (*pattern == '*') {
			star = pattern++;
			back = name;
		} else if (*pattern == '?' || *pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star + 1;
			name = ++back;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}
