/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/eda/map/cover.h"

#include <math.h>

#include "artifacts/base/base.h"
#include "stages/eda/map/direct.h"

/* Leaves of a cut, cuts of a node, rounds of exact area. */
enum { LEAVES = 3, CUTS = 16, ROUNDS = 3 };

/* The cell of a function: leaf perm[i] goes to its input i. */
struct match {
	const struct ax_lib_cell *cell; /* NULL: none, or a wire or constant */
	uint8_t perm[LEAVES];
	double cost; /* INFINITY: there is none */
};

/* A node by what it is computed from. */
struct cut {
	uint32_t leaf[LEAVES]; /* ascending */
	uint8_t n, tt;         /* by its leaves, leaf 0 in the lowest place */
};

/* Two nodes that one cell computes. */
struct pair {
	const struct ax_lib_cell *cell;
	uint8_t perm[LEAVES];
	uint8_t tt[2]; /* of outputs 0 and 1 by leaves */
	uint8_t n;
};

struct cover {
	const struct ax_netlist *net;
	struct match match[LEAVES + 1][256];
	struct pair *pair;
	size_t pairs;
	bool transistors;

	/* by reference */
	struct cut (*cut)[CUTS];
	uint8_t *cuts, *best;
	uint32_t *uses; /* of the cover; a node with none is not built */
	double *flow;
	/* the node that shares a cell with this one, its pair; UINT32_MAX */
	uint32_t *twin;
	const struct pair **shared;
};

/* --- cells --------------------------------------------------------------- */

static const uint8_t all_perms[6][LEAVES] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

/* The function of a cell whose input i is leaf perm[i]. */
static uint8_t
permuted(uint64_t tt, unsigned n, const uint8_t *perm)
{
	uint8_t out = 0;

	for (unsigned p = 0; p < 1u << n; p++) {
		unsigned q = 0;

		for (unsigned i = 0; i < n; i++)
			q |= (p >> perm[i] & 1) << i;
		out |= (uint8_t)((tt >> q & 1) << p);
	}
	return out;
}

static double
cost_of(const struct cover *v, const struct ax_lib_cell *c)
{
	return v->transistors ? c->transistors : c->area;
}

static void
add_matches(struct cover *v, const struct ax_lib_cell *c)
{
	const uint64_t tt = c->pin[c->out[0]].tt;

	for (unsigned k = 0; k < 6; k++) {
		const uint8_t *perm = all_perms[k];
		struct match *m;
		bool fits = true;

		for (unsigned i = 0; i < c->ins; i++)
			fits = fits && perm[i] < c->ins;
		if (!fits)
			continue;
		m = &v->match[c->ins][permuted(tt, c->ins, perm)];
		if (cost_of(v, c) > m->cost ||
		    (cost_of(v, c) == m->cost && m->cell &&
		     strlen(c->name) >= strlen(m->cell->name)))
			continue;
		m->cell = c;
		m->cost = cost_of(v, c);
		memcpy(m->perm, perm, sizeof(m->perm));
	}
}

static void
add_pairs(struct cover *v, const struct ax_lib_cell *c)
{
	for (unsigned k = 0; k < 6; k++) {
		const uint8_t *perm = all_perms[k];
		struct pair *p;
		bool fits = true;

		for (unsigned i = 0; i < c->ins; i++)
			fits = fits && perm[i] < c->ins;
		if (!fits)
			continue;
		v->pair = ax_realloc(v->pair, v->pairs + 1, sizeof(*v->pair));
		p = &v->pair[v->pairs++];
		*p = (struct pair){.cell = c, .n = (uint8_t)c->ins};
		memcpy(p->perm, perm, sizeof(p->perm));
		for (unsigned o = 0; o < 2; o++)
			p->tt[o] = permuted(c->pin[c->out[o]].tt, c->ins, perm);
	}
}

static int
read_cells(struct cover *v, const struct ax_liberty *lib, const bool *keep,
	   struct ax_err *err)
{
	for (unsigned n = 0; n <= LEAVES; n++)
		for (unsigned t = 0; t < 256; t++)
			v->match[n][t].cost = INFINITY;
	/* constants and wires cost nothing */
	v->match[0][0].cost = v->match[0][1].cost = v->match[1][2].cost = 0;
	for (size_t i = 0; i < lib->cells; i++) {
		const struct ax_lib_cell *c = &lib->cell[i];

		if (!keep[i] || !c->combinational || c->area < 0 ||
		    c->ins < 1 || c->ins > LEAVES)
			continue;
		/* a buffer is a wire that costs */
		if (c->outs == 1 && !(c->ins == 1 && c->pin[c->out[0]].tt == 2))
			add_matches(v, c);
		else if (c->outs == 2)
			add_pairs(v, c);
	}
	if (!v->match[1][1].cell)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "mode cover: the cells chosen from library "
				  "%s have no inverter",
				  lib->name);
	return 0;
}

/* --- cuts ---------------------------------------------------------------- */

/* tt of a cut by the leaves of a wider one. */
static uint8_t
widened(const struct cut *from, const struct cut *to)
{
	unsigned place[LEAVES] = {0};
	uint8_t out = 0;

	for (unsigned i = 0; i < from->n; i++)
		while (to->leaf[place[i]] != from->leaf[i])
			place[i]++;
	for (unsigned p = 0; p < 8; p++) {
		unsigned q = 0;

		for (unsigned i = 0; i < from->n; i++)
			q |= (p >> place[i] & 1) << i;
		out |= (uint8_t)((from->tt >> q & 1) << p);
	}
	return out;
}

/* Leaves that the function does not depend on go. */
static void
shrink(struct cut *c)
{
	static const uint8_t low[LEAVES] = {0x55, 0x33, 0x0f};

	for (unsigned i = c->n; i-- > 0;) {
		unsigned step = 1u << i;
		uint8_t out = 0;

		if (((c->tt ^ c->tt >> step) & low[i]) != 0)
			continue;
		for (unsigned p = 0, q = 0; p < 8; p++)
			if (!(p >> i & 1))
				out |= (uint8_t)((c->tt >> p & 1) << q++);
		/* what is above repeats */
		c->tt = (uint8_t)(out | out << 4);
		memmove(c->leaf + i, c->leaf + i + 1,
			(c->n - i - 1u) * sizeof(*c->leaf));
		c->n--;
	}
	c->tt &= (uint8_t)((1u << (1u << c->n)) - 1);
}

static bool
join(struct cut *to, const struct cut *a, const struct cut *b)
{
	unsigned i = 0, j = 0;

	to->n = 0;
	while (i < a->n || j < b->n) {
		uint32_t x = i < a->n ? a->leaf[i] : UINT32_MAX;
		uint32_t y = j < b->n ? b->leaf[j] : UINT32_MAX;

		if (to->n == LEAVES)
			return false;
		to->leaf[to->n++] = AX_MIN(x, y);
		i += x <= y;
		j += y <= x;
	}
	return true;
}

static void
add_cut(struct cover *v, uint32_t ref, struct cut c)
{
	shrink(&c);
	for (unsigned k = 0; k < v->cuts[ref]; k++) {
		const struct cut *o = &v->cut[ref][k];

		if (o->n == c.n &&
		    memcmp(o->leaf, c.leaf, c.n * sizeof(*c.leaf)) == 0)
			return;
	}
	if (v->cuts[ref] < CUTS)
		v->cut[ref][v->cuts[ref]++] = c;
}

/* A signal by itself. */
static struct cut
itself(uint32_t ref)
{
	return (struct cut){{ref}, 1, 2};
}

static void
find_cuts(struct cover *v, uint32_t ref)
{
	const struct ax_node *n = &v->net->node[ref - v->net->inputs];
	struct cut none = {{0}, 0, 0}, out;

	if (n->n == 0) {
		none.tt = n->tt & 1;
		add_cut(v, ref, none);
		return;
	}
	/* the gate itself first: it always has a chance */
	for (unsigned i = 0; i <= v->cuts[n->in[0]]; i++) {
		struct cut a = i ? v->cut[n->in[0]][i - 1] : itself(n->in[0]);
		unsigned more = n->n == 2 ? v->cuts[n->in[1]] : 0;

		for (unsigned j = 0; j <= more; j++) {
			struct cut b = itself(n->in[n->n - 1]);
			uint8_t x, y, tt = 0;

			if (j)
				b = v->cut[n->in[1]][j - 1];
			if (n->n == 1)
				b = a;
			if (!join(&out, &a, &b))
				continue;
			x = widened(&a, &out);
			y = widened(&b, &out);
			for (unsigned p = 0; p < 8; p++) {
				unsigned q =
					(x >> p & 1) |
					(n->n == 2 ? (y >> p & 1) << 1 : 0);

				tt |= (uint8_t)((n->tt >> q & 1) << p);
			}
			out.tt = tt;
			add_cut(v, ref, out);
		}
	}
}

/* --- the cover ----------------------------------------------------------- */

static const struct match *
match_of(const struct cover *v, uint32_t ref, unsigned k)
{
	const struct cut *c = &v->cut[ref][k];

	return &v->match[c->n][c->tt];
}

/* Takes the cover of ref into use or out of it; returns what cells that costs
 * or frees. */
static double
use(struct cover *v, uint32_t ref)
{
	double sum;

	if (ref < v->net->inputs || v->uses[ref]++)
		return 0;
	sum = match_of(v, ref, v->best[ref])->cost;
	for (unsigned i = 0; i < v->cut[ref][v->best[ref]].n; i++)
		sum += use(v, v->cut[ref][v->best[ref]].leaf[i]);
	return sum;
}

static double
drop(struct cover *v, uint32_t ref)
{
	double sum;

	if (ref < v->net->inputs || --v->uses[ref])
		return 0;
	sum = match_of(v, ref, v->best[ref])->cost;
	for (unsigned i = 0; i < v->cut[ref][v->best[ref]].n; i++)
		sum += drop(v, v->cut[ref][v->best[ref]].leaf[i]);
	return sum;
}

/* The leaves of a cut of ref, which is in use, in use or not. */
static double
use_leaves(struct cover *v, uint32_t ref, unsigned k)
{
	double sum = match_of(v, ref, k)->cost;

	for (unsigned i = 0; i < v->cut[ref][k].n; i++)
		sum += use(v, v->cut[ref][k].leaf[i]);
	return sum;
}

static double
drop_leaves(struct cover *v, uint32_t ref, unsigned k)
{
	double sum = match_of(v, ref, k)->cost;

	for (unsigned i = 0; i < v->cut[ref][k].n; i++)
		sum += drop(v, v->cut[ref][k].leaf[i]);
	return sum;
}

static int
by_flow(struct cover *v, struct ax_err *err)
{
	const struct ax_netlist *net = v->net;
	uint32_t *fan = ax_calloc(net->inputs + net->nodes + 1, sizeof(*fan));
	int rc = 0;

	for (size_t j = 0; j < net->nodes; j++)
		for (unsigned i = 0; i < net->node[j].n; i++)
			fan[net->node[j].in[i]]++;
	for (uint32_t o = 0; o < net->outputs; o++)
		fan[net->out_ref[o]]++;
	for (uint32_t r = net->inputs; r < net->inputs + net->nodes; r++) {
		v->flow[r] = INFINITY;
		for (unsigned k = 0; k < v->cuts[r]; k++) {
			double f = match_of(v, r, k)->cost;

			for (unsigned i = 0; i < v->cut[r][k].n; i++)
				f += v->flow[v->cut[r][k].leaf[i]];
			f /= AX_MAX(fan[r], 1u);
			if (f < v->flow[r]) {
				v->flow[r] = f;
				v->best[r] = (uint8_t)k;
			}
		}
		if (v->flow[r] == INFINITY && rc == 0)
			rc = ax_err_set(
				err, AX_EXIT_STAGE,
				"the cells chosen have none for %s, nor for "
				"what it is part of; name one in parameter "
				"cells",
				ax_gate_name(
					(enum ax_gate)net->node[r - net->inputs]
						.kind));
	}
	free(fan);
	return rc;
}

/* Each node's best cut in turn, by what it really costs. */
static void
by_area(struct cover *v)
{
	const struct ax_netlist *net = v->net;

	for (uint32_t r = net->inputs; r < net->inputs + net->nodes; r++) {
		double least = INFINITY, cost;
		unsigned at = v->best[r];

		if (!v->uses[r])
			continue;
		drop_leaves(v, r, v->best[r]);
		for (unsigned k = 0; k < v->cuts[r]; k++) {
			if (match_of(v, r, k)->cost == INFINITY)
				continue;
			cost = use_leaves(v, r, k);
			drop_leaves(v, r, k);
			if (cost < least) {
				least = cost;
				at = k;
			}
		}
		v->best[r] = (uint8_t)at;
		use_leaves(v, r, at);
	}
}

/* --- cells of two outputs ------------------------------------------------ */

/* One cell for a and b, if that is cheaper. */
static bool
try_pair(struct cover *v, uint32_t a, uint32_t b, const struct cut *c,
	 const struct pair *p)
{
	double was, now = cost_of(v, p->cell);

	was = drop_leaves(v, a, v->best[a]);
	if (v->uses[b]) {
		was += drop_leaves(v, b, v->best[b]);
		for (unsigned i = 0; i < c->n; i++)
			now += use(v, c->leaf[i]);
		if (now < was - 1e-9)
			return true;
		for (unsigned i = 0; i < c->n; i++)
			drop(v, c->leaf[i]);
		use_leaves(v, b, v->best[b]);
	}
	/* else a alone needed b, and would still */
	use_leaves(v, a, v->best[a]);
	return false;
}

/* CUTS when there is none of the same leaves. */
static unsigned
cut_with(const struct cover *v, uint32_t ref, const struct cut *like)
{
	for (unsigned k = 0; k < v->cuts[ref]; k++) {
		const struct cut *c = &v->cut[ref][k];

		if (c->n == like->n &&
		    memcmp(c->leaf, like->leaf, c->n * sizeof(*c->leaf)) == 0)
			return k;
	}
	return CUTS;
}

/* From now on the two are built by one cell, whatever becomes of the rest. */
static void
bind(struct cover *v, uint32_t a, unsigned ka, uint32_t b, unsigned kb,
     const struct pair *p)
{
	v->twin[a] = b;
	v->twin[b] = a;
	v->shared[a] = v->shared[b] = p;
	v->best[a] = (uint8_t)ka;
	v->best[b] = (uint8_t)kb;
	v->uses[a]++;
	v->uses[b]++;
}

/* Nodes before this one that share leaves with it lie close by: at most this
 * many are looked at. */
enum { NEAR = 4000 };

static void
share(struct cover *v, uint32_t a)
{
	for (unsigned k = 0; k < v->cuts[a]; k++) {
		const struct cut *c = &v->cut[a][k], *d;
		uint32_t from = a > NEAR ? a - NEAR : 0;
		unsigned kb;

		if (c->n < 2)
			continue;
		from = AX_MAX(from, c->leaf[c->n - 1] + 1);
		for (uint32_t b = AX_MAX(from, v->net->inputs); b < a; b++) {
			if (!v->uses[b] || v->twin[b] != UINT32_MAX)
				continue;
			kb = cut_with(v, b, c);
			for (size_t i = 0; kb < CUTS && i < v->pairs; i++) {
				const struct pair *p = &v->pair[i];

				d = &v->cut[b][kb];
				if (p->n != c->n ||
				    !((p->tt[0] == c->tt &&
				       p->tt[1] == d->tt) ||
				      (p->tt[1] == c->tt &&
				       p->tt[0] == d->tt)) ||
				    !try_pair(v, a, b, c, p))
					continue;
				bind(v, a, k, b, kb, p);
				return;
			}
		}
	}
}

/* --- writing it ---------------------------------------------------------- */

static uint32_t
place(struct cover *v, struct ax_netlist *to, const uint32_t *map, uint32_t ref,
      uint32_t *inst)
{
	const struct pair *p = v->shared[ref];
	const struct cut *c = &v->cut[ref][v->best[ref]];
	const struct ax_lib_cell *cell;
	const uint8_t *perm;
	uint32_t in[LEAVES] = {0}, r;
	unsigned out = 0;
	struct ax_node *n;

	if (p) {
		cell = p->cell;
		perm = p->perm;
		out = c->tt == p->tt[0] ? 0 : 1;
		/* both alike: the later one takes the second */
		if (p->tt[0] == p->tt[1])
			out = v->twin[ref] < ref;
		for (unsigned i = 0; i < cell->ins; i++)
			in[i] = map[c->leaf[perm[i]]];
	} else {
		const struct match *m = &v->match[c->n][c->tt];

		if (c->n == 0)
			return ax_netlist_add(to, c->tt ? AX_CONST1 : AX_CONST0,
					      0, 0);
		if (!m->cell)
			return map[c->leaf[0]];
		cell = m->cell;
		perm = m->perm;
		for (unsigned i = 0; i < cell->ins; i++)
			in[i] = map[c->leaf[perm[i]]];
	}
	r = ax_netlist_add_tt(to, cell->ins, in, cell->pin[cell->out[out]].tt);
	n = &to->node[r - to->inputs];
	n->cell = ax_map_add_cell(to, cell);
	n->pin = (uint16_t)out;
	/* the second of two joins the first */
	if (p && v->twin[ref] < ref) {
		n->inst = inst[v->twin[ref]];
	} else {
		n->inst = ++to->insts;
		inst[ref] = n->inst;
	}
	return r;
}

static struct ax_netlist *
write_cover(struct cover *v)
{
	const struct ax_netlist *net = v->net;
	size_t refs = net->inputs + net->nodes;
	struct ax_netlist *to = ax_netlist_new(net->name);
	uint32_t *map = ax_calloc(refs + 1, sizeof(*map));
	uint32_t *inst = ax_calloc(refs + 1, sizeof(*inst));

	for (uint32_t b = 0; b < net->ins; b++) {
		ax_netlist_add_input(to, net->in[b].name, net->in[b].width);
		to->in[b].lsb = net->in[b].lsb;
		to->in[b].scalar = net->in[b].scalar;
	}
	for (uint32_t b = 0; b < net->outs; b++) {
		ax_netlist_add_output(to, net->out[b].name, net->out[b].width);
		to->out[b].lsb = net->out[b].lsb;
		to->out[b].scalar = net->out[b].scalar;
	}
	for (uint32_t r = 0; r < refs; r++)
		map[r] = r < net->inputs ? r
			 : v->uses[r]    ? place(v, to, map, r, inst)
					 : AX_REF_NONE;
	for (uint32_t o = 0; o < net->outputs; o++)
		to->out_ref[o] = map[net->out_ref[o]];
	free(map);
	free(inst);
	return to;
}

int
ax_map_cover(struct ax_netlist **out, const struct ax_netlist *net,
	     const struct ax_liberty *lib, const bool *keep, bool transistors,
	     struct ax_err *err)
{
	struct cover *v = ax_calloc(1, sizeof(*v));
	size_t refs = net->inputs + net->nodes;
	int rc;

	v->net = net;
	v->transistors = transistors;
	v->cut = ax_calloc(refs + 1, sizeof(*v->cut));
	v->cuts = ax_calloc(refs + 1, 1);
	v->best = ax_calloc(refs + 1, 1);
	v->uses = ax_calloc(refs + 1, sizeof(*v->uses));
	v->flow = ax_calloc(refs + 1, sizeof(*v->flow));
	v->twin = ax_calloc(refs + 1, sizeof(*v->twin));
	v->shared = ax_calloc(refs + 1, sizeof(*v->shared));
	memset(v->twin, 0xff, (refs + 1) * sizeof(*v->twin));
	rc = read_cells(v, lib, keep, err);
	for (uint32_t r = net->inputs; rc == 0 && r < refs; r++)
		find_cuts(v, r);
	if (rc == 0)
		rc = by_flow(v, err);
	if (rc == 0) {
		for (uint32_t o = 0; o < net->outputs; o++)
			use(v, net->out_ref[o]);
		for (int k = 0; k < ROUNDS; k++)
			by_area(v);
		for (uint32_t r = net->inputs; r < refs; r++)
			if (v->uses[r])
				share(v, r);
		*out = write_cover(v);
	}
	free(v->cut);
	free(v->cuts);
	free(v->best);
	free(v->uses);
	free(v->flow);
	free(v->twin);
	free(v->shared);
	free(v->pair);
	free(v);
	return rc;
}
