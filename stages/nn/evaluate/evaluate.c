/* SPDX-License-Identifier: Apache-2.0 */
/* Accuracy of a checkpoint on the test images: in float, with exact integer
 * products, or through a table. */
#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "artifacts/npy.h"
#include "stages/nn/common/tables.h"

static int
write_classes(struct ax_task *t, const struct ax_evaluation *e, size_t classes,
	      struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	size_t i;
	int rc;

	ax_str_add(&s, "class,images,correct,accuracy\n");
	for (i = 0; i < classes; i++) {
		ax_str_addf(&s, "%zu,%" PRIu64 ",%" PRIu64 ",", i,
			    e->of_class[i], e->right[i]);
		if (e->of_class[i])
			ax_str_add_num(&s,
				       ax_percent(e->right[i], e->of_class[i]));
		ax_str_addc(&s, '\n');
	}
	rc = ax_write_plain(ax_task_out(t, "classes"), s.buf, s.len, err);
	ax_str_free(&s);
	return rc;
}

static int
write_predictions(struct ax_task *t, const struct ax_evaluation *e,
		  struct ax_err *err)
{
	struct ax_tensor p;
	size_t dim[1] = {e->n};
	int rc;

	if (ax_tensor_init(&p, NULL, AX_U16, 1, dim, err) < 0)
		return -1;
	memcpy(p.u16, e->predicted, p.bytes);
	rc = ax_npy_save(ax_task_out(t, "predictions"), &p, err);
	ax_tensor_free(&p);
	return rc;
}

int
ax_stage_run(struct ax_task *t, struct ax_err *err)
{
	struct ax_product table = {0}, exact = {0};
	struct ax_watch watch = {ax_setup_tell, t};
	const char *mode = ax_task_str(t, "mode");
	struct ax_tables tables = {0};
	struct ax_evaluation e;
	struct ax_images images;
	struct ax_dataset d;
	struct ax_model m;
	size_t n;
	int rc;

	if (!mode)
		mode = ax_task_in(t, "lut") ? "lut" : "int8";
	if (ax_streq(mode, "lut") != (ax_task_in(t, "lut") != NULL))
		return ax_err_set(err, AX_EXIT_USAGE,
				  ax_streq(mode, "lut")
					  ? "mode \"lut\" needs the input 'lut'"
					  : "the input 'lut' is wired, but "
					    "mode is \"%s\"",
				  mode);
	if (ax_setup_dataset(&d, t, err) < 0)
		return -1;
	if (ax_setup_model(&m, t, &d, true, err) < 0) {
		ax_dataset_free(&d);
		return -1;
	}
	rc = ax_setup_products(&m, &table, &exact, t, mode, err);
	if (rc == 0 && ax_streq(mode, "lut"))
		rc = ax_setup_tables(&tables, &m, t, err);
	n = (size_t)ax_task_int(t, "limit");
	if (rc == 0)
		rc = ax_setup_images(&images, &d, t, err);
	if (rc == 0)
		rc = ax_setup_reestimate(&m, t, &d, err);
	if (rc == 0)
		rc = ax_evaluate(&e, &m, &d, &images, n ? n : SIZE_MAX,
				 (size_t)ax_task_int(t, "batch"), &watch, err);
	if (rc == 0) {
		ax_setup_metrics(t, e.top1, e.top5, e.n, e.loss / (double)e.n);
		ax_task_metric_str(t, "mode", mode);
		ax_task_metric_int(
			t, "products",
			(int64_t)(ax_network_products(&m.net, AX_ARITH_APPROX) +
				  ax_network_products(&m.net, AX_ARITH_EXACT)));
		rc = write_classes(t, &e, m.net.classes, err);
		if (rc == 0)
			rc = write_predictions(t, &e, err);
		ax_evaluation_free(&e);
	}
	ax_product_free(&table);
	ax_product_free(&exact);
	ax_tables_free(&tables);
	ax_model_free(&m);
	ax_dataset_free(&d);
	return rc;
}
