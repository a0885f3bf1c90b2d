/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/engine/evaluation.h"

#include <math.h>

#include "artifacts/base/rng.h"

double
ax_percent(size_t part, size_t n)
{
	return n ? 100 * (double)part / (double)n : NAN;
}

static void
one_image(float *out, const struct ax_dataset *d, const uint8_t *pixels,
	  float (*normal)[256], ptrdiff_t dy, ptrdiff_t dx, bool flip)
{
	ptrdiff_t h = (ptrdiff_t)d->height, w = (ptrdiff_t)d->width, y, x;
	ptrdiff_t sy, sx;
	size_t c;

	for (c = 0; c < d->channels; c++, pixels += h * w)
		for (y = 0; y < h; y++)
			for (x = 0; x < w; x++) {
				sy = y + dy;
				sx = (flip ? w - 1 - x : x) + dx;
				*out++ = sy < 0 || sy >= h || sx < 0 || sx >= w
						 ? normal[c][0]
						 : normal[c]
							 [pixels[sy * w + sx]];
			}
}

void
ax_batch(float *out, const struct ax_dataset *d, const struct ax_images *images,
	 const uint32_t *index, size_t n, const struct ax_augment *a,
	 uint64_t first)
{
	float normal[AX_DATASET_CHANNELS][256];
	size_t pixels = ax_dataset_pixels(d), i;
	ptrdiff_t dy, dx;
	struct ax_rng r;
	bool flip;

	ax_dataset_normal(normal, d);
	for (i = 0; i < n; i++) {
		dy = dx = 0;
		flip = false;
		if (a && (a->crop || a->flip)) {
			uint32_t range = (uint32_t)(2 * a->crop + 1);

			r = ax_rng(a->seed, "augment", first + i);
			dy = (ptrdiff_t)ax_rng_below(&r, range) -
			     (ptrdiff_t)a->crop;
			dx = (ptrdiff_t)ax_rng_below(&r, range) -
			     (ptrdiff_t)a->crop;
			flip = (ax_rng_u32(&r) & 1) && a->flip;
		}
		one_image(out + i * pixels, d,
			  images->pixels + index[i] * pixels, normal, dy, dx,
			  flip);
	}
}

int
ax_evaluate(struct ax_evaluation *out, struct ax_model *m,
	    const struct ax_dataset *d, const struct ax_images *images,
	    size_t n, size_t batch, const struct ax_watch *watch,
	    struct ax_err *err)
{
	size_t pixels = ax_dataset_pixels(d), classes = m->net.classes;
	size_t at, len, i, rank, j, best;
	size_t rows = AX_MIN(batch, AX_MIN(n, images->n));
	uint32_t *index = ax_calloc(rows, sizeof(*index));
	float *x = ax_aligned(rows * pixels, sizeof(*x));
	double start = ax_now();
	const float *logits;
	char text[120];

	memset(out, 0, sizeof(*out));
	out->n = AX_MIN(n, images->n);
	out->of_class = ax_calloc(classes, sizeof(*out->of_class));
	out->right = ax_calloc(classes, sizeof(*out->right));
	out->predicted = ax_calloc(out->n + 1, sizeof(*out->predicted));
	for (at = 0; at < out->n; at += len) {
		len = AX_MIN(batch, out->n - at);
		for (i = 0; i < len; i++) {
			index[i] = (uint32_t)(at + i);
			if (images->labels[at + i] < classes)
				continue;
			ax_err_set(err, AX_EXIT_STAGE,
				   "data set '%s': image %zu has label %u, the "
				   "network '%s' has %zu classes",
				   d->name, at + i, images->labels[at + i],
				   m->net.name, classes);
			goto fail;
		}
		ax_batch(x, d, images, index, len, NULL, 0);
		logits = ax_model_forward(m, x, len, false);
		for (i = 0; i < len; i++, logits += classes) {
			size_t label = images->labels[at + i];

			out->loss += ax_cross_entropy(logits, classes, label, 0,
						      &rank, NULL, 0);
			/* of what is no number none comes first */
			if (!isfinite(out->loss)) {
				ax_err_set(err, AX_EXIT_STAGE,
					   "the network '%s' answers image %zu "
					   "with what is no number: its "
					   "parameters are too large for "
					   "float32",
					   m->net.name, at + i);
				goto fail;
			}
			for (j = 1, best = 0; j < classes; j++)
				if (logits[j] > logits[best])
					best = j;
			out->predicted[at + i] = (uint16_t)best;
			out->of_class[label]++;
			out->right[label] += best == label;
			out->top1 += best == label;
			out->top5 += rank < 5;
		}
		if (!watch)
			continue;
		snprintf(text, sizeof(text),
			 "%zu of %zu images, %.0f/s, %.2f %%", at + len, out->n,
			 (double)(at + len) / (ax_now() - start + 1e-9),
			 ax_percent(out->top1, at + len));
		watch->tell(watch->arg, (double)(at + len), (double)out->n,
			    text);
	}
	free(index);
	free(x);
	return 0;
fail:
	free(index);
	free(x);
	ax_evaluation_free(out);
	return -1;
}

void
ax_evaluation_free(struct ax_evaluation *e)
{
	free(e->of_class);
	free(e->right);
	free(e->predicted);
	memset(e, 0, sizeof(*e));
}
