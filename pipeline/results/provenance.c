/* SPDX-License-Identifier: Apache-2.0 */
#include <git2.h> /* first: it has a field that base.h bans as a function */
#include <math.h>
#include <openssl/evp.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "pipeline/fetch/gitlib.h"
#include "pipeline/results/provenance.h"

#define MAX_DIRTY 50   /* names that are listed */
#define MAX_FILES 2000 /* inputs that are looked up */

static int
git_fail(struct ax_err *err, const char *what)
{
	const git_error *e = git_error_last();

	return ax_err_set(err, AX_EXIT_ENV,
			  "%s: %s; `axpipe fsck` says whether the store's "
			  "runs.git is damaged",
			  what, e ? e->message : "unknown error");
}

/* Makes the repository aside and moves it into place, so that a kill or a full
 * disk leaves no half of one. Where a half lies already (made by a process that
 * did not know this), what is missing is added to it. */
static int
make_runs(git_repository **repo, struct ax_store *s, const char *path,
	  struct ax_err *err)
{
	char *name = ax_asprintf("tmp/runs-%d", (int)getpid());
	char *aside = ax_join(ax_store_dir(s), name);
	int rc = 0;

	if (ax_is_dir(path)) {
		if (git_repository_init(repo, path, 1) < 0)
			rc = git_fail(err, path);
	} else if (git_repository_init(repo, aside, 1) < 0) {
		rc = git_fail(err, path);
	} else {
		git_repository_free(*repo);
		*repo = NULL;
		if (rename(aside, path) < 0 && !ax_is_dir(path))
			rc = ax_err_set(err, AX_EXIT_ENV,
					"%s: cannot create:", path);
		else if (git_repository_open_bare(repo, path) < 0)
			rc = git_fail(err, path);
	}
	ax_rmtree(aside, NULL);
	free(aside);
	free(name);
	return rc;
}

/* The repository of the store; with `create`, made when it is not there. */
static int
open_runs(git_repository **repo, struct ax_store *s, bool create,
	  struct ax_err *err)
{
	char *path = ax_join(ax_store_dir(s), "runs.git");
	int rc = 0;

	ax_git_start();
	*repo = NULL;
	if (git_repository_open_bare(repo, path) < 0) {
		if (create)
			rc = make_runs(repo, s, path, err);
		else if (ax_is_dir(path))
			rc = git_fail(err, path);
	}
	free(path);
	if (rc < 0)
		git_libgit2_shutdown();
	return rc;
}

static void
close_runs(git_repository *repo)
{
	git_repository_free(repo);
	git_libgit2_shutdown();
}

int
ax_provenance_lock(struct ax_store *s, int *lock, struct ax_err *err)
{
	static const char name[] = "axpipe runs.git";
	struct ax_digest key = ax_hash_bytes(name, sizeof(name));

	return ax_lock_key(s, lock, &key, true, err);
}

/* What the commit holds -----------------------------------------------------
 */

/* What printf would do, a lot quicker: a lock has thousands of these. */
static void
add_hex(struct ax_str *s, const char *before, const struct ax_digest *d)
{
	char hex[AX_HEX_LEN + 1];

	ax_str_add(s, before);
	ax_str_addn(s, ax_hex(hex, d), AX_HEX_LEN);
	ax_str_addc(s, '"');
}

/* Seconds with three digits after the point; times before 1970 are none. */
static void
add_time(struct ax_str *s, const char *before, double t)
{
	uint64_t ms = t > 0 && t < 1e15 ? (uint64_t)(t * 1e3 + 0.5) : 0;
	char digits[24], *p = digits + sizeof(digits);
	int n = 0;

	do {
		*--p = (char)('0' + ms % 10);
		ms /= 10;
		if (++n == 3)
			*--p = '.';
	} while (ms || n < 4);
	ax_str_add(s, before);
	ax_str_addn(s, p, (size_t)(digits + sizeof(digits) - p));
}

static void
add_outputs(struct ax_str *s, const struct ax_node *n,
	    const struct ax_outcome *o)
{
	bool first = true;
	size_t i;

	ax_str_add(s, "{");
	for (i = 0; i < n->stage->noutputs; i++) {
		if (!o->have || !o->have[i])
			continue;
		ax_str_add(s, first ? "\"" : ", \"");
		ax_str_add(s, n->stage->outputs[i].name);
		add_hex(s, "\": \"", &o->outputs[i]);
		first = false;
	}
	ax_str_add(s, "}");
}

static bool
is_there(const struct ax_outcome *o)
{
	return o->state == AX_HIT || o->state == AX_DONE ||
	       o->state == AX_SUBSTITUTED;
}

/* Only what does not change from run to run when nothing ran, so that a null
 * run writes no new blob. A line per node: `git diff` shows what moved. */
static char *
lock_text(const struct ax_run *r)
{
	const struct ax_graph *g = r->graph;
	struct ax_str s = AX_STR_INIT;
	bool first = true;
	size_t i;

	ax_str_add(&s, "{\n\"inputs\": {");
	for (i = 0; i < g->nsources; i++) {
		if (!r->source_known || !r->source_known[i])
			continue;
		ax_str_add(&s, first ? "\n" : ",\n");
		ax_str_add_json(&s, g->sources[i]->name);
		add_hex(&s, ": \"", &r->source_digests[i]);
		first = false;
	}
	ax_str_add(&s, "\n},\n\"nodes\": {");
	first = true;
	for (i = 0; i < g->n; i++) {
		const struct ax_outcome *o = &r->outcomes[i];

		if (!is_there(o))
			continue;
		ax_str_add(&s, first ? "\n" : ",\n");
		first = false;
		ax_str_add_json(&s, g->nodes[i]->name);
		ax_str_add(&s, ": {\"stage\": ");
		ax_str_add_json(&s, g->nodes[i]->stage->name);
		if (o->has_key)
			add_hex(&s, ", \"key\": \"", &o->key);
		if (o->state == AX_SUBSTITUTED) {
			ax_str_add(&s, ", \"substituted\": true");
		} else {
			add_time(&s, ", \"started\": ", o->started);
			add_time(&s, ", \"ended\": ", o->ended);
		}
		if (o->has_log)
			add_hex(&s, ", \"log\": \"", &o->log);
		ax_str_add(&s, ", \"outputs\": ");
		add_outputs(&s, g->nodes[i], o);
		ax_str_add(&s, "}");
	}
	ax_str_add(&s, "\n}\n}\n");
	return ax_str_take(&s);
}

static char *
metrics_text(const struct ax_run *r)
{
	struct ax_str s = AX_STR_INIT;
	bool first = true;
	size_t i;

	ax_str_add(&s, "{");
	for (i = 0; i < r->graph->n; i++) {
		const struct ax_outcome *o = &r->outcomes[i];

		if (!is_there(o) || !o->metrics)
			continue;
		ax_str_add(&s, first ? "\n" : ",\n");
		first = false;
		ax_str_add_json(&s, r->graph->nodes[i]->name);
		ax_str_add(&s, ": ");
		ax_json_canonical(&s, o->metrics);
	}
	ax_str_add(&s, "\n}\n");
	return ax_str_take(&s);
}

static int
note_path(const char *path, unsigned status, void *payload)
{
	json_t *list = payload;

	(void)status;
	if (json_array_size(list) < MAX_DIRTY)
		json_array_append_new(list, json_string(path));
	return 0;
}

/* Appends a path that lies in the work tree, but not in the index: the commit
 * does not have it. */
static void
note_untracked(json_t *list, git_repository *repo, git_index *index,
	       const char *path)
{
	const char *top = git_repository_workdir(repo), *inside;
	char *real = path ? realpath(path, NULL) : NULL, *prefix;

	if (real && ax_starts(real, top) && json_array_size(list) < MAX_DIRTY) {
		inside = real + strlen(top);
		prefix = ax_asprintf("%s/", inside);
		if (!git_index_get_bypath(index, inside, 0) &&
		    git_index_find_prefix(NULL, index, prefix) < 0)
			json_array_append_new(list, json_string(inside));
		free(prefix);
	}
	free(real);
}

static json_t *
untracked(git_repository *repo, const char *const *files, size_t n)
{
	json_t *list = json_array();
	git_index *index = NULL;
	size_t i;

	if (git_repository_index(&index, repo) < 0)
		return list;
	for (i = 0; i < n && i < MAX_FILES; i++)
		note_untracked(list, repo, index, files[i]);
	git_index_free(index);
	return list;
}

/* The manifest's files and the inputs that lie outside the store. Borrowed
 * names; caller frees the array. */
static const char **
files_of(const struct ax_graph *g, size_t *n)
{
	const char **list =
		ax_calloc(g->nfiles + g->nsources + 1, sizeof(*list));

	*n = 0;
	for (size_t i = 0; i < g->nfiles; i++)
		list[(*n)++] = g->files[i].name;
	for (size_t i = 0; i < g->nsources; i++)
		if (g->sources[i]->kind == AX_SOURCE_FILE)
			list[(*n)++] = g->sources[i]->path;
	return list;
}

/* Commit and state of the user's own repository, or NULL when the manifest
 * does not lie in the work tree of one. dirty: tracked files differ from the
 * commit, or the run used files that it does not have; null: git cannot say. */
static json_t *
users_repository(const char *manifest, const char *const *files, size_t n)
{
	git_status_options so;
	char *dir = ax_dirname(manifest), hex[GIT_OID_HEXSZ + 1];
	git_repository *repo = NULL;
	json_t *o = NULL, *dirty, *extra;
	bool told;
	git_oid head;

	if (git_repository_open_ext(&repo, dir, 0, NULL) == 0 &&
	    !git_repository_is_bare(repo)) {
		o = json_object();
		if (git_reference_name_to_id(&head, repo, "HEAD") == 0) {
			git_oid_tostr(hex, sizeof(hex), &head);
			json_object_set_new(o, "commit", json_string(hex));
		} else {
			json_object_set_new(o, "commit", json_null());
		}
		dirty = json_array();
		git_status_options_init(&so, GIT_STATUS_OPTIONS_VERSION);
		so.show = GIT_STATUS_SHOW_INDEX_AND_WORKDIR;
		so.flags = GIT_STATUS_OPT_EXCLUDE_SUBMODULES;
		told = git_status_foreach_ext(repo, &so, note_path, dirty) == 0;
		extra = untracked(repo, files, n);
		json_object_set_new(o, "dirty",
				    json_array_size(dirty) ||
						    json_array_size(extra)
					    ? json_true()
				    : told ? json_false()
					   : json_null());
		json_object_set_new(o, "changed", dirty);
		json_object_set_new(o, "untracked", extra);
	}
	git_repository_free(repo);
	free(dir);
	return o;
}

static json_t *
names_in_state(const struct ax_run *r, enum ax_state a, enum ax_state b)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < r->graph->n; i++)
		if (r->outcomes[i].state == a || r->outcomes[i].state == b)
			json_array_append_new(
				list, json_string(r->graph->nodes[i]->name));
	return list;
}

/* What is told of every run, of whatever kind. */
static void
tell_run(json_t *o, const char *id, double started, double ended, size_t hits)
{
	json_object_set_new(o, "axpipe", json_string(AXPIPE_VERSION));
	json_object_set_new(o, "id", json_string(id));
	json_object_set_new(o, "started",
			    json_real(round(started * 1e3) / 1e3));
	json_object_set_new(o, "ended", json_real(round(ended * 1e3) / 1e3));
	json_object_set_new(o, "cached", json_integer((json_int_t)hits));
}

static void
tell_place(json_t *o, const char *manifest, const char *const *files, size_t n)
{
	struct utsname u;
	json_t *repo;

	if (uname(&u) == 0) {
		json_object_set_new(o, "system",
				    json_pack("{s:s, s:s, s:s}", "kernel",
					      u.sysname, "release", u.release,
					      "machine", u.machine));
	}
	repo = users_repository(manifest, files, n);
	json_object_set_new(o, "repository", repo ? repo : json_null());
}

static char *
run_text(const struct ax_run *r)
{
	struct ax_str s = AX_STR_INIT;
	json_t *o = json_object();
	const char **files;
	size_t n;

	tell_run(o, r->id, r->started, r->ended, r->hits);
	json_object_set_new(o, "manifest", json_string(r->graph->path));
	json_object_set_new(o, "executed", names_in_state(r, AX_DONE, AX_DONE));
	json_object_set_new(o, "failed",
			    names_in_state(r, AX_FAILED, AX_TAINTED));
	json_object_set_new(o, "skipped",
			    names_in_state(r, AX_SKIPPED, AX_CANCELLED));
	json_object_set_new(o, "interrupted", json_boolean(r->interrupted));
	files = files_of(r->graph, &n);
	tell_place(o, r->graph->path, files, n);
	free(files);
	ax_json_pretty(&s, o);
	json_decref(o);
	return ax_str_take(&s);
}

/* The commit ------------------------------------------------------------------
 */

/* As git_odb_hash: libcrypto's SHA-1 is some ten times as quick as the one that
 * also detects collisions, which git_odb_write asks again. */
static int
blob_id(git_oid *out, const char *text, size_t n)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char id[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	char head[40];
	bool done;

	snprintf(head, sizeof(head), "blob %zu", n);
	done = c && EVP_DigestInit_ex(c, EVP_sha1(), NULL) == 1 &&
	       EVP_DigestUpdate(c, head, strlen(head) + 1) == 1 &&
	       EVP_DigestUpdate(c, text, n) == 1 &&
	       EVP_DigestFinal_ex(c, id, &len) == 1 && len == GIT_OID_RAWSZ;
	EVP_MD_CTX_free(c);
	if (!done) /* a libcrypto without SHA-1 */
		return git_odb_hash(out, text, n, GIT_OBJECT_BLOB);
	return git_oid_fromraw(out, id);
}

static int
add_blob(git_repository *repo, git_treebuilder *tb, const char *name,
	 const char *text)
{
	size_t n = strlen(text);
	git_odb *odb = NULL;
	git_oid oid;
	int rc;

	/* most runs change nothing: to hash is quicker than to deflate again */
	rc = git_repository_odb(&odb, repo);
	if (rc == 0)
		rc = blob_id(&oid, text, n);
	if (rc == 0 && !git_odb_exists(odb, &oid))
		rc = git_odb_write(&oid, odb, text, n, GIT_OBJECT_BLOB);
	git_odb_free(odb);
	if (rc < 0)
		return rc;
	return git_treebuilder_insert(NULL, tb, name, &oid, GIT_FILEMODE_BLOB);
}

/* The same with a text that is freed. */
static int
put_blob(git_repository *repo, git_treebuilder *tb, const char *name,
	 char *text)
{
	int rc = add_blob(repo, tb, name, text);

	free(text);
	return rc;
}

static char *
json_text(const json_t *v)
{
	struct ax_str s = AX_STR_INIT;

	ax_json_pretty(&s, v);
	return ax_str_take(&s);
}

static int
write_tree(git_oid *tree, git_repository *repo, const struct ax_run *r,
	   const struct ax_claims *claims)
{
	git_treebuilder *tb = NULL;
	json_t *verdicts;
	int rc;

	rc = git_treebuilder_new(&tb, repo, NULL);
	if (rc == 0)
		rc = add_blob(repo, tb, "manifest.json", r->graph->resolved);
	if (rc == 0)
		rc = put_blob(repo, tb, "lock.json", lock_text(r));
	if (rc == 0)
		rc = put_blob(repo, tb, "metrics.json", metrics_text(r));
	if (rc == 0 && r->tools)
		rc = put_blob(repo, tb, "tools.json", json_text(r->tools));
	if (rc == 0 && claims) {
		verdicts = ax_claims_json(claims);
		rc = put_blob(repo, tb, "claims.json", json_text(verdicts));
		json_decref(verdicts);
	}
	if (rc == 0)
		rc = put_blob(repo, tb, "run.json", run_text(r));
	if (rc == 0)
		rc = git_treebuilder_write(tree, tb);
	git_treebuilder_free(tb);
	return rc;
}

static void
end_message(struct ax_str *s, size_t holds, size_t claims, const char *id,
	    const char *manifest)
{
	if (claims)
		ax_str_addf(s, "; %zu of %zu claims hold", holds, claims);
	ax_str_addf(s, "\n\nRun: %s\nManifest: %s\n", id, manifest);
}

static char *
message_text(const struct ax_run *r, const struct ax_claims *c)
{
	struct ax_str s = AX_STR_INIT;

	ax_str_addf(&s, "%s: %zu executed, %zu cached", r->graph->name,
		    r->executed, r->hits);
	if (r->failed)
		ax_str_addf(&s, ", %zu failed", r->failed);
	if (r->skipped)
		ax_str_addf(&s, ", %zu skipped", r->skipped);
	end_message(&s, c ? c->holds : 0, c ? c->n : 0, r->id, r->graph->path);
	return ax_str_take(&s);
}

/* Removes the lock file of a branch. */
static void
drop_lock(git_repository *repo, const char *ref)
{
	char *path = ax_asprintf("%s%s.lock", git_repository_path(repo), ref);

	unlink(path);
	free(path);
}

/* Appends to the branch. Another process may append at the same moment: then
 * its commit becomes the parent of ours. */
static int
append(git_oid *out, git_repository *repo, const char *ref,
       const git_oid *tree_id, const git_signature *who, const char *message)
{
	const git_commit *parents[1];
	git_commit *parent = NULL;
	git_tree *tree = NULL;
	git_oid tip;
	int rc, tries;

	rc = git_tree_lookup(&tree, repo, tree_id);
	for (tries = 0; rc == 0 && tries < 50; tries++) {
		bool first = git_reference_name_to_id(&tip, repo, ref) < 0;
		struct timespec ts = {0, 5000000};

		if (!first && (rc = git_commit_lookup(&parent, repo, &tip)) < 0)
			break;
		parents[0] = parent;
		rc = git_commit_create(out, repo, ref, who, who, "UTF-8",
				       message, tree, first ? 0 : 1, parents);
		git_commit_free(parent);
		parent = NULL;
		if (rc != GIT_EMODIFIED && rc != GIT_ELOCKED &&
		    rc != GIT_EEXISTS)
			break;
		nanosleep(&ts, NULL);
		/* runs of one store take turns, so what stays for a quarter of
		 * a second was left by one that was killed */
		if (rc == GIT_ELOCKED && tries == 48)
			drop_lock(repo, ref);
		if (tries < 49)
			rc = 0;
	}
	git_tree_free(tree);
	return rc;
}

int
ax_provenance_commit(const struct ax_run *r, const struct ax_claims *claims,
		     char **hex, struct ax_err *err)
{
	char *ref = ax_asprintf("refs/heads/%s", r->graph->name);
	char *message = message_text(r, claims);
	git_signature *who = NULL;
	git_repository *repo;
	git_oid tree, commit;
	int lock, rc;

	if (hex)
		*hex = NULL;
	rc = ax_provenance_lock(r->store, &lock, err);
	if (rc == 0)
		rc = open_runs(&repo, r->store, true, err);
	if (rc == 0) {
		if (git_signature_new(&who, "axpipe", "axpipe@localhost",
				      (git_time_t)r->ended, 0) < 0 ||
		    write_tree(&tree, repo, r, claims) < 0 ||
		    append(&commit, repo, ref, &tree, who, message) < 0) {
			rc = git_fail(err, "cannot record the run");
		} else if (hex) {
			*hex = ax_malloc(GIT_OID_HEXSZ + 1);
			git_oid_tostr(*hex, GIT_OID_HEXSZ + 1, &commit);
		}
		git_signature_free(who);
		close_runs(repo);
	}
	ax_unlock(lock);
	free(message);
	free(ref);
	return rc;
}

/* The tree of `base` with what it says of its run replaced. */
static int
repeat_tree(git_oid *tree, git_repository *repo, const struct ax_repeat *r)
{
	git_treebuilder *tb = NULL;
	const git_tree_entry *e;
	git_object *commit = NULL;
	git_tree *old = NULL;
	git_blob *blob = NULL;
	json_t *o = NULL;
	int rc;

	rc = git_revparse_single(&commit, repo, r->base);
	if (rc == 0)
		rc = git_commit_tree(&old, (git_commit *)commit);
	e = rc == 0 ? git_tree_entry_byname(old, "run.json") : NULL;
	if (!e)
		rc = -1;
	if (rc == 0)
		rc = git_blob_lookup(&blob, repo, git_tree_entry_id(e));
	if (rc == 0)
		o = json_loadb(git_blob_rawcontent(blob),
			       (size_t)git_blob_rawsize(blob), 0, NULL);
	if (rc == 0 && !json_is_object(o))
		rc = -1;
	if (rc == 0)
		rc = git_treebuilder_new(&tb, repo, old);
	if (rc == 0) {
		tell_run(o, r->id, r->started, r->ended, r->hits);
		json_object_set_new(o, "executed", json_array());
		tell_place(o, r->path, r->files, r->nfiles);
		json_object_set_new(o, "repeats", json_string(r->base));
		rc = put_blob(repo, tb, "run.json", json_text(o));
	}
	if (rc == 0)
		rc = git_treebuilder_write(tree, tb);
	json_decref(o);
	git_treebuilder_free(tb);
	git_blob_free(blob);
	git_tree_free(old);
	git_object_free(commit);
	return rc;
}

int
ax_provenance_repeat(struct ax_store *s, const struct ax_repeat *r,
		     struct ax_err *err)
{
	char *ref = ax_asprintf("refs/heads/%s", r->name);
	struct ax_str message = AX_STR_INIT;
	git_signature *who = NULL;
	git_repository *repo;
	git_oid tree, commit;
	int lock, rc;

	ax_str_addf(&message, "%s: 0 executed, %zu cached", r->name, r->hits);
	end_message(&message, r->holds, r->claims, r->id, r->path);
	rc = ax_provenance_lock(s, &lock, err);
	if (rc == 0)
		rc = open_runs(&repo, s, true, err);
	if (rc == 0) {
		if (git_signature_new(&who, "axpipe", "axpipe@localhost",
				      (git_time_t)r->ended, 0) < 0 ||
		    repeat_tree(&tree, repo, r) < 0 ||
		    append(&commit, repo, ref, &tree, who, message.buf) < 0)
			rc = git_fail(err, "cannot record the run");
		git_signature_free(who);
		close_runs(repo);
	}
	ax_unlock(lock);
	ax_str_free(&message);
	free(ref);
	return rc;
}

/* Reading
 * ---------------------------------------------------------------------- */

static char *
id_of(const git_commit *c)
{
	const char *at = strstr(git_commit_message(c), "\nRun: ");

	if (!at)
		return ax_strdup("");
	at += strlen("\nRun: ");
	return ax_strndup(at, strcspn(at, "\n"));
}

int
ax_provenance_log(struct ax_store *s, const char *manifest, size_t max,
		  struct ax_past_run **out, size_t *n, struct ax_err *err)
{
	char *ref = ax_asprintf("refs/heads/%s", manifest);
	git_commit *c = NULL, *parent;
	git_repository *repo;
	size_t cap = 0;
	git_oid oid;
	int rc;

	*out = NULL;
	*n = 0;
	rc = open_runs(&repo, s, false, err);
	if (rc < 0)
		goto out;
	if (repo && git_reference_name_to_id(&oid, repo, ref) == 0 &&
	    git_commit_lookup(&c, repo, &oid) < 0)
		rc = git_fail(err, "cannot read the runs");
	/* what `fsck --repair` took away is an end */
	while (c && rc == 0) {
		struct ax_past_run *p;
		int got;

		AX_GROW(*out, *n, cap);
		p = &(*out)[(*n)++];
		git_oid_tostr(p->hex, sizeof(p->hex), git_commit_id(c));
		p->time = git_commit_time(c);
		p->summary = ax_strdup(git_commit_summary(c));
		p->id = id_of(c);
		parent = NULL;
		got = *n < max ? git_commit_parent(&parent, c, 0) : 0;
		if (got < 0 && got != GIT_ENOTFOUND)
			rc = git_fail(err, "cannot read the runs");
		git_commit_free(c);
		c = parent;
	}
	git_commit_free(c);
	close_runs(repo);
out:
	free(ref);
	return rc;
}

void
ax_past_free(struct ax_past_run *runs, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(runs[i].summary);
		free(runs[i].id);
	}
	free(runs);
}

int
ax_provenance_names(struct ax_store *s, char ***out, size_t *n,
		    struct ax_err *err)
{
	git_branch_iterator *it = NULL;
	git_repository *repo;
	git_reference *ref;
	git_branch_t kind;
	const char *name;
	size_t cap = 0;
	int rc;

	*out = NULL;
	*n = 0;
	rc = open_runs(&repo, s, false, err);
	if (rc < 0)
		return rc;
	if (repo && git_branch_iterator_new(&it, repo, GIT_BRANCH_LOCAL) == 0) {
		while (git_branch_next(&ref, &kind, it) == 0) {
			if (git_branch_name(&name, ref) == 0) {
				AX_GROW(*out, *n, cap);
				(*out)[(*n)++] = ax_strdup(name);
			}
			git_reference_free(ref);
		}
		git_branch_iterator_free(it);
	}
	close_runs(repo);
	return 0;
}

int
ax_provenance_read(struct ax_store *s, const char *rev, const char *file,
		   json_t **out, struct ax_err *err)
{
	char *spec = ax_asprintf("%s:%s", rev, file);
	git_repository *repo;
	git_object *obj = NULL;
	json_error_t je;
	int rc;

	*out = NULL;
	rc = open_runs(&repo, s, false, err);
	if (rc == 0 && !repo) {
		close_runs(repo);
		rc = ax_err_set(err, AX_EXIT_USAGE,
				"no run has been recorded in this store");
	} else if (rc == 0) {
		if (git_revparse_single(&obj, repo, spec) < 0 ||
		    git_object_type(obj) != GIT_OBJECT_BLOB) {
			rc = ax_err_set(err, AX_EXIT_USAGE,
					"no run '%s' is recorded in this store "
					"(see: axpipe log)",
					rev);
		} else {
			*out = json_loadb(
				git_blob_rawcontent((git_blob *)obj),
				(size_t)git_blob_rawsize((git_blob *)obj), 0,
				&je);
			if (!*out)
				rc = ax_err_set(err, AX_EXIT_ENV,
						"%s: not JSON: %s", spec,
						je.text);
		}
		git_object_free(obj);
		close_runs(repo);
	}
	free(spec);
	return rc;
}
