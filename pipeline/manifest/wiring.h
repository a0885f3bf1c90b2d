/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an entry's "in" says: each input of the stage with the references that
 * go into it. References that use coordinates are "dynamic": they are read
 * again for each point.
 */
#ifndef AX_WIRING_H
#define AX_WIRING_H

#include "pipeline/manifest/entry.h"
#include "pipeline/manifest/manifest.h"

struct ax_feed {
	struct ax_ref ref;
	const struct ax_port *output; /* NULL for an input of the manifest */
	size_t *which;                /* points, once they are known */
	size_t n;
};

struct ax_wiring {
	const struct ax_port *port;
	struct ax_place at;
	json_t *value; /* variables done; owned */
	bool dynamic;
	struct ax_feed *feeds;
	size_t n;
	size_t pick; /* single: column in the rows of the join */
};

/* Reads "in" of an entry into e->wiring (order of the stage's inputs), and the
 * entries that it needs into e->needs. e's own points exist already. */
int ax_wiring_read(struct ax_entry *e, const struct ax_manifest *m,
		   const struct ax_index *index, struct ax_arena *arena,
		   struct ax_err *err);
/* The feeds that a value (variables and coordinates done) means for w. */
int ax_wiring_feeds(const struct ax_wiring *w, const json_t *value,
		    const struct ax_place *at, struct ax_feed **feeds,
		    size_t *n, const struct ax_index *index,
		    struct ax_arena *arena, struct ax_err *err);
void ax_wiring_free(struct ax_entry *e);

#endif
