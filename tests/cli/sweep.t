#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The sweep for a cluster, looked at without running it.
. "$AXPIPE_SRC/tests/lib/tap.sh"
m=$AXPIPE_SRC/manifests/circuitsdna/sweep.json
if [ ! -e /usr/share/qflow/tech/osu018/osu018_stdcells.lib ]; then
	skip "the plan of the sweep" "qflow-tech-osu018 is not installed"
	done_testing
fi
code "the plan of the sweep, without network" 0 "$AXPIPE" plan "$m" --offline --json
cp "$T/out" "$T/plan"
for e in evolve map map_sta lut swap finetune; do
	is "$e: eight bounds times three seeds" "$(grep -c "\"node\": \"$e\[seed=202[567],wce=0\.[0-9]*\]\"" "$T/plan")" 24
done
is "and what they share, once" "$(grep '"node": ' "$T/plan" | grep -vc '\[')" 8
is "152 nodes in all" "$(grep -c '"node": ' "$T/plan")" 152
is "all of it is to do" "$(sed -n 's/^  "\(dirty\|maybe\|cached\)": \([0-9]*\),*/\1 \2/p' "$T/plan" | sort | awk '{n += $2} END {print n}')" 152
is "the first can start at once" "$(grep -c '"state": "dirty"' "$T/plan")" "$(grep -c '"why": "new: it never ran"' "$T/plan")"
code "one point of it" 0 "$AXPIPE" plan "$m" 'finetune[seed=2026,wce=0.05]' --offline
is "needs its own chain and no other" "$(grep -c '\[seed=2026,wce=0.05\]:' "$T/out") $(grep '^[a-z]' "$T/out" | grep -c '\[')" "4 4"
code "another budget is another sweep" 0 "$AXPIPE" plan "$m" --offline --set steps=1000 --set epochs=1
done_testing
