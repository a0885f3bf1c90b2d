#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The stage evolve: same bytes whatever the threads, SIMD level and
# interruptions; clear refusals.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/lib/resume.sh"
stage=$AXPIPE_SRC/tests/lib/stage
run=$AXPIPE_BUILD/stages/circuit/evolve/run

# An exact unsigned 2x2 multiplier, as a dump.
cat >"$T/mul2.txt" <<'END'
# Netlist
INPUT n0
INPUT n1
INPUT n2
INPUT n3

v0_0 = AND(n0, n2)

v1_0 = AND(n1, n2)

v2_0 = AND(n0, n3)

v3_0 = AND(n1, n3)

v4_0 = XOR(v1_0, v2_0)

v5_0 = AND(v1_0, v2_0)

v6_0 = XOR(v3_0, v5_0)

v7_0 = AND(v3_0, v5_0)

OUT0 = v0_0
OUT1 = v4_0
OUT2 = v6_0
OUT3 = v7_0
END
# A 6x6 bit circuit that is 0 everywhere; only generated starts are any use.
{
	echo '# Netlist'
	for i in 0 1 2 3 4 5 6 7 8 9 10 11; do echo "INPUT n$i"; done
	printf '\nv0_0 = XOR(n0, n0)\n\n'
	for i in 0 1 2 3 4 5 6 7 8 9 10 11; do echo "OUT$i = v0_0"; done
} >"$T/zero6.txt"

sums() { (cd "$T/$1" && cat out/* metrics.json | sha256sum); }

# --- own search
ok 'own search runs' "$stage" circuit/evolve "$T/own" in:netlist="$T/mul2.txt" signed=false wce_abs=1 steps=16000
is '2x2 with error 1 is found' "$(metric own wce)" 1
ok 'and is smaller' test "$(metric own transistors)" -lt "$(metric own start_transistors)"
is 'history starts with a header' "$(head -n 1 "$T/own/out/history.csv")" 'step,transistors,gates,wce,rwce,nmed,er,mre'
ok 'no log is written' test ! -e "$T/own/out/log.txt"
ok 'both netlists are written' test -s "$T/own/out/netlist.txt" -a -s "$T/own/out/netlist.json"

# Operands of unlike widths, 11 and 2 bits: the dump tells the next stage.
ok 'unlike operands' "$stage" circuit/family "$T/f11" 'family="wallace"' width_a=11 width_b=2
ok 'are searched' "$stage" circuit/evolve "$T/e11" in:netlist="$T/f11/out/netlist.txt" wce_abs=3 steps=2000
ok 'and read' "$stage" circuit/lut "$T/l11" in:netlist="$T/e11/out/netlist.txt"
is 'with the same error' "$(metric l11 wce)" "$(metric e11 wce)"
is 'of 2048 rows and 4 columns' "$(wc -l <"$T/l11/out/lut.csv")" 8193

# A reference with other values than the product.
{
	echo A,B,OUT
	for a in 0 1 2 3; do for b in 0 1 2 3; do echo "$a,$b,$((a + b))"; done; done
} >"$T/sum.csv"
ok 'a reference table replaces the product' "$stage" circuit/evolve "$T/ref" in:netlist="$T/mul2.txt" \
	in:reference="$T/sum.csv" signed=false wce_abs=5 steps=8000
ok 'its bound holds' test "$(metric ref wce)" -le 5
ok 'of a sum, adders are starts' "$stage" circuit/evolve "$T/ref" in:netlist="$T/mul2.txt" \
	in:reference="$T/sum.csv" signed=false wce_abs=0 steps=8000
is 'exact ones' "$(metric ref wce)" 0
{
	echo A,B,OUT
	for a in 0 1 2 3; do for b in 0 1 2 3; do echo "$a,$b,$((3 - a))"; done; done
} >"$T/other.csv"
code 'the bound is kept' 1 "$stage" circuit/evolve "$T/bad" in:netlist="$T/mul2.txt" in:reference="$T/other.csv" signed=false wce_abs=0
like 'no start is said so' "$T/err" 'no feasible circuit to start from'

# What the given netlist computes is wanted: a multiply-accumulate of three
# operands, whose structures are starts; one of no known operation.
"$stage" circuit/family "$T/mac" 'family="dadda"' width_a=3 width_b=2 addend=4
ok 'a multiply-accumulate' "$stage" circuit/evolve "$T/em" in:netlist="$T/mac/out/netlist.json" 'function="netlist"' wce_abs=2 steps=8000
ok 'it shrinks within the bound' test "$(metric em wce)" -le 2 -a "$(metric em transistors)" -lt "$(metric mac transistors)"
ok 'it still has three operands' "$stage" circuit/evolve "$T/em2" in:netlist="$T/em/out/netlist.json" 'function="netlist"' wce_abs=0 steps=8000
is 'against itself it is exact' "$(metric em2 wce)" 0
is 'three input buses' "$(perl -MJSON::PP -e 'local $/; open F, "<", shift; my ($m) = values %{decode_json(<F>)->{modules}}; print join " ", map { $_ . @{$m->{ports}{$_}{bits}} } sort keys %{$m->{ports}}' "$T/em2/out/netlist.json")" 'A3 B2 C4 OUT6'
cat >"$T/odd.blif" <<'END'
.model odd
.inputs x0 x1 x2 x3 x4
.outputs y0 y1
.names x0 x1 x2 t
111 1
.names t x3 x4 y0
1-- 1
-11 1
.names x0 x4 y1
10 1
01 1
.end
END
ok 'any function' "$stage" circuit/evolve "$T/odd" in:netlist="$T/odd.blif" 'function="netlist"' signed=false wce_abs=0 steps=8000
is 'keeps its bound' "$(metric odd wce)" 0
code 'and no reference beside it' 2 "$stage" circuit/evolve "$T/bad" in:netlist="$T/odd.blif" 'function="netlist"' in:reference="$T/sum.csv"
like 'which is said' "$T/err" 'the netlist itself says what is wanted'

code 'a netlist above the bound' 0 "$stage" circuit/evolve "$T/above" in:netlist="$T/mul2.txt" signed=true wce_abs=0 steps=8000
like 'is replaced, which is said' "$T/err" 'given netlist is not used: its worst-case error'
code 'a cost of what is no gate' 2 "$stage" circuit/evolve "$T/cost" in:netlist="$T/mul2.txt" signed=false 'costs={"FOO":1}'
ok 'costs other than transistors' "$stage" circuit/evolve "$T/cost" in:netlist="$T/mul2.txt" signed=false wce_abs=0 \
	steps=8000 'costs={"NOR":0.5,"INV":0.25}'
ok 'are reported' test -n "$(metric cost cost)"
ok 'fewer gates' "$stage" circuit/evolve "$T/nand" in:netlist="$T/mul2.txt" signed=false wce_abs=0 steps=8000 'gates=["NAND"]'
is 'leave no others' "$(metric nand AND)$(metric nand OR)$(metric nand NOR)$(metric nand XOR)$(metric nand XNOR)" 00000

# --- the same bytes
ok 'two threads' "$stage" circuit/evolve "$T/two" in:netlist="$T/zero6.txt" wce=0.02 steps=48000
want=$(sums two)
again one two 's/"cpus":2/"cpus":1/'
(cd "$T/one" && "$run") >"$T/log" 2>&1
is 'one thread gives the same bytes' "$(sums one)" "$want"
for level in scalar avx2 avx512; do
	again simd two ''
	(cd "$T/simd" && AXPIPE_SIMD=$level "$run") >"$T/log" 2>&1
	is "$level gives the same bytes" "$(sums simd)" "$want"
done

again long two 's/"steps":48000/"steps":320000/'
(cd "$T/long" && "$run") >"$T/log" 2>&1
kill_resume resumed long

# --- checkpoints that do not fit are ignored
again other two ''
mkdir "$T/other/checkpoint"
sed '1s/-2$/-0/' "$T/state" >"$T/other/checkpoint/state"
(cd "$T/other" && "$run") >"$T/log" 2>&1
like 'checkpoint of another version' "$T/log" 'is of another version; starting from the beginning'
is 'same bytes' "$(sums other)" "$want"
again other own ''
mkdir "$T/other/checkpoint"
cp "$T/state" "$T/other/checkpoint/state"
(cd "$T/other" && "$run") >"$T/log" 2>&1
like 'checkpoint of another run' "$T/log" 'is of other inputs or parameters; starting from the beginning'
is 'same bytes' "$(sums other)" "$(sums own)"
again other long ''
mkdir "$T/other/checkpoint"
head -c 3000 "$T/state" >"$T/other/checkpoint/state"
(cd "$T/other" && "$run") >"$T/log" 2>&1
like 'checkpoint cut short' "$T/log" 'is damaged; starting from the beginning'

# --- other errors, under the operands of a network: activations 0 to 2, mostly 0
sed '/INPUT n8/,/INPUT n11/d; /OUT8/,$d' "$T/zero6.txt" >"$T/zero4.txt"
printf '{"axpipe_histogram":1,"images":1,"layers":[{"name":"x","k":9,"products":3,"a":{"bits":4,"signed":true,"total":10,"counts":[%s6,3,1%s]},"b":{"bits":4,"signed":true,"total":16,"counts":[%s1]}}]}' \
	"$(printf '0,%.0s' $(seq 8))" "$(printf ',0%.0s' $(seq 5))" "$(printf '1,%.0s' $(seq 15))" >"$T/few.json"
ok 'the error that a network sees' "$stage" circuit/evolve "$T/net" in:netlist="$T/zero4.txt" in:histogram="$T/few.json" 'error="network"' error_most=0.02 steps=8000
ok 'keeps its bound' awk "BEGIN { exit !($(metric net error) <= 0.02) }"
"$stage" circuit/lut "$T/netlut" in:netlist="$T/net/out/netlist.json" in:histogram="$T/few.json"
ok 'noise and coherent error are those of stage lut' perl -MJSON::PP -e 'local $/; open F, "<", shift; my $o = decode_json(<F>)->{operands}; exit !(abs($o->{noise} + 0.1 * $o->{coherent} ** 2 - shift) < 1e-12)' "$T/netlut/metrics.json" "$(metric net error)"
ok 'which all operands alike do not let be so small' "$stage" circuit/evolve "$T/even" in:netlist="$T/zero4.txt" 'error="network"' error_most=0.02 steps=8000
ok "$(metric net transistors) T, $(metric even transistors) T" test "$(metric net transistors)" -lt "$(metric even transistors)"
ok 'a bound on the largest error beside it, exact at zero' "$stage" circuit/evolve "$T/both" in:netlist="$T/zero4.txt" in:histogram="$T/few.json" 'error="mae"' error_most=1 wce_abs=12 zero_exact=true steps=4000
ok 'both hold' awk "BEGIN { exit !($(metric both error) <= 1 && $(metric both wce) <= 12) }"
again one net 's/"cpus":2/"cpus":1/'
(cd "$T/one" && AXPIPE_SIMD=scalar "$run") >"$T/log" 2>&1
is 'one thread and another SIMD level give the same bytes' "$(sums one)" "$(sums net)"
again longnet net 's/"steps":8000/"steps":60000/'
(cd "$T/longnet" && "$run") >"$T/log" 2>&1
kill_resume resumed-net longnet
code 'a histogram that would weigh nothing' 2 "$stage" circuit/evolve "$T/bad" in:netlist="$T/zero4.txt" in:histogram="$T/few.json"
like 'is refused' "$T/err" 'the largest error.*know no weights'
code 'an error without its bound' 2 "$stage" circuit/evolve "$T/bad" in:netlist="$T/zero4.txt" 'error="noise"'
like 'says so' "$T/err" 'error noise needs its bound, error_most'
code 'operands of another width' 1 "$stage" circuit/evolve "$T/bad" in:netlist="$T/mul2.txt" in:histogram="$T/few.json" 'error="mae"' error_most=1 signed=false
code 'the published algorithm' 2 "$stage" circuit/evolve "$T/bad" in:netlist="$T/zero4.txt" 'error="mae"' error_most=1 'algorithm="circuitsdna"'

# --- refusals
code 'not a netlist' 1 "$stage" circuit/evolve "$T/bad" in:netlist="$T/sum.csv"
ok 'says so' test -s "$T/err"
sed 's/v4_0 = XOR(v1_0/v4_0 = XOR(v9_0/' "$T/mul2.txt" >"$T/undriven.txt"
code 'undriven net' 1 "$stage" circuit/evolve "$T/bad" in:netlist="$T/undriven.txt"
like 'names the line' "$T/err" 'netlist:[0-9]+'
sed '/INPUT n3/d; s/n3/n2/' "$T/mul2.txt" >"$T/three.txt"
code 'odd number of input bits' 1 "$stage" circuit/evolve "$T/bad" in:netlist="$T/three.txt"
like 'says what is wanted' "$T/err" 'two operands A and B'
{ echo '# Netlist'; i=0; while [ $i -lt 30 ]; do echo "INPUT n$i"; i=$((i + 1)); done; printf '\nOUT0 = n0\n'; } >"$T/wide.txt"
code 'operands too wide' 1 "$stage" circuit/evolve "$T/bad" in:netlist="$T/wide.txt"
like 'says the limit' "$T/err" '2 to 12 bits'
code 'published algorithm on 2x2' 1 "$stage" circuit/evolve "$T/bad" in:netlist="$T/mul2.txt" signed=false 'algorithm="circuitsdna"'
like 'says what it is for' "$T/err" 'signed multipliers of 8 x 8'

# --- the published algorithm
seed=$AXPIPE_DATA/circuitsdna/seed_netlist.txt
if [ -n "$AXPIPE_DATA" ] && [ -f "$seed" ]; then
	ok 'published search' "$stage" circuit/evolve "$T/ga" in:netlist="$seed" 'algorithm="circuitsdna"' wce=0.1 generations=520
	is 'as many transistors as then' "$(sed -n 's/^500 [^ ]* \([^ ]*\) .*/\1/p' "$T/ga/out/log.txt")" 1948
	is 'log line 18' "$(sed -n 19p "$T/ga/out/log.txt")" \
		'18 0.000895962 2638 512 0.000232324 0.841415 0.000610352 0.00616257 0.0217605'
	again ga1 ga 's/"cpus":2/"cpus":1/'
	(cd "$T/ga1" && AXPIPE_SIMD=avx2 "$run") >"$T/log" 2>&1
	is 'one thread and another SIMD level give the same bytes' "$(sums ga1)" "$(sums ga)"
	kill_resume resumed-ga ga
	sed 's/^OUT15 = .*/OUT15 = n0/' "$seed" >"$T/broken.txt"
	code 'no feasible circuit' 1 "$stage" circuit/evolve "$T/bad" in:netlist="$T/broken.txt" 'algorithm="circuitsdna"' generations=3
	like 'is said so' "$T/err" 'no feasible circuit: after 3 generations'
else
	skip 'published search' 'AXPIPE_DATA has no circuitsdna/seed_netlist.txt'
fi
done_testing
