/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: any bytes as a manifest. Each must load or be refused; what
 * loads must resolve to a manifest that loads. AXPIPE_STAGES names a folder of
 * stages, tests/cli/manifests/stages for one.
 */
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/manifest/graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ax_stages stages;
	static char path[] = "/tmp/axpipe-fuzz.XXXXXX";
	static int fd = -1;
	struct ax_err err = AX_ERR_INIT;
	struct ax_graph *g = NULL;

	if (fd < 0) {
		fd = mkstemp(path);
		if (fd < 0 || ax_stages_load(&stages, NULL, 0, &err) < 0)
			abort();
	}
	if (ax_write_plain(path, data, size, &err) < 0)
		abort();
	if (ax_graph_load(&g, path, &stages, NULL, 0, &err) < 0) {
		if (err.exit != AX_EXIT_USAGE || !err.text[0])
			abort();
		return 0;
	}
	if (ax_json_write(path, g->resolved, &err) < 0)
		abort();
	ax_graph_free(g);
	if (ax_graph_load(&g, path, &stages, NULL, 0, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	ax_graph_free(g);
	return 0;
}
