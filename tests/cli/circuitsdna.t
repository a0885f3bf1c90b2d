#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The reproduction of the published circuits: every claim holds, offline; and the
# PDK's library, joined from a git input, has the digest that the manifest pins.
. "$AXPIPE_SRC/tests/lib/tap.sh"
if [ -z "$AXPIPE_DATA" ] || [ ! -d "$AXPIPE_DATA/gf180" ]; then
	skip "the published circuits" "no AXPIPE_DATA with the published files"
	done_testing
fi
manifest=$AXPIPE_SRC/manifests/circuitsdna/circuits.json
cd "$T" || exit 1

code "the manifest runs without a network" 0 "$AXPIPE" run "$manifest" --offline --mirror "$AXPIPE_DATA"
like "the library and the seed come from the mirror" "$T/out" '^36 executed, 0 cached, 2 substituted'
code "every claim holds" 0 "$AXPIPE" check "$manifest" --offline --mirror "$AXPIPE_DATA"
like "all 176" "$T/out" '^176 claims: 176 hold, 0 fail, 0 missing'
code "a second run needs no mirror" 0 "$AXPIPE" run "$manifest" --offline
like "and executes nothing" "$T/out" '^0 executed'
code "without store and mirror" 3 "$AXPIPE" run "$manifest" --offline --store "$T/empty"

# the published evolution: its first 250 generations, and all of it in
# tests/long/evolve_published.t
evolution=$AXPIPE_SRC/manifests/circuitsdna/evolution.json
code "the evolution starts from the published seed" 0 "$AXPIPE" run "$evolution" 'curve[generations=250]' --offline --mirror "$AXPIPE_DATA"
like "which comes from the mirror" "$T/out" '^1 executed, 0 cached, 1 substituted'
"$AXPIPE" check "$evolution" --offline --mirror "$AXPIPE_DATA" >"$T/out" 2>&1
like "and has 2602 transistors then" "$T/out" 'curve.transistors\[generations=250\] .*2602 .*holds'

# the PDK as a repository: a header and a file per cell
gzip -dc "$AXPIPE_DATA"/gf180/*.lib.gz >gf.lib
mkdir -p pdk/liberty
awk '
	/^  cell\(/ {
		close(file); name = $0; sub(/^  cell\(/, "", name); sub(/\).*/, "", name)
		base = name; sub(/.*__/, "", base); sub(/_[0-9]*$/, "", base)
		dir = "pdk/cells/" base; if (!(dir in made)) { made[dir] = 1; system("mkdir -p " dir) }
		file = dir "/" name "__tt_025C_3v30.lib"; n++
	}
	!n { print > "pdk/liberty/gf180mcu_fd_sc_mcu9t5v0__tt_025C_3v30.lib"; next }
	/^}/ { next }
	{ print > file }' gf.lib
echo "}" >>pdk/liberty/gf180mcu_fd_sc_mcu9t5v0__tt_025C_3v30.lib
(
	cd pdk || exit 1
	git init -q . && git add . &&
		git -c user.name=pdk -c user.email=pdk@localhost commit -qm cells
) || fail "a repository for the PDK"
rev=$(git -C pdk rev-parse HEAD)
sed "s|https://github.com/google/globalfoundries-pdk-libs-gf180mcu_fd_sc_mcu9t5v0|file://$T/pdk|; s|3781fd2951da6e3dc4600e52d997398a9463caeb|$rev|" "$manifest" >git.json
code "the library from git, its per-cell files joined" 0 "$AXPIPE" run git.json library --store "$T/git-store"
like "has the digest of the pin" "$T/out" '^1 executed, 0 cached, 0 substituted, 0 failed'
echo '/* touched */' >>pdk/cells/nand2/gf180mcu_fd_sc_mcu9t5v0__nand2_1__tt_025C_3v30.lib
git -C pdk -c user.name=pdk -c user.email=pdk@localhost commit -qam touched
sed "s|$rev|$(git -C pdk rev-parse HEAD)|" git.json >touched.json
code "another cell file breaks the pin" 1 "$AXPIPE" run touched.json library --store "$T/git-store"
like "which is said with both digests" "$T/out" '07a123d67b5dd63e'
done_testing
