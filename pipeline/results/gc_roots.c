/* SPDX-License-Identifier: Apache-2.0 */
#include <git2.h>
#include <jansson.h>

#include "artifacts/base/io.h"
#include "pipeline/fetch/gitlib.h"
#include "pipeline/results/gc_roots.h"

struct roots {
	git_repository *repo;
	struct ax_digest *keys;
	size_t n, cap;
	git_oid *seen; /* lock.json blobs already read */
	size_t nseen, cseen;
	const char *dir;
	struct ax_err *err;
};

static int
fail(struct roots *r, const char *what)
{
	const git_error *e = git_error_last();

	return ax_err_set(r->err, AX_EXIT_ENV,
			  "%s: %s: %s; nothing was removed (--all does not "
			  "look at past runs)",
			  r->dir, what,
			  e && e->message ? e->message : "unknown reason");
}

static int
read_lock(struct roots *r, const git_oid *id)
{
	git_blob *blob = NULL;
	struct ax_digest key;
	const char *name;
	json_t *lock, *node;
	int rc;

	/* a run that changed nothing has the lock of the one before */
	for (size_t i = r->nseen; i-- > 0;)
		if (git_oid_equal(&r->seen[i], id))
			return 0;
	AX_GROW(r->seen, r->nseen, r->cseen);
	r->seen[r->nseen++] = *id;
	rc = git_blob_lookup(&blob, r->repo, id);
	if (rc == GIT_ENOTFOUND)
		return 0;
	if (rc < 0)
		return fail(r, "lock.json of a run cannot be read");
	lock = json_loadb(git_blob_rawcontent(blob),
			  (size_t)git_blob_rawsize(blob), 0, NULL);
	git_blob_free(blob);
	if (!lock)
		return ax_err_set(r->err, AX_EXIT_ENV,
				  "%s: lock.json of a run is not JSON; nothing "
				  "was removed",
				  r->dir);
	json_object_foreach(json_object_get(lock, "nodes"), name, node)
	{
		const char *hex =
			json_string_value(json_object_get(node, "key"));

		if (hex && ax_unhex(&key, hex) == 0) {
			AX_GROW(r->keys, r->n, r->cap);
			r->keys[r->n++] = key;
		}
	}
	json_decref(lock);
	return 0;
}

static int
read_commit(struct roots *r, const git_commit *c)
{
	const git_tree_entry *e;
	git_tree *t = NULL;
	int rc = git_commit_tree(&t, c);

	if (rc < 0)
		return rc == GIT_ENOTFOUND ? 0
					   : fail(r, "a run cannot be read");
	e = git_tree_entry_byname(t, "lock.json");
	rc = e ? read_lock(r, git_tree_entry_id(e)) : 0;
	git_tree_free(t);
	return rc;
}

static int
read_branch(struct roots *r, const char *ref, size_t last)
{
	git_commit *c = NULL, *parent;
	git_oid id;
	size_t n = 0;
	int rc = git_reference_name_to_id(&id, r->repo, ref);

	if (rc == 0)
		rc = git_commit_lookup(&c, r->repo, &id);
	if (rc < 0)
		return fail(r, ref);
	/* the newest first; what `fsck --repair` took away is an end */
	while (c && rc == 0 && (!last || n++ < last)) {
		int got;

		rc = read_commit(r, c);
		parent = NULL;
		got = git_commit_parent(&parent, c, 0);
		if (rc == 0 && got < 0 && got != GIT_ENOTFOUND)
			rc = fail(r, ref);
		git_commit_free(c);
		c = parent;
	}
	git_commit_free(c);
	return rc;
}

int
ax_gc_roots(const char *store, size_t last, struct ax_digest **out, size_t *n,
	    struct ax_err *err)
{
	struct roots r;
	git_strarray refs = {NULL, 0};
	char *dir = ax_join(store, "runs.git");
	size_t i;
	int rc = 0;

	memset(&r, 0, sizeof(r));
	r.dir = dir;
	r.err = err;
	*out = NULL;
	*n = 0;
	if (!ax_is_dir(dir)) {
		free(dir);
		return 0;
	}
	ax_git_start();
	if (git_repository_open_bare(&r.repo, dir) < 0)
		rc = fail(&r, "cannot be opened");
	else if (git_reference_list(&refs, r.repo) < 0)
		rc = fail(&r, "its branches cannot be listed");
	for (i = 0; i < refs.count && rc == 0; i++)
		rc = read_branch(&r, refs.strings[i], last);
	git_strarray_dispose(&refs);
	git_repository_free(r.repo);
	git_libgit2_shutdown();
	free(r.seen);
	free(dir);
	if (rc < 0) {
		free(r.keys);
		return -1;
	}
	*out = r.keys;
	*n = r.n;
	return 0;
}
