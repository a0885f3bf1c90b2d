/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stamp of a run after which all that was wanted is there: what its
 * decisions rested upon, by file stat, and what it came to. While all of that
 * is as it was, the next run of the same command would find nothing to run, and
 * need not look: its cost does not grow with the graph.
 *
 * What a run rests upon: the program, the manifest and its includes, the
 * stage folders (all files), the tools (programs and declared files) and the
 * folders of PATH, the variables that stages may see, the inputs that lie
 * outside the store, and the store's own 2 x 256 folders, whose times change
 * with every object or record that comes or goes. Stat is trusted as the
 * file-stat memo trusts it (cache/store.h): device, inode, size, mtime and
 * ctime, all older than the run by 2 s. The store's folders may be younger, as
 * the run itself puts things there: then they are noted after the clock of
 * their file system has ticked, and all that was wanted is looked for again. A
 * stamp is only a shortcut; losing it loses nothing.
 *
 *   <store>/stamps/<digest of the command>
 */
#ifndef AX_STAMP_H
#define AX_STAMP_H

#include "pipeline/results/claims.h"
#include "pipeline/run/run.h"

/* The command: everything outside files that may change a decision. The lists
 * are borrowed; --set, --stages and --mirror as given, in order. */
struct ax_stamp_command {
	const char *manifest;
	const char *const *targets, *const *sets, *const *stages;
	const char *const *mirrors;
	size_t ntargets, nsets, nstages, nmirrors;
	bool offline;
};

struct ax_stamp {
	size_t hits;
	size_t claims, holds, fails, missing;
	char *name, *path; /* of the manifest */
	char *commit;      /* the run it repeats, 40 hex digits */
	char **files;      /* manifests and outside inputs, for provenance */
	size_t nfiles;
};

/* True, with *out filled in, when there is a stamp of this command and all it
 * names is as it was. Free with ax_stamp_free. */
bool ax_stamp_fresh(struct ax_stamp *out, const struct ax_store *s,
		    const struct ax_stamp_command *c);
/* The same of a stamp's text, which may be anything; it is cut up. */
bool ax_stamp_read(struct ax_stamp *out, char *text);
/* Leaves a stamp of a run that is over and was recorded as `commit`; none
 * when something failed or was pinned, or a file is too young. Failing to
 * write it is no error. */
void ax_stamp_leave(const struct ax_run *r, const struct ax_stages *stages,
		    const struct ax_claims *claims, const char *commit,
		    const struct ax_stamp_command *c);
void ax_stamp_free(struct ax_stamp *s);

#endif
