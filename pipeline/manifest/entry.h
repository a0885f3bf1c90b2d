/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entries of a manifest (one for each name below "inputs" and "stages"),
 * references to their points, and joins of sweeps. Private to the code that
 * builds and asks the graph; everything else reads pipeline/manifest/graph.h.
 */
#ifndef AX_ENTRY_H
#define AX_ENTRY_H

#include "pipeline/manifest/graph.h"
#include "pipeline/manifest/matrix.h"

struct ax_entry {
	const char *name;
	bool input;   /* from "inputs" */
	json_t *json; /* borrowed from its file; a stage: {} after ax_resolve */
	/* of the entry, as a chain whose links lie here too */
	struct ax_place place, section, root;
	char *pointer;
	size_t order;                 /* in the manifest */
	const struct ax_stage *stage; /* NULL for an input */
	json_t *matrix;               /* variables done; owned */
	struct ax_coords own; /* the first point of its own matrix: its names */
	struct ax_coords *points;   /* after expansion: of all nodes */
	struct ax_node **nodes;     /* stage */
	struct ax_source **sources; /* input */
	size_t n;
	const char **coords; /* all coordinate names of the points, sorted */
	size_t ncoords;
	json_t *params;           /* of the resolved manifest; owned, or NULL */
	struct ax_wiring *wiring; /* expand.c, while it works */
	size_t nwiring;
	struct ax_entry **needs; /* entries that it is wired to, each once */
	size_t nneeds, cneeds;
	size_t waiting; /* needs that are not expanded yet */
};

struct ax_index {
	struct ax_arena arena;
	struct ax_entry **list; /* in order of the manifest */
	size_t n, cap;
	struct ax_map by_name;
	size_t points, links; /* so far, against the limits */
	size_t cnodes;        /* room in graph->nodes */
	json_t *empty;        /* {}, the coordinates of what is not swept */
	struct ax_manifest *manifest; /* the files; owned */
};

struct ax_select {
	const char *name;
	const char *value; /* spelled; NULL for '*' */
};

/* "entry[a=1,b=*]" and what follows it. */
struct ax_ref {
	const struct ax_entry *entry;
	struct ax_select *select;
	size_t n;
	const char *rest; /* into the text, at '.' or the end */
};

/* Reads a reference at the start of `text`. `what` is "entry" or a narrower
 * word, for messages. The arena gives the memory of the selection. Coordinates
 * are checked by ax_ref_points, when the entry has its points. */
int ax_ref_parse(struct ax_ref *out, const char *text,
		 const struct ax_index *index, struct ax_arena *arena,
		 struct ax_err *err);
/* The points (indexes into entry->points) that the selection leaves, in order.
 * None is an error that lists what there is. Memory from the arena. */
int ax_ref_points(const struct ax_ref *r, size_t **which, size_t *n,
		  const struct ax_graph *g, struct ax_arena *arena,
		  struct ax_err *err);
/* Says what a name that is no entry could have meant; exit code 2. */
int ax_entry_unknown(const struct ax_index *index, const char *name,
		     struct ax_err *err);

/* Rows of a join: coordinates, and for each thing joined so far the index of
 * its point. */
struct ax_row {
	struct ax_coords point;
	size_t *picks;
};

#define AX_NO_PICK SIZE_MAX

struct ax_rows {
	struct ax_row *list;
	size_t n, cap;
	size_t width; /* picks a row has */
};

/* One row for each point (own sweep); its first pick is its own index. */
void ax_rows_start(struct ax_rows *rows, const struct ax_coords *points,
		   size_t n, struct ax_arena *arena);
/*
 * Joins the rows with the points of a reference: on shared coordinates, over
 * all others. Coordinates that the reference fixes are not passed on. Rows are
 * ordered by the left side, then by the right. `limit` bounds the outcome.
 */
int ax_rows_join(struct ax_rows *rows, const struct ax_ref *r,
		 const size_t *which, size_t n, size_t limit,
		 struct ax_arena *arena, struct ax_err *err);
/* Adds a pick of nothing to every row. */
void ax_rows_skip(struct ax_rows *rows, struct ax_arena *arena);
/* Which of the points agree with each of `nleft` points on shared coordinates:
 * calls fn(arg, left, list, n), list in order, for left = 0 .. nleft-1. */
int ax_match(const struct ax_coords *const *left, size_t nleft,
	     const struct ax_ref *r, const size_t *which, size_t n,
	     int (*fn)(void *arg, size_t left, const size_t *list, size_t n),
	     void *arg);
void ax_rows_free(struct ax_rows *rows);

#endif
