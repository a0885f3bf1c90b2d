#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Random netlists, read by axpipe and by others: what convert writes of a BLIF
# file is proven equal to what ABC and Yosys read in the same file. The files
# have several models, both output planes, don't-cares, covers of more than six
# inputs, constants, undriven nets, cells, comments and broken lines.
# AXPIPE_TEST_ROUNDS netlists (default 60); AXPIPE_TEST_SEED chooses others.
. "$AXPIPE_SRC/tests/lib/tap.sh"
for tool in yosys berkeley-abc perl; do
	if ! command -v $tool >/dev/null 2>&1; then
		skip "random netlists" "$tool is not installed"
		done_testing
	fi
done
cat >"$T/random.pl" <<'EOP'
use strict;
my ($seed, $undriven, $empty) = @ARGV;
srand($seed);
sub pick { $_[int rand @_] }
sub names {
	my ($n, @nets) = @_;
	my @in = map { pick(@nets) } 1 .. $n;
	my $plane = rand() < 0.35 ? 0 : 1;
	my $rows = $n == 0 ? int rand 2 : $empty && rand() < 0.1 ? 0 : 1 + int rand 5;
	my @rows;
	do {
		@rows = map { join '', map { pick(0, 1, '-', '-') } 1 .. $n } 1 .. $rows;
	} while ($n && !$empty && tautology($n, @rows));
	return (\@in, join '', map { $_ . ($n ? pick(' ', "\t", '  ') : '') . "$plane\n" } @rows);
}
# every pattern of n inputs is in one of the rows
sub tautology {
	my ($n, @rows) = @_;
	s/-/./g for @rows;
	my $any = join '|', @rows;
	for (0 .. (1 << $n) - 1) {
		return 0 unless sprintf("%0${n}b", $_) =~ /^(?:$any)$/;
	}
	return 1;
}
sub line {
	my @w = @_;
	my $s = '';
	while (@w) {
		$s .= shift @w;
		last unless @w;
		$s .= rand() < 0.08 ? pick(" \\\n", " \\\n\t", "\\\n ") : ' ';
	}
	return $s . (rand() < 0.1 ? ' # a comment' : '') . "\n";
}
sub body {
	my ($in, $out, $gates, @models) = @_;
	my @nets = @$in;
	my $s = '';
	my $k = 0;
	for (1 .. $gates) {
		my $y = 'w' . $k++;
		my $r = rand();
		if (@models && $r < 0.25) {
			my $m = pick(@models);
			my @ys = map { 'w' . $k++ } @{$m->{out}};
			my @c = ((map { "$_=" . pick(@nets) } @{$m->{in}}),
				map { "$m->{out}[$_]=$ys[$_]" } 0 .. $#ys);
			@c = sort { rand() <=> 0.5 } @c;
			$s .= line('.subckt', $m->{name}, @c);
			push @nets, @ys;
			next;
		}
		my $n = $r < 0.32 ? 0 : $r < 0.4 ? 1 : $r < 0.95 ? 2 + int rand 4 : 7 + int rand 4;
		my ($ins, $rows) = names($n, @nets, $undriven && rand() < 0.03 ? ('nobody') : ());
		$s .= line('.names', @$ins, $y) . $rows;
		$s .= "# between\n\n" if rand() < 0.05;
		push @nets, $y;
	}
	for (@$out) {
		my $from = pick(@nets[int(@nets / 2) .. $#nets]);
		$s .= line('.names', $from, $_) . (rand() < 0.8 ? "1 1\n" : "0 1\n");
	}
	return $s;
}
my (@models, $text);
for my $i (1 .. int rand 4) {
	my @in = map { "p$_" } 1 .. 1 + int rand 4;
	my @out = map { "q$_" } 1 .. 1 + int rand 3;
	my $name = "m$i";
	my $s = line('.model', $name) . line('.inputs', @in) . line('.outputs', @out) .
		body(\@in, \@out, 1 + int rand 8, @models) . ".end\n\n";
	unshift @models, {name => $name, in => \@in, out => \@out};
	$text = $s . ($text // '');
}
my @in = map { "i$_" } 1 .. 3 + int rand 8;
my @out = map { "o$_" } 1 .. 1 + int rand 6;
my $half = int(@in / 2);
print "# random $seed\n", line('.model', 'top'), line('.inputs', @in[0 .. $half - 1]), line('.inputs', @in[$half .. $#in]),
	line('.outputs', @out), body(\@in, \@out, 5 + int rand 40, @models), ".end\n", $text // '';
EOP
same() {
	for f in a:$1 b:$2; do
		berkeley-abc -q "read_blif ${f#*:}; strash; write_aiger $T/${f%%:*}.aig"
	done >"$T/abc.log" 2>&1
	berkeley-abc -q "cec -n $T/a.aig $T/b.aig" >>"$T/abc.log" 2>&1
}
rounds=${AXPIPE_TEST_ROUNDS:-60}
first=${AXPIPE_TEST_SEED:-1}
i=0
while [ $i -lt "$rounds" ]; do
	seed=$((first + i))
	i=$((i + 1))
	perl "$T/random.pl" "$seed" $((seed % 3 == 0)) $((seed % 4 == 0)) >"$T/in.blif"
	# Yosys knows no comments behind words and no tabs
	perl -0pe 's/#[^\n]*//g; s/\\\s*\n\s*/ /g; s/[ \t]+/ /g; s/ +\n/\n/g' "$T/in.blif" >"$T/plain.blif"
	code "$seed: axpipe reads it" 0 "$AXPIPE_SRC/tests/lib/stage" circuit/convert "$T/w" in:netlist="$T/in.blif"
	if grep -q nobody "$T/in.blif"; then
		like "$seed: and warns of the undriven net" "$T/err" 'nobody has no driver and reads as 0'
	fi
	o=$T/w/out
	# ABC takes no empty cover that has inputs, and no tautology
	if [ $((seed % 4)) != 0 ]; then
		same "$T/in.blif" "$o/netlist.blif"
		like "$seed: ABC: equivalent" "$T/abc.log" 'Networks are equivalent'
	fi
	for f in v json; do
		case $f in v) read="read_verilog $o/netlist.v" ;; json) read="read_json $o/netlist.json" ;; esac
		yosys -q -p "read_blif $T/plain.blif; hierarchy -top top; flatten; setundef -zero -undriven; rename top gold; delete m*
			design -stash gold
			$read; rename mult gate; design -stash gate
			design -copy-from gold gold; design -copy-from gate gate
			miter -equiv -flatten -make_outputs gold gate miter
			hierarchy -top miter; sat -verify -prove trigger 0 miter" >"$T/yosys.log" 2>&1
		if [ $? = 0 ]; then pass "$seed: Yosys proves the $f"; else
			fail "$seed: Yosys proves the $f"
			tail -n 20 "$T/yosys.log" | sed 's/^/# /'
			cp "$T/in.blif" "${TMPDIR:-/tmp}/axpipe-netlists-$seed.blif"
		fi
	done
	# as Verilog of several modules, with operators or with gates
	yosys -q -p "read_blif $T/plain.blif; hierarchy -top top; setundef -zero -undriven; techmap; opt_clean
		write_verilog $([ $((seed % 2)) = 0 ] && echo -noexpr) $T/many.v" >"$T/yosys.log" 2>&1 || cat "$T/yosys.log"
	code "$seed: axpipe reads Yosys's $(grep -c '^module' "$T/many.v") modules" 0 \
		"$AXPIPE_SRC/tests/lib/stage" circuit/convert "$T/w2" in:netlist="$T/many.v"
	same "$o/netlist.blif" "$T/w2/out/netlist.blif"
	like "$seed: and they are the same circuit" "$T/abc.log" 'Networks are equivalent'
	"$AXPIPE_SRC/tests/lib/stage" circuit/convert "$T/w2" in:netlist="$o/netlist.txt" >"$T/log" 2>&1
	same "$o/netlist.blif" "$T/w2/out/netlist.blif"
	like "$seed: so is the dump, by place" "$T/abc.log" 'Networks are equivalent'
done
done_testing
