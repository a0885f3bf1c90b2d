/* SPDX-License-Identifier: Apache-2.0 */
/* Packed files and members of archives, by libarchive. */
#include <archive.h>
#include <archive_entry.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/late.h"
#include "pipeline/fetch/fetch.h"

#define BLOCK ((size_t)1 << 16)
#define MAX_MEMBERS 10000000 /* headers looked at */

#define FUNCTIONS(F)                                                           \
	F(archive_entry_filetype)                                              \
	F(archive_entry_hardlink)                                              \
	F(archive_entry_pathname)                                              \
	F(archive_error_string)                                                \
	F(archive_filter_count)                                                \
	F(archive_read_data)                                                   \
	F(archive_read_free)                                                   \
	F(archive_read_new)                                                    \
	F(archive_read_next_header)                                            \
	F(archive_read_open_filename)                                          \
	F(archive_read_support_filter_bzip2)                                   \
	F(archive_read_support_filter_compress)                                \
	F(archive_read_support_filter_gzip)                                    \
	F(archive_read_support_filter_lz4)                                     \
	F(archive_read_support_filter_lzip)                                    \
	F(archive_read_support_filter_lzma)                                    \
	F(archive_read_support_filter_xz)                                      \
	F(archive_read_support_filter_zstd)                                    \
	F(archive_read_support_format_7zip)                                    \
	F(archive_read_support_format_cpio)                                    \
	F(archive_read_support_format_empty)                                   \
	F(archive_read_support_format_gnutar)                                  \
	F(archive_read_support_format_raw)                                     \
	F(archive_read_support_format_tar)                                     \
	F(archive_read_support_format_zip)

static struct {
	FUNCTIONS(AX_LATE_MEMBER)
} lib;

static int
load(struct ax_err *err)
{
	static const char *const names[] = {FUNCTIONS(AX_LATE_NAME)};

	return ax_late_load(&lib, names, AX_LEN(names), "libarchive.so.13",
			    "libarchive13", err);
}

static const char *
why(struct archive *a)
{
	const char *text = lib.archive_error_string(a);

	return text ? text : "it is cut off or damaged";
}

/*
 * Named one by one: among "all" are filters that start other programs, and
 * the mtree format, which reads files of this machine by name.
 */
static void
allow_filters(struct archive *a)
{
	lib.archive_read_support_filter_gzip(a);
	lib.archive_read_support_filter_bzip2(a);
	lib.archive_read_support_filter_compress(a);
	lib.archive_read_support_filter_xz(a);
	lib.archive_read_support_filter_lzma(a);
	lib.archive_read_support_filter_lzip(a);
	lib.archive_read_support_filter_zstd(a);
	lib.archive_read_support_filter_lz4(a);
}

static void
allow_formats(struct archive *a)
{
	lib.archive_read_support_format_tar(a);
	lib.archive_read_support_format_gnutar(a);
	lib.archive_read_support_format_zip(a);
	lib.archive_read_support_format_7zip(a);
	lib.archive_read_support_format_cpio(a);
}

static int
copy(struct archive *a, const char *shown, uint64_t max, ax_sink sink,
     void *arg, struct ax_err *err)
{
	char *buf = ax_malloc(BLOCK);
	uint64_t total = 0;
	la_ssize_t n;
	int rc = 0;

	for (;;) {
		n = lib.archive_read_data(a, buf, BLOCK);
		if (n == 0)
			break;
		if (n == ARCHIVE_RETRY)
			continue;
		if (n < 0) {
			rc = ax_err_set(err, AX_EXIT_ENV,
					"%s: cannot be unpacked: %s", shown,
					why(a));
			break;
		}
		total += (uint64_t)n;
		if (total > max) {
			rc = ax_err_set(err, AX_EXIT_ENV,
					"%s: unpacks to more than %" PRIu64
					" bytes, the limit",
					shown, max);
			break;
		}
		rc = sink(arg, buf, (size_t)n, err);
		if (rc < 0)
			break;
	}
	free(buf);
	return rc;
}

int
ax_unpack_file(const char *path, const char *shown, uint64_t max, ax_sink sink,
	       void *arg, struct ax_err *err)
{
	struct archive_entry *e;
	struct archive *a;
	int rc = -1;

	if (load(err) < 0)
		return -1;
	a = lib.archive_read_new();
	allow_filters(a);
	lib.archive_read_support_format_raw(a);
	lib.archive_read_support_format_empty(a);
	if (lib.archive_read_open_filename(a, path, BLOCK) != ARCHIVE_OK) {
		ax_err_set(err, AX_EXIT_ENV, "%s: cannot be unpacked: %s",
			   shown, why(a));
	} else if (lib.archive_read_next_header(a, &e) != ARCHIVE_OK) {
		ax_err_set(
			err, AX_EXIT_ENV, "%s: cannot be unpacked: %s", shown,
			lib.archive_error_string(a) ? why(a) : "it is empty");
	} else if (lib.archive_filter_count(a) < 2) {
		/* the last of the filters is "none" */
		ax_err_set(err, AX_EXIT_ENV,
			   "%s: is not compressed in any way known here",
			   shown);
	} else {
		rc = copy(a, shown, max, sink, arg, err);
	}
	lib.archive_read_free(a);
	return rc;
}

/* "./a/b" names the same member as "a/b". */
static const char *
plain(const char *name)
{
	while (name[0] == '.' && name[1] == '/')
		for (name += 2; *name == '/'; name++)
			;
	return name;
}

int
ax_unpack_member(const char *path, const char *shown, const char *member,
		 uint64_t max, ax_sink sink, void *arg, struct ax_err *err)
{
	struct archive *a;
	struct archive_entry *e;
	const char *name, *near = NULL;
	char *list[256];
	size_t n = 0, seen, i;
	int rc, done = 0;

	if (!ax_path_is_inside(plain(member)))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "member \"%s\" of %s: a member is a relative "
				  "path without \"..\"",
				  member, shown);
	if (load(err) < 0)
		return -1;
	a = lib.archive_read_new();
	allow_filters(a);
	allow_formats(a);
	if (lib.archive_read_open_filename(a, path, BLOCK) != ARCHIVE_OK) {
		ax_err_set(err, AX_EXIT_ENV, "%s: cannot be unpacked: %s",
			   shown, why(a));
		lib.archive_read_free(a);
		return -1;
	}
	for (seen = 0; !done; seen++) {
		rc = lib.archive_read_next_header(a, &e);
		if (rc == ARCHIVE_RETRY)
			continue;
		if (rc == ARCHIVE_EOF)
			break;
		if ((rc != ARCHIVE_OK && rc != ARCHIVE_WARN) ||
		    seen > MAX_MEMBERS) {
			ax_err_set(err, AX_EXIT_ENV,
				   "%s: cannot be unpacked: %s", shown,
				   seen > MAX_MEMBERS ? "too many members"
						      : why(a));
			done = -1;
			break;
		}
		name = lib.archive_entry_pathname(e);
		if (!name)
			continue;
		if (strcmp(plain(name), plain(member)) != 0) {
			if (n < AX_LEN(list))
				list[n++] = ax_strdup(plain(name));
			continue;
		}
		if (lib.archive_entry_filetype(e) != AE_IFREG ||
		    lib.archive_entry_hardlink(e)) {
			ax_err_set(err, AX_EXIT_ENV,
				   "member \"%s\" of %s is a link, a folder or "
				   "a special file; name a regular file",
				   member, shown);
			done = -1;
			break;
		}
		done = copy(a, shown, max, sink, arg, err) < 0 ? -1 : 1;
	}
	if (!done) {
		near = ax_nearest(member, (const char *const *)list, n);
		ax_err_set(err, AX_EXIT_ENV,
			   "%s: has no member \"%s\" (%zu members%s%s%s)",
			   shown, member, seen, near ? "; did you mean \"" : "",
			   near ? near : "", near ? "\"?" : "");
	}
	for (i = 0; i < n; i++)
		free(list[i]);
	lib.archive_read_free(a);
	return done == 1 ? 0 : -1;
}
