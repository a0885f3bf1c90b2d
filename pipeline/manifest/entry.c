/* SPDX-License-Identifier: Apache-2.0 */
/* References to points of sweeps. */
#include "pipeline/manifest/entry.h"

#include <ctype.h>

int
ax_entry_unknown(const struct ax_index *index, const char *name,
		 struct ax_err *err)
{
	const char **names = ax_calloc(index->n, sizeof(*names));
	char *hint;

	for (size_t i = 0; i < index->n; i++)
		names[i] = index->list[i]->name;
	hint = ax_suggest(name, names, index->n, "there are");
	ax_err_set(err, AX_EXIT_USAGE,
		   "'%s' is neither an input nor a stage of this manifest%s",
		   name, hint);
	free(hint);
	free(names);
	return -1;
}

static size_t
name_length(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_' || s[n] == '-')
		n++;
	return n;
}

/* "0.0010" selects the value that is spelled "0.001". */
static const char *
spell(const char *text, size_t n, struct ax_arena *arena)
{
	struct ax_str s = AX_STR_INIT;
	char *word = ax_strndup(text, n), *end;
	const char *out;
	double d = strtod(word, &end);

	if (n && !*end &&
	    (isdigit((unsigned char)*word) || *word == '-' || *word == '.' ||
	     *word == '+')) {
		ax_str_add_num(&s, d);
		out = ax_arena_str(arena, s.buf);
	} else {
		out = ax_arena_str(arena, word);
	}
	ax_str_free(&s);
	free(word);
	return out;
}

static int
parse_select(struct ax_ref *out, const char *text, const char **end,
	     struct ax_arena *arena, struct ax_err *err)
{
	const char *p = text + 1;
	size_t cap = 1, n, len;
	char *word;

	for (const char *q = p; *q && *q != ']'; q++)
		cap += *q == ',';
	out->select = ax_arena_new(arena, cap, sizeof(*out->select));
	if (p[0] == '*' && p[1] == ']') {
		*end = p + 2;
		return 0;
	}
	for (;; p++) {
		struct ax_select *s = &out->select[out->n++];

		while (*p == ' ')
			p++;
		len = name_length(p);
		n = len;
		while (p[n] == ' ')
			n++;
		if (!len || p[n] != '=')
			return ax_err_set(err, AX_EXIT_USAGE,
					  "'%.40s' is no selection; write "
					  "[name=value], [name=*] or [*]",
					  text);
		word = ax_strndup(p, len);
		s->name = ax_arena_str(arena, word);
		free(word);
		p += n + 1;
		while (*p == ' ')
			p++;
		n = strcspn(p, ",]");
		for (len = n; len && p[len - 1] == ' ';)
			len--;
		if (!len || !p[n])
			return ax_err_set(
				err, AX_EXIT_USAGE,
				"'%.40s': a value and ']' must follow '%s='",
				text, s->name);
		if (len != 1 || *p != '*')
			s->value = spell(p, len, arena);
		p += n;
		if (*p == ']')
			break;
	}
	*end = p + 1;
	return 0;
}

int
ax_ref_parse(struct ax_ref *out, const char *text, const struct ax_index *index,
	     struct ax_arena *arena, struct ax_err *err)
{
	size_t len = name_length(text);
	char *name = ax_strndup(text, len);
	int rc = 0;

	memset(out, 0, sizeof(*out));
	out->entry = ax_map_get(&index->by_name, name);
	if (!len)
		rc = ax_err_set(err, AX_EXIT_USAGE,
				"'%.60s' does not start with a name", text);
	else if (!out->entry)
		rc = ax_entry_unknown(index, name, err);
	free(name);
	if (rc < 0)
		return -1;
	out->rest = text + len;
	if (*out->rest == '[')
		return parse_select(out, out->rest, &out->rest, arena, err);
	return 0;
}

static int
check_coords(const struct ax_ref *r, struct ax_err *err)
{
	const struct ax_entry *e = r->entry;
	char *hint;
	size_t k;

	for (size_t i = 0; i < r->n; i++) {
		for (k = 0; k < e->ncoords; k++)
			if (strcmp(e->coords[k], r->select[i].name) == 0)
				break;
		if (k < e->ncoords)
			continue;
		if (!e->ncoords)
			return ax_err_set(
				err, AX_EXIT_USAGE,
				"'%s' is not swept, it has no coordinate '%s'",
				e->name, r->select[i].name);
		hint = ax_suggest(r->select[i].name, e->coords, e->ncoords,
				  "it has");
		ax_err_set(err, AX_EXIT_USAGE, "'%s' has no coordinate '%s'%s",
			   e->name, r->select[i].name, hint);
		free(hint);
		return -1;
	}
	return 0;
}

static int
no_point(const struct ax_ref *r, struct ax_err *err)
{
	const struct ax_entry *e = r->entry;
	struct ax_str s = AX_STR_INIT, have = AX_STR_INIT;
	const char *last = NULL, *value;
	size_t shown = 0;

	for (size_t i = 0; i < r->n; i++)
		ax_str_addf(&s, "%s%s=%s", i ? "," : "", r->select[i].name,
			    r->select[i].value ? r->select[i].value : "*");
	/* the values of the first coordinate that is asked for in vain */
	for (size_t i = 0; i < r->n && !shown; i++) {
		bool found = !r->select[i].value;

		for (size_t k = 0; k < e->n && !found; k++) {
			value = ax_point_get(&e->points[k], r->select[i].name);
			found = ax_streq(value, r->select[i].value);
		}
		for (size_t k = 0; k < e->n && !found && shown < AX_LIST_MAX;
		     k++) {
			value = ax_point_get(&e->points[k], r->select[i].name);
			if (!value || value == last)
				continue;
			last = value;
			ax_str_addf(&have, "%s%s",
				    shown++ ? ", " : "; its values are ",
				    value);
		}
	}
	ax_err_set(err, AX_EXIT_USAGE, "'%s' has no point [%s]%s", e->name,
		   s.buf ? s.buf : "", have.buf ? have.buf : "");
	ax_str_free(&s);
	ax_str_free(&have);
	return -1;
}

/* A selection that fixes every coordinate is one look-up by name. */
static bool
find_one(const struct ax_ref *r, const struct ax_graph *g, size_t *at)
{
	const struct ax_entry *e = r->entry;
	struct ax_coord *c;
	struct ax_str s = AX_STR_INIT;
	struct ax_coords p;
	bool found = false;
	size_t i, k;

	if (!r->n || r->n != e->ncoords || e->n < 8)
		return false;
	c = ax_calloc(r->n, sizeof(*c));
	for (i = 0; i < e->ncoords; i++) {
		for (k = 0; k < r->n; k++)
			if (strcmp(r->select[k].name, e->coords[i]) == 0)
				break;
		if (k == r->n || !r->select[k].value)
			break;
		c[i].name = e->coords[i];
		c[i].value = r->select[k].value;
	}
	if (i == e->ncoords) {
		p.c = c;
		p.n = r->n;
		ax_point_name(&s, e->name, &p);
		if (e->input) {
			const struct ax_source *source =
				ax_map_get(&g->source_by_name, s.buf);

			found = source != NULL;
			if (found)
				*at = source->point;
		} else {
			const struct ax_node *node =
				ax_map_get(&g->by_name, s.buf);

			found = node != NULL;
			if (found)
				*at = node->point;
		}
		ax_str_free(&s);
	}
	free(c);
	return found;
}

int
ax_ref_points(const struct ax_ref *r, size_t **which, size_t *n,
	      const struct ax_graph *g, struct ax_arena *arena,
	      struct ax_err *err)
{
	const struct ax_entry *e = r->entry;
	size_t one, i, k;

	*n = 0;
	if (check_coords(r, err) < 0)
		return -1;
	if (find_one(r, g, &one)) {
		*which = ax_arena_new(arena, 1, sizeof(**which));
		(*which)[(*n)++] = one;
		return 0;
	}
	*which = ax_arena_new(arena, e->n, sizeof(**which));
	for (i = 0; i < e->n; i++) {
		for (k = 0; k < r->n; k++) {
			const char *v =
				ax_point_get(&e->points[i], r->select[k].name);

			if (!v || (r->select[k].value &&
				   strcmp(v, r->select[k].value) != 0))
				break;
		}
		if (k == r->n)
			(*which)[(*n)++] = i;
	}
	return *n ? 0 : no_point(r, err);
}
