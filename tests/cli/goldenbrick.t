#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The stage goldenbrick, run by hand in a work folder.
. "$AXPIPE_SRC/tests/lib/tap.sh"
run="$AXPIPE_BUILD/stages/eda/goldenbrick/run"

# brick OP A B SIGNED: runs it in $T/w
brick() {
	rm -rf "$T/w"
	mkdir -p "$T/w/out" "$T/w/in" "$T/w/tmp"
	cat >"$T/w/request.json" <<EOF
{"axpipe":1,"stage":"goldenbrick","params":{"op":"$1","width_a":$2,"width_b":$3,"signed":$4},"inputs":{},
"outputs":{"golden":{"path":"out/golden.txt"},"table":{"path":"out/golden.npy"}},"seed":0,"cpus":1,"tools":{}}
EOF
	(cd "$T/w" && "$run")
}
sum() { sha256sum "$1" | cut -d' ' -f1; }

ok "8 x 8 signed product" brick mul 8 8 true
is "the digest of the reference" "$(sum "$T/w/out/golden.txt")" e6b3fe02431a03fa7b0ee26d164815f99b7b5d1c9aeb0e80cb5503fc7c42a0c9
is "first line" "$(head -n 1 "$T/w/out/golden.txt")" "A = 10000000 B = 10000000 RESULT = 0100000000000000"
is "size of the table: 128 bytes of header, int16" "$(wc -c <"$T/w/out/golden.npy")" $((128 + 65536 * 2))
like "metrics" "$T/w/metrics.json" '"max": 16384'

ok "1 x 3 unsigned sum" brick add 1 3 false
is "all of it" "$(tail -n 9 "$T/w/out/golden.txt" | head -n 2)" "A = 0 B = 111 RESULT = 0111
A = 1 B = 000 RESULT = 0001"
is "lines" "$(wc -l <"$T/w/out/golden.txt")" 16

ok "3 x 2 signed sum" brick add 3 2 true
is "-4 + -2 = -6 in 4 bits" "$(head -n 1 "$T/w/out/golden.txt")" "A = 100 B = 10 RESULT = 1010"

ok "12 x 2 unsigned product" brick mul 12 2 false
is "last line" "$(tail -n 1 "$T/w/out/golden.txt")" "A = 111111111111 B = 11 RESULT = 10111111111101"
is "1-bit operands" "$(brick mul 1 1 true && cat "$T/w/out/golden.txt")" "A = 1 B = 1 RESULT = 01
A = 1 B = 0 RESULT = 00
A = 0 B = 1 RESULT = 00
A = 0 B = 0 RESULT = 00"
done_testing
