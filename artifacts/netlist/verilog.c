/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>

#include "artifacts/base/base.h"
#include "artifacts/base/map.h"
#include "artifacts/netlist/cells.h"
#include "artifacts/netlist/formats.h"
#include "artifacts/netlist/verilog_lex.h"
#include "artifacts/netlist/verilog_mods.h"

/*
 * Structural Verilog: what synthesis tools write. Declarations of nets,
 * instances of cells with named ports and of the file's own modules, primitive
 * gates, and continuous assignments whose right sides are made of ~ & | ^ ?:,
 * reductions, && || == !=. Modules are flattened.
 */

#define MAX_DEPTH 100
#define MAX_WIDTH AX_NET_MAX_PORTS
#define MAX_PINS 64
#define MAX_LEVELS 32
#define MAX_INSTANCES 2000000

/* Nets, lowest bit first. */
struct vec {
	uint32_t *net;
	uint32_t n;
	bool loose; /* a number without a size: fits any width */
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
	bool warned;
	struct ax_vmods *mods;
	unsigned level;
	const char *prefix; /* of names in messages: "u1." */
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
	struct vec x = {ax_calloc(n + 1u, sizeof(uint32_t)), n, false};

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
		int index =
			s->msb >= s->lsb ? s->lsb + (int)i : s->lsb - (int)i;
		char *name = s->range ? ax_asprintf("%s%s[%d]", v->prefix,
						    s->name, index)
				      : ax_asprintf("%s%s", v->prefix, s->name);

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
	out->loose = !strchr(v->lex.text, '\'');
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

/* A number without a size takes the width it meets. */
static void
fit(struct verilog *v, struct vec *x, uint32_t n)
{
	if (!x->loose || x->n == n)
		return;
	x->net = ax_realloc(x->net, n + 1u, sizeof(*x->net));
	for (uint32_t i = x->n; i < n; i++)
		x->net[i] = ax_build_const(v->b, false);
	x->n = n;
}

static int
gates(struct verilog *v, struct vec *out, unsigned n, struct vec *in,
      uint64_t tt)
{
	for (unsigned i = 1; i < n; i++) {
		fit(v, &in[i], in[0].n);
		fit(v, &in[0], in[i].n);
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

/* All bits of x into one, by pairs; `invert` the last. */
static int
reduce(struct verilog *v, struct vec *out, const struct vec *x, uint64_t tt,
       bool invert)
{
	uint32_t at = x->net[0], line = v->lex.line;

	for (uint32_t i = 1; i < x->n || invert; i++) {
		uint32_t in[2] = {at, i < x->n ? x->net[i] : 0};
		bool more = i < x->n;

		at = ax_build_anon(v->b, line);
		if (ax_build_gate(v->b, more ? 2 : 1, in, more ? tt : 0x1, at,
				  line, v->lex.err) < 0)
			return -1;
		if (!more)
			break;
	}
	*out = vec_new(1);
	out->net[0] = at;
	return 0;
}

static int
unary(struct verilog *v, struct vec *out)
{
	static const char *const marks[] = {"&", "|", "^", "~^", "^~", "!"};
	static const uint64_t tts[] = {0x8, 0xe, 0x6, 0x6, 0x6, 0xe};
	struct vec a = {0};
	size_t k = 0;
	int rc;

	if (++v->depth > MAX_DEPTH)
		return fail(v, "an expression nested over 100 deep", NULL);
	while (k < AX_LEN(marks) && !at(v, marks[k]))
		k++;
	if (at(v, "~")) {
		rc = next(v) < 0 ? -1 : unary(v, &a);
		if (rc == 0)
			rc = gates(v, out, 1, &a, 0x1);
		free(a.net);
	} else if (k < AX_LEN(marks)) {
		rc = next(v) < 0 ? -1 : unary(v, &a);
		if (rc == 0)
			rc = reduce(v, out, &a, tts[k], k >= 3);
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

/* Operators of two operands, those that bind least first. */
enum { LOGIC_OR, LOGIC_AND, OR, XOR, AND, EQUAL, LEVELS };

/* The operator at hand, if it is of this level: its function, and whether the
 * result is inverted in the end. */
static bool
operator_at(const struct verilog *v, int level, uint64_t *tt, bool *invert)
{
	static const char *const marks[LEVELS] = {"||", "&&", "|",
						  "^",  "&",  "=="};
	static const uint64_t tts[LEVELS] = {0xe, 0x8, 0xe, 0x6, 0x8, 0x9};

	*tt = tts[level];
	*invert = level == EQUAL && at(v, "!=");
	if (level == XOR && (at(v, "~^") || at(v, "^~"))) {
		*tt = 0x9;
		return true;
	}
	return *invert || at(v, marks[level]);
}

static int
binary(struct verilog *v, struct vec *out, int level)
{
	int rc = level == LEVELS ? unary(v, out) : binary(v, out, level + 1);
	uint64_t tt;
	bool invert;

	while (rc == 0 && level < LEVELS &&
	       operator_at(v, level, &tt, &invert)) {
		struct vec in[2] = {*out, {0}}, each = {0};

		memset(out, 0, sizeof(*out));
		rc = next(v);
		if (rc == 0)
			rc = binary(v, &in[1], level + 1);
		for (int i = 0; rc == 0 && level <= LOGIC_AND && i < 2; i++) {
			struct vec one = {0};

			rc = reduce(v, &one, &in[i], 0xe, false);
			free(in[i].net);
			in[i] = one;
		}
		if (rc == 0)
			rc = gates(v, level == EQUAL ? &each : out, 2, in, tt);
		if (rc == 0 && level == EQUAL)
			rc = reduce(v, out, &each, 0x8, invert);
		free(each.net);
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

			fit(v, &in[0], in[1].n);
			fit(v, &in[1], in[0].n);
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
	if (rc == 0)
		fit(v, &from, to->n);
	if (rc == 0 && from.n != to->n)
		rc = fail(v, "an assignment between different widths", NULL);
	for (uint32_t i = 0; rc == 0 && i < to->n; i++)
		rc = ax_build_wire(v->b, to->net[i], from.net[i], line,
				   v->lex.err);
	free(from.net);
	return rc;
}

/* #3 or #(1, 2), which says nothing about the function. */
static int
delay(struct verilog *v)
{
	if (!at(v, "#"))
		return 0;
	if (next(v) < 0)
		return -1;
	if (at(v, "("))
		while (!at(v, ")") && v->lex.kind != AX_V_END)
			if (next(v) < 0)
				return -1;
	return next(v);
}

static int
assignment(struct verilog *v)
{
	do {
		struct vec to = {0};
		int rc = next(v) < 0 ? -1 : delay(v); /* "assign" or "," */

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
	bool low = at(v, "supply0"), high = at(v, "supply1"), has;
	int32_t msb, lsb;

	if (next(v) < 0 || type_of(v, &has, &msb, &lsb) < 0)
		return -1;
	for (;;) {
		char *id = ax_strdup(v->lex.text);
		int rc = declare(v, dir, has, msb, lsb, false);

		if (rc == 0 && at(v, "=") && !dir) {
			/* by value: the list of signals may move */
			struct vec to = find(v, id)->bits;

			rc = next(v) < 0 ? -1 : assign_to(v, &to);
		} else if (rc == 0 && (low || high)) {
			struct vec to = find(v, id)->bits;

			for (uint32_t i = 0; rc == 0 && i < to.n; i++)
				rc = ax_build_wire(v->b, to.net[i],
						   ax_build_const(v->b, high),
						   v->lex.line, v->lex.err);
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

	if (next(v) < 0 || delay(v) < 0)
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
cell(struct verilog *v, const char *type, unsigned line)
{
	char *name_of[MAX_PINS];
	uint32_t nets[MAX_PINS];
	unsigned n = 0, used = 0;
	const char *connected[MAX_PINS];
	int rc = pins(v, &n, name_of, nets);

	if (rc == 0)
		rc = expect(v, ";");
	for (unsigned i = 0; i < n; i++) {
		if (nets[i] == AX_NO_NET)
			continue;
		connected[used] = name_of[i];
		nets[used++] = nets[i];
	}
	if (rc == 0)
		rc = ax_cell_connect(v->b, v->lib, type, used, connected, nets,
				     v->lex.file, line, v->lex.err);
	for (unsigned i = 0; i < n; i++)
		free(name_of[i]);
	return rc;
}

/* What an instance of a module is connected to, by name or by place. */
struct link {
	char *port; /* NULL: by place */
	struct vec to;
	bool open, taken;
};

static int
links(struct verilog *v, struct link **list, size_t *n)
{
	size_t cap = 0;

	while (!at(v, ")")) {
		struct link *l;
		bool named;

		if (*n > 0 && expect(v, ",") < 0)
			return -1;
		named = at(v, ".");
		AX_GROW(*list, *n, cap);
		l = &(*list)[(*n)++];
		memset(l, 0, sizeof(*l));
		if (*n > 1 && named != ((*list)[0].port != NULL))
			return fail(v, "ports by name and by place at once",
				    NULL);
		if (!named) {
			l->open = at(v, ",") || at(v, ")");
			if (!l->open && expression(v, &l->to) < 0)
				return -1;
			continue;
		}
		if (next(v) < 0)
			return -1;
		if (v->lex.kind != AX_V_NAME)
			return ax_vlex_expected(&v->lex, "the name of a port");
		l->port = ax_strdup(v->lex.text);
		if (next(v) < 0 || expect(v, "(") < 0)
			return -1;
		l->open = at(v, ")");
		if (!l->open && expression(v, &l->to) < 0)
			return -1;
		if (expect(v, ")") < 0)
			return -1;
	}
	return next(v) < 0 ? -1 : expect(v, ";");
}

static int
join_port(struct verilog *v, const struct ax_vmod *m, const struct sig *s,
	  size_t place, struct link *list, size_t n, unsigned line)
{
	struct link *l = NULL;

	for (size_t i = 0; i < n; i++) {
		if (list[i].port ? !ax_streq(list[i].port, s->name)
				 : i != place)
			continue;
		if (l)
			return ax_err_set(v->lex.err, AX_EXIT_STAGE,
					  "%s:%u: port %s of module %s is "
					  "connected twice",
					  v->lex.file, line, s->name, m->name);
		l = &list[i];
		l->taken = true;
	}
	if (!l || l->open) {
		if (s->dir == DIR_OUTPUT)
			return 0;
		return ax_err_set(v->lex.err, AX_EXIT_STAGE,
				  "%s:%u: input %s of module %s is not "
				  "connected",
				  v->lex.file, line, s->name, m->name);
	}
	fit(v, &l->to, s->bits.n);
	if (l->to.n != s->bits.n)
		return ax_err_set(v->lex.err, AX_EXIT_STAGE,
				  "%s:%u: port %s of module %s has %u bits and "
				  "is connected to %u",
				  v->lex.file, line, s->name, m->name,
				  s->bits.n, l->to.n);
	for (uint32_t i = 0; i < l->to.n; i++) {
		bool out = s->dir == DIR_OUTPUT;

		if (ax_build_wire(v->b, out ? l->to.net[i] : s->bits.net[i],
				  out ? s->bits.net[i] : l->to.net[i], line,
				  v->lex.err) < 0)
			return -1;
	}
	return 0;
}

static int body(struct verilog *v);
static void free_scope(struct verilog *v);

static int
submodule(struct verilog *v, size_t module, const char *name, unsigned line)
{
	const struct ax_vmod *m = &v->mods->mod[module];
	struct verilog w = {.lib = v->lib,
			    .b = v->b,
			    .warn = v->warn,
			    .warned = v->warned,
			    .mods = v->mods,
			    .bits = v->bits,
			    .level = v->level + 1};
	struct link *list = NULL;
	char *prefix = ax_asprintf("%s%.200s.", v->prefix, name);
	size_t n = 0;
	int rc = links(v, &list, &n);

	if (rc == 0 && w.level > MAX_LEVELS)
		rc = ax_err_set(v->lex.err, AX_EXIT_STAGE,
				"%s:%u: modules nested more than %u deep (or "
				"in a circle), at %s",
				v->lex.file, line, MAX_LEVELS, m->name);
	if (rc == 0 && ++v->mods->instances > MAX_INSTANCES)
		rc = ax_err_set(v->lex.err, AX_EXIT_STAGE,
				"%s:%u: more than two million instances of "
				"modules",
				v->lex.file, line);
	if (rc == 0) {
		w.prefix = prefix;
		ax_vlex_init(&w.lex, v->lex.file, v->lex.code, v->lex.len,
			     v->lex.err);
		w.lex.pos = m->pos;
		w.lex.line = m->line;
		rc = body(&w);
		for (size_t i = 0; rc == 0 && i < w.n_port; i++)
			rc = join_port(v, m, &w.sig[w.port[i]], i, list, n,
				       line);
		for (size_t i = 0; rc == 0 && i < n; i++)
			if (!list[i].taken)
				rc = ax_err_set(
					v->lex.err, AX_EXIT_STAGE,
					"%s:%u: module %s has no port %s",
					v->lex.file, line, m->name,
					list[i].port ? list[i].port
						     : "in that place");
		v->bits = w.bits;
		v->warned = w.warned;
		free_scope(&w);
	}
	for (size_t i = 0; i < n; i++) {
		free(list[i].port);
		free(list[i].to.net);
	}
	free(list);
	free(prefix);
	return rc;
}

static int
instance(struct verilog *v)
{
	char *type = ax_strdup(v->lex.text), *id = NULL;
	uintptr_t module = (uintptr_t)ax_map_get(&v->mods->by_name, type);
	unsigned line = v->lex.line;
	int rc = next(v);

	if (rc == 0 && at(v, "#"))
		rc = fail(v, "parameters on cell", type);
	if (rc == 0 && v->lex.kind != AX_V_NAME)
		rc = ax_err_set(v->lex.err, AX_EXIT_STAGE,
				"%s:%u: '%s' is neither a declaration nor an "
				"instance that a netlist may hold; behavioural "
				"code must be synthesised first",
				v->lex.file, line, type);
	if (rc == 0) {
		id = ax_strdup(v->lex.text);
		rc = next(v) < 0 || expect(v, "(") < 0 ? -1 : 0;
	}
	if (rc == 0)
		rc = module ? submodule(v, module - 1, id, line)
			    : cell(v, type, line);
	free(type);
	free(id);
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
	if (at(v, "wire") || at(v, "tri") || at(v, "supply0") ||
	    at(v, "supply1"))
		return declaration(v, DIR_NONE);
	if (at(v, "specify")) {
		/* delays, in a library's models */
		while (!at(v, "endspecify") && v->lex.kind != AX_V_END)
			if (next(v) < 0)
				return -1;
		return expect(v, "endspecify");
	}
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
check_ports(struct verilog *v)
{
	for (size_t i = 0; i < v->n_port; i++) {
		const struct sig *s = &v->sig[v->port[i]];

		if (!s->dir)
			return ax_err_set(v->lex.err, AX_EXIT_STAGE,
					  "%s:%u: port %s is neither input nor "
					  "output",
					  v->lex.file, s->line, s->name);
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
make_ports(struct verilog *v)
{
	for (size_t i = 0; i < v->n_port; i++) {
		const struct sig *s = &v->sig[v->port[i]];

		if (ax_build_port(v->b, s->dir == DIR_OUTPUT, s->name,
				  s->bits.n, s->msb >= s->lsb ? s->lsb : 0,
				  !s->range, s->bits.net, s->line,
				  v->lex.err) < 0)
			return -1;
	}
	return 0;
}

/* From the name of a module to its end. */
static int
body(struct verilog *v)
{
	if (next(v) < 0 || next(v) < 0 || header(v) < 0)
		return -1;
	while (!at(v, "endmodule")) {
		if (item(v) < 0)
			return -1;
	}
	return check_ports(v);
}

static void
free_scope(struct verilog *v)
{
	for (size_t i = 0; i < v->n_sig; i++) {
		free(v->sig[i].name);
		free(v->sig[i].bits.net);
	}
	free(v->sig);
	free(v->port);
	ax_map_free(&v->by_name);
	ax_vlex_free(&v->lex);
}

/* --- the file ------------------------------------------------------------ */

int
ax_netlist_read_verilog(struct ax_netlist **out, const char *file,
			const char *text, size_t len,
			const struct ax_liberty *lib, struct ax_str *warn,
			struct ax_err *err)
{
	struct ax_vmods all = {0};
	struct verilog v = {
		.lib = lib, .warn = warn, .mods = &all, .prefix = ""};
	size_t top = 0;
	int rc;

	ax_vlex_init(&v.lex, file, text, len, err);
	rc = ax_vmods_find(&all, &v.lex) < 0
		     ? -1
		     : ax_vmods_top(&all, &v.lex, &top, warn);
	if (rc == 0) {
		v.b = ax_build_new(file, all.mod[top].name, warn);
		v.lex.pos = all.mod[top].pos;
		v.lex.line = all.mod[top].line;
		rc = body(&v) < 0 ? -1 : make_ports(&v);
		if (rc == 0)
			rc = ax_build_finish(out, v.b, false, err);
		else
			ax_build_free(v.b);
	}
	ax_vmods_free(&all);
	free_scope(&v);
	return rc;
}
