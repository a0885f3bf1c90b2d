/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/netlist/verilog_mods.h"

int
ax_vmods_find(struct ax_vmods *all, struct ax_vlex *l)
{
	bool inside = false;

	for (;;) {
		struct ax_vmod *m;

		if (ax_vlex_next(l) < 0)
			return -1;
		/* one without an end is told by who reads it */
		if (l->kind == AX_V_END && all->n)
			return 0;
		if (inside) {
			if (ax_vlex_at(l, "module"))
				return ax_vlex_fail(
					l, "a module within a module", NULL);
			inside = !ax_vlex_at(l, "endmodule");
			continue;
		}
		if (!ax_vlex_at(l, "module"))
			return all->n ? ax_vlex_fail(l, "text after endmodule:",
						     l->text)
				      : ax_vlex_expected(l, "module");
		AX_GROW(all->mod, all->n, all->cap);
		m = &all->mod[all->n++];
		memset(m, 0, sizeof(*m));
		m->pos = l->pos;
		m->line = l->line;
		m->top = l->top;
		if (ax_vlex_next(l) < 0)
			return -1;
		if (l->kind != AX_V_NAME)
			return ax_vlex_expected(l, "the name of the module");
		m->name = ax_strdup(l->text);
		if (ax_map_set(&all->by_name, m->name,
			       (void *)(uintptr_t)all->n))
			return ax_vlex_fail(l, "a second module", m->name);
		inside = true;
	}
}

int
ax_vmods_top(struct ax_vmods *all, struct ax_vlex *l, size_t *top,
	     struct ax_str *warn)
{
	struct ax_vmod *first = NULL, *second = NULL;
	unsigned marked = 0;
	bool uses = false;

	for (size_t i = 0; i < all->n; i++) {
		marked += all->mod[i].top;
		*top = all->mod[i].top ? i : *top;
	}
	if (marked == 1)
		return 0;
	for (size_t i = 0; i < all->n; i++) {
		l->pos = all->mod[i].pos;
		l->line = all->mod[i].line;
		if (ax_vlex_next(l) < 0)
			return -1;
		while (!ax_vlex_at(l, "endmodule") && l->kind != AX_V_END) {
			uintptr_t k;

			if (ax_vlex_next(l) < 0)
				return -1;
			k = l->kind == AX_V_NAME
				    ? (uintptr_t)ax_map_get(&all->by_name,
							    l->text)
				    : 0;
			if (!k)
				continue;
			all->mod[k - 1].used = true;
			all->mod[i].uses = true;
		}
	}
	for (size_t i = 0; i < all->n; i++)
		uses = uses || (all->mod[i].uses && !all->mod[i].used);
	for (size_t i = 0; i < all->n; i++) {
		struct ax_vmod *m = &all->mod[i];

		if (m->used || m->uses != uses)
			continue;
		if (first && !second)
			second = m;
		if (!first)
			first = m;
	}
	l->line = second ? second->line : all->mod[0].line;
	if (!first)
		return ax_vlex_fail(l,
				    "modules that use each other in a circle, "
				    "one of them",
				    all->mod[0].name);
	if (second)
		return ax_err_set(l->err, AX_EXIT_STAGE,
				  "%s:%u: %s and %s could both be the circuit: "
				  "no module uses them; keep one",
				  l->file, l->line, first->name, second->name);
	*top = (size_t)(first - all->mod);
	for (size_t i = 0; i < all->n; i++)
		if (warn && !all->mod[i].used && i != *top)
			ax_str_addf(warn,
				    "%s:%u: module %s is used by none; %s is "
				    "taken as the circuit\n",
				    l->file, all->mod[i].line, all->mod[i].name,
				    first->name);
	return 0;
}

void
ax_vmods_free(struct ax_vmods *all)
{
	for (size_t i = 0; i < all->n; i++)
		free(all->mod[i].name);
	free(all->mod);
	ax_map_free(&all->by_name);
}
