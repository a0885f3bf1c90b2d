#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# manifests/families.json: all its formulas agree with stage lut, which tries
# all operands (about a minute on two cores).
. "$AXPIPE_SRC/tests/lib/tap.sh"
lib=/usr/share/qflow/tech/osu018/osu018_stdcells.lib
if [ ! -e $lib ]; then
	skip "families" "no $lib (Debian package qflow-tech-osu018)"
	done_testing
fi
set -- "$AXPIPE_SRC/manifests/families.json" --store "$T/store"
ok "it runs" "$AXPIPE" run "$@"
code "its claims hold" 0 "$AXPIPE" check "$@"
like "all of them" "$T/out" '^596 claims: 596 hold'
ok "its figures are drawn" "$AXPIPE" report "$@" -o "$T/report/families.html"
is "all five" "$(ls "$T/report" | grep -c 'svg$')" 5
done_testing
