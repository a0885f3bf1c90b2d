/* SPDX-License-Identifier: Apache-2.0 */
/* front.json of anybody's front, as the stage assign reads it. The tables it
 * names are one that is good and one that is not. */
#include <math.h>

#include "stages/nn/assign/library.c" /* a stage is no library */
#include "tests/fuzz/fuzz.h"

/* A task that has a front wired, and nothing else. */
const char *
ax_task_in(const struct ax_task *t, const char *name)
{
	(void)t;
	return ax_streq(name, "front") ? fuzz_dir() : NULL;
}

size_t
ax_task_in_count(const struct ax_task *t, const char *name)
{
	(void)t;
	(void)name;
	return 0;
}

const char *
ax_task_in_at(const struct ax_task *t, const char *name, size_t i)
{
	(void)t;
	(void)name;
	(void)i;
	return NULL;
}

json_t *
ax_task_in_coords(const struct ax_task *t, const char *name, size_t i)
{
	(void)t;
	(void)name;
	(void)i;
	return NULL;
}

json_t *
ax_task_json(const struct ax_task *t, const char *param)
{
	(void)t;
	(void)param;
	return NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	struct ax_err err = AX_ERR_INIT;
	struct ax_str csv = AX_STR_INIT;
	struct ax_library l;
	struct ax_lut t;

	if (!ready) {
		if (ax_lut_exact(&t, AX_LUT_MUL, 2, 2, true, &err) < 0)
			abort();
		ax_lut_write_csv(&csv, &t);
		fuzz_file("good.csv", csv.buf, csv.len);
		fuzz_file("bad.csv", "A,B,OUT\n1", 9);
		ax_lut_free(&t);
		ax_str_free(&csv);
		ready = true;
	}
	fuzz_file("front.json", data, size);
	if (ax_library_load(&l, NULL, AX_LUT_GUESS, &err) < 0) {
		FUZZ_CHECK(err.text[0] && l.n == 0);
		return 0;
	}
	FUZZ_CHECK(l.n > 0 && l.n <= AX_LIBRARY_MOST);
	for (size_t i = 0; i < l.n; i++)
		FUZZ_CHECK(l.of[i].id[0] && l.of[i].cost >= 0 &&
			   isfinite(l.of[i].cost));
	ax_library_free(&l);
	return 0;
}
