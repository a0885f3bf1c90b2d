/* SPDX-License-Identifier: Apache-2.0 */
/* The procedural set: the same bytes always, and neither trivial nor noise. */
#include "artifacts/base/hash.h"
#include "artifacts/glyphs.h"
#include "tests/lib/tap.h"

static struct ax_err err;

static char *
digest(char *hex, const struct ax_dataset *d, const struct ax_images *p)
{
	struct ax_digest g =
		ax_hash_bytes(p->pixels, p->n * ax_dataset_pixels(d));

	return ax_hex(hex, &g);
}

/* Share of the first n test images whose nearest training image, by squared
 * distance, has their label; in per mille. */
static int
nearest_neighbour(const struct ax_dataset *d, size_t n)
{
	size_t pixels = ax_dataset_pixels(d), i, j, k, good = 0;

	for (i = 0; i < n; i++) {
		const uint8_t *x = d->test.pixels + i * pixels;
		uint64_t best = UINT64_MAX;
		unsigned label = 0;

		for (j = 0; j < d->train.n; j++) {
			const uint8_t *y = d->train.pixels + j * pixels;
			uint64_t s = 0;

			for (k = 0; k < pixels; k++)
				s += (uint64_t)((x[k] - y[k]) * (x[k] - y[k]));
			if (s < best) {
				best = s;
				label = d->train.labels[j];
			}
		}
		good += label == d->test.labels[i];
	}
	return (int)(good * 1000 / n);
}

int
main(void)
{
	struct ax_glyph_params g = AX_GLYPH_DEFAULTS;
	struct ax_pool *pool = ax_pool_new(3);
	struct ax_dataset a, b;
	char hex[AX_HEX_LEN + 1], hex2[AX_HEX_LEN + 1];
	uint64_t counts[AX_GLYPH_CLASSES];
	size_t i, same = 0;
	int nn;

	g.seed = 1;
	ok(ax_glyphs_make(&a, &g, NULL, &err) == 0, "the default set, seed 1");
	is_str(digest(hex, &a, &a.train),
	       "285d9a62fc1c6c18ce98df92e10d3b18c6b6565abb1473bab0e51bcf79d"
	       "90588",
	       "its training pixels");
	is_str(digest(hex, &a, &a.test),
	       "d2b7e8d416a5cc66a810504087a52ec3c16ce4422ca1972a806df06d90a"
	       "ccf14",
	       "its test pixels");
	ok(ax_glyphs_make(&b, &g, pool, &err) == 0 &&
		   strcmp(digest(hex, &a, &a.train),
			  digest(hex2, &b, &b.train)) == 0,
	   "the same from three threads");
	ax_dataset_free(&b);
	ax_images_histogram(counts, AX_GLYPH_CLASSES, &a.train);
	for (i = 0; i < AX_GLYPH_CLASSES; i++)
		same += counts[i] == 800;
	is_int(same, AX_GLYPH_CLASSES, "800 training images of each class");
	ok(a.mean[0] > 0.3 && a.mean[0] < 0.7 && a.std[0] > 0.1,
	   "mean %g, deviation %g", a.mean[0], a.std[0]);
	nn = nearest_neighbour(&a, 100);
	ok(nn > 200 && nn < 750,
	   "the nearest neighbour is right for %d in 1000: above chance, far "
	   "below a network",
	   nn);
	g.train = 1000;
	ok(ax_glyphs_make(&b, &g, NULL, &err) == 0 &&
		   memcmp(a.train.pixels, b.train.pixels,
			  1000 * ax_dataset_pixels(&a)) == 0,
	   "fewer images are the first of more");
	ax_dataset_free(&b);
	g.seed = 2;
	g.test = 1000;
	ok(ax_glyphs_make(&b, &g, NULL, &err) == 0 &&
		   memcmp(a.train.pixels, b.train.pixels,
			  1000 * ax_dataset_pixels(&a)) != 0 &&
		   memcmp(b.train.pixels, b.test.pixels, 256) != 0,
	   "another seed, and the other part, give other images");
	ax_dataset_free(&b);
	g.channels = 3;
	g.size = 32;
	g.train = g.test = 10;
	ok(ax_glyphs_make(&b, &g, NULL, &err) == 0 && b.channels == 3 &&
		   b.height == 32 && ax_dataset_pixels(&b) == 3072 &&
		   memcmp(b.train.pixels, b.train.pixels + 1024, 1024) != 0,
	   "three channels of 32x32, not equal");
	ax_dataset_free(&b);
	g.channels = 2;
	ok(ax_glyphs_make(&b, &g, NULL, &err) < 0, "two channels are refused");
	ax_dataset_free(&a);
	ax_pool_free(pool);
	return tap_done();
}
