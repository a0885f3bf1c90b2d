/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Look-ups without limits: zero points for each channel, 64-bit sums. One plain
 * loop, for formats that the kernels of conv_lut.c do not cover.
 */
#include "stages/nn/engine/conv.h"
#include "stages/nn/engine/conv_plan.h"

struct wide {
	struct ax_engine *e;
	const struct ax_conv *c;
	const struct ax_plan *plan;
	float *y;
	const float *x;
	const uint8_t *w;
	const int32_t *table;
	const struct ax_quant *q, *qw;
	const float *mul;
	const int64_t *fixed; /* -za sum b + k za zw, a number each channel */
	size_t n;
};

/* The value of a code that is kept in 8 bits. */
static int
value_of(unsigned code, bool is_signed)
{
	code &= 255;
	return is_signed && code > 127 ? (int)code - 256 : (int)code;
}

static void
wide_task(void *arg, size_t task, unsigned thread)
{
	struct wide *f = arg;
	const struct ax_conv *c = f->c;
	const struct ax_plan *pl = f->plan;
	size_t first = task * pl->images, n = AX_MIN(pl->images, f->n - first);
	size_t mg = c->cout / c->groups, per = pl->positions, g, m, at, j, k;
	uint8_t *image = ax_scratch_get(f->e, thread, AX_SCRATCH_IMAGE,
					pl->images * pl->padded);
	uint8_t *window = ax_scratch_get(f->e, thread, AX_SCRATCH_PANEL, pl->k);
	bool corrected = !ax_quant_at_zero(f->qw);
	int64_t sum, inputs;
	unsigned run;

	for (j = 0; j < n; j++)
		ax_plan_codes(pl, f->e, thread, image + j * pl->padded,
			      f->x + (first + j) * c->cin * c->h * c->w, f->q,
			      (uint8_t)f->q->zero);
	for (at = 0; at < n * per; at++) {
		size_t corner = ax_plan_columns(pl, &run,
						at / AX_NR * AX_NR)[at % AX_NR];

		for (g = 0; g < c->groups; g++) {
			const uint8_t *from =
				image + g * pl->group_step + corner;

			inputs = 0;
			for (k = 0; k < pl->k; k++) {
				window[k] = from[pl->koff[k]];
				inputs += value_of(window[k], f->q->is_signed);
			}
			for (m = g * mg; m < (g + 1) * mg; m++) {
				const uint8_t *w = f->w + m * pl->k;

				sum = f->fixed[m];
				for (k = 0; k < pl->k; k++)
					sum += f->table[(size_t)w[k] * 256 +
							window[k]];
				if (corrected)
					sum -= ax_quant_zero(f->qw, m) * inputs;
				f->y[((first + at / per) * c->cout + m) * per +
				     at % per] = (float)sum * f->mul[m];
			}
		}
	}
}

void
ax_conv_wide(struct ax_engine *e, const struct ax_conv *c, float *y,
	     const float *x, const uint8_t *wcodes, const int32_t *table,
	     const struct ax_quant *q, const struct ax_quant *qw,
	     const float *mul, size_t n)
{
	struct ax_plan plan;
	int64_t *fixed = ax_calloc(c->cout, sizeof(*fixed));
	struct wide f = {e,     c, &plan, y,   x,     wcodes,
			 table, q, qw,    mul, fixed, n};
	size_t m, k;

	ax_plan_init(&plan, c, 1, n);
	for (m = 0; m < c->cout; m++) {
		for (k = 0; k < plan.k; k++)
			fixed[m] -=
				value_of(wcodes[m * plan.k + k], qw->is_signed);
		fixed[m] = q->zero *
			   (fixed[m] + (int64_t)plan.k * ax_quant_zero(qw, m));
	}
	ax_pool_for(e->pool, (n + plan.images - 1) / plan.images, wide_task,
		    &f);
	ax_plan_free(&plan);
	free(fixed);
}
