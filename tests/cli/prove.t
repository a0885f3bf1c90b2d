#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The stage prove: verdicts against all pairs, counterexamples, a time limit
# that is no verdict.
. "$AXPIPE_SRC/tests/lib/tap.sh"
stage=$AXPIPE_SRC/tests/lib/stage

# multiplier BITS DROP: an unsigned one in BLIF, column after column, without
# its lowest DROP columns
multiplier() {
	perl -e '
		my ($n, $drop) = @ARGV;
		my (@q, @text, $k);
		sub gate { my ($rows, @in) = @_; my $o = "w" . $k++; push @text, ".names @in $o\n$rows"; $o }
		for my $i (0..$n-1) { for my $j (0..$n-1) { push @{$q[$i+$j]}, gate("11 1\n", "A[$i]", "B[$j]") if $i + $j >= $drop } }
		my $zero = gate("");
		for my $c (0..2*$n-1) {
			while (@{$q[$c] || []} > 1) {
				my ($x, $y) = splice @{$q[$c]}, 0, 2;
				my $z = @{$q[$c]} ? shift @{$q[$c]} : $zero;
				push @{$q[$c]}, gate("100 1\n010 1\n001 1\n111 1\n", $x, $y, $z);
				push @{$q[$c+1]}, gate("11- 1\n1-1 1\n-11 1\n", $x, $y, $z);
			}
			push @text, ".names " . ($q[$c] && $q[$c][0] || $zero) . " OUT[$c]\n1 1\n";
		}
		print ".model m\n.inputs ", join(" ", map("A[$_]", 0..$n-1), map("B[$_]", 0..$n-1)), "\n";
		print ".outputs ", join(" ", map("OUT[$_]", 0..2*$n-1)), "\n", @text, ".end\n";
	' "$1" "$2"
}
prove() {
	name=$1
	shift
	"$stage" circuit/prove "$T/$name" "$@" signed=false
}

multiplier 5 0 >"$T/exact.blif"
multiplier 5 3 >"$T/cut.blif" # 1 + 2 x 2 + 3 x 4 = 17 are missing
ok 'an exact multiplier' prove eq in:netlist="$T/exact.blif"
is 'is proved' "$(metric eq verdict)" PROVED
is 'all pairs agree' "$(metric eq simulated)" agrees
ok 'a bound that holds' prove holds in:netlist="$T/cut.blif" wce=17
is 'is proved' "$(metric holds verdict)" PROVED
is 'it is the least' "$(metric holds simulated_wce)" 17
ok 'a bound that does not' prove breaks in:netlist="$T/cut.blif" wce=16
is 'is refuted' "$(metric breaks verdict)" REFUTED
like 'with operands' "$T/breaks/out/report.txt" '^A = [0-9]+, B = [0-9]+: [0-9]+, exact [0-9]+ \(simulated\)$'
a=$(metric breaks a) b=$(metric breaks b) got=$(metric breaks got)
ok 'that have such an error' test $((a * b - got)) -gt 16
ok 'as signed numbers it is wrong' "$stage" circuit/prove "$T/sign" in:netlist="$T/exact.blif" signed=true
is 'which is refuted' "$(metric sign verdict)" REFUTED
ok 'against a circuit' prove ref in:netlist="$T/cut.blif" in:reference="$T/exact.blif" wce=17
is 'is proved' "$(metric ref verdict)" PROVED

# every bound of a signed family: the step from REFUTED to PROVED is the error
ok 'an approximate signed one' "$stage" circuit/family "$T/fam" 'family="truncated"' width_a=4 width_b=4 k=3
wce=$(metric fam wce)
for bound in $((wce - 1)) "$wce"; do
	"$stage" circuit/prove "$T/step" in:netlist="$T/fam/out/netlist.json" wce="$bound" >"$T/log" 2>&1
	[ "$bound" = "$wce" ] && want=PROVED || want=REFUTED
	is "bound $bound" "$(metric step verdict)" $want
done

# --- sums: the low 6 bits ORed, and what the top one of them carries; at most 32 off
adder() { # BITS SIGNED
	perl -e '
		my ($n, $sign) = @ARGV;
		my ($c, @text) = "c5";
		for my $i (0..5) { push @text, ".names A[$i] B[$i] OUT[$i]\n1- 1\n-1 1\n" }
		push @text, ".names A[5] B[5] c5\n11 1\n";
		for my $i (6..$n) {
			my $j = $i < $n ? $i : $n - 1;
			push @text, ".names A[$j] B[$j] $c OUT[$i]\n100 1\n010 1\n001 1\n111 1\n", ".names A[$j] B[$j] $c c$i\n11- 1\n1-1 1\n-11 1\n" if $i < $n || $sign;
			push @text, ".names $c OUT[$i]\n1 1\n" if $i == $n && !$sign;
			$c = "c$i";
		}
		print ".model m\n.inputs ", join(" ", map("A[$_]", 0..$n-1), map("B[$_]", 0..$n-1)), "\n";
		print ".outputs ", join(" ", map("OUT[$_]", 0..$n)), "\n", @text, ".end\n";
	' "$1" "$2"
}
for bits in 16 48; do
	for sign in 0 1; do
		adder $bits $sign >"$T/loa.blif"
		[ $sign = 1 ] && signed=true || signed=false
		for bound in 31 32; do
			"$stage" circuit/prove "$T/loa" in:netlist="$T/loa.blif" op='"add"' signed=$signed wce=$bound >"$T/log" 2>&1
			[ $bound = 32 ] && want=PROVED || want=REFUTED
			is "a sum of $bits bits, signed $signed, bound $bound" "$(metric loa verdict)" $want
		done
	done
done
ok 'one of the other sign' "$stage" circuit/prove "$T/loa" in:netlist="$T/loa.blif" op='"add"' signed=false wce=32
is 'is refuted' "$(metric loa verdict)" REFUTED

# --- beyond all pairs
multiplier 16 0 >"$T/exact16.blif"
ok '16 x 16, exact' prove exact16 in:netlist="$T/exact16.blif"
is 'is proved' "$(metric exact16 verdict)" PROVED
multiplier 16 3 >"$T/cut16.blif"
ok '16 x 16, a bound that breaks' prove wide in:netlist="$T/cut16.blif" wce=16
is 'is refuted' "$(metric wide verdict)" REFUTED
is 'and nothing was simulated' "$(metric wide simulated)" 'not run'
multiplier 20 20 >"$T/hard.blif"
ok 'a question beyond reach' prove hard in:netlist="$T/hard.blif" wce=19922945 timeout=1
is 'has no verdict' "$(metric hard verdict)" UNKNOWN
like 'with the reason' "$T/hard/out/report.txt" 'no answer within 1 s'

# what SAT cannot decide, all pairs do
multiplier 11 11 >"$T/cut11.blif" # the sum of k 2^(k-1), k = 1..11
ok 'a bound that is hard for SAT' prove all in:netlist="$T/cut11.blif" wce=20481 timeout=6
is 'is proved' "$(metric all verdict)" PROVED
# a quarter of the time is for SAT; it may do on a quick machine
if [ "$(metric all method)" = ABC ]; then
	skip 'by all pairs' 'SAT was quick enough'
else
	is 'by all pairs' "$(metric all method)" 'all pairs'
fi
ok 'where they may be simulated' prove few in:netlist="$T/cut11.blif" wce=20481 timeout=1 simulate=21
is 'else not' "$(metric few verdict)" UNKNOWN

# --- refusals
# of a result in two ports one is not taken for the whole
cat >"$T/split.v" <<'END'
module t(A, B, lo, hi); input [1:0] A, B; output [1:0] lo, hi;
assign lo = A; assign hi = B; endmodule
END
sed 's/hi = B/hi = ~B/' "$T/split.v" >"$T/split2.v"
code 'a result in two ports' 1 prove bad in:netlist="$T/split.v" in:reference="$T/split2.v"
like 'is not PROVED by its first' "$T/err" '2 output ports, of which lo is only the first'
code 'operands of other widths' 1 prove bad in:netlist="$T/cut.blif" in:reference="$T/cut16.blif"
like 'says which' "$T/err" 'reference: operands of 16 and 16 bits'
echo 'not a netlist' >"$T/rubbish"
code 'rubbish' 1 prove bad in:netlist="$T/rubbish"
done_testing
