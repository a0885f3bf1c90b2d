/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/engine/slopes.h"

#include "stages/nn/engine/conv_plan.h"
#include "stages/nn/engine/product.h"

/* Slope at v[at * step] of n values that are `step` apart. */
static float
slope(const int32_t *v, size_t step, int n, int at, int window)
{
	int from = AX_MAX(0, at - window), to = AX_MIN(n - 1, at + window), i;
	int64_t sum = 0, across = 0, len = to - from + 1;

	/* twice the distance from the middle is an integer */
	for (i = from; i <= to; i++) {
		sum += (int64_t)(2 * i - from - to) * v[(size_t)i * step];
		across += (int64_t)(2 * i - from - to) * (2 * i - from - to);
	}
	return len < 2 ? 0 : (float)(2 * (double)sum / (double)across);
}

struct ax_slopes *
ax_slopes_make(const struct ax_lut *t, unsigned window)
{
	struct ax_slopes *s = ax_calloc(1, sizeof(*s));
	int na = 1 << t->n, nb = 1 << t->m, a, b, w = (int)AX_MIN(window, 256u);
	size_t at;

	for (a = 0; a < na; a++)
		for (b = 0; b < nb; b++) {
			at = (size_t)((b + ax_lut_b_min(t)) & 255) * 256 +
			     (size_t)((a + ax_lut_a_min(t)) & 255);
			s->a[at] = slope(t->v + b, (size_t)nb, na, a, w);
			s->b[at] = slope(t->v + (size_t)a * (size_t)nb, 1, nb,
					 b, w);
		}
	return s;
}

/* --- the way back -----------------------------------------------------------
 */

struct back {
	struct ax_engine *e;
	const struct ax_conv *c;
	const struct ax_plan *plan;
	const struct ax_operands *o;
	const struct ax_slopes *s;
	const uint8_t *w;
	const float *dy;
	float *dx, *partial; /* [blocks][cout][k] */
};

/* One window: dy of each channel goes to its inputs and its weights. */
static void
one_window(const struct back *f, float *dw, float *dx, const uint8_t *image,
	   const float *dy, size_t group, uint8_t *window)
{
	const struct ax_conv *c = f->c;
	size_t mg = c->cout / c->groups, per = f->plan->positions, m, k, at;
	size_t n = f->plan->k;
	const size_t *koff = f->plan->koff;
	float za = (float)f->o->in->zero, zb, g, up;

	for (k = 0; k < n; k++)
		window[k] = image[koff[k]];
	for (m = group * mg; m < (group + 1) * mg; m++) {
		const uint8_t *w = f->w + m * n;

		g = dy[m * per];
		up = g * ax_quant_scale(f->o->weight, m);
		zb = (float)ax_quant_zero(f->o->weight, m);
		for (k = 0; k < n; k++) {
			at = (size_t)w[k] * 256 + window[k];
			dw[m * n + k] += g * (f->s->b[at] - za);
			if (dx)
				dx[koff[k]] += up * (f->s->a[at] - zb);
		}
	}
}

static void
crop(const struct ax_plan *p, float *to, const float *padded)
{
	const struct ax_conv *c = p->c;
	size_t ch, y;

	for (ch = 0; ch < c->cin; ch++)
		for (y = 0; y < c->h; y++, to += c->w)
			memcpy(to,
			       padded +
				       (ch * p->ph + (size_t)p->top + y) *
					       p->pw +
				       p->left,
			       c->w * sizeof(*to));
}

static void
back_task(void *arg, size_t block, unsigned thread)
{
	struct back *f = arg;
	const struct ax_conv *c = f->c;
	const struct ax_plan *pl = f->plan;
	size_t first, last, i, g, at, pixels = c->cin * c->h * c->w, corner;
	float *dw = f->partial + block * c->cout * pl->k, *dx = NULL;
	uint8_t *image =
		ax_scratch_get(f->e, thread, AX_SCRATCH_IMAGE, pl->padded);
	uint8_t *window = ax_scratch_get(f->e, thread, AX_SCRATCH_PANEL, pl->k);
	const float *dy;
	unsigned run;

	if (f->dx)
		dx = ax_scratch_get(f->e, thread, AX_SCRATCH_TURNED,
				    pl->padded * sizeof(*dx));
	memset(dw, 0, c->cout * pl->k * sizeof(*dw));
	for (ax_block(f->o->n, block, &first, &last); first < last; first++) {
		ax_plan_codes(pl, f->e, thread, image, f->o->x + first * pixels,
			      f->o->in, (uint8_t)f->o->in->zero);
		if (dx)
			memset(dx, 0, pl->padded * sizeof(*dx));
		dy = f->dy + first * c->cout * pl->positions;
		for (at = 0; at < pl->positions; at++) {
			corner = ax_plan_columns(
				pl, &run, at / AX_NR * AX_NR)[at % AX_NR];
			for (g = 0; g < c->groups; g++) {
				i = g * pl->group_step + corner;
				one_window(f, dw, dx ? dx + i : NULL, image + i,
					   dy + at, g, window);
			}
		}
		if (dx)
			crop(pl, f->dx + first * pixels, dx);
	}
}

static void
backward(const struct ax_product *p, struct ax_engine *e,
	 const struct ax_operands *o, const float *dy, float *dx, float *dw)
{
	size_t size = o->c->cout * ax_conv_k(o->c), blocks = ax_blocks(o->n), b;
	struct ax_plan plan;
	struct back f = {e,  o->c, &plan, o, p->slopes, ax_weight_codes(e, o),
			 dy, dx,   NULL};

	ax_plan_init(&plan, o->c, 1, o->n);
	f.partial = ax_scratch_need(&e->partial,
				    blocks * size * sizeof(*f.partial));
	ax_pool_for(e->pool, blocks, back_task, &f);
	for (b = 1; b < blocks; b++)
		e->kern->add(f.partial, f.partial, f.partial + b * size, size);
	e->kern->scale(dw, f.partial, o->in->scale, 0, size);
	if (o->weight->ops->grad)
		o->weight->ops->grad(o->weight, dw, o->w, size);
	if (dx && o->in->ops->grad)
		o->in->ops->grad(o->in, dx, o->x,
				 o->n * o->c->cin * o->c->h * o->c->w);
	ax_plan_free(&plan);
	free((uint8_t *)f.w);
}

const struct ax_gradient ax_gradient_slopes = {"slopes", backward};
