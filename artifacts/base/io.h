/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files. What is read from outside has a size limit; what is written appears
 * whole or not at all (temporary, fsync, rename, fsync of the folder).
 */
#ifndef AX_IO_H
#define AX_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "artifacts/base/err.h"

/*
 * Reads a whole regular file into memory, NUL-terminated beyond `len`.
 * Fails when it is larger than `max` bytes. Caller frees *out.
 */
int ax_read_file(char **out, size_t *len, const char *path, size_t max,
		 struct ax_err *err);
/* Publishes `n` bytes as `path`: temporary beside it, fsync, rename, fsync. */
int ax_write_file(const char *path, const void *bytes, size_t n,
		  struct ax_err *err);
/* Plain write of a file in a private folder: no fsync, no rename. */
int ax_write_plain(const char *path, const void *bytes, size_t n,
		   struct ax_err *err);
/* Copies a file, as a reflink where the file system can; mode as given. */
/* Whether a copy of an open file, `name` for errors, can fit where `dest` is:
 * 0, or -1 for one that is mostly holes and larger than all that is free there.
 * Copying it would fill the disk first. */
int ax_check_holes(int fd, int dest, const char *name, struct ax_err *err);
int ax_copy_file(const char *from, const char *to, mode_t mode,
		 struct ax_err *err);
/* Writes all n bytes, or fails with errno set. */
int ax_write_all(int fd, const void *bytes, size_t n);
/* mkdir -p. */
int ax_mkdirs(const char *path, struct ax_err *err);
/* rm -rf; does not follow links, does not cross to another file system. A
 * missing path is no error. */
int ax_rmtree(const char *path, struct ax_err *err);
int ax_fsync_dir(const char *path, struct ax_err *err);
bool ax_is_file(const char *path);
bool ax_is_dir(const char *path);
/* "a/b"; an absolute `name` stays as it is. Caller frees. */
char *ax_join(const char *dir, const char *name);
/* "$TMPDIR/NAME.XXXXXX", for mkdtemp; /tmp when TMPDIR is not an absolute
 * path. Caller frees. */
char *ax_tmp_template(const char *name);
/* Folder part ("." if none), last part. Callers free / borrow. */
char *ax_dirname(const char *path);
const char *ax_basename(const char *path);
/* True when a relative path stays below its folder: not absolute, no "..",
 * no empty part, no control characters. */
bool ax_path_is_inside(const char *path);
/* Sorted names in a folder, without "." and "..". Caller frees each and the
 * array. Fails beyond `max` entries. */
int ax_list_dir(char ***out, size_t *n, const char *path, size_t max,
		struct ax_err *err);
void ax_free_list(char **list, size_t n);
/* The program of that name on PATH (or the path itself when it has a slash),
 * with links resolved when `resolve`. NULL when there is none. Caller frees. */
char *ax_which(const char *program, bool resolve);

#endif
