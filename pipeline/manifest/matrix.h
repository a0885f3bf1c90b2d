/* SPDX-License-Identifier: Apache-2.0 */
/* Sweeps: the points that a "matrix" means, and how coordinates are spelled. */
#ifndef AX_MATRIX_H
#define AX_MATRIX_H

#include "pipeline/manifest/arena.h"
#include "pipeline/manifest/place.h"

/* More points, nodes or links than this are a mistake, or an attack. */
#define AX_MAX_POINTS 1000000

/* Name and spelled value are interned in the arena of the graph: within one
 * graph, equal is the same pointer. */
struct ax_coord {
	const char *name;
	const char *value;
	json_t *json; /* borrowed */
};

/* Coordinates in byte order of their names. */
struct ax_coords {
	const struct ax_coord *c;
	size_t n;
};

/* The points of a matrix (variables are done), in its order: the first name
 * varies slowest. `matrix` must outlive the points. NULL: one point without
 * coordinates. */
int ax_matrix_expand(struct ax_coords **out, size_t *n, const json_t *matrix,
		     const struct ax_place *at, struct ax_arena *arena,
		     struct ax_err *err);
/* Appends "entry[a=1,b=2]". */
void ax_point_name(struct ax_str *s, const char *entry,
		   const struct ax_coords *p);
/* {"a": 1, "b": 2}. New reference. */
json_t *ax_point_json(const struct ax_coords *p);
/* The spelled value of a coordinate, or NULL. `name` need not be interned. */
const char *ax_point_get(const struct ax_coords *p, const char *name);

#endif
