/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The question "is this circuit ever wrong by more than a bound?" as a circuit
 * of one output, which is 1 where it is. Of any width: nothing is simulated.
 */
#ifndef AX_PROVE_MITER_H
#define AX_PROVE_MITER_H

#include "artifacts/lut.h"
#include "artifacts/netlist/netlist.h"

struct miter {
	const struct ax_netlist *net; /* the circuit */
	struct ax_lut_ports ports;
	const struct ax_netlist *reference; /* NULL: the operation */
	struct ax_lut_ports reference_ports;
	enum ax_lut_op op;
	bool sign;
	uint64_t bound;
};

/* Inputs A and B, output BAD. Caller frees. Fails where the reference has other
 * operands. */
int miter_build(struct ax_netlist **out, const struct miter *m,
		struct ax_err *err);
/* Results of one pair of operands, as numbers: the circuit's and the right
 * one. Operands are bits, lowest first in a word. */
void miter_at(const struct miter *m, uint64_t a, uint64_t b, __int128 *got,
	      __int128 *want);

#endif
