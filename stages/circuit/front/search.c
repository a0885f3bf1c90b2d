/* SPDX-License-Identifier: Apache-2.0 */
/* The stage's loop over its targets: an engine for each, epochs, checkpoints.
 */
#include <math.h>

#include "artifacts/base/io.h"
#include "artifacts/base/json.h"
#include "stages/circuit/front/front.h"
#include "stages/circuit/search/anneal.h"

/* The target at hand: a tour, or islands for a bound on the largest error
 * alone. */
struct engine {
	struct ax_error error; /* with the target's bound, for wce */
	struct ax_search s;
	struct ax_tour *tour;
	struct ax_anneal *anneal;
	struct ax_start *list; /* of the islands */
	size_t n;
	struct ax_walk_aim aim;
	double hot;
	bool own_error;
};

static bool
is_wce(const struct front *f)
{
	return f->metric == AX_METRIC_WCE;
}

/* The engine of evolve knows no weights and no rules, and keeps every signal on
 * every pattern. It is the faster one: this many of its visits for one. */
enum { ISLAND_VISITS = 5 };

static bool
by_islands(const struct front *f, const struct front_target *t)
{
	if (t->budget || f->p.ins > 20)
		return false;
	/* a circuit without errors keeps every rule */
	if (t->value == 0 && !f->weighted)
		return true;
	return is_wce(f) && !f->weighted && !f->rules.zero_exact &&
	       !f->rules.not_above && !f->rules.commutative;
}

/* Of a target by wce, or by 0. */
static uint64_t
bound_of(const struct front *f, const struct front_target *t)
{
	return AX_MIN((uint64_t)t->value, f->rules.wce);
}

static int64_t
cost_of(const struct front *f, double value)
{
	return (int64_t)(value * f->cost.grain + 0.5);
}

/* --- starts -------------------------------------------------------------- */

struct pick {
	const struct ax_circuit *c;
	double merit;
};

static void
add_pick(struct pick *list, size_t *n, size_t room, const struct ax_circuit *c,
	 double merit)
{
	size_t i = *n;

	/* the same figures twice are most likely one circuit */
	for (size_t k = 0; k < *n; k++)
		if (list[k].merit == merit)
			return;
	if (*n < room)
		++*n;
	else if (list[room - 1].merit <= merit)
		return;
	else
		i = room - 1;
	for (; i > 0 && list[i - 1].merit > merit; i--)
		list[i] = list[i - 1];
	list[i] = (struct pick){c, merit};
}

/* The best few feasible circuits for the aim, best first. */
static size_t
pick_starts(const struct front *f, const struct ax_walk_aim *aim, bool found,
	    struct pick *list, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < f->starts; i++) {
		const struct front_start *s = &f->start[i];

		if (s->keeps && s->error <= aim->error_most)
			add_pick(list, &n, room, &s->c,
				 ax_walk_merit(aim, s->error, s->cost));
	}
	for (size_t i = 0; found && i < f->archive.n; i++) {
		const struct ax_archive_point *p = &f->archive.point[i];

		if (p->error <= aim->error_most)
			add_pick(list, &n, room, &p->c,
				 ax_walk_merit(aim, p->error, p->cost));
	}
	return n;
}

/* --- an engine ----------------------------------------------------------- */

static double
exact_cost(const struct front *f)
{
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < f->starts; i++)
		if (f->start[i].error == 0)
			least = AX_MIN(least, ax_circuit_cost(&f->start[i].c,
							      &f->cost.gate));
	return least == INT64_MAX ? 0 : (double)least;
}

static void
set_aim(const struct front *f, const struct front_target *t,
	struct ax_walk_aim *aim)
{
	double unit = ax_cost_scale(&f->cost.gate);
	const struct ax_archive_point *p;

	*aim = (struct ax_walk_aim){.error_most = INFINITY, .floor = 1};
	if (!t->budget) {
		/* for wce the limits hold the bound, and a small mean error
		 * is the slack */
		aim->error_most = is_wce(f) ? INFINITY : t->value;
		aim->slack = is_wce(f) || t->value == 0 ? 0 : 15 * unit;
		aim->kappa = is_wce(f) ? 5 * unit : 0;
		return;
	}
	aim->cost_goal = cost_of(f, t->value);
	aim->kappa = 100 * unit;
	p = ax_archive_at_cost(&f->archive, aim->cost_goal);
	aim->floor = p && p->error > 0 ? p->error / 50 : 1e-6;
}

static void
engine_free(struct engine *e)
{
	ax_tour_free(e->tour);
	ax_anneal_free(e->anneal);
	ax_starts_free(e->list, e->n);
	ax_search_free(&e->s);
	if (e->own_error)
		ax_error_free(&e->error);
}

static double
heat(const struct front *f, const struct ax_circuit *c)
{
	double exact = exact_cost(f), unit = ax_cost_scale(&f->cost.gate), part;

	part = exact > 0 ? (double)ax_circuit_cost(c, &f->cost.gate) / exact
			 : 0.5;
	return unit * ax_tour_heat(part);
}

/* The islands': those that the stage evolve would have, and what was wired. */
static void
add_starts(const struct front *f, const struct front_target *t,
	   struct engine *e)
{
	struct ax_wanted w = ax_wanted_of(&f->p);

	e->list = ax_families(&e->s, &w, bound_of(f, t), f->given, &e->n);
	for (size_t i = 0; i < f->given; i++) {
		const struct front_start *g = &f->start[i];
		struct ax_start *to = &e->list[e->n];

		if (!g->keeps || !ax_search_feasible(&e->s, &g->c))
			continue;
		ax_circuit_copy(&to->c, &g->c);
		to->cost = g->cost;
		snprintf(to->what, sizeof(to->what), "%s", g->what);
		e->n++;
	}
	ax_starts_sort(e->list, e->n);
}

/* `was` (may be NULL) was saved with the engine and takes the place of what
 * follows from the starts. */
static int
engine_new(struct front *f, size_t target, struct engine *e,
	   const struct engine *was, struct ax_err *err)
{
	const struct front_target *t = &f->target[target];
	unsigned islands = (unsigned)ax_task_int(f->task, "islands");
	struct pick pick[64];
	const struct ax_circuit *start[64];
	double cold;
	size_t n;

	*e = (struct engine){0};
	e->error = f->error;
	set_aim(f, t, &e->aim);
	if (is_wce(f)) {
		/* starts are judged by their largest error */
		struct ax_walk_aim by = {.error_most = t->value};
		struct ax_error_rules rules = f->rules;

		rules.wce = bound_of(f, t);
		rules.occurring_wce = true;
		n = pick_starts(f, &by, true, pick, AX_MIN(islands, 64u));
		e->own_error = true;
		if (ax_error_init(&e->error, &f->p, f->metric, &rules,
				  f->weighted ? &f->histogram : NULL, 0,
				  err) < 0) {
			e->own_error = false;
			return -1;
		}
	} else {
		n = pick_starts(f, &e->aim, true, pick, AX_MIN(islands, 64u));
	}
	if (n == 0)
		return 0;
	e->hot = by_islands(f, t)
			 ? ax_anneal_heat(t->value /
					  (double)AX_MAX(f->p.max_abs, 1u)) *
				   ax_cost_scale(&f->cost.gate)
			 : heat(f, pick[0].c);
	if (ax_task_json(f->task, "temperature"))
		e->hot = ax_task_num(f->task, "temperature") *
			 ax_cost_scale(&f->cost.gate);
	if (was) {
		e->hot = was->hot;
		e->aim.floor = was->aim.floor;
	}
	cold = AX_MIN(0.1 * ax_cost_scale(&f->cost.gate), e->hot);
	ax_search_init(&e->s, &f->p, is_wce(f) ? bound_of(f, t) : 0,
		       &f->s.costs, f->s.allowed);
	e->s.full = f->s.full;
	if (by_islands(f, t)) {
		struct ax_anneal_params q = {
			.seed = (uint64_t)ax_task_int(f->task, "seed") + target,
			.steps = (uint64_t)ax_task_int(f->task, "steps") *
				 ISLAND_VISITS,
			.islands = islands,
			.cycles = (unsigned)ax_task_int(f->task, "cycles"),
			.hot = e->hot,
			.cold = cold};

		q.restarts = ax_anneal_restarts(
			&q, q.hot / ax_cost_scale(&f->cost.gate));
		/* They are looked at as the race goes on: what it has found
		 * itself, which a resumed run has in its archive from the
		 * beginning, must not be among them. */
		add_starts(f, t, e);
		if (e->n == 0)
			return 0;
		e->anneal = ax_anneal_new(&e->s, &q, e->list,
					  ax_starts_worth(e->list, e->n));
		return 0;
	}
	for (size_t k = 0; k < n; k++)
		start[k] = pick[k].c;
	e->tour = ax_tour_new(
		&e->s, &e->error, &f->cost, &e->aim,
		&(struct ax_tour_params){
			.seed = (uint64_t)ax_task_int(f->task, "seed"),
			.index = target,
			.steps = (uint64_t)ax_task_int(f->task, "steps"),
			.walks = islands,
			.cycles = (unsigned)ax_task_int(f->task, "cycles"),
			.hot = e->hot,
			.cold = cold},
		start, n);
	return 0;
}

/* --- checkpoints --------------------------------------------------------- */

static int
save(struct front *f, size_t target, const struct engine *e, struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	int rc;

	ax_ck_put(&s, target, 4);
	ax_ck_put(&s, f->steps, 8);
	ax_ck_put(&s, f->evaluations, 8);
	ax_ck_put(&s, f->history.len, 8);
	ax_str_addn(&s, f->history.buf, f->history.len);
	ax_archive_put(&s, &f->archive);
	ax_ck_put_double(&s, f->noted_error);
	ax_ck_put(&s, (uint64_t)f->noted_cost, 8);
	ax_ck_put_double(&s, e ? e->hot : 0);
	ax_ck_put_double(&s, e ? e->aim.floor : 0);
	if (e && e->tour)
		ax_tour_save(e->tour, &s);
	if (e && e->anneal)
		ax_anneal_save(e->anneal, &s);
	rc = ax_ck_save(ax_task_checkpoint(f->task), &f->key, &s, err);
	ax_str_free(&s);
	if (rc < 0)
		return ax_err_wrap(err, "cannot save the checkpoint");
	f->save_every = AX_MIN(2 * f->save_every, 10.0);
	f->save_at = ax_now() + f->save_every;
	return 0;
}

/* A checkpoint that cannot be used may still be somebody's hours: it stays,
 * under another name. */
static void
set_aside(const char *dir, const char *why)
{
	char *from = ax_join(dir, "state"), *to = ax_join(dir, "state.refused");
	bool kept = rename(from, to) == 0;

	fprintf(stderr,
		"the checkpoint %s; it is refused%s%s, and the search starts "
		"from the beginning\n",
		why, kept ? " and kept as " : "", kept ? to : "");
	free(from);
	free(to);
}

/* What comes before the engine's own state. */
static bool
read_head(struct front *f, struct ax_ck_reader *r, size_t *target,
	  struct engine *was)
{
	uint64_t n;

	*target = ax_ck_get_max(r, 4, f->targets);
	f->steps = ax_ck_get(r, 8);
	f->evaluations = ax_ck_get(r, 8);
	n = ax_ck_get_max(r, 8, 64u << 20);
	if (r->bad || n > (uint64_t)(r->end - r->at))
		return false;
	ax_str_clear(&f->history);
	ax_str_addn(&f->history, r->at, n);
	r->at += n;
	ax_archive_get(r, &f->p, &f->archive);
	f->noted_error = ax_ck_get_double(r);
	f->noted_cost = (int64_t)ax_ck_get(r, 8);
	was->hot = ax_ck_get_double(r);
	was->aim.floor = ax_ck_get_double(r);
	return !r->bad;
}

/* --- the loop ------------------------------------------------------------ */

static const struct ax_archive_point *
best_at(const struct front *f, const struct front_target *t)
{
	return t->budget ? ax_archive_at_cost(&f->archive, cost_of(f, t->value))
			 : ax_archive_at_error(&f->archive, t->value);
}

/* A row of the history when the target's best has changed. */
static void
note(struct front *f, size_t target, uint64_t step)
{
	const struct ax_archive_point *p = best_at(f, &f->target[target]);

	if (!p || (p->error == f->noted_error && p->cost == f->noted_cost))
		return;
	f->noted_error = p->error;
	f->noted_cost = p->cost;
	ax_str_addf(&f->history, "%zu,%s,", target,
		    f->target[target].budget ? "budget" : "bound");
	ax_str_add_num(&f->history, f->target[target].value);
	ax_str_addf(&f->history, ",%" PRIu64 ",", step);
	ax_str_add_num(&f->history, p->error);
	ax_str_addc(&f->history, ',');
	ax_str_add_num(&f->history, (double)p->cost / f->cost.grain);
	ax_str_addc(&f->history, '\n');
}

static void
take_anneal(struct front *f, struct ax_anneal *a)
{
	const struct ax_circuit *c = ax_anneal_best(a);
	double error;

	int64_t cost = ax_search_cost(&f->s, c);

	front_measure(f, c, &error);
	if (cost < AX_COST_BROKEN)
		ax_archive_offer(&f->archive, error, cost, 0, c);
}

/* Circuits of a tour under a bound on wce carry a mean error: they are measured
 * again before they join. */
static bool
epoch(struct front *f, struct engine *e)
{
	struct ax_archive found = {0};
	struct ax_pool *pool = ax_task_pool(f->task);
	double error;
	bool more;

	if (e->anneal) {
		more = ax_anneal_epoch(e->anneal, pool);
		take_anneal(f, e->anneal);
		return more;
	}
	if (!is_wce(f))
		return ax_tour_epoch(e->tour, pool, &f->archive);
	more = ax_tour_epoch(e->tour, pool, &found);
	for (size_t i = 0; i < found.n; i++)
		if (front_measure(f, &found.point[i].c, &error))
			ax_archive_offer(&f->archive, error,
					 found.point[i].cost, 0,
					 &found.point[i].c);
	ax_archive_free(&found);
	return more;
}

static void
tell(struct front *f, size_t target, uint64_t done, uint64_t total,
     uint64_t first, double began)
{
	const struct ax_archive_point *p = best_at(f, &f->target[target]);
	double part = (double)target + (double)done / (double)total;
	struct ax_str s = AX_STR_INIT;

	ax_str_addf(&s, "%s %g %s", ax_metric_name(f->metric),
		    f->target[target].value,
		    f->target[target].budget ? "(budget)" : "(bound)");
	if (p)
		ax_str_addf(&s, ": error %.6g, cost %.6g", p->error,
			    (double)p->cost / f->cost.grain);
	ax_str_addf(&s, ", front of %zu, %.0f visits/s", f->archive.n,
		    (double)(done - first) / AX_MAX(ax_now() - began, 1e-3));
	ax_task_progress(f->task, part, (double)f->targets, "%s", s.buf);
	ax_str_free(&s);
}

static int
run_target(struct front *f, size_t target, struct engine *e, struct ax_err *err)
{
	double began = ax_now();
	uint64_t done = 0, total, first;
	bool more = true;

	first = e->tour ? ax_tour_steps(e->tour) : ax_anneal_steps(e->anneal);
	note(f, target, first);
	while (more) {
		more = epoch(f, e);
		done = e->tour ? ax_tour_steps(e->tour)
			       : ax_anneal_steps(e->anneal);
		total = e->tour ? ax_tour_total(e->tour)
				: ax_anneal_total(e->anneal);
		note(f, target, done);
		tell(f, target, done, total, first, began);
		if (more && ax_task_checkpoint(f->task) &&
		    ax_now() >= f->save_at && save(f, target, e, err) < 0)
			return -1;
	}
	f->steps += done;
	f->evaluations += e->tour ? ax_tour_candidates(e->tour)
				  : ax_anneal_candidates(e->anneal);
	return 0;
}

static void
begin(struct front *f)
{
	ax_str_clear(&f->history);
	ax_str_add(&f->history, "target,kind,value,step,error,cost\n");
	ax_archive_free(&f->archive);
	f->steps = f->evaluations = 0;
	for (size_t i = 0; i < f->starts; i++)
		if (f->start[i].keeps && f->start[i].cost < AX_COST_BROKEN)
			ax_archive_offer(&f->archive, f->start[i].error,
					 f->start[i].cost, 0, &f->start[i].c);
}

int
front_search(struct front *f, struct ax_err *err)
{
	const char *dir = ax_task_checkpoint(f->task);
	struct ax_ck_reader r = {0};
	struct engine e, was = {0};
	char *bytes = NULL;
	const char *why = "";
	size_t n, from = 0;
	bool resumed = false;
	int rc = 0;

	if (dir && ax_ck_load(&bytes, &n, dir, &f->key, &why)) {
		r = (struct ax_ck_reader){(const uint8_t *)bytes,
					  (const uint8_t *)bytes + n, false};
		resumed = read_head(f, &r, &from, &was);
	}
	if (*why)
		set_aside(dir, why);
	if (!resumed) {
		begin(f);
		from = 0;
	}
	for (size_t t = from; t < f->targets && rc == 0; t++) {
		bool goes_on = resumed && t == from && r.at < r.end;

		if (!goes_on) {
			f->noted_error = -1;
			f->noted_cost = -1;
		}
		rc = engine_new(f, t, &e, goes_on ? &was : NULL, err);
		if (rc == 0 && goes_on) {
			rc = e.tour ? ax_tour_restore(e.tour, &r)
			     : e.anneal
				     ? ax_anneal_restore(e.anneal,
							 (const char *)r.at,
							 (size_t)(r.end - r.at))
				     : -1;
			if (rc < 0)
				rc = ax_err_set(
					err, AX_EXIT_STAGE,
					"the checkpoint in %s is not usable; "
					"remove it to start anew",
					dir);
		}
		if (rc == 0 && !e.tour && !e.anneal)
			fprintf(stderr,
				"no circuit to start from keeps %s %g\n",
				ax_metric_name(f->metric), f->target[t].value);
		else if (rc == 0)
			rc = run_target(f, t, &e, err);
		engine_free(&e);
		if (rc == 0 && dir && ax_now() >= f->save_at)
			rc = save(f, t + 1, NULL, err);
	}
	free(bytes);
	return rc;
}
