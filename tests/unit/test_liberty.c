/* SPDX-License-Identifier: Apache-2.0 */
/* Liberty: functions, cells, joining, cutting, broken files. */
#include "artifacts/base/base.h"
#include "artifacts/base/hash.h"
#include "artifacts/base/io.h"
#include "artifacts/liberty.h"
#include "tests/lib/tap.h"

static void
test_functions(void)
{
	static const char *const names[] = {"A", "B", "C", "S0"};
	static const struct {
		const char *text;
		unsigned tt;
	} good[] = {{"A", 0xaaaa},
		    {"!A", 0x5555},
		    {"A'", 0x5555},
		    {"(A B)", 0x8888},
		    {"A*B", 0x8888},
		    {"A&B", 0x8888},
		    {"A+B C", 0xeaea},
		    {"A|B&C", 0xeaea},
		    {"A B^C", 0x2828},
		    {"!A B", 0x4444},
		    {"(!((A B)+C))", 0x0707},
		    {"A'B' + A B", 0x9999},
		    {"(A+B)'", 0x1111},
		    {"!(A)(B)", 0x4444},
		    {"1", 0xffff},
		    {"0 + A", 0xaaaa},
		    {" ( S0 & A ) | ( !S0 & B ) ", 0xaacc}};
	static const char *const bad[] = {"",  "A B +", "(A",    "A)",
					  "D", "A ^",   "A $ B", "2"};
	struct ax_err err = AX_ERR_INIT;
	struct ax_str deep = AX_STR_INIT;
	uint64_t tt;

	for (size_t i = 0; i < AX_LEN(good); i++) {
		tt = 0;
		if (ax_liberty_function(&tt, good[i].text, names, 4, &err) < 0)
			printf("# %s\n", err.text);
		is_int(tt, good[i].tt, "%s", good[i].text);
	}
	for (size_t i = 0; i < AX_LEN(bad); i++)
		is_int(ax_liberty_function(&tt, bad[i], names, 4, &err), -1,
		       "refused: \"%s\"", bad[i]);
	for (int i = 0; i < 100000; i++)
		ax_str_addc(&deep, '(');
	is_int(ax_liberty_function(&tt, deep.buf, names, 4, &err), -1,
	       "refused: 100000 parentheses");
	ax_str_free(&deep);
}

static const char lib_text[] =
	"/* c { */\nlibrary(small) {\n  time_unit : \"1ns\" ;\n"
	"  nom_voltage : 3.3;\n  lu_table_template(t) { index_1(\"1, 2\"); }\n"
	"\n  cell(INVX1) {\n    area : 16 ;\n    pin(A) { direction : input ; "
	"capacitance : 0.01 ; }\n    pin(Y) {\n      direction : output ;\n"
	"      function : \"(!A)\" ;\n      timing() { values(\"1, 2\", \\\n"
	"        \"}\"); }\n    }\n  }\n"
	"\n  cell(\"DFF\") { area : 90 ; ff(IQ, IQN) { next_state : \"D\" ; }\n"
	"    pin(D) { direction : input ; }\n"
	"    pin(Q) { direction : output ; function : \"IQ\" ; } }\n"
	"\n  cell(HAX1) { pin(A, B) { direction : input }\n"
	"    pin(YS) { direction : output; function : \"A^B\" }\n"
	"    pin(YC) { direction : output; function : \\\n      \"A B\" } }\n"
	"}\n";

static void
test_cells(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_liberty lib;
	const struct ax_lib_cell *cell;
	struct ax_str out = AX_STR_INIT;
	bool keep[3] = {true, false, true};

	if (!ok(ax_liberty_parse(&lib, "t", lib_text, strlen(lib_text), &err) ==
			0,
		"a library reads %s", err.text))
		return;
	is_int(lib.cells, 3, "cells");
	is_str(lib.time_unit, "1ns", "time unit");
	cell = ax_liberty_cell(&lib, "INVX1");
	ok(cell && cell->combinational && cell->transistors == 2 &&
		   cell->area == 16 && cell->pin[0].capacitance == 0.01 &&
		   cell->line == 7,
	   "INVX1");
	cell = ax_liberty_cell(&lib, "DFF");
	ok(cell && cell->sequential && !cell->combinational &&
		   cell->transistors == -1,
	   "DFF is sequential");
	cell = ax_liberty_cell(&lib, "HAX1");
	ok(cell && cell->combinational && cell->ins == 2 && cell->outs == 2 &&
		   cell->transistors == 16 && cell->area < 0,
	   "HAX1: pins that share a group, two outputs");
	ok(!ax_liberty_cell(&lib, "FOO"), "no other");
	ax_liberty_filter(&out, &lib, keep);
	ok(out.len < strlen(lib_text) && !strstr(out.buf, "DFF") &&
		   strstr(out.buf, "lu_table_template(t)") &&
		   strncmp(out.buf, lib_text,
			   (size_t)(strstr(lib_text, "  cell(\"DFF") -
				    lib_text)) == 0,
	   "cutting leaves the rest as it was");
	ax_str_clear(&out);
	is_int(ax_liberty_verilog(&out, &lib, NULL), 2, "two models");
	ok(strstr(out.buf, "module HAX1 (input A, input B, output YS, "
			   "output YC);") &&
		   strstr(out.buf, "assign YS = (A ^ B);"),
	   "in Verilog");
	ax_str_free(&out);
	ax_liberty_free(&lib);
	ok(ax_glob("*nand?_[1]", "x__nand2_[1]") && ax_glob("*", "") &&
		   !ax_glob("a*b", "abc") && ax_glob("a*b*c", "aXbXbc"),
	   "patterns");
}

static void
test_broken(void)
{
	static const struct {
		const char *what, *text, *want;
	} cases[] = {
		{"empty", "", "not a Liberty file"},
		{"something else", "module x; endmodule", "t:1:"},
		{"cut in a string", "library(a) {\n cell(b) {\n area : \"1",
		 "without an end"},
		{"cut in a cell", "library(a) {\n cell(b) {\n area : 1 ;\n",
		 "cut"},
		{"cut in a skipped group", "library(a) {\n foo(b) {\n",
		 "without its closing"},
		{"comment without end", "library(a) { /* ", "without an end"},
		{"a cell twice", "library(a) {\ncell(b) {}\ncell(b) {} }",
		 "t:3: cell b is there twice"},
		{"text behind", "library(a) { }\n}\n", "without its '{'"},
		{"no value", "library(a) { b ; }", "expected ':' or '('"}};
	struct ax_str deep = AX_STR_INIT;
	struct ax_liberty lib;

	for (size_t i = 0; i < AX_LEN(cases); i++) {
		struct ax_err err = AX_ERR_INIT;
		int rc = ax_liberty_parse(&lib, "t", cases[i].text,
					  strlen(cases[i].text), &err);

		if (!ok(rc < 0 && strstr(err.text, cases[i].want), "%s",
			cases[i].what))
			printf("# %s\n", err.text);
	}
	ax_str_add(&deep, "library(a) { ");
	for (int i = 0; i < 100000; i++)
		ax_str_add(&deep, "g(x) { ");
	is_int(ax_liberty_parse(&lib, "t", deep.buf, deep.len, NULL), -1,
	       "100000 groups in each other");
	ax_str_free(&deep);
}

static void
test_merge(void)
{
	static const char *const cells[] = {"  cell(a) {\n  }\n\n",
					    "\n  cell(b) { }  "};
	const size_t len[] = {strlen(cells[0]), strlen(cells[1])};
	static const char head[] = "library(x) {\n  a : 1 ;\n}\n";
	struct ax_str out = AX_STR_INIT;
	struct ax_err err = AX_ERR_INIT;

	is_int(ax_liberty_merge(&out, head, strlen(head), cells, len, 2, &err),
	       0, "merge");
	is_str(out.buf,
	       "library(x) {\n  a : 1 ;\n\n  cell(a) {\n  }\n\n"
	       "  cell(b) { }\n}\n",
	       "text");
	is_int(ax_liberty_merge(&out, "library(x) {", 12, cells, len, 2, &err),
	       -1, "a header without its brace");
	ax_str_free(&out);
}

/* The library in pieces and together again. */
static void
test_gf180(void)
{
	const char *data = getenv("AXPIPE_DATA");
	char *path = ax_asprintf("%s/gf180/gf180mcu_fd_sc_mcu9t5v0__tt_025C_"
				 "3v30.lib",
				 data ? data : "");
	const char *unpacked = getenv("AXPIPE_GF180_LIB");
	struct ax_liberty lib;
	struct ax_err err = AX_ERR_INIT;
	struct ax_str head = AX_STR_INIT, out = AX_STR_INIT;
	const char **cell;
	size_t *len, combinational = 0;
	char hex[AX_HEX_LEN + 1];
	struct ax_digest d;
	double start;

	if (!unpacked && ax_is_file(path))
		unpacked = path;
	if (!unpacked) {
		tap_skip(4, "no unpacked library (AXPIPE_GF180_LIB)");
		free(path);
		return;
	}
	start = ax_now();
	if (!ok(ax_liberty_load(&lib, unpacked, &err) == 0, "GF180 reads %s",
		err.text)) {
		free(path);
		return;
	}
	printf("# read in %.3f s\n", ax_now() - start);
	is_int(lib.cells, 229, "229 cells");
	cell = ax_calloc(lib.cells, sizeof(*cell));
	len = ax_calloc(lib.cells, sizeof(*len));
	for (size_t c = 0; c < lib.cells; c++) {
		cell[c] = lib.text + lib.cell[c].start;
		while (cell[c][-1] == ' ')
			cell[c]--;
		len[c] = (size_t)(lib.text + lib.cell[c].end - cell[c]);
		combinational += lib.cell[c].combinational;
	}
	printf("# %zu combinational\n", combinational);
	ax_str_addn(&head, lib.text, (size_t)(cell[0] - lib.text));
	ax_str_add(&head, "}\n");
	ax_liberty_merge(&out, head.buf, head.len, cell, len, lib.cells, &err);
	d = ax_hash_bytes(out.buf, out.len);
	is_str(ax_hex(hex, &d),
	       "07a123d67b5dd63e16f4ec41b86eab4f5e35072a5feba727d586acb912c8"
	       "3f8a",
	       "taken apart and merged: the published digest");
	ok(ax_liberty_cell(&lib, "gf180mcu_fd_sc_mcu9t5v0__nand2_1")->area ==
		   14.112,
	   "area of nand2_1");
	ax_str_free(&head);
	ax_str_free(&out);
	free(cell);
	free(len);
	free(path);
	ax_liberty_free(&lib);
}

int
main(void)
{
	test_functions();
	test_cells();
	test_broken();
	test_merge();
	test_gf180();
	return tap_done();
}
