/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a job on another machine is told, and what it tells. Both files lie in
 * the node's work folder, on the file system that the machines share:
 *
 *   job.json    written before the job is submitted: what to start, and which
 *               bytes must be there
 *   exit.json   written by the job when all else is done, by temporary, fsync,
 *               rename: the only truth about how it ended
 */
#ifndef AX_TICKET_H
#define AX_TICKET_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "artifacts/base/err.h"

struct ax_job;

/* Writes dir/job.json from the job. */
int ax_ticket_write(const struct ax_job *j, const char *store,
		    struct ax_err *err);

struct ax_ticket {
	json_t *root; /* owns what follows */
	const char *key, *node, *store;
	const char **argv, **envp; /* NULL-terminated; the arrays are owned */
	double timeout;
	const json_t *inputs, *outputs;
};

/* Reads and checks dir/job.json. */
int ax_ticket_read(struct ax_ticket *t, const char *dir, struct ax_err *err);
void ax_ticket_free(struct ax_ticket *t);

struct ax_exit {
	char key[65];
	int rc, signal;         /* of the program; signal 0: it ended itself */
	bool timed_out;         /* by the job's own clock */
	bool log_full;          /* its log grew beyond the limit */
	bool stopped;           /* Slurm asked the job to end: no verdict yet */
	char error[400];        /* not the program's doing: what went wrong */
	char host[80], job[40]; /* where, and as what */
	unsigned restart;       /* how often Slurm had requeued it */
	double began, over, cpu_seconds;
	uint64_t max_rss;
};

int ax_exit_write(const char *dir, const struct ax_exit *e, struct ax_err *err);
/* 1 read, 0 not there, -1 not readable as one. */
int ax_exit_read(struct ax_exit *e, const char *dir, struct ax_err *err);
/* The same from text, which may be anything. 0 or -1. */
int ax_exit_parse(struct ax_exit *e, const char *text, size_t n,
		  struct ax_err *err);

#endif
