/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/engine/remap.h"

#include "artifacts/base/base.h"

/* Moments over the activations of a layer, about their means if centred. */
struct moments {
	double aa;       /* a a */
	double *at, *tt; /* [2^m]: a T(a, w'), T(a, w')^2 */
};

static void
find_moments(struct moments *m, const struct ax_lut *t,
	     const struct ax_remap_layer *l)
{
	size_t na = (size_t)1 << t->n, nb = (size_t)1 << t->m, a, b;
	double *p = ax_calloc(na, sizeof(*p)), *mean, x, y, mean_a = 0;

	mean = ax_calloc(nb, sizeof(*mean));
	m->aa = 0;
	m->at = ax_calloc(nb, sizeof(*m->at));
	m->tt = ax_calloc(nb, sizeof(*m->tt));
	ax_operand_share(p, &l->of->a);
	for (a = 0; l->centred && a < na; a++) {
		mean_a += p[a] * ((double)a + ax_lut_a_min(t));
		for (b = 0; b < nb; b++)
			mean[b] += p[a] * t->v[a * nb + b];
	}
	for (a = 0; a < na; a++) {
		x = (double)a + ax_lut_a_min(t) - mean_a;
		m->aa += p[a] * (x * x);
		for (b = 0; b < nb; b++) {
			y = t->v[a * nb + b] - mean[b];
			m->at[b] += p[a] * (x * y);
			m->tt[b] += p[a] * (y * y);
		}
	}
	free(p);
	free(mean);
}

static int
check(const struct ax_lut *t, const struct ax_histogram_layer *l,
      struct ax_err *err)
{
	if (l->a.bits == t->n && l->b.bits == t->m && l->a.sign == t->sign &&
	    l->b.sign == t->sign)
		return 0;
	return ax_err_set(err, AX_EXIT_STAGE,
			  "layer '%s' of the histogram multiplies %u bits %s "
			  "by %u bits %s, the table %u x %u bits %s",
			  l->name, l->a.bits, l->a.sign ? "signed" : "unsigned",
			  l->b.bits, l->b.sign ? "signed" : "unsigned", t->n,
			  t->m, t->sign ? "signed" : "unsigned");
}

/* error[w'] of replacing the code of value w; returns its size without any
 * replacement, which rounding is measured by. */
static double
errors(double *error, const struct moments *m,
       const struct ax_remap_layer *layers, size_t n, size_t nb, size_t index,
       double w)
{
	double size = 0, often = 0, part;

	for (size_t l = 0; l < n; l++)
		often += (double)layers[l].of->b.counts[index];
	memset(error, 0, nb * sizeof(*error));
	for (size_t l = 0; l < n; l++) {
		const struct ax_operand *b = &layers[l].of->b;

		part = layers[l].weight;
		if (often > 0)
			part *= (double)b->counts[index] / (double)b->total;
		size += part * w * w * m[l].aa;
		for (size_t i = 0; i < nb; i++)
			error[i] += part * (m[l].tt[i] - 2 * w * m[l].at[i] +
					    w * w * m[l].aa);
	}
	return size;
}

int
ax_remap(uint16_t *map, const struct ax_lut *t,
	 const struct ax_remap_layer *layers, size_t n, struct ax_err *err)
{
	size_t nb = (size_t)1 << t->m, l, i, w, d, best;
	struct moments *m;
	double *error, size;

	for (l = 0; l < n; l++)
		if (check(t, layers[l].of, err) < 0)
			return -1;
	m = ax_calloc(n + 1, sizeof(*m));
	error = ax_calloc(nb, sizeof(*error));
	for (l = 0; l < n; l++)
		find_moments(&m[l], t, &layers[l]);
	for (w = 0; w < nb; w++) {
		size = errors(error, m, layers, n, nb, w,
			      (double)w + ax_lut_b_min(t));
		best = w;
		/* outwards, the lower first: the first of equals stays */
		for (d = 1; d < nb; d++)
			for (i = 0; i < 2; i++) {
				size_t at = i ? w + d : w - d;

				if (at < nb &&
				    error[at] < error[best] - 1e-9 * size)
					best = at;
			}
		map[w] = (uint16_t)best;
	}
	for (l = 0; l < n; l++) {
		free(m[l].at);
		free(m[l].tt);
	}
	free(m);
	free(error);
	return 0;
}

int
ax_remap_table(struct ax_lut *out, const struct ax_lut *t, const uint16_t *map,
	       struct ax_err *err)
{
	size_t na = (size_t)1 << t->n, nb = (size_t)1 << t->m, a, b;

	if (ax_lut_new(out, t->n, t->m, t->sign, err) < 0)
		return -1;
	for (a = 0; a < na; a++)
		for (b = 0; b < nb; b++)
			out->v[a * nb + b] = t->v[a * nb + map[b]];
	return 0;
}
