/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run shows: a live view on a terminal, plain lines elsewhere, or with
 * --json one JSON object a line on stdout:
 *
 *   {"axpipe_events": 1, "time": T, "event": NAME, ...}
 *   run-started    run, manifest, nodes
 *   plan           cached, substituted, dirty, maybe, list: [{node, state,
 * why}] node-started   node, key, why, cpus node-progress  node, done, total,
 * text     (at most ten a second each) node-cached    node, key        found
 * only now: cut off, or made elsewhere node-done      node, key, seconds,
 * cpu_seconds, max_rss, metrics node-failed    node, state, exit, error note
 * text run-ended      run, executed, cached, substituted, failed, skipped,
 *                  seconds, interrupted
 */
#ifndef AX_PROGRESS_H
#define AX_PROGRESS_H

#include "pipeline/run/run.h"

struct ax_progress;

struct ax_progress *ax_progress_new(struct ax_run *r);
void ax_progress_free(struct ax_progress *p);
void ax_progress_planned(struct ax_progress *p);
void ax_progress_started(struct ax_progress *p, const struct ax_node *n,
			 unsigned cpus);
/* A line of the node's progress descriptor; anything that is not the JSON of
 * docs/stages.md is ignored. */
void ax_progress_line(struct ax_progress *p, const struct ax_node *n,
		      const char *line);
/* The node came to rest: its outcome says how. */
void ax_progress_ended(struct ax_progress *p, const struct ax_node *n);
void ax_progress_note(struct ax_progress *p, const char *fmt, ...)
	AX_PRINTF(2, 3);
/* Redraws the live view if it is time. Returns the seconds until it wants to
 * be called again, negative: never. */
double ax_progress_tick(struct ax_progress *p);
/* The last line; counts are in the run. */
void ax_progress_finish(struct ax_progress *p);
/* The same of a run in which nothing had to be decided. */
void ax_progress_null(size_t cached, double seconds);

#endif
