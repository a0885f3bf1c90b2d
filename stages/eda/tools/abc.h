/* SPDX-License-Identifier: Apache-2.0 */
/* ABC as a program of its own, on BLIF files below tmp/. */
#ifndef AX_EDA_ABC_H
#define AX_EDA_ABC_H

#include "artifacts/netlist/netlist.h"
#include "stages/eda/tools/tool.h"

/*
 * Maps `net` (nodes of any kind) with one command sequence to the cells of the
 * genlib file `genlib`, whose cells `lib` holds. The result refers to them.
 * Constants of the result are nodes without a cell. Caller frees *out. Returns
 * 0; 1 when ABC left no result (a command failed or died; `err` says which); -1
 * on anything else, a program that had to be killed included.
 */
int ax_abc_map(struct ax_netlist **out, struct ax_task *t,
	       const struct ax_netlist *net, const char *genlib,
	       const struct ax_liberty *lib, const char *recipe,
	       struct ax_err *err);

enum ax_verdict { AX_PROVED, AX_REFUTED, AX_UNKNOWN };
/* "PROVED", ... */
const char *ax_verdict_name(enum ax_verdict v);
/* ABC's combinational equivalence check, for circuits too wide to simulate on
 * all patterns. Ports are matched by name. */
int ax_abc_equal(enum ax_verdict *out, struct ax_task *t,
		 const struct ax_netlist *a, const struct ax_netlist *b,
		 struct ax_err *err);

#endif
