/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only place that talks to Slurm: its programs, run as argument vectors,
 * and the words they answer with. Knows nothing of nodes or runs.
 */
#ifndef AX_SLURM_H
#define AX_SLURM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "artifacts/base/err.h"
#include "artifacts/base/map.h"

/* What a state of a job means for who waits for it. */
enum ax_slurm_state {
	AX_SLURM_ABSENT, /* squeue does not know it (any more) */
	AX_SLURM_QUEUED, /* pending, or requeued */
	AX_SLURM_ALIVE,  /* running, or on its way up or down */
	AX_SLURM_STUCK,  /* held after a launch that failed: will never run */
	AX_SLURM_COMPLETED,
	AX_SLURM_FAILED,    /* exit code or signal of what was started */
	AX_SLURM_LIMIT,     /* TIMEOUT, OUT_OF_MEMORY, DEADLINE */
	AX_SLURM_INFRA,     /* NODE_FAIL, BOOT_FAIL, PREEMPTED, ... */
	AX_SLURM_CANCELLED, /* by somebody */
};

struct ax_slurm_row {
	enum ax_slurm_state state;
	char word[32];   /* as Slurm says it */
	char reason[64]; /* why it waits */
	char id[32];     /* "123", or "123_4" of an array */
};

/* What one squeue answered. */
struct ax_slurm_queue {
	struct ax_map by_name; /* "NAME/INDEX" -> row; 0 outside an array */
	struct ax_slurm_row **rows;
	size_t n, cap;
};

struct ax_slurm_request {
	const char *name;   /* of the job */
	const char *script; /* file; its #! line starts the job */
	const char *dir;    /* working directory; Slurm's output goes there */
	unsigned count;     /* above 1: an array 0 .. count-1 */
	unsigned cpus;
	uint64_t memory; /* bytes, 0: not asked for */
	double seconds;  /* time limit, 0: not asked for */
	const char *partition;
	const char *const *args; /* more arguments */
	size_t nargs;
};

/* Largest array the site takes, and the CPUs of the smallest node of the
 * partition (NULL: all). Error 3: not installed, or no answer. */
int ax_slurm_site(unsigned *max_array, unsigned *node_cpus,
		  const char *partition, struct ax_err *err);
/* 0 and the id; 1 when it may work later (Slurm does not answer, or a limit on
 * queued jobs), and then the job may have been taken all the same: look for its
 * name before trying again; -1 when Slurm refuses it. */
int ax_slurm_submit(char id[32], const struct ax_slurm_request *q,
		    struct ax_err *err);
/* All jobs of this user whose names start with "axp-": one call. 0; 1: no
 * answer, err says why. */
int ax_slurm_look(struct ax_slurm_queue *out, struct ax_err *err);
const struct ax_slurm_row *ax_slurm_find(const struct ax_slurm_queue *q,
					 const char *name, unsigned index);
void ax_slurm_queue_free(struct ax_slurm_queue *q);
/* What accounting knows of a job that squeue has forgotten; ABSENT when there
 * is no accounting. */
enum ax_slurm_state ax_slurm_account(const char *id);
/* Cancels; `ids` are ids, or names of jobs when `names`. */
int ax_slurm_cancel(const char *const *ids, size_t n, bool names,
		    struct ax_err *err);

#endif
