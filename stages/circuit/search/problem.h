/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a circuit is searched for: all patterns of two operands, the result it
 * should give on each, and how to measure one. Pattern p has the bits of b in
 * its low places and the bits of a above them. Small operands repeat their
 * patterns to fill one block.
 */
#ifndef AX_SEARCH_PROBLEM_H
#define AX_SEARCH_PROBLEM_H

#include "stages/circuit/search/circuit.h"

struct ax_problem {
	unsigned wa, wb, ins, outs;
	bool sign;        /* operands and result are two's complement */
	bool extend;      /* the result's top bit is its sign */
	size_t patterns;  /* 2^ins */
	size_t blocks;    /* of 2048 patterns, at least 1 */
	int32_t *ref;     /* wanted result by pattern, repeated up to blocks */
	uint64_t max_abs; /* largest |ref| */
	uint64_t *input;  /* [block][ins][AX_BLOCK_WORDS] */
	uint64_t *exact;  /* [block][outs + 2][AX_BLOCK_WORDS] */
	const struct ax_search_kern *kern;
};

/* Exact errors of a circuit; e = exact - approx. */
struct ax_errors {
	uint64_t sum_abs, wrong, wce;
	double nmed, er, rwce, mre, smape; /* fractions, as published */
};

/*
 * `table` (in the order of struct ax_lut: a outer, b inner, from the smallest
 * operand) or NULL for the exact product. 2 <= wa, wb <= 12.
 */
void ax_problem_init(struct ax_problem *p, unsigned wa, unsigned wb,
		     unsigned outs, bool sign, bool extend,
		     const int32_t *table);
void ax_problem_free(struct ax_problem *p);
/* Rows of lo = ref - bound and hi = ref + bound for kern->bound, cut to what
 * the result can hold: [block][outs][2][AX_BLOCK_WORDS]. Caller frees. */
uint64_t *ax_problem_limits(const struct ax_problem *p, uint64_t bound);
/* Result of the circuit by pattern, `patterns` numbers, in `out`. */
void ax_problem_table(const struct ax_problem *p, const struct ax_circuit *c,
		      int32_t *out);
/* The same for `n` blocks from `block` on, into `out` from its start: n *
 * AX_BLOCK_BITS numbers, less where there are fewer patterns. */
void ax_problem_part(const struct ax_problem *p, const struct ax_circuit *c,
		     size_t block, size_t n, int32_t *out);
void ax_problem_measure(const struct ax_problem *p, const struct ax_circuit *c,
			struct ax_errors *e);
/* Bit rows of the operands of one block: row i of AX_BLOCK_WORDS words. */
const uint64_t *ax_problem_inputs(const struct ax_problem *p, size_t block);

#endif
