/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two files of a store that only save work, the index of records and the
 * file-stat memo: whatever they hold, a record and a file's digest come out as
 * they are.
 */
#include "cache/private.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ax_digest key, want;
	static json_t *record;
	static char *outside;
	struct ax_err err = AX_ERR_INIT;
	struct ax_store *s;
	struct ax_digest is;
	json_t *got;
	uint64_t n;
	bool tree;
	int i;

	if (!record) {
		if (ax_store_open(&s, fuzz_dir(), false, &err) < 0)
			abort();
		key = ax_hash_bytes("k", 1);
		want = ax_hash_bytes("outside", 7);
		record = json_pack("{s:s}", "node", "n");
		if (ax_store_record_put(s, &key, record, &err) < 0)
			abort();
		ax_store_close(s);
		outside = ax_strdup(fuzz_file("outside", "outside", 7));
	}
	fuzz_file("ac/index", data, size);
	fuzz_file("memo", data, size);
	if (ax_store_open(&s, fuzz_dir(), false, &err) < 0)
		abort();
	for (i = 0; i < 40; i++) {
		FUZZ_CHECK(ax_store_record_get(s, &key, &got, &err) == 1);
		FUZZ_CHECK(json_equal(got, record));
		json_decref(got);
	}
	FUZZ_CHECK(ax_memo_hash(s, &is, &n, &tree, outside, &err) == 0 &&
		   n == 7 && ax_digest_eq(&is, &want));
	ax_store_close(s);
	return 0;
}
