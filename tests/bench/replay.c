/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generations a second of the published search: replay NETLIST [BOUND]. Prints
 * one JSON object: two threads and one, and beside them the same candidates
 * each simulated in full, on one thread. The published program itself makes
 * 0.2 generations a second.
 */
#include "artifacts/base/base.h"
#include "stages/circuit/search/ga.h"

#define GENERATIONS 2000

int
main(int argc, char **argv)
{
	struct ax_ga_params q = {
		2025, 100, 0.02, 0, 0.005, 2000, {.1, .1, .1, .4, .15, .15}};
	struct ax_netlist *net = NULL;
	struct ax_circuit seed;
	struct ax_err err = AX_ERR_INIT;
	struct ax_problem p;
	unsigned wa, wb, nodes = 0;
	double rate[3] = {0}, cpu[3] = {0}, full;
	int32_t *table;

	if (argc > 2)
		q.eps_end = atof(argv[2]);
	if (argc < 2 ||
	    ax_netlist_load(&net, argv[1], AX_NET_AUTO, NULL, NULL, &err) < 0 ||
	    ax_circuit_from_netlist(&seed, &wa, &wb, net, &err) < 0) {
		fprintf(stderr, "usage: replay NETLIST [BOUND]\n%s\n",
			err.text);
		return 2;
	}
	ax_problem_init(&p, wa, wb, seed.outs, true, true, NULL);
	for (unsigned threads = 1; threads <= 2; threads++) {
		struct ax_pool *pool = ax_pool_new(threads);
		struct ax_ga *ga = ax_ga_new(&p, &q, &seed, pool);
		double began = ax_now();
		clock_t used = clock();

		for (int g = 0; g < GENERATIONS; g++)
			ax_ga_step(ga, pool);
		rate[threads] = GENERATIONS / (ax_now() - began);
		cpu[threads] = GENERATIONS * (double)CLOCKS_PER_SEC /
			       (double)(clock() - used);
		nodes = ax_ga_best(ga)->nodes;
		ax_ga_free(ga);
		ax_pool_free(pool);
	}
	/* 100 candidates a generation, bit-parallel but one after another */
	table = ax_calloc(p.patterns, sizeof(*table));
	full = ax_now();
	for (int k = 0; k < 400; k++)
		ax_problem_table(&p, &seed, table);
	full = 4 / (ax_now() - full);
	printf("{\"bench\": \"published-search\", \"bound\": %g, "
	       "\"generations\": %d, \"gates\": [%u, %u], "
	       "\"axpipe_generations_per_s\": %.0f, \"one_thread\": %.0f, "
	       "\"per_cpu_s\": %.0f, "
	       "\"peer\": \"every candidate in full, one thread\", "
	       "\"peer_generations_per_s\": %.1f, \"ratio\": %.4f, "
	       "\"original_generations_per_s\": 0.2}\n",
	       q.eps_end, GENERATIONS, seed.n, nodes, rate[2], rate[1], cpu[1],
	       full, full / rate[2]);
	free(table);
	ax_problem_free(&p);
	ax_circuit_free(&seed);
	ax_netlist_free(net);
	return 0;
}
