/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/engine/quant.h"

#include <float.h>
#include <math.h>

/* The quantiser of one channel, by itself; without channels q itself. */
static struct ax_quant
channel(const struct ax_quant *q, size_t c)
{
	struct ax_quant one = *q;

	if (q->channels) {
		one.scale = q->scales[c];
		one.zero = q->zeros[c];
		one.channels = 0;
	}
	return one;
}

/* out = mul * (code - zero), mul being the scale for `values`, else 1. */
static void
quantise(const struct ax_quant *q, const struct ax_kern *k, float *out,
	 const float *x, size_t n, bool values)
{
	size_t runs = q->channels ? q->channels : 1, len = n / runs, c;

	for (c = 0; c < runs; c++) {
		struct ax_quant o = channel(q, c);

		k->quant(out + c * len, x + c * len, o.scale,
			 o.lo - (float)o.zero, o.hi - (float)o.zero,
			 values ? o.scale : 1, len);
	}
}

static void
values(const struct ax_quant *q, const struct ax_kern *k, float *out,
       const float *x, size_t n)
{
	if (q->set)
		quantise(q, k, out, x, n, true);
	else if (out != x)
		memcpy(out, x, n * sizeof(*x));
}

static void
centred(const struct ax_quant *q, const struct ax_kern *k, float *out,
	const float *x, size_t n)
{
	quantise(q, k, out, x, n, false);
}

static void
codes(const struct ax_quant *q, const struct ax_kern *k, float *out,
      const float *x, size_t n)
{
	size_t runs = q->channels ? q->channels : 1, len = n / runs, c, i;

	quantise(q, k, out, x, n, false);
	for (c = 0; c < runs; c++) {
		float zero = (float)ax_quant_zero(q, c);

		for (i = 0; zero != 0 && i < len; i++)
			out[c * len + i] += zero;
	}
}

/*
 * The scale search: s0 = max|x| / greatest code; squared error for s0 * 10^p,
 * p = -2, -1, -0.5, 0, 0.5, 1, 2, first minimum wins; then for a factor of
 * sqrt(10) to either side of the best.
 */
static const double coarse[] = {
	0.01, 0.1, 0.31622776601683794, 1, 3.1622776601683795, 10, 100};
static const double fine[] = {0.31622776601683794, 1, 3.1622776601683795};

/* Errors are summed in pieces of this many numbers, in order. */
#define PIECE ((size_t)4096)

struct mse {
	struct ax_engine *e;
	const struct ax_quant *q;
	const float *x;
	size_t n;
	float scale, lo, hi; /* centred codes */
	double *part;
};

static void
mse_piece(void *arg, size_t i, unsigned thread)
{
	struct mse *m = arg;
	size_t at = i * PIECE, n = AX_MIN(PIECE, m->n - at), j;
	float *t = ax_scratch_get(m->e, thread, AX_SCRATCH_TILE,
				  PIECE * sizeof(*t));
	double two[2];

	/* rounding to whole codes and clamping to whole bounds commute */
	m->e->kern->quant(t, m->x + at, m->scale, m->lo, m->hi, m->scale, n);
	for (j = 0; j < n; j++)
		t[j] -= m->x[at + j];
	m->e->kern->sums(two, t, t, n);
	m->part[i] = two[1];
}

static float
scale_of(const struct ax_fit *f, size_t i)
{
	return (float)(f->scale * (f->pass == 1 ? coarse : fine)[i]);
}

/* The zero point under a scale: where the least number gets the least code. */
static int
zero_of(const struct ax_quant *q, const struct ax_fit *f, double scale)
{
	double z;

	if (q->ops != &ax_quant_asymmetric)
		return q->zero;
	z = floor((double)q->lo - (double)f->low / scale + 0.5);
	return (int)AX_MAX((double)q->lo, AX_MIN((double)q->hi, z));
}

static void
see(const struct ax_quant *q, struct ax_fit *f, struct ax_engine *e,
    const float *x, size_t n)
{
	size_t pieces = (n + PIECE - 1) / PIECE, i, t;
	struct mse m = {e, q, x, n, 0, 0, 0, NULL};
	float a, zero;

	if (f->pass == 0) {
		for (i = 0; i < n; i++) {
			a = x[i] < 0 ? -x[i] : x[i];
			f->most = a > f->most ? a : f->most;
			f->low = x[i] < f->low ? x[i] : f->low;
			f->high = x[i] > f->high ? x[i] : f->high;
		}
		return;
	}
	m.part = ax_calloc(pieces + 1, sizeof(*m.part));
	for (t = 0; t < f->tries; t++) {
		m.scale = scale_of(f, t);
		if (m.scale < FLT_MIN)
			continue;
		zero = (float)zero_of(q, f, (double)m.scale);
		m.lo = q->lo - zero;
		m.hi = q->hi - zero;
		ax_pool_for(e->pool, pieces, mse_piece, &m);
		for (i = 0; i < pieces; i++)
			f->error[t] += m.part[i];
	}
	free(m.part);
}

static bool
next(struct ax_quant *q, struct ax_fit *f)
{
	size_t i, best = 0;

	if (f->pass == 0) {
		if (q->ops == &ax_quant_asymmetric)
			f->scale =
				(double)((f->high - f->low) / (q->hi - q->lo));
		else
			f->scale = (double)(f->most / (q->hi - (float)q->zero));
		if (f->scale < (double)FLT_EPSILON)
			f->scale = (double)FLT_EPSILON;
		f->tries = AX_LEN(coarse);
	} else {
		for (i = 1; i < f->tries; i++)
			if (f->error[i] < f->error[best])
				best = i;
		f->scale *= (f->pass == 1 ? coarse : fine)[best];
		f->tries = AX_LEN(fine);
	}
	memset(f->error, 0, sizeof(f->error));
	if (++f->pass < 3)
		return true;
	q->zero = zero_of(q, f, (double)(float)f->scale);
	ax_quant_set(q, (float)f->scale);
	return false;
}

void
ax_quant_fit(struct ax_quant *q, struct ax_engine *e, const float *x, size_t n)
{
	size_t runs = q->channels ? q->channels : 1, len = n / runs, c;
	struct ax_fit f;

	for (c = 0; c < runs; c++) {
		struct ax_quant one = channel(q, c);

		memset(&f, 0, sizeof(f));
		do
			one.ops->see(&one, &f, e, x + c * len, len);
		while (one.ops->next(&one, &f));
		if (q->channels) {
			q->scales[c] = one.scale;
			q->zeros[c] = one.zero;
			q->set = true;
		} else {
			*q = one;
		}
	}
}

const struct ax_quant_ops ax_quant_symmetric = {
	"symmetric", values, codes, centred, NULL, see, next};
const struct ax_quant_ops ax_quant_asymmetric = {
	"asymmetric", values, codes, centred, NULL, see, next};

void
ax_quant_init(struct ax_quant *q, const struct ax_quant_ops *ops, unsigned bits,
	      bool is_signed)
{
	memset(q, 0, sizeof(*q));
	q->ops = ops;
	q->bits = bits;
	q->is_signed = is_signed;
	q->lo = is_signed ? -(float)(1 << (bits - 1)) : 0;
	q->hi = is_signed ? (float)((1 << (bits - 1)) - 1)
			  : (float)((1 << bits) - 1);
}

void
ax_quant_split(struct ax_quant *q, size_t channels)
{
	size_t c;

	q->channels = channels;
	q->scales = ax_calloc(channels, sizeof(*q->scales));
	q->zeros = ax_calloc(channels, sizeof(*q->zeros));
	for (c = 0; c < channels; c++)
		q->zeros[c] = q->zero;
}

void
ax_quant_free(struct ax_quant *q)
{
	free(q->scales);
	free(q->zeros);
	q->scales = NULL;
	q->zeros = NULL;
	q->channels = 0;
}

void
ax_quant_set(struct ax_quant *q, float scale)
{
	q->scale = scale;
	q->set = true;
}

float
ax_quant_scale(const struct ax_quant *q, size_t c)
{
	return q->channels ? q->scales[c] : q->scale;
}

int
ax_quant_zero(const struct ax_quant *q, size_t c)
{
	return q->channels ? q->zeros[c] : q->zero;
}

bool
ax_quant_at_zero(const struct ax_quant *q)
{
	size_t c;

	for (c = 0; c < q->channels; c++)
		if (q->zeros[c])
			return false;
	return q->channels || q->zero == 0;
}
