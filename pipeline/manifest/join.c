/* SPDX-License-Identifier: Apache-2.0 */
/* Joins of sweeps: which points agree on the coordinates that they share. */
#include "pipeline/manifest/entry.h"

/* Below this many comparisons a hash index does not pay. */
#define SMALL 256

void
ax_rows_start(struct ax_rows *rows, const struct ax_coords *points, size_t n,
	      struct ax_arena *arena)
{
	size_t *picks = ax_arena_new(arena, n, sizeof(*picks));

	memset(rows, 0, sizeof(*rows));
	rows->list = ax_calloc(n, sizeof(*rows->list));
	rows->n = rows->cap = n;
	rows->width = 1;
	for (size_t i = 0; i < n; i++) {
		picks[i] = i;
		rows->list[i].point = points[i];
		rows->list[i].picks = &picks[i];
	}
}

void
ax_rows_free(struct ax_rows *rows)
{
	free(rows->list);
	memset(rows, 0, sizeof(*rows));
}

static bool
is_fixed(const struct ax_ref *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->select[i].value && strcmp(r->select[i].name, name) == 0)
			return true;
	return false;
}

/* The coordinates that a reference passes on. */
static struct ax_coords
passed(const struct ax_ref *r, size_t at, struct ax_coord *room)
{
	const struct ax_coords *full = &r->entry->points[at];
	struct ax_coords p = *full;
	size_t n = 0;

	if (!r->n)
		return p;
	for (size_t i = 0; i < full->n; i++)
		if (!is_fixed(r, full->c[i].name))
			room[n++] = full->c[i];
	p.c = room;
	p.n = n;
	return p;
}

/* Both are sorted by name, so one walk finds the shared ones. */
static bool
agree(const struct ax_coords *a, const struct ax_coords *b)
{
	size_t i = 0, k = 0;
	int order;

	while (i < a->n && k < b->n) {
		order = a->c[i].name == b->c[k].name
				? 0
				: strcmp(a->c[i].name, b->c[k].name);
		if (order == 0 && strcmp(a->c[i].value, b->c[k].value) != 0)
			return false;
		i += order <= 0;
		k += order >= 0;
	}
	return true;
}

static struct ax_coords
merge(const struct ax_coords *a, const struct ax_coords *b,
      struct ax_arena *arena)
{
	struct ax_coords out = *a;
	struct ax_coord *c;
	size_t i = 0, k = 0, n = 0;
	int order;

	if (!b->n)
		return out;
	c = ax_arena_new(arena, a->n + b->n, sizeof(*c));
	while (i < a->n || k < b->n) {
		if (i == a->n)
			order = 1;
		else if (k == b->n)
			order = -1;
		else
			order = strcmp(a->c[i].name, b->c[k].name);
		c[n++] = order <= 0 ? a->c[i] : b->c[k];
		i += order <= 0;
		k += order >= 0;
	}
	out.c = c;
	out.n = n;
	return out;
}

/* --- the hash index ---------------------------------------------------------
 */

struct bucket {
	size_t *list;
	size_t n, cap;
};

/* Right points with the same coordinate names. */
struct group {
	char *names;
	size_t *list;
	size_t n, cap;
};

/* A group under the values of the names that it shares with some left point. */
struct shelf {
	struct ax_map by_key;
	struct bucket **buckets;
	size_t n, cap;
};

struct matcher {
	const struct ax_ref *ref;
	struct ax_coord *room;
	struct group *groups;
	size_t ngroups, cgroups;
	struct ax_map shelves; /* "left names|group" -> struct shelf */
	struct shelf **owned;
	size_t nowned, cowned;
};

static void
add_names(struct ax_str *s, const struct ax_coords *p)
{
	for (size_t i = 0; i < p->n; i++) {
		ax_str_add(s, p->c[i].name);
		ax_str_addc(s, ' ');
	}
}

/* The values of p under the names that both have; values hold no blanks. */
static void
add_key(struct ax_str *s, const struct ax_coords *p,
	const struct ax_coords *other)
{
	for (size_t i = 0; i < p->n; i++) {
		if (!ax_point_get(other, p->c[i].name))
			continue;
		ax_str_add(s, p->c[i].value);
		ax_str_addc(s, ' ');
	}
}

static void
make_groups(struct matcher *m, const size_t *which, size_t n)
{
	struct ax_str s = AX_STR_INIT;
	struct group *g = NULL;

	for (size_t i = 0; i < n; i++) {
		struct ax_coords p = passed(m->ref, which[i], m->room);
		size_t k;

		ax_str_clear(&s);
		ax_str_add(&s, "");
		add_names(&s, &p);
		for (k = 0; k < m->ngroups; k++)
			if (strcmp(m->groups[k].names, s.buf) == 0)
				break;
		if (k == m->ngroups) {
			AX_GROW(m->groups, m->ngroups, m->cgroups);
			g = &m->groups[m->ngroups++];
			memset(g, 0, sizeof(*g));
			g->names = ax_strdup(s.buf);
		}
		g = &m->groups[k];
		AX_GROW(g->list, g->n, g->cap);
		g->list[g->n++] = which[i];
	}
	ax_str_free(&s);
}

static struct shelf *
make_shelf(struct matcher *m, const struct group *g,
	   const struct ax_coords *left)
{
	struct shelf *s = ax_calloc(1, sizeof(*s));
	struct ax_str key = AX_STR_INIT;
	struct bucket *b;

	for (size_t i = 0; i < g->n; i++) {
		struct ax_coords p = passed(m->ref, g->list[i], m->room);

		ax_str_clear(&key);
		ax_str_add(&key, "");
		add_key(&key, &p, left);
		b = ax_map_get(&s->by_key, key.buf);
		if (!b) {
			b = ax_calloc(1, sizeof(*b));
			ax_map_set(&s->by_key, key.buf, b);
			AX_GROW(s->buckets, s->n, s->cap);
			s->buckets[s->n++] = b;
		}
		AX_GROW(b->list, b->n, b->cap);
		b->list[b->n++] = g->list[i];
	}
	ax_str_free(&key);
	AX_GROW(m->owned, m->nowned, m->cowned);
	m->owned[m->nowned++] = s;
	return s;
}

static struct bucket *
find_bucket(struct matcher *m, size_t group, const struct ax_coords *left,
	    struct ax_str *s)
{
	const struct group *g = &m->groups[group];
	struct ax_coords right;
	struct shelf *shelf;

	ax_str_clear(s);
	ax_str_addf(s, "%zu|", group);
	add_names(s, left);
	shelf = ax_map_get(&m->shelves, s->buf);
	if (!shelf) {
		shelf = make_shelf(m, g, left);
		ax_map_set(&m->shelves, s->buf, shelf);
	}
	right = passed(m->ref, g->list[0], m->room);
	ax_str_clear(s);
	ax_str_add(s, "");
	add_key(s, left, &right);
	return ax_map_get(&shelf->by_key, s->buf);
}

static void
free_matcher(struct matcher *m)
{
	for (size_t i = 0; i < m->nowned; i++) {
		struct shelf *s = m->owned[i];

		for (size_t k = 0; k < s->n; k++) {
			free(s->buckets[k]->list);
			free(s->buckets[k]);
		}
		free(s->buckets);
		ax_map_free(&s->by_key);
		free(s);
	}
	for (size_t i = 0; i < m->ngroups; i++) {
		free(m->groups[i].names);
		free(m->groups[i].list);
	}
	free(m->owned);
	free(m->groups);
	free(m->room);
	ax_map_free(&m->shelves);
}

static int
by_size(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int
match_by_hash(struct matcher *m, const struct ax_coords *const *left,
	      size_t nleft, const size_t *which, size_t n,
	      int (*fn)(void *, size_t, const size_t *, size_t), void *arg)
{
	size_t *list = ax_calloc(n, sizeof(*list)), found;
	struct ax_str s = AX_STR_INIT;
	struct bucket *b;
	int rc = 0;

	make_groups(m, which, n);
	for (size_t i = 0; i < nleft && rc == 0; i++) {
		found = 0;
		for (size_t k = 0; k < m->ngroups; k++) {
			b = find_bucket(m, k, left[i], &s);
			if (!b)
				continue;
			memcpy(list + found, b->list, b->n * sizeof(*list));
			found += b->n;
		}
		if (m->ngroups > 1 && found)
			qsort(list, found, sizeof(*list), by_size);
		rc = fn(arg, i, list, found);
	}
	ax_str_free(&s);
	free(list);
	return rc;
}

int
ax_match(const struct ax_coords *const *left, size_t nleft,
	 const struct ax_ref *r, const size_t *which, size_t n,
	 int (*fn)(void *arg, size_t left, const size_t *list, size_t n),
	 void *arg)
{
	struct matcher m = {.ref = r};
	size_t *list, found;
	int rc = 0;

	m.room = ax_calloc(r->entry->ncoords, sizeof(*m.room));
	if (nleft > 1 && nleft * n > SMALL) {
		rc = match_by_hash(&m, left, nleft, which, n, fn, arg);
		free_matcher(&m);
		return rc;
	}
	list = ax_calloc(n, sizeof(*list));
	for (size_t i = 0; i < nleft && rc == 0; i++) {
		found = 0;
		for (size_t k = 0; k < n; k++) {
			struct ax_coords p = passed(r, which[k], m.room);

			if (agree(left[i], &p))
				list[found++] = which[k];
		}
		rc = fn(arg, i, list, found);
	}
	free(list);
	free_matcher(&m);
	return rc;
}

struct joining {
	struct ax_rows *out;
	const struct ax_rows *left;
	const struct ax_ref *ref;
	struct ax_coord *room;
	size_t limit;
	struct ax_arena *arena;
	struct ax_err *err;
};

static int
add_matches(void *arg, size_t left, const size_t *list, size_t n)
{
	struct joining *j = arg;
	const struct ax_row *from = &j->left->list[left];
	struct ax_row *row;

	if (n > j->limit - AX_MIN(j->out->n, j->limit))
		return ax_err_set(
			j->err, AX_EXIT_USAGE,
			"joining with '%s' makes more than %zu points",
			j->ref->entry->name, j->limit);
	for (size_t i = 0; i < n; i++) {
		struct ax_coords p = passed(j->ref, list[i], j->room);

		AX_GROW(j->out->list, j->out->n, j->out->cap);
		row = &j->out->list[j->out->n++];
		/* a selection's coordinates lie in `room`, others can be shared
		 */
		row->point = from->point.n || j->ref->n
				     ? merge(&from->point, &p, j->arena)
				     : p;
		row->picks = ax_arena_new(j->arena, j->out->width,
					  sizeof(*row->picks));
		if (j->left->width)
			memcpy(row->picks, from->picks,
			       j->left->width * sizeof(*row->picks));
		row->picks[j->left->width] = list[i];
	}
	return 0;
}

/* One row and one point, neither with coordinates: most wires are so. */
static void
join_plain(struct ax_rows *rows, size_t pick, struct ax_arena *arena)
{
	struct ax_row *row = &rows->list[0];
	size_t *picks = ax_arena_new(arena, rows->width + 1, sizeof(*picks));

	memcpy(picks, row->picks, rows->width * sizeof(*picks));
	picks[rows->width++] = pick;
	row->picks = picks;
}

int
ax_rows_join(struct ax_rows *rows, const struct ax_ref *r, const size_t *which,
	     size_t n, size_t limit, struct ax_arena *arena, struct ax_err *err)
{
	const struct ax_coords **left;
	struct ax_rows out = {.width = rows->width + 1};
	struct joining j = {&out, rows, r, NULL, limit, arena, err};
	int rc;

	if (rows->n == 1 && n == 1 && !rows->list[0].point.n &&
	    !r->entry->ncoords && limit) {
		join_plain(rows, which[0], arena);
		return 0;
	}
	left = ax_calloc(rows->n, sizeof(*left));
	for (size_t i = 0; i < rows->n; i++)
		left[i] = &rows->list[i].point;
	j.room = ax_calloc(r->entry->ncoords, sizeof(*j.room));
	rc = ax_match(left, rows->n, r, which, n, add_matches, &j);
	free(left);
	free(j.room);
	ax_rows_free(rows);
	*rows = out;
	return rc;
}

void
ax_rows_skip(struct ax_rows *rows, struct ax_arena *arena)
{
	size_t *picks;

	for (size_t i = 0; i < rows->n; i++) {
		picks = ax_arena_new(arena, rows->width + 1, sizeof(*picks));
		if (rows->width)
			memcpy(picks, rows->list[i].picks,
			       rows->width * sizeof(*picks));
		picks[rows->width] = AX_NO_PICK;
		rows->list[i].picks = picks;
	}
	rows->width++;
}
