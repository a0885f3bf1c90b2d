/* SPDX-License-Identifier: Apache-2.0 */
/* axpipe key: keys that sign bundles. */
#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/sign.h"
#include "pipeline/cli/cli.h"

static int
make(const char *path, struct ax_err *err)
{
	struct ax_key *k = ax_key_new();
	char hex[AX_HEX_LEN + 1], *pub;
	struct ax_str pem = AX_STR_INIT;
	struct ax_digest id;
	int rc;

	if (!k)
		return ax_err_set(err, AX_EXIT_ENV,
				  "libcrypto makes no Ed25519 key");
	pub = ax_asprintf("%s.pub", path);
	rc = ax_key_save(k, path, err);
	if (rc == 0) {
		ax_key_pem(&pem, k);
		rc = ax_write_file(pub, pem.buf, pem.len, err);
		ax_str_free(&pem);
	}
	if (rc == 0) {
		id = ax_key_id(k);
		printf("%s: private, keep it\n%s: public, give it away\n%s\n",
		       path, pub, ax_hex(hex, &id));
	}
	free(pub);
	ax_key_free(k);
	return rc;
}

static int
show(const char *path, struct ax_err *err)
{
	char hex[AX_HEX_LEN + 1];
	struct ax_str pem = AX_STR_INIT;
	struct ax_digest id;
	struct ax_key *k;

	if (ax_key_load(&k, path, false, err) < 0)
		return -1;
	id = ax_key_id(k);
	ax_key_pem(&pem, k);
	printf("%s\n%s", ax_hex(hex, &id), pem.buf);
	ax_str_free(&pem);
	ax_key_free(k);
	return 0;
}

static int
key(const struct ax_args *a, struct ax_err *err)
{
	if (ax_streq(a->operands[0], "new"))
		return make(a->operands[1], err);
	if (ax_streq(a->operands[0], "show"))
		return show(a->operands[1], err);
	return ax_err_set(err, AX_EXIT_USAGE,
			  "key %s: it is 'key new FILE' or 'key show FILE'",
			  a->operands[0]);
}

const struct ax_command ax_cmd_key = {
	.name = "key",
	.operands = "new|show FILE",
	.summary = "make or show a key that signs bundles",
	.text = "new writes an Ed25519 private key to FILE (mode 0600, PKCS #8 "
		"in PEM, as 'openssl genpkey -algorithm ed25519' does) and the "
		"public one to FILE.pub, and prints its name: the SHA-256 of "
		"the public key. show prints the name and the public key of "
		"either file.",
	.min = 2,
	.max = 2,
	.run = key,
};
