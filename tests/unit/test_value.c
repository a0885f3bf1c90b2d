/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions over the metrics of nodes. */
#include <jansson.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/manifest/value.h"
#include "tests/lib/tap.h"

static struct ax_graph *graph;

/* Metrics by node name, as a run would have them. */
static json_t *
metrics_of(void *arg, const struct ax_node *node)
{
	return json_object_get(arg, node->name);
}

/* "coords=value coords=value", or the error. Caller frees. */
static char *
eval(const char *text, json_t *metrics)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_str s = AX_STR_INIT;
	struct ax_values v;
	struct ax_expr *e;

	if (ax_expr_parse(&e, text, graph, &err) < 0)
		return ax_strdup(err.text);
	if (ax_expr_eval(&v, e, metrics_of, metrics, &err) < 0) {
		ax_expr_free(e);
		return ax_strdup(err.text);
	}
	for (size_t i = 0; i < v.n; i++) {
		if (i)
			ax_str_addc(&s, ' ');
		if (json_object_size(v.points[i].coords)) {
			char *name = ax_coord_name("", v.points[i].coords);

			ax_str_addf(&s, "%s=", name);
			free(name);
		}
		if (v.points[i].value)
			ax_json_canonical(&s, v.points[i].value);
		else
			ax_str_addf(&s, "(%s)", v.points[i].missing);
	}
	ax_values_free(&v);
	ax_expr_free(e);
	return ax_str_take(&s);
}

static void
test_values(json_t *metrics)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"1", "1"},
		{"1.5", "1.5"},
		{"-2 + 3 * 4", "10"},
		{"(-2 + 3) * 4", "4"},
		{"2 - 3 - 4", "-5"},
		{"12 / 4 / 3", "1"},
		{"- - 2", "2"},
		{"1e3 + .5", "1000.5"},
		{"abs(-3) + sqrt(16) + log10(1000) + round(2.5)", "13"},
		{"min(3, 1, 2) + max(1, 3, 2)", "4"},
		{"9007199254740993 - 1", "9007199254740992"},
		{"synth.area", "2.5"},
		{"synth.cells.NAND", "7"},
		{"synth.list.1", "20"},
		{"synth.done", "1"},
		{"synth.done + 1", "2"},
		{"synth.word", "\"fast\""},
		{"synth.word + 1", "(word is a string, not a number)"},
		{"synth.none", "(none of synth does not exist (null))"},
		{"synth.list", "(list of synth is a list, not a number)"},
		{"synth.absent", "(synth has no metric absent)"},
		{"synth.area / 0", "(division by zero)"},
		{"sqrt(0 - 1)", "(the result is not a finite number)"},
		{"synth.big + 1", "9007199254740994"},
		{"a[x=1,y=1].m", "11"},
		{"a.m", "[x=1,y=1]=11 [x=1,y=2]=12 [x=2,y=1]=21 [x=2,y=2]=22"},
		{"a[*].m - a[x=1,y=1].m",
		 "[x=1,y=1]=0 [x=1,y=2]=1 [x=2,y=1]=10 [x=2,y=2]=11"},
		{"a[x=1].m", "[y=1]=11 [y=2]=12"},
		{"a[x=1,y=*].m", "[y=1]=11 [y=2]=12"},
		{"a[x=1].m + a[x=2].m", "[y=1]=32 [y=2]=34"},
		{"a.m + b.m", "[x=1,y=1]=111 [x=1,y=2]=112 [x=2,y=1]=(b[x=2] "
			      "did not run) [x=2,y=2]=(b[x=2] did not run)"},
		{"b.m", "[x=1]=100 [x=2]=(b[x=2] did not run)"},
		{"coord(x) * 10 + 0 * a[y=2].m", "[x=1]=10 [x=2]=20"},
		{"100 * (1 - a[x=1,y=1].m / 22)", "50"},
	};

	for (size_t i = 0; i < AX_LEN(cases); i++) {
		char *got = eval(cases[i].text, metrics);

		is_str(got, cases[i].want, "%s", cases[i].text);
		free(got);
	}
}

static void
test_errors(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"", "it ends too early"},
		{"1 +", "it ends too early"},
		{"(1", "')' is missing"},
		{"1)", "an operator (+ - * /) or the end is expected"},
		{"1 2", "an operator"},
		{"* 2", "is expected"},
		{"1e999", "this is no number"},
		{"2x", "cannot follow a number"},
		{"a", "'.' and the name of a metric must follow"},
		{"a.", "'.' and the name of a metric must follow"},
		{"a[x=1.m", "a value and ']' must follow 'x='"},
		{"a[].m", "is no selection"},
		{"a[z=1].m", "'a' has no coordinate 'z'"},
		{"a[x=3].m", "its values are 1, 2"},
		{"c.m", "neither an input nor a stage"},
		{"sqrt(1, 2)", "')' is missing"},
		{"coord(1)", "coord() wants the name of a coordinate"},
		{"synth.area + coord(x)", "names no coordinate"},
		{"strict.nope", "has no metric 'nope'; it has known"},
	};
	struct ax_str deep = AX_STR_INIT;
	char *got;

	for (size_t i = 0; i < AX_LEN(cases); i++) {
		got = eval(cases[i].text, NULL);
		if (!ok(strstr(got, cases[i].want), "error of '%s'",
			cases[i].text))
			printf("# got %s\n", got);
		free(got);
	}
	for (int i = 0; i < 50000; i++)
		ax_str_addc(&deep, '-');
	got = eval(deep.buf, NULL);
	ok(strstr(got, "nested deeper"), "hostile nesting stops");
	free(got);
	ax_str_clear(&deep);
	for (int i = 0; i < 20000; i++)
		ax_str_add(&deep, "1+");
	ax_str_addc(&deep, '1');
	got = eval(deep.buf, NULL);
	ok(strstr(got, "too long"), "hostile length stops");
	free(got);
	ax_str_free(&deep);
}

static void
put(const char *folder, const char *name, const char *text)
{
	struct ax_err err = AX_ERR_INIT;
	char *path = ax_join(folder, name), *dir = ax_dirname(path);

	if (ax_mkdirs(dir, &err) < 0 ||
	    ax_write_plain(path, text, strlen(text), &err) < 0)
		printf("# %s\n", err.text);
	free(dir);
	free(path);
}

int
main(void)
{
	char folder[] = "/tmp/axpipe-value.XXXXXX", *path, *dir;
	struct ax_err err = AX_ERR_INIT;
	struct ax_expr *e = NULL;
	struct ax_stages stages;
	const char *dirs[1];
	json_t *metrics;

	if (!mkdtemp(folder))
		return 1;
	put(folder, "stages/any/stage.json",
	    "{\"name\":\"any\",\"version\":1,\"summary\":\"s\",\"outputs\":{"
	    "\"o\":{\"type\":\"any\"}},"
	    "\"inputs\":{\"i\":{\"type\":\"any\",\"required\":false}}}");
	put(folder, "stages/known/stage.json",
	    "{\"name\":\"known\",\"version\":1,\"summary\":\"s\",\"outputs\":{"
	    "\"o\":{\"type\":\"any\"}},"
	    "\"metrics\":{\"known\":{\"unit\":\"um\"},\"many.*\":{}}}");
	put(folder, "m.json",
	    "{\"axpipe\":1,\"name\":\"v\",\"stages\":{\"synth\":{\"stage\":"
	    "\"any\"},\"strict\":{\"stage\":\"known\"},"
	    "\"a\":{\"stage\":\"any\",\"matrix\":{\"x\":[1,2],\"y\":[1,2]}},"
	    "\"b\":{\"stage\":\"any\",\"matrix\":{\"x\":[1,2]}}}}");
	dir = ax_join(folder, "stages");
	path = ax_join(folder, "m.json");
	dirs[0] = dir;
	metrics = json_loads("{\"synth\":{\"area\":2.5,\"cells\":{\"NAND\":7},"
			     "\"list\":[10,20],\"done\":true,\"word\":\"fast\","
			     "\"none\":null,\"big\":9007199254740993},"
			     "\"a[x=1,y=1]\":{\"m\":11},\"a[x=1,y=2]\":{\"m\":"
			     "12},\"a[x=2,y=1]\":{\"m\":21},\"a[x=2,y=2]\":{"
			     "\"m\":22},\"b[x=1]\":{\"m\":100}}",
			     0, NULL);
	if (ax_stages_load(&stages, dirs, 1, &err) < 0 ||
	    ax_graph_load(&graph, path, &stages, NULL, 0, &err) < 0) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	test_values(metrics);
	test_errors();
	ok(ax_expr_parse(&e, "strict.known", graph, &err) == 0,
	   "a listed metric");
	is_str(e ? ax_expr_unit(e) : NULL, "um", "has its unit");
	ax_expr_free(e);
	e = NULL;
	ok(ax_expr_parse(&e, "strict.many.deep.er", graph, &err) == 0,
	   "a metric below a star");
	ax_expr_free(e);
	e = NULL;
	ok(ax_expr_parse(&e, "2 * strict.known", graph, &err) == 0 &&
		   !ax_expr_unit(e),
	   "a computed value has no unit");
	ax_expr_free(e);
	json_decref(metrics);
	ax_graph_free(graph);
	ax_stages_free(&stages);
	ax_rmtree(folder, &err);
	free(dir);
	free(path);
	return tap_done();
}
