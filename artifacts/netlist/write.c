/* SPDX-License-Identifier: Apache-2.0 */
/* Writers: BLIF, Verilog in two styles, Yosys JSON. */
#include <ctype.h>

#include "artifacts/base/base.h"
#include "artifacts/netlist/logic.h"
#include "artifacts/netlist/netlist.h"

/* No port's name may hold one of these, which the format cannot say. */
static int
check_names(const struct ax_netlist *net, const char *format, const char *bad,
	    struct ax_err *err)
{
	for (uint32_t k = 0; k < net->ins + net->outs; k++) {
		const char *name = k < net->ins ? net->in[k].name
						: net->out[k - net->ins].name;

		if (name[0] == '\0' || strpbrk(name, bad))
			return ax_err_set(
				err, AX_EXIT_STAGE,
				"%s cannot say the port name '%.80s'; "
				"rename it",
				format, name);
	}
	return 0;
}

/* The net of a reference in BLIF: the port bit's name, or n<j>. */
static void
blif_ref(struct ax_str *out, const struct ax_netlist *net, uint32_t r)
{
	if (r < net->inputs)
		ax_bus_bit_name(out, net->in, net->ins, r);
	else
		ax_str_addf(out, "$n%u", r - net->inputs);
}

static void
blif_ports(struct ax_str *out, const char *word, const struct ax_bus *bus,
	   uint32_t n, uint32_t bits)
{
	ax_str_add(out, word);
	for (uint32_t i = 0; i < bits; i++) {
		ax_str_add(out, i && i % 16 == 0 ? " \\\n " : " ");
		ax_bus_bit_name(out, bus, n, i);
	}
	ax_str_addc(out, '\n');
}

static void
cover(struct ax_str *out, const struct ax_node *node)
{
	uint64_t tt = node->tt;

	/* the usual rows for the common kinds, minterms for the others */
	switch (node->kind) {
	case AX_OR:
		ax_str_add(out, "1- 1\n-1 1\n");
		return;
	case AX_NAND:
		ax_str_add(out, "0- 1\n-0 1\n");
		return;
	default:
		break;
	}
	for (unsigned p = 0; p < 1u << node->n; p++) {
		if (!(tt >> p & 1))
			continue;
		for (unsigned i = 0; i < node->n; i++)
			ax_str_addc(out, p >> i & 1 ? '1' : '0');
		ax_str_add(out, " 1\n");
	}
}

/* The nodes of an instance that starts at node j are j and later ones with the
 * same number; `pins` gives for each output its node or SIZE_MAX. */
static void
instance_outputs(const struct ax_netlist *net, size_t *first_of, size_t *next)
{
	size_t *last = ax_calloc(net->insts + 1u, sizeof(*last));

	for (size_t i = 0; i <= net->insts; i++)
		first_of[i] = last[i] = SIZE_MAX;
	for (size_t j = 0; j < net->nodes; j++) {
		uint32_t inst = net->node[j].cell ? net->node[j].inst : 0;

		next[j] = SIZE_MAX;
		if (inst == 0)
			continue;
		if (first_of[inst] == SIZE_MAX)
			first_of[inst] = j;
		else
			next[last[inst]] = j;
		last[inst] = j;
	}
	free(last);
}

int
ax_netlist_write_blif(struct ax_str *out, const struct ax_netlist *net,
		      bool gates, struct ax_err *err)
{
	size_t *first_of = ax_calloc(net->insts + 1u, sizeof(*first_of));
	size_t *next = ax_calloc(net->nodes + 1, sizeof(*next));
	bool constant;
	int rc = check_names(net, "BLIF", " \t\r\n\f\v#", err);

	instance_outputs(net, first_of, next);
	ax_str_addf(out, ".model %s\n", net->name);
	blif_ports(out, ".inputs", net->in, net->ins, net->inputs);
	blif_ports(out, ".outputs", net->out, net->outs, net->outputs);
	for (size_t j = 0; j < net->nodes && rc == 0; j++) {
		const struct ax_node *node = &net->node[j];
		const struct ax_net_cell *cell =
			node->cell ? &net->cell[node->cell - 1] : NULL;

		if (!gates || !cell) {
			if (gates && node->n > 0 && node->kind != AX_BUF) {
				rc = ax_err_set(
					err, AX_EXIT_STAGE,
					"node %zu (%s) has no library "
					"cell to write as .gate",
					j,
					ax_gate_name((enum ax_gate)node->kind));
				break;
			}
			/* a constant has no inputs: some readers take no empty
			 * cover that has */
			constant = node->tt == 0 ||
				   node->tt == ax_tt_mask(node->n);
			ax_str_add(out, ".names");
			for (unsigned i = 0; !constant && i < node->n; i++) {
				ax_str_addc(out, ' ');
				blif_ref(out, net, node->in[i]);
			}
			ax_str_addf(out, " $n%zu\n", j);
			if (constant)
				ax_str_add(out, node->tt ? "1\n" : "");
			else
				cover(out, node);
			continue;
		}
		if (first_of[node->inst] != j)
			continue;
		/* a cell of several outputs is .subckt: .gate has one */
		ax_str_addf(out, "%s %s",
			    next[j] == SIZE_MAX && cell->outs == 1 ? ".gate"
								   : ".subckt",
			    cell->name);
		for (unsigned i = 0; i < node->n; i++) {
			ax_str_addf(out, " %s=", cell->in_pin[i]);
			blif_ref(out, net, node->in[i]);
		}
		for (size_t k = j; k != SIZE_MAX; k = next[k])
			ax_str_addf(out, " %s=$n%zu",
				    cell->out_pin[net->node[k].pin], k);
		ax_str_addc(out, '\n');
	}
	for (uint32_t i = 0; i < net->outputs && rc == 0; i++) {
		ax_str_add(out, ".names ");
		blif_ref(out, net, net->out_ref[i]);
		ax_str_addc(out, ' ');
		ax_bus_bit_name(out, net->out, net->outs, i);
		ax_str_add(out, "\n1 1\n");
	}
	ax_str_add(out, ".end\n");
	free(first_of);
	free(next);
	return rc;
}

/* --- Verilog ------------------------------------------------------------- */

/* Of Verilog-2005 and SystemVerilog. */
static bool
keyword(const char *name)
{
	static const char words[] =
		" accept_on alias always always_comb always_ff always_latch "
		"and assert assign assume automatic before begin bind bins "
		"binsof bit break buf bufif0 bufif1 byte case casex casez "
		"cell chandle checker class clocking cmos config const "
		"constraint context continue cover covergroup coverpoint "
		"cross deassign default defparam design disable dist do "
		"edge else end endcase endchecker endclass endclocking "
		"endconfig endfunction endgenerate endgroup endinterface "
		"endmodule endpackage endprimitive endprogram endproperty "
		"endsequence endspecify endtable endtask enum event "
		"eventually expect export extends extern final first_match "
		"for force foreach forever fork function generate genvar "
		"global highz0 highz1 if iff ifnone ignore_bins "
		"illegal_bins implements implies import incdir include "
		"initial inout input inside instance int integer "
		"interconnect interface intersect join join_any join_none "
		"large let liblist library local localparam logic longint "
		"macromodule matches medium modport module nand negedge "
		"nettype new nexttime nmos nor noshowcancelled not notif0 "
		"notif1 null or output package packed parameter pmos "
		"posedge primitive priority program property protected "
		"pull0 pull1 pulldown pullup pulsestyle_ondetect "
		"pulsestyle_onevent pure rand randc randcase randsequence "
		"rcmos real realtime ref reg reject_on release repeat "
		"restrict return rnmos rpmos rtran rtranif0 rtranif1 "
		"s_always s_eventually s_nexttime s_until s_until_with "
		"scalared sequence shortint shortreal showcancelled signed "
		"small soft solve specify specparam static string strong "
		"strong0 strong1 struct super supply0 supply1 "
		"sync_accept_on sync_reject_on table tagged task this "
		"throughout time timeprecision timeunit tran tranif0 "
		"tranif1 tri tri0 tri1 triand trior trireg type typedef "
		"union unique unique0 unsigned until until_with untyped use "
		"uwire var vectored virtual void wait wait_order wand weak "
		"weak0 weak1 while wildcard wire with within wor xnor xor ";
	char *word = ax_asprintf(" %s ", name);
	bool found = strstr(words, word) != NULL;

	free(word);
	return found;
}

static void
identifier(struct ax_str *out, const char *name)
{
	bool plain = (isalpha((unsigned char)name[0]) || name[0] == '_') &&
		     !keyword(name);

	for (const char *p = name; *p; p++)
		plain = plain &&
			(isalnum((unsigned char)*p) || *p == '_' || *p == '$');
	ax_str_addf(out, plain ? "%s" : "\\%s ", name);
}

static void
verilog_bit(struct ax_str *out, const struct ax_bus *bus, uint32_t n,
	    uint32_t i)
{
	for (uint32_t k = 0; k < n; k++) {
		if (i - bus[k].first >= bus[k].width)
			continue;
		identifier(out, bus[k].name);
		if (!bus[k].scalar)
			ax_str_addf(out, "[%ld]",
				    (long)bus[k].lsb +
					    (long)(i - bus[k].first));
		return;
	}
}

/* Wires take names no port has: "_<j>_" as Yosys does, with more underscores
 * in front while a port is called like that. */
static void
wire(struct ax_str *out, size_t j, const char *stem)
{
	ax_str_addf(out, "%s%zu_", stem, j);
}

static char *
stem_of(const struct ax_netlist *net)
{
	size_t longest = 1;

	for (uint32_t k = 0; k < net->ins + net->outs; k++) {
		const char *name = k < net->ins ? net->in[k].name
						: net->out[k - net->ins].name;

		longest = AX_MAX(longest, strspn(name, "_") + 1);
	}
	longest = AX_MIN(longest, (size_t)200);
	return ax_strndup("________________________________________________"
			  "________________________________________________",
			  AX_MIN(longest, (size_t)90));
}

static void
verilog_ref(struct ax_str *out, const struct ax_netlist *net, uint32_t r,
	    const char *stem)
{
	if (r < net->inputs)
		verilog_bit(out, net->in, net->ins, r);
	else
		wire(out, r - net->inputs, stem);
}

static void
verilog_head(struct ax_str *out, const struct ax_netlist *net, const char *stem)
{
	ax_str_add(out, "module ");
	identifier(out, net->name);
	ax_str_add(out, "(");
	for (uint32_t k = 0; k < net->ins + net->outs; k++) {
		ax_str_add(out, k ? ", " : "");
		identifier(out, k < net->ins ? net->in[k].name
					     : net->out[k - net->ins].name);
	}
	ax_str_add(out, ");\n");
	for (uint32_t k = 0; k < net->ins + net->outs; k++) {
		const struct ax_bus *bus =
			k < net->ins ? &net->in[k] : &net->out[k - net->ins];

		ax_str_add(out, k < net->ins ? "  input " : "  output ");
		if (!bus->scalar)
			ax_str_addf(out, "[%ld:%ld] ",
				    (long)bus->lsb + (long)bus->width - 1,
				    (long)bus->lsb);
		identifier(out, bus->name);
		ax_str_add(out, ";\n");
	}
	for (size_t j = 0; j < net->nodes; j++) {
		ax_str_add(out, "  wire ");
		wire(out, j, stem);
		ax_str_add(out, ";\n");
	}
}

static void
verilog_tail(struct ax_str *out, const struct ax_netlist *net, const char *stem)
{
	for (uint32_t i = 0; i < net->outputs; i++) {
		ax_str_add(out, "  assign ");
		verilog_bit(out, net->out, net->outs, i);
		ax_str_add(out, " = ");
		verilog_ref(out, net, net->out_ref[i], stem);
		ax_str_add(out, ";\n");
	}
	ax_str_add(out, "endmodule\n");
}

struct expr {
	struct ax_str *out;
	const struct ax_netlist *net;
	const struct ax_node *node;
	const struct ax_factored *f;
	const char *stem;
};

/* As deep as the factored form, which logic.h bounds. */
static void
verilog_op(const struct expr *e, unsigned i, bool complement)
{
	static const char *const sign[] = {" & ", " | ", " ^ "};
	unsigned k = i - e->f->n;

	if (complement)
		ax_str_addc(e->out, '~');
	if (i < e->f->n) {
		verilog_ref(e->out, e->net, e->node->in[i], e->stem);
		return;
	}
	ax_str_addc(e->out, '(');
	verilog_op(e, e->f->op[k].a, e->f->op[k].na);
	ax_str_add(e->out, sign[e->f->op[k].op]);
	verilog_op(e, e->f->op[k].b, e->f->op[k].nb);
	ax_str_addc(e->out, ')');
}

int
ax_netlist_write_verilog(struct ax_str *out, const struct ax_netlist *net,
			 struct ax_err *err)
{
	struct ax_factored *f = ax_calloc(1, sizeof(*f));
	char *stem = stem_of(net);
	int rc = check_names(net, "Verilog", " \t\r\n\f\v", err);

	verilog_head(out, net, stem);
	for (size_t j = 0; j < net->nodes; j++) {
		struct expr e = {out, net, &net->node[j], f, stem};

		ax_tt_factor(f, e.node->tt, e.node->n);
		ax_str_add(out, "  assign ");
		wire(out, j, stem);
		ax_str_add(out, " = ");
		if (f->result == 255)
			ax_str_add(out, f->complement ? "1'b1" : "1'b0");
		else
			verilog_op(&e, f->result, f->complement);
		ax_str_add(out, ";\n");
	}
	verilog_tail(out, net, stem);
	free(stem);
	free(f);
	return rc;
}

int
ax_netlist_write_cells(struct ax_str *out, const struct ax_netlist *net,
		       struct ax_err *err)
{
	size_t *first_of = ax_calloc(net->insts + 1u, sizeof(*first_of));
	size_t *next = ax_calloc(net->nodes + 1, sizeof(*next));
	char *stem = stem_of(net);
	int rc = check_names(net, "Verilog", " \t\r\n\f\v", err);

	instance_outputs(net, first_of, next);
	verilog_head(out, net, stem);
	for (size_t j = 0; j < net->nodes && rc == 0; j++) {
		const struct ax_node *node = &net->node[j];
		const struct ax_net_cell *cell =
			node->cell ? &net->cell[node->cell - 1] : NULL;

		if (!cell && node->n > 0 && node->kind != AX_BUF) {
			rc = ax_err_set(err, AX_EXIT_STAGE,
					"node %zu (%s) has no library cell to "
					"instantiate",
					j,
					ax_gate_name((enum ax_gate)node->kind));
			break;
		}
		if (!cell) {
			ax_str_add(out, "  assign ");
			wire(out, j, stem);
			ax_str_add(out, " = ");
			if (node->n == 0)
				ax_str_add(out, node->tt & 1 ? "1'h1" : "1'h0");
			else
				verilog_ref(out, net, node->in[0], stem);
			ax_str_add(out, ";\n");
			continue;
		}
		if (first_of[node->inst] != j)
			continue;
		ax_str_add(out, "  ");
		identifier(out, cell->name);
		ax_str_addf(out, " %sg%zu_ (", stem, j);
		for (unsigned i = 0; i < node->n; i++) {
			ax_str_add(out, i ? ", ." : ".");
			identifier(out, cell->in_pin[i]);
			ax_str_addc(out, '(');
			verilog_ref(out, net, node->in[i], stem);
			ax_str_addc(out, ')');
		}
		for (size_t k = j; k != SIZE_MAX; k = next[k]) {
			ax_str_add(out, node->n || k != j ? ", ." : ".");
			identifier(out, cell->out_pin[net->node[k].pin]);
			ax_str_addc(out, '(');
			wire(out, k, stem);
			ax_str_addc(out, ')');
		}
		ax_str_add(out, ");\n");
	}
	verilog_tail(out, net, stem);
	free(stem);
	free(first_of);
	free(next);
	return rc;
}

/* --- Yosys JSON ---------------------------------------------------------- */

/* Bit numbers: 2 + reference; a constant is "0" or "1". */
static void
json_bit(struct ax_str *out, const struct ax_netlist *net, uint32_t r)
{
	if (r >= net->inputs && net->node[r - net->inputs].n == 0 &&
	    !net->node[r - net->inputs].cell)
		ax_str_addf(out, "\"%c\"",
			    net->node[r - net->inputs].tt & 1 ? '1' : '0');
	else
		ax_str_addf(out, "%lu", 2ul + r);
}

static void
json_ports(struct ax_str *out, const struct ax_netlist *net)
{
	for (uint32_t k = 0; k < net->ins + net->outs; k++) {
		bool input = k < net->ins;
		const struct ax_bus *bus =
			input ? &net->in[k] : &net->out[k - net->ins];

		ax_str_add(out, k ? ",\n        " : "\n        ");
		ax_str_add_json(out, bus->name);
		ax_str_addf(out, ": {\"direction\": \"%s\"",
			    input ? "input" : "output");
		if (bus->lsb != 0)
			ax_str_addf(out, ", \"offset\": %ld", (long)bus->lsb);
		ax_str_add(out, ", \"bits\": [");
		for (uint32_t i = 0; i < bus->width; i++) {
			uint32_t bit = bus->first + i;

			ax_str_add(out, i ? ", " : "");
			json_bit(out, net, input ? bit : net->out_ref[bit]);
		}
		ax_str_add(out, "]}");
	}
}

int
ax_netlist_write_json(struct ax_str *out, const struct ax_netlist *net,
		      struct ax_err *err)
{
	static const char *const prim[AX_GATE_KINDS] = {
		[AX_BUF] = "$_BUF_", [AX_INV] = "$_NOT_",   [AX_AND] = "$_AND_",
		[AX_OR] = "$_OR_",   [AX_NAND] = "$_NAND_", [AX_NOR] = "$_NOR_",
		[AX_XOR] = "$_XOR_", [AX_XNOR] = "$_XNOR_", [AX_CELL] = "$lut"};
	size_t *first_of = ax_calloc(net->insts + 1u, sizeof(*first_of));
	size_t *next = ax_calloc(net->nodes + 1, sizeof(*next));
	bool first = true;

	(void)err;
	instance_outputs(net, first_of, next);
	ax_str_add(out,
		   "{\n  \"creator\": \"axpipe\",\n  \"modules\": {\n    ");
	ax_str_add_json(out, net->name);
	ax_str_add(out, ": {\n      \"attributes\": {\"top\": "
			"\"00000000000000000000000000000001\"},\n"
			"      \"ports\": {");
	json_ports(out, net);
	ax_str_add(out, "\n      },\n      \"cells\": {");
	for (size_t j = 0; j < net->nodes; j++) {
		const struct ax_node *node = &net->node[j];
		const struct ax_net_cell *cell =
			node->cell ? &net->cell[node->cell - 1] : NULL;
		bool is_lut = !cell && node->kind == AX_CELL;

		if (cell ? first_of[node->inst] != j : node->n == 0)
			continue;
		ax_str_addf(out, "%s\n        \"g%zu\": {\"type\": ",
			    first ? "" : ",", j);
		first = false;
		ax_str_add_json(out, cell ? cell->name : prim[node->kind]);
		ax_str_add(out, ", \"parameters\": {");
		if (is_lut) {
			ax_str_addf(out, "\"WIDTH\": %u, \"LUT\": \"", node->n);
			for (unsigned p = 1u << node->n; p-- > 0;)
				ax_str_addc(out, node->tt >> p & 1 ? '1' : '0');
			ax_str_addc(out, '"');
		}
		ax_str_add(out, "}, \"connections\": {");
		if (is_lut)
			ax_str_add(out, "\"A\": [");
		for (unsigned i = 0; i < node->n; i++) {
			if (is_lut) {
				ax_str_add(out, i ? ", " : "");
				json_bit(out, net, node->in[i]);
				continue;
			}
			if (i)
				ax_str_add(out, ", ");
			ax_str_add_json(out, cell     ? cell->in_pin[i]
					     : i == 0 ? "A"
						      : "B");
			ax_str_add(out, ": [");
			json_bit(out, net, node->in[i]);
			ax_str_addc(out, ']');
		}
		if (is_lut)
			ax_str_addc(out, ']');
		for (size_t k = j; k != SIZE_MAX; k = next[k]) {
			if (is_lut || node->n > 0 || k != j)
				ax_str_add(out, ", ");
			ax_str_add_json(out,
					cell ? cell->out_pin[net->node[k].pin]
					     : "Y");
			ax_str_addf(out, ": [%zu]", 2 + net->inputs + k);
		}
		ax_str_add(out, "}}");
	}
	ax_str_add(out, "\n      }\n    }\n  }\n}\n");
	free(first_of);
	free(next);
	return 0;
}
