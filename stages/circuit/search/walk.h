/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A search for any error objective (error.h): simulated annealing of a circuit
 * under a merit of cost and error, one signal replaced at a time.
 *
 * A visit inverts a signal on a pool of patterns, drawn as often as operands
 * occur, and follows the change to the outputs. That tells what each pattern
 * would add to the objective if the signal were wrong there. An error that is a
 * sum over patterns then makes every replacement of the signal known: a
 * function that differs from it on the set D adds the sum over D, a few counts
 * of ones in bit planes. (Squared means, as noise and coherent error have them,
 * are followed by their slope.) Where a pattern adds more than all the merit
 * could be worth, or breaks a limit, the signal must keep its value, which
 * rules most candidates out by one look. The best by merit plus annealing noise
 * is built, simulated on all patterns, and taken by its exact figures.
 */
#ifndef AX_SEARCH_WALK_H
#define AX_SEARCH_WALK_H

#include "artifacts/base/rng.h"
#include "stages/circuit/search/archive.h"
#include "stages/circuit/search/cost.h"
#include "stages/circuit/search/error.h"
#include "stages/circuit/search/island.h"

/* What counts as better. The merit, in units of cost, is
 *   max(cost, cost_goal) + min(cost, cost_goal) / 50
 *   + slack error / error_most + kappa log(error + floor). */
struct ax_walk_aim {
	double error_most; /* bound on the error; INFINITY: none */
	double slack;      /* what using all of the bound costs */
	int64_t cost_goal; /* what is saved below counts little; 0: everything
			      counts */
	double kappa;      /* what an error e times larger is worth */
	double floor;      /* error that is as good as none; above 0 */
};

struct ax_walk;

/* Borrows all it is given. Random numbers come from the stream (seed, "walk",
 * index). */
struct ax_walk *ax_walk_new(const struct ax_search *s, const struct ax_error *g,
			    const struct ax_cost *cost, uint64_t seed,
			    uint64_t index);
void ax_walk_free(struct ax_walk *w);
/* Sets aim and circuit; false when the circuit breaks a limit or the bound on
 * the error. One that breaks a bound of the cost is led towards it. */
bool ax_walk_set(struct ax_walk *w, const struct ax_walk_aim *aim,
		 const struct ax_circuit *c);
/* `steps` visits, the temperature going from `from` to `to` in a straight line;
 * the pool is drawn anew first. */
void ax_walk_run(struct ax_walk *w, uint64_t steps, double from, double to);
const struct ax_circuit *ax_walk_circuit(const struct ax_walk *w);
double ax_walk_error(const struct ax_walk *w);
int64_t ax_walk_cost(const struct ax_walk *w);
double ax_walk_merit(const struct ax_walk_aim *aim, double error, int64_t cost);
/* The best by merit since ax_walk_set. */
const struct ax_circuit *ax_walk_best(const struct ax_walk *w);
double ax_walk_best_merit(const struct ax_walk *w);
/* Every circuit that was taken and is not dominated. */
struct ax_archive *ax_walk_archive(struct ax_walk *w);
const struct ax_island_stats *ax_walk_stats(const struct ax_walk *w);

void ax_walk_save(const struct ax_walk *w, struct ax_str *out);
int ax_walk_restore(struct ax_walk *w, const struct ax_walk_aim *aim,
		    struct ax_ck_reader *r);

#endif
