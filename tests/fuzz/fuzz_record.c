/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever lies in a record's file is a record, or is put aside with a word. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "cache/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct ax_store *s;
	static struct ax_digest key;
	static char file[AX_REL_LEN + 4];
	json_t *record = NULL, *quick;
	struct ax_err err = AX_ERR_INIT;
	char *dir, *path;
	int rc;

	if (!s) {
		char rel[AX_REL_LEN + 1];

		dir = ax_tmp_template("axpipe-fuzz");
		/* its warnings would fill the log */
		if (!mkdtemp(dir) || !freopen("/dev/null", "w", stderr) ||
		    ax_store_open(&s, dir, false, &err) < 0)
			abort();
		key = ax_hash_bytes("k", 1);
		ax_rel(rel, &key);
		snprintf(file, sizeof(file), "ac/%s", rel);
		path = ax_join(dir, file);
		free(dir);
		dir = ax_dirname(path);
		if (ax_mkdirs(dir, &err) < 0)
			abort();
		free(dir);
		free(path);
	}
	path = ax_join(ax_store_dir(s), file);
	if (ax_write_plain(path, bytes, n, &err) < 0)
		abort();
	rc = ax_store_record_get(s, &key, &record, &err);
	if (rc == 1 && !json_is_object(record))
		abort();
	json_decref(record);
	/* the quick reader agrees with the general one, or declines */
	quick = ax_json_quick((const char *)bytes, n, NULL);
	if (quick) {
		record = json_loadb((const char *)bytes, n,
				    JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		if (!record || !json_equal(record, quick))
			abort();
		json_decref(record);
		json_decref(quick);
	}
	free(path);
	return 0;
}
