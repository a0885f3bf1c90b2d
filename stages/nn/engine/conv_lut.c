/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products of codes, summed as integers: looked up in a table, multiplied where
 * the kernels have int8 products (vpdpbusd), or both, where the table is the
 * product and an error of a byte.
 */
#include "stages/nn/engine/conv.h"
#include "stages/nn/engine/conv_plan.h"

/* Look-ups of one pass over the outputs: their indices stay in the first
 * cache. */
#define DEPTH ((size_t)72)

/* How the sums of a task are made, which depends on its input codes. */
struct way {
	const struct ax_lut_rows_view *view; /* NULL: nothing is looked up */
	bool product;                        /* a w is added */
	uint8_t flip;   /* what makes a code 0..255, by exclusive or */
	int32_t *least; /* [cout], added to each sum */
};

struct lookup {
	struct ax_engine *e;
	const struct ax_conv *c;
	const struct ax_plan *plan;
	float *y;
	const float *x;
	const struct ax_lookup *l;
	const struct ax_quant *q;
	size_t n;
	struct way half, full; /* all codes below 128, and else */
	int8_t *w;             /* [cout][k4] for products */
	size_t k4;             /* k rounded up to a multiple of 4 */
};

/* Adds to the sums of `len` positions for the outputs m0..m1-1,
 * [m1 - m0][AX_LUTP]. */
static void
look_up(const struct lookup *f, const struct ax_lut_rows_view *v,
	uint32_t *sums, const uint8_t *idx, size_t m0, size_t m1, size_t len)
{
	const struct ax_kern *kern = f->e->kern;
	const uint8_t *rows = v->rows[kern->layout];
	void (*lut)(uint32_t *, const uint8_t *, unsigned, const uint8_t *,
		    const uint8_t *, size_t, size_t, unsigned) = kern->lut;
	size_t all = f->plan->k, k, m, n;
	unsigned part;

	if (v->bytes && kern->lut8) {
		lut = kern->lut8;
	} else if (v->sevens && v->span == 128 && kern->lut7) {
		lut = kern->lut7;
		rows = v->rows[AX_ROWS_SEVENS];
	}
	for (k = 0; k < all; k += n) {
		n = AX_MIN(DEPTH, all - k);
		for (m = m0; m < m1; m++)
			for (part = 0; part < v->words; part++)
				lut(sums + (m - m0) * AX_LUTP,
				    rows + part * AX_ROWS_BLOCK(v->span),
				    v->span, f->l->w + m * all + k,
				    idx + k * AX_LUTP, n, len, 16 * part);
	}
}

/* The same for products. */
static void
multiply(const struct lookup *f, unsigned thread, uint8_t flip, uint32_t *sums,
	 const uint8_t *idx, size_t m0, size_t m1, size_t len)
{
	const struct ax_kern *kern = f->e->kern;
	uint8_t *fours =
		ax_scratch_get(f->e, thread, AX_SCRATCH_FOURS, f->k4 * AX_LUTP);

	kern->fours(fours, idx, f->plan->k, flip, len);
	kern->dot8(sums, fours, f->w + m0 * f->k4, f->k4, m1 - m0, len);
}

static void
lookup_task(void *arg, size_t task, unsigned thread)
{
	struct lookup *f = arg;
	const struct ax_conv *c = f->c;
	const struct ax_plan *pl = f->plan;
	size_t first = task * pl->images, n = AX_MIN(pl->images, f->n - first);
	size_t all = n * pl->positions, mg = c->cout / c->groups, per;
	size_t g, m, at, len, wide, j, img, pos, stop;
	uint8_t *image = ax_scratch_get(f->e, thread, AX_SCRATCH_IMAGE,
					pl->images * pl->padded);
	uint8_t *idx =
		ax_scratch_get(f->e, thread, AX_SCRATCH_PANEL, pl->k * AX_LUTP);
	uint32_t *sums = ax_scratch_get(f->e, thread, AX_SCRATCH_SUMS,
					mg * AX_LUTP * sizeof(*sums));
	const struct way *way;
	const size_t *joff;
	uint8_t any = 0;
	unsigned run;

	per = pl->positions;
	for (j = 0; j < n; j++)
		any |= ax_plan_codes(pl, f->e, thread, image + j * pl->padded,
				     f->x + (first + j) * c->cin * c->h * c->w,
				     f->q, f->l->pad);
	/* the last block of positions may reach into images that are not
	 * there: what is looked up for them must lie in the table, too */
	memset(image + n * pl->padded, f->l->pad,
	       (pl->images - n) * pl->padded);
	way = any < 128 ? &f->half : &f->full;
	if (any < 128 && !way->product && f->e->kern->mark)
		f->e->kern->mark(image, pl->images * pl->padded);
	for (at = 0; at < all; at += AX_LUTP) {
		len = AX_MIN((size_t)AX_LUTP, all - at);
		wide = (len + AX_NR - 1) / AX_NR * AX_NR;
		for (g = 0; g < c->groups; g++) {
			for (j = 0; j < len; j += AX_NR) {
				joff = ax_plan_columns(pl, &run, at + j);
				f->e->kern->pack8(idx + j, AX_LUTP,
						  image + g * pl->group_step,
						  pl->koff, pl->k, joff, run);
			}
			memset(sums, 0, mg * AX_LUTP * sizeof(*sums));
			if (way->product)
				multiply(f, thread, way->flip, sums, idx,
					 g * mg, (g + 1) * mg, wide);
			if (way->view)
				look_up(f, way->view, sums, idx, g * mg,
					(g + 1) * mg, wide);
			for (m = g * mg; m < (g + 1) * mg; m++)
				for (j = 0; j < len; j = stop) {
					img = first + (at + j) / per;
					pos = (at + j) % per;
					stop = AX_MIN(len, j + per - pos);
					f->e->kern->from_sums(
						f->y +
							(img * c->cout + m) *
								per +
							pos,
						sums + (m - g * mg) * AX_LUTP +
							j,
						way->least[m], f->l->mul[m],
						stop - j);
				}
		}
	}
}

/* What is added to the sums: the least values of the rows, and for codes that
 * stand for a - shift, what that makes of the products. Modulo 2^32. */
static void
constants(const struct lookup *f, struct way *way, int shift)
{
	size_t k = f->plan->k, m, i;
	uint32_t sum;

	way->least = ax_calloc(f->c->cout, sizeof(*way->least));
	for (m = 0; m < f->c->cout; m++) {
		sum = f->l->plus ? (uint32_t)f->l->plus[m] : 0;
		for (i = 0; i < k; i++) {
			if (way->view)
				sum += (uint32_t)way->view
					       ->least[f->l->w[m * k + i]];
			if (way->product)
				sum -= (uint32_t)shift *
				       (uint32_t)f->w[m * f->k4 + i];
		}
		way->least[m] = (int32_t)sum;
	}
}

/* The weights as numbers, with zeros up to a multiple of 4. */
static void
weights8(struct lookup *f)
{
	size_t k = f->plan->k, m;

	f->k4 = (k + 3) / 4 * 4;
	f->w = ax_aligned(f->c->cout * f->k4, 1);
	for (m = 0; m < f->c->cout; m++)
		memcpy(f->w + m * f->k4, f->l->w + m * k, k);
}

void
ax_conv_lut(struct ax_engine *e, const struct ax_conv *c, float *y,
	    const float *x, const struct ax_lookup *l, const struct ax_quant *q,
	    size_t n)
{
	const struct ax_lut_rows *r = l->rows;
	struct ax_plan plan;
	struct lookup f = {.e = e,
			   .c = c,
			   .plan = &plan,
			   .y = y,
			   .x = x,
			   .l = l,
			   .q = q,
			   .n = n};
	int zero = r ? 0 : (int8_t)l->pad;

	/* integer sums: how images are grouped cannot show, only delay */
	ax_plan_init(&plan, c, AX_LUTP, (n + 7) / 8);
	if (!r)
		f.half.product = f.full.product = true;
	else if (e->kern->dot8 && r->errors.bytes && !r->half.bytes)
		f.half.product = true;
	if (r) {
		f.half.view = f.half.product ? &r->errors : &r->half;
		f.full.view = &r->full;
	}
	f.full.flip = 128;
	if (f.half.product)
		weights8(&f);
	constants(&f, &f.half, zero);
	constants(&f, &f.full, zero + 128);
	ax_pool_for(e->pool, (n + plan.images - 1) / plan.images, lookup_task,
		    &f);
	ax_plan_free(&plan);
	free(f.half.least);
	free(f.full.least);
	free(f.w);
}
