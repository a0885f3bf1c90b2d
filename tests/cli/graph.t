#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# axpipe graph: what other programs make of it.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"
base_manifest

code "DOT" 0 "$AXPIPE" graph m.json -o g.dot
ok "Graphviz draws it" dot -Tsvg -o g.svg g.dot
is "with a box for each node and input" "$(grep -c 'class="node"' g.svg)" 6
is "and an arrow for each wire" "$(grep -c 'class="edge"' g.svg)" 7
like "a node says its state" g.dot 'second\[suffix=y\]\\ncopy: maybe'
code "by entries" 0 "$AXPIPE" graph m.json --entries
like "a sweep is one box" "$T/out" 'second\\ncopy x 2: 2 maybe'
is "and its wires are one" "$(grep -c -- '->' "$T/out")" 5
code "Mermaid" 0 "$AXPIPE" graph m.json --mermaid
is "starts as Mermaid does" "$(head -n 1 "$T/out")" "flowchart LR"
is "has the arrows" "$(grep -c -- '-->' "$T/out")" 7
code "JSON" 0 "$AXPIPE" graph m.json --json
ok "names every node, wired" python3 -c 'import json, sys
g = json.load(open(sys.argv[1]))
assert g["axpipe_graph"] == 1 and g["inputs"] == ["a"]
n = {x["name"]: x for x in g["nodes"]}
assert set(n) == {"first", "second[suffix=x]", "second[suffix=y]", "all", "last"}
assert n["all"]["inputs"][0] == {"port": "texts", "from": "second[suffix=x]", "output": "text"}
assert n["second[suffix=y]"]["coords"] == {"suffix": "y"} and n["first"]["state"] == "dirty"' "$T/out"

# plain ninja makes the same bytes
code "a folder for ninja" 0 "$AXPIPE" graph m.json --ninja nj
code "ninja runs it" 0 ninja -C nj
code "and then has nothing to do" 0 ninja -C nj
like "so it says" "$T/out" "no work to do"
code "axpipe runs the same" 0 "$AXPIPE" run m.json
for n in first 'second[suffix=x]' 'second[suffix=y]' last; do
	is "$n has the same bytes" "$(sha256sum <"nj/$n/out/$(ls "nj/$n/out")")" "$(show t "$n" text | sha256sum)"
done
printf 'changed\n' >a.txt
code "ninja sees a changed input" 0 ninja -C nj
is "and carries it to the end" "$(grep -c changed nj/last/out/*)" 3

sed 's,"x"\, "y",":a|b/c"\, "%7C$d"\, "<e f>",; s/\$d//' m.json | sed "s/ f>/f'>/" >odd.json
code "odd values of a sweep" 0 "$AXPIPE" graph odd.json --ninja "n o"
code "ninja runs them, too" 0 ninja -C "n o"
is "each in its folder" "$(ls -d "n o"/second*/out/* | wc -l)" 3
cp a.txt 'a|b'
sed 's/"a.txt"/"a|b"/' m.json >bar.json
code "an input that ninja cannot name" 2 "$AXPIPE" graph bar.json --ninja nb
like "is told" "$T/err" 'input a: ninja has no way'
ninja -C nj >/dev/null
code "into the same folder again" 0 "$AXPIPE" graph m.json --ninja nj
ninja -C nj >"$T/out"
like "makes nothing run that stayed the same" "$T/out" "no work to do"
mkdir own && echo 'rule mine' >own/build.ninja
code "over somebody's own build.ninja" 2 "$AXPIPE" graph m.json --ninja own
is "it stays" "$(cat own/build.ninja)" "rule mine"
code "two forms at once" 2 "$AXPIPE" graph m.json --dot --json
code "a folder, and a file" 2 "$AXPIPE" graph m.json --ninja nj -o x
code "a file where none can be" 3 "$AXPIPE" graph m.json -o none/x.dot
like "is named as it was given" "$T/err" '^axpipe: none/x.dot: cannot create: '

code "a stage that fails" 2 "$AXPIPE" graph nothing.json
one crash '"how": "exit"'
if "$AXPIPE" graph one.json --ninja nk >/dev/null 2>&1; then
	code "fails in ninja too" 1 ninja -C nk
fi
cat >url.json <<'EOF2'
{"axpipe": 1, "name": "u", "inputs": {"a": {"url": "https://example.invalid/x", "sha256": "0123c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}},
 "stages": {"n": {"stage": "copy", "in": {"text": "a"}}}}
EOF2
code "an input that is not at hand" 3 "$AXPIPE" graph url.json --ninja nu --offline
like "is named, with what to do" "$T/err" "input a is not in the store yet; 'axpipe run'"
done_testing
