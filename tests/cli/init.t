#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# axpipe init: what it writes is a manifest that plans, and runs.
. "$AXPIPE_SRC/tests/lib/tap.sh"
mkdir "$T/my-mult" && cd "$T/my-mult" || exit 1
lib=/usr/share/qflow/tech/osu018/osu018_stdcells.lib

code "without options, without a terminal" 0 "$AXPIPE" init
like "it says what is next" "$T/out" "axpipe run manifest.json --report"
like "it is named after the folder" manifest.json '"name": "my-mult"'
code "it plans" 0 "$AXPIPE" plan manifest.json
like "a node for each bound" "$T/out" 'evolve\[wce=0.005\]'
code "a file that is there stays" 2 "$AXPIPE" init
like "and is named" "$T/err" "manifest.json is there already; --force replaces it"
code "--force replaces it" 0 "$AXPIPE" init --force --kind network --liberty "$lib"
code "a network plans" 0 "$AXPIPE" plan manifest.json
like "down to fine-tuning" "$T/out" 'finetune\[wce=0.02\]'
like "and timing" "$T/out" 'sta\[wce=0.02\]'
code "a small search" 0 "$AXPIPE" init s.json --width 4 --unsigned --bounds 0.02,0.1
# a shorter search: what is tried here is the manifest
sed -i 's/"seed": "${seed}",/&\n"steps": 20000,/' s.json
ok "... shorter" grep -q '"steps": 20000' s.json
code "runs" 0 "$AXPIPE" run s.json -q
code "and its claims hold" 0 "$AXPIPE" check s.json
cp "$(find "$AXPIPE_STORE/cas" -type f -exec grep -l '"creator"' {} + | head -n 1)" net.json
code "measuring a netlist" 0 "$AXPIPE" init m.json --kind measure --netlist net.json --width 4 --unsigned --liberty "$lib"
code "runs" 0 "$AXPIPE" run m.json -q
code "and is checked" 0 "$AXPIPE" check m.json
if script -qec true /dev/null >/dev/null 2>&1; then
	code "a dialogue" 0 sh -c 'printf "talk\nevolve\n\n\n6\nno\n0.01\n" | script -qec "$AXPIPE init d.json" /dev/null'
	like "is asked for" "$T/out" "Worst-case errors"
	like "and heard" d.json '"width_a": 6'
	like "to the end" d.json '"name": "talk"'
	code "answers that cannot be used" 0 sh -c 'printf "../talk\ntalk\nevolv\nmeasure\nnothing\n\nnet.json\n\n99\n4\nmaybe\nno\n" | script -qec "$AXPIPE init e.json" /dev/null'
	like "are told" "$T/out" "netlist nothing: no such file"
	code "and asked for again" 0 "$AXPIPE" plan e.json
	code "a dialogue that is left" 2 sh -c 'printf "talk\n\004" | script -qec "$AXPIPE init f.json" /dev/null'
	ok "writes nothing" test ! -e f.json
else
	skip "a dialogue" "no terminal can be made here: $(script -qec true /dev/null 2>&1 | tail -n 1)"
fi
# paths are relative to the manifest, and ${ is no variable
mkdir away 'x${y}'
cp net.json 'x${y}/net.json'
code "a manifest in another folder" 0 "$AXPIPE" init away/m.json --kind measure --netlist 'x${y}/net.json' --width 4 --unsigned
code "finds its netlist" 0 "$AXPIPE" plan away/m.json
code "one beside it" 0 "$AXPIPE" init n.json --kind measure --netlist 'x${y}/net.json' --width 4 --unsigned
code "finds it, too" 0 "$AXPIPE" plan n.json
for bad in "--name ../x" "--name 9" "--kind evolv" "--bounds 2" "--bounds 0.1,x" "--bounds 0.1,0.1" "--width 1" "--width 11" "--width 2.5" "--netlist nothing.blif" "--liberty nothing.lib" "--kind measure" "--kind network --width 4" "--kind network --unsigned"; do
	# shellcheck disable=SC2086
	code "$bad is refused" 2 "$AXPIPE" init bad.json $bad
	ok "and nothing is written" test ! -e bad.json
done
code "a hint" 2 "$AXPIPE" init bad.json --kind evolv
like "names the nearest" "$T/err" "did you mean.*evolve"
done_testing
