/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Provenance: one commit a run in <store>/runs.git, a bare repository that
 * plain git reads, on the branch of the manifest's name. Its tree:
 *
 *   manifest.json   the resolved manifest, which can be run again
 *   lock.json       input -> digest; node -> key, outputs, log, original times
 *   tools.json      every tool: version line, digest
 *   metrics.json    node -> metrics
 *   claims.json     the verdicts
 *   run.json        this run: id, start, end, nodes by outcome, system, and the
 *                   commit and dirty state of the user's own repository when
 *                   the manifest lies in one; "repeats": the commit of the run
 *                   that it repeats when nothing at all had changed since
 *
 * The only file of the program that knows libgit2, but for fetch_git.c, the
 * roots of gc and the check of fsck.
 */
#ifndef AX_PROVENANCE_H
#define AX_PROVENANCE_H

#include "pipeline/results/claims.h"
#include "pipeline/run/run.h"

/* Runs of one store are recorded one at a time: two may end at once, and git
 * knows no waiting. Whoever else writes to runs.git waits here too; free with
 * ax_unlock. */
int ax_provenance_lock(struct ax_store *s, int *lock, struct ax_err *err);

/* Writes the commit. *hex (may be NULL) gets its 40 hex digits; caller frees.
 * `claims` may be NULL. */
int ax_provenance_commit(const struct ax_run *r, const struct ax_claims *claims,
			 char **hex, struct ax_err *err);

/* A run that came to what an earlier one, `base` (a commit), came to, for
 * nothing had changed: the same tree, but for what run.json says of the run
 * itself. `files`: manifests and outside inputs. Fails where `base` is gone. */
struct ax_repeat {
	const char *base, *name, *path, *id; /* of the manifest; of the run */
	double started, ended;
	size_t hits, claims, holds;
	const char *const *files;
	size_t nfiles;
};
int ax_provenance_repeat(struct ax_store *s, const struct ax_repeat *r,
			 struct ax_err *err);

struct ax_past_run {
	char hex[41];
	int64_t time;  /* Unix time of its end */
	char *summary; /* first line of the message */
	char *id;      /* run id */
};

/* The runs of a manifest (its branch), newest first; at most `max`. No such
 * branch: n = 0. Free with ax_past_free. */
int ax_provenance_log(struct ax_store *s, const char *manifest, size_t max,
		      struct ax_past_run **out, size_t *n, struct ax_err *err);
void ax_past_free(struct ax_past_run *runs, size_t n);
/* The names of the branches. Caller frees each and the array. */
int ax_provenance_names(struct ax_store *s, char ***out, size_t *n,
			struct ax_err *err);
/* A JSON file of a run's tree ("lock.json"). `rev` is anything git resolves:
 * a branch, a commit, "demo~1". New reference. */
int ax_provenance_read(struct ax_store *s, const char *rev, const char *file,
		       json_t **out, struct ax_err *err);

#endif
