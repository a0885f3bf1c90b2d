/* SPDX-License-Identifier: Apache-2.0 */
/* A truth table from anybody's CSV or .npy is one, or is refused; what is one
 * is written and read again as the same. */
#include "artifacts/lut.h"
#include "tests/fuzz/fuzz.h"

static void
again(struct ax_lut *t)
{
	struct ax_str text = AX_STR_INIT;
	struct ax_err err = AX_ERR_INIT;
	struct ax_lut u;

	ax_lut_write_csv(&text, t);
	if (ax_lut_parse_csv(&u, "again", text.buf, text.len, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	ax_lut_free(&u);
	ax_str_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = ax_strndup((const char *)data, size);
	struct ax_err err = AX_ERR_INIT;
	struct ax_lut t;

	if (ax_lut_parse_csv(&t, "f", text, strlen(text), &err) == 0) {
		again(&t);
		ax_lut_free(&t);
	} else if (!err.text[0]) {
		abort();
	}
	ax_err_clear(&err);
	for (int sign = -1; sign <= 1; sign++) {
		if (ax_lut_parse_npy(&t, "f", data, size, sign, &err) == 0)
			ax_lut_free(&t);
		ax_err_clear(&err);
	}
	free(text);
	return 0;
}
