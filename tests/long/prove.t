#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The stage prove at 12 bits: of each family the error that all operands have is
# PROVED, one less REFUTED with operands that show it (a minute).
. "$AXPIPE_SRC/tests/lib/tap.sh"
stage=$AXPIPE_SRC/tests/lib/stage
while read -r family a b sign k h op; do
	what="$family $a x $b, signed $sign"
	"$stage" circuit/family "$T/f" family="\"$family\"" width_a="$a" width_b="$b" signed="$sign" k="$k" h="$h" >"$T/log" 2>&1 || cat "$T/log"
	wce=$(metric f wce)
	for bound in "$wce" $((wce - 1)); do
		"$stage" circuit/prove "$T/p" in:netlist="$T/f/out/netlist.json" op="\"$op\"" signed="$sign" wce="$bound" timeout=20 >"$T/log" 2>&1 || cat "$T/log"
		[ "$bound" = "$wce" ] && want=PROVED || want=REFUTED
		is "$what: bound $bound" "$(metric p verdict)" $want
	done
	x=$(metric p a) y=$(metric p b)
	[ "$op" = mul ] && e=$((x * y - $(metric p got))) || e=$((x + y - $(metric p got)))
	is "$what: the operands have that error" "${e#-}" "$wce"
done <<END
truncated 12 12 true 10 0 mul
truncated 12 8 false 8 0 mul
broken_array 12 12 false 9 3 mul
broken_array 12 12 true 8 2 mul
drum 12 12 true 6 0 mul
mitchell 12 12 false 0 0 mul
loa 12 12 true 6 0 add
eta 12 12 false 6 0 add
gear 12 12 false 4 4 add
adder_truncated 12 12 true 5 0 add
END
done_testing
