# SPDX-License-Identifier: Apache-2.0
# For tests of stages that can be killed and go on. Source after tap.sh; the
# test sets $run (the stage's program), $tree (a folder below out/ that the
# stage expects, if any) and sums WORK (a digest of what a run left).

# again WORK FROM sed-script: the same request, changed, in a fresh folder
again() {
	rm -rf "${T:?}/$1"
	mkdir -p "$T/$1/out/${tree-}" "$T/$1/tmp"
	cp -r "$T/$2/in" "$T/$1/in"
	sed "$3" "$T/$2/request.json" >"$T/$1/request.json"
}
# kill_resume NAME FROM: kills a run once it has a checkpoint, starts it again;
# leaves the checkpoint in $T/state
kill_resume() {
	again "$1" "$2" ''
	(cd "$T/$1" && exec "$run") >"$T/log" 2>&1 &
	pid=$!
	n=0
	while [ ! -s "$T/$1/checkpoint/state" ] && kill -0 $pid 2>/dev/null && [ $n -lt 2000 ]; do
		sleep 0.01
		n=$((n + 1))
	done
	ok "$1: a checkpoint appears" test -s "$T/$1/checkpoint/state"
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	ok "$1: it was killed in mid-run" test ! -e "$T/$1/metrics.json"
	cp "$T/$1/checkpoint/state" "$T/state"
	(cd "$T/$1" && "$run") >"$T/log" 2>&1
	is "$1: nothing was refused" "$(grep -e refused -e 'starting from the beginning' "$T/log")" ""
	is "$1: killed and resumed gives the same bytes" "$(sums "$1")" "$(sums "$2")"
}
