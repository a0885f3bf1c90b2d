/* SPDX-License-Identifier: Apache-2.0 */
/* axpipe plan: what run would do, decided by the same code. */
#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/cli/cli.h"
#include "pipeline/cli/context.h"
#include "pipeline/results/tar.h"
#include "pipeline/run/run.h"

static const struct ax_option options[] = {
	{"json", 0, AX_OPT_FLAG, NULL, "print the plan as JSON"},
	{"all", 'a', AX_OPT_FLAG, NULL, "also list what will not run"},
	{NULL, 0, AX_OPT_FLAG, NULL, NULL},
};

static void
set_text(json_t *o, const char *name, const char *text)
{
	json_t *v = text ? json_string(text) : NULL;

	json_object_set_new(o, name, v ? v : json_null());
}

static void
print_json(const struct ax_run *r, bool all, const size_t *count)
{
	json_t *o = json_object(), *list = json_array(), *e;
	char hex[AX_HEX_LEN + 1], *text;

	json_object_set_new(o, "axpipe_plan", json_integer(1));
	set_text(o, "manifest", r->graph->name);
	for (size_t i = 0; i < r->graph->n; i++) {
		const struct ax_outcome *out = &r->outcomes[i];
		bool runs = out->state == AX_DIRTY || out->state == AX_MAYBE;

		if (!runs && !all)
			continue;
		e = json_object();
		set_text(e, "node", r->graph->nodes[i]->name);
		set_text(e, "stage", r->graph->nodes[i]->stage->name);
		set_text(e, "state", ax_state_name(out->state));
		set_text(e, "key",
			 out->has_key ? ax_hex(hex, &out->key) : NULL);
		set_text(e, "why", out->why);
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "nodes", list);
	json_object_set_new(o, "dirty", json_integer((json_int_t)count[0]));
	json_object_set_new(o, "maybe", json_integer((json_int_t)count[1]));
	json_object_set_new(o, "cached", json_integer((json_int_t)r->hits));
	json_object_set_new(o, "remote",
			    json_integer((json_int_t)r->remote_hits));
	json_object_set_new(o, "substituted",
			    json_integer((json_int_t)r->substituted));
	text = json_dumps(o, JSON_INDENT(2));
	printf("%s\n", text ? text : "{}");
	free(text);
	json_decref(o);
}

static void
print_counts(const size_t *count, size_t hits, size_t substituted)
{
	printf("%zu to run, %zu more that may be cut off, %zu cached, %zu "
	       "substituted\n",
	       count[0], count[1], hits, substituted);
}

static void
print_text(const struct ax_run *r, bool all, const size_t *count)
{
	for (size_t i = 0; i < r->graph->n; i++) {
		const struct ax_outcome *o = &r->outcomes[i];
		const char *name = r->graph->nodes[i]->name;

		if (o->state == AX_DIRTY)
			printf("%s: %s\n", name, o->why ? o->why : "");
		else if (o->state == AX_MAYBE)
			printf("%s: %s; may be cut off\n", name,
			       o->why ? o->why : "");
		else if (o->state == AX_FAILED)
			printf("%s: cannot run: %s\n", name,
			       o->error ? o->error : "");
		else if (all)
			printf("%s: %s\n", name, ax_state_name(o->state));
	}
	print_counts(count, r->hits, r->substituted);
	if (r->remote_hits)
		printf("%zu of the cached come from the remote cache\n",
		       r->remote_hits);
}

/* Nothing changed since a run in which nothing ran: then nothing would run, and
 * the graph need not be read to say so. */
static bool
is_done(const struct ax_args *a)
{
	static const size_t none[2];
	struct ax_stamp_command command;
	struct ax_store *store = NULL;
	struct ax_stamp stamp;
	bool fresh;

	if (ax_arg_flag(a, "json") || ax_arg_flag(a, "all") ||
	    ax_arg_flag(a, "remote") || ax_tar_is(a->operands[0]) ||
	    !ax_is_dir(ax_context_store_dir(a)) ||
	    ax_store_open(&store, ax_context_store_dir(a), true, NULL) < 0)
		return false;
	ax_context_command(&command, a);
	fresh = ax_stamp_fresh(&stamp, store, &command);
	if (fresh) {
		print_counts(none, stamp.hits, 0);
		ax_stamp_free(&stamp);
	}
	ax_store_close(store);
	return fresh;
}

static int
plan(const struct ax_args *a, struct ax_err *err)
{
	size_t count[2] = {0, 0};
	struct ax_context c;
	struct ax_run *r;
	int rc = -1;

	if (is_done(a))
		return 0;
	if (ax_context_plan(&c, a, err) < 0)
		goto out;
	r = c.run;
	for (size_t i = 0; i < r->graph->n; i++) {
		count[0] += r->outcomes[i].state == AX_DIRTY;
		count[1] += r->outcomes[i].state == AX_MAYBE;
	}
	if (ax_arg_flag(a, "json"))
		print_json(r, ax_arg_flag(a, "all"), count);
	else
		print_text(r, ax_arg_flag(a, "all"), count);
	rc = 0;
out:
	ax_context_close(&c);
	return rc;
}

const struct ax_command ax_cmd_plan = {
	.name = "plan",
	.operands = "MANIFEST [NODE...]",
	.summary = "list what run would do, and why",
	.text = "Decides as run does and stops before anything is executed, "
		"fetched or published. What depends on a node that will run is "
		"listed too, and marked \"may be cut off\": it does not run "
		"when that node's outputs come out as before.",
	.options = options,
	.shared = true,
	.min = 1,
	.max = SIZE_MAX,
	.run = plan,
};
