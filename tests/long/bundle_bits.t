#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A flipped bit in every byte of a bundle: each is found.
. "$AXPIPE_SRC/tests/lib/tap.sh"
. "$AXPIPE_SRC/tests/cli/common.sh"

one copy ''
"$AXPIPE" run one.json >/dev/null
"$AXPIPE" key new "$T/key" >/dev/null
code "a small bundle" 0 "$AXPIPE" bundle one.json --key "$T/key" -o "$T/b.tar"
perl -e '
	my ($program, $file, $to) = @ARGV; local $/; open my $f, "<:raw", $file; my $all = <$f>; close $f;
	my $missed = 0;
	for my $at (0 .. length($all) - 1) {
		my $x = $all; substr($x, $at, 1) ^= chr(1 << $at % 8);
		open my $o, ">:raw", $to; print $o $x; close $o;
		my $pid = fork; if (!$pid) { open STDOUT, ">/dev/null"; open STDERR, ">/dev/null"; exec $program, "verify", $to }
		waitpid $pid, 0;
		if ($? >> 8 != 4) { $missed++; print STDERR "# byte $at\n" }
	}
	print length($all), " $missed"' "$AXPIPE" "$T/b.tar" "$T/flipped" >"$T/missed"
is "no flip is missed" "$(cut -d' ' -f2 "$T/missed")" 0
echo "# $(cut -d' ' -f1 "$T/missed") bits flipped"
done_testing
