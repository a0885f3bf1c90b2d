#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The commit of a run, and what it says of the user's own repository.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"
HOME=$T GIT_CONFIG_NOSYSTEM=1
export HOME GIT_CONFIG_NOSYSTEM
if ! command -v git >/dev/null; then
	skip "provenance" "git is not installed (Debian package git)"
	done_testing
fi
make() {
	mkdir -p "$1" && echo one >"$1/a.txt"
	cat >"$1/m.json" <<-EOF
	{"axpipe": 1, "name": "p", "inputs": {"a": {"file": "a.txt"}},
	 "stages": {"n": {"stage": "copy", "in": {"text": "a"}}}}
	EOF
}
said() { git --git-dir="$AXPIPE_STORE/runs.git" show p:run.json | tr -d ' \n' | sed 's/.*"repository"://; s/}$//; s/[0-9a-f]\{40\}/COMMIT/'; }
commit() { git -C "$1" add . && git -C "$1" -c user.name=a -c user.email=a@b commit -qm x; }
# run NAME MANIFEST WANT
run() {
	code "$1" 0 "$AXPIPE" run "$2"
	is "... is recorded" "$(said)" "$3"
}
clean='{"commit":"COMMIT","dirty":false,"changed":[],"untracked":[]}'
make none; run "no repository" none/m.json null
make empty; git init -q empty
run "a repository without a commit" empty/m.json '{"commit":null,"dirty":true,"changed":[],"untracked":["m.json","a.txt"]}'
make tree; git init -q tree; commit tree
run "a clean one" tree/m.json "$clean"
mkdir tree/.axpipe; echo x >tree/.axpipe/x
run "what the run does not use is no matter" tree/m.json "$clean"
echo more >>tree/a.txt
run "a changed one" tree/m.json '{"commit":"COMMIT","dirty":true,"changed":["a.txt"],"untracked":[]}'
echo one >tree/a.txt; make tree/sub
run "files that the commit does not have" tree/sub/m.json '{"commit":"COMMIT","dirty":true,"changed":[],"untracked":["sub/m.json","sub/a.txt"]}'
cp -R tree index; echo junk >index/.git/index
run "a damaged index" index/m.json '{"commit":"COMMIT","dirty":null,"changed":[],"untracked":[]}'
git clone -q --bare tree bare.git; make bare.git
run "a bare one has no work tree" bare.git/m.json null
cp -R tree broken; echo junk >broken/.git/HEAD
code "a broken one is no obstacle" 0 "$AXPIPE" run broken/m.json

# two manifests of one name share a branch, and neither breaks the other
sed 's/"n": {/"k": {/' none/m.json >none/k.json
"$AXPIPE" run none/k.json -q
code "gc" 0 "$AXPIPE" gc --age 0
for m in m k; do
	is "$m.json is still there" "$("$AXPIPE" plan none/$m.json | tail -n 1)" "0 to run, 0 more that may be cut off, 1 cached, 0 substituted"
done
ok "plain git reads all of it" git --git-dir="$AXPIPE_STORE/runs.git" fsck --strict
# --- a lock that a killed run left on the branch
branch=$(git --git-dir="$AXPIPE_STORE/runs.git" for-each-ref --format='%(refname)' refs/heads | head -n 1)
old=$(git --git-dir="$AXPIPE_STORE/runs.git" rev-parse "$branch")
: >"$AXPIPE_STORE/runs.git/$branch.lock"
code "a run after one that was killed as it recorded itself" 0 "$AXPIPE" run none/m.json
is "is recorded upon the one before" "$(git --git-dir="$AXPIPE_STORE/runs.git" rev-parse "$branch~1")" "$old"
done_testing
