/* SPDX-License-Identifier: Apache-2.0 */
/* A netlist in cells of a library, proven equal to what it was. */
#include "stages/eda/map/direct.h"
#include "stages/eda/tools/abc.h"
#include "stages/eda/tools/cells.h"
#include "stages/eda/tools/measure.h"
#include "stages/eda/tools/recipe.h"

#include "artifacts/base/io.h"
#include "artifacts/netlist/cover.h"
#include "artifacts/netlist/sim.h"

#define GENLIB "tmp/cells.genlib"
#define EXHAUSTIVE 20

struct job {
	struct ax_liberty lib;
	bool *keep;
	struct ax_netlist *net;  /* the input, in named kinds, live nodes */
	struct ax_netlist *best; /* cells */
	const char *recipe;
};

static int
load_input(struct job *j, struct ax_task *t, struct ax_err *err)
{
	const char *path = ax_task_in(t, "netlist"), *top;
	const char *source = ax_task_in(t, "source_liberty");
	struct ax_str warn = AX_STR_INIT;
	struct ax_netlist *net;
	struct ax_liberty lib;
	int rc;

	if (ax_tool_ident(t, "top", &top, err) < 0)
		return -1;
	if (source && ax_liberty_load(&lib, source, err) < 0)
		return -1;
	rc = ax_netlist_load(&net, path, AX_NET_AUTO, source ? &lib : &j->lib,
			     &warn, err);
	if (source)
		ax_liberty_free(&lib);
	if (warn.len)
		printf("%s", warn.buf);
	ax_str_free(&warn);
	if (rc < 0)
		return ax_err_wrap(err, "input netlist");
	ax_netlist_prune(net);
	ax_task_metric_int(t, "transistors_before",
			   ax_netlist_transistors(net));
	j->net = ax_netlist_expand(net);
	ax_netlist_free(net);
	ax_netlist_prune(j->net);
	free(j->net->name);
	j->net->name = ax_strdup(top);
	return 0;
}

/* Takes the candidate over, or frees it. */
static bool
consider(struct job *j, struct ax_netlist *candidate, const char *recipe,
	 enum ax_goal goal)
{
	double a[3], b[3];

	ax_netlist_prune(candidate);
	ax_goal_key(a, candidate, goal);
	printf("%-60s area %.10g, transistors %lld, depth %u\n", recipe,
	       ax_measure_area(candidate),
	       (long long)ax_netlist_transistors(candidate),
	       ax_netlist_depth(candidate));
	if (j->best) {
		ax_goal_key(b, j->best, goal);
		if (!ax_goal_better(a, b)) {
			ax_netlist_free(candidate);
			return false;
		}
		ax_netlist_free(j->best);
	}
	j->best = candidate;
	j->recipe = recipe;
	return true;
}

static int
write_genlib(const struct job *j, enum ax_goal goal, struct ax_err *err)
{
	struct ax_str s = AX_STR_INIT;
	int rc = ax_cells_genlib(&s, &j->lib, j->keep,
				 goal == AX_GOAL_TRANSISTORS, err);

	if (rc == 0)
		rc = ax_write_plain(GENLIB, s.buf, s.len, err);
	ax_str_free(&s);
	return rc;
}

static int
optimise(struct job *j, struct ax_task *t, struct ax_err *err)
{
	enum ax_goal goal = ax_goal_parse(ax_task_str(t, "objective"));
	const char *const *recipe = ax_recipes(goal);
	struct ax_netlist *from = NULL, *net;
	int64_t rounds = ax_task_int(t, "rounds");
	int total = 0, done = 0, rc = 0;

	while (recipe[total])
		total++;
	if (ax_cells_complete(&j->lib, j->keep, err) < 0 ||
	    write_genlib(j, goal, err) < 0)
		return -1;
	/* gate for gate takes part, where the cells for it were chosen */
	if (ax_map_direct(&net, j->net, &j->lib, j->keep, false, NULL) == 0)
		consider(j, net, "direct", goal);
	for (int64_t round = 0; round < rounds && rc == 0; round++) {
		bool better = false;

		from = round ? ax_netlist_copy(j->best) : j->net;
		for (int i = 0; recipe[i] && rc == 0; i++) {
			ax_task_progress(t, (double)(round * total + i),
					 (double)(rounds * total), "%s",
					 recipe[i]);
			rc = ax_abc_map(&net, t, from, GENLIB, &j->lib,
					recipe[i], err);
			if (rc > 0) {
				/* dies of one sequence: the others count */
				printf("skipped: %s\n", err->text);
				rc = 0;
				continue;
			}
			if (rc == 0) {
				better |= consider(j, net, recipe[i], goal);
				done++;
			}
		}
		if (round)
			ax_netlist_free(from);
		if (!better)
			break;
	}
	if (rc == 0 && !done)
		return ax_err_wrap(err, "every ABC sequence failed; the last");
	if (rc == 0)
		ax_err_clear(err);
	return rc;
}

static int
prove(struct job *j, struct ax_task *t, const struct ax_netlist *got,
      const char *what, struct ax_err *err)
{
	enum ax_verdict verdict;
	struct ax_str bits = AX_STR_INIT;
	uint64_t pattern = 0;
	uint32_t bit = 0;
	int equal;

	if (j->net->inputs > EXHAUSTIVE) {
		if (ax_abc_equal(&verdict, t, j->net, got, err) < 0)
			return -1;
		ax_task_metric_str(t, "equivalent", ax_verdict_name(verdict));
		ax_task_metric_str(t, "method", "cec");
		if (verdict == AX_PROVED)
			return 0;
		return ax_err_set(err, AX_EXIT_STAGE,
				  "%s: ABC's cec says %s (input equal to "
				  "result)",
				  what, ax_verdict_name(verdict));
	}
	equal = ax_netlist_equal(j->net, got, ax_task_pool(t), &pattern, &bit,
				 err);
	if (equal < 0)
		return -1;
	ax_task_metric_str(t, "equivalent",
			   ax_verdict_name(equal ? AX_PROVED : AX_REFUTED));
	ax_task_metric_str(t, "method", "all patterns");
	if (equal)
		return 0;
	for (uint32_t i = j->net->inputs; i-- > 0;)
		ax_str_addc(&bits, (char)('0' + (pattern >> i & 1)));
	ax_err_set(err, AX_EXIT_STAGE,
		   "%s differs from the input in output bit %u for inputs %s "
		   "(highest first)",
		   what, bit, bits.buf);
	ax_str_free(&bits);
	return -1;
}

/* Writes one form, reads it back, and proves what was read. */
static int
publish(struct job *j, struct ax_task *t, const char *output,
	enum ax_net_format format, const struct ax_str *text,
	struct ax_err *err)
{
	struct ax_netlist *back;
	int rc;

	if (ax_netlist_parse(&back, ax_task_out(t, output), text->buf,
			     text->len, format, &j->lib, NULL, err) < 0)
		return ax_err_wrap(err, "output %s does not read back", output);
	rc = prove(j, t, back, ax_task_out(t, output), err);
	ax_netlist_free(back);
	if (rc < 0)
		return -1;
	return ax_write_plain(ax_task_out(t, output), text->buf, text->len,
			      err);
}

static int
publish_all(struct job *j, struct ax_task *t, struct ax_err *err)
{
	struct ax_str v = AX_STR_INIT, b = AX_STR_INIT, d = AX_STR_INIT;
	struct ax_netlist *plain = ax_netlist_expand(j->best);
	int rc = -1;

	if (ax_netlist_write_cells(&v, j->best, err) == 0 &&
	    ax_netlist_write_blif(&b, j->best, true, err) == 0 &&
	    publish(j, t, "netlist", AX_NET_VERILOG, &v, err) == 0 &&
	    publish(j, t, "blif", AX_NET_BLIF, &b, err) == 0)
		rc = 0;
	/* the dump knows fewer gates: left out where it cannot say it */
	if (rc == 0 && ax_netlist_write_txt(&d, plain, NULL) == 0)
		rc = ax_write_plain(ax_task_out(t, "txt"), d.buf, d.len, err);
	ax_netlist_free(plain);
	ax_str_free(&v);
	ax_str_free(&b);
	ax_str_free(&d);
	return rc;
}

/* Merged into larger cells. */
static int
merge(struct job *j, bool transistors, struct ax_err *err)
{
	struct ax_cover_cells *k;
	struct ax_cover *v;
	int rc;

	if (ax_cover_cells_new(&k, &j->lib, j->keep, transistors, err) < 0)
		return -1;
	v = ax_cover_new(k);
	rc = ax_cover_netlist(v, j->net, err);
	if (rc == 0)
		j->best = ax_cover_write(v, j->net, &j->lib);
	ax_cover_free(v);
	ax_cover_cells_free(k);
	j->recipe = "cover";
	return rc;
}

static int
choose_cells(struct job *j, struct ax_task *t, bool cover, struct ax_err *err)
{
	json_t *names = ax_task_json(t, "cells");

	if (cover && json_array_size(names) == 0) {
		for (size_t i = 0; i < j->lib.cells; i++)
			j->keep[i] = ax_cover_takes(&j->lib.cell[i]);
		return 0;
	}
	return ax_cells_choose(j->keep, &j->lib, names, err);
}

int
ax_stage_run(struct ax_task *t, struct ax_err *err)
{
	bool direct = ax_streq(ax_task_str(t, "mode"), "direct");
	bool cover = ax_streq(ax_task_str(t, "mode"), "cover");
	bool small = ax_streq(ax_task_str(t, "objective"), "transistors");
	bool ties = ax_task_bool(t, "ties");
	struct job j = {.recipe = "direct"};
	int rc = -1;

	if (ax_mkdirs("tmp", err) < 0 ||
	    ax_liberty_load(&j.lib, ax_task_in(t, "liberty"), err) < 0)
		return -1;
	j.keep = ax_calloc(j.lib.cells + 1, sizeof(*j.keep));
	if (load_input(&j, t, err) < 0 || choose_cells(&j, t, cover, err) < 0)
		goto done;
	if (direct)
		rc = ax_map_direct(&j.best, j.net, &j.lib, j.keep, ties, err);
	else if (cover)
		rc = merge(&j, small, err);
	else
		rc = optimise(&j, t, err);
	if (rc == 0 && !direct && ties)
		rc = ax_map_ties(j.best, &j.lib, err);
	if (rc == 0 && (ax_measure_metrics(t, j.best, err) < 0 ||
			publish_all(&j, t, err) < 0))
		rc = -1;
	ax_task_metric_str(t, "recipe", j.recipe);
done:
	ax_netlist_free(j.net);
	ax_netlist_free(j.best);
	free(j.keep);
	ax_liberty_free(&j.lib);
	return rc;
}
