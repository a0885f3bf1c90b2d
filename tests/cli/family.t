#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The stage family: what it writes is the same circuit in every format, and its
# figures are those that stage lut measures.
. "$AXPIPE_SRC/tests/lib/tap.sh"
family() { "$AXPIPE_SRC/tests/lib/stage" circuit/family "$T/w" "$@"; }

# shapes NAME SIGNED OP PARAMS...: every format through lut; one table, one set of figures
shapes() {
	name=$1 sign=$2 op=$3
	shift 3
	ok "$name is built" family signed="$sign" "$@"
	rm -rf "$T/f"
	cp -R "$T/w" "$T/f"
	for f in json txt blif v; do
		[ -e "$T/f/out/netlist.$f" ] || continue
		"$AXPIPE_SRC/tests/lib/stage" circuit/lut "$T/l" "in:netlist=$T/f/out/netlist.$f" signed="$sign" \
			op="\"$op\"" crosscheck=$([ $f = json ] && echo true || echo false) >"$T/log" 2>&1 || cat "$T/log"
		[ $f = json ] && cp "$T/l/out/lut.csv" "$T/first.csv" && mkdir -p "$T/first" && cp "$T/l/metrics.json" "$T/first"
		ok "$name: the table of its $f" cmp "$T/l/out/lut.csv" "$T/first.csv"
	done
	for m in wce mae mse bias transistors depth; do
		is "$name: $m as lut has it" "$(metric f $m)" "$(metric first $m)"
	done
}
if command -v iverilog >/dev/null 2>&1; then
	shapes "signed truncation with half of its worst case" true mul 'family="truncated"' k=5 'constant="half"'
	is "its formula" "$(grep -A 9 '"formula"' "$T/f/metrics.json" | sed -n 's/.*"wce": \([0-9]*\).*/\1/p')" 65
	shapes "5 x 6 DRUM" false mul 'family="drum"' k=3 width_a=5 width_b=6
	shapes "LOA" true add 'family="loa"' k=4 width_a=6 width_b=6
else
	skip "tables of every format" "Icarus Verilog is not installed"
fi
ok "a multiply-accumulate" family 'family="dadda"' width_a=4 width_b=4 addend=8
like "has three inputs" "$T/w/out/netlist.v" 'input \[7:0\] C'
like "is exact" "$T/w/metrics.json" '"wrong": 0'
like "on all of them" "$T/w/metrics.json" '"pairs": 65536'
ok "a wide one" family 'family="booth"' width_a=12 width_b=12 addend=24
like "is not tried" "$T/w/metrics.json" '"pairs": 0'
code "no such parameter" 1 family 'family="array"' k=3
like "says so" "$T/err" 'k: family array has no such parameter'
code "unsigned Baugh-Wooley" 1 family 'family="baugh_wooley"' signed=false
like "says what to take" "$T/err" 'take array, wallace or dadda'
code "an addend to a sum" 1 family 'family="loa"' k=2 addend=4
like "is refused" "$T/err" 'an addend is for products'
code "a value without its constant" 1 family 'family="truncated"' k=2 value=3
like "is refused, too" "$T/err" 'is used with constant "value"'
code "a constant too wide" 1 family 'family="adder_truncated"' k=2 'constant="value"' value=4
like "says how wide it may be" "$T/err" 'more than the 2 bits'
code "k beyond the operands" 1 family 'family="drum"' k=9
like "gives the range" "$T/err" 'k: 9; family drum takes 2 to 8'
done_testing
