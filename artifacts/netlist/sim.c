/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/base/base.h"
#include "artifacts/netlist/logic.h"
#include "artifacts/netlist/sim.h"

/*
 * The netlist becomes a list of two-input steps over rows of WORDS words. Rows
 * are given out again once their last reader is done, so that the working set
 * stays near the first-level cache.
 */

/* Words of one row: 2048 patterns, 256 bytes. */
#define WORDS 32

/* A vector of 512 bits; the compiler lowers it to what the target has. */
typedef uint64_t vec __attribute__((vector_size(64), may_alias));
#define VECS (WORDS / 8)

struct step {
	uint8_t kind; /* enum ax_gate, never AX_CELL */
	uint32_t a, b, to; /* rows */
};

struct ax_sim {
	struct step *step;
	size_t steps;
	uint32_t inputs, outputs, rows;
	uint32_t *out_row;
	void (*kernel)(const struct step *, size_t, uint64_t *);
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
#if defined(__x86_64__)
	if (ax_simd() == AX_SIMD_AVX512)
		sim->kernel = kernel_avx512;
	else if (ax_simd() == AX_SIMD_AVX2)
		sim->kernel = kernel_avx2;
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

/* Row of input i for the block of patterns that starts at word `first`. */
static void
count_row(uint64_t *row, uint32_t i, size_t first)
{
	for (size_t w = 0; w < WORDS; w++)
		row[w] = i < 6 ? ax_tt_var(i)
			       : (uint64_t)0 - ((first + w) >> (i - 6) & 1);
}

/* 8 x 8 bit matrix transpose (Hacker's Delight, 7-3): bit 8 i + j goes to
 * 8 j + i. */
static uint64_t
transpose8(uint64_t x)
{
	uint64_t t;

	t = (x ^ (x >> 7)) & 0x00AA00AA00AA00AAull;
	x ^= t ^ (t << 7);
	t = (x ^ (x >> 14)) & 0x0000CCCC0000CCCCull;
	x ^= t ^ (t << 14);
	t = (x ^ (x >> 28)) & 0x00000000F0F0F0F0ull;
	return x ^ t ^ (t << 28);
}

struct table {
	const struct ax_sim *sim;
	uint64_t **scratch;
	uint32_t first, width;
	uint32_t *out;
	size_t patterns;
};

/* Eight patterns a time, eight output bits a time. */
static void
gather(const struct table *t, const uint64_t *rows, size_t word, uint32_t *out,
       size_t n)
{
	for (uint32_t g = 0; g < t->width; g += 8) {
		uint64_t plane[8] = {0};
		uint32_t bits = AX_MIN(t->width - g, 8u);

		for (uint32_t i = 0; i < bits; i++)
			plane[i] =
				rows[(size_t)t->sim->out_row[t->first + g + i] *
					     WORDS + word];
		for (size_t p = 0; p < n; p += 8) {
			uint64_t x = 0;

			for (int i = 0; i < 8; i++)
				x |= (plane[i] >> p & 0xFF) << (8 * i);
			x = transpose8(x);
			for (size_t k = 0; k < 8 && p + k < n; k++) {
				uint32_t byte = (uint32_t)(x >> (8 * k)) & 0xFF;

				if (g == 0)
					out[p + k] = byte;
				else
					out[p + k] |= byte << g;
			}
		}
	}
}

static void
table_block(void *arg, size_t block, unsigned thread)
{
	struct table *t = arg;
	const struct ax_sim *sim = t->sim;
	uint64_t *rows = t->scratch[thread];
	size_t first = block * WORDS;

	for (uint32_t i = 0; i < sim->inputs; i++)
		count_row(rows + (size_t)i * WORDS, i, first);
	sim->kernel(sim->step, sim->steps, rows);
	for (size_t w = 0; w < WORDS && (first + w) * 64 < t->patterns; w++) {
		size_t at = (first + w) * 64;

		gather(t, rows, w, t->out + at,
		       AX_MIN(t->patterns - at, (size_t)64));
	}
}

int
ax_sim_table(const struct ax_sim *sim, struct ax_pool *pool, uint32_t first,
	     uint32_t width, uint32_t *out, struct ax_err *err)
{
	struct table t = {sim, NULL, first, width, out, 0};

	if (sim->inputs > AX_SIM_MAX_INPUTS)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "the netlist has %u input bits; all patterns "
				  "are simulated up to %d",
				  sim->inputs, AX_SIM_MAX_INPUTS);
	if (width < 1 || width > 32 || first > sim->outputs ||
	    width > sim->outputs - first)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "output bits %u..%lu do not exist, or are "
				  "more than 32",
				  first, (unsigned long)first + width - 1);
	t.patterns = (size_t)1 << sim->inputs;
	t.scratch = scratch_new(sim, pool);
	ax_pool_for(pool, (t.patterns + 64 * WORDS - 1) / (64 * WORDS),
		    table_block, &t);
	scratch_free(t.scratch, pool);
	return 0;
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
		memcpy(rb + (size_t)c->in_of[i] * WORDS,
		       ra + (size_t)i * WORDS, WORDS * sizeof(uint64_t));
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
