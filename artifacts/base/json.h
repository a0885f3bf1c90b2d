/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON by jansson, plus three things that it lacks: the line and column of any
 * value (found again in the text when an error must name it), a canonical form
 * for hashing, and numbers in their shortest exact spelling.
 */
#ifndef AX_JSON_H
#define AX_JSON_H

#include <jansson.h>

#include "artifacts/base/err.h"
#include "artifacts/base/str.h"

/* A JSON file kept with its text, so that errors can point into it. */
struct ax_json {
	char *name; /* as shown in messages */
	char *text;
	size_t len;
	json_t *root;
};

/* Limits: 64 MiB, depth 200 (the parser's own limit is 2048). Duplicate keys
 * are an error. Errors read `name:line:column: ...`, exit code 2. */
int ax_json_load(struct ax_json *out, const char *path, struct ax_err *err);
int ax_json_parse(struct ax_json *out, const char *name, const char *text,
		  size_t len, struct ax_err *err);
void ax_json_free(struct ax_json *j);
/* Reads common JSON (no \u, no key twice, not deep) several times faster than
 * the general parser; NULL for anything out of the ordinary, right or
 * wrong, which the general parser must then judge. With `members` (ends with
 * NULL) only these of the outermost object are kept. */
json_t *ax_json_quick(const char *text, size_t len, const char *const *members);

/*
 * Where the value at a JSON pointer (RFC 6901: "/stages/lut/params") starts in
 * the text, 1-based, column in bytes. With `key`, where that member's key
 * starts. A pointer that does not exist gives the place of its nearest parent.
 */
void ax_json_locate(const struct ax_json *j, const char *pointer, int key,
		    int *line, int *column);
/* "name:line:column: message", exit code 2; returns -1. With `key`, points at
 * the member's key. */
int ax_json_error(struct ax_err *err, const struct ax_json *j,
		  const char *pointer, int key, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* pointer + "/" + key with ~ and / escaped. Caller frees. */
char *ax_pointer(const char *base, const char *key);
char *ax_pointer_i(const char *base, size_t index);

/* Canonical form: keys sorted by bytes, no blanks, shortest numbers (1.0 reads
 * "1"), strings as jansson writes them. Same value, same bytes. */
void ax_json_canonical(struct ax_str *out, const json_t *value);
/* The shortest decimal that reads back as the same double; inf and nan as
 * "inf", "-inf", "nan" (never inside JSON). */
void ax_str_add_num(struct ax_str *out, double value);
/* Appends a value as people write it: two blanks more at each depth, keys in
 * their order, an array of scalars on one line. `indent` is that of the line
 * it starts on. */
void ax_json_indented(struct ax_str *out, const json_t *value, unsigned indent);
/* The same with a last newline. */
void ax_json_pretty(struct ax_str *out, const json_t *value);
int ax_json_write(const char *path, const json_t *value, struct ax_err *err);

#endif
