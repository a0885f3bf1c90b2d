/* SPDX-License-Identifier: Apache-2.0 */
/* The body of cone.c, once for each SIMD level; VEC, VW, FN, ATTR, SET1, ANY as
 * in kern_impl.h. */

ATTR static void
FN(cone)(uint64_t *base, uint32_t old, uint32_t *place, uint8_t *differs,
	 const struct ax_cone_op *op, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const VEC *a, *b, *w;
		VEC *d, m1, m2, m3, x, diff;

		if (!(op[i].root | differs[op[i].a] | differs[op[i].b])) {
			place[old + i] = op[i].was;
			differs[old + i] = 0;
			continue;
		}
		a = (const VEC *)(base +
				  (size_t)place[op[i].a] * AX_BLOCK_WORDS);
		b = (const VEC *)(base +
				  (size_t)place[op[i].b] * AX_BLOCK_WORDS);
		d = (VEC *)(base + (old + i) * AX_BLOCK_WORDS);
		m1 = SET1(0 - (uint64_t)(op[i].gate & 1));
		m2 = SET1(0 - (uint64_t)(op[i].gate >> 1 & 1));
		m3 = SET1(0 - (uint64_t)(op[i].gate >> 2 & 1));
		if (op[i].was == AX_CONE_NEW) {
			for (int k = 0; k < AX_BLOCK_WORDS / VW; k++)
				d[k] = (a[k] & b[k] & m1) ^
				       ((a[k] ^ b[k]) & m2) ^ m3;
			place[old + i] = old + (uint32_t)i;
			differs[old + i] = 1;
			continue;
		}
		w = (const VEC *)(base + (size_t)op[i].was * AX_BLOCK_WORDS);
		diff = SET1(0);
		for (int k = 0; k < AX_BLOCK_WORDS / VW; k++) {
			x = (a[k] & b[k] & m1) ^ ((a[k] ^ b[k]) & m2) ^ m3;
			diff |= x ^ w[k];
			d[k] = x;
		}
		differs[old + i] = ANY(diff);
		place[old + i] =
			differs[old + i] ? old + (uint32_t)i : op[i].was;
	}
}
