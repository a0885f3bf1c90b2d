/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/timer.h"

#include <math.h>

#include "artifacts/base/base.h"

/* Of a circuit, by signal: arrival and slew by edge, load. */
struct state {
	double (*at)[2], (*slew)[2];
	int64_t (*load)[2]; /* for a fall, for a rise */
	double late;
	unsigned n, room;
};

struct ax_timer {
	const struct ax_cells *k;
	struct state now, next;
	double *need; /* of now */
	unsigned needs;
	uint16_t *from; /* of a try: the present signal */
	uint8_t *same;
	unsigned room;
	double base[AX_G_KINDS], slope[AX_G_KINDS]; /* for guesses */
	double unit;                                /* of loads, pF */
};

/* The delay of a gate at two loads, by its slowest arc, at the slew that goes
 * with them. */
static void
fit(struct ax_timer *t, enum ax_g g)
{
	double at[2] = {0, 0}, load[2] = {0.5 * AX_CELLS_LOAD, AX_CELLS_LOAD};

	for (unsigned i = 0; i < t->k->gate[g].arcs[0]; i++)
		for (int k = 0; k < 2; k++)
			at[k] = AX_MAX(
				at[k],
				ax_lib_table_at(&t->k->gate[g].arc[i].delay,
						AX_CELLS_SLEW, load[k]));
	t->slope[g] = (at[1] - at[0]) / (load[1] - load[0]);
	t->base[g] = at[0] - t->slope[g] * load[0];
}

struct ax_timer *
ax_timer_new(const struct ax_cells *k)
{
	struct ax_timer *t = ax_calloc(1, sizeof(*t));

	t->k = k;
	for (enum ax_g g = AX_G_INV; g < AX_G_KINDS; g++)
		fit(t, g);
	return t;
}

static void
state_free(struct state *s)
{
	free(s->at);
	free(s->slew);
	free(s->load);
}

void
ax_timer_free(struct ax_timer *t)
{
	if (!t)
		return;
	state_free(&t->now);
	state_free(&t->next);
	free(t->need);
	free(t->from);
	free(t->same);
	free(t);
}

static void
state_room(struct state *s, unsigned n)
{
	if (n <= s->room)
		return;
	s->room = n + n / 2;
	s->at = ax_realloc(s->at, s->room, sizeof(*s->at));
	s->slew = ax_realloc(s->slew, s->room, sizeof(*s->slew));
	s->load = ax_realloc(s->load, s->room, sizeof(*s->load));
}

static void
room(struct ax_timer *t, unsigned n)
{
	state_room(&t->next, n);
	if (n <= t->room)
		return;
	t->room = n + n / 2;
	t->from = ax_realloc(t->from, t->room, sizeof(*t->from));
	t->same = ax_realloc(t->same, t->room, sizeof(*t->same));
}

static void
add_loads(const struct ax_cells *k, const struct ax_circuit *c,
	  int64_t (*load)[2])
{
	memset(load, 0, (c->ins + c->n) * sizeof(*load));
	for (unsigned j = 0; j < c->n; j++) {
		unsigned n = ax_g_inputs((enum ax_g)c->gate[j]);

		for (unsigned i = 0; i < n; i++) {
			const int64_t *edge = k->gate[c->gate[j]].edge[i];

			load[c->in[j][i]][0] += edge[0];
			load[c->in[j][i]][1] += edge[1];
		}
	}
	for (unsigned o = 0; o < c->outs; o++) {
		load[c->out[o]][0] += k->load;
		load[c->out[o]][1] += k->load;
	}
}

/* Where a value falls on an axis: the interval and how far into it. */
static unsigned
interval(const double *axis, unsigned n, double v, double *part)
{
	unsigned i = 0;

	*part = 0;
	if (n < 2)
		return 0;
	while (i + 2 < n && v >= axis[i + 1])
		i++;
	*part = (v - axis[i]) / (axis[i + 1] - axis[i]);
	return i;
}

static double
between(const struct ax_lib_table *t, unsigned i, unsigned j, double u,
	double w)
{
	const double *v = t->v + (size_t)i * t->ny + j;
	unsigned dj = t->ny > 1;
	double low = v[0] + (v[dj] - v[0]) * w, high;

	if (t->nx < 2)
		return low;
	v += t->ny;
	high = v[0] + (v[dj] - v[0]) * w;
	return low + (high - low) * u;
}

/* The output of a cell with these inputs. */
static inline void
time_cell(const struct ax_cell_arc *arc, unsigned arcs, const uint32_t *pin,
	  unsigned out, double unit, struct state *s)
{
	unsigned i, q;
	double load, u, w, a, d;
	double at[2] = {-INFINITY, -INFINITY}, slew[2] = {0, 0};

	for (unsigned k = 0; k < arcs; k++, arc++) {
		uint32_t in = pin[arc->pin];
		const struct ax_lib_table *l = &arc->delay;

		a = s->at[in][arc->from];
		if (a == -INFINITY)
			continue;
		load = (double)s->load[out][arc->to] * unit;
		q = interval(l->y, l->ny, load, &w);
		i = interval(l->x, l->nx, s->slew[in][arc->from], &u);
		a += between(l, i, q, u, w);
		at[arc->to] = AX_MAX(at[arc->to], a);
		d = arc->one ? between(&arc->slew, i, q, u, w)
			     : ax_lib_table_at(&arc->slew,
					       s->slew[in][arc->from], load);
		slew[arc->to] = AX_MAX(slew[arc->to], d);
	}
	memcpy(s->at[out], at, sizeof(at));
	memcpy(s->slew[out], slew, sizeof(slew));
}

static void
time_gate(const struct ax_timer *t, const struct ax_circuit *c, unsigned j,
	  struct state *s)
{
	const struct ax_cell *cell = &t->k->gate[c->gate[j]];
	const uint32_t in[2] = {c->in[j][0], c->in[j][1]};

	time_cell(cell->arc, cell->arcs[0], in, c->ins + j, AX_CELLS_AF, s);
}

static double
latest(const double *at)
{
	return AX_MAX(at[0], at[1]);
}

static void
begin(const struct ax_timer *t, const struct ax_circuit *c, struct state *s)
{
	s->n = c->ins + c->n;
	for (unsigned i = 0; i < c->ins; i++) {
		s->at[i][0] = s->at[i][1] = t->k->arrival;
		s->slew[i][0] = s->slew[i][1] = 0;
	}
}

static double
end(const struct ax_circuit *c, struct state *s)
{
	s->late = -INFINITY;
	for (unsigned o = 0; o < c->outs; o++)
		s->late = AX_MAX(s->late, latest(s->at[c->out[o]]));
	return s->late;
}

/* By how much each signal may be later: gates keep their delays. */
static void
find_needs(struct ax_timer *t, const struct ax_circuit *c)
{
	const struct state *s = &t->now;
	double own, late;

	if (c->ins + c->n > t->needs) {
		t->needs = s->room;
		t->need = ax_realloc(t->need, t->needs, sizeof(*t->need));
	}
	for (unsigned i = 0; i < c->ins + c->n; i++)
		t->need[i] = INFINITY;
	for (unsigned o = 0; o < c->outs; o++)
		t->need[c->out[o]] = s->late;
	for (unsigned j = c->n; j-- > 0;) {
		unsigned n = ax_g_inputs((enum ax_g)c->gate[j]);

		late = -INFINITY;
		for (unsigned i = 0; i < n; i++)
			late = AX_MAX(late, latest(s->at[c->in[j][i]]));
		if (late == -INFINITY)
			continue;
		own = t->need[c->ins + j] - (latest(s->at[c->ins + j]) - late);
		for (unsigned i = 0; i < n; i++)
			t->need[c->in[j][i]] =
				AX_MIN(t->need[c->in[j][i]], own);
	}
}

double
ax_timer_set(struct ax_timer *t, const struct ax_circuit *c)
{
	room(t, c->ins + c->n);
	state_room(&t->now, c->ins + c->n);
	t->unit = AX_CELLS_AF;
	begin(t, c, &t->now);
	add_loads(t->k, c, t->now.load);
	for (unsigned j = 0; j < c->n; j++)
		time_gate(t, c, j, &t->now);
	end(c, &t->now);
	find_needs(t, c);
	return t->now.late;
}

/* A try begins: which present signal each of the next is. */
static void
begin_try(struct ax_timer *t, const struct ax_circuit *next,
	  const uint16_t *place)
{
	unsigned n = next->ins + next->n;

	room(t, n);
	begin(t, next, &t->next);
	memset(t->from, 0xff, n * sizeof(*t->from));
	for (unsigned i = 0; i < t->now.n; i++)
		if (place[i] != UINT16_MAX)
			t->from[place[i]] = (uint16_t)i;
	memset(t->same, 1, next->ins);
}

static void
keep(struct ax_timer *t, unsigned i, unsigned from)
{
	memcpy(t->next.at[i], t->now.at[from], sizeof(t->next.at[i]));
	memcpy(t->next.slew[i], t->now.slew[from], sizeof(t->next.slew[i]));
	t->same[i] = 1;
}

static bool
came_same(const struct ax_timer *t, unsigned i, unsigned from)
{
	return memcmp(t->next.at[i], t->now.at[from], sizeof(t->next.at[i])) ==
		       0 &&
	       memcmp(t->next.slew[i], t->now.slew[from],
		      sizeof(t->next.slew[i])) == 0;
}

double
ax_timer_try(struct ax_timer *t, const struct ax_circuit *c,
	     const struct ax_circuit *next, const uint16_t *place)
{
	const struct state *now = &t->now;
	struct state *s = &t->next;

	begin_try(t, next, place);
	add_loads(t->k, next, s->load);
	for (unsigned j = 0; j < next->n; j++) {
		unsigned i = next->ins + j, from = t->from[i];
		bool was = from != UINT16_MAX;
		const uint16_t *in = next->in[j];
		const uint16_t *old = was ? c->in[from - c->ins] : in;

		if (was && now->load[from][0] == s->load[i][0] &&
		    now->load[from][1] == s->load[i][1] && t->same[in[0]] &&
		    t->same[in[1]] && t->from[in[0]] == old[0] &&
		    t->from[in[1]] == old[1]) {
			keep(t, i, from);
			continue;
		}
		time_gate(t, next, j, s);
		t->same[i] = was && came_same(t, i, from);
	}
	return end(next, s);
}

/* --- by the cells of a cover --------------------------------------------- */

/* The net of a signal. */
static uint32_t
net_of(const struct ax_circuit *c, const struct ax_cover_node *node,
       uint32_t sig)
{
	return sig >= c->ins && node[sig - c->ins].role == AX_COVER_WIRE
		       ? node[sig - c->ins].in[0]
		       : sig;
}

static void
add_cell_loads(const struct ax_cells *k, const struct ax_circuit *c,
	       const struct ax_cover_node *node, int64_t (*load)[2])
{
	memset(load, 0, (c->ins + c->n) * sizeof(*load));
	for (unsigned j = 0; j < c->n; j++) {
		const struct ax_cover_node *n = &node[j];

		/* the pins of a cell of two outputs are there once */
		if (n->role != AX_COVER_CELL || n->twin < j)
			continue;
		for (unsigned i = 0; i < n->ins; i++)
			for (int e = 0; e < 2; e++)
				load[n->in[i]][e] +=
					k->wide[n->cell].edge[i][e];
	}
	for (unsigned o = 0; o < c->outs; o++)
		for (int e = 0; e < 2; e++)
			load[net_of(c, node, c->out[o])][e] += k->wide_load;
}

static void
time_node(const struct ax_timer *t, const struct ax_circuit *c,
	  const struct ax_cover_node *node, unsigned j, struct state *s)
{
	const struct ax_cover_node *n = &node[j];
	unsigned g = c->gate[j], out = c->ins + j;
	double at = -INFINITY;

	if (n->role == AX_COVER_CELL) {
		const struct ax_cell *cell = &t->k->wide[n->cell];

		time_cell(cell->arc + (n->out ? cell->arcs[0] : 0),
			  cell->arcs[n->out], n->in, out, AX_CELLS_ZF, s);
		return;
	}
	if (n->role == AX_COVER_WIRE) {
		memcpy(s->at[out], s->at[n->in[0]], sizeof(s->at[out]));
		memcpy(s->slew[out], s->slew[n->in[0]], sizeof(s->slew[out]));
		return;
	}
	/* inside a cell: as if all of it were at the cell's end */
	for (unsigned i = 0; i < ax_g_inputs((enum ax_g)g); i++)
		at = AX_MAX(at, latest(s->at[c->in[j][i]]));
	s->at[out][0] = s->at[out][1] = at;
	s->slew[out][0] = s->slew[out][1] = 0;
}

double
ax_timer_set_cells(struct ax_timer *t, const struct ax_circuit *c,
		   const struct ax_cover_node *node)
{
	room(t, c->ins + c->n);
	state_room(&t->now, c->ins + c->n);
	t->unit = AX_CELLS_ZF;
	begin(t, c, &t->now);
	add_cell_loads(t->k, c, node, t->now.load);
	for (unsigned j = 0; j < c->n; j++)
		time_node(t, c, node, j, &t->now);
	end(c, &t->now);
	find_needs(t, c);
	return t->now.late;
}

/* Whether gate i - ins is the output of the cell that it was, which has the
 * inputs and the load that it had. */
static bool
stays(const struct ax_timer *t, unsigned i, unsigned from,
      const struct ax_cover_node *was, const struct ax_cover_node *is)
{
	if (was->role != AX_COVER_CELL || is->role != AX_COVER_CELL ||
	    was->cell != is->cell || was->out != is->out ||
	    t->now.load[from][0] != t->next.load[i][0] ||
	    t->now.load[from][1] != t->next.load[i][1])
		return false;
	for (unsigned p = 0; p < is->ins; p++)
		if (!t->same[is->in[p]] || t->from[is->in[p]] != was->in[p])
			return false;
	return true;
}

double
ax_timer_try_cells(struct ax_timer *t, const struct ax_circuit *c,
		   const struct ax_cover_node *now,
		   const struct ax_circuit *next,
		   const struct ax_cover_node *node, const uint16_t *place)
{
	begin_try(t, next, place);
	add_cell_loads(t->k, next, node, t->next.load);
	for (unsigned j = 0; j < next->n; j++) {
		unsigned i = next->ins + j, from = t->from[i];
		bool was = from != UINT16_MAX;

		if (was && stays(t, i, from, &now[from - c->ins], &node[j])) {
			keep(t, i, from);
			continue;
		}
		time_node(t, next, node, j, &t->next);
		t->same[i] = was && came_same(t, i, from);
	}
	return end(next, &t->next);
}

/* --- the present one ----------------------------------------------------- */

void
ax_timer_take(struct ax_timer *t, const struct ax_circuit *next)
{
	struct state swap = t->now;

	t->now = t->next;
	t->next = swap;
	find_needs(t, next);
}

double
ax_timer_at(const struct ax_timer *t, unsigned sig)
{
	return latest(t->now.at[sig]);
}

double
ax_timer_need(const struct ax_timer *t, unsigned sig)
{
	return t->need[sig];
}

double
ax_timer_guess(const struct ax_timer *t, enum ax_g gate, unsigned sig)
{
	return t->base[gate] +
	       t->slope[gate] * (double)t->now.load[sig][1] * t->unit;
}
