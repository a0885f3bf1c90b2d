/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/engine/factors.h"

#include "artifacts/base/base.h"

#define LIMIT ((int64_t)1 << 24)

static int64_t
gcd(int64_t a, int64_t b)
{
	int64_t r;

	for (a = a < 0 ? -a : a, b = b < 0 ? -b : b; b; b = r) {
		r = a % b;
		a = b;
	}
	return a;
}

/*
 * One row that is not 0, less its value at a = 0, divided by what its entries
 * have in common, is g; where the table factors every other row is a multiple
 * of it. The multiples are f, and plain codes where f is in proportion to them.
 */
struct ax_factors *
ax_factors_find(const struct ax_lut *t)
{
	int a0 = ax_lut_a_min(t), a1 = a0 + (1 << t->n), a;
	int b0 = ax_lut_b_min(t), b1 = b0 + (1 << t->m), b;
	struct ax_factors *out = ax_calloc(1, sizeof(*out));
	int64_t g[256] = {0}, f[256] = {0}, d = 0, step, most_f = 0, most_g = 0;
	int pivot = 0, at = 0;

	for (a = a0; a < a1 && !d; a++)
		for (b = b0; b < b1; b++) {
			g[b & 255] = (int64_t)ax_lut_at(t, a, b) -
				     ax_lut_at(t, 0, b);
			d = gcd(d, g[b & 255]);
			if (g[b & 255])
				at = b;
		}
	for (b = b0; b < b1 && d; b++) {
		g[b & 255] /= d;
		if (g[b & 255] > LIMIT || g[b & 255] < -LIMIT)
			goto none;
	}
	for (a = a0; a < a1 && d; a++) {
		f[a & 255] =
			((int64_t)ax_lut_at(t, a, at) - ax_lut_at(t, 0, at)) /
			g[at & 255];
		if (f[a & 255] > LIMIT || f[a & 255] < -LIMIT)
			goto none;
		for (b = b0; b < b1; b++)
			if (f[a & 255] * g[b & 255] !=
			    (int64_t)ax_lut_at(t, a, b) - ax_lut_at(t, 0, b))
				goto none;
	}
	/* f(a) = step a is the code itself, and step belongs to g */
	step = f[1];
	out->plain = step != 0;
	for (a = a0; a < a1; a++)
		out->plain = out->plain && f[a & 255] == step * a;
	for (a = a0; a < a1; a++) {
		pivot = a & 255;
		f[pivot] = out->plain ? a : f[pivot];
		out->f[pivot] = (float)f[pivot];
		most_f = AX_MAX(most_f, f[pivot] < 0 ? -f[pivot] : f[pivot]);
	}
	for (b = b0; b < b1; b++) {
		pivot = b & 255;
		g[pivot] *= out->plain ? step : 1;
		out->g[pivot] = (float)g[pivot];
		most_g = AX_MAX(most_g, g[pivot] < 0 ? -g[pivot] : g[pivot]);
		out->c[pivot] = ax_lut_at(t, 0, b);
		out->most_c = AX_MAX(out->most_c,
				     out->c[pivot] < 0 ? -(int64_t)out->c[pivot]
						       : out->c[pivot]);
	}
	if (most_f > LIMIT || most_g > LIMIT || out->most_c > LIMIT)
		goto none;
	out->most = most_f * most_g;
	out->bytes = true;
	for (a = 0; a < 256; a++)
		out->bytes = out->bytes && out->f[a] >= -128 &&
			     out->f[a] < 128 && out->g[a] >= -128 &&
			     out->g[a] < 128;
	return out;
none:
	free(out);
	return NULL;
}

bool
ax_factors_fit(const struct ax_factors *f, size_t k)
{
	return k <= (size_t)LIMIT &&
	       (f->most + f->most_c) <= LIMIT / (int64_t)AX_MAX(k, 1u);
}
