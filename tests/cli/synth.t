#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The stage synth: real Yosys and ABC on a small circuit and the osu018 cells.
. "$AXPIPE_SRC/tests/lib/tap.sh"
stage=$AXPIPE_SRC/tests/lib/stage
lib=/usr/share/qflow/tech/osu018/osu018_stdcells.lib

"$stage" eda/goldenbrick "$T/g" width_a=4 width_b=4 >/dev/null 2>&1
golden=$T/g/out/golden.txt
sed 's/parameter N = 8/parameter N = 4/' "$AXPIPE_SRC/manifests/rtl/mult8s.v" >"$T/m.v"
synth() { "$stage" eda/synth "$@"; }
same() { "$stage" eda/gl_sim "$T/s" in:netlist="$T/w/out/netlist.v" in:liberty="$lib" in:golden="$golden"; }
# which cells the netlist has, one line for each instance
placed() { sed -n 's/^  \([A-Z0-9]*X[0-9]\) .*/\1/p' "$T/w/out/netlist.v"; }

code "a 4x4 multiplier" 0 synth "$T/w" in:rtl="$T/m.v" in:liberty="$lib"
for c in INVX1 NAND2X1 XOR2X1; do like "uses $c" "$T/w/out/netlist.v" "$c "; done
is "only the seven cells" "$(placed | grep -vcE '^(INVX1|NAND2X1|AND2X1|OR2X1|XOR2X1|XNOR2X1|NOR2X1)$')" 0
is "no tool version, no path in the netlist" "$(grep -cE 'Yosys|/|src' "$T/w/out/netlist.v")" 0
is "nor in the JSON" "$(grep -cE 'creator|in/rtl|"src"' "$T/w/out/netlist.json")" 0
cells=$(sed -n 's/.*"cell_count": \([0-9]*\).*/\1/p' "$T/w/metrics.json")
is "cell_count is what the netlist has" "$(placed | wc -l | tr -d ' ')" "$cells"
area=$(sed -n 's/.*"area": \([0-9.]*\).*/\1/p' "$T/w/metrics.json")
like "area is what Yosys counts" "$T/w/out/report.txt" "Chip area for module .*: $area\.0"
code "the netlist is right, by generated models" 0 same

digest() { cat "$1/out/netlist.v" "$1/out/netlist.json" "$1/out/report.txt" "$1/metrics.json" | sha256sum; }
synth "$T/elsewhere/deeper" in:rtl="$T/m.v" in:liberty="$lib" >/dev/null 2>&1
is "same bytes in another folder" "$(digest "$T/elsewhere/deeper")" "$(digest "$T/w")"
{
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "// line $i"; done
	sed 's/wire y = /wire y = \/* here *\/ /' "$T/m.v"
} >"$T/c.v"
synth "$T/w2" in:rtl="$T/c.v" in:liberty="$lib" >/dev/null 2>&1
is "comments change nothing" "$(digest "$T/w2")" "$(digest "$T/w")"
mkdir -p "$T/some where"
code "a work folder that ABC cannot name is refused" 3 synth "$T/some where/w" in:rtl="$T/m.v" in:liberty="$lib"

code "only NAND and INV" 0 synth "$T/w" in:rtl="$T/m.v" in:liberty="$lib" 'cells=["NAND2X1","INV*"]' 'objective="transistors"'
is "and nothing else is used" "$(placed | grep -vcE '^(INVX.|NAND2X1)$')" 0
code "they do the same" 0 same
code "Yosys's own recipe, all cells" 0 synth "$T/w" in:rtl="$T/m.v" in:liberty="$lib" 'recipe="yosys"' 'cells=["*"]'
code "it does the same" 0 same
code "the published recipe" 0 synth "$T/w" in:rtl="$T/m.v" in:liberty="$lib" 'recipe="circuitsdna"' \
	'cells=["AND2X1","NAND2X1","OR2X1","XOR2X1","INVX1","INVX8","BUF*"]'
code "it does the same, too" 0 same
code "a script of one's own" 0 synth "$T/w" in:rtl="$T/m.v" in:liberty="$lib" 'recipe="script"' 'script="strash; map -a; topo"'
code "a wrong script fails" 1 synth "$T/w" in:rtl="$T/m.v" in:liberty="$lib" 'recipe="script"' 'script="strash; nosuch"'
code "recipe script without a script" 2 synth "$T/w" in:rtl="$T/m.v" in:liberty="$lib" 'recipe="script"'

cat >"$T/h.v" <<'E'
module part(input [1:0] a, b, output [3:0] o); assign o = a * b; endmodule
module mult(input [3:0] A, B, output [7:0] OUT);
	part l(A[1:0], B[1:0], OUT[3:0]), h(A[3:2], B[3:2], OUT[7:4]);
endmodule
E
code "hierarchy kept" 0 synth "$T/w" in:rtl="$T/h.v" in:liberty="$lib" flatten=false
is "as two modules" "$(grep -c '^module' "$T/w/out/netlist.v")" 2
printf 'module mult(input [3:0] A, B, output [7:0] OUT); assign OUT = {A, 4'"'"'d5}; endmodule\n' >"$T/h.v"
code "wires and constants alone" 0 synth "$T/w" in:rtl="$T/h.v" in:liberty="$lib"
like "cost nothing" "$T/w/metrics.json" '"area": 0'

try() {
	name=$1 want=$2
	cat >"$T/e.v"
	code "$name is refused" 1 synth "$T/w" in:rtl="$T/e.v" in:liberty="$lib"
	like "$name: said how" "$T/err" "$want"
}
try "a latch" 'in/rtl/0:2\..*OUT.* is a latch' <<'E'
module mult(input [3:0] A, B, output reg [7:0] OUT);
	always @* if (A[0]) OUT = A * B;
endmodule
E
try "a flip-flop" 'in/rtl/0:3\..*OUT.* is a flip-flop' <<'E'
module mult(input clk, input [3:0] A, B, output reg [7:0] OUT);

	always @(posedge clk) OUT <= A * B;
endmodule
E
try "a syntax error" 'in/rtl/0:2: ERROR: syntax error' <<'E'
module mult(input [3:0] A, B, output [7:0] OUT);
	asign OUT = A * B;
endmodule
E
try "a loop" 'combinational loop' <<'E'
module mult(input [3:0] A, B, output [7:0] OUT);
	wire x = ~(x & A[0]);
	assign OUT = {A * B, x};
endmodule
E
try "an undriven net" 'has an undriven net' <<'E'
module mult(input [3:0] A, B, output [7:0] OUT);
	assign OUT[6:0] = A * B;
endmodule
E
try "two drivers" 'two drivers' <<'E'
module mult(input [3:0] A, B, output [7:0] OUT);
	assign OUT = A * B;
	assign OUT[0] = B[0];
endmodule
E
try "a missing module" "Module .*part" <<'E'
module mult(input [3:0] A, B, output [7:0] OUT);
	part p(A, B, OUT);
endmodule
E
try "another top" 'parameter top names' <<'E'
module mul(input [3:0] A, B, output [7:0] OUT);
	assign OUT = A * B;
endmodule
E
try "a memory" 'holds 2 elements' <<'E'
module mult(input [3:0] A, B, output [7:0] OUT);
	reg [7:0] m[0:255]; integer i;
	initial for (i = 0; i < 256; i = i + 1) m[i] = i;
	assign OUT = m[{A, B}];
endmodule
E
try "a module without outputs" 'has no output' <<'E'
module mult(input [3:0] A, B);
endmodule
E
try "an inout" 'port A is an inout' <<'E'
module mult(inout [3:0] A, input [3:0] B, output [7:0] OUT); assign OUT = A * B; endmodule
E
try "an include" 'wire every file to the input' <<'E'
`include "part.vh"
module mult(input [3:0] A, B, output [7:0] OUT); assign OUT = A * B; endmodule
E
cat >"$T/h.v" <<'E'
module mult(input [3:0] A, B, output [7:0] OUT);
	assign OUT = {2'b10, A[3], A[3], B[0], 1'b0, A[1] & B[2], 1'b1};
endmodule
E
code "constants and wires between gates" 0 synth "$T/w" in:rtl="$T/h.v" in:liberty="$lib"
is "no concatenation on the left, which OpenSTA could not read" \
	"$(grep -c 'assign *{' "$T/w/out/netlist.v")" 0
code "OpenSTA reads it" 0 "$stage" eda/sta "$T/s" in:netlist="$T/w/out/netlist.v" in:liberty="$lib"
code "cells without an inverter" 1 synth "$T/w" in:rtl="$T/m.v" in:liberty="$lib" 'cells=["AND2X1","OR2X1"]'
like "are refused before ABC dies of them" "$T/err" 'hold no inverter'
code "inverters alone" 1 synth "$T/w" in:rtl="$T/m.v" in:liberty="$lib" 'cells=["INV*"]'
like "likewise" "$T/err" 'hold no AND2'
code "the published recipe without buffers" 1 synth "$T/w" in:rtl="$T/m.v" in:liberty="$lib" 'recipe="circuitsdna"'
like "says what ABC died of" "$T/err" 'buffers among the cells'
code "a script that calls a shell" 2 synth "$T/w" in:rtl="$T/m.v" in:liberty="$lib" 'recipe="script"' 'script="strash; !touch x"'
code "an unknown cell" 1 synth "$T/w" in:rtl="$T/m.v" in:liberty="$lib" 'cells=["NAND2X9"]'
like "with a suggestion" "$T/err" "did you mean 'NAND2X1'"
code "a flip-flop among the cells" 1 synth "$T/w" in:rtl="$T/m.v" in:liberty="$lib" 'cells=["INVX1","DFFPOSX1"]'
echo 'library(x) { cell(a) { area : 1;' >"$T/bad.lib"
code "a broken library" 1 synth "$T/w" in:rtl="$T/m.v" in:liberty="$T/bad.lib"
printf '#!/bin/sh\nsleep 60 & wait\n' >"$T/fake"
chmod +x "$T/fake"
code "a tool that hangs is killed" 1 synth "$T/w" in:rtl="$T/m.v" in:liberty="$lib" tool:yosys="$T/fake" tool_timeout=1
printf '#!/bin/sh\nexit 0\n' >"$T/fake"
code "a tool that leaves nothing" 1 synth "$T/w" in:rtl="$T/m.v" in:liberty="$lib" tool:yosys="$T/fake"
like "is not said to refuse anything" "$T/err" 'Yosys ended without a result'
printf '#!/bin/sh\nkill -SEGV $$\n' >"$T/fake"
code "a tool that crashes" 1 synth "$T/w" in:rtl="$T/m.v" in:liberty="$lib" tool:yosys="$T/fake"
like "is said to have died, and how" "$T/err" 'Yosys died .signal 11'
done_testing
