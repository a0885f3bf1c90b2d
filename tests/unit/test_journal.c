/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of nodes: what it reads back, torn lines, strange names,
 * rewriting. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/run/journal.h"
#include "tests/lib/tap.h"

static char dir[] = "/tmp/axpipe-journal.XXXXXX";

static void
append_bytes(const char *text, size_t n)
{
	char *path = ax_asprintf("%s/nodes/m", dir);
	int fd = open(path, O_WRONLY | O_APPEND);

	ok(fd >= 0 && ax_write_all(fd, text, n) == 0,
	   "text was appended by hand");
	close(fd);
	free(path);
}

static void
append_text(const char *text)
{
	append_bytes(text, strlen(text));
}

static off_t
size_of(void)
{
	char *path = ax_asprintf("%s/nodes/m", dir);
	struct stat st;
	off_t size = stat(path, &st) == 0 ? st.st_size : -1;

	free(path);
	return size;
}

int
main(void)
{
	struct ax_digest a = ax_hash_bytes("a", 1), b = ax_hash_bytes("b", 1);
	const char *odd = "n[x=a b\tc\\d\ne]";
	const struct ax_past *p;
	struct ax_journal *j;
	off_t before;

	if (!mkdtemp(dir))
		return 1;
	j = ax_journal_open(dir, "m", false);
	ok(!ax_journal_find(j, "n"), "nothing is known at first");
	ax_journal_ok(j, "n", &a, "run1", 1.5);
	ax_journal_ok(j, odd, &b, "run1", 0.25);
	ax_journal_failed(j, "f", &b, "run1", 3, "exit code 7\n  log");
	ok(!ax_journal_find(j, "n"), "an open journal tells of the past only");
	ax_journal_close(j);

	j = ax_journal_open(dir, "m", false);
	p = ax_journal_find(j, "n");
	ok(p && p->ok && !p->failed && ax_digest_eq(&p->key, &a), "a key");
	is_str(p ? p->run : NULL, "run1", "a run");
	ok(p && p->seconds == 1.5, "seconds");
	p = ax_journal_find(j, odd);
	ok(p && ax_digest_eq(&p->key, &b), "a name with blanks and escapes");
	p = ax_journal_find(j, "f");
	ok(p && p->failed && !p->ok, "a failure");
	is_str(p ? p->error : NULL, "exit code 7", "the error's first line");
	ax_journal_ok(j, "f", &a, "run2", 1);
	ax_journal_close(j);

	append_text("ok 123 torn");
	j = ax_journal_open(dir, "m", false);
	p = ax_journal_find(j, "f");
	ok(p && p->ok && !p->failed, "a success ends a failure");
	ok(ax_journal_find(j, "n") != NULL, "a torn line hides nothing");
	ax_journal_ok(j, "later", &a, "run3", 1);
	ax_journal_close(j);
	append_text("nonsense\nok zz run 1 n\nno\nok \n\n");
	j = ax_journal_open(dir, "m", false);
	ok(ax_journal_find(j, "later") != NULL,
	   "nor does it take the next one with it");
	ax_journal_close(j);
	append_bytes("ok \0\0\0\0\0\0\n", 10);
	j = ax_journal_open(dir, "m", false);
	ax_journal_ok(j, "last", &a, "run3", 1);
	ax_journal_close(j);
	j = ax_journal_open(dir, "m", false);
	ok(ax_journal_find(j, "later") && ax_journal_find(j, "last"),
	   "zeros, as a crash leaves them, end only their own line");
	for (int i = 0; i < 3000; i++)
		ax_journal_ok(j, "n", i % 2 ? &a : &b, "run4", 2);
	ax_journal_close(j);

	before = size_of();
	j = ax_journal_open(dir, "m", true);
	ax_journal_ok(j, "never", &a, "run5", 1);
	ax_journal_close(j);
	is_int(size_of(), before, "read-only: neither rewritten nor added to");
	j = ax_journal_open(dir, "m", false);
	ok(size_of() < before / 100, "a long journal is rewritten");
	ax_journal_close(j);
	j = ax_journal_open(dir, "m", false);
	p = ax_journal_find(j, "n");
	ok(p && ax_digest_eq(&p->key, &a) && p->seconds == 2,
	   "and says the same");
	ok(ax_journal_find(j, odd) && !ax_journal_find(j, "never"),
	   "for each node");
	ax_journal_close(j);
	ax_rmtree(dir, NULL);
	return tap_done();
}
