/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of each node of a manifest between runs: the key it last
 * had, in which run, how long it took, and whether it failed. Only for people
 * (explain, status, time estimates): whether a node runs is decided by keys
 * and records alone, and losing this file loses no result.
 *
 * <store>/nodes/<manifest> is appended to, one line an event, later lines win:
 *
 *   axpipe nodes 1
 *   ok <key> <run> <seconds> <node>
 *   no <key> <run> <seconds> <node>\t<first line of the error>
 *
 * with \\, \t, \n in names escaped by a backslash. A torn last line is
 * dropped. Grown to more than twice what it says, the file is rewritten.
 */
#ifndef AX_JOURNAL_H
#define AX_JOURNAL_H

#include <stdbool.h>

#include "artifacts/base/err.h"
#include "artifacts/base/hash.h"

struct ax_past {
	bool ok; /* it was there once, under this key */
	struct ax_digest key;
	const char *run;
	double seconds;
	bool failed; /* its last try failed, under this key */
	struct ax_digest failed_key;
	const char *failed_run, *error;
};

struct ax_journal;

/* Reads the file; one that does not exist, or is of another version, is an
 * empty journal. With `readonly`, nothing is ever written. */
struct ax_journal *ax_journal_open(const char *store_dir, const char *manifest,
				   bool readonly);
void ax_journal_close(struct ax_journal *j);
/* What was known when the journal was opened. Borrowed; NULL: never seen. */
const struct ax_past *ax_journal_find(const struct ax_journal *j,
				      const char *node);
/* Append; a failure to write is silent, for nothing depends on it. */
void ax_journal_ok(struct ax_journal *j, const char *node,
		   const struct ax_digest *key, const char *run,
		   double seconds);
void ax_journal_failed(struct ax_journal *j, const char *node,
		       const struct ax_digest *key, const char *run,
		       double seconds, const char *error);

#endif
