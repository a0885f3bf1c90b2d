/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the stages evolve and front are asked about cost, alike: the parameters
 * cost, cells, max_transistors, max_area, max_delay, max_energy, input_delay
 * and load, and the input liberty.
 */
#ifndef AX_SEARCH_ASK_H
#define AX_SEARCH_ASK_H

#include "stages/circuit/search/cost.h"
#include "stages/kit/kit.h"

/* Areas are kept to this part of the library's unit. */
#define AX_ASK_AREA 1000
/* Of a transistor where they are those of a cover, so that gates can stand for
 * parts of one. */
#define AX_ASK_TRANSISTOR 10

struct ax_ask {
	struct ax_cost cost; /* points to what follows */
	struct ax_cells cells;
	struct ax_cover_cells *cover; /* NULL: two-input cells */
	struct ax_activity activity;
};

/* Takes the gates that the library has no cell for out of `allowed`, when the
 * library matters. Pointers into *a: it must stay where it is. */
int ax_ask_cost(struct ax_ask *a, struct ax_task *t, unsigned *allowed,
		struct ax_err *err);
/* Once the operands are known; `often` as ax_activity_init has it. */
void ax_ask_activity(struct ax_ask *a, const struct ax_problem *p,
		     const float *often);
void ax_ask_free(struct ax_ask *a);
/* Error when the circuit breaks a bound, with its figures. */
int ax_ask_check(const struct ax_ask *a, const struct ax_figures *f,
		 struct ax_err *err);
/* Metrics area, delay, energy: those that the library was wanted for. */
void ax_ask_report(const struct ax_ask *a, struct ax_task *t,
		   const struct ax_figures *f);

#endif
