/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/common/tables.h"

#include "stages/nn/engine/remap.h"

void
ax_tables_free(struct ax_tables *x)
{
	for (size_t i = 0; i < x->n; i++)
		ax_product_free(&x->of[i]);
	free(x->of);
	memset(x, 0, sizeof(*x));
}

/* Does batch norm, and nothing else, read what this operation makes? */
static bool
is_normed(const struct ax_network *net, unsigned op)
{
	bool normed = false;

	for (unsigned i = 0; i < net->n_ops; i++) {
		const struct ax_op *o = &net->ops[i];
		bool reads =
			o->in == net->ops[op].out ||
			(o->kind == AX_OP_ADD && o->with == net->ops[op].out);

		if (reads && o->kind != AX_OP_BATCHNORM)
			return false;
		normed |= reads;
	}
	return normed;
}

static void
make_zero_exact(struct ax_lut *t)
{
	size_t nb = (size_t)1 << t->m;
	size_t a0 = (size_t)-ax_lut_a_min(t), b0 = (size_t)-ax_lut_b_min(t);

	for (size_t b = 0; b < nb; b++)
		t->v[a0 * nb + b] = 0;
	for (size_t a = 0; a < (size_t)1 << t->n; a++)
		t->v[a * nb + b0] = 0;
}

/* The layers with a table and their operands. Caller frees both. */
static int
find_layers(struct ax_remap_layer **out, unsigned **ops, size_t *n,
	    const struct ax_model *m, const struct ax_histogram *h,
	    struct ax_err *err)
{
	const struct ax_network *net = &m->net;
	double variance, mean;
	unsigned i;

	*n = 0;
	*out = ax_calloc(net->n_ops, sizeof(**out));
	*ops = ax_calloc(net->n_ops, sizeof(**ops));
	for (i = 0; i < net->n_ops; i++) {
		struct ax_remap_layer *l = &(*out)[*n];
		const struct ax_operand *a;

		if (!m->layer[i].quantised || !m->layer[i].approx)
			continue;
		l->of = ax_histogram_layer(h, net->ops[i].name);
		if (!l->of)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "input 'histogram' has no layer "
					  "'%s': make it from this network",
					  net->ops[i].name);
		/* by the variance of the activations, so that layers count
		 * alike for each product */
		a = &l->of->a;
		variance = mean = 0;
		for (size_t c = 0; c < (size_t)1 << a->bits; c++) {
			double p = (double)a->counts[c] / (double)a->total;
			double v = (double)c + ax_operand_min(a);

			mean += p * v;
			variance += p * v * v;
		}
		variance -= mean * mean;
		l->weight =
			(double)l->of->products / (variance > 0 ? variance : 1);
		l->centred = is_normed(net, i);
		(*ops)[(*n)++] = i;
	}
	return 0;
}

static size_t
changed(const uint16_t *map, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += map[i] != i;
	return count;
}

/* Layer i of the model multiplies by the table `lut` from here on; steals it,
 * also on failure. */
static int
give(struct ax_tables *x, struct ax_model *m, unsigned op, struct ax_lut *lut,
     struct ax_err *err)
{
	int rc = ax_product_table(&x->of[x->n], lut, err);

	ax_lut_free(lut);
	if (rc < 0)
		return -1;
	return ax_model_product_at(m, op, &x->of[x->n++], err);
}

int
ax_setup_tables(struct ax_tables *x, struct ax_model *m, struct ax_task *t,
		struct ax_err *err)
{
	const char *how =
		ax_task_json(t, "remap") ? ax_task_str(t, "remap") : "none";
	bool zero =
		ax_task_json(t, "zero_exact") && ax_task_bool(t, "zero_exact");
	bool remap = !ax_streq(how, "none");
	struct ax_remap_layer *layers = NULL;
	struct ax_histogram h = AX_HISTOGRAM_INIT;
	struct ax_lut lut, mapped;
	size_t n = 0, i, moved = 0, codes = 0;
	unsigned *ops = NULL;
	uint16_t *map = NULL;
	int rc = 0;

	if (!remap && !zero)
		return 0;
	if (remap && !ax_task_in(t, "histogram"))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "remap \"%s\" needs the input 'histogram', "
				  "from stage operands",
				  how);
	if (ax_lut_load(&lut, ax_task_in(t, "lut"), ax_setup_guess(m), err) < 0)
		return ax_err_wrap(err, "input 'lut'");
	codes = (size_t)1 << lut.m;
	if (zero)
		make_zero_exact(&lut);
	if (remap && ax_histogram_load(&h, ax_task_in(t, "histogram"), err) < 0)
		rc = ax_err_wrap(err, "input 'histogram'");
	if (rc == 0 && remap)
		rc = find_layers(&layers, &ops, &n, m, &h, err);
	map = ax_calloc(codes, sizeof(*map));
	x->of = ax_calloc(m->net.n_ops, sizeof(*x->of));
	for (i = 0; rc == 0 && i < m->net.n_ops && !remap; i++) {
		if (!m->layer[i].quantised || !m->layer[i].approx)
			continue;
		for (size_t c = 0; c < codes; c++)
			map[c] = (uint16_t)c;
		rc = ax_remap_table(&mapped, &lut, map, err);
		if (rc == 0)
			rc = give(x, m, (unsigned)i, &mapped, err);
	}
	if (rc == 0 && ax_streq(how, "global"))
		rc = ax_remap(map, &lut, layers, n, err);
	for (i = 0; rc == 0 && i < n; i++) {
		if (ax_streq(how, "layer"))
			rc = ax_remap(map, &lut, &layers[i], 1, err);
		if (rc == 0)
			rc = ax_remap_table(&mapped, &lut, map, err);
		if (rc == 0)
			rc = give(x, m, ops[i], &mapped, err);
		moved += changed(map, codes);
	}
	if (remap && n)
		ax_task_metric_num(t, "remapped", (double)moved / (double)n);
	ax_task_metric_json(t, "zero_exact", json_boolean(zero));
	free(map);
	free(layers);
	free(ops);
	ax_lut_free(&lut);
	ax_histogram_free(&h);
	return rc;
}
