/* SPDX-License-Identifier: Apache-2.0 */
/* A run from its plan to its verdict. */
#include "cache/remote.h"
#include "pipeline/run/engine.h"
#include "pipeline/run/progress.h"
#include "pipeline/run/sched.h"

static void
name_some(const struct ax_run *r, struct ax_str *s, enum ax_state a,
	  enum ax_state b)
{
	size_t n = 0;

	for (size_t i = 0; i < r->graph->n; i++) {
		if (r->outcomes[i].state != a && r->outcomes[i].state != b)
			continue;
		if (n++ < 8)
			ax_str_addf(s, "%s%s", n > 1 ? ", " : "",
				    r->graph->nodes[i]->name);
	}
	if (n > 8)
		ax_str_addf(s, " and %zu more", n - 8);
}

static int
verdict(const struct ax_run *r, struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	int code = AX_EXIT_ENV, rc = 0;

	if (r->interrupted) {
		name_some(r, &s, AX_SKIPPED, AX_CANCELLED);
		rc = ax_err_set(err, AX_EXIT_INTERRUPTED,
				"interrupted; left to do: %s",
				s.len ? s.buf : "nothing");
	} else if (r->failed) {
		for (size_t i = 0; i < r->graph->n; i++)
			if ((r->outcomes[i].state == AX_FAILED ||
			     r->outcomes[i].state == AX_TAINTED) &&
			    r->outcomes[i].exit != AX_EXIT_ENV)
				code = r->outcomes[i].exit;
		name_some(r, &s, AX_FAILED, AX_TAINTED);
		rc = ax_err_set(err, code, "%zu node%s failed: %s", r->failed,
				r->failed == 1 ? "" : "s", s.buf);
	}
	if (rc == 0 && r->options.confine == AX_CONFINE_AUDIT && r->strayed)
		rc = ax_err_set(err, AX_EXIT_CLAIM,
				"audit: %zu undeclared access%s in %zu nodes "
				"looked at",
				r->strayed, r->strayed == 1 ? "" : "es",
				r->looked);
	ax_str_free(&s);
	return rc;
}

/* A hit under another key than last time is what explain compares with next. */
static void
note_hits(struct ax_run *r)
{
	for (size_t i = 0; i < r->graph->n; i++) {
		const struct ax_outcome *o = &r->outcomes[i];
		const struct ax_past *past;

		if (o->state != AX_HIT || !o->has_key)
			continue;
		past = ax_journal_find(r->engine->journal,
				       r->graph->nodes[i]->name);
		if (past && past->ok && !past->failed &&
		    ax_digest_eq(&past->key, &o->key))
			continue;
		ax_journal_ok(r->engine->journal, r->graph->nodes[i]->name,
			      &o->key, r->id, o->ended - o->started);
	}
}

static void
remote_note(void *arg, const char *text)
{
	ax_progress_note(arg, "%s", text);
}

int
ax_run_execute(struct ax_run *r, struct ax_err *err)
{
	struct ax_progress *p = ax_progress_new(r);
	double started = ax_wall(), began = ax_now();
	bool any = false;
	int rc;

	if (r->options.remote)
		ax_remote_on_warning(r->options.remote, remote_note, p);
	rc = ax_confine_probe(r->options.confine, err);
	if (rc == 0)
		rc = ax_run_plan(r, err);
	r->started = started;
	if (rc == 0) {
		for (size_t i = 0; i < r->graph->n && !any; i++)
			any = r->outcomes[i].state == AX_DIRTY ||
			      r->outcomes[i].state == AX_MAYBE ||
			      r->outcomes[i].state == AX_FAILED;
		ax_progress_planned(p);
		if (any)
			rc = ax_sched_run(r, p, err);
		r->ended = started + (ax_now() - began);
		if (!ax_store_readonly(r->store))
			note_hits(r);
		if (r->options.confine == AX_CONFINE_AUDIT)
			ax_progress_note(p,
					 "audit: %zu nodes looked at, %zu "
					 "undeclared accesses; %zu nodes were "
					 "cached and not looked at (axpipe "
					 "check --rebuild --audit runs them "
					 "again)",
					 r->looked, r->strayed, r->hits);
		if (rc == 0)
			rc = verdict(r, err);
		ax_progress_finish(p);
	}
	r->ended = started + (ax_now() - began);
	if (r->options.remote)
		ax_remote_on_warning(r->options.remote, NULL, NULL);
	ax_progress_free(p);
	return rc;
}
