/* SPDX-License-Identifier: Apache-2.0 */
/* From a manifest to its graph: sweeps, wiring, parameters, errors. */
#include <jansson.h>
#include <unistd.h>

#include "artifacts/base/base.h"
#include "artifacts/base/io.h"
#include "pipeline/manifest/graph.h"
#include "pipeline/manifest/subst.h"
#include "tests/lib/tap.h"

static struct ax_stages stages;
static char folder[] = "/tmp/axpipe-manifest.XXXXXX";

static struct ax_graph *
load_file(const char *path, const char *set, struct ax_err *err)
{
	struct ax_graph *g = NULL;

	ax_err_clear(err);
	ax_graph_load(&g, path, &stages, &set, set ? 1 : 0, err);
	return g;
}

/* A manifest with these members. */
static struct ax_graph *
load_text(const char *members, const char *set, struct ax_err *err)
{
	char *path = ax_join(folder, "m.json");
	char *text = ax_asprintf("{\"axpipe\":1,\"name\":\"t\",%s}", members);
	struct ax_graph *g = NULL;

	if (ax_write_plain(path, text, strlen(text), err) == 0)
		g = load_file(path, set, err);
	free(text);
	free(path);
	return g;
}

static char *
node_list(const struct ax_graph *g, const char *selector)
{
	struct ax_str s = AX_STR_INIT;
	struct ax_err err = AX_ERR_INIT;
	struct ax_node **nodes;
	size_t n;

	if (ax_graph_select(g, selector, &nodes, &n, &err) < 0)
		return ax_strdup(err.text);
	for (size_t i = 0; i < n; i++)
		ax_str_addf(&s, "%s%s", i ? " " : "", nodes[i]->name);
	free(nodes);
	return ax_str_take(&s);
}

static void
is_nodes(const struct ax_graph *g, const char *selector, const char *want)
{
	char *got = node_list(g, selector);

	is_str(got, want, "nodes of %s", selector);
	free(got);
}

static const struct ax_node *
node(const struct ax_graph *g, const char *name)
{
	return ax_map_get(&g->by_name, name);
}

static void
is_json(const json_t *got, const char *want, const char *what)
{
	struct ax_str s = AX_STR_INIT;

	if (got)
		ax_json_canonical(&s, got);
	is_str(s.buf, want, "%s", what);
	ax_str_free(&s);
}

static void
is_links(const struct ax_graph *g, const char *name, const char *want)
{
	const struct ax_node *n = node(g, name);
	struct ax_str s = AX_STR_INIT;

	for (size_t i = 0; n && i < n->nwires; i++) {
		const struct ax_wire *w = &n->wires[i];

		ax_str_addf(&s, "%s%s:", i ? " " : "", w->port->name);
		for (size_t k = 0; k < w->n; k++)
			ax_str_addf(&s, "%s%s%s%s", k ? "+" : "",
				    w->links[k].node ? w->links[k].node->name
						     : w->links[k].source->name,
				    w->links[k].node ? "." : "",
				    w->links[k].node ? w->links[k].output->name
						     : "");
	}
	is_str(s.buf, want, "wires of %s", name);
	ax_str_free(&s);
}

static void
test_good(void)
{
	const char *src = getenv("AXPIPE_SRC");
	char *path = ax_asprintf("%s/tests/cli/manifests/good.json",
				 src ? src : "."),
	     *again;
	struct ax_err err = AX_ERR_INIT;
	struct ax_graph *g = load_file(path, NULL, &err), *g2;
	struct ax_str a = AX_STR_INIT, b = AX_STR_INIT;
	const struct ax_node *n;
	json_t *v;
	size_t bad = 0;

	ok(g != NULL, "the manifest of all features loads");
	if (!g) {
		printf("# %s\n", err.text);
		free(path);
		return;
	}
	is_nodes(g, "synth", "synth");
	is_nodes(g, "evolve",
		 "evolve[seed=1,wce=0.001] evolve[seed=2,wce=0.001] "
		 "evolve[seed=1,wce=0.005] "
		 "evolve[seed=2,wce=0.005] evolve[seed=1,wce=0.02] "
		 "evolve[seed=2,wce=0.02]");
	is_nodes(g, "evolve[seed=2,wce=*]",
		 "evolve[seed=2,wce=0.001] evolve[seed=2,wce=0.005] "
		 "evolve[seed=2,wce=0.02]");
	is_nodes(g, "again[seed=1, wce=5e-3]", "again[seed=1,wce=0.005]");
	is_nodes(g, "best", "best");
	is_nodes(g, "half", "half[wce=0.001] half[wce=0.005] half[wce=0.02]");
	is_nodes(g, "pick",
		 "pick[wce=0.001,who=ours] pick[wce=0.005,who=ours] "
		 "pick[wce=0.02,who=ours] pick[who=theirs]");
	is_nodes(g, "zipped",
		 "zipped[a=1,b=x,width=4] zipped[a=1,b=x,width=8] "
		 "zipped[a=2,b=y,width=8] zipped[a=3,b=y,width=8]");
	is_nodes(g, "sum", "sum[wce=0.001] sum[wce=0.005] sum[wce=0.02]");
	is_links(g, "best", "netlist:evolve[seed=2,wce=0.001].netlist");
	is_links(g, "joined[seed=2,wce=0.02]",
		 "netlist:again[seed=2,wce=0.02].netlist "
		 "extra:half[wce=0.02].history");
	is_links(g, "sum[wce=0.005]",
		 "all:evolve[seed=1,wce=0.005].netlist+evolve[seed=2,wce=0.005]"
		 ".netlist+table[rw=0.001]+table[rw=0.002] "
		 "ref:half[wce=0.005].netlist");
	is_links(g, "pick[who=theirs]", "netlist:synth.netlist");
	n = node(g, "synth");
	is_json(n->params,
		"{\"label\":\"w8\",\"list\":[1,2],\"mode\":\"fast\",\"signed\":"
		"true,\"width\":8}",
		"parameters are complete and canonical");
	is_int(n->cpus, 2, "resources of the stage");
	n = node(g, "evolve[seed=2,wce=0.02]");
	is_json(n->params, "{\"seed\":2,\"wce\":0.02}",
		"coordinates set parameters");
	is_json(n->coords, "{\"seed\":2,\"wce\":0.02}", "coordinates");
	is_int(n->cpus, 0, "resources of the entry: cpus");
	is_int(n->memory, 1073741824, "resources of the entry: memory");
	is_json(node(g, "again[seed=2,wce=0.005]")->params,
		"{\"seed\":20,\"wce\":0.005}", "$by and ${} of coordinates");
	is_json(node(g, "half[wce=0.02]")->params, "{\"seed\":0,\"wce\":0}",
		"coordinates of a source set no parameters");
	is_json(node(g, "leaf")->params, "{\"need\":3,\"shape\":{}}",
		"1.0 becomes 1, objects have defaults");
	is_int(g->nsources, 4, "sources");
	is_str(((struct ax_source *)ax_map_get(&g->source_by_name,
					       "table[rw=0.002]"))
		       ->url,
	       "https://example.org/0.002.csv", "a swept input");
	ok(ax_ends(((struct ax_source *)ax_map_get(&g->source_by_name, "part"))
			   ->path,
		   "manifests/more/data/part.txt"),
	   "a path is relative to the file that names it");
	ok(!((struct ax_source *)ax_map_get(&g->source_by_name, "part"))
			   ->used &&
		   ((struct ax_source *)ax_map_get(&g->source_by_name, "rtl"))
			   ->used,
	   "which sources are used is known");
	for (size_t i = 0; i < g->n; i++) {
		bad += g->nodes[i]->index != i;
		for (size_t k = 0; k < g->nodes[i]->nwires; k++)
			for (size_t j = 0; j < g->nodes[i]->wires[k].n; j++) {
				const struct ax_node *from =
					g->nodes[i]->wires[k].links[j].node;

				bad += from && from->index >= i;
			}
	}
	is_int(bad, 0, "nodes come after what they need");
	is_json(json_object_get(json_array_get(g->figures, 0), "title"),
		"\"T 8\"", "variables in figures");
	v = NULL;
	ok(ax_subst_point(&v, json_array_get(g->claims, 0),
			  node(g, "half[wce=0.005]")->coords, &err) == 0,
	   "a claim at a point");
	is_json(v,
		"{\"equals\":2,\"figure\":\"F\",\"note\":\"at 0.005 of "
		"8\",\"value\":\"half.transistors\"}",
		"a claim at a point has its number");
	json_decref(v);

	/* what provenance keeps can be run again, and means the same */
	again = ax_join(folder, "again.json");
	ax_write_file(again, g->resolved, strlen(g->resolved), &err);
	g2 = load_file(again, NULL, &err);
	ok(g2 != NULL, "the resolved manifest loads");
	if (!g2) {
		printf("# %s\n", err.text);
	} else {
		v = ax_graph_resolved(g);
		ax_json_canonical(&a, v);
		json_decref(v);
		v = ax_graph_resolved(g2);
		ax_json_canonical(&b, v);
		json_decref(v);
		is_str(b.buf, a.buf, "and resolves to itself");
		bad = g->n != g2->n;
		for (size_t i = 0; i < g->n && !bad; i++) {
			n = node(g2, g->nodes[i]->name);
			bad += !n ||
			       !json_equal(n->params, g->nodes[i]->params);
		}
		is_int(bad, 0, "with the same nodes and parameters");
	}
	ax_graph_free(g2);
	free(again);
	ax_str_free(&a);
	ax_str_free(&b);
	ax_graph_free(g);

	g = load_file(path, "width=4", &err);
	ok(g && json_integer_value(json_object_get(node(g, "synth")->params,
						   "width")) == 4,
	   "--set");
	is_json(g ? json_object_get(node(g, "synth")->params, "label") : NULL,
		"\"w4\"", "--set reaches variables that use it");
	ax_graph_free(g);
	g = load_file(path, "bounds=[0.5]", &err);
	ok(!g && strstr(err.text, "wce=0.001"),
	   "--set that takes a point away is caught where it is used");
	g = load_file(path, "widht=4", &err);
	is_str(err.text,
	       "--set: the manifest declares no variable 'widht'; did you mean "
	       "'width'?",
	       "--set of an unknown variable");
	ax_graph_free(g);
	free(path);
}

/* Each NAME.json of the folder has NAME.expect: a line the error contains. */
static void
test_golden(void)
{
	const char *src = getenv("AXPIPE_SRC");
	char *dir = ax_asprintf("%s/tests/cli/manifests", src ? src : ".");
	struct ax_err err = AX_ERR_INIT;
	char **names, *path, *want;
	struct ax_graph *g;
	size_t n, len, seen = 0;

	/* so that messages name files without a folder */
	if (chdir(dir) < 0 || ax_list_dir(&names, &n, ".", 10000, &err) < 0) {
		ok(0, "the folder of golden errors: %s", err.text);
		free(dir);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (!ax_ends(names[i], ".expect"))
			continue;
		path = ax_strdup(names[i]);
		if (ax_read_file(&want, &len, path, 65536, &err) < 0) {
			ok(0, "%s", err.text);
			free(path);
			continue;
		}
		while (len && want[len - 1] == '\n')
			want[--len] = '\0';
		memcpy(path + strlen(path) - 7, ".json", 6);
		g = load_file(path, NULL, &err);
		is_str(g ? "(no error)" : err.text, want, "%s", names[i]);
		is_int(g ? 0 : err.exit, AX_EXIT_USAGE, "%s: exit code",
		       names[i]);
		seen++;
		ax_graph_free(g);
		free(want);
		free(path);
	}
	ok(seen > 60, "there are golden errors (%zu)", seen);
	ax_free_list(names, n);
	free(dir);
}

static void
test_large(void)
{
	struct ax_err err = AX_ERR_INIT;
	struct ax_str s = AX_STR_INIT;
	struct ax_graph *g;
	double start;

	/* two chains and a fan-in over 10,000 entries */
	ax_str_add(&s, "\"stages\":{\"s0\":{\"stage\":\"make\"}");
	for (int i = 1; i < 10000; i++)
		ax_str_addf(
			&s,
			",\n\"s%d\":{\"stage\":\"twist\",\"in\":{\"netlist\":"
			"\"s%d.netlist\"},\"params\":{\"seed\":%d}}",
			i, i > 1 ? i / 2 : 0, i);
	ax_str_add(&s, "}");
	start = ax_now();
	g = load_text(s.buf, NULL, &err);
	printf("# 10,000 entries: %.1f ms\n", 1e3 * (ax_now() - start));
	ok(g && g->n == 10000, "10,000 entries");
	if (!g)
		printf("# %s\n", err.text);
	start = ax_now();
	ax_graph_free(g);
	printf("# freed in %.1f ms\n", 1e3 * (ax_now() - start));
	ax_str_clear(&s);
	ax_str_add(&s, "\"vars\":{\"v\":[0");
	for (int i = 1; i < 100; i++)
		ax_str_addf(&s, ",%d.5", i);
	ax_str_add(
		&s,
		"]},\"stages\":{\"m\":{\"stage\":\"make\"},"
		"\"a\":{\"stage\":\"twist\",\"in\":{\"netlist\":\"m.netlist\"},"
		"\"matrix\":{\"x\":\"${v}\",\"y\":\"${v}\"}},"
		"\"b\":{\"stage\":\"twist\",\"in\":{\"netlist\":\"a.netlist\"}}"
		","
		"\"c\":{\"stage\":\"twist\",\"in\":{\"netlist\":\"a.netlist\","
		"\"extra\":\"b.netlist\"}},"
		"\"d\":{\"stage\":\"gather\",\"in\":{\"all\":\"c.netlist\"}},"
		"\"e\":{\"stage\":\"gather\",\"matrix\":{\"x\":\"${v}\"},"
		"\"in\":{\"all\":\"c.netlist\"}}}");
	start = ax_now();
	g = load_text(s.buf, NULL, &err);
	printf("# 30,102 nodes by sweeps: %.1f ms\n", 1e3 * (ax_now() - start));
	ok(g && g->n == 30102, "sweeps, joined and gathered");
	if (!g)
		printf("# %s\n", err.text);
	else
		ok(node(g, "d")->wires[0].n == 10000 &&
			   node(g, "e[x=7.5]")->wires[0].n == 100,
		   "gathering by coordinates");
	ax_graph_free(g);
	g = load_text("\"vars\":{\"a\":\"${b}${b}${b}${b}${b}${b}${b}${b}\","
		      "\"b\":\"${c}${c}${c}${c}${c}${c}${c}${c}\","
		      "\"c\":\"${d}${d}${d}${d}${d}${d}${d}${d}\",\"d\":\"${e}$"
		      "{e}${e}${e}${e}${e}${e}${e}\","
		      "\"e\":\"${f}${f}${f}${f}${f}${f}${f}${f}\",\"f\":"
		      "\"0123456789\"}",
		      NULL, &err);
	ok(!g && strstr(err.text, "grows over"), "a bomb of strings: %s",
	   err.text);
	ax_str_clear(&s);
	ax_str_add(&s, "\"vars\":{\"v0\":[0]");
	for (int i = 1; i < 60; i++)
		ax_str_addf(&s, ",\"v%d\":[\"${v%d}\",\"${v%d}\"]", i, i - 1,
			    i - 1);
	ax_str_add(&s, "}");
	g = load_text(s.buf, NULL, &err);
	ok(!g && strstr(err.text, "too large"), "a bomb of lists");
	ax_str_free(&s);
	g = load_text(
		"\"vars\":{\"v\":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,"
		"18,19]},\"stages\":{\"m\":{\"stage\":\"make\",\"matrix\":{"
		"\"a\":\"${v}\",\"b\":\"${v}\",\"c\":\"${v}\",\"d\":\"${v}\","
		"\"e\":\"${v}\"}}}",
		NULL, &err);
	ok(!g && strstr(err.text, "more than 1000000 points"),
	   "a bomb of points");
}

int
main(void)
{
	const char *src = getenv("AXPIPE_SRC");
	char *dir =
		ax_asprintf("%s/tests/cli/manifests/stages", src ? src : ".");
	const char *dirs[] = {dir};
	struct ax_err err = AX_ERR_INIT;

	if (!mkdtemp(folder) || ax_stages_load(&stages, dirs, 1, &err) < 0) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	test_good();
	test_golden();
	test_large();
	ax_stages_free(&stages);
	ax_rmtree(folder, &err);
	free(dir);
	return tap_done();
}
