/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions over node metrics (docs/manifest.md, "Values of nodes"): what
 * claims and figures are made of.
 */
#ifndef AX_VALUE_H
#define AX_VALUE_H

#include <jansson.h>

#include "pipeline/manifest/graph.h"

/* Where metrics come from: NULL when the node has none (did not run). */
typedef json_t *(*ax_metrics_fn)(void *arg, const struct ax_node *node);

struct ax_point {
	json_t *coords; /* owned; {} when nothing was swept */
	json_t *value;  /* owned; number or string; NULL: missing */
	char *missing;  /* owned; why it is missing, or NULL */
};

struct ax_values {
	struct ax_point *points; /* in order of the sweep */
	size_t n;
};

struct ax_expr;

/* Parses; checks that entries, coordinates and (where stage.json lists its
 * metrics) metric names exist, with a "did you mean". Errors carry the place
 * in the expression; the caller wraps them with the manifest's place. */
int ax_expr_parse(struct ax_expr **out, const char *text,
		  const struct ax_graph *g, struct ax_err *err);
/* The same over the points of another expression too: so that `coord(wce)` may
 * stand alone as the x of a figure whose y is swept. `over` may be NULL. */
int ax_expr_parse_over(struct ax_expr **out, const char *text, const char *over,
		       const struct ax_graph *g, struct ax_err *err);
void ax_expr_free(struct ax_expr *e);
int ax_expr_eval(struct ax_values *out, const struct ax_expr *e,
		 ax_metrics_fn metrics, void *arg, struct ax_err *err);
/* The unit, when the expression is a single metric that has one. Borrowed. */
const char *ax_expr_unit(const struct ax_expr *e);
void ax_values_free(struct ax_values *v);

#endif
