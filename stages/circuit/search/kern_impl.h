/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of kern.c, included once for each SIMD level. The includer defines
 * VEC (a vector of VW words), FN(name), ATTR, SET1(word), ANY(vec) and
 * TL(f, a, b, c): the ternary function f of three vectors.
 */

ATTR static inline __attribute__((always_inline)) void
FN(run_words)(uint64_t *base, size_t stride, const struct ax_kop *op, size_t n,
	      int vecs)
{
	const VEC *a, *b;
	VEC *d, m1, m2, m3, p, q, x, y;
	const uint64_t *m;
	uint64_t step;

	for (size_t i = 0; i < n; i++) {
		/* loads are what bounds this loop: one for the four fields */
		memcpy(&step, &op[i], sizeof(step));
		a = (const VEC *)(base + STEP_FIELD(step, 0) * stride);
		b = (const VEC *)(base + STEP_FIELD(step, 1) * stride);
		d = (VEC *)(base + STEP_FIELD(step, 2) * stride);
		m = form[STEP_FIELD(step, 3)];
		m1 = SET1(m[0]);
		m2 = SET1(m[1]);
		m3 = SET1(m[2]);
		_Pragma("GCC unroll 4") for (int k = 0; k < vecs; k++)
		{
			p = a[k];
			q = b[k];
			x = TL(F_AND3, p, q, m1);
			y = TL(F_XOR_AND, p, q, m2);
			d[k] = TL(F_XOR3, x, y, m3);
		}
	}
}

ATTR static void
FN(run)(uint64_t *base, size_t stride, const struct ax_kop *op, size_t n)
{
	FN(run_words)(base, stride, op, n, AX_BLOCK_WORDS / VW);
}

ATTR static void
FN(pool_run)(uint64_t *base, const struct ax_kop *op, size_t n)
{
	FN(run_words)(base, AX_POOL_WORDS, op, n, AX_POOL_WORDS / VW);
}

ATTR static bool
FN(step)(uint64_t *base, size_t stride, const struct ax_kop *op)
{
	const VEC *a = (const VEC *)(base + op->a * stride);
	const VEC *b = (const VEC *)(base + op->b * stride);
	VEC *d = (VEC *)(base + op->d * stride);
	VEC m1 = SET1(form[op->gate][0]), m2 = SET1(form[op->gate][1]);
	VEC m3 = SET1(form[op->gate][2]), x, y, diff = SET1(0);

	for (int k = 0; k < AX_BLOCK_WORDS / VW; k++) {
		x = TL(F_AND3, a[k], b[k], m1);
		y = TL(F_XOR_AND, a[k], b[k], m2);
		x = TL(F_XOR3, x, y, m3);
		diff = TL(F_OR_XOR, diff, x, d[k]);
		d[k] = x;
	}
	return ANY(diff);
}

ATTR static uint32_t
FN(worst)(const uint64_t *const *out, const uint64_t *exact, unsigned bits,
	  bool extend, uint32_t most)
{
	VEC d[AX_MAX_BITS], borrow, a, x, s, gt, cand, t;
	unsigned planes = bits + 2;
	uint32_t v;

	for (int k = 0; k < AX_BLOCK_WORDS / VW; k++) {
		borrow = SET1(0);
		a = SET1(0);
		for (unsigned i = 0; i < planes; i++) {
			if (i < bits)
				a = ((const VEC *)out[i])[k];
			else if (!extend)
				a = SET1(0);
			x = ((const VEC *)(exact + i * AX_BLOCK_WORDS))[k];
			d[i] = TL(F_XOR3, x, a, borrow);
			borrow = TL(F_LESS, x, a, borrow);
		}
		/* |e| > most: of ~e for negative e, with >= in place of > */
		s = d[planes - 1];
		gt = s;
		for (unsigned i = 0; i + 1 < planes; i++)
			gt = (most >> i) & 1 ? TL(F_AND_XOR, gt, d[i], s)
					     : TL(F_OR_XOR, gt, d[i], s);
		if (!ANY(gt))
			continue;
		for (int neg = 0; neg < 2; neg++) {
			cand = neg ? gt & s : gt & ~s;
			if (!ANY(cand))
				continue;
			v = 0;
			for (unsigned i = planes - 1; i-- > 0;) {
				t = cand & (neg ? ~d[i] : d[i]);
				if (ANY(t)) {
					cand = t;
					v |= 1u << i;
				}
			}
			v += (uint32_t)neg;
			most = v > most ? v : most;
		}
	}
	return most;
}

ATTR static inline __attribute__((always_inline)) bool
FN(bound_words)(const uint64_t *const *out, const uint64_t *limits,
		unsigned bits, bool flip, uint64_t *bad, int vecs)
{
	VEC a, lo, hi, below, above, any = SET1(0), top = SET1(0);

	if (flip)
		top = ~top;
	for (int k = 0; k < vecs; k++) {
		below = SET1(0);
		above = below;
		for (unsigned i = 0; i < bits; i++) {
			const VEC *l = (const VEC *)limits + 2 * i * vecs;

			a = ((const VEC *)out[i])[k];
			if (i + 1 == bits)
				a ^= top;
			lo = l[k];
			hi = l[k + vecs];
			below = TL(F_LESS, a, lo, below);
			above = TL(F_LESS, hi, a, above);
		}
		a = below | above;
		((VEC *)bad)[k] = a;
		any |= a;
	}
	return ANY(any);
}

ATTR static bool
FN(bound)(const uint64_t *const *out, const uint64_t *limits, unsigned bits,
	  bool flip, uint64_t *bad)
{
	return FN(bound_words)(out, limits, bits, flip, bad,
			       AX_BLOCK_WORDS / VW);
}

ATTR static bool
FN(pool_bound)(const uint64_t *const *out, const uint64_t *limits,
	       unsigned bits, bool flip, uint64_t *bad)
{
	return FN(bound_words)(out, limits, bits, flip, bad,
			       AX_POOL_WORDS / VW);
}

ATTR static void
FN(scan)(const uint64_t *base, const uint32_t *row, size_t n,
	 const uint64_t *f1, const uint64_t *f0, uint8_t *flags)
{
	const VEC *p1 = (const VEC *)f1, *p0 = (const VEC *)f0, *x;
	unsigned f;

	for (size_t i = 0; i < n; i++) {
		x = (const VEC *)(base + (size_t)row[i] * AX_POOL_WORDS);
		f = 0;
		for (int k = 0; k < AX_POOL_WORDS / VW && f != 15; k++) {
			f |= ANY(p1[k] & ~x[k]) ? AX_HIT_1_0 : 0;
			f |= ANY(p1[k] & x[k]) ? AX_HIT_1_1 : 0;
			f |= ANY(p0[k] & x[k]) ? AX_HIT_0_1 : 0;
			f |= ANY(p0[k] & ~x[k]) ? AX_HIT_0_0 : 0;
		}
		flags[i] = (uint8_t)f;
	}
}

ATTR static bool
FN(disjoint)(const uint64_t *x, unsigned px, const uint64_t *y, unsigned py,
	     const uint64_t *f)
{
	const VEC *vx = (const VEC *)x, *vy = (const VEC *)y;
	const VEC *vf = (const VEC *)f;
	VEC ix = SET1(0 - (uint64_t)px), iy = SET1(0 - (uint64_t)py);

	for (int k = 0; k < AX_POOL_WORDS / VW; k++)
		if (ANY((vx[k] ^ ix) & (vy[k] ^ iy) & vf[k]))
			return false;
	return true;
}

ATTR static bool
FN(xor_fits)(const uint64_t *x, const uint64_t *y, const uint64_t *v,
	     const uint64_t *care, unsigned inv)
{
	const VEC *vx = (const VEC *)x, *vy = (const VEC *)y;
	const VEC *vv = (const VEC *)v, *vc = (const VEC *)care;
	VEC i = SET1(0 - (uint64_t)inv);

	for (int k = 0; k < AX_POOL_WORDS / VW; k++)
		if (ANY((vx[k] ^ vy[k] ^ vv[k] ^ i) & vc[k]))
			return false;
	return true;
}

static const struct ax_search_kern FN(table) = {
	FN(run),        FN(step), FN(worst),    FN(bound),   FN(pool_run),
	FN(pool_bound), FN(scan), FN(disjoint), FN(xor_fits)};
