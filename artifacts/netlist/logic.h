/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small Boolean functions: truth tables of up to six inputs in 64 bits, a
 * factored form, and the static CMOS transistor estimate that follows from it.
 */
#ifndef AX_LOGIC_H
#define AX_LOGIC_H

#include <stdbool.h>
#include <stdint.h>

/* Truth table of input i (0..5): 0xAAAA..., 0xCCCC..., ... */
uint64_t ax_tt_var(unsigned i);
/* The low 2^n bits; n <= 6. */
uint64_t ax_tt_mask(unsigned n);
/* Cofactor for input i = value, spread over both halves. */
uint64_t ax_tt_cofactor(uint64_t tt, unsigned i, bool value);
/* Bit i set: the function of n inputs depends on input i. */
unsigned ax_tt_support(uint64_t tt, unsigned n);

/*
 * A factored form: op 0..n-1 are the inputs, then `ops` operations, each of two
 * earlier ones, each operand possibly complemented; the last is the result
 * (also possibly complemented).
 */
enum ax_fop { AX_FOP_AND, AX_FOP_OR, AX_FOP_XOR };
struct ax_factored {
	unsigned n, ops;
	struct {
		uint8_t op, a, b;
		bool na, nb;
	} op[160];
	uint8_t result;  /* index; 255: constant */
	bool complement; /* of the result; for a constant: its value */
};
/* Deterministic; few literals, not proven fewest. */
void ax_tt_factor(struct ax_factored *out, uint64_t tt, unsigned n);

/*
 * Transistors of one static CMOS cell for the function, by factored literal
 * count: an inverting network of L literals is 2 L, a non-inverting one adds an
 * output inverter (2), each input needed complemented adds an inverter (2); the
 * cheaper polarity counts. An exclusive-or of two parts costs 10 beside the
 * parts. Constants and the identity are 0: the model counts logic, and a buffer
 * is drive. INV 2, NAND2 4, NOR2 4, AND2 6, OR2 6, XOR2 and XNOR2 10 come out
 * as the published table has them.
 */
int ax_tt_transistors(uint64_t tt, unsigned n);

#endif
