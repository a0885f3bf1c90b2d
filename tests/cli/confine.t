#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# --audit names what a stage touches without declaring it; --sandbox refuses it
# and cuts the network; for root and for an ordinary user.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"
base_manifest
"$AXPIPE" run m.json --audit >"$T/out" 2>"$T/err"
rc=$?
if [ $rc = 3 ]; then
	skip "the audit" "$(cat "$T/err")"
	done_testing
fi
is "stages that keep to what they declare pass the audit" "$rc" 0
like "all of them were looked at" "$T/out" '^audit: 5 nodes looked at, 0 undeclared accesses; 0 nodes were cached'
"$AXPIPE" run m.json --audit >"$T/out" 2>&1
like "what was not looked at is no silent pass" "$T/out" '^audit: 0 nodes looked at, 0 undeclared accesses; 5 nodes were cached and not looked at'

mkdir "$T/stages/spy"
cat >"$T/stages/spy/stage.json" <<'EOF'
{"name": "spy", "version": 1, "summary": "Looks over the fence.",
 "inputs": {"text": {"type": "text"}}, "outputs": {"text": {"type": "text", "file": "text.txt"}},
 "params": {"do": {"type": "string"}}}
EOF
cat >"$T/stages/spy/run" <<EOF
#!/bin/sh
do=\$(sed -n 's/.*"do":"\([^"]*\)".*/\1/p' request.json)
cat in/text >out/text.txt
case \$do in
read) cat "$T/secret" >>out/text.txt ;;
climb) cat ../../../secret >>out/text.txt ;;
link) ln -s "$T/secret" tmp/l; cat tmp/l >>out/text.txt ;;
list) ls "$T/private" >>out/text.txt ;;
look) [ ! -e "$T/secret" ] || echo there >>out/text.txt ;;
write) echo x >"$T/left" ;;
move) echo x >tmp/x; mv tmp/x "$T/left" ;;
delete) rm -f "$T/victim" ;;
folder) mkdir "$T/dir" ;;
mode) chmod 600 "$T/victim" ;;
modelink) ln -s "$T/victim" tmp/l; chmod 600 tmp/l ;;
time) touch -c -d 2001-01-01 "$T/victim" ;;
around) rm -f "/proc/self/root$T/victim" ;;
program) "$T/tool" >>out/text.txt ;;
extra) echo x >out/more.txt ;;
child) (sh -c 'cat "$T/secret"') >>out/text.txt ;;
net) perl -e 'use Socket; socket(S, PF_INET, SOCK_STREAM, 0) or print "no socket\n"; connect(S, sockaddr_in(9, inet_aton("127.0.0.1")))' >>out/text.txt ;;
socket) perl -e 'use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0) and connect(S, pack_sockaddr_un("\\0axpipe"))' ;;
pair) perl -e 'use Socket; socketpair(A, B, PF_UNIX, SOCK_DGRAM, 0) or print "no pair\n"; socketpair(A, B, PF_UNIX, SOCK_STREAM, 0) or print "no pipe\n"' >>out/text.txt ;;
message) perl -e 'use Socket; use POSIX; socket(S, PF_UNIX, SOCK_DGRAM, 0); \$a = pack_sockaddr_un("\\0axmessage"); \$m = pack("P L x4 Q5", \$a, length \$a, 0, 0, 0, 0, 0); syscall((POSIX::uname())[4] eq "x86_64" ? 46 : 211, fileno(S), \$m, 0)' ;;
key) perl -e 'msgget(0x617870, 0); print \$!{EACCES} ? "no key\n" : ""' >>out/text.txt ;;
device) cp -R /dev/null tmp/null && echo device >>out/text.txt ;;
left) readlink /proc/self/fd/7 >>out/text.txt; sed 's/^[^)]*) . [0-9]* [0-9]* \([0-9]*\).*/session \1/' /proc/self/stat >>out/text.txt
	sed 's/^.* nice /nice /' /proc/self/autogroup >>out/text.txt 2>/dev/null ;;
own) cp -p in/text tmp/a; ln -s "$T/victim" tmp/l; touch -h tmp/l; chmod 600 tmp/a out/text.txt in/text; touch -d 2001-01-01 tmp/a; chmod 644 out/text.txt ;;
fine) echo "\$RANDOM" >/dev/null; sort in/text | tee tmp/a | wc -l >>out/text.txt; cat /proc/self/status >/dev/null; kill -0 \$\$ ;;
fail) exit 6 ;;
die) kill -SEGV \$\$ ;;
esac
exit 0
EOF
chmod +x "$T/stages/spy/run"
echo secret >"$T/secret"
mkdir "$T/private"
echo x >"$T/private/a"
printf '#!/bin/sh\necho tool\n' >"$T/tool"
chmod +x "$T/tool"
chmod -R a+rX "$T"
# spy WHAT ...: a run of it
spy() {
	one spy "\"do\": \"$1\""
	echo x >"$T/victim"
	chmod 644 "$T/victim"
	rm -rf "$T/left" "$T/dir"
	shift
	"$AXPIPE" run one.json "$@" >"$T/out" 2>"$T/err"
}
# finds WHAT REGEX: the audit names it, and exits with 4
finds() {
	spy "$1" --audit
	is "audit, $1: exit code 4" $? 4
	like "audit, $1: named" "$T/out" "n: undeclared: $2"
	is "audit, $1: and nothing else" "$(grep -c 'n: undeclared: ' "$T/out")" "${3-1}"
}
finds read "read $T/secret \\(by cat\\)"
finds climb "read $T/secret \\(by cat\\)"
finds link "read $T/secret \\(by cat\\)"
finds list "read $T/private \\(by ls\\)"
finds look "look at $T/secret \\(by d?a?sh\\)"
finds write "write $T/left \\(by d?a?sh\\)"
finds move "write $T/left \\(by mv\\)"
finds delete "write $T/victim \\(by rm\\)" 2
finds folder "write $T/dir \\(by mkdir\\)"
finds mode "write $T/victim \\(by chmod\\)" 2
finds modelink "write $T/victim \\(by chmod\\)" 2
finds time "write $T/victim \\(by touch\\)"
finds around "write $T/victim \\(by rm\\)"
finds program "program $T/tool" 2
finds extra "undeclared output out/more.txt"
finds child "read $T/secret \\(by cat\\)"
like "the sum" "$T/err" 'audit: 1 undeclared access in 1 nodes'
spy fine --audit
is "audit: an honest stage" $? 0
spy fail --audit
is "audit: an exit code comes through" "$? $(grep -c 'FAILED: exit code 6' "$T/out")" "1 1"
spy die --audit
is "audit: a signal, too" "$? $(grep -c 'FAILED: signal 11' "$T/out")" "1 1"
if command -v perl >/dev/null; then
	spy net --audit
	like "audit: the network" "$T/out" 'n: undeclared: network 127.0.0.1 port 9 \(by perl\)'
	spy socket --audit
	like "audit: a socket of no file" "$T/out" 'n: undeclared: network @axpipe \(by perl\)'
	spy message --audit
	like "audit: a message to one" "$T/out" 'n: undeclared: network @axmessage \(by perl\)'
	spy key --audit
	like "audit: a key of System V" "$T/out" 'n: undeclared: channel System V key 0x617870 \(by perl\)'
else
	skip "audit: the network" "no perl"
fi
if [ "$(id -u)" = 0 ]; then
	finds device "device .*/tmp/null \\(by cp\\)"
else
	skip "audit: a device" "only root makes one"
fi
spy left 7<"$T/secret"
is "a file that the caller left open is not the stage's" "$(show one n text | grep -c secret)" 0
is "nor is his terminal: the session is another" "$(show one n text | grep -c "^session $(cut -d ' ' -f 6 /proc/self/stat)$")" 0
if [ -e /proc/self/autogroup ]; then
	rm -rf "$AXPIPE_STORE"
	nice -n 9 "$AXPIPE" run one.json -q
	is "whose group of the scheduler is as nice as the caller" "$(show one n text | grep -c '^nice 9$')" 1
else
	skip "whose group of the scheduler is as nice as the caller" "the kernel groups no sessions"
fi
one spy '"do": "read"'
"$AXPIPE" run one.json -q
code "a check of what is stored finds it as well" 4 "$AXPIPE" check one.json --rebuild --audit
like "by name" "$T/out" "^  undeclared: read $T/secret \\(by cat\\)"
code "audit and sandbox" 2 "$AXPIPE" run one.json --audit --sandbox
code "audit of what" 2 "$AXPIPE" check one.json --audit

# the sandbox
box() {
	rm -rf "$AXPIPE_STORE"
	spy "$1" --sandbox
}
box fine
rc=$?
if [ $rc = 3 ] && grep -q 'no Landlock' "$T/err"; then
	skip "the sandbox" "$(cat "$T/err")"
else
	is "sandbox: an honest stage" $rc 0
	is "sandbox: its result is what it is without" "$(show one n text)" "$(rm -rf "$AXPIPE_STORE"; spy fine; show one n text)"
	box read
	is "sandbox: a read is refused" "$(show one n text | tail -n 1)" two
	like "sandbox: and named" "$T/out" "n: undeclared: refused: read $T/secret \\(by cat\\)"
	box climb; is "sandbox: by any way" "$(show one n text | tail -n 1)" two
	box link; is "sandbox: through a link" "$(show one n text | tail -n 1)" two
	box list; is "sandbox: a listing" "$(show one n text | tail -n 1)" two
	box write; is "sandbox: a write" "$(ls "$T/left" 2>/dev/null)" ""
	like "sandbox: named" "$T/out" "refused: write $T/left"
	box move; is "sandbox: a move" "$(ls "$T/left" 2>/dev/null)" ""
	box delete; is "sandbox: a deletion" "$(cat "$T/victim")" x
	box folder; is "sandbox: a folder" "$(ls -d "$T/dir" 2>/dev/null)" ""
	box mode; is "sandbox: a mode" "$(stat -c %a "$T/victim")" 644
	like "sandbox: named" "$T/out" "refused: write $T/victim"
	box modelink; is "sandbox: a mode, by a link" "$(stat -c %a "$T/victim")" 644
	box time; is "sandbox: times" "$(find "$T/victim" -mmin -60)" "$T/victim"
	box around; is "sandbox: by /proc" "$(cat "$T/victim")" x
	box own; is "sandbox: modes and times of its own" "$? $(grep -c refused "$T/out")" "0 0"
	box program; is "sandbox: a program" "$(show one n text | tail -n 1)" two
	box child; is "sandbox: children are held, too" "$(show one n text | tail -n 1)" two
	box fail; is "sandbox: an exit code comes through" "$? $(grep -c 'FAILED: exit code 6' "$T/out")" "1 1"
	if command -v perl >/dev/null; then
		sed -i 's/"outputs": {/"tools": {"perl": {"program": "perl", "version": ["-v"]}}, "outputs": {/' "$T/stages/spy/stage.json"
		box net; is "sandbox: no network" "$(show one n text | tail -n 1)" "no socket"
		like "sandbox: named" "$T/out" 'n: undeclared: refused: network a socket \(IPv4\) \(by perl\)'
		box pair; is "sandbox: no datagrams by a pair, but streams" "$(show one n text | tail -n 1)" "no pair"
		like "sandbox: named" "$T/out" 'n: undeclared: refused: network a pair of datagram sockets \(by perl\)'
		box key; is "sandbox: no key of System V" "$(show one n text | tail -n 1)" "no key"
	fi
	if [ "$(id -u)" = 0 ]; then
		box device; is "sandbox: no device of its own" "$(show one n text | tail -n 1)" two
	fi
	base_manifest
	rm -rf "$AXPIPE_STORE"
	code "sandbox: a whole graph" 0 "$AXPIPE" run m.json --sandbox
	is "sandbox: nothing was refused" "$(grep -c undeclared "$T/out")" 0
fi

# networks: train, qat, finetune and evaluate keep to what they declare
unset AXPIPE_STAGES
perl -e 'print "A,B,OUT\n"; for my $a (-128 .. 127) { print "$a,$_,", $a * $_, "\n" for -128 .. 127 }' >mul.csv
cat >nn.json <<'EOF'
{"axpipe": 1, "name": "nn", "inputs": {"lut": {"file": "mul.csv"}},
 "vars": {"net": {"family": "small-cnn", "width": 4}},
 "stages": {
  "glyphs": {"stage": "dataset", "params": {"format": "glyphs", "train_count": 200, "test_count": 50}},
  "train": {"stage": "train", "in": {"dataset": "glyphs.dataset"},
   "params": {"network": "${net}", "epochs": 1, "batch": 32, "crop": 0, "flip": false}},
  "qat": {"stage": "qat", "in": {"dataset": "glyphs.dataset"},
   "params": {"network": "${net}", "epochs": 1, "warmup_float": 1, "batch": 32, "crop": 0, "flip": false}},
  "tuned": {"stage": "finetune", "in": {"dataset": "glyphs.dataset", "checkpoint": "qat.checkpoint", "lut": "lut"},
   "params": {"epochs": 1, "batch": 32, "crop": 0, "flip": false}},
  "float": {"stage": "evaluate", "in": {"dataset": "glyphs.dataset", "checkpoint": "train.checkpoint"},
   "params": {"network": "${net}", "mode": "float"}},
  "table": {"stage": "evaluate", "in": {"dataset": "glyphs.dataset", "checkpoint": "tuned.checkpoint", "lut": "lut"},
   "params": {"mode": "lut"}}}}
EOF
made() { git --git-dir="$1/runs.git" show nn:lock.json | sed -n 's/^"\([^"]*\)": .*"outputs": \(.*\)}.*/\1 \2/p'; }
if sanitized; then
	skip "networks: audit and sandbox" "a sanitizer's search for leaks wants ptrace itself"
else
	code "networks: audit" 0 "$AXPIPE" run nn.json --audit --store "$T/nn1"
	like "networks: nothing undeclared" "$T/out" '^audit: 6 nodes looked at, 0 undeclared accesses'
	is "networks: six nodes were made" "$(made "$T/nn1" | grep -c "{")" 6
	"$AXPIPE" run nn.json --sandbox --store "$T/nn2" >"$T/out" 2>"$T/err"
	rc=$?
	if [ $rc = 3 ]; then
		skip "networks: sandbox" "$(cat "$T/err")"
	else
		is "networks: sandbox" "$rc" 0
		is "networks: the bytes are the same" "$(made "$T/nn2")" "$(made "$T/nn1")"
	fi
fi
AXPIPE_STAGES=$T/stages
export AXPIPE_STAGES

# for a user who is not root
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$AXPIPE"; then
	mkdir "$T/user"
	cp one.json a.txt "$T/user"
	chown -R 65534:65534 "$T/user"
	as_user() { (cd "$T/user" && AXPIPE_STORE=$T/user/store setpriv --reuid=65534 --regid=65534 --clear-groups "$AXPIPE" "$@"); }
	sed -i 's/"do": "[a-z]*"/"do": "read"/' "$T/user/one.json"
	code "an ordinary user: audit" 4 as_user run one.json --audit
	like "an ordinary user: named" "$T/out" "n: undeclared: read $T/secret"
	rm -rf "$T/user/store"
	as_user run one.json --sandbox >"$T/out" 2>&1
	like "an ordinary user: refused" "$T/out" "n: undeclared: refused: read $T/secret"
else
	skip "an ordinary user" "not root here: the rest ran as one, or $AXPIPE cannot be read by others"
fi

# no kernel help, no silent pass
if command -v setpriv >/dev/null && command -v perl >/dev/null && [ "$(uname -m)" = x86_64 ]; then
	# a seccomp filter under which ptrace and landlock are unknown calls
	cat >"$T/without.pl" <<'EOF'
my @f = ([0x20,0,0,0],[0x15,2,0,101],[0x15,1,0,444],[0x06,0,0,0x7fff0000],[0x06,0,0,0x50026]);
my $f = join "", map { pack "SCCL", @$_ } @f;
syscall(157, 38, 1, 0, 0, 0) == 0 or die;
my $prog = pack "Sx6P", scalar(@f), $f;
syscall(157, 22, 2, $prog, 0, 0) == 0 or die "filter: $!";
exec @ARGV;
EOF
	# (a sanitizer's search for leaks wants ptrace, too)
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
	export ASAN_OPTIONS
	code "no ptrace: the audit says so" 3 perl "$T/without.pl" "$AXPIPE" run one.json --audit
	like "and ran nothing" "$T/err" 'does not let axpipe trace its own children .*nothing was run'
	code "no Landlock: so does the sandbox" 3 perl "$T/without.pl" "$AXPIPE" run one.json --sandbox
	like "and ran nothing" "$T/err" 'this kernel has no Landlock .*nothing was run'
else
	skip "a kernel that offers nothing" "no setpriv, no perl, or not x86-64"
fi
done_testing
