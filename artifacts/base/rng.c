/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/base/rng.h"

static void
block(struct ax_rng *r)
{
	uint32_t c0 = r->ctr[0], c1 = r->ctr[1], c2 = r->ctr[2], c3 = r->ctr[3];
	uint32_t k0 = r->key[0], k1 = r->key[1];
	int round;

	for (round = 0; round < 10; round++) {
		uint64_t p0 = (uint64_t)0xD2511F53u * c0;
		uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;

		c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
		c1 = (uint32_t)p1;
		c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
		c3 = (uint32_t)p0;
		k0 += 0x9E3779B9u;
		k1 += 0xBB67AE85u;
	}
	r->out[0] = c0;
	r->out[1] = c1;
	r->out[2] = c2;
	r->out[3] = c3;
	r->left = 4;
	if (++r->ctr[0] == 0)
		r->ctr[1]++;
}

struct ax_rng
ax_rng(uint64_t seed, const char *purpose, uint64_t index)
{
	struct ax_rng r = {{0}, {0}, {0}, 0};
	uint32_t h = 0x811c9dc5u; /* FNV-1a of the purpose */

	for (; *purpose; purpose++)
		h = (h ^ (unsigned char)*purpose) * 0x01000193u;
	r.key[0] = (uint32_t)seed;
	r.key[1] = (uint32_t)(seed >> 32);
	r.ctr[2] = h ^ (uint32_t)(index >> 32);
	r.ctr[3] = (uint32_t)index;
	return r;
}

uint32_t
ax_rng_u32(struct ax_rng *r)
{
	if (!r->left)
		block(r);
	return r->out[4 - r->left--];
}

uint64_t
ax_rng_u64(struct ax_rng *r)
{
	uint64_t lo = ax_rng_u32(r);

	return lo | (uint64_t)ax_rng_u32(r) << 32;
}

uint32_t
ax_rng_below(struct ax_rng *r, uint32_t n)
{
	uint64_t m = (uint64_t)ax_rng_u32(r) * n;
	uint32_t floor_;

	if ((uint32_t)m < n) {
		floor_ = (0u - n) % n;
		while ((uint32_t)m < floor_)
			m = (uint64_t)ax_rng_u32(r) * n;
	}
	return (uint32_t)(m >> 32);
}

float
ax_rng_float(struct ax_rng *r)
{
	return (float)(ax_rng_u32(r) >> 8) * 0x1p-24f;
}

double
ax_rng_double(struct ax_rng *r)
{
	return (double)(ax_rng_u64(r) >> 11) * 0x1p-53;
}
