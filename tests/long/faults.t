#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The machine fails at every moment of a run, and at 500 random ones; several
# processes race on one store; bits flip in every kind of stored file.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"
. "$AXPIPE_SRC/tests/lib/faults.sh"
sweep kill "$changes" 1
is "killed at each of $tried changes of the disk: nothing is lost" "$lost $odd" "0 0"
sweep write "$changes" 1 +:ENOSPC
is "the disk full from each of $tried changes on" "$lost $odd" "0 0"
sweep write "$changes" 1 :EIO
is "one error of the disk at each of $tried changes" "$lost $odd" "0 0"
sweep read "$reads" 1
is "one error of the disk at each of $tried reads" "$lost $odd" "0 0"
sweep malloc "$allocations" $((allocations / 500))
is "no memory at $tried moments" "$lost $odd" "0 0"

# kill -9 at random times, in a store that a run has begun to fill
lost=0 odd=0
for i in $(seq 500); do
	[ $((i % 10)) != 1 ] || rm -rf "$AXPIPE_STORE"
	"$AXPIPE" run m.json -q -j2 >/dev/null 2>&1 &
	pid=$!
	sleep "0.0$(awk -v s="$i" 'BEGIN { srand(s); printf "%02d", rand() * 99 }')"
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	if [ $((i % 10)) = 0 ]; then
		if ! "$AXPIPE" run m.json -q >/dev/null 2>&1 || [ "$(digests)" != "$want" ] || ! "$AXPIPE" fsck >/dev/null 2>&1; then
			lost=$((lost + 1))
		fi
	fi
done
is "500 kills at random times: nothing is lost" "$lost" 0

# processes that race
for n in 2 8; do
	bad=0
	for round in 1 2 3 4 5; do
		rm -rf "$AXPIPE_STORE"
		pids=
		for i in $(seq $n); do
			"$AXPIPE" run m.json --json >"$T/race.$i" 2>&1 &
			pids="$pids $!"
		done
		for p in $pids; do wait "$p" || bad=$((bad + 1)); done
		[ "$(cat "$T"/race.* | grep -c '"event":"node-done"')" = 5 ] || bad=$((bad + 1))
		[ "$(digests)" = "$want" ] && "$AXPIPE" fsck >/dev/null 2>&1 || bad=$((bad + 1))
		rm -f "$T"/race.*
	done
	is "$n processes on one store, 5 times: no node runs twice, nothing is lost" "$bad" 0
done

# a flipped bit in each stored file: found, and healed by running again
rm -rf "$AXPIPE_STORE"
"$AXPIPE" run m.json -q
cp -R "$AXPIPE_STORE" "$T/good"
found=0 healed=0 files=0
for f in $(cd "$T/good" && find cas ac -type f ! -name index); do
	files=$((files + 1))
	rm -rf "$AXPIPE_STORE"
	cp -R "$T/good" "$AXPIPE_STORE"
	chmod u+w "$AXPIPE_STORE/$f"
	python3 -c 'import sys
b = bytearray(open(sys.argv[1], "rb").read())
if b: b[len(b) // 2] ^= 4
else: b = b"x"
open(sys.argv[1], "wb").write(b)' "$AXPIPE_STORE/$f"
	"$AXPIPE" fsck >"$T/fsck" 2>&1 || found=$((found + 1))
	"$AXPIPE" fsck --repair >"$T/fsck" 2>&1
	"$AXPIPE" run m.json -q >/dev/null 2>&1
	if [ "$(digests)" = "$want" ] && "$AXPIPE" fsck >/dev/null 2>&1; then healed=$((healed + 1)); fi
done
is "a flipped bit in each of $files files is found" "$found" "$files"
is "and healed by running again" "$healed" "$files"
for f in memo ac/index nodes/t stamps tools locks; do
	[ -e "$T/good/$f" ] || continue
	rm -rf "$AXPIPE_STORE"
	cp -R "$T/good" "$AXPIPE_STORE"
	find "$AXPIPE_STORE/$f" -type f | while read -r x; do head -c 3000 /dev/urandom >"$x"; done
	"$AXPIPE" run m.json -q >/dev/null 2>&1
	is "rubbish in $f changes nothing" "$? $(digests)" "0 $want"
done
done_testing
