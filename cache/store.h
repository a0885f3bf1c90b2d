/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: bytes under the name of their SHA-256, and action records under
 * their key. Several processes may use one store at once.
 *
 *   version           format of the store
 *   cas/ab/cdef...    objects, read-only; a tree is an object too (see below)
 *   ac/ab/cdef...     action records, JSON
 *   ac/index          copies of records in one file, a shortcut (index.c)
 *   memo              file-stat memo: which bytes a file held, by its stat
 *   work/<key>/       work folders of running, killed and failed nodes
 *   git/              clones of git inputs (pipeline/fetch/fetch_git.c)
 *   locks/<key>       flock files, empty, never the truth about anything
 *   quarantine/       objects found to be corrupt
 *   rebuild/<key>/    both sides of what a rebuild check found (pipeline/)
 *   slurm/<job>/      what was submitted and is not over (pipeline/)
 *   pins/<name>       digests or keys that gc keeps
 *   nodes/<manifest>  what is remembered of each node, for explain (pipeline/)
 *   tools/<digest>    version lines of tools (pipeline/)
 *   stamps/<digest>   null runs that need not be decided again (pipeline/)
 *   runs.git          provenance (pipeline/)
 *   bundles/<name>    manifests and stages of bundles that were run (pipeline/)
 *   tmp/              files on their way into cas/ and ac/
 *
 * A tree (a folder of files) is stored as an object whose text is
 * "axpipe tree 1\n" and then a line "<x|-> <sha256> <path>\n" for each file in
 * byte order of path; x marks an executable. The digest of that text is the
 * digest of the tree. Links and special files are refused.
 */
#ifndef AX_STORE_H
#define AX_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "artifacts/base/err.h"
#include "artifacts/base/hash.h"
#include "artifacts/base/str.h"

struct ax_store;

/* Opens, and creates where needed, the store in `dir`; holds a shared lock on
 * it until closed (gc takes the exclusive one). With `readonly`, nothing is
 * created or written. */
int ax_store_open(struct ax_store **out, const char *dir, bool readonly,
		  struct ax_err *err);
void ax_store_close(struct ax_store *s);
const char *ax_store_dir(const struct ax_store *s);
bool ax_store_readonly(const struct ax_store *s);

/* The time, ns, that a file made in the store now bears; -1 when none can be
 * made. */
int64_t ax_store_clock(struct ax_store *s);

/* Objects ---------------------------------------------------------------- */

/* True when the object is there (for a tree: and all of its files). Cheap. */
bool ax_store_has(struct ax_store *s, const struct ax_digest *d);
/* Puts a file, or with is_dir a tree. Hashes while copying; fsync, rename. */
int ax_store_put(struct ax_store *s, struct ax_digest *out, uint64_t *size,
		 const char *path, bool is_dir, struct ax_err *err);
int ax_store_put_bytes(struct ax_store *s, struct ax_digest *out,
		       const void *bytes, size_t n, struct ax_err *err);
/* Puts bytes as they come. Begin; add; end, which publishes (with `want`, only
 * when the digest is that one, else returns 1 and stores nothing). The handle
 * is gone after ax_put_end and ax_put_drop. */
struct ax_put;
struct ax_put *ax_put_begin(struct ax_store *s, struct ax_err *err);
int ax_put_add(struct ax_put *p, const void *bytes, size_t n,
	       struct ax_err *err);
int ax_put_end(struct ax_put *p, const struct ax_digest *want,
	       struct ax_digest *out, uint64_t *size, struct ax_err *err);
void ax_put_drop(struct ax_put *p);
/* Reads an object of at most `max` bytes, verified. Caller frees. */
int ax_store_get_bytes(struct ax_store *s, const struct ax_digest *d,
		       char **out, size_t *n, size_t max, struct ax_err *err);
/* Lays a private read-only copy (reflink where possible) at `dest`; verifies
 * the bytes on the way. A corrupt object goes to quarantine, and the error
 * says so and which node to run again. */
int ax_store_lay(struct ax_store *s, const struct ax_digest *d, bool tree,
		 const char *dest, struct ax_err *err);
/* Makes the names of everything put so far durable (fsync of folders). Also
 * done before each record, and by ax_store_close. */
int ax_store_sync(struct ax_store *s, struct ax_err *err);
/* Path of the object's file, for read-only use; not verified. Caller frees. */
char *ax_store_path(const struct ax_store *s, const struct ax_digest *d);
/* True when the bytes are those of a tree listing. */
int ax_store_is_tree(struct ax_store *s, const struct ax_digest *d, bool *tree,
		     struct ax_err *err);
/* The digest that ax_store_put would give, without storing. */
int ax_hash_tree(struct ax_digest *out, const char *dir, struct ax_err *err);

/* Action records ---------------------------------------------------------- */

/* A record is a JSON object; its fields are the pipeline's business
 * (pipeline/run/record.h). 1 found, 0 not there (or not readable as JSON: it is
 * then moved to quarantine with a warning), -1 error. */
int ax_store_record_get(struct ax_store *s, const struct ax_digest *key,
			json_t **out, struct ax_err *err);
/* The same with at least those of the record's members that are named (ends
 * with NULL; NULL: all): a run over thousands of nodes need not read what only
 * `explain` looks at. */
int ax_store_record_part(struct ax_store *s, const struct ax_digest *key,
			 const char *const *members, json_t **out,
			 struct ax_err *err);
/* Published whole, after its objects, by temporary, fsync and rename. The
 * store looks at a few members: digests below "outputs", "log" and "object"
 * are objects that the record needs (fsck checks them); "node" names the node
 * in messages; "kind": "fetch" is kept by gc as long as what it names. The
 * member "record_sha256" is the store's own. */
int ax_store_record_put(struct ax_store *s, const struct ax_digest *key,
			const json_t *record, struct ax_err *err);

/* True when there is a file of that record. Cheap. */
bool ax_store_record_there(struct ax_store *s, const struct ax_digest *key);
/* The record as its file has it, verified, without the last newline: to be
 * taken elsewhere. 1 found, 0 not there, -1 error, also of a damaged one.
 * Caller frees. */
int ax_store_record_text(struct ax_store *s, const struct ax_digest *key,
			 char **text, size_t *len, struct ax_err *err);
/* Publishes such a text, after the objects that the caller has put: refused
 * when it is not that key's, or damaged. */
int ax_store_record_import(struct ax_store *s, const struct ax_digest *key,
			   const char *text, size_t len, struct ax_err *err);
/* Whether a text is the undamaged record of that key; -1 with err if not. */
int ax_store_record_check(const struct ax_digest *key, const char *text,
			  size_t len, struct ax_err *err);
/* One object that a record needs. */
struct ax_part {
	struct ax_digest digest;
	char *path; /* "out/<output>", "out/<output>/<file of a tree>",
		     * "axpipe/trees/<output>" (a listing), "axpipe/log" */
	uint64_t size;
	bool listing, exec;
};
/* All of them, as the store has them: files before their listing. Error: one
 * is not there, or the record is no node's. Free with ax_parts_free. */
int ax_store_record_parts(struct ax_store *s, const json_t *record,
			  struct ax_part **out, size_t *n, struct ax_err *err);
void ax_parts_free(struct ax_part *parts, size_t n);
/* True when the bytes are the listing of a tree. */
bool ax_listing_sound(const char *text, size_t n);
/* Puts the listing of a tree whose files are there already. */
int ax_store_put_listing(struct ax_store *s, const char *text, size_t n,
			 struct ax_digest *out, struct ax_err *err);

/* File-stat memo ----------------------------------------------------------- */

/* SHA-256 of a file (or of a tree) that lies outside the store: from the memo
 * when device, inode, size, mtime and ctime are as when it was hashed and are
 * older than the hash by 2 s or more (a file changed within the clock's grain
 * is hashed again). *tree tells which it was. */
int ax_memo_hash(struct ax_store *s, struct ax_digest *out, uint64_t *size,
		 bool *tree, const char *path, struct ax_err *err);
/* The memo itself, for other hashes of outside files: a mirror's packed file is
 * known by the hash of what it unpacks to. */
enum ax_memo_kind { AX_MEMO_BYTES, AX_MEMO_UNPACKED };
bool ax_memo_find(struct ax_store *s, const struct stat *st,
		  enum ax_memo_kind kind, struct ax_digest *out);
/* Remembers a hash of bytes read after `since` (CLOCK_REALTIME), when the file
 * was the same before and after and old enough. */
void ax_memo_learn(struct ax_store *s, const struct stat *before,
		   const struct stat *after, struct timespec since,
		   enum ax_memo_kind kind, const struct ax_digest *d);
/* Writes what was learned; also done by ax_store_close. */
int ax_memo_save(struct ax_store *s, struct ax_err *err);

/* Work folders and locks ----------------------------------------------------
 */

/* Locks a key for one process (flock). wait=false: returns 1 if somebody else
 * holds it. The lock dies with the process. 0 taken, -1 error. */
int ax_lock_key(struct ax_store *s, int *fd, const struct ax_digest *key,
		bool wait, struct ax_err *err);
void ax_unlock(int fd);
/* work/<key>. Caller frees. Not created. */
char *ax_store_workdir(const struct ax_store *s, const struct ax_digest *key);

/* Housekeeping ---------------------------------------------------------------
 */

struct ax_gc_options {
	bool dry_run;
	double min_age; /* seconds; younger records and objects stay */
	/* keys whose records (and their objects) stay; sorted or not */
	const struct ax_digest *roots;
	size_t nroots;
	bool keep_all_records; /* drop only objects that no record names */
	/* More roots, asked for when the store is locked, so that no run can
	 * end unseen in between. *out: freed by gc. May be NULL. */
	int (*find_roots)(void *arg, struct ax_digest **out, size_t *n,
			  struct ax_err *err);
	void *arg;
};

struct ax_gc_result {
	uint64_t records, objects, work, bytes; /* removed, or to be removed */
	uint64_t kept_records, kept_objects, kept_bytes;
};

/* `s` must be opened by this process alone for writing: takes the exclusive
 * lock, and fails with a message when another process uses the store. */
int ax_store_gc(struct ax_store *s, const struct ax_gc_options *o,
		struct ax_gc_result *r, struct ax_err *err);

struct ax_fsck_result {
	uint64_t objects, records, bytes;       /* looked at */
	uint64_t corrupt, missing, bad_records; /* found */
};

/* Hashes every object, reads every record, checks that what records name is
 * there. With `repair`, corrupt objects go to quarantine, and records that
 * name missing objects are dropped, so that the next run makes them again.
 * `report` is called with a line for each finding. */
int ax_store_fsck(struct ax_store *s, bool repair,
		  void (*report)(void *arg, const char *line), void *arg,
		  struct ax_fsck_result *r, struct ax_err *err);

#endif
