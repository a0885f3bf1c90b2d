/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/map.h"
#include "artifacts/liberty.h"
#include "artifacts/liberty_scan.h"
#include "artifacts/netlist/logic.h"

/* One pass over the text. */

#define MAX_PINS 4096
#define MAX_CELLS 200000

static int
parse_pin(struct ax_lib_scan *s, struct ax_lib_pin *pin)
{
	struct ax_lib_statement st;

	for (;;) {
		if (ax_lib_scan_next(s, &st, false) < 0)
			return -1;
		if (st.kind == AX_LIB_END)
			return 0;
		if (st.kind == AX_LIB_GROUP) {
			if (ax_lib_scan_skip(s) < 0)
				return -1;
		} else if (st.kind != AX_LIB_SIMPLE) {
			continue;
		} else if (ax_lib_scan_is(s, st.name, "direction")) {
			if (ax_lib_scan_is(s, st.args, "input"))
				pin->dir = AX_PIN_INPUT;
			else if (ax_lib_scan_is(s, st.args, "output"))
				pin->dir = AX_PIN_OUTPUT;
			else if (ax_lib_scan_is(s, st.args, "inout"))
				pin->dir = AX_PIN_INOUT;
			else
				pin->dir = AX_PIN_INTERNAL;
		} else if (ax_lib_scan_is(s, st.name, "function")) {
			free(pin->function);
			pin->function = ax_lib_scan_copy(s, st.args);
		} else if (ax_lib_scan_is(s, st.name, "capacitance")) {
			pin->capacitance = ax_lib_scan_number(s, st.args, 0);
		} else if (ax_lib_scan_is(s, st.name, "fall_capacitance")) {
			pin->edge_capacitance[0] =
				ax_lib_scan_number(s, st.args, -1);
		} else if (ax_lib_scan_is(s, st.name, "rise_capacitance")) {
			pin->edge_capacitance[1] =
				ax_lib_scan_number(s, st.args, -1);
		} else if (ax_lib_scan_is(s, st.name, "three_state")) {
			pin->three_state = true;
		}
	}
}

/* pin(A) or pin(A, B): one pin each, of the same body. */
static int
parse_pins(struct ax_lib_scan *s, struct ax_lib_cell *cell,
	   struct ax_lib_span names)
{
	struct ax_lib_pin model = {.dir = AX_PIN_INTERNAL,
				   .edge_capacitance = {-1, -1}};
	int rc = parse_pin(s, &model);

	while (rc == 0 && names.from < names.to) {
		struct ax_lib_span one = names;

		while (one.from < one.to &&
		       strchr(" ,\t\n\"", s->text[one.from]))
			one.from++;
		one.to = one.from;
		while (one.to < names.to &&
		       !strchr(" ,\t\n\"", s->text[one.to]))
			one.to++;
		names.from = one.to;
		if (one.from == one.to)
			break;
		if (cell->pins >= MAX_PINS) {
			rc = ax_lib_scan_fail(s, one.from,
					      "a cell with over 4096 pins");
			break;
		}
		cell->pin = ax_realloc(cell->pin, cell->pins + 1,
				       sizeof(*cell->pin));
		cell->pin[cell->pins] = model;
		cell->pin[cell->pins].name = ax_lib_scan_copy(s, one);
		if (model.function)
			cell->pin[cell->pins].function =
				ax_strdup(model.function);
		cell->pins++;
	}
	free(model.function);
	return rc;
}

static void
free_cell(struct ax_lib_cell *cell)
{
	for (size_t p = 0; p < cell->pins; p++) {
		free(cell->pin[p].name);
		free(cell->pin[p].function);
	}
	free(cell->pin);
	free(cell->in);
	free(cell->out);
	free(cell->name);
}

/* What follows from the pins. */
static void
complete(struct ax_lib_cell *cell)
{
	const char *names[6];
	bool all = true;

	cell->in = ax_calloc(cell->pins + 1, sizeof(*cell->in));
	cell->out = ax_calloc(cell->pins + 1, sizeof(*cell->out));
	for (unsigned p = 0; p < cell->pins; p++) {
		if (cell->pin[p].dir == AX_PIN_INPUT)
			cell->in[cell->ins++] = p;
		else if (cell->pin[p].dir == AX_PIN_OUTPUT)
			cell->out[cell->outs++] = p;
		else if (cell->pin[p].dir == AX_PIN_INOUT)
			all = false;
	}
	for (unsigned i = 0; i < cell->ins && i < 6; i++)
		names[i] = cell->pin[cell->in[i]].name;
	for (unsigned o = 0; o < cell->outs; o++) {
		struct ax_lib_pin *pin = &cell->pin[cell->out[o]];

		pin->known = pin->function && cell->ins <= 6 &&
			     ax_liberty_function(&pin->tt, pin->function, names,
						 cell->ins, NULL) == 0;
		all = all && pin->known && !pin->three_state;
	}
	cell->combinational =
		all && !cell->sequential && cell->outs >= 1 && cell->outs <= 16;
	cell->transistors = cell->combinational ? 0 : -1;
	for (unsigned o = 0; cell->combinational && o < cell->outs; o++)
		cell->transistors += ax_tt_transistors(
			cell->pin[cell->out[o]].tt, cell->ins);
}

static int
parse_cell(struct ax_lib_scan *s, struct ax_lib_cell *cell)
{
	static const char *const state[] = {
		"ff",         "latch",  "ff_bank", "latch_bank",
		"statetable", "bundle", "bus"};
	struct ax_lib_statement st;

	for (;;) {
		if (ax_lib_scan_next(s, &st, false) < 0)
			return -1;
		if (st.kind == AX_LIB_END)
			break;
		if (st.kind == AX_LIB_GROUP &&
		    ax_lib_scan_is(s, st.name, "pin")) {
			if (parse_pins(s, cell, st.args) < 0)
				return -1;
			continue;
		}
		if (st.kind == AX_LIB_GROUP) {
			for (size_t k = 0; k < AX_LEN(state); k++) {
				if (ax_lib_scan_is(s, st.name, state[k]))
					cell->sequential = true;
			}
			if (ax_lib_scan_skip(s) < 0)
				return -1;
			continue;
		}
		if (ax_lib_scan_is(s, st.name, "clock_gating_integrated_cell"))
			cell->sequential = true;
		if (st.kind == AX_LIB_SIMPLE &&
		    ax_lib_scan_is(s, st.name, "area"))
			cell->area = ax_lib_scan_number(s, st.args, -1);
		if (ax_lib_scan_is(s, st.name, "dont_use"))
			cell->dont_use = ax_lib_scan_is(s, st.args, "true");
	}
	cell->end = s->at;
	complete(cell);
	return 0;
}

static void
unit(const struct ax_lib_scan *s, char **out, const struct ax_lib_statement *st)
{
	free(*out);
	*out = ax_lib_scan_copy(s, st->args);
}

static int
parse_library(struct ax_lib_scan *s, struct ax_liberty *lib)
{
	struct ax_lib_statement st;
	size_t cap = 0;

	for (;;) {
		if (ax_lib_scan_next(s, &st, false) < 0)
			return -1;
		if (st.kind == AX_LIB_END) {
			lib->close = s->at - 1;
			return 0;
		}
		if (st.kind == AX_LIB_GROUP &&
		    ax_lib_scan_is(s, st.name, "cell")) {
			struct ax_lib_cell *cell;

			if (lib->cells >= MAX_CELLS)
				return ax_lib_scan_fail(s, st.start,
							"over 200000 cells");
			AX_GROW(lib->cell, lib->cells, cap);
			cell = &lib->cell[lib->cells++];
			memset(cell, 0, sizeof(*cell));
			cell->area = -1;
			cell->name = ax_lib_scan_copy(s, st.args);
			cell->start = st.start;
			cell->line = ax_lib_scan_line(s, st.start);
			if (parse_cell(s, cell) < 0)
				return ax_err_wrap(
					s->err, "%s: in cell %s (line %u)",
					s->name, cell->name, cell->line);
			if (ax_map_set(lib->index, cell->name,
				       (void *)(uintptr_t)lib->cells))
				return ax_err_set(
					s->err, AX_EXIT_STAGE,
					"%s:%u: cell %s is there twice",
					s->name, cell->line, cell->name);
		} else if (st.kind == AX_LIB_GROUP) {
			if (ax_lib_scan_skip(s) < 0)
				return -1;
		} else if (ax_lib_scan_is(s, st.name, "time_unit")) {
			unit(s, &lib->time_unit, &st);
		} else if (ax_lib_scan_is(s, st.name, "capacitive_load_unit")) {
			unit(s, &lib->capacitance_unit, &st);
		} else if (ax_lib_scan_is(s, st.name, "leakage_power_unit")) {
			unit(s, &lib->leakage_unit, &st);
		} else if (ax_lib_scan_is(s, st.name, "nom_voltage")) {
			lib->nom_voltage = ax_lib_scan_number(s, st.args, NAN);
		} else if (ax_lib_scan_is(s, st.name, "nom_temperature")) {
			lib->nom_temperature =
				ax_lib_scan_number(s, st.args, NAN);
		}
	}
}

int
ax_liberty_parse(struct ax_liberty *lib, const char *name, const char *text,
		 size_t len, struct ax_err *err)
{
	struct ax_lib_scan s = {name, NULL, len, 0, 0, 1, err};
	struct ax_lib_statement st;
	int rc;

	memset(lib, 0, sizeof(*lib));
	lib->text = ax_strndup("", 0);
	lib->text = ax_realloc(lib->text, len + 1, 1);
	memcpy(lib->text, text, len);
	lib->text[len] = '\0';
	lib->len = len;
	lib->nom_voltage = lib->nom_temperature = NAN;
	lib->index = ax_calloc(1, sizeof(*lib->index));
	s.text = lib->text;
	rc = ax_lib_scan_next(&s, &st, true);
	if (rc == 0 && (st.kind != AX_LIB_GROUP ||
			!ax_lib_scan_is(&s, st.name, "library")))
		rc = ax_lib_scan_fail(
			&s, st.start,
			"not a Liberty file: expected library (name) {");
	if (rc == 0) {
		lib->name = ax_lib_scan_copy(&s, st.args);
		lib->body = s.at;
		rc = parse_library(&s, lib);
	}
	if (rc == 0 && (rc = ax_lib_scan_next(&s, &st, true)) == 0 &&
	    st.kind != AX_LIB_END)
		rc = ax_lib_scan_fail(&s, st.start,
				      "text after the library's end");
	if (rc < 0)
		ax_liberty_free(lib);
	return rc;
}

int
ax_liberty_load(struct ax_liberty *out, const char *path, struct ax_err *err)
{
	char *text;
	size_t len;
	int rc;

	memset(out, 0, sizeof(*out));
	if (ax_read_file(&text, &len, path, AX_LIBERTY_MAX, err) < 0)
		return -1;
	rc = ax_liberty_parse(out, path, text, len, err);
	free(text);
	return rc;
}

void
ax_liberty_free(struct ax_liberty *lib)
{
	for (size_t c = 0; c < lib->cells; c++)
		free_cell(&lib->cell[c]);
	free(lib->cell);
	free(lib->text);
	free(lib->name);
	free(lib->time_unit);
	free(lib->capacitance_unit);
	free(lib->leakage_unit);
	if (lib->index)
		ax_map_free(lib->index);
	free(lib->index);
	memset(lib, 0, sizeof(*lib));
}

const struct ax_lib_cell *
ax_liberty_cell(const struct ax_liberty *lib, const char *name)
{
	uintptr_t i = (uintptr_t)ax_map_get(lib->index, name);

	return i ? &lib->cell[i - 1] : NULL;
}

static bool
better(const struct ax_lib_cell *a, const struct ax_lib_cell *b)
{
	size_t la, lb;

	if (!b || a->area != b->area)
		return !b || a->area < b->area;
	la = strlen(a->name);
	lb = strlen(b->name);
	return la != lb ? la < lb : strcmp(a->name, b->name) < 0;
}

const struct ax_lib_cell *
ax_liberty_smallest(const struct ax_liberty *lib, unsigned ins, uint64_t tt,
		    const bool *allow)
{
	const struct ax_lib_cell *best = NULL;

	for (size_t i = 0; i < lib->cells; i++) {
		const struct ax_lib_cell *c = &lib->cell[i];

		if (!c->combinational || c->dont_use || c->outs != 1 ||
		    c->ins != ins || c->area < 0 || (allow && !allow[i]))
			continue;
		if (c->pin[c->out[0]].tt == tt && better(c, best))
			best = c;
	}
	return best;
}
