/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptions of networks: what is accepted is consistent, and its text reads
 * back to the same. The number format of a checkpoint as well. */
#include "artifacts/network.h"
#include "stages/nn/engine/format.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t input[3] = {3, 32, 32};
	char *text = ax_strndup((const char *)data, size);
	struct ax_err err = AX_ERR_INIT;
	struct ax_network n, again;
	struct ax_format f;
	unsigned i;

	if (ax_network_parse_text(&n, text, size & 1 ? input : NULL,
				  size & 1 ? 10 : 0, &err) == 0) {
		for (i = 0; i < n.n_ops; i++)
			if (n.ops[i].in >= n.ops[i].out ||
			    n.ops[i].with >= n.ops[i].out ||
			    n.ops[i].out >= n.n_values)
				abort();
		if (ax_network_parse_text(&again, n.text, NULL, 0, &err) < 0 ||
		    !ax_streq(again.text, n.text) || again.n_ops != n.n_ops)
			abort();
		ax_network_free(&again);
	}
	ax_network_free(&n);
	ax_err_clear(&err);
	ax_format_parse(&f, text, &err);
	free(text);
	return 0;
}
