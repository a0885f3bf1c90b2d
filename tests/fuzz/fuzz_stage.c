/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a stage.json: read, or refused as the user's mistake. */
#include "pipeline/manifest/stage.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *sub;
	struct ax_err err = AX_ERR_INIT;
	struct ax_stages all;
	const char *dirs[1];

	if (!sub) {
		sub = ax_join(fuzz_dir(), "s");
		if (mkdir(sub, 0777) < 0)
			abort();
		unsetenv("AXPIPE_STAGES");
	}
	fuzz_file("s/stage.json", data, size);
	dirs[0] = fuzz_dir();
	if (ax_stages_load(&all, dirs, 1, &err) < 0)
		FUZZ_CHECK(err.exit == AX_EXIT_USAGE && err.text[0]);
	ax_stages_free(&all);
	return 0;
}
