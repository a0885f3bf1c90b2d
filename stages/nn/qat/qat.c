/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quantisation-aware training: float epochs to warm up, then scales from the
 * weights and from calibration batches, then epochs with fake quantisation
 * under those scales. At the end the network is measured once more with exact
 * integer sums, which is what hardware computes.
 */
#include <math.h>

#include "stages/nn/common/setup.h"

static int
measure_integer(struct ax_task *t, struct ax_model *m,
		const struct ax_dataset *d, struct ax_err *err)
{
	struct ax_product exact = {0};
	struct ax_evaluation e;
	int rc = -1;

	if (ax_setup_exact(&exact, m, err) < 0)
		return -1;
	if (ax_model_products(m, &exact, &exact, err) == 0 &&
	    ax_evaluate(&e, m, d, &d->test, d->test.n, 128, NULL, err) == 0) {
		ax_task_metric_num(t, "int8.top1", ax_percent(e.top1, e.n));
		ax_task_metric_int(t, "int8.correct", (int64_t)e.top1);
		ax_evaluation_free(&e);
		rc = 0;
	}
	ax_model_products(m, &ax_product_float, &ax_product_float, NULL);
	ax_product_free(&exact);
	return rc;
}

/* No epochs under quantisation: scales only. What was tested so far was the
 * network in float. */
static int
only_scales(struct ax_trained *r, struct ax_model *m,
	    const struct ax_dataset *d, const struct ax_training *conf,
	    struct ax_err *err)
{
	struct ax_evaluation e;

	ax_calibrate(m, d, conf, conf->epochs);
	if (ax_evaluate(&e, m, d, &d->test, d->test.n, 128, NULL, err) < 0)
		return -1;
	r->top1 = e.top1;
	r->top5 = e.top5;
	r->loss = e.n ? e.loss / (double)e.n : NAN;
	ax_evaluation_free(&e);
	return 0;
}

int
ax_stage_run(struct ax_task *t, struct ax_err *err)
{
	struct ax_training conf;
	struct ax_trained result;
	struct ax_dataset d;
	struct ax_model m;
	int rc;

	if (ax_setup_dataset(&d, t, err) < 0)
		return -1;
	if (ax_setup_model(&m, t, &d, false, err) < 0) {
		ax_dataset_free(&d);
		return -1;
	}
	ax_setup_training(&conf, t);
	conf.calibrate_at = (size_t)ax_task_int(t, "warmup_float");
	conf.calibration_batches =
		(size_t)ax_task_int(t, "calibration_batches");
	conf.epochs += conf.calibrate_at;
	rc = ax_train(&result, &m, &d, &conf, err);
	if (rc == 0 && conf.epochs == conf.calibrate_at)
		rc = only_scales(&result, &m, &d, &conf, err);
	if (rc == 0)
		rc = ax_setup_results(t, &m, &result, err);
	if (rc == 0 && d.test.n)
		rc = measure_integer(t, &m, &d, err);
	ax_trained_free(&result);
	free((char *)conf.identity);
	ax_model_free(&m);
	ax_dataset_free(&d);
	return rc;
}
