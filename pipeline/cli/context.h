/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What most commands begin with: the stages on the search path, the graph of
 * the manifest, the store and the mirrors, all from the command line and the
 * environment.
 */
#ifndef AX_CONTEXT_H
#define AX_CONTEXT_H

#include "cache/remote.h"
#include "cache/store.h"
#include "pipeline/cli/cli.h"
#include "pipeline/manifest/graph.h"
#include "pipeline/manifest/stage.h"
#include "pipeline/results/bundle.h"
#include "pipeline/results/stamp.h"
#include "pipeline/run/run.h"

enum ax_context_store {
	AX_CONTEXT_NO_STORE,
	AX_CONTEXT_READ,
	AX_CONTEXT_EITHER, /* for writing, or, where that cannot be, reading */
	AX_CONTEXT_WRITE
};

struct ax_context {
	struct ax_stages stages;
	struct ax_graph *graph; /* NULL when no manifest was asked for */
	struct ax_store *store; /* NULL with AX_CONTEXT_NO_STORE */
	const char *store_dir;  /* --store, else AXPIPE_STORE, else .axpipe */
	char **mirrors;         /* each --mirror, then AXPIPE_MIRROR */
	size_t nmirrors;
	bool offline;
	struct ax_remote *remote; /* NULL: none; --remote, AXPIPE_REMOTE */
	struct ax_key *key;       /* of --remote-key, or NULL */
	struct ax_key **trust;    /* of --remote-trust */
	size_t ntrust;
	struct ax_run *run; /* of ax_context_plan, else NULL */
	bool bundled;       /* the manifest came in a bundle */
	struct ax_bundle_home bundle;
};

/* Loads the stages; with `manifest` also the graph. Free with
 * ax_context_close, also after an error. */
int ax_context_open(struct ax_context *c, const struct ax_args *a,
		    const char *manifest, enum ax_context_store store,
		    struct ax_err *err);
void ax_context_close(struct ax_context *c);
/* For commands that look and run nothing: opens with the manifest, the first
 * operand, and plans the nodes that the other operands name (none: all) as
 * c->run. A store that cannot be written is read. */
int ax_context_plan(struct ax_context *c, const struct ax_args *a,
		    struct ax_err *err);
/* The command line as a stamp of a null run has it. Borrows from it. */
void ax_context_command(struct ax_stamp_command *c, const struct ax_args *a);
/* Just the store's folder, for commands without a manifest. Borrowed. */
const char *ax_context_store_dir(const struct ax_args *a);
/* Opens it for a command that has no use for an empty one: error 3 where there
 * is none, which is not made. */
int ax_context_open_store(struct ax_store **out, const struct ax_args *a,
			  bool read_only, struct ax_err *err);

#endif
