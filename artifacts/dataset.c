/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/dataset.h"

#include <math.h>

#include "artifacts/base/json.h"
#include "artifacts/base/rng.h"
#include "artifacts/checkpoint.h"

#define FORMAT "axpipe-dataset-1"

void
ax_dataset_free(struct ax_dataset *d)
{
	if (!d)
		return;
	free(d->name);
	free(d->train.pixels);
	free(d->train.labels);
	free(d->test.pixels);
	free(d->test.labels);
	memset(d, 0, sizeof(*d));
}

size_t
ax_dataset_pixels(const struct ax_dataset *d)
{
	return d->channels * d->height * d->width;
}

/* --- the file ------------------------------------------------------------- */

/* "0.5071 0.4865 0.4409" */
static int
get_numbers(double *out, size_t n, const struct ax_checkpoint *c,
	    const char *key, struct ax_err *err)
{
	const char *p = ax_checkpoint_meta(c, key);
	size_t i;

	for (i = 0; p && i < n; i++) {
		char *end;

		out[i] = strtod(p, &end);
		if (end == p || !isfinite(out[i]))
			p = NULL;
		else
			p = end;
	}
	if (!p || *p)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "metadata '%s' must hold %zu numbers", key,
				  n);
	return 0;
}

/* Takes the pixels and labels of a part out of the checkpoint. */
static int
get_part(struct ax_dataset *d, struct ax_images *part,
	 const struct ax_checkpoint *c, const char *images, const char *labels,
	 struct ax_err *err)
{
	struct ax_tensor *x = ax_checkpoint_get(c, images), *y;
	char text[256];
	size_t i;

	if (!x || x->dtype != AX_U8 || x->ndim != 4)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "tensor '%s' must be u8[N,C,H,W]%s%s", images,
				  x ? ", it is " : "; there is none",
				  x ? ax_tensor_text(text, sizeof(text), x)
				    : "");
	y = ax_checkpoint_need(c, labels, AX_U16, 1, x->dim, err);
	if (!y)
		return -1;
	if (d->channels == 0) {
		d->channels = x->dim[1];
		d->height = x->dim[2];
		d->width = x->dim[3];
	}
	if (x->dim[1] != d->channels || x->dim[2] != d->height ||
	    x->dim[3] != d->width || d->channels == 0 || d->height == 0 ||
	    d->width == 0 || d->channels > AX_DATASET_CHANNELS)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "tensor '%s' is %s: both parts must hold "
				  "images of one size and 1 to %d channels",
				  images, ax_tensor_text(text, sizeof(text), x),
				  AX_DATASET_CHANNELS);
	for (i = 0; i < y->n; i++)
		if (y->u16[i] >= d->classes)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "tensor '%s': label %u of image %zu "
					  "is not below the %zu classes",
					  labels, y->u16[i], i, d->classes);
	part->n = y->n;
	part->pixels = x->u8;
	part->labels = y->u16;
	/* the checkpoint must not free what it no longer owns */
	x->data = NULL;
	y->data = NULL;
	return 0;
}

static int
from_checkpoint(struct ax_dataset *d, const struct ax_checkpoint *c,
		struct ax_err *err)
{
	const char *classes = ax_checkpoint_meta(c, "classes");
	const char *name = ax_checkpoint_meta(c, "name");
	const char *format = ax_checkpoint_meta(c, "format");
	char *end = NULL;
	size_t i;

	if (!ax_streq(format, FORMAT))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "metadata 'format' is '%s', not '" FORMAT
				  "'; make the file with the stage 'dataset'",
				  format ? format : "(none)");
	if (classes && *classes >= '0' && *classes <= '9')
		d->classes = strtoul(classes, &end, 10);
	if (!end || *end || d->classes == 0 || d->classes > AX_DATASET_CLASSES)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "metadata 'classes' must be a number from 1 "
				  "to %d",
				  AX_DATASET_CLASSES);
	d->name = ax_strdup(name ? name : "dataset");
	if (get_part(d, &d->train, c, "train_images", "train_labels", err) <
		    0 ||
	    get_part(d, &d->test, c, "test_images", "test_labels", err) < 0 ||
	    get_numbers(d->mean, d->channels, c, "mean", err) < 0 ||
	    get_numbers(d->std, d->channels, c, "std", err) < 0)
		return -1;
	for (i = 0; i < d->channels; i++)
		if (!ax_dataset_is_normal(d, i))
			return ax_err_set(
				err, AX_EXIT_STAGE,
				"metadata 'mean' and 'std' do not turn "
				"pixels into finite numbers");
	return 0;
}

int
ax_dataset_load(struct ax_dataset *out, const char *path, struct ax_err *err)
{
	struct ax_checkpoint c;
	int rc;

	memset(out, 0, sizeof(*out));
	if (ax_checkpoint_load(&c, path, err) < 0)
		return -1;
	rc = from_checkpoint(out, &c, err);
	ax_checkpoint_free(&c);
	if (rc < 0) {
		ax_dataset_free(out);
		return ax_err_wrap(err, "%s: not a data set", path);
	}
	return 0;
}

static int
put_part(struct ax_checkpoint *c, const struct ax_dataset *d,
	 const struct ax_images *part, const char *images, const char *labels,
	 struct ax_err *err)
{
	size_t dim[4] = {part->n, d->channels, d->height, d->width};
	struct ax_tensor *x = ax_checkpoint_add(c, images, AX_U8, 4, dim, err);
	struct ax_tensor *y = ax_checkpoint_add(c, labels, AX_U16, 1, dim, err);

	if (!x || !y)
		return -1;
	if (part->n) {
		memcpy(x->data, part->pixels, x->bytes);
		memcpy(y->data, part->labels, y->bytes);
	}
	return 0;
}

static void
put_numbers(struct ax_checkpoint *c, const char *key, const double *v, size_t n)
{
	struct ax_str s = AX_STR_INIT;
	size_t i;

	for (i = 0; i < n; i++) {
		if (i)
			ax_str_addc(&s, ' ');
		ax_str_add_num(&s, v[i]);
	}
	ax_checkpoint_set_meta(c, key, s.buf ? s.buf : "");
	ax_str_free(&s);
}

int
ax_dataset_save(const char *path, const struct ax_dataset *d,
		struct ax_err *err)
{
	struct ax_checkpoint c = AX_CHECKPOINT_INIT;
	char classes[32];
	int rc = -1;

	snprintf(classes, sizeof(classes), "%zu", d->classes);
	ax_checkpoint_set_meta(&c, "format", FORMAT);
	ax_checkpoint_set_meta(&c, "name", d->name);
	ax_checkpoint_set_meta(&c, "classes", classes);
	put_numbers(&c, "mean", d->mean, d->channels);
	put_numbers(&c, "std", d->std, d->channels);
	if (put_part(&c, d, &d->train, "train_images", "train_labels", err) ==
		    0 &&
	    put_part(&c, d, &d->test, "test_images", "test_labels", err) == 0)
		rc = ax_checkpoint_save(path, &c, err);
	ax_checkpoint_free(&c);
	return rc;
}

/* --- numbers -------------------------------------------------------------- */

bool
ax_dataset_is_normal(const struct ax_dataset *d, size_t channel)
{
	float mean = (float)d->mean[channel], std = (float)d->std[channel];

	return std > 0 && isfinite(std) && isfinite((0.0f - mean) / std) &&
	       isfinite((1.0f - mean) / std);
}

void
ax_dataset_normal(float table[][256], const struct ax_dataset *d)
{
	size_t c;
	int v;

	for (c = 0; c < d->channels; c++) {
		float mean = (float)d->mean[c], std = (float)d->std[c];

		for (v = 0; v < 256; v++) {
			float x = (float)v / 255.0f;

			x = x - mean;
			table[c][v] = x / std;
		}
	}
}

static double
four_decimals(double x)
{
	return floor(x * 10000 + 0.5) / 10000;
}

void
ax_dataset_measure(struct ax_dataset *d)
{
	const struct ax_images *p = d->train.n ? &d->train : &d->test;
	size_t area = d->height * d->width, i, k, c;

	for (c = 0; c < d->channels; c++) {
		uint64_t count[256] = {0}, sum = 0, squares = 0;
		double n = (double)p->n * (double)area, mean, var;

		for (i = 0; i < p->n; i++) {
			const uint8_t *x =
				p->pixels + (i * d->channels + c) * area;

			for (k = 0; k < area; k++)
				count[x[k]]++;
		}
		for (k = 0; k < 256; k++) {
			sum += k * count[k];
			squares += k * k * count[k];
		}
		mean = n > 0 ? (double)sum / n : 0;
		var = n > 0 ? (double)squares / n - mean * mean : 0;
		d->mean[c] = four_decimals(mean / 255);
		d->std[c] = var > 0 ? four_decimals(sqrt(var) / 255) : 0;
		if (!(d->std[c] > 0))
			d->std[c] = 1;
	}
}

void
ax_images_subset(struct ax_images *part, size_t pixels, size_t n, uint64_t seed,
		 const char *purpose)
{
	struct ax_rng r = ax_rng(seed, purpose, 0);
	size_t i, kept = 0;

	if (n == 0 || n >= part->n)
		return;
	/* selection sampling (Knuth, volume 2, algorithm S): in order, and
	 * every subset of n equally likely */
	for (i = 0; i < part->n && kept < n; i++) {
		if (seed &&
		    ax_rng_below(&r, (uint32_t)(part->n - i)) >= n - kept)
			continue;
		memmove(part->pixels + kept * pixels, part->pixels + i * pixels,
			pixels);
		part->labels[kept++] = part->labels[i];
	}
	part->n = kept;
}

void
ax_images_histogram(uint64_t *counts, size_t classes,
		    const struct ax_images *part)
{
	size_t i;

	memset(counts, 0, classes * sizeof(*counts));
	for (i = 0; i < part->n; i++)
		counts[part->labels[i]]++;
}
