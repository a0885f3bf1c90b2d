/* SPDX-License-Identifier: Apache-2.0 */
/* Float training of a network on a data set. */
#include "stages/nn/common/setup.h"

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
	/* a quantised checkpoint goes on as a float one */
	ax_model_drop_scales(&m);
	ax_setup_training(&conf, t);
	rc = ax_train(&result, &m, &d, &conf, err);
	if (rc == 0)
		rc = ax_setup_results(t, &m, &result, err);
	ax_trained_free(&result);
	free((char *)conf.identity);
	ax_model_free(&m);
	ax_dataset_free(&d);
	return rc;
}
