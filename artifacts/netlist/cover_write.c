/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/netlist/cover.h"

#include "artifacts/base/base.h"
#include "artifacts/netlist/cells.h"
#include "artifacts/netlist/cover_impl.h"

/* --- as nodes ------------------------------------------------------------ */

/* The leaves by their references, ascending, to which the functions of one or
 * two nodes move: names depend on what was kept, and which of two pins that are
 * alike a leaf gets shall not. */
static void
sort_leaves(const struct ax_cover *v, const struct cut *c, uint32_t *leaf,
	    unsigned *tt, unsigned *other)
{
	uint32_t was[LEAVES];
	unsigned at;

	for (unsigned i = 0; i < LEAVES; i++)
		was[i] = i < c->n ? v->ref[c->leaf[i]] : UINT32_MAX;
	/* which of ax_cover_perms */
	at = 2u * ((was[1] < was[0]) + (was[2] < was[0])) + (was[2] < was[1]);
	for (unsigned i = 0; i < LEAVES; i++)
		leaf[ax_cover_perms[at][i]] = was[i];
	*tt = v->k->moved[at][*tt];
	*other = v->k->moved[at][*other];
}

/* The cell of two outputs for these functions; there is just one. */
static const struct pair *
find_pair(const struct ax_cover_cells *k, unsigned a, unsigned b)
{
	const struct pair *p = k->pair;

	while (!(p->tt[0] == a && p->tt[1] == b) &&
	       !(p->tt[0] == b && p->tt[1] == a))
		p++;
	return p;
}

static void
place_pins(struct ax_cover_node *to, const struct ax_cover_node *all,
	   uint32_t inputs, const uint32_t *leaf, const uint8_t *perm)
{
	for (unsigned i = 0; i < to->ins; i++) {
		uint32_t r = leaf[perm[i]];

		to->in[i] = r >= inputs && all[r - inputs].role == AX_COVER_WIRE
				    ? all[r - inputs].in[0]
				    : r;
	}
}

static void
find_node(const struct ax_cover *v, uint32_t j, struct ax_cover_node *all)
{
	static const uint8_t straight[LEAVES] = {0, 1, 2};
	uint32_t r = v->name[j], leaf[LEAVES] = {0};
	const struct cut *c = &v->cut[r][v->best[r]];
	struct ax_cover_node *to = &all[j];
	unsigned tt = c->tt, other = 0;
	const struct pair *p;

	*to = (struct ax_cover_node){.twin = UINT32_MAX};
	if (!v->uses[r])
		return;
	to->ins = c->n;
	if (c->n == 0) {
		to->role = AX_COVER_CONST;
		to->out = tt != 0;
		return;
	}
	if (v->twin[r] != NO_REF) {
		uint32_t t = v->twin[r];

		other = v->cut[t][v->best[t]].tt;
		to->twin = v->ref[t] - v->inputs;
	}
	sort_leaves(v, c, leaf, &tt, &other);
	to->role = AX_COVER_CELL;
	if (to->twin != UINT32_MAX) {
		p = find_pair(v->k, tt, other);
		to->cell = p->cell;
		/* both alike: the later one takes the second */
		to->out = p->tt[0] == p->tt[1] ? to->twin < j : tt != p->tt[0];
		place_pins(to, all, v->inputs, leaf, p->perm);
		return;
	}
	to->cell = v->k->match[tt].cell;
	if (to->cell == NO_CELL)
		to->role = AX_COVER_WIRE;
	place_pins(to, all, v->inputs, leaf,
		   to->cell == NO_CELL ? straight : v->k->match[tt].perm);
}

void
ax_cover_nodes(struct ax_cover *v, struct ax_cover_node *to)
{
	for (uint32_t r = 0; r < v->inputs; r++)
		v->ref[r] = r;
	for (uint32_t j = 0; j < v->gates; j++)
		v->ref[v->name[j]] = v->inputs + j;
	for (uint32_t j = 0; j < v->gates; j++)
		find_node(v, j, to);
}

/* --- as a netlist -------------------------------------------------------- */

struct writer {
	const struct ax_cover_node *node;
	const struct ax_liberty *lib;
	struct ax_netlist *to;
	uint32_t *map, *inst; /* by reference, by gate */
};

static uint32_t
place(struct writer *w, uint32_t j)
{
	const struct ax_cover_node *c = &w->node[j];
	const struct ax_lib_cell *cell;
	uint32_t in[LEAVES] = {0}, r;
	struct ax_node *n;

	if (c->role == AX_COVER_INSIDE)
		return AX_REF_NONE;
	if (c->role == AX_COVER_CONST)
		return ax_netlist_add(w->to, c->out ? AX_CONST1 : AX_CONST0, 0,
				      0);
	if (c->role == AX_COVER_WIRE)
		return w->map[c->in[0]];
	cell = &w->lib->cell[c->cell];
	for (unsigned i = 0; i < c->ins; i++)
		in[i] = w->map[c->in[i]];
	r = ax_netlist_add_tt(w->to, cell->ins, in,
			      cell->pin[cell->out[c->out]].tt);
	n = &w->to->node[r - w->to->inputs];
	n->cell = ax_netlist_use_cell(w->to, cell);
	n->pin = c->out;
	/* the second of two joins the first */
	if (c->twin < j)
		n->inst = w->inst[c->twin];
	else
		n->inst = w->inst[j] = ++w->to->insts;
	return r;
}

struct ax_netlist *
ax_cover_write(struct ax_cover *v, const struct ax_netlist *net,
	       const struct ax_liberty *lib)
{
	struct ax_cover_node *node = ax_calloc(v->gates + 1, sizeof(*node));
	struct writer w = {.node = node, .lib = lib};

	ax_cover_nodes(v, node);
	w.to = ax_netlist_like(net);
	w.map = ax_calloc(v->inputs + v->gates + 1, sizeof(*w.map));
	w.inst = ax_calloc(v->gates + 1, sizeof(*w.inst));
	for (uint32_t r = 0; r < v->inputs; r++)
		w.map[r] = r;
	for (uint32_t j = 0; j < v->gates; j++)
		w.map[v->inputs + j] = place(&w, j);
	for (uint32_t o = 0; o < net->outputs; o++)
		w.to->out_ref[o] = w.map[net->out_ref[o]];
	free(w.map);
	free(w.inst);
	free(node);
	return w.to;
}
