/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: any bytes as a bundle. Whole, or refused with exit code 4. */
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/results/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[] = "/tmp/axpipe-fuzz.XXXXXX";
	static int fd = -1;
	struct ax_bundle_facts facts;
	struct ax_err err = AX_ERR_INIT;

	if (fd < 0 && (fd = mkstemp(path)) < 0)
		abort();
	if (ax_write_plain(path, data, size, &err) < 0)
		abort();
	if (ax_bundle_verify(path, NULL, 0, &facts, &err) == 0)
		ax_bundle_facts_free(&facts);
	else if (err.exit != AX_EXIT_CLAIM || !err.text[0])
		abort();
	return 0;
}
