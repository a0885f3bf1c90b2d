#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# gc and fsck, on a store that real runs have filled.
. "$AXPIPE_SRC/tests/lib/tap.sh"

mkdir -p "$T/stages/shout" "$T/in"
cat >"$T/stages/shout/stage.json" <<'EOF'
{"name": "shout", "version": 1, "summary": "Adds a word to a text.",
 "command": ["./run"],
 "inputs": {"text": {"type": "any"}},
 "outputs": {"text": {"type": "text"}, "dir": {"type": "texts", "tree": true}},
 "params": {"word": {"type": "string", "default": "hey"}}}
EOF
cat >"$T/stages/shout/run" <<'EOF'
#!/bin/sh
set -e
cat in/text >out/text
cat request.json | tr ',' '\n' | grep '"word"' >>out/text
mkdir -p out/dir/sub
cp out/text out/dir/sub/copy
EOF
chmod +x "$T/stages/shout/run"
echo hello >"$T/in/hello"
cat >"$T/m.json" <<'EOF'
{"axpipe": 1, "name": "m",
 "vars": {"word": "one"},
 "inputs": {"hello": {"file": "in/hello"}},
 "stages": {
  "first": {"stage": "shout", "in": {"text": "hello"}, "params": {"word": "${word}"}},
  "second": {"stage": "shout", "in": {"text": "first.text"}, "params": {"word": "${word}"}}}}
EOF
S=$AXPIPE_STORE
run() { "$AXPIPE" run --stages "$T/stages" "$@" "$T/m.json"; }
plan() { "$AXPIPE" plan --stages "$T/stages" "$@" "$T/m.json"; }
files() { find "$S/$1" -type f ! -name index | wc -l; }
# one line for each node that ran
executed() { run --json "$@" 2>/dev/null | grep -c '"event":"node-done"'; }

code "fsck of a store that is not there" 3 "$AXPIPE" fsck
like "says so" "$T/err" "not there"
code "status with a mistyped --store" 3 "$AXPIPE" status --stages "$T/stages" --store "$T/mistyped" "$T/m.json"
like "says the same" "$T/err" "store $T/mistyped: not there"
ok "and makes none" [ ! -e "$T/mistyped" ]
ok "a run" run
code "fsck finds a whole store" 0 "$AXPIPE" fsck
like "and counts" "$T/out" "[1-9][0-9]* objects .* 2 records checked"

before=$(find "$S/cas" "$S/ac" -type f ! -name index | sort)
code "gc, nothing too young" 0 "$AXPIPE" gc --age 0
like "keeps the records of the run" "$T/out" "kept 2 records"
is "gc keeps all that the run needs" "$(find "$S/ac" -type f ! -name index | wc -l)" 2
is "and nothing runs after it" "$(executed)" 0

ok "a run with another word" run --set word=two
is "four records now" "$(files ac)" 4
code "gc --dry-run --runs 1" 0 "$AXPIPE" gc --age 0 --runs 1 --dry-run
like "would drop the older two" "$T/out" "would remove 2 records"
is "but drops nothing" "$(files ac)" 4
code "gc --runs 1" 0 "$AXPIPE" gc --age 0 --runs 1
is "drops them" "$(files ac)" 2
is "the last run is still whole" "$(executed --set word=two)" 0
code "and so is the store" 0 "$AXPIPE" fsck
is "the first must run again" "$(executed)" 2

# a pin outlives everything
pin=$(grep -l '"record_sha256"' "$S"/ac/*/* | grep -v index | head -n 1 | sed 's,.*/ac/\(..\)/,\1,')
echo "$pin the one we published" >"$S/pins/paper"
code "gc --all" 0 "$AXPIPE" gc --age 0 --all
is "leaves what is pinned" "$(files ac)" 1
code "whole" 0 "$AXPIPE" fsck
rm "$S/pins/paper"
code "gc --all without pins" 0 "$AXPIPE" gc --age 0 --all
is "leaves no record" "$(files ac)" 0
is "and no object" "$(files cas)" 0
is "everything runs again" "$(executed)" 2

# damage
object=$(find "$S/cas" -type f | sort | head -n 1)
chmod u+w "$object"
printf 'x' >>"$object"
code "fsck finds a damaged object" 3 "$AXPIPE" fsck
like "names it" "$T/out" "$(echo "$object" | sed 's,.*/cas/,cas/,'): .*SHA-256"
like "and says what to do" "$T/err" "fsck --repair"
code "repair" 0 "$AXPIPE" fsck --repair
code "then all is whole" 0 "$AXPIPE" fsck
ok "and a run makes what is missing" run
code "whole again" 0 "$AXPIPE" fsck
is "a second run executes nothing" "$(executed)" 0
is "the damaged one is kept aside" "$(find "$S/quarantine" -type f | wc -l)" 1

# gc beside runs: it waits for nobody, and takes nothing of a run that just ended
i=0
while [ $i -lt 30 ]; do "$AXPIPE" gc --age 0 >/dev/null 2>&1; i=$((i + 1)); done &
lost=0
for w in a b c d e f g h i j; do
	run --set word=$w --quiet >/dev/null 2>&1
	lost=$((lost + $(executed --set word=$w)))
done
wait $!
is "gc beside runs takes nothing of theirs" "$lost" 0

# not while somebody else works
if command -v flock >/dev/null; then
	exec 9<"$S"
	flock -s 9
	code "gc while another uses the store" 3 "$AXPIPE" gc --age 0
	like "says so" "$T/err" "another axpipe"
	exec 9<&-
else
	skip "gc while another uses the store" "no flock(1)"
fi
code "wrong option value" 2 "$AXPIPE" gc --age -3

# the repository of past runs: its settings, and a run that a null run repeats
runs=$S/runs.git
sed -i '1s/\[/Y/' "$runs/config"
code "damaged settings of the past runs are found" 3 "$AXPIPE" fsck --store "$S"
like "by name" "$T/out" '^runs.git/config: cannot be read$'
code "and mended" 0 "$AXPIPE" fsck --repair --store "$S"
code "so that the next run is recorded" 0 run
code "a format of git that is none" 3 sh -c 'sed -i "s/version = 0/version = 8/" "$1/config"; exec "$2" fsck --store "$3"' - "$runs" "$AXPIPE" "$S"
code "is mended, too" 0 "$AXPIPE" fsck --repair --store "$S"
ok "no run is lost by it" git --git-dir="$runs" rev-parse --verify -q "$(git --git-dir="$runs" for-each-ref --format='%(refname)' refs/heads | head -n 1)~1"
sleep 2.2
run >"$T/out" 2>"$T/err"
branch=$(git --git-dir="$runs" for-each-ref --format='%(refname)' refs/heads | head -n 1)
id=$(git --git-dir="$runs" rev-parse "$branch:metrics.json")
object=$runs/objects/$(echo "$id" | cut -c1-2)/$(echo "$id" | cut -c3-)
chmod u+w "$object" && echo rot >"$object"
code "a damaged file of the last run" 0 "$AXPIPE" fsck --repair --store "$S"
run >"$T/out" 2>"$T/err"
code "is not in the next one, though that does nothing" 0 "$AXPIPE" fsck --store "$S"
done_testing
