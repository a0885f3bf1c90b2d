/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worst-case errors of a generation, as far as they are needed. A child
 * differs from its parent in a few nodes: only what these change is simulated,
 * block by block of patterns, and where no output changes its error is the
 * parent's. A child within the bound has to be seen on every block; of one that
 * breaks it a lower limit is known after the first blocks, and it is measured
 * further only where its place in the order depends on it.
 */
#ifndef AX_SEARCH_GA_MEASURE_H
#define AX_SEARCH_GA_MEASURE_H

#include "stages/circuit/search/mutate.h"
#include "stages/circuit/search/problem.h"

enum ax_known { AX_WCE_EXACT, AX_WCE_AT_LEAST };

struct ax_member {
	struct ax_circuit c;
	int64_t cost;
	uint32_t wce;
	enum ax_known known;
	bool no_twins;
	int job;         /* what measures it further; -1: none */
	int like;        /* parent with the same outputs; -1: none */
	uint32_t *block; /* parents only: largest error of each block */
};

struct ax_measure;

/* Borrows the problem. At most `jobs` members at a time. */
struct ax_measure *ax_measure_new(const struct ax_problem *p, unsigned jobs);
void ax_measure_free(struct ax_measure *m);
/* Forgets all members; the next ones have parents of at most `nodes` nodes. */
void ax_measure_begin(struct ax_measure *m, unsigned nodes);
/*
 * Adds a member made from `parent` (NULL: none; both stay where they are until
 * the next begin); `from` is ax_mutate's. A parent has its `block` set. When no
 * output can differ the member gets its parent's error at once; returns false.
 */
bool ax_measure_add(struct ax_measure *m, struct ax_member *child,
		    const struct ax_member *parent, const uint16_t *from);
/* Measures all that were added until each is exact, or known to be `enough` or
 * more. */
void ax_measure_all(struct ax_measure *m, uint32_t enough,
		    struct ax_pool *pool);
/* Asks for more of one: until it is exact or at least `enough`. Then run. */
void ax_measure_ask(struct ax_measure *m, struct ax_member *member,
		    uint32_t enough);
void ax_measure_run(struct ax_measure *m, struct ax_pool *pool);
/* All of a member's blocks; it may have no job. Sets `block` and its error. */
void ax_measure_blocks(struct ax_measure *m, struct ax_member *member,
		       struct ax_pool *pool);

#endif
