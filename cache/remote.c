/* SPDX-License-Identifier: Apache-2.0 */
#include "cache/remote.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/private.h"

#define RESULT_MAX ((size_t)64 << 20) /* bytes of an ActionResult */
#define OBJECT_MAX (UINT64_C(64) << 30)
#define IN_MEMORY ((uint64_t)1 << 20) /* larger objects are sent from disk */
#define GIVE_UP 3                     /* failures in a row */
#define RECORD_PATH "axpipe/record.json"
#define SIGNATURE_PATH "axpipe/record.dsse.json"
#define SIGNATURE_TYPE "application/vnd.axpipe.record"
#define SIGNATURE_MAX 65536

struct ax_remote {
	struct ax_http *http;
	bool write, down, warned, told_unsigned;
	const struct ax_key *key;
	struct ax_key *const *trust;
	size_t ntrust;
	unsigned failures;
	struct ax_set sent; /* objects known to be there */
	void (*warn)(void *arg, const char *text);
	void *warn_arg;
};

int
ax_remote_open(struct ax_remote **out, const struct ax_remote_options *o,
	       struct ax_err *err)
{
	struct ax_remote *r = ax_calloc(1, sizeof(*r));

	*out = NULL;
	if (ax_http_new(&r->http, &o->http, err) < 0) {
		free(r);
		return -1;
	}
	r->write = o->write;
	r->key = o->key;
	r->trust = o->trust;
	r->ntrust = o->ntrust;
	r->warn = o->warn;
	r->warn_arg = o->warn_arg;
	*out = r;
	return 0;
}

void
ax_remote_close(struct ax_remote *r)
{
	if (!r)
		return;
	ax_http_free(r->http);
	ax_set_free(&r->sent);
	free(r);
}

void
ax_remote_on_warning(struct ax_remote *r,
		     void (*warn)(void *arg, const char *text), void *arg)
{
	r->warn = warn;
	r->warn_arg = arg;
}

void
ax_remote_forked(struct ax_remote *r)
{
	ax_http_forked(r->http);
}

const char *
ax_remote_name(const struct ax_remote *r)
{
	return ax_http_name(r->http);
}

bool
ax_remote_writes(const struct ax_remote *r)
{
	return r->write;
}

bool
ax_remote_up(const struct ax_remote *r)
{
	return !r->down;
}

/* Failures ------------------------------------------------------------------
 */

static void
tell(struct ax_remote *r, const char *text)
{
	if (r->warn)
		r->warn(r->warn_arg, text);
}

/* The first failure is told, the last one too; those between are silent. */
static void
failed(struct ax_remote *r, const struct ax_err *why, bool final)
{
	char *text;

	if (r->down)
		return;
	r->failures++;
	r->down = final || r->failures >= GIVE_UP;
	if (r->warned && !r->down)
		return;
	text = ax_asprintf("remote cache: %s%s",
			   why->text[0] ? why->text : "it failed",
			   r->down ? "; it is left alone from here on, and "
				     "what it may hold is made here"
				   : "; taken as not there");
	tell(r, text);
	free(text);
	r->warned = true;
}

/* True when it came; else says what has to be said. */
static bool
came(struct ax_remote *r, enum ax_http_result result, const struct ax_err *why)
{
	if (result == AX_HTTP_FAILED)
		failed(r, why, false);
	else if (result == AX_HTTP_DENIED)
		failed(r, why, true);
	else if (result == AX_HTTP_STOPPED && why->text[0])
		failed(r, why, false); /* the store could not take it */
	return result == AX_HTTP_OK;
}

static bool
bad(struct ax_remote *r, const char *path, const char *what)
{
	struct ax_err why = AX_ERR_INIT;

	ax_err_set(&why, AX_EXIT_ENV, "%s/%s: %s", ax_remote_name(r), path,
		   what);
	failed(r, &why, false);
	return false;
}

static void
cas_path(char out[AX_HEX_LEN + 8], const struct ax_digest *d)
{
	char hex[AX_HEX_LEN + 1];

	snprintf(out, AX_HEX_LEN + 8, "cas/%s", ax_hex(hex, d));
}

static void
ac_path(char out[AX_HEX_LEN + 8], const struct ax_digest *key)
{
	char hex[AX_HEX_LEN + 1];

	snprintf(out, AX_HEX_LEN + 8, "ac/%s", ax_hex(hex, key));
}

/* ActionResult --------------------------------------------------------------
 */

struct blob {
	struct ax_digest digest;
	uint64_t size;
};

/* What an ActionResult lists: the size of each object, sorted by digest. */
struct listed {
	struct blob *blobs;
	size_t n, cap;
	bool has_record, has_signature;
	struct blob record, signature;
};

static const json_t *
member(const json_t *o, const char *camel, const char *snake)
{
	const json_t *v = json_object_get(o, camel);

	/* proto3's JSON is read under both names */
	return v ? v : json_object_get(o, snake);
}

/* A 64-bit number is a string in proto3's JSON; none is zero. */
static bool
read_digest(struct blob *out, const json_t *o)
{
	const char *hash = json_string_value(json_object_get(o, "hash"));
	const json_t *size = member(o, "sizeBytes", "size_bytes");
	char *end;

	if (!hash || ax_unhex(&out->digest, hash) < 0)
		return false;
	out->size = 0;
	if (json_is_integer(size) && json_integer_value(size) >= 0) {
		out->size = (uint64_t)json_integer_value(size);
	} else if (json_is_string(size)) {
		const char *text = json_string_value(size);

		if (*text < '0' || *text > '9')
			return false;
		out->size = strtoull(text, &end, 10);
		if (*end)
			return false;
	} else if (size) {
		return false;
	}
	return out->size <= OBJECT_MAX;
}

static int
by_digest(const void *a, const void *b)
{
	return memcmp(&((const struct blob *)a)->digest,
		      &((const struct blob *)b)->digest,
		      sizeof(struct ax_digest));
}

/* An entry is mostly digests. What is mostly brackets and commas would take
 * forty times its size in memory, and is none. */
static bool
crowded(const char *text, size_t n)
{
	size_t values = 0;
	bool quoted = false;

	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\\' && quoted)
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && strchr("[{,", text[i]))
			values++;
	}
	return values > n / 12 + 64;
}

static bool
read_result(struct listed *l, const char *text, size_t n)
{
	json_t *o = crowded(text, n)
			    ? NULL
			    : json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
	const json_t *files = member(o, "outputFiles", "output_files"), *f;
	const json_t *log = member(o, "stdoutDigest", "stdout_digest");
	const char *path;
	bool good = json_is_array(files);
	struct blob b;
	size_t i;

	for (i = 0; good && i < json_array_size(files); i++) {
		f = json_array_get(files, i);
		path = json_string_value(json_object_get(f, "path"));
		good = path && read_digest(&b, json_object_get(f, "digest"));
		if (good && strcmp(path, RECORD_PATH) == 0) {
			l->record = b;
			l->has_record = true;
		} else if (good && strcmp(path, SIGNATURE_PATH) == 0) {
			l->signature = b;
			l->has_signature = true;
		} else if (good) {
			AX_GROW(l->blobs, l->n, l->cap);
			l->blobs[l->n++] = b;
		}
	}
	if (good && log) {
		good = read_digest(&b, log);
		AX_GROW(l->blobs, l->n, l->cap);
		l->blobs[l->n++] = b;
	}
	json_decref(o);
	if (l->n)
		qsort(l->blobs, l->n, sizeof(*l->blobs), by_digest);
	return good && l->has_record && l->record.size <= AX_RECORD_MAX;
}

static const struct blob *
find(const struct listed *l, const struct ax_digest *d)
{
	struct blob key = {*d, 0};

	return l->n ? bsearch(&key, l->blobs, l->n, sizeof(key), by_digest)
		    : NULL;
}

/* Taking --------------------------------------------------------------------
 */

struct sink {
	struct ax_str text;
	struct ax_put *put;
	uint64_t size; /* of what went into `put` */
	struct ax_err *err;
};

static int
to_memory(void *arg, const void *bytes, size_t n)
{
	struct sink *k = arg;

	ax_str_addn(&k->text, bytes, n);
	return 0;
}

static int
to_store(void *arg, const void *bytes, size_t n)
{
	struct sink *k = arg;

	k->size += n;
	return ax_put_add(k->put, bytes, n, k->err);
}

/* An object of a stated size into memory, verified. Caller frees. */
static bool
get_bytes(struct ax_remote *r, const struct blob *b, size_t max, char **out)
{
	struct ax_err why = AX_ERR_INIT;
	struct sink k = {.err = &why};
	char path[AX_HEX_LEN + 8];
	struct ax_digest is;

	*out = NULL;
	cas_path(path, &b->digest);
	if (b->size > max)
		return bad(r, path, "it is said to be larger than it may be");
	if (!came(r,
		  ax_http_get(r->http, path, false, b->size, to_memory, &k,
			      &why),
		  &why)) {
		ax_str_free(&k.text);
		return false;
	}
	is = ax_hash_bytes(k.text.buf, k.text.len);
	if (k.text.len != b->size || !ax_digest_eq(&is, &b->digest)) {
		ax_str_free(&k.text);
		return bad(r, path, "other bytes came than its name says");
	}
	*out = ax_str_take(&k.text);
	return true;
}

/* An object into the store. */
static bool
get_object(struct ax_remote *r, struct ax_store *s, const struct blob *b)
{
	struct ax_err why = AX_ERR_INIT;
	struct sink k = {.err = &why};
	enum ax_http_result result;
	char path[AX_HEX_LEN + 8];
	struct ax_digest is;
	int rc;

	if (ax_store_has(s, &b->digest))
		return true;
	cas_path(path, &b->digest);
	k.put = ax_put_begin(s, &why);
	if (!k.put) {
		failed(r, &why, true);
		return false;
	}
	result = ax_http_get(r->http, path, false, b->size, to_store, &k, &why);
	if (result != AX_HTTP_OK) {
		ax_put_drop(k.put);
		return came(r, result, &why);
	}
	if (k.size != b->size) {
		ax_put_drop(k.put);
		return bad(r, path, "it has another size than its entry says");
	}
	rc = ax_put_end(k.put, &b->digest, &is, NULL, &why);
	if (rc < 0)
		failed(r, &why, true);
	if (rc == 1)
		return bad(r, path, "other bytes came than its name says");
	return rc == 0;
}

/* Asks whether an object is there, whole as far as the server tells. */
static bool
has_object(struct ax_remote *r, struct ax_store *s, const struct blob *b)
{
	struct ax_err why = AX_ERR_INIT;
	char path[AX_HEX_LEN + 8];
	int64_t size;

	if (ax_store_has(s, &b->digest) || ax_set_has(&r->sent, &b->digest))
		return true;
	cas_path(path, &b->digest);
	if (!came(r, ax_http_head(r->http, path, &size, &why), &why))
		return false;
	if (size >= 0 && (uint64_t)size != b->size)
		return bad(r, path, "it has another size than its entry says");
	ax_set_add(&r->sent, &b->digest);
	return true;
}

/* What is signed: the key, and the record by its SHA-256. */
static void
signed_text(struct ax_str *out, const struct ax_digest *key, const char *text,
	    size_t n)
{
	char hex[2][AX_HEX_LEN + 1];
	struct ax_digest d = ax_hash_bytes(text, n);

	ax_str_addf(out, "axpipe record 1\n%s %s\n", ax_hex(hex[0], key),
		    ax_hex(hex[1], &d));
}

/* True when nobody need have signed, or a trusted key did. That it did not is
 * no failure of the server: told once, and a miss. */
static bool
trusted(struct ax_remote *r, const struct ax_digest *key,
	const struct listed *l, const char *text)
{
	struct ax_str want = AX_STR_INIT, body = AX_STR_INIT;
	json_t *envelope = NULL;
	bool good = false;
	char *bytes;

	if (!r->ntrust)
		return true;
	signed_text(&want, key, text, (size_t)l->record.size);
	if (l->has_signature &&
	    get_bytes(r, &l->signature, SIGNATURE_MAX, &bytes)) {
		envelope = json_loadb(bytes, (size_t)l->signature.size,
				      JSON_REJECT_DUPLICATES, NULL);
		free(bytes);
	}
	for (size_t i = 0; envelope && i < r->ntrust && !good; i++)
		good = ax_dsse_verify(envelope, SIGNATURE_TYPE, r->trust[i],
				      &body) == 1 &&
		       body.len == want.len &&
		       memcmp(body.buf, want.buf, want.len) == 0;
	if (!good && !r->told_unsigned && !r->down) {
		tell(r, "remote cache: results that no trusted key signed are "
			"taken as not there");
		r->told_unsigned = true;
	}
	json_decref(envelope);
	ax_str_free(&want);
	ax_str_free(&body);
	return good;
}

/* The entry of a key: what it lists, and its record as text. */
static bool
get_entry(struct ax_remote *r, const struct ax_digest *key, struct listed *l,
	  char **text, json_t **record)
{
	struct ax_err why = AX_ERR_INIT;
	struct sink k = {.err = &why};
	char path[AX_HEX_LEN + 8];
	size_t n;
	bool good;

	*text = NULL;
	*record = NULL;
	ac_path(path, key);
	if (!came(r,
		  ax_http_get(r->http, path, true, RESULT_MAX, to_memory, &k,
			      &why),
		  &why)) {
		ax_str_free(&k.text);
		return false;
	}
	good = read_result(l, k.text.buf ? k.text.buf : "", k.text.len);
	ax_str_free(&k.text);
	if (!good)
		return bad(r, path,
			   "no ActionResult in JSON with a record of axpipe");
	if (!get_bytes(r, &l->record, AX_RECORD_MAX, text))
		return false;
	n = (size_t)l->record.size;
	if (ax_record_sound(key, *text, n, &why) == 0)
		*record = ax_record_parse(*text, n, NULL);
	if (!*record) {
		free(*text);
		*text = NULL;
		return bad(r, path, "its record is damaged, or of another key");
	}
	return true;
}

typedef bool (*visit)(struct ax_remote *r, struct ax_store *s,
		      const struct blob *b);

/* Visits the objects of a record by its own word, with the sizes that the
 * entry gives; a tree's files before its listing, which is put when `put`. */
static bool
each_object(struct ax_remote *r, struct ax_store *s, const struct listed *l,
	    const json_t *record, const char *where, visit fn, bool put)
{
	json_t *outputs = json_object_get(record, "outputs"), *o;
	const char *log = json_string_value(json_object_get(record, "log"));
	struct ax_err why = AX_ERR_INIT;
	struct ax_digest d, made;
	const struct blob *b, *f;
	bool good = json_is_object(outputs);
	const char *name, *hex;
	struct ax_tree t;
	char *text;

	json_object_foreach(outputs, name, o)
	{
		hex = json_string_value(json_object_get(o, "sha256"));
		b = hex && ax_unhex(&d, hex) == 0 ? find(l, &d) : NULL;
		if (!b)
			return bad(r, where,
				   "it lacks an output that its record names");
		if (!json_is_true(json_object_get(o, "tree"))) {
			if (!fn(r, s, b))
				return false;
			continue;
		}
		if (ax_store_has(s, &d))
			continue;
		if (!get_bytes(r, b, AX_TREE_MAX, &text))
			return false;
		good = ax_tree_parse(&t, text, (size_t)b->size, where, NULL) ==
		       0;
		for (size_t i = 0; good && i < t.n; i++) {
			f = find(l, &t.files[i].digest);
			good = f ? fn(r, s, f)
				 : bad(r, where,
				       "it lacks a file that its tree names");
		}
		if (good && put &&
		    ax_store_put_listing(s, text, (size_t)b->size, &made,
					 &why) < 0) {
			failed(r, &why, true);
			good = false;
		}
		ax_tree_free(&t);
		free(text);
		if (!good)
			return false;
	}
	if (!good)
		return bad(r, where, "its record is not that of a node");
	b = log && ax_unhex(&d, log) == 0 ? find(l, &d) : NULL;
	if (log && !b)
		return bad(r, where, "it lacks the log that its record names");
	return !b || fn(r, s, b);
}

static int
fetch(struct ax_remote *r, struct ax_store *s, const struct ax_digest *key,
      bool take, json_t **out)
{
	struct ax_err why = AX_ERR_INIT;
	struct listed l;
	char path[AX_HEX_LEN + 8], *text = NULL;
	json_t *record = NULL;
	bool good;

	if (r->down)
		return 0;
	memset(&l, 0, sizeof(l));
	ac_path(path, key);
	good = get_entry(r, key, &l, &text, &record) &&
	       trusted(r, key, &l, text) &&
	       each_object(r, s, &l, record, path,
			   take ? get_object : has_object, take);
	if (good && take &&
	    ax_store_record_import(s, key, text, (size_t)l.record.size, &why) <
		    0) {
		failed(r, &why, true);
		good = false;
	}
	free(text);
	free(l.blobs);
	if (good)
		r->failures = 0;
	if (good && out)
		*out = record;
	else
		json_decref(record);
	return good;
}

int
ax_remote_look(struct ax_remote *r, struct ax_store *s,
	       const struct ax_digest *key, json_t **record)
{
	*record = NULL;
	return fetch(r, s, key, false, record);
}

int
ax_remote_take(struct ax_remote *r, struct ax_store *s,
	       const struct ax_digest *key)
{
	return fetch(r, s, key, true, NULL);
}

/* Giving --------------------------------------------------------------------
 */

static bool
send_file(struct ax_remote *r, struct ax_store *s, const struct ax_digest *d,
	  uint64_t size, const char *path)
{
	struct ax_err why = AX_ERR_INIT;
	char *file = ax_store_path(s, d);
	enum ax_http_result result;
	struct ax_digest is;
	bool good = false;
	uint64_t n;
	int fd;

	/* many servers check nothing: a damaged object must not get there */
	if (ax_hash_file(&is, &n, file, &why) < 0 || n != size ||
	    !ax_digest_eq(&is, d)) {
		ax_err_set(&why, AX_EXIT_ENV,
			   "%s is damaged and was not sent; run `axpipe fsck`",
			   file);
		failed(r, &why, false);
		free(file);
		return false;
	}
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		result = ax_http_put(r->http, path, false, NULL, fd, n, &why);
		good = came(r, result, &why);
		close(fd);
	}
	free(file);
	return good;
}

static bool
send_bytes(struct ax_remote *r, const char *path, bool json, const void *bytes,
	   size_t n)
{
	struct ax_err why = AX_ERR_INIT;
	enum ax_http_result result;

	result = ax_http_put(r->http, path, json, bytes, -1, n, &why);
	if (result == AX_HTTP_MISSING)
		return bad(r, path,
			   "HTTP 404 for PUT: this address takes "
			   "nothing");
	return came(r, result, &why);
}

static bool
send_object(struct ax_remote *r, struct ax_store *s, const struct ax_digest *d,
	    uint64_t size)
{
	struct ax_err why = AX_ERR_INIT;
	enum ax_http_result result;
	char path[AX_HEX_LEN + 8], *text;
	int64_t there = -1;
	bool good;
	size_t n;

	if (ax_set_has(&r->sent, d))
		return true;
	cas_path(path, d);
	result = ax_http_head(r->http, path, &there, &why);
	if (result != AX_HTTP_MISSING && !came(r, result, &why))
		return false;
	/* one of another size was cut off on its way */
	if (result == AX_HTTP_OK && (there < 0 || (uint64_t)there == size)) {
		ax_set_add(&r->sent, d);
		return true;
	}
	if (size > IN_MEMORY) {
		good = send_file(r, s, d, size, path);
	} else if (ax_store_get_bytes(s, d, &text, &n, (size_t)size, &why) <
		   0) {
		failed(r, &why, false);
		good = false;
	} else {
		good = send_bytes(r, path, false, text, n);
		free(text);
	}
	if (good)
		ax_set_add(&r->sent, d);
	return good;
}

static json_t *
digest_json(const struct ax_digest *d, uint64_t size)
{
	char hex[AX_HEX_LEN + 1], text[24];

	snprintf(text, sizeof(text), "%" PRIu64, size);
	return json_pack("{s:s, s:s}", "hash", ax_hex(hex, d), "sizeBytes",
			 text);
}

static void
list_file(json_t *files, const char *path, const struct ax_digest *d,
	  uint64_t size, bool exec)
{
	json_t *f = json_object();

	json_object_set_new(f, "path", json_string(path));
	json_object_set_new(f, "digest", digest_json(d, size));
	if (exec)
		json_object_set_new(f, "isExecutable", json_true());
	json_array_append_new(files, f);
}

/* The text of the ActionResult. `signature` may be NULL. */
static void
write_result(struct ax_str *out, const struct ax_part *parts, size_t n,
	     const struct ax_digest *record, size_t record_size,
	     const struct blob *signature)
{
	json_t *o = json_object(), *files = json_array();

	for (size_t i = 0; i < n; i++) {
		if (strcmp(parts[i].path, "axpipe/log") == 0)
			json_object_set_new(
				o, "stdoutDigest",
				digest_json(&parts[i].digest, parts[i].size));
		else
			list_file(files, parts[i].path, &parts[i].digest,
				  parts[i].size, parts[i].exec);
	}
	list_file(files, RECORD_PATH, record, record_size, false);
	if (signature)
		list_file(files, SIGNATURE_PATH, &signature->digest,
			  signature->size, false);
	json_object_set_new(o, "outputFiles", files);
	json_object_set_new(o, "exitCode", json_integer(0));
	json_object_set_new(
		o, "executionMetadata",
		json_pack("{s:s}", "worker", "axpipe/" AXPIPE_VERSION));
	ax_json_canonical(out, o);
	json_decref(o);
}

static bool
send_signature(struct ax_remote *r, const struct ax_digest *key,
	       const char *text, size_t n, struct blob *out)
{
	struct ax_str body = AX_STR_INIT, bytes = AX_STR_INIT;
	struct ax_err why = AX_ERR_INIT;
	char path[AX_HEX_LEN + 8];
	json_t *envelope;
	bool good = false;

	signed_text(&body, key, text, n);
	envelope =
		ax_dsse_sign(SIGNATURE_TYPE, body.buf, body.len, r->key, &why);
	if (envelope) {
		ax_json_canonical(&bytes, envelope);
		out->digest = ax_hash_bytes(bytes.buf, bytes.len);
		out->size = bytes.len;
		cas_path(path, &out->digest);
		good = send_bytes(r, path, false, bytes.buf, bytes.len);
	} else {
		failed(r, &why, true);
	}
	json_decref(envelope);
	ax_str_free(&bytes);
	ax_str_free(&body);
	return good;
}

int
ax_remote_give(struct ax_remote *r, struct ax_store *s,
	       const struct ax_digest *key)
{
	char path[AX_HEX_LEN + 8], *text = NULL;
	struct ax_str result = AX_STR_INIT;
	struct ax_err why = AX_ERR_INIT;
	struct ax_part *parts = NULL;
	struct blob signature;
	json_t *record = NULL;
	struct ax_digest d;
	size_t n = 0, len;
	bool good;

	if (r->down || !r->write)
		return 0;
	if (ax_store_record_text(s, key, &text, &len, &why) != 1)
		return 0;
	record = ax_record_parse(text, len, NULL);
	good = record &&
	       ax_store_record_parts(s, record, &parts, &n, &why) == 0;
	for (size_t i = 0; good && i < n; i++)
		good = send_object(r, s, &parts[i].digest, parts[i].size);
	if (good) {
		d = ax_hash_bytes(text, len);
		cas_path(path, &d);
		good = send_bytes(r, path, false, text, len);
	}
	if (good && r->key)
		good = send_signature(r, key, text, len, &signature);
	if (good) {
		/* last: whoever finds it finds everything */
		write_result(&result, parts, n, &d, len,
			     r->key ? &signature : NULL);
		ac_path(path, key);
		good = send_bytes(r, path, true, result.buf, result.len);
	}
	if (good)
		r->failures = 0;
	ax_str_free(&result);
	ax_parts_free(parts, n);
	json_decref(record);
	free(text);
	return good;
}
