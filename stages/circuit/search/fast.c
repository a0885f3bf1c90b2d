/* SPDX-License-Identifier: Apache-2.0 */
/* Starts for searches in which delay counts: the cheapest circuits ripple. */
#include "stages/circuit/search/families.h"

#include "stages/circuit/structures/structures.h"

static bool
make(const struct ax_search *s, const struct ax_shape *shape,
     struct ax_start *to)
{
	struct ax_netlist *net = NULL;
	unsigned wa, wb;
	int rc;

	if (ax_shape_build(&net, shape, NULL) < 0)
		return false;
	rc = ax_circuit_from_netlist(&to->c, &wa, &wb, net, NULL);
	ax_netlist_free(net);
	if (rc < 0)
		return false;
	ax_circuit_tidy(&to->c);
	if (to->c.outs != s->p->outs ||
	    ax_search_legalise(s, &to->c, NULL) < 0 ||
	    !ax_search_feasible(s, &to->c)) {
		ax_circuit_free(&to->c);
		return false;
	}
	to->cost = ax_search_cost(s, &to->c);
	snprintf(to->what, sizeof(to->what),
		 "%s, %s, %u columns dropped, %" PRIu64 " added",
		 ax_shape_tree_name(shape->tree),
		 ax_shape_adder_name(shape->adder), shape->k, shape->add);
	return true;
}

void
ax_families_fast(const struct ax_search *s, size_t more, struct ax_start **list,
		 size_t *n)
{
	static const enum ax_shape_tree tree[] = {AX_TREE_DADDA,
						  AX_TREE_WALLACE};
	static const enum ax_shape_adder adder[] = {
		AX_ADDER_RIPPLE, AX_ADDER_BRENT_KUNG, AX_ADDER_SKLANSKY};
	struct ax_shape shape = {.op = AX_SHAPE_MUL,
				 .family = AX_SHAPE_TRUNCATED,
				 .wa = s->p->wa,
				 .wb = s->p->wb,
				 .sign = s->p->sign};

	for (shape.k = 0; shape.k < s->p->outs; shape.k++)
		for (unsigned i = 0; i < AX_LEN(tree) * AX_LEN(adder); i++) {
			uint64_t add[3] = {0};

			shape.tree = tree[i / AX_LEN(adder)];
			shape.adder = adder[i % AX_LEN(adder)];
			shape.add = 0;
			if (ax_shape_check(&shape, NULL) < 0)
				continue;
			add[1] = ax_shape_half_constant(&shape);
			add[2] = ax_shape_mean_constant(&shape);
			for (int k = 0; k < 3; k++) {
				if (k && (add[k] == add[k - 1] || !add[k]))
					continue;
				shape.add = add[k];
				/* the room for more is kept */
				*list = ax_realloc(*list, *n + more + 2,
						   sizeof(**list));
				memset(*list + *n, 0,
				       (more + 2) * sizeof(**list));
				*n += make(s, &shape, *list + *n);
			}
		}
}
