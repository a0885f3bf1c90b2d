/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: any bytes as a manifest. Each must load or be refused; what
 * loads must resolve to a manifest that loads. AXPIPE_STAGES names a folder of
 * stages, tests/cli/manifests/stages for one.
 */
#include "pipeline/manifest/graph.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ax_stages stages;
	static bool ready;
	const char *path = fuzz_file("m.json", data, size);
	struct ax_err err = AX_ERR_INIT;
	struct ax_graph *g = NULL;

	if (!ready && ax_stages_load(&stages, NULL, 0, &err) < 0)
		abort();
	ready = true;
	if (ax_graph_load(&g, path, &stages, NULL, 0, &err) < 0) {
		FUZZ_CHECK(err.exit == AX_EXIT_USAGE && err.text[0]);
		return 0;
	}
	if (ax_write_file(path, g->resolved, strlen(g->resolved), &err) < 0)
		abort();
	ax_graph_free(g);
	if (ax_graph_load(&g, path, &stages, NULL, 0, &err) < 0) {
		dprintf(fuzz_err, "%s\n", err.text);
		abort();
	}
	ax_graph_free(g);
	return 0;
}
