/* SPDX-License-Identifier: Apache-2.0 */
/* axpipe diff: two recorded runs side by side. */
#include "artifacts/base/base.h"
#include "cache/store.h"
#include "pipeline/cli/cli.h"
#include "pipeline/cli/context.h"
#include "pipeline/results/rundiff.h"

extern const struct ax_command ax_cmd_diff;

static const struct ax_option options[] = {
	{"store", 0, AX_OPT_STRING, "DIR",
	 "the store (default $AXPIPE_STORE, else .axpipe)"},
	{"json", 0, AX_OPT_FLAG, NULL, "print JSON"},
	{"exit-code", 0, AX_OPT_FLAG, NULL,
	 "end with 4 when the runs differ in anything"},
	{NULL, 0, AX_OPT_FLAG, NULL, NULL},
};

/* Digests and keys are shown short. */
static void
print_value(const char *text, const char *section)
{
	size_t n = text ? strlen(text) : 0;
	const char *p = text;

	if (!text) {
		fputs("(none)", stdout);
		return;
	}
	if (n == AX_HEX_LEN + 2 && *p == '"' &&
	    strspn(p + 1, "0123456789abcdef") == AX_HEX_LEN) {
		p++;
		n -= 2;
	}
	if (n == AX_HEX_LEN &&
	    (ax_streq(section, "key") || ax_streq(section, "output") ||
	     ax_streq(section, "input") || ax_streq(section, "tool")))
		n = 8;
	printf("%.*s%s", (int)AX_MIN(n, (size_t)200), p, n > 200 ? "..." : "");
}

static void
print_text(const struct ax_rundiff *d)
{
	static const struct {
		const char *section, *title;
	} parts[] = {{"manifest", "manifest"}, {"input", "inputs"},
		     {"tool", "tools"},        {"key", "keys"},
		     {"output", "outputs"},    {"metric", "metrics"},
		     {"claim", "claims"}};

	printf("run %s against run %s\n", d->id[0], d->id[1]);
	for (size_t k = 0; k < AX_LEN(parts); k++) {
		bool any = false;

		for (size_t i = 0; i < d->n; i++) {
			const struct ax_row_diff *r = &d->rows[i];

			if (!ax_streq(r->section, parts[k].section))
				continue;
			if (!any)
				printf("%s:\n", parts[k].title);
			any = true;
			printf("  %s: ", r->name);
			print_value(r->before, r->section);
			printf(" -> ");
			print_value(r->after, r->section);
			if (r->note)
				printf(" (%s)", r->note);
			printf("\n");
		}
	}
	if (d->n == 0)
		printf("the same manifest, inputs, tools, keys, outputs, "
		       "metrics and claims\n");
}

static void
set_text(json_t *o, const char *name, const char *text)
{
	json_t *v = text ? json_string(text) : NULL;

	json_object_set_new(o, name, v ? v : json_null());
}

static void
print_json(const struct ax_rundiff *d)
{
	json_t *o = json_object(), *runs = json_array(), *list = json_array();
	char *text;

	for (int i = 0; i < 2; i++) {
		json_t *r = json_object();

		set_text(r, "run", d->id[i]);
		set_text(r, "rev", d->commit[i]);
		json_array_append_new(runs, r);
	}
	for (size_t i = 0; i < d->n; i++) {
		const struct ax_row_diff *r = &d->rows[i];
		json_t *e = json_object();

		set_text(e, "section", r->section);
		set_text(e, "name", r->name);
		set_text(e, "before", r->before);
		set_text(e, "after", r->after);
		set_text(e, "note", r->note);
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "axpipe_diff", json_integer(1));
	json_object_set_new(o, "runs", runs);
	json_object_set_new(o, "same", json_boolean(d->n == 0));
	json_object_set_new(o, "differences", list);
	text = json_dumps(o, JSON_INDENT(2));
	printf("%s\n", text ? text : "{}");
	free(text);
	json_decref(o);
}

static int
run(const struct ax_args *a, struct ax_err *err)
{
	struct ax_rundiff d;
	struct ax_store *s;
	int rc;

	if (ax_store_open(&s, ax_context_store_dir(a), true, err) < 0)
		return -1;
	rc = ax_rundiff(&d, s, a->operands[0], a->operands[1], err);
	if (rc == 0) {
		if (ax_arg_flag(a, "json"))
			print_json(&d);
		else
			print_text(&d);
		if (d.n && ax_arg_flag(a, "exit-code"))
			rc = AX_EXIT_CLAIM;
	}
	ax_rundiff_free(&d);
	ax_store_close(s);
	return rc;
}

const struct ax_command ax_cmd_diff = {
	.name = "diff",
	.operands = "RUN RUN",
	.summary = "say what two recorded runs have not in common",
	.text = "Compares manifest, inputs, tools, keys (with the components "
		"that differ, while both records are in the store), digests of "
		"outputs, metrics and claims. RUN is the name of a manifest "
		"(its last run), NAME~1 (the one before), a commit of the "
		"store's runs.git, or a run id as `axpipe log --json` prints "
		"it. An output that differs although its key does not is "
		"marked.",
	.options = options,
	.min = 2,
	.max = 2,
	.run = run,
};
