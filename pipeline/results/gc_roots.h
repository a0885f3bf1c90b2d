/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that past runs name: what gc keeps. */
#ifndef AX_GC_ROOTS_H
#define AX_GC_ROOTS_H

#include "artifacts/base/base.h"
#include "artifacts/base/hash.h"

/* The key of every node in lock.json of every commit of <store>/runs.git, on
 * all branches; with `last` only the newest `last` commits of each branch.
 * None when there is no such repository; one that cannot be read is an error,
 * since what it names would be lost. Caller frees *out. */
int ax_gc_roots(const char *store, size_t last, struct ax_digest **out,
		size_t *n, struct ax_err *err);

#endif
