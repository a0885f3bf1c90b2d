/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of operand histograms; what it accepts is written and read again
 * to the same text. */
#include "artifacts/histogram.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ax_str text = AX_STR_INIT, again = AX_STR_INIT;
	struct ax_histogram h, back;
	struct ax_err err = AX_ERR_INIT;

	if (ax_histogram_parse(&h, "f", (const char *)data, size, &err) < 0)
		return 0;
	ax_histogram_write(&text, &h);
	if (ax_histogram_parse(&back, "f", text.buf, text.len, &err) < 0)
		abort();
	ax_histogram_write(&again, &back);
	if (text.len != again.len || memcmp(text.buf, again.buf, text.len) != 0)
		abort();
	ax_str_free(&text);
	ax_str_free(&again);
	ax_histogram_free(&h);
	ax_histogram_free(&back);
	return 0;
}
