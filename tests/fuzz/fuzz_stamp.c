/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as the stamp of a run that need not be decided again. */
#include "pipeline/results/stamp.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = ax_strndup((const char *)data, size);
	struct ax_stamp s;

	if (ax_stamp_read(&s, text)) {
		FUZZ_CHECK(s.name && s.path && s.commit);
		ax_stamp_free(&s);
	}
	free(text);
	return 0;
}
