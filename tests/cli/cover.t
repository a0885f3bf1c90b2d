#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The stage map in mode cover: gates merged into cells of up to three inputs and
# into adders, proven equal by the stage and, through Yosys, by a table.
. "$AXPIPE_SRC/tests/lib/tap.sh"
stage=$AXPIPE_SRC/tests/lib/stage
lib=/usr/share/qflow/tech/osu018/osu018_stdcells.lib
if [ ! -f "$lib" ] || ! command -v yosys >/dev/null; then
	echo '1..0 # SKIP no osu018 library (qflow-tech-osu018) or no yosys'
	exit 0
fi
map() { # WORK NETLIST params...
	w=$1 n=$2
	shift 2
	"$stage" eda/map "$T/$w" in:netlist="$n" in:liberty="$lib" "$@"
}
# The table that Yosys makes of a mapped netlist, and that of the input.
through_yosys() { # WORK NETLIST
	"$stage" eda/liberty "$T/models" in:library="$lib" >"$T/log" 2>&1 || return 1
	yosys -q -p "read_verilog $T/models/out/models.v $T/$1/out/netlist.v; hierarchy -check -top mult; proc; flatten; opt_clean; techmap; abc -g AND,XOR; opt_clean; write_blif $T/y.blif" >"$T/log" 2>&1 || return 1
	"$stage" circuit/lut "$T/a" in:netlist="$T/y.blif" >"$T/log" 2>&1 || return 1
	"$stage" circuit/lut "$T/b" in:netlist="$2" >"$T/log" 2>&1 || return 1
	cmp "$T/a/out/lut.npy" "$T/b/out/lut.npy"
}
"$stage" circuit/family "$T/f" family='"dadda"' width_a=4 width_b=4 signed=true >"$T/log" 2>&1 || cat "$T/log"
net=$T/f/out/netlist.json
[ -f "$net" ] || net=$(ls "$T"/f/out/*.json | head -n 1)
code 'gate for gate' 0 map d "$net"
code 'as a cover' 0 map c "$net" mode='"cover"'
is 'proven on all patterns' "$(metric c equivalent) by $(metric c method)" 'PROVED by all patterns'
ok "smaller: $(metric c area) of $(metric d area)" holds "$(metric c area) < $(metric d area)"
like 'with full adders' "$T/c/out/netlist.v" '^  *FAX1 '
ok 'Yosys reads it, to the same table' through_yosys c "$net"
code 'for transistors' 0 map t "$net" mode='"cover"' objective='"transistors"'
ok "which are no more: $(metric t transistors) of $(metric d transistors)" holds "$(metric t transistors) <= $(metric d transistors)"
code 'with some cells' 0 map s "$net" mode='"cover"' cells='["INVX1", "NAND2X1", "AND2X1", "XOR2X1", "XNOR2X1", "OR2X1", "NOR2X1", "HAX1"]'
ok 'no others are used' sh -c '! grep -E "FAX1|AOI|OAI|MUX" "$1"' - "$T/s/out/netlist.v"
printf '.model h\n.inputs a b\n.outputs s c\n.names a b s\n10 1\n01 1\n.names a b c\n11 1\n.end\n' >"$T/h.blif"
code 'a half adder' 0 map h "$T/h.blif" mode='"cover"'
like 'is one cell' "$T/h/out/netlist.v" '^  *HAX1 '
is 'and no other' "$(metric h cell_count)" 1
code 'without an inverter' 1 map w "$net" mode='"cover"' cells='["NAND2X1"]'
like 'is refused' "$T/err" 'no inverter'
code 'without what is needed' 1 map w "$net" mode='"cover"' cells='["INVX1", "AOI21X1"]'
like 'is refused too' "$T/err" 'have none for'

# Wires, constants, a gate of one signal twice, an adder by its tables.
cat >"$T/n.blif" <<'END'
.model n
.inputs a b c
.outputs w one zero same x y carry sum
.names a w
1 1
.names one
1
.names zero
.names a a same
11 1
.names b c x
11 0
.names x y
1 1
.names a b c carry
11- 1
1-1 1
-11 1
.names a b c sum
100 1
010 1
001 1
111 1
.end
END
code 'wires and constants' 0 map o "$T/n.blif" mode='"cover"'
is 'are kept' "$(metric o equivalent)" PROVED

if [ -n "$AXPIPE_DATA" ] && [ -d "$AXPIPE_DATA/gf180" ]; then
	gzip -dc "$AXPIPE_DATA/gf180/"*.lib.gz >"$T/gf.lib"
	lib=$T/gf.lib
	for f in seed_netlist netlist_output_RWCE_0.005 netlist_output_RWCE_0.2; do
		net=$AXPIPE_DATA/circuitsdna/$f.txt
		map d "$net" >"$T/log" 2>&1
		map c "$net" mode='"cover"' >"$T/log" 2>&1
		is "$f is proven" "$(metric c equivalent)" PROVED
		ok "$f: a twelfth smaller, $(metric c area) of $(metric d area) um2" holds "$(metric c area) <= $(metric d area) * 11 / 12"
	done
else
	skip 'published netlists on GF180' 'no AXPIPE_DATA'
fi
done_testing
