/* SPDX-License-Identifier: Apache-2.0 */
/* The published genetic algorithm: its random stream (figures from libstdc++
 * 12.2), its operators, and its run from the published seed netlist. */
#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "stages/circuit/search/ga.h"
#include "tests/lib/tap.h"

static uint32_t
fold(uint32_t h, uint32_t v)
{
	return (h ^ v) * 16777619u;
}

static void
test_stream(void)
{
	static const uint32_t raw[3] = {581917246, 2146402014, 3813294034};
	struct ax_mt m;
	uint32_t h;

	ax_mt_seed(&m, 5489);
	for (int i = 0; i < 9999; i++)
		ax_mt_draw(&m);
	is_int(ax_mt_draw(&m), 4123659995, "mt19937: the standard's value");
	ax_mt_seed(&m, 2025);
	for (int i = 0; i < 3; i++)
		is_int(ax_mt_draw(&m), raw[i], "seed 2025, output %d", i);
	is_int(m.draws, 3, "draws are counted");
	ax_mt_seed(&m, 2025);
	h = 2166136261u;
	for (int i = 0; i < 1000; i++)
		h = fold(h, (uint32_t)ax_mt_int(&m, 0, i * 7));
	is_int(h, 2182873827, "uniform integers");
	h = 2166136261u;
	for (int i = 0; i < 1000; i++)
		h = fold(h, (uint32_t)ax_mt_int(&m, 0, 2147483646));
	is_int(h, 2736999916, "with rejections");
	h = 2166136261u;
	for (int i = 0; i < 1000; i++)
		h = fold(h, (uint32_t)(ax_mt_real(&m) * 4294967296.0));
	is_int(h, 2771860626, "uniform reals");
	h = 2166136261u;
	for (size_t n = 1; n <= 300; n++)
		h = fold(h, (uint32_t)ax_mt_shuffle_first(&m, n));
	is_int(h, 1509258938, "first elements of shuffles of 1..300");
	is_int(ax_mt_draw(&m), 2075787766, "shuffles draw what they should");
	is_int(ax_mt_int(&m, 3, -5), 3, "an empty range is its left end");
}

static bool
by_key(void *arg, int a, int b)
{
	const double *key = arg;

	return key[a] < key[b];
}

static void
test_selection(void)
{
	uint32_t a = 2166136261u, b = a;
	double key[160];
	int x[160], y[160];

	/* ties everywhere, and sequences that make median of three fail, so
	 * that the heap is reached */
	for (int t = 0; t < 400; t++) {
		int n = 1 + t % 150, k = n / 2;

		for (int i = 0; i < n; i++) {
			key[i] = (double)((uint32_t)(i * i + t) * 37u %
					  (3 + t % 11));
			if (t % 5 == 0)
				key[i] = i >= k       ? (i - k + 1) * 2
					 : i % 2 == 0 ? i + 1
						      : k + i + (k % 2);
			x[i] = y[i] = i;
		}
		ax_std_nth_element(x, (size_t)(t % n), (size_t)n, by_key, key);
		ax_std_sort(y, (size_t)n, by_key, key);
		for (int i = 0; i < n; i++) {
			a = fold(a, (uint32_t)x[i]);
			b = fold(b, (uint32_t)y[i]);
		}
	}
	is_int(a, 1291233535, "nth_element leaves libstdc++'s order");
	is_int(b, 665761479, "sort leaves libstdc++'s order");
}

/* Every operator keeps a circuit valid, and `from` tells the truth. */
static void
test_operators(void)
{
	const double weights[AX_MUTATIONS] = {.1, .1, .1, .4, .15, .15};
	double cumulative[AX_MUTATIONS];
	struct ax_circuit c = {.ins = 4, .outs = 3}, d = AX_CIRCUIT_INIT;
	uint16_t from[600];
	unsigned seen[AX_MUTATIONS] = {0};
	bool valid = true, honest = true, pruned = true, none = false;
	struct ax_mt m;

	ax_mutate_weights(cumulative, weights);
	ok(cumulative[0] == 0.1 && cumulative[1] == 0.2 &&
		   cumulative[2] == 0.30000000000000004 &&
		   cumulative[3] == 0.7000000000000001 &&
		   cumulative[4] == 0.8500000000000001 && cumulative[5] == 1,
	   "weights accumulate as published");
	ax_mt_seed(&m, 1);
	/* starts with no node at all */
	for (unsigned k = 0; k < 20000; k++) {
		int op = ax_mutate(&m, cumulative, &c, &d, from, &none);

		none = false;
		if (op >= 0)
			seen[op]++;
		for (unsigned j = 0; j < d.n; j++) {
			valid = valid && d.in[j][0] < d.ins + j &&
				d.in[j][1] < d.ins + j &&
				d.gate[j] >= AX_G_INV && d.gate[j] != AX_G_NOR;
			honest = honest && (from[j] == AX_NOT_FROM ||
					    ((from[j] & 0x7fffu) < c.n &&
					     ((from[j] & AX_CHANGED) ||
					      c.gate[from[j]] == d.gate[j])));
		}
		for (unsigned o = 0; o < 3; o++)
			valid = valid && d.out[o] < d.ins + d.n;
		ax_circuit_copy(&c, &d);
		ax_circuit_prune(&c, NULL);
		pruned = pruned && c.n == d.n;
		if (d.n > 500)
			c.n = 0, memset(c.out, 0, sizeof(c.out));
	}
	ok(valid, "mutants refer backwards only, to gates that exist");
	ok(honest, "nodes said to be the parent's are");
	ok(pruned, "mutants are pruned");
	for (int op = 0; op < AX_MUTATIONS; op++)
		ok(seen[op] > 0, "operator %d was seen %u times", op, seen[op]);
	ax_circuit_free(&c);
	ax_circuit_free(&d);
}

static int
load_seed(struct ax_circuit *c, const char *name)
{
	const char *data = getenv("AXPIPE_DATA");
	struct ax_str path = AX_STR_INIT;
	struct ax_netlist *net = NULL;
	unsigned wa, wb;
	int rc = -1;

	if (!data || !*data)
		return -1;
	ax_str_addf(&path, "%s/circuitsdna/%s", data, name);
	if (ax_is_file(path.buf) &&
	    ax_netlist_load(&net, path.buf, AX_NET_AUTO, NULL, NULL, NULL) == 0)
		rc = ax_circuit_from_netlist(c, &wa, &wb, net, NULL);
	ax_netlist_free(net);
	ax_str_free(&path);
	return rc;
}

struct point {
	unsigned generation;
	double fitness;
	uint64_t draws; /* 0: not known */
};

static void
replay(const struct ax_problem *p, const struct ax_circuit *seed, double eps,
       const struct point *point, size_t n, struct ax_pool *pool, bool resume)
{
	struct ax_ga_params q = {
		2025, 100, 0.02, 0, eps, 2000, {.1, .1, .1, .4, .15, .15}};
	struct ax_ga *ga = ax_ga_new(p, &q, seed, pool);
	struct ax_str s = AX_STR_INIT;

	is_int(ax_ga_draws(ga), 1880, "draws of the initial population");
	for (size_t k = 0; k < n; k++) {
		while (ax_ga_generation(ga) < point[k].generation)
			ax_ga_step(ga, pool);
		is_int(ax_ga_best(ga)->fitness, point[k].fitness,
		       "eps %g: best of generation %u", eps,
		       point[k].generation);
		if (point[k].draws)
			is_int(ax_ga_draws(ga), point[k].draws,
			       "eps %g: draws up to generation %u", eps,
			       point[k].generation);
		if (!resume)
			continue;
		/* go on in another one */
		ax_str_clear(&s);
		ax_ga_save(ga, &s);
		ax_ga_free(ga);
		ga = ax_ga_new(p, &q, seed, NULL);
		is_int(ax_ga_restore(ga, s.buf, s.len), 0, "resumed");
		is_int(ax_ga_restore(ga, s.buf, s.len - 1), -1,
		       "a state cut short is refused");
		is_int(ax_ga_restore(ga, s.buf, s.len), 0, "resumed again");
	}
	if (eps == 0.1) {
		ax_str_clear(&s);
		ax_ga_log(ga, 18, &s);
		is_str(strrchr(s.buf, '#') ? "header" : "", "header", "log");
		is_str(strstr(s.buf, "\n18 ") ? strstr(s.buf, "\n18 ") + 1 : "",
		       "18 0.000895962 2638 512 0.000232324 0.841415 "
		       "0.000610352 0.00616257 0.0217605\n",
		       "line 18 of the published log");
	}
	ax_str_free(&s);
	ax_ga_free(ga);
}

static void
test_published(void)
{
	static const struct point at_01[] = {
		{1, 2678, 4399}, {4, 2664, 0},      {8, 2662, 0},
		{14, 2652, 0},   {18, 2638, 55459}, {250, 2170, 664884},
		{500, 1948, 0},  {750, 1786, 0},    {1000, 1660, 0}};
	static const struct point at_0005[] = {{250, 2602, 0},
					       {500, 2530, 0},
					       {750, 2446, 0},
					       {1000, 2418, 0}};
	struct ax_circuit seed = AX_CIRCUIT_INIT;
	struct ax_problem p;
	struct ax_pool *pool;

	if (load_seed(&seed, "seed_netlist.txt") < 0) {
		tap_skip(1, "AXPIPE_DATA has no circuitsdna/seed_netlist.txt");
		return;
	}
	is_int(ax_circuit_cost(&seed, &ax_transistors), 2678, "seed: 2678 T");
	ax_problem_init(&p, 8, 8, 16, true, true, NULL);
	pool = ax_pool_new(2);
	replay(&p, &seed, 0.1, at_01, AX_LEN(at_01), pool, true);
	replay(&p, &seed, 0.005, at_0005, AX_LEN(at_0005), pool, false);
	ax_pool_free(pool);
	ax_problem_free(&p);
	ax_circuit_free(&seed);
}

int
main(void)
{
	test_stream();
	test_selection();
	test_operators();
	test_published();
	return tap_done();
}
