/* SPDX-License-Identifier: Apache-2.0 */
/* How often the layers of a quantised network multiply each pair of codes. */
#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "stages/nn/common/setup.h"

/* One row a layer: what a reader wants to know at a glance. */
static int
write_layers(struct ax_task *t, const struct ax_histogram *h,
	     struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	int rc;

	ax_str_add(&s, "layer,k,products,zero_a,negative_a,mean_abs_a,zero_b,"
		       "mean_abs_b\n");
	for (size_t i = 0; i < h->n; i++) {
		const struct ax_histogram_layer *l = &h->layers[i];
		const struct ax_operand *const of[] = {&l->a, &l->b};

		ax_str_addf(&s, "%s,%" PRIu64 ",%" PRIu64, l->name, l->k,
			    l->products);
		for (size_t o = 0; o < 2; o++) {
			int32_t least = ax_operand_min(of[o]);
			uint64_t zero = of[o]->counts[-least], negative = 0;
			double sum = 0;

			for (size_t c = 0; c < (size_t)1 << of[o]->bits; c++) {
				int32_t v = least + (int32_t)c;

				negative += v < 0 ? of[o]->counts[c] : 0;
				sum += (double)of[o]->counts[c] *
				       (v < 0 ? -v : v);
			}
			ax_str_addc(&s, ',');
			ax_str_add_num(&s, ax_percent(zero, of[o]->total));
			if (o == 0) {
				ax_str_addc(&s, ',');
				ax_str_add_num(
					&s, ax_percent(negative, of[o]->total));
			}
			ax_str_addc(&s, ',');
			ax_str_add_num(&s, sum / (double)of[o]->total);
		}
		ax_str_addc(&s, '\n');
	}
	rc = ax_write_plain(ax_task_out(t, "layers"), s.buf, s.len, err);
	ax_str_free(&s);
	return rc;
}

/*
 * The parameter `weight`: products times a factor, so that figures over several
 * layers go by it. A name is stronger than a pattern, a longer pattern than a
 * shorter one.
 */
static int
weigh(struct ax_histogram *h, json_t *weight, struct ax_err *err)
{
	const char *key, *best;
	json_t *value;
	double factor, products;

	json_object_foreach(weight, key, value)
	{
		size_t i;

		for (i = 0; i < h->n && !ax_glob(key, h->layers[i].name); i++)
			;
		if (i == h->n)
			return ax_err_set(err, AX_EXIT_USAGE,
					  "weight: no counted layer is called "
					  "'%.80s'",
					  key);
		if (!json_is_number(value) || !(json_number_value(value) > 0) ||
		    json_number_value(value) > 1e9)
			return ax_err_set(err, AX_EXIT_USAGE,
					  "weight: '%.80s' must be a number "
					  "above 0, at most 1e9",
					  key);
	}
	for (size_t i = 0; i < h->n; i++) {
		struct ax_histogram_layer *l = &h->layers[i];

		best = NULL;
		factor = 1;
		json_object_foreach(weight, key, value)
		{
			if (!ax_glob(key, l->name) ||
			    (best && !ax_streq(key, l->name) &&
			     (ax_streq(best, l->name) ||
			      strlen(best) >= strlen(key))))
				continue;
			best = key;
			factor = json_number_value(value);
		}
		products = (double)l->products * factor + 0.5;
		l->products = products < 1 ? 1
			      : products < (double)AX_HISTOGRAM_MOST
				      ? (uint64_t)products
				      : AX_HISTOGRAM_MOST;
	}
	return 0;
}

int
ax_stage_run(struct ax_task *t, struct ax_err *err)
{
	struct ax_product table = {0}, exact = {0};
	struct ax_sample sample;
	struct ax_histogram h;
	struct ax_dataset d;
	struct ax_model m;
	uint64_t products = 0;
	int rc;

	if (ax_setup_dataset(&d, t, err) < 0)
		return -1;
	if (ax_setup_model(&m, t, &d, true, err) < 0) {
		ax_dataset_free(&d);
		return -1;
	}
	ax_setup_sample(&sample, t);
	rc = ax_setup_products(&m, &table, &exact, t,
			       ax_task_in(t, "lut") ? "lut" : "int8", err);
	if (rc == 0)
		rc = ax_count_operands(&h, &m, &d, &sample,
				       (size_t)ax_task_int(t, "batch"), false,
				       err);
	for (size_t i = 0; rc == 0 && i < h.n; i++)
		products += h.layers[i].products;
	if (rc == 0 && ax_task_json(t, "weight")) {
		rc = weigh(&h, ax_task_json(t, "weight"), err);
		if (rc < 0)
			ax_histogram_free(&h);
	}
	if (rc == 0) {
		rc = ax_histogram_save(ax_task_out(t, "histogram"), &h, err);
		if (rc == 0)
			rc = write_layers(t, &h, err);
		ax_task_metric_int(t, "images", (int64_t)h.images);
		ax_task_metric_int(t, "layers", (int64_t)h.n);
		ax_task_metric_int(t, "products", (int64_t)products);
		ax_histogram_free(&h);
	}
	ax_product_free(&table);
	ax_product_free(&exact);
	ax_model_free(&m);
	ax_dataset_free(&d);
	return rc;
}
