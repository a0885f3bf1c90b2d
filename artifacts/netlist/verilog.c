/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>

#include "artifacts/netlist/cells.h"
#include "artifacts/netlist/verilog.h"

/*
 * Structural Verilog: what synthesis tools write. Declarations of nets,
 * instances of cells with named ports and of the file's own modules, primitive
 * gates, and continuous assignments whose right sides are made of ~ & | ^ ?:,
 * reductions, && || == !=. Modules are flattened.
 */

#define MAX_PINS 64
#define MAX_LEVELS 32
#define MAX_INSTANCES 2000000

/* Left side and right side; also of `wire x = ...`. */
static int
assign_to(struct ax_verilog *v, const struct ax_v_nets *to)
{
	struct ax_v_nets from = {0};
	unsigned line = v->lex.line;
	int rc = ax_v_expression(v, &from);

	if (rc == 0 && !ax_v_at(v, ";") && !ax_v_at(v, ","))
		rc = ax_v_fail(
			v,
			"in an assignment only ~ & | ^ ?: and {} can be "
			"read, a netlist is expected: synthesise the design "
			"first; found",
			v->lex.text);
	if (rc == 0)
		ax_v_fit(v, &from, to->n);
	if (rc == 0 && from.n != to->n)
		rc = ax_v_fail(v, "an assignment between different widths",
			       NULL);
	for (uint32_t i = 0; rc == 0 && i < to->n; i++)
		rc = ax_build_wire(v->b, to->net[i], from.net[i], line,
				   v->lex.err);
	free(from.net);
	return rc;
}

/* #3 or #(1, 2), which says nothing about the function. */
static int
delay(struct ax_verilog *v)
{
	if (!ax_v_at(v, "#"))
		return 0;
	if (ax_v_next(v) < 0)
		return -1;
	if (ax_v_at(v, "("))
		while (!ax_v_at(v, ")") && v->lex.kind != AX_V_END)
			if (ax_v_next(v) < 0)
				return -1;
	return ax_v_next(v);
}

static int
assignment(struct ax_verilog *v)
{
	do {
		struct ax_v_nets to = {0};
		int rc = ax_v_next(v) < 0 ? -1 : delay(v); /* "assign" or "," */

		if (rc == 0)
			rc = ax_v_at(v, "{") ? ax_v_concat(v, &to)
			     : v->lex.kind == AX_V_NAME
				     ? ax_v_name(v, &to)
				     : ax_vlex_expected(&v->lex, "a net");
		if (rc == 0)
			rc = ax_v_expect(v, "=");
		if (rc == 0)
			rc = assign_to(v, &to);
		free(to.net);
		if (rc < 0)
			return -1;
	} while (ax_v_at(v, ","));
	return ax_v_expect(v, ";");
}

static int
declaration(struct ax_verilog *v, enum ax_v_dir dir)
{
	bool low = ax_v_at(v, "supply0"), high = ax_v_at(v, "supply1"), has;
	int32_t msb, lsb;

	if (ax_v_next(v) < 0 || ax_v_type_of(v, &has, &msb, &lsb) < 0)
		return -1;
	for (;;) {
		char *id = ax_strdup(v->lex.text);
		int rc = ax_v_declare(v, dir, has, msb, lsb, false);

		if (rc == 0 && ax_v_at(v, "=") && !dir) {
			/* by value: the list of signals may move */
			struct ax_v_nets to = ax_v_find(v, id)->bits;

			rc = ax_v_next(v) < 0 ? -1 : assign_to(v, &to);
		} else if (rc == 0 && (low || high)) {
			struct ax_v_nets to = ax_v_find(v, id)->bits;

			for (uint32_t i = 0; rc == 0 && i < to.n; i++)
				rc = ax_build_wire(v->b, to.net[i],
						   ax_build_const(v->b, high),
						   v->lex.line, v->lex.err);
		}
		free(id);
		if (rc < 0)
			return -1;
		if (!ax_v_at(v, ","))
			return ax_v_expect(v, ";");
		if (ax_v_next(v) < 0)
			return -1;
	}
}

static int
one_bit(struct ax_verilog *v, uint32_t *net, const char *pin)
{
	struct ax_v_nets x = {0};
	int rc = ax_v_expression(v, &x);

	if (rc == 0 && x.n != 1)
		rc = ax_v_fail(v, "more than one bit on pin", pin);
	if (rc == 0)
		*net = x.net[0];
	free(x.net);
	return rc;
}

/* nand g1 (y, a, b); more inputs are joined pair by pair. */
static int
primitive(struct ax_verilog *v, enum ax_gate kind)
{
	uint32_t nets[MAX_PINS];
	unsigned n = 0, line = v->lex.line;
	bool invert;
	uint64_t base;

	if (ax_v_next(v) < 0 || delay(v) < 0)
		return -1;
	if (v->lex.kind == AX_V_NAME && ax_v_next(v) < 0)
		return -1;
	if (ax_v_expect(v, "(") < 0)
		return -1;
	do {
		if (n > 0 && ax_v_next(v) < 0)
			return -1;
		if (n == MAX_PINS)
			return ax_v_fail(v, "a gate with over 64 pins", NULL);
		if (one_bit(v, &nets[n++], "of a gate") < 0)
			return -1;
	} while (ax_v_at(v, ","));
	if (ax_v_expect(v, ")") < 0 || ax_v_expect(v, ";") < 0)
		return -1;
	if (ax_gate_fanin(kind) == 1) {
		if (n != 2)
			return ax_v_fail(v, "a buffer or inverter has two pins",
					 NULL);
		if (kind == AX_BUF)
			return ax_build_wire(v->b, nets[0], nets[1], line,
					     v->lex.err);
		return ax_build_gate(v->b, 1, nets + 1, 0x1, nets[0], line,
				     v->lex.err);
	}
	if (n < 3)
		return ax_v_fail(v, "a gate without two inputs", NULL);
	invert = kind == AX_NAND || kind == AX_NOR || kind == AX_XNOR;
	base = ax_gate_tt(kind) ^ (invert ? 0xf : 0);
	for (unsigned i = 2; i < n; i++) {
		uint32_t in[2] = {nets[i - 1], nets[i]};
		bool last = i == n - 1;
		uint32_t out = last ? nets[0] : ax_build_anon(v->b, line);

		if (ax_build_gate(v->b, 2, in, last ? ax_gate_tt(kind) : base,
				  out, line, v->lex.err) < 0)
			return -1;
		nets[i] = out;
	}
	return 0;
}

static int
pins(struct ax_verilog *v, unsigned *n, char **name_of, uint32_t *nets)
{
	while (!ax_v_at(v, ")")) {
		if (*n > 0 && ax_v_expect(v, ",") < 0)
			return -1;
		if (!ax_v_at(v, "."))
			return ax_v_fail(v, "cells need named ports: .A(net)",
					 NULL);
		if (ax_v_next(v) < 0)
			return -1;
		if (v->lex.kind != AX_V_NAME)
			return ax_vlex_expected(&v->lex, "the name of a pin");
		if (*n == MAX_PINS)
			return ax_v_fail(v, "a cell with over 64 pins", NULL);
		name_of[*n] = ax_strdup(v->lex.text);
		nets[*n] = AX_NO_NET;
		++*n;
		if (ax_v_next(v) < 0 || ax_v_expect(v, "(") < 0)
			return -1;
		if (!ax_v_at(v, ")") &&
		    one_bit(v, &nets[*n - 1], name_of[*n - 1]) < 0)
			return -1;
		if (ax_v_expect(v, ")") < 0)
			return -1;
	}
	return ax_v_next(v);
}

static int
cell(struct ax_verilog *v, const char *type, unsigned line)
{
	char *name_of[MAX_PINS];
	uint32_t nets[MAX_PINS];
	unsigned n = 0, used = 0;
	const char *connected[MAX_PINS];
	int rc = pins(v, &n, name_of, nets);

	if (rc == 0)
		rc = ax_v_expect(v, ";");
	for (unsigned i = 0; i < n; i++) {
		if (nets[i] == AX_NO_NET)
			continue;
		connected[used] = name_of[i];
		nets[used++] = nets[i];
	}
	if (rc == 0)
		rc = ax_cell_connect(v->b, v->lib, type, used, connected, nets,
				     v->lex.file, line, v->lex.err);
	for (unsigned i = 0; i < n; i++)
		free(name_of[i]);
	return rc;
}

/* What an instance of a module is connected to, by name or by place. */
struct link {
	char *port; /* NULL: by place */
	struct ax_v_nets to;
	bool open, taken;
};

static int
links(struct ax_verilog *v, struct link **list, size_t *n)
{
	size_t cap = 0;

	while (!ax_v_at(v, ")")) {
		struct link *l;
		bool named;

		if (*n > 0 && ax_v_expect(v, ",") < 0)
			return -1;
		named = ax_v_at(v, ".");
		AX_GROW(*list, *n, cap);
		l = &(*list)[(*n)++];
		memset(l, 0, sizeof(*l));
		if (*n > 1 && named != ((*list)[0].port != NULL))
			return ax_v_fail(
				v, "ports by name and by place at once", NULL);
		if (!named) {
			l->open = ax_v_at(v, ",") || ax_v_at(v, ")");
			if (!l->open && ax_v_expression(v, &l->to) < 0)
				return -1;
			continue;
		}
		if (ax_v_next(v) < 0)
			return -1;
		if (v->lex.kind != AX_V_NAME)
			return ax_vlex_expected(&v->lex, "the name of a port");
		l->port = ax_strdup(v->lex.text);
		if (ax_v_next(v) < 0 || ax_v_expect(v, "(") < 0)
			return -1;
		l->open = ax_v_at(v, ")");
		if (!l->open && ax_v_expression(v, &l->to) < 0)
			return -1;
		if (ax_v_expect(v, ")") < 0)
			return -1;
	}
	return ax_v_next(v) < 0 ? -1 : ax_v_expect(v, ";");
}

static int
join_port(struct ax_verilog *v, const struct ax_vmod *m,
	  const struct ax_v_sig *s, size_t place, struct link *list, size_t n,
	  unsigned line)
{
	struct link *l = NULL;

	for (size_t i = 0; i < n; i++) {
		if (list[i].port ? !ax_streq(list[i].port, s->name)
				 : i != place)
			continue;
		if (l)
			return ax_err_set(v->lex.err, AX_EXIT_STAGE,
					  "%s:%u: port %s of module %s is "
					  "connected twice",
					  v->lex.file, line, s->name, m->name);
		l = &list[i];
		l->taken = true;
	}
	if (!l || l->open) {
		if (s->dir == AX_V_DIR_OUTPUT)
			return 0;
		return ax_err_set(v->lex.err, AX_EXIT_STAGE,
				  "%s:%u: input %s of module %s is not "
				  "connected",
				  v->lex.file, line, s->name, m->name);
	}
	ax_v_fit(v, &l->to, s->bits.n);
	if (l->to.n != s->bits.n)
		return ax_err_set(v->lex.err, AX_EXIT_STAGE,
				  "%s:%u: port %s of module %s has %u bits and "
				  "is connected to %u",
				  v->lex.file, line, s->name, m->name,
				  s->bits.n, l->to.n);
	for (uint32_t i = 0; i < l->to.n; i++) {
		bool out = s->dir == AX_V_DIR_OUTPUT;

		if (ax_build_wire(v->b, out ? l->to.net[i] : s->bits.net[i],
				  out ? s->bits.net[i] : l->to.net[i], line,
				  v->lex.err) < 0)
			return -1;
	}
	return 0;
}

static int body(struct ax_verilog *v);
static void free_scope(struct ax_verilog *v);

static int
submodule(struct ax_verilog *v, size_t module, const char *name, unsigned line)
{
	const struct ax_vmod *m = &v->mods->mod[module];
	struct ax_verilog w = {.lib = v->lib,
			       .b = v->b,
			       .warn = v->warn,
			       .warned = v->warned,
			       .mods = v->mods,
			       .bits = v->bits,
			       .level = v->level + 1};
	struct link *list = NULL;
	char *prefix = ax_asprintf("%s%.200s.", v->prefix, name);
	size_t n = 0;
	int rc = links(v, &list, &n);

	if (rc == 0 && w.level > MAX_LEVELS)
		rc = ax_err_set(v->lex.err, AX_EXIT_STAGE,
				"%s:%u: modules nested more than %u deep (or "
				"in a circle), at %s",
				v->lex.file, line, MAX_LEVELS, m->name);
	if (rc == 0 && ++v->mods->instances > MAX_INSTANCES)
		rc = ax_err_set(v->lex.err, AX_EXIT_STAGE,
				"%s:%u: more than two million instances of "
				"modules",
				v->lex.file, line);
	if (rc == 0) {
		w.prefix = prefix;
		ax_vlex_init(&w.lex, v->lex.file, v->lex.code, v->lex.len,
			     v->lex.err);
		w.lex.pos = m->pos;
		w.lex.line = m->line;
		rc = body(&w);
		for (size_t i = 0; rc == 0 && i < w.n_port; i++)
			rc = join_port(v, m, &w.sig[w.port[i]], i, list, n,
				       line);
		for (size_t i = 0; rc == 0 && i < n; i++)
			if (!list[i].taken)
				rc = ax_err_set(
					v->lex.err, AX_EXIT_STAGE,
					"%s:%u: module %s has no port %s",
					v->lex.file, line, m->name,
					list[i].port ? list[i].port
						     : "in that place");
		v->bits = w.bits;
		v->warned = w.warned;
		free_scope(&w);
	}
	for (size_t i = 0; i < n; i++) {
		free(list[i].port);
		free(list[i].to.net);
	}
	free(list);
	free(prefix);
	return rc;
}

static int
instance(struct ax_verilog *v)
{
	char *type = ax_strdup(v->lex.text), *id = NULL;
	uintptr_t module = (uintptr_t)ax_map_get(&v->mods->by_name, type);
	unsigned line = v->lex.line;
	int rc = ax_v_next(v);

	if (rc == 0 && ax_v_at(v, "#"))
		rc = ax_v_fail(v, "parameters on cell", type);
	if (rc == 0 && v->lex.kind != AX_V_NAME)
		rc = ax_err_set(v->lex.err, AX_EXIT_STAGE,
				"%s:%u: '%s' is neither a declaration nor an "
				"instance that a netlist may hold; behavioural "
				"code must be synthesised first",
				v->lex.file, line, type);
	if (rc == 0) {
		id = ax_strdup(v->lex.text);
		rc = ax_v_next(v) < 0 || ax_v_expect(v, "(") < 0 ? -1 : 0;
	}
	if (rc == 0)
		rc = module ? submodule(v, module - 1, id, line)
			    : cell(v, type, line);
	free(type);
	free(id);
	return rc;
}

static int
header(struct ax_verilog *v)
{
	enum ax_v_dir dir = AX_V_DIR_NONE;
	int32_t msb = 0, lsb = 0;
	bool has = false;

	if (!ax_v_at(v, "("))
		return ax_v_expect(v, ";");
	if (ax_v_next(v) < 0)
		return -1;
	while (!ax_v_at(v, ")")) {
		if (ax_v_at(v, "inout"))
			return ax_v_fail(v, "an inout port", NULL);
		if (ax_v_at(v, "input") || ax_v_at(v, "output")) {
			dir = ax_v_at(v, "input") ? AX_V_DIR_INPUT
						  : AX_V_DIR_OUTPUT;
			if (ax_v_next(v) < 0 ||
			    ax_v_type_of(v, &has, &msb, &lsb) < 0)
				return -1;
		}
		if (ax_v_declare(v, dir, has, msb, lsb, true) < 0)
			return -1;
		if (!ax_v_at(v, ")") && ax_v_expect(v, ",") < 0)
			return -1;
	}
	return ax_v_next(v) < 0 ? -1 : ax_v_expect(v, ";");
}

static int
item(struct ax_verilog *v)
{
	static const enum ax_gate kinds[] = {AX_AND, AX_OR,   AX_NAND, AX_NOR,
					     AX_XOR, AX_XNOR, AX_BUF,  AX_INV};
	static const char *const words[] = {"and", "or",   "nand", "nor",
					    "xor", "xnor", "buf",  "not"};

	if (ax_v_at(v, ";"))
		return ax_v_next(v);
	if (ax_v_at(v, "input"))
		return declaration(v, AX_V_DIR_INPUT);
	if (ax_v_at(v, "output"))
		return declaration(v, AX_V_DIR_OUTPUT);
	if (ax_v_at(v, "wire") || ax_v_at(v, "tri") || ax_v_at(v, "supply0") ||
	    ax_v_at(v, "supply1"))
		return declaration(v, AX_V_DIR_NONE);
	if (ax_v_at(v, "specify")) {
		/* delays, in a library's models */
		while (!ax_v_at(v, "endspecify") && v->lex.kind != AX_V_END)
			if (ax_v_next(v) < 0)
				return -1;
		return ax_v_expect(v, "endspecify");
	}
	if (ax_v_at(v, "assign"))
		return assignment(v);
	if (ax_v_at(v, "inout"))
		return ax_v_fail(v, "an inout port", NULL);
	for (size_t i = 0; i < AX_LEN(words); i++) {
		if (ax_v_at(v, words[i]))
			return primitive(v, kinds[i]);
	}
	if (v->lex.kind == AX_V_END)
		return ax_v_fail(v,
				 "the text ends before endmodule; it seems cut",
				 NULL);
	if (v->lex.kind != AX_V_NAME)
		return ax_vlex_expected(&v->lex, "an instance or declaration");
	return instance(v);
}

static int
check_ports(struct ax_verilog *v)
{
	for (size_t i = 0; i < v->n_port; i++) {
		const struct ax_v_sig *s = &v->sig[v->port[i]];

		if (!s->dir)
			return ax_err_set(v->lex.err, AX_EXIT_STAGE,
					  "%s:%u: port %s is neither input nor "
					  "output",
					  v->lex.file, s->line, s->name);
	}
	for (size_t i = 0; i < v->n_sig; i++) {
		bool listed = v->sig[i].dir == AX_V_DIR_NONE;

		for (size_t k = 0; !listed && k < v->n_port; k++)
			listed = v->port[k] == i;
		if (!listed)
			return ax_err_set(v->lex.err, AX_EXIT_STAGE,
					  "%s:%u: %s is declared as a port but "
					  "not listed in the module's header",
					  v->lex.file, v->sig[i].line,
					  v->sig[i].name);
	}
	return 0;
}

static int
make_ports(struct ax_verilog *v)
{
	for (size_t i = 0; i < v->n_port; i++) {
		const struct ax_v_sig *s = &v->sig[v->port[i]];

		if (ax_build_port(v->b, s->dir == AX_V_DIR_OUTPUT, s->name,
				  s->bits.n, s->msb >= s->lsb ? s->lsb : 0,
				  !s->range, s->bits.net, s->line,
				  v->lex.err) < 0)
			return -1;
	}
	return 0;
}

/* From the name of a module to its end. */
static int
body(struct ax_verilog *v)
{
	if (ax_v_next(v) < 0 || ax_v_next(v) < 0 || header(v) < 0)
		return -1;
	while (!ax_v_at(v, "endmodule")) {
		if (item(v) < 0)
			return -1;
	}
	return check_ports(v);
}

static void
free_scope(struct ax_verilog *v)
{
	for (size_t i = 0; i < v->n_sig; i++) {
		free(v->sig[i].name);
		free(v->sig[i].bits.net);
	}
	free(v->sig);
	free(v->port);
	ax_map_free(&v->by_name);
	ax_vlex_free(&v->lex);
}

/* --- the file ------------------------------------------------------------ */

int
ax_netlist_read_verilog(struct ax_netlist **out, const char *file,
			const char *text, size_t len,
			const struct ax_liberty *lib, struct ax_str *warn,
			struct ax_err *err)
{
	struct ax_vmods all = {0};
	struct ax_verilog v = {
		.lib = lib, .warn = warn, .mods = &all, .prefix = ""};
	size_t top = 0;
	char *plain;
	int rc;

	if (ax_verilog_directives(&plain, file, text, len, err) < 0)
		return -1;
	ax_vlex_init(&v.lex, file, plain ? plain : text, len, err);
	rc = ax_vmods_find(&all, &v.lex) < 0
		     ? -1
		     : ax_vmods_top(&all, &v.lex, &top, warn);
	if (rc == 0) {
		v.b = ax_build_new(file, all.mod[top].name, warn);
		v.lex.pos = all.mod[top].pos;
		v.lex.line = all.mod[top].line;
		rc = body(&v) < 0 ? -1 : make_ports(&v);
		if (rc == 0)
			rc = ax_build_finish(out, v.b, true, err);
		else
			ax_build_free(v.b);
	}
	ax_vmods_free(&all);
	free_scope(&v);
	free(plain);
	return rc;
}
