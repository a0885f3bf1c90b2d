/* SPDX-License-Identifier: Apache-2.0 */
/* Liberty files of anybody's cells, and the tables of the first few. */
#include "artifacts/liberty_timing.h"
#include "tests/fuzz/fuzz.h"

enum { CELLS = 4 };

static void
read_tables(const struct ax_liberty *lib)
{
	const struct ax_lib_cell *cell[CELLS];
	struct ax_lib_tables t[CELLS];
	struct ax_err err = AX_ERR_INIT;
	size_t n = 0;

	for (; n < lib->cells && n < CELLS; n++)
		cell[n] = &lib->cell[n];
	if (ax_liberty_tables(t, lib, cell, n, &err) < 0) {
		FUZZ_CHECK(err.text[0]);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		for (size_t a = 0; a < t[i].arcs; a++)
			for (int e = 0; e < 2; e++)
				if (t[i].arc[a].delay[e].nx)
					ax_lib_table_at(&t[i].arc[a].delay[e],
							0.1, 0.01);
		ax_lib_tables_free(&t[i]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_liberty lib;

	if (ax_liberty_parse(&lib, "fuzz", (const char *)data, size, &err) ==
	    0) {
		read_tables(&lib);
		ax_liberty_free(&lib);
	} else {
		FUZZ_CHECK(err.text[0]);
	}
	return 0;
}
