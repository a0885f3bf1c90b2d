/* SPDX-License-Identifier: Apache-2.0 */
/* Structural Verilog, by the reader of our own. */
#include "tests/fuzz/netlist.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_netlist(AX_NET_VERILOG, data, size);
}
