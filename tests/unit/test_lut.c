/* SPDX-License-Identifier: Apache-2.0 */
/* Truth tables: files, and metrics against published and hand-made figures. */
#include <jansson.h>
#include <math.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/rng.h"
#include "artifacts/lut.h"
#include "tests/lib/tap.h"

static void
test_exact(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_lut t, back;
	struct ax_lut_metrics m;
	struct ax_str text = AX_STR_INIT;

	is_int(ax_lut_exact(&t, AX_LUT_MUL, 3, 4, true, &err), 0, "3 x 4 bits");
	is_int(ax_lut_at(&t, -4, 7), -28, "-4 * 7");
	is_int(t.v[0], 32, "the first is -4 * -8");
	ax_lut_measure(&m, &t, &t, AX_LUT_MUL, &err);
	is_int(m.wrong + m.wce, 0, "the exact table has no error");
	ok(m.zero_exact && !m.commutative, "zero is exact; 3 x 4 has no swap");
	ax_lut_write_csv(&text, &t);
	ok(strncmp(text.buf, "A,B,OUT\n-4,-8,32\n-4,-7,28\n", 26) == 0,
	   "CSV starts as it should");
	is_int(ax_lut_parse_csv(&back, "t", text.buf, text.len, &err), 0,
	       "CSV reads back");
	ok(ax_lut_equal(&t, &back), "to the same table");
	ax_lut_free(&back);
	ax_str_clear(&text);
	ax_lut_write_npy(&text, &t, &err);
	ok(strstr(text.buf + 10, "'<i2'") && strstr(text.buf + 10, "(8, 16)"),
	   ".npy is int16 of shape (8, 16)");
	is_int(ax_lut_parse_npy(&back, "t", text.buf, text.len, -1, &err), 0,
	       ".npy reads back");
	ok(ax_lut_equal(&t, &back), "to the same table");
	ax_lut_free(&back);
	ax_lut_free(&t);
	ax_str_clear(&text);
	ax_lut_exact(&t, AX_LUT_MUL, 9, 8, false, &err);
	ax_lut_write_npy(&text, &t, &err);
	ok(strstr(text.buf + 10, "'<i4'") != NULL,
	   "int32 where int16 is too small");
	ax_lut_free(&t);
	ax_lut_exact(&t, AX_LUT_ADD, 8, 8, true, &err);
	is_int(ax_lut_at(&t, -128, -128), -256, "sums");
	ax_lut_free(&t);
	is_int(ax_lut_exact(&t, AX_LUT_MUL, 13, 8, true, &err), -1,
	       "13 bits are refused");
	ax_str_free(&text);
}

/* The sign of a .npy is not in the file. */
static void
test_guess(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_str text = AX_STR_INIT;
	struct ax_rng r = ax_rng(5, "guess", 0);
	struct ax_lut t, back;
	size_t right = 0;

	for (int n = 0; n < 20; n++) {
		ax_lut_exact(&t, AX_LUT_MUL, 3 + (unsigned)n % 5,
			     4 + (unsigned)n % 3, n & 1, &err);
		/* errors of both signs, a constant, columns that are gone */
		for (size_t i = 0; i < ax_lut_size(&t); i++)
			t.v[i] = i % 8 == 3 ? -2
					    : t.v[i] + n - 10 +
						      (int)ax_rng_below(&r, 7);
		ax_str_clear(&text);
		ax_lut_write_npy(&text, &t, &err);
		ax_lut_parse_npy(&back, "t", text.buf, text.len,
				 AX_LUT_GUESS_UNSIGNED, &err);
		right += ax_lut_equal(&t, &back);
		ax_lut_free(&back);
		ax_lut_free(&t);
	}
	is_int((long long)right, 20,
	       "unsigned tables with errors below zero are not taken for "
	       "signed ones");
	/* right for a >= 0, where alone a network has its activations */
	ax_lut_exact(&t, AX_LUT_MUL, 6, 6, true, &err);
	for (int a = 0; a < 32; a++)
		for (int b = 0; b < 64; b++)
			t.v[a * 64 + b] = (a + 32) * (b - 32);
	ax_str_clear(&text);
	ax_lut_write_npy(&text, &t, &err);
	ax_lut_parse_npy(&back, "t", text.buf, text.len, AX_LUT_GUESS, &err);
	ok(back.sign, "for signed operands any negative value tells");
	ax_lut_free(&back);
	for (int n = 0; n < 3; n++) {
		ax_lut_free(&t);
		ax_lut_exact(&t, AX_LUT_MUL, 5, 4, n != 2, &err);
		for (size_t i = 0; n < 2 && i < ax_lut_size(&t); i++)
			t.v[i] = n ? abs(t.v[i]) : 0;
		ax_str_clear(&text);
		ax_lut_write_npy(&text, &t, &err);
		ax_lut_parse_npy(&back, "t", text.buf, text.len,
				 AX_LUT_GUESS_SIGNED, &err);
		ok(back.sign == t.sign, "%s",
		   n == 0   ? "a circuit that is always 0 fits them"
		   : n == 1 ? "one that knows no sign as well"
			    : "unsigned products do not");
		if (n < 2)
			ax_lut_free(&back);
	}
	ax_lut_free(&back);
	ax_lut_free(&t);
	ax_str_free(&text);
}

/* 1 x 2 bits unsigned, every figure by hand: exact 0 0 0 0 / 0 1 2 3. */
static void
test_by_hand(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_lut exact, t;
	struct ax_lut_metrics m;
	struct ax_str text = AX_STR_INIT;

	ax_lut_exact(&exact, AX_LUT_MUL, 1, 2, false, &err);
	ax_lut_exact(&t, AX_LUT_MUL, 1, 2, false, &err);
	t.v[0] = 1; /* (0,0): e = +1 */
	t.v[5] = 3; /* (1,1): e = +2, relative 2 */
	t.v[7] = 1; /* (1,3): e = -2, relative 2/3 */
	ax_lut_measure(&m, &t, &exact, AX_LUT_MUL, &err);
	is_int(m.wrong, 3, "wrong");
	is_int(m.sum_abs, 5, "sum of |e|");
	is_int(m.sum, 1, "sum of e");
	is_int((long long)m.sum_sq, 9, "sum of e^2");
	is_int(m.wce, 2, "WCE");
	is_int(m.wce_a, 1, "first at A = 1");
	is_int(m.wce_b, 1, "and B = 1");
	is_int(m.max_abs, 3, "largest exact magnitude");
	ok(m.er == 3.0 / 8 && m.mae == 5.0 / 8 && m.mse == 9.0 / 8 &&
		   m.bias == 1.0 / 8,
	   "ER, MAE, MSE, bias");
	ok(m.nmed == 5.0 / 8 / 3 && m.nmed_range == 5.0 / 64 &&
		   m.rwce == 2.0 / 3 && m.wce_percent == 25,
	   "both normalisations");
	ok(m.nonzero == 3 && fabs(m.mre - (2 + 2.0 / 3) / 3) < 1e-15 &&
		   m.wcre == 2,
	   "relative errors over non-zero exact results");
	ok(fabs(m.smape - (1 / (0.5 + 1e-9) + 2 / (2 + 1e-9) + 2 / (2 + 1e-9)) /
				  8) < 1e-15,
	   "sMAPE");
	ok(m.at_zero == 1 && m.mean_zero_a == 0.25 && m.mean_zero_b == 0.5 &&
		   !m.zero_exact,
	   "at zero");
	ax_lut_write_histogram(&text, &t, &exact, &err);
	is_str(text.buf, "error,count\n-2,1\n0,5\n1,1\n2,1\n", "histogram");
	ax_str_free(&text);
	ax_lut_free(&t);
	ax_lut_free(&exact);
	ax_lut_exact(&exact, AX_LUT_MUL, 2, 1, false, &err);
	ax_lut_exact(&t, AX_LUT_MUL, 1, 2, false, &err);
	is_int(ax_lut_measure(&m, &t, &exact, AX_LUT_MUL, &err), -1,
	       "tables of different shape");
	ax_lut_free(&t);
	ax_lut_free(&exact);
}

static void
bad_csv(const char *what, const char *text, const char *want)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_lut t;
	int rc = ax_lut_parse_csv(&t, "t", text, strlen(text), &err);

	if (!ok(rc < 0 && strstr(err.text, want), "%s", what))
		printf("# %s\n", rc < 0 ? err.text : "(accepted)");
	if (rc == 0)
		ax_lut_free(&t);
}

static void
test_broken(void)
{
	static const char dos[] = "A,B,OUT\r\n1,1,-3\r\n0,1,2\r\n1,0,1\r\n"
				  "0,0,-2147483648";
	struct ax_err err = AX_ERR_INIT;
	struct ax_lut t;

	bad_csv("no header", "0,0,0\n", "t:1: expected the header");
	bad_csv("empty", "", "expected the header");
	bad_csv("header alone", "A,B,OUT\n", "no complete truth table");
	bad_csv("a row is missing", "A,B,OUT\n0,0,0\n0,1,0\n1,0,0\n",
		"no complete truth table: the pair 1,1 is missing");
	bad_csv("a row too many",
		"A,B,OUT\n0,0,0\n0,1,0\n1,0,0\n1,1,0\n0,1,0\n",
		"the pair 0,1 occurs twice");
	bad_csv("operands from 1", "A,B,OUT\n1,1,0\n1,2,0\n2,1,0\n2,2,0\n",
		"no complete truth table: operands of n bits");
	bad_csv("a header cut in its end", "A,B,OUT\r", "expected the header");
	bad_csv("a pair twice", "A,B,OUT\n0,0,0\n0,1,0\n1,0,0\n1,0,1\n",
		"occurs twice");
	bad_csv("cut in a row", "A,B,OUT\n0,0,0\n0,1", "t:3: expected three");
	bad_csv("a giant number", "A,B,OUT\n0,0,99999999999999999999\n",
		"t:2: expected three");
	bad_csv("no number", "A,B,OUT\n0,0,x\n", "t:2:");
	if (ok(ax_lut_parse_csv(&t, "t", dos, strlen(dos), &err) == 0,
	       "any order, CR LF, no last line feed")) {
		is_int(ax_lut_at(&t, 0, 0), INT32_MIN, "the lowest value");
		ax_lut_free(&t);
	}
	is_int(ax_lut_parse_npy(&t, "t", "\x93NUMPY\1\0v\0", 10, -1, &err), -1,
	       "a cut .npy");
}

static void
same(double got, double want, const char *circuit, const char *what)
{
	/* the file states doubles or values rounded to many digits */
	double gap = fabs(got - want);

	if (!ok(gap <= 1e-9 * fabs(want), "%s %s", circuit, what))
		printf("# got %.17g, want %.17g\n", got, want);
}

static void
test_evoapprox(void)
{
	const char *data = getenv("AXPIPE_DATA");
	char *path;
	json_t *root, *one;
	const char *name;

	if (!data || !*data) {
		tap_skip(1, "no AXPIPE_DATA");
		return;
	}
	path = ax_asprintf("%s/evoapprox/examples/metrics.json", data);
	root = json_load_file(path, 0, NULL);
	free(path);
	if (!ok(root != NULL, "metrics.json reads"))
		return;
	json_object_foreach(json_object_get(root, "circuits"), name, one)
	{
		json_t *want = json_object_get(one, "computed");
		bool sign = json_is_true(json_object_get(one, "signed"));
		struct ax_err err = AX_ERR_INIT;
		struct ax_netlist *net = NULL;
		struct ax_lut t, exact;
		struct ax_lut_metrics m;
#define NUM(key) json_number_value(json_object_get(want, key))
#define INT(key) json_integer_value(json_object_get(want, key))

		path = ax_asprintf("%s/evoapprox/examples/%s.blif", data, name);
		ax_netlist_load(&net, path, AX_NET_AUTO, NULL, NULL, &err);
		free(path);
		if (!net || ax_lut_from_netlist(&t, net, sign, NULL, NULL, NULL,
						NULL, &err) < 0) {
			ok(0, "%s: %s", name, err.text);
			ax_netlist_free(net);
			continue;
		}
		is_int(ax_netlist_transistors(net),
		       json_integer_value(json_object_get(
			       json_object_get(one, "transistors"), "T_best")),
		       "%s transistors", name);
		ax_lut_exact(&exact, AX_LUT_MUL, 8, 8, sign, &err);
		ax_lut_measure(&m, &t, &exact, AX_LUT_MUL, &err);
		is_int(m.wrong, INT("wrong_outputs"), "%s wrong", name);
		is_int(m.sum_abs, INT("sum_abs_err"), "%s sum |e|", name);
		is_int((long long)m.sum_sq, INT("sum_sq_err"), "%s sum e^2",
		       name);
		is_int(m.sum, INT("sum_err"), "%s sum e", name);
		is_int(m.wce, INT("WCE"), "%s WCE", name);
		same(m.wce_percent, NUM("WCE_pct"), name, "WCE%");
		same(m.mae, NUM("MAE"), name, "MAE");
		same(m.mae_percent, NUM("MAE_pct"), name, "MAE%");
		same(100 * m.er, NUM("EP_pct"), name, "EP%");
		same(100 * m.mre, NUM("MRE_pct"), name, "MRE%");
		same(100 * m.wcre, NUM("WCRE_pct"), name, "WCRE%");
		same(m.mse, NUM("MSE"), name, "MSE");
		same(m.bias, NUM("bias"), name, "bias");
		if (sign)
			same(m.rwce, NUM("RWCE_16384"), name, "RWCE");
		is_int(m.commutative,
		       json_is_true(json_object_get(one, "commutative")),
		       "%s commutative", name);
		ax_lut_free(&t);
		ax_lut_free(&exact);
		ax_netlist_free(net);
	}
	json_decref(root);
}

/* handbook figures of the shipped CircuitsDNA netlists, to the last digit */
static void
test_circuitsdna(void)
{
	static const struct {
		const char *name;
		long long wrong, sum_abs, sum_sq, wce, at_zero;
		double mre, smape, bias, zero_a, zero_b;
	} rows[] = {{"0.001", 62240, 413952, 3831808, 15, 10, 0.010823649,
		     0.025723281, 2.6875, 12, 10},
		    {"0.005", 65030, 1687588, 63268864, 81, 35, 0.046770340,
		     0.054413193, 11.6953125, 34, 35},
		    {"0.02", 65335, 6032694, 799955200, 309, 178, 0.179644882,
		     0.135298308, 42.875, 118.5, 178},
		    {"0.1", 65481, 29464818, 20164110336, 1636, 1028,
		     1.067051357, 0.376639852, 5.1875, 345, 1028}};
	const char *data = getenv("AXPIPE_DATA");

	if (!data || !*data) {
		tap_skip(1, "no AXPIPE_DATA");
		return;
	}
	for (size_t k = 0; k < AX_LEN(rows); k++) {
		char *path =
			ax_asprintf("%s/circuitsdna/netlist_output_RWCE_%s.txt",
				    data, rows[k].name);
		struct ax_err err = AX_ERR_INIT;
		struct ax_netlist *net = NULL;
		struct ax_lut t, exact;
		struct ax_lut_metrics m;

		ax_netlist_load(&net, path, AX_NET_AUTO, NULL, NULL, &err);
		free(path);
		if (!ok(net != NULL, "%s %s", rows[k].name, err.text))
			continue;
		ax_lut_from_netlist(&t, net, true, NULL, NULL, NULL, NULL,
				    &err);
		ax_lut_exact(&exact, AX_LUT_MUL, 8, 8, true, &err);
		ax_lut_measure(&m, &t, &exact, AX_LUT_MUL, &err);
		is_int(m.wrong, rows[k].wrong, "%s wrong", rows[k].name);
		is_int(m.sum_abs, rows[k].sum_abs, "%s sum |e|", rows[k].name);
		is_int((long long)m.sum_sq, rows[k].sum_sq, "%s sum e^2",
		       rows[k].name);
		is_int(m.wce, rows[k].wce, "%s WCE", rows[k].name);
		is_int(m.at_zero, rows[k].at_zero, "%s (0,0)", rows[k].name);
		ok(fabs(m.mre - rows[k].mre) < 5.1e-10 &&
			   fabs(m.smape - rows[k].smape) < 5.1e-10,
		   "%s MRE and sMAPE to nine places", rows[k].name);
		ok(m.bias == rows[k].bias && m.mean_zero_a == rows[k].zero_a &&
			   m.mean_zero_b == rows[k].zero_b,
		   "%s bias and means at zero", rows[k].name);
		ax_lut_free(&t);
		ax_lut_free(&exact);
		ax_netlist_free(net);
	}
}

static void
test_ports(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_netlist *net = ax_netlist_new("t");
	struct ax_lut t;

	/* the result is x AND y, called otherwise and in swapped order */
	ax_netlist_add_input(net, "y", 1);
	ax_netlist_add_input(net, "x", 2);
	ax_netlist_add_output(net, "q", 2);
	net->out_ref[0] = ax_netlist_add(net, AX_AND, 0, 1);
	net->out_ref[1] = ax_netlist_add(net, AX_AND, 0, 2);
	is_int(ax_lut_from_netlist(&t, net, false, "x", "y", "q", NULL, &err),
	       0, "ports by name %s", err.text);
	is_int(t.n * 10 + t.m, 21, "A is x, B is y");
	is_int(ax_lut_at(&t, 3, 1), 3, "3 * 1");
	ax_lut_free(&t);
	is_int(ax_lut_from_netlist(&t, net, true, NULL, NULL, NULL, NULL, &err),
	       0, "ports in their order");
	is_int(ax_lut_at(&t, -1, -2), -2, "signed result");
	ax_lut_free(&t);
	is_int(ax_lut_from_netlist(&t, net, true, "x", "z", NULL, NULL, &err),
	       -1, "no such port");
	ok(strstr(err.text, "no port z") != NULL, "and it is named");
	ax_netlist_free(net);
}

/* Metrics of random tables at every SIMD level: whole numbers exactly, the real
 * ones bit for bit the same. Large values take another road than small ones. */
static void
test_levels(void)
{
	static const char *const levels[] = {"scalar", "avx2", "avx512"};
	struct ax_rng r = ax_rng(3, "lut", 0);
	struct ax_err err = AX_ERR_INIT;
	struct ax_lut exact, t;

	for (int large = 0; large < 2; large++) {
		struct ax_lut_metrics m, first;
		uint64_t wce = 0, sum = 0, wrong = 0, nonzero = 0;
		double mre = 0, wcre = 0, smape = 0;
		bool real = true, same = true;

		ax_lut_exact(&exact, AX_LUT_MUL, 7, 6, true, &err);
		ax_lut_exact(&t, AX_LUT_MUL, 7, 6, true, &err);
		for (size_t i = 0; i < ax_lut_size(&t); i++) {
			uint64_t d, x, y;

			t.v[i] += (int32_t)ax_rng_below(&r, 200) - 100;
			if (ax_rng_below(&r, 4) == 0)
				t.v[i] = exact.v[i];
			if (large && i == 77)
				t.v[i] = INT32_MIN;
			d = (uint64_t)llabs((int64_t)t.v[i] - exact.v[i]);
			x = (uint64_t)llabs((int64_t)exact.v[i]);
			y = (uint64_t)llabs((int64_t)t.v[i]);
			wce = AX_MAX(wce, d);
			sum += d;
			wrong += d != 0;
			nonzero += x != 0;
			if (x) {
				mre += (double)d / (double)x;
				wcre = fmax(wcre, (double)d / (double)x);
			}
			smape += (double)d / (0.5 * (double)(x + y) + 1e-9);
		}
		mre /= (double)nonzero;
		smape /= (double)ax_lut_size(&t);
		for (size_t l = 0; l < AX_LEN(levels); l++) {
			setenv("AXPIPE_SIMD", levels[l], 1);
			ax_lut_measure(&m, &t, &exact, AX_LUT_MUL, &err);
			first = l ? first : m;
			same = same && memcmp(&first.mre, &m.mre, 8) == 0 &&
			       memcmp(&first.smape, &m.smape, 8) == 0 &&
			       m.sum_sq == first.sum_sq && m.sum == first.sum;
			real = real && fabs(m.mre - mre) < 1e-12 * mre &&
			       fabs(m.smape - smape) < 1e-12 * smape &&
			       m.wcre == wcre;
			ok(m.wce == wce && m.sum_abs == sum &&
				   m.wrong == wrong && m.nonzero == nonzero &&
				   (uint64_t)llabs((int64_t)ax_lut_at(&t,
								      m.wce_a,
								      m.wce_b) -
						   m.wce_a * m.wce_b) == wce,
			   "%s, %s values: whole numbers", levels[l],
			   large ? "large" : "small");
		}
		ok(real, "and real ones");
		ok(same, "the same at every level");
		ax_lut_free(&exact);
		ax_lut_free(&t);
	}
	unsetenv("AXPIPE_SIMD");
}

/* The table of a netlist whose A stands above or below B in the patterns. */
static void
test_order(void)
{
	static const char *const levels[] = {"scalar", "avx2", "avx512"};
	struct ax_err err = AX_ERR_INIT;

	for (size_t l = 0; l < AX_LEN(levels); l++)
		for (int b_first = 0; b_first < 2; b_first++) {
			struct ax_netlist *net = ax_netlist_new("t");
			bool good = true;
			struct ax_lut t;
			uint32_t a, b, x;

			setenv("AXPIPE_SIMD", levels[l], 1);
			if (b_first)
				ax_netlist_add_input(net, "B", 5);
			ax_netlist_add_input(net, "A", 4);
			if (!b_first)
				ax_netlist_add_input(net, "B", 5);
			ax_netlist_add_output(net, "OUT", 9);
			a = b_first ? 5 : 0;
			b = b_first ? 0 : 4;
			/* the value of A above that of B */
			for (uint32_t i = 0; i < 9; i++) {
				x = i < 5 ? b + i : a + i - 5;
				x = ax_netlist_add(net, AX_INV, x, 0);
				net->out_ref[i] =
					ax_netlist_add(net, AX_INV, x, 0);
			}
			is_int(ax_lut_from_netlist(&t, net, true, "A", "B",
						   NULL, NULL, &err),
			       0, "%s: a table", levels[l]);
			for (int32_t i = -8; i < 8; i++)
				for (int32_t k = -16; k < 16; k++)
					good = good &&
					       ax_lut_at(&t, i, k) ==
						       i * 32 + (k & 31);
			ok(good, "%s: table in order, %s", levels[l],
			   b_first ? "B first" : "A first");
			ax_lut_free(&t);
			ax_netlist_free(net);
		}
	unsetenv("AXPIPE_SIMD");
}

/* What a BLIF of these ports computes of B = 0 and A = 1, then 2 (where A has
 * one bit, 0), as one line. */
static void
shape(const char *want, const char *ports, const char *rest)
{
	struct ax_err err = AX_ERR_INIT;
	char *text = ax_asprintf(".model t\n%s\n%s\n.end\n", ports, rest);
	struct ax_netlist *net = NULL;
	struct ax_lut t = {0};
	char *got = NULL;

	if (ax_netlist_parse(&net, "t", text, strlen(text), AX_NET_BLIF, NULL,
			     NULL, &err) == 0 &&
	    ax_lut_from_netlist(&t, net, false, NULL, NULL, NULL, NULL, &err) ==
		    0)
		got = ax_asprintf("%ux%u %d %d", t.n, t.m, ax_lut_at(&t, 1, 0),
				  ax_lut_at(&t, t.n > 1 ? 2 : 0, 0));
	ok(strstr(got ? got : err.text, want) != NULL, "%.*s: %s",
	   (int)strcspn(ports, "\n"), ports, got ? got : err.text);
	free(got);
	free(text);
	ax_lut_free(&t);
	ax_netlist_free(net);
}

/* Ports of one bit are told apart, and ordered, by their names. */
static void
test_bits(void)
{
	static const char rest[] =
		".names a0 y0\n1 1\n.names a1 y1\n1 1\n.names b0 b1 y2\n11 1";

	shape("4x2 1 2", ".inputs a0 a1 a2 a3 b0 b1\n.outputs y0 y1 y2", rest);
	shape("4x2 1 2", ".inputs a3 a2 a1 a0 b1 b0\n.outputs y2 y1 y0", rest);
	shape("2x2 1 2", ".inputs a0 b0 a1 b1\n.outputs y0 y1 y2", rest);
	shape("2x4 1 2", ".inputs a0 a1 b3 b2 b0 b1\n.outputs y1 y2 y0", rest);
	shape("3x2 1 2", ".inputs b1 b0 a0 a2 a1\n.outputs y1 y2 y0", rest);
	shape("2x2 1 2", ".inputs a b c d\n.outputs y0 y1",
	      ".names a y0\n1 1\n.names b y1\n1 1");
	shape("3x1 1 2", ".inputs b a[0] a[1] a[2]\n.outputs y0 y1",
	      ".names a[0] y0\n1 1\n.names a[1] y1\n1 1");
	shape("call the two operands so",
	      ".inputs a0 a1 b0 b1 c0 c1\n.outputs y0 y1 y2", rest);
	/* numbers of nets say nothing: the order of the list counts */
	shape("1x1 3 0", ".inputs n7 n3\n.outputs n9 n5",
	      ".names n7 n9\n1 1\n.names n7 n5\n1 1");
	shape("2x2 1 2", ".inputs w x y z\n.outputs p q",
	      ".names w p\n1 1\n.names x q\n1 1");
	shape("bits of the bus are missing",
	      ".inputs A[0] A[1] B[0] B[1]\n.outputs OUT[0] OUT[2]",
	      ".names A[0] OUT[0]\n1 1\n.names B[0] OUT[2]\n1 1");
	shape("2x2 1 2", ".inputs A[-1] A[-2] B[0] B[1]\n.outputs q[1] q[0]",
	      ".names A[-2] q[0]\n1 1\n.names A[-1] q[1]\n1 1");
	shape("3x1 1 2", ".inputs B0 A2 A1 A0\n.outputs y0 y1",
	      ".names A0 y0\n1 1\n.names A1 y1\n1 1");
	/* of several results none is taken for the whole */
	shape("2 output ports, of which lo is only the first",
	      ".inputs A[0] A[1] B[0] B[1]\n.outputs lo[0] lo[1] hi",
	      ".names A[0] lo[0]\n1 1\n.names B[0] hi\n1 1\n"
	      ".names B[0] lo[1]\n1 1");
	shape("2x2 1 0",
	      ".inputs A[0] A[1] B[0] B[1]\n.outputs x OUT[0] OUT[1]",
	      ".names A[0] OUT[0]\n1 1\n.names B[0] x\n1 1\n"
	      ".names B[0] OUT[1]\n1 1");
}

int
main(void)
{
	test_bits();
	test_levels();
	test_order();
	test_exact();
	test_guess();
	test_by_hand();
	test_broken();
	test_ports();
	test_circuitsdna();
	test_evoapprox();
	return tap_done();
}
