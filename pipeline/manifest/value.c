/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recursive-descent parser into an array of operations in postfix order,
 * and a stack machine that runs them once for every point of the join of all
 * references.
 */
#include "pipeline/manifest/value.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>

#include "pipeline/manifest/entry.h"
#include "pipeline/manifest/expand.h"

#define MAX_TEXT 65536
#define MAX_NESTING 100
#define MAX_REFS 100
#define MAX_OPS 10000

enum op_kind {
	OP_NUMBER,
	OP_REF,
	OP_COORD,
	OP_NEG,
	OP_ADD,
	OP_SUB,
	OP_MUL,
	OP_DIV,
	OP_ABS,
	OP_SQRT,
	OP_LOG10,
	OP_ROUND,
	OP_MIN,
	OP_MAX
};

struct op {
	enum op_kind kind;
	double number;
	bool whole; /* an integer as written: then this is it */
	int64_t integer;
	size_t ref;       /* OP_REF */
	const char *name; /* OP_COORD */
	size_t count;     /* OP_MIN, OP_MAX: arguments */
};

struct leaf {
	struct ax_ref ref;
	size_t *which;
	size_t n;
	char **path; /* "cells", "NAND", NULL */
	const char *metric;
	const char *unit;
};

struct ax_expr {
	const struct ax_graph *graph;
	struct ax_arena arena;
	struct op *ops;
	size_t nops, cops;
	struct leaf *leaves;
	size_t nleaves, cleaves;
	size_t depth, max_depth; /* of the machine's stack */
	struct ax_rows rows;     /* the join of all leaves */
};

struct parser {
	struct ax_expr *e;
	const char *text, *p;
	int nesting;
	struct ax_err *err;
};

static int
wrong(const struct parser *s, const char *what)
{
	return ax_err_set(s->err, AX_EXIT_USAGE,
			  "in the expression '%.200s', at character %zu: %s",
			  s->text, (size_t)(s->p - s->text) + 1, what);
}

static void
skip_blanks(struct parser *s)
{
	while (*s->p == ' ' || *s->p == '\t' || *s->p == '\n')
		s->p++;
}

static int
emit(struct parser *s, struct op op)
{
	struct ax_expr *e = s->e;

	if (e->nops == MAX_OPS)
		return wrong(s, "it is too long");
	switch (op.kind) {
	case OP_NUMBER:
	case OP_REF:
	case OP_COORD:
		e->depth++;
		break;
	case OP_ADD:
	case OP_SUB:
	case OP_MUL:
	case OP_DIV:
		e->depth--;
		break;
	case OP_MIN:
	case OP_MAX:
		e->depth -= op.count - 1;
		break;
	default:
		break;
	}
	e->max_depth = AX_MAX(e->max_depth, e->depth);
	AX_GROW(e->ops, e->nops, e->cops);
	e->ops[e->nops++] = op;
	return 0;
}

static int
parse_number(struct parser *s)
{
	struct op op = {.kind = OP_NUMBER};
	char *end;

	op.number = strtod(s->p, &end);
	if (end == s->p || !isfinite(op.number))
		return wrong(s, "this is no number");
	if (strspn(s->p, "0123456789") == (size_t)(end - s->p)) {
		errno = 0;
		op.integer = strtoll(s->p, NULL, 10);
		op.whole = errno == 0;
	}
	s->p = end;
	if (isalnum((unsigned char)*s->p) || *s->p == '_')
		return wrong(s, "this cannot follow a number");
	return emit(s, op);
}

/* A metric that stage.json lists, "cells.*" standing for any member. */
static const json_t *
find_metric(const json_t *listed, const char *name)
{
	const json_t *m = json_object_get(listed, name);
	struct ax_str s = AX_STR_INIT;
	size_t n = strlen(name);

	while (!m && n-- > 0) {
		if (name[n] != '.')
			continue;
		ax_str_clear(&s);
		ax_str_addn(&s, name, n + 1);
		ax_str_addc(&s, '*');
		m = json_object_get(listed, s.buf);
	}
	ax_str_free(&s);
	return m;
}

static int
unknown_metric(struct parser *s, const struct ax_stage *stage, const char *name)
{
	size_t n;
	const char **names = ax_object_keys(stage->metrics, &n);
	char *hint = ax_suggest(name, names, n, "it has"), *text;
	int rc;

	text = ax_asprintf(
		"stage '%s' has no metric '%s'%s%s", stage->name, name, hint,
		strchr(name, '-') ? " (a minus needs blanks around it)" : "");
	rc = wrong(s, text);
	free(text);
	free(hint);
	free(names);
	return rc;
}

static size_t
metric_length(const char *p)
{
	size_t n = 0;

	while (isalnum((unsigned char)p[n]) || p[n] == '_' || p[n] == '-' ||
	       p[n] == '$' || (p[n] == '.' && n && p[n - 1] != '.'))
		n++;
	while (n && (p[n - 1] == '.' || p[n - 1] == '-'))
		n--;
	return n;
}

static void
split_path(struct parser *s, struct leaf *leaf)
{
	char *copy = ax_arena_str(&s->e->arena, leaf->metric), *p;
	size_t n = 1;

	for (p = copy; *p; p++)
		n += *p == '.';
	leaf->path = ax_arena_new(&s->e->arena, n + 1, sizeof(char *));
	for (n = 0, p = copy; p; n++) {
		leaf->path[n] = p;
		p = strchr(p, '.');
		if (p)
			*p++ = '\0';
	}
}

static int
parse_reference(struct parser *s)
{
	struct ax_err inner = AX_ERR_INIT;
	struct op op = {.kind = OP_REF};
	const struct ax_stage *stage;
	const json_t *listed;
	struct leaf leaf = {.n = 0};
	char *metric;
	size_t n;

	if (s->e->nleaves == MAX_REFS)
		return wrong(s, "too many references");
	if (ax_ref_parse(&leaf.ref, s->p, s->e->graph->index, &s->e->arena,
			 &inner) < 0)
		return wrong(s, inner.text);
	if (leaf.ref.entry->input)
		return wrong(s, "an input has no metrics, only a stage has");
	if (ax_ref_points(&leaf.ref, &leaf.which, &leaf.n, s->e->graph,
			  &s->e->arena, &inner) < 0)
		return wrong(s, inner.text);
	s->p = leaf.ref.rest;
	stage = leaf.ref.entry->stage;
	n = *s->p == '.' ? metric_length(s->p + 1) : 0;
	if (!n)
		return wrong(s, "'.' and the name of a metric must follow");
	metric = ax_strndup(s->p + 1, n);
	leaf.metric = ax_arena_str(&s->e->arena, metric);
	free(metric);
	split_path(s, &leaf);
	if (json_object_size(stage->metrics)) {
		listed = find_metric(stage->metrics, leaf.metric);
		if (!listed) {
			s->p++;
			return unknown_metric(s, stage, leaf.metric);
		}
		leaf.unit = json_string_value(json_object_get(listed, "unit"));
		if (leaf.unit && !*leaf.unit)
			leaf.unit = NULL;
	}
	s->p += n + 1;
	op.ref = s->e->nleaves;
	AX_GROW(s->e->leaves, s->e->nleaves, s->e->cleaves);
	s->e->leaves[s->e->nleaves++] = leaf;
	return emit(s, op);
}

static int parse_sum(struct parser *s);

static int
parse_coord(struct parser *s)
{
	struct op op = {.kind = OP_COORD};
	char *name;
	size_t n;

	skip_blanks(s);
	n = strcspn(s->p, " )\t\n");
	name = ax_strndup(s->p, n);
	if (!ax_name_ok(name)) {
		free(name);
		return wrong(s, "coord() wants the name of a coordinate");
	}
	op.name = ax_arena_str(&s->e->arena, name);
	free(name);
	s->p += n;
	skip_blanks(s);
	if (*s->p != ')')
		return wrong(s, "')' is missing");
	s->p++;
	return emit(s, op);
}

static int
parse_call(struct parser *s, const char *name)
{
	static const struct {
		const char *name;
		enum op_kind kind;
		bool several;
	} functions[] = {{"abs", OP_ABS, false},     {"sqrt", OP_SQRT, false},
			 {"log10", OP_LOG10, false}, {"round", OP_ROUND, false},
			 {"min", OP_MIN, true},      {"max", OP_MAX, true}};
	static const char *const names[] = {"abs",   "min",   "max",  "sqrt",
					    "log10", "round", "coord"};
	struct op op = {.count = 1};
	char *hint, *text;
	size_t f;
	int rc;

	if (strcmp(name, "coord") == 0)
		return parse_coord(s);
	for (f = 0; f < AX_LEN(functions); f++)
		if (strcmp(functions[f].name, name) == 0)
			break;
	if (f == AX_LEN(functions)) {
		hint = ax_suggest(name, names, AX_LEN(names), "there are");
		s->p -= strlen(name) + 1;
		text = ax_asprintf("unknown function '%.60s'%s", name, hint);
		rc = wrong(s, text);
		free(text);
		free(hint);
		return rc;
	}
	if (parse_sum(s) < 0)
		return -1;
	while (*s->p == ',' && functions[f].several) {
		s->p++;
		op.count++;
		if (parse_sum(s) < 0)
			return -1;
	}
	if (*s->p != ')')
		return wrong(s, "')' is missing");
	s->p++;
	op.kind = functions[f].kind;
	return emit(s, op);
}

static int
parse_name(struct parser *s)
{
	const char *p = s->p;
	char *name;
	size_t n = 0;
	int rc;

	while (isalnum((unsigned char)p[n]) || p[n] == '_' || p[n] == '-')
		n++;
	if (p[n] != '(')
		return parse_reference(s);
	name = ax_strndup(p, n);
	s->p += n + 1;
	rc = parse_call(s, name);
	free(name);
	return rc;
}

static int
parse_factor(struct parser *s)
{
	struct op neg = {.kind = OP_NEG};
	int rc;

	skip_blanks(s);
	if (++s->nesting > MAX_NESTING)
		return wrong(s, "nested deeper than 100 levels");
	if (*s->p == '-') {
		s->p++;
		rc = parse_factor(s) < 0 ? -1 : emit(s, neg);
	} else if (*s->p == '(') {
		s->p++;
		rc = parse_sum(s);
		if (rc == 0 && *s->p != ')')
			rc = wrong(s, "')' is missing");
		s->p += rc == 0;
	} else if (isdigit((unsigned char)*s->p) || *s->p == '.') {
		rc = parse_number(s);
	} else if (isalpha((unsigned char)*s->p)) {
		rc = parse_name(s);
	} else {
		rc = wrong(s, *s->p ? "a number, a reference or '(' is expected"
				    : "it ends too early");
	}
	s->nesting--;
	skip_blanks(s);
	return rc;
}

static int
parse_product(struct parser *s)
{
	struct op op = {.kind = OP_MUL};

	if (parse_factor(s) < 0)
		return -1;
	while (*s->p == '*' || *s->p == '/') {
		op.kind = *s->p++ == '*' ? OP_MUL : OP_DIV;
		if (parse_factor(s) < 0 || emit(s, op) < 0)
			return -1;
	}
	return 0;
}

static int
parse_sum(struct parser *s)
{
	struct op op = {.kind = OP_ADD};

	if (parse_product(s) < 0)
		return -1;
	while (*s->p == '+' || *s->p == '-') {
		op.kind = *s->p++ == '+' ? OP_ADD : OP_SUB;
		if (parse_product(s) < 0 || emit(s, op) < 0)
			return -1;
	}
	return 0;
}

static int
join_leaves(struct parser *s)
{
	static const struct ax_coords none = {NULL, 0};
	struct ax_err inner = AX_ERR_INIT;
	struct ax_expr *e = s->e;

	ax_rows_start(&e->rows, &none, 1, &e->arena);
	for (size_t i = 0; i < e->nleaves; i++)
		if (ax_rows_join(&e->rows, &e->leaves[i].ref,
				 e->leaves[i].which, e->leaves[i].n,
				 AX_MAX_POINTS, &e->arena, &inner) < 0)
			return wrong(s, inner.text);
	if (!e->rows.n)
		return wrong(s, "its references have no coordinates in common");
	for (size_t i = 0; i < e->nops; i++) {
		if (e->ops[i].kind != OP_COORD)
			continue;
		for (size_t k = 0; k < e->rows.n; k++) {
			if (ax_point_get(&e->rows.list[k].point,
					 e->ops[i].name))
				continue;
			return ax_err_set(
				s->err, AX_EXIT_USAGE,
				"in the expression '%.200s': coord(%s) names "
				"no coordinate of its points",
				s->text, e->ops[i].name);
		}
	}
	return 0;
}

static int
parse_whole(struct parser *s, const char *text)
{
	s->text = s->p = text;
	if (strlen(text) > MAX_TEXT)
		return ax_err_set(s->err, AX_EXIT_USAGE,
				  "an expression of more than %d characters",
				  MAX_TEXT);
	if (parse_sum(s) < 0)
		return -1;
	if (*s->p)
		return wrong(s, "an operator (+ - * /) or the end is expected");
	return 0;
}

int
ax_expr_parse_over(struct ax_expr **out, const char *text, const char *over,
		   const struct ax_graph *g, struct ax_err *err)
{
	struct parser s = {NULL, text, text, 0, err};
	int rc = 0;

	*out = NULL;
	s.e = ax_calloc(1, sizeof(*s.e));
	s.e->graph = g;
	if (over) {
		/* its references stay and give the points, its value goes */
		rc = parse_whole(&s, over);
		s.e->nops = s.e->depth = 0;
	}
	if (rc == 0)
		rc = parse_whole(&s, text);
	if (rc == 0)
		rc = join_leaves(&s);
	if (rc < 0)
		ax_expr_free(s.e);
	else
		*out = s.e;
	return rc;
}

int
ax_expr_parse(struct ax_expr **out, const char *text, const struct ax_graph *g,
	      struct ax_err *err)
{
	return ax_expr_parse_over(out, text, NULL, g, err);
}

void
ax_expr_free(struct ax_expr *e)
{
	if (!e)
		return;
	ax_rows_free(&e->rows);
	ax_arena_free(&e->arena);
	free(e->ops);
	free(e->leaves);
	free(e);
}

const char *
ax_expr_unit(const struct ax_expr *e)
{
	return e->nops == 1 && e->nleaves == 1 ? e->leaves[0].unit : NULL;
}

/* --- evaluation
 * ------------------------------------------------------------------ */

/* Integers stay exact as long as only + - * abs min max round touch them. */
struct number {
	double d;
	int64_t i;
	bool whole;
};

static struct number
real(double d)
{
	struct number n = {d, 0, false};

	return n;
}

static struct number
whole(int64_t i)
{
	struct number n = {(double)i, i, true};

	return n;
}

static struct number
arith(enum op_kind kind, struct number a, struct number b)
{
	int64_t i = 0;
	bool fits = false;

	if (a.whole && b.whole && kind == OP_ADD)
		fits = !__builtin_add_overflow(a.i, b.i, &i);
	else if (a.whole && b.whole && kind == OP_SUB)
		fits = !__builtin_sub_overflow(a.i, b.i, &i);
	else if (a.whole && b.whole && kind == OP_MUL)
		fits = !__builtin_mul_overflow(a.i, b.i, &i);
	if (fits)
		return whole(i);
	switch (kind) {
	case OP_ADD:
		return real(a.d + b.d);
	case OP_SUB:
		return real(a.d - b.d);
	case OP_MUL:
		return real(a.d * b.d);
	default:
		return real(a.d / b.d);
	}
}

static struct number
unary(enum op_kind kind, struct number a)
{
	double d;

	switch (kind) {
	case OP_NEG:
		if (a.whole && a.i != INT64_MIN)
			return whole(-a.i);
		return real(-a.d);
	case OP_ABS:
		if (a.whole && a.i != INT64_MIN)
			return whole(a.i < 0 ? -a.i : a.i);
		return real(fabs(a.d));
	case OP_ROUND:
		if (a.whole)
			return a;
		d = round(a.d);
		return fabs(d) < 9e15 ? whole((int64_t)d) : real(d);
	case OP_SQRT:
		return real(sqrt(a.d));
	default:
		return real(log10(a.d));
	}
}

static json_t *
walk(json_t *metrics, char *const *path)
{
	json_t *v = metrics;
	char *end;
	unsigned long i;

	for (; *path && v; path++) {
		if (json_is_array(v)) {
			i = strtoul(*path, &end, 10);
			v = end != *path && !*end ? json_array_get(v, i) : NULL;
		} else {
			v = json_object_get(v, *path);
		}
	}
	return v;
}

/* The metric of one leaf at one row: borrowed, or NULL with a reason. */
static json_t *
fetch(const struct ax_expr *e, const struct ax_row *row, size_t leaf,
      ax_metrics_fn metrics, void *arg, char **why)
{
	const struct leaf *l = &e->leaves[leaf];
	const struct ax_node *node = l->ref.entry->nodes[row->picks[leaf + 1]];
	json_t *all = metrics ? metrics(arg, node) : NULL, *v;

	if (!all) {
		*why = ax_asprintf("%s did not run", node->name);
		return NULL;
	}
	v = json_object_get(all, l->metric); /* a dotted key as it is */
	if (!v)
		v = walk(all, l->path);
	if (!v) {
		*why = ax_asprintf("%s has no metric %s", node->name,
				   l->metric);
	} else if (json_is_null(v)) {
		*why = ax_asprintf("%s of %s does not exist (null)", l->metric,
				   node->name);
		v = NULL;
	} else if (json_is_object(v) || json_is_array(v)) {
		*why = ax_asprintf("%s of %s is %s, not a number", l->metric,
				   node->name, ax_type_name(v));
		v = NULL;
	}
	return v;
}

static int
to_number(struct number *out, const json_t *v, const char *what, char **why)
{
	if (json_is_integer(v))
		*out = whole(json_integer_value(v));
	else if (json_is_real(v))
		*out = real(json_real_value(v));
	else if (json_is_boolean(v))
		*out = whole(json_is_true(v));
	else {
		*why = ax_asprintf("%s is %s, not a number", what,
				   ax_type_name(v));
		return -1;
	}
	return 0;
}

/* One operation on the stack of `n` numbers; 0, or -1 with a reason. */
static int
step(const struct ax_expr *e, const struct op *op, const struct ax_row *row,
     struct number *stack, size_t *n, ax_metrics_fn metrics, void *arg,
     char **why)
{
	const json_t *v;
	struct number best;

	switch (op->kind) {
	case OP_NUMBER:
		stack[(*n)++] =
			op->whole ? whole(op->integer) : real(op->number);
		return 0;
	case OP_REF:
		v = fetch(e, row, op->ref, metrics, arg, why);
		if (!v)
			return -1;
		return to_number(&stack[(*n)++], v, e->leaves[op->ref].metric,
				 why);
	case OP_COORD:
		v = NULL;
		for (size_t i = 0; i < row->point.n; i++)
			if (strcmp(row->point.c[i].name, op->name) == 0)
				v = row->point.c[i].json;
		return to_number(&stack[(*n)++], v, op->name, why);
	case OP_ADD:
	case OP_SUB:
	case OP_MUL:
	case OP_DIV:
		--*n;
		if (op->kind == OP_DIV && stack[*n].d == 0) {
			*why = ax_strdup("division by zero");
			return -1;
		}
		stack[*n - 1] = arith(op->kind, stack[*n - 1], stack[*n]);
		return 0;
	case OP_MIN:
	case OP_MAX:
		*n -= op->count - 1;
		best = stack[*n - 1];
		for (size_t i = 1; i < op->count; i++) {
			struct number x = stack[*n - 1 + i];

			if (op->kind == OP_MIN ? x.d < best.d : x.d > best.d)
				best = x;
		}
		stack[*n - 1] = best;
		return 0;
	default:
		stack[*n - 1] = unary(op->kind, stack[*n - 1]);
		return 0;
	}
}

static void
evaluate(struct ax_point *out, const struct ax_expr *e,
	 const struct ax_row *row, struct number *stack, ax_metrics_fn metrics,
	 void *arg)
{
	size_t n = 0;
	json_t *v;

	/* a single reference may also be a string */
	if (e->nops == 1 && e->ops[0].kind == OP_REF) {
		v = fetch(e, row, e->ops[0].ref, metrics, arg, &out->missing);
		if (json_is_boolean(v))
			out->value = json_integer(json_is_true(v));
		else
			out->value = json_incref(v);
		return;
	}
	if (e->nops == 1 && e->ops[0].kind == OP_COORD) {
		for (size_t i = 0; i < row->point.n; i++)
			if (ax_streq(row->point.c[i].name, e->ops[0].name))
				out->value = json_incref(row->point.c[i].json);
		return;
	}
	for (size_t i = 0; i < e->nops; i++)
		if (step(e, &e->ops[i], row, stack, &n, metrics, arg,
			 &out->missing) < 0)
			return;
	if (stack[0].whole)
		out->value = json_integer(stack[0].i);
	else if (isfinite(stack[0].d))
		out->value = json_real(stack[0].d);
	else
		out->missing = ax_strdup("the result is not a finite number");
}

int
ax_expr_eval(struct ax_values *out, const struct ax_expr *e,
	     ax_metrics_fn metrics, void *arg, struct ax_err *err)
{
	struct number *stack = ax_calloc(e->max_depth + 1, sizeof(*stack));

	(void)err; /* what is missing is said point by point */
	out->n = e->rows.n;
	out->points = ax_calloc(out->n, sizeof(*out->points));
	for (size_t i = 0; i < out->n; i++) {
		const struct ax_row *row = &e->rows.list[i];

		out->points[i].coords = ax_point_json(&row->point);
		evaluate(&out->points[i], e, row, stack, metrics, arg);
	}
	free(stack);
	return 0;
}

void
ax_values_free(struct ax_values *v)
{
	for (size_t i = 0; i < v->n; i++) {
		json_decref(v->points[i].coords);
		json_decref(v->points[i].value);
		free(v->points[i].missing);
	}
	free(v->points);
	memset(v, 0, sizeof(*v));
}
