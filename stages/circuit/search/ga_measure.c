/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/ga_measure.h"

#include "artifacts/base/base.h"
#include "stages/circuit/search/cone.h"

struct job {
	struct ax_member *member;
	const struct ax_member *parent;
	int plane; /* which parent's signals it uses; -1: none */
	struct ax_cone_op *op;
	unsigned n, cap;
	uint32_t out[AX_CIRCUIT_OUTS]; /* signals of the outputs */
	/* of the blocks in order, the first `done` were looked at; perhaps
	 * others too */
	size_t done;
	uint32_t worst, enough; /* on these; stop at */
};

/* A parent, and the steps that compute it. */
struct plane {
	const struct ax_circuit *c;
	struct ax_kop *op;
	unsigned cap;
};

struct worker {
	uint64_t *rows;
	size_t room;
	uint32_t *place;
	uint8_t *differs;
	size_t signals;
	uint32_t *worst; /* by job */
};

struct ax_measure {
	const struct ax_problem *p;
	ax_cone_run *cone;
	struct job *job;
	unsigned jobs, room;
	struct plane *plane;
	unsigned planes, cap_planes;
	uint32_t old; /* rows of the largest parent */
	struct worker *worker;
	unsigned workers;
	uint32_t *order; /* blocks by position */
	unsigned *active, n_active;
	size_t from, to; /* positions in order of the round at hand */
	struct ax_member *whole;
};

struct ax_measure *
ax_measure_new(const struct ax_problem *p, unsigned jobs)
{
	struct ax_measure *m = ax_calloc(1, sizeof(*m));

	m->p = p;
	m->cone = ax_cone();
	m->room = jobs;
	m->job = ax_calloc(jobs, sizeof(*m->job));
	m->active = ax_calloc(jobs, sizeof(*m->active));
	m->order = ax_calloc(p->blocks, sizeof(*m->order));
	/* first one whose operand bits are mixed; 21 is odd, so all come */
	for (size_t b = 0; b < p->blocks; b++)
		m->order[b] = (uint32_t)((b + 1) * 21 % p->blocks);
	return m;
}

void
ax_measure_free(struct ax_measure *m)
{
	if (!m)
		return;
	for (unsigned i = 0; i < m->room; i++)
		free(m->job[i].op);
	for (unsigned i = 0; i < m->cap_planes; i++)
		free(m->plane[i].op);
	for (unsigned t = 0; t < m->workers; t++) {
		free(m->worker[t].rows);
		free(m->worker[t].place);
		free(m->worker[t].differs);
		free(m->worker[t].worst);
	}
	free(m->job);
	free(m->plane);
	free(m->worker);
	free(m->order);
	free(m->active);
	free(m);
}

void
ax_measure_begin(struct ax_measure *m, unsigned nodes)
{
	m->jobs = 0;
	m->planes = 0;
	m->old = m->p->ins + nodes;
}

static bool
same(const struct ax_circuit *a, const struct ax_circuit *b)
{
	return a == b || (a->n == b->n && memcmp(a->gate, b->gate, a->n) == 0 &&
			  memcmp(a->in, b->in, a->n * sizeof(*a->in)) == 0 &&
			  memcmp(a->out, b->out, sizeof(a->out)) == 0);
}

static int
plane_of(struct ax_measure *m, const struct ax_circuit *c)
{
	struct plane *q;

	for (unsigned i = 0; i < m->planes; i++)
		if (same(m->plane[i].c, c))
			return (int)i;
	if (m->planes == m->cap_planes) {
		unsigned cap = m->cap_planes ? 2 * m->cap_planes : 4;

		m->plane = ax_realloc(m->plane, cap, sizeof(*m->plane));
		for (unsigned i = m->cap_planes; i < cap; i++)
			m->plane[i] = (struct plane){NULL, NULL, 0};
		m->cap_planes = cap;
	}
	q = &m->plane[m->planes];
	q->c = c;
	if (q->cap < c->n) {
		q->cap = c->n + c->n / 4;
		q->op = ax_realloc(q->op, q->cap, sizeof(*q->op));
	}
	for (unsigned k = 0; k < c->n; k++)
		q->op[k] = (struct ax_kop){c->in[k][0], c->in[k][1], c->ins + k,
					   c->gate[k]};
	return (int)m->planes++;
}

/* The steps that may differ from the parent's; false when no output can. */
static bool
plan(struct ax_measure *m, struct job *j, const struct ax_circuit *c,
     const struct ax_circuit *parent, const uint16_t *from)
{
	static _Thread_local uint32_t at[AX_CIRCUIT_INS + AX_CIRCUIT_NODES];
	bool differs = false;

	if (j->cap < c->n) {
		j->cap = c->n + c->n / 4;
		j->op = ax_realloc(j->op, j->cap, sizeof(*j->op));
	}
	j->n = 0;
	for (unsigned i = 0; i < c->ins; i++)
		at[i] = i;
	for (unsigned k = 0; k < c->n; k++) {
		uint32_t a = at[c->in[k][0]], b = at[c->in[k][1]];
		bool root = !parent || (from[k] & AX_CHANGED);
		uint32_t was =
			!parent || from[k] == AX_NOT_FROM
				? AX_CONE_NEW
				: c->ins + (from[k] & (uint32_t)~AX_CHANGED);

		if (!root && a < m->old && b < m->old) {
			at[c->ins + k] = was;
			continue;
		}
		at[c->ins + k] = m->old + j->n;
		j->op[j->n++] = (struct ax_cone_op){
			a, b, was, ax_cone_gate((enum ax_g)c->gate[k]), root};
	}
	for (unsigned o = 0; o < c->outs; o++) {
		j->out[o] = at[c->out[o]];
		differs = differs || !parent || j->out[o] != parent->out[o];
	}
	return differs;
}

bool
ax_measure_add(struct ax_measure *m, struct ax_member *child,
	       const struct ax_member *parent, const uint16_t *from)
{
	struct job *j = &m->job[m->jobs];

	child->job = -1;
	if (!plan(m, j, &child->c, parent ? &parent->c : NULL, from)) {
		child->wce = parent->wce;
		child->known = AX_WCE_EXACT;
		return false;
	}
	j->member = child;
	j->parent = parent;
	j->plane = parent ? plane_of(m, &parent->c) : -1;
	j->done = 0;
	j->worst = 0;
	j->enough = 0;
	child->wce = 0;
	child->known = AX_WCE_AT_LEAST;
	child->job = (int)m->jobs++;
	return true;
}

/* --- blocks -------------------------------------------------------------- */

static void
make_room(struct ax_measure *m, unsigned threads, size_t signals)
{
	if (m->workers < threads) {
		m->worker = ax_realloc(m->worker, threads, sizeof(*m->worker));
		for (unsigned t = m->workers; t < threads; t++) {
			m->worker[t] = (struct worker){0};
			m->worker[t].worst =
				ax_calloc(m->room, sizeof(*m->worker[t].worst));
		}
		m->workers = threads;
	}
	for (unsigned t = 0; t < threads; t++) {
		struct worker *w = &m->worker[t];

		if (w->signals < signals) {
			free(w->rows);
			free(w->place);
			free(w->differs);
			w->signals = signals + signals / 4;
			w->rows = ax_aligned(w->signals * AX_BLOCK_WORDS,
					     sizeof(*w->rows));
			w->place = ax_calloc(w->signals, sizeof(*w->place));
			w->differs = ax_calloc(w->signals, 1);
		}
		for (uint32_t s = 0; s < m->old; s++) {
			w->place[s] = s;
			w->differs[s] = 0;
		}
	}
}

static void
look(void *arg, size_t i, unsigned thread)
{
	struct ax_measure *m = arg;
	const struct ax_problem *p = m->p;
	struct worker *w = &m->worker[thread];
	size_t position = m->from + i, block = m->order[position];
	const uint64_t *exact = p->exact +
				block * (p->outs + 2) * AX_BLOCK_WORDS,
		       *out[AX_CIRCUIT_OUTS];
	int plane = -1;

	memcpy(w->rows, ax_problem_inputs(p, block),
	       p->ins * AX_BLOCK_WORDS * sizeof(*w->rows));
	for (unsigned k = 0; k < m->n_active; k++) {
		const struct job *j = &m->job[m->active[k]];
		uint32_t *worst = &w->worst[m->active[k]];
		bool moved = !j->parent;

		if (position < j->done || *worst >= j->enough)
			continue;
		if (j->plane != plane && j->plane >= 0) {
			plane = j->plane;
			p->kern->run(w->rows, AX_BLOCK_WORDS,
				     m->plane[plane].op, m->plane[plane].c->n);
		}
		m->cone(w->rows, m->old, w->place, w->differs, j->op, j->n);
		for (unsigned o = 0; o < p->outs; o++) {
			uint32_t row = w->place[j->out[o]];

			moved = moved || row != j->parent->c.out[o];
			out[o] = w->rows + (size_t)row * AX_BLOCK_WORDS;
		}
		if (!moved)
			*worst = AX_MAX(*worst, j->parent->block[block]);
		else
			*worst = p->kern->worst(out, exact, p->outs, p->extend,
						*worst);
	}
}

/* The blocks at positions from..to-1 for the active jobs. */
static void
round_of(struct ax_measure *m, size_t from, size_t to, struct ax_pool *pool)
{
	unsigned threads = ax_pool_threads(pool), longest = 0;

	if (m->n_active == 0 || from >= to)
		return;
	for (unsigned k = 0; k < m->n_active; k++)
		longest = AX_MAX(longest, m->job[m->active[k]].n);
	make_room(m, threads, (size_t)m->old + longest + 1);
	for (unsigned t = 0; t < threads; t++)
		for (unsigned k = 0; k < m->n_active; k++)
			m->worker[t].worst[m->active[k]] =
				m->job[m->active[k]].worst;
	m->from = from;
	m->to = to;
	ax_pool_for(pool, to - from, look, m);
	for (unsigned k = 0; k < m->n_active; k++) {
		struct job *j = &m->job[m->active[k]];

		for (unsigned t = 0; t < threads; t++)
			j->worst = AX_MAX(j->worst,
					  m->worker[t].worst[m->active[k]]);
		if (j->worst < j->enough)
			j->done = AX_MAX(j->done, to);
	}
}

/* Jobs that still have blocks to see and are below what they stop at; those of
 * one parent together. */
static size_t
gather(struct ax_measure *m)
{
	size_t least = m->p->blocks;

	m->n_active = 0;
	for (int plane = -1; plane < (int)m->planes; plane++)
		for (unsigned i = 0; i < m->jobs; i++) {
			const struct job *j = &m->job[i];

			if (j->plane != plane || j->worst >= j->enough ||
			    j->done == m->p->blocks)
				continue;
			m->active[m->n_active++] = i;
			least = AX_MIN(least, j->done);
		}
	return least;
}

void
ax_measure_run(struct ax_measure *m, struct ax_pool *pool)
{
	size_t blocks = m->p->blocks, from;

	/* one block first, by this thread: most of what breaks a bound does so
	 * anywhere */
	from = gather(m);
	if (from == 0 && m->n_active) {
		round_of(m, 0, 1, NULL);
		from = gather(m);
	}
	round_of(m, from, blocks, pool);
	for (unsigned i = 0; i < m->jobs; i++) {
		struct job *j = &m->job[i];

		if (j->member->known != AX_WCE_AT_LEAST)
			continue;
		j->member->wce = j->worst;
		if (j->done == blocks)
			j->member->known = AX_WCE_EXACT;
	}
}

void
ax_measure_all(struct ax_measure *m, uint32_t enough, struct ax_pool *pool)
{
	for (unsigned i = 0; i < m->jobs; i++)
		m->job[i].enough = enough;
	ax_measure_run(m, pool);
}

void
ax_measure_ask(struct ax_measure *m, struct ax_member *member, uint32_t enough)
{
	if (member->known == AX_WCE_EXACT)
		return;
	m->job[member->job].enough = enough;
}

/* --- a parent ------------------------------------------------------------ */

static void
look_whole(void *arg, size_t block, unsigned thread)
{
	struct ax_measure *m = arg;
	const struct ax_problem *p = m->p;
	struct worker *w = &m->worker[thread];
	const struct ax_circuit *c = &m->whole->c;
	const uint64_t *out[AX_CIRCUIT_OUTS];

	memcpy(w->rows, ax_problem_inputs(p, block),
	       p->ins * AX_BLOCK_WORDS * sizeof(*w->rows));
	p->kern->run(w->rows, AX_BLOCK_WORDS, m->plane[m->planes - 1].op, c->n);
	for (unsigned o = 0; o < p->outs; o++)
		out[o] = w->rows + (size_t)c->out[o] * AX_BLOCK_WORDS;
	m->whole->block[block] = p->kern->worst(
		out, p->exact + block * (p->outs + 2) * AX_BLOCK_WORDS, p->outs,
		p->extend, 0);
}

void
ax_measure_blocks(struct ax_measure *m, struct ax_member *member,
		  struct ax_pool *pool)
{
	if (!member->block)
		member->block = ax_calloc(m->p->blocks, sizeof(*member->block));
	m->planes = 0;
	plane_of(m, &member->c);
	m->old = 0;
	make_room(m, ax_pool_threads(pool),
		  (size_t)m->p->ins + member->c.n + 1);
	m->whole = member;
	ax_pool_for(pool, m->p->blocks, look_whole, m);
	member->wce = 0;
	for (size_t b = 0; b < m->p->blocks; b++)
		member->wce = AX_MAX(member->wce, member->block[b]);
	member->known = AX_WCE_EXACT;
}
