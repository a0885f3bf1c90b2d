/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which errors of a circuit a search counts, and which it must not make: a
 * metric as a sum over patterns that can be followed from change to change, and
 * limits on the error of each pattern. e = approx - exact throughout.
 *
 * Under operand histograms a pattern counts by its share, the mean over the
 * layers weighted by their products. Exact figures for a report come from the
 * noun (ax_lut_measure, ax_lut_measure_operands); here the shares are floats.
 */
#ifndef AX_SEARCH_ERROR_H
#define AX_SEARCH_ERROR_H

#include "artifacts/histogram.h"
#include "stages/circuit/search/problem.h"
#include "stages/circuit/search/score.h"

enum ax_metric {
	AX_METRIC_WCE,      /* max |e| */
	AX_METRIC_MAE,      /* mean |e| */
	AX_METRIC_NMED,     /* the same by the largest |exact| */
	AX_METRIC_MRE,      /* mean |e| / |exact| where exact is not 0 */
	AX_METRIC_ER,       /* share of wrong results */
	AX_METRIC_MSE,      /* mean e^2 */
	AX_METRIC_BIAS,     /* |mean e| */
	AX_METRIC_NOISE,    /* E_b Var_a(e | b) / Var(exact), of a layer */
	AX_METRIC_COHERENT, /* sqrt(K) sd_a(E_b[e | a]) / sd(exact) */
	AX_METRIC_NETWORK,  /* noise + rho coherent^2 */
	AX_METRIC_KINDS
};

const char *ax_metric_name(enum ax_metric m);
/* AX_METRIC_KINDS when there is none of that name. */
enum ax_metric ax_metric_parse(const char *name);

/* What may not happen, whatever the metric says. */
struct ax_error_rules {
	uint64_t wce;       /* |e| at most; UINT64_MAX: no bound */
	bool zero_exact;    /* e = 0 where an operand is 0 */
	bool not_above;     /* approx <= exact everywhere */
	bool commutative;   /* same result for (a, b) and (b, a) */
	bool occurring_wce; /* the bound holds where operands occur only */
};

/* An objective; the arrays are by pattern of the problem. */
struct ax_error {
	const struct ax_problem *p;
	enum ax_metric metric;
	enum ax_score score;
	double scale; /* the metric = scale * (sum of w f(e) + ...) */
	float *w;     /* NULL: all 1 */
	float *often; /* how often a pattern occurs; NULL: all alike */
	double *rows; /* sums of `often` over the patterns up to those of a */
	int32_t *lo, *hi; /* limits of e */
	struct ax_error_rules rules;
	bool limited; /* some pattern has a limit */
	/* of NOISE, COHERENT, NETWORK: shares of each code (as patterns number
	 * them), pa[a][layer] and pb[layer][n], and what squared means count */
	size_t layers, n; /* n = 2^wb, at least 16 */
	float *pa, *pb;
	double *noise, *coherent; /* by layer */
};

/*
 * `h` may be NULL: all patterns alike, one layer with K = 1 for the last three.
 * Fails when the histogram's operands are not the problem's, or when the metric
 * needs a variance and the exact result has none.
 */
int ax_error_init(struct ax_error *g, const struct ax_problem *p,
		  enum ax_metric metric, const struct ax_error_rules *rules,
		  const struct ax_histogram *h, double rho, struct ax_err *err);
void ax_error_free(struct ax_error *g);
/* True when the sum of w f(e) is all there is. */
bool ax_error_plain(const struct ax_error *g);

/* The sums of one circuit. */
struct ax_error_state {
	double sum[16];
	float *e;     /* by pattern, where the metric has means; else NULL */
	float *of_a;  /* [2^wa][layers] */
	float *of_b;  /* [layers][n] */
	double *mean; /* [layers] */
	double value; /* of the metric; for WCE the mean |e| */
};
void ax_error_state_init(struct ax_error_state *s, const struct ax_error *g);
void ax_error_state_free(struct ax_error_state *s);
/* Start anew, take a block of results, find the value. `y` has AX_BLOCK_BITS
 * results; false from add when a limit is broken, with `bad` filled. */
void ax_error_begin(struct ax_error_state *s);
bool ax_error_add(struct ax_error_state *s, const struct ax_error *g,
		  const struct ax_score_kern *k, size_t block, const int32_t *y,
		  uint64_t *bad);
void ax_error_finish(struct ax_error_state *s, const struct ax_error *g,
		     const struct ax_score_kern *k);
/* The slope of the value at a pattern, beside that of its own w f(e). */
float ax_error_slope(const struct ax_error_state *s, const struct ax_error *g,
		     size_t pattern);
/* Draws a pattern that occurs, by how often it does. */
size_t ax_error_draw(const struct ax_error *g, double u);
/* Value and rules of a whole table by pattern; false when a rule is broken. */
bool ax_error_of_table(double *value, const struct ax_error *g,
		       const int32_t *y);

#endif
