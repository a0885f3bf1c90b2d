/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store when the disk fails: the N-th call that changes something reports
 * an error, for every N until all goes through. Whatever happens, the error is
 * told (exit code 3), nothing half-done is visible, and the next try succeeds.
 * The functions below stand before those of the C library for this program.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "cache/store.h"
#include "tests/lib/tap.h"

static long countdown = -1; /* calls that still succeed; -1: all do */
static int failure;
static int failed; /* calls that were made to fail */

static int
fails(void)
{
	if (countdown < 0)
		return 0;
	if (countdown-- > 0)
		return 0;
	countdown = -1;
	failed++;
	errno = failure;
	return 1;
}

ssize_t
write(int fd, const void *bytes, size_t n)
{
	if (fd > 2 && fails()) {
		/* a full disk takes a part of it first */
		if (n > 1 && failure == ENOSPC)
			return syscall(SYS_write, fd, bytes, n / 2) < 0
				       ? -1
				       : (countdown = 0, (ssize_t)(n / 2));
		return -1;
	}
	return syscall(SYS_write, fd, bytes, n);
}

int
fsync(int fd)
{
	(void)fd; /* the disk itself is not what is tested, and slow */
	return fails() ? -1 : 0;
}

int
syncfs(int fd)
{
	(void)fd;
	return fails() ? -1 : 0;
}

int
fchmod(int fd, mode_t mode)
{
	return fails() ? -1 : (int)syscall(SYS_fchmod, fd, mode);
}

int
mkdirat(int at, const char *path, mode_t mode)
{
	return fails() ? -1 : (int)syscall(SYS_mkdirat, at, path, mode);
}

int
renameat(int from, const char *a, int to, const char *b)
{
	return fails() ? -1 : (int)syscall(SYS_renameat, from, a, to, b);
}

static char *top;
static struct ax_err err;

static struct ax_store *
open_store(int n)
{
	char *dir = ax_asprintf("%s/s%d", top, n);
	struct ax_store *s = NULL;

	if (ax_store_open(&s, dir, false, &err) < 0)
		printf("# %s\n", err.text);
	free(dir);
	return s;
}

static size_t
count_tmp(struct ax_store *s)
{
	char *path = ax_join(ax_store_dir(s), "tmp"), **list;
	size_t n = 0;

	if (ax_list_dir(&list, &n, path, 100000, NULL) == 0)
		ax_free_list(list, n);
	free(path);
	return n;
}

/* What a node does when it is done: outputs, then the record. */
static int
publish(struct ax_store *s, const char *file, const char *tree)
{
	struct ax_digest d, key = ax_hash_bytes("key", 3);
	char hex[AX_HEX_LEN + 1];
	json_t *r, *outputs;
	int rc = -1;

	outputs = json_object();
	r = json_pack("{s:s, s:o}", "node", "n", "outputs", outputs);
	if (ax_store_put_bytes(s, &d, "bytes", 5, &err) < 0)
		goto out;
	json_object_set_new(outputs, "a", json_string(ax_hex(hex, &d)));
	if (ax_store_put(s, &d, NULL, file, false, &err) < 0)
		goto out;
	json_object_set_new(outputs, "b", json_string(ax_hex(hex, &d)));
	if (ax_store_put(s, &d, NULL, tree, true, &err) < 0)
		goto out;
	json_object_set_new(outputs, "c", json_string(ax_hex(hex, &d)));
	rc = ax_store_record_put(s, &key, r, &err);
out:
	json_decref(r);
	return rc;
}

static void
all(int code, const char *name, int first_store)
{
	char *file = ax_join(top, "file"), *tree = ax_join(top, "tree");
	struct ax_digest key = ax_hash_bytes("key", 3);
	struct ax_fsck_result f;
	struct ax_store *s;
	json_t *r;
	char *dir;
	long n;
	int rc, silent = 0, wrong = 0, left = 0, bad = 0, stuck = 0, early = 0;

	for (n = 0; n < 500; n++) {
		s = open_store(first_store + (int)n);
		ax_err_clear(&err);
		failure = code;
		failed = 0;
		countdown = n;
		rc = publish(s, file, tree);
		countdown = -1;
		if (!failed) {
			ax_store_close(s);
			break;
		}
		/* a record may be there already when the last sync of its
		 * folder fails; never before its objects */
		silent += rc == 0;
		wrong +=
			rc < 0 && (err.exit != 3 || !strstr(err.text, "store"));
		left += count_tmp(s) != 0;
		if (ax_store_fsck(s, false, NULL, NULL, &f, NULL) < 0 ||
		    f.corrupt || f.missing || f.bad_records)
			bad++;
		early += f.records && f.objects < 5;
		/* the fault is over */
		stuck += publish(s, file, tree) < 0 ||
			 ax_store_record_get(s, &key, &r, NULL) != 1;
		json_decref(r);
		r = NULL;
		dir = ax_strdup(ax_store_dir(s));
		ax_store_close(s);
		(void)ax_rmtree(dir, NULL);
		free(dir);
	}
	ok(n > 20 && n < 500, "%s at each of %ld calls", name, n);
	is_int(silent, 0, "each is reported");
	is_int(wrong, 0, "as a failure of the store, exit code 3");
	is_int(left, 0, "no temporary stays");
	is_int(bad, 0, "nothing half-published is visible");
	is_int(early, 0, "no record before its objects");
	is_int(stuck, 0, "the next try succeeds");
	free(file);
	free(tree);
}

int
main(void)
{
	/* hundreds of stores: in memory where that can be had */
	char memory[] = "/dev/shm/axpipe-faults.XXXXXX";
	char disk[] = "/tmp/axpipe-faults.XXXXXX";
	char *bytes, *path, name[40];
	int i;

	top = mkdtemp(memory);
	if (!top)
		top = mkdtemp(disk);
	if (!top)
		return 1;
	bytes = ax_calloc(1, 700000);
	path = ax_join(top, "file");
	ax_write_plain(path, bytes, 700000, &err);
	free(path);
	for (i = 0; i < 18; i++) {
		snprintf(name, sizeof(name), "tree/d%d/f%d", i % 2, i);
		path = ax_join(top, name);
		{
			char *dir = ax_dirname(path);

			ax_mkdirs(dir, &err);
			free(dir);
		}
		ax_write_plain(path, name, strlen(name), &err);
		free(path);
	}
	free(bytes);
	all(EIO, "EIO", 0);
	all(ENOSPC, "a full disk", 1000);
	ax_rmtree(top, NULL);
	return tap_done();
}
