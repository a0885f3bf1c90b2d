#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/tutorial.md, as a reader would follow it.
. "$AXPIPE_SRC/tests/lib/tap.sh"
cp -R "$AXPIPE_SRC/docs/tutorial" "$T/tutorial"
cd "$T" || exit 1

code "the tutorial's manifest runs" 0 "$AXPIPE" run tutorial/manifest.json --stages tutorial/stages
like "one node ran" "$T/out" '^1 executed'
code "its claim holds" 0 "$AXPIPE" check tutorial/manifest.json --stages tutorial/stages
code "the second run" 0 "$AXPIPE" run tutorial/manifest.json --stages tutorial/stages
like "executes nothing" "$T/out" '^0 executed'
code "its manual" 0 "$AXPIPE" stages gatecount --stages tutorial/stages
like "shows the output" "$T/out" 'counts'
sed 's/, n2)/, n1)/' tutorial/adder.txt >x && mv x tutorial/adder.txt
code "a changed input" 0 "$AXPIPE" run tutorial/manifest.json --stages tutorial/stages
like "runs the node again" "$T/out" '^1 executed'
echo 'v5_0 = INV(v4_0)' >>tutorial/adder.txt
code "a sixth gate" 0 "$AXPIPE" run tutorial/manifest.json --stages tutorial/stages
code "breaks the claim" 4 "$AXPIPE" check tutorial/manifest.json --stages tutorial/stages
like "and says by how much" "$T/out" 'count\.gates +5 +6 +fails'
page=$AXPIPE_SRC/docs/tutorial.md
for block in stages/gatecount/stage.json stages/gatecount/run manifest.json; do
	is "the page shows each line of $block as it is" \
		"$(grep -vxF -f "$page" "$AXPIPE_SRC/docs/tutorial/$block")" ""
done
done_testing
