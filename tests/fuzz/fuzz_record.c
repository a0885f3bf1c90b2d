/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever lies in a record's file is a record, or is put aside with a word. */
#include "cache/private.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct ax_store *s;
	static struct ax_digest key;
	static char file[AX_REL_LEN + 4];
	json_t *record = NULL, *quick;
	struct ax_err err = AX_ERR_INIT;
	char *path, *dir;
	int rc;

	if (!s) {
		char rel[AX_REL_LEN + 1];

		if (ax_store_open(&s, fuzz_dir(), false, &err) < 0)
			abort();
		key = ax_hash_bytes("k", 1);
		ax_rel(rel, &key);
		snprintf(file, sizeof(file), "ac/%s", rel);
		path = ax_join(fuzz_dir(), file);
		dir = ax_dirname(path);
		if (ax_mkdirs(dir, &err) < 0)
			abort();
		free(dir);
		free(path);
	}
	fuzz_file(file, bytes, n);
	rc = ax_store_record_get(s, &key, &record, &err);
	FUZZ_CHECK(rc != 1 || json_is_object(record));
	json_decref(record);
	/* the quick reader agrees with the general one, or declines */
	quick = ax_json_quick((const char *)bytes, n, NULL);
	if (quick) {
		record = json_loadb((const char *)bytes, n,
				    JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		FUZZ_CHECK(record && json_equal(record, quick));
		json_decref(record);
		json_decref(quick);
	}
	return 0;
}
