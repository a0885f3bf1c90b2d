/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernels of kern.h, written once over a vector type; included by
 * kern_scalar.c, kern_avx2.c, kern_avx512.c and kern_vbmi.c after they
 * define
 *
 *   FN               storage class and target of each function
 *   V, VN            float vector, its lanes
 *   vload vstore vset vfma vadd vmul vdiv vmax vmin vround vpos
 *   D, DN            double vector, its lanes; dload (converts), dstore
 *   dzero dadd dfma
 *   VINT vset_int    integer vector of as many; vint(p): the integers at p
 *                    plus the vector `plus`, as floats
 *   vcodes(to, x)    the low bytes of whole numbers
 *   vload_halves(p, q)  half a vector each; only where VN is above 8
 *   vturn(to, ldt, from, ldf)  transposes VN x VN floats; optional
 *   ROWS(X), MR      rows of the multiply tile
 *   lut, LAYOUT      the look-up kernel, the rows that it wants; LUT8, the
 *                    one for bytes, LUT7 and MARK, that for digits of seven
 *                    bits, DOT8 and FOURS, products of bytes, where there are
 *                    some
 *
 * and not meant for any other file. vmax(x, y) is x > y ? x : y and vmin
 * likewise, so that NaN and signed zero behave as in plain C. vpos(x, y) is
 * x > 0 ? y : 0.
 */
#ifndef AX_NN_KERN_BODY_H
#define AX_NN_KERN_BODY_H

/* --- matrix products ------------------------------------------------------ */

#define TILE2_ZERO(i) V s##i = vset(0), t##i = vset(0);
#define TILE2_STEP(i)                                                          \
	av = vset(ap[i]);                                                      \
	s##i = vfma(av, b0, s##i);                                             \
	t##i = vfma(av, b1, t##i);
#define TILE2_STORE(i)                                                         \
	vstore(cp + (i)*ldc, s##i);                                            \
	vstore(cp + (i)*ldc + VN, t##i);

FN
gemm(float *c, size_t ldc, const float *a, const float *b, size_t k)
{
	size_t r, j, kk;

	for (r = 0; r < AX_MR; r += MR)
		for (j = 0; j < AX_NR; j += 2 * VN) {
			float *cp = c + r * ldc + j;
			const float *ap = a + r, *bp = b + j;
			V av, b0, b1;
			ROWS(TILE2_ZERO)

			for (kk = 0; kk < k; kk++) {
				b0 = vload(bp);
				b1 = vload(bp + VN);
				ROWS(TILE2_STEP)
				ap += AX_MR;
				bp += AX_NR;
			}
			ROWS(TILE2_STORE)
		}
}

/* Where column j of 32 starts, which come in four runs of eight. */
#define COLUMN(j) (base + joff[(j) / 8] + (j) % 8)

#define GEMM_AT(name, LOAD)                                                    \
	FN name(float *c, size_t ldc, const float *a, const float *base,       \
		const size_t *koff, size_t k, const size_t *joff)              \
	{                                                                      \
		size_t r, j, kk, at;                                           \
                                                                               \
		for (r = 0; r < AX_MR; r += MR)                                \
			for (j = 0; j < AX_NR; j += 2 * VN) {                  \
				float *cp = c + r * ldc + j;                   \
				const float *ap = a + r;                       \
				const float *p0 = COLUMN(j);                   \
				const float *p1 = COLUMN(j + VN);              \
				const float *q0 = COLUMN(j + VN / 2);          \
				const float *q1 = COLUMN(j + VN + VN / 2);     \
				V av, b0, b1;                                  \
				ROWS(TILE2_ZERO)                               \
                                                                               \
				for (kk = 0; kk < k; kk++) {                   \
					at = koff[kk];                         \
					b0 = LOAD(p0 + at, q0 + at);           \
					b1 = LOAD(p1 + at, q1 + at);           \
					ROWS(TILE2_STEP)                       \
					ap += AX_MR;                           \
				}                                              \
				(void)q0, (void)q1;                            \
				ROWS(TILE2_STORE)                              \
			}                                                      \
	}
#define LOAD_RUN(p, q) vload(p)

GEMM_AT(gemm_runs, LOAD_RUN)
#ifdef vload_halves
GEMM_AT(gemm_halves, vload_halves)
#endif

/* joff as the plan has it: of 32 columns; runs of at least 8. */
FN
gemm_at(float *c, size_t ldc, const float *a, const float *base,
	const size_t *koff, size_t k, const size_t *joff, unsigned run)
{
	const size_t starts[4] = {joff[0], joff[8], joff[16], joff[24]};

#ifdef vload_halves
	if (run < VN) {
		gemm_halves(c, ldc, a, base, koff, k, starts);
		return;
	}
#endif
	(void)run;
	gemm_runs(c, ldc, a, base, koff, k, starts);
}

#define GRAD_ROW(i) const size_t o##i = koff[r + i];
#define GRAD2_STEP(i)                                                          \
	av = vset(ap[o##i]);                                                   \
	s##i = vfma(av, b0, s##i);                                             \
	t##i = vfma(av, b1, t##i);
#define GRAD2_STORE(i)                                                         \
	vstore(dp + (i)*ldd, vadd(vload(dp + (i)*ldd), s##i));                 \
	vstore(dp + (i)*ldd + VN, vadd(vload(dp + (i)*ldd + VN), t##i));
#define GRAD1_ZERO(i) V s##i = vset(0);
#define GRAD1_STEP(i) s##i = vfma(vset(ap[o##i]), b0, s##i);
#define GRAD1_STORE(i) vstore(dp + (i)*ldd, vadd(vload(dp + (i)*ldd), s##i));

FN
wgrad(float *d, size_t ldd, const float *base, const size_t *koff,
      const size_t *joff, const float *b, size_t ldb, size_t cols, size_t p)
{
	size_t r, j, q;

	for (r = 0; r < AX_MR; r += MR)
		for (j = 0; j < cols;) {
			float *dp = d + r * ldd + j;
			const float *ap, *bp = b + j;
			ROWS(GRAD_ROW)

			if (cols - j >= 2 * VN) {
				V av, b0, b1;
				ROWS(TILE2_ZERO)

				for (q = 0; q < p; q++, bp += ldb) {
					ap = base + joff[q];
					b0 = vload(bp);
					b1 = vload(bp + VN);
					ROWS(GRAD2_STEP)
				}
				ROWS(GRAD2_STORE)
				j += 2 * VN;
			} else {
				V b0;
				ROWS(GRAD1_ZERO)

				for (q = 0; q < p; q++, bp += ldb) {
					ap = base + joff[q];
					b0 = vload(bp);
					ROWS(GRAD1_STEP)
				}
				ROWS(GRAD1_STORE)
				j += VN;
			}
		}
}

FN
mix(float *c, const float *a, const float *b, size_t ld, size_t k, size_t n)
{
	size_t j, i;

	for (j = 0; j < n; j += 2 * VN) {
		const float *bp = b + j;
		V s = vset(0), t = vset(0), av;

		for (i = 0; i < k; i++, bp += ld) {
			av = vset(a[i]);
			s = vfma(av, vload(bp), s);
			t = vfma(av, vload(bp + VN), t);
		}
		vstore(c + j, s);
		vstore(c + j + VN, t);
	}
}

/* 4 VN columns at once where there are as many: more sums than one fused
 * multiplication takes to the next. */
FN
mix_at(float *c, const float *a, const float *base, const size_t *koff,
       size_t k, const size_t *joff, size_t n)
{
	const float *p[4];
	size_t j, i, l, at;
	V s[4], av;

	for (j = 0; j + 4 * VN <= n; j += 4 * VN) {
		UNROLL
		for (l = 0; l < 4; l++) {
			at = j + l * VN;
			p[l] = base + joff[at / 16 * 16] + at % 16;
			s[l] = vset(0);
		}
		for (i = 0; i < k; i++) {
			at = koff[i];
			av = vset(a[i]);
			UNROLL
			for (l = 0; l < 4; l++)
				s[l] = vfma(av, vload(p[l] + at), s[l]);
		}
		UNROLL
		for (l = 0; l < 4; l++)
			vstore(c + j + l * VN, s[l]);
	}
	for (; j < n; j += VN) {
		p[0] = base + joff[j / 16 * 16] + j % 16;
		s[0] = vset(0);
		for (i = 0; i < k; i++)
			s[0] = vfma(vset(a[i]), vload(p[0] + koff[i]), s[0]);
		vstore(c + j, s[0]);
	}
}

FN
dots(float *d, const float *a, size_t ld, const float *b, size_t rows, size_t n)
{
	V s[32 / VN];
	float u[32];
	size_t i, j, l, w;

	for (i = 0; i < rows; i++, a += ld) {
		UNROLL
		for (l = 0; l < 32 / VN; l++)
			s[l] = vset(0);
		for (j = 0; j < n; j += 32) {
			UNROLL
			for (l = 0; l < 32 / VN; l++)
				s[l] = vfma(vload(a + j + l * VN),
					    vload(b + j + l * VN), s[l]);
		}
		UNROLL
		for (l = 0; l < 32 / VN; l++)
			vstore(u + l * VN, s[l]);
		for (w = 16; w > 0; w /= 2)
			for (l = 0; l < w; l++)
				u[l] += u[l + w];
		d[i] = u[0];
	}
}

#ifndef vturn
#define vturn(to, ldt, from, ldf) (*(to) = *(from))
#define TURN 1
#else
#define TURN VN
#endif

FN
turn(float *to, size_t ldt, const float *from, size_t ldf, size_t rows,
     size_t n)
{
	size_t i, r, q, whole = n / TURN * TURN;

	for (r = 0; r + TURN <= rows; r += TURN) {
		for (i = 0; i < whole; i += TURN)
			vturn(to + i * ldt + r, ldt, from + r * ldf + i, ldf);
		for (; i < n; i++)
			for (q = r; q < r + TURN; q++)
				to[i * ldt + q] = from[q * ldf + i];
	}
	for (; r < rows; r++)
		for (i = 0; i < n; i++)
			to[i * ldt + r] = from[r * ldf + i];
}

/* --- packing -------------------------------------------------------------- */

#define PACK_BODY(type)                                                        \
	size_t i, j;                                                           \
                                                                               \
	for (i = 0; i < k; i++, dst += ld) {                                   \
		const type *from = base + koff[i];                             \
                                                                               \
		switch (run) {                                                 \
		case 32:                                                       \
			memcpy(dst, from + joff[0], 32 * sizeof(type));        \
			break;                                                 \
		case 16:                                                       \
			memcpy(dst, from + joff[0], 16 * sizeof(type));        \
			memcpy(dst + 16, from + joff[16], 16 * sizeof(type));  \
			break;                                                 \
		case 8:                                                        \
			memcpy(dst, from + joff[0], 8 * sizeof(type));         \
			memcpy(dst + 8, from + joff[8], 8 * sizeof(type));     \
			memcpy(dst + 16, from + joff[16], 8 * sizeof(type));   \
			memcpy(dst + 24, from + joff[24], 8 * sizeof(type));   \
			break;                                                 \
		default:                                                       \
			for (j = 0; j < AX_NR; j++)                            \
				dst[j] = from[joff[j]];                        \
		}                                                              \
	}

FN
pack(float *dst, size_t ld, const float *base, const size_t *koff, size_t k,
     const size_t *joff, unsigned run){PACK_BODY(float)}

FN pack8(uint8_t *dst, size_t ld, const uint8_t *base, const size_t *koff,
	 size_t k, const size_t *joff, unsigned run){PACK_BODY(uint8_t)}

FN spread(float *to, size_t ldt, const float *from, size_t ldf, size_t n,
	  size_t rows)
{
	size_t y, i;

	for (y = 0; y < rows; y++, to += ldt, from += ldf) {
		for (i = 0; i + VN <= n; i += VN)
			vstore(to + i, vload(from + i));
		for (; i < n; i++)
			to[i] = from[i];
		for (; i < ldt && y + 1 < rows; i++)
			to[i] = 0;
	}
}

/* --- sums ----------------------------------------------------------------- */

FN
sums(double out[2], const float *a, const float *b, size_t n)
{
	D s[16 / DN], t[16 / DN], x;
	double u[16], v[16];
	size_t i, l, w;

	UNROLL
	for (l = 0; l < 16 / DN; l++)
		s[l] = t[l] = dzero();
	/* products are exact, 24 bits by 24 bits: fused or not is the same */
	for (i = 0; a == b && i + 16 <= n; i += 16) {
		UNROLL
		for (l = 0; l < 16 / DN; l++) {
			x = dload(a + i + l * DN);
			s[l] = dadd(s[l], x);
			t[l] = dfma(x, x, t[l]);
		}
	}
	for (; i + 16 <= n; i += 16) {
		UNROLL
		for (l = 0; l < 16 / DN; l++) {
			x = dload(a + i + l * DN);
			s[l] = dadd(s[l], x);
			t[l] = dfma(x, dload(b + i + l * DN), t[l]);
		}
	}
	UNROLL
	for (l = 0; l < 16 / DN; l++) {
		dstore(u + l * DN, s[l]);
		dstore(v + l * DN, t[l]);
	}
	for (l = 0; i < n; i++, l++) {
		u[l] += (double)a[i];
		v[l] += (double)a[i] * (double)b[i];
	}
	for (w = 8; w > 0; w /= 2)
		for (l = 0; l < w; l++) {
			u[l] += u[l + w];
			v[l] += v[l + w];
		}
	out[0] = u[0];
	out[1] = v[0];
}

/* --- element by element --------------------------------------------------- */

FN
scale(float *y, const float *x, float s, float t, size_t n)
{
	V vs = vset(s), vt = vset(t);
	size_t i;

	for (i = 0; i + VN <= n; i += VN)
		vstore(y + i, vfma(vload(x + i), vs, vt));
	for (; i < n; i++)
		y[i] = __builtin_fmaf(x[i], s, t);
}

FN
norm_grad(float *dx, const float *dy, const float *x, float a, float b, float c,
	  size_t n)
{
	V va = vset(a), vb = vset(b), vc = vset(c);
	size_t i;

	for (i = 0; i + VN <= n; i += VN)
		vstore(dx + i,
		       vfma(va, vload(dy + i), vfma(vb, vload(x + i), vc)));
	for (; i < n; i++)
		dx[i] = __builtin_fmaf(a, dy[i], __builtin_fmaf(b, x[i], c));
}

FN
add(float *y, const float *a, const float *b, size_t n)
{
	size_t i;

	for (i = 0; i + VN <= n; i += VN)
		vstore(y + i, vadd(vload(a + i), vload(b + i)));
	for (; i < n; i++)
		y[i] = a[i] + b[i];
}

FN
relu(float *y, const float *x, size_t n)
{
	V z = vset(0);
	size_t i;

	for (i = 0; i + VN <= n; i += VN)
		vstore(y + i, vmax(vload(x + i), z));
	for (; i < n; i++)
		y[i] = x[i] > 0 ? x[i] : 0;
}

FN
relu_grad(float *dx, const float *dy, const float *y, size_t n)
{
	size_t i;

	for (i = 0; i + VN <= n; i += VN)
		vstore(dx + i, vpos(vload(y + i), vload(dy + i)));
	for (; i < n; i++)
		dx[i] = y[i] > 0 ? dy[i] : 0;
}

FN
quant(float *out, const float *x, float s, float lo, float hi, float mul,
      size_t n)
{
	V vs = vset(s), vlo = vset(lo), vhi = vset(hi), vm = vset(mul), q;
	float t;
	size_t i;

	for (i = 0; i + VN <= n; i += VN) {
		q = vmin(vmax(vdiv(vload(x + i), vs), vlo), vhi);
		vstore(out + i, vmul(vround(q), vm));
	}
	for (; i < n; i++) {
		t = x[i] / s;
		t = t > lo ? t : lo;
		t = t < hi ? t : hi;
		out[i] = __builtin_rintf(t) * mul;
	}
}

FN
codes(uint8_t *out, const float *x, size_t n)
{
	size_t i;

	for (i = 0; i + VN <= n; i += VN)
		vcodes(out + i, vload(x + i));
	for (; i < n; i++)
		out[i] = (uint8_t)(int)x[i];
}

FN
from_sums(float *y, const uint32_t *s, int32_t add, float mul, size_t n)
{
	VINT plus = vset_int(add);
	V m = vset(mul);
	size_t i;

	for (i = 0; i + VN <= n; i += VN)
		vstore(y + i, vmul(vint(s + i), m));
	for (; i < n; i++)
		y[i] = (float)(int32_t)(s[i] + (uint32_t)add) * mul;
}

FN
sgd(float *p, float *m, const float *g, float lr, float momentum, float decay,
    int nesterov, size_t n)
{
	V vlr = vset(-lr), vm = vset(momentum), vd = vset(decay), gg, mm, step;
	float h, u;
	size_t i;

	for (i = 0; i + VN <= n; i += VN) {
		gg = vfma(vd, vload(p + i), vload(g + i));
		mm = vfma(vm, vload(m + i), gg);
		vstore(m + i, mm);
		step = nesterov ? vfma(vm, mm, gg) : mm;
		vstore(p + i, vfma(vlr, step, vload(p + i)));
	}
	for (; i < n; i++) {
		h = __builtin_fmaf(decay, p[i], g[i]);
		m[i] = __builtin_fmaf(momentum, m[i], h);
		u = nesterov ? __builtin_fmaf(momentum, m[i], h) : m[i];
		p[i] = __builtin_fmaf(-lr, u, p[i]);
	}
}

#ifndef LUT8
#define LUT8 NULL
#endif
#ifndef LUT7
#define LUT7 NULL
#define MARK NULL
#endif
#ifndef DOT8
#define DOT8 NULL
#define FOURS NULL
#endif
#define AX_KERN_TABLE(level)                                                   \
	{                                                                      \
		.name = level, .gemm = gemm, .gemm_at = gemm_at,               \
		.wgrad = wgrad, .mix_at = mix_at, .mix = mix, .dots = dots,    \
		.turn = turn, .pack = pack, .pack8 = pack8, .spread = spread,  \
		.lut = lut, .lut8 = LUT8, .lut7 = LUT7, .mark = MARK,          \
		.fours = FOURS, .dot8 = DOT8, .layout = LAYOUT, .sums = sums,  \
		.scale = scale, .norm_grad = norm_grad, .add = add,            \
		.relu = relu, .relu_grad = relu_grad, .quant = quant,          \
		.codes = codes, .from_sums = from_sums, .sgd = sgd             \
	}

#endif
