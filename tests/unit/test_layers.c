/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every layer against an independent reference in double precision, written
 * here from the definition; every gradient against finite differences; and the
 * same bits for each SIMD level and number of threads.
 */
#include <math.h>

#include "artifacts/base/base.h"
#include "artifacts/base/rng.h"
#include "stages/nn/engine/conv.h"
#include "stages/nn/engine/layers.h"
#include "stages/nn/engine/model.h"
#include "tests/lib/tap.h"

static float *
numbers(size_t n, const char *what, uint64_t i)
{
	float *v = ax_aligned(n, sizeof(*v));
	struct ax_rng r = ax_rng(7, what, i);

	for (size_t j = 0; j < n; j++)
		v[j] = 2 * ax_rng_float(&r) - 1;
	return v;
}

/* Largest |a - b| relative to the largest |b|. */
static double
distance(const float *a, const double *b, size_t n)
{
	double most = 1e-30, d = 0;

	for (size_t i = 0; i < n; i++) {
		most = fmax(most, fabs(b[i]));
		d = fmax(d, fabs((double)a[i] - b[i]));
	}
	return d / most;
}

/* --- convolution ---------------------------------------------------------- */

static const struct ax_conv convs[] = {
	{3, 9, 7, 5, 9, 7, {3, 3}, {1, 1}, {1, 1}, 1},
	{16, 32, 32, 16, 32, 32, {3, 3}, {1, 1}, {1, 1}, 1},
	{8, 16, 16, 24, 8, 8, {3, 3}, {2, 2}, {1, 1}, 1},
	{16, 8, 8, 32, 4, 4, {1, 1}, {2, 2}, {0, 0}, 1},
	{12, 10, 6, 12, 10, 6, {3, 3}, {1, 1}, {1, 1}, 12},
	{6, 16, 16, 12, 16, 16, {3, 3}, {1, 1}, {1, 1}, 6},
	{4, 34, 32, 4, 17, 16, {3, 3}, {2, 2}, {1, 1}, 4},
	{8, 11, 13, 12, 4, 6, {5, 3}, {2, 2}, {0, 1}, 4},
	{64, 1, 1, 100, 1, 1, {1, 1}, {1, 1}, {0, 0}, 1},
	{1, 5, 40, 9, 3, 40, {3, 1}, {1, 1}, {0, 0}, 1},
};
#define IMAGES 5

/* Calls fn for each product of the convolution: y[i] gets w[j] * x[k]. */
static void
each_product(const struct ax_conv *c,
	     void (*fn)(void *arg, size_t y, size_t w, size_t x), void *arg)
{
	size_t cg = c->cin / c->groups, og = c->cout / c->groups;

	for (size_t n = 0; n < IMAGES; n++)
		for (size_t o = 0; o < c->cout; o++)
			for (size_t oy = 0; oy < c->oh; oy++)
				for (size_t ox = 0; ox < c->ow; ox++)
					for (size_t i = 0; i < cg; i++)
						for (size_t ky = 0;
						     ky < c->kernel[0]; ky++)
							for (size_t kx = 0;
							     kx < c->kernel[1];
							     kx++) {
								size_t y =
									oy * c->stride[0] +
									ky;
								size_t x =
									ox * c->stride[1] +
									kx;

								if (y < c->pad[0] ||
								    x < c->pad[1] ||
								    y - c->pad[0] >=
									    c->h ||
								    x - c->pad[1] >=
									    c->w)
									continue;
								fn(arg,
								   ((n * c->cout +
								     o) * c->oh +
								    oy) * c->ow +
									   ox,
								   ((o * cg +
								     i) * c->kernel[0] +
								    ky) * c->kernel[1] +
									   kx,
								   ((n * c->cin +
								     o / og *
									     cg +
								     i) * c->h +
								    y -
								    c->pad[0]) *
										   c->w +
									   x -
									   c->pad[1]);
							}
}

struct reference {
	const float *x, *w, *dy;
	double *y, *dx, *dw;
};

static void
reference_product(void *arg, size_t y, size_t w, size_t x)
{
	struct reference *r = arg;

	r->y[y] += (double)r->w[w] * (double)r->x[x];
	r->dx[x] += (double)r->w[w] * (double)r->dy[y];
	r->dw[w] += (double)r->x[x] * (double)r->dy[y];
}

static void
test_conv(const struct ax_conv *c, size_t which)
{
	size_t nx = IMAGES * c->cin * c->h * c->w, nw = c->cout * ax_conv_k(c);
	size_t ny = IMAGES * c->cout * c->oh * c->ow;
	float *x = numbers(nx, "x", which), *w = numbers(nw, "w", which);
	float *dy = numbers(ny, "dy", which), *first = NULL, *all;
	struct reference r = {x,
			      w,
			      dy,
			      ax_calloc(ny, sizeof(double)),
			      ax_calloc(nx, sizeof(double)),
			      ax_calloc(nw, sizeof(double))};
	size_t size = ny + nx + nw;
	int same = 1;

	each_product(c, reference_product, &r);
	for (int level = AX_SIMD_SCALAR; level <= (int)ax_simd(); level++)
		for (unsigned threads = 1; threads <= 3; threads += 2) {
			struct ax_pool *pool = ax_pool_new(threads);
			struct ax_engine e;

			ax_engine_init(&e, pool,
				       ax_kern_at((enum ax_simd)level));
			all = numbers(size, "junk", (uint64_t)level);
			ax_conv_forward(&e, c, all, x, w, NULL, false, 1,
					IMAGES);
			ax_conv_dgrad(&e, c, all + ny, dy, w, IMAGES);
			ax_conv_wgrad(&e, c, all + ny + nx, dy, x, NULL,
				      IMAGES);
			ax_engine_free(&e);
			ax_pool_free(pool);
			if (first) {
				same &= memcmp(first, all,
					       size * sizeof(*all)) == 0;
				free(all);
			} else {
				first = all;
			}
		}
	ok(distance(first, r.y, ny) < 2e-6, "conv %zu forward: %.1e", which,
	   distance(first, r.y, ny));
	ok(distance(first + ny, r.dx, nx) < 2e-6,
	   "conv %zu gradient by input: %.1e", which,
	   distance(first + ny, r.dx, nx));
	ok(distance(first + ny + nx, r.dw, nw) < 2e-6,
	   "conv %zu gradient by weights: %.1e", which,
	   distance(first + ny + nx, r.dw, nw));
	ok(same, "conv %zu: the same bits at every level, 1 and 3 threads",
	   which);
	free(x);
	free(w);
	free(dy);
	free(first);
	free(r.y);
	free(r.dx);
	free(r.dw);
}

/* --- batch norm, pools, loss ---------------------------------------------- */

static void
test_norm(struct ax_engine *e)
{
	enum { N = 6, C = 3, HW = 35, SIZE = N * C * HW };
	float *x = numbers(SIZE, "bn", 0), *dy = numbers(SIZE, "bn", 1);
	float *gamma = numbers(C, "bn", 2), *beta = numbers(C, "bn", 3);
	float rm[C] = {0.5f, 0, 1}, rv[C] = {1, 2, 3}, dg[C], db[C];
	float *y = numbers(SIZE, "bn", 4), *dx = numbers(SIZE, "bn", 5);
	double wy[SIZE], wdx[SIZE], wdg[C], wdb[C], wrm[C], wrv[C];
	double mean[C], inv[C];
	struct ax_norm keep = {mean, inv};

	for (int c = 0; c < C; c++) {
		double m = 0, v = 0, i, xh;

		for (int n = 0; n < N; n++)
			for (int p = 0; p < HW; p++)
				m += (double)x[(n * C + c) * HW + p];
		m /= N * HW;
		for (int n = 0; n < N; n++)
			for (int p = 0; p < HW; p++)
				v += pow((double)x[(n * C + c) * HW + p] - m,
					 2);
		wrm[c] = 0.9 * (double)rm[c] + 0.1 * m;
		wrv[c] = 0.9 * (double)rv[c] + 0.1 * v / (N * HW - 1);
		i = 1 / sqrt(v / (N * HW) + 1e-5);
		wdg[c] = wdb[c] = 0;
		for (int n = 0; n < N; n++)
			for (int p = 0; p < HW; p++) {
				int at = (n * C + c) * HW + p;

				xh = ((double)x[at] - m) * i;
				wy[at] =
					(double)gamma[c] * xh + (double)beta[c];
				wdg[c] += (double)dy[at] * xh;
				wdb[c] += (double)dy[at];
			}
		for (int n = 0; n < N; n++)
			for (int p = 0; p < HW; p++) {
				int at = (n * C + c) * HW + p;

				xh = ((double)x[at] - m) * i;
				wdx[at] = (double)gamma[c] * i *
					  ((double)dy[at] - wdb[c] / (N * HW) -
					   xh * wdg[c] / (N * HW));
			}
	}
	ax_norm_train(e, y, x, gamma, beta, rm, rv, 1e-5, 0.1, &keep, N, C, HW);
	ax_norm_backward(e, dx, dg, db, dy, x, gamma, &keep, N, C, HW);
	ok(distance(y, wy, SIZE) < 1e-6, "batch norm forward: %.1e",
	   distance(y, wy, SIZE));
	ok(distance(rm, wrm, C) < 1e-6 && distance(rv, wrv, C) < 1e-6,
	   "running mean and unbiased variance");
	ok(distance(dx, wdx, SIZE) < 2e-6, "batch norm backward: %.1e",
	   distance(dx, wdx, SIZE));
	ok(distance(dg, wdg, C) < 1e-6 && distance(db, wdb, C) < 1e-6,
	   "its gradients by scale and shift");
	ax_norm_eval(e, y, x, gamma, beta, rm, rv, 1e-5, N, C, HW);
	for (int i = 0; i < SIZE; i++) {
		int c = i / HW % C;

		wy[i] = (double)gamma[c] * ((double)x[i] - (double)rm[c]) /
				sqrt((double)rv[c] + 1e-5) +
			(double)beta[c];
	}
	ok(distance(y, wy, SIZE) < 1e-6, "batch norm with running statistics");
	free(x);
	free(dy);
	free(gamma);
	free(beta);
	free(y);
	free(dx);
}

static void
test_pool(struct ax_engine *e)
{
	struct ax_pooling p = {true, 7, 5, 4, 3, {3, 3}, {2, 2}, {1, 1}};
	enum { N = 2, C = 3, IN = 35, OUT = 12 };
	float *x = numbers(N * C * IN, "pool", 0), y[N * C * OUT];
	float *dy = numbers(N * C * OUT, "pool", 1), dx[N * C * IN];
	double wy[N * C * OUT], wdx[N * C * IN];

	memset(wdx, 0, sizeof(wdx));
	for (int i = 0; i < N * C * OUT; i++) {
		int ch = i / OUT, oy = i % OUT / 3, ox = i % 3, best = -1;

		for (int r = oy * 2 - 1; r < oy * 2 + 2; r++)
			for (int q = ox * 2 - 1; q < ox * 2 + 2; q++)
				if (r >= 0 && r < 7 && q >= 0 && q < 5 &&
				    (best < 0 ||
				     x[ch * IN + r * 5 + q] > x[best]))
					best = ch * IN + r * 5 + q;
		wy[i] = (double)x[best];
		wdx[best] += (double)dy[i];
	}
	ax_pool_forward(e, &p, y, x, N, C);
	ax_pool_backward(e, &p, dx, dy, x, N, C);
	ok(distance(y, wy, N * C * OUT) == 0, "max pool with padding");
	ok(distance(dx, wdx, N * C * IN) < 1e-6, "its gradient");
	p = (struct ax_pooling){false, 7, 5, 3, 2, {2, 2}, {2, 2}, {0, 0}};
	memset(wdx, 0, sizeof(wdx));
	for (int i = 0; i < N * C * 6; i++) {
		int ch = i / 6, oy = i % 6 / 2, ox = i % 2;

		wy[i] = 0;
		for (int k = 0; k < 4; k++) {
			int at =
				ch * IN + (oy * 2 + k / 2) * 5 + ox * 2 + k % 2;

			wy[i] += (double)x[at] / 4;
			wdx[at] += (double)dy[i] / 4;
		}
	}
	ax_pool_forward(e, &p, y, x, N, C);
	ax_pool_backward(e, &p, dx, dy, x, N, C);
	ok(distance(y, wy, N * C * 6) < 1e-6, "average pool");
	ok(distance(dx, wdx, N * C * IN) < 1e-6, "its gradient");
	free(x);
	free(dy);
}

static void
test_loss(void)
{
	float z[5] = {0.3f, -1.2f, 2.5f, 0.3f, 4}, d[5], up[5], down[5];
	double sum = 0, want, worst = 0, fd;
	size_t rank;

	for (int i = 0; i < 5; i++)
		sum += exp((double)z[i]);
	want = 0.9 * (log(sum) - (double)z[3]) + 0.1 * log(sum);
	for (int i = 0; i < 5; i++)
		want -= 0.1 * (double)z[i] / 5;
	ok(fabs(ax_cross_entropy(z, 5, 3, 0.1, &rank, d, 1) - want) < 1e-12,
	   "cross-entropy with label smoothing");
	is_int(rank, 3, "equal logits: the lower class comes first");
	for (int i = 0; i < 5; i++) {
		memcpy(up, z, sizeof(z));
		memcpy(down, z, sizeof(z));
		up[i] += 0x1p-10f;
		down[i] -= 0x1p-10f;
		fd = (ax_cross_entropy(up, 5, 3, 0.1, NULL, NULL, 0) -
		      ax_cross_entropy(down, 5, 3, 0.1, NULL, NULL, 0)) /
		     0x1p-9;
		worst = fmax(worst, fabs(fd - (double)d[i]));
	}
	ok(worst < 1e-6, "its gradient against differences: %.1e", worst);
}

/* --- a whole network ------------------------------------------------------ */

static const char every_op[] =
	"{\"name\":\"every\",\"input\":[2,8,8],\"classes\":4,\"layers\":["
	"{\"op\":\"conv2d\",\"name\":\"c1\",\"out\":8,\"kernel\":3,\"pad\":1},"
	"{\"op\":\"batchnorm\",\"name\":\"b1\"},{\"op\":\"relu\",\"name\":"
	"\"a\"},"
	"{\"op\":\"conv2d\",\"name\":\"dw\",\"out\":8,\"kernel\":3,\"pad\":1,"
	"\"groups\":8,\"bias\":true},"
	"{\"op\":\"batchnorm\",\"name\":\"b2\"},"
	"{\"op\":\"add\",\"with\":\"a\"},{\"op\":\"relu\"},"
	"{\"op\":\"maxpool\",\"kernel\":2},"
	"{\"op\":\"conv2d\",\"name\":\"c3\",\"out\":6,\"kernel\":3,"
	"\"stride\":1,\"pad\":1},"
	"{\"op\":\"avgpool\",\"kernel\":2},{\"op\":\"flatten\"},"
	"{\"op\":\"linear\",\"name\":\"fc\",\"out\":4}]}";

static double
loss_of(struct ax_model *m, const float *x, float *dl)
{
	enum { N = 8 };
	const float *z = ax_model_forward(m, x, N, true);
	double loss = 0;

	for (size_t i = 0; i < N; i++)
		loss += ax_cross_entropy(z + i * 4, 4, i % 4, 0, NULL,
					 dl ? dl + i * 4 : NULL, 1.0 / N);
	return loss / N;
}

static void
test_network(void)
{
	struct ax_network net;
	struct ax_err err = AX_ERR_INIT;
	struct ax_model m;
	float *x = numbers(8 * 128, "net", 0), dl[32], *keep, *dir;

	if (!ok(ax_network_parse_text(&net, every_op, NULL, 0, &err) == 0,
		"a network with every layer: %s", err.text)) {
		free(x);
		return;
	}
	ax_model_init(&m, &net, NULL, ax_kern());
	ax_model_random(&m, 5);
	loss_of(&m, x, dl);
	ax_model_backward(&m, dl);
	for (unsigned i = 0; i < m.net.n_params; i++) {
		const struct ax_net_param *p = &m.net.params[i];
		double slope = 0, fd, up, down, h = 0x1p-9, norm = 0;

		if (!m.grad[i])
			continue;
		/* along the gradient itself: the change is largest there */
		keep = ax_calloc(p->n, sizeof(*keep));
		dir = ax_calloc(p->n, sizeof(*dir));
		memcpy(keep, m.param[i], p->n * sizeof(*keep));
		for (size_t j = 0; j < p->n; j++)
			norm += pow((double)m.grad[i][j], 2);
		norm = sqrt(norm) + 1e-30;
		for (size_t j = 0; j < p->n; j++) {
			dir[j] = (float)((double)m.grad[i][j] / norm);
			slope += (double)m.grad[i][j] * (double)dir[j];
		}
		for (size_t j = 0; j < p->n; j++)
			m.param[i][j] = keep[j] + (float)h * dir[j];
		up = loss_of(&m, x, NULL);
		for (size_t j = 0; j < p->n; j++)
			m.param[i][j] = keep[j] - (float)h * dir[j];
		down = loss_of(&m, x, NULL);
		memcpy(m.param[i], keep, p->n * sizeof(*keep));
		fd = (up - down) / (2 * h);
		/* a bias before batch norm has no effect: both are near 0 */
		ok(fabs(fd - slope) < 0.01 * slope + 2e-4,
		   "%s: slope %.6f, differences %.6f", p->name, slope, fd);
		free(keep);
		free(dir);
	}
	ax_model_free(&m);
	free(x);
}

/* The scalar level's own fused multiply-add: numbers of all sizes, and sums
 * that end next to the middle between two floats. */
static void
test_fma(void)
{
	struct ax_rng r = ax_rng(6, "fma", 0);
	size_t bad = 0, down = 0;
	float x, s, t, y, want;
	uint32_t bits;

	for (size_t i = 0; i < 400000; i++) {
		bits = ax_rng_u32(&r);
		memcpy(&x, &bits, 4);
		bits = ax_rng_u32(&r);
		memcpy(&s, &bits, 4);
		bits = ax_rng_u32(&r);
		memcpy(&t, &bits, 4);
		if (i % 2) {
			/* half a unit of t less what double cannot hold: the
			 * sum must go down to t, not to an even neighbour; at
			 * 1 and among the smallest numbers */
			int e = i % 4 == 1 ? -12 : -75;
			float d = ldexpf((float)(1 + i % 1000), -23);

			x = ldexpf(1 + d, e);
			s = ldexpf(1 - d, e);
			t = i % 4 == 1 ? 1 + 0x1p-23f : 4194305 * 0x1p-149f;
			s = i & 8 ? -s : s;
			t = i & 8 ? -t : t;
			down += fmaf(x, s, t) == t;
		}
		ax_kern_scalar.scale(&y, &x, s, t, 1);
		want = fmaf(x, s, t);
		bad += isnan(want) ? !isnan(y) : memcmp(&y, &want, 4) != 0;
	}
	is_int(bad, 0, "scalar fma");
	is_int(down, 200000, "of which these were next to a middle");
}

int
main(void)
{
	struct ax_pool *pool = ax_pool_new(2);
	struct ax_engine e;

	for (size_t i = 0; i < AX_LEN(convs); i++)
		test_conv(&convs[i], i);
	ax_engine_init(&e, pool, ax_kern());
	test_norm(&e);
	test_pool(&e);
	ax_engine_free(&e);
	ax_pool_free(pool);
	test_fma();
	test_loss();
	test_network();
	return tap_done();
}
