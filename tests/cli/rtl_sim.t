#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The stage rtl_sim: RTL against a reference, in real Icarus Verilog.
. "$AXPIPE_SRC/tests/lib/tap.sh"
stage=$AXPIPE_SRC/tests/lib/stage

"$stage" eda/goldenbrick "$T/g" >/dev/null 2>&1
golden=$T/g/out/golden.txt
"$stage" eda/goldenbrick "$T/g4" width_a=4 width_b=3 signed=false >/dev/null 2>&1
is "reference of 8x8 signed" "$(sha256sum <"$golden")" \
	"e6b3fe02431a03fa7b0ee26d164815f99b7b5d1c9aeb0e80cb5503fc7c42a0c9  -"

rtl=$AXPIPE_SRC/manifests/rtl/mult8s.v
code "the shipped multiplier is right" 0 "$stage" eda/rtl_sim "$T/w" in:rtl="$rtl" in:golden="$golden"
ok "its answers are the reference" cmp "$T/w/out/results.txt" "$golden"
like "all patterns counted" "$T/w/metrics.json" '"patterns": 65536'
like "no mismatch counted" "$T/w/metrics.json" '"mismatches": 0'
ok "no dump unless asked" test ! -e "$T/w/out/waves.vcd"

cat >"$T/m.v" <<'E'
module mult(input [7:0] A, input [7:0] B, output [15:0] OUT);
	assign OUT = A * B;
endmodule
E
code "an unsigned product fails" 1 "$stage" eda/rtl_sim "$T/w" in:rtl="$T/m.v" in:golden="$golden"
is "ten differences are shown" "$(grep -c ' expected ' "$T/err")" 10
like "with operands, expected and got" "$T/err" \
	'A = 10000000 \(-128\) B = 10000001 \(-127\) expected 0011111110000000 \(16256\) got 0100000010000000 \(16512\)'
like "and how many there are" "$T/err" '[0-9]+ of 65536 patterns'

cat >"$T/x.v" <<'E'
module mult(input [7:0] A, input [7:0] B, output [15:0] OUT);
	assign OUT = A == 3 ? 16'sbx : $signed(A) * $signed(B);
endmodule
E
code "an unknown value fails" 1 "$stage" eda/rtl_sim "$T/w" in:rtl="$T/x.v" in:golden="$golden"
like "and is counted" "$T/err" '256 of 65536'
like "and shown as x" "$T/err" 'got xxxxxxxxxxxxxxxx$'

cat >"$T/s.v" <<'E'
module mult(input [7:0] A, input [7:0] B, output [15:0] OUT);
	assign OUT = $signed(A) * * $signed(B));
endmodule
E
code "a syntax error fails" 1 "$stage" eda/rtl_sim "$T/w" in:rtl="$T/s.v" in:golden="$golden"
like "naming file and line" "$T/err" 'in/rtl/0:2: '

sed 's/OUT/P/g' "$T/m.v" >"$T/p.v"
code "a missing port fails" 1 "$stage" eda/rtl_sim "$T/w" in:rtl="$T/p.v" in:golden="$golden"
like "naming the port" "$T/err" "OUT.* is not a port"
sed 's/\[7:0\] B/[6:0] B/' "$T/m.v" >"$T/p.v"
code "a narrow port fails" 1 "$stage" eda/rtl_sim "$T/w" in:rtl="$T/p.v" in:golden="$golden"
like "naming the widths" "$T/err" 'A 8, B 8, OUT 16 bits are wanted'
cat >"$T/p.v" <<'E'
module mult(input clk, input [7:0] A, B, output reg [15:0] OUT);
	always @(posedge clk) OUT <= A * B;
endmodule
E
code "a clock is refused" 1 "$stage" eda/rtl_sim "$T/w" in:rtl="$T/p.v" in:golden="$golden"
like "and explained" "$T/err" 'must be combinational'
code "an unknown top fails" 1 "$stage" eda/rtl_sim "$T/w" in:rtl="$T/m.v" in:golden="$golden" 'top="mul"'
like "and is explained too" "$T/err" 'in none of the files'
code "a top that is no identifier is a usage error" 2 "$stage" eda/rtl_sim "$T/w" in:rtl="$T/m.v" \
	in:golden="$golden" 'top="m; $finish"'

cat >"$T/a.v" <<'E'
`ifdef GOOD
module top4(input [3:0] x, input [2:0] y, output [6:0] z);
	half #(.N(4)) h(x, y, z);
endmodule
`endif
E
cat >"$T/b.v" <<'E'
module half #(parameter N = 1) (input [N-1:0] x, input [2:0] y, output [6:0] z);
	assign z = x * y;
endmodule
E
two() {
	"$stage" eda/rtl_sim "$1" in:rtl="$T/a.v" in:rtl="$T/b.v" in:golden="$T/g4/out/golden.txt" \
		'top="top4"' 'a="x"' 'b="y"' 'out="z"' 'defines=["GOOD"]' vcd=true
}
code "two files, other ports and widths, a define, a dump" 0 two "$T/w"
like "128 patterns" "$T/w/metrics.json" '"patterns": 128'
sleep 1
two "$T/elsewhere" >/dev/null 2>&1
ok "the dump has no date" cmp "$T/elsewhere/out/waves.vcd" "$T/w/out/waves.vcd"
ok "the results are the same elsewhere" cmp "$T/elsewhere/out/results.txt" "$T/w/out/results.txt"

head -n 3 "$golden" >"$T/g.txt"
echo "A = 1 B = 2" >>"$T/g.txt"
code "a damaged reference fails" 1 "$stage" eda/rtl_sim "$T/w" in:rtl="$T/m.v" in:golden="$T/g.txt"
like "naming its line" "$T/err" 'in/golden:4: '
: >"$T/g.txt"
code "an empty reference fails" 1 "$stage" eda/rtl_sim "$T/w" in:rtl="$T/m.v" in:golden="$T/g.txt"
printf 'module mult(input [7:0] A, B, output [15:0] OUT); initial $finish; endmodule\n' >"$T/p.v"
code "a circuit that stops the simulation fails" 1 "$stage" eda/rtl_sim "$T/w" in:rtl="$T/p.v" in:golden="$golden"
like "and it is said" "$T/err" 'before the last pattern'

cat >"$T/p.v" <<'E'
module mult(input [3:0] A, input [2:0] B, output [6:0] OUT);
	assign OUT = A * B;
	always @(A or B) $display("error: %d %d done 3", A, B);
endmodule
E
code "what the circuit displays does not matter" 0 "$stage" eda/rtl_sim "$T/w" in:rtl="$T/p.v" in:golden="$T/g4/out/golden.txt"
sed 's/always.*/integer f; initial begin f = $fopen("out\/results.txt", "w"); $fwrite(f, "x"); end/' "$T/p.v" >"$T/f.v"
code "a circuit that writes the results itself fails" 1 "$stage" eda/rtl_sim "$T/w" in:rtl="$T/f.v" in:golden="$T/g4/out/golden.txt"
sed 's/always.*/initial forever ;/' "$T/p.v" >"$T/f.v"
code "an endless loop is killed" 1 "$stage" eda/rtl_sim "$T/w" in:rtl="$T/f.v" in:golden="$T/g4/out/golden.txt" tool_timeout=2
printf '`include "part.vh"\n' | cat - "$T/p.v" >"$T/f.v"
code "an include that is not there" 1 "$stage" eda/rtl_sim "$T/w" in:rtl="$T/f.v" in:golden="$T/g4/out/golden.txt"
like "is explained" "$T/err" 'Wire every file'
printf '#!/bin/sh\nsleep 60 & wait\n' >"$T/hang"
chmod +x "$T/hang"
code "a tool that hangs is killed" 1 "$stage" eda/rtl_sim "$T/w" in:rtl="$T/m.v" in:golden="$golden" \
	tool:vvp="$T/hang" tool_timeout=1
like "and it is said, too" "$T/err" 'still running after 1 s, killed'
code "a tool that is not there is the environment's fault" 3 "$stage" eda/rtl_sim "$T/w" in:rtl="$T/m.v" \
	in:golden="$golden" tool:iverilog="$T/nothing"
done_testing
