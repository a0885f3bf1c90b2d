/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Liberty: a library of standard cells. The whole file is parsed into groups
 * and attributes that point into its text, so that a library can be cut or
 * joined without touching a byte of what stays.
 */
#ifndef AX_LIBERTY_H
#define AX_LIBERTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "artifacts/base/err.h"
#include "artifacts/base/str.h"

#define AX_LIBERTY_MAX (512u << 20)

enum ax_pin_dir { AX_PIN_INPUT, AX_PIN_OUTPUT, AX_PIN_INOUT, AX_PIN_INTERNAL };

struct ax_lib_pin {
	char *name;
	enum ax_pin_dir dir;
	double capacitance; /* in the library's unit; 0 when not stated */
	double edge_capacitance[2]; /* for a fall, for a rise; negative: as
				       capacitance */
	char *function; /* as written, without quotes; NULL if none */
	bool three_state;
	/* for an output of a cell with at most 6 inputs: bit p is the output
	 * for in[i] = bit i of p. `known` is false when there is no function,
	 * it uses names that are no inputs (states), or there are more. */
	bool known;
	uint64_t tt;
};

struct ax_lib_cell {
	char *name;
	double area; /* in the library's unit; negative: not stated */
	struct ax_lib_pin *pin;
	size_t pins;
	unsigned *in, *out; /* indices of input and output pins, file order */
	unsigned ins, outs;
	bool sequential; /* has ff, latch, statetable, clock gate or the like */
	bool dont_use;
	bool combinational; /* not sequential, 1..16 outputs, at most 6 inputs,
			       every output known and never three-state */
	int transistors;   /* estimate of logic.h over all outputs (one by one);
			      -1 when not combinational */
	size_t start, end; /* bytes of its group in the text */
	unsigned line;
};

struct ax_liberty {
	char *name; /* of the library */
	char *text;
	size_t len;
	struct ax_lib_cell *cell;
	size_t cells;
	size_t body, close; /* offsets after '{' and of the last '}' */
	char *time_unit, *capacitance_unit, *leakage_unit; /* as written */
	double nom_voltage, nom_temperature; /* nan when not stated */
	struct ax_map *index;                /* name -> cell */
};

/* Errors read "name:line: ...", exit code 1. */
int ax_liberty_load(struct ax_liberty *out, const char *path,
		    struct ax_err *err);
int ax_liberty_parse(struct ax_liberty *out, const char *name, const char *text,
		     size_t len, struct ax_err *err);
void ax_liberty_free(struct ax_liberty *lib);
/* NULL when there is none. Borrowed. */
const struct ax_lib_cell *ax_liberty_cell(const struct ax_liberty *lib,
					  const char *name);

/*
 * The cell of one output that computes the truth table `tt` of `ins` inputs:
 * combinational, not marked dont_use, smallest area; among equals the shortest
 * name, then the first in byte order (so that inv_1 is found before clkinv_1).
 * `allow` (may be NULL; by index of the cell) limits the choice. NULL when
 * there is none. Borrowed.
 */
const struct ax_lib_cell *ax_liberty_smallest(const struct ax_liberty *lib,
					      unsigned ins, uint64_t tt,
					      const bool *allow);

/*
 * A Liberty function expression over `names`: ! ' & * | + ^ juxtaposition and
 * parentheses, 0 and 1; ' binds tightest, then !, ^, and, or. Returns the truth
 * table, n <= 6.
 */
int ax_liberty_function(uint64_t *tt, const char *text,
			const char *const *names, unsigned n,
			struct ax_err *err);

/*
 * Joins a header file and files that hold one or more cell groups, in the order
 * given: the header without its last closing brace, then each file with
 * trailing blanks removed and preceded by a line feed, then the brace.
 */
int ax_liberty_merge(struct ax_str *out, const char *header, size_t header_len,
		     const char *const *cell, const size_t *cell_len, size_t n,
		     struct ax_err *err);
/* The library with only the cells for which keep[i] is true; all other groups
 * stay byte for byte. */
void ax_liberty_filter(struct ax_str *out, const struct ax_liberty *lib,
		       const bool *keep);
/* Functional Verilog-2001 models of the combinational cells for which keep[i]
 * is true (NULL: all); returns how many were written. */
size_t ax_liberty_verilog(struct ax_str *out, const struct ax_liberty *lib,
			  const bool *keep);

#endif
