/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A manifest and what it includes, read and joined, its variables resolved;
 * not yet its meaning (expand.c). docs/manifest.md is the grammar.
 */
#ifndef AX_MANIFEST_H
#define AX_MANIFEST_H

#include "pipeline/manifest/entry.h"

struct ax_file {
	struct ax_json json;
	char *rel;     /* its folder, seen from the first file's; "" the same */
	size_t parent; /* index of the file that includes it */
	char *identity; /* real path */
};

/* An element of "figures" or "claims". */
struct ax_item {
	json_t *json; /* borrowed */
	size_t file;
	size_t index;
};

struct ax_manifest {
	struct ax_file *files; /* the manifest, then includes */
	size_t nfiles, cfiles;
	const char *name;    /* borrowed */
	json_t *description; /* borrowed, or NULL */
	json_t *vars;        /* resolved; owned */
	struct ax_item *figures, *claims;
	size_t nfigures, cfigures, nclaims, cclaims;
};

/* Fills `index` with the entries. Free with ax_manifest_free, also after an
 * error. */
int ax_manifest_read(struct ax_manifest *m, struct ax_index *index,
		     const char *path, const char *const *sets, size_t nsets,
		     struct ax_err *err);
void ax_manifest_free(struct ax_manifest *m);

#endif
