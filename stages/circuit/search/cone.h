/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a change to a circuit changes, on one block of patterns: the signals
 * behind it are computed only where one of their operands differs from what the
 * unchanged circuit had there.
 */
#ifndef AX_SEARCH_CONE_H
#define AX_SEARCH_CONE_H

#include "stages/circuit/search/kern.h"

#define AX_CONE_NEW UINT32_MAX

/*
 * Step i gives signal `old + i`; signals below `old` are rows of the unchanged
 * circuit. `was` is the row to compare it with (AX_CONE_NEW: none). A root is
 * always computed, other steps when an operand differs.
 */
struct ax_cone_op {
	uint32_t a, b, was;
	uint8_t gate, root; /* gate: see ax_cone_gate */
};

/* gate(a, b) = (a & b & m1) ^ ((a ^ b) & m2) ^ m3: its three masks as bits. */
uint8_t ax_cone_gate(enum ax_g gate);

/*
 * Runs n steps on one block. Row r stands at base + r * AX_BLOCK_WORDS; step i
 * uses row old + i. place[s] tells in which row signal s is to be found, and
 * differs[s] whether it is another than the unchanged circuit's; for s < old
 * the caller has set them to s and 0.
 */
typedef void ax_cone_run(uint64_t *base, uint32_t old, uint32_t *place,
			 uint8_t *differs, const struct ax_cone_op *op,
			 size_t n);

/* For the SIMD level that ax_simd() allows. */
ax_cone_run *ax_cone(void);

#endif
