/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways through a table: for each, which one the engine chooses when it
 * loads it, and how fast a layer of ResNet-20 (32 channels of 16 x 16, batch
 * 32) is that way, beside the same layer with the general look-up forced, in
 * the same rounds. Then what the way that the engine does not have would do:
 *
 *	error_range   the most that T(a,w) - a w differs within a row of the
 *	              table, a from 0 on
 *	exact_plus_error   1 + that: an int8 product for the exact part (VNNI,
 *	              of operands packed beforehand) and a look-up of a byte for
 *	              the error, as a ratio to the look-up of two bytes or
 *	              digits, kernels alone; null where the error needs more
 *	              than a byte
 *
 * Arguments: tables (CSV or .npy) and netlists (.txt, .v, .json, .blif), after
 * the ones made here. Prints a JSON line a table. By CPU time, best of many
 * rounds.
 */
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "artifacts/base/base.h"
#include "artifacts/base/rng.h"
#include "artifacts/netlist/netlist.h"
#include "stages/nn/engine/product.h"
#include "tests/bench/clock.h"

#define BATCH 32
#define ROUNDS 24
#define K 72

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

/* --- kernels alone -------------------------------------------------------- */

struct kernels {
	double table, bytes, product; /* seconds a multiplication */
};

#if defined(__x86_64__)
/* out[4 channels][64 positions], panels [k/4][64 positions][4] of a byte each,
 * weights [k/4][4 channels][4] */
__attribute__((target("avx512f,avx512vnni"))) static void
int8_tile(uint32_t *out, const uint8_t *w, const uint8_t *panel, size_t k)
{
	__m512i s[4][4], x[4], b;
	size_t i, j;

#pragma GCC unroll 4
	for (i = 0; i < 4; i++)
#pragma GCC unroll 4
		for (j = 0; j < 4; j++)
			s[i][j] = _mm512_setzero_si512();
	for (; k; k -= 4, panel += 256, w += 16) {
#pragma GCC unroll 4
		for (j = 0; j < 4; j++)
			x[j] = _mm512_loadu_si512(panel + 64 * j);
#pragma GCC unroll 4
		for (i = 0; i < 4; i++) {
			b = _mm512_set1_epi32(
				((const int *)(const void *)w)[i]);
#pragma GCC unroll 4
			for (j = 0; j < 4; j++)
				__asm__("vpdpbusd %2,%1,%0"
					: "+v"(s[i][j])
					: "v"(x[j]), "v"(b));
		}
	}
#pragma GCC unroll 4
	for (i = 0; i < 4; i++)
#pragma GCC unroll 4
		for (j = 0; j < 4; j++)
			_mm512_storeu_si512(out + 64 * i + 16 * j, s[i][j]);
}
#endif

/* What the three cost where there are byte permutations and VNNI; else 0. */
static struct kernels
measure_kernels(const struct ax_product *p)
{
	struct kernels best = {0, 0, 0};
#if defined(__x86_64__)
	const struct ax_kern *kern = ax_kern();
	bool sevens = p->rows.half.sevens;
	const uint8_t *low = p->rows.half.rows[kern->layout];
	const uint8_t *rows = sevens ? p->rows.half.rows[AX_ROWS_SEVENS] : low;
	void (*lut)(uint32_t *, const uint8_t *, unsigned, const uint8_t *,
		    const uint8_t *, size_t, size_t, unsigned) =
		sevens ? kern->lut7 : kern->lut;
	uint8_t *idx, *w;
	uint32_t *out;
	double t;

	if (!kern->lut8)
		return best;
	best = (struct kernels){1, 1, 1};
	idx = ax_aligned(K * AX_LUTP, 1);
	out = ax_aligned(4 * AX_LUTP, sizeof(*out));
	w = ax_malloc(64 * K);
	for (size_t i = 0; i < K * AX_LUTP; i++)
		idx[i] = (uint8_t)(i * 40503 >> 9 & 127);
	kern->mark(idx, K * AX_LUTP);
	for (size_t i = 0; i < 64 * K; i++)
		w[i] = (uint8_t)(i * 2654435761u >> 13);
	for (int r = 0; r < 20 * ROUNDS; r++) {
		t = cpu_s();
		for (size_t m = 0; m < 64; m++)
			lut(out, rows, 128, w + m * K, idx, K, AX_LUTP, 0);
		best.table = AX_MIN(best.table, cpu_s() - t);
		t = cpu_s();
		for (size_t m = 0; m < 64; m++)
			kern->lut8(out, low, 128, w + m * K, idx, K, AX_LUTP,
				   0);
		best.bytes = AX_MIN(best.bytes, cpu_s() - t);
		t = cpu_s();
		for (size_t m = 0; m < 64; m += 4)
			for (size_t j = 0; j < AX_LUTP / 64; j++)
				int8_tile(out + 64 * j, w + m * K,
					  idx + j * 64 * K, K);
		best.product = AX_MIN(best.product, cpu_s() - t);
	}
	best.table /= 64 * K * AX_LUTP;
	best.bytes /= 64 * K * AX_LUTP;
	best.product /= 64 * K * AX_LUTP;
	free(idx);
	free(out);
	free(w);
#else
	(void)p;
#endif
	return best;
}

/* --- a layer -------------------------------------------------------------- */

static const struct ax_conv conv = {32, 16,     16,     32,     16,
				    16, {3, 3}, {1, 1}, {1, 1}, 1};

static void
compare(struct ax_engine *e, const struct ax_operands *o, float *y,
	const char *name, const struct ax_lut *t)
{
	double macs = BATCH * 32.0 * 256 * 288, best[2] = {1e30, 1e30}, s;
	struct ax_product p[2];
	struct kernels k;
	int range = error_range(t);

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
	k = measure_kernels(&p[0]);
	printf("{\"bench\":\"tables\",\"table\":\"%s\",\"simd\":\"%s\","
	       "\"way\":\"%s\",\"GMAC_s\":%.1f,\"words_GMAC_s\":%.1f,"
	       "\"speedup\":%.2f,\"error_range\":%d,\"exact_plus_error\":",
	       name, e->kern->name,
	       p[0].factors                             ? "factors"
	       : p[0].rows.half.bytes && e->kern->lut8  ? "bytes"
	       : p[0].rows.half.sevens && e->kern->lut7 ? "sevens"
							: "words",
	       macs / best[0] / 1e9, macs / best[1] / 1e9, best[1] / best[0],
	       range);
	if (k.table > 0 && range < 256)
		printf("%.2f}\n", k.table / (k.bytes + k.product));
	else
		printf("null}\n");
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
