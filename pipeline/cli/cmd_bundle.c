/* SPDX-License-Identifier: Apache-2.0 */
/* axpipe bundle: a run in one archive. */
#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/cli/cli.h"
#include "pipeline/cli/context.h"
#include "pipeline/results/bundle.h"
#include "pipeline/results/claims.h"

static const struct ax_option options[] = {
	{"output", 'o', AX_OPT_STRING, "FILE",
	 "the archive (default NAME.bundle.tar)"},
	{"inputs", 0, AX_OPT_STRING, "fixed|all|none",
	 "which lie in it; fixed, the default: all but those that an address "
	 "or a git commit fixes by hash"},
	{"key", 0, AX_OPT_STRING, "FILE",
	 "sign with this Ed25519 private key (axpipe key new)"},
	{"author", 0, AX_OPT_STRING, "NAME", "who gives it"},
	{"license", 0, AX_OPT_STRING, "ID",
	 "its licence, an SPDX name or an address (default: what CITATION.cff "
	 "beside the manifest says)"},
	{NULL, 0, AX_OPT_FLAG, NULL, NULL},
};

static int
read_options(struct ax_bundle_options *o, struct ax_key **key,
	     const struct ax_args *a, struct ax_err *err)
{
	static const char *const modes[] = {"fixed", "all", "none"};
	const char *inputs = ax_arg_str(a, "inputs");
	const char *file = ax_arg_str(a, "key");
	size_t mode = 0;

	while (inputs && !ax_streq(inputs, modes[mode]))
		mode++;
	o->inputs = (enum ax_bundle_inputs)mode;
	o->author = ax_arg_str(a, "author");
	o->license = ax_arg_str(a, "license");
	if (file && ax_key_load(key, file, true, err) < 0)
		return -1;
	o->key = *key;
	return 0;
}

static int
bundle(const struct ax_args *a, struct ax_err *err)
{
	const char *given = ax_arg_str(a, "output");
	struct ax_bundle_options o = {0};
	struct ax_bundle_result result;
	struct ax_claims claims = {0};
	char hex[AX_HEX_LEN + 1], *path = NULL;
	struct ax_key *key = NULL;
	struct ax_context c;
	int rc = -1;

	memset(&c, 0, sizeof(c));
	if (read_options(&o, &key, a, err) < 0 ||
	    ax_context_plan(&c, a, err) < 0 ||
	    ax_claims_check(&claims, c.run, err) < 0)
		goto out;
	path = given ? ax_strdup(given)
		     : ax_asprintf("%s.bundle.tar", c.graph->name);
	o.path = path;
	rc = ax_bundle_write(c.run, &claims, &o, &result, err);
	if (rc == 0)
		printf("%s: %zu files, %.1f MiB, %zu results, %s\n"
		       "contents %s\n",
		       path, result.files, (double)result.bytes / 1048576,
		       result.nodes, key ? "signed" : "not signed",
		       ax_hex(hex, &result.contents));
out:
	free(path);
	ax_key_free(key);
	ax_claims_free(&claims);
	ax_context_close(&c);
	return rc;
}

const struct ax_command ax_cmd_bundle = {
	.name = "bundle",
	.operands = "MANIFEST",
	.summary = "pack a run into one archive for others",
	.text = "The archive holds the manifest, its inputs, every result with "
		"its record, and what artifact evaluation asks for: an "
		"RO-Crate, in-toto statements with the provenance and the "
		"verdicts of the claims, an appendix with what each experiment "
		"cost. All of the manifest must have run. The same store gives "
		"the same bytes.\n\n"
		"'axpipe verify' checks it without network or store; run, "
		"plan, check, explain, report and status take it in the place "
		"of a manifest. docs/sharing.md tells what lies in it.",
	.options = options,
	.shared = true,
	.min = 1,
	.max = 1,
	.run = bundle,
};
