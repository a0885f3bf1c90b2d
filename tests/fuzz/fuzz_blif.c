/* SPDX-License-Identifier: Apache-2.0 */
/* BLIF files. */
#include "tests/fuzz/netlist.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_netlist(AX_NET_BLIF, data, size);
}
