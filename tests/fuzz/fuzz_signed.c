/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed envelopes (DSSE) and public keys from anybody. An envelope counts only
 * with a signature of the key that is trusted; the one in the seeds, and no
 * other body, has one. The first byte K makes the rest a key in PEM, else it
 * is an envelope.
 */
#include "artifacts/base/sign.h"
#include "tests/fuzz/fuzz.h"

/* Test 1 of RFC 8032 7.1, as SubjectPublicKeyInfo. */
static const char trusted[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
	"-----END PUBLIC KEY-----\n";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ax_key *key;
	struct ax_str body = AX_STR_INIT;
	struct ax_key *k;
	json_t *o;
	int rc;

	if (!key)
		key = ax_key_public(trusted, sizeof(trusted) - 1);
	FUZZ_CHECK(key);
	if (size && data[0] == 'K') {
		k = ax_key_public((const char *)data + 1, size - 1);
		if (k) {
			ax_key_pem(&body, k);
			FUZZ_CHECK(body.len > 0);
		}
		ax_key_free(k);
		ax_str_free(&body);
		return 0;
	}
	o = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	rc = ax_dsse_verify(o, "t", key, &body);
	FUZZ_CHECK(rc != 1 || (body.len == 4 && !memcmp(body.buf, "body", 4)));
	ax_str_free(&body);
	json_decref(o);
	return 0;
}
