/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads, by libcurl. */
#include "artifacts/base/base.h"
#include "cache/curl.h"
#include "pipeline/fetch/fetch.h"

#define TRIES 3

static const struct ax_curl *lib; /* loaded by ax_fetch_url */

struct download {
	const char *url;
	const struct ax_digest *want; /* or NULL */
	const struct ax_fetch_options *o;
	struct ax_put *put;
	struct ax_err *err;
	uint64_t got, max;
	bool failed;  /* err is set */
	bool stopped; /* by the progress callback */
};

bool
ax_fetch_is_local(const char *url)
{
	const char *colon = strchr(url, ':'), *slash = strchr(url, '/');

	if (ax_starts(url, "file://"))
		return true;
	/* neither "https://host" nor "git@host:path" */
	return !colon || (slash && slash < colon);
}

static size_t
take(char *bytes, size_t size, size_t n, void *arg)
{
	struct download *d = arg;

	n *= size;
	if (n > d->max - d->got) {
		ax_err_set(d->err, AX_EXIT_ENV,
			   "%s: more than %" PRIu64 " bytes, the limit", d->url,
			   d->max);
		d->failed = true;
		return 0;
	}
	if (ax_put_add(d->put, bytes, n, d->err) < 0) {
		d->failed = true;
		return 0;
	}
	d->got += n;
	return n;
}

static int
watch(void *arg, curl_off_t total, curl_off_t done, curl_off_t up_total,
      curl_off_t up)
{
	struct download *d = arg;

	(void)up_total;
	(void)up;
	if (d->o->progress && d->o->progress(d->o->arg, d->url, (uint64_t)done,
					     (uint64_t)total) != 0) {
		d->stopped = true;
		return 1;
	}
	return 0;
}

/* Worth another try: the other end may be better in a moment. */
static bool
is_transient(CURLcode code, long status)
{
	switch (code) {
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return true;
	case CURLE_HTTP_RETURNED_ERROR:
		return status == 408 || status == 429 || status >= 500;
	default:
		return false;
	}
}

static CURL *
prepare(struct download *d, char *text)
{
	CURL *c = lib->curl_easy_init();
	long connect = d->o->connect_timeout ? d->o->connect_timeout : 30;
	long stall = d->o->stall_timeout ? d->o->stall_timeout : 60;

	if (!c)
		return NULL;
	lib->curl_easy_setopt(c, CURLOPT_URL, d->url);
	lib->curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https,file");
	/* a server must not send us to a local file */
	lib->curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	lib->curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
	lib->curl_easy_setopt(c, CURLOPT_MAXREDIRS, 10L);
	lib->curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
	lib->curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	lib->curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, connect);
	lib->curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	lib->curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, stall);
	lib->curl_easy_setopt(c, CURLOPT_USERAGENT, "axpipe/" AXPIPE_VERSION);
	lib->curl_easy_setopt(c, CURLOPT_ERRORBUFFER, text);
	lib->curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
	lib->curl_easy_setopt(c, CURLOPT_WRITEDATA, d);
	lib->curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	lib->curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, watch);
	lib->curl_easy_setopt(c, CURLOPT_XFERINFODATA, d);
	return c;
}

/* 0 done, 1 worth another try (err says why), -1 final. */
static int
attempt(struct ax_store *s, struct download *d, struct ax_digest *out,
	struct ax_err *err)
{
	char text[CURL_ERROR_SIZE] = "";
	long status = 0;
	CURLcode code;
	CURL *c;

	d->got = 0;
	d->failed = d->stopped = false;
	d->put = ax_put_begin(s, err);
	if (!d->put)
		return -1;
	c = prepare(d, text);
	if (!c) {
		ax_put_drop(d->put);
		return ax_err_set(err, AX_EXIT_ENV,
				  "%s: libcurl cannot be started", d->url);
	}
	code = lib->curl_easy_perform(c);
	lib->curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	lib->curl_easy_cleanup(c);
	if (code == CURLE_OK)
		return ax_put_end(d->put, d->want, out, NULL, err) < 0 ? -1 : 0;
	ax_put_drop(d->put);
	if (d->stopped)
		return ax_err_set(err, AX_EXIT_INTERRUPTED, "%s: stopped",
				  d->url);
	if (!d->failed)
		ax_err_set(err, AX_EXIT_ENV, "%s: cannot be fetched: %s%s",
			   d->url,
			   text[0] ? text : lib->curl_easy_strerror(code),
			   ax_fetch_is_local(d->url)
				   ? ""
				   : "; check the network, or give a folder "
				     "that holds the bytes with --mirror DIR");
	return !d->failed && is_transient(code, status) ? 1 : -1;
}

int
ax_fetch_url(struct ax_store *s, const char *url, uint64_t max,
	     const struct ax_digest *want, const struct ax_fetch_options *o,
	     struct ax_digest *out, uint64_t *size, struct ax_err *err)
{
	struct download d = {url, want, o, NULL, err, 0, max, false, false};
	struct timespec pause = {0, 300000000};
	int tries = o->tries ? o->tries : TRIES, try, rc = -1;

	lib = ax_curl(err);
	if (!lib)
		return -1;
	if (lib->curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return ax_err_set(err, AX_EXIT_ENV,
				  "%s: libcurl cannot be started", url);
	for (try = 1; try <= tries; try++) {
		rc = attempt(s, &d, out, err);
		if (rc <= 0)
			break;
		rc = -1;
		if (try < tries) {
			nanosleep(&pause, NULL);
			pause.tv_sec = try;
		}
	}
	lib->curl_global_cleanup();
	if (rc == 0 && size)
		*size = d.got;
	return rc;
}
