#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A result depends on no compiler: whatever built the stages, what they make
# has the digests of same.expect. CI runs this with gcc and with clang.
#
# Where a result was meant to change: AXPIPE_EXPECT=write tests/cli/same.t
. "$AXPIPE_SRC/tests/lib/tap.sh"

here=$AXPIPE_SRC/tests/cli
code "a little of everything" 0 "$AXPIPE" run "$here/same.json" -q
git --git-dir="$AXPIPE_STORE/runs.git" show same:lock.json |
	python3 -c '
import json, sys
for name, node in sorted(json.load(sys.stdin)["nodes"].items()):
    for output, digest in sorted(node["outputs"].items()):
        print(name, output, digest)' >"$T/got"
[ "${AXPIPE_EXPECT:-}" != write ] || cp "$T/got" "$here/same.expect"
is "all of it was made" "$(wc -l <"$T/got")" "$(wc -l <"$here/same.expect")"
ok "to the bytes that every compiler gives" diff "$here/same.expect" "$T/got"
done_testing
