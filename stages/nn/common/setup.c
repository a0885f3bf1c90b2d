/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/common/setup.h"

#include <unistd.h>

#include "artifacts/base/hash.h"
#include "artifacts/base/io.h"
#include "artifacts/base/json.h"

void
ax_setup_tell(void *task, double done, double total, const char *text)
{
	ax_task_progress(task, done, total, "%s", text);
}

int
ax_setup_dataset(struct ax_dataset *out, struct ax_task *t, struct ax_err *err)
{
	size_t pixels;

	if (ax_dataset_load(out, ax_task_in(t, "dataset"), err) < 0)
		return ax_err_wrap(err, "input 'dataset'");
	pixels = ax_dataset_pixels(out);
	if (ax_task_json(t, "train_limit"))
		ax_images_subset(&out->train, pixels,
				 (size_t)ax_task_int(t, "train_limit"), 0,
				 "train");
	if (ax_task_json(t, "test_limit"))
		ax_images_subset(&out->test, pixels,
				 (size_t)ax_task_int(t, "test_limit"), 0,
				 "test");
	return 0;
}

/* Bytes of this machine, or of the control group where that is less. */
static double
machine_memory(void)
{
	double all =
		(double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
	struct ax_err err = AX_ERR_INIT;
	double limit = 0;
	char *text;
	size_t len;

	if (ax_read_file(&text, &len, "/sys/fs/cgroup/memory.max", 64, &err) ==
	    0) {
		limit = strtod(text, NULL); /* "max": 0 */
		free(text);
	}
	return limit > 0 && limit < all ? limit : all;
}

/* A network that cannot fit is refused before it drives the machine into its
 * last page. */
static int
check_memory(struct ax_task *t, const struct ax_network *net,
	     const struct ax_dataset *d, struct ax_err *err)
{
	const double gib = 1024.0 * 1024.0 * 1024.0;
	bool train = ax_task_json(t, "lr") != NULL;
	bool bn = ax_task_json(t, "bn_images") != NULL;
	size_t images = train ? d->train.n : AX_MAX(d->train.n, d->test.n);
	size_t n = AX_MIN((size_t)ax_task_int(t, "batch"), images), one;
	double need = ax_model_memory(net, n, train), have = machine_memory();

	/* a stage program started by hand: no images at a time is for ever */
	if (ax_task_int(t, "batch") < 1)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "'batch' is %" PRId64
				  ": at least 1 image at a time is wanted",
				  ax_task_int(t, "batch"));
	/* re-estimation takes all its images at once, forward only */
	if (bn) {
		one = AX_MIN((size_t)ax_task_int(t, "bn_images"), d->train.n);
		if (ax_model_memory(net, one, false) > have)
			return ax_err_set(
				err, AX_EXIT_ENV,
				"re-estimating batch norms on %zu images needs "
				"at least %.1f GiB of memory, and this machine "
				"has %.1f GiB: make 'bn_images' smaller",
				one, ax_model_memory(net, one, false) / gib,
				have / gib);
	}
	if (need <= have)
		return 0;
	return ax_err_set(err, AX_EXIT_ENV,
			  "the network '%s' needs at least %.1f GiB of memory "
			  "for batches of %zu images, %.1f GiB of that for its "
			  "parameters, and this machine has %.1f GiB: make its "
			  "layers or 'batch' smaller",
			  net->name, need / gib, n,
			  ax_model_memory(net, 0, train) / gib, have / gib);
}

/* Parameters of the number format that are given, over what *f holds. */
static void
format_params(struct ax_format *f, struct ax_task *t)
{
	if (ax_task_json(t, "width_act"))
		f->act_bits = (unsigned)ax_task_int(t, "width_act");
	if (ax_task_json(t, "width_weight"))
		f->weight_bits = (unsigned)ax_task_int(t, "width_weight");
	if (ax_task_json(t, "signed"))
		f->is_signed = ax_task_bool(t, "signed");
	if (ax_task_json(t, "act_asymmetric"))
		f->act_asymmetric = ax_task_bool(t, "act_asymmetric");
	if (ax_task_json(t, "weight_asymmetric"))
		f->weight_asymmetric = ax_task_bool(t, "weight_asymmetric");
	if (ax_task_json(t, "per_channel"))
		f->per_channel = ax_task_bool(t, "per_channel");
}

/* Loads the parameters in the checkpoint's format, then takes the format that
 * the stage wants. */
static int
load(struct ax_model *m, struct ax_task *t, const struct ax_checkpoint *c,
     bool need, struct ax_err *err)
{
	const char *text = ax_checkpoint_meta(c, "format");
	struct ax_format have = ax_format_published(), want;
	struct ax_str s = AX_STR_INIT;

	if (text && ax_format_parse(&have, text, err) < 0) {
		ax_err_wrap(err, "input 'checkpoint'");
		err->exit = AX_EXIT_STAGE; /* no parameter is wrong */
		return -1;
	}
	want = have;
	format_params(&want, t);
	if (need && !text)
		have = want;
	if (need && !ax_format_equal(&have, &want)) {
		ax_format_write(&s, &want);
		ax_err_set(
			err, AX_EXIT_STAGE,
			"the checkpoint was quantised in the format %s, the "
			"parameters ask for %s: leave them null, or quantise "
			"anew with the stage qat",
			text, s.buf);
		ax_str_free(&s);
		return -1;
	}
	ax_model_set_format(m, &have);
	if (ax_model_load(m, c, err) < 0)
		return -1;
	if (!need)
		ax_model_set_format(m, &want);
	return 0;
}

int
ax_setup_exact(struct ax_product *out, const struct ax_model *m,
	       struct ax_err *err)
{
	return ax_product_integer(out, m->format.act_bits,
				  m->format.weight_bits, m->format.is_signed,
				  err);
}

int
ax_setup_model(struct ax_model *out, struct ax_task *t,
	       const struct ax_dataset *d, bool need, struct ax_err *err)
{
	const size_t shape[3] = {d ? d->channels : 0, d ? d->height : 0,
				 d ? d->width : 0};
	const size_t *input = d ? shape : NULL, classes = d ? d->classes : 0;
	const char *path = ax_task_in(t, "checkpoint"), *text = NULL;
	struct ax_checkpoint c = AX_CHECKPOINT_INIT;
	json_t *description = ax_task_json(t, "network");
	struct ax_network net;
	int rc = -1;

	if (need && !path)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "input 'checkpoint' is not wired");
	if (path && ax_checkpoint_load(&c, path, err) < 0)
		return ax_err_wrap(err, "input 'checkpoint'");
	if (path)
		text = ax_checkpoint_meta(&c, "network");
	if (!description && !text) {
		ax_err_set(err, AX_EXIT_USAGE,
			   path ? "the checkpoint does not say what network it "
				  "belongs to: give the parameter 'network'"
				: "no network: give the parameter 'network', "
				  "or a checkpoint to start from");
		goto out;
	}
	if (description &&
	    ax_network_parse(&net, description, input, classes, err) < 0)
		goto out;
	if (!description &&
	    ax_network_parse_text(&net, text, input, classes, err) < 0) {
		/* no parameter is wrong: the files do not go together */
		ax_err_wrap(err,
			    "the network that input 'checkpoint' names does "
			    "not fit the data set '%s'",
			    d ? d->name : "none");
		err->exit = AX_EXIT_STAGE;
		goto out;
	}
	if (ax_task_json(t, "arith") &&
	    ax_network_set_arith(&net, ax_task_json(t, "arith"), err) < 0) {
		ax_network_free(&net);
		goto out;
	}
	if ((path && ax_model_fits(&net, &c, err) < 0) ||
	    (d && ax_task_json(t, "batch") &&
	     check_memory(t, &net, d, err) < 0)) {
		ax_network_free(&net);
		goto out;
	}
	ax_model_init(out, &net, ax_task_pool(t), ax_kern());
	if (path)
		rc = load(out, t, &c, need, err);
	else {
		struct ax_format f = ax_format_published();

		format_params(&f, t);
		ax_model_set_format(out, &f);
		ax_model_random(out, (uint64_t)ax_task_int(t, "seed"));
		rc = 0;
	}
	if (rc < 0)
		ax_model_free(out);
out:
	ax_checkpoint_free(&c);
	return rc;
}

/* What a saved state depends on: the parameters and the bytes of the inputs. */
static char *
identity(struct ax_task *t, const char *const *params, size_t n)
{
	static const char *const inputs[] = {"dataset", "checkpoint", "lut"};
	char hex[AX_HEX_LEN + 1];
	struct ax_str s = AX_STR_INIT;
	struct ax_digest d;
	size_t i;

	for (i = 0; i < n; i++) {
		json_t *v = ax_task_json(t, params[i]);

		ax_str_addf(&s, "%s=", params[i]);
		if (v)
			ax_json_canonical(&s, v);
		ax_str_addc(&s, ';');
	}
	for (i = 0; i < AX_LEN(inputs); i++) {
		const char *path = ax_task_in(t, inputs[i]);

		if (path && ax_hash_file(&d, NULL, path, NULL) == 0)
			ax_str_addf(&s, "%s:%s;", inputs[i], ax_hex(hex, &d));
	}
	d = ax_hash_bytes(s.buf, s.len);
	ax_str_free(&s);
	return ax_strdup(ax_hex(hex, &d));
}

void
ax_setup_training(struct ax_training *out, struct ax_task *t)
{
	static const char *const params[] = {"network",
					     "arith",
					     "epochs",
					     "batch",
					     "lr",
					     "lr_min",
					     "schedule",
					     "t_max",
					     "warmup",
					     "momentum",
					     "nesterov",
					     "weight_decay",
					     "label_smoothing",
					     "crop",
					     "flip",
					     "seed",
					     "train_limit",
					     "test_limit",
					     "warmup_float",
					     "calibration_batches",
					     "width_act",
					     "width_weight",
					     "signed",
					     "act_asymmetric",
					     "weight_asymmetric",
					     "per_channel",
					     "gradient",
					     "gradient_window",
					     "bn_images",
					     "bn_crop",
					     "bn_flip",
					     "bn_seed"};

	memset(out, 0, sizeof(*out));
	out->epochs = (size_t)ax_task_int(t, "epochs");
	out->batch = (size_t)ax_task_int(t, "batch");
	out->lr = ax_task_num(t, "lr");
	out->lr_min = ax_task_num(t, "lr_min");
	out->cosine = ax_streq(ax_task_str(t, "schedule"), "cosine");
	out->t_max = (size_t)ax_task_int(t, "t_max");
	out->warmup = (size_t)ax_task_int(t, "warmup");
	out->momentum = ax_task_num(t, "momentum");
	out->decay = ax_task_num(t, "weight_decay");
	out->smoothing = ax_task_num(t, "label_smoothing");
	out->nesterov = ax_task_bool(t, "nesterov");
	out->augment.crop = (size_t)ax_task_int(t, "crop");
	out->augment.flip = ax_task_bool(t, "flip");
	out->seed = (uint64_t)ax_task_int(t, "seed");
	out->augment.seed = out->seed;
	out->calibrate_at = SIZE_MAX;
	out->state_dir = ax_task_checkpoint(t);
	out->save_every = 120;
	out->identity = identity(t, params, AX_LEN(params));
	out->watch.tell = ax_setup_tell;
	out->watch.arg = t;
}

int
ax_setup_guess(const struct ax_model *m)
{
	return m->format.is_signed ? AX_LUT_GUESS_SIGNED
				   : AX_LUT_GUESS_UNSIGNED;
}

int
ax_setup_table(struct ax_product *out, struct ax_task *t,
	       const struct ax_model *m, struct ax_err *err)
{
	struct ax_lut lut;
	int rc;

	if (ax_lut_load(&lut, ax_task_in(t, "lut"), ax_setup_guess(m), err) < 0)
		return ax_err_wrap(err, "input 'lut'");
	rc = ax_product_table(out, &lut, err);
	ax_lut_free(&lut);
	return rc < 0 ? ax_err_wrap(err, "input 'lut'") : 0;
}

int
ax_setup_products(struct ax_model *m, struct ax_product *table,
		  struct ax_product *exact, struct ax_task *t, const char *mode,
		  struct ax_err *err)
{
	if (ax_streq(mode, "float")) {
		ax_model_drop_scales(m);
		return 0;
	}
	if (ax_setup_exact(exact, m, err) < 0)
		return -1;
	if (ax_streq(mode, "int8"))
		return ax_model_products(m, exact, exact, err);
	if (ax_setup_table(table, t, m, err) < 0)
		return -1;
	return ax_model_products(m, table, exact, err);
}

void
ax_setup_sample(struct ax_sample *out, struct ax_task *t)
{
	bool bn = ax_task_json(t, "bn_images") != NULL;

	memset(out, 0, sizeof(*out));
	out->images = (size_t)ax_task_int(t, bn ? "bn_images" : "images");
	out->augment.crop = (size_t)ax_task_int(t, bn ? "bn_crop" : "crop");
	out->augment.flip = ax_task_bool(t, bn ? "bn_flip" : "flip");
	out->augment.seed = (uint64_t)ax_task_int(t, bn ? "bn_seed" : "seed");
	out->watch.tell = ax_setup_tell;
	out->watch.arg = t;
}

int
ax_setup_reestimate(struct ax_model *m, struct ax_task *t,
		    const struct ax_dataset *d, struct ax_err *err)
{
	struct ax_sample s;

	if (!ax_task_json(t, "bn_images"))
		return 0;
	ax_setup_sample(&s, t);
	ax_task_metric_int(t, "bn_images",
			   (int64_t)AX_MIN(s.images, d->train.n));
	return s.images ? ax_reestimate(m, d, &s, err) : 0;
}

int
ax_setup_images(struct ax_images *out, struct ax_dataset *d, struct ax_task *t,
		struct ax_err *err)
{
	size_t n = ax_task_json(t, "held_out")
			   ? (size_t)ax_task_int(t, "held_out")
			   : 0;

	ax_task_metric_str(t, "part", n ? "held-out training images" : "test");
	if (n == 0) {
		*out = d->test;
		return out->n ? 0
			      : ax_err_set(err, AX_EXIT_STAGE,
					   "data set '%s' has no test images",
					   d->name);
	}
	if (n >= d->train.n)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "held_out is %zu, and data set '%s' has %zu "
				  "training images: some must be left",
				  n, d->name, d->train.n);
	d->train.n -= n;
	out->n = n;
	out->pixels = d->train.pixels + d->train.n * ax_dataset_pixels(d);
	out->labels = d->train.labels + d->train.n;
	return 0;
}

void
ax_setup_metrics(struct ax_task *t, size_t top1, size_t top5, size_t n,
		 double loss)
{
	ax_task_metric_num(t, "top1", ax_percent(top1, n));
	ax_task_metric_num(t, "top5", ax_percent(top5, n));
	ax_task_metric_num(t, "loss", loss);
	ax_task_metric_int(t, "correct", (int64_t)top1);
	ax_task_metric_int(t, "correct5", (int64_t)top5);
	ax_task_metric_int(t, "images", (int64_t)n);
}

int
ax_setup_results(struct ax_task *t, const struct ax_model *m,
		 const struct ax_trained *r, struct ax_err *err)
{
	struct ax_checkpoint c = AX_CHECKPOINT_INIT;
	const struct ax_epoch *last = r->n ? &r->history[r->n - 1] : NULL;
	int rc;

	rc = ax_model_store(m, &c, err);
	if (rc == 0)
		rc = ax_checkpoint_save(ax_task_out(t, "checkpoint"), &c, err);
	ax_checkpoint_free(&c);
	if (rc < 0 || ax_history_write(ax_task_out(t, "history"), r, err) < 0)
		return -1;
	ax_setup_metrics(t, r->top1, r->top5, r->tested, r->loss);
	ax_task_metric_int(t, "epochs", (int64_t)r->n);
	ax_task_metric_int(t, "parameters",
			   (int64_t)ax_network_trained(&m->net));
	if (last) {
		ax_task_metric_num(t, "train_accuracy", last->train_accuracy);
		ax_task_metric_num(t, "train_loss", last->train_loss);
	}
	return 0;
}
