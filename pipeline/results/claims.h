/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims: numbers that a paper states, against the numbers that this run has.
 * (docs/manifest.md, "Claims")
 */
#ifndef AX_CLAIMS_H
#define AX_CLAIMS_H

#include "pipeline/run/run.h"
#include "pipeline/manifest/value.h"

enum ax_verdict { AX_HOLDS, AX_FAILS, AX_MISSING };

struct ax_claim {
	char *figure, *text, *note; /* may be NULL */
	char *expr;                 /* the expression */
	char *name;     /* expression with the point's coordinates */
	char *unit;     /* may be NULL */
	char *expected; /* "2048", "<= 2048", "[1, 2]", "68 +- 1 %" */
	char *measured; /* "2048", or why it is missing */
	char *delta;    /* measured - expected where that means something */
	enum ax_verdict verdict;
	/* The same in numbers: what the claim allows (infinite where it sets no
	 * limit; NaN for a claimed word), and what was measured (NaN: nothing
	 * or no number). */
	double lo, hi, got;
};

struct ax_claims {
	struct ax_claim *list;
	size_t n;
	size_t holds, fails, missing;
};

/* Measures every claim of the graph against the outcomes of a run (planned is
 * enough: what the store holds counts). */
int ax_claims_check(struct ax_claims *out, const struct ax_run *r,
		    struct ax_err *err);
void ax_claims_free(struct ax_claims *c);
const char *ax_verdict_name(enum ax_verdict v);
/* The metrics of a node in a run, as ax_expr_eval asks for them; arg is the
 * struct ax_run. Borrowed. */
json_t *ax_run_metrics(void *arg, const struct ax_node *node);

/* Writers; each appends to s. */
json_t *ax_claims_json(const struct ax_claims *c);
void ax_claims_table(struct ax_str *s, const struct ax_claims *c, bool color);
void ax_claims_tap(struct ax_str *s, const struct ax_claims *c);
void ax_claims_junit(struct ax_str *s, const struct ax_claims *c,
		     const char *suite);
void ax_claims_markdown(struct ax_str *s, const struct ax_claims *c);

#endif
