/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a search starts: the circuits of stages/circuit/structures that fit a
 * problem, among them those that keep a bound on the largest error.
 */
#ifndef AX_SEARCH_FAMILIES_H
#define AX_SEARCH_FAMILIES_H

#include "stages/circuit/search/island.h"
#include "stages/circuit/structures/structures.h"

/* What is wanted of the circuit. Its input bits are those of A, then B, then
 * C. */
struct ax_wanted {
	bool known; /* it is one of the structures' operations */
	enum ax_shape_op op;
	unsigned wa, wb, wc; /* wc of multiply-accumulates only */
	bool sign;           /* of operands and result */
};

/* The product or, where that is what all patterns say, the sum of the two
 * operands of the problem. */
struct ax_wanted ax_wanted_of(const struct ax_problem *p);
/* Product or sum of two, product plus the last of three operands of these
 * widths, if all patterns say so. */
struct ax_wanted ax_wanted_by(const struct ax_problem *p, bool sign,
			      const unsigned *width, size_t n);

struct ax_member {
	struct ax_shape shape;
	bool swap; /* made for B times A: B is its first operand */
};

/*
 * Members of every family that does what is wanted, without constants. `all`:
 * with each tree and each order of the operands, where that makes a difference;
 * else of many bits, whose measuring takes long, every second.
 * Caller frees.
 */
struct ax_member *ax_members(const struct ax_wanted *w, bool all, size_t *n);
/* Does a constant belong to the family? */
bool ax_member_adds(const struct ax_member *m);
/* The circuit, of the problem's width; false where the shape does not exist.
 * Replaces *c. */
bool ax_member_build(const struct ax_problem *p, const struct ax_member *m,
		     struct ax_circuit *c);
/* Says what it is, in at most 95 characters. */
void ax_member_name(char *to, size_t room, const struct ax_member *m);

/*
 * Hands over every member but those that ax_members leaves out: where a
 * constant belongs to the family, without it, with the middle and with the mean
 * of the errors, by how `often` patterns occur (NULL: all alike).
 */
void ax_members_each(const struct ax_problem *p, const struct ax_wanted *w,
		     const float *often,
		     void (*take)(void *arg, const struct ax_circuit *c,
				  const char *what),
		     void *arg);

/* A circuit to start from. */
struct ax_start {
	struct ax_circuit c;
	int64_t cost;
	char what[96];
};

/*
 * Members that keep the bound, with a few constants where they take one: legal,
 * tidy, cheapest first, none that costs much more than the cheapest. There is
 * room for `more` others in the list. Caller frees with ax_starts_free.
 */
struct ax_start *ax_families(const struct ax_search *s,
			     const struct ax_wanted *w, uint64_t bound,
			     size_t more, size_t *n);
/* Adds trees with fast adders that keep the bound, for searches in which delay
 * counts. There is still room for `more`. */
void ax_families_fast(const struct ax_search *s, size_t more,
		      struct ax_start **list, size_t *n);
void ax_starts_free(struct ax_start *list, size_t n);
/* Sorts by cost; equal ones keep their order. */
void ax_starts_sort(struct ax_start *list, size_t n);
/* How many, cheapest first, are worth a try. */
size_t ax_starts_worth(const struct ax_start *list, size_t n);

#endif
