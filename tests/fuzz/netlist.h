/* SPDX-License-Identifier: Apache-2.0 */
/* For the targets that read netlists: what is accepted holds its invariants,
 * and is the same circuit after being written and read again. */
#ifndef AX_FUZZ_NETLIST_H
#define AX_FUZZ_NETLIST_H

#include "artifacts/netlist/netlist.h"
#include "tests/fuzz/fuzz.h"

static int
fuzz_netlist(enum ax_net_format format, const uint8_t *data, size_t size)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_str warn = {.max = 1 << 16}, out = AX_STR_INIT;
	struct ax_netlist *net = NULL, *back = NULL;

	if (size > 65536)
		return 0;
	if (ax_netlist_parse(&net, "fuzz", (const char *)data, size, format,
			     NULL, &warn, &err) == 0) {
		FUZZ_CHECK(ax_netlist_check(net, &err) == 0);
		ax_netlist_write_json(&out, net, &err);
		if (ax_netlist_parse(&back, "again", out.buf, out.len,
				     AX_NET_JSON, NULL, NULL, &err) == 0)
			FUZZ_CHECK(back->inputs == net->inputs &&
				   back->outputs == net->outputs);
	} else {
		FUZZ_CHECK(err.text[0]);
	}
	ax_str_free(&warn);
	ax_str_free(&out);
	ax_netlist_free(net);
	ax_netlist_free(back);
	return 0;
}

#endif
