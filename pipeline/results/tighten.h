/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounds of claims against what past runs measured: a bound far from every
 * value that was ever seen would let a regression through unseen.
 *
 * A value's range over the runs is widened on both sides by its own width, and
 * by at least `margin` of its size; a limit that lies outside of that is
 * proposed to move there, rounded away from the values to three digits.
 */
#ifndef AX_TIGHTEN_H
#define AX_TIGHTEN_H

#include "pipeline/results/claims.h"

struct ax_tighter {
	const struct ax_claim *claim; /* borrowed */
	size_t runs;                  /* that measured it */
	double least, most;           /* of what they measured */
	double lo, hi;                /* proposed; infinite: no limit there */
	bool moves; /* the proposal is tighter than the claim */
};

/* Looks at the newest `runs` recorded runs of the manifest and at `now`.
 * *out: one for each claim that has a number; caller frees. */
int ax_tighten(struct ax_tighter **out, size_t *n, struct ax_store *s,
	       const char *manifest, const struct ax_claims *now, size_t runs,
	       double margin, struct ax_err *err);
/* Append. The text lists what moves, and says how many do not. */
void ax_tighten_table(struct ax_str *s, const struct ax_tighter *list,
		      size_t n);
json_t *ax_tighten_json(const struct ax_tighter *list, size_t n);

#endif
