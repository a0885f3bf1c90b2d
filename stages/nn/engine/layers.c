/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/engine/layers.h"

#include <math.h>

#include "artifacts/base/fmath.h"

/* One job over the images of a batch; what each pass needs of it. */
struct job {
	struct ax_engine *e;
	float *y;
	const float *a, *b;
	const float *s, *t, *u; /* a number each channel */
	double (*part)[2];      /* [n][c] */
	size_t c, hw;
	const struct ax_pooling *pool;
	struct ax_rectifier relu;
};

static void
sums_task(void *arg, size_t img, unsigned thread)
{
	struct job *j = arg;
	size_t ch, at = img * j->c;

	(void)thread;
	for (ch = 0; ch < j->c; ch++, at++)
		j->e->kern->sums(j->part[at], j->a + at * j->hw,
				 j->b + at * j->hw, j->hw);
}

/* sums[c][2] of a and a*b over all images: within an image by the kernel's
 * tree, over images in order, in double. Caller frees. */
static double (*channel_sums(struct ax_engine *e, const float *a,
			     const float *b, size_t n, size_t c, size_t hw))[2]
{
	struct job j = {.e = e, .a = a, .b = b, .c = c, .hw = hw};
	size_t i, ch;

	j.part = ax_calloc(n * c + 1, sizeof(*j.part));
	ax_pool_for(e->pool, n, sums_task, &j);
	for (i = 1; i < n; i++)
		for (ch = 0; ch < c; ch++) {
			j.part[ch][0] += j.part[i * c + ch][0];
			j.part[ch][1] += j.part[i * c + ch][1];
		}
	return j.part;
}

/* --- batch norm ----------------------------------------------------------- */

static void
scale_task(void *arg, size_t img, unsigned thread)
{
	struct job *j = arg;
	size_t ch, at = img * j->c;

	(void)thread;
	for (ch = 0; ch < j->c; ch++, at++)
		j->e->kern->scale(j->y + at * j->hw, j->a + at * j->hw,
				  j->s[ch], j->t[ch], j->hw);
}

static void
norm_apply(struct ax_engine *e, float *y, const float *x, const float *gamma,
	   const float *beta, const double *mean, const double *inv, size_t n,
	   size_t c, size_t hw)
{
	float *st = ax_calloc(2 * c, sizeof(*st));
	struct job j = {.e = e, .y = y, .a = x, .c = c, .hw = hw};
	size_t ch;

	for (ch = 0; ch < c; ch++) {
		double s = (double)gamma[ch] * inv[ch];

		st[ch] = (float)s;
		st[c + ch] = (float)((double)beta[ch] - mean[ch] * s);
	}
	j.s = st;
	j.t = st + c;
	ax_pool_for(e->pool, n, scale_task, &j);
	free(st);
}

void
ax_norm_train(struct ax_engine *e, float *y, const float *x, const float *gamma,
	      const float *beta, float *running_mean, float *running_var,
	      double eps, double momentum, struct ax_norm *keep, size_t n,
	      size_t c, size_t hw)
{
	double(*sums)[2] = channel_sums(e, x, x, n, c, hw);
	double count = (double)(n * hw), mean, var;
	size_t ch;

	for (ch = 0; ch < c; ch++) {
		mean = sums[ch][0] / count;
		var = sums[ch][1] / count - mean * mean;
		var = var > 0 ? var : 0;
		keep->mean[ch] = mean;
		keep->inv[ch] = 1 / sqrt(var + eps);
		running_mean[ch] =
			(float)((1 - momentum) * (double)running_mean[ch] +
				momentum * mean);
		var = count > 1 ? var * count / (count - 1) : var;
		running_var[ch] =
			(float)((1 - momentum) * (double)running_var[ch] +
				momentum * var);
	}
	free(sums);
	norm_apply(e, y, x, gamma, beta, keep->mean, keep->inv, n, c, hw);
}

void
ax_norm_measure(struct ax_engine *e, float *mean, float *var, const float *x,
		size_t n, size_t c, size_t hw)
{
	double(*sums)[2] = channel_sums(e, x, x, n, c, hw);
	double count = (double)(n * hw), m, v;
	size_t ch;

	for (ch = 0; ch < c; ch++) {
		m = sums[ch][0] / count;
		v = sums[ch][1] / count - m * m;
		v = v > 0 ? v : 0;
		mean[ch] = (float)m;
		var[ch] = (float)(count > 1 ? v * count / (count - 1) : v);
	}
	free(sums);
}

void
ax_norm_eval(struct ax_engine *e, float *y, const float *x, const float *gamma,
	     const float *beta, const float *mean, const float *var, double eps,
	     size_t n, size_t c, size_t hw)
{
	double *mi = ax_calloc(2 * c, sizeof(*mi));
	size_t ch;

	for (ch = 0; ch < c; ch++) {
		mi[ch] = (double)mean[ch];
		mi[c + ch] = 1 / sqrt((double)var[ch] + eps);
	}
	norm_apply(e, y, x, gamma, beta, mi, mi + c, n, c, hw);
	free(mi);
}

static void
norm_grad_task(void *arg, size_t img, unsigned thread)
{
	struct job *j = arg;
	size_t ch, at = img * j->c;

	(void)thread;
	for (ch = 0; ch < j->c; ch++, at++)
		j->e->kern->norm_grad(j->y + at * j->hw, j->a + at * j->hw,
				      j->b + at * j->hw, j->s[ch], j->t[ch],
				      j->u[ch], j->hw);
}

void
ax_norm_backward(struct ax_engine *e, float *dx, float *dgamma, float *dbeta,
		 const float *dy, const float *x, const float *gamma,
		 const struct ax_norm *kept, size_t n, size_t c, size_t hw)
{
	double(*sums)[2] = channel_sums(e, dy, x, n, c, hw);
	float *abc = ax_calloc(3 * c, sizeof(*abc));
	struct job j = {.e = e, .y = dx, .a = dy, .b = x, .c = c, .hw = hw};
	double count = (double)(n * hw), a, b, dg;
	size_t ch;

	for (ch = 0; ch < c; ch++) {
		dg = (sums[ch][1] - kept->mean[ch] * sums[ch][0]) *
		     kept->inv[ch];
		a = (double)gamma[ch] * kept->inv[ch];
		b = -a * kept->inv[ch] * dg / count;
		abc[ch] = (float)a;
		abc[c + ch] = (float)b;
		abc[2 * c + ch] =
			(float)(-a * sums[ch][0] / count - b * kept->mean[ch]);
		dgamma[ch] = (float)dg;
		dbeta[ch] = (float)sums[ch][0];
	}
	free(sums);
	j.s = abc;
	j.t = abc + c;
	j.u = abc + 2 * c;
	ax_pool_for(e->pool, n, norm_grad_task, &j);
	free(abc);
}

/* --- element by element --------------------------------------------------- */

static void
relu_task(void *arg, size_t img, unsigned thread)
{
	struct job *j = arg;
	const float *x = j->a + img * j->hw;
	float *y = j->y + img * j->hw, v;
	size_t i;

	(void)thread;
	if (j->relu.slope == 0 && j->relu.cap == INFINITY) {
		j->e->kern->relu(y, x, j->hw);
		return;
	}
	for (i = 0; i < j->hw; i++) {
		v = x[i] > 0 ? x[i] : j->relu.slope * x[i];
		y[i] = v > j->relu.cap ? j->relu.cap : v;
	}
}

/* cap 0 means none */
static struct ax_rectifier
capped(struct ax_rectifier r)
{
	if (r.cap == 0)
		r.cap = INFINITY;
	return r;
}

void
ax_relu(struct ax_engine *e, struct ax_rectifier r, float *y, const float *x,
	size_t n, size_t image)
{
	struct job j = {.e = e, .y = y, .a = x, .hw = image, .relu = capped(r)};

	ax_pool_for(e->pool, n, relu_task, &j);
}

static void
relu_grad_task(void *arg, size_t img, unsigned thread)
{
	struct job *j = arg;
	const float *dy = j->a + img * j->hw, *y = j->b + img * j->hw;
	float *dx = j->y + img * j->hw, v;
	size_t i;

	(void)thread;
	if (j->relu.slope == 0 && j->relu.cap == INFINITY) {
		j->e->kern->relu_grad(dx, dy, y, j->hw);
		return;
	}
	for (i = 0; i < j->hw; i++) {
		v = y[i] > 0 ? dy[i] : j->relu.slope * dy[i];
		dx[i] = y[i] < j->relu.cap ? v : 0;
	}
}

void
ax_relu_backward(struct ax_engine *e, struct ax_rectifier r, float *dx,
		 const float *dy, const float *y, size_t n, size_t image)
{
	struct job j = {.e = e,
			.y = dx,
			.a = dy,
			.b = y,
			.hw = image,
			.relu = capped(r)};

	ax_pool_for(e->pool, n, relu_grad_task, &j);
}

static void
add_task(void *arg, size_t img, unsigned thread)
{
	struct job *j = arg;

	(void)thread;
	j->e->kern->add(j->y + img * j->hw, j->a + img * j->hw,
			j->b + img * j->hw, j->hw);
}

void
ax_sum(struct ax_engine *e, float *y, const float *a, const float *b, size_t n,
       size_t image)
{
	struct job j = {.e = e, .y = y, .a = a, .b = b, .hw = image};

	ax_pool_for(e->pool, n, add_task, &j);
}

void
ax_bias(struct ax_engine *e, float *y, const float *bias, size_t n, size_t c,
	size_t hw)
{
	float *ones = ax_calloc(c, sizeof(*ones));
	struct job j = {.e = e, .y = y, .a = y, .t = bias, .c = c, .hw = hw};
	size_t ch;

	for (ch = 0; ch < c; ch++)
		ones[ch] = 1;
	j.s = ones;
	ax_pool_for(e->pool, n, scale_task, &j);
	free(ones);
}

void
ax_bias_grad(struct ax_engine *e, float *db, const float *dy, size_t n,
	     size_t c, size_t hw)
{
	double(*sums)[2] = channel_sums(e, dy, dy, n, c, hw);
	size_t ch;

	for (ch = 0; ch < c; ch++)
		db[ch] = (float)sums[ch][0];
	free(sums);
}

/* --- pools ---------------------------------------------------------------- */

/* The window of an output, cut to the image. */
struct window {
	size_t y0, y1, x0, x1;
};

static struct window
window(const struct ax_pooling *p, size_t oy, size_t ox)
{
	size_t y = oy * p->stride[0], x = ox * p->stride[1];
	struct window v;

	v.y0 = y > p->pad[0] ? y - p->pad[0] : 0;
	v.x0 = x > p->pad[1] ? x - p->pad[1] : 0;
	v.y1 = AX_MIN(p->h, y + p->kernel[0] - p->pad[0]);
	v.x1 = AX_MIN(p->w, x + p->kernel[1] - p->pad[1]);
	return v;
}

static size_t
first_max(const struct ax_pooling *p, const float *x, struct window v)
{
	size_t best = v.y0 * p->w + v.x0, at, r, q;

	for (r = v.y0; r < v.y1; r++)
		for (q = v.x0; q < v.x1; q++) {
			at = r * p->w + q;
			if (x[at] > x[best])
				best = at;
		}
	return best;
}

/* Windows of 2 x 2 side by side, the common case: the first of the greatest. */
static bool
is_2x2(const struct ax_pooling *p)
{
	return p->max && p->kernel[0] == 2 && p->kernel[1] == 2 &&
	       p->stride[0] == 2 && p->stride[1] == 2 && p->pad[0] == 0 &&
	       p->pad[1] == 0;
}

static inline size_t
first_of_4(const float *x, size_t w)
{
	size_t a = x[1] > x[0], b = w + (x[w + 1] > x[w]);

	return x[b] > x[a] ? b : a;
}

static void
pool_2x2(const struct ax_pooling *p, float *y, const float *x, size_t channels)
{
	size_t ch, oy, ox;

	for (ch = 0; ch < channels; ch++, x += p->h * p->w)
		for (oy = 0; oy < p->oh; oy++) {
			const float *at = x + 2 * oy * p->w;

			for (ox = 0; ox < p->ow; ox++, at += 2)
				*y++ = at[first_of_4(at, p->w)];
		}
}

static void
pool_grad_2x2(const struct ax_pooling *p, float *dx, const float *dy,
	      const float *x, size_t channels)
{
	size_t ch, oy, ox, at;

	for (ch = 0; ch < channels; ch++, x += p->h * p->w, dx += p->h * p->w)
		for (oy = 0; oy < p->oh; oy++) {
			at = 2 * oy * p->w;
			for (ox = 0; ox < p->ow; ox++, at += 2)
				dx[at + first_of_4(x + at, p->w)] += *dy++;
		}
}

static void
pool_task(void *arg, size_t img, unsigned thread)
{
	struct job *j = arg;
	const struct ax_pooling *p = j->pool;
	size_t ch, oy, ox, r, q;
	const float *x = j->a + img * j->c * p->h * p->w;
	float *y = j->y + img * j->c * p->oh * p->ow;

	(void)thread;
	if (is_2x2(p)) {
		pool_2x2(p, y, x, j->c);
		return;
	}
	for (ch = 0; ch < j->c; ch++, x += p->h * p->w)
		for (oy = 0; oy < p->oh; oy++)
			for (ox = 0; ox < p->ow; ox++) {
				struct window v = window(p, oy, ox);
				double sum = 0;

				if (p->max) {
					*y++ = x[first_max(p, x, v)];
					continue;
				}
				for (r = v.y0; r < v.y1; r++)
					for (q = v.x0; q < v.x1; q++)
						sum += (double)x[r * p->w + q];
				*y++ = (float)(sum / (double)(p->kernel[0] *
							      p->kernel[1]));
			}
}

void
ax_pool_forward(struct ax_engine *e, const struct ax_pooling *p, float *y,
		const float *x, size_t n, size_t c)
{
	struct job j = {.e = e, .y = y, .a = x, .c = c, .pool = p};

	ax_pool_for(e->pool, n, pool_task, &j);
}

static void
pool_grad_task(void *arg, size_t img, unsigned thread)
{
	struct job *j = arg;
	const struct ax_pooling *p = j->pool;
	size_t ch, oy, ox, r, q;
	const float *dy = j->a + img * j->c * p->oh * p->ow;
	const float *x = j->b + img * j->c * p->h * p->w;
	float *dx = j->y + img * j->c * p->h * p->w, g;

	(void)thread;
	memset(dx, 0, j->c * p->h * p->w * sizeof(*dx));
	if (is_2x2(p)) {
		pool_grad_2x2(p, dx, dy, x, j->c);
		return;
	}
	for (ch = 0; ch < j->c; ch++, x += p->h * p->w, dx += p->h * p->w)
		for (oy = 0; oy < p->oh; oy++)
			for (ox = 0; ox < p->ow; ox++) {
				struct window v = window(p, oy, ox);

				g = *dy++;
				if (p->max) {
					dx[first_max(p, x, v)] += g;
					continue;
				}
				g /= (float)(p->kernel[0] * p->kernel[1]);
				for (r = v.y0; r < v.y1; r++)
					for (q = v.x0; q < v.x1; q++)
						dx[r * p->w + q] += g;
			}
}

void
ax_pool_backward(struct ax_engine *e, const struct ax_pooling *p, float *dx,
		 const float *dy, const float *x, size_t n, size_t c)
{
	struct job j = {.e = e, .y = dx, .a = dy, .b = x, .c = c, .pool = p};

	ax_pool_for(e->pool, n, pool_grad_task, &j);
}

/* --- loss ----------------------------------------------------------------- */

double
ax_cross_entropy(const float *logits, size_t classes, size_t label,
		 double smoothing, size_t *rank, float *dx, double weight)
{
	double most = (double)logits[0], sum = 0, all = 0, loss, log_sum, want;
	size_t i, before = 0;

	for (i = 0; i < classes; i++) {
		if ((double)logits[i] > most)
			most = (double)logits[i];
		before += logits[i] > logits[label] ||
			  (logits[i] == logits[label] && i < label);
	}
	for (i = 0; i < classes; i++) {
		sum += ax_exp((double)logits[i] - most);
		all += (double)logits[i] - most;
	}
	log_sum = ax_log(sum);
	loss = (1 - smoothing) * (log_sum - ((double)logits[label] - most)) +
	       smoothing * (log_sum - all / (double)classes);
	for (i = 0; dx && i < classes; i++) {
		want = smoothing / (double)classes +
		       (i == label ? 1 - smoothing : 0);
		dx[i] = (float)(weight *
				(ax_exp((double)logits[i] - most) / sum -
				 want));
	}
	if (rank)
		*rank = before;
	return loss;
}
