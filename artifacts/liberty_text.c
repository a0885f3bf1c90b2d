/* SPDX-License-Identifier: Apache-2.0 */
/* The other half of liberty.h: function expressions, joining and cutting
 * libraries, models in Verilog. */
#include <ctype.h>

#include "artifacts/base/base.h"
#include "artifacts/liberty.h"
#include "artifacts/netlist/logic.h"

#define MAX_NESTING 200

struct expr {
	const char *text;
	size_t at;
	const char *const *names;
	unsigned n;
	unsigned depth;
	struct ax_err *err;
};

static int parse_or(struct expr *e, uint64_t *out);

static char
peek(struct expr *e)
{
	while (isspace((unsigned char)e->text[e->at]) || e->text[e->at] == '\\')
		e->at++;
	return e->text[e->at];
}

static bool
name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '[' || c == ']' ||
	       c == '.' || c == '$';
}

static int
parse_name(struct expr *e, uint64_t *out)
{
	const char *name = e->text + e->at;
	size_t len = 0;

	while (name_char(name[len]))
		len++;
	if (len == 0)
		return ax_err_set(e->err, AX_EXIT_STAGE,
				  "function \"%.200s\": expected a pin at "
				  "character %zu",
				  e->text, e->at + 1);
	e->at += len;
	for (unsigned i = 0; i < e->n; i++) {
		if (strlen(e->names[i]) == len &&
		    memcmp(e->names[i], name, len) == 0) {
			*out = ax_tt_var(i);
			return 0;
		}
	}
	if (len == 1 && (*name == '0' || *name == '1')) {
		*out = *name == '1' ? UINT64_MAX : 0;
		return 0;
	}
	return ax_err_set(e->err, AX_EXIT_STAGE,
			  "function \"%.200s\": %.*s is no input pin", e->text,
			  (int)AX_MIN(len, (size_t)100), name);
}

static int
parse_unary(struct expr *e, uint64_t *out)
{
	bool invert = false;

	while (peek(e) == '!' || peek(e) == '~') {
		invert = !invert;
		e->at++;
	}
	if (peek(e) == '(') {
		if (++e->depth > MAX_NESTING)
			return ax_err_set(e->err, AX_EXIT_STAGE,
					  "function nested over %d deep",
					  MAX_NESTING);
		e->at++;
		if (parse_or(e, out) < 0)
			return -1;
		if (peek(e) != ')')
			return ax_err_set(e->err, AX_EXIT_STAGE,
					  "function \"%.200s\": expected ')' "
					  "at character %zu",
					  e->text, e->at + 1);
		e->at++;
		e->depth--;
	} else if (parse_name(e, out) < 0) {
		return -1;
	}
	while (peek(e) == '\'') {
		*out = ~*out;
		e->at++;
	}
	if (invert)
		*out = ~*out;
	return 0;
}

static int
parse_xor(struct expr *e, uint64_t *out)
{
	uint64_t b;

	if (parse_unary(e, out) < 0)
		return -1;
	while (peek(e) == '^') {
		e->at++;
		if (parse_unary(e, &b) < 0)
			return -1;
		*out ^= b;
	}
	return 0;
}

static int
parse_and(struct expr *e, uint64_t *out)
{
	uint64_t b;
	char c;

	if (parse_xor(e, out) < 0)
		return -1;
	for (c = peek(e); c == '&' || c == '*' || c == '(' || c == '!' ||
			  c == '~' || name_char(c);
	     c = peek(e)) {
		if (c == '&' || c == '*') {
			e->at++;
			if (e->text[e->at] == c)
				e->at++;
		}
		if (parse_xor(e, &b) < 0)
			return -1;
		*out &= b;
	}
	return 0;
}

static int
parse_or(struct expr *e, uint64_t *out)
{
	uint64_t b;

	if (parse_and(e, out) < 0)
		return -1;
	while (peek(e) == '|' || peek(e) == '+') {
		e->at++;
		if (e->text[e->at] == '|')
			e->at++;
		if (parse_and(e, &b) < 0)
			return -1;
		*out |= b;
	}
	return 0;
}

int
ax_liberty_function(uint64_t *tt, const char *text, const char *const *names,
		    unsigned n, struct ax_err *err)
{
	struct expr e = {text, 0, names, n, 0, err};

	if (n > 6)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "a function of %u inputs; at most 6 fit", n);
	if (parse_or(&e, tt) < 0)
		return -1;
	if (peek(&e) != '\0')
		return ax_err_set(err, AX_EXIT_STAGE,
				  "function \"%.200s\": unexpected '%c' at "
				  "character %zu",
				  text, text[e.at], e.at + 1);
	*tt &= ax_tt_mask(n);
	return 0;
}

/* --- joining and cutting ------------------------------------------------- */

static size_t
trimmed(const char *text, size_t len)
{
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	return len;
}

int
ax_liberty_merge(struct ax_str *out, const char *header, size_t header_len,
		 const char *const *cell, const size_t *cell_len, size_t n,
		 struct ax_err *err)
{
	size_t len = trimmed(header, header_len);

	if (len == 0 || header[len - 1] != '}')
		return ax_err_set(err, AX_EXIT_STAGE,
				  "the header of the library does not end "
				  "with the library's closing brace");
	ax_str_addn(out, header, trimmed(header, len - 1));
	ax_str_addc(out, '\n');
	for (size_t i = 0; i < n; i++) {
		const char *text = cell[i];
		size_t end = trimmed(text, cell_len[i]), start = 0;

		/* blank lines before the cell go as well, its indent stays */
		for (size_t k = 0; k < end && isspace((unsigned char)text[k]);
		     k++) {
			if (text[k] == '\n')
				start = k + 1;
		}
		if (end == 0)
			continue;
		ax_str_addc(out, '\n');
		ax_str_addn(out, text + start, end - start);
		ax_str_addc(out, '\n');
	}
	ax_str_add(out, "}\n");
	return 0;
}

void
ax_liberty_filter(struct ax_str *out, const struct ax_liberty *lib,
		  const bool *keep)
{
	size_t at = 0;

	for (size_t c = 0; c < lib->cells; c++) {
		size_t from = lib->cell[c].start, to = lib->cell[c].end;

		if (keep[c])
			continue;
		/* whole lines, where the cell has them for itself */
		while (from > at && (lib->text[from - 1] == ' ' ||
				     lib->text[from - 1] == '\t'))
			from--;
		while (to < lib->len &&
		       (lib->text[to] == ' ' || lib->text[to] == '\t'))
			to++;
		if (to < lib->len && lib->text[to] == '\n' && from > 0 &&
		    lib->text[from - 1] == '\n')
			to++;
		ax_str_addn(out, lib->text + at, from - at);
		at = to;
	}
	ax_str_addn(out, lib->text + at, lib->len - at);
}

/* --- models in Verilog --------------------------------------------------- */

static void
identifier(struct ax_str *out, const char *name)
{
	bool plain = isalpha((unsigned char)name[0]) || name[0] == '_';

	for (const char *p = name; *p; p++)
		plain = plain &&
			(isalnum((unsigned char)*p) || *p == '_' || *p == '$');
	ax_str_addf(out, plain ? "%s" : "\\%s ", name);
}

struct print {
	struct ax_str *out;
	const struct ax_factored *f;
	const struct ax_lib_cell *cell;
};

/* The form has at most 160 operations, each deeper than its operands. */
static void
print_op(const struct print *p, unsigned i, bool complement)
{
	static const char *const sign[] = {" & ", " | ", " ^ "};
	unsigned k = i - p->f->n;

	if (complement)
		ax_str_addc(p->out, '~');
	if (i < p->f->n) {
		identifier(p->out, p->cell->pin[p->cell->in[i]].name);
		return;
	}
	ax_str_addc(p->out, '(');
	print_op(p, p->f->op[k].a, p->f->op[k].na);
	ax_str_add(p->out, sign[p->f->op[k].op]);
	print_op(p, p->f->op[k].b, p->f->op[k].nb);
	ax_str_addc(p->out, ')');
}

static void
model(struct ax_str *out, const struct ax_lib_cell *cell, struct ax_factored *f)
{
	ax_str_add(out, "\nmodule ");
	identifier(out, cell->name);
	ax_str_add(out, " (");
	for (unsigned i = 0; i < cell->ins + cell->outs; i++) {
		unsigned pin =
			i < cell->ins ? cell->in[i] : cell->out[i - cell->ins];

		ax_str_addf(out, "%s%s ", i ? ", " : "",
			    i < cell->ins ? "input" : "output");
		identifier(out, cell->pin[pin].name);
	}
	ax_str_add(out, ");\n");
	for (unsigned o = 0; o < cell->outs; o++) {
		const struct ax_lib_pin *pin = &cell->pin[cell->out[o]];
		struct print p = {out, f, cell};

		ax_tt_factor(f, pin->tt, cell->ins);
		ax_str_add(out, "\tassign ");
		identifier(out, pin->name);
		ax_str_add(out, " = ");
		if (f->result == 255)
			ax_str_add(out, f->complement ? "1'b1" : "1'b0");
		else
			print_op(&p, f->result, f->complement);
		ax_str_add(out, ";\n");
	}
	ax_str_add(out, "endmodule\n");
}

size_t
ax_liberty_verilog(struct ax_str *out, const struct ax_liberty *lib,
		   const bool *keep)
{
	struct ax_factored *f = ax_calloc(1, sizeof(*f));
	size_t n = 0;

	ax_str_addf(out,
		    "/* Functional models of the combinational cells of "
		    "library %s. */\n",
		    lib->name);
	for (size_t c = 0; c < lib->cells; c++) {
		if ((keep && !keep[c]) || !lib->cell[c].combinational)
			continue;
		model(out, &lib->cell[c], f);
		n++;
	}
	free(f);
	return n;
}
