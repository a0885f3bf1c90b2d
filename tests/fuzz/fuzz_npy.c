/* SPDX-License-Identifier: Apache-2.0 */
/* The .npy reader. */
#include "artifacts/npy.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_tensor t;

	ax_npy_parse(&t, "f", data, size, &err);
	ax_tensor_free(&t);
	return 0;
}
