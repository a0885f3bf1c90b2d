/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/pickle.h"

#define CHUNK 1024
#define MAX_LINE 256

/* Every opcode there is, so that a refused one is named. */
static const struct {
	uint8_t op;
	const char *name;
} opcodes[] = {
	{'(', "MARK"},
	{'.', "STOP"},
	{'0', "POP"},
	{'1', "POP_MARK"},
	{'2', "DUP"},
	{'F', "FLOAT"},
	{'I', "INT"},
	{'J', "BININT"},
	{'K', "BININT1"},
	{'L', "LONG"},
	{'M', "BININT2"},
	{'N', "NONE"},
	{'P', "PERSID"},
	{'Q', "BINPERSID"},
	{'R', "REDUCE"},
	{'S', "STRING"},
	{'T', "BINSTRING"},
	{'U', "SHORT_BINSTRING"},
	{'V', "UNICODE"},
	{'X', "BINUNICODE"},
	{'a', "APPEND"},
	{'b', "BUILD"},
	{'c', "GLOBAL"},
	{'d', "DICT"},
	{'}', "EMPTY_DICT"},
	{'e', "APPENDS"},
	{'g', "GET"},
	{'h', "BINGET"},
	{'i', "INST"},
	{'j', "LONG_BINGET"},
	{'l', "LIST"},
	{']', "EMPTY_LIST"},
	{'o', "OBJ"},
	{'p', "PUT"},
	{'q', "BINPUT"},
	{'r', "LONG_BINPUT"},
	{'s', "SETITEM"},
	{'t', "TUPLE"},
	{')', "EMPTY_TUPLE"},
	{'u', "SETITEMS"},
	{'G', "BINFLOAT"},
	{'B', "BINBYTES"},
	{'C', "SHORT_BINBYTES"},
	{0x80, "PROTO"},
	{0x81, "NEWOBJ"},
	{0x82, "EXT1"},
	{0x83, "EXT2"},
	{0x84, "EXT4"},
	{0x85, "TUPLE1"},
	{0x86, "TUPLE2"},
	{0x87, "TUPLE3"},
	{0x88, "NEWTRUE"},
	{0x89, "NEWFALSE"},
	{0x8a, "LONG1"},
	{0x8b, "LONG4"},
	{0x8c, "SHORT_BINUNICODE"},
	{0x8d, "BINUNICODE8"},
	{0x8e, "BINBYTES8"},
	{0x8f, "EMPTY_SET"},
	{0x90, "ADDITEMS"},
	{0x91, "FROZENSET"},
	{0x92, "NEWOBJ_EX"},
	{0x93, "STACK_GLOBAL"},
	{0x94, "MEMOIZE"},
	{0x95, "FRAME"},
	{0x96, "BYTEARRAY8"},
	{0x97, "NEXT_BUFFER"},
	{0x98, "READONLY_BUFFER"},
};

struct ax_unpickler {
	const char *name;
	const uint8_t *b;
	size_t len, at, op_at; /* op_at: offset of the opcode being run */
	const struct ax_pk_policy *policy;
	bool allowed[256];

	struct ax_pk **chunks; /* every value made, CHUNK to a chunk */
	size_t n_values, n_chunks, cap_chunks;
	void **blocks; /* the policy's memory */
	size_t n_blocks, cap_blocks;

	struct ax_pk **stack;
	size_t n_stack, cap_stack;
	size_t *marks; /* heights of the stack */
	size_t n_marks, cap_marks;
	struct ax_pk **memo;
	size_t cap_memo;
};

static const char *
op_name(uint8_t op)
{
	size_t i;

	for (i = 0; i < AX_LEN(opcodes); i++)
		if (opcodes[i].op == op)
			return opcodes[i].name;
	return NULL;
}

static int
bad(const struct ax_unpickler *u, struct ax_err *err, const char *what)
{
	const char *op = op_name(u->b[u->op_at]);

	return ax_err_set(err, AX_EXIT_STAGE, "%s: pickle, offset %zu (%s): %s",
			  u->name, u->op_at, op ? op : "no opcode", what);
}

static void
allow(struct ax_unpickler *u)
{
	const char *p = u->policy->opcodes;

	while (*p) {
		size_t n = strcspn(p, " "), i;

		for (i = 0; i < AX_LEN(opcodes); i++)
			if (strlen(opcodes[i].name) == n &&
			    memcmp(opcodes[i].name, p, n) == 0)
				u->allowed[opcodes[i].op] = true;
		p += n;
		p += strspn(p, " ");
	}
}

struct ax_pk *
ax_pk_new(struct ax_unpickler *u, enum ax_pk_kind kind, struct ax_err *err)
{
	struct ax_pk *v;

	if (u->n_values >= AX_PK_VALUES) {
		bad(u, err, "more values than such a file can need");
		return NULL;
	}
	if (u->n_values == u->n_chunks * CHUNK) {
		AX_GROW(u->chunks, u->n_chunks, u->cap_chunks);
		u->chunks[u->n_chunks++] =
			ax_calloc(CHUNK, sizeof(struct ax_pk));
	}
	v = &u->chunks[u->n_chunks - 1][u->n_values % CHUNK];
	u->n_values++;
	v->kind = kind;
	return v;
}

void *
ax_pk_alloc(struct ax_unpickler *u, size_t size)
{
	void *p = ax_calloc(1, size);

	AX_GROW(u->blocks, u->n_blocks, u->cap_blocks);
	u->blocks[u->n_blocks++] = p;
	return p;
}

void
ax_unpickler_free(struct ax_unpickler *u)
{
	size_t i;

	if (!u)
		return;
	for (i = 0; i < u->n_values; i++)
		free(u->chunks[i / CHUNK][i % CHUNK].item);
	for (i = 0; i < u->n_chunks; i++)
		free(u->chunks[i]);
	for (i = 0; i < u->n_blocks; i++)
		free(u->blocks[i]);
	free(u->chunks);
	free(u->blocks);
	free(u->stack);
	free(u->marks);
	free(u->memo);
	free(u);
}

bool
ax_pk_is(const struct ax_pk *v, const char *s)
{
	return (v->kind == AX_PK_BYTES || v->kind == AX_PK_TEXT) &&
	       v->n == strlen(s) && memcmp(v->b, s, v->n) == 0;
}

const struct ax_pk *
ax_pk_dict_get(const struct ax_pk *dict, const char *key)
{
	size_t i;

	if (dict->kind != AX_PK_DICT)
		return NULL;
	for (i = dict->n; i >= 2; i -= 2)
		if (ax_pk_is(dict->item[i - 2], key))
			return dict->item[i - 1];
	return NULL;
}

char *
ax_pk_text(char *out, size_t size, const struct ax_pk *v)
{
	static const char *const kinds[] = {
		[AX_PK_NONE] = "None",       [AX_PK_BOOL] = "a boolean",
		[AX_PK_INT] = "an integer",  [AX_PK_BYTES] = "a string",
		[AX_PK_TEXT] = "a string",   [AX_PK_TUPLE] = "a tuple of",
		[AX_PK_LIST] = "a list of",  [AX_PK_DICT] = "a dict of",
		[AX_PK_GLOBAL] = "a global", [AX_PK_OBJECT] = "an object",
	};

	if (v->kind == AX_PK_TUPLE || v->kind == AX_PK_LIST)
		snprintf(out, size, "%s %zu", kinds[v->kind], v->n);
	else if (v->kind == AX_PK_DICT)
		snprintf(out, size, "%s %zu", kinds[v->kind], v->n / 2);
	else
		snprintf(out, size, "%s", kinds[v->kind]);
	return out;
}

/* --- the machine ---------------------------------------------------------- */

static int
push(struct ax_unpickler *u, struct ax_pk *v, struct ax_err *err)
{
	if (!v)
		return -1;
	if (u->n_stack >= AX_PK_STACK)
		return bad(u, err, "the stack grows beyond its limit");
	AX_GROW(u->stack, u->n_stack, u->cap_stack);
	u->stack[u->n_stack++] = v;
	return 0;
}

/* How many values lie above the last mark: what an opcode may take. */
static size_t
above(const struct ax_unpickler *u)
{
	return u->n_stack - (u->n_marks ? u->marks[u->n_marks - 1] : 0);
}

static struct ax_pk *
pop(struct ax_unpickler *u, struct ax_err *err)
{
	if (above(u) == 0) {
		bad(u, err, "the stack is empty");
		return NULL;
	}
	return u->stack[--u->n_stack];
}

static int
bytes(struct ax_unpickler *u, const uint8_t **p, size_t n, struct ax_err *err)
{
	if (n > u->len - u->at)
		return bad(u, err, "the data end here (truncated)");
	*p = u->b + u->at;
	u->at += n;
	return 0;
}

/* An unsigned little-endian argument of 1 to 4 bytes. */
static int
number(struct ax_unpickler *u, uint32_t *out, size_t size, struct ax_err *err)
{
	const uint8_t *p = NULL;

	if (bytes(u, &p, size, err) < 0)
		return -1;
	*out = 0;
	while (size-- > 0)
		*out = *out << 8 | p[size];
	return 0;
}

static int
line(struct ax_unpickler *u, char *out, struct ax_err *err)
{
	size_t n = 0;

	for (;;) {
		const uint8_t *p = NULL;

		if (bytes(u, &p, 1, err) < 0)
			return -1;
		if (*p == '\n')
			break;
		if (n + 1 >= MAX_LINE || *p < ' ' || *p > '~')
			return bad(u, err, "not the name of a global");
		out[n++] = (char)*p;
	}
	out[n] = '\0';
	return 0;
}

static int
global(struct ax_unpickler *u, struct ax_err *err)
{
	char module[MAX_LINE], name[MAX_LINE];
	struct ax_pk *v;
	size_t i;

	if (line(u, module, err) < 0 || line(u, name, err) < 0)
		return -1;
	for (i = 0; i < u->policy->n_globals; i++)
		if (ax_streq(module, u->policy->globals[i].module) &&
		    ax_streq(name, u->policy->globals[i].name))
			break;
	if (i == u->policy->n_globals)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: pickle, offset %zu: global '%s.%s' is "
				  "refused: it has no place in %s",
				  u->name, u->op_at, module, name,
				  u->policy->what);
	v = ax_pk_new(u, AX_PK_GLOBAL, err);
	if (v)
		v->i = (int64_t)i;
	return push(u, v, err);
}

/* A tuple of the topmost n values. */
static int
tuple(struct ax_unpickler *u, size_t n, struct ax_err *err)
{
	struct ax_pk *v;

	if (above(u) < n)
		return bad(u, err, "the stack is too short");
	v = ax_pk_new(u, AX_PK_TUPLE, err);
	if (!v)
		return -1;
	u->n_stack -= n;
	if (n) {
		v->item = ax_calloc(n, sizeof(struct ax_pk *));
		memcpy(v->item, u->stack + u->n_stack,
		       n * sizeof(struct ax_pk *));
	}
	v->n = v->cap = n;
	return push(u, v, err);
}

/* Takes the last mark away; *n: values that were above it. */
static int
unmark(struct ax_unpickler *u, size_t *n, struct ax_err *err)
{
	if (u->n_marks == 0)
		return bad(u, err, "no mark on the stack");
	*n = above(u);
	u->n_marks--;
	return 0;
}

/* Moves the topmost n values into the list or dict below them. */
static int
extend(struct ax_unpickler *u, enum ax_pk_kind kind, size_t n,
       struct ax_err *err)
{
	struct ax_pk *into, **from;
	size_t i;

	if (above(u) < n + 1)
		return bad(u, err, "the stack is too short");
	from = u->stack + u->n_stack - n;
	into = from[-1];
	if (into->kind != kind)
		return bad(u, err,
			   kind == AX_PK_DICT ? "not a dict" : "not a list");
	if (kind == AX_PK_DICT && n % 2)
		return bad(u, err, "a key without a value");
	for (i = 0; i < n; i++) {
		if (kind == AX_PK_DICT && i % 2 == 0 &&
		    from[i]->kind != AX_PK_TEXT && from[i]->kind != AX_PK_BYTES)
			return bad(u, err, "a key is no string");
		/* one dict may be filled again and again through the memo:
		 * held to the number of values, as everything is */
		if (into->n >= AX_PK_VALUES)
			return bad(u, err, "more items than a file can need");
		AX_GROW(into->item, into->n, into->cap);
		into->item[into->n++] = from[i];
	}
	u->n_stack -= n;
	return 0;
}

static int
memo_put(struct ax_unpickler *u, size_t arg, struct ax_err *err)
{
	uint32_t i;

	if (number(u, &i, arg, err) < 0)
		return -1;
	if (i >= AX_PK_MEMO)
		return bad(u, err, "memo index beyond the limit");
	if (above(u) == 0)
		return bad(u, err, "the stack is empty");
	if (i >= u->cap_memo) {
		size_t cap = AX_MAX((size_t)i + 1, u->cap_memo * 2);

		cap = AX_MIN(AX_MAX(cap, (size_t)256), (size_t)AX_PK_MEMO);
		u->memo = ax_realloc(u->memo, cap, sizeof(*u->memo));
		memset(u->memo + u->cap_memo, 0,
		       (cap - u->cap_memo) * sizeof(*u->memo));
		u->cap_memo = cap;
	}
	u->memo[i] = u->stack[u->n_stack - 1];
	return 0;
}

static int
memo_get(struct ax_unpickler *u, size_t arg, struct ax_err *err)
{
	uint32_t i;

	if (number(u, &i, arg, err) < 0)
		return -1;
	if (i >= u->cap_memo || !u->memo[i])
		return bad(u, err, "nothing in the memo at that index");
	return push(u, u->memo[i], err);
}

static int
integer(struct ax_unpickler *u, size_t arg, struct ax_err *err)
{
	struct ax_pk *v = ax_pk_new(u, AX_PK_INT, err);
	uint32_t i;

	if (!v || number(u, &i, arg, err) < 0)
		return -1;
	v->i = arg == 4 ? (int32_t)i : (int64_t)i;
	return push(u, v, err);
}

static int
simple(struct ax_unpickler *u, enum ax_pk_kind kind, int64_t i,
       struct ax_err *err)
{
	struct ax_pk *v = ax_pk_new(u, kind, err);

	if (v)
		v->i = i;
	return push(u, v, err);
}

static int
text(struct ax_unpickler *u, enum ax_pk_kind kind, size_t arg,
     struct ax_err *err)
{
	struct ax_pk *v = ax_pk_new(u, kind, err);
	uint32_t n = 0;

	if (!v || number(u, &n, arg, err) < 0 || bytes(u, &v->b, n, err) < 0)
		return -1;
	v->n = n;
	return push(u, v, err);
}

/* The policy answers calls; its error gets the offset in front. */
static int
call(struct ax_unpickler *u, uint8_t op, struct ax_err *err)
{
	const struct ax_pk_policy *p = u->policy;
	struct ax_pk *a, *b = NULL, *out = NULL;
	int rc;

	a = pop(u, err);
	if (!a || (op != 'Q' && !(b = pop(u, err))))
		return -1;
	if (op == 'Q') {
		if (!p->persistent)
			return bad(u, err, "refused");
		rc = p->persistent(p->arg, u, &out, a, err);
	} else if (op == 'R') {
		if (a->kind != AX_PK_TUPLE || b->kind != AX_PK_GLOBAL)
			return bad(u, err,
				   "not a call of a global with a tuple");
		if (!p->reduce)
			return bad(u, err, "refused");
		rc = p->reduce(p->arg, u, &out, b, a, err);
	} else {
		if (!p->build)
			return bad(u, err, "refused");
		rc = p->build(p->arg, u, b, a, err);
		out = b;
	}
	if (rc < 0)
		return ax_err_wrap(err, "%s: pickle, offset %zu (%s)", u->name,
				   u->op_at, op_name(op));
	return push(u, out, err);
}

static int
step(struct ax_unpickler *u, uint8_t op, struct ax_err *err)
{
	uint32_t i = 0;
	size_t n = 0;

	switch (op) {
	case 0x80: /* PROTO */
		if (number(u, &i, 1, err) < 0)
			return -1;
		if (i != 2)
			return bad(u, err, "only protocol 2 is read");
		return 0;
	case '(':
		if (u->n_marks >= AX_PK_STACK)
			return bad(u, err, "too many marks");
		AX_GROW(u->marks, u->n_marks, u->cap_marks);
		u->marks[u->n_marks++] = u->n_stack;
		return 0;
	case 'c':
		return global(u, err);
	case 'q':
		return memo_put(u, 1, err);
	case 'r':
		return memo_put(u, 4, err);
	case 'h':
		return memo_get(u, 1, err);
	case 'j':
		return memo_get(u, 4, err);
	case 'K':
		return integer(u, 1, err);
	case 'M':
		return integer(u, 2, err);
	case 'J':
		return integer(u, 4, err);
	case 'N':
		return simple(u, AX_PK_NONE, 0, err);
	case 0x88:
		return simple(u, AX_PK_BOOL, 1, err);
	case 0x89:
		return simple(u, AX_PK_BOOL, 0, err);
	case ']':
		return simple(u, AX_PK_LIST, 0, err);
	case '}':
		return simple(u, AX_PK_DICT, 0, err);
	case 'U':
		return text(u, AX_PK_BYTES, 1, err);
	case 'T':
		return text(u, AX_PK_BYTES, 4, err);
	case 'X':
		return text(u, AX_PK_TEXT, 4, err);
	case ')':
		return tuple(u, 0, err);
	case 0x85:
	case 0x86:
	case 0x87:
		return tuple(u, op - 0x84u, err);
	case 't':
		return unmark(u, &n, err) < 0 ? -1 : tuple(u, n, err);
	case 'e':
		return unmark(u, &n, err) < 0 ? -1
					      : extend(u, AX_PK_LIST, n, err);
	case 'a':
		return extend(u, AX_PK_LIST, 1, err);
	case 'u':
		return unmark(u, &n, err) < 0 ? -1
					      : extend(u, AX_PK_DICT, n, err);
	case 's':
		return extend(u, AX_PK_DICT, 2, err);
	case 'Q':
	case 'R':
	case 'b':
		return call(u, op, err);
	}
	return bad(u, err, "not known to this reader");
}

static int
run(struct ax_unpickler *u, const struct ax_pk **root, struct ax_err *err)
{
	if (u->len == 0)
		return ax_err_set(err, AX_EXIT_STAGE, "%s: pickle: empty",
				  u->name);
	while (u->at < u->len) {
		uint8_t op = u->b[u->at];

		u->op_at = u->at++;
		if (u->op_at == 0 && op != 0x80)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "%s: not a pickle of protocol 2",
					  u->name);
		if (!u->allowed[op])
			return ax_err_set(
				err, AX_EXIT_STAGE,
				"%s: pickle, offset %zu: opcode %s (0x%02x) is "
				"refused: it has no place in %s",
				u->name, u->op_at,
				op_name(op) ? op_name(op) : "unknown", op,
				u->policy->what);
		if (op == '.') {
			if (u->n_stack != 1 || u->n_marks != 0)
				return bad(u, err,
					   "the stack does not hold exactly "
					   "one value");
			if (u->at != u->len)
				return bad(u, err, "bytes after the end");
			*root = u->stack[0];
			return 0;
		}
		if (step(u, op, err) < 0)
			return -1;
	}
	return ax_err_set(err, AX_EXIT_STAGE,
			  "%s: pickle of %zu bytes has no end (truncated)",
			  u->name, u->len);
}

int
ax_unpickle(struct ax_unpickler **out, const struct ax_pk **root,
	    const char *name, const void *data, size_t len,
	    const struct ax_pk_policy *policy, struct ax_err *err)
{
	struct ax_unpickler *u = ax_calloc(1, sizeof(*u));

	*out = NULL;
	*root = NULL;
	u->name = name;
	u->b = data;
	u->len = len;
	u->policy = policy;
	allow(u);
	if (run(u, root, err) < 0) {
		ax_unpickler_free(u);
		return -1;
	}
	*out = u;
	return 0;
}
