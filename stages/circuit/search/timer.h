/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Static timing of a circuit by the tables of its cells, as OpenSTA has it with
 * ideal wires: for each signal and edge the latest arrival over all ways to it
 * and, apart from that, the largest slew, from which the next cell's delay
 * follows by table. Changes are followed: only signals whose operands or load
 * are others than before are computed, and they spread no further where nothing
 * changes. The figures are, bit for bit, those of a computation from nothing.
 */
#ifndef AX_SEARCH_TIMER_H
#define AX_SEARCH_TIMER_H

#include "stages/circuit/search/cells.h"

struct ax_timer;

/* Borrows `k`, made with `timed`. */
struct ax_timer *ax_timer_new(const struct ax_cells *k);
void ax_timer_free(struct ax_timer *t);
/* Latest arrival at a result, ns; a circuit without paths: -INFINITY. */
double ax_timer_set(struct ax_timer *t, const struct ax_circuit *c);
/*
 * The same of the circuit that may come after c: place[s] is the signal of
 * `next` that signal s of c is there, UINT16_MAX if it went. New signals of
 * `next` have no such s.
 */
double ax_timer_try(struct ax_timer *t, const struct ax_circuit *c,
		    const struct ax_circuit *next, const uint16_t *place);
/*
 * The same two by the cells of a cover (ax_cover_nodes; `k` widened): the
 * figures of the netlist that ax_cover_write has. A signal inside a cell
 * arrives with the last of what it depends on. `now` are the nodes of c.
 */
double ax_timer_set_cells(struct ax_timer *t, const struct ax_circuit *c,
			  const struct ax_cover_node *node);
double ax_timer_try_cells(struct ax_timer *t, const struct ax_circuit *c,
			  const struct ax_cover_node *now,
			  const struct ax_circuit *next,
			  const struct ax_cover_node *node,
			  const uint16_t *place);
/* `next`, tried last, is the present one. */
void ax_timer_take(struct ax_timer *t, const struct ax_circuit *next);
/* Of the present circuit: arrival of a signal (the later edge), and the latest
 * that would not make the slowest path slower, about. */
double ax_timer_at(const struct ax_timer *t, unsigned sig);
double ax_timer_need(const struct ax_timer *t, unsigned sig);
/* What a gate with two signals would add, about, with the load of `sig`. */
double ax_timer_guess(const struct ax_timer *t, enum ax_g gate, unsigned sig);

#endif
