/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole store read and checked, while others may use it: what appears after
 * its folder was listed is looked at when a record names it, and what has gone
 * since then somebody else has set aside or dropped.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cache/private.h"

struct fsck {
	struct ax_store *s;
	bool repair;
	void (*report)(void *arg, const char *line);
	void *arg;
	struct ax_fsck_result *r;
	struct ax_err *err;
	struct ax_set good, bad;
	bool complete; /* of the record at hand */
	char *line;
	size_t dropped;
};

static void
say(struct fsck *f, char *line)
{
	if (f->report)
		f->report(f->arg, line);
	free(line);
}

/* Away from where it is taken for good; what it was stays to be looked at. */
static int
set_aside(struct fsck *f, enum ax_room room, const char *rel)
{
	char *to, *p;
	int rc;

	if (!f->repair)
		return 0;
	to = ax_asprintf("quarantine/%s%s.%ld", rel,
			 room == AX_AC ? ".record" : "", (long)time(NULL));
	for (p = to + sizeof("quarantine/") - 1; *p; p++)
		if (*p == '/')
			*p = '_';
	rc = renameat(f->s->room[room], rel, f->s->fd, to);
	free(to);
	if (rc < 0 && errno != ENOENT)
		return ax_store_error(f->s, f->err, "move to quarantine", rel);
	return 0;
}

static int
check_object(void *arg, const struct ax_digest *d, const char *rel)
{
	char hex[AX_HEX_LEN + 1];
	struct fsck *f = arg;
	struct ax_digest is;
	struct ax_err why = AX_ERR_INIT;
	struct stat st;
	uint64_t size;
	char *path;
	int rc = fstatat(f->s->room[AX_CAS], rel, &st, AT_SYMLINK_NOFOLLOW);

	if (rc < 0 && errno == ENOENT)
		return 0;
	f->r->objects++;
	if (!d || rc < 0 || !S_ISREG(st.st_mode)) {
		f->r->corrupt++;
		say(f, ax_asprintf("cas/%s: not an object%s", rel,
				   f->repair ? ", moved to quarantine" : ""));
		return set_aside(f, AX_CAS, rel);
	}
	path = ax_asprintf("%s/cas/%s", f->s->dir, rel);
	rc = ax_hash_file(&is, &size, path, &why);
	free(path);
	if (rc == 0) {
		f->r->bytes += size;
		if (ax_digest_eq(&is, d)) {
			(void)ax_set_add(&f->good, d);
			return 0;
		}
	}
	f->r->corrupt++;
	path = ax_record_maker(f->s, d);
	say(f, ax_asprintf("cas/%s: %s%s%s%s%s%s", rel,
			   rc == 0 ? "its bytes have SHA-256 " : why.text,
			   rc == 0 ? ax_hex(hex, &is) : "",
			   path ? "; made by node " : "", path ? path : "",
			   f->repair ? "; moved to quarantine" : "",
			   f->repair && path ? ", run it again" : ""));
	free(path);
	return set_aside(f, AX_CAS, rel);
}

/* Came after its folder was listed, or is bad: a second look. */
static bool
is_good(struct fsck *f, const struct ax_digest *d)
{
	struct ax_digest is;
	uint64_t size;
	char *path;
	bool good;

	if (ax_set_has(&f->good, d))
		return true;
	if (ax_set_has(&f->bad, d))
		return false;
	path = ax_store_path(f->s, d);
	good = access(path, F_OK) == 0 &&
	       ax_hash_file(&is, &size, path, NULL) == 0 &&
	       ax_digest_eq(&is, d);
	free(path);
	(void)ax_set_add(good ? &f->good : &f->bad, d);
	return good;
}

static void
need(void *arg, const struct ax_digest *d)
{
	char hex[AX_HEX_LEN + 1], lost[AX_HEX_LEN + 1];
	struct fsck *f = arg;
	struct ax_tree t;
	size_t i;

	if (!is_good(f, d)) {
		f->r->missing++;
		f->complete = false;
		say(f, ax_asprintf("%s: names object %s, which is missing or "
				   "corrupt",
				   f->line, ax_hex(hex, d)));
		return;
	}
	if (ax_tree_peek(f->s, d, &t, NULL) == 1)
		for (i = 0; i < t.n; i++)
			if (!is_good(f, &t.files[i].digest)) {
				f->r->missing++;
				f->complete = false;
				say(f,
				    ax_asprintf(
					    "%s: names tree %s, whose file "
					    "%s (%s) is missing or corrupt",
					    f->line, ax_hex(hex, d),
					    t.files[i].path,
					    ax_hex(lost, &t.files[i].digest)));
			}
	ax_tree_free(&t);
}

/* Removes a record, unless its node runs now or has run since. */
static int
drop(struct fsck *f, const struct ax_digest *key, const char *rel,
     const char *text, size_t len)
{
	char *now = NULL;
	size_t n = 0;
	int lock, rc = ax_lock_key(f->s, &lock, key, false, f->err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (ax_record_text(f->s, key, &now, &n, NULL) == 1 && n == len &&
	    memcmp(now, text, len) == 0) {
		f->dropped++;
		say(f, ax_asprintf("ac/%s: dropped; the next run makes it "
				   "again",
				   rel));
		if (unlinkat(f->s->room[AX_AC], rel, 0) < 0)
			rc = ax_store_error(f->s, f->err, "remove the record",
					    rel);
	}
	free(now);
	ax_unlock(lock);
	return rc;
}

static int
check_record(void *arg, const struct ax_digest *key, const char *rel)
{
	struct ax_err why = AX_ERR_INIT;
	struct fsck *f = arg;
	json_t *v = NULL;
	char *text = NULL;
	size_t len;
	int rc = -2;

	if (key)
		rc = ax_record_text(f->s, key, &text, &len, &why);
	if (rc == 0)
		return 0; /* gone since the folder was listed */
	f->r->records++;
	if (!key)
		ax_err_set(&why, AX_EXIT_ENV, "its name is not a key");
	if (rc == 1) {
		v = ax_record_parse(text, len, NULL);
		if (!v)
			ax_err_set(&why, AX_EXIT_ENV, "not JSON");
	}
	if (!v) {
		f->r->bad_records++;
		f->dropped += f->repair;
		say(f, ax_asprintf("ac/%s: %s%s", rel, why.text,
				   f->repair ? "; moved to quarantine" : ""));
		free(text);
		return set_aside(f, AX_AC, rel);
	}
	f->complete = true;
	f->line = ax_asprintf("ac/%s", rel);
	ax_record_objects(v, need, f);
	free(f->line);
	json_decref(v);
	rc = f->complete || !f->repair ? 0 : drop(f, key, rel, text, len);
	free(text);
	return rc;
}

int
ax_store_fsck(struct ax_store *s, bool repair,
	      void (*report)(void *arg, const char *line), void *arg,
	      struct ax_fsck_result *r, struct ax_err *err)
{
	struct fsck f;
	int rc;

	memset(r, 0, sizeof(*r));
	memset(&f, 0, sizeof(f));
	f.s = s;
	f.repair = repair;
	f.report = report;
	f.arg = arg;
	f.r = r;
	f.err = err;
	if (repair && ax_store_writable(s, err) < 0)
		return -1;
	rc = ax_room_walk(s, AX_CAS, check_object, &f, err);
	if (rc == 0)
		rc = ax_room_walk(s, AX_AC, check_record, &f, err);
	if (f.dropped)
		ax_record_index_drop(s);
	ax_set_free(&f.good);
	ax_set_free(&f.bad);
	return rc;
}
