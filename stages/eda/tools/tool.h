/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the stages of this field share when they run a program: a time limit
 * that ends it with all its children, its output kept for the log and searched
 * for what went wrong, and checks of the names that are pasted into scripts.
 */
#ifndef AX_EDA_TOOL_H
#define AX_EDA_TOOL_H

#include "stages/kit/kit.h"

/*
 * Runs the declared tool `name` with the arguments after it (a NULL-terminated
 * list), its stdout and stderr joined in `out`, which is also printed to the
 * node's log. Limits: the parameter tool_timeout in seconds, 64 MiB of output.
 * Returns 0 and *status as from waitpid; -1 when it did not start or was
 * killed.
 */
int ax_tool_run(struct ax_task *t, const char *name, const char *const *args,
		struct ax_str *out, int *status, struct ax_err *err);

/*
 * Adds to `to` at most `max` lines of `text`, each after two blanks: those
 * that hold one of the `words`, or, when none does, the last ones. `skip` (may
 * be NULL): lines with one of these words never count.
 */
void ax_tool_excerpt(struct ax_str *to, const char *text,
		     const char *const *words, const char *const *skip,
		     unsigned max);

/* A plain Verilog identifier: letter or _, then letters, digits, _ and $. */
bool ax_tool_is_ident(const char *name);
/* Parameter `param` is a plain identifier, else an error of the manifest. */
int ax_tool_ident(struct ax_task *t, const char *param, const char **out,
		  struct ax_err *err);
/* The parameter `defines`: strings NAME or NAME=VALUE without blanks, quotes or
 * semicolons. */
int ax_tool_defines(struct ax_task *t, json_t **out, struct ax_err *err);
/* value to `decimals` places, halves away from zero, as the nearest double:
 * what a tool computed in single precision holds no more. */
double ax_tool_round(double value, int decimals);

#endif
