#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The published netlists, byte for byte, from the published seed netlist with
# the published arguments. Bounds to run: AXPIPE_TEST_EPS, default all eight
# (about six minutes on two cores).
. "$AXPIPE_SRC/tests/lib/tap.sh"
data=$AXPIPE_DATA/circuitsdna
if [ -z "$AXPIPE_DATA" ] || [ ! -f "$data/seed_netlist.txt" ]; then
	skip 'published netlists' 'AXPIPE_DATA has no circuitsdna/seed_netlist.txt'
	done_testing
fi
for pair in 0.001:13000 0.002:11250 0.005:11500 0.01:16250 0.02:15000 0.05:22000 0.1:26250 0.2:41250; do
	eps=${pair%:*}
	case " ${AXPIPE_TEST_EPS-$eps} " in *" $eps "*) ;; *) continue ;; esac
	ok "search at $eps" "$AXPIPE_SRC/tests/lib/stage" circuit/evolve "$T/w" in:netlist="$data/seed_netlist.txt" \
		'algorithm="circuitsdna"' "wce=$eps" "generations=${pair#*:}"
	ok "netlist_output_RWCE_$eps.txt, byte for byte" cmp "$T/w/out/netlist.txt" "$data/netlist_output_RWCE_$eps.txt"
done
done_testing
