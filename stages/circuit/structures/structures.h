/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Circuits that need no search: exact multipliers, adders and
 * multiply-accumulates, and the known families of approximate ones, each with
 * what is known of its error without trying every pattern. Stage `family`
 * writes them; the searches start from them.
 */
#ifndef AX_STRUCTURES_H
#define AX_STRUCTURES_H

#include <stdbool.h>
#include <stdint.h>

#include "artifacts/base/err.h"
#include "artifacts/netlist/netlist.h"

enum ax_shape_op { AX_SHAPE_MUL, AX_SHAPE_ADD, AX_SHAPE_MAC };

enum ax_shape_family {
	/* products, exact */
	AX_SHAPE_ARRAY,        /* carry-save rows */
	AX_SHAPE_WALLACE,      /* tree, all columns at once */
	AX_SHAPE_DADDA,        /* tree, as late as possible */
	AX_SHAPE_BAUGH_WOOLEY, /* signed; column by column */
	AX_SHAPE_BOOTH,        /* radix 4 */
	/* products, approximate */
	AX_SHAPE_TRUNCATED,    /* columns below k left out, `add` put in */
	AX_SHAPE_BROKEN_ARRAY, /* columns below k and rows below h left out */
	AX_SHAPE_COMPRESSOR,   /* 4-2 compressors in columns below k */
	AX_SHAPE_BOOTH_APPROX, /* columns below k never double */
	AX_SHAPE_BOOTH_BROKEN, /* bits of columns below k left out */
	AX_SHAPE_BOOTH_TRUNCATED, /* carries there too; `add` put in */
	AX_SHAPE_DRUM,            /* k leading bits of each operand */
	AX_SHAPE_SSM,             /* the upper or the lower k bits */
	AX_SHAPE_MITCHELL,        /* logarithms */
	/* sums */
	AX_SHAPE_ADDER,           /* exact */
	AX_SHAPE_ADDER_TRUNCATED, /* low k bits are those of `add` */
	AX_SHAPE_ADDER_COPIED,    /* low k bits are those of A */
	AX_SHAPE_LOA,             /* low k bits ORed */
	AX_SHAPE_ETA,             /* low k bits without carries */
	AX_SHAPE_GEAR, /* sub-adders of h + k bits, k new ones each */
	AX_SHAPE_FAMILIES
};

/* How addends are compressed; families fix it where it is their point. */
enum ax_shape_tree {
	AX_TREE_COLUMN, /* column after column, sums queue up: cheapest */
	AX_TREE_CHAIN,  /* the same, sums ripple through their column */
	AX_TREE_ARRAY,
	AX_TREE_WALLACE,
	AX_TREE_DADDA,
	AX_TREES
};
/* What adds the last two; COLUMN and CHAIN need none. */
enum ax_shape_adder {
	AX_ADDER_RIPPLE,
	AX_ADDER_SKLANSKY,
	AX_ADDER_BRENT_KUNG,
	AX_ADDER_KOGGE_STONE,
	AX_ADDERS
};

struct ax_shape {
	enum ax_shape_op op;
	enum ax_shape_family family;
	unsigned wa, wb; /* 2..12 */
	unsigned wc;     /* MAC: 1..32, width of the addend C */
	bool sign;       /* two's complement */
	unsigned k, h;   /* the family's parameters, see above */
	uint64_t add;    /* constant of the truncated families */
	enum ax_shape_tree tree;
	enum ax_shape_adder adder;
	bool rough; /* a first look: polarities hardly chosen, some 10 % larger
		       and ten times as fast */
};

/* Names as in the stage's parameters; *_parse returns the count (AX_TREES ...)
 * when there is no such name. */
const char *ax_shape_name(enum ax_shape_family f);
enum ax_shape_family ax_shape_parse(const char *name);
const char *ax_shape_tree_name(enum ax_shape_tree t);
enum ax_shape_tree ax_shape_tree_parse(const char *name);
const char *ax_shape_adder_name(enum ax_shape_adder a);
enum ax_shape_adder ax_shape_adder_parse(const char *name);
bool ax_shape_is_sum(enum ax_shape_family f);
bool ax_shape_is_exact(enum ax_shape_family f);

/* Bits of the result: a product wa + wb, a sum max(wa, wb) + 1, a
 * multiply-accumulate max(wa + wb, wc) + 1. */
unsigned ax_shape_width(const struct ax_shape *s);
/* Widths, parameters that the family has; says what is wrong. */
int ax_shape_check(const struct ax_shape *s, struct ax_err *err);

/*
 * The circuit: input buses A, B (and C), output bus OUT; INV, two-input gates
 * and constants at outputs. The same shape gives the same netlist. Caller frees
 * *out.
 */
int ax_shape_build(struct ax_netlist **out, const struct ax_shape *s,
		   struct ax_err *err);

/*
 * Error by formula; e = approx - exact, over all operands, uniformly. What a
 * family has no formula for is not `known`. A multiply-accumulate errs as its
 * multiplier does.
 */
struct ax_shape_error {
	bool wce_known, mae_known, bias_known, mse_known;
	bool bound_known;    /* wce is at most wce_bound */
	bool relative_known; /* |e| / |exact| is at most `relative` */
	uint64_t wce, wce_bound;
	double mae, bias, mse, relative;
};
void ax_shape_error(struct ax_shape_error *out, const struct ax_shape *s);

/* Constants for the truncated families that make up for what is left out: its
 * mean, rounded, or half of its largest value, rounded down. */
uint64_t ax_shape_mean_constant(const struct ax_shape *s);
uint64_t ax_shape_half_constant(const struct ax_shape *s);

#endif
