/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/mutate.h"

#include "artifacts/base/base.h"

/* Order of the published gate list; constants are never drawn. */
static const enum ax_g drawn[6] = {AX_G_AND, AX_G_NAND, AX_G_OR,
				   AX_G_XOR, AX_G_XNOR, AX_G_INV};

void
ax_mutate_weights(double cumulative[AX_MUTATIONS],
		  const double weights[AX_MUTATIONS])
{
	double sum = 0, at = 0;

	for (int i = 0; i < AX_MUTATIONS; i++)
		sum += weights[i];
	for (int i = 0; i < AX_MUTATIONS; i++) {
		at += weights[i] / sum;
		cumulative[i] = at;
	}
}

static unsigned
inputs_of(const struct ax_circuit *c, unsigned j)
{
	return ax_g_inputs((enum ax_g)c->gate[j]);
}

/* Any signal before node k. */
static uint16_t
ref(struct ax_mt *mt, const struct ax_circuit *c, unsigned k)
{
	return (uint16_t)ax_mt_int(mt, 0, (int)(c->ins + k) - 1);
}

/* Where only one operand counts, the second place repeats the first. */
static void
settle(struct ax_circuit *c, unsigned j)
{
	if (inputs_of(c, j) == 0)
		c->in[j][0] = 0;
	if (inputs_of(c, j) < 2)
		c->in[j][1] = c->in[j][0];
}

static void
op_add(struct ax_mt *mt, const struct ax_circuit *p, struct ax_circuit *c,
       uint16_t *from)
{
	unsigned pos = (unsigned)ax_mt_int(mt, 0, (int)p->n), slots = 0, pick;
	unsigned at = p->ins + pos;

	c->n = p->n + 1;
	for (unsigned j = p->n; j > pos; j--) {
		c->gate[j] = p->gate[j - 1];
		for (int w = 0; w < 2; w++)
			c->in[j][w] = (uint16_t)(p->in[j - 1][w] +
						 (p->in[j - 1][w] >= at));
		settle(c, j);
		from[j] = (uint16_t)(j - 1);
		slots += inputs_of(c, j);
	}
	for (unsigned o = 0; o < c->outs; o++)
		c->out[o] = (uint16_t)(c->out[o] + (c->out[o] >= at));
	c->gate[pos] = (uint8_t)drawn[ax_mt_int(mt, 0, 5)];
	from[pos] = AX_NOT_FROM;
	c->in[pos][0] = ref(mt, c, pos);
	if (inputs_of(c, pos) == 2)
		c->in[pos][1] = ref(mt, c, pos);
	settle(c, pos);
	if (slots == 0) {
		unsigned o = (unsigned)ax_mt_int(mt, 0, (int)c->outs - 1);

		ax_mt_int(mt, 0, 0);
		c->out[o] = (uint16_t)at;
		return;
	}
	pick = (unsigned)ax_mt_shuffle_first(mt, slots);
	ax_mt_int(mt, 0, 0);
	for (unsigned j = pos + 1; j < c->n; j++) {
		if (pick < inputs_of(c, j)) {
			c->in[j][pick] = (uint16_t)at;
			settle(c, j);
			from[j] |= AX_CHANGED;
			return;
		}
		pick -= inputs_of(c, j);
	}
}

static void
op_delete(struct ax_mt *mt, const struct ax_circuit *p, struct ax_circuit *c,
	  uint16_t *from)
{
	unsigned victim = (unsigned)ax_mt_int(mt, 0, (int)p->n - 1);
	unsigned at = p->ins + victim;

	c->n = p->n - 1;
	for (unsigned j = 0; j < c->n; j++) {
		unsigned old = j + (j >= victim);

		from[j] = (uint16_t)old;
		c->gate[j] = p->gate[old];
		for (unsigned w = 0; w < inputs_of(c, j); w++) {
			if (p->in[old][w] == at) {
				c->in[j][w] = ref(mt, c, j);
				from[j] |= AX_CHANGED;
			} else {
				c->in[j][w] = (uint16_t)(p->in[old][w] -
							 (p->in[old][w] > at));
			}
		}
		settle(c, j);
	}
	for (unsigned o = 0; o < c->outs; o++) {
		if (c->out[o] == at)
			c->out[o] = ref(mt, c, c->n);
		else
			c->out[o] = (uint16_t)(c->out[o] - (c->out[o] > at));
	}
}

static void
op_gate(struct ax_mt *mt, struct ax_circuit *c, uint16_t *from)
{
	unsigned j = (unsigned)ax_mt_int(mt, 0, (int)c->n - 1), had, want;
	enum ax_g gate;

	if (c->n == 0)
		return;
	gate = drawn[ax_mt_int(mt, 0, 5)];
	if (gate == c->gate[j])
		gate = drawn[ax_mt_int(mt, 0, 5)];
	if (gate == c->gate[j])
		return;
	had = inputs_of(c, j);
	want = ax_g_inputs(gate);
	for (unsigned w = had; w < want; w++)
		c->in[j][w] = ref(mt, c, j);
	/* a shuffle of the two operands, of which the first stays */
	if (had > want && ax_mt_int(mt, 0, 1) == 0)
		c->in[j][0] = c->in[j][1];
	c->gate[j] = (uint8_t)gate;
	settle(c, j);
	from[j] |= AX_CHANGED;
}

/*
 * The published operator looks up to 64 times for the smallest node that has
 * an equal one before it, merges, prunes and starts again. Nothing before that
 * node changes and nothing becomes unreachable (the twin keeps the operands in
 * use), so one pass does the same.
 */
static bool
op_merge(struct ax_circuit *c, uint16_t *from)
{
	static _Thread_local uint16_t table[4 * AX_CIRCUIT_NODES];
	static _Thread_local uint16_t map[AX_CIRCUIT_INS + AX_CIRCUIT_NODES];
	unsigned size = 64, kept = 0, merges = 0;
	uint32_t h, a, b;

	while (size < 2 * c->n)
		size *= 2;
	memset(table, 0, size * sizeof(*table));
	for (unsigned i = 0; i < c->ins; i++)
		map[i] = (uint16_t)i;
	for (unsigned j = 0; j < c->n; j++) {
		unsigned twin = UINT_MAX;

		a = inputs_of(c, j) ? map[c->in[j][0]] : 0;
		b = inputs_of(c, j) ? map[c->in[j][1]] : 0;
		h = c->gate[j] * 0x9e3779b1u;
		h ^= AX_MIN(a, b) * 0x85ebca6bu ^ AX_MAX(a, b) * 0xc2b2ae35u;
		h ^= h >> 15;
		for (h &= size - 1; table[h]; h = (h + 1) & (size - 1)) {
			unsigned k = table[h] - 1u;

			if (c->gate[k] == c->gate[j] &&
			    ((c->in[k][0] == a && c->in[k][1] == b) ||
			     (c->in[k][0] == b && c->in[k][1] == a))) {
				twin = k;
				break;
			}
		}
		if (twin != UINT_MAX && merges < 64) {
			merges++;
			map[c->ins + j] = (uint16_t)(c->ins + twin);
			continue;
		}
		if (twin == UINT_MAX)
			table[h] = (uint16_t)(kept + 1);
		c->gate[kept] = c->gate[j];
		c->in[kept][0] = (uint16_t)a;
		c->in[kept][1] = (uint16_t)b;
		from[kept] = from[j];
		map[c->ins + j] = (uint16_t)(c->ins + kept);
		kept++;
	}
	for (unsigned o = 0; o < c->outs; o++)
		c->out[o] = map[c->out[o]];
	c->n = kept;
	return merges != 0;
}

static void
op_rewire_in(struct ax_mt *mt, struct ax_circuit *c, uint16_t *from)
{
	unsigned j = (unsigned)ax_mt_int(mt, 0, (int)c->n - 1), w, k;
	uint16_t r;

	if (c->n == 0)
		return;
	k = inputs_of(c, j);
	w = (unsigned)ax_mt_int(mt, 0, (int)k - 1);
	/* a constant has no operand to rewire; mutation never makes one */
	if (k == 0)
		return;
	r = ref(mt, c, j);
	if (r == c->in[j][w])
		return;
	c->in[j][w] = r;
	settle(c, j);
	from[j] |= AX_CHANGED;
}

int
ax_mutate(struct ax_mt *mt, const double cumulative[AX_MUTATIONS],
	  const struct ax_circuit *parent, struct ax_circuit *child,
	  uint16_t *from, bool *no_twins)
{
	double r = ax_mt_real(mt);
	unsigned o;
	int op = 0;

	while (op < AX_MUTATIONS && !(r < cumulative[op]))
		op++;
	ax_circuit_copy(child, parent);
	for (unsigned j = 0; j < child->n; j++)
		from[j] = (uint16_t)j;
	/* Far above any published size; keeps references in 16 bits. */
	if (op == AX_MUT_ADD && parent->n + 1 >= AX_CIRCUIT_NODES)
		return -1;
	switch (op) {
	case AX_MUT_ADD:
		op_add(mt, parent, child, from);
		break;
	case AX_MUT_DELETE:
		if (parent->n == 0)
			return -1;
		op_delete(mt, parent, child, from);
		break;
	case AX_MUT_GATE:
		op_gate(mt, child, from);
		break;
	case AX_MUT_MERGE:
		if (*no_twins)
			return -1;
		if (!op_merge(child, from)) {
			*no_twins = true;
			return -1;
		}
		/* nothing became unreachable */
		return op;
	case AX_MUT_REWIRE_IN:
		op_rewire_in(mt, child, from);
		break;
	case AX_MUT_REWIRE_OUT:
		o = (unsigned)ax_mt_int(mt, 0, (int)child->outs - 1);
		child->out[o] = ref(mt, child, child->n);
		break;
	default:
		return -1;
	}
	ax_circuit_prune(child, from);
	return op;
}
