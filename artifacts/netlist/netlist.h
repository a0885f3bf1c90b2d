/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Netlist: a combinational network of gates. Primary inputs and outputs are
 * grouped in named buses; nodes stand in topological order. A reference is a
 * 32-bit number: i < net->inputs is primary input i, net->inputs + j is node j.
 * A node refers only to primary inputs and to nodes before it. Nothing here
 * assumes a number of inputs; what is exhaustive says so (sim.h).
 */
#ifndef AX_NETLIST_H
#define AX_NETLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "artifacts/base/err.h"
#include "artifacts/base/par.h"
#include "artifacts/base/str.h"

struct ax_liberty;

/* Limits for what is read from files. */
#define AX_NET_MAX_PORTS 65536u /* bits of inputs, bits of outputs */
#define AX_NET_MAX_NODES 8000000u
#define AX_NET_MAX_FILE (256u << 20)

/* A node has at most six inputs: its function fits a 64-bit truth table. */
#define AX_NODE_FANIN 6

enum ax_gate {
	AX_CONST0,
	AX_CONST1,
	AX_BUF,
	AX_INV,
	AX_AND, /* the six two-input kinds are neighbours: AX_AND..AX_XNOR */
	AX_OR,
	AX_NAND,
	AX_NOR,
	AX_XOR,
	AX_XNOR,
	AX_CELL, /* any other function of 1..6 inputs, by its truth table */
	AX_GATE_KINDS
};

struct ax_node {
	uint8_t kind;  /* enum ax_gate */
	uint8_t n;     /* inputs used: 0 const, 1 BUF and INV, 2 AND..XNOR */
	uint16_t pin;  /* with a cell: which of its outputs this node is */
	uint32_t cell; /* 1 + index into net->cell; 0: no library cell */
	uint32_t inst; /* with a cell: nodes of one instance share it, from 1 */
	uint32_t in[AX_NODE_FANIN];
	uint64_t tt; /* bit p: output for inputs in[i] = bit i of p; valid for
			every kind, bits from 2^n up are zero */
};

/* A library cell as the netlist needs it: names, to write it out again. */
struct ax_net_cell {
	char *name;
	char *in_pin[AX_NODE_FANIN]; /* in the order of node.in */
	unsigned ins;
	char **out_pin;
	unsigned outs;
	double area;     /* in the library's unit; negative: unknown */
	int transistors; /* of the whole cell, all outputs; -1: unknown */
};

/* A named group of ports. Bit k of the bus is input (or output) first + k. */
struct ax_bus {
	char *name;
	uint32_t first, width;
	int32_t lsb; /* index of bit 0 in names, mostly 0 */
	bool scalar; /* a port without an index; width 1 */
};

struct ax_netlist {
	char *name;
	struct ax_bus *in, *out;
	uint32_t ins, outs;       /* how many buses */
	uint32_t inputs, outputs; /* how many bits */
	uint32_t *out_ref;        /* `outputs` references */
	struct ax_node *node;
	size_t nodes, cap;
	struct ax_net_cell *cell;
	size_t cells;
	uint32_t insts; /* highest instance number in use */
};

/* --- making one ---------------------------------------------------------- */

/* An empty network. Free with ax_netlist_free, which takes NULL. */
struct ax_netlist *ax_netlist_new(const char *name);
void ax_netlist_free(struct ax_netlist *net);
struct ax_netlist *ax_netlist_copy(const struct ax_netlist *net);
/* An empty network of that name and those ports. */
struct ax_netlist *ax_netlist_like(const struct ax_netlist *net);
/* Adds a bus name[0..width-1]; returns the number of its bit 0. Inputs must be
 * added before the first node. The output bits refer to nothing (AX_REF_NONE)
 * until set in out_ref. */
#define AX_REF_NONE UINT32_MAX
uint32_t ax_netlist_add_input(struct ax_netlist *net, const char *name,
			      uint32_t width);
uint32_t ax_netlist_add_output(struct ax_netlist *net, const char *name,
			       uint32_t width);
/* Appends a node of a kind other than AX_CELL; a and b as its number of inputs
 * wants (else ignored). Returns the reference of the node. */
uint32_t ax_netlist_add(struct ax_netlist *net, enum ax_gate kind, uint32_t a,
			uint32_t b);
/* Appends a node by its function of n <= 6 inputs. A function that is one of
 * the named kinds on exactly these inputs gets that kind. */
uint32_t ax_netlist_add_tt(struct ax_netlist *net, unsigned n,
			   const uint32_t *in, uint64_t tt);

/* --- facts about kinds --------------------------------------------------- */

/* "AND"; AX_CELL is "CELL". */
const char *ax_gate_name(enum ax_gate kind);
/* The kind of that name, any case; AX_GATE_KINDS when there is none. */
enum ax_gate ax_gate_parse(const char *name);
unsigned ax_gate_fanin(enum ax_gate kind);
/* The truth table of a kind other than AX_CELL. */
uint64_t ax_gate_tt(enum ax_gate kind);
/* The kind whose function of its n inputs is tt; AX_CELL if none. */
enum ax_gate ax_gate_of_tt(unsigned n, uint64_t tt);
/* INV 2, NAND 4, NOR 4, AND 6, OR 6, XOR 10, XNOR 10, CONST and BUF 0 (the cost
 * model of CircuitsDNA with NOR); -1 for AX_CELL. */
int ax_gate_transistors(enum ax_gate kind);

/* --- pure functions ------------------------------------------------------ */

/* All invariants: order, kinds, truth tables, outputs driven, bus layout. */
int ax_netlist_check(const struct ax_netlist *net, struct ax_err *err);
/* Drops the nodes that no output reaches; the others keep their order. Returns
 * how many were dropped. */
size_t ax_netlist_prune(struct ax_netlist *net);
/*
 * Transistors: the table above for named kinds; for another function the
 * static CMOS estimate of logic.h; buffers, wires and constants 0. The outputs
 * of one multi-output cell add up, unless the cell itself states its number. An
 * estimate by function, not by drive strength.
 */
int64_t ax_netlist_transistors(const struct ax_netlist *net);
/* count[kind], AX_GATE_KINDS numbers. */
void ax_netlist_count(const struct ax_netlist *net, size_t *count);
/* Logic levels: the longest path in nodes; BUF without a cell and constants
 * count nothing. */
unsigned ax_netlist_depth(const struct ax_netlist *net);
/* Sum of the areas of cell instances; negative when one is unknown. */
double ax_netlist_area(const struct ax_netlist *net);
/* The same function in nodes of the named kinds alone (AX_CELL nodes are
 * factored, library cells forgotten, wires skipped). Caller frees. */
struct ax_netlist *ax_netlist_expand(const struct ax_netlist *net);
/* The bus of that name among n, NULL if none. Borrowed. */
const struct ax_bus *ax_bus_find(const struct ax_bus *bus, uint32_t n,
				 const char *name);
/* What is left of a name without the number in it, the last if there are some:
 * "a#" for "a12", "x_#_" for "x_3_"; *number is AX_NO_NUMBER without one.
 * Caller frees. */
#define AX_NO_NUMBER INT64_MIN
char *ax_name_stem(const char *name, int64_t *number);
/* Adds the name of bit i: "A[3]", or "clk" for a scalar. */
void ax_bus_bit_name(struct ax_str *out, const struct ax_bus *bus, uint32_t n,
		     uint32_t i);

/*
 * Gives flat ports a structure: the input bits, in their order, become the
 * named buses of these widths (and likewise the outputs). `n` widths that must
 * add up, else -1.
 */
int ax_netlist_group(struct ax_netlist *net, bool outputs, unsigned n,
		     const char *const *names, const uint32_t *widths,
		     struct ax_err *err);

/* --- files --------------------------------------------------------------- */

enum ax_net_format {
	AX_NET_AUTO,
	AX_NET_TXT, /* CircuitsDNA dump */
	AX_NET_BLIF,
	AX_NET_VERILOG, /* structural */
	AX_NET_JSON     /* Yosys */
};

/*
 * Reads a netlist; with AX_NET_AUTO the content tells the format. `lib` (may be
 * NULL) gives the functions of cells; without it, the cell's name must tell
 * (NAND2X1, foo__nand2_1, nand2: see cells.h). Errors name file and line, exit
 * code 1. `warn` (may be NULL) gets a line per oddity that is no error.
 * Unreachable nodes stay: ax_netlist_prune. Caller frees *out.
 */
int ax_netlist_load(struct ax_netlist **out, const char *path,
		    enum ax_net_format format, const struct ax_liberty *lib,
		    struct ax_str *warn, struct ax_err *err);
/* The same from memory; `name` is for messages. */
int ax_netlist_parse(struct ax_netlist **out, const char *name,
		     const char *text, size_t len, enum ax_net_format format,
		     const struct ax_liberty *lib, struct ax_str *warn,
		     struct ax_err *err);
enum ax_net_format ax_netlist_detect(const char *text, size_t len);

/* Writers append to `out`. The dump needs named two-input kinds (expand
 * first); ports other than A, B of one
 * width and OUT are named in comments, which only this program reads. */
int ax_netlist_write_txt(struct ax_str *out, const struct ax_netlist *net,
			 struct ax_err *err);
/* `gates`: .gate lines for library cells (every node must have one), else
 * .names. */
int ax_netlist_write_blif(struct ax_str *out, const struct ax_netlist *net,
			  bool gates, struct ax_err *err);
/* Behavioural Verilog-2001: one assign per node. */
int ax_netlist_write_verilog(struct ax_str *out, const struct ax_netlist *net,
			     struct ax_err *err);
/* Structural Verilog: an instance per library cell; wires and constants become
 * assigns; a node of another kind without a cell is an error. */
int ax_netlist_write_cells(struct ax_str *out, const struct ax_netlist *net,
			   struct ax_err *err);
/* Yosys JSON: library cells by name, else $_AND_ and its like; AX_CELL without
 * a cell becomes $lut. */
int ax_netlist_write_json(struct ax_str *out, const struct ax_netlist *net,
			  struct ax_err *err);

#endif
