/* SPDX-License-Identifier: Apache-2.0 */
/* What two recorded runs have not in common: manifest, inputs, tools, keys (by
 * component), digests of outputs, metrics, claims. */
#ifndef AX_RUNDIFF_H
#define AX_RUNDIFF_H

#include <jansson.h>

#include "cache/store.h"

struct ax_row_diff {
	const char *section;  /* "manifest", "input", "tool", "key", "output",
			       * "metric", "claim" */
	char *name;           /* "evolve[wce=0.02].transistors" */
	char *before, *after; /* NULL: not there */
	char *note;           /* of a key: its components; or NULL */
};

struct ax_rundiff {
	char *commit[2], *id[2];
	struct ax_row_diff *rows;
	size_t n, cap;
};

/* `a` and `b`: anything git resolves in runs.git (a manifest's name for its
 * last run, "demo~1", a commit), or a run id. Error 2: no such run. */
int ax_rundiff(struct ax_rundiff *out, struct ax_store *s, const char *a,
	       const char *b, struct ax_err *err);
void ax_rundiff_free(struct ax_rundiff *d);

#endif
