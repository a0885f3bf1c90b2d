#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The stage gl_sim: mapped netlists with the library's models and generated ones.
. "$AXPIPE_SRC/tests/lib/tap.sh"
stage=$AXPIPE_SRC/tests/lib/stage
osu=/usr/share/qflow/tech/osu018
lib=$osu/osu018_stdcells.lib models=$osu/osu018_stdcells.v

"$stage" eda/goldenbrick "$T/g" width_a=2 width_b=2 signed=false >/dev/null 2>&1
golden=$T/g/out/golden.txt
cat >"$T/good.v" <<'E'
module mult(A, B, OUT);
	input [1:0] A, B;
	output [3:0] OUT;
	wire x, y, z, c, k, n;
	AND2X1 u0(.A(A[0]), .B(B[0]), .Y(OUT[0]));
	AND2X2 u1(.A(A[1]), .B(B[0]), .Y(x));
	NAND2X1 u2(.A(A[0]), .B(B[1]), .Y(y));
	INVX1 u3(.A(y), .Y(z));
	AND2X1 u4(.A(A[1]), .B(B[1]), .Y(c));
	XOR2X1 u5(.A(x), .B(z), .Y(OUT[1]));
	NAND2X1 u6(.A(x), .B(z), .Y(n));
	INVX1 u7(.A(n), .Y(k));
	XOR2X1 u8(.A(c), .B(k), .Y(OUT[2]));
	AND2X1 u9(.A(c), .B(k), .Y(OUT[3]));
endmodule
E
cp "$T/good.v" "$T/n.v"
gl() { "$stage" eda/gl_sim "$T/w" in:netlist="$T/n.v" "$@"; }
code "the library's own models" 0 gl in:models="$models" in:golden="$golden"
like "sixteen patterns" "$T/w/metrics.json" '"patterns": 16'
ok "answers as the reference" cmp "$T/w/out/results.txt" "$golden"
code "generated models" 0 gl in:liberty="$lib" in:golden="$golden"
code "against a truth table" 0 gl in:liberty="$lib" in:lut="$T/g/out/golden.npy" signed=false width_out=4
code "a table too wide for the result" 1 gl in:liberty="$lib" in:lut="$T/g/out/golden.npy" signed=false width_out=3
like "says so" "$T/err" 'no unsigned number of 3 bits'
code "no reference: answers alone" 0 gl in:liberty="$lib" signed=false width_a=2 width_b=2 width_out=4
ok "they are right, and in order" cmp "$T/w/out/results.txt" "$golden"
like "and not judged" "$T/w/metrics.json" '"mismatches": null'
code "no models at all" 2 gl in:golden="$golden"
code "two references" 2 gl in:liberty="$lib" in:golden="$golden" in:lut="$T/g/out/golden.npy"

sed 's/XOR2X1 u8/XNOR2X1 u8/' "$T/good.v" >"$T/n.v"
code "one wrong gate is found" 1 gl in:liberty="$lib" in:golden="$golden"
like "on all patterns" "$T/err" '16 of 16 patterns'
is "ten of them are listed" "$(grep -c ' expected ' "$T/err")" 10
sed 's/INVX1 u7/INVX9 u7/' "$T/good.v" >"$T/n.v"
code "an unknown cell" 1 gl in:liberty="$lib" in:golden="$golden"
like "is named" "$T/err" 'INVX9'
sed 's/\.A(n)/.Q(n)/' "$T/good.v" >"$T/n.v"
code "an unknown pin" 1 gl in:models="$models" in:golden="$golden"
sed '/INVX1 u7/d' "$T/good.v" >"$T/n.v"
code "an undriven net shows as x" 1 gl in:models="$models" in:golden="$golden"
like "in the result" "$T/err" 'got [01]*[xz]'

cp "$T/good.v" "$T/n.v"
cat >"$T/ifnone.v" <<'E'
`timescale 1ns/1ps
module XOR2X1(input A, B, output Y);
`ifdef FUNCTIONAL
	xor (Y, A, B);
`else
	assign Y = 1'bx;
`endif
	specify
		if (A === 1'b1) (B => Y) = (0.1, 0.2);
		ifnone (B => Y) = (0.1, 0.2);
		(A => Y) = (0.1, 0.2);
	endspecify
endmodule
E
sed '/^module XOR2X1/,/^endmodule/d' "$models" >"$T/rest.v"
code "two files of models, a define, ifnone" 0 gl in:models="$T/ifnone.v" in:models="$T/rest.v" in:golden="$golden" 'defines=["FUNCTIONAL"]'
code "the same without the define" 1 gl in:models="$T/ifnone.v" in:models="$T/rest.v" in:golden="$golden"

if [ -n "$AXPIPE_DATA" ]; then
	gzip -dc "$AXPIPE_DATA/gf180/"*.lib.gz >"$T/gf.lib"
	gzip -dc "$AXPIPE_DATA/circuitsdna/extracted_truth_table_RWCE_0.2.csv.gz" >"$T/t.csv"
	"$stage" eda/map "$T/m" in:netlist="$AXPIPE_DATA/circuitsdna/netlist_output_RWCE_0.2.txt" in:liberty="$T/gf.lib" >/dev/null 2>&1
	cp "$T/m/out/netlist.v" "$T/n.v"
	code "published netlist against published table, GF180" 0 gl in:liberty="$T/gf.lib" in:lut="$T/t.csv"
	like "all patterns" "$T/w/metrics.json" '"patterns": 65536'
else
	skip "published netlist against published table" "no AXPIPE_DATA"
fi
done_testing
