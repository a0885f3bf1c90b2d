/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/engine/rows.h"

#include "artifacts/base/base.h"

static void
words(uint8_t *to, const uint16_t *v, unsigned span)
{
	memcpy(to, v, span * sizeof(*v));
}

static void
bytes(uint8_t *to, const uint16_t *v, unsigned span)
{
	unsigned i;

	for (i = 0; i < span; i++) {
		to[i] = (uint8_t)v[i];
		to[span + i] = (uint8_t)(v[i] >> 8);
	}
}

/* Nothing of use for greater values: view->sevens says so. */
static void
sevens(uint8_t *to, const uint16_t *v, unsigned span)
{
	unsigned i;

	for (i = 0; i < span; i++) {
		to[i] = v[i] & 127;
		to[span + i] = v[i] >> 7 & 127;
	}
}

static void
steps(uint8_t *to, const uint16_t *v, unsigned span)
{
	unsigned i;

	bytes(to, v, span);
	for (i = span; i-- > 0;) {
		if (i % 128 < 16)
			continue;
		to[i] ^= to[i - 16];
		to[span + i] ^= to[span + i - 16];
	}
}

static void (*const writers[AX_ROWS_LAYOUTS])(uint8_t *, const uint16_t *,
					      unsigned) = {words, bytes, sevens,
							   steps};

static void
view(struct ax_lut_rows_view *r, const int32_t (*value)[256], unsigned span)
{
	uint16_t v[256];
	unsigned w, a, part, l;
	uint32_t range = 0;
	int32_t most;

	r->span = span;
	for (w = 0; w < 256; w++) {
		r->least[w] = most = value[w][0];
		for (a = 1; a < span; a++) {
			r->least[w] = AX_MIN(r->least[w], value[w][a]);
			most = AX_MAX(most, value[w][a]);
		}
		range = AX_MAX(range, (uint32_t)most - (uint32_t)r->least[w]);
	}
	r->words = range > 65535 ? 2 : 1;
	if (!ax_streq(getenv("AXPIPE_TABLES"), "rows")) {
		r->bytes = range < 256;
		r->sevens = range < 1 << 14;
	}
	for (l = 0; l < AX_ROWS_LAYOUTS; l++)
		r->rows[l] = ax_aligned(r->words, AX_ROWS_BLOCK(span));
	for (part = 0; part < r->words; part++)
		for (w = 0; w < 256; w++) {
			for (a = 0; a < span; a++)
				v[a] = (uint16_t)(((uint32_t)value[w][a] -
						   (uint32_t)r->least[w]) >>
						  16 * part);
			for (l = 0; l < AX_ROWS_LAYOUTS; l++)
				writers[l](r->rows[l] +
						   part * AX_ROWS_BLOCK(span) +
						   w * AX_ROWS_STRIDE(span),
					   v, span);
		}
}

/* The view of what a signed table adds to the product, where that is little.
 * Codes that do not occur must not widen the range here, either. */
static void
errors(struct ax_lut_rows_view *r, const struct ax_lut *t)
{
	int b0 = ax_lut_b_min(t), b1 = b0 + (1 << t->m), b, a, in;
	int32_t(*e)[256] = ax_calloc(256, sizeof(*e));

	for (b = b0; b < b1; b++)
		for (a = 0; a < 128; a++) {
			in = a < 1 << (t->n - 1) ? a : 0;
			e[b & 255][a] =
				(int32_t)((uint32_t)ax_lut_at(t, in, b) -
					  (uint32_t)(in * b));
		}
	view(r, (const int32_t(*)[256])e, 128);
	free(e);
}

void
ax_lut_rows_init(struct ax_lut_rows *r, const int32_t (*value)[256],
		 const struct ax_lut *t)
{
	unsigned w, a;
	int64_t v;

	memset(r, 0, sizeof(*r));
	view(&r->half, value, 128);
	view(&r->full, value, 256);
	if (t->sign)
		errors(&r->errors, t);
	for (w = 0; w < 256; w++)
		for (a = 0; a < 256; a++) {
			v = value[w][a];
			r->most = AX_MAX(r->most, v < 0 ? -v : v);
		}
}

void
ax_lut_rows_free(struct ax_lut_rows *r)
{
	unsigned l;

	for (l = 0; l < AX_ROWS_LAYOUTS; l++) {
		free(r->half.rows[l]);
		free(r->full.rows[l]);
		free(r->errors.rows[l]);
	}
	memset(r, 0, sizeof(*r));
}
