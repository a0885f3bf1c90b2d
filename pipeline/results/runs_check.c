/* SPDX-License-Identifier: Apache-2.0 */
/* Git's objects carry their own hash, which libgit2 verifies on each read: a
 * flipped bit shows as an object that cannot be read. */
#include <git2.h> /* first: it has a field that base.h bans as a function */
#include <time.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/fetch/gitlib.h"
#include "pipeline/results/provenance.h"
#include "pipeline/results/runs_check.h"

#define MAX_BRANCHES 100000

struct check {
	struct ax_store *s;
	char *path; /* of runs.git */
	bool repair;
	void (*tell)(void *arg, const char *line);
	void *arg;
	uint64_t bad;
	git_repository *repo;
	git_odb *odb;
	git_oid *list; /* all objects */
	size_t n, cap;
};

static void
found(struct check *c, const char *what, const char *why, const char *then)
{
	char *stamps = ax_join(ax_store_dir(c->s), "stamps");
	char *line =
		ax_asprintf("runs.git%s%s: %s%s%s", *what ? "/" : "", what, why,
			    c->repair ? "; " : "", c->repair ? then : "");

	/* a stamp repeats a run, maybe one that cannot be read */
	if (c->repair && !c->bad)
		(void)ax_rmtree(stamps, NULL);
	c->bad++;
	c->tell(c->arg, line);
	free(line);
	free(stamps);
}

/* Out of the way, under a name of its own. False when it is still there: an
 * object that somebody's git has packed, say. */
static bool
set_aside(const struct check *c, const char *path, const char *name)
{
	char *dir = ax_join(ax_store_dir(c->s), "quarantine");
	char *to = ax_asprintf("%s/%s.%ld", dir, name, (long)time(NULL));
	bool moved = ax_mkdirs(dir, NULL) == 0 && rename(path, to) == 0;

	free(to);
	free(dir);
	return moved;
}

static int
open_repo(struct check *c)
{
	git_odb_free(c->odb);
	git_repository_free(c->repo);
	c->odb = NULL;
	c->repo = NULL;
	if (git_repository_open_bare(&c->repo, c->path) < 0 ||
	    git_repository_odb(&c->odb, c->repo) < 0)
		return -1;
	return 0;
}

/* The settings as git reads them: of a bare repository, or of none. */
static bool
config_reads(const struct check *c)
{
	char *file = ax_join(c->path, "config");
	git_config *config = NULL;
	int bare = 1, version = 0;
	bool good = access(file, F_OK) < 0;

	if (!good)
		good = git_config_open_ondisk(&config, file) == 0 &&
		       git_config_get_bool(&bare, config, "core.bare") == 0 &&
		       bare &&
		       git_config_get_int32(&version, config,
					    "core.repositoryformatversion") ==
			       0 &&
		       version <= 1;
	git_config_free(config);
	free(file);
	return good;
}

/* A damaged one keeps the repository from being opened, or only changed. */
static int
check_config(struct check *c, struct ax_err *err)
{
	static const char plain[] = "[core]\n\tbare = true\n\t"
				    "repositoryformatversion = 0\n\t"
				    "filemode = true\n";
	char *file;
	int rc = 0;

	if (config_reads(c))
		return 0;
	file = ax_join(c->path, "config");
	found(c, "config", "cannot be read",
	      "moved to quarantine, written anew");
	if (c->repair) {
		(void)set_aside(c, file, "config");
		rc = ax_write_file(file, plain, sizeof(plain) - 1, err);
	}
	free(file);
	return rc;
}

static int
note(const git_oid *id, void *payload)
{
	struct check *c = payload;

	AX_GROW(c->list, c->n, c->cap);
	c->list[c->n++] = *id;
	return 0;
}

static bool
readable(struct check *c, const git_oid *id)
{
	git_odb_object *o = NULL;
	bool good = git_odb_read(&o, c->odb, id) == 0;

	git_odb_object_free(o);
	return good;
}

static void
check_objects(struct check *c)
{
	char hex[GIT_OID_HEXSZ + 1], *name, *file;

	for (size_t i = 0; i < c->n; i++) {
		if (readable(c, &c->list[i]))
			continue;
		git_oid_tostr(hex, sizeof(hex), &c->list[i]);
		name = ax_asprintf("objects/%.2s/%s", hex, hex + 2);
		file = ax_join(c->path, name);
		found(c, name, "damaged",
		      c->repair && set_aside(c, file, hex)
			      ? "moved to quarantine"
			      : "cannot be moved to quarantine");
		free(file);
		free(name);
	}
}

/* A run all of whose files can be read. */
static bool
whole(struct check *c, const git_oid *id)
{
	git_commit *commit = NULL;
	git_tree *tree = NULL;
	bool good = git_commit_lookup(&commit, c->repo, id) == 0 &&
		    git_commit_tree(&tree, commit) == 0;

	for (size_t i = 0; good && i < git_tree_entrycount(tree); i++)
		good = readable(
			c, git_tree_entry_id(git_tree_entry_byindex(tree, i)));
	git_tree_free(tree);
	git_commit_free(commit);
	return good;
}

/* The newest whole run of a branch, told by the first word of its message. */
static bool
newest(struct check *c, const char *branch, git_oid *out)
{
	char *start = ax_asprintf("%s: ", branch);
	git_time_t best = 0;
	bool any = false;

	for (size_t i = 0; i < c->n; i++) {
		git_commit *commit = NULL;
		const char *text;

		if (git_commit_lookup(&commit, c->repo, &c->list[i]) < 0)
			continue;
		text = git_commit_summary(commit);
		if (text && ax_starts(text, start) &&
		    (!any || git_commit_time(commit) > best) &&
		    whole(c, &c->list[i])) {
			best = git_commit_time(commit);
			*out = c->list[i];
			any = true;
		}
		git_commit_free(commit);
	}
	free(start);
	return any;
}

static int
check_branch(struct check *c, const char *branch, struct ax_err *err)
{
	char *ref = ax_asprintf("refs/heads/%s", branch);
	char *file = ax_join(c->path, ref);
	git_reference *made = NULL;
	git_oid tip;
	int rc = 0;

	if (git_reference_name_to_id(&tip, c->repo, ref) < 0 ||
	    !whole(c, &tip)) {
		found(c, ref, "its last run cannot be read",
		      "it goes on from the newest that can");
		if (c->repair) {
			(void)set_aside(c, file, branch);
			if (newest(c, branch, &tip) &&
			    git_reference_create(&made, c->repo, ref, &tip, 1,
						 NULL) < 0)
				rc = ax_err_set(err, AX_EXIT_ENV,
						"%s: cannot be written", file);
			git_reference_free(made);
		}
	}
	free(file);
	free(ref);
	return rc;
}

int
ax_runs_check(struct ax_store *s, bool repair,
	      void (*tell)(void *arg, const char *line), void *arg,
	      uint64_t *bad, struct ax_err *err)
{
	struct check c = {.s = s, .repair = repair, .tell = tell, .arg = arg};
	char *heads, **names = NULL;
	int lock = -1, rc = 0;
	size_t n = 0;

	/* a run that ends now would move the branch that is looked at */
	if (repair && ax_provenance_lock(s, &lock, err) < 0)
		return -1;
	c.path = ax_join(ax_store_dir(s), "runs.git");
	heads = ax_join(c.path, "refs/heads");
	ax_git_start();
	if (!ax_is_dir(c.path)) {
		; /* nothing ran yet */
	} else if (check_config(&c, err) < 0) {
		rc = -1;
	} else if (c.bad && !repair) {
		; /* what it hides shows when it is mended */
	} else if (open_repo(&c) < 0 || git_odb_foreach(c.odb, note, &c) < 0) {
		found(&c, "", "no repository that git can open",
		      repair && set_aside(&c, c.path, "runs.git")
			      ? "moved to quarantine"
			      : "cannot be moved to quarantine");
	} else {
		check_objects(&c);
		if (repair && c.bad && open_repo(&c) < 0)
			rc = ax_err_set(err, AX_EXIT_ENV,
					"%s: cannot be opened", c.path);
		if (rc == 0)
			rc = ax_list_dir(&names, &n, heads, MAX_BRANCHES, err);
		for (size_t i = 0; rc == 0 && i < n; i++)
			rc = check_branch(&c, names[i], err);
	}
	ax_free_list(names, n);
	git_odb_free(c.odb);
	git_repository_free(c.repo);
	git_libgit2_shutdown();
	free(c.list);
	free(heads);
	free(c.path);
	ax_unlock(lock);
	*bad = c.bad;
	return rc;
}
