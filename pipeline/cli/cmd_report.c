/* SPDX-License-Identifier: Apache-2.0 */
/* axpipe report: the HTML page of what the store holds for a manifest. */
#include "artifacts/base/base.h"
#include "pipeline/cli/cli.h"
#include "pipeline/cli/context.h"
#include "pipeline/results/report.h"

static const struct ax_option options[] = {
	{"output", 'o', AX_OPT_STRING, "FILE",
	 "where to write (default axpipe-report/NAME.html)"},
	{NULL, 0, AX_OPT_FLAG, NULL, NULL},
};

static int
report(const struct ax_args *a, struct ax_err *err)
{
	const char *given = ax_arg_str(a, "output");
	struct ax_context c;
	char *path = NULL;
	int rc = -1;

	if (ax_context_plan(&c, a, err) < 0)
		goto out;
	path = given ? ax_strdup(given)
		     : ax_asprintf("axpipe-report/%s.html", c.graph->name);
	rc = ax_report_write(c.run, path, err);
	if (rc == 0)
		printf("%s\n", path);
out:
	free(path);
	ax_context_close(&c);
	return rc;
}

const struct ax_command ax_cmd_report = {
	.name = "report",
	.operands = "MANIFEST",
	.summary = "write one HTML file with figures, claims and metrics",
	.text = "The file opens offline. Figures are written beside it as SVG, "
		"their points as CSV. What has not run yet is shown as "
		"missing.",
	.options = options,
	.shared = true,
	.min = 1,
	.max = 1,
	.run = report,
};
