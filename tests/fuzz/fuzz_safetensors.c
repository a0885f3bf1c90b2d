/* SPDX-License-Identifier: Apache-2.0 */
/* The .safetensors reader. */
#include "artifacts/checkpoint.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_checkpoint c;

	ax_safetensors_parse(&c, "f", data, size, &err);
	ax_checkpoint_free(&c);
	return 0;
}
