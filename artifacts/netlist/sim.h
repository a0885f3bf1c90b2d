/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bit-parallel simulation of a netlist: one bit of a word is one pattern, so
 * one instruction evaluates a gate on 64 to 512 patterns. Results do not depend
 * on threads or SIMD level.
 */
#ifndef AX_SIM_H
#define AX_SIM_H

#include "artifacts/netlist/netlist.h"

/* Exhaustive functions refuse more inputs than this. */
#define AX_SIM_MAX_INPUTS 24

struct ax_sim;

/* Compiles a netlist; it may be freed afterwards. */
int ax_sim_new(struct ax_sim **out, const struct ax_netlist *net,
	       struct ax_err *err);
void ax_sim_free(struct ax_sim *sim);

/*
 * Any patterns: in[i * words + w] is bit word w of input i, out likewise for
 * the outputs. Pattern p is bit p % 64 of word p / 64.
 */
void ax_sim_run(const struct ax_sim *sim, struct ax_pool *pool,
		const uint64_t *in, uint64_t *out, size_t words);
/*
 * All 2^inputs patterns: input i of pattern p is bit i of p. out[p] is the
 * unsigned number made of output bits first..first+width-1, width <= 32.
 */
int ax_sim_table(const struct ax_sim *sim, struct ax_pool *pool, uint32_t first,
		 uint32_t width, uint32_t *out, struct ax_err *err);
/*
 * The same in another order: input i of pattern p is bit place[i] (each once)
 * of p ^ flip; with `sign` the numbers are two's complement.
 */
int ax_sim_numbers(const struct ax_sim *sim, struct ax_pool *pool,
		   uint32_t first, uint32_t width, bool sign,
		   const uint8_t *place, uint32_t flip, int32_t *out,
		   struct ax_err *err);
/*
 * 1: same outputs on every pattern; 0: they differ, first in *pattern (input i
 * is bit i) and output bit *bit (both may be NULL); -1: not comparable (port
 * counts differ, or over AX_SIM_MAX_INPUTS inputs). Ports are matched by bit
 * name when both have the same set of names, else by position.
 */
int ax_netlist_equal(const struct ax_netlist *a, const struct ax_netlist *b,
		     struct ax_pool *pool, uint64_t *pattern, uint32_t *bit,
		     struct ax_err *err);

#endif
