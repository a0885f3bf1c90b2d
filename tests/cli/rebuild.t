#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The rebuild check: everything is compared, every difference named, both sides
# kept.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"
base_manifest
code "a check of what never ran" 4 "$AXPIPE" check m.json --rebuild
like "is no pass" "$T/err" '5 of 5 nodes have nothing in the store to compare with; run them first'
"$AXPIPE" run m.json -q
code "what comes out the same" 0 "$AXPIPE" check m.json --rebuild
like "is said of each node" "$T/out" '^second\[suffix=x\]: same, 2 files, 1 time$'
is "of all" "$(summary)" "5 same, 0 differ, 0 declared non-deterministic and differ, 0 failed, 0 not in the store"
is "and leaves nothing" "$(find "$AXPIPE_STORE/rebuild" -mindepth 1 2>/dev/null)" ""
code "one node, three rounds" 0 "$AXPIPE" check m.json 'second[suffix=*]' --rebuild --rounds 3
is "runs those alone" "$(grep -c '3 times$' "$T/out") $(grep -c ': same' "$T/out")" "2 2"
code "rounds of what" 2 "$AXPIPE" check m.json --rounds 2
code "no rounds" 2 "$AXPIPE" check m.json --rebuild --rounds 0

# a stage that lies about being deterministic
mkdir "$T/stages/fickle"
cat >"$T/stages/fickle/stage.json" <<'EOF'
{"name": "fickle", "version": 1, "summary": "Not what it says.",
 "inputs": {"text": {"type": "text"}},
 "outputs": {"one": {"type": "text", "file": "one.txt"}, "many": {"type": "folder", "file": "many", "tree": true},
  "still": {"type": "text", "file": "still.txt"}, "maybe": {"type": "text", "file": "maybe.txt", "optional": true}}}
EOF
cat >"$T/stages/fickle/run" <<EOF
#!/bin/sh
echo >>"$T/count"; n=\$(grep -c '' "$T/count") # two at once count on
printf 'abcde%sz' "\$n" >out/one.txt
echo same >out/still.txt
echo same >out/many/same
echo x >"out/many/only-\$n"
printf '0%s' "\$n" >out/many/two
[ "\$n" -lt 2 ] || echo late >out/maybe.txt
echo "{\"n\": \$n, \"same\": 1}" >metrics.json
EOF
chmod +x "$T/stages/fickle/run"
cat >f.json <<'EOF'
{"axpipe": 1, "name": "f", "inputs": {"a": {"file": "a.txt"}},
 "stages": {"f": {"stage": "fickle", "in": {"text": "a"}}, "dice": {"stage": "random", "in": {"text": "a"}},
  "after": {"stage": "copy", "in": {"text": "dice.text"}}}}
EOF
"$AXPIPE" run f.json -q
code "a node that differs" 4 "$AXPIPE" check f.json --rebuild
like "is named" "$T/out" '^f: DIFFERS$'
like "with the file, its first differing byte, sizes and digests" "$T/out" '^  out/one.txt \(round 1\): differs from byte 6 on: 7 bytes [0-9a-f]{8} -> 7 bytes [0-9a-f]{8}$'
like "files inside folders" "$T/out" '^  out/many/two \(round 1\): differs from byte 2 on: 2 bytes '
like "a file that is gone" "$T/out" '^  out/many/only-1 \(round 1\): 2 bytes [0-9a-f]{8}, no longer written$'
like "one that is new" "$T/out" '^  out/many/only-2 \(round 1\): 2 bytes [0-9a-f]{8}, new$'
like "an optional one that came" "$T/out" '^  out/maybe.txt \(round 1\): .*, new$'
like "and the metrics" "$T/out" '^  metrics.json \(round 1\): differs from byte [0-9]+ on'
is "every difference, and no other" "$(grep -c '^  [om].*(round 1)' "$T/out")" 7
k=$(sed -n 's/^  kept: //p' "$T/out" | grep -v "$("$AXPIPE" explain f.json dice | sed -n 's/^  key //p')")
is "both sides are kept" "$(cat "$k/before/out/one.txt") $(cat "$k/round1/out/one.txt")" "abcde1z abcde2z"
like "what is declared non-deterministic stands apart" "$T/out" '^dice: DIFFERS, and is declared non-deterministic$'
is "in the sum, too" "$(summary)" "1 same, 1 differ, 1 declared non-deterministic and differ, 0 failed, 0 not in the store"
code "it alone" 0 "$AXPIPE" check f.json dice --rebuild
code "two rounds, as JSON" 4 "$AXPIPE" check f.json f --rebuild --rounds 2 --json
like "name both" "$T/out" '"round": 2'
is "and are JSON" "$(perl -MJSON::PP -0777 -ne '$j = decode_json($_); print "$j->{axpipe_rebuild} $j->{nodes}[0]{state} $j->{differ} $j->{nodes}[0]{differences}[0]{first_difference}"' "$T/out")" "1 differs 1 5"
code "what --rebuild does not print" 2 "$AXPIPE" check f.json f --rebuild --junit
code "nor write" 2 "$AXPIPE" check f.json --rebuild -o "$T/no"
code "nor propose" 2 "$AXPIPE" check f.json --rebuild --tighten
code "two formats at once" 2 "$AXPIPE" check f.json --tap --json
code "--tighten in a format for verdicts" 2 "$AXPIPE" check f.json --tighten --tap
code "its options without it" 2 "$AXPIPE" check f.json --runs 3
code "the store is as it was" 0 "$AXPIPE" fsck
is "and the run still has its results" "$("$AXPIPE" run f.json | tail -n 1 | sed 's/ in .*//')" "0 executed, 3 cached, 0 substituted, 0 failed, 0 skipped"

# two checks of the same nodes at once
one slow '"steps": 5'
"$AXPIPE" run one.json -q
"$AXPIPE" check one.json --rebuild >"$T/first" 2>&1 &
first=$!
sleep 0.2
code "a check beside another" 0 "$AXPIPE" check one.json --rebuild
wait $first
is "neither disturbs the other" "$? $(tail -n 1 "$T/first")" "0 1 same, 0 differ, 0 declared non-deterministic and differ, 0 failed, 0 not in the store"
is "nor leaves a folder" "$(find "$AXPIPE_STORE/rebuild" -name "$(key)*")" ""

# a node that does not run any more, though its key is the same
cat >"$T/stages/fickle/run" <<EOF
#!/bin/sh
[ ! -e "$T/broken" ] || { echo "gone wrong"; exit 5; }
echo x >out/one.txt; echo x >out/many/x; echo x >out/still.txt
EOF
"$AXPIPE" run f.json -q
: >"$T/broken"
code "a node that fails now" 4 "$AXPIPE" check f.json f --rebuild
like "is said, with its log" "$T/out" '^f: FAILED: round 1: exit code 5$'
like "its last lines" "$T/out" '^    gone wrong$'
done_testing
