/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Git inputs, by libgit2. Each address has a bare repository of its own in the
 * store, git/<hash of the address>, to which commits are added as they are
 * asked for; only one process at a time works on it (flock on its key).
 */
#include <git2.h>
#include <sys/stat.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/fetch/fetch.h"
#include "pipeline/fetch/gitlib.h"

#define MAX_DEPTH 64
#define MAX_FILES 1000000

/* libgit2 1.5 does not free what it matches addresses with; asked for by the
 * leak check of gcc's and clang's AddressSanitizer alone. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:libpcre2\n";
}

struct job {
	const char *url, *rev, *path;
	const struct ax_fetch_options *o;
	bool stopped;
	unsigned asked; /* for credentials */
	/* writing out a folder */
	git_repository *repo;
	size_t files;
	uint64_t bytes, max;
	struct ax_err *err;
};

static const char *
why(void)
{
	const git_error *e = git_error_last();

	return e && e->message ? e->message : "unknown reason";
}

static int
on_progress(const git_indexer_progress *p, void *arg)
{
	struct job *j = arg;

	if (j->o->progress &&
	    j->o->progress(j->o->arg, j->url, p->received_objects,
			   p->total_objects) != 0) {
		j->stopped = true;
		return -1;
	}
	return 0;
}

/* No passwords are kept or asked for: an ssh agent, or what is public. */
static int
on_credential(git_credential **out, const char *url, const char *user,
	      unsigned allowed, void *arg)
{
	struct job *j = arg;

	(void)url;
	if ((allowed & GIT_CREDENTIAL_SSH_KEY) && j->asked++ == 0)
		return git_credential_ssh_key_from_agent(out,
							 user ? user : "git");
	return GIT_EAUTH;
}

static bool
has_commit(git_repository *repo, const git_oid *id)
{
	git_commit *c = NULL;
	bool there = git_commit_lookup(&c, repo, id) == 0;

	git_commit_free(c);
	return there;
}

static int
fetch_specs(git_remote *remote, struct job *j, char **specs, size_t n)
{
	git_strarray list = {specs, n};
	git_fetch_options o;

	git_fetch_options_init(&o, GIT_FETCH_OPTIONS_VERSION);
	o.proxy_opts.type = GIT_PROXY_AUTO;
	o.callbacks.transfer_progress = on_progress;
	o.callbacks.credentials = on_credential;
	o.callbacks.payload = j;
	o.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	o.update_fetchhead = 0;
	j->asked = 0;
	return git_remote_fetch(remote, &list, &o, NULL);
}

/* The commit alone where the server gives it away, else all branches and tags;
 * an unnamed commit of some servers comes only the first way. */
static int
fetch_commit(git_repository *repo, struct job *j, const git_oid *id,
	     struct ax_err *err)
{
	char *one[1], *all[2] = {(char *)"+refs/heads/*:refs/heads/*",
				 (char *)"+refs/tags/*:refs/tags/*"};
	git_remote *remote = NULL;
	char *reason = NULL;
	int rc;

	if (git_remote_create_anonymous(&remote, repo, j->url) < 0)
		return ax_err_set(err, AX_EXIT_ENV, "git %s: %s", j->url,
				  why());
	one[0] = ax_asprintf("+%s:refs/axpipe/%s", j->rev, j->rev);
	rc = fetch_specs(remote, j, one, 1);
	free(one[0]);
	if ((rc < 0 || !has_commit(repo, id)) && !j->stopped) {
		rc = fetch_specs(remote, j, all, 2);
		if (rc < 0)
			reason = ax_strdup(why());
	}
	git_remote_free(remote);
	if (j->stopped) {
		free(reason);
		return ax_err_set(err, AX_EXIT_INTERRUPTED, "git %s: stopped",
				  j->url);
	}
	if (has_commit(repo, id)) {
		free(reason);
		return 0;
	}
	if (reason)
		ax_err_set(err, AX_EXIT_ENV, "git %s: cannot be fetched: %s%s",
			   j->url, reason,
			   ax_fetch_is_local(j->url)
				   ? ""
				   : "; check the network, or pin the input "
				     "with sha256 and give a folder that holds "
				     "it with --mirror DIR");
	else
		ax_err_set(err, AX_EXIT_ENV,
			   "git %s: has no commit %s on any branch or tag",
			   j->url, j->rev);
	free(reason);
	return -1;
}

static int
refuse(const struct job *j, const char *path, const char *what)
{
	return ax_err_set(j->err, AX_EXIT_ENV,
			  "git %s: %s at commit %.12s is %s; an input is a "
			  "file, or a folder of files",
			  j->url, path[0] ? path : "the root", j->rev, what);
}

static int
check_mode(const struct job *j, git_filemode_t mode, const char *path)
{
	switch (mode) {
	case GIT_FILEMODE_TREE:
	case GIT_FILEMODE_BLOB:
	case GIT_FILEMODE_BLOB_EXECUTABLE:
		return 0;
	case GIT_FILEMODE_LINK:
		return refuse(j, path, "a symbolic link");
	case GIT_FILEMODE_COMMIT:
		return refuse(j, path, "a submodule");
	default:
		return refuse(j, path, "of an unknown kind");
	}
}

static int
load_blob(struct job *j, const git_oid *id, const char *path, git_blob **out)
{
	if (git_blob_lookup(out, j->repo, id) < 0)
		return ax_err_set(j->err, AX_EXIT_ENV, "git %s: %s: %s", j->url,
				  path, why());
	j->bytes += (uint64_t)git_blob_rawsize(*out);
	if (j->bytes <= j->max)
		return 0;
	git_blob_free(*out);
	*out = NULL;
	return ax_err_set(j->err, AX_EXIT_ENV,
			  "git %s: %s: more than %" PRIu64 " bytes, the limit",
			  j->url, j->path, j->max);
}

static int
write_tree(struct job *j, const git_oid *id, const char *dest,
	   const char *shown, unsigned depth)
{
	const git_tree_entry *e;
	git_filemode_t mode;
	git_tree *tree = NULL;
	git_blob *blob;
	char *to, *path;
	size_t i;
	int rc = 0;

	if (depth > MAX_DEPTH)
		return refuse(j, shown, "nested too deep");
	if (git_tree_lookup(&tree, j->repo, id) < 0)
		return ax_err_set(j->err, AX_EXIT_ENV, "git %s: %s: %s", j->url,
				  shown, why());
	if (mkdir(dest, 0777) < 0)
		rc = ax_err_set(j->err, AX_EXIT_ENV,
				"%s: cannot create the folder:", dest);
	for (i = 0; i < git_tree_entrycount(tree) && rc == 0; i++) {
		e = git_tree_entry_byindex(tree, i);
		mode = git_tree_entry_filemode(e);
		path = ax_asprintf("%s%s%s", shown, shown[0] ? "/" : "",
				   git_tree_entry_name(e));
		to = ax_asprintf("%s/%s", dest, git_tree_entry_name(e));
		if (!ax_path_is_inside(git_tree_entry_name(e)) ||
		    strchr(git_tree_entry_name(e), '/')) {
			rc = refuse(j, path, "no proper file name");
		} else if (++j->files > MAX_FILES) {
			rc = refuse(j, shown, "of too many files");
		} else if ((rc = check_mode(j, mode, path)) < 0) {
			;
		} else if (mode == GIT_FILEMODE_TREE) {
			rc = write_tree(j, git_tree_entry_id(e), to, path,
					depth + 1);
		} else if ((rc = load_blob(j, git_tree_entry_id(e), path,
					   &blob)) == 0) {
			rc = ax_write_plain(to, git_blob_rawcontent(blob),
					    (size_t)git_blob_rawsize(blob),
					    j->err);
			if (rc == 0 && mode == GIT_FILEMODE_BLOB_EXECUTABLE &&
			    chmod(to, 0755) < 0)
				rc = ax_err_set(j->err, AX_EXIT_ENV,
						"%s: cannot write:", to);
			git_blob_free(blob);
		}
		free(path);
		free(to);
	}
	git_tree_free(tree);
	return rc;
}

static int
store_tree(struct ax_store *s, struct job *j, const git_oid *id,
	   struct ax_digest *out)
{
	/* below tmp/, so that what a kill leaves is swept with the rest */
	char *tmp = ax_asprintf("%s/tmp/git.XXXXXX", ax_store_dir(s)), *dest;
	int rc;

	if (!mkdtemp(tmp)) {
		ax_err_set(j->err, AX_EXIT_ENV,
			   "store %s: cannot write to tmp/:", ax_store_dir(s));
		free(tmp);
		return -1;
	}
	dest = ax_join(tmp, "t");
	rc = write_tree(j, id, dest, j->path, 0);
	if (rc == 0)
		rc = ax_store_put(s, out, NULL, dest, true, j->err);
	(void)ax_rmtree(tmp, NULL);
	free(dest);
	free(tmp);
	return rc;
}

static int
store_path(struct ax_store *s, struct job *j, const git_oid *commit_id,
	   struct ax_digest *out, bool *tree)
{
	git_tree_entry *e = NULL;
	git_commit *commit = NULL;
	git_tree *root = NULL;
	git_filemode_t mode = GIT_FILEMODE_TREE;
	git_blob *blob;
	git_oid id;
	int rc = -1;

	if (git_commit_lookup(&commit, j->repo, commit_id) < 0 ||
	    git_commit_tree(&root, commit) < 0) {
		ax_err_set(j->err, AX_EXIT_ENV, "git %s: commit %s: %s", j->url,
			   j->rev, why());
		goto out;
	}
	git_oid_cpy(&id, git_tree_id(root));
	if (j->path[0]) {
		if (git_tree_entry_bypath(&e, root, j->path) < 0) {
			ax_err_set(j->err, AX_EXIT_ENV,
				   "git %s: commit %s has no path \"%s\"",
				   j->url, j->rev, j->path);
			goto out;
		}
		mode = git_tree_entry_filemode(e);
		git_oid_cpy(&id, git_tree_entry_id(e));
	}
	if (check_mode(j, mode, j->path) < 0)
		goto out;
	*tree = mode == GIT_FILEMODE_TREE;
	if (*tree) {
		rc = store_tree(s, j, &id, out);
	} else if (load_blob(j, &id, j->path, &blob) == 0) {
		rc = ax_store_put_bytes(s, out, git_blob_rawcontent(blob),
					(size_t)git_blob_rawsize(blob), j->err);
		git_blob_free(blob);
	}
out:
	git_tree_entry_free(e);
	git_tree_free(root);
	git_commit_free(commit);
	return rc;
}

static int
open_cache(struct ax_store *s, struct job *j, git_repository **out,
	   struct ax_err *err)
{
	struct ax_digest d = ax_hash_bytes(j->url, strlen(j->url));
	char hex[AX_HEX_LEN + 1];
	char *dir = ax_asprintf("%s/git/%s", ax_store_dir(s), ax_hex(hex, &d));
	int rc = 0;

	if (git_repository_open_bare(out, dir) < 0) {
		/* absent, or left half-made by a kill */
		rc = ax_rmtree(dir, err);
		if (rc == 0)
			rc = ax_mkdirs(dir, err);
		if (rc == 0 && git_repository_init(out, dir, 1) < 0)
			rc = ax_err_set(err, AX_EXIT_ENV,
					"store %s: cannot make the repository "
					"of %s: %s",
					ax_store_dir(s), j->url, why());
	}
	free(dir);
	return rc;
}

int
ax_fetch_git(struct ax_store *s, const char *url, const char *rev,
	     const char *path, const struct ax_fetch_options *o,
	     struct ax_digest *out, bool *tree, struct ax_err *err)
{
	struct job j;
	struct ax_digest key;
	char *clean;
	git_oid id;
	size_t n;
	int lock, rc = -1;

	memset(&j, 0, sizeof(j));
	j.url = url;
	j.rev = rev;
	j.o = o;
	j.err = err;
	j.max = o->max ? o->max : AX_FETCH_MAX;
	clean = ax_strdup(path ? path : "");
	for (n = strlen(clean); n && clean[n - 1] == '/'; n--)
		clean[n - 1] = '\0';
	if (strcmp(clean, ".") == 0)
		clean[0] = '\0';
	j.path = clean;
	if (strlen(rev) != 40 || strspn(rev, "0123456789abcdef") != 40) {
		ax_err_set(err, AX_EXIT_USAGE,
			   "git %s: \"%s\" is not a commit of 40 lower-case "
			   "hex digits",
			   url, rev);
		goto out;
	}
	if (clean[0] && !ax_path_is_inside(clean)) {
		ax_err_set(err, AX_EXIT_USAGE,
			   "git %s: path \"%s\" is not inside the repository",
			   url, path);
		goto out;
	}
	ax_git_start();
	git_oid_fromstr(&id, rev);
	key = ax_hash_bytes(url, strlen(url));
	if (ax_lock_key(s, &lock, &key, true, err) < 0)
		goto end;
	rc = open_cache(s, &j, &j.repo, err);
	if (rc == 0 && !has_commit(j.repo, &id)) {
		if (o->offline && !ax_fetch_is_local(url))
			rc = ax_err_set(err, AX_EXIT_ENV,
					"git %s: commit %s is not at hand, and "
					"--offline forbids the network",
					url, rev);
		else
			rc = fetch_commit(j.repo, &j, &id, err);
	}
	if (rc == 0)
		rc = store_path(s, &j, &id, out, tree);
	git_repository_free(j.repo);
	ax_unlock(lock);
end:
	git_libgit2_shutdown();
out:
	free(clean);
	return rc;
}
