/* SPDX-License-Identifier: Apache-2.0 */
/* Liberty files of anybody's cells. */
#include "artifacts/liberty.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_liberty lib;

	if (ax_liberty_parse(&lib, "fuzz", (const char *)data, size, &err) == 0)
		ax_liberty_free(&lib);
	else
		FUZZ_CHECK(err.text[0]);
	return 0;
}
