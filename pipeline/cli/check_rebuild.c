/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/cli/check_rebuild.h"

#include "artifacts/base/base.h"
#include "pipeline/cli/context.h"
#include "pipeline/run/rebuild.h"

#define MAX_ROUNDS 1000

struct totals {
	size_t same, differ, free, failed, absent, strayed;
	int exit;
};

static void
add_size(struct ax_str *s, const struct ax_difference *d, int side)
{
	char hex[AX_HEX_LEN + 1];

	ax_hex(hex, &d->digest[side]);
	ax_str_addf(s, "%" PRIu64 " bytes %.8s", d->size[side], hex);
}

static void
print_difference(const struct ax_difference *d)
{
	struct ax_str s = AX_STR_INIT;

	ax_str_addf(&s, "  %s (round %u): ", d->path, d->round);
	if (d->before && d->now)
		ax_str_addf(&s,
			    "differs from byte %" PRIu64 " on: ", d->at + 1);
	if (d->before)
		add_size(&s, d, 0);
	if (d->before && d->now)
		ax_str_add(&s, " -> ");
	if (d->now)
		add_size(&s, d, 1);
	if (!d->now)
		ax_str_add(&s, ", no longer written");
	if (!d->before)
		ax_str_add(&s, ", new");
	printf("%s\n", s.buf);
	ax_str_free(&s);
}

static void
print(void *arg, const struct ax_rebuilt *b)
{
	const char *name = b->node->name;
	bool free_ = !b->node->stage->deterministic;
	const json_t *f;
	size_t k;

	(void)arg;
	switch (b->state) {
	case AX_REBUILD_SAME:
		printf("%s: same, %zu file%s, %u time%s\n", name, b->files,
		       b->files == 1 ? "" : "s", b->rounds,
		       b->rounds == 1 ? "" : "s");
		break;
	case AX_REBUILD_DIFFERS:
		printf("%s: DIFFERS%s\n", name,
		       free_ ? ", and is declared non-deterministic" : "");
		break;
	case AX_REBUILD_FAILED:
		printf("%s: FAILED: %s\n", name, b->error);
		break;
	case AX_REBUILD_ABSENT:
		printf("%s: nothing in the store to compare with\n", name);
		break;
	}
	for (size_t i = 0; i < b->n; i++)
		print_difference(&b->list[i]);
	json_array_foreach(b->found, k, f)
	{
		char *text = ax_confine_text(f);

		printf("  undeclared: %s\n", text);
		free(text);
	}
	if (b->kept)
		printf("  kept: %s\n", b->kept);
	fflush(stdout);
}

static json_t *
side_json(const struct ax_difference *d, int side)
{
	char hex[AX_HEX_LEN + 1];

	if (!(side ? d->now : d->before))
		return json_null();
	return json_pack("{s:I, s:s}", "size", (json_int_t)d->size[side],
			 "sha256", ax_hex(hex, &d->digest[side]));
}

static json_t *
node_json(const struct ax_rebuilt *b)
{
	json_t *o = json_object(), *list = json_array(), *e;

	json_object_set_new(o, "node", json_string(b->node->name));
	json_object_set_new(o, "state", json_string(ax_rebuild_name(b->state)));
	json_object_set_new(o, "deterministic",
			    json_boolean(b->node->stage->deterministic));
	json_object_set_new(o, "rounds", json_integer(b->rounds));
	json_object_set_new(o, "files", json_integer((json_int_t)b->files));
	for (size_t i = 0; i < b->n; i++) {
		const struct ax_difference *d = &b->list[i];

		e = json_pack("{s:s, s:i}", "path", d->path, "round",
			      (int)d->round);
		json_object_set_new(e, "first_difference",
				    d->before && d->now
					    ? json_integer((json_int_t)d->at)
					    : json_null());
		json_object_set_new(e, "before", side_json(d, 0));
		json_object_set_new(e, "now", side_json(d, 1));
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "differences", list);
	if (b->found)
		json_object_set(o, "undeclared", b->found);
	json_object_set_new(o, "error",
			    b->error ? json_string(b->error) : json_null());
	json_object_set_new(o, "kept",
			    b->kept ? json_string(b->kept) : json_null());
	return o;
}

static struct totals
count(const struct ax_rebuilt *list, size_t n)
{
	struct totals t = {0};

	for (size_t i = 0; i < n; i++) {
		t.strayed += json_array_size(list[i].found);
		t.same += list[i].state == AX_REBUILD_SAME;
		t.absent += list[i].state == AX_REBUILD_ABSENT;
		if (list[i].state == AX_REBUILD_DIFFERS) {
			if (list[i].node->stage->deterministic)
				t.differ++;
			else
				t.free++;
		}
		if (list[i].state == AX_REBUILD_FAILED) {
			t.failed++;
			t.exit = list[i].exit;
		}
	}
	return t;
}

static void
print_json(const struct ax_rebuilt *list, size_t n, const struct totals *t)
{
	json_t *o = json_object(), *nodes = json_array();
	char *text;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(nodes, node_json(&list[i]));
	json_object_set_new(o, "axpipe_rebuild", json_integer(1));
	json_object_set_new(o, "nodes", nodes);
	json_object_set_new(o, "same", json_integer((json_int_t)t->same));
	json_object_set_new(o, "differ", json_integer((json_int_t)t->differ));
	json_object_set_new(o, "nondeterministic",
			    json_integer((json_int_t)t->free));
	json_object_set_new(o, "failed", json_integer((json_int_t)t->failed));
	json_object_set_new(o, "absent", json_integer((json_int_t)t->absent));
	text = json_dumps(o, JSON_INDENT(2));
	printf("%s\n", text ? text : "{}");
	free(text);
	json_decref(o);
}

static int
select_nodes(bool *out, const struct ax_run *r, const struct ax_args *a,
	     struct ax_err *err)
{
	struct ax_node **list;
	size_t n;

	for (size_t i = 0; a->n == 1 && i < r->graph->n; i++)
		out[i] = true;
	for (size_t t = 1; t < a->n; t++) {
		if (ax_graph_select(r->graph, a->operands[t], &list, &n, err) <
		    0)
			return -1;
		for (size_t i = 0; i < n; i++)
			out[list[i]->index] = true;
		free(list);
	}
	return 0;
}

/* What the whole comes to; a check that did not run is no pass. */
static int
verdict(const struct totals *t, size_t n, bool audit, struct ax_err *err)
{
	if (t->failed && t->exit == AX_EXIT_ENV)
		return ax_err_set(err, AX_EXIT_ENV,
				  "%zu of %zu nodes could not be run again",
				  t->failed, n);
	if (t->differ || t->failed)
		return ax_err_set(err, AX_EXIT_CLAIM,
				  "%zu of %zu nodes come out otherwise than "
				  "stored, %zu do not run any more",
				  t->differ, n, t->failed);
	if (t->strayed && audit)
		return ax_err_set(err, AX_EXIT_CLAIM,
				  "audit: %zu undeclared access%s in %zu nodes",
				  t->strayed, t->strayed == 1 ? "" : "es", n);
	if (t->absent)
		return ax_err_set(err, AX_EXIT_CLAIM,
				  "%zu of %zu nodes have nothing in the store "
				  "to compare with; run them first",
				  t->absent, n);
	return 0;
}

int
ax_check_rebuild(const struct ax_args *a, struct ax_err *err)
{
	double rounds = ax_arg_num(a, "rounds", 1);
	bool json = ax_arg_flag(a, "json"), *selected = NULL;
	struct ax_rebuilt *list = NULL;
	struct totals t;
	struct ax_context c;
	size_t n = 0;
	int rc;

	if (!(rounds >= 1 && rounds <= MAX_ROUNDS) ||
	    rounds != (unsigned)rounds)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "--rounds wants a number from 1 to %d",
				  MAX_ROUNDS);
	rc = ax_context_plan(&c, a, err);
	if (rc == 0) {
		c.run->options.confine =
			ax_arg_flag(a, "audit")     ? AX_CONFINE_AUDIT
			: ax_arg_flag(a, "sandbox") ? AX_CONFINE_SANDBOX
						    : AX_CONFINE_NONE;
		rc = ax_confine_probe(c.run->options.confine, err);
	}
	if (rc == 0) {
		selected = ax_calloc(c.graph->n + 1, sizeof(*selected));
		rc = select_nodes(selected, c.run, a, err);
	}
	if (rc == 0)
		rc = ax_rebuild(&list, &n, c.run, selected, (unsigned)rounds,
				json ? NULL : print, NULL, err);
	if (rc == 0) {
		t = count(list, n);
		for (size_t i = 0; i < n && !json; i++)
			if (list[i].state == AX_REBUILD_ABSENT)
				print(NULL, &list[i]);
		if (json)
			print_json(list, n, &t);
		else
			printf("%zu same, %zu differ, %zu declared "
			       "non-deterministic and differ, %zu failed, %zu "
			       "not in the store\n",
			       t.same, t.differ, t.free, t.failed, t.absent);
		rc = verdict(&t, n, c.run->options.confine == AX_CONFINE_AUDIT,
			     err);
	}
	ax_rebuilt_free(list, n);
	free(selected);
	ax_context_close(&c);
	return rc;
}
