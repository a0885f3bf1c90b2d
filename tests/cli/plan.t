#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Plan lists what run executes; keys depend on what they must and on nothing else.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"
base_manifest

code "a plan where there is no store" 0 "$AXPIPE" plan m.json
like "says what is new" "$T/out" '^first: new: it never ran$'
like "and what waits" "$T/out" '^all: waits for first; may be cut off$'
is "nothing was run" "$(ls "$AXPIPE_STORE/ac")" ""
want=$(planned m.json)
"$AXPIPE" run m.json --json >ev
is "a first run executes what the plan lists" "$(started ev)" "$want"
is "then the plan is empty" "$(planned m.json)" ""
sed 's/"end"/"END"/' m.json >m2.json
want=$(planned m2.json)
is "a changed parameter" "$want" "last "
"$AXPIPE" run m2.json --json >ev
is "runs what was planned" "$(started ev)" "$want"
printf 'one\nthree\n' >a.txt
want=$(planned m.json)
is "a changed input" "$want" "all first last second[suffix=x] second[suffix=y] "
"$AXPIPE" run m.json --json >ev
is "runs what was planned, too" "$(started ev)" "$want"
code "JSON" 0 "$AXPIPE" plan m.json --json --all
ok "is valid, with the states" python3 -c 'import json,sys
p = json.load(open(sys.argv[1])); assert p["axpipe_plan"] == 1 and {n["state"] for n in p["nodes"]} == {"cached"}' "$T/out"
code "status" 0 "$AXPIPE" status m.json --json
ok "is valid JSON, too" python3 -c 'import json,sys
p = json.load(open(sys.argv[1])); assert len(p["nodes"]) == 5 and all(n["seconds"] >= 0 for n in p["nodes"])' "$T/out"

# a store that cannot be written (by this user, or because it is no folder)
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$T" "$T/w"
	drop="setpriv --reuid=65534 --regid=65534 --clear-groups"
	ro=yes
elif [ "$(id -u)" != 0 ]; then
	chmod -R a-w "$AXPIPE_STORE"
	drop= ro=yes
else
	ro=
fi
if [ $ro ]; then
	code "a read-only store can be planned from" 0 $drop "$AXPIPE" plan m.json
	like "with what it holds" "$T/out" '5 cached'
	sed 's/"end"/"other"/' m.json >m3.json
	code "and cannot be run into" 3 $drop "$AXPIPE" run m3.json
	like "says where" "$T/err" "$AXPIPE_STORE"
	chmod -R u+w "$AXPIPE_STORE"
else
	skip "a read-only store" "root without setpriv"
fi
code "a missing file" 2 sh -c 'sed s/a.txt/none.txt/ m.json >m4.json; "$AXPIPE" plan m4.json'
like "is named with its place" "$T/err" 'm4.json:2:[0-9]+: .*none.txt'

# --- what must not change a key
one copy '"suffix": "k", "number": 2'
k=$(key)
ok "there is a key" test ${#k} = 64
touch -d '2001-02-03' a.txt
is "touch" "$(key)" "$k"
is "another folder" "$(mkdir ../v && cp a.txt one.json ../v && cd ../v && key)" "$k"
is "another current folder" "$(cd / && "$AXPIPE" explain "$T/w/one.json" n | sed -n 's/^  key //p')" "$k"
is "another copy of the stages" "$(cp -R "$T/stages" "$T/stages2"; AXPIPE_STAGES=$T/stages2 key)" "$k"
is "the order of PATH" "$(PATH=/bin:/usr/sbin:$PATH key)" "$k"
is "the locale" "$(LC_ALL=C.UTF-8 LANG=de_DE key)" "$k"
is "the umask" "$(umask 077; key)" "$k"
is "user variables" "$(HOME=/x USER=y TMPDIR=/tmp TZ=Asia/Tokyo AXPIPE_SIMD=scalar key)" "$k"
is "another store" "$(AXPIPE_STORE=$T/store2 key)" "$k"
cat >one.json <<'EOF'
{"stages": {"n": {"params": {"number": 2.0,   "suffix": "k"}, "resources": {"cpus": 2, "memory": "1 GiB", "timeout": 5}, "in": {"text": "a"},
  "stage": "copy", "//": "a comment"}}, "inputs": {"a": {"file": "./a.txt"}}, "name": "one", "axpipe": 1}
EOF
is "order, blanks, spelling, resources of the manifest" "$(key)" "$k"

# --- what must
differs() { if [ -n "$2" ] && [ "$2" != "$k" ]; then pass "$1"; else fail "$1"; fi; }
one copy '"suffix": "k", "number": 3'; differs "a parameter" "$(key)"
one copy '"suffix": "l", "number": 2'; differs "another" "$(key)"
one copy '"suffix": "k", "number": 2'; is "and back" "$(key)" "$k"
cp a.txt b.txt; echo more >>a.txt; differs "an input" "$(key)"; cp b.txt a.txt
differs "a variable that the stage lists" "$(AXPIPE_TEST_ENV=1 key)"
differs "... empty is not unset" "$(AXPIPE_TEST_ENV= key)"
echo '# edited' >>"$T/stages2/copy/run"; differs "the code" "$(AXPIPE_STAGES=$T/stages2 key)"
cp "$T/stages/copy/run" "$T/stages2/copy/run"
is "and back" "$(AXPIPE_STAGES=$T/stages2 key)" "$k"
echo x >"$T/stages2/copy/helper"; differs "a file beside it" "$(AXPIPE_STAGES=$T/stages2 key)"; rm "$T/stages2/copy/helper"
sed -i 's/"version": 1/"version": 2/' "$T/stages2/copy/stage.json"; differs "the version" "$(AXPIPE_STAGES=$T/stages2 key)"
sed -i 's/"version": 2/"version": 1/; s/"summary": "/&Edited. /' "$T/stages2/copy/stage.json"
is "not the words of stage.json" "$(AXPIPE_STAGES=$T/stages2 key)" "$k"
sed -i 's|"version": 1,|"version": 1, "command": ["sh", "./run"],|' "$T/stages2/copy/stage.json"; differs "the command" "$(AXPIPE_STAGES=$T/stages2 key)"

# --- tools
cat >one.json <<'EOF'
{"axpipe": 1, "name": "one", "stages": {"n": {"stage": "tooled"}, "m": {"stage": "tooled"}}}
EOF
code "a missing tool" 3 "$AXPIPE" run one.json
like "names the package" "$T/err" 'axtest-oracle-pkg'
is "once" "$(grep -c axtest-oracle-pkg "$T/err")" 1
mkdir -p opt/bin opt/share
printf '#!/bin/sh\n[ "$1" != --version ] || { echo asked >>%s/asked; echo; echo "oracle 1.0 $LC_ALL"; }\necho 42\n' "$T/w" >opt/bin/axtest-oracle
chmod +x opt/bin/axtest-oracle
echo data >opt/share/oracle
PATH=$T/w/opt/bin:$PATH
k=$(key)
ok "with the tool there is a key" test ${#k} = 64
code "and it runs" 0 "$AXPIPE" run one.json
code "again" 0 "$AXPIPE" run one.json
is "the version is asked once" "$(wc -l <asked)" 1
like "and is kept, without the user's locale" "$AXPIPE_STORE/tools/$(ls "$AXPIPE_STORE/tools")" '^oracle 1.0 C$'
mkdir other && cp -R opt other/opt
is "the same tool elsewhere" "$(PATH=$T/w/other/opt/bin:$PATH key)" "$k"
echo '# patched' >>other/opt/bin/axtest-oracle
differs "another program of the same version" "$(PATH=$T/w/other/opt/bin:$PATH key)"
cp opt/bin/axtest-oracle other/opt/bin/; echo x >>other/opt/share/oracle
differs "another file of the tool" "$(PATH=$T/w/other/opt/bin:$PATH key)"
# a file system that keeps no modes shows every file as executable (tests/long/filesystems.t mounts some)
rm -rf "$AXPIPE_STORE"
base_manifest
"$AXPIPE" run m.json -q
chmod a+x "$AXPIPE_STORE/version"
find "$AXPIPE_STORE/cas" "$AXPIPE_STORE/ac" -type f -exec chmod a+x {} +
code "a store without modes" 0 "$AXPIPE" run m.json
is "has what it has" "$(summary)" "0 executed, 5 cached, 0 substituted, 0 failed, 0 skipped"
done_testing
