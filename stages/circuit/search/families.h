/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multipliers that need no search, as places to start one from: partial
 * products (signed ones after Baugh and Wooley, "A two's complement parallel
 * array multiplication algorithm", IEEE Trans. Comp. 1973) compressed column
 * by column, with the lowest columns left out and a constant put in for them.
 */
#ifndef AX_SEARCH_FAMILIES_H
#define AX_SEARCH_FAMILIES_H

#include "stages/circuit/search/island.h"

struct ax_family {
	unsigned drop; /* partial products of columns below this are left out */
	uint64_t add;  /* constant added, any column */
	bool chain;    /* sums ripple through a column instead of queueing */
	bool booth;    /* rows of radix-4 digits instead of single bits */
	bool swap;     /* the digits are those of A (booth) */
};

/* The circuit for operands and result of the problem; replaces *c. */
void ax_family_build(const struct ax_problem *p, const struct ax_family *f,
		     struct ax_circuit *c);

/*
 * Modified Booth recoding (MacSorley, "High-speed arithmetic in binary
 * computers", Proc. IRE 1961): the digits -2..2 of one operand select rows of
 * the other. Called by ax_family_build.
 */
void ax_booth_build(const struct ax_problem *p, const struct ax_family *f,
		    struct ax_circuit *c);

/* A circuit to start from. */
struct ax_start {
	struct ax_circuit c;
	int64_t cost;
	char what[64];
};

/*
 * Members of the families that keep the bound: every shape and number of
 * dropped columns with a few constants, legal and tidy, cheapest first. There
 * is room for one more in the list. Caller frees with ax_starts_free.
 */
struct ax_start *ax_families(const struct ax_search *s, uint64_t bound,
			     size_t *n);
void ax_starts_free(struct ax_start *list, size_t n);
/* Sorts by cost; equal ones keep their order. */
void ax_starts_sort(struct ax_start *list, size_t n);

#endif
