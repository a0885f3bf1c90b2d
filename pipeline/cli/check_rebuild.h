/* SPDX-License-Identifier: Apache-2.0 */
/* axpipe check --rebuild: its report, as text or JSON. */
#ifndef AX_CHECK_REBUILD_H
#define AX_CHECK_REBUILD_H

#include "pipeline/cli/cli.h"

/* 0 when everything came out as it is stored; else -1 and the exit code. */
int ax_check_rebuild(const struct ax_args *a, struct ax_err *err);

#endif
