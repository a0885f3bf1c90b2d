/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/run/fetching.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/run/engine.h"
#include "pipeline/run/signals.h"

#define AT_ONCE 4

enum fetch_state { QUEUED, FETCHING, CAME, DONE, BROKEN };

struct fetch {
	const struct ax_source *source; /* or NULL: by digest alone */
	struct ax_digest digest;
	enum fetch_state state;
	pid_t pid;
	int fd;
	struct ax_str text; /* what the child says */
	bool tree;
	int exit;
	char *error;
};

struct ax_fetching {
	struct ax_run *r;
	struct ax_progress *progress;
	struct fetch *list;
	size_t n, cap, running;
	bool failed, cancelled;
};

struct ax_fetching *
ax_fetching_new(struct ax_run *r, struct ax_progress *p)
{
	struct ax_fetching *f = ax_calloc(1, sizeof(*f));

	f->r = r;
	f->progress = p;
	return f;
}

static void
end_child(struct fetch *x)
{
	int status;

	kill(-x->pid, SIGKILL);
	kill(x->pid, SIGKILL);
	while (waitpid(x->pid, &status, 0) < 0 && errno == EINTR)
		;
	ax_signals_unwatch(x->pid);
	close(x->fd);
	x->pid = 0;
	x->fd = -1;
}

void
ax_fetching_cancel(struct ax_fetching *f)
{
	f->cancelled = true;
	for (size_t i = 0; i < f->n; i++)
		if (f->list[i].state == FETCHING) {
			end_child(&f->list[i]);
			f->list[i].state = QUEUED;
			f->running--;
		}
}

void
ax_fetching_free(struct ax_fetching *f)
{
	if (!f)
		return;
	ax_fetching_cancel(f);
	for (size_t i = 0; i < f->n; i++) {
		ax_str_free(&f->list[i].text);
		free(f->list[i].error);
	}
	free(f->list);
	free(f);
}

/* In the child: says "ok <digest> <0|1>" or "no <exit> <error>". */
static _Noreturn void
child(struct ax_fetching *f, const struct fetch *x, int fd, pid_t parent)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD};
	struct ax_err err = AX_ERR_INIT;
	struct ax_str s = AX_STR_INIT;
	struct ax_digest d = x->digest;
	char hex[AX_HEX_LEN + 1];
	bool tree = false;
	int rc;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	for (size_t i = 0; i < AX_LEN(signals); i++)
		signal(signals[i], SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	rc = x->source ? ax_obtain_source(f->r, x->source, &d, &tree, &err)
		       : ax_obtain_object(f->r, &d, &err);
	if (rc < 0)
		ax_str_addf(&s, "no %d %s", err.exit, err.text);
	else
		ax_str_addf(&s, "ok %s %d", ax_hex(hex, &d), tree);
	_exit(ax_write_all(fd, s.buf, s.len) < 0);
}

static void
give_up(struct ax_fetching *f, struct fetch *x, int code, char *error)
{
	x->state = BROKEN;
	x->exit = code;
	x->error = error;
	f->failed = true;
}

/* Says where an input will be looked for; mirrors come before the network. */
static void
announce(struct ax_fetching *f, const struct ax_source *s)
{
	const char *where = s->url ? s->url : s->path;

	if (!f->r->options.nmirrors)
		ax_progress_note(f->progress, "fetching %s from %s", s->name,
				 where);
	else if (f->r->options.offline)
		ax_progress_note(f->progress,
				 "fetching %s from a mirror (offline)",
				 s->name);
	else
		ax_progress_note(f->progress,
				 "fetching %s from a mirror, or else from %s",
				 s->name, where);
}

static void
start(struct ax_fetching *f, struct fetch *x)
{
	pid_t parent = getpid();
	int fds[2];

	if (x->source)
		announce(f, x->source);
	if (pipe2(fds, O_CLOEXEC) < 0) {
		give_up(f, x, AX_EXIT_ENV, ax_strdup("cannot create a pipe"));
		return;
	}
	fflush(stdout);
	fflush(stderr);
	x->pid = fork();
	if (x->pid == 0)
		child(f, x, fds[1], parent);
	close(fds[1]);
	if (x->pid < 0) {
		close(fds[0]);
		give_up(f, x, AX_EXIT_ENV, ax_strdup("cannot fork"));
		return;
	}
	setpgid(x->pid, x->pid);
	ax_signals_watch(x->pid);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	x->fd = fds[0];
	x->state = FETCHING;
	f->running++;
}

static void
start_queued(struct ax_fetching *f)
{
	for (size_t i = 0; i < f->n && f->running < AT_ONCE && !f->cancelled;
	     i++)
		if (f->list[i].state == QUEUED)
			start(f, &f->list[i]);
}

int
ax_fetching_want(struct ax_fetching *f, const struct ax_source *s,
		 const struct ax_digest *d, struct ax_err *err)
{
	struct fetch *x = NULL;

	for (size_t i = 0; i < f->n && !x; i++)
		if (f->list[i].source == s &&
		    (s || ax_digest_eq(&f->list[i].digest, d)))
			x = &f->list[i];
	if (!x) {
		AX_GROW(f->list, f->n, f->cap);
		x = &f->list[f->n++];
		memset(x, 0, sizeof(*x));
		x->source = s;
		x->fd = -1;
		if (d)
			x->digest = *d;
		start_queued(f);
	}
	if (x->state == BROKEN)
		return ax_err_set(err, x->exit, "%s", x->error);
	/* it came, and is gone again: somebody cleans the store */
	if (x->state == DONE && d && !ax_store_has(f->r->store, d))
		return ax_err_set(err, AX_EXIT_ENV,
				  "was fetched, but is no longer in the store");
	return 0;
}

size_t
ax_fetching_fds(struct ax_fetching *f, struct pollfd *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n && n < max; i++)
		if (f->list[i].state == FETCHING)
			out[n++] = (struct pollfd){f->list[i].fd, POLLIN, 0};
	return n;
}

static void
judge(struct ax_fetching *f, struct fetch *x)
{
	char *text = ax_str_take(&x->text), *space;

	f->running--;
	end_child(x);
	if (ax_starts(text, "ok ") && strlen(text) > 3 + AX_HEX_LEN + 1) {
		text[3 + AX_HEX_LEN] = '\0';
		x->tree = text[3 + AX_HEX_LEN + 1] == '1';
		if (ax_unhex(&x->digest, text + 3) == 0) {
			x->state = CAME;
			free(text);
			return;
		}
	}
	space = ax_starts(text, "no ") ? strchr(text + 3, ' ') : NULL;
	if (space)
		give_up(f, x, (int)strtol(text + 3, NULL, 10),
			ax_strdup(space + 1));
	else
		give_up(f, x, AX_EXIT_ENV,
			ax_strdup("the process that fetched it ended early"));
	free(text);
}

bool
ax_fetching_step(struct ax_fetching *f, const struct ax_source **s,
		 struct ax_digest *d, bool *tree)
{
	char buf[4096];

	for (size_t i = 0; i < f->n; i++) {
		struct fetch *x = &f->list[i];
		ssize_t got;

		while (x->state == FETCHING) {
			got = read(x->fd, buf, sizeof(buf));
			if (got < 0 && errno == EINTR)
				continue;
			if (got < 0 && errno == EAGAIN)
				break;
			if (got > 0)
				ax_str_addn(&x->text, buf, (size_t)got);
			else
				judge(f, x);
		}
		if (x->state != CAME)
			continue;
		x->state = DONE;
		*s = x->source;
		*d = x->digest;
		*tree = x->tree;
		start_queued(f);
		return true;
	}
	start_queued(f);
	return false;
}

bool
ax_fetching_failed(struct ax_fetching *f)
{
	bool failed = f->failed;

	f->failed = false;
	return failed;
}

bool
ax_fetching_busy(const struct ax_fetching *f)
{
	return f->running > 0;
}
