/* SPDX-License-Identifier: Apache-2.0 */
/* Rank correlation. */
#ifndef AX_NN_RANK_H
#define AX_NN_RANK_H

#include <stddef.h>

/* Ranks 1..n; equal values share the mean of theirs. No NaN. */
void ax_ranks(double *rank, const double *x, size_t n);
/* Spearman's rho: the correlation of the ranks (ties by mean rank). NaN for
 * fewer than two points, or where one side does not vary. */
double ax_spearman(const double *x, const double *y, size_t n);

#endif
