/* SPDX-License-Identifier: Apache-2.0 */
/* A packed file, and a member of an archive, that came from an address: no
 * more bytes than the limit come out, whatever went in. */
#include "pipeline/fetch/fetch.h"
#include "tests/fuzz/fuzz.h"

#define MOST ((uint64_t)1 << 16)

static int
count(void *arg, const void *bytes, size_t n, struct ax_err *err)
{
	uint64_t *total = arg;

	(void)bytes;
	(void)err;
	*total += n;
	FUZZ_CHECK(*total <= MOST);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file("packed", data, size);
	struct ax_err err = AX_ERR_INIT;
	uint64_t total = 0;

	if (ax_unpack_file(path, "f", MOST, count, &total, &err) < 0)
		FUZZ_CHECK(err.text[0]);
	ax_err_clear(&err);
	total = 0;
	if (ax_unpack_member(path, "f", "a/b", MOST, count, &total, &err) < 0)
		FUZZ_CHECK(err.text[0]);
	return 0;
}
