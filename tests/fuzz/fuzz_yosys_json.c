/* SPDX-License-Identifier: Apache-2.0 */
/* Netlists as Yosys writes them in JSON. */
#include "tests/fuzz/netlist.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_netlist(AX_NET_JSON, data, size);
}
