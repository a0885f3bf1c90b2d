/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles: reading them, whoever they come from. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "pipeline/manifest/place.h"
#include "pipeline/results/bundle.h"
#include "pipeline/results/papers.h"
#include "pipeline/results/tar.h"
#include "pipeline/run/journal.h"

#define SMALL_MAX ((uint64_t)64 << 20) /* of a paper, read into memory */
#define TOTAL_MAX (UINT64_C(1) << 40)
#define CHUNK 65536

/* The files that are looked into. */
enum paper {
	LOCK,
	ATTESTATION,
	ATTESTATION_DSSE,
	TEST_RESULT,
	TEST_RESULT_DSSE,
	SIGNER,
	CONTENTS,
	SUMS,
	NPAPERS
};

static const char *const paper_names[NPAPERS] = {"lock.json",
						 "attestation.intoto.json",
						 "attestation.dsse.json",
						 "test-result.intoto.json",
						 "test-result.dsse.json",
						 "signer.pem",
						 "contents.sha256",
						 "SHA256SUMS"};

/* Names ascend in an archive, so these are sorted as they come. */
struct digests {
	struct ax_digest *list;
	size_t n, cap;
};

struct reader {
	const char *path;
	struct ax_str papers[NPAPERS];
	bool has[NPAPERS];
	struct ax_str sums, contents;    /* what the lists ought to say */
	struct digests objects, records; /* which are there */
	bool manifest;
	struct ax_bundle_facts *facts;
	struct ax_err *err;
};

void
ax_bundle_facts_free(struct ax_bundle_facts *f)
{
	free(f->name);
	free(f->run);
	memset(f, 0, sizeof(*f));
}

static int
wrong(const struct reader *r, const char *name, const char *what)
{
	return ax_err_set(r->err, AX_EXIT_CLAIM,
			  "%s: %s: %s; the bundle was damaged or changed",
			  r->path, name, what);
}

/* The digest that the name of an object or record states. */
static bool
named_digest(struct ax_digest *d, const char *name, const char *room)
{
	char hex[AX_HEX_LEN + 1];
	size_t n = strlen(room);

	if (!ax_starts(name, room) || strlen(name) != n + AX_HEX_LEN + 1 ||
	    name[n + 2] != '/')
		return false;
	memcpy(hex, name + n, 2);
	memcpy(hex + 2, name + n + 3, AX_HEX_LEN - 1);
	return ax_unhex(d, hex) == 0;
}

/* Verifying -----------------------------------------------------------------
 */

static void
add_digest(struct digests *s, const struct ax_digest *d)
{
	AX_GROW(s->list, s->n, s->cap);
	s->list[s->n++] = *d;
}

static int
by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ax_digest));
}

static bool
has(const struct digests *s, const char *hex)
{
	struct ax_digest d;

	return hex && ax_unhex(&d, hex) == 0 && s->n &&
	       bsearch(&d, s->list, s->n, sizeof(d), by_bytes);
}

/* Reads one file: its digest, and its text where that is wanted. */
static int
read_one(struct reader *r, struct ax_tar_in *t, struct ax_digest *d,
	 struct ax_str *text)
{
	struct ax_sha *sha = ax_sha_new();
	char buf[CHUNK];
	long n;

	if (text && t->size > SMALL_MAX) {
		ax_sha_free(sha);
		return wrong(r, t->name, "larger than such a file can be");
	}
	while ((n = ax_tar_read(t, buf, sizeof(buf), r->err)) > 0) {
		ax_sha_add(sha, buf, (size_t)n);
		if (text)
			ax_str_addn(text, buf, (size_t)n);
	}
	*d = ax_sha_end(sha);
	return n < 0 ? -1 : 0;
}

/* All but what is made from the contents. */
static bool
in_contents(const char *name)
{
	for (int i = ATTESTATION; i <= CONTENTS; i++)
		if (strcmp(name, paper_names[i]) == 0)
			return false;
	return true;
}

static int
check_record(struct reader *r, const char *name, const struct ax_str *text,
	     const struct ax_digest *key)
{
	if (ax_store_record_check(key, text->buf ? text->buf : "", text->len,
				  NULL) < 0)
		return wrong(r, name, "a record that is not that key's");
	add_digest(&r->records, key);
	return 0;
}

static int
check_file(struct reader *r, struct ax_tar_in *t)
{
	struct ax_str record = AX_STR_INIT, *text = NULL;
	char hex[AX_HEX_LEN + 1];
	struct ax_digest d, want;
	bool is_record = ax_starts(t->name, "records/");
	int i, rc;

	for (i = 0; i < NPAPERS && !text; i++)
		if (strcmp(t->name, paper_names[i]) == 0) {
			text = &r->papers[i];
			r->has[i] = true;
		}
	if (is_record)
		text = &record;
	rc = read_one(r, t, &d, text);
	r->manifest |= ax_streq(t->name, "manifest.json");
	if (rc == 0 && ax_starts(t->name, "objects/")) {
		if (!named_digest(&want, t->name, "objects/") ||
		    !ax_digest_eq(&d, &want))
			rc = wrong(r, t->name,
				   "its bytes have another SHA-256");
		else
			add_digest(&r->objects, &d);
	}
	if (rc == 0 && is_record)
		rc = named_digest(&want, t->name, "records/")
			     ? check_record(r, t->name, text, &want)
			     : wrong(r, t->name, "no name of a record");
	ax_str_free(&record);
	if (rc < 0)
		return -1;
	if (strcmp(t->name, "SHA256SUMS") == 0)
		return 0;
	ax_str_addf(&r->sums, "%s %c%s\n", ax_hex(hex, &d), t->exec ? '*' : ' ',
		    t->name);
	if (in_contents(t->name))
		ax_str_addf(&r->contents, "%s %c%s\n", hex, t->exec ? '*' : ' ',
			    t->name);
	return 0;
}

static bool
same(const struct ax_str *a, const struct ax_str *b)
{
	return a->len == b->len &&
	       (a->len == 0 || memcmp(a->buf, b->buf, a->len) == 0);
}

/* A statement is about this bundle's contents. */
static json_t *
check_statement(struct reader *r, enum paper which, const char *type)
{
	const struct ax_str *s = &r->papers[which];
	char hex[AX_HEX_LEN + 1];
	json_t *o, *subject;
	bool good;

	if (!r->has[which]) {
		wrong(r, paper_names[which], "not there");
		return NULL;
	}
	o = json_loadb(s->buf ? s->buf : "", s->len, JSON_REJECT_DUPLICATES,
		       NULL);
	subject = json_array_get(json_object_get(o, "subject"), 0);
	good = ax_streq(json_string_value(json_object_get(o, "_type")),
			"https://in-toto.io/Statement/v1") &&
	       ax_streq(json_string_value(json_object_get(o, "predicateType")),
			type) &&
	       ax_streq(json_string_value(json_object_get(
				json_object_get(subject, "digest"), "sha256")),
			ax_hex(hex, &r->facts->contents));
	if (!good) {
		wrong(r, paper_names[which],
		      "no statement about the contents of this bundle");
		json_decref(o);
		return NULL;
	}
	return o;
}

static int
check_envelope(struct reader *r, enum paper which, enum paper plain,
	       const struct ax_key *k)
{
	const struct ax_str *s = &r->papers[which];
	struct ax_str body = AX_STR_INIT;
	json_t *o = json_loadb(s->buf ? s->buf : "", s->len,
			       JSON_REJECT_DUPLICATES, NULL);
	int rc = ax_dsse_verify(o, AX_INTOTO_TYPE, k, &body);

	if (rc < 0)
		rc = wrong(r, paper_names[which], "no DSSE envelope");
	else if (rc == 0)
		rc = wrong(r, paper_names[which],
			   "its signature is not that of the key");
	else
		rc = same(&body, &r->papers[plain])
			     ? 0
			     : wrong(r, paper_names[which],
				     "another statement was signed than the "
				     "one beside it");
	ax_str_free(&body);
	json_decref(o);
	return rc;
}

static int
check_signatures(struct reader *r, struct ax_key *const *trust, size_t ntrust)
{
	const struct ax_str *pem = &r->papers[SIGNER];
	struct ax_str plain = AX_STR_INIT;
	struct ax_key *k = NULL;
	bool good;
	struct ax_digest id;
	size_t i;
	int rc = 0;

	r->facts->is_signed = r->has[SIGNER];
	if (r->has[ATTESTATION_DSSE] != r->has[SIGNER] ||
	    r->has[TEST_RESULT_DSSE] != r->has[SIGNER])
		return wrong(r, "signer.pem",
			     "signatures and key do not belong together");
	if (r->has[SIGNER]) {
		k = ax_key_public(pem->buf ? pem->buf : "", pem->len);
		if (k)
			ax_key_pem(&plain, k);
		good = k && same(&plain, pem);
		ax_str_free(&plain);
		if (!good) {
			ax_key_free(k);
			return wrong(r, "signer.pem",
				     "not a public key and nothing else");
		}
		r->facts->signer = ax_key_id(k);
		rc = check_envelope(r, ATTESTATION_DSSE, ATTESTATION, k);
		if (rc == 0)
			rc = check_envelope(r, TEST_RESULT_DSSE, TEST_RESULT,
					    k);
	}
	for (i = 0; rc == 0 && k && i < ntrust; i++) {
		id = ax_key_id(trust[i]);
		r->facts->trusted |= ax_digest_eq(&id, &r->facts->signer);
	}
	if (rc == 0 && ntrust && !r->facts->trusted)
		rc = ax_err_set(r->err, AX_EXIT_CLAIM, "%s: %s", r->path,
				k ? "signed, but by none of the keys that are "
				    "trusted"
				  : "not signed, and --trust wants a "
				    "signature");
	ax_key_free(k);
	return rc;
}

/* What the lock says to be there is: the manifest, the record of each node that
 * ran, and what it made. */
static int
check_lock(const struct reader *r, json_t *lock)
{
	const char *name, *output;
	json_t *node, *hex, *key;

	name = json_string_value(json_object_get(lock, "name"));
	if (!name || !ax_name_ok(name) ||
	    !json_is_object(json_object_get(lock, "nodes")))
		return wrong(r, "lock.json", "not there, or no lock");
	if (!r->manifest)
		return wrong(r, "manifest.json", "not there");
	json_object_foreach(json_object_get(lock, "nodes"), name, node)
	{
		key = json_object_get(node, "key");
		if (!key) /* a pinned one: its output may lie elsewhere */
			continue;
		if (!has(&r->records, json_string_value(key)))
			return wrong(r, name, "its record is not there");
		json_object_foreach(json_object_get(node, "outputs"), output,
				    hex)
		{
			if (!has(&r->objects, json_string_value(hex)))
				return wrong(r, name,
					     "what it made is not there");
		}
	}
	return 0;
}

static int
check_papers(struct reader *r, struct ax_key *const *trust, size_t ntrust)
{
	json_t *provenance = NULL, *test = NULL, *lock, *predicate;
	const char *text;
	int rc = -1;

	if (!r->has[SUMS] || !same(&r->papers[SUMS], &r->sums))
		return wrong(r, "SHA256SUMS",
			     "not the list of the files that are there");
	if (!r->has[CONTENTS] || !same(&r->papers[CONTENTS], &r->contents))
		return wrong(r, "contents.sha256",
			     "not the list of the files that are there");
	r->facts->contents = ax_hash_bytes(r->contents.buf, r->contents.len);
	provenance = check_statement(r, ATTESTATION,
				     "https://slsa.dev/provenance/v1");
	if (provenance)
		test = check_statement(
			r, TEST_RESULT,
			"https://in-toto.io/attestation/test-result/v0.1");
	lock = json_loadb(r->papers[LOCK].buf ? r->papers[LOCK].buf : "",
			  r->papers[LOCK].len, JSON_REJECT_DUPLICATES, NULL);
	text = json_string_value(json_object_get(lock, "name"));
	if (provenance && test)
		rc = check_lock(r, lock);
	if (rc == 0)
		rc = check_signatures(r, trust, ntrust);
	if (rc == 0) {
		predicate = json_object_get(test, "predicate");
		r->facts->holds = json_array_size(
			json_object_get(predicate, "passedTests"));
		r->facts->claims =
			r->facts->holds +
			json_array_size(
				json_object_get(predicate, "failedTests")) +
			json_array_size(
				json_object_get(predicate, "warnedTests"));
		r->facts->name = ax_strdup(text);
		predicate = json_object_get(
			json_object_get(
				json_object_get(provenance, "predicate"),
				"runDetails"),
			"metadata");
		text = json_string_value(
			json_object_get(predicate, "invocationId"));
		r->facts->run = ax_strdup(text ? text : "");
	}
	json_decref(lock);
	json_decref(provenance);
	json_decref(test);
	return rc;
}

int
ax_bundle_verify(const char *path, struct ax_key *const *trust, size_t ntrust,
		 struct ax_bundle_facts *facts, struct ax_err *err)
{
	struct reader r = {.path = path, .facts = facts, .err = err};
	struct ax_tar_in t;
	int rc;

	memset(facts, 0, sizeof(*facts));
	if (ax_tar_open(&t, path, err) < 0)
		return -1;
	while ((rc = ax_tar_next(&t, err)) == 1) {
		if (t.total > TOTAL_MAX)
			rc = wrong(&r, t.name, "the files are too large");
		else if (check_file(&r, &t) == 0)
			continue;
		rc = -1;
		break;
	}
	facts->files = t.n;
	facts->bytes = t.total;
	facts->nodes = r.records.n;
	ax_tar_close(&t);
	if (rc == 0)
		rc = check_papers(&r, trust, ntrust);
	for (int i = 0; i < NPAPERS; i++)
		ax_str_free(&r.papers[i]);
	ax_str_free(&r.sums);
	ax_str_free(&r.contents);
	free(r.objects.list);
	free(r.records.list);
	if (rc < 0)
		ax_bundle_facts_free(facts);
	return rc;
}

/* Laying out ----------------------------------------------------------------
 */

struct layout {
	struct ax_store *s;
	const char *path;
	char *dir;               /* where manifest and stages go */
	struct digests listings; /* to be marked as such */
	struct digests keys;
	char **texts; /* of the records, parallel to keys */
	size_t ctexts;
	json_t *lock;
	bool stages;
	struct ax_err *err;
};

static int
take_object(struct layout *l, struct ax_tar_in *t, const struct ax_digest *d)
{
	struct ax_put *put;
	char buf[CHUNK];
	long n;
	int rc = 0;

	if (t->exec)
		add_digest(&l->listings, d);
	if (ax_store_has(l->s, d))
		return 0;
	put = ax_put_begin(l->s, l->err);
	if (!put)
		return -1;
	while (rc == 0 && (n = ax_tar_read(t, buf, sizeof(buf), l->err)) != 0)
		rc = n < 0 ? -1 : ax_put_add(put, buf, (size_t)n, l->err);
	if (rc < 0) {
		ax_put_drop(put);
		return -1;
	}
	rc = ax_put_end(put, d, NULL, NULL, l->err);
	if (rc == 1)
		rc = ax_err_set(l->err, AX_EXIT_CLAIM,
				"%s: %s changed while it was read", l->path,
				t->name);
	return rc;
}

static int
take_text(struct layout *l, struct ax_tar_in *t, struct ax_str *s)
{
	char buf[CHUNK];
	long n;

	if (t->size > SMALL_MAX)
		return ax_err_set(l->err, AX_EXIT_CLAIM, "%s: %s is too large",
				  l->path, t->name);
	while ((n = ax_tar_read(t, buf, sizeof(buf), l->err)) > 0)
		ax_str_addn(s, buf, (size_t)n);
	return n < 0 ? -1 : 0;
}

/* Its place below the layout; ax_tar_next has let no name through that leads
 * elsewhere. */
static int
take_file(struct layout *l, struct ax_tar_in *t)
{
	char *to = ax_join(l->dir, t->name), *dir = ax_dirname(to);
	struct ax_str s = AX_STR_INIT;
	int rc = take_text(l, t, &s);

	if (rc == 0)
		rc = ax_mkdirs(dir, l->err);
	if (rc == 0)
		rc = ax_write_plain(to, s.buf ? s.buf : "", s.len, l->err);
	if (rc == 0 && chmod(to, t->exec ? 0755 : 0644) < 0)
		rc = ax_err_set(l->err, AX_EXIT_ENV, "%s:", to);
	ax_str_free(&s);
	free(dir);
	free(to);
	return rc;
}

static int
take_one(struct layout *l, struct ax_tar_in *t, bool records)
{
	struct ax_str s = AX_STR_INIT;
	struct ax_digest d;
	int rc;

	if (named_digest(&d, t->name, "objects/"))
		return take_object(l, t, &d);
	if (named_digest(&d, t->name, "records/")) {
		if (!records)
			return 0;
		rc = take_text(l, t, &s);
		AX_GROW(l->texts, l->keys.n, l->ctexts);
		l->texts[l->keys.n] = ax_str_take(&s);
		add_digest(&l->keys, &d);
		return rc;
	}
	if (ax_streq(t->name, "manifest.json"))
		return take_file(l, t);
	if (ax_starts(t->name, "stages/")) {
		l->stages = true;
		return take_file(l, t);
	}
	if (ax_streq(t->name, "lock.json")) {
		rc = take_text(l, t, &s);
		l->lock = json_loadb(s.buf ? s.buf : "", s.len, 0, NULL);
		ax_str_free(&s);
		return rc;
	}
	return 0;
}

/* Listings are marked once their files are there, records come last. */
static int
finish(struct layout *l)
{
	struct ax_digest made;
	char *text, hex[AX_HEX_LEN + 1];
	size_t n;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < l->listings.n; i++) {
		rc = ax_store_get_bytes(l->s, &l->listings.list[i], &text, &n,
					(size_t)512 << 20, l->err);
		if (rc == 0) {
			rc = ax_listing_sound(text, n)
				     ? ax_store_put_listing(l->s, text, n,
							    &made, l->err)
				     : ax_err_set(
					       l->err, AX_EXIT_CLAIM,
					       "%s: object %s is marked as the "
					       "listing of a folder, and is "
					       "none",
					       l->path,
					       ax_hex(hex,
						      &l->listings.list[i]));
			free(text);
		}
	}
	if (rc == 0)
		rc = ax_store_sync(l->s, l->err);
	for (size_t i = 0; rc == 0 && i < l->keys.n; i++) {
		/* what is here already was made here: it stays */
		if (ax_store_record_text(l->s, &l->keys.list[i], &text, &n,
					 NULL) == 1) {
			free(text);
			continue;
		}
		rc = ax_store_record_import(l->s, &l->keys.list[i], l->texts[i],
					    strlen(l->texts[i]), l->err);
	}
	return rc;
}

static int
lay_out(struct layout *l, bool records)
{
	struct ax_tar_in t;
	int rc;

	if (ax_tar_open(&t, l->path, l->err) < 0)
		return -1;
	while ((rc = ax_tar_next(&t, l->err)) == 1)
		if (take_one(l, &t, records) < 0) {
			rc = -1;
			break;
		}
	ax_tar_close(&t);
	return rc < 0 ? -1 : finish(l);
}

int
ax_bundle_open(struct ax_bundle_home *out, const char *path, struct ax_store *s,
	       bool records, struct ax_err *err)
{
	struct layout l = {.s = s, .path = path, .err = err};
	char hex[AX_HEX_LEN + 1], *home, *top;
	struct ax_bundle_facts facts;
	int rc;

	memset(out, 0, sizeof(*out));
	if (ax_bundle_verify(path, NULL, 0, &facts, err) < 0)
		return -1;
	ax_hex(hex, &facts.contents);
	ax_bundle_facts_free(&facts);
	top = ax_join(ax_store_dir(s), "bundles");
	home = ax_asprintf("%s/%.16s", top, hex);
	l.dir = ax_asprintf("%s/tmp/bundle-%s-%d", ax_store_dir(s), hex,
			    (int)getpid());
	rc = ax_mkdirs(top, err);
	if (rc == 0)
		rc = lay_out(&l, records);
	if (rc == 0 && !l.lock)
		rc = ax_err_set(err, AX_EXIT_CLAIM, "%s: no lock.json", path);
	/* another process may have done the same a moment ago */
	if (rc == 0 && rename(l.dir, home) < 0) {
		if (errno != ENOTEMPTY && errno != EEXIST)
			rc = ax_err_set(err, AX_EXIT_ENV,
					"%s: cannot create:", home);
		else
			ax_rmtree(l.dir, NULL);
	}
	if (rc < 0) {
		ax_rmtree(l.dir, NULL);
		json_decref(l.lock);
	} else {
		out->manifest = ax_join(home, "manifest.json");
		out->stages = l.stages ? ax_join(home, "stages") : NULL;
		out->lock = l.lock;
	}
	for (size_t i = 0; i < l.keys.n; i++)
		free(l.texts[i]);
	free(l.texts);
	free(l.keys.list);
	free(l.listings.list);
	free(l.dir);
	free(home);
	free(top);
	return rc;
}

void
ax_bundle_home_free(struct ax_bundle_home *h)
{
	free(h->manifest);
	free(h->stages);
	json_decref(h->lock);
	memset(h, 0, sizeof(*h));
}

void
ax_bundle_pin(const struct ax_bundle_home *h, struct ax_graph *g)
{
	const json_t *inputs = json_object_get(h->lock, "inputs");
	struct ax_digest d;

	for (size_t i = 0; i < g->nsources; i++) {
		struct ax_source *s = g->sources[i];
		const char *hex =
			json_string_value(json_object_get(inputs, s->name));

		if (!hex || ax_unhex(&d, hex) < 0)
			continue;
		s->sha256 = d;
		s->pinned = true;
		/* the bundle's bytes, not a file of that name here: a path
		 * below a file is never there */
		if (s->kind == AX_SOURCE_FILE) {
			char *path = ax_asprintf("%s/%s", h->manifest, s->name);

			s->path = ax_graph_keep(g, path);
			free(path);
		}
	}
}

void
ax_bundle_remember(const struct ax_bundle_home *h, struct ax_store *s,
		   const char *manifest)
{
	struct ax_journal *j = ax_journal_open(ax_store_dir(s), manifest,
					       ax_store_readonly(s));
	struct ax_digest key;
	const char *name, *hex;
	json_t *node;

	json_object_foreach(json_object_get(h->lock, "nodes"), name, node)
	{
		hex = json_string_value(json_object_get(node, "key"));
		if (hex && ax_unhex(&key, hex) == 0 &&
		    !ax_journal_find(j, name))
			ax_journal_ok(j, name, &key, "bundle",
				      json_number_value(json_object_get(
					      node, "seconds")));
	}
	ax_journal_close(j);
}

size_t
ax_bundle_compare(const struct ax_bundle_home *h, const struct ax_run *r,
		  struct ax_str *lines)
{
	char hex[AX_HEX_LEN + 1];
	size_t differ = 0;

	for (size_t i = 0; i < r->graph->n; i++) {
		const struct ax_node *n = r->graph->nodes[i];
		const struct ax_outcome *o = &r->outcomes[i];
		const json_t *was = json_object_get(
			json_object_get(json_object_get(h->lock, "nodes"),
					n->name),
			"outputs");

		if (!ax_papers_has(o) || !was)
			continue;
		for (size_t k = 0; k < n->stage->noutputs; k++) {
			const char *name = n->stage->outputs[k].name;
			const char *before =
				json_string_value(json_object_get(was, name));

			if (ax_streq(before,
				     o->have[k] ? ax_hex(hex, &o->outputs[k])
						: NULL))
				continue;
			differ++;
			ax_str_addf(lines, "%s.%s: bundle %s, here %s%s\n",
				    n->name, name, before ? before : "none",
				    o->have[k] ? hex : "none",
				    n->stage->deterministic
					    ? ""
					    : " (the stage does not claim to "
					      "be deterministic)");
		}
	}
	return differ;
}
