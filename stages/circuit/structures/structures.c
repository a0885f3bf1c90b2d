/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/structures/structures.h"

#include "artifacts/base/base.h"
#include "stages/circuit/structures/parts.h"

/* What k and h may be, below these sums of widths. */
enum limit { NONE, PRODUCT, LONGER, OPERAND };

static const struct {
	const char *name;
	bool sum, exact;
	uint8_t k, h;
	unsigned least; /* of k */
} families[AX_SHAPE_FAMILIES] = {
	[AX_SHAPE_ARRAY] = {"array", .exact = true},
	[AX_SHAPE_WALLACE] = {"wallace", .exact = true},
	[AX_SHAPE_DADDA] = {"dadda", .exact = true},
	[AX_SHAPE_BAUGH_WOOLEY] = {"baugh_wooley", .exact = true},
	[AX_SHAPE_BOOTH] = {"booth", .exact = true},
	[AX_SHAPE_TRUNCATED] = {"truncated", .k = PRODUCT},
	[AX_SHAPE_BROKEN_ARRAY] = {"broken_array", .k = PRODUCT, .h = OPERAND},
	[AX_SHAPE_COMPRESSOR] = {"compressor", .k = PRODUCT},
	[AX_SHAPE_BOOTH_APPROX] = {"booth_approx", .k = PRODUCT},
	[AX_SHAPE_BOOTH_BROKEN] = {"booth_broken", .k = PRODUCT},
	[AX_SHAPE_BOOTH_TRUNCATED] = {"booth_truncated", .k = PRODUCT},
	[AX_SHAPE_DRUM] = {"drum", .k = LONGER, .least = 2},
	[AX_SHAPE_SSM] = {"ssm", .k = LONGER, .least = 1},
	[AX_SHAPE_MITCHELL] = {.name = "mitchell"},
	[AX_SHAPE_ADDER] = {"adder", .sum = true, .exact = true},
	[AX_SHAPE_ADDER_TRUNCATED] = {"adder_truncated", .sum = true,
				      .k = LONGER},
	[AX_SHAPE_ADDER_COPIED] = {"adder_copied", .sum = true, .k = LONGER},
	[AX_SHAPE_LOA] = {"loa", .sum = true, .k = LONGER},
	[AX_SHAPE_ETA] = {"eta", .sum = true, .k = LONGER},
	[AX_SHAPE_GEAR] = {"gear", .sum = true, .k = LONGER, .h = LONGER,
			   .least = 1},
};

static const char *const trees[AX_TREES] = {"column", "chain", "array",
					    "wallace", "dadda"};
static const char *const adders[AX_ADDERS] = {"ripple", "sklansky",
					      "brent_kung", "kogge_stone"};

const char *
ax_shape_name(enum ax_shape_family f)
{
	return families[f].name;
}

enum ax_shape_family
ax_shape_parse(const char *name)
{
	unsigned f = 0;

	while (f < AX_SHAPE_FAMILIES && !ax_streq(name, families[f].name))
		f++;
	return (enum ax_shape_family)f;
}

static unsigned
find(const char *name, const char *const *list, unsigned n)
{
	unsigned i = 0;

	while (i < n && !ax_streq(name, list[i]))
		i++;
	return i;
}

const char *
ax_shape_tree_name(enum ax_shape_tree t)
{
	return trees[t];
}

enum ax_shape_tree
ax_shape_tree_parse(const char *name)
{
	return (enum ax_shape_tree)find(name, trees, AX_TREES);
}

const char *
ax_shape_adder_name(enum ax_shape_adder a)
{
	return adders[a];
}

enum ax_shape_adder
ax_shape_adder_parse(const char *name)
{
	return (enum ax_shape_adder)find(name, adders, AX_ADDERS);
}

bool
ax_shape_is_sum(enum ax_shape_family f)
{
	return families[f].sum;
}

bool
ax_shape_is_exact(enum ax_shape_family f)
{
	return families[f].exact;
}

unsigned
ax_shape_width(const struct ax_shape *s)
{
	if (s->op == AX_SHAPE_ADD)
		return AX_MAX(s->wa, s->wb) + 1;
	return s->op == AX_SHAPE_MUL ? s->wa + s->wb
				     : AX_MAX(s->wa + s->wb, s->wc) + 1;
}

static int
check_limit(const struct ax_shape *s, const char *name, unsigned value,
	    unsigned least, uint8_t limit, struct ax_err *err)
{
	unsigned most = limit == NONE      ? 0
			: limit == PRODUCT ? s->wa + s->wb
			: limit == OPERAND ? s->wb
					   : AX_MAX(s->wa, s->wb);

	if (limit == NONE && value)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: family %s has no such parameter; leave "
				  "it 0",
				  name, families[s->family].name);
	if (limit != NONE && (value < least || value > most))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: %u; family %s takes %u to %u with "
				  "operands of %u and %u bits",
				  name, value, families[s->family].name, least,
				  most, s->wa, s->wb);
	return 0;
}

int
ax_shape_check(const struct ax_shape *s, struct ax_err *err)
{
	const char *name = families[s->family].name;
	unsigned room =
		s->family == AX_SHAPE_ADDER_TRUNCATED ? s->k : s->wa + s->wb;

	if (s->wa < 2 || s->wa > 12 || s->wb < 2 || s->wb > 12)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "operands of %u and %u bits; 2 to 12 each "
				  "can be built",
				  s->wa, s->wb);
	if (s->op == AX_SHAPE_MAC && (s->wc < 1 || s->wc > 32))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "an addend of %u bits; 1 to 32 can be added "
				  "to a product",
				  s->wc);
	if ((s->op == AX_SHAPE_ADD) != families[s->family].sum)
		return ax_err_set(
			err, AX_EXIT_STAGE, "family %s makes %s, not %s", name,
			families[s->family].sum ? "sums" : "products",
			families[s->family].sum ? "products" : "sums");
	if (s->family == AX_SHAPE_BAUGH_WOOLEY && !s->sign)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "Baugh and Wooley's scheme is for signed "
				  "operands; for unsigned ones take array, "
				  "wallace or dadda");
	if (check_limit(s, "k", s->k, families[s->family].least,
			families[s->family].k, err) < 0 ||
	    check_limit(s, "h", s->h, 0, families[s->family].h, err) < 0)
		return -1;
	if (s->add && s->family != AX_SHAPE_TRUNCATED &&
	    s->family != AX_SHAPE_BROKEN_ARRAY &&
	    s->family != AX_SHAPE_BOOTH_TRUNCATED &&
	    s->family != AX_SHAPE_ADDER_TRUNCATED)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "family %s takes no constant", name);
	if (s->add >> room)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "a constant of %" PRIu64
				  " has more than the %u bits it may have here",
				  s->add, room);
	return 0;
}

static bool
leads(const struct ax_shape *s)
{
	return s->family == AX_SHAPE_DRUM || s->family == AX_SHAPE_SSM ||
	       s->family == AX_SHAPE_MITCHELL;
}

/* The addend of a multiply-accumulate. */
static void
put_addend(struct ax_columns *c, const struct ax_shape *s, const uint32_t *bit,
	   unsigned row)
{
	for (unsigned i = 0; i < s->wc; i++)
		if (s->sign && i + 1 == s->wc)
			ax_columns_put_negative(c, i, bit[i], row);
		else
			ax_columns_put(c, i, bit[i], row);
}

static void
product(struct ax_columns *c, struct ax_sheet *s, const struct ax_shape *t,
	const struct ax_operands *o, uint32_t *out)
{
	bool booth = t->family == AX_SHAPE_BOOTH ||
		     t->family == AX_SHAPE_BOOTH_APPROX ||
		     t->family == AX_SHAPE_BOOTH_BROKEN ||
		     t->family == AX_SHAPE_BOOTH_TRUNCATED;
	enum ax_shape_tree tree = t->tree;
	unsigned rows;

	c->width = ax_shape_width(t);
	if (leads(t)) {
		uint32_t p[24];
		unsigned n = t->wa + t->wb;

		ax_leading_product(s, t, o, p);
		if (t->op == AX_SHAPE_MUL) {
			memcpy(out, p, n * sizeof(*p));
			return;
		}
		for (unsigned i = 0; i < n; i++)
			if (t->sign && i + 1 == n)
				ax_columns_put_negative(c, i, p[i], 0);
			else
				ax_columns_put(c, i, p[i], 0);
		rows = 1;
	} else {
		rows = booth ? ax_booth_products(c, s, t, o)
			     : ax_and_products(c, s, t, o);
		c->add += t->add;
	}
	if (t->op == AX_SHAPE_MAC)
		put_addend(c, t, o->c, rows);
	if (t->family == AX_SHAPE_ARRAY)
		tree = AX_TREE_ARRAY;
	else if (t->family == AX_SHAPE_DADDA)
		tree = AX_TREE_DADDA;
	else if (t->family == AX_SHAPE_WALLACE ||
		 t->family == AX_SHAPE_COMPRESSOR)
		tree = AX_TREE_WALLACE;
	c->low = t->family == AX_SHAPE_COMPRESSOR ? t->k : 0;
	ax_columns_sum(c, s, tree, t->adder, out);
}

static void
draw(struct ax_sheet *s, const struct ax_shape *t, struct ax_columns *c,
     uint32_t *out)
{
	struct ax_operands o;

	ax_sheet_input(s, "A", t->wa, o.a);
	ax_sheet_input(s, "B", t->wb, o.b);
	if (t->op == AX_SHAPE_MAC)
		ax_sheet_input(s, "C", t->wc, o.c);
	if (t->op == AX_SHAPE_ADD)
		ax_shape_sum(s, t, &o, out);
	else
		product(c, s, t, &o, out);
}

int
ax_shape_build(struct ax_netlist **out, const struct ax_shape *t,
	       struct ax_err *err)
{
	static const char *const ops[] = {"mult", "add", "mac"};
	struct ax_columns *c;
	struct ax_sheet *s;
	uint32_t bit[AX_COL_MAX];

	*out = NULL;
	if (ax_shape_check(t, err) < 0)
		return -1;
	c = ax_calloc(1, sizeof(*c));
	s = ax_sheet_new();
	draw(s, t, c, bit);
	*out = ax_sheet_finish(s, ops[t->op], "OUT", bit, ax_shape_width(t),
			       t->rough ? 8 : 160);
	ax_sheet_free(s);
	free(c);
	return 0;
}

uint64_t
ax_shape_clumsy_weight(const struct ax_shape *t)
{
	struct ax_columns *c = ax_calloc(1, sizeof(*c));
	struct ax_sheet *s = ax_sheet_new();
	uint32_t bit[AX_COL_MAX];
	uint64_t heavy;

	draw(s, t, c, bit);
	heavy = c->heavy;
	ax_sheet_free(s);
	free(c);
	return heavy;
}
