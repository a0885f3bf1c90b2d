/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches beside the scheduler's loop: each in a child process, so that a slow
 * address holds up nothing but the nodes that need it.
 */
#ifndef AX_FETCHING_H
#define AX_FETCHING_H

#include <poll.h>

#include "pipeline/run/progress.h"
#include "pipeline/run/run.h"

struct ax_fetching;

struct ax_fetching *ax_fetching_new(struct ax_run *r, struct ax_progress *p);
/* Kills what still runs. */
void ax_fetching_free(struct ax_fetching *f);
/* Asks for a source, or, with source NULL, for an object by its digest from a
 * mirror. A second wish for the same is the same. -1 when it was tried and
 * failed, or cannot be started. `d` may be NULL for a source whose digest only
 * the fetch can tell. */
int ax_fetching_want(struct ax_fetching *f, const struct ax_source *s,
		     const struct ax_digest *d, struct ax_err *err);
size_t ax_fetching_fds(struct ax_fetching *f, struct pollfd *out, size_t max);
/* True, and what came, for each fetch that ended well since the last call;
 * false when there is no more. */
bool ax_fetching_step(struct ax_fetching *f, const struct ax_source **s,
		      struct ax_digest *d, bool *tree);
/* True once after fetches failed. */
bool ax_fetching_failed(struct ax_fetching *f);
bool ax_fetching_busy(const struct ax_fetching *f);
void ax_fetching_cancel(struct ax_fetching *f);

#endif
