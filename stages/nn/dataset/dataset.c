/* SPDX-License-Identifier: Apache-2.0 */
/* The stage `dataset`: published files, or glyphs, to one data set. */
#include "artifacts/base/hash.h"
#include "artifacts/dataset.h"
#include "artifacts/dataset_read.h"
#include "artifacts/glyphs.h"
#include "artifacts/png.h"
#include "stages/kit/kit.h"

#define SHEET_CLASSES 20
#define SHEET_COLUMNS 20
#define SHEET_SIDE 16384

/* --- reading -------------------------------------------------------------- */

/* A file that looks like IDX is one of two kinds; the name says only "idx". */
static bool
same_format(const char *want, enum ax_dataset_format f)
{
	return ax_streq(want, ax_dataset_format_name(f));
}

static enum ax_dataset_format
binary_of(const char *format)
{
	return ax_streq(format, "cifar100-bin")  ? AX_DS_CIFAR100_BIN
	       : ax_streq(format, "cifar10-bin") ? AX_DS_CIFAR10_BIN
						 : AX_DS_UNKNOWN;
}

static int
read_part(struct ax_task *t, struct ax_raw_part *part, const char *input,
	  const char **format, struct ax_err *err)
{
	size_t n = ax_task_in_count(t, input), i;

	for (i = 0; i < n; i++) {
		const char *path = ax_task_in_at(t, input, i);
		enum ax_dataset_format f;
		uint8_t *bytes;
		size_t len;
		int rc;

		if (ax_dataset_slurp(&bytes, &len, path, err) < 0)
			return -1;
		f = ax_dataset_detect(bytes, len);
		/* rows without a header: what was asked for decides */
		if (binary_of(*format) != AX_DS_UNKNOWN)
			f = binary_of(*format);
		if (f == AX_DS_UNKNOWN) {
			rc = ax_err_set(
				err, AX_EXIT_STAGE,
				"%s: %zu bytes that are no data set known here "
				"(or the rows of two); give the parameter "
				"'format'",
				path, len);
		} else if (!ax_streq(*format, "auto") &&
			   !same_format(*format, f)) {
			rc = ax_err_set(err, AX_EXIT_STAGE,
					"%s: this looks like %s, format says "
					"%s",
					path, ax_dataset_format_name(f),
					*format);
		} else {
			*format = ax_dataset_format_name(f);
			rc = ax_dataset_read(part, f, path, bytes, len, err);
		}
		free(bytes);
		if (rc < 0)
			return -1;
		ax_task_progress(t, (double)(i + 1), (double)n, "%s: %s", input,
				 *format);
	}
	if (n && (!part->has_pixels || !part->has_labels))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "input '%s' has no file of %s; wire both of "
				  "the part's IDX files",
				  input,
				  part->has_pixels ? "labels" : "images");
	return 0;
}

static size_t
classes_of(const char *format, const struct ax_dataset *d)
{
	size_t high = 0, i;

	if (ax_starts(format, "cifar100"))
		return 100;
	if (ax_starts(format, "cifar10"))
		return 10;
	for (i = 0; i < d->train.n; i++)
		high = AX_MAX(high, (size_t)d->train.labels[i]);
	for (i = 0; i < d->test.n; i++)
		high = AX_MAX(high, (size_t)d->test.labels[i]);
	return high + 1;
}

static int
read_files(struct ax_task *t, struct ax_dataset *d, const char **format,
	   struct ax_err *err)
{
	struct ax_raw_part train = {0}, test = {0}, *geometry;
	int rc = -1;

	if (read_part(t, &train, "train", format, err) < 0 ||
	    read_part(t, &test, "test", format, err) < 0)
		goto done;
	if (!train.images.n && !test.images.n) {
		ax_err_set(err, AX_EXIT_USAGE,
			   "format %s: neither input 'train' nor 'test' is "
			   "wired (only glyphs needs no files)",
			   *format);
		goto done;
	}
	if (train.images.n && test.images.n &&
	    (train.channels != test.channels || train.height != test.height ||
	     train.width != test.width)) {
		ax_err_set(err, AX_EXIT_STAGE,
			   "training images are [%zu,%zu,%zu], test images "
			   "[%zu,%zu,%zu]",
			   train.channels, train.height, train.width,
			   test.channels, test.height, test.width);
		goto done;
	}
	geometry = train.images.n ? &train : &test;
	d->channels = geometry->channels;
	d->height = geometry->height;
	d->width = geometry->width;
	d->train = train.images;
	d->test = test.images;
	memset(&train, 0, sizeof(train));
	memset(&test, 0, sizeof(test));
	d->classes = classes_of(*format, d);
	ax_dataset_measure(d);
	rc = 0;
done:
	ax_raw_part_free(&train);
	ax_raw_part_free(&test);
	return rc;
}

static int
draw_glyphs(struct ax_task *t, struct ax_dataset *d, struct ax_err *err)
{
	struct ax_glyph_params g = AX_GLYPH_DEFAULTS;

	if (ax_task_in_count(t, "train") || ax_task_in_count(t, "test"))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "format glyphs draws its images; it takes no "
				  "inputs");
	g.seed = (uint64_t)ax_task_int(t, "seed");
	if (ax_task_int(t, "train_count"))
		g.train = (size_t)ax_task_int(t, "train_count");
	if (ax_task_int(t, "test_count"))
		g.test = (size_t)ax_task_int(t, "test_count");
	g.size = (size_t)ax_task_int(t, "size");
	g.channels = (size_t)ax_task_int(t, "channels");
	g.noise = (size_t)ax_task_int(t, "noise");
	g.jitter = (size_t)ax_task_int(t, "jitter");
	g.strays = (size_t)ax_task_int(t, "strays");
	g.occlusion = (size_t)ax_task_int(t, "occlusion");
	return ax_glyphs_make(d, &g, ax_task_pool(t), err);
}

/* --- parameters that hold for any format ---------------------------------- */

static int
given_numbers(struct ax_task *t, const char *param, double *out,
	      const struct ax_dataset *d, struct ax_err *err)
{
	json_t *v = ax_task_json(t, param);
	size_t i;

	if (!v)
		return 0;
	if (json_array_size(v) != d->channels)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "parameter '%s' has %zu numbers, the images "
				  "have %zu channels",
				  param, json_array_size(v), d->channels);
	for (i = 0; i < d->channels; i++)
		out[i] = json_number_value(json_array_get(v, i));
	return 0;
}

static int
check_labels(const struct ax_images *part, const char *name, size_t classes,
	     struct ax_err *err)
{
	size_t i;

	for (i = 0; i < part->n; i++)
		if (part->labels[i] >= classes)
			return ax_err_set(err, AX_EXIT_USAGE,
					  "parameter 'classes' is %zu, but %s "
					  "image %zu has label %u",
					  classes, name, i, part->labels[i]);
	return 0;
}

static int
settle(struct ax_task *t, struct ax_dataset *d, const char *format,
       struct ax_err *err)
{
	uint64_t seed = (uint64_t)ax_task_int(t, "seed");
	size_t pixels = ax_dataset_pixels(d), i;
	const char *name = ax_task_str(t, "name");

	free(d->name);
	d->name = ax_strdup(name ? name : format);
	if (ax_task_json(t, "classes"))
		d->classes = (size_t)ax_task_int(t, "classes");
	if (check_labels(&d->train, "training", d->classes, err) < 0 ||
	    check_labels(&d->test, "test", d->classes, err) < 0 ||
	    given_numbers(t, "mean", d->mean, d, err) < 0 ||
	    given_numbers(t, "std", d->std, d, err) < 0)
		return -1;
	for (i = 0; i < d->channels; i++)
		if (!ax_dataset_is_normal(d, i))
			return ax_err_set(err, AX_EXIT_USAGE,
					  "parameters 'mean' and 'std': with "
					  "mean %g and deviation %g of channel "
					  "%zu pixels are no finite numbers",
					  d->mean[i], d->std[i], i);
	ax_images_subset(&d->train, pixels,
			 (size_t)ax_task_int(t, "train_count"), seed,
			 "train-subset");
	ax_images_subset(&d->test, pixels, (size_t)ax_task_int(t, "test_count"),
			 seed, "test-subset");
	return 0;
}

/* --- the contact sheet ---------------------------------------------------- */

struct sheet {
	size_t width, height, zoom;
	unsigned channels;
	uint8_t *pixels;
};

static void
put_image(struct sheet *s, const struct ax_dataset *d, const uint8_t *image,
	  size_t row, size_t column)
{
	size_t top = row * (d->height * s->zoom + 1) + 1;
	size_t left = column * (d->width * s->zoom + 1) + 1;
	size_t area = d->height * d->width, x, y;
	unsigned c;

	for (y = 0; y < d->height * s->zoom; y++)
		for (x = 0; x < d->width * s->zoom; x++)
			for (c = 0; c < s->channels; c++)
				s->pixels[((top + y) * s->width + left + x) *
						  s->channels +
					  c] = image[c * area +
						     y / s->zoom * d->width +
						     x / s->zoom];
}

static int
write_preview(const char *path, const struct ax_dataset *d, struct ax_err *err)
{
	const struct ax_images *part = d->train.n ? &d->train : &d->test;
	size_t rows = AX_MIN(d->classes, (size_t)SHEET_CLASSES), i, r;
	size_t side = AX_MAX(d->height, d->width);
	size_t filled[SHEET_CLASSES] = {0}, columns = SHEET_COLUMNS;
	struct sheet s;
	int rc;

	s.zoom = AX_MAX((size_t)48 / side, (size_t)1);
	s.channels = d->channels == 3 ? 3 : 1;
	/* readers let no side beyond 4096 pixels pass, so that one fits */
	columns = AX_MIN(columns, SHEET_SIDE / (d->width * s.zoom + 1));
	rows = AX_MIN(rows, SHEET_SIDE / (d->height * s.zoom + 1));
	s.width = columns * (d->width * s.zoom + 1) + 1;
	s.height = rows * (d->height * s.zoom + 1) + 1;
	s.pixels = ax_malloc(s.width * s.height * s.channels);
	memset(s.pixels, 128, s.width * s.height * s.channels);
	for (i = 0; i < part->n; i++) {
		r = part->labels[i];
		if (r >= rows || filled[r] == columns)
			continue;
		put_image(&s, d, part->pixels + i * ax_dataset_pixels(d), r,
			  filled[r]++);
	}
	rc = ax_png_save(path, s.width, s.height, s.channels, s.pixels, err);
	free(s.pixels);
	return rc;
}

/* --- metrics -------------------------------------------------------------- */

static void
part_metrics(struct ax_task *t, const struct ax_dataset *d,
	     const struct ax_images *part, const char *name)
{
	uint64_t *counts = ax_calloc(d->classes, sizeof(*counts));
	struct ax_digest digest =
		ax_hash_bytes(part->pixels, part->n * ax_dataset_pixels(d));
	char hex[AX_HEX_LEN + 1], key[64];
	json_t *list = json_array();
	size_t i;

	ax_task_metric_int(t, name, (int64_t)part->n);
	ax_images_histogram(counts, d->classes, part);
	for (i = 0; i < d->classes; i++)
		json_array_append_new(list,
				      json_integer((json_int_t)counts[i]));
	snprintf(key, sizeof(key), "%s_histogram", name);
	ax_task_metric_json(t, key, list);
	snprintf(key, sizeof(key), "%s_sha256", name);
	ax_task_metric_str(t, key, ax_hex(hex, &digest));
	free(counts);
}

static void
metrics(struct ax_task *t, const struct ax_dataset *d, const char *format)
{
	json_t *mean = json_array(), *std = json_array();
	size_t i;

	part_metrics(t, d, &d->train, "train");
	part_metrics(t, d, &d->test, "test");
	ax_task_metric_int(t, "classes", (int64_t)d->classes);
	ax_task_metric_int(t, "channels", (int64_t)d->channels);
	ax_task_metric_int(t, "height", (int64_t)d->height);
	ax_task_metric_int(t, "width", (int64_t)d->width);
	ax_task_metric_str(t, "format", format);
	for (i = 0; i < d->channels; i++) {
		json_array_append_new(mean, json_real(d->mean[i]));
		json_array_append_new(std, json_real(d->std[i]));
	}
	ax_task_metric_json(t, "mean", mean);
	ax_task_metric_json(t, "std", std);
}

int
ax_stage_run(struct ax_task *t, struct ax_err *err)
{
	const char *format = ax_task_str(t, "format");
	struct ax_dataset d = {0};
	int rc;

	rc = ax_streq(format, "glyphs") ? draw_glyphs(t, &d, err)
					: read_files(t, &d, &format, err);
	if (rc == 0)
		rc = settle(t, &d, format, err);
	if (rc == 0)
		rc = ax_dataset_save(ax_task_out(t, "dataset"), &d, err);
	if (rc == 0)
		rc = write_preview(ax_task_out(t, "preview"), &d, err);
	if (rc == 0)
		metrics(t, &d, format);
	ax_dataset_free(&d);
	return rc;
}
