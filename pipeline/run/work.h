/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The work folder of one node: made before the node's program starts
 * (docs/stages.md, "What the program gets"), judged and published after it
 * ended ("What it leaves").
 */
#ifndef AX_WORK_H
#define AX_WORK_H

#include "pipeline/run/engine.h"

struct ax_work {
	char *dir;           /* absolute: <store>/work/<key> */
	char *log;           /* dir/log */
	char **argv, **envp; /* NULL-terminated */
	char *place;   /* set before: a folder to use in place of the store's */
	json_t *files; /* what goes in and out, for another machine:
			* pipeline/run/exec.h */
};

#define AX_WORK_INIT                                                           \
	{                                                                      \
		NULL, NULL, NULL, NULL, NULL, NULL                             \
	}

/*
 * The key must be locked, and every object the node needs be in the store.
 * What a former try left is removed, but for the checkpoint of a resumable
 * stage. Input files from outside are copied and the copies hashed: bytes
 * other than the key's mean that the file changed after it was hashed, which
 * sets *tainted and returns -1.
 */
int ax_work_prepare(struct ax_work *w, struct ax_run *r,
		    const struct ax_node *n, unsigned cpus, bool *tainted,
		    struct ax_err *err);
/* Only the names, of a folder that an earlier run made and that is in use. */
int ax_work_attach(struct ax_work *w, struct ax_run *r, const struct ax_node *n,
		   struct ax_err *err);
/*
 * After the program ended well: checks that input files from outside are what
 * they were (else *tainted), takes the outputs and metrics.json, stores the
 * log, publishes the record. The outcome's outputs, sizes, metrics and log are
 * filled in; its times must be set before. Errors: what a stage did wrong (1),
 * the store (3).
 */
int ax_work_publish(struct ax_work *w, struct ax_run *r,
		    const struct ax_node *n, bool *tainted, struct ax_err *err);
/* Stores the log, at most 16 MiB of it: head and tail. */
int ax_work_store_log(const struct ax_work *w, struct ax_run *r,
		      struct ax_outcome *o, struct ax_err *err);
/* Appends the last lines of the log, each behind `indent`; printable. */
void ax_work_log_tail(struct ax_str *s, const struct ax_work *w, size_t lines,
		      const char *indent);
/* The text of request.json (docs/stages.md). `inputs`: port -> an entry of
 * ax_work_input, or of a `many` port a list of them; `tools`: name -> path. */
void ax_work_request(struct ax_str *text, const struct ax_node *n,
		     json_t *inputs, json_t *tools, unsigned cpus);
/* What a request says of one input that lies at `path`. New reference. */
json_t *ax_work_input(const struct ax_wire *w, const struct ax_link *l,
		      const char *path);
/* Frees; with `remove` the folder goes too. */
void ax_work_end(struct ax_work *w, bool remove);

#endif
