/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a node whose program did not end well. Callers free. */
#ifndef AX_COMPLAINT_H
#define AX_COMPLAINT_H

#include "pipeline/run/exec.h"
#include "pipeline/run/work.h"

/* In a line, and the exit code that it means; NULL when it ended well. `dir` is
 * its work folder, on the disk that may be full. */
char *ax_complaint(const struct ax_job *j, const char *dir, int *exit_code);
/* The same with the end of its log and where its work folder is. */
char *ax_complaint_whole(const struct ax_work *w, const char *what);

#endif
