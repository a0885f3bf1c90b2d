#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Bundles: one archive, the same bytes each time, every bit of it checked, run
# on another machine.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"

mkdir -p inputs/tree/sub inc
printf 'one\n# a comment\ntwo\n' >inputs/a.txt
printf 'deep\n' >inputs/tree/sub/b.txt
: >inputs/tree/empty
printf 'far\n# gone\n' >far.txt
cat >inc/more.json <<-'EOF2'
	{"axpipe": 1, "inputs": {"far": {"url": "FAR", "sha256": "HASH"}}}
	EOF2
sed -i "s,FAR,file://$PWD/far.txt,; s/HASH/$(sha256sum far.txt | cut -d' ' -f1)/" inc/more.json
cat >m.json <<-'EOF2'
	{"axpipe": 1, "name": "small", "description": "A small thing.", "include": ["inc/more.json"],
	 "vars": {"end": "the end"},
	 "inputs": {"a": {"file": "inputs/a.txt"}, "tree": {"file": "inputs/tree"}},
	 "stages": {
	  "first": {"stage": "copy", "in": {"text": "a"}},
	  "second": {"stage": "copy", "in": {"text": "first.text"}, "matrix": {"suffix": ["x", "y"]}},
	  "folder": {"stage": "shapes", "in": {"any": "tree"}},
	  "nested": {"stage": "shapes", "in": {"any": "folder.tree"}},
	  "distant": {"stage": "copy", "in": {"text": "far"}},
	  "all": {"stage": "concat", "in": {"texts": ["second.text", "first.text", "distant.text"]}},
	  "last": {"stage": "copy", "in": {"text": "all.text"}, "params": {"suffix": "${end}"}}
	 },
	 "claims": [{"figure": "Fig. 1", "value": "first.bytes", "equals": 8},
	            {"figure": "Fig. 2", "value": "last.bytes", "between": [1, 1000]}]}
	EOF2

code "nothing has run" 1 "$AXPIPE" bundle m.json
like "it says what" "$T/err" '8 of 8 nodes have not run: first'
code "run" 0 "$AXPIPE" run m.json
code "keys" 0 "$AXPIPE" key new "$T/key"
code "a bundle without a signature" 0 "$AXPIPE" bundle m.json
ok "under the manifest's name" test -s small.bundle.tar
code "a signed bundle" 0 "$AXPIPE" bundle m.json -o "$T/b.tar" --key "$T/key" --author "A. Author" --license Apache-2.0
"$AXPIPE" bundle m.json -o "$T/again.tar" --key "$T/key" --author "A. Author" --license Apache-2.0 >/dev/null
ok "the same store gives the same bytes" cmp "$T/b.tar" "$T/again.tar"
cp -R "$AXPIPE_STORE" "$T/copy"
mkdir "$T/elsewhere" && cp -R m.json inc inputs "$T/elsewhere"
(cd "$T/elsewhere" && touch m.json && "$AXPIPE" bundle m.json --store "$T/copy" -o "$T/again.tar" --key "$T/key" --author "A. Author" --license Apache-2.0 >/dev/null)
ok "also from another folder and a copy of the store" cmp "$T/b.tar" "$T/again.tar"

# --- what lies in it
mkdir "$T/x"
ok "any tar reads it" tar xf "$T/b.tar" -C "$T/x"
ok "sha256sum checks it" sh -c "cd '$T/x' && sha256sum -c --quiet SHA256SUMS && sha256sum -c --quiet contents.sha256"
for f in manifest.json manifest/m.json manifest/include-1/more.json lock.json run.json reproduce.json env.json appendix.md README.md \
	CITATION.cff ro-crate-metadata.json attestation.intoto.json attestation.dsse.json test-result.intoto.json signer.pem stages/copy/run; do
	ok "it holds $f" test -s "$T/x/$f"
done
ok "the crate keeps every MUST of its profiles" "$AXPIPE_SRC/tests/lib/check_crate" "$T/x"
cp -R "$T/x" "$T/y"
sed -i 's/"workExample"/"workexample"/' "$T/y/ro-crate-metadata.json"
code "a crate that breaks one is found out" 1 "$AXPIPE_SRC/tests/lib/check_crate" "$T/y"
like "by name" "$T/out" 'step/first: workExample is no tool'
like "the appendix has each experiment's cost" "$T/x/appendix.md" '^\| second \| copy \| 2 \|'
like "and each claim" "$T/x/appendix.md" 'Fig. 1 \| first.bytes \| 8 \| 8 B \| holds'
like "the test result passed" "$T/x/test-result.intoto.json" '"result":"PASSED"'
like "the provenance is SLSA's" "$T/x/attestation.intoto.json" '"predicateType":"https://slsa.dev/provenance/v1"'
like "the licence is named" "$T/x/ro-crate-metadata.json" 'spdx.org/licenses/Apache-2.0'
far=$(sha256sum far.txt | cut -c1-2)/$(sha256sum far.txt | cut -c3-64)
is "an input that its address fixes is left out" "$(test -e "$T/x/objects/$far" && echo there)" ""
"$AXPIPE" bundle m.json -o "$T/all.tar" --inputs all >/dev/null
ok "unless it is wanted" sh -c "tar tf '$T/all.tar' | grep -q 'objects/$far'"
"$AXPIPE" bundle m.json -o "$T/none.tar" --inputs none >/dev/null
a=$(sha256sum inputs/a.txt | cut -c1-2)/$(sha256sum inputs/a.txt | cut -c3-64)
is "none: no input lies in it" "$(tar tf "$T/none.tar" | grep -c "objects/$a")" 0
is "no place of this machine is in it" "$(grep -rlF "$T/w/inputs" "$T/x" | head -n 1)" ""
if command -v openssl >/dev/null 2>&1; then
	perl -MJSON::PP -MMIME::Base64 -e '
		local $/; my $o = decode_json(<STDIN>); my $body = decode_base64($o->{payload});
		open my $f, ">:raw", "$ARGV[0]/pae"; print $f "DSSEv1 ", length $o->{payloadType}, " $o->{payloadType} ", length $body, " $body"; close $f;
		open $f, ">:raw", "$ARGV[0]/sig"; print $f decode_base64($o->{signatures}[0]{sig})' "$T" <"$T/x/attestation.dsse.json"
	ok "openssl verifies the signature too" openssl pkeyutl -verify -pubin -inkey "$T/key.pub" -rawin -in "$T/pae" -sigfile "$T/sig"
	openssl genpkey -algorithm ed25519 -out "$T/other" 2>/dev/null && chmod 600 "$T/other"
	code "a key that openssl made signs" 0 "$AXPIPE" bundle m.json -o "$T/o.tar" --key "$T/other"
else
	skip "openssl verifies the signature too" "openssl is not installed"
fi

# --- verify
code "it is whole" 0 "$AXPIPE" verify "$T/b.tar"
like "by an unknown key" "$T/out" 'signed by an unknown key.*self-signed'
code "and by a trusted one" 0 "$AXPIPE" verify "$T/b.tar" --trust "$T/key.pub" --json
like "as JSON says" "$T/out" '"trusted": true'
"$AXPIPE" key new "$T/stranger" >/dev/null
code "but not by another" 4 "$AXPIPE" verify "$T/b.tar" --trust "$T/stranger.pub"
code "nor is a bundle without signature" 4 "$AXPIPE" verify small.bundle.tar --trust "$T/key.pub"
code "which is whole all the same" 0 "$AXPIPE" verify small.bundle.tar
like "and says so" "$T/out" '^not signed$'
flip() { # FILE COUNT: how many of COUNT flipped bits, spread over all of it, verify does not find
	perl -e '
		my ($program, $file, $count, $to) = @ARGV; local $/; open my $f, "<:raw", $file; my $all = <$f>; close $f;
		my ($n, $missed) = (length $all, 0);
		for my $i (0 .. $count - 1) {
			my $at = int($i * ($n - 1) / ($count - 1));
			my $x = $all; substr($x, $at, 1) ^= chr(1 << $i % 8);
			open my $o, ">:raw", $to; print $o $x; close $o;
			my $pid = fork; if (!$pid) { open STDOUT, ">/dev/null"; open STDERR, ">/dev/null"; exec $program, "verify", $to }
			waitpid $pid, 0;
			if ($? >> 8 != 4) { $missed++; print STDERR "bit ", $i % 8, " of byte $at: ", $? >> 8, "\n" }
		}
		print $missed' "$AXPIPE" "$1" "$2" "$T/flipped"
}
# every bit of a bundle: tests/long/bundle_bits.t
is "each of 30 flipped bits is found in the signed one" "$(flip "$T/b.tar" 30)" 0
is "and each of 10 in the other" "$(flip small.bundle.tar 10)" 0
for cut in 1 512 5000; do
	head -c -$cut "$T/b.tar" >"$T/cut.tar"
	code "$cut bytes less" 4 "$AXPIPE" verify "$T/cut.tar"
done
(cat "$T/b.tar"; printf '\0') >"$T/more.tar"
code "a byte more" 4 "$AXPIPE" verify "$T/more.tar"
(cat "$T/b.tar" "$T/b.tar") >"$T/more.tar"
code "twice in a row" 4 "$AXPIPE" verify "$T/more.tar"
(cd "$T/x" && tar cf "$T/packed.tar" -- *)
code "the same files by another tar" 4 "$AXPIPE" verify "$T/packed.tar"
code "no archive" 4 "$AXPIPE" verify m.json
code "nothing there" 3 "$AXPIPE" verify "$T/nothing.tar"

# Files left out, and every list made anew: without REGEX
without() {
	perl -MDigest::SHA=sha256_hex -e '
		my ($drop, $file) = @ARGV; local $/; open my $f, "<:raw", $file; my $all = <$f>;
		my (@e, $at); for ($at = 0; substr($all, $at, 1) ne "\0"; ) { my $h = substr($all, $at, 512); my ($name, $size) = unpack "Z100 x24 A11", $h;
			push @e, [$name, $h, substr($all, $at + 512, oct $size)]; $at += 512 + int((oct($size) + 511) / 512) * 512 }
		@e = grep { $_->[0] !~ /$drop/ } @e;
		my %e = map { $_->[0] => $_ } @e;
		sub list { my $not = shift; join "", map { sha256_hex($_->[2]) . (substr($_->[1], 100, 7) eq "0000755" ? " *" : "  ") . "$_->[0]\n" } grep { $_->[0] !~ $not } @e }
		my $was = sha256_hex($e{"contents.sha256"}[2]);
		$e{"contents.sha256"}[2] = list(qr/^(attestation|test-result|signer|contents|SHA256SUMS)/);
		my $is = sha256_hex($e{"contents.sha256"}[2]); $_->[2] =~ s/$was/$is/g for @e;
		$e{SHA256SUMS}[2] = list(qr/^SHA256SUMS/);
		for (@e) { my ($n, $h, $b) = @$_; substr($h, 124, 12) = sprintf "%011o\0", length $b; substr($h, 148, 8) = " " x 8;
			my $sum = 0; $sum += ord for split //, $h; substr($h, 148, 8) = sprintf "%06o\0 ", $sum; print $h, $b, "\0" x (-length($b) % 512) }
		print substr $all, $at' "$1" small.bundle.tar >"$T/less.tar"
}
without nothing
code "lists made anew are whole" 0 "$AXPIPE" verify "$T/less.tar"
for drop in '^objects/' '^records/' '^manifest.json' '^lock.json'; do
	without "$drop"
	code "but not without $drop" 4 "$AXPIPE" verify "$T/less.tar"
done
like "which is named" "$T/err" 'lock.json: not there'

# What no list says is not there: with PERL-CODE, on the files as [name, header,
# bytes]; SHA256SUMS is made anew, as anybody can.
changed() {
	perl -MDigest::SHA=sha256_hex -e '
		my ($code, $file) = @ARGV; local $/; open my $f, "<:raw", $file; my $all = <$f>;
		my (@e, $at); for ($at = 0; substr($all, $at, 1) ne "\0"; ) { my $h = substr($all, $at, 512); my ($name, $size) = unpack "Z100 x24 A11", $h;
			push @e, [$name, $h, substr($all, $at + 512, oct $size)]; $at += 512 + int((oct($size) + 511) / 512) * 512 }
		my ($done) = (0); eval $code; die $@ if $@; die "nothing changed" unless $done;
		@e = sort { $a->[0] cmp $b->[0] } @e;
		$_->[0] eq "SHA256SUMS" and $_->[2] = join "", map { sha256_hex($_->[2]) . (substr($_->[1], 100, 7) eq "0000755" ? " *" : "  ") . "$_->[0]\n" } grep { $_->[0] ne "SHA256SUMS" } @e for @e;
		for (@e) { my ($n, $h, $b) = @$_; substr($h, 0, 100) = pack "a100", $n; substr($h, 124, 12) = sprintf "%011o\0", length $b; substr($h, 148, 8) = " " x 8;
			my $sum = 0; $sum += ord for split //, $h; substr($h, 148, 8) = sprintf "%06o\0 ", $sum; print $h, $b, "\0" x (-length($b) % 512) }
		print substr $all, $at' "$1" "$T/b.tar" >"$T/less.tar"
}
trusted() { code "$1" "$2" "$AXPIPE" verify "$T/less.tar" --trust "$T/key.pub"; }
changed '$done = 1'
trusted "taken apart and packed again" 0
changed '$_->[0] =~ m{^stages/.*/run$} and substr($_->[1], 100, 7) = "0000644" and $done = 1 for @e'
trusted "a program that may not be executed any more" 4
changed '$_->[0] =~ m{^objects/} and substr($_->[1], 100, 7) =~ /644/ and substr($_->[1], 100, 7) = "0000755" and $done = 1 for @e'
trusted "files that claim to be listings" 4
changed 'push @e, ["attestation.html", $e[0][1], "x"]; $done = 1'
trusted "a file that sounds like an attestation" 4
changed '$_->[0] eq "signer.pem" and $_->[2] = "I\n$_->[2]" and $done = 1 for @e'
trusted "words before the key" 4

# A forged archive in the form that axpipe takes: forge NAME BYTES...
forge() {
	perl -e '
		sub entry { my ($name, $bytes, $type, $link) = @_;
			my $h = pack "a100 a8 a8 a8 a12 a12 A8 a1 a100 a6 a2 a32 a32 a8 a8 a155 x12", $name, "0000644\0", "0000000\0", "0000000\0",
				sprintf("%011o\0", length $bytes), "00000000000\0", "", $type, $link, "ustar", "00", "", "", "0000000\0", "0000000\0", "";
			my $sum = 0; $sum += ord for split //, $h; substr($h, 148, 8) = sprintf("%06o\0 ", $sum);
			return $h . $bytes . "\0" x (-length($bytes) % 512) }
		my @e = @ARGV; while (@e) { my ($n, $b, $t, $l) = splice @e, 0, 4; print entry($n, $b, $t, $l) } print "\0" x 1024' "$@" >"$T/forged.tar"
}
refused() {
	code "$1: refused" 4 "$AXPIPE" verify "$T/forged.tar"
	code "$1: also by run" 4 "$AXPIPE" run "$T/forged.tar" --store "$T/victim"
	is "$1: and nothing was written beside it" "$(ls "$T" | grep -c '^escaped')" 0
}
forge ../escaped1 x 0 ''
refused "a path that leads out"
forge "$T/escaped2" x 0 ''
refused "an absolute path"
forge lock.json '' 2 ../../escaped3
refused "a link"
forge lock.json x 0 '' lock.json y 0 ''
refused "a name twice"
forge manifest.json '{}' 0 '' lock.json '{}' 0 ''
refused "names out of order"
forge lock.json '{}' 0 ''
refused "most of it missing"
forge "$(printf 'records/\033[31m')" x 0 ''
refused "a name that writes to the terminal"
is "and does not" "$(grep -c "$(printf '\033')" "$T/err")" 0

# --- run it elsewhere: another folder, an empty store, no stages of ours
unset AXPIPE_STAGES
mkdir "$T/there"
cp "$T/b.tar" "$T/all.tar" "$T/none.tar" "$T/there"
cd "$T/there" || exit 1
is "plan takes a bundle" "$("$AXPIPE" plan b.tar --store s0 | tail -n 1)" "0 to run, 0 more that may be cut off, 8 cached, 0 substituted"
code "run it" 0 "$AXPIPE" run b.tar --store s1 --offline
is "nothing is executed" "$(summary)" "claims: 2 hold, 0 fail, 0 missing"
like "all comes from it" "$T/out" '^0 executed, 8 cached'
ok "the store is whole" "$AXPIPE" fsck --store s1
code "check its claims" 0 "$AXPIPE" check b.tar --store s2
code "report" 0 "$AXPIPE" report b.tar --store s1 -o r.html
code "run it again" 0 "$AXPIPE" run b.tar --store s1
code "rebuild it" 0 "$AXPIPE" run all.tar --store s3 --rebuild --offline
like "all is executed" "$T/out" '^8 executed, 0 cached'
code "not where its results are" 2 "$AXPIPE" run all.tar --store s1 --rebuild
like "it says why" "$T/err" 'give an empty store'
code "nor of a manifest" 2 "$AXPIPE" run ../w/m.json --stages ../stages --store s4 --rebuild
code "without inputs its results are still there" 0 "$AXPIPE" run none.tar --store s5 --offline
like "all of them" "$T/out" '^0 executed, 8 cached'
code "a rebuild without inputs fails" 3 "$AXPIPE" run none.tar --store s6 --rebuild --offline
code "a bundle of a bundle" 0 "$AXPIPE" bundle all.tar --store s1 -o twice.tar --inputs all
code "is one" 0 "$AXPIPE" run twice.tar --store s7 --rebuild --offline
# another tool or stage: what differs is run, and explained
mkdir -p mine && cp -R "$T/stages/copy" mine/ && echo '# changed' >>mine/copy/run
code "with another version of a stage" 0 "$AXPIPE" run all.tar --store s8 --stages mine --explain
like "its nodes run" "$T/out" '^first: .*code'
like "and what does not depend on it comes from the bundle" "$T/out" '^[0-9]+ executed, [2-9] cached'
# a stage that does not do what it says
cd "$T/w" || exit 1
AXPIPE_STAGES=$T/stages
export AXPIPE_STAGES
one random ''
code "a run of chance" 0 "$AXPIPE" run one.json
code "in a bundle" 0 "$AXPIPE" bundle one.json -o one.tar
code "comes out otherwise" 4 "$AXPIPE" run one.tar --rebuild --store "$T/chance"
like "by name" "$T/err" '^n\.[a-z]*: bundle [0-9a-f]*, here [0-9a-f]*'
done_testing
