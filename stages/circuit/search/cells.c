/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/cells.h"

#include <math.h>

#include "artifacts/base/base.h"

/* Truth tables of the gates, input 0 in the lowest place. */
static const uint64_t table[AX_G_KINDS] = {
	[AX_G_INV] = 1, [AX_G_AND] = 8, [AX_G_NAND] = 7, [AX_G_OR] = 14,
	[AX_G_NOR] = 1, [AX_G_XOR] = 6, [AX_G_XNOR] = 9};

/* A capacitance by so many units a pF; none that is met comes near the most. */
static int64_t
units(double pf, double a_pf)
{
	return (int64_t)floor(AX_MAX(AX_MIN(pf, 1e5), -1e5) * a_pf + 0.5);
}

/* Which input, or output, of the cell a pin is; UINT32_MAX: none. */
static unsigned
place(const unsigned *list, unsigned n, unsigned pin)
{
	for (unsigned i = 0; i < n; i++)
		if (list[i] == pin)
			return i;
	return UINT32_MAX;
}

static bool
same(const double *a, unsigned na, const double *b, unsigned nb)
{
	return na == nb && memcmp(a, b, na * sizeof(*a)) == 0;
}

static void
take_arc(struct ax_cell *to, unsigned out, unsigned pin,
	 const struct ax_lib_arc *a, bool (*reached)[2])
{
	struct ax_lib_table d, s;

	for (uint8_t e = 0; e < 4; e++) {
		if (!a->via[e >> 1][e & 1])
			continue;
		d = a->delay[e & 1];
		s = a->slew[e & 1];
		to->arc[to->arcs[0] + to->arcs[1]] = (struct ax_cell_arc){
			.pin = (uint8_t)pin,
			.from = e >> 1,
			.to = e & 1,
			.one = same(d.x, d.nx, s.x, s.nx) &&
			       same(d.y, d.ny, s.y, s.ny),
			.delay = d,
			.slew = s};
		to->arcs[out]++;
		reached[pin][e & 1] = true;
	}
}

static int
take_arcs(struct ax_cell *to, const struct ax_lib_cell *c,
	  const struct ax_lib_tables *t, struct ax_err *err)
{
	to->arc = ax_calloc(4 * t->arcs + 1, sizeof(*to->arc));
	for (unsigned out = 0; out < c->outs; out++) {
		bool reached[3][2] = {{false}};

		for (size_t i = 0; i < t->arcs; i++) {
			unsigned pin = place(c->in, c->ins, t->arc[i].in);

			if (pin < 3 && t->arc[i].out == c->out[out])
				take_arc(to, out, pin, &t->arc[i], reached);
		}
		for (unsigned pin = 0; pin < c->ins; pin++)
			if (!reached[pin][0] || !reached[pin][1])
				return ax_err_set(
					err, AX_EXIT_STAGE,
					"library: cell %s has no delay table "
					"from pin %s%s%s for both edges%s",
					c->name, c->pin[c->in[pin]].name,
					c->outs > 1 ? " to " : "",
					c->outs > 1 ? c->pin[c->out[out]].name
						    : "",
					c->ins > 2 || c->outs > 1
						? "; stage liberty can leave "
						  "it out"
						: "");
	}
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
take_energies(struct ax_cell *to, const struct ax_lib_cell *c,
	      const struct ax_lib_tables *t)
{
	double out[2] = {0}, pin[3] = {0};
	unsigned outs[2] = {0}, pins[3] = {0}, at;

	for (size_t i = 0; i < t->powers; i++) {
		at = place(c->in, c->ins, t->power[i].out);
		if (at < 3) {
			pin[at] += energy_of(&t->power[i]);
			pins[at]++;
			continue;
		}
		at = place(c->out, c->outs, t->power[i].out);
		if (at < 2) {
			out[at] += energy_of(&t->power[i]);
			outs[at]++;
		}
	}
	for (int o = 0; o < 2; o++)
		to->inner[o] = outs[o] ? out[o] / outs[o] : 0;
	for (int i = 0; i < 3; i++)
		to->pin[i] = pins[i] ? pin[i] / pins[i] : 0;
}

/* What is known without tables. */
static void
take_cell(struct ax_cell *to, const struct ax_lib_cell *c, double pf,
	  double a_pf)
{
	to->name = ax_strdup(c->name);
	to->area = c->area;
	for (unsigned i = 0; i < c->ins; i++) {
		const struct ax_lib_pin *pin = &c->pin[c->in[i]];

		to->cap[i] = units(pin->capacitance * pf, a_pf);
		for (int e = 0; e < 2; e++) {
			double edge = pin->edge_capacitance[e];

			to->edge[i][e] =
				edge < 0 ? to->cap[i] : units(edge * pf, a_pf);
		}
	}
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
	k->load = units(load, 1 / AX_CELLS_AF);
	k->wide_load = units(load, 1 / AX_CELLS_ZF);
	k->volts = lib->nom_voltage;
	for (enum ax_g g = AX_G_INV; g < AX_G_KINDS; g++) {
		cell[g] = ax_liberty_smallest(lib, ax_g_inputs(g), table[g],
					      NULL);
		if (!cell[g])
			continue;
		take_cell(&k->gate[g], cell[g], pf, 1 / AX_CELLS_AF);
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
		if (take_arcs(&k->gate[g], cell[g], &k->tables[i], err) < 0) {
			ax_cells_free(k);
			return -1;
		}
		take_energies(&k->gate[g], cell[g], &k->tables[i++]);
	}
	return 0;
}

int
ax_cells_widen(struct ax_cells *k, const struct ax_liberty *lib,
	       const struct ax_cover_cells *cover, struct ax_err *err)
{
	bool *used = ax_calloc(lib->cells + 1, sizeof(*used));
	const struct ax_lib_cell **list =
		ax_calloc(lib->cells + 1, sizeof(*list));
	double pf;
	int rc;

	ax_cover_cells_used(cover, used);
	for (size_t i = 0; i < lib->cells; i++)
		if (used[i])
			list[k->wides++] = &lib->cell[i];
	k->wide = ax_calloc(lib->cells + 1, sizeof(*k->wide));
	k->wide_tables = ax_calloc(k->wides + 1, sizeof(*k->wide_tables));
	rc = ax_liberty_picofarads(&pf, lib, err);
	if (rc == 0)
		rc = ax_liberty_tables(k->wide_tables, lib, list, k->wides,
				       err);
	for (size_t i = 0; i < k->wides && rc == 0; i++) {
		struct ax_cell *to = &k->wide[list[i] - lib->cell];

		take_cell(to, list[i], pf, 1 / AX_CELLS_ZF);
		take_energies(to, list[i], &k->wide_tables[i]);
		rc = take_arcs(to, list[i], &k->wide_tables[i], err);
	}
	k->library = lib->cells;
	free(list);
	free(used);
	return rc;
}

static void
cell_free(struct ax_cell *c)
{
	free(c->name);
	free(c->arc);
}

void
ax_cells_free(struct ax_cells *k)
{
	for (int g = 0; g < AX_G_KINDS; g++)
		cell_free(&k->gate[g]);
	for (size_t i = 0; k->wide && i < k->library; i++)
		cell_free(&k->wide[i]);
	for (size_t i = 0; k->tables && i < k->n; i++)
		ax_lib_tables_free(&k->tables[i]);
	for (size_t i = 0; k->wide_tables && i < k->wides; i++)
		ax_lib_tables_free(&k->wide_tables[i]);
	free(k->tables);
	free(k->wide);
	free(k->wide_tables);
	*k = (struct ax_cells){0};
}
