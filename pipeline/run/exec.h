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

#include <jansson.h>

#include "artifacts/base/err.h"

/* How a job ended, for whoever decides on another try. */
enum ax_job_class {
	AX_JOB_RAN,   /* `status` is the program's own */
	AX_JOB_INFRA, /* not the program's doing: `note` says what */
	AX_JOB_LIMIT, /* it needed more time or memory than it was given */
	AX_JOB_GONE   /* somebody else cancelled it */
};

/* One try of one node. The scheduler owns it and keeps it until it has ended.
 */
struct ax_job {
	/* set before start */
	const char *const *argv, *const *envp;
	const char *dir; /* its working directory, absolute */
	const char *log; /* file that takes stdout and stderr */
	double timeout;  /* seconds, 0: none */
	void *owner;     /* the scheduler's */
	/* what only an executor on other machines needs */
	const char *key;  /* 64 hex digits */
	const char *node; /* its name, for people */
	unsigned cpus, tries;
	uint64_t memory;     /* bytes, 0: as it comes */
	const json_t *files; /* {"inputs": [{path, sha256, tree}], "outputs":
			      * [{path, tree}]} of the working directory */
	/* set by the executor, valid once `ended` */
	bool ended;
	int status; /* as from waitpid */
	bool timed_out, cancelled, log_full;
	double cpu_seconds; /* user + system */
	uint64_t max_rss;   /* bytes */
	double began, over; /* Unix time on its machine; 0: not known */
	enum ax_job_class how;
	char *note;  /* owned, or NULL */
	void *state; /* the executor's */
};

/* A line that the node wrote on its progress descriptor. */
typedef void (*ax_progress_fn)(void *arg, struct ax_job *j, const char *line);
/* Something that the user should know. */
typedef void (*ax_note_fn)(void *arg, const char *text);

struct ax_executor {
	const char *name;
	/* what there is to use at once, 0: this machine's; and what one job
	 * that asks for all CPUs gets */
	unsigned cpus, node_cpus;
	uint64_t memory;
	/* A job of an earlier run that still runs, or has ended unseen, in
	 * j->dir: taken over as if it had been started. 1 yes, 0 there is none,
	 * -1 error. May be NULL. */
	int (*adopt)(struct ax_executor *x, struct ax_job *j,
		     struct ax_err *err);
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

struct ax_slurm_options {
	const char *store, *run; /* folder; id of the run */
	const char *partition;   /* NULL: Slurm's default */
	const char *const *args; /* more arguments of sbatch */
	size_t nargs;
	ax_progress_fn progress;
	ax_note_fn note;
	void *arg;
};

/* Jobs of the Slurm cluster that sbatch submits to; docs/slurm.md. NULL with
 * an error (3) when Slurm is not installed or does not answer. */
struct ax_executor *ax_exec_slurm(const struct ax_slurm_options *o,
				  struct ax_err *err);

#endif
