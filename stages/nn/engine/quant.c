/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/engine/quant.h"

#include <float.h>

static void
values(const struct ax_quant *q, const struct ax_kern *k, float *out,
       const float *x, size_t n)
{
	if (q->set)
		k->quant(out, x, q->scale, q->lo, q->hi, q->scale, n);
	else if (out != x)
		memcpy(out, x, n * sizeof(*x));
}

static void
codes(const struct ax_quant *q, const struct ax_kern *k, float *out,
      const float *x, size_t n)
{
	k->quant(out, x, q->scale, q->lo, q->hi, 1, n);
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
	float scale;
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
	m->e->kern->quant(t, m->x + at, m->scale, m->q->lo, m->q->hi, m->scale,
			  n);
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

static void
see(const struct ax_quant *q, struct ax_fit *f, struct ax_engine *e,
    const float *x, size_t n)
{
	size_t pieces = (n + PIECE - 1) / PIECE, i, t;
	struct mse m = {e, q, x, n, 0, NULL};
	float a;

	if (f->pass == 0) {
		for (i = 0; i < n; i++) {
			a = x[i] < 0 ? -x[i] : x[i];
			f->most = a > f->most ? a : f->most;
		}
		return;
	}
	m.part = ax_calloc(pieces + 1, sizeof(*m.part));
	for (t = 0; t < f->tries; t++) {
		m.scale = scale_of(f, t);
		if (m.scale < FLT_MIN)
			continue;
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
		f->scale = (double)(f->most / q->hi);
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
	ax_quant_set(q, (float)f->scale);
	return false;
}

void
ax_quant_fit(struct ax_quant *q, struct ax_engine *e, const float *x, size_t n)
{
	struct ax_fit f;

	memset(&f, 0, sizeof(f));
	do
		q->ops->see(q, &f, e, x, n);
	while (q->ops->next(q, &f));
}

const struct ax_quant_ops ax_quant_symmetric = {"symmetric", values, codes,
						NULL,        see,    next};

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
ax_quant_set(struct ax_quant *q, float scale)
{
	q->scale = scale;
	q->set = true;
}
