/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/cost.h"

#include <math.h>

#include "artifacts/base/base.h"

const struct ax_cost ax_cost_transistors = {
	.gate = {{[AX_G_INV] = 2,
		  [AX_G_AND] = 6,
		  [AX_G_NAND] = 4,
		  [AX_G_OR] = 6,
		  [AX_G_NOR] = 4,
		  [AX_G_XOR] = 10,
		  [AX_G_XNOR] = 10}},
	.grain = 1,
	.most = {INFINITY, INFINITY, INFINITY, INFINITY}};

struct ax_gauge {
	const struct ax_cost *k;
	struct ax_timer *timer; /* NULL: delays do not matter */
	struct ax_cover *cover; /* NULL: no areas by it */
	uint32_t *from;         /* of a try, for it */
	unsigned room;
	/* its cells, where delays or energies are of them: now and next; of
	 * `from`s length */
	struct ax_cover_node *node[2];
	double per_area, per_energy; /* transistors, about */
	struct ax_figures now, next;
};

/* Transistors that a ns too much is weighed as. */
#define LATE 1000.0
/* How much more a guess may be off by where gates become parts of cells: a new
 * one may take no time at all, and save some. */
#define INSIDE 4

bool
ax_cost_needs_energy(const struct ax_cost *k)
{
	return k->of == AX_COST_ENERGY || k->most.energy < INFINITY;
}

bool
ax_cost_needs_delay(const struct ax_cost *k)
{
	return k->of == AX_COST_DELAY || k->most.delay < INFINITY;
}

bool
ax_cost_is_plain(const struct ax_cost *k)
{
	return k->of == AX_COST_GATES && !ax_cost_needs_delay(k) &&
	       !ax_cost_needs_energy(k) && k->most.transistors == INFINITY &&
	       k->most.area == INFINITY;
}

/* Of a circuit that has no cover: far more than any. */
#define NO_COVER 1e9

/* `from` as ax_cover_try has it; NULL: there is nothing to go on from. */
static double
cover_cost(struct ax_cover *v, const struct ax_circuit *c, const uint32_t *from)
{
	static const uint8_t table[AX_G_KINDS] = {
		[AX_G_CONST1] = 1, [AX_G_BUF] = 2,  [AX_G_INV] = 1,
		[AX_G_AND] = 8,    [AX_G_NAND] = 7, [AX_G_OR] = 14,
		[AX_G_NOR] = 1,    [AX_G_XOR] = 6,  [AX_G_XNOR] = 9};
	struct ax_cover_gate *g = ax_cover_begin(v, c->ins, c->n);
	uint32_t out[AX_CIRCUIT_OUTS];
	int64_t cost;

	for (unsigned j = 0; j < c->n; j++)
		g[j] = (struct ax_cover_gate){
			{c->in[j][0], c->in[j][1]},
			(uint8_t)ax_g_inputs((enum ax_g)c->gate[j]),
			table[c->gate[j]]};
	for (unsigned o = 0; o < c->outs; o++)
		out[o] = c->out[o];
	cost = from ? ax_cover_try(v, from, out, c->outs)
		    : ax_cover_run(v, out, c->outs);
	return cost < 0 ? NO_COVER : (double)cost / AX_COVER_GRAIN;
}

/* Whether delays and energies are those of the cells of a cover. */
static bool
by_cells(const struct ax_cost *k)
{
	return k->cover && k->cells && k->cells->wide;
}

static double
gate_area(const struct ax_cost *k, const struct ax_circuit *c)
{
	unsigned count[AX_G_KINDS] = {0};
	double sum = 0;

	for (unsigned j = 0; j < c->n; j++)
		count[c->gate[j]]++;
	for (int g = AX_G_INV; g < AX_G_KINDS; g++)
		sum += count[g] * k->cells->gate[g].area;
	return sum;
}

/* pJ by a toggle of what has a unit of capacitance. */
static double
charge(const struct ax_cells *l, double unit)
{
	return 0.5 * l->volts * l->volts * unit;
}

/*
 * Each toggle charges what it drives, C V^2 / 2, and costs its own cell what
 * the library says. A load is counted with the pin that it is.
 */
double
ax_cost_energy(const struct ax_cells *l, const struct ax_circuit *c,
	       const double *toggles)
{
	double per = charge(l, AX_CELLS_AF), sum = 0;

	for (unsigned j = 0; j < c->n; j++) {
		unsigned g = c->gate[j], n = ax_g_inputs((enum ax_g)g);

		sum += toggles[c->ins + j] * l->gate[g].inner[0];
		for (unsigned i = 0; i < n; i++)
			sum += toggles[c->in[j][i]] *
			       (per * (double)l->gate[g].cap[i] +
				l->gate[g].pin[i]);
	}
	for (unsigned o = 0; o < c->outs; o++)
		sum += toggles[c->out[o]] * per * (double)l->load;
	return sum;
}

double
ax_cost_energy_cells(const struct ax_cells *l, const struct ax_circuit *c,
		     const struct ax_cover_node *node, const double *toggles)
{
	double per = charge(l, AX_CELLS_ZF), sum = 0;

	for (unsigned j = 0; j < c->n; j++) {
		const struct ax_cover_node *n = &node[j];
		const struct ax_cell *cell = &l->wide[n->cell];

		if (n->role != AX_COVER_CELL)
			continue;
		sum += toggles[c->ins + j] * cell->inner[n->out];
		/* the pins of a cell of two outputs are there once */
		for (unsigned i = 0; i < n->ins && n->twin > j; i++)
			sum += toggles[n->in[i]] *
			       (per * (double)cell->cap[i] + cell->pin[i]);
	}
	for (unsigned o = 0; o < c->outs; o++)
		sum += toggles[c->out[o]] * per * (double)l->wide_load;
	return sum;
}

static double
excess(double value, double most)
{
	return value > most ? (value - most) / AX_MAX(most, 1e-9) : 0;
}

static double
covered(const struct ax_cost *k, const struct ax_figures *f)
{
	return k->covers_transistors ? (double)f->transistors : f->area;
}

/* What follows from the other figures. */
static void
complete(const struct ax_cost *k, const struct ax_circuit *c,
	 struct ax_figures *f)
{
	double delay = AX_MAX(f->delay, 0.0);

	f->over = excess((double)f->transistors, k->most.transistors) +
		  excess(f->area, k->most.area) + excess(delay, k->most.delay) +
		  excess(f->energy, k->most.energy);
	f->cost = k->of == AX_COST_ENERGY
			  ? (int64_t)(f->energy * AX_COST_PJ + 0.5)
		  : k->of == AX_COST_COVER
			  ? (int64_t)(covered(k, f) * k->grain + 0.5)
			  : ax_circuit_cost(c, &k->gate);
	if (k->of == AX_COST_DELAY)
		f->cost += (int64_t)(delay * AX_COST_NS + 0.5);
	f->soft = f->cost;
	if (f->over > 0)
		f->cost += AX_COST_BROKEN +
			   (int64_t)(AX_MIN(f->over, 1e3) * 0x1p40);
}

/* Twice what it would cost to take the excess away, in transistors, so that
 * nothing is gained by keeping it. */
static void
soften(const struct ax_gauge *g, struct ax_figures *f)
{
	const struct ax_cost *k = g->k;
	double t = 0;

	if (f->over <= 0)
		return;
	t += AX_MAX((double)f->transistors - k->most.transistors, 0.0);
	t += AX_MAX(f->area - k->most.area, 0.0) * g->per_area;
	t += AX_MAX(f->energy - k->most.energy, 0.0) * g->per_energy;
	t = 2 * t + LATE * AX_MAX(f->delay - k->most.delay, 0.0);
	/* a delay to be small would weigh more than all bounds */
	if (k->of == AX_COST_DELAY)
		f->soft -= (int64_t)(AX_MAX(f->delay, 0.0) * AX_COST_NS + 0.5);
	f->soft += (int64_t)(AX_MIN(t, 1e9) * ax_cost_scale(&k->gate));
}

double
ax_cost_typical(const struct ax_cells *k, enum ax_g g)
{
	const double per = charge(k, AX_CELLS_AF);
	const double toggles = 0.3; /* of random signals not quite 1/2 */

	return toggles *
	       (k->gate[g].inner[0] + k->gate[g].pin[0] + k->gate[g].pin[1] +
		per * (double)(k->gate[g].cap[0] + k->gate[g].cap[1]));
}

static void
count(const struct ax_cost *k, const struct ax_circuit *c, struct ax_cover *v,
      const uint32_t *from, struct ax_figures *f)
{
	bool few = k->covers_transistors;

	f->transistors = v && few ? (int64_t)cover_cost(v, c, from)
				  : ax_circuit_cost(c, &ax_transistors);
	f->area = v && !few  ? cover_cost(v, c, from)
		  : k->cells ? gate_area(k, c)
			     : 0;
}

/* Also where no cover was found: then it is as slow and thirsty as that is
 * large. */
static bool
uncovered(const struct ax_cost *k, const struct ax_figures *f)
{
	return by_cells(k) && (k->covers_transistors ? (double)f->transistors
						     : f->area) >= NO_COVER;
}

static double
energy(const struct ax_cost *k, const struct ax_circuit *c,
       const struct ax_cover_node *node, const double *toggles,
       const struct ax_figures *f)
{
	if (uncovered(k, f))
		return NO_COVER;
	return by_cells(k) ? ax_cost_energy_cells(k->cells, c, node, toggles)
			   : ax_cost_energy(k->cells, c, toggles);
}

void
ax_cost_measure(const struct ax_cost *k, const struct ax_problem *p,
		const struct ax_circuit *c, struct ax_figures *out)
{
	struct ax_cover *v = k->cover ? ax_cover_new(k->cover) : NULL;
	struct ax_cover_node *node = NULL;

	*out = (struct ax_figures){0};
	count(k, c, v, NULL, out);
	if (by_cells(k)) {
		node = ax_calloc(c->n + 1, sizeof(*node));
		ax_cover_nodes(v, node);
	}
	ax_cover_free(v);
	if (k->cells && k->cells->tables) {
		struct ax_timer *t = ax_timer_new(k->cells);

		out->delay = uncovered(k, out) ? NO_COVER
			     : node            ? ax_timer_set_cells(t, c, node)
					       : ax_timer_set(t, c);
		ax_timer_free(t);
	}
	if (k->activity) {
		double *toggles =
			ax_calloc(c->ins + c->n + 1, sizeof(*toggles));

		ax_activity_of(k->activity, p, c, toggles);
		out->energy = energy(k, c, node, toggles, out);
		free(toggles);
	}
	free(node);
	complete(k, c, out);
}

double
ax_cost_scale(const struct ax_costs *k)
{
	double cost = 0, transistors = 0;

	for (int g = AX_G_INV; g < AX_G_KINDS; g++) {
		if (k->of[g] >= (int64_t)1 << 40)
			continue;
		cost += (double)k->of[g];
		transistors += (double)ax_transistors.of[g];
	}
	return cost / transistors;
}

double
ax_cost_value(const struct ax_cost *k, const struct ax_circuit *c,
	      const struct ax_figures *f)
{
	if (k->of == AX_COST_DELAY)
		return AX_MAX(f->delay, 0.0);
	if (k->of == AX_COST_ENERGY)
		return f->energy;
	if (k->of == AX_COST_COVER)
		return covered(k, f);
	return (double)ax_circuit_cost(c, &k->gate) / k->grain;
}

struct ax_gauge *
ax_gauge_new(const struct ax_cost *k)
{
	struct ax_gauge *g = ax_calloc(1, sizeof(*g));
	double transistors = 0, area = 0, energy = 0;

	g->k = k;
	if (ax_cost_needs_delay(k))
		g->timer = ax_timer_new(k->cells);
	if (k->cover)
		g->cover = ax_cover_new(k->cover);
	for (enum ax_g i = AX_G_INV; k->cells && i < AX_G_KINDS; i++) {
		if (!k->cells->gate[i].name)
			continue;
		transistors += (double)ax_transistors.of[i];
		area += k->cells->gate[i].area;
		energy += ax_cost_typical(k->cells, i);
	}
	g->per_area = area > 0 ? transistors / area : 0;
	g->per_energy = energy > 0 ? transistors / energy : 0;
	return g;
}

void
ax_gauge_free(struct ax_gauge *g)
{
	if (!g)
		return;
	ax_timer_free(g->timer);
	ax_cover_free(g->cover);
	free(g->from);
	free(g->node[0]);
	free(g->node[1]);
	free(g);
}

/* Room for the gates of a circuit. */
static void
gates_room(struct ax_gauge *g, unsigned n)
{
	if (n <= g->room)
		return;
	g->room = n + n / 2;
	g->from = ax_realloc(g->from, g->room, sizeof(*g->from));
	for (int i = 0; i < 2; i++)
		g->node[i] =
			ax_realloc(g->node[i], g->room, sizeof(*g->node[i]));
}

const struct ax_figures *
ax_gauge_set(struct ax_gauge *g, const struct ax_circuit *c,
	     const double *toggles)
{
	bool cells = by_cells(g->k);

	g->now = (struct ax_figures){0};
	if (g->cover)
		gates_room(g, c->n);
	count(g->k, c, g->cover, NULL, &g->now);
	if (cells)
		ax_cover_nodes(g->cover, g->node[0]);
	if (g->cover)
		ax_cover_keep(g->cover);
	if (g->timer)
		g->now.delay =
			cells ? ax_timer_set_cells(g->timer, c, g->node[0])
			      : ax_timer_set(g->timer, c);
	if (uncovered(g->k, &g->now))
		g->now.delay = NO_COVER;
	if (toggles)
		g->now.energy = energy(g->k, c, g->node[0], toggles, &g->now);
	complete(g->k, c, &g->now);
	soften(g, &g->now);
	return &g->now;
}

/* The present gate that each of the next is. */
static void
find_from(struct ax_gauge *g, const struct ax_circuit *c,
	  const struct ax_circuit *next, const uint16_t *place)
{
	gates_room(g, next->n);
	memset(g->from, 0xff, next->n * sizeof(*g->from));
	for (unsigned j = 0; j < c->n; j++)
		if (place[c->ins + j] != UINT16_MAX &&
		    place[c->ins + j] >= next->ins)
			g->from[place[c->ins + j] - next->ins] = j;
}

const struct ax_figures *
ax_gauge_try(struct ax_gauge *g, const struct ax_circuit *c,
	     const struct ax_circuit *next, const uint16_t *place)
{
	g->next = (struct ax_figures){.energy = g->now.energy};
	if (g->cover)
		find_from(g, c, next, place);
	count(g->k, next, g->cover, g->from, &g->next);
	if (by_cells(g->k))
		ax_cover_nodes(g->cover, g->node[1]);
	if (g->timer)
		g->next.delay =
			by_cells(g->k)
				? ax_timer_try_cells(g->timer, c, g->node[0],
						     next, g->node[1], place)
				: ax_timer_try(g->timer, c, next, place);
	if (uncovered(g->k, &g->next))
		g->next.delay = NO_COVER;
	complete(g->k, next, &g->next);
	soften(g, &g->next);
	return &g->next;
}

const struct ax_figures *
ax_gauge_try_energy(struct ax_gauge *g, const struct ax_circuit *next,
		    const double *toggles)
{
	g->next.energy = energy(g->k, next, g->node[1], toggles, &g->next);
	complete(g->k, next, &g->next);
	soften(g, &g->next);
	return &g->next;
}

void
ax_gauge_take(struct ax_gauge *g, const struct ax_circuit *next)
{
	struct ax_cover_node *node = g->node[0];

	g->now = g->next;
	g->node[0] = g->node[1];
	g->node[1] = node;
	if (g->timer)
		ax_timer_take(g->timer, next);
	if (g->cover)
		ax_cover_keep(g->cover);
}

const struct ax_figures *
ax_gauge_now(const struct ax_gauge *g)
{
	return &g->now;
}

int64_t
ax_gauge_cost(const struct ax_gauge *g, const struct ax_figures *f)
{
	return g->now.over > 0 ? f->soft : f->cost;
}

bool
ax_gauge_good(const struct ax_gauge *g, double rise)
{
	return (double)(ax_gauge_cost(g, &g->next) -
			ax_gauge_cost(g, &g->now)) <= rise;
}

const struct ax_timer *
ax_gauge_timer(const struct ax_gauge *g)
{
	return g->timer;
}

/* What a ns of delay is worth: far more than gates while a bound is broken. */
static double
worth(const struct ax_gauge *g)
{
	if (g->k->of == AX_COST_DELAY && g->now.over <= 0)
		return AX_COST_NS;
	return g->now.delay > g->k->most.delay
		       ? LATE * ax_cost_scale(&g->k->gate)
		       : 0;
}

double
ax_gauge_gain(const struct ax_gauge *g, unsigned sig)
{
	double slack, per;

	if (!g->timer)
		return 0;
	per = worth(g);
	slack = ax_timer_need(g->timer, sig) - ax_timer_at(g->timer, sig);
	/* a little of a ns is what a replacement saves at best */
	return per > 0 && slack < 1e-6 ? per * 0.05 : 0;
}

double
ax_gauge_late(const struct ax_gauge *g, unsigned sig, double late,
	      double margin)
{
	double need, at, most = g->k->most.delay;

	if (!g->timer)
		return 0;
	need = ax_timer_need(g->timer, sig);
	if (by_cells(g->k))
		margin *= INSIDE;
	/* while another bound is broken, delays have time */
	if ((g->k->of != AX_COST_DELAY || g->now.over > 0) &&
	    g->now.delay < most)
		need += most - g->now.delay;
	if (late - margin > need)
		return INFINITY;
	if (ax_gauge_gain(g, sig) <= 0)
		return 0;
	at = ax_timer_at(g->timer, sig);
	return -AX_MIN(AX_MAX(at - late, 0.0) * worth(g),
		       ax_gauge_gain(g, sig));
}
