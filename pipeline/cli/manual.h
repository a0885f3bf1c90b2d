/* SPDX-License-Identifier: Apache-2.0 */
/* What is generated from the table of commands: man page and completion. */
#ifndef AX_MANUAL_H
#define AX_MANUAL_H

#include "pipeline/cli/cli.h"

/* axpipe(1) in mdoc. Appends. */
void ax_manual_page(struct ax_str *s);
/* Completion for "bash" or "zsh". Appends. */
void ax_manual_completion(struct ax_str *s, const char *shell);

#endif
