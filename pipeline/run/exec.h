/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executors: where the processes of nodes run. The scheduler knows only this
 * table, so that a cluster can stand behind it as well as this machine.
 */
#ifndef AX_EXEC_H
#define AX_EXEC_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "artifacts/base/err.h"

/* One try of one node. The scheduler owns it and keeps it until it has ended.
 */
struct ax_job {
	/* set before start */
	const char *const *argv, *const *envp;
	const char *dir; /* its working directory, absolute */
	const char *log; /* file that takes stdout and stderr */
	double timeout;  /* seconds, 0: none */
	void *owner;     /* the scheduler's */
	/* set by the executor, valid once `ended` */
	bool ended;
	int status; /* as from waitpid */
	bool timed_out, cancelled, log_full;
	double cpu_seconds; /* user + system */
	uint64_t max_rss;   /* bytes */
	void *state;        /* the executor's */
};

/* A line that the node wrote on its progress descriptor. */
typedef void (*ax_progress_fn)(void *arg, struct ax_job *j, const char *line);

struct ax_executor {
	const char *name;
	int (*start)(struct ax_executor *x, struct ax_job *j,
		     struct ax_err *err);
	/* Fills at most `max` descriptors to poll for; returns how many. */
	size_t (*fds)(struct ax_executor *x, struct pollfd *out, size_t max);
	/* Seconds until step must be called though no descriptor is ready;
	 * negative: no such time. */
	double (*next)(struct ax_executor *x);
	/* Reads what came, sees to timeouts, sets `ended`. Does not block. */
	void (*step)(struct ax_executor *x);
	/* Asks a job to end, and forces it after 5 s. */
	void (*cancel)(struct ax_executor *x, struct ax_job *j);
	/* All jobs have ended. */
	void (*free)(struct ax_executor *x);
};

/* Local processes, one group for each job. Needs ax_signals_begin. */
struct ax_executor *ax_exec_local(ax_progress_fn progress, void *arg);

#endif
