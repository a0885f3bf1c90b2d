/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gates merged into larger cells: a cover of a network of gates of at most two
 * inputs, as it stands, by library cells of one to three inputs (AOI, OAI, MUX,
 * majority and what else the library has) and by cells of two outputs (full and
 * half adders) where that is cheaper. The stage map places what it finds; the
 * circuit searches ask it what a circuit will cost, some ten thousand times a
 * second.
 *
 * Cuts of three leaves, area flow, then exact area (Mishchenko, Chatterjee,
 * Brayton, "Improvements to technology mapping for LUT-based FPGAs", IEEE
 * Trans. CAD 2007; Cong, Wu, Ding, "Cut ranking and pruning", FPGA 1999), then
 * pairs of nodes that one cell computes. Costs are integers: a cover is a
 * function of the network and the cells alone.
 */
#ifndef AX_COVER_H
#define AX_COVER_H

#include "artifacts/liberty.h"
#include "artifacts/netlist/netlist.h"

/* Costs of cells are kept to this part of a unit of area, or of a transistor.
 */
#define AX_COVER_GRAIN 1000000

/* --- cells --------------------------------------------------------------- */

/* The cells of a library by what they compute. */
struct ax_cover_cells;

/* Whether a cover may use the cell at all: combinational, not marked dont_use,
 * one to three inputs. */
bool ax_cover_takes(const struct ax_lib_cell *c);
/*
 * `keep` (by index of the cell) chooses among those; NULL: all. `transistors`:
 * they are to be few, else the area is to be small. Cells without an area, or
 * of one above a million, are left out. An error when there is no inverter.
 * Caller frees *out; the library may go before it.
 */
int ax_cover_cells_new(struct ax_cover_cells **out,
		       const struct ax_liberty *lib, const bool *keep,
		       bool transistors, struct ax_err *err);
void ax_cover_cells_free(struct ax_cover_cells *k);
/* What the cheapest cell for a function of one to three inputs costs, in
 * grains; -1: there is none. `tt` has 2^n bits. */
int64_t ax_cover_cell_cost(const struct ax_cover_cells *k, unsigned n,
			   unsigned tt);
/* Sets used[i] where a cover may place cell i of the library. */
void ax_cover_cells_used(const struct ax_cover_cells *k, bool *used);

/* --- covers -------------------------------------------------------------- */

/* A gate: references as in netlist.h, function as a truth table. */
struct ax_cover_gate {
	uint32_t in[2];
	uint8_t n, tt;
};

struct ax_cover;

#define AX_COVER_NEW UINT32_MAX

/* Borrows the cells. Not for two threads at once. */
struct ax_cover *ax_cover_new(const struct ax_cover_cells *k);
void ax_cover_free(struct ax_cover *v);
/* A network of so many inputs and gates: the gates are for the caller to fill
 * in. Borrowed, until the next call. */
struct ax_cover_gate *ax_cover_begin(struct ax_cover *v, uint32_t inputs,
				     uint32_t gates);
/* Covers what is there; `out` are references, not all distinct. The cost in
 * grains, or -1 when something has no cell. Constants and wires cost nothing.
 */
int64_t ax_cover_run(struct ax_cover *v, const uint32_t *out, uint32_t outs);
/*
 * The same number, sooner, for a network that differs little from the one kept:
 * from[j] is the gate there that gate j was, AX_COVER_NEW if none. It may have
 * other operands now, or another function; no two are from one.
 */
int64_t ax_cover_try(struct ax_cover *v, const uint32_t *from,
		     const uint32_t *out, uint32_t outs);
/* What a gate became. */
enum ax_cover_role {
	AX_COVER_INSIDE, /* of larger cells, or needed by nobody */
	AX_COVER_CONST,
	AX_COVER_WIRE, /* the signal in[0] */
	AX_COVER_CELL,
};

struct ax_cover_node {
	uint8_t role;
	uint8_t ins;
	uint8_t out;    /* which output of the cell; which constant */
	uint32_t cell;  /* index in the library */
	uint32_t in[3]; /* of the cell's inputs, in the library's order:
			   references to inputs of the network or to gates that
			   are cells, or constants */
	uint32_t twin;  /* the gate at the other output of the same cell;
			   UINT32_MAX: none */
};

/* The cover found last, a node for each gate. It depends on the network alone,
 * not on what was kept before. */
void ax_cover_nodes(struct ax_cover *v, struct ax_cover_node *to);
/* The network covered last is kept. */
void ax_cover_keep(struct ax_cover *v);
/* A netlist of named kinds, covered. 0 or an error that says what has no cell.
 */
int ax_cover_netlist(struct ax_cover *v, const struct ax_netlist *net,
		     struct ax_err *err);
/* That cover as a netlist of cells. `lib`: the library they are of. Caller
 * frees. */
struct ax_netlist *ax_cover_write(struct ax_cover *v,
				  const struct ax_netlist *net,
				  const struct ax_liberty *lib);

#endif
