/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Slurm executor (docs/slurm.md). A job is submitted when its inputs exist,
 * never with a dependency; how it ended is told by the exit.json that it
 * leaves, and only where there is none by what Slurm says. What is written
 * before and after a submission, so that a controller that died is found again:
 *
 *   work/<key>/submitted     "NAME INDEX": before sbatch
 *   slurm/<name>/script      what sbatch is given: lists the work folders
 *   slurm/<name>/id          the job number: after sbatch
 *
 * NAME is axp-<run>-<12 digits of the key of the first node in it>, with a
 * ".2" for a second try; it leads to the job also where the number was never
 * written.
 */
#include <ctype.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/run/exec.h"
#include "pipeline/run/job.h"
#include "pipeline/run/slurm.h"
#include "pipeline/run/ticket.h"

#define FILES_EVERY 0.5 /* seconds between looks at exit.json */
#define POLL_FIRST 5.0  /* seconds between two squeue, */
#define POLL_LAST 30.0  /* and when nothing happens */
#define LAG 20.0        /* a shared file system may show a file this late */
#define SLACK 60.0      /* of Slurm's limit over the job's own clock */
#define PATIENCE 900.0  /* for a Slurm that takes no job */
#define MAX_LINE 4096
#define KEY_DIGITS 12

/* One sbatch. */
struct batch {
	char *name, *dir;
	char id[32];  /* empty: not known */
	bool foreign; /* of an earlier run */
	size_t live;
};

struct slurm_job {
	struct ax_job *job;
	struct batch *batch; /* NULL: not submitted yet */
	unsigned index;
	char id[64];
	enum ax_slurm_state state;
	char word[32];
	bool seen;      /* squeue has named it */
	bool cancel;    /* wanted */
	double told;    /* when scancel was run last; 0: not */
	double gone;    /* since when it needs a verdict; 0: not */
	double dead;    /* since when its program lies killed by signal 9 */
	off_t progress; /* read so far */
	struct ax_str line;
};

struct slurm {
	struct ax_executor x;
	struct ax_slurm_options o;
	char *store; /* absolute */
	unsigned max_array;
	struct slurm_job **jobs;
	size_t n, cap;
	struct batch **batches;
	size_t nbatches, cbatches;
	double files_at, poll_at, poll_every, submit_at;
	double refused_since; /* sbatch fails for now; 0: not */
	double backoff, first_poll, lag;
	bool deaf; /* squeue does not answer, and the user knows */
};

static double
setting(const char *name, double usual)
{
	const char *v = getenv(name);
	double d = v ? strtod(v, NULL) : 0;

	return d > 0 && d < 86400 ? d : usual;
}

static void note(struct slurm *s, const char *fmt, ...) AX_PRINTF(2, 3);

static void
note(struct slurm *s, const char *fmt, ...)
{
	char text[1000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (s->o.note)
		s->o.note(s->o.arg, text);
}

/* The files of a submission ------------------------------------------------ */

static char *
batch_dir(const struct slurm *s, const char *name)
{
	return ax_asprintf("%s/slurm/%s", s->o.store, name);
}

static struct batch *
batch_new(struct slurm *s, const char *name, bool foreign)
{
	struct batch *b;

	for (size_t i = 0; i < s->nbatches; i++)
		if (ax_streq(s->batches[i]->name, name))
			return s->batches[i];
	b = ax_calloc(1, sizeof(*b));
	b->name = ax_strdup(name);
	b->dir = batch_dir(s, name);
	b->foreign = foreign;
	AX_GROW(s->batches, s->nbatches, s->cbatches);
	s->batches[s->nbatches++] = b;
	return b;
}

static void
batch_free(struct batch *b)
{
	free(b->name);
	free(b->dir);
	free(b);
}

/* Its last job is over. */
static void
batch_over(struct slurm *s, struct batch *b)
{
	if (!b->foreign)
		(void)ax_rmtree(b->dir, NULL);
	for (size_t i = 0; i < s->nbatches; i++)
		if (s->batches[i] == b) {
			s->batches[i] = s->batches[--s->nbatches];
			break;
		}
	batch_free(b);
}

static int
write_submitted(const struct slurm_job *j, struct ax_err *err)
{
	char *path = ax_join(j->job->dir, "submitted");
	char *text = ax_asprintf("%s %u\n", j->batch->name, j->index);
	int rc = ax_write_file(path, text, strlen(text), err);

	free(text);
	free(path);
	return rc;
}

/* True when work/<key>/ was submitted and its end was not seen. */
static bool
read_submitted(const char *dir, char name[128], unsigned *index)
{
	char *path = ax_join(dir, "submitted"), *text = NULL, *end;
	bool good = false;
	size_t n;

	if (ax_read_file(&text, &n, path, 4096, NULL) == 0) {
		n = strcspn(text, " \n");
		if (n && n < 128 && text[n] == ' ' && ax_starts(text, "axp-") &&
		    !memchr(text, '/', n)) {
			memcpy(name, text, n);
			name[n] = '\0';
			*index = (unsigned)strtoul(text + n, &end, 10);
			good = *end == '\n';
		}
		free(text);
	}
	free(path);
	return good;
}

static void
read_id(struct batch *b)
{
	char *path = ax_join(b->dir, "id"), *text = NULL;
	size_t n;

	if (!b->id[0] && ax_read_file(&text, &n, path, 64, NULL) == 0) {
		n = strspn(text, "0123456789");
		if (n && n < sizeof(b->id)) {
			memcpy(b->id, text, n);
			b->id[n] = '\0';
		}
		free(text);
	}
	free(path);
}

/* Submissions of runs that died, once nobody waits for a job of theirs. */
static void
sweep(struct slurm *s)
{
	char *top = ax_join(s->o.store, "slurm"), **names = NULL, name[128];
	size_t n = 0, len;
	unsigned index;

	if (!ax_is_dir(top) || ax_list_dir(&names, &n, top, 100000, NULL) < 0)
		n = 0;
	for (size_t i = 0; i < n; i++) {
		char *dir = ax_join(top, names[i]), *text = NULL, *p;
		char *script = ax_join(dir, "script");
		bool used = false;

		if (ax_read_file(&text, &len, script, (size_t)64 << 20, NULL) ==
		    0)
			for (p = text; p && *p && !used;) {
				char *end = strchr(p, '\n');

				if (end)
					*end = '\0';
				used = p[0] == '#' && p[1] == '/' &&
				       read_submitted(p + 1, name, &index) &&
				       ax_streq(name, names[i]);
				p = end ? end + 1 : NULL;
			}
		else
			used = true; /* being written by another run */
		if (!used)
			(void)ax_rmtree(dir, NULL);
		free(text);
		free(script);
		free(dir);
	}
	ax_free_list(names, n);
	free(top);
}

/* The end of a job --------------------------------------------------------- */

static void
drop(struct slurm *s, struct slurm_job *j)
{
	char *path = ax_join(j->job->dir, "submitted");

	(void)unlink(path);
	free(path);
	if (j->batch && --j->batch->live == 0)
		batch_over(s, j->batch);
	for (size_t i = 0; i < s->n; i++)
		if (s->jobs[i] == j) {
			memmove(s->jobs + i, s->jobs + i + 1,
				(--s->n - i) * sizeof(*s->jobs));
			break;
		}
	ax_str_free(&j->line);
	j->job->state = NULL;
	j->job->ended = true;
	free(j);
	s->poll_every = s->first_poll;
}

static void end_as(struct slurm *s, struct slurm_job *j, enum ax_job_class how,
		   const char *fmt, ...) AX_PRINTF(4, 5);

static void
end_as(struct slurm *s, struct slurm_job *j, enum ax_job_class how,
       const char *fmt, ...)
{
	char text[800];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	free(j->job->note);
	j->job->note = ax_strdup(text);
	j->job->how = how;
	j->job->status = 1 << 8;
	if (j->cancel)
		j->job->cancelled = true;
	drop(s, j);
}

static void
end_with(struct slurm *s, struct slurm_job *j, const struct ax_exit *e)
{
	struct ax_job *job = j->job;

	job->began = e->began;
	job->over = e->over;
	job->cpu_seconds = e->cpu_seconds;
	job->max_rss = e->max_rss;
	if (e->error[0]) {
		end_as(s, j, AX_JOB_INFRA, "job %s on %s: %s", e->job, e->host,
		       e->error);
		return;
	}
	job->status = e->signal ? e->signal : e->rc << 8;
	job->timed_out = e->timed_out;
	job->log_full = e->log_full;
	job->cancelled = j->cancel && (e->stopped || e->signal || e->rc);
	job->how = e->timed_out ? AX_JOB_LIMIT : AX_JOB_RAN;
	drop(s, j);
}

/* The last words of Slurm's own output file: why a job could not begin. */
static void
add_said(struct ax_str *out, const struct slurm_job *j)
{
	char *path = ax_asprintf("%s/said.%u", j->batch->dir, j->index);
	char *text = NULL;
	size_t n, from;

	if (ax_read_file(&text, &n, path, (size_t)1 << 20, NULL) == 0) {
		while (n && (unsigned char)text[n - 1] <= ' ')
			text[--n] = '\0';
		for (from = n; from && text[from - 1] != '\n'; from--)
			;
		if (n > from)
			ax_str_addf(out, ": %.300s", text + from);
		free(text);
	}
	free(path);
}

/* No usable exit.json, and Slurm has no more to add. */
static void
end_by_state(struct slurm *s, struct slurm_job *j)
{
	struct ax_str said = AX_STR_INIT;
	const char *id = j->id[0]          ? j->id
			 : j->batch->id[0] ? j->batch->id
					   : "(no number)";

	if (j->state == AX_SLURM_ABSENT && isdigit((unsigned char)*id))
		j->state = ax_slurm_account(id);
	add_said(&said, j);
	if (j->cancel)
		end_as(s, j, AX_JOB_GONE, "cancelled");
	else if (j->state == AX_SLURM_LIMIT)
		end_as(s, j, AX_JOB_LIMIT, "job %s ended by Slurm: %s", id,
		       j->word[0] ? j->word : "a limit");
	else if (j->state == AX_SLURM_CANCELLED)
		end_as(s, j, AX_JOB_GONE,
		       "job %s was cancelled in Slurm, not by this run", id);
	else if (j->state == AX_SLURM_ABSENT)
		end_as(s, j, AX_JOB_INFRA,
		       "job %s is lost: not in the queue, and it left no "
		       "exit.json%s",
		       id, said.buf ? said.buf : "");
	else
		end_as(s, j, AX_JOB_INFRA,
		       "job %s ended as %s and left no exit.json%s", id,
		       j->word[0] ? j->word : "gone", said.buf ? said.buf : "");
	ax_str_free(&said);
}

static bool
over(enum ax_slurm_state st)
{
	return st != AX_SLURM_ALIVE && st != AX_SLURM_QUEUED;
}

/* Looks at what the job left. `fresh`: the state comes from a squeue of this
 * moment. True when the job has ended. */
static bool
judge(struct slurm *s, struct slurm_job *j, bool fresh)
{
	double now = ax_now();
	struct ax_exit e;
	int rc = ax_exit_read(&e, j->job->dir, NULL);
	bool mine = rc == 1 && ax_streq(e.key, j->job->key);

	if (mine && !e.stopped) {
		/* the kernel's memory killer, or somebody's kill: Slurm knows
		 * soon */
		if (e.signal == 9 && !e.timed_out && !e.log_full &&
		    !j->cancel) {
			if (j->dead == 0) {
				j->dead = now;
				s->poll_at = AX_MIN(s->poll_at, now + 0.5);
			}
			if (!(fresh && over(j->state)) &&
			    now - j->dead < s->lag)
				return false;
			if (j->state == AX_SLURM_LIMIT) {
				end_by_state(s, j);
				return true;
			}
		}
		end_with(s, j, &e);
		return true;
	}
	if (mine && s->poll_at > now + 1 && j->gone == 0)
		s->poll_at = now + 1; /* stopped by Slurm: why? */
	if (j->state == AX_SLURM_STUCK) {
		const char *id = j->id;

		(void)ax_slurm_cancel(&id, 1, false, NULL);
		end_as(s, j, j->cancel ? AX_JOB_GONE : AX_JOB_INFRA,
		       "job %s is held after a launch that failed",
		       j->id[0] ? j->id : "(no number)");
		return true;
	}
	if (!fresh)
		return false;
	if (!over(j->state)) {
		j->gone = 0;
		return false;
	}
	if (j->gone == 0)
		j->gone = now;
	/* A file may come late; what Slurm itself ended needs no file, and nor
	 * does what this run cancelled. */
	if (j->state == AX_SLURM_LIMIT || j->state == AX_SLURM_INFRA ||
	    j->state == AX_SLURM_CANCELLED ||
	    (j->cancel && j->told > 0 && now - j->told > 1) ||
	    now - j->gone > s->lag) {
		end_by_state(s, j);
		return true;
	}
	return false;
}

/* Looking ------------------------------------------------------------------ */

/* Lines longer than MAX_LINE are dropped whole. */
static void
read_progress(struct slurm *s, struct slurm_job *j)
{
	char *path = ax_join(j->job->dir, "progress"), buf[4096];
	FILE *f = fopen(path, "re");
	size_t n = 0;

	free(path);
	if (!f)
		return;
	if (fseeko(f, 0, SEEK_END) == 0 && ftello(f) < j->progress)
		j->progress = 0; /* a new try began */
	if (fseeko(f, j->progress, SEEK_SET) == 0)
		n = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	j->progress += (off_t)n;
	for (size_t i = 0; i < n; i++) {
		if (buf[i] != '\n') {
			ax_str_addc(&j->line, buf[i]);
			continue;
		}
		if (j->line.len && !j->line.over && s->o.progress)
			s->o.progress(s->o.arg, j->job, j->line.buf);
		ax_str_clear(&j->line);
		j->line.over = false;
	}
}

static void
look_at_files(struct slurm *s, double now)
{
	for (size_t i = 0; i < s->n;) {
		struct slurm_job *j = s->jobs[i];

		if (j->batch) {
			read_progress(s, j);
			if (judge(s, j, false))
				continue;
		}
		i++;
	}
	/* a thousand jobs are looked at once a second */
	s->files_at = now + AX_MAX(FILES_EVERY, (double)s->n * 1e-3);
}

static void
take_state(struct slurm *s, struct slurm_job *j, const struct ax_slurm_row *r)
{
	if (!r) {
		/* Slurm may forget how it ended while we wait for a file */
		if (j->gone > 0 && over(j->state))
			return;
		j->state = AX_SLURM_ABSENT;
		j->word[0] = '\0';
		return;
	}
	if (!j->seen && j->batch->foreign)
		note(s, "%s: job %s of an earlier run is %s: taken over",
		     j->job->node, r->id, r->word);
	if (j->seen && r->state == AX_SLURM_QUEUED &&
	    j->state == AX_SLURM_ALIVE)
		note(s, "%s: job %s was requeued by Slurm", j->job->node,
		     r->id);
	j->seen = true;
	j->state = r->state;
	snprintf(j->word, sizeof(j->word), "%s", r->word);
	snprintf(j->id, sizeof(j->id), "%s", r->id);
	if (!j->batch->id[0]) {
		size_t n = strspn(r->id, "0123456789");

		memcpy(j->batch->id, r->id, n);
		j->batch->id[n] = '\0';
	}
}

static void
look_at_queue(struct slurm *s)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_slurm_queue q;

	if (ax_slurm_look(&q, &err) != 0) {
		if (!s->deaf)
			note(s,
			     "Slurm does not answer (%s); its jobs go on, "
			     "and so does this run when it does",
			     err.text);
		s->deaf = true;
		/* A run that is to end does not wait for it. */
		for (size_t i = s->n; i-- > 0;)
			if (s->jobs[i]->told > 0 &&
			    ax_now() - s->jobs[i]->told > 2 * s->lag)
				end_by_state(s, s->jobs[i]);
	} else {
		if (s->deaf)
			note(s, "Slurm answers again");
		s->deaf = false;
		for (size_t i = 0; i < s->n;) {
			struct slurm_job *j = s->jobs[i];

			if (j->batch) {
				take_state(s, j,
					   ax_slurm_find(&q, j->batch->name,
							 j->index));
				if (judge(s, j, true))
					continue;
			}
			i++;
		}
	}
	ax_slurm_queue_free(&q);
	s->poll_at = ax_now() + s->poll_every;
	s->poll_every =
		AX_MIN(s->poll_every * 1.5, AX_MAX(POLL_LAST, s->first_poll));
	for (size_t i = 0; i < s->n; i++)
		if (s->jobs[i]->gone > 0 || s->jobs[i]->cancel)
			s->poll_at = AX_MIN(s->poll_at, ax_now() + 1);
}

/* Submitting --------------------------------------------------------------- */

static bool
alike(const struct ax_job *a, const struct ax_job *b)
{
	return a->cpus == b->cpus && a->memory == b->memory &&
	       (int)(a->timeout / 60) == (int)(b->timeout / 60);
}

static void
put_back(struct slurm *s, struct slurm_job **list, size_t n)
{
	struct batch *b = list[0]->batch;

	for (size_t i = 0; i < n; i++) {
		char *path = ax_join(list[i]->job->dir, "submitted");

		(void)unlink(path);
		free(path);
		list[i]->batch = NULL;
	}
	b->live = 0;
	batch_over(s, b);
}

/* sbatch could not say whether it was done: the queue can. */
static bool
taken_all_the_same(struct batch *b)
{
	const struct ax_slurm_row *r;
	struct ax_slurm_queue q;
	bool found = false;
	size_t n;

	if (ax_slurm_look(&q, NULL) == 0 &&
	    (r = ax_slurm_find(&q, b->name, 0)) != NULL) {
		n = strspn(r->id, "0123456789");
		memcpy(b->id, r->id, n);
		b->id[n] = '\0';
		found = true;
	}
	ax_slurm_queue_free(&q);
	return found;
}

static void
refused(struct slurm *s, struct slurm_job **list, size_t n, int rc,
	const struct ax_err *err)
{
	double now = ax_now();

	if (rc == 1 && s->refused_since == 0) {
		s->refused_since = now;
		s->backoff = 1;
		note(s, "Slurm takes no job now (%s); trying again", err->text);
	}
	if (rc == 1 && now - s->refused_since < PATIENCE) {
		s->submit_at = now + s->backoff;
		s->backoff = AX_MIN(s->backoff * 2, 30.0);
		put_back(s, list, n);
		return;
	}
	put_back(s, list, n);
	for (size_t i = 0; i < n; i++)
		end_as(s, list[i], AX_JOB_GONE, "not taken by Slurm: %s",
		       err->text);
}

static int
send(struct slurm *s, struct slurm_job **list, size_t n, struct ax_err *err)
{
	const struct ax_job *first = list[0]->job;
	struct ax_slurm_request q = {0};
	struct batch *b;
	const char **dirs = ax_calloc(n, sizeof(*dirs));
	char *name, *script, *path;
	int rc;

	name = ax_asprintf("axp-%s-%.*s", s->o.run, KEY_DIGITS, first->key);
	if (first->tries > 1) {
		char *again = ax_asprintf("%s.%u", name, first->tries);

		free(name);
		name = again;
	}
	b = batch_new(s, name, false);
	free(name);
	script = ax_join(b->dir, "script");
	b->live = n;
	for (size_t i = 0; i < n; i++) {
		list[i]->batch = b;
		list[i]->index = (unsigned)i;
		dirs[i] = list[i]->job->dir;
	}
	rc = ax_mkdirs(b->dir, err);
	if (rc == 0)
		rc = ax_job_script(script, dirs, n, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = write_submitted(list[i], err);
	if (rc == 0) {
		q.name = b->name;
		q.script = script;
		q.dir = b->dir;
		q.count = (unsigned)n;
		q.cpus = first->cpus;
		q.memory = first->memory;
		q.seconds = first->timeout > 0 ? first->timeout + SLACK : 0;
		q.partition = s->o.partition;
		q.args = s->o.args;
		q.nargs = s->o.nargs;
		rc = ax_slurm_submit(b->id, &q, err);
		if (rc == 1 && taken_all_the_same(b))
			rc = 0;
	}
	if (rc == 0) {
		path = ax_join(b->dir, "id");
		/* the name leads to it as well */
		(void)ax_write_file(path, b->id, strlen(b->id), NULL);
		free(path);
		for (size_t i = 0; i < n; i++) {
			if (n > 1)
				snprintf(list[i]->id, sizeof(list[i]->id),
					 "%s_%zu", b->id, i);
			else
				snprintf(list[i]->id, sizeof(list[i]->id), "%s",
					 b->id);
			list[i]->state = AX_SLURM_QUEUED;
		}
		s->refused_since = 0;
	}
	free(script);
	free(dirs);
	return rc;
}

/* What waits goes out in as few arrays as there are kinds of request. */
static void
submit(struct slurm *s)
{
	struct slurm_job **list = ax_calloc(s->n + 1, sizeof(*list));
	size_t n;
	int rc = 0;

	while (rc == 0) {
		struct ax_err err = AX_ERR_INIT;

		n = 0;
		for (size_t i = 0; i < s->n && n < s->max_array; i++) {
			struct slurm_job *j = s->jobs[i];

			if (!j->batch &&
			    (n == 0 || (alike(list[0]->job, j->job) &&
					list[0]->job->tries == j->job->tries)))
				list[n++] = j;
		}
		if (n == 0)
			break;
		rc = send(s, list, n, &err);
		if (rc != 0)
			refused(s, list, n, rc, &err);
		if (rc < 0)
			rc = 0; /* the others may be taken */
	}
	free(list);
	s->poll_every = s->first_poll;
	s->poll_at = AX_MIN(s->poll_at, ax_now() + s->poll_every);
}

static size_t
waiting(const struct slurm *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += !s->jobs[i]->batch;
	return n;
}

/* Cancelling --------------------------------------------------------------- */

static void
cancel_now(struct slurm *s)
{
	const char **ids = ax_calloc(s->n + 1, sizeof(*ids));
	const char **names = ax_calloc(s->n + 1, sizeof(*names));
	size_t nids = 0, nnames = 0;
	double now = ax_now();

	for (size_t i = s->n; i-- > 0;) {
		struct slurm_job *j = s->jobs[i];

		if (!j->cancel || (j->told > 0 && now - j->told < 10))
			continue;
		if (!j->batch) {
			end_as(s, j, AX_JOB_GONE, "cancelled");
			continue;
		}
		if (j->told == 0)
			j->told = now;
		/* one job of a batch without a number stands for all of it:
		 * they are cancelled together */
		if (j->id[0])
			ids[nids++] = j->id;
		else
			names[nnames++] = j->batch->name;
	}
	if (nids)
		(void)ax_slurm_cancel(ids, nids, false, NULL);
	if (nnames)
		(void)ax_slurm_cancel(names, nnames, true, NULL);
	if (nids || nnames)
		s->poll_at = AX_MIN(s->poll_at, ax_now() + 0.5);
	free(ids);
	free(names);
}

/* The table ---------------------------------------------------------------- */

static struct slurm_job *
add(struct slurm *s, struct ax_job *job)
{
	struct slurm_job *j = ax_calloc(1, sizeof(*j));

	j->job = job;
	j->line.max = MAX_LINE;
	j->state = AX_SLURM_QUEUED;
	job->state = j;
	AX_GROW(s->jobs, s->n, s->cap);
	s->jobs[s->n++] = j;
	return j;
}

static int
slurm_start(struct ax_executor *x, struct ax_job *job, struct ax_err *err)
{
	struct slurm *s = (struct slurm *)x;

	if (ax_ticket_write(job, s->o.store, err) < 0)
		return -1;
	add(s, job);
	return 0;
}

static int
slurm_adopt(struct ax_executor *x, struct ax_job *job, struct ax_err *err)
{
	struct slurm *s = (struct slurm *)x;
	struct slurm_job *j;
	char name[128];
	unsigned index;

	(void)err;
	if (!read_submitted(job->dir, name, &index))
		return 0;
	j = add(s, job);
	j->batch = batch_new(s, name, true);
	j->batch->live++;
	j->index = index;
	read_id(j->batch);
	s->poll_at = s->files_at = 0;
	return 1;
}

static size_t
slurm_fds(struct ax_executor *x, struct pollfd *out, size_t max)
{
	(void)x;
	(void)out;
	(void)max;
	return 0;
}

static double
slurm_next(struct ax_executor *x)
{
	struct slurm *s = (struct slurm *)x;
	double now = ax_now(), at;

	if (s->n == 0)
		return -1;
	at = AX_MIN(s->files_at, s->poll_at);
	if (waiting(s))
		at = AX_MIN(at, s->submit_at);
	return AX_MAX(at - now, 0);
}

static void
slurm_step(struct ax_executor *x)
{
	struct slurm *s = (struct slurm *)x;
	double now = ax_now();
	bool cancels = false;

	for (size_t i = 0; i < s->n; i++)
		cancels |= s->jobs[i]->cancel;
	if (cancels)
		cancel_now(s);
	if (now >= s->submit_at && waiting(s))
		submit(s);
	if (s->n && now >= s->files_at)
		look_at_files(s, now);
	if (s->n > waiting(s) && now >= s->poll_at)
		look_at_queue(s);
	else if (now >= s->poll_at)
		s->poll_at = now + s->poll_every;
}

static void
slurm_cancel(struct ax_executor *x, struct ax_job *job)
{
	struct slurm_job *j = job->state;

	(void)x;
	if (j && !job->ended)
		j->cancel = true;
	/* told to Slurm in the next step, all of them in one call */
	((struct slurm *)x)->files_at = 0;
}

static void
slurm_free(struct ax_executor *x)
{
	struct slurm *s = (struct slurm *)x;

	for (size_t i = 0; i < s->n; i++) {
		ax_str_free(&s->jobs[i]->line);
		free(s->jobs[i]);
	}
	for (size_t i = 0; i < s->nbatches; i++)
		batch_free(s->batches[i]);
	free(s->jobs);
	free(s->batches);
	free(s->store);
	free(s);
}

struct ax_executor *
ax_exec_slurm(const struct ax_slurm_options *o, struct ax_err *err)
{
	struct slurm *s = ax_calloc(1, sizeof(*s));

	s->store = realpath(o->store, NULL);
	if (!s->store) {
		free(s);
		ax_err_set(err, AX_EXIT_ENV, "%s:", o->store);
		return NULL;
	}
	if (ax_slurm_site(&s->max_array, &s->x.node_cpus, o->partition, err) <
	    0) {
		free(s->store);
		free(s);
		return NULL;
	}
	s->o = *o;
	s->o.store = s->store;
	s->x.name = "slurm";
	s->x.cpus = 1u << 20; /* the queue is the limit */
	s->x.memory = UINT64_MAX / 4;
	s->x.start = slurm_start;
	s->x.adopt = slurm_adopt;
	s->x.fds = slurm_fds;
	s->x.next = slurm_next;
	s->x.step = slurm_step;
	s->x.cancel = slurm_cancel;
	s->x.free = slurm_free;
	s->first_poll = setting("AXPIPE_SLURM_POLL", POLL_FIRST);
	s->lag = setting("AXPIPE_SLURM_LAG", LAG);
	s->poll_every = s->first_poll;
	sweep(s);
	return &s->x;
}
