/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing netlists: round trips, and input that is broken. */
#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/liberty.h"
#include "artifacts/netlist/sim.h"
#include "tests/lib/tap.h"

static struct ax_netlist *
parse(const char *text, const struct ax_liberty *lib, struct ax_err *err)
{
	struct ax_netlist *net = NULL;

	ax_err_clear(err);
	ax_netlist_parse(&net, "t", text, strlen(text), AX_NET_AUTO, lib, NULL,
			 err);
	return net;
}

/* The text must be refused, with a message that holds `want`. */
static void
refused(const char *what, const char *text, const char *want)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_netlist *net = parse(text, NULL, &err);

	if (!ok(!net && strstr(err.text, want), "%s", what))
		printf("# %s\n", net ? "(accepted)" : err.text);
	ax_netlist_free(net);
}

/* The text must be read with that warning, to this circuit of BLIF. */
static void
warned(const char *what, const char *text, const char *want, const char *blif)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_str warn = AX_STR_INIT;
	struct ax_netlist *net = NULL, *same = parse(blif, NULL, &err);

	ax_netlist_parse(&net, "t", text, strlen(text), AX_NET_AUTO, NULL,
			 &warn, &err);
	if (!ok(net && same && warn.buf && ax_streq(warn.buf, want) &&
			ax_netlist_equal(net, same, NULL, NULL, NULL, &err) ==
				1,
		"%s", what))
		printf("# %s%s\n", err.text, warn.buf ? warn.buf : "");
	ax_str_free(&warn);
	ax_netlist_free(net);
	ax_netlist_free(same);
}

static const char adder[] = "# Netlist\n"
			    "INPUT n0\nINPUT n1\nINPUT n2\nINPUT n3\n\n"
			    "v0_0 = XOR(n0, n2)\n\n"
			    "v1_0 = AND(n0, n2)\n\n"
			    "v2_0 = XOR(n1, n3)\n\n"
			    "v3_0 = XOR(v2_0, v1_0)\n\n"
			    "v4_0 = NAND(n1, n3)\n\n"
			    "v5_0 = NAND(v2_0, v1_0)\n\n"
			    "v6_0 = NAND(v4_0, v5_0)\n\n"
			    "OUT0 = v0_0\nOUT1 = v3_0\nOUT2 = v6_0\n";

static void
test_round_trips(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_netlist *net = parse(adder, NULL, &err), *back;
	struct ax_str out = AX_STR_INIT;

	if (!ok(net != NULL, "a dump reads"))
		return;
	is_int(net->ins, 2, "two operands");
	is_str(net->in[1].name, "B", "called A and B");
	ax_netlist_write_txt(&out, net, &err);
	is_str(out.buf, adder, "a dump reads and writes to the same bytes");
	for (int k = 0; k < 3; k++) {
		static const char *const names[] = {"BLIF", "Verilog", "JSON"};

		ax_str_clear(&out);
		if (k == 0)
			ax_netlist_write_blif(&out, net, false, &err);
		else if (k == 1)
			ax_netlist_write_verilog(&out, net, &err);
		else
			ax_netlist_write_json(&out, net, &err);
		back = parse(out.buf, NULL, &err);
		ok(back && ax_netlist_equal(net, back, NULL, NULL, NULL,
					    &err) == 1,
		   "%s keeps the function %s", names[k], err.text);
		if (back)
			is_str(back->in[0].name, "A", "and the ports");
		ax_netlist_free(back);
	}
	is_int(ax_netlist_write_blif(&out, net, true, &err), -1,
	       ".gate wants library cells");
	ax_str_free(&out);
	ax_netlist_free(net);
}

static void
test_blif(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_str warn = AX_STR_INIT, wide = AX_STR_INIT;
	struct ax_netlist *net, *other;
	uint32_t t[256];
	struct ax_sim *sim;
	static const char text[] =
		"# comment\n.model top # name\n.inputs x[1] x[0] \\\n c\n"
		".outputs y[0] y[1] hi lo u\n"
		".names x[0] x[1] c y[0]\n1-1 1\n01- 1\n"
		".names x[0] x[1] y[1]\n11 0\n"
		".names hi\n1\n.names lo\n"
		".names nothing u\n1 1\n.end\n";

	net = NULL;
	ax_netlist_parse(&net, "t", text, strlen(text), AX_NET_AUTO, NULL,
			 &warn, &err);
	if (!ok(net != NULL, "BLIF with don't-cares, both planes: %s",
		err.text))
		return;
	is_int(net->in[0].width, 2, "bits of a bus come together");
	ok(warn.buf && strstr(warn.buf, "nothing has no driver"),
	   "an undriven net warns");
	ax_sim_new(&sim, net, &err);
	ax_sim_table(sim, NULL, 0, 5, t, &err);
	/* input 0 is x[0], 1 is x[1], 2 is c, whatever the file's order */
	is_int(t[0], 2 + 4, "pattern 000");
	is_int(t[2], 1 + 2 + 4, "pattern 010: x[1] alone");
	is_int(t[5], 1 + 2 + 4, "pattern 101: x[0] and c");
	is_int(t[7], 1 + 4, "pattern 111");
	ax_sim_free(sim);
	ax_netlist_free(net);

	net = parse(".model top\n.inputs a b c\n.outputs s\n"
		    ".subckt half p=a q=b r=t\n.subckt half p=t q=c r=s\n.end\n"
		    ".model half\n.inputs p q\n.outputs r\n"
		    ".names p q r\n10 1\n01 1\n.end\n",
		    NULL, &err);
	other = parse(".model x\n.inputs a b c\n.outputs s\n"
		      ".names a b c s\n100 1\n010 1\n001 1\n111 1\n.end\n",
		      NULL, &err);
	ok(net && other &&
		   ax_netlist_equal(net, other, NULL, NULL, NULL, &err) == 1,
	   "models are flattened: %s", err.text);
	ax_netlist_free(net);
	net = parse(".model half\n.inputs p q\n.outputs r\n"
		    ".names p q r\n10 1\n01 1\n.end\n"
		    ".model box\n.inputs p\n.outputs r\n.blackbox\n.end\n"
		    ".model top\n.inputs a b c\n.outputs s\n"
		    ".subckt half p=a q=b r=t\n.subckt half p=t q=c r=s\n"
		    ".end\n",
		    NULL, &err);
	ok(net && other &&
		   ax_netlist_equal(net, other, NULL, NULL, NULL, &err) == 1,
	   "the circuit may stand behind its parts: %s", err.text);
	ax_netlist_free(net);
	ax_netlist_free(other);

	/* nine inputs: more than a node can have */
	net = parse(".model w\n.inputs a b c d e f g h i\n.outputs y\n"
		    ".names a b c d e f g h i y\n111111111 1\n0-0-0-0-0 1\n",
		    NULL, &err);
	if (ok(net != NULL, "a wide .names: %s", err.text)) {
		uint32_t big[512];
		bool good = true;

		ax_sim_new(&sim, net, &err);
		ax_sim_table(sim, NULL, 0, 1, big, &err);
		for (unsigned p = 0; p < 512; p++)
			good = good && big[p] == (p == 511 || !(p & 0x155));
		ok(good, "and its function");
		ax_sim_free(sim);
	}
	ax_netlist_free(net);

	/* eight nets fill the list, so the constant for p must move it */
	net = parse(".model m\n.inputs a b c d\n.outputs y\n.names p y\n0 1\n"
		    ".names r s\n1 1\n.end\n",
		    NULL, &err);
	ok(net != NULL, "an undriven net when the list of nets is full");
	ax_netlist_free(net);

	{
		struct ax_str w = AX_STR_INIT;
		static const char boxed[] =
			".model top\n.inputs a b\n.outputs y z\n"
			".subckt NAND2X1 A=a B=b Y=t\n.gate own p=t q=y\n"
			".barbuf y z\n.exdc\n.names a y\n1 1\n.end\n"
			".model NAND2X1\n.inputs A B\n.outputs Y\n"
			".blackbox\n.end\n"
			".model own\n.inputs p\n.outputs q\n.names p q\n0 1"
			"\n.end\n";

		net = NULL;
		ax_netlist_parse(&net, "t", boxed, strlen(boxed), AX_NET_AUTO,
				 NULL, &w, &err);
		other = parse(".inputs a b # no .model\n.outputs y z\n"
			      ".names a b y\n11 1\n.subckt $_AND_ A=a B=b "
			      "Y=z\n",
			      NULL, &err);
		ok(net && other &&
			   ax_netlist_equal(net, other, NULL, NULL, NULL,
					    &err) == 1,
		   "black boxes are cells, a model may be a .gate: %s",
		   err.text);
		ok(w.buf && strstr(w.buf, "t:7: external don't-cares"),
		   "external don't-cares: said to be unused");
		ax_netlist_free(net);
		ax_netlist_free(other);
		ax_str_free(&w);
	}
	{
		struct ax_str o = AX_STR_INIT;

		/* ABC takes no empty cover that has inputs */
		net = parse(".inputs a b\n.outputs y z\n.names a b y\n"
			    ".names a b z\n-- 1\n",
			    NULL, &err);
		ok(net && ax_netlist_write_blif(&o, net, false, &err) == 0 &&
			   strstr(o.buf, ".names $n0\n.names $n1\n1\n"),
		   "functions that are constant are written as constants");
		ax_netlist_free(net);
		ax_str_free(&o);
	}
	refused("only a black box",
		".model a\n.inputs x\n.outputs y\n.blackbox\n.end\n",
		"black box");
	refused("an output twice",
		".model a\n.inputs x\n.outputs y y\n.names x y\n1 1\n",
		"t:3: output y is listed twice");
	refused("a connection to no port",
		".model a\n.inputs x\n.outputs y\n.subckt b u=x w=y\n.end\n"
		".model b\n.inputs u\n.outputs v\n.names u v\n1 1\n.end\n",
		"t:4: a connection names no port of model b");
	refused("latch", ".model a\n.inputs d\n.outputs q\n.latch d q\n.end\n",
		"t:4: a latch");
	refused("unknown cell", ".model a\n.outputs q\n.gate FOO Y=q\n.end\n",
		"t:3: unknown cell FOO");
	refused("unknown pin",
		".model a\n.inputs d\n.outputs q\n.gate INVX1 B=d Y=q\n.end\n",
		"has no pin B");
	refused("open input", ".model a\n.outputs q\n.gate INVX1 Y=q\n.end\n",
		"not connected");
	refused("a loop",
		".model a\n.outputs q\n.names q r\n0 1\n.names r q\n1 1\n",
		"loop");
	refused("a loop of wires",
		".model a\n.outputs q\n.names r q\n1 1\n"
		".names q r\n1 1\n",
		"loop");
	refused("two drivers", ".model a\n.inputs q\n.outputs q\n.names q\n1\n",
		"driven twice");
	refused("mixed planes",
		".model a\n.inputs b\n.outputs q\n"
		".names b q\n1 1\n0 0\n",
		"rows for 0 and");
	refused("bad row", ".model a\n.inputs b\n.outputs q\n.names b q\n2 1\n",
		"a row of .names");
	refused("a model within itself",
		".model a\n.inputs x\n.outputs y\n.subckt a x=x y=y\n.end\n",
		"nested more than 32");
	refused("an empty file", "", "the file is empty");
	refused("no model", "# nothing\n", "is it cut short");
	for (int i = 0; i < 200; i++)
		ax_str_add(&wide, ".names q\\\n");
	refused("only continuations", wide.buf, "expected .model");
	ax_str_free(&wide);
	ax_str_free(&warn);
}

/* Ports that are not two halves keep their names, widths and order. */
static void
test_txt_ports(void)
{
	static const char ports[] =
		"# port input 3 A\n# port input 1 B\n# port input 1 c d\n"
		"# port output 2 OUT\n# port output 1 z\n";
	static const char rest[] =
		"INPUT n0\nINPUT n1\nINPUT n2\nINPUT n3\nINPUT n4\n\n"
		"v0_0 = AND(n0, n3)\n\n"
		"OUT0 = v0_0\nOUT1 = n2\nOUT2 = n4\n";
	char *text = ax_asprintf("# Netlist\n%s%s", ports, rest), *bad;
	struct ax_err err = AX_ERR_INIT;
	struct ax_netlist *net = parse(text, NULL, &err);
	struct ax_str out = AX_STR_INIT;

	if (ok(net != NULL, "ports in comments: %s", err.text)) {
		is_int(net->ins, 3, "three operands");
		is_int(net->in[0].width, 3, "the first of three bits");
		is_str(net->in[2].name, "c d", "the last by its name");
		is_str(net->out[1].name, "z", "two results");
		ax_netlist_write_txt(&out, net, &err);
		is_str(out.buf, text, "the same bytes again");
		ax_netlist_free(net);
	}
	free(text);
	ax_str_free(&out);
	net = ax_netlist_new("odd");
	ax_netlist_add_input(net, "A", 12);
	ax_netlist_add_input(net, "B", 8);
	ax_netlist_add_output(net, "line\nbreak", 1);
	is_int(ax_netlist_write_txt(&out, net, &err), -1, "a line break");
	ok(strstr(err.text, "rename it"), "is no name here");
	ax_str_free(&out);
	ax_netlist_free(net);
	bad = ax_asprintf("# port input 6 A\n# port output 3 OUT\n%s", rest);
	refused("more bits than inputs", bad, "t:1: more bits than the dump");
	free(bad);
	bad = ax_asprintf("# port input 5 A\n# port output 2 OUT\n%s", rest);
	refused("fewer bits than outputs", bad, "t:2: the ports named up to");
	free(bad);
	refused("no direction", "# port inout 3 A\n", "t:1: expected 'input'");
	refused("no width", "# port input A\n", "t:1: expected the port's");
	refused("a giant", "# port input 99999999999999999999 A\n",
		"t:1: expected the port's");
	refused("no name", "# port input 3 \r\n", "the port has no name");
}

static void
test_txt(void)
{
	refused("unknown gate", "INPUT n0\nv0_0 = FOO(n0)\nOUT0 = v0_0\n",
		"t:2: unknown gate: FOO");
	refused("three inputs",
		"INPUT n0\nv0_0 = AND(n0, n0, n0)\nOUT0 = v0_0\n",
		"wrong number of inputs");
	refused("undriven", "INPUT n0\nv0_0 = AND(n0, v7_0)\nOUT0 = v0_0\n",
		"v7_0 has no driver");
	refused("loop",
		"INPUT n0\nv0_0 = AND(n0, v1_0)\nv1_0 = INV(v0_0)\nOUT0 = "
		"v1_0\n",
		"loop");
	refused("cut", "INPUT n0\nv0_0 = AND(n0, n", "expected");
	refused("no outputs", "INPUT n0\nINPUT n1\n", "no outputs");
	refused("inputs out of order", "INPUT n1\n", "in order");
	refused("giant number", "INPUT n0\nOUT99999999999999999999 = n0\n",
		"unknown gate");
}

static void
test_verilog(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_netlist *net, *want;
	static const char text[] =
		"`timescale 1ns/1ps\n/* c */ (* top = 1 *)\n"
		"module t(A, \\B.x , OUT);\n"
		"  wire _0_; wire [1:0] w;\n  input [1:0] A;\n"
		"  input [1:0] \\B.x ;\n  output [3:0] OUT;\n"
		"  NAND2X1 _g_ ( .A(A[0]), .B(\\B.x [1]), .Y(_0_) );\n"
		"  xor__inv_2 i (.I(_0_), .ZN(w[0]));\n"
		"  nor (w[1], A[1], \\B.x [0]);\n"
		"  assign { OUT[3:2], OUT[1:0] } = { 1'h1, w, A[0] & ~_0_ };\n"
		"endmodule\n";

	net = parse(text, NULL, &err);
	want = parse(".model t\n.inputs A[0] A[1] B.x[0] B.x[1]\n"
		     ".outputs OUT[0] OUT[1] OUT[2] OUT[3]\n"
		     ".names A[0] B.x[1] OUT[0]\n11 1\n"
		     ".names A[0] B.x[1] OUT[1]\n11 1\n"
		     ".names A[1] B.x[0] OUT[2]\n00 1\n.names OUT[3]\n1\n",
		     NULL, &err);
	ok(net && want &&
		   ax_netlist_equal(net, want, NULL, NULL, NULL, &err) == 1,
	   "instances, escapes, concatenations, expressions %s", err.text);
	ax_netlist_free(net);
	ax_netlist_free(want);
	net = parse(
		"`define HAS\n`define LONG a \\\n  module\n"
		"`ifdef NONE\nmodule t(input a); `include \"x\"\n"
		"// `endif\n`elsif HAS\n`celldefine module t(input a, b, s, "
		"output y);\n`else\nmodule u(`LONG);\n`endif\n"
		"`ifndef SYNTHESIS\n initial $dump(\"`endif\");\n"
		"`ifdef HAS\n no\n`endif\n`else\n"
		"assign y = a & b & s; `endif\nendmodule\n`endcelldefine\n",
		NULL, &err);
	want = parse(".model t\n.inputs a b s\n.outputs y\n.names a b s y\n"
		     "111 1\n",
		     NULL, &err);
	ok(net && want &&
		   ax_netlist_equal(net, want, NULL, NULL, NULL, &err) == 1,
	   "`ifdef and its like %s", err.text);
	ax_netlist_free(net);
	ax_netlist_free(want);
	refused("a macro", "module t(output y);\n assign y = `ONE;\nendmodule",
		"t:2: `ONE: macros are not expanded");
	refused("`include", "`include \"cells.v\"\nmodule t(output y);",
		"t:1: `include: a netlist is one file");
	refused("no `endif", "`ifdef A\nmodule t(output y);\nendmodule\n",
		"`ifdef: without an `endif");
	refused("no `ifdef", "module t(output y);\n`endif\nendmodule\n",
		"t:2: `endif: without an `ifdef");
	net = parse("module t(input a, b, s, output y);\n"
		    "assign y = s ? a ^ b : a | b & ~(a ~^ b);\nendmodule\n",
		    NULL, &err);
	want = parse(".model t\n.inputs a b s\n.outputs y\n.names a b s y\n"
		     "1-0 1\n010 1\n101 1\n011 1\n",
		     NULL, &err);
	ok(net && want &&
		   ax_netlist_equal(net, want, NULL, NULL, NULL, &err) == 1,
	   "precedence of operators %s", err.text);
	ax_netlist_free(net);
	ax_netlist_free(want);

	net = parse(
		"module leaf(input [1:0] x, input c, output [1:0] y);\n"
		"  supply0 gnd;\n  assign #(1, 2) y = {x[0] & c, gnd | ^x};\n"
		"endmodule\n"
		"module t(a, b, y, z);\n  input [1:0] a; input b;\n"
		"  output [1:0] y, z;\n"
		"  wire c; buf #1 (c, b);\n"
		"  leaf u1(.y(y), .x(a), .c(c));\n"
		"  leaf u2({a[0], ~a[1]}, a != 2'b01 && !(b == 0), z);\n"
		"  specify (a => y) = 1; endspecify\n"
		"endmodule\n",
		NULL, &err);
	want = parse(".model t\n.inputs a[0] a[1] b\n"
		     ".outputs y[0] y[1] z[0] z[1]\n"
		     ".names a[0] a[1] y[0]\n10 1\n01 1\n"
		     ".names a[0] b y[1]\n11 1\n"
		     ".names a[0] a[1] z[0]\n11 1\n00 1\n"
		     ".names a[0] a[1] b z[1]\n001 1\n",
		     NULL, &err);
	ok(net && want &&
		   ax_netlist_equal(net, want, NULL, NULL, NULL, &err) == 1,
	   "modules of the file, by name and by place %s", err.text);
	if (net)
		is_str(net->name, "t", "the one that no other uses is it");
	ax_netlist_free(net);
	ax_netlist_free(want);
	{
		struct ax_str w = AX_STR_INIT;
		static const char two[] =
			"module c(a, y); input a; output y; assign y = ~a;\n"
			"endmodule\nmodule d(a, y); input a; output y;\n"
			"c u(a, y);\nendmodule\n%s\n"
			"module e(a, y, z); input a; output y, z;\n"
			"assign y = a; assign z = a;\nendmodule\n";
		char *marked = ax_asprintf(two, "(* top = 1, keep *)");

		net = parse(marked, NULL, &err);
		ok(net && ax_streq(net->name, "e"), "the module marked top");
		ax_netlist_free(net);
		free(marked);
		marked = ax_asprintf(two, "(* src = \"top.v\", stopped = 1 *)");
		net = NULL;
		ax_netlist_parse(&net, "t", marked, strlen(marked), AX_NET_AUTO,
				 NULL, &w, &err);
		ok(net && ax_streq(net->name, "d") && w.buf &&
			   strstr(w.buf,
				  "module e is used by none; d is taken"),
		   "without a mark the one that uses others, with a warning");
		ax_netlist_free(net);
		free(marked);
		ax_str_free(&w);
	}
#define LEAF                                                                   \
	"module leaf(x, y); input [1:0] x; output y; assign y = &x;\n"         \
	"endmodule\n"
	refused("ports that do not fit",
		LEAF "module t(a, y); input a; output y;\n"
		     "leaf u(a, y);\nendmodule\n",
		"t:4: port x of module leaf has 2 bits and is connected to 1");
	refused("an input left open",
		LEAF "module t(y); output y;\nleaf u(.y(y));\nendmodule\n",
		"t:4: input x of module leaf is not connected");
	refused("a port there is not",
		LEAF "module t(a, y); input [1:0] a; output y;\n"
		     "leaf u(.x(a), .y(y), .q(a));\nendmodule\n",
		"t:4: module leaf has no port q");
	refused("a port twice",
		LEAF "module t(a, y); input [1:0] a; output y;\n"
		     "leaf u(.x(a), .y(y), .x(a));\nendmodule\n",
		"connected twice");
	refused("a module within itself",
		"module t(a, y); input a; output y;\nt u(a, y);\nendmodule\n",
		"t:1: modules that use each other in a circle");
	refused("a circle below the top",
		"module p(a, y); input a; output y;\nq u(a, y);\nendmodule\n"
		"module q(a, y); input a; output y;\np u(a, y);\nendmodule\n"
		"module t(a, y); input a; output y;\np u(a, y);\nendmodule\n",
		"nested more than 32 deep");
	refused("two circuits",
		LEAF "module other(x, y); input x; output y;\n"
		     "assign y = x; endmodule\n",
		"leaf and other could both be the circuit");
	refused("two modules of one name", LEAF LEAF, "a second module leaf");
	refused("an output tied to a constant",
		LEAF "module t(a); input [1:0] a;\nleaf u(a, 1'b0);\n"
		     "endmodule\n",
		"driven twice");
	refused("unknown cell",
		"module t(a, y); input a; output y;\nFOO g(.A(a), .Y(y));\n"
		"endmodule\n",
		"t:2: unknown cell FOO");
	warned("an undriven net reads as 0",
	       "module t(a, y); input a; output y; wire w;\n"
	       "NOR2X1 g(.A(a), .B(w), .Y(y));\nendmodule\n",
	       "t:2: net w has no driver and reads as 0\n",
	       ".model t\n.inputs a\n.outputs y\n.names a y\n0 1\n.end\n");
	refused("loop",
		"module t(a, y); input a; output y; wire w;\n"
		"NAND2X1 g(.A(a), .B(w), .Y(y));\n"
		"INVX1 h(.A(y), .Y(w));\nendmodule\n",
		"loop");
	refused("two drivers",
		"module t(a, y); input a; output y;\n"
		"INVX1 g(.A(a), .Y(y));\nINVX1 h(.A(a), .Y(y));"
		"\nendmodule\n",
		"driven twice");
	refused("behaviour",
		"module t(a, y); input a; output y;\n"
		"always @(a) y = a;\nendmodule\n",
		"synthesised");
	refused("cut", "module t(a, y); input a; output y;\nINVX1 g(.A(a)",
		"t:2:");
	refused("giant range", "module t(a); input [999999:0] a; endmodule\n",
		"too many bits");
	refused("giant number",
		"module t(a); input [99999999999999999999:0] a; endmodule\n",
		"over a million");
	refused("giant constant",
		"module t(y); output y; assign y = 999999999'h0; endmodule\n",
		"over 4096 bits");
	refused("index outside",
		"module t(a, y); input [1:0] a; output y;\n"
		"assign y = a[2]; endmodule\n",
		"outside");
	refused("widths",
		"module t(a, y); input [1:0] a; output y;\n"
		"assign y = a; endmodule\n",
		"different widths");
	{
		struct ax_str deep = AX_STR_INIT;

		ax_str_add(&deep, "module t(a, y); input a; output y;\n"
				  "assign y = ");
		for (int i = 0; i < 100000; i++)
			ax_str_add(&deep, "~(");
		refused("deep nesting", deep.buf, "nested over 100 deep");
		ax_str_clear(&deep);
		ax_str_add(&deep, "module t(a, y); input a; output y;\n"
				  "assign y = ");
		for (int i = 0; i < 100000; i++)
			ax_str_add(&deep, "{1{");
		refused("deep braces", deep.buf, "nested over 100 deep");
		ax_str_free(&deep);
	}
}

static void
test_json(void)
{
#define HEAD                                                                   \
	"{\"modules\":{\"t\":{\"ports\":{\"a\":{\"direction\":\"input\","      \
	"\"bits\":[2,3]},\"y\":{\"direction\":\"output\",\"bits\":[4,\"1\"]}}" \
	","
	struct ax_err err = AX_ERR_INIT;
	struct ax_netlist *net, *want;

	net = parse(HEAD "\"cells\":{\"g\":{\"type\":\"$_ANDNOT_\","
			 "\"connections\":{\"A\":[2],\"B\":[3],\"Y\":[4]}}}}}}",
		    NULL, &err);
	want = parse(".model t\n.inputs a[0] a[1]\n.outputs y[0] y[1]\n"
		     ".names a[0] a[1] y[0]\n10 1\n.names y[1]\n1\n",
		     NULL, &err);
	ok(net && want &&
		   ax_netlist_equal(net, want, NULL, NULL, NULL, &err) == 1,
	   "gates of Yosys JSON %s", err.text);
	ax_netlist_free(net);
	net = parse("{\"modules\":{\"FAX1\":{\"attributes\":{\"top\":\"00\","
		    "\"blackbox\":\"01\"},\"ports\":{}},"
		    "\"t\":{\"ports\":{\"a\":{\"direction\":\"input\","
		    "\"bits\":[2,3]},\"y\":{\"direction\":\"output\","
		    "\"bits\":[4,\"1\"]}},\"cells\":{\"g\":{\"type\":"
		    "\"$_ANDNOT_\",\"connections\":{\"A\":[2],\"B\":[3],"
		    "\"Y\":[4]}}}}}}",
		    NULL, &err);
	ok(net && want &&
		   ax_netlist_equal(net, want, NULL, NULL, NULL, &err) == 1,
	   "outlines of cells beside it %s", err.text);
	ax_netlist_free(net);
	refused("a module within",
		"{\"modules\":{\"s\":{},\"t\":{\"attributes\":{\"top\":\"01\"},"
		"\"ports\":{},\"cells\":{\"u\":{\"type\":\"s\"}}}}}",
		"a module within the netlist; run flatten before write_json: "
		"s");
	ax_netlist_free(want);
	warned("an undriven bit reads as 0",
	       HEAD "\"cells\":{},\"netnames\":{\"y\":{\"bits\":[4,\"1\"]}}}}}",
	       "t: net y[0] has no driver and reads as 0\n",
	       ".model t\n.inputs a[0] a[1]\n.outputs y[0] y[1]\n.names y[0]\n"
	       ".names y[1]\n1\n.end\n");
	refused("unknown cell",
		HEAD "\"cells\":{\"g\":{\"type\":\"$dff\",\"connections\":{"
		     "\"Q\":[4]}}}}}}",
		"unknown cell $dff");
	refused("giant bit",
		"{\"modules\":{\"t\":{\"ports\":{\"a\":{"
		"\"direction\":\"input\",\"bits\":[9e9]}}}}}",
		"neither a number");
	refused("broken JSON", "{\"modules\":", "t:1");
	refused("no module", "{\"modules\":{}}", "expected one module");
}

static void
test_real(void)
{
	const char *data = getenv("AXPIPE_DATA");
	static const char *const name[] = {"seed_netlist.txt",
					   "netlist_output_RWCE_0.005.txt"};
	static const int transistors[] = {2678, 2048}, depth[] = {33, 31};

	if (!data || !*data) {
		tap_skip(6, "no AXPIPE_DATA");
		return;
	}
	for (int k = 0; k < 2; k++) {
		char *path = ax_asprintf("%s/circuitsdna/%s", data, name[k]);
		struct ax_err err = AX_ERR_INIT;
		struct ax_netlist *net = NULL;
		struct ax_str out = AX_STR_INIT;
		char *text = NULL;
		size_t len = 0;

		ax_netlist_load(&net, path, AX_NET_AUTO, NULL, NULL, &err);
		ax_read_file(&text, &len, path, 1 << 24, &err);
		if (net && text) {
			ax_netlist_write_txt(&out, net, &err);
			ok(out.len == len && memcmp(out.buf, text, len) == 0,
			   "%s: same bytes again", name[k]);
			is_int(ax_netlist_transistors(net), transistors[k],
			       "transistors");
			is_int(ax_netlist_depth(net), depth[k], "depth");
		} else {
			ok(0, "%s: %s", name[k], err.text);
		}
		ax_str_free(&out);
		free(text);
		free(path);
		ax_netlist_free(net);
	}
}

/* Ports that another format could not tell apart get names of their own, and
 * what no format can say is not written. */
static void
test_names(void)
{
	static const char twice[] = ".model t\n.inputs a b[0] b[2]\n"
				    ".outputs a b[0] o[1] o[3]\n"
				    ".names b[2] o[1]\n1 1\n"
				    ".names a o[3]\n0 1\n.end\n";
	struct ax_str out = AX_STR_INIT;
	struct ax_err err = AX_ERR_INIT;
	struct ax_netlist *net = parse(twice, NULL, &err), *back;
	int (*const write[])(struct ax_str *, const struct ax_netlist *,
			     struct ax_err *) = {ax_netlist_write_verilog,
						 ax_netlist_write_json,
						 ax_netlist_write_txt};

	if (!ok(net != NULL, "outputs that are inputs, gaps: %s", err.text))
		return;
	is_str(net->out[0].name, "a_out", "the output has another name");
	for (size_t i = 0; i < AX_LEN(write); i++) {
		ax_str_clear(&out);
		write[i](&out, net, &err);
		back = parse(out.buf, NULL, &err);
		if (!ok(back != NULL, "writer %zu reads back: %s", i, err.text))
			continue;
		is_int(ax_netlist_equal(net, back, NULL, NULL, NULL, &err), 1,
		       "to the same");
		ok(ax_bus_find(back->out, back->outs, "o[3]") &&
			   ax_bus_find(back->in, back->ins, "b[2]"),
		   "under the same names");
		ax_netlist_free(back);
	}
	ax_netlist_free(net);
	net = ax_netlist_new("t");
	ax_netlist_add_input(net, "a b", 1);
	ax_netlist_add_output(net, "default", 1);
	net->out_ref[0] = 0;
	ax_str_clear(&out);
	is_int(ax_netlist_write_verilog(&out, net, &err), -1, "a blank");
	ok(strstr(err.text, "Verilog cannot say the port name 'a b'") != NULL,
	   "is in no name of Verilog");
	free(net->in[0].name);
	net->in[0].name = ax_strdup("a#b");
	is_int(ax_netlist_write_blif(&out, net, false, &err), -1, "a #");
	ok(strstr(err.text, "BLIF cannot say the port name") != NULL,
	   "begins a comment of BLIF");
	ax_str_clear(&out);
	is_int(ax_netlist_write_verilog(&out, net, &err), 0, "not of Verilog");
	ok(strstr(out.buf, "output [0:0] \\default ;") != NULL,
	   "where keywords are escaped");
	ax_netlist_free(net);
	ax_str_free(&out);
}

int
main(void)
{
	test_names();
	test_round_trips();
	test_txt();
	test_txt_ports();
	test_blif();
	test_verilog();
	test_json();
	test_real();
	return tap_done();
}
