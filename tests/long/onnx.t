#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The published ResNet-20 as ONNX (QDQ), read back by Debian's python3-onnx and
# run with numpy from the operators' definitions: the right answers of 500 test
# images of CIFAR-100 are as many as the stage evaluate counts. Sums of float
# have another order there; an image may move, more than two may not.
. "$AXPIPE_SRC/tests/lib/tap.sh"
nn=$AXPIPE_BUILD/stages/nn
images=500
py=/usr/bin/python3
"$py" -c 'import onnx, numpy' 2>/dev/null || py=python3
if ! "$py" -c 'import onnx, numpy' 2>/dev/null; then
	skip "ONNX of the published network" "no python3-onnx"
	done_testing
fi
if [ -z "$AXPIPE_DATA" ] || [ ! -e "$AXPIPE_DATA/cifar100/test.xz" ]; then
	skip "ONNX of the published network" "no CIFAR-100 (AXPIPE_DATA)"
	done_testing
fi

# job FOLDER STAGE PARAMS OUTPUTS INPUTS: runs it there
job() {
	j=$T/$1
	mkdir -p "$j/out/arrays" "$j/tmp"
	echo "{\"axpipe\":1,\"stage\":\"$2\",\"params\":$3,\"inputs\":{$5},\"outputs\":{$4},\"cpus\":2,\"tools\":{}}" >"$j/request.json"
	(cd "$j" && exec "$nn/$2/run" >log 2>&1) || { cat "$j/log"; return 1; }
}
input() { printf '"%s":{"path":"%s","type":"any"}' "$1" "$2"; }
checkpoint=$(input checkpoint "$AXPIPE_DATA/circuitsdna/resnet20_cifar100_qat_int8.pt")
data=$T/data/out/d.safetensors
network='{"family":"resnet-cifar","depth":20,"width":16}'

for part in train test; do xz -dc "$AXPIPE_DATA/cifar100/$part.xz" >"$T/$part"; done
ok "the first $images test images" job data dataset "{\"format\":\"cifar100\",\"name\":null,\"classes\":null,\"train_count\":100,\"test_count\":$images,\"seed\":0,\"mean\":null,\"std\":null}" \
	'"dataset":{"path":"out/d.safetensors"},"preview":{"path":"out/preview.png"}' "$(input train "$T/train"),$(input test "$T/test")"
ok "evaluated with exact integers" job exact evaluate "{\"network\":$network,\"mode\":\"int8\",\"limit\":0,\"batch\":100}" \
	'"classes":{"path":"out/classes.csv"},"predictions":{"path":"out/predictions.npy"}' "$checkpoint,$(input dataset "$data")"
ok "exported" job onnx export "{\"network\":$network}" \
	'"onnx":{"path":"out/m.onnx"},"checkpoint":{"path":"out/c.safetensors"},"arrays":{"path":"out/arrays"}' "$checkpoint,$(input dataset "$data")"
ok "ONNX is well-formed and runs" sh -c '"$1" "$2" "$3" "$4" >"$5"' - "$py" "$AXPIPE_SRC/tests/lib/onnx_run.py" "$T/onnx/out/m.onnx" "$data" "$T/got"
right=$(sed -n 's/.*"correct": \([0-9]*\).*/\1/p' "$T/exact/metrics.json")
got=$(head -n 1 "$T/got")
echo "# evaluate: $right of $images right, ONNX: $got"
ok "as many right answers, within two" test "$((got - right))" -le 2 -a "$((right - got))" -le 2
tail -n +2 "$T/got" >"$T/classes"
differ=$("$py" -c '
import sys, numpy as np
print(int((np.load(sys.argv[1]) != np.loadtxt(sys.argv[2])).sum()))' "$T/exact/out/predictions.npy" "$T/classes")
echo "# another answer for $differ images"
ok "the same answers but for 1 %" test "$differ" -le $((images / 100))
done_testing
