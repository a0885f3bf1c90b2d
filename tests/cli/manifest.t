#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every bad manifest of tests/cli/manifests has its message, and exit code 2.
. "$AXPIPE_SRC/tests/lib/tap.sh"

cd "$AXPIPE_SRC/tests/cli/manifests" || exit 1
export AXPIPE_STAGES=stages

for expect in *.expect; do
	name=${expect%.expect}
	rc=0
	"$AXPIPE" plan "$name.json" >"$T/out" 2>"$T/err" || rc=$?
	is "$name: exit code" "$rc" 2
	is "$name: message" "$(cat "$T/err")" "$(cat "$expect")"
done

# nothing was made on the way
ok "no store appears for a bad manifest" [ ! -e "$AXPIPE_STORE" ]
code "a missing manifest" 2 "$AXPIPE" plan none.json
like "is named" "$T/err" 'none\.json'
code "a folder of stages that is not there" 2 "$AXPIPE" plan good.json --stages "$T/none"
like "is named" "$T/err" "$T/none"
code "an unknown variable" 2 "$AXPIPE" plan good.json --set widht=4
like "with a suggestion" "$T/err" "did you mean 'width'"

# broken stage.json, each with its place
mkdir -p "$T/s/x"
try() {
	printf '%s\n' "$2" >"$T/s/x/stage.json"
	code "stage.json: $1" 2 "$AXPIPE" stages --stages "$T/s"
	like "stage.json: $1: message" "$T/err" "^$T/s/x/stage.json:[0-9]+:[0-9]+: .*$3"
}
try syntax '{"name": }' "unexpected token"
try "byte order mark" "$(printf '\357\273\277{}')" "byte order mark; save it as UTF-8 without one"
try "byte 0" '{"name": "x\u0000"}' 'u0000 in a string'
try key '{"name": "x", "version": 1, "summary": "s", "input": {}}' "unknown key 'input' in stage.json; did you mean 'inputs'"
try name '{"version": 1, "summary": "s"}' '"name" is missing'
try "name of characters" '{"name": "a b", "version": 1, "summary": "s"}' "'a b' is no name"
try version '{"name": "x", "summary": "s", "version": "1"}' '"version" must be an integer'
try type '{"name": "x", "version": 1, "summary": "s", "outputs": {"o": {}}}' '"type" is missing'
try path '{"name": "x", "version": 1, "summary": "s", "outputs": {"o": {"type": "any", "file": "../o"}}}' 'is no path below out/'
try "same file" '{"name": "x", "version": 1, "summary": "s", "outputs": {"o": {"type": "any", "tree": true}, "p": {"type": "any", "file": "o/p"}}}' 'written to the same place'
try "type of a parameter" '{"name": "x", "version": 1, "summary": "s", "params": {"p": {"type": "int"}}}' "unknown type 'int'"
try pattern '{"name": "x", "version": 1, "summary": "s", "params": {"p": {"type": "string", "pattern": "a"}}}' "unknown key 'pattern'"
try default '{"name": "x", "version": 1, "summary": "s", "params": {"p": {"type": "integer", "default": "a"}}}' "parameter 'p' must be an integer"
try tool '{"name": "x", "version": 1, "summary": "s", "tools": {"t": {}}}' '"program" is missing'
try env '{"name": "x", "version": 1, "summary": "s", "env": ["A B"]}' 'is no name of an environment variable'
try command '{"name": "x", "version": 1, "summary": "s", "command": []}' '"command" must start with a program'
try memory '{"name": "x", "version": 1, "summary": "s", "resources": {"memory": "1 XB"}}' '"memory" must be a size'
mkdir -p "$T/s/y"
printf '%s\n' '{"name": "x", "version": 1, "summary": "one"}' >"$T/s/x/stage.json"
cp "$T/s/x/stage.json" "$T/s/y/"
code "two stages of a name in one folder" 2 "$AXPIPE" stages --stages "$T/s"
like "names both" "$T/err" "y/stage.json:1:10: a stage named 'x' is also in .*s/x"
mkdir -p "$T/t/x"
printf '%s\n' '{"name": "x", "version": 2, "summary": "two"}' >"$T/t/x/stage.json"
rm -r "$T/s/y"
code "an earlier folder wins" 0 "$AXPIPE" stages x --stages "$T/t" --stages "$T/s"
like "over a later one" "$T/out" 'x - two \(version 2\)'
code "also over AXPIPE_STAGES" 0 env AXPIPE_STAGES="$T/s" "$AXPIPE" stages x --stages "$T/t"
like "in which more are found" "$T/out" 'x - two'

# what is made from stage.json and from the table of commands
code "the manual of a stage" 0 "$AXPIPE" stages make
like "has its parameters" "$T/out" 'width \(integer, in bit; at least 1; at most 12; default 8\)'
like "and its outputs" "$T/out" 'table \(csv, table.csv, optional\)'
code "an unknown stage" 2 "$AXPIPE" stages maek
like "has a suggestion" "$T/err" "did you mean 'make'"
code "all stages as JSON" 0 "$AXPIPE" stages --json
code "all stages as Markdown" 0 "$AXPIPE" stages --markdown
like "has a table" "$T/out" '^\| `width` \| integer, in bit'
code "the schema" 0 "$AXPIPE" schema
if python3 -c 'import jsonschema' 2>/dev/null; then
	cp "$T/out" "$T/schema.json"
	# shellcheck disable=SC2046
	ok "is JSON Schema 2020-12, and fits every good manifest" python3 - "$T/schema.json" good.json more/part.json $(find "$AXPIPE_SRC/manifests" -name '*.json') <<'EOF'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
for name in sys.argv[2:]:
    jsonschema.Draft202012Validator(schema).validate(json.load(open(name)))
EOF
	ok "and refuses what a stage does not know" python3 - "$T/schema.json" stage-key.json stage-unknown.json param-unknown.json in-unknown.json in-missing.json pin-output.json param-maximum.json top-key.json figure-style.json claim-two.json input-two.json <<'EOF'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
for name in sys.argv[2:]:
    if jsonschema.Draft202012Validator(schema).is_valid(json.load(open(name))):
        sys.exit(name + " is valid")
EOF
else
	skip "the schema fits the good manifest" "python3 has no jsonschema"
fi
code "the manual page" 0 "$AXPIPE" help --man
if command -v mandoc >/dev/null 2>&1; then
	cp "$T/out" "$T/axpipe.1"
	mandoc -T lint -W warning "$T/axpipe.1" >"$T/lint" 2>&1 || :
	is "has no fault for mandoc" "$(cat "$T/lint")" ""
else
	skip "the manual page is sound" "mandoc is not installed"
fi
code "completion for bash" 0 "$AXPIPE" help --completion bash
if command -v bash >/dev/null 2>&1; then
	cp "$T/out" "$T/completion"
	got=$(bash -c '. "$1"; COMP_WORDS=(axpipe sta); COMP_CWORD=1; _axpipe; echo "${COMPREPLY[*]}"' sh "$T/completion")
	is "completes commands" "$got" "status stages"
	got=$(bash -c '. "$1"; COMP_WORDS=(axpipe plan --offl); COMP_CWORD=2; _axpipe; echo "${COMPREPLY[*]}"' sh "$T/completion")
	is "completes options" "$got" "--offline"
	# words WORD...: what is offered for the last of them
	words() { bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _axpipe; echo "${COMPREPLY[*]}"' sh "$T/completion" "$@"; }
	is "completes what an option takes" "$(words axpipe run m.json --executor '')" "local slurm"
	is "as one word" "$(words axpipe plan --remote-mode = r)" "ro rw"
	is "and at its start" "$(words axpipe bundle --inputs =)" "fixed all none"
	is "and what a command takes" "$(words axpipe key n)" "new"
	: >"$T/key.pem"
	is "then files" "$(words axpipe key show "$T/key.p")" "$T/key.pem"
	: >"$T/a blank.json"
	is "whole, with blanks in their names" "$(bash -c '. "$1"; COMP_WORDS=(axpipe run "$2"); COMP_CWORD=2; _axpipe; echo "${#COMPREPLY[@]}"' sh "$T/completion" "$T/a b")" 1
	got=$(PATH=$(dirname "$AXPIPE"):$PATH bash -c '. "$1"; COMP_WORDS=(axpipe stages twi); COMP_CWORD=2; _axpipe; echo "${COMPREPLY[*]}"' sh "$T/completion")
	is "completes names of stages" "$got" "twist"
else
	skip "completion works in bash" "bash is not installed"
fi
code "completion for zsh" 0 "$AXPIPE" help --completion zsh
like "names its command" "$T/out" '^#compdef axpipe'
like "offers what an option takes" "$T/out" "'--executor=\\[.*:\\(local slurm\\)'"
like "knows letters, too" "$T/out" "'\\(-j --jobs\\)'\\{-j\\+,--jobs=\\}'\\["
like "and what a command takes" "$T/out" "'1:what:\\(new show\\)'"
if command -v zsh >/dev/null 2>&1; then
	cp "$T/out" "$T/completion"
	ok "zsh reads it" zsh -n "$T/completion"
else
	skip "zsh reads it" "zsh is not installed"
fi
code "completion for another shell" 2 "$AXPIPE" help --completion fish
like "which there are" "$T/err" "it is one of bash, zsh"

# the frame
code "no command" 2 "$AXPIPE"
code "help" 0 "$AXPIPE" help
code "version" 0 "$AXPIPE" --version
like "is a number" "$T/out" '^axpipe [0-9]'
code "a misspelt command" 2 "$AXPIPE" plna
like "has a suggestion" "$T/err" "did you mean 'plan'"
code "a misspelt option" 2 "$AXPIPE" plan --offlien good.json
like "has a suggestion" "$T/err" "did you mean --offline"
for c in run plan explain status stages report check log gc fsck schema help; do
	code "help of $c" 0 "$AXPIPE" "$c" --help
	like "shows its use" "$T/out" "^Usage: axpipe $c "
done
if [ -e /dev/full ]; then
	tap_rc=0
	"$AXPIPE" schema >/dev/full 2>"$T/err" || tap_rc=$?
	is "a full disk is no success" "$tap_rc" 3
fi
done_testing
