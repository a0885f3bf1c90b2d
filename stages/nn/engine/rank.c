/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/engine/rank.h"

#include <math.h>

#include "artifacts/base/base.h"

void
ax_ranks(double *rank, const double *x, size_t n)
{
	/* places before and beside, which needs no sorting */
	for (size_t i = 0; i < n; i++) {
		size_t below = 0, same = 0;

		for (size_t j = 0; j < n; j++) {
			below += x[j] < x[i];
			same += x[j] == x[i];
		}
		rank[i] = (double)below + ((double)same + 1) / 2;
	}
}

double
ax_spearman(const double *x, const double *y, size_t n)
{
	double *rx = ax_calloc(2 * n + 1, sizeof(*rx)), *ry = rx + n;
	double mean = ((double)n + 1) / 2, xx = 0, yy = 0, xy = 0;

	ax_ranks(rx, x, n);
	ax_ranks(ry, y, n);
	for (size_t i = 0; i < n; i++) {
		xx += (rx[i] - mean) * (rx[i] - mean);
		yy += (ry[i] - mean) * (ry[i] - mean);
		xy += (rx[i] - mean) * (ry[i] - mean);
	}
	free(rx);
	return n > 1 && xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : NAN;
}
