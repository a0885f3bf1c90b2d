/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/manifest/verify.h"

#include "pipeline/manifest/subst.h"
#include "pipeline/manifest/value.h"

static int
need_strings(const json_t *o, const char *const *keys,
	     const struct ax_place *at, struct ax_err *err)
{
	for (; *keys; keys++) {
		const json_t *v = json_object_get(o, *keys);
		struct ax_place here = ax_place_key(at, *keys);

		if (v && !json_is_string(v))
			return ax_place_error(err, &here, 0,
					      "\"%s\" must be a string, not %s",
					      *keys, ax_type_name(v));
	}
	return 0;
}

static int
need_bools(const json_t *o, const char *const *keys, const struct ax_place *at,
	   struct ax_err *err)
{
	for (; *keys; keys++) {
		const json_t *v = json_object_get(o, *keys);
		struct ax_place here = ax_place_key(at, *keys);

		if (v && !json_is_boolean(v))
			return ax_place_error(err, &here, 0,
					      "\"%s\" must be true or false",
					      *keys);
	}
	return 0;
}

static int
check_range(const json_t *v, const char *key, const struct ax_place *at,
	    struct ax_err *err)
{
	const json_t *lo = json_array_get(v, 0), *hi = json_array_get(v, 1);
	struct ax_place here = ax_place_key(at, key);

	if (!v)
		return 0;
	if (json_array_size(v) != 2 || !json_is_number(lo) ||
	    !json_is_number(hi) ||
	    json_number_value(lo) > json_number_value(hi))
		return ax_place_error(
			err, &here, 0,
			"\"%s\" must be two numbers [low, high], low first",
			key);
	return 0;
}

/* --- figures
 * ------------------------------------------------------------------- */

static int
check_axis(struct ax_graph *g, const json_t *series, const char *key,
	   bool words, const struct ax_place *at, struct ax_err *err)
{
	const json_t *v = json_object_get(series, key), *element;
	struct ax_place here = ax_place_key(at, key);
	struct ax_err inner = AX_ERR_INIT;
	struct ax_expr *e;

	if (!v)
		return ax_place_error(err, at, 0, "\"%s\" is missing", key);
	if (json_is_string(v)) {
		if (json_object_get(series, "csv"))
			return 0; /* a column; known when the file is there */
		if (ax_expr_parse_over(
			    &e, json_string_value(v),
			    strcmp(key, "x")
				    ? NULL
				    : json_string_value(
					      json_object_get(series, "y")),
			    g, &inner) < 0)
			return ax_place_error(err, &here, 0, "%s", inner.text);
		ax_expr_free(e);
		return 0;
	}
	if (!json_is_array(v) || json_object_get(series, "csv"))
		return ax_place_error(err, &here, 0,
				      "\"%s\" must be an expression%s", key,
				      json_object_get(series, "csv")
					      ? " (here: the name of a column)"
					      : " or a list of numbers");
	for (size_t i = 0; i < json_array_size(v); i++) {
		struct ax_place spot = ax_place_index(&here, i);

		element = json_array_get(v, i);
		if (!json_is_number(element) &&
		    !(words && json_is_string(element)))
			return ax_place_error(
				err, &spot, 0,
				"\"%s\" must be a list of numbers", key);
	}
	return 0;
}

static int
check_csv(struct ax_graph *g, const json_t *series, const struct ax_place *at,
	  struct ax_err *err)
{
	const json_t *v = json_object_get(series, "csv");
	struct ax_place here = ax_place_key(at, "csv");
	struct ax_err inner = AX_ERR_INIT;
	const struct ax_port *port;
	struct ax_node **nodes;
	size_t n;

	if (!v)
		return 0;
	if (!json_is_string(v))
		return ax_place_error(err, &here, 0,
				      "\"csv\" must name an output such as "
				      "\"finetune.history\"");
	if (ax_graph_select_output(g, json_string_value(v), &nodes, &n, &port,
				   &inner) < 0)
		return ax_place_error(err, &here, 0, "%s", inner.text);
	free(nodes);
	if (port->tree)
		return ax_place_error(err, &here, 0,
				      "output '%s' is a folder, not a CSV file",
				      port->name);
	return 0;
}

static int
check_series(struct ax_graph *g, const json_t *s, const struct ax_place *at,
	     struct ax_err *err)
{
	static const char *const keys[] = {"label", "x",     "y",
					   "csv",   "style", NULL};
	static const char *const strings[] = {"label", "style", NULL};
	static const char *const styles[] = {"points", "lines", "linespoints",
					     "bars"};
	const char *style = json_string_value(json_object_get(s, "style"));
	struct ax_place here = ax_place_key(at, "style");
	size_t nx, ny, i;
	char *hint;

	if (!json_is_object(s))
		return ax_place_error(err, at, 0,
				      "a series must be an object, not %s",
				      ax_type_name(s));
	if (ax_check_keys(at, s, keys, "a series", err) < 0 ||
	    need_strings(s, strings, at, err) < 0)
		return -1;
	for (i = 0; style && i < AX_LEN(styles); i++)
		if (strcmp(styles[i], style) == 0)
			break;
	if (style && i == AX_LEN(styles)) {
		hint = ax_suggest(style, styles, AX_LEN(styles), "there are");
		ax_place_error(err, &here, 0, "unknown style '%s'%s", style,
			       hint);
		free(hint);
		return -1;
	}
	if (check_csv(g, s, at, err) < 0 ||
	    check_axis(g, s, "x", true, at, err) < 0 ||
	    check_axis(g, s, "y", false, at, err) < 0)
		return -1;
	nx = json_array_size(json_object_get(s, "x"));
	ny = json_array_size(json_object_get(s, "y"));
	if (json_is_array(json_object_get(s, "x")) !=
	    json_is_array(json_object_get(s, "y")))
		return ax_place_error(err, at, 0,
				      "\"x\" and \"y\" must be both lists, or "
				      "both expressions");
	if (json_is_array(json_object_get(s, "x")) &&
	    json_is_array(json_object_get(s, "y")) && nx != ny)
		return ax_place_error(err, at, 0,
				      "\"x\" has %zu numbers and \"y\" has %zu",
				      nx, ny);
	return 0;
}

static int
check_figure(struct ax_graph *g, const json_t *f, const struct ax_place *at,
	     struct ax_map *names, struct ax_err *err)
{
	static const char *const keys[] = {
		"name", "title",  "xlabel", "ylabel", "logx",
		"logy", "xrange", "yrange", "series", NULL};
	static const char *const strings[] = {"name", "title", "xlabel",
					      "ylabel", NULL};
	static const char *const bools[] = {"logx", "logy", NULL};
	const json_t *series = json_object_get(f, "series");
	const char *name = json_string_value(json_object_get(f, "name"));
	struct ax_place here;

	if (ax_check_keys(at, f, keys, "a figure", err) < 0 ||
	    need_strings(f, strings, at, err) < 0 ||
	    need_bools(f, bools, at, err) < 0 ||
	    check_range(json_object_get(f, "xrange"), "xrange", at, err) < 0 ||
	    check_range(json_object_get(f, "yrange"), "yrange", at, err) < 0)
		return -1;
	here = ax_place_key(at, "name");
	if (!name || !ax_name_ok(name))
		return ax_place_error(err, name ? &here : at, 0,
				      "a figure needs a \"name\": a letter, "
				      "then letters, digits, '_', '-'");
	if (ax_map_set(names, name, (void *)name))
		return ax_place_error(err, &here, 0,
				      "two figures are named '%s'", name);
	here = ax_place_key(at, "series");
	if (!json_array_size(series))
		return ax_place_error(
			err, series ? &here : at, 0,
			"a figure needs a list \"series\" that is not empty");
	for (size_t i = 0; i < json_array_size(series); i++) {
		struct ax_place one = ax_place_index(&here, i);

		if (check_series(g, json_array_get(series, i), &one, err) < 0)
			return -1;
	}
	return 0;
}

static int
read_figure(struct ax_graph *g, const struct ax_manifest *m,
	    const struct ax_item *item, struct ax_map *names,
	    struct ax_err *err)
{
	const struct ax_json *file = &m->files[item->file].json;
	struct ax_place root = ax_place_root(file);
	struct ax_place all = ax_place_key(&root, "figures");
	struct ax_place at = ax_place_index(&all, item->index);
	struct ax_scope scope = {NULL, m->vars, false, NULL};
	size_t n = json_array_size(g->figures);
	json_t *done;

	if (!json_is_object(item->json))
		return ax_place_error(err, &at, 0,
				      "a figure must be an object, not %s",
				      ax_type_name(item->json));
	if (ax_subst(&done, item->json, &scope, &at, err) < 0)
		return -1;
	json_array_append_new(g->figures, done);
	g->figure_origins[n].file = file;
	g->figure_origins[n].pointer = ax_place_pointer(&at);
	return check_figure(g, done, &at, names, err);
}

/* --- claims
 * --------------------------------------------------------------------- */

static int
check_tolerance(const json_t *v, const struct ax_place *at, struct ax_err *err)
{
	struct ax_place here = ax_place_key(at, "tolerance");
	const char *text = json_string_value(v);
	double number = -1;
	char *end;

	if (!v)
		return 0;
	if (json_is_number(v)) {
		number = json_number_value(v);
	} else if (text) {
		number = strtod(text, &end);
		while (*end == ' ')
			end++;
		if (end == text || strcmp(end, "%") != 0)
			number = -1;
	}
	if (!(number >= 0 && number <= 1e300))
		return ax_place_error(err, &here, 0,
				      "\"tolerance\" must be a number from 0, "
				      "or a share such as \"1 %%\"");
	return 0;
}

/* What is claimed of one point; coordinates are done. */
static int
check_bound(const json_t *c, const struct ax_place *at, struct ax_err *err)
{
	static const char *const kinds[] = {"equals", "at_most", "at_least",
					    "between"};
	const char *kind = NULL;
	const json_t *v;
	struct ax_place here;

	for (size_t i = 0; i < AX_LEN(kinds); i++) {
		if (!json_object_get(c, kinds[i]))
			continue;
		here = ax_place_key(at, kinds[i]);
		if (kind)
			return ax_place_error(
				err, &here, 1,
				"a claim has \"%s\" or \"%s\", not both", kind,
				kinds[i]);
		kind = kinds[i];
	}
	if (!kind)
		return ax_place_error(
			err, at, 0,
			"a claim needs one of \"equals\", \"at_most\", "
			"\"at_least\" and \"between\"");
	v = json_object_get(c, kind);
	here = ax_place_key(at, kind);
	if (kind[0] == 'b')
		return check_range(v, kind, at, err);
	if (!json_is_number(v) && !(kind[0] == 'e' && json_is_string(v)))
		return ax_place_error(
			err, &here, 0, "\"%s\" must be a number%s", kind,
			kind[0] != 'e'       ? ""
			: json_is_boolean(v) ? " or a string; true counts as "
					       "1, false as 0"
					     : " or a string");
	here = ax_place_key(at, "tolerance");
	if (kind[0] != 'e' && json_object_get(c, "tolerance"))
		return ax_place_error(err, &here, 1,
				      "\"tolerance\" belongs to \"equals\"");
	return check_tolerance(json_object_get(c, "tolerance"), at, err);
}

/* The claim with variables done, and checked at each of its points. */
static int
check_points(json_t **out, json_t *claim, const struct ax_expr *e,
	     const struct ax_manifest *m, const struct ax_place *at,
	     struct ax_err *err)
{
	static const char *const strings[] = {"figure", "text", "value",
					      "unit",   "note", NULL};
	struct ax_values points = {NULL, 0};
	struct ax_scope scope = {NULL, m->vars, true, NULL};
	json_t *hidden = json_object(), *done = NULL;
	bool plain;
	int rc;

	rc = ax_expr_eval(&points, e, NULL, NULL, err);
	for (size_t i = 0; i < points.n; i++)
		json_object_update(hidden, points.points[i].coords);
	scope.hidden = hidden;
	if (rc == 0)
		rc = ax_subst(out, claim, &scope, at, err);
	plain = rc == 0 && !ax_subst_needed(*out);
	for (size_t i = 0; i < points.n && rc == 0; i++) {
		struct ax_scope point = {points.points[i].coords, NULL, false,
					 NULL};

		rc = ax_subst(&done, *out, &point, at, err);
		if (rc == 0)
			rc = need_strings(done, strings, at, err);
		if (rc == 0)
			rc = check_bound(done, at, err);
		json_decref(done);
		done = NULL;
		if (plain)
			break; /* the same at every point */
	}
	ax_values_free(&points);
	json_decref(hidden);
	return rc;
}

static int
read_claim(struct ax_graph *g, const struct ax_manifest *m,
	   const struct ax_item *item, struct ax_err *err)
{
	static const char *const keys[] = {
		"figure", "text",    "value",    "equals",  "tolerance", "unit",
		"note",   "at_most", "at_least", "between", NULL};
	const struct ax_json *file = &m->files[item->file].json;
	struct ax_place root = ax_place_root(file);
	struct ax_place all = ax_place_key(&root, "claims");
	struct ax_place at = ax_place_index(&all, item->index);
	struct ax_place here = ax_place_key(&at, "value");
	struct ax_scope scope = {NULL, m->vars, false, NULL};
	struct ax_err inner = AX_ERR_INIT;
	size_t n = json_array_size(g->claims);
	json_t *value, *text, *done = NULL;
	struct ax_expr *e;
	int rc;

	if (!json_is_object(item->json))
		return ax_place_error(err, &at, 0,
				      "a claim must be an object, not %s",
				      ax_type_name(item->json));
	if (ax_check_keys(&at, item->json, keys, "a claim", err) < 0)
		return -1;
	value = json_object_get(item->json, "value");
	if (!value)
		return ax_place_error(err, &at, 0,
				      "\"value\" is missing: what is claimed");
	if (ax_subst(&text, value, &scope, &here, err) < 0)
		return -1;
	if (!json_is_string(text)) {
		json_decref(text);
		return ax_place_error(
			err, &here, 0,
			"\"value\" must be an expression, as a string");
	}
	rc = ax_expr_parse(&e, json_string_value(text), g, &inner);
	if (rc == 0) {
		rc = check_points(&done, item->json, e, m, &at, err);
		ax_expr_free(e);
	} else {
		ax_place_error(err, &here, 0, "%s", inner.text);
	}
	/* the name of a coordinate means a variable in an expression */
	if (done && !json_equal(text, json_object_get(done, "value")))
		json_object_set(done, "value", text);
	json_decref(text);
	if (!done)
		return rc;
	json_array_append_new(g->claims, done);
	g->claim_origins[n].file = file;
	g->claim_origins[n].pointer = ax_place_pointer(&at);
	return rc;
}

int
ax_verify(struct ax_graph *g, const struct ax_manifest *m, struct ax_err *err)
{
	struct ax_map names = AX_MAP_INIT;
	int rc = 0;

	g->figures = json_array();
	g->claims = json_array();
	g->figure_origins = ax_calloc(m->nfigures, sizeof(*g->figure_origins));
	g->claim_origins = ax_calloc(m->nclaims, sizeof(*g->claim_origins));
	for (size_t i = 0; i < m->nfigures && rc == 0; i++)
		rc = read_figure(g, m, &m->figures[i], &names, err);
	for (size_t i = 0; i < m->nclaims && rc == 0; i++)
		rc = read_claim(g, m, &m->claims[i], err);
	ax_map_free(&names);
	return rc;
}
