#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The stage lut, run by hand in a work folder.
. "$AXPIPE_SRC/tests/lib/tap.sh"
run="$AXPIPE_BUILD/stages/circuit/lut/run"
iverilog=$(command -v iverilog) vvp=$(command -v vvp)

# lut INPUTS PARAMS: INPUTS is a list of name=file, PARAMS the members to change
lut() {
	rm -rf "$T/w"
	mkdir -p "$T/w/out" "$T/w/in" "$T/w/tmp"
	inputs=
	for pair in $1; do
		cp "${pair#*=}" "$T/w/in/${pair%%=*}"
		inputs="$inputs${inputs:+,}\"${pair%%=*}\":{\"path\":\"in/${pair%%=*}\",\"type\":\"any\"}"
	done
	cat >"$T/w/request.json" <<EOF
{"axpipe":1,"stage":"lut","params":{"op":"mul","signed":${2:-true},"a":null,"b":null,"out":null,"crosscheck":${3:-false}},"inputs":{$inputs},
"outputs":{"csv":{"path":"out/lut.csv"},"npy":{"path":"out/lut.npy"},"histogram":{"path":"out/histogram.csv"}},"seed":0,"cpus":${4:-1},
"tools":{"iverilog":"$iverilog","vvp":"$vvp"}}
EOF
	(cd "$T/w" && "$run")
}

# a 1 x 1 unsigned product that is wrong at 1 x 1
cat >"$T/zero.blif" <<'EOF'
.model zero
.inputs A[0] B[0]
.outputs OUT[0] OUT[1]
.names A[0] B[0] OUT[0]
00 1
.names OUT[1]
.end
EOF
ok "a tiny netlist, cross-checked" lut "netlist=$T/zero.blif" false true
is "its table" "$(tr '\n' ' ' <"$T/w/out/lut.csv")" "A,B,OUT 0,0,1 0,1,0 1,0,0 1,1,0 "
is "its histogram" "$(tr '\n' ' ' <"$T/w/out/histogram.csv")" "error,count -1,1 0,2 1,1 "
like "Icarus agrees" "$T/w/metrics.json" '"crosscheck": "equal"'
like "transistors" "$T/w/metrics.json" '"transistors": 4'
cp "$T/w/out/lut.csv" "$T/zero.csv"
cp "$T/w/out/lut.npy" "$T/zero.npy"
ok "the table as input" lut "table=$T/zero.csv" false
is "comes out the same" "$(cat "$T/w/out/lut.csv")" "$(cat "$T/zero.csv")"
ok "and as .npy, with itself as reference" lut "table=$T/zero.npy reference=$T/zero.csv" false
like "is exact then" "$T/w/metrics.json" '"wrong": 0'
: >"$T/empty"
code "an empty netlist" 1 lut "netlist=$T/empty"
like "is called empty" "$T/err" 'in/netlist: the file is empty'
gzip -c "$T/zero.blif" >"$T/zero.gz"
code "a compressed netlist" 1 lut "netlist=$T/zero.gz"
like "is told so" "$T/err" 'compressed by gzip'
gzip -c "$T/zero.csv" >"$T/zero.gz"
code "a compressed table" 1 lut "table=$T/zero.gz"
like "likewise" "$T/err" 'compressed by gzip'
printf 'module mult(input [3:0] A, input [3:0] B, output [7:0] OUT);\n assign OUT = A * B;\nendmodule\n' >"$T/rtl.v"
code "RTL where a netlist is wanted" 1 lut "netlist=$T/rtl.v"
like "is told to be synthesised" "$T/err" 'in/netlist:2: .*synthesise the design first; found'
printf 'module m(A, B, OUT); input A; input B; output OUT; AND2X1 u(.A(A), .Y(OUT)); endmodule\n' >"$T/rtl.v"
code "a pin left open" 1 lut "netlist=$T/rtl.v"
like "is named" "$T/err" 'input B of cell AND2X1 is not connected'
# under operand histograms: errors 1 at 0 x 0 and -1 at 1 x 1, shares 1/4 3/4 and 1/2 1/2, K = 4
hist() {
	printf '{"axpipe_histogram":1,"images":1,"layers":[{"name":"fc","k":4,"products":9,"a":{"bits":1,"signed":%s,"total":4,"counts":[%s]},"b":{"bits":1,"signed":false,"total":2,"counts":[1,1]}}]}' "$1" "$2" >"$T/hist"
}
hist false 1,3
ok "a table under a histogram" lut "table=$T/zero.csv histogram=$T/hist" false
like "mae 1/4 1/2 + 3/4 1/2" "$T/w/metrics.json" '"mae": 0.5,'
# mean -1/4; E[e|a] = 1/2, -1/2: variance 3/16; Var(e|b) = 3/16 twice; the product has mean 3/8, variance 15/64
tr -d ' \n' <"$T/w/metrics.json" >"$T/flat"
like "all its figures" "$T/flat" '"operands":[{]"mae":0.5,"bias":-0.25,"mse":0.5,"noise":0.8[0-9]*,"coherent":1.78885438[0-9]*,"at_zero":0.5'
like "layer by layer" "$T/flat" '"operand_layers":.*"name":"fc"'
hist false 1,4
code "a histogram that does not add up" 2 lut "table=$T/zero.csv histogram=$T/hist" false
like "names the file and both sums" "$T/err" 'in/histogram:1:.* add up to 5, but "total" is 4'
hist true 1,3
code "a histogram of another sign" 1 lut "table=$T/zero.csv histogram=$T/hist" false
like "names the layer" "$T/err" "activation of layer 'fc' has 1 bits signed"
code "no input at all" 2 lut ""
like "says so" "$T/err" 'neither'

printf '.model l\n.inputs A B\n.outputs OUT\n.names A x OUT\n11 1\n.names OUT B x\n11 1\n.end\n' >"$T/loop.blif"
code "a loop fails the stage" 1 lut "netlist=$T/loop.blif" false
like "and is named" "$T/err" 'loop.*OUT <- x <- OUT|loop.*x <- OUT <- x'
printf 'module m(A, B, OUT); input A, B; output OUT; WEIRD g(.A(A), .B(B), .Y(OUT)); endmodule\n' >"$T/cell.v"
code "an unknown cell fails the stage" 1 lut "netlist=$T/cell.v" false
like "and is named" "$T/err" 'unknown cell WEIRD'
printf 'module m(A, B, OUT); input A, B; output [1:0] OUT; wire w; OR2X1 g(.A(A), .B(w), .Y(OUT[0])); endmodule\n' >"$T/undriven.v"
code "undriven nets read as 0" 0 lut "netlist=$T/undriven.v" false
like "and are named" "$T/err" 'net w has no driver and reads as 0'
is "its table" "$(tr '\n' ' ' <"$T/w/out/lut.csv")" "A,B,OUT 0,0,0 0,1,0 1,0,1 1,1,1 "
printf 'A,B,OUT\n0,0,0\n0,1\n' >"$T/bad.csv"
code "a broken table" 1 lut "table=$T/bad.csv" false
like "names file and line" "$T/err" 'in/table:3'

data=${AXPIPE_DATA:+$AXPIPE_DATA/circuitsdna}
if [ -n "$data" ] && [ -d "$data" ]; then
	for e in 0.001 0.002 0.005 0.01 0.02 0.05 0.1 0.2; do
		lut "netlist=$data/netlist_output_RWCE_$e.txt" true false 2 >/dev/null 2>&1
		gzip -dc "$data/extracted_truth_table_RWCE_$e.csv.gz" >"$T/published.csv"
		if [ $e = 0.001 ]; then
			gzip -dc "$data/extracted_truth_table_RWCE_0.01.csv.gz" | cmp -s - "$T/published.csv" &&
				! cmp -s "$T/w/out/lut.csv" "$T/published.csv" &&
				pass "0.001: the published table is that of 0.01, ours is not" || fail "0.001"
		else
			ok "$e: the bytes of the published table" cmp "$T/w/out/lut.csv" "$T/published.csv"
		fi
	done
	lut "netlist=$data/netlist_output_RWCE_0.1.txt" true true 1 >/dev/null 2>&1
	like "Icarus agrees on 65536 pairs" "$T/w/metrics.json" '"crosscheck": "equal"'
	lut "netlist=$data/netlist_output_RWCE_0.005.txt" true false 1 >/dev/null 2>&1
	cp "$T/w/out/lut.npy" "$T/one.npy"
	cp "$T/w/metrics.json" "$T/one.json"
	for level in scalar avx2 avx512; do
		AXPIPE_SIMD=$level lut "netlist=$data/netlist_output_RWCE_0.005.txt" true false 2 >/dev/null 2>&1
		ok "$level, 2 threads: same table" cmp "$T/w/out/lut.npy" "$T/one.npy"
		ok "$level, 2 threads: same metrics" cmp "$T/w/metrics.json" "$T/one.json"
	done
	gzip -dc "$data/extracted_truth_table_RWCE_0.005.csv.gz" >"$T/published.csv"
	ok "a published table as input" lut "table=$T/published.csv" true
	like "has the known WCE" "$T/w/metrics.json" '"wce": 81,'
else
	skip "published tables" "no AXPIPE_DATA"
fi
done_testing
