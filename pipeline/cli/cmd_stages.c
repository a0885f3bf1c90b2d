/* SPDX-License-Identifier: Apache-2.0 */
/* axpipe stages: the list of stages, and the manual of each. */
#include "pipeline/cli/context.h"
#include "pipeline/manifest/describe.h"
#include "pipeline/manifest/place.h"

/* The stages that were named, or all. Caller frees. */
static const struct ax_stage **
choose(const struct ax_stages *all, const struct ax_args *a, size_t *n,
       struct ax_err *err)
{
	const struct ax_stage **list =
		ax_calloc(AX_MAX(all->n, a->n), sizeof(*list));
	const char **names;
	char *hint;

	*n = 0;
	for (size_t i = 0; !a->n && i < all->n; i++)
		list[(*n)++] = all->list[i];
	for (size_t i = 0; i < a->n; i++) {
		list[(*n)++] = ax_stages_find(all, a->operands[i]);
		if (list[i])
			continue;
		names = ax_calloc(all->n, sizeof(*names));
		for (size_t k = 0; k < all->n; k++)
			names[k] = all->list[k]->name;
		hint = ax_suggest(a->operands[i], names, all->n, "there are");
		ax_err_set(err, AX_EXIT_USAGE, "no stage is named '%s'%s",
			   a->operands[i], hint);
		free(hint);
		free(names);
		free(list);
		return NULL;
	}
	return list;
}

static void
print_list(struct ax_str *s, const struct ax_stage **list, size_t n)
{
	size_t width = 0;

	for (size_t i = 0; i < n; i++)
		width = AX_MAX(width, strlen(list[i]->name));
	for (size_t i = 0; i < n; i++)
		ax_str_addf(s, "%-*s  %s\n", (int)width, list[i]->name,
			    list[i]->summary);
}

static void
print_json(struct ax_str *s, const struct ax_stage **list, size_t n, bool one)
{
	json_t *all = json_array(), *copy;

	for (size_t i = 0; i < n; i++) {
		copy = json_copy(list[i]->json.root);
		json_object_set_new(copy, "folder", json_string(list[i]->dir));
		json_array_append_new(all, copy);
	}
	ax_json_pretty(s, one ? json_array_get(all, 0) : all);
	json_decref(all);
}

static int
run(const struct ax_args *a, struct ax_err *err)
{
	const struct ax_stage **list = NULL;
	struct ax_str s = AX_STR_INIT;
	struct ax_context c;
	size_t n = 0;
	int rc;

	rc = ax_context_open(&c, a, NULL, AX_CONTEXT_NO_STORE, err);
	if (rc == 0 && !(list = choose(&c.stages, a, &n, err)))
		rc = -1;
	if (rc == 0) {
		if (ax_arg_flag(a, "json")) {
			print_json(&s, list, n, a->n == 1);
		} else if (ax_arg_flag(a, "names")) {
			for (size_t i = 0; i < n; i++)
				ax_str_addf(&s, "%s\n", list[i]->name);
		} else if (ax_arg_flag(a, "markdown")) {
			for (size_t i = 0; i < n; i++)
				ax_describe_markdown(&s, list[i]);
		} else if (a->n) {
			for (size_t i = 0; i < n; i++) {
				ax_str_add(&s, i ? "\n\n" : "");
				ax_describe_text(&s, list[i]);
			}
		} else {
			print_list(&s, list, n);
		}
		fputs(s.buf ? s.buf : "", stdout);
		if (!n)
			fputs("axpipe: no stages are found; see --stages\n",
			      stderr);
	}
	ax_str_free(&s);
	free(list);
	ax_context_close(&c);
	return rc;
}

static const struct ax_option options[] = {
	{"stages", 0, AX_OPT_MANY, "DIR",
	 "a folder of stages, searched before $AXPIPE_STAGES and the built-in "
	 "ones"},
	{"json", 0, AX_OPT_FLAG, NULL, "print what stage.json says"},
	{"markdown", 0, AX_OPT_FLAG, NULL, "print the manual as Markdown"},
	{"names", 0, AX_OPT_FLAG, NULL, "print the names only"},
	{NULL, 0, AX_OPT_FLAG, NULL, NULL},
};

const struct ax_command ax_cmd_stages = {
	.name = "stages",
	.operands = "[NAME...]",
	.summary = "list the stages, or print the manual of some",
	.text = "Stages are searched in every folder given with --stages, then "
		"in those of\n"
		"AXPIPE_STAGES, then among those that come with axpipe. The "
		"manual is made from\n"
		"each one's stage.json.\n",
	.options = options,
	.max = SIZE_MAX,
	.run = run,
};
