/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/glyphs.h"

#include "artifacts/base/rng.h"

/*
 * All of it is integers: positions in 1/256 pixel, angles in 1/256 turn,
 * shares in 1/256. The sine of a quarter turn, times 2^14, rounded.
 */
static const int16_t quarter[65] = {
	0,     402,   804,   1205,  1606,  2006,  2404,  2801,  3196,  3590,
	3981,  4370,  4756,  5139,  5520,  5897,  6270,  6639,  7005,  7366,
	7723,  8076,  8423,  8765,  9102,  9434,  9760,  10080, 10394, 10702,
	11003, 11297, 11585, 11866, 12140, 12406, 12665, 12916, 13160, 13395,
	13623, 13842, 14053, 14256, 14449, 14635, 14811, 14978, 15137, 15286,
	15426, 15557, 15679, 15791, 15893, 15986, 16069, 16143, 16207, 16261,
	16305, 16340, 16364, 16379, 16384,
};

static int64_t
sine(int angle)
{
	int a = angle & 255, b = a & 127;
	int v = quarter[b <= 64 ? b : 128 - b];

	return a < 128 ? v : -v;
}

/*
 * A stroke of a glyph on a square of -100..100, y downwards: a line from
 * (a,b) to (c,d), or an arc around (a,b) with radii c, d from angle `from`
 * over `sweep` (which is 0 for a line).
 */
struct stroke {
	int a, b, c, d;
	int from, sweep;
};

#define STROKES 4
#define ARC_STEPS 16

/* Letters that share most of their strokes: O C D, P R K, F E, H N. */
static const struct {
	int n;
	struct stroke s[STROKES];
} glyphs[AX_GLYPH_CLASSES] = {
	/* O */ {1, {{0, 0, 70, 90, 0, 256}}},
	/* C */ {1, {{0, 0, 75, 90, 28, 200}}},
	/* D */
	{2, {{-60, -90, -60, 90, 0, 0}, {-60, 0, 120, 90, 192, 128}}},
	/* P */
	{2, {{-55, -90, -55, 90, 0, 0}, {-55, -42, 105, 48, 192, 128}}},
	/* R */
	{3,
	 {{-55, -90, -55, 90, 0, 0},
	  {-55, -42, 105, 48, 192, 128},
	  {-40, 6, 55, 90, 0, 0}}},
	/* F */
	{3,
	 {{-50, -90, -50, 90, 0, 0},
	  {-50, -90, 60, -90, 0, 0},
	  {-50, -5, 40, -5, 0, 0}}},
	/* E */
	{4,
	 {{-50, -90, -50, 90, 0, 0},
	  {-50, -90, 60, -90, 0, 0},
	  {-50, -5, 40, -5, 0, 0},
	  {-50, 90, 60, 90, 0, 0}}},
	/* H */
	{3,
	 {{-60, -90, -60, 90, 0, 0},
	  {60, -90, 60, 90, 0, 0},
	  {-60, 0, 60, 0, 0, 0}}},
	/* N */
	{3,
	 {{-60, -90, -60, 90, 0, 0},
	  {60, -90, 60, 90, 0, 0},
	  {-60, -90, 60, 90, 0, 0}}},
	/* K */
	{3,
	 {{-55, -90, -55, 90, 0, 0},
	  {55, -90, -50, 10, 0, 0},
	  {-30, -5, 60, 90, 0, 0}}},
};

const char *
ax_glyph_name(unsigned label)
{
	static const char *const names[AX_GLYPH_CLASSES] = {
		"O", "C", "D", "P", "R", "F", "E", "H", "N", "K"};

	return label < AX_GLYPH_CLASSES ? names[label] : "?";
}

/* Uniform in low..high. */
static int64_t
draw(struct ax_rng *r, int64_t low, int64_t high)
{
	return low + (int64_t)ax_rng_below(r, (uint32_t)(high - low + 1));
}

/* The whole part of a square root. */
static int64_t
root(int64_t x)
{
	int64_t r = 0, bit = (int64_t)1 << 40;

	while (bit > x)
		bit >>= 2;
	for (; bit; bit >>= 2) {
		if (x >= r + bit) {
			x -= r + bit;
			r = (r >> 1) + bit;
		} else {
			r >>= 1;
		}
	}
	return r;
}

struct point {
	int64_t x, y;
};

/* From the square of the glyph to the pixels of the image. */
struct pose {
	int64_t m[4]; /* 2x2, times 2^14, in 1/256 pixel for one unit */
	struct point centre;
};

static struct point
place(const struct pose *p, int64_t x, int64_t y)
{
	return (struct point){p->centre.x + (p->m[0] * x + p->m[1] * y) / 16384,
			      p->centre.y +
				      (p->m[2] * x + p->m[3] * y) / 16384};
}

/* How much of a pixel a stroke of radius r covers: 0..256, falling over one
 * pixel around its edge. Keeps the largest of all strokes. */
static void
cover(uint16_t *mask, int size, struct point a, struct point b, int64_t r)
{
	int64_t dx = b.x - a.x, dy = b.y - a.y, len = dx * dx + dy * dy;
	int x, y;

	for (y = 0; y < size; y++)
		for (x = 0; x < size; x++) {
			int64_t px = x * 256 + 128 - a.x;
			int64_t py = y * 256 + 128 - a.y;
			int64_t t = px * dx + py * dy, d, c;

			t = AX_MIN(AX_MAX(t, 0), len);
			if (len) {
				px -= dx * t / len;
				py -= dy * t / len;
			}
			d = px * px + py * py;
			/* far away: spare the root */
			if (d >= (r + 128) * (r + 128))
				continue;
			c = AX_MIN(AX_MAX(r + 128 - root(d), 0), 256);
			if (c > mask[y * size + x])
				mask[y * size + x] = (uint16_t)c;
		}
}

static void
draw_stroke(uint16_t *mask, int size, const struct pose *p,
	    const struct stroke *s, const int64_t wobble[4], int64_t r)
{
	struct point last = {0, 0};
	int i;

	if (s->sweep == 0) {
		cover(mask, size, place(p, s->a + wobble[0], s->b + wobble[1]),
		      place(p, s->c + wobble[2], s->d + wobble[3]), r);
		return;
	}
	for (i = 0; i <= ARC_STEPS; i++) {
		int angle = s->from + s->sweep * i / ARC_STEPS;
		struct point q = place(
			p,
			s->a + wobble[0] +
				(s->c + wobble[2]) * sine(angle + 64) / 16384,
			s->b + wobble[1] +
				(s->d + wobble[3]) * sine(angle) / 16384);

		if (i)
			cover(mask, size, last, q, r);
		last = q;
	}
}

/* Turned, stretched, sheared and moved. */
static struct pose
draw_pose(struct ax_rng *r, int size, int jitter)
{
	/* half the glyph's height: 30 to 40 % of the image, for 100 units */
	int64_t scale = size * 256 * draw(r, 30, 40) / 100;
	int64_t sx = scale * draw(r, 80, 110) / 100;
	int angle = (int)draw(r, -18 * jitter / 100, 18 * jitter / 100);
	int64_t shear = draw(r, -4096 * jitter / 100, 4096 * jitter / 100);
	int64_t c = sine(angle + 64), s = sine(angle);
	int64_t span = size * 256 * 12 / 100 * jitter / 100;
	struct pose p;

	p.m[0] = c * sx / 100;
	p.m[1] = (c * shear / 16384 - s) * scale / 100;
	p.m[2] = s * sx / 100;
	p.m[3] = (s * shear / 16384 + c) * scale / 100;
	p.centre.x = size * 128 + draw(r, -span, span);
	p.centre.y = size * 128 + draw(r, -span, span);
	return p;
}

/* A smooth ground: values on a grid of 5x5, bilinear between them. */
static void
draw_ground(struct ax_rng *r, int64_t *out, int size, int64_t level,
	    int64_t swing)
{
	int64_t grid[5][5];
	int x, y, i, j;

	for (j = 0; j < 5; j++)
		for (i = 0; i < 5; i++)
			grid[j][i] = level + draw(r, -swing, swing);
	for (y = 0; y < size; y++)
		for (x = 0; x < size; x++) {
			int64_t gx = (int64_t)x * 1024 / size;
			int64_t gy = (int64_t)y * 1024 / size;
			int64_t fx = gx % 256, fy = gy % 256;
			const int64_t *a = grid[gy / 256] + gx / 256;
			const int64_t *b = grid[gy / 256 + 1] + gx / 256;

			out[y * size + x] =
				((a[0] * (256 - fx) + a[1] * fx) * (256 - fy) +
				 (b[0] * (256 - fx) + b[1] * fx) * fy) /
				65536;
		}
}

/* Roughly normal: the sum of eight draws, deviation about 1.63 * swing. */
static int64_t
draw_noise(struct ax_rng *r, int64_t swing)
{
	uint64_t bits = ax_rng_u64(r);
	int64_t sum = 0;
	int i;

	for (i = 0; i < 8; i++)
		sum += (int64_t)(bits >> 8 * i & 255);
	return (sum - 1020) * swing / 128;
}

static void
draw_image(uint8_t *out, uint16_t *mask, uint16_t *stray, int64_t *ground,
	   unsigned label, const struct ax_glyph_params *g, struct ax_rng *r)
{
	int size = (int)g->size, area = size * size, i, k;
	struct pose pose = draw_pose(r, size, (int)g->jitter);
	int64_t wobble[STROKES][4], wob = 14 * (int64_t)g->jitter / 100;
	int64_t thick = size * 256 * draw(r, 35, 60) / 1000;
	bool dark = ax_rng_below(r, 2) != 0;
	int64_t contrast = draw(r, 64, 144);
	int64_t level = draw(r, 40, 90), noise, share = draw(r, 110, 200);
	int n_stray = (int)draw(r, 0, (int64_t)g->strays);
	int bx, by, bw, bh;

	memset(mask, 0, (size_t)area * sizeof(*mask));
	memset(stray, 0, (size_t)area * sizeof(*stray));
	for (i = 0; i < STROKES; i++)
		for (k = 0; k < 4; k++)
			wobble[i][k] = draw(r, -wob, wob);
	for (i = 0; i < glyphs[label].n; i++)
		draw_stroke(mask, size, &pose, &glyphs[label].s[i], wobble[i],
			    thick / 2);
	for (i = 0; i < n_stray; i++) {
		int64_t x = draw(r, 0, size * 256);
		struct point a = {x, draw(r, 0, size * 256)};
		int angle = (int)draw(r, 0, 255);
		int64_t len = size * 256 * draw(r, 15, 40) / 100;
		struct point b = {a.x + len * sine(angle + 64) / 16384,
				  a.y + len * sine(angle) / 16384};

		cover(stray, size, a, b, thick / 2);
	}
	for (i = 0; i < area; i++) {
		int64_t s = stray[i] * share / 256;

		mask[i] = (uint16_t)AX_MAX((int64_t)mask[i], s);
	}
	/* a rectangle in which the ground covers the ink */
	bw = size * (int)draw(r, 0, (int64_t)g->occlusion) / 100;
	bh = size * (int)draw(r, 0, (int64_t)g->occlusion) / 100;
	bx = (int)draw(r, 0, size - bw);
	by = (int)draw(r, 0, size - bh);
	for (k = by; k < by + bh; k++)
		for (i = bx; i < bx + bw; i++)
			mask[k * size + i] = 0;
	noise = draw(r, (int64_t)g->noise / 2, (int64_t)g->noise);
	for (k = 0; k < (int)g->channels; k++) {
		/* each channel has its own ground and a little of its own
		 * contrast; one polarity for all */
		int64_t c = contrast * draw(r, g->channels > 1 ? 60 : 100, 100);

		draw_ground(r, ground, size, level, 30);
		for (i = 0; i < area; i++) {
			int64_t v = ground[i] + c * mask[i] / 25600;

			if (dark)
				v = 255 - v;
			v += draw_noise(r, noise);
			*out++ = (uint8_t)AX_MIN(AX_MAX(v, 0), 255);
		}
	}
}

int
ax_glyphs_check(const struct ax_glyph_params *g, struct ax_err *err)
{
	if (g->size < 8 || g->size > 128 ||
	    (g->channels != 1 && g->channels != 3) || g->noise > 200 ||
	    g->jitter > 200 || g->strays > 20 || g->occlusion > 100 ||
	    g->train > 10000000 || g->test > 10000000 ||
	    (g->train == 0 && g->test == 0))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "glyphs: size must lie in 8..128, channels "
				  "be 1 or 3, noise and jitter in 0..200, "
				  "strays in 0..20, occlusion in 0..100, the "
				  "counts in 0..10000000");
	return 0;
}

struct job {
	const struct ax_glyph_params *g;
	struct ax_images *part;
	const char *purpose;
	size_t pixels;
};

#define BLOCK 64

static void
draw_block(void *arg, size_t block, unsigned thread)
{
	const struct job *j = arg;
	size_t area = j->g->size * j->g->size, i;
	uint16_t *mask = ax_calloc(area, sizeof(*mask));
	uint16_t *stray = ax_calloc(area, sizeof(*stray));
	int64_t *ground = ax_calloc(area, sizeof(*ground));

	(void)thread;
	for (i = block * BLOCK; i < j->part->n && i < (block + 1) * BLOCK;
	     i++) {
		struct ax_rng r = ax_rng(j->g->seed, j->purpose, i);
		unsigned label = (unsigned)(i % AX_GLYPH_CLASSES);

		j->part->labels[i] = (uint16_t)label;
		draw_image(j->part->pixels + i * j->pixels, mask, stray, ground,
			   label, j->g, &r);
	}
	free(mask);
	free(stray);
	free(ground);
}

static void
draw_part(struct ax_images *part, size_t n, const struct ax_glyph_params *g,
	  const char *purpose, struct ax_pool *pool)
{
	struct job j = {g, part, purpose, g->channels * g->size * g->size};

	part->n = n;
	part->pixels = ax_calloc(n + 1, j.pixels);
	part->labels = ax_calloc(n + 1, sizeof(*part->labels));
	ax_pool_for(pool, (n + BLOCK - 1) / BLOCK, draw_block, &j);
}

int
ax_glyphs_make(struct ax_dataset *out, const struct ax_glyph_params *g,
	       struct ax_pool *pool, struct ax_err *err)
{
	memset(out, 0, sizeof(*out));
	if (ax_glyphs_check(g, err) < 0)
		return -1;
	out->name = ax_strdup("glyphs");
	out->channels = g->channels;
	out->height = out->width = g->size;
	out->classes = AX_GLYPH_CLASSES;
	draw_part(&out->train, g->train, g, "glyphs-train", pool);
	draw_part(&out->test, g->test, g, "glyphs-test", pool);
	ax_dataset_measure(out);
	return 0;
}
