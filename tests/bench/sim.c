/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seconds for the full truth table of a netlist: sim NETLIST [LIBERTY].
 * Prints one JSON object; single thread, best and median of repeated runs.
 * The netlist and its peer's form come from here too:
 *   sim --make FILE     writes an exact signed 8x8 multiplier as dump
 *   sim --verilog FILE  prints a netlist as Verilog, module mult
 */
#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/liberty.h"
#include "artifacts/lut.h"
#include "artifacts/netlist/sim.h"

#define RUNS 201
#define BITS 8

/* --- the multiplier --------------------------------------------------------
 */

static uint32_t
nand(struct ax_netlist *net, uint32_t a, uint32_t b)
{
	return ax_netlist_add(net, AX_NAND, a, b);
}

/* The half adder of five NANDs; *pair = NAND(a, b) is of use outside. */
static uint32_t
half(struct ax_netlist *net, uint32_t a, uint32_t b, uint32_t *pair)
{
	uint32_t left, right;

	*pair = nand(net, a, b);
	/* one after the other: the order of arguments is the compiler's */
	left = nand(net, a, *pair);
	right = nand(net, b, *pair);
	return nand(net, left, right);
}

/*
 * Baugh and Wooley's signed product: the partial products that hold one sign
 * bit are inverted, and ones are added in the columns BITS and 2 BITS - 1. The
 * columns are summed by full adders of nine NANDs, from the lowest up.
 */
static struct ax_netlist *
make_multiplier(void)
{
	struct ax_netlist *net = ax_netlist_new("mult");
	uint32_t column[2 * BITS + 1][4 * BITS], a, b, pair, low, out, first;
	size_t n[2 * BITS + 1] = {0};

	a = ax_netlist_add_input(net, "A", BITS);
	b = ax_netlist_add_input(net, "B", BITS);
	for (unsigned i = 0; i < BITS; i++)
		for (unsigned k = 0; k < BITS; k++)
			column[i + k][n[i + k]++] = ax_netlist_add(
				net,
				(i == BITS - 1) != (k == BITS - 1) ? AX_NAND
								   : AX_AND,
				a + i, b + k);
	/* a + b + 1 in column BITS: sum XNOR, carry OR */
	a = column[BITS][--n[BITS]];
	b = column[BITS][--n[BITS]];
	column[BITS][n[BITS]++] = ax_netlist_add(net, AX_XNOR, a, b);
	column[BITS + 1][n[BITS + 1]++] = ax_netlist_add(net, AX_OR, a, b);
	out = ax_netlist_add_output(net, "OUT", 2 * BITS);
	for (unsigned c = 0; c < 2 * BITS; c++) {
		for (first = 0; n[c] - first >= 2;) {
			a = column[c][first++];
			b = column[c][first++];
			a = half(net, a, b, &pair);
			if (n[c] - first >= 1) {
				b = column[c][first++];
				a = half(net, a, b, &low);
				pair = nand(net, low, pair);
			} else {
				pair = ax_netlist_add(net, AX_INV, pair, 0);
			}
			column[c][n[c]++] = a;
			column[c + 1][n[c + 1]++] = pair;
		}
		a = column[c][first];
		if (c == 2 * BITS - 1)
			a = ax_netlist_add(net, AX_INV, a, 0);
		net->out_ref[out + c] = a;
	}
	ax_netlist_prune(net);
	return net;
}

/* The product, on every pattern: a benchmark of something wrong is no use. */
static int
check_product(const struct ax_netlist *net, struct ax_err *err)
{
	uint32_t *table = ax_calloc(1u << (2 * BITS), sizeof(*table)), p;
	struct ax_sim *sim = NULL;
	int rc = -1;

	if (ax_netlist_check(net, err) < 0 || ax_sim_new(&sim, net, err) < 0 ||
	    ax_sim_table(sim, NULL, 0, 2 * BITS, table, err) < 0)
		goto done;
	for (p = 0; p < 1u << (2 * BITS); p++) {
		int32_t x = (int8_t)(p & 255), y = (int8_t)(p >> BITS);

		if (table[p] != (uint16_t)(x * y))
			break;
	}
	rc = p == 1u << (2 * BITS)
		     ? 0
		     : ax_err_set(err, AX_EXIT_STAGE,
				  "the multiplier is wrong at pattern %u", p);
done:
	ax_sim_free(sim);
	free(table);
	return rc;
}

static int
make(const char *path, struct ax_err *err)
{
	struct ax_netlist *net = make_multiplier();
	struct ax_str s = AX_STR_INIT;
	int rc = -1;

	if (check_product(net, err) == 0 &&
	    ax_netlist_write_txt(&s, net, err) == 0)
		rc = ax_write_plain(path, s.buf, s.len, err);
	ax_str_free(&s);
	ax_netlist_free(net);
	return rc;
}

static int
print_verilog(const char *path, struct ax_err *err)
{
	struct ax_netlist *net = NULL;
	struct ax_str s = AX_STR_INIT;
	int rc = -1;

	if (ax_netlist_load(&net, path, AX_NET_AUTO, NULL, NULL, err) == 0) {
		free(net->name);
		net->name = ax_strdup("mult");
		rc = ax_netlist_write_verilog(&s, net, err);
	}
	if (rc == 0 && fwrite(s.buf, 1, s.len, stdout) != s.len)
		rc = ax_err_set(err, AX_EXIT_ENV, "standard output:");
	ax_str_free(&s);
	ax_netlist_free(net);
	return rc;
}

/* --- the time --------------------------------------------------------------
 */

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Least seconds for the table of a signed multiplier and all its metrics; below
 * 0 when it is none. */
static double
table_and_metrics(const struct ax_netlist *net, struct ax_err *err)
{
	struct ax_lut got = {0}, want = {0};
	struct ax_lut_metrics m;
	double best = -1, total = 0;

	if (net->ins != 2 || net->in[0].width > 12 || net->in[1].width > 12 ||
	    ax_lut_exact(&want, AX_LUT_MUL, net->in[0].width, net->in[1].width,
			 true, err) < 0)
		return -1;
	for (int run = 0; run < RUNS && (run < 3 || total < 2); run++) {
		double start = ax_now(), s;

		if (ax_lut_from_netlist(&got, net, true, net->in[0].name,
					net->in[1].name, net->out[0].name, NULL,
					err) < 0 ||
		    ax_lut_measure(&m, &got, &want, AX_LUT_MUL, err) < 0)
			break;
		s = ax_now() - start;
		best = best < 0 ? s : AX_MIN(best, s);
		total += s;
		ax_lut_free(&got);
	}
	ax_lut_free(&want);
	return best;
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
	if (runs == 0)
		goto done;
	qsort(seconds, (size_t)runs, sizeof(*seconds), by_value);
	printf("{\"bench\": \"sim\", \"nodes\": %zu, \"inputs\": %u, "
	       "\"outputs\": %u, \"simd\": \"%s\", \"runs\": %d, "
	       "\"seconds_median\": %.9f, \"seconds\": %.9f, "
	       "\"with_metrics_s\": %.9f}\n",
	       net->nodes, net->inputs, net->outputs, ax_simd_name(ax_simd()),
	       runs, seconds[runs / 2], seconds[0],
	       table_and_metrics(net, err));
done:
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
		fprintf(stderr, "usage: sim NETLIST [LIBERTY] | --make FILE | "
				"--verilog NETLIST\n");
		return AX_EXIT_USAGE;
	}
	if (argc == 3 && ax_starts(argv[1], "--")) {
		rc = ax_streq(argv[1], "--make") ? make(argv[2], &err)
		     : ax_streq(argv[1], "--verilog")
			     ? print_verilog(argv[2], &err)
			     : ax_err_set(&err, AX_EXIT_USAGE, "no option %s",
					  argv[1]);
		if (rc < 0)
			fprintf(stderr, "sim: %s\n", err.text);
		return rc < 0 ? 1 : 0;
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
