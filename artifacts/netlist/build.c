/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/base/base.h"
#include "artifacts/base/map.h"
#include "artifacts/netlist/build.h"
#include "artifacts/netlist/logic.h"

#define MAX_NETS (4u * AX_NET_MAX_NODES)

enum driver { UNDRIVEN, BY_INPUT, BY_GATE, BY_WIRE };

struct net {
	char *name; /* NULL: made by the reader */
	unsigned line;
	uint8_t driver;
	uint32_t from; /* input bit, gate, or the net behind a wire */
};

struct gate {
	struct ax_node node; /* in[] holds nets until the end */
	uint32_t out;
	unsigned line;
};

struct ax_build {
	char *file;
	char *place; /* of the last message */
	struct ax_str *warn;
	struct ax_netlist *net; /* ports and cells gather here */
	struct ax_map names;    /* name -> 1 + number */
	struct ax_map cells;
	struct ax_map outputs; /* names of output bits */
	struct net *nets;
	size_t n_nets, cap_nets;
	struct gate *gates;
	size_t n_gates, cap_gates;
	uint32_t *outs; /* net of each output bit */
	size_t n_outs, cap_outs;
	uint32_t constant[2];
	size_t undriven; /* warnings given */
};

struct ax_build *
ax_build_new(const char *file, const char *model, struct ax_str *warn)
{
	struct ax_build *b = ax_calloc(1, sizeof(*b));

	b->file = ax_strdup(file);
	b->warn = warn;
	b->net = ax_netlist_new(model);
	b->constant[0] = b->constant[1] = AX_NO_NET;
	return b;
}

void
ax_build_free(struct ax_build *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n_nets; i++)
		free(b->nets[i].name);
	free(b->nets);
	free(b->gates);
	free(b->outs);
	ax_map_free(&b->names);
	ax_map_free(&b->cells);
	ax_map_free(&b->outputs);
	ax_netlist_free(b->net);
	free(b->file);
	free(b->place);
	free(b);
}

uint32_t
ax_build_anon(struct ax_build *b, unsigned line)
{
	struct net *net;

	AX_GROW(b->nets, b->n_nets, b->cap_nets);
	net = &b->nets[b->n_nets];
	memset(net, 0, sizeof(*net));
	net->line = line;
	return (uint32_t)b->n_nets++;
}

uint32_t
ax_build_find(const struct ax_build *b, const char *name)
{
	uintptr_t id = (uintptr_t)ax_map_get(&b->names, name);

	return id ? (uint32_t)(id - 1) : AX_NO_NET;
}

uint32_t
ax_build_net(struct ax_build *b, const char *name, unsigned line)
{
	uint32_t id = ax_build_find(b, name);

	if (id != AX_NO_NET)
		return id;
	id = ax_build_anon(b, line);
	b->nets[id].name = ax_strdup(name);
	ax_map_set(&b->names, name, (void *)((uintptr_t)id + 1));
	return id;
}

void
ax_build_name(struct ax_build *b, uint32_t net, const char *name)
{
	if (!b->nets[net].name)
		b->nets[net].name = ax_strdup(name);
}

size_t
ax_build_gates(const struct ax_build *b)
{
	return b->n_gates;
}

static const char *
net_name(const struct ax_build *b, uint32_t id)
{
	return b->nets[id].name ? b->nets[id].name : "(unnamed)";
}

/* For messages; formats without lines give 0. */
static const char *
where(struct ax_build *b, unsigned line)
{
	free(b->place);
	b->place =
		line ? ax_asprintf("%s:%u", b->file, line) : ax_strdup(b->file);
	return b->place;
}

static int
claim(struct ax_build *b, uint32_t id, enum driver driver, uint32_t from,
      unsigned line, struct ax_err *err)
{
	struct net *net = &b->nets[id];

	if (net->driver != UNDRIVEN)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: net %s is driven twice; its first "
				  "driver is %s",
				  where(b, line), net_name(b, id),
				  net->driver == BY_INPUT ? "a primary input"
							  : "further up");
	net->driver = (uint8_t)driver;
	net->from = from;
	return 0;
}

int
ax_build_gate(struct ax_build *b, unsigned n, const uint32_t *in, uint64_t tt,
	      uint32_t out, unsigned line, struct ax_err *err)
{
	struct gate *gate;

	if (b->n_gates >= AX_NET_MAX_NODES || b->n_nets >= MAX_NETS)
		return ax_err_set(err, AX_EXIT_STAGE, "%s: more than %u gates",
				  where(b, line), AX_NET_MAX_NODES);
	if (claim(b, out, BY_GATE, (uint32_t)b->n_gates, line, err) < 0)
		return -1;
	AX_GROW(b->gates, b->n_gates, b->cap_gates);
	gate = &b->gates[b->n_gates++];
	memset(gate, 0, sizeof(*gate));
	gate->node.n = (uint8_t)n;
	gate->node.tt = tt & ax_tt_mask(n);
	gate->node.kind = (uint8_t)ax_gate_of_tt(n, gate->node.tt);
	if (n)
		memcpy(gate->node.in, in, n * sizeof(*in));
	gate->out = out;
	gate->line = line;
	return 0;
}

uint32_t
ax_build_const(struct ax_build *b, bool value)
{
	if (b->constant[value] == AX_NO_NET) {
		b->constant[value] = ax_build_anon(b, 0);
		/* cannot fail: the net is new; at the cap it stays undriven
		 * and the next gate reports it */
		ax_build_gate(b, 0, NULL, value, b->constant[value], 0, NULL);
	}
	return b->constant[value];
}

void
ax_build_mark(struct ax_build *b, uint32_t cell, uint32_t inst, unsigned pin)
{
	struct ax_node *node = &b->gates[b->n_gates - 1].node;

	node->cell = cell;
	node->inst = inst;
	node->pin = (uint16_t)pin;
}

int
ax_build_wire(struct ax_build *b, uint32_t dst, uint32_t src, unsigned line,
	      struct ax_err *err)
{
	return claim(b, dst, BY_WIRE, src, line, err);
}

uint32_t
ax_build_instance(struct ax_build *b)
{
	return ++b->net->insts;
}

uint32_t
ax_build_cell(struct ax_build *b, const struct ax_net_cell *cell)
{
	uintptr_t id = (uintptr_t)ax_map_get(&b->cells, cell->name);
	struct ax_netlist *net = b->net;
	struct ax_net_cell *to;

	if (id)
		return (uint32_t)id;
	net->cell = ax_realloc(net->cell, net->cells + 1, sizeof(*net->cell));
	to = &net->cell[net->cells++];
	*to = *cell;
	to->name = ax_strdup(cell->name);
	for (unsigned i = 0; i < cell->ins; i++)
		to->in_pin[i] = ax_strdup(cell->in_pin[i]);
	to->out_pin = ax_calloc(cell->outs + 1u, sizeof(char *));
	for (unsigned i = 0; i < cell->outs; i++)
		to->out_pin[i] = ax_strdup(cell->out_pin[i]);
	ax_map_set(&b->cells, cell->name, (void *)(uintptr_t)net->cells);
	return (uint32_t)net->cells;
}

static int
port_bit(struct ax_build *b, bool output, uint32_t id, unsigned line,
	 struct ax_err *err)
{
	if ((output ? b->n_outs : b->net->inputs) >= AX_NET_MAX_PORTS)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: more than %u %s bits", where(b, line),
				  AX_NET_MAX_PORTS,
				  output ? "output" : "input");
	if (output) {
		AX_GROW(b->outs, b->n_outs, b->cap_outs);
		b->outs[b->n_outs++] = id;
		return 0;
	}
	return claim(b, id, BY_INPUT, b->net->inputs++, line, err);
}

/* "x[12]", "x[-1]" or "x<12>": the length of x and the index; false for other
 * names. */
static bool
indexed(const char *name, size_t *len, int32_t *index)
{
	size_t n = strlen(name), i;
	bool minus;
	long value = 0;

	if (n < 4 || (name[n - 1] != ']' && name[n - 1] != '>'))
		return false;
	for (i = n - 2; i > 0 && name[i] >= '0' && name[i] <= '9'; i--)
		;
	minus = name[i] == '-' && i > 1 && i < n - 2;
	i -= minus;
	if (i == 0 || i == n - 2 || n - 2 - i > 7 ||
	    name[i] != (name[n - 1] == ']' ? '[' : '<'))
		return false;
	for (size_t k = i + 1 + minus; k < n - 1; k++)
		value = value * 10 + (name[k] - '0');
	*len = i;
	*index = (int32_t)(minus ? -value : value);
	return true;
}

static struct ax_bus *
new_bus(struct ax_build *b, bool output, char *name, int32_t lsb, bool scalar)
{
	struct ax_netlist *net = b->net;
	struct ax_bus **list = output ? &net->out : &net->in, *bus;
	uint32_t *n = output ? &net->outs : &net->ins;

	*list = ax_realloc(*list, *n + 1u, sizeof(**list));
	bus = &(*list)[(*n)++];
	bus->name = name;
	bus->first = output ? (uint32_t)b->n_outs : net->inputs;
	bus->width = 0;
	bus->lsb = lsb;
	bus->scalar = scalar;
	return bus;
}

int
ax_build_port_bit(struct ax_build *b, bool output, const char *name,
		  unsigned line, struct ax_err *err)
{
	struct ax_netlist *net = b->net;
	uint32_t n = output ? net->outs : net->ins;
	struct ax_bus *bus = n ? (output ? net->out : net->in) + n - 1 : NULL;
	size_t len = 0;
	int32_t index = 0;

	if (!indexed(name, &len, &index)) {
		bus = new_bus(b, output, ax_strdup(name), 0, true);
	} else if (!bus || bus->scalar || strlen(bus->name) != len ||
		   memcmp(bus->name, name, len) != 0 ||
		   bus->lsb + (int64_t)bus->width != index) {
		bus = new_bus(b, output, ax_strndup(name, len), index, false);
	}
	bus->width++;
	/* an input twice is a net driven twice */
	if (output && ax_map_set(&b->outputs, name, b))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: output %s is listed twice",
				  where(b, line), name);
	return port_bit(b, output, ax_build_net(b, name, line), line, err);
}

int
ax_build_port(struct ax_build *b, bool output, const char *name, uint32_t width,
	      int32_t lsb, bool scalar, const uint32_t *nets, unsigned line,
	      struct ax_err *err)
{
	struct ax_bus *bus;

	if (width == 0 || width > AX_NET_MAX_PORTS)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: port %s has %u bits; 1 to %u are "
				  "allowed",
				  where(b, line), name, width,
				  AX_NET_MAX_PORTS);
	bus = new_bus(b, output, ax_strdup(name), lsb, scalar);
	bus->width = width;
	for (uint32_t i = 0; i < width; i++) {
		if (port_bit(b, output, nets[i], line, err) < 0)
			return -1;
	}
	return 0;
}

/* --- finish -------------------------------------------------------------- */

struct finish {
	struct ax_build *b;
	uint32_t *ref;  /* of each gate, once placed */
	uint8_t *state; /* of each gate: 0 new, 1 on the path, 2 placed */
	bool undriven_zero;
};

/* Follows wires to a net that a gate or an input drives, or none does. */
static int
resolve(struct ax_build *b, uint32_t *id, struct ax_err *err)
{
	uint32_t at = *id, slow = *id;
	bool step = false;

	while (b->nets[at].driver == BY_WIRE) {
		at = b->nets[at].from;
		if (step)
			slow = b->nets[slow].from;
		step = !step;
		if (at == slow && b->nets[at].driver == BY_WIRE)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "%s: net %s is wired to itself in "
					  "a loop",
					  where(b, b->nets[at].line),
					  net_name(b, at));
	}
	/* the whole path now points at the end, so that long chains stay cheap
	 */
	for (slow = *id; slow != at;) {
		uint32_t next = b->nets[slow].from;

		b->nets[slow].from = at;
		slow = next;
	}
	*id = at;
	return 0;
}

static int
undriven(struct finish *f, uint32_t id, unsigned line, struct ax_err *err)
{
	struct ax_build *b = f->b;
	const struct net *net = &b->nets[id];
	uint32_t zero;

	if (!f->undriven_zero)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: net %s has no driver; connect it, or "
				  "tie it to a constant",
				  where(b, line ? line : net->line),
				  net_name(b, id));
	if (b->warn && b->undriven++ < 20)
		ax_str_addf(b->warn,
			    "%s: net %s has no driver and reads as 0\n",
			    where(b, line ? line : net->line), net_name(b, id));
	/* from now on it is the constant; making that may move the nets */
	zero = ax_build_const(b, false);
	b->nets[id].driver = BY_WIRE;
	b->nets[id].from = zero;
	return 0;
}

static int
loop_error(struct finish *f, const uint32_t *path, size_t n, uint32_t gate,
	   struct ax_err *err)
{
	struct ax_build *b = f->b;
	struct ax_str text = AX_STR_INIT;
	size_t from = n;

	while (from > 0 && path[from - 1] != gate)
		from--;
	from = from ? from - 1 : 0;
	for (size_t i = from; i < n && i < from + 12; i++)
		ax_str_addf(&text, "%s%s", i > from ? " <- " : "",
			    net_name(b, b->gates[path[i]].out));
	if (n - from > 12)
		ax_str_addf(&text, " <- ... (%zu gates)", n - from);
	ax_err_set(err, AX_EXIT_STAGE,
		   "%s: the netlist has a loop, so it is not "
		   "combinational: %s <- %s",
		   where(b, b->gates[gate].line), text.buf,
		   net_name(b, b->gates[gate].out));
	ax_str_free(&text);
	return -1;
}

/* Places a gate after the gates it needs; iterative, because a chain may be as
 * long as the netlist. path holds gates, slot[] the next input to look at. */
static int
place(struct finish *f, uint32_t start, uint32_t *path, uint8_t *slot,
      struct ax_err *err)
{
	struct ax_build *b = f->b;
	size_t n = 0;

	path[n] = start;
	slot[n++] = 0;
	f->state[start] = 1;
	while (n > 0) {
		struct gate *gate = &b->gates[path[n - 1]];
		uint32_t id, next;

		if (slot[n - 1] == gate->node.n) {
			struct ax_netlist *net = b->net;

			AX_GROW(net->node, net->nodes, net->cap);
			net->node[net->nodes] = gate->node;
			for (unsigned i = 0; i < gate->node.n; i++) {
				const struct net *from =
					&b->nets[gate->node.in[i]];

				net->node[net->nodes].in[i] =
					from->driver == BY_INPUT
						? from->from
						: f->ref[from->from];
			}
			f->ref[path[n - 1]] =
				net->inputs + (uint32_t)net->nodes++;
			f->state[path[--n]] = 2;
			continue;
		}
		id = gate->node.in[slot[n - 1]++];
		next = b->nets[id].from;
		if (b->nets[id].driver == BY_INPUT || f->state[next] == 2)
			continue;
		if (f->state[next] == 1)
			return loop_error(f, path, n, next, err);
		f->state[next] = 1;
		path[n] = next;
		slot[n++] = 0;
	}
	return 0;
}

/* Every net that a gate or an output reads becomes one that a gate or an input
 * drives. */
static int
settle(struct finish *f, uint32_t *id, unsigned line, struct ax_err *err)
{
	if (resolve(f->b, id, err) < 0)
		return -1;
	if (f->b->nets[*id].driver != UNDRIVEN)
		return 0;
	if (undriven(f, *id, line, err) < 0)
		return -1;
	return resolve(f->b, id, err);
}

static int
order(struct finish *f, struct ax_err *err)
{
	struct ax_build *b = f->b;
	uint32_t *path;
	uint8_t *slot;
	int rc = 0;

	for (size_t g = 0; g < b->n_gates; g++) {
		for (unsigned i = 0; i < b->gates[g].node.n; i++) {
			uint32_t id = b->gates[g].node.in[i];

			if (settle(f, &id, b->gates[g].line, err) < 0)
				return -1;
			b->gates[g].node.in[i] = id;
		}
	}
	for (size_t i = 0; i < b->n_outs; i++) {
		if (settle(f, &b->outs[i], 0, err) < 0)
			return -1;
	}
	/* settle may have added the constant, so the arrays come only now */
	f->ref = ax_calloc(b->n_gates + 1, sizeof(*f->ref));
	f->state = ax_calloc(b->n_gates + 1, 1);
	path = ax_calloc(b->n_gates + 1, sizeof(*path));
	slot = ax_calloc(b->n_gates + 1, 1);
	for (size_t g = 0; g < b->n_gates && rc == 0; g++) {
		if (f->state[g] == 0)
			rc = place(f, (uint32_t)g, path, slot, err);
	}
	free(path);
	free(slot);
	return rc;
}

/* --- ports in any order -------------------------------------------------- */

struct bit {
	size_t rank; /* of its bus, by first mention */
	int64_t index;
	uint32_t old;
	uint32_t bus; /* where it stood */
};

static int
by_place(const void *a, const void *b)
{
	const struct bit *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return x->old < y->old ? -1 : x->old > y->old;
}

/* Ports of one bit that differ in a number alone, a3 a2 a1 a0. */
struct family {
	int64_t least, most;
	size_t first, n; /* its first port, and how many */
};

/*
 * Families of one-bit ports, by their stem; of[k] is that of bus k or NULL. One
 * whose numbers have gaps, or begin elsewhere than at 0 or 1, is none: then the
 * numbers are of nets and say nothing about the order.
 */
static struct family *
find_families(struct family **of, const struct ax_bus *bus, uint32_t n)
{
	struct family *all = ax_calloc(n + 1u, sizeof(*all)), *f;
	struct ax_map by_stem = AX_MAP_INIT;
	int64_t number;

	for (uint32_t k = 0; k < n; k++) {
		char *stem = ax_name_stem(bus[k].name, &number);

		of[k] = NULL;
		if (bus[k].scalar && number != AX_NO_NUMBER) {
			f = ax_map_get(&by_stem, stem);
			if (!f) {
				f = &all[k];
				*f = (struct family){number, number, k, 0};
				ax_map_set(&by_stem, stem, f);
			}
			f->least = AX_MIN(f->least, number);
			f->most = AX_MAX(f->most, number);
			f->n++;
			of[k] = f;
		}
		free(stem);
	}
	for (uint32_t k = 0; k < n; k++) {
		f = of[k];
		if (f && (f->n < 2 || f->most - f->least + 1 != (int64_t)f->n ||
			  (f->least > 1 && !strchr(bus[k].name, '['))))
			of[k] = NULL;
	}
	ax_map_free(&by_stem);
	return all;
}

/* Bits of one bus that were listed downwards or apart come together. Returns
 * the new order (old number of each new bit), NULL when nothing changes. */
static uint32_t *
gather_buses(struct ax_bus **bus, uint32_t *n, uint32_t bits)
{
	struct ax_map rank = AX_MAP_INIT;
	struct bit *list = ax_calloc(bits + 1u, sizeof(*list));
	struct family **of = ax_calloc(*n + 1u, sizeof(*of));
	struct family *families = find_families(of, *bus, *n);
	struct ax_bus *fresh = NULL;
	uint32_t *from = NULL, count = 0, at = 0;
	bool again = false;

	for (uint32_t k = 0; k < *n; k++) {
		struct ax_bus *one = &(*bus)[k];
		uintptr_t r = (uintptr_t)ax_map_get(&rank, one->name);
		int64_t lsb = one->lsb;

		if (r && !one->scalar)
			again = true;
		if (!r || one->scalar)
			ax_map_set(&rank, one->name,
				   (void *)(r = (uintptr_t)k + 1));
		if (of[k]) {
			r = of[k]->first + 1;
			free(ax_name_stem(one->name, &lsb));
		}
		for (uint32_t i = 0; i < one->width; i++, at++) {
			list[at].rank = r;
			list[at].index = lsb + i;
			list[at].old = at;
			list[at].bus = k;
			again = again ||
				(at && by_place(&list[at - 1], &list[at]) > 0);
		}
	}
	free(families);
	free(of);
	ax_map_free(&rank);
	if (!again) {
		free(list);
		return NULL;
	}
	qsort(list, bits, sizeof(*list), by_place);
	from = ax_calloc(bits + 1u, sizeof(*from));
	fresh = ax_calloc(bits + 1u, sizeof(*fresh));
	for (uint32_t i = 0; i < bits; i++) {
		struct ax_bus *last = count ? &fresh[count - 1] : NULL;

		from[i] = list[i].old;
		if (last && !(*bus)[list[i].bus].scalar &&
		    list[i].rank == list[i - 1].rank &&
		    list[i].index == list[i - 1].index + 1) {
			last->width++;
			continue;
		}
		fresh[count] = (*bus)[list[i].bus];
		fresh[count].name = ax_strdup(fresh[count].name);
		fresh[count].first = i;
		fresh[count].width = 1;
		if (!fresh[count].scalar)
			fresh[count].lsb = (int32_t)list[i].index;
		count++;
	}
	for (uint32_t k = 0; k < *n; k++)
		free((*bus)[k].name);
	free(*bus);
	*bus = fresh;
	*n = count;
	free(list);
	return from;
}

/* Buses that still share their name, for bits between them are missing, become
 * ports of one bit that are called as those bits were. */
static void
part_buses(struct ax_bus **bus, uint32_t *n, uint32_t bits)
{
	struct ax_map seen = AX_MAP_INIT;
	struct ax_bus *fresh = ax_calloc(bits + 1u, sizeof(*fresh));
	uint32_t count = 0;
	bool twice = false;

	for (uint32_t k = 0; k < *n; k++) {
		uintptr_t times =
			(uintptr_t)ax_map_get(&seen, (*bus)[k].name) + 1;

		ax_map_set(&seen, (*bus)[k].name, (void *)times);
		twice = twice || times > 1;
	}
	for (uint32_t k = 0; twice && k < *n; k++) {
		const struct ax_bus *one = &(*bus)[k];
		bool part = !one->scalar &&
			    (uintptr_t)ax_map_get(&seen, one->name) > 1;

		for (uint32_t i = 0; i < (part ? one->width : 1); i++) {
			struct ax_bus *to = &fresh[count++];

			*to = *one;
			if (!part) {
				to->name = ax_strdup(one->name);
				continue;
			}
			to->name = ax_asprintf("%s[%ld]", one->name,
					       (long)one->lsb + (long)i);
			to->first = one->first + i;
			to->width = 1;
			to->lsb = 0;
			to->scalar = true;
		}
		free(one->name);
	}
	ax_map_free(&seen);
	if (!twice) {
		free(fresh);
		return;
	}
	free(*bus);
	*bus = fresh;
	*n = count;
}

/* BLIF lets an output be an input; the other formats want a name for each. */
static void
part_names(struct ax_build *b)
{
	struct ax_map seen = AX_MAP_INIT;
	struct ax_netlist *net = b->net;

	for (uint32_t k = 0; k < net->ins; k++)
		ax_map_set(&seen, net->in[k].name, b);
	for (uint32_t k = 0; k < net->outs; k++)
		if (!ax_map_get(&seen, net->out[k].name))
			ax_map_set(&seen, net->out[k].name, net);
	for (uint32_t k = 0; k < net->outs; k++) {
		char *name = net->out[k].name;

		if (ax_map_get(&seen, name) != b)
			continue;
		while (ax_map_get(&seen, name)) {
			char *longer = ax_asprintf("%s_out", name);

			if (name != net->out[k].name)
				free(name);
			name = longer;
		}
		if (b->warn)
			ax_str_addf(b->warn,
				    "%s: output %s is an input too; the output "
				    "is called %s from now on\n",
				    b->file, net->out[k].name, name);
		ax_map_set(&seen, name, net);
		free(net->out[k].name);
		net->out[k].name = name;
	}
	ax_map_free(&seen);
}

static void
arrange_ports(struct ax_build *b)
{
	struct ax_netlist *net = b->net;
	uint32_t *from = gather_buses(&net->in, &net->ins, net->inputs);

	if (from) {
		uint32_t *to = ax_calloc(net->inputs + 1u, sizeof(*to));

		for (uint32_t i = 0; i < net->inputs; i++)
			to[from[i]] = i;
		for (size_t i = 0; i < b->n_nets; i++) {
			if (b->nets[i].driver == BY_INPUT)
				b->nets[i].from = to[b->nets[i].from];
		}
		free(to);
		free(from);
	}
	from = gather_buses(&net->out, &net->outs, (uint32_t)b->n_outs);
	if (from) {
		uint32_t *outs = ax_calloc(b->n_outs + 1, sizeof(*outs));

		for (size_t i = 0; i < b->n_outs; i++)
			outs[i] = b->outs[from[i]];
		free(b->outs);
		b->outs = outs;
		free(from);
	}
	part_buses(&net->in, &net->ins, net->inputs);
	part_buses(&net->out, &net->outs, (uint32_t)b->n_outs);
	part_names(b);
}

int
ax_build_finish(struct ax_netlist **out, struct ax_build *b, bool undriven_zero,
		struct ax_err *err)
{
	struct finish f = {b, NULL, NULL, undriven_zero};
	struct ax_netlist *net = b->net;
	int rc;

	arrange_ports(b);
	rc = order(&f, err);

	if (rc == 0) {
		net->outputs = (uint32_t)b->n_outs;
		net->out_ref = ax_calloc(b->n_outs + 1, sizeof(uint32_t));
		for (size_t i = 0; i < b->n_outs; i++) {
			const struct net *from = &b->nets[b->outs[i]];

			net->out_ref[i] = from->driver == BY_INPUT
						  ? from->from
						  : f.ref[from->from];
		}
		if (b->warn && b->undriven > 20)
			ax_str_addf(b->warn,
				    "%s: %zu more nets without a driver\n",
				    b->file, b->undriven - 20);
		rc = ax_netlist_check(net, err);
	}
	if (rc == 0) {
		*out = net;
		b->net = NULL;
	}
	free(f.ref);
	free(f.state);
	ax_build_free(b);
	return rc;
}
