/* SPDX-License-Identifier: Apache-2.0 */
/* The user's RTL against the reference, in Icarus Verilog. */
#include "stages/eda/tools/icarus.h"

int
ax_stage_run(struct ax_task *t, struct ax_err *err)
{
	size_t n = ax_task_in_count(t, "rtl");
	const char *results = ax_task_out(t, "results"), **files;
	struct ax_golden want;
	struct ax_icarus_job job;
	int rc;

	if (ax_icarus_job_of(&job, t, err) < 0)
		return -1;
	if (ax_golden_load(&want, ax_task_in(t, "golden"), false, err) < 0)
		return ax_err_wrap(err, "input golden is no reference");
	files = ax_calloc(n + 1, sizeof(*files));
	for (size_t i = 0; i < n; i++)
		files[i] = ax_task_in_at(t, "rtl", i);
	job.files = files;
	rc = ax_icarus_run(t, &job, &want, results, "the RTL", err);
	if (rc == 0)
		rc = ax_icarus_judge(t, &want, results, "the RTL", err);
	ax_golden_free(&want);
	free(files);
	return rc;
}
