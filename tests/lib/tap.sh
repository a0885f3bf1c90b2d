# SPDX-License-Identifier: Apache-2.0
# TAP for sh. Source it, then: ok "name" command...; is "name" got want;
# skip "name" "why"; end with: done_testing
# Environment (set by tests/run): AXPIPE (program), AXPIPE_SRC (source folder,
# absolute), AXPIPE_BUILD (build folder, absolute), AXPIPE_DATA (real inputs or empty).
tap_n=0
tap_bad=0
T=$(mktemp -d "${TMPDIR:-/tmp}/axpipe-test.XXXXXX")
trap 'chmod -R u+w "$T" 2>/dev/null; rm -rf "$T"' EXIT
trap 'exit 130' INT TERM
export AXPIPE_STORE="$T/store"

pass() { tap_n=$((tap_n + 1)); echo "ok $tap_n - $1"; }
fail() { tap_n=$((tap_n + 1)); tap_bad=$((tap_bad + 1)); echo "not ok $tap_n - $1"; }
ok() {
	tap_name=$1
	shift
	if "$@" >"$T/.ok.log" 2>&1; then pass "$tap_name"; else
		fail "$tap_name"
		sed 's/^/# /' "$T/.ok.log"
	fi
}
is() {
	if [ "$2" = "$3" ]; then pass "$1"; else
		fail "$1"
		printf '%s\n' "got:  $2" "want: $3" | sed 's/^/# /'
	fi
}
# like NAME FILE REGEX: the file has a line that matches (grep -E)
like() {
	if grep -Eq -- "$3" "$2"; then pass "$1"; else
		fail "$1"
		echo "# no line matches: $3"
		head -n 30 "$2" | sed 's/^/# /'
	fi
}
# code NAME WANT command...: exit code; output in $T/out and $T/err
code() {
	tap_name=$1 tap_want=$2
	shift 2
	tap_rc=0
	"$@" >"$T/out" 2>"$T/err" || tap_rc=$?
	if [ "$tap_rc" = "$tap_want" ]; then pass "$tap_name"; else
		fail "$tap_name"
		echo "# exit code $tap_rc, want $tap_want"
		tail -n 20 "$T/out" "$T/err" | sed 's/^/# /'
	fi
}
# metric FOLDER NAME: a figure of a stage's metrics.json, FOLDER below $T
metric() {
	sed -n "s/.*\"$(echo "$2" | sed 's/[].*[]/\\&/g')\": *\"\{0,1\}\([^\",{}]*\).*/\1/p" "$T/$1/metrics.json" | head -n 1
}
# value FOLDER EXPRESSION: the same by Perl, with all of it in $m
value() {
	perl -MJSON::PP -e 'local $/; open F, "<", shift; my $m = decode_json(<F>); print eval shift' "$T/$1/metrics.json" "$2"
}
# holds EXPRESSION: of awk, on numbers
holds() { awk "BEGIN { exit !($1) }"; }
# built with AddressSanitizer, by gcc or clang
sanitized() { grep -aq __asan_init "$AXPIPE"; }
skip() { tap_n=$((tap_n + 1)); echo "ok $tap_n - $1 # SKIP $2"; }
done_testing() { echo "1..$tap_n"; [ "$tap_bad" = 0 ]; exit; }
