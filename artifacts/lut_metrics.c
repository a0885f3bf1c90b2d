/* SPDX-License-Identifier: Apache-2.0 */
/* The error metrics of lut.h, after CircuitsDNA (fractions) and EvoApproxLib
 * (percent). */
#include "artifacts/base/base.h"
#include "artifacts/base/par.h"
#include "artifacts/lut.h"

static int
same_shape(const struct ax_lut *a, const struct ax_lut *b, struct ax_err *err)
{
	if (a->n == b->n && a->m == b->m && a->sign == b->sign)
		return 0;
	return ax_err_set(err, AX_EXIT_STAGE,
			  "the tables do not match: %u x %u bits %s, and "
			  "%u x %u bits %s",
			  a->n, a->m, a->sign ? "signed" : "unsigned", b->n,
			  b->m, b->sign ? "signed" : "unsigned");
}

static uint64_t
magnitude(int64_t x)
{
	return x < 0 ? (uint64_t)-x : (uint64_t)x;
}

/* Is T(a, b) = T(b, a)? By tiles, as a column of a large table is a page for
 * each of its values. */
static bool
symmetric(const struct ax_lut *t)
{
	enum { TILE = 32 };
	size_t n = (size_t)1 << t->n;

	if (t->n != t->m)
		return false;
	for (size_t row = 0; row < n; row += TILE) {
		for (size_t column = 0; column <= row; column += TILE) {
			size_t wide = AX_MIN(n - column, (size_t)TILE);
			int32_t other = 0;

			for (size_t a = row; a < AX_MIN(row + TILE, n); a++) {
				const int32_t *x = t->v + a * n + column;
				const int32_t *y = t->v + column * n + a;

				for (size_t b = 0; b < wide; b++)
					other |= x[b] ^ y[b * n];
			}
			if (other)
				return false;
		}
	}
	return true;
}

/* The value at operand zero, and what follows from the rows and columns of
 * zero. Zero is an operand of every table but that of a 1-bit signed one,
 * which is -1..0 and has it too. */
static void
measure_zero(struct ax_lut_metrics *m, const struct ax_lut *approx,
	     const struct ax_lut *exact)
{
	int32_t a0 = ax_lut_a_min(approx), b0 = ax_lut_b_min(approx);
	int64_t row = 0, column = 0;

	m->at_zero = ax_lut_at(approx, 0, 0);
	m->zero_exact = true;
	for (int32_t b = b0; b < b0 + (1 << approx->m); b++) {
		row += ax_lut_at(approx, 0, b);
		m->zero_exact = m->zero_exact && ax_lut_at(approx, 0, b) ==
							 ax_lut_at(exact, 0, b);
	}
	for (int32_t a = a0; a < a0 + (1 << approx->n); a++) {
		column += ax_lut_at(approx, a, 0);
		m->zero_exact = m->zero_exact && ax_lut_at(approx, a, 0) ==
							 ax_lut_at(exact, a, 0);
	}
	m->mean_zero_a = (double)row / (double)(1 << approx->m);
	m->mean_zero_b = (double)column / (double)(1 << approx->n);
	m->commutative = symmetric(approx);
}

/*
 * The sums over all pairs. The two of real numbers are kept in LANES parts,
 * pair i in part i mod LANES, added up in that order at the end: so they are
 * the same for any width of the machine's vectors.
 */
enum { LANES = 8 };

struct sums {
	double relative[LANES], symmetric[LANES];
};

typedef int32_t i32v __attribute__((vector_size(4 * LANES)));
typedef int64_t i64v __attribute__((vector_size(8 * LANES)));
typedef uint64_t u64v __attribute__((vector_size(8 * LANES)));
typedef double f64v __attribute__((vector_size(8 * LANES)));

/* Any values, any number of pairs. */
static void
sum_plain(struct ax_lut_metrics *m, struct sums *s, const int32_t *exact,
	  const int32_t *approx, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int64_t x = exact[i], y = approx[i], e = y - x;
		uint64_t d = magnitude(e), size = magnitude(x);

		m->wrong += e != 0;
		m->sum += e;
		m->sum_abs += d;
		m->sum_sq += (unsigned __int128)d * d;
		m->max_abs = AX_MAX(m->max_abs, size);
		m->wce = AX_MAX(m->wce, d);
		if (size > 0) {
			double r = (double)d / (double)size;

			m->nonzero++;
			s->relative[i % LANES] += r;
			m->wcre = AX_MAX(m->wcre, r);
		}
		s->symmetric[i % LANES] +=
			(double)d /
			(0.5 * ((double)size + (double)magnitude(y)) + 1e-9);
	}
}

/* The same for values below 2^24 and up to CHUNK pairs, a multiple of LANES:
 * then differences fit 32 bits, and sums of squares 64. */
enum { CHUNK = 4096, SMALL = 1 << 24 };

__attribute__((always_inline)) static inline void
sum_chunk(struct ax_lut_metrics *m, struct sums *s, const int32_t *exact,
	  const int32_t *approx, size_t n)
{
	i32v wrong = {0}, nonzero = {0}, most = {0}, largest = {0};
	i64v sum = {0}, sum_abs = {0}, wide;
	u64v sum_sq = {0};
	f64v relative, symmetric, r, d64, size64, wcre = {0};

	memcpy(&relative, s->relative, sizeof(relative));
	memcpy(&symmetric, s->symmetric, sizeof(symmetric));
	for (size_t i = 0; i < n; i += LANES) {
		i32v x, y, e, d, size, sign, other;

		memcpy(&x, exact + i, sizeof(x));
		memcpy(&y, approx + i, sizeof(y));
		e = y - x;
		sign = e >> 31;
		d = (e ^ sign) - sign;
		sign = x >> 31;
		size = (x ^ sign) - sign;
		sign = y >> 31;
		other = (y ^ sign) - sign;
		wrong -= e != 0;
		nonzero -= x != 0;
		sign = d > most;
		most = (d & sign) | (most & ~sign);
		sign = size > largest;
		largest = (size & sign) | (largest & ~sign);
		sum += __builtin_convertvector(e, i64v);
		wide = __builtin_convertvector(d, i64v);
		sum_abs += wide;
		sum_sq += (u64v)wide * (u64v)wide;
		d64 = __builtin_convertvector(d, f64v);
		size64 = __builtin_convertvector(size, f64v);
		symmetric +=
			d64 /
			(0.5 * (size64 + __builtin_convertvector(other, f64v)) +
			 1e-9);
		/* d / 0 counts as 0 */
		d64 = __builtin_convertvector(d & (x != 0), f64v);
		r = d64 / __builtin_convertvector(size - (x == 0), f64v);
		relative += r;
		wide = r > wcre;
		wcre = (f64v)(((i64v)r & wide) | ((i64v)wcre & ~wide));
	}
	memcpy(s->relative, &relative, sizeof(relative));
	memcpy(s->symmetric, &symmetric, sizeof(symmetric));
	for (int k = 0; k < LANES; k++) {
		m->wrong += (uint64_t)wrong[k];
		m->nonzero += (uint64_t)nonzero[k];
		m->sum += sum[k];
		m->sum_abs += (uint64_t)sum_abs[k];
		m->sum_sq += sum_sq[k];
		m->wce = AX_MAX(m->wce, (uint64_t)most[k]);
		m->max_abs = AX_MAX(m->max_abs, (uint64_t)largest[k]);
		m->wcre = AX_MAX(m->wcre, wcre[k]);
	}
}

static void
chunk_scalar(struct ax_lut_metrics *m, struct sums *s, const int32_t *exact,
	     const int32_t *approx, size_t n)
{
	sum_chunk(m, s, exact, approx, n);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void
chunk_avx2(struct ax_lut_metrics *m, struct sums *s, const int32_t *exact,
	   const int32_t *approx, size_t n)
{
	sum_chunk(m, s, exact, approx, n);
}

__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) static void
chunk_avx512(struct ax_lut_metrics *m, struct sums *s, const int32_t *exact,
	     const int32_t *approx, size_t n)
{
	sum_chunk(m, s, exact, approx, n);
}
#endif

/* n is a multiple of LANES. */
static bool
all_small(const int32_t *v, size_t n)
{
	i32v x, any = {0};
	uint32_t all = 0;

	for (size_t i = 0; i < n; i += LANES) {
		memcpy(&x, v + i, sizeof(x));
		any |= x ^ x >> 31;
	}
	for (int k = 0; k < LANES; k++)
		all |= (uint32_t)any[k];
	return all < SMALL;
}

static void
sum_all(struct ax_lut_metrics *m, struct sums *s, const int32_t *exact,
	const int32_t *approx, size_t n)
{
	void (*chunk)(struct ax_lut_metrics *, struct sums *, const int32_t *,
		      const int32_t *, size_t) = chunk_scalar;

	if (n % LANES || !all_small(exact, n) || !all_small(approx, n)) {
		sum_plain(m, s, exact, approx, n);
		return;
	}
#if defined(__x86_64__)
	if (ax_simd() >= AX_SIMD_AVX512)
		chunk = chunk_avx512;
	else if (ax_simd() == AX_SIMD_AVX2)
		chunk = chunk_avx2;
#endif
	for (size_t i = 0; i < n; i += CHUNK)
		chunk(m, s, exact + i, approx + i,
		      AX_MIN(n - i, (size_t)CHUNK));
}

int
ax_lut_measure(struct ax_lut_metrics *m, const struct ax_lut *approx,
	       const struct ax_lut *exact, enum ax_lut_op op,
	       struct ax_err *err)
{
	size_t n = ax_lut_size(approx), worst = 0;
	double relative = 0, symmetric = 0, range;
	struct sums s = {{0}, {0}};

	memset(m, 0, sizeof(*m));
	if (same_shape(approx, exact, err) < 0)
		return -1;
	m->pairs = n;
	sum_all(m, &s, exact->v, approx->v, n);
	for (int k = 0; k < LANES; k++) {
		relative += s.relative[k];
		symmetric += s.symmetric[k];
	}
	while (m->wce &&
	       magnitude((int64_t)approx->v[worst] - exact->v[worst]) != m->wce)
		worst++;
	m->wce_a = ax_lut_a_min(approx) + (int32_t)(worst >> approx->m);
	m->wce_b = ax_lut_b_min(approx) +
		   (int32_t)(worst & (((size_t)1 << approx->m) - 1));
	/* the range that EvoApproxLib's percentages refer to: 2^(n+m) for a
	 * product, 2^(max(n,m)+1) for an unsigned sum, 2^max(n,m) signed */
	range = op == AX_LUT_MUL
			? (double)((uint64_t)1 << (approx->n + approx->m))
			: (double)(1u << (AX_MAX(approx->n, approx->m) +
					  (approx->sign ? 0 : 1)));
	m->er = (double)m->wrong / (double)n;
	m->mae = (double)m->sum_abs / (double)n;
	m->mse = (double)m->sum_sq / (double)n;
	m->bias = (double)m->sum / (double)n;
	m->nmed = m->max_abs ? m->mae / (double)m->max_abs : 0;
	m->nmed_range = m->mae / range;
	m->rwce = m->max_abs ? (double)m->wce / (double)m->max_abs : 0;
	m->wce_percent = 100.0 * (double)m->wce / range;
	m->mae_percent = 100.0 * m->mae / range;
	m->mre = m->nonzero ? relative / (double)m->nonzero : 0;
	m->smape = symmetric / (double)n;
	measure_zero(m, approx, exact);
	return 0;
}

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

int
ax_lut_write_histogram(struct ax_str *out, const struct ax_lut *approx,
		       const struct ax_lut *exact, struct ax_err *err)
{
	size_t n = ax_lut_size(approx);
	int64_t *e;

	if (same_shape(approx, exact, err) < 0)
		return -1;
	e = ax_calloc(n, sizeof(*e));
	for (size_t i = 0; i < n; i++)
		e[i] = (int64_t)approx->v[i] - exact->v[i];
	qsort(e, n, sizeof(*e), by_value);
	ax_str_add(out, "error,count\n");
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i; j < n && e[j] == e[i]; j++)
			;
		ax_str_addf(out, "%" PRId64 ",%zu\n", e[i], j - i);
	}
	free(e);
	return 0;
}
