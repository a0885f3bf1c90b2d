#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The stage front: what it writes, that rules and bounds hold, the same bytes
# whatever the threads, SIMD level and interruptions; clear refusals.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/lib/resume.sh"
stage=$AXPIPE_SRC/tests/lib/stage
run=$AXPIPE_BUILD/stages/circuit/front/run
tree=front

# column WORK FILE NAME: of a CSV output
column() {
	awk -F, -v want="$3" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == want) c = i; next } { print $c }' "$T/$1/out/$2"
}
sums() { (cd "$T/$1" && find out metrics.json -type f | LC_ALL=C sort | xargs cat | sha256sum); }
# histogram FILE: operands of two layers, 4 bits signed, a never negative
histogram() {
	cat >"$1" <<-'END'
	{"axpipe_histogram": 1, "images": 10, "layers": [
	 {"name": "one", "k": 9, "products": 100,
	  "a": {"bits": 4, "signed": true, "total": 64, "counts": [0,0,0,0,0,0,0,0,30,10,8,6,4,3,2,1]},
	  "b": {"bits": 4, "signed": true, "total": 32, "counts": [0,0,0,0,1,2,4,6,6,6,4,2,1,0,0,0]}},
	 {"name": "two", "k": 18, "products": 300,
	  "a": {"bits": 4, "signed": true, "total": 16, "counts": [0,0,0,0,0,0,0,0,8,4,2,1,1,0,0,0]},
	  "b": {"bits": 4, "signed": true, "total": 16, "counts": [0,0,0,0,0,0,1,3,6,4,2,0,0,0,0,0]}}]}
	END
}

# --- a front by the mean error
ok 'front by mae' "$stage" circuit/front "$T/mae" a_bits=4 b_bits=4 steps=4000 'bounds=[0.25,1.25,0]' 'budgets=[150]'
ok 'bounds hold, in the order given' test "$(value mae '$m->{bound_0}{error} <= 0.25 && $m->{bound_1}{error} <= 1.25 && $m->{bound_2}{error} == 0')" = 1
ok 'a looser bound costs less' test "$(value mae '$m->{bound_1}{cost} < $m->{bound_0}{cost} && $m->{bound_0}{cost} < $m->{bound_2}{cost}')" = 1
ok 'the budget is kept' test "$(value mae '$m->{budget_0}{transistors} <= 150')" = 1
is 'costs rise along the front' "$(column mae front.csv cost)" "$(column mae front.csv cost | sort -n -u)"
is 'errors fall' "$(column mae front.csv error)" "$(column mae front.csv error | sort -g -r -u)"
is 'one row for each circuit' "$(column mae front.csv id | wc -l)" "$(value mae '$m->{points}')"
ok 'most structures are beaten' test "$(value mae '2 * $m->{beaten} > $m->{baselines}')" = 1
is 'every structure is drawn' "$(column mae baselines.csv error | wc -l)" "$(value mae '$m->{baselines}')"
n=$(value mae '$m->{points}')
for end in json txt blif v; do
	is "$end for each circuit" "$(find "$T/mae/out/front/circuits" -name "*.$end" | wc -l)" "$n"
done
is 'a table for each circuit' "$(find "$T/mae/out/front/tables" -name '*.npy' | wc -l)" "$n"
is 'history has its header' "$(head -n 1 "$T/mae/out/history.csv")" target,kind,value,step,error,cost
ok 'and rows' test "$(wc -l <"$T/mae/out/history.csv")" -gt 3

# Another program's simulation of what was written, against the figures.
id=$(value mae '$m->{bound_1}{id}')
ok 'lut measures the Verilog' "$stage" circuit/lut "$T/lut" "in:netlist=$T/mae/out/front/circuits/$id.v"
is 'it has the error of the front' "$(value lut '$m->{mae}')" "$(value mae '$m->{bound_1}{error}')"
"$stage" circuit/lut "$T/lut" "in:netlist=$T/mae/out/front/circuits/$id.txt"
is 'the dump has its transistors' "$(value lut '$m->{transistors}')" "$(value mae '$m->{bound_1}{transistors}')"
cmp -s "$T/lut/out/lut.npy" "$T/mae/out/front/tables/$id.npy"
is 'the table is that of the netlist' $? 0

# --- every metric, and rules
for metric in wce nmed mre er mse bias noise coherent network; do
	ok "front by $metric" "$stage" circuit/front "$T/m" a_bits=3 b_bits=3 steps=1000 islands=2 "error=\"$metric\"" points=8
	is "$metric: errors fall" "$(column m front.csv error)" "$(column m front.csv error | sort -g -r -u)"
done
ok 'room for three' "$stage" circuit/front "$T/m" a_bits=3 b_bits=3 steps=1000 islands=2 points=3 'bounds=[1]'
is 'least_error is that of what was written' "$(value m '$m->{least_error}')" "$(column m front.csv error | sort -g | head -n 1)"
is 'least_transistors, too' "$(value m '$m->{least_transistors}')" "$(column m front.csv transistors | sort -n | head -n 1)"
ok 'adders' "$stage" circuit/front "$T/add" 'op="add"' a_bits=4 b_bits=5 steps=1000 islands=2 signed=false 'bounds=[0,1]'
is 'an exact one is among them' "$(value add '$m->{bound_0}{error}')" 0
ok 'an approximate one is smaller' test "$(value add '$m->{bound_1}{cost} < $m->{bound_0}{cost}')" = 1
ok 'rules' "$stage" circuit/front "$T/rules" a_bits=4 b_bits=4 steps=2000 signed=false zero_exact=true not_above=true wce_most=20 'bounds=[2,4]'
is 'the result is right wherever an operand is 0' "$(column rules front.csv zero_exact | sort -u)" 1
is 'no error is larger than wce_most' "$(column rules front.csv wce | awk '$1 > 20')" ''
id=$(value rules '$m->{bound_1}{id}')
"$stage" circuit/lut "$T/lut" "in:netlist=$T/rules/out/front/circuits/$id.blif" signed=false
is 'no result is above the right one' "$(awk -F, 'NR > 1 && $3 > $1 * $2' "$T/lut/out/lut.csv")" ''
ok 'there are errors, though' test "$(value lut '$m->{wce} > 0')" = 1
ok 'commutative' "$stage" circuit/front "$T/comm" a_bits=3 b_bits=3 steps=2000 commutative=true 'bounds=[2]'
is 'all of them are' "$(column comm front.csv commutative | sort -u)" 1
ok 'one of them is no structure' test "$(value comm '$m->{bound_0}{error} > 0')" = 1

# --- operands of a network
histogram "$T/h.json"
ok 'weighted by operands' "$stage" circuit/front "$T/net" a_bits=4 b_bits=4 steps=3000 'error="network"' zero_exact=true in:histogram="$T/h.json" 'bounds=[0.05]'
ok 'the bound holds' test "$(value net '$m->{bound_0}{error} <= 0.05')" = 1
id=$(value net '$m->{bound_0}{id}')
"$stage" circuit/lut "$T/lut" "in:netlist=$T/net/out/front/circuits/$id.json" in:histogram="$T/h.json"
is 'the stage lut sees the same noise' "$(value lut '$m->{operands}{noise}')" \
	"$(perl -MJSON::PP -e 'local $/; open F, "<", shift; my $id = shift; print map { $_->{noise} } grep { $_->{id} eq $id } @{decode_json(<F>)->{points}}' "$T/net/out/front/front.json" "$id")"
ok 'it is smaller than one for all operands alike' test "$(value net '$m->{bound_0}{transistors}')" -lt 380

# --- the same bytes
ok 'two threads' "$stage" circuit/front "$T/two" a_bits=5 b_bits=4 steps=4000 'error="noise"' 'bounds=[0.001,0.01]' 'budgets=[200]'
want=$(sums two)
again one two 's/"cpus":2/"cpus":1/'
(cd "$T/one" && "$run") >"$T/log" 2>&1
is 'one thread gives the same bytes' "$(sums one)" "$want"
for level in scalar avx2 avx512; do
	again simd two ''
	(cd "$T/simd" && AXPIPE_SIMD=$level "$run") >"$T/log" 2>&1
	is "$level gives the same bytes" "$(sums simd)" "$want"
done
again long two 's/"steps":4000/"steps":20000/'
(cd "$T/long" && "$run") >"$T/log" 2>&1
kill_resume resumed long
again islands long 's/"error":"noise"/"error":"wce"/; s/\[0.001,0.01\]/[9,30]/'
(cd "$T/islands" && "$run") >"$T/log" 2>&1
cp "$T/state" "$T/state.noise"
kill_resume resumed2 islands

# --- checkpoints that do not fit are refused, and kept
again other two ''
mkdir "$T/other/checkpoint"
sed '1s/^axpipe-search-/axpipe-search-0/' "$T/state.noise" >"$T/other/checkpoint/state"
cp "$T/other/checkpoint/state" "$T/old"
(cd "$T/other" && "$run") >"$T/log" 2>&1
like 'checkpoint of another version' "$T/log" 'is of another version; it is refused and kept as checkpoint/state.refused'
ok 'nothing is lost' cmp -s "$T/old" "$T/other/checkpoint/state.refused"
is 'same bytes' "$(sums other)" "$want"

# --- refusals
bad() {
	what=$1 rc=$2 says=$3
	shift 3
	code "$what" "$rc" "$stage" circuit/front "$T/bad" a_bits=4 b_bits=4 steps=100 "$@"
	like "$what: says so" "$T/err" "$says"
}
bad 'unknown metric' 2 'no metric "mea", did you mean "mae"' 'error="mea"'
bad 'bound out of range' 2 'er is at most 1' 'error="er"' 'bounds=[1.5]'
bad 'budget out of range' 2 'out of range' 'budgets=[1e12]'
sed 's/"total": 64/"total": 65/' "$T/h.json" >"$T/sum.json"
bad 'histogram that does not sum' 2 'total' 'error="network"' in:histogram="$T/sum.json"
code 'histogram of other widths' 1 "$stage" circuit/front "$T/bad" a_bits=5 b_bits=4 'error="network"' in:histogram="$T/h.json"
like 'says which' "$T/err" 'operand a of the layer "one" has 4 bits'
"$stage" circuit/front "$T/five" a_bits=5 b_bits=4 steps=100 'bounds=[0]' >/dev/null 2>&1
bad 'netlist of other widths' 1 'operands of 5 and 4 bits' in:netlist="$T/five/out/front/circuits/c001.json"
bad 'areas without a library' 2 'wire the input liberty' 'cost="area"'
"$stage" circuit/lut "$T/lut" "in:netlist=$T/mae/out/front/circuits/c001.txt"
bad 'rules that no start keeps' 1 'none keeps' wce_most=0 in:reference="$T/lut/out/lut.npy"
code 'operands that cannot change places' 2 "$stage" circuit/front "$T/bad" a_bits=4 b_bits=5 commutative=true
like 'says why' "$T/err" 'cannot change places'
done_testing
