/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/engine/conv_plan.h"

/* Corners of all positions of a task, and how they run on. */
static void
plan_columns(struct ax_plan *p)
{
	const struct ax_conv *c = p->c;
	size_t all = p->images * p->positions;
	size_t panels = (all + AX_NR - 1) / AX_NR, i = 0, j, n, y, x;

	p->joff = ax_calloc(panels * AX_NR, sizeof(*p->joff));
	p->run = ax_calloc(panels, sizeof(*p->run));
	for (n = 0; n < p->images; n++)
		for (y = 0; y < c->oh; y++)
			for (x = 0; x < c->ow; x++)
				p->joff[i++] = n * p->padded +
					       y * c->stride[0] * p->pw +
					       x * c->stride[1];
	for (i = 0; i < panels; i++) {
		const size_t *at = p->joff + i * AX_NR;
		unsigned run = AX_NR;

		for (j = 1; j < AX_NR; j++)
			while (run > 1 && j % run && at[j] != at[j - 1] + 1)
				run = run > 8 ? run / 2 : 1;
		p->run[i] = (uint8_t)run;
	}
}

static void
plan_windows(struct ax_plan *p, size_t least, size_t n)
{
	const struct ax_conv *c = p->c;
	size_t cg = c->cin / c->groups, i, y, x, *at;

	p->k = ax_conv_k(c);
	p->positions = c->oh * c->ow;
	p->images = (least + p->positions - 1) / p->positions;
	p->images = AX_MAX(AX_MIN(p->images, n), (size_t)1);
	p->padded = c->cin * p->ph * p->pw;
	p->group_step = cg * p->ph * p->pw;
	p->koff = ax_calloc(p->k + AX_MR, sizeof(*p->koff));
	at = p->koff;
	for (i = 0; i < cg; i++)
		for (y = 0; y < c->kernel[0]; y++)
			for (x = 0; x < c->kernel[1]; x++)
				*at++ = (i * p->ph + y) * p->pw + x;
	plan_columns(p);
}

void
ax_plan_init(struct ax_plan *p, const struct ax_conv *c, size_t least, size_t n)
{
	memset(p, 0, sizeof(*p));
	p->c = c;
	p->ph = c->h + 2 * c->pad[0];
	p->pw = c->w + 2 * c->pad[1];
	p->top = (ptrdiff_t)c->pad[0];
	p->left = (ptrdiff_t)c->pad[1];
	p->gap[0] = p->gap[1] = 1;
	plan_windows(p, least, n);
}

void
ax_plan_init_transposed(struct ax_plan *p, const struct ax_conv *t,
			const struct ax_conv *c, size_t least, size_t n)
{
	memset(p, 0, sizeof(*p));
	p->c = t;
	p->ph = c->h + c->kernel[0] - 1;
	p->pw = c->w + c->kernel[1] - 1;
	p->top = (ptrdiff_t)c->kernel[0] - 1 - (ptrdiff_t)c->pad[0];
	p->left = (ptrdiff_t)c->kernel[1] - 1 - (ptrdiff_t)c->pad[1];
	p->gap[0] = c->stride[0];
	p->gap[1] = c->stride[1];
	plan_windows(p, least, n);
}

void
ax_plan_free(struct ax_plan *p)
{
	free(p->koff);
	free(p->joff);
	free(p->run);
	memset(p, 0, sizeof(*p));
}

/* The columns of a row of the image that lie inside the padded one. */
static void
inside(const struct ax_plan *p, size_t *from, size_t *to)
{
	size_t x = 0, w = p->c->w;

	while (x < w && p->left + (ptrdiff_t)(x * p->gap[1]) < 0)
		x++;
	*from = x;
	while (x < w && p->left + (ptrdiff_t)(x * p->gap[1]) < (ptrdiff_t)p->pw)
		x++;
	*to = x;
}

/* A padded copy without gaps: each float is written once. */
static void
pad_rows(const struct ax_plan *p, const struct ax_kern *kern, float *out,
	 const float *x)
{
	const struct ax_conv *c = p->c;
	size_t above = (size_t)AX_MAX(-p->top, (ptrdiff_t)0);
	size_t top = (size_t)AX_MAX(p->top, (ptrdiff_t)0);
	size_t area = p->ph * p->pw, from, to, rows, lead, end, ch;

	inside(p, &from, &to);
	rows = above < c->h && top < p->ph ? AX_MIN(c->h - above, p->ph - top)
					   : 0;
	if (rows == 0 || from == to) {
		memset(out, 0, p->padded * sizeof(*out));
		return;
	}
	lead = top * p->pw + (size_t)(p->left + (ptrdiff_t)from);
	end = lead + (rows - 1) * p->pw + to - from;
	x += above * c->w + from;
	for (ch = 0; ch < c->cin; ch++, x += c->h * c->w, out += area) {
		memset(out, 0, lead * sizeof(*out));
		kern->spread(out + lead, p->pw, x, c->w, to - from, rows);
		memset(out + end, 0, (area - end) * sizeof(*out));
	}
}

void
ax_plan_image(const struct ax_plan *p, struct ax_engine *e, unsigned thread,
	      float *out, const float *x, const struct ax_quant *q, bool codes)
{
	const struct ax_conv *c = p->c;
	size_t n = c->cin * c->h * c->w, ch, y, i, from, to;
	float *t;

	if (q && (q->set || codes)) {
		t = ax_scratch_get(e, thread, AX_SCRATCH_TILE, n * sizeof(*t));
		(codes ? q->ops->centred : q->ops->values)(q, e->kern, t, x, n);
		x = t;
	}
	if (p->gap[0] == 1 && p->gap[1] == 1) {
		pad_rows(p, e->kern, out, x);
		return;
	}
	inside(p, &from, &to);
	memset(out, 0, p->padded * sizeof(*out));
	for (ch = 0; ch < c->cin; ch++)
		for (y = 0; y < c->h; y++, x += c->w) {
			ptrdiff_t row = p->top + (ptrdiff_t)(y * p->gap[0]);
			float *to_row;

			if (row < 0 || row >= (ptrdiff_t)p->ph)
				continue;
			to_row = out + (ch * p->ph + (size_t)row) * p->pw;
			for (i = from; i < to; i++)
				to_row[p->left + (ptrdiff_t)(i * p->gap[1])] =
					x[i];
		}
}

uint8_t
ax_plan_codes(const struct ax_plan *p, struct ax_engine *e, unsigned thread,
	      uint8_t *out, const float *x, const struct ax_quant *q,
	      uint8_t pad)
{
	const struct ax_conv *c = p->c;
	size_t n = c->h * c->w, ch, y, i;
	uint64_t some, all = 0;
	float *t = ax_scratch_get(e, thread, AX_SCRATCH_TILE,
				  n * (sizeof(*t) + 1) + sizeof(some));
	uint8_t *row = (uint8_t *)(t + n), any = pad;

	memset(out, pad, p->padded);
	memset(row + n, 0, sizeof(some));
	out += p->top * (ptrdiff_t)p->pw + p->left;
	for (ch = 0; ch < c->cin; ch++, x += n, out += p->ph * p->pw) {
		q->ops->codes(q, e->kern, t, x, n);
		e->kern->codes(row, t, n);
		for (i = 0; i < n; i += sizeof(some)) {
			memcpy(&some, row + i, sizeof(some));
			all |= some;
		}
		for (y = 0; y < c->h; y++)
			memcpy(out + y * p->pw, row + y * c->w, c->w);
	}
	for (i = 0; i < sizeof(all); i++)
		any |= (uint8_t)(all >> 8 * i);
	return any;
}

const size_t *
ax_plan_columns(const struct ax_plan *p, unsigned *run, size_t at)
{
	*run = p->run[at / AX_NR];
	return p->joff + at;
}
