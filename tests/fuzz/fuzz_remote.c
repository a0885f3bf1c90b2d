/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers of a cache server. Instead of a network, the bytes speak: parts,
 * between lines "--". The first is the answer to the key (an ActionResult), the
 * second the record, without the seal that a record begins with; the others
 * are objects. "@0" to "@9" in the first two stand for the digest of that part
 * (1: the record, sealed). Whatever a server says, what is taken is whole.
 */
#include "cache/private.h"
#include "cache/remote.h"
#include "tests/fuzz/fuzz.h"

#define PARTS 8

static struct {
	struct ax_str text;
	struct ax_digest digest;
} part[PARTS];
static size_t nparts;
static struct ax_digest key;

/* Instead of cache/http.c
 * ----------------------------------------------------------------- */

int
ax_http_new(struct ax_http **out, const struct ax_http_options *o,
	    struct ax_err *err)
{
	(void)o;
	(void)err;
	*out = NULL;
	return 0;
}

void
ax_http_free(struct ax_http *h)
{
	(void)h;
}

void
ax_http_forked(struct ax_http *h)
{
	(void)h;
}

const char *
ax_http_name(const struct ax_http *h)
{
	(void)h;
	return "http://fuzz";
}

static size_t
asked_for(const char *path)
{
	struct ax_digest d;
	size_t i;

	if (ax_starts(path, "ac/"))
		return 0;
	for (i = 1; ax_starts(path, "cas/") && i < nparts; i++)
		if (ax_unhex(&d, path + 4) == 0 &&
		    ax_digest_eq(&d, &part[i].digest))
			return i;
	return PARTS;
}

enum ax_http_result
ax_http_get(struct ax_http *h, const char *path, bool json, uint64_t max,
	    ax_http_sink sink, void *arg, struct ax_err *err)
{
	size_t i = asked_for(path);

	(void)h;
	(void)json;
	if (i == PARTS)
		return AX_HTTP_MISSING;
	if (part[i].text.len > max) {
		ax_err_set(err, AX_EXIT_ENV, "more than was asked for");
		return AX_HTTP_FAILED;
	}
	return sink(arg, part[i].text.buf, part[i].text.len) ? AX_HTTP_STOPPED
							     : AX_HTTP_OK;
}

enum ax_http_result
ax_http_head(struct ax_http *h, const char *path, int64_t *size,
	     struct ax_err *err)
{
	size_t i = asked_for(path);

	(void)h;
	(void)err;
	*size = i == PARTS ? -1 : (int64_t)part[i].text.len;
	return i == PARTS ? AX_HTTP_MISSING : AX_HTTP_OK;
}

enum ax_http_result
ax_http_put(struct ax_http *h, const char *path, bool json, const void *bytes,
	    int fd, uint64_t n, struct ax_err *err)
{
	(void)h;
	(void)path;
	(void)json;
	(void)bytes;
	(void)fd;
	(void)n;
	(void)err;
	return AX_HTTP_FAILED;
}

/* ------------------------------------------------------------------------- */

static void
fill(struct ax_str *out, const char *text, size_t len)
{
	char hex[AX_HEX_LEN + 1];
	size_t i, k;

	for (i = 0; i < len; i++) {
		k = i + 1 < len ? (size_t)(text[i + 1] - '0') : PARTS;
		if (text[i] == '@' && k < PARTS) {
			ax_str_add(out, ax_hex(hex, &part[k].digest));
			i++;
		} else {
			ax_str_addc(out, text[i]);
		}
	}
}

static void
speak(const uint8_t *data, size_t size)
{
	const char *raw[PARTS];
	char hex[AX_HEX_LEN + 1];
	struct ax_str body = AX_STR_INIT, sealed = AX_STR_INIT;
	struct ax_digest seal;
	size_t len[PARTS], i;

	for (i = 0; i < PARTS; i++) {
		ax_str_clear(&part[i].text);
		memset(&part[i].digest, 0, sizeof(part[i].digest));
	}
	for (nparts = 0; nparts < PARTS &&
			 fuzz_part(&data, &size, &raw[nparts], &len[nparts]);
	     nparts++)
		;
	for (i = nparts; i-- > 0;) {
		if (i > 1)
			ax_str_addn(&part[i].text, raw[i], len[i]);
		else
			fill(&part[i].text, raw[i], len[i]);
		if (i == 1) {
			ax_hex(hex, &key);
			ax_str_add(&body, hex);
			ax_str_addn(&body, part[i].text.buf, part[i].text.len);
			seal = ax_hash_bytes(body.buf, body.len);
			ax_str_addf(&sealed, "{\"record_sha256\":\"%s\"",
				    ax_hex(hex, &seal));
			ax_str_addn(&sealed, part[i].text.buf,
				    part[i].text.len);
			ax_str_clear(&part[i].text);
			ax_str_addn(&part[i].text, sealed.buf, sealed.len);
		}
		part[i].digest =
			ax_hash_bytes(part[i].text.buf, part[i].text.len);
	}
	ax_str_free(&body);
	ax_str_free(&sealed);
}

static void
must_be_there(void *arg, const struct ax_digest *d)
{
	FUZZ_CHECK(ax_store_has(arg, d));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ax_remote_options options;
	struct ax_err err = AX_ERR_INIT;
	struct ax_remote *r;
	struct ax_store *s;
	json_t *record;
	int taken, shown;

	key = ax_hash_bytes("k", 1);
	speak(data, size);
	ax_rmtree(fuzz_dir(), NULL);
	if (ax_store_open(&s, fuzz_dir(), false, &err) < 0 ||
	    ax_remote_open(&r, &options, &err) < 0)
		abort();
	shown = ax_remote_look(r, s, &key, &record);
	if (shown)
		json_decref(record);
	taken = ax_remote_take(r, s, &key);
	if (taken) {
		FUZZ_CHECK(shown);
		FUZZ_CHECK(ax_store_record_get(s, &key, &record, &err) == 1);
		ax_record_objects(record, must_be_there, s);
		json_decref(record);
	}
	ax_remote_close(r);
	ax_store_close(s);
	return 0;
}
