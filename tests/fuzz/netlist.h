/* SPDX-License-Identifier: Apache-2.0 */
/* For the targets that read netlists: what is accepted holds its invariants,
 * and has the same bits after being written as JSON and read again, the same
 * ports after being written as a dump. */
#ifndef AX_FUZZ_NETLIST_H
#define AX_FUZZ_NETLIST_H

#include "artifacts/netlist/netlist.h"
#include "tests/fuzz/fuzz.h"

/* The order may be another: bits of one name come together anew. */
static void
fuzz_same_ports(const struct ax_bus *a, uint32_t n, const struct ax_bus *b,
		uint32_t m)
{
	const struct ax_bus *same;

	FUZZ_CHECK(n == m);
	for (uint32_t i = 0; i < n; i++) {
		same = ax_bus_find(b, m, a[i].name);
		FUZZ_CHECK(same && same->width == a[i].width);
	}
}

static void
fuzz_dump(const struct ax_netlist *net)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_str out = AX_STR_INIT;
	struct ax_netlist *back = NULL;

	if (net->outputs && ax_netlist_write_txt(&out, net, &err) == 0) {
		FUZZ_CHECK(ax_netlist_parse(&back, "dump", out.buf, out.len,
					    AX_NET_TXT, NULL, NULL, &err) == 0);
		fuzz_same_ports(net->in, net->ins, back->in, back->ins);
		fuzz_same_ports(net->out, net->outs, back->out, back->outs);
	}
	ax_str_free(&out);
	ax_netlist_free(back);
}

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
		fuzz_dump(net);
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
