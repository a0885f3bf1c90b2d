#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What convert and family write is the circuit for other programs too: Yosys
# reads each format back, Icarus Verilog simulates what it read on all operands,
# and the result is the table of stage lut, constants and bare wires included.
. "$AXPIPE_SRC/tests/lib/tap.sh"
for tool in yosys iverilog; do
	if ! command -v $tool >/dev/null 2>&1; then
		skip "formats" "$tool is not installed"
		done_testing
	fi
done
stage() { "$AXPIPE_SRC/tests/lib/stage" "$@"; }

# through FORMAT FILE: the table after Yosys has read the file
through() {
	case $1 in
	v) read="read_verilog $2" ;;
	blif) read="read_blif -wideports $2" ;;
	json) read="read_json $2" ;;
	esac
	yosys -q -p "$read; hierarchy -auto-top; flatten; check -assert; rename -top dut; write_verilog -noattr $T/dut.v" >"$T/yosys.log" 2>&1 || {
		cat "$T/yosys.log"
		return 1
	}
	iverilog -g2012 -o "$T/tb.vvp" "$T/tb.v" "$T/dut.v" && vvp -n "$T/tb.vvp" >"$T/seen.csv" && cmp "$T/seen.csv" "$T/table.csv"
}
# shown NAME NETLIST WIDTH OUT_BITS: every format of a netlist of unsigned operands
shown() {
	ok "$1: convert" stage circuit/convert "$T/c" in:netlist="$2"
	ok "$1: its table" stage circuit/lut "$T/l" in:netlist="$2" signed=false
	cp "$T/l/out/lut.csv" "$T/table.csv"
	cat >"$T/tb.v" <<-V
	module tb;
		reg [$(($3 - 1)):0] a, b;
		wire [$(($4 - 1)):0] out;
		integer i, k;
		dut dut(.A(a), .B(b), .OUT(out));
		initial begin
			\$display("A,B,OUT");
			for (i = 0; i < $((1 << $3)); i = i + 1)
				for (k = 0; k < $((1 << $3)); k = k + 1) begin
					a = i; b = k; #1;
					\$display("%0d,%0d,%0d", a, b, out);
				end
			\$finish;
		end
	endmodule
	V
	cp -R "$T/c" "$T/first"
	for f in v blif json; do
		ok "$1: Yosys reads the $f" through $f "$T/first/out/netlist.$f"
	done
	ok "$1: from the dump" stage circuit/convert "$T/c" in:netlist="$T/first/out/netlist.txt"
	ok "$1: it is the same" through v "$T/c/out/netlist.v"
	ok "$1: the dump of the dump" cmp "$T/c/out/netlist.txt" "$T/first/out/netlist.txt"
	chmod -R u+w "$T/first" && rm -rf "$T/first"
}

cat >"$T/bare.blif" <<'EOB'
.model bare
.inputs A[0] A[1] A[2] B[0] B[1] B[2]
.outputs OUT[0] OUT[1] OUT[2] OUT[3] OUT[4] OUT[5]
.names A[1] OUT[0]
1 1
.names B[2] OUT[1]
0 1
.names OUT[2]
1
.names A[0] B[0] OUT[3]
.names A[0] A[1] A[2] B[0] OUT[4]
11-- 0
--1- 0
.names A[1] OUT[5]
1 1
.end
EOB
shown "wires and constants" "$T/bare.blif" 3 6
stage circuit/family "$T/w" 'family="truncated"' k=3 'constant="half"' width_a=4 width_b=4 signed=false >/dev/null 2>&1
cp "$T/w/out/netlist.json" "$T/cut.json"
shown "a truncated multiplier" "$T/cut.json" 4 8

# netlists as Yosys writes them, with its own gates and with operators
printf 'module mult(input [3:0] A, B, output [7:0] OUT);\n assign OUT = A * B + (A > B);\nendmodule\n' >"$T/rtl.v"
yosys -q -p "read_verilog $T/rtl.v; synth -flatten; write_verilog -noexpr $T/cells.v; write_verilog $T/exprs.v
	write_blif $T/names.blif; write_blif -icells $T/gates.blif; write_json $T/gates.json
	abc -g AND,NAND,OR,NOR,XOR,XNOR,MUX,AOI3,OAI4; write_verilog -noexpr $T/mapped.v; write_blif -icells $T/mapped.blif" >"$T/yosys.log" 2>&1 ||
	cat "$T/yosys.log"
ok "what Yosys makes of RTL" stage circuit/lut "$T/l" in:netlist="$T/gates.json" signed=false
cp "$T/l/out/lut.csv" "$T/want.csv"
is "is that function" "$(tail -n 3 "$T/want.csv" | head -n 1)" "15,13,196"
for f in cells.v exprs.v names.blif gates.blif mapped.v mapped.blif; do
	stage circuit/lut "$T/l" in:netlist="$T/$f" signed=false >"$T/log" 2>&1 || cat "$T/log"
	ok "$f has the same table" cmp "$T/l/out/lut.csv" "$T/want.csv"
done

if [ -n "$AXPIPE_DATA" ] && [ -d "$AXPIPE_DATA/tram" ]; then
	for pair in OPACT1:OPACT1.txt mul8u_0AB:mul8u_0AB.txt resnet18_w8a8_lbd0.3:resnet18_w8a8_lbd0.3.lut.txt; do
		n=${pair%%:*}
		stage circuit/lut "$T/l" in:netlist="$AXPIPE_DATA/tram/$n.blif" signed=false >"$T/log" 2>&1
		grep -E '^[0-9]+ [0-9]+ [0-9]+$' "$AXPIPE_DATA/tram/${pair#*:}" | tr ' ' , >"$T/want.csv"
		ok "TRAM's $n: its published table" sh -c "sed 1d '$T/l/out/lut.csv' | cmp - '$T/want.csv'"
	done
else
	skip "TRAM's netlists" "no AXPIPE_DATA"
fi
if [ -n "$AXPIPE_DATA" ] && [ -d "$AXPIPE_DATA/evoapprox/examples" ]; then
	for f in "$AXPIPE_DATA"/evoapprox/examples/*.blif; do
		n=$(basename "$f" .blif)
		case $n in mul8s*) sign=true ;; *) sign=false ;; esac
		stage circuit/lut "$T/l" in:netlist="$f" signed=$sign >"$T/log" 2>&1 || cat "$T/log"
		ok "$n: its published table" sh -c "gzip -dc '${f%.blif}.csv.gz' | cmp - '$T/l/out/lut.csv'"
	done
else
	skip "EvoApproxLib's netlists" "no AXPIPE_DATA"
fi
done_testing
