/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/nn/assign/library.h"

#include <math.h>

#include "artifacts/base/io.h"
#include "artifacts/base/json.h"

void
ax_library_free(struct ax_library *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->of[i].id);
		ax_lut_free(&l->of[i].lut);
		ax_product_free(&l->of[i].product);
	}
	free(l->of);
	memset(l, 0, sizeof(*l));
}

/* Steals `lut`, also on failure. */
static int
add(struct ax_library *l, const char *id, double cost, struct ax_lut *lut,
    struct ax_err *err)
{
	const struct ax_lut *first = l->n ? &l->of[0].lut : lut;
	struct ax_multiplier *m;

	if (lut->n != first->n || lut->m != first->m ||
	    lut->sign != first->sign) {
		ax_err_set(err, AX_EXIT_STAGE,
			   "'%s' is a table of %u x %u bits %s, '%s' one of %u "
			   "x %u bits %s: a library is of one kind",
			   id, lut->n, lut->m,
			   lut->sign ? "signed" : "unsigned", l->of[0].id,
			   first->n, first->m,
			   first->sign ? "signed" : "unsigned");
		ax_lut_free(lut);
		return -1;
	}
	AX_GROW(l->of, l->n, l->cap);
	m = &l->of[l->n++];
	memset(m, 0, sizeof(*m));
	m->id = ax_strdup(id);
	m->cost = cost;
	m->lut = *lut;
	return ax_product_table(&m->product, &m->lut, err);
}

static int
add_point(struct ax_library *l, const struct ax_json *j, size_t at,
	  const char *dir, bool sign, struct ax_err *err)
{
	const json_t *p =
		json_array_get(json_object_get(j->root, "points"), at);
	const char *id = json_string_value(json_object_get(p, "id"));
	const char *file = json_string_value(json_object_get(p, "lut"));
	const json_t *cost = json_object_get(p, "cost");
	char *where = ax_pointer_i("/points", at), *path;
	struct ax_lut lut;
	int rc;

	if (!cost)
		cost = json_object_get(p, "transistors");
	rc = 0;
	if (!id || !*id || strlen(id) > 200 || strpbrk(id, ",\"\n\r"))
		rc = ax_json_error(err, j, where, 0,
				   "a point needs an \"id\" of 1 to 200 bytes "
				   "without comma, quote or line end");
	else if (!file || !ax_path_is_inside(file))
		rc = ax_json_error(err, j, where, 0,
				   "\"lut\" must name a file below the front");
	else if (!json_is_number(cost) || !(json_number_value(cost) >= 0) ||
		 !(json_number_value(cost) < 1e12))
		rc = ax_json_error(err, j, where, 0,
				   "\"cost\" or \"transistors\" must be a "
				   "number from 0");
	free(where);
	if (rc < 0)
		return -1;
	path = ax_join(dir, file);
	rc = ax_lut_load(&lut, path, sign, err);
	free(path);
	return rc < 0 ? -1 : add(l, id, json_number_value(cost), &lut, err);
}

static int
add_front(struct ax_library *l, const char *dir, struct ax_err *err)
{
	char *path = ax_join(dir, "front.json");
	const json_t *points, *sign;
	struct ax_json j;
	int rc = ax_json_load(&j, path, err);

	free(path);
	if (rc < 0)
		return -1;
	points = json_object_get(j.root, "points");
	sign = json_object_get(j.root, "signed");
	if (json_integer_value(json_object_get(j.root, "axpipe_front")) != 1 ||
	    !json_is_array(points) || !json_is_boolean(sign))
		rc = ax_json_error(err, &j, "", 0,
				   "this is no front: an object with "
				   "\"axpipe_front\": 1, \"signed\" and "
				   "\"points\" is wanted");
	else if (json_array_size(points) > AX_LIBRARY_MOST)
		rc = ax_json_error(err, &j, "/points", 0, "more than %d points",
				   AX_LIBRARY_MOST);
	for (size_t i = 0; rc == 0 && i < json_array_size(points); i++)
		rc = add_point(l, &j, i, dir, json_is_true(sign), err);
	ax_json_free(&j);
	return rc;
}

static int
add_tables(struct ax_library *l, struct ax_task *t, int guess,
	   struct ax_err *err)
{
	const json_t *costs = ax_task_json(t, "costs");
	size_t n = ax_task_in_count(t, "luts"), i;
	struct ax_str id = AX_STR_INIT;
	struct ax_lut lut;
	const char *key;
	json_t *value;
	int rc = 0;

	if (n != json_array_size(costs))
		return ax_err_set(err, AX_EXIT_USAGE,
				  "input 'luts' has %zu tables, 'costs' has "
				  "%zu numbers: one for each is wanted",
				  n, json_array_size(costs));
	if (n > AX_LIBRARY_MOST)
		return ax_err_set(err, AX_EXIT_USAGE,
				  "input 'luts' has %zu tables, more than %d",
				  n, AX_LIBRARY_MOST);
	for (i = 0; i < n && rc == 0; i++) {
		ax_str_clear(&id);
		json_object_foreach(ax_task_in_coords(t, "luts", i), key, value)
		{
			ax_str_addf(&id, "%s%s=", id.len ? ";" : "", key);
			if (json_is_string(value))
				ax_str_add(&id, json_string_value(value));
			else
				ax_json_canonical(&id, value);
		}
		if (id.len == 0)
			ax_str_addf(&id, "lut%zu", i);
		rc = ax_lut_load(&lut, ax_task_in_at(t, "luts", i), guess, err);
		if (rc == 0)
			rc = add(l, id.buf,
				 json_number_value(json_array_get(costs, i)),
				 &lut, err);
	}
	ax_str_free(&id);
	return rc;
}

int
ax_library_load(struct ax_library *l, struct ax_task *t, int guess,
		struct ax_err *err)
{
	const char *front = ax_task_in(t, "front");
	const json_t *exact = ax_task_json(t, "exact_cost");
	struct ax_lut lut;
	int rc = 0;

	memset(l, 0, sizeof(*l));
	if (front && add_front(l, front, err) < 0)
		rc = ax_err_wrap(err, "input 'front'");
	if (rc == 0)
		rc = add_tables(l, t, guess, err);
	if (rc == 0 && l->n == 0)
		rc = ax_err_set(err, AX_EXIT_USAGE,
				"no multipliers to choose from: wire 'front', "
				"or 'luts' with their 'costs'");
	if (rc == 0 && exact) {
		rc = ax_lut_exact(&lut, AX_LUT_MUL, l->of[0].lut.n,
				  l->of[0].lut.m, l->of[0].lut.sign, err);
		if (rc == 0)
			rc = add(l, "exact", json_number_value(exact), &lut,
				 err);
	}
	if (rc < 0)
		ax_library_free(l);
	return rc;
}
