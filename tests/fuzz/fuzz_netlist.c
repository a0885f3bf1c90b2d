/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer target for the readers of netlists, libraries and tables. The first
 * byte chooses the reader. What is accepted must hold its invariants, and
 * survive being written and read again.
 *
 *   clang -fsanitize=fuzzer,address,undefined ... tests/fuzz/fuzz_netlist.c
 */
#include "artifacts/base/base.h"
#include "artifacts/liberty.h"
#include "artifacts/lut.h"
#include "artifacts/netlist/netlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
netlist(enum ax_net_format format, const char *text, size_t len)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_str warn = {.max = 1 << 16}, out = AX_STR_INIT;
	struct ax_netlist *net = NULL, *back = NULL;

	if (ax_netlist_parse(&net, "fuzz", text, len, format, NULL, &warn,
			     &err) == 0) {
		if (ax_netlist_check(net, &err) < 0)
			abort();
		ax_netlist_write_json(&out, net, &err);
		if (ax_netlist_parse(&back, "again", out.buf, out.len,
				     AX_NET_JSON, NULL, NULL, &err) == 0 &&
		    (back->inputs != net->inputs ||
		     back->outputs != net->outputs))
			abort();
	} else if (!err.text[0]) {
		abort(); /* an error without a message */
	}
	ax_str_free(&warn);
	ax_str_free(&out);
	ax_netlist_free(net);
	ax_netlist_free(back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	struct ax_err err = AX_ERR_INIT;
	struct ax_liberty lib;
	struct ax_lut t;

	if (size < 1 || size > 65536)
		return 0;
	switch (data[0] % 7) {
	case 0:
		netlist(AX_NET_TXT, text, size - 1);
		break;
	case 1:
		netlist(AX_NET_BLIF, text, size - 1);
		break;
	case 2:
		netlist(AX_NET_VERILOG, text, size - 1);
		break;
	case 3:
		netlist(AX_NET_JSON, text, size - 1);
		break;
	case 4:
		if (ax_liberty_parse(&lib, "fuzz", text, size - 1, &err) == 0)
			ax_liberty_free(&lib);
		break;
	case 5:
		if (ax_lut_parse_csv(&t, "fuzz", text, size - 1, &err) == 0)
			ax_lut_free(&t);
		break;
	default:
		if (ax_lut_parse_npy(&t, "fuzz", text, size - 1, -1, &err) == 0)
			ax_lut_free(&t);
		break;
	}
	return 0;
}
