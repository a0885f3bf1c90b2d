/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The identity of external programs: what they say their version is, and what
 * their bytes are. A version alone is not an identity: two builds of one
 * version differ.
 */
#ifndef AX_TOOLS_H
#define AX_TOOLS_H

#include "cache/store.h"
#include "pipeline/manifest/stage.h"

struct ax_tool_id {
	char *path;    /* absolute, as found on PATH: links not resolved, for
			* a program may look at the name it is called by */
	char *version; /* one line, printable */
	struct ax_digest digest; /* of the program and its files */
};

/*
 * 0: found; 1: not installed (out is empty); -1: error (3). The digest is over
 * the program's bytes and each entry of `files` under the name stage.json
 * gives it; an entry that does not exist counts as absent. The version line is
 * remembered in <store>/tools under the digest, so that the program is started
 * once and not on every run.
 */
int ax_tool_identify(struct ax_tool_id *out, struct ax_store *s,
		     const struct ax_tool *t, struct ax_err *err);
void ax_tool_id_free(struct ax_tool_id *id);

#endif
