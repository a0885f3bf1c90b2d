/* SPDX-License-Identifier: Apache-2.0 */
/* axpipe job: not for people; what a job of the Slurm executor starts. */
#include "pipeline/cli/cli.h"
#include "pipeline/run/job.h"

extern const struct ax_command ax_cmd_job;

static const struct ax_option options[] = {
	{NULL, 0, AX_OPT_FLAG, NULL, NULL},
};

static int
run(const struct ax_args *a, struct ax_err *err)
{
	return ax_job_main(a->operands[0], err);
}

const struct ax_command ax_cmd_job = {
	.name = "job",
	.operands = "FILE",
	.summary = "run one job of a submitted file (started by Slurm)",
	.text = "FILE is what `axpipe run --executor slurm` submitted; the "
		"variable SLURM_ARRAY_TASK_ID says which of its lines is "
		"meant. See docs/slurm.md.",
	.options = options,
	.min = 1,
	.max = 1,
	.run = run,
};
