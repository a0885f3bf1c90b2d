/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child processes: an argument vector, never a shell; their own process group;
 * killed by the kernel when the parent dies, so that nothing outlives a
 * kill -9.
 */
#ifndef AX_PROC_H
#define AX_PROC_H

#include <stdbool.h>
#include <sys/types.h>

#include "artifacts/base/err.h"
#include "artifacts/base/str.h"

struct ax_proc {
	const char *const
		*argv; /* argv[0] is a path, or is looked up on PATH */
	const char *const *envp; /* NULL: this process's environment */
	const char *cwd;         /* NULL: stay */
	int in, out,
		err; /* descriptors; -1: /dev/null for in, inherit others */
	int keep_fd; /* one more descriptor the child keeps, or -1 */
	int keep_as; /* under this number */
};

#define AX_PROC_INIT                                                           \
	{                                                                      \
		NULL, NULL, NULL, -1, -1, -1, -1, -1                           \
	}

/* Starts it; returns the pid, or -1. A program that cannot be started is
 * reported here, not as an exit code. */
pid_t ax_spawn(const struct ax_proc *p, struct ax_err *err);

/*
 * Runs a program to its end. stdout goes to the file `out_path` or, when that
 * is NULL, into `out` (may be NULL; over its max it is cut); stderr joins it
 * when `join`, else into `errout` (may be NULL). After `timeout` seconds (0:
 * none) its process group is killed. Returns 0 and *status as from waitpid, or
 * -1 when it could not be started or ran out of time.
 */
int ax_run(int *status, const char *const *argv, const char *cwd,
	   const char *out_path, struct ax_str *out, struct ax_str *errout,
	   bool join, double timeout, struct ax_err *err);
/* "exit code 2", "signal 11 (Segmentation fault)". Static buffer-free: fills
 * out, returns it. */
char *ax_status_text(char *out, size_t size, int status);

#endif
