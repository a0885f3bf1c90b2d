#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Searches by the area, delay and energy of a cover: the area they report is that
# which the stage map finds, whatever the file format, delays are OpenSTA's and
# energies those of the netlist written; same bytes whatever the threads, SIMD
# level and interruptions; cells of two outputs; clear refusals.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/lib/resume.sh"
stage=$AXPIPE_SRC/tests/lib/stage
run=$AXPIPE_BUILD/stages/circuit/evolve/run
lib=/usr/share/qflow/tech/osu018/osu018_stdcells.lib
if [ ! -f "$lib" ]; then
	echo '1..0 # SKIP no osu018 library (qflow-tech-osu018)'
	exit 0
fi
sums() { (cd "$T/$1" && cat out/* metrics.json | sha256sum); }
map() { # WORK NETLIST
	"$stage" eda/map "$T/$1" in:netlist="$2" in:liberty="$lib" mode='"cover"'
}
evolve() { # WORK params...
	w=$1
	shift
	"$stage" circuit/evolve "$T/$w" in:netlist="$T/start.json" in:liberty="$lib" seed=3 "$@"
}
"$stage" circuit/family "$T/f" family='"dadda"' width_a=5 width_b=5 signed=true >"$T/log" 2>&1 || cat "$T/log"
cp "$T/f/out/netlist.json" "$T/start.json"

code 'by the area of a cover' 0 evolve c wce=0 steps=24000 cost='"area"' cells='"cover"'
code 'the stage map' 0 map m "$T/c/out/netlist.txt"
is 'finds the area that was searched for' "$(metric m area)" "$(metric c area)"
is 'and as many cells' "$(metric m cell_count)" "$(metric c cell_count)"
is 'and proves it' "$(metric m equivalent)" PROVED
code 'of the other format' 0 map m2 "$T/c/out/netlist.json"
is 'the same' "$(metric m2 area)" "$(metric c area)"
like 'the cells are written' "$T/c/out/mapped.v" '^  *FAX1 '
code 'which is a netlist' 0 "$stage" circuit/lut "$T/lut" in:netlist="$T/c/out/mapped.v" in:liberty="$lib"
is 'without errors' "$(metric lut wce)" 0
ok "of that area" holds "$(awk -v lib="$lib" '
	FILENAME == lib && /^ *cell *\(/ { match($0, /[A-Z][A-Z0-9]*/); cell = substr($0, RSTART, RLENGTH) }
	FILENAME == lib && /^ *area *:/ && cell { gsub(/[^0-9.]/, "", $0); area[cell] = $0; cell = "" }
	FILENAME != lib && $1 in area { sum += area[$1] }
	END { print sum + 0 }' "$lib" "$T/c/out/mapped.v") == $(metric c area)"
code 'by the area of gates' 0 evolve g wce=0 steps=24000 cost='"area"'
code 'and map' 0 map mg "$T/g/out/netlist.txt"
ok "come out larger: $(metric c area) of $(metric mg area)" holds "$(metric c area) < $(metric mg area)"
ok 'and write no cells' test ! -e "$T/g/out/mapped.v"
most=$(awk "BEGIN { print int($(metric c area) * 1.1) }")
code 'a bound on that area' 0 evolve b wce=0.02 steps=24000 max_area="$most" cells='"cover"'
ok "is kept: $(metric b area) of $most" holds "$(metric b area) <= $most"
code 'for any function' 0 "$stage" circuit/evolve "$T/n" in:netlist="$T/start.json" in:liberty="$lib" function='"netlist"' wce_abs=0 steps=8000 cost='"area"' cells='"cover"'
code 'and map' 0 map mn "$T/n/out/netlist.json"
is 'the same area' "$(metric mn area)" "$(metric n area)"

# --- transistors
code 'by the transistors of a cover' 0 evolve t wce=0.01 steps=16000 cells='"cover"'
code 'and map' 0 "$stage" eda/map "$T/mt" in:netlist="$T/t/out/netlist.txt" in:liberty="$lib" mode='"cover"' objective='"transistors"'
is 'as many' "$(metric mt transistors)" "$(metric t cost)"
is 'the area is that of the cells, not of the gates' "$(metric t area)" "$(metric mt area)"
ok "fewer than by gates: $(metric t transistors)" holds "$(metric t cost) < $(metric t transistors)"

# --- delays and energies
# by an own computation from the netlist written, to the six digits it prints
cost() { "$AXPIPE_BUILD/tests/bench/cost" "${3-$lib}" "$1" | sed -n "s/.*\"$2\": \([^,}]*\).*/\1/p"; }
near() { holds "($1 - ($2)) ^ 2 <= ($3) ^ 2 && $1 > 0"; }
known() { # WORK: its figures are those of the netlist it wrote
	w=$(cost "$T/$1/out/mapped.v" written_delay)
	ok "the netlist written takes as long: $w ns" near "$(metric "$1" delay)" "$w" 1e-6
	! command -v sta >/dev/null || {
		code 'OpenSTA' 0 "$stage" eda/sta "$T/sta" in:netlist="$T/$1/out/mapped.v" in:liberty="$lib"
		ok "says so too: $(metric sta arrival) ns" near "$(metric "$1" delay)" "$(metric sta arrival)" "2e-5 * $w"
	}
}
slow=$(cost "$T/c/out/mapped.v" written_delay)
most=$(awk "BEGIN { print 0.6 * $slow }")
code "a bound on the delay of the cells, $most of $slow ns" 0 evolve d wce=0 steps=4000 islands=1 cost='"area"' cells='"cover"' max_delay="$most"
ok "is kept: $(metric d delay)" holds "$(metric d delay) <= $most"
known d
code 'and map' 0 map md "$T/d/out/netlist.json"
is 'finds that area' "$(metric md area)" "$(metric d area)"
ok 'and leaves those cells' near "$(cost "$T/md/out/netlist.v" written_delay)" "$(metric d delay)" 1e-6
code 'least delay' 0 evolve dl wce=0.01 steps=4000 islands=1 cost='"delay"' cells='"cover"'
ok "is less: $(metric dl delay)" holds "$(metric dl delay) < $(metric d delay)"
is 'and is the cost' "$(metric dl cost)" "$(metric dl delay)"
known dl
code 'least energy' 0 evolve e wce=0.01 steps=4000 islands=1 cost='"energy"' cells='"cover"'
e=$(metric e energy)
ok "is less than that of the fast one: $e pJ" holds "$e > 0 && $e < $(cost "$T/dl/out/mapped.v" written_energy)"
ok 'and that of the netlist written' near "$e" "$(cost "$T/e/out/mapped.v" written_energy)" 1e-6
known e
most=$(awk "BEGIN { print 1.15 * $e }")
code 'bounds on both' 0 evolve de wce=0.01 steps=4000 islands=1 cells='"cover"' max_energy="$most" max_delay="$(awk "BEGIN { print 0.8 * $slow }")"
ok "are kept: $(metric de energy) of $most pJ, $(metric de delay) ns" holds "$(metric de energy) <= $most && $(metric de delay) <= 0.8 * $slow"
code 'and map by transistors' 0 "$stage" eda/map "$T/mde" in:netlist="$T/de/out/netlist.txt" in:liberty="$lib" mode='"cover"' objective='"transistors"'
is 'as many' "$(metric mde transistors)" "$(metric de cost)"
ok 'spends that' near "$(metric de energy)" "$(cost "$T/mde/out/netlist.v" written_energy)" 1e-6
again one de 's/"cpus":2/"cpus":1/'
(cd "$T/one" && AXPIPE_SIMD=scalar "$run") >"$T/log" 2>&1
is 'one thread without SIMD gives the same bytes' "$(sums one)" "$(sums de)"
printf '{"axpipe_histogram":1,"images":1,"layers":[{"name":"l","k":1,"products":1,"a":{"bits":5,"signed":true,"total":9,"counts":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,8,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0]},"b":{"bits":5,"signed":true,"total":2,"counts":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}}]}' >"$T/h.json"
code 'by the mean error, for operands of a network' 0 evolve q in:histogram="$T/h.json" error='"mae"' error_most=0.01 wce_abs=40 steps=1000 islands=1 cost='"energy"' cells='"cover"'
ok "which are nearly always 0 less is spent: $(metric q energy) pJ" holds "$(metric q energy) < 0.5 * $e"

# --- the same bytes
want=$(sums c)
again one c 's/"cpus":2/"cpus":1/'
(cd "$T/one" && "$run") >"$T/log" 2>&1
is 'one thread gives the same bytes' "$(sums one)" "$want"
for level in scalar avx2; do
	again simd c ''
	(cd "$T/simd" && AXPIPE_SIMD=$level "$run") >"$T/log" 2>&1
	is "$level gives the same bytes" "$(sums simd)" "$want"
done
again long de 's/"steps":4000/"steps":60000/'
(cd "$T/long" && "$run") >"$T/log" 2>&1
kill_resume resumed long
again other g ''
mkdir "$T/other/checkpoint"
cp "$T/state" "$T/other/checkpoint/state"
(cd "$T/other" && "$run") >"$T/log" 2>&1
like 'a checkpoint of other cells is not this one' "$T/log" 'is of other inputs or parameters'

# --- fronts
code 'a front by mean error' 0 "$stage" circuit/front "$T/front" in:liberty="$lib" a_bits=4 b_bits=4 steps=4000 bounds='[0, 1]' cost='"area"' cells='"cover"' points=4
first=$(find "$T/front/out/front/circuits" -name '*.json' | sort | head -n 1)
code 'of circuits that map' 0 map mf "$first"
is 'whose cells are written' "$(ls "$T/front/out/front/circuits/" | grep -c 'cells[.]v$')" "$(ls "$T/front/out/front/circuits/" | grep -c 'json$')"
code 'and are a netlist' 0 "$stage" circuit/lut "$T/flut" in:netlist="${first%json}cells.v" in:liberty="$lib"
ok "finds as large: $(metric mf area)" grep -q ",$(metric mf area)," "$T/front/out/front.csv"
code 'a front of energies with a bound on the delay' 0 "$stage" circuit/front "$T/fe" in:liberty="$lib" a_bits=4 b_bits=4 steps=2000 bounds='[0, 1]' cost='"energy"' cells='"cover"' max_delay=1.5 points=4
rows=0 wrong=0
while IFS=, read -r id delay energy; do
	net=$T/fe/out/front/circuits/$id.cells.v
	rows=$((rows + 1))
	near "$energy" "$(cost "$net" written_energy)" 2e-6 && near "$delay" "$(cost "$net" written_delay)" 2e-6 && holds "$delay <= 1.5" || wrong=$((wrong + 1))
done <<END
$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i } NR > 1 { print $c["id"] "," $c["delay"] "," $c["energy"] }' "$T/fe/out/front.csv")
END
ok "has $rows circuits" test "$rows" -ge 2
is 'of which none has other figures than its cells' "$wrong" 0

# --- refusals
code 'a bound out of reach' 1 evolve bad wce=0 steps=1000 cost='"area"' max_area=1
is 'no figure is told that was not asked for' "$(grep -c 'the nearest has .* area [0-9.]*\. Raise' "$T/out" "$T/err" 2>/dev/null | grep -c ':1')" 1
code 'a delay out of reach' 1 evolve bad wce=0 steps=1000 cells='"cover"' max_delay=0.1
like 'is told with the nearest' "$T/err" 'the nearest has .* delay [0-9.]* ns'
sed '/^ *cell *(AOI21X1)/,/^ *cell *(/ s/cell_rise/cell_wrong/' "$lib" >"$T/bad.lib"
code 'a larger cell without delays' 1 "$stage" circuit/evolve "$T/bad" in:netlist="$T/start.json" in:liberty="$T/bad.lib" cost='"delay"' cells='"cover"'
like 'is named' "$T/err" 'AOI21X1 has no delay table.*stage liberty can leave it out'
code 'which areas do not need' 0 "$stage" circuit/evolve "$T/bad" in:netlist="$T/start.json" in:liberty="$T/bad.lib" steps=200 islands=1 cost='"area"' cells='"cover"'
code 'costs of gates' 2 evolve bad costs='{"NOR": 3}' cells='"cover"'
like 'mean nothing' "$T/err" 'they are of gates'
code 'as for the published search' 2 evolve bad algorithm='"circuitsdna"' cells='"cover"'
like 'which knows none' "$T/err" 'knows transistors alone'
code 'no library' 2 "$stage" circuit/evolve "$T/bad" in:netlist="$T/start.json" cost='"area"' cells='"cover"'
like 'is said' "$T/err" 'wire the input liberty'
done_testing
