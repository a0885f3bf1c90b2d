/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/run/sharing.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "cache/remote.h"
#include "pipeline/run/signals.h"

/* Keys go down one pipe, 32 bytes each; up another come lines: "+" for a
 * record that was given, "!" and a warning. */
struct ax_sharing {
	struct ax_run *r;
	struct ax_progress *progress;
	struct ax_digest *queue;
	size_t n, cap, at; /* keys; the first that is not sent whole */
	size_t part;       /* bytes of it that are sent */
	pid_t pid;         /* 0: not started */
	int down, up;      /* -1: closed */
	struct ax_str text;
	bool over; /* the child is done, or could not be started */
};

struct ax_sharing *
ax_sharing_new(struct ax_run *r, struct ax_progress *p)
{
	struct ax_sharing *s;

	if (!r->options.remote || !ax_remote_writes(r->options.remote) ||
	    !ax_remote_up(r->options.remote))
		return NULL;
	s = ax_calloc(1, sizeof(*s));
	s->r = r;
	s->progress = p;
	s->down = s->up = -1;
	return s;
}

static void
warn(void *arg, const char *text)
{
	const int *fd = arg;
	char *line = ax_asprintf("!%s\n", text), *p;

	for (p = line; p[1]; p++)
		if (*p == '\n')
			*p = ' ';
	(void)!ax_write_all(*fd, line, strlen(line));
	free(line);
}

static _Noreturn void
child(struct ax_sharing *s, int in, int out, pid_t parent)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD};
	struct ax_remote *remote = s->r->options.remote;
	struct ax_digest key;
	size_t got = 0;
	ssize_t n;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	for (size_t i = 0; i < AX_LEN(signals); i++)
		signal(signals[i], SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	ax_remote_forked(remote);
	ax_remote_on_warning(remote, warn, &out);
	for (;;) {
		n = read(in, key.b + got, sizeof(key.b) - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		got += (size_t)n;
		if (got < sizeof(key.b))
			continue;
		got = 0;
		if (ax_remote_give(remote, s->r->store, &key) == 1 &&
		    ax_write_all(out, "+\n", 2) < 0)
			break;
	}
	_exit(0);
}

static bool
start(struct ax_sharing *s)
{
	pid_t parent = getpid();
	int down[2], up[2];

	if (pipe2(down, O_CLOEXEC) < 0)
		return false;
	if (pipe2(up, O_CLOEXEC) < 0) {
		close(down[0]);
		close(down[1]);
		return false;
	}
	fflush(stdout);
	fflush(stderr);
	s->pid = fork();
	if (s->pid == 0) {
		close(down[1]);
		close(up[0]);
		child(s, down[0], up[1], parent);
	}
	close(down[0]);
	close(up[1]);
	if (s->pid < 0) {
		close(down[1]);
		close(up[0]);
		s->pid = 0;
		return false;
	}
	setpgid(s->pid, s->pid);
	ax_signals_watch(s->pid);
	s->down = down[1];
	s->up = up[0];
	fcntl(s->down, F_SETFL, O_NONBLOCK);
	fcntl(s->up, F_SETFL, O_NONBLOCK);
	return true;
}

static void
close_down(struct ax_sharing *s)
{
	if (s->down >= 0)
		close(s->down);
	s->down = -1;
}

static void
send_keys(struct ax_sharing *s)
{
	ssize_t n;

	while (s->down >= 0 && s->at < s->n) {
		n = write(s->down, s->queue[s->at].b + s->part,
			  sizeof(s->queue[0].b) - s->part);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EAGAIN)
				close_down(s);
			return;
		}
		s->part += (size_t)n;
		if (s->part == sizeof(s->queue[0].b)) {
			s->part = 0;
			s->at++;
		}
	}
}

static void
hear(struct ax_sharing *s, const char *line, size_t n)
{
	if (n && line[0] == '+')
		s->r->given++;
	else if (n && line[0] == '!')
		ax_progress_note(s->progress, "%.*s", (int)n - 1, line + 1);
}

static void
read_lines(struct ax_sharing *s)
{
	char buf[4096], *nl;
	ssize_t n;

	while (s->up >= 0) {
		n = read(s->up, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close(s->up);
			s->up = -1;
			s->over = true;
			return;
		}
		ax_str_addn(&s->text, buf, (size_t)n);
		while (s->text.len &&
		       (nl = memchr(s->text.buf, '\n', s->text.len))) {
			size_t len = (size_t)(nl - s->text.buf);

			hear(s, s->text.buf, len);
			memmove(s->text.buf, nl + 1, s->text.len - len - 1);
			s->text.len -= len + 1;
		}
	}
}

void
ax_sharing_give(struct ax_sharing *s, const struct ax_digest *key)
{
	if (!s || s->over)
		return;
	AX_GROW(s->queue, s->n, s->cap);
	s->queue[s->n++] = *key;
	if (!s->pid && !start(s)) {
		s->over = true;
		ax_progress_note(s->progress,
				 "remote cache: no process can be started to "
				 "write it");
		return;
	}
	send_keys(s);
}

size_t
ax_sharing_fds(struct ax_sharing *s, struct pollfd *out, size_t max)
{
	size_t n = 0;

	if (!s || s->over)
		return 0;
	if (s->up >= 0 && n < max)
		out[n++] = (struct pollfd){s->up, POLLIN, 0};
	if (s->down >= 0 && s->at < s->n && n < max)
		out[n++] = (struct pollfd){s->down, POLLOUT, 0};
	return n;
}

void
ax_sharing_step(struct ax_sharing *s)
{
	if (!s)
		return;
	send_keys(s);
	read_lines(s);
}

void
ax_sharing_end(struct ax_sharing *s, int wake)
{
	struct pollfd fds[3];
	int status;
	size_t n;

	if (!s)
		return;
	while (s->pid && !s->over && !ax_signals_interrupts()) {
		ax_sharing_step(s);
		if (s->at == s->n)
			close_down(s); /* the child ends when it has done all */
		if (s->over)
			break;
		fds[0] = (struct pollfd){wake, POLLIN, 0};
		n = 1 + ax_sharing_fds(s, fds + 1, 2);
		if (poll(fds, (nfds_t)n, -1) < 0 && errno != EINTR)
			break;
		ax_signals_drain();
	}
	if (s->pid) {
		close_down(s);
		kill(-s->pid, SIGKILL);
		kill(s->pid, SIGKILL);
		while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
			;
		ax_signals_unwatch(s->pid);
		if (s->up >= 0)
			close(s->up);
	}
	ax_str_free(&s->text);
	free(s->queue);
	free(s);
}
