/* SPDX-License-Identifier: Apache-2.0 */
/* AVX-512 with VBMI (permutations of bytes) and VNNI. */
#if defined(__x86_64__)
#include "artifacts/base/base.h"
#include "stages/nn/engine/kern.h"

#define FN                                                                     \
	__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,"            \
			      "avx512vbmi,avx512vnni,fma"))) static void

#include "stages/nn/engine/kern_avx512.h"

/*
 * Look-ups of 64 positions at once. In rows of 128 entries vpermb picks from
 * the lower 64 table bytes and, under a mask that is bit 7 of the index (see
 * mark), from the upper 64: two instructions for the port that permutes, where
 * vpermi2b takes three. A full row takes vpermi2b twice and a blend on bit 7.
 *
 * Sums of one plane of bytes, in 16-bit words: `s` adds the words as they are,
 * that is even + 256 * odd; `o` adds the odd bytes; the even sum is what is
 * left of s. Both stay below 2^16 for up to 257 look-ups, so they go to the
 * 32-bit sums after AX_LUTK of them at the latest. Digits of seven bits are
 * first added in pairs, as bytes, which halves that work.
 *
 * Written as instructions: from intrinsics GCC 12 makes a loop with copies of
 * registers and spills, a quarter slower than this.
 */
#define LUT_ZERO(i)                                                            \
	__m512i sl##i = zero, ol##i = zero, sh##i = zero, oh##i = zero;
#define LUT_ADD(i)                                                             \
	__asm__("vpaddw %[y],%[sl],%[sl]\n\t"                                  \
		"vpsrlw $8,%[y],%[y]\n\t"                                      \
		"vpaddw %[y],%[ol],%[ol]\n\t"                                  \
		"vpaddw %[z],%[sh],%[sh]\n\t"                                  \
		"vpsrlw $8,%[z],%[z]\n\t"                                      \
		"vpaddw %[z],%[oh],%[oh]"                                      \
		: [sl] "+v"(sl##i), [ol] "+v"(ol##i), [sh] "+v"(sh##i),        \
		  [oh] "+v"(oh##i), [y] "+v"(y), [z] "+v"(z));
/* y and z: both bytes of entries `from` of the row in tables a, b, c, d */
#define LUT_PICK(y, z, from, a, b, c, d)                                       \
	"vmovdqu64 %[" #from "],%[x]\n\t"                                      \
	"vpmovb2m %[x],%[bit7]\n\t"                                            \
	"vpermb %[" #a "],%[x],%[" #y "]\n\t"                                  \
	"vpermb %[" #c "],%[x],%[" #z "]\n\t"                                  \
	"vpermb %[" #b "],%[x],%[" #y "]%{%[bit7]%}\n\t"                       \
	"vpermb %[" #d "],%[x],%[" #z "]%{%[bit7]%}\n\t"
#define LUT_AT(i) "m"(*(const __m512i *)(const void *)(ip + (i)))
#define LUT_HALF(i)                                                            \
	__asm__(LUT_PICK(y, z, at, t0, t1, t2, t3)                             \
		:                                                              \
		[y] "=&v"(y), [z] "=&v"(z), [x] "=&v"(x), [bit7] "=&Yk"(bit7)  \
		: [t0] "v"(t0), [t1] "v"(t1), [t2] "v"(t2), [t3] "v"(t3),      \
		  [at] LUT_AT(64 * (i)));                                      \
	LUT_ADD(i)
#define LUT_PAIR(i)                                                            \
	__asm__(LUT_PICK(y, z, at, t0, t1, t2, t3) LUT_PICK(                   \
			u, v, to, t4, t5, t6, t7) "vpaddb %[u],%[y],%[y]\n\t"  \
						  "vpaddb %[v],%[z],%[z]"      \
		: [y] "=&v"(y), [z] "=&v"(z), [u] "=&v"(u), [v] "=&v"(v),      \
		  [x] "=&v"(x), [bit7] "=&Yk"(bit7)                            \
		: [t0] "v"(t0), [t1] "v"(t1), [t2] "v"(t2), [t3] "v"(t3),      \
		  [t4] "v"(t4), [t5] "v"(t5), [t6] "v"(t6), [t7] "v"(t7),      \
		  [at] LUT_AT(64 * (i)), [to] LUT_AT(AX_LUTP + 64 * (i)));     \
	LUT_ADD(i)
#define LUT_FULL(i)                                                            \
	x = _mm512_loadu_si512(ip + 64 * (i));                                 \
	bit7 = _mm512_movepi8_mask(x);                                         \
	y = _mm512_permutex2var_epi8(t0, x, t1);                               \
	u = _mm512_permutex2var_epi8(t2, x, t3);                               \
	y = _mm512_mask_mov_epi8(y, bit7, u);                                  \
	z = _mm512_permutex2var_epi8(t4, x, t5);                               \
	u = _mm512_permutex2var_epi8(t6, x, t7);                               \
	z = _mm512_mask_mov_epi8(z, bit7, u);                                  \
	LUT_ADD(i)
/* words of even and odd positions, in the order of the positions */
#define LUT_ORDER(s, o)                                                        \
	y = _mm512_sub_epi16(s, _mm512_slli_epi16(o, 8));                      \
	x = _mm512_permutex2var_epi16(y, low, o);                              \
	y = _mm512_permutex2var_epi16(y, high, o);
#define LUT_STORE(i)                                                           \
	LUT_ORDER(sh##i, oh##i)                                                \
	z = x;                                                                 \
	u = y;                                                                 \
	LUT_ORDER(sl##i, ol##i)                                                \
	LUT_OUT(64 * (i), x, z, _mm512_castsi512_si256)                        \
	LUT_OUT(64 * (i) + 16, x, z, LUT_TOP)                                  \
	LUT_OUT(64 * (i) + 32, y, u, _mm512_castsi512_si256)                   \
	LUT_OUT(64 * (i) + 48, y, u, LUT_TOP)
#define LUT_TOP(v) _mm512_extracti64x4_epi64(v, 1)
#define LUT_OUT(at, lo, hi, part)                                              \
	_mm512_storeu_si512(                                                   \
		out + (at),                                                    \
		_mm512_add_epi32(                                              \
			_mm512_loadu_si512(out + (at)),                        \
			_mm512_sll_epi32(                                      \
				_mm512_add_epi32(                              \
					_mm512_cvtepu16_epi32(part(lo)),       \
					_mm512_slli_epi32(                     \
						_mm512_cvtepu16_epi32(         \
							part(hi)),             \
						DIGIT)),                       \
				left)));

/* Of values below 256: the low bytes alone. */
#define BYTE_ZERO(i) __m512i sl##i = zero, ol##i = zero;
#define BYTE_ADD(i)                                                            \
	__asm__("vpaddw %[y],%[sl],%[sl]\n\t"                                  \
		"vpsrlw $8,%[y],%[y]\n\t"                                      \
		"vpaddw %[y],%[ol],%[ol]"                                      \
		: [sl] "+v"(sl##i), [ol] "+v"(ol##i), [y] "+v"(y));
#define BYTE_HALF(i)                                                           \
	y = _mm512_permutex2var_epi8(t0, _mm512_loadu_si512(ip + 64 * (i)),    \
				     t1);                                      \
	BYTE_ADD(i)
#define BYTE_FULL(i)                                                           \
	x = _mm512_loadu_si512(ip + 64 * (i));                                 \
	bit7 = _mm512_movepi8_mask(x);                                         \
	y = _mm512_permutex2var_epi8(t0, x, t1);                               \
	u = _mm512_permutex2var_epi8(t2, x, t3);                               \
	y = _mm512_mask_mov_epi8(y, bit7, u);                                  \
	BYTE_ADD(i)
#define BYTE_STORE(i)                                                          \
	LUT_ORDER(sl##i, ol##i)                                                \
	BYTE_OUT(64 * (i), _mm512_castsi512_si256(x))                          \
	BYTE_OUT(64 * (i) + 16, LUT_TOP(x))                                    \
	BYTE_OUT(64 * (i) + 32, _mm512_castsi512_si256(y))                     \
	BYTE_OUT(64 * (i) + 48, LUT_TOP(y))
#define BYTE_OUT(at, v)                                                        \
	_mm512_storeu_si512(                                                   \
		out + (at),                                                    \
		_mm512_add_epi32(                                              \
			_mm512_loadu_si512(out + (at)),                        \
			_mm512_sll_epi32(_mm512_cvtepu16_epi32(v), left)));

#define X1(X) X(0)
#define X2(X) X(0) X(1)
#define X4(X) X2(X) X(2) X(3)
#define HALF(X) X(0) X(1) X(2) X(3)
#define FULL(X) HALF(X) X(4) X(5) X(6) X(7)
#define LUT_TABLE(n) t##n = _mm512_load_si512(row + 64 * (n));

#define LUT_CONSTANTS                                                          \
	const __m512i low = _mm512_loadu_si512(order);                         \
	const __m512i high = _mm512_loadu_si512(order + 32);                   \
	const __m512i zero = _mm512_setzero_si512();                           \
	const __m128i left = _mm_cvtsi32_si128((int)shift);

#define LUT_FN(name, XN, ZERO, TABLES, STEP, STORE, span)                      \
	FN name(uint32_t *out, const uint8_t *rows, const uint8_t *w,          \
		const uint8_t *ip, size_t k, unsigned shift)                   \
	{                                                                      \
		enum { DIGIT = 8 };                                            \
		LUT_CONSTANTS                                                  \
		__m512i x, y, z, u, t0, t1, t2, t3, t4, t5, t6, t7;            \
		__mmask64 bit7;                                                \
		size_t i;                                                      \
		XN(ZERO)                                                       \
                                                                               \
		for (i = 0; i < k; i++, ip += AX_LUTP) {                       \
			const uint8_t *row =                                   \
				rows + w[i] * AX_ROWS_STRIDE(span);            \
                                                                               \
			TABLES(LUT_TABLE)                                      \
			XN(STEP)                                               \
		}                                                              \
		XN(STORE)                                                      \
		(void)z, (void)u, (void)bit7, (void)t2, (void)t3;              \
		(void)t4, (void)t5, (void)t6, (void)t7;                        \
	}

#define PAIR_FN(name, XN)                                                      \
	FN name(uint32_t *out, const uint8_t *rows, const uint8_t *w,          \
		const uint8_t *ip, size_t k, unsigned shift)                   \
	{                                                                      \
		enum { DIGIT = 7 };                                            \
		LUT_CONSTANTS                                                  \
		__m512i x, y, z, u, v, t0, t1, t2, t3, t4, t5, t6, t7;         \
		const uint8_t *row;                                            \
		__mmask64 bit7;                                                \
		size_t i;                                                      \
		XN(LUT_ZERO)                                                   \
                                                                               \
		for (i = 0; i + 2 <= k; i += 2, ip += 2 * AX_LUTP) {           \
			row = rows + w[i] * AX_ROWS_STRIDE(128);               \
			HALF(LUT_TABLE)                                        \
			row = rows + w[i + 1] * AX_ROWS_STRIDE(128);           \
			t4 = _mm512_load_si512(row);                           \
			t5 = _mm512_load_si512(row + 64);                      \
			t6 = _mm512_load_si512(row + 128);                     \
			t7 = _mm512_load_si512(row + 192);                     \
			XN(LUT_PAIR)                                           \
		}                                                              \
		if (i < k) {                                                   \
			row = rows + w[i] * AX_ROWS_STRIDE(128);               \
			HALF(LUT_TABLE)                                        \
			XN(LUT_HALF)                                           \
		}                                                              \
		XN(LUT_STORE)                                                  \
	}

#define EVEN_ODD(i) (i), (i) + 32
static const uint16_t order[64] = {
	EVEN_ODD(0),  EVEN_ODD(1),  EVEN_ODD(2),  EVEN_ODD(3),  EVEN_ODD(4),
	EVEN_ODD(5),  EVEN_ODD(6),  EVEN_ODD(7),  EVEN_ODD(8),  EVEN_ODD(9),
	EVEN_ODD(10), EVEN_ODD(11), EVEN_ODD(12), EVEN_ODD(13), EVEN_ODD(14),
	EVEN_ODD(15), EVEN_ODD(16), EVEN_ODD(17), EVEN_ODD(18), EVEN_ODD(19),
	EVEN_ODD(20), EVEN_ODD(21), EVEN_ODD(22), EVEN_ODD(23), EVEN_ODD(24),
	EVEN_ODD(25), EVEN_ODD(26), EVEN_ODD(27), EVEN_ODD(28), EVEN_ODD(29),
	EVEN_ODD(30), EVEN_ODD(31)};

LUT_FN(lut_half4, X4, LUT_ZERO, HALF, LUT_HALF, LUT_STORE, 128)
LUT_FN(lut_half1, X1, LUT_ZERO, HALF, LUT_HALF, LUT_STORE, 128)
PAIR_FN(lut_pair4, X4)
PAIR_FN(lut_pair1, X1)
LUT_FN(lut_full2, X2, LUT_ZERO, FULL, LUT_FULL, LUT_STORE, 256)
LUT_FN(lut_full1, X1, LUT_ZERO, FULL, LUT_FULL, LUT_STORE, 256)
LUT_FN(byte_half4, X4, BYTE_ZERO, X2, BYTE_HALF, BYTE_STORE, 128)
LUT_FN(byte_half1, X1, BYTE_ZERO, X2, BYTE_HALF, BYTE_STORE, 128)
LUT_FN(byte_full4, X4, BYTE_ZERO, X4, BYTE_FULL, BYTE_STORE, 256)
LUT_FN(byte_full1, X1, BYTE_ZERO, X4, BYTE_FULL, BYTE_STORE, 256)

FN
lut(uint32_t *out, const uint8_t *rows, unsigned span, const uint8_t *w,
    const uint8_t *idx, size_t k, size_t n, unsigned shift)
{
	size_t p = 0;

	for (; span == 128 && p + 256 <= n; p += 256)
		lut_half4(out + p, rows, w, idx + p, k, shift);
	for (; span == 256 && p + 128 <= n; p += 128)
		lut_full2(out + p, rows, w, idx + p, k, shift);
	for (; p < n; p += 64)
		(span == 128 ? lut_half1 : lut_full1)(out + p, rows, w, idx + p,
						      k, shift);
}

FN
lut8(uint32_t *out, const uint8_t *rows, unsigned span, const uint8_t *w,
     const uint8_t *idx, size_t k, size_t n, unsigned shift)
{
	size_t p = 0;

	for (; p + 256 <= n; p += 256)
		(span == 128 ? byte_half4 : byte_full4)(out + p, rows, w,
							idx + p, k, shift);
	for (; p < n; p += 64)
		(span == 128 ? byte_half1 : byte_full1)(out + p, rows, w,
							idx + p, k, shift);
}

FN
lut7(uint32_t *out, const uint8_t *rows, unsigned span, const uint8_t *w,
     const uint8_t *idx, size_t k, size_t n, unsigned shift)
{
	size_t p = 0;

	(void)span;
	for (; p + 256 <= n; p += 256)
		lut_pair4(out + p, rows, w, idx + p, k, shift);
	for (; p < n; p += 64)
		lut_pair1(out + p, rows, w, idx + p, k, shift);
}

FN
mark(uint8_t *idx, size_t n)
{
	const __m512i bit6 = _mm512_set1_epi8(64);
	__m512i x;
	__mmask64 some;
	size_t i;

	for (i = 0; i < n; i += 64) {
		some = n - i < 64 ? ((__mmask64)1 << (n - i)) - 1
				  : ~(__mmask64)0;
		x = _mm512_maskz_loadu_epi8(some, idx + i);
		x = _mm512_or_si512(
			x, _mm512_slli_epi16(_mm512_and_si512(x, bit6), 1));
		_mm512_mask_storeu_epi8(idx + i, some, x);
	}
}

/* --- products of bytes ---------------------------------------------------- */

/* Blocks of 64 positions; of each, for every four indices, four vectors: number
 * j holds in its quarter l the fours of positions 16 l + 4 j to 16 l + 4 j + 3,
 * which is what unpacking within quarters makes. */
FN
fours(uint8_t *to, const uint8_t *idx, size_t k, uint8_t flip, size_t n)
{
	const __m512i turned = _mm512_set1_epi8((char)flip);
	__m512i x[4], a, b, c, d;
	size_t p, i, j;

	for (p = 0; p < n; p += 64)
		for (i = 0; i < k; i += 4, to += 256) {
			UNROLL
			for (j = 0; j < 4; j++)
				x[j] = i + j < k
					       ? _mm512_xor_si512(
							 turned,
							 _mm512_load_si512(
								 idx + p +
								 (i +
								  j) * AX_LUTP))
					       : _mm512_setzero_si512();
			a = _mm512_unpacklo_epi8(x[0], x[1]);
			b = _mm512_unpackhi_epi8(x[0], x[1]);
			c = _mm512_unpacklo_epi8(x[2], x[3]);
			d = _mm512_unpackhi_epi8(x[2], x[3]);
			_mm512_store_si512(to, _mm512_unpacklo_epi16(a, c));
			_mm512_store_si512(to + 64,
					   _mm512_unpackhi_epi16(a, c));
			_mm512_store_si512(to + 128,
					   _mm512_unpacklo_epi16(b, d));
			_mm512_store_si512(to + 192,
					   _mm512_unpackhi_epi16(b, d));
		}
}

/* Adds the sums of 64 positions, in the order of `fours`. */
__attribute__((target("avx512f"), always_inline)) static inline void
add_fours(uint32_t *out, const __m512i *s)
{
	__m512i a = _mm512_shuffle_i32x4(s[0], s[1], 0x44);
	__m512i b = _mm512_shuffle_i32x4(s[2], s[3], 0x44);
	__m512i c = _mm512_shuffle_i32x4(s[0], s[1], 0xee);
	__m512i d = _mm512_shuffle_i32x4(s[2], s[3], 0xee);
	const __m512i v[4] = {_mm512_shuffle_i32x4(a, b, 0x88),
			      _mm512_shuffle_i32x4(a, b, 0xdd),
			      _mm512_shuffle_i32x4(c, d, 0x88),
			      _mm512_shuffle_i32x4(c, d, 0xdd)};

	UNROLL
	for (size_t l = 0; l < 4; l++)
		_mm512_store_si512(
			out + 16 * l,
			_mm512_add_epi32(_mm512_load_si512(out + 16 * l),
					 v[l]));
}

/* Four outputs by 64 positions at once; written as instructions as above. */
FN
dot8(uint32_t *out, const uint8_t *panel, const int8_t *w, size_t k4,
     size_t rows, size_t n)
{
	const uint8_t *x;
	const int8_t *v[4];
	__m512i s[4][4], b;
	size_t p, m, k, i, j;
	int32_t four;

	for (p = 0; p < n; p += 64, panel += 64 * k4)
		for (m = 0; m < rows; m += 4) {
			UNROLL
			for (i = 0; i < 4; i++) {
				v[i] = w + AX_MIN(m + i, rows - 1) * k4;
				UNROLL
				for (j = 0; j < 4; j++)
					s[i][j] = _mm512_setzero_si512();
			}
			for (k = 0, x = panel; k < k4; k += 4, x += 256) {
				UNROLL
				for (i = 0; i < 4; i++) {
					memcpy(&four, v[i] + k, sizeof(four));
					b = _mm512_set1_epi32(four);
					UNROLL
					for (j = 0; j < 4; j++)
						__asm__("vpdpbusd %2,%1,%0"
							: "+v"(s[i][j])
							: "v"(_mm512_load_si512(
								  x + 64 * j)),
							  "v"(b));
				}
			}
			/* unrolled, or all sums live in memory */
			UNROLL
			for (i = 0; i < 4; i++)
				if (m + i < rows)
					add_fours(out + (m + i) * AX_LUTP + p,
						  s[i]);
		}
}

#define DOT8 dot8
#define FOURS fours
#define LUT8 lut8
#define LUT7 lut7
#define MARK mark
#define LAYOUT AX_ROWS_BYTES
#include "stages/nn/engine/kern_body.h"

const struct ax_kern ax_kern_vbmi = AX_KERN_TABLE("avx512vbmi");
#endif
