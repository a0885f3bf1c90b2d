/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals of a running pipeline. The first interrupt (SIGINT, SIGTERM, SIGHUP)
 * asks for a clean stop; the second kills what runs and leaves at once, from
 * the handler, so that not even a long copy can hold it up. SIGCHLD only
 * wakes the loop.
 */
#ifndef AX_SIGNALS_H
#define AX_SIGNALS_H

#include <stdbool.h>
#include <sys/types.h>

#include "artifacts/base/err.h"

/* Installs the handlers; *fd becomes readable when a signal came. */
int ax_signals_begin(int *fd, struct ax_err *err);
/* Puts back what was there before. */
void ax_signals_end(void);
/* Empties the descriptor. */
void ax_signals_drain(void);
/* How many interrupts came since the beginning. */
int ax_signals_interrupts(void);
/* Process groups that the second interrupt kills. */
void ax_signals_watch(pid_t group);
void ax_signals_unwatch(pid_t group);

#endif
