/* SPDX-License-Identifier: Apache-2.0 */
/* Operand histograms: the file, rubbish in its place, and the errors of a
 * table under them, by hand. */
#include <math.h>

#include "artifacts/base/base.h"
#include "artifacts/base/rng.h"
#include "artifacts/histogram.h"
#include "artifacts/lut_operands.h"
#include "tests/lib/tap.h"

#define OPERAND(total, counts)                                                 \
	"{\"bits\":1,\"signed\":false,\"total\":" total ",\"counts\":[" counts \
	"]}"
#define LAYER(name, a)                                                         \
	"{\"name\":\"" name "\",\"k\":4,\"products\":3,\"a\":" a               \
	",\"b\":" OPERAND("5", "2,3") "}"
#define FILE_OF(layers)                                                        \
	"{\"axpipe_histogram\":1,\"images\":2,\"layers\":[" layers "]}"
#define GOOD OPERAND("4", "1,3")

static int
parse(struct ax_histogram *h, const char *text, struct ax_err *err)
{
	return ax_histogram_parse(h, "h.json", text, strlen(text), err);
}

static void
test_file(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_histogram h = AX_HISTOGRAM_INIT, back;
	struct ax_str text = AX_STR_INIT, again = AX_STR_INIT;
	struct ax_histogram_layer *l;
	double share[4];

	is_int(parse(&back, FILE_OF(LAYER("x", GOOD)), &err), 0, "a file");
	is_int(back.images, 2, "images");
	is_int(back.layers[0].k, 4, "k");
	is_int(back.layers[0].products, 3, "products");
	is_int(back.layers[0].a.counts[1], 3, "count of code 1");
	is_int(back.layers[0].b.total, 5, "total");
	ax_histogram_free(&back);

	h.images = 7;
	l = ax_histogram_add(&h, "one", 9, 90, 2, true, 1, false);
	l->a.counts[0] = 1;
	l->a.counts[3] = 3;
	l->b.counts[0] = ((uint64_t)1 << 53) - 1;
	l->b.counts[1] = 1;
	l = ax_histogram_add(&h, "two", 1, 1, 12, true, 12, true);
	l->a.counts[4095] = l->b.counts[17] = 1;
	ax_histogram_total(&h);
	is_int(h.layers[0].a.total, 4, "sums");
	is_int(ax_operand_min(&h.layers[0].a), -2, "least signed code");
	is_int(ax_operand_min(&h.layers[0].b), 0, "least unsigned code");
	ax_operand_share(share, &h.layers[0].a);
	ok(share[0] == 0.25 && share[1] == 0 && share[3] == 0.75, "shares");
	ok(ax_histogram_layer(&h, "two") == &h.layers[1] &&
		   !ax_histogram_layer(&h, "three"),
	   "layers by name");
	ax_histogram_write(&text, &h);
	is_int(ax_histogram_parse(&back, "h.json", text.buf, text.len, &err), 0,
	       "what is written reads back");
	ax_histogram_write(&again, &back);
	is_str(again.buf, text.buf, "to the same bytes");
	ax_histogram_free(&back);
	ax_histogram_free(&h);
	ax_str_free(&text);
	ax_str_free(&again);
}

static void
bad(const char *what, const char *text, const char *want)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_histogram h;
	int rc = parse(&h, text, &err);

	if (!ok(rc < 0 && strstr(err.text, want) &&
			!strncmp(err.text, "h.json:", 7) &&
			err.exit == AX_EXIT_USAGE && !h.layers,
		"%s", what))
		printf("# %s\n", rc < 0 ? err.text : "(accepted)");
	if (rc == 0)
		ax_histogram_free(&h);
}

static void
test_rubbish(void)
{
	bad("nothing", "", "");
	bad("no object", "[]", "no histogram");
	bad("another object", "{\"axpipe_front\":1}", "no histogram");
	bad("another version",
	    "{\"axpipe_histogram\":2,\"images\":1,\"layers\":[]}",
	    "from 1 to 1");
	bad("no layers", FILE_OF(""), "1 to 4096 layers");
	bad("layers that are none",
	    "{\"axpipe_histogram\":1,\"images\":2,\"layers\":{}}",
	    "1 to 4096 layers");
	bad("no images",
	    "{\"axpipe_histogram\":1,\"layers\":[" LAYER("x", GOOD) "]}",
	    "\"images\" is missing");
	bad("images below 1",
	    "{\"axpipe_histogram\":1,\"images\":0,\"layers\":[]}",
	    "images must be an integer from 1");
	bad("an unknown member",
	    "{\"axpipe_histogram\":1,\"image\":2,\"images\":2,\"layers\":[]}",
	    "no member \"image\"");
	bad("a layer that is a number", FILE_OF("3"), "an object is wanted");
	bad("a layer without operands",
	    FILE_OF("{\"name\":\"x\",\"k\":1,\"products\":1}"),
	    "\"a\" is missing");
	bad("two of a name", FILE_OF(LAYER("x", GOOD) "," LAYER("x", GOOD)),
	    "\"x\" is there twice");
	bad("an empty name", FILE_OF(LAYER("", GOOD)), "the name of a layer");
	bad("a name with a line end", FILE_OF(LAYER("a\\nb", GOOD)),
	    "the name of a layer");
	bad("a wrong sum", FILE_OF(LAYER("x", OPERAND("5", "1,3"))),
	    "add up to 4, but \"total\" is 5");
	bad("a sum of nothing", FILE_OF(LAYER("x", OPERAND("0", "0,0"))),
	    "total must be an integer from 1");
	bad("too few counts", FILE_OF(LAYER("x", OPERAND("4", "4"))),
	    "2 integers are wanted");
	bad("too many counts", FILE_OF(LAYER("x", OPERAND("4", "1,2,1"))),
	    "2 integers are wanted");
	bad("a negative count", FILE_OF(LAYER("x", OPERAND("4", "5,-1"))),
	    "an integer from 0");
	bad("half a count", FILE_OF(LAYER("x", OPERAND("4", "3.5,0.5"))),
	    "an integer from 0");
	bad("a count as text", FILE_OF(LAYER("x", OPERAND("4", "\"4\",0"))),
	    "an integer from 0");
	bad("sums that wrap",
	    FILE_OF(LAYER("x", OPERAND("4", "9223372036854775807,"
					    "9223372036854775807"))),
	    "an integer from 0");
	bad("sums beyond 2^53",
	    FILE_OF(LAYER("x",
			  OPERAND("9007199254740993", "9007199254740992,1"))),
	    "total must be an integer");
	bad("0 bits",
	    FILE_OF(LAYER("x", "{\"bits\":0,\"signed\":true,\"total\":1,"
			       "\"counts\":[1]}")),
	    "bits must be an integer from 1 to 12");
	bad("64 bits",
	    FILE_OF(LAYER("x", "{\"bits\":64,\"signed\":true,\"total\":1,"
			       "\"counts\":[1]}")),
	    "bits must be an integer from 1 to 12");
	bad("a sign that is none",
	    FILE_OF(LAYER("x", "{\"bits\":1,\"signed\":1,\"total\":1,"
			       "\"counts\":[1,0]}")),
	    "signed must be true or false");
}

/* Bytes changed at random: an error or a histogram, never a crash. */
static void
test_noise(void)
{
	static const char text[] = FILE_OF(LAYER("x", GOOD));
	char copy[sizeof(text)];
	struct ax_rng r = ax_rng(1, "noise", 0);
	struct ax_histogram h;
	size_t bad_ones = 0;

	for (int i = 0; i < 3000; i++) {
		memcpy(copy, text, sizeof(copy));
		for (uint32_t n = ax_rng_below(&r, 4) + 1; n > 0; n--)
			copy[ax_rng_below(&r, sizeof(text) - 1)] =
				"0123456789{}[],:\"e-."[ax_rng_below(&r, 20)];
		if (ax_histogram_parse(&h, "h", copy, sizeof(text) - 1, NULL) ==
		    0)
			ax_histogram_free(&h);
		else
			bad_ones++;
	}
	ok(bad_ones > 2000, "%zu of 3000 damaged files are refused", bad_ones);
}

static bool
near(double x, double y)
{
	return fabs(x - y) <= 1e-15 * (1 + fabs(y));
}

/* 1 x 2 bits unsigned, exact 0 0 0 0 / 0 1 2 3, errors 1 0 0 0 / 0 2 0 -2. */
static void
test_by_hand(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_histogram h = AX_HISTOGRAM_INIT;
	struct ax_lut_weighted w, of[3];
	struct ax_histogram_layer *l;
	struct ax_lut exact, t;

	ax_lut_exact(&exact, AX_LUT_MUL, 1, 2, false, &err);
	ax_lut_exact(&t, AX_LUT_MUL, 1, 2, false, &err);
	t.v[0] = 1;
	t.v[5] = 3;
	t.v[7] = 1;
	/* shares 1/4 3/4 and four times 1/4, K = 4 */
	l = ax_histogram_add(&h, "x", 4, 3, 1, false, 2, false);
	l->a.counts[0] = 1;
	l->a.counts[1] = 3;
	for (int b = 0; b < 4; b++)
		l->b.counts[b] = 5;
	ax_histogram_total(&h);
	is_int(ax_lut_measure_operands(&w, of, &t, &exact, &h, &err), 0,
	       "one layer");
	ok(near(w.mae, 0.8125), "mae: 1/4 1/4 + 3/4 (2 + 2)/4");
	ok(near(w.bias, 0.0625), "bias: 1/4 1/4 + 3/4 0");
	ok(near(w.mse, 1.5625), "mse: 1/4 1/4 + 3/4 (4 + 4)/4");
	/* Var_a: 3/16 for b = 0, 3/4 for b = 1 and 3; mean 27/64. The exact
	 * product: mean 9/8, mean square 21/8, variance 87/64. */
	ok(near(w.noise, 27.0 / 87), "noise 27/87, got %.17g", w.noise);
	/* E_b[e | a] = 1/4, 0: variance 3/256, times K = 4 */
	ok(near(w.coherent, sqrt(3.0 / 87)), "coherent sqrt(3/87), got %.17g",
	   w.coherent);
	ok(near(w.at_zero, 0.25), "at zero");
	ok(memcmp(&w, &of[0], sizeof(w)) == 0, "one layer is the mean");

	/* a layer whose activation is always 0: nothing varies */
	l = ax_histogram_add(&h, "y", 1, 1, 1, false, 2, false);
	l->a.counts[0] = 9;
	for (int b = 0; b < 4; b++)
		l->b.counts[b] = 1;
	ax_histogram_total(&h);
	is_int(ax_lut_measure_operands(&w, of, &t, &exact, &h, &err), 0,
	       "two layers");
	ok(of[1].noise == 0 && of[1].coherent == 0 && of[1].mae == 0.25,
	   "no error that varies: no noise");
	ok(near(w.mae, (3 * 0.8125 + 0.25) / 4) &&
		   near(w.noise, 3 * (27.0 / 87) / 4),
	   "the mean goes by products");

	/* the exact product does not vary, the error does */
	l = ax_histogram_add(&h, "z", 1, 1, 1, false, 2, false);
	l->a.counts[0] = l->a.counts[1] = l->b.counts[0] = 1;
	ax_histogram_total(&h);
	ax_lut_measure_operands(&w, of, &t, &exact, &h, &err);
	ok(isinf(of[2].noise) && isinf(w.coherent), "by nothing is infinite");

	ax_lut_measure_operands(&w, NULL, &exact, &exact, &h, &err);
	ok(w.mae == 0 && w.bias == 0 && w.mse == 0 && w.noise == 0 &&
		   w.coherent == 0 && w.at_zero == 0,
	   "the exact table has no error");
	for (size_t i = 0; i < ax_lut_size(&t); i++)
		t.v[i] = exact.v[i] + 12;
	ax_lut_measure_layer(&w, &t, &exact, &h.layers[0], &err);
	ok(near(w.bias, 12) && near(w.mae, 12) && w.noise == 0 &&
		   w.coherent == 0,
	   "a constant error is bias, not noise");
	/* 1/3 and 2/3 of 7 do not add up to 7 */
	l->a.counts[0] = 1;
	l->a.counts[1] = 2;
	ax_histogram_total(&h);
	for (size_t i = 0; i < ax_lut_size(&t); i++)
		t.v[i] = exact.v[i] + 7;
	ax_lut_measure_layer(&w, &t, &exact, l, &err);
	ok(w.noise == 0 && w.coherent == 0, "none at all: %g %g", w.noise,
	   w.coherent);
	ax_lut_free(&t);
	ax_lut_free(&exact);

	ax_lut_exact(&t, AX_LUT_MUL, 2, 2, false, &err);
	is_int(ax_lut_measure_operands(&w, NULL, &t, &t, &h, &err), -1,
	       "a table of another width");
	ok(strstr(err.text, "activation of layer 'x' has 1 bits unsigned"),
	   "is told: %s", err.text);
	ax_lut_free(&t);
	err = (struct ax_err)AX_ERR_INIT;
	ax_lut_exact(&t, AX_LUT_MUL, 1, 2, true, &err);
	is_int(ax_lut_measure_operands(&w, NULL, &t, &t, &h, &err), -1,
	       "a signed table");
	ax_lut_free(&t);
	ax_histogram_free(&h);
}

int
main(void)
{
	test_file();
	test_rubbish();
	test_noise();
	test_by_hand();
	return tap_done();
}
