/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways through a table: for each, which one the engine chooses when it
 * loads it, and how fast a layer of ResNet-20 (32 channels of 16 x 16, batch
 * 32) is that way, beside the same layer with the general look-up forced, in
 * the same rounds. error_range is the most that T(a,w) - a w differs within a
 * row of the table, a from 0 on.
 *
 * Arguments: tables (CSV or .npy) and netlists (.txt, .v, .json, .blif), after
 * the ones made here. Prints a JSON line a table. By CPU time, best of many
 * rounds.
 */
#include "artifacts/base/base.h"
#include "artifacts/base/rng.h"
#include "artifacts/netlist/netlist.h"
#include "stages/nn/engine/factors.h"
#include "stages/nn/engine/product.h"
#include "tests/bench/clock.h"

#define BATCH 32
#define ROUNDS 24

/* --- tables --------------------------------------------------------------- */

static int32_t
exact(int a, int b)
{
	return a * b;
}

static int32_t
cut_operands(int a, int b)
{
	return (a & ~3) * (b & ~1);
}

static int32_t
noise(int a, int b)
{
	struct ax_rng r = ax_rng(1, "noise", (uint64_t)(a * 256 + b + 65536));

	return a * b + (int32_t)ax_rng_below(&r, 800) - 400;
}

static int32_t
small_noise(int a, int b)
{
	return a * b + (noise(a, b) - a * b) / 14;
}

static int32_t
one_byte(int a, int b)
{
	return 64 * b + (noise(a, b) & 255);
}

static const struct {
	const char *name;
	int32_t (*at)(int a, int b);
} made[] = {{"exact", exact},
	    {"operands cut by 2 and 1 bits", cut_operands},
	    {"rows of a byte", one_byte},
	    {"errors within 28", small_noise},
	    {"errors within 400", noise}};

static int
load(struct ax_lut *t, const char *path, struct ax_err *err)
{
	size_t n = strlen(path);
	struct ax_netlist *net;
	int rc;

	if ((n > 4 && ax_streq(path + n - 4, ".csv")) ||
	    (n > 4 && ax_streq(path + n - 4, ".npy")))
		return ax_lut_load(t, path, 1, err);
	if (ax_netlist_load(&net, path, AX_NET_AUTO, NULL, NULL, err) < 0)
		return -1;
	rc = ax_lut_from_netlist(t, net, true, NULL, NULL, NULL, NULL, err);
	ax_netlist_free(net);
	return rc;
}

static int
error_range(const struct ax_lut *t)
{
	int a, b, least, most, e, range = 0;

	for (b = -128; b < 128; b++) {
		least = most = ax_lut_at(t, 0, b);
		for (a = 0; a < 128; a++) {
			e = ax_lut_at(t, a, b) - a * b;
			least = AX_MIN(least, e);
			most = AX_MAX(most, e);
		}
		range = AX_MAX(range, most - least);
	}
	return range;
}

/* --- a layer -------------------------------------------------------------- */

static const struct ax_conv conv = {32, 16,     16,     32,     16,
				    16, {3, 3}, {1, 1}, {1, 1}, 1};

static const char *
way_of(const struct ax_product *p, const struct ax_kern *kern)
{
	const struct ax_lut_rows *r = &p->rows;

	if (p->factors)
		return kern->dot8 && p->factors->bytes ? "factors, bytes"
						       : "factors";
	if (r->half.bytes && kern->lut8)
		return "bytes";
	if (r->errors.bytes && kern->dot8)
		return "product and errors";
	return r->half.sevens && kern->lut7 ? "sevens" : "words";
}

static void
compare(struct ax_engine *e, const struct ax_operands *o, float *y,
	const char *name, const struct ax_lut *t)
{
	double macs = BATCH * 32.0 * 256 * 288, best[2] = {1e30, 1e30}, s;
	struct ax_product p[2];

	if (ax_product_table(&p[0], t, NULL) < 0)
		exit(1);
	setenv("AXPIPE_TABLES", "rows", 1);
	if (ax_product_table(&p[1], t, NULL) < 0)
		exit(1);
	unsetenv("AXPIPE_TABLES");
	for (int r = 0; r < 2 * ROUNDS; r++) {
		s = cpu_s();
		p[r % 2].ops->forward(&p[r % 2], e, o, y);
		best[r % 2] = AX_MIN(best[r % 2], cpu_s() - s);
	}
	printf("{\"bench\":\"tables\",\"table\":\"%s\",\"simd\":\"%s\","
	       "\"way\":\"%s\",\"GMAC_s\":%.1f,\"words_GMAC_s\":%.1f,"
	       "\"speedup\":%.2f,\"error_range\":%d}\n",
	       name, e->kern->name, way_of(&p[0], e->kern),
	       macs / best[0] / 1e9, macs / best[1] / 1e9, best[1] / best[0],
	       error_range(t));
	ax_product_free(&p[0]);
	ax_product_free(&p[1]);
}

int
main(int argc, char **argv)
{
	size_t nx = BATCH * 32 * 256, nw = 32 * 288, i, j;
	float *x = ax_aligned(nx, 4), *w = ax_aligned(nw, 4);
	float *y = ax_aligned(nx, 4);
	struct ax_operands o = {&conv, x, w, NULL, NULL, BATCH};
	struct ax_err err = AX_ERR_INIT;
	struct ax_rng r = ax_rng(1, "bench", 0);
	struct ax_quant qx, qw;
	struct ax_engine e;
	struct ax_lut t;

	ax_engine_init(&e, NULL, ax_kern());
	ax_quant_init(&qx, &ax_quant_symmetric, 8, true);
	ax_quant_init(&qw, &ax_quant_symmetric, 8, true);
	ax_quant_set(&qx, 1.0f / 127);
	ax_quant_set(&qw, 0.5f / 127);
	o.in = &qx;
	o.weight = &qw;
	for (i = 0; i < nx; i++)
		x[i] = ax_rng_float(&r);
	for (i = 0; i < nw; i++)
		w[i] = ax_rng_float(&r) - 0.5f;
	for (i = 0; i < AX_LEN(made); i++) {
		if (ax_lut_new(&t, 8, 8, true, &err) < 0)
			return 1;
		for (j = 0; j < ax_lut_size(&t); j++)
			t.v[j] = made[i].at((int)(j >> 8) - 128,
					    (int)(j & 255) - 128);
		compare(&e, &o, y, made[i].name, &t);
		ax_lut_free(&t);
	}
	for (i = 1; i < (size_t)argc; i++) {
		const char *slash = strrchr(argv[i], '/');

		if (load(&t, argv[i], &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			return 1;
		}
		if (t.n == 8 && t.m == 8 && t.sign)
			compare(&e, &o, y, slash ? slash + 1 : argv[i], &t);
		ax_lut_free(&t);
	}
	ax_engine_free(&e);
	free(x);
	free(w);
	free(y);
	return 0;
}
