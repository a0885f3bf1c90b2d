/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulation of a two-operand circuit by Icarus Verilog: a generated test
 * bench drives each pattern of a reference through module `top` and writes what
 * comes out, in the form of the reference. Stages that use it declare the tools
 * iverilog and vvp and the parameters of ax_icarus_job_of.
 */
#ifndef AX_EDA_ICARUS_H
#define AX_EDA_ICARUS_H

#include "stages/eda/tools/golden.h"
#include "stages/eda/tools/tool.h"

struct ax_icarus_job {
	const char *top, *a, *b, *out; /* module and its ports */
	const char *language;          /* -g of iverilog: "2012" */
	json_t *defines;
	double settle;            /* ns between patterns */
	const char *const *files; /* NULL-terminated, paths */
	const char *vcd;          /* where to dump all nets; NULL: not */
};

/* Fills what comes from the parameters top, a, b, out, language, defines,
 * settle, vcd (and the output vcd); files are the caller's. */
int ax_icarus_job_of(struct ax_icarus_job *job, struct ax_task *t,
		     struct ax_err *err);
/*
 * Runs the patterns of `want` and leaves the answers in the file `results`.
 * Fails on errors of the compiler, on ports that are missing, of another
 * width, or driven by nothing. `what` names the files in messages.
 */
int ax_icarus_run(struct ax_task *t, const struct ax_icarus_job *job,
		  const struct ax_golden *want, const char *results,
		  const char *what, struct ax_err *err);
/*
 * The answers in `results` against `want`: metrics patterns, mismatches,
 * exhaustive; fails with the first ten when any differs.
 */
int ax_icarus_judge(struct ax_task *t, const struct ax_golden *want,
		    const char *results, const char *what, struct ax_err *err);

#endif
