/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as job.json, by which a machine of a cluster learns what to do:
 * no path of it may lead out of the work folder. */
#include "pipeline/run/ticket.h"
#include "tests/fuzz/fuzz.h"

static void
inside(const json_t *files)
{
	const json_t *v;
	size_t i;

	json_array_foreach(files, i, v) FUZZ_CHECK(ax_path_is_inside(
		json_string_value(json_object_get(v, "path"))));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_ticket t;

	fuzz_file("job.json", data, size);
	if (ax_ticket_read(&t, fuzz_dir(), &err) < 0) {
		FUZZ_CHECK(err.text[0]);
		return 0;
	}
	FUZZ_CHECK(t.argv[0] && t.envp && t.key && t.node && t.store);
	inside(t.inputs);
	inside(t.outputs);
	ax_ticket_free(&t);
	return 0;
}
