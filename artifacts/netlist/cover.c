/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/netlist/cover.h"

#include "artifacts/base/base.h"
#include "artifacts/netlist/cover_impl.h"

/* Rounds of exact area before cells of two outputs are looked for; nodes of the
 * same leaves that are looked at as partners. */
enum { ROUNDS = 3, NEAR = 64 };

/* --- cuts ---------------------------------------------------------------- */

static inline uint64_t
mark_of(uint32_t leaf)
{
	return (uint64_t)1 << (leaf & 63);
}

/* Leaves that the function does not depend on go. */
static void
shrink(struct cut *c, unsigned support)
{
	unsigned n = 0;

	c->mark = 0;
	for (unsigned i = 0; i < c->n; i++)
		if (support >> i & 1) {
			c->mark |= mark_of(c->leaf[i]);
			c->leaf[n++] = c->leaf[i];
		}
	/* the function moves with them, from the top */
	for (unsigned i = LEAVES; i-- > 0;) {
		unsigned step = 1u << i, tt = c->tt, out = 0;

		if (support >> i & 1 || i >= c->n)
			continue;
		for (unsigned p = 0, q = 0; p < 8; p++)
			if (!(p & step))
				out |= (tt >> p & 1) << q++;
		c->tt = (uint8_t)(out | out << 4);
	}
	c->n = (uint8_t)n;
	for (; n < LEAVES; n++)
		c->leaf[n] = NO_REF;
}

/* The leaves of both, and which of them are whose; false: too many. */
static inline bool
join(struct cut *to, const struct cut *a, const struct cut *b, unsigned *of_a,
     unsigned *of_b)
{
	unsigned i = 0, j = 0, n = 0;
	uint64_t more = a->mark | b->mark;

	/* most have too many, and their marks tell */
	to->mark = more;
	more &= more - 1;
	more &= more - 1;
	if (more & (more - 1))
		return false;
	*of_a = *of_b = 0;
	for (;;) {
		uint32_t x = a->leaf[i], y = b->leaf[j];
		uint32_t least = x < y ? x : y;

		if (least == NO_REF)
			break;
		if (n == LEAVES)
			return false;
		to->leaf[n] = least;
		*of_a |= (unsigned)(x == least) << n;
		*of_b |= (unsigned)(y == least) << n;
		i += x == least;
		j += y == least;
		n++;
	}
	to->n = (uint8_t)n;
	for (; n <= LEAVES; n++)
		to->leaf[n] = NO_REF;
	return true;
}

static inline bool
same_leaves(const struct cut *a, const struct cut *b)
{
	return memcmp(a->leaf, b->leaf, sizeof(a->leaf)) == 0;
}

static void
add_cut(struct ax_cover *v, uint32_t ref, struct cut *c)
{
	struct cut *list = v->cut[ref];
	unsigned n = v->cuts[ref], support = v->k->support[c->tt];

	if (support != (1u << c->n) - 1)
		shrink(c, support);
	for (unsigned i = 1; i < n; i++)
		if (same_leaves(&list[i], c))
			return;
	if (n < CUTS) {
		list[n] = *c;
		v->cuts[ref] = (uint8_t)(n + 1);
	}
}

/* A signal by itself. */
static void
add_itself(struct ax_cover *v, uint32_t ref)
{
	v->cut[ref][0] = (struct cut){
		mark_of(ref), {ref, NO_REF, NO_REF, NO_REF}, 1, 0xaa};
	v->cuts[ref] = 1;
}

static void
find_cuts(struct ax_cover *v, uint32_t ref)
{
	const struct ax_cover_gate *g = &v->is[ref];
	const struct cut *a = v->cut[g->in[0]], *b = v->cut[g->in[1]];
	unsigned na = v->cuts[g->in[0]], nb = v->cuts[g->in[1]];
	unsigned on[4], of_a, of_b;
	struct cut c;

	add_itself(v, ref);
	if (g->n == 0) {
		c = (struct cut){0, {NO_REF, NO_REF, NO_REF, NO_REF}, 0, 0};
		c.tt = g->tt & 1 ? 0xff : 0;
		add_cut(v, ref, &c);
		return;
	}
	for (unsigned q = 0; q < 4; q++)
		on[q] = g->tt >> q & 1 ? 0xff : 0;
	if (g->n == 1) {
		for (unsigned i = 0; i < na; i++) {
			c = a[i];
			c.tt = (uint8_t)((~c.tt & on[0]) | (c.tt & on[1]));
			add_cut(v, ref, &c);
		}
		return;
	}
	/* the gate itself first: it always has a chance */
	for (unsigned i = 0; i < na; i++)
		for (unsigned j = 0; j < nb; j++) {
			unsigned x, y;

			if (!join(&c, &a[i], &b[j], &of_a, &of_b))
				continue;
			x = v->k->spread[of_a][a[i].tt];
			y = v->k->spread[of_b][b[j].tt];
			c.tt = (uint8_t)((~x & ~y & on[0]) | (x & ~y & on[1]) |
					 (~x & y & on[2]) | (x & y & on[3]));
			add_cut(v, ref, &c);
		}
}

/* --- the cover ----------------------------------------------------------- */

static inline int64_t
cost_of(const struct ax_cover *v, const struct cut *c)
{
	return v->k->cost[c->tt];
}

/* Takes the cover of ref into use or out of it; returns what cells that costs
 * or frees. A chain of gates may be as deep as the network is large, so the
 * stack is an own one. */
static inline int64_t
walk(struct ax_cover *v, uint32_t ref, bool in)
{
	uint32_t *stack = v->stack, n = 0;
	int64_t sum = 0;

	for (;;) {
		if (!(in ? v->uses[ref]++ : --v->uses[ref]) &&
		    ref >= v->inputs) {
			const struct cut *c = &v->cut[ref][v->best[ref]];

			sum += cost_of(v, c);
			for (unsigned i = 0; i < c->n; i++)
				stack[n++] = c->leaf[i];
		}
		if (!n)
			return sum;
		ref = stack[--n];
	}
}

static int64_t
use(struct ax_cover *v, uint32_t ref)
{
	return walk(v, ref, true);
}

static int64_t
drop(struct ax_cover *v, uint32_t ref)
{
	return walk(v, ref, false);
}

static int64_t
use_leaves(struct ax_cover *v, const struct cut *c)
{
	int64_t sum = 0;

	/* most are in use anyway */
	for (unsigned i = 0; i < c->n; i++)
		if (v->uses[c->leaf[i]])
			v->uses[c->leaf[i]]++;
		else
			sum += use(v, c->leaf[i]);
	return sum;
}

static int64_t
drop_leaves(struct ax_cover *v, const struct cut *c)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < c->n; i++)
		if (v->uses[c->leaf[i]] > 1)
			v->uses[c->leaf[i]]--;
		else
			sum += drop(v, c->leaf[i]);
	return sum;
}

static bool
by_flow(struct ax_cover *v)
{
	for (uint32_t j = 0; j < v->gates; j++) {
		int64_t least = INT64_MAX, f;
		uint32_t r = v->name[j];

		for (unsigned k = 1; k < v->cuts[r]; k++) {
			const struct cut *c = &v->cut[r][k];

			f = cost_of(v, c);
			if (f >= NO_COST)
				continue;
			for (unsigned i = 0; i < c->n; i++)
				f += v->flow[c->leaf[i]];
			if (f < least) {
				least = f;
				v->best[r] = (uint8_t)k;
			}
		}
		if (least == INT64_MAX) {
			v->missing = j;
			return false;
		}
		/* where many share a leaf, flows may grow without end */
		least = AX_MIN(least, NO_COST / 4);
		v->flow[r] = v->fan[r] > 1 ? least / (int64_t)v->fan[r] : least;
	}
	return true;
}

static inline bool
all_used(const struct ax_cover *v, const struct cut *c)
{
	for (unsigned i = 0; i < c->n; i++)
		if (!v->uses[c->leaf[i]] && c->leaf[i] >= v->inputs)
			return false;
	return true;
}

/* The best cut of a node whose leaves are not in use for it; they then are. */
static void
choose(struct ax_cover *v, uint32_t r)
{
	int64_t least = INT64_MAX, cost;
	unsigned at = v->best[r];

	for (unsigned k = 1; k < v->cuts[r]; k++) {
		const struct cut *c = &v->cut[r][k];

		cost = cost_of(v, c);
		if (cost >= NO_COST || cost >= least)
			continue;
		if (!all_used(v, c)) {
			cost += use_leaves(v, c);
			drop_leaves(v, c);
		}
		if (cost < least) {
			least = cost;
			at = k;
		}
	}
	v->best[r] = (uint8_t)at;
	use_leaves(v, &v->cut[r][at]);
}

/* Each node's best cut in turn, by what it really costs; whether one changed.
 */
static bool
by_area(struct ax_cover *v)
{
	bool changed = false;

	for (uint32_t j = 0; j < v->gates; j++) {
		uint32_t r = v->name[j];
		unsigned was = v->best[r];

		if (!v->uses[r] || v->twin[r] != NO_REF)
			continue;
		drop_leaves(v, &v->cut[r][was]);
		choose(v, r);
		changed = changed || v->best[r] != was;
	}
	return changed;
}

/* --- cells of two outputs ------------------------------------------------ */

/* One cell for a and b, if that is cheaper; its leaves are then in use, those
 * of a and b no more. */
static bool
try_pair(struct ax_cover *v, uint32_t a, uint32_t b, const struct cut *c,
	 const struct pair *p)
{
	const struct cut *ca = &v->cut[a][v->best[a]];
	const struct cut *cb = &v->cut[b][v->best[b]];
	int64_t was = cost_of(v, ca) + drop_leaves(v, ca), now = p->cost;

	if (v->uses[b]) {
		was += cost_of(v, cb) + drop_leaves(v, cb);
		now += use_leaves(v, c);
		if (now < was)
			return true;
		drop_leaves(v, c);
		use_leaves(v, cb);
	}
	/* else a alone needed b, and would still */
	use_leaves(v, ca);
	return false;
}

/* From now on the two are built by one cell, whatever becomes of the rest. */
static void
bind(struct ax_cover *v, uint32_t a, unsigned ka, uint32_t b, unsigned kb,
     size_t pair)
{
	v->twin[a] = b;
	v->twin[b] = a;
	v->shared[a] = v->shared[b] = (uint16_t)pair;
	v->best[a] = (uint8_t)ka;
	v->best[b] = (uint8_t)kb;
	v->uses[a]++;
	v->uses[b]++;
}

static uint32_t *
chain_of(struct ax_cover *v, const struct cut *c)
{
	uint32_t h = c->leaf[0] * 0x9e3779b1u ^ c->leaf[1] * 0x85ebca6bu ^
		     c->leaf[2] * 0xc2b2ae35u;

	return &v->head[(h ^ h >> 15) & (v->heads - 1)];
}

static void
put_spot(struct ax_cover *v, uint32_t name, unsigned k, uint32_t *chain)
{
	AX_GROW(v->spot, v->spots, v->spot_room);
	v->spot[v->spots] = (struct spot){name, *chain, (uint8_t)k};
	*chain = ++v->spots;
}

/* A partner among the nodes before this one, the nearest first. */
static bool
pair_up(struct ax_cover *v, uint32_t a, unsigned k, uint32_t chain)
{
	const struct cut *c = &v->cut[a][k];
	unsigned near = 0;

	for (; chain && near < NEAR; chain = v->spot[chain - 1].next, near++) {
		const struct spot *s = &v->spot[chain - 1];
		const struct cut *d = &v->cut[s->name][s->cut];

		if (!v->uses[s->name] || v->twin[s->name] != NO_REF ||
		    s->name == a || !same_leaves(c, d))
			continue;
		for (size_t i = 0; i < v->k->pairs; i++) {
			const struct pair *p = &v->k->pair[i];

			if (!((p->tt[0] == c->tt && p->tt[1] == d->tt) ||
			      (p->tt[1] == c->tt && p->tt[0] == d->tt)) ||
			    !try_pair(v, a, s->name, c, p))
				continue;
			bind(v, a, k, s->name, s->cut, i);
			return true;
		}
	}
	return false;
}

static void
share(struct ax_cover *v)
{
	uint32_t *chain;

	v->spots = 0;
	memset(v->head, 0, v->heads * sizeof(*v->head));
	for (uint32_t j = 0, r; j < v->gates; j++)
		for (unsigned k = 1; r = v->name[j], k < v->cuts[r]; k++) {
			if (!v->k->paired[v->cut[r][k].tt])
				continue;
			chain = chain_of(v, &v->cut[r][k]);
			if (v->uses[r] && v->twin[r] == NO_REF)
				pair_up(v, r, k, *chain);
			put_spot(v, r, k, chain);
		}
}

/* --- all of it ----------------------------------------------------------- */

struct ax_cover *
ax_cover_new(const struct ax_cover_cells *k)
{
	struct ax_cover *v = ax_calloc(1, sizeof(*v));

	v->k = k;
	return v;
}

void
ax_cover_free(struct ax_cover *v)
{
	if (!v)
		return;
	free(v->gate);
	free(v->cut);
	free(v->cuts);
	free(v->best);
	free(v->uses);
	free(v->flow);
	free(v->fan);
	free(v->twin);
	free(v->shared);
	free(v->spot);
	free(v->stack);
	free(v->ref);
	free(v->name);
	free(v->store);
	free(v->dirty);
	free(v->is);
	free(v->kept_name);
	free(v->kept_cut);
	free(v->kept_cuts);
	free(v->kept_is);
	free(v->spare);
	free(v->head);
	free(v);
}

static void
grow(struct ax_cover *v, size_t m)
{
	m += m / 2 + 16;
	v->kept = 0;
	v->room = (uint32_t)m;
	v->gate = ax_realloc(v->gate, m, sizeof(*v->gate));
	v->name = ax_realloc(v->name, m, sizeof(*v->name));
	v->cut = ax_realloc(v->cut, m, sizeof(*v->cut));
	v->store = ax_realloc(v->store, m, sizeof(*v->store));
	v->cuts = ax_realloc(v->cuts, m, sizeof(*v->cuts));
	v->best = ax_realloc(v->best, m, sizeof(*v->best));
	v->dirty = ax_realloc(v->dirty, m, sizeof(*v->dirty));
	v->uses = ax_realloc(v->uses, m, sizeof(*v->uses));
	v->flow = ax_realloc(v->flow, m, sizeof(*v->flow));
	v->fan = ax_realloc(v->fan, m, sizeof(*v->fan));
	v->twin = ax_realloc(v->twin, m, sizeof(*v->twin));
	v->shared = ax_realloc(v->shared, m, sizeof(*v->shared));
	v->is = ax_realloc(v->is, m, sizeof(*v->is));
	v->kept_name = ax_realloc(v->kept_name, m, sizeof(*v->kept_name));
	v->kept_cut = ax_realloc(v->kept_cut, m, sizeof(*v->kept_cut));
	v->kept_cuts = ax_realloc(v->kept_cuts, m, sizeof(*v->kept_cuts));
	v->kept_is = ax_realloc(v->kept_is, m, sizeof(*v->kept_is));
	v->spare = ax_realloc(v->spare, m, sizeof(*v->spare));
	/* a node puts its leaves there at most once */
	v->stack = ax_realloc(v->stack, LEAVES * m, sizeof(*v->stack));
	v->ref = ax_realloc(v->ref, m, sizeof(*v->ref));
	for (v->heads = 64; v->heads < m; v->heads *= 2)
		;
	free(v->head);
	v->head = ax_calloc(v->heads, sizeof(*v->head));
}

struct ax_cover_gate *
ax_cover_begin(struct ax_cover *v, uint32_t inputs, uint32_t gates)
{
	size_t m = (size_t)inputs + gates + 1;

	v->inputs = inputs;
	v->gates = gates;
	if (m > v->room)
		grow(v, m);
	return v->gate;
}

static uint32_t
name_of(const struct ax_cover *v, uint32_t ref)
{
	return ref < v->inputs ? ref : v->name[ref - v->inputs];
}

static void
name_operands(struct ax_cover *v, uint32_t j)
{
	struct ax_cover_gate *to = &v->is[v->name[j]];

	*to = v->gate[j];
	for (unsigned i = 0; i < 2; i++)
		to->in[i] = i < to->n ? name_of(v, to->in[i]) : 0;
}

/* Names and cuts of a network that has nothing to do with another. */
static void
cut_all(struct ax_cover *v)
{
	v->kept = 0;
	for (uint32_t r = 0; r < v->inputs + v->gates; r++) {
		v->cut[r] = v->store[r][0];
		if (r < v->inputs) {
			add_itself(v, r);
			continue;
		}
		v->name[r - v->inputs] = r;
		name_operands(v, r - v->inputs);
		find_cuts(v, r);
	}
}

static bool
same_gate(const struct ax_cover_gate *a, const struct ax_cover_gate *b)
{
	return a->n == b->n && a->tt == b->tt && a->in[0] == b->in[0] &&
	       a->in[1] == b->in[1];
}

static bool
same_cuts(const struct ax_cover *v, uint32_t r)
{
	if (v->cuts[r] != v->kept_cuts[r])
		return false;
	for (unsigned k = 1; k < v->cuts[r]; k++)
		if (!same_leaves(&v->cut[r][k], &v->kept_cut[r][k]) ||
		    v->cut[r][k].tt != v->kept_cut[r][k].tt)
			return false;
	return true;
}

/* Those of one that comes after the network kept. A gate's cuts are others only
 * where it is another, or its operands' are. */
static void
cut_changed(struct ax_cover *v, const uint32_t *from)
{
	uint32_t spares = v->spares;

	memcpy(v->cut, v->kept_cut, v->room * sizeof(*v->cut));
	memcpy(v->cuts, v->kept_cuts, v->room * sizeof(*v->cuts));
	memset(v->dirty, 0, v->room);
	for (uint32_t j = 0; j < v->gates; j++) {
		bool was = from[j] != AX_COVER_NEW;
		uint32_t r = was ? v->kept_name[from[j]] : v->spare[--spares];
		const struct ax_cover_gate *g = &v->is[r];

		v->name[j] = r;
		name_operands(v, j);
		if (was && same_gate(g, &v->kept_is[r]) &&
		    !v->dirty[g->in[0]] && !v->dirty[g->in[1]])
			continue;
		v->cut[r] = v->store[r][v->cut[r] == v->store[r][0]];
		find_cuts(v, r);
		v->dirty[r] = !was || !same_cuts(v, r);
	}
}

void
ax_cover_keep(struct ax_cover *v)
{
	v->kept = v->gates;
	v->kept_inputs = v->inputs;
	memcpy(v->kept_name, v->name, v->gates * sizeof(*v->name));
	memset(v->dirty, 0, v->room);
	for (uint32_t j = 0; j < v->gates; j++) {
		v->kept_is[v->name[j]] = v->is[v->name[j]];
		v->dirty[v->name[j]] = 1;
	}
	v->spares = 0;
	for (uint32_t r = v->room; r-- > v->inputs;)
		if (!v->dirty[r]) {
			v->spare[v->spares++] = r;
			v->cut[r] = v->store[r][0];
			v->cuts[r] = 0;
		}
	memcpy(v->kept_cut, v->cut, v->room * sizeof(*v->cut));
	memcpy(v->kept_cuts, v->cuts, v->room * sizeof(*v->cuts));
}

static void
count_fans(struct ax_cover *v, const uint32_t *out, uint32_t outs)
{
	memset(v->fan, 0, v->room * sizeof(*v->fan));
	for (uint32_t j = 0; j < v->gates; j++) {
		const struct ax_cover_gate *g = &v->is[v->name[j]];

		for (unsigned i = 0; i < g->n; i++)
			v->fan[g->in[i]]++;
	}
	for (uint32_t o = 0; o < outs; o++)
		v->fan[name_of(v, out[o])]++;
}

static int64_t
total(const struct ax_cover *v)
{
	int64_t sum = 0;

	for (uint32_t j = 0; j < v->gates; j++) {
		uint32_t r = v->name[j];

		if (!v->uses[r])
			continue;
		if (v->twin[r] == NO_REF)
			sum += cost_of(v, &v->cut[r][v->best[r]]);
		else if (v->twin[r] < r)
			sum += v->k->pair[v->shared[r]].cost;
	}
	return sum;
}

/* Once the cuts are there. */
static int64_t
cover(struct ax_cover *v, const uint32_t *out, uint32_t outs)
{
	memset(v->uses, 0, v->room * sizeof(*v->uses));
	memset(v->twin, 0xff, v->room * sizeof(*v->twin));
	memset(v->best, 0, v->room);
	memset(v->flow, 0, v->inputs * sizeof(*v->flow));
	count_fans(v, out, outs);
	if (!by_flow(v))
		return -1;
	for (uint32_t o = 0; o < outs; o++)
		use(v, name_of(v, out[o]));
	for (int k = 0; k < ROUNDS && by_area(v); k++)
		;
	share(v);
	return total(v);
}

int64_t
ax_cover_run(struct ax_cover *v, const uint32_t *out, uint32_t outs)
{
	cut_all(v);
	return cover(v, out, outs);
}

int64_t
ax_cover_try(struct ax_cover *v, const uint32_t *from, const uint32_t *out,
	     uint32_t outs)
{
	uint32_t news = 0;

	for (uint32_t j = 0; j < v->gates; j++)
		news += from[j] == AX_COVER_NEW;
	if (!v->kept || v->kept_inputs != v->inputs || news > v->spares)
		return ax_cover_run(v, out, outs);
	cut_changed(v, from);
	return cover(v, out, outs);
}

int
ax_cover_netlist(struct ax_cover *v, const struct ax_netlist *net,
		 struct ax_err *err)
{
	struct ax_cover_gate *g =
		ax_cover_begin(v, net->inputs, (uint32_t)net->nodes);

	for (size_t j = 0; j < net->nodes; j++) {
		const struct ax_node *n = &net->node[j];

		g[j] = (struct ax_cover_gate){.n = n->n,
					      .tt = (uint8_t)(n->tt & 0xf)};
		for (unsigned i = 0; i < n->n; i++)
			g[j].in[i] = n->in[i];
		if (n->n == 1)
			g[j].in[1] = g[j].in[0];
	}
	if (ax_cover_run(v, net->out_ref, net->outputs) >= 0)
		return 0;
	return ax_err_set(
		err, AX_EXIT_STAGE,
		"the cells chosen have none for %s, nor for what it "
		"is part of; name one in parameter cells",
		ax_gate_name((enum ax_gate)net->node[v->missing].kind));
}
