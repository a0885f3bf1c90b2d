#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# configure names what is missing; an installed axpipe finds its stages.
. "$AXPIPE_SRC/tests/lib/tap.sh"

# a PATH with what configure itself uses, and nothing that it looks for
mkdir "$T/bin" "$T/b"
for tool in sh dirname basename sed grep find sort tr id cat pwd printf uname; do
	path=$(command -v "$tool") && [ -x "$path" ] && ln -s "$path" "$T/bin/$tool"
done
cd "$T/b" || exit 1
code "configure without anything" 3 env PATH="$T/bin" sh "$AXPIPE_SRC/configure"
for what in 'gcc' 'pkg-config' 'ninja' 'yosys' 'iverilog' 'vvp' 'sta' 'gnuplot' 'dot' 'prove' 'jansson' 'libgit2'; do
	like "names $what" "$T/err" "^configure: missing:.* $what"
done
for package in gcc ninja-build yosys iverilog opensta gnuplot-nox graphviz perl libjansson-dev libgit2-dev libssl-dev libarchive-dev libcurl4-openssl-dev; do
	like "and the package $package" "$T/err" "apt-get install .*$package( |\$)"
done
is "in one message, and leaves no build.ninja" "$(ls)" ""
code "an unknown option" 2 sh "$AXPIPE_SRC/configure" --frobnicate
code "--help" 0 sh "$AXPIPE_SRC/configure" --help
for option in prefix cc sanitize debug install-deps; do
	like "tells of --$option" "$T/out" "^ +--$option"
done

# install: run in a copy of the build's layout, into a folder of the test
cd "$AXPIPE_BUILD/.." || exit 1
code "install" 0 env DESTDIR="$T/root" "$AXPIPE_SRC/tests/lib/install" "$AXPIPE_SRC" /usr
for file in bin/axpipe lib/axpipe/stages/circuit/lut/stage.json lib/axpipe/stages/circuit/lut/run share/man/man1/axpipe.1 \
	share/bash-completion/completions/axpipe share/zsh/site-functions/_axpipe share/axpipe/manifests/demo.json; do
	ok "installs $file" test -s "$T/root/usr/$file"
done
cd "$T" || exit 1
code "the installed program" 0 "$T/root/usr/bin/axpipe" stages
like "finds the installed stages" "$T/out" '^lut '
code "and checks the installed demo" 0 "$T/root/usr/bin/axpipe" plan "$T/root/usr/share/axpipe/manifests/demo.json"
done_testing
