/* SPDX-License-Identifier: Apache-2.0 */
#include "cache/http.h"

#include <errno.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "cache/curl.h"

#define SLOWEST 16384.0 /* bytes a second, for all of a transfer */
#define STALLED 1024L   /* bytes a second, for as long as an answer may take */

static const struct ax_curl *lib; /* there when there is an ax_http */

struct ax_http {
	CURL *curl; /* made at the first request; keeps the connection */
	char *base; /* without credentials, no slash at the end */
	char *user, *password, *ca_file, *socket;
	double timeout;
	bool (*stop)(void *arg);
	void *arg;
};

/* One request on its way. */
struct exchange {
	struct ax_http *h;
	ax_http_sink sink;
	void *arg;
	uint64_t max, got;
	const char *bytes; /* to send */
	int fd;
	uint64_t left;
	bool over, refused, stopped, lost;
};

static void
take_part(char **out, CURLU *u, CURLUPart part)
{
	char *text = NULL;

	*out = NULL;
	if (lib->curl_url_get(u, part, &text, CURLU_URLDECODE) == CURLUE_OK &&
	    text)
		*out = ax_strdup(text);
	lib->curl_free(text);
}

/* Splits the credentials off, so that no message can show them. */
static int
read_address(struct ax_http *h, const char *url, struct ax_err *err)
{
	CURLU *u = lib->curl_url();
	char *text = NULL, *scheme = NULL, *query = NULL;
	size_t n;
	int rc = -1;

	if (!u || lib->curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK) {
		/* not shown: a password may be in it */
		ax_err_set(err, AX_EXIT_USAGE,
			   "the address of the remote cache is no URL; it "
			   "reads http://HOST:PORT/PATH or https://...");
		goto out;
	}
	take_part(&scheme, u, CURLUPART_SCHEME);
	take_part(&query, u, CURLUPART_QUERY);
	if (!scheme ||
	    (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
		ax_err_set(err, AX_EXIT_USAGE,
			   "a remote cache is reached by http or https, not "
			   "by %s",
			   scheme ? scheme : "nothing");
		goto out;
	}
	if (query) {
		ax_err_set(err, AX_EXIT_USAGE,
			   "the address of a remote cache takes no query "
			   "('?...')");
		goto out;
	}
	if (!h->user)
		take_part(&h->user, u, CURLUPART_USER);
	if (!h->password)
		take_part(&h->password, u, CURLUPART_PASSWORD);
	lib->curl_url_set(u, CURLUPART_USER, NULL, 0);
	lib->curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
	lib->curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
	if (lib->curl_url_get(u, CURLUPART_URL, &text, 0) != CURLUE_OK) {
		ax_err_set(err, AX_EXIT_USAGE,
			   "the address of the remote cache is no URL");
		goto out;
	}
	h->base = ax_strdup(text);
	for (n = strlen(h->base); n && h->base[n - 1] == '/'; n--)
		h->base[n - 1] = '\0';
	rc = 0;
out:
	free(scheme);
	free(query);
	lib->curl_free(text);
	lib->curl_url_cleanup(u);
	return rc;
}

int
ax_http_new(struct ax_http **out, const struct ax_http_options *o,
	    struct ax_err *err)
{
	struct ax_http *h;

	*out = NULL;
	lib = ax_curl(err);
	if (!lib)
		return -1;
	h = ax_calloc(1, sizeof(*h));
	h->user = o->user ? ax_strdup(o->user) : NULL;
	h->password = o->password ? ax_strdup(o->password) : NULL;
	h->ca_file = o->ca_file ? ax_strdup(o->ca_file) : NULL;
	h->socket = o->socket ? ax_strdup(o->socket) : NULL;
	h->timeout = o->timeout > 0 ? o->timeout : 30;
	h->stop = o->stop;
	h->arg = o->arg;
	if (h->ca_file && !ax_is_file(h->ca_file)) {
		ax_err_set(err, AX_EXIT_USAGE, "%s: the CA file is not there",
			   h->ca_file);
		ax_http_free(h);
		return -1;
	}
	if (read_address(h, o->url, err) < 0) {
		ax_http_free(h);
		return -1;
	}
	*out = h;
	return 0;
}

static void
wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void
ax_http_free(struct ax_http *h)
{
	if (!h)
		return;
	if (h->curl)
		lib->curl_easy_cleanup(h->curl);
	free(h->base);
	wipe(h->user);
	wipe(h->password);
	free(h->ca_file);
	free(h->socket);
	free(h);
}

void
ax_http_forked(struct ax_http *h)
{
	/* the parent's: to close it here would end its connection */
	h->curl = NULL;
}

const char *
ax_http_name(const struct ax_http *h)
{
	return h->base;
}

static size_t
take(char *bytes, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;

	n *= size;
	if (n > x->max - x->got) {
		x->over = true;
		return 0;
	}
	x->got += n;
	if (x->sink && x->sink(x->arg, bytes, n) != 0) {
		x->refused = true;
		return 0;
	}
	return n;
}

static size_t
give(char *room, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	ssize_t got;

	n = (size_t)AX_MIN((uint64_t)(size * n), x->left);
	if (n == 0)
		return 0;
	if (x->bytes) {
		memcpy(room, x->bytes, n);
		x->bytes += n;
		x->left -= n;
		return n;
	}
	do
		got = read(x->fd, room, n);
	while (got < 0 && errno == EINTR);
	if (got <= 0) {
		x->lost = true;
		return CURL_READFUNC_ABORT;
	}
	x->left -= (uint64_t)got;
	return (size_t)got;
}

static int
watch(void *arg, curl_off_t total, curl_off_t done, curl_off_t up_total,
      curl_off_t up)
{
	struct exchange *x = arg;

	(void)total;
	(void)done;
	(void)up_total;
	(void)up;
	x->stopped = x->h->stop && x->h->stop(x->h->arg);
	return x->stopped;
}

/* For `bytes` to come or go, in milliseconds. */
static long
patience(const struct ax_http *h, uint64_t bytes)
{
	double s = h->timeout + (double)bytes / SLOWEST;

	return s > 1e6 ? 1000000000L : (long)(s * 1e3) + 1;
}

static bool
prepare(struct ax_http *h, struct exchange *x)
{
	bool safe = ax_starts(h->base, "https:");
	long wait;
	CURL *c;

	if (!h->curl)
		h->curl = lib->curl_easy_init();
	c = h->curl;
	if (!c)
		return false;
	lib->curl_easy_reset(c); /* the connection stays */
	wait = patience(h, 0);
	lib->curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	/* what was asked for in secret is not answered in the open */
	lib->curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR,
			      safe ? "https" : "http,https");
	lib->curl_easy_setopt(c, CURLOPT_MAXREDIRS, 3L);
	lib->curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	lib->curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
			      AX_MIN(wait, 10000L));
	lib->curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, STALLED);
	lib->curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, wait / 1000 + 1);
	lib->curl_easy_setopt(c, CURLOPT_USERAGENT, "axpipe/" AXPIPE_VERSION);
	lib->curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
	lib->curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
	lib->curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	lib->curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, watch);
	lib->curl_easy_setopt(c, CURLOPT_XFERINFODATA, x);
	if (h->ca_file)
		lib->curl_easy_setopt(c, CURLOPT_CAINFO, h->ca_file);
	if (h->socket)
		lib->curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, h->socket);
	if (h->user || h->password) {
		lib->curl_easy_setopt(c, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		lib->curl_easy_setopt(c, CURLOPT_USERNAME,
				      h->user ? h->user : "");
		lib->curl_easy_setopt(c, CURLOPT_PASSWORD,
				      h->password ? h->password : "");
	} else {
		lib->curl_easy_setopt(c, CURLOPT_NETRC, CURL_NETRC_OPTIONAL);
	}
	return true;
}

static enum ax_http_result
judge(const struct exchange *x, CURLcode code, long status, const char *url,
      const char *text, struct ax_err *err)
{
	if (x->stopped || x->refused)
		return AX_HTTP_STOPPED;
	if (status == 404 || status == 410)
		return AX_HTTP_MISSING;
	if (status == 401 || status == 403 || status == 407) {
		ax_err_set(err, AX_EXIT_ENV,
			   "%s: HTTP %ld: it does not let us in; check the "
			   "user and the password (in the address, "
			   "AXPIPE_REMOTE_USER and AXPIPE_REMOTE_PASSWORD, or "
			   "~/.netrc)",
			   url, status);
		return AX_HTTP_DENIED;
	}
	if (x->over)
		ax_err_set(err, AX_EXIT_ENV,
			   "%s: it sends more than the %" PRIu64
			   " bytes that were due",
			   url, x->max);
	else if (x->lost)
		ax_err_set(err, AX_EXIT_ENV,
			   "%s: the file to send became shorter", url);
	else if (status >= 300)
		ax_err_set(err, AX_EXIT_ENV, "%s: HTTP %ld", url, status);
	else if (code != CURLE_OK)
		ax_err_set(err, AX_EXIT_ENV, "%s: %s", url,
			   text[0] ? text : lib->curl_easy_strerror(code));
	else
		return AX_HTTP_OK;
	return AX_HTTP_FAILED;
}

static enum ax_http_result
perform(struct exchange *x, const char *path, const char *header, long redirect,
	uint64_t expected, int64_t *size, struct ax_err *err)
{
	char text[CURL_ERROR_SIZE] = "";
	struct curl_slist *list = NULL;
	enum ax_http_result result;
	curl_off_t length = -1;
	long status = 0;
	CURLcode code;
	char *url;
	CURL *c = x->h->curl;

	url = ax_asprintf("%s/%s", x->h->base, path);
	lib->curl_easy_setopt(c, CURLOPT_URL, url);
	lib->curl_easy_setopt(c, CURLOPT_ERRORBUFFER, text);
	lib->curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, redirect);
	lib->curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, patience(x->h, expected));
	/* no pause before a body, as old proxies would need it */
	list = lib->curl_slist_append(list, "Expect:");
	if (header)
		list = lib->curl_slist_append(list, header);
	lib->curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
	code = lib->curl_easy_perform(c);
	lib->curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	if (size) {
		lib->curl_easy_getinfo(c, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
				       &length);
		*size = length;
	}
	result = judge(x, code, status, url, text, err);
	lib->curl_easy_setopt(c, CURLOPT_ERRORBUFFER, NULL);
	lib->curl_easy_setopt(c, CURLOPT_HTTPHEADER, NULL);
	lib->curl_slist_free_all(list);
	free(url);
	return result;
}

static enum ax_http_result
no_curl(struct ax_err *err)
{
	ax_err_set(err, AX_EXIT_ENV, "libcurl cannot be started");
	return AX_HTTP_FAILED;
}

enum ax_http_result
ax_http_get(struct ax_http *h, const char *path, bool json, uint64_t max,
	    ax_http_sink sink, void *arg, struct ax_err *err)
{
	struct exchange x = {.h = h, .sink = sink, .arg = arg, .max = max};

	if (!prepare(h, &x))
		return no_curl(err);
	/* the body of an error page is no body */
	lib->curl_easy_setopt(h->curl, CURLOPT_FAILONERROR, 1L);
	return perform(&x, path, json ? "Accept: application/json" : NULL, 1,
		       json ? AX_MIN(max, 1 << 20) : max, NULL, err);
}

enum ax_http_result
ax_http_head(struct ax_http *h, const char *path, int64_t *size,
	     struct ax_err *err)
{
	struct exchange x = {.h = h};

	if (!prepare(h, &x))
		return no_curl(err);
	lib->curl_easy_setopt(h->curl, CURLOPT_NOBODY, 1L);
	return perform(&x, path, NULL, 1, 0, size, err);
}

enum ax_http_result
ax_http_put(struct ax_http *h, const char *path, bool json, const void *bytes,
	    int fd, uint64_t n, struct ax_err *err)
{
	struct exchange x = {.h = h,
			     .max = 65536, /* of an answer that nobody reads */
			     .bytes = bytes,
			     .fd = fd,
			     .left = n};

	if (!prepare(h, &x))
		return no_curl(err);
	lib->curl_easy_setopt(h->curl, CURLOPT_UPLOAD, 1L);
	lib->curl_easy_setopt(h->curl, CURLOPT_READFUNCTION, give);
	lib->curl_easy_setopt(h->curl, CURLOPT_READDATA, &x);
	lib->curl_easy_setopt(h->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)n);
	return perform(&x, path,
		       json ? "Content-Type: application/json"
			    : "Content-Type: application/octet-stream",
		       0, n, NULL, err);
}
