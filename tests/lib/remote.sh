# SPDX-License-Identifier: Apache-2.0
# For tests of the remote cache, after tap.sh and common.sh: a server of our own
# that answers honestly or in one of many bad ways (tests/lib/cache_server).
servers=
stop_servers() {
	for pid in $servers; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
	servers=
}
trap 'stop_servers; chmod -R u+w "$T" 2>/dev/null; rm -rf "$T"' EXIT
# serve FAULT: a server in $T/srv; sets $url
serve() {
	rm -rf "$T/srv"
	mkdir "$T/srv"
	"$AXPIPE_SRC/tests/lib/cache_server" "$T/srv" "$1" 2>"$T/srv.err" &
	servers="$servers $!"
	wait_for "$T/srv/port" || { echo "Bail out! the test server does not start"; exit 1; }
	url=http://127.0.0.1:$(cat "$T/srv/port")
}
fault() { echo "$1" >"$T/srv/fault"; : >"$T/srv/requests"; }
# What the stages made, by name and digest, without times.
lock() { git --git-dir="$1/runs.git" show "t:lock.json" | sed 's/"started": [0-9.]*, "ended": [0-9.]*, //; s/"log": "[0-9a-f]*", //'; }
records() { find "$1/ac" -type f ! -name index | wc -l | tr -d ' '; }

# Three entries to be spoilt, in $T/good; their results in $T/want.
bad_servers_begin() {
	[ -e a.txt ] || printf 'one\n' >a.txt
	cat >f.json <<-'EOF2'
	{"axpipe": 1, "name": "t",
	 "inputs": {"a": {"file": "a.txt"}},
	 "stages": {
	  "first": {"stage": "copy", "in": {"text": "a"}},
	  "folder": {"stage": "shapes", "in": {"any": "first.text"}},
	  "last": {"stage": "copy", "in": {"text": "first.text"}, "params": {"suffix": "end"}}
	 }}
	EOF2
	rm -rf "$T/good" "$T/srv/ac" "$T/srv/cas"
	mkdir "$T/srv/ac" "$T/srv/cas"
	fault none
	"$AXPIPE" run f.json --store "$T/f" --remote "$url" --remote-mode rw >"$T/out"
	like "three entries to be spoilt" "$T/out" '3 given'
	lock "$T/f" >"$T/want"
	cp -R "$T/srv" "$T/good"
	AXPIPE_REMOTE_TIMEOUT=0.5
	export AXPIPE_REMOTE_TIMEOUT
}
# bad_server FAULT: the answer is the same, and one or two lines say why
bad_server() {
	f=$1
	rm -rf "$T/srv/ac" "$T/srv/cas"
	cp -R "$T/good/ac" "$T/good/cas" "$T/srv/"
	fault "$f"
	began=$(date +%s)
	code "$f: the run succeeds" 0 "$AXPIPE" run f.json --store "$T/x-$f" --remote "$url" --remote-mode rw
	took=$(($(date +%s) - began))
	like "$f: and executes what was not to be had" "$T/out" '^3 executed, 0 cached'
	lock "$T/x-$f" >"$T/got"
	ok "$f: the results are those without a server" cmp "$T/want" "$T/got"
	n=$(grep -c 'remote cache: http' "$T/out")
	case $f in
	nothere) is "$f: a miss is not worth a word" "$n" 0 ;;
	*) is "$f: one warning, one more when it is given up" "$([ "$n" -ge 1 ] && [ "$n" -le 4 ] && echo yes || echo "$n")" yes ;;
	esac
	is "$f: it is given up in time" "$([ "$took" -le 30 ] && echo yes || echo "$took s")" yes
	ok "$f: the store is whole" "$AXPIPE" fsck --store "$T/x-$f"
}
