#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The published netlists, byte for byte, from the published seed netlist with
# the published arguments: manifests/circuitsdna/evolution.json, whose claims
# hold their digests (a minute and a half of computing).
. "$AXPIPE_SRC/tests/lib/tap.sh"
data=$AXPIPE_DATA/circuitsdna
if [ -z "$AXPIPE_DATA" ] || [ ! -f "$data/seed_netlist.txt" ]; then
	skip 'published netlists' 'AXPIPE_DATA has no circuitsdna/seed_netlist.txt'
	done_testing
fi
set -- "$AXPIPE_SRC/manifests/circuitsdna/evolution.json" --store "$T/store" --mirror "$AXPIPE_DATA" --offline
code "the manifest runs" 0 "$AXPIPE" run "$@"
like "all of it" "$T/out" '^11 executed, 0 cached, 1 substituted'
code "its claims hold" 0 "$AXPIPE" check "$@"
like "all of them" "$T/out" '^22 claims: 22 hold'
for eps in 0.001 0.002 0.005 0.01 0.02 0.05 0.1 0.2; do
	like "netlist_output_RWCE_$eps.txt has the digest that is claimed" \
		"$T/out" "wce=$eps\].* $(sha256sum "$data/netlist_output_RWCE_$eps.txt" | cut -d' ' -f1) .*holds"
done
done_testing
