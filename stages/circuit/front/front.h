/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the stage front share: the task as it stands. */
#ifndef AX_FRONT_H
#define AX_FRONT_H

#include "artifacts/lut.h"
#include "artifacts/lut_operands.h"
#include "stages/circuit/search/ask.h"
#include "stages/circuit/search/error.h"
#include "stages/circuit/search/tour.h"
#include "stages/kit/kit.h"

/* A circuit without search: a start, and a baseline of the report. */
struct front_start {
	char *what;
	struct ax_circuit c;
	bool keeps; /* the rules */
	double error;
	int64_t cost;
};

/* Where the search is asked to go. */
struct front_target {
	bool budget;  /* of cost; else a bound on the error */
	double value; /* as given */
};

struct front {
	struct ax_task *task;
	unsigned wa, wb, outs;
	bool sign;
	enum ax_lut_op op;
	enum ax_metric metric;
	struct ax_error_rules rules;
	struct ax_lut reference;
	bool other; /* it is not that of op */
	unsigned allowed;
	struct ax_histogram histogram;
	bool weighted; /* there is a histogram */
	struct ax_problem p;
	struct ax_search s;
	struct ax_error error;
	struct ax_ask ask;
	struct ax_cost cost; /* that of `ask` */
	struct front_start *start;
	size_t starts, starts_cap;
	size_t given;                        /* the first of them were wired */
	struct front_target *target, *asked; /* sorted bounds; in given order */
	size_t targets, bounds;              /* the budgets follow the bounds */
	size_t usable;                       /* starts that keep the rules */
	struct ax_archive archive;
	struct ax_str history;
	double noted_error; /* what the history said last of the target */
	int64_t noted_cost;
	uint64_t steps, evaluations;
	struct ax_digest key;
	double save_at, save_every;
};

/* All structures and given netlists, measured; errors are those of a netlist
 * that cannot be used. */
int front_find_starts(struct front *f, struct ax_err *err);
/* Searches at each target, with checkpoints. */
int front_search(struct front *f, struct ax_err *err);
/* Measures the archive's circuits by the code of the nouns, writes all. */
int front_write(struct front *f, struct ax_err *err);
/* Error in the metric asked for, of a table by pattern; false when a rule is
 * broken. For wce the largest error. */
bool front_measure(const struct front *f, const struct ax_circuit *c,
		   double *error);

#endif
