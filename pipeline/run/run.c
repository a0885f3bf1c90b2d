/* SPDX-License-Identifier: Apache-2.0 */
/* The run as an object: made, named, freed. */
#include "pipeline/run/run.h"

#include <sys/random.h>
#include <sys/time.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "pipeline/run/engine.h"

const char *
ax_state_name(enum ax_state s)
{
	static const char *const names[] = {"waiting", "cached",  "substituted",
					    "dirty",   "maybe",   "unneeded",
					    "running", "done",    "failed",
					    "tainted", "skipped", "cancelled"};

	return (size_t)s < AX_LEN(names) ? names[s] : "unknown";
}

bool
ax_state_known(enum ax_state s)
{
	return s == AX_HIT || s == AX_DONE || s == AX_SUBSTITUTED;
}

char *
ax_run_new_id(void)
{
	time_t now = time(NULL);
	uint32_t chance = 0;
	struct tm tm;
	char text[32];

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &tm);
	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(chance))
		chance = (uint32_t)getpid();
	return ax_asprintf("%s-%06x", text, chance & 0xffffff);
}

struct ax_run *
ax_run_new(const struct ax_graph *g, struct ax_store *s,
	   const struct ax_run_options *o)
{
	struct ax_run *r = ax_calloc(1, sizeof(*r));
	struct ax_engine *e = ax_calloc(1, sizeof(*e));
	size_t noutputs = 0, at = 0;
	struct ax_digest *digests;
	uint64_t *sizes;
	bool *have;

	r->graph = g;
	r->store = s;
	if (o)
		r->options = *o;
	r->engine = e;
	r->id = ax_run_new_id();
	r->tools = json_object();
	r->outcomes = ax_calloc(AX_MAX(g->n, 1), sizeof(*r->outcomes));
	r->source_digests =
		ax_calloc(AX_MAX(g->nsources, 1), sizeof(*r->source_digests));
	r->source_known =
		ax_calloc(AX_MAX(g->nsources, 1), sizeof(*r->source_known));
	r->source_tree =
		ax_calloc(AX_MAX(g->nsources, 1), sizeof(*r->source_tree));
	/* one block for the outputs of all nodes */
	for (size_t i = 0; i < g->n; i++)
		noutputs += g->nodes[i]->stage->noutputs;
	digests = ax_arena_alloc(&e->arena, (noutputs + 1) * sizeof(*digests));
	sizes = ax_arena_alloc(&e->arena, (noutputs + 1) * sizeof(*sizes));
	have = ax_arena_alloc(&e->arena, (noutputs + 1) * sizeof(*have));
	memset(sizes, 0, (noutputs + 1) * sizeof(*sizes));
	memset(have, 0, (noutputs + 1) * sizeof(*have));
	for (size_t i = 0; i < g->n; i++) {
		r->outcomes[i].outputs = digests + at;
		r->outcomes[i].sizes = sizes + at;
		r->outcomes[i].have = have + at;
		at += g->nodes[i]->stage->noutputs;
	}
	e->wanted = ax_calloc(AX_MAX(g->n, 1), sizeof(bool));
	e->needed = ax_calloc(AX_MAX(g->n, 1), sizeof(bool));
	e->soft = ax_calloc(AX_MAX(g->n, 1), sizeof(bool));
	e->cause = ax_calloc(AX_MAX(g->n, 1), sizeof(*e->cause));
	e->journal =
		ax_journal_open(ax_store_dir(s), g->name, ax_store_readonly(s));
	return r;
}

void
ax_run_free(struct ax_run *r)
{
	struct ax_engine *e;

	if (!r)
		return;
	e = r->engine;
	for (size_t i = 0; i < r->graph->n; i++) {
		json_decref(r->outcomes[i].metrics);
		free(r->outcomes[i].error);
		free(r->outcomes[i].why);
	}
	for (size_t i = 0; i < e->nids; i++) {
		json_decref(e->ids[i]->tool_paths);
		free(e->ids[i]->missing);
		free(e->ids[i]);
	}
	free(e->ids);
	ax_map_free(&e->stage_ids);
	ax_journal_close(e->journal);
	ax_str_free(&e->scratch);
	ax_arena_free(&e->arena);
	ax_arena_free(&e->parts);
	free(e->wanted);
	free(e->needed);
	free(e->soft);
	free(e->cause);
	free(e);
	json_decref(r->tools);
	free(r->outcomes);
	free(r->source_digests);
	free(r->source_known);
	free(r->source_tree);
	free(r->id);
	free(r);
}
