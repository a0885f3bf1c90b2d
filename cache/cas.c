/* SPDX-License-Identifier: Apache-2.0 */
/* Objects: bytes under the name of their SHA-256. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cache/private.h"

#define CHUNK ((size_t)1 << 18)

/* An object there with the right size is taken to be good: what is not shows
 * when it is read. A torn one of another size is replaced. */
static bool
present(struct ax_store *s, const struct ax_digest *d, uint64_t size)
{
	char rel[AX_REL_LEN + 1];
	struct stat st;

	if (fstatat(s->room[AX_CAS], ax_rel(rel, d), &st, AT_SYMLINK_NOFOLLOW) <
		    0 ||
	    !S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)
		return false;
	/* whoever put it may not have synced its folder yet */
	if (ax_set_add(&s->seen, d))
		s->dirty[AX_CAS][d->b[0]] = true;
	return true;
}

bool
ax_store_has(struct ax_store *s, const struct ax_digest *d)
{
	char rel[AX_REL_LEN + 1];
	struct ax_tree t = {NULL, 0, 0};
	struct stat st;
	bool all = true;
	size_t i;
	int rc;

	if (s->room[AX_CAS] < 0 ||
	    fstatat(s->room[AX_CAS], ax_rel(rel, d), &st, AT_SYMLINK_NOFOLLOW) <
		    0 ||
	    !S_ISREG(st.st_mode))
		return false;
	if (!(st.st_mode & S_IXUSR))
		return true;
	rc = ax_tree_peek(s, d, &t, NULL);
	if (rc != 1)
		return rc == 0 && s->unmarked;
	for (i = 0; i < t.n && all; i++)
		all = fstatat(s->room[AX_CAS], ax_rel(rel, &t.files[i].digest),
			      &st, AT_SYMLINK_NOFOLLOW) == 0;
	ax_tree_free(&t);
	return all;
}

int
ax_cas_put_bytes(struct ax_store *s, struct ax_digest *out, const void *bytes,
		 size_t n, bool tree, struct ax_err *err)
{
	struct ax_temp t;

	*out = ax_hash_bytes(bytes, n);
	if (ax_store_writable(s, err) < 0)
		return -1;
	if (present(s, out, n)) {
		char rel[AX_REL_LEN + 1];

		/* first put as bytes, now known to be a listing */
		if (tree)
			(void)fchmodat(s->room[AX_CAS], ax_rel(rel, out), 0555,
				       0);
		return 0;
	}
	if (ax_temp_open(s, &t, err) < 0)
		return -1;
	if (ax_write_all(t.fd, bytes, n) < 0) {
		ax_temp_drop(s, &t);
		return ax_store_error(s, err, "write a file in", "tmp/");
	}
	return ax_temp_publish(s, &t, AX_CAS, out, tree ? 0555 : 0444, false,
			       err);
}

int
ax_store_put_bytes(struct ax_store *s, struct ax_digest *out, const void *bytes,
		   size_t n, struct ax_err *err)
{
	return ax_cas_put_bytes(s, out, bytes, n, false, err);
}

static ssize_t
read_some(int fd, char *buf, size_t n)
{
	ssize_t r;

	do
		r = read(fd, buf, n);
	while (r < 0 && errno == EINTR);
	return r;
}

/* Fills the buffer as far as the file goes. */
static ssize_t
read_full(int fd, char *buf, size_t n)
{
	size_t got = 0;
	ssize_t r;

	while (got < n) {
		r = read_some(fd, buf + got, n - got);
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

int
ax_cas_take(struct ax_store *s, int fd, const char *path, struct ax_temp *t,
	    struct ax_digest *out, uint64_t *size, struct ax_err *err)
{
	struct ax_sha *sha = ax_sha_new();
	char *buf = ax_malloc(CHUNK);
	uint64_t total = 0;
	ssize_t n;
	int rc = -1;

	t->fd = -1;
	t->name[0] = '\0';
	if (ax_store_writable(s, err) < 0 ||
	    ax_check_holes(fd, s->tmp, path, err) < 0)
		goto out;
	for (;;) {
		n = read_full(fd, buf, CHUNK);
		if (n < 0) {
			ax_err_set(err, AX_EXIT_ENV, "%s: cannot read:", path);
			goto out;
		}
		ax_sha_add(sha, buf, (size_t)n);
		total += (uint64_t)n;
		if ((size_t)n < CHUNK && t->fd < 0) {
			/* all of a small file is in the buffer: if the store
			 * has it, nothing need be written */
			*out = ax_sha_end(sha);
			sha = NULL;
			if (present(s, out, total)) {
				rc = 0;
				goto out;
			}
		}
		if (t->fd < 0 && ax_temp_open(s, t, err) < 0)
			goto out;
		if (ax_write_all(t->fd, buf, (size_t)n) < 0) {
			ax_store_error(s, err, "write a file in", "tmp/");
			goto out;
		}
		if ((size_t)n < CHUNK)
			break;
	}
	if (sha) {
		*out = ax_sha_end(sha);
		sha = NULL;
		if (present(s, out, total))
			ax_temp_drop(s, t);
	}
	rc = 0;
out:
	if (rc < 0)
		ax_temp_drop(s, t);
	if (size)
		*size = total;
	ax_sha_free(sha);
	free(buf);
	return rc;
}

struct ax_put {
	struct ax_store *s;
	struct ax_temp t;
	struct ax_sha *sha;
	uint64_t total;
};

struct ax_put *
ax_put_begin(struct ax_store *s, struct ax_err *err)
{
	struct ax_put *p = ax_calloc(1, sizeof(*p));

	p->s = s;
	if (ax_temp_open(s, &p->t, err) < 0) {
		free(p);
		return NULL;
	}
	p->sha = ax_sha_new();
	return p;
}

int
ax_put_add(struct ax_put *p, const void *bytes, size_t n, struct ax_err *err)
{
	if (ax_write_all(p->t.fd, bytes, n) < 0)
		return ax_store_error(p->s, err, "write a file in", "tmp/");
	ax_sha_add(p->sha, bytes, n);
	p->total += n;
	return 0;
}

int
ax_put_end(struct ax_put *p, const struct ax_digest *want,
	   struct ax_digest *out, uint64_t *size, struct ax_err *err)
{
	struct ax_digest d = ax_sha_end(p->sha);
	int rc = 0;

	p->sha = NULL;
	if (out)
		*out = d;
	if (size)
		*size = p->total;
	if (want && !ax_digest_eq(want, &d))
		rc = 1;
	else if (!present(p->s, &d, p->total))
		rc = ax_temp_publish(p->s, &p->t, AX_CAS, &d, 0444, false, err);
	ax_put_drop(p);
	return rc;
}

void
ax_put_drop(struct ax_put *p)
{
	if (!p)
		return;
	ax_temp_drop(p->s, &p->t);
	ax_sha_free(p->sha);
	free(p);
}

/* Opens an object for reading. -2: it is not there. */
static int
open_object(struct ax_store *s, const struct ax_digest *d, struct stat *st,
	    struct ax_err *err)
{
	char rel[AX_REL_LEN + 1];
	int fd = -1;

	ax_rel(rel, d);
	if (s->room[AX_CAS] >= 0)
		fd = openat(s->room[AX_CAS], rel,
			    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	else
		errno = ENOENT;
	if (fd < 0 && errno == ENOENT) {
		ax_err_set(err, AX_EXIT_ENV,
			   "store %s: object %.2s%s is not there; run the "
			   "manifest again to make it anew",
			   s->dir, rel, rel + 3);
		return -2;
	}
	if (fd < 0)
		return ax_store_error(s, err, "open", rel);
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode)) {
		close(fd);
		return ax_err_set(err, AX_EXIT_ENV,
				  "store %s: cas/%s is not a regular file; run "
				  "`axpipe fsck`",
				  s->dir, rel);
	}
	return fd;
}

int
ax_cas_quarantine(struct ax_store *s, const struct ax_digest *d,
		  const struct ax_digest *found, struct ax_err *err)
{
	char hex[AX_HEX_LEN + 1], is[AX_HEX_LEN + 1], rel[AX_REL_LEN + 1];
	char to[128], *maker = ax_record_maker(s, d);
	bool moved = false;

	ax_hex(hex, d);
	ax_hex(is, found);
	ax_set_free(&s->seen);
	if (!s->readonly) {
		(void)mkdirat(s->fd, "quarantine", 0777);
		snprintf(to, sizeof(to), "quarantine/%s.%ld.%ld", hex,
			 (long)time(NULL), (long)getpid());
		moved = renameat(s->room[AX_CAS], ax_rel(rel, d), s->fd, to) ==
			0;
	}
	ax_err_set(err, AX_EXIT_ENV,
		   "store %s: object %s is corrupt: its bytes have SHA-256 %s; "
		   "%s. Run the manifest again: %s%s%s makes it anew. "
		   "`axpipe fsck` checks the rest",
		   s->dir, hex, is,
		   moved ? "it was moved to quarantine/"
			 : "it could not be moved to quarantine/: remove it by "
			   "hand",
		   maker ? "node \"" : "the node that made it",
		   maker ? maker : "", maker ? "\"" : "");
	free(maker);
	return -1;
}

int
ax_store_get_bytes(struct ax_store *s, const struct ax_digest *d, char **out,
		   size_t *n, size_t max, struct ax_err *err)
{
	char rel[AX_REL_LEN + 1], *buf;
	struct ax_digest is;
	struct stat st;
	ssize_t got;
	int fd;

	*out = NULL;
	*n = 0;
	fd = open_object(s, d, &st, err);
	if (fd < 0)
		return -1;
	if ((uint64_t)st.st_size > max) {
		close(fd);
		return ax_err_set(err, AX_EXIT_ENV,
				  "store %s: object %s has %lld bytes, more "
				  "than the limit of %zu here",
				  s->dir, ax_rel(rel, d), (long long)st.st_size,
				  max);
	}
	buf = ax_malloc((size_t)st.st_size + 1);
	got = read_full(fd, buf, (size_t)st.st_size);
	if (got < 0) {
		ax_store_error(s, err, "read", ax_rel(rel, d));
		close(fd);
		free(buf);
		return -1;
	}
	close(fd);
	is = ax_hash_bytes(buf, (size_t)got);
	if (!ax_digest_eq(&is, d)) {
		free(buf);
		return ax_cas_quarantine(s, d, &is, err);
	}
	buf[got] = '\0';
	*out = buf;
	*n = (size_t)got;
	return 0;
}

int
ax_cas_lay(struct ax_store *s, const struct ax_digest *d, const char *dest,
	   mode_t mode, struct ax_err *err)
{
	char rel[AX_REL_LEN + 1], *buf;
	struct ax_sha *sha;
	struct ax_digest is;
	struct stat st;
	ssize_t n;
	bool clone;
	int in, out, rc = -1;

	in = open_object(s, d, &st, err);
	if (in < 0)
		return -1;
	out = open(dest, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		   0600);
	if (out < 0) {
		ax_err_set(err, AX_EXIT_ENV, "%s: cannot create:", dest);
		close(in);
		return -1;
	}
	clone = st.st_size > 0 && ioctl(out, FICLONE, in) == 0;
	buf = ax_malloc(CHUNK);
	sha = ax_sha_new();
	for (;;) {
		n = read_some(in, buf, CHUNK);
		if (n <= 0)
			break;
		ax_sha_add(sha, buf, (size_t)n);
		if (!clone && ax_write_all(out, buf, (size_t)n) < 0) {
			ax_err_set(err, AX_EXIT_ENV, "%s: cannot write:", dest);
			ax_sha_free(sha);
			goto out;
		}
	}
	is = ax_sha_end(sha);
	if (n < 0)
		ax_store_error(s, err, "read", ax_rel(rel, d));
	else if (!ax_digest_eq(&is, d))
		ax_cas_quarantine(s, d, &is, err);
	else if (fchmod(out, mode) < 0)
		ax_err_set(err, AX_EXIT_ENV, "%s: cannot write:", dest);
	else
		rc = 0;
out:
	free(buf);
	close(in);
	if (close(out) < 0 && rc == 0)
		rc = ax_err_set(err, AX_EXIT_ENV, "%s: cannot write:", dest);
	if (rc < 0)
		unlink(dest);
	return rc;
}
