/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/wait.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/proc.h"
#include "stages/circuit/lut/crosscheck.h"

#define MAX_BITS 20

/*
 * The module under test gets fixed names: one vector of all input bits, one of
 * all output bits, in the netlist's order. So no port name of the user's meets
 * the test bench, and the table below is in plain pattern order.
 */
static struct ax_netlist *
renamed(const struct ax_netlist *net)
{
	static const char *const in[] = {"i"}, *const out[] = {"o"};
	struct ax_netlist *dut = ax_netlist_copy(net);

	free(dut->name);
	dut->name = ax_strdup("dut");
	/* cannot fail: one bus takes all the bits */
	ax_netlist_group(dut, false, 1, in, &net->inputs, NULL);
	ax_netlist_group(dut, true, 1, out, &net->outputs, NULL);
	return dut;
}

static int
write_bench(const struct ax_netlist *net, struct ax_err *err)
{
	struct ax_netlist *dut = renamed(net);
	struct ax_str text = AX_STR_INIT;
	int rc = ax_netlist_write_verilog(&text, dut, err);

	ax_str_addf(&text,
		    "module bench;\n"
		    "  reg [%u:0] i;\n"
		    "  wire [%u:0] o;\n"
		    "  reg [%u:0] k;\n"
		    "  dut d(.i(i), .o(o));\n"
		    "  initial begin\n"
		    "    for (k = 0; k < %lu; k = k + 1) begin\n"
		    "      i = k[%u:0];\n"
		    "      #1 $display(\"%%b\", o);\n"
		    "    end\n"
		    "    $finish(0);\n"
		    "  end\n"
		    "endmodule\n",
		    net->inputs - 1, net->outputs - 1, net->inputs,
		    1ul << net->inputs, net->inputs - 1);
	if (rc == 0)
		rc = ax_write_plain("tmp/bench.v", text.buf, text.len, err);
	ax_str_free(&text);
	ax_netlist_free(dut);
	return rc;
}

static int
tool(const char *const *argv, const char *out_path, struct ax_err *err)
{
	struct ax_str text = {.max = 1 << 16};
	char why[64];
	int status, rc;

	rc = ax_run(&status, argv, NULL, out_path, out_path ? NULL : &text,
		    out_path ? &text : NULL, !out_path, 0, err);
	if (rc == 0 && status != 0)
		rc = ax_err_set(err, AX_EXIT_STAGE, "%s: %s: %.500s", argv[0],
				ax_status_text(why, sizeof(why), status),
				text.buf ? text.buf : "");
	ax_str_free(&text);
	return rc;
}

static int
compare(const char *text, size_t len, const struct ax_lut_ports *p,
	const struct ax_netlist *net, const struct ax_lut *lut,
	struct ax_err *err)
{
	int32_t a0 = ax_lut_a_min(lut), b0 = ax_lut_b_min(lut);
	size_t line = net->outputs + 1u;

	if (len != line << net->inputs)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "Icarus wrote %zu bytes where %zu were "
				  "expected",
				  len, line << net->inputs);
	for (int32_t a = a0; a < a0 + (1 << lut->n); a++) {
		for (int32_t b = b0; b < b0 + (1 << lut->m); b++) {
			size_t at =
				((size_t)((uint32_t)a & ((1u << lut->n) - 1))
				 << p->a) |
				((size_t)((uint32_t)b & ((1u << lut->m) - 1))
				 << p->b);
			/* the line holds the highest bit first */
			const char *bits = text + at * line + net->outputs -
					   p->out - p->width;
			uint32_t v = 0;

			for (uint32_t i = 0; i < p->width; i++)
				v = v << 1 | (bits[i] == '1');
			if (lut->sign && p->width < 32 && bits[0] == '1')
				v |= ~0u << p->width;
			if ((int32_t)v == ax_lut_at(lut, a, b) &&
			    !memchr(bits, 'x', p->width))
				continue;
			return ax_err_set(err, AX_EXIT_STAGE,
					  "Icarus Verilog disagrees for A = "
					  "%d, B = %d: %.*s, the table has %d",
					  a, b, (int)p->width, bits,
					  ax_lut_at(lut, a, b));
		}
	}
	return 0;
}

int
ax_lut_crosscheck(struct ax_task *t, const struct ax_netlist *net,
		  const struct ax_lut *lut, struct ax_err *err)
{
	const char *compile[] = {ax_task_tool(t, "iverilog"),
				 "-g2005",
				 "-o",
				 "tmp/bench.vvp",
				 "tmp/bench.v",
				 NULL};
	const char *run[] = {ax_task_tool(t, "vvp"), "-n", "tmp/bench.vvp",
			     NULL};
	struct ax_lut_ports p;
	char *text;
	size_t len;
	int rc;

	if (net->inputs > MAX_BITS)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "crosscheck simulates up to %d input bits; "
				  "this netlist has %u",
				  MAX_BITS, net->inputs);
	ax_task_progress(t, 0, 0, "cross-check by Icarus Verilog");
	if (write_bench(net, err) < 0 || tool(compile, NULL, err) < 0 ||
	    tool(run, "tmp/bench.out", err) < 0)
		return -1;
	if (ax_lut_find_ports(&p, net, ax_task_str(t, "a"), ax_task_str(t, "b"),
			      ax_task_str(t, "out"), err) < 0)
		return -1;
	if (ax_read_file(&text, &len, "tmp/bench.out", 1u << 30, err) < 0)
		return -1;
	rc = compare(text, len, &p, net, lut, err);
	free(text);
	if (rc == 0)
		ax_task_metric_str(t, "crosscheck", "equal");
	return rc;
}
