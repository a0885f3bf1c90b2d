#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Files that mean harm, given to the stages as a checkpoint: exit code 1, an
# error that names the input, no crash, no memory beyond reason, nothing called;
# and what was in the store stays there.
. "$AXPIPE_SRC/tests/lib/tap.sh"
nn=$AXPIPE_BUILD/stages/nn
mkdir "$T/bad"

cat >"$T/m.json" <<'EOF'
{"axpipe": 1, "name": "hostile", "vars": {"file": "none"},
 "inputs": {"given": {"file": "${file}"}},
 "stages": {
  "glyphs": {"stage": "dataset", "params": {"format": "glyphs", "train_count": 200, "test_count": 50}},
  "qat": {"stage": "qat", "in": {"dataset": "glyphs.dataset"},
   "params": {"network": {"family": "small-cnn", "width": 4}, "epochs": 1, "warmup_float": 1, "batch": 32, "crop": 0, "flip": false}},
  "eval": {"stage": "evaluate", "in": {"dataset": "glyphs.dataset", "checkpoint": "given"},
   "params": {"network": {"family": "small-cnn", "width": 4}, "mode": "float"}}}}
EOF
run() { "$AXPIPE_BUILD/axpipe" run "$T/m.json" --store "$T/store" "$@"; }
touch "$T/none"
ok "a network to harm" run --set "file=$T/none" qat
good=$(find "$T/store" -type f -size +4k -exec grep -lq conv1.w_quant.scale {} \; -print | head -n 1)
ok "its checkpoint" test -n "$good"
if ! ok "files that mean harm" python3 "$AXPIPE_SRC/tests/lib/hostile.py" "$good" "$T/bad"; then
	done_testing
	exit 1
fi

# the address sanitizer reserves terabytes
limit=3000000
if sanitized; then limit=unlimited; fi
mkdir -p "$T/j/in" "$T/j/out" "$T/j/tmp"
data=$(find "$T/store" -type f -size +4k -exec grep -lq test_labels {} \; -print | head -n 1)
ln -s "$data" "$T/j/in/dataset"
try() { # FILE MODE: evaluate it, in at most 3 GB and 60 s
	rm -f "$T/j/in/checkpoint" "$T/j/out"/*
	ln -s "$1" "$T/j/in/checkpoint"
	net='{"family":"small-cnn","width":4}'
	case $1 in */network-*) net=null ;; esac
	echo "{\"axpipe\":1,\"stage\":\"evaluate\",\"params\":{\"network\":$net,\"mode\":\"$2\",\"limit\":0,\"batch\":50},\"inputs\":{\"dataset\":{\"path\":\"in/dataset\",\"type\":\"any\"},\"checkpoint\":{\"path\":\"in/checkpoint\",\"type\":\"any\"}},\"outputs\":{\"classes\":{\"path\":\"out/c\"},\"predictions\":{\"path\":\"out/p\"}},\"cpus\":1,\"tools\":{}}" >"$T/j/request.json"
	(cd "$T/j" && ulimit -v $limit && exec timeout 60 "$nn/evaluate/run" >log 2>&1)
}
for f in "$T"/bad/*; do
	name=${f##*/} mode=float
	case $name in *.safetensors | *.npz) mode=int8 ;; esac
	try "$f" $mode
	rc=$?
	case $name in
	fine*) is "$name is read" "$rc" 0 ;;
	*)
		is "$name is refused: $(tail -n 1 "$T/j/log" | cut -c 1-150 | tr '#\000-\037' '.')" "$rc" 1
		ok "and nothing comes out" test ! -e "$T/j/out/p" -a -s "$T/j/log"
		;;
	esac
done
ok "nothing was called" test ! -e "$T/bad/harm"
like "the last error names the input" "$T/j/log" 'checkpoint'

# a request that no pipeline makes: once this took no images at a time, for ever
for batch in 0 -1; do
	sed "s/\"batch\":[-0-9]*/\"batch\":$batch/" "$T/j/request.json" >"$T/j/r"
	rm -f "$T/j/in/checkpoint" "$T/j/out"/*
	ln -s "$T/bad/fine.pt" "$T/j/in/checkpoint"
	mv "$T/j/r" "$T/j/request.json"
	(cd "$T/j" && exec timeout 60 "$nn/evaluate/run" >log 2>&1)
	is "batches of $batch images are refused" "$?" 2
	like "and it says which parameter" "$T/j/log" "'batch'"
done

# --- through the program: what was there stays --------------------------------
run --set "file=$T/bad/call-os.system.pt" >"$T/said" 2>&1
is "the program: a stage failed" "$?" 1
like "and says what was refused" "$T/said" "global 'os.system' is refused"
run --set "file=$T/bad/weight-nan.safetensors" >"$T/said" 2>&1
is "likewise" "$?" 1
like "and names the tensor" "$T/said" "'conv2.weight' holds nan"
ok "the store is whole" "$AXPIPE_BUILD/axpipe" fsck --store "$T/store"
run --set "file=$T/bad/fine.pt" >"$T/said" 2>&1
is "and a good file works, with all else from the store" "$?" 0
like "two nodes of three" "$T/said" '1 executed, 2 cached'
done_testing
