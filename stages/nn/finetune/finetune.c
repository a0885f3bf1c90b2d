/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fine-tuning through a table: the forward pass multiplies by look-up, the
 * backward pass is that of the exact product (straight-through estimator) or
 * follows the slopes of the table.
 */
#include "artifacts/base/io.h"
#include "stages/nn/common/setup.h"
#include "stages/nn/engine/slopes.h"

static int
finish(struct ax_task *t, const struct ax_model *m, const struct ax_trained *r,
       struct ax_err *err)
{
	/* without an epoch what came in is the best there is */
	size_t best = r->best ? r->best_top1 : r->top1;

	if (ax_setup_results(t, m, r, err) < 0 ||
	    ax_copy_file(r->best ? r->best : ax_task_out(t, "checkpoint"),
			 ax_task_out(t, "best"), 0644, err) < 0)
		return -1;
	ax_task_metric_num(t, "best.top1", ax_percent(best, r->tested));
	ax_task_metric_int(t, "best.correct", (int64_t)best);
	ax_task_metric_int(t, "best.epoch", (int64_t)r->best_epoch);
	ax_task_metric_str(t, "best.selected_on", "test set");
	return 0;
}

/* The test images under the table, before there is training. */
static int
before(struct ax_task *t, struct ax_model *m, const struct ax_dataset *d,
       const char *top1, const char *correct, struct ax_err *err)
{
	struct ax_evaluation e;

	if (ax_evaluate(&e, m, d, &d->test, d->test.n, 128, NULL, err) < 0)
		return -1;
	ax_task_metric_num(t, top1, ax_percent(e.top1, e.n));
	ax_task_metric_int(t, correct, (int64_t)e.top1);
	ax_evaluation_free(&e);
	return 0;
}

/* Batch norms re-estimated, where that is asked for, and what it gives. */
static int
reestimate(struct ax_task *t, struct ax_model *m, const struct ax_dataset *d,
	   struct ax_err *err)
{
	bool asked =
		ax_task_json(t, "bn_images") && ax_task_int(t, "bn_images") > 0;

	if (asked && before(t, m, d, "as_is.top1", "as_is.correct", err) < 0)
		return -1;
	if (ax_setup_reestimate(m, t, d, err) < 0)
		return -1;
	return asked ? before(t, m, d, "renormed.top1", "renormed.correct", err)
		     : 0;
}

int
ax_stage_run(struct ax_task *t, struct ax_err *err)
{
	struct ax_product table = {0}, exact = {0};
	struct ax_slopes *slopes = NULL;
	struct ax_training conf;
	struct ax_trained result = {0};
	struct ax_dataset d;
	struct ax_model m;
	int rc;

	if (ax_setup_dataset(&d, t, err) < 0)
		return -1;
	if (ax_setup_model(&m, t, &d, true, err) < 0) {
		ax_dataset_free(&d);
		return -1;
	}
	ax_setup_training(&conf, t);
	conf.keep_best = true;
	rc = ax_setup_table(&table, t, &m, err);
	if (rc == 0 && ax_streq(json_string_value(ax_task_json(t, "gradient")),
				"slopes")) {
		slopes = ax_slopes_make(
			&table.lut,
			(unsigned)ax_task_int(t, "gradient_window"));
		table.gradient = &ax_gradient_slopes;
		table.slopes = slopes;
	}
	if (rc == 0)
		rc = ax_setup_exact(&exact, &m, err);
	if (rc == 0)
		rc = ax_model_products(&m, &table, &exact, err);
	if (rc == 0)
		rc = reestimate(t, &m, &d, err);
	if (rc == 0)
		rc = ax_train(&result, &m, &d, &conf, err);
	if (rc == 0)
		rc = finish(t, &m, &result, err);
	ax_trained_free(&result);
	ax_product_free(&table);
	ax_product_free(&exact);
	free(slopes);
	free((char *)conf.identity);
	ax_model_free(&m);
	ax_dataset_free(&d);
	return rc;
}
