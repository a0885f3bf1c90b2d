/* SPDX-License-Identifier: Apache-2.0 */
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "artifacts/base/base.h"
#include "artifacts/netlist/logic.h"
#include "artifacts/netlist/sim.h"

/*
 * The netlist becomes a list of two-input steps over rows of WORDS words. Rows
 * are given out again once their last reader is done, so that the working set
 * stays near the first-level cache.
 */

/* Words of one row: 8192 patterns, 1 KiB; long enough to hide the branch that
 * each step costs. */
#define WORDS 128

/* A vector of 512 bits; the compiler lowers it to what the target has. */
typedef uint64_t vec __attribute__((vector_size(64), may_alias));
#define VECS (WORDS / 8)

struct step {
	uint8_t kind;      /* enum ax_gate, never AX_CELL */
	uint32_t a, b, to; /* rows */
};

struct ax_sim {
	struct step *step;
	size_t steps;
	uint32_t inputs, outputs, rows;
	uint32_t *out_row;
	void (*kernel)(const struct step *, size_t, uint64_t *);
	void (*gather)(const uint64_t *, const uint32_t *, uint32_t, uint32_t,
		       uint32_t *);
};

#define EACH(expr)                                                             \
	for (int k = 0; k < VECS; k++)                                         \
		to[k] = (expr);                                                \
	break

__attribute__((always_inline)) static inline void
run_steps(const struct step *step, size_t n, uint64_t *rows)
{
	for (size_t i = 0; i < n; i++) {
		const vec *a = (const vec *)(rows + (size_t)step[i].a * WORDS);
		const vec *b = (const vec *)(rows + (size_t)step[i].b * WORDS);
		vec *to = (vec *)(rows + (size_t)step[i].to * WORDS);

		switch (step[i].kind) {
		case AX_CONST0:
			EACH((vec){0});
		case AX_CONST1:
			EACH(~(vec){0});
		case AX_BUF:
			EACH(a[k]);
		case AX_INV:
			EACH(~a[k]);
		case AX_AND:
			EACH(a[k] & b[k]);
		case AX_OR:
			EACH(a[k] | b[k]);
		case AX_NAND:
			EACH(~(a[k] & b[k]));
		case AX_NOR:
			EACH(~(a[k] | b[k]));
		case AX_XOR:
			EACH(a[k] ^ b[k]);
		default: /* AX_XNOR */
			EACH(~(a[k] ^ b[k]));
		}
	}
}

/* One step of a bit matrix transpose (Hacker's Delight, 7-3), in all byte lanes
 * of eight words at once: swaps the bits of `mask` between rows `by` apart. */
__attribute__((always_inline)) static inline void
swap_bits(vec *x, int by, uint64_t mask)
{
	for (int i = 0; i < 8; i++) {
		vec t;

		if (i & by)
			continue;
		t = ((x[i] >> by) ^ x[i + by]) & mask;
		x[i + by] ^= t;
		x[i] ^= t << by;
	}
}

/* Sign extension of 512 values: (x ^ s) - s with s the sign bit; s = 0: none.
 */
__attribute__((always_inline)) static inline void
extend(uint32_t *out, uint32_t sign)
{
	for (int p = 0; sign && p < 512; p++)
		out[p] = (out[p] ^ sign) - sign;
}

/* 512 patterns, which are eight words of each row: eight output bits a time
 * become the eight bits of a byte. Byte k of x[r] is pattern 8 k + r. */
__attribute__((always_inline)) static inline void
gather_patterns(const uint64_t *rows, const uint32_t *out_row, uint32_t width,
		uint32_t sign, uint32_t *out)
{
	for (uint32_t g = 0; g < width; g += 8) {
		union {
			vec v[8];
			uint8_t byte[8][64];
		} x;

		for (uint32_t i = 0; i < 8; i++)
			x.v[i] = g + i < width
					 ? *(const vec
						     *)(rows +
							(size_t)out_row[g + i] *
								WORDS)
					 : (vec){0};
		swap_bits(x.v, 1, 0x5555555555555555ull);
		swap_bits(x.v, 2, 0x3333333333333333ull);
		swap_bits(x.v, 4, 0x0F0F0F0F0F0F0F0Full);
		for (int k = 0; k < 64; k++) {
			for (int r = 0; r < 8; r++) {
				uint32_t byte = x.byte[r][k];

				out[8 * k + r] =
					g ? out[8 * k + r] | byte << g : byte;
			}
		}
	}
	extend(out, sign);
}

static void
gather_scalar(const uint64_t *rows, const uint32_t *out_row, uint32_t width,
	      uint32_t sign, uint32_t *out)
{
	gather_patterns(rows, out_row, width, sign, out);
}

static void
kernel_scalar(const struct step *step, size_t n, uint64_t *rows)
{
	run_steps(step, n, rows);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void
kernel_avx2(const struct step *step, size_t n, uint64_t *rows)
{
	run_steps(step, n, rows);
}

__attribute__((target("avx2"))) static void
gather_avx2(const uint64_t *rows, const uint32_t *out_row, uint32_t width,
	    uint32_t sign, uint32_t *out)
{
	gather_patterns(rows, out_row, width, sign, out);
}

/* The sums of up to 16 rows, one for each of the 32 patterns of their 32-bit
 * words k: a row's bits are the masks under which its weight is added. */
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"),
	       always_inline)) static inline __m512i
sum_rows(const uint64_t *rows, const uint32_t *row, uint32_t n, int k)
{
	__m512i sum = _mm512_setzero_si512();
	uint32_t mask;

	for (uint32_t i = 0; i < n; i++) {
		memcpy(&mask,
		       (const uint32_t *)(rows + (size_t)row[i] * WORDS) + k,
		       sizeof(mask));
		sum = _mm512_mask_add_epi16(
			sum, mask, sum, _mm512_set1_epi16((short)(1u << i)));
	}
	return sum;
}

/* 32 words of 16 bits as two vectors of 32 bits. */
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"),
	       always_inline)) static inline void
widen(__m512i *v, __m512i words)
{
	v[0] = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(words));
	v[1] = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(words, 1));
}

__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) static void
gather_avx512(const uint64_t *rows, const uint32_t *out_row, uint32_t width,
	      uint32_t sign, uint32_t *out)
{
	uint32_t low = AX_MIN(width, 16u);
	__m512i v[2], above[2];

	for (int k = 0; k < 512 / 32; k++) {
		widen(v, sum_rows(rows, out_row, low, k));
		if (width > 16) {
			widen(above,
			      sum_rows(rows, out_row + 16, width - 16, k));
			for (int h = 0; h < 2; h++)
				v[h] = _mm512_or_si512(
					v[h], _mm512_slli_epi32(above[h], 16));
		}
		_mm512_storeu_si512(out + 32 * k, v[0]);
		_mm512_storeu_si512(out + 32 * k + 16, v[1]);
	}
	extend(out, sign);
}

__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) static void
kernel_avx512(const struct step *step, size_t n, uint64_t *rows)
{
	run_steps(step, n, rows);
}
#endif

/* Rows 0..inputs-1 are the inputs and stay. */
static void
assign_rows(struct ax_sim *sim, const struct ax_netlist *net)
{
	size_t total = net->inputs + net->nodes;
	size_t *last = ax_calloc(total + 1, sizeof(*last));
	uint32_t *row = ax_calloc(total + 1, sizeof(*row));
	uint32_t *idle = ax_calloc(net->nodes + 1, sizeof(*idle));
	size_t n_idle = 0;

	for (size_t j = 0; j < net->nodes; j++) {
		for (unsigned i = 0; i < net->node[j].n; i++)
			last[net->node[j].in[i]] = j;
	}
	for (uint32_t i = 0; i < net->outputs; i++)
		last[net->out_ref[i]] = SIZE_MAX;
	sim->rows = net->inputs;
	for (uint32_t i = 0; i < net->inputs; i++)
		row[i] = i;
	for (size_t j = 0; j < net->nodes; j++) {
		const struct ax_node *node = &net->node[j];
		struct step *step = &sim->step[j];
		uint32_t to = n_idle ? idle[--n_idle] : sim->rows++;

		step->kind = node->kind;
		step->a = node->n > 0 ? row[node->in[0]] : to;
		step->b = node->n > 1 ? row[node->in[1]] : step->a;
		step->to = row[net->inputs + j] = to;
		for (unsigned i = 0; i < node->n; i++) {
			uint32_t in = node->in[i];

			if (in >= net->inputs && last[in] == j &&
			    (i == 0 || in != node->in[0]))
				idle[n_idle++] = row[in];
		}
		if (last[net->inputs + j] == 0) /* nobody reads it */
			idle[n_idle++] = to;
	}
	for (uint32_t i = 0; i < net->outputs; i++)
		sim->out_row[i] = row[net->out_ref[i]];
	free(last);
	free(row);
	free(idle);
}

int
ax_sim_new(struct ax_sim **out, const struct ax_netlist *net,
	   struct ax_err *err)
{
	struct ax_netlist *flat;
	struct ax_sim *sim;

	if (ax_netlist_check(net, err) < 0)
		return -1;
	flat = ax_netlist_expand(net);
	ax_netlist_prune(flat);
	sim = ax_calloc(1, sizeof(*sim));
	sim->inputs = flat->inputs;
	sim->outputs = flat->outputs;
	sim->steps = flat->nodes;
	sim->step = ax_calloc(flat->nodes + 1, sizeof(*sim->step));
	sim->out_row = ax_calloc(flat->outputs + 1u, sizeof(*sim->out_row));
	sim->kernel = kernel_scalar;
	sim->gather = gather_scalar;
#if defined(__x86_64__)
	if (ax_simd() >= AX_SIMD_AVX512) {
		sim->kernel = kernel_avx512;
		sim->gather = gather_avx512;
	} else if (ax_simd() == AX_SIMD_AVX2) {
		sim->kernel = kernel_avx2;
		sim->gather = gather_avx2;
	}
#endif
	assign_rows(sim, flat);
	ax_netlist_free(flat);
	*out = sim;
	return 0;
}

void
ax_sim_free(struct ax_sim *sim)
{
	if (!sim)
		return;
	free(sim->step);
	free(sim->out_row);
	free(sim);
}

static uint64_t **
scratch_new(const struct ax_sim *sim, struct ax_pool *pool)
{
	unsigned threads = ax_pool_threads(pool);
	uint64_t **scratch = ax_calloc(threads, sizeof(*scratch));

	for (unsigned t = 0; t < threads; t++)
		scratch[t] = ax_aligned((size_t)sim->rows * WORDS + 8,
					sizeof(uint64_t));
	return scratch;
}

static void
scratch_free(uint64_t **scratch, struct ax_pool *pool)
{
	for (unsigned t = 0; t < ax_pool_threads(pool); t++)
		free(scratch[t]);
	free(scratch);
}

struct run {
	const struct ax_sim *sim;
	const uint64_t *in;
	uint64_t *out;
	size_t words;
	uint64_t **scratch;
};

static void
run_block(void *arg, size_t block, unsigned thread)
{
	struct run *r = arg;
	const struct ax_sim *sim = r->sim;
	uint64_t *rows = r->scratch[thread];
	size_t first = block * WORDS;
	size_t n = AX_MIN(r->words - first, (size_t)WORDS);

	for (uint32_t i = 0; i < sim->inputs; i++)
		memcpy(rows + (size_t)i * WORDS, r->in + i * r->words + first,
		       n * sizeof(uint64_t));
	sim->kernel(sim->step, sim->steps, rows);
	for (uint32_t i = 0; i < sim->outputs; i++)
		memcpy(r->out + i * r->words + first,
		       rows + (size_t)sim->out_row[i] * WORDS,
		       n * sizeof(uint64_t));
}

void
ax_sim_run(const struct ax_sim *sim, struct ax_pool *pool, const uint64_t *in,
	   uint64_t *out, size_t words)
{
	struct run r = {sim, in, out, words, scratch_new(sim, pool)};

	ax_pool_for(pool, (words + WORDS - 1) / WORDS, run_block, &r);
	scratch_free(r.scratch, pool);
}

/* --- all patterns -------------------------------------------------------- */

/* Row of bit i of the pattern numbers of the block that starts at word `first`.
 */
static void
count_row(uint64_t *row, uint32_t i, size_t first)
{
	uint64_t all = i < 6 ? ax_tt_var(i) : 0;

	for (size_t w = 0; w < WORDS; w++)
		row[w] = i < 6 ? all
			       : (uint64_t)0 - ((first + w) >> (i - 6) & 1);
}

struct table {
	const struct ax_sim *sim;
	uint64_t **scratch;
	uint32_t first, width;
	const uint8_t *place;
	uint32_t flip, sign;
	uint32_t *out;
	size_t patterns;
};

static void
table_block(void *arg, size_t block, unsigned thread)
{
	struct table *t = arg;
	const struct ax_sim *sim = t->sim;
	uint64_t *rows = t->scratch[thread];
	size_t first = block * WORDS;

	for (uint32_t i = 0; i < sim->inputs; i++) {
		uint64_t *row = rows + (size_t)i * WORDS;
		uint32_t bit = t->place ? t->place[i] : i;

		count_row(row, bit, first);
		for (size_t w = 0; w < WORDS && t->flip >> bit & 1; w++)
			row[w] = ~row[w];
	}
	sim->kernel(sim->step, sim->steps, rows);
	for (size_t w = 0; w < WORDS && (first + w) * 64 < t->patterns;
	     w += 8) {
		size_t at = (first + w) * 64;
		size_t n = AX_MIN(t->patterns - at, (size_t)512);
		uint32_t some[512], *to = n < 512 ? some : t->out + at;

		sim->gather(rows + w, sim->out_row + t->first, t->width,
			    t->sign, to);
		if (to == some)
			memcpy(t->out + at, some, n * sizeof(*some));
	}
}

static int
fill_table(struct table *t, struct ax_pool *pool, struct ax_err *err)
{
	const struct ax_sim *sim = t->sim;

	if (sim->inputs > AX_SIM_MAX_INPUTS)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "the netlist has %u input bits; all patterns "
				  "are simulated up to %d",
				  sim->inputs, AX_SIM_MAX_INPUTS);
	if (t->width < 1 || t->width > 32 || t->first > sim->outputs ||
	    t->width > sim->outputs - t->first)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "output bits %u..%lu do not exist, or are "
				  "more than 32",
				  t->first,
				  (unsigned long)t->first + t->width - 1);
	t->patterns = (size_t)1 << sim->inputs;
	t->scratch = scratch_new(sim, pool);
	ax_pool_for(pool, (t->patterns + 64 * WORDS - 1) / (64 * WORDS),
		    table_block, t);
	scratch_free(t->scratch, pool);
	return 0;
}

int
ax_sim_table(const struct ax_sim *sim, struct ax_pool *pool, uint32_t first,
	     uint32_t width, uint32_t *out, struct ax_err *err)
{
	struct table t = {sim, NULL, first, width, NULL, 0, 0, out, 0};

	return fill_table(&t, pool, err);
}

int
ax_sim_numbers(const struct ax_sim *sim, struct ax_pool *pool, uint32_t first,
	       uint32_t width, bool sign, const uint8_t *place, uint32_t flip,
	       int32_t *out, struct ax_err *err)
{
	struct table t = {sim,  NULL, first,           width, place,
			  flip, 0,    (uint32_t *)out, 0};

	if (sign && width >= 1)
		t.sign = (uint32_t)1 << ((width - 1) & 31);
	return fill_table(&t, pool, err);
}

/* --- equivalence --------------------------------------------------------- */

struct compare {
	const struct ax_sim *a, *b;
	uint64_t **sa, **sb;
	const uint32_t *in_of, *out_of; /* place in b of each port of a */
	size_t patterns;
	uint64_t *diff; /* of each block: its first difference, or UINT64_MAX */
	uint32_t *bit;
};

static void
compare_block(void *arg, size_t block, unsigned thread)
{
	struct compare *c = arg;
	uint64_t *ra = c->sa[thread], *rb = c->sb[thread];
	size_t first = block * WORDS;
	uint64_t mask = c->patterns < 64 ? (UINT64_C(1) << c->patterns) - 1
					 : UINT64_MAX;

	for (uint32_t i = 0; i < c->a->inputs; i++) {
		count_row(ra + (size_t)i * WORDS, i, first);
		memcpy(rb + (size_t)c->in_of[i] * WORDS, ra + (size_t)i * WORDS,
		       WORDS * sizeof(uint64_t));
	}
	c->a->kernel(c->a->step, c->a->steps, ra);
	c->b->kernel(c->b->step, c->b->steps, rb);
	c->diff[block] = UINT64_MAX;
	for (size_t w = 0; w < WORDS && (first + w) * 64 < c->patterns; w++) {
		for (uint32_t o = 0; o < c->a->outputs; o++) {
			uint64_t x =
				ra[(size_t)c->a->out_row[o] * WORDS + w] ^
				rb[(size_t)c->b->out_row[c->out_of[o]] * WORDS +
				   w];
			uint64_t at;

			x &= mask;
			if (!x)
				continue;
			at = (first + w) * 64 + (uint64_t)__builtin_ctzll(x);
			if (at < c->diff[block]) {
				c->diff[block] = at;
				c->bit[block] = o;
			}
		}
		if (c->diff[block] != UINT64_MAX)
			return;
	}
}

/* Where each bit of a stands in b: by name when both have the same names. */
static void
match(uint32_t *map, uint32_t bits, const struct ax_bus *a, uint32_t na,
      const struct ax_bus *b, uint32_t nb)
{
	bool *taken = ax_calloc(bits + 1u, sizeof(*taken));
	bool same = true;

	for (uint32_t k = 0; k < na && same; k++) {
		const struct ax_bus *other = ax_bus_find(b, nb, a[k].name);

		same = other && other->width == a[k].width &&
		       !taken[other->first];
		for (uint32_t i = 0; same && i < a[k].width; i++) {
			map[a[k].first + i] = other->first + i;
			taken[other->first + i] = true;
		}
	}
	for (uint32_t i = 0; !same && i < bits; i++)
		map[i] = i;
	free(taken);
}

int
ax_netlist_equal(const struct ax_netlist *a, const struct ax_netlist *b,
		 struct ax_pool *pool, uint64_t *pattern, uint32_t *bit,
		 struct ax_err *err)
{
	struct compare c = {0};
	struct ax_sim *sa = NULL, *sb = NULL;
	uint32_t *in_of, *out_of;
	size_t blocks;
	int rc = 1;

	if (a->inputs != b->inputs || a->outputs != b->outputs)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "the netlists differ in their ports: %u and "
				  "%u input bits, %u and %u output bits",
				  a->inputs, b->inputs, a->outputs, b->outputs);
	if (a->inputs > AX_SIM_MAX_INPUTS)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "the netlists have %u input bits; all "
				  "patterns are compared up to %d",
				  a->inputs, AX_SIM_MAX_INPUTS);
	if (ax_sim_new(&sa, a, err) < 0 || ax_sim_new(&sb, b, err) < 0) {
		ax_sim_free(sa);
		return -1;
	}
	in_of = ax_calloc(a->inputs + 1u, sizeof(*in_of));
	out_of = ax_calloc(a->outputs + 1u, sizeof(*out_of));
	match(in_of, a->inputs, a->in, a->ins, b->in, b->ins);
	match(out_of, a->outputs, a->out, a->outs, b->out, b->outs);
	c.a = sa;
	c.b = sb;
	c.in_of = in_of;
	c.out_of = out_of;
	c.patterns = (size_t)1 << a->inputs;
	c.sa = scratch_new(sa, pool);
	c.sb = scratch_new(sb, pool);
	blocks = (c.patterns + 64 * WORDS - 1) / (64 * WORDS);
	c.diff = ax_calloc(blocks, sizeof(*c.diff));
	c.bit = ax_calloc(blocks, sizeof(*c.bit));
	ax_pool_for(pool, blocks, compare_block, &c);
	for (size_t i = 0; i < blocks && rc == 1; i++) {
		if (c.diff[i] == UINT64_MAX)
			continue;
		if (pattern)
			*pattern = c.diff[i];
		if (bit)
			*bit = c.bit[i];
		rc = 0;
	}
	scratch_free(c.sa, pool);
	scratch_free(c.sb, pool);
	free(c.diff);
	free(c.bit);
	free(in_of);
	free(out_of);
	ax_sim_free(sa);
	ax_sim_free(sb);
	return rc;
}
