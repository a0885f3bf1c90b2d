#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The quick profile of manifests/circuitsdna/qat.json on glyphs: float, QAT, a
# multiplier swapped in, batch norms, fine-tuning, export; every claim holds.
. "$AXPIPE_SRC/tests/lib/tap.sh"
m=$AXPIPE_SRC/manifests/circuitsdna/qat.json
ax() {
	cmd=$1
	shift
	"$AXPIPE_BUILD/axpipe" "$cmd" "$m" --store "$T/store" --set data=glyphs --set profile=quick "$@"
}
ok "the manifest runs" ax run
ax run >"$T/again" 2>&1
like "and has nothing to do the next time" "$T/again" '0 executed, 10 cached'
ok "every claim holds" ax check
for data in cifar100 fashion; do
	for profile in full short quick; do
		ok "$data, $profile: a graph" "$AXPIPE_BUILD/axpipe" graph "$m" --set data=$data --set profile=$profile
	done
done
# the real images, where they are at hand: an hour-long run is not begun, only planned
if [ -n "$AXPIPE_DATA" ] && [ -d "$AXPIPE_DATA/fashion-mnist" ]; then
	"$AXPIPE_BUILD/axpipe" plan "$m" --store "$T/store2" --mirror "$AXPIPE_DATA" --offline --set data=fashion >"$T/plan" 2>&1
	is "Fashion-MNIST is found in the mirror" "$?" 0
else
	skip "Fashion-MNIST" "no data (AXPIPE_DATA)"
fi
done_testing
