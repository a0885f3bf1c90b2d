#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What stages do wrong: what is said, the exit code, and that nothing is stored.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"
records() { find "$AXPIPE_STORE/ac" -type f 2>/dev/null | wc -l; }
# fails HOW CODE REGEX
fails() {
	one crash "\"how\": \"$1\""
	code "$1: exit code $2" "$2" "$AXPIPE" run one.json
	like "$1: is said" "$T/out" "$3"
}

fails exit 1 '^\[1/1\] n FAILED: exit code 7$'
like "the end of the log follows" "$T/out" '^    line 30$'
is "its last 20 lines" "$(grep -c '^    ' "$T/out")" 20
w=$(sed -n 's/^  work folder: //p' "$T/out")
ok "the work folder is kept" test -f "$w/request.json"
like "the error names the node" "$T/err" '^axpipe: 1 node failed: n$'
fails environment 3 'FAILED: exit code 3 '
fails signal 1 'FAILED: signal 11 \(Segmentation fault\)'
fails nothing 1 'output text \(out/text.txt\) was not written'
fails empty 1 'output text \(out/text.txt\) is empty'
fails link 1 'output text .* is a link or a special file'
fails linkdir 1 'output text .* (is a link or a special file|was not written)'
fails fifo 1 'output text .* is a link or a special file'
fails folder 1 'output text .* is a folder, but stage.json declares a file'
fails badmetrics 1 'metrics.json is not valid'
fails listmetrics 1 'metrics.json must hold one object'
fails bigmetrics 1 'metrics.json is larger than 4194304 bytes'
fails linkmetrics 1 'metrics.json is not a plain file'
fails escape 1 '    \[31mred\[0m$'
is "nothing of all this was stored" "$(records)" 0
code "the store is whole" 0 "$AXPIPE" fsck
one crash '"how": "garbage"'; code "nonsense on the progress descriptor is ignored" 0 "$AXPIPE" run one.json --json
one crash '"how": "straggler"'; code "a stage that leaves a process behind" 0 "$AXPIPE" run one.json
sleep 1.2; is "has no say after its end" "$(show one n text)" x
chmod -x "$T/stages/copy/run"
one copy '"suffix": "x"'; code "a program that cannot be executed" 2 "$AXPIPE" run one.json
like "is named" "$T/out" 'copy/run is not executable'
chmod +x "$T/stages/copy/run"

# timeouts
one crash '"how": "hang"' ', "resources": {"timeout": 0.5}'
t0=$(date +%s)
code "a stage that hangs" 1 "$AXPIPE" run one.json
like "is ended after its timeout" "$T/out" 'FAILED: still running after its timeout of 0.5 s'
ok "in time" test $(($(date +%s) - t0)) -le 3
one crash '"how": "stubborn"' ', "resources": {"timeout": 0.3}'
"$AXPIPE" run one.json >stubborn 2>&1 & stubborn=$!

# keep-going, and what depends on a failure
[ -e a.txt ] || echo one >a.txt
cat >k.json <<'EOF'
{"axpipe": 1, "name": "k", "inputs": {"a": {"file": "a.txt"}},
 "stages": {
  "bad": {"stage": "crash", "in": {"text": "a"}, "params": {"how": "exit"}},
  "below": {"stage": "copy", "in": {"text": "bad.text"}},
  "further": {"stage": "copy", "in": {"text": "below.text"}},
  "aside": {"stage": "slow", "in": {"text": "a"}, "params": {"steps": 1}},
  "aside2": {"stage": "copy", "in": {"text": "aside.text"}}}}
EOF
code "without --keep-going" 1 "$AXPIPE" run k.json -j1
is "a failure is the end" "$(summary)" "0 executed, 0 cached, 0 substituted, 1 failed, 4 skipped"
code "with it" 1 "$AXPIPE" run k.json -j1 -k
is "only what depends on it is skipped" "$(summary)" "2 executed, 0 cached, 0 substituted, 1 failed, 2 skipped"
like "the commit of the run says so" /dev/stdin '"failed": \["bad"\]|"bad"' <<EOF
$(git --git-dir="$AXPIPE_STORE/runs.git" show k:run.json)
EOF

# optional outputs
cat >o.json <<'EOF'
{"axpipe": 1, "name": "o", "stages": {
  "make": {"stage": "crash", "params": {"how": "fine"}},
  "use": {"stage": "copy", "in": {"text": "make.more"}},
  "maybe": {"stage": "crash", "in": {"text": "make.more"}, "params": {"how": "garbage"}}}}
EOF
code "an optional output that was left out" 1 "$AXPIPE" run o.json -k
like "fails who needs it" "$T/out" '^\[.*\] use FAILED: .*input text wants output more of make, which left it out'
is "and not who does not" "$(summary)" "2 executed, 0 cached, 0 substituted, 1 failed, 0 skipped"

# inputs that change
before=$(records)
one mutate "\"victim\": \"$T/w/a.txt\""
code "an input that changes while the node runs" 1 "$AXPIPE" run one.json
like "taints it" "$T/out" 'n TAINTED: tainted: input a \(.*a.txt\) changed while the node ran'
is "and nothing is stored" "$(records)" "$before"

# a wrong pin
one copy '"suffix": "x"' ", \"pin\": {\"text\": \"$(printf nothing | sha256sum | cut -c1-64)\"}"
code "a pin that does not hold" 1 "$AXPIPE" run one.json
like "is told with both digests" "$T/out" 'output text has the digest [0-9a-f]{64}, but the manifest pins [0-9a-f]{64}'

# a corrupt object
echo one >a.txt
cat >c.json <<'EOF'
{"axpipe": 1, "name": "c", "vars": {"n": 1}, "inputs": {"a": {"file": "a.txt"}}, "stages": {"p": {"stage": "copy", "in": {"text": "a"}, "params": {"suffix": "pp"}},
  "q": {"stage": "copy", "in": {"text": "p.text"}, "params": {"number": "${n}"}}}}
EOF
"$AXPIPE" run c.json -q
d=$("$AXPIPE" explain c.json q -c | sed -n 's/^  input.text = //p')
f=$AXPIPE_STORE/cas/$(echo "$d" | cut -c1-2)/$(echo "$d" | cut -c3-)
chmod u+w "$f"; echo rot >>"$f"
code "a corrupt object" 3 "$AXPIPE" run c.json --set n=2
like "is found and said" "$T/out" 'corrupt|quarantine'
code "the next run heals it" 0 "$AXPIPE" run c.json --set n=2
is "by making it again" "$(summary)" "2 executed, 0 cached, 0 substituted, 0 failed, 0 skipped"

# a missing socket behind an address: nothing else stops
cat >u.json <<'EOF'
{"axpipe": 1, "name": "u", "inputs": {"a": {"file": "a.txt"}, "net": {"url": "http://127.0.0.1:9/x", "sha256": "11b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}},
 "stages": {"far": {"stage": "copy", "in": {"text": "net"}}, "near": {"stage": "copy", "in": {"text": "a"}, "params": {"suffix": "near"}}}}
EOF
code "an address that does not answer" 3 "$AXPIPE" run u.json -k
is "fails its node alone" "$(summary)" "1 executed, 0 cached, 0 substituted, 1 failed, 0 skipped"
like "with the input's name" "$T/out" 'far FAILED: input text of far'

# damaged records, memo, index and journal
k=$("$AXPIPE" explain c.json q | sed -n 's/^  key //p')
r=$AXPIPE_STORE/ac/$(echo "$k" | cut -c1-2)/$(echo "$k" | cut -c3-)
chmod u+w "$r"; head -c 40 "$r" >cut; cat cut >"$r"
code "a damaged record" 0 "$AXPIPE" run c.json
like "is told and set aside" "$T/err" 'record ac/.* is bad .*moved to quarantine/'
is "and its node runs again" "$(summary)" "1 executed, 1 cached, 0 substituted, 0 failed, 0 skipped"
for f in memo ac/index nodes/c; do
	for how in "head -c 10" "tail -c +7" "sed s/[0-9]/7/g" "tr 0-9 z-a"; do
		cp "$AXPIPE_STORE/$f" keep
		$how <keep >"$AXPIPE_STORE/$f" 2>/dev/null
		"$AXPIPE" run c.json >damaged 2>&1
		is "damage to $f ($how) costs nothing" "$? $(tail -n 1 damaged | cut -d, -f1,2)" "0 0 executed, 2 cached"
	done
done

# inputs that are not what they should be
from() { printf '{"axpipe": 1, "name": "i", "inputs": {"a": %s},\n "stages": {"n": {"stage": "copy", "in": {"text": "a"}}}}\n' "$1" >i.json; }
other=$(printf other | sha256sum | cut -c1-64)
from "{\"file\": \"a.txt\", \"sha256\": \"$other\"}"
code "a file with another hash" 3 "$AXPIPE" run i.json
like "is named with its place" "$T/err" '^i.json:1:[0-9]+: input a: a.txt: wrong hash'
from "{\"url\": \"file://$T/w/a.txt\", \"sha256\": \"$other\"}"
code "an address with other bytes" 3 "$AXPIPE" run i.json
like "shows both digests" "$T/out" "expected SHA-256 $other"
from "{\"file\": \"none\"}"
code "a missing file" 2 "$AXPIPE" run i.json
like "is named with its place, too" "$T/err" '^i.json:1:[0-9]+: input a: none: cannot be read: No such file'
mkdir -p ar; echo x >ar/f; ln -s /etc/passwd ar/l
tar -P -cf evil.tar --transform 's,ar/f,../../evil,' ar/f ar/l
for m in ../../evil /etc/passwd ar/../../evil; do
	from "{\"url\": \"file://$T/w/evil.tar\", \"member\": \"$m\", \"sha256\": \"$other\"}"
	code "a member called $m" 2 "$AXPIPE" run i.json
	like "is refused" "$T/err" '^i.json:1:[0-9]+: "member" must be a path that stays inside the archive'
done
from "{\"url\": \"file://$T/w/evil.tar\", \"member\": \"ar/l\", \"sha256\": \"$other\"}"
code "a member that is a link" 3 "$AXPIPE" run i.json
like "is not followed" "$T/out" 'is a link, a folder or a special file'
ok "nothing was unpacked outside" test ! -e "$T/evil" -a ! -e "$T/../evil"
head -c 700 evil.tar >cut.tar
from "{\"url\": \"file://$T/w/cut.tar\", \"member\": \"ar/zz\", \"sha256\": \"$other\"}"
code "an archive cut short" 3 "$AXPIPE" run i.json
mkdir -p nocurl noarchive; echo rubbish >nocurl/libcurl.so.4; echo rubbish >noarchive/libarchive.so.13
from "{\"url\": \"file://$T/w/evil.tar\", \"member\": \"ar/f\", \"sha256\": \"$other\"}"
for lib in libcurl.so.4 libarchive.so.13; do
	dir=$T/w/no$(echo "${lib#lib}" | cut -d. -f1)
	code "$lib is damaged" 3 env LD_LIBRARY_PATH="$dir" "$AXPIPE" run i.json
	like "that is said, with its package" "$T/out" "$lib cannot be loaded \\(.*\\); install the package $(echo "$lib" | sed 's/.so.//')"
	code "and only who fetches needs it" 0 env LD_LIBRARY_PATH="$dir" "$AXPIPE" run c.json
done
mkdir -p mirror; printf '%s  any\n' "$other" >mirror/SHA256SUMS; echo rot >mirror/any
from "{\"url\": \"http://127.0.0.1:9/x\", \"sha256\": \"$other\"}"
code "a mirror that holds other bytes than it says" 3 "$AXPIPE" run i.json --mirror mirror --offline
like "is named" "$T/err" 'mirror/any: has SHA-256 .*not the bytes wanted'
like "and nothing is said of the network" "$T/out" '^fetching a from a mirror \(offline\)$'
printf other >mirror/any
code "a mirror that holds them" 0 "$AXPIPE" run i.json --mirror mirror
like "and the line says where from" "$T/out" '^fetching a from a mirror, or else from http://127.0.0.1:9/x$'

# standard output
"$AXPIPE" run c.json --set n=70 >/dev/full 2>"$T/err"
is "a full standard output is exit code 3" $? 3
like "and is said" "$T/err" 'cannot write to standard output'
for n in 71 72 73; do "$AXPIPE" run c.json --set n=$n --json >&- 2>"$T/err"; done
is "a closed one, too" $? 3
"$AXPIPE" run c.json --set n=74 <&- >&- 2>&-
code "and no line of it went into a file of the store" 0 "$AXPIPE" fsck
is "for the nodes ran" "$("$AXPIPE" plan c.json --set n=74 | tail -n 1)" "0 to run, 0 more that may be cut off, 2 cached, 0 substituted"
"$AXPIPE" run k.json --set x=1 2>&1 | head -n 1 >/dev/null
code "a reader that leaves early harms nothing" 0 "$AXPIPE" fsck

# half a repository of runs, as an old kill could leave it
rm -rf "$AXPIPE_STORE/runs.git/HEAD" "$AXPIPE_STORE/runs.git/refs"
code "half a repository of runs" 0 "$AXPIPE" run c.json
code "is completed" 0 "$AXPIPE" log c
like "and has the run" "$T/out" '^[0-9a-f]{12} .*c: 0 executed'

# a full disk
mkdir -p disk
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=1m none disk 2>/dev/null; then
	store=$AXPIPE_STORE
	AXPIPE_STORE=$T/w/disk/store
	code "a small disk" 0 "$AXPIPE" run c.json
	cat /dev/zero >disk/fill 2>/dev/null
	code "a full disk" 3 "$AXPIPE" run c.json --set n=5
	like "is said" "$T/out" 'No space left on device'
	rm disk/fill
	code "with room again" 0 "$AXPIPE" run c.json --set n=5
	is "only what is left runs" "$(summary)" "1 executed, 1 cached, 0 substituted, 0 failed, 0 skipped"
	one crash '"how": "fill"'
	code "a stage that fills the disk" 3 "$AXPIPE" run one.json
	like "is told from one that fails" "$T/out" 'n FAILED: exit code 1; the disk of the store is full: make room'
	code "what was there is whole" 0 "$AXPIPE" fsck
	code "gc makes room" 0 "$AXPIPE" gc --age 0
	code "and the next run is well" 0 "$AXPIPE" run c.json --set n=6
	umount disk
	AXPIPE_STORE=$store
else
	skip "a full disk" "needs root and a mount of tmpfs; tests/unit/test_store_faults has the calls one by one"
fi

wait $stubborn
is "one that ignores SIGTERM is killed" $? 1
like "for its timeout" stubborn 'still running after its timeout of 0.3 s'

# two interrupts
one crash '"how": "stubborn"'
"$AXPIPE" run one.json --json >twice 2>&1 & pid=$!
wait_for twice node-started
sleep 0.5; kill -TERM $pid; sleep 0.2
t0=$(date +%s); kill -TERM $pid; wait $pid
is "a second interrupt leaves at once" $? 130
ok "in time" test $(($(date +%s) - t0)) -le 2
done_testing
