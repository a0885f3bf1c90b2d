/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/netlist/cover_impl.h"

#include "artifacts/base/base.h"

/* More would not fit the sums of a large network. */
#define AREA_MOST 1e6

const uint8_t ax_cover_perms[6][LEAVES] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					   {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

/* Input i of the function becomes leaf perm[i]. */
static uint8_t
permuted(uint64_t tt, unsigned n, const uint8_t *perm)
{
	unsigned out = 0;

	for (unsigned p = 0; p < 8; p++) {
		unsigned q = 0;

		for (unsigned i = 0; i < n; i++)
			q |= (p >> perm[i] & 1) << i;
		out |= (unsigned)(tt >> q & 1) << p;
	}
	return (uint8_t)out;
}

/* Of two cells of one cost the one with the shorter name. */
static bool
better(const struct ax_liberty *lib, const struct ax_lib_cell *c, int64_t cost,
       uint32_t was, int64_t was_cost)
{
	if (cost != was_cost)
		return cost < was_cost;
	return was != NO_CELL && strlen(c->name) < strlen(lib->cell[was].name);
}

static void
add_match(struct ax_cover_cells *k, const struct ax_liberty *lib, uint32_t i,
	  int64_t cost, const uint8_t *perm)
{
	const struct ax_lib_cell *c = &lib->cell[i];
	uint8_t tt = permuted(c->pin[c->out[0]].tt, c->ins, perm);

	/* a pin that changes nothing would need a leaf of its own */
	if (k->support[tt] != (1u << c->ins) - 1 ||
	    !better(lib, c, cost, k->match[tt].cell, k->cost[tt]))
		return;
	k->cost[tt] = cost;
	k->match[tt].cell = i;
	memcpy(k->match[tt].perm, perm, LEAVES);
}

static void
add_pair(struct ax_cover_cells *k, const struct ax_liberty *lib, uint32_t i,
	 int64_t cost, const uint8_t *perm)
{
	const struct ax_lib_cell *c = &lib->cell[i];
	struct pair p = {.cost = cost, .cell = i}, *at = NULL;

	memcpy(p.perm, perm, LEAVES);
	for (unsigned o = 0; o < 2; o++) {
		p.tt[o] = permuted(c->pin[c->out[o]].tt, c->ins, perm);
		if (k->support[p.tt[o]] != (1u << c->ins) - 1)
			return;
	}
	for (size_t n = 0; n < k->pairs; n++)
		if ((k->pair[n].tt[0] == p.tt[0] &&
		     k->pair[n].tt[1] == p.tt[1]) ||
		    (k->pair[n].tt[0] == p.tt[1] &&
		     k->pair[n].tt[1] == p.tt[0]))
			at = &k->pair[n];
	if (at && !better(lib, c, cost, at->cell, at->cost))
		return;
	/* their number must fit 16 bits */
	if (!at && k->pairs == UINT16_MAX)
		return;
	if (!at) {
		k->pair = ax_realloc(k->pair, k->pairs + 1, sizeof(*k->pair));
		at = &k->pair[k->pairs++];
	}
	*at = p;
	k->paired[p.tt[0]] = k->paired[p.tt[1]] = true;
}

static void
add_cell(struct ax_cover_cells *k, const struct ax_liberty *lib, uint32_t i,
	 bool transistors)
{
	const struct ax_lib_cell *c = &lib->cell[i];
	double value = transistors ? c->transistors : c->area;
	int64_t cost;

	if (c->area < 0 || c->area > AREA_MOST || value < 0)
		return;
	cost = (int64_t)(value * AX_COVER_GRAIN + 0.5);
	/* a buffer is a wire that costs */
	if (c->outs > 2 ||
	    (c->outs == 1 && c->ins == 1 && c->pin[c->out[0]].tt == 2))
		return;
	for (unsigned p = 0; p < 6; p++) {
		bool fits = true;

		for (unsigned n = 0; n < c->ins; n++)
			fits = fits && ax_cover_perms[p][n] < c->ins;
		if (fits && c->outs == 1)
			add_match(k, lib, i, cost, ax_cover_perms[p]);
		else if (fits)
			add_pair(k, lib, i, cost, ax_cover_perms[p]);
	}
}

static void
fill_tables(struct ax_cover_cells *k)
{
	for (unsigned tt = 0; tt < 256; tt++) {
		if ((tt ^ tt >> 1) & 0x55)
			k->support[tt] |= 1;
		if ((tt ^ tt >> 2) & 0x33)
			k->support[tt] |= 2;
		if ((tt ^ tt >> 4) & 0x0f)
			k->support[tt] |= 4;
	}
	for (unsigned m = 0; m < 8; m++) {
		uint8_t perm[LEAVES];
		unsigned n = 0;

		for (uint8_t i = 0; i < LEAVES; i++)
			if (m >> i & 1)
				perm[n++] = i;
		for (unsigned tt = 0; tt < 256; tt++)
			k->spread[m][tt] = permuted(tt, n, perm);
	}
	for (unsigned p = 0; p < 6; p++)
		for (unsigned tt = 0; tt < 256; tt++)
			k->moved[p][tt] =
				permuted(tt, LEAVES, ax_cover_perms[p]);
}

bool
ax_cover_takes(const struct ax_lib_cell *c)
{
	return c->combinational && !c->dont_use && c->ins >= 1 &&
	       c->ins <= LEAVES;
}

int
ax_cover_cells_new(struct ax_cover_cells **out, const struct ax_liberty *lib,
		   const bool *keep, bool transistors, struct ax_err *err)
{
	struct ax_cover_cells *k = ax_calloc(1, sizeof(*k));

	fill_tables(k);
	for (unsigned tt = 0; tt < 256; tt++) {
		k->cost[tt] = NO_COST;
		k->match[tt].cell = NO_CELL;
	}
	k->cost[0] = k->cost[0xff] = k->cost[0xaa] = 0;
	for (uint32_t i = 0; i < lib->cells; i++) {
		const struct ax_lib_cell *c = &lib->cell[i];

		if (keep ? keep[i] && c->combinational && c->ins >= 1 &&
				    c->ins <= LEAVES
			 : ax_cover_takes(c))
			add_cell(k, lib, i, transistors);
	}
	if (k->match[0x55].cell == NO_CELL) {
		ax_cover_cells_free(k);
		return ax_err_set(err, AX_EXIT_STAGE,
				  "cover: the cells chosen from library %s "
				  "have no inverter",
				  lib->name);
	}
	*out = k;
	return 0;
}

void
ax_cover_cells_free(struct ax_cover_cells *k)
{
	if (!k)
		return;
	free(k->pair);
	free(k);
}

int64_t
ax_cover_cell_cost(const struct ax_cover_cells *k, unsigned n, unsigned tt)
{
	static const uint8_t same[LEAVES] = {0, 1, 2};
	int64_t cost = k->cost[permuted(tt, n, same)];

	return cost < NO_COST ? cost : -1;
}

void
ax_cover_cells_used(const struct ax_cover_cells *k, bool *used)
{
	for (unsigned tt = 0; tt < 256; tt++)
		if (k->match[tt].cell != NO_CELL)
			used[k->match[tt].cell] = true;
	for (size_t i = 0; i < k->pairs; i++)
		used[k->pair[i].cell] = true;
}
