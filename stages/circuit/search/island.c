/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/island.h"

#include "stages/circuit/search/island_impl.h"

/* --- rows ---------------------------------------------------------------- */

static void
grow_rows(struct ax_island *i, uint32_t rows)
{
	uint32_t cap = AX_MAX(rows, i->rows + i->rows / 2);
	uint64_t *full = ax_aligned((size_t)cap * i->stride, sizeof(*full));
	uint64_t *pool =
		ax_aligned((size_t)2 * cap * AX_POOL_WORDS, sizeof(*pool));

	if (i->rows) {
		memcpy(full, i->full, (size_t)i->rows * i->stride * 8);
		memcpy(pool, i->pool, (size_t)i->rows * AX_POOL_WORDS * 8);
	}
	free(i->full);
	free(i->pool);
	i->full = full;
	i->pool = pool;
	i->spare = ax_realloc(i->spare, cap, sizeof(*i->spare));
	for (uint32_t r = cap; r-- > i->rows;)
		i->spare[i->spares++] = r;
	i->rows = cap;
}

uint32_t
ax_island_take_row(struct ax_island *i)
{
	if (!i->spares)
		grow_rows(i, i->rows + 64);
	return i->spare[--i->spares];
}

/* Scratch arrays for circuits of up to n nodes. */
void
ax_island_room(struct ax_island *i, unsigned n)
{
	size_t m = AX_CIRCUIT_INS + n + 16;

	if (i->room && n <= i->room)
		return;
	i->room = n + n / 2 + 1;
	m = AX_CIRCUIT_INS + i->room + 16;
	i->row = ax_realloc(i->row, m, sizeof(*i->row));
	i->new_row = ax_realloc(i->new_row, m, sizeof(*i->new_row));
	i->flip_row = ax_realloc(i->flip_row, m, sizeof(*i->flip_row));
	i->uses = ax_realloc(i->uses, m, sizeof(*i->uses));
	i->cone = ax_realloc(i->cone, m, sizeof(*i->cone));
	i->changed = ax_realloc(i->changed, m, sizeof(*i->changed));
	i->dead = ax_realloc(i->dead, m, sizeof(*i->dead));
	i->is_dead = ax_realloc(i->is_dead, m, sizeof(*i->is_dead));
	memset(i->is_dead, 0, m * sizeof(*i->is_dead));
	i->list = ax_realloc(i->list, m, sizeof(*i->list));
	i->list_row = ax_realloc(i->list_row, m, sizeof(*i->list_row));
	i->flags = ax_realloc(i->flags, m, sizeof(*i->flags));
	i->and_lit = ax_realloc(i->and_lit, 2 * m, sizeof(*i->and_lit));
	i->or_lit = ax_realloc(i->or_lit, 2 * m, sizeof(*i->or_lit));
	i->old_op = ax_realloc(i->old_op, m, sizeof(*i->old_op));
	i->new_op = ax_realloc(i->new_op, m, sizeof(*i->new_op));
	i->place = ax_realloc(i->place, m, sizeof(*i->place));
	i->stack = ax_realloc(i->stack, 2 * m, sizeof(*i->stack));
	if (i->gauge && ax_cost_needs_energy(i->s->full)) {
		i->toggles = ax_realloc(i->toggles, m, sizeof(*i->toggles));
		i->next_toggles =
			ax_realloc(i->next_toggles, m, sizeof(*i->toggles));
	}
}

void
ax_island_count_uses(struct ax_island *i)
{
	const struct ax_circuit *c = &i->c;

	memset(i->uses, 0, (c->ins + c->n) * sizeof(*i->uses));
	for (unsigned j = 0; j < c->n; j++) {
		unsigned k = ax_g_inputs((enum ax_g)c->gate[j]);

		for (unsigned w = 0; w < k; w++)
			i->uses[c->in[j][w]]++;
	}
	for (unsigned o = 0; o < c->outs; o++)
		i->uses[c->out[o]]++;
}

/* --- the pool of patterns ------------------------------------------------ */

static void
copy_bit(uint64_t *to, unsigned slot, const uint64_t *from, size_t pattern)
{
	uint64_t mask = (uint64_t)1 << slot % 64;

	if (from[pattern / 64] >> pattern % 64 & 1)
		to[slot / 64] |= mask;
	else
		to[slot / 64] &= ~mask;
}

static void
pool_fill_slot(struct ax_island *i, unsigned slot)
{
	const struct ax_problem *p = i->p;
	size_t q = i->seen[slot], in_block = q % AX_BLOCK_BITS;
	const uint64_t *limits =
		i->s->limits + q / AX_BLOCK_BITS * p->outs * 2 * AX_BLOCK_WORDS;

	for (unsigned r = 0; r < i->c.ins + i->c.n; r++)
		copy_bit(i->pool + (size_t)i->row[r] * AX_POOL_WORDS, slot,
			 i->full + (size_t)i->row[r] * i->stride, q);
	for (unsigned k = 0; k < 2 * p->outs; k++)
		copy_bit(i->pool_limits + k * AX_POOL_WORDS, slot,
			 limits + k * AX_BLOCK_WORDS, in_block);
}

void
ax_island_remember(struct ax_island *i, size_t pattern)
{
	unsigned slot = i->seen_next;

	i->seen_next = (slot + 1) % AX_POOL_BITS;
	i->seen[slot] = (uint32_t)pattern;
	pool_fill_slot(i, slot);
}

/* All rows of the circuit, on all patterns and on the pool. */
static void
simulate(struct ax_island *i)
{
	struct ax_circuit *c = &i->c;

	ax_island_room(i, c->n);
	/* hand out rows from the start: operands first, then the nodes */
	i->spares = 0;
	if (i->rows < c->ins + c->n + 64)
		grow_rows(i, c->ins + c->n + c->n / 4 + 64);
	i->spares = 0;
	for (uint32_t r = i->rows; r-- > c->ins + c->n;)
		i->spare[i->spares++] = r;
	for (unsigned r = 0; r < c->ins + c->n; r++)
		i->row[r] = r;
	for (size_t b = 0; b < i->p->blocks; b++)
		for (unsigned r = 0; r < c->ins; r++)
			memcpy(i->full + r * i->stride + b * AX_BLOCK_WORDS,
			       ax_problem_inputs(i->p, b) + r * AX_BLOCK_WORDS,
			       AX_BLOCK_WORDS * 8);
	for (unsigned j = 0; j < c->n; j++)
		i->old_op[j] = (struct ax_kop){c->in[j][0], c->in[j][1],
					       c->ins + j, c->gate[j]};
	for (size_t b = 0; b < i->p->blocks; b++)
		i->p->kern->run(i->full + b * AX_BLOCK_WORDS, i->stride,
				i->old_op, c->n);
	for (unsigned k = 0; k < AX_POOL_BITS; k++)
		pool_fill_slot(i, k);
	ax_island_count_uses(i);
	i->cost = ax_circuit_cost(c, &i->s->costs);
	for (unsigned r = 0; i->toggles && r < c->ins + c->n; r++)
		i->toggles[r] = ax_activity_toggles(
			i->s->full->activity,
			ax_activity_ones(i->s->full->activity,
					 i->full + (size_t)r * i->stride, 0,
					 i->p->blocks));
	if (i->gauge)
		i->cost = ax_gauge_set(i->gauge, c, i->toggles)->cost;
}

/* --- life ---------------------------------------------------------------- */

struct ax_island *
ax_island_new(const struct ax_search *s, const struct ax_circuit *c,
	      uint64_t seed, uint64_t index)
{
	struct ax_island *i = ax_calloc(1, sizeof(*i));
	const struct ax_problem *p = s->p;

	i->s = s;
	i->p = p;
	if (s->full)
		i->gauge = ax_gauge_new(s->full);
	i->stride = p->blocks * AX_BLOCK_WORDS;
	i->rng = ax_rng(seed, "island", index);
	i->pool_limits = ax_aligned((size_t)2 * p->outs * AX_POOL_WORDS, 8);
	i->care1 = ax_aligned(4 * AX_POOL_WORDS + AX_BLOCK_WORDS, 8);
	i->care0 = i->care1 + AX_POOL_WORDS;
	i->part1 = i->care0 + AX_POOL_WORDS;
	i->part0 = i->part1 + AX_POOL_WORDS;
	i->bad = i->part0 + AX_POOL_WORDS;
	i->order = ax_calloc(p->blocks, sizeof(*i->order));
	i->touched = ax_calloc(p->blocks, sizeof(*i->touched));
	for (size_t b = 0; b < p->blocks; b++)
		i->order[b] = (uint32_t)b;
	for (unsigned k = 0; k < AX_POOL_BITS; k++)
		i->seen[k] = ax_rng_below(&i->rng, (uint32_t)p->patterns);
	ax_island_set(i, c);
	ax_circuit_copy(&i->best, &i->c);
	i->best_cost = i->cost;
	return i;
}

void
ax_island_free(struct ax_island *i)
{
	if (!i)
		return;
	ax_circuit_free(&i->c);
	ax_circuit_free(&i->next);
	ax_circuit_free(&i->best);
	free(i->row);
	free(i->new_row);
	free(i->flip_row);
	free(i->uses);
	free(i->cone);
	free(i->changed);
	free(i->dead);
	free(i->is_dead);
	free(i->list);
	free(i->list_row);
	free(i->flags);
	free(i->and_lit);
	free(i->or_lit);
	free(i->old_op);
	free(i->new_op);
	free(i->place);
	free(i->stack);
	free(i->spare);
	free(i->full);
	free(i->pool);
	free(i->pool_limits);
	free(i->care1);
	free(i->order);
	free(i->touched);
	ax_gauge_free(i->gauge);
	free(i->toggles);
	free(i->next_toggles);
	free(i);
}

void
ax_island_set(struct ax_island *i, const struct ax_circuit *c)
{
	ax_circuit_copy(&i->c, c);
	simulate(i);
}

void
ax_island_run(struct ax_island *i, uint64_t steps, double from, double to)
{
	for (uint64_t k = 0; k < steps; k++) {
		ax_island_visit(i, from + (to - from) *
						   ((double)k / (double)steps));
		if (i->cost < i->best_cost) {
			i->best_cost = i->cost;
			ax_circuit_copy(&i->best, &i->c);
		}
	}
	i->stats.steps += steps;
}

const struct ax_circuit *
ax_island_circuit(const struct ax_island *i)
{
	return &i->c;
}

const struct ax_circuit *
ax_island_best(const struct ax_island *i)
{
	return &i->best;
}

int64_t
ax_island_cost(const struct ax_island *i)
{
	return i->cost;
}

int64_t
ax_island_best_cost(const struct ax_island *i)
{
	return i->best_cost;
}

const struct ax_island_stats *
ax_island_stats(const struct ax_island *i)
{
	return &i->stats;
}

/* --- checkpoints --------------------------------------------------------- */

void
ax_island_save(const struct ax_island *i, struct ax_str *out)
{
	ax_circuit_put(out, &i->c);
	ax_circuit_put(out, &i->best);
	for (unsigned k = 0; k < AX_POOL_BITS; k++)
		ax_ck_put(out, i->seen[k], 4);
	ax_ck_put(out, i->seen_next, 4);
	for (size_t b = 0; b < i->p->blocks; b++)
		ax_ck_put(out, i->order[b], 4);
	for (int k = 0; k < 4; k++) {
		ax_ck_put(out, i->rng.ctr[k], 4);
		ax_ck_put(out, i->rng.out[k], 4);
	}
	ax_ck_put(out, i->rng.key[0], 4);
	ax_ck_put(out, i->rng.key[1], 4);
	ax_ck_put(out, i->rng.left, 4);
	ax_ck_put(out, i->stats.steps, 8);
	ax_ck_put(out, i->stats.candidates, 8);
	ax_ck_put(out, i->stats.checks, 8);
	ax_ck_put(out, i->stats.failed, 8);
	ax_ck_put(out, i->stats.taken, 8);
}

int
ax_island_restore(struct ax_island *i, struct ax_ck_reader *r)
{
	ax_circuit_get(r, i->p, &i->c);
	ax_circuit_get(r, i->p, &i->best);
	for (unsigned k = 0; k < AX_POOL_BITS; k++)
		i->seen[k] = (uint32_t)ax_ck_get_max(r, 4, i->p->patterns - 1);
	i->seen_next = (unsigned)ax_ck_get_max(r, 4, AX_POOL_BITS - 1);
	for (size_t b = 0; b < i->p->blocks; b++)
		i->order[b] = (uint32_t)ax_ck_get_max(r, 4, i->p->blocks - 1);
	for (int k = 0; k < 4; k++) {
		i->rng.ctr[k] = (uint32_t)ax_ck_get(r, 4);
		i->rng.out[k] = (uint32_t)ax_ck_get(r, 4);
	}
	i->rng.key[0] = (uint32_t)ax_ck_get(r, 4);
	i->rng.key[1] = (uint32_t)ax_ck_get(r, 4);
	i->rng.left = (unsigned)ax_ck_get_max(r, 4, 4);
	i->stats.steps = ax_ck_get(r, 8);
	i->stats.candidates = ax_ck_get(r, 8);
	i->stats.checks = ax_ck_get(r, 8);
	i->stats.failed = ax_ck_get(r, 8);
	i->stats.taken = ax_ck_get(r, 8);
	if (r->bad)
		return -1;
	i->best_cost = ax_search_cost(i->s, &i->best);
	simulate(i);
	return 0;
}
