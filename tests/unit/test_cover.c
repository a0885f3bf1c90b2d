/* SPDX-License-Identifier: Apache-2.0 */
/* Covers by library cells: proven equal, priced right, compared with the best
 * of all covers where those can be counted, adders where there are some. */
#include "artifacts/netlist/cover.h"

#include "artifacts/base/base.h"
#include "artifacts/base/rng.h"
#include "artifacts/netlist/logic.h"
#include "artifacts/netlist/sim.h"
#include "tests/lib/tap.h"

static const struct {
	const char *name, *pins, *function[2];
	double area;
} cells[] = {
	{"INV", "A", {"!A", NULL}, 2},
	{"BUF", "A", {"A", NULL}, 1},
	{"NAND2", "AB", {"!(A B)", NULL}, 3},
	{"NOR2", "AB", {"!(A+B)", NULL}, 3.25},
	{"AND2", "AB", {"A B", NULL}, 4},
	{"OR2", "AB", {"A+B", NULL}, 4.125},
	{"XOR2", "AB", {"A^B", NULL}, 7},
	{"XNOR2", "AB", {"!(A^B)", NULL}, 7.5},
	{"NAND3", "ABC", {"!(A B C)", NULL}, 4.5},
	{"AOI21", "ABC", {"!(A B+C)", NULL}, 4.75},
	{"OAI21", "ABC", {"!((A+B) C)", NULL}, 4.7},
	{"MUX2", "ABC", {"A !C+B C", NULL}, 7.3},
	{"AND3_BIG", "ABC", {"A B C", NULL}, 50},
	{"AND3", "ABC", {"A B C", NULL}, 5.5},
	{"REDUNDANT", "ABC", {"!(A B)", NULL}, 0.5},
	{"HA", "AB", {"A B", "A^B"}, 9},
	{"FA", "ABC", {"A B+A C+B C", "A^B^C"}, 15},
	{"NAND4", "ABCD", {"!(A B C D)", NULL}, 1},
};

static void
fatal(const struct ax_err *err)
{
	printf("Bail out! %s\n", err->text);
	exit(1);
}

/* All of the table, adders only if asked for. */
static void
make_library(struct ax_liberty *lib, bool adders)
{
	struct ax_str s = AX_STR_INIT;
	struct ax_err err = AX_ERR_INIT;

	ax_str_add(&s, "library(cells) {\n");
	for (size_t i = 0; i < AX_LEN(cells); i++) {
		if (cells[i].function[1] && !adders)
			continue;
		ax_str_addf(&s, "  cell(%s) { area : %g;\n", cells[i].name,
			    cells[i].area);
		for (const char *p = cells[i].pins; *p; p++)
			ax_str_addf(&s, "    pin(%c) { direction : input; }\n",
				    *p);
		for (int o = 0; o < 2 && cells[i].function[o]; o++)
			ax_str_addf(&s,
				    "    pin(Y%d) { direction : output; "
				    "function : \"%s\"; }\n",
				    o, cells[i].function[o]);
		ax_str_add(&s, "  }\n");
	}
	ax_str_add(&s, "}\n");
	if (ax_liberty_parse(lib, "cells", s.buf, s.len, &err) < 0)
		fatal(&err);
	ax_str_free(&s);
}

static struct ax_netlist *
random_netlist(struct ax_rng *rng, unsigned inputs, unsigned gates,
	       unsigned outs)
{
	struct ax_netlist *net = ax_netlist_new("r");
	uint32_t refs = inputs;

	ax_netlist_add_input(net, "A", inputs);
	ax_netlist_add_output(net, "OUT", outs);
	while (refs < inputs + gates) {
		/* near ones more often, so that cones have some depth */
		uint32_t near = AX_MIN(refs, 6u);
		enum ax_gate kind = (enum ax_gate)ax_rng_below(rng, AX_CELL);
		uint32_t a = refs - 1 - ax_rng_below(rng, near);
		uint32_t b = ax_rng_below(rng, refs);

		if (kind <= AX_CONST1 && ax_rng_below(rng, 8))
			continue;
		/* half an adder with the next */
		if (kind == AX_XOR && refs + 1 < inputs + gates) {
			ax_netlist_add(net, AX_AND, a, b);
			refs++;
		}
		ax_netlist_add(net, kind, a, b);
		refs++;
	}
	for (unsigned o = 0; o < outs; o++)
		net->out_ref[o] = refs - 1 - ax_rng_below(rng, refs);
	net->out_ref[0] = refs - 1;
	ax_netlist_prune(net);
	return net;
}

static int64_t
grains(double area)
{
	return (int64_t)(area * AX_COVER_GRAIN + 0.5);
}

static int64_t
gate_by_gate(const struct ax_cover_cells *k, const struct ax_netlist *net)
{
	int64_t sum = 0;

	for (size_t j = 0; j < net->nodes; j++)
		if (net->node[j].kind > AX_BUF)
			sum += ax_cover_cell_cost(k, net->node[j].n,
						  (unsigned)net->node[j].tt);
	return sum;
}

static int64_t
cost_of_cover(struct ax_cover *v, const struct ax_netlist *net)
{
	struct ax_cover_gate *g =
		ax_cover_begin(v, net->inputs, (uint32_t)net->nodes);

	for (size_t j = 0; j < net->nodes; j++) {
		g[j] = (struct ax_cover_gate){.n = net->node[j].n,
					      .tt = (uint8_t)net->node[j].tt};
		for (unsigned i = 0; i < g[j].n; i++)
			g[j].in[i] = net->node[j].in[i];
	}
	return ax_cover_run(v, net->out_ref, net->outputs);
}

/* --- the best of all covers ---------------------------------------------- */

/* Signals of the networks of which all covers are counted, leaves that a cone
 * may have before those that change nothing go, ways to build a node. */
enum { SIGNALS = 13, WIDE = 6, WAYS = 400 };

/* To build a node: what must be there, what it costs. */
struct ways {
	struct {
		unsigned of;
		int64_t cost;
	} way[WAYS];
	size_t n;
};

/* A node by what stands for its leaves; false: its cone goes on beside them. */
static bool
value(uint64_t *out, const struct ax_netlist *net, uint32_t ref,
      unsigned leaves, const uint64_t *by, bool top)
{
	const struct ax_node *node;
	uint64_t x[2] = {0, 0};

	if (!top && leaves >> ref & 1) {
		*out = by[ref];
		return true;
	}
	if (ref < net->inputs)
		return false;
	node = &net->node[ref - net->inputs];
	for (unsigned i = 0; i < node->n; i++)
		if (!value(&x[i], net, node->in[i], leaves, by, false))
			return false;
	*out = 0;
	for (unsigned q = 0; q < 1u << node->n; q++)
		if (node->tt >> q & 1)
			*out |= (q & 1 ? x[0] : ~x[0]) &
				(node->n < 2 ? ~(uint64_t)0
				 : q & 2     ? x[1]
					     : ~x[1]);
	if (node->n == 0)
		*out = node->tt & 1 ? ~(uint64_t)0 : 0;
	return true;
}

static void
add_way(struct ways *w, unsigned of, int64_t cost)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->way[i].of == of) {
			w->way[i].cost = AX_MIN(w->way[i].cost, cost);
			return;
		}
	if (w->n == WAYS)
		abort();
	w->way[w->n].of = of;
	w->way[w->n++].cost = cost;
}

/* Of all sets of leaves. */
static void
find_ways(struct ways *w, const struct ax_cover_cells *k,
	  const struct ax_netlist *net, uint32_t ref)
{
	for (unsigned set = 0; set < 1u << ref; set++) {
		uint64_t by[SIGNALS] = {0}, all;
		unsigned leaf[WIDE], n = 0, m = 0, tt = 0, of = 0, support;
		int64_t cost;

		if (__builtin_popcount(set) > WIDE)
			continue;
		for (uint32_t r = 0; r < ref; r++)
			if (set >> r & 1) {
				by[r] = ax_tt_var(n);
				leaf[n++] = r;
			}
		if (!value(&all, net, ref, set, by, true))
			continue;
		support = ax_tt_support(all, WIDE);
		for (unsigned i = 0; i < n; i++)
			if (support >> i & 1) {
				of |= 1u << leaf[i];
				leaf[m++] = i;
			}
		if (m > 3)
			continue;
		/* leaves that change nothing read as 0 */
		for (unsigned p = 0; p < 1u << m; p++) {
			unsigned q = 0;

			for (unsigned i = 0; i < m; i++)
				q |= (p >> i & 1) << leaf[i];
			tt |= (unsigned)(all >> q & 1) << p;
		}
		cost = m == 0 || (m == 1 && tt == 2)
			       ? 0
			       : ax_cover_cell_cost(k, m, tt);
		if (cost >= 0)
			add_way(w, of, cost);
	}
}

/* Of all sets of nodes to build. One may hold nodes that nobody needs: it is no
 * better for it. */
static int64_t
best_cover(const struct ax_cover_cells *k, const struct ax_netlist *net)
{
	struct ways *ways = ax_calloc(net->nodes, sizeof(*ways));
	unsigned inputs = (1u << net->inputs) - 1, outs = 0, there;
	int64_t best = INT64_MAX;

	for (uint32_t j = 0; j < net->nodes; j++)
		find_ways(&ways[j], k, net, net->inputs + j);
	for (uint32_t o = 0; o < net->outputs; o++)
		outs |= 1u << net->out_ref[o];
	for (unsigned built = 0; built < 1u << net->nodes; built++) {
		int64_t sum = 0, least;

		there = inputs | built << net->inputs;
		if (outs & ~there)
			continue;
		for (uint32_t j = 0; j < net->nodes && sum >= 0; j++) {
			if (!(built >> j & 1))
				continue;
			least = -1;
			for (size_t i = 0; i < ways[j].n; i++)
				if (!(ways[j].way[i].of & ~there) &&
				    (least < 0 || ways[j].way[i].cost < least))
					least = ways[j].way[i].cost;
			sum = least < 0 ? -1 : sum + least;
		}
		if (sum >= 0 && sum < best)
			best = sum;
	}
	free(ways);
	return best;
}

static void
test_best(void)
{
	struct ax_rng rng = ax_rng(7, "cover", 0);
	struct ax_liberty lib;
	struct ax_cover_cells *k;
	struct ax_err err = AX_ERR_INIT;
	struct ax_cover *v;
	int64_t sum = 0, least = 0, gates = 0;
	int below = 0, met = 0;

	make_library(&lib, false);
	if (ax_cover_cells_new(&k, &lib, NULL, false, &err) < 0)
		fatal(&err);
	v = ax_cover_new(k);
	for (int t = 0; t < 300; t++) {
		struct ax_netlist *net =
			random_netlist(&rng, 2 + t % 3, 1 + t % 9, 1 + t % 2);
		int64_t found = cost_of_cover(v, net);
		int64_t best = best_cover(k, net);

		below += found < best;
		met += found == best;
		sum += found;
		least += best;
		gates += gate_by_gate(k, net);
		ax_netlist_free(net);
	}
	is_int(below, 0, "no cover is better than the best of all");
	ok(met >= 270, "and most are as good: %d of 300", met);
	ok(sum * 100 <= least * 102, "all together %lld to %lld",
	   (long long)sum, (long long)least);
	ok(sum * 10 < gates * 9, "where gates are %lld", (long long)gates);
	ax_cover_free(v);
	ax_cover_cells_free(k);
	ax_liberty_free(&lib);
}

/* --- what is written ----------------------------------------------------- */

static void
test_random(void)
{
	struct ax_rng rng = ax_rng(8, "cover", 0);
	struct ax_pool *pool = ax_pool_new(1);
	struct ax_liberty lib;
	struct ax_cover_cells *k;
	struct ax_err err = AX_ERR_INIT;
	struct ax_cover *v;
	int wrong = 0, unsound = 0, dear = 0, priced = 0, pairs = 0, again = 0;

	make_library(&lib, true);
	if (ax_cover_cells_new(&k, &lib, NULL, false, &err) < 0)
		fatal(&err);
	v = ax_cover_new(k);
	for (int t = 0; t < 600; t++) {
		struct ax_netlist *net = random_netlist(
			&rng, 2 + t % 7, 1 + ax_rng_below(&rng, 90), 1 + t % 9);
		struct ax_netlist *got;
		int64_t cost = cost_of_cover(v, net);

		if (ax_cover_netlist(v, net, &err) < 0)
			fatal(&err);
		got = ax_cover_write(v, net, &lib);
		unsound += ax_netlist_check(got, &err) < 0;
		wrong +=
			ax_netlist_equal(net, got, pool, NULL, NULL, &err) != 1;
		priced += grains(ax_netlist_area(got)) != cost;
		dear += cost > gate_by_gate(k, net);
		again += cost != cost_of_cover(v, net);
		for (size_t j = 0; j < got->nodes; j++)
			pairs += got->node[j].pin == 1;
		ax_netlist_free(net);
		ax_netlist_free(got);
	}
	is_int(wrong, 0, "all compute what they did");
	is_int(unsound, 0, "all are sound netlists");
	is_int(priced, 0, "their cells' areas add up to the cost");
	is_int(dear, 0, "none costs more than gate by gate");
	is_int(again, 0, "and nothing is left of the one before");
	ok(pairs > 50, "adders were found: %d", pairs);
	ax_cover_free(v);
	ax_cover_cells_free(k);
	ax_liberty_free(&lib);
	ax_pool_free(pool);
}

/* --- one network after another ------------------------------------------- */

enum { MOST = 80 };

struct small {
	struct ax_cover_gate gate[MOST];
	uint32_t n, out[3], inputs;
};

/* `was`, changed a little: a gate replaced by another, taken out or put in. */
static void
change(struct ax_rng *rng, struct small *to, const struct small *was,
       uint32_t *from)
{
	uint32_t map[MOST + 8], at = ax_rng_below(rng, was->n);
	unsigned how = was->n > MOST - 4 ? 1 : ax_rng_below(rng, 4);

	to->n = 0;
	to->inputs = was->inputs;
	for (uint32_t i = 0; i < was->inputs; i++)
		map[i] = i;
	for (uint32_t j = 0; j < was->n; j++) {
		struct ax_cover_gate g = was->gate[j];
		bool is_new = false;

		for (unsigned i = 0; i < 2; i++)
			g.in[i] = map[g.in[i]];
		if (j == at && how == 1 && was->n > 10) {
			map[was->inputs + j] = g.in[0];
			continue;
		}
		if (j == at && how == 0) {
			g.tt = (uint8_t)(1 + ax_rng_below(rng, 14));
			g.n = 2;
			g.in[1] = ax_rng_below(rng, was->inputs + to->n);
			is_new = ax_rng_below(rng, 2);
		}
		from[to->n] = is_new ? AX_COVER_NEW : j;
		to->gate[to->n] = g;
		map[was->inputs + j] = was->inputs + to->n++;
		if (j == at && how > 1) {
			from[to->n] = AX_COVER_NEW;
			to->gate[to->n] = (struct ax_cover_gate){
				{was->inputs + to->n - 1,
				 ax_rng_below(rng, was->inputs + to->n)},
				2,
				(uint8_t)(1 + ax_rng_below(rng, 14))};
			map[was->inputs + j] = was->inputs + to->n++;
		}
	}
	for (int o = 0; o < 3; o++)
		to->out[o] = map[was->out[o]];
	if (ax_rng_below(rng, 3) == 0)
		to->out[ax_rng_below(rng, 3)] = to->inputs + to->n - 1;
}

static void
test_kept(void)
{
	struct ax_rng rng = ax_rng(9, "cover", 0);
	struct ax_err err = AX_ERR_INIT;
	struct ax_liberty lib;
	struct ax_cover_cells *k;
	struct ax_cover *v, *fresh;
	struct small now = {.inputs = 5}, next;
	uint32_t from[MOST];
	int differ = 0, kept = 0;
	int64_t a, b;

	make_library(&lib, true);
	if (ax_cover_cells_new(&k, &lib, NULL, false, &err) < 0)
		fatal(&err);
	v = ax_cover_new(k);
	fresh = ax_cover_new(k);
	for (; now.n < 30; now.n++)
		now.gate[now.n] = (struct ax_cover_gate){
			{ax_rng_below(&rng, 5 + now.n),
			 ax_rng_below(&rng, 5 + now.n)},
			2,
			(uint8_t)(1 + ax_rng_below(&rng, 14))};
	for (int o = 0; o < 3; o++)
		now.out[o] = 5 + 29 - (uint32_t)o;
	for (int t = 0; t < 4000; t++) {
		change(&rng, &next, &now, from);
		memcpy(ax_cover_begin(v, 5, next.n), next.gate,
		       next.n * sizeof(*next.gate));
		a = ax_cover_try(v, from, next.out, 3);
		memcpy(ax_cover_begin(fresh, 5, next.n), next.gate,
		       next.n * sizeof(*next.gate));
		b = ax_cover_run(fresh, next.out, 3);
		differ += a != b;
		if (ax_rng_below(&rng, 3))
			continue;
		ax_cover_keep(v);
		now = next;
		kept++;
	}
	is_int(differ, 0, "4000 changes cost what they cost from nothing");
	ok(kept > 1000 && now.n > 10, "%d of them were kept, to %u gates", kept,
	   now.n);
	ax_cover_free(v);
	ax_cover_free(fresh);
	ax_cover_cells_free(k);
	ax_liberty_free(&lib);
}

/* --- adders -------------------------------------------------------------- */

static void
test_adder(void)
{
	struct ax_netlist *net = ax_netlist_new("add"), *got;
	struct ax_err err = AX_ERR_INIT;
	struct ax_liberty lib;
	struct ax_cover_cells *k;
	struct ax_cover *v;
	uint32_t carry = AX_REF_NONE, x, a = 0, b = 8, insts = 0;
	size_t full = 0, half = 0;

	make_library(&lib, true);
	if (ax_cover_cells_new(&k, &lib, NULL, false, &err) < 0)
		fatal(&err);
	v = ax_cover_new(k);
	ax_netlist_add_input(net, "A", 8);
	ax_netlist_add_input(net, "B", 8);
	ax_netlist_add_output(net, "OUT", 9);
	for (uint32_t i = 0; i < 8; i++, a++, b++) {
		x = ax_netlist_add(net, AX_XOR, a, b);
		if (i == 0) {
			net->out_ref[0] = x;
			carry = ax_netlist_add(net, AX_AND, a, b);
			continue;
		}
		net->out_ref[i] = ax_netlist_add(net, AX_XOR, x, carry);
		carry = ax_netlist_add(net, AX_NAND,
				       ax_netlist_add(net, AX_NAND, a, b),
				       ax_netlist_add(net, AX_NAND, x, carry));
	}
	net->out_ref[8] = carry;
	if (ax_cover_netlist(v, net, &err) < 0)
		fatal(&err);
	got = ax_cover_write(v, net, &lib);
	for (size_t j = 0; j < got->nodes; j++) {
		const struct ax_node *n = &got->node[j];

		full += ax_streq(got->cell[n->cell - 1].name, "FA");
		half += ax_streq(got->cell[n->cell - 1].name, "HA");
		insts = AX_MAX(insts, n->inst);
	}
	is_int((long long)full, 14, "seven full adders in a ripple adder");
	is_int((long long)half, 2, "and a half one");
	is_int(insts, 8, "and nothing else");
	is_int(grains(ax_netlist_area(got)), grains(7 * 15 + 9),
	       "at their price");
	is_int(cost_of_cover(v, net), grains(7 * 15 + 9), "which is known");
	ax_netlist_free(net);
	ax_netlist_free(got);
	ax_cover_free(v);
	ax_cover_cells_free(k);
	ax_liberty_free(&lib);
}

/* A chain as deep as this must not need a stack as deep. */
static void
test_deep(void)
{
	struct ax_netlist *net = ax_netlist_new("deep");
	struct ax_err err = AX_ERR_INIT;
	struct ax_liberty lib;
	struct ax_cover_cells *k;
	struct ax_cover *v;
	uint32_t x = 0;

	make_library(&lib, true);
	if (ax_cover_cells_new(&k, &lib, NULL, false, &err) < 0)
		fatal(&err);
	v = ax_cover_new(k);
	ax_netlist_add_input(net, "A", 2);
	ax_netlist_add_output(net, "OUT", 1);
	for (int i = 0; i < 3000; i++)
		x = ax_netlist_add(net, AX_NAND, x, 1);
	net->out_ref[0] = x;
	ok(cost_of_cover(v, net) > 0, "a chain of 3000 gates is covered");
	ax_netlist_free(net);
	ax_cover_free(v);
	ax_cover_cells_free(k);
	ax_liberty_free(&lib);
}

static void
test_cells(void)
{
	struct ax_err err = AX_ERR_INIT;
	bool keep[AX_LEN(cells)] = {false};
	struct ax_liberty lib;
	struct ax_cover_cells *k;
	struct ax_netlist *net = ax_netlist_new("x");
	struct ax_cover *v;

	make_library(&lib, true);
	if (ax_cover_cells_new(&k, &lib, NULL, false, &err) < 0)
		fatal(&err);
	is_int(ax_cover_cell_cost(k, 1, 1), grains(2), "an inverter");
	is_int(ax_cover_cell_cost(k, 3, 0x80), grains(5.5),
	       "the smaller of two AND3");
	is_int(ax_cover_cell_cost(k, 2, 7), grains(3),
	       "no cell with a pin that does nothing");
	is_int(ax_cover_cell_cost(k, 3, 0x1f), grains(4.7),
	       "pins in any order");
	is_int(ax_cover_cell_cost(k, 3, 0x96), -1, "none for a sum alone");
	ax_cover_cells_free(k);
	is_int(ax_cover_cells_new(&k, &lib, keep, false, &err), -1,
	       "no cells, no cover");
	ok(strstr(err.text, "no inverter") != NULL, "says why");
	ax_err_clear(&err);
	keep[0] = keep[2] = true;
	if (ax_cover_cells_new(&k, &lib, keep, false, &err) < 0)
		fatal(&err);
	v = ax_cover_new(k);
	ax_netlist_add_input(net, "A", 2);
	ax_netlist_add_output(net, "OUT", 1);
	net->out_ref[0] = ax_netlist_add(net, AX_XOR, 0, 1);
	is_int(ax_cover_netlist(v, net, &err), -1, "a gate without a cell");
	ok(strstr(err.text, "have none for XOR") != NULL, "is named");
	is_int(cost_of_cover(v, net), -1, "and has no cost");
	ax_err_clear(&err);
	ax_netlist_free(net);
	ax_cover_free(v);
	ax_cover_cells_free(k);
	ax_liberty_free(&lib);
}

int
main(void)
{
	test_cells();
	test_best();
	test_random();
	test_kept();
	test_adder();
	test_deep();
	return tap_done();
}
