/* SPDX-License-Identifier: Apache-2.0 */
/* IDX files and CIFAR's binary rows, as they are recognised. */
#include "artifacts/dataset_read.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_raw_part part = {0};

	ax_dataset_read(&part, ax_dataset_detect(data, size), "f", data, size,
			&err);
	ax_dataset_read(&part, AX_DS_IDX_IMAGES, "f", data, size, &err);
	ax_dataset_read(&part, AX_DS_IDX_LABELS, "f", data, size, &err);
	ax_raw_part_free(&part);
	return 0;
}
