/* SPDX-License-Identifier: Apache-2.0 */
/* exit.json, as a job on another machine leaves it: any bytes. */
#include "pipeline/run/ticket.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_exit e;

	(void)ax_exit_parse(&e, (const char *)data, size, &err);
	return 0;
}
