#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# manifests/circuitsdna/resnet20.json: the published ResNet-20 checkpoints on
# all 10,000 test images of CIFAR-100, offline from the mirror. Its claims: 6908
# right with exact products, 6803 fine-tuned through the 0.005 table, each
# within 10 (other orders of float sums move a few images), chance with any
# table as is, and what re-estimated batch norms make of three of them.
. "$AXPIPE_SRC/tests/lib/tap.sh"
if [ -z "$AXPIPE_DATA" ] || [ ! -e "$AXPIPE_DATA/cifar100/test.xz" ]; then
	for n in 1 2 3; do skip "published networks" "no CIFAR-100 (AXPIPE_DATA)"; done
	done_testing
fi
m=$AXPIPE_SRC/manifests/circuitsdna/resnet20.json
set -- "$m" --store "$T/store" --mirror "$AXPIPE_DATA" --offline
ok "it runs offline from the mirror" "$AXPIPE" run "$@"
code "its claims hold" 0 "$AXPIPE" check "$@"
like "all of them" "$T/out" '^19 claims: 19 hold'
sed 's/^/# /' "$T/out"
done_testing
