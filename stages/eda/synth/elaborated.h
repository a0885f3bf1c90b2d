/* SPDX-License-Identifier: Apache-2.0 */
/* What cannot be mapped to gates, found in an elaborated design. */
#ifndef AX_EDA_ELABORATED_H
#define AX_EDA_ELABORATED_H

#include "artifacts/base/err.h"

/*
 * Reads a design as Yosys's write_json leaves it after `proc`. Latches,
 * flip-flops, memories, tri-state drivers and formal cells are errors that
 * name file, line and net; unknown modules too.
 */
int ax_elaborated_check(const char *path, struct ax_err *err);

#endif
