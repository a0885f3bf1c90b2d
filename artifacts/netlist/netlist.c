/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <strings.h>

#include "artifacts/base/base.h"
#include "artifacts/netlist/logic.h"
#include "artifacts/netlist/netlist.h"

static const struct {
	const char *name;
	uint8_t fanin, tt;
	int8_t transistors;
} gates[AX_GATE_KINDS] = {
	[AX_CONST0] = {"CONST0", 0, 0x0, 0},
	[AX_CONST1] = {"CONST1", 0, 0x1, 0},
	[AX_BUF] = {"BUF", 1, 0x2, 0},
	[AX_INV] = {"INV", 1, 0x1, 2},
	[AX_AND] = {"AND", 2, 0x8, 6},
	[AX_OR] = {"OR", 2, 0xe, 6},
	[AX_NAND] = {"NAND", 2, 0x7, 4},
	[AX_NOR] = {"NOR", 2, 0x1, 4},
	[AX_XOR] = {"XOR", 2, 0x6, 10},
	[AX_XNOR] = {"XNOR", 2, 0x9, 10},
	[AX_CELL] = {"CELL", 0, 0, -1},
};

const char *
ax_gate_name(enum ax_gate kind)
{
	return gates[kind].name;
}

enum ax_gate
ax_gate_parse(const char *name)
{
	for (int k = 0; k < AX_CELL; k++) {
		if (strcasecmp(name, gates[k].name) == 0)
			return (enum ax_gate)k;
	}
	return AX_GATE_KINDS;
}

unsigned
ax_gate_fanin(enum ax_gate kind)
{
	return gates[kind].fanin;
}

uint64_t
ax_gate_tt(enum ax_gate kind)
{
	return gates[kind].tt;
}

enum ax_gate
ax_gate_of_tt(unsigned n, uint64_t tt)
{
	for (int k = 0; k < AX_CELL; k++) {
		if (gates[k].fanin == n && gates[k].tt == tt)
			return (enum ax_gate)k;
	}
	return AX_CELL;
}

int
ax_gate_transistors(enum ax_gate kind)
{
	return gates[kind].transistors;
}

struct ax_netlist *
ax_netlist_new(const char *name)
{
	struct ax_netlist *net = ax_calloc(1, sizeof(*net));

	net->name = ax_strdup(name);
	return net;
}

static void
free_buses(struct ax_bus *bus, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free(bus[i].name);
	free(bus);
}

void
ax_netlist_free(struct ax_netlist *net)
{
	if (!net)
		return;
	free_buses(net->in, net->ins);
	free_buses(net->out, net->outs);
	for (size_t c = 0; c < net->cells; c++) {
		struct ax_net_cell *cell = &net->cell[c];

		free(cell->name);
		for (unsigned i = 0; i < cell->ins; i++)
			free(cell->in_pin[i]);
		for (unsigned i = 0; i < cell->outs; i++)
			free(cell->out_pin[i]);
		free(cell->out_pin);
	}
	free(net->cell);
	free(net->out_ref);
	free(net->node);
	free(net->name);
	free(net);
}

static struct ax_bus *
copy_buses(const struct ax_bus *bus, uint32_t n)
{
	struct ax_bus *copy = ax_calloc(n ? n : 1, sizeof(*copy));

	for (uint32_t i = 0; i < n; i++) {
		copy[i] = bus[i];
		copy[i].name = ax_strdup(bus[i].name);
	}
	return copy;
}

static void
copy_ports(struct ax_netlist *to, const struct ax_netlist *from)
{
	to->in = copy_buses(from->in, from->ins);
	to->ins = from->ins;
	to->inputs = from->inputs;
	to->out = copy_buses(from->out, from->outs);
	to->outs = from->outs;
	to->outputs = from->outputs;
	to->out_ref = ax_calloc(from->outputs + 1u, sizeof(*to->out_ref));
	if (from->outputs)
		memcpy(to->out_ref, from->out_ref,
		       from->outputs * sizeof(*to->out_ref));
}

struct ax_netlist *
ax_netlist_like(const struct ax_netlist *net)
{
	struct ax_netlist *like = ax_netlist_new(net->name);

	copy_ports(like, net);
	for (uint32_t o = 0; o < like->outputs; o++)
		like->out_ref[o] = AX_REF_NONE;
	return like;
}

struct ax_netlist *
ax_netlist_copy(const struct ax_netlist *net)
{
	struct ax_netlist *copy = ax_netlist_new(net->name);

	copy_ports(copy, net);
	copy->node = ax_calloc(net->nodes + 1, sizeof(*copy->node));
	if (net->nodes)
		memcpy(copy->node, net->node, net->nodes * sizeof(*copy->node));
	copy->nodes = net->nodes;
	copy->cap = net->nodes + 1;
	copy->insts = net->insts;
	copy->cell = ax_calloc(net->cells + 1, sizeof(*copy->cell));
	copy->cells = net->cells;
	for (size_t c = 0; c < net->cells; c++) {
		const struct ax_net_cell *from = &net->cell[c];
		struct ax_net_cell *to = &copy->cell[c];

		*to = *from;
		to->name = ax_strdup(from->name);
		for (unsigned i = 0; i < from->ins; i++)
			to->in_pin[i] = ax_strdup(from->in_pin[i]);
		to->out_pin = ax_calloc(from->outs + 1u, sizeof(char *));
		for (unsigned i = 0; i < from->outs; i++)
			to->out_pin[i] = ax_strdup(from->out_pin[i]);
	}
	return copy;
}

static void
add_bus(struct ax_bus **bus, uint32_t *n, const char *name, uint32_t first,
	uint32_t width)
{
	*bus = ax_realloc(*bus, *n + 1u, sizeof(**bus));
	(*bus)[*n].name = ax_strdup(name);
	(*bus)[*n].first = first;
	(*bus)[*n].width = width;
	(*bus)[*n].lsb = 0;
	(*bus)[*n].scalar = false;
	++*n;
}

uint32_t
ax_netlist_add_input(struct ax_netlist *net, const char *name, uint32_t width)
{
	uint32_t first = net->inputs;

	add_bus(&net->in, &net->ins, name, first, width);
	net->inputs += width;
	return first;
}

uint32_t
ax_netlist_add_output(struct ax_netlist *net, const char *name, uint32_t width)
{
	uint32_t first = net->outputs;

	add_bus(&net->out, &net->outs, name, first, width);
	net->outputs += width;
	net->out_ref = ax_realloc(net->out_ref, net->outputs + 1u,
				  sizeof(*net->out_ref));
	for (uint32_t i = first; i < net->outputs; i++)
		net->out_ref[i] = AX_REF_NONE;
	return first;
}

static struct ax_node *
grow(struct ax_netlist *net)
{
	AX_GROW(net->node, net->nodes, net->cap);
	memset(&net->node[net->nodes], 0, sizeof(*net->node));
	return &net->node[net->nodes++];
}

uint32_t
ax_netlist_add(struct ax_netlist *net, enum ax_gate kind, uint32_t a,
	       uint32_t b)
{
	struct ax_node *node = grow(net);

	node->kind = (uint8_t)kind;
	node->n = gates[kind].fanin;
	node->tt = gates[kind].tt;
	if (node->n > 0)
		node->in[0] = a;
	if (node->n > 1)
		node->in[1] = b;
	return net->inputs + (uint32_t)(net->nodes - 1);
}

uint32_t
ax_netlist_add_tt(struct ax_netlist *net, unsigned n, const uint32_t *in,
		  uint64_t tt)
{
	struct ax_node *node = grow(net);

	node->n = (uint8_t)n;
	node->tt = tt & ax_tt_mask(n);
	node->kind = (uint8_t)ax_gate_of_tt(n, node->tt);
	if (n)
		memcpy(node->in, in, n * sizeof(*in));
	return net->inputs + (uint32_t)(net->nodes - 1);
}

static int
check_buses(const struct ax_bus *bus, uint32_t n, uint32_t bits,
	    const char *what, struct ax_err *err)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (bus[i].first != at || bus[i].width == 0 ||
		    bus[i].width > bits - at ||
		    (bus[i].scalar && bus[i].width != 1))
			return ax_err_set(err, AX_EXIT_STAGE,
					  "netlist: %s bus %s does not fit "
					  "the %u bits of its kind",
					  what, bus[i].name, bits);
		at += bus[i].width;
	}
	if (at != bits)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "netlist: %u %s bits stand in no bus",
				  bits - at, what);
	return 0;
}

int
ax_netlist_check(const struct ax_netlist *net, struct ax_err *err)
{
	if (check_buses(net->in, net->ins, net->inputs, "input", err) < 0 ||
	    check_buses(net->out, net->outs, net->outputs, "output", err) < 0)
		return -1;
	for (size_t j = 0; j < net->nodes; j++) {
		const struct ax_node *node = &net->node[j];

		if (node->kind >= AX_GATE_KINDS || node->n > AX_NODE_FANIN ||
		    (node->kind != AX_CELL &&
		     (node->n != gates[node->kind].fanin ||
		      node->tt != gates[node->kind].tt)) ||
		    (node->tt & ~ax_tt_mask(node->n)))
			return ax_err_set(err, AX_EXIT_STAGE,
					  "netlist: node %zu has a broken kind "
					  "or truth table",
					  j);
		for (unsigned i = 0; i < node->n; i++) {
			if (node->in[i] >= net->inputs + j)
				return ax_err_set(err, AX_EXIT_STAGE,
						  "netlist: input %u of node "
						  "%zu is not before it",
						  i, j);
		}
		if (node->cell > net->cells ||
		    (node->cell &&
		     (node->pin >= net->cell[node->cell - 1].outs ||
		      node->n != net->cell[node->cell - 1].ins ||
		      node->inst == 0 || node->inst > net->insts)))
			return ax_err_set(err, AX_EXIT_STAGE,
					  "netlist: node %zu does not fit its "
					  "library cell",
					  j);
	}
	for (uint32_t i = 0; i < net->outputs; i++) {
		if (net->out_ref[i] >= net->inputs + net->nodes)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "netlist: output bit %u is driven by "
					  "nothing",
					  i);
	}
	return 0;
}

size_t
ax_netlist_prune(struct ax_netlist *net)
{
	uint32_t *map = ax_calloc(net->nodes + 1, sizeof(*map));
	size_t kept = 0, dropped;

	for (uint32_t i = 0; i < net->outputs; i++) {
		if (net->out_ref[i] != AX_REF_NONE &&
		    net->out_ref[i] >= net->inputs)
			map[net->out_ref[i] - net->inputs] = 1;
	}
	for (size_t j = net->nodes; j-- > 0;) {
		for (unsigned i = 0; map[j] && i < net->node[j].n; i++) {
			if (net->node[j].in[i] >= net->inputs)
				map[net->node[j].in[i] - net->inputs] = 1;
		}
	}
	for (size_t j = 0; j < net->nodes; j++) {
		struct ax_node *node;

		if (!map[j])
			continue;
		map[j] = net->inputs + (uint32_t)kept;
		node = &net->node[kept++];
		*node = net->node[j];
		for (unsigned i = 0; i < node->n; i++) {
			if (node->in[i] >= net->inputs)
				node->in[i] = map[node->in[i] - net->inputs];
		}
	}
	for (uint32_t i = 0; i < net->outputs; i++) {
		if (net->out_ref[i] != AX_REF_NONE &&
		    net->out_ref[i] >= net->inputs)
			net->out_ref[i] = map[net->out_ref[i] - net->inputs];
	}
	dropped = net->nodes - kept;
	net->nodes = kept;
	free(map);
	return dropped;
}

/* The estimate for one node by its function; a small cache, because netlists
 * repeat few functions. */
struct estimates {
	uint64_t tt[64];
	uint8_t n[64];
	int value[64];
};

static int
estimate(struct estimates *e, unsigned n, uint64_t tt)
{
	unsigned at = (unsigned)((tt * 0x9E3779B97F4A7C15ull + n) >> 58);

	if (e->n[at] != n || e->tt[at] != tt) {
		e->n[at] = (uint8_t)n;
		e->tt[at] = tt;
		e->value[at] = ax_tt_transistors(tt, n);
	}
	return e->value[at];
}

int64_t
ax_netlist_transistors(const struct ax_netlist *net)
{
	struct estimates *e = ax_calloc(1, sizeof(*e));
	bool *seen = ax_calloc(net->insts + 1u, sizeof(*seen));
	int64_t sum = 0;

	for (size_t j = 0; j < net->nodes; j++) {
		const struct ax_node *node = &net->node[j];
		const struct ax_net_cell *cell =
			node->cell ? &net->cell[node->cell - 1] : NULL;

		if (cell && cell->transistors >= 0) {
			if (!seen[node->inst])
				sum += cell->transistors;
			seen[node->inst] = true;
		} else if (node->kind == AX_CELL) {
			sum += node->n ? estimate(e, node->n, node->tt) : 0;
		} else {
			sum += gates[node->kind].transistors;
		}
	}
	free(seen);
	free(e);
	return sum;
}

void
ax_netlist_count(const struct ax_netlist *net, size_t *count)
{
	memset(count, 0, AX_GATE_KINDS * sizeof(*count));
	for (size_t j = 0; j < net->nodes; j++)
		count[net->node[j].kind]++;
}

unsigned
ax_netlist_depth(const struct ax_netlist *net)
{
	unsigned *level = ax_calloc(net->nodes + 1, sizeof(*level)), top = 0;

	for (size_t j = 0; j < net->nodes; j++) {
		const struct ax_node *node = &net->node[j];
		unsigned deepest = 0;

		for (unsigned i = 0; i < node->n; i++) {
			if (node->in[i] >= net->inputs)
				deepest = AX_MAX(
					deepest,
					level[node->in[i] - net->inputs]);
		}
		level[j] = deepest + (node->n > 0 &&
				      (node->kind != AX_BUF || node->cell));
	}
	for (uint32_t i = 0; i < net->outputs; i++) {
		if (net->out_ref[i] != AX_REF_NONE &&
		    net->out_ref[i] >= net->inputs)
			top = AX_MAX(top, level[net->out_ref[i] - net->inputs]);
	}
	free(level);
	return top;
}

double
ax_netlist_area(const struct ax_netlist *net)
{
	bool *seen = ax_calloc(net->insts + 1u, sizeof(*seen));
	double sum = 0;

	for (size_t j = 0; j < net->nodes && sum >= 0; j++) {
		const struct ax_node *node = &net->node[j];

		if (node->cell && seen[node->inst])
			continue;
		if (!node->cell && gates[node->kind].transistors == 0)
			continue; /* a wire or a constant */
		if (!node->cell || net->cell[node->cell - 1].area < 0)
			sum = -1;
		else
			sum += net->cell[node->cell - 1].area;
		if (node->cell)
			seen[node->inst] = true;
	}
	free(seen);
	return sum;
}

/* One operation of a factored form with complemented operands in the named
 * kinds: complement both operands of AND is NOR, and so on. */
static uint32_t
add_op(struct ax_netlist *net, int op, uint32_t a, bool na, uint32_t b, bool nb,
       bool complement)
{
	enum ax_gate kind;

	if (op == AX_FOP_XOR)
		return ax_netlist_add(
			net, (na ^ nb ^ complement) ? AX_XNOR : AX_XOR, a, b);
	if (na && nb) {
		kind = op == AX_FOP_AND ? (complement ? AX_OR : AX_NOR)
					: (complement ? AX_AND : AX_NAND);
		return ax_netlist_add(net, kind, a, b);
	}
	if (na)
		a = ax_netlist_add(net, AX_INV, a, 0);
	if (nb)
		b = ax_netlist_add(net, AX_INV, b, 0);
	kind = op == AX_FOP_AND ? (complement ? AX_NAND : AX_AND)
				: (complement ? AX_NOR : AX_OR);
	return ax_netlist_add(net, kind, a, b);
}

static uint32_t
expand_cell(struct ax_netlist *net, const uint32_t *in,
	    const struct ax_node *node, struct ax_factored *f)
{
	uint32_t ref[AX_NODE_FANIN + AX_LEN(f->op)];

	ax_tt_factor(f, node->tt, node->n);
	if (f->result == 255)
		return ax_netlist_add(
			net, f->complement ? AX_CONST1 : AX_CONST0, 0, 0);
	memcpy(ref, in, node->n * sizeof(*ref));
	for (unsigned k = 0; k < f->ops; k++) {
		bool last = f->n + k == f->result;

		ref[f->n + k] = add_op(net, f->op[k].op, ref[f->op[k].a],
				       f->op[k].na, ref[f->op[k].b],
				       f->op[k].nb, last && f->complement);
	}
	if (f->result < f->n)
		return f->complement
			       ? ax_netlist_add(net, AX_INV, ref[f->result], 0)
			       : ref[f->result];
	return ref[f->result];
}

struct ax_netlist *
ax_netlist_expand(const struct ax_netlist *net)
{
	struct ax_netlist *out = ax_netlist_new(net->name);
	uint32_t *map = ax_calloc(net->nodes + 1, sizeof(*map));
	struct ax_factored *f = ax_calloc(1, sizeof(*f));

	copy_ports(out, net);
	for (size_t j = 0; j < net->nodes; j++) {
		const struct ax_node *node = &net->node[j];
		uint32_t in[AX_NODE_FANIN] = {0};

		for (unsigned i = 0; i < node->n; i++)
			in[i] = node->in[i] < net->inputs
					? node->in[i]
					: map[node->in[i] - net->inputs];
		if (node->kind == AX_BUF)
			map[j] = in[0];
		else if (node->kind == AX_CELL)
			map[j] = expand_cell(out, in, node, f);
		else
			map[j] = ax_netlist_add(out, (enum ax_gate)node->kind,
						in[0], in[1]);
	}
	for (uint32_t i = 0; i < net->outputs; i++) {
		if (net->out_ref[i] != AX_REF_NONE &&
		    net->out_ref[i] >= net->inputs)
			out->out_ref[i] = map[net->out_ref[i] - net->inputs];
	}
	free(f);
	free(map);
	return out;
}

const struct ax_bus *
ax_bus_find(const struct ax_bus *bus, uint32_t n, const char *name)
{
	for (uint32_t i = 0; i < n; i++) {
		if (ax_streq(bus[i].name, name))
			return &bus[i];
	}
	return NULL;
}

char *
ax_name_stem(const char *name, int64_t *number)
{
	size_t end = strlen(name), at;

	while (end > 0 && !isdigit((unsigned char)name[end - 1]))
		end--;
	for (at = end; at > 0 && isdigit((unsigned char)name[at - 1]); at--)
		;
	*number = AX_NO_NUMBER;
	if (at == end || end - at > 7)
		return ax_strdup(name);
	/* "x[-1]", where a bus begins below 0 */
	at -= at > 1 && name[at - 1] == '-' && strchr("[<", name[at - 2]);
	*number = strtol(name + at, NULL, 10);
	return ax_asprintf("%.*s#%s", (int)at, name, name + end);
}

void
ax_bus_bit_name(struct ax_str *out, const struct ax_bus *bus, uint32_t n,
		uint32_t i)
{
	for (uint32_t k = 0; k < n; k++) {
		if (i - bus[k].first >= bus[k].width)
			continue;
		if (bus[k].scalar)
			ax_str_add(out, bus[k].name);
		else
			ax_str_addf(out, "%s[%ld]", bus[k].name,
				    (long)bus[k].lsb +
					    (long)(i - bus[k].first));
		return;
	}
}

int
ax_netlist_group(struct ax_netlist *net, bool outputs, unsigned n,
		 const char *const *names, const uint32_t *widths,
		 struct ax_err *err)
{
	uint32_t bits = outputs ? net->outputs : net->inputs;
	struct ax_bus *bus = NULL;
	uint32_t count = 0;
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++) {
		sum += widths[i];
		if (widths[i] == 0)
			sum = UINT64_MAX / 2;
	}
	if (sum != bits)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "netlist %s has %u %s bits, which do not "
				  "divide into the buses asked for",
				  net->name, bits,
				  outputs ? "output" : "input");
	sum = 0;
	for (unsigned i = 0; i < n; i++) {
		add_bus(&bus, &count, names[i], (uint32_t)sum, widths[i]);
		sum += widths[i];
	}
	if (outputs) {
		free_buses(net->out, net->outs);
		net->out = bus;
		net->outs = count;
	} else {
		free_buses(net->in, net->ins);
		net->in = bus;
		net->ins = count;
	}
	return 0;
}
