/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attestations: in-toto Statement v1 (https://in-toto.io/Statement/v1) with the
 * predicates SLSA provenance v1 and test-result v0.1.
 */
#include "artifacts/base/base.h"
#include "artifacts/base/json.h"
#include "pipeline/results/papers.h"

static json_t *
digest_set(const struct ax_digest *d)
{
	char hex[AX_HEX_LEN + 1];

	return json_pack("{s:s}", "sha256", ax_hex(hex, d));
}

static json_t *
statement(const struct ax_digest *contents, const char *type, json_t *predicate)
{
	json_t *subject = json_pack("{s:s, s:o}", "name", "contents.sha256",
				    "digest", digest_set(contents));

	return json_pack("{s:s, s:[o], s:s, s:o}", "_type",
			 "https://in-toto.io/Statement/v1", "subject", subject,
			 "predicateType", type, "predicate", predicate);
}

/* Inputs, tools, the code of stages, and the commit of the manifest. */
static json_t *
dependencies(const struct ax_papers *p)
{
	const struct ax_graph *g = p->r->graph;
	json_t *list = json_array(), *o, *tool, *repo;
	const char *name, *hex;
	char *text;

	for (size_t i = 0; i < g->nsources; i++) {
		const struct ax_source *s = g->sources[i];

		if (!p->r->source_known[i])
			continue;
		text = ax_asprintf("input/%s", s->name);
		o = json_pack("{s:s, s:o}", "name", text, "digest",
			      digest_set(&p->r->source_digests[i]));
		free(text);
		if (s->url)
			json_object_set_new(o, "uri", json_string(s->url));
		if (s->rev)
			json_object_set_new(o, "annotations",
					    json_pack("{s:s, s:s}", "gitCommit",
						      s->rev, "path",
						      s->path ? s->path : ""));
		json_array_append_new(list, o);
	}
	json_object_foreach(p->r->tools, name, tool)
	{
		hex = json_string_value(json_object_get(tool, "digest"));
		text = ax_asprintf("tool/%s", name);
		o = json_pack("{s:s, s:{s:s}}", "name", text, "digest",
			      "sha256", hex ? hex : "");
		free(text);
		if (json_object_get(tool, "version"))
			json_object_set_new(
				o, "annotations",
				json_pack("{s:O}", "version",
					  json_object_get(tool, "version")));
		json_array_append_new(list, o);
	}
	repo = json_object_get(p->run, "repository");
	hex = json_string_value(json_object_get(repo, "commit"));
	if (hex)
		json_array_append_new(
			list,
			json_pack("{s:s, s:{s:s}, s:{s:O}}", "name",
				  "repository of the manifest", "digest",
				  "gitCommit", hex, "annotations", "dirty",
				  json_object_get(repo, "dirty")));
	return list;
}

/* What each node was made of: its key stands for all components. */
static json_t *
nodes(const struct ax_papers *p)
{
	json_t *all = json_object(), *o, *out;
	char hex[AX_HEX_LEN + 1];

	for (size_t i = 0; i < p->r->graph->n; i++) {
		const struct ax_node *n = p->r->graph->nodes[i];
		const struct ax_outcome *c = &p->r->outcomes[i];

		if (!ax_papers_has(c))
			continue;
		o = json_pack("{s:s}", "stage", n->stage->name);
		if (c->has_key)
			json_object_set_new(o, "key",
					    json_string(ax_hex(hex, &c->key)));
		out = json_object();
		for (size_t k = 0; k < n->stage->noutputs; k++)
			if (c->have[k])
				json_object_set_new(out,
						    n->stage->outputs[k].name,
						    digest_set(&c->outputs[k]));
		json_object_set_new(o, "outputs", out);
		json_object_set_new_nocheck(all, n->name, o);
	}
	return all;
}

static json_t *
logs(const struct ax_papers *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->r->graph->n; i++) {
		const struct ax_outcome *c = &p->r->outcomes[i];
		char *text;

		if (!ax_papers_has(c) || !c->has_log)
			continue;
		text = ax_asprintf("log/%s", p->r->graph->nodes[i]->name);
		json_array_append_new(list,
				      json_pack("{s:s, s:o}", "name", text,
						"digest", digest_set(&c->log)));
		free(text);
	}
	return list;
}

json_t *
ax_papers_provenance(const struct ax_papers *p,
		     const struct ax_digest *contents)
{
	json_t *meta = json_object(), *definition, *details;
	char when[32];

	if (p->run_id)
		json_object_set_new(meta, "invocationId",
				    json_string(p->run_id));
	if (p->ended > 0) {
		json_object_set_new(
			meta, "startedOn",
			json_string(ax_papers_time(when, p->started)));
		json_object_set_new(
			meta, "finishedOn",
			json_string(ax_papers_time(when, p->ended)));
	}
	definition = json_pack("{s:s, s:{s:s, s:o}, s:{s:o}, s:o}", "buildType",
			       "urn:axpipe:manifest:1", "externalParameters",
			       "name", p->r->graph->name, "manifest",
			       ax_graph_resolved(p->r->graph),
			       "internalParameters", "nodes", nodes(p),
			       "resolvedDependencies", dependencies(p));
	details = json_pack("{s:{s:s, s:{s:s}}, s:o, s:o}", "builder", "id",
			    "urn:axpipe", "version", "axpipe", AXPIPE_VERSION,
			    "metadata", meta, "byproducts", logs(p));
	return statement(contents, "https://slsa.dev/provenance/v1",
			 json_pack("{s:o, s:o}", "buildDefinition", definition,
				   "runDetails", details));
}

json_t *
ax_papers_test_result(const struct ax_papers *p,
		      const struct ax_digest *contents)
{
	static const char *const lists[] = {"passedTests", "failedTests",
					    "warnedTests"};
	json_t *tests[3] = {json_array(), json_array(), json_array()};
	const struct ax_claims *c = p->claims;
	json_t *predicate = json_object();

	/* a claim without a value, or no claim at all, was not tested */
	for (size_t i = 0; i < c->n; i++)
		json_array_append_new(
			tests[c->list[i].verdict == AX_HOLDS   ? 0
			      : c->list[i].verdict == AX_FAILS ? 1
							       : 2],
			json_string(c->list[i].name));
	json_object_set_new(predicate, "result",
			    json_string(c->fails              ? "FAILED"
					: c->missing || !c->n ? "WARNED"
							      : "PASSED"));
	json_object_set_new(predicate, "configuration",
			    json_pack("[{s:s, s:o}]", "name", "contents.sha256",
				      "digest", digest_set(contents)));
	for (size_t i = 0; i < AX_LEN(lists); i++)
		json_object_set_new(predicate, lists[i], tests[i]);
	return statement(contents,
			 "https://in-toto.io/attestation/test-result/v0.1",
			 predicate);
}
