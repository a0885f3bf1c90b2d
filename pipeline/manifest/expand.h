/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From entries to nodes: wiring, the order of entries, sweeps that flow
 * downstream, joins, gathering. sources.c does the entries of "inputs",
 * resolve.c writes the outcome down as a manifest again.
 */
#ifndef AX_EXPAND_H
#define AX_EXPAND_H

#include "pipeline/manifest/entry.h"
#include "pipeline/manifest/manifest.h"

/* Fills g->nodes, g->sources and the maps from g->index. */
int ax_expand(struct ax_graph *g, const struct ax_manifest *m,
	      const struct ax_stages *stages, struct ax_err *err);
/* One entry of "inputs": its points become sources of the graph. */
int ax_expand_input(struct ax_graph *g, struct ax_entry *e,
		    const struct ax_manifest *m, struct ax_err *err);
/* The variables of e's matrix are filled in, and its own points made. */
int ax_expand_matrix(struct ax_entry *e, const struct ax_manifest *m,
		     struct ax_arena *arena, struct ax_err *err);
/* The coordinate names of all points of an entry, once these are final. */
void ax_entry_coords(struct ax_entry *e, struct ax_arena *arena);
/* "resolved": the whole manifest, ready to be run again. What was read of the
 * stages is given up on the way: it has become nodes and this, and of a large
 * graph is a third of the memory. Places in messages are found again in the
 * text. */
int ax_resolve(struct ax_graph *g, const struct ax_manifest *m,
	       struct ax_err *err);

#endif
