#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The stamp: a null run that decides nothing must decide so only while nothing
# changed. Each change below is one that a closer look would see.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"
base_manifest
mkdir "$T/bin"
PATH=$T/bin:$PATH
# whether the newest run repeated an earlier one
repeats() { git --git-dir="$AXPIPE_STORE/runs.git" show t:run.json | grep -c '"repeats"'; }
run() { "$AXPIPE" run m.json "$@" >"$T/out" 2>"$T/err"; }
# Files age for two seconds before their stat is trusted.
settle() { sleep 2.2; run; }

# Files of a time to come have not aged, however slow the machine.
run && touch -d '1 hour' a.txt && run && run
is "files that have not aged are looked at" "$(repeats)" 0
touch -d '1 hour ago' a.txt
settle
is "a null run looks at everything once" "$(repeats)" 0
run
is "the next one repeats it" "$(repeats)" 1
is "and says the same" "$(summary)" "0 executed, 5 cached, 0 substituted, 0 failed, 0 skipped"
is "its commit has the same lock" "$(git --git-dir="$AXPIPE_STORE/runs.git" rev-parse t:lock.json)" \
	"$(git --git-dir="$AXPIPE_STORE/runs.git" rev-parse t~1:lock.json)"
code "the log" 0 "$AXPIPE" log t
like "shows it" "$T/out" "0 executed, 5 cached"
run -q
is "quiet repeats too" "$(repeats)$(cat "$T/out")" 1
rm -rf "$AXPIPE_STORE"
run
is "of files that have settled, a run that makes everything is enough" "$(summary; run; repeats; summary)" \
	"5 executed, 0 cached, 0 substituted, 0 failed, 0 skipped
1
0 executed, 5 cached, 0 substituted, 0 failed, 0 skipped"
is "and the one that repeats it made nothing" "$(git --git-dir="$AXPIPE_STORE/runs.git" show t:run.json | grep '"executed"')" '  "executed": [],'
if run --audit; then
	is "an audit looks at everything" "$(repeats)" 0
else
	skip "an audit" "this machine cannot trace: $(head -n 1 "$T/err")"
fi
run --json
is "events are told in full" "$(repeats)$(grep -c run-ended "$T/out")" 01

plan() { "$AXPIPE" plan m.json "$@" | tail -n 1; }
is "plan says so without the graph" "$(plan)" "0 to run, 0 more that may be cut off, 5 cached, 0 substituted"
is "all the same as with it" "$(plan --json | head -n 1)$(plan -a | tail -n 1)" "}$(plan)"
printf 'one\n# x comment\ntwo\n' >a.txt
is "but for a change" "$(plan)" "1 to run, 4 more that may be cut off, 0 cached, 0 substituted"
run
is "an input with another byte, of the same size" "$(summary)" "1 executed, 4 cached, 0 substituted, 0 failed, 0 skipped"
settle && run
is "settled again" "$(repeats)" 1
touch -d '2001-01-01' a.txt
run
is "a time set back is looked at" "$(repeats)" 0
settle && run
is "settled again" "$(repeats)" 1
sed 's/"y"/"z"/' m.json >m3.json && cp m3.json m.json
run
is "another manifest" "$(summary)" "3 executed, 2 cached, 0 substituted, 0 failed, 0 skipped"
settle && run
is "settled again" "$(repeats)" 1
object=$(find "$AXPIPE_STORE/cas" -type f -size +20c | head -n 1)
chmod u+w "$object" && rm -f "$object"
run
ok "an object that is gone is made again" test -f "$object"
chmod u+w "$object" && rm -f "$object"
run
ok "and in the moment after the run too" test -f "$object"
settle && run
is "settled again" "$(repeats)" 1
echo '# another line' >>"$T/stages/copy/run"
run
like "other code of a stage" "$T/out" '^[1-9][0-9]* executed'
settle && run
is "settled again" "$(repeats)" 1
mkdir "$T/stages/more" && sed 's/"concat"/"concat2"/' "$T/stages/concat/stage.json" >"$T/stages/more/stage.json"
run
is "a new stage is looked at" "$(repeats)" 0
settle && run
is "settled again" "$(repeats)" 1
printf '#!/bin/sh\n' >"$T/bin/anything" && chmod +x "$T/bin/anything"
run
is "a new program on PATH is looked at" "$(repeats)" 0
settle && run
is "settled again" "$(repeats)" 1
sed -i 's/^hits 5$/hits 7/' "$AXPIPE_STORE"/stamps/*
run
is "a stamp with another digit is none" "$(repeats) $(summary)" "0 0 executed, 5 cached, 0 substituted, 0 failed, 0 skipped"
settle && run
is "settled again" "$(repeats)" 1
is "another target is another command" "$(run last; repeats)" 0
run --set nothing=1
like "a bad command is told in full" "$T/err" "nothing"
for f in "$AXPIPE_STORE"/stamps/*; do head -c 300 "$f" >"$f.x" && mv "$f.x" "$f"; done
run
is "a torn stamp is no stamp" "$? $(repeats)" "0 0"
settle && run
is "settled again" "$(repeats)" 1
for f in "$AXPIPE_STORE"/stamps/*; do head -c 5000 /dev/urandom >"$f"; done
run
is "rubbish is no stamp either" "$? $(repeats)" "0 0"
settle && run
is "settled again" "$(repeats)" 1
rm -rf "$AXPIPE_STORE/runs.git"
run
is "without the run it repeats" "$? $(repeats)" "0 0"
mkdir "$T/stages/remove"
sed 's/"copy"/"remove"/; s/"suffix": {"type": "string", "default": ""/"victim": {"type": "string"/' "$T/stages/copy/stage.json" >"$T/stages/remove/stage.json"
cat >"$T/stages/remove/run" <<'X'
#!/bin/sh
rm -f "$(sed -n 's/.*"victim":"\([^"]*\)".*/\1/p' request.json)"
cp in/text out/text.txt
X
chmod +x "$T/stages/remove/run"
sleep 2.2
sed 's|"last": {|"thief": {"stage": "remove", "in": {"text": "a"}, "params": {"victim": "'"$object"'"}},\n  &|' m.json >m4.json && sleep 2.2
"$AXPIPE" run m4.json >"$T/out" 2>"$T/err"
is "an object was removed while its run went on" "$(summary)$(test -e "$object" || echo ' gone')" "1 executed, 5 cached, 0 substituted, 0 failed, 0 skipped gone"
"$AXPIPE" run m4.json >"$T/out" 2>"$T/err"
like "the next run sees it" "$T/out" '^1 executed, 5 cached'
settle && run
code "gc" 0 "$AXPIPE" gc
is "drops the stamps" "$(ls "$AXPIPE_STORE/stamps" 2>/dev/null)" ""
done_testing
