/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libgit2 without memory: it does not look at all that its own calls return
 * (1.5 dereferences NULL in git_config_snapshot), so its memory is ours, which
 * ends the program with a message instead.
 */
#include "pipeline/fetch/gitlib.h"

#include <git2.h>
#include <git2/sys/alloc.h>

#include "artifacts/base/base.h"

/* Later versions have another set of functions. */
#if LIBGIT2_VER_MAJOR == 1 && LIBGIT2_VER_MINOR <= 5
static void *
take(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return ax_realloc(NULL, n, 1);
}

static void *
take_zeroed(size_t n, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return ax_calloc(n, size);
}

static void *
take_many(size_t n, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return ax_realloc(NULL, n, size);
}

static void *
resize(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return ax_realloc(p, n, 1);
}

static void *
resize_many(void *p, size_t n, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return ax_realloc(p, n, size);
}

static char *
copy(const char *s, const char *file, int line)
{
	(void)file;
	(void)line;
	return ax_strdup(s);
}

static char *
copy_some(const char *s, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return ax_strndup(s, strnlen(s, n));
}

static char *
copy_all(const char *s, size_t n, const char *file, int line)
{
	char *p = take(n + 1, file, line);

	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

void
ax_git_start(void)
{
	static git_allocator ours = {
		.gmalloc = take,
		.gcalloc = take_zeroed,
		.gstrdup = copy,
		.gstrndup = copy_some,
		.gsubstrdup = copy_all,
		.grealloc = resize,
		.greallocarray = resize_many,
		.gmallocarray = take_many,
		.gfree = free,
	};
	static bool set;

	if (!set)
		git_libgit2_opts(GIT_OPT_SET_ALLOCATOR, &ours);
	set = true;
	git_libgit2_init();
}
#else
void
ax_git_start(void)
{
	git_libgit2_init();
}
#endif
