/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/prove/miter.h"

#include "artifacts/base/base.h"

/* --- building ------------------------------------------------------------ */

/* A copy of the circuit's nodes behind the inputs A and B of `to`; bits[] gets
 * its result. */
static void
copy_in(struct ax_netlist *to, const struct ax_netlist *net,
	const struct ax_lut_ports *p, uint32_t *bits)
{
	struct ax_netlist *plain = ax_netlist_expand(net);
	uint32_t *map =
		ax_calloc(plain->inputs + plain->nodes + 1, sizeof(*map));

	for (uint32_t i = 0; i < p->n; i++)
		map[p->a + i] = i;
	for (uint32_t i = 0; i < p->m; i++)
		map[p->b + i] = p->n + i;
	for (size_t j = 0; j < plain->nodes; j++) {
		const struct ax_node *v = &plain->node[j];

		map[plain->inputs + j] = ax_netlist_add(
			to, (enum ax_gate)v->kind, v->n > 0 ? map[v->in[0]] : 0,
			v->n > 1 ? map[v->in[1]] : 0);
	}
	for (uint32_t k = 0; k < p->width; k++)
		bits[k] = map[plain->out_ref[p->out + k]];
	free(map);
	ax_netlist_free(plain);
}

/* sum of three bits in place of a, carry returned. */
static uint32_t
add3(struct ax_netlist *to, uint32_t *a, uint32_t b, uint32_t c)
{
	uint32_t half = ax_netlist_add(to, AX_XOR, *a, b);
	uint32_t x = ax_netlist_add(to, AX_NAND, *a, b);
	uint32_t y = ax_netlist_add(to, AX_NAND, half, c);

	*a = ax_netlist_add(to, AX_XOR, half, c);
	return ax_netlist_add(to, AX_NAND, x, y);
}

/* The exact product, modulo 2^(n + m): each column's bits queue up to be added,
 * as most generators of small multipliers have it, since like structures are
 * easier to compare. Signed ones after Baugh and Wooley. */
static void
product(struct ax_netlist *to, unsigned n, unsigned m, bool sign,
	uint32_t *bits)
{
	enum { COLUMNS = 96, ROOM = 4 * COLUMNS };
	uint32_t zero = ax_netlist_add(to, AX_CONST0, 0, 0);
	uint32_t one = ax_netlist_add(to, AX_CONST1, 0, 0), carry, s;
	uint32_t *queue = ax_calloc((COLUMNS + 1) * ROOM, sizeof(*queue));
	unsigned first[COLUMNS + 1] = {0}, end[COLUMNS + 1] = {0};

	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < m; j++)
			queue[(i + j) * ROOM + end[i + j]++] = ax_netlist_add(
				to,
				sign && (i + 1 == n) != (j + 1 == m) ? AX_NAND
								     : AX_AND,
				i, n + j);
	/* the sign's partial products count negative: -x = ~x + 1 less the
	 * weight of all bits above */
	for (unsigned k = 0; sign && k < 3; k++) {
		unsigned at = k == 0 ? n - 1 : k == 1 ? m - 1 : n + m - 1;

		queue[at * ROOM + end[at]++] = one;
	}
	for (unsigned k = 0; k < n + m; k++) {
		uint32_t *q = queue + k * ROOM;

		while (end[k] - first[k] > 1) {
			bool three = end[k] - first[k] > 2;

			s = q[first[k]];
			carry = add3(to, &s, q[first[k] + 1],
				     three ? q[first[k] + 2] : zero);
			first[k] += three ? 3 : 2;
			q[end[k]++] = s;
			queue[(k + 1) * ROOM + end[k + 1]++] = carry;
		}
		bits[k] = end[k] > first[k] ? q[first[k]] : zero;
	}
	free(queue);
}

static void
sum(struct ax_netlist *to, unsigned n, unsigned m, bool sign, uint32_t *bits)
{
	unsigned width = AX_MAX(n, m) + 1;
	uint32_t zero = ax_netlist_add(to, AX_CONST0, 0, 0), carry = zero;

	for (unsigned k = 0; k < width; k++) {
		uint32_t a = k < n ? k : sign ? n - 1 : zero;
		uint32_t b = k < m ? n + k : sign ? n + m - 1 : zero;

		bits[k] = a;
		carry = add3(to, &bits[k], b, carry);
	}
}

int
miter_build(struct ax_netlist **out, const struct miter *m, struct ax_err *err)
{
	const struct ax_lut_ports *p = &m->ports, *r = &m->reference_ports;
	struct ax_netlist *to;
	uint32_t got[256], want[256], zero, one, carry, bad, bit;
	unsigned have, width;
	uint32_t extend_got, extend_want;

	if (p->n > 48 || p->m > 48 || p->width > 100)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "netlist: operands of %u and %u bits, a "
				  "result of %u; at most 48, 48 and 100 are "
				  "taken",
				  p->n, p->m, p->width);
	if (m->reference && (r->n != p->n || r->m != p->m || r->width > 100))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "reference: operands of %u and %u bits, but "
				  "the netlist's have %u and %u",
				  r->n, r->m, p->n, p->m);
	to = ax_netlist_new("miter");
	ax_netlist_add_input(to, "A", p->n);
	ax_netlist_add_input(to, "B", p->m);
	ax_netlist_add_output(to, "BAD", 1);
	copy_in(to, m->net, p, got);
	if (m->reference) {
		copy_in(to, m->reference, r, want);
		have = r->width;
	} else if (m->op == AX_LUT_MUL) {
		product(to, p->n, p->m, m->sign, want);
		have = p->n + p->m;
	} else {
		sum(to, p->n, p->m, m->sign, want);
		have = AX_MAX(p->n, p->m) + 1;
	}
	/* s = got - want + bound, wide enough; bad where s is not in
	 * 0..2 bound, which is one comparison of numbers without a sign */
	zero = ax_netlist_add(to, AX_CONST0, 0, 0);
	one = ax_netlist_add(to, AX_CONST1, 0, 0);
	width = AX_MAX(p->width, have) + 2;
	while (width < 66 && m->bound >> (width - 3))
		width++;
	extend_got = m->sign ? got[p->width - 1] : zero;
	extend_want = m->sign ? want[have - 1] : zero;
	carry = one;
	for (unsigned k = 0; k < width; k++) {
		if (k >= p->width)
			got[k] = extend_got;
		bit = k < have ? want[k] : extend_want;
		carry = add3(to, &got[k], ax_netlist_add(to, AX_INV, bit, bit),
			     carry);
	}
	carry = zero;
	for (unsigned k = 0; k < width; k++)
		carry = add3(to, &got[k],
			     k < 64 && (m->bound >> k & 1) ? one : zero, carry);
	bad = zero;
	for (unsigned k = 0; k < width; k++) {
		/* got > 2 bound, from the lowest bit up */
		bool limit = k > 0 && k - 1 < 64 && (m->bound >> (k - 1) & 1);

		bad = ax_netlist_add(to, limit ? AX_AND : AX_OR, bad, got[k]);
	}
	to->out_ref[0] = bad;
	ax_netlist_prune(to);
	*out = to;
	return 0;
}

/* --- one pair ------------------------------------------------------------ */

static __int128
number(const uint8_t *bit, unsigned width, bool sign)
{
	__int128 v = 0;

	for (unsigned k = 0; k < width && k < 120; k++)
		if (bit[k])
			v += (k + 1 == width && sign) ? -((__int128)1 << k)
						      : (__int128)1 << k;
	return v;
}

static __int128
value(const struct ax_netlist *net, const struct ax_lut_ports *p, uint64_t a,
      uint64_t b, bool sign)
{
	uint8_t *v = ax_calloc(net->inputs + net->nodes + 1, sizeof(*v));
	uint8_t out[256];
	__int128 n;

	for (uint32_t i = 0; i < p->n; i++)
		v[p->a + i] = a >> i & 1;
	for (uint32_t i = 0; i < p->m; i++)
		v[p->b + i] = b >> i & 1;
	for (size_t j = 0; j < net->nodes; j++) {
		const struct ax_node *d = &net->node[j];
		unsigned at = 0;

		for (unsigned i = 0; i < d->n; i++)
			at |= (unsigned)v[d->in[i]] << i;
		v[net->inputs + j] = d->tt >> at & 1;
	}
	for (uint32_t k = 0; k < p->width && k < 256; k++)
		out[k] = v[net->out_ref[p->out + k]];
	n = number(out, p->width, sign);
	free(v);
	return n;
}

void
miter_at(const struct miter *m, uint64_t a, uint64_t b, __int128 *got,
	 __int128 *want)
{
	uint8_t bit[2][64];
	__int128 x, y;

	*got = value(m->net, &m->ports, a, b, m->sign);
	if (m->reference) {
		*want = value(m->reference, &m->reference_ports, a, b, m->sign);
		return;
	}
	for (unsigned k = 0; k < 64; k++) {
		bit[0][k] = a >> k & 1;
		bit[1][k] = b >> k & 1;
	}
	x = number(bit[0], m->ports.n, m->sign);
	y = number(bit[1], m->ports.m, m->sign);
	*want = m->op == AX_LUT_MUL ? x * y : x + y;
}
