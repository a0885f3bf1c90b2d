#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The stage export: ONNX files, read back by python3-onnx, give the accuracy and
# the answers of the stage evaluate, in every number format and for every kind
# of layer; .safetensors and .npy hold the same tensors.
. "$AXPIPE_SRC/tests/lib/tap.sh"
nn=$AXPIPE_BUILD/stages/nn

# job FOLDER STAGE PARAMS OUTPUTS [INPUT=FILE...]: runs it there
job() {
	j=$T/$1 stage=$2 params=$3 outputs=$4
	shift 4
	mkdir -p "$j/in" "$j/out/arrays" "$j/tmp" "$j/checkpoint"
	inputs=
	for pair in "$@"; do
		ln -sf "${pair#*=}" "$j/in/${pair%%=*}"
		inputs="$inputs\"${pair%%=*}\":{\"path\":\"in/${pair%%=*}\",\"type\":\"any\"},"
	done
	echo "{\"axpipe\":1,\"stage\":\"$stage\",\"params\":$params,\"inputs\":{${inputs%,}},\"outputs\":{$outputs},\"checkpoint\":\"checkpoint\",\"cpus\":2,\"tools\":{}}" >"$j/request.json"
	(cd "$j" && exec "$nn/$stage/run" >log 2>&1)
}
trained='"checkpoint":{"path":"out/c.safetensors"},"history":{"path":"out/history.csv"}'
evaluated='"classes":{"path":"out/classes.csv"},"predictions":{"path":"out/predictions.npy"}'
exported='"onnx":{"path":"out/m.onnx"},"checkpoint":{"path":"out/c.safetensors"},"arrays":{"path":"out/arrays"}'

ok "a small data set" job glyphs dataset '{"format":"glyphs","name":null,"classes":null,"train_count":600,"test_count":200,"seed":3,"mean":null,"std":null,"size":16,"channels":1,"noise":10,"jitter":50,"strays":1,"occlusion":10}' \
	'"dataset":{"path":"out/d.safetensors"},"preview":{"path":"out/preview.png"}'
data=$T/glyphs/out/d.safetensors
fit='"t_max":0,"warmup":0,"schedule":"cosine","momentum":0.9,"nesterov":true,"weight_decay":0.0005,"label_smoothing":0,"flip":false,"crop":1,"test_limit":0,"train_limit":0,"batch":32,"lr_min":0.001,"seed":7,"epochs":2,"lr":0.05,"warmup_float":1,"calibration_batches":2'
# every kind of layer, also in odd places
all='{"layers":[
 {"op":"conv2d","name":"c1","out":8,"kernel":3,"pad":1},{"op":"batchnorm","name":"b1"},{"op":"relu6","name":"a"},
 {"op":"conv2d","name":"dw","out":8,"kernel":[3,2],"stride":[2,1],"pad":[1,0],"groups":8,"bias":true},{"op":"leakyrelu"},
 {"op":"conv2d","name":"pw","out":12,"kernel":1,"arith":"exact"},{"op":"batchnorm","name":"b2"},{"op":"relu","slope":0.125,"max":4,"name":"r"},
 {"op":"conv2d","name":"sk","out":12,"kernel":1,"in":"r","arith":"float"},{"op":"add","with":"r"},
 {"op":"maxpool","kernel":3,"stride":2,"pad":1},{"op":"avgpool","kernel":[2,3],"stride":1,"pad":[1,0]},{"op":"relu"},
 {"op":"flatten"},{"op":"linear","name":"f1","out":24},{"op":"batchnorm","name":"b3"},{"op":"relu"},
 {"op":"conv2d","name":"late","out":20,"kernel":1,"bias":true},{"op":"globalpool"},{"op":"linear","name":"f2","out":10,"bias":false}]}'

# Debian's own python first: another may stand in front of it
py=/usr/bin/python3 have=yes
"$py" -c 'import onnx, numpy' 2>/dev/null || py=python3
"$py" -c 'import onnx, numpy' 2>/dev/null || have=
n=0
same() { # NETWORK FORMAT
	n=$((n + 1))
	f=${2:+,$2}
	ok "network $n${2:+: $2}" job "q$n" qat "{\"network\":$1,$fit$f}" "$trained" dataset="$data"
	ck=$T/q$n/out/c.safetensors
	ok "evaluated" job "e$n" evaluate '{"network":null,"mode":"int8","limit":0,"batch":48}' "$evaluated" dataset="$data" checkpoint="$ck"
	ok "exported" job "x$n" export '{"network":null}' "$exported" dataset="$data" checkpoint="$ck"
	ok "the checkpoint is what came in" cmp "$ck" "$T/x$n/out/c.safetensors"
	if [ -z "$have" ]; then
		for x in 1 2 3; do skip "ONNX read back" "no python3-onnx"; done
		return
	fi
	ok "ONNX is well-formed and runs" sh -c '"$1" "$2" "$3" "$4" >"$5"' - "$py" "$AXPIPE_SRC/tests/lib/onnx_run.py" "$T/x$n/out/m.onnx" "$data" "$T/got"
	right=$(sed -n 's/.*"correct": \([0-9]*\).*/\1/p' "$T/e$n/metrics.json")
	is "with the same accuracy" "$(head -n 1 "$T/got")" "$right"
	tail -n +2 "$T/got" >"$T/classes"
	ok "the same answer for each image" "$py" -c '
import sys, numpy as np
a, b = np.load(sys.argv[1]), np.loadtxt(sys.argv[2])
sys.exit(len(a) != 200 or bool((a != b).any()))' "$T/e$n/out/predictions.npy" "$T/classes"
}
same '{"family":"small-cnn","width":4}' ''
same "$(echo "$all" | tr -d '\n')" ''
same "$(echo "$all" | tr -d '\n')" '"width_act":6,"width_weight":5,"signed":false,"act_asymmetric":true,"weight_asymmetric":true,"per_channel":true'
same '{"family":"resnet-cifar","depth":8,"width":4}' '"per_channel":true,"act_asymmetric":true'
same '{"family":"mlp","hidden":[20]}' '"signed":false'

if [ -n "$have" ]; then
	ok "each .npy is the tensor of the .safetensors" "$py" - "$T/x2/out" <<'EOF'
import json, os, struct, sys
import numpy as np
root = sys.argv[1]
data = open(root + "/c.safetensors", "rb").read()
n = struct.unpack("<Q", data[:8])[0]
head = json.loads(data[8:8 + n])
head.pop("__metadata__")
kinds = {"F32": "<f4", "I64": "<i8", "I32": "<i4"}
assert sorted(head) == sorted(f[:-4] for f in os.listdir(root + "/arrays"))
for name, t in head.items():
    a, b = t["data_offsets"]
    want = np.frombuffer(data[8 + n + a:8 + n + b], kinds[t["dtype"]]).reshape(t["shape"])
    got = np.load(root + "/arrays/" + name + ".npy")
    assert got.dtype == want.dtype and got.shape == want.shape and (got == want).all(), name
EOF
	ok "a .npz of numpy comes in" "$py" - "$T/x2/out/arrays" "$T/n.npz" <<'EOF'
import os, sys
import numpy as np
np.savez(sys.argv[2], **{f[:-4]: np.load(sys.argv[1] + "/" + f) for f in os.listdir(sys.argv[1])})
EOF
	ok "a compressed one" "$py" - "$T/x2/out/arrays" "$T/z.npz" <<'EOF'
import os, sys
import numpy as np
np.savez_compressed(sys.argv[2], **{f[:-4]: np.load(sys.argv[1] + "/" + f) for f in os.listdir(sys.argv[1])})
EOF
	one=$(echo "$all" | tr -d '\n')
	one="{\"network\":$one,\"mode\":\"int8\",\"limit\":0,\"batch\":48}"
	ok "evaluated from it" job vn evaluate "$one" "$evaluated" dataset="$data" checkpoint="$T/n.npz"
	ok "to the same answers" cmp "$T/vn/out/predictions.npy" "$T/e2/out/predictions.npy"
	code "a compressed one is refused" 1 job vz evaluate "$one" "$evaluated" dataset="$data" checkpoint="$T/z.npz"
	like "with the way out" "$T/vz/log" 'compressed member.*numpy.savez'
else
	for x in 1 2 3 4 5 6 7; do skip "arrays" "no python3-onnx"; done
fi
code "a checkpoint that does not name its network" 2 job y1 export '{"network":null}' "$exported" checkpoint="$T/x1/out/arrays/conv1.weight.npy"
like "says so" "$T/y1/log" 'does not say what network'
job y2 export '{"network":{"family":"small-cnn","width":4,"classes":10}}' "$exported" checkpoint="$T/q1/out/c.safetensors"
ok "without a data set the description gives the shape" cmp "$T/y2/out/c.safetensors" "$T/q1/out/c.safetensors"
done_testing
