/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/run/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/hash.h"
#include "artifacts/base/io.h"
#include "artifacts/base/proc.h"
#include "cache/store.h"
#include "pipeline/run/ticket.h"

#define HEAD "# axpipe job 1\n"
#define MAX_SCRIPT ((size_t)64 << 20)
#define MAX_BANG 250             /* of a #! line, in every kernel */
#define MAX_LOG ((off_t)1 << 30) /* as of a local job */
#define GRACE 5.0
#define PROGRESS_FD 3

int
ax_job_script(const char *path, const char *const *dirs, size_t n,
	      struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	char exe[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	int rc;

	if (len < 0)
		return ax_err_set(err, AX_EXIT_ENV, "/proc/self/exe:");
	exe[len] = '\0';
	if (len > MAX_BANG || strpbrk(exe, " \t\n"))
		return ax_err_set(err, AX_EXIT_ENV,
				  "%s: jobs are started through a #! line, "
				  "which takes no blanks and %d bytes; put "
				  "axpipe at another path",
				  exe, MAX_BANG);
	ax_str_addf(&s, "#!%s job\n" HEAD, exe);
	for (size_t i = 0; i < n; i++) {
		if (strchr(dirs[i], '\n')) {
			ax_str_free(&s);
			return ax_err_set(err, AX_EXIT_ENV,
					  "the store's path holds a line "
					  "break");
		}
		/* a comment to whoever else reads it */
		ax_str_addf(&s, "#%s\n", dirs[i]);
	}
	rc = ax_write_file(path, s.buf, s.len, err);
	ax_str_free(&s);
	return rc;
}

/* The work folder on line `index`. Caller frees. */
static char *
pick(const char *script, unsigned long index, struct ax_err *err)
{
	char *text, *p, *dir = NULL;
	size_t n;

	if (ax_read_file(&text, &n, script, MAX_SCRIPT, err) < 0)
		return NULL;
	p = strchr(text, '\n');
	if (p && ax_starts(p + 1, HEAD)) {
		p += 1 + strlen(HEAD);
		for (unsigned long i = 0; p && *p == '#' && i < index; i++) {
			p = strchr(p, '\n');
			p = p ? p + 1 : NULL;
		}
		if (p && p[0] == '#' && p[1] == '/')
			dir = ax_strndup(p + 1, strcspn(p + 1, "\n"));
	}
	if (!dir)
		ax_err_set(err, AX_EXIT_USAGE,
			   "%s: not a file of axpipe's Slurm executor, or no "
			   "line %lu in it",
			   script, index);
	free(text);
	return dir;
}

/* Signals that end the job come from Slurm: scancel, a time limit, preemption,
 * requeue. */
static volatile sig_atomic_t asked;

static void
on_signal(int sig)
{
	if (sig != SIGCHLD)
		asked = 1;
}

struct running {
	struct ax_ticket t;
	char *dir;  /* the node's work folder */
	char *mine; /* dir/try.<job>.<restart> */
	struct ax_exit e;
};

static void
set_error(struct running *r, const struct ax_err *err)
{
	snprintf(r->e.error, sizeof(r->e.error), "%.*s",
		 (int)strcspn(err->text, "\n"), err->text);
}

static int
check_inputs(const struct running *r, struct ax_err *err)
{
	const json_t *v;
	size_t i;

	json_array_foreach(r->t.inputs, i, v)
	{
		const char *rel = json_string_value(json_object_get(v, "path"));
		struct ax_digest want, is;
		char *path = ax_join(r->dir, rel);
		int rc;

		if (json_is_true(json_object_get(v, "tree")))
			rc = ax_hash_tree(&is, path, err);
		else
			rc = ax_hash_file(&is, NULL, path, err);
		free(path);
		if (rc < 0)
			return -1;
		if (ax_unhex(&want, json_string_value(json_object_get(
					    v, "sha256"))) < 0 ||
		    !ax_digest_eq(&is, &want))
			return ax_err_set(err, AX_EXIT_ENV,
					  "%s arrived on %s with other bytes "
					  "than it was given",
					  rel, r->e.host);
	}
	return 0;
}

static int
in_mine(const struct running *r, const char *name, struct ax_err *err)
{
	char *path = ax_join(r->mine, name);
	int rc = ax_mkdirs(path, err);

	free(path);
	return rc;
}

static int
link_to(const struct running *r, const char *name, struct ax_err *err)
{
	char *to = ax_join(r->dir, name), *path = ax_join(r->mine, name);
	int rc = 0;

	if (ax_is_dir(to) && symlink(to, path) < 0)
		rc = ax_err_set(err, AX_EXIT_ENV, "%s:", path);
	free(to);
	free(path);
	return rc;
}

/* A folder that no other try writes to: one that Slurm has given up may still
 * be at work on a node that it lost. */
static int
make_mine(struct running *r, struct ax_err *err)
{
	char *from = ax_join(r->dir, "request.json"), *to;
	const json_t *v;
	size_t i;
	int rc;

	r->mine = ax_asprintf("%s/try.%s.%u", r->dir, r->e.job, r->e.restart);
	to = ax_join(r->mine, "request.json");
	rc = ax_rmtree(r->mine, err);
	if (rc == 0)
		rc = ax_mkdirs(r->mine, err);
	if (rc == 0)
		rc = ax_copy_file(from, to, 0644, err);
	if (rc == 0)
		rc = in_mine(r, "out", err);
	if (rc == 0)
		rc = in_mine(r, "tmp", err);
	if (rc == 0)
		rc = link_to(r, "in", err);
	if (rc == 0)
		rc = link_to(r, "checkpoint", err);
	json_array_foreach(r->t.outputs, i, v)
	{
		const char *rel = json_string_value(json_object_get(v, "path"));
		char *dir = json_is_true(json_object_get(v, "tree"))
				    ? ax_strdup(rel)
				    : ax_dirname(rel);

		if (rc == 0)
			rc = in_mine(r, dir, err);
		free(dir);
	}
	free(from);
	free(to);
	return rc;
}

/* The environment of job.json, with the places that belong to this try. */
static char **
environment(const struct running *r)
{
	size_t n = 0;
	char **env;

	while (r->t.envp[n])
		n++;
	env = ax_calloc(n + 1, sizeof(*env));
	for (size_t i = 0; i < n; i++) {
		if (ax_starts(r->t.envp[i], "HOME="))
			env[i] = ax_asprintf("HOME=%s", r->mine);
		else if (ax_starts(r->t.envp[i], "TMPDIR="))
			env[i] = ax_asprintf("TMPDIR=%s/tmp", r->mine);
		else
			env[i] = ax_strdup(r->t.envp[i]);
	}
	return env;
}

static int
open_in(const char *dir, const char *name)
{
	char *path = ax_join(dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC,
		      0644);

	free(path);
	return fd;
}

/* Until the program has ended, by itself or by us; *status as from waitpid. */
static void
watch(struct running *r, pid_t pid, int log, int *status, struct rusage *ru)
{
	double deadline = r->t.timeout > 0 ? ax_now() + r->t.timeout : 0;
	double kill_at = 0;
	struct timespec tick = {0, 50000000};
	siginfo_t si;
	struct stat st;

	for (;;) {
		memset(&si, 0, sizeof(si));
		if (waitid(P_PID, (id_t)pid, &si,
			   WEXITED | WNOHANG | WNOWAIT) == 0 &&
		    si.si_pid)
			break;
		if (kill_at > 0) {
			if (ax_now() >= kill_at)
				kill(-pid, SIGKILL);
		} else if (asked) {
			r->e.stopped = true;
			kill_at = ax_now() + GRACE;
		} else if (deadline > 0 && ax_now() >= deadline) {
			r->e.timed_out = true;
			kill_at = ax_now() + GRACE;
		} else if (fstat(log, &st) == 0 && st.st_size > MAX_LOG) {
			r->e.log_full = true;
			kill_at = ax_now() + GRACE;
		}
		if (kill_at > 0 && ax_now() < kill_at - GRACE + 0.1)
			kill(-pid, SIGTERM);
		/* SIGCHLD cuts it short */
		nanosleep(&tick, NULL);
	}
	kill(-pid, SIGKILL);
	while (wait4(pid, status, 0, ru) < 0 && errno == EINTR)
		;
	tick.tv_nsec = 1000000;
	for (int i = 0; i < 500 && kill(-pid, 0) == 0; i++)
		nanosleep(&tick, NULL);
}

/* Slurm sends its signal to the program and to this process, and the program
 * may be the first to go: then its end is Slurm's doing, and no verdict. */
static void
find_stopped(struct running *r)
{
	struct timespec tick = {0, 50000000};
	bool maybe = r->e.signal == SIGTERM || r->e.signal == SIGINT ||
		     r->e.signal == SIGHUP || r->e.signal == SIGKILL ||
		     r->e.rc > 128;

	if (r->e.timed_out || r->e.log_full)
		return;
	for (int i = 0; i < 10 && maybe && !asked; i++)
		nanosleep(&tick, NULL);
	if (asked && (r->e.rc || r->e.signal))
		r->e.stopped = true;
}

static int
run_program(struct running *r, struct ax_err *err)
{
	struct ax_proc p = AX_PROC_INIT;
	char **env = environment(r);
	struct rusage ru = {0};
	int status = 0, log, progress;
	pid_t pid;

	log = open_in(r->dir, "log");
	progress = open_in(r->dir, "progress");
	if (log < 0 || progress < 0) {
		ax_err_set(err, AX_EXIT_ENV, "%s: cannot write:", r->dir);
		pid = -1;
	} else {
		p.argv = r->t.argv;
		p.envp = (const char *const *)env;
		p.cwd = r->mine;
		p.out = p.err = log;
		p.keep_fd = progress;
		p.keep_as = PROGRESS_FD;
		pid = ax_spawn(&p, err);
	}
	if (pid > 0) {
		watch(r, pid, log, &status, &ru);
		r->e.rc = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
		r->e.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
		r->e.cpu_seconds = (double)ru.ru_utime.tv_sec +
				   (double)ru.ru_stime.tv_sec +
				   1e-6 * (double)ru.ru_utime.tv_usec +
				   1e-6 * (double)ru.ru_stime.tv_usec;
		r->e.max_rss = (uint64_t)ru.ru_maxrss * 1024;
		find_stopped(r);
		(void)fsync(log);
	}
	if (log >= 0)
		close(log);
	if (progress >= 0)
		close(progress);
	for (size_t i = 0; env[i]; i++)
		free(env[i]);
	free(env);
	return pid > 0 ? 0 : -1;
}

/* What this try left, to where the controller looks for it. */
static int
hand_over(const struct running *r, struct ax_err *err)
{
	static const char *const names[] = {"out", "metrics.json",
					    "audit.json"};
	int rc = 0;

	for (size_t i = 0; i < AX_LEN(names) && rc == 0; i++) {
		char *from = ax_join(r->mine, names[i]);
		char *to = ax_join(r->dir, names[i]);
		struct stat st;

		if (lstat(from, &st) == 0) {
			rc = ax_rmtree(to, err);
			if (rc == 0 && rename(from, to) < 0)
				rc = ax_err_set(err, AX_EXIT_ENV,
						"%s: cannot move it:", from);
		}
		free(from);
		free(to);
	}
	return rc;
}

/* Into the store, where bytes of that name stay what they are: the second time
 * does nothing. What is missing or wrong the controller finds and says. */
static int
publish(const struct running *r, struct ax_err *err)
{
	struct ax_store *s;
	struct ax_digest d;
	const json_t *v;
	struct stat st;
	size_t i;
	int rc = 0;

	if (ax_store_open(&s, r->t.store, false, err) < 0)
		return -1;
	json_array_foreach(r->t.outputs, i, v)
	{
		char *path = ax_join(
			r->dir, json_string_value(json_object_get(v, "path")));
		bool tree = json_is_true(json_object_get(v, "tree"));

		if (rc == 0 && lstat(path, &st) == 0 &&
		    (tree ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode)))
			rc = ax_store_put(s, &d, NULL, path, tree, err);
		free(path);
	}
	if (rc == 0)
		rc = ax_store_sync(s, err);
	ax_store_close(s);
	return rc;
}

static unsigned long
number(const char *name)
{
	const char *v = getenv(name);

	return v ? strtoul(v, NULL, 10) : 0;
}

static void
name_job(struct running *r)
{
	const char *array = getenv("SLURM_ARRAY_JOB_ID");

	if (array)
		snprintf(r->e.job, sizeof(r->e.job), "%lu_%lu",
			 number("SLURM_ARRAY_JOB_ID"),
			 number("SLURM_ARRAY_TASK_ID"));
	else
		snprintf(r->e.job, sizeof(r->e.job), "%lu",
			 number("SLURM_JOB_ID"));
	if (gethostname(r->e.host, sizeof(r->e.host) - 1) < 0)
		snprintf(r->e.host, sizeof(r->e.host), "?");
	r->e.restart = (unsigned)number("SLURM_RESTART_COUNT");
	snprintf(r->e.key, sizeof(r->e.key), "%s", r->t.key);
}

/* A verdict is there already: Slurm started the job once more after it had
 * ended. */
static bool
settled(const struct running *r)
{
	struct ax_exit e;

	return ax_exit_read(&e, r->dir, NULL) == 1 && !e.stopped &&
	       ax_streq(e.key, r->t.key);
}

static int
work(struct running *r, struct ax_err *err)
{
	struct ax_err local = AX_ERR_INIT;
	double began = ax_now();

	r->e.began = ax_wall();
	if (check_inputs(r, &local) < 0 || make_mine(r, &local) < 0 ||
	    run_program(r, &local) < 0)
		set_error(r, &local);
	if (!r->e.error[0] && r->mine && hand_over(r, &local) < 0)
		set_error(r, &local);
	if (!r->e.error[0] && !r->e.rc && !r->e.signal && !r->e.stopped &&
	    !r->e.timed_out && publish(r, &local) < 0)
		set_error(r, &local);
	/* the wall clock may have been set meanwhile */
	r->e.over = r->e.began + (ax_now() - began);
	if (ax_exit_write(r->dir, &r->e, err) < 0)
		return -1;
	if (r->mine)
		(void)ax_rmtree(r->mine, NULL);
	if (r->e.error[0])
		return ax_err_set(err, AX_EXIT_ENV, "%s", r->e.error);
	return r->e.signal      ? 128 + r->e.signal
	       : r->e.timed_out ? 124
	       : r->e.stopped   ? 143
				: r->e.rc;
}

int
ax_job_main(const char *script, struct ax_err *err)
{
	static const int ends[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
	struct sigaction sa = {.sa_handler = on_signal};
	struct ax_store *lease = NULL;
	struct running r;
	int rc = -1;

	for (size_t i = 0; i < AX_LEN(ends); i++)
		sigaction(ends[i], &sa, NULL);
	memset(&r, 0, sizeof(r));
	r.dir = pick(script, number("SLURM_ARRAY_TASK_ID"), err);
	if (!r.dir)
		return -1;
	if (ax_ticket_read(&r.t, r.dir, err) == 0) {
		name_job(&r);
		/* the run may die: this keeps gc out as long as the job goes
		 * on; what is wrong with the store, publishing it tells */
		if (ax_store_open(&lease, r.t.store, false, NULL) < 0)
			lease = NULL;
		rc = settled(&r) ? 0 : work(&r, err);
	}
	ax_store_close(lease);
	ax_ticket_free(&r.t);
	free(r.mine);
	free(r.dir);
	return rc;
}
