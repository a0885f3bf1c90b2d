/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The graph that a manifest means: every input and every node, swept and
 * wired, parameters complete, in an order in which each comes after what it
 * needs. Built by manifest.c and expand.c, read by everything else.
 */
#ifndef AX_GRAPH_H
#define AX_GRAPH_H

#include <jansson.h>

#include "artifacts/base/base.h"
#include "artifacts/base/hash.h"
#include "artifacts/base/json.h"
#include "artifacts/base/map.h"
#include "pipeline/manifest/stage.h"

enum ax_source_kind { AX_SOURCE_FILE, AX_SOURCE_URL, AX_SOURCE_GIT };

/* One point of an entry of "inputs". */
struct ax_source {
	char *name;  /* "published[rwce=0.001]" */
	char *entry; /* "published" */
	json_t *coords;
	enum ax_source_kind kind;
	char *path; /* file: absolute or relative to the cwd; git: path in it */
	char *url;  /* url, git */
	char *member; /* url: inside the archive, or NULL */
	bool decompress;
	char *rev;   /* git */
	bool pinned; /* sha256 was given */
	struct ax_digest sha256;
	uint64_t size;              /* 0: not given */
	const struct ax_json *file; /* for messages */
	char *pointer;
	size_t index;
	size_t point; /* which one of its entry's */
	bool used;    /* some node that may run needs it */
};

struct ax_node;

/* One thing wired to an input of a node. */
struct ax_link {
	struct ax_source *source;     /* either this */
	struct ax_node *node;         /* or this */
	const struct ax_port *output; /* of the node */
};

struct ax_wire {
	const struct ax_port *port;
	struct ax_link *links; /* 1, or any number for `many` */
	size_t n;
};

struct ax_node {
	char *name;     /* "evolve[wce=0.005]" */
	char *entry;    /* "evolve" */
	json_t *coords; /* object; {} when not swept */
	const struct ax_stage *stage;
	json_t *params; /* complete and checked */
	struct ax_wire
		*wires; /* in the order of the stage's inputs; wired ones */
	size_t nwires;
	struct ax_digest *pins; /* in the order of the stage's outputs */
	bool *pinned;
	bool any_pin;
	unsigned cpus; /* after the manifest's override; 0: all */
	uint64_t memory;
	double timeout;
	double grow;      /* 1: no try with more of both */
	unsigned retries; /* after what was not the program's doing */
	const struct ax_json *file;
	char *pointer;          /* of the entry, for messages */
	size_t index;           /* in graph->nodes */
	size_t point;           /* which one of its entry's */
	struct ax_node **users; /* nodes that take an output of this one */
	size_t nusers, cusers;
};

/* Where a figure or a claim stands, for messages. */
struct ax_origin {
	const struct ax_json *file;
	char *pointer;
};

struct ax_index; /* pipeline/manifest/entry.h */

struct ax_graph {
	char *name;     /* of the manifest */
	char *path;     /* of its file, as given */
	char *resolved; /* the manifest after include, vars and defaults, as
			 * text: what provenance keeps */
	json_t *description; /* of the manifest, or NULL */
	json_t *figures;     /* array; ${} of vars done */
	json_t *claims;      /* array; ${} and $by of coordinates stay:
			      * ax_subst_point (pipeline/manifest/subst.h) does them
			      */
	struct ax_origin *figure_origins, *claim_origins; /* parallel */
	struct ax_node **nodes; /* topological, ties in order of the manifest */
	size_t n;
	struct ax_source **sources;
	size_t nsources;
	struct ax_map by_name; /* node name -> struct ax_node */
	struct ax_map source_by_name;
	struct ax_json *files; /* the manifest, then includes */
	size_t nfiles;
	struct ax_index *index; /* entries and their points */
};

/* `sets` are "name=value" strings of --set. Every error names file, line and
 * column, and has exit code 2. */
int ax_graph_load(struct ax_graph **out, const char *manifest,
		  const struct ax_stages *stages, const char *const *sets,
		  size_t nsets, struct ax_err *err);
void ax_graph_free(struct ax_graph *g);
/* g->resolved, parsed. The caller's. */
json_t *ax_graph_resolved(const struct ax_graph *g);
/* A copy of the text that lives as long as the graph. */
char *ax_graph_keep(struct ax_graph *g, const char *text);
/* All nodes of an entry (borrowed array of borrowed nodes, order of the
 * sweep), NULL and n=0 when there is none. Selector as in docs/manifest.md:
 * "evolve", "evolve[wce=0.005]", "evolve[wce=*]". Caller frees the array. */
int ax_graph_select(const struct ax_graph *g, const char *selector,
		    struct ax_node ***out, size_t *n, struct ax_err *err);
/* The same for an output: "finetune[wce=*].history". *port is the stage's. */
int ax_graph_select_output(const struct ax_graph *g, const char *reference,
			   struct ax_node ***out, size_t *n,
			   const struct ax_port **port, struct ax_err *err);
/* The spelling of a coordinate's value. Appends to s. */
void ax_coord_spell(struct ax_str *s, const json_t *value);
/* "entry[a=1,b=2]". Caller frees. */
char *ax_coord_name(const char *entry, const json_t *coords);

#endif
