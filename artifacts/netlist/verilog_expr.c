/* SPDX-License-Identifier: Apache-2.0 */
/* The Verilog reader's expressions, made into gates as they are read. */
#include "artifacts/netlist/verilog.h"

#define MAX_DEPTH 100

static int
number(struct ax_verilog *v, struct ax_v_nets *out)
{
	uint8_t bits[AX_V_BITS];
	unsigned n;

	if (ax_vlex_number(&v->lex, bits, &n) < 0)
		return -1;
	*out = ax_v_nets(n);
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
	return ax_v_next(v);
}

int
ax_v_name(struct ax_verilog *v, struct ax_v_nets *out)
{
	struct ax_v_sig *s = ax_v_find(v, v->lex.text);
	int32_t hi, lo;
	int64_t from, to;

	if (!s) { /* an implicit net of one bit */
		s = ax_v_add_sig(v, v->lex.text);
		if (ax_v_make_bits(v, s) < 0)
			return -1;
	} else if (!s->bits.net) {
		return ax_v_fail(v, "used before its declaration:", s->name);
	}
	if (ax_v_next(v) < 0)
		return -1;
	from = 0;
	to = (int64_t)s->bits.n - 1;
	if (ax_v_at(v, "[")) {
		if (!s->range)
			return ax_v_fail(v, "an index on a net of one bit,",
					 s->name);
		if (ax_v_next(v) < 0 || ax_v_integer(v, &hi) < 0)
			return -1;
		lo = hi;
		if (ax_v_at(v, ":") &&
		    (ax_v_next(v) < 0 || ax_v_integer(v, &lo) < 0))
			return -1;
		if (ax_v_expect(v, "]") < 0)
			return -1;
		s = ax_v_find(v, s->name);
		from = s->msb >= s->lsb ? (int64_t)lo - s->lsb
					: (int64_t)s->lsb - lo;
		to = s->msb >= s->lsb ? (int64_t)hi - s->lsb
				      : (int64_t)s->lsb - hi;
		if (from < 0 || to < from || to >= s->bits.n)
			return ax_v_fail(v, "an index outside the range of",
					 s->name);
	}
	*out = ax_v_nets((uint32_t)(to - from + 1));
	memcpy(out->net, s->bits.net + from, out->n * sizeof(*out->net));
	return 0;
}

static int
append(struct ax_verilog *v, struct ax_v_nets *out,
       const struct ax_v_nets *more)
{
	if (out->n + more->n > AX_NET_MAX_PORTS)
		return ax_v_fail(v, "a concatenation of too many bits", NULL);
	out->net =
		ax_realloc(out->net, out->n + more->n + 1u, sizeof(*out->net));
	/* the later part is the lower one */
	memmove(out->net + more->n, out->net, out->n * sizeof(*out->net));
	memcpy(out->net, more->net, more->n * sizeof(*out->net));
	out->n += more->n;
	return 0;
}

int
ax_v_concat(struct ax_verilog *v, struct ax_v_nets *out)
{
	*out = ax_v_nets(0);
	if (ax_v_next(v) < 0)
		return -1;
	for (;;) {
		struct ax_v_nets part = {0};
		int32_t times = 1;
		bool repeat = v->lex.kind == AX_V_NUMBER &&
			      ax_vlex_peek(&v->lex) == '{';
		int rc;

		if (repeat && (ax_v_integer(v, &times) < 0 || ax_v_next(v) < 0))
			return -1;
		rc = ax_v_expression(v, &part);
		if (rc == 0 && repeat)
			rc = ax_v_expect(v, "}");
		for (int32_t i = 0; rc == 0 && i < times; i++)
			rc = append(v, out, &part);
		free(part.net);
		if (rc < 0)
			return -1;
		if (ax_v_at(v, "}"))
			return ax_v_next(v);
		if (ax_v_expect(v, ",") < 0)
			return -1;
	}
}

void
ax_v_fit(struct ax_verilog *v, struct ax_v_nets *x, uint32_t n)
{
	if (!x->loose || x->n == n)
		return;
	x->net = ax_realloc(x->net, n + 1u, sizeof(*x->net));
	for (uint32_t i = x->n; i < n; i++)
		x->net[i] = ax_build_const(v->b, false);
	x->n = n;
}

static int
gates(struct ax_verilog *v, struct ax_v_nets *out, unsigned n,
      struct ax_v_nets *in, uint64_t tt)
{
	for (unsigned i = 1; i < n; i++) {
		ax_v_fit(v, &in[i], in[0].n);
		ax_v_fit(v, &in[0], in[i].n);
		if (in[i].n != in[0].n)
			return ax_v_fail(v, "operands of different widths",
					 NULL);
	}
	*out = ax_v_nets(in[0].n);
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
reduce(struct ax_verilog *v, struct ax_v_nets *out, const struct ax_v_nets *x,
       uint64_t tt, bool invert)
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
	*out = ax_v_nets(1);
	out->net[0] = at;
	return 0;
}

static int
unary(struct ax_verilog *v, struct ax_v_nets *out)
{
	static const char *const marks[] = {"&", "|", "^", "~^", "^~", "!"};
	static const uint64_t tts[] = {0x8, 0xe, 0x6, 0x6, 0x6, 0xe};
	struct ax_v_nets a = {0};
	size_t k = 0;
	int rc;

	if (++v->depth > MAX_DEPTH)
		return ax_v_fail(v, "an expression nested over 100 deep", NULL);
	while (k < AX_LEN(marks) && !ax_v_at(v, marks[k]))
		k++;
	if (ax_v_at(v, "~")) {
		rc = ax_v_next(v) < 0 ? -1 : unary(v, &a);
		if (rc == 0)
			rc = gates(v, out, 1, &a, 0x1);
		free(a.net);
	} else if (k < AX_LEN(marks)) {
		rc = ax_v_next(v) < 0 ? -1 : unary(v, &a);
		if (rc == 0)
			rc = reduce(v, out, &a, tts[k], k >= 3);
		free(a.net);
	} else if (ax_v_at(v, "(")) {
		rc = ax_v_next(v) < 0 || ax_v_expression(v, out) < 0
			     ? -1
			     : ax_v_expect(v, ")");
	} else if (ax_v_at(v, "{")) {
		rc = ax_v_concat(v, out);
	} else if (v->lex.kind == AX_V_NUMBER) {
		rc = number(v, out);
	} else if (v->lex.kind == AX_V_NAME) {
		rc = ax_v_name(v, out);
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
operator_at(const struct ax_verilog *v, int level, uint64_t *tt, bool *invert)
{
	static const char *const marks[LEVELS] = {"||", "&&", "|",
						  "^",  "&",  "=="};
	static const uint64_t tts[LEVELS] = {0xe, 0x8, 0xe, 0x6, 0x8, 0x9};

	*tt = tts[level];
	*invert = level == EQUAL && ax_v_at(v, "!=");
	if (level == XOR && (ax_v_at(v, "~^") || ax_v_at(v, "^~"))) {
		*tt = 0x9;
		return true;
	}
	return *invert || ax_v_at(v, marks[level]);
}

static int
binary(struct ax_verilog *v, struct ax_v_nets *out, int level)
{
	int rc = level == LEVELS ? unary(v, out) : binary(v, out, level + 1);
	uint64_t tt;
	bool invert;

	while (rc == 0 && level < LEVELS &&
	       operator_at(v, level, &tt, &invert)) {
		struct ax_v_nets in[2] = {*out, {0}}, each = {0};

		memset(out, 0, sizeof(*out));
		rc = ax_v_next(v);
		if (rc == 0)
			rc = binary(v, &in[1], level + 1);
		for (int i = 0; rc == 0 && level <= LOGIC_AND && i < 2; i++) {
			struct ax_v_nets one = {0};

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

int
ax_v_expression(struct ax_verilog *v, struct ax_v_nets *out)
{
	struct ax_v_nets in[3] = {{0}};
	int rc;

	if (++v->depth > MAX_DEPTH)
		return ax_v_fail(v, "an expression nested over 100 deep", NULL);
	rc = binary(v, out, 0);
	if (rc == 0 && ax_v_at(v, "?")) {
		in[2] = *out;
		memset(out, 0, sizeof(*out));
		rc = ax_v_next(v) < 0 || ax_v_expression(v, &in[1]) < 0 ||
				     ax_v_expect(v, ":") < 0 ||
				     ax_v_expression(v, &in[0]) < 0
			     ? -1
			     : 0;
		if (rc == 0 && in[2].n != 1)
			rc = ax_v_fail(v, "a condition of more than one bit",
				       NULL);
		if (rc == 0) {
			uint32_t s = in[2].net[0];

			ax_v_fit(v, &in[0], in[1].n);
			ax_v_fit(v, &in[1], in[0].n);
			free(in[2].net);
			in[2] = ax_v_nets(in[0].n);
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
