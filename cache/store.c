/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, closing and the way of a file into the store. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "cache/private.h"

#define VERSION "axpipe store 1\n"

static const char *const room_name[AX_NROOMS] = {"cas", "ac"};

char *
ax_rel(char out[AX_REL_LEN + 1], const struct ax_digest *d)
{
	ax_hex(out + 1, d);
	out[0] = out[1];
	out[1] = out[2];
	out[2] = '/';
	return out;
}

int
ax_store_error(const struct ax_store *s, struct ax_err *err, const char *what,
	       const char *name)
{
	const char *advice = "";
	int e = errno;

	switch (e) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		advice = "; make room there (`axpipe gc --age 30` drops what "
			 "runs older than 30 days left), or choose another "
			 "store with --store DIR or AXPIPE_STORE";
		break;
	case EROFS:
	case EACCES:
	case EPERM:
		advice = "; the store cannot be written by this user: choose "
			 "another with --store DIR or AXPIPE_STORE";
		break;
	case EIO:
		advice = "; the disk reports an error: look at the system's "
			 "log, then run `axpipe fsck`";
		break;
	case EMFILE:
	case ENFILE:
		advice = "; too many open files: raise the limit (ulimit -n)";
		break;
	}
	return ax_err_set(err, AX_EXIT_ENV, "store %s: cannot %s%s%s: %s%s",
			  s->dir, what, name ? " " : "", name ? name : "",
			  strerror(e), advice);
}

int
ax_store_writable(const struct ax_store *s, struct ax_err *err)
{
	if (!s->readonly)
		return 0;
	return ax_err_set(err, AX_EXIT_ENV,
			  "store %s: opened for reading only, and something "
			  "must be written",
			  s->dir);
}

/* What is no version of any store was damaged, where the rest is a store's. */
static bool
is_damaged(const struct ax_store *s, const char *text)
{
	static const char *const folders[] = {"cas", "ac", "tmp", "pins"};
	unsigned version;
	int end = 0;
	size_t i;

	if (sscanf(text, "axpipe store %u%n", &version, &end) == 1 &&
	    ax_streq(text + end, "\n"))
		return false;
	for (i = 0; i < AX_LEN(folders); i++)
		if (faccessat(s->fd, folders[i], F_OK, 0) < 0)
			return false;
	return true;
}

/* The folder may hold a store, nothing, or what a killed creation left; a
 * folder of somebody's other files is refused, since gc removes files. */
static int
check_version(struct ax_store *s, bool *fresh, struct ax_err *err)
{
	char *path = ax_join(s->dir, "version"), *text = NULL, **list = NULL;
	size_t n = 0, i;
	int rc = -1;

	*fresh = false;
	if (access(path, F_OK) == 0) {
		if (ax_read_file(&text, &n, path, 4096, err) < 0)
			goto out;
		if (strcmp(text, VERSION) != 0 && is_damaged(s, text)) {
			rc = s->readonly
				     ? ax_err_set(err, AX_EXIT_ENV,
						  "%s: damaged; `axpipe fsck "
						  "--repair` or the next run "
						  "writes it anew",
						  path)
				     : ax_write_file(path, VERSION,
						     sizeof(VERSION) - 1, err);
			if (rc == 0)
				fprintf(stderr,
					"axpipe: %s: was damaged, written "
					"anew; `axpipe fsck` checks the rest\n",
					path);
			goto out;
		}
		if (strcmp(text, VERSION) != 0) {
			ax_err_set(err, AX_EXIT_ENV,
				   "%s: not version 1 of the store's format; "
				   "use the axpipe that made it, or another "
				   "folder (--store DIR); if no other ever "
				   "wrote here the disk did: write `axpipe "
				   "store 1` into that file again",
				   path);
			goto out;
		}
		rc = 0;
		goto out;
	}
	if (errno != ENOENT) {
		ax_err_set(err, AX_EXIT_ENV, "%s: cannot read:", path);
		goto out;
	}
	if (ax_list_dir(&list, &n, s->dir, 1000000, err) < 0)
		goto out;
	for (i = 0; i < n; i++)
		if (!ax_starts(list[i], ".version.")) {
			ax_err_set(
				err, AX_EXIT_ENV,
				"%s: not a store: it holds files (%s) but no "
				"file `version`; name an empty or new folder "
				"with --store DIR",
				s->dir, list[i]);
			ax_free_list(list, n);
			goto out;
		}
	ax_free_list(list, n);
	*fresh = true;
	rc = 0;
out:
	free(text);
	free(path);
	return rc;
}

static int
create(struct ax_store *s, struct ax_err *err)
{
	static const char *const folders[] = {
		"cas", "ac", "tmp", "work", "locks", "quarantine", "pins"};
	char *path;
	bool fresh;
	size_t i;
	int rc;

	if (flock(s->fd, LOCK_EX) < 0)
		return ax_store_error(s, err, "lock", NULL);
	if (check_version(s, &fresh, err) < 0)
		return -1;
	if (fresh) {
		path = ax_join(s->dir, "version");
		rc = ax_write_file(path, VERSION, sizeof(VERSION) - 1, NULL);
		free(path);
		if (rc < 0)
			return ax_store_error(s, err, "write", "version");
	}
	for (i = 0; i < AX_LEN(folders); i++)
		if (mkdirat(s->fd, folders[i], 0777) < 0 && errno != EEXIST)
			return ax_store_error(s, err, "create the folder",
					      folders[i]);
	return 0;
}

/* What a killed process left on its way in; only while nobody else is here. */
static void
clean_tmp(struct ax_store *s)
{
	char *path = ax_join(s->dir, "tmp"), **list;
	size_t n, i;

	if (ax_list_dir(&list, &n, path, 1000000, NULL) == 0) {
		for (i = 0; i < n; i++) {
			char *left = ax_join(path, list[i]);

			(void)ax_rmtree(left, NULL);
			free(left);
		}
		ax_free_list(list, n);
	}
	free(path);
}

static int
open_folder(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int
ax_store_open(struct ax_store **out, const char *dir, bool readonly,
	      struct ax_err *err)
{
	struct ax_store *s = ax_calloc(1, sizeof(*s));
	struct stat st;
	char *path;
	bool fresh;
	int i;

	*out = NULL;
	s->dir = ax_strdup(dir);
	s->readonly = readonly;
	s->fd = s->tmp = s->room[AX_CAS] = s->room[AX_AC] = -1;
	if (!readonly && ax_mkdirs(dir, err) < 0) {
		ax_err_wrap(err,
			    "store %s: cannot be created; choose another "
			    "with --store DIR or AXPIPE_STORE",
			    dir);
		goto fail;
	}
	s->fd = open_folder(AT_FDCWD, dir);
	if (s->fd < 0) {
		if (errno == ENOENT)
			ax_err_set(err, AX_EXIT_ENV, "store %s: not there",
				   dir);
		else
			ax_store_error(s, err, "open", NULL);
		goto fail;
	}
	if (readonly) {
		if (check_version(s, &fresh, err) < 0)
			goto fail;
	} else {
		path = ax_join(dir, "pins"); /* the last that create() makes */
		if (!ax_is_dir(path) ||
		    faccessat(s->fd, "version", F_OK, 0) < 0)
			i = create(s, err);
		else
			i = check_version(s, &fresh, err);
		free(path);
		if (i < 0)
			goto fail;
		if (faccessat(s->fd, "tmp", W_OK | X_OK, 0) < 0) {
			ax_store_error(s, err, "write to", "tmp/");
			goto fail;
		}
	}
	for (i = 0; i < AX_NROOMS; i++)
		s->room[i] = open_folder(s->fd, room_name[i]);
	s->tmp = open_folder(s->fd, "tmp");
	if (!readonly &&
	    (s->tmp < 0 || s->room[AX_CAS] < 0 || s->room[AX_AC] < 0)) {
		ax_store_error(s, err, "open", "its folders");
		goto fail;
	}
	/* the file is written without an execute bit */
	s->unmarked = fstatat(s->fd, "version", &st, 0) == 0 &&
		      (st.st_mode & S_IXUSR);
	if (!readonly && flock(s->fd, LOCK_EX | LOCK_NB) == 0)
		clean_tmp(s);
	if (flock(s->fd, LOCK_SH | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK) {
			struct timespec tick = {0, 200000000};

			/* another process that only looks, most likely */
			nanosleep(&tick, NULL);
			if (flock(s->fd, LOCK_SH | LOCK_NB) == 0)
				goto locked;
			fprintf(stderr,
				"axpipe: store %s: waiting for another process "
				"that cleans it\n",
				dir);
		}
		if (flock(s->fd, LOCK_SH) < 0) {
			ax_store_error(s, err, "lock", NULL);
			goto fail;
		}
	}
locked:
	*out = s;
	return 0;
fail:
	ax_store_close(s);
	return -1;
}

void
ax_store_close(struct ax_store *s)
{
	int i;

	if (!s)
		return;
	if (!s->readonly && s->tmp >= 0) {
		/* nothing depends on these: what did was synced with its record
		 */
		(void)ax_store_sync(s, NULL);
		(void)ax_memo_save(s, NULL);
		ax_record_index_save(s);
	}
	ax_memo_free(s->memo);
	ax_record_index_free(s->index);
	ax_set_free(&s->seen);
	for (i = 0; i < AX_NROOMS; i++)
		if (s->room[i] >= 0)
			close(s->room[i]);
	if (s->tmp >= 0)
		close(s->tmp);
	if (s->fd >= 0)
		close(s->fd);
	free(s->dir);
	free(s);
}

const char *
ax_store_dir(const struct ax_store *s)
{
	return s->dir;
}

bool
ax_store_readonly(const struct ax_store *s)
{
	return s->readonly;
}

int
ax_store_sync(struct ax_store *s, struct ax_err *err)
{
	char name[8];
	int room, i, fd, n = 0;

	for (room = 0; room < AX_NROOMS; room++)
		for (i = 0; i < 256; i++)
			n += s->dirty[room][i];
	if (n > 24) {
		/* one commit of the file system is cheaper than so many */
		if (syncfs(s->fd) < 0)
			return ax_store_error(s, err, "sync", NULL);
		memset(s->dirty, 0, sizeof(s->dirty));
		memset(s->dirty_room, 0, sizeof(s->dirty_room));
		return 0;
	}
	for (room = 0; room < AX_NROOMS; room++) {
		for (i = 0; i < 256; i++) {
			if (!s->dirty[room][i])
				continue;
			snprintf(name, sizeof(name), "%02x", (unsigned)i);
			fd = open_folder(s->room[room], name);
			if (fd < 0 || fsync(fd) < 0) {
				ax_store_error(s, err, "sync the folder", name);
				if (fd >= 0)
					close(fd);
				return -1;
			}
			close(fd);
			s->dirty[room][i] = false;
		}
		if (s->dirty_room[room]) {
			if (fsync(s->room[room]) < 0)
				return ax_store_error(s, err, "sync the folder",
						      room_name[room]);
			s->dirty_room[room] = false;
		}
	}
	return 0;
}

int64_t
ax_store_clock(struct ax_store *s)
{
	struct ax_temp t;
	struct stat st;
	int64_t now = -1;

	if (ax_temp_open(s, &t, NULL) < 0)
		return -1;
	if (fstat(t.fd, &st) == 0)
		now = (int64_t)st.st_mtim.tv_sec * INT64_C(1000000000) +
		      st.st_mtim.tv_nsec;
	ax_temp_drop(s, &t);
	return now;
}

int
ax_temp_open(struct ax_store *s, struct ax_temp *t, struct ax_err *err)
{
	uint64_t r = 0;
	int try;

	t->fd = -1;
	t->name[0] = '\0';
	if (ax_store_writable(s, err) < 0)
		return -1;
	for (try = 0; try < 100; try++) {
		if (getrandom(&r, sizeof(r), GRND_NONBLOCK) < 0)
			r = (uint64_t)time(NULL) * 2654435761u + s->counter;
		snprintf(t->name, sizeof(t->name),
			 "%ld.%" PRIu64 ".%016" PRIx64, (long)getpid(),
			 s->counter++, r);
		t->fd = openat(s->tmp, t->name,
			       O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (t->fd >= 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	t->name[0] = '\0';
	return ax_store_error(s, err, "create a file in", "tmp/");
}

void
ax_temp_drop(struct ax_store *s, struct ax_temp *t)
{
	int saved = errno;

	if (t->fd >= 0)
		close(t->fd);
	if (t->name[0])
		(void)unlinkat(s->tmp, t->name, 0);
	t->fd = -1;
	t->name[0] = '\0';
	errno = saved;
}

int
ax_temp_publish(struct ax_store *s, struct ax_temp *t, enum ax_room room,
		const struct ax_digest *d, mode_t mode, bool synced,
		struct ax_err *err)
{
	char rel[AX_REL_LEN + 1], sub[3];
	int rc;

	ax_rel(rel, d);
	memcpy(sub, rel, 2);
	sub[2] = '\0';
	if (t->fd >= 0) {
		if (fchmod(t->fd, mode) < 0 || (!synced && fsync(t->fd) < 0))
			goto fail;
		rc = close(t->fd);
		t->fd = -1;
		if (rc < 0)
			goto fail;
	}
	rc = renameat(s->tmp, t->name, s->room[room], rel);
	if (rc < 0 && errno == ENOENT) {
		if (mkdirat(s->room[room], sub, 0777) < 0 && errno != EEXIST)
			goto fail;
		s->dirty_room[room] = true;
		rc = renameat(s->tmp, t->name, s->room[room], rel);
	}
	if (rc < 0)
		goto fail;
	s->dirty[room][d->b[0]] = true;
	t->name[0] = '\0';
	return 0;
fail:
	ax_temp_drop(s, t);
	return ax_store_error(s, err, "publish", rel);
}

char *
ax_store_workdir(const struct ax_store *s, const struct ax_digest *key)
{
	char hex[AX_HEX_LEN + 1];

	return ax_asprintf("%s/work/%s", s->dir, ax_hex(hex, key));
}

char *
ax_store_path(const struct ax_store *s, const struct ax_digest *d)
{
	char rel[AX_REL_LEN + 1];

	return ax_asprintf("%s/cas/%s", s->dir, ax_rel(rel, d));
}

int
ax_room_walk(struct ax_store *s, enum ax_room room,
	     int (*fn)(void *arg, const struct ax_digest *d, const char *rel),
	     void *arg, struct ax_err *err)
{
	char *top = ax_join(s->dir, room_name[room]), **subs, **names;
	char hex[AX_HEX_LEN + 1], *path, *rel;
	struct ax_digest d;
	size_t nsubs, n, i, j;
	bool good;
	int rc = 0;

	if (s->room[room] < 0) {
		free(top);
		return 0;
	}
	if (ax_list_dir(&subs, &nsubs, top, 100000, err) < 0) {
		free(top);
		return -1;
	}
	for (i = 0; i < nsubs && rc == 0; i++) {
		path = ax_join(top, subs[i]);
		if (!ax_is_dir(path)) {
			/* the index lies beside the folders */
			if (strcmp(subs[i], "index") != 0)
				rc = fn(arg, NULL, subs[i]);
			free(path);
			continue;
		}
		if (ax_list_dir(&names, &n, path, 100000000, err) < 0) {
			free(path);
			rc = -1;
			break;
		}
		for (j = 0; j < n && rc == 0; j++) {
			good = strlen(subs[i]) == 2 &&
			       strlen(names[j]) == AX_HEX_LEN - 2;
			if (good) {
				memcpy(hex, subs[i], 2);
				memcpy(hex + 2, names[j], AX_HEX_LEN - 1);
				good = ax_unhex(&d, hex) == 0;
			}
			rel = ax_asprintf("%s/%s", subs[i], names[j]);
			rc = fn(arg, good ? &d : NULL, rel);
			free(rel);
		}
		ax_free_list(names, n);
		free(path);
	}
	ax_free_list(subs, nsubs);
	free(top);
	return rc;
}
