/* SPDX-License-Identifier: Apache-2.0 */
/* The store: objects, trees, records, memo, locks, gc and fsck. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "cache/store.h"
#include "tests/lib/tap.h"

/* These stand before those of the C library for this program: what a power
 * loss does cannot be seen here, and waiting for the disk is slow. */
int
fsync(int fd)
{
	(void)fd;
	return 0;
}

int
syncfs(int fd)
{
	(void)fd;
	return 0;
}

/* Objects are read-only, for their owner too unless that is root. */
static int
cut(const char *path, off_t len)
{
	chmod(path, 0644);
	return truncate(path, len);
}

static char *top;

static char *
in_top(const char *name)
{
	return ax_join(top, name);
}

static void
put_text(const char *path, const char *text)
{
	struct ax_err err = AX_ERR_INIT;
	char *dir = ax_dirname(path);

	if (ax_mkdirs(dir, &err) < 0 ||
	    ax_write_plain(path, text, strlen(text), &err) < 0) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	free(dir);
}

static struct ax_store *
open_store(const char *name)
{
	struct ax_err err = AX_ERR_INIT;
	char *dir = in_top(name);
	struct ax_store *s;

	if (ax_store_open(&s, dir, false, &err) < 0) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	free(dir);
	return s;
}

static struct ax_digest
digest_of(const char *text)
{
	return ax_hash_bytes(text, strlen(text));
}

static size_t
count_dir(const char *path)
{
	char **list;
	size_t n;

	if (ax_list_dir(&list, &n, path, 100000, NULL) < 0)
		return 0;
	ax_free_list(list, n);
	return n;
}

/* Changes one byte of an object in place, as a failing disk would. */
static void
damage(const char *path)
{
	int fd;

	chmod(path, 0644);
	fd = open(path, O_RDWR);
	if (fd < 0 || pwrite(fd, "#", 1, 0) != 1)
		printf("Bail out! cannot damage %s\n", path);
	close(fd);
	chmod(path, 0444);
}

static void
objects(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_store *s = open_store("objects");
	char *src = in_top("src"), *dest = in_top("dest"), *path, *got;
	struct ax_digest d, e, want;
	struct stat st;
	char *big = ax_malloc(3000000);
	uint64_t size = 0;
	size_t n, i;
	bool tree;

	ok(ax_store_put_bytes(s, &d, "hello", 5, &err) == 0, "put bytes");
	want = digest_of("hello");
	ok(ax_digest_eq(&d, &want), "under their SHA-256");
	ok(ax_store_has(s, &d), "and it is there");
	ok(ax_store_get_bytes(s, &d, &got, &n, 5, &err) == 0 && n == 5 &&
		   memcmp(got, "hello", 6) == 0,
	   "get bytes, terminated");
	free(got);
	ok(ax_store_get_bytes(s, &d, &got, &n, 4, &err) < 0 && !got &&
		   strstr(err.text, "limit"),
	   "a limit is kept");
	want = digest_of("absent");
	ok(!ax_store_has(s, &want), "an absent object is not there");
	ok(ax_store_get_bytes(s, &want, &got, &n, 5, &err) < 0 &&
		   strstr(err.text, "not there"),
	   "and cannot be got");
	path = ax_store_path(s, &d);
	ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0444,
	   "objects are read-only files");
	free(path);

	/* sizes around the chunk, and a large one */
	for (i = 0; i < 3000000; i++)
		big[i] = (char)(i * 2654435761u >> 13);
	for (i = 0; i < 5; i++) {
		static const size_t sizes[] = {0, 262143, 262144, 262145,
					       3000000};
		int rc;

		ax_write_plain(src, big, sizes[i], NULL);
		rc = ax_store_put(s, &d, &size, src, false, &err);
		want = ax_hash_bytes(big, sizes[i]);
		ok(rc == 0 && size == sizes[i] && ax_digest_eq(&d, &want),
		   "put a file of %zu bytes", sizes[i]);
		ok(ax_store_put(s, &e, &size, src, false, &err) == 0 &&
			   ax_digest_eq(&d, &e),
		   "and again");
		unlink(dest);
		ok(ax_store_lay(s, &d, false, dest, &err) == 0 &&
			   ax_hash_file(&e, NULL, dest, &err) == 0 &&
			   ax_digest_eq(&d, &e),
		   "laid with the same bytes");
	}
	ok(stat(dest, &st) == 0 && (st.st_mode & 0777) == 0444 &&
		   st.st_nlink == 1,
	   "the copy is private and read-only");
	path = in_top("objects/tmp");
	is_int(count_dir(path), 0, "no temporary is left");
	free(path);
	ok(ax_store_is_tree(s, &d, &tree, &err) == 0 && !tree, "not a tree");
	ok(ax_store_put(s, &e, &size, "/dev/null", false, &err) < 0,
	   "a device is refused");

	/* corrupt */
	path = ax_store_path(s, &d);
	damage(path);
	unlink(dest);
	ax_err_clear(&err);
	ok(ax_store_lay(s, &d, false, dest, &err) < 0 && err.exit == 3 &&
		   strstr(err.text, "corrupt") && strstr(err.text, "again"),
	   "a corrupt object is found when laid, and the message says what to "
	   "do");
	ok(access(dest, F_OK) < 0, "nothing of it is laid");
	ok(access(path, F_OK) < 0 && !ax_store_has(s, &d), "it is gone");
	free(path);
	path = in_top("objects/quarantine");
	is_int(count_dir(path), 1, "into quarantine");
	free(path);
	ok(ax_store_put(s, &e, NULL, src, false, &err) == 0 &&
		   ax_store_lay(s, &d, false, dest, &err) == 0,
	   "put anew it is good again");
	ax_store_put_bytes(s, &d, "hello", 5, &err);
	path = ax_store_path(s, &d);
	damage(path);
	free(path);
	ok(ax_store_get_bytes(s, &d, &got, &n, 5, &err) < 0 &&
		   strstr(err.text, "corrupt"),
	   "a corrupt object is found when read");
	/* torn: another length */
	ax_store_put_bytes(s, &d, "hello", 5, &err);
	path = ax_store_path(s, &d);
	if (cut(path, 2) < 0)
		printf("Bail out! truncate\n");
	ok(ax_store_put_bytes(s, &d, "hello", 5, &err) == 0 &&
		   ax_store_get_bytes(s, &d, &got, &n, 5, &err) == 0,
	   "a torn object is replaced by the next put");
	free(got);
	free(path);
	ax_store_close(s);
	free(big);
	free(src);
	free(dest);
}

static void
trees(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_store *s = open_store("trees");
	char *src = in_top("tree"), *dest = in_top("laid"), *p, *text;
	char name[64], *rel;
	struct ax_digest d, e, bad;
	struct ax_str listing = AX_STR_INIT;
	struct stat st;
	uint64_t size;
	bool tree;
	size_t n;
	int i, rc;

	put_text(rel = in_top("tree/b/two"), "2");
	free(rel);
	put_text(rel = in_top("tree/a"), "1");
	free(rel);
	put_text(rel = in_top("tree/b.txt"), "3");
	chmod(rel, 0755);
	free(rel);
	ok(ax_store_put(s, &d, &size, src, true, &err) == 0 && size == 3,
	   "put a tree");
	ok(ax_store_get_bytes(s, &d, &text, &n, 10000, &err) == 0, "its text");
	{
		char h1[65], h2[65], h3[65];
		struct ax_digest d1 = digest_of("1"), d2 = digest_of("2"),
				 d3 = digest_of("3");

		ax_hex(h1, &d1);
		ax_hex(h2, &d2);
		ax_hex(h3, &d3);
		p = ax_asprintf("axpipe tree 1\n- %s a\nx %s b.txt\n- %s "
				"b/two\n",
				h1, h3, h2);
		is_str(text, p, "in byte order of paths, with execute bits");
		free(p);
	}
	free(text);
	ok(ax_hash_tree(&e, src, &err) == 0 && ax_digest_eq(&d, &e),
	   "ax_hash_tree agrees");
	ok(ax_memo_hash(s, &e, &size, &tree, src, &err) == 0 && tree &&
		   size == 3 && ax_digest_eq(&d, &e),
	   "so does the memo");
	ok(ax_store_is_tree(s, &d, &tree, &err) == 0 && tree, "it is a tree");
	ok(ax_store_lay(s, &d, true, dest, &err) == 0 &&
		   ax_hash_tree(&e, dest, &err) == 0 && ax_digest_eq(&d, &e),
	   "laid it is the same tree");
	ok(ax_store_lay(s, &d, true, dest, &err) < 0, "but not twice there");
	p = in_top("laid/b.txt");
	ok(stat(p, &st) == 0 && (st.st_mode & 0777) == 0555,
	   "an executable stays one, read-only");
	free(p);
	ok(ax_store_has(s, &d), "the tree is there");
	e = digest_of("2");
	p = ax_store_path(s, &e);
	damage(p);
	ax_rmtree(dest, NULL);
	ok(ax_store_lay(s, &d, true, dest, &err) < 0 &&
		   strstr(err.text, "corrupt") && access(dest, F_OK) < 0,
	   "a corrupt file in it: nothing is laid");
	ok(!ax_store_has(s, &d), "a tree with a missing file is not there");
	free(p);

	/* many files: one sync for all */
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "many/d%d/f%d", i % 3, i);
		put_text(rel = in_top(name), name);
		free(rel);
	}
	rel = in_top("many");
	ok(ax_store_put(s, &d, NULL, rel, true, &err) == 0 &&
		   ax_hash_tree(&e, rel, &err) == 0 && ax_digest_eq(&d, &e) &&
		   ax_store_has(s, &d),
	   "a tree of 40 files");
	rc = symlink("a", p = in_top("many/link"));
	ok(rc == 0 && ax_store_put(s, &e, NULL, rel, true, &err) < 0 &&
		   strstr(err.text, "symbolic link"),
	   "a link in a tree is refused");
	unlink(p);
	free(p);
	free(rel);
	p = in_top("trees/tmp");
	is_int(count_dir(p), 0, "no temporary is left");
	free(p);

	/* a hostile listing put as an object */
	for (i = 0; i < 5; i++) {
		static const char *const paths[] = {
			"../out", "/etc/x", "a/../../b", "a//b", "a\tb"};
		char hex[65];
		struct ax_digest one = digest_of("1");

		ax_str_clear(&listing);
		ax_str_addf(&listing, "axpipe tree 1\n- %s %s\n",
			    ax_hex(hex, &one), paths[i]);
		ax_store_put_bytes(s, &bad, listing.buf, listing.len, &err);
		ax_rmtree(dest, NULL);
		ax_err_clear(&err);
		ok(ax_store_lay(s, &bad, true, dest, &err) < 0 &&
			   strstr(err.text, "wrong") && access(dest, F_OK) < 0,
		   "a listing with %s is not laid", paths[i]);
	}
	ax_str_free(&listing);
	ax_store_close(s);
	free(src);
	free(dest);
}

static json_t *
sample(const char *node, const struct ax_digest *out)
{
	char hex[65];

	return json_pack("{s:s, s:{s:{s:s, s:i}}, s:{s:f, s:s}, s:[s, n, b]}",
			 "node", node, "outputs", "netlist", "sha256",
			 ax_hex(hex, out), "size", 5, "metrics", "area", 0.1,
			 "odd \"name\"", "\xc3\xa4\n", "list", "x", 1);
}

static void
records(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_store *s = open_store("records");
	struct ax_digest key = digest_of("key"), other = digest_of("other"), d;
	json_t *r, *back;
	char *path, *p, *text;
	size_t n;
	int fd;

	ax_store_put_bytes(s, &d, "hello", 5, &err);
	ok(ax_store_record_get(s, &key, &back, &err) == 0 && !back,
	   "no record yet");
	r = sample("synth", &d);
	ok(ax_store_record_put(s, &key, r, &err) == 0, "put a record");
	ok(ax_store_record_get(s, &key, &back, &err) == 1 &&
		   json_equal(r, back),
	   "the same record comes back");
	json_decref(back);
	{
		static const char *const some[] = {"outputs", "node", NULL};

		ok(ax_store_record_part(s, &key, some, &back, &err) == 1 &&
			   json_equal(json_object_get(back, "outputs"),
				      json_object_get(r, "outputs")) &&
			   json_object_get(back, "node"),
		   "or some of its members");
		json_decref(back);
	}
	path = in_top("records/ac");
	p = ax_store_path(s, &key);
	memcpy(strstr(p, "/cas/"), "//ac/", 5); /* same place in ac/ */
	ok(access(p, F_OK) == 0, "it lies in ac/");
	ok(ax_read_file(&text, &n, p, 10000, &err) == 0, "one file");
	back = json_loads(text, 0, NULL);
	ok(json_is_object(back), "that is plain JSON");
	json_decref(back);
	free(text);

	/* damaged in each way, each put again after */
	damage(p);
	ok(ax_store_record_get(s, &key, &back, &err) == 0 && !back,
	   "a damaged record counts as absent");
	ok(access(p, F_OK) < 0, "and is moved away");
	ax_store_record_put(s, &key, r, &err);
	chmod(p, 0644);
	fd = open(p, O_RDWR);
	ok(pwrite(fd, "7", 1, 150) == 1, "one character changed");
	close(fd);
	ok(ax_store_record_get(s, &key, &back, &err) == 0,
	   "valid JSON with another content is caught as well");
	ax_store_record_put(s, &key, r, &err);
	ok(cut(p, 100) == 0 && ax_store_record_get(s, &key, &back, &err) == 0,
	   "a torn record counts as absent");
	ax_store_record_put(s, &key, r, &err);
	text = ax_store_path(s, &other);
	memcpy(strstr(text, "/cas/"), "//ac/", 5);
	{
		char *dir = ax_dirname(text);

		ax_mkdirs(dir, NULL);
		free(dir);
	}
	ok(rename(p, text) == 0 &&
		   ax_store_record_get(s, &other, &back, &err) == 0,
	   "a record under another key is no record");
	free(text);
	json_decref(r);
	r = json_pack("{}");
	ok(ax_store_record_put(s, &key, r, &err) == 0 &&
		   ax_store_record_get(s, &key, &back, &err) == 1 &&
		   json_object_size(back) == 0,
	   "an empty record");
	json_decref(back);
	json_decref(r);
	free(p);
	free(path);
	ax_store_close(s);
}

/* The reader of records agrees with the general parser, to the last bit. */
static void
numbers(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_store *s = open_store("numbers");
	struct ax_digest key = digest_of("key");
	json_t *r, *list, *back;
	uint64_t x = 88172645463325252u;
	double d;
	int i, good = 0;

	r = json_object();
	json_object_set_new(r, "list", list = json_array());
	for (i = 0; i < 20000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		if (i % 3 == 0) {
			memcpy(&d, &x, sizeof(d));
			if (d != d || d - d != 0)
				d = 0.5;
		} else if (i % 3 == 1) {
			d = (double)(int64_t)(x % 2000000000000000) / 1e3 -
			    1e12;
		} else {
			d = (double)(x % 1000003) / 1e7;
		}
		json_array_append_new(list, json_real(d));
	}
	ax_store_record_put(s, &key, r, &err);
	if (ax_store_record_get(s, &key, &back, &err) == 1)
		for (i = 0; i < 20000; i++)
			good += json_number_value(json_array_get(
					json_object_get(back, "list"),
					(size_t)i)) ==
				json_real_value(
					json_array_get(list, (size_t)i));
	is_int(good, 20000, "every number comes back as it was");
	json_decref(back);
	json_decref(r);
	ax_store_close(s);
}

/* Many records: through the index, which may be torn, stale or gone. */
static void
many_records(void)
{
	enum { N = 2000 };
	struct ax_err err = AX_ERR_INIT;
	struct ax_store *s = open_store("index");
	struct ax_digest key, d;
	char name[32], *path = in_top("index/ac/index"), *p;
	json_t *r, *back;
	static const char *const some[] = {"n", "z", NULL};
	int i, good, part, round, fd;
	struct stat st;
	double t;

	ax_store_put_bytes(s, &d, "x", 1, &err);
	for (i = 0; i < N; i += 10) {
		snprintf(name, sizeof(name), "node%d", i);
		key = digest_of(name);
		r = json_pack("{s:s, s:{s:[i,s,{}],s:n}, s:i, s:f}", "node",
			      name, "skip", "a", 1, "}]", "b", "n", i, "z",
			      1.5);
		if (ax_store_record_put(s, &key, r, &err) < 0)
			printf("# %s\n", err.text);
		json_decref(r);
	}
	ax_store_close(s);
	ok(stat(path, &st) == 0 && st.st_size > 20000, "an index is written");
	for (round = 0; round < 4; round++) {
		static const char *const what[] = {
			"through the index", "with a torn index",
			"with a damaged index", "without an index"};

		if (round == 1) {
			if (cut(path, st.st_size * 2 / 3 + 7) < 0)
				printf("# truncate failed\n");
		} else if (round == 2) {
			fd = open(path, O_RDWR);
			for (off_t at = 100; at < st.st_size; at += 777)
				if (pwrite(fd, "@", 1, at) != 1)
					printf("# pwrite failed\n");
			close(fd);
		} else if (round == 3) {
			unlink(path);
		}
		s = open_store("index");
		t = ax_now();
		for (good = part = i = 0; i < N; i++) {
			snprintf(name, sizeof(name), "node%d", i);
			key = digest_of(name);
			if (ax_store_record_get(s, &key, &back, &err) == 1) {
				good += json_integer_value(json_object_get(
						back, "n")) == i &&
					ax_streq(
						name,
						json_string_value(
							json_object_get(
								back, "node")));
				json_decref(back);
				if (ax_store_record_part(s, &key, some, &back,
							 &err) == 1)
					part += json_object_size(back) == 2 &&
						json_integer_value(
							json_object_get(back,
									"n")) ==
							i;
				json_decref(back);
			}
		}
		is_int(part, N / 10, "or a part of each");
		printf("# %.2f us a record\n", (ax_now() - t) / N * 1e6);
		is_int(good, N / 10, "all records %s", what[round]);
		ax_store_close(s);
	}
	ok(stat(path, &st) == 0 && st.st_size > 20000, "the index is back");
	/* the record's file has the last word */
	s = open_store("index");
	key = digest_of("node0");
	p = ax_store_path(s, &key);
	memcpy(strstr(p, "/cas/"), "//ac/", 5);
	unlink(p);
	free(p);
	for (good = i = 0; i < 100; i++) {
		good += ax_store_record_get(s, &key, &back, &err);
		json_decref(back);
	}
	is_int(good, 0, "a record whose file was removed is gone");
	key = digest_of("node10");
	r = json_pack("{s:s}", "node", "other");
	ok(ax_store_record_put(s, &key, r, &err) == 0 &&
		   ax_store_record_get(s, &key, &back, &err) == 1 &&
		   json_equal(r, back),
	   "a record replaced is not served from the index");
	json_decref(back);
	json_decref(r);
	ax_store_close(s);
	free(path);
}

static void
memo(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_store *s = open_store("memo"), *t;
	char *file = in_top("memo-file"), *path = in_top("memo/memo");
	struct ax_digest d, one = digest_of("one"), two = digest_of("two");
	struct timespec pause = {2, 100000000}, when;
	struct stat st, before;
	uint64_t size;
	bool tree;
	int i, fd;

	/* changed within the clock's grain, same size, mtime put back */
	for (i = 0; i < 20; i++) {
		struct timespec both[2];

		put_text(file, "one");
		stat(file, &before);
		ax_memo_hash(s, &d, &size, &tree, file, &err);
		if (!ax_digest_eq(&d, &one))
			break;
		put_text(file, "two");
		both[0] = before.st_atim;
		both[1] = before.st_mtim;
		utimensat(AT_FDCWD, file, both, 0);
		ax_memo_hash(s, &d, &size, &tree, file, &err);
		if (!ax_digest_eq(&d, &two))
			break;
	}
	is_int(i, 20, "a change within the clock's grain is seen, 20 times");
	ok(ax_memo_save(s, &err) == 0 && access(path, F_OK) < 0,
	   "and nothing of it is remembered");

	stat(file, &st);
	nanosleep(&pause, NULL);
	ok(!ax_memo_find(s, &st, AX_MEMO_BYTES, &d), "not in the memo");
	ok(ax_memo_hash(s, &d, &size, &tree, file, &err) == 0 && !tree &&
		   size == 3 && ax_digest_eq(&d, &two),
	   "hashed");
	ok(ax_memo_find(s, &st, AX_MEMO_BYTES, &d) && ax_digest_eq(&d, &two),
	   "now it is");
	ok(!ax_memo_find(s, &st, AX_MEMO_UNPACKED, &d),
	   "but not for another kind of hash");
	t = open_store("memo"); /* a second user, who learns something else */
	clock_gettime(CLOCK_REALTIME, &when);
	ax_memo_learn(t, &st, &st, when, AX_MEMO_UNPACKED, &one);
	ok(ax_memo_save(s, &err) == 0, "saved");
	ax_store_close(t);
	ax_store_close(s);
	s = open_store("memo");
	ok(ax_memo_find(s, &st, AX_MEMO_BYTES, &d) && ax_digest_eq(&d, &two) &&
		   ax_memo_find(s, &st, AX_MEMO_UNPACKED, &d) &&
		   ax_digest_eq(&d, &one),
	   "what two users learned is there");
	ax_store_close(s);

	/* torn: the good entries count, and later ones as well */
	stat(path, &before);
	is_int((before.st_size - 8) % 2, 0, "two entries of one size");
	if (cut(path, before.st_size - 5) < 0)
		printf("# truncate failed\n");
	s = open_store("memo");
	ok(ax_memo_find(s, &st, AX_MEMO_BYTES, &d) !=
		   ax_memo_find(s, &st, AX_MEMO_UNPACKED, &d),
	   "of a torn memo the whole entry counts");
	clock_gettime(CLOCK_REALTIME, &when);
	ax_memo_learn(s, &st, &st, when, AX_MEMO_UNPACKED, &one);
	ax_memo_learn(s, &st, &st, when, AX_MEMO_BYTES, &two);
	ax_store_close(s);
	s = open_store("memo");
	ok(ax_memo_find(s, &st, AX_MEMO_BYTES, &d) &&
		   ax_memo_find(s, &st, AX_MEMO_UNPACKED, &d),
	   "what is written after it is found");
	ax_store_close(s);
	/* damaged */
	fd = open(path, O_RDWR);
	ok(pwrite(fd, "XXXX", 4, 60) == 4, "an entry is damaged");
	close(fd);
	s = open_store("memo");
	ok(ax_memo_hash(s, &d, &size, &tree, file, &err) == 0 &&
		   ax_digest_eq(&d, &two),
	   "a damaged memo gives no wrong hash");
	put_text(file, "one");
	ok(ax_memo_hash(s, &d, &size, &tree, file, &err) == 0 &&
		   ax_digest_eq(&d, &one),
	   "nor for a changed file");
	/* much learned again and again: compacted */
	clock_gettime(CLOCK_REALTIME, &when);
	for (i = 0; i < 6000; i++)
		ax_memo_learn(s, &st, &st, when, AX_MEMO_BYTES, &two);
	ax_memo_save(s, &err);
	ax_store_close(s);
	ok(stat(path, &before) == 0 && before.st_size < 1000,
	   "replaced entries are dropped");
	ok(ax_memo_hash(s = open_store("memo"), &d, &size, &tree,
			"/nonexistent/x", &err) < 0 &&
		   strstr(err.text, "/nonexistent/x"),
	   "a missing file is an error with its name");
	ax_store_close(s);
	free(file);
	free(path);
}

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

int
main(void)
{
	char template[] = "/tmp/axpipe-store.XXXXXX";

	setvbuf(stdout, NULL, _IOLBF, 0);
	top = mkdtemp(template);
	if (!top)
		return 1;
	chmod(top, 0755);
	objects();
	trees();
	records();
	numbers();
	many_records();
	memo();
	locks();
	two_writers();
	killed();
	no_room();
	read_only();
	collect();
	check();
	ax_rmtree(top, NULL);
	return tap_done();
}
