/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a cell name in a netlist means: from a Liberty library, or, without
 * one, from the name itself (nand2, NAND2X1, NAND2_X1, lib__nand2_1).
 */
#ifndef AX_CELLS_H
#define AX_CELLS_H

#include "artifacts/liberty.h"
#include "artifacts/netlist/build.h"

#define AX_CELL_OUTS 16

struct ax_cell_model {
	unsigned ins, outs;
	uint64_t tt[AX_CELL_OUTS];
	/* pin names; by family several spellings are taken, '|' between */
	const char *in[AX_NODE_FANIN], *out[AX_CELL_OUTS];
	double area;
};

/*
 * 0 and the model (borrowing from lib), or -1: unknown, sequential, or without
 * a function. `where` ("file:line") starts the message.
 */
int ax_cell_find(struct ax_cell_model *out, const struct ax_liberty *lib,
		 const char *name, const char *file, unsigned line,
		 struct ax_err *err);

/*
 * Adds an instance: pins[i] is connected to nets[i] (AX_NO_NET: open). Unknown
 * pins and open inputs are errors; an open output just has no node.
 */
int ax_cell_connect(struct ax_build *b, const struct ax_liberty *lib,
		    const char *cell, unsigned n, const char *const *pins,
		    const uint32_t *nets, const char *file, unsigned line,
		    struct ax_err *err);
/* Registers a library's cell with the netlist; returns 1 + its index. */
uint32_t ax_netlist_use_cell(struct ax_netlist *net,
			     const struct ax_lib_cell *c);

#endif
