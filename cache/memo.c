/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file-stat memo: <store>/memo, a header and then entries of one size,
 * appended. An entry that does not check is skipped; a torn end is cut off by
 * the next writer. It only ever saves work: what is not in it is hashed.
 *
 * The path is no part of an entry. Device, inode, size, mtime and ctime say
 * which bytes a file holds, under any name; ctime cannot be set back.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "cache/private.h"

#define MAGIC 0x316f6d656d7861ULL /* "axmemo1", also tells the byte order */
#define MAX_MEMO ((size_t)1 << 30)
#define GRAIN_NS (2 * INT64_C(1000000000))

struct entry {
	uint64_t dev, ino, size;
	int64_t mtime, changed; /* ns; st_mtim, st_ctim */
	uint64_t kind;          /* 0: empty slot; else enum ax_memo_kind + 1 */
	struct ax_digest digest;
	uint64_t check;
};

struct ax_memo {
	struct entry *slots;
	size_t n, cap;
	struct entry *fresh; /* learned, not yet written */
	size_t nfresh, cfresh;
	size_t in_file;
};

static uint64_t
mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static uint64_t
checksum(const struct entry *e)
{
	uint64_t h = MAGIC, word;
	size_t i;

	for (i = 0; i < offsetof(struct entry, check); i += sizeof(word)) {
		memcpy(&word, (const char *)e + i, sizeof(word));
		h = mix(h, word);
	}
	return h;
}

static int64_t
ns(struct timespec t)
{
	return (int64_t)t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static struct entry *
slot(struct ax_memo *m, uint64_t dev, uint64_t ino, uint64_t kind)
{
	size_t i = (size_t)mix(mix(kind, dev), ino) & (m->cap - 1);

	while (m->slots[i].kind &&
	       !(m->slots[i].ino == ino && m->slots[i].dev == dev &&
		 m->slots[i].kind == kind))
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

static void
insert(struct ax_memo *m, const struct entry *e)
{
	struct entry *old = m->slots, *at;
	size_t cap = m->cap, i;

	if (2 * (m->n + 1) > m->cap) {
		m->cap = cap ? cap * 2 : 1024;
		m->slots = ax_calloc(m->cap, sizeof(*m->slots));
		for (i = 0; i < cap; i++)
			if (old[i].kind)
				*slot(m, old[i].dev, old[i].ino, old[i].kind) =
					old[i];
		free(old);
	}
	at = slot(m, e->dev, e->ino, e->kind);
	if (!at->kind)
		m->n++;
	*at = *e;
}

/* Adds the good entries of a file; a foreign or absent file adds none. */
static void
load(struct ax_memo *m, int fd)
{
	uint64_t magic;
	struct stat st;
	struct entry e;
	size_t len, off, got = 0;
	ssize_t r;
	char *buf;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size > MAX_MEMO ||
	    st.st_size < (off_t)sizeof(magic))
		return;
	len = (size_t)st.st_size;
	buf = ax_malloc(len);
	while (got < len) {
		r = pread(fd, buf + got, len - got, (off_t)got);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			break;
		got += (size_t)r;
	}
	memcpy(&magic, buf, AX_MIN(sizeof(magic), got));
	if (got >= sizeof(magic) && magic == MAGIC)
		for (off = sizeof(magic); off + sizeof(e) <= got;
		     off += sizeof(e)) {
			memcpy(&e, buf + off, sizeof(e));
			m->in_file++;
			if (e.kind && e.check == checksum(&e))
				insert(m, &e);
		}
	free(buf);
}

static struct ax_memo *
memo(struct ax_store *s)
{
	int fd;

	if (!s->memo) {
		s->memo = ax_calloc(1, sizeof(*s->memo));
		fd = openat(s->fd, "memo",
			    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd >= 0) {
			load(s->memo, fd);
			close(fd);
		}
	}
	return s->memo;
}

bool
ax_memo_find(struct ax_store *s, const struct stat *st, enum ax_memo_kind kind,
	     struct ax_digest *out)
{
	struct ax_memo *m = memo(s);
	struct entry *e;

	if (!m->cap)
		return false;
	e = slot(m, st->st_dev, st->st_ino, (uint64_t)kind + 1);
	if (!e->kind || e->size != (uint64_t)st->st_size ||
	    e->mtime != ns(st->st_mtim) || e->changed != ns(st->st_ctim))
		return false;
	*out = e->digest;
	return true;
}

void
ax_memo_learn(struct ax_store *s, const struct stat *before,
	      const struct stat *after, struct timespec since,
	      enum ax_memo_kind kind, const struct ax_digest *d)
{
	struct ax_memo *m = memo(s);
	struct entry e;

	/* changed meanwhile, or so lately that another change might not show */
	if (before->st_dev != after->st_dev ||
	    before->st_ino != after->st_ino ||
	    before->st_size != after->st_size ||
	    ns(before->st_mtim) != ns(after->st_mtim) ||
	    ns(before->st_ctim) != ns(after->st_ctim) ||
	    ns(since) - ns(before->st_mtim) < GRAIN_NS ||
	    ns(since) - ns(before->st_ctim) < GRAIN_NS)
		return;
	memset(&e, 0, sizeof(e));
	e.dev = before->st_dev;
	e.ino = before->st_ino;
	e.size = (uint64_t)before->st_size;
	e.mtime = ns(before->st_mtim);
	e.changed = ns(before->st_ctim);
	e.kind = (uint64_t)kind + 1;
	e.digest = *d;
	e.check = checksum(&e);
	insert(m, &e);
	AX_GROW(m->fresh, m->nfresh, m->cfresh);
	m->fresh[m->nfresh++] = e;
}

static int
hash_one(struct ax_store *s, const char *path, const struct stat *known,
	 struct ax_digest *out, uint64_t *size, struct ax_err *err)
{
	struct stat before = *known, after;
	struct timespec since;

	*size = (uint64_t)known->st_size;
	if (ax_memo_find(s, known, AX_MEMO_BYTES, out))
		return 0;
	clock_gettime(CLOCK_REALTIME, &since);
	if (ax_hash_file(out, size, path, err) < 0)
		return -1;
	if (stat(path, &after) == 0)
		ax_memo_learn(s, &before, &after, since, AX_MEMO_BYTES, out);
	return 0;
}

int
ax_memo_hash(struct ax_store *s, struct ax_digest *out, uint64_t *size,
	     bool *tree, const char *path, struct ax_err *err)
{
	struct ax_str text = AX_STR_INIT;
	struct ax_tree t;
	struct stat st;
	uint64_t total = 0, n = 0;
	char *file;
	size_t i;
	int rc = 0;

	if (stat(path, &st) < 0)
		return ax_err_set(err, AX_EXIT_ENV,
				  "%s: cannot be read:", path);
	if (tree)
		*tree = S_ISDIR(st.st_mode);
	if (S_ISREG(st.st_mode)) {
		rc = hash_one(s, path, &st, out, &total, err);
	} else if (S_ISDIR(st.st_mode)) {
		if (ax_tree_walk(&t, path, err) < 0)
			return -1;
		for (i = 0; i < t.n && rc == 0; i++) {
			file = ax_join(path, t.files[i].path);
			rc = hash_one(s, file, &t.files[i].st,
				      &t.files[i].digest, &n, err);
			total += n;
			free(file);
		}
		if (rc == 0) {
			ax_tree_text(&text, &t);
			*out = ax_hash_bytes(text.buf, text.len);
		}
		ax_str_free(&text);
		ax_tree_free(&t);
	} else {
		return ax_err_set(err, AX_EXIT_ENV,
				  "%s: neither a file nor a folder", path);
	}
	if (size)
		*size = total;
	return rc;
}

/* Rewrites the memo without what newer entries have replaced. */
static int
rewrite(struct ax_store *s, const struct ax_memo *m, struct ax_err *err)
{
	struct ax_str text = AX_STR_INIT;
	uint64_t magic = MAGIC;
	char *path = ax_join(s->dir, "memo");
	size_t i;
	int rc;

	ax_str_addn(&text, (const char *)&magic, sizeof(magic));
	for (i = 0; i < m->cap; i++)
		if (m->slots[i].kind)
			ax_str_addn(&text, (const char *)&m->slots[i],
				    sizeof(m->slots[i]));
	rc = ax_write_file(path, text.buf, text.len, err);
	ax_str_free(&text);
	free(path);
	return rc;
}

static int
append(struct ax_store *s, struct ax_memo *m, struct ax_err *err)
{
	struct ax_memo all = {NULL, 0, 0, NULL, 0, 0, 0};
	uint64_t magic = 0;
	struct stat st;
	off_t end, body;
	size_t i;
	int fd, rc = -1;

	fd = openat(s->fd, "memo", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		    0666);
	if (fd < 0 || fstat(fd, &st) < 0)
		goto fail;
	end = st.st_size;
	if (pread(fd, &magic, sizeof(magic), 0) != (ssize_t)sizeof(magic) ||
	    magic != MAGIC || (uint64_t)end > MAX_MEMO) {
		/* none yet, of another machine, or damaged: start again */
		magic = MAGIC;
		if (ftruncate(fd, 0) < 0 || pwrite(fd, &magic, sizeof(magic),
						   0) != (ssize_t)sizeof(magic))
			goto fail;
		end = sizeof(magic);
	}
	body = end - (off_t)sizeof(magic);
	end -= body % (off_t)sizeof(struct entry); /* the torn last one */
	if (ftruncate(fd, end) < 0 || lseek(fd, end, SEEK_SET) < 0)
		goto fail;
	if (m->in_file + m->nfresh > 4096 + 4 * m->n) {
		load(&all, fd);
		for (i = 0; i < m->nfresh; i++)
			insert(&all, &m->fresh[i]);
		rc = rewrite(s, &all, err);
		m->in_file = all.n;
		free(all.slots);
		close(fd);
		return rc;
	}
	if (ax_write_all(fd, m->fresh, m->nfresh * sizeof(*m->fresh)) < 0)
		goto fail;
	m->in_file += m->nfresh;
	close(fd);
	return 0;
fail:
	ax_store_error(s, err, "write", "memo");
	if (fd >= 0)
		close(fd);
	return -1;
}

int
ax_memo_save(struct ax_store *s, struct ax_err *err)
{
	struct ax_memo *m = s->memo;
	int lock, rc;

	if (!m || !m->nfresh || s->readonly)
		return 0;
	lock = openat(s->fd, "locks/memo", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (lock < 0 || flock(lock, LOCK_EX) < 0) {
		ax_store_error(s, err, "lock", "memo");
		if (lock >= 0)
			close(lock);
		return -1;
	}
	rc = append(s, m, err);
	close(lock);
	if (rc == 0)
		m->nfresh = 0;
	return rc;
}

void
ax_memo_free(struct ax_memo *m)
{
	if (!m)
		return;
	free(m->slots);
	free(m->fresh);
	free(m);
}
