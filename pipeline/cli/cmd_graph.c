/* SPDX-License-Identifier: Apache-2.0 */
/* axpipe graph: the graph of a manifest as text for other programs. */
#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/cli/cli.h"
#include "pipeline/cli/context.h"
#include "pipeline/results/drawing.h"

static const struct ax_option options[] = {
	{"dot", 0, AX_OPT_FLAG, NULL, "for Graphviz (the default)"},
	{"mermaid", 0, AX_OPT_FLAG, NULL,
	 "for Mermaid, which Markdown viewers draw"},
	{"json", 0, AX_OPT_FLAG, NULL, "as JSON, every node with its wiring"},
	{"ninja", 0, AX_OPT_STRING, "DIR",
	 "write DIR/build.ninja, which runs the same stages without axpipe"},
	{"entries", 0, AX_OPT_FLAG, NULL,
	 "one box for each entry of the manifest, not for each of its points"},
	{"output", 'o', AX_OPT_STRING, "FILE", "write there instead of stdout"},
	{NULL, 0, AX_OPT_FLAG, NULL, NULL},
};

static int
graph(const struct ax_args *a, struct ax_err *err)
{
	const char *file = ax_arg_str(a, "output"),
		   *dir = ax_arg_str(a, "ninja");
	bool entries = ax_arg_flag(a, "entries");
	struct ax_str s = AX_STR_INIT;
	int forms = ax_arg_flag(a, "dot") + ax_arg_flag(a, "mermaid") +
		    ax_arg_flag(a, "json") + !!dir;
	struct ax_context c;
	int rc = -1;

	if (forms > 1 || (dir && (file || entries)))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "one of --dot, --mermaid, --json and --ninja "
				  "at a time; --ninja takes neither --output "
				  "nor --entries");
	if (ax_context_plan(&c, a, err) < 0)
		goto out;
	if (dir) {
		rc = ax_draw_ninja(dir, c.run, err);
		if (rc == 0)
			printf("%s/build.ninja: %zu nodes; run: ninja -C %s\n",
			       dir, c.graph->n, dir);
		goto out;
	}
	if (ax_arg_flag(a, "json"))
		ax_draw_json(&s, c.run);
	else if (ax_arg_flag(a, "mermaid"))
		ax_draw_mermaid(&s, c.run, entries);
	else
		ax_draw_dot(&s, c.run, entries);
	if (file)
		rc = ax_write_file(file, s.buf, s.len, err);
	else
		rc = fwrite(s.buf, 1, s.len, stdout) == s.len
			     ? 0
			     : ax_err_set(err, AX_EXIT_ENV, "stdout:");
out:
	ax_str_free(&s);
	ax_context_close(&c);
	return rc;
}

const struct ax_command ax_cmd_graph = {
	.name = "graph",
	.operands = "MANIFEST",
	.summary =
		"print the graph as DOT, Mermaid or JSON, or as a Ninja file",
	.text = "Shows every node with its state, decided as plan does.\n\n"
		"    axpipe graph manifest.json --entries | dot -Tsvg > "
		"graph.svg\n\n"
		"With --ninja DIR, DIR/build.ninja and a folder for each node "
		"run the same programs on the same inputs by plain ninja; "
		"outputs lie in DIR/NODE/out. Inputs that are fetched must be "
		"in the store already.",
	.options = options,
	.shared = true,
	.min = 1,
	.max = 1,
	.run = graph,
};
