/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/run/rebuild.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "artifacts/base/proc.h"
#include "pipeline/run/engine.h"
#include "pipeline/run/exec.h"
#include "pipeline/run/exec_local.h"
#include "pipeline/run/signals.h"
#include "pipeline/run/work.h"

#define MAX_FDS 256
#define MAX_ENTRIES 1000000
#define MAX_DEPTH 64
#define MAX_METRICS ((size_t)4 << 20)

struct item {
	struct ax_rebuilt *b;
	unsigned round, cpus;
	uint64_t memory;
	struct ax_work work;
	struct ax_job job;
	bool running;
	char key[AX_HEX_LEN + 1];
};

struct rebuild {
	struct ax_run *r;
	struct ax_executor *x;
	struct item *items;
	size_t n, next, running;
	unsigned cpus, cpus_used;
	uint64_t memory, memory_used;
	void (*said)(void *arg, const struct ax_rebuilt *b);
	void *arg;
};

const char *
ax_rebuild_name(enum ax_rebuild_state s)
{
	static const char *const names[] = {"same", "differs", "failed",
					    "absent"};

	return names[s];
}

/* Comparing ---------------------------------------------------------------- */

static uint64_t
first_difference(const char *a, const char *b)
{
	FILE *f = fopen(a, "re"), *g = fopen(b, "re");
	uint64_t at = 0;
	int c, d;

	while (f && g) {
		c = getc(f);
		d = getc(g);
		if (c != d || c == EOF)
			break;
		at++;
	}
	if (f)
		fclose(f);
	if (g)
		fclose(g);
	return at;
}

static void
differ(struct ax_rebuilt *b, unsigned round, const char *rel, const char *was,
       const char *is)
{
	struct ax_difference *d;
	struct stat st;

	AX_GROW(b->list, b->n, b->cap);
	d = &b->list[b->n++];
	memset(d, 0, sizeof(*d));
	d->round = round;
	d->path = ax_strdup(rel);
	d->before = lstat(was, &st) == 0;
	if (d->before && S_ISREG(st.st_mode))
		(void)ax_hash_file(&d->digest[0], &d->size[0], was, NULL);
	d->now = lstat(is, &st) == 0;
	if (d->now && S_ISREG(st.st_mode))
		(void)ax_hash_file(&d->digest[1], &d->size[1], is, NULL);
	if (d->before && d->now)
		d->at = first_difference(was, is);
	b->state = AX_REBUILD_DIFFERS;
}

static bool
same_file(const char *a, const char *b)
{
	struct ax_digest d, e;
	struct stat st, su;

	return lstat(a, &st) == 0 && lstat(b, &su) == 0 &&
	       S_ISREG(st.st_mode) && S_ISREG(su.st_mode) &&
	       st.st_size == su.st_size &&
	       !(st.st_mode & S_IXUSR) == !(su.st_mode & S_IXUSR) &&
	       ax_hash_file(&d, NULL, a, NULL) == 0 &&
	       ax_hash_file(&e, NULL, b, NULL) == 0 && ax_digest_eq(&d, &e);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in either folder, sorted, each once. */
static char **
both(const char *a, const char *b, size_t *n)
{
	char **x = NULL, **y = NULL, **all;
	size_t nx = 0, ny = 0, k = 0;

	if (ax_list_dir(&x, &nx, a, MAX_ENTRIES, NULL) < 0)
		nx = 0;
	if (ax_list_dir(&y, &ny, b, MAX_ENTRIES, NULL) < 0)
		ny = 0;
	all = ax_calloc(nx + ny + 1, sizeof(*all));
	for (size_t i = 0; i < nx; i++)
		all[k++] = x[i];
	for (size_t i = 0; i < ny; i++)
		all[k++] = y[i];
	free(x);
	free(y);
	qsort(all, k, sizeof(*all), by_text);
	*n = 0;
	for (size_t i = 0; i < k; i++) {
		if (*n && ax_streq(all[*n - 1], all[i]))
			free(all[i]);
		else
			all[(*n)++] = all[i];
	}
	return all;
}

/* Every file below the two folders. */
static void
compare(struct ax_rebuilt *b, unsigned round, const char *was_top,
	const char *is_top, const char *rel, int depth)
{
	char *was = ax_join(was_top, rel), *is = ax_join(is_top, rel);
	struct stat st;

	if (lstat(was, &st) < 0 && lstat(is, &st) < 0) {
		free(was);
		free(is);
		return;
	}
	if (depth < MAX_DEPTH && (ax_is_dir(was) || ax_is_dir(is)) &&
	    !ax_is_file(was) && !ax_is_file(is)) {
		size_t n;
		char **names = both(was, is, &n);

		for (size_t i = 0; i < n; i++) {
			char *below = ax_join(rel, names[i]);

			compare(b, round, was_top, is_top, below, depth + 1);
			free(below);
		}
		ax_free_list(names, n);
	} else {
		if (round == 1)
			b->files++;
		if (!same_file(was, is))
			differ(b, round, rel, was, is);
	}
	free(was);
	free(is);
}

static int
write_metrics(const char *dir, const json_t *metrics, struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	char *path = ax_join(dir, "metrics.json");
	int rc = 0;

	if (metrics) {
		ax_json_canonical(&s, metrics);
		ax_str_addc(&s, '\n');
		rc = ax_write_plain(path, s.buf, s.len, err);
	}
	ax_str_free(&s);
	free(path);
	return rc;
}

/* metrics.json by value: blanks and the order of members say nothing. */
static void
canonical_metrics(const char *dir)
{
	char *path = ax_join(dir, "metrics.json");
	struct ax_json j;

	if (ax_is_file(path) && ax_json_load(&j, path, NULL) == 0) {
		if (unlink(path) == 0)
			(void)write_metrics(dir, j.root, NULL);
		ax_json_free(&j);
	}
	free(path);
}

/* What the store holds of the node, laid out as a run leaves it. */
static int
lay_before(struct rebuild *q, const struct ax_rebuilt *b, const char *dir,
	   struct ax_err *err)
{
	const struct ax_outcome *o = &q->r->outcomes[b->node->index];
	const struct ax_stage *s = b->node->stage;
	int rc;

	if (ax_is_dir(dir))
		return 0;
	rc = ax_mkdirs(dir, err);
	for (size_t i = 0; rc == 0 && i < s->noutputs; i++) {
		char *rel = ax_join("out", s->outputs[i].file);
		char *dest = ax_join(dir, rel), *parent = ax_dirname(dest);

		if (o->have[i]) {
			rc = ax_mkdirs(parent, err);
			if (rc == 0)
				rc = ax_store_lay(q->r->store, &o->outputs[i],
						  s->outputs[i].tree, dest,
						  err);
		}
		free(parent);
		free(dest);
		free(rel);
	}
	return rc == 0 ? write_metrics(dir, o->metrics, err) : -1;
}

/* Judging one round -------------------------------------------------------- */

static void
fail(struct ax_rebuilt *b, int exit_code, char *text)
{
	b->state = AX_REBUILD_FAILED;
	b->exit = exit_code;
	free(b->error);
	b->error = text;
}

/* Only what is declared is compared: a scratch file in out/ is no result. */
static void
compare_outputs(struct rebuild *q, struct item *it, const char *before)
{
	const struct ax_stage *s = it->b->node->stage;

	(void)q;
	canonical_metrics(it->work.dir);
	for (size_t i = 0; i < s->noutputs; i++) {
		char *rel = ax_join("out", s->outputs[i].file);
		char *was = ax_join(before, rel),
		     *is = ax_join(it->work.dir, rel);
		struct stat st;

		/* an optional output that is on neither side, and an empty
		 * folder that was made for one */
		if (lstat(was, &st) == 0 ||
		    (lstat(is, &st) == 0 && !S_ISDIR(st.st_mode)))
			compare(it->b, it->round, before, it->work.dir, rel, 0);
		else if (ax_is_dir(is))
			compare(it->b, it->round, before, it->work.dir, rel, 0);
		free(was);
		free(is);
		free(rel);
	}
	compare(it->b, it->round, before, it->work.dir, "metrics.json",
		MAX_DEPTH);
}

static void
end_item(struct rebuild *q, struct item *it)
{
	struct ax_rebuilt *b = it->b;
	struct ax_err err = AX_ERR_INIT;
	char text[100], *before = ax_join(b->kept, "before");
	const char *what = NULL;
	size_t had = b->n;

	b->rounds++;
	if (q->r->options.confine != AX_CONFINE_NONE && !b->found)
		b->found = ax_confine_found(it->work.dir);
	if (it->job.timed_out)
		what = "still running after its timeout";
	else if (it->job.cancelled)
		what = "cancelled";
	else if (it->job.status)
		what = ax_status_text(text, sizeof(text), it->job.status);
	if (what) {
		struct ax_str tail = AX_STR_INIT;

		ax_work_log_tail(&tail, &it->work, 5, "    ");
		fail(b,
		     WIFEXITED(it->job.status) &&
				     WEXITSTATUS(it->job.status) == AX_EXIT_ENV
			     ? AX_EXIT_ENV
			     : AX_EXIT_CLAIM,
		     ax_asprintf("round %u: %s%s%s", it->round, what,
				 tail.len ? "\n" : "",
				 tail.len ? tail.buf : ""));
		ax_str_free(&tail);
	} else if (lay_before(q, b, before, &err) < 0) {
		fail(b, err.exit, ax_strdup(err.text));
	} else {
		compare_outputs(q, it, before);
	}
	/* what is as before needs not be kept */
	ax_work_end(&it->work, !what && b->n == had);
	free(before);
}

/* The loop ----------------------------------------------------------------- */

static int
start_item(struct rebuild *q, struct item *it)
{
	struct ax_rebuilt *b = it->b;
	struct ax_err err = AX_ERR_INIT;
	bool tainted = false;

	it->work.place = ax_asprintf("%s/round%u", b->kept, it->round);
	if (ax_work_prepare(&it->work, q->r, b->node, it->cpus, &tainted,
			    &err) < 0) {
		fail(b, err.exit, ax_strdup(err.text));
		ax_work_end(&it->work, true);
		b->rounds++;
		return -1;
	}
	it->job.argv = (const char *const *)it->work.argv;
	it->job.envp = (const char *const *)it->work.envp;
	it->job.dir = it->work.dir;
	it->job.log = it->work.log;
	it->job.timeout = b->node->timeout;
	it->job.key = ax_hex(it->key, &q->r->outcomes[b->node->index].key);
	it->job.node = b->node->name;
	it->job.owner = it;
	if (q->x->start(q->x, &it->job, &err) < 0) {
		fail(b, err.exit, ax_strdup(err.text));
		ax_work_end(&it->work, true);
		b->rounds++;
		return -1;
	}
	it->running = true;
	q->running++;
	q->cpus_used += it->cpus;
	q->memory_used += it->memory;
	return 0;
}

static void
done(struct rebuild *q, struct item *it, unsigned rounds)
{
	struct ax_rebuilt *b = it->b;

	if (b->rounds < rounds)
		return;
	if (b->state == AX_REBUILD_SAME) {
		(void)ax_rmtree(b->kept, NULL);
		free(b->kept);
		b->kept = NULL;
	}
	if (q->said)
		q->said(q->arg, b);
}

static bool
room(const struct rebuild *q, const struct item *it)
{
	return q->running == 0 || (q->cpus_used + it->cpus <= q->cpus &&
				   q->memory_used + it->memory <= q->memory);
}

static int
loop(struct rebuild *q, int wake, unsigned rounds, struct ax_err *err)
{
	struct pollfd fds[MAX_FDS];
	bool stopped = false;

	while (q->running || (q->next < q->n && !stopped)) {
		double next;
		size_t n = 0;

		if (ax_signals_interrupts() && !stopped) {
			stopped = true;
			for (size_t i = 0; i < q->next; i++)
				if (q->items[i].running)
					q->x->cancel(q->x, &q->items[i].job);
		}
		while (!stopped && q->next < q->n &&
		       room(q, &q->items[q->next])) {
			struct item *it = &q->items[q->next++];

			if (start_item(q, it) < 0)
				done(q, it, rounds);
		}
		if (!q->running)
			continue;
		fds[n++] = (struct pollfd){wake, POLLIN, 0};
		n += q->x->fds(q->x, fds + n, MAX_FDS - n);
		next = q->x->next(q->x);
		if (poll(fds, (nfds_t)n,
			 next < 0 ? -1 : (int)(next * 1e3) + 1) < 0 &&
		    errno != EINTR)
			return ax_err_set(err, AX_EXIT_ENV, "poll:");
		ax_signals_drain();
		q->x->step(q->x);
		for (size_t i = 0; i < q->next; i++) {
			struct item *it = &q->items[i];

			if (!it->running || !it->job.ended)
				continue;
			it->running = false;
			q->running--;
			q->cpus_used -= it->cpus;
			q->memory_used -= it->memory;
			end_item(q, it);
			done(q, it, rounds);
		}
	}
	return stopped ? ax_err_set(err, AX_EXIT_INTERRUPTED, "interrupted")
		       : 0;
}

/* The first check of a store works in rebuild/<key>; one beside it, in folders
 * of its own. What follows the key; *lock: until it is closed. */
static char *
suffix(const struct ax_run *r, int *lock)
{
	char *path = ax_join(ax_store_dir(r->store), "locks/rebuild");

	*lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	free(path);
	if (*lock >= 0 && flock(*lock, LOCK_EX | LOCK_NB) == 0)
		return ax_strdup("");
	return ax_asprintf(".%ld.%.0f", (long)getpid(), ax_wall() * 1e6);
}

static char *
place_of(const struct ax_run *r, const struct ax_node *n, const char *more)
{
	char hex[AX_HEX_LEN + 1], *top, *place;

	top = realpath(ax_store_dir(r->store), NULL);
	place = ax_asprintf("%s/rebuild/%s%s", top ? top : ".",
			    ax_hex(hex, &r->outcomes[n->index].key), more);
	free(top);
	return place;
}

int
ax_rebuild(struct ax_rebuilt **out, size_t *n, struct ax_run *r,
	   const bool *selected, unsigned rounds,
	   void (*said)(void *arg, const struct ax_rebuilt *b), void *arg,
	   struct ax_err *err)
{
	const struct ax_graph *g = r->graph;
	struct rebuild q = {.r = r, .said = said, .arg = arg};
	struct ax_rebuilt *list = ax_calloc(g->n + 1, sizeof(*list));
	int wake, rc, lock;
	char *more = suffix(r, &lock);

	*out = list;
	*n = 0;
	q.cpus = r->options.jobs ? r->options.jobs : ax_machine_cpus();
	q.memory = r->options.memory ? r->options.memory : ax_machine_memory();
	q.items = ax_calloc(g->n * rounds + 1, sizeof(*q.items));
	for (size_t i = 0; i < g->n; i++) {
		struct ax_rebuilt *b = &list[*n];
		unsigned cpus = g->nodes[i]->cpus;

		if (!selected[i])
			continue;
		++*n;
		b->node = g->nodes[i];
		if (r->outcomes[i].state != AX_HIT) {
			b->state = AX_REBUILD_ABSENT;
			continue;
		}
		b->kept = place_of(r, b->node, more);
		(void)ax_rmtree(b->kept, NULL);
		for (unsigned k = 1; k <= rounds; k++) {
			struct item *it = &q.items[q.n++];

			it->b = b;
			it->round = k;
			it->cpus = cpus == 0 ? q.cpus : AX_MIN(cpus, q.cpus);
			it->memory = b->node->memory;
		}
	}
	free(more);
	rc = ax_signals_begin(&wake, err);
	if (rc == 0) {
		q.x = ax_exec_local(NULL, NULL);
		rc = loop(&q, wake, rounds, err);
		q.x->free(q.x);
		ax_signals_end();
	}
	if (lock >= 0)
		close(lock);
	free(q.items);
	return rc;
}

void
ax_rebuilt_free(struct ax_rebuilt *list, size_t n)
{
	for (size_t i = 0; list && i < n; i++) {
		for (size_t k = 0; k < list[i].n; k++)
			free(list[i].list[k].path);
		free(list[i].list);
		free(list[i].error);
		free(list[i].kept);
		json_decref(list[i].found);
	}
	free(list);
}
