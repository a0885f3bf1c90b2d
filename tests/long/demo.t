#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The demo from nothing: its claims hold, its page is one file below 2 MB.
. "$AXPIPE_SRC/tests/lib/tap.sh"
cd "$T" || exit 1
code "the demo runs" 0 "$AXPIPE" run "$AXPIPE_SRC/manifests/demo.json" --report=demo.html
like "its claims hold" "$T/out" '^claims: [1-9][0-9]* hold, 0 fail, 0 missing'
ok "its page is below 2 MB" test "$(wc -c <demo.html)" -lt 2000000
echo "# $(wc -c <demo.html) bytes"
is "and needs no other file" "$(grep -Eo '(src|href)="[^"#]+' demo.html | grep -v '"data:')" ""
is "every node has its reason" "$(grep -c 'class="why">not recorded' demo.html)" 0
code "once more" 0 "$AXPIPE" run "$AXPIPE_SRC/manifests/demo.json"
like "executes nothing" "$T/out" '^0 executed'
done_testing
