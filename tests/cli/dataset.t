#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The stage dataset on the real files and on damaged ones, each in a work
# folder made by hand.
. "$AXPIPE_SRC/tests/lib/tap.sh"

stage() { "$AXPIPE_SRC/tests/lib/stage" nn/dataset "$@"; }
sha() { sha256sum "$1" | cut -d' ' -f1; }

# --- glyphs ------------------------------------------------------------------
code "glyphs from a seed" 0 stage "$T/g" 'format="glyphs"' seed=1
is "8000 and 2000 images" "$(value g '"$m->{train} $m->{test} $m->{classes}"')" "8000 2000 10"
is "the golden pixels" "$(value g '$m->{train_sha256}')" \
	285d9a62fc1c6c18ce98df92e10d3b18c6b6565abb1473bab0e51bcf79d90588
is "the golden file" "$(sha "$T/g/out/dataset.safetensors")" 7c158172be56d3aa887a66a22a1cd4b9bbb4ef22a5f6001a3d4ff90b3ebdf0ab
is "the preview is a PNG" "$(head -c 4 "$T/g/out/preview.png" | tail -c 3)" PNG
AXPIPE_SIMD=scalar code "scalar code" 0 stage "$T/g2" 'format="glyphs"' seed=1
is "gives the same bytes" "$(sha "$T/g2/out/dataset.safetensors")" "$(sha "$T/g/out/dataset.safetensors")"
code "glyphs with an input" 2 stage "$T/b" 'format="glyphs"' "in:train=$AXPIPE_SRC/LICENSE"
like "say so" "$T/err" "takes no inputs"
code "no input at all" 2 stage "$T/b"
like "names the inputs" "$T/err" "neither input 'train' nor 'test'"
code "text as an input" 1 stage "$T/b" "in:train=$AXPIPE_SRC/LICENSE"
like "is no data set" "$T/err" "no data set known"
printf '\000\000\010\003\000\000\000\002\000\000\000\002\000\000\000\002abcdefgh' >"$T/images"
printf '\000\000\010\001\000\000\000\002\001\003' >"$T/labels"
code "a small IDX pair" 0 stage "$T/i" "in:test=$T/images" "in:test=$T/labels" 'mean=[0.5]' 'std=[0.25]' 'name="tiny"'
is "classes from the labels, mean as given" "$(value i '"$m->{train} $m->{test} $m->{classes} $m->{mean}[0] $m->{std}[0]"')" "0 2 4 0.5 0.25"
code "a deviation that makes pixels infinite" 2 stage "$T/b" "in:test=$T/images" "in:test=$T/labels" 'mean=[1e308]' 'std=[1e-308]'
like "names both numbers" "$T/err" "mean 1e\+308 and deviation 1e-308 of channel 0"
code "images without labels" 1 stage "$T/b" "in:test=$T/images"
like "ask for both" "$T/err" "no file of labels"
code "a label beyond the classes" 2 stage "$T/b" "in:test=$T/images" "in:test=$T/labels" classes=3
like "is named" "$T/err" "image 1 has label 3"
code "IDX said to be CIFAR-100" 1 stage "$T/b" "in:test=$T/images" 'format="cifar100"'
like "is told what it is" "$T/err" "looks like idx, format says cifar100"
head -c 20 "$T/images" >"$T/cut"
code "truncated IDX" 1 stage "$T/b" "in:test=$T/cut"
like "names size and offset" "$T/err" "announces 8 bytes from offset 16 on, the file has 4 \(truncated\)"
printf '\200\002cos\nsystem\nU\004true\205R.' >"$T/evil"
code "a hostile pickle" 1 stage "$T/b" "in:train=$T/evil"
like "is refused by name and offset" "$T/err" "offset 2: global 'os.system' is refused"

# --- real data ---------------------------------------------------------------
real=$AXPIPE_DATA/fashion-mnist
if [ -n "$AXPIPE_DATA" ] && [ -d "$real" ]; then
	code "Fashion-MNIST, still gzip" 0 stage "$T/f" \
		"in:train=$real/train-images-idx3-ubyte.gz" "in:train=$real/train-labels-idx1-ubyte.gz" \
		"in:test=$real/t10k-labels-idx1-ubyte.gz" "in:test=$real/t10k-images-idx3-ubyte.gz"
	is "60,000 and 10,000" "$(value f '"$m->{train} $m->{test} $m->{format} @{$m->{mean}} @{$m->{std}}"')" "60000 10000 idx 0.286 0.353"
	is "6,000 of each class" "$(value f '"@{$m->{train_histogram}}"')" "6000 6000 6000 6000 6000 6000 6000 6000 6000 6000"
	is "the pixels are those of the file" "$(value f '$m->{test_sha256}')" \
		"$(gzip -dc "$real/t10k-images-idx3-ubyte.gz" | tail -c +17 | sha256sum | cut -d' ' -f1)"
else
	skip "Fashion-MNIST" "AXPIPE_DATA has no fashion-mnist folder"
fi
real=$AXPIPE_DATA/cifar100
if [ -n "$AXPIPE_DATA" ] && [ -d "$real" ] && command -v xz >/dev/null; then
	xz -dc "$real/test.xz" >"$T/test"
	code "CIFAR-100's test part, Python version" 0 stage "$T/c" "in:test=$T/test"
	is "10,000 in 100 classes" "$(value c '"$m->{train} $m->{test} $m->{classes} $m->{format}"')" "0 10000 100 cifar100"
	is "the known pixels (long/dataset.t finds them with Perl)" "$(value c '$m->{test_sha256}')" \
		83c56492b2c11211ad1bb2dbd4f2eef4170a0441e41a41f3039c3144b1f5a511
	head -c 20000000 "$T/test" >"$T/cut"
	code "CIFAR-100 cut short" 1 stage "$T/b" "in:test=$T/cut"
	like "says where" "$T/err" "offset [0-9]+ \(BINSTRING\): the data end here \(truncated\)"
	code "a subset" 0 stage "$T/s" "in:test=$T/test" test_count=256 seed=7
	is "has its size" "$(value s '$m->{test}')" 256
else
	skip "CIFAR-100" "AXPIPE_DATA has no cifar100 folder, or there is no xz"
fi
done_testing
