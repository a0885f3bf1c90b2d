/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rebuild check: nodes whose results are in the store run again, each in a
 * clean folder, and everything they leave is compared with what is stored. All
 * differences are listed, and both sides are kept.
 */
#ifndef AX_REBUILD_H
#define AX_REBUILD_H

#include "pipeline/run/run.h"

struct ax_difference {
	unsigned round;   /* from 1 */
	char *path;       /* "out/netlist.v", "metrics.json" */
	bool before, now; /* on which side it is */
	uint64_t at;      /* first differing byte, from 0 */
	uint64_t size[2]; /* before, now */
	struct ax_digest digest[2];
};

enum ax_rebuild_state {
	AX_REBUILD_SAME,
	AX_REBUILD_DIFFERS,
	AX_REBUILD_FAILED, /* it does not run any more: `error` */
	AX_REBUILD_ABSENT  /* nothing in the store to compare with */
};
const char *ax_rebuild_name(enum ax_rebuild_state s);

struct ax_rebuilt {
	const struct ax_node *node;
	enum ax_rebuild_state state;
	unsigned rounds; /* done */
	size_t files;    /* compared in each */
	struct ax_difference *list;
	size_t n, cap;
	char *error, *kept; /* kept: folder with before/ and round<N>/ */
	int exit;           /* of a failure */
	json_t *found;      /* of an audit: pipeline/run/confine.h; or NULL */
};

/*
 * `r` must be planned; `selected` is by node->index. *out has one entry for
 * each selected node, in the order of the graph. `said` is called as each node
 * is done. Errors: interrupted (130), the store (3). What a node does is no
 * error here.
 */
int ax_rebuild(struct ax_rebuilt **out, size_t *n, struct ax_run *r,
	       const bool *selected, unsigned rounds,
	       void (*said)(void *arg, const struct ax_rebuilt *b), void *arg,
	       struct ax_err *err);
void ax_rebuilt_free(struct ax_rebuilt *list, size_t n);

#endif
