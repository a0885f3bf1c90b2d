/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A circuit as the searches handle it: gates of at most two inputs in
 * topological order, packed small, so that copying one is a memcpy. Operand
 * bits come first among the references: A[0].., then B[0].., then node 0...
 */
#ifndef AX_SEARCH_CIRCUIT_H
#define AX_SEARCH_CIRCUIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "artifacts/base/err.h"
#include "artifacts/netlist/netlist.h"
#include "stages/circuit/search/kern.h"

#define AX_CIRCUIT_INS 24u
#define AX_CIRCUIT_OUTS 24u
#define AX_CIRCUIT_NODES 16384u

struct ax_circuit {
	unsigned ins, outs, n, cap;
	uint8_t *gate;     /* enum ax_g, never AX_G_BUF */
	uint16_t (*in)[2]; /* in[1] = in[0] where unused; 0 for constants */
	uint16_t out[AX_CIRCUIT_OUTS];
};

/* What each gate costs; AX_G_KINDS numbers. */
struct ax_costs {
	int64_t of[AX_G_KINDS];
};

#define AX_CIRCUIT_INIT                                                        \
	{                                                                      \
		0, 0, 0, 0, NULL, NULL,                                        \
		{                                                              \
			0                                                      \
		}                                                              \
	}

void ax_circuit_free(struct ax_circuit *c);
/* Room for n nodes; keeps what is there. */
void ax_circuit_reserve(struct ax_circuit *c, unsigned n);
void ax_circuit_copy(struct ax_circuit *to, const struct ax_circuit *from);
/* Appends a node, returns its reference. b is ignored by INV and constants. */
uint16_t ax_circuit_add(struct ax_circuit *c, enum ax_g gate, uint16_t a,
			uint16_t b);
unsigned ax_g_inputs(enum ax_g gate);
const char *ax_g_name(enum ax_g gate);
/* AX_G_KINDS when there is no gate of that name. */
enum ax_g ax_g_parse(const char *name);
int64_t ax_circuit_cost(const struct ax_circuit *c, const struct ax_costs *k);
/* The published transistor counts with NOR 4. */
extern const struct ax_costs ax_transistors;
/* Drops nodes that no output reaches, in place, keeping the order. `from` (may
 * be NULL) is an array beside the nodes that moves with them. */
void ax_circuit_prune(struct ax_circuit *c, uint16_t *from);
/*
 * Replaces constants and wires away, merges equal nodes and drops dead ones;
 * the function stays. Costs never rise.
 */
void ax_circuit_tidy(struct ax_circuit *c);

/*
 * From a netlist of any kinds of nodes: operands are the buses A and B (or the
 * first two, or the halves of the only one), the result is OUT (or the first
 * output bus). wa and wb get the operand widths. Fails on other inputs, on
 * widths outside 2..12 and above AX_CIRCUIT_NODES gates.
 */
int ax_circuit_from_netlist(struct ax_circuit *out, unsigned *wa, unsigned *wb,
			    const struct ax_netlist *net, struct ax_err *err);
/* The same from a netlist of any input buses, 4 to AX_CIRCUIT_INS bits, which
 * keep their order. */
int ax_circuit_from_bits(struct ax_circuit *out, const struct ax_netlist *net,
			 struct ax_err *err);
/* With the buses of `like`, which has as many bits. Caller frees. */
struct ax_netlist *ax_circuit_to_netlist_like(const struct ax_circuit *c,
					      const struct ax_netlist *like);
/* With buses A, B and OUT. Caller frees. */
struct ax_netlist *ax_circuit_to_netlist(const struct ax_circuit *c,
					 unsigned wa, unsigned wb);

#endif
