/* SPDX-License-Identifier: Apache-2.0 */
/* The local executor: one process group a job, watched by a poll loop. */
#include "pipeline/run/exec_local.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/proc.h"
#include "pipeline/run/exec.h"
#include "pipeline/run/signals.h"

#define GRACE 5.0                /* seconds from SIGTERM to SIGKILL */
#define MAX_LINE 4096            /* of progress */
#define MAX_LOG ((off_t)1 << 30) /* a log beyond it ends the job */
#define PROGRESS_FD 3            /* docs/stages.md */

struct local_job {
	struct ax_job *job;
	pid_t pid;
	int progress, log;
	struct ax_str line;
	double deadline; /* on ax_now's clock; 0: none */
	double kill_at;  /* after SIGTERM; 0: not asked yet */
};

struct local {
	struct ax_executor x;
	ax_progress_fn progress;
	void *arg;
	struct local_job **jobs;
	size_t n, cap;
	double log_check;
};

static int
local_start(struct ax_executor *x, struct ax_job *j, struct ax_err *err)
{
	struct local *l = (struct local *)x;
	struct ax_proc p = AX_PROC_INIT;
	struct local_job *job;
	int log, fds[2];
	pid_t pid;

	log = open(j->log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC,
		   0644);
	if (log < 0)
		return ax_err_set(err, AX_EXIT_ENV,
				  "%s: cannot create:", j->log);
	if (pipe2(fds, O_CLOEXEC) < 0) {
		close(log);
		return ax_err_set(err, AX_EXIT_ENV, "cannot create a pipe:");
	}
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	p.argv = j->argv;
	p.envp = j->envp;
	p.cwd = j->dir;
	p.out = p.err = log;
	p.keep_fd = fds[1];
	p.keep_as = PROGRESS_FD;
	pid = ax_spawn(&p, err);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		close(log);
		return -1;
	}
	ax_signals_watch(pid);
	job = ax_calloc(1, sizeof(*job));
	job->job = j;
	job->pid = pid;
	job->progress = fds[0];
	job->log = log;
	job->line.max = MAX_LINE;
	job->deadline = j->timeout > 0 ? ax_now() + j->timeout : 0;
	j->state = job;
	AX_GROW(l->jobs, l->n, l->cap);
	l->jobs[l->n++] = job;
	return 0;
}

static size_t
local_fds(struct ax_executor *x, struct pollfd *out, size_t max)
{
	struct local *l = (struct local *)x;
	size_t n = 0;

	for (size_t i = 0; i < l->n && n < max; i++)
		if (l->jobs[i]->progress >= 0)
			out[n++] = (struct pollfd){l->jobs[i]->progress, POLLIN,
						   0};
	return n;
}

static double
local_next(struct ax_executor *x)
{
	struct local *l = (struct local *)x;
	double now = ax_now(), at = -1;

	for (size_t i = 0; i < l->n; i++) {
		const struct local_job *j = l->jobs[i];
		double t = j->kill_at > 0 ? j->kill_at : j->deadline;

		if (t > 0 && (at < 0 || t - now < at))
			at = AX_MAX(t - now, 0);
	}
	/* sizes of logs are looked at now and then */
	if (l->n && (at < 0 || at > 2))
		at = 2;
	return at;
}

static void
ask_to_end(struct local_job *j)
{
	if (j->kill_at > 0)
		return;
	kill(-j->pid, SIGTERM);
	j->kill_at = ax_now() + GRACE;
}

static void
local_cancel(struct ax_executor *x, struct ax_job *job)
{
	struct local_job *j = job->state;

	(void)x;
	if (!j || job->ended)
		return;
	job->cancelled = true;
	ask_to_end(j);
}

/* Lines longer than MAX_LINE are dropped whole. */
static void
read_progress(struct local *l, struct local_job *j)
{
	char buf[4096];
	ssize_t n;

	while (j->progress >= 0) {
		n = read(j->progress, buf, sizeof(buf));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			close(j->progress);
			j->progress = -1;
			return;
		}
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] != '\n') {
				ax_str_addc(&j->line, buf[i]);
				continue;
			}
			if (j->line.len && !j->line.over && l->progress)
				l->progress(l->arg, j->job, j->line.buf);
			ax_str_clear(&j->line);
			j->line.over = false;
		}
		/* a stage that never stops talking gets no more than this a
		 * step */
		if (n < (ssize_t)sizeof(buf))
			return;
	}
}

/* True when the job has ended. Nothing of its group is left then: what a stage
 * leaves in the background would write into the work folder while its outputs
 * are read. */
static bool
reap(struct local_job *j)
{
	struct timespec ms = {0, 1000000};
	struct rusage ru;
	siginfo_t si = {0};
	int status = 0;

	if (waitid(P_PID, (id_t)j->pid, &si, WEXITED | WNOHANG | WNOWAIT) < 0) {
		if (errno == EINTR)
			return false;
	} else if (si.si_pid == 0) {
		return false;
	}
	/* the leader is a zombie still, so the group's number is still its */
	kill(-j->pid, SIGKILL);
	memset(&ru, 0, sizeof(ru));
	while (wait4(j->pid, &status, 0, &ru) < 0 && errno == EINTR)
		;
	for (int i = 0; i < 500 && kill(-j->pid, 0) == 0; i++)
		nanosleep(&ms, NULL);
	ax_signals_unwatch(j->pid);
	j->job->status = status;
	j->job->cpu_seconds = (double)ru.ru_utime.tv_sec +
			      (double)ru.ru_stime.tv_sec +
			      1e-6 * (double)ru.ru_utime.tv_usec +
			      1e-6 * (double)ru.ru_stime.tv_usec;
	j->job->max_rss = (uint64_t)ru.ru_maxrss * 1024;
	return true;
}

static void
drop(struct local *l, size_t i)
{
	struct local_job *j = l->jobs[i];

	read_progress(l, j);
	if (j->progress >= 0)
		close(j->progress);
	close(j->log);
	ax_str_free(&j->line);
	j->job->ended = true;
	j->job->state = NULL;
	free(j);
	memmove(l->jobs + i, l->jobs + i + 1, (--l->n - i) * sizeof(*l->jobs));
}

static void
local_step(struct ax_executor *x)
{
	struct local *l = (struct local *)x;
	double now = ax_now();
	bool logs = now - l->log_check >= 1;
	struct stat st;

	if (logs)
		l->log_check = now;
	for (size_t i = 0; i < l->n;) {
		struct local_job *j = l->jobs[i];

		read_progress(l, j);
		if (reap(j)) {
			drop(l, i);
			continue;
		}
		if (j->kill_at > 0 && now >= j->kill_at) {
			kill(-j->pid, SIGKILL);
			j->kill_at = now + GRACE;
		} else if (j->deadline > 0 && now >= j->deadline &&
			   j->kill_at <= 0) {
			j->job->timed_out = true;
			ask_to_end(j);
		}
		if (logs && fstat(j->log, &st) == 0 && st.st_size > MAX_LOG) {
			j->job->log_full = true;
			ask_to_end(j);
		}
		i++;
	}
}

static void
local_free(struct ax_executor *x)
{
	struct local *l = (struct local *)x;
	struct timespec ms = {0, 1000000};

	while (l->n) {
		kill(-l->jobs[0]->pid, SIGKILL);
		while (!reap(l->jobs[0]))
			nanosleep(&ms, NULL);
		drop(l, 0);
	}
	free(l->jobs);
	free(l);
}

struct ax_executor *
ax_exec_local(ax_progress_fn progress, void *arg)
{
	struct local *l = ax_calloc(1, sizeof(*l));

	l->x.name = "local";
	l->x.start = local_start;
	l->x.fds = local_fds;
	l->x.next = local_next;
	l->x.step = local_step;
	l->x.cancel = local_cancel;
	l->x.free = local_free;
	l->progress = progress;
	l->arg = arg;
	return &l->x;
}

/* The machine ----------------------------------------------------------------
 */

/* The first number of a small file, or -1; "max" is -1 too. */
static double
number_in(const char *path, double *second)
{
	char *text = NULL, *end;
	double value = -1;
	size_t len;

	if (ax_read_file(&text, &len, path, 4096, NULL) < 0)
		return -1;
	value = strtod(text, &end);
	if (end == text)
		value = -1;
	else if (second)
		*second = strtod(end, NULL);
	free(text);
	return value;
}

unsigned
ax_machine_cpus(void)
{
	cpu_set_t set;
	unsigned n = 0;
	double period = 0, quota;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = (unsigned)CPU_COUNT(&set);
	if (n == 0)
		n = (unsigned)AX_MAX(sysconf(_SC_NPROCESSORS_ONLN), 1L);
	quota = number_in("/sys/fs/cgroup/cpu.max", &period);
	if (quota > 0 && period > 0 && quota / period < n)
		n = (unsigned)((quota + period - 1) / period);
	return AX_MAX(n, 1u);
}

uint64_t
ax_machine_memory(void)
{
	static const char *const limits[] = {
		"/sys/fs/cgroup/memory.max",
		"/sys/fs/cgroup/memory/memory.limit_in_bytes"};
	uint64_t bytes = (uint64_t)AX_MAX(sysconf(_SC_PHYS_PAGES), 1L) *
			 (uint64_t)AX_MAX(sysconf(_SC_PAGESIZE), 1L);

	for (size_t i = 0; i < AX_LEN(limits); i++) {
		double limit = number_in(limits[i], NULL);

		if (limit > 0 && limit < (double)bytes)
			bytes = (uint64_t)limit;
	}
	return bytes;
}
