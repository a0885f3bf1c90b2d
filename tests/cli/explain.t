#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each cause has its words.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"
base_manifest
run=[0-9TZ]+-[0-9a-f]+
why() { "$AXPIPE" explain "$@" >"$T/why" 2>&1; }

why m.json first; like "new" "$T/why" '^first: will run: new: it never ran$'
why m.json last; like "waits, with the first cause" "$T/why" '^last: may run: waits for first$'
like "and its reason" "$T/why" '^  first: new'
"$AXPIPE" run m.json -q
why m.json first; like "up to date" "$T/why" "^first: up to date, made 20.* in [0-9.]+ s \(run $run\)$"
why m.json 'second[suffix=*]'; is "a selector" "$(grep -c 'up to date' "$T/why")" 2
code "an unknown node" 2 "$AXPIPE" explain m.json sekond

sed 's/"end"/"END"/' m.json >m2.json
why m2.json last
like "a parameter" "$T/why" "^last: will run: changed since run $run:\$"
like "from what to what" "$T/why" '^  param.suffix "end" -> "END"$'
is "the plan says it in one line" "$("$AXPIPE" plan m2.json | grep -Ec "^last: changed since run $run: param.suffix \"end\" -> \"END\"$")" 1
printf 'one\nmore\n' >a.txt
why m2.json last second all
like "what waits for another" "$T/why" '^last: may run: waits for first$'
like "says what changed of its own, too" "$T/why" "^  last: changed since run $run: param.suffix \"end\" -> \"END\"\$"
is "and only of its own" "$(grep -c '^  [a-z]*: changed' "$T/why")" 5
printf 'one\n# a comment\ntwo\n' >a.txt
"$AXPIPE" run m2.json --explain >out
like "run --explain says it, too" out '^last: changed since run .* param.suffix "end" -> "END"$'
"$AXPIPE" run m.json -q
why m2.json last
like "a hit counts as the last state" "$T/why" 'up to date'
echo '# more' >>"$T/stages/concat/run"
why m.json all; like "the code" "$T/why" '^  code [0-9a-f]{8} -> [0-9a-f]{8}$'
cp "$AXPIPE_SRC/tests/cli/stages/concat/run" "$T/stages/concat/run"
printf 'one\nthree\n' >a.txt
AXPIPE_TEST_ENV=1 "$AXPIPE" explain m.json first >"$T/why"
like "an input" "$T/why" '^  input.text [0-9a-f]{8} -> [0-9a-f]{8}$'
like "and a variable beside it" "$T/why" '^  env.AXPIPE_TEST_ENV null -> "1"$'
sed 's/"x", "y"/"x"/' m.json >m5.json
printf 'one\n# a comment\ntwo\n' >a.txt
why m5.json all
like "one input less" "$T/why" '^  input.texts\[2\] [0-9a-f]{8} -> \(none\)$'

# an ancestor that an earlier run made anew
sed 's/{"stage": "copy", "in": {"text": "a"}}/{"stage": "copy", "in": {"text": "a"}, "params": {"suffix": "new"}}/' m.json >m6.json
"$AXPIPE" run m6.json second -q
why m6.json all last
is "the first ancestor that differs, behind those that ran already" "$(sed -n '/^last/,$d; s/^  first to differ: //p' "$T/why")" 'first: param.suffix "" -> "new"'
like "also where it is waited for" "$T/why" '^  first to differ: first: param.suffix "" -> "new"$'
"$AXPIPE" run m6.json -q && "$AXPIPE" run m.json -q

# evicted: the object, then the record
d=$("$AXPIPE" explain m.json last -c | sed -n 's/^  input.text = //p')
rm -f "$AXPIPE_STORE/cas/$(echo "$d" | cut -c1-2)/$(echo "$d" | cut -c3-)"
why m.json all; like "an object that is gone" "$T/why" '^all: will run: evicted: output text is no longer in the store$'
"$AXPIPE" run m.json --json >ev
is "makes that node run, and only it" "$(started ev)" "all "
k=$("$AXPIPE" explain m.json all | sed -n 's/^  key //p')
rm -f "$AXPIPE_STORE/ac/$(echo "$k" | cut -c1-2)/$(echo "$k" | cut -c3-)" "$AXPIPE_STORE"/ac.index* "$AXPIPE_STORE"/index*
why m.json all; like "a record that is gone" "$T/why" "^all: will run: evicted: the record of run $run is gone$"

# previous failure
one crash '"how": "exit"'
"$AXPIPE" run one.json -q >/dev/null 2>&1
why one.json n; like "previous failure" "$T/why" "^n: will run: previous failure in run $run: exit code 7$"
is "status says so" "$("$AXPIPE" status one.json | awk '{print $2}')" failed
one crash '"how": "fine"'
why one.json n; like "changed since it failed" "$T/why" '^n: will run: new: it never ran to its end$'

# tainted
one mutate "\"victim\": \"$T/w/a.txt\""
"$AXPIPE" run one.json -q >/dev/null 2>&1
printf 'one\n# a comment\ntwo\n' >a.txt
why one.json n; like "tainted" "$T/why" '^n: will run: tainted: input a .* changed while the node ran.* \(in run '

# nondeterministic parent
cat >rnd.json <<'EOF'
{"axpipe": 1, "name": "rnd", "inputs": {"a": {"file": "a.txt"}},
 "stages": {"dice": {"stage": "random", "in": {"text": "a"}}, "after": {"stage": "copy", "in": {"text": "dice.text"}}}}
EOF
"$AXPIPE" run rnd.json -q
k=$("$AXPIPE" explain rnd.json dice | sed -n 's/^  key //p')
rm -f "$AXPIPE_STORE/ac/$(echo "$k" | cut -c1-2)/$(echo "$k" | cut -c3-)" "$AXPIPE_STORE"/ac.index* "$AXPIPE_STORE"/index*
"$AXPIPE" run rnd.json --explain >out
like "a nondeterministic parent" out '^after: nondeterministic parent, changed since run .*: input.text .* \(dice gave other bytes for the same key\)$'
sed 's/"dice", *$/&/; s/"a": {"file": "a.txt"}/"a": {"file": "b.txt"}/' rnd.json >rnd2.json; echo other >b.txt
"$AXPIPE" run rnd2.json --explain >out
like "a changed parent is not one" out '^after: changed since run .*: input.text .* \(made by dice\)$'
done_testing
