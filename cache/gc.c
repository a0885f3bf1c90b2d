/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Garbage collection: mark what the records that stay name, remove the rest.
 * Runs alone on the store (exclusive flock), so nothing can be published, and
 * nothing be found and then lost, while it works.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "cache/private.h"

static size_t
place(const struct ax_set *set, const struct ax_digest *d)
{
	uint64_t h;
	size_t i;

	memcpy(&h, d->b, sizeof(h)); /* a digest is its own hash */
	for (i = (size_t)h & (set->cap - 1);
	     set->used[i] && !ax_digest_eq(&set->slots[i], d);
	     i = (i + 1) & (set->cap - 1))
		;
	return i;
}

bool
ax_set_add(struct ax_set *set, const struct ax_digest *d)
{
	struct ax_set bigger;
	size_t i;

	if (2 * (set->n + 1) > set->cap) {
		bigger.cap = set->cap ? set->cap * 2 : 1024;
		bigger.n = set->n;
		bigger.slots = ax_calloc(bigger.cap, sizeof(*bigger.slots));
		bigger.used = ax_calloc(bigger.cap, sizeof(*bigger.used));
		for (i = 0; i < set->cap; i++)
			if (set->used[i]) {
				size_t j = place(&bigger, &set->slots[i]);

				bigger.used[j] = true;
				bigger.slots[j] = set->slots[i];
			}
		ax_set_free(set);
		*set = bigger;
	}
	i = place(set, d);
	if (set->used[i])
		return false;
	set->used[i] = true;
	set->slots[i] = *d;
	set->n++;
	return true;
}

bool
ax_set_has(const struct ax_set *set, const struct ax_digest *d)
{
	return set->cap && set->used[place(set, d)];
}

void
ax_set_free(struct ax_set *set)
{
	free(set->slots);
	free(set->used);
	memset(set, 0, sizeof(*set));
}

struct gc {
	struct ax_store *s;
	const struct ax_gc_options *o;
	struct ax_gc_result *r;
	struct ax_err *err;
	struct ax_set keys;    /* records that stay because somebody says so */
	struct ax_set marked;  /* objects that stay */
	struct ax_set dropped; /* records that go */
	bool again;            /* mark_record found something to keep */
	time_t now;
};

static bool
is_young(const struct gc *g, const struct stat *st)
{
	/* nothing is too young for age 0, not even what a clock that was set
	 * back puts into the future */
	return g->o->min_age > 0 &&
	       difftime(g->now, st->st_mtime) < g->o->min_age;
}

static void
mark(struct gc *g, const struct ax_digest *d)
{
	struct ax_tree t;
	size_t i;

	if (!ax_set_add(&g->marked, d))
		return;
	if (ax_tree_peek(g->s, d, &t, NULL) == 1)
		for (i = 0; i < t.n; i++)
			(void)ax_set_add(&g->marked, &t.files[i].digest);
	ax_tree_free(&t);
}

/* Any digest in a record is marked: its outputs, log and inputs alike. */
static void
mark_string(void *arg, const char *text)
{
	struct ax_digest d;

	if (ax_unhex(&d, text) == 0)
		mark(arg, &d);
}

static void
mark_object(void *arg, const struct ax_digest *d)
{
	struct gc *g = arg;

	if (ax_set_has(&g->marked, d))
		g->again = true;
}

static json_t *
load(struct gc *g, const struct ax_digest *key)
{
	json_t *v = NULL;
	char *text;
	size_t n;

	if (ax_record_text(g->s, key, &text, &n, NULL) == 1) {
		v = ax_record_parse(text, n, NULL);
		free(text);
	}
	return v;
}

/* First pass: the records that stay by themselves. */
static int
mark_record(void *arg, const struct ax_digest *key, const char *rel)
{
	struct gc *g = arg;
	struct stat st;
	json_t *v;

	if (!key ||
	    fstatat(g->s->room[AX_AC], rel, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (!g->o->keep_all_records && !ax_set_has(&g->keys, key) &&
	    !is_young(g, &st)) {
		(void)ax_set_add(&g->dropped, key);
		return 0;
	}
	v = load(g, key);
	if (v)
		ax_json_strings(v, mark_string, g);
	else
		(void)ax_set_add(&g->dropped, key); /* unreadable */
	json_decref(v);
	return 0;
}

/* Second pass: a record of a fetch stays as long as what it fetched. */
static int
drop_record(void *arg, const struct ax_digest *key, const char *rel)
{
	struct gc *g = arg;
	struct stat st;
	json_t *v;

	if (fstatat(g->s->room[AX_AC], rel, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (key && ax_set_has(&g->dropped, key) && (v = load(g, key)) != NULL) {
		g->again = false;
		if (ax_streq(json_string_value(json_object_get(v, "kind")),
			     "fetch"))
			ax_record_objects(v, mark_object, g);
		json_decref(v);
		if (g->again) {
			g->r->kept_records++;
			return 0;
		}
	} else if (key && !ax_set_has(&g->dropped, key)) {
		g->r->kept_records++;
		return 0;
	}
	g->r->records++;
	g->r->bytes += (uint64_t)st.st_size;
	if (!g->o->dry_run && unlinkat(g->s->room[AX_AC], rel, 0) < 0)
		return ax_store_error(g->s, g->err, "remove the record", rel);
	return 0;
}

static int
drop_object(void *arg, const struct ax_digest *d, const char *rel)
{
	struct gc *g = arg;
	struct stat st;

	if (fstatat(g->s->room[AX_CAS], rel, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if ((d && ax_set_has(&g->marked, d)) || is_young(g, &st)) {
		g->r->kept_objects++;
		g->r->kept_bytes += (uint64_t)st.st_size;
		return 0;
	}
	g->r->objects++;
	g->r->bytes += (uint64_t)st.st_size;
	if (!g->o->dry_run && unlinkat(g->s->room[AX_CAS], rel, 0) < 0)
		return ax_store_error(g->s, g->err, "remove the object", rel);
	return 0;
}

static uint64_t
folder_bytes(int at, const char *name, unsigned depth)
{
	uint64_t total = 0;
	struct dirent *e;
	struct stat st;
	DIR *d;
	int fd;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (!S_ISDIR(st.st_mode) || depth > 100)
		return (uint64_t)st.st_size;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			total += folder_bytes(dirfd(d), e->d_name, depth + 1);
	closedir(d);
	return total;
}

/* What lies in a side folder and is old: work folders of killed and failed
 * nodes, quarantined objects, temporaries, clones. */
static int
drop_folder(struct gc *g, const char *name, bool any_age)
{
	char *top = ax_join(g->s->dir, name), **list, *path;
	size_t n, i;
	struct stat st;
	int rc = 0;

	if (!ax_is_dir(top)) {
		free(top);
		return 0;
	}
	if (ax_list_dir(&list, &n, top, 100000000, g->err) < 0) {
		free(top);
		return -1;
	}
	for (i = 0; i < n && rc == 0; i++) {
		path = ax_join(top, list[i]);
		if (lstat(path, &st) == 0 && (any_age || !is_young(g, &st))) {
			g->r->bytes += folder_bytes(AT_FDCWD, path, 0);
			g->r->work++;
			if (!g->o->dry_run)
				rc = ax_rmtree(path, g->err);
		}
		free(path);
	}
	ax_free_list(list, n);
	free(top);
	return rc;
}

/* pins/<name>: digests of objects and keys of records, one on a line; what
 * follows a blank is a remark. */
static int
read_pins(struct gc *g)
{
	char *top = ax_join(g->s->dir, "pins"), **list, *path, *text, *p, *end;
	struct ax_digest d;
	size_t n, i, len;
	int rc = 0;

	if (!ax_is_dir(top)) {
		free(top);
		return 0;
	}
	if (ax_list_dir(&list, &n, top, 100000, g->err) < 0) {
		free(top);
		return -1;
	}
	for (i = 0; i < n && rc == 0; i++) {
		path = ax_join(top, list[i]);
		/* a pin that cannot be read must not free what it holds */
		rc = ax_read_file(&text, &len, path, (size_t)64 << 20, g->err);
		for (p = rc == 0 ? text : NULL; p && *p; p = end) {
			size_t w = strcspn(p, " \t\r\n");
			char *next = p + strcspn(p, "\n");

			end = *next ? next + 1 : next;
			if (w == 0 || *p == '#')
				continue;
			p[w] = '\0';
			if (ax_unhex(&d, p) < 0) {
				rc = ax_err_set(g->err, AX_EXIT_ENV,
						"%s: `%.80s` is not a digest "
						"or key of 64 hex digits; "
						"nothing was removed",
						path, p);
				break;
			}
			(void)ax_set_add(&g->keys, &d);
			mark(g, &d);
		}
		if (text)
			free(text);
		free(path);
	}
	ax_free_list(list, n);
	free(top);
	return rc;
}

static int
lock_alone(struct ax_store *s, struct ax_err *err)
{
	struct timespec tick = {0, 50000000};
	int i;

	/* a process that is just opening holds it for a moment */
	for (i = 0; i < 10; i++) {
		if (flock(s->fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK)
			return ax_store_error(s, err, "lock", NULL);
		nanosleep(&tick, NULL);
	}
	(void)flock(s->fd, LOCK_SH); /* a failed change may have dropped it */
	return ax_err_set(
		err, AX_EXIT_ENV,
		"store %s: another axpipe is using it; try again when "
		"that has ended",
		s->dir);
}

int
ax_store_gc(struct ax_store *s, const struct ax_gc_options *o,
	    struct ax_gc_result *r, struct ax_err *err)
{
	struct ax_digest *found = NULL;
	size_t i, nfound = 0;
	struct gc g;
	int rc = -1;

	memset(r, 0, sizeof(*r));
	memset(&g, 0, sizeof(g));
	g.s = s;
	g.o = o;
	g.r = r;
	g.err = err;
	g.now = time(NULL);
	if ((!o->dry_run && ax_store_writable(s, err) < 0) ||
	    lock_alone(s, err) < 0)
		return -1;
	for (i = 0; i < o->nroots; i++)
		(void)ax_set_add(&g.keys, &o->roots[i]);
	if (o->find_roots && o->find_roots(o->arg, &found, &nfound, err) < 0)
		goto out;
	for (i = 0; i < nfound; i++)
		(void)ax_set_add(&g.keys, &found[i]);
	if (read_pins(&g) < 0 ||
	    ax_room_walk(s, AX_AC, mark_record, &g, err) < 0)
		goto out;
	/* records go before their objects: a kill in between leaves objects
	 * without a record, never the other way round */
	if (ax_room_walk(s, AX_AC, drop_record, &g, err) < 0)
		goto out;
	if (!o->dry_run && r->records) {
		ax_record_index_drop(s);
		if (syncfs(s->fd) < 0) {
			ax_store_error(s, err, "sync", NULL);
			goto out;
		}
	}
	if (ax_room_walk(s, AX_CAS, drop_object, &g, err) < 0 ||
	    drop_folder(&g, "work", false) < 0 ||
	    drop_folder(&g, "quarantine", false) < 0 ||
	    drop_folder(&g, "rebuild", false) < 0 ||
	    drop_folder(&g, "slurm", false) < 0 ||
	    drop_folder(&g, "git", false) < 0 ||
	    drop_folder(&g, "tmp", true) < 0)
		goto out;
	/* shortcuts of the pipeline, made again by the next null run */
	if (!o->dry_run) {
		char *stamps = ax_join(s->dir, "stamps");

		(void)ax_rmtree(stamps, NULL);
		free(stamps);
	}
	rc = 0;
out:
	(void)flock(s->fd, LOCK_SH);
	free(found);
	ax_set_free(&g.keys);
	ax_set_free(&g.marked);
	ax_set_free(&g.dropped);
	return rc;
}
