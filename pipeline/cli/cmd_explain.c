/* SPDX-License-Identifier: Apache-2.0 */
/* axpipe explain: why a node would run, or why not. */
#include "artifacts/base/base.h"
#include "pipeline/cli/cli.h"
#include "pipeline/cli/context.h"
#include "pipeline/run/engine.h"
#include "pipeline/run/engine.h"

static const struct ax_option options[] = {
	{"components", 'c', AX_OPT_FLAG, NULL,
	 "also print the components of the key"},
	{NULL, 0, AX_OPT_FLAG, NULL, NULL},
};

static void
print_node(struct ax_run *r, const struct ax_node *n, bool components)
{
	const struct ax_outcome *o = &r->outcomes[n->index];
	struct ax_str s = AX_STR_INIT;

	ax_explain_node(&s, r, n);
	/* of what is up to date they were not kept */
	if (components && o->state == AX_HIT && !o->components)
		(void)ax_key_make(r, n, NULL);
	for (size_t i = 0; components && i < o->ncomponents; i++)
		ax_str_addf(&s, "  %s = %s\n", o->components[i].name,
			    o->components[i].value);
	fputs(s.buf, stdout);
	ax_str_free(&s);
}

static int
explain(const struct ax_args *a, struct ax_err *err)
{
	bool components = ax_arg_flag(a, "components");
	struct ax_context c;
	struct ax_run *r;
	struct ax_node **list;
	size_t n;
	int rc;

	rc = ax_context_plan(&c, a, err);
	r = c.run;
	if (rc == 0 && a->n == 1)
		for (size_t i = 0; i < r->graph->n; i++)
			print_node(r, r->graph->nodes[i], components);
	for (size_t t = 1; rc == 0 && t < a->n; t++) {
		rc = ax_graph_select(r->graph, a->operands[t], &list, &n, err);
		if (rc < 0)
			break;
		for (size_t i = 0; i < n; i++)
			print_node(r, list[i], components);
		free(list);
	}
	ax_context_close(&c);
	return rc;
}

const struct ax_command ax_cmd_explain = {
	.name = "explain",
	.operands = "MANIFEST [NODE...]",
	.summary = "say why a node would run",
	.text = "Compares the components of each node's key with those of its "
		"last run: new, evicted, changed (which component, from what "
		"to what, since which run), nondeterministic parent, previous "
		"failure, tainted, or waiting for another node.",
	.options = options,
	.shared = true,
	.min = 1,
	.max = SIZE_MAX,
	.run = explain,
};
