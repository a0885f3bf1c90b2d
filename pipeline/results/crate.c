/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run as an RO-Crate 1.1 by the profile Provenance Run Crate 0.5
 * (w3id.org/ro/wfrun/provenance/0.5) and those that it extends: Process and
 * Workflow Run Crate 0.5, Workflow RO-Crate 1.0.
 *
 *   manifest.json       the workflow; an entry is a HowToStep, a stage the
 *                       SoftwareApplication that it runs
 *   a node              a CreateAction of the stage, and a ControlAction of
 *                       the step around it
 *   an output, a log    a File under objects/; a tree a Collection of Files
 */
#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "artifacts/base/map.h"
#include "pipeline/results/papers.h"

#define PROFILE "https://w3id.org/ro/wfrun/"
#define WORKFLOW_CRATE "https://w3id.org/workflowhub/workflow-ro-crate/1.0"

struct crate {
	const struct ax_papers *p;
	json_t *graph;
	struct ax_map by_id; /* @id -> entity, borrowed from the graph */
	struct ax_map links; /* what link_to has added */
	json_t *root;
};

static json_t *
ref(const char *id)
{
	return json_pack("{s:s}", "@id", id);
}

/* The entity of that name; *fresh when it is new. */
static json_t *
entity(struct crate *c, const char *id, const char *type, bool *fresh)
{
	json_t *o = ax_map_get(&c->by_id, id);

	*fresh = !o;
	if (o)
		return o;
	o = json_pack("{s:s, s:s}", "@id", id, "@type", type);
	json_array_append_new(c->graph, o);
	ax_map_set(&c->by_id, id, o);
	return o;
}

static void
text(json_t *o, const char *key, const char *value)
{
	json_t *v = value ? json_string(value) : NULL;

	if (v)
		json_object_set_new(o, key, v);
}

/* Adds a reference to a list member, each once. */
static void
link_to(struct crate *c, json_t *o, const char *key, const char *id)
{
	char *name = ax_asprintf("%s\n%s\n%s",
				 json_string_value(json_object_get(o, "@id")),
				 key, id);
	json_t *list = json_object_get(o, key);

	if (!list) {
		list = json_array();
		json_object_set_new(o, key, list);
	}
	if (!ax_map_set(&c->links, name, list))
		json_array_append_new(list, ref(id));
	free(name);
}

/* "#kind/name", with what a URI cannot hold escaped. Caller frees. */
static char *
local(const char *kind, const char *name)
{
	struct ax_str s = AX_STR_INIT;

	ax_str_addf(&s, "#%s/", kind);
	for (const unsigned char *p = (const unsigned char *)name; *p; p++)
		if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		    (*p >= '0' && *p <= '9') || strchr("-._~/", *p))
			ax_str_addc(&s, (char)*p);
		else
			ax_str_addf(&s, "%%%02X", *p);
	return ax_str_take(&s);
}

/* Files ---------------------------------------------------------------------
 */
/* The File of an object. Caller frees the id. */
static char *
object_file(struct crate *c, const struct ax_digest *d, const char *name,
	    const char *about)
{
	char *id = ax_papers_object(d), hex[AX_HEX_LEN + 1];
	bool fresh;
	json_t *o = entity(c, id, "File", &fresh);

	if (fresh) {
		text(o, "name", name);
		text(o, "description", about);
		text(o, "sha256", ax_hex(hex, d));
		text(o, "encodingFormat", "application/octet-stream");
		link_to(c, c->root, "hasPart", id);
	}
	return id;
}

/* A tree: the Collection of its listing and what that names. */
static char *
tree_collection(struct crate *c, const struct ax_digest *d, const char *name)
{
	char hex[AX_HEX_LEN + 1], *id, *listing, *line, *end, *bytes = NULL;
	struct ax_digest file;
	bool fresh;
	json_t *o;
	size_t n;

	id = local("tree", ax_hex(hex, d));
	o = entity(c, id, "Collection", &fresh);
	if (!fresh)
		return id;
	text(o, "name", name);
	text(o, "description", "a folder: its listing, and the files in it");
	listing = object_file(c, d, name, "the listing of a folder");
	json_object_set_new(o, "mainEntity", ref(listing));
	link_to(c, o, "hasPart", listing);
	free(listing);
	link_to(c, c->root, "mentions", id);
	if (ax_store_get_bytes(c->p->r->store, d, &bytes, &n, 64 << 20, NULL) <
	    0)
		return id;
	/* lines "x|- <sha256> <path>" after the first */
	for (line = strchr(bytes, '\n'); line && line[1]; line = end) {
		char digest[AX_HEX_LEN + 1], *path;

		line++;
		end = strchr(line, '\n');
		if (!end || end - line < AX_HEX_LEN + 4)
			break;
		memcpy(digest, line + 2, AX_HEX_LEN);
		digest[AX_HEX_LEN] = '\0';
		path = ax_strndup(line + AX_HEX_LEN + 3,
				  (size_t)(end - line) - AX_HEX_LEN - 3);
		if (ax_unhex(&file, digest) == 0) {
			listing = object_file(c, &file, path,
					      "a file of a "
					      "folder");
			link_to(c, o, "hasPart", listing);
			free(listing);
		}
		free(path);
	}
	free(bytes);
	return id;
}

static char *
data(struct crate *c, const struct ax_digest *d, bool tree, const char *name,
     const char *about)
{
	return tree ? tree_collection(c, d, name)
		    : object_file(c, d, name, about);
}

/* Inputs --------------------------------------------------------------------
 */

/* What lies elsewhere is named by its address. */
static char *
source(struct crate *c, size_t at)
{
	const struct ax_source *s = c->p->r->graph->sources[at];
	const struct ax_digest *d = &c->p->r->source_digests[at];
	char hex[AX_HEX_LEN + 1], *id;
	bool fresh, tree = c->p->r->source_tree[at];
	json_t *o;

	if (c->p->packed(c->p->arg, d)) {
		id = data(c, d, tree, s->name, "an input");
		o = ax_map_get(&c->by_id, id);
		if (!json_object_get(o, "alternateName"))
			text(o, "alternateName",
			     s->path ? ax_basename(s->path) : s->name);
	} else {
		id = local("input", s->name);
		o = entity(c, id, "CreativeWork", &fresh);
		text(o, "name", s->name);
		text(o, "description",
		     "an input that is not in this crate; sha256 is that of "
		     "the bytes that were used");
		text(o, "sha256", ax_hex(hex, d));
		text(o, "url", s->url);
		text(o, "version", s->rev);
	}
	return id;
}

/* Stages and parameters -----------------------------------------------------
 */

static char *
formal(struct crate *c, const struct ax_stage *s, const char *kind,
       const char *name, const char *type, const char *about)
{
	char *path = ax_asprintf("%s/%s/%s", s->name, kind, name);
	char *id = local("stage", path);
	bool fresh;
	json_t *o = entity(c, id, "FormalParameter", &fresh);

	if (fresh) {
		text(o, "name", name);
		text(o, "additionalType", type);
		text(o, "description", about);
	}
	free(path);
	return id;
}

static const char *
data_type(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_INTEGER:
		return "Integer";
	case JSON_REAL:
		return "Float";
	case JSON_TRUE:
	case JSON_FALSE:
		return "Boolean";
	case JSON_STRING:
		return "Text";
	default:
		return "PropertyValue";
	}
}

static void
tools_of(struct crate *c, json_t *app, const struct ax_stage *s)
{
	for (size_t i = 0; i < s->ntools; i++) {
		json_t *tool =
			json_object_get(c->p->r->tools, s->tools[i].name);
		char *id = local("tool", s->tools[i].name);
		bool fresh;
		json_t *o = entity(c, id, "SoftwareApplication", &fresh);

		if (fresh) {
			text(o, "name", s->tools[i].name);
			text(o, "softwareVersion",
			     json_string_value(
				     json_object_get(tool, "version")));
			text(o, "sha256",
			     json_string_value(
				     json_object_get(tool, "digest")));
		}
		link_to(c, app, "softwareRequirements", id);
		free(id);
	}
}

static char *
application(struct crate *c, json_t *workflow, const struct ax_stage *s)
{
	char *id = local("stage", s->name), *port, version[16];
	bool fresh;
	json_t *o = entity(c, id, "SoftwareApplication", &fresh);

	if (!fresh)
		return id;
	text(o, "name", s->name);
	text(o, "description", s->summary);
	snprintf(version, sizeof(version), "%d", s->version);
	text(o, "softwareVersion", version);
	for (size_t i = 0; i < s->ninputs; i++) {
		port = formal(c, s, "input", s->inputs[i].name,
			      s->inputs[i].many ? "Collection" : "File",
			      s->inputs[i].summary);
		link_to(c, o, "input", port);
		free(port);
	}
	for (size_t i = 0; i < s->noutputs; i++) {
		port = formal(c, s, "output", s->outputs[i].name,
			      s->outputs[i].tree ? "Collection" : "File",
			      s->outputs[i].summary);
		link_to(c, o, "output", port);
		free(port);
	}
	tools_of(c, o, s);
	link_to(c, workflow, "hasPart", id);
	return id;
}

/* Actions -------------------------------------------------------------------
 */

static void
times(json_t *o, double started, double ended)
{
	char when[32];

	if (started > 0)
		text(o, "startTime", ax_papers_time(when, started));
	if (ended > 0)
		text(o, "endTime", ax_papers_time(when, ended));
}

static void
usage(struct crate *c, json_t *action, const char *node, const char *what,
      double value, const char *unit)
{
	char *path = ax_asprintf("%s/%s", node, what);
	char *id = local("usage", path), *property;
	struct ax_str num = AX_STR_INIT;
	bool fresh;
	json_t *o = entity(c, id, "PropertyValue", &fresh);

	text(o, "name", what);
	property = ax_asprintf("urn:axpipe:usage:%s", what);
	text(o, "propertyID", property);
	text(o, "unitCode", unit);
	ax_str_add_num(&num, value);
	text(o, "value", num.buf);
	link_to(c, action, "resourceUsage", id);
	ax_str_free(&num);
	free(property);
	free(path);
	free(id);
}

static void
objects_of(struct crate *c, json_t *action, const struct ax_node *n)
{
	struct ax_str value = AX_STR_INIT;
	char *id, *to, *path;
	const char *name;
	json_t *v, *o;
	bool fresh;

	for (size_t i = 0; i < n->nwires; i++) {
		to = formal(c, n->stage, "input", n->wires[i].port->name,
			    "File", NULL);
		for (size_t k = 0; k < n->wires[i].n; k++) {
			const struct ax_link *l = &n->wires[i].links[k];
			const struct ax_outcome *from;
			size_t at;

			if (l->source) {
				if (!c->p->r->source_known[l->source->index])
					continue;
				id = source(c, l->source->index);
			} else {
				from = &c->p->r->outcomes[l->node->index];
				at = (size_t)(l->output -
					      l->node->stage->outputs);
				if (!from->have[at])
					continue;
				id = data(c, &from->outputs[at],
					  l->output->tree, l->output->file,
					  l->output->summary);
			}
			link_to(c, action, "object", id);
			link_to(c, ax_map_get(&c->by_id, id), "exampleOfWork",
				to);
			free(id);
		}
		free(to);
	}
	json_object_foreach(n->params, name, v)
	{
		path = ax_asprintf("%s/%s", n->name, name);
		id = local("param", path);
		o = entity(c, id, "PropertyValue", &fresh);
		text(o, "name", name);
		ax_str_clear(&value);
		if (json_is_string(v))
			ax_str_add(&value, json_string_value(v));
		else
			ax_json_canonical(&value, v);
		text(o, "value", value.buf ? value.buf : "");
		to = formal(c, n->stage, "param", name, data_type(v), NULL);
		link_to(c, o, "exampleOfWork", to);
		link_to(c, ax_map_get(&c->by_id, "manifest.json"), "input", to);
		link_to(c, action, "object", id);
		free(to);
		free(id);
		free(path);
	}
	ax_str_free(&value);
}

static void
results_of(struct crate *c, json_t *action, const struct ax_node *n,
	   const struct ax_outcome *out, json_t *whole)
{
	for (size_t i = 0; i < n->stage->noutputs; i++) {
		const struct ax_port *p = &n->stage->outputs[i];
		char *id, *to;

		if (!out->have[i])
			continue;
		id = data(c, &out->outputs[i], p->tree, p->file, p->summary);
		to = formal(c, n->stage, "output", p->name, "File", NULL);
		link_to(c, action, "result", id);
		link_to(c, ax_map_get(&c->by_id, id), "exampleOfWork", to);
		/* what no other node takes is what the workflow is for */
		if (n->nusers == 0) {
			link_to(c, whole, "result", id);
			link_to(c, ax_map_get(&c->by_id, "manifest.json"),
				"output", to);
		}
		free(to);
		free(id);
	}
}

static void
node_actions(struct crate *c, const struct ax_node *n, json_t *workflow,
	     json_t *whole, json_t *organize, size_t *position)
{
	const struct ax_outcome *out = &c->p->r->outcomes[n->index];
	char *app = application(c, workflow, n->stage), *id, *step, *control;
	json_t *o, *action;
	char num[24], *log;
	bool fresh;

	step = local("step", n->entry);
	o = entity(c, step, "HowToStep", &fresh);
	if (fresh) {
		text(o, "name", n->entry);
		snprintf(num, sizeof(num), "%zu", (*position)++);
		text(o, "position", num);
		json_object_set_new(o, "workExample", ref(app));
		link_to(c, workflow, "step", step);
	}
	id = local("run", n->name);
	action = entity(c, id, "CreateAction", &fresh);
	text(action, "name", n->name);
	text(action, "description", n->stage->summary);
	json_object_set_new(action, "instrument", ref(app));
	times(action, out->started, out->ended);
	json_object_set_new(action, "actionStatus",
			    ref("http://schema.org/CompletedActionStatus"));
	if (c->p->o->author)
		json_object_set_new(action, "agent", ref("#agent"));
	link_to(c, action, "environment", "#env/LC_ALL");
	link_to(c, action, "environment", "#env/TZ");
	objects_of(c, action, n);
	results_of(c, action, n, out, whole);
	if (out->state != AX_SUBSTITUTED) {
		usage(c, action, n->name, "cpu_time", out->cpu_seconds,
		      "https://qudt.org/vocab/unit/SEC");
		usage(c, action, n->name, "peak_memory", (double)out->max_rss,
		      "https://qudt.org/vocab/unit/BYTE");
	}
	if (out->has_log) {
		log = object_file(c, &out->log, "log", "what a stage wrote");
		link_to(c, ax_map_get(&c->by_id, log), "about", id);
		free(log);
	}
	link_to(c, c->root, "mentions", id);
	control = local("control", n->name);
	o = entity(c, control, "ControlAction", &fresh);
	text(o, "name", n->name);
	json_object_set_new(o, "instrument", ref(step));
	json_object_set_new(o, "object", ref(id));
	link_to(c, organize, "object", control);
	free(control);
	free(step);
	free(id);
	free(app);
}

/* The whole -----------------------------------------------------------------
 */

static void
conforms(struct crate *c, json_t *o)
{
	static const struct {
		const char *id, *name, *version;
	} profiles[] = {
		{PROFILE "process/0.5", "Process Run Crate", "0.5"},
		{PROFILE "workflow/0.5", "Workflow Run Crate", "0.5"},
		{PROFILE "provenance/0.5", "Provenance Run Crate", "0.5"},
		{WORKFLOW_CRATE, "Workflow RO-Crate", "1.0"},
	};
	bool fresh;

	for (size_t i = 0; i < AX_LEN(profiles); i++) {
		json_t *e = entity(c, profiles[i].id, "CreativeWork", &fresh);

		text(e, "name", profiles[i].name);
		text(e, "version", profiles[i].version);
		link_to(c, o, "conformsTo", profiles[i].id);
	}
}

static void
licence(struct crate *c)
{
	const char *given = c->p->license;
	bool fresh, address = strchr(given, ':') != NULL;
	char *id = !given[0] ? ax_strdup("#licence-not-stated")
		   : address
			   ? ax_strdup(given)
			   : ax_asprintf("https://spdx.org/licenses/%s", given);
	json_t *o = entity(c, id, "CreativeWork", &fresh);

	text(o, "name", given[0] ? given : "Licence not stated");
	text(o, "description",
	     given[0] ? "the licence under which the authors give this"
		      : "The authors state no licence; ask them before reuse.");
	json_object_set_new(c->root, "license", ref(id));
	free(id);
}

static json_t *
begin(struct crate *c)
{
	const char *about = json_string_value(c->p->r->graph->description);
	json_t *o, *workflow;
	char when[32];
	bool fresh;

	o = entity(c, "ro-crate-metadata.json", "CreativeWork", &fresh);
	json_object_set_new(o, "about", ref("./"));
	link_to(c, o, "conformsTo", "https://w3id.org/ro/crate/1.1");
	link_to(c, o, "conformsTo", WORKFLOW_CRATE);
	c->root = entity(c, "./", "Dataset", &fresh);
	text(c->root, "name", c->p->r->graph->name);
	text(c->root, "description",
	     about ? about : "A run of an axpipe manifest, with its results.");
	text(c->root, "datePublished", ax_papers_time(when, c->p->ended));
	json_object_set_new(c->root, "mainEntity", ref("manifest.json"));
	conforms(c, c->root);
	licence(c);
	o = entity(c, "#axpipe-manifest", "ComputerLanguage", &fresh);
	text(o, "name", "axpipe manifest");
	text(o, "alternateName", "axpipe");
	text(o, "version", "1");
	workflow = entity(c, "manifest.json", "File", &fresh);
	json_object_set_new(workflow, "@type",
			    json_pack("[s,s,s,s]", "File", "SoftwareSourceCode",
				      "ComputationalWorkflow", "HowTo"));
	text(workflow, "name", c->p->r->graph->name);
	text(workflow, "encodingFormat", "application/json");
	json_object_set_new(workflow, "programmingLanguage",
			    ref("#axpipe-manifest"));
	link_to(c, c->root, "hasPart", "manifest.json");
	if (c->p->o->author) {
		o = entity(c, "#agent", "Person", &fresh);
		text(o, "name", c->p->o->author);
		json_object_set_new(c->root, "author", ref("#agent"));
	}
	for (int i = 0; i < 2; i++) {
		o = entity(c, i ? "#env/TZ" : "#env/LC_ALL", "PropertyValue",
			   &fresh);
		text(o, "name", i ? "TZ" : "LC_ALL");
		text(o, "value", i ? "UTC" : "C");
	}
	return workflow;
}

static void
other_files(struct crate *c, const json_t *parts)
{
	const char *name;
	bool fresh;
	json_t *o;
	size_t i;

	for (i = 0; i < json_array_size(parts); i++) {
		name = json_string_value(json_array_get(parts, i));
		o = entity(c, name, "File", &fresh);
		if (!fresh)
			continue;
		text(o, "name", ax_basename(name));
		text(o, "encodingFormat",
		     ax_ends(name, ".json") ? "application/json"
		     : ax_ends(name, ".md") ? "text/markdown"
					    : "text/plain");
		if (ax_streq(name, "README.md"))
			json_object_set_new(o, "about", ref("./"));
		link_to(c, c->root, "hasPart", name);
	}
}

json_t *
ax_papers_crate(const struct ax_papers *p, const json_t *parts)
{
	struct crate c = {.p = p, .graph = json_array()};
	json_t *workflow = begin(&c), *whole, *organize, *engine;
	const struct ax_run *r = p->r;
	size_t position = 1;
	char *id, *name;
	bool fresh;

	whole = entity(&c, "#run", "CreateAction", &fresh);
	name = ax_asprintf("Run of %s", r->graph->name);
	text(whole, "name", name);
	text(whole, "description", p->run_id);
	json_object_set_new(whole, "instrument", ref("manifest.json"));
	json_object_set_new(whole, "actionStatus",
			    ref("http://schema.org/CompletedActionStatus"));
	times(whole, p->started, p->ended);
	if (p->o->author)
		json_object_set_new(whole, "agent", ref("#agent"));
	link_to(&c, c.root, "mentions", "#run");
	engine = entity(&c, "#engine", "SoftwareApplication", &fresh);
	text(engine, "name", "axpipe");
	text(engine, "softwareVersion", AXPIPE_VERSION);
	organize = entity(&c, "#organize", "OrganizeAction", &fresh);
	text(organize, "name", name);
	json_object_set_new(organize, "instrument", ref("#engine"));
	json_object_set_new(organize, "result", ref("#run"));
	times(organize, p->started, p->ended);
	if (p->o->author)
		json_object_set_new(organize, "agent", ref("#agent"));
	free(name);
	for (size_t i = 0; i < r->graph->nsources; i++) {
		if (!r->source_known[i])
			continue;
		id = source(&c, i);
		link_to(&c, whole, "object", id);
		if (id[0] == '#')
			link_to(&c, c.root, "mentions", id);
		free(id);
	}
	for (size_t i = 0; i < r->graph->n; i++)
		if (ax_papers_has(&r->outcomes[i]))
			node_actions(&c, r->graph->nodes[i], workflow, whole,
				     organize, &position);
	link_to(&c, c.root, "mentions", "#organize");
	other_files(&c, parts);
	ax_map_free(&c.by_id);
	ax_map_free(&c.links);
	return json_pack("{s:[s,s], s:o}", "@context",
			 "https://w3id.org/ro/crate/1.1/context",
			 "https://w3id.org/ro/terms/workflow-run/context",
			 "@graph", c.graph);
}
