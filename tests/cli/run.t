#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Running: what runs, what does not, with how many processes and interruptions.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"
base_manifest

code "the first run" 0 "$AXPIPE" run m.json -j2
is "executes everything" "$(summary)" "5 executed, 0 cached, 0 substituted, 0 failed, 0 skipped"
is "the result is what the stages make" "$(show t last text | tr '\n' ' ')" "one two x one two y one two end "
code "the second run" 0 "$AXPIPE" run m.json
is "executes nothing" "$(summary)" "0 executed, 5 cached, 0 substituted, 0 failed, 0 skipped"
is "work folders are gone" "$(ls "$AXPIPE_STORE/work" 2>/dev/null)" ""

# early cutoff
printf 'one\n# another comment\ntwo\n' >a.txt
code "after a change of a comment" 0 "$AXPIPE" run m.json
is "one node runs and the wave stops" "$(summary)" "1 executed, 4 cached, 0 substituted, 0 failed, 0 skipped"
code "with one point of the sweep changed" 0 sh -c 'sed "s/\"x\", \"y\"/\"x\", \"z\"/" m.json >m2.json && "$AXPIPE" run m2.json --json'
is "that point and what follows run" "$(started "$T/out")" "all last second[suffix=z] "

# targets
rm -rf "$AXPIPE_STORE"
code "a target" 0 "$AXPIPE" run m.json 'second[suffix=y]' --json
is "runs what it needs, no more" "$(started "$T/out")" "first second[suffix=y] "
code "an unknown target" 2 "$AXPIPE" run m.json sekond

# events
code "events" 0 "$AXPIPE" run m.json --json --report=report.html
for e in run-started plan node-started node-done run-ended; do
	like "event $e" "$T/out" "\"axpipe_events\":1.*\"event\":\"$e\""
done
ok "every line is JSON, its members are those that docs/events.md names" python3 -c 'import json, re, sys
known = {}
for l in open(sys.argv[2]):
    m = re.match(r"\| `([a-z-]+)` \|(.*)\|", l)
    if m: known[m[1]] = set(re.findall(r"`([a-z_]+)`", m[2].split("|")[0]))
for l in open(sys.argv[1]):
    e = json.loads(l)
    assert e["axpipe_events"] == 1 and e["time"] > 1e9
    extra = set(e) - {"axpipe_events", "time", "event"} - known[e["event"]]
    assert not extra, (e["event"], extra)' "$T/out" "$AXPIPE_SRC/docs/events.md"
code "quiet" 0 "$AXPIPE" run m.json -q
is "says nothing" "$(cat "$T/out")" ""

# --keep-work, the request, the environment
one copy '"suffix": "k"'
code "keeping the work folder" 0 env LC_ALL=xx FOO=bar "$AXPIPE" run one.json --keep-work
w=$AXPIPE_STORE/work/$(key)
like "the request" "$w/request.json" '"inputs":\{"text":\{"path":"in/text","type":"text"\}\}.*"progress_fd":3,"seed":0,"stage":"copy"'
is "inputs are read-only" "$(stat -c %a "$w/in/text")" 444

# folders
mkdir -p d/e && echo 1 >d/x && echo 2 >d/e/y && chmod +x d/e/y
cat >tree.json <<'EOF'
{"axpipe": 1, "name": "tree", "inputs": {"d": {"file": "d"}},
 "stages": {"one": {"stage": "shapes", "in": {"any": "d"}}, "two": {"stage": "shapes", "in": {"any": "one.tree"}}}}
EOF
code "folders go in and out" 0 "$AXPIPE" run tree.json --keep-work
ok "with their files and modes" test -x "$(ls -d "$AXPIPE_STORE"/work/*/out/tree/below/any/below/any/e/y)"
chmod -x d/e/y
code "a changed mode" 0 "$AXPIPE" run tree.json
is "counts" "$(summary)" "2 executed, 0 cached, 0 substituted, 0 failed, 0 skipped"

# pins
d1=$(printf 'pinned\n' | sha256sum | cut -c1-64)
mkdir mirror && printf 'pinned\n' >mirror/any-name
cat >pin.json <<EOF
{"axpipe": 1, "name": "pin", "inputs": {"gone": {"url": "http://127.0.0.1:9/none", "sha256": "$(printf x | sha256sum | cut -c1-64)"}},
 "stages": {"before": {"stage": "copy", "in": {"text": "gone"}},
            "costly": {"stage": "copy", "in": {"text": "before.text"}, "pin": {"text": "$d1"}},
            "after": {"stage": "copy", "in": {"text": "costly.text"}}}}
EOF
code "a pinned output from a mirror" 0 "$AXPIPE" run pin.json --mirror mirror --json
is "runs only what follows" "$(started "$T/out")" "after "
is "with the pinned bytes" "$(show pin after text)" pinned
code "and again" 0 "$AXPIPE" run pin.json
is "as substituted" "$(summary)" "0 executed, 1 cached, 1 substituted, 0 failed, 0 skipped"
sed 's/, "pin": {[^}]*}//; s/"pin"/"nopin"/' pin.json >nopin.json
code "without the pin the address is asked" 3 "$AXPIPE" run nopin.json

# jobs and budgets
cat >wide.json <<'EOF'
{"axpipe": 1, "name": "wide", "inputs": {"a": {"file": "a.txt"}}, "vars": {"cpus": 1, "memory": "16 MiB", "steps": 2},
 "stages": {"s": {"stage": "slow", "in": {"text": "a"}, "matrix": {"p": [1, 2, 3, 4]}, "params": {"steps": "${steps}", "trace": "${p}"},
                  "resources": {"cpus": "${cpus}", "memory": "${memory}"}}}}
EOF
sed -i 's/"trace": "${p}"/"trace": "trace-${p}"/' wide.json
peak() { awk -F'"event":"' '/node-started/ {n++; if (n > m) m = n} /node-done/ {n--} END {print m}' "$1"; }
code "four nodes, -j4" 0 "$AXPIPE" run wide.json -j4 --json
is "run at once" "$(peak "$T/out")" 4
rm -rf "$AXPIPE_STORE"
code "two cpus each, -j4" 0 "$AXPIPE" run wide.json -j4 --json --set cpus=2
is "two at once" "$(peak "$T/out")" 2
rm -rf "$AXPIPE_STORE"
code "more memory than allowed" 0 "$AXPIPE" run wide.json -j4 --json --memory '1 GiB' --set 'memory=2 GiB'
is "one at a time" "$(peak "$T/out")" 1
code "a bad number of jobs" 2 "$AXPIPE" run wide.json -j0

# two processes, one store
rm -rf "$AXPIPE_STORE"
"$AXPIPE" run wide.json -j2 --json >two.1 2>&1 &
one=$!
"$AXPIPE" run wide.json -j2 --json >two.2 2>&1
rc=$?
wait $one
is "two processes at once end well" "$? $rc" "0 0"
is "and run each node once" "$(cat two.1 two.2 | grep -c '"event":"node-started"')" 4

# kill -9 in mid-run
rm -rf "$AXPIPE_STORE"
sed "s|\"steps\": 2|\"steps\": 4|; s|\"trace\": \"trace-|\"trace\": \"$T/w/trace-|" wide.json >kill.json
"$AXPIPE" run kill.json -j4 >/dev/null 2>&1
want=$(git --git-dir="$AXPIPE_STORE/runs.git" show wide:lock.json | grep -o '"text": "[0-9a-f]*"' | sort)
rm -rf "$AXPIPE_STORE" trace-*
setsid "$AXPIPE" run kill.json -j2 >killed 2>&1 &
pid=$!
wait_for trace-1 'step 3' || wait_for trace-3 'step 3'
kill -9 $pid
wait $pid 2>/dev/null
before=$(cat trace-* | wc -l)
code "after kill -9" 0 "$AXPIPE" run kill.json -j4 --json
is "the outputs equal an undisturbed run's" "$(git --git-dir="$AXPIPE_STORE/runs.git" show wide:lock.json | grep -o '"text": "[0-9a-f]*"' | sort)" "$want"
ok "and a resumable stage went on where it was ($before steps before, $(cat trace-* | wc -l) in all)" \
	test "$(cat trace-* | wc -l)" -le 18 -a "$before" -ge 3
like "no step is done over" trace-1 'step 4'

# Ctrl-C
rm -rf "$AXPIPE_STORE" trace-*
"$AXPIPE" run kill.json -j1 >stopped 2>stopped.err &
pid=$!
wait_for trace-1 'step 2' || wait_for trace-2 'step 2'
kill -TERM $pid
wait $pid
is "an interrupt gives 130" $? 130
like "and says what is left" stopped.err 'interrupted; left to do: s\[p=1\], s\[p=2\], s\[p=3\], s\[p=4\]'
is "no record is half" "$(find "$AXPIPE_STORE/ac" -type f | wc -l)" 0
code "and the store is whole" 0 "$AXPIPE" fsck
sleep 0.3
is "nothing runs on" "$(cat trace-* | wc -l)" "$(sleep 0.3; cat trace-* | wc -l)"
done_testing
