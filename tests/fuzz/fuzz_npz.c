/* SPDX-License-Identifier: Apache-2.0 */
/* Zip files of arrays: bytes as an .npz file, and as members of a well-formed
 * one. */
#include "artifacts/checkpoint.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/bytes.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ax_checkpoint c;
	struct zip_maker z = {0};
	struct ax_err err = AX_ERR_INIT;

	ax_npz_parse(&c, "f", data, size, &err);
	ax_checkpoint_free(&c);
	ax_err_clear(&err);
	zip_add(&z, "a.npy", data, size, 0, 0);
	zip_add(&z, "b.npy", data, size / 2, 0, 0);
	zip_end(&z);
	ax_npz_parse(&c, "f", z.file.buf, z.file.len, &err);
	ax_checkpoint_free(&c);
	ax_str_free(&z.file);
	return 0;
}
