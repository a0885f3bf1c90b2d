/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/cost.h"

#include "artifacts/base/base.h"

double
ax_cost_delay(const struct ax_cost *k, const struct ax_circuit *c, double *at)
{
	size_t signals = c->ins + c->n;
	double *load = ax_calloc(signals + 1, sizeof(*load)), last = 0, t;

	for (unsigned j = 0; j < c->n; j++) {
		unsigned n = ax_g_inputs((enum ax_g)c->gate[j]);

		for (unsigned i = 0; i < n; i++)
			load[c->in[j][i]] += k->delay[c->gate[j]].cap;
	}
	for (unsigned o = 0; o < c->outs; o++)
		load[c->out[o]] += k->load;
	for (unsigned i = 0; i < c->ins; i++)
		at[i] = 0;
	for (unsigned j = 0; j < c->n; j++) {
		const struct ax_gate_delay *d = &k->delay[c->gate[j]];
		unsigned n = ax_g_inputs((enum ax_g)c->gate[j]);

		t = 0;
		for (unsigned i = 0; i < n; i++)
			t = AX_MAX(t, at[c->in[j][i]]);
		at[c->ins + j] =
			n ? t + d->base + d->slope * load[c->ins + j] : 0;
	}
	for (unsigned o = 0; o < c->outs; o++)
		last = AX_MAX(last, at[c->out[o]]);
	free(load);
	return last;
}
