#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Generated pages are what the program would generate now; links and files that
# the documents name exist; the man page is well formed.
. "$AXPIPE_SRC/tests/lib/tap.sh"
mkdir -p "$T/docs" && cd "$AXPIPE_BUILD/.." || exit 1
"$AXPIPE_SRC/tests/lib/docs" "$T"
for page in stages-manual.md manifest.schema.json; do
	ok "docs/$page is up to date (else: ninja docs)" cmp "$T/docs/$page" "$AXPIPE_SRC/docs/$page"
done
cd "$AXPIPE_SRC" || exit 1
for page in README.md ARCHITECTURE.md CONTRIBUTING.md docs/*.md; do
	dir=$(dirname "$page")
	missing=$(grep -o '](\([^)#:]*\))' "$page" | sed 's/](\(.*\))/\1/' | while read -r link; do
		[ -e "$dir/$link" ] || echo "$link"
	done)
	is "links of $page lead somewhere" "$missing" ""
done
for command in $("$AXPIPE" help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
	code "help $command" 0 "$AXPIPE" help "$command"
done
# the manifest that README shows is one
cp -R manifests/rtl "$T/rtl"
sed -n '/^```json$/,/^```$/p' README.md | sed '/^```/d' >"$T/readme.json"
if [ -e /usr/share/qflow/tech/osu018/osu018_stdcells.lib ]; then
	code "README's manifest" 0 "$AXPIPE" plan "$T/readme.json"
	like "has a truth table for each bound" "$T/out" '^lut\[wce=0.02\]'
else
	skip "README's manifest" "qflow-tech-osu018 is not installed"
fi
"$AXPIPE" help --man >"$T/axpipe.1"
if command -v mandoc >/dev/null 2>&1; then
	ok "mandoc finds no error in the man page" sh -c "! mandoc -T lint -W error '$T/axpipe.1' | grep ."
else
	skip "mandoc finds no error in the man page" "mandoc is not installed"
fi
"$AXPIPE" help --completion bash >"$T/completion.bash"
if command -v bash >/dev/null 2>&1; then
	ok "bash reads its completion" bash -n "$T/completion.bash"
else
	skip "bash reads its completion" "bash is not installed"
fi
done_testing
