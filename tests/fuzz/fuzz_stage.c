/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a stage.json: read, or refused as the user's mistake. */
#include <sys/stat.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/manifest/stage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *dir, *file;
	struct ax_err err = AX_ERR_INIT;
	struct ax_stages all;
	const char *dirs[1];

	if (!dir) {
		char *sub;

		dir = ax_tmp_template("axpipe-fuzz");
		if (!mkdtemp(dir))
			abort();
		sub = ax_join(dir, "s");
		if (mkdir(sub, 0777) < 0)
			abort();
		file = ax_join(sub, "stage.json");
		free(sub);
		unsetenv("AXPIPE_STAGES");
	}
	if (ax_write_plain(file, data, size, &err) < 0)
		abort();
	dirs[0] = dir;
	if (ax_stages_load(&all, dirs, 1, &err) < 0 &&
	    (err.exit != AX_EXIT_USAGE || !err.text[0]))
		abort();
	ax_stages_free(&all);
	return 0;
}
