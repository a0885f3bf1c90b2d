/* SPDX-License-Identifier: Apache-2.0 */
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "stages/circuit/search/activity.h"

#include "artifacts/base/base.h"

/* Ones of row & mask; a mask of NULL is all ones. One body, compiled for the
 * instructions of whoever it is put into. */
__attribute__((always_inline)) static inline uint64_t
count(const uint64_t *row, const uint64_t *mask, size_t words)
{
	uint64_t n = 0;

	for (size_t i = 0; i < words; i++)
		n += (uint64_t)__builtin_popcountll(mask ? row[i] & mask[i]
							 : row[i]);
	return n;
}

static uint64_t
ones_scalar(const uint64_t *row, const uint64_t *mask, size_t words)
{
	return count(row, mask, words);
}

#if defined(__x86_64__)

__attribute__((target("popcnt"))) static uint64_t
ones_popcnt(const uint64_t *row, const uint64_t *mask, size_t words)
{
	return count(row, mask, words);
}

__attribute__((target("avx512f,avx512vpopcntdq"))) static uint64_t
ones_avx512(const uint64_t *row, const uint64_t *mask, size_t words)
{
	__m512i sum = _mm512_setzero_si512(), v;

	for (size_t i = 0; i < words; i += 8) {
		v = _mm512_load_si512(row + i);
		if (mask)
			v = _mm512_and_si512(v, _mm512_load_si512(mask + i));
		sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(v));
	}
	return (uint64_t)_mm512_reduce_add_epi64(sum);
}

#endif

void
ax_activity_init(struct ax_activity *a, const struct ax_problem *p,
		 const float *often)
{
	size_t slots = p->blocks * AX_BLOCK_BITS;
	double most = 0, scale;

	*a = (struct ax_activity){.blocks = p->blocks, .ones = ones_scalar};
#if defined(__x86_64__)
	if (ax_simd() != AX_SIMD_SCALAR && __builtin_cpu_supports("popcnt"))
		a->ones = ones_popcnt;
	if (ax_simd() >= AX_SIMD_AVX512 &&
	    __builtin_cpu_supports("avx512vpopcntdq"))
		a->ones = ones_avx512;
#endif
	if (!often) {
		a->total = slots;
		return;
	}
	for (size_t i = 0; i < p->patterns; i++)
		most = AX_MAX(most, (double)often[i]);
	scale = most > 0 ? ((1 << AX_ACTIVITY_BITS) - 1) / most : 0;
	a->planes = AX_ACTIVITY_BITS;
	a->plane = ax_aligned(a->planes * (slots / 64), sizeof(*a->plane));
	memset(a->plane, 0, a->planes * (slots / 64) * sizeof(*a->plane));
	for (size_t i = 0; i < slots; i++) {
		uint64_t w = (uint64_t)((double)often[i % p->patterns] * scale +
					0.5);

		a->total += w;
		for (unsigned k = 0; k < a->planes; k++)
			a->plane[k * (slots / 64) + i / 64] |= (w >> k & 1)
							       << i % 64;
	}
}

void
ax_activity_free(struct ax_activity *a)
{
	free(a->plane);
	a->plane = NULL;
}

uint64_t
ax_activity_ones(const struct ax_activity *a, const uint64_t *row, size_t first,
		 size_t blocks)
{
	size_t words = blocks * AX_BLOCK_WORDS,
	       all = a->blocks * AX_BLOCK_WORDS;
	uint64_t sum = 0;

	if (!a->planes)
		return a->ones(row, NULL, words);
	for (unsigned k = 0; k < a->planes; k++)
		sum += a->ones(row, a->plane + k * all + first * AX_BLOCK_WORDS,
			       words)
		       << k;
	return sum;
}

double
ax_activity_toggles(const struct ax_activity *a, uint64_t ones)
{
	double p = (double)ones / (double)a->total;

	return 2 * p * (1 - p);
}

void
ax_activity_of(const struct ax_activity *a, const struct ax_problem *p,
	       const struct ax_circuit *c, double *toggles)
{
	size_t rows = c->ins + c->n;
	uint64_t *v = ax_aligned((rows + 1) * AX_BLOCK_WORDS, sizeof(*v));
	uint64_t *ones = ax_calloc(rows + 1, sizeof(*ones));
	struct ax_kop *op = ax_calloc(c->n + 1, sizeof(*op));

	for (unsigned j = 0; j < c->n; j++)
		op[j] = (struct ax_kop){c->in[j][0], c->in[j][1], c->ins + j,
					c->gate[j]};
	for (size_t b = 0; b < p->blocks; b++) {
		memcpy(v, ax_problem_inputs(p, b),
		       p->ins * AX_BLOCK_WORDS * sizeof(*v));
		p->kern->run(v, AX_BLOCK_WORDS, op, c->n);
		for (size_t r = 0; r < rows; r++)
			ones[r] += ax_activity_ones(a, v + r * AX_BLOCK_WORDS,
						    b, 1);
	}
	for (size_t r = 0; r < rows; r++)
		toggles[r] = ax_activity_toggles(a, ones[r]);
	free(v);
	free(ones);
	free(op);
}
