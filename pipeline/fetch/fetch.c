/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/fetch/fetch.h"

#include <errno.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"

struct ax_digest
ax_fetch_key(const char *url, const char *rev, const char *path)
{
	struct ax_sha *sha = ax_sha_new();
	const char *kind = path ? "axpipe git 1" : "axpipe url 1";

	/* with their ends, so that no two triples run together */
	ax_sha_add(sha, kind, strlen(kind) + 1);
	ax_sha_add(sha, url, strlen(url) + 1);
	if (path) {
		ax_sha_add(sha, rev, strlen(rev) + 1);
		ax_sha_add(sha, path, strlen(path) + 1);
	}
	return ax_sha_end(sha);
}

static int
wrong_hash(const struct ax_source *src, const char *what,
	   const struct ax_digest *found, struct ax_err *err)
{
	char want[AX_HEX_LEN + 1], is[AX_HEX_LEN + 1];

	return ax_err_set(err, AX_EXIT_ENV,
			  "%s: wrong hash\n  expected SHA-256 %s\n  found    "
			  "SHA-256 %s\nEither the bytes changed at their "
			  "source, or the manifest states the wrong hash; "
			  "nothing was stored",
			  what, ax_hex(want, &src->sha256), ax_hex(is, found));
}

/* 1 and the object that a fetch left, when it did. */
static int
recall(struct ax_store *s, const struct ax_digest *key, struct ax_digest *out,
       bool *tree, struct ax_err *err)
{
	const char *hex;
	json_t *r;
	int rc = ax_store_record_get(s, key, &r, err);

	if (rc == 1) {
		hex = json_string_value(json_object_get(r, "object"));
		rc = hex && ax_unhex(out, hex) == 0;
		*tree = json_is_true(json_object_get(r, "tree"));
		json_decref(r);
	}
	return rc;
}

static int
remember(struct ax_store *s, const struct ax_digest *key, const char *url,
	 const char *rev, const char *path, const struct ax_digest *object,
	 bool tree, struct ax_err *err)
{
	char hex[AX_HEX_LEN + 1];
	json_t *r = json_object();
	int rc;

	json_object_set_new(r, "kind", json_string("fetch"));
	json_object_set_new(r, "url", json_string(url));
	if (path) {
		json_object_set_new(r, "rev", json_string(rev));
		json_object_set_new(r, "path", json_string(path));
	}
	json_object_set_new(r, "object", json_string(ax_hex(hex, object)));
	json_object_set_new(r, "tree", json_boolean(tree));
	rc = ax_store_record_put(s, key, r, err);
	json_decref(r);
	return rc;
}

/* Files -------------------------------------------------------------------- */

static int
fetch_file(struct ax_store *s, const struct ax_source *src,
	   const struct ax_fetch_options *o, struct ax_digest *out, bool *tree,
	   struct ax_err *err)
{
	int rc;

	if (src->pinned && access(src->path, F_OK) < 0 && errno == ENOENT) {
		/* its hash is all that is needed */
		*out = src->sha256;
		if (ax_store_has(s, out))
			return ax_store_is_tree(s, out, tree, err);
		rc = ax_mirror_find(s, o->mirrors, o->nmirrors, out, src->size,
				    err);
		*tree = false;
		if (rc == 1)
			return 0;
		if (rc < 0)
			return -1;
	}
	if (ax_memo_hash(s, out, NULL, tree, src->path, err) < 0)
		return -1;
	if (src->pinned && !ax_digest_eq(out, &src->sha256))
		return wrong_hash(src, src->path, out, err);
	if (ax_store_has(s, out))
		return 0;
	/* it may change while it is copied: what was copied counts */
	if (ax_store_put(s, out, NULL, src->path, *tree, err) < 0)
		return -1;
	if (src->pinned && !ax_digest_eq(out, &src->sha256))
		return wrong_hash(src, src->path, out, err);
	return 0;
}

/* Addresses ---------------------------------------------------------------- */

static int
into_put(void *arg, const void *bytes, size_t n, struct ax_err *err)
{
	return ax_put_add(arg, bytes, n, err);
}

/* What is wanted from the downloaded object, into the store. 0 done, 1 it has
 * another hash (*found), -1 error. */
static int
unpack(struct ax_store *s, const struct ax_source *src,
       const struct ax_digest *archive, struct ax_digest *found,
       struct ax_err *err)
{
	char *path = ax_store_path(s, archive);
	uint64_t max = src->size ? src->size : AX_FETCH_MAX;
	struct ax_put *put = ax_put_begin(s, err);
	int rc = -1;

	if (put) {
		if (src->member && src->member[0])
			rc = ax_unpack_member(path, src->url, src->member, max,
					      into_put, put, err);
		else
			rc = ax_unpack_file(path, src->url, max, into_put, put,
					    err);
		if (rc < 0)
			ax_put_drop(put);
		else
			rc = ax_put_end(put, &src->sha256, found, NULL, err);
	}
	free(path);
	return rc;
}

static bool
is_packed(const struct ax_source *src)
{
	return src->decompress || (src->member && src->member[0]);
}

/* The archive is kept as an object of its own: other members of it may be
 * wanted as well. It is only a cache; gc drops it. */
static int
fetch_packed(struct ax_store *s, const struct ax_source *src,
	     const struct ax_fetch_options *o, struct ax_err *err)
{
	struct ax_digest key = ax_fetch_key(src->url, NULL, NULL), archive;
	struct ax_digest found;
	bool tree, known;
	int lock, rc;

	if (ax_lock_key(s, &lock, &key, true, err) < 0)
		return -1;
	known = recall(s, &key, &archive, &tree, NULL) == 1 &&
		ax_store_has(s, &archive);
	/* an old download that does not fit is fetched again */
	rc = known ? unpack(s, src, &archive, &found, NULL) : 1;
	if (rc != 0) {
		ax_err_clear(err);
		rc = -1;
		if (o->offline && !ax_fetch_is_local(src->url))
			ax_err_set(err, AX_EXIT_ENV,
				   "%s: not at hand, and --offline forbids the "
				   "network",
				   src->url);
		else if (ax_fetch_url(s, src->url,
				      o->max ? o->max : AX_FETCH_MAX, NULL, o,
				      &archive, NULL, err) == 0 &&
			 remember(s, &key, src->url, NULL, NULL, &archive,
				  false, err) == 0)
			rc = unpack(s, src, &archive, &found, err);
		if (rc == 1) {
			char *what = ax_asprintf(
				"%s%s%s", src->url,
				src->member && src->member[0] ? ", member "
							      : ", unpacked",
				src->member ? src->member : "");

			rc = wrong_hash(src, what, &found, err);
			free(what);
		}
	}
	ax_unlock(lock);
	return rc;
}

static int
fetch_plain(struct ax_store *s, const struct ax_source *src,
	    const struct ax_fetch_options *o, struct ax_err *err)
{
	const struct ax_digest *out = &src->sha256;
	uint64_t max = o->max ? o->max : AX_FETCH_MAX, size;
	struct ax_digest found;

	if (src->size)
		max = src->size;
	if (ax_fetch_url(s, src->url, max, out, o, &found, &size, err) < 0)
		return -1;
	if (ax_digest_eq(&found, &src->sha256))
		return 0;
	wrong_hash(src, src->url, &found, err);
	if (src->size && size != src->size)
		ax_err_wrap(err,
			    "%s: %" PRIu64 " bytes came, the manifest states "
			    "%" PRIu64,
			    src->url, size, src->size);
	return -1;
}

/* From the store or a mirror. 1 there, 0 not, -1 error. */
static int
at_hand(struct ax_store *s, const struct ax_fetch_options *o,
	const struct ax_digest *d, uint64_t size, bool *tree,
	struct ax_err *err)
{
	int rc;

	*tree = false;
	if (ax_store_has(s, d))
		return ax_store_is_tree(s, d, tree, err) < 0 ? -1 : 1;
	rc = ax_mirror_find(s, o->mirrors, o->nmirrors, d, size, err);
	return rc;
}

static void
say_offline(const struct ax_source *src, const struct ax_fetch_options *o,
	    struct ax_err *err)
{
	char hex[AX_HEX_LEN + 1];

	ax_err_set(err, AX_EXIT_ENV,
		   "%s: --offline forbids the network, and neither the store "
		   "nor %s holds bytes with SHA-256 %s; run once without "
		   "--offline, or give --mirror DIR",
		   src->url,
		   o->nmirrors == 0   ? "a mirror (none is given)"
		   : o->nmirrors == 1 ? o->mirrors[0]
				      : "any of the mirrors",
		   ax_hex(hex, &src->sha256));
}

static int
fetch_address(struct ax_store *s, const struct ax_source *src,
	      const struct ax_fetch_options *o, struct ax_digest *out,
	      bool *tree, struct ax_err *err)
{
	int rc;

	if (!src->pinned)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "%s: an address needs the SHA-256 of its "
				  "bytes (\"sha256\")",
				  src->url);
	*out = src->sha256;
	rc = at_hand(s, o, out, src->size, tree, err);
	*tree = false;
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (o->offline && !ax_fetch_is_local(src->url) && !is_packed(src)) {
		say_offline(src, o, err);
		return -1;
	}
	rc = is_packed(src) ? fetch_packed(s, src, o, err)
			    : fetch_plain(s, src, o, err);
	if (rc < 0 && o->offline && !ax_fetch_is_local(src->url))
		say_offline(src, o, err);
	return rc;
}

/* Git ---------------------------------------------------------------------- */

static int
fetch_repository(struct ax_store *s, const struct ax_source *src,
		 const struct ax_fetch_options *o, struct ax_digest *out,
		 bool *tree, struct ax_err *err)
{
	const char *path = src->path ? src->path : "";
	struct ax_digest key = ax_fetch_key(src->url, src->rev, path);
	int rc;

	if (src->pinned) {
		*out = src->sha256;
		rc = at_hand(s, o, out, src->size, tree, err);
		if (rc != 0)
			return rc < 0 ? -1 : 0;
	} else {
		rc = recall(s, &key, out, tree, err);
		if (rc < 0)
			return -1;
		if (rc == 1 && ax_store_has(s, out))
			return 0;
		if (rc == 1 && !*tree &&
		    ax_mirror_find(s, o->mirrors, o->nmirrors, out, 0, err) ==
			    1)
			return 0;
	}
	if (ax_fetch_git(s, src->url, src->rev, path, o, out, tree, err) < 0)
		return -1;
	if (src->pinned && !ax_digest_eq(out, &src->sha256)) {
		char *what = ax_asprintf("git %s, %s at %.12s", src->url, path,
					 src->rev);

		rc = wrong_hash(src, what, out, err);
		free(what);
		return rc;
	}
	return remember(s, &key, src->url, src->rev, path, out, *tree, err);
}

int
ax_fetch(struct ax_store *s, const struct ax_source *src,
	 const struct ax_fetch_options *o, struct ax_digest *out, bool *tree,
	 struct ax_err *err)
{
	static const struct ax_fetch_options none;
	int rc = -1;

	if (!o)
		o = &none;
	*tree = false;
	switch (src->kind) {
	case AX_SOURCE_FILE:
		rc = fetch_file(s, src, o, out, tree, err);
		break;
	case AX_SOURCE_URL:
		rc = fetch_address(s, src, o, out, tree, err);
		break;
	case AX_SOURCE_GIT:
		rc = fetch_repository(s, src, o, out, tree, err);
		break;
	}
	(void)ax_memo_save(s, NULL);
	if (rc == 0)
		rc = ax_store_sync(s, err);
	return rc;
}

int
ax_fetch_known(struct ax_store *s, const struct ax_source *src,
	       struct ax_digest *out, bool *tree, struct ax_err *err)
{
	struct ax_digest key;

	*tree = false;
	if (src->kind == AX_SOURCE_FILE &&
	    (!src->pinned || access(src->path, F_OK) == 0)) {
		if (ax_memo_hash(s, out, NULL, tree, src->path, err) < 0)
			return -1;
		if (src->pinned && !ax_digest_eq(out, &src->sha256))
			return wrong_hash(src, src->path, out, err);
		return 1;
	}
	if (src->pinned) {
		*out = src->sha256;
		if (src->kind != AX_SOURCE_URL && ax_store_has(s, out))
			return ax_store_is_tree(s, out, tree, err) < 0 ? -1 : 1;
		return 1;
	}
	if (src->kind != AX_SOURCE_GIT)
		return 0;
	key = ax_fetch_key(src->url, src->rev, src->path ? src->path : "");
	return recall(s, &key, out, tree, err);
}
