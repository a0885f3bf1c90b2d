/* SPDX-License-Identifier: Apache-2.0 */
/* ABC command sequences, and which of several results is the best. */
#ifndef AX_EDA_RECIPE_H
#define AX_EDA_RECIPE_H

#include "artifacts/base/base.h"
#include "artifacts/netlist/netlist.h"

#define AX_RECIPES_MAX 16

enum ax_goal { AX_GOAL_AREA, AX_GOAL_TRANSISTORS, AX_GOAL_DEPTH };
/* "area", "transistors", "depth". */
enum ax_goal ax_goal_parse(const char *name);

/*
 * The fixed sequences that a goal is tried with, in their order; NULL ends the
 * list. Static. They need no buffer in the library. For area and transistors
 * the result is the smallest of several, since no single sequence is best on
 * all circuits (differences of 5 to 20 % are common).
 */
const char *const *ax_recipes(enum ax_goal goal);

/* The figure that the goal minimises, and the two that break ties, as one
 * number each in key[0..2]. */
void ax_goal_key(double key[3], const struct ax_netlist *net,
		 enum ax_goal goal);
/* True when a is better than b. */
bool ax_goal_better(const double a[3], const double b[3]);

#endif
