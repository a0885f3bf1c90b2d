/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011). A stream belongs to (seed, purpose,
 * index), so that what one worker draws never depends on another, and the n-th
 * draw can be had without the ones before it.
 */
#ifndef AX_RNG_H
#define AX_RNG_H

#include <stdint.h>

struct ax_rng {
	uint32_t key[2];
	uint32_t ctr[4]; /* 0,1: draw counter; 2,3: purpose and index */
	uint32_t out[4];
	unsigned left; /* words of `out` not yet given away */
};

/* `purpose` is a short fixed string ("dropout", "shuffle"). */
struct ax_rng ax_rng(uint64_t seed, const char *purpose, uint64_t index);
uint32_t ax_rng_u32(struct ax_rng *r);
uint64_t ax_rng_u64(struct ax_rng *r);
/* Uniform in 0..n-1, exactly (Lemire's method with rejection); n >= 1. */
uint32_t ax_rng_below(struct ax_rng *r, uint32_t n);
/* Uniform in [0,1), 24 or 53 bits. */
float ax_rng_float(struct ax_rng *r);
double ax_rng_double(struct ax_rng *r);

#endif
