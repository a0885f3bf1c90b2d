/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the store: a folder of their own, and stores in it. */
#ifndef AX_TEST_STORE_H
#define AX_TEST_STORE_H

#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "cache/store.h"
#include "tests/lib/nosync.h"
#include "tests/lib/tap.h"

/* Objects are read-only, for their owner too unless that is root. */
static inline int
cut(const char *path, off_t len)
{
	chmod(path, 0644);
	return truncate(path, len);
}

static char *top;

static inline char *
in_top(const char *name)
{
	return ax_join(top, name);
}

static inline void
put_text(const char *path, const char *text)
{
	struct ax_err err = AX_ERR_INIT;
	char *dir = ax_dirname(path);

	if (ax_mkdirs(dir, &err) < 0 ||
	    ax_write_plain(path, text, strlen(text), &err) < 0) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	free(dir);
}

static inline struct ax_store *
open_store(const char *name)
{
	struct ax_err err = AX_ERR_INIT;
	char *dir = in_top(name);
	struct ax_store *s;

	if (ax_store_open(&s, dir, false, &err) < 0) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	free(dir);
	return s;
}

static inline struct ax_digest
digest_of(const char *text)
{
	return ax_hash_bytes(text, strlen(text));
}

static inline size_t
count_dir(const char *path)
{
	char **list;
	size_t n;

	if (ax_list_dir(&list, &n, path, 100000, NULL) < 0)
		return 0;
	ax_free_list(list, n);
	return n;
}

/* Changes one byte of an object in place, as a failing disk would. */
static inline void
damage(const char *path)
{
	int fd;

	chmod(path, 0644);
	fd = open(path, O_RDWR);
	if (fd < 0 || pwrite(fd, "#", 1, 0) != 1)
		printf("Bail out! cannot damage %s\n", path);
	close(fd);
	chmod(path, 0444);
}

static inline json_t *
sample(const char *node, const struct ax_digest *out)
{
	char hex[65];

	return json_pack("{s:s, s:{s:{s:s, s:i}}, s:{s:f, s:s}, s:[s, n, b]}",
			 "node", node, "outputs", "netlist", "sha256",
			 ax_hex(hex, out), "size", 5, "metrics", "area", 0.1,
			 "odd \"name\"", "\xc3\xa4\n", "list", "x", 1);
}

/* Makes the folder; false where there is no room for it. */
static inline bool
make_top(void)
{
	static char template[] = "/tmp/axpipe-store.XXXXXX";

	setvbuf(stdout, NULL, _IOLBF, 0);
	top = mkdtemp(template);
	return top && chmod(top, 0755) == 0;
}

#endif
