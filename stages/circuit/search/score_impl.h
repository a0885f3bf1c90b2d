/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of score.c, included once for each SIMD level. The includer defines
 * FN(name), ATTR, a vector VEC of VW words with POP(v) (ones in each word) and
 * SET1(word), ANY(vec), and MASK16(p): the sign bits of the sixteen numbers at
 * p. The types with lanes are the same for each level; only their registers
 * differ.
 */

ATTR static void
FN(unpack)(const uint64_t *const *out, unsigned bits, bool extend, int32_t *y)
{
#ifdef UNPACK64
	UNPACK64(out, bits, extend, y)
#else
	ints lane, v, w;
	int up = 32 - (int)bits;

	for (int i = 0; i < 16; i++)
		lane[i] = 1 << i;
	for (int i = 0; i < AX_BLOCK_BITS; i += 16) {
		v = (ints){0};
		for (unsigned k = 0; k < bits; k++) {
			w = (ints){0} +
			    (int32_t)(out[k][i / 64] >> i % 64 & 0xffff);
			v |= ((w & lane) != 0) & (int32_t)(1u << k);
		}
		if (extend)
			v = (v << up) >> up;
		*(ints *)(y + i) = v;
	}
#endif
}

ATTR static bool
FN(outside)(const int32_t *y, const int32_t *ref, const int32_t *lo,
	    const int32_t *hi, uint64_t *bad)
{
	uint64_t any = 0, word;
	ints e, m;

	for (int i = 0; i < AX_BLOCK_BITS; i += 64) {
		word = 0;
		for (int k = 0; k < 64; k += 16) {
			e = *(const ints *)(y + i + k) -
			    *(const ints *)(ref + i + k);
			m = (e < *(const ints *)(lo + i + k)) |
			    (e > *(const ints *)(hi + i + k));
			word |= (uint64_t)MASK16(&m) << k;
		}
		bad[i / 64] = word;
		any |= word;
	}
	return any != 0;
}

/* to = f(e) of sixteen errors. */
#define SCORE_OF(to, f, e)                                                     \
	do {                                                                   \
		if ((f) == AX_SCORE_ABS)                                       \
			(e) = ((e) ^ ((e) >> 31)) - ((e) >> 31);               \
		else if ((f) == AX_SCORE_WRONG)                                \
			(e) = (ints)((e) != 0) & 1;                            \
		(to) = __builtin_convertvector(e, floats);                     \
		if ((f) == AX_SCORE_SQUARE)                                    \
			(to) *= (to);                                          \
	} while (0)

ATTR static float
FN(change)(enum ax_score f, const int32_t *y, const int32_t *was,
	   const int32_t *ref, const float *w, const float *g, float *d,
	   float *low)
{
	floats most = {0}, sum = {0}, x, a, move;
	ints now, old, neg;
	float top = 0, total = 0;

	for (int i = 0; i < AX_BLOCK_BITS; i += 16) {
		now = *(const ints *)(y + i) - *(const ints *)(ref + i);
		old = *(const ints *)(was + i) - *(const ints *)(ref + i);
		move = __builtin_convertvector(now - old, floats);
		SCORE_OF(x, f, now);
		SCORE_OF(a, f, old);
		x = *(const floats *)(w + i) * (x - a) +
		    *(const floats *)(g + i) * move;
		*(floats *)(d + i) = x;
		neg = x < 0;
		sum += (floats)((ints)x & neg);
		a = (floats)((ints)x & 0x7fffffff);
		neg = a > most;
		most = (floats)(((ints)a & neg) | ((ints)most & ~neg));
	}
	for (int k = 0; k < 16; k++) {
		top = most[k] > top ? most[k] : top;
		total += sum[k];
	}
	*low = total;
	return top;
}

ATTR static void
FN(planes)(const float *d, float scale, float limit, uint64_t *planes,
	   uint64_t *far)
{
	ints q, m, high, down;
	floats x;

	for (int i = 0; i < AX_BLOCK_BITS; i += 64) {
		uint64_t word[AX_SCORE_PLANES] = {0}, over = 0;

		for (int k = 0; k < 64; k += 16) {
			x = *(const floats *)(d + i + k);
			m = x > limit;
			over |= (uint64_t)MASK16(&m) << k;
			x *= scale;
			high = x > (float)AX_SCORE_TOP;
			down = x < -(float)AX_SCORE_TOP;
			x = (floats)((ints)x & ~(high | down));
			q = __builtin_convertvector(x, ints);
			q += (high & AX_SCORE_TOP) - (down & AX_SCORE_TOP);
			for (int b = 0; b < AX_SCORE_PLANES; b++) {
				m = q << (31 - b);
				word[b] |= (uint64_t)MASK16(&m) << k;
			}
		}
		for (int b = 0; b < AX_SCORE_PLANES; b++)
			planes[b * AX_BLOCK_WORDS + i / 64] = word[b];
		far[i / 64] = over;
	}
}

ATTR static void
FN(scan)(const uint64_t *base, size_t stride, size_t words, const uint32_t *row,
	 size_t n, const uint64_t *f1, const uint64_t *f0, uint8_t *flags)
{
	const VEC *p1 = (const VEC *)f1, *p0 = (const VEC *)f0, *x;
	unsigned f;

	for (size_t i = 0; i < n; i++) {
		x = (const VEC *)(base + row[i] * stride);
		f = 0;
		for (size_t k = 0; k < words / VW && f != 15; k++) {
			f |= ANY(p1[k] & ~x[k]) ? AX_HIT_1_0 : 0;
			f |= ANY(p1[k] & x[k]) ? AX_HIT_1_1 : 0;
			f |= ANY(p0[k] & x[k]) ? AX_HIT_0_1 : 0;
			f |= ANY(p0[k] & ~x[k]) ? AX_HIT_0_0 : 0;
		}
		flags[i] = (uint8_t)f;
	}
}

ATTR static bool
FN(fits)(const struct ax_score_gate *g, const uint64_t *v, const uint64_t *f,
	 size_t words)
{
	const VEC *x = (const VEC *)g->x, *y = (const VEC *)g->y;
	const VEC *vv = (const VEC *)v, *vf = (const VEC *)f;
	VEC px = SET1(0 - (uint64_t)g->px), py = SET1(0 - (uint64_t)g->py);
	VEC inv = SET1(0 - (uint64_t)g->inv);

	for (size_t k = 0; k < words / VW; k++)
		if (g->exor ? ANY((x[k] ^ y[k] ^ inv ^ vv[k]) & vf[k])
			    : ANY((x[k] ^ px) & (y[k] ^ py) & vf[k]))
			return false;
	return true;
}

ATTR static int32_t
FN(weigh)(const VEC *d, const uint64_t *planes)
{
	VEC sum = SET1(0), ones;
	int64_t total = 0;

	for (int b = 0; b < AX_SCORE_PLANES; b++) {
		const VEC *p = (const VEC *)(planes + b * AX_BLOCK_WORDS);

		ones = SET1(0);
		for (int k = 0; k < AX_BLOCK_WORDS / VW; k++)
			ones += POP(d[k] & p[k]);
		if (b + 1 < AX_SCORE_PLANES)
			sum += ones << b;
		else
			sum -= ones << b;
	}
	for (int k = 0; k < VW; k++)
		total += (int64_t)((const uint64_t *)&sum)[k];
	return (int32_t)total;
}

ATTR static void
FN(sides)(const uint64_t *x, const uint64_t *v, const uint64_t *planes,
	  int32_t *out)
{
	const VEC *vx = (const VEC *)x, *vv = (const VEC *)v;
	VEC d[AX_BLOCK_WORDS / VW];

	for (int k = 0; k < AX_BLOCK_WORDS / VW; k++)
		d[k] = ~vx[k] & vv[k];
	out[0] = FN(weigh)(d, planes);
	for (int k = 0; k < AX_BLOCK_WORDS / VW; k++)
		d[k] = vx[k] & ~vv[k];
	out[1] = FN(weigh)(d, planes);
}

ATTR static int32_t
FN(wrong)(const struct ax_score_gate *g, const uint64_t *v,
	  const uint64_t *planes)
{
	const VEC *x = (const VEC *)g->x, *y = (const VEC *)g->y;
	const VEC *vv = (const VEC *)v;
	VEC px = SET1(0 - (uint64_t)g->px), py = SET1(0 - (uint64_t)g->py);
	VEC inv = SET1(0 - (uint64_t)g->inv), d[AX_BLOCK_WORDS / VW];

	if (g->exor)
		for (int k = 0; k < AX_BLOCK_WORDS / VW; k++)
			d[k] = x[k] ^ y[k] ^ inv ^ vv[k];
	else
		for (int k = 0; k < AX_BLOCK_WORDS / VW; k++)
			d[k] = ((x[k] ^ px) & (y[k] ^ py)) ^ inv ^ vv[k];
	return FN(weigh)(d, planes);
}

ATTR static void
FN(add)(enum ax_score f, const int32_t *y, const int32_t *ref, const float *w,
	float *keep, double *sum)
{
	reals s[2], x;
	halves e;

	memcpy(s, sum, sizeof(s)); /* which need not be aligned */

	for (int i = 0; i < AX_BLOCK_BITS; i += 8) {
		e = *(const halves *)(y + i) - *(const halves *)(ref + i);
		if (keep)
			*(half_floats *)(keep + i) =
				__builtin_convertvector(e, half_floats);
		if (f == AX_SCORE_ABS)
			e = (e ^ (e >> 31)) - (e >> 31);
		else if (f == AX_SCORE_WRONG)
			e = (halves)(e != 0) & 1;
		x = __builtin_convertvector(e, reals);
		if (f == AX_SCORE_SQUARE)
			x *= x;
		if (w)
			x *= __builtin_convertvector(
				*(const half_floats *)(w + i), reals);
		s[i / 8 & 1] += x;
	}
	memcpy(sum, s, sizeof(s));
}

ATTR static void
FN(means)(const float *row, size_t n, size_t layers, const float *pa,
	  const float *pb, float *of_a, float *of_b)
{
	for (size_t l = 0; l < layers; l++) {
		const float *p = pb + l * n;
		floats s = {0};
		float sum = 0;

		for (size_t i = 0; i < n; i += 16)
			s += *(const floats *)(p + i) *
			     *(const floats *)(row + i);
		for (int k = 0; k < 16; k++)
			sum += s[k];
		of_a[l] = sum;
		if (pa[l] == 0)
			continue;
		for (size_t i = 0; i < n; i += 16)
			*(floats *)(of_b + l * n + i) +=
				pa[l] * *(const floats *)(row + i);
	}
}

static const struct ax_score_kern FN(table) = {
	FN(unpack), FN(outside), FN(change), FN(planes), FN(scan),
	FN(fits),   FN(sides),   FN(wrong),  FN(add),    FN(means)};
