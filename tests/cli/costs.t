#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Area, delay and energy in the searches: the same figures as OpenSTA's, bounds
# that hold, the same bytes whatever the threads and SIMD level, refusals.
. "$AXPIPE_SRC/tests/lib/tap.sh"
stage=$AXPIPE_SRC/tests/lib/stage
lib=/usr/share/qflow/tech/osu018/osu018_stdcells.lib
if [ ! -f "$lib" ] || ! command -v sta >/dev/null; then
	echo '1..0 # SKIP no osu018 library (qflow-tech-osu018) or no sta (opensta)'
	exit 0
fi
sums() { (cd "$T/$1" && cat out/* metrics.json | sha256sum); }
# sta NETLIST LIBRARY: maps and times it; leaves $T/map and $T/sta
sta() {
	"$stage" eda/map "$T/map" in:netlist="$1" in:liberty="$2" >"$T/log" 2>&1 &&
		"$stage" eda/sta "$T/sta" in:netlist="$T/map/out/netlist.v" in:liberty="$2" >>"$T/log" 2>&1 ||
		cat "$T/log"
}
own() { "$AXPIPE_BUILD/tests/bench/cost" "$1" "$2" | sed -n "s/.*\"$3\": \([^,}]*\).*/\1/p"; }
# as OpenSTA has it, to 20 ppm: it computes in single precision
agrees() { # NAME NETLIST LIBRARY
	sta "$2" "$3"
	ours=$(own "$3" "$2" delay)
	ok "$1: arrival $(metric sta arrival) ns, here $ours" holds "$ours > 0 && ($ours - $(metric sta arrival)) ^ 2 <= (2e-5 * $ours) ^ 2"
	ok "$1: area" holds "($(own "$3" "$2" area) - $(metric map area)) ^ 2 <= 1e-4"
}
# OpenSTA's switching power, all cells' outputs toggling once in a second
charge() { # NETLIST LIBRARY
	sta "$1" "$2"
	cat >"$T/p.tcl" <<END
read_liberty $2
read_verilog $T/map/out/netlist.v
link_design mult
create_clock -name clk -period 10
set_load 0.01 [all_outputs]
set_power_activity -global -activity 1 -duty 0.5
puts "@ [lindex [sta::design_power [sta::cmd_corner]] 1]"
END
	command sta -no_init -no_splash -exit "$T/p.tcl" 2>&1 | sed -n 's/^@ //p'
}

# A signed 4x4 multiplier to play with.
"$stage" circuit/family "$T/f" family='"dadda"' width_a=4 width_b=4 signed=true >"$T/log" 2>&1 || cat "$T/log"
net=$(ls "$T"/f/out/*.json | head -n 1)
[ -f "$net" ] || cat "$T/log"
agrees 'a Dadda tree in osu018' "$net" "$lib"

# --- bounds
evolve() { # WORK params...
	w=$1
	shift
	"$stage" circuit/evolve "$T/$w" in:netlist="$net" in:liberty="$lib" wce_abs=6 steps=24000 "$@"
}
code 'without bounds' 0 evolve free cost='"area"'
like 'it reports its area' "$T/free/metrics.json" '"area": [0-9.]+'
d=$(own "$lib" "$T/free/out/netlist.txt" delay)
most=$(awk "BEGIN { print 0.8 * $d }")
code "with a bound on the delay" 0 evolve fast cost='"area"' max_delay="$most"
ok "it is kept: $(metric fast delay) of $most ns, unbounded $d" holds "$(metric fast delay) <= $most"
sta "$T/fast/out/netlist.txt" "$lib"
ok "by OpenSTA too: $(metric sta arrival)" holds "$(metric sta arrival) <= $most + 1e-4"
is 'the area is that of the stage map' "$(metric fast area)" "$(metric map area)"
rm -rf "$T/one"
mkdir -p "$T/one/out" "$T/one/tmp"
cp -r "$T/fast/in" "$T/one/in"
sed 's/"cpus":2/"cpus":1/' "$T/fast/request.json" >"$T/one/request.json"
(cd "$T/one" && "$AXPIPE_BUILD/stages/circuit/evolve/run") >"$T/log" 2>&1
is 'one thread gives the same bytes' "$(sums one)" "$(sums fast)"
code 'and without SIMD' 0 env AXPIPE_SIMD=scalar "$stage" circuit/evolve "$T/scalar" in:netlist="$net" in:liberty="$lib" wce_abs=6 steps=24000 cost='"area"' max_delay="$most"
is 'the same bytes without SIMD' "$(sums scalar)" "$(sums fast)"
code 'least delay' 0 evolve least cost='"delay"'
ok "is less: $(metric least delay) ns" holds "$(metric least delay) < 0.9 * $d"
is 'and is the cost' "$(metric least cost)" "$(metric least delay)"
code 'least energy' 0 evolve energy cost='"energy"'
e=$(metric energy energy)
ok "is less than that of the fast one: $e pJ" holds "$e > 0 && $e < $(own "$lib" "$T/least/out/netlist.txt" energy)"
most=$(awk "BEGIN { print 1.25 * $e }")
code 'a bound on the energy' 0 evolve frugal max_energy="$most"
ok "is kept: $(metric frugal energy) of $most pJ" holds "$(metric frugal energy) <= $most"
printf '{"axpipe_histogram":1,"images":1,"layers":[{"name":"l","k":1,"products":1,"a":{"bits":4,"signed":true,"total":9,"counts":[0,0,0,0,0,0,0,0,8,1,0,0,0,0,0,0]},"b":{"bits":4,"signed":true,"total":2,"counts":[0,0,0,0,0,0,0,0,1,1,0,0,0,0,0,0]}}]}' >"$T/h.json"
code 'operands of a network' 0 evolve quiet cost='"energy"' in:histogram="$T/h.json"
ok "which are nearly always 0 spend less: $(metric quiet energy) pJ" holds "$(metric quiet energy) < 0.5 * $e"

# --- the stage front
front() { # WORK params...
	w=$1
	shift
	"$stage" circuit/front "$T/$w" a_bits=4 b_bits=4 in:liberty="$lib" steps=6000 islands=2 "$@"
}
code 'a front of delays' 0 front fd error='"wce"' bounds='[2, 6]' cost='"delay"'
ns=$(tr -d '\n ' <"$T/fd/metrics.json" | sed -n 's/.*"cost_within":{"0":\([^,}]*\).*/\1/p')
ok "whose cost is in ns: $ns" holds "$ns > 0.1 && $ns < 5"
code 'one of mean errors with a bound on the delay' 0 front fb error='"mae"' bounds='[1]' max_delay=1
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "delay") c = i }
	NR > 1 && (!c || $c > 1) { bad = 1 } END { exit bad || NR < 2 }' "$T/fb/out/front.csv"
is 'every circuit keeps it' "$?" 0
code 'energies' 0 front fe error='"mae"' bounds='[1]' cost='"energy"'
like 'stand in the table' "$T/fe/out/front.csv" ',energy$'

# --- refusals
code 'delays want a library' 2 "$stage" circuit/evolve "$T/w" in:netlist="$net" wce_abs=6 max_delay=1
like 'and say so' "$T/err" 'wire the input liberty'
code 'no circuit is that fast' 1 evolve w max_delay=0.06
like 'and the nearest is named' "$T/err" 'no circuit was found that keeps the bounds.*delay'
code 'costs stand for transistors' 2 evolve w cost='"area"' costs='{"INV": 1}'
code 'the published algorithm knows no delay' 2 evolve w algorithm='"circuitsdna"' max_delay=1
sed 's/cell_rise/cell_wrong/' "$lib" >"$T/bad.lib"
code 'a library without tables' 1 "$stage" circuit/evolve "$T/w" in:netlist="$net" in:liberty="$T/bad.lib" wce_abs=6 max_delay=1
like 'is told so' "$T/err" 'no delay table'

# --- the published circuits
if [ -z "$AXPIPE_DATA" ] || [ ! -d "$AXPIPE_DATA/gf180" ]; then
	skip 'published circuits in GF180' 'no AXPIPE_DATA'
	done_testing
	exit
fi
gzip -dc "$AXPIPE_DATA"/gf180/*.lib.gz >"$T/all.lib"
"$stage" eda/liberty "$T/l" in:library="$T/all.lib" keep='["*__inv_1", "*__nand2_1", "*__nor2_1", "*__and2_1", "*__or2_1", "*__xor2_1", "*__xnor2_1"]' >"$T/log" 2>&1 || cat "$T/log"
gf=$T/l/out/library.lib
for n in seed_netlist netlist_output_RWCE_0.001 netlist_output_RWCE_0.002 netlist_output_RWCE_0.005 netlist_output_RWCE_0.01 \
	netlist_output_RWCE_0.02 netlist_output_RWCE_0.05 netlist_output_RWCE_0.1 netlist_output_RWCE_0.2; do
	agrees "$n" "$AXPIPE_DATA/circuitsdna/$n.txt" "$gf"
done
net=$AXPIPE_DATA/circuitsdna/netlist_output_RWCE_0.05.txt
c=$(charge "$net" "$gf")
o=$(own "$gf" "$net" charge)
# digits count: sta 2.0.17 has its own idea of a toggle's rate
ok "charge of its nets: $o pJ, OpenSTA $c W" holds "$c > 0 && (x = log($o / $c) / log(10)) > 0 && (d = x - int(x + 0.5)) < 1e-5 && d > -1e-5"
done_testing
