/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/stdrand.h"

#include "artifacts/base/base.h"

enum { N = 624, M = 397 };

void
ax_mt_seed(struct ax_mt *m, uint32_t seed)
{
	m->state[0] = seed;
	for (uint32_t i = 1; i < N; i++)
		m->state[i] = 1812433253u * (m->state[i - 1] ^
					     (m->state[i - 1] >> 30)) +
			      i;
	m->next = N;
	m->draws = 0;
}

static void
regenerate(uint32_t *s)
{
	uint32_t y;

	for (int i = 0; i < N; i++) {
		y = (s[i] & 0x80000000u) | (s[(i + 1) % N] & 0x7fffffffu);
		s[i] = s[(i + M) % N] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0);
	}
}

uint32_t
ax_mt_draw(struct ax_mt *m)
{
	uint32_t y;

	if (m->next >= N) {
		regenerate(m->state);
		m->next = 0;
	}
	y = m->state[m->next++];
	m->draws++;
	y ^= y >> 11;
	y ^= (y << 7) & 0x9d2c5680u;
	y ^= (y << 15) & 0xefc60000u;
	return y ^ (y >> 18);
}

/* 0..n-1 by Lemire's method, as libstdc++ has it since GCC 11. */
static uint32_t
below(struct ax_mt *m, uint32_t n)
{
	uint64_t p = (uint64_t)ax_mt_draw(m) * n;
	uint32_t low = (uint32_t)p, t;

	if (low < n) {
		t = (0u - n) % n;
		while (low < t) {
			p = (uint64_t)ax_mt_draw(m) * n;
			low = (uint32_t)p;
		}
	}
	return (uint32_t)(p >> 32);
}

int
ax_mt_int(struct ax_mt *m, int l, int r)
{
	if (r < l)
		r = l;
	return l + (int)below(m, (uint32_t)(r - l) + 1);
}

double
ax_mt_real(struct ax_mt *m)
{
	double v = (double)ax_mt_draw(m);

	v += (double)ax_mt_draw(m) * 4294967296.0;
	v /= 18446744073709551616.0;
	return v >= 1.0 ? 0x1.fffffffffffffp-1 : v;
}

size_t
ax_mt_shuffle_first(struct ax_mt *m, size_t n)
{
	size_t first = 0, i = 1;
	uint32_t s, x;

	/*
	 * Element i is still in its place when step i comes: earlier swaps
	 * only touch places below i. So place 0 can be followed alone.
	 */
	if (n < 2)
		return 0;
	if (n % 2 == 0) {
		if (below(m, 2) == 0)
			first = 1;
		i = 2;
	}
	for (; i < n; i += 2) {
		s = (uint32_t)i + 1;
		x = below(m, s * (s + 1));
		if (x / (s + 1) == 0)
			first = i;
		if (x % (s + 1) == 0)
			first = i + 1;
	}
	return first;
}

/* --- introselect and introsort ------------------------------------------- */

static void
swap(int *a, int *b)
{
	int t = *a;

	*a = *b;
	*b = t;
}

static size_t
log2_floor(size_t n)
{
	size_t k = 0;

	while (n >>= 1)
		k++;
	return k;
}

static void
median_to_first(int *to, int *a, int *b, int *c, ax_less *less, void *arg)
{
	if (less(arg, *a, *b)) {
		if (less(arg, *b, *c))
			swap(to, b);
		else if (less(arg, *a, *c))
			swap(to, c);
		else
			swap(to, a);
	} else if (less(arg, *a, *c)) {
		swap(to, a);
	} else if (less(arg, *b, *c)) {
		swap(to, c);
	} else {
		swap(to, b);
	}
}

/* std::__unguarded_partition_pivot of [v, v + n): the cut. */
static size_t
partition(int *v, size_t n, ax_less *less, void *arg)
{
	size_t lo = 1, hi = n;

	median_to_first(v, v + 1, v + n / 2, v + n - 1, less, arg);
	for (;;) {
		while (less(arg, v[lo], v[0]))
			lo++;
		hi--;
		while (less(arg, v[0], v[hi]))
			hi--;
		if (lo >= hi)
			return lo;
		swap(v + lo, v + hi);
		lo++;
	}
}

static void
insertion(int *v, size_t n, ax_less *less, void *arg)
{
	size_t j;
	int x;

	for (size_t i = 1; i < n; i++) {
		x = v[i];
		for (j = i; j > 0 && less(arg, x, v[j - 1]); j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
}

/* std::__adjust_heap: sinks the hole to a leaf, then lets `value` rise. */
static void
adjust_heap(int *v, size_t hole, size_t n, int value, ax_less *less, void *arg)
{
	size_t top = hole, child = hole, parent;

	while (child < (n - 1) / 2) {
		child = 2 * (child + 1);
		if (less(arg, v[child], v[child - 1]))
			child--;
		v[hole] = v[child];
		hole = child;
	}
	if (n % 2 == 0 && child == (n - 2) / 2) {
		child = 2 * (child + 1);
		v[hole] = v[child - 1];
		hole = child - 1;
	}
	while (hole > top) {
		parent = (hole - 1) / 2;
		if (!(less(arg, v[parent], value)))
			break;
		v[hole] = v[parent];
		hole = parent;
	}
	v[hole] = value;
}

/* std::__heap_select: the n smallest of [v, v + end) in a heap at v. */
static void
heap_select(int *v, size_t n, size_t end, ax_less *less, void *arg)
{
	int x;

	if (n >= 2)
		for (size_t i = (n - 2) / 2 + 1; i-- > 0;)
			adjust_heap(v, i, n, v[i], less, arg);
	for (size_t i = n; i < end; i++)
		if (less(arg, v[i], v[0])) {
			x = v[i];
			v[i] = v[0];
			adjust_heap(v, 0, n, x, less, arg);
		}
}

void
ax_std_nth_element(int *idx, size_t nth, size_t n, ax_less *less, void *arg)
{
	size_t depth, cut;

	if (n == 0 || nth >= n)
		return;
	depth = 2 * log2_floor(n);
	while (n > 3) {
		if (depth == 0) {
			heap_select(idx, nth + 1, n, less, arg);
			swap(idx, idx + nth);
			return;
		}
		depth--;
		cut = partition(idx, n, less, arg);
		if (cut <= nth) {
			idx += cut;
			nth -= cut;
			n -= cut;
		} else {
			n = cut;
		}
	}
	insertion(idx, n, less, arg);
}

static void
sort_loop(int *v, size_t n, size_t depth, ax_less *less, void *arg)
{
	size_t cut;
	int x;

	while (n > 16) {
		if (depth == 0) {
			heap_select(v, n, n, less, arg);
			while (n > 1) {
				n--;
				x = v[n];
				v[n] = v[0];
				adjust_heap(v, 0, n, x, less, arg);
			}
			return;
		}
		depth--;
		cut = partition(v, n, less, arg);
		/* at most 2 log2 n deep: `depth` counts down with it */
		sort_loop(v + cut, n - cut, depth, less, arg);
		n = cut;
	}
}

void
ax_std_sort(int *idx, size_t n, ax_less *less, void *arg)
{
	if (n < 2)
		return;
	sort_loop(idx, n, 2 * log2_floor(n), less, arg);
	/* libstdc++ inserts the part beyond 16 unguarded, which moves the same
	 * elements: a smaller one is known to stand before them */
	insertion(idx, n, less, arg);
}
