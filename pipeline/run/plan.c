/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions: which node is at hand, which runs, which cannot be told yet.
 * `plan` ends here; `run` goes on with the same states and calls the same
 * ax_plan_decide for each node whose inputs have become known.
 *
 * A node is decided from the digests of its inputs alone: where the output of
 * a node that ran is the same as before, the key of what follows is the same,
 * its record is found, and the wave ends there.
 */
#include "pipeline/run/engine.h"

#include "artifacts/base/base.h"
#include "cache/remote.h"
#include "pipeline/run/record.h"

void
ax_outcome_reset(struct ax_outcome *o, const struct ax_stage *s)
{
	json_decref(o->metrics);
	free(o->why);
	free(o->error);
	o->metrics = NULL;
	o->why = o->error = NULL;
	o->state = AX_WAITING;
	o->has_key = o->has_log = false;
	o->components = NULL;
	o->ncomponents = 0;
	o->started = o->ended = o->cpu_seconds = 0;
	o->max_rss = 0;
	o->exit = 0;
	o->remote = false;
	for (size_t i = 0; i < s->noutputs; i++) {
		o->have[i] = false;
		o->sizes[i] = 0;
	}
}

static void
forget_outputs(struct ax_outcome *o, const struct ax_stage *s)
{
	json_decref(o->metrics);
	o->metrics = NULL;
	o->has_log = false;
	o->started = o->ended = o->cpu_seconds = 0;
	o->max_rss = 0;
	for (size_t i = 0; i < s->noutputs; i++) {
		o->have[i] = false;
		o->sizes[i] = 0;
	}
}

/* Why what was taken over from a record cannot be used; NULL when it can. Of
 * one that the remote cache has, the objects are not here yet. */
static const char *
unusable(struct ax_run *r, const struct ax_node *n, const struct ax_outcome *o,
	 bool here)
{
	const struct ax_stage *s = n->stage;
	char *text;
	const char *kept;

	for (size_t i = 0; i < s->noutputs; i++) {
		if (here && o->have[i] &&
		    !ax_store_has(r->store, &o->outputs[i])) {
			text = ax_asprintf(
				"evicted: output %s is no longer in the store",
				s->outputs[i].name);
			kept = ax_arena_str(&r->engine->arena, text);
			free(text);
			return kept;
		}
		if (n->pinned && n->pinned[i] &&
		    (!o->have[i] || !ax_digest_eq(&o->outputs[i], &n->pins[i])))
			return "its record has another digest than the pin";
	}
	return NULL;
}

int
ax_plan_lookup(struct ax_run *r, const struct ax_node *n, const char **reason,
	       struct ax_err *err)
{
	struct ax_outcome *o = &r->outcomes[n->index];
	const char *why = NULL;
	json_t *record = NULL;
	int rc;

	if (reason)
		*reason = NULL;
	rc = ax_store_record_part(r->store, &o->key, ax_record_members, &record,
				  err);
	if (rc <= 0)
		return rc;
	if (ax_record_take(o, n, record, &why))
		why = unusable(r, n, o, true);
	json_decref(record);
	if (!why)
		return 1;
	forget_outputs(o, n->stage);
	if (reason)
		*reason = why;
	return 0;
}

/* The same in the remote cache. 1 found, 0 not; that it fails is no error. */
static int
look_remote(struct ax_run *r, const struct ax_node *n, struct ax_err *err)
{
	struct ax_outcome *o = &r->outcomes[n->index];
	const char *why = NULL;
	json_t *record;
	int rc;

	if (!r->options.remote)
		return 0;
	if (r->options.remote_take && !ax_store_readonly(r->store)) {
		rc = ax_remote_take(r->options.remote, r->store, &o->key);
		if (rc == 1)
			rc = ax_plan_lookup(r, n, NULL, err);
	} else {
		rc = ax_remote_look(r->options.remote, r->store, &o->key,
				    &record);
		if (rc == 1 && (!ax_record_take(o, n, record, &why) ||
				unusable(r, n, o, false))) {
			forget_outputs(o, n->stage);
			rc = 0;
		}
		json_decref(record);
	}
	o->remote = rc == 1;
	r->remote_hits += rc == 1;
	return rc;
}

/* The state of what is wired, as far as this node must know. */
enum inputs { READY, UNKNOWN, LOST };

static enum inputs
inputs_state(const struct ax_run *r, const struct ax_node *n,
	     const struct ax_node **first)
{
	enum inputs state = READY;

	*first = NULL;
	for (size_t i = 0; i < n->nwires; i++) {
		for (size_t k = 0; k < n->wires[i].n; k++) {
			const struct ax_link *l = &n->wires[i].links[k];
			enum ax_state s;

			if (l->source) {
				if (!r->source_known[l->source->index])
					state = UNKNOWN;
				continue;
			}
			s = r->outcomes[l->node->index].state;
			if (s == AX_FAILED || s == AX_TAINTED ||
			    s == AX_SKIPPED || s == AX_CANCELLED)
				return LOST;
			if (!ax_state_known(s)) {
				state = UNKNOWN;
				if (!*first)
					*first = l->node;
			}
		}
	}
	return state;
}

static void
substitute(struct ax_run *r, const struct ax_node *n)
{
	struct ax_outcome *o = &r->outcomes[n->index];

	for (size_t i = 0; i < n->stage->noutputs; i++) {
		o->have[i] = n->pinned[i];
		if (n->pinned[i])
			o->outputs[i] = n->pins[i];
	}
	o->state = AX_SUBSTITUTED;
}

int
ax_plan_decide(struct ax_run *r, const struct ax_node *n, struct ax_err *err)
{
	struct ax_outcome *o = &r->outcomes[n->index];
	struct ax_arena before = r->engine->parts;
	struct ax_err local = AX_ERR_INIT;
	const char *reason;
	int rc;

	if (ax_key_make(r, n, &local) < 0) {
		if (local.exit != AX_EXIT_STAGE) {
			if (err)
				*err = local;
			return -1;
		}
		o->state = AX_FAILED;
		o->exit = AX_EXIT_STAGE;
		free(o->error);
		o->error = ax_strdup(local.text);
		return 0;
	}
	rc = ax_plan_lookup(r, n, &reason, err);
	if (rc == 0)
		rc = look_remote(r, n, err);
	if (rc < 0)
		return ax_err_wrap(err, "%s", n->name);
	if (rc == 1) {
		/* only explain asks for them, and makes them again */
		ax_arena_rewind(&r->engine->parts, &before);
		o->components = NULL;
		o->ncomponents = 0;
		o->state = AX_HIT;
		free(o->why);
		o->why = NULL;
		return 0;
	}
	o->state = AX_DIRTY;
	r->engine->cause[n->index] = n->index;
	ax_explain_dirty(r, n, reason);
	return 0;
}

/* A node that needs not run (no target, pinned, or only wanted by pinned ones):
 * found in the store for its metrics and times where it is there, and no error
 * if not. */
static void
decide_soft(struct ax_run *r, const struct ax_node *n, bool ready)
{
	struct ax_outcome *o = &r->outcomes[n->index];
	struct ax_stage_id *id = ready ? ax_key_stage(r, n->stage, NULL) : NULL;

	if (id && !id->missing && ax_key_make(r, n, NULL) == 0 &&
	    ax_plan_lookup(r, n, NULL, NULL) == 1) {
		o->state = AX_HIT;
		return;
	}
	o->has_key = false;
	o->components = NULL;
	o->ncomponents = 0;
	if (r->engine->soft[n->index] && r->engine->wanted[n->index])
		substitute(r, n);
	else
		o->state = AX_UNNEEDED;
}

/* Targets, and pins -------------------------------------------------------- */

static void
want(struct ax_engine *e, const struct ax_node *n)
{
	for (size_t i = 0; i < n->nwires; i++)
		for (size_t k = 0; k < n->wires[i].n; k++)
			if (n->wires[i].links[k].node)
				e->wanted[n->wires[i].links[k].node->index] =
					true;
}

static int
find_wanted(struct ax_run *r, bool *target, struct ax_err *err)
{
	const struct ax_graph *g = r->graph;
	struct ax_engine *e = r->engine;
	struct ax_node **list;
	size_t n;

	for (size_t t = 0; t < r->options.ntargets; t++) {
		if (ax_graph_select(g, r->options.targets[t], &list, &n, err) <
		    0)
			return -1;
		if (n == 0) {
			free(list);
			return ax_err_set(err, AX_EXIT_USAGE,
					  "%s: the manifest has no such node",
					  r->options.targets[t]);
		}
		for (size_t i = 0; i < n; i++)
			e->wanted[list[i]->index] = target[list[i]->index] =
				true;
		free(list);
	}
	for (size_t i = g->n; i-- > 0;) {
		if (!r->options.ntargets)
			e->wanted[i] = true;
		if (e->wanted[i])
			want(e, g->nodes[i]);
	}
	return 0;
}

/* Every output that is used is pinned, and its bytes are at hand. Of a node
 * that nobody uses, every output counts. */
static bool
pins_at_hand(struct ax_run *r, const struct ax_node *n)
{
	const struct ax_stage *s = n->stage;
	bool *used = ax_calloc(s->noutputs + 1, sizeof(*used));
	bool any = false, good = true;

	for (size_t u = 0; u < n->nusers; u++) {
		const struct ax_node *user = n->users[u];

		if (!r->engine->wanted[user->index])
			continue;
		for (size_t i = 0; i < user->nwires; i++)
			for (size_t k = 0; k < user->wires[i].n; k++) {
				const struct ax_link *l =
					&user->wires[i].links[k];

				if (l->node != n)
					continue;
				used[l->output - s->outputs] = any = true;
			}
	}
	for (size_t i = 0; good && i < s->noutputs; i++) {
		if (any ? !used[i] : s->outputs[i].optional)
			continue;
		good = n->pinned[i] && ax_obtain_at_hand(r, &n->pins[i]);
	}
	/* a pin that is not used must still be there to be given away */
	for (size_t i = 0; good && i < s->noutputs; i++)
		if (n->pinned[i] && !used[i])
			good = ax_obtain_at_hand(r, &n->pins[i]);
	free(used);
	return good;
}

static void
find_needed(struct ax_run *r, const bool *target)
{
	const struct ax_graph *g = r->graph;
	struct ax_engine *e = r->engine;

	for (size_t i = g->n; i-- > 0;) {
		const struct ax_node *n = g->nodes[i];
		bool has_user = false, needed = target[i];

		if (!e->wanted[i])
			continue;
		for (size_t u = 0; u < n->nusers && !needed; u++) {
			size_t at = n->users[u]->index;

			if (!e->wanted[at])
				continue;
			has_user = true;
			needed = e->needed[at] && !e->soft[at];
		}
		e->needed[i] = needed || !has_user;
		e->soft[i] = n->any_pin && pins_at_hand(r, n);
	}
}

/* All missing tools in one message, before anything else. */
static int
check_tools(struct ax_run *r, struct ax_err *err)
{
	const struct ax_graph *g = r->graph;
	struct ax_engine *e = r->engine;
	struct ax_str text = AX_STR_INIT;
	int rc = 0;

	for (size_t i = 0; i < e->nids; i++)
		e->ids[i]->told = false;
	for (size_t i = 0; rc == 0 && i < g->n; i++) {
		struct ax_stage_id *id;

		if (!e->needed[i] || e->soft[i])
			continue;
		id = ax_key_stage(r, g->nodes[i]->stage, err);
		if (!id) {
			rc = -1;
		} else if (id->missing && !id->told) {
			id->told = true;
			ax_str_addf(&text, "\n  stage %s needs %s",
				    id->stage->name, id->missing);
		}
	}
	if (rc == 0 && text.len)
		rc = ax_err_set(err, AX_EXIT_ENV,
				"tools are missing; install them, or put them "
				"on PATH%s",
				text.buf);
	ax_str_free(&text);
	return rc;
}

static int
find_sources(struct ax_run *r, const struct ax_node *n, bool soft,
	     struct ax_err *err)
{
	for (size_t i = 0; i < n->nwires; i++)
		for (size_t k = 0; k < n->wires[i].n; k++) {
			const struct ax_source *s = n->wires[i].links[k].source;

			if (!s || r->source_known[s->index])
				continue;
			if (ax_obtain_digest(r, s, soft, soft ? NULL : err) <
				    0 &&
			    !soft)
				return -1;
		}
	return 0;
}

static int
decide_planned(struct ax_run *r, const struct ax_node *n, struct ax_err *err)
{
	struct ax_outcome *o = &r->outcomes[n->index];
	struct ax_engine *e = r->engine;
	bool soft = !e->needed[n->index] || e->soft[n->index];
	const struct ax_node *first;
	enum inputs inputs;

	if (find_sources(r, n, soft, err) < 0)
		return -1;
	inputs = inputs_state(r, n, &first);
	if (soft) {
		decide_soft(r, n, inputs == READY);
		return 0;
	}
	if (inputs == READY)
		return ax_plan_decide(r, n, err);
	if (inputs == LOST) {
		o->state = AX_SKIPPED;
		return 0;
	}
	o->state = AX_MAYBE;
	e->cause[n->index] = first ? e->cause[first->index] : n->index;
	ax_explain_waits(r, n);
	return 0;
}

int
ax_run_plan(struct ax_run *r, struct ax_err *err)
{
	const struct ax_graph *g = r->graph;
	struct ax_engine *e = r->engine;
	bool *target = ax_calloc(g->n + 1, sizeof(*target));
	int rc = 0;

	memset(e->wanted, 0, g->n * sizeof(bool));
	memset(e->needed, 0, g->n * sizeof(bool));
	memset(e->soft, 0, g->n * sizeof(bool));
	r->started = (double)time(NULL);
	r->executed = r->hits = r->failed = r->skipped = r->substituted = 0;
	r->remote_hits = r->given = 0;
	rc = find_wanted(r, target, err);
	if (rc == 0) {
		find_needed(r, target);
		rc = check_tools(r, err);
	}
	free(target);
	for (size_t i = 0; rc == 0 && i < g->n; i++) {
		struct ax_outcome *o = &r->outcomes[i];

		ax_outcome_reset(o, g->nodes[i]->stage);
		e->cause[i] = SIZE_MAX;
		rc = decide_planned(r, g->nodes[i], err);
		if (o->state == AX_HIT && e->wanted[i])
			r->hits++;
		else if (o->state == AX_SUBSTITUTED)
			r->substituted++;
	}
	r->ended = (double)time(NULL);
	r->planned = rc == 0;
	return rc;
}
