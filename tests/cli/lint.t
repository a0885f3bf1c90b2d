#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The house rules that a compiler does not know.
. "$AXPIPE_SRC/tests/lib/tap.sh"
cd "$AXPIPE_SRC" || exit 1

find artifacts cache pipeline stages tests \( -name '*.c' -o -name '*.h' \) | sort >"$T/files"

# shellcheck disable=SC2046
none() {
	name=$1
	shift
	if "$@" >"$T/found" 2>/dev/null && [ -s "$T/found" ]; then
		fail "$name"
		head -n 20 "$T/found" | sed 's/^/# /'
	else
		pass "$name"
	fi
}

is "there are files to look at" "$([ "$(wc -l <"$T/files")" -gt 60 ] && echo yes)" yes
none "no file is longer than 1200 lines" sh -c "xargs wc -l <'$T/files' | awk '\$2 != \"total\" && \$1 > 1200'"
none "every C file says its licence first" sh -c "for f in \$(cat '$T/files'); do head -n 1 \$f | grep -q 'SPDX-License-Identifier: Apache-2.0' || echo \$f; done"
none "no // comments" sh -c "xargs grep -nE '^[[:space:]]*//' <'$T/files'"
none "nothing unfinished" sh -c "xargs grep -nE '\\b(TODO|FIXME|XXX|HACK)\\b' <'$T/files'"
none "artifacts include nothing above them" grep -rnE '#include "(cache|stages|pipeline)/' artifacts
none "the cache includes only itself and artifacts" grep -rnE '#include "(stages|pipeline)/' cache
none "stages know neither pipeline nor cache" grep -rnE '#include "(pipeline|cache)/' stages
none "the pipeline knows stages only by stage.json" grep -rnE '#include "stages/' pipeline
none "no shell is started" sh -c "grep -rnE '\"(/bin/)?sh\"' artifacts cache pipeline stages --include=*.c"
none "headers have include guards" sh -c "grep '[.]h\$' '$T/files' | grep -v '_impl[.]h\$' | xargs grep -L '#ifndef AX_'"
none "every fuzz target starts from seeds" sh -c "for c in tests/fuzz/fuzz_*.c; do s=tests/fuzz/seeds/\$(basename \$c .c); [ -n \"\$(ls \$s 2>&1)\" ] && [ -d \$s ] || echo \$c; done"
none "no trailing blanks" sh -c "xargs grep -nE '[[:blank:]]+\$' <'$T/files'"
if command -v clang-format-14 >/dev/null 2>&1; then
	none "clang-format 14 has nothing to change" sh -c "xargs clang-format-14 --dry-run -Werror <'$T/files' 2>&1 | grep -o '^[^:]*:[0-9]*' | sort -u"
else
	skip "clang-format 14 has nothing to change" "clang-format-14 is not installed"
fi
if command -v shellcheck >/dev/null 2>&1; then
	ok "configure passes shellcheck" shellcheck -s sh -S warning -e SC2086,SC2046 configure
else
	skip "configure passes shellcheck" "shellcheck is not installed"
fi
done_testing
