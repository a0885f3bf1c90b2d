/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever lies where the journal of nodes should: what is added to it is
 * found again, before and after it is rewritten. */
#include "pipeline/run/journal.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ax_digest key = ax_hash_bytes("k", 1);
	static const char odd[] = "n[x=a b\tc\\d\ne]";
	const struct ax_past *p;
	struct ax_journal *j;
	static char *nodes;
	int turn;

	if (!nodes) {
		nodes = ax_join(fuzz_dir(), "nodes");
		if (ax_mkdirs(nodes, NULL) < 0)
			abort();
	}
	fuzz_file("nodes/m", data, size);
	j = ax_journal_open(fuzz_dir(), "m", false);
	ax_journal_failed(j, "f", &key, "r", 1, "no\nmore");
	ax_journal_ok(j, odd, &key, "r", 2);
	ax_journal_close(j);
	if (size && (size < 15 || memcmp(data, "axpipe nodes 1\n", 15) != 0))
		return 0; /* of another version: not written to the end */
	for (turn = 0; turn < 2; turn++) {
		j = ax_journal_open(fuzz_dir(), "m", false);
		p = ax_journal_find(j, odd);
		FUZZ_CHECK(p && p->ok && !p->failed &&
			   ax_digest_eq(&p->key, &key) && p->seconds == 2);
		p = ax_journal_find(j, "f");
		FUZZ_CHECK(p && p->failed && ax_streq(p->error, "no"));
		ax_journal_close(j);
	}
	return 0;
}
