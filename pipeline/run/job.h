/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job on another machine: what `axpipe job` does there. It is started by
 * Slurm through the #! line of the submitted file, which also lists the work
 * folders, one a line: the job takes the line of its index in the array.
 */
#ifndef AX_JOB_H
#define AX_JOB_H

#include <stddef.h>

#include "artifacts/base/err.h"

/* Writes what sbatch is given. */
int ax_job_script(const char *path, const char *const *dirs, size_t n,
		  struct ax_err *err);
/*
 * Checks the inputs against their digests, runs the node in a folder of this
 * try's own, moves what it left to where the controller looks, puts the
 * outputs into the store, and writes exit.json last. A job that Slurm starts
 * again after its exit.json was written does nothing. Returns the exit code
 * for Slurm's books: 0 exactly when the program ended with 0.
 */
int ax_job_main(const char *script, struct ax_err *err);

#endif
