/* SPDX-License-Identifier: Apache-2.0 */
/* What the two algorithms of the stage share. */
#ifndef AX_EVOLVE_H
#define AX_EVOLVE_H

#include "artifacts/base/hash.h"
#include "artifacts/lut.h"
#include "artifacts/netlist/cover.h"
#include "stages/circuit/search/ask.h"
#include "stages/circuit/search/circuit.h"
#include "stages/circuit/search/error.h"
#include "stages/circuit/search/problem.h"
#include "stages/circuit/search/families.h"
#include "stages/kit/kit.h"

struct evolve {
	struct ax_task *task;
	struct ax_circuit start, best;
	unsigned wa, wb;
	bool sign;
	struct ax_lut reference; /* v NULL: the exact product */
	/* Not NULL: what this netlist computes is wanted. Its input bits,
	 * halved, are the problem's operands, without signs. */
	struct ax_netlist *model;
	struct ax_wanted wanted;
	struct ax_problem p;
	uint64_t bound; /* on the largest error */
	/* what is bounded, by error_most where it is not the largest error */
	enum ax_metric metric;
	double error_most, rho, error;
	struct ax_histogram histogram; /* of no layers: all patterns alike */
	struct ax_digest key;  /* of parameters and inputs, for checkpoints */
	struct ax_str history; /* CSV rows */
	struct ax_str log;     /* empty: no log */
	double save_at, save_every;
};

/* Both fill in best and history. */
int evolve_own(struct evolve *e, struct ax_err *err);
int evolve_published(struct evolve *e, struct ax_err *err);
/* The search under a bound on another error than the largest. */
int evolve_by_error(struct evolve *e, const struct ax_ask *ask,
		    unsigned allowed, struct ax_err *err);
/* That error of a table, by the code of the nouns. */
int evolve_error_of(const struct evolve *e, const struct ax_lut *got,
		    double *error, struct ax_err *err);

/* Writes `best` as a cover by the cells, and how many there are of each; their
 * area, too, where the search went by their transistors. */
int evolve_mapped(struct evolve *e, const struct ax_cover_cells *cells,
		  bool by_transistors, struct ax_err *err);

/* The payload of the checkpoint of this very run, if there is one: 1 with
 * *bytes (caller frees), or 0. */
int evolve_resume(struct evolve *e, char **bytes, size_t *n);
/* True when the next checkpoint is due. */
bool evolve_due(struct evolve *e);
int evolve_save(struct evolve *e, const struct ax_str *payload,
		struct ax_err *err);
/* One row of the history. */
void evolve_note(struct evolve *e, uint64_t step, int64_t transistors,
		 unsigned nodes, const struct ax_errors *errors);

#endif
