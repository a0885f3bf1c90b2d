/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/engine/conv.h"

#include "stages/nn/engine/conv_plan.h"

size_t
ax_conv_k(const struct ax_conv *c)
{
	return c->cin / c->groups * c->kernel[0] * c->kernel[1];
}

/* a[m/8][k][8] from w[m][k], rows beyond `rows` zero. */
static void
pack_rows(float *a, const float *w, size_t rows, size_t k)
{
	size_t m, i, j;

	for (m = 0; m < rows; m += AX_MR)
		for (j = 0; j < k; j++)
			for (i = 0; i < AX_MR; i++)
				*a++ = m + i < rows ? w[(m + i) * k + j] : 0;
}

/* Groups of few outputs (depthwise layers) have no use for blocks of rows:
 * panels of so many positions, and a row at a time. */
#define WIDE ((size_t)256)

static bool
is_narrow(const struct ax_plan *p)
{
	return p->c->cout / p->c->groups <= 2 && p->k <= 64;
}

/* panel[k][WIDE]: the windows of `len` positions, 0 up to a multiple of 32,
 * which is returned. */
static size_t
wide_panel(const struct ax_plan *p, struct ax_engine *e, float *panel,
	   const float *from, size_t at, size_t len)
{
	size_t n = (len + AX_NR - 1) / AX_NR * AX_NR, j, k;
	const size_t *joff;
	unsigned run;

	for (j = 0; j < n; j += AX_NR) {
		joff = ax_plan_columns(p, &run, at + j);
		e->kern->pack(panel + j, WIDE, from, p->koff, p->k, joff, run);
	}
	for (k = 0; k < p->k && n > len; k++)
		memset(panel + k * WIDE + len, 0, (n - len) * sizeof(*panel));
	return n;
}

/* --- y = w * windows(x), also the transposed one ------------------------- */

struct forward {
	struct ax_engine *e;
	const struct ax_conv *c;
	const struct ax_plan *plan;
	float *y;
	const float *x;
	const float *a; /* packed weights, group after group */
	size_t a_group; /* floats of one group in it */
	const struct ax_quant *q;
	bool codes;
	float mul;
	size_t n;
};

/* Copies the used part of an 8 x 32 tile to the images it belongs to. */
static void
scatter(const struct forward *f, size_t channel, size_t rows, const float *tile,
	size_t first, size_t at, size_t cols)
{
	size_t per = f->plan->positions, i, j, len, img, pos;
	float *to;

	for (j = 0; j < cols; j += len) {
		img = first + (at + j) / per;
		pos = (at + j) % per;
		len = AX_MIN(cols - j, per - pos);
		to = f->y + (img * f->c->cout + channel) * per + pos;
		for (i = 0; i < rows; i++, to += per)
			memcpy(to, tile + i * AX_NR + j, len * sizeof(*to));
	}
}

/* Columns of one channel to the images they belong to. */
static void
scatter_row(const struct forward *f, size_t channel, const float *row,
	    size_t first, size_t at, size_t cols)
{
	size_t per = f->plan->positions, j, len, img, pos;

	for (j = 0; j < cols; j += len) {
		img = first + (at + j) / per;
		pos = (at + j) % per;
		len = AX_MIN(cols - j, per - pos);
		memcpy(f->y + (img * f->c->cout + channel) * per + pos, row + j,
		       len * sizeof(*row));
	}
}

/* How many of `len` positions from `at` on, a multiple of 32, come in runs that
 * mix_at can take. */
static size_t
in_long_runs(const struct ax_plan *p, size_t at, size_t len)
{
	size_t n;
	unsigned run;

	for (n = 0; n < len; n += AX_NR) {
		ax_plan_columns(p, &run, at + n);
		if (run < 16)
			break;
	}
	return n;
}

/* The task below for narrow groups; a is [cout][k] then. */
static void
forward_narrow(const struct forward *f, unsigned thread, const float *image,
	       size_t first, size_t n)
{
	const struct ax_plan *pl = f->plan;
	const struct ax_kern *kern = f->e->kern;
	size_t all = n * pl->positions, mg = f->c->cout / f->c->groups;
	size_t at, len, g, m, j, cols;
	float *panel = ax_scratch_get(f->e, thread, AX_SCRATCH_PANEL,
				      pl->k * AX_NR * sizeof(*panel));
	float rows[2][WIDE];
	const size_t *joff;
	unsigned run;

	for (at = 0; at < all; at += WIDE) {
		len = AX_MIN(WIDE, all - at);
		for (g = 0; g < f->c->groups; g++) {
			const float *from = image + g * pl->group_step;
			const float *a = f->a + g * mg * pl->k;

			for (j = 0; j < len; j += cols) {
				joff = ax_plan_columns(pl, &run, at + j);
				cols = in_long_runs(pl, at + j, len - j);
				for (m = 0; cols && m < mg; m++)
					kern->mix_at(rows[m] + j, a + m * pl->k,
						     from, pl->koff, pl->k,
						     joff, cols);
				if (cols)
					continue;
				cols = AX_NR;
				kern->pack(panel, AX_NR, from, pl->koff, pl->k,
					   joff, run);
				for (m = 0; m < mg; m++)
					kern->mix(rows[m] + j, a + m * pl->k,
						  panel, AX_NR, pl->k, AX_NR);
			}
			for (m = 0; m < mg; m++)
				scatter_row(f, g * mg + m, rows[m], first, at,
					    len);
		}
	}
}

static void
forward_task(void *arg, size_t task, unsigned thread)
{
	struct forward *f = arg;
	const struct ax_conv *c = f->c;
	const struct ax_plan *pl = f->plan;
	size_t first = task * pl->images, n = AX_MIN(pl->images, f->n - first);
	size_t all = n * pl->positions, mg = c->cout / c->groups;
	size_t g, m, at, cols, rows, ld;
	float *image = ax_scratch_get(f->e, thread, AX_SCRATCH_IMAGE,
				      pl->images * pl->padded * sizeof(*image));
	float *panel = ax_scratch_get(f->e, thread, AX_SCRATCH_PANEL,
				      pl->k * AX_NR * sizeof(*panel));
	float tile[AX_MR * AX_NR], *to;
	const size_t *joff;
	unsigned run;
	bool whole;

	for (g = 0; g < n; g++)
		ax_plan_image(pl, f->e, thread, image + g * pl->padded,
			      f->x + (first + g) * c->cin * c->h * c->w, f->q,
			      f->codes);
	if (is_narrow(pl)) {
		forward_narrow(f, thread, image, first, n);
		all = 0;
	}
	for (at = 0; at < all; at += AX_NR) {
		cols = AX_MIN((size_t)AX_NR, all - at);
		joff = ax_plan_columns(pl, &run, at);
		for (g = 0; g < c->groups; g++) {
			const float *from = image + g * pl->group_step;

			if (run < 8)
				f->e->kern->pack(panel, AX_NR, from, pl->koff,
						 pl->k, joff, run);
			for (m = 0; m < mg; m += AX_MR) {
				const float *a =
					f->a + g * f->a_group + m * pl->k;

				rows = AX_MIN((size_t)AX_MR, mg - m);
				to = f->y +
				     ((first + at / pl->positions) * c->cout +
				      g * mg + m) *
					     pl->positions +
				     at % pl->positions;
				whole = rows == AX_MR && cols == AX_NR &&
					at % pl->positions + AX_NR <=
						pl->positions;
				ld = whole ? pl->positions : AX_NR;
				to = whole ? to : tile;
				if (run < 8)
					f->e->kern->gemm(to, ld, a, panel,
							 pl->k);
				else
					f->e->kern->gemm_at(to, ld, a, from,
							    pl->koff, pl->k,
							    joff, run);
				if (!whole)
					scatter(f, g * mg + m, rows, tile,
						first, at, cols);
			}
		}
	}
	if (f->mul != 1) {
		to = f->y + first * c->cout * pl->positions;
		f->e->kern->scale(to, to, f->mul, 0,
				  n * c->cout * pl->positions);
	}
}

static void
run_forward(struct forward *f, const float *w)
{
	const struct ax_conv *c = f->c;
	size_t mg = c->cout / c->groups;
	size_t blocks = (mg + AX_MR - 1) / AX_MR, g;
	float *a;

	if (is_narrow(f->plan)) {
		f->a = w;
		goto packed;
	}
	f->a_group = blocks * AX_MR * f->plan->k;
	a = ax_scratch_need(&f->e->weights,
			    c->groups * f->a_group * sizeof(*a));
	for (g = 0; g < c->groups; g++)
		pack_rows(a + g * f->a_group, w + g * mg * f->plan->k, mg,
			  f->plan->k);
	f->a = a;
packed:
	ax_pool_for(f->e->pool, (f->n + f->plan->images - 1) / f->plan->images,
		    forward_task, f);
}

void
ax_conv_forward(struct ax_engine *e, const struct ax_conv *c, float *y,
		const float *x, const float *w, const struct ax_quant *q,
		bool codes, float mul, size_t n)
{
	struct ax_plan plan;
	struct forward f = {e, c, &plan, y, x, NULL, 0, q, codes, mul, n};

	ax_plan_init(&plan, c, AX_NR, n);
	run_forward(&f, w);
	ax_plan_free(&plan);
}

/*
 * The transposed convolution is a convolution too: of dy, spread out by the
 * stride and padded by what is left of the kernel, with the kernel turned
 * round and its channels exchanged.
 */
void
ax_conv_dgrad(struct ax_engine *e, const struct ax_conv *c, float *dx,
	      const float *dy, const float *w, size_t n)
{
	size_t area = c->kernel[0] * c->kernel[1], k = ax_conv_k(c);
	size_t ig = c->cin / c->groups, og = c->cout / c->groups, g, i, o, p;
	struct ax_conv t = {.cin = c->cout,
			    .h = c->oh,
			    .w = c->ow,
			    .cout = c->cin,
			    .oh = c->h,
			    .ow = c->w,
			    .kernel = {c->kernel[0], c->kernel[1]},
			    .stride = {1, 1},
			    .groups = c->groups};
	struct ax_plan plan;
	struct forward f = {e, &t, &plan, dx, dy, NULL, 0, NULL, false, 1, n};
	float *turned = ax_scratch_get(e, 0, AX_SCRATCH_TURNED,
				       c->cout * k * sizeof(*turned));

	for (g = 0; g < c->groups; g++)
		for (i = 0; i < ig; i++)
			for (o = 0; o < og; o++)
				for (p = 0; p < area; p++)
					turned[((g * ig + i) * og + o) * area +
					       p] = w[((g * og + o) * ig + i) *
							      area +
						      area - 1 - p];
	ax_plan_init_transposed(&plan, &t, c, AX_NR, n);
	run_forward(&f, turned);
	ax_plan_free(&plan);
}

/* --- gradient by the weights ---------------------------------------------- */

/* Positions of one step of the sum; part of the numbers. */
#define STEP WIDE

struct wgrad {
	struct ax_engine *e;
	const struct ax_conv *c;
	const struct ax_plan *plan;
	const float *dy, *x;
	const struct ax_quant *q;
	size_t n;
	float *partial;  /* [blocks][groups][k8][cols] */
	size_t k8, cols; /* k and channels of a group, rounded up */
};

/* out[p][cols] = dy of positions at.. of the images, channels of a group */
static void
turn(const struct wgrad *f, float *out, size_t first, size_t at, size_t len,
     size_t channel, size_t channels)
{
	size_t per = f->plan->positions, p, img, pos, run;

	for (p = 0; p < len; p += run) {
		img = first + (at + p) / per;
		pos = (at + p) % per;
		run = AX_MIN(len - p, per - pos);
		f->e->kern->turn(out + p * f->cols, f->cols,
				 f->dy + (img * f->c->cout + channel) * per +
					 pos,
				 per, channels, run);
	}
}

/* One step of narrow groups: adds to d[groups][k8][cols]. */
static void
wgrad_narrow(const struct wgrad *f, unsigned thread, float *d,
	     const float *image, size_t first, size_t at, size_t len)
{
	const struct ax_plan *pl = f->plan;
	size_t mg = f->c->cout / f->c->groups, per = pl->positions;
	size_t g, m, k, p, run, img, pos, n;
	float *panel = ax_scratch_get(f->e, thread, AX_SCRATCH_PANEL,
				      pl->k * WIDE * sizeof(*panel));
	float dy[WIDE], sum[64];

	for (g = 0; g < f->c->groups; g++) {
		n = wide_panel(pl, f->e, panel, image + g * pl->group_step, at,
			       len);
		memset(dy + len, 0, (n - len) * sizeof(*dy));
		for (m = 0; m < mg; m++) {
			for (p = 0; p < len; p += run) {
				img = first + (at + p) / per;
				pos = (at + p) % per;
				run = AX_MIN(len - p, per - pos);
				memcpy(dy + p,
				       f->dy +
					       (img * f->c->cout + g * mg + m) *
						       per +
					       pos,
				       run * sizeof(*dy));
			}
			f->e->kern->dots(sum, panel, WIDE, dy, pl->k, n);
			for (k = 0; k < pl->k; k++)
				d[(g * f->k8 + k) * f->cols + m] += sum[k];
		}
	}
}

static void
wgrad_task(void *arg, size_t block, unsigned thread)
{
	struct wgrad *f = arg;
	const struct ax_conv *c = f->c;
	const struct ax_plan *pl = f->plan;
	size_t first, last, n, g, at, all, len, k, j, mg = c->cout / c->groups;
	float *d = f->partial + block * c->groups * f->k8 * f->cols;
	float *image, *dyt;

	memset(d, 0, c->groups * f->k8 * f->cols * sizeof(*d));
	image = ax_scratch_get(f->e, thread, AX_SCRATCH_IMAGE,
			       pl->images * pl->padded * sizeof(*image));
	dyt = ax_scratch_get(f->e, thread, AX_SCRATCH_TURNED,
			     STEP * f->cols * sizeof(*dyt));
	memset(dyt, 0, STEP * f->cols * sizeof(*dyt));
	for (ax_block(f->n, block, &first, &last); first < last; first += n) {
		n = AX_MIN(pl->images, last - first);
		for (j = 0; j < n; j++)
			ax_plan_image(pl, f->e, thread, image + j * pl->padded,
				      f->x + (first + j) * c->cin * c->h * c->w,
				      f->q, false);
		all = n * pl->positions;
		for (at = 0; at < all; at += STEP) {
			len = AX_MIN(STEP, all - at);
			if (is_narrow(pl))
				wgrad_narrow(f, thread, d, image, first, at,
					     len);
			for (g = is_narrow(pl) ? c->groups : 0; g < c->groups;
			     g++) {
				turn(f, dyt, first, at, len, g * mg, mg);
				for (k = 0; k < f->k8; k += AX_MR)
					f->e->kern->wgrad(
						d + (g * f->k8 + k) * f->cols,
						f->cols,
						image + g * pl->group_step,
						pl->koff + k, pl->joff + at,
						dyt, f->cols, f->cols, len);
			}
		}
	}
}

void
ax_conv_wgrad(struct ax_engine *e, const struct ax_conv *c, float *dw,
	      const float *dy, const float *x, const struct ax_quant *q,
	      size_t n)
{
	struct ax_plan plan;
	struct wgrad f = {e, c, &plan, dy, x, q, n, NULL, 0, 0};
	size_t mg = c->cout / c->groups, blocks = ax_blocks(n), size, b, m, k;

	ax_plan_init(&plan, c, STEP, n);
	f.k8 = (plan.k + AX_MR - 1) / AX_MR * AX_MR;
	f.cols = (mg + 15) / 16 * 16;
	size = c->groups * f.k8 * f.cols;
	f.partial = ax_scratch_need(&e->partial,
				    blocks * size * sizeof(*f.partial));
	ax_pool_for(e->pool, blocks, wgrad_task, &f);
	for (b = 1; b < blocks; b++)
		e->kern->add(f.partial, f.partial, f.partial + b * size, size);
	for (m = 0; m < c->cout; m++)
		for (k = 0; k < plan.k; k++)
			dw[m * plan.k + k] =
				f.partial[(m / mg * f.k8 + k) * f.cols +
					  m % mg];
	ax_plan_free(&plan);
}
