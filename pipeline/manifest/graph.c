/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/manifest/graph.h"

#include "pipeline/manifest/entry.h"
#include "pipeline/manifest/expand.h"
#include "pipeline/manifest/manifest.h"
#include "pipeline/manifest/verify.h"

static int
build(struct ax_graph *g, const char *path, const struct ax_stages *stages,
      const char *const *sets, size_t nsets, struct ax_err *err)
{
	struct ax_manifest *m = g->index->manifest;
	const struct ax_json *j;

	if (ax_manifest_read(m, g->index, path, sets, nsets, err) < 0)
		return -1;
	g->name = ax_strdup(m->name);
	g->files = ax_calloc(m->nfiles, sizeof(*g->files));
	g->nfiles = m->nfiles;
	for (size_t i = 0; i < m->nfiles; i++) {
		j = &m->files[i].json;
		g->files[i] = *j; /* borrowed: m frees them */
	}
	if (ax_expand(g, m, stages, err) < 0 || ax_verify(g, m, err) < 0)
		return -1;
	return ax_resolve(g, m, err);
}

int
ax_graph_load(struct ax_graph **out, const char *manifest,
	      const struct ax_stages *stages, const char *const *sets,
	      size_t nsets, struct ax_err *err)
{
	struct ax_graph *g = ax_calloc(1, sizeof(*g));

	*out = NULL;
	g->path = ax_strdup(manifest);
	g->index = ax_calloc(1, sizeof(*g->index));
	g->index->empty = json_object();
	g->index->manifest = ax_calloc(1, sizeof(*g->index->manifest));
	if (build(g, manifest, stages, sets, nsets, err) < 0) {
		ax_graph_free(g);
		return -1;
	}
	*out = g;
	return 0;
}

void
ax_graph_free(struct ax_graph *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n; i++) {
		json_decref(g->nodes[i]->coords);
		json_decref(g->nodes[i]->params);
		free(g->nodes[i]->users);
	}
	for (size_t i = 0; i < g->nsources; i++)
		json_decref(g->sources[i]->coords);
	for (size_t i = 0; i < g->index->n; i++) {
		json_decref(g->index->list[i]->matrix);
		json_decref(g->index->list[i]->params);
		free(g->index->list[i]->needs);
	}
	for (size_t i = 0; i < json_array_size(g->figures); i++)
		free(g->figure_origins[i].pointer);
	for (size_t i = 0; i < json_array_size(g->claims); i++)
		free(g->claim_origins[i].pointer);
	free(g->figure_origins);
	free(g->claim_origins);
	json_decref(g->figures);
	json_decref(g->claims);
	json_decref(g->description);
	free(g->resolved);
	json_decref(g->index->empty);
	ax_map_free(&g->by_name);
	ax_map_free(&g->source_by_name);
	ax_map_free(&g->index->by_name);
	ax_arena_free(&g->index->arena);
	ax_manifest_free(g->index->manifest);
	free(g->index->manifest);
	free(g->index->list);
	free(g->index);
	free(g->nodes);
	free(g->sources);
	free(g->files);
	free(g->name);
	free(g->path);
	free(g);
}

json_t *
ax_graph_resolved(const struct ax_graph *g)
{
	return json_loads(g->resolved, 0, NULL);
}

char *
ax_graph_keep(struct ax_graph *g, const char *text)
{
	return ax_arena_str(&g->index->arena, text);
}

static int
select_nodes(const struct ax_graph *g, const char *text, struct ax_ref *ref,
	     struct ax_node ***out, size_t *n, struct ax_arena *arena,
	     struct ax_err *err)
{
	size_t *which, count;

	if (ax_ref_parse(ref, text, g->index, arena, err) < 0)
		return -1;
	if (ref->entry->input)
		return ax_err_set(
			err, AX_EXIT_USAGE,
			"'%s' is an input of the manifest, not a stage",
			ref->entry->name);
	if (ax_ref_points(ref, &which, &count, g, arena, err) < 0)
		return -1;
	*out = ax_calloc(count, sizeof(**out));
	for (size_t i = 0; i < count; i++)
		(*out)[i] = ref->entry->nodes[which[i]];
	*n = count;
	return 0;
}

int
ax_graph_select(const struct ax_graph *g, const char *selector,
		struct ax_node ***out, size_t *n, struct ax_err *err)
{
	struct ax_arena arena = AX_ARENA_INIT;
	struct ax_ref ref;
	int rc;

	*out = NULL;
	*n = 0;
	rc = select_nodes(g, selector, &ref, out, n, &arena, err);
	if (rc == 0 && *ref.rest) {
		free(*out);
		*out = NULL;
		*n = 0;
		rc = ax_err_set(err, AX_EXIT_USAGE,
				"'%s' is no node: '%s' cannot follow '%s'",
				selector, ref.rest, ref.entry->name);
	}
	ax_arena_free(&arena);
	return rc;
}

int
ax_graph_select_output(const struct ax_graph *g, const char *reference,
		       struct ax_node ***out, size_t *n,
		       const struct ax_port **port, struct ax_err *err)
{
	struct ax_arena arena = AX_ARENA_INIT;
	const struct ax_stage *stage;
	const char **names;
	struct ax_ref ref;
	char *hint;
	int rc;

	*out = NULL;
	*n = 0;
	*port = NULL;
	rc = select_nodes(g, reference, &ref, out, n, &arena, err);
	if (rc == 0) {
		stage = ref.entry->stage;
		if (*ref.rest == '.')
			*port = ax_stage_output(stage, ref.rest + 1);
		if (!*port) {
			names = ax_calloc(stage->noutputs, sizeof(*names));
			for (size_t i = 0; i < stage->noutputs; i++)
				names[i] = stage->outputs[i].name;
			hint = ax_suggest(ref.rest + (*ref.rest == '.'), names,
					  stage->noutputs, "it has");
			rc = ax_err_set(err, AX_EXIT_USAGE,
					"'%s' is no output of '%s'%s",
					reference, ref.entry->name, hint);
			free(hint);
			free(names);
			free(*out);
			*out = NULL;
			*n = 0;
		}
	}
	ax_arena_free(&arena);
	return rc;
}
