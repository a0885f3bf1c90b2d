/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/checkpoint.h"

#include <jansson.h>

#include "artifacts/base/io.h"
#include "artifacts/npy.h"
#include "artifacts/zip.h"

void
ax_checkpoint_free(struct ax_checkpoint *c)
{
	size_t i;

	if (!c)
		return;
	for (i = 0; i < c->n; i++) {
		ax_tensor_free(c->tensors[i]);
		free(c->tensors[i]);
	}
	for (i = 0; i < c->n_meta; i++) {
		free(c->meta[i].key);
		free(c->meta[i].value);
	}
	free(c->tensors);
	free(c->meta);
	ax_map_free(&c->index);
	*c = (struct ax_checkpoint)AX_CHECKPOINT_INIT;
}

/* Names go into a JSON header, which is UTF-8; jansson knows how to check. */
static bool
is_utf8(const char *name)
{
	json_t *v = json_string(name);
	bool good = v != NULL;

	json_decref(v);
	return good;
}

static int
check_name(const struct ax_checkpoint *c, const char *name, struct ax_err *err)
{
	if (!name || !*name || strlen(name) > AX_CHECKPOINT_NAME)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "a tensor's name must have 1 to %d bytes",
				  AX_CHECKPOINT_NAME);
	if (!is_utf8(name))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "a tensor's name is not UTF-8 text");
	if (c->n >= AX_CHECKPOINT_TENSORS)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "more than %d tensors in one checkpoint",
				  AX_CHECKPOINT_TENSORS);
	if (ax_map_get(&c->index, name))
		return ax_err_set(err, AX_EXIT_STAGE,
				  "tensor '%s' is there twice", name);
	return 0;
}

struct ax_tensor *
ax_checkpoint_steal(struct ax_checkpoint *c, const char *name,
		    struct ax_tensor *t, struct ax_err *err)
{
	struct ax_tensor *own;

	if (check_name(c, name, err) < 0) {
		ax_tensor_free(t);
		return NULL;
	}
	own = ax_malloc(sizeof(*own));
	*own = *t;
	memset(t, 0, sizeof(*t));
	if (!own->name || !ax_streq(own->name, name)) {
		free(own->name);
		own->name = ax_strdup(name);
	}
	AX_GROW(c->tensors, c->n, c->cap);
	c->tensors[c->n++] = own;
	ax_map_set(&c->index, own->name, own);
	return own;
}

struct ax_tensor *
ax_checkpoint_add(struct ax_checkpoint *c, const char *name, enum ax_dtype d,
		  unsigned ndim, const size_t *dim, struct ax_err *err)
{
	struct ax_tensor t;

	if (check_name(c, name, err) < 0 ||
	    ax_tensor_init(&t, name, d, ndim, dim, err) < 0)
		return NULL;
	return ax_checkpoint_steal(c, name, &t, err);
}

struct ax_tensor *
ax_checkpoint_get(const struct ax_checkpoint *c, const char *name)
{
	return ax_map_get(&c->index, name);
}

struct ax_tensor *
ax_checkpoint_need(const struct ax_checkpoint *c, const char *name,
		   enum ax_dtype d, unsigned ndim, const size_t *dim,
		   struct ax_err *err)
{
	struct ax_tensor *t = ax_checkpoint_get(c, name);
	char want[256], have[256];

	if (!t) {
		const char **names = ax_calloc(c->n + 1, sizeof(*names));
		const char *near;
		size_t i;

		for (i = 0; i < c->n; i++)
			names[i] = c->tensors[i]->name;
		near = ax_nearest(name, names, c->n);
		ax_err_set(err, AX_EXIT_STAGE,
			   "the checkpoint has no tensor '%s' (it has %zu "
			   "tensors%s%s%s)",
			   name, c->n, near ? "; nearest: '" : "",
			   near ? near : "", near ? "'" : "");
		free(names);
		return NULL;
	}
	if (t->dtype != d || !ax_tensor_same_shape(t, ndim, dim)) {
		ax_err_set(err, AX_EXIT_STAGE,
			   "tensor '%s' of the checkpoint is %s, %s%s is "
			   "wanted",
			   name, ax_tensor_text(have, sizeof(have), t),
			   ax_dtype_name(d),
			   ax_shape_text(want, sizeof(want), ndim, dim));
		return NULL;
	}
	return t;
}

void
ax_checkpoint_set_meta(struct ax_checkpoint *c, const char *key,
		       const char *value)
{
	size_t i;

	for (i = 0; i < c->n_meta; i++)
		if (ax_streq(c->meta[i].key, key)) {
			char *copy = ax_strdup(value);

			free(c->meta[i].value);
			c->meta[i].value = copy;
			return;
		}
	AX_GROW(c->meta, c->n_meta, c->cap_meta);
	c->meta[c->n_meta].key = ax_strdup(key);
	c->meta[c->n_meta].value = ax_strdup(value);
	c->n_meta++;
}

const char *
ax_checkpoint_meta(const struct ax_checkpoint *c, const char *key)
{
	size_t i;

	for (i = 0; i < c->n_meta; i++)
		if (ax_streq(c->meta[i].key, key))
			return c->meta[i].value;
	return NULL;
}

int
ax_npz_parse(struct ax_checkpoint *out, const char *name, const void *bytes,
	     size_t len, struct ax_err *err)
{
	struct ax_zip z;
	size_t i;

	*out = (struct ax_checkpoint)AX_CHECKPOINT_INIT;
	if (ax_zip_parse(&z, name, bytes, len, err) < 0)
		return -1;
	for (i = 0; i < z.n; i++) {
		const struct ax_zip_entry *e = &z.entries[i];
		struct ax_tensor t;
		char *member;
		bool good;

		if (!ax_ends(e->name, ".npy")) {
			ax_err_set(err, AX_EXIT_STAGE,
				   "%s: member '%s' is not a .npy file", name,
				   e->name);
			goto fail;
		}
		if (ax_npy_parse(&t, e->name, e->data, e->len, err) < 0)
			goto fail;
		member = ax_strndup(e->name, strlen(e->name) - 4);
		good = ax_checkpoint_steal(out, member, &t, err) != NULL;
		free(member);
		if (!good)
			goto fail;
	}
	ax_zip_free(&z);
	return 0;
fail:
	ax_zip_free(&z);
	ax_checkpoint_free(out);
	return ax_err_wrap(err, "%s: cannot read this .npz", name);
}

static int
from_npy(struct ax_checkpoint *out, const char *name, const void *bytes,
	 size_t len, struct ax_err *err)
{
	struct ax_tensor t;

	*out = (struct ax_checkpoint)AX_CHECKPOINT_INIT;
	if (ax_npy_parse(&t, name, bytes, len, err) < 0)
		return -1;
	return ax_checkpoint_steal(out, "data", &t, err) ? 0 : -1;
}

static int
parse_any(struct ax_checkpoint *out, const char *path, const uint8_t *b,
	  size_t len, struct ax_err *err)
{
	if (len >= 4 && memcmp(b, "PK\3\4", 4) == 0) {
		struct ax_zip z;
		bool torch = false;
		size_t i;

		/* both are zip files; only PyTorch's holds a pickle */
		if (ax_zip_parse(&z, path, b, len, err) < 0)
			return -1;
		for (i = 0; i < z.n && !torch; i++)
			torch = ax_ends(z.entries[i].name, "/data.pkl");
		ax_zip_free(&z);
		return torch ? ax_torch_parse(out, path, b, len, err)
			     : ax_npz_parse(out, path, b, len, err);
	}
	if (len >= 6 && memcmp(b, "\x93NUMPY", 6) == 0)
		return from_npy(out, path, b, len, err);
	if (len >= 9 && b[8] == '{')
		return ax_safetensors_parse(out, path, b, len, err);
	if (len >= 2 && b[0] == 0x80 && b[1] <= 5)
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: a bare pickle (torch.save before 1.6, "
				  "or not PyTorch at all) is not read; save it "
				  "again in the zip form or as .safetensors",
				  path);
	return ax_err_set(err, AX_EXIT_STAGE,
			  "%s: not a checkpoint: neither .safetensors nor a "
			  "PyTorch .pt, .npz or .npy file",
			  path);
}

int
ax_checkpoint_load(struct ax_checkpoint *out, const char *path,
		   struct ax_err *err)
{
	char *bytes;
	size_t len;
	int rc;

	*out = (struct ax_checkpoint)AX_CHECKPOINT_INIT;
	if (ax_read_file(&bytes, &len, path, AX_CHECKPOINT_MAX, err) < 0)
		return -1;
	rc = parse_any(out, path, (const uint8_t *)bytes, len, err);
	free(bytes);
	return rc;
}
