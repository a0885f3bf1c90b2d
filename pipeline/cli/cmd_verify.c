/* SPDX-License-Identifier: Apache-2.0 */
/* axpipe verify: every byte of a bundle. */
#include "artifacts/base/base.h"
#include "pipeline/cli/cli.h"
#include "pipeline/results/bundle.h"

#define MAX_KEYS 64

static const struct ax_option options[] = {
	{"trust", 0, AX_OPT_MANY, "FILE",
	 "a public key (PEM) of which one must have signed the bundle"},
	{"json", 0, AX_OPT_FLAG, NULL, "print what was found as JSON"},
	{NULL, 0, AX_OPT_FLAG, NULL, NULL},
};

static void
print(const struct ax_bundle_facts *f, const char *path, bool json)
{
	char contents[AX_HEX_LEN + 1], signer[AX_HEX_LEN + 1], *text;
	const char *by = !f->is_signed ? "nobody"
			 : f->trusted  ? "a trusted key"
				       : "an unknown key";
	json_t *o;

	ax_hex(contents, &f->contents);
	ax_hex(signer, &f->signer);
	if (json) {
		o = json_pack("{s:i, s:s, s:s, s:I, s:I, s:I, s:s, s:b, s:b, "
			      "s:I, s:I}",
			      "axpipe_verify", 1, "name", f->name, "run",
			      f->run, "files", (json_int_t)f->files, "bytes",
			      (json_int_t)f->bytes, "nodes",
			      (json_int_t)f->nodes, "contents", contents,
			      "signed", (int)f->is_signed, "trusted",
			      (int)f->trusted, "claims", (json_int_t)f->claims,
			      "holds", (json_int_t)f->holds);
		if (f->is_signed)
			json_object_set_new(o, "signer", json_string(signer));
		text = json_dumps(o, JSON_INDENT(2));
		printf("%s\n", text);
		free(text);
		json_decref(o);
		return;
	}
	printf("%s: whole: %zu files, %.1f MiB, %zu results of %s\n"
	       "contents %s\n"
	       "claims: %zu of %zu hold, by its own word\n",
	       path, f->files, (double)f->bytes / 1048576, f->nodes, f->name,
	       contents, f->holds, f->claims);
	if (f->is_signed)
		printf("signed by %s, %s%s\n", by, signer,
		       f->trusted ? ""
				  : " (self-signed: the key came with the "
				    "bundle; --trust FILE names one you know)");
	else
		printf("not signed\n");
}

static int
verify(const struct ax_args *a, struct ax_err *err)
{
	struct ax_key *keys[MAX_KEYS];
	struct ax_bundle_facts facts;
	const char *const *files;
	size_t n, loaded = 0;
	int rc = 0;

	files = ax_arg_all(a, "trust", &n);
	if (n > MAX_KEYS)
		rc = ax_err_set(err, AX_EXIT_USAGE, "more than %d keys",
				MAX_KEYS);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = ax_key_load(&keys[i], files[i], false, err);
		loaded += rc == 0;
	}
	if (rc == 0)
		rc = ax_bundle_verify(a->operands[0], keys, n, &facts, err);
	if (rc == 0) {
		print(&facts, a->operands[0], ax_arg_flag(a, "json"));
		ax_bundle_facts_free(&facts);
	}
	for (size_t i = 0; i < loaded; i++)
		ax_key_free(keys[i]);
	return rc;
}

const struct ax_command ax_cmd_verify = {
	.name = "verify",
	.operands = "BUNDLE",
	.summary = "check every byte of a bundle, offline",
	.text = "Hashes every file of the archive, checks that nothing else "
		"lies in it, that each record is the one of its key, that the "
		"statements are about these contents, and their signatures. "
		"One flipped bit is found. Exit code 4 when anything does not "
		"fit, or when --trust is given and none of its keys signed.",
	.options = options,
	.min = 1,
	.max = 1,
	.run = verify,
};
