/* SPDX-License-Identifier: Apache-2.0 */
/* Generated circuits: exact ones are exact, and what is known of the error of
 * the approximate ones by formula is what trying every pattern gives. */
#include "artifacts/base/base.h"
#include "artifacts/base/hash.h"
#include "artifacts/netlist/sim.h"
#include "stages/circuit/search/circuit.h"
#include "stages/circuit/structures/structures.h"
#include "tests/lib/tap.h"

static int64_t
value(uint64_t bits, unsigned width, bool sign)
{
	bits &= ((uint64_t)1 << width) - 1;
	return sign && bits >> (width - 1) & 1
		       ? (int64_t)bits - ((int64_t)1 << width)
		       : (int64_t)bits;
}

struct measured {
	uint64_t wrong, wce, sum_abs;
	int64_t sum, transistors;
	__int128 sum_sq;
	double relative;
	size_t pairs;
};

/* Every pattern; the netlist is checked too. */
static int
measure(struct measured *m, const struct ax_shape *s)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_netlist *net;
	struct ax_sim *sim;
	unsigned ins = s->wa + s->wb + (s->op == AX_SHAPE_MAC ? s->wc : 0);
	unsigned width = ax_shape_width(s);
	uint32_t *table;

	memset(m, 0, sizeof(*m));
	if (ax_shape_build(&net, s, &err) < 0) {
		printf("# %s\n", err.text);
		return -1;
	}
	if (ax_netlist_check(net, &err) < 0 || net->inputs != ins ||
	    net->outputs != width || ax_netlist_prune(net) != 0) {
		printf("# not a sound netlist\n");
		return -1;
	}
	m->transistors = ax_netlist_transistors(net);
	m->pairs = (size_t)1 << ins;
	table = ax_calloc(m->pairs, sizeof(*table));
	if (ax_sim_new(&sim, net, &err) < 0 ||
	    ax_sim_table(sim, NULL, 0, width, table, &err) < 0)
		return -1;
	for (size_t p = 0; p < m->pairs; p++) {
		int64_t a = value(p, s->wa, s->sign), exact, e;
		int64_t b = value(p >> s->wa, s->wb, s->sign);

		exact = s->op == AX_SHAPE_ADD ? a + b : a * b;
		if (s->op == AX_SHAPE_MAC)
			exact += value(p >> (s->wa + s->wb), s->wc, s->sign);
		e = value(table[p], width, s->sign) - exact;
		m->sum += e;
		m->wrong += e != 0;
		m->sum_sq += (__int128)e * e;
		e = e < 0 ? -e : e;
		exact = exact < 0 ? -exact : exact;
		m->sum_abs += (uint64_t)e;
		m->wce = AX_MAX(m->wce, (uint64_t)e);
		if (exact)
			m->relative =
				AX_MAX(m->relative, (double)e / (double)exact);
		else if (e && s->op == AX_SHAPE_MUL)
			m->relative = 1e9;
	}
	ax_sim_free(sim);
	ax_netlist_free(net);
	free(table);
	return 0;
}

static bool
near(double a, double b)
{
	double d = a > b ? a - b : b - a, m = a > 0 ? a : -a;

	return d <= 1e-12 * (m > 1 ? m : 1);
}

/* True when every formula agrees; says on one line where not. */
static bool
agrees(const struct ax_shape *s, struct measured *m)
{
	struct ax_shape_error e;
	double n;
	bool good = true;

	if (measure(m, s) < 0)
		return false;
	n = (double)m->pairs;
	ax_shape_error(&e, s);
#define CHECK(what, cond, got, want)                                           \
	do {                                                                   \
		if (!(cond)) {                                                 \
			printf("# %s %ux%u %s k %u h %u add %llu tree %d: "    \
			       "%s %.17g, by formula %.17g\n",                 \
			       ax_shape_name(s->family), s->wa, s->wb,         \
			       s->sign ? "signed" : "unsigned", s->k, s->h,    \
			       (unsigned long long)s->add, (int)s->tree, what, \
			       (double)(got), (double)(want));                 \
			good = false;                                          \
		}                                                              \
	} while (0)
	if (e.wce_known)
		CHECK("wce", m->wce == e.wce, m->wce, e.wce);
	if (e.bound_known)
		CHECK("bound", m->wce <= e.wce_bound, m->wce, e.wce_bound);
	if (e.mae_known)
		CHECK("mae", near(e.mae, (double)m->sum_abs / n),
		      (double)m->sum_abs / n, e.mae);
	if (e.bias_known)
		CHECK("bias", near(e.bias, (double)m->sum / n),
		      (double)m->sum / n, e.bias);
	if (e.mse_known)
		CHECK("mse", near(e.mse, (double)m->sum_sq / n),
		      (double)m->sum_sq / n, e.mse);
	if (e.relative_known && s->op == AX_SHAPE_MUL)
		CHECK("relative", m->relative <= e.relative + 1e-12,
		      m->relative, e.relative);
	return good;
}

static void
exact(void)
{
	struct measured m;
	bool good = true, tree = true;
	unsigned shapes = 0;

	for (unsigned wa = 2; wa <= 12; wa++)
		for (unsigned wb = 2; wb <= 12; wb++)
			for (int sign = 0; sign < 2; sign++)
				for (unsigned f = 0; f <= AX_SHAPE_BOOTH; f++) {
					struct ax_shape s = {
						.wa = wa,
						.wb = wb,
						.sign = sign != 0,
						.family =
							(enum ax_shape_family)f,
					};

					/* the wide ones: a diagonal */
					if (wa + wb > 11 && wa + wb < 24 &&
					    (wa * 5 + wb) % 13 != f)
						continue;
					if (f == AX_SHAPE_BAUGH_WOOLEY && !sign)
						continue;
					if (wa + wb == 24 && f != 2)
						continue;
					good = good && agrees(&s, &m) &&
					       m.wrong == 0;
					shapes++;
				}
	ok(good && shapes > 250, "%u exact multipliers, 2 to 12 bits", shapes);
	for (unsigned t = 0; t < AX_TREES; t++)
		for (unsigned a = 0; a < AX_ADDERS; a++)
			for (int op = 0; op < 3; op++)
				for (int sign = 0; sign < 2; sign++) {
					struct ax_shape s = {
						.op = (enum ax_shape_op)op,
						.family =
							op == AX_SHAPE_ADD
								? AX_SHAPE_ADDER
							: t % 2 ? AX_SHAPE_BOOTH
								: AX_SHAPE_TRUNCATED,
						.wa = 5,
						.wb = 4,
						.wc = 8 - 3 * (a % 2),
						.sign = sign != 0,
						.tree = (enum ax_shape_tree)t,
						.adder = (enum ax_shape_adder)a,
					};

					tree = tree && agrees(&s, &m) &&
					       m.wrong == 0;
				}
	for (unsigned t = 0; t < AX_TREES; t++)
		for (unsigned k = 1; k < 9; k++) {
			struct ax_shape s = {
				.family = k % 2 ? AX_SHAPE_BOOTH_BROKEN
						: AX_SHAPE_BOOTH_APPROX,
				.wa = 6,
				.wb = 6,
				.sign = k / 2 % 2 != 0,
				.k = k};
			struct measured first;

			tree = tree && measure(&first, &s) == 0;
			s.tree = (enum ax_shape_tree)t;
			tree = tree && measure(&m, &s) == 0 &&
			       m.sum == first.sum && m.sum_sq == first.sum_sq;
		}
	ok(tree, "every tree and adder, as product, sum, multiply-accumulate");
}

static void
formulas(void)
{
	static const unsigned widths[][2] = {
		{8, 8}, {5, 7}, {7, 4}, {2, 2}, {2, 9}};

	for (unsigned f = AX_SHAPE_TRUNCATED; f < AX_SHAPE_FAMILIES; f++) {
		bool good = true;
		unsigned shapes = 0, known = 0;

		if (ax_shape_is_exact((enum ax_shape_family)f))
			continue;
		for (unsigned w = 0; w < AX_LEN(widths) * 2; w++)
			for (unsigned k = 0; k <= 16; k++)
				for (unsigned h = 0; h < 4; h++) {
					struct ax_shape s = {
						.family =
							(enum ax_shape_family)f,
						.wa = widths[w / 2][0],
						.wb = widths[w / 2][1],
						.sign = w % 2 != 0,
						.k = k,
						.h = h,
						.tree = AX_TREE_COLUMN,
					};
					struct ax_shape_error e;
					struct measured m;

					s.op = ax_shape_is_sum(s.family)
						       ? AX_SHAPE_ADD
						       : AX_SHAPE_MUL;
					if (f == AX_SHAPE_TRUNCATED ||
					    f == AX_SHAPE_BOOTH_TRUNCATED ||
					    f == AX_SHAPE_ADDER_TRUNCATED) {
						/* h: which constant */
						s.h = 0;
						if (ax_shape_check(&s, NULL) <
						    0)
							continue;
						if (h == 1)
							s.add = ax_shape_mean_constant(
								&s);
						else if (h == 2)
							s.add = ax_shape_half_constant(
								&s);
						else if (h == 3)
							s.add = k ? 5u & ((1u
									   << k) -
									  1)
								  : 0;
					}
					if (ax_shape_check(&s, NULL) < 0)
						continue;
					ax_shape_error(&e, &s);
					known += e.bound_known;
					good = agrees(&s, &m) && good;
					shapes++;
				}
		ok(good && shapes > 8 && known > 4,
		   "%s: formulas hold for %u shapes, bounds known for %u",
		   ax_shape_name((enum ax_shape_family)f), shapes, known);
	}
}

/* Figures that others computed. */
static void
golden(void)
{
	static const struct {
		enum ax_shape_family family;
		unsigned k;
		const char *med;
		unsigned wce;
	} known[] = {{AX_SHAPE_DRUM, 4, "925.86", 7425},
		     {AX_SHAPE_DRUM, 6, "232.83", 2000},
		     {AX_SHAPE_SSM, 4, "1743.53", 7425},
		     {AX_SHAPE_SSM, 6, "285.61", 1521}};
	static const unsigned wce[] = {5,    17,   49,   129,   321,  769,
				       1793, 3585, 6657, 11777, 19969};
	struct measured m;
	bool good = true;

	for (size_t i = 0; i < AX_LEN(known); i++) {
		struct ax_shape s = {.family = known[i].family,
				     .wa = 8,
				     .wb = 8,
				     .k = known[i].k};
		char med[32];

		ok(measure(&m, &s) == 0, "%s-%u", ax_shape_name(s.family), s.k);
		snprintf(med, sizeof(med), "%.2f",
			 (double)m.sum_abs / (double)m.pairs);
		is_str(med, known[i].med, "its mean error");
		is_int(m.wce, known[i].wce, "its worst error");
	}
	for (unsigned k = 2; k <= 12; k++) {
		struct ax_shape s = {.family = AX_SHAPE_TRUNCATED,
				     .wa = 8,
				     .wb = 8,
				     .sign = true,
				     .k = k};

		good = good && measure(&m, &s) == 0 && m.wce == wce[k - 2];
	}
	ok(good, "signed array without its 2 to 12 lowest columns");
}

/* How small the exact ones come out; higher is a regression. */
static void
sizes(void)
{
	static const struct {
		enum ax_shape_family family;
		bool sign;
		int transistors;
	} most[] = {{AX_SHAPE_BAUGH_WOOLEY, true, 1948},
		    {AX_SHAPE_BOOTH, true, 1736},
		    {AX_SHAPE_DADDA, true, 2100},
		    {AX_SHAPE_DADDA, false, 2000},
		    {AX_SHAPE_ARRAY, false, 2000}};

	for (size_t i = 0; i < AX_LEN(most); i++) {
		struct ax_shape s = {.family = most[i].family,
				     .wa = 8,
				     .wb = 8,
				     .sign = most[i].sign};
		struct measured m;
		int rc = measure(&m, &s);

		ok(rc == 0 && m.transistors <= most[i].transistors,
		   "%s, %s: %d transistors, at most %d",
		   ax_shape_name(s.family), s.sign ? "signed" : "unsigned",
		   (int)m.transistors, most[i].transistors);
	}
}

static void
refused(void)
{
	static const struct ax_shape bad[] = {
		{.wa = 1, .wb = 8},
		{.wa = 8, .wb = 13},
		{.wa = 8, .wb = 8, .family = AX_SHAPE_BAUGH_WOOLEY},
		{.wa = 8, .wb = 8, .family = AX_SHAPE_LOA},
		{.wa = 8, .wb = 8, .op = AX_SHAPE_ADD},
		{.wa = 8, .wb = 8, .family = AX_SHAPE_DRUM, .k = 1},
		{.wa = 8, .wb = 8, .family = AX_SHAPE_DRUM, .k = 9},
		{.wa = 8, .wb = 8, .family = AX_SHAPE_ARRAY, .k = 1},
		{.wa = 8, .wb = 8, .family = AX_SHAPE_ARRAY, .add = 1},
		{.wa = 8, .wb = 8, .family = AX_SHAPE_TRUNCATED, .k = 17},
		{.wa = 8, .wb = 8, .family = AX_SHAPE_TRUNCATED, .add = 65536},
		{.wa = 8, .wb = 8, .wc = 0, .op = AX_SHAPE_MAC},
		{.wa = 8, .wb = 8, .wc = 33, .op = AX_SHAPE_MAC},
		{.wa = 8,
		 .wb = 8,
		 .op = AX_SHAPE_ADD,
		 .family = AX_SHAPE_ADDER_TRUNCATED,
		 .k = 3,
		 .add = 8},
	};
	unsigned told = 0;

	for (size_t i = 0; i < AX_LEN(bad); i++) {
		struct ax_err err = AX_ERR_INIT;
		struct ax_netlist *net;

		if (ax_shape_build(&net, &bad[i], &err) < 0 && !net &&
		    err.text[0])
			told++;
	}
	is_int(told, AX_LEN(bad), "what cannot be built is refused");
}

/* What every compiler must make of the families, gate by gate, and of tidying
 * them: the order of arguments is not in the language. */
static void
pinned(void)
{
	struct ax_str drawn = AX_STR_INIT, tidied = AX_STR_INIT;
	char hex[AX_HEX_LEN + 1];
	struct ax_digest d;
	size_t n = 0;

	for (unsigned f = 0; f < AX_SHAPE_FAMILIES; f++)
		for (unsigned k = 0; k < 4; k++)
			for (int sign = 0; sign < 2; sign++) {
				enum ax_shape_family family =
					(enum ax_shape_family)f;
				struct ax_shape shape = {.family = family,
							 .wa = 5,
							 .wb = 4,
							 .sign = sign,
							 .k = k,
							 .h = k / 2};
				struct ax_err err = AX_ERR_INIT;
				struct ax_circuit c = AX_CIRCUIT_INIT;
				struct ax_netlist *net;
				unsigned a, b;

				if (ax_shape_is_sum(family))
					shape.op = AX_SHAPE_ADD;
				if (ax_shape_build(&net, &shape, &err) < 0)
					continue;
				n++;
				ax_netlist_write_txt(&drawn, net, &err);
				ax_circuit_from_netlist(&c, &a, &b, net, &err);
				ax_netlist_free(net);
				ax_circuit_tidy(&c);
				net = ax_circuit_to_netlist(&c, a, b);
				ax_netlist_write_txt(&tidied, net, &err);
				ax_netlist_free(net);
				ax_circuit_free(&c);
			}
	d = ax_hash_bytes(drawn.buf, drawn.len);
	is_str(ax_hex(hex, &d),
	       "8eefe487e4a46e8485f0b90387ae30bf0cfd681c14c11840ce189587aad4bbb"
	       "f",
	       "%zu circuits, gate by gate", n);
	d = ax_hash_bytes(tidied.buf, tidied.len);
	is_str(ax_hex(hex, &d),
	       "811515ba83c0ce2137ae976b1163abd9b823f7ee2515612c5d117df2ebce903"
	       "c",
	       "and tidied");
	ax_str_free(&drawn);
	ax_str_free(&tidied);
}

int
main(void)
{
	pinned();
	exact();
	formulas();
	golden();
	sizes();
	refused();
	return tap_done();
}
