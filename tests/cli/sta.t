#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The stage sta: real OpenSTA on small netlists and on the published ones.
. "$AXPIPE_SRC/tests/lib/tap.sh"
stage=$AXPIPE_SRC/tests/lib/stage
lib=/usr/share/qflow/tech/osu018/osu018_stdcells.lib

sta() { "$stage" eda/sta "$T/w" in:netlist="$T/n.v" "$@"; }
calc() { awk "BEGIN { printf \"%.5f\", $1 }"; }
cat >"$T/n.v" <<'E'
module mult(A, B, OUT);
	input [1:0] A;
	input [1:0] B;
	output [4:0] OUT;
	wire x;
	NAND2X1 u0(.A(A[0]), .B(B[0]), .Y(x));
	INVX1 u1(.A(x), .Y(OUT[0]));
	assign OUT[1] = x;
	assign OUT[2] = A[1];
	assign OUT[3] = 1'b1;
	assign OUT[4] = 1'h0;
endmodule
E
code "a small netlist" 0 sta in:liberty="$lib"
is "endpoints: not the constants" "$(metric w endpoints)" 3
is "two cells on the worst path" "$(metric w stages)" 2
is "which ends at OUT[0]" "$(metric w end)" "OUT[0]"
is "a wire violates hold by 0.08" "$(metric w whs)" -0.08
like "and stands in the table" "$T/w/out/slacks.csv" '^hold,OUT\[2\],A\[1\],-0.080000,0.010000,0.090000$'
ok "that is a metric" test "$(metric w hold_violations)" -ge 1
is "min_period is period less slack" "$(metric w min_period)" "$(awk "BEGIN { printf \"%.7g\", 10 - $(metric w wns) }")"
is "arrival and slack make 9.85" "$(calc "$(metric w arrival) + $(metric w wns)")" 9.85000
power=$(metric w power)
is "the slack table" "$(head -n 1 "$T/w/out/slacks.csv")" check,endpoint,startpoint,slack,arrival,required
is "has three setup rows" "$(grep -c '^setup,' "$T/w/out/slacks.csv")" 3
like "the path names cells" "$T/w/out/critical_path.csv" '^2,u1/Y,INVX1,'
digest() { cat "$1/out/"* "$1/metrics.json" | sha256sum; }
"$stage" eda/sta "$T/other/w" in:netlist="$T/n.v" in:liberty="$lib" >/dev/null 2>&1
is "same bytes in another folder" "$(digest "$T/other/w")" "$(digest "$T/w")"

code "a fast clock is a metric" 0 sta in:liberty="$lib" clock_period=0.2
ok "with negative slack" holds "$(metric w wns) < 0 && $(metric w tns) < 0 && $(metric w violations) > 0"
code "or a failure, if so asked" 1 sta in:liberty="$lib" clock_period=0.2 fail_on_violation=true
like "which names the endpoint" "$T/err" 'endpoints violate setup; worst slack .* OUT'
code "hold likewise" 1 sta in:liberty="$lib" fail_on_hold=true
code "more activity" 0 sta in:liberty="$lib" activity=0.5
ok "means more power" holds "$(metric w power) > 2 * $power"

# the library's numbers read as picoseconds: delays are a thousandth
code "a netlist without input delay" 0 sta in:liberty="$lib" input_delay_max=0
slow=$(metric w arrival)
sed -e 's/time_unit : "1ns"/time_unit : "1ps"/' "$lib" >"$T/ps.lib"
code "a library in picoseconds" 0 sta in:liberty="$T/ps.lib" input_delay_max=0
ok "metrics are still in ns" holds "$(metric w arrival) * 1000 > 0.5 * $slow && $(metric w arrival) * 1000 < 2 * $slow"
is "and so are the constraints" "$(calc "$(metric w arrival) + $(metric w wns)")" 9.85000

cat >"$T/c.sdc" <<'E'
create_clock -name c -period 4
set_input_delay 0 -clock c [all_inputs]
set_output_delay 1 -clock c [all_outputs]
E
code "a given SDC" 0 sta in:liberty="$lib" in:sdc="$T/c.sdc"
is "replaces the parameters" "$(calc "$(metric w arrival) + $(metric w wns)")" 3.00000
is "period and all" "$(calc "$(metric w min_period) + $(metric w wns)")" 4.00000
echo 'create_clok x' >"$T/c.sdc"
code "a broken SDC" 1 sta in:liberty="$lib" in:sdc="$T/c.sdc"
like "is blamed" "$T/err" 'refuses the constraints'
cat >>"$T/c.sdc" <<'E'
create_clock -name c -period 4
set_input_delay 0 -clock c [all_inputs]
set_output_delay 1 -clock c [all_outputs]
set_max_delay 0.01 -from A[0]
E
sed -i '/clok/d' "$T/c.sdc"
code "an SDC with two path groups" 0 sta in:liberty="$lib" in:sdc="$T/c.sdc"
is "counts each endpoint once" "$(metric w endpoints)" 3
is "in the table, too" "$(grep -c '^setup,' "$T/w/out/slacks.csv")" 3
printf 'create_clock -name c -period 4\nset_input_delay 0 -clock c [get_ports nope]\n' >"$T/c.sdc"
code "an SDC for another design" 1 sta in:liberty="$lib" in:sdc="$T/c.sdc"
like "is told what is not there" "$T/err" "port 'nope' not found"
sed 's/assign OUT\[2\] = A\[1\]/assign {OUT[2]} = {A[1]}/' "$T/n.v" >"$T/bad.v"
code "a concatenation on the left" 1 "$stage" eda/sta "$T/w" in:netlist="$T/bad.v" in:liberty="$lib"
like "is told how to avoid it" "$T/err" 'simple-lhs'
is "and no echo of it" "$(grep -c 'Error: no network' "$T/err")" 0
sed 's/INVX1/INVX9/' "$T/n.v" >"$T/bad.v"
code "an unknown cell" 1 "$stage" eda/sta "$T/w" in:netlist="$T/bad.v" in:liberty="$lib"
like "is named" "$T/err" 'INVX9'
code "another top" 1 sta in:liberty="$lib" 'top="mul"'
like "is explained" "$T/err" 'parameter top'
echo 'module mult(A; endmodule' >"$T/bad.v"
code "broken Verilog" 1 "$stage" eda/sta "$T/w" in:netlist="$T/bad.v" in:liberty="$lib"
echo 'library(x) { cell(' >"$T/bad.lib"
code "a broken library" 1 sta in:liberty="$T/bad.lib"
like "is blamed, too" "$T/err" 'refuses the library'
printf '#!/bin/sh\nsleep 60 & wait\n' >"$T/fake"
chmod +x "$T/fake"
code "a tool that hangs is killed" 1 sta in:liberty="$lib" tool:sta="$T/fake" tool_timeout=1
printf '#!/bin/sh\necho "@@AX BEGIN"\nexit 0\n' >"$T/fake"
code "exit 0 without an answer is no success" 1 sta in:liberty="$lib" tool:sta="$T/fake"
printf '#!/bin/sh\necho "@@AX END setup x y"\necho "@@AX DONE"\n' >"$T/fake"
code "nor is an answer that cannot be read" 1 sta in:liberty="$lib" tool:sta="$T/fake"

if [ -n "$AXPIPE_DATA" ]; then
	gzip -dc "$AXPIPE_DATA/gf180/"*.lib.gz >"$T/gf.lib"
	while read -r f arrival wns power leak; do
		"$stage" eda/map "$T/m" in:netlist="$AXPIPE_DATA/circuitsdna/$f.txt" in:liberty="$T/gf.lib" >/dev/null 2>&1
		cp "$T/m/out/netlist.v" "$T/n.v"
		sta in:liberty="$T/gf.lib" >/dev/null 2>&1
		is "$f: arrival, WNS, power, leakage" "$(printf '%.4f %+.4f %.4f %.2f' "$(metric w arrival)" \
			"$(metric w wns)" "$(metric w power)" "$(metric w leakage)")" "$arrival $wns $power $leak"
	done <<'E'
seed_netlist 9.7873 +0.0627 1.0911 48.32
netlist_output_RWCE_0.001 10.4600 -0.6100 0.9022 43.75
netlist_output_RWCE_0.02 10.7763 -0.9263 0.6663 30.86
netlist_output_RWCE_0.1 9.9115 -0.0615 0.3212 17.91
E
	is "and a wire's hold slack" "$(metric w whs)" -0.08
else
	skip "published netlists on GF180" "no AXPIPE_DATA"
fi
done_testing
