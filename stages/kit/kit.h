/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stage written in C is given: its request (parameters, inputs,
 * outputs, cpus), a way to leave metrics and to report progress. The kit holds
 * main(); a stage defines ax_stage_run and nothing else. The contract is that
 * of docs/stages.md, the same for a stage in any other language:
 *
 *   in    ./request.json, files below ./in (read-only)
 *   out   the declared files below ./out, optionally ./metrics.json
 *   also  progress as JSON lines on descriptor `progress_fd` of the request,
 *         ./checkpoint, kept when a resumable stage is killed
 *
 * Parameters have been checked against stage.json and have their defaults
 * filled in: asking for one that stage.json does not declare is a bug and
 * aborts.
 */
#ifndef AX_KIT_H
#define AX_KIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "artifacts/base/base.h"
#include "artifacts/base/par.h"

struct ax_task;

/* The stage. Returns 0, or -1 with `err` set; the exit code is err->exit. */
int ax_stage_run(struct ax_task *t, struct ax_err *err);

int64_t ax_task_int(const struct ax_task *t, const char *param);
double ax_task_num(const struct ax_task *t, const char *param);
bool ax_task_bool(const struct ax_task *t, const char *param);
/* NULL when the parameter is null. Borrowed. */
const char *ax_task_str(const struct ax_task *t, const char *param);
/* Any JSON value; borrowed, NULL when absent. */
json_t *ax_task_json(const struct ax_task *t, const char *param);

/* The path of an input, relative to the work folder; NULL when an optional one
 * is not wired. A `many` input is read with ax_task_in_at. */
const char *ax_task_in(const struct ax_task *t, const char *name);
size_t ax_task_in_count(const struct ax_task *t, const char *name);
const char *ax_task_in_at(const struct ax_task *t, const char *name, size_t i);
/* The coordinates of the node that made it, an object; for labels. */
json_t *ax_task_in_coords(const struct ax_task *t, const char *name, size_t i);
/* Where to write an output; every declared one must exist at the end. A tree
 * output is a folder that exists already. */
const char *ax_task_out(const struct ax_task *t, const char *name);
/* The resolved path of a declared tool. */
const char *ax_task_tool(const struct ax_task *t, const char *name);
/* How many threads to use; must not show in any output. */
unsigned ax_task_cpus(const struct ax_task *t);
/* A pool of that many threads, made at the first call. */
struct ax_pool *ax_task_pool(struct ax_task *t);
/* Folder for checkpoints of a resumable stage, kept when it is killed and
 * given back on the next try with the same key. NULL if not resumable. */
const char *ax_task_checkpoint(const struct ax_task *t);

/* Metrics; a dotted name makes nested objects ("cells.NAND"). The last value
 * of a name wins. Written when ax_stage_run succeeds. Not-a-number and
 * infinity, which JSON lacks, are written as null. */
void ax_task_metric_int(struct ax_task *t, const char *name, int64_t value);
void ax_task_metric_num(struct ax_task *t, const char *name, double value);
void ax_task_metric_str(struct ax_task *t, const char *name, const char *value);
void ax_task_metric_json(struct ax_task *t, const char *name, json_t *value);

/* Progress: done of total (total 0: unknown), and a short text. Cheap to call
 * often: at most ten lines a second are sent. */
void ax_task_progress(struct ax_task *t, double done, double total,
		      const char *fmt, ...) AX_PRINTF(4, 5);

#endif
