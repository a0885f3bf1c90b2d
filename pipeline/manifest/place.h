/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a JSON file a value stands, kept as a chain on the stack while the
 * value is being checked: it costs nothing until an error needs the line and
 * the column.
 */
#ifndef AX_PLACE_H
#define AX_PLACE_H

#include <jansson.h>

#include "artifacts/base/base.h"
#include "artifacts/base/json.h"

struct ax_place {
	const struct ax_place *up; /* NULL at the root */
	const struct ax_json *file;
	const char *key; /* member; NULL: element `index` */
	size_t index;
};

/* A name listed by an error at most, so that messages stay readable. */
#define AX_LIST_MAX 12

struct ax_place ax_place_root(const struct ax_json *file);
struct ax_place ax_place_key(const struct ax_place *up, const char *key);
struct ax_place ax_place_index(const struct ax_place *up, size_t index);
/* JSON pointer of the place. Caller frees. */
char *ax_place_pointer(const struct ax_place *at);
/* "file:line:column: message", exit code 2; returns -1. With `key`, points at
 * the member's key instead of its value. */
int ax_place_error(struct ax_err *err, const struct ax_place *at, int key,
		   const char *fmt, ...) AX_PRINTF(4, 5);

/* Every member of the object must be one of `keys` (NULL-terminated); `what`
 * names the object in the message. */
int ax_check_keys(const struct ax_place *at, const json_t *object,
		  const char *const *keys, const char *what,
		  struct ax_err *err);
/* "; did you mean 'x'?", or "; it has a, b, c", or "". Caller frees. */
char *ax_suggest(const char *word, const char *const *names, size_t n,
		 const char *has);
/* The keys of an object, borrowed, in their order. Caller frees the array. */
const char **ax_object_keys(const json_t *object, size_t *n);
/* A letter, then letters, digits, '_' and '-'; at most 100 bytes. */
bool ax_name_ok(const char *name);
/* "string", "object", ...; for messages. */
const char *ax_type_name(const json_t *value);
/* Members named "//" are comments: removes them, at every level. */
void ax_strip_comments(json_t *value);
/* "512 MiB", "1.5 GB", "4096": bytes. -1 when it is no such text. */
int ax_memory_parse(uint64_t *out, const char *text);

#endif
