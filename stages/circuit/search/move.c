/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "stages/circuit/search/island_impl.h"

/* At most this many pairs of signals are looked at in a visit. */
enum { PAIRS = 600, EXOR_TESTS = 200, DEEP_PAIRS = 200 };

/* What takes the place of a signal. */
struct cand {
	enum { NOTHING, CONSTANT, SIGNAL, GATE, TWO_GATES } kind;
	struct ax_form form; /* GATE: of x and y */
	struct ax_form last; /* TWO_GATES: of z and that one */
	uint16_t x, y, z;
	unsigned inv; /* CONSTANT: its value; SIGNAL: inverted */
	double score; /* cost change less noise; above 0 is not taken */
	double late;  /* what of it is for its delay */
};

/* The visit at hand. */
struct visit {
	uint16_t v;      /* the signal */
	int pin;         /* output pin, or -1: every use of v */
	unsigned cone;   /* nodes that depend on v, in i->cone */
	unsigned listed; /* signals that may be used, in i->list */
	unsigned ands, ors;
	unsigned deads; /* what dies with v, in i->dead */
	int64_t freed;
	double temp;
	double loose; /* of the choice: higher where gates tell costs badly */
	double gain;  /* the most there is in being earlier */
	struct cand best;
	/* what pairs are looked for: a function that is 1 on `on` and 0 on
	 * `off`, to be the whole replacement or what is still missing beside
	 * `z` */
	const uint64_t *on, *off;
	enum { WHOLE, AND_Z, OR_Z, EXOR_Z } part;
	uint32_t z; /* 2 * signal + inverted */
};

static uint16_t
operand(const struct cand *c, int k)
{
	return k == 0 ? c->x : k == 1 ? c->y : c->z;
}

/* --- what is saved ------------------------------------------------------- */

static void
drop_use(struct ax_island *i, struct visit *t, uint16_t sig)
{
	if (--i->uses[sig] == 0 && sig >= i->c.ins)
		i->dead[t->deads++] = sig;
}

/* Cost of what dies when v (or the pin's use of it) goes, while what the
 * replacement reads is needed. Leaves the dead in i->dead. */
static int64_t
freed_cost(struct ax_island *i, struct visit *t, const struct cand *by)
{
	const int reads = by ? by->kind - CONSTANT : 0;
	struct ax_circuit *c = &i->c;
	int64_t sum = 0;
	unsigned j, k;

	t->deads = 0;
	for (int r = 0; r < reads; r++)
		i->uses[operand(by, r)]++;
	if (t->pin >= 0)
		drop_use(i, t, t->v);
	else
		i->dead[t->deads++] = t->v;
	for (unsigned d = 0; d < t->deads; d++) {
		j = i->dead[d] - c->ins;
		sum += i->s->costs.of[c->gate[j]];
		k = ax_g_inputs((enum ax_g)c->gate[j]);
		for (unsigned w = 0; w < k; w++)
			drop_use(i, t, c->in[j][w]);
	}
	for (unsigned d = 0; d < t->deads; d++) {
		j = i->dead[d] - c->ins;
		k = ax_g_inputs((enum ax_g)c->gate[j]);
		for (unsigned w = 0; w < k; w++)
			i->uses[c->in[j][w]]++;
	}
	if (t->pin >= 0)
		i->uses[t->v]++;
	for (int r = 0; r < reads; r++)
		i->uses[operand(by, r)]--;
	return sum;
}

/* --- offering replacements ----------------------------------------------- */

static double
noise(struct ax_island *i)
{
	return i->s->noise[ax_rng_u32(&i->rng) >> 22];
}

/* The score of an offer before it is known to fit; false: not worth a test. */
static bool
promising(struct ax_island *i, struct visit *t, int64_t cost, double *score)
{
	*score = (double)(cost - t->freed) - t->loose * noise(i);
	return *score <= t->gain && *score - t->gain < t->best.score;
}

/* Adds to the score what its delay is worth; false when it is too late. */
static bool
in_time(const struct ax_island *i, const struct visit *t, struct cand *c)
{
	const struct ax_timer *w = ax_gauge_timer(i->gauge);
	double late = 0, own = 0;

	if (!w || c->kind == CONSTANT)
		return true;
	late = ax_timer_at(w, c->x);
	if (c->kind == SIGNAL && c->inv)
		own = ax_timer_guess(w, AX_G_INV, t->v);
	if (c->kind >= GATE) {
		late = AX_MAX(late, ax_timer_at(w, c->y));
		own = ax_timer_guess(w, (enum ax_g)c->form.gate, t->v);
	}
	if (c->kind == TWO_GATES) {
		late = AX_MAX(late + own, ax_timer_at(w, c->z));
		own = ax_timer_guess(w, (enum ax_g)c->last.gate, t->v);
	}
	/* a guess: what is a little late may still do */
	c->late = ax_gauge_late(i->gauge, t->v, late + own, 0.3 * own);
	c->score += c->late;
	return c->score <= 0 && c->score < t->best.score;
}

/* Takes the offer when what it keeps alive does not spoil it. */
static void
offer(struct ax_island *i, struct visit *t, struct cand c)
{
	bool kept = false;

	if (i->gauge && !in_time(i, t, &c))
		return;

	for (int r = 0; r < (int)c.kind - CONSTANT; r++)
		kept = kept || i->is_dead[operand(&c, r)];
	if (kept) {
		unsigned deads = t->deads;

		for (unsigned d = 0; d < deads; d++)
			i->is_dead[i->dead[d]] = 0;
		c.score += (double)(t->freed - freed_cost(i, t, &c));
		t->freed = freed_cost(i, t, NULL);
		for (unsigned d = 0; d < t->deads; d++)
			i->is_dead[i->dead[d]] = 1;
		if (!(c.score <= 0 && c.score < t->best.score))
			return;
	}
	t->best = c;
}

static const uint64_t *
pool_row(const struct ax_island *i, uint16_t sig)
{
	return i->pool + (size_t)i->row[sig] * AX_POOL_WORDS;
}

/* The gate that v is already. */
static bool
is_same(const struct ax_island *i, const struct visit *t,
	const struct ax_form *f, uint16_t x, uint16_t y)
{
	unsigned j = t->v - i->c.ins;
	const uint16_t *in;

	if (t->pin >= 0 || f->ix || f->iy || f->io || i->c.gate[j] != f->gate)
		return false;
	in = i->c.in[j];
	return (in[0] == x && in[1] == y) || (in[0] == y && in[1] == x);
}

/*
 * The gate of a and b (an OR or AND of literals) as the replacement or, beside
 * z, its missing part; AX_G_KINDS where it cannot be made. Returns the cost.
 */
static int64_t
pair_forms(const struct ax_island *i, const struct visit *t, unsigned is_or,
	   uint32_t a, uint32_t b, struct cand *c)
{
	const struct ax_search *s = i->s;
	const struct ax_form *f = &s->two[is_or][a & 1][b & 1], *g, *last;
	const struct ax_form *last_inv;

	*c = (struct cand){.kind = GATE,
			   .form = *f,
			   .x = (uint16_t)(a / 2),
			   .y = (uint16_t)(b / 2)};
	if (t->part == WHOLE)
		return f->cost;
	/* or the inverse of it, and that where its inverse is wanted */
	g = &s->two[!is_or][!(a & 1)][!(b & 1)];
	if (t->part == EXOR_Z) {
		last = &s->exor[0];
		last_inv = &s->exor[1];
	} else {
		last = &s->two[t->part == OR_Z][t->z & 1][0];
		last_inv = &s->two[t->part == OR_Z][t->z & 1][1];
	}
	c->kind = TWO_GATES;
	c->z = (uint16_t)(t->z / 2);
	if (f->gate == AX_G_KINDS || last->gate == AX_G_KINDS ||
	    (g->gate != AX_G_KINDS && last_inv->gate != AX_G_KINDS &&
	     g->cost + last_inv->cost < f->cost + last->cost)) {
		f = g;
		last = last_inv;
	}
	c->form = *f;
	c->last = *last;
	if (f->gate == AX_G_KINDS || last->gate == AX_G_KINDS) {
		c->form.gate = AX_G_KINDS;
		return 0;
	}
	return f->cost + last->cost;
}

static void
offer_pair(struct ax_island *i, struct visit *t, unsigned is_or, uint32_t a,
	   uint32_t b)
{
	struct cand c;
	int64_t cost;

	i->stats.candidates++;
	if (a / 2 == b / 2)
		return;
	cost = pair_forms(i, t, is_or, a, b, &c);
	if (c.form.gate == AX_G_KINDS || !promising(i, t, cost, &c.score) ||
	    (t->part == WHOLE && is_same(i, t, &c.form, c.x, c.y)))
		return;
	/* AND must be 0 on off; OR must be 1 on on */
	if (!i->p->kern->disjoint(pool_row(i, c.x), (a & 1) ^ is_or,
				  pool_row(i, c.y), (b & 1) ^ is_or,
				  is_or ? t->on : t->off))
		return;
	offer(i, t, c);
}

static void
offer_pairs(struct ax_island *i, struct visit *t, unsigned is_or,
	    const uint32_t *lit, unsigned n, unsigned most)
{
	if (n < 2)
		return;
	if ((uint64_t)n * (n - 1) / 2 <= most) {
		for (unsigned a = 1; a < n; a++)
			for (unsigned b = 0; b < a; b++)
				offer_pair(i, t, is_or, lit[a], lit[b]);
		return;
	}
	for (unsigned k = 0; k < most; k++) {
		unsigned a = ax_rng_below(&i->rng, n);
		unsigned b = ax_rng_below(&i->rng, n - 1);

		offer_pair(i, t, is_or, lit[a], lit[b + (b >= a)]);
	}
}

/*
 * x ^ y = v (or its inverse) on the care set: a hash join of one word of each
 * signal, then a test of the rest.
 */
static void
offer_exors(struct ax_island *i, struct visit *t)
{
	uint32_t head[1024], *next = i->new_row;
	const uint64_t *v = pool_row(i, t->v);
	uint64_t *care = i->bad, key, want;
	unsigned word = 0, most = 0, tests = 0, n;
	double score;

	for (unsigned w = 0; w < AX_POOL_WORDS; w++) {
		n = (unsigned)__builtin_popcountll(care[w]);
		if (n > most) {
			most = n;
			word = w;
		}
	}
	memset(head, 0, sizeof(head));
	for (unsigned a = 0; a < t->listed && tests < EXOR_TESTS; a++) {
		uint16_t x = i->list[a];

		key = pool_row(i, x)[word] & care[word];
		for (unsigned inv = 0; inv < 2; inv++) {
			const struct ax_form *f = &i->s->exor[inv];

			if (f->gate == AX_G_KINDS)
				continue;
			want = (key ^ v[word] ^ (0 - (uint64_t)inv)) &
			       care[word];
			for (uint32_t b =
				     head[(want * 0x9e3779b97f4a7c15u) >> 54];
			     b; b = next[b - 1]) {
				uint16_t y = i->list[b - 1];

				if ((pool_row(i, y)[word] & care[word]) != want)
					continue;
				i->stats.candidates++;
				if (++tests > EXOR_TESTS)
					break;
				if (!promising(i, t, f->cost, &score) ||
				    is_same(i, t, f, x, y) ||
				    !i->p->kern->xor_fits(pool_row(i, x),
							  pool_row(i, y), v,
							  care, inv))
					continue;
				offer(i, t,
				      (struct cand){.kind = GATE,
						    .form = *f,
						    .x = x,
						    .y = y,
						    .score = score});
			}
		}
		n = (unsigned)((key * 0x9e3779b97f4a7c15u) >> 54);
		next[a] = head[n];
		head[n] = a + 1;
	}
}

/*
 * Two gates: v = z & g, z | g or z ^ g, with z drawn at random and g, a gate of
 * two signals, what is still missing: where z alone decides, g is free.
 */
static void
offer_deep(struct ax_island *i, struct visit *t)
{
	const uint64_t *v = pool_row(i, t->v), *z;
	unsigned draw = ax_rng_below(&i->rng, 5), ands = 0, ors = 0;
	uint64_t inv;

	if (draw < 2 && t->ands) {
		t->part = AND_Z;
		t->z = i->and_lit[ax_rng_below(&i->rng, t->ands)];
	} else if (draw < 4 && t->ors) {
		t->part = OR_Z;
		t->z = i->or_lit[ax_rng_below(&i->rng, t->ors)];
	} else if (i->s->exor[0].gate != AX_G_KINDS && t->listed) {
		t->part = EXOR_Z;
		t->z = 2u * i->list[ax_rng_below(&i->rng, t->listed)];
	} else {
		return;
	}
	z = pool_row(i, (uint16_t)(t->z / 2));
	inv = 0 - (uint64_t)(t->z & 1);
	for (unsigned w = 0; w < AX_POOL_WORDS; w++) {
		uint64_t x = z[w] ^ inv, care = i->care1[w] | i->care0[w];

		i->part1[w] = t->part == EXOR_Z ? care & (v[w] ^ x)
			      : t->part == OR_Z ? i->care1[w] & ~x
						: i->care1[w];
		i->part0[w] = t->part == EXOR_Z  ? care & ~(v[w] ^ x)
			      : t->part == AND_Z ? i->care0[w] & x
						 : i->care0[w];
	}
	t->on = i->part1;
	t->off = i->part0;
	i->p->kern->scan(i->pool, i->list_row, t->listed, t->on, t->off,
			 i->flags);
	for (unsigned a = 0; a < t->listed; a++) {
		unsigned f = i->flags[a];
		uint32_t x = 2u * i->list[a];

		if (f == 15)
			continue;
		if (!(f & AX_HIT_1_0))
			i->and_lit[ands++] = x;
		if (!(f & AX_HIT_1_1))
			i->and_lit[ands++] = x + 1;
		if (!(f & AX_HIT_0_1))
			i->or_lit[ors++] = x;
		if (!(f & AX_HIT_0_0))
			i->or_lit[ors++] = x + 1;
	}
	offer_pairs(i, t, 0, i->and_lit, ands, DEEP_PAIRS);
	offer_pairs(i, t, 1, i->or_lit, ors, DEEP_PAIRS);
}

static void
offer_all(struct ax_island *i, struct visit *t)
{
	int64_t inv = i->s->costs.of[AX_G_INV], least = INT64_MAX;
	bool one = false, zero = false;
	double reach = i->s->noise[0] * t->loose + t->gain, score;

	for (unsigned w = 0; w < AX_POOL_WORDS; w++) {
		one = one || i->care1[w];
		zero = zero || i->care0[w];
	}
	for (unsigned value = 0; value < 2; value++)
		if (!(value ? zero : one) && promising(i, t, 0, &score) &&
		    !(t->v >= i->c.ins &&
		      i->c.gate[t->v - i->c.ins] <= AX_G_CONST1))
			offer(i, t,
			      (struct cand){.kind = CONSTANT,
					    .inv = value,
					    .score = score});
	t->on = i->care1;
	t->off = i->care0;
	t->part = WHOLE;
	t->ands = t->ors = 0;
	i->p->kern->scan(i->pool, i->list_row, t->listed, i->care1, i->care0,
			 i->flags);
	for (unsigned a = 0; a < t->listed; a++) {
		unsigned f = i->flags[a];
		uint16_t x = i->list[a];

		if (f == 15)
			continue;
		i->stats.candidates++;
		if (!(f & (AX_HIT_1_0 | AX_HIT_0_1))) {
			if (promising(i, t, 0, &score))
				offer(i, t,
				      (struct cand){.kind = SIGNAL,
						    .x = x,
						    .score = score});
			continue;
		}
		if (!(f & (AX_HIT_1_1 | AX_HIT_0_0))) {
			if (promising(i, t, inv, &score) &&
			    !(t->pin < 0 && t->v >= i->c.ins &&
			      i->c.gate[t->v - i->c.ins] == AX_G_INV &&
			      i->c.in[t->v - i->c.ins][0] == x))
				offer(i, t,
				      (struct cand){.kind = SIGNAL,
						    .x = x,
						    .inv = 1,
						    .score = score});
			continue;
		}
		if (!(f & AX_HIT_1_0))
			i->and_lit[t->ands++] = 2u * x;
		if (!(f & AX_HIT_1_1))
			i->and_lit[t->ands++] = 2u * x + 1;
		if (!(f & AX_HIT_0_1))
			i->or_lit[t->ors++] = 2u * x;
		if (!(f & AX_HIT_0_0))
			i->or_lit[t->ors++] = 2u * x + 1;
	}
	for (unsigned k = 0; k < 8; k++)
		least = AX_MIN(least,
			       i->s->two[k >> 2][k >> 1 & 1][k & 1].cost);
	if ((double)(least - t->freed) <= reach) {
		offer_pairs(i, t, 0, i->and_lit, t->ands, PAIRS);
		offer_pairs(i, t, 1, i->or_lit, t->ors, PAIRS);
	}
	least = AX_MIN(i->s->exor[0].cost, i->s->exor[1].cost);
	if (least != INT64_MAX && (double)(least - t->freed) <= reach)
		offer_exors(i, t);
	if ((double)(i->s->deep - t->freed) <= reach / 2)
		offer_deep(i, t);
}

/* --- checking and taking ------------------------------------------------- */

struct build {
	struct ax_kop op[8]; /* what computes the new function, by rows */
	struct {
		uint8_t gate;
		uint16_t a, b;
	} node[8]; /* the same by signals; new ones follow the old */
	unsigned n;
	uint32_t row; /* of the new function */
	uint16_t sig;
};

static uint16_t
build_node(struct ax_island *i, struct build *b, enum ax_g g, uint16_t x,
	   uint16_t y)
{
	uint16_t sig = (uint16_t)(i->c.ins + i->c.n + b->n);

	if (ax_g_inputs(g) < 2)
		y = x;
	i->row[sig] = ax_island_take_row(i);
	b->op[b->n] = (struct ax_kop){i->row[x], i->row[y], i->row[sig], g};
	b->node[b->n].gate = (uint8_t)g;
	b->node[b->n].a = x;
	b->node[b->n].b = y;
	b->n++;
	return sig;
}

static uint16_t
build_form(struct ax_island *i, struct build *b, const struct ax_form *f,
	   uint16_t x, uint16_t y)
{
	uint16_t r;

	if (f->ix)
		x = build_node(i, b, AX_G_INV, x, x);
	if (f->iy)
		y = build_node(i, b, AX_G_INV, y, y);
	r = build_node(i, b, (enum ax_g)f->gate, x, y);
	return f->io ? build_node(i, b, AX_G_INV, r, r) : r;
}

static void
build(struct ax_island *i, struct build *b, const struct cand *c)
{
	b->n = 0;
	switch (c->kind) {
	case CONSTANT:
		b->sig = build_node(i, b, c->inv ? AX_G_CONST1 : AX_G_CONST0, 0,
				    0);
		break;
	case SIGNAL:
		b->sig = c->inv ? build_node(i, b, AX_G_INV, c->x, c->x) : c->x;
		break;
	default:
		b->sig = build_form(i, b, &c->form, c->x, c->y);
		if (c->kind == TWO_GATES)
			b->sig = build_form(i, b, &c->last, c->z, b->sig);
		break;
	}
	b->row = i->row[b->sig];
}

/* The steps of the cone, before and after. */
static void
cone_steps(struct ax_island *i, const struct visit *t, uint32_t new_row)
{
	const struct ax_circuit *c = &i->c;

	for (unsigned k = 0; k < t->cone; k++) {
		unsigned j = i->cone[k];
		struct ax_kop op = {i->row[c->in[j][0]], i->row[c->in[j][1]],
				    i->row[c->ins + j], c->gate[j]};

		i->old_op[k] = op;
		if (c->in[j][0] == t->v)
			op.a = new_row;
		if (c->in[j][1] == t->v)
			op.b = new_row;
		i->new_op[k] = op;
	}
}

/* Checks one block, computing the new values in place; false: bound broken,
 * with the patterns in i->bad. */
static bool
check_block(struct ax_island *i, const struct visit *t, const struct build *b,
	    uint32_t block)
{
	const struct ax_search_kern *kern = i->p->kern;
	const struct ax_circuit *c = &i->c;
	uint64_t *base = i->full + (size_t)block * AX_BLOCK_WORDS;
	const uint64_t *out[AX_CIRCUIT_OUTS];
	bool differs = false;

	kern->run(base, i->stride, b->op, b->n);
	if (memcmp(base + b->row * i->stride, base + i->row[t->v] * i->stride,
		   AX_BLOCK_WORDS * 8) == 0)
		return true;
	i->touched[block] = 1;
	i->changed[t->v] = 1;
	for (unsigned k = 0; k < t->cone; k++) {
		unsigned j = i->cone[k];

		i->changed[c->ins + j] =
			(i->changed[c->in[j][0]] | i->changed[c->in[j][1]]) &&
			kern->step(base, i->stride, &i->new_op[k]);
	}
	for (unsigned o = 0; o < c->outs; o++) {
		uint16_t s = c->out[o];
		uint32_t row = i->row[s];

		if (t->pin < 0 ? s == t->v : (int)o == t->pin) {
			row = b->row;
			differs = true;
		} else if (t->pin < 0) {
			differs = differs || i->changed[s];
		}
		out[o] = base + row * i->stride;
	}
	return !differs ||
	       !kern->bound(out,
			    i->s->limits + (size_t)block * i->p->outs * 2 *
						   AX_BLOCK_WORDS,
			    i->p->outs, i->p->extend, i->bad);
}

static void
put_back(struct ax_island *i, const struct visit *t)
{
	for (size_t b = 0; b < i->p->blocks; b++)
		if (i->touched[b])
			i->p->kern->run(i->full + b * AX_BLOCK_WORDS, i->stride,
					i->old_op, t->cone);
}

/* Puts the old values back and learns from the patterns in i->bad. */
static void
retreat(struct ax_island *i, const struct visit *t, uint32_t block)
{
	unsigned start = ax_rng_below(&i->rng, AX_BLOCK_WORDS), learnt = 0;

	put_back(i, t);
	for (unsigned k = 0; k < AX_BLOCK_WORDS && learnt < 4; k++) {
		unsigned w = (start + k) % AX_BLOCK_WORDS;

		if (!i->bad[w])
			continue;
		ax_island_remember(i, ((size_t)block * AX_BLOCK_BITS + w * 64 +
				       (size_t)__builtin_ctzll(i->bad[w])) %
					      i->p->patterns);
		learnt++;
	}
}

static bool
check(struct ax_island *i, const struct visit *t, const struct build *b)
{
	uint32_t block;

	memset(i->touched, 0, i->p->blocks);
	memset(i->changed, 0, i->c.ins + i->c.n);
	for (size_t k = 0; k < i->p->blocks; k++) {
		block = i->order[k];
		if (check_block(i, t, b, block))
			continue;
		memmove(i->order + 1, i->order, k * sizeof(*i->order));
		i->order[0] = block;
		retreat(i, t, block);
		return false;
	}
	return true;
}

/* Signal of the circuit that comes, for one of old and new nodes. */
static uint16_t
now(const struct visit *t, const struct build *b, uint16_t sig)
{
	return t->pin < 0 && sig == t->v ? b->sig : sig;
}

/*
 * i->next becomes the circuit with the replacement, operands before their
 * users: a walk from the outputs, which also leaves out what died.
 */
static void
rewrite(struct ax_island *i, const struct visit *t, const struct build *b)
{
	struct ax_circuit *c = &i->c, *to = &i->next;
	unsigned ins = c->ins, total = c->n + b->n, depth = 0;

	to->ins = ins;
	to->outs = c->outs;
	to->n = 0;
	ax_circuit_reserve(to, total + 1);
	ax_island_room(i, total + 8);
	for (unsigned s = 0; s < ins; s++) {
		i->place[s] = (uint16_t)s;
		i->new_row[s] = i->row[s];
	}
	memset(i->place + ins, 0xff, total * sizeof(*i->place));
	for (unsigned o = 0; o < c->outs; o++) {
		uint16_t root =
			(int)o == t->pin ? b->sig : now(t, b, c->out[o]);

		i->stack[depth++] = root;
		while (depth) {
			uint16_t s = i->stack[depth - 1], in[2];
			unsigned j = s - ins, k, waiting = depth;
			uint8_t gate;

			if (i->place[s] != UINT16_MAX) {
				depth--;
				continue;
			}
			if (j < c->n) {
				gate = c->gate[j];
				in[0] = now(t, b, c->in[j][0]);
				in[1] = now(t, b, c->in[j][1]);
			} else {
				gate = b->node[j - c->n].gate;
				in[0] = b->node[j - c->n].a;
				in[1] = b->node[j - c->n].b;
			}
			k = ax_g_inputs((enum ax_g)gate);
			for (unsigned w = k; w-- > 0;)
				if (i->place[in[w]] == UINT16_MAX)
					i->stack[depth++] = in[w];
			if (depth > waiting)
				continue;
			depth--;
			i->new_row[ins + to->n] = i->row[s];
			i->place[s] = ax_circuit_add(
				to, (enum ax_g)gate, k ? i->place[in[0]] : 0,
				k == 2 ? i->place[in[1]] : 0);
		}
		to->out[o] = i->place[root];
	}
}

/* i->next takes the place of the circuit. */
static void
commit(struct ax_island *i, const struct build *b)
{
	struct ax_circuit swap = i->c;
	unsigned ins = i->c.ins, total = i->c.n + b->n;
	uint32_t *rows = i->row;
	double *toggles = i->toggles;

	for (unsigned s = ins; s < ins + total; s++)
		if (i->place[s] == UINT16_MAX)
			i->spare[i->spares++] = i->row[s];
	i->c = i->next;
	i->next = swap;
	i->row = i->new_row;
	i->new_row = rows;
	ax_island_count_uses(i);
	if (!i->gauge) {
		i->cost = ax_circuit_cost(&i->c, &i->s->costs);
		return;
	}
	i->toggles = i->next_toggles;
	i->next_toggles = toggles;
	ax_gauge_take(i->gauge, &i->c);
	i->cost = ax_gauge_now(i->gauge)->cost;
}

/* What the candidate's noise lets the cost rise by. */
static double
allowance(const struct ax_island *i, const struct visit *t)
{
	int64_t change = ax_circuit_cost(&i->next, &i->s->costs) -
			 ax_circuit_cost(&i->c, &i->s->costs);
	double rise;

	rise = (double)change + t->best.late - t->best.score;
	return t->loose > t->temp ? rise * (t->temp / t->loose) : rise;
}

/* Whether delay, area and the like of i->next allow it. */
static bool
affordable(struct ax_island *i, const struct visit *t)
{
	ax_gauge_try(i->gauge, &i->c, &i->next, i->place);
	/* the energy waits until the signals are known */
	return i->toggles || ax_gauge_good(i->gauge, allowance(i, t));
}

/* Whether its energy does; the signals are those of i->next already. */
static bool
economical(struct ax_island *i, const struct visit *t, const struct build *b)
{
	const struct ax_activity *a = i->s->full->activity;
	unsigned ins = i->c.ins, n = ins + i->c.n;
	uint8_t *changed = i->flags;
	uint16_t to;

	memset(changed, 0, n);
	for (unsigned k = 0; k < t->cone; k++)
		changed[ins + i->cone[k]] = 1;
	for (unsigned s = 0; s < n + b->n; s++) {
		to = i->place[s];
		if (to == UINT16_MAX)
			continue;
		if (s < n && !changed[s])
			i->next_toggles[to] = i->toggles[s];
		else
			i->next_toggles[to] = ax_activity_toggles(
				a,
				ax_activity_ones(a,
						 i->full + (size_t)i->row[s] *
								   i->stride,
						 0, i->p->blocks));
	}
	ax_gauge_try_energy(i->gauge, &i->next, i->next_toggles);
	return ax_gauge_good(i->gauge, allowance(i, t));
}

/* --- a visit ------------------------------------------------------------- */

/* Marks what depends on v, inverts v on the pool and finds the patterns that
 * then break the bound: care1 where v is 1, care0 where it is 0. */
static void
find_care(struct ax_island *i, struct visit *t)
{
	const struct ax_circuit *c = &i->c;
	const uint64_t *out[AX_CIRCUIT_OUTS], *v;
	uint8_t *in_cone = i->changed;
	uint32_t flips = i->rows;

	memset(in_cone, 0, c->ins + c->n);
	in_cone[t->v] = 1;
	i->flip_row[t->v] = flips++;
	i->old_op[0] = (struct ax_kop){i->row[t->v], i->row[t->v],
				       i->flip_row[t->v], AX_G_INV};
	t->cone = 0;
	for (unsigned j = t->pin < 0 ? t->v - c->ins + 1u : c->n; j < c->n;
	     j++) {
		uint16_t a = c->in[j][0], b = c->in[j][1];

		if (!(in_cone[a] | in_cone[b]))
			continue;
		in_cone[c->ins + j] = 1;
		i->flip_row[c->ins + j] = flips;
		i->cone[t->cone++] = (uint16_t)j;
		i->old_op[t->cone] =
			(struct ax_kop){in_cone[a] ? i->flip_row[a] : i->row[a],
					in_cone[b] ? i->flip_row[b] : i->row[b],
					flips, c->gate[j]};
		flips++;
	}
	i->p->kern->pool_run(i->pool, i->old_op, t->cone + 1);
	for (unsigned o = 0; o < c->outs; o++) {
		uint16_t s = c->out[o];
		bool flip = t->pin < 0 ? in_cone[s] : (int)o == t->pin;

		out[o] = i->pool + (size_t)(flip ? i->flip_row[s] : i->row[s]) *
					   AX_POOL_WORDS;
	}
	i->p->kern->pool_bound(out, i->pool_limits, i->p->outs, i->p->extend,
			       i->bad);
	v = pool_row(i, t->v);
	for (unsigned w = 0; w < AX_POOL_WORDS; w++) {
		i->care1[w] = i->bad[w] & v[w];
		i->care0[w] = i->bad[w] & ~v[w];
	}
	t->listed = 0;
	for (unsigned s = 0; s < c->ins + c->n; s++) {
		i->list[t->listed] = (uint16_t)s;
		i->list_row[t->listed] = i->row[s];
		t->listed += !in_cone[s];
	}
}

/* The rows of what was built are free again. */
static void
drop(struct ax_island *i, const struct build *b)
{
	for (unsigned n = b->n; n-- > 0;)
		i->spare[i->spares++] = i->row[i->c.ins + i->c.n + n];
}

void
ax_island_visit(struct ax_island *i, double temperature)
{
	unsigned k = ax_rng_below(&i->rng, i->c.n + i->c.outs);
	struct visit t = {.pin = -1, .temp = temperature, .loose = temperature};
	struct build b;

	if (k < i->c.n) {
		t.v = (uint16_t)(i->c.ins + k);
	} else {
		t.v = i->c.out[k - i->c.n];
		/* a pin that is the only user is visited as its signal */
		if (t.v < i->c.ins || i->uses[t.v] > 1)
			t.pin = (int)(k - i->c.n);
	}
	if (i->gauge)
		t.loose += i->s->full->doubt;
	find_care(i, &t);
	t.best.score = HUGE_VAL;
	t.freed = freed_cost(i, &t, NULL);
	if (i->gauge)
		t.gain = ax_gauge_gain(i->gauge, t.v);
	for (unsigned d = 0; d < t.deads; d++)
		i->is_dead[i->dead[d]] = 1;
	offer_all(i, &t);
	for (unsigned d = 0; d < t.deads; d++)
		i->is_dead[i->dead[d]] = 0;
	if (t.best.kind == NOTHING)
		return;
	i->stats.checks++;
	build(i, &b, &t.best);
	if (i->gauge) {
		rewrite(i, &t, &b);
		if (!affordable(i, &t)) {
			drop(i, &b);
			return;
		}
	}
	cone_steps(i, &t, b.row);
	if (!check(i, &t, &b)) {
		i->stats.failed++;
		drop(i, &b);
		return;
	}
	if (i->toggles && !economical(i, &t, &b)) {
		put_back(i, &t);
		drop(i, &b);
		return;
	}
	i->stats.taken++;
	i->p->kern->pool_run(i->pool, b.op, b.n);
	i->p->kern->pool_run(i->pool, i->new_op, t.cone);
	if (!i->gauge)
		rewrite(i, &t, &b);
	commit(i, &b);
}
