/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts/base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"

extern char **environ;

/* A handler of the parent must not run in the child, which shares its memory
 * until exec. */
static void
drop_handlers(void)
{
	struct sigaction sa;

	for (int i = 1; i < NSIG; i++) {
		if (sigaction(i, NULL, &sa) < 0 || sa.sa_handler == SIG_DFL ||
		    sa.sa_handler == SIG_IGN)
			continue;
		memset(&sa, 0, sizeof(sa));
		sa.sa_handler = SIG_DFL;
		sigaction(i, &sa, NULL);
	}
}

/* Descriptors that whoever started us left open are not the program's: through
 * one it would read and write what no path of its leads to. */
static void
keep_from(unsigned first)
{
	/* CLOSE_RANGE_CLOEXEC, Linux 5.11 */
	if (syscall(__NR_close_range, first, ~0u, 4u) == 0)
		return;
	for (int fd = (int)first; fd < 1024; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* A new session is a scheduling group of its own (autogroup, Linux 2.6.38), in
 * which a nice value weighs against nobody else's: the group takes it on, so
 * that `nice axpipe run` yields. */
static void
keep_nice(void)
{
	int n = getpriority(PRIO_PROCESS, 0), fd;
	const char text[2] = {(char)('0' + n / 10), (char)('0' + n % 10)};
	unsigned skip = n < 10; /* "09" would be an octal number */

	if (n <= 0)
		return;
	fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, text + skip, sizeof(text) - skip) > 0)
		close(fd);
}

/* In the child, between vfork and exec: only async-signal-safe calls, and
 * nothing that the parent would miss. */
static void
child(const struct ax_proc *p, const char *path, int report, pid_t parent)
{
	sigset_t none;
	int fds[3], i, e;

	/* a group to kill, and no terminal to type into */
	setsid();
	keep_nice();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	drop_handlers();
	keep_from(3);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	fds[0] = p->in >= 0 ? p->in : open("/dev/null", O_RDONLY | O_CLOEXEC);
	fds[1] = p->out;
	fds[2] = p->err;
	/* out of the way first, so that no dup2 overwrites a source */
	for (i = 0; i < 3; i++)
		if (fds[i] >= 0)
			fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 20);
	if (p->keep_fd >= 0) {
		e = fcntl(p->keep_fd, F_DUPFD_CLOEXEC, 20);
		if (dup2(e, p->keep_as) < 0)
			goto fail;
	}
	for (i = 0; i < 3; i++)
		if (fds[i] >= 0 && dup2(fds[i], i) < 0)
			goto fail;
	if (p->cwd && chdir(p->cwd) < 0)
		goto fail;
	execve(path, (char *const *)p->argv,
	       p->envp ? (char *const *)p->envp : environ);
fail:
	e = errno;
	if (write(report, &e, sizeof(e)) < 0)
		_exit(126);
	_exit(127);
}

/* vfork: a graph of many nodes has page tables that fork would copy. */
static pid_t
start(const struct ax_proc *p, const char *path, int report)
{
	pid_t parent = getpid(), pid;
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = vfork();
	if (pid == 0)
		child(p, path, report, parent);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

pid_t
ax_spawn(const struct ax_proc *p, struct ax_err *err)
{
	char *path = ax_which(p->argv[0], false), *full = NULL;
	pid_t pid;
	int pipefd[2], e = 0, high;
	ssize_t n;

	if (!path)
		return ax_err_set(
			err, AX_EXIT_ENV,
			"%s: no such program; install it or put it on PATH",
			p->argv[0]);
	if (p->cwd && path[0] != '/') {
		full = realpath(path, NULL);
		free(path);
		path = full;
	}
	if (!path || pipe2(pipefd, O_CLOEXEC) < 0) {
		free(path);
		return ax_err_set(err, AX_EXIT_ENV,
				  "%s: cannot start:", p->argv[0]);
	}
	/* the child may dup2 onto low numbers: keep the report pipe above */
	high = fcntl(pipefd[1], F_DUPFD_CLOEXEC, 40);
	close(pipefd[1]);
	pid = high < 0 ? -1 : start(p, path, high);
	if (high >= 0)
		close(high);
	free(path);
	if (pid < 0) {
		ax_err_set(err, AX_EXIT_ENV, "%s: cannot start:", p->argv[0]);
		close(pipefd[0]);
		return -1;
	}
	do
		n = read(pipefd[0], &e, sizeof(e));
	while (n < 0 && errno == EINTR);
	close(pipefd[0]);
	if (n == sizeof(e)) {
		waitpid(pid, NULL, 0);
		errno = e;
		return ax_err_set(err, AX_EXIT_ENV,
				  "%s: cannot start:", p->argv[0]);
	}
	return pid;
}

static void
drain(int fd, struct ax_str *to, bool *open_)
{
	char buf[16384];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0)
		*open_ = false;
	else if (to)
		ax_str_addn(to, buf, (size_t)n);
}

int
ax_run(int *status, const char *const *argv, const char *cwd,
       const char *out_path, struct ax_str *out, struct ax_str *errout,
       bool join, double timeout, struct ax_err *err)
{
	struct ax_proc p = AX_PROC_INIT;
	int o[2] = {-1, -1}, e[2] = {-1, -1}, file = -1, rc = -1;
	double end = timeout > 0 ? ax_now() + timeout : 0;
	bool o_open = false, e_open = false, late = false;
	pid_t pid;

	if (out_path) {
		file = open(out_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			    0644);
		if (file < 0)
			return ax_err_set(err, AX_EXIT_ENV,
					  "%s: cannot create:", out_path);
	} else if (pipe2(o, O_CLOEXEC) < 0) {
		return ax_err_set(err, AX_EXIT_ENV, "cannot create a pipe:");
	}
	if (!join && pipe2(e, O_CLOEXEC) < 0) {
		ax_err_set(err, AX_EXIT_ENV, "cannot create a pipe:");
		goto done;
	}
	p.argv = argv;
	p.cwd = cwd;
	p.out = out_path ? file : o[1];
	p.err = join ? p.out : e[1];
	pid = ax_spawn(&p, err);
	if (pid < 0)
		goto done;
	if (o[1] >= 0)
		close(o[1]);
	if (e[1] >= 0)
		close(e[1]);
	o[1] = e[1] = -1;
	o_open = o[0] >= 0;
	e_open = e[0] >= 0;
	while (o_open || e_open) {
		struct pollfd fds[2] = {{o_open ? o[0] : -1, POLLIN, 0},
					{e_open ? e[0] : -1, POLLIN, 0}};
		int ms = -1;

		if (timeout > 0) {
			double left = end - ax_now();

			if (left <= 0) {
				late = true;
				break;
			}
			ms = (int)(left * 1000) + 1;
		}
		if (poll(fds, 2, ms) < 0)
			continue;
		if (fds[0].revents)
			drain(o[0], out, &o_open);
		if (fds[1].revents)
			drain(e[0], errout, &e_open);
	}
	/* output to a file: nothing to poll, so wait in small steps */
	while (!late) {
		pid_t w = waitpid(pid, status, timeout > 0 ? WNOHANG : 0);
		struct timespec ts = {0, 2000000};

		if (w == pid) {
			rc = 0;
			break;
		}
		if (w < 0 && errno != EINTR)
			break;
		if (timeout > 0 && ax_now() > end)
			late = true;
		else if (w == 0)
			nanosleep(&ts, NULL);
	}
	if (late) {
		kill(-pid, SIGKILL);
		waitpid(pid, status, 0);
		ax_err_set(err, AX_EXIT_STAGE,
			   "%s: still running after %g s, killed", argv[0],
			   timeout);
	}
done:
	if (file >= 0)
		close(file);
	for (int i = 0; i < 2; i++) {
		if (o[i] >= 0)
			close(o[i]);
		if (e[i] >= 0)
			close(e[i]);
	}
	return rc;
}

char *
ax_status_text(char *out, size_t size, int status)
{
	if (WIFEXITED(status))
		snprintf(out, size, "exit code %d", WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		snprintf(out, size, "signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(out, size, "status %d", status);
	return out;
}
