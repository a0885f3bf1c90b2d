/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/cells.h"

#include <math.h>

#include "artifacts/base/base.h"

/* Truth tables of the gates, input 0 in the lowest place. */
static const uint64_t table[AX_G_KINDS] = {
	[AX_G_INV] = 1, [AX_G_AND] = 8, [AX_G_NAND] = 7, [AX_G_OR] = 14,
	[AX_G_NOR] = 1, [AX_G_XOR] = 6, [AX_G_XNOR] = 9};

static int64_t
attofarads(double pf)
{
	return (int64_t)floor(pf * 1e6 + 0.5);
}

/* Which input of the cell a pin is; UINT32_MAX: none. */
static unsigned
place(const struct ax_lib_cell *c, unsigned pin)
{
	for (unsigned i = 0; i < c->ins; i++)
		if (c->in[i] == pin)
			return i;
	return UINT32_MAX;
}

static bool
same(const double *a, unsigned na, const double *b, unsigned nb)
{
	return na == nb && memcmp(a, b, na * sizeof(*a)) == 0;
}

static int
take_arcs(struct ax_cells *k, enum ax_g g, const struct ax_lib_cell *c,
	  const struct ax_lib_tables *t, struct ax_err *err)
{
	bool reached[2][2] = {{false}};
	struct ax_lib_table d, s;
	struct ax_cell_arc *to;

	k->gate[g].arc = ax_calloc(4 * t->arcs + 1, sizeof(*k->gate[g].arc));
	for (size_t i = 0; i < t->arcs; i++) {
		const struct ax_lib_arc *a = &t->arc[i];
		unsigned pin = place(c, a->in);

		for (uint8_t e = 0; e < 4 && pin < 2; e++) {
			if (!a->via[e >> 1][e & 1])
				continue;
			to = &k->gate[g].arc[k->gate[g].arcs];
			d = a->delay[e & 1];
			s = a->slew[e & 1];
			*to = (struct ax_cell_arc){.pin = (uint8_t)pin,
						   .from = e >> 1,
						   .to = e & 1,
						   .delay = d,
						   .slew = s};
			to->one = same(d.x, d.nx, s.x, s.nx) &&
				  same(d.y, d.ny, s.y, s.ny);
			k->gate[g].arcs++;
			reached[pin][e & 1] = true;
		}
	}
	for (unsigned pin = 0; pin < c->ins; pin++)
		if (!reached[pin][0] || !reached[pin][1])
			return ax_err_set(err, AX_EXIT_STAGE,
					  "library: cell %s has no delay table "
					  "from pin %s for both edges",
					  c->name, c->pin[c->in[pin]].name);
	return 0;
}

static double
energy_of(const struct ax_lib_power *p)
{
	double sum = 0;
	int n = 0;

	for (int e = 0; e < 2; e++)
		if (p->energy[e].nx) {
			sum += ax_lib_table_at(&p->energy[e], AX_CELLS_SLEW,
					       AX_CELLS_LOAD);
			n++;
		}
	return n ? sum / n : 0;
}

static void
take_energies(struct ax_cells *k, enum ax_g g, const struct ax_lib_cell *c,
	      const struct ax_lib_tables *t)
{
	double out = 0, pin[2] = {0, 0};
	unsigned outs = 0, pins[2] = {0, 0}, at;

	for (size_t i = 0; i < t->powers; i++) {
		at = place(c, t->power[i].out);
		if (at < 2) {
			pin[at] += energy_of(&t->power[i]);
			pins[at]++;
		} else {
			out += energy_of(&t->power[i]);
			outs++;
		}
	}
	k->gate[g].inner = outs ? out / outs : 0;
	for (int i = 0; i < 2; i++)
		k->gate[g].pin[i] = pins[i] ? pin[i] / pins[i] : 0;
}

static void
take_loads(struct ax_cells *k, enum ax_g g, unsigned i,
	   const struct ax_lib_pin *pin, double pf)
{
	k->gate[g].cap[i] = attofarads(pin->capacitance * pf);
	for (int e = 0; e < 2; e++)
		k->gate[g].edge[i][e] =
			pin->edge_capacitance[e] < 0
				? k->gate[g].cap[i]
				: attofarads(pin->edge_capacitance[e] * pf);
}

int
ax_cells_init(struct ax_cells *k, const struct ax_liberty *lib, bool timed,
	      double arrival, double load, struct ax_err *err)
{
	const struct ax_lib_cell *cell[AX_G_KINDS], *list[AX_G_KINDS];
	double pf = 1;

	*k = (struct ax_cells){0};
	if (timed && ax_liberty_picofarads(&pf, lib, err) < 0)
		return -1;
	k->arrival = arrival;
	k->load = attofarads(load);
	k->volts = lib->nom_voltage;
	for (enum ax_g g = AX_G_INV; g < AX_G_KINDS; g++) {
		cell[g] = ax_liberty_smallest(lib, ax_g_inputs(g), table[g],
					      NULL);
		if (!cell[g])
			continue;
		k->gate[g].name = ax_strdup(cell[g]->name);
		k->gate[g].area = cell[g]->area;
		for (unsigned i = 0; i < cell[g]->ins; i++)
			take_loads(k, g, i, &cell[g]->pin[cell[g]->in[i]], pf);
		list[k->n++] = cell[g];
	}
	if (!timed)
		return 0;
	if (!isfinite(k->volts)) {
		ax_cells_free(k);
		return ax_err_set(err, AX_EXIT_STAGE,
				  "library: it states no nom_voltage, which "
				  "energies need");
	}
	k->tables = ax_calloc(k->n + 1, sizeof(*k->tables));
	if (ax_liberty_tables(k->tables, lib, list, k->n, err) < 0) {
		k->n = 0;
		ax_cells_free(k);
		return -1;
	}
	for (enum ax_g g = AX_G_INV, i = 0; g < AX_G_KINDS; g++) {
		if (!cell[g])
			continue;
		if (take_arcs(k, g, cell[g], &k->tables[i], err) < 0) {
			ax_cells_free(k);
			return -1;
		}
		take_energies(k, g, cell[g], &k->tables[i++]);
	}
	return 0;
}

void
ax_cells_free(struct ax_cells *k)
{
	for (int g = 0; g < AX_G_KINDS; g++) {
		free(k->gate[g].name);
		free(k->gate[g].arc);
	}
	for (size_t i = 0; k->tables && i < k->n; i++)
		ax_lib_tables_free(&k->tables[i]);
	free(k->tables);
	*k = (struct ax_cells){0};
}
