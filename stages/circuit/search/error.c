/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/error.h"

#include <math.h>

#include "artifacts/base/base.h"

static const char *const names[AX_METRIC_KINDS] = {
	"wce", "mae",  "nmed",  "mre",      "er",
	"mse", "bias", "noise", "coherent", "network"};

const char *
ax_metric_name(enum ax_metric m)
{
	return names[m];
}

enum ax_metric
ax_metric_parse(const char *name)
{
	int m = 0;

	while (m < AX_METRIC_KINDS && !ax_streq(names[m], name))
		m++;
	return (enum ax_metric)m;
}

static bool
has_means(enum ax_metric m)
{
	return m >= AX_METRIC_NOISE;
}

bool
ax_error_plain(const struct ax_error *g)
{
	return !has_means(g->metric) && g->metric != AX_METRIC_BIAS;
}

/* The index of a histogram's count for the code that patterns have. */
static size_t
code_index(const struct ax_operand *o, size_t code)
{
	return o->sign ? code ^ (size_t)1 << (o->bits - 1) : code;
}

static int
fits(const struct ax_operand *o, const char *what, unsigned bits, bool sign,
     const char *layer, struct ax_err *err)
{
	if (o->bits == bits && o->sign == sign)
		return 0;
	return ax_err_set(err, AX_EXIT_STAGE,
			  "histogram: operand %s of the layer \"%.60s\" has %u "
			  "bits %s, the circuit's %u bits %s",
			  what, layer, o->bits, o->sign ? "signed" : "unsigned",
			  bits, sign ? "signed" : "unsigned");
}

/* Mean and variance of the exact result under one layer's shares. */
static double
variance(const struct ax_problem *p, const double *pa, const double *pb)
{
	size_t nb = (size_t)1 << p->wb;
	double mean = 0, sum = 0, row, d;

	for (size_t a = 0; a < (size_t)1 << p->wa; a++) {
		row = 0;
		for (size_t b = 0; b < nb; b++)
			row += pb[b] * p->ref[a * nb + b];
		mean += pa[a] * row;
	}
	for (size_t a = 0; a < (size_t)1 << p->wa; a++) {
		row = 0;
		for (size_t b = 0; b < nb; b++) {
			d = p->ref[a * nb + b] - mean;
			row += pb[b] * d * d;
		}
		sum += pa[a] * row;
	}
	return sum;
}

/* One layer: its shares by code, what it adds to w and often. */
static int
add_layer(struct ax_error *g, size_t l, const char *name, double part, double k,
	  double rho, const double *pa, const double *pb, struct ax_err *err)
{
	const struct ax_problem *p = g->p;
	size_t na = (size_t)1 << p->wa, nb = (size_t)1 << p->wb;
	double var, c = 0, count;

	if (has_means(g->metric)) {
		var = variance(p, pa, pb);
		if (!(var > 0))
			return ax_err_set(err, AX_EXIT_STAGE,
					  "histogram: the exact result does "
					  "not vary in the layer \"%.60s\", so "
					  "%s means nothing there",
					  name, names[g->metric]);
		c = part / var;
		g->noise[l] = g->metric == AX_METRIC_COHERENT ? 0 : c;
		g->coherent[l] = g->metric == AX_METRIC_NOISE ? 0
				 : g->metric == AX_METRIC_COHERENT
					 ? c * k
					 : rho * c * k;
		for (size_t a = 0; a < na; a++)
			g->pa[a * g->layers + l] = (float)pa[a];
		for (size_t b = 0; b < nb; b++)
			g->pb[l * g->n + b] = (float)pb[b];
	}
	for (size_t a = 0; a < na; a++)
		for (size_t b = 0; b < nb; b++) {
			count = part * pa[a] * pb[b];
			g->often[a * nb + b] += (float)count;
			if (has_means(g->metric))
				g->w[a * nb + b] +=
					(float)(g->noise[l] * pa[a] * pb[b]);
		}
	return 0;
}

static int
add_layers(struct ax_error *g, const struct ax_histogram *h, double rho,
	   struct ax_err *err)
{
	const struct ax_problem *p = g->p;
	size_t na = (size_t)1 << p->wa, nb = (size_t)1 << p->wb;
	double *pa = ax_calloc(na + nb, sizeof(*pa)), *pb = pa + na, all = 0;
	double *share = ax_calloc(AX_MAX(na, nb), sizeof(*share));
	int rc = 0;

	for (size_t l = 0; h && l < h->n; l++)
		all += (double)h->layers[l].products;
	if (!h) {
		for (size_t a = 0; a < na; a++)
			pa[a] = 1.0 / (double)na;
		for (size_t b = 0; b < nb; b++)
			pb[b] = 1.0 / (double)nb;
		rc = add_layer(g, 0, "all operands alike", 1, 1, rho, pa, pb,
			       err);
	}
	for (size_t l = 0; h && l < h->n && rc == 0; l++) {
		const struct ax_histogram_layer *y = &h->layers[l];

		if (fits(&y->a, "a", p->wa, p->sign, y->name, err) < 0 ||
		    fits(&y->b, "b", p->wb, p->sign, y->name, err) < 0) {
			rc = -1;
			break;
		}
		ax_operand_share(share, &y->a);
		for (size_t a = 0; a < na; a++)
			pa[a] = share[code_index(&y->a, a)];
		ax_operand_share(share, &y->b);
		for (size_t b = 0; b < nb; b++)
			pb[b] = share[code_index(&y->b, b)];
		rc = add_layer(g, l, y->name,
			       all > 0 ? (double)y->products / all
				       : 1.0 / (double)h->n,
			       (double)y->k, rho, pa, pb, err);
	}
	free(pa);
	free(share);
	return rc;
}

/* w and scale of the metrics that are sums, from how often patterns occur. */
static void
weigh(struct ax_error *g)
{
	const struct ax_problem *p = g->p;
	double all = g->often ? 1 : (double)p->patterns, nonzero = 0, x;

	g->score = g->metric == AX_METRIC_MSE || has_means(g->metric)
			   ? AX_SCORE_SQUARE
		   : g->metric == AX_METRIC_ER   ? AX_SCORE_WRONG
		   : g->metric == AX_METRIC_BIAS ? AX_SCORE_SIGNED
						 : AX_SCORE_ABS;
	g->scale = has_means(g->metric) ? 1 : 1 / all;
	if (g->metric == AX_METRIC_NMED && p->max_abs)
		g->scale /= (double)p->max_abs;
	if (has_means(g->metric))
		return;
	if (g->metric != AX_METRIC_MRE) {
		if (g->often) {
			g->w = ax_aligned(p->blocks * AX_BLOCK_BITS,
					  sizeof(*g->w));
			memcpy(g->w, g->often, p->patterns * sizeof(*g->w));
		}
		return;
	}
	g->w = ax_aligned(p->blocks * AX_BLOCK_BITS, sizeof(*g->w));
	for (size_t i = 0; i < p->patterns; i++) {
		x = fabs((double)p->ref[i]);
		if (x == 0)
			continue;
		nonzero += g->often ? (double)g->often[i] : 1;
		g->w[i] = (float)((g->often ? (double)g->often[i] : 1) / x);
	}
	g->scale = nonzero > 0 ? 1 / nonzero : 0;
}

static void
limit(struct ax_error *g)
{
	const struct ax_problem *p = g->p;
	const struct ax_error_rules *r = &g->rules;
	size_t mask = ((size_t)1 << p->wb) - 1;
	int32_t most = 1 << 30, w, *lo, *hi;

	g->limited = r->wce != UINT64_MAX || r->zero_exact || r->not_above;
	w = r->wce < (uint64_t)most ? (int32_t)r->wce : most;
	lo = g->lo = ax_aligned(p->blocks * AX_BLOCK_BITS, sizeof(*lo));
	hi = g->hi = ax_aligned(p->blocks * AX_BLOCK_BITS, sizeof(*hi));
	for (size_t i = 0; i < p->blocks * AX_BLOCK_BITS; i++) {
		lo[i] = -most;
		hi[i] = most;
		/* a block that repeats its patterns needs them once */
		if (i >= p->patterns)
			continue;
		if (!(r->occurring_wce && g->often && g->often[i] == 0)) {
			lo[i] = -w;
			hi[i] = w;
		}
		if (r->zero_exact && (!(i & mask) || !(i >> p->wb)))
			lo[i] = hi[i] = 0;
		if (r->not_above)
			hi[i] = AX_MIN(hi[i], 0);
	}
}

int
ax_error_init(struct ax_error *g, const struct ax_problem *p,
	      enum ax_metric metric, const struct ax_error_rules *rules,
	      const struct ax_histogram *h, double rho, struct ax_err *err)
{
	size_t na = (size_t)1 << p->wa, room = p->blocks * AX_BLOCK_BITS;
	double sum = 0;

	*g = (struct ax_error){.p = p, .metric = metric, .rules = *rules};
	if (rules->commutative && p->wa != p->wb)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "commutative: operands of %u and %u bits "
				  "cannot change places",
				  p->wa, p->wb);
	if (has_means(metric)) {
		g->layers = h ? h->n : 1;
		g->n = AX_MAX((size_t)1 << p->wb, (size_t)16);
		g->pa = ax_aligned(na * g->layers + 16, sizeof(*g->pa));
		g->pb = ax_aligned(g->layers * g->n, sizeof(*g->pb));
		g->noise = ax_calloc(2 * g->layers, sizeof(*g->noise));
		g->coherent = g->noise + g->layers;
		g->w = ax_aligned(room, sizeof(*g->w));
	}
	if (h || has_means(metric)) {
		g->often = ax_aligned(room, sizeof(*g->often));
		if (add_layers(g, h, rho, err) < 0) {
			ax_error_free(g);
			return -1;
		}
		g->rows = ax_calloc(na, sizeof(*g->rows));
		for (size_t a = 0; a < na; a++) {
			for (size_t b = 0; b < (size_t)1 << p->wb; b++)
				sum += (double)g->often[(a << p->wb) + b];
			g->rows[a] = sum;
		}
	}
	weigh(g);
	limit(g);
	if (!h && !has_means(metric)) {
		free(g->often);
		g->often = NULL;
	}
	/* repeated patterns of a small problem count once */
	if (!g->w && p->patterns < room) {
		g->w = ax_aligned(room, sizeof(*g->w));
		for (size_t i = 0; i < p->patterns; i++)
			g->w[i] = 1;
	}
	return 0;
}

void
ax_error_free(struct ax_error *g)
{
	free(g->w);
	free(g->often);
	free(g->rows);
	free(g->lo);
	free(g->hi);
	free(g->pa);
	free(g->pb);
	free(g->noise);
	*g = (struct ax_error){0};
}

/* --- the value ----------------------------------------------------------- */

void
ax_error_state_init(struct ax_error_state *s, const struct ax_error *g)
{
	const struct ax_problem *p = g->p;

	*s = (struct ax_error_state){0};
	if (!g->layers)
		return;
	s->e = ax_aligned(AX_MAX(p->blocks * AX_BLOCK_BITS, g->n << p->wa),
			  sizeof(*s->e));
	s->of_a = ax_aligned((g->layers << p->wa) + 16, sizeof(*s->of_a));
	s->of_b = ax_aligned(g->layers * g->n, sizeof(*s->of_b));
	s->mean = ax_calloc(g->layers, sizeof(*s->mean));
}

void
ax_error_state_free(struct ax_error_state *s)
{
	free(s->e);
	free(s->of_a);
	free(s->of_b);
	free(s->mean);
	*s = (struct ax_error_state){0};
}

void
ax_error_begin(struct ax_error_state *s)
{
	memset(s->sum, 0, sizeof(s->sum));
}

bool
ax_error_add(struct ax_error_state *s, const struct ax_error *g,
	     const struct ax_score_kern *k, size_t block, const int32_t *y,
	     uint64_t *bad)
{
	size_t at = block * AX_BLOCK_BITS;

	if (g->limited &&
	    k->outside(y, g->p->ref + at, g->lo + at, g->hi + at, bad))
		return false;
	k->add(g->score, y, g->p->ref + at, g->w ? g->w + at : NULL,
	       s->e ? s->e + at : NULL, s->sum);
	return true;
}

void
ax_error_finish(struct ax_error_state *s, const struct ax_error *g,
		const struct ax_score_kern *k)
{
	size_t na = (size_t)1 << g->p->wa, nb = (size_t)1 << g->p->wb;
	double v = 0, square, mean, m;

	for (int i = 0; i < 16; i++)
		v += s->sum[i];
	if (g->layers) {
		float row[16] __attribute__((aligned(64))) = {0};

		memset(s->of_b, 0, g->layers * g->n * sizeof(*s->of_b));
		memset(s->of_a, 0, g->layers * na * sizeof(*s->of_a));
		for (size_t a = 0; a < na; a++) {
			const float *e = s->e + a * nb;

			/* an operand that never occurs */
			if (g->rows[a] == (a ? g->rows[a - 1] : 0))
				continue;
			if (nb < 16)
				e = memcpy(row, e, nb * sizeof(*e));
			k->means(e, g->n, g->layers, g->pa + a * g->layers,
				 g->pb, s->of_a + a * g->layers, s->of_b);
		}
	}
	for (size_t l = 0; l < g->layers; l++) {
		square = mean = 0;
		for (size_t b = 0; b < nb; b++) {
			m = (double)s->of_b[l * g->n + b];
			square += (double)g->pb[l * g->n + b] * (m * m);
		}
		v -= g->noise[l] * square;
		square = 0;
		for (size_t a = 0; a < na; a++) {
			m = (double)s->of_a[a * g->layers + l];
			mean += (double)g->pa[a * g->layers + l] * m;
			square += (double)g->pa[a * g->layers + l] * (m * m);
		}
		s->mean[l] = mean;
		v += g->coherent[l] * (square - mean * mean);
	}
	/* rounding can leave a little less than nothing */
	v = g->metric == AX_METRIC_BIAS ? v : AX_MAX(v, 0.0);
	if (g->metric == AX_METRIC_BIAS)
		v = fabs(v);
	s->value = g->scale * v;
	if (g->metric == AX_METRIC_COHERENT)
		s->value = sqrt(s->value);
}

float
ax_error_slope(const struct ax_error_state *s, const struct ax_error *g,
	       size_t pattern)
{
	size_t a = pattern >> g->p->wb;
	size_t b = pattern & (((size_t)1 << g->p->wb) - 1);
	double sum = 0, part;

	for (size_t l = 0; l < g->layers; l++) {
		part = (double)g->pa[a * g->layers + l] *
		       (double)g->pb[l * g->n + b];
		if (part == 0)
			continue;
		sum += 2 * part *
		       (g->coherent[l] * ((double)s->of_a[a * g->layers + l] -
					  s->mean[l]) -
			g->noise[l] * (double)s->of_b[l * g->n + b]);
	}
	return (float)sum;
}

size_t
ax_error_draw(const struct ax_error *g, double u)
{
	const struct ax_problem *p = g->p;
	size_t na = (size_t)1 << p->wa, nb = (size_t)1 << p->wb, lo = 0;
	size_t hi = na - 1, mid, last = 0;
	double want, sum;

	if (!g->often)
		return (size_t)(u * (double)p->patterns);
	want = u * g->rows[na - 1];
	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (g->rows[mid] > want)
			hi = mid;
		else
			lo = mid + 1;
	}
	sum = lo ? g->rows[lo - 1] : 0;
	for (size_t b = 0; b < nb; b++) {
		double o = (double)g->often[lo * nb + b];

		if (o > 0)
			last = b;
		sum += o;
		if (sum > want)
			break;
	}
	return lo * nb + last;
}

static bool
same_swapped(const struct ax_problem *p, const int32_t *y)
{
	size_t n = (size_t)1 << p->wa;

	for (size_t a = 0; a < n; a++)
		for (size_t b = 0; b < a; b++)
			if (y[a * n + b] != y[b * n + a])
				return false;
	return true;
}

bool
ax_error_of_table(double *value, const struct ax_error *g, const int32_t *y)
{
	const struct ax_problem *p = g->p;
	const struct ax_score_kern *k = ax_score_kern();
	int32_t *block = ax_aligned(AX_BLOCK_BITS, sizeof(*block));
	uint64_t *bad = ax_aligned(AX_BLOCK_WORDS, sizeof(*bad));
	struct ax_error_state s;
	bool good = true;

	ax_error_state_init(&s, g);
	ax_error_begin(&s);
	for (size_t b = 0; b < p->blocks && good; b++) {
		for (size_t i = 0; i < AX_BLOCK_BITS; i++)
			block[i] = y[(b * AX_BLOCK_BITS + i) % p->patterns];
		good = ax_error_add(&s, g, k, b, block, bad);
	}
	if (good) {
		ax_error_finish(&s, g, k);
		*value = s.value;
		good = !g->rules.commutative || same_swapped(p, y);
	}
	ax_error_state_free(&s);
	free(block);
	free(bad);
	return good;
}
