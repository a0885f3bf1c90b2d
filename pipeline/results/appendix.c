/* SPDX-License-Identifier: Apache-2.0 */
/* The papers of a bundle that people read, and those about the environment. */
#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "pipeline/results/papers.h"

char *
ax_papers_object(const struct ax_digest *d)
{
	char hex[AX_HEX_LEN + 1];

	ax_hex(hex, d);
	return ax_asprintf("objects/%.2s/%s", hex, hex + 2);
}

char *
ax_papers_time(char out[32], double t)
{
	int64_t ms = t > 0 && t < 1e11 ? (int64_t)(t * 1e3 + 0.5) : 0;
	time_t s = (time_t)(ms / 1000);
	char day[24];
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, 32, "%s.%03dZ", day, (int)(ms % 1000));
	return out;
}

bool
ax_papers_has(const struct ax_outcome *o)
{
	return o->state == AX_HIT || o->state == AX_DONE ||
	       o->state == AX_SUBSTITUTED;
}

/* What each entry of the manifest cost when it ran. */
struct cost {
	const char *entry, *stage;
	size_t nodes;
	double wall, cpu, longest;
	uint64_t memory, bytes;
};

static struct cost *
costs(const struct ax_papers *p, size_t *n, struct cost *sum)
{
	struct cost *list = NULL, *c;
	size_t cap = 0;

	*n = 0;
	memset(sum, 0, sizeof(*sum));
	for (size_t i = 0; i < p->r->graph->n; i++) {
		const struct ax_node *node = p->r->graph->nodes[i];
		const struct ax_outcome *o = &p->r->outcomes[i];
		double wall = o->ended - o->started;
		uint64_t bytes = 0;

		if (!ax_papers_has(o))
			continue;
		for (size_t k = 0; k < node->stage->noutputs; k++)
			bytes += o->have[k] ? o->sizes[k] : 0;
		c = NULL;
		for (size_t k = 0; k < *n && !c; k++)
			if (ax_streq(list[k].entry, node->entry))
				c = &list[k];
		if (!c) {
			AX_GROW(list, *n, cap);
			c = &list[(*n)++];
			memset(c, 0, sizeof(*c));
			c->entry = node->entry;
			c->stage = node->stage->name;
		}
		for (int k = 0; k < 2; k++) {
			struct cost *to = k ? sum : c;

			to->nodes++;
			to->wall += wall;
			to->cpu += o->cpu_seconds;
			to->longest = AX_MAX(to->longest, wall);
			to->memory = AX_MAX(to->memory, o->max_rss);
			to->bytes += bytes;
		}
	}
	return list;
}

static void
cost_row(struct ax_str *s, const struct cost *c)
{
	ax_str_addf(s, "| %s | %s | %zu | %.1f | %.1f | %.1f | %.1f | %.1f |\n",
		    c->entry ? c->entry : "**all**", c->stage ? c->stage : "",
		    c->nodes, c->wall, c->cpu, c->longest,
		    (double)c->memory / 1048576, (double)c->bytes / 1048576);
}

static void
cost_table(struct ax_str *s, const struct ax_papers *p)
{
	struct cost sum;
	size_t n;
	struct cost *list = costs(p, &n, &sum);

	ax_str_add(s,
		   "| entry | stage | nodes | wall clock, s | CPU, s | longest "
		   "node, s | peak memory, MiB | outputs, MiB |\n"
		   "|---|---|---:|---:|---:|---:|---:|---:|\n");
	for (size_t i = 0; i < n; i++)
		cost_row(s, &list[i]);
	cost_row(s, &sum);
	free(list);
}

static void
tool_table(struct ax_str *s, const struct ax_papers *p)
{
	const char *name, *version, *digest;
	json_t *tool;

	if (json_object_size(p->r->tools) == 0) {
		ax_str_add(s, "No external tool.\n");
		return;
	}
	ax_str_add(s, "| tool | version | SHA-256 |\n|---|---|---|\n");
	json_object_foreach(p->r->tools, name, tool)
	{
		version = json_string_value(json_object_get(tool, "version"));
		digest = json_string_value(json_object_get(tool, "digest"));
		ax_str_addf(s, "| %s | %s | `%.16s...` |\n", name,
			    version ? version : "", digest ? digest : "");
	}
}

static void
input_table(struct ax_str *s, const struct ax_papers *p)
{
	const struct ax_graph *g = p->r->graph;
	char hex[AX_HEX_LEN + 1];

	if (g->nsources == 0) {
		ax_str_add(s, "None.\n");
		return;
	}
	ax_str_add(s, "| input | from | SHA-256 | in the bundle |\n"
		      "|---|---|---|---|\n");
	for (size_t i = 0; i < g->nsources; i++) {
		const struct ax_source *src = g->sources[i];

		if (!p->r->source_known[i])
			continue;
		ax_str_addf(s, "| %s | %s | `%.16s...` | %s |\n", src->name,
			    src->url    ? src->url
			    : src->path ? ax_basename(src->path)
					: "",
			    ax_hex(hex, &p->r->source_digests[i]),
			    p->packed(p->arg, &p->r->source_digests[i])
				    ? "yes"
				    : "no, by hash");
	}
}

static void
commands(struct ax_str *s, const char *name)
{
	/* the usual name of the archive, whatever it is called now: the same
	 * run gives the same bytes */
	ax_str_addf(s,
		    "```sh\n"
		    "b=%s.bundle.tar\n"
		    "axpipe verify $b          # every byte, offline\n"
		    "axpipe run $b             # takes what is in it, runs the "
		    "rest\n"
		    "axpipe check $b           # paper, here, tolerance, "
		    "verdict of each claim\n"
		    "axpipe run --rebuild $b   # runs everything anew and "
		    "compares each output\n"
		    "```\n",
		    name);
}

void
ax_papers_readme(struct ax_str *s, const struct ax_papers *p)
{
	const char *text = json_string_value(p->r->graph->description);

	ax_str_addf(s, "# %s\n\n", p->r->graph->name);
	if (text)
		ax_str_addf(s, "%s\n\n", text);
	ax_str_add(s, "This is a bundle of axpipe: a manifest, what it was run "
		      "on, everything that came out, and how.\n\n");
	commands(s, p->r->graph->name);
	ax_str_add(
		s,
		"\n`appendix.md` says what is claimed and what it costs to "
		"see it again. Without axpipe: `tar xf` unpacks it,\n"
		"`sha256sum -c SHA256SUMS` checks it, `lock.json` names each "
		"output of each node by the SHA-256 under which it\n"
		"lies in `objects/`, and `ro-crate-metadata.json` "
		"describes the whole for RO-Crate tools.\n");
}

void
ax_papers_appendix(struct ax_str *s, const struct ax_papers *p)
{
	const struct ax_claims *c = p->claims;
	struct cost sum;
	size_t n;

	free(costs(p, &n, &sum));
	ax_str_addf(s,
		    "# Artifact appendix: %s\n\n"
		    "Made by axpipe %s from the run's own records; nothing in "
		    "it was typed by hand.\n\n"
		    "## At a glance\n"
		    "| question | answer |\n|---|---|\n"
		    "| What is run | %zu nodes of %zu entries of "
		    "`manifest.json` |\n"
		    "| How long it takes | %.1f CPU hours in all; the longest "
		    "node %.1f min |\n"
		    "| Memory | %.1f MiB at the peak of one node |\n"
		    "| Disk | %.1f MiB of outputs |\n"
		    "| Claims | %zu: %zu hold, %zu fail, %zu have no value |\n"
		    "| Licence | %s |\n\n",
		    p->r->graph->name, AXPIPE_VERSION, sum.nodes, n,
		    sum.cpu / 3600, sum.longest / 60,
		    (double)sum.memory / 1048576, (double)sum.bytes / 1048576,
		    c->n, c->holds, c->fails, c->missing,
		    p->license[0] ? p->license : "not stated: ask the authors");
	ax_str_add(s, "## How to see it again\n");
	commands(s, p->r->graph->name);
	ax_str_add(
		s,
		"\nEach is safe to run twice. To see one experiment alone, "
		"name its entry: `axpipe run BUNDLE ENTRY`. The quickest "
		"check is\n`axpipe verify` with `axpipe check`: it runs no "
		"stage. Where tools are other than those below, keys differ, "
		"and\n`axpipe explain BUNDLE NODE` says in which component."
		"\n\n## What each experiment costs\nMeasured when it ran, as "
		"its records have it.\n\n");
	cost_table(s, p);
	ax_str_add(s, "\n## Claims\n");
	if (c->n)
		ax_claims_markdown(s, c);
	else
		ax_str_add(s, "The manifest claims nothing.\n");
	ax_str_add(s, "\n## Inputs\n");
	input_table(s, p);
	ax_str_add(s, "\n## Tools\n");
	tool_table(s, p);
	ax_str_add(
		s,
		"\n## For the badges\n"
		"- Available: this file is made for an archive that gives it "
		"a DOI; axpipe does not do that.\n"
		"- Functional: inventory and commands above; every stage has "
		"its description in `stage-descriptions/`; evidence of "
		"validation in\n  `reproduce.json` and "
		"`test-result.intoto.json`.\n"
		"- Reusable: `manifest/` is the source, with its parameters "
		"and their ranges in the stage descriptions.\n"
		"- Reproduced: `axpipe run --rebuild` and `axpipe check` on "
		"another machine; exit code 4 where something differs.\n");
}

void
ax_papers_citation(struct ax_str *s, const struct ax_papers *p)
{
	char when[32];

	ax_str_add(s, "cff-version: 1.2.0\n"
		      "message: If you use this artifact, please cite it.\n"
		      "type: dataset\ntitle: ");
	ax_str_add_json(s, p->r->graph->name);
	ax_str_add(s, "\nauthors:\n  - name: ");
	ax_str_add_json(s, p->o->author ? p->o->author
					: "Not stated (axpipe bundle "
					  "--author)");
	ax_str_addc(s, '\n');
	if (p->license[0] && !strchr(p->license, ':')) {
		ax_str_add(s, "license: ");
		ax_str_add_json(s, p->license);
		ax_str_addc(s, '\n');
	}
	if (p->ended > 0)
		ax_str_addf(s, "date-released: \"%.10s\"\n",
			    ax_papers_time(when, p->ended));
}

json_t *
ax_papers_env(const struct ax_papers *p)
{
	json_t *o = json_object(), *stages = json_object(), *packages, *e;
	const struct ax_graph *g = p->r->graph;

	json_object_set_new(o, "axpipe", json_string(AXPIPE_VERSION));
	e = json_object_get(p->run, "system");
	json_object_set(o, "system", e ? e : json_null());
	json_object_set(o, "tools", p->r->tools);
	packages = json_object();
	for (size_t i = 0; i < g->n; i++) {
		const struct ax_stage *s = g->nodes[i]->stage;

		if (json_object_get(stages, s->name))
			continue;
		json_object_set_new(stages, s->name,
				    json_pack("{s:i, s:b, s:b}", "version",
					      s->version, "builtin",
					      (int)s->builtin, "deterministic",
					      (int)s->deterministic));
		for (size_t k = 0; k < s->ntools; k++)
			if (s->tools[k].package)
				json_object_set_new(
					packages, s->tools[k].name,
					json_string(s->tools[k].package));
	}
	json_object_set_new(o, "stages", stages);
	json_object_set_new(o, "debian_packages", packages);
	/* what a stage finds in its environment besides what it declares */
	json_object_set_new(o, "environment",
			    json_pack("{s:s, s:s, s:s, s:s, s:s}", "PATH",
				      "/usr/local/bin:/usr/bin:/bin", "LC_ALL",
				      "C", "TZ", "UTC", "YOSYS_MAX_THREADS",
				      "1", "SOURCE_DATE_EPOCH", "0"));
	return o;
}

json_t *
ax_papers_reproduce(const struct ax_papers *p)
{
	json_t *o = ax_claims_json(p->claims), *list, *claim;
	size_t i;

	json_object_set_new(o, "manifest", json_string(p->r->graph->name));
	list = json_object_get(o, "claims");
	json_array_foreach(list, i, claim)
	{
		const char *value =
			json_string_value(json_object_get(claim, "value"));
		char *text;

		/* the entry whose run shows it again */
		if (!value)
			continue;
		text = ax_strndup(value, strcspn(value, "[. "));
		json_object_set_new(claim, "entry", json_string(text));
		free(text);
	}
	return o;
}
