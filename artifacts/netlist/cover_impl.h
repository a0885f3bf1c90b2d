/* SPDX-License-Identifier: Apache-2.0 */
/* What cover.c (the search for a cover) shares with cover_cells.c (the cells by
 * function) and cover_write.c (the netlist). */
#ifndef AX_COVER_IMPL_H
#define AX_COVER_IMPL_H

#include "artifacts/netlist/cover.h"

/* Leaves of a cut; cuts of a node, the one that is the node itself first. */
enum { LEAVES = 3, CUTS = 17 };

#define NO_COST ((int64_t)1 << 60)
#define NO_CELL UINT32_MAX
#define NO_REF UINT32_MAX

/*
 * A function of up to three leaves in eight bits, leaf 0 in the lowest place;
 * what it does not depend on, it repeats for. So the functions of one leaf are
 * 0xaa and 0x55, and eight bits tell how many leaves there are.
 */

/* The cell of a function: its input i is leaf perm[i]. */
struct match {
	uint32_t cell; /* index in the library; NO_CELL: none, or a wire or
			  constant, which cost 0 */
	uint8_t perm[LEAVES];
};

/* Two functions of the same leaves that one cell computes. */
struct pair {
	int64_t cost;
	uint32_t cell;
	uint8_t perm[LEAVES];
	uint8_t tt[2]; /* of outputs 0 and 1 by leaves */
};

struct ax_cover_cells {
	int64_t cost[256]; /* NO_COST: none */
	struct match match[256];
	struct pair *pair;
	size_t pairs;
	bool paired[256];     /* is one of a pair */
	uint8_t support[256]; /* a bit for each leaf it depends on */
	/* by the places that leaves get (ascending, a bit each) and function:
	 * the function with them there */
	uint8_t spread[8][256];
	/* the function when leaf i becomes ax_cover_perms[..][i] */
	uint8_t moved[6][256];
};

extern const uint8_t ax_cover_perms[6][LEAVES];

/* A node by what it is computed from. The fourth leaf is never one: reading on
 * to it ends a loop. */
struct cut {
	uint64_t mark;             /* a bit for each leaf, by its low places */
	uint32_t leaf[LEAVES + 1]; /* ascending; NO_REF from n on */
	uint8_t n, tt;
};

/*
 * Signals have names, small numbers: inputs those of their references, gates
 * any others. A gate keeps its name from one network to the next when the
 * caller says that it is the same, so that its cuts can stay as they are.
 */
struct ax_cover {
	const struct ax_cover_cells *k;
	uint32_t inputs, gates, room;
	struct ax_cover_gate *gate;
	uint32_t *name; /* of a gate */

	/* by name */
	struct cut **cut, (*store)[2][CUTS]; /* in one of two places */
	uint8_t *cuts, *best, *dirty;
	uint32_t *uses; /* of the cover; a node with none is not built */
	int64_t *flow;
	uint32_t *fan;
	/* the node that shares a cell with this one, its pair; NO_REF */
	uint32_t *twin;
	uint16_t *shared;
	struct ax_cover_gate *is; /* operands by name */

	/* the network kept: its number of gates, 0: none; the same of it */
	uint32_t kept, kept_inputs;
	uint32_t *kept_name;
	struct cut **kept_cut;
	uint8_t *kept_cuts;
	struct ax_cover_gate *kept_is;
	uint32_t *spare, spares; /* names that it does not use */

	uint32_t missing; /* the gate that had no cell */
	uint32_t *stack;
	uint32_t *ref; /* by name, for ax_cover_nodes */

	/* cuts that may be of a pair, by their leaves: chains */
	struct spot {
		uint32_t name, next; /* 1 + index */
		uint8_t cut;
	} * spot;
	uint32_t spots, spot_room, *head, heads;
};

#endif
