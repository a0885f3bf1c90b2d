/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/results/rundiff.h"

#include "artifacts/base/base.h"
#include "artifacts/base/json.h"
#include "pipeline/results/provenance.h"

#define MAX_RUNS 1000000

struct side {
	json_t *manifest, *lock, *tools, *metrics, *claims, *run;
};

/* A JSON value as names and texts, sorted ---------------------------------- */

struct flat {
	char *name, *text;
};

struct list {
	struct flat *v;
	size_t n, cap;
};

static void
add(struct list *l, const char *name, const json_t *value)
{
	struct ax_str s = AX_STR_INIT;

	ax_json_canonical(&s, value);
	AX_GROW(l->v, l->n, l->cap);
	l->v[l->n].name = ax_strdup(name);
	l->v[l->n++].text = ax_str_take(&s);
}

static void
flatten(struct list *l, const char *name, const json_t *value, const char *dot)
{
	const char *key;
	json_t *v;
	size_t i;

	if (json_is_object(value) && json_object_size(value)) {
		json_object_foreach((json_t *)value, key, v)
		{
			char *below =
				*name ? ax_asprintf("%s%s%s", name, dot, key)
				      : ax_strdup(key);

			flatten(l, below, v, dot);
			free(below);
		}
	} else if (json_is_array(value) && json_array_size(value)) {
		json_array_foreach(value, i, v)
		{
			char *below = ax_asprintf("%s[%zu]", name, i);

			flatten(l, below, v, dot);
			free(below);
		}
	} else if (value && *name) {
		add(l, name, value);
	}
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct flat *)a)->name,
		      ((const struct flat *)b)->name);
}

static void
sort(struct list *l)
{
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_name);
}

static void
free_list(struct list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].text);
	}
	free(l->v);
	memset(l, 0, sizeof(*l));
}

static struct ax_row_diff *
row(struct ax_rundiff *d, const char *section, const char *name,
    const char *before, const char *after)
{
	struct ax_row_diff *r;

	AX_GROW(d->rows, d->n, d->cap);
	r = &d->rows[d->n++];
	r->section = section;
	r->name = ax_strdup(name);
	r->before = before ? ax_strdup(before) : NULL;
	r->after = after ? ax_strdup(after) : NULL;
	r->note = NULL;
	return r;
}

static void
merge(struct ax_rundiff *d, const char *section, struct list *a, struct list *b)
{
	size_t i = 0, k = 0;

	sort(a);
	sort(b);
	while (i < a->n || k < b->n) {
		int cmp = i == a->n   ? 1
			  : k == b->n ? -1
				      : strcmp(a->v[i].name, b->v[k].name);

		if (cmp < 0)
			row(d, section, a->v[i].name, a->v[i].text, NULL);
		else if (cmp > 0)
			row(d, section, b->v[k].name, NULL, b->v[k].text);
		else if (!ax_streq(a->v[i].text, b->v[k].text))
			row(d, section, a->v[i].name, a->v[i].text,
			    b->v[k].text);
		i += cmp <= 0;
		k += cmp >= 0;
	}
	free_list(a);
	free_list(b);
}

static void
compare(struct ax_rundiff *d, const char *section, const json_t *a,
	const json_t *b, const char *dot)
{
	struct list x = {0}, y = {0};

	flatten(&x, "", a, dot);
	flatten(&y, "", b, dot);
	merge(d, section, &x, &y);
}

/* Keys --------------------------------------------------------------------- */

/* Which components differ, when both records are in the store still. */
static char *
components(struct ax_store *s, const char *before, const char *after)
{
	struct ax_rundiff d = {0};
	struct ax_str text = AX_STR_INIT;
	struct ax_digest a, b;
	json_t *x = NULL, *y = NULL;

	if (ax_unhex(&a, before) == 0 && ax_unhex(&b, after) == 0 &&
	    ax_store_record_get(s, &a, &x, NULL) == 1 &&
	    ax_store_record_get(s, &b, &y, NULL) == 1)
		compare(&d, "", json_object_get(x, "components"),
			json_object_get(y, "components"), ".");
	for (size_t i = 0; i < d.n; i++)
		ax_str_addf(&text, "%s%s", i ? ", " : "", d.rows[i].name);
	json_decref(x);
	json_decref(y);
	ax_rundiff_free(&d);
	if (!text.len) {
		ax_str_free(&text);
		return NULL;
	}
	return ax_str_take(&text);
}

static const char *
key_of(const json_t *node)
{
	return json_string_value(json_object_get(node, "key"));
}

static void
compare_keys(struct ax_rundiff *d, struct ax_store *s, json_t *a, json_t *b)
{
	struct ax_row_diff *r;
	const char *name;
	json_t *node;

	json_object_foreach(a, name, node)
	{
		const json_t *other = json_object_get(b, name);
		const char *was = key_of(node), *is = key_of(other);

		if (!was || ax_streq(was, is))
			continue;
		r = row(d, "key", name, was, is);
		r->note = is ? components(s, was, is) : NULL;
	}
	json_object_foreach(b, name, node)
	{
		if (!json_object_get(a, name) && key_of(node))
			row(d, "key", name, NULL, key_of(node));
	}
}

static void
compare_outputs(struct ax_rundiff *d, json_t *a, json_t *b)
{
	struct list x = {0}, y = {0};
	const char *name;
	json_t *node;

	json_object_foreach(a, name, node)
		flatten(&x, name, json_object_get(node, "outputs"), ".");
	json_object_foreach(b, name, node)
		flatten(&y, name, json_object_get(node, "outputs"), ".");
	merge(d, "output", &x, &y);
	/* a key that stayed, and bytes that did not */
	for (size_t i = 0; i < d->n; i++) {
		struct ax_row_diff *r = &d->rows[i];
		char *dot = strrchr(r->name, '.'), *at;
		const char *was, *is;

		if (!ax_streq(r->section, "output") || !dot)
			continue;
		at = ax_strndup(r->name, (size_t)(dot - r->name));
		was = key_of(json_object_get(a, at));
		is = key_of(json_object_get(b, at));
		if (was && ax_streq(was, is))
			r->note = ax_strdup("other bytes for the same key");
		free(at);
	}
}

/* Claims by their name, as an object; the second of a name is "NAME (2)". */
static json_t *
by_claim(const json_t *list)
{
	json_t *o = json_object();
	const json_t *c;
	char *shown;
	size_t i;

	json_array_foreach(list, i, c)
	{
		const char *name =
			json_string_value(json_object_get(c, "name"));
		json_t *v = json_object();
		static const char *const members[] = {"expected", "measured",
						      "verdict"};

		for (size_t k = 0; k < AX_LEN(members); k++) {
			json_t *m = json_object_get(c, members[k]);

			if (m)
				json_object_set(v, members[k], m);
		}
		shown = ax_strdup(name ? name : "?");
		for (size_t k = 2; json_object_get(o, shown); k++) {
			free(shown);
			shown = ax_asprintf("%s (%zu)", name ? name : "?", k);
		}
		json_object_set_new(o, shown, v);
		free(shown);
	}
	return o;
}

/* The runs ----------------------------------------------------------------- */

/* A run id names a commit of some branch. Caller frees; NULL: none. */
static char *
by_id(struct ax_store *s, const char *id)
{
	char **names = NULL, *hex = NULL;
	struct ax_past_run *runs;
	size_t n = 0, k;

	if (ax_provenance_names(s, &names, &n, NULL) < 0)
		n = 0;
	for (size_t i = 0; i < n; i++) {
		if (!hex && ax_provenance_log(s, names[i], MAX_RUNS, &runs, &k,
					      NULL) == 0) {
			for (size_t m = 0; m < k && !hex; m++)
				if (ax_streq(runs[m].id, id))
					hex = ax_strdup(runs[m].hex);
			ax_past_free(runs, k);
		}
		free(names[i]);
	}
	free(names);
	return hex;
}

static void
read_side(struct side *x, struct ax_store *s, const char *rev)
{
	struct {
		const char *file;
		json_t **to;
	} files[] = {{"manifest.json", &x->manifest},
		     {"lock.json", &x->lock},
		     {"tools.json", &x->tools},
		     {"metrics.json", &x->metrics},
		     {"claims.json", &x->claims}};

	for (size_t i = 0; i < AX_LEN(files); i++)
		if (ax_provenance_read(s, rev, files[i].file, files[i].to,
				       NULL) < 0)
			*files[i].to = NULL;
}

static void
free_side(struct side *x)
{
	json_decref(x->manifest);
	json_decref(x->lock);
	json_decref(x->tools);
	json_decref(x->metrics);
	json_decref(x->claims);
	json_decref(x->run);
}

static int
open_side(struct side *x, char **rev, struct ax_store *s, const char *name,
	  struct ax_err *err)
{
	*rev = ax_strdup(name);
	if (ax_provenance_read(s, *rev, "run.json", &x->run, NULL) < 0) {
		free(*rev);
		*rev = by_id(s, name);
		if (!*rev ||
		    ax_provenance_read(s, *rev, "run.json", &x->run, err) < 0)
			return ax_err_set(err, AX_EXIT_USAGE,
					  "%s: no such run; 'axpipe log' lists "
					  "them (MANIFEST's name is its last "
					  "run, NAME~1 the one before)",
					  name);
	}
	read_side(x, s, *rev);
	return 0;
}

int
ax_rundiff(struct ax_rundiff *d, struct ax_store *s, const char *a,
	   const char *b, struct ax_err *err)
{
	const char *names[2] = {a, b};
	struct side x[2];
	json_t *nodes[2], *claims[2];
	int rc = 0;

	memset(d, 0, sizeof(*d));
	memset(x, 0, sizeof(x));
	for (int i = 0; i < 2 && rc == 0; i++) {
		const char *id;

		rc = open_side(&x[i], &d->commit[i], s, names[i], err);
		id = json_string_value(json_object_get(x[i].run, "id"));
		d->id[i] = ax_strdup(id ? id : "?");
		nodes[i] = json_object_get(x[i].lock, "nodes");
	}
	if (rc == 0) {
		compare(d, "manifest", x[0].manifest, x[1].manifest, ".");
		compare(d, "input", json_object_get(x[0].lock, "inputs"),
			json_object_get(x[1].lock, "inputs"), ".");
		compare(d, "tool", x[0].tools, x[1].tools, ".");
		compare_keys(d, s, nodes[0], nodes[1]);
		compare_outputs(d, nodes[0], nodes[1]);
		compare(d, "metric", x[0].metrics, x[1].metrics, ".");
		claims[0] = by_claim(json_object_get(x[0].claims, "claims"));
		claims[1] = by_claim(json_object_get(x[1].claims, "claims"));
		compare(d, "claim", claims[0], claims[1], ": ");
		json_decref(claims[0]);
		json_decref(claims[1]);
	}
	free_side(&x[0]);
	free_side(&x[1]);
	return rc;
}

void
ax_rundiff_free(struct ax_rundiff *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->rows[i].name);
		free(d->rows[i].before);
		free(d->rows[i].after);
		free(d->rows[i].note);
	}
	free(d->rows);
	for (int i = 0; i < 2; i++) {
		free(d->commit[i]);
		free(d->id[i]);
	}
	memset(d, 0, sizeof(*d));
}
