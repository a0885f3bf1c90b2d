# SPDX-License-Identifier: Apache-2.0
# For tests that let the machine fail (tests/lib/faults.c). Source after tap.sh
# and common.sh: builds the library, makes a manifest, and knows how to judge.
# Sets $want (the digests to come to), $changes, $reads and $allocations (of one run).
base_manifest
faults_so=$T/faults.so
${CC:-cc} -O1 -shared -fPIC -D_GNU_SOURCE -o "$faults_so" "$AXPIPE_SRC/tests/lib/faults.c" -ldl || exit 1
if sanitized; then
	skip "failing machine" "the sanitizers' own allocator cannot be preloaded over"
	done_testing
fi

# faulty FAULT COMMAND...: the command with the machine failing
faulty() {
	fault=$1
	shift
	T=$T AXPIPE_FAULT=$fault LD_PRELOAD=$faults_so "$@"
}
# The digests that a run must come to, whatever happened before it.
digests() { git --git-dir="$AXPIPE_STORE/runs.git" show t:lock.json | sed -n 's/^"\([^"]*\)": .*"outputs": \(.*\)}.*/\1 \2/p'; }

# survive FAULT: from an empty store; counts what is wrong in $lost, $odd
survive() {
	rm -rf "$AXPIPE_STORE"
	[ -z "${warm-}" ] || cp -R "$warm" "$AXPIPE_STORE"
	rc=0
	faulty "$1" "$AXPIPE" run m.json -q -j2 >"$T/f.out" 2>"$T/f.err" || rc=$?
	case $rc in
	0 | 1 | 3 | 137) ;;
	*) odd=$((odd + 1)); echo "# $1: exit code $rc: $(tail -n 1 "$T/f.err")" ;;
	esac
	if [ $rc = 3 ] && ! [ -s "$T/f.err" ]; then odd=$((odd + 1)); echo "# $1: no message"; fi
	# then the machine is well again
	if ! "$AXPIPE" run m.json -q >"$T/f.out" 2>"$T/f.err"; then
		lost=$((lost + 1)); echo "# $1: the next run: $(tail -n 1 "$T/f.err")"
	elif [ "$(digests)" != "$want" ]; then
		lost=$((lost + 1)); echo "# $1: other digests"
	elif ! "$AXPIPE" fsck >"$T/f.out" 2>&1; then
		lost=$((lost + 1)); echo "# $1: fsck: $(tail -n 1 "$T/f.out")"
	fi
	tried=$((tried + 1))
}
# sweep KIND LAST STEP [SUFFIX]: survive KIND:1 .. KIND:LAST
sweep() {
	lost=0 odd=0 tried=0
	i=1
	while [ $i -le "$2" ]; do
		survive "$1:$i${4-}"
		i=$((i + $3))
	done
}
"$AXPIPE" run m.json -q
want=$(digests)
rm -rf "$AXPIPE_STORE"
AXPIPE_FAULT_COUNT=$T/count faulty count "$AXPIPE" run m.json -q -j2
read -r changes allocations reads <"$T/count"
