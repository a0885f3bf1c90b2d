#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The published ResNet-20 checkpoints on all 10,000 test images of CIFAR-100:
# 6908 right with exact products, 6803 fine-tuned through the 0.005 table, each
# within 10 (other orders of float sums move a few images).
. "$AXPIPE_SRC/tests/lib/tap.sh"
dna=$AXPIPE_DATA/circuitsdna
if [ -z "$AXPIPE_DATA" ] || [ ! -e "$AXPIPE_DATA/cifar100/test.xz" ] || ! command -v xz >/dev/null; then
	for n in 1 2 3; do skip "published network" "no CIFAR-100 or xz (AXPIPE_DATA)"; done
	done_testing
fi
xz -dc "$AXPIPE_DATA/cifar100/test.xz" >"$T/cifar.test"
gzip -dc "$dna/extracted_truth_table_RWCE_0.005.csv.gz" >"$T/table.csv"
cat >"$T/m.json" <<EOF2
{"axpipe": 1, "name": "published",
 "inputs": {"test": {"file": "cifar.test"}, "table": {"file": "table.csv"},
  "qat": {"file": "$dna/resnet20_cifar100_qat_int8.pt"},
  "ft": {"file": "$dna/resnet20_cifar100_qat_int8_lut_0.5_ft.pt"}},
 "vars": {"net": {"family": "resnet-cifar", "depth": 20}},
 "stages": {
  "cifar": {"stage": "dataset", "in": {"test": "test"}, "params": {"name": "cifar100",
   "mean": [0.5071, 0.4865, 0.4409], "std": [0.2673, 0.2564, 0.2762]}},
  "exact": {"stage": "evaluate", "in": {"dataset": "cifar.dataset", "checkpoint": "qat"}, "params": {"network": "\${net}"}},
  "tuned": {"stage": "evaluate", "in": {"dataset": "cifar.dataset", "checkpoint": "ft", "lut": "table"}, "params": {"network": "\${net}"}}},
 "claims": [
  {"text": "exact products", "value": "exact.correct", "equals": 6908, "tolerance": 10},
  {"text": "0.005 table", "value": "tuned.correct", "equals": 6803, "tolerance": 10}]}
EOF2
cd "$T" || exit 1
ok "the published networks run" "$AXPIPE" run m.json
code "both counts are within 10" 0 "$AXPIPE" check m.json
sed 's/^/# /' "$T/out"
done_testing
