/* SPDX-License-Identifier: Apache-2.0 */
/* The own search and what it stands on: kernels of every SIMD level against
 * plain arithmetic, tidying, generated multipliers, islands. */
#include "artifacts/base/base.h"
#include "stages/circuit/search/anneal.h"
#include "tests/lib/tap.h"

static const char *const levels[] = {"scalar", "avx2", "avx512"};

/* A circuit of random gates over all kinds. */
static void
random_circuit(struct ax_circuit *c, struct ax_rng *r, unsigned ins,
	       unsigned outs, unsigned n)
{
	ax_circuit_free(c);
	c->ins = ins;
	c->outs = outs;
	for (unsigned j = 0; j < n; j++) {
		enum ax_g g = (enum ax_g)ax_rng_below(r, AX_G_KINDS);

		ax_circuit_add(c, g == AX_G_BUF ? AX_G_INV : g,
			       (uint16_t)ax_rng_below(r, ins + j),
			       (uint16_t)ax_rng_below(r, ins + j));
	}
	for (unsigned o = 0; o < outs; o++)
		c->out[o] = (uint16_t)ax_rng_below(r, ins + n);
}

/* One pattern at a time. */
static uint32_t
slow(const struct ax_circuit *c, const struct ax_problem *p, size_t pattern)
{
	uint8_t v[1024];
	uint32_t x = 0;

	for (unsigned i = 0; i < c->ins; i++)
		v[i] = i < p->wa ? pattern >> (p->wb + i) & 1
				 : pattern >> (i - p->wa) & 1;
	for (unsigned j = 0; j < c->n; j++) {
		unsigned a = v[c->in[j][0]], b = v[c->in[j][1]], y = 0;

		switch ((enum ax_g)c->gate[j]) {
		case AX_G_CONST1:
			y = 1;
			break;
		case AX_G_INV:
			y = !a;
			break;
		case AX_G_AND:
			y = a & b;
			break;
		case AX_G_NAND:
			y = !(a & b);
			break;
		case AX_G_OR:
			y = a | b;
			break;
		case AX_G_NOR:
			y = !(a | b);
			break;
		case AX_G_XOR:
			y = a ^ b;
			break;
		case AX_G_XNOR:
			y = !(a ^ b);
			break;
		default:
			break;
		}
		v[c->ins + j] = (uint8_t)y;
	}
	for (unsigned o = 0; o < c->outs; o++)
		x |= (uint32_t)v[c->out[o]] << o;
	return x;
}

static void
test_kernels(void)
{
	struct ax_rng r = ax_rng(7, "kernels", 0);
	struct ax_circuit c = AX_CIRCUIT_INIT, d = AX_CIRCUIT_INIT;

	for (unsigned l = 0; l < AX_LEN(levels); l++) {
		bool tables = true, tidy = true, bounds = true, errors = true;

		setenv("AXPIPE_SIMD", levels[l], 1);
		for (int k = 0; k < 12; k++) {
			unsigned wa = 2 + ax_rng_below(&r, 5);
			unsigned wb = 2 + ax_rng_below(&r, 5);
			unsigned outs = wa + wb - ax_rng_below(&r, 3);
			bool sign = ax_rng_below(&r, 2) != 0;
			struct ax_problem p;
			struct ax_search s;
			struct ax_errors e;
			uint64_t wce = 0;
			int32_t *got, want;

			ax_problem_init(&p, wa, wb, outs, sign, sign, NULL);
			random_circuit(&c, &r, wa + wb, outs, 60);
			got = ax_calloc(p.patterns, sizeof(*got));
			ax_problem_table(&p, &c, got);
			for (size_t i = 0; i < p.patterns; i++) {
				int64_t diff;

				want = (int32_t)slow(&c, &p, i);
				if (sign && want >> (outs - 1))
					want -= 1 << outs;
				tables = tables && got[i] == want;
				diff = (int64_t)p.ref[i] - want;
				wce = AX_MAX(wce, (uint64_t)(diff < 0 ? -diff
								      : diff));
			}
			ax_problem_measure(&p, &c, &e);
			errors = errors && e.wce == wce;
			/* the bound is kept at wce, broken just below */
			ax_search_init(&s, &p, wce, &ax_transistors, ~0u);
			bounds = bounds && ax_search_feasible(&s, &c);
			ax_search_free(&s);
			if (wce > 0) {
				ax_search_init(&s, &p, wce - 1, &ax_transistors,
					       ~0u);
				bounds = bounds && !ax_search_feasible(&s, &c);
				ax_search_free(&s);
			}
			ax_circuit_copy(&d, &c);
			ax_circuit_tidy(&d);
			tidy = tidy &&
			       ax_circuit_cost(&d, &ax_transistors) <=
				       ax_circuit_cost(&c, &ax_transistors);
			for (size_t i = 0; i < p.patterns; i++)
				tidy = tidy &&
				       slow(&c, &p, i) == slow(&d, &p, i);
			free(got);
			ax_problem_free(&p);
		}
		ok(tables, "%s: tables equal one pattern at a time", levels[l]);
		ok(errors, "%s: worst-case error", levels[l]);
		ok(bounds, "%s: bound kept and broken", levels[l]);
		ok(tidy, "%s: tidying keeps the function", levels[l]);
	}
	unsetenv("AXPIPE_SIMD");
	ax_circuit_free(&c);
	ax_circuit_free(&d);
}

/* kern->worst is what the published search measures with. */
static void
test_worst(void)
{
	struct ax_rng r = ax_rng(8, "worst", 0);
	uint64_t *rows = ax_aligned(40 * AX_BLOCK_WORDS, 8);
	const uint64_t *out[16];
	struct ax_problem p;

	for (unsigned l = 0; l < AX_LEN(levels); l++) {
		bool good = true;

		setenv("AXPIPE_SIMD", levels[l], 1);
		ax_problem_init(&p, 8, 8, 16, true, true, NULL);
		for (int k = 0; k < 30; k++) {
			size_t block = ax_rng_below(&r, 32);
			const uint64_t *ex =
				p.exact + block * 18 * AX_BLOCK_WORDS;
			uint32_t want = 0, least = ax_rng_below(&r, 3) * 900;

			memcpy(rows, ex, 16 * AX_BLOCK_WORDS * 8);
			/* damage few bits of low or any weight */
			for (int q = 0; q < k; q++)
				rows[ax_rng_below(&r, k % 2 ? 16 : 6) *
					     AX_BLOCK_WORDS +
				     ax_rng_below(&r, AX_BLOCK_WORDS)] ^=
					ax_rng_u64(&r);
			for (unsigned o = 0; o < 16; o++)
				out[o] = rows + o * AX_BLOCK_WORDS;
			for (size_t i = 0; i < AX_BLOCK_BITS; i++) {
				int32_t x = 0, e;

				for (unsigned o = 0; o < 16; o++)
					x |= (int32_t)(out[o][i / 64] >>
							       i % 64 &
						       1)
					     << o;
				x = (int16_t)x;
				e = p.ref[block * AX_BLOCK_BITS + i] - x;
				want = AX_MAX(want, (uint32_t)(e < 0 ? -e : e));
			}
			want = AX_MAX(want, least);
			good = good &&
			       p.kern->worst(out, ex, 16, true, least) == want;
		}
		ok(good, "%s: largest error of a block", levels[l]);
		ax_problem_free(&p);
	}
	unsetenv("AXPIPE_SIMD");
	free(rows);
}

/* Starts of a problem: what they compute, and that they keep the bound. */
static void
test_families(void)
{
	static const unsigned width[][2] = {{2, 2}, {3, 5}, {8, 8}, {7, 4}};

	for (unsigned k = 0; k < AX_LEN(width); k++)
		for (int sign = 0; sign < 2; sign++) {
			unsigned exact = 0, swapped = 0;
			struct ax_member *m;
			struct ax_start *st;
			struct ax_errors e;
			struct ax_problem p;
			struct ax_search s;
			struct ax_wanted w;
			bool good = true;
			size_t n;

			ax_problem_init(&p, width[k][0], width[k][1],
					width[k][0] + width[k][1], sign, sign,
					NULL);
			w = ax_wanted_of(&p);
			m = ax_members(&w, true, &n);
			for (size_t i = 0; i < n; i++) {
				struct ax_circuit c = AX_CIRCUIT_INIT;

				if (!ax_shape_is_exact(m[i].shape.family))
					continue;
				m[i].shape.rough = i % 2;
				good = good && ax_member_build(&p, &m[i], &c);
				ax_problem_measure(&p, &c, &e);
				good = good && e.wrong == 0;
				exact++;
				swapped += m[i].swap;
				ax_circuit_free(&c);
			}
			free(m);
			ok(good && exact > 5 && swapped > 0,
			   "%ux%u %s: %u exact starts are exact", width[k][0],
			   width[k][1], sign ? "signed" : "unsigned", exact);
			ax_search_init(&s, &p, 5, &ax_transistors, ~0u);
			st = ax_families(&s, &w, 5, 0, &n);
			for (size_t i = 0; i < n; i++) {
				ax_problem_measure(&p, &st[i].c, &e);
				good = good && e.wce <= 5 &&
				       st[i].cost == ax_circuit_cost(
							     &st[i].c,
							     &ax_transistors) &&
				       (i == 0 || st[i].cost >= st[i - 1].cost);
			}
			ok(good && n > 3,
			   "and %zu with an error of 5 keep it, in order", n);
			ax_starts_free(st, n);
			ax_search_free(&s);
			ax_problem_free(&p);
		}
}

/* Runs a small search; returns a hash of the best circuit. */
static uint64_t
search(unsigned w, bool sign, uint64_t bound, unsigned threads,
       unsigned allowed, int64_t *cost, uint64_t *wce, int64_t *began)
{
	struct ax_anneal_params q = {5, 64000, 6, 4, 2, 1.5, 0.1};
	struct ax_pool *pool = ax_pool_new(threads);
	struct ax_str state = AX_STR_INIT;
	const struct ax_circuit *c;
	struct ax_anneal *a;
	struct ax_start *st;
	struct ax_problem p;
	struct ax_search s;
	struct ax_errors e;
	struct ax_wanted wanted;
	uint64_t h = 0;
	size_t n;

	ax_problem_init(&p, w, w, 2 * w, sign, sign, NULL);
	ax_search_init(&s, &p, bound, &ax_transistors, allowed);
	wanted = ax_wanted_of(&p);
	st = ax_families(&s, &wanted, bound, 0, &n);
	*began = st[0].cost;
	a = ax_anneal_new(&s, &q, st, AX_MIN(n, 2u));
	while (ax_anneal_epoch(a, pool))
		if (threads == 3) {
			/* as if it were stopped each time */
			ax_str_clear(&state);
			ax_anneal_save(a, &state);
			ax_anneal_free(a);
			a = ax_anneal_new(&s, &q, st, AX_MIN(n, 2u));
			if (ax_anneal_restore(a, state.buf, state.len) < 0)
				break;
		}
	c = ax_anneal_best(a);
	ax_problem_measure(&p, c, &e);
	*wce = e.wce;
	*cost = ax_circuit_cost(c, &ax_transistors);
	for (unsigned j = 0; j < c->n; j++) {
		h = (h ^ c->gate[j] ^ (uint64_t)c->in[j][0] << 8 ^
		     (uint64_t)c->in[j][1] << 32) *
		    0x100000001b3u;
		if (!(allowed >> c->gate[j] & 1) && c->gate[j] > AX_G_INV)
			*cost = -1;
	}
	ax_str_free(&state);
	ax_anneal_free(a);
	ax_starts_free(st, n);
	ax_search_free(&s);
	ax_problem_free(&p);
	ax_pool_free(pool);
	return h;
}

static void
test_islands(void)
{
	static const unsigned published = 1u << AX_G_AND | 1u << AX_G_NAND |
					  1u << AX_G_OR | 1u << AX_G_XOR |
					  1u << AX_G_XNOR;
	int64_t cost, began;
	uint64_t first, wce;

	first = search(5, true, 10, 1, ~0u, &cost, &wce, &began);
	ok(cost < began, "5x5 signed, error 10: %lld T of %lld",
	   (long long)cost, (long long)began);
	ok(wce <= 10, "within the bound");
	ok(search(5, true, 10, 2, ~0u, &cost, &wce, &began) == first,
	   "two threads find the same");
	ok(search(5, true, 10, 3, ~0u, &cost, &wce, &began) == first,
	   "three threads and a stop at every epoch find the same");
	for (unsigned l = 0; l < AX_LEN(levels); l++) {
		setenv("AXPIPE_SIMD", levels[l], 1);
		ok(search(5, true, 10, 2, ~0u, &cost, &wce, &began) == first,
		   "%s finds the same", levels[l]);
	}
	unsetenv("AXPIPE_SIMD");
	search(4, false, 0, 1, ~0u, &cost, &wce, &began);
	is_int(wce, 0, "4x4 unsigned, exact: stays exact");
	ok(cost <= began, "and does not grow: %lld T of %lld", (long long)cost,
	   (long long)began);
	search(4, false, 6, 1, published, &cost, &wce, &began);
	ok(cost > 0 && cost < began && wce <= 6,
	   "without NOR, none is used: %lld T", (long long)cost);
}

int
main(void)
{
	test_kernels();
	test_worst();
	test_families();
	test_islands();
	return tap_done();
}
