/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the published search takes from the C++ library, draw for draw and
 * swap for swap: std::mt19937, uniform_int_distribution and
 * uniform_real_distribution, std::shuffle, std::nth_element and std::sort as
 * libstdc++ of GCC 11 and later has them. The C++ standard fixes only the
 * first; a replay of a published run depends on the others too. New code uses
 * artifacts/base/rng.h instead.
 */
#ifndef AX_SEARCH_STDRAND_H
#define AX_SEARCH_STDRAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ax_mt {
	uint32_t state[624];
	uint32_t next;  /* 0..624: next word of state; 624 = regenerate */
	uint64_t draws; /* 32-bit outputs given away so far */
};

void ax_mt_seed(struct ax_mt *m, uint32_t seed);
uint32_t ax_mt_draw(struct ax_mt *m);
/* std::uniform_int_distribution<int>(l, r); r below l counts as l. */
int ax_mt_int(struct ax_mt *m, int l, int r);
/* std::uniform_real_distribution<double>(0, 1): two draws. */
double ax_mt_real(struct ax_mt *m);
/*
 * std::shuffle of n different elements, of which only the one that comes first
 * is wanted: returns its index before the shuffle. Draws all that the whole
 * shuffle draws. 1 <= n < 65536.
 */
size_t ax_mt_shuffle_first(struct ax_mt *m, size_t n);

/* std::nth_element and std::sort of n indices, with less(arg, a, b) for a < b.
 * Both call it as often and in the order that libstdc++ does. */
typedef bool ax_less(void *arg, int a, int b);
void ax_std_nth_element(int *idx, size_t nth, size_t n, ax_less *less,
			void *arg);
void ax_std_sort(int *idx, size_t n, ax_less *less, void *arg);

#endif
