/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of doubles in table order: the same bits everywhere. */
#include "artifacts/lut_operands.h"

#include <math.h>

#include "artifacts/base/base.h"

static int
same_operand(const char *what, unsigned bits, bool sign,
	     const struct ax_operand *o, const char *layer, struct ax_err *err)
{
	if (o->bits == bits && o->sign == sign)
		return 0;
	return ax_err_set(err, AX_EXIT_STAGE,
			  "the %s of layer '%s' has %u bits %s in the "
			  "histogram, that of the table %u bits %s",
			  what, layer, o->bits, o->sign ? "signed" : "unsigned",
			  bits, sign ? "signed" : "unsigned");
}

static double
ratio(double part, double of)
{
	if (part == 0)
		return 0;
	return of > 0 ? part / of : INFINITY;
}

/* The sums of one layer; arrays by index of code. */
struct sums {
	double *pa, *pb; /* shares */
	double *of_a;    /* E_b[e | a] */
	double *of_b;    /* E_a[e | b] */
	double *var_b;   /* Var_a(e | b) */
	double mean, product;
};

static void
means(struct sums *s, struct ax_lut_weighted *out, const struct ax_lut *t,
      const struct ax_lut *exact)
{
	size_t na = (size_t)1 << t->n, nb = (size_t)1 << t->m, a, b;

	for (a = 0; a < na; a++) {
		const int32_t *v = t->v + (a << t->m);
		const int32_t *x = exact->v + (a << t->m);
		double mae = 0, mse = 0, product = 0;

		for (b = 0; b < nb; b++) {
			double e = (double)v[b] - x[b];

			s->of_a[a] += s->pb[b] * e;
			s->of_b[b] += s->pa[a] * e;
			mae += s->pb[b] * fabs(e);
			mse += s->pb[b] * (e * e);
			product += s->pb[b] * x[b];
		}
		out->mae += s->pa[a] * mae;
		out->mse += s->pa[a] * mse;
		s->mean += s->pa[a] * s->of_a[a];
		s->product += s->pa[a] * product;
	}
}

/*
 * The mean of what does not vary is that itself, not what shares that add up to
 * nearly 1 make of it: a constant error must have no noise at all, or no bound
 * of 0 is ever met.
 */
static void
settle(struct sums *s, const struct ax_lut *t, const struct ax_lut *exact)
{
	size_t na = (size_t)1 << t->n, nb = (size_t)1 << t->m, a, b, first = na;
	bool same = true;

	for (a = na; a-- > 0;)
		first = s->pa[a] > 0 ? a : first;
	for (b = 0; b < nb; b++) {
		int64_t e = 0;

		for (a = first; a < na; a++) {
			size_t i = (a << t->m) + b;
			int64_t d = (int64_t)t->v[i] - exact->v[i];

			if (a == first)
				e = d;
			else if (s->pa[a] > 0 && d != e)
				break;
		}
		if (a == na && first < na)
			s->of_b[b] = (double)e;
	}
	for (a = first; a < na; a++)
		same = same && !(s->pa[a] > 0 && s->of_a[a] != s->of_a[first]);
	if (same && first < na)
		s->mean = s->of_a[first];
}

/* Deviations from the means, which are known by now: squares of differences,
 * not differences of squares. Returns the variance of the exact result. */
static double
deviations(struct sums *s, const struct ax_lut *t, const struct ax_lut *exact)
{
	size_t na = (size_t)1 << t->n, nb = (size_t)1 << t->m, a, b;
	double variance = 0;

	for (a = 0; a < na; a++) {
		const int32_t *v = t->v + (a << t->m);
		const int32_t *x = exact->v + (a << t->m);
		double sum = 0;

		for (b = 0; b < nb; b++) {
			double d = (double)v[b] - x[b] - s->of_b[b];
			double y = x[b] - s->product;

			s->var_b[b] += s->pa[a] * (d * d);
			sum += s->pb[b] * (y * y);
		}
		variance += s->pa[a] * sum;
	}
	return variance;
}

int
ax_lut_measure_layer(struct ax_lut_weighted *out, const struct ax_lut *t,
		     const struct ax_lut *exact,
		     const struct ax_histogram_layer *l, struct ax_err *err)
{
	size_t na = (size_t)1 << t->n, nb = (size_t)1 << t->m, i;
	double *room, noise = 0, spread = 0, variance;
	struct sums s = {0};

	memset(out, 0, sizeof(*out));
	if (t->n != exact->n || t->m != exact->m || t->sign != exact->sign)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "the table and the exact one have different "
				  "shapes");
	if (same_operand("activation", t->n, t->sign, &l->a, l->name, err) <
		    0 ||
	    same_operand("weight", t->m, t->sign, &l->b, l->name, err) < 0)
		return -1;
	room = ax_calloc(2 * na + 3 * nb, sizeof(*room));
	s.pa = room;
	s.of_a = s.pa + na;
	s.pb = s.of_a + na;
	s.of_b = s.pb + nb;
	s.var_b = s.of_b + nb;
	ax_operand_share(s.pa, &l->a);
	ax_operand_share(s.pb, &l->b);
	means(&s, out, t, exact);
	settle(&s, t, exact);
	variance = deviations(&s, t, exact);
	for (i = 0; i < nb; i++)
		noise += s.pb[i] * s.var_b[i];
	for (i = 0; i < na; i++)
		spread +=
			s.pa[i] * ((s.of_a[i] - s.mean) * (s.of_a[i] - s.mean));
	out->bias = s.mean;
	out->noise = ratio(noise, variance);
	out->coherent = ratio(sqrt((double)l->k * spread), sqrt(variance));
	out->at_zero = s.of_a[(size_t)-ax_lut_a_min(t)];
	free(room);
	return 0;
}

int
ax_lut_measure_operands(struct ax_lut_weighted *out,
			struct ax_lut_weighted *layers, const struct ax_lut *t,
			const struct ax_lut *exact,
			const struct ax_histogram *h, struct ax_err *err)
{
	struct ax_lut_weighted one;
	double products = 0, w;
	size_t i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < h->n; i++) {
		if (ax_lut_measure_layer(&one, t, exact, &h->layers[i], err) <
		    0)
			return -1;
		w = (double)h->layers[i].products;
		products += w;
		out->mae += w * one.mae;
		out->bias += w * one.bias;
		out->mse += w * one.mse;
		out->noise += w * one.noise;
		out->coherent += w * one.coherent;
		out->at_zero += w * one.at_zero;
		if (layers)
			layers[i] = one;
	}
	out->mae /= products;
	out->bias /= products;
	out->mse /= products;
	out->noise /= products;
	out->coherent /= products;
	out->at_zero /= products;
	return 0;
}
