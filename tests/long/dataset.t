#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The whole of CIFAR-100 through the stage dataset.
. "$AXPIPE_SRC/tests/lib/tap.sh"

stage() { "$AXPIPE_SRC/tests/lib/stage" nn/dataset "$@"; }
# the pixels are the one long string of the pickle: T, its length, bytes
pixels() {
	perl -MDigest::SHA=sha256_hex -e 'local $/; open F, "<", $ARGV[0]; binmode F; $b = <F>; $at = index($b, "T" . pack("V", $ARGV[1])); print sha256_hex(substr($b, $at + 5, $ARGV[1]))' "$1" "$2"
}
real=$AXPIPE_DATA/cifar100
if [ -z "$AXPIPE_DATA" ] || [ ! -d "$real" ] || ! command -v xz >/dev/null; then
	skip "CIFAR-100" "AXPIPE_DATA has no cifar100 folder, or there is no xz"
	done_testing
fi
xz -dc "$real/train.xz" >"$T/train"
xz -dc "$real/test.xz" >"$T/test"
code "CIFAR-100, Python version" 0 stage "$T/c" "in:train=$T/train" "in:test=$T/test"
is "50,000 and 10,000 in 100 classes" "$(value c '"$m->{train} $m->{test} $m->{classes} $m->{format}"')" "50000 10000 100 cifar100"
is "500 and 100 of each class" "$(value c '%h = map {$_ => 1} @{$m->{train_histogram}}; %g = map {$_ => 1} @{$m->{test_histogram}}; "@{[keys %h]} @{[keys %g]}"')" "500 100"
is "the constants in use" "$(value c '"@{$m->{mean}} @{$m->{std}}"')" "0.5071 0.4865 0.4409 0.2673 0.2564 0.2762"
is "training pixels as Perl finds them" "$(value c '$m->{train_sha256}')" "$(pixels "$T/train" 153600000)"
is "test pixels" "$(value c '$m->{test_sha256}')" "$(pixels "$T/test" 30720000)"
is "which are the known ones" "$(value c '$m->{test_sha256}')" \
	83c56492b2c11211ad1bb2dbd4f2eef4170a0441e41a41f3039c3144b1f5a511
done_testing
