/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler: a single-threaded poll loop that starts nodes whose inputs
 * are known as cpus and memory allow, and decides what becomes known as they
 * end. A node goes through these phases:
 *
 *   IDLE -> READY -> (OBTAIN: bytes from a mirror or the network)
 *                 -> (LOCKED: another process runs the same key)
 *                 -> RUNNING -> OVER
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/run/complaint.h"
#include "pipeline/run/engine.h"
#include "pipeline/run/exec.h"
#include "pipeline/run/exec_local.h"
#include "pipeline/run/fetching.h"
#include "pipeline/run/progress.h"
#include "pipeline/run/queue.h"
#include "pipeline/run/sched.h"
#include "pipeline/run/sharing.h"
#include "pipeline/run/signals.h"
#include "pipeline/run/work.h"

#define LOCK_RETRY 0.2 /* seconds */
#define MAX_FDS 1024

enum phase { IDLE, READY, OBTAIN, LOCKED, RUNNING, OVER };

struct task {
	const struct ax_node *node;
	enum phase phase;
	size_t pending; /* links whose digest is not known yet */
	double height;  /* longest way to the end, seconds or steps */
	unsigned cpus;
	uint64_t memory;
	double timeout;
	unsigned tries; /* so far, this one included */
	char key[AX_HEX_LEN + 1];
	struct ax_job job;
	struct ax_work work;
	int lock;
	double retry; /* LOCKED: when to look again, on ax_now's clock */
	bool waited;  /* was LOCKED once */
	double began; /* RUNNING since, on ax_now's clock */
};

/* Who waits for whom: the nodes behind each node and each source, one entry a
 * link, in one array. */
struct edges {
	size_t *start, *to;
};

struct sched {
	struct ax_run *r;
	struct ax_executor *x;
	struct ax_progress *progress;
	struct ax_fetching *fetching;
	struct ax_sharing *sharing;
	struct task *tasks;    /* by node */
	struct ax_queue ready; /* those that became READY; some no longer are */
	struct task **running; /* nrunning of them */
	size_t crunning;
	struct edges nodes, sources;
	size_t nready, nobtain, nlocked, nrunning;
	unsigned cpus, cpus_used;
	uint64_t memory, memory_used;
	bool draining;      /* start nothing more */
	bool stopped;       /* by a signal */
	struct ax_err *err; /* an error of the store ends the run */
	bool broken;
	int wake;
};

static void
set_phase(struct sched *s, struct task *t, enum phase phase)
{
	size_t *count[] = {[READY] = &s->nready,   [OBTAIN] = &s->nobtain,
			   [LOCKED] = &s->nlocked, [RUNNING] = &s->nrunning,
			   [IDLE] = NULL,          [OVER] = NULL};

	if (count[t->phase])
		--*count[t->phase];
	t->phase = phase;
	if (count[phase])
		++*count[phase];
	if (phase == READY)
		ax_queue_push(&s->ready, t->node->index, t->height);
}

/* Who waits for whom
 * ----------------------------------------------------------- */

static void
make_edges(struct edges *e, const struct ax_graph *g, bool sources)
{
	size_t n = sources ? g->nsources : g->n, sum = 0;

	e->start = ax_calloc(n + 2, sizeof(*e->start));
	/* counted one place up, so that filling moves start[i] to where it
	 * belongs */
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < g->n; i++) {
			const struct ax_node *node = g->nodes[i];

			for (size_t w = 0; w < node->nwires; w++)
				for (size_t k = 0; k < node->wires[w].n; k++) {
					const struct ax_link *l =
						&node->wires[w].links[k];
					size_t at;

					if ((l->source != NULL) != sources)
						continue;
					at = sources ? l->source->index
						     : l->node->index;
					if (pass == 0)
						e->start[at + 2]++;
					else
						e->to[e->start[at + 1]++] = i;
				}
		}
		if (pass == 1)
			break;
		for (size_t i = 0; i < n; i++) {
			sum += e->start[i + 2];
			e->start[i + 2] = sum;
		}
		e->to = ax_calloc(sum + 1, sizeof(*e->to));
	}
}

static bool
undecided(enum ax_state s)
{
	return s == AX_WAITING || s == AX_MAYBE || s == AX_DIRTY ||
	       s == AX_RUNNING;
}

static void
count_pending(struct sched *s)
{
	const struct ax_graph *g = s->r->graph;

	for (size_t i = 0; i < g->n; i++) {
		const struct ax_node *n = g->nodes[i];
		const struct ax_outcome *o = &s->r->outcomes[i];

		if (o->state != AX_MAYBE)
			continue;
		for (size_t w = 0; w < n->nwires; w++)
			for (size_t k = 0; k < n->wires[w].n; k++) {
				const struct ax_link *l = &n->wires[w].links[k];
				bool known =
					l->source
						? s->r->source_known
							  [l->source->index]
						: ax_state_known(
							  s->r->outcomes
								  [l->node->index]
									  .state);

				s->tasks[i].pending += !known;
			}
	}
}

/* How far it is from each node to the end, from what past runs took. */
static void
measure(struct sched *s)
{
	const struct ax_graph *g = s->r->graph;

	for (size_t i = g->n; i-- > 0;) {
		const struct ax_past *past = ax_journal_find(
			s->r->engine->journal, g->nodes[i]->name);
		struct task *t = &s->tasks[i];
		double below = 0;

		for (size_t e = s->nodes.start[i]; e < s->nodes.start[i + 1];
		     e++)
			below = AX_MAX(below, s->tasks[s->nodes.to[e]].height);
		t->height =
			below +
			(past && past->ok ? AX_MAX(past->seconds, 0.01) : 1);
	}
}

/* Coming to rest
 * ------------------------------------------------------------------- */

static void decided(struct sched *s, const struct ax_node *n);

/* One link of the node became known. True when that makes the node itself
 * known, for it was found in the store. */
static bool
one_known(struct sched *s, size_t node)
{
	struct task *t = &s->tasks[node];

	if (s->r->outcomes[node].state != AX_MAYBE || t->pending == 0 ||
	    --t->pending > 0 || s->broken)
		return false;
	if (ax_plan_decide(s->r, t->node, s->err) < 0) {
		s->broken = s->draining = true;
		return false;
	}
	decided(s, t->node);
	return s->r->outcomes[node].state == AX_HIT;
}

/* Tells those who wait. A list instead of recursion: a chain of ten thousand
 * hits is no deeper than one. */
static void
spread(struct sched *s, const struct edges *e, size_t first)
{
	size_t *list = NULL, n = 0, cap = 0, at = first;

	for (;;) {
		for (size_t i = e->start[at]; i < e->start[at + 1]; i++)
			if (one_known(s, e->to[i])) {
				AX_GROW(list, n, cap);
				list[n++] = e->to[i];
			}
		if (n == 0)
			break;
		at = list[--n];
		e = &s->nodes;
	}
	free(list);
}

static void
failed(struct sched *s, const struct ax_node *n)
{
	struct ax_outcome *o = &s->r->outcomes[n->index];

	set_phase(s, &s->tasks[n->index], OVER);
	s->r->failed++;
	if (o->has_key)
		ax_journal_failed(s->r->engine->journal, n->name, &o->key,
				  s->r->id, o->ended - o->started, o->error);
	ax_progress_ended(s->progress, n);
	if (!s->r->options.keep_going)
		s->draining = true;
}

static void
fail_with(struct sched *s, struct task *t, enum ax_state state, int exit_code,
	  char *error)
{
	struct ax_outcome *o = &s->r->outcomes[t->node->index];

	o->state = state;
	o->exit = exit_code ? exit_code : AX_EXIT_STAGE;
	free(o->error);
	o->error = error;
	for (size_t i = 0; i < t->node->stage->noutputs; i++)
		o->have[i] = false;
	failed(s, t->node);
}

/* After ax_plan_decide. */
static void
decided(struct sched *s, const struct ax_node *n)
{
	struct task *t = &s->tasks[n->index];

	switch (s->r->outcomes[n->index].state) {
	case AX_DIRTY:
		set_phase(s, t, READY);
		break;
	case AX_HIT:
		s->r->hits++;
		set_phase(s, t, OVER);
		ax_progress_ended(s->progress, n);
		break;
	case AX_FAILED:
		failed(s, n);
		break;
	default:
		break;
	}
}

/* Starting
 * --------------------------------------------------------------------- */

/* 1 everything is in the store, 0 some of it is on its way, -1 failed. */
static int
have_inputs(struct sched *s, struct task *t, struct ax_err *err)
{
	const struct ax_node *n = t->node;
	int all = 1;

	for (size_t i = 0; i < n->nwires; i++)
		for (size_t k = 0; k < n->wires[i].n; k++) {
			const struct ax_link *l = &n->wires[i].links[k];
			struct ax_digest d;
			int rc;

			if (l->source && ax_obtain_outside(l->source))
				continue;
			if (!ax_link_digest(s->r, l, &d) ||
			    ax_store_has(s->r->store, &d))
				continue;
			rc = ax_fetching_want(s->fetching, l->source, &d, err);
			if (rc < 0)
				return ax_err_wrap(err, "input %s of %s",
						   n->wires[i].port->name,
						   n->name);
			all = 0;
		}
	return all;
}

static void
release(struct task *t)
{
	if (t->lock >= 0)
		ax_unlock(t->lock);
	t->lock = -1;
}

static void
fill_job(struct task *t, const struct ax_outcome *o)
{
	memset(&t->job, 0, sizeof(t->job));
	t->job.dir = t->work.dir;
	t->job.log = t->work.log;
	t->job.timeout = t->timeout;
	t->job.key = ax_hex(t->key, &o->key);
	t->job.node = t->node->name;
	t->job.cpus = t->cpus;
	t->job.memory = t->memory;
	t->job.tries = ++t->tries;
	t->job.owner = t;
}

/* A job that an earlier run left behind: 1 taken over, 0 none. */
static int
adopt(struct sched *s, struct task *t, struct ax_err *err)
{
	int rc;

	if (!s->x->adopt || ax_work_attach(&t->work, s->r, t->node, NULL) < 0) {
		ax_work_end(&t->work, false);
		return 0;
	}
	fill_job(t, &s->r->outcomes[t->node->index]);
	rc = s->x->adopt(s->x, &t->job, err);
	if (rc <= 0) {
		t->tries--;
		ax_work_end(&t->work, false);
	}
	return rc;
}

/* Prepares and starts the program; the key is locked. */
static int
launch(struct sched *s, struct task *t, bool *tainted, struct ax_err *err)
{
	struct ax_outcome *o = &s->r->outcomes[t->node->index];
	int rc;

	o->started = ax_wall();
	t->began = ax_now();
	rc = adopt(s, t, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (ax_work_prepare(&t->work, s->r, t->node, t->cpus, tainted, err) < 0)
		return -1;
	fill_job(t, o);
	t->job.files = t->work.files;
	t->job.argv = (const char *const *)t->work.argv;
	t->job.envp = (const char *const *)t->work.envp;
	return s->x->start(s->x, &t->job, err);
}

static void
begin(struct sched *s, struct task *t)
{
	struct ax_outcome *o = &s->r->outcomes[t->node->index];
	struct ax_err err = AX_ERR_INIT;
	bool tainted = false;
	int rc;

	rc = have_inputs(s, t, &err);
	if (rc == 0) {
		set_phase(s, t, OBTAIN);
		return;
	}
	if (rc > 0)
		rc = ax_lock_key(s->r->store, &t->lock, &o->key, false, &err);
	if (rc == 1) {
		if (!t->waited)
			ax_progress_note(s->progress,
					 "%s: another process runs the same "
					 "key, waiting",
					 t->node->name);
		t->waited = true;
		t->retry = ax_now() + LOCK_RETRY;
		set_phase(s, t, LOCKED);
		return;
	}
	/* somebody may have made it since it was planned */
	if (rc == 0)
		rc = ax_plan_lookup(s->r, t->node, NULL, &err);
	if (rc == 1) {
		release(t);
		o->state = AX_HIT;
		decided(s, t->node);
		spread(s, &s->nodes, t->node->index);
		return;
	}
	if (rc == 0)
		rc = launch(s, t, &tainted, &err);
	if (rc < 0) {
		release(t);
		ax_work_end(&t->work, false);
		fail_with(s, t, tainted ? AX_TAINTED : AX_FAILED, err.exit,
			  ax_strdup(err.text));
		return;
	}
	o->state = AX_RUNNING;
	AX_GROW(s->running, s->nrunning, s->crunning);
	s->running[s->nrunning] = t;
	set_phase(s, t, RUNNING);
	s->cpus_used += t->cpus;
	s->memory_used += t->memory;
	ax_progress_started(s->progress, t->node, t->cpus);
}

static bool
fits(const struct sched *s, const struct task *t)
{
	if (s->nrunning == 0)
		return true; /* asks for more than there is: runs alone */
	return s->cpus_used + t->cpus <= s->cpus &&
	       s->memory_used + t->memory <= s->memory;
}

/* The first of the queue that fits; those before it wait on. */
static struct task *
choose(struct sched *s)
{
	struct ax_queued *passed = NULL, x;
	size_t n = 0, cap = 0;
	struct task *t = NULL;

	while (ax_queue_pop(&s->ready, &x)) {
		t = &s->tasks[x.node];
		if (t->phase == READY && fits(s, t))
			break;
		if (t->phase == READY) {
			AX_GROW(passed, n, cap);
			passed[n++] = x;
		}
		t = NULL;
	}
	while (n--)
		ax_queue_push(&s->ready, passed[n].node, passed[n].height);
	free(passed);
	return t;
}

static void
start_ready(struct sched *s)
{
	struct task *t;
	double now = ax_now();

	for (size_t i = 0; s->nlocked && i < s->r->graph->n; i++)
		if (s->tasks[i].phase == LOCKED && s->tasks[i].retry <= now)
			set_phase(s, &s->tasks[i], READY);
	while (!s->draining && s->nready && (t = choose(s)) != NULL) {
		begin(s, t);
		if (ax_signals_interrupts())
			return;
	}
}

/* Ending
 * ------------------------------------------------------------------------- */

static void
cancelled(struct sched *s, struct task *t)
{
	s->r->outcomes[t->node->index].state = AX_CANCELLED;
	/* the checkpoint of a resumable stage is for the next try */
	ax_work_end(&t->work,
		    !t->node->stage->resumable && !s->r->options.keep_work);
	release(t);
	set_phase(s, t, OVER);
	s->r->skipped++;
	ax_progress_ended(s->progress, t->node);
}

static void
forget_note(struct task *t)
{
	free(t->job.note);
	t->job.note = NULL;
}

/* True when the node is to be tried once more, and is ready for it. Only here
 * are tries repeated: no executor does it by itself. */
static bool
try_again(struct sched *s, struct task *t)
{
	const struct ax_node *n = t->node;
	bool limit = t->job.how == AX_JOB_LIMIT ||
		     (t->job.how == AX_JOB_RAN && t->job.timed_out);
	int exit_code;
	char *what;

	if (s->draining || t->tries > n->retries ||
	    !(limit ? n->grow > 1 : t->job.how == AX_JOB_INFRA))
		return false;
	what = ax_complaint(&t->job, t->work.dir, &exit_code);
	if (limit) {
		t->timeout *= n->grow;
		t->memory = (uint64_t)((double)t->memory * n->grow);
		ax_progress_note(s->progress,
				 "%s: %s; once more with %g times the time and "
				 "memory",
				 n->name, what ? what : "a limit", n->grow);
	} else {
		ax_progress_note(s->progress, "%s: %s; try %u of %u", n->name,
				 what ? what : "lost", t->tries + 1,
				 n->retries + 1);
	}
	free(what);
	/* the folder moves away before the next try makes its own */
	ax_work_end(&t->work, false);
	release(t);
	s->r->outcomes[n->index].state = AX_DIRTY;
	set_phase(s, t, READY);
	return true;
}

/* What the node touched without declaring it. */
static void
tell_audit(struct sched *s, const struct task *t)
{
	json_t *found, *f;
	char *text;
	size_t i;

	if (s->r->options.confine == AX_CONFINE_NONE)
		return;
	found = ax_confine_found(t->work.dir);
	s->r->looked += found != NULL;
	json_array_foreach(found, i, f)
	{
		s->r->strayed++;
		text = ax_confine_text(f);
		ax_progress_note(s->progress, "%s: undeclared: %s",
				 t->node->name, text);
		free(text);
	}
	json_decref(found);
}

static void
finish(struct sched *s, struct task *t)
{
	struct ax_outcome *o = &s->r->outcomes[t->node->index];
	struct ax_err err = AX_ERR_INIT;
	enum ax_state state = AX_FAILED;
	bool tainted = false;
	int exit_code;
	char *what;

	s->cpus_used -= t->cpus;
	s->memory_used -= t->memory;
	/* the wall clock may have been set meanwhile */
	o->ended = o->started + (ax_now() - t->began);
	if (t->job.over > 0) {
		o->started = t->job.began;
		o->ended = AX_MAX(t->job.over, t->job.began);
	}
	o->cpu_seconds = t->job.cpu_seconds;
	o->max_rss = t->job.max_rss;
	/* even with exit code 0: it was asked to end early */
	if (t->job.cancelled) {
		forget_note(t);
		cancelled(s, t);
		return;
	}
	if (try_again(s, t)) {
		forget_note(t);
		return;
	}
	tell_audit(s, t);
	what = ax_complaint(&t->job, t->work.dir, &exit_code);
	forget_note(t);
	if (!what &&
	    ax_work_publish(&t->work, s->r, t->node, &tainted, &err) < 0) {
		exit_code = err.exit;
		what = ax_strdup(err.text);
		if (tainted)
			state = AX_TAINTED;
		json_decref(o->metrics);
		o->metrics = NULL;
	}
	if (what) {
		/* the log stays readable after the work folder is gone */
		if (!o->has_log)
			(void)ax_work_store_log(&t->work, s->r, o, NULL);
		fail_with(s, t, state, exit_code,
			  state == AX_TAINTED
				  ? ax_strdup(what)
				  : ax_complaint_whole(&t->work, what));
		free(what);
		ax_work_end(&t->work, false);
		release(t);
		return;
	}
	ax_work_end(&t->work, !s->r->options.keep_work);
	release(t);
	o->state = AX_DONE;
	s->r->executed++;
	ax_sharing_give(s->sharing, &o->key);
	ax_journal_ok(s->r->engine->journal, t->node->name, &o->key, s->r->id,
		      o->ended - o->started);
	set_phase(s, t, OVER);
	ax_progress_ended(s->progress, t->node);
	spread(s, &s->nodes, t->node->index);
}

static void
reap_jobs(struct sched *s)
{
	s->x->step(s->x);
	for (size_t i = 0; i < s->nrunning;) {
		struct task *t = s->running[i];

		if (!t->job.ended) {
			i++;
			continue;
		}
		/* in the order in which they were started */
		memmove(s->running + i, s->running + i + 1,
			(s->nrunning - i - 1) * sizeof(*s->running));
		finish(s, t);
	}
}

/* What was fetched is here, or will not come: whoever waited looks again. */
static void
reap_fetches(struct sched *s)
{
	const struct ax_source *source;
	struct ax_digest d;
	bool any = false, tree;

	while (ax_fetching_step(s->fetching, &source, &d, &tree)) {
		any = true;
		if (!source || s->r->source_known[source->index])
			continue;
		s->r->source_digests[source->index] = d;
		s->r->source_tree[source->index] = tree;
		s->r->source_known[source->index] = true;
		spread(s, &s->sources, source->index);
	}
	any |= ax_fetching_failed(s->fetching);
	for (size_t i = 0; any && s->nobtain && i < s->r->graph->n; i++)
		if (s->tasks[i].phase == OBTAIN)
			set_phase(s, &s->tasks[i], READY);
}

/* Sources whose digest only a fetch can tell. */
static void
want_unknown(struct sched *s)
{
	const struct ax_graph *g = s->r->graph;
	struct ax_err err = AX_ERR_INIT;

	for (size_t i = 0; i < g->n; i++) {
		const struct ax_node *n = g->nodes[i];

		if (s->r->outcomes[i].state != AX_MAYBE)
			continue;
		for (size_t w = 0; w < n->nwires; w++)
			for (size_t k = 0; k < n->wires[w].n; k++) {
				const struct ax_source *src =
					n->wires[w].links[k].source;

				if (!src || s->r->source_known[src->index] ||
				    s->tasks[i].phase == OVER)
					continue;
				if (ax_fetching_want(s->fetching, src, NULL,
						     &err) < 0)
					fail_with(s, &s->tasks[i], AX_FAILED,
						  err.exit,
						  ax_strdup(err.text));
			}
	}
}

/* The loop
 * ------------------------------------------------------------------------- */

static void
stop(struct sched *s)
{
	s->stopped = s->draining = true;
	s->r->interrupted = true;
	ax_progress_note(s->progress,
			 "stopping: waiting for %zu running node%s (once more "
			 "to leave at once)",
			 s->nrunning, s->nrunning == 1 ? "" : "s");
	for (size_t i = 0; i < s->nrunning; i++)
		s->x->cancel(s->x, &s->running[i]->job);
	ax_fetching_cancel(s->fetching);
}

static bool
work_left(const struct sched *s)
{
	if (s->nrunning)
		return true;
	if (s->draining)
		return false;
	return s->nready || s->nlocked || s->nobtain ||
	       ax_fetching_busy(s->fetching);
}

static void
wait_for_news(struct sched *s)
{
	struct pollfd fds[MAX_FDS];
	double next = -1, t;
	size_t n = 0;

	fds[n++] = (struct pollfd){s->wake, POLLIN, 0};
	n += ax_fetching_fds(s->fetching, fds + n, MAX_FDS - n);
	n += ax_sharing_fds(s->sharing, fds + n, MAX_FDS - n);
	n += s->x->fds(s->x, fds + n, MAX_FDS - n);
	t = s->x->next(s->x);
	if (t >= 0)
		next = t;
	t = ax_progress_tick(s->progress);
	if (t >= 0 && (next < 0 || t < next))
		next = t;
	if (s->nlocked && !s->draining && (next < 0 || next > LOCK_RETRY))
		next = LOCK_RETRY;
	if (s->nready && !s->draining && s->nrunning == 0)
		next = 0;
	if (poll(fds, (nfds_t)n, next < 0 ? -1 : (int)(next * 1000) + 1) < 0 &&
	    errno != EINTR)
		s->draining = s->broken = true;
	ax_signals_drain();
}

static void
loop(struct sched *s)
{
	want_unknown(s);
	while (work_left(s)) {
		if (ax_signals_interrupts() && !s->stopped)
			stop(s);
		start_ready(s);
		if (!work_left(s))
			break;
		if (ax_signals_interrupts() && !s->stopped)
			continue;
		wait_for_news(s);
		reap_jobs(s);
		reap_fetches(s);
		ax_sharing_step(s->sharing);
		if (!s->draining)
			want_unknown(s);
	}
	if (ax_signals_interrupts())
		s->r->interrupted = true;
}

static void
settle(struct sched *s)
{
	struct ax_run *r = s->r;

	for (size_t i = 0; i < r->graph->n; i++) {
		if (undecided(r->outcomes[i].state)) {
			r->outcomes[i].state = AX_SKIPPED;
			r->skipped++;
		}
		release(&s->tasks[i]);
	}
}

static void
sched_init(struct sched *s, struct ax_run *r)
{
	const struct ax_graph *g = r->graph;

	s->r = r;
	s->cpus = r->options.jobs ? r->options.jobs
		  : s->x->cpus    ? s->x->cpus
				  : ax_machine_cpus();
	s->memory = r->options.memory ? r->options.memory
		    : s->x->memory    ? s->x->memory
				      : ax_machine_memory();
	s->tasks = ax_calloc(AX_MAX(g->n, 1), sizeof(*s->tasks));
	make_edges(&s->nodes, g, false);
	make_edges(&s->sources, g, true);
	for (size_t i = 0; i < g->n; i++) {
		struct task *t = &s->tasks[i];
		unsigned want = g->nodes[i]->cpus;

		t->node = g->nodes[i];
		t->lock = -1;
		if (want == 0)
			want = s->x->node_cpus ? s->x->node_cpus : s->cpus;
		t->cpus = AX_MIN(want, s->cpus);
		t->memory = g->nodes[i]->memory;
		t->timeout = g->nodes[i]->timeout;
	}
	measure(s);
	count_pending(s);
	for (size_t i = 0; i < g->n; i++) {
		if (r->outcomes[i].state == AX_DIRTY)
			set_phase(s, &s->tasks[i], READY);
		else if (r->outcomes[i].state == AX_FAILED)
			failed(s, g->nodes[i]);
	}
}

static void
on_line(void *arg, struct ax_job *j, const char *line)
{
	struct sched *s = arg;
	const struct task *t = j->owner;

	ax_progress_line(s->progress, t->node, line);
}

static void
on_note(void *arg, const char *text)
{
	struct sched *s = arg;

	ax_progress_note(s->progress, "%s", text);
}

static struct ax_executor *
choose_executor(struct sched *s, struct ax_err *err)
{
	const struct ax_run_options *o = &s->r->options;
	struct ax_slurm_options q = {0};

	if (!o->executor || ax_streq(o->executor, "local"))
		return ax_exec_local(on_line, s);
	q.store = ax_store_dir(s->r->store);
	q.run = s->r->id;
	q.partition = o->partition;
	q.args = o->args;
	q.nargs = o->nargs;
	q.progress = on_line;
	q.note = on_note;
	q.arg = s;
	return ax_exec_slurm(&q, err);
}

int
ax_sched_run(struct ax_run *r, struct ax_progress *p, struct ax_err *err)
{
	struct sched s = {.r = r, .progress = p, .err = err};
	int rc;

	if (ax_signals_begin(&s.wake, err) < 0)
		return -1;
	s.x = choose_executor(&s, err);
	if (!s.x) {
		ax_signals_end();
		return -1;
	}
	s.fetching = ax_fetching_new(r, p);
	s.sharing = ax_sharing_new(r, p);
	sched_init(&s, r);
	loop(&s);
	settle(&s);
	ax_sharing_end(s.sharing, s.wake);
	rc = s.broken ? -1 : 0;
	ax_fetching_free(s.fetching);
	s.x->free(s.x);
	ax_signals_end();
	ax_queue_free(&s.ready);
	free(s.running);
	free(s.tasks);
	free(s.nodes.start);
	free(s.nodes.to);
	free(s.sources.start);
	free(s.sources.to);
	return rc;
}
