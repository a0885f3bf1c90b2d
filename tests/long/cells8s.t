#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# manifests/cells8s.json: searches by transistors, by the area of gates and by
# the area in all cells of GF180, with and without a bound on the delay (five CPU
# minutes).
. "$AXPIPE_SRC/tests/lib/tap.sh"
if [ -z "$AXPIPE_DATA" ] || [ ! -d "$AXPIPE_DATA/gf180" ]; then
	skip "cells8s" "no AXPIPE_DATA"
	done_testing
fi
set -- "$AXPIPE_SRC/manifests/cells8s.json" --store "$T/store" --mirror "$AXPIPE_DATA" --offline
ok "it runs" "$AXPIPE" run "$@"
code "its claims hold" 0 "$AXPIPE" check "$@"
like "all of them" "$T/out" '^45 claims: 45 hold'
ok "its figure is drawn" "$AXPIPE" report "$@" -o "$T/report/cells.html"
done_testing
