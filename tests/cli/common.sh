# SPDX-License-Identifier: Apache-2.0
# For the tests of the engine: small stages, a small manifest.
cp -R "$AXPIPE_SRC/tests/cli/stages" "$T/stages"
AXPIPE_STAGES=$T/stages
export AXPIPE_STAGES
mkdir "$T/w"
cd "$T/w" || exit 1

# A chain with a sweep and a gathering: first -> second[2] -> all -> last.
base_manifest() {
	printf 'one\n# a comment\ntwo\n' >a.txt
	cat >m.json <<-'EOF'
	{"axpipe": 1, "name": "t",
	 "inputs": {"a": {"file": "a.txt"}},
	 "stages": {
	  "first": {"stage": "copy", "in": {"text": "a"}},
	  "second": {"stage": "copy", "in": {"text": "first.text"}, "matrix": {"suffix": ["x", "y"]}},
	  "all": {"stage": "concat", "in": {"texts": ["second.text", "first.text"]}},
	  "last": {"stage": "copy", "in": {"text": "all.text"}, "params": {"suffix": "end"}}
	 }}
	EOF
}
# one STAGE PARAMS [MEMBERS]: one.json, with one node "n" of a stage
one() {
	[ -e a.txt ] || printf 'one\n' >a.txt
	cat >one.json <<-EOF
	{"axpipe": 1, "name": "one", "inputs": {"a": {"file": "a.txt"}},
	 "stages": {"n": {"stage": "$1", "in": {"text": "a"}, "params": {$2}${3-}}}}
	EOF
}
# The nodes that an event file says were started, in byte order.
started() { sed -n 's/.*"event":"node-started".*"node":"\([^"]*\)".*/\1/p' "$1" | sort | tr '\n' ' '; }
# The nodes that `plan` lists as to run, or that may be cut off.
planned() { "$AXPIPE" plan "$@" | sed -n 's/^\([a-z][^ ]*\): .*/\1/p' | sort | tr '\n' ' '; }
summary() { tail -n 1 "$T/out" | sed 's/ in [0-9.]* s$//'; }
key() { "$AXPIPE" explain one.json n 2>&1 | sed -n 's/^  key //p'; }
# An output of a node, as a file: show MANIFEST-NAME NODE OUTPUT
show() {
	d=$(git --git-dir="$AXPIPE_STORE/runs.git" show "$1:lock.json" | grep -F "\"$2\":" | sed "s/.*\"$3\": \"\([0-9a-f]*\)\".*/\1/")
	cat "$AXPIPE_STORE/cas/$(echo "$d" | cut -c1-2)/$(echo "$d" | cut -c3-)"
}
# wait_for FILE [REGEX]: until the file is there (and has such a line); 10 s
wait_for() {
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 \
		31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50; do
		if [ -s "$1" ] && grep -q "${2-.}" "$1"; then return 0; fi
		sleep 0.2
	done
	return 1
}
