/* SPDX-License-Identifier: Apache-2.0 */
/* The multipliers to choose from: truth tables with what each costs. */
#ifndef AX_ASSIGN_LIBRARY_H
#define AX_ASSIGN_LIBRARY_H

#include "stages/nn/common/setup.h"

#define AX_LIBRARY_MOST 4096

struct ax_multiplier {
	char *id;
	double cost;
	struct ax_lut lut;
	struct ax_product product;
};

struct ax_library {
	struct ax_multiplier *of;
	size_t n, cap;
};

void ax_library_free(struct ax_library *l);
/*
 * The circuits of input `front`, at the cost that each point has; the tables
 * of input `luts` at the costs of parameter `costs`, called by their
 * coordinates, else lut0, lut1, ...; and "exact" at `exact_cost`, unless null.
 * All must be of one width and sign; `guess` as ax_lut_load has it.
 */
int ax_library_load(struct ax_library *l, struct ax_task *t, int guess,
		    struct ax_err *err);

#endif
