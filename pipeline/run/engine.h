/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the engine share about one run and nobody else needs:
 * key.c and tools.c (identities), plan.c (decisions), explain.c (reasons),
 * sched.c (execution).
 */
#ifndef AX_ENGINE_H
#define AX_ENGINE_H

#include "pipeline/manifest/arena.h"
#include "pipeline/run/journal.h"
#include "pipeline/run/run.h"

/* The components that all nodes of a stage have in common, made once a run. */
struct ax_stage_id {
	const struct ax_stage *stage;
	struct ax_component *list;
	size_t n;
	json_t *tool_paths; /* for request.json: name -> absolute path */
	char *missing; /* a tool that is not installed, in words; or NULL */
	bool told;     /* scratch of plan.c */
};

struct ax_engine {
	struct ax_arena arena;
	struct ax_arena parts;   /* components of keys, but for those of hits */
	struct ax_map stage_ids; /* stage name -> struct ax_stage_id */
	struct ax_stage_id **ids;
	size_t nids, cids;
	struct ax_journal *journal;
	struct ax_str scratch; /* reused by key.c */
	bool *wanted;          /* by node: a target, or needed by one */
	bool *needed;          /* by node: less what only pins need */
	bool *soft;            /* by node: pinned and at hand */
	size_t *cause;         /* by node: first ancestor that will run, or
				* itself, or SIZE_MAX */
};

/* key.c ------------------------------------------------------------------- */

/* Fills outcome->components and ->key of a node whose inputs' digests are all
 * known. Shapes: components sorted by name. Errors: unreadable code (3). */
int ax_key_make(struct ax_run *r, const struct ax_node *n, struct ax_err *err);
/* Only the components; with `partly` those that are known already. */
int ax_key_components(struct ax_run *r, const struct ax_node *n, bool partly,
		      struct ax_err *err);
/* The stage's part; computed at the first call. NULL with err on error. A
 * missing tool is no error here: see ->missing. */
struct ax_stage_id *ax_key_stage(struct ax_run *r, const struct ax_stage *s,
				 struct ax_err *err);
/* The digest of what is wired, when it is known. */
bool ax_link_digest(const struct ax_run *r, const struct ax_link *l,
		    struct ax_digest *out);

/* plan.c ------------------------------------------------------------------ */

/* Decides a node all of whose inputs are known: AX_HIT or AX_DIRTY. */
int ax_plan_decide(struct ax_run *r, const struct ax_node *n,
		   struct ax_err *err);
/* Looks for a usable record of the node's key: 1 found and taken over into the
 * outcome, 0 not. *reason (arena, may be NULL) says why a record that is there
 * is of no use. */
int ax_plan_lookup(struct ax_run *r, const struct ax_node *n,
		   const char **reason, struct ax_err *err);
/* Clears what a decision left in the outcome. */
void ax_outcome_reset(struct ax_outcome *o, const struct ax_stage *s);
bool ax_state_known(enum ax_state s); /* outputs are at hand */

/* obtain.c ----------------------------------------------------------------- */

/* The digest of a source into r->source_digests, as far as it can be had
 * without the network: of a file by its content, of a pinned source from the
 * manifest. 1 known, 0 not (`soft`: also for a file that is not there), -1
 * error with the place in the manifest. */
int ax_obtain_digest(struct ax_run *r, const struct ax_source *s, bool soft,
		     struct ax_err *err);
/* True for a source that is read from its own place, outside the store. */
bool ax_obtain_outside(const struct ax_source *s);
/* True when the store or a mirror holds the bytes. */
bool ax_obtain_at_hand(struct ax_run *r, const struct ax_digest *d);
/* Bring bytes into the store. They may take long; fetching.c calls them in a
 * child process. */
int ax_obtain_source(struct ax_run *r, const struct ax_source *s,
		     struct ax_digest *out, bool *tree, struct ax_err *err);
int ax_obtain_object(struct ax_run *r, const struct ax_digest *d,
		     struct ax_err *err);

/* explain.c --------------------------------------------------------------- */

/* Sets outcome->why of a node that will run. `evicted`: why a record that is
 * there is of no use, or NULL. */
void ax_explain_dirty(struct ax_run *r, const struct ax_node *n,
		      const char *evicted);
/* ... of one that waits for another to run. */
void ax_explain_waits(struct ax_run *r, const struct ax_node *n);
/* All that is known about a node, several lines. */
void ax_explain_node(struct ax_str *s, struct ax_run *r,
		     const struct ax_node *n);

#endif
