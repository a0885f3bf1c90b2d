#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One store, two projects: gc by number of runs, age and size, and what it must
# not take. (Corruption, pins and races: store.t.)
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"
cached() { "$AXPIPE" run "$1" | tail -n 1 | grep -c "^0 executed"; }

# project a: one node with 300 kB, seven runs of it; project b: one run
mkdir "$T/stages/heavy"
cat >"$T/stages/heavy/stage.json" <<'EOF'
{"name": "heavy", "version": 1, "summary": "300 kB.", "outputs": {"bytes": {"type": "any", "file": "bytes"}},
 "params": {"n": {"type": "integer"}}}
EOF
printf '#!/bin/sh\nhead -c 300000 /dev/zero >out/bytes\ncat request.json >>out/bytes\n' >"$T/stages/heavy/run"
chmod +x "$T/stages/heavy/run"
for i in 1 2 3 4 5 6 7; do
	echo "{\"axpipe\": 1, \"name\": \"a\", \"stages\": {\"h\": {\"stage\": \"heavy\", \"params\": {\"n\": $i}}}}" >"a$i.json"
	"$AXPIPE" run "a$i.json" -q
done
echo '{"axpipe": 1, "name": "b", "stages": {"h": {"stage": "heavy", "params": {"n": 100}}}}' >b.json
"$AXPIPE" run b.json -q
code "nothing is too much" 0 "$AXPIPE" gc --age 0 --max-size "1 GiB"
like "so nothing goes" "$T/out" '^removed 0 records, 0 objects'
before=$(find "$AXPIPE_STORE" -type f | wc -l)
code "a dry run" 0 "$AXPIPE" gc --age 0 --max-size "1300 KiB" -n
is "removes nothing" "$(find "$AXPIPE_STORE" -type f | wc -l)" "$before"
like "and says what it would" "$T/out" '^would remove 4 records, [0-9]+ objects'
code "a size: 1300 KiB hold b's run and the last three of a" 0 "$AXPIPE" gc --age 0 --max-size "1300 KiB"
like "said" "$T/out" '^the last 3 runs of each manifest count$'
ok "it fits" test "$(du -sk "$AXPIPE_STORE/cas" | cut -f1)" -le 1400
is "the other project has lost nothing" "$(cached b.json)" 1
is "the newest of a are there" "$(cached a5.json)$(cached a6.json)$(cached a7.json)" 111
is "the oldest is made again" "$(cached a1.json)" 0
code "a size that cannot be met" 0 "$AXPIPE" gc --age 0 --max-size "1 KiB"
like "keeps the last run, and says so" "$T/out" '^the last 1 run of each manifest count; the rest that is above --max-size'
is "b still has lost nothing" "$(cached b.json)" 1
code "what is young stays" 0 "$AXPIPE" gc --max-size "1 KiB"
like "whatever the size" "$T/out" '^removed 0 records'
code "no run" 2 "$AXPIPE" gc --runs 0
code "a number of runs, and none" 2 "$AXPIPE" gc --runs 1 --all
code "a store that is not there" 3 "$AXPIPE" gc --store "$T/nostore"
code "nor to repair" 3 "$AXPIPE" fsck --repair --store "$T/nostore"
is "is not made" "$(ls -d "$T/nostore" 2>/dev/null)" ""
code "no size" 2 "$AXPIPE" gc --max-size lots
code "a size, and no runs" 2 "$AXPIPE" gc --max-size "1 GiB" --all

# gc in one project while the other runs: it has a lease
echo one >a.txt
cat >slow.json <<'EOF'
{"axpipe": 1, "name": "slow", "inputs": {"a": {"file": "a.txt"}},
 "stages": {"s": {"stage": "slow", "in": {"text": "a"}, "params": {"steps": 15}}, "t": {"stage": "copy", "in": {"text": "s.text"}}}}
EOF
"$AXPIPE" run slow.json --json >ev & pid=$!
wait_for ev node-started
code "gc while a run of another project is on" 3 "$AXPIPE" gc --age 0 --runs 1
like "says who is in the way" "$T/err" 'another axpipe is using it'
wait $pid
is "the run lost nothing" "$(grep -c '"event":"node-done"' ev)" 2
code "afterwards it may" 0 "$AXPIPE" gc --age 0 --runs 1
is "and keeps that run, too" "$(cached slow.json)" 1
code "the store is whole" 0 "$AXPIPE" fsck

# past runs: every file of runs.git with a bit flipped
rm -rf "$AXPIPE_STORE"
base_manifest
for s in u v w; do sed "s/\"end\"/\"$s\"/" m.json >e.json && "$AXPIPE" run e.json -q; done
cp -R "$AXPIPE_STORE" "$T/whole"
flaws=
(cd "$T/whole/runs.git" && find objects refs -type f) >files
while read -r f; do
	rm -rf "$T/bit" && cp -R "$T/whole" "$T/bit" && chmod -R u+w "$T/bit"
	perl -e 'local $/; open my $i, "<:raw", $ARGV[0]; my $x = <$i>; substr($x, length($x) / 2, 1) ^= "\x04"; open my $o, ">:raw", $ARGV[0]; print $o $x' "$T/bit/runs.git/$f"
	"$AXPIPE" fsck --store "$T/bit" >out 2>&1; found=$?
	grep -q "^runs.git/$f: " out || found="unnamed $found"
	"$AXPIPE" fsck --store "$T/bit" --repair >/dev/null 2>&1; mended=$?
	"$AXPIPE" run m.json --store "$T/bit" -q >/dev/null 2>&1; ran=$?
	"$AXPIPE" log t --store "$T/bit" >/dev/null 2>&1; told=$?
	"$AXPIPE" gc --store "$T/bit" >/dev/null 2>&1; swept=$?
	"$AXPIPE" fsck --store "$T/bit" >/dev/null 2>&1; again=$?
	[ "$found $mended $ran $told $swept $again" = "3 0 0 0 0 0" ] || flaws="$flaws $f: $found $mended $ran $told $swept $again;"
done <files
is "each of $(wc -l <files) is found, named and mended; runs, log and gc go on" "$flaws" ""
done_testing
