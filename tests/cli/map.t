#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The stage map: gate for gate and by ABC, proven equal.
. "$AXPIPE_SRC/tests/lib/tap.sh"
stage=$AXPIPE_SRC/tests/lib/stage
lib=/usr/share/qflow/tech/osu018/osu018_stdcells.lib

map() { "$stage" eda/map "$T/w" in:liberty="$lib" "$@"; }
placed() { sed -n 's/^  \([A-Z0-9]*X[0-9]\) .*/\1/p' "$T/w/out/netlist.v"; }
cat >"$T/n.txt" <<'E'
# Netlist
INPUT n0
INPUT n1
INPUT n2
INPUT n3

v0_0 = NAND(n0, n2)

v1_0 = INV(v0_0)

v2_0 = XOR(n1, v1_0)

v3_0 = AND(n3, v2_0)

v4_0 = OR(n0, n3)

v5_0 = XNOR(v4_0, v3_0)

OUT0 = v1_0
OUT1 = v3_0
OUT2 = n1
OUT3 = v5_0
E
code "gate for gate" 0 map in:netlist="$T/n.txt"
is "transistors" "$(metric w transistors)" 38
is "as before" "$(metric w transistors_before)" 38
is "area" "$(metric w area)" 216
is "a NAND" "$(metric w NAND2X1)" 1
is "levels" "$(metric w depth)" 5
is "proven" "$(metric w equivalent) by $(metric w method)" "PROVED by all patterns"
ok "the dump comes back byte for byte" cmp "$T/w/out/netlist.txt" "$T/n.txt"
like "ports are A, B, OUT" "$T/w/out/netlist.v" '^module mult\(A, B, OUT\);'
for form in v blif; do
	cp "$T/w/out/netlist.$form" "$T/again.$form"
done
code "its BLIF is an input, too" 0 map in:netlist="$T/again.blif"
is "of the same cost" "$(metric w transistors)" 38
code "and its Verilog" 0 map in:netlist="$T/again.v"
ok "which gives itself" cmp "$T/w/out/netlist.v" "$T/again.v"
digest() { cat "$1/out/"* "$1/metrics.json" | sha256sum; }
"$stage" eda/map "$T/other/w" in:netlist="$T/again.v" in:liberty="$lib" >/dev/null 2>&1
is "same bytes in another folder" "$(digest "$T/other/w")" "$(digest "$T/w")"

code "by ABC" 0 map in:netlist="$T/n.txt" 'mode="abc"' 'objective="transistors"'
ok "not larger" test "$(metric w transistors)" -le 38
is "proven as well" "$(metric w equivalent)" PROVED
"$stage" eda/map "$T/other/w" in:netlist="$T/n.txt" in:liberty="$lib" 'mode="abc"' 'objective="transistors"' >/dev/null 2>&1
is "same bytes in another folder, too" "$(digest "$T/other/w")" "$(digest "$T/w")"
code "for few levels" 0 map in:netlist="$T/n.txt" 'mode="abc"' 'objective="depth"'
ok "not deeper" test "$(metric w depth)" -le 5
code "by ABC with two cells" 0 map in:netlist="$T/n.txt" 'mode="abc"' 'cells=["NOR2X1","INVX1"]'
is "and no others" "$(placed | grep -vcE '^(NOR2X1|INVX1)$')" 0
like "the dump says so" "$T/w/out/netlist.txt" '= NOR\('
code "a cell that is missing" 1 map in:netlist="$T/n.txt" 'cells=["NAND2X1","INVX1"]'
like "is named" "$T/err" 'none for (XOR|AND|OR|XNOR)'

cat >"$T/c.blif" <<'E'
.model c
.inputs a b
.outputs k l m w
.names k
1
.names l
.names a b m
0- 1
-0 1
.names a w
1 1
.end
E
code "cells without an inverter" 1 map in:netlist="$T/n.txt" 'mode="abc"' 'cells=["NAND2X1"]'
like "are refused before ABC dies of them" "$T/err" 'hold no inverter'
code "constants and wires" 0 map in:netlist="$T/c.blif"
like "are assigns" "$T/w/out/netlist.v" "= 1'h1;"
is "they cost nothing" "$(metric w area)" 24
code "by ABC as well" 0 map in:netlist="$T/c.blif" 'mode="abc"'
is "nothing, too" "$(metric w area)" 24
code "no tie cells in this library" 1 map in:netlist="$T/c.blif" ties=true
printf '%s\n' '.model x' '.inputs a' '.outputs o' '.names p a o' '11 1' '.names o a p' '11 1' '.end' >"$T/l.blif"
code "a loop" 1 map in:netlist="$T/l.blif"
like "is found" "$T/err" 'loop'
sed 's/XOR2X1/FOO2X1/' "$T/again.v" >"$T/u.v"
code "an unknown cell" 1 map in:netlist="$T/u.v"
like "is named with its line" "$T/err" ':[0-9]+:.*FOO2X1'
printf '#!/bin/sh\nsleep 60 & wait\n' >"$T/fake"
chmod +x "$T/fake"
code "ABC that hangs is killed" 1 map in:netlist="$T/n.txt" 'mode="abc"' tool:abc="$T/fake" tool_timeout=1
printf '#!/bin/sh\nexit 0\n' >"$T/fake"
code "ABC that leaves nothing" 1 map in:netlist="$T/n.txt" 'mode="abc"' tool:abc="$T/fake"
cat >"$T/fake" <<'E'
#!/bin/sh
yosys-abc "$@"
# worse than useless: nothing but the first gate's first input comes out
sed -i 's/^\.gate .*Y=/.gate INVX1 A=A[0] Y=/' tmp/abc_out.blif
E
code "a wrong result is refuted" 1 map in:netlist="$T/n.txt" 'mode="abc"' 'objective="transistors"' tool:abc="$T/fake"
like "with a counterexample" "$T/err" 'differs from the input in output bit'

# 24 inputs: cec decides
awk 'BEGIN {
	print ".model wide"; printf ".inputs"
	for (i = 0; i < 24; i++) printf " i%d", i
	print "\n.outputs o\n.names i0 i1 t1\n10 1\n01 1"
	for (i = 2; i < 24; i++)
		printf ".names t%d i%d t%d\n%s\n", i - 1, i, i, i % 2 ? "11 1" : "10 1\n01 1"
	print ".names t23 o\n1 1\n.end"
}' >"$T/w.blif"
code "24 inputs" 0 map in:netlist="$T/w.blif" 'mode="abc"'
is "are proven by cec" "$(metric w equivalent) by $(metric w method)" "PROVED by cec"
sed -i 's/A=A\[0\]/A=i0/' "$T/fake"
code "a wrong result is refuted by cec" 1 map in:netlist="$T/w.blif" 'mode="abc"' 'objective="transistors"' tool:abc="$T/fake"
like "and it says so" "$T/err" 'cec says REFUTED'

if [ -n "$AXPIPE_DATA" ]; then
	gzip -dc "$AXPIPE_DATA/gf180/"*.lib.gz >"$T/gf.lib"
	lib=$T/gf.lib
	while read -r f t gates area depth counts; do
		map in:netlist="$AXPIPE_DATA/circuitsdna/$f.txt" >/dev/null 2>&1
		is "$f" "$(metric w transistors) $(metric w cell_count) $(metric w area) $(metric w depth) $(metric w NAND)/$(metric w XOR)/$(metric w OR)/$(metric w INV)/$(metric w AND)" \
			"$t $gates $area $depth $counts"
		ok "$f: the dump comes back" cmp "$T/w/out/netlist.txt" "$AXPIPE_DATA/circuitsdna/$f.txt"
	done <<'E'
seed_netlist 2678 518 9694.944 33 279/89/60/57/33
netlist_output_RWCE_0.001 2420 470 8766.3744 33 254/81/55/54/26
netlist_output_RWCE_0.005 2048 400 7439.8464 31 212/67/50/49/22
netlist_output_RWCE_0.02 1724 327 6240.3264 31 167/60/44/36/20
netlist_output_RWCE_0.1 994 189 3652.1856 24 78/38/26/34/13
E
	map in:netlist="$AXPIPE_DATA/circuitsdna/netlist_output_RWCE_0.1.txt" 'mode="abc"' 'objective="transistors"' >/dev/null 2>&1
	ok "ABC takes a tenth off the 0.1 netlist" test "$(metric w transistors)" -le 895
	code "tie cells where the library has them" 0 map in:netlist="$T/c.blif" ties=true
	like "are placed" "$T/w/out/netlist.v" '__tieh '
else
	skip "published netlists on GF180" "no AXPIPE_DATA"
fi
done_testing
