/* SPDX-License-Identifier: Apache-2.0 */
/* The error metrics of lut.h, after CircuitsDNA (fractions) and EvoApproxLib
 * (percent). */
#include "artifacts/base/base.h"
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
	m->commutative = approx->n == approx->m;
	for (int32_t a = a0; m->commutative && a < a0 + (1 << approx->n); a++) {
		for (int32_t b = b0; b < a; b++) {
			if (ax_lut_at(approx, a, b) != ax_lut_at(approx, b, a))
				m->commutative = false;
		}
	}
}

int
ax_lut_measure(struct ax_lut_metrics *m, const struct ax_lut *approx,
	       const struct ax_lut *exact, enum ax_lut_op op,
	       struct ax_err *err)
{
	size_t n = ax_lut_size(approx), worst = 0;
	double relative = 0, symmetric = 0, range;

	memset(m, 0, sizeof(*m));
	if (same_shape(approx, exact, err) < 0)
		return -1;
	m->pairs = n;
	for (size_t i = 0; i < n; i++) {
		int64_t x = exact->v[i], y = approx->v[i], e = y - x;
		uint64_t d = magnitude(e), size = magnitude(x);

		m->wrong += e != 0;
		m->sum += e;
		m->sum_abs += d;
		m->sum_sq += (unsigned __int128)d * d;
		m->max_abs = AX_MAX(m->max_abs, size);
		if (d > m->wce) {
			m->wce = d;
			worst = i;
		}
		if (size > 0) {
			double r = (double)d / (double)size;

			m->nonzero++;
			relative += r;
			m->wcre = AX_MAX(m->wcre, r);
		}
		symmetric +=
			(double)d /
			(0.5 * ((double)size + (double)magnitude(y)) + 1e-9);
	}
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
