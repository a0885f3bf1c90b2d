/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Action records: what running a key gave. JSON in the store under the key:
 *
 *   {"axpipe": 1, "stage", "node", "run", "key", "components": {name: value},
 *    "from": {"input.x": key of the node that made it},
 *    "outputs": {name: {"sha256", "size", "tree"}}, "metrics": {...},
 *    "started", "ended", "cpu_seconds", "max_rss", "log": sha256 | null,
 *    "deterministic": bool, "why": text}
 *
 * `node`, `run`, `from` and `why` are for people and for explain; equal keys of
 * two manifests share one record.
 */
#ifndef AX_RECORD_H
#define AX_RECORD_H

#include "pipeline/run/run.h"

/* New reference. Components and outputs come from the node's outcome. */
json_t *ax_record_make(const struct ax_run *r, const struct ax_node *n);
/* Takes outputs, metrics, times and log over into the outcome. Returns false,
 * with *reason (static text), when the record is malformed or lacks an output
 * that the stage now declares. */
bool ax_record_take(struct ax_outcome *o, const struct ax_node *n,
		    const json_t *record, const char **reason);

/* The members that ax_record_take looks at; ends with NULL. */
extern const char *const ax_record_members[];

#endif
