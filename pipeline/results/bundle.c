/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles: writing them. */
#include "pipeline/results/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "artifacts/base/map.h"
#include "pipeline/results/papers.h"
#include "pipeline/results/provenance.h"
#include "pipeline/results/tar.h"

#define MAX_CODE ((uint64_t)256 << 20) /* bytes of all stages' code */
#define MAX_DEPTH 16
#define MAX_ENTRIES 20000

/* A file of the bundle: bytes, or a file that has them. */
struct item {
	char *name;
	char *bytes; /* owned; NULL: in `file` */
	char *file;
	size_t n;
	uint64_t size;
	bool exec;
	struct ax_digest digest;
};

struct pack {
	struct ax_run *r;
	const struct ax_bundle_options *o;
	struct item *items;
	size_t n, cap, nodes;
	struct ax_map names;
	uint64_t code;
	struct ax_err *err;
};

/* NULL when a file of that name is there already. */
static struct item *
add(struct pack *p, const char *name)
{
	struct item *i;

	if (ax_map_set(&p->names, name, p))
		return NULL;
	AX_GROW(p->items, p->n, p->cap);
	i = &p->items[p->n++];
	memset(i, 0, sizeof(*i));
	i->name = ax_strdup(name);
	return i;
}

/* Takes the bytes. */
static void
add_bytes(struct pack *p, const char *name, char *bytes, size_t n)
{
	struct item *i = add(p, name);

	if (!i) {
		free(bytes);
		return;
	}
	i->bytes = bytes;
	i->size = i->n = n;
	i->digest = ax_hash_bytes(bytes, n);
}

static void
add_json(struct pack *p, const char *name, json_t *v)
{
	struct ax_str s = AX_STR_INIT;
	size_t n;

	ax_json_pretty(&s, v);
	json_decref(v);
	n = s.len;
	add_bytes(p, name, ax_str_take(&s), n);
}

static void
add_text(struct pack *p, const char *name, struct ax_str *s)
{
	size_t n = s->len;

	add_bytes(p, name, ax_str_take(s), n);
}

static int
add_object(struct pack *p, const struct ax_digest *d, bool listing)
{
	char *name = ax_papers_object(d), *file;
	struct item *i = add(p, name);
	struct stat st;
	int rc = 0;

	free(name);
	if (!i) {
		/* it may be known as plain bytes so far */
		for (size_t k = p->n; listing && k-- > 0;)
			if (ax_digest_eq(&p->items[k].digest, d) &&
			    ax_starts(p->items[k].name, "objects/"))
				p->items[k].exec = true;
		return 0;
	}
	file = ax_store_path(p->r->store, d);
	i->file = file;
	i->digest = *d;
	i->exec = listing;
	if (stat(file, &st) < 0)
		rc = ax_err_set(p->err, AX_EXIT_ENV,
				"%s: the object is not there; run the manifest "
				"again:",
				file);
	else
		i->size = (uint64_t)st.st_size;
	return rc;
}

static bool
packed(const void *arg, const struct ax_digest *d)
{
	const struct pack *p = arg;
	char *name = ax_papers_object(d);
	bool there = ax_map_get(&p->names, name) != NULL;

	free(name);
	return there;
}

/* A tree's files, then its listing. */
static int
add_tree(struct pack *p, const struct ax_digest *d)
{
	json_t *fake;
	char hex[AX_HEX_LEN + 1];
	struct ax_part *parts;
	size_t n;
	int rc;

	fake = json_pack("{s:{s:{s:s, s:b}}}", "outputs", "tree", "sha256",
			 ax_hex(hex, d), "tree", 1);
	rc = ax_store_record_parts(p->r->store, fake, &parts, &n, p->err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = add_object(p, &parts[i].digest, parts[i].listing);
	if (rc == 0)
		ax_parts_free(parts, n);
	json_decref(fake);
	return rc;
}

/* Nodes and inputs ----------------------------------------------------------
 */

static int
add_node(struct pack *p, const struct ax_node *n)
{
	const struct ax_outcome *o = &p->r->outcomes[n->index];
	char hex[AX_HEX_LEN + 1], *name, *text;
	struct ax_part *parts = NULL;
	json_t *record;
	size_t len, count = 0;
	int rc = 0;

	if (o->state == AX_SUBSTITUTED) {
		for (size_t i = 0; rc == 0 && i < n->stage->noutputs; i++)
			if (o->have[i] &&
			    ax_store_has(p->r->store, &o->outputs[i]))
				rc = n->stage->outputs[i].tree
					     ? add_tree(p, &o->outputs[i])
					     : add_object(p, &o->outputs[i],
							  false);
		return rc;
	}
	if (ax_store_record_get(p->r->store, &o->key, &record, p->err) != 1 ||
	    ax_store_record_text(p->r->store, &o->key, &text, &len, p->err) !=
		    1)
		return ax_err_set(p->err, AX_EXIT_ENV,
				  "%s: its record is gone; run the manifest "
				  "again",
				  n->name);
	rc = ax_store_record_parts(p->r->store, record, &parts, &count, p->err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = add_object(p, &parts[i].digest, parts[i].listing);
	ax_parts_free(parts, count);
	json_decref(record);
	ax_hex(hex, &o->key);
	name = ax_asprintf("records/%.2s/%s", hex, hex + 2);
	add_bytes(p, name, text, len);
	free(name);
	p->nodes++;
	return rc;
}

static int
add_nodes(struct pack *p)
{
	const struct ax_graph *g = p->r->graph;
	struct ax_str missing = AX_STR_INIT;
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < g->n; i++) {
		enum ax_state s = p->r->outcomes[i].state;

		if (ax_papers_has(&p->r->outcomes[i]) || s == AX_UNNEEDED)
			continue;
		if (n++ < 8)
			ax_str_addf(&missing, "%s%s", n > 1 ? ", " : "",
				    g->nodes[i]->name);
	}
	if (n)
		rc = ax_err_set(p->err, AX_EXIT_STAGE,
				"%zu of %zu nodes have not run: %s%s; run the "
				"manifest first",
				n, g->n, missing.buf, n > 8 ? ", ..." : "");
	ax_str_free(&missing);
	for (size_t i = 0; rc == 0 && i < g->n; i++)
		if (ax_papers_has(&p->r->outcomes[i]))
			rc = add_node(p, g->nodes[i]);
	return rc;
}

/* An input's own file goes through the store, which hashes it. */
static int
add_source(struct pack *p, const struct ax_source *s)
{
	struct ax_digest want = p->r->source_digests[s->index], is = want;
	bool tree = p->r->source_tree[s->index];

	if (p->o->inputs == AX_INPUTS_NONE ||
	    (p->o->inputs == AX_INPUTS_FIXED && s->kind != AX_SOURCE_FILE))
		return 0;
	if (!ax_store_has(p->r->store, &want)) {
		if (s->kind != AX_SOURCE_FILE)
			return ax_err_set(p->err, AX_EXIT_ENV,
					  "input %s is not in the store; run "
					  "the manifest here first, or give "
					  "--inputs fixed",
					  s->name);
		if (ax_store_put(p->r->store, &is, NULL, s->path, tree,
				 p->err) < 0)
			return ax_err_wrap(p->err, "input %s", s->name);
	}
	if (!ax_digest_eq(&is, &want))
		return ax_err_set(p->err, AX_EXIT_ENV,
				  "input %s changed while it was packed",
				  s->name);
	if (ax_store_is_tree(p->r->store, &want, &tree, p->err) < 0)
		return -1;
	p->r->source_tree[s->index] = tree;
	return tree ? add_tree(p, &want) : add_object(p, &want, false);
}

/* Manifest and stages -------------------------------------------------------
 */

static void
add_manifest(struct pack *p)
{
	const struct ax_graph *g = p->r->graph;
	char *name, *text;

	for (size_t i = 0; i < g->nfiles; i++) {
		const char *base = ax_basename(g->files[i].name);

		name = i ? ax_asprintf("manifest/include-%zu/%s", i, base)
			 : ax_asprintf("manifest/%s", base);
		text = ax_malloc(g->files[i].len + 1);
		memcpy(text, g->files[i].text, g->files[i].len);
		if (ax_tar_name_ok(name))
			add_bytes(p, name, text, g->files[i].len);
		else
			free(text);
		free(name);
	}
	add_json(p, "manifest.json", ax_graph_resolved(g));
}

static int
add_code(struct pack *p, const char *dir, const char *name, int depth)
{
	char **list, *path, *sub;
	struct stat st;
	struct item *it;
	size_t n, i;
	int rc = 0;

	if (depth > MAX_DEPTH)
		return ax_err_set(p->err, AX_EXIT_USAGE,
				  "%s: deeper than %d levels", dir, MAX_DEPTH);
	if (ax_list_dir(&list, &n, dir, MAX_ENTRIES, p->err) < 0)
		return -1;
	for (i = 0; rc == 0 && i < n; i++) {
		path = ax_join(dir, list[i]);
		sub = ax_join(name, list[i]);
		if (ax_streq(list[i], "__pycache__") || stat(path, &st) < 0) {
			;
		} else if (S_ISDIR(st.st_mode)) {
			rc = add_code(p, path, sub, depth + 1);
		} else if (S_ISREG(st.st_mode) && ax_tar_name_ok(sub)) {
			p->code += (uint64_t)st.st_size;
			it = add(p, sub);
			if (it) {
				it->file = ax_strdup(path);
				it->size = (uint64_t)st.st_size;
				it->exec = (st.st_mode & S_IXUSR) != 0;
				rc = ax_hash_file(&it->digest, NULL, path,
						  p->err);
			}
		} else {
			rc = ax_err_set(p->err, AX_EXIT_USAGE,
					"%s: a bundle cannot hold this file of "
					"a stage",
					path);
		}
		if (rc == 0 && p->code > MAX_CODE)
			rc = ax_err_set(p->err, AX_EXIT_USAGE,
					"the stages' folders hold more than "
					"%d MiB; keep data elsewhere",
					(int)(MAX_CODE >> 20));
		free(path);
		free(sub);
	}
	ax_free_list(list, n);
	return rc;
}

static int
add_stages(struct pack *p)
{
	const struct ax_graph *g = p->r->graph;
	struct ax_map seen = AX_MAP_INIT;
	char *name;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < g->n; i++) {
		const struct ax_stage *s = g->nodes[i]->stage;
		char *text;

		if (ax_map_set(&seen, s->name, p))
			continue;
		name = ax_asprintf("stage-descriptions/%s.json", s->name);
		text = ax_malloc(s->json.len + 1);
		memcpy(text, s->json.text, s->json.len);
		add_bytes(p, name, text, s->json.len);
		free(name);
		if (s->builtin)
			continue;
		name = ax_asprintf("stages/%s", s->name);
		rc = add_code(p, s->dir, name, 0);
		free(name);
	}
	ax_map_free(&seen);
	return rc;
}

/* Papers --------------------------------------------------------------------
 */

/* A CITATION.cff beside the manifest is the authors' own word. */
static char *
own_citation(const struct pack *p, size_t *n)
{
	char *dir = ax_dirname(p->r->graph->path), *text = NULL;
	char *path = ax_join(dir, "CITATION.cff");

	if (!ax_is_file(path) || ax_read_file(&text, n, path, 65536, NULL) < 0)
		text = NULL;
	free(path);
	free(dir);
	return text;
}

static void
find_license(struct ax_papers *w, const char *citation)
{
	const char *at = citation;
	size_t n;

	if (w->o->license) {
		snprintf(w->license, sizeof(w->license), "%s", w->o->license);
		return;
	}
	while (at && !ax_starts(at, "license: ")) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	if (!at)
		return;
	at += strlen("license: ");
	at += strspn(at, " \"'");
	n = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		       "0123456789.-+");
	snprintf(w->license, sizeof(w->license), "%.*s", (int)AX_MIN(n, 64u),
		 at);
}

static void
measure(struct ax_papers *w)
{
	for (size_t i = 0; i < w->r->graph->n; i++) {
		const struct ax_outcome *o = &w->r->outcomes[i];

		if (!ax_papers_has(o) || o->ended <= 0)
			continue;
		if (w->started <= 0 || o->started < w->started)
			w->started = o->started;
		w->ended = AX_MAX(w->ended, o->ended);
	}
}

/* What provenance has of the last run of this manifest. */
static char *
last_run(struct pack *p, json_t **run)
{
	const char *name = p->r->graph->name;
	struct ax_past_run *past;
	char *id = NULL;
	size_t n;

	*run = NULL;
	if (ax_provenance_log(p->r->store, name, 1, &past, &n, NULL) < 0)
		return NULL;
	if (n) {
		id = ax_strdup(past[0].id);
		if (ax_provenance_read(p->r->store, name, "run.json", run,
				       NULL) == 0) {
			/* a path of this machine says nothing elsewhere */
			json_object_del(*run, "manifest");
			add_json(p, "run.json", json_incref(*run));
		}
	}
	ax_past_free(past, n);
	return id;
}

static json_t *
lock_json(const struct pack *p)
{
	json_t *o = json_object(), *inputs = json_object(), *e, *out;
	json_t *nodes = json_object();
	char hex[AX_HEX_LEN + 1];

	for (size_t i = 0; i < p->r->graph->nsources; i++) {
		const struct ax_source *s = p->r->graph->sources[i];

		if (p->r->source_known[i])
			json_object_set_new_nocheck(
				inputs, s->name,
				json_string(
					ax_hex(hex, &p->r->source_digests[i])));
	}
	for (size_t i = 0; i < p->r->graph->n; i++) {
		const struct ax_node *n = p->r->graph->nodes[i];
		const struct ax_outcome *c = &p->r->outcomes[i];

		if (!ax_papers_has(c))
			continue;
		e = json_pack("{s:s}", "stage", n->stage->name);
		if (c->has_key && c->state != AX_SUBSTITUTED)
			json_object_set_new(e, "key",
					    json_string(ax_hex(hex, &c->key)));
		json_object_set_new(e, "seconds",
				    json_real(c->ended - c->started));
		json_object_set_new(e, "deterministic",
				    json_boolean(n->stage->deterministic));
		out = json_object();
		for (size_t k = 0; k < n->stage->noutputs; k++)
			if (c->have[k])
				json_object_set_new(
					out, n->stage->outputs[k].name,
					json_string(
						ax_hex(hex, &c->outputs[k])));
		json_object_set_new(e, "outputs", out);
		json_object_set_new_nocheck(nodes, n->name, e);
	}
	json_object_set_new(o, "axpipe_bundle", json_integer(1));
	json_object_set_new(o, "name", json_string(p->r->graph->name));
	json_object_set_new(o, "inputs", inputs);
	json_object_set_new(o, "nodes", nodes);
	return o;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct item *)a)->name,
		      ((const struct item *)b)->name);
}

static void
sort(struct pack *p)
{
	qsort(p->items, p->n, sizeof(*p->items), by_name);
}

/* As sha256sum writes it: its mark of a binary file says here that a file may
 * be executed, so that what is signed says that, too. */
static void
add_list(struct pack *p, const char *name)
{
	struct ax_str s = AX_STR_INIT;
	char hex[AX_HEX_LEN + 1];

	sort(p);
	for (size_t i = 0; i < p->n; i++)
		ax_str_addf(&s, "%s %c%s\n", ax_hex(hex, &p->items[i].digest),
			    p->items[i].exec ? '*' : ' ', p->items[i].name);
	add_text(p, name, &s);
}

/* A statement, and its envelope when there is a key. */
static int
add_statement(struct pack *p, const char *name, json_t *statement)
{
	struct ax_str s = AX_STR_INIT;
	json_t *envelope = NULL;
	char *file;
	int rc = 0;

	ax_json_canonical(&s, statement);
	json_decref(statement);
	if (p->o->key) {
		envelope = ax_dsse_sign(AX_INTOTO_TYPE, s.buf, s.len, p->o->key,
					p->err);
		rc = envelope ? 0 : -1;
	}
	file = ax_asprintf("%s.intoto.json", name);
	add_text(p, file, &s);
	free(file);
	if (envelope) {
		file = ax_asprintf("%s.dsse.json", name);
		add_json(p, file, envelope);
		free(file);
	}
	return rc;
}

static void
add_papers(struct pack *p, struct ax_papers *w)
{
	/* made from the rest, so they cannot be there yet; signatures first */
	static const char *const later[] = {"attestation.dsse.json",
					    "test-result.dsse.json",
					    "signer.pem",
					    "attestation.intoto.json",
					    "test-result.intoto.json",
					    "contents.sha256",
					    "SHA256SUMS"};
	struct ax_str s = AX_STR_INIT;
	json_t *parts = json_array();
	char *citation;
	size_t n = 0;

	citation = own_citation(p, &n);
	find_license(w, citation);
	if (citation) {
		add_bytes(p, "CITATION.cff", citation, n);
	} else {
		ax_papers_citation(&s, w);
		add_text(p, "CITATION.cff", &s);
	}
	ax_papers_readme(&s, w);
	add_text(p, "README.md", &s);
	ax_papers_appendix(&s, w);
	add_text(p, "appendix.md", &s);
	add_json(p, "env.json", ax_papers_env(w));
	add_json(p, "reproduce.json", ax_papers_reproduce(w));
	add_json(p, "lock.json", lock_json(p));
	for (size_t i = 0; i < p->n; i++)
		if (!ax_starts(p->items[i].name, "objects/"))
			json_array_append_new(parts,
					      json_string(p->items[i].name));
	for (size_t i = 0; i < AX_LEN(later); i++)
		if (p->o->key || i >= 3)
			json_array_append_new(parts, json_string(later[i]));
	add_json(p, "ro-crate-metadata.json", ax_papers_crate(w, parts));
	json_decref(parts);
}

static int
collect(struct pack *p, const struct ax_claims *claims,
	struct ax_digest *contents)
{
	struct ax_papers w = {.r = p->r,
			      .claims = claims,
			      .o = p->o,
			      .packed = packed,
			      .arg = p};
	const struct ax_graph *g = p->r->graph;
	struct ax_str s = AX_STR_INIT;
	json_t *run;
	char *id;
	int rc;

	rc = add_nodes(p);
	for (size_t i = 0; rc == 0 && i < g->nsources; i++)
		if (p->r->source_known[i])
			rc = add_source(p, g->sources[i]);
	if (rc < 0 || add_stages(p) < 0)
		return -1;
	add_manifest(p);
	id = last_run(p, &run);
	w.run = run;
	w.run_id = id;
	measure(&w);
	add_papers(p, &w);
	add_list(p, "contents.sha256");
	*contents = p->items[p->n - 1].digest;
	rc = add_statement(p, "attestation",
			   ax_papers_provenance(&w, contents));
	if (rc == 0)
		rc = add_statement(p, "test-result",
				   ax_papers_test_result(&w, contents));
	if (rc == 0 && p->o->key) {
		ax_key_pem(&s, p->o->key);
		add_text(p, "signer.pem", &s);
	}
	if (rc == 0)
		add_list(p, "SHA256SUMS");
	sort(p);
	json_decref(run);
	free(id);
	return rc;
}

/* Writing -------------------------------------------------------------------
 */

static int
write_file(struct pack *p, struct ax_tar_out *t, const struct item *i)
{
	struct ax_sha *sha = ax_sha_new();
	char *buf = ax_malloc(1 << 16);
	struct ax_digest is;
	ssize_t n = 0;
	int fd, rc = 0;

	fd = open(i->file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		rc = ax_err_set(p->err, AX_EXIT_ENV,
				"%s: cannot open:", i->file);
	while (rc == 0 && (n = read(fd, buf, 1 << 16)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			rc = ax_err_set(p->err, AX_EXIT_ENV,
					"%s: cannot read:", i->file);
			break;
		}
		ax_sha_add(sha, buf, (size_t)n);
		rc = ax_tar_bytes(t, buf, (size_t)n, p->err);
	}
	if (fd >= 0)
		close(fd);
	is = ax_sha_end(sha);
	free(buf);
	if (rc == 0 && !ax_digest_eq(&is, &i->digest))
		rc = ax_err_set(p->err, AX_EXIT_ENV,
				"%s: damaged, or changed while it was packed; "
				"`axpipe fsck` looks at the store",
				i->file);
	return rc;
}

static int
write_archive(struct pack *p, FILE *f, const char *shown)
{
	struct ax_tar_out t;
	int rc = 0;

	ax_tar_begin(&t, f, shown);
	for (size_t i = 0; rc == 0 && i < p->n; i++) {
		const struct item *it = &p->items[i];

		rc = ax_tar_file(&t, it->name, it->exec, it->size, p->err);
		if (rc == 0)
			rc = it->bytes ? ax_tar_bytes(&t, it->bytes, it->n,
						      p->err)
				       : write_file(p, &t, it);
	}
	return rc < 0 ? -1 : ax_tar_end(&t, p->err);
}

/* Beside its place, and moved there when it is whole. */
static int
publish(struct pack *p, const char *path)
{
	char *aside = ax_asprintf("%s.%d.part", path, (int)getpid());
	FILE *f = fopen(aside, "wbxe");
	int rc;

	if (!f) {
		rc = ax_err_set(p->err, AX_EXIT_ENV,
				"%s: cannot create:", aside);
		free(aside);
		return rc;
	}
	rc = write_archive(p, f, path);
	if (rc == 0 && fsync(fileno(f)) < 0)
		rc = ax_err_set(p->err, AX_EXIT_ENV, "%s: cannot write:", path);
	fclose(f);
	if (rc == 0 && rename(aside, path) < 0)
		rc = ax_err_set(p->err, AX_EXIT_ENV,
				"%s: cannot create:", path);
	if (rc < 0)
		unlink(aside);
	free(aside);
	return rc;
}

int
ax_bundle_write(struct ax_run *r, const struct ax_claims *claims,
		const struct ax_bundle_options *o,
		struct ax_bundle_result *result, struct ax_err *err)
{
	struct pack p = {.r = r, .o = o, .err = err};
	struct ax_digest contents;
	int rc;

	memset(result, 0, sizeof(*result));
	rc = collect(&p, claims, &contents);
	if (rc == 0)
		rc = publish(&p, o->path);
	if (rc == 0) {
		result->files = p.n;
		result->nodes = p.nodes;
		result->contents = contents;
		for (size_t i = 0; i < p.n; i++)
			result->bytes += p.items[i].size;
	}
	for (size_t i = 0; i < p.n; i++) {
		free(p.items[i].name);
		free(p.items[i].bytes);
		free(p.items[i].file);
	}
	free(p.items);
	ax_map_free(&p.names);
	return rc;
}
