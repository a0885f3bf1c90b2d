/* SPDX-License-Identifier: Apache-2.0 */
/* The store: objects, trees, records, numbers, memo. */
#include <jansson.h>

#include "tests/lib/store.h"

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

int
main(void)
{
	if (!make_top())
		return 1;
	objects();
	trees();
	records();
	numbers();
	many_records();
	memo();
	ax_rmtree(top, NULL);
	return tap_done();
}
