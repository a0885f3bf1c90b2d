/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors by formula. Expectations are over uniform operands; sums stay integers
 * until the last division, so that they equal the exhaustive figures to the
 * last bit.
 */
#include "stages/circuit/structures/structures.h"

#include "artifacts/base/base.h"
#include "stages/circuit/structures/parts.h"

typedef __int128 ax_wide;

static uint64_t
distance(int64_t a, int64_t b)
{
	return a > b ? (uint64_t)(a - b) : (uint64_t)(b - a);
}

static double
ratio(ax_wide num, unsigned log2_den)
{
	return (double)num / (double)((uint64_t)1 << log2_den);
}

static int64_t
pow2(unsigned n)
{
	return (int64_t)1 << n;
}

/* --- partial products left out ------------------------------------------- */

/*
 * D, the sum of what is left out, is linear in the bits of b for each a; a
 * negative product bit is the complement 1 - a b. The error is add - D.
 */
struct left_out {
	int64_t least, most;
	ax_wide mean4;    /* 4 E[D] */
	ax_wide square16; /* 16 E[D^2] */
	ax_wide eighths;  /* of Booth rows: 8 * 2^wa * E[D] */
};

static void
leave_out(struct left_out *d, const struct ax_shape *s)
{
	int64_t w[12][12], base = 0;
	ax_wide sum4 = 0, cross16 = 0;

	for (unsigned i = 0; i < s->wa; i++)
		for (unsigned j = 0; j < s->wb; j++) {
			w[i][j] = ax_shape_drops(s, i, j) ? pow2(i + j) : 0;
			if (ax_shape_negative(s, i, j)) {
				base += w[i][j];
				w[i][j] = -w[i][j];
			}
			sum4 += w[i][j];
		}
	/* E[a_i b_j a_k b_l] = 2^-(different i, k + different j, l) */
	for (unsigned i = 0; i < s->wa; i++)
		for (unsigned j = 0; j < s->wb; j++)
			for (unsigned k = 0; k < s->wa; k++)
				for (unsigned l = 0; l < s->wb; l++)
					cross16 += (ax_wide)w[i][j] * w[k][l] *
						   (i == k ? 2 : 1) *
						   (j == l ? 2 : 1);
	d->mean4 = 4 * (ax_wide)base + sum4;
	d->square16 =
		16 * (ax_wide)base * base + 8 * (ax_wide)base * sum4 + cross16;
	d->least = INT64_MAX;
	d->most = INT64_MIN;
	for (unsigned a = 0; a < 1u << s->wa; a++) {
		int64_t lo = base, hi = base, of;

		for (unsigned j = 0; j < s->wb; j++) {
			of = 0;
			for (unsigned i = 0; i < s->wa; i++)
				of += a >> i & 1 ? w[i][j] : 0;
			lo += AX_MIN(of, 0);
			hi += AX_MAX(of, 0);
		}
		d->least = AX_MIN(d->least, lo);
		d->most = AX_MAX(d->most, hi);
	}
}

/*
 * Can a product that is off by low..high still be written in wa + wb bits? A
 * signed product uses half of their range; an unsigned one leaves 2^wa + 2^wb -
 * 2 above it (and is never below 0 in any of the families).
 */
static bool
fits(const struct ax_shape *s, int64_t low, int64_t high)
{
	unsigned n = s->wa + s->wb;

	if (s->sign)
		return low >= -pow2(n - 2) && high < pow2(n - 2);
	return high <= pow2(s->wa) + pow2(s->wb) - 2;
}

static void
truncated(struct ax_shape_error *e, const struct ax_shape *s)
{
	int64_t add = (int64_t)s->add;
	struct left_out d;

	leave_out(&d, s);
	/* an unsigned sum has the room of what was left out */
	if (s->sign ? !fits(s, add - d.most, add - d.least) : add > d.most)
		return;
	e->wce_known = e->bias_known = e->mse_known = true;
	e->wce = AX_MAX(distance(add, d.most), distance(add, d.least));
	e->bias = ratio(4 * (ax_wide)add - d.mean4, 2);
	e->mse = ratio(16 * (ax_wide)add * add - 8 * (ax_wide)add * d.mean4 +
			       d.square16,
		       4);
	e->mae_known = add <= d.least || add >= d.most;
	e->mae = e->bias < 0 ? -e->bias : e->bias;
}

/* --- rows and compressors: bounds ---------------------------------------- */

static void
bounded(struct ax_shape_error *e, const struct ax_shape *s, uint64_t bound)
{
	if (!fits(s, -(int64_t)bound, (int64_t)bound))
		return;
	e->bound_known = true;
	e->wce_bound = bound;
}

/* In each row of a Booth multiplier the bits below column k are others: from a
 * multiple of 4^row to another, both below 2^k. */
static uint64_t
booth_bound(const struct ax_shape *s)
{
	unsigned rows = s->sign ? (s->wb + 1) / 2 : s->wb / 2 + 1;
	uint64_t sum = 0;

	for (unsigned r = 0; r < rows && 2 * r < s->k; r++)
		sum += (uint64_t)(pow2(s->k) - pow2(2 * r));
	return sum;
}

/*
 * What a truncated Booth row leaves out of digit (neg mid low) times a: the
 * bits below column k of the one's complement, and the 1 that it misses. A
 * carry out of the row's first bit stays where its second does.
 */
static int64_t
booth_rest(const struct ax_shape *s, unsigned r, int64_t a, unsigned bits)
{
	unsigned base = 2 * r, end = s->wa + !s->sign;
	int64_t neg = bits >> 2, one = (bits ^ bits >> 1) & 1;
	int64_t digit = (bits & 1) + (bits >> 1 & 1) - 2 * neg;
	int64_t exact = digit * a * pow2(base), kept = 0, p, bit0;
	unsigned first = s->k > base ? s->k - base : 0;

	if (base + end < s->k)
		return exact;
	/* as a number with the sign bit at `end` */
	p = digit < 0 ? -digit * a : digit * a;
	p = (neg ? -p - 1 : p) * pow2(base);
	bit0 = one & a & 1;
	if (first == 0)
		return 0;
	kept = p - (p & (pow2(s->k) - 1));
	if (first == 1)
		kept += (neg & !bit0) * pow2(base + 1);
	return exact - kept;
}

/* D as above, over all b for each a: the digits of neighbours share a bit. */
static void
booth_leave_out(struct left_out *d, const struct ax_shape *s)
{
	unsigned rows = s->sign ? (s->wb + 1) / 2 : s->wb / 2 + 1;
	ax_wide sum = 0; /* of 8 times the mean for each a */

	d->least = INT64_MAX;
	d->most = INT64_MIN;
	for (unsigned n = 0; n < 1u << s->wa; n++) {
		int64_t a = n, lo[2] = {0, INT64_MAX / 2}, hi[2], nlo[2],
			nhi[2];

		if (s->sign && n >> (s->wa - 1))
			a -= pow2(s->wa);
		hi[0] = 0;
		hi[1] = INT64_MIN / 2;
		for (unsigned r = 0; r < rows; r++) {
			int64_t at[8], mean = 0;
			unsigned ways = 0;

			nlo[0] = nlo[1] = INT64_MAX / 2;
			nhi[0] = nhi[1] = INT64_MIN / 2;
			for (unsigned t = 0; t < 8; t++) {
				unsigned low = t & 1, mid = t >> 1 & 1,
					 neg = t >> 2;

				/* no bit below the first, copies of the sign or
				 * zeros above the last */
				if ((r == 0 && low) ||
				    (2 * r >= s->wb &&
				     mid != (s->sign ? low : 0)) ||
				    (2 * r + 1 >= s->wb &&
				     neg != (s->sign ? mid : 0)))
					continue;
				at[t] = booth_rest(s, r, a, t);
				mean += at[t];
				ways++;
				nlo[neg] = AX_MIN(nlo[neg], lo[low] + at[t]);
				nhi[neg] = AX_MAX(nhi[neg], hi[low] + at[t]);
			}
			sum += (ax_wide)mean * (8 / ways);
			memcpy(lo, nlo, sizeof(lo));
			memcpy(hi, nhi, sizeof(hi));
		}
		d->least = AX_MIN(d->least, AX_MIN(lo[0], lo[1]));
		d->most = AX_MAX(d->most, AX_MAX(hi[0], hi[1]));
	}
	d->eighths = sum;
}

static void
booth_truncated(struct ax_shape_error *e, const struct ax_shape *s)
{
	int64_t add = (int64_t)s->add;
	struct left_out d = {0};

	booth_leave_out(&d, s);
	/* an unsigned result must not fall below 0 either */
	if (!fits(s, add - d.most, add - d.least) || (!s->sign && add < d.most))
		return;
	e->wce_known = e->bias_known = true;
	e->wce = AX_MAX(distance(add, d.most), distance(add, d.least));
	e->bias = (double)add - ratio(d.eighths, s->wa + 3);
	e->mae_known = add <= d.least || add >= d.most;
	e->mae = e->bias < 0 ? -e->bias : e->bias;
}

/* What a constant can do is to add: where more would have to be taken away, 0.
 */
uint64_t
ax_shape_mean_constant(const struct ax_shape *s)
{
	struct left_out d = {0};
	int64_t half = pow2(s->wa + 2), of = pow2(s->wa + 3);

	if (s->family == AX_SHAPE_ADDER_TRUNCATED)
		return (uint64_t)pow2(s->k) - 1;
	if (s->family == AX_SHAPE_BOOTH_TRUNCATED) {
		booth_leave_out(&d, s);
		return d.eighths > 0 ? (uint64_t)((d.eighths + half) / of) : 0;
	}
	leave_out(&d, s);
	return (uint64_t)((d.mean4 + 2) / 4);
}

uint64_t
ax_shape_half_constant(const struct ax_shape *s)
{
	struct left_out d = {0};

	if (s->family == AX_SHAPE_ADDER_TRUNCATED)
		return (uint64_t)pow2(s->k) - 1;
	if (s->family == AX_SHAPE_BOOTH_TRUNCATED)
		booth_leave_out(&d, s);
	else
		leave_out(&d, s);
	return (uint64_t)AX_MAX((d.least + d.most) / 2, 0);
}

/* --- one operand at a time ----------------------------------------------- */

/* What DRUM and SSM put in the place of a magnitude of n bits. */
static int64_t
instead(const struct ax_shape *s, int64_t x, unsigned n)
{
	unsigned shift = 0;

	if (n <= s->k || x < pow2(s->k))
		return x;
	if (s->family == AX_SHAPE_SSM)
		return x >> (n - s->k) << (n - s->k);
	while (x >> shift >= pow2(s->k))
		shift++;
	return ((x >> shift) | 1) << shift;
}

struct moments {
	ax_wide x, y, xx, xy, yy; /* sums over all x; y is instead of x */
};

static void
operand(struct moments *m, const struct ax_shape *s, unsigned n)
{
	int64_t x, y;

	*m = (struct moments){0, 0, 0, 0, 0};
	for (int64_t v = 0; v < pow2(n); v++) {
		x = s->sign ? v - pow2(n - 1) : v;
		y = instead(s, x < 0 ? -x : x, n);
		y = x < 0 ? -y : y;
		m->x += x;
		m->y += y;
		m->xx += x * x;
		m->xy += x * y;
		m->yy += y * y;
	}
}

/*
 * The product of what stands in place of the operands: its moments are products
 * of theirs. The worst error is where both are off by most in the same
 * direction, which is at the ends of the highest octave (for signed operands
 * also at -2^(n-1)).
 */
static void
segments(struct ax_shape_error *e, const struct ax_shape *s)
{
	const unsigned n[2] = {s->wa, s->wb};
	struct moments a, b;
	int64_t x[2][3], most = 0, p, q;

	for (int o = 0; o < 2; o++) {
		unsigned top = s->sign ? n[o] - 1 : n[o];

		x[o][0] = pow2(top) - 1;
		/* the last with k leading bits that end in 0, then only 0s */
		x[o][1] =
			top > s->k ? (pow2(s->k) - 2) << (top - s->k) : x[o][0];
		x[o][2] = s->sign ? pow2(top) : x[o][0];
	}
	e->wce = 0;
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 3; j++) {
			p = x[0][i] * x[1][j];
			q = instead(s, x[0][i], n[0]) *
			    instead(s, x[1][j], n[1]);
			e->wce = AX_MAX(e->wce, distance(p, q));
			most = AX_MAX(most, q);
		}
	/* the largest magnitude must fit, of either sign */
	if (most >= pow2(s->wa + s->wb - (s->sign ? 1 : 0)))
		return;
	operand(&a, s, s->wa);
	operand(&b, s, s->wb);
	e->wce_known = e->bias_known = e->mse_known = true;
	e->bias = ratio(a.y * b.y - a.x * b.x, s->wa + s->wb);
	e->mse = ratio(a.yy * b.yy - 2 * a.xy * b.xy + a.xx * b.xx,
		       s->wa + s->wb);
	if (s->family == AX_SHAPE_SSM) {
		/* never too large a magnitude; |x y| has sign(x) x ... */
		ax_wide px = 0, py = 0, qx = 0, qy = 0;

		for (int64_t v = 0; v < pow2(s->wa); v++) {
			p = s->sign ? v - pow2(s->wa - 1) : v;
			p = p < 0 ? -p : p;
			px += p;
			py += instead(s, p, s->wa);
		}
		for (int64_t v = 0; v < pow2(s->wb); v++) {
			p = s->sign ? v - pow2(s->wb - 1) : v;
			p = p < 0 ? -p : p;
			qx += p;
			qy += instead(s, p, s->wb);
		}
		e->mae_known = true;
		e->mae = ratio(px * qx - py * qy, s->wa + s->wb);
	} else {
		double r = 1;

		for (int o = 0; o < 2; o++)
			if (n[o] > s->k)
				r *= 1 + 1.0 / (double)pow2(s->k - 1);
		e->relative_known = true;
		e->relative = r - 1;
	}
}

/* (a - 2^i)(b - 2^j), or (2^(i+1) - a)(2^(j+1) - b): most in the middle of the
 * highest octaves. */
static void
mitchell(struct ax_shape_error *e, const struct ax_shape *s)
{
	unsigned a = s->wa - (s->sign ? 1 : 0), b = s->wb - (s->sign ? 1 : 0);

	e->wce_known = e->relative_known = true;
	e->wce = a < 2 || b < 2 ? 0 : (uint64_t)pow2(a + b - 4);
	e->relative = 1.0 / 9;
}

/* --- sums ---------------------------------------------------------------- */

static void
low_bits(struct ax_shape_error *e, const struct ax_shape *s)
{
	unsigned k = s->k;
	int64_t half = k ? pow2(k - 1) : 0;
	ax_wide abs = 0, square = 0;

	/* longer than an operand: the other meets no bits there. A low part
	 * with both signs: its carry is that of the result's sign */
	if (k > AX_MIN(s->wa, s->wb) ||
	    (s->sign && k == AX_MAX(s->wa, s->wb) && s->family != AX_SHAPE_LOA))
		return;
	e->wce_known = e->mae_known = e->bias_known = e->mse_known = true;
	if (k == 0)
		return;
	if (s->family == AX_SHAPE_LOA) {
		/* or = sum - and; R = ands below the highest pair, each 1 with
		 * probability 1/4; with that pair's carry 2^(k-1) - R, else -R
		 */
		double r = ratio(half - 1, 2);
		double rr = ratio((ax_wide)half * half - 1, 4) + r * r;

		e->wce = (uint64_t)half;
		e->mae = 0.5 * r + 0.25 * (double)half;
		e->bias = 0.25;
		e->mse = rr + 0.25 * (double)half * ((double)half - 2 * r);
	} else if (s->family == AX_SHAPE_ETA) {
		/* highest pair of ones at p, with probability (3/4)^(k-1-p) /
		 * 4: 1 + x + y too little, x and y uniform below 2^p */
		double at = 0.25;

		e->wce = (uint64_t)pow2(k) - 1;
		for (unsigned p = k; p-- > 0; at *= 0.75) {
			double m = (double)pow2(p);

			e->mae += at * m;
			e->mse += at * (m * m + (m * m - 1) / 6);
		}
		e->bias = -e->mae;
	} else if (s->family == AX_SHAPE_ADDER_COPIED) {
		/* those of b are missing */
		e->wce = (uint64_t)pow2(k) - 1;
		e->mae = (double)(pow2(k) - 1) / 2;
		e->bias = -e->mae;
		e->mse = (double)((pow2(k) - 1) * (pow2(k + 1) - 1)) / 6;
	} else {
		for (int64_t sum = 0; sum < 2 * pow2(k) - 1; sum++) {
			int64_t ways = AX_MIN(sum + 1, 2 * pow2(k) - 1 - sum);
			int64_t d = (int64_t)distance((int64_t)s->add, sum);

			abs += ways * d;
			square += ways * (ax_wide)d * d;
			e->wce = AX_MAX(e->wce, (uint64_t)d);
		}
		e->mae = ratio(abs, 2 * k);
		e->mse = ratio(square, 2 * k);
		e->bias = (double)((int64_t)s->add - pow2(k) + 1);
	}
}

/* A sub-adder that does not see a carry its neighbour saw: 2^its first bit too
 * little, each. */
static void
gear(struct ax_shape_error *e, const struct ax_shape *s)
{
	unsigned n = AX_MAX(s->wa, s->wb) + 1;

	e->bound_known = true;
	for (unsigned at = s->k; at + s->h < n; at += s->k)
		e->wce_bound += (uint64_t)pow2(at + s->h);
}

void
ax_shape_error(struct ax_shape_error *e, const struct ax_shape *s)
{
	memset(e, 0, sizeof(*e));
	if (ax_shape_is_exact(s->family)) {
		e->wce_known = e->mae_known = e->bias_known = true;
		e->mse_known = e->relative_known = true;
		return;
	}
	switch (s->family) {
	case AX_SHAPE_TRUNCATED:
	case AX_SHAPE_BROKEN_ARRAY:
		truncated(e, s);
		break;
	case AX_SHAPE_COMPRESSOR:
		bounded(e, s, ax_shape_clumsy_weight(s));
		break;
	case AX_SHAPE_BOOTH_APPROX:
	case AX_SHAPE_BOOTH_BROKEN:
		bounded(e, s, booth_bound(s));
		break;
	case AX_SHAPE_BOOTH_TRUNCATED:
		booth_truncated(e, s);
		break;
	case AX_SHAPE_DRUM:
	case AX_SHAPE_SSM:
		segments(e, s);
		break;
	case AX_SHAPE_MITCHELL:
		mitchell(e, s);
		break;
	case AX_SHAPE_GEAR:
		gear(e, s);
		break;
	default:
		low_bits(e, s);
		break;
	}
	if (e->wce_known && !e->bound_known) {
		e->bound_known = true;
		e->wce_bound = e->wce;
	}
}
