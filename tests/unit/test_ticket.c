/* SPDX-License-Identifier: Apache-2.0 */
/* exit.json and job.json: what goes over the shared file system, and rubbish
 * in its place. */
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/run/exec.h"
#include "pipeline/run/ticket.h"
#include "tests/lib/tap.h"

static const char good[] =
	"{\"axpipe_exit\":1,\"key\":\"00\",\"rc\":7,\"signal\":0,"
	"\"timed_out\":false,\"log_full\":false,\"stopped\":true,"
	"\"error\":\"a\\u001bb\",\"host\":\"h\",\"job\":\"12_3\",\"restart\":2,"
	"\"began\":1.5,\"over\":2.5,\"cpu_seconds\":0.5,\"max_rss\":1024}";

static int
parse(const char *text, struct ax_exit *e)
{
	struct ax_err err = AX_ERR_INIT;

	return ax_exit_parse(e, text, strlen(text), &err);
}

/* The good text with one piece of it replaced must be refused. */
static int
refused(const char *piece, const char *by)
{
	const char *at = strstr(good, piece);
	struct ax_exit e;
	char *text;
	int rc;

	if (!at)
		return 0;
	text = ax_asprintf("%.*s%s%s", (int)(at - good), good, by,
			   at + strlen(piece));
	rc = parse(text, &e);
	free(text);
	return rc == -1;
}

static void
exits(const char *dir)
{
	struct ax_exit e, back;
	size_t n = 0;

	ok(parse(good, &e) == 0, "a good one is read");
	ok(e.rc == 7 && e.stopped && e.restart == 2 && e.max_rss == 1024 &&
		   ax_streq(e.job, "12_3"),
	   "with what it says");
	ok(ax_streq(e.error, "a b"), "no escape sequence comes through");
	ok(refused("\"rc\":7", "\"rc\":256"), "no such exit code");
	ok(refused("\"rc\":7", "\"rc\":\"7\""), "a string is no number");
	ok(refused("\"rc\":7", "\"rc\":-1"), "nor is -1 a code");
	ok(refused("\"rc\":7,", ""), "a member is missing");
	ok(refused("\"signal\":0", "\"signal\":9e99"), "no such signal");
	ok(refused("1.5", "-1.5"), "a time before time");
	ok(refused("1.5", "1e300"), "and one after it");
	ok(refused("\"axpipe_exit\":1", "\"axpipe_exit\":2"),
	   "another version");
	for (size_t i = 0; i < strlen(good); i++) {
		char *cut = ax_strndup(good, i);

		n += parse(cut, &e) == -1;
		free(cut);
	}
	ok(n == strlen(good), "cut off anywhere, it is refused");
	parse(good, &e);
	ok(ax_exit_read(&back, dir, NULL) == 0, "none is there yet");
	ok(ax_exit_write(dir, &e, NULL) == 0 &&
		   ax_exit_read(&back, dir, NULL) == 1 &&
		   memcmp(&e, &back, sizeof(e)) == 0,
	   "written and read again it is the same");
}

static void
tickets(const char *dir)
{
	static const char *const argv[] = {"/bin/true", "a b", NULL};
	static const char *const env[] = {"A=1", NULL};
	static const char *const bad[] = {
		"",
		"[]",
		"{\"axpipe_job\":1}",
		"{\"axpipe_job\":1,\"key\":\"k\",\"node\":\"n\",\"store\":\"/"
		"s\",\"argv\":[],\"env\":[],\"timeout\":0,\"files\":{"
		"\"inputs\":[],\"outputs\":[]}}",
		"{\"axpipe_job\":1,\"key\":\"k\",\"node\":\"n\",\"store\":\"/"
		"s\",\"argv\":[\"x\"],\"env\":[],\"timeout\":0,\"files\":{"
		"\"inputs\":[{\"path\":\"../x\",\"sha256\":\"\"}],"
		"\"outputs\":[]}}",
	};
	json_t *files =
		json_pack("{s:[{s:s,s:s,s:b}], s:[{s:s,s:b}]}", "inputs",
			  "path", "in/a", "sha256", "00", "tree", 0, "outputs",
			  "path", "out/b", "tree", 1);
	struct ax_job j = {0};
	struct ax_ticket t;
	char *path = ax_join(dir, "job.json");
	int n = 0;

	j.argv = argv;
	j.envp = env;
	j.dir = dir;
	j.key = "k";
	j.node = "n";
	j.timeout = 1.25;
	j.files = files;
	ok(ax_ticket_write(&j, "/store", NULL) == 0 &&
		   ax_ticket_read(&t, dir, NULL) == 0,
	   "a job is written and read");
	ok(ax_streq(t.argv[1], "a b") && !t.argv[2] &&
		   ax_streq(t.envp[0], "A=1") && t.timeout == 1.25 &&
		   ax_streq(t.store, "/store") &&
		   json_array_size(t.inputs) == 1,
	   "and says the same");
	ax_ticket_free(&t);
	for (size_t i = 0; i < AX_LEN(bad); i++) {
		if (ax_write_plain(path, bad[i], strlen(bad[i]), NULL) == 0 &&
		    ax_ticket_read(&t, dir, NULL) == -1)
			n++;
	}
	ok(n == (int)AX_LEN(bad), "rubbish and paths that climb are refused");
	free(path);
	json_decref(files);
}

int
main(void)
{
	char *dir = ax_tmp_template("axpipe-ticket");

	if (!mkdtemp(dir))
		return 1;
	exits(dir);
	tickets(dir);
	(void)ax_rmtree(dir, NULL);
	free(dir);
	return tap_done();
}
