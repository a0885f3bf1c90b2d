/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results on their way to the remote cache, in a child process beside the
 * scheduler's loop, so that a slow server holds up no node.
 */
#ifndef AX_SHARING_H
#define AX_SHARING_H

#include <poll.h>

#include "pipeline/run/progress.h"
#include "pipeline/run/run.h"

struct ax_sharing;

/* NULL when the run has no remote cache, or one that it must not write. The
 * other functions do nothing for NULL. */
struct ax_sharing *ax_sharing_new(struct ax_run *r, struct ax_progress *p);
/* The record of the key, and its objects, are in the store: give them away. */
void ax_sharing_give(struct ax_sharing *s, const struct ax_digest *key);
size_t ax_sharing_fds(struct ax_sharing *s, struct pollfd *out, size_t max);
/* Passes on keys and hears what the child says. Does not block. */
void ax_sharing_step(struct ax_sharing *s);
/* Waits for what is left, unless interrupted; sets r->given. Frees. */
void ax_sharing_end(struct ax_sharing *s, int wake);

#endif
