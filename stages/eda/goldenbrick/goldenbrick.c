/* SPDX-License-Identifier: Apache-2.0 */
/* Stage goldenbrick: the exact table of an operation, as text and .npy. */
#include <errno.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/lut.h"
#include "stages/kit/kit.h"

static char *
put_text(char *p, const char *text)
{
	size_t n = strlen(text);

	memcpy(p, text, n);
	return p + n;
}

/* The low `width` bits, highest first; two's complement for negatives. */
static char *
put_bits(char *p, int32_t v, unsigned width)
{
	for (unsigned i = width; i-- > 0;)
		*p++ = (char)('0' + ((uint32_t)v >> i & 1));
	return p;
}

static int
write_text(FILE *f, const struct ax_lut *t, unsigned result_bits)
{
	int32_t a0 = ax_lut_a_min(t), b0 = ax_lut_b_min(t);
	const int32_t *v = t->v;
	/* "A = ", " B = ", " RESULT = ", at most 12 + 12 + 24 digits */
	char line[80];

	for (int32_t a = a0; a < a0 + (1 << t->n); a++) {
		for (int32_t b = b0; b < b0 + (1 << t->m); b++) {
			char *p = put_text(line, "A = ");

			p = put_bits(p, a, t->n);
			p = put_text(p, " B = ");
			p = put_bits(p, b, t->m);
			p = put_text(p, " RESULT = ");
			p = put_bits(p, *v++, result_bits);
			*p++ = '\n';
			if (fwrite(line, 1, (size_t)(p - line), f) !=
			    (size_t)(p - line))
				return -1;
		}
	}
	return 0;
}

int
ax_stage_run(struct ax_task *t, struct ax_err *err)
{
	bool mul = ax_streq(ax_task_str(t, "op"), "mul");
	unsigned n = (unsigned)ax_task_int(t, "width_a");
	unsigned m = (unsigned)ax_task_int(t, "width_b");
	unsigned bits = mul ? n + m : AX_MAX(n, m) + 1;
	const char *path = ax_task_out(t, "golden");
	struct ax_str npy = AX_STR_INIT;
	struct ax_lut lut;
	int32_t min, max;
	FILE *f;
	int rc;

	if (ax_lut_exact(&lut, mul ? AX_LUT_MUL : AX_LUT_ADD, n, m,
			 ax_task_bool(t, "signed"), err) < 0)
		return -1;
	f = fopen(path, "w");
	if (!f) {
		rc = ax_err_set(err, AX_EXIT_ENV, "cannot write %s:", path);
	} else {
		rc = write_text(f, &lut, bits);
		if (fclose(f) != 0 || rc < 0)
			rc = ax_err_set(err, AX_EXIT_ENV,
					"cannot write %s:", path);
	}
	if (rc == 0)
		rc = ax_lut_write_npy(&npy, &lut, err);
	if (rc == 0)
		rc = ax_write_plain(ax_task_out(t, "table"), npy.buf, npy.len,
				    err);
	min = max = lut.v[0];
	for (size_t i = 0; i < ax_lut_size(&lut); i++) {
		min = AX_MIN(min, lut.v[i]);
		max = AX_MAX(max, lut.v[i]);
	}
	ax_task_metric_int(t, "pairs", (int64_t)ax_lut_size(&lut));
	ax_task_metric_int(t, "result_bits", bits);
	ax_task_metric_int(t, "min", min);
	ax_task_metric_int(t, "max", max);
	ax_str_free(&npy);
	ax_lut_free(&lut);
	return rc;
}
