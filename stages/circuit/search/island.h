/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One island of axpipe's own search: a circuit that always keeps its error
 * bound, and moves that replace one signal by another function of other
 * signals.
 *
 * A move looks at one signal (or one output pin), inverts it on a pool of 2048
 * patterns and follows the change to the outputs. The patterns where the bound
 * breaks are the ones it must keep its value on (its care set); on all others
 * it is free. So one simulation of its fan-out decides every replacement on the
 * pool: constants, other signals and their inverses, and gates of two signals.
 * The best by cost change plus annealing noise is then checked on all patterns,
 * and taken when the bound holds; else a pattern that broke it joins the pool.
 */
#ifndef AX_SEARCH_ISLAND_H
#define AX_SEARCH_ISLAND_H

#include "artifacts/base/base.h"
#include "artifacts/base/rng.h"
#include "stages/circuit/search/ckpt.h"
#include "stages/circuit/search/cost.h"
#include "stages/circuit/search/problem.h"

/* How to make a function of two signals from allowed gates at least cost. */
struct ax_form {
	uint8_t gate;       /* AX_G_KINDS: cannot be made */
	uint8_t ix, iy, io; /* inverters in front of x, y and behind */
	int64_t cost;
};

/* What all islands share. */
struct ax_search {
	const struct ax_problem *p;
	uint64_t *limits; /* of ax_problem_limits */
	struct ax_costs costs;
	/* [AND, OR][x inverted][y inverted], and XOR, XNOR */
	struct ax_form two[2][2][2], exor[2];
	int64_t deep;       /* least cost of two gates */
	unsigned allowed;   /* a bit per gate */
	double noise[1024]; /* quantiles of the exponential distribution */
	/* NULL: `costs` are all there is to it; set by the caller, borrowed */
	const struct ax_cost *full;
};

/* By `full` if there is one. */
int64_t ax_search_cost(const struct ax_search *s, const struct ax_circuit *c);

/* `allowed` has a bit per gate (1 << AX_G_...); INV and constants always are.
 */
void ax_search_init(struct ax_search *s, const struct ax_problem *p,
		    uint64_t bound, const struct ax_costs *costs,
		    unsigned allowed);
void ax_search_free(struct ax_search *s);
/* Rewrites gates that are not allowed by ones that are, and tidies. */
int ax_search_legalise(const struct ax_search *s, struct ax_circuit *c,
		       struct ax_err *err);
/* True when no pattern breaks the bound. */
bool ax_search_feasible(const struct ax_search *s, const struct ax_circuit *c);

struct ax_island;

/* `c` must be feasible and legal. Random numbers come from the stream (seed,
 * "island", index). */
struct ax_island *ax_island_new(const struct ax_search *s,
				const struct ax_circuit *c, uint64_t seed,
				uint64_t index);
void ax_island_free(struct ax_island *i);
/* Goes on from another circuit; the pool of patterns stays. */
void ax_island_set(struct ax_island *i, const struct ax_circuit *c);
/* `steps` visits, the temperature (in units of cost) going from `from` to `to`
 * in a straight line. */
void ax_island_run(struct ax_island *i, uint64_t steps, double from, double to);
const struct ax_circuit *ax_island_circuit(const struct ax_island *i);
const struct ax_circuit *ax_island_best(const struct ax_island *i);
int64_t ax_island_cost(const struct ax_island *i);
int64_t ax_island_best_cost(const struct ax_island *i);

/* Counts since the start. */
struct ax_island_stats {
	uint64_t steps, candidates, checks, failed, taken;
};
const struct ax_island_stats *ax_island_stats(const struct ax_island *i);

void ax_island_save(const struct ax_island *i, struct ax_str *out);
/* Replaces the state of an island made with the same arguments. */
int ax_island_restore(struct ax_island *i, struct ax_ck_reader *r);

#endif
