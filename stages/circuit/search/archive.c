/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/circuit/search/archive.h"

void
ax_archive_free(struct ax_archive *a)
{
	for (size_t i = 0; i < a->n; i++)
		ax_circuit_free(&a->point[i].c);
	free(a->point);
	*a = (struct ax_archive){0};
}

/* How many points cost at most this. */
static size_t
up_to(const struct ax_archive *a, int64_t cost)
{
	size_t lo = 0, hi = a->n, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (a->point[mid].cost <= cost)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool
ax_archive_wants(const struct ax_archive *a, double error, int64_t cost)
{
	size_t i = up_to(a, cost);

	return i == 0 || a->point[i - 1].error > error;
}

bool
ax_archive_offer(struct ax_archive *a, double error, int64_t cost,
		 uint64_t step, const struct ax_circuit *c)
{
	size_t i, end;

	if (!ax_archive_wants(a, error, cost))
		return false;
	i = up_to(a, cost);
	/* the one of the same cost goes too */
	if (i && a->point[i - 1].cost == cost)
		i--;
	for (end = i; end < a->n && a->point[end].error >= error; end++)
		ax_circuit_free(&a->point[end].c);
	if (end == i) {
		AX_GROW(a->point, a->n, a->cap);
		end = i + 1;
		memmove(a->point + end, a->point + i,
			(a->n - i) * sizeof(*a->point));
		a->n++;
	} else {
		memmove(a->point + i + 1, a->point + end,
			(a->n - end) * sizeof(*a->point));
		a->n -= end - i - 1;
	}
	a->point[i] =
		(struct ax_archive_point){cost, error, step, AX_CIRCUIT_INIT};
	ax_circuit_copy(&a->point[i].c, c);
	return true;
}

void
ax_archive_merge(struct ax_archive *a, const struct ax_archive *from)
{
	for (size_t i = 0; i < from->n; i++)
		ax_archive_offer(a, from->point[i].error, from->point[i].cost,
				 from->point[i].step, &from->point[i].c);
}

const struct ax_archive_point *
ax_archive_at_cost(const struct ax_archive *a, int64_t cost)
{
	size_t i = up_to(a, cost);

	return i ? &a->point[i - 1] : NULL;
}

const struct ax_archive_point *
ax_archive_at_error(const struct ax_archive *a, double error)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->point[i].error <= error)
			return &a->point[i];
	return NULL;
}

void
ax_archive_put(struct ax_str *s, const struct ax_archive *a)
{
	ax_ck_put(s, a->n, 4);
	for (size_t i = 0; i < a->n; i++) {
		ax_ck_put(s, (uint64_t)a->point[i].cost, 8);
		ax_ck_put_double(s, a->point[i].error);
		ax_ck_put(s, a->point[i].step, 8);
		ax_circuit_put(s, &a->point[i].c);
	}
}

void
ax_archive_get(struct ax_ck_reader *r, const struct ax_problem *p,
	       struct ax_archive *a)
{
	struct ax_circuit c = AX_CIRCUIT_INIT;
	uint64_t n = ax_ck_get_max(r, 4, 1u << 20), step;
	int64_t cost;
	double error;

	ax_archive_free(a);
	while (n-- && !r->bad) {
		cost = (int64_t)ax_ck_get(r, 8);
		error = ax_ck_get_double(r);
		step = ax_ck_get(r, 8);
		ax_circuit_get(r, p, &c);
		if (!r->bad)
			ax_archive_offer(a, error, cost, step, &c);
	}
	ax_circuit_free(&c);
}
