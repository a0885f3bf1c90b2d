/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the store: what its files share with each other and with nobody else.
 * A store belongs to one thread.
 */
#ifndef AX_STORE_PRIVATE_H
#define AX_STORE_PRIVATE_H

#include <sys/stat.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "cache/store.h"

#define AX_TREE_HEAD "axpipe tree 1\n"
#define AX_TREE_HEAD_LEN (sizeof(AX_TREE_HEAD) - 1)
#define AX_TREE_MAX ((size_t)512 << 20)  /* bytes of a listing */
#define AX_RECORD_MAX ((size_t)16 << 20) /* bytes of a record */

/* The two rooms that are spread over 256 folders by the first byte. */
enum ax_room { AX_CAS, AX_AC, AX_NROOMS };

/* A growing set of digests. */
struct ax_set {
	struct ax_digest *slots;
	bool *used;
	size_t n, cap;
};
struct ax_memo;
struct ax_record_index;

struct ax_store {
	char *dir;
	bool readonly;
	/* the file system shows every file as executable (FAT, NTFS), so that
	 * the mark of listings says nothing */
	bool unmarked;
	int fd;              /* of dir; carries the flock */
	int room[AX_NROOMS]; /* cas/ and ac/; -1 where a read-only store has
				none */
	int tmp;             /* tmp/ */
	/* folders that got a new name since they were last synced */
	bool dirty[AX_NROOMS][256], dirty_room[AX_NROOMS];
	/* objects that were found here: their folders were marked dirty when
	 * they were first seen, and need not be again */
	struct ax_set seen;
	uint64_t counter; /* for names in tmp/ */
	struct ax_memo *memo;
	struct ax_record_index *index;
	size_t record_reads; /* how many records this process asked for */
};

/* "ab/cdef...", the place of a digest in its room. Returns out. */
#define AX_REL_LEN (AX_HEX_LEN + 1)
char *ax_rel(char out[AX_REL_LEN + 1], const struct ax_digest *d);

/* An errno met while writing or reading the store, said with what to do. */
int ax_store_error(const struct ax_store *s, struct ax_err *err,
		   const char *what, const char *name);
/* Fails with a message when the store was opened read-only. */
int ax_store_writable(const struct ax_store *s, struct ax_err *err);

/* A file on its way in. `name` is its name in tmp/. */
struct ax_temp {
	int fd;
	char name[64];
};
int ax_temp_open(struct ax_store *s, struct ax_temp *t, struct ax_err *err);
/* Closes and removes it; harmless when it was published or never opened. */
void ax_temp_drop(struct ax_store *s, struct ax_temp *t);
/* fsync unless `synced`, mode, rename into its room; the folder is noted for
 * ax_store_sync. Ends the temporary either way. */
int ax_temp_publish(struct ax_store *s, struct ax_temp *t, enum ax_room room,
		    const struct ax_digest *d, mode_t mode, bool synced,
		    struct ax_err *err);

/* cas.c ------------------------------------------------------------------ */

/* Copies what `fd` still has to give into a temporary, hashing it; t->fd is -1
 * afterwards when the store has the object already. */
int ax_cas_take(struct ax_store *s, int fd, const char *path, struct ax_temp *t,
		struct ax_digest *out, uint64_t *size, struct ax_err *err);
/* As ax_store_put_bytes; a tree listing is marked by its execute bits, so that
 * ax_store_has need not read every object. */
int ax_cas_put_bytes(struct ax_store *s, struct ax_digest *out,
		     const void *bytes, size_t n, bool tree,
		     struct ax_err *err);
int ax_cas_lay(struct ax_store *s, const struct ax_digest *d, const char *dest,
	       mode_t mode, struct ax_err *err);
/* Moves a corrupt object away and says so. Always returns -1. */
int ax_cas_quarantine(struct ax_store *s, const struct ax_digest *d,
		      const struct ax_digest *found, struct ax_err *err);

/* tree.c ----------------------------------------------------------------- */

struct ax_tree_file {
	char *path; /* below the tree */
	bool exec;
	struct ax_digest digest;
	struct stat st; /* when it comes from a walk */
};

struct ax_tree {
	struct ax_tree_file *files; /* in byte order of path */
	size_t n, cap;
};

void ax_tree_free(struct ax_tree *t);
/* The files below a folder, without digests. */
int ax_tree_walk(struct ax_tree *t, const char *dir, struct ax_err *err);
int ax_tree_parse(struct ax_tree *t, const char *text, size_t len,
		  const char *name, struct ax_err *err);
void ax_tree_text(struct ax_str *out, const struct ax_tree *t);
/* Reads a listing without verifying it. 1 a tree, 0 something else or absent,
 * -1 error. */
int ax_tree_peek(struct ax_store *s, const struct ax_digest *d,
		 struct ax_tree *out, struct ax_err *err);

/* record.c --------------------------------------------------------------- */

/* The text of a record's file, verified. 1 found, 0 absent, -1 error; -2 it is
 * there and bad, and `err` says how. */
int ax_record_text(struct ax_store *s, const struct ax_digest *key, char **text,
		   size_t *len, struct ax_err *err);
/* Judges a text (without its last newline) by its checksum, which is over the
 * key too. */
int ax_record_sound(const struct ax_digest *key, const char *text, size_t len,
		    struct ax_err *err);
/* The JSON value of a verified text, without the store's own member; with
 * `members`, only those of it (NULL: all). */
json_t *ax_record_parse(const char *text, size_t len,
			const char *const *members);
/* Calls fn for each string of a value. */
void ax_json_strings(const json_t *v, void (*fn)(void *arg, const char *text),
		     void *arg);
/* Calls fn for each object that a record needs: the digests in its members
 * "outputs" (at any depth), "log" and "object". */
void ax_record_objects(const json_t *record,
		       void (*fn)(void *arg, const struct ax_digest *d),
		       void *arg);
/* The node whose record names this object, or NULL. Slow. Caller frees. */
char *ax_record_maker(struct ax_store *s, const struct ax_digest *d);

/* index.c ---------------------------------------------------------------- */

/* 1 and the text, borrowed until the next is asked for, when the index has the
 * record. */
int ax_record_index_find(struct ax_store *s, const struct ax_digest *key,
			 const char **text, size_t *len);
/* Notes a record that was written, or read from its file. */
void ax_record_index_note(struct ax_store *s, const struct ax_digest *key,
			  const char *text, size_t len);
/* Appends what was noted. Best effort: the index is only a shortcut. */
void ax_record_index_save(struct ax_store *s);
/* Forgets it and removes its file: records were removed. */
void ax_record_index_drop(struct ax_store *s);
void ax_record_index_free(struct ax_record_index *x);

/* memo.c ----------------------------------------------------------------- */

void ax_memo_free(struct ax_memo *m);

/* Walking rooms ---------------------------------------------------------- */

/* Calls fn for every entry of a room in sorted order; `d` is NULL where the
 * name is not a digest. Stops when fn returns non-zero, and returns that. */
int ax_room_walk(struct ax_store *s, enum ax_room room,
		 int (*fn)(void *arg, const struct ax_digest *d,
			   const char *rel),
		 void *arg, struct ax_err *err);
/* True when it was not in the set before. */
bool ax_set_add(struct ax_set *set, const struct ax_digest *d);
bool ax_set_has(const struct ax_set *set, const struct ax_digest *d);
void ax_set_free(struct ax_set *set);

#endif
