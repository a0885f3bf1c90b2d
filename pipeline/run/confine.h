/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stages held to what they declare (docs/trust.md). Audit looks on by ptrace
 * and names what else was touched; sandbox refuses it by Landlock and cuts the
 * network by seccomp, and names it where ptrace is allowed. Both work for root
 * and for ordinary users.
 *
 * The stage is started through `axpipe confine POLICY PROGRAM...`, in whose
 * place it stands for the executor: same working directory, descriptors,
 * process group and exit status. It leaves audit.json beside the outputs.
 */
#ifndef AX_CONFINE_H
#define AX_CONFINE_H

#include <jansson.h>
#include <stdbool.h>

#include "artifacts/base/err.h"

enum ax_confine { AX_CONFINE_NONE, AX_CONFINE_AUDIT, AX_CONFINE_SANDBOX };

struct ax_work;
struct ax_node;
struct ax_stage_id;

/* Error 3 when this kernel offers none of it. */
int ax_confine_probe(enum ax_confine mode, struct ax_err *err);
/* Writes w->dir/policy.json and puts the wrapper in front of w->argv. */
int ax_confine_wrap(struct ax_work *w, const struct ax_node *n,
		    const struct ax_stage_id *id, enum ax_confine mode,
		    struct ax_err *err);
/* What the last run in `dir` touched without declaring it: an array of {kind,
 * path, by, refused}, empty when nothing; NULL when it was not looked at.
 * Caller decrefs. */
json_t *ax_confine_found(const char *dir);
/* "read /etc/hostname (by cat)". Caller frees. */
char *ax_confine_text(const json_t *found);
/* argv: POLICY PROGRAM ARG... Returns the exit code. */
int ax_confine_main(int argc, char **argv);

/* policy.c: what is allowed ------------------------------------------------ */

struct ax_policy {
	enum ax_confine mode;
	char *home;           /* the working directory */
	char *inside;         /* its folder of inputs, resolved */
	const char **read;    /* NULL-terminated; files, and folders with all in
			       * them */
	const char **write;   /* beside the working directory */
	const char **outputs; /* NULL-terminated, below out/ */
	json_t *root;         /* owns the strings */
};

int ax_policy_load(struct ax_policy *p, const char *path, struct ax_err *err);
void ax_policy_free(struct ax_policy *p);
/* `path` is absolute and resolved. */
bool ax_policy_may_read(const struct ax_policy *p, const char *path);
bool ax_policy_may_write(const struct ax_policy *p, const char *path);
/* ... of its inputs, which are private copies, the sandbox lets a stage change
 * what it likes. */
bool ax_policy_may_alter(const struct ax_policy *p, const char *path);
/* What the system itself offers every stage; NULL-terminated. */
extern const char *const ax_policy_system[];    /* to read and run */
extern const char *const ax_policy_devices[];   /* to read and write */
extern const char *const ax_policy_bins[];      /* folders of programs, */
extern const char *const ax_policy_utilities[]; /* and which of them */

/* landlock.c --------------------------------------------------------------- */

/* 0 when there is none. */
int ax_landlock_abi(void);
/* For this process and what it starts, for good. */
int ax_landlock_enter(const struct ax_policy *p, struct ax_err *err);

/* trace.c ------------------------------------------------------------------ */

/* Installs the seccomp filter; `traced`: a tracer is there. */
int ax_trace_filter(enum ax_confine mode, bool traced);
/* Watches the child `pid`, seized and waiting, until it has ended; *status as
 * from waitpid. Findings are added to `found`. */
int ax_trace_follow(int pid, const struct ax_policy *p, json_t *found,
		    int *status);
/* Makes this process the tracer of `pid`. */
int ax_trace_seize(int pid);

#endif
