/* SPDX-License-Identifier: Apache-2.0 */
/* axpipe status: the state of every node, from the store alone. */
#include "artifacts/base/base.h"
#include "pipeline/cli/cli.h"
#include "pipeline/cli/context.h"
#include "pipeline/run/engine.h"

static const struct ax_option options[] = {
	{"json", 0, AX_OPT_FLAG, NULL, "print the states as JSON"},
	{NULL, 0, AX_OPT_FLAG, NULL, NULL},
};

static const char *
word(const struct ax_run *r, const struct ax_node *n)
{
	const struct ax_outcome *o = &r->outcomes[n->index];
	const struct ax_past *past =
		ax_journal_find(r->engine->journal, n->name);

	if (o->state == AX_DIRTY && past && past->failed &&
	    ax_digest_eq(&past->failed_key, &o->key))
		return "failed";
	if (o->state == AX_DIRTY)
		return past && past->ok ? "stale" : "new";
	if (o->state == AX_MAYBE)
		return "waits";
	return ax_state_name(o->state);
}

static void
print_text(const struct ax_run *r)
{
	size_t width = 4;

	for (size_t i = 0; i < r->graph->n; i++)
		width = AX_MAX(width, strlen(r->graph->nodes[i]->name));
	width = AX_MIN(width, (size_t)60);
	for (size_t i = 0; i < r->graph->n; i++) {
		const struct ax_node *n = r->graph->nodes[i];
		const struct ax_outcome *o = &r->outcomes[i];
		char when[40] = "";
		time_t t = (time_t)o->started;
		struct tm tm;

		if (o->state == AX_HIT) {
			gmtime_r(&t, &tm);
			strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
			printf("%-*s  %-11s  %s  %9.1f s\n", (int)width,
			       n->name, word(r, n), when,
			       o->ended - o->started);
		} else {
			printf("%-*s  %-11s  %s\n", (int)width, n->name,
			       word(r, n), o->why ? o->why : "");
		}
	}
}

static void
print_json(const struct ax_run *r)
{
	json_t *o = json_object(), *list = json_array(), *e, *v;
	char hex[AX_HEX_LEN + 1], *text;

	json_object_set_new(o, "axpipe_status", json_integer(1));
	for (size_t i = 0; i < r->graph->n; i++) {
		const struct ax_node *n = r->graph->nodes[i];
		const struct ax_outcome *out = &r->outcomes[i];

		e = json_object();
		json_object_set_new(e, "node", json_string(n->name));
		json_object_set_new(e, "stage", json_string(n->stage->name));
		json_object_set_new(e, "state", json_string(word(r, n)));
		json_object_set_new(
			e, "key",
			out->has_key ? json_string(ax_hex(hex, &out->key))
				     : json_null());
		v = out->why ? json_string(out->why) : NULL;
		json_object_set_new(e, "why", v ? v : json_null());
		if (out->state == AX_HIT) {
			json_object_set_new(e, "started",
					    json_real(out->started));
			json_object_set_new(
				e, "seconds",
				json_real(out->ended - out->started));
		}
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "nodes", list);
	text = json_dumps(o, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	printf("%s\n", text ? text : "{}");
	free(text);
	json_decref(o);
}

static int
status(const struct ax_args *a, struct ax_err *err)
{
	struct ax_context c;
	int rc;

	rc = ax_context_plan(&c, a, err);
	if (rc == 0 && ax_arg_flag(a, "json"))
		print_json(c.run);
	else if (rc == 0)
		print_text(c.run);
	ax_context_close(&c);
	return rc;
}

const struct ax_command ax_cmd_status = {
	.name = "status",
	.operands = "MANIFEST",
	.summary = "show the state of every node",
	.text = "cached: it is in the store, with when it ran and how long. "
		"new, stale, failed: it would run. waits: it depends on one "
		"that would. substituted, unneeded: see 'pin' in the "
		"manifest's "
		"manual.",
	.options = options,
	.shared = true,
	.min = 1,
	.max = 1,
	.run = status,
};
