/* SPDX-License-Identifier: Apache-2.0 */
/* The reference text of a circuit, and what a simulator answers. */
#include "stages/eda/tools/golden.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file("golden", data, size);
	struct ax_err err = AX_ERR_INIT;
	struct ax_str report = {.max = 1 << 16};
	struct ax_golden g;
	int unknown;

	for (unknown = 0; unknown < 2; unknown++) {
		ax_err_clear(&err);
		if (ax_golden_load(&g, path, unknown, &err) < 0) {
			FUZZ_CHECK(err.text[0]);
			continue;
		}
		FUZZ_CHECK(g.lines > 0 && g.a_bits <= AX_GOLDEN_MAX_BITS &&
			   g.b_bits <= AX_GOLDEN_MAX_BITS &&
			   g.r_bits <= AX_GOLDEN_MAX_RESULT);
		ax_golden_a(&g, g.lines - 1);
		ax_golden_b(&g, g.lines - 1);
		FUZZ_CHECK(ax_golden_compare(&report, &g, &g, &err) == 0);
		ax_golden_free(&g);
	}
	ax_str_free(&report);
	return 0;
}
