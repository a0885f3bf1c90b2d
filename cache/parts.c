/* SPDX-License-Identifier: Apache-2.0 */
/* What a record needs, object by object: for those who take it elsewhere. */
#include <fcntl.h>

#include "cache/private.h"

struct list {
	struct ax_store *s;
	struct ax_part *parts;
	size_t n, cap;
	struct ax_err *err;
};

void
ax_parts_free(struct ax_part *parts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(parts[i].path);
	free(parts);
}

/* Takes the path. */
static int
add(struct list *l, const struct ax_digest *d, char *path, bool listing,
    bool exec)
{
	char rel[AX_REL_LEN + 1];
	struct ax_part *p;
	struct stat st;

	AX_GROW(l->parts, l->n, l->cap);
	p = &l->parts[l->n++];
	*p = (struct ax_part){*d, path, 0, listing, exec};
	if (l->s->room[AX_CAS] < 0 ||
	    fstatat(l->s->room[AX_CAS], ax_rel(rel, d), &st,
		    AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode))
		return ax_err_set(l->err, AX_EXIT_ENV,
				  "store %s: object cas/%s (%s) is not there",
				  l->s->dir, ax_rel(rel, d), path);
	p->size = (uint64_t)st.st_size;
	return 0;
}

static int
add_tree(struct list *l, const char *name, const struct ax_digest *d)
{
	char hex[AX_HEX_LEN + 1];
	struct ax_tree t;
	int rc = ax_tree_peek(l->s, d, &t, l->err);

	if (rc == 0)
		rc = ax_err_set(l->err, AX_EXIT_ENV,
				"store %s: object %s is no tree", l->s->dir,
				ax_hex(hex, d));
	for (size_t i = 0; rc >= 0 && i < t.n; i++)
		rc = add(l, &t.files[i].digest,
			 ax_asprintf("out/%s/%s", name, t.files[i].path), false,
			 t.files[i].exec);
	ax_tree_free(&t);
	if (rc >= 0)
		rc = add(l, d, ax_asprintf("axpipe/trees/%s", name), true,
			 false);
	return rc < 0 ? -1 : 0;
}

int
ax_store_record_parts(struct ax_store *s, const json_t *record,
		      struct ax_part **out, size_t *n, struct ax_err *err)
{
	const char *name,
		*log = json_string_value(json_object_get(record, "log"));
	json_t *outputs = json_object_get(record, "outputs"), *o;
	struct list l = {.s = s, .err = err};
	struct ax_digest d;
	int rc = 0;

	*out = NULL;
	*n = 0;
	if (!json_is_object(outputs))
		rc = ax_err_set(err, AX_EXIT_ENV, "not the record of a node");
	json_object_foreach(outputs, name, o)
	{
		const char *hex =
			json_string_value(json_object_get(o, "sha256"));

		if (rc < 0)
			break;
		if (!hex || ax_unhex(&d, hex) < 0 || !ax_path_is_inside(name))
			rc = ax_err_set(err, AX_EXIT_ENV,
					"output %s of a record is malformed",
					name);
		else if (json_is_true(json_object_get(o, "tree")))
			rc = add_tree(&l, name, &d);
		else
			rc = add(&l, &d, ax_asprintf("out/%s", name), false,
				 false);
	}
	if (rc == 0 && log && ax_unhex(&d, log) == 0)
		rc = add(&l, &d, ax_strdup("axpipe/log"), false, false);
	if (rc < 0) {
		ax_parts_free(l.parts, l.n);
		return -1;
	}
	*out = l.parts;
	*n = l.n;
	return 0;
}

int
ax_store_put_listing(struct ax_store *s, const char *text, size_t n,
		     struct ax_digest *out, struct ax_err *err)
{
	char rel[AX_REL_LEN + 1];
	struct ax_tree t;
	struct stat st;
	int rc = ax_tree_parse(&t, text, n, "a listing", err);

	for (size_t i = 0; rc == 0 && i < t.n; i++)
		if (fstatat(s->room[AX_CAS], ax_rel(rel, &t.files[i].digest),
			    &st, AT_SYMLINK_NOFOLLOW) < 0)
			rc = ax_err_set(err, AX_EXIT_ENV,
					"file %s of a tree is not in the store",
					t.files[i].path);
	ax_tree_free(&t);
	return rc < 0 ? -1 : ax_cas_put_bytes(s, out, text, n, true, err);
}
