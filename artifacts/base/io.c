/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "artifacts/base/base.h"

int
ax_read_file(char **out, size_t *len, const char *path, size_t max,
	     struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	struct stat st;
	char *buf;
	ssize_t n;
	int fd;

	*out = NULL;
	*len = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return ax_err_set(err, AX_EXIT_ENV, "%s: cannot open:", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return ax_err_set(err, AX_EXIT_ENV, "%s: not a regular file",
				  path);
	}
	if ((uint64_t)st.st_size > max)
		goto big;
	buf = ax_malloc(1 << 16);
	ax_str_addn(&s, "", 0);
	for (;;) {
		n = read(fd, buf, 1 << 16);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || s.len + (size_t)n > max)
			break;
		ax_str_addn(&s, buf, (size_t)n);
	}
	free(buf);
	if (n > 0) {
		ax_str_free(&s);
		goto big;
	}
	if (n < 0) {
		ax_err_set(err, AX_EXIT_ENV, "%s: cannot read:", path);
		close(fd);
		ax_str_free(&s);
		return -1;
	}
	close(fd);
	*len = s.len;
	*out = ax_str_take(&s);
	return 0;
big:
	close(fd);
	return ax_err_set(err, AX_EXIT_ENV,
			  "%s: larger than the limit of %zu bytes", path, max);
}

int
ax_write_all(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;
	ssize_t w;

	while (n) {
		w = write(fd, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

int
ax_fsync_dir(const char *path, struct ax_err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return ax_err_set(err, AX_EXIT_ENV, "%s: cannot open:", path);
	rc = fsync(fd);
	if (rc < 0)
		ax_err_set(err, AX_EXIT_ENV, "%s: cannot sync:", path);
	close(fd);
	return rc;
}

int
ax_write_file(const char *path, const void *bytes, size_t n, struct ax_err *err)
{
	char *dir = ax_dirname(path);
	char *tmp = ax_asprintf("%s/.%s.XXXXXX", dir, ax_basename(path));
	int fd, rc = -1;

	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0) {
		ax_err_set(err, AX_EXIT_ENV, "%s: cannot create:", path);
		goto out;
	}
	if (ax_write_all(fd, bytes, n) < 0 || fchmod(fd, 0644) < 0 ||
	    fsync(fd) < 0) {
		ax_err_set(err, AX_EXIT_ENV, "%s: cannot write:", path);
		close(fd);
		unlink(tmp);
		goto out;
	}
	if (close(fd) < 0 || rename(tmp, path) < 0) {
		ax_err_set(err, AX_EXIT_ENV, "%s: cannot publish:", path);
		unlink(tmp);
		goto out;
	}
	rc = ax_fsync_dir(dir, err);
out:
	free(tmp);
	free(dir);
	return rc;
}

int
ax_write_plain(const char *path, const void *bytes, size_t n,
	       struct ax_err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return ax_err_set(err, AX_EXIT_ENV, "%s: cannot create:", path);
	if (ax_write_all(fd, bytes, n) < 0) {
		ax_err_set(err, AX_EXIT_ENV, "%s: cannot write:", path);
		close(fd);
		return -1;
	}
	if (close(fd) < 0)
		return ax_err_set(err, AX_EXIT_ENV, "%s: cannot write:", path);
	return 0;
}

int
ax_check_holes(int fd, int dest, const char *name, struct ax_err *err)
{
	struct statvfs fs;
	struct stat st;
	uint64_t size, room;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0)
		return 0;
	size = (uint64_t)st.st_size;
	if ((uint64_t)st.st_blocks * 512 >= size / 2 ||
	    fstatvfs(dest, &fs) < 0 || fs.f_blocks == 0)
		return 0;
	room = (uint64_t)fs.f_bfree * fs.f_frsize;
	if (size <= room)
		return 0;
	return ax_err_set(err, AX_EXIT_ENV,
			  "%s: a file with holes, of %" PRIu64
			  " bytes; a copy does not fit the disk, which has "
			  "%" PRIu64 " free",
			  name, size, room);
}

int
ax_copy_file(const char *from, const char *to, mode_t mode, struct ax_err *err)
{
	char *buf = NULL;
	ssize_t n = 0;
	int in, out;

	in = open(from, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return ax_err_set(err, AX_EXIT_ENV, "%s: cannot open:", from);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0) {
		ax_err_set(err, AX_EXIT_ENV, "%s: cannot create:", to);
		close(in);
		return -1;
	}
	/* a clone takes no room */
	if (ioctl(out, FICLONE, in) < 0) {
		if (ax_check_holes(in, out, from, err) < 0) {
			close(in);
			close(out);
			unlink(to);
			return -1;
		}
		buf = ax_malloc(1 << 18);
		for (;;) {
			n = read(in, buf, 1 << 18);
			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0 || ax_write_all(out, buf, (size_t)n) < 0)
				break;
		}
		free(buf);
	}
	close(in);
	if (n != 0 || fchmod(out, mode) < 0) {
		ax_err_set(err, AX_EXIT_ENV, "%s: cannot copy to %s:", from,
			   to);
		close(out);
		unlink(to);
		return -1;
	}
	if (close(out) < 0)
		return ax_err_set(err, AX_EXIT_ENV, "%s: cannot write:", to);
	return 0;
}

int
ax_mkdirs(const char *path, struct ax_err *err)
{
	struct stat st;
	char *copy, *p;
	int rc = 0;

	/* most often only the last part is missing, or nothing */
	if (mkdir(path, 0777) == 0 ||
	    (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
		return 0;
	copy = ax_strdup(path);
	for (p = copy + (copy[0] == '/'); !rc; p++) {
		if (*p && *p != '/')
			continue;
		{
			char c = *p;

			*p = '\0';
			if (copy[0] && mkdir(copy, 0777) < 0 &&
			    (errno != EEXIST || stat(copy, &st) < 0 ||
			     !S_ISDIR(st.st_mode)))
				rc = ax_err_set(
					err, AX_EXIT_ENV,
					"%s: cannot create the folder:", copy);
			*p = c;
			if (!c)
				break;
		}
	}
	free(copy);
	return rc;
}

#define STEP_DOWN 100 /* levels that are open at a time */

/* Where folders that lie deeper are moved to, to be emptied from there: neither
 * open files nor the stack grow with the depth. */
struct shallow {
	int top;
	unsigned moved;
};

static int
rmtree_at(int at, const char *name, dev_t dev, unsigned depth,
	  struct shallow *up)
{
	unsigned before;
	char to[32];
	struct dirent *e;
	struct stat st;
	DIR *d;
	int fd, rc = 0;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISDIR(st.st_mode))
		return unlinkat(at, name, 0);
	if (dev && st.st_dev != dev) {
		errno = EXDEV;
		return -1;
	}
	/* a stage may have left a folder that its owner cannot enter */
	(void)fchmodat(at, name, 0700, 0);
	while (depth == STEP_DOWN) {
		snprintf(to, sizeof(to), ".deep.%u", up->moved++);
		if (renameat(at, name, up->top, to) == 0)
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR)
			return -1;
	}
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -1;
	}
	if (depth == 0)
		up->top = dirfd(d);
	do {
		before = up->moved;
		rewinddir(d);
		while (rc == 0 && (e = readdir(d)) != NULL) {
			if (strcmp(e->d_name, ".") == 0 ||
			    strcmp(e->d_name, "..") == 0)
				continue;
			rc = rmtree_at(dirfd(d), e->d_name, st.st_dev,
				       depth + 1, up);
		}
	} while (rc == 0 && depth == 0 && up->moved != before);
	closedir(d);
	return rc < 0 ? rc : unlinkat(at, name, AT_REMOVEDIR);
}

int
ax_rmtree(const char *path, struct ax_err *err)
{
	struct shallow up = {-1, 0};

	if (rmtree_at(AT_FDCWD, path, 0, 0, &up) < 0)
		return ax_err_set(err, AX_EXIT_ENV, "%s: cannot remove:", path);
	return 0;
}

bool
ax_is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool
ax_is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

char *
ax_join(const char *dir, const char *name)
{
	if (name[0] == '/' || !dir[0])
		return ax_strdup(name);
	return ax_asprintf("%s%s%s", dir, ax_ends(dir, "/") ? "" : "/", name);
}

char *
ax_tmp_template(const char *name)
{
	const char *dir = getenv("TMPDIR");

	return ax_asprintf("%s/%s.XXXXXX", dir && dir[0] == '/' ? dir : "/tmp",
			   name);
}

char *
ax_dirname(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return ax_strdup(".");
	if (slash == path)
		return ax_strdup("/");
	return ax_strndup(path, (size_t)(slash - path));
}

const char *
ax_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool
ax_path_is_inside(const char *path)
{
	const char *p = path, *end;
	size_t n;

	if (!*path || *path == '/')
		return false;
	for (p = path; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	for (p = path;; p = end + 1) {
		end = strchrnul(p, '/');
		n = (size_t)(end - p);
		if (n == 0 || (n == 1 && p[0] == '.') ||
		    (n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		if (!*end)
			return true;
	}
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
ax_list_dir(char ***out, size_t *n, const char *path, size_t max,
	    struct ax_err *err)
{
	char **list = NULL;
	size_t count = 0, cap = 0;
	struct dirent *e;
	DIR *d = opendir(path);

	*out = NULL;
	*n = 0;
	if (!d)
		return ax_err_set(err, AX_EXIT_ENV, "%s: cannot list:", path);
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (count == max) {
			closedir(d);
			ax_free_list(list, count);
			return ax_err_set(err, AX_EXIT_ENV,
					  "%s: more than %zu entries", path,
					  max);
		}
		AX_GROW(list, count, cap);
		list[count++] = ax_strdup(e->d_name);
	}
	closedir(d);
	if (count)
		qsort(list, count, sizeof(*list), by_name);
	*out = list;
	*n = count;
	return 0;
}

void
ax_free_list(char **list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

char *
ax_which(const char *program, bool resolve)
{
	const char *path = getenv("PATH"), *p, *end;
	char *try = NULL, *real;

	if (strchr(program, '/')) {
		if (access(program, X_OK) == 0 && ax_is_file(program))
			try = ax_strdup(program);
	} else {
		for (p = path ? path : "/usr/local/bin:/usr/bin:/bin"; !try;
		     p = end + 1) {
			end = strchrnul(p, ':');
			try = ax_asprintf("%.*s/%s", (int)(end - p), p,
					  program);
			if (access(try, X_OK) < 0 || !ax_is_file(try)) {
				free(try);
				try = NULL;
			}
			if (!*end)
				break;
		}
	}
	if (!try || !resolve)
		return try;
	real = realpath(try, NULL);
	free(try);
	return real;
}
