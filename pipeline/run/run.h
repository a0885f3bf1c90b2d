/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of a graph: what happened to each node, and the machinery that made
 * it happen. `plan`, `run`, `explain`, `status`, `check` and `report` all get
 * their answers from here, so that they cannot disagree.
 */
#ifndef AX_RUN_H
#define AX_RUN_H

#include <jansson.h>

#include "cache/store.h"
#include "pipeline/manifest/graph.h"
#include "pipeline/run/confine.h"

enum ax_state {
	AX_WAITING,     /* not decided yet */
	AX_HIT,         /* a record with its key, and its objects, are there */
	AX_SUBSTITUTED, /* outputs pinned by digest and already at hand */
	AX_DIRTY,       /* will run: its key is known and has no record */
	AX_MAYBE,       /* plan: may be cut off, its inputs are not known yet */
	AX_UNNEEDED,    /* no target needs it, or only a substituted node */
	AX_RUNNING,
	AX_DONE, /* ran and was published */
	AX_FAILED,
	AX_TAINTED,  /* an input changed while it ran; nothing stored */
	AX_SKIPPED,  /* an ancestor failed, or the run was stopped */
	AX_CANCELLED /* killed by Ctrl-C */
};
const char *ax_state_name(enum ax_state s);

/* A named component of a key (docs/stages.md; design: section "Keys"). */
struct ax_component {
	char *name;  /* "param.width", "input.rtl", "tool.yosys", "code", ... */
	char *value; /* canonical text or digest */
};

struct ax_outcome {
	enum ax_state state;
	bool has_key;
	struct ax_digest key;
	struct ax_component *components;
	size_t ncomponents;
	bool *have;                /* per output of the stage */
	struct ax_digest *outputs; /* per output of the stage */
	uint64_t *sizes;
	json_t *metrics;       /* owned; NULL if none */
	double started, ended; /* Unix time of the execution that made it,
				* also for hits */
	double cpu_seconds;    /* user + system, children included */
	uint64_t max_rss;      /* bytes */
	struct ax_digest log;  /* object with its log, has_log */
	bool has_log;
	char *why;   /* one line: why it ran, or would (explain) */
	char *error; /* failed: the message, with the end of the log */
	int exit;    /* AX_EXIT_* for failed */
	bool remote; /* a hit of the remote cache */
};

struct ax_run_options {
	unsigned jobs;   /* cpus to use; 0: all of the machine */
	uint64_t memory; /* bytes; 0: what the machine has */
	bool keep_going;
	bool offline;
	bool json; /* events as JSON lines on stdout */
	bool quiet, explain, keep_work;
	const char *const *mirrors;
	size_t nmirrors;
	enum ax_confine confine; /* stages held to what they declare */
	const char *executor;    /* "local" (NULL) or "slurm" */
	const char *partition;   /* of Slurm, or NULL */
	const char *const *args; /* more arguments of sbatch */
	size_t nargs;
	const char *const *targets; /* selectors; none: everything */
	size_t ntargets;
	struct ax_remote *remote; /* borrowed; NULL: none */
	bool remote_take; /* bring what it has into the store; else only look,
			   * and count as at hand what it says to have */
};

struct ax_run {
	const struct ax_graph *graph;
	struct ax_store *store;
	struct ax_run_options options;
	struct ax_outcome *outcomes;      /* by node->index */
	struct ax_digest *source_digests; /* by source->index */
	bool *source_known, *source_tree;
	char *id; /* "20261122T031502Z-1a2b3c", time and random */
	double started, ended;
	size_t executed, hits, failed, skipped;
	size_t remote_hits; /* among the hits */
	size_t given;       /* records that went to the remote cache */
	bool interrupted;
	size_t looked, strayed; /* nodes that an audit saw, and accesses that
				 * it found undeclared */
	json_t *tools; /* identity of every tool asked for: name -> {path,
			* version, digest} */
	size_t substituted;
	bool planned;             /* the outcomes mean something */
	struct ax_engine *engine; /* pipeline/run/engine.h */
};

/* Decides as far as can be known without running anything. Afterwards
 * r->planned is true unless it failed. */
int ax_run_plan(struct ax_run *r, struct ax_err *err);
/* Runs. Returns 0 when every wanted node is there, else -1 with the exit code
 * in err (1 a node failed, 3, 130). Outcomes are filled in either way. */
int ax_run_execute(struct ax_run *r, struct ax_err *err);
struct ax_run *ax_run_new(const struct ax_graph *g, struct ax_store *s,
			  const struct ax_run_options *o);
void ax_run_free(struct ax_run *r);
/* A name for a run, of time and chance, for people: it is in no key. Caller
 * frees. */
char *ax_run_new_id(void);

#endif
