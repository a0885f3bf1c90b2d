/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The restricted unpickler under both of its policies: bytes as the data.pkl
 * of a checkpoint (put into a zip file with proper checksums), and bytes as a
 * CIFAR file. Bytes that begin as a zip file go to the reader as they are.
 */
#include "artifacts/checkpoint.h"
#include "artifacts/dataset_read.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/bytes.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const float storage[6];
	struct ax_raw_part part = {0};
	struct ax_checkpoint c;
	struct zip_maker z = {0};
	struct ax_err err = AX_ERR_INIT;

	if (size >= 2 && data[0] == 'P' && data[1] == 'K') {
		ax_torch_parse(&c, "f", data, size, &err);
		ax_checkpoint_free(&c);
		return 0;
	}
	zip_add(&z, "m/data.pkl", data, size, 0, 0);
	zip_add(&z, "m/data/0", storage, sizeof(storage), 0, 0);
	zip_end(&z);
	ax_torch_parse(&c, "f", z.file.buf, z.file.len, &err);
	ax_checkpoint_free(&c);
	ax_str_free(&z.file);
	ax_dataset_read(&part, size & 1 ? AX_DS_CIFAR10 : AX_DS_CIFAR100, "f",
			data, size, &err);
	ax_raw_part_free(&part);
	return 0;
}
