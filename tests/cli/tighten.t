#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# axpipe check --tighten: closer bounds from what past runs measured.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"
cat >m.json <<'EOF2'
{"axpipe": 1, "name": "c", "vars": {"w": 100},
 "stages": {"n": {"stage": "measure", "params": {"w": "${w}"}}},
 "claims": [
  {"value": "n.w", "at_most": 200},
  {"value": "n.w + 0", "at_least": 0},
  {"value": "n.w + 0 + 0", "between": [0, 1000]},
  {"value": "1 * n.w", "equals": 100, "tolerance": "50 %"},
  {"value": "2 * n.w", "at_most": 209},
  {"value": "3 * n.w", "equals": 300, "tolerance": 30},
  {"value": "4 * n.w", "at_most": 10},
  {"value": "n.words", "equals": "x"}]}
EOF2
code "without a run" 0 sh -c '"$AXPIPE" check m.json --tighten; true'
like "nothing can be proposed" "$T/out" "^0 of 7 claims"
for w in 100 104 102; do "$AXPIPE" run m.json -q --set w=$w >/dev/null || fail "run $w"; done
code "after three runs" 4 "$AXPIPE" check m.json --set w=102 --tighten
seen() { grep -A1 -Fx -- "$1" "$T/out" | tail -n 1; }
is "an upper bound comes down to what was seen and its width" "$(seen n.w)" "  claimed <= 200, seen 100 .. 104 in 3 runs, proposed <= 108"
is "a lower one goes up" "$(seen "n.w + 0")" "  claimed >= 0, seen 100 .. 104 in 3 runs, proposed >= 96"
is "an interval shrinks on both sides" "$(seen "n.w + 0 + 0")" "  claimed 0 .. 1000, seen 100 .. 104 in 3 runs, proposed 96 .. 108"
is "so does a tolerance" "$(seen "1 * n.w")" "  claimed 50 .. 150, seen 100 .. 104 in 3 runs, proposed 96 .. 108"
is "a bound that is close stays" "$(grep -c '^2 \* n.w' "$T/out")" 0
is "what fails is not loosened" "$(grep -c '^4 \* n.w' "$T/out")" 0
like "the rest is counted" "$T/out" "^5 of 7 claims with a number could be tighter"
code "only the newest run" 4 "$AXPIPE" check m.json --set w=102 --tighten --runs 1
is "has no width but the margin" "$(seen n.w)" "  claimed <= 200, seen 102 in 1 run, proposed <= 104"
code "a margin of its own" 4 "$AXPIPE" check m.json --set w=102 --tighten --runs 1 --margin 10
is "is kept" "$(seen n.w)" "  claimed <= 200, seen 102 in 1 run, proposed <= 113"
code "JSON" 4 "$AXPIPE" check m.json --set w=102 --tighten --json
ok "says the same" python3 -c 'import json, sys
t = {x["name"]: x for x in json.load(open(sys.argv[1]))}
assert t["n.w"]["proposed_hi"] == 108 and t["n.w"]["proposed_lo"] is None and t["n.w"]["tighter"]
assert t["2 * n.w"]["tighter"] is False and len(t) == 7' "$T/out"
# two claims of one expression have one history
cat >twice.json <<'EOF2'
{"axpipe": 1, "name": "twice", "vars": {"w": 1, "most": 20},
 "stages": {"n": {"stage": "measure", "params": {"w": "${w}"}}},
 "claims": [{"value": "n.w", "at_most": "${most}"}, {"value": "n.w", "at_least": -10}]}
EOF2
for w in 5 7.1 6; do "$AXPIPE" run twice.json -q --set w=$w; done
"$AXPIPE" check twice.json --set w=6 --tighten >"$T/out"
is "two claims of one expression, the first" "$(seen n.w | head -n 1; sed -n 2p "$T/out")" "$(printf '%s\n' "  claimed >= -10, seen 5 .. 7.1 in 3 runs, proposed >= 2.9" "  claimed <= 20, seen 5 .. 7.1 in 3 runs, proposed <= 9.2")"
"$AXPIPE" run twice.json -q --set w=6 --set most=3
"$AXPIPE" diff twice~1 twice >"$T/out"
like "and diff tells of each" "$T/out" '^  n.w: verdict: "holds" -> "fails"$'
code "a bad margin" 2 "$AXPIPE" check m.json --tighten --margin -1
code "no runs" 2 "$AXPIPE" check m.json --tighten --runs 0
done_testing
