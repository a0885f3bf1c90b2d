/* SPDX-License-Identifier: Apache-2.0 */
/* What circuits cost: tables of a library, delays kept from change to change,
 * activities, and searches that keep bounds on them. */
#include <math.h>

#include "artifacts/base/base.h"
#include "stages/circuit/search/anneal.h"
#include "stages/circuit/search/walk.h"
#include "tests/lib/cellnet.h"
#include "tests/lib/tap.h"

static const char head[] =
	"library(small) {\n  time_unit : \"10ps\";\n"
	"  capacitive_load_unit(100, ff);\n  nom_voltage : 2;\n"
	"  lu_table_template(t) { variable_1 : input_net_transition;\n"
	"    variable_2 : total_output_net_capacitance;\n"
	"    index_1(\"1, 3\"); index_2(\"0, 1, 4\"); }\n"
	"  lu_table_template(u) { variable_1 : total_output_net_capacitance;\n"
	"    variable_2 : input_net_transition;\n"
	"    index_1(\"0, 1, 4\"); index_2(\"1, 3\"); }\n"
	"  power_lut_template(p) { variable_1 : input_transition_time;\n"
	"    index_1(\"1, 2\"); }\n";

/* An output of a cell: as slow as `by` says; `odd` tables by load first. */
static void
add_output(struct ax_str *s, char out, const char *pins, const char *function,
	   const char *sense, double by, bool odd)
{
	static const char *const table[] = {
		"cell_rise", "cell_fall", "rise_transition", "fall_transition"};

	ax_str_addf(s, "    pin(%c) { direction : output; function : \"%s\";\n",
		    out, function);
	for (const char *p = pins; *p; p++) {
		ax_str_addf(s,
			    "      timing() { related_pin : \"%c\"; "
			    "timing_sense : %s;\n",
			    *p, sense);
		for (unsigned k = 0; k < 4; k++) {
			double x = by * (1 + 0.1 * k) + 0.05 * (*p - 'A');

			if (odd)
				ax_str_addf(s,
					    "        %s(u) { values(\"%g, "
					    "%g\", \"%g, %g\", \"%g, %g\"); "
					    "}\n",
					    table[k], x, 1.5 * x, 2 * x, 3 * x,
					    4 * x, 5 * x);
			else
				ax_str_addf(s,
					    "        %s(t) { values(\"%g, "
					    "%g, %g\", \"%g, %g, %g\"); "
					    "}\n",
					    table[k], x, 2 * x, 4 * x, 1.5 * x,
					    3 * x, 5 * x);
		}
		ax_str_add(s, "      }\n");
		ax_str_addf(s,
			    "      internal_power() { related_pin : \"%c\"; "
			    "rise_power(p) { values(\"1, 2\"); } "
			    "fall_power(p) { values(\"3, %g\"); } }\n",
			    *p, out == 'Y' ? 4 : 4 + by);
	}
	ax_str_add(s, "    }\n");
}

static void
add_pins(struct ax_str *s, const char *name, const char *pins, double area,
	 double by)
{
	ax_str_addf(s, "  cell(%s) { area : %g;\n", name, area);
	for (const char *p = pins; *p; p++)
		ax_str_addf(s,
			    "    pin(%c) { direction : input; capacitance : "
			    "%g; }\n",
			    *p, 0.1 * by + 0.01 * (*p - 'A'));
}

static void
add_cell(struct ax_str *s, const char *name, const char *pins,
	 const char *function, const char *sense, double by, bool odd)
{
	add_pins(s, name, pins, 10 * by, by);
	add_output(s, 'Y', pins, function, sense, by, odd);
	ax_str_add(s, "  }\n");
}

static void
small_library(struct ax_str *s)
{
	ax_str_add(s, head);
	add_cell(s, "INV", "A", "!A", "negative_unate", 1, false);
	add_cell(s, "NAND2", "AB", "!(A B)", "negative_unate", 1.5, true);
	add_cell(s, "NOR2", "AB", "!(A+B)", "negative_unate", 1.7, false);
	add_cell(s, "AND2", "AB", "A B", "positive_unate", 2.5, false);
	add_cell(s, "OR2", "AB", "A+B", "positive_unate", 2.7, true);
	add_cell(s, "XOR2", "AB", "A^B", "non_unate", 4, false);
	add_cell(s, "XNOR2", "AB", "!(A^B)", "non_unate", 4.1, false);
	ax_str_add(s, "}\n");
}

/* With larger cells, whose pins are not alike, and cells of two outputs. */
static void
wide_library(struct ax_str *s)
{
	small_library(s);
	s->len -= 2;
	s->buf[s->len] = 0;
	add_cell(s, "AOI21", "ABC", "!(A B+C)", "negative_unate", 2, false);
	add_cell(s, "OAI21", "ABC", "!((A+B) C)", "negative_unate", 2.1, true);
	add_cell(s, "NAND3", "ABC", "!(A B C)", "negative_unate", 1.9, false);
	add_cell(s, "XOR3", "ABC", "A^B^C", "non_unate", 6, false);
	add_cell(s, "MUX2", "ABC", "A !C+B C", "non_unate", 4.5, false);
	add_pins(s, "HA", "AB", 45, 3);
	add_output(s, 'C', "AB", "A B", "positive_unate", 2.8, false);
	add_output(s, 'S', "AB", "A^B", "non_unate", 4.4, true);
	ax_str_add(s, "  }\n");
	add_pins(s, "FA", "ABC", 90, 5);
	add_output(s, 'K', "ABC", "A B+A C+B C", "positive_unate", 5, false);
	add_output(s, 'S', "ABC", "A^B^C", "non_unate", 7, false);
	ax_str_add(s, "  }\n}\n");
}

static bool
near(double a, double b)
{
	return fabs(a - b) <= 1e-9 * (1 + fabs(b));
}

static void
test_tables(void)
{
	struct ax_str s = AX_STR_INIT;
	struct ax_liberty lib;
	struct ax_lib_tables t[2];
	const struct ax_lib_cell *cell[2];
	struct ax_err err = AX_ERR_INIT;
	const struct ax_lib_table *d;

	small_library(&s);
	is_int(ax_liberty_parse(&lib, "small", s.buf, s.len, &err), 0,
	       "the library is read");
	cell[0] = ax_liberty_cell(&lib, "INV");
	cell[1] = ax_liberty_cell(&lib, "NAND2");
	is_int(ax_liberty_tables(t, &lib, cell, 2, &err), 0, "and its tables");
	is_int(t[0].arcs, 1, "an arc for the inverter");
	is_int(t[1].arcs, 2, "two for NAND2");
	ok(t[0].arc[0].via[AX_RISE][AX_FALL] && t[0].arc[0].via[0][1] &&
		   !t[0].arc[0].via[0][0] && !t[0].arc[0].via[1][1],
	   "an inverter inverts");
	/* by is 1: 1 2 4 / 1.5 3 5 in 10 ps at 10, 30 ps and 0, .1, .4 pF */
	d = &t[0].arc[0].delay[AX_RISE];
	ok(near(ax_lib_table_at(d, 0.01, 0), 0.01), "a corner, in ns");
	ok(near(ax_lib_table_at(d, 0.01, 0.1), 0.02), "loads in pF");
	ok(near(ax_lib_table_at(d, 0.02, 0.05), 0.01875), "bilinear between");
	ok(near(ax_lib_table_at(d, 0.01, 0.7), 0.06), "and on beyond the end");
	ok(near(ax_lib_table_at(d, 0, 0), 0.0075), "at both ends");
	/* NAND2's stand by load first: x, 1.5x | 2x, 3x | 4x, 5x, x = 1.5 */
	d = &t[1].arc[0].delay[AX_RISE];
	ok(near(ax_lib_table_at(d, 0.03, 0.1), 0.045),
	   "tables by load, then slew, are turned");
	is_int(t[0].powers, 1, "internal power");
	ok(near(ax_lib_table_at(&t[0].power[0].energy[AX_FALL], 0.015, 9),
		0.35),
	   "in pJ, of one variable");
	ax_lib_tables_free(&t[0]);
	ax_lib_tables_free(&t[1]);
	ax_liberty_free(&lib);
	ax_str_free(&s);
}

/* One text in place of another, in the whole library. */
static void
refused(const char *from, const char *to, const char *why)
{
	struct ax_str s = AX_STR_INIT, bad = AX_STR_INIT;
	struct ax_err err = AX_ERR_INIT;
	struct ax_liberty lib;
	struct ax_cells k;
	const char *at;
	int rc;

	small_library(&s);
	at = strstr(s.buf, from);
	if (!at) {
		ok(false, "the test has %s", from);
		return;
	}
	ax_str_addn(&bad, s.buf, (size_t)(at - s.buf));
	ax_str_add(&bad, to);
	ax_str_add(&bad, at + strlen(from));
	rc = ax_liberty_parse(&lib, "small", bad.buf, bad.len, &err);
	if (rc == 0) {
		rc = ax_cells_init(&k, &lib, true, 0, 0, &err);
		if (rc == 0)
			ax_cells_free(&k);
		ax_liberty_free(&lib);
	}
	ok(rc < 0 && strstr(err.text, why), "refused: %s for %s (%s)", to, from,
	   rc < 0 ? err.text : "taken");
	ax_str_free(&s);
	ax_str_free(&bad);
}

static void
test_rubbish(void)
{
	refused("10ps", "10parsecs", "time_unit");
	refused("100, ff", "-1, ff", "capacitive_load_unit");
	refused("index_1(\"1, 3\")", "index_1(\"3, 3\")", "does not rise");
	refused("index_1(\"1, 3\")", "index_1(\"1\")", "do not fit");
	refused("index_1(\"1, 3\")", "index_1(\"1, x\")", "a number");
	refused("index_1(\"1, 3\")", "index_1(\"1, 1e999\")", "a number");
	refused("total_output_net_capacitance", "fanout_number", "by input");
	refused("cell_rise(t)", "cell_rise(nowhere)", "template");
	refused("related_pin : \"A\"", "related_pin : \"Q\"", "no pin");
	refused("cell_rise", "cell_risen", "no delay table");
	refused("nom_voltage : 2;", "", "nom_voltage");
}

static void
random_circuit(struct ax_circuit *c, struct ax_rng *r, unsigned n)
{
	ax_circuit_free(c);
	c->ins = 8;
	c->outs = 8;
	for (unsigned j = 0; j < n; j++) {
		enum ax_g g = (enum ax_g)(
			AX_G_INV + ax_rng_below(r, AX_G_KINDS - AX_G_INV));

		ax_circuit_add(c, g, (uint16_t)ax_rng_below(r, 8 + j),
			       (uint16_t)ax_rng_below(r, 8 + j));
	}
	for (unsigned o = 0; o < 8; o++)
		c->out[o] = (uint16_t)(8 + ax_rng_below(r, n));
}

/* Latest arrival by edges, from the outputs, without any memory of signals. */
static double
slow_at(const struct ax_cells *k, const struct ax_circuit *c, unsigned sig,
	int edge, double *slew)
{
	double at = -INFINITY, load = 0, s;
	unsigned j = sig - c->ins;

	*slew = 0;
	if (sig < c->ins)
		return k->arrival;
	for (unsigned q = 0; q < c->n; q++)
		for (unsigned i = 0; i < ax_g_inputs((enum ax_g)c->gate[q]);
		     i++)
			if (c->in[q][i] == sig)
				load += 1e-6 *
					(double)k->gate[c->gate[q]].cap[i];
	for (unsigned o = 0; o < c->outs; o++)
		if (c->out[o] == sig)
			load += 1e-6 * (double)k->load;
	for (unsigned a = 0; a < k->gate[c->gate[j]].arcs[0]; a++) {
		const struct ax_cell_arc *arc = &k->gate[c->gate[j]].arc[a];

		if (arc->to != edge)
			continue;
		at = AX_MAX(at,
			    slow_at(k, c, c->in[j][arc->pin], arc->from, &s) +
				    ax_lib_table_at(&arc->delay, s, load));
		*slew = AX_MAX(*slew, ax_lib_table_at(&arc->slew, s, load));
	}
	return at;
}

static void
small_cells(struct ax_cells *k)
{
	struct ax_str s = AX_STR_INIT;
	struct ax_liberty lib;

	small_library(&s);
	if (ax_liberty_parse(&lib, "small", s.buf, s.len, NULL) < 0 ||
	    ax_cells_init(k, &lib, true, 0.05, 0.03, NULL) < 0)
		abort();
	ax_liberty_free(&lib);
	ax_str_free(&s);
}

static void
test_timer(void)
{
	struct ax_rng r = ax_rng(3, "timer", 0);
	struct ax_circuit c = AX_CIRCUIT_INIT, next = AX_CIRCUIT_INIT;
	struct ax_timer *t, *fresh;
	struct ax_cells k;
	bool right = true, same = true;
	uint16_t place[200];

	small_cells(&k);
	t = ax_timer_new(&k);
	fresh = ax_timer_new(&k);
	for (int round = 0; round < 20; round++) {
		double want = 0, slew;

		random_circuit(&c, &r, 14);
		for (unsigned o = 0; o < 8; o++)
			for (int e = 0; e < 2; e++)
				want = AX_MAX(want, slow_at(&k, &c, c.out[o], e,
							    &slew));
		right = right && near(ax_timer_set(t, &c), want);
	}
	ok(right, "the slowest path is that of all paths");
	random_circuit(&c, &r, 100);
	ax_timer_set(t, &c);
	for (int round = 0; round < 500; round++) {
		unsigned j = ax_rng_below(&r, 100), i = ax_rng_below(&r, 2);

		/* a signal goes and comes back elsewhere, another is rewired */
		ax_circuit_copy(&next, &c);
		for (unsigned s = 0; s < 108; s++)
			place[s] = (uint16_t)s;
		if (ax_g_inputs((enum ax_g)c.gate[j]) == 2)
			next.in[j][i] = (uint16_t)ax_rng_below(&r, 8 + j);
		if (round % 3 == 0) {
			j = ax_rng_below(&r, 100);
			place[8 + j] = UINT16_MAX;
			next.gate[j] = AX_G_NAND;
			next.in[j][1] = (uint16_t)ax_rng_below(&r, 8 + j);
		}
		same = same && ax_timer_try(t, &c, &next, place) ==
				       ax_timer_set(fresh, &next);
		if (round % 2)
			continue;
		ax_timer_take(t, &next);
		ax_circuit_copy(&c, &next);
		for (unsigned s = 0; s < 108; s++)
			same = same &&
			       ax_timer_at(t, s) == ax_timer_at(fresh, s) &&
			       ax_timer_need(t, s) == ax_timer_need(fresh, s);
	}
	ok(same, "changes are followed to the last bit");
	ax_timer_free(t);
	ax_timer_free(fresh);
	ax_circuit_free(&c);
	ax_circuit_free(&next);
	ax_cells_free(&k);
}

/* Gate j on is a full adder of three signals before it. */
static void
put_adder(struct ax_circuit *c, struct ax_rng *r, unsigned j)
{
	static const uint8_t gate[] = {AX_G_XOR, AX_G_XOR, AX_G_AND, AX_G_AND,
				       AX_G_OR};
	uint16_t s[3], x = (uint16_t)(c->ins + j);

	for (int i = 0; i < 3; i++)
		s[i] = (uint16_t)ax_rng_below(r, c->ins + j);
	memcpy(c->gate + j, gate, sizeof(gate));
	for (int i = 0; i < 2; i++) {
		c->in[j][i] = s[i];
		c->in[j + 1][i] = i ? s[2] : x;
		c->in[j + 2][i] = s[i];
		c->in[j + 3][i] = i ? s[2] : x;
		c->in[j + 4][i] = (uint16_t)(x + 2 + i);
	}
}

/* The netlist of a circuit's cover as it is read from the file, by which the
 * figures are judged. */
static void
written(const struct ax_circuit *c, const struct ax_cover_cells *by,
	const struct ax_liberty *lib, double *delay, double *energy, int *large,
	int *shared)
{
	struct ax_netlist *net = ax_circuit_to_netlist(c, 4, 4), *cells, *back;
	struct ax_cover *v = ax_cover_new(by);
	struct ax_str text = AX_STR_INIT;

	if (ax_cover_netlist(v, net, NULL) < 0)
		abort();
	cells = ax_cover_write(v, net, lib);
	if (ax_netlist_write_cells(&text, cells, NULL) < 0 ||
	    ax_netlist_parse(&back, "v", text.buf, text.len, AX_NET_VERILOG,
			     lib, NULL, NULL) < 0)
		abort();
	cellnet_measure(back, lib, 0.05, 0.03, delay, energy);
	for (size_t j = 0; j < back->nodes; j++) {
		*large += back->node[j].n == 3;
		*shared += back->node[j].pin == 1;
	}
	ax_cover_free(v);
	ax_netlist_free(net);
	ax_netlist_free(cells);
	ax_netlist_free(back);
	ax_str_free(&text);
}

/* A gate goes or is rewired: `next`, and where signals are in it. */
static void
change(struct ax_circuit *next, const struct ax_circuit *c, struct ax_rng *r,
       uint16_t *place)
{
	unsigned j = ax_rng_below(r, c->n), i = ax_rng_below(r, 2);

	ax_circuit_copy(next, c);
	for (unsigned s = 0; s < c->ins + c->n; s++)
		place[s] = (uint16_t)s;
	if (ax_g_inputs((enum ax_g)c->gate[j]) == 2)
		next->in[j][i] = (uint16_t)ax_rng_below(r, c->ins + j);
	if (!ax_rng_below(r, 3)) {
		j = ax_rng_below(r, c->n);
		place[c->ins + j] = UINT16_MAX;
		next->gate[j] = AX_G_NAND;
		next->in[j][0] = (uint16_t)ax_rng_below(r, c->ins + j);
		next->in[j][1] = (uint16_t)ax_rng_below(r, c->ins + j);
	}
}

/* Delays and energies of the cells of a cover: those of the netlist that is
 * written, whatever was kept on the way. */
static void
test_cover_figures(void)
{
	struct ax_rng r = ax_rng(5, "cover", 0);
	struct ax_circuit c = AX_CIRCUIT_INIT, next = AX_CIRCUIT_INIT;
	struct ax_str text = AX_STR_INIT;
	struct ax_cost k = ax_cost_transistors;
	struct ax_figures all, tried;
	struct ax_cover_cells *by;
	struct ax_activity a;
	struct ax_liberty lib;
	struct ax_problem p;
	struct ax_cells cells;
	struct ax_gauge *g;
	double toggles[200], delay, energy;
	int wrong = 0, off = 0, large = 0, shared = 0;
	uint16_t place[200];

	wide_library(&text);
	if (ax_liberty_parse(&lib, "wide", text.buf, text.len, NULL) < 0 ||
	    ax_cells_init(&cells, &lib, true, 0.05, 0.03, NULL) < 0 ||
	    ax_cover_cells_new(&by, &lib, NULL, false, NULL) < 0 ||
	    ax_cells_widen(&cells, &lib, by, NULL) < 0)
		abort();
	ax_problem_init(&p, 4, 4, 8, false, false, NULL);
	ax_activity_init(&a, &p, NULL);
	k.cells = &cells;
	k.cover = by;
	k.activity = &a;
	k.most.delay = k.most.energy = 1;
	g = ax_gauge_new(&k);
	random_circuit(&c, &r, 90);
	for (unsigned j = 0; j < 90; j += 10)
		put_adder(&c, &r, j);
	for (unsigned o = 0; o < 8; o++)
		c.out[o] = (uint16_t)(c.ins + 80 + o);
	ax_activity_of(&a, &p, &c, toggles);
	ax_gauge_set(g, &c, toggles);
	for (int round = 0; round < 300; round++) {
		change(&next, &c, &r, place);
		ax_activity_of(&a, &p, &next, toggles);
		ax_gauge_try(g, &c, &next, place);
		tried = *ax_gauge_try_energy(g, &next, toggles);
		ax_cost_measure(&k, &p, &next, &all);
		wrong += tried.delay != all.delay ||
			 tried.energy != all.energy || tried.area != all.area ||
			 tried.cost != all.cost;
		if (round % 10 == 0) {
			written(&next, by, &lib, &delay, &energy, &large,
				&shared);
			off += !near(all.delay, delay) ||
			       !near(all.energy, energy);
		}
		if (round % 2)
			continue;
		ax_gauge_take(g, &next);
		ax_circuit_copy(&c, &next);
	}
	is_int(wrong, 0,
	       "cells of a cover: changes are followed to the last "
	       "bit");
	is_int(off, 0, "and delay and energy are those of the netlist written");
	ok(large > 100 && shared > 10,
	   "with %d gates of three inputs, %d cells of two outputs", large,
	   shared);
	ax_gauge_free(g);
	ax_circuit_free(&c);
	ax_circuit_free(&next);
	ax_activity_free(&a);
	ax_problem_free(&p);
	ax_cells_free(&cells);
	ax_cover_cells_free(by);
	ax_liberty_free(&lib);
	ax_str_free(&text);
}

static void
test_activity(void)
{
	static const char *const levels[] = {"scalar", "avx2", "avx512"};
	struct ax_rng r = ax_rng(4, "activity", 0);
	struct ax_circuit c = AX_CIRCUIT_INIT;
	float *often = ax_calloc(256, sizeof(*often));
	double got[2][3][64], all = 0;
	int32_t *y = ax_calloc(256, sizeof(*y));
	bool good[2] = {true, true};

	random_circuit(&c, &r, 40);
	for (int i = 0; i < 256; i++) {
		often[i] = (float)ax_rng_below(&r, 100);
		all += (double)often[i];
	}
	for (unsigned l = 0; l < AX_LEN(levels); l++)
		for (int weighted = 0; weighted < 2; weighted++) {
			struct ax_problem p;
			struct ax_activity a;

			setenv("AXPIPE_SIMD", levels[l], 1);
			ax_problem_init(&p, 4, 4, 8, false, false, NULL);
			ax_activity_init(&a, &p, weighted ? often : NULL);
			ax_activity_of(&a, &p, &c, got[weighted][l]);
			ax_problem_table(&p, &c, y);
			for (unsigned o = 0; o < 8; o++) {
				double one = 0, want;

				for (int i = 0; i < 256; i++)
					one += (y[i] >> o & 1) *
					       (weighted
							? (double)often[i] / all
							: 1.0 / 256);
				want = 2 * one * (1 - one);
				good[weighted] =
					good[weighted] &&
					fabs(got[weighted][l][c.out[o]] -
					     want) < (weighted ? 1e-5 : 1e-12);
			}
			for (unsigned s = 0; s < 48; s++)
				good[weighted] = good[weighted] &&
						 got[weighted][l][s] ==
							 got[weighted][0][s];
			ax_activity_free(&a);
			ax_problem_free(&p);
		}
	unsetenv("AXPIPE_SIMD");
	ok(good[0], "toggles of uniform operands, all levels");
	ok(good[1], "and of weighted ones");
	free(often);
	free(y);
	ax_circuit_free(&c);
}

/* Both engines keep their books right, and what they find keeps the bounds. */
static void
search(enum ax_cost_of of, bool covers, double delay, double energy,
       const char *what)
{
	struct ax_cover_cells *cover;
	struct ax_str text = AX_STR_INIT;
	struct ax_liberty lib;
	struct ax_cost k = ax_cost_transistors;
	struct ax_activity a;
	struct ax_cells cells;
	struct ax_problem p;
	struct ax_search s;
	struct ax_start *start;
	struct ax_figures f, was;
	struct ax_error g;
	struct ax_error_rules rules = {.wce = UINT64_MAX};
	struct ax_walk_aim aim = {.error_most = 3, .slack = 10, .floor = 1};
	struct ax_island *i;
	struct ax_walk *w;
	struct ax_wanted wanted;
	size_t n;

	wide_library(&text);
	if (ax_liberty_parse(&lib, "wide", text.buf, text.len, NULL) < 0 ||
	    ax_cells_init(&cells, &lib, true, 0.05, 0.03, NULL) < 0 ||
	    ax_cover_cells_new(&cover, &lib, NULL, false, NULL) < 0 ||
	    ax_cells_widen(&cells, &lib, cover, NULL) < 0)
		abort();
	ax_liberty_free(&lib);
	ax_str_free(&text);
	if (covers) {
		k.cover = cover;
		k.grain = 10;
	}
	ax_problem_init(&p, 5, 5, 10, true, true, NULL);
	ax_activity_init(&a, &p, NULL);
	k.cells = &cells;
	k.activity = &a;
	k.of = of;
	if (of == AX_COST_DELAY || of == AX_COST_ENERGY)
		for (int q = AX_G_INV; q < AX_G_KINDS; q++)
			k.gate.of[q] *= of == AX_COST_DELAY
						? AX_COST_NS_TRANSISTOR
						: 20000;
	ax_search_init(&s, &p, 12, &k.gate, ~0u);
	wanted = ax_wanted_of(&p);
	start = ax_families(&s, &wanted, 12, 0, &n);
	ax_cost_measure(&k, &p, &start[0].c, &was);
	k.most.delay = delay * was.delay;
	k.most.energy = energy * was.energy;
	s.full = &k;
	i = ax_island_new(&s, &start[0].c, 7, 0);
	ax_island_run(i, 6000,
		      ax_island_cost(i) > 0 ? 2 * ax_cost_scale(&k.gate) : 0,
		      0.1 * ax_cost_scale(&k.gate));
	ok(ax_search_cost(&s, ax_island_circuit(i)) == ax_island_cost(i),
	   "%s: an island's cost is that of its circuit", what);
	ax_cost_measure(&k, &p, ax_island_best(i), &f);
	ok(f.over == 0 && ax_search_feasible(&s, ax_island_best(i)) &&
		   f.cost == ax_island_best_cost(i),
	   "%s: its best keeps the bounds: %.4g of %.4g ns, %.4g of %.4g pJ",
	   what, f.delay, was.delay, f.energy, was.energy);
	ok(of == AX_COST_DELAY    ? f.delay < 0.95 * was.delay
	   : of == AX_COST_ENERGY ? f.energy < was.energy
				  : f.transistors <= was.transistors ||
					    delay < 1 || energy < 1,
	   "%s: and gained", what);
	if (ax_error_init(&g, &p, AX_METRIC_MAE, &rules, NULL, 0, NULL) < 0)
		abort();
	w = ax_walk_new(&s, &g, &k, 7, 0);
	for (size_t q = 0; q < n && !ax_walk_set(w, &aim, &start[q].c); q++)
		continue;
	ax_walk_run(w, 3000, 2 * ax_cost_scale(&k.gate),
		    0.1 * ax_cost_scale(&k.gate));
	ok(ax_search_cost(&s, ax_walk_circuit(w)) == ax_walk_cost(w) &&
		   ax_walk_error(w) <= 3,
	   "%s: a walk's cost is that of its circuit", what);
	ax_cost_measure(&k, &p, ax_walk_best(w), &f);
	ok(f.over == 0, "%s: and its best keeps the bounds", what);
	ax_walk_free(w);
	ax_island_free(i);
	ax_error_free(&g);
	ax_starts_free(start, n);
	ax_search_free(&s);
	ax_activity_free(&a);
	ax_problem_free(&p);
	ax_cells_free(&cells);
	ax_cover_cells_free(cover);
}

static void
test_search(void)
{
	search(AX_COST_GATES, false, 0.8, INFINITY, "delay bounded");
	search(AX_COST_GATES, false, INFINITY, 0.95, "energy bounded");
	search(AX_COST_DELAY, false, INFINITY, INFINITY, "least delay");
	search(AX_COST_ENERGY, false, 1.0, INFINITY, "least energy");
	search(AX_COST_COVER, true, 0.8, 1.1, "cells bounded");
	search(AX_COST_DELAY, true, INFINITY, INFINITY, "least delay of cells");
	search(AX_COST_ENERGY, true, 1.0, INFINITY, "least energy of cells");
}

/* A search by the area of a cover: it knows what each change makes of it. */
static void
test_cover(void)
{
	struct ax_wanted wanted;
	struct ax_cost k = ax_cost_transistors;
	struct ax_str text = AX_STR_INIT;
	struct ax_err err = AX_ERR_INIT;
	struct ax_liberty lib;
	struct ax_cells cells;
	struct ax_problem p;
	struct ax_search s;
	struct ax_start *start;
	struct ax_island *i;
	struct ax_error g;
	struct ax_error_rules rules = {.wce = UINT64_MAX};
	struct ax_walk_aim aim = {.error_most = 1.5, .slack = 5};
	struct ax_walk *w;
	struct ax_figures f;
	struct ax_cover_cells *cover;
	int64_t first, wrong = 0;
	size_t n;

	small_library(&text);
	text.buf[--text.len - 1] = 0;
	text.len--;
	ax_str_add(&text,
		   "cell(AOI) { area : 20; pin(A) { direction : input; } "
		   "pin(B) { direction : input; } pin(C) { direction : input; "
		   "} pin(Y) { direction : output; function : \"!(A B+C)\"; } "
		   "}\n cell(HA) { area : 45; pin(A) { direction : input; } "
		   "pin(B) { direction : input; } pin(C) { direction : "
		   "output; function : \"A B\"; } pin(S) { direction : "
		   "output; function : \"A^B\"; } } }\n");
	if (ax_liberty_parse(&lib, "small", text.buf, text.len, &err) < 0 ||
	    ax_cells_init(&cells, &lib, false, 0, 0, &err) < 0 ||
	    ax_cover_cells_new(&cover, &lib, NULL, false, &err) < 0) {
		ok(0, "the library is read: %s", err.text);
		return;
	}
	ax_liberty_free(&lib);
	for (int j = AX_G_INV; j < AX_G_KINDS; j++)
		k.gate.of[j] = (int64_t)(cells.gate[j].area * 10);
	k.cells = &cells;
	k.cover = cover;
	k.of = AX_COST_COVER;
	k.grain = 10;
	k.doubt = 2 * ax_cost_scale(&k.gate);
	ax_problem_init(&p, 4, 4, 8, false, false, NULL);
	ax_search_init(&s, &p, 4, &k.gate, ~0u);
	s.full = &k;
	wanted = ax_wanted_of(&p);
	start = ax_families(&s, &wanted, 4, 0, &n);
	i = ax_island_new(&s, &start[0].c, 1, 0);
	first = ax_island_cost(i);
	for (int r = 0; r < 40; r++) {
		ax_island_run(i, 200, 20, 5);
		wrong += ax_island_cost(i) !=
			 ax_search_cost(&s, ax_island_circuit(i));
	}
	is_int(wrong, 0, "cover: an island knows its area at every stop");
	ok(ax_island_stats(i)->taken > 500 && ax_island_best_cost(i) < first,
	   "which falls from %lld to %lld", (long long)first,
	   (long long)ax_island_best_cost(i));
	ax_cost_measure(&k, &p, ax_island_best(i), &f);
	ok(near(f.area * 10, (double)ax_island_best_cost(i)) &&
		   f.area <
			   (double)ax_circuit_cost(ax_island_best(i), &k.gate) /
				   10,
	   "and is below the sum over gates");
	if (ax_error_init(&g, &p, AX_METRIC_MAE, &rules, NULL, 0, &err) < 0)
		ok(0, "%s", err.text);
	w = ax_walk_new(&s, &g, &k, 1, 0);
	ok(ax_walk_set(w, &aim, &start[0].c), "a walk starts");
	wrong = 0;
	for (int r = 0; r < 20; r++) {
		ax_walk_run(w, 100, 20, 5);
		wrong += ax_walk_cost(w) !=
			 ax_search_cost(&s, ax_walk_circuit(w));
	}
	is_int(wrong, 0, "and knows its area, too");
	ok(ax_walk_cost(w) < first, "which falls");
	ax_walk_free(w);
	ax_error_free(&g);
	ax_island_free(i);
	ax_starts_free(start, n);
	ax_search_free(&s);
	ax_problem_free(&p);
	ax_cells_free(&cells);
	ax_cover_cells_free(cover);
	ax_str_free(&text);
}

int
main(void)
{
	test_tables();
	test_rubbish();
	test_timer();
	test_activity();
	test_search();
	test_cover();
	test_cover_figures();
	return tap_done();
}
