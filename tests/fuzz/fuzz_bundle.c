/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: any bytes as a bundle. Whole, or refused with exit code 4. */
#include "pipeline/results/bundle.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file("bundle", data, size);
	struct ax_bundle_facts facts;
	struct ax_err err = AX_ERR_INIT;

	if (ax_bundle_verify(path, NULL, 0, &facts, &err) == 0)
		ax_bundle_facts_free(&facts);
	else
		FUZZ_CHECK(err.exit == AX_EXIT_CLAIM && err.text[0]);
	return 0;
}
