#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The stage liberty, run by hand in a work folder; its models in Icarus.
. "$AXPIPE_SRC/tests/lib/tap.sh"
run="$AXPIPE_BUILD/stages/eda/liberty/run"
osu=/usr/share/qflow/tech/osu018/osu018_stdcells.lib

# lib INPUTS KEEP DROP FILES
lib() {
	rm -rf "$T/w"
	mkdir -p "$T/w/out" "$T/w/in" "$T/w/tmp"
	inputs=
	for pair in $1; do
		cp -r "${pair#*=}" "$T/w/in/${pair%%=*}"
		inputs="$inputs${inputs:+,}\"${pair%%=*}\":{\"path\":\"in/${pair%%=*}\",\"type\":\"any\"}"
	done
	cat >"$T/w/request.json" <<EOF
{"axpipe":1,"stage":"liberty","params":{"keep":${2:-[\"*\"]},"drop":${3:-[]},"files":"${4:-*.lib}"},"inputs":{$inputs},
"outputs":{"liberty":{"path":"out/library.lib"},"verilog":{"path":"out/models.v"},"cells":{"path":"out/cells.csv"}},"seed":0,"cpus":1,"tools":{}}
EOF
	(cd "$T/w" && "$run")
}

mkdir -p "$T/cells/b" "$T/cells/a"
printf 'library(x) {\n  time_unit : "1ns" ;\n}\n' >"$T/head.lib"
printf '  cell(INVX1) {\n    area : 16 ;\n    pin(A) { direction : input ; }\n    pin(Y) { direction : output ; function : "!A" ; }\n  }\n' >"$T/cells/b/inv__tt.lib"
printf '  cell(MAJ) {\n    pin(A, B, C) { direction : input ; }\n    pin(Y) { direction : output ; function : "A B + C (A+B)" ; }\n  }\n\n\n' >"$T/cells/a/maj__tt.lib"
printf 'not this one' >"$T/cells/a/maj__ff.lib"
ok "header and cells join" lib "header=$T/head.lib cells=$T/cells" '["*"]' '[]' '*__tt.lib'
is "in path order" "$(grep -o 'cell([A-Z0-9]*)' "$T/w/out/library.lib" | tr '\n' ' ')" "cell(MAJ) cell(INVX1) "
is "cells.csv" "$(cat "$T/w/out/cells.csv")" "name,area,transistors,inputs,outputs,kind,function
MAJ,,12,3,1,combinational,Y = A B + C (A+B)
INVX1,16,2,1,1,combinational,Y = !A"
cp "$T/w/out/library.lib" "$T/joined.lib"
ok "cut to one cell" lib "library=$T/joined.lib" '["INV*"]'
is "the text that is left" "$(cat "$T/w/out/library.lib")" 'library(x) {
  time_unit : "1ns" ;


  cell(INVX1) {
    area : 16 ;
    pin(A) { direction : input ; }
    pin(Y) { direction : output ; function : "!A" ; }
  }
}'
code "a pattern that matches nothing" 1 lib "library=$T/joined.lib" '["INV*","NAND*"]'
like "is named" "$T/err" 'keep: "NAND\*" matches no cell'
code "no cell left" 1 lib "library=$T/joined.lib" '["*"]' '["*"]'
code "no input is a mistake of the manifest" 2 lib ""
printf 'library(x) {\n  cell(A) {\n' >"$T/cut.lib"
code "a library that is cut short" 1 lib "library=$T/cut.lib"
like "says where" "$T/err" 'in/library:3:|cell A \(line 2\)'

if [ -r "$osu" ]; then
	ok "the OSU library" lib "library=$osu"
	is "comes through unchanged" "$(sha256sum <"$T/w/out/library.lib")" "$(sha256sum <"$osu")"
	like "known transistors: NAND2" "$T/w/out/cells.csv" '^NAND2X1,24,4,'
	like "known transistors: XOR2" "$T/w/out/cells.csv" '^XOR2X1,56,10,'
	like "known transistors: INV" "$T/w/out/cells.csv" '^INVX8,[0-9]*,2,'
	like "AOI22" "$T/w/out/cells.csv" '^AOI22X1,[0-9]*,8,'
	like "flip-flops are sequential" "$T/w/out/cells.csv" '^DFFPOSX1,.*,sequential,'
	if command -v iverilog >/dev/null && command -v vvp >/dev/null; then
		cat >"$T/bench.v" <<'EOF'
module bench;
  reg a, b, c, d; wire aoi, mux, fs, fc; integer i;
  AOI22X1 u1(.A(a), .B(b), .C(c), .D(d), .Y(aoi));
  MUX2X1 u2(.A(a), .B(b), .S(c), .Y(mux));
  FAX1 u3(.A(a), .B(b), .C(c), .YS(fs), .YC(fc));
  initial begin
    for (i = 0; i < 16; i = i + 1) begin
      {d, c, b, a} = i; #1;
      if (aoi !== ~(a & b | c & d) || mux !== ~(c ? a : b) || {fc, fs} !== a + b + c) $display("wrong at %d", i);
    end
    $display("done");
  end
endmodule
EOF
		ok "models compile" iverilog -g2005 -o "$T/bench.vvp" "$T/bench.v" "$T/w/out/models.v"
		is "and behave" "$(vvp -n "$T/bench.vvp")" done
	else
		skip "models in Icarus" "no iverilog"
	fi
else
	skip "the OSU library" "qflow-tech-osu018 is not installed"
fi

gf="${AXPIPE_DATA:+$AXPIPE_DATA/gf180/gf180mcu_fd_sc_mcu9t5v0__tt_025C_3v30.lib.gz}"
if [ -n "$gf" ] && [ -r "$gf" ]; then
	gzip -dc "$gf" >"$T/gf.lib"
	# taken apart as the PDK has it: a header and a file per cell
	mkdir "$T/gf"
	grep '^  cell(' "$T/gf.lib" | sed 's/).*//; s/.*__//; s/_[0-9]*$//' | sort -u | (cd "$T/gf" && xargs mkdir)
	awk -v dir="$T/gf" '
		/^  cell\(/ {
			close(file); n++; name = $0; sub(/^  cell\(/, "", name); sub(/\).*/, "", name)
			base = name; sub(/.*__/, "", base); sub(/_[0-9]*$/, "", base); file = dir "/" base "/" name "__tt.lib"
		}
		!n { print > (dir "/../gf_head.lib"); next }
		/^}/ { next }
		{ print > file }' "$T/gf.lib"
	echo "}" >>"$T/gf_head.lib"
	ok "GF180: 229 cell files join" lib "header=$T/gf_head.lib cells=$T/gf" '["*"]' '[]' '*__tt.lib'
	is "to the known digest" "$(sha256sum "$T/w/out/library.lib" | cut -d' ' -f1)" 07a123d67b5dd63e16f4ec41b86eab4f5e35072a5feba727d586acb912c83f8a
	like "229 cells" "$T/w/metrics.json" '"cells": 229'
	like "area and transistors of nand2_1" "$T/w/out/cells.csv" '__nand2_1,14.112,4,2,1,combinational,'
	ok "GF180 without nor and without state" lib "library=$T/gf.lib" '["*__nand2_1","*__and2_1","*__or2_1","*__x*nor2_1","*__xor2_1","*__inv_1"]'
	like "six cells" "$T/w/metrics.json" '"cells": 6'
	if command -v yosys >/dev/null; then
		ok "yosys reads what is left" yosys -q -p "read_liberty $T/w/out/library.lib"
	fi
else
	skip "GF180" "no AXPIPE_DATA"
fi
done_testing
