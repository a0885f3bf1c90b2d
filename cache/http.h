/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to a cache server, by libcurl. Whatever the other end does (slow,
 * cut off, too long, redirecting in circles, gone) ends within a time that
 * follows from what was asked for, and is told apart only as far as a cache
 * needs: it came, it is not there, or it failed.
 */
#ifndef AX_HTTP_H
#define AX_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "artifacts/base/err.h"

struct ax_http;

struct ax_http_options {
	const char *url; /* base, http or https; may hold user:password@ */
	const char *user, *password; /* NULL: from the URL, else ~/.netrc */
	const char *ca_file;         /* NULL: those of the system */
	const char *socket;          /* path of a unix socket, or NULL */
	double timeout; /* seconds for an answer, beside the time that its
			 * bytes may take; 0: 30 */
	bool (*stop)(void *arg); /* true ends a request; may be NULL */
	void *arg;
};

enum ax_http_result {
	AX_HTTP_OK,
	AX_HTTP_MISSING, /* 404 or 410 */
	AX_HTTP_FAILED,  /* err says how */
	AX_HTTP_DENIED,  /* 401, 403, 407: err says what to do */
	AX_HTTP_STOPPED  /* stop() said so, or the sink did (and set err) */
};

/* Takes a part of the body; non-zero ends the request. */
typedef int (*ax_http_sink)(void *arg, const void *bytes, size_t n);

/* Checks the address and copies what it needs; nothing is sent yet. Errors: no
 * such address, CA file not there (2). */
int ax_http_new(struct ax_http **out, const struct ax_http_options *o,
		struct ax_err *err);
void ax_http_free(struct ax_http *h);
/* In a child process after fork: forgets the parent's connection. */
void ax_http_forked(struct ax_http *h);
/* The base without user and password. Borrowed. */
const char *ax_http_name(const struct ax_http *h);

/* GET <base>/<path>; the body, of at most `max` bytes, goes to the sink. With
 * `json`, asks for application/json. */
enum ax_http_result ax_http_get(struct ax_http *h, const char *path, bool json,
				uint64_t max, ax_http_sink sink, void *arg,
				struct ax_err *err);
/* HEAD: is it there? *size (may be NULL): what the server says, or -1. */
enum ax_http_result ax_http_head(struct ax_http *h, const char *path,
				 int64_t *size, struct ax_err *err);
/* PUT of n bytes, or with bytes == NULL of the n bytes that `fd` has from its
 * offset on. */
enum ax_http_result ax_http_put(struct ax_http *h, const char *path, bool json,
				const void *bytes, int fd, uint64_t n,
				struct ax_err *err);

#endif
