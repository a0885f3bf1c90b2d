/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/run/tools.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/proc.h"

#define VERSION_TIMEOUT 20.0
#define MAX_VERSION 200

/* The first line with something in it, control characters blanked. */
static char *
first_line(const char *text)
{
	const char *end;
	char *line;
	size_t n;

	text += strspn(text, " \t\r\n");
	end = text + strcspn(text, "\r\n");
	n = AX_MIN((size_t)(end - text), (size_t)MAX_VERSION);
	while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	line = ax_strndup(text, n);
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	return line;
}

/* Runs the program for its version with the environment that stages get, so
 * that a locale or a variable of the user cannot show in the answer. */
static int
ask(const char *path, char *const *args, struct ax_str *out, struct ax_err *err)
{
	static const char *const env[] = {"PATH=/usr/local/bin:/usr/bin:/bin",
					  "HOME=/nonexistent", "LC_ALL=C",
					  "TZ=UTC", NULL};
	struct ax_proc p = AX_PROC_INIT;
	const char *argv[32];
	size_t n = 0;
	double end = ax_now() + VERSION_TIMEOUT;
	int fds[2], status;
	bool late = false;
	pid_t pid;

	argv[n++] = path;
	for (size_t i = 0; args && args[i] && n < AX_LEN(argv) - 1; i++)
		argv[n++] = args[i];
	argv[n] = NULL;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return ax_err_set(err, AX_EXIT_ENV, "cannot create a pipe:");
	p.argv = argv;
	p.envp = env;
	p.out = p.err = fds[1];
	pid = ax_spawn(&p, err);
	close(fds[1]);
	while (pid > 0) {
		struct pollfd pfd = {fds[0], POLLIN, 0};
		double left = end - ax_now();
		char buf[4096];
		ssize_t got;

		if (left <= 0) {
			late = true;
			break;
		}
		if (poll(&pfd, 1, (int)(left * 1000) + 1) <= 0)
			continue;
		got = read(fds[0], buf, sizeof(buf));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		ax_str_addn(out, buf, (size_t)got);
	}
	close(fds[0]);
	if (pid < 0)
		return -1;
	/* it has said all it can say */
	kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (late)
		return ax_err_set(err, AX_EXIT_ENV,
				  "%s: did not tell its version within %g s",
				  path, VERSION_TIMEOUT);
	return 0;
}

static void
add_part(struct ax_str *s, const char *name, const struct ax_digest *d)
{
	char hex[AX_HEX_LEN + 1];

	ax_str_addf(s, "%zu:%s %s\n", strlen(name), name,
		    d ? ax_hex(hex, d) : "absent");
}

static int
digest_files(struct ax_digest *out, struct ax_store *s, const struct ax_tool *t,
	     const char *real, struct ax_err *err)
{
	struct ax_str text = AX_STR_INIT;
	struct ax_digest d;
	char *dir = ax_dirname(real), *path;
	bool tree;
	int rc;

	rc = ax_memo_hash(s, &d, NULL, &tree, real, err);
	if (rc == 0)
		add_part(&text, "program", &d);
	for (size_t i = 0; rc == 0 && t->files && t->files[i]; i++) {
		path = ax_join(dir, t->files[i]);
		if (access(path, F_OK) < 0) {
			add_part(&text, t->files[i], NULL);
		} else {
			rc = ax_memo_hash(s, &d, NULL, &tree, path, err);
			if (rc == 0)
				add_part(&text, t->files[i], &d);
		}
		free(path);
	}
	if (rc == 0)
		*out = ax_hash_bytes(text.buf, text.len);
	else
		ax_err_wrap(err, "tool %s (%s)", t->name, real);
	ax_str_free(&text);
	free(dir);
	return rc;
}

/* <store>/tools/<digest of the identity and the question> holds the line. */
static char *
memo_path(struct ax_store *s, const struct ax_tool *t,
	  const struct ax_digest *digest)
{
	struct ax_str text = AX_STR_INIT;
	char hex[AX_HEX_LEN + 1], *dir, *path;
	struct ax_digest d;

	ax_str_addn(&text, digest->b, sizeof(digest->b));
	for (size_t i = 0; t->version && t->version[i]; i++)
		ax_str_addn(&text, t->version[i], strlen(t->version[i]) + 1);
	d = ax_hash_bytes(text.buf, text.len);
	ax_str_free(&text);
	dir = ax_join(ax_store_dir(s), "tools");
	path = ax_join(dir, ax_hex(hex, &d));
	free(dir);
	return path;
}

int
ax_tool_identify(struct ax_tool_id *out, struct ax_store *s,
		 const struct ax_tool *t, struct ax_err *err)
{
	struct ax_str text = AX_STR_INIT;
	char *real, *memo = NULL, *dir, *known = NULL;
	size_t len;
	int rc = -1;

	memset(out, 0, sizeof(*out));
	out->path = ax_which(t->program, false);
	if (!out->path)
		return 1;
	if (out->path[0] != '/') {
		char *abs = realpath(out->path, NULL);

		free(out->path);
		out->path = abs;
	}
	real = out->path ? realpath(out->path, NULL) : NULL;
	if (!real) {
		ax_err_set(err, AX_EXIT_ENV, "tool %s: %s:", t->name,
			   t->program);
		goto done;
	}
	if (digest_files(&out->digest, s, t, real, err) < 0)
		goto done;
	memo = memo_path(s, t, &out->digest);
	if (t->version && ax_read_file(&known, &len, memo, 4096, NULL) == 0) {
		out->version = first_line(known);
	} else if (t->version) {
		text.max = 65536;
		if (ask(out->path, t->version, &text, err) < 0) {
			ax_err_wrap(err, "tool %s", t->name);
			goto done;
		}
		out->version = first_line(text.buf ? text.buf : "");
		/* a store that cannot be written asks again next time */
		dir = ax_dirname(memo);
		if (!ax_store_readonly(s) && ax_mkdirs(dir, NULL) == 0)
			(void)ax_write_file(memo, out->version,
					    strlen(out->version), NULL);
		free(dir);
	} else {
		out->version = ax_strdup("");
	}
	rc = 0;
done:
	if (rc < 0)
		ax_tool_id_free(out);
	ax_str_free(&text);
	free(known);
	free(memo);
	free(real);
	return rc;
}

void
ax_tool_id_free(struct ax_tool_id *id)
{
	free(id->path);
	free(id->version);
	memset(id, 0, sizeof(*id));
}
