/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/netlist/cover.h"

#include "artifacts/base/base.h"
#include "artifacts/netlist/cells.h"
#include "artifacts/netlist/cover_impl.h"

struct writer {
	const struct ax_cover *v;
	const struct ax_liberty *lib;
	struct ax_netlist *to;
	uint32_t *map, *inst; /* by reference */
};

static uint32_t
place(struct writer *w, uint32_t ref)
{
	const struct ax_cover *v = w->v;
	const struct cut *c = &v->cut[ref][v->best[ref]];
	const struct match *m = &v->k->match[c->tt];
	const struct pair *p = NULL;
	const struct ax_lib_cell *cell;
	uint32_t in[LEAVES] = {0}, r;
	unsigned out = 0;
	struct ax_node *n;

	if (v->twin[ref] != NO_REF)
		p = &v->k->pair[v->shared[ref]];
	if (!p && c->n == 0)
		return ax_netlist_add(w->to, c->tt ? AX_CONST1 : AX_CONST0, 0,
				      0);
	if (!p && m->cell == NO_CELL)
		return w->map[c->leaf[0]];
	cell = &w->lib->cell[p ? p->cell : m->cell];
	for (unsigned i = 0; i < cell->ins; i++)
		in[i] = w->map[c->leaf[p ? p->perm[i] : m->perm[i]]];
	if (p) {
		out = c->tt == p->tt[0] ? 0 : 1;
		/* both alike: the later one takes the second */
		if (p->tt[0] == p->tt[1])
			out = v->twin[ref] < ref;
	}
	r = ax_netlist_add_tt(w->to, cell->ins, in,
			      cell->pin[cell->out[out]].tt);
	n = &w->to->node[r - w->to->inputs];
	n->cell = ax_netlist_use_cell(w->to, cell);
	n->pin = (uint16_t)out;
	/* the second of two joins the first */
	if (p && v->twin[ref] < ref)
		n->inst = w->inst[v->twin[ref]];
	else
		n->inst = w->inst[ref] = ++w->to->insts;
	return r;
}

struct ax_netlist *
ax_cover_write(const struct ax_cover *v, const struct ax_netlist *net,
	       const struct ax_liberty *lib)
{
	size_t refs = v->inputs + v->gates;
	struct writer w = {.v = v, .lib = lib};

	w.to = ax_netlist_like(net);
	w.map = ax_calloc(refs + 1, sizeof(*w.map));
	w.inst = ax_calloc(refs + 1, sizeof(*w.inst));
	for (uint32_t r = 0; r < refs; r++)
		w.map[r] = r < v->inputs ? r
			   : v->uses[r]  ? place(&w, r)
					 : AX_REF_NONE;
	for (uint32_t o = 0; o < net->outputs; o++)
		w.to->out_ref[o] = w.map[net->out_ref[o]];
	free(w.map);
	free(w.inst);
	return w.to;
}
