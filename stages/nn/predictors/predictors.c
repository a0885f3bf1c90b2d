/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which property of a table tells the accuracy of a network that multiplies
 * with it: rank correlation over many tables, as they are and after batch norms
 * are re-estimated.
 */
#include <math.h>

#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "artifacts/lut_operands.h"
#include "stages/nn/common/setup.h"
#include "stages/nn/engine/rank.h"

/* What is known of a table before any network runs, then what came of it. */
enum {
	WCE,
	MAE,
	BIAS,
	AT_ZERO,
	OPERAND_MAE,
	OPERAND_BIAS,
	NOISE,
	COHERENT,
	NETWORK,
	KNOWN,
	AS_IS = KNOWN,
	RENORMED,
	COLUMNS
};

static const char *const names[COLUMNS] = {
	"wce",         "mae",          "bias",    "at_zero",
	"operand_mae", "operand_bias", "noise",   "coherent",
	"network",     "as_is",        "renormed"};

struct job {
	struct ax_task *t;
	struct ax_dataset *d;
	struct ax_images images;
	struct ax_model *m;
	struct ax_histogram *h;
	struct ax_product exact;
	float **kept; /* running means and variances, by parameter */
	size_t n;
	double (*row)[COLUMNS]; /* [n] */
};

static bool
is_statistic(const struct ax_net_param *p)
{
	return p->role == AX_ROLE_MEAN || p->role == AX_ROLE_VAR;
}

static void
keep(struct job *j)
{
	const struct ax_network *net = &j->m->net;

	j->kept = ax_calloc(net->n_params, sizeof(*j->kept));
	for (unsigned i = 0; i < net->n_params; i++) {
		const struct ax_net_param *p = &net->params[i];

		if (!is_statistic(p))
			continue;
		j->kept[i] = ax_calloc(p->n, sizeof(float));
		memcpy(j->kept[i], j->m->param[i], p->n * sizeof(float));
	}
}

static void
restore(struct job *j)
{
	for (unsigned i = 0; i < j->m->net.n_params; i++)
		if (j->kept[i])
			memcpy(j->m->param[i], j->kept[i],
			       j->m->net.params[i].n * sizeof(float));
}

static int
accuracy(struct job *j, double *out, struct ax_err *err)
{
	size_t limit = (size_t)ax_task_int(j->t, "limit");
	struct ax_evaluation e;

	if (ax_evaluate(&e, j->m, j->d, &j->images, limit ? limit : SIZE_MAX,
			(size_t)ax_task_int(j->t, "batch"), NULL, err) < 0)
		return -1;
	*out = ax_percent(e.top1, e.n);
	ax_task_metric_int(j->t, "images", (int64_t)e.n);
	ax_evaluation_free(&e);
	return 0;
}

static int
one_table(struct job *j, double *row, const struct ax_lut *lut,
	  struct ax_err *err)
{
	double rho = ax_task_num(j->t, "rho");
	struct ax_product table = {0};
	struct ax_lut_weighted w;
	struct ax_lut_metrics m;
	struct ax_lut exact;
	int rc;

	if (ax_lut_exact(&exact, AX_LUT_MUL, lut->n, lut->m, lut->sign, err) <
	    0)
		return -1;
	rc = ax_lut_measure(&m, lut, &exact, AX_LUT_MUL, err);
	if (rc == 0)
		rc = ax_lut_measure_operands(&w, NULL, lut, &exact, j->h, err);
	ax_lut_free(&exact);
	if (rc < 0)
		return -1;
	row[WCE] = (double)m.wce;
	row[MAE] = m.mae;
	row[BIAS] = fabs(m.bias);
	row[AT_ZERO] = fabs(m.mean_zero_a);
	row[OPERAND_MAE] = w.mae;
	row[OPERAND_BIAS] = fabs(w.bias);
	row[NOISE] = w.noise;
	row[COHERENT] = w.coherent;
	row[NETWORK] = w.noise + rho * w.coherent * w.coherent;
	restore(j);
	rc = ax_product_table(&table, lut, err);
	if (rc == 0)
		rc = ax_model_products(j->m, &table, &j->exact, err);
	if (rc == 0)
		rc = accuracy(j, &row[AS_IS], err);
	if (rc == 0)
		rc = ax_setup_reestimate(j->m, j->t, j->d, err);
	if (rc == 0)
		rc = accuracy(j, &row[RENORMED], err);
	ax_product_free(&table);
	return rc;
}

/* The coordinates of table i, else its number. */
static void
label(struct ax_str *s, struct ax_task *t, size_t i)
{
	const char *key;
	json_t *value;
	bool first = true;

	json_object_foreach(ax_task_in_coords(t, "luts", i), key, value)
	{
		ax_str_addf(s, "%s%s=", first ? "" : ";", key);
		if (json_is_string(value))
			ax_str_add(s, json_string_value(value));
		else
			ax_json_canonical(s, value);
		first = false;
	}
	if (first)
		ax_str_addf(s, "lut%zu", i);
}

static int
report(struct job *j, struct ax_err *err)
{
	double *x = ax_calloc(3 * j->n, sizeof(*x));
	double *y[2] = {x + j->n, x + 2 * j->n};
	struct ax_str s = AX_STR_INIT;
	char name[80];
	size_t i, c, k;
	int rc;

	ax_str_add(&s, "table");
	for (c = 0; c < COLUMNS; c++)
		ax_str_addf(&s, ",%s", names[c]);
	ax_str_addc(&s, '\n');
	for (i = 0; i < j->n; i++) {
		label(&s, j->t, i);
		for (c = 0; c < COLUMNS; c++) {
			ax_str_addc(&s, ',');
			ax_str_add_num(&s, j->row[i][c]);
		}
		ax_str_addc(&s, '\n');
		y[0][i] = j->row[i][AS_IS];
		y[1][i] = j->row[i][RENORMED];
	}
	for (c = 0; c < KNOWN; c++) {
		for (i = 0; i < j->n; i++)
			x[i] = j->row[i][c];
		for (k = 0; k < 2; k++) {
			snprintf(name, sizeof(name), "%s.%s", names[AS_IS + k],
				 names[c]);
			ax_task_metric_num(j->t, name,
					   ax_spearman(x, y[k], j->n));
		}
	}
	rc = ax_write_plain(ax_task_out(j->t, "table"), s.buf, s.len, err);
	ax_str_free(&s);
	free(x);
	return rc;
}

static int
run(struct job *j, struct ax_err *err)
{
	struct ax_lut lut;
	int rc = 0;

	j->n = ax_task_in_count(j->t, "luts");
	j->row = ax_calloc(j->n + 1, sizeof(*j->row));
	keep(j);
	if (ax_setup_images(&j->images, j->d, j->t, err) < 0 ||
	    ax_setup_exact(&j->exact, j->m, err) < 0)
		return -1;
	for (size_t i = 0; i < j->n && rc == 0; i++) {
		ax_task_progress(j->t, (double)i, (double)j->n,
				 "table %zu of %zu", i + 1, j->n);
		rc = ax_lut_load(&lut, ax_task_in_at(j->t, "luts", i),
				 ax_setup_guess(j->m), err);
		if (rc == 0) {
			rc = one_table(j, j->row[i], &lut, err);
			ax_lut_free(&lut);
		}
		if (rc < 0)
			ax_err_wrap(err, "input 'luts', table %zu", i + 1);
	}
	ax_task_metric_int(j->t, "tables", (int64_t)j->n);
	return rc < 0 ? -1 : report(j, err);
}

int
ax_stage_run(struct ax_task *t, struct ax_err *err)
{
	struct ax_histogram h;
	struct ax_dataset d;
	struct ax_model m;
	struct job j = {.t = t, .d = &d, .m = &m, .h = &h};
	int rc = -1;

	if (ax_histogram_load(&h, ax_task_in(t, "histogram"), err) < 0)
		return ax_err_wrap(err, "input 'histogram'");
	if (ax_setup_dataset(&d, t, err) < 0)
		goto no_dataset;
	if (ax_setup_model(&m, t, &d, true, err) < 0)
		goto no_model;
	rc = run(&j, err);
	for (unsigned i = 0; i < m.net.n_params && j.kept; i++)
		free(j.kept[i]);
	free(j.kept);
	free(j.row);
	ax_product_free(&j.exact);
	ax_model_free(&m);
no_model:
	ax_dataset_free(&d);
no_dataset:
	ax_histogram_free(&h);
	return rc;
}
