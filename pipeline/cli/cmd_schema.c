/* SPDX-License-Identifier: Apache-2.0 */
/* axpipe schema: the JSON Schema of manifests, for editors and checkers. */
#include "pipeline/cli/context.h"
#include "pipeline/manifest/describe.h"

static int
run(const struct ax_args *a, struct ax_err *err)
{
	struct ax_context c;
	struct ax_str s = AX_STR_INIT;
	json_t *schema;
	int rc;

	rc = ax_context_open(&c, a, NULL, AX_CONTEXT_NO_STORE, err);
	if (rc == 0) {
		schema = ax_schema_manifest(&c.stages);
		ax_json_pretty(&s, schema);
		fputs(s.buf, stdout);
		ax_str_free(&s);
		json_decref(schema);
	}
	ax_context_close(&c);
	return rc;
}

static const struct ax_option options[] = {
	{"stages", 0, AX_OPT_MANY, "DIR",
	 "a folder of stages, searched before $AXPIPE_STAGES and the built-in "
	 "ones"},
	{NULL, 0, AX_OPT_FLAG, NULL, NULL},
};

const struct ax_command ax_cmd_schema = {
	.name = "schema",
	.operands = "",
	.summary = "print the JSON Schema of manifests",
	.text = "JSON Schema, draft 2020-12, made from the stages that are "
		"found: an editor that\n"
		"knows JSON Schema completes and checks stage names, inputs, "
		"parameters and\n"
		"outputs. Name it in a manifest with \"$schema\", or in the "
		"editor's settings:\n"
		"\n"
		"    axpipe schema >manifest.schema.json\n",
	.options = options,
	.run = run,
};
