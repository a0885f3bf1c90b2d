/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seconds for the full truth table of a netlist: sim NETLIST [LIBERTY].
 * Prints one JSON object; single thread, best and median of repeated runs.
 */
#include "artifacts/base/base.h"
#include "artifacts/liberty.h"
#include "artifacts/netlist/sim.h"

#define RUNS 201

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int
measure(const struct ax_netlist *net, struct ax_err *err)
{
	uint32_t width = AX_MIN(net->outputs, 32u), *out;
	struct ax_sim *sim;
	double seconds[RUNS], total = 0;
	int runs = 0;

	if (net->inputs > AX_SIM_MAX_INPUTS)
		return ax_err_set(err, AX_EXIT_USAGE, "%u inputs are too many",
				  net->inputs);
	if (ax_sim_new(&sim, net, err) < 0)
		return -1;
	out = ax_calloc((size_t)1 << net->inputs, sizeof(*out));
	while (runs < RUNS && (runs < 3 || total < 2)) {
		double start = ax_now();

		if (ax_sim_table(sim, NULL, 0, width, out, err) < 0)
			break;
		seconds[runs] = ax_now() - start;
		total += seconds[runs++];
	}
	qsort(seconds, (size_t)runs, sizeof(*seconds), by_value);
	printf("{\"bench\": \"sim\", \"nodes\": %zu, \"inputs\": %u, "
	       "\"outputs\": %u, \"simd\": \"%s\", \"runs\": %d, "
	       "\"seconds_median\": %.9f, \"seconds_best\": %.9f}\n",
	       net->nodes, net->inputs, net->outputs, ax_simd_name(ax_simd()),
	       runs, seconds[runs / 2], seconds[0]);
	free(out);
	ax_sim_free(sim);
	return runs > 0 ? 0 : -1;
}

int
main(int argc, char **argv)
{
	struct ax_liberty lib = {0};
	struct ax_netlist *net = NULL;
	struct ax_err err = AX_ERR_INIT;
	int rc = 0;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: sim NETLIST [LIBERTY]\n");
		return AX_EXIT_USAGE;
	}
	if (argc == 3)
		rc = ax_liberty_load(&lib, argv[2], &err);
	if (rc == 0)
		rc = ax_netlist_load(&net, argv[1], AX_NET_AUTO,
				     argc == 3 ? &lib : NULL, NULL, &err);
	if (rc == 0)
		rc = measure(net, &err);
	if (rc < 0)
		fprintf(stderr, "sim: %s\n", err.text);
	ax_netlist_free(net);
	ax_liberty_free(&lib);
	return rc < 0 ? 1 : 0;
}
