#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The stages train, qat, evaluate and finetune on a real small training run:
# the same bytes for any number of threads and any SIMD level, and after a kill
# -9; bad inputs; and the published checkpoints where they are at hand.
. "$AXPIPE_SRC/tests/lib/tap.sh"
nn=$AXPIPE_BUILD/stages/nn

# job FOLDER STAGE CPUS PARAMS [INPUT=FILE...]: a work folder with its request
job() {
	j=$1 stage=$2 cpus=$3 params=$4
	shift 4
	mkdir -p "$j/in" "$j/out" "$j/tmp" "$j/checkpoint"
	inputs=
	for pair in "$@"; do
		ln -sf "${pair#*=}" "$j/in/${pair%%=*}"
		inputs="$inputs\"${pair%%=*}\":{\"path\":\"in/${pair%%=*}\",\"type\":\"any\"},"
	done
	resumable='"checkpoint":"checkpoint",'
	case $stage in
	evaluate) resumable= outputs='"classes":{"path":"out/classes.csv"},"predictions":{"path":"out/predictions.npy"}' ;;
	predictors) resumable= outputs='"table":{"path":"out/predictors.csv"}' ;;
	assign) resumable= outputs='"assignment":{"path":"out/assignment.json"},"layers":{"path":"out/layers.csv"},"lut":{"path":"out/lut.npy"}' ;;
	operands) resumable= outputs='"histogram":{"path":"out/histogram.json"},"layers":{"path":"out/layers.csv"}' ;;
	dataset) resumable= outputs='"dataset":{"path":"out/dataset.safetensors"},"preview":{"path":"out/preview.png"}' ;;
	*) outputs='"checkpoint":{"path":"out/checkpoint.safetensors"},"best":{"path":"out/best.safetensors"},"history":{"path":"out/history.csv"}' ;;
	esac
	echo "{\"axpipe\":1,\"stage\":\"$stage\",\"params\":$params,\"inputs\":{${inputs%,}},\"outputs\":{$outputs},$resumable\"cpus\":$cpus,\"tools\":{}}" >"$j/request.json"
}
# go FOLDER STAGE: runs it there
go() { (cd "$1" && exec "$nn/$2/run" >log 2>&1); }
sum() { cat "$1"/out/* | sha256sum | cut -c 1-64; }

fit='"t_max":0,"warmup":0,"schedule":"cosine","momentum":0.9,"nesterov":true,"weight_decay":0.0005,"label_smoothing":0,"flip":false,"crop":1,"test_limit":100'
small='{"family":"small-cnn","width":4}'
train="{\"network\":$small,\"epochs\":2,\"batch\":32,\"lr\":0.1,\"lr_min\":0.001,\"seed\":7,\"train_limit\":160,$fit}"
qat="{\"network\":null,\"epochs\":1,\"warmup_float\":1,\"calibration_batches\":2,\"batch\":32,\"lr\":0.05,\"lr_min\":0.001,\"seed\":7,\"train_limit\":160,$fit}"
tune="{\"network\":null,\"epochs\":1,\"batch\":32,\"lr\":0.0005,\"lr_min\":0.00001,\"seed\":7,\"train_limit\":96,$fit}"

job "$T/glyphs" dataset 2 '{"format":"glyphs","name":null,"classes":null,"train_count":400,"test_count":100,"seed":3,"mean":null,"std":null,"size":16,"channels":1,"noise":10,"jitter":50,"strays":1,"occlusion":10}'
ok "a small data set" go "$T/glyphs" dataset
data=$T/glyphs/out/dataset.safetensors

# a table that no arithmetic explains: the product with its low bits cut and
# 40 added, 16-bit
awk 'BEGIN {
	print "A,B,OUT"
	for (a = -128; a < 128; a++) for (b = -128; b < 128; b++) {
		p = a * b; r = p % 64; if (r < 0) r += 64
		printf "%d,%d,%d\n", a, b, p - r + 40
	}
}' >"$T/table.csv"

# --- threads and SIMD levels --------------------------------------------------
first=
same=yes
for simd in scalar avx2 avx512 avx512vbmi; do
	for cpus in 1 2; do
		d=$T/$simd$cpus
		AXPIPE_SIMD=$simd
		export AXPIPE_SIMD
		job "$d.t" train $cpus "$train" dataset="$data"
		go "$d.t" train || { same="train failed: $(tail -n 1 "$d.t/log")"; break 2; }
		job "$d.q" qat $cpus "$qat" dataset="$data" checkpoint="$d.t/out/checkpoint.safetensors"
		go "$d.q" qat || { same="qat failed: $(tail -n 1 "$d.q/log")"; break 2; }
		job "$d.f" finetune $cpus "$tune" dataset="$data" checkpoint="$d.q/out/checkpoint.safetensors" lut="$T/table.csv"
		go "$d.f" finetune || { same="finetune failed: $(tail -n 1 "$d.f/log")"; break 2; }
		job "$d.e" evaluate $cpus '{"network":null,"mode":null,"limit":0,"batch":48}' dataset="$data" checkpoint="$d.f/out/checkpoint.safetensors" lut="$T/table.csv"
		go "$d.e" evaluate || { same="evaluate failed: $(tail -n 1 "$d.e/log")"; break 2; }
		got=$(sum "$d.t")$(sum "$d.q")$(sum "$d.f")$(sum "$d.e")
		[ -n "$first" ] || first=$got
		[ "$got" = "$first" ] || same="$simd with $cpus threads differs"
	done
done
unset AXPIPE_SIMD
is "train, qat, finetune, evaluate: the same bytes at every SIMD level, 1 and 2 threads" "$same" yes
d=$T/scalar1
is "history has a row an epoch" "$(wc -l <"$d.t/out/history.csv")" 3
like "its header" "$d.t/out/history.csv" '^epoch,lr,train_loss,train_accuracy,test_loss,test_accuracy$'
like "metrics of a training" "$d.t/metrics.json" '"top5"'
like "metrics of qat: exact integers" "$d.q/metrics.json" '"int8"'
like "the best epoch is marked as chosen by the test set" "$d.f/metrics.json" '"selected_on": "test set"'
ok "scales by the published names" grep -aq 'conv1.act_in_quant.scale' "$d.q/out/checkpoint.safetensors"
is "predictions of all test images" "$(wc -c <"$d.e/out/predictions.npy" | tr -d ' ')" 328
like "classes" "$d.e/out/classes.csv" '^9,10,'

# without epochs under quantisation the scales are all: metrics are of them
qat0=$(echo "$qat" | sed 's/"epochs":1,"warmup_float":1/"epochs":0,"warmup_float":0,"width_act":4,"width_weight":4/')
job "$T/q0" qat 2 "$qat0" dataset="$data" checkpoint="$d.t/out/checkpoint.safetensors"
ok "qat of no epochs" go "$T/q0" qat
job "$T/q0e" evaluate 2 '{"network":null,"mode":null,"limit":0,"batch":48}' dataset="$data" checkpoint="$T/q0/out/checkpoint.safetensors"
go "$T/q0e" evaluate
loss() { sed -n 's/.*"loss": \([0-9.]*\).*/\1/p' "$1/metrics.json"; }
ok "measures what it calibrated: loss $(loss "$T/q0"), with exact integers $(loss "$T/q0e")" holds "($(loss "$T/q0") - $(loss "$T/q0e")) ^ 2 < 1e-8"

# --- statistics without training ----------------------------------------------
ck=$d.q/out/checkpoint.safetensors
bn='"bn_crop":1,"bn_flip":true,"bn_seed":1'
eval='"network":null,"mode":null,"limit":0,"batch":48'
first= same=yes
for level in "scalar 1" "scalar 2" "avx2 1" "avx512 2"; do
	AXPIPE_SIMD=${level% *}
	export AXPIPE_SIMD
	d=$T/bn.$AXPIPE_SIMD.${level#* }
	job "$d" evaluate "${level#* }" "{$eval,\"held_out\":0,\"bn_images\":200,$bn}" dataset="$data" checkpoint="$ck" lut="$T/table.csv"
	go "$d" evaluate || same="evaluate failed: $(tail -n 1 "$d/log")"
	job "$d.o" operands "${level#* }" '{"network":null,"images":50,"crop":1,"flip":true,"batch":16,"seed":4}' dataset="$data" checkpoint="$ck" lut="$T/table.csv"
	go "$d.o" operands || same="operands failed: $(tail -n 1 "$d.o/log")"
	got=$(sum "$d")$(sum "$d.o")
	[ -n "$first" ] || first=$got
	[ "$got" = "$first" ] || same="$level differs"
done
unset AXPIPE_SIMD
is "re-estimated batch norms, operand histograms: the same bytes at every SIMD level and number of threads" "$same" yes
like "how many images is a metric" "$d/metrics.json" '"bn_images": 200'
like "histogram by layer" "$d.o/out/histogram.json" '"name": "fc", "k": 16'
is "a row a layer" "$(wc -l <"$d.o/out/layers.csv" | tr -d ' ')" 5
ops='"network":null,"images":50,"crop":1,"flip":true,"batch":16,"seed":4'
job "$T/weigh" operands 1 "{$ops,\"weight\":{\"conv*\":2,\"conv1\":0.5}}" dataset="$data" checkpoint="$ck" lut="$T/table.csv"
ok "layers weighted" go "$T/weigh" operands
products() { sed -n 's/.*"products": \([0-9]*\),$/\1/p' "$1/out/histogram.json" | tr '\n' ' '; }
is "change their products alone" "$(products "$T/weigh")" "$(products "$d.o" | awk '{ print $1 / 2, $2 * 2, $3 * 2, $4, "" }')"
job "$T/weigh2" operands 1 "{$ops,\"weight\":{\"conf1\":2}}" dataset="$data" checkpoint="$ck"
code "a weight for no layer" 2 go "$T/weigh2" operands
job "$T/weigh3" operands 1 "{$ops,\"weight\":{\"fc\":0}}" dataset="$data" checkpoint="$ck"
code "a weight of nothing" 2 go "$T/weigh3" operands
job "$T/stored" evaluate 1 "{$eval,\"held_out\":0,\"bn_images\":0,$bn}" dataset="$data" checkpoint="$ck" lut="$T/table.csv"
go "$T/stored" evaluate
a=$(sed -n 's/.*"loss": \([0-9.]*\).*/\1/p' "$T/stored/metrics.json")
b=$(sed -n 's/.*"loss": \([0-9.]*\).*/\1/p' "$d/metrics.json")
ok "re-estimation takes the table's mean error out: loss $a to $b" holds "$b < $a"
hist=$T/bn.scalar.1.o/out/histogram.json
for how in global layer; do
	job "$T/$how" evaluate 1 "{$eval,\"bn_images\":200,$bn,\"remap\":\"$how\"}" dataset="$data" checkpoint="$ck" lut="$T/table.csv" histogram="$hist"
	ok "weight codes chosen for the table, $how" go "$T/$how" evaluate
	n=$(sed -n 's/.*"remapped": \([0-9.]*\).*/\1/p' "$T/$how/metrics.json")
	ok "$n of 256 codes change" holds "$n > 10 && $n < 256"
done
job "$T/noh" evaluate 1 "{$eval,\"remap\":\"layer\"}" dataset="$data" checkpoint="$ck" lut="$T/table.csv"
code "remap without a histogram" 2 go "$T/noh" evaluate
like "says what it needs" "$T/noh/log" "needs the input 'histogram'"
job "$T/zero" evaluate 1 "{$eval,\"zero_exact\":true}" dataset="$data" checkpoint="$ck" lut="$T/table.csv"
ok "the table made right at zero" go "$T/zero" evaluate
like "is marked" "$T/zero/metrics.json" '"zero_exact": true'

# two multipliers for the layers: the table at 10 a product, exact at 100
assign() { # FOLDER PARAMS
	f=$T/$1 p=$2
	case $p in *costs*) ;; *) p=$p,'"costs":[10]' ;; esac
	job "$f" assign 2 "{\"network\":null,\"exact_cost\":100,\"rho\":0.1,\"limit\":0,\"batch\":48,\"held_out\":0,\"bn_images\":100,$bn,$p}" dataset="$data" checkpoint="$ck" histogram="$hist" luts="$T/table.csv"
	sed -i 's/"luts":{"path":"in\/luts","type":"any"}/"luts":[{"path":"in\/luts","type":"lut","coords":{"k":5}}]/' "$f/request.json"
	go "$f" assign
}
ok "all exact within 100" assign as1 '"budget":100,"mode":"layers"'
is "costs 100: all of the budget" "$(metric as1 cost)" 100
ok "none exact within 10" assign as2 '"budget":10,"mode":"layers"'
is "costs 10" "$(metric as2 cost)" 10
like "is the table in each layer, named by its coordinates" "$T/as2/out/assignment.json" '"fc": "k=5"'
ok "some of both within 50" assign as3 '"budget":50,"mode":"layers"'
ok "costs $(metric as3 cost), damage $(metric as1 damage) < $(metric as3 damage) < $(metric as2 damage)" holds "$(metric as3 cost) <= 50 && $(metric as1 damage) < $(metric as3 damage) && $(metric as3 damage) < $(metric as2 damage)"
ok "one for all within 50" assign as4 '"budget":50,"mode":"one"'
is "is the table" "$(metric as4 cost)" 10
like "and there for others" "$T/as4/metrics.json" '"multiplier": "k=5"'
job "$T/as5" evaluate 2 "{$eval,\"held_out\":0,\"bn_images\":100,$bn}" dataset="$data" checkpoint="$ck" lut="$T/as4/out/lut.npy"
ok "evaluate with that table" go "$T/as5" evaluate
is "counts the same" "$(metric as5 loss)" "$(metric as4 loss)"
ok "one for all but conv1" assign as6 '"budget":60,"mode":"one","arith":{"conv1":"exact"}'
ok "has exact products there in its cost: $(metric as6 cost)" holds "$(metric as6 cost) > 10"
code "a budget below the cheapest" 1 assign as7 '"budget":9,"mode":"layers"'
like "says so" "$T/as7/log" 'at most the budget'
code "two costs for one table" 2 assign as8 '"budget":9,"mode":"layers","costs":[1,2]'
# two tables: their figures, and the accuracy that evaluate counts
job "$T/pre" predictors 2 "{\"network\":null,\"rho\":0.1,\"limit\":0,\"batch\":48,\"held_out\":0,\"bn_images\":100,$bn}" dataset="$data" checkpoint="$ck" histogram="$hist" a="$T/table.csv" b="$T/as1.lut.csv"
awk 'BEGIN { print "A,B,OUT"; for (a = -128; a < 128; a++) for (b = -128; b < 128; b++) printf "%d,%d,%d\n", a, b, a * b }' >"$T/as1.lut.csv"
sed -i 's/"a":{\("path":"in\/a",\)"type":"any"},"b":{\("path":"in\/b",\)"type":"any"}/"luts":[{\1"type":"lut","coords":{"k":5}},{\2"type":"lut","coords":{}}]/' "$T/pre/request.json"
ok "predictors of accuracy" go "$T/pre" predictors
like "a row a table" "$T/pre/out/predictors.csv" '^k=5,'
like "the exact one has no error" "$T/pre/out/predictors.csv" '^lut1,0,0,0,0,0,0,0,0,0,'
is "accuracy is that of evaluate" "$(sed -n 's/^k=5,.*,//p' "$T/pre/out/predictors.csv")" "$(metric as5 top1)"
job "$T/held" evaluate 1 "{$eval,\"held_out\":150,\"bn_images\":100000,$bn}" dataset="$data" checkpoint="$ck"
ok "held-out training images" go "$T/held" evaluate
like "are said to be that" "$T/held/metrics.json" '"part": "held-out training images"'
like "and are not among those of the statistics" "$T/held/metrics.json" '"bn_images": 250'
job "$T/held2" evaluate 1 "{$eval,\"held_out\":400,\"bn_images\":0,$bn}" dataset="$data" checkpoint="$ck"
code "all held out" 1 go "$T/held2" evaluate
like "leaves none" "$T/held2/log" 'some must be left'
d=$T/scalar1

# --- number formats ------------------------------------------------------------
table() { # WIDTH_A WIDTH_B SIGNED FACTOR: a * b * FACTOR plus a little
	awk -v n="$1" -v m="$2" -v s="$3" -v f="$4" 'BEGIN {
		print "A,B,OUT"
		for (a = -s * 2^(n-1); a < 2^(n-s); a++) for (b = -s * 2^(m-1); b < 2^(m-s); b++)
			printf "%d,%d,%d\n", a, b, (a * b + (a + b > 9)) * f
	}'
}
table 4 5 0 1 >"$T/u45.csv"
table 6 6 1 1 >"$T/s66.csv"
table 6 6 1 100000 >"$T/wide.csv"
formats='u45.csv:"width_act":4,"width_weight":5,"signed":false
u45.csv:"width_act":4,"width_weight":5,"signed":false,"act_asymmetric":true,"weight_asymmetric":true,"per_channel":true
s66.csv:"width_act":6,"width_weight":6,"signed":true,"act_asymmetric":true
s66.csv:"width_act":6,"width_weight":6,"signed":true,"per_channel":true'
n=0
echo "$formats" >"$T/formats"
while IFS= read -r line; do
	lut=$T/${line%%:*} f=${line#*:} n=$((n + 1))
	job "$T/n$n.q" qat 2 "$(echo "$qat" | sed "s/}\$/,$f}/")" dataset="$data" checkpoint="$d.t/out/checkpoint.safetensors"
	ok "format $n, quantised: $f" go "$T/n$n.q" qat
	job "$T/n$n.e" evaluate 2 '{"network":null,"mode":"int8","limit":0,"batch":48}' dataset="$data" checkpoint="$T/n$n.q/out/checkpoint.safetensors"
	ok "evaluated" go "$T/n$n.e" evaluate
	is "as qat measured it" "$(sed -n 's/.*"correct": //p' "$T/n$n.e/metrics.json" | tr -d ,)" \
		"$(sed -n '/"int8"/,/}/s/.*"correct": //p' "$T/n$n.q/metrics.json" | tr -d ,)"
	first=
	for simd in scalar avx512; do
		AXPIPE_SIMD=$simd
		export AXPIPE_SIMD
		job "$T/n$n.f$simd" finetune 2 "$tune" dataset="$data" checkpoint="$T/n$n.q/out/checkpoint.safetensors" lut="$lut"
		ok "tuned through its table, $simd" go "$T/n$n.f$simd" finetune
		first="$first $(sum "$T/n$n.f$simd")"
	done
	unset AXPIPE_SIMD
	ok "the same bytes" test "${first% *}" = " ${first##* }"
done <"$T/formats"
job "$T/n5" evaluate 2 '{"network":null,"mode":null,"limit":0,"batch":48}' dataset="$data" checkpoint="$T/n3.q/out/checkpoint.safetensors" lut="$T/wide.csv"
ok "a table of 32-bit values" go "$T/n5" evaluate
job "$T/n6" evaluate 1 '{"network":null,"mode":null,"limit":0,"batch":48}' dataset="$data" checkpoint="$T/n3.q/out/checkpoint.safetensors" lut="$T/u45.csv"
code "a table of another sign and width" 1 go "$T/n6" evaluate
like "says which" "$T/n6/log" "'conv1' multiplies signed codes of 6 x 6 bits, but the table is unsigned, 4 x 5 bits: give .* width_act 4, width_weight 5, signed false"
job "$T/n7" evaluate 1 '{"network":null,"mode":null,"limit":0,"batch":48,"width_act":8,"signed":null}' dataset="$data" checkpoint="$T/n3.q/out/checkpoint.safetensors" lut="$T/table.csv"
code "a format that the checkpoint has not" 1 go "$T/n7" evaluate
like "shows both" "$T/n7/log" '"act_bits":6.*"act_bits":8'

# --- as is, re-estimated, fine-tuned: side by side
job "$T/three" finetune 2 "$(echo "$tune" | sed 's/"train_limit":96,/"train_limit":0,/; s/}$/,"bn_images":200,"bn_crop":1,"bn_flip":true,"bn_seed":1}/')" dataset="$data" checkpoint="$ck" lut="$T/table.csv"
ok "fine-tuning from re-estimated batch norms" go "$T/three" finetune
figure() { perl -MJSON::PP -e 'local $/; open F, "<", shift; my $m = decode_json(<F>); $m = $m->{$_} for split /\./, shift; print $m' "$T/$1/metrics.json" "$2"; }
is "accuracy as is beside it, that of evaluate" "$(figure three as_is.correct)" "$(figure stored correct)"
is "and re-estimated" "$(figure three renormed.correct)" "$(figure bn.scalar.1 correct)"

# --- gradients of the table itself --------------------------------------------
slope=$(echo "$tune" | sed 's/}$/,"gradient":"slopes","gradient_window":8}/')
first=
for how in scalar:1 avx2:2 avx512vbmi:2; do
	AXPIPE_SIMD=${how%:*}
	export AXPIPE_SIMD
	job "$T/s$how" finetune "${how#*:}" "$slope" dataset="$data" checkpoint="$ck" lut="$T/table.csv"
	ok "gradients from slopes, $how" go "$T/s$how" finetune
	got=$(sum "$T/s$how")
	is "the same bytes" "$got" "${first:-$got}"
	first=$got
done
unset AXPIPE_SIMD
ok "not those of the exact product's" test "$first" != "$(sum "$d.f")"

# --- kill -9 and again --------------------------------------------------------
killed() { # NAME STAGE PARAMS INPUT=FILE...: twice, killed once in the second
	name=$1 stage=$2 params=$3
	shift 3
	job "$T/$name.w" "$stage" 1 "$params" "$@"
	ok "$stage: an undisturbed run" go "$T/$name.w" "$stage"
	# a run that ended before the kill came is begun again
	tries=0
	while [ $tries -lt 20 ]; do
		rm -rf "$T/$name.k"
		job "$T/$name.k" "$stage" 1 "$params" "$@"
		(cd "$T/$name.k" && exec "$nn/$stage/run") >"$T/killed.log" 2>&1 &
		pid=$!
		i=0
		while [ $i -lt 1000 ] && [ ! -e "$T/$name.k/checkpoint/state.safetensors" ]; do
			sleep 0.02
			i=$((i + 1))
		done
		kill -9 $pid 2>/dev/null
		wait $pid 2>/dev/null
		[ -e "$T/$name.k/out/checkpoint.safetensors" ] || break
		tries=$((tries + 1))
	done
	ok "$stage: a killed run leaves no output" test ! -e "$T/$name.k/out/checkpoint.safetensors"
	ok "$stage: the next try ends well" go "$T/$name.k" "$stage"
	like "$stage: it went on" "$T/$name.k/log" '^continuing with epoch'
	is "$stage: with the same bytes" "$(sum "$T/$name.k")" "$(sum "$T/$name.w")"
}
killed kt train "$(echo "$train" | sed 's/"epochs":2/"epochs":12/')" dataset="$data"
killed kq qat "$(echo "$qat" | sed 's/"epochs":1/"epochs":12/')" dataset="$data" checkpoint="$d.t/out/checkpoint.safetensors"
killed kf finetune "$(echo "$tune" | sed 's/"epochs":1/"epochs":12/')" dataset="$data" checkpoint="$d.q/out/checkpoint.safetensors" lut="$T/table.csv"

# --- which layers are approximate ---------------------------------------------
ck=$d.q/out/checkpoint.safetensors
see() { # FOLDER PARAMS [INPUT=FILE...]
	f=$T/$1 p=$2
	shift 2
	job "$f" evaluate 1 "{\"network\":null,\"limit\":0,\"batch\":48,$p}" dataset="$data" checkpoint="$ck" "$@"
	go "$f" evaluate
}
ok "exact products" see a1 '"mode":"int8"'
ok "products in float" see a2 '"mode":"float"'
ok "through the table" see a3 '"mode":"lut"' lut="$T/table.csv"
ok "the table, but every layer exact" see a4 '"mode":"lut","arith":{"*":"exact"}' lut="$T/table.csv"
ok "is exact" cmp "$T/a1/out/predictions.npy" "$T/a4/out/predictions.npy"
ok "the table, but every layer exempt" see a5 '"mode":"lut","arith":{"*":"skip"}' lut="$T/table.csv"
ok "is float" cmp "$T/a2/out/predictions.npy" "$T/a5/out/predictions.npy"
ok "two layers of four" see a6 '"mode":"lut","arith":{"conv?":"exact","conv1":"approx"}' lut="$T/table.csv"
loss() { sed -n 's/.*"loss": //p' "$T/$1/metrics.json"; }
ok "is neither: $(loss a3) $(loss a1) $(loss a6)" test "$(loss a6)" != "$(loss a3)" -a "$(loss a6)" != "$(loss a1)"
code "a pattern without a layer" 2 see a7 '"mode":"int8","arith":{"conf1":"exact"}'
like "names the nearest" "$T/a7/log" "did you mean 'conv1'"
job "$T/a8" finetune 1 "$(echo "$tune" | sed 's/"epochs":1/"epochs":1,"arith":{"conv*":"exact"}/')" dataset="$data" checkpoint="$ck" lut="$T/table.csv"
ok "fine-tuning with the table in one layer" go "$T/a8" finetune
ok "whose checkpoint keeps the choice" grep -aq 'arith.*conv3.*exact' "$T/a8/out/checkpoint.safetensors"

# --- what can be wrong --------------------------------------------------------
printf 'A,B,OUT\n0,0,0\n0,1,0\n1,0,0\n1,1,1\n' >"$T/small.csv"
job "$T/b1" evaluate 1 '{"network":null,"mode":"lut","limit":0,"batch":48}' dataset="$data" checkpoint="$ck" lut="$T/small.csv"
code "a table of the wrong size" 1 go "$T/b1" evaluate
like "says so" "$T/b1/log" '1 x 1 bits'
job "$T/b2" evaluate 1 '{"network":{"family":"small-cnn","width":5},"mode":"int8","limit":0,"batch":48}' dataset="$data" checkpoint="$ck"
code "a checkpoint that does not fit" 1 go "$T/b2" evaluate
like "names the tensor and both shapes" "$T/b2/log" 'conv1.weight.*\[4,1,3,3\].*\[5,1,3,3\]'
job "$T/b3" evaluate 1 '{"network":null,"mode":"int8","limit":0,"batch":48}' dataset="$data" checkpoint="$d.t/out/checkpoint.safetensors"
code "a checkpoint without scales" 1 go "$T/b3" evaluate
like "says where they come from" "$T/b3/log" 'has no scales.*qat'
cp "$ck" "$T/nan.safetensors"
chmod u+w "$T/nan.safetensors"
head_len=$(od -An -N8 -tu8 "$ck" | tr -d ' ')
at=$(dd if="$ck" bs=1 skip=8 count="$head_len" 2>/dev/null | sed 's/.*"conv2.act_in_quant.scale":{[^}]*"data_offsets":\[\([0-9]*\),.*/\1/')
printf '\000\000\300\177' | dd of="$T/nan.safetensors" bs=1 seek=$((8 + head_len + at)) conv=notrunc 2>/dev/null
job "$T/b3n" evaluate 1 '{"network":null,"mode":"int8","limit":0,"batch":48}' dataset="$data" checkpoint="$T/nan.safetensors"
code "a scale that is no number" 1 go "$T/b3n" evaluate
like "says which, what and what to do" "$T/b3n/log" "'conv2.act_in_quant.scale' holds nan at element 0.*qat"
job "$T/b4" evaluate 1 '{"network":null,"mode":"lut","limit":0,"batch":48}' dataset="$data" checkpoint="$ck"
code "no table" 2 go "$T/b4" evaluate
cp "$data" "$T/label.ds"
chmod u+w "$T/label.ds"
head_len=$(od -An -N8 -tu8 "$data" | tr -d ' ')
at=$(dd if="$data" bs=1 skip=8 count="$head_len" 2>/dev/null | sed 's/.*"train_labels":{[^}]*"data_offsets":\[\([0-9]*\),.*/\1/')
printf '\013\000' | dd of="$T/label.ds" bs=1 seek=$((8 + head_len + at)) conv=notrunc 2>/dev/null
job "$T/b5" train 1 "$train" dataset="$T/label.ds"
code "a label out of range" 1 go "$T/b5" train
like "names it" "$T/b5/log" 'label'
head -c 5000 "$ck" >"$T/cut.safetensors"
job "$T/b6" evaluate 1 '{"network":null,"mode":"int8","limit":0,"batch":48}' dataset="$data" checkpoint="$T/cut.safetensors"
code "a cut checkpoint" 1 go "$T/b6" evaluate
hot=$(echo "$train" | sed 's/"lr":0.1/"lr":1e30/')
job "$T/b7" train 1 "$hot" dataset="$data"
code "a training that diverges" 1 go "$T/b7" train
like "says what to do" "$T/b7/log" 'smaller lr'
job "$T/b8" train 1 "$(echo "$train" | sed "s/\"network\":[^}]*}/\"network\":null/")" dataset="$data"
code "no network" 2 go "$T/b8" train

job "$T/b9" finetune 1 "$(echo "$tune" | sed 's/"lr":0.0005/"lr":1e30/')" dataset="$data" checkpoint="$ck" lut="$T/table.csv"
code "weights that run away behind clamped codes" 1 go "$T/b9" finetune
like "are found" "$T/b9/log" "holds what is no number after epoch 1.*smaller lr"
job "$T/b10" finetune 1 "$(echo "$tune" | sed 's/"epochs":1/"epochs":0/')" dataset="$data" checkpoint="$ck" lut="$T/table.csv"
ok "fine-tuning of no epochs" go "$T/b10" finetune
ok "its best is what came in" cmp "$T/b10/out/best.safetensors" "$T/b10/out/checkpoint.safetensors"
like "and says so" "$T/b10/metrics.json" '"epoch": 0'
huge='{"layers":[{"op":"conv2d","name":"a","out":1,"kernel":1,"pad":20000},{"op":"globalpool"},{"op":"flatten"},{"op":"linear","name":"fc","out":10}]}'
job "$T/b11" train 1 "$(echo "$train" | sed "s/\"network\":[^}]*}/\"network\":$huge/;s/\"batch\":32/\"batch\":65536/")" dataset="$data"
code "a network beyond the memory" 3 go "$T/b11" train
like "is refused before it starts" "$T/b11/log" 'needs at least [0-9.]* GiB of memory for batches of 160 images'
job "$T/b12" evaluate 1 "{\"network\":$huge,\"mode\":null,\"limit\":0,\"batch\":48}" dataset="$data" checkpoint="$ck"
code "one that the checkpoint does not hold" 1 go "$T/b12" evaluate
like "takes no memory: that is seen first" "$T/b12/log" "the checkpoint has no tensor 'a.weight'"
job "$T/rgb" dataset 1 '{"format":"glyphs","name":null,"classes":null,"train_count":20,"test_count":20,"seed":3,"mean":null,"std":null,"size":8,"channels":3,"noise":10,"jitter":50,"strays":1,"occlusion":10}'
ok "another data set" go "$T/rgb" dataset
job "$T/b12" evaluate 1 '{"network":null,"mode":"int8","limit":0,"batch":48}' dataset="$T/rgb/out/dataset.safetensors" checkpoint="$ck"
code "a checkpoint of a network for other images" 1 go "$T/b12" evaluate
like "names the checkpoint and both shapes" "$T/b12/log" "input 'checkpoint' names does not fit"
like "names both shapes" "$T/b12/log" '\[1,16,16\].*\[3,8,8\]'

# --- the published network ----------------------------------------------------
dna=$AXPIPE_DATA/circuitsdna
if [ -n "$AXPIPE_DATA" ] && [ -e "$AXPIPE_DATA/cifar100/test.xz" ] && command -v xz >/dev/null; then
	xz -dc "$AXPIPE_DATA/cifar100/test.xz" >"$T/cifar.test"
	gzip -dc "$dna/extracted_truth_table_RWCE_0.005.csv.gz" >"$T/t005.csv"
	job "$T/cifar" dataset 2 '{"format":"auto","name":"cifar100","classes":null,"train_count":0,"test_count":0,"seed":0,"mean":[0.5071,0.4865,0.4409],"std":[0.2673,0.2564,0.2762],"size":16,"channels":1,"noise":0,"jitter":0,"strays":0,"occlusion":0}' test="$T/cifar.test"
	sed -i 's/"test":{"path":"in\/test","type":"any"}/"test":[{"path":"in\/test","type":"any"}]/' "$T/cifar/request.json"
	ok "CIFAR-100, test part" go "$T/cifar" dataset
	cifar=$T/cifar/out/dataset.safetensors
	r20='{"family":"resnet-cifar","depth":20}'
	job "$T/p1" evaluate 2 "{\"network\":$r20,\"mode\":\"int8\",\"limit\":1000,\"batch\":128}" dataset="$cifar" checkpoint="$dna/resnet20_cifar100_qat_int8.pt"
	ok "the published quantised network, exact products" go "$T/p1" evaluate
	n=$(sed -n 's/.*"correct": \([0-9]*\),/\1/p' "$T/p1/metrics.json")
	ok "694 of the first 1000 images, within 4: $n" test "$n" -ge 690 -a "$n" -le 698
	job "$T/p2" evaluate 2 "{\"network\":$r20,\"mode\":\"lut\",\"limit\":1000,\"batch\":128}" dataset="$cifar" checkpoint="$dna/resnet20_cifar100_qat_int8_lut_0.5_ft.pt" lut="$T/t005.csv"
	ok "the published fine-tuned network, table 0.005" go "$T/p2" evaluate
	n=$(sed -n 's/.*"correct": \([0-9]*\),/\1/p' "$T/p2/metrics.json")
	ok "678 of the first 1000 images, within 4: $n" test "$n" -ge 674 -a "$n" -le 682
else
	for n in 1 2 3 4 5; do skip "published network" "no CIFAR-100 or xz (AXPIPE_DATA)"; done
fi
done_testing
