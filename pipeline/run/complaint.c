/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/run/complaint.h"

#include <sys/statvfs.h>
#include <sys/wait.h>

#include "artifacts/base/proc.h"

#define TAIL_LINES 20

/* True when nothing can be written beside a work folder any more. */
static bool
disk_full(const char *dir)
{
	struct statvfs st;

	return statvfs(dir, &st) == 0 &&
	       (st.f_bavail == 0 || (st.f_files && st.f_favail == 0));
}

char *
ax_complaint(const struct ax_job *j, const char *dir, int *exit_code)
{
	char text[100];

	*exit_code = AX_EXIT_STAGE;
	if (j->how != AX_JOB_RAN && j->note) {
		if (j->how != AX_JOB_LIMIT)
			*exit_code = AX_EXIT_ENV;
		return ax_strdup(j->note);
	}
	if (j->timed_out)
		return ax_asprintf(
			"still running after its timeout of %g s; ended",
			j->timeout);
	if (j->log_full)
		return ax_strdup("its log grew beyond 1 GiB; ended");
	if (WIFEXITED(j->status) && WEXITSTATUS(j->status) == 0)
		return NULL;
	if (WIFEXITED(j->status) && WEXITSTATUS(j->status) == AX_EXIT_ENV) {
		*exit_code = AX_EXIT_ENV;
		return ax_strdup("exit code 3 (its environment: a tool, the "
				 "disk or the network)");
	}
	ax_status_text(text, sizeof(text), j->status);
	if (disk_full(dir)) {
		*exit_code = AX_EXIT_ENV;
		return ax_asprintf(
			"%s; the disk of the store is full: make room there "
			"(`axpipe gc` drops what no run needs), or choose "
			"another store with --store DIR or AXPIPE_STORE",
			text);
	}
	return ax_strdup(text);
}

char *
ax_complaint_whole(const struct ax_work *w, const char *what)
{
	struct ax_str s = AX_STR_INIT, tail = AX_STR_INIT;

	ax_str_add(&s, what);
	ax_work_log_tail(&tail, w, TAIL_LINES, "    ");
	if (tail.len)
		ax_str_addf(&s, "\n  end of its log:\n%s", tail.buf);
	else
		ax_str_add(&s, "\n  its log is empty\n");
	ax_str_addf(&s, "  work folder: %s\n", w->dir);
	ax_str_free(&tail);
	return ax_str_take(&s);
}
