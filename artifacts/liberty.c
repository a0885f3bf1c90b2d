/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <math.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/map.h"
#include "artifacts/liberty.h"
#include "artifacts/netlist/logic.h"

/*
 * One pass over the text. Groups that matter (library, cell, pin) are walked,
 * all others are skipped, which still finds their end past strings and
 * comments. Grammar: name ( args ) { ... } | name ( args ) ; | name : value ;
 */

#define MAX_DEPTH 64
#define MAX_PINS 4096
#define MAX_CELLS 200000

struct scan {
	const char *name;
	const char *text;
	size_t len, at;
	size_t counted; /* lines up to here are counted */
	unsigned line;
	struct ax_err *err;
};

struct span {
	size_t from, to;
};

static unsigned
line_at(struct scan *s, size_t at)
{
	if (at < s->counted) {
		s->counted = 0;
		s->line = 1;
	}
	while (s->counted < at) {
		const char *nl =
			memchr(s->text + s->counted, '\n', at - s->counted);

		if (!nl)
			break;
		s->counted = (size_t)(nl - s->text) + 1;
		s->line++;
	}
	return s->line;
}

static int
fail(struct scan *s, size_t at, const char *what)
{
	return ax_err_set(s->err, AX_EXIT_STAGE, "%s:%u: %s", s->name,
			  line_at(s, AX_MIN(at, s->len)), what);
}

/* Past blanks, comments and line continuations. */
static int
blanks(struct scan *s)
{
	while (s->at < s->len) {
		char c = s->text[s->at];

		if (c == '/' && s->at + 1 < s->len &&
		    s->text[s->at + 1] == '*') {
			const char *end = memmem(s->text + s->at + 2,
						 s->len - s->at - 2, "*/", 2);

			if (!end)
				return fail(s, s->at, "comment without an end");
			s->at = (size_t)(end - s->text) + 2;
		} else if (c == '/' && s->at + 1 < s->len &&
			   s->text[s->at + 1] == '/') {
			while (s->at < s->len && s->text[s->at] != '\n')
				s->at++;
		} else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' ||
			   c == '\f' || c == '\\') {
			s->at++;
		} else {
			break;
		}
	}
	return 0;
}

static int
string(struct scan *s)
{
	size_t start = s->at++;

	while (s->at < s->len && s->text[s->at] != '"') {
		if (s->text[s->at] == '\\' && s->at + 1 < s->len)
			s->at++;
		s->at++;
	}
	if (s->at >= s->len)
		return fail(s, start, "string without an end");
	s->at++;
	return 0;
}

/* From just behind '{' to just behind its '}'. */
static int
skip_group(struct scan *s)
{
	size_t start = s->at;
	unsigned depth = 1;

	while (s->at < s->len) {
		switch (s->text[s->at]) {
		case '"':
			if (string(s) < 0)
				return -1;
			continue;
		case '/':
			if (s->at + 1 < s->len && (s->text[s->at + 1] == '*' ||
						   s->text[s->at + 1] == '/')) {
				if (blanks(s) < 0)
					return -1;
				continue;
			}
			break;
		case '{':
			if (++depth > MAX_DEPTH)
				return fail(s, s->at,
					    "groups nested more than 64 deep");
			break;
		case '}':
			if (--depth == 0) {
				s->at++;
				return 0;
			}
			break;
		default:
			break;
		}
		s->at++;
	}
	return fail(s, start, "group without its closing brace");
}

enum kind { ST_END, ST_GROUP, ST_COMPLEX, ST_SIMPLE };

struct statement {
	enum kind kind;
	size_t start;
	struct span name, args; /* args: what is in the parentheses, or value */
};

static struct span
trim(const struct scan *s, struct span p)
{
	while (p.from < p.to && isspace((unsigned char)s->text[p.from]))
		p.from++;
	while (p.to > p.from && isspace((unsigned char)s->text[p.to - 1]))
		p.to--;
	if (p.to - p.from >= 2 && s->text[p.from] == '"' &&
	    s->text[p.to - 1] == '"') {
		p.from++;
		p.to--;
	}
	return p;
}

static bool
word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-' ||
	       c == '$' || c == '[' || c == ']' || c == '!' || c == '+' ||
	       c == '*';
}

static int
arguments(struct scan *s, struct statement *st)
{
	size_t start = s->at++;
	unsigned depth = 1;

	st->args.from = s->at;
	while (s->at < s->len && depth > 0) {
		char c = s->text[s->at];

		if (c == '"') {
			if (string(s) < 0)
				return -1;
			continue;
		}
		if (c == '{' || c == '}' || c == ';')
			break;
		depth += c == '(';
		depth -= c == ')';
		s->at++;
	}
	if (depth > 0)
		return fail(s, start, "'(' without its ')'");
	st->args.to = s->at - 1;
	return 0;
}

/* Reads one statement; of a group only its head, up to behind '{'. ST_END at
 * the '}' that closes the group around, which is consumed, or at the end of
 * the text when `top`. */
static int
statement(struct scan *s, struct statement *st, bool top)
{
	memset(st, 0, sizeof(*st));
	do {
		if (blanks(s) < 0)
			return -1;
	} while (s->at < s->len && s->text[s->at] == ';' && ++s->at);
	st->start = s->at;
	if (s->at >= s->len) {
		st->kind = ST_END;
		return top ? 0
			   : fail(s, s->len,
				  "the text ends inside a group; it seems cut");
	}
	if (s->text[s->at] == '}') {
		if (top)
			return fail(s, s->at, "'}' without its '{'");
		s->at++;
		st->kind = ST_END;
		return 0;
	}
	st->name.from = s->at;
	while (s->at < s->len && word_char(s->text[s->at]))
		s->at++;
	st->name.to = s->at;
	if (st->name.from == st->name.to)
		return fail(s, s->at,
			    "expected the name of a group or "
			    "attribute");
	if (blanks(s) < 0)
		return -1;
	if (s->at < s->len && s->text[s->at] == ':') {
		s->at++;
		st->kind = ST_SIMPLE;
		while (s->at < s->len &&
		       (s->text[s->at] == ' ' || s->text[s->at] == '\t'))
			s->at++;
		st->args.from = s->at;
		while (s->at < s->len && s->text[s->at] != ';' &&
		       s->text[s->at] != '\n' && s->text[s->at] != '}') {
			if (s->text[s->at] == '"') {
				if (string(s) < 0)
					return -1;
			} else if (s->text[s->at] == '\\' &&
				   s->at + 1 < s->len &&
				   s->text[s->at + 1] == '\n') {
				s->at += 2;
			} else {
				s->at++;
			}
		}
		st->args.to = s->at;
		st->args = trim(s, st->args);
		return 0;
	}
	if (s->at >= s->len || s->text[s->at] != '(')
		return fail(s, s->at, "expected ':' or '(' after a name");
	if (arguments(s, st) < 0 || blanks(s) < 0)
		return -1;
	st->args = trim(s, st->args);
	st->kind = ST_COMPLEX;
	if (s->at < s->len && s->text[s->at] == '{') {
		s->at++;
		st->kind = ST_GROUP;
	}
	return 0;
}

static bool
is(const struct scan *s, struct span p, const char *word)
{
	size_t n = strlen(word);

	return p.to - p.from == n && memcmp(s->text + p.from, word, n) == 0;
}

static char *
copy(const struct scan *s, struct span p)
{
	return ax_strndup(s->text + p.from, p.to - p.from);
}

static double
number(const struct scan *s, struct span p, double other)
{
	char buf[64], *end;
	size_t n = AX_MIN(p.to - p.from, sizeof(buf) - 1);
	double v;

	memcpy(buf, s->text + p.from, n);
	buf[n] = '\0';
	v = strtod(buf, &end);
	return end == buf || !isfinite(v) ? other : v;
}

static int
parse_pin(struct scan *s, struct ax_lib_pin *pin)
{
	struct statement st;

	for (;;) {
		if (statement(s, &st, false) < 0)
			return -1;
		if (st.kind == ST_END)
			return 0;
		if (st.kind == ST_GROUP) {
			if (skip_group(s) < 0)
				return -1;
		} else if (st.kind != ST_SIMPLE) {
			continue;
		} else if (is(s, st.name, "direction")) {
			if (is(s, st.args, "input"))
				pin->dir = AX_PIN_INPUT;
			else if (is(s, st.args, "output"))
				pin->dir = AX_PIN_OUTPUT;
			else if (is(s, st.args, "inout"))
				pin->dir = AX_PIN_INOUT;
			else
				pin->dir = AX_PIN_INTERNAL;
		} else if (is(s, st.name, "function")) {
			free(pin->function);
			pin->function = copy(s, st.args);
		} else if (is(s, st.name, "capacitance")) {
			pin->capacitance = number(s, st.args, 0);
		} else if (is(s, st.name, "three_state")) {
			pin->three_state = true;
		}
	}
}

/* pin(A) or pin(A, B): one pin each, of the same body. */
static int
parse_pins(struct scan *s, struct ax_lib_cell *cell, struct span names)
{
	struct ax_lib_pin model = {.dir = AX_PIN_INTERNAL};
	int rc = parse_pin(s, &model);

	while (rc == 0 && names.from < names.to) {
		struct span one = names;

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
			rc = fail(s, one.from, "a cell with over 4096 pins");
			break;
		}
		cell->pin = ax_realloc(cell->pin, cell->pins + 1,
				       sizeof(*cell->pin));
		cell->pin[cell->pins] = model;
		cell->pin[cell->pins].name = copy(s, one);
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
parse_cell(struct scan *s, struct ax_lib_cell *cell)
{
	static const char *const state[] = {
		"ff",         "latch",  "ff_bank", "latch_bank",
		"statetable", "bundle", "bus"};
	struct statement st;

	for (;;) {
		if (statement(s, &st, false) < 0)
			return -1;
		if (st.kind == ST_END)
			break;
		if (st.kind == ST_GROUP && is(s, st.name, "pin")) {
			if (parse_pins(s, cell, st.args) < 0)
				return -1;
			continue;
		}
		if (st.kind == ST_GROUP) {
			for (size_t k = 0; k < AX_LEN(state); k++) {
				if (is(s, st.name, state[k]))
					cell->sequential = true;
			}
			if (skip_group(s) < 0)
				return -1;
			continue;
		}
		if (is(s, st.name, "clock_gating_integrated_cell"))
			cell->sequential = true;
		if (st.kind == ST_SIMPLE && is(s, st.name, "area"))
			cell->area = number(s, st.args, -1);
		if (is(s, st.name, "dont_use"))
			cell->dont_use = is(s, st.args, "true");
	}
	cell->end = s->at;
	complete(cell);
	return 0;
}

static void
unit(const struct scan *s, char **out, const struct statement *st)
{
	free(*out);
	*out = copy(s, st->args);
}

static int
parse_library(struct scan *s, struct ax_liberty *lib)
{
	struct statement st;
	size_t cap = 0;

	for (;;) {
		if (statement(s, &st, false) < 0)
			return -1;
		if (st.kind == ST_END) {
			lib->close = s->at - 1;
			return 0;
		}
		if (st.kind == ST_GROUP && is(s, st.name, "cell")) {
			struct ax_lib_cell *cell;

			if (lib->cells >= MAX_CELLS)
				return fail(s, st.start, "over 200000 cells");
			AX_GROW(lib->cell, lib->cells, cap);
			cell = &lib->cell[lib->cells++];
			memset(cell, 0, sizeof(*cell));
			cell->area = -1;
			cell->name = copy(s, st.args);
			cell->start = st.start;
			cell->line = line_at(s, st.start);
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
		} else if (st.kind == ST_GROUP) {
			if (skip_group(s) < 0)
				return -1;
		} else if (is(s, st.name, "time_unit")) {
			unit(s, &lib->time_unit, &st);
		} else if (is(s, st.name, "capacitive_load_unit")) {
			unit(s, &lib->capacitance_unit, &st);
		} else if (is(s, st.name, "leakage_power_unit")) {
			unit(s, &lib->leakage_unit, &st);
		} else if (is(s, st.name, "nom_voltage")) {
			lib->nom_voltage = number(s, st.args, NAN);
		} else if (is(s, st.name, "nom_temperature")) {
			lib->nom_temperature = number(s, st.args, NAN);
		}
	}
}

int
ax_liberty_parse(struct ax_liberty *lib, const char *name, const char *text,
		 size_t len, struct ax_err *err)
{
	struct scan s = {name, NULL, len, 0, 0, 1, err};
	struct statement st;
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
	rc = statement(&s, &st, true);
	if (rc == 0 && (st.kind != ST_GROUP || !is(&s, st.name, "library")))
		rc = fail(&s, st.start,
			  "not a Liberty file: expected library (name) {");
	if (rc == 0) {
		lib->name = copy(&s, st.args);
		lib->body = s.at;
		rc = parse_library(&s, lib);
	}
	if (rc == 0 && (rc = statement(&s, &st, true)) == 0 &&
	    st.kind != ST_END)
		rc = fail(&s, st.start, "text after the library's end");
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
