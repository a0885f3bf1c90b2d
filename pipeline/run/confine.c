/* SPDX-License-Identifier: Apache-2.0 */
/* `axpipe confine`: the process in whose place a stage runs. */
#include "pipeline/run/confine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"

extern char **environ;

/* The child, before it becomes the stage. */
static void
become(const struct ax_policy *p, int go, bool traced, char **argv)
{
	struct ax_err err = AX_ERR_INIT;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	/* until the tracer is there */
	if (read(go, &byte, 1) != 1)
		_exit(AX_EXIT_ENV);
	traced = byte == 't';
	close(go);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    (p->mode == AX_CONFINE_SANDBOX && ax_landlock_enter(p, &err) < 0) ||
	    ax_trace_filter(p->mode, traced) < 0) {
		fprintf(stderr, "axpipe: cannot confine the stage: %s\n",
			err.exit ? err.text : strerror(errno));
		_exit(AX_EXIT_ENV);
	}
	execve(argv[0], argv, environ);
	fprintf(stderr, "axpipe: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT || errno == EACCES ? 127 : 126);
}

static pid_t
start(const struct ax_policy *p, char **argv, bool *traced)
{
	int go[2];
	pid_t pid;

	if (pipe2(go, O_CLOEXEC) < 0)
		return -1;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		become(p, go[0], false, argv);
	}
	close(go[0]);
	if (pid > 0) {
		*traced = ax_trace_seize(pid) == 0;
		if (write(go[1], *traced ? "t" : "-", 1) != 1)
			kill(pid, SIGKILL);
	}
	close(go[1]);
	return pid;
}

static void
write_found(json_t *found, bool traced)
{
	json_t *o;
	char *text;

	if (!traced) {
		(void)unlink("audit.json");
		return;
	}
	o = json_pack("{s:i, s:O}", "axpipe_audit", 1, "found", found);
	text = json_dumps(o, JSON_INDENT(1));
	if (text)
		(void)ax_write_plain("audit.json", text, strlen(text), NULL);
	free(text);
	json_decref(o);
}

/* Files in out/ that no output of stage.json names. */
static void
find_extra(const struct ax_policy *p, json_t *found, const char *rel, int depth)
{
	char *dir = ax_join("out", rel), **names = NULL;
	size_t n = 0;

	if (depth > 20 || ax_list_dir(&names, &n, dir, 10000, NULL) < 0)
		n = 0;
	for (size_t i = 0; i < n; i++) {
		char *name =
			*rel ? ax_join(rel, names[i]) : ax_strdup(names[i]);
		bool part = false, declared = false;
		struct stat st;
		char *path = ax_join("out", name);

		for (size_t k = 0; p->outputs[k]; k++) {
			size_t len = strlen(p->outputs[k]);
			size_t mine = strlen(name);

			declared |= ax_streq(p->outputs[k], name) ||
				    (mine > len &&
				     strncmp(name, p->outputs[k], len) == 0 &&
				     name[len] == '/');
			part |= len > mine &&
				strncmp(p->outputs[k], name, mine) == 0 &&
				p->outputs[k][mine] == '/';
		}
		if (declared) {
			;
		} else if (part) {
			find_extra(p, found, name, depth + 1);
		} else if (lstat(path, &st) == 0) {
			json_t *v = json_string(path);

			json_array_append_new(
				found, json_pack("{s:s, s:o, s:s, s:b}", "kind",
						 "undeclared output", "path",
						 v ? v : json_string("?"), "by",
						 "the stage", "refused", 0));
		}
		free(path);
		free(name);
	}
	ax_free_list(names, n);
	free(dir);
}

int
ax_confine_main(int argc, char **argv)
{
	struct ax_err err = AX_ERR_INIT;
	json_t *found = json_array();
	struct ax_policy p;
	bool traced = false;
	int status = 0, rc;
	char *program;
	pid_t pid;

	if (argc < 2 || ax_policy_load(&p, argv[0], &err) < 0) {
		fprintf(stderr, "axpipe: %s\n",
			argc < 2 ? "confine: POLICY PROGRAM..." : err.text);
		return AX_EXIT_USAGE;
	}
	/* the stage gets them, too; this process stays to tell of it */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	program = ax_which(argv[1], false);
	if (program)
		argv[1] = program;
	pid = start(&p, argv + 1, &traced);
	if (pid > 0 && !traced && p.mode == AX_CONFINE_AUDIT) {
		kill(pid, SIGKILL);
		fprintf(stderr, "axpipe: --audit: ptrace is not allowed here; "
				"nothing was looked at\n");
		return AX_EXIT_ENV;
	}
	rc = pid < 0  ? -1
	     : traced ? ax_trace_follow(pid, &p, found, &status)
		      : (waitpid(pid, &status, 0) == pid ? 0 : -1);
	if (rc == 0)
		find_extra(&p, found, "", 0);
	write_found(found, traced);
	json_decref(found);
	ax_policy_free(&p);
	if (rc < 0)
		return AX_EXIT_ENV;
	if (WIFSIGNALED(status)) {
		/* die as it died */
		signal(WTERMSIG(status), SIG_DFL);
		prctl(PR_SET_DUMPABLE, 0);
		raise(WTERMSIG(status));
	}
	return WEXITSTATUS(status);
}

/* True when a child can be traced and filtered as ax_confine_main does it. */
static bool
can_trace(void)
{
	int go[2], status = 0;
	char byte = 0;
	bool good;
	pid_t pid;

#if !defined(__x86_64__) && !defined(__aarch64__)
	return false;
#endif
	if (pipe2(go, O_CLOEXEC) < 0)
		return false;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (read(go[0], &byte, 1) != 1)
			_exit(1);
		_exit(ax_trace_filter(AX_CONFINE_SANDBOX, true) < 0);
	}
	good = pid > 0 && ax_trace_seize(pid) == 0;
	good = write(go[1], "g", 1) == 1 && good;
	close(go[0]);
	close(go[1]);
	while (pid > 0 && waitpid(pid, &status, __WALL) == pid &&
	       WIFSTOPPED(status))
		kill(pid, SIGKILL);
	return good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int
ax_confine_probe(enum ax_confine mode, struct ax_err *err)
{
	if (mode == AX_CONFINE_SANDBOX && ax_landlock_abi() == 0)
		return ax_err_set(err, AX_EXIT_ENV,
				  "--sandbox: this kernel has no Landlock "
				  "(Linux 5.13 or newer, with landlock among "
				  "lsm=); nothing was run");
	if (mode == AX_CONFINE_AUDIT && !can_trace())
		return ax_err_set(err, AX_EXIT_ENV,
				  "--audit: this kernel does not let axpipe "
				  "trace its own children (ptrace and seccomp "
				  "filters); nothing was run");
	return 0;
}
