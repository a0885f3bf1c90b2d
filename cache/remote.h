/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store that machines share, by the HTTP protocol of Bazel's remote cache:
 *
 *   <base>/cas/<sha256>   bytes under their digest
 *   <base>/ac/<key>       the record of a key, as the JSON of an ActionResult
 *                         (Remote Execution API v2, build.bazel.remote)
 *
 * so that nginx with WebDAV, bazel-remote and their like can hold it. The
 * ActionResult names each object of the record as an output file: outputs by
 * their name (the files of a tree one by one, and the tree's listing), the log
 * as stdout, and the record of the store itself, byte for byte, as
 * "axpipe/record.json".
 *
 * With a key, what is given carries a signature over the key and the record
 * (a DSSE envelope, "axpipe/record.dsse.json"); with trusted keys, nothing is
 * taken that none of them signed, so that not even a server, or a writer, that
 * makes records up can change a result.
 *
 * Nothing that comes is believed: objects by their digest, the record by its
 * seal and its key, sizes by caps. A server that is corrupt, slow, cut off or
 * gone costs time and yields a miss. The first failure is told, and after
 * three in a row the server is left alone until the end.
 */
#ifndef AX_REMOTE_H
#define AX_REMOTE_H

#include "artifacts/base/sign.h"
#include "cache/http.h"
#include "cache/store.h"

struct ax_remote;

struct ax_remote_options {
	struct ax_http_options http;
	bool write;                  /* give as well as take */
	const struct ax_key *key;    /* signs what is given; NULL: none */
	struct ax_key *const *trust; /* keys of which one must have signed */
	size_t ntrust;               /* 0: what is not signed is taken too */
	/* Told of failures, a line each. May be NULL. */
	void (*warn)(void *arg, const char *text);
	void *warn_arg;
};

/* Only the options can be wrong here (2): nothing is sent yet. Keys are
 * borrowed. */
int ax_remote_open(struct ax_remote **out, const struct ax_remote_options *o,
		   struct ax_err *err);
void ax_remote_close(struct ax_remote *r);
void ax_remote_on_warning(struct ax_remote *r,
			  void (*warn)(void *arg, const char *text), void *arg);
/* In a child process after fork. */
void ax_remote_forked(struct ax_remote *r);
/* The address, without credentials. Borrowed. */
const char *ax_remote_name(const struct ax_remote *r);
bool ax_remote_writes(const struct ax_remote *r);
/* False once it was given up. */
bool ax_remote_up(const struct ax_remote *r);

/* Is there a record of the key with all of its objects? Its objects are only
 * asked for (HEAD), and nothing is stored. 1 and the record (new reference), 0
 * no. */
int ax_remote_look(struct ax_remote *r, struct ax_store *s,
		   const struct ax_digest *key, json_t **record);
/* Brings the objects, then the record, into the store. 1 done, 0 it has none
 * that is good. */
int ax_remote_take(struct ax_remote *r, struct ax_store *s,
		   const struct ax_digest *key);
/* Puts the objects of the store's record there, then the record. 1 done, 0
 * not: it failed, it is read-only, or the store lacks something. */
int ax_remote_give(struct ax_remote *r, struct ax_store *s,
		   const struct ax_digest *key);

#endif
