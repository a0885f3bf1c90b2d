/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>

#include "artifacts/base/base.h"
#include "artifacts/netlist/cells.h"
#include "artifacts/netlist/logic.h"

/*
 * Names that tell their function. Pin names are those of the usual open
 * libraries (OSU, GF180, SKY130, Nangate, EvoApproxLib).
 */
struct family {
	const char *base;
	uint8_t ins, outs;
	const char *in[4];
	const char *out[2];
	uint64_t tt[2];
};

#define IN1 "A|I|A1|IN|a"
#define A2 "A|A1|IN1|a"
#define B2 "B|A2|IN2|b"
#define C2 "C|A3|IN3|c"
#define D2 "D|A4|IN4|d"
#define YY "Y|Z|ZN|X|O|OUT|y"

static const struct family families[] = {
	{"inv", 1, 1, {IN1}, {YY}, {0x1}},
	{"not", 1, 1, {IN1}, {YY}, {0x1}},
	{"buf", 1, 1, {IN1}, {YY}, {0x2}},
	{"zero", 0, 1, {NULL}, {YY}, {0x0}},
	{"const0", 0, 1, {NULL}, {YY}, {0x0}},
	{"_const0_", 0, 1, {NULL}, {YY}, {0x0}},
	{"one", 0, 1, {NULL}, {YY}, {0x1}},
	{"const1", 0, 1, {NULL}, {YY}, {0x1}},
	{"_const1_", 0, 1, {NULL}, {YY}, {0x1}},
	{"and2", 2, 1, {A2, B2}, {YY}, {0x8}},
	{"or2", 2, 1, {A2, B2}, {YY}, {0xe}},
	{"nand2", 2, 1, {A2, B2}, {YY}, {0x7}},
	{"nor2", 2, 1, {A2, B2}, {YY}, {0x1}},
	{"xor2", 2, 1, {A2, B2}, {YY}, {0x6}},
	{"xnor2", 2, 1, {A2, B2}, {YY}, {0x9}},
	{"and3", 3, 1, {A2, B2, C2}, {YY}, {0x80}},
	{"or3", 3, 1, {A2, B2, C2}, {YY}, {0xfe}},
	{"nand3", 3, 1, {A2, B2, C2}, {YY}, {0x7f}},
	{"nor3", 3, 1, {A2, B2, C2}, {YY}, {0x01}},
	{"xor3", 3, 1, {A2, B2, C2}, {YY}, {0x96}},
	{"xnor3", 3, 1, {A2, B2, C2}, {YY}, {0x69}},
	{"and4", 4, 1, {A2, B2, C2, D2}, {YY}, {0x8000}},
	{"or4", 4, 1, {A2, B2, C2, D2}, {YY}, {0xfffe}},
	{"nand4", 4, 1, {A2, B2, C2, D2}, {YY}, {0x7fff}},
	{"nor4", 4, 1, {A2, B2, C2, D2}, {YY}, {0x0001}},
	/* OSU pins: AOI21 is !(AB + C), OAI22 is !((A + B)(C + D)) */
	{"aoi21", 3, 1, {"A", "B", "C"}, {"Y"}, {0x07}},
	{"oai21", 3, 1, {"A", "B", "C"}, {"Y"}, {0x1f}},
	{"aoi22", 4, 1, {"A", "B", "C", "D"}, {"Y"}, {0x0777}},
	{"oai22", 4, 1, {"A", "B", "C", "D"}, {"Y"}, {0x111f}},
	/* the gates of Yosys, which is what it calls them in a netlist too */
	{"$_buf_", 1, 1, {"A"}, {"Y"}, {0x2}},
	{"$_not_", 1, 1, {"A"}, {"Y"}, {0x1}},
	{"$_and_", 2, 1, {"A", "B"}, {"Y"}, {0x8}},
	{"$_nand_", 2, 1, {"A", "B"}, {"Y"}, {0x7}},
	{"$_or_", 2, 1, {"A", "B"}, {"Y"}, {0xe}},
	{"$_nor_", 2, 1, {"A", "B"}, {"Y"}, {0x1}},
	{"$_xor_", 2, 1, {"A", "B"}, {"Y"}, {0x6}},
	{"$_xnor_", 2, 1, {"A", "B"}, {"Y"}, {0x9}},
	{"$_andnot_", 2, 1, {"A", "B"}, {"Y"}, {0x2}},
	{"$_ornot_", 2, 1, {"A", "B"}, {"Y"}, {0xb}},
	{"$_mux_", 3, 1, {"A", "B", "S"}, {"Y"}, {0xca}},
	{"$_nmux_", 3, 1, {"A", "B", "S"}, {"Y"}, {0x35}},
	{"$_aoi3_", 3, 1, {"A", "B", "C"}, {"Y"}, {0x07}},
	{"$_oai3_", 3, 1, {"A", "B", "C"}, {"Y"}, {0x1f}},
	{"$_aoi4_", 4, 1, {"A", "B", "C", "D"}, {"Y"}, {0x0777}},
	{"$_oai4_", 4, 1, {"A", "B", "C", "D"}, {"Y"}, {0x111f}},
	{"ha", 2, 2, {"A", "B"}, {"YS", "YC"}, {0x6, 0x8}},
	{"fa", 3, 2, {"A", "B", "C"}, {"YS", "YC"}, {0x96, 0xe8}},
};

/* After the base name nothing, or a drive: X1, _X4, _1, _12. */
static bool
drive(const char *s)
{
	if (*s == '\0')
		return true;
	if (*s == '_')
		s++;
	if (*s == 'x' || *s == 'X')
		s++;
	if (!isdigit((unsigned char)*s))
		return false;
	while (isdigit((unsigned char)*s))
		s++;
	return *s == '\0';
}

static const struct family *
family_of(const char *name)
{
	const char *tail = name;

	/* "gf180mcu_fd_sc_mcu9t5v0__nand2_1": behind the last "__" */
	for (const char *p = strstr(name, "__"); p; p = strstr(p + 1, "__"))
		tail = p + 2;
	for (size_t k = 0; k < AX_LEN(families); k++) {
		size_t n = strlen(families[k].base);
		size_t i;

		for (i = 0; i < n && tolower((unsigned char)tail[i]) ==
					     families[k].base[i];
		     i++)
			;
		if (i == n && drive(tail + n))
			return &families[k];
	}
	return NULL;
}

int
ax_cell_find(struct ax_cell_model *out, const struct ax_liberty *lib,
	     const char *name, const char *file, unsigned line,
	     struct ax_err *err)
{
	const struct ax_lib_cell *cell =
		lib ? ax_liberty_cell(lib, name) : NULL;
	const struct family *f = cell ? NULL : family_of(name);

	memset(out, 0, sizeof(*out));
	out->area = -1;
	if (cell) {
		if (!cell->combinational)
			return ax_err_set(
				err, AX_EXIT_STAGE,
				"%s:%u: cell %s is %s in library %s; only "
				"combinational cells of up to 6 inputs with a "
				"function for each output can be read",
				file, line, name,
				cell->sequential ? "sequential"
						 : "not described by functions",
				lib->name);
		out->ins = cell->ins;
		out->outs = cell->outs;
		out->area = cell->area;
		for (unsigned i = 0; i < cell->ins; i++)
			out->in[i] = cell->pin[cell->in[i]].name;
		for (unsigned o = 0; o < cell->outs; o++) {
			out->out[o] = cell->pin[cell->out[o]].name;
			out->tt[o] = cell->pin[cell->out[o]].tt;
		}
		return 0;
	}
	if (!f)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s:%u: unknown cell %s: %s", file, line,
				  name,
				  lib ? "it is not in the Liberty library given"
				      : "its name tells no function; give the "
					"Liberty library it comes from");
	out->ins = f->ins;
	out->outs = f->outs;
	for (unsigned i = 0; i < f->ins; i++)
		out->in[i] = f->in[i];
	for (unsigned o = 0; o < f->outs; o++) {
		out->out[o] = f->out[o];
		out->tt[o] = f->tt[o];
	}
	return 0;
}

/* Is `pin` one of the '|'-separated spellings? In a library's own pin name
 * there is no '|'. */
static bool
spelled(const char *list, const char *pin)
{
	size_t n = strlen(pin);

	for (const char *p = list;; p++) {
		if (strncmp(p, pin, n) == 0 && (p[n] == '|' || p[n] == '\0'))
			return true;
		p = strchr(p, '|');
		if (!p)
			return false;
	}
}

int
ax_cell_connect(struct ax_build *b, const struct ax_liberty *lib,
		const char *cell, unsigned n, const char *const *pins,
		const uint32_t *nets, const char *file, unsigned line,
		struct ax_err *err)
{
	struct ax_cell_model m;
	struct ax_net_cell named = {.transistors = -1};
	uint32_t in[AX_NODE_FANIN], out[AX_CELL_OUTS], id, inst;
	const char *out_pin[AX_CELL_OUTS];

	if (ax_cell_find(&m, lib, cell, file, line, err) < 0)
		return -1;
	for (unsigned i = 0; i < m.ins; i++) {
		in[i] = AX_NO_NET;
		named.in_pin[i] = (char *)(uintptr_t)m.in[i];
	}
	for (unsigned o = 0; o < m.outs; o++) {
		out[o] = AX_NO_NET;
		out_pin[o] = m.out[o];
	}
	for (unsigned p = 0; p < n; p++) {
		uint32_t *slot = NULL;

		for (unsigned i = 0; i < m.ins && !slot; i++) {
			if (spelled(m.in[i], pins[p])) {
				slot = &in[i];
				named.in_pin[i] = (char *)(uintptr_t)pins[p];
			}
		}
		for (unsigned o = 0; o < m.outs && !slot; o++) {
			if (spelled(m.out[o], pins[p])) {
				slot = &out[o];
				out_pin[o] = pins[p];
			}
		}
		if (!slot)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "%s:%u: cell %s has no pin %s", file,
					  line, cell, pins[p]);
		if (*slot != AX_NO_NET)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "%s:%u: pin %s of cell %s is "
					  "connected twice",
					  file, line, pins[p], cell);
		*slot = nets[p];
	}
	for (unsigned i = 0; i < m.ins; i++) {
		if (in[i] == AX_NO_NET)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "%s:%u: input %.*s of cell %s is not "
					  "connected",
					  file, line,
					  (int)strcspn(m.in[i], "|"), m.in[i],
					  cell);
	}
	/* a pin that is left open by the first instance: its first spelling */
	for (unsigned o = 0; o < m.outs; o++) {
		const char *bar = strchr(out_pin[o], '|');

		if (bar)
			out_pin[o] = "Y";
	}
	named.name = (char *)(uintptr_t)cell;
	named.ins = m.ins;
	named.outs = m.outs;
	named.out_pin = (char **)(uintptr_t)out_pin;
	named.area = m.area;
	id = ax_build_cell(b, &named);
	inst = ax_build_instance(b);
	for (unsigned o = 0; o < m.outs; o++) {
		if (out[o] == AX_NO_NET)
			continue;
		if (ax_build_gate(b, m.ins, in, m.tt[o], out[o], line, err) < 0)
			return -1;
		ax_build_mark(b, id, inst, o);
	}
	return 0;
}

uint32_t
ax_netlist_use_cell(struct ax_netlist *net, const struct ax_lib_cell *c)
{
	struct ax_net_cell *to;

	for (size_t i = 0; i < net->cells; i++)
		if (ax_streq(net->cell[i].name, c->name))
			return (uint32_t)i + 1;
	net->cell = ax_realloc(net->cell, net->cells + 1, sizeof(*net->cell));
	to = &net->cell[net->cells++];
	memset(to, 0, sizeof(*to));
	to->name = ax_strdup(c->name);
	to->ins = c->ins;
	for (unsigned i = 0; i < c->ins; i++)
		to->in_pin[i] = ax_strdup(c->pin[c->in[i]].name);
	to->outs = c->outs;
	to->out_pin = ax_calloc(c->outs, sizeof(*to->out_pin));
	for (unsigned o = 0; o < c->outs; o++)
		to->out_pin[o] = ax_strdup(c->pin[c->out[o]].name);
	to->area = c->area;
	to->transistors = -1;
	return (uint32_t)net->cells;
}
