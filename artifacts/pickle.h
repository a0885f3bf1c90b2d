/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A restricted unpickler. A pickle is a program; this machine runs it only as
 * far as a policy allows: the opcodes that are listed, the globals that are
 * listed (as marks, nothing is imported), and calls that the policy's own C
 * functions answer. Whatever is not listed is refused with its name and its
 * offset. No recursion anywhere, and limits on values, stack and memo.
 * Opcodes: CPython, Lib/pickletools.py.
 */
#ifndef AX_PICKLE_H
#define AX_PICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "artifacts/base/base.h"

#define AX_PK_VALUES (1u << 22)
#define AX_PK_STACK (1u << 20)
#define AX_PK_MEMO (1u << 20)

enum ax_pk_kind {
	AX_PK_NONE,
	AX_PK_BOOL,
	AX_PK_INT,
	AX_PK_BYTES, /* str of Python 2 */
	AX_PK_TEXT,  /* unicode, as UTF-8 */
	AX_PK_TUPLE,
	AX_PK_LIST,
	AX_PK_DICT,   /* items are key, value, key, value, ... */
	AX_PK_GLOBAL, /* `i` is its index in the policy's list */
	AX_PK_OBJECT  /* made by the policy: `i` is its tag, `obj` its own */
};

struct ax_pk {
	enum ax_pk_kind kind;
	int64_t i;
	const uint8_t *b; /* BYTES, TEXT: borrowed from the pickle */
	size_t n;         /* bytes; or items */
	size_t cap;
	struct ax_pk **item; /* TUPLE, LIST, DICT */
	void *obj;
};

struct ax_unpickler;

struct ax_pk_global {
	const char *module, *name;
};

/* Each function returns 0 and sets *out, or -1 with err (the offset is put in
 * front of it). A NULL function refuses. */
struct ax_pk_policy {
	const char *what;    /* "a PyTorch checkpoint", for messages */
	const char *opcodes; /* names of what is allowed, blanks between */
	const struct ax_pk_global *globals;
	size_t n_globals;
	/* callable(*args); args is a TUPLE */
	int (*reduce)(void *arg, struct ax_unpickler *u, struct ax_pk **out,
		      const struct ax_pk *callable, const struct ax_pk *args,
		      struct ax_err *err);
	/* object.__setstate__(state) */
	int (*build)(void *arg, struct ax_unpickler *u, struct ax_pk *object,
		     const struct ax_pk *state, struct ax_err *err);
	int (*persistent)(void *arg, struct ax_unpickler *u, struct ax_pk **out,
			  const struct ax_pk *id, struct ax_err *err);
	void *arg;
};

/*
 * Runs the pickle. *root is owned by *out, which holds every value made and
 * borrows the bytes; free it with ax_unpickler_free. `name` stands in
 * messages; so does the offset of the opcode at fault.
 */
int ax_unpickle(struct ax_unpickler **out, const struct ax_pk **root,
		const char *name, const void *bytes, size_t len,
		const struct ax_pk_policy *policy, struct ax_err *err);
void ax_unpickler_free(struct ax_unpickler *u);

/* For the policy's functions: a new value (NULL and err at the limit), and
 * zeroed memory that lives as long as the unpickler. */
struct ax_pk *ax_pk_new(struct ax_unpickler *u, enum ax_pk_kind kind,
			struct ax_err *err);
void *ax_pk_alloc(struct ax_unpickler *u, size_t size);

/* True for BYTES or TEXT equal to s. */
bool ax_pk_is(const struct ax_pk *v, const char *s);
/* The value of a key of a DICT (the last one given), or NULL. */
const struct ax_pk *ax_pk_dict_get(const struct ax_pk *dict, const char *key);
/* "a tuple of 3", "an integer", ... for messages. Returns out. */
char *ax_pk_text(char *out, size_t size, const struct ax_pk *v);

#endif
