/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs: addresses, archives, git, mirrors, and what goes wrong with them. */
#include <archive.h>
#include <archive_entry.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/fetch/fetch.h"
#include "tests/lib/nosync.h"
#include "tests/lib/tap.h"

static char *top;
static struct ax_store *store;
static struct ax_err err;
static struct ax_digest got;
static bool is_folder;

static char *
in_top(const char *name)
{
	return ax_join(top, name);
}

static void
bail(const char *what)
{
	printf("Bail out! %s\n", what);
	exit(1);
}

static void
put_bytes(const char *name, const void *bytes, size_t n)
{
	char *path = in_top(name), *dir = ax_dirname(path);

	if (ax_mkdirs(dir, &err) < 0 ||
	    ax_write_plain(path, bytes, n, &err) < 0)
		bail(err.text);
	free(dir);
	free(path);
}

static void
put_text(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text));
}

static struct ax_digest
digest_of(const char *text)
{
	return ax_hash_bytes(text, strlen(text));
}

static char *
url_of(const char *name)
{
	return ax_asprintf("file://%s/%s", top, name);
}

/* A fresh store, so that nothing is at hand. */
static void
fresh(void)
{
	static int n;
	char *dir = ax_asprintf("%s/store%d", top, n++);

	ax_store_close(store);
	if (ax_store_open(&store, dir, false, &err) < 0)
		bail(err.text);
	free(dir);
	ax_err_clear(&err);
}

static bool
holds(const struct ax_digest *d, const char *text)
{
	char *bytes;
	size_t n;
	bool same;

	if (ax_store_get_bytes(store, d, &bytes, &n, 1 << 20, NULL) < 0)
		return false;
	same = n == strlen(text) && memcmp(bytes, text, n) == 0;
	free(bytes);
	return same;
}

static size_t
count_dir(const char *name)
{
	char *path = ax_join(ax_store_dir(store), name), **list;
	size_t n = 0;

	if (ax_list_dir(&list, &n, path, 100000, NULL) == 0)
		ax_free_list(list, n);
	free(path);
	return n;
}

static void
plain_addresses(void)
{
	struct ax_source s = {.kind = AX_SOURCE_URL, .pinned = true};
	struct ax_fetch_options o = {0};
	int rc;

	fresh();
	put_text("web/a", "hello");
	s.url = url_of("web/a");
	s.sha256 = digest_of("hello");
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) == 0 &&
		   !is_folder && holds(&got, "hello"),
	   "file:// address");
	put_text("web/a", "HELLO");
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) == 0 &&
		   holds(&got, "hello"),
	   "what the store has is not fetched again");
	fresh();
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) < 0 &&
		   err.exit == 3 && strstr(err.text, "wrong hash") &&
		   strstr(err.text, "2cf24dba5fb0a30e") && /* of hello */
		   strstr(err.text, "3733cd977ff8eb18"),   /* of HELLO */
	   "a wrong hash names both");
	printf("# %s\n", err.text);
	is_int(count_dir("cas"), 0, "and nothing is stored");
	is_int(count_dir("tmp"), 0, "not even on the way");
	put_text("web/a", "hello, all of you");
	s.size = 5;
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) < 0 &&
		   err.exit == 3 && strstr(err.text, "more than 5 bytes"),
	   "more bytes than the size says");
	s.size = 0;
	o.max = 10;
	ok(ax_fetch(store, &s, &o, &got, &is_folder, &err) < 0 &&
		   strstr(err.text, "more than 10 bytes"),
	   "more bytes than the cap");
	s.size = 8;
	put_text("web/a", "hell");
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) < 0 &&
		   strstr(err.text, "4 bytes came"),
	   "fewer bytes than the size says");
	free(s.url);
	s.size = 0;
	s.url = url_of("web/none");
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) < 0 &&
		   err.exit == 3 && strstr(err.text, "web/none"),
	   "no such file");
	free(s.url);
	s.url = ax_strdup("gopher://localhost/x");
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) < 0 &&
		   err.exit == 3,
	   "another protocol is refused");
	free(s.url);
	s.url = ax_strdup("https://example.invalid/x");
	o.offline = true;
	rc = ax_fetch(store, &s, &o, &got, &is_folder, &err);
	ok(rc < 0 && err.exit == 3 && strstr(err.text, "--offline") &&
		   strstr(err.text, "--mirror"),
	   "offline says what to do");
	s.pinned = false;
	ok(ax_fetch(store, &s, &o, &got, &is_folder, &err) < 0 && err.exit == 2,
	   "an address without a hash is refused");
	free(s.url);
}

static void
files(void)
{
	struct ax_source s = {.kind = AX_SOURCE_FILE};
	struct ax_digest hello = digest_of("hello");
	struct ax_fetch_options o = {0};
	const char *mirror = in_top("file-mirror");

	fresh();
	put_text("in/file", "hello");
	s.path = in_top("in/file");
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) == 0 &&
		   !is_folder && holds(&got, "hello"),
	   "a file");
	ok(ax_fetch_known(store, &s, &got, &is_folder, &err) == 1 &&
		   ax_digest_eq(&got, &hello),
	   "its digest is known");
	s.pinned = true;
	s.sha256 = digest_of("other");
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) < 0 &&
		   strstr(err.text, "wrong hash"),
	   "pinned to something else");
	s.sha256 = hello;
	unlink(s.path);
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) == 0,
	   "a pinned file may be missing where the store has its bytes");
	fresh();
	put_text("file-mirror/x", "hello");
	o.mirrors = &mirror;
	o.nmirrors = 1;
	ok(ax_fetch(store, &s, &o, &got, &is_folder, &err) == 0 &&
		   holds(&got, "hello"),
	   "or a mirror");
	s.pinned = false;
	ok(ax_fetch(store, &s, &o, &got, &is_folder, &err) < 0 &&
		   err.exit == 3 && strstr(err.text, "in/file"),
	   "else it must be there");
	free(s.path);
	s.path = in_top("in");
	put_text("in/sub/a", "1");
	ok(ax_fetch(store, &s, &o, &got, &is_folder, &err) == 0 && is_folder &&
		   ax_store_has(store, &got),
	   "a folder");
	free(s.path);
	free((char *)mirror);
}

/* A .tar.gz with what nobody should put into one. */
static void
make_archive(const char *name)
{
	static const struct {
		const char *path, *text, *link;
	} members[] = {
		{"data/first", "one", NULL},
		{"../outside", "evil", NULL},
		{"/etc/axpipe-test", "evil", NULL},
		{"data/link", NULL, "/etc/passwd"},
		{"./data/second", "two", NULL},
		{"data/folder", NULL, NULL},
		{"data/train", "three", NULL},
	};
	struct archive *a = archive_write_new();
	struct archive_entry *e;
	char *path = in_top(name);
	size_t i;

	archive_write_add_filter_gzip(a);
	archive_write_set_format_pax_restricted(a);
	if (archive_write_open_filename(a, path) != ARCHIVE_OK)
		bail("archive");
	for (i = 0; i < AX_LEN(members); i++) {
		e = archive_entry_new();
		archive_entry_set_pathname(e, members[i].path);
		archive_entry_set_perm(e, 0644);
		archive_entry_set_filetype(e, members[i].text   ? AE_IFREG
					      : members[i].link ? AE_IFLNK
								: AE_IFDIR);
		if (members[i].link)
			archive_entry_set_symlink(e, members[i].link);
		if (members[i].text)
			archive_entry_set_size(
				e, (la_int64_t)strlen(members[i].text));
		if (archive_write_header(a, e) != ARCHIVE_OK)
			bail(archive_error_string(a));
		if (members[i].text)
			archive_write_data(a, members[i].text,
					   strlen(members[i].text));
		archive_entry_free(e);
	}
	archive_write_close(a);
	archive_write_free(a);
	free(path);
}

/* Compresses as a single file. */
static void
pack(const char *name, const void *bytes, size_t n, bool xz)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	char *path = in_top(name), *dir = ax_dirname(path);

	ax_mkdirs(dir, NULL);
	if (xz)
		archive_write_add_filter_xz(a);
	else
		archive_write_add_filter_gzip(a);
	archive_write_set_format_raw(a);
	if (archive_write_open_filename(a, path) != ARCHIVE_OK)
		bail("pack");
	archive_entry_set_filetype(e, AE_IFREG);
	archive_write_header(a, e);
	archive_write_data(a, bytes, n);
	archive_entry_free(e);
	archive_write_close(a);
	archive_write_free(a);
	free(path);
	free(dir);
}

static int
member(struct ax_source *s, const char *name, const char *text)
{
	s->member = (char *)name;
	s->sha256 = digest_of(text);
	ax_err_clear(&err);
	return ax_fetch(store, s, NULL, &got, &is_folder, &err);
}

static void
archives(void)
{
	static const char *const bad[] = {"../outside", "/etc/axpipe-test",
					  "data/../data/first", "data//first"};
	struct ax_source s = {.kind = AX_SOURCE_URL, .pinned = true};
	struct stat st;
	char *path, *bytes, *text;
	size_t n, i;

	fresh();
	make_archive("web/a.tar.gz");
	s.url = url_of("web/a.tar.gz");
	ok(member(&s, "data/first", "one") == 0 && holds(&got, "one"),
	   "a member");
	ok(member(&s, "data/second", "two") == 0 && holds(&got, "two"),
	   "one that is written with ./");
	path = in_top("web/a.tar.gz");
	unlink(path);
	ok(member(&s, "data/train", "three") == 0,
	   "the archive is fetched once for all of its members");
	make_archive("web/a.tar.gz");
	for (i = 0; i < AX_LEN(bad); i++)
		ok(member(&s, bad[i], "evil") < 0 && err.exit == 2,
		   "member %s is refused", bad[i]);
	ok(member(&s, "data/link", "x") < 0 && strstr(err.text, "link"),
	   "so is a link");
	ok(member(&s, "data/folder", "x") < 0, "and a folder");
	ok(member(&s, "data/trian", "three2") < 0 &&
		   strstr(err.text, "did you mean \"data/train\""),
	   "a missing member, with a suggestion");
	ok(member(&s, "data/first", "uno") < 0 &&
		   strstr(err.text, "wrong hash") &&
		   strstr(err.text, "data/first"),
	   "a member with another hash");
	s.size = 2;
	ok(member(&s, "data/first", "oneX") < 0 && strstr(err.text, "2 bytes"),
	   "a member larger than its size");
	s.size = 0;

	/* a list of files of this machine is no archive */
	put_text("web/a.mtree", "#mtree\n./x type=file contents=/etc/passwd\n");
	free(s.url);
	s.url = url_of("web/a.mtree");
	ok(member(&s, "x", "root") < 0 && err.exit == 3 &&
		   strstr(err.text, "cannot be unpacked"),
	   "an mtree is not read");

	/* cut off */
	fresh();
	text = ax_malloc(200000);
	for (i = 0; i < 200000; i++)
		text[i] = (char)(i * i >> 7);
	pack("web/big.gz", text, 200000, false);
	free(s.url);
	s.url = url_of("web/big.gz");
	s.decompress = true;
	s.member = NULL;
	s.sha256 = ax_hash_bytes(text, 200000);
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) == 0 &&
		   ax_digest_eq(&got, &s.sha256),
	   "a compressed single file");
	free(path);
	path = in_top("web/big.gz");
	ax_read_file(&bytes, &n, path, 1 << 20, &err);
	for (i = 0; i < 3; i++) {
		static const int cut[] = {5, 1000, 6};

		fresh();
		put_bytes("web/big.gz", bytes, i == 2 ? 6 : n - (size_t)cut[i]);
		ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) < 0 &&
			   err.exit == 3 && !ax_store_has(store, &s.sha256),
		   "a cut-off one is an error");
		printf("# %.200s\n", err.text);
	}
	fresh();
	put_bytes("web/big.gz", text, 1000);
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) < 0 &&
		   strstr(err.text, "not compressed"),
	   "so is one that is not compressed");
	/* much in little: the cap counts unpacked bytes */
	memset(text, 0, 200000);
	pack("web/big.gz", text, 200000, false);
	ok(stat(path, &st) == 0 && st.st_size < 2000, "200000 bytes in %d",
	   (int)st.st_size);
	fresh();
	s.size = 100000;
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) < 0 &&
		   strstr(err.text, "100000 bytes, the limit"),
	   "a bomb is stopped at the size");
	free(bytes);
	free(text);
	free(path);
	free(s.url);
}

/* Repositories ------------------------------------------------------------ */

struct entry {
	const char *path, *text;
	git_filemode_t mode;
};

static void
commit(const char *repo_path, const struct entry *list, size_t n, char hex[41])
{
	git_repository *repo = NULL;
	git_index *index = NULL;
	git_index_entry e;
	git_signature *who;
	git_oid tree_id, id;
	git_tree *tree;
	git_commit *parent = NULL;
	const git_commit *parents[1];
	size_t i;

	if (git_repository_init(&repo, repo_path, 0) < 0 ||
	    git_repository_index(&index, repo) < 0)
		bail("git");
	git_index_clear(index);
	for (i = 0; i < n; i++) {
		memset(&e, 0, sizeof(e));
		e.mode = list[i].mode;
		e.path = list[i].path;
		if (list[i].mode == GIT_FILEMODE_COMMIT) {
			git_oid_fromstr(&e.id, list[i].text);
			if (git_index_add(index, &e) < 0)
				bail("git index");
		} else if (git_index_add_from_buffer(index, &e, list[i].text,
						     strlen(list[i].text)) <
			   0) {
			bail("git index");
		}
	}
	git_index_write_tree(&tree_id, index);
	git_tree_lookup(&tree, repo, &tree_id);
	git_signature_new(&who, "t", "t@example.org", 1000000000, 0);
	if (git_reference_name_to_id(&id, repo, "HEAD") == 0)
		git_commit_lookup(&parent, repo, &id);
	parents[0] = parent;
	if (git_commit_create(&id, repo, "HEAD", who, who, NULL, "m", tree,
			      parent ? 1 : 0, parents) < 0)
		bail(git_error_last()->message);
	git_oid_tostr(hex, 41, &id);
	git_signature_free(who);
	git_commit_free(parent);
	git_tree_free(tree);
	git_index_free(index);
	git_repository_free(repo);
}

static void
repositories(void)
{
	static const struct entry first[] = {
		{"README", "read me", GIT_FILEMODE_BLOB},
		{"cells/a.lib", "a", GIT_FILEMODE_BLOB},
		{"cells/deep/run", "#!", GIT_FILEMODE_BLOB_EXECUTABLE},
	};
	static const struct entry second[] = {
		{"README", "read me again", GIT_FILEMODE_BLOB},
		{"linked/x", "README", GIT_FILEMODE_LINK},
		{"sub/module", "0123456789abcdef0123456789abcdef01234567",
		 GIT_FILEMODE_COMMIT},
	};
	char one[41], two[41], *repo = in_top("repo"), *work = in_top("copy");
	char *away = in_top("repo-away");
	struct ax_source s = {.kind = AX_SOURCE_GIT};
	struct ax_fetch_options o = {0};
	struct ax_digest d, tree;

	fresh();
	commit(repo, first, AX_LEN(first), one);
	commit(repo, second, AX_LEN(second), two);
	s.url = repo;
	s.rev = one;
	s.path = (char *)"README";
	ok(ax_fetch_known(store, &s, &d, &is_folder, &err) == 0,
	   "git: not known before");
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) == 0 &&
		   !is_folder && holds(&got, "read me"),
	   "a file at a commit");
	printf("# %s\n", err.text);
	s.rev = two;
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) == 0 &&
		   holds(&got, "read me again"),
	   "the same file at another");
	s.rev = one;
	s.path = (char *)"cells/";
	put_text("copy/a.lib", "a");
	put_text("copy/deep/run", "#!");
	{
		char *run = in_top("copy/deep/run");

		chmod(run, 0755);
		free(run);
	}
	ax_hash_tree(&tree, work, &err);
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) == 0 &&
		   is_folder && ax_digest_eq(&got, &tree) &&
		   ax_store_has(store, &got),
	   "a folder is the tree of its files, with execute bits");
	s.path = NULL;
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) == 0 && is_folder,
	   "the root");
	is_int(count_dir("git"), 1, "one clone for all");
	is_int(count_dir("tmp"), 0, "nothing is left on the way");

	/* the commit is known: neither repository nor network */
	rename(repo, away);
	s.path = (char *)"cells/";
	o.offline = true;
	ok(ax_fetch(store, &s, &o, &got, &is_folder, &err) == 0 && is_folder &&
		   ax_digest_eq(&got, &tree),
	   "again, without the repository");
	ok(ax_fetch_known(store, &s, &d, &is_folder, &err) == 1 && is_folder &&
		   ax_digest_eq(&d, &tree),
	   "and known at once");
	s.rev = two;
	s.path = (char *)"README";
	ok(ax_fetch(store, &s, &o, &got, &is_folder, &err) == 0,
	   "another path of a known commit as well");
	rename(away, repo);

	s.path = (char *)"nothing/here";
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) < 0 &&
		   err.exit == 3 && strstr(err.text, "nothing/here"),
	   "no such path");
	s.path = (char *)"linked";
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) < 0 &&
		   strstr(err.text, "symbolic link") &&
		   strstr(err.text, "linked/x"),
	   "a link in a folder is refused");
	s.path = (char *)"sub";
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) < 0 &&
		   strstr(err.text, "submodule"),
	   "so is a submodule");
	s.path = (char *)"../up";
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) < 0 &&
		   err.exit == 2,
	   "and a path that leads outside");
	is_int(count_dir("tmp"), 0, "nothing is left on the way");
	s.path = (char *)"README";
	s.rev = (char *)"0123456789abcdef0123456789abcdef01234567";
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) < 0 &&
		   err.exit == 3 && strstr(err.text, "no commit"),
	   "no such commit");
	s.rev = (char *)"master";
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) < 0 &&
		   err.exit == 2,
	   "a branch is no commit");
	s.rev = one;
	s.pinned = true;
	s.sha256 = digest_of("something else");
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) < 0 &&
		   strstr(err.text, "wrong hash"),
	   "a pinned file with another hash");
	s.path = (char *)"cells";
	s.sha256 = tree;
	fresh();
	s.url = ax_asprintf("file://%s", repo);
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) == 0 && is_folder,
	   "a pinned folder, by file://");
	printf("# %s\n", err.text);
	free(s.url);
	s.url = (char *)"https://example.invalid/x.git";
	ok(ax_fetch(store, &s, &o, &got, &is_folder, &err) == 0 && is_folder,
	   "pinned and in the store, any repository will do");
	fresh();
	ok(ax_fetch(store, &s, &o, &got, &is_folder, &err) < 0 &&
		   err.exit == 3 && strstr(err.text, "--offline"),
	   "offline and not at hand");
	s.url = in_top("not-there");
	ok(ax_fetch(store, &s, NULL, &got, &is_folder, &err) < 0 &&
		   err.exit == 3 && strstr(err.text, "not-there"),
	   "no such repository");
	printf("# %s\n", err.text);
	free(s.url);
	free(repo);
	free(work);
	free(away);
}

/* Mirrors ------------------------------------------------------------------ */

static int
find(const char *dir, const char *text, uint64_t size)
{
	struct ax_digest d = digest_of(text);
	char *path = in_top(dir);
	const char *list[1] = {path};
	int rc;

	fresh();
	rc = ax_mirror_find(store, list, 1, &d, size, &err);
	if (rc == 1 && !holds(&d, text))
		rc = -2;
	if (rc == 1 && !ax_mirror_has(store, list, 1, &d, size))
		rc = -3;
	free(path);
	return rc;
}

static void
mirrors(void)
{
	struct ax_digest plain = digest_of("plain"),
			 packed = digest_of("packed");
	struct ax_digest other = digest_of("other");
	char h1[AX_HEX_LEN + 1], h2[AX_HEX_LEN + 1], h3[AX_HEX_LEN + 1];
	struct ax_str sums = AX_STR_INIT;
	struct timespec since;
	struct stat st;
	char *path;
	const char *list[2];

	put_text("m1/sub/file", "plain");
	pack("m1/x.gz", "packed", 6, false);
	ax_str_addf(&sums,
		    "# a remark\n%s  sub/file\n%s  x.gz  (uncompressed)\n"
		    "%s  ../m2/file\n",
		    ax_hex(h1, &plain), ax_hex(h2, &packed),
		    ax_hex(h3, &other));
	put_bytes("m1/SHA256SUMS", sums.buf, sums.len);
	put_text("m2/file", "other");
	is_int(find("m1", "plain", 0), 1, "mirror: by SHA256SUMS");
	is_int(find("m1", "packed", 6), 1, "by its hash unpacked");
	is_int(find("m1", "other", 0), 0, "a line that leads outside is not");
	is_int(find("m1", "absent", 0), 0, "nothing");
	put_text("m1/sub/file", "PLAIN");
	is_int(find("m1", "plain", 0), 0,
	       "a file that is not what its line says is not taken");
	is_int(count_dir("cas"), 0, "nor stored");
	is_int(find("m2", "other", 0), 1, "by hashing");
	is_int(find("m2", "other", 4), 0, "not of another size");
	pack("m3/deep/y.xz", "packed in xz", 12, true);
	pack("m3/deep/z.gz", "packed in gz", 12, false);
	put_text("m3/broken.gz", "\x1f\x8b\x08 broken");
	is_int(find("m3", "packed in xz", 0), 1, ".xz by hashing");
	is_int(find("m3", "packed in gz", 12), 1, ".gz by hashing");
	is_int(find("none", "x", 0), 0, "a mirror that is not there");

	/* the second time the memo knows */
	fresh();
	path = in_top("m3/deep/y.xz");
	stat(path, &st);
	clock_gettime(CLOCK_REALTIME, &since);
	since.tv_sec += 10;
	packed = digest_of("packed in xz");
	ax_memo_learn(store, &st, &st, since, AX_MEMO_UNPACKED, &other);
	list[0] = in_top("m3");
	ok(ax_mirror_has(store, list, 1, &other, 0) &&
		   !ax_mirror_has(store, list, 1, &packed, 0),
	   "what the memo says is not unpacked again");
	is_int(ax_mirror_find(store, list, 1, &other, 0, &err), 0,
	       "but what is taken is always verified");
	list[1] = in_top("m2");
	is_int(ax_mirror_find(store, list, 2, &other, 0, &err), 1,
	       "and the next mirror is asked");
	free((char *)list[0]);
	free((char *)list[1]);
	free(path);
	ax_str_free(&sums);
}

/* The real data, where it is. */
static void
real_mirror(void)
{
	static const char *const wanted[] = {
		/* plain, .gz unpacked */
		"48fd71e5d2e420711176a79518cc413469b006f214d9720343e9604e9e6dca"
		"0e",
		"99e519e3b30ec85af78d14c799cc18fe3037e9a6d636897693dd8417146cd0"
		"26",
		"07a123d67b5dd63e16f4ec41b86eab4f5e35072a5feba727d586acb912c83f"
		"8a",
	};
	const char *data = getenv("AXPIPE_DATA");
	struct ax_source s = {.kind = AX_SOURCE_URL, .pinned = true};
	struct ax_fetch_options o = {.offline = true, .nmirrors = 1};
	size_t i;

	if (!data || !data[0]) {
		tap_skip(3, "AXPIPE_DATA is not there");
		return;
	}
	fresh();
	o.mirrors = &data;
	s.url = (char *)"https://example.invalid/x";
	for (i = 0; i < AX_LEN(wanted); i++) {
		ax_unhex(&s.sha256, wanted[i]);
		ok(ax_fetch(store, &s, &o, &got, &is_folder, &err) == 0 &&
			   ax_store_has(store, &s.sha256),
		   "published input %.12s from the mirror", wanted[i]);
	}
}

/* A server ----------------------------------------------------------------- */

static void
answer(int fd)
{
	char buf[4096], line[256];
	ssize_t n = read(fd, buf, sizeof(buf) - 1);
	const char *body = "hello", *head = "200 OK", *extra = "";
	int length = 5;

	if (n <= 0)
		return;
	buf[n] = '\0';
	if (ax_starts(buf, "GET /missing")) {
		head = "404 Not Found";
	} else if (ax_starts(buf, "GET /moved")) {
		head = "302 Found";
		extra = "Location: /good\r\n";
	} else if (ax_starts(buf, "GET /steal")) {
		head = "302 Found";
		extra = "Location: file:///etc/passwd\r\n";
	} else if (ax_starts(buf, "GET /round")) {
		head = "302 Found";
		extra = "Location: /round\r\n";
	} else if (ax_starts(buf, "GET /short")) {
		length = 500;
	} else if (ax_starts(buf, "GET /stall")) {
		struct timespec pause = {8, 0};

		length = 500;
		snprintf(line, sizeof(line),
			 "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhel");
		if (ax_write_all(fd, line, strlen(line)) == 0)
			nanosleep(&pause, NULL);
		return;
	}
	snprintf(line, sizeof(line),
		 "HTTP/1.1 %s\r\n%sContent-Length: %d\r\n"
		 "Connection: close\r\n\r\n%s",
		 head, extra, length, body);
	(void)ax_write_all(fd, line, strlen(line));
}

static int
watch(void *arg, const char *what, uint64_t done, uint64_t total)
{
	(void)what;
	(void)done;
	(void)total;
	return ++*(int *)arg > 1000000;
}

static int
stop(void *arg, const char *what, uint64_t done, uint64_t total)
{
	(void)arg;
	(void)what;
	(void)done;
	(void)total;
	return 1;
}

static int
from_server(int port, const char *path, const struct ax_fetch_options *o)
{
	struct ax_source s = {.kind = AX_SOURCE_URL, .pinned = true};
	int rc;

	fresh();
	s.sha256 = digest_of("hello");
	s.url = ax_asprintf("http://127.0.0.1:%d/%s", port, path);
	rc = ax_fetch(store, &s, o, &got, &is_folder, &err);
	if (rc < 0)
		printf("# %s\n", err.text);
	free(s.url);
	return rc;
}

static void
server(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one, calls = 0;
	struct ax_fetch_options o = {0};
	pid_t pid;
	double t;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(fd, 16) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0) {
		tap_skip(9, "no local sockets here");
		return;
	}
	/* the test is about this server, not about the user's proxy */
	setenv("no_proxy", "*", 1);
	pid = fork();
	if (pid == 0) {
		signal(SIGPIPE, SIG_IGN);
		for (;;) {
			one = accept(fd, NULL, NULL);
			if (one >= 0) {
				answer(one);
				close(one);
			}
		}
	}
	close(fd);
	o.progress = watch;
	o.arg = &calls;
	ok(from_server(ntohs(a.sin_port), "good", &o) == 0 &&
		   holds(&got, "hello") && calls > 0,
	   "http, with progress");
	ok(from_server(ntohs(a.sin_port), "moved", NULL) == 0 &&
		   holds(&got, "hello"),
	   "a redirection is followed");
	ok(from_server(ntohs(a.sin_port), "steal", NULL) < 0 && err.exit == 3,
	   "but not to a file of ours");
	ok(from_server(ntohs(a.sin_port), "round", NULL) < 0 && err.exit == 3,
	   "nor round and round");
	ok(from_server(ntohs(a.sin_port), "missing", NULL) < 0 &&
		   strstr(err.text, "404") && strstr(err.text, "--mirror"),
	   "404");
	ok(from_server(ntohs(a.sin_port), "short", NULL) < 0 && err.exit == 3 &&
		   count_dir("cas") == 0 && count_dir("tmp") == 0,
	   "fewer bytes than announced");
	o.progress = stop;
	ok(from_server(ntohs(a.sin_port), "good", &o) < 0 && err.exit == 130,
	   "stopped by the caller");
	o.progress = NULL;
	o.stall_timeout = 1;
	o.tries = 1;
	t = ax_now();
	ok(from_server(ntohs(a.sin_port), "stall", &o) < 0 && err.exit == 3 &&
		   ax_now() - t < 5 && count_dir("tmp") == 0,
	   "a server that stops talking");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	t = ax_now();
	ok(from_server(ntohs(a.sin_port), "good", NULL) < 0 && err.exit == 3 &&
		   ax_now() - t < 10,
	   "nobody answers");
}

int
main(void)
{
	char template[] = "/tmp/axpipe-fetch.XXXXXX";

	setvbuf(stdout, NULL, _IOLBF, 0);
	top = mkdtemp(template);
	if (!top)
		return 1;
	git_libgit2_init();
	plain_addresses();
	files();
	archives();
	repositories();
	mirrors();
	real_mirror();
	server();
	ax_store_close(store);
	git_libgit2_shutdown();
	ax_rmtree(top, NULL);
	return tap_done();
}
