/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/problem.h"

#include "artifacts/base/base.h"
#include "artifacts/netlist/sim.h"

/* The index in table order of pattern p. */
static size_t
table_index(const struct ax_problem *p, size_t pattern)
{
	size_t flip = 0;

	if (p->sign)
		flip = (size_t)1 << (p->ins - 1) | (size_t)1 << (p->wb - 1);
	return pattern ^ flip;
}

static void
set_bit(uint64_t *rows, size_t row, size_t bit)
{
	rows[row * AX_BLOCK_WORDS + bit / 64] |= (uint64_t)1 << bit % 64;
}

void
ax_problem_init(struct ax_problem *p, unsigned wa, unsigned wb, unsigned outs,
		bool sign, bool extend, const int32_t *table)
{
	int64_t a, b;
	size_t at, i, q;

	*p = (struct ax_problem){wa,
				 wb,
				 wa + wb,
				 outs,
				 sign,
				 extend,
				 (size_t)1 << (wa + wb),
				 0,
				 NULL,
				 0,
				 NULL,
				 NULL,
				 ax_search_kern()};
	p->blocks = AX_MAX(p->patterns / AX_BLOCK_BITS, (size_t)1);
	p->ref = ax_aligned(p->blocks * AX_BLOCK_BITS, sizeof(*p->ref));
	p->input = ax_aligned(p->blocks * p->ins * AX_BLOCK_WORDS, 8);
	p->exact = ax_aligned(p->blocks * (outs + 2) * AX_BLOCK_WORDS, 8);
	for (i = 0; i < p->patterns; i++) {
		at = table_index(p, i);
		a = (int64_t)(at >> wb);
		b = (int64_t)(at & (((size_t)1 << wb) - 1));
		if (sign) {
			a -= (int64_t)1 << (wa - 1);
			b -= (int64_t)1 << (wb - 1);
		}
		p->ref[i] = table ? table[at] : (int32_t)(a * b);
		p->max_abs =
			AX_MAX(p->max_abs,
			       (uint64_t)(p->ref[i] < 0 ? -(int64_t)p->ref[i]
							: p->ref[i]));
	}
	for (i = 0; i < p->blocks * AX_BLOCK_BITS; i++) {
		uint64_t *in =
			p->input + i / AX_BLOCK_BITS * p->ins * AX_BLOCK_WORDS;
		uint64_t *ex = p->exact +
			       i / AX_BLOCK_BITS * (outs + 2) * AX_BLOCK_WORDS;

		q = i % p->patterns;
		p->ref[i] = p->ref[q];
		for (unsigned k = 0; k < wa; k++)
			if (q >> (wb + k) & 1)
				set_bit(in, k, i % AX_BLOCK_BITS);
		for (unsigned k = 0; k < wb; k++)
			if (q >> k & 1)
				set_bit(in, wa + k, i % AX_BLOCK_BITS);
		for (unsigned k = 0; k < outs + 2; k++)
			if ((int64_t)p->ref[q] >> k & 1)
				set_bit(ex, k, i % AX_BLOCK_BITS);
	}
}

void
ax_problem_free(struct ax_problem *p)
{
	free(p->ref);
	free(p->input);
	free(p->exact);
	*p = (struct ax_problem){0};
}

const uint64_t *
ax_problem_inputs(const struct ax_problem *p, size_t block)
{
	return p->input + block * p->ins * AX_BLOCK_WORDS;
}

uint64_t *
ax_problem_limits(const struct ax_problem *p, uint64_t bound)
{
	uint64_t *rows = ax_aligned(p->blocks * p->outs * 2 * AX_BLOCK_WORDS,
				    sizeof(*rows));
	int64_t span = (int64_t)1 << p->outs;
	int64_t least = p->extend ? -span / 2 : 0, most = least + span - 1;
	int64_t lo, hi, w = (int64_t)AX_MIN(bound, (uint64_t)1 << 40);
	uint64_t *at;

	for (size_t i = 0; i < p->blocks * AX_BLOCK_BITS; i++) {
		/* A range that misses what the result can hold becomes lo >
		 * hi, which nothing fits. */
		lo = AX_MAX(p->ref[i % p->patterns] - w, least);
		hi = AX_MIN(p->ref[i % p->patterns] + w, most);
		if (lo > hi) {
			lo = most;
			hi = least;
		}
		at = rows + i / AX_BLOCK_BITS * p->outs * 2 * AX_BLOCK_WORDS;
		for (unsigned k = 0; k < p->outs; k++) {
			if ((lo - least) >> k & 1)
				set_bit(at, 2 * k, i % AX_BLOCK_BITS);
			if ((hi - least) >> k & 1)
				set_bit(at, 2 * k + 1, i % AX_BLOCK_BITS);
		}
	}
	return rows;
}

void
ax_problem_table(const struct ax_problem *p, const struct ax_circuit *c,
		 int32_t *out)
{
	struct ax_netlist *net;
	uint8_t place[AX_CIRCUIT_INS];
	struct ax_sim *sim;

	if (p->ins < 14) {
		ax_problem_part(p, c, 0, p->blocks, out);
		return;
	}
	/* the nouns' simulator is the faster one where there is much to do */
	net = ax_circuit_to_netlist(c, p->wa, p->wb);
	for (unsigned k = 0; k < p->ins; k++)
		place[k] = (uint8_t)(k < p->wa ? p->wb + k : k - p->wa);
	if (ax_sim_new(&sim, net, NULL) < 0 ||
	    ax_sim_numbers(sim, NULL, 0, c->outs, p->extend, place, 0, out,
			   NULL) < 0)
		abort(); /* a circuit is a sound netlist of few inputs */
	ax_sim_free(sim);
	ax_netlist_free(net);
}

void
ax_problem_part(const struct ax_problem *p, const struct ax_circuit *c,
		size_t block, size_t n, int32_t *out)
{
	size_t rows = c->ins + c->n;
	uint64_t *v = ax_aligned((rows + 1) * AX_BLOCK_WORDS, sizeof(*v));
	struct ax_kop *op = ax_calloc(c->n + 1, sizeof(*op));
	uint32_t x;

	for (unsigned j = 0; j < c->n; j++)
		op[j] = (struct ax_kop){c->in[j][0], c->in[j][1], c->ins + j,
					c->gate[j]};
	for (size_t b = 0; b < n; b++) {
		memcpy(v, ax_problem_inputs(p, block + b),
		       p->ins * AX_BLOCK_WORDS * sizeof(*v));
		p->kern->run(v, AX_BLOCK_WORDS, op, c->n);
		for (size_t i = 0; i < AX_BLOCK_BITS; i++) {
			if ((block + b) * AX_BLOCK_BITS + i >= p->patterns)
				break;
			x = 0;
			for (unsigned k = 0; k < c->outs; k++)
				x |= (uint32_t)(v[c->out[k] * AX_BLOCK_WORDS +
						  i / 64] >>
							i % 64 &
						1)
				     << k;
			if (p->extend && x >> (c->outs - 1))
				x |= ~(uint32_t)0 << (c->outs - 1);
			out[b * AX_BLOCK_BITS + i] = (int32_t)x;
		}
	}
	free(v);
	free(op);
}

void
ax_problem_measure(const struct ax_problem *p, const struct ax_circuit *c,
		   struct ax_errors *e)
{
	int32_t *got = ax_calloc(p->patterns, sizeof(*got));
	double mre = 0, smape = 0, err, exact, approx, m = (double)p->max_abs;
	uint64_t nonzero = 0, abs_e;
	int64_t diff;
	size_t i;

	*e = (struct ax_errors){0};
	ax_problem_table(p, c, got);
	/* in table order: the real sums depend on it */
	for (size_t t = 0; t < p->patterns; t++) {
		i = table_index(p, t);
		diff = (int64_t)p->ref[i] - got[i];
		abs_e = (uint64_t)(diff < 0 ? -diff : diff);
		e->sum_abs += abs_e;
		e->wrong += abs_e != 0;
		e->wce = AX_MAX(e->wce, abs_e);
		err = (double)abs_e;
		exact = p->ref[i] < 0 ? -(double)p->ref[i] : p->ref[i];
		approx = got[i] < 0 ? -(double)got[i] : got[i];
		if (p->ref[i]) {
			nonzero++;
			mre += err / exact;
		}
		smape += err / (0.5 * (exact + approx) + 1e-9);
	}
	if (p->max_abs == 0)
		m = 1;
	e->er = (double)e->wrong / (double)p->patterns;
	e->nmed = (double)e->sum_abs / ((double)p->patterns * m);
	e->rwce = (double)e->wce / m;
	e->mre = nonzero ? mre / (double)nonzero : 0;
	e->smape = smape / (double)p->patterns;
	free(got);
}
