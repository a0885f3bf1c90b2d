#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The chain from RTL to a trained network, with the real tools, on a 4x4
# multiplier: what is promised of any run holds for this one.
. "$AXPIPE_SRC/tests/lib/tap.sh"
LIB=/usr/share/qflow/tech/osu018/osu018_stdcells.lib
if [ ! -e "$LIB" ]; then
	skip "the chain" "no $LIB (Debian package qflow-tech-osu018)"
	done_testing
fi
mkdir "$T/p" && cd "$T/p" || exit 1
cat >mult.v <<'V'
module mult(input signed [3:0] A, input signed [3:0] B, output signed [7:0] OUT);
	assign OUT = A * B;
endmodule
V
cat >chain.json <<J
{
  "axpipe": 1, "name": "chain",
  "inputs": {"rtl": {"file": "mult.v"}, "lib": {"file": "$LIB"}},
  "stages": {
    "golden": {"stage": "goldenbrick", "params": {"width_a": 4, "width_b": 4}},
    "rtl_sim": {"stage": "rtl_sim", "in": {"rtl": "rtl", "golden": "golden.golden"}},
    "cells": {"stage": "liberty", "in": {"library": "lib"},
              "params": {"keep": ["INVX1", "NAND2X1", "NOR2X1", "AND2X1", "OR2X1", "XOR2X1", "XNOR2X1"]}},
    "synth": {"stage": "synth", "in": {"rtl": "rtl", "liberty": "cells.liberty"}},
    "gl_sim": {"stage": "gl_sim", "in": {"netlist": "synth.netlist", "models": "cells.verilog", "golden": "golden.golden"}},
    "sta": {"stage": "sta", "in": {"netlist": "synth.netlist", "liberty": "cells.liberty"}},
    "evolve": {"stage": "evolve", "in": {"netlist": "synth.netlist", "liberty": "cells.liberty"},
               "matrix": {"wce": [0.05, 0.2]}, "params": {"steps": 20000}},
    "map": {"stage": "map", "in": {"netlist": "evolve.netlist", "liberty": "cells.liberty"}},
    "lut": {"stage": "lut", "in": {"netlist": "map.netlist", "liberty": "cells.liberty"}, "params": {"crosscheck": true}}
  },
  "figures": [{"name": "area", "series": [{"label": "evolved", "x": "coord(wce)", "y": "map.area"}]}],
  "claims": [
    {"value": "rtl_sim.mismatches", "equals": 0},
    {"value": "gl_sim.mismatches", "equals": 0},
    {"value": "lut.rwce - coord(wce)", "at_most": 0},
    {"value": "map.area / synth.area", "at_most": 1}
  ]
}
J
names() { sed -n 's/^\[[0-9/]*\] \([^ ]*\) done .*/\1/p' "$1" | sort; }

code "plan" 0 "$AXPIPE" plan chain.json
sed -n 's/^\([a-z][^ ]*\): .*/\1/p' "$T/out" | sort >"$T/planned"
code "the chain runs" 0 "$AXPIPE" run chain.json --report=report.html
names "$T/out" >"$T/ran"
is "plan listed exactly what ran" "$(cat "$T/planned")" "$(cat "$T/ran")"
is "12 nodes ran" "$(wc -l <"$T/ran" | tr -d ' ')" 12
like "it says where the report is" "$T/out" '^report: report.html$'
like "and that the claims hold" "$T/out" '^claims: 6 hold, 0 fail, 0 missing'
code "plan after it" 0 "$AXPIPE" plan chain.json
like "has nothing to run" "$T/out" '^0 to run'
code "a second run" 0 "$AXPIPE" run chain.json
like "executes nothing" "$T/out" '^0 executed, 12 cached'

sed -i '1i // a comment' mult.v
code "after an edit of a comment in the RTL" 0 "$AXPIPE" run chain.json
is "synthesis and simulation run, and nothing else" "$(names "$T/out" | tr '\n' ' ')" "rtl_sim synth "

# claims in every form
code "check --json" 0 "$AXPIPE" check chain.json --json
like "counts" "$T/out" '"holds": 6'
"$AXPIPE" check chain.json --tap >"$T/claims.tap"
ok "check --tap satisfies prove" prove -e cat "$T/claims.tap"
code "check --junit" 0 "$AXPIPE" check chain.json --junit
like "is a test suite" "$T/out" '<testsuite name="chain" tests="6" failures="0" errors="0">'
sed 's/"at_most": 1}/"at_most": 0.1}/' chain.json >broken.json
code "a claim that does not hold" 4 "$AXPIPE" check broken.json
like "is named" "$T/out" 'map.area / synth.area\[wce=0.05\] .*fails'

# the report stands alone
ok "the report has its figure and the graph" sh -c 'test "$(grep -c "<svg" report.html)" -ge 3'
ok "the report loads nothing from outside" sh -c '! grep -Eo "(src|href)=\"[^\"#]+" report.html | grep -v "\"data:"'
ok "the report is below 2 MB" test "$(wc -c <report.html)" -lt 2000000
ok "the figure lies beside it" test -s area.svg -a -s area.csv
# killed in mid-run: what is left gives the same bytes
digests() { git --git-dir="$1/runs.git" show chain:lock.json | sed 's/"started.*"outputs"/"outputs"/; s/"key": "[0-9a-f]*"//'; }
"$AXPIPE" run chain.json --store "$T/killed" >"$T/out" 2>&1 &
pid=$!
i=0
while [ $i -lt 200 ] && ! grep -q 'synth done' "$T/out"; do sleep 0.05; i=$((i + 1)); done
kill -9 $pid 2>/dev/null
wait $pid 2>/dev/null
done_before=$(grep -c ' done in ' "$T/out")
code "a run after kill -9" 0 "$AXPIPE" run chain.json --store "$T/killed"
is "runs only what was not finished" "$(names "$T/out" | wc -l | tr -d ' ')" "$((12 - done_before))"
is "and ends with the digests of an undisturbed run" "$(digests "$T/killed")" "$(digests "$AXPIPE_STORE")"

# provenance is plain git
ok "git reads the runs" git --git-dir="$AXPIPE_STORE/runs.git" log --oneline chain
is "three runs were recorded" "$(git --git-dir="$AXPIPE_STORE/runs.git" rev-list --count chain)" 3
git --git-dir="$AXPIPE_STORE/runs.git" show chain:manifest.json >resolved.json
code "the recorded manifest can be run again" 0 "$AXPIPE" plan resolved.json
like "and has nothing left to do" "$T/out" '^0 to run'

# a wrong multiplier is caught where it goes wrong
sed -i 's/A \* B/A * B + (A == 3)/' mult.v
code "a wrong multiplier" 1 "$AXPIPE" run chain.json
like "fails in simulation" "$T/out" 'rtl_sim FAILED'
done_testing
