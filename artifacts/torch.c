/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PyTorch's zip checkpoints, read without PyTorch: `<root>/data.pkl` is a
 * pickle of protocol 2 that names raw storages `<root>/data/<key>`. The
 * unpickler's policy below lists all that is allowed; there are no other
 * globals and no other opcodes, and the result is tensors, dicts, tuples,
 * strings and integers only.
 */
#include "artifacts/checkpoint.h"
#include "artifacts/pickle.h"
#include "artifacts/zip.h"

#define MAX_DEPTH 4
#define MAX_META 4096

enum { ORDERED_DICT, REBUILD_TENSOR, FLOAT_STORAGE, LONG_STORAGE };

static const struct ax_pk_global globals[] = {
	[ORDERED_DICT] = {"collections", "OrderedDict"},
	[REBUILD_TENSOR] = {"torch._utils", "_rebuild_tensor_v2"},
	[FLOAT_STORAGE] = {"torch", "FloatStorage"},
	[LONG_STORAGE] = {"torch", "LongStorage"},
};

/* The published checkpoints need all but BININT, TUPLE3 and NEWTRUE, which
 * torch.save writes for storages beyond 65,535 elements, tensors of three
 * dimensions and trained parameters; they make an integer, a tuple and a
 * boolean. */
static const char opcodes[] =
	"PROTO GLOBAL BINPUT LONG_BINPUT BINGET LONG_BINGET EMPTY_TUPLE TUPLE "
	"TUPLE1 TUPLE2 TUPLE3 MARK BINUNICODE BININT BININT1 BININT2 NEWTRUE "
	"NEWFALSE BINPERSID REDUCE EMPTY_DICT SETITEM SETITEMS BUILD STOP";

enum { TAG_STORAGE, TAG_VIEW };

struct storage {
	const uint8_t *data;
	size_t n; /* elements */
	enum ax_dtype dtype;
};

/* A tensor in a storage: offset and strides in elements. */
struct view {
	const struct storage *s;
	size_t offset;
	unsigned ndim;
	size_t dim[AX_TENSOR_DIMS], stride[AX_TENSOR_DIMS];
	size_t n;
};

struct torch {
	const struct ax_zip *zip;
	const char *root; /* "<root>/" */
	const char *name;
	size_t bytes, max_bytes; /* of all tensors */
	size_t visited;
};

static int
persistent(void *arg, struct ax_unpickler *u, struct ax_pk **out,
	   const struct ax_pk *id, struct ax_err *err)
{
	const struct torch *t = arg;
	const struct ax_zip_entry *e;
	struct storage *s;
	char *path;
	size_t size;

	if (id->kind != AX_PK_TUPLE || id->n != 5 ||
	    !ax_pk_is(id->item[0], "storage") ||
	    id->item[1]->kind != AX_PK_GLOBAL ||
	    (id->item[1]->i != FLOAT_STORAGE &&
	     id->item[1]->i != LONG_STORAGE) ||
	    id->item[2]->kind != AX_PK_TEXT ||
	    id->item[3]->kind != AX_PK_TEXT || id->item[4]->kind != AX_PK_INT ||
	    id->item[4]->i < 0)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "not ('storage', FloatStorage or "
				  "LongStorage, key, place, elements)");
	if (id->item[2]->n == 0 || id->item[2]->n > 64)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "the key of a storage must have 1 to 64 "
				  "bytes");
	path = ax_asprintf("%sdata/%.*s", t->root, (int)id->item[2]->n,
			   (const char *)id->item[2]->b);
	e = ax_zip_get(t->zip, path);
	if (!e) {
		ax_err_set(err, AX_EXIT_STAGE, "no storage '%s' in the file",
			   path);
		free(path);
		return -1;
	}
	s = ax_pk_alloc(u, sizeof(*s));
	s->dtype = id->item[1]->i == FLOAT_STORAGE ? AX_F32 : AX_I64;
	s->data = e->data;
	s->n = (size_t)id->item[4]->i;
	size = ax_dtype_size(s->dtype);
	if (s->n > e->len / size || s->n * size != e->len) {
		ax_err_set(err, AX_EXIT_STAGE,
			   "storage '%s' holds %zu bytes, %zu elements of %zu "
			   "are announced",
			   path, e->len, s->n, size);
		free(path);
		return -1;
	}
	free(path);
	*out = ax_pk_new(u, AX_PK_OBJECT, err);
	if (!*out)
		return -1;
	(*out)->i = TAG_STORAGE;
	(*out)->obj = s;
	return 0;
}

/* The sizes or strides: a tuple of integers that are not negative. */
static int
sizes(size_t *out, const struct ax_pk *v, const char *what, struct ax_err *err)
{
	size_t i;

	if (v->kind != AX_PK_TUPLE || v->n > AX_TENSOR_DIMS)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "the %s is not a tuple of at most %d", what,
				  AX_TENSOR_DIMS);
	for (i = 0; i < v->n; i++) {
		if (v->item[i]->kind != AX_PK_INT || v->item[i]->i < 0)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "the %s holds something that is not "
					  "a size",
					  what);
		out[i] = (size_t)v->item[i]->i;
	}
	return 0;
}

/* Every element that the view can reach must lie in the storage. */
static int
check_view(const struct view *v, struct ax_err *err)
{
	size_t last = v->offset, reach;
	unsigned d;

	if (v->n == 0)
		return 0;
	for (d = 0; d < v->ndim; d++)
		if (__builtin_mul_overflow(v->dim[d] - 1, v->stride[d],
					   &reach) ||
		    __builtin_add_overflow(last, reach, &last))
			return ax_err_set(err, AX_EXIT_STAGE,
					  "the tensor's strides overflow");
	if (last >= v->s->n)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "the tensor reaches element %zu of a storage "
				  "of %zu",
				  last, v->s->n);
	return 0;
}

static int
rebuild(struct ax_unpickler *u, struct ax_pk **out, const struct ax_pk *args,
	struct ax_err *err)
{
	struct ax_pk *const *a = args->item;
	struct view *v;
	size_t bytes;

	if (args->n != 6 || a[0]->kind != AX_PK_OBJECT ||
	    a[0]->i != TAG_STORAGE || a[1]->kind != AX_PK_INT || a[1]->i < 0 ||
	    a[4]->kind != AX_PK_BOOL || a[5]->kind != AX_PK_DICT ||
	    a[5]->n != 0)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "not _rebuild_tensor_v2(storage, offset, "
				  "size, stride, requires_grad, no hooks)");
	v = ax_pk_alloc(u, sizeof(*v));
	v->s = a[0]->obj;
	v->offset = (size_t)a[1]->i;
	if (sizes(v->dim, a[2], "size", err) < 0 ||
	    sizes(v->stride, a[3], "stride", err) < 0)
		return -1;
	if (a[2]->n != a[3]->n)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%zu sizes but %zu strides", a[2]->n,
				  a[3]->n);
	v->ndim = (unsigned)a[2]->n;
	if (ax_tensor_size(&v->n, &bytes, "(of a storage)", v->s->dtype,
			   v->ndim, v->dim, err) < 0 ||
	    check_view(v, err) < 0)
		return -1;
	*out = ax_pk_new(u, AX_PK_OBJECT, err);
	if (!*out)
		return -1;
	(*out)->i = TAG_VIEW;
	(*out)->obj = v;
	return 0;
}

static int
reduce(void *arg, struct ax_unpickler *u, struct ax_pk **out,
       const struct ax_pk *callable, const struct ax_pk *args,
       struct ax_err *err)
{
	(void)arg;
	if (callable->i == REBUILD_TENSOR)
		return rebuild(u, out, args, err);
	if (callable->i != ORDERED_DICT || args->n != 0)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "only OrderedDict() and _rebuild_tensor_v2() "
				  "may be called");
	*out = ax_pk_new(u, AX_PK_DICT, err);
	return *out ? 0 : -1;
}

/* A state dict carries `_metadata`, the versions of its modules: not used. */
static int
build(void *arg, struct ax_unpickler *u, struct ax_pk *object,
      const struct ax_pk *state, struct ax_err *err)
{
	(void)arg;
	(void)u;
	if (object->kind != AX_PK_DICT || state->kind != AX_PK_DICT)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "only attributes of a dict are accepted");
	return 0;
}

static void
copy_view(struct ax_tensor *t, const struct view *v)
{
	size_t size = ax_dtype_size(t->dtype), at[AX_TENSOR_DIMS] = {0};
	size_t from = v->offset, i, want = 1;
	const uint8_t *src = v->s->data;
	uint8_t *dst = t->data;
	bool contiguous = true;
	unsigned d;

	for (d = v->ndim; d-- > 0;) {
		if (v->dim[d] != 1 && v->stride[d] != want)
			contiguous = false;
		want *= v->dim[d];
	}
	if (contiguous && v->n) {
		memcpy(dst, src + from * size, v->n * size);
		return;
	}
	for (i = 0; i < v->n; i++) {
		memcpy(dst + i * size, src + from * size, size);
		for (d = v->ndim; d-- > 0;) {
			from += v->stride[d];
			if (++at[d] < v->dim[d])
				break;
			from -= v->stride[d] * v->dim[d];
			at[d] = 0;
		}
	}
}

static int
add_view(struct ax_checkpoint *out, struct torch *t, const char *name,
	 const struct view *v, struct ax_err *err)
{
	struct ax_tensor *tensor;

	/* views of one storage may overlap or repeat it: they share a budget */
	t->bytes += v->n * ax_dtype_size(v->s->dtype);
	if (t->bytes > t->max_bytes)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "up to '%s' the tensors need %zu bytes, "
				  "far more than the file holds",
				  name, t->bytes);
	tensor =
		ax_checkpoint_add(out, name, v->s->dtype, v->ndim, v->dim, err);
	if (!tensor)
		return -1;
	copy_view(tensor, v);
	return 0;
}

/*
 * Walks a dict of tensors and dicts, MAX_DEPTH deep. A dict may be reached on
 * several ways, so that the number of steps is limited as well.
 */
static int
walk(struct ax_checkpoint *out, struct torch *t, const struct ax_pk *dict,
     const char *prefix, int depth, struct ax_err *err)
{
	char text[64];
	size_t i;

	for (i = 0; i + 1 < dict->n; i += 2) {
		const struct ax_pk *k = dict->item[i], *v = dict->item[i + 1];
		char *name;
		int rc = -1;

		if (++t->visited > AX_CHECKPOINT_TENSORS)
			return ax_err_set(err, AX_EXIT_STAGE,
					  "more than %d entries",
					  AX_CHECKPOINT_TENSORS);
		if (k->n == 0 || k->n > AX_CHECKPOINT_NAME ||
		    memchr(k->b, 0, k->n))
			return ax_err_set(err, AX_EXIT_STAGE,
					  "a name below '%s' is empty, too "
					  "long or not text",
					  prefix);
		name = ax_asprintf("%s%.*s", prefix, (int)k->n,
				   (const char *)k->b);
		if (v->kind == AX_PK_OBJECT && v->i == TAG_VIEW) {
			rc = add_view(out, t, name, v->obj, err);
		} else if (v->kind == AX_PK_DICT && depth < MAX_DEPTH) {
			char *below;

			/* a module's own state stands under its name */
			if (ax_ends(name, "._extra_state"))
				name[strlen(name) - strlen("_extra_state")] =
					'\0';
			below = ax_asprintf("%s%s", name,
					    ax_ends(name, ".") ? "" : ".");
			rc = walk(out, t, v, below, depth + 1, err);
			free(below);
		} else if ((v->kind == AX_PK_INT || v->kind == AX_PK_BOOL) &&
			   out->n_meta < MAX_META) {
			snprintf(text, sizeof(text), "%" PRId64, v->i);
			ax_checkpoint_set_meta(out, name, text);
			rc = 0;
		} else if (v->kind == AX_PK_TEXT && v->n <= 65536 &&
			   !memchr(v->b, 0, v->n) && out->n_meta < MAX_META) {
			char *value = ax_strndup((const char *)v->b, v->n);

			ax_checkpoint_set_meta(out, name, value);
			free(value);
			rc = 0;
		} else {
			ax_err_set(err, AX_EXIT_STAGE,
				   "'%s' is %s%s; a checkpoint is tensors "
				   "under names",
				   name, ax_pk_text(text, sizeof(text), v),
				   v->kind == AX_PK_DICT ? " nested too deep"
							 : "");
		}
		free(name);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* "<root>/" of the only member that ends in "/data.pkl". Caller frees. */
static char *
find_root(const struct ax_zip *z, const char *name, struct ax_err *err)
{
	const char *pkl = NULL;
	size_t i;

	for (i = 0; i < z->n; i++) {
		if (!ax_ends(z->entries[i].name, "/data.pkl"))
			continue;
		if (pkl) {
			ax_err_set(err, AX_EXIT_STAGE,
				   "%s: two pickles in one file: '%s' and "
				   "'%s'",
				   name, pkl, z->entries[i].name);
			return NULL;
		}
		pkl = z->entries[i].name;
	}
	if (!pkl) {
		ax_err_set(err, AX_EXIT_STAGE,
			   "%s: a zip file, but not of PyTorch: no member "
			   "<root>/data.pkl",
			   name);
		return NULL;
	}
	return ax_strndup(pkl, strlen(pkl) - strlen("data.pkl"));
}

static int
check_order(const struct ax_zip *z, const char *root, const char *name,
	    struct ax_err *err)
{
	char *path = ax_asprintf("%sbyteorder", root);
	const struct ax_zip_entry *e = ax_zip_get(z, path);

	free(path);
	if (e && (e->len != 6 || memcmp(e->data, "little", 6) != 0))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: byte order is '%.*s'; only "
				  "little-endian files are read",
				  name, (int)AX_MIN(e->len, (size_t)16),
				  (const char *)e->data);
	return 0;
}

int
ax_torch_parse(struct ax_checkpoint *out, const char *name, const void *bytes,
	       size_t len, struct ax_err *err)
{
	struct torch t = {.name = name};
	struct ax_pk_policy policy = {
		.what = "a PyTorch checkpoint of tensors",
		.opcodes = opcodes,
		.globals = globals,
		.n_globals = AX_LEN(globals),
		.reduce = reduce,
		.build = build,
		.persistent = persistent,
		.arg = &t,
	};
	const struct ax_zip_entry *e;
	struct ax_unpickler *u = NULL;
	const struct ax_pk *root = NULL;
	struct ax_zip z;
	char *dir, *pkl = NULL;
	int rc = -1;

	*out = (struct ax_checkpoint)AX_CHECKPOINT_INIT;
	if (ax_zip_parse(&z, name, bytes, len, err) < 0)
		return -1;
	dir = find_root(&z, name, err);
	if (!dir || check_order(&z, dir, name, err) < 0)
		goto done;
	t.zip = &z;
	t.root = dir;
	t.max_bytes = 4 * len + ((size_t)1 << 24);
	pkl = ax_asprintf("%sdata.pkl", dir);
	e = ax_zip_get(&z, pkl);
	if (ax_unpickle(&u, &root, name, e->data, e->len, &policy, err) < 0)
		goto done;
	if (root->kind != AX_PK_DICT) {
		char what[64];

		ax_err_set(err, AX_EXIT_STAGE,
			   "%s: the file holds %s; a dict of tensors (a state "
			   "dict) is read",
			   name, ax_pk_text(what, sizeof(what), root));
		goto done;
	}
	rc = walk(out, &t, root, "", 0, err);
	if (rc < 0)
		ax_err_wrap(err, "%s: cannot read this checkpoint", name);
done:
	ax_unpickler_free(u);
	free(dir);
	free(pkl);
	ax_zip_free(&z);
	if (rc < 0)
		ax_checkpoint_free(out);
	return rc;
}
