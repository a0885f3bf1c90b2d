/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The circuits of which no other is better in both error and cost, sorted by
 * cost. Of two with the same figures the first stays, so what an archive holds
 * depends on what it was offered and in which order, on nothing else.
 */
#ifndef AX_SEARCH_ARCHIVE_H
#define AX_SEARCH_ARCHIVE_H

#include "stages/circuit/search/ckpt.h"

struct ax_archive_point {
	int64_t cost; /* rises along the list */
	double error; /* falls */
	uint64_t step;
	struct ax_circuit c;
};

struct ax_archive {
	struct ax_archive_point *point;
	size_t n, cap;
};

void ax_archive_free(struct ax_archive *a);
/* Whether a circuit of these figures would be kept. */
bool ax_archive_wants(const struct ax_archive *a, double error, int64_t cost);
/* Keeps a copy if it is wanted, drops what it dominates. */
bool ax_archive_offer(struct ax_archive *a, double error, int64_t cost,
		      uint64_t step, const struct ax_circuit *c);
/* Offers every point of `from`. */
void ax_archive_merge(struct ax_archive *a, const struct ax_archive *from);
/* The point of least error with a cost of at most `cost`, the one of least cost
 * with an error of at most `error`; NULL if none. Borrowed. */
const struct ax_archive_point *ax_archive_at_cost(const struct ax_archive *a,
						  int64_t cost);
const struct ax_archive_point *ax_archive_at_error(const struct ax_archive *a,
						   double error);
void ax_archive_put(struct ax_str *s, const struct ax_archive *a);
void ax_archive_get(struct ax_ck_reader *r, const struct ax_problem *p,
		    struct ax_archive *a);

#endif
