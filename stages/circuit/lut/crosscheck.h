/* SPDX-License-Identifier: Apache-2.0 */
/* The second opinion on a truth table: Icarus Verilog. */
#ifndef AX_CROSSCHECK_H
#define AX_CROSSCHECK_H

#include "artifacts/lut.h"
#include "stages/kit/kit.h"

/* Writes the netlist as Verilog, simulates all patterns, compares; sets the
 * metric `crosscheck`. Fails with the first differing pair. */
int ax_lut_crosscheck(struct ax_task *t, const struct ax_netlist *net,
		      const struct ax_lut *lut, struct ax_err *err);

#endif
