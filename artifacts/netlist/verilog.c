/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>

#include "artifacts/base/base.h"
#include "artifacts/base/map.h"
#include "artifacts/netlist/cells.h"
#include "artifacts/netlist/formats.h"
#include "artifacts/netlist/verilog_lex.h"

/*
 * Structural Verilog: what synthesis tools write. One module; declarations of
 * nets, instances of cells with named ports, primitive gates, and continuous
 * assignments whose right sides are bitwise (~ & | ^ ~^ ?:).
 */

#define MAX_DEPTH 100
#define MAX_WIDTH AX_NET_MAX_PORTS
#define MAX_PINS 64

/* Nets, lowest bit first. */
struct vec {
	uint32_t *net;
	uint32_t n;
};

enum dir { DIR_NONE, DIR_INPUT, DIR_OUTPUT };

struct sig {
	char *name;
	enum dir dir;
	bool range; /* declared with [msb:lsb] */
	int32_t msb, lsb;
	struct vec bits;
	unsigned line;
};

struct verilog {
	struct ax_vlex lex;
	const struct ax_liberty *lib;
	struct ax_build *b;
	struct ax_str *warn;
	struct ax_map by_name; /* 1 + index into sig */
	struct sig *sig;
	size_t n_sig, cap_sig;
	size_t *port; /* in the order of the header */
	size_t n_port, cap_port;
	size_t bits; /* of all signals, for the cap */
	unsigned depth;
	bool ansi, warned;
};

static int
fail(struct verilog *v, const char *what, const char *name)
{
	return ax_vlex_fail(&v->lex, what, name);
}

static int
next(struct verilog *v)
{
	return ax_vlex_next(&v->lex);
}

static bool
at(const struct verilog *v, const char *text)
{
	return ax_vlex_at(&v->lex, text);
}

static int
expect(struct verilog *v, const char *text)
{
	if (!at(v, text))
		return ax_vlex_expected(&v->lex, text);
	return next(v);
}

static struct vec
vec_new(uint32_t n)
{
	struct vec x = {ax_calloc(n + 1u, sizeof(uint32_t)), n};

	return x;
}

/* --- signals ------------------------------------------------------------- */

static struct sig *
find(struct verilog *v, const char *name)
{
	uintptr_t i = (uintptr_t)ax_map_get(&v->by_name, name);

	return i ? &v->sig[i - 1] : NULL;
}

static struct sig *
add_sig(struct verilog *v, const char *name)
{
	struct sig *s;

	AX_GROW(v->sig, v->n_sig, v->cap_sig);
	s = &v->sig[v->n_sig++];
	memset(s, 0, sizeof(*s));
	s->name = ax_strdup(name);
	s->line = v->lex.line;
	ax_map_set(&v->by_name, name, (void *)(uintptr_t)v->n_sig);
	return s;
}

static int
make_bits(struct verilog *v, struct sig *s)
{
	int64_t width = s->msb >= s->lsb ? (int64_t)s->msb - s->lsb + 1
					 : (int64_t)s->lsb - s->msb + 1;

	v->bits += (size_t)width;
	if (width > MAX_WIDTH || v->bits > AX_NET_MAX_NODES)
		return fail(v, "too many bits in", s->name);
	s->bits = vec_new((uint32_t)width);
	for (uint32_t i = 0; i < s->bits.n; i++) {
		char *name = s->range ? ax_asprintf("%s[%d]", s->name,
						    s->msb >= s->lsb
							    ? s->lsb + (int)i
							    : s->lsb - (int)i)
				      : ax_strdup(s->name);

		s->bits.net[i] = ax_build_anon(v->b, s->line);
		ax_build_name(v->b, s->bits.net[i], name);
		free(name);
	}
	return 0;
}

static int
integer(struct verilog *v, int32_t *out)
{
	bool minus = at(v, "-");
	int64_t value = 0;

	if (minus && next(v) < 0)
		return -1;
	if (v->lex.kind != AX_V_NUMBER || strchr(v->lex.text, '\''))
		return ax_vlex_expected(&v->lex, "a plain number");
	for (const char *p = v->lex.text; *p; p++) {
		if (*p != '_')
			value = value * 10 + (*p - '0');
		if (value > 1000000)
			return fail(v, "an index over a million:", v->lex.text);
	}
	*out = (int32_t)(minus ? -value : value);
	return next(v);
}

static int
range(struct verilog *v, int32_t *msb, int32_t *lsb)
{
	if (expect(v, "[") < 0 || integer(v, msb) < 0 || expect(v, ":") < 0 ||
	    integer(v, lsb) < 0 || expect(v, "]") < 0)
		return -1;
	return 0;
}

/* Attributes and type words after input, output or wire; a range. */
static int
type_of(struct verilog *v, bool *has, int32_t *msb, int32_t *lsb)
{
	*has = false;
	*msb = *lsb = 0;
	while (at(v, "wire") || at(v, "signed") || at(v, "logic") ||
	       at(v, "tri")) {
		if (next(v) < 0)
			return -1;
	}
	if (at(v, "reg"))
		return fail(v,
			    "a register: only combinational netlists can "
			    "be read",
			    NULL);
	if (!at(v, "["))
		return 0;
	*has = true;
	return range(v, msb, lsb);
}

static int
declare(struct verilog *v, enum dir dir, bool has, int32_t msb, int32_t lsb,
	bool header)
{
	struct sig *s;

	if (v->lex.kind != AX_V_NAME)
		return ax_vlex_expected(&v->lex, "a name");
	s = find(v, v->lex.text);
	if (!s)
		s = add_sig(v, v->lex.text);
	if (header) {
		for (size_t i = 0; i < v->n_port; i++) {
			if (&v->sig[v->port[i]] == s)
				return fail(v, "two ports are called", s->name);
		}
		AX_GROW(v->port, v->n_port, v->cap_port);
		v->port[v->n_port++] = (size_t)(s - v->sig);
	}
	if (s->bits.net) {
		if (s->range != has || s->msb != msb || s->lsb != lsb ||
		    (dir && s->dir && s->dir != dir))
			return fail(v, "declared again, differently:", s->name);
	} else if (dir || !header) {
		s->range = has;
		s->msb = msb;
		s->lsb = lsb;
		if (make_bits(v, s) < 0)
			return -1;
	}
	if (dir)
		s->dir = dir;
	return next(v);
}

/* --- expressions --------------------------------------------------------- */

static int expression(struct verilog *v, struct vec *out);

static int
number(struct verilog *v, struct vec *out)
{
	uint8_t bits[AX_V_BITS];
	unsigned n;

	if (ax_vlex_number(&v->lex, bits, &n) < 0)
		return -1;
	*out = vec_new(n);
	for (unsigned i = 0; i < n; i++) {
		if (bits[i] > 1 && v->warn && !v->warned) {
			ax_str_addf(v->warn,
				    "%s:%u: undefined bits (x, z) read as 0\n",
				    v->lex.file, v->lex.line);
			v->warned = true;
		}
		out->net[i] = ax_build_const(v->b, bits[i] == 1);
	}
	return next(v);
}

static int
name(struct verilog *v, struct vec *out)
{
	struct sig *s = find(v, v->lex.text);
	int32_t hi, lo;
	int64_t from, to;

	if (!s) { /* an implicit net of one bit */
		s = add_sig(v, v->lex.text);
		if (make_bits(v, s) < 0)
			return -1;
	} else if (!s->bits.net) {
		return fail(v, "used before its declaration:", s->name);
	}
	if (next(v) < 0)
		return -1;
	from = 0;
	to = (int64_t)s->bits.n - 1;
	if (at(v, "[")) {
		if (!s->range)
			return fail(v, "an index on a net of one bit,",
				    s->name);
		if (next(v) < 0 || integer(v, &hi) < 0)
			return -1;
		lo = hi;
		if (at(v, ":") && (next(v) < 0 || integer(v, &lo) < 0))
			return -1;
		if (expect(v, "]") < 0)
			return -1;
		s = find(v, s->name);
		from = s->msb >= s->lsb ? (int64_t)lo - s->lsb
					: (int64_t)s->lsb - lo;
		to = s->msb >= s->lsb ? (int64_t)hi - s->lsb
				      : (int64_t)s->lsb - hi;
		if (from < 0 || to < from || to >= s->bits.n)
			return fail(v, "an index outside the range of",
				    s->name);
	}
	*out = vec_new((uint32_t)(to - from + 1));
	memcpy(out->net, s->bits.net + from, out->n * sizeof(*out->net));
	return 0;
}

static int
append(struct verilog *v, struct vec *out, const struct vec *more)
{
	if (out->n + more->n > MAX_WIDTH)
		return fail(v, "a concatenation of too many bits", NULL);
	out->net =
		ax_realloc(out->net, out->n + more->n + 1u, sizeof(*out->net));
	/* the later part is the lower one */
	memmove(out->net + more->n, out->net, out->n * sizeof(*out->net));
	memcpy(out->net, more->net, more->n * sizeof(*out->net));
	out->n += more->n;
	return 0;
}

static int
concat(struct verilog *v, struct vec *out)
{
	*out = vec_new(0);
	if (next(v) < 0)
		return -1;
	for (;;) {
		struct vec part = {0};
		int32_t times = 1;
		bool repeat = v->lex.kind == AX_V_NUMBER &&
			      ax_vlex_peek(&v->lex) == '{';
		int rc;

		if (repeat && (integer(v, &times) < 0 || next(v) < 0))
			return -1;
		rc = expression(v, &part);
		if (rc == 0 && repeat)
			rc = expect(v, "}");
		for (int32_t i = 0; rc == 0 && i < times; i++)
			rc = append(v, out, &part);
		free(part.net);
		if (rc < 0)
			return -1;
		if (at(v, "}"))
			return next(v);
		if (expect(v, ",") < 0)
			return -1;
	}
}

static int
gates(struct verilog *v, struct vec *out, unsigned n, const struct vec *in,
      uint64_t tt)
{
	for (unsigned i = 1; i < n; i++) {
		if (in[i].n != in[0].n)
			return fail(v, "operands of different widths", NULL);
	}
	*out = vec_new(in[0].n);
	for (uint32_t k = 0; k < in[0].n; k++) {
		uint32_t pin[3];

		for (unsigned i = 0; i < n; i++)
			pin[i] = in[i].net[k];
		out->net[k] = ax_build_anon(v->b, v->lex.line);
		if (ax_build_gate(v->b, n, pin, tt, out->net[k], v->lex.line,
				  v->lex.err) < 0)
			return -1;
	}
	return 0;
}

static int
unary(struct verilog *v, struct vec *out)
{
	struct vec a = {0};
	int rc;

	if (++v->depth > MAX_DEPTH)
		return fail(v, "an expression nested over 100 deep", NULL);
	if (at(v, "~") || at(v, "!")) {
		bool logical = at(v, "!");

		rc = next(v) < 0 ? -1 : unary(v, &a);
		if (rc == 0 && logical && a.n != 1)
			rc = fail(v, "'!' of more than one bit", NULL);
		if (rc == 0)
			rc = gates(v, out, 1, &a, 0x1);
		free(a.net);
	} else if (at(v, "(")) {
		rc = next(v) < 0 || expression(v, out) < 0 ? -1
							   : expect(v, ")");
	} else if (at(v, "{")) {
		rc = concat(v, out);
	} else if (v->lex.kind == AX_V_NUMBER) {
		rc = number(v, out);
	} else if (v->lex.kind == AX_V_NAME) {
		rc = name(v, out);
	} else {
		rc = ax_vlex_expected(&v->lex, "a net, a constant or '~'");
	}
	v->depth--;
	return rc;
}

/* Level 0: |, 1: ^ and ~^, 2: &. */
static int
binary(struct verilog *v, struct vec *out, int level)
{
	static const uint64_t tts[] = {0xe, 0x6, 0x8};
	int rc = level == 2 ? unary(v, out) : binary(v, out, level + 1);

	while (rc == 0) {
		struct vec in[2] = {*out, {0}};
		uint64_t tt = tts[level];

		if (level == 1 && (at(v, "~^") || at(v, "^~")))
			tt = 0x9;
		else if (!at(v, level == 0 ? "|" : level == 1 ? "^" : "&"))
			return 0;
		memset(out, 0, sizeof(*out));
		rc = next(v);
		if (rc == 0)
			rc = level == 2 ? unary(v, &in[1])
					: binary(v, &in[1], level + 1);
		if (rc == 0)
			rc = gates(v, out, 2, in, tt);
		free(in[0].net);
		free(in[1].net);
	}
	return rc;
}

static int
expression(struct verilog *v, struct vec *out)
{
	struct vec in[3] = {{0}};
	int rc;

	if (++v->depth > MAX_DEPTH)
		return fail(v, "an expression nested over 100 deep", NULL);
	rc = binary(v, out, 0);
	if (rc == 0 && at(v, "?")) {
		in[2] = *out;
		memset(out, 0, sizeof(*out));
		rc = next(v) < 0 || expression(v, &in[1]) < 0 ||
				     expect(v, ":") < 0 ||
				     expression(v, &in[0]) < 0
			     ? -1
			     : 0;
		if (rc == 0 && in[2].n != 1)
			rc = fail(v, "a condition of more than one bit", NULL);
		if (rc == 0) {
			uint32_t s = in[2].net[0];

			free(in[2].net);
			in[2] = vec_new(in[0].n);
			for (uint32_t i = 0; i < in[0].n; i++)
				in[2].net[i] = s;
			rc = gates(v, out, 3, in, 0xca);
		}
		for (int i = 0; i < 3; i++)
			free(in[i].net);
	}
	v->depth--;
	return rc;
}

/* --- items of a module --------------------------------------------------- */

/* Left side and right side; also of `wire x = ...`. */
static int
assign_to(struct verilog *v, const struct vec *to)
{
	struct vec from = {0};
	unsigned line = v->lex.line;
	int rc = expression(v, &from);

	if (rc == 0 && !at(v, ";") && !at(v, ","))
		rc = fail(v,
			  "in an assignment only ~ & | ^ ?: and {} can be "
			  "read, a netlist is expected: synthesise the design "
			  "first; found",
			  v->lex.text);
	if (rc == 0 && from.n != to->n)
		rc = fail(v, "an assignment between different widths", NULL);
	for (uint32_t i = 0; rc == 0 && i < to->n; i++)
		rc = ax_build_wire(v->b, to->net[i], from.net[i], line,
				   v->lex.err);
	free(from.net);
	return rc;
}

static int
assignment(struct verilog *v)
{
	do {
		struct vec to = {0};
		int rc = next(v); /* "assign" or "," */

		if (rc == 0)
			rc = at(v, "{") ? concat(v, &to)
			     : v->lex.kind == AX_V_NAME
				     ? name(v, &to)
				     : ax_vlex_expected(&v->lex, "a net");
		if (rc == 0)
			rc = expect(v, "=");
		if (rc == 0)
			rc = assign_to(v, &to);
		free(to.net);
		if (rc < 0)
			return -1;
	} while (at(v, ","));
	return expect(v, ";");
}

static int
declaration(struct verilog *v, enum dir dir)
{
	int32_t msb, lsb;
	bool has;

	if (next(v) < 0 || type_of(v, &has, &msb, &lsb) < 0)
		return -1;
	for (;;) {
		char *id = ax_strdup(v->lex.text);
		int rc = declare(v, dir, has, msb, lsb, false);

		if (rc == 0 && at(v, "=") && !dir) {
			/* by value: the list of signals may move */
			struct vec to = find(v, id)->bits;

			rc = next(v) < 0 ? -1 : assign_to(v, &to);
		}
		free(id);
		if (rc < 0)
			return -1;
		if (!at(v, ","))
			return expect(v, ";");
		if (next(v) < 0)
			return -1;
	}
}

static int
one_bit(struct verilog *v, uint32_t *net, const char *pin)
{
	struct vec x = {0};
	int rc = expression(v, &x);

	if (rc == 0 && x.n != 1)
		rc = fail(v, "more than one bit on pin", pin);
	if (rc == 0)
		*net = x.net[0];
	free(x.net);
	return rc;
}

/* nand g1 (y, a, b); more inputs are joined pair by pair. */
static int
primitive(struct verilog *v, enum ax_gate kind)
{
	uint32_t nets[MAX_PINS];
	unsigned n = 0, line = v->lex.line;
	bool invert;
	uint64_t base;

	if (next(v) < 0)
		return -1;
	if (v->lex.kind == AX_V_NAME && next(v) < 0)
		return -1;
	if (expect(v, "(") < 0)
		return -1;
	do {
		if (n > 0 && next(v) < 0)
			return -1;
		if (n == MAX_PINS)
			return fail(v, "a gate with over 64 pins", NULL);
		if (one_bit(v, &nets[n++], "of a gate") < 0)
			return -1;
	} while (at(v, ","));
	if (expect(v, ")") < 0 || expect(v, ";") < 0)
		return -1;
	if (ax_gate_fanin(kind) == 1) {
		if (n != 2)
			return fail(v, "a buffer or inverter has two pins",
				    NULL);
		if (kind == AX_BUF)
			return ax_build_wire(v->b, nets[0], nets[1], line,
					     v->lex.err);
		return ax_build_gate(v->b, 1, nets + 1, 0x1, nets[0], line,
				     v->lex.err);
	}
	if (n < 3)
		return fail(v, "a gate without two inputs", NULL);
	invert = kind == AX_NAND || kind == AX_NOR || kind == AX_XNOR;
	base = ax_gate_tt(kind) ^ (invert ? 0xf : 0);
	for (unsigned i = 2; i < n; i++) {
		uint32_t in[2] = {nets[i - 1], nets[i]};
		bool last = i == n - 1;
		uint32_t out = last ? nets[0] : ax_build_anon(v->b, line);

		if (ax_build_gate(v->b, 2, in, last ? ax_gate_tt(kind) : base,
				  out, line, v->lex.err) < 0)
			return -1;
		nets[i] = out;
	}
	return 0;
}

static int
pins(struct verilog *v, unsigned *n, char **name_of, uint32_t *nets)
{
	while (!at(v, ")")) {
		if (*n > 0 && expect(v, ",") < 0)
			return -1;
		if (!at(v, "."))
			return fail(v, "cells need named ports: .A(net)", NULL);
		if (next(v) < 0)
			return -1;
		if (v->lex.kind != AX_V_NAME)
			return ax_vlex_expected(&v->lex, "the name of a pin");
		if (*n == MAX_PINS)
			return fail(v, "a cell with over 64 pins", NULL);
		name_of[*n] = ax_strdup(v->lex.text);
		nets[*n] = AX_NO_NET;
		++*n;
		if (next(v) < 0 || expect(v, "(") < 0)
			return -1;
		if (!at(v, ")") &&
		    one_bit(v, &nets[*n - 1], name_of[*n - 1]) < 0)
			return -1;
		if (expect(v, ")") < 0)
			return -1;
	}
	return next(v);
}

static int
instance(struct verilog *v)
{
	char *cell = ax_strdup(v->lex.text), *name_of[MAX_PINS];
	uint32_t nets[MAX_PINS];
	unsigned n = 0, used = 0, line = v->lex.line;
	const char *connected[MAX_PINS];
	int rc = next(v);

	if (rc == 0 && at(v, "#"))
		rc = fail(v, "parameters on cell", cell);
	if (rc == 0 && v->lex.kind != AX_V_NAME)
		rc = ax_err_set(v->lex.err, AX_EXIT_STAGE,
				"%s:%u: '%s' is neither a declaration nor an "
				"instance that a netlist may hold; behavioural "
				"code must be synthesised first",
				v->lex.file, line, cell);
	if (rc == 0)
		rc = next(v) < 0 || expect(v, "(") < 0 ? -1 : 0;
	if (rc == 0)
		rc = pins(v, &n, name_of, nets);
	if (rc == 0)
		rc = expect(v, ";");
	for (unsigned i = 0; i < n; i++) {
		if (nets[i] == AX_NO_NET)
			continue;
		connected[used] = name_of[i];
		nets[used++] = nets[i];
	}
	if (rc == 0)
		rc = ax_cell_connect(v->b, v->lib, cell, used, connected, nets,
				     v->lex.file, line, v->lex.err);
	for (unsigned i = 0; i < n; i++)
		free(name_of[i]);
	free(cell);
	return rc;
}

static int
header(struct verilog *v)
{
	enum dir dir = DIR_NONE;
	int32_t msb = 0, lsb = 0;
	bool has = false;

	if (!at(v, "("))
		return expect(v, ";");
	if (next(v) < 0)
		return -1;
	while (!at(v, ")")) {
		if (at(v, "inout"))
			return fail(v, "an inout port", NULL);
		if (at(v, "input") || at(v, "output")) {
			dir = at(v, "input") ? DIR_INPUT : DIR_OUTPUT;
			if (next(v) < 0 || type_of(v, &has, &msb, &lsb) < 0)
				return -1;
		}
		if (declare(v, dir, has, msb, lsb, true) < 0)
			return -1;
		if (!at(v, ")") && expect(v, ",") < 0)
			return -1;
	}
	return next(v) < 0 ? -1 : expect(v, ";");
}

static int
item(struct verilog *v)
{
	static const enum ax_gate kinds[] = {AX_AND, AX_OR,   AX_NAND, AX_NOR,
					     AX_XOR, AX_XNOR, AX_BUF,  AX_INV};
	static const char *const words[] = {"and", "or",   "nand", "nor",
					    "xor", "xnor", "buf",  "not"};

	if (at(v, ";"))
		return next(v);
	if (at(v, "input"))
		return declaration(v, DIR_INPUT);
	if (at(v, "output"))
		return declaration(v, DIR_OUTPUT);
	if (at(v, "wire") || at(v, "tri"))
		return declaration(v, DIR_NONE);
	if (at(v, "assign"))
		return assignment(v);
	if (at(v, "inout"))
		return fail(v, "an inout port", NULL);
	for (size_t i = 0; i < AX_LEN(words); i++) {
		if (at(v, words[i]))
			return primitive(v, kinds[i]);
	}
	if (v->lex.kind == AX_V_END)
		return fail(v, "the text ends before endmodule; it seems cut",
			    NULL);
	if (v->lex.kind != AX_V_NAME)
		return ax_vlex_expected(&v->lex, "an instance or declaration");
	return instance(v);
}

static int
make_ports(struct verilog *v)
{
	for (size_t i = 0; i < v->n_port; i++) {
		const struct sig *s = &v->sig[v->port[i]];

		if (!s->dir)
			return ax_err_set(v->lex.err, AX_EXIT_STAGE,
					  "%s:%u: port %s is neither input nor "
					  "output",
					  v->lex.file, s->line, s->name);
		if (ax_build_port(v->b, s->dir == DIR_OUTPUT, s->name,
				  s->bits.n, s->msb >= s->lsb ? s->lsb : 0,
				  !s->range, s->bits.net, s->line,
				  v->lex.err) < 0)
			return -1;
	}
	for (size_t i = 0; i < v->n_sig; i++) {
		bool listed = v->sig[i].dir == DIR_NONE;

		for (size_t k = 0; !listed && k < v->n_port; k++)
			listed = v->port[k] == i;
		if (!listed)
			return ax_err_set(v->lex.err, AX_EXIT_STAGE,
					  "%s:%u: %s is declared as a port but "
					  "not listed in the module's header",
					  v->lex.file, v->sig[i].line,
					  v->sig[i].name);
	}
	return 0;
}

static int
module(struct verilog *v, struct ax_str *warn)
{
	if (next(v) < 0)
		return -1;
	if (!at(v, "module"))
		return ax_vlex_expected(&v->lex, "module");
	if (next(v) < 0)
		return -1;
	if (v->lex.kind != AX_V_NAME)
		return ax_vlex_expected(&v->lex, "the name of the module");
	v->b = ax_build_new(v->lex.file, v->lex.text, warn);
	if (next(v) < 0 || header(v) < 0)
		return -1;
	while (!at(v, "endmodule")) {
		if (item(v) < 0)
			return -1;
	}
	if (next(v) < 0)
		return -1;
	if (at(v, "module"))
		return fail(v, "a second module; flatten the design first",
			    NULL);
	if (v->lex.kind != AX_V_END)
		return fail(v, "text after endmodule:", v->lex.text);
	return make_ports(v);
}

int
ax_netlist_read_verilog(struct ax_netlist **out, const char *file,
			const char *text, size_t len,
			const struct ax_liberty *lib, struct ax_str *warn,
			struct ax_err *err)
{
	struct verilog v = {.lib = lib, .warn = warn};
	int rc;

	ax_vlex_init(&v.lex, file, text, len, err);
	rc = module(&v, warn);
	if (rc == 0)
		rc = ax_build_finish(out, v.b, false, err);
	else
		ax_build_free(v.b);
	for (size_t i = 0; i < v.n_sig; i++) {
		free(v.sig[i].name);
		free(v.sig[i].bits.net);
	}
	free(v.sig);
	free(v.port);
	ax_map_free(&v.by_name);
	ax_vlex_free(&v.lex);
	return rc;
}
