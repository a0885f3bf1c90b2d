/* SPDX-License-Identifier: Apache-2.0 */
/* The netlist noun in memory: kinds, factored forms, pruning, costs,
 * simulation. */
#include "artifacts/base/base.h"
#include "artifacts/base/rng.h"
#include "artifacts/netlist/logic.h"
#include "artifacts/netlist/sim.h"
#include "tests/lib/tap.h"

static void
test_kinds(void)
{
	static const int cost[AX_GATE_KINDS] = {0, 0, 0,  2,  6, 6,
						4, 4, 10, 10, -1};
	bool names = true, costs = true, tts = true;

	for (int k = 0; k < AX_CELL; k++) {
		enum ax_gate kind = (enum ax_gate)k;

		names = names && ax_gate_parse(ax_gate_name(kind)) == kind;
		costs = costs && ax_gate_transistors(kind) == cost[k] &&
			ax_tt_transistors(ax_gate_tt(kind),
					  ax_gate_fanin(kind)) == cost[k];
		tts = tts && ax_gate_of_tt(ax_gate_fanin(kind),
					   ax_gate_tt(kind)) == kind;
	}
	ok(names, "names of kinds read back");
	ok(costs, "the published transistor table, and the estimate agrees");
	ok(tts, "kinds are found by truth table");
	is_int(ax_gate_parse("nand"), AX_NAND, "any case");
	is_int(ax_gate_parse("NAND2"), AX_GATE_KINDS, "no other names");
	is_int(ax_tt_transistors(0x07, 3), 6, "AOI21 is 6");
	is_int(ax_tt_transistors(0x0777, 4), 8, "AOI22 is 8");
	is_int(ax_tt_transistors(0x111f, 4), 8, "OAI22 is 8");
	is_int(ax_tt_transistors(0x7f, 3), 6, "NAND3 is 6");
	is_int(ax_tt_transistors(0x80, 3), 8, "AND3 is 8");
	is_int(ax_tt_transistors(0xe8, 3), 12, "majority is 12");
	is_int(ax_tt_transistors(0x96, 3), 20, "XOR3 is 20");
	is_int(ax_tt_transistors(0xca, 3), 12, "MUX2 is 12");
}

/* Value of a factored form for inputs p. */
static bool
evaluate(const struct ax_factored *f, unsigned p)
{
	bool v[200] = {0};

	if (f->result == 255)
		return f->complement;
	for (unsigned i = 0; i < f->n; i++)
		v[i] = p >> i & 1;
	for (unsigned k = 0; k < f->ops; k++) {
		bool a = v[f->op[k].a] ^ f->op[k].na;
		bool b = v[f->op[k].b] ^ f->op[k].nb;

		v[f->n + k] = f->op[k].op == AX_FOP_AND  ? a && b
			      : f->op[k].op == AX_FOP_OR ? a || b
							 : a != b;
	}
	return v[f->result] ^ f->complement;
}

static void
test_factor(void)
{
	struct ax_rng rng = ax_rng(1, "factor", 0);
	struct ax_factored f;
	bool good = true;
	unsigned most = 0;

	for (unsigned n = 0; n <= 6; n++) {
		unsigned tries = n <= 3 ? 1u << (1u << n) : 400;

		for (unsigned t = 0; t < tries; t++) {
			uint64_t tt = n <= 3 ? t : ax_rng_u64(&rng);

			tt &= ax_tt_mask(n);
			ax_tt_factor(&f, tt, n);
			most = AX_MAX(most, f.ops);
			for (unsigned p = 0; p < 1u << n; p++)
				good = good && evaluate(&f, p) == (tt >> p & 1);
		}
	}
	ok(good, "factored forms compute their function, up to 6 inputs");
	ok(most < 120, "and stay within their bound (%u operations)", most);
	is_int(ax_tt_support(0x0f, 3), 4, "support");
}

/* A random network of all kinds and of cells. */
static struct ax_netlist *
random_net(uint64_t seed, uint32_t inputs, uint32_t outputs, unsigned nodes,
	   bool cells)
{
	struct ax_rng rng = ax_rng(seed, "netlist", 0);
	struct ax_netlist *net = ax_netlist_new("random");

	ax_netlist_add_input(net, "A", inputs);
	ax_netlist_add_output(net, "OUT", outputs);
	for (unsigned j = 0; j < nodes; j++) {
		uint32_t in[6];
		unsigned n = 1 + ax_rng_below(&rng, 6);

		for (unsigned i = 0; i < 6; i++)
			in[i] = ax_rng_below(&rng, inputs + j);
		if (cells && ax_rng_below(&rng, 3) == 0)
			ax_netlist_add_tt(net, n, in, ax_rng_u64(&rng));
		else
			ax_netlist_add(
				net, (enum ax_gate)ax_rng_below(&rng, AX_CELL),
				in[0], in[1]);
	}
	for (uint32_t i = 0; i < outputs; i++)
		net->out_ref[i] = ax_rng_below(&rng, inputs + nodes);
	return net;
}

/* The slow way: node by node, one pattern. */
static uint32_t
slow(const struct ax_netlist *net, uint32_t pattern)
{
	bool *v = ax_calloc(net->inputs + net->nodes, sizeof(*v));
	uint32_t out = 0;

	for (uint32_t i = 0; i < net->inputs; i++)
		v[i] = pattern >> i & 1;
	for (size_t j = 0; j < net->nodes; j++) {
		unsigned p = 0;

		for (unsigned i = 0; i < net->node[j].n; i++)
			p |= (unsigned)v[net->node[j].in[i]] << i;
		v[net->inputs + j] = net->node[j].tt >> p & 1;
	}
	for (uint32_t i = 0; i < net->outputs; i++)
		out |= (uint32_t)v[net->out_ref[i]] << i;
	free(v);
	return out;
}

static void
test_sim(void)
{
	static const uint32_t widths[] = {1, 3, 5, 6, 7, 11, 13};
	struct ax_pool *pool = ax_pool_new(2);
	struct ax_err err = AX_ERR_INIT;
	bool good = true, equal = true, checks = true;

	for (size_t k = 0; k < AX_LEN(widths); k++) {
		uint32_t n = widths[k];
		struct ax_netlist *net =
			random_net(k, n, 5 + 4 * (uint32_t)k, 150, true);
		struct ax_netlist *flat = ax_netlist_expand(net);
		uint32_t *out = ax_calloc((size_t)1 << n, sizeof(*out));
		struct ax_sim *sim = NULL;

		checks = checks && ax_netlist_check(net, &err) == 0 &&
			 ax_netlist_check(flat, &err) == 0;
		good = good && ax_sim_new(&sim, net, &err) == 0 &&
		       ax_sim_table(sim, k % 2 ? pool : NULL, 0, net->outputs,
				    out, &err) == 0;
		for (uint32_t p = 0; good && p < 1u << n; p++)
			good = out[p] == slow(net, p);
		equal = equal && ax_netlist_equal(net, flat, pool, NULL, NULL,
						  &err) == 1;
		ax_sim_free(sim);
		free(out);
		ax_netlist_free(flat);
		ax_netlist_free(net);
	}
	ok(checks, "random networks and their expansions are valid");
	ok(good, "bit-parallel simulation equals node-by-node evaluation");
	ok(equal, "expanding cells keeps the function");
	ax_pool_free(pool);
}

static void
test_run_words(void)
{
	struct ax_netlist *net = random_net(77, 70, 20, 300, false);
	size_t words = 67;
	uint64_t *in = ax_calloc(70 * words, sizeof(*in));
	uint64_t *out = ax_calloc(20 * words, sizeof(*out));
	struct ax_rng rng = ax_rng(5, "patterns", 0);
	struct ax_err err = AX_ERR_INIT;
	struct ax_sim *sim = NULL;
	bool good = true;
	uint32_t x;

	for (size_t i = 0; i < 70 * words; i++)
		in[i] = ax_rng_u64(&rng);
	is_int(ax_sim_new(&sim, net, &err), 0, "70 inputs compile");
	ax_sim_run(sim, NULL, in, out, words);
	for (size_t p = 0; p < words * 64; p += 97) {
		bool v[70 + 300];

		for (size_t i = 0; i < 70; i++)
			v[i] = in[i * words + p / 64] >> (p % 64) & 1;
		for (size_t j = 0; j < net->nodes; j++) {
			unsigned q = 0;

			for (unsigned i = 0; i < net->node[j].n; i++)
				q |= (unsigned)v[net->node[j].in[i]] << i;
			v[70 + j] = net->node[j].tt >> q & 1;
		}
		for (size_t o = 0; o < 20; o++)
			good = good && (out[o * words + p / 64] >> (p % 64) &
					1) == v[net->out_ref[o]];
	}
	ok(good, "given patterns on 70 inputs");
	is_int(ax_sim_table(sim, NULL, 0, 20, &x, &err), -1,
	       "all patterns of 70 inputs are refused");
	ok(strstr(err.text, "70 input bits") != NULL, "and it says why");
	ax_sim_free(sim);
	free(in);
	free(out);
	ax_netlist_free(net);
}

static void
test_prune_cost_depth(void)
{
	struct ax_netlist *net = ax_netlist_new("t");
	struct ax_err err = AX_ERR_INIT;
	size_t count[AX_GATE_KINDS];
	uint32_t a, x, y, z;

	ax_netlist_add_input(net, "A", 3);
	ax_netlist_add_output(net, "OUT", 2);
	a = ax_netlist_add(net, AX_AND, 0, 1);
	ax_netlist_add(net, AX_XOR, 0, a); /* dead */
	x = ax_netlist_add(net, AX_INV, a, 0);
	y = ax_netlist_add(net, AX_BUF, x, 0);
	z = ax_netlist_add(net, AX_NOR, y, 2);
	net->out_ref[0] = z;
	is_int(ax_netlist_check(net, &err), -1, "an output without a driver");
	net->out_ref[1] = 2;
	is_int(ax_netlist_check(net, &err), 0, "a valid network");
	is_int(ax_netlist_transistors(net), 6 + 10 + 2 + 0 + 4, "transistors");
	is_int(ax_netlist_prune(net), 1, "one dead node");
	is_int(ax_netlist_check(net, &err), 0, "valid after pruning");
	is_int(ax_netlist_transistors(net), 12, "without the dead one");
	is_int(ax_netlist_depth(net), 3, "a wire is no level");
	ax_netlist_count(net, count);
	is_int(count[AX_NOR] + count[AX_AND] + count[AX_INV], 3, "counts");
	ok(ax_netlist_area(net) < 0, "no area without cells");
	net->node[0].in[1] = net->inputs + 1;
	is_int(ax_netlist_check(net, &err), -1, "a reference forward");
	ax_netlist_free(net);
}

static void
test_equal(void)
{
	struct ax_netlist *a = random_net(3, 12, 8, 60, false), *b;
	struct ax_err err = AX_ERR_INIT;
	uint64_t pattern = 0, seen = UINT64_MAX;
	uint32_t bit = 0;

	b = ax_netlist_copy(a);
	is_int(ax_netlist_equal(a, b, NULL, NULL, NULL, &err), 1, "a copy");
	/* one wrong pattern: bit 3 flips where all inputs are 1 0 1 1 ... */
	{
		uint32_t all = 0;

		for (uint32_t i = 1; i < 12; i++)
			all = ax_netlist_add(b, AX_AND, i == 1 ? 0 : all, i);
		b->out_ref[3] = ax_netlist_add(b, AX_XOR, b->out_ref[3], all);
	}
	is_int(ax_netlist_equal(a, b, NULL, &pattern, &bit, &err), 0,
	       "one wrong pattern in 4096 is found");
	for (uint32_t p = 0; p < 4096 && seen == UINT64_MAX; p++) {
		if (slow(a, p) != slow(b, p))
			seen = p;
	}
	is_int(pattern, seen, "and named");
	is_int(bit, 3, "with its output");
	ax_netlist_free(b);
	b = random_net(3, 11, 8, 60, false);
	is_int(ax_netlist_equal(a, b, NULL, NULL, NULL, &err), -1,
	       "different ports cannot be compared");
	ax_netlist_free(a);
	ax_netlist_free(b);
}

int
main(void)
{
	test_kinds();
	test_factor();
	test_sim();
	test_run_words();
	test_prune_cost_depth();
	test_equal();
	return tap_done();
}
