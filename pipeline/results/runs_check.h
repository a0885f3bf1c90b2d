/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the repository of past runs is whole, and making it so again. */
#ifndef AX_RUNS_CHECK_H
#define AX_RUNS_CHECK_H

#include "cache/store.h"

/* Reads every object of <store>/runs.git and the last run of each branch.
 * `tell` gets a line for each that is damaged; *bad counts them. With `repair`,
 * damaged objects go to the store's quarantine folder, and a branch whose last
 * run cannot be read goes back to its newest that can. */
int ax_runs_check(struct ax_store *s, bool repair,
		  void (*tell)(void *arg, const char *line), void *arg,
		  uint64_t *bad, struct ax_err *err);

#endif
