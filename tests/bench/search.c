/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rates of axpipe's own search on an 8x8 signed multiplier of about 250 gates,
 * as JSON lines:
 *   visits    node visits, each deciding every single-node replacement
 *   plain     the peer: one random mutation at a time, its cone simulated anew
 *   threads   visits on one and on two threads
 *   kernel    what a gate costs on one word of 512 patterns, and how far that
 *             is from the load and store limit
 * Rates are by CPU time of the thread, the machine being shared; threads by
 * time on the clock, with the share of the two CPUs that it got.
 */
#include <time.h>

#include "artifacts/base/base.h"
#include "stages/circuit/search/anneal.h"

static const double rwce = 0.001;

static double
clock_s(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double
cpu_s(void)
{
	return clock_s(CLOCK_THREAD_CPUTIME_ID);
}

/* --- visits -------------------------------------------------------------- */

static void
bench_visits(const struct ax_search *s, const struct ax_circuit *c)
{
	struct ax_island *i = ax_island_new(s, c, 1, 0);
	struct ax_island_stats was, now;
	double best = 0, heat = ax_anneal_heat(rwce), began;
	unsigned gates = 0;
	uint64_t candidates = 0;

	ax_island_run(i, 20000, heat, heat);
	for (int k = 0; k < 10; k++) {
		was = *ax_island_stats(i);
		began = cpu_s();
		ax_island_run(i, 20000, heat, heat);
		began = cpu_s() - began;
		now = *ax_island_stats(i);
		if (20000 / began <= best)
			continue;
		best = 20000 / began;
		candidates = now.candidates - was.candidates;
		gates = ax_island_circuit(i)->n;
	}
	now = *ax_island_stats(i);
	printf("{\"bench\": \"search-visits\", \"simd\": \"%s\", \"gates\": "
	       "%u, \"visits_per_s\": %.0f, \"tests_per_s\": %.0f, "
	       "\"taken\": %.3f, \"failed_checks\": %.4f}\n",
	       ax_simd_name(ax_simd()), gates, best,
	       (double)candidates * best / 20000,
	       (double)now.taken / (double)now.steps,
	       (double)now.failed / (double)now.steps);
	ax_island_free(i);
}

/* --- one mutation at a time ---------------------------------------------- */

/*
 * The plain way: change one gate, simulate what depends on it on a pool of
 * patterns, and drop it when one breaks the bound; else check it on all, and
 * let the pool learn where that fails. The steps of each gate's cone are listed
 * once for each circuit. A cone is a chain of steps that wait for one another,
 * so LANES mutations of one gate go through it side by side, each on a copy of
 * the pool: a row is LANES times the pool's words.
 */
#define LANES (AX_BLOCK_WORDS / AX_POOL_WORDS)

struct plain {
	const struct ax_search *s;
	struct ax_circuit c;
	/* rows of the circuit, then those of what changes, then one spare */
	uint64_t *pool, *all, *limits, *bad;
	struct ax_kop *op, *cone; /* cone of node j: from first[j] */
	uint32_t *first, *outs;   /* bits: outputs that it reaches */
	unsigned slot;            /* of the pool's words, next to be replaced */
	size_t block;             /* that failed last */
	uint64_t random;
	uint64_t candidates, checks, taken;
};

static void
plain_values(struct plain *t)
{
	t->s->p->kern->run(t->pool, AX_BLOCK_WORDS, t->op, t->c.n);
}

static void
plain_cones(struct plain *t)
{
	const struct ax_circuit *c = &t->c;
	uint8_t *in = ax_calloc(c->ins + c->n, 1);
	uint32_t n = 0;

	free(t->cone);
	t->cone = ax_calloc((size_t)c->n * (c->n + 1) / 2, sizeof(*t->cone));
	for (unsigned j = 0; j < c->n; j++)
		t->op[j] = (struct ax_kop){c->in[j][0], c->in[j][1], c->ins + j,
					   c->gate[j]};
	for (unsigned j = 0; j < c->n; j++) {
		memset(in, 0, c->ins + c->n);
		in[c->ins + j] = 1;
		t->first[j] = n;
		t->outs[j] = 0;
		for (unsigned k = j; k < c->n; k++) {
			struct ax_kop op = t->op[k];

			if (k > j && !(in[op.a] | in[op.b]))
				continue;
			in[c->ins + k] = 1;
			op.a += k > j && in[op.a] ? c->n : 0;
			op.b += k > j && in[op.b] ? c->n : 0;
			op.d += c->n;
			t->cone[n++] = op;
		}
		for (unsigned o = 0; o < c->outs; o++)
			t->outs[j] |= (uint32_t)in[c->out[o]] << o;
	}
	t->first[c->n] = n;
	free(in);
	plain_values(t);
}

/* Puts one word of a block into the pool. */
static void
plain_learn(struct plain *t, size_t block, unsigned word)
{
	const struct ax_problem *p = t->s->p;
	const uint64_t *in = ax_problem_inputs(p, block);
	const uint64_t *limits =
		t->s->limits + block * 2 * p->outs * AX_BLOCK_WORDS;
	unsigned w = t->slot++ % AX_POOL_WORDS;

	for (; w < AX_BLOCK_WORDS; w += AX_POOL_WORDS) {
		for (unsigned r = 0; r < p->ins; r++)
			t->pool[r * AX_BLOCK_WORDS + w] =
				in[r * AX_BLOCK_WORDS + word];
		for (unsigned r = 0; r < 2 * p->outs; r++)
			t->limits[r * AX_BLOCK_WORDS + w] =
				limits[r * AX_BLOCK_WORDS + word];
	}
}

/* All patterns, the block that failed last first. */
static bool
plain_check(struct plain *t)
{
	const struct ax_problem *p = t->s->p;
	const uint64_t *out[AX_CIRCUIT_OUTS];

	t->checks++;
	for (unsigned o = 0; o < t->c.outs; o++)
		out[o] = t->all + (size_t)t->c.out[o] * AX_BLOCK_WORDS;
	for (size_t k = 0; k < p->blocks; k++) {
		size_t b = (t->block + k) % p->blocks;

		memcpy(t->all, ax_problem_inputs(p, b),
		       (size_t)p->ins * AX_BLOCK_WORDS * 8);
		p->kern->run(t->all, AX_BLOCK_WORDS, t->op, t->c.n);
		if (!p->kern->bound(out,
				    t->s->limits +
					    b * 2 * p->outs * AX_BLOCK_WORDS,
				    p->outs, p->extend, t->bad))
			continue;
		t->block = b;
		for (unsigned w = 0; w < AX_BLOCK_WORDS; w++)
			if (t->bad[w]) {
				plain_learn(t, b, w);
				break;
			}
		return false;
	}
	return true;
}

/*
 * 64 bits of splitmix64 (Steele, Lea and Flood, 2014) for each mutation: the
 * streams that results are made with would take a fifth of the time here.
 */
static uint64_t
plain_random(struct plain *t)
{
	uint64_t z = t->random += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* A number below n of 16 random bits. */
static uint16_t
below(uint64_t bits, unsigned n)
{
	return (uint16_t)((bits & 0xffff) * n >> 16);
}

/* Another gate in the place of node j, or another signal at one of its pins. */
static struct ax_kop
plain_mutation(struct plain *t, unsigned j)
{
	struct ax_kop was = t->op[j], now;
	uint64_t z;
	unsigned u;

	do {
		now = was;
		z = plain_random(t);
		u = below(z, AX_G_XNOR - AX_G_INV + 3);
		if (u + AX_G_INV <= AX_G_XNOR)
			now.gate = (uint16_t)(u + AX_G_INV);
		else
			*(u & 1 ? &now.b : &now.a) =
				below(z >> 16, t->c.ins + j);
	} while (!memcmp(&now, &was, sizeof(now)));
	return now;
}

/* Simulates mutations of node j; bad[] tells of each lane where it fails. */
static void
plain_simulate(struct plain *t, unsigned j, const struct ax_kop *m)
{
	const struct ax_search_kern *kern = t->s->p->kern;
	const struct ax_circuit *c = &t->c;
	const struct ax_kop *cone = t->cone + t->first[j];
	const uint64_t *out[AX_CIRCUIT_OUTS];
	uint64_t *head = t->pool + (size_t)cone->d * AX_BLOCK_WORDS;
	unsigned spare = c->ins + 2 * c->n;

	for (unsigned lane = 0; lane < LANES; lane++) {
		struct ax_kop op = m[lane];
		size_t at = lane * AX_POOL_WORDS;

		op.d = (uint16_t)spare;
		kern->run(t->pool, AX_BLOCK_WORDS, &op, 1);
		memcpy(head + at, t->pool + (size_t)spare * AX_BLOCK_WORDS + at,
		       AX_POOL_WORDS * 8);
	}
	kern->run(t->pool, AX_BLOCK_WORDS, cone + 1,
		  t->first[j + 1] - t->first[j] - 1);
	for (unsigned o = 0; o < c->outs; o++)
		out[o] = t->pool + (size_t)(c->out[o] +
					    (t->outs[j] >> o & 1 ? c->n : 0)) *
					   AX_BLOCK_WORDS;
	kern->bound(out, t->limits, c->outs, t->s->p->extend, t->bad);
}

/* Takes a mutation that is within the bound on the pool, if it is on all. */
static void
plain_take(struct plain *t, unsigned j, struct ax_kop m)
{
	struct ax_circuit *c = &t->c;
	struct ax_kop was = t->op[j];

	t->op[j] = m;
	if (!plain_check(t)) {
		t->op[j] = was;
		plain_values(t);
		return;
	}
	t->taken++;
	c->gate[j] = (uint8_t)m.gate;
	c->in[j][0] = m.a;
	c->in[j][1] = m.b;
	plain_cones(t);
}

/* Tries LANES mutations of a node; one is taken when cheaper and within the
 * bound, and those behind it do not count. */
static void
plain_step(struct plain *t)
{
	unsigned j = below(plain_random(t), t->c.n);
	const int64_t *costs = t->s->costs.of;
	struct ax_kop m[LANES];
	uint64_t bad;

	for (unsigned lane = 0; lane < LANES; lane++)
		m[lane] = plain_mutation(t, j);
	plain_simulate(t, j, m);
	for (unsigned lane = 0; lane < LANES; lane++) {
		t->candidates++;
		bad = 0;
		for (unsigned w = 0; w < AX_POOL_WORDS; w++)
			bad |= t->bad[lane * AX_POOL_WORDS + w];
		if (bad || costs[m[lane].gate] >= costs[t->op[j].gate])
			continue;
		plain_take(t, j, m[lane]);
		return;
	}
}

static void
bench_plain(const struct ax_search *s, const struct ax_circuit *c)
{
	struct plain t = {.s = s, .random = 1};
	double best = 0, began;
	uint64_t was;
	size_t rows = c->ins + 2 * (size_t)c->n + 1;

	t.c = (struct ax_circuit)AX_CIRCUIT_INIT;
	ax_circuit_copy(&t.c, c);
	t.pool = ax_aligned(rows * AX_BLOCK_WORDS, 8);
	t.all = ax_aligned(rows * AX_BLOCK_WORDS, 8);
	t.limits = ax_aligned((size_t)2 * c->outs * AX_BLOCK_WORDS, 8);
	t.bad = ax_aligned(AX_BLOCK_WORDS, 8);
	t.op = ax_calloc(c->n + 1, sizeof(*t.op));
	t.first = ax_calloc(c->n + 1, sizeof(*t.first));
	t.outs = ax_calloc(c->n + 1, sizeof(*t.outs));
	for (unsigned w = 0; w < AX_POOL_WORDS; w++)
		plain_learn(&t, w * s->p->blocks / AX_POOL_WORDS,
			    below(plain_random(&t), AX_BLOCK_WORDS));
	plain_cones(&t);
	for (int k = 0; k < 10; k++) {
		was = t.candidates;
		began = cpu_s();
		while (t.candidates < was + 100000)
			plain_step(&t);
		best = AX_MAX(best,
			      (double)(t.candidates - was) / (cpu_s() - began));
	}
	printf("{\"bench\": \"search-plain\", \"simd\": \"%s\", \"gates\": %u, "
	       "\"mean_cone\": %.1f, \"candidates_per_s\": %.0f, "
	       "\"full_checks\": %.5f, \"taken\": %.5f}\n",
	       ax_simd_name(ax_simd()), t.c.n, (double)t.first[t.c.n] / t.c.n,
	       best, (double)t.checks / (double)t.candidates,
	       (double)t.taken / (double)t.candidates);
	ax_circuit_free(&t.c);
	free(t.pool);
	free(t.all);
	free(t.limits);
	free(t.bad);
	free(t.op);
	free(t.first);
	free(t.outs);
	free(t.cone);
}

/* --- threads ------------------------------------------------------------- */

static double
anneal_s(const struct ax_search *s, const struct ax_start *start,
	 unsigned threads, double *share)
{
	struct ax_anneal_params q = {.seed = 1,
				     .steps = 160000,
				     .restarts = 4,
				     .islands = 4,
				     .cycles = 1,
				     .hot = 0.4,
				     .cold = 0.1};
	struct ax_pool *pool = ax_pool_new(threads);
	struct ax_anneal *a = ax_anneal_new(s, &q, start, 1);
	double cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID), began = ax_now();

	while (ax_anneal_epoch(a, pool))
		;
	began = ax_now() - began;
	cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	*share = cpu / began / threads;
	ax_anneal_free(a);
	ax_pool_free(pool);
	return began;
}

static void
bench_threads(const struct ax_search *s, const struct ax_start *start)
{
	double one = 1e9, two = 1e9, share1 = 0, share2 = 0, x, t;

	for (int k = 0; k < 4; k++) {
		t = anneal_s(s, start, 1, &x);
		if (t < one) {
			one = t;
			share1 = x;
		}
		t = anneal_s(s, start, 2, &x);
		if (t < two) {
			two = t;
			share2 = x;
		}
	}
	printf("{\"bench\": \"search-threads\", \"one_s\": %.4f, \"two_s\": "
	       "%.4f, \"speedup\": %.3f, \"cpu_share_one\": %.3f, "
	       "\"cpu_share_two\": %.3f}\n",
	       one, two, one / two, share1, share2);
}

/* --- the kernel ---------------------------------------------------------- */

/* Seconds of a loop that only does a gate's loads and stores: two reads and a
 * write of 64 bytes, in the order of the circuit. */
__attribute__((noinline)) static void
move_only(uint64_t *base, size_t stride, const struct ax_kop *op, size_t n)
{
	typedef uint64_t word __attribute__((vector_size(64), may_alias));

	for (size_t i = 0; i < n; i++) {
		const word *a = (const word *)(base + op[i].a * stride);
		const word *b = (const word *)(base + op[i].b * stride);
		word *d = (word *)(base + op[i].d * stride);

		for (int k = 0; k < AX_BLOCK_WORDS / 8; k++)
			d[k] = a[k] ^ b[k];
	}
}

#if defined(__x86_64__)
__attribute__((target("avx512f"), noinline)) static void
move_avx512(uint64_t *base, size_t stride, const struct ax_kop *op, size_t n)
{
	typedef uint64_t word __attribute__((vector_size(64), may_alias));

	for (size_t i = 0; i < n; i++) {
		const word *a = (const word *)(base + op[i].a * stride);
		const word *b = (const word *)(base + op[i].b * stride);
		word *d = (word *)(base + op[i].d * stride);

		for (int k = 0; k < AX_BLOCK_WORDS / 8; k++)
			d[k] = a[k] ^ b[k];
	}
}
#endif

static double
kernel_s(void (*run)(uint64_t *, size_t, const struct ax_kop *, size_t),
	 uint64_t *base, const struct ax_kop *op, size_t n)
{
	double best = 1e9, began;

	for (int k = 0; k < 200; k++) {
		began = ax_now();
		for (int i = 0; i < 16; i++)
			run(base, AX_BLOCK_WORDS, op, n);
		best = AX_MIN(best, (ax_now() - began) / 16);
	}
	return best;
}

static void
bench_kernel(const struct ax_search *s, const struct ax_circuit *c)
{
	uint64_t *v = ax_aligned((size_t)(c->ins + c->n) * AX_BLOCK_WORDS, 8);
	struct ax_kop *op = ax_calloc(c->n, sizeof(*op));
	void (*move)(uint64_t *, size_t, const struct ax_kop *, size_t) =
		move_only;
	double ours, least, words = AX_BLOCK_BITS / 512.0 * c->n;

	memcpy(v, ax_problem_inputs(s->p, 0),
	       (size_t)c->ins * AX_BLOCK_WORDS * 8);
	for (unsigned j = 0; j < c->n; j++)
		op[j] = (struct ax_kop){c->in[j][0], c->in[j][1], c->ins + j,
					c->gate[j]};
#if defined(__x86_64__)
	if (ax_simd() >= AX_SIMD_AVX512)
		move = move_avx512;
#endif
	ours = kernel_s(s->p->kern->run, v, op, c->n);
	least = kernel_s(move, v, op, c->n);
	printf("{\"bench\": \"search-kernel\", \"simd\": \"%s\", \"gates\": "
	       "%u, \"bytes_per_gate_and_word\": %d, "
	       "\"ns_per_gate_and_word\": %.3f, \"peer\": \"the same loads "
	       "and stores alone\", \"peer_ns\": %.3f, \"ratio\": %.3f}\n",
	       ax_simd_name(ax_simd()), c->n, 3 * 64, ours / words * 1e9,
	       least / words * 1e9, ours / least);
	free(v);
	free(op);
}

int
main(void)
{
	struct ax_problem p;
	struct ax_search s;
	struct ax_start *start;
	struct ax_wanted w;
	size_t n;

	ax_problem_init(&p, 8, 8, 16, true, true, NULL);
	ax_search_init(&s, &p, (uint64_t)(rwce * 16384), &ax_transistors, ~0u);
	w = ax_wanted_of(&p);
	start = ax_families(&s, &w, (uint64_t)(rwce * 16384), 0, &n);
	bench_visits(&s, &start[0].c);
	bench_plain(&s, &start[0].c);
	bench_threads(&s, start);
	bench_kernel(&s, &start[0].c);
	ax_starts_free(start, n);
	ax_search_free(&s);
	ax_problem_free(&p);
	return 0;
}
