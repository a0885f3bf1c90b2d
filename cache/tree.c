/* SPDX-License-Identifier: Apache-2.0 */
/* Trees: folders as listings of objects (store.h). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cache/private.h"

#define MAX_DEPTH 64
#define MAX_FILES 1000000
#define BATCH 16 /* files from which one sync serves all */

void
ax_tree_free(struct ax_tree *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		free(t->files[i].path);
	free(t->files);
	memset(t, 0, sizeof(*t));
}

static struct ax_tree_file *
add(struct ax_tree *t)
{
	AX_GROW(t->files, t->n, t->cap);
	memset(&t->files[t->n], 0, sizeof(t->files[0]));
	return &t->files[t->n++];
}

static int
walk(struct ax_tree *t, int fd, const char *top, const char *below,
     unsigned depth, struct ax_err *err)
{
	struct ax_tree_file *f;
	struct dirent *e;
	struct stat st;
	char *path = NULL;
	DIR *d = fdopendir(fd);
	int sub, rc = 0;

	if (!d) {
		ax_err_set(err, AX_EXIT_ENV, "%s/%s: cannot list:", top, below);
		close(fd);
		return -1;
	}
	while (rc == 0 && (errno = 0, e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		path = ax_asprintf("%s%s%s", below, below[0] ? "/" : "",
				   e->d_name);
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) <
		    0) {
			rc = ax_err_set(err, AX_EXIT_ENV,
					"%s/%s: cannot look at:", top, path);
		} else if (!ax_path_is_inside(path) || strlen(path) > 4096) {
			rc = ax_err_set(err, AX_EXIT_ENV,
					"%s: a file name in it has control "
					"characters or is too long: %s",
					top, path);
		} else if (S_ISDIR(st.st_mode)) {
			if (depth >= MAX_DEPTH) {
				rc = ax_err_set(err, AX_EXIT_ENV,
						"%s/%s: folders nested deeper "
						"than %d levels",
						top, path, MAX_DEPTH);
			} else {
				sub = openat(dirfd(d), e->d_name,
					     O_RDONLY | O_DIRECTORY |
						     O_NOFOLLOW | O_CLOEXEC);
				if (sub < 0)
					rc = ax_err_set(err, AX_EXIT_ENV,
							"%s/%s: cannot open:",
							top, path);
				else
					rc = walk(t, sub, top, path, depth + 1,
						  err);
			}
		} else if (S_ISREG(st.st_mode)) {
			if (t->n >= MAX_FILES) {
				rc = ax_err_set(err, AX_EXIT_ENV,
						"%s: more than %d files", top,
						MAX_FILES);
			} else {
				f = add(t);
				f->path = path;
				f->exec = (st.st_mode & S_IXUSR) != 0;
				f->st = st;
				path = NULL;
			}
		} else {
			rc = ax_err_set(err, AX_EXIT_ENV,
					"%s/%s: %s, and a tree may hold "
					"only files and folders; put a copy of "
					"the file there instead",
					top, path,
					S_ISLNK(st.st_mode) ? "a symbolic link"
							    : "a special file");
		}
		free(path);
		path = NULL;
	}
	if (rc == 0 && errno)
		rc = ax_err_set(err, AX_EXIT_ENV, "%s/%s: cannot list:", top,
				below);
	closedir(d);
	return rc;
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(((const struct ax_tree_file *)a)->path,
		      ((const struct ax_tree_file *)b)->path);
}

int
ax_tree_walk(struct ax_tree *t, const char *dir, struct ax_err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	memset(t, 0, sizeof(*t));
	if (fd < 0)
		return ax_err_set(err, AX_EXIT_ENV, "%s: cannot open:", dir);
	if (walk(t, fd, dir, "", 0, err) < 0) {
		ax_tree_free(t);
		return -1;
	}
	if (t->n)
		qsort(t->files, t->n, sizeof(t->files[0]), by_path);
	return 0;
}

void
ax_tree_text(struct ax_str *out, const struct ax_tree *t)
{
	char hex[AX_HEX_LEN + 1];
	size_t i;

	ax_str_add(out, AX_TREE_HEAD);
	for (i = 0; i < t->n; i++) {
		ax_str_add(out, t->files[i].exec ? "x " : "- ");
		ax_str_addn(out, ax_hex(hex, &t->files[i].digest), AX_HEX_LEN);
		ax_str_addc(out, ' ');
		ax_str_add(out, t->files[i].path);
		ax_str_addc(out, '\n');
	}
}

int
ax_tree_parse(struct ax_tree *t, const char *text, size_t len, const char *name,
	      struct ax_err *err)
{
	const char *p = text + AX_TREE_HEAD_LEN, *end = text + len, *nl;
	char hex[AX_HEX_LEN + 1];
	struct ax_tree_file *f;
	size_t line = 1;

	memset(t, 0, sizeof(*t));
	if (len < AX_TREE_HEAD_LEN ||
	    memcmp(text, AX_TREE_HEAD, AX_TREE_HEAD_LEN) != 0)
		return ax_err_set(err, AX_EXIT_ENV, "%s: not a tree", name);
	for (; p < end; p = nl + 1) {
		line++;
		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl || nl - p < AX_HEX_LEN + 4 ||
		    (p[0] != '-' && p[0] != 'x') || p[1] != ' ' ||
		    p[AX_HEX_LEN + 2] != ' ' || t->n >= MAX_FILES ||
		    memchr(p, '\0', (size_t)(nl - p)))
			goto bad;
		memcpy(hex, p + 2, AX_HEX_LEN);
		hex[AX_HEX_LEN] = '\0';
		f = add(t);
		f->exec = p[0] == 'x';
		f->path = ax_strndup(p + AX_HEX_LEN + 3,
				     (size_t)(nl - p) - AX_HEX_LEN - 3);
		if (ax_unhex(&f->digest, hex) < 0 ||
		    !ax_path_is_inside(f->path) ||
		    (t->n > 1 && strcmp(t->files[t->n - 2].path, f->path) >= 0))
			goto bad;
	}
	return 0;
bad:
	ax_tree_free(t);
	return ax_err_set(err, AX_EXIT_ENV, "%s: line %zu of the tree is wrong",
			  name, line);
}

bool
ax_listing_sound(const char *text, size_t n)
{
	struct ax_tree t;

	if (ax_tree_parse(&t, text, n, "a listing", NULL) < 0)
		return false;
	ax_tree_free(&t);
	return true;
}

int
ax_tree_peek(struct ax_store *s, const struct ax_digest *d, struct ax_tree *out,
	     struct ax_err *err)
{
	char head[AX_TREE_HEAD_LEN], *path = ax_store_path(s, d), *text;
	size_t n;
	ssize_t got;
	int fd, rc = 0;

	memset(out, 0, sizeof(*out));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0) {
		got = read(fd, head, sizeof(head));
		close(fd);
		if (got == (ssize_t)sizeof(head) &&
		    memcmp(head, AX_TREE_HEAD, sizeof(head)) == 0) {
			rc = -1;
			if (ax_read_file(&text, &n, path, AX_TREE_MAX, err) ==
			    0) {
				/* some file may merely begin like a listing */
				rc = ax_tree_parse(out, text, n, path, err) < 0
					     ? 0
					     : 1;
				free(text);
			}
		}
	} else if (errno != ENOENT) {
		rc = ax_store_error(s, err, "open", path);
	}
	free(path);
	return rc;
}

int
ax_store_is_tree(struct ax_store *s, const struct ax_digest *d, bool *tree,
		 struct ax_err *err)
{
	struct ax_tree t;
	int rc = ax_tree_peek(s, d, &t, err);

	ax_tree_free(&t);
	*tree = rc == 1;
	if (rc == 0) {
		char *path = ax_store_path(s, d);

		if (access(path, F_OK) < 0)
			rc = ax_err_set(err, AX_EXIT_ENV,
					"%s: the object is not there", path);
		free(path);
	}
	return rc < 0 ? -1 : 0;
}

int
ax_hash_tree(struct ax_digest *out, const char *dir, struct ax_err *err)
{
	struct ax_str text = AX_STR_INIT;
	struct ax_tree t;
	char *path;
	size_t i;
	int rc = 0;

	if (ax_tree_walk(&t, dir, err) < 0)
		return -1;
	for (i = 0; i < t.n && rc == 0; i++) {
		path = ax_join(dir, t.files[i].path);
		rc = ax_hash_file(&t.files[i].digest, NULL, path, err);
		free(path);
	}
	if (rc == 0) {
		ax_tree_text(&text, &t);
		*out = ax_hash_bytes(text.buf, text.len);
	}
	ax_str_free(&text);
	ax_tree_free(&t);
	return rc;
}

static int
open_source(const char *path, struct stat *st, struct ax_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return ax_err_set(err, AX_EXIT_ENV, "%s: cannot open:", path);
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode)) {
		close(fd);
		return ax_err_set(err, AX_EXIT_ENV, "%s: not a regular file",
				  path);
	}
	return fd;
}

/*
 * Many files: all are written first, one syncfs makes their bytes durable (it
 * reports write errors since s->fd was opened, Linux 5.8), then all are
 * renamed. A kill in between leaves temporaries and nothing else.
 */
static int
put_tree(struct ax_store *s, struct ax_digest *out, uint64_t *size,
	 const char *dir, struct ax_err *err)
{
	struct ax_str text = AX_STR_INIT;
	struct ax_temp *temps;
	struct ax_tree t;
	struct stat st;
	uint64_t total = 0, n;
	bool batch;
	char *path;
	size_t i;
	int fd, rc = 0;

	if (ax_tree_walk(&t, dir, err) < 0)
		return -1;
	temps = ax_calloc(t.n + 1, sizeof(*temps));
	for (i = 0; i < t.n; i++)
		temps[i].fd = -1;
	batch = t.n >= BATCH;
	for (i = 0; i < t.n && rc == 0; i++) {
		path = ax_join(dir, t.files[i].path);
		fd = open_source(path, &st, err);
		rc = fd < 0 ? -1
			    : ax_cas_take(s, fd, path, &temps[i],
					  &t.files[i].digest, &n, err);
		if (fd >= 0)
			close(fd);
		free(path);
		if (rc == 0)
			total += n;
		if (rc == 0 && batch && temps[i].fd >= 0) {
			/* not all open at once */
			if (fchmod(temps[i].fd, 0444) < 0 ||
			    close(temps[i].fd) < 0)
				rc = ax_store_error(s, err, "write a file in",
						    "tmp/");
			temps[i].fd = -1;
		} else if (rc == 0 && temps[i].fd >= 0) {
			rc = ax_temp_publish(s, &temps[i], AX_CAS,
					     &t.files[i].digest, 0444, false,
					     err);
		}
	}
	if (rc == 0 && batch && syncfs(s->fd) < 0)
		rc = ax_store_error(s, err, "sync", NULL);
	for (i = 0; i < t.n && rc == 0; i++)
		if (temps[i].name[0])
			rc = ax_temp_publish(s, &temps[i], AX_CAS,
					     &t.files[i].digest, 0444, true,
					     err);
	if (rc == 0) {
		ax_tree_text(&text, &t);
		rc = ax_cas_put_bytes(s, out, text.buf, text.len, true, err);
		if (size)
			*size = total;
	}
	for (i = 0; i < t.n; i++)
		ax_temp_drop(s, &temps[i]);
	free(temps);
	ax_str_free(&text);
	ax_tree_free(&t);
	return rc;
}

int
ax_store_put(struct ax_store *s, struct ax_digest *out, uint64_t *size,
	     const char *path, bool is_dir, struct ax_err *err)
{
	struct ax_temp t;
	struct stat st;
	int fd, rc;

	if (is_dir)
		return put_tree(s, out, size, path, err);
	fd = open_source(path, &st, err);
	if (fd < 0)
		return -1;
	rc = ax_cas_take(s, fd, path, &t, out, size, err);
	close(fd);
	if (rc == 0 && t.fd >= 0)
		rc = ax_temp_publish(s, &t, AX_CAS, out, 0444, false, err);
	return rc;
}

static int
lay_tree(struct ax_store *s, const struct ax_digest *d, const char *dest,
	 struct ax_err *err)
{
	char hex[AX_HEX_LEN + 1], *text, *path, *dir, *made = NULL;
	struct ax_tree t;
	size_t n, i;
	int rc;

	if (ax_store_get_bytes(s, d, &text, &n, AX_TREE_MAX, err) < 0)
		return -1;
	rc = ax_tree_parse(&t, text, n, ax_hex(hex, d), err);
	free(text);
	if (rc < 0)
		return -1;
	if (mkdir(dest, 0777) < 0) {
		ax_tree_free(&t);
		return ax_err_set(err, AX_EXIT_ENV,
				  "%s: cannot create the folder:", dest);
	}
	for (i = 0; i < t.n && rc == 0; i++) {
		path = ax_join(dest, t.files[i].path);
		dir = ax_dirname(path);
		if (!ax_streq(dir, made))
			rc = ax_mkdirs(dir, err);
		free(made);
		made = dir;
		if (rc == 0)
			rc = ax_cas_lay(s, &t.files[i].digest, path,
					t.files[i].exec ? 0555 : 0444, err);
		free(path);
	}
	free(made);
	ax_tree_free(&t);
	if (rc < 0)
		(void)ax_rmtree(dest, NULL);
	return rc;
}

int
ax_store_lay(struct ax_store *s, const struct ax_digest *d, bool tree,
	     const char *dest, struct ax_err *err)
{
	return tree ? lay_tree(s, d, dest, err)
		    : ax_cas_lay(s, d, dest, 0444, err);
}
