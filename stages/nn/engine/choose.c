/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/engine/choose.h"

#include <math.h>

#include "artifacts/base/base.h"

#define BINS 8192

/* What a layer may have: those that neither cost more nor harm more than
 * another, by rising cost. */
struct option {
	double cost, damage; /* share x cost */
	size_t item;
	bool bent; /* on the convex hull of these */
};

struct problem {
	const double *damage, *share, *cost;
	size_t layers, items;
	double budget, most; /* most: of the sum of share x cost */
	struct option *option;
	size_t *first; /* [layers + 1] of option */
};

double
ax_choose_cost(const size_t *choice, const double *share, const double *cost,
	       size_t layers)
{
	double sum = 0, all = 0;

	for (size_t l = 0; l < layers; l++) {
		sum += share[l] * cost[choice[l]];
		all += share[l];
	}
	return sum / all;
}

static double
total(const size_t *choice, const double *damage, size_t layers, size_t items)
{
	double d = 0;

	for (size_t l = 0; l < layers; l++)
		d += damage[l * items + choice[l]];
	return d;
}

static bool
fits(const struct problem *p, const size_t *choice)
{
	return ax_choose_cost(choice, p->share, p->cost, p->layers) <=
	       p->budget;
}

static int
by_cost(const void *a, const void *b)
{
	const struct option *x = a, *y = b;

	if (x->cost != y->cost)
		return x->cost < y->cost ? -1 : 1;
	if (x->damage != y->damage)
		return x->damage < y->damage ? -1 : 1;
	return x->item < y->item ? -1 : x->item > y->item;
}

/* Marks the options from which the linear relaxation takes: each harms less for
 * what it costs more, by ever less. */
static void
bend(struct option *o, size_t n)
{
	size_t i, j, next;

	for (i = 0; i < n; i = next) {
		o[i].bent = true;
		next = i + 1;
		for (j = i + 2; j < n; j++)
			if ((o[i].damage - o[j].damage) *
				    (o[next].cost - o[i].cost) >=
			    (o[i].damage - o[next].damage) *
				    (o[j].cost - o[i].cost))
				next = j;
	}
}

/* False when a layer may have nothing. */
static bool
find_options(struct problem *p)
{
	struct option *o;
	size_t l, i, n, kept, at = 0;
	double d;

	p->option = ax_calloc(p->layers * p->items + 1, sizeof(*p->option));
	p->first = ax_calloc(p->layers + 1, sizeof(*p->first));
	for (l = 0; l < p->layers; l++) {
		p->first[l] = at;
		o = p->option + at;
		for (i = n = 0; i < p->items; i++) {
			d = p->damage[l * p->items + i];
			if (isfinite(d))
				o[n++] = (struct option){
					p->share[l] * p->cost[i], d, i, false};
		}
		if (n == 0)
			return false;
		qsort(o, n, sizeof(*o), by_cost);
		for (i = kept = 1; i < n; i++)
			if (o[i].damage < o[kept - 1].damage)
				o[kept++] = o[i];
		bend(o, kept);
		at += kept;
	}
	p->first[l] = at;
	return true;
}

/* --- a first answer ------------------------------------------------------- */

/* Bins that a cost takes, rounded up; BINS + 1: too many. */
static size_t
bins(const struct problem *p, double cost)
{
	double x = cost == 0 ? 0 : ceil(cost / p->most * BINS);

	return x <= BINS ? (size_t)x : BINS + 1;
}

static bool
by_bins(const struct problem *p, size_t *choice)
{
	size_t width = BINS + 1, l, i, b, need;
	double *best = ax_calloc(2 * width, sizeof(*best));
	double *next = best + width, d;
	uint16_t *pick = ax_calloc(p->layers * width, sizeof(*pick));
	bool found;

	/* best[b]: least damage of the layers so far within b bins */
	for (l = 0; l < p->layers; l++) {
		for (b = 0; b < width; b++)
			next[b] = INFINITY;
		for (i = p->first[l]; i < p->first[l + 1]; i++) {
			need = bins(p, p->option[i].cost);
			for (b = need; b < width; b++) {
				d = best[b - need] + p->option[i].damage;
				if (!(d < next[b]))
					continue;
				next[b] = d;
				pick[l * width + b] =
					(uint16_t)(i - p->first[l]);
			}
		}
		memcpy(best, next, width * sizeof(*best));
	}
	found = isfinite(best[BINS]);
	for (l = p->layers, b = BINS; found && l-- > 0;) {
		const struct option *o =
			&p->option[p->first[l] + pick[l * width + b]];

		choice[l] = o->item;
		b -= bins(p, o->cost);
	}
	free(best);
	free(pick);
	return found && fits(p, choice);
}

/* The rounding leaves something of the budget: single changes that reduce the
 * damage and fit, the best first. */
static void
refine(const struct problem *p, size_t *choice)
{
	double now, gain, best, sum;
	size_t l, i, at = 0, to = 0, was;

	do {
		best = sum = 0;
		for (l = 0; l < p->layers; l++)
			sum += p->share[l] * p->cost[choice[l]];
		for (l = 0; l < p->layers; l++) {
			was = choice[l];
			now = p->damage[l * p->items + was];
			for (i = p->first[l]; i < p->first[l + 1]; i++) {
				gain = now - p->option[i].damage;
				if (!(gain > best) ||
				    sum + p->option[i].cost -
						    p->share[l] * p->cost[was] >
					    p->most)
					continue;
				choice[l] = p->option[i].item;
				if (fits(p, choice)) {
					best = gain;
					at = l;
					to = choice[l];
				}
				choice[l] = was;
			}
		}
		if (best > 0)
			choice[at] = to;
	} while (best > 0);
}

/* --- the best answer ------------------------------------------------------ */

#define STATES ((size_t)1 << 20) /* looked at in a layer */

/* A choice for the first layers. */
struct state {
	double cost, damage;
	uint32_t before, option; /* the state it comes of; what it added */
};

/* What more of the cost a layer may take, and what that spares. */
struct edge {
	double cost, damage;
	size_t layer;
};

/* The least damage of the layers from some one on, for a rest of the budget,
 * were they divisible. */
struct relaxed {
	double cost, damage; /* of the cheapest options */
	double *c, *d;       /* [n + 1] sums of the edges, best first */
	size_t n;
};

static int
by_gain(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;
	double l = x->damage * y->cost, r = y->damage * x->cost;

	if (l != r)
		return l > r ? -1 : 1;
	return x->layer < y->layer ? -1 : x->layer > y->layer;
}

static struct edge *
find_edges(const struct problem *p, size_t *n)
{
	struct edge *e = ax_calloc(p->first[p->layers] + 1, sizeof(*e));
	size_t l, i, last;

	*n = 0;
	for (l = 0; l < p->layers; l++)
		for (last = p->first[l], i = last + 1; i < p->first[l + 1];
		     i++) {
			const struct option *a = &p->option[last],
					    *b = &p->option[i];

			if (!b->bent)
				continue;
			e[(*n)++] = (struct edge){b->cost - a->cost,
						  a->damage - b->damage, l};
			last = i;
		}
	qsort(e, *n, sizeof(*e), by_gain);
	return e;
}

static void
relax(struct relaxed *r, const struct problem *p, const struct edge *e,
      size_t n, size_t from)
{
	size_t l, i;

	r->cost = r->damage = 0;
	for (l = from; l < p->layers; l++) {
		r->cost += p->option[p->first[l]].cost;
		r->damage += p->option[p->first[l]].damage;
	}
	for (i = r->n = 0; i < n; i++) {
		if (e[i].layer < from)
			continue;
		r->c[r->n + 1] = r->c[r->n] + e[i].cost;
		r->d[r->n + 1] = r->d[r->n] + e[i].damage;
		r->n++;
	}
}

static double
least(const struct relaxed *r, double rest)
{
	size_t lo = 0, hi = r->n, mid;

	rest = AX_MAX(rest - r->cost, 0.0);
	if (rest >= r->c[hi])
		return r->damage - r->d[hi];
	while (hi - lo > 1) {
		mid = (lo + hi) / 2;
		*(rest >= r->c[mid] ? &lo : &hi) = mid;
	}
	return r->damage - r->d[lo] -
	       (r->d[hi] - r->d[lo]) * (rest - r->c[lo]) /
		       (r->c[hi] - r->c[lo]);
}

static int
by_state(const void *a, const void *b)
{
	const struct state *x = a, *y = b;

	if (x->cost != y->cost)
		return x->cost < y->cost ? -1 : 1;
	if (x->damage != y->damage)
		return x->damage < y->damage ? -1 : 1;
	if (x->before != y->before)
		return x->before < y->before ? -1 : 1;
	return x->option < y->option ? -1 : x->option > y->option;
}

/* The states of the next layer into out, which has room for STATES; false when
 * there are more. Those that cannot fit or not be below `known` are left out.
 */
static bool
expand(const struct problem *p, struct state *out, size_t *n_out,
       const struct state *from, size_t n, size_t layer,
       const struct relaxed *r, double known)
{
	size_t s, i, kept;

	for (s = *n_out = 0; s < n; s++)
		for (i = p->first[layer]; i < p->first[layer + 1]; i++) {
			const struct option *o = &p->option[i];
			struct state t = {from[s].cost + o->cost,
					  from[s].damage + o->damage,
					  (uint32_t)s, (uint32_t)i};

			if (t.cost + r->cost > p->most)
				break;
			if (t.damage + least(r, p->most - t.cost) >=
			    known * (1 - 1e-12))
				continue;
			if (*n_out == STATES)
				return false;
			out[(*n_out)++] = t;
		}
	qsort(out, *n_out, sizeof(*out), by_state);
	for (s = kept = 0; s < *n_out; s++)
		if (s == 0 || out[s].damage < out[kept - 1].damage)
			out[kept++] = out[s];
	*n_out = kept;
	return true;
}

/* Puts into `choice` what is better than it, where there is something. */
static void
search(const struct problem *p, size_t *choice)
{
	double known = total(choice, p->damage, p->layers, p->items);
	size_t n_edges, l, s, at, *n, *better;
	struct edge *e = find_edges(p, &n_edges);
	struct state **of = ax_calloc(p->layers + 1, sizeof(*of));
	struct state *room = ax_malloc(STATES * sizeof(*room));
	struct relaxed r = {0};
	bool all = true;

	n = ax_calloc(p->layers + 1, sizeof(*n));
	better = ax_calloc(p->layers + 1, sizeof(*better));
	r.c = ax_calloc(2 * (n_edges + 1), sizeof(*r.c));
	r.d = r.c + n_edges + 1;
	of[0] = ax_calloc(1, sizeof(**of));
	n[0] = 1;
	for (l = 0; l < p->layers && n[l] && all; l++) {
		relax(&r, p, e, n_edges, l + 1);
		all = expand(p, room, &n[l + 1], of[l], n[l], l, &r, known);
		of[l + 1] = ax_calloc(n[l + 1] + 1, sizeof(**of));
		memcpy(of[l + 1], room, n[l + 1] * sizeof(**of));
	}
	/* the last is the best; what rounding let in is not taken */
	for (s = all && l == p->layers ? n[l] : 0; s-- > 0;) {
		for (l = p->layers, at = s; l > 0; l--) {
			better[l - 1] = p->option[of[l][at].option].item;
			at = of[l][at].before;
		}
		if (!fits(p, better))
			continue;
		memcpy(choice, better, p->layers * sizeof(*better));
		break;
	}
	for (l = 0; l <= p->layers; l++)
		free(of[l]);
	free(of);
	free(n);
	free(better);
	free(room);
	free(r.c);
	free(e);
}

bool
ax_choose(size_t *choice, const double *damage, const double *share,
	  const double *cost, size_t layers, size_t items, double budget)
{
	struct problem p = {damage, share, cost, layers, items,
			    budget, 0,     NULL, NULL};
	bool found = find_options(&p);
	size_t l;

	for (l = 0; l < layers; l++)
		p.most += share[l];
	p.most *= budget * (1 + 1e-12);
	if (found && !by_bins(&p, choice)) {
		for (l = 0; l < layers; l++)
			choice[l] = p.option[p.first[l]].item;
		found = fits(&p, choice);
	}
	if (found) {
		refine(&p, choice);
		search(&p, choice);
	}
	free(p.option);
	free(p.first);
	return found;
}

static void
give(size_t *choice, const bool *kept, size_t layers, size_t item)
{
	for (size_t l = 0; l < layers; l++)
		if (!kept || !kept[l])
			choice[l] = item;
}

bool
ax_choose_one(size_t *item, size_t *choice, const bool *kept,
	      const double *damage, const double *share, const double *cost,
	      size_t layers, size_t items, double budget)
{
	double best = INFINITY, d;
	bool found = false;

	for (size_t i = 0; i < items; i++) {
		give(choice, kept, layers, i);
		d = total(choice, damage, layers, items);
		if (!isfinite(d) ||
		    ax_choose_cost(choice, share, cost, layers) > budget ||
		    (found &&
		     (d > best || (d == best && cost[i] >= cost[*item]))))
			continue;
		found = true;
		best = d;
		*item = i;
	}
	if (found)
		give(choice, kept, layers, *item);
	return found;
}
