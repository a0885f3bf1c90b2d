/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A drawing sheet for circuits: signals that may be complemented for free, ANDs
 * and exclusive-ors of two of them, constants folded and equal parts shared as
 * they are drawn. Only at the end are gates chosen: which polarity each signal
 * is made in, so that few inverters are left (NAND 4, AND 6, ...).
 *
 * What is drawn first has the lower number, and the netlist follows from the
 * numbers: never draw twice within the arguments of one call, whose order is
 * the compiler's.
 */
#ifndef AX_STRUCTURES_SHEET_H
#define AX_STRUCTURES_SHEET_H

#include <stdbool.h>
#include <stdint.h>

#include "artifacts/netlist/netlist.h"

/* A signal: 2 * number + complemented. Number 0 is the constant 0. */
#define AX_S0 0u
#define AX_S1 1u

struct ax_sheet;

struct ax_sheet *ax_sheet_new(void);
void ax_sheet_free(struct ax_sheet *s);
/* Adds an input bus; `bit` (may be NULL) gets its `width` signals. All inputs
 * come before the first gate. */
void ax_sheet_input(struct ax_sheet *s, const char *name, unsigned width,
		    uint32_t *bit);
uint32_t ax_sheet_and(struct ax_sheet *s, uint32_t a, uint32_t b);
uint32_t ax_sheet_or(struct ax_sheet *s, uint32_t a, uint32_t b);
uint32_t ax_sheet_xor(struct ax_sheet *s, uint32_t a, uint32_t b);
/* sel ? one : zero */
uint32_t ax_sheet_mux(struct ax_sheet *s, uint32_t sel, uint32_t one,
		      uint32_t zero);
/* Of n signals, as a balanced tree; AX_S0 and AX_S1 of none. */
uint32_t ax_sheet_any(struct ax_sheet *s, const uint32_t *bit, unsigned n);
/* a + b + c = sum + 2 carry; two exclusive-ors and three NANDs. */
void ax_sheet_add3(struct ax_sheet *s, uint32_t a, uint32_t b, uint32_t c,
		   uint32_t *sum, uint32_t *carry);

/*
 * The netlist, with one output bus: INV, two-input gates and, at outputs,
 * constants. Dead parts are dropped. Polarities are annealed, `sweeps` looks at
 * each gate, with a fixed seed: the same sheet gives the same netlist. Caller
 * frees.
 */
struct ax_netlist *ax_sheet_finish(struct ax_sheet *s, const char *name,
				   const char *out, const uint32_t *bit,
				   unsigned width, unsigned sweeps);

#endif
