#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The machine fails: a few moments of each kind; tests/long/faults.t has all.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"
. "$AXPIPE_SRC/tests/lib/faults.sh"
ok "a run changes the disk ($changes times) and allocates ($allocations)" test "$changes" -gt 50 -a "$allocations" -gt 1000
sweep kill "$changes" $((changes / 8))
is "killed at $tried moments: nothing is lost" "$lost $odd" "0 0"
sweep write "$changes" $((changes / 8)) +:ENOSPC
is "the disk full from $tried moments on: nothing is lost, and it is said" "$lost $odd" "0 0"
sweep write "$changes" $((changes / 8)) :EIO
is "one error of the disk at $tried moments: nothing is lost" "$lost $odd" "0 0"
sweep read "$reads" $((reads / 8))
is "one error of the disk at $tried reads: nothing is lost, and it is no fault of the manifest" "$lost $odd" "0 0"
sweep malloc "$allocations" $((allocations / 8))
is "no memory at $tried moments: nothing is lost, and it is said" "$lost $odd" "0 0"
lost=0 odd=0 tried=0
for jump in 1 3600 100000; do survive "clock:$jump"; done
is "a clock that jumps: nothing is lost" "$lost $odd" "0 0"
rm -rf "$AXPIPE_STORE"
faulty clock:3600 "$AXPIPE" run m.json --json >"$T/f.out" 2>&1
is "and nothing takes less than no time, or an hour" "$(grep -c '"event":"node-done"' "$T/f.out") \
$(grep -cE '"seconds":(-|[0-9]{3})' "$T/f.out")$(grep -cE '^ok [^ ]* [^ ]* (-|[0-9]{3})' "$AXPIPE_STORE/nodes/t")" "5 \
00"
done_testing
