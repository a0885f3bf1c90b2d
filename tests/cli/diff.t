#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two recorded runs side by side.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"
base_manifest
sed -i 's/ }}$/ },\n "claims": [{"text": "size", "value": "last.bytes", "at_most": 1000}]}/' m.json
code "a manifest with a claim" 0 "$AXPIPE" run m.json
sed 's/"end"/"a longer end"/' m.json >m2.json
"$AXPIPE" run m2.json -q
code "two runs" 0 "$AXPIPE" diff t~1 t
cat >want <<'EOF'
manifest:
  stages.last.params.suffix: "end" -> "a longer end"
keys:
  last: KEY -> KEY (param.suffix)
outputs:
  last.text: KEY -> KEY
metrics:
  last.bytes: 32 -> 41
claims:
  last.bytes: measured: "32" -> "41"
EOF
sed '1d; s/[0-9a-f]\{8\}/KEY/g' "$T/out" >got
is "manifest, keys by component, outputs, metrics, claims" "$(grep -v delta got)" "$(cat want)"
code "with --exit-code" 4 "$AXPIPE" diff t~1 t --exit-code
code "a run and itself" 0 "$AXPIPE" diff t t --exit-code
like "have all in common" "$T/out" '^the same manifest, inputs, tools, keys, outputs, metrics and claims$'
a=$(git --git-dir="$AXPIPE_STORE/runs.git" show t~1:run.json | sed -n 's/.*"id": "\(.*\)",/\1/p')
code "by run id and by commit" 0 "$AXPIPE" diff "$a" "$(git --git-dir="$AXPIPE_STORE/runs.git" rev-parse t)" --json
is "as JSON" "$(perl -MJSON::PP -0777 -ne '$j = decode_json($_); print join " ", $j->{axpipe_diff}, $j->{runs}[0]{run}, map { "$_->{section}:$_->{name}" } grep { $_->{section} eq "key" } @{$j->{differences}}' "$T/out")" "1 $a key:last"
code "the runs of a manifest" 0 "$AXPIPE" log t
code "of one that never ran" 2 "$AXPIPE" log tt
like "is said" "$T/err" "no run of tt is recorded in store"
code "no such run" 2 "$AXPIPE" diff t nothing
like "is said, with where to look" "$T/err" "nothing: no such run; 'axpipe log' lists them"
cat >rnd.json <<'EOF'
{"axpipe": 1, "name": "rnd", "inputs": {"a": {"file": "a.txt"}}, "stages": {"dice": {"stage": "random", "in": {"text": "a"}}}}
EOF
"$AXPIPE" run rnd.json -q
k=$("$AXPIPE" explain rnd.json dice | sed -n 's/^  key //p')
rm -f "$AXPIPE_STORE/ac/$(echo "$k" | cut -c1-2)/$(echo "$k" | cut -c3-)" "$AXPIPE_STORE"/ac/index*
"$AXPIPE" run rnd.json -q
code "a node that gave other bytes" 0 "$AXPIPE" diff rnd~1 rnd
like "is marked" "$T/out" '^  dice.text: [0-9a-f]{8} -> [0-9a-f]{8} \(other bytes for the same key\)$'
is "and nothing else differs" "$(grep -c '^  ' "$T/out")" 1
# inputs, and nodes that come and go
echo four >>a.txt
sed 's/"last"/"final"/; s/last\.bytes/final.bytes/' m2.json >m3.json
"$AXPIPE" run m3.json -q
"$AXPIPE" diff t~1 t >"$T/out"
like "an input" "$T/out" '^  a: [0-9a-f]{8} -> [0-9a-f]{8}$'
like "a node that came" "$T/out" '^  final: \(none\) -> [0-9a-f]{8}$'
like "one that went" "$T/out" '^  last: [0-9a-f]{8} -> \(none\)$'
like "an input of a key" "$T/out" '^  first: [0-9a-f]{8} -> [0-9a-f]{8} \(input.text\)$'
# a run without metrics beside one with some
"$AXPIPE" diff rnd t >"$T/out"
is "no line is without a name" "$(grep -c '^  : ' "$T/out")" 0
done_testing
