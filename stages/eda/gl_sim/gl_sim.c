/* SPDX-License-Identifier: Apache-2.0 */
/* A mapped netlist against a reference, in Icarus Verilog. */
#include "stages/eda/tools/icarus.h"

#include "artifacts/base/io.h"
#include "artifacts/liberty.h"
#include "artifacts/lut.h"

#define MODELS "tmp/models.v"

/* The reference that a truth table makes: its rows in their order. */
static int
from_lut(struct ax_golden *want, struct ax_task *t, struct ax_err *err)
{
	unsigned bits = (unsigned)ax_task_int(t, "width_out");
	json_t *sign = ax_task_json(t, "signed");
	struct ax_lut lut;
	int rc;

	if (ax_lut_load(&lut, ax_task_in(t, "lut"),
			sign ? json_is_true(sign) : -1, err) < 0)
		return ax_err_wrap(err, "input lut");
	rc = ax_golden_patterns(want, lut.n, lut.m, bits, lut.sign, err);
	for (size_t i = 0; rc == 0 && i < want->lines; i++) {
		int64_t v = lut.v[i];
		int64_t low =
			lut.sign && bits < 64 ? -((int64_t)1 << (bits - 1)) : 0;
		int64_t high = bits >= 33 ? INT64_MAX
			       : lut.sign ? ((int64_t)1 << (bits - 1)) - 1
					  : ((int64_t)1 << bits) - 1;
		char *r = want->text + i * want->stride + want->r_at;

		if (v < low || v > high)
			rc = ax_err_set(err, AX_EXIT_STAGE,
					"input lut holds %lld, which is no %s "
					"number of %u bits (parameter "
					"width_out)",
					(long long)v,
					lut.sign ? "signed" : "unsigned", bits);
		for (unsigned b = 0; b < bits; b++)
			r[bits - 1 - b] = (char)('0' + ((uint64_t)v >> b & 1));
	}
	if (rc < 0 && want->text)
		ax_golden_free(want);
	ax_lut_free(&lut);
	return rc;
}

static int
reference(struct ax_golden *want, struct ax_task *t, struct ax_err *err)
{
	json_t *sign = ax_task_json(t, "signed");

	if (ax_task_in(t, "golden") && ax_task_in(t, "lut"))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "inputs golden and lut are two references; "
				  "wire one of them");
	if (ax_task_in(t, "golden")) {
		if (ax_golden_load(want, ax_task_in(t, "golden"), false, err) <
		    0)
			return ax_err_wrap(err, "input golden is no reference");
		return 0;
	}
	if (ax_task_in(t, "lut"))
		return from_lut(want, t, err);
	return ax_golden_patterns(want, (unsigned)ax_task_int(t, "width_a"),
				  (unsigned)ax_task_int(t, "width_b"),
				  (unsigned)ax_task_int(t, "width_out"),
				  !sign || json_is_true(sign), err);
}

static int
generate_models(struct ax_task *t, struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	struct ax_liberty lib;
	int rc = 0;

	if (ax_liberty_load(&lib, ax_task_in(t, "liberty"), err) < 0)
		return -1;
	if (ax_liberty_verilog(&s, &lib, NULL) == 0)
		rc = ax_err_set(err, AX_EXIT_STAGE,
				"library %s has no combinational cell with a "
				"function to make a model of",
				lib.name);
	if (rc == 0)
		rc = ax_write_plain(MODELS, s.buf, s.len, err);
	ax_liberty_free(&lib);
	ax_str_free(&s);
	return rc;
}

int
ax_stage_run(struct ax_task *t, struct ax_err *err)
{
	size_t n = ax_task_in_count(t, "models"), at = 0;
	const char *results = ax_task_out(t, "results"), **files;
	struct ax_golden want = {0};
	struct ax_icarus_job job;
	int rc = -1;

	if (ax_icarus_job_of(&job, t, err) < 0)
		return -1;
	if (!n && !ax_task_in(t, "liberty"))
		return ax_err_set(
			err, AX_EXIT_USAGE,
			"wire input models (the library's Verilog) or "
			"liberty (to generate models from)");
	if (ax_mkdirs("tmp", err) < 0 || reference(&want, t, err) < 0)
		return -1;
	files = ax_calloc(n + 3, sizeof(*files));
	files[at++] = ax_task_in(t, "netlist");
	for (size_t i = 0; i < n; i++)
		files[at++] = ax_task_in_at(t, "models", i);
	if (!n) {
		if (generate_models(t, err) < 0)
			goto done;
		files[at++] = MODELS;
	}
	job.files = files;
	rc = ax_icarus_run(t, &job, &want, results, "the netlist", err);
	if (rc == 0 && (ax_task_in(t, "golden") || ax_task_in(t, "lut"))) {
		rc = ax_icarus_judge(t, &want, results, "the netlist", err);
	} else if (rc == 0) {
		ax_task_metric_int(t, "patterns", (int64_t)want.lines);
		ax_task_metric_json(t, "mismatches", json_null());
		ax_task_metric_json(t, "exhaustive", json_true());
	}
done:
	ax_golden_free(&want);
	free(files);
	return rc;
}
