/* SPDX-License-Identifier: Apache-2.0 */
/* axpipe check: every claimed number against what the store holds. */
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "pipeline/results/claims.h"
#include "pipeline/cli/cli.h"
#include "pipeline/cli/check_rebuild.h"
#include "pipeline/cli/context.h"
#include "pipeline/results/tighten.h"

static const struct ax_option options[] = {
	{"json", 0, AX_OPT_FLAG, NULL, "print the verdicts as JSON"},
	{"tap", 0, AX_OPT_FLAG, NULL, "print them as TAP, for prove"},
	{"junit", 0, AX_OPT_FLAG, NULL, "print them as JUnit XML"},
	{"markdown", 0, AX_OPT_FLAG, NULL, "print them as a Markdown table"},
	{"tighten", 0, AX_OPT_FLAG, NULL,
	 "propose closer bounds from what recorded runs measured"},
	{"runs", 0, AX_OPT_NUMBER, "N",
	 "--tighten: look at the newest N runs (default 100)"},
	{"margin", 0, AX_OPT_NUMBER, "PERCENT",
	 "--tighten: room beside what was seen (default 1)"},
	{"output", 'o', AX_OPT_STRING, "FILE", "write there instead of stdout"},
	{"rebuild", 0, AX_OPT_FLAG, NULL,
	 "run nodes again in clean folders, and compare all that they leave"},
	{"rounds", 0, AX_OPT_NUMBER, "N",
	 "with --rebuild: so many times (default 1)"},
	{"audit", 0, AX_OPT_FLAG, NULL,
	 "with --rebuild: name what stages touch without declaring it"},
	{"sandbox", 0, AX_OPT_FLAG, NULL,
	 "with --rebuild: refuse it, and cut the network"},
	{NULL, 0, AX_OPT_FLAG, NULL, NULL},
};

static void
render(struct ax_str *s, const struct ax_args *a, const struct ax_claims *c,
       const char *name)
{
	json_t *j;
	char *text;

	if (ax_arg_flag(a, "json")) {
		j = ax_claims_json(c);
		text = json_dumps(j, JSON_INDENT(2));
		ax_str_addf(s, "%s\n", text);
		free(text);
		json_decref(j);
	} else if (ax_arg_flag(a, "tap")) {
		ax_claims_tap(s, c);
	} else if (ax_arg_flag(a, "junit")) {
		ax_claims_junit(s, c, name);
	} else if (ax_arg_flag(a, "markdown")) {
		ax_claims_markdown(s, c);
	} else {
		ax_claims_table(s, c,
				isatty(STDOUT_FILENO) &&
					!ax_arg_str(a, "output"));
	}
}

static int
tighten(struct ax_str *s, const struct ax_args *a, const struct ax_context *c,
	const struct ax_claims *claims, struct ax_err *err)
{
	double runs = ax_arg_num(a, "runs", 100);
	double margin = ax_arg_num(a, "margin", 1);
	struct ax_tighter *list;
	json_t *j;
	size_t n;

	if (!(runs >= 1 && runs <= 1e6) || !(margin >= 0 && margin <= 1000))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "--runs is at least 1, --margin a percentage "
				  "from 0 to 1000");
	if (ax_tighten(&list, &n, c->store, c->graph->name, claims,
		       (size_t)runs, margin / 100, err) < 0)
		return -1;
	if (ax_arg_flag(a, "json")) {
		j = ax_tighten_json(list, n);
		ax_json_pretty(s, j);
		json_decref(j);
	} else {
		ax_tighten_table(s, list, n);
	}
	free(list);
	return 0;
}

/* The names of `list` that were given; NULL-terminated. */
static size_t
given(const struct ax_args *a, const char *const *list)
{
	size_t n = 0;

	for (size_t i = 0; list[i]; i++)
		n += ax_arg_flag(a, list[i]);
	return n;
}

/* No option is passed over in silence. */
static int
consistent(const struct ax_args *a, struct ax_err *err)
{
	static const char *const formats[] = {"json", "tap", "junit",
					      "markdown", NULL},
				 *const verdicts[] = {"tap", "junit",
						      "markdown", NULL},
				 *const limits[] = {"runs", "margin", NULL},
				 *const again[] = {"rounds", "audit", "sandbox",
						   NULL},
				 *const claims[] = {"tighten", "output", NULL};
	bool rebuild = ax_arg_flag(a, "rebuild");
	bool tighten = ax_arg_flag(a, "tighten");

	if (given(a, formats) > 1)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "one of --json, --tap, --junit and "
				  "--markdown at a time");
	if ((rebuild || tighten) && given(a, verdicts))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "--tap, --junit and --markdown are for the "
				  "verdicts on claims; %s prints text or "
				  "--json",
				  rebuild ? "--rebuild" : "--tighten");
	if (rebuild && given(a, claims))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "--tighten and --output are for claims; "
				  "--rebuild compares files, and prints to "
				  "stdout");
	if (!rebuild && (a->n > 1 || given(a, again)))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "NODE, --rounds, --audit and --sandbox want "
				  "--rebuild");
	if (!tighten && given(a, limits))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "--runs and --margin want --tighten");
	return 0;
}

static int
check(const struct ax_args *a, struct ax_err *err)
{
	const char *file = ax_arg_str(a, "output");
	struct ax_claims claims = {0};
	struct ax_str text = AX_STR_INIT;
	struct ax_context c;
	int rc = -1;

	if (consistent(a, err) < 0)
		return -1;
	if (ax_arg_flag(a, "rebuild"))
		return ax_check_rebuild(a, err);
	if (ax_context_plan(&c, a, err) < 0 ||
	    ax_claims_check(&claims, c.run, err) < 0)
		goto out;
	if (ax_arg_flag(a, "tighten")) {
		if (tighten(&text, a, &c, &claims, err) < 0)
			goto out;
	} else {
		render(&text, a, &claims, c.graph->name);
	}
	if (file) {
		if (ax_write_file(file, text.buf, text.len, err) < 0)
			goto out;
	} else {
		fwrite(text.buf, 1, text.len, stdout);
		fflush(stdout);
	}
	rc = 0;
	if (claims.fails || claims.missing)
		rc = ax_err_set(err, AX_EXIT_CLAIM,
				"%zu of %zu claims do not hold (%zu differ, "
				"%zu have no value%s)",
				claims.fails + claims.missing, claims.n,
				claims.fails, claims.missing,
				claims.missing ? "; has 'axpipe run' finished?"
					       : "");
out:
	ax_str_free(&text);
	ax_claims_free(&claims);
	ax_context_close(&c);
	return rc;
}

const struct ax_command ax_cmd_check = {
	.name = "check",
	.operands = "MANIFEST [NODE...]",
	.summary = "compare every claimed number with what was measured",
	.text = "Reads the claims of the manifest and the metrics of its nodes "
		"from the store; runs nothing. A claim holds, fails, or has no "
		"value because its node has not run. Exit code 4 unless all "
		"hold.\n\n"
		"With --tighten, every limit is set beside the range that the "
		"recorded runs measured; one that lies farther out than that "
		"range's own width (at least --margin of the value) is "
		"proposed to move there. Nothing is changed.\n\n"
		"With --rebuild nodes (all, or those that NODE selects) run "
		"again instead, each in a clean folder, and every output and "
		"metric is compared with what the store holds. Each file that "
		"differs is listed with its first differing byte, sizes and "
		"digests, and both sides are kept in the store's rebuild "
		"folder. Exit code 4 when a node that is not declared "
		"non-deterministic differs, does not run any more, or was "
		"never run.",
	.options = options,
	.shared = true,
	.min = 1,
	.max = SIZE_MAX,
	.run = check,
};
