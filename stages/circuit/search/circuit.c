/* SPDX-License-Identifier: Apache-2.0 */
#include <strings.h>

#include "stages/circuit/search/circuit.h"

#include "artifacts/base/base.h"
#include "artifacts/lut.h"

const struct ax_costs ax_transistors = {{
	[AX_G_INV] = 2,
	[AX_G_AND] = 6,
	[AX_G_NAND] = 4,
	[AX_G_OR] = 6,
	[AX_G_NOR] = 4,
	[AX_G_XOR] = 10,
	[AX_G_XNOR] = 10,
}};

static const char *const names[AX_G_KINDS] = {"CONST0", "CONST1", "BUF", "INV",
					      "AND",    "NAND",   "OR",  "NOR",
					      "XOR",    "XNOR"};

const char *
ax_g_name(enum ax_g gate)
{
	return names[gate];
}

enum ax_g
ax_g_parse(const char *name)
{
	for (int g = 0; g < AX_G_KINDS; g++)
		if (strcasecmp(name, names[g]) == 0)
			return (enum ax_g)g;
	return AX_G_KINDS;
}

unsigned
ax_g_inputs(enum ax_g gate)
{
	return gate <= AX_G_CONST1 ? 0 : gate <= AX_G_INV ? 1 : 2;
}

void
ax_circuit_free(struct ax_circuit *c)
{
	free(c->gate);
	free(c->in);
	*c = (struct ax_circuit)AX_CIRCUIT_INIT;
}

void
ax_circuit_reserve(struct ax_circuit *c, unsigned n)
{
	if (n <= c->cap)
		return;
	c->cap = AX_MAX(n, c->cap * 2);
	c->gate = ax_realloc(c->gate, c->cap, sizeof(*c->gate));
	c->in = ax_realloc(c->in, c->cap, sizeof(*c->in));
}

void
ax_circuit_copy(struct ax_circuit *to, const struct ax_circuit *from)
{
	if (to == from)
		return;
	ax_circuit_reserve(to, from->n + 1);
	to->ins = from->ins;
	to->outs = from->outs;
	to->n = from->n;
	if (from->n) {
		memcpy(to->gate, from->gate, from->n * sizeof(*to->gate));
		memcpy(to->in, from->in, from->n * sizeof(*to->in));
	}
	memcpy(to->out, from->out, sizeof(to->out));
}

uint16_t
ax_circuit_add(struct ax_circuit *c, enum ax_g gate, uint16_t a, uint16_t b)
{
	unsigned k = ax_g_inputs(gate);

	ax_circuit_reserve(c, c->n + 1);
	c->gate[c->n] = (uint8_t)gate;
	c->in[c->n][0] = k ? a : 0;
	c->in[c->n][1] = k == 2 ? b : c->in[c->n][0];
	return (uint16_t)(c->ins + c->n++);
}

int64_t
ax_circuit_cost(const struct ax_circuit *c, const struct ax_costs *k)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < c->n; i++)
		sum += k->of[c->gate[i]];
	return sum;
}

void
ax_circuit_prune(struct ax_circuit *c, uint16_t *from)
{
	static _Thread_local uint16_t map[AX_CIRCUIT_INS + AX_CIRCUIT_NODES];
	unsigned live = 0, kept = 0;

	memset(map, 0, (c->ins + c->n) * sizeof(*map));
	for (unsigned o = 0; o < c->outs; o++)
		map[c->out[o]] = 1;
	for (unsigned j = c->n; j-- > 0;)
		if (map[c->ins + j]) {
			live++;
			if (ax_g_inputs((enum ax_g)c->gate[j])) {
				map[c->in[j][0]] = 1;
				map[c->in[j][1]] = 1;
			}
		}
	if (live == c->n)
		return;
	for (unsigned i = 0; i < c->ins; i++)
		map[i] = (uint16_t)i;
	for (unsigned j = 0; j < c->n; j++) {
		if (!map[c->ins + j])
			continue;
		map[c->ins + j] = (uint16_t)(c->ins + kept);
		c->gate[kept] = c->gate[j];
		c->in[kept][0] = map[c->in[j][0]];
		c->in[kept][1] = map[c->in[j][1]];
		if (!ax_g_inputs((enum ax_g)c->gate[j]))
			c->in[kept][0] = c->in[kept][1] = 0;
		if (from)
			from[kept] = from[j];
		kept++;
	}
	for (unsigned o = 0; o < c->outs; o++)
		c->out[o] = map[c->out[o]];
	c->n = kept;
}

/* --- tidying ------------------------------------------------------------- */

/*
 * A literal while tidying: 2 * reference + complement in the new circuit, or a
 * constant.
 */
enum { LIT0 = 1 << 20, LIT1 = LIT0 | 1 };

struct tidy {
	struct ax_circuit *to;
	uint32_t *hash; /* 1 + node */
	uint32_t mask;
};

static uint16_t
shared(struct tidy *t, enum ax_g gate, uint16_t a, uint16_t b)
{
	struct ax_circuit *c = t->to;
	uint32_t h;
	uint16_t x = a;

	if (ax_g_inputs(gate) == 2 && a > b) {
		a = b;
		b = x;
	}
	if (ax_g_inputs(gate) == 1)
		b = a;
	if (ax_g_inputs(gate) == 0)
		a = b = 0;
	h = ((uint32_t)gate * 0x9e3779b1u) ^ (a * 0x85ebca6bu) ^
	    (b * 0xc2b2ae35u);
	h ^= h >> 15;
	for (h &= t->mask; t->hash[h]; h = (h + 1) & t->mask) {
		unsigned j = t->hash[h] - 1;

		if (c->gate[j] == gate && c->in[j][0] == a && c->in[j][1] == b)
			return (uint16_t)(c->ins + j);
	}
	t->hash[h] = c->n + 1;
	return ax_circuit_add(c, gate, a, b);
}

/* The reference of a literal, with an inverter or constant where needed. */
static uint16_t
settle(struct tidy *t, uint32_t lit)
{
	if (lit >= LIT0)
		return shared(t, lit == LIT1 ? AX_G_CONST1 : AX_G_CONST0, 0, 0);
	if (!(lit & 1))
		return (uint16_t)(lit / 2);
	return shared(t, AX_G_INV, (uint16_t)(lit / 2), 0);
}

/* The literal that a gate of two literals is equal to, or UINT32_MAX. */
static uint32_t
trivial(enum ax_g gate, uint32_t a, uint32_t b)
{
	uint32_t neg =
		gate == AX_G_NAND || gate == AX_G_NOR || gate == AX_G_XNOR;
	bool ca = a >= LIT0, cb = b >= LIT0;

	if (gate == AX_G_XOR || gate == AX_G_XNOR) {
		if (ca)
			return b ^ (a & 1) ^ neg;
		if (cb)
			return a ^ (b & 1) ^ neg;
		return (a | 1) == (b | 1) ? (uint32_t)LIT0 | ((a ^ b ^ neg) & 1)
					  : UINT32_MAX;
	}
	if (gate == AX_G_OR || gate == AX_G_NOR) {
		/* a | b = ~(~a & ~b) */
		a ^= 1;
		b ^= 1;
		neg ^= 1;
	}
	if (a == LIT0 || b == LIT0 || (a ^ b) == 1)
		return (uint32_t)LIT0 | neg;
	if (a == LIT1)
		return b ^ neg;
	return b == LIT1 || a == b ? a ^ neg : UINT32_MAX;
}

void
ax_circuit_tidy(struct ax_circuit *c)
{
	struct ax_circuit to = AX_CIRCUIT_INIT;
	struct tidy t = {&to, NULL, 0};
	uint32_t *lit = ax_calloc(c->ins + c->n + 1, sizeof(*lit)), size = 64;
	uint32_t a, b, r;

	while (size < 4 * (c->n + 2))
		size *= 2;
	t.hash = ax_calloc(size, sizeof(*t.hash));
	t.mask = size - 1;
	to.ins = c->ins;
	to.outs = c->outs;
	ax_circuit_prune(c, NULL);
	for (uint32_t i = 0; i < c->ins; i++)
		lit[i] = 2 * i;
	for (unsigned j = 0; j < c->n; j++) {
		enum ax_g g = (enum ax_g)c->gate[j];

		a = lit[c->in[j][0]];
		b = lit[c->in[j][1]];
		if (g <= AX_G_CONST1)
			r = g == AX_G_CONST1 ? LIT1 : LIT0;
		else if (g == AX_G_BUF)
			r = a;
		else if (g == AX_G_INV)
			r = a ^ 1;
		else if ((r = trivial(g, a, b)) == UINT32_MAX) {
			/* complements are free in an exclusive-or */
			if (g == AX_G_XOR || g == AX_G_XNOR) {
				if ((a ^ b) & 1)
					g = g == AX_G_XOR ? AX_G_XNOR
							  : AX_G_XOR;
				a &= ~1u;
				b &= ~1u;
			}
			b = settle(&t, b);
			a = settle(&t, a);
			r = 2u * shared(&t, g, a, b);
		}
		lit[c->ins + j] = r;
	}
	for (unsigned o = 0; o < c->outs; o++)
		to.out[o] = settle(&t, lit[c->out[o]]);
	free(lit);
	free(t.hash);
	ax_circuit_prune(&to, NULL);
	ax_circuit_copy(c, &to);
	ax_circuit_free(&to);
}

/* --- netlists ------------------------------------------------------------ */

static enum ax_g
gate_of(uint8_t kind)
{
	switch ((enum ax_gate)kind) {
	case AX_CONST0:
		return AX_G_CONST0;
	case AX_CONST1:
		return AX_G_CONST1;
	case AX_BUF:
		return AX_G_BUF;
	case AX_INV:
		return AX_G_INV;
	case AX_AND:
		return AX_G_AND;
	case AX_OR:
		return AX_G_OR;
	case AX_NAND:
		return AX_G_NAND;
	case AX_NOR:
		return AX_G_NOR;
	case AX_XOR:
		return AX_G_XOR;
	case AX_XNOR:
		return AX_G_XNOR;
	default:
		return AX_G_KINDS;
	}
}

static enum ax_gate
kind_of(enum ax_g gate)
{
	static const enum ax_gate kind[AX_G_KINDS] = {
		AX_CONST0, AX_CONST1, AX_BUF, AX_INV, AX_AND,
		AX_NAND,   AX_OR,     AX_NOR, AX_XOR, AX_XNOR};

	return kind[gate];
}

/* Numbers the input bits: place[i] = position of input bit i among the
 * operands. */
static int
find_operands(struct ax_lut_ports *p, uint16_t *place, unsigned *wa,
	      unsigned *wb, const struct ax_netlist *net, struct ax_err *err)
{
	if (ax_lut_find_ports(p, net, NULL, NULL, NULL, err) < 0)
		return ax_err_wrap(err, "netlist: wanted two operands A and B, "
					"and one result OUT");
	*wa = p->n;
	*wb = p->m;
	if (*wa < 2 || *wa > 12 || *wb < 2 || *wb > 12)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "netlist: operands of %u and %u bits; the "
				  "exhaustive search takes 2 to 12 bits each",
				  *wa, *wb);
	for (uint32_t i = 0; i < *wa; i++)
		place[p->a + i] = (uint16_t)i;
	for (uint32_t i = 0; i < *wb; i++)
		place[p->b + i] = (uint16_t)(*wa + i);
	return 0;
}

static int
convert(struct ax_circuit *out, unsigned *wa, unsigned *wb,
	const struct ax_netlist *net, uint16_t *map, struct ax_err *err)
{
	struct ax_lut_ports p = {.width = net->outputs};
	enum ax_g g;

	for (uint32_t i = 0; i < net->inputs; i++)
		map[i] = (uint16_t)i;
	if (wa && find_operands(&p, map, wa, wb, net, err) < 0)
		return -1;
	out->ins = net->inputs;
	out->outs = p.width;
	if (out->outs < 1 || out->outs > AX_CIRCUIT_OUTS)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "netlist: %u output bits; wanted 1 to %u",
				  out->outs, AX_CIRCUIT_OUTS);
	for (size_t j = 0; j < net->nodes; j++) {
		const struct ax_node *v = &net->node[j];

		g = gate_of(v->kind);
		if (g == AX_G_KINDS)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "netlist: node %zu is of kind %s, "
					  "which the search does not know",
					  j,
					  ax_gate_name((enum ax_gate)v->kind));
		if (g == AX_G_BUF)
			map[net->inputs + j] = map[v->in[0]];
		else
			map[net->inputs + j] = ax_circuit_add(
				out, g, v->n > 0 ? map[v->in[0]] : 0,
				v->n > 1 ? map[v->in[1]] : 0);
	}
	for (uint32_t i = 0; i < out->outs; i++)
		out->out[i] = map[net->out_ref[p.out + i]];
	return 0;
}

/* wa NULL: any inputs. */
static int
from_netlist(struct ax_circuit *out, unsigned *wa, unsigned *wb,
	     const struct ax_netlist *net, struct ax_err *err)
{
	struct ax_netlist *plain;
	uint16_t *map;
	int rc;

	*out = (struct ax_circuit)AX_CIRCUIT_INIT;
	if (net->inputs > AX_CIRCUIT_INS)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "netlist: %u input bits; the exhaustive "
				  "search takes two operands of 2 to 12 bits",
				  net->inputs);
	plain = ax_netlist_expand(net);
	if (plain->nodes > AX_CIRCUIT_NODES) {
		rc = ax_err_set(err, AX_EXIT_STAGE,
				"netlist: %zu gates; the search takes at most "
				"%u",
				plain->nodes, AX_CIRCUIT_NODES);
		ax_netlist_free(plain);
		return rc;
	}
	map = ax_calloc(plain->inputs + plain->nodes + 1, sizeof(*map));
	rc = convert(out, wa, wb, plain, map, err);
	free(map);
	ax_netlist_free(plain);
	if (rc < 0)
		ax_circuit_free(out);
	return rc;
}

int
ax_circuit_from_netlist(struct ax_circuit *out, unsigned *wa, unsigned *wb,
			const struct ax_netlist *net, struct ax_err *err)
{
	return from_netlist(out, wa, wb, net, err);
}

int
ax_circuit_from_bits(struct ax_circuit *out, const struct ax_netlist *net,
		     struct ax_err *err)
{
	if (net->inputs < 4) {
		*out = (struct ax_circuit)AX_CIRCUIT_INIT;
		return ax_err_set(err, AX_EXIT_STAGE,
				  "netlist: %u input bits; the search takes 4 "
				  "to %u",
				  net->inputs, AX_CIRCUIT_INS);
	}
	return from_netlist(out, NULL, NULL, net, err);
}

static void
fill(struct ax_netlist *net, const struct ax_circuit *c)
{
	for (unsigned j = 0; j < c->n; j++)
		ax_netlist_add(net, kind_of((enum ax_g)c->gate[j]), c->in[j][0],
			       c->in[j][1]);
	for (unsigned o = 0; o < c->outs; o++)
		net->out_ref[o] = c->out[o];
}

struct ax_netlist *
ax_circuit_to_netlist_like(const struct ax_circuit *c,
			   const struct ax_netlist *like)
{
	struct ax_netlist *net = ax_netlist_new(like->name);

	for (uint32_t i = 0; i < like->ins; i++)
		ax_netlist_add_input(net, like->in[i].name, like->in[i].width);
	for (uint32_t i = 0; i < like->outs; i++)
		ax_netlist_add_output(net, like->out[i].name,
				      like->out[i].width);
	fill(net, c);
	return net;
}

struct ax_netlist *
ax_circuit_to_netlist(const struct ax_circuit *c, unsigned wa, unsigned wb)
{
	struct ax_netlist *net = ax_netlist_new("mult");

	ax_netlist_add_input(net, "A", wa);
	ax_netlist_add_input(net, "B", wb);
	ax_netlist_add_output(net, "OUT", c->outs);
	fill(net, c);
	return net;
}
