/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/eda/tools/cells.h"

#include "artifacts/base/json.h"
#include "artifacts/netlist/logic.h"

const struct ax_lib_cell *
ax_cells_of_kind(const struct ax_liberty *lib, enum ax_gate kind,
		 const bool *allow)
{
	return ax_liberty_smallest(lib, ax_gate_fanin(kind), ax_gate_tt(kind),
				   allow);
}

static int
choose_default(bool *keep, const struct ax_liberty *lib, struct ax_err *err)
{
	static const enum ax_gate kinds[] = {AX_INV, AX_NAND, AX_AND, AX_OR,
					     AX_XOR, AX_XNOR, AX_NOR};
	bool pair = false, inverter = false;

	for (size_t k = 0; k < AX_LEN(kinds); k++) {
		const struct ax_lib_cell *c =
			ax_cells_of_kind(lib, kinds[k], NULL);

		if (!c)
			continue;
		keep[c - lib->cell] = true;
		inverter |= kinds[k] == AX_INV;
		pair |= kinds[k] == AX_NAND || kinds[k] == AX_NOR ||
			kinds[k] == AX_AND || kinds[k] == AX_OR;
	}
	if (!inverter || !pair)
		return ax_err_set(
			err, AX_EXIT_STAGE,
			"library %s has no %s that synthesis could use "
			"(combinational, not dont_use, with an area); "
			"name the cells in parameter cells",
			lib->name,
			inverter ? "NAND2, NOR2, AND2 or OR2" : "inverter");
	return 0;
}

int
ax_cells_choose(bool *keep, const struct ax_liberty *lib, const json_t *names,
		struct ax_err *err)
{
	const json_t *v;
	size_t i;

	memset(keep, 0, lib->cells * sizeof(*keep));
	if (!names || json_array_size(names) == 0)
		return choose_default(keep, lib, err);
	json_array_foreach(names, i, v)
	{
		const char *name = json_string_value(v);
		bool glob = name && strpbrk(name, "*?"), any = false;
		size_t c;

		for (c = 0; name && c < lib->cells; c++) {
			const struct ax_lib_cell *cell = &lib->cell[c];

			if (!ax_glob(name, cell->name))
				continue;
			if (!cell->combinational && !glob)
				return ax_err_set(
					err, AX_EXIT_STAGE,
					"cell %s of library %s is not a "
					"combinational cell of at most %d "
					"inputs; parameter cells must not name "
					"it",
					name, lib->name, AX_NODE_FANIN);
			if (cell->combinational)
				any = keep[c] = true;
		}
		if (!any) {
			const char **all =
				ax_calloc(lib->cells + 1, sizeof(*all));
			const char *near;

			for (c = 0; c < lib->cells; c++)
				all[c] = lib->cell[c].name;
			near = name && !glob ? ax_nearest(name, all, lib->cells)
					     : NULL;
			ax_err_set(err, AX_EXIT_STAGE,
				   "parameter cells: library %s has no "
				   "combinational cell '%s'%s%s%s",
				   lib->name, name ? name : "?",
				   near ? "; did you mean '" : "",
				   near ? near : "", near ? "'?" : "");
			free(all);
			return -1;
		}
	}
	return 0;
}

int
ax_cells_complete(const struct ax_liberty *lib, const bool *keep,
		  struct ax_err *err)
{
	bool inverter = false, other = false;

	for (size_t i = 0; i < lib->cells; i++) {
		const struct ax_lib_cell *c = &lib->cell[i];
		enum ax_gate kind;

		if (!keep[i] || !c->combinational || c->outs != 1)
			continue;
		kind = ax_gate_of_tt(c->ins, c->pin[c->out[0]].tt);
		inverter |= kind == AX_INV;
		other |= c->ins > 1 && kind != AX_XOR && kind != AX_XNOR;
	}
	if (inverter && other)
		return 0;
	return ax_err_set(err, AX_EXIT_STAGE,
			  "parameter cells: the cells chosen from library %s "
			  "hold no %s; ABC cannot map to them",
			  lib->name,
			  inverter ? "AND2, OR2, NAND2, NOR2 or the like"
				   : "inverter");
}

/* `!a*b+...` in genlib's grammar from the factored form. */
static void
operand(struct ax_str *out, const char *const *text, unsigned i, bool neg)
{
	ax_str_addf(out, "%s%s", neg ? "!" : "", text[i]);
}

static void
function_text(struct ax_str *out, const struct ax_lib_cell *c, uint64_t tt)
{
	struct ax_factored f;
	char *text[AX_NODE_FANIN + AX_LEN(f.op)];
	struct ax_str s = AX_STR_INIT;

	ax_tt_factor(&f, tt, c->ins);
	if (f.result == 255) {
		ax_str_add(out, f.complement ? "CONST1" : "CONST0");
		return;
	}
	for (unsigned i = 0; i < c->ins; i++)
		text[i] = ax_strdup(c->pin[c->in[i]].name);
	for (unsigned i = 0; i < f.ops; i++) {
		const char *const *t = (const char *const *)text;
		unsigned a = f.op[i].a, b = f.op[i].b;
		bool na = f.op[i].na, nb = f.op[i].nb;

		if (f.op[i].op == AX_FOP_XOR) {
			/* genlib has no exclusive-or of its own */
			ax_str_addc(&s, '(');
			operand(&s, t, a, na);
			ax_str_addc(&s, '*');
			operand(&s, t, b, !nb);
			ax_str_addc(&s, '+');
			operand(&s, t, a, !na);
			ax_str_addc(&s, '*');
			operand(&s, t, b, nb);
		} else {
			ax_str_addc(&s, '(');
			operand(&s, t, a, na);
			ax_str_addc(&s, f.op[i].op == AX_FOP_AND ? '*' : '+');
			operand(&s, t, b, nb);
		}
		ax_str_addc(&s, ')');
		text[c->ins + i] = ax_str_take(&s);
	}
	operand(out, (const char *const *)text, f.result, f.complement);
	for (unsigned i = 0; i < c->ins + f.ops; i++)
		free(text[i]);
}

int
ax_cells_genlib(struct ax_str *out, const struct ax_liberty *lib,
		const bool *keep, bool transistors, struct ax_err *err)
{
	/* ABC wants constants and takes them for free: they become assigns */
	ax_str_add(out, "GATE _const0_ 0 _o=CONST0;\n"
			"GATE _const1_ 0 _o=CONST1;\n");
	for (size_t i = 0; i < lib->cells; i++) {
		const struct ax_lib_cell *c = &lib->cell[i];
		uint64_t tt;

		if (!keep[i] || !c->combinational || c->outs != 1 || !c->ins)
			continue;
		tt = c->pin[c->out[0]].tt;
		if (tt == 0 || tt == ax_tt_mask(c->ins))
			continue;
		if (!transistors && c->area < 0)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "cell %s of library %s states no "
					  "area",
					  c->name, lib->name);
		ax_str_addf(out, "GATE %s ", c->name);
		ax_str_add_num(out, transistors ? c->transistors : c->area);
		ax_str_addf(out, " %s=", c->pin[c->out[0]].name);
		function_text(out, c, tt);
		ax_str_add(out, "; PIN * UNKNOWN 1 999 1 0 1 0\n");
	}
	return 0;
}
