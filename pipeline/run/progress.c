/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/run/progress.h"

#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "pipeline/run/engine.h"
#include "pipeline/run/exec_local.h"

#define PERIOD 0.1 /* seconds between two redraws, or events of one node */
#define MAX_ROWS 12

enum style { QUIET, LINES, LIVE, EVENTS };

struct live {
	const struct ax_node *node;
	double since, last; /* ax_now */
	double done, total;
	char text[80];
};

struct ax_progress {
	struct ax_run *r;
	enum style style;
	struct live *live;
	size_t n, cap;
	size_t todo, ended; /* nodes to run, nodes come to rest */
	size_t rows;        /* of the live view now on the screen */
	double began, drawn;
	struct ax_str out;
};

struct ax_progress *
ax_progress_new(struct ax_run *r)
{
	struct ax_progress *p = ax_calloc(1, sizeof(*p));
	const char *term = getenv("TERM");

	p->r = r;
	p->began = ax_now();
	if (r->options.json)
		p->style = EVENTS;
	else if (r->options.quiet)
		p->style = QUIET;
	else if (isatty(STDOUT_FILENO) && term && *term &&
		 !ax_streq(term, "dumb"))
		p->style = LIVE;
	else
		p->style = LINES;
	return p;
}

void
ax_progress_free(struct ax_progress *p)
{
	if (!p)
		return;
	ax_str_free(&p->out);
	free(p->live);
	free(p);
}

/* Output --------------------------------------------------------------------
 */

static void
flush(struct ax_progress *p)
{
	if (p->out.len) {
		fwrite(p->out.buf, 1, p->out.len, stdout);
		fflush(stdout);
	}
	ax_str_clear(&p->out);
}

/* Takes the live view off the screen: whatever is written next stands where it
 * was, and the view is drawn again below. */
static void
erase(struct ax_progress *p)
{
	if (p->style != LIVE || !p->rows)
		return;
	ax_str_addc(&p->out, '\r');
	if (p->rows > 1)
		ax_str_addf(&p->out, "\033[%zuA", p->rows - 1);
	ax_str_add(&p->out, "\033[J");
	p->rows = 0;
	p->drawn = 0;
}

static json_t *
event(const char *name)
{
	json_t *o = json_object();
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	json_object_set_new(o, "axpipe_events", json_integer(1));
	json_object_set_new(o, "time",
			    json_real((double)ts.tv_sec +
				      (double)(ts.tv_nsec / 1000000) * 1e-3));
	json_object_set_new(o, "event", json_string(name));
	return o;
}

static void
set_text(json_t *o, const char *key, const char *text)
{
	json_t *v = text ? json_string(text) : NULL;

	json_object_set_new(o, key, v ? v : json_null());
}

static void
set_key(json_t *o, const struct ax_outcome *out)
{
	char hex[AX_HEX_LEN + 1];

	set_text(o, "key", out->has_key ? ax_hex(hex, &out->key) : NULL);
}

static void
send(struct ax_progress *p, json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(15));

	if (text) {
		ax_str_add(&p->out, text);
		ax_str_addc(&p->out, '\n');
		free(text);
	}
	json_decref(o);
	flush(p);
}

static void
add_seconds(struct ax_str *s, double seconds)
{
	if (seconds < 60)
		ax_str_addf(s, "%.1f s", seconds);
	else if (seconds < 3600)
		ax_str_addf(s, "%d min %02d s", (int)(seconds / 60),
			    (int)seconds % 60);
	else
		ax_str_addf(s, "%d h %02d min", (int)(seconds / 3600),
			    (int)(seconds / 60) % 60);
}

/* The live view ---------------------------------------------------------------
 */

static size_t
columns(void)
{
	struct winsize ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0)
		return ws.ws_col;
	return 80;
}

/* Adds at most `width` characters of a line. */
static void
add_cut(struct ax_str *out, const char *line, size_t width)
{
	size_t cells = 0;

	for (; *line; line++) {
		if (((unsigned char)*line & 0xc0) != 0x80 && cells++ >= width)
			return;
		ax_str_addc(out, *line);
	}
}

/* What is left, from how long each node took last time; negative: unknown. */
static double
time_left(const struct ax_progress *p)
{
	const struct ax_run *r = p->r;
	double sum = 0, now = ax_now();
	unsigned jobs = r->options.jobs ? r->options.jobs : ax_machine_cpus();

	for (size_t i = 0; i < r->graph->n; i++) {
		enum ax_state s = r->outcomes[i].state;
		const struct ax_past *past;

		if (s != AX_DIRTY && s != AX_MAYBE && s != AX_RUNNING)
			continue;
		past = ax_journal_find(r->engine->journal,
				       r->graph->nodes[i]->name);
		if (!past || !past->ok)
			return -1;
		sum += past->seconds;
	}
	for (size_t i = 0; i < p->n; i++)
		sum -= now - p->live[i].since;
	return AX_MAX(sum, 0) / AX_MAX(jobs, 1u);
}

static void
draw(struct ax_progress *p)
{
	struct ax_str line = AX_STR_INIT;
	size_t width = columns() - 1, shown = AX_MIN(p->n, (size_t)MAX_ROWS);
	double now = ax_now(), left;

	erase(p);
	for (size_t i = 0; i < shown; i++) {
		const struct live *l = &p->live[i];

		ax_str_clear(&line);
		ax_str_addf(&line, "  %s ", l->node->name);
		add_seconds(&line, now - l->since);
		if (l->total > 0) {
			double part = AX_MIN(AX_MAX(l->done / l->total, 0), 1);

			ax_str_addf(&line, "  %3.0f %% [", 100 * part);
			for (int k = 0; k < 20; k++)
				ax_str_addc(&line,
					    k < (int)(20 * part) ? '#' : '.');
			ax_str_addc(&line, ']');
		}
		if (l->text[0])
			ax_str_addf(&line, "  %s", l->text);
		add_cut(&p->out, line.buf, width);
		ax_str_addc(&p->out, '\n');
	}
	ax_str_clear(&line);
	ax_str_addf(&line, "[%zu/%zu]", p->ended, p->todo);
	if (p->n > shown)
		ax_str_addf(&line, " %zu more running", p->n - shown);
	ax_str_add(&line, " ");
	add_seconds(&line, now - p->began);
	left = time_left(p);
	if (left >= 1) {
		ax_str_add(&line, ", about ");
		add_seconds(&line, left);
		ax_str_add(&line, " left");
	}
	add_cut(&p->out, line.buf, width);
	p->rows = shown + 1;
	p->drawn = now;
	flush(p);
	ax_str_free(&line);
}

double
ax_progress_tick(struct ax_progress *p)
{
	double now = ax_now();

	if (p->style != LIVE || !p->n)
		return -1;
	if (now - p->drawn >= PERIOD)
		draw(p);
	/* elapsed times move even when nothing is said */
	return AX_MAX(p->drawn + PERIOD - now, 0.02);
}

/* Events
 * ----------------------------------------------------------------------- */

static void
planned_events(struct ax_progress *p, const size_t *count)
{
	struct ax_run *r = p->r;
	json_t *o = event("run-started"), *list, *e;

	set_text(o, "run", r->id);
	set_text(o, "manifest", r->graph->name);
	json_object_set_new(o, "nodes", json_integer((json_int_t)r->graph->n));
	send(p, o);
	o = event("plan");
	json_object_set_new(o, "cached", json_integer((json_int_t)r->hits));
	json_object_set_new(o, "substituted",
			    json_integer((json_int_t)r->substituted));
	json_object_set_new(o, "dirty", json_integer((json_int_t)count[0]));
	json_object_set_new(o, "maybe", json_integer((json_int_t)count[1]));
	list = json_array();
	for (size_t i = 0; i < r->graph->n; i++) {
		enum ax_state s = r->outcomes[i].state;

		if (s != AX_DIRTY && s != AX_MAYBE)
			continue;
		e = json_object();
		set_text(e, "node", r->graph->nodes[i]->name);
		set_text(e, "state", ax_state_name(s));
		set_text(e, "why", r->outcomes[i].why);
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "list", list);
	send(p, o);
}

void
ax_progress_planned(struct ax_progress *p)
{
	const struct ax_run *r = p->r;
	size_t count[2] = {0, 0};

	for (size_t i = 0; i < r->graph->n; i++) {
		count[0] += r->outcomes[i].state == AX_DIRTY;
		count[1] += r->outcomes[i].state == AX_MAYBE;
	}
	p->todo = count[0] + count[1];
	if (p->style == EVENTS)
		planned_events(p, count);
}

void
ax_progress_started(struct ax_progress *p, const struct ax_node *n,
		    unsigned cpus)
{
	const struct ax_outcome *out = &p->r->outcomes[n->index];
	json_t *o;

	AX_GROW(p->live, p->n, p->cap);
	p->live[p->n++] = (struct live){.node = n, .since = ax_now()};
	if (p->style == EVENTS) {
		o = event("node-started");
		set_text(o, "node", n->name);
		set_key(o, out);
		set_text(o, "why", out->why);
		json_object_set_new(o, "cpus", json_integer((json_int_t)cpus));
		send(p, o);
	} else if (p->r->options.explain && p->style != QUIET) {
		erase(p);
		ax_str_addf(&p->out, "%s: %s\n", n->name,
			    out->why ? out->why : "");
		flush(p);
	}
	(void)ax_progress_tick(p);
}

static struct live *
find(struct ax_progress *p, const struct ax_node *n)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->live[i].node == n)
			return &p->live[i];
	return NULL;
}

void
ax_progress_line(struct ax_progress *p, const struct ax_node *n,
		 const char *line)
{
	struct live *l = find(p, n);
	double now = ax_now();
	const char *text;
	json_t *in, *o;

	if (!l || (p->style != LIVE && p->style != EVENTS))
		return;
	/* objects only, and shallow: the line is at most 4 KiB long */
	in = json_loads(line, 0, NULL);
	if (!json_is_object(in)) {
		json_decref(in);
		return;
	}
	l->done = json_number_value(json_object_get(in, "done"));
	l->total = json_number_value(json_object_get(in, "total"));
	text = json_string_value(json_object_get(in, "text"));
	snprintf(l->text, sizeof(l->text), "%s", text ? text : "");
	for (char *c = l->text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	if (p->style == EVENTS && now - l->last >= PERIOD) {
		l->last = now;
		o = event("node-progress");
		set_text(o, "node", n->name);
		json_object_set_new(o, "done", json_real(l->done));
		json_object_set_new(o, "total", json_real(l->total));
		set_text(o, "text", text);
		send(p, o);
	}
	json_decref(in);
}

static void
ended_event(struct ax_progress *p, const struct ax_node *n)
{
	const struct ax_outcome *out = &p->r->outcomes[n->index];
	json_t *o;

	if (out->state == AX_DONE) {
		o = event("node-done");
		set_text(o, "node", n->name);
		set_key(o, out);
		json_object_set_new(o, "seconds",
				    json_real(out->ended - out->started));
		json_object_set_new(o, "cpu_seconds",
				    json_real(out->cpu_seconds));
		json_object_set_new(o, "max_rss",
				    json_integer((json_int_t)out->max_rss));
		if (out->metrics)
			json_object_set(o, "metrics", out->metrics);
	} else if (out->state == AX_HIT) {
		o = event("node-cached");
		set_text(o, "node", n->name);
		set_key(o, out);
		json_object_set_new(o, "remote", json_boolean(out->remote));
	} else {
		o = event("node-failed");
		set_text(o, "node", n->name);
		set_text(o, "state", ax_state_name(out->state));
		json_object_set_new(o, "exit", json_integer(out->exit));
		set_text(o, "error", out->error);
	}
	send(p, o);
}

void
ax_progress_ended(struct ax_progress *p, const struct ax_node *n)
{
	const struct ax_outcome *out = &p->r->outcomes[n->index];
	struct live *l = find(p, n);

	if (l) {
		size_t i = (size_t)(l - p->live);

		memmove(l, l + 1, (--p->n - i) * sizeof(*l));
	}
	p->ended++;
	if (p->style == EVENTS) {
		ended_event(p, n);
		return;
	}
	/* what failed is said even to those who want it quiet */
	if (p->style == QUIET && out->state != AX_FAILED &&
	    out->state != AX_TAINTED)
		return;
	erase(p);
	if (p->style == QUIET)
		fflush(stdout);
	ax_str_addf(&p->out, "[%zu/%zu] %s ", p->ended, p->todo, n->name);
	switch (out->state) {
	case AX_DONE:
		ax_str_add(&p->out, "done in ");
		add_seconds(&p->out, out->ended - out->started);
		ax_str_addc(&p->out, '\n');
		break;
	case AX_HIT:
		ax_str_add(&p->out, out->remote ? "came from the remote cache\n"
						: "is up to date\n");
		break;
	case AX_CANCELLED:
		ax_str_add(&p->out, "stopped\n");
		break;
	default:
		ax_str_addf(&p->out, "%s: %s%s",
			    out->state == AX_TAINTED ? "TAINTED" : "FAILED",
			    out->error ? out->error : "",
			    out->error && ax_ends(out->error, "\n") ? ""
								    : "\n");
	}
	flush(p);
	(void)ax_progress_tick(p);
}

void
ax_progress_note(struct ax_progress *p, const char *fmt, ...)
{
	char text[1024];
	json_t *o;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (p->style == EVENTS) {
		o = event("note");
		set_text(o, "text", text);
		send(p, o);
	} else if (p->style != QUIET) {
		erase(p);
		ax_str_addf(&p->out, "%s\n", text);
		flush(p);
	}
}

static void
last_line(struct ax_str *s, const size_t *count, double seconds)
{
	ax_str_addf(s,
		    "%zu executed, %zu cached, %zu substituted, %zu failed, "
		    "%zu skipped in ",
		    count[0], count[1], count[2], count[3], count[4]);
	add_seconds(s, seconds);
	ax_str_addc(s, '\n');
}

void
ax_progress_null(size_t cached, double seconds)
{
	const size_t count[5] = {0, cached, 0, 0, 0};
	struct ax_str s = AX_STR_INIT;

	last_line(&s, count, seconds);
	fputs(s.buf, stdout);
	ax_str_free(&s);
}

void
ax_progress_finish(struct ax_progress *p)
{
	const struct ax_run *r = p->r;
	double seconds = ax_now() - p->began;
	json_t *o;

	if (p->style == EVENTS) {
		o = event("run-ended");
		set_text(o, "run", r->id);
		json_object_set_new(o, "executed",
				    json_integer((json_int_t)r->executed));
		json_object_set_new(o, "cached",
				    json_integer((json_int_t)r->hits));
		json_object_set_new(o, "substituted",
				    json_integer((json_int_t)r->substituted));
		json_object_set_new(o, "failed",
				    json_integer((json_int_t)r->failed));
		json_object_set_new(o, "skipped",
				    json_integer((json_int_t)r->skipped));
		json_object_set_new(o, "remote_taken",
				    json_integer((json_int_t)r->remote_hits));
		json_object_set_new(o, "remote_given",
				    json_integer((json_int_t)r->given));
		json_object_set_new(o, "seconds", json_real(seconds));
		json_object_set_new(o, "interrupted",
				    json_boolean(r->interrupted));
		send(p, o);
		return;
	}
	erase(p);
	if (p->style != QUIET) {
		const size_t count[5] = {r->executed, r->hits, r->substituted,
					 r->failed, r->skipped};

		if (r->remote_hits || r->given)
			ax_str_addf(&p->out,
				    "remote cache: %zu taken, %zu given\n",
				    r->remote_hits, r->given);
		last_line(&p->out, count, seconds);
	}
	flush(p);
}
