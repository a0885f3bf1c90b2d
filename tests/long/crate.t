#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The RO-Crate of a bundle before a validator that others wrote: the npm package
# "ro-crate", fetched here.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"

base_manifest
"$AXPIPE" run m.json >/dev/null
"$AXPIPE" key new "$T/key" >/dev/null
code "a bundle" 0 "$AXPIPE" bundle m.json --key "$T/key" --author "A. Author" --license Apache-2.0 -o "$T/b.tar"
mkdir "$T/x" "$T/npm"
ok "any tar unpacks it" tar xf "$T/b.tar" -C "$T/x"
if ! command -v npm >/dev/null 2>&1; then
	skip "the validator of ro-crate" "npm is not installed"
elif ! (cd "$T/npm" && timeout 300 npm install --no-audit --no-fund ro-crate@3.7.2) >"$T/npm.log" 2>&1; then
	skip "the validator of ro-crate" "npm cannot fetch it: $(tail -n 1 "$T/npm.log")"
else
	ok "the validator of ro-crate has nothing to say" env "NODE_PATH=$T/npm/node_modules" node "$AXPIPE_SRC/tests/lib/validate_crate.js" "$T/x"
	sed -i 's/"datePublished": "[^"]*",//' "$T/x/ro-crate-metadata.json"
	code "but of a crate without a date it has" 1 env "NODE_PATH=$T/npm/node_modules" node "$AXPIPE_SRC/tests/lib/validate_crate.js" "$T/x"
	like "this" "$T/out" 'datePublished'
fi
done_testing
