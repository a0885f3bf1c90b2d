/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Truth table (LUT) of an n x m bit operation, and its exact error metrics.
 * v[(a - a_min) * 2^m + (b - b_min)] is the value for operands a (first,
 * activation) and b (second, weight); a runs over -2^(n-1)..2^(n-1)-1 when
 * signed, else 0..2^n-1. So the order is that of the published CSV files.
 */
#ifndef AX_LUT_H
#define AX_LUT_H

#include <stdbool.h>
#include <stdint.h>

#include "artifacts/netlist/netlist.h"

#define AX_LUT_MAX_BITS 12 /* per operand */

struct ax_lut {
	unsigned n, m; /* bits of a and of b, 1..12 */
	bool sign;
	int32_t *v; /* 2^(n+m) */
};

enum ax_lut_op { AX_LUT_MUL, AX_LUT_ADD };

static inline int32_t
ax_lut_a_min(const struct ax_lut *t)
{
	return t->sign ? -(1 << (t->n - 1)) : 0;
}
static inline int32_t
ax_lut_b_min(const struct ax_lut *t)
{
	return t->sign ? -(1 << (t->m - 1)) : 0;
}
static inline size_t
ax_lut_size(const struct ax_lut *t)
{
	return (size_t)1 << (t->n + t->m);
}
static inline int32_t
ax_lut_at(const struct ax_lut *t, int32_t a, int32_t b)
{
	return t->v[((size_t)(a - ax_lut_a_min(t)) << t->m) +
		    (size_t)(b - ax_lut_b_min(t))];
}

/* Zeroed. */
int ax_lut_new(struct ax_lut *out, unsigned n, unsigned m, bool sign,
	       struct ax_err *err);
void ax_lut_free(struct ax_lut *t);
/* The exact product or sum. */
int ax_lut_exact(struct ax_lut *out, enum ax_lut_op op, unsigned n, unsigned m,
		 bool sign, struct ax_err *err);
/* Which bits of a netlist are operands and result: first bit and width. */
struct ax_lut_ports {
	uint32_t a, n, b, m, out, width;
};
/*
 * Finds them. Bus names may be NULL: then A and B or a and b, OUT, when they
 * exist, else the only two input buses and the only output bus, or all outputs
 * when each is one bit. Input bits a0 a1 a2 b0 b1 are two operands by their
 * names; a single input bus, or bits whose names tell nothing, is cut into two
 * equal halves. Inputs that belong to neither operand are an error, as are
 * several results.
 */
int ax_lut_find_ports(struct ax_lut_ports *out, const struct ax_netlist *net,
		      const char *a, const char *b, const char *result,
		      struct ax_err *err);
/* All patterns of a netlist; ports as above. The result is read as signed when
 * `sign`. */
int ax_lut_from_netlist(struct ax_lut *out, const struct ax_netlist *net,
			bool sign, const char *a, const char *b,
			const char *result, struct ax_pool *pool,
			struct ax_err *err);

/* CSV: header `A,B,OUT`, one row for each pair, a outer, signed decimal, LF.
 * The rows may come in any order, each pair once; width and sign follow from
 * the operands that occur. */
int ax_lut_parse_csv(struct ax_lut *out, const char *name, const char *text,
		     size_t len, struct ax_err *err);
void ax_lut_write_csv(struct ax_str *out, const struct ax_lut *t);
/* .npy, shape (2^n, 2^m), integers; the sign of its operands is not in it.
 * sign: true, false, or a guess: AX_LUT_GUESS, signed if any value is negative;
 * AX_LUT_GUESS_UNSIGNED, for who has unsigned operands, whose errors may be
 * below zero: signed only if it is also nearer to signed products;
 * AX_LUT_GUESS_SIGNED, for who has signed ones: also if no value is negative,
 * as of a circuit that is always 0, unless it is nearer to unsigned products.
 * (A negative value decides there: a circuit that is right where operands
 * occur, above zero, may look like an unsigned one.) */
#define AX_LUT_GUESS (-1)
#define AX_LUT_GUESS_UNSIGNED (-2)
#define AX_LUT_GUESS_SIGNED (-3)
int ax_lut_parse_npy(struct ax_lut *out, const char *name, const void *bytes,
		     size_t len, int sign, struct ax_err *err);
/* int16 when all values fit, else int32. */
int ax_lut_write_npy(struct ax_str *out, const struct ax_lut *t,
		     struct ax_err *err);
/* CSV or .npy by content. sign as above; for a CSV it must agree. */
int ax_lut_load(struct ax_lut *out, const char *path, int sign,
		struct ax_err *err);
bool ax_lut_equal(const struct ax_lut *a, const struct ax_lut *b);

/*
 * Errors over all 2^(n+m) pairs. e = approx - exact throughout (EvoApproxLib's
 * sign; CircuitsDNA's is the opposite, which shows only in bias). Sums are
 * exact integers; real ones are summed in table order.
 */
struct ax_lut_metrics {
	uint64_t pairs;
	uint64_t wrong;           /* e != 0 */
	uint64_t sum_abs;         /* sum |e| */
	int64_t sum;              /* sum e */
	unsigned __int128 sum_sq; /* sum e^2 */
	uint64_t wce;             /* max |e| */
	int32_t wce_a, wce_b;     /* first pair in table order that has it */
	uint64_t max_abs;         /* max |exact| */
	uint64_t nonzero;         /* pairs with exact != 0 */
	double er;                /* wrong / pairs */
	double mae;               /* sum_abs / pairs, also called MED */
	double mse, bias;
	double nmed;        /* mae / max_abs (CircuitsDNA) */
	double nmed_range;  /* mae / 2^(n+m) for products, 2^out else */
	double rwce;        /* wce / max_abs, a fraction (CircuitsDNA) */
	double wce_percent; /* 100 wce / 2^(n+m) (EvoApproxLib) */
	double mae_percent;
	double mre;         /* mean |e| / |exact| over nonzero; a fraction */
	double wcre;        /* max of the same */
	double smape;       /* mean |e| / (0.5 (|exact| + |approx|) + 1e-9) */
	int32_t at_zero;    /* value at a = b = 0 */
	double mean_zero_a; /* mean over b of the value at a = 0 */
	double mean_zero_b; /* mean over a of the value at b = 0 */
	bool zero_exact;    /* every pair with a zero operand is right */
	bool commutative;   /* n = m and v[a][b] = v[b][a] everywhere */
};
int ax_lut_measure(struct ax_lut_metrics *out, const struct ax_lut *approx,
		   const struct ax_lut *exact, enum ax_lut_op op,
		   struct ax_err *err);
/* CSV `error,count`, one row for each error that occurs, ascending. */
int ax_lut_write_histogram(struct ax_str *out, const struct ax_lut *approx,
			   const struct ax_lut *exact, struct ax_err *err);

#endif
