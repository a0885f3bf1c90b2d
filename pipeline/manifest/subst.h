/* SPDX-License-Identifier: Apache-2.0 */
/* ${name} and {"$by": ...} in values (docs/manifest.md, "Values"). */
#ifndef AX_SUBST_H
#define AX_SUBST_H

#include "pipeline/manifest/place.h"

struct ax_scope {
	const json_t *coords; /* object or NULL; they win over vars */
	const json_t *vars;   /* object or NULL */
	/* Names that nobody knows stay as they are, `$${` too, and what is put
	 * in is escaped: the outcome is for a second substitution. */
	bool partial;
	const json_t *hidden; /* partial: names not to be looked up in vars */
};

/* True when the value holds anything for ax_subst to do. */
bool ax_subst_needed(const json_t *value);
/* *out: new reference; shares what needs no change. */
int ax_subst(json_t **out, json_t *value, const struct ax_scope *scope,
	     const struct ax_place *at, struct ax_err *err);
/* Calls fn for every name that the value uses; stops when fn returns not 0,
 * and returns that. */
int ax_subst_names(const json_t *value, int (*fn)(void *arg, const char *name),
		   void *arg);
/* The value, with strings such that ax_subst gives them back. New reference. */
json_t *ax_subst_escape(json_t *value);
/* 0 when the value has at most `nodes` values in it, nested at most `depth`
 * deep; else -1. What variables put together could be huge. */
int ax_json_weigh(const json_t *value, size_t nodes, int depth);
/* A claim or another value of graph->claims at one point of a sweep: whatever
 * names coordinates is replaced by those of `coords`. *out: new reference. */
int ax_subst_point(json_t **out, json_t *value, const json_t *coords,
		   struct ax_err *err);

#endif
