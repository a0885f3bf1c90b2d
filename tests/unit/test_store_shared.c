/* SPDX-License-Identifier: Apache-2.0 */
/* The store among others: locks, two writers, killed ones, full and read-only
 * disks, gc and fsck. */
#include <jansson.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "tests/lib/store.h"

static void
locks(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_store *s = open_store("locks");
	struct ax_digest key = digest_of("key");
	char *dir = in_top("locks/locks"), c;
	int fd, other, to[2], from[2], status;
	pid_t pid;

	ok(ax_lock_key(s, &fd, &key, true, &err) == 0, "lock a key");
	ok(ax_lock_key(s, &other, &key, false, &err) == 1 && other == -1,
	   "it is taken");
	ax_unlock(fd);
	is_int(count_dir(dir), 0, "unlocking removes the file");
	ok(ax_lock_key(s, &fd, &key, false, &err) == 0, "free again");
	ax_unlock(fd);

	if (pipe(to) < 0 || pipe(from) < 0)
		exit(1);
	pid = fork();
	if (pid == 0) {
		s = open_store("locks");
		ax_lock_key(s, &fd, &key, true, &err);
		if (write(from[1], "x", 1) != 1)
			_exit(1);
		if (read(to[0], &c, 1) < 0)
			_exit(1);
		_exit(0); /* killed before */
	}
	ok(read(from[0], &c, 1) == 1, "another process locks it");
	ok(ax_lock_key(s, &fd, &key, false, &err) == 1, "taken for us");
	kill(pid, SIGKILL);
	ok(ax_lock_key(s, &fd, &key, true, &err) == 0,
	   "its death frees the lock");
	waitpid(pid, &status, 0);
	ax_unlock(fd);
	ax_store_close(s);

	/* a counter that only the lock protects */
	{
		char *file = in_top("counter");
		enum { CHILDREN = 4, TIMES = 100 };
		int i, j, good = 0;

		put_text(file, "0");
		for (i = 0; i < CHILDREN; i++)
			if (fork() == 0) {
				s = open_store("locks");
				for (j = 0; j < TIMES; j++) {
					char *text, now[32];
					size_t n;

					if (ax_lock_key(s, &fd, &key, true,
							&err) < 0 ||
					    ax_read_file(&text, &n, file, 99,
							 &err) < 0)
						_exit(1);
					snprintf(now, sizeof(now), "%d",
						 atoi(text) + 1);
					free(text);
					put_text(file, now);
					ax_unlock(fd);
				}
				ax_store_close(s);
				_exit(0);
			}
		for (i = 0; i < CHILDREN; i++)
			if (wait(&status) > 0 && status == 0)
				good++;
		is_int(good, CHILDREN, "four processes take turns");
		{
			char *text;
			size_t n;

			ax_read_file(&text, &n, file, 99, &err);
			is_int(atoi(text), CHILDREN * TIMES,
			       "no two at a time");
			free(text);
		}
		free(file);
	}
	free(dir);
}

/* Two processes put the same and different objects and records at once. */
static void
two_writers(void)
{
	struct ax_err err = AX_ERR_INIT;
	char name[64], *dir = in_top("two"), *tmp;
	struct ax_digest d, key;
	struct ax_fsck_result f;
	struct ax_store *s;
	json_t *r;
	int i, k, status, good = 0;

	for (k = 0; k < 2; k++)
		if (fork() == 0) {
			s = open_store("two");
			for (i = 0; i < 60; i++) {
				snprintf(name, sizeof(name), "%d-%d",
					 i % 3 ? 0 : k, i);
				if (ax_store_put_bytes(s, &d, name,
						       strlen(name), &err) < 0)
					_exit(1);
				key = digest_of(name + 1);
				r = sample("n", &d);
				if (i % 4 == 0 &&
				    ax_store_record_put(s, &key, r, &err) < 0)
					_exit(2);
				json_decref(r);
			}
			ax_store_close(s);
			_exit(0);
		}
	for (k = 0; k < 2; k++)
		if (wait(&status) > 0 && status == 0)
			good++;
	is_int(good, 2, "two processes write at once");
	s = open_store("two");
	ok(ax_store_fsck(s, false, NULL, NULL, &f, &err) == 0 &&
		   f.corrupt + f.missing + f.bad_records == 0 &&
		   f.objects == 80 && f.records == 15,
	   "and leave a whole store (%d objects, %d records)", (int)f.objects,
	   (int)f.records);
	tmp = in_top("two/tmp");
	is_int(count_dir(tmp), 0, "without temporaries");
	free(tmp);
	ax_store_close(s);
	free(dir);
}

/* kill -9 at arbitrary moments: whatever is visible is whole. */
static void
killed(void)
{
	struct ax_err err = AX_ERR_INIT;
	char *src = in_top("kill-src"), *tmp = in_top("kill/tmp");
	char *bytes = ax_malloc(2000000);
	uint64_t objects = 0, seen = 0;
	struct ax_fsck_result f;
	struct ax_store *s;
	struct ax_digest d, key;
	int i, round, bad = 0;
	json_t *r;
	pid_t pid;

	/* on a busy machine it takes longer until there is something */
	for (round = 0; round < 8 || (objects == 0 && round < 60); round++) {
		struct timespec pause = {
			0, 3000000L + 9300000L * AX_MIN(round, 100)};

		pid = fork();
		if (pid == 0) {
			s = open_store("kill");
			for (i = 0;; i++) {
				memset(bytes, round * 31 + i, 2000000);
				ax_write_plain(src, bytes, 2000000, NULL);
				ax_store_put(s, &d, NULL, src, false, NULL);
				r = sample("n", &d);
				key = ax_hash_bytes(&i, sizeof(i));
				ax_store_record_put(s, &key, r, NULL);
				json_decref(r);
			}
		}
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		s = open_store("kill");
		seen += count_dir(tmp);
		if (ax_store_fsck(s, false, NULL, NULL, &f, &err) < 0 ||
		    f.corrupt || f.missing || f.bad_records)
			bad++;
		objects = f.objects;
		ax_store_close(s);
	}
	is_int(bad, 0, "after all kills nothing half-published is visible");
	ok(objects > 0, "and something was published (%d)", (int)objects);
	is_int(seen, 0, "the next to open removes what was on its way");
	free(bytes);
	free(src);
	free(tmp);
}

/* No room: RLIMIT_FSIZE makes write fail in the middle, as a full disk does. */
static void
no_room(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_store *s = open_store("full");
	char *src = in_top("full-src"), *tree = in_top("full-tree");
	char *tmp = in_top("full/tmp"), *bytes = ax_calloc(1, 600000), *p;
	struct rlimit old, small;
	struct ax_digest d, key = digest_of("key");
	json_t *r, *back;
	int i;

	ax_write_plain(src, bytes, 600000, NULL);
	for (i = 0; i < 20; i++) {
		char name[32];

		snprintf(name, sizeof(name), "full-tree/f%02d", i);
		p = in_top(name);
		put_text(p, name);
		free(p);
	}
	p = in_top("full-tree/zz");
	ax_write_plain(p, bytes, 600000, NULL);
	free(p);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 300000;
	setrlimit(RLIMIT_FSIZE, &small);
	ok(ax_store_put(s, &d, NULL, src, false, &err) < 0 && err.exit == 3 &&
		   strstr(err.text, "make room"),
	   "no room for an object: exit code 3 and what to do");
	printf("# %s\n", err.text);
	ax_err_clear(&err);
	ok(ax_store_put(s, &d, NULL, tree, true, &err) < 0 && err.exit == 3,
	   "no room for a tree");
	ok(ax_store_put_bytes(s, &d, bytes, 600000, &err) < 0, "nor for bytes");
	r = json_pack("{s:o}", "text",
		      json_stringn(memset(bytes, 'x', 400000), 400000));
	ok(ax_store_record_put(s, &key, r, &err) < 0 && err.exit == 3,
	   "no room for a record");
	setrlimit(RLIMIT_FSIZE, &old);
	is_int(count_dir(tmp), 0, "no temporary is left behind");
	p = in_top("full/cas");
	is_int(count_dir(p), 0, "and nothing was published");
	free(p);
	ok(ax_store_record_get(s, &key, &back, &err) == 0, "no record either");
	ok(ax_store_record_put(s, &key, r, &err) == 0 &&
		   ax_store_put(s, &d, NULL, tree, true, &err) == 0 &&
		   ax_store_has(s, &d),
	   "with room again all goes well");
	json_decref(r);
	ax_store_close(s);
	free(bytes);
	free(src);
	free(tree);
	free(tmp);
}

static void
read_only(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_store *s = open_store("ro");
	char *dir = in_top("ro"), *got;
	struct ax_digest d, e, key = digest_of("key");
	json_t *r, *back = NULL;
	size_t n;
	int status, fd;

	ax_store_put_bytes(s, &d, "hello", 5, &err);
	r = sample("n", &d);
	ax_store_record_put(s, &key, r, &err);
	ax_store_close(s);
	ok(ax_store_open(&s, dir, true, &err) == 0, "open read-only");
	ok(ax_store_get_bytes(s, &d, &got, &n, 5, &err) == 0 &&
		   ax_store_record_get(s, &key, &back, &err) == 1,
	   "reading works");
	free(got);
	json_decref(back);
	ok(ax_store_put_bytes(s, &e, "x", 1, &err) < 0 && err.exit == 3 &&
		   strstr(err.text, "reading only"),
	   "writing does not");
	ok(ax_store_record_put(s, &key, r, &err) < 0 &&
		   ax_lock_key(s, &fd, &key, false, &err) < 0,
	   "nor records and locks");
	ax_store_close(s);
	json_decref(r);
	free(dir);
	dir = in_top("never");
	ok(ax_store_open(&s, dir, true, &err) < 0 && access(dir, F_OK) < 0 &&
		   !s,
	   "a store that is not there is not made");
	free(dir);
	/* as a user who may not write there */
	if (fork() == 0) {
		if (getuid() != 0 || setuid(65534) < 0)
			_exit(9);
		dir = in_top("ro");
		ax_err_clear(&err);
		status = ax_store_open(&s, dir, false, &err);
		printf("# %s\n", err.text);
		fflush(stdout);
		_exit(status < 0 && err.exit == 3 &&
				      strstr(err.text, "--store DIR")
			      ? 0
			      : 1);
	}
	wait(&status);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 9)
		tap_skip(1, "cannot become another user");
	else
		is_int(status, 0,
		       "a store of another user: exit code 3 and what to do");
	dir = in_top("ro");
	chmod(dir, 0755);
	free(dir);
	/* not a store */
	dir = in_top("home");
	got = in_top("home/letter");
	put_text(got, "dear");
	ok(ax_store_open(&s, dir, false, &err) < 0 &&
		   strstr(err.text, "letter") && count_dir(dir) == 1,
	   "a folder of other files is not made a store");
	unlink(got);
	free(got);
	got = in_top("home/version");
	put_text(got, "axpipe store 7\n");
	ok(ax_store_open(&s, dir, false, &err) < 0 &&
		   strstr(err.text, "version 1"),
	   "a store of another format is refused");
	free(got);
	free(dir);
}

static void
set_record(struct ax_store *s, const char *name, const struct ax_digest *out)
{
	struct ax_digest key = digest_of(name);
	json_t *r = sample(name, out);
	struct ax_err err = AX_ERR_INIT;

	if (ax_store_record_put(s, &key, r, &err) < 0)
		printf("# %s\n", err.text);
	json_decref(r);
}

static void
collect(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_store *s = open_store("gc"), *t;
	struct ax_gc_options o = {.dry_run = false};
	struct ax_gc_result g;
	struct ax_digest keep, drop, loose, pinned, tree, member, k, roots[2];
	char *src = in_top("gc-tree"), *p, hex[65];
	json_t *r, *back = NULL;

	ax_store_put_bytes(s, &keep, "keep", 4, &err);
	ax_store_put_bytes(s, &drop, "drop", 4, &err);
	ax_store_put_bytes(s, &loose, "loose", 5, &err);
	ax_store_put_bytes(s, &pinned, "pinned", 6, &err);
	put_text(p = in_top("gc-tree/sub/file"), "member");
	free(p);
	ax_store_put(s, &tree, NULL, src, true, &err);
	member = digest_of("member");
	set_record(s, "r-keep", &keep);
	set_record(s, "r-drop", &drop);
	set_record(s, "r-tree", &tree);
	r = json_pack("{s:s, s:s}", "kind", "fetch", "object",
		      ax_hex(hex, &keep));
	k = digest_of("f-keep");
	ax_store_record_put(s, &k, r, &err);
	json_object_set_new(r, "object", json_string(ax_hex(hex, &drop)));
	k = digest_of("f-drop");
	ax_store_record_put(s, &k, r, &err);
	json_decref(r);
	put_text(p = in_top("gc/pins/mine"), "");
	p = (free(p), in_top("gc/pins/mine"));
	{
		char *text = ax_asprintf("# a pin\n%s my bytes\n",
					 ax_hex(hex, &pinned));

		put_text(p, text);
		free(text);
	}
	free(p);
	put_text(p = in_top("gc/work/deadbeef/out/x"), "left");
	free(p);

	o.dry_run = true;
	o.keep_all_records = true;
	ok(ax_store_gc(s, &o, &g, &err) == 0 && g.objects == 1 &&
		   g.records == 0 && g.work == 1,
	   "dry run that keeps all records: one loose object, one folder");
	ok(ax_store_has(s, &loose), "and nothing is removed");
	o.keep_all_records = false;
	o.min_age = 3600;
	ok(ax_store_gc(s, &o, &g, &err) == 0 &&
		   g.objects + g.records + g.work == 0,
	   "young things stay");
	o.min_age = 0;
	o.dry_run = false;
	{
		roots[0] = digest_of("r-keep");
		roots[1] = digest_of("r-tree");
		o.roots = roots;
		o.nroots = 2;
		t = open_store("gc");
		ok(ax_store_gc(s, &o, &g, &err) < 0 &&
			   strstr(err.text, "another axpipe"),
		   "not while another uses the store");
		ax_store_close(t);
		ok(ax_store_gc(s, &o, &g, &err) == 0, "gc with two roots");
	}
	printf("# %d records, %d objects, %d work removed; %d, %d kept\n",
	       (int)g.records, (int)g.objects, (int)g.work, (int)g.kept_records,
	       (int)g.kept_objects);
	ok(g.records == 2 && g.objects == 2 && g.work == 1 &&
		   g.kept_records == 3 && g.kept_objects == 4,
	   "the counts");
	ok(ax_store_has(s, &keep) && ax_store_has(s, &tree) &&
		   ax_store_has(s, &member) && ax_store_has(s, &pinned),
	   "what roots and pins name is there, files of trees too");
	ok(!ax_store_has(s, &drop) && !ax_store_has(s, &loose),
	   "the rest is gone");
	k = digest_of("r-drop");
	ok(ax_store_record_get(s, &k, &back, &err) == 0, "a record is gone");
	k = digest_of("f-drop");
	ok(ax_store_record_get(s, &k, &back, &err) == 0,
	   "so is the fetch of what is gone");
	k = digest_of("f-keep");
	ok(ax_store_record_get(s, &k, &back, &err) == 1,
	   "but not the fetch of what stays");
	json_decref(back);
	put_text(p = in_top("gc/pins/bad"), "not a digest\n");
	ok(ax_store_gc(s, &o, &g, &err) < 0 && strstr(err.text, "pins/bad") &&
		   ax_store_has(s, &pinned),
	   "a pin that cannot be read stops gc");
	free(p);
	ax_store_close(s);
	free(src);
}

/* A clock that was set back leaves what bears a time to come. */
static void
collect_future(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_store *s = open_store("future");
	struct timespec late[2] = {{4000000000, 0}, {4000000000, 0}};
	struct ax_gc_options o = {0};
	struct ax_gc_result g;
	struct ax_digest d;
	char *p;

	ax_store_put_bytes(s, &d, "late", 4, &err);
	p = ax_store_path(s, &d);
	ok(utimensat(AT_FDCWD, p, late, 0) == 0 &&
		   (o.min_age = 60, ax_store_gc(s, &o, &g, &err)) == 0 &&
		   ax_store_has(s, &d),
	   "an object of the future is young");
	ok((o.min_age = 0, ax_store_gc(s, &o, &g, &err)) == 0 &&
		   g.objects == 1 && !ax_store_has(s, &d),
	   "but for age 0 nothing is");
	ax_store_close(s);
	free(p);
}

/* The file `version`: a flipped bit, another format, and no store at all. */
static void
versions(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_store *s = open_store("vers");
	char *dir = in_top("vers"), *file = in_top("vers/version"), *text;
	struct ax_digest d;
	size_t n;

	ax_store_put_bytes(s, &d, "kept", 4, &err);
	ax_store_close(s);
	put_text(file, "axpkpe store 1\n");
	ok(ax_store_open(&s, dir, true, &err) < 0 &&
		   strstr(err.text, "version: damaged"),
	   "damaged: %s", err.text);
	ok(ax_store_open(&s, dir, false, &err) == 0 && ax_store_has(s, &d),
	   "one that may write mends it");
	ax_store_close(s);
	ok(ax_read_file(&text, &n, file, 99, &err) == 0 &&
		   ax_streq(text, "axpipe store 1\n"),
	   "to what it was");
	free(text);
	put_text(file, "axpipe store 3\n");
	ok(ax_store_open(&s, dir, false, &err) < 0 &&
		   strstr(err.text, "not version 1"),
	   "another format is left alone: %s", err.text);
	free(file);
	file = in_top("other/version");
	put_text(file, "2.7\n");
	free(dir);
	dir = in_top("other");
	ok(ax_store_open(&s, dir, false, &err) < 0 &&
		   strstr(err.text, "not version 1"),
	   "and so is a folder of something else");
	free(file);
	free(dir);
}

/* What a stage may leave: folders without end, and files that are holes. */
static void
excess(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_store *s = open_store("excess");
	char *dir = in_top("deep"), *file = in_top("excess-holes"), *copy;
	struct ax_digest d;
	uint64_t size;
	struct rlimit old, limit;
	struct statvfs fs;
	int at, next, i;

	mkdir(dir, 0700);
	at = open(dir, O_RDONLY | O_DIRECTORY);
	for (i = 0; i < 2000 && at >= 0; i++) {
		next = mkdirat(at, "d", 0700) < 0
			       ? -1
			       : openat(at, "d", O_RDONLY | O_DIRECTORY);
		if (i % 90 == 0)
			(void)mkdirat(at, ".deep.0", 0700);
		close(at);
		at = next;
	}
	is_int(i, 2000, "two thousand folders, one in the other");
	if (at >= 0)
		close(at);
	ok(ax_rmtree(dir, &err) == 0 && access(dir, F_OK) < 0,
	   "are removed: %s", err.text);
	put_text(file, "x");
	if (statvfs(top, &fs) < 0 ||
	    truncate(file, (off_t)(2 * fs.f_bfree * fs.f_frsize)) < 0) {
		tap_skip(3, "no file larger than what is free");
	} else {
		/* if they were copied, then not far */
		getrlimit(RLIMIT_FSIZE, &old);
		limit = (struct rlimit){1 << 24, old.rlim_max};
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		ok(ax_store_put(s, &d, &size, file, false, &err) < 0 &&
			   strstr(err.text, "a file with holes"),
		   "holes are refused before the disk is full: %s", err.text);
		copy = in_top("excess-copy");
		ok(ax_copy_file(file, copy, 0444, &err) < 0 &&
			   strstr(err.text, "a file with holes") &&
			   access(copy, F_OK) < 0,
		   "no copy either");
		free(copy);
		ok(truncate(file, 1000000) == 0 &&
			   ax_store_put(s, &d, &size, file, false, &err) == 0 &&
			   size == 1000000,
		   "what fits is taken, holes or not");
		setrlimit(RLIMIT_FSIZE, &old);
	}
	ax_store_close(s);
	free(file);
	free(dir);
}

static size_t lines;

static void
line(void *arg, const char *text)
{
	(void)arg;
	lines++;
	printf("# %s\n", text);
}

static void
check(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_store *s = open_store("fsck");
	struct ax_digest a, b, c, k;
	struct ax_fsck_result f;
	char *p;
	json_t *back;

	ax_store_put_bytes(s, &a, "a", 1, &err);
	ax_store_put_bytes(s, &b, "b", 1, &err);
	ax_store_put_bytes(s, &c, "c", 1, &err);
	set_record(s, "ra", &a);
	set_record(s, "rb", &b);
	set_record(s, "rc", &c);
	ok(ax_store_fsck(s, false, line, NULL, &f, &err) == 0 &&
		   f.objects == 3 && f.records == 3 && f.bytes == 3 &&
		   lines == 0,
	   "a whole store");
	p = ax_store_path(s, &a);
	damage(p);
	free(p);
	p = ax_store_path(s, &b);
	unlink(p);
	free(p);
	k = digest_of("rc");
	p = ax_store_path(s, &k);
	memcpy(strstr(p, "/cas/"), "//ac/", 5);
	damage(p);
	free(p);
	put_text(p = in_top("fsck/cas/zz/junk"), "junk");
	free(p);
	ok(ax_store_fsck(s, false, line, NULL, &f, &err) == 0 &&
		   f.corrupt == 2 && f.missing == 2 && f.bad_records == 1,
	   "every kind of damage is found");
	ok(ax_store_fsck(s, true, line, NULL, &f, &err) == 0 && f.corrupt == 2,
	   "repaired");
	lines = 0;
	ok(ax_store_fsck(s, false, line, NULL, &f, &err) == 0 && lines == 0 &&
		   f.objects == 1 && f.records == 0,
	   "what is left is whole");
	k = digest_of("ra");
	ok(ax_store_record_get(s, &k, &back, &err) == 0,
	   "the record of a corrupt object is gone: its node runs again");
	ax_store_close(s);
}

static struct ax_digest late;

/* While fsck is at it another process publishes; called at the first fault. */
static void
meanwhile(void *arg, const char *text)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_store *s;

	line(arg, text);
	if (lines > 1)
		return;
	s = open_store("busy");
	/* of 40, some fall where fsck has been already */
	for (int i = 0; i < 40; i++) {
		char name[16];

		snprintf(name, sizeof(name), "late %d", i);
		ax_store_put_bytes(s, &late, name, strlen(name), &err);
		set_record(s, name, &late);
	}
	ax_store_close(s);
}

static void
check_busy(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_store *s = open_store("busy");
	struct ax_digest d;
	struct ax_fsck_result f;
	char *p;

	/* the first fault is in the last folder */
	put_text(p = in_top("busy/cas/zz/junk"), "junk");
	free(p);
	lines = 0;
	ok(ax_store_fsck(s, true, meanwhile, NULL, &f, &err) == 0 &&
		   f.corrupt == 1 && f.missing == 0 && f.bad_records == 0,
	   "what is published while fsck runs is not missing");
	d = digest_of("late 7");
	ok(ax_store_record_there(s, &d), "nor dropped");
	ax_store_close(s);
}

int
main(void)
{
	if (!make_top())
		return 1;
	locks();
	two_writers();
	killed();
	no_room();
	read_only();
	collect();
	collect_future();
	versions();
	excess();
	check();
	check_busy();
	ax_rmtree(top, NULL);
	return tap_done();
}
