/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inputs into the store: files, addresses, members of archives, paths of git
 * repositories (docs/manifest.md, "Inputs"). What is fixed by hash is looked
 * for in the store, then in the mirrors, then on the network; whatever comes
 * is hashed before it counts.
 *
 * Exit codes of errors: 3 for everything that the world outside gave (not
 * there, not reachable, other bytes than the hash says), 2 for what the
 * manifest got wrong (a member name that leaves its archive, no hash).
 */
#ifndef AX_FETCH_H
#define AX_FETCH_H

#include "cache/store.h"
#include "pipeline/manifest/graph.h"

#define AX_FETCH_MAX (UINT64_C(4) << 30) /* bytes, where no size is given */

struct ax_fetch_options {
	const char *const *mirrors; /* folders */
	size_t nmirrors;
	bool offline;         /* no network; file:// and local git stay */
	uint64_t max;         /* cap on a download; 0: AX_FETCH_MAX */
	long connect_timeout; /* seconds; 0: 30 */
	long stall_timeout;   /* seconds without a byte; 0: 60 */
	int tries;            /* of a download that fails in passing; 0: 3 */
	/* Called now and then; total 0: not known. Not 0 stops the fetch. */
	int (*progress)(void *arg, const char *what, uint64_t done,
			uint64_t total);
	void *arg;
};

/*
 * Brings a source into the store. *tree: it is a folder. Also writes the memo
 * and syncs the store, so that a child process may do it and leave.
 */
int ax_fetch(struct ax_store *s, const struct ax_source *src,
	     const struct ax_fetch_options *o, struct ax_digest *out,
	     bool *tree, struct ax_err *err);
/*
 * The digest of a source as far as it is known without looking at mirrors or
 * the network: 1 known, 0 not, -1 error. A file is hashed (memo); a pinned
 * source has its pin; a git path that was fetched before has its record.
 * Whether the store holds the bytes is another question. *tree is only valid
 * for files and where the store holds the object.
 */
int ax_fetch_known(struct ax_store *s, const struct ax_source *src,
		   struct ax_digest *out, bool *tree, struct ax_err *err);

/* mirror.c ----------------------------------------------------------------- */

/* Puts the file with that digest into the store, from the first mirror that
 * has it, plain or packed as .gz or .xz. `size` of the bytes when known, else
 * 0. 1 found, 0 not there, -1 error. */
int ax_mirror_find(struct ax_store *s, const char *const *mirrors,
		   size_t nmirrors, const struct ax_digest *d, uint64_t size,
		   struct ax_err *err);
/* True when a mirror says (SHA256SUMS) or shows (hash) that it holds the
 * bytes; they are verified only when they are taken. */
bool ax_mirror_has(struct ax_store *s, const char *const *mirrors,
		   size_t nmirrors, const struct ax_digest *d, uint64_t size);

/* fetch_url.c, fetch_git.c --------------------------------------------------
 */

/* What lies at an address, at most `max` bytes, into the store; with `want`
 * only when it has that digest. *out is what came, stored or not. */
int ax_fetch_url(struct ax_store *s, const char *url, uint64_t max,
		 const struct ax_digest *want, const struct ax_fetch_options *o,
		 struct ax_digest *out, uint64_t *size, struct ax_err *err);
/* A file or folder of a repository at a commit. */
int ax_fetch_git(struct ax_store *s, const char *url, const char *rev,
		 const char *path, const struct ax_fetch_options *o,
		 struct ax_digest *out, bool *tree, struct ax_err *err);
/* The record under which a fetched git path, or the archive at an address, is
 * remembered. path NULL: an address. */
struct ax_digest ax_fetch_key(const char *url, const char *rev,
			      const char *path);
/* True for an address that needs no network. */
bool ax_fetch_is_local(const char *url);

/* fetch_archive.c -----------------------------------------------------------
 */

/* Takes bytes as they are unpacked. */
typedef int (*ax_sink)(void *arg, const void *bytes, size_t n,
		       struct ax_err *err);
/* The bytes of a compressed single file (gzip, bzip2, xz, zstd, lz4, ...). An
 * uncompressed file is an error, as are damaged and cut-off ones and more than
 * `max` bytes. */
int ax_unpack_file(const char *path, const char *shown, uint64_t max,
		   ax_sink sink, void *arg, struct ax_err *err);
/* The bytes of one member of an archive. Nothing is written anywhere but to
 * the sink, so an archive cannot reach outside. */
int ax_unpack_member(const char *path, const char *shown, const char *member,
		     uint64_t max, ax_sink sink, void *arg, struct ax_err *err);

#endif
