/* SPDX-License-Identifier: Apache-2.0 */
/* The modules of a Verilog file: where each begins, and which is the circuit.
 */
#ifndef AX_VERILOG_MODS_H
#define AX_VERILOG_MODS_H

#include "artifacts/base/map.h"
#include "artifacts/netlist/verilog_lex.h"

/* A module of the file. */
struct ax_vmod {
	char *name;
	size_t pos; /* of its name */
	unsigned line;
	bool used, uses; /* by, or of, another module of the file */
	bool top;        /* has that attribute */
};

struct ax_vmods {
	struct ax_vmod *mod;
	size_t n, cap, instances;
	struct ax_map by_name; /* 1 + index */
};

/* Reads the whole text; the lexer stands at its beginning. */
int ax_vmods_find(struct ax_vmods *all, struct ax_vlex *l);
/*
 * The module with the attribute top; else the one that no other uses; of
 * several, with a warning, the one that uses others. Two of that kind are an
 * error, as is none.
 */
int ax_vmods_top(struct ax_vmods *all, struct ax_vlex *l, size_t *top,
		 struct ax_str *warn);
void ax_vmods_free(struct ax_vmods *all);

#endif
