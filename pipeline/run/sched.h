/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AX_SCHED_H
#define AX_SCHED_H

#include "pipeline/run/progress.h"
#include "pipeline/run/run.h"

/* Runs what the plan left undecided, until nothing more can run. What became of
 * each node is in r->outcomes; -1 only where the store itself failed. */
int ax_sched_run(struct ax_run *r, struct ax_progress *p, struct ax_err *err);

#endif
